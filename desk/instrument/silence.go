package instrument

import (
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// The silence procedure. Expiry is a time in a fact; what is said is held against it by the times of heads, and by what their authors had folded. An objection that the
// head which closes had not heard of changes nothing by itself: whoever closes could not know of it, and its time is its author's word alone. It counts by
// instrument.contest, if another party had heard of it in time and says so.

// silence asks for it. One that was broken, or closed, gives way to the next.
func (st *state) silence(_ *thread.State, h *statement.Head, f Ask) error {
	// spec: AGR-12
	if err := st.inHand(f.Digest); err != nil {
		return err
	}
	st.Silence, st.Stage = &Silence{ID: h.ID, Expires: f.Expires}, UnderSilence
	return nil
}

// object notes an objection that was said in time, unless its author has one.
func (q *Silence) object(h *statement.Head) bool {
	if slices.ContainsFunc(q.Objections, func(o Objection) bool { return o.By == h.From }) {
		return false
	}
	q.Objections = append(q.Objections, Objection{ID: h.ID, By: h.From, Late: !q.Closed.IsZero()})
	return true
}

// breaks ends the silence that is running; one that was closed stands until it is contested.
func (st *state) breaks() {
	if st.Stage == UnderSilence {
		st.Stage = Negotiating
	}
}

func (st *state) object(s *thread.State, h *statement.Head, f Object) error {
	// spec: AGR-12
	q := st.Silence
	switch {
	case f.Of != q.ID || !s.Knew(q.ID):
		return thread.Void(thread.NotAdmissible, "AGR-12", "another silence, or none, is running")
	case !h.Time.Before(q.Expires):
		return thread.Void(thread.NotAdmissible, "AGR-12", "the silence had expired")
	case !q.Closed.IsZero() && s.Knew(q.Closed):
		return thread.Void(thread.NotAdmissible, "AGR-12", "the silence was closed, and its author knew")
	}
	q.object(h)
	st.breaks()
	return nil
}

// heard notes that another party had an objection, if it says so in time.
func (st *state) heard(s *thread.State, h *statement.Head, f Object) error {
	// spec: AGR-13
	q := st.Silence
	i := slices.IndexFunc(q.Objections, func(o Objection) bool { return o.ID == f.Of })
	switch {
	case i < 0 || !s.Knew(f.Of):
		return thread.Void(thread.NotAdmissible, "AGR-13", "there is no such objection")
	case q.Objections[i].By == h.From:
		return thread.Void(thread.NotAdmissible, "AGR-13", "it is its author's own objection")
	case q.Objections[i].heardBy(h.From):
		return thread.Void(thread.NotAdmissible, "AGR-13", "its author has said so before")
	}
	if h.Time.Before(q.Expires) {
		o := &q.Objections[i]
		o.Heard = append(slices.Clip(o.Heard), Hearing{ID: h.ID, By: h.From, Time: h.Time})
	}
	return nil
}

func (o *Objection) heardBy(code party.Code) bool {
	return slices.ContainsFunc(o.Heard, func(w Hearing) bool { return w.By == code })
}

// counts tells whether a late objection counts when somebody contests the silence.
func (o Objection) counts() bool { return o.Late && len(o.Heard) > 0 }

// contestable tells whether an author knew all that makes an objection count: so a contest counts wherever it is taken along with what its author knew.
func (q *Silence) contestable(s *thread.State, of statement.ID) bool {
	i := slices.IndexFunc(q.Objections, func(o Objection) bool { return o.ID == of })
	return i >= 0 && q.Objections[i].counts() && s.Knew(of) && s.Knew(q.Closed) && slices.ContainsFunc(q.Objections[i].Heard, func(w Hearing) bool { return s.Knew(w.ID) })
}

// close says how the silence has ended: adopted, if whoever closes had heard of no objection; else broken.
func (st *state) close(s *thread.State, h *statement.Head, f Close) error {
	// spec: AGR-12
	q := st.Silence
	due := q.Expires
	if h.From != st.Chair {
		due = due.Add(graceOfChair)
	}
	known := slices.ContainsFunc(q.Objections, func(o Objection) bool { return s.Knew(o.ID) })
	switch {
	case f.Silence != q.ID || !s.Knew(q.ID):
		return thread.Void(thread.NotAdmissible, "AGR-12", "another silence, or none, is running")
	case f.Outcome == OutcomeAdopted && known:
		return thread.Void(thread.NotAdmissible, "AGR-12", "the silence was broken, and its author knew")
	case f.Outcome == OutcomeBroken && !known:
		return thread.Void(thread.NotAdmissible, "AGR-12", "nothing that its author knew has broken the silence")
	case f.Outcome == OutcomeAdopted && h.Time.Before(due):
		return thread.Void(thread.NotAdmissible, "AGR-12", "the silence goes on; whoever is not the chair closes it a day after it has expired")
	}
	q.Closed, q.Outcome = h.ID, f.Outcome
	st.rests(s, h)
	if f.Outcome == OutcomeBroken {
		return nil
	}
	for i := range q.Objections {
		q.Objections[i].Late = true
	}
	st.Stage = Adopted
	return nil
}

// contest reopens a text that was adopted by silence although an objection had been heard in time. What was signed of it meanwhile is void; once somebody is bound by
// it, it is too late.
func (st *state) contest(s *thread.State, h *statement.Head, f Object) error {
	// spec: AGR-13
	q := st.Silence
	if q.Outcome != OutcomeAdopted || !q.contestable(s, f.Of) {
		return thread.Void(thread.NotAdmissible, "AGR-13", "its author knew of no such objection that was left out and heard in time")
	}
	if last := len(st.Versions) - 1; last >= 0 && st.Versions[last].ID == st.Draft.ID {
		if len(st.Versions[last].From) > 0 {
			return thread.Void(thread.NotAdmissible, "AGR-13", "the text binds parties already")
		}
		st.Versions = st.Versions[:last]
	}
	q.Closed, q.Outcome, st.Stage = h.ID, OutcomeBroken, Negotiating
	st.rests(s, h)
	return nil
}
