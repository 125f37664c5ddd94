package intel

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

func feed() threadtest.Suite {
	return threadtest.Suite{Desk: Desk{}, Opens: KindOffer, Open: drawOffer, Facts: drawFacts}
}

func TestFeed(t *testing.T) {
	t.Parallel()
	feed().Test(t)
}

func FuzzFeed(f *testing.F) { feed().Fuzz(f) }

func TestShare(t *testing.T) {
	t.Parallel()
	draw := func(t *rapid.T) any { return Share{Objects: rapid.Int64Range(1, 9).Draw(t, "objects")} }
	threadtest.Suite{Desk: Desk{}, Opens: KindShare, Open: draw, Facts: drawFacts}.Test(t)
}

// FuzzFacts: whatever stands in the facts, the desk takes it or says why not, and the state of before stays.
func FuzzFacts(f *testing.F) {
	f.Add(string(KindSubscribe), []byte(`{"after":1}`))
	f.Add(string(KindIncrement), []byte(`{"n":1,"objects":2,"through":7,"more":false,"held":[{"reason":"caveat","objects":1}]}`))
	f.Add(string(KindSighting), []byte(`{"objects":1,"count":3,"first":"2026-11-21T08:00:00.000Z","last":"2026-11-21T07:59:59.999Z"}`))
	f.Add(string(KindImport), []byte(`{"objects":-1}`))
	f.Fuzz(func(t *testing.T, kind string, facts []byte) {
		k := threadtest.NewTalk(t, Desk{})
		opener := k.Open("XA", []party.Code{"XB"}, KindOffer, Offer{Feed: "all"})
		k.Say("XB", KindSubscribe, Subscribe{})
		before := k.Fold().State
		for _, by := range []party.Code{"XA", "XB"} {
			h := *opener
			h.From, h.Kind, h.Thread, h.Facts = by, statement.Kind(kind), opener.ID, facts
			after, err := Desk{}.Apply(before, &h)
			if err != nil && string(after.Desk) != string(before.Desk) {
				t.Fatalf("refused, and changed: %v", err)
			}
			Desk{}.Summary(after)
			Desk{}.Moves(after, by)
			_ = Desk{}.CheckBody(&h, nil)
		}
	})
}

func drawOffer(t *rapid.T) any {
	o := Offer{Feed: "ransomware", ConfidenceMin: rapid.Int64Range(0, 100).Draw(t, "confidence")}
	if rapid.Bool().Draw(t, "narrow") {
		o.Types, o.TLPMax, o.Sector, o.Purpose = []string{"indicator", "malware"}, marking.Green, "energy", "defence"
	}
	return o
}

// drawFacts draws facts that suit the state where it offers the kind.
func drawFacts(t *rapid.T, s thread.State, _ party.Code, kind statement.Kind, now time.Time) any {
	st, err := thread.Load[state](s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	switch kind {
	case KindOffer:
		return drawOffer(t)
	case KindShare:
		return Share{Objects: 1}
	case KindSource:
		return Source{Name: "sensors"}
	case KindImport:
		return Import{Objects: rapid.Int64Range(0, 9).Draw(t, "objects")}
	case KindSubscribe:
		return Subscribe{After: rapid.Int64Range(0, st.N).Draw(t, "after")}
	case KindIncrement:
		f := Increment{N: st.N + 1, Objects: rapid.Int64Range(1, 9).Draw(t, "objects"), Through: st.Through + 1, More: rapid.Bool().Draw(t, "more")}
		if st.Offer != nil {
			f.Sector, f.Purpose = st.Offer.Sector, st.Offer.Purpose
		}
		if rapid.Bool().Draw(t, "held") {
			f.Held = []Held{{rapid.SampledFrom(Reasons()).Draw(t, "reason"), 3}}
		}
		return f
	case KindSighting:
		return Sighting{Objects: 1, Count: rapid.Int64Range(1, maxNumber).Draw(t, "count"), First: statement.TimeOf(now.Add(-time.Hour)), Last: statement.TimeOf(now)}
	}
	return struct{}{}
}
