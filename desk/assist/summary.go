package assist

import (
	"maps"
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// The names of clocks.
const (
	ClockAcknowledge = "acknowledge"
	ClockAnswer      = "answer"
)

// summary shows every asked party by its code. The status of the whole is that of the least settled.
func (st *state) summary(s thread.State) thread.Summary {
	sum := thread.Summary{Closed: true}
	least := len(Statuses())
	for _, asked := range slices.Sorted(maps.Keys(st.Asked)) {
		l := st.Asked[asked]
		least = min(least, slices.Index(Statuses(), l.Status))
		sum.Closed = sum.Closed && l.final()
		sum.Asks = append(sum.Asks, st.ask(s, asked, l))
		sum.Clocks = append(sum.Clocks, st.clocks(asked, l)...)
	}
	sum.Status = string(Statuses()[least])
	return sum
}

// ask is the line of the ledger.
func (st *state) ask(s thread.State, asked party.Code, l *line) thread.Ask {
	o := s.Opener
	a := thread.Ask{
		Request: st.Request, Kind: o.Kind, Asker: st.Asker, Asked: asked, Agreement: o.Agreement,
		Precedence: o.Precedence, Exercise: o.Exercise, Time: o.Time, Limit: st.Limit,
		Acknowledged: l.Acknowledged, Postponed: l.Postponed, Outcome: string(l.Status),
	}
	a.Answer, a.Answered = l.answer()
	if l.Refusal != nil {
		a.Grounds = l.Refusal.Grounds
	}
	return a
}

// answer is the head that gave the outcome: a grant or a refusal, nothing else. Of several grants in part it is the first.
func (l *line) answer() (statement.ID, statement.Time) {
	var g *grant
	switch l.Status {
	case GrantedOnConditions:
		g = &l.Grants[len(l.Grants)-1]
	case PartlyGranted:
		g = l.standing(Part)
	case Granted:
		g = l.standing(Full)
	case Refused, RefusedByRule:
		return l.Refusal.ID, l.Refusal.Time
	}
	if g == nil {
		return statement.ID{}, statement.Time{}
	}
	return g.ID, g.Time
}

// clocks is what this asked party owes: an acknowledgement while nothing has been said, an answer while none was given. A
// postponement puts its date in the answer's place, or makes one where none was owed.
func (st *state) clocks(asked party.Code, l *line) []thread.Clock {
	// spec: AST-3
	var owed []thread.Clock
	switch l.Status {
	case Open, Acknowledged, ClarificationAsked, Postponed:
	default:
		return nil
	}
	if n := st.Limit.Acknowledge; n > 0 && l.Status == Open {
		owed = append(owed, thread.Clock{Name: ClockAcknowledge, Owes: asked, Of: st.Request, Seconds: n})
	}
	if n := st.Limit.Answer; n > 0 || !l.Postponed.IsZero() {
		owed = append(owed, thread.Clock{Name: ClockAnswer, Owes: asked, Of: st.Request, Seconds: n, Until: l.Postponed})
	}
	return owed
}
