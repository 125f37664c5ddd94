package fedtest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	indicators "github.com/comity-exchange/comity/internal/indicator"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// logWord stands in every line of a log, and must be nowhere else.
const logWord = "MARKER-log-quince"

// lines makes a log: a line for each host at each time.
func logOf(at string, hosts ...int) string {
	var b strings.Builder
	for i, h := range hosts {
		fmt.Fprintf(&b, "%s:%02dZ %s 192.0.2.%d host%d.example\n", at, i, logWord, i, h)
	}
	return b.String()
}

// findsIn searches a log for what a party's catalogue has, and tells by object and day how often each was seen; void counts what was revoked or no longer valid.
func (p *Party) findsIn(log string) (seen []node.Seen, void int64) {
	p.F.T.Helper()
	ctx := p.F.T.Context()
	p.F.must(p.Indexed(ctx))
	b, err := indicators.NewBuilder()
	p.F.must(err)
	p.F.must(b.Catalogue(ctx, p.Node, thread.ID{}))
	set, from, _ := b.Build()
	from.Watch(ctx, p.Node)
	all := map[uint32]map[string]*node.Seen{}
	stats, err := match.Scan(ctx, strings.NewReader(log), set, match.Options{At: p.Now(), Skip: from.Skip}, func(o match.Occurrence) error {
		for _, id := range o.IDs {
			if all[id] == nil {
				all[id] = map[string]*node.Seen{}
			}
			day := o.Time.Format(time.DateOnly)
			s := all[id][day]
			if s == nil {
				s = &node.Seen{First: statement.TimeOf(o.Time)}
				all[id][day] = s
			}
			s.Count, s.Last = s.Count+1, statement.TimeOf(o.Time)
		}
		return nil
	})
	p.F.must(err)
	origins, err := from.Resolve(ctx, slices.Collect(maps.Keys(all)))
	p.F.must(err)
	for id, days := range all {
		for _, s := range days {
			s.Object, s.Thread = origins[id].Entry.Parsed.ID, origins[id].Entry.Parcel.Thread
			seen = append(seen, *s)
		}
	}
	return seen, stats.Void
}

// sights tells what was seen.
func (p *Party) sights(s node.Sightings) node.SightingReport {
	p.F.T.Helper()
	s.By = p.By("analyst", "one")
	report, err := p.Sight(p.F.T.Context(), s)
	p.F.must(err)
	p.F.must(p.Indexed(p.F.T.Context()))
	return report
}

func hostID(n int) stix.ID {
	return stix.ID(fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", n))
}

// seenOf is what a party knows of how often an object was seen, in words.
func (p *Party) seenOf(id stix.ID) string {
	p.F.T.Helper()
	p.F.must(p.Indexed(p.F.T.Context()))
	all, more, err := p.SightingsOf(p.F.T.Context(), id)
	p.F.must(err)
	if more {
		p.F.T.Error("there are more sightings")
	}
	var out []string
	for _, s := range all {
		out = append(out, fmt.Sprintf("%s: %d in %d, %s to %s", s.Party, s.Count, s.Sightings, s.First, s.Last))
	}
	return strings.Join(out, "; ")
}

// reasons counts what was kept back, by reason.
func reasons(r node.SightingReport) map[node.KeptReason]int {
	out := map[node.KeptReason]int{}
	for _, k := range r.Kept {
		out[k.Reason]++
	}
	return out
}

// contentsOf is everything that a party has of the statements of another in a thread: heads, texts and attachments.
func (p *Party) contentsOf(id thread.ID, from party.Code) []byte {
	p.F.T.Helper()
	var out bytes.Buffer
	var heads []*statement.Head
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) error {
		heads = nil
		return tx.EachOfThread(id, func(row store.Statement) bool {
			if h, err := statement.Reread(row.ID, row.Head); err == nil && h.From == from {
				heads = append(heads, h)
				out.Write(row.Head)
			}
			return true
		})
	}))
	for _, h := range heads {
		for part := 0; p.Save(p.F.T.Context(), h.ID, part, &out) == nil; part++ {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

// XA feeds a thousand indicators to XB. XB finds some of them in its logs, looks at what it would tell, and tells it: XA learns how often and on which days, and not a byte of the log. What was told is not told again; what is
// recalled, revoked or no longer valid is not found.
func TestSighting(t *testing.T) {
	t.Parallel()
	// spec: INT-8, INT-9
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(exchangeOfIntelligence("XA", "XB"), "XA")
	const v1 = "2026-11-02T00:00:00.000Z"
	var objects []string
	for n := range 1000 {
		objects = append(objects, indicator(n, v1, ""))
	}
	objects = append(objects, indicator(1001, v1, `,"valid_until":"2026-11-01T12:00:00Z"`), indicator(1002, v1, `,"revoked":true`))
	xa.gathers("sensors", marking.Green, objects...)
	feed := xa.offers(agreed, xb, intel.Offer{Feed: "walnut"})
	xb.Until("the feed has come", func() bool { xb.knows(feed); return len(xb.pages(catalogue.Query{Thread: feed})) == 1002 })
	own, _ := xb.gathers("own", marking.Green, strings.Replace(indicator(2000, v1, ""), "host2000", "host8", 1))

	log := logOf("2026-11-02T10:00", 7, 7, 8, 7, 1001, 1002, 5000) + logOf("2026-11-03T23:59", 8)
	seen, void := xb.findsIn(log)
	if len(seen) != 5 || void != 2 {
		t.Fatalf("%d void, %+v", void, seen)
	}
	size := xb.LogSize()
	plan := xb.sights(node.Sightings{Seen: seen, Preview: true})
	if len(plan.Told) != 2 || len(plan.Kept) != 0 || xb.LogSize() != size {
		t.Fatalf("%+v", plan)
	}
	i := slices.IndexFunc(plan.Told, func(s node.ToldSighting) bool { return !s.Own })
	told, kept := plan.Told[i], plan.Told[1-i]
	if told.Thread != feed || !slices.Equal(told.To, []party.Code{"XA"}) || told.Objects != 3 || told.Count != 5 || !told.Verdict.Permitted || told.TLP != marking.Green || told.Withheld != "" {
		t.Errorf("%+v", told)
	}
	if !kept.Own || kept.Objects != 2 || kept.Count != 2 || kept.TLP != marking.Red {
		t.Errorf("%+v", kept)
	}
	for _, s := range told.Sightings {
		if strings.Contains(string(s), "T10:00") || strings.Contains(string(s), "host") || strings.Contains(string(s), "192.0.2") {
			t.Errorf("it would tell %s", s)
		}
	}

	report := xb.sights(node.Sightings{Seen: seen})
	said := report.Told[slices.IndexFunc(report.Told, func(s node.ToldSighting) bool { return !s.Own })]
	if !slices.EqualFunc(said.Sightings, told.Sightings, func(a, b jsontext.Value) bool { return len(a) == len(b) }) {
		t.Error("something else was told than was shown")
	}
	xa.Has(said.Said)
	const both = "2026-11-02T00:00:00.000Z to 2026-11-02T23:59:59.000Z"
	xa.Until("XA knows how often", func() bool { return xa.seenOf(hostID(7)) == "XB: 3 in 1, "+both })
	xa.Until("XA knows of both days", func() bool {
		return xa.seenOf(hostID(8)) == "XB: 2 in 2, 2026-11-02T00:00:00.000Z to 2026-11-03T23:59:59.000Z"
	})
	if got := xb.seenOf(hostID(2000)); got != "XB: 2 in 2, 2026-11-02T00:00:00.000Z to 2026-11-03T23:59:59.000Z" {
		t.Errorf("XB knows %q of its own", got)
	}
	if tally := xa.feedOf(feed).Seen["XB"]; tally.Count != 5 || tally.Reports != 1 {
		t.Errorf("%+v", tally)
	}
	if got := xa.seenOf(hostID(2000)); got != "" {
		t.Errorf("XA knows %q of what XB has gathered itself", got)
	}

	// The same is said once. What a later look adds to a day is the difference.
	size = xb.LogSize()
	if again := xb.sights(node.Sightings{Seen: seen}); len(again.Told) != 0 || reasons(again)[node.KeptSaid] != 5 || xb.LogSize() != size {
		t.Errorf("%+v", again)
	}
	seen, _ = xb.findsIn(log + logOf("2026-11-02T11:00", 7, 7))
	later := xb.sights(node.Sightings{Seen: seen})
	if len(later.Told) != 1 || later.Told[0].Count != 2 || later.Told[0].Objects != 1 {
		t.Fatalf("%+v", later)
	}
	xa.Has(later.Told[0].Said)
	xa.Until("XA knows of the others", func() bool {
		return xa.seenOf(hostID(7)) == "XB: 5 in 1, "+both && xa.feedOf(feed).Seen["XB"].Count == 7
	})

	// Not a byte of the log has left.
	contents := xa.contentsOf(feed, "XB")
	if !bytes.Contains(contents, []byte(hostID(7))) || !bytes.Contains(contents, []byte(node.IdentityOf("XB"))) {
		t.Error("the sightings are not among what XA has")
	}
	for _, word := range []string{logWord, "192.0.2", "host7", "T10:00", "observed"} {
		if bytes.Contains(contents, []byte(word)) {
			t.Errorf("XA has %s", word)
		}
	}
	for name, raw := range xa.everyFile() {
		if bytes.Contains(raw, []byte(logWord)) {
			t.Errorf("%s has the word of the log", name)
		}
	}

	// XA takes back what it sent: nothing of it is found any more, but for what XB has gathered itself.
	var brought []statement.ID
	entries, err := xb.Object(t.Context(), hostID(7))
	f.must(err)
	brought = append(brought, entries.Entries[0].Statement.ID)
	recalled, err := xa.Recall(t.Context(), node.Recalling{IDs: brought, Reason: recall.Incorrect, Precedence: statement.Immediate, By: xa.By("duty-officer", "one"), EraseOwn: true})
	f.must(err)
	xb.Has(recalled[0].Thread)
	_, err = xb.ConfirmRecall(t.Context(), recalled[0].Thread, false, xb.By("duty-officer", "two"))
	f.must(err)
	seen, void = xb.findsIn(log)
	if len(seen) != 2 || void != 0 || seen[0].Thread != own {
		t.Errorf("after the recall: %d void, %+v", void, seen)
	}
	gone := xb.sights(node.Sightings{Seen: []node.Seen{{Object: hostID(7), Thread: feed, Count: 1}}})
	if len(gone.Told) != 0 || reasons(gone)[node.KeptGone] != 1 {
		t.Errorf("of what has gone: %+v", gone)
	}
}

// TestSightingThatMayNotPass: what the agreement does not let pass is told with its reason, what takes no sightings is counted, and what cannot have been seen is refused.
func TestSightingThatMayNotPass(t *testing.T) {
	t.Parallel()
	// spec: INT-8
	f := New(t, "XA", "XB", "XC")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(strings.Replace(exchangeOfIntelligence("XA", "XB"), `"intel.*"`, `"intel.share"`, 1), "XA")
	const v1 = "2026-11-02T00:00:00.000Z"
	parcel := indicator(1, v1, "") + "\n" + indicator(2, v1, "") + "\n"
	shared := xa.Say(exchange.Draft{
		To: []party.Code{"XB"}, Agreement: agreed, Kind: intel.KindShare, Marking: marking.Marking{TLP: marking.Green},
		Blobs: []exchange.Attachment{{Name: "1.jsonl", Type: intel.ParcelType, Raw: []byte(parcel)}},
	}, intel.Share{Objects: 2})
	xb.Until("the parcel has come", func() bool { n, _ := xb.knows(shared.Thread); return n == 2 })

	at := statement.TimeOf(time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC))
	report := xb.sights(node.Sightings{Seen: []node.Seen{{Object: hostID(1), Count: 4, First: at, Last: at}, {Object: hostID(9), Count: 1}}})
	if len(report.Told) != 1 || report.Told[0].Verdict == nil || report.Told[0].Verdict.Permitted || report.Told[0].Withheld == "" || !report.Told[0].Said.IsZero() {
		t.Errorf("%+v", report)
	}
	if reasons(report)[node.KeptGone] != 1 {
		t.Errorf("%+v", report.Kept)
	}
	if got := xa.seenOf(hostID(1)); got != "" {
		t.Errorf("XA knows %q", got)
	}
	next := statement.TimeOf(at.Std().Add(24 * time.Hour))
	for name, s := range map[string]node.Seen{
		"two days": {Object: hostID(1), Count: 1, First: at, Last: next}, "never": {Object: hostID(1)}, "nothing": {Object: "x", Count: 1}, "half a time": {Object: hostID(1), Count: 1, Last: at},
	} {
		if _, err := xb.Sight(t.Context(), node.Sightings{Seen: []node.Seen{s}}); err == nil {
			t.Errorf("%s: it was told", name)
		}
	}
}

// TestMatchFromCatalogueAsFromList: the same indicators are found by whichever way they come.
func TestMatchFromCatalogueAsFromList(t *testing.T) {
	t.Parallel()
	f := New(t, "XA")
	xa := f.At("XA")
	id, err := xa.OpenSource(t.Context(), intel.Source{Name: "list", Format: "list"}, marking.Marking{TLP: marking.Green}, xa.By("analyst", "one"))
	f.must(err)
	list := "value,kind,valid_from,valid_until,revoked\n198.51.100.0/24\nevil[.]example\n192.0.2.9:443\nhxxp://evil.example/a\nother.example/x_y\n/gate.php\na@mail.example\nd41d8cd98f00b204e9800998ecf8427e\nlate.example,,2026-03-01\nearly.example,,,2026-01-01\ngone.example,,,,yes\ntool.exe,file\n"
	_, err = xa.Import(t.Context(), catalogue.Source{Thread: id, By: xa.By("analyst", "one"), Marking: marking.Marking{TLP: marking.Green}},
		catalogue.FromList(strings.NewReader(list), true, id, stix.At(xa.Now())), catalogue.ImportOptions{})
	f.must(err)
	f.must(xa.Indexed(t.Context()))
	log := "2026-02-01T00:00:00Z x.evil.example 198.51.100.3 192.0.2.9:443 http://evil.example/a https://other.example/x_y /gate.php a@mail.example D41D8CD98F00B204E9800998ECF8427E late.example early.example gone.example tool.exe\n" +
		"2026-04-01T00:00:00Z late.example early.example gone.example\n2025-04-01T00:00:00Z late.example early.example gone.example other.example\n"
	find := func(fill func(b *indicators.Builder) error) (found []string, stats match.Stats) {
		b, err := indicators.NewBuilder()
		f.must(err)
		f.must(fill(b))
		set, from, _ := b.Build()
		from.Watch(t.Context(), xa.Node)
		stats, err = match.Scan(t.Context(), strings.NewReader(log), set, match.Options{At: xa.Now(), Skip: from.Skip}, func(o match.Occurrence) error {
			found = append(found, fmt.Sprint(o.Kind, o.Value, o.Line, o.Offset, len(o.IDs)))
			return nil
		})
		f.must(err)
		return found, stats
	}
	want, listed := find(func(b *indicators.Builder) error { return b.List("list.csv", strings.NewReader(list), true) })
	got, catalogued := find(func(b *indicators.Builder) error { return b.Catalogue(t.Context(), xa.Node, id) })
	if !slices.Equal(got, want) || listed != catalogued || len(want) < 10 || listed.Void == 0 {
		t.Errorf("from the catalogue %q, %+v\nfrom the list %q, %+v", got, catalogued, want, listed)
	}
	raw := xa.pages(catalogue.Query{Thread: id})
	again, file := find(func(b *indicators.Builder) error {
		return b.Objects("list.json", stix.NewReader(strings.NewReader(strings.Join(raw, "\n")), stix.Limits{}).All())
	})
	if !slices.Equal(again, want) || file != listed {
		t.Errorf("from a file of objects %q, %+v", again, file)
	}
}

// TestSightingsAreNotFedOn: who has seen what goes with a feed only where its offer names sightings.
func TestSightingsAreNotFedOn(t *testing.T) {
	t.Parallel()
	// spec: INT-4
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(exchangeOfIntelligence("XA", "XB"), "XA")
	const at = "2026-11-02T00:00:00.000Z"
	seen := `{"type":"sighting","spec_version":"2.1","id":"sighting--00000000-0000-4000-8000-000000000001","created":"` + at + `","modified":"` + at + `","sighting_of_ref":"indicator--00000000-0000-4000-8000-000000000001","count":3}`
	xa.gathers("sensors", marking.Green, indicator(1, at, ""), seen)
	for name, types := range map[string][]string{"everything": nil, "sightings": {"sighting"}} {
		feed := xa.offers(agreed, xb, intel.Offer{Feed: name, Types: types})
		xb.Until("it has come", func() bool { n, _ := xb.knows(feed); return n > 0 })
		xa.Until("it has gone as far as it goes", func() bool {
			f.must(xa.Catalogued(t.Context()))
			return !xa.feedOf(feed).More
		})
		if n, raw := xb.knows(feed); n != 1 || strings.Contains(raw[0], `"sighting"`) != (types != nil) {
			t.Errorf("%s: %q", name, raw)
		}
	}
}
