package recall

import (
	"maps"
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Outcome is what a party has answered for one statement.
type Outcome string

// The outcomes.
const (
	Pending Outcome = ""       // nothing yet
	Kept    Outcome = "kept"   // it says that it keeps it, and why
	Erased  Outcome = "erased" // it says that its copies are erased
)

// state is the desk's own part of a thread's state. A loaded one belongs to who loaded it and may be changed.
type state struct {
	Recall statement.ID          `json:"recall"`
	By     party.Code            `json:"by"`
	Of     []statement.ID        `json:"of"`
	Reason Reason                `json:"reason"`
	Within int64                 `json:"within,omitzero"`
	Asked  map[party.Code][]line `json:"asked"` // one line for each of Of, in its order
}

// line is one party's answer for one statement.
type line struct {
	Outcome Outcome        `json:"outcome,omitzero"`
	Ground  Ground         `json:"ground,omitzero"`
	Head    statement.ID   `json:"head,omitzero"` // which said so
	Time    statement.Time `json:"time,omitzero"` // of Head
}

// Clone implements thread.Cloner.
func (st state) Clone() state {
	asked := make(map[party.Code][]line, len(st.Asked))
	for code, lines := range st.Asked {
		asked[code] = slices.Clone(lines)
	}
	st.Asked = asked
	return st
}

// may is what by can say now: an asked party that has not answered for everything can keep something.
func (st *state) may(by party.Code) []statement.Kind {
	// spec: RCL-3
	if slices.ContainsFunc(st.Asked[by], func(l line) bool { return l.Outcome == Pending }) {
		return []statement.Kind{KindKeep}
	}
	return nil
}

// apply changes st as h says, or gives why h is void.
func (st *state) apply(h *statement.Head) error {
	switch h.Kind {
	case KindAsk:
		return st.open(h)
	case KindKeep:
		return st.keep(h)
	case thread.KindRecalled:
		return st.erased(h)
	}
	return nil
}

// open makes the state of a new recall.
func (st *state) open(h *statement.Head) error {
	f, err := thread.Facts[Ask](h)
	switch {
	case err != nil:
		return err
	case !h.IsOpener():
		return thread.Void(thread.NotAdmissible, "RCL-1", "a recall opens a thread of its own")
	}
	st.Recall, st.By, st.Of, st.Reason, st.Within = h.ID, h.From, f.Of, f.Reason, f.Within
	st.Asked = make(map[party.Code][]line, len(h.To))
	for _, c := range h.To {
		st.Asked[c] = make([]line, len(f.Of))
	}
	return nil
}

// keep notes what an asked party keeps. It names only what it has not answered for.
func (st *state) keep(h *statement.Head) error {
	// spec: RCL-3
	f, err := thread.Facts[Keep](h)
	if err != nil {
		return err
	}
	lines := st.Asked[h.From]
	for _, id := range f.IDs {
		if i := slices.Index(st.Of, id); i < 0 || lines == nil || lines[i].Outcome != Pending {
			return thread.Void(thread.NotAdmissible, "RCL-3", "its author was not asked for this, or has answered for it")
		}
	}
	for _, id := range f.IDs {
		lines[slices.Index(st.Of, id)] = line{Kept, f.Ground, h.ID, h.Time}
	}
	return nil
}

// erased notes a receipt of an asked party. What else the receipt names is no business of this recall's.
func (st *state) erased(h *statement.Head) error {
	// spec: RCL-4
	f, err := thread.Facts[thread.Recalled](h)
	if err != nil {
		return err
	}
	lines := st.Asked[h.From]
	for i := range lines {
		if lines[i].Outcome != Erased && slices.Contains(f.IDs, st.Of[i]) {
			lines[i] = line{Outcome: Erased, Head: h.ID, Time: h.Time}
		}
	}
	return nil
}

// Recall is what a thread of this desk has come to.
type Recall struct {
	ID     statement.ID
	By     party.Code
	Of     []statement.ID
	Reason Reason
	Within int64 // seconds; 0: no answer is wanted by any time
	Lines  []Line
}

// Line is what one asked party has answered for one statement.
type Line struct {
	Party     party.Code
	Statement statement.ID
	Outcome   Outcome
	Ground    Ground         // of what is kept
	Head      statement.ID   // which said so; zero while pending
	Time      statement.Time // of Head
}

// Read gives a recall from its thread's state: its lines by party, then in the order in which the recall names the statements. ok is false for another desk's thread
// and for one whose opener is void.
func Read(s thread.State) (r Recall, ok bool) {
	if s.Kind != Kind || len(s.Desk) == 0 {
		return r, false
	}
	st, err := thread.Load[state](s)
	if err != nil {
		return r, false
	}
	r = Recall{ID: st.Recall, By: st.By, Of: slices.Clone(st.Of), Reason: st.Reason, Within: st.Within}
	for _, code := range slices.Sorted(maps.Keys(st.Asked)) {
		for i, l := range st.Asked[code] {
			r.Lines = append(r.Lines, Line{code, st.Of[i], l.Outcome, l.Ground, l.Head, l.Time})
		}
	}
	return r, true
}
