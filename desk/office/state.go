package office

import (
	"slices"

	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// state is the desk's own part of a thread's state: of an officer, or of a draft.
type state struct {
	Status string           `json:"status"`
	Roles  []string         `json:"roles,omitempty"` // an officer's
	Author string           `json:"author,omitzero"` // of a draft: who has submitted it, as pseudonym
	Digest statement.Digest `json:"digest,omitzero"` // of a draft: what was submitted
	Other  string           `json:"other,omitzero"`  // of a draft: who has approved it
	Says   statement.Kind   `json:"says,omitzero"`   // of a draft
	Said   statement.ID     `json:"said,omitzero"`   // of a draft that was released
}

// may lists what can be recorded next.
func (st *state) may() []statement.Kind {
	switch st.Status {
	case Enrolled:
		return []statement.Kind{KindAssign, KindDisable, KindIssue, KindRevoke, KindInvite, KindEnter, KindBind, KindUnbind, KindDoubt}
	case Disabled:
		return []statement.Kind{KindAssign, KindEnable, KindRevoke, KindUnbind}
	case Submitted:
		return []statement.Kind{KindEdit, KindReturn, KindApprove, KindDrop}
	case Editing, Returned:
		return []statement.Kind{KindSubmit, KindDrop}
	case Approved:
		return []statement.Kind{KindEdit, KindReturn, KindRelease, KindDrop}
	}
	return nil
}

// apply changes st as h says, or gives why h is void.
func (st *state) apply(h *statement.Head) error {
	if h.Kind.Desk() != string(Kind) {
		return nil
	}
	// spec: THR-9
	if len(h.To) > 0 {
		return thread.Void(thread.NotAdmissible, "THR-9", "a record of this desk goes to nobody")
	}
	if h.IsOpener() {
		return st.open(h)
	}
	if !slices.Contains(st.may(), h.Kind) {
		return thread.Void(thread.NotAdmissible, "THR-9", "the officer, or the draft, is not in a state for this")
	}
	switch h.Kind {
	case KindSubmit:
		return st.submit(h)
	case KindReturn, KindApprove:
		return st.judge(h)
	case KindRelease:
		f, err := thread.Facts[Release](h)
		if err != nil {
			return err
		}
		st.Status, st.Said = Released, f.Statement
	case KindEdit:
		st.Status, st.Other = Editing, ""
	case KindDrop:
		st.Status = Dropped
	default:
		return st.change(h)
	}
	return nil
}

func (st *state) open(h *statement.Head) error {
	if h.Kind == KindSubmit {
		return st.submit(h)
	}
	f, err := thread.Facts[Enrol](h)
	if err != nil {
		return err
	}
	st.Status, st.Roles = Enrolled, f.Roles
	return nil
}

// change is what is recorded of an officer.
func (st *state) change(h *statement.Head) (err error) {
	switch h.Kind {
	case KindAssign:
		var f Assign
		if f, err = thread.Facts[Assign](h); err == nil {
			st.Roles = f.Roles
		}
	case KindDisable:
		st.Status = Disabled
	case KindEnable:
		st.Status = Enrolled
	case KindIssue:
		_, err = thread.Facts[Issue](h)
	case KindRevoke:
		_, err = thread.Facts[Revoke](h)
	case KindInvite:
		_, err = thread.Facts[Invite](h)
	case KindBind, KindUnbind, KindDoubt:
		_, err = thread.Facts[Bind](h)
	}
	return err
}

func (st *state) submit(h *statement.Head) error {
	f, err := thread.Facts[Submit](h)
	if err != nil {
		return err
	}
	st.Status, st.Author, st.Digest, st.Says, st.Other = Submitted, h.By.Officer, f.Digest, f.Says, ""
	return nil
}

// judge is what another officer than the author says of a draft.
func (st *state) judge(h *statement.Head) error {
	if h.By.Officer == st.Author {
		return thread.Void(thread.NotAdmissible, "THR-9", "a draft is judged by another officer than the one who has submitted it")
	}
	if h.Kind == KindReturn {
		st.Status, st.Other = Returned, ""
		return nil
	}
	f, err := thread.Facts[Approve](h)
	if err != nil {
		return err
	}
	if f.Digest != st.Digest {
		return thread.Void(thread.BadFacts, "THR-9", "what was approved is not what was submitted")
	}
	st.Status, st.Other = Approved, h.By.Officer
	return nil
}
