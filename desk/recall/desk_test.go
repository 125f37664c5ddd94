package recall

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

func suite() threadtest.Suite {
	return threadtest.Suite{Desk: Desk{}, Opens: KindAsk, Open: drawAsk, Facts: drawFacts}
}

func TestDesk(t *testing.T) {
	t.Parallel()
	suite().Test(t)
}

func FuzzDesk(f *testing.F) { suite().Fuzz(f) }

// FuzzFacts: whatever stands in the facts, the desk takes it or says why not, and the state of before stays.
func FuzzFacts(f *testing.F) {
	f.Add(string(KindAsk), []byte(`{"of":[],"reason":"incorrect"}`))
	f.Add(string(KindKeep), []byte(`{"ids":["0100000000000000000000000000000000000000000000000000000000000000"],"ground":"other"}`))
	f.Add(string(thread.KindRecalled), []byte(`{"ids":["0100000000000000000000000000000000000000000000000000000000000000"],"erased":true}`))
	f.Fuzz(func(t *testing.T, kind string, facts []byte) {
		k := threadtest.NewTalk(t, Desk{})
		opener := k.Open("XA", []party.Code{"XB"}, KindAsk, Ask{Of: []statement.ID{{1}}, Reason: Incorrect})
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
		}
	})
}

func drawAsk(t *rapid.T) any {
	f := Ask{Reason: rapid.SampledFrom(Reasons()).Draw(t, "reason")}
	for i := range rapid.IntRange(1, 4).Draw(t, "of") {
		f.Of = append(f.Of, statement.ID{byte(i + 1)})
	}
	if rapid.Bool().Draw(t, "within") {
		f.Within = rapid.Int64Range(1, MaxWithin).Draw(t, "seconds")
	}
	return f
}

// drawFacts draws facts that suit the state where it offers the kind.
func drawFacts(t *rapid.T, s thread.State, by party.Code, kind statement.Kind, _ time.Time) any {
	r, _ := Read(s)
	if kind == KindAsk {
		return drawAsk(t)
	}
	var mine []statement.ID
	for _, l := range r.Lines {
		if l.Party == by && l.Outcome == Pending {
			mine = append(mine, l.Statement)
		}
	}
	if len(mine) == 0 {
		mine = []statement.ID{{9}}
	}
	slices.SortFunc(mine, statement.ID.Compare)
	return Keep{IDs: mine[:rapid.IntRange(1, len(mine)).Draw(t, "kept")], Ground: rapid.SampledFrom(Grounds()).Draw(t, "ground")}
}
