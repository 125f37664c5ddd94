package fedtest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// pages goes through all pages of a query, so many objects at a time, and gives what they hold.
func (p *Party) pages(q catalogue.Query) (raw []string) {
	p.F.T.Helper()
	last := int64(0)
	for {
		page, err := p.Objects(p.F.T.Context(), q)
		p.F.must(err)
		for _, o := range page.Objects {
			if o.Added <= last {
				p.F.T.Fatalf("added at %d, after %d", o.Added, last)
			}
			last = o.Added
			raw = append(raw, string(o.Raw))
		}
		if q.Added = page.Next; !page.More {
			return raw
		}
	}
}

// TestRealObjects: what public data hold goes in and comes out equal, by pages of any size, and is found.
func TestRealObjects(t *testing.T) {
	t.Parallel()
	// spec: INT-2
	packed, err := os.ReadFile("../../../shared/data/stix/ics-attack.json.gz")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("SKIPPED: the data beside the project are not here")
	}
	f := New(t, "XA")
	f.must(err)
	xa := f.At("XA")
	want := map[stix.ID]string{}
	source, err := xa.OpenSource(t.Context(), intel.Source{Name: "matrix", Format: "stix"}, marking.Marking{TLP: marking.Clear}, xa.By("analyst", "one"))
	f.must(err)
	take := func() catalogue.Report {
		in, err := gzip.NewReader(bytes.NewReader(packed))
		f.must(err)
		report, err := xa.Import(t.Context(), catalogue.Source{Thread: source, By: xa.By("analyst", "one"), Marking: marking.Marking{TLP: marking.Clear}},
			stix.NewReader(in, stix.Limits{}).All(), catalogue.ImportOptions{Taken: func(o *stix.Object) { want[o.ID] = o.Raw }})
		f.must(err)
		f.must(xa.Catalogued(t.Context()))
		return report
	}
	if r := take(); r.Objects != 1826 || r.Refused != 0 || int(r.Objects) != len(want) {
		t.Fatalf("%+v", r)
	}
	if r := take(); r.Objects != 0 || r.Duplicates != 1826 {
		t.Errorf("taken again: %+v", r)
	}
	for _, limit := range []int{7, 500, 1000} {
		got := xa.pages(catalogue.Query{Thread: source, Limit: limit})
		if len(got) != len(want) {
			t.Errorf("pages of %d hold %d objects", limit, len(got))
		}
		for _, raw := range got {
			o, err := stix.Parse([]byte(raw))
			f.must(err)
			v := jsontext.Value(want[o.ID])
			f.must(v.Compact())
			if string(v) != raw {
				t.Fatalf("%s came out as another", o.ID)
			}
		}
	}
	some := slices.Sorted(maps.Keys(want))[:40]
	if got := xa.pages(catalogue.Query{IDs: some, Limit: 9}); len(got) != len(some) {
		t.Errorf("%d of %d by id", len(got), len(some))
	}
	if got := xa.pages(catalogue.Query{Types: []stix.Type{"malware"}, Limit: 4}); len(got) != 30 {
		t.Errorf("%d of 30 by type", len(got))
	}
	for what, s := range map[string]catalogue.Search{"T0800": {Value: "T0800"}, "words": {Text: "industroyer", Type: "malware"}, "a type": {Type: "x-mitre-asset", Limit: 5}} {
		s.Limit = max(s.Limit, 1)
		hits, err := xa.FindObjects(t.Context(), s)
		f.must(err)
		if len(hits.Objects) != s.Limit {
			t.Errorf("%s: %d found", what, len(hits.Objects))
		}
	}
	hits, err := xa.FindObjects(t.Context(), catalogue.Search{Text: "industroyer", Type: "malware"})
	f.must(err)
	about := 0
	for _, hit := range hits.Objects {
		o, err := stix.Parse(hit.Raw)
		f.must(err)
		view, err := xa.Object(t.Context(), o.ID)
		f.must(err)
		if len(view.Entries) != 1 {
			t.Errorf("%d entries", len(view.Entries))
		}
		about += len(view.About)
	}
	if about == 0 {
		t.Error("no object is about what was found")
	}
}

// TestVersionsStandBesideEachOther: of one source the last version is shown, of several what each has said; the first that gave a version stands for it in a list.
func TestVersionsStandBesideEachOther(t *testing.T) {
	t.Parallel()
	f := New(t, "XA")
	xa := f.At("XA")
	const v1, v2, v3 = "2026-11-02T00:00:00.000Z", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00.1Z"
	one, _ := xa.gathers("one", marking.Green, indicator(1, v1, ""), indicator(1, v3, ""), indicator(1, v2, ""))
	two, _ := xa.gathers("two", marking.Green, indicator(1, v3, `,"confidence":10`), indicator(2, v1, ""))
	red, _ := xa.gathers("red", marking.Red, indicator(2, v2, ""))
	list := func(q catalogue.Query) (got []string) {
		for _, raw := range xa.pages(q) {
			o, err := stix.Parse([]byte(raw))
			f.must(err)
			got = append(got, fmt.Sprintf("%s of %d by %d", o.Modified, o.ID[len(o.ID)-1]-'0', o.Confidence))
		}
		return got
	}
	same := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	all := catalogue.Versions{All: true}
	same("source one", list(catalogue.Query{Thread: one}), v3+" of 1 by -1")
	same("source one, all", list(catalogue.Query{Thread: one, Versions: all}), v1+" of 1 by -1", v3+" of 1 by -1", v2+" of 1 by -1")
	same("source one, first", list(catalogue.Query{Thread: one, Versions: catalogue.Versions{First: true}}), v1+" of 1 by -1")
	same("source one, exactly", list(catalogue.Query{Thread: one, Versions: catalogue.Versions{Exact: []stix.Timestamp{v2}}}), v2+" of 1 by -1")
	same("source two", list(catalogue.Query{Thread: two}), v3+" of 1 by 10", v1+" of 2 by -1")
	same("source red", list(catalogue.Query{Thread: red}), v2+" of 2 by -1")
	same("everything, the last of each", list(catalogue.Query{}), v3+" of 1 by -1", v1+" of 2 by -1", v2+" of 2 by -1")
	page, err := xa.Catalogue.Page(t.Context(), catalogue.Query{For: catalogue.Viewer{Party: "XA", Max: marking.Amber}})
	f.must(err)
	if len(page.Objects) != 2 || !bytes.Equal(page.Objects[1].Raw, []byte(indicator(2, v1, ""))) {
		t.Errorf("who does not see TLP:RED sees %d objects", len(page.Objects))
	}
}

// TestMarkedMoreStrictlyThanItsHead: what a peer has put into a parcel whose head is looser is not shown; what is no object is counted and keeps nothing else out.
func TestMarkedMoreStrictlyThanItsHead(t *testing.T) {
	t.Parallel()
	// spec: INT-2, INT-3
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(exchangeOfIntelligence("XA", "XB"), "XA")
	const v1 = "2026-11-02T00:00:00.000Z"
	parcel := strings.Join([]string{indicator(1, v1, ""), indicator(2, v1, tlp(marking.Red)), `{"type":`, "[1]", indicator(3, v1, tlp(marking.Clear)), ""}, "\n")
	said, err := xa.Try(exchange.Draft{
		To: []party.Code{"XB"}, Agreement: agreed, Kind: "intel.share", Marking: marking.Marking{TLP: marking.Green}, Precedence: statement.Routine, By: xa.By("duty-officer", "one"),
		Blobs: []exchange.Attachment{{Name: "1.jsonl", Type: "application/jsonl", Raw: []byte(parcel)}},
	}, map[string]any{"objects": 5})
	f.must(err)
	xb.Until("the parcel has come", func() bool { n, _ := xb.knows(said.Thread); return n > 0 })
	if _, raw := xb.knows(said.Thread); !slices.Equal(raw, []string{indicator(1, v1, ""), indicator(3, v1, tlp(marking.Clear))}) {
		t.Errorf("%q", raw)
	}
	_, err = xa.Try(exchange.Draft{
		To: []party.Code{"XB"}, Agreement: agreed, Kind: "intel.share", Marking: marking.Marking{TLP: marking.Green}, Precedence: statement.Routine, By: xa.By("duty-officer", "one"),
		Blobs: []exchange.Attachment{{Name: "1.bin", Type: "application/octet-stream", Raw: []byte(parcel)}},
	}, map[string]any{"objects": 5})
	if err == nil {
		t.Error("an attachment that is no parcel was shared")
	}
}

// TestCatalogueAfterRestart: what was not yet in the catalogue when a node stopped comes into it afterwards, and what was is not taken twice.
func TestCatalogueAfterRestart(t *testing.T) {
	t.Parallel()
	f := New(t, "XA")
	xa := f.At("XA")
	const v1 = "2026-11-02T00:00:00.000Z"
	source, _ := xa.gathers("sensors", marking.Green, indicator(1, v1, ""))
	r := stix.NewReader(strings.NewReader(indicator(1, v1, "")+"\n"+indicator(2, v1, "")), stix.Limits{})
	_, err := xa.Import(t.Context(), catalogue.Source{Thread: source, By: xa.By("analyst", "one"), Marking: marking.Marking{TLP: marking.Green}}, r.All(), catalogue.ImportOptions{})
	f.must(err)
	xa.Restart(func(*node.Options) {})
	xa.Until("it is there", func() bool { n, _ := xa.knows(source); return n == 2 })
	var last int64
	f.must(xa.Store.View(t.Context(), func(tx store.Tx) (err error) { last, err = tx.LastParcel(); return err }))
	if last != 2 {
		t.Errorf("%d parcels", last)
	}
	var none thread.ID
	if n, _ := xa.knows(none); n != 2 {
		t.Errorf("%d objects in all", n)
	}
}
