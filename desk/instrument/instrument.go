package instrument

import (
	"maps"
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Kind is the desk's name.
const Kind thread.Kind = "instrument"

// Desk implements thread.Desk. It keeps nothing.
type Desk struct{}

var _ thread.Desk = Desk{}

// Kind is "instrument".
func (Desk) Kind() thread.Kind { return Kind }

// Kinds lists what can be said (AGR-7).
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

// Summary is what lists show.
func (Desk) Summary(s thread.State) thread.Summary {
	return thread.Summarise(s, (*state).summary)
}

// InForce is from when the agreement that s makes is in force, and the digest of its document. ok is false while a signature is
// missing, and for the state of any other thread.
func InForce(s thread.State) (from statement.Time, digest statement.Digest, ok bool) {
	// spec: AGR-8
	if s.Kind != Kind {
		return statement.Time{}, statement.Digest{}, false
	}
	st, err := thread.Load[state](s)
	if err != nil || st.InForce.IsZero() {
		return statement.Time{}, statement.Digest{}, false
	}
	return st.InForce, st.Digest, true
}

// Signatures is what was deposited, who has signed it when, and by which heads, in the order of their ids.
func Signatures(s thread.State) (digest statement.Digest, signed map[party.Code]statement.Time, by []statement.ID, err error) {
	st, err := thread.Load[state](s)
	if err != nil || s.Kind != Kind {
		return statement.Digest{}, nil, nil, err
	}
	return st.Digest, st.Signed, slices.SortedFunc(maps.Values(st.By), statement.ID.Compare), nil
}
