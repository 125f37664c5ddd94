package instrument

import (
	"maps"
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// state is the desk's own part of a thread's state. A loaded one belongs to who loaded it and may be changed.
type state struct {
	Digest  statement.Digest              `json:"digest"`
	Parties []party.Code                  `json:"parties"`           // sorted
	Signed  map[party.Code]statement.Time `json:"signed"`            // first valid signatures
	By      map[party.Code]statement.ID   `json:"by"`                // the heads that gave them
	InForce statement.Time                `json:"in_force,omitzero"` // zero while one is missing
}

// may is what by can say now: a party that has not signed signs. Moves offers nothing else and apply admits nothing else.
func (st *state) may(by party.Code) []statement.Kind {
	if _, signed := st.Signed[by]; signed || !slices.Contains(st.Parties, by) {
		return nil
	}
	return []statement.Kind{KindSign}
}

// apply changes st as h says, or gives why h is void.
func (st *state) apply(h *statement.Head) error {
	switch h.Kind {
	case KindDeposit:
		return st.deposit(h)
	case KindSign:
		return st.sign(h)
	}
	return nil
}

func (st *state) deposit(h *statement.Head) error {
	f, err := thread.Facts[Deposit](h)
	switch {
	case err != nil:
		return err
	case !h.IsOpener():
		return thread.Void(thread.NotAdmissible, "AGR-7", "a deposit opens a thread of its own")
	}
	st.Digest, st.Parties = f.Digest, slices.Sorted(slices.Values(f.Parties))
	st.Signed, st.By = map[party.Code]statement.Time{}, map[party.Code]statement.ID{}
	return nil
}

// sign takes a party's signature; with the last one the agreement is in force from the latest of their times.
func (st *state) sign(h *statement.Head) error {
	// spec: AGR-7, AGR-8
	f, err := thread.Facts[Sign](h)
	switch {
	case err != nil:
		return err
	case !slices.Contains(st.may(h.From), h.Kind):
		return thread.Void(thread.NotAdmissible, "AGR-7", "its author is no party of the document or has signed it already")
	case f.Digest != st.Digest:
		return thread.Void(thread.NotAdmissible, "AGR-7", "another document was deposited")
	}
	st.Signed[h.From], st.By[h.From] = h.Time, h.ID
	if len(st.Signed) == len(st.Parties) {
		st.InForce = slices.MaxFunc(slices.Collect(maps.Values(st.Signed)), statement.Time.Compare)
	}
	return nil
}
