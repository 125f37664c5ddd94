package assist

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
	return threadtest.Suite{Desk: Desk{}, Opens: KindRequest, Open: drawRequest, Facts: drawFacts}
}

func TestDesk(t *testing.T) {
	t.Parallel()
	suite().Test(t)
}

func FuzzDesk(f *testing.F) { suite().Fuzz(f) }

// FuzzFacts: whatever stands in the facts, the desk takes it or says why not, and the state of before stays.
func FuzzFacts(f *testing.F) {
	for _, spec := range kinds() {
		f.Add(string(spec.Kind), []byte(`{"type":"analysis","until":"2026-11-22T08:00:00.000Z"}`))
	}
	f.Add(string(KindGrant), []byte(`{"extent":"part","conditions":["confidential"]}`))
	f.Add(string(KindRefuse), []byte(`{"grounds":[]}`))
	f.Add(string(KindPostpone), []byte(`{"reason":"other","until":"2026-11-21T07:59:59.999Z"}`))
	f.Fuzz(func(t *testing.T, kind string, facts []byte) {
		k := threadtest.NewTalk(t, Desk{})
		opener := k.Open("XA", []party.Code{"XB"}, KindRequest, Request{Type: Analysis})
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

func drawRequest(t *rapid.T) any {
	r := Request{Type: rapid.SampledFrom(Types()).Draw(t, "type"), Sector: "energy"}
	if rapid.Bool().Draw(t, "clock") {
		r.Clock = &thread.Limit{Acknowledge: 3600, Answer: rapid.Int64Range(1, MaxSeconds).Draw(t, "answer")}
	}
	return r
}

// drawFacts draws facts that suit the state where it offers the kind.
func drawFacts(t *rapid.T, s thread.State, by party.Code, kind statement.Kind, now time.Time) any {
	st, err := thread.Load[state](s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var waiting, own, asked []statement.ID
	for c, l := range st.Asked {
		for i, g := range l.Grants {
			if l.Status == GrantedOnConditions && i == len(l.Grants)-1 {
				waiting = append(waiting, g.ID)
			}
			if c == by {
				own = append(own, g.ID)
			}
			if g.Use {
				asked = append(asked, g.ID)
			}
		}
	}
	switch kind {
	case KindRequest:
		return drawRequest(t)
	case KindClarify:
		return Clarify{Wanted: []string{"scope"}}
	case KindSupplement:
		return Supplement{For: pick(t, clarifications(st))}
	case KindPostpone:
		return Postpone{Reason: "workload", Until: statement.TimeOf(now.Add(48 * time.Hour))}
	case KindGrant:
		g := Grant{Extent: rapid.SampledFrom([]Extent{Part, Full}).Draw(t, "extent")}
		if rapid.Bool().Draw(t, "conditions") {
			g.Conditions = []string{"confidential"}
		}
		return g
	case KindAccept:
		return Accept{Answer: pick(t, waiting)}
	case KindRefuse:
		return Refuse{Grounds: []string{"sovereignty", Other}}
	case KindAskUse:
		return AskUse{Answer: pick(t, own)}
	case KindReportUse:
		return ReportUse{Answer: pick(t, asked), Use: []string{"containment"}}
	}
	return struct{}{}
}

func clarifications(st state) []statement.ID {
	ids := []statement.ID{{}}
	for _, l := range st.Asked {
		if l.Status == ClarificationAsked {
			ids = append(ids, l.Clarify)
		}
	}
	return ids
}

// pick draws one of ids, in an order that does not depend on a map's.
func pick(t *rapid.T, ids []statement.ID) statement.ID {
	if len(ids) == 0 {
		return statement.ID{7}
	}
	slices.SortFunc(ids, statement.ID.Compare)
	return rapid.SampledFrom(ids).Draw(t, "id")
}
