package config

import (
	"strings"
	"testing"
)

func TestValues(t *testing.T) {
	t.Parallel()
	c := Defaults("XA")
	c.Store = "postgres://comity:hunter2@db.xa.example/comity"
	c.Endpoints = []string{"https://one.xa.example", "https://two.xa.example"}
	found := map[string]Value{}
	for _, v := range c.Values() {
		found[v.Key] = v
	}
	if len(found) != len(settings()) {
		t.Fatalf("%d of %d settings", len(found), len(settings()))
	}
	if v := found["store"]; strings.Contains(v.Text, "hunter2") || !strings.Contains(v.Text, "db.xa.example") || !v.Own {
		t.Errorf("store: %+v", v)
	}
	if v := found["endpoints"]; v.Text != "https://one.xa.example, https://two.xa.example" || !v.Own {
		t.Errorf("endpoints: %+v", v)
	}
	if v := found["log_level"]; v.Own || v.Text == "" {
		t.Errorf("log_level: %+v", v)
	}
	if v := found["web_url"]; v.Text != "" || v.Own {
		t.Errorf("web_url: %+v", v)
	}
}
