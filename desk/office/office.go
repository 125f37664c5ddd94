package office

import (
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Kind is the desk's name.
const Kind thread.Kind = "office"

// Desk implements thread.Desk. It keeps nothing.
type Desk struct{}

var _ thread.Desk = Desk{}

// Kind is "office".
func (Desk) Kind() thread.Kind { return Kind }

// Kinds lists what can be said.
func (Desk) Kinds() []thread.KindSpec { return kinds() }

// Moves is what may be recorded next, by the party whose record it is.
func (Desk) Moves(s thread.State, by party.Code) []thread.Move {
	st, err := thread.Load[state](s)
	if err != nil || by != s.Opener.From {
		return nil
	}
	return thread.Offer(kinds(), st.may())
}

// Apply takes h's effect on the state.
func (Desk) Apply(s thread.State, h *statement.Head) (thread.State, error) {
	return thread.Change(s, func(st *state) error { return st.apply(h) })
}

// Summary is what lists show.
func (Desk) Summary(s thread.State) thread.Summary {
	return thread.Summarise(s, (*state).summary)
}
