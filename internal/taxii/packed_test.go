package taxii

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func unzipped(t *testing.T, a answered) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPacked: who asks for compressed answers gets them, and who brings compressed objects is understood, within bounds.
func TestPacked(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	at := h.at(h.source) + "objects/"
	var some []string
	for i := range 30 {
		some = append(some, indicator(i, "n", v1, ""))
	}
	if a := h.ask("ana", post, at, zipped(t, posted(some...)), "Content-Encoding", "gzip"); a.status != 202 || a.read(t).Success != len(some) {
		t.Errorf("%d %s", a.status, a.body)
	}
	plain := h.gets(200, at)
	for accept, want := range map[string]bool{
		"": false, "identity": false, "gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "*": true, "*, gzip;q=0": false, "br": false, "gzip;q=x": false,
	} {
		a := h.ask("ana", get, at, "", "Accept-Encoding", accept)
		if got := a.header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding %s: compressed %v", accept, got)
			continue
		}
		body := a.body
		if want {
			body = unzipped(t, a)
		}
		if body != plain.body || a.header.Get("X-TAXII-Date-Added-Last") != plain.header.Get("X-TAXII-Date-Added-Last") {
			t.Errorf("Accept-Encoding %s: another answer", accept)
		}
	}
	// What is small is not compressed, and errors are read as well as answers.
	if a := h.ask("ana", get, Root, "", "Accept-Encoding", "gzip"); a.header.Get("Content-Encoding") != "" || a.read(t).Title == "" {
		t.Errorf("%v", a)
	}
	if a := h.ask("ana", get, at+"?limit=0", "", "Accept-Encoding", "gzip"); a.status != 400 {
		t.Errorf("%v", a)
	}
	// HEAD tells what GET would, and has no body.
	for _, accept := range []string{"", "gzip"} {
		a := h.ask("ana", http.MethodHead, at, "", "Accept-Encoding", accept)
		if a.status != 200 || a.body != "" || a.header.Get("X-TAXII-Date-Added-First") != plain.header.Get("X-TAXII-Date-Added-First") || (a.header.Get("Content-Encoding") == "gzip") != (accept != "") {
			t.Errorf("%s: %+v", accept, a)
		}
	}
	// What cannot be read is 422, what grows above max_content_length 413, and another compression 415.
	whole := zipped(t, posted(indicator(99, "late", v1, "")))
	bomb := zipped(t, `{"objects":[`+strings.Repeat(" ", maxContent)+`]}`)
	for _, bad := range []struct {
		body, encoding string
		want           int
	}{{"no gzip", "gzip", 422}, {whole[:len(whole)-9], "gzip", 422}, {bomb, "gzip", 413}, {whole, "br", 415}, {whole, "gzip, gzip", 415}} {
		if a := h.ask("ana", post, at, bad.body, "Content-Encoding", bad.encoding); a.status != bad.want {
			t.Errorf("%s of %d bytes: %d %s", bad.encoding, len(bad.body), a.status, a.body)
		}
	}
}

// TestErasedMeanwhile: of what is erased between two requests nothing is given any more, and whoever goes on misses nothing of the rest.
func TestErasedMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	var parcels []statement.ID
	for p := range 4 {
		var some []string
		for i := range 5 {
			some = append(some, indicator(10*p+i, fmt.Sprintf("p%d-%d", p, i), v1, ""))
		}
		r := stix.NewReader(strings.NewReader(strings.Join(some, "\n")), stix.Limits{})
		report, err := h.xa.Import(h.ctx, catalogue.Source{Thread: h.source, Marking: marking.Marking{TLP: marking.Green}}, r.All(), catalogue.ImportOptions{})
		h.must(err)
		h.must(h.xa.Catalogued(h.ctx))
		parcels = append(parcels, report.Said...)
	}
	at := h.at(h.source) + "objects/"
	first := h.gets(200, at+"?limit=7")
	h.must(h.xa.AddOfficer(h.root(), auth.Person{ID: "duty", Name: "Officer duty", Roles: []auth.Role{auth.DutyOfficer}}))
	_, err := h.xa.Erase(h.token(h.root(), "duty"), []statement.ID{parcels[0], parcels[2]}, statement.By{})
	h.must(err)
	// It is erased behind the place where the next page begins, and before it.
	want := "p1-2 p1-3 p1-4 p3-0 p3-1 p3-2 p3-3 p3-4"
	for by, query := range map[string]string{"next": "?next=" + first.read(t).Next, "added_after": "?added_after=" + first.header.Get("X-TAXII-Date-Added-Last")} {
		if r := h.gets(200, at+query).read(t); names(r) != want {
			t.Errorf("by %s: %s", by, names(r))
		}
	}
	for _, path := range []string{at + indicatorID(20) + "/", at + indicatorID(1) + "/", at + indicatorID(1) + "/versions/"} {
		h.gets(404, path)
	}
	if a := h.gets(200, at+"?match[id]="+indicatorID(20)); a.body != "{}" {
		t.Errorf("%s", a.body)
	}
}
