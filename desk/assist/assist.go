package assist

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Kind is the desk's name.
const Kind thread.Kind = "assist"

// Desk implements thread.Desk and thread.BodyChecker. It keeps nothing.
type Desk struct{}

var (
	_ thread.Desk        = Desk{}
	_ thread.BodyChecker = Desk{}
)

// Kind is "assist".
func (Desk) Kind() thread.Kind { return Kind }

// Kinds lists what can be said (AST-1).
func (Desk) Kinds() []thread.KindSpec { return kinds() }

// Moves is what by may say next.
func (Desk) Moves(s thread.State, by party.Code) []thread.Move {
	st, err := thread.Load[state](s)
	if err != nil {
		return nil
	}
	return thread.Offer(kinds(), st.may(by))
}

// Apply takes h's effect on the state.
func (Desk) Apply(s thread.State, h *statement.Head) (thread.State, error) {
	return thread.Change(s, func(st *state) error { return st.apply(h) })
}

// Summary is what lists, clocks and the ledger show.
func (Desk) Summary(s thread.State) thread.Summary {
	return thread.Summarise(s, func(st *state) thread.Summary { return st.summary(s) })
}

// CheckBody wants a text where a ground or reason is "other", which says nothing by itself. Error: fault.Inadmissible, AST-6.
func (Desk) CheckBody(h *statement.Head, body *statement.Body) error {
	// spec: AST-6
	var reasons []string
	switch h.Kind {
	case KindPostpone:
		f, err := thread.Facts[Postpone](h)
		if err != nil {
			return err
		}
		reasons = []string{f.Reason}
	case KindRefuse:
		f, err := thread.Facts[Refuse](h)
		if err != nil {
			return err
		}
		reasons = f.Grounds
	case KindWithdraw:
		f, err := thread.Facts[Withdraw](h)
		if err != nil {
			return err
		}
		reasons = []string{f.Reason}
	}
	if slices.Contains(reasons, Other) && (body == nil || strings.TrimSpace(body.Text) == "") {
		return fault.New(fault.Inadmissible, "AST-6", `the reason "other" needs a text that says which`)
	}
	return nil
}
