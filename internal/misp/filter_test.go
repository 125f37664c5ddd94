package misp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/marking"
)

// TestSearchesAreBounded: a search has so many patterns and so much time.
func TestSearchesAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.brings(h.source, marking.Green, anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "Walnut.example", "")))
	list := func(n int, form string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(form, i))
		}
		return `{"value":["` + strings.Join(all, `","`) + `"]}`
	}
	for _, path := range []string{"/misp/attributes/restSearch", "/misp/events/restSearch"} {
		if a := h.posts(400, path, list(maxPatterns+1, "%%zz%d%%q%%")); !strings.Contains(a.body, "at most 100 words with %") {
			t.Errorf("%s", a.body)
		}
		h.posts(400, path, `{"tags":{"NOT":["`+strings.Repeat(`%a%","`, maxPatterns)+`%b"]}}`)
		h.posts(400, path, list(maxWords+1, "zz%d"))
		if a := h.posts(200, path, strings.Replace(list(maxPatterns, "%%zz%d%%q%%"), "%zz99%q%", "%LNUT.e%", 1)); !strings.Contains(a.body, "Walnut.example") {
			t.Errorf("%s", a.body)
		}
		h.misp.searching = time.Nanosecond
		if a := h.posts(503, path, `{"value":"%lnut%"}`); a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "takes longer than 30 seconds") {
			t.Errorf("%s", a.body)
		}
		h.misp.searching = maxSearching
	}
}

// TestWords: what a filter lets through.
func TestWords(t *testing.T) {
	t.Parallel()
	for filter, values := range map[string]map[string]bool{
		`"Walnut"`:                    {"walnut": true, "WALNUT": true, "walnuts": false, "": false},
		`"wal%"`:                      {"walnut": true, "Wal": true, "xwal": false},
		`"%NUT"`:                      {"walnut": true, "nut": true, "nuts": false},
		`"a%b%c"`:                     {"abc": true, "axxbxxc": true, "acb": false, "ab": false},
		`"%"`:                         {"": true, "x": true},
		`["a","b%"]`:                  {"a": true, "bee": true, "aa": false},
		`["!a","!b%"]`:                {"a": false, "bee": false, "c": true},
		`"a%&&%b"`:                    {"ab": true, "a": false},
		`{"AND":["A","%a"]}`:          {"a": true, "ba": false},
		`{"OR":["%a%"],"NOT":["%b"]}`: {"ac": true, "ab": false, "c": false},
		`[]`:                          {"x": true},
	} {
		w, err := wordsOf("value", jsontext.Value(filter))
		if err != nil {
			t.Fatal(filter, err)
		}
		for v, want := range values {
			if got := w.hold(v); got != want {
				t.Errorf("%s lets through %q: %v", filter, v, got)
			}
		}
	}
	if w, err := wordsOf("tags", jsontext.Value(`{"AND":["a","b%"]}`)); err != nil || !w.hold("bee", "A") || w.hold("a") || w.hold("a", "c") {
		t.Error(w, err)
	}
}
