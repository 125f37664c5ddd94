package recall

import (
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Kind is the desk's name.
const Kind thread.Kind = "recall"

// Desk implements thread.Desk and thread.BodyChecker. It keeps nothing.
type Desk struct{}

var (
	_ thread.Desk        = Desk{}
	_ thread.BodyChecker = Desk{}
)

// Kind is "recall".
func (Desk) Kind() thread.Kind { return Kind }

// Kinds lists what can be said (RCL-1).
func (Desk) Kinds() []thread.KindSpec { return kinds() }

// Moves is what by may say next. That it was erased is said with a receipt, which is no move of a desk.
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

// Summary is what lists and clocks show.
func (Desk) Summary(s thread.State) thread.Summary {
	return thread.Summarise(s, (*state).summary)
}

// CheckBody wants a text where a reason or ground is "other", which says nothing by itself. Error: fault.Inadmissible, RCL-5.
func (Desk) CheckBody(h *statement.Head, body *statement.Body) error {
	// spec: RCL-5
	why := ""
	switch h.Kind {
	case KindAsk:
		f, err := thread.Facts[Ask](h)
		if err != nil {
			return err
		}
		why = string(f.Reason)
	case KindKeep:
		f, err := thread.Facts[Keep](h)
		if err != nil {
			return err
		}
		why = string(f.Ground)
	}
	if why == other && (body == nil || strings.TrimSpace(body.Text) == "") {
		return fault.New(fault.Inadmissible, "RCL-5", `"other" needs a text that says which`)
	}
	return nil
}
