package credence

import (
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Kind is the desk's name.
const Kind thread.Kind = "credence"

// Desk implements thread.Desk. It keeps nothing.
type Desk struct{}

var _ thread.Desk = Desk{}

// Kind is "credence".
func (Desk) Kind() thread.Kind { return Kind }

// Kinds lists what can be said (LTR-10).
func (Desk) Kinds() []thread.KindSpec { return kinds() }

// Moves is empty: each statement stands for itself.
func (Desk) Moves(thread.State, party.Code) []thread.Move { return nil }

// Apply takes h's effect on the state.
func (Desk) Apply(s thread.State, h *statement.Head) (thread.State, error) {
	return thread.Change(s, func(st *state) error { return st.apply(h) })
}

// Summary is what lists show.
func (Desk) Summary(s thread.State) thread.Summary {
	return thread.Summarise(s, (*state).summary)
}

// Apply takes a head of this desk into account in what a principal's log introduces; other heads change nothing.
func Apply(offices party.Offices, h *statement.Head) error {
	// spec: LTR-10
	switch h.Kind {
	case KindOffice:
		f, err := thread.Facts[party.OfficeFacts](h)
		if err != nil {
			return err
		}
		return offices.Introduce(h.From, f)
	case KindWithdraw:
		f, err := thread.Facts[party.WithdrawOfficeFacts](h)
		if err != nil {
			return err
		}
		return offices.Withdraw(h.From, f)
	}
	return nil
}
