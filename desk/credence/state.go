package credence

import (
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// state is the desk's own part of a thread's state.
type state struct {
	Office    party.Code `json:"office"`
	Withdrawn bool       `json:"withdrawn"`
}

// apply changes st as h says, or gives why h is void.
func (st *state) apply(h *statement.Head) error {
	if h.Kind.Desk() != string(Kind) {
		return nil
	}
	if !h.IsOpener() {
		return thread.Void(thread.NotAdmissible, "LTR-10", "each introduction and each withdrawal is a thread of its own")
	}
	seen := party.Offices{}
	if err := Apply(seen, h); err != nil {
		return thread.Void(thread.BadFacts, "LTR-10", "an office is introduced or withdrawn by its own principal alone")
	}
	if h.Kind == KindWithdraw {
		f, err := thread.Facts[party.WithdrawOfficeFacts](h)
		st.Office, st.Withdrawn = f.Office, true
		return err
	}
	f, err := thread.Facts[party.OfficeFacts](h)
	st.Office = f.Office
	return err
}
