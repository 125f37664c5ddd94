package fedtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// exchangeOfIntelligence is an agreement under which feeds pass up to TLP:AMBER.
func exchangeOfIntelligence(codes ...string) string {
	return `{"v":1,"title":{"en":"Intelligence"},"parties":["` + strings.Join(codes, `","`) + `"],"languages":["en"],"in_force":{"when":"all"},"articles":[
{"number":"1","title":{"en":"Feeds"},"text":{"en":"Indicators pass up to TLP:AMBER."},"rules":[{"effect":"permit","kinds":["intel.*"],"tlp_max":"AMBER"}]}
]}`
}

// indicator is STIX that looks for a domain.
func indicator(n int, version string, extra string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-11-01T00:00:00.000Z","modified":"%s","name":"walnut host %d","pattern":"[domain-name:value = 'host%d.example']","pattern_type":"stix","valid_from":"2026-11-01T00:00:00Z"%s}`,
		n, version, n, n, extra)
}

func tlp(m marking.TLP) string {
	return `,"object_marking_refs":["` + string(stix.TLPRef(m)) + `"]`
}

// gathers lets a party import objects into a source, opened here.
func (p *Party) gathers(name string, m marking.TLP, objects ...string) (thread.ID, catalogue.Report) {
	p.F.T.Helper()
	ctx, by := p.F.T.Context(), p.By("analyst", "one")
	id, err := p.OpenSource(ctx, intel.Source{Name: name, Format: "stix", Own: true}, marking.Marking{TLP: m}, by)
	p.F.must(err)
	return id, p.adds(id, m, objects...)
}

func (p *Party) adds(source thread.ID, m marking.TLP, objects ...string) catalogue.Report {
	p.F.T.Helper()
	r := stix.NewReader(strings.NewReader(strings.Join(objects, "\n")), stix.Limits{})
	report, err := p.Import(p.F.T.Context(), catalogue.Source{Thread: source, By: p.By("analyst", "one"), Marking: marking.Marking{TLP: m}}, r.All(), catalogue.ImportOptions{})
	p.F.must(err)
	p.F.must(p.Catalogued(p.F.T.Context()))
	return report
}

// tells says something of the desk intel in a thread.
func (p *Party) tells(d exchange.Draft, facts any) exchange.Said {
	p.F.T.Helper()
	d.By, d.Track, d.Marking.TLP = p.By("duty-officer", "one"), statement.Technical, marking.Green
	if d.Thread.IsZero() {
		d.Precedence = statement.Routine
	}
	said, err := p.Try(d, facts)
	p.F.must(err)
	return said
}

// offers lets a party offer a feed to another, who subscribes.
func (p *Party) offers(agreed agreement.ID, to *Party, o intel.Offer) thread.ID {
	p.F.T.Helper()
	said := p.tells(exchange.Draft{To: []party.Code{to.Code}, Agreement: agreed, Kind: intel.KindOffer, Title: "Hosts of the walnut campaign"}, o)
	to.Has(said.ID)
	p.Has(to.tells(exchange.Draft{Thread: said.Thread, Kind: intel.KindSubscribe}, intel.Subscribe{}).ID)
	return said.Thread
}

// knows counts the objects that a party's catalogue has of a thread, in their last versions.
func (p *Party) knows(id thread.ID) (n int, raw []string) {
	p.F.T.Helper()
	p.F.must(p.Catalogued(p.F.T.Context()))
	page, err := p.Objects(p.F.T.Context(), catalogue.Query{Thread: id})
	p.F.must(err)
	for _, o := range page.Objects {
		raw = append(raw, string(o.Raw))
	}
	return len(raw), raw
}

func (p *Party) feedOf(id thread.ID) intel.View {
	p.F.T.Helper()
	state, err := thread.ParseState([]byte(p.State(id)))
	p.F.must(err)
	v, ok := intel.Read(state)
	if !ok {
		p.F.T.Fatal("no feed")
	}
	return v
}

// XA gathers indicators under several markings, and offers a feed to XB. What may pass arrives, what was there before the subscription included; what may not is counted with the reason. A new version follows, a recall takes
// its objects out on both sides, and whoever subscribes anew gets everything again.
func TestFeed(t *testing.T) {
	t.Parallel()
	// spec: INT-2, INT-3, INT-4, INT-6, INT-7, INT-9
	f := New(t, "XA", "XB", "XC")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	agreed := f.Agree(exchangeOfIntelligence("XA", "XB"), "XA")
	const v1, v2 = "2026-11-02T00:00:00.000Z", "2026-11-03T00:00:00.123456Z"
	malware := `{"type":"malware","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-000000000001","created":"2026-11-01T00:00:00.000Z","modified":"2026-11-01T00:00:00.000Z","name":"WALNUT","is_family":true,"x_own":{"a":[1,2.50]}}`
	source, report := xa.gathers("sensors", marking.Green,
		indicator(1, v1, ""), indicator(2, v1, tlp(marking.Amber)), indicator(3, v1, tlp(marking.Red)), malware, indicator(1, v1, ""), `{"type":"indicator"}`)
	if report.Objects != 4 || report.Refused != 1 || report.Duplicates != 1 || report.Failures[0].Index != 5 {
		t.Fatalf("%+v", report)
	}

	feed := xa.offers(agreed, xb, intel.Offer{Feed: "walnut", Types: []string{"indicator"}})
	xb.Until("the feed has come", func() bool { n, _ := xb.knows(feed); return n == 2 })
	xa.Until("it has gone as far as it goes", func() bool {
		f.must(xa.Catalogued(t.Context()))
		return !xa.feedOf(feed).More && len(xa.feedOf(feed).Held) > 0
	})
	if held := xa.feedOf(feed).Held; len(held) != 1 || held[0] != (intel.Held{Reason: intel.ByAgreement, Objects: 1}) {
		t.Errorf("held back: %+v", held)
	}
	if _, raw := xb.knows(feed); !slices.Contains(raw, indicator(1, v1, "")) || !slices.Contains(raw, indicator(2, v1, tlp(marking.Amber))) {
		t.Errorf("others came: %q", raw)
	}
	idle := xa.LogSize()
	for range 3 {
		f.must(xa.Catalogued(t.Context()))
	}
	if xa.LogSize() != idle {
		t.Error("with nothing new, something was said")
	}

	xa.adds(source, marking.Green, indicator(1, v2, `,"revoked":true`), indicator(1, v1, ""))
	xb.Until("the revocation has come", func() bool {
		_, raw := xb.knows(feed)
		return len(raw) == 2 && strings.Contains(strings.Join(raw, ""), `"revoked":true`)
	})
	both, err := xb.Object(t.Context(), "indicator--00000000-0000-4000-8000-000000000001")
	f.must(err)
	if len(both.Entries) != 2 || string(both.Entries[0].Parsed.Modified) != v2 || !both.Entries[0].Latest || both.Entries[1].Latest || both.Entries[0].Statement.From != "XA" {
		t.Errorf("%+v", both.Entries)
	}
	hits, err := xb.FindObjects(t.Context(), catalogue.Search{Value: "HOST2[.]example"})
	f.must(err)
	if len(hits.Objects) != 1 {
		t.Errorf("found %d by value", len(hits.Objects))
	}
	hits, err = xb.FindObjects(t.Context(), catalogue.Search{Text: "walnut", Value: "host1.example"})
	f.must(err)
	if len(hits.Objects) != 2 {
		t.Errorf("found %d by word and value", len(hits.Objects))
	}

	// Nobody says an increment by hand, and XC, who is no party, gets nothing from XB.
	byHand := intel.Increment{N: xa.feedOf(feed).N + 1, Through: 1 << 40, Held: []intel.Held{{Reason: intel.ByCaveat, Objects: 1}}}
	_, err = xa.Try(exchange.Draft{Thread: feed, Kind: intel.KindIncrement, By: xa.By("duty-officer", "one")}, byHand)
	if fault.CodeOf(err) != fault.Inadmissible {
		t.Errorf("an increment by hand: %v", err)
	}
	for to, want := range map[party.Code]int{xb.Code: 2, xc.Code: 0, exchange.Outside: 0} {
		page, err := xb.Catalogue.Page(t.Context(), catalogue.Query{For: catalogue.Viewer{Party: to, Max: marking.Amber}, Thread: feed})
		f.must(err)
		green := 0
		for _, o := range page.Objects {
			if !strings.Contains(string(o.Raw), string(stix.TLPRef(marking.Amber))) {
				green++
			}
		}
		if len(page.Objects)-green > want {
			t.Errorf("%q sees %d objects of TLP:AMBER", to, len(page.Objects)-green)
		}
	}

	// XA recalls the increment that brought the second indicator: nothing of it is found at XB any more, and what was said of how far the feed has come stands.
	hits, err = xb.FindObjects(t.Context(), catalogue.Search{Value: "host2.example"})
	f.must(err)
	brought := hits.Objects[0].Parcel.Content.Statement
	recalled, err := xa.Recall(t.Context(), node.Recalling{IDs: []statement.ID{brought}, Reason: recall.Incorrect, Precedence: statement.Immediate, By: xa.By("duty-officer", "one"), EraseOwn: true})
	f.must(err)
	xb.Has(recalled[0].Thread)
	_, err = xb.ConfirmRecall(t.Context(), recalled[0].Thread, false, xb.By("duty-officer", "two"))
	f.must(err)
	hits, err = xb.FindObjects(t.Context(), catalogue.Search{Value: "host2.example"})
	f.must(err)
	if n, _ := xb.knows(feed); len(hits.Objects) != 0 || n != 1 {
		t.Errorf("after the recall: %d found, %d known", len(hits.Objects), n)
	}

	// XB leaves, misses something, and comes back: with what it still has it gets the rest, from the beginning it gets all that there is.
	before := xa.feedOf(feed)
	xa.Has(xb.tells(exchange.Draft{Thread: feed, Kind: intel.KindUnsubscribe}, intel.Unsubscribe{}).ID)
	xa.adds(source, marking.Green, indicator(4, v1, ""))
	if v := xa.feedOf(feed); v.N != before.N {
		t.Error("something was sent to who had left")
	}
	xa.Has(xb.tells(exchange.Draft{Thread: feed, Kind: intel.KindSubscribe}, intel.Subscribe{After: before.N}).ID)
	xb.Until("what was missed has come", func() bool { n, _ := xb.knows(feed); return n == 2 })
	if v := xa.feedOf(feed); v.N != before.N+1 {
		t.Errorf("%d increments more for one object", v.N-before.N)
	}
	xa.Has(xb.tells(exchange.Draft{Thread: feed, Kind: intel.KindUnsubscribe}, intel.Unsubscribe{}).ID)
	xa.Has(xb.tells(exchange.Draft{Thread: feed, Kind: intel.KindSubscribe}, intel.Subscribe{}).ID)
	xb.Until("everything has come again", func() bool {
		_, raw := xb.knows(feed)
		return len(raw) == 3 && slices.Contains(raw, indicator(2, v1, tlp(marking.Amber)))
	})
}

// XA brings its own sensors' indicators and a list that it has fetched, and offers a feed up to TLP:AMBER. Its own go out; what others have marked TLP:AMBER stays, and is counted.
func TestGatheredIsNotOwn(t *testing.T) {
	t.Parallel()
	// spec: INT-7, INT-9, ONW-1
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(exchangeOfIntelligence("XA", "XB"), "XA")
	const v1 = "2026-11-02T00:00:00.000Z"
	_, _ = xa.gathers("sensors", marking.Amber, indicator(1, v1, ""))
	fetched, err := xa.OpenSource(t.Context(), intel.Source{Name: "fetched"}, marking.Marking{TLP: marking.Green}, xa.By("analyst", "one"))
	f.must(err)
	xa.adds(fetched, marking.Green, indicator(2, v1, tlp(marking.Amber)), indicator(3, v1, tlp(marking.Amber)), indicator(4, v1, ""))
	feed := xa.offers(agreed, xb, intel.Offer{Feed: "all"})
	xb.Until("what may pass has come", func() bool { n, _ := xb.knows(feed); return n == 2 })
	xa.Until("what may not is counted", func() bool { f.must(xa.Catalogued(t.Context())); return len(xa.feedOf(feed).Held) > 0 })
	if held := xa.feedOf(feed).Held; len(held) != 1 || held[0] != (intel.Held{Reason: intel.ByOriginator, Objects: 2}) {
		t.Errorf("held back: %+v", held)
	}
	if _, raw := xb.knows(feed); strings.Contains(strings.Join(raw, ""), "host2.") || strings.Contains(strings.Join(raw, ""), "host3.") {
		t.Errorf("XB has %v", raw)
	}
}
