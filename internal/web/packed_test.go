package web_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/internal/web"
)

// TestPackedImport sends files as officers get them, packed: each form once, and what was made to fill a node.
func TestPackedImport(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	o := d.options
	o.MaxUnpacked = 1 << 20
	d.pages = web.Handler(d.xa.Node, o)
	gz := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(text))
		d.must(errors.Join(err, z.Close()))
		return b.String()
	}
	zst := func(text string) string {
		z, err := zstd.NewWriter(nil)
		d.must(err)
		return string(z.EncodeAll([]byte(text), nil))
	}
	d.sends("duty", "/intelligence/sources", url.Values{"name": {"lists"}, "tlp": {"GREEN"}})
	all, err := d.xa.Intelligence(d.as("duty"))
	d.must(err)
	const event = `{"Event":{"uuid":"5a0b0000-0000-4000-8000-0000000000aa","info":"Walnut","date":"2026-03-01","timestamp":"1772355600","published":true,"Attribute":[{"uuid":"5a0b0000-0000-4000-8000-0000000000ab","type":"ip-dst","category":"Network activity","value":"198.51.100.44","to_ids":true,"timestamp":"1772355600"}]}}`
	d.has("what may be sent", d.page("duty", "/intelligence/imports"), "packed (gzip, zstd); unpacked no more than 1")
	for _, c := range []struct{ name, text, says string }{
		{"a bomb.txt.gz", gz(strings.Repeat("198.51.100.202\n", 1<<18)), "unpacks to more than 1 MiB"}, // first
		{"another.json.zst", zst(strings.Repeat("{}\n", 1<<19)), "unpacks to more than 1 MiB"},
		{"a third", zst(event[:len(event)-2] + strings.Repeat(" ", 1<<21) + "}}"), "unpacks to more than 1 MiB"},
		{"cut short.txt.gz", gz(strings.Repeat("a.example\n", 99))[:30], "damaged, or was cut short"},
		{"iocs.txt.gz", gz("198.51.100.201\nwalnut-seven.example\n"), "2 objects would be taken"},
		{"more.CSV.zst", zst("value,kind,valid_from,valid_until,revoked\n203.0.113.201,,,,\n"), "1 object would be taken"},
		{"bundle.json.gz", gz(`{"type":"bundle","objects":[` + theirs + `]}`), "1 object would be taken"},
		{"event.json.gz", gz(event), "objects would be taken"},
		{"named otherwise", zst(event), "objects would be taken"},
	} {
		a := d.do("duty", d.multipartForm("/intelligence/imports", url.Values{"source": {all[0].ID.String()}, "form": {"auto"}}, map[string]string{c.name: c.text}))
		if a.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", c.name, a.Code, said(a.body))
		}
		at := a.Header().Get("Location")
		html := d.until("duty", at, c.says)
		if strings.HasPrefix(c.name, "event") || c.name == "named otherwise" {
			d.has(c.name, html, "events of MISP")
		}
		if c.name == "iocs.txt.gz" {
			d.sends("duty", at, url.Values{"do": {"import"}})
			d.until("duty", at, "2 objects were taken")
			d.must(d.xa.Catalogued(d.Context()))
			d.has("what was packed is found", d.page("duty", "/intelligence/search?value=walnut-seven.example"), "walnut-seven[.]example")
			continue
		}
		d.sends("duty", at, url.Values{"do": {"drop"}})
	}
	left, err := os.ReadDir(d.xa.Dir + "/uploads")
	if err != nil && !os.IsNotExist(err) || len(left) > 0 {
		t.Errorf("%v are left: %v", left, err)
	}
}
