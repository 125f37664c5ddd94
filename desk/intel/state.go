package intel

import (
	"maps"
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Form is what a thread of this desk is, by its opener.
type Form string

// The forms.
const (
	ASource Form = "source"
	AFeed   Form = "feed"
	AShare  Form = "share"
)

// Status is how far a thread has come (INT-5).
type Status string

// The statuses. A source is open until it has ended.
const (
	Open         Status = "open"
	Offered      Status = "offered"
	Subscribed   Status = "subscribed"
	Unsubscribed Status = "unsubscribed"
	Shared       Status = "shared"
	Ended        Status = "ended"
)

// state is the desk's own part of a thread's state. A loaded one belongs to who loaded it and may be changed.
type state struct {
	Form    Form         `json:"form"`
	By      party.Code   `json:"by"`
	To      []party.Code `json:"to,omitempty"`
	Status  Status       `json:"status"`
	Name    string       `json:"name,omitzero"`   // of a source
	Format  string       `json:"format,omitzero"` // of a source
	Own     bool         `json:"own,omitzero"`    // of a source
	Offer   *Offer       `json:"offer,omitempty"` // of a feed
	Objects int64        `json:"objects"`         // that came, by the facts

	// Of a feed.
	N       int64  `json:"n,omitzero"`       // of the last increment
	After   int64  `json:"after,omitzero"`   // of the last subscription
	Fresh   bool   `json:"fresh,omitzero"`   // no increment has come since it
	Through int64  `json:"through,omitzero"` // of the last increment
	More    bool   `json:"more,omitzero"`    // of the last increment
	Held    []Held `json:"held,omitempty"`   // in all, in the order of Reasons

	Seen map[party.Code]Tally `json:"seen,omitempty"`
}

// Tally adds up the sightings that a party has reported.
type Tally struct {
	Reports int64          `json:"reports"`
	Count   int64          `json:"count"`          // occurrences, at most 2^53−1
	First   statement.Time `json:"first,omitzero"` // the earliest that a report names
	Last    statement.Time `json:"last,omitzero"`  // the latest
}

// Clone implements thread.Cloner. Nothing changes Offer.
func (st state) Clone() state {
	st.Held, st.Seen = slices.Clone(st.Held), maps.Clone(st.Seen)
	return st
}

// may is what by can say now.
func (st *state) may(by party.Code) []statement.Kind {
	// spec: INT-1, INT-5, INT-6, INT-8
	own, peer := by == st.By, slices.Contains(st.To, by)
	switch st.Form {
	case ASource:
		if own && st.Status == Open {
			return []statement.Kind{KindImport, KindEnd}
		}
	case AShare:
		if peer {
			return []statement.Kind{KindSighting}
		}
	case AFeed:
		return st.mayFeed(own, peer)
	}
	return nil
}

func (st *state) mayFeed(own, peer bool) (kinds []statement.Kind) {
	switch {
	case own && st.Status == Subscribed:
		kinds = []statement.Kind{KindIncrement, KindEnd}
	case own && st.Status != Ended:
		kinds = []statement.Kind{KindEnd}
	case peer && st.Status == Subscribed:
		kinds = []statement.Kind{KindUnsubscribe}
	case peer && st.Status != Ended:
		kinds = []statement.Kind{KindSubscribe}
	}
	if peer && st.N > 0 {
		kinds = append(kinds, KindSighting)
	}
	return kinds
}

// apply changes st as h says, or gives why h is void.
func (st *state) apply(h *statement.Head) error {
	if h.Kind.Desk() != string(Kind) {
		return nil
	}
	if h.IsOpener() {
		return st.open(h)
	}
	switch h.Kind {
	case KindImport:
		return st.grow(h)
	case KindSubscribe:
		return st.subscribe(h)
	case KindUnsubscribe:
		return st.become(h, Unsubscribed)
	case KindEnd:
		return st.become(h, Ended)
	case KindIncrement:
		return st.increment(h)
	case KindSighting:
		return st.sighting(h)
	}
	return thread.Void(thread.NotAdmissible, "INT-1", "it opens a thread of its own")
}

// said gives the facts of a head that its author may say now.
func said[T any](st *state, h *statement.Head) (T, error) {
	f, err := thread.Facts[T](h)
	if err == nil && !slices.Contains(st.may(h.From), h.Kind) {
		err = thread.Void(thread.NotAdmissible, "INT-5", "it does not suit what this thread is, how far it has come, or who says it")
	}
	return f, err
}

// open makes the state of a new source, feed or share.
func (st *state) open(h *statement.Head) error {
	st.By, st.To = h.From, h.To
	switch h.Kind {
	case KindSource:
		f, err := thread.Facts[Source](h)
		st.Form, st.Status, st.Name, st.Format, st.Own = ASource, Open, f.Name, f.Format, f.Own
		return err
	case KindOffer:
		f, err := thread.Facts[Offer](h)
		st.Form, st.Status, st.Offer = AFeed, Offered, &f
		return err
	case KindShare:
		f, err := thread.Facts[Share](h)
		st.Form, st.Status, st.Objects = AShare, Shared, f.Objects
		return err
	}
	return thread.Void(thread.NotAdmissible, "INT-1", "it does not open a thread")
}

// grow counts what an import brought.
func (st *state) grow(h *statement.Head) error {
	// spec: INT-9
	f, err := said[Import](st, h)
	switch {
	case err != nil:
		return err
	case f.Own && !st.Own:
		return thread.Void(thread.NotAdmissible, "INT-9", "what a source of others' words brings is not its author's own")
	}
	st.Objects = sum(st.Objects, f.Objects)
	return nil
}

// become wants the facts of a kind that has none.
func (st *state) become(h *statement.Head, status Status) error {
	_, err := said[struct{}](st, h)
	st.Status = status
	return err
}

// subscribe lets increments come: all of them, or those after one that was there.
func (st *state) subscribe(h *statement.Head) error {
	// spec: INT-6
	f, err := said[Subscribe](st, h)
	switch {
	case err != nil:
		return err
	case f.After > st.N:
		return thread.Void(thread.NotAdmissible, "INT-6", "there is no such increment to go on after")
	}
	st.Status, st.After, st.Fresh, st.More = Subscribed, f.After, true, false
	return nil
}

// increment takes the next one. What was on its way when its peer unsubscribed comes before that, by rank.
func (st *state) increment(h *statement.Head) error {
	// spec: INT-6, INT-7
	f, err := said[Increment](st, h)
	switch {
	case err != nil:
		return err
	case f.N != st.N+1:
		return thread.Void(thread.NotAdmissible, "INT-6", "increments are numbered one after the other")
	case f.Sector != st.Offer.Sector || f.Purpose != st.Offer.Purpose:
		return thread.Void(thread.NotAdmissible, "INT-6", "an increment repeats the sector and the purpose of the offer")
	case f.Through < st.Through && !st.Fresh:
		return thread.Void(thread.NotAdmissible, "INT-6", "an increment does not go back behind the one before it")
	case f.Objects == 0 && len(f.Held) == 0 && (!st.More && !st.Fresh || f.More):
		return thread.Void(thread.NotAdmissible, "INT-7", "an increment brings something, tells that something is held back, or that no more is ready")
	}
	st.N, st.Through, st.More, st.Fresh = f.N, f.Through, f.More, false
	st.Objects = sum(st.Objects, f.Objects)
	st.hold(f.Held)
	return nil
}

// hold adds to what was held back.
func (st *state) hold(more []Held) {
	var all []Held
	for _, r := range Reasons() {
		n := int64(0)
		for _, held := range slices.Concat(st.Held, more) {
			if held.Reason == r {
				n = sum(n, held.Objects)
			}
		}
		if n > 0 {
			all = append(all, Held{r, n})
		}
	}
	st.Held = all
}

// sighting adds to what its author has reported.
func (st *state) sighting(h *statement.Head) error {
	// spec: INT-8
	f, err := said[Sighting](st, h)
	if err != nil {
		return err
	}
	if st.Seen == nil {
		st.Seen = map[party.Code]Tally{}
	}
	t := st.Seen[h.From]
	t.Reports, t.Count = sum(t.Reports, 1), sum(t.Count, f.Count)
	if !f.First.IsZero() && (t.First.IsZero() || f.First.Before(t.First)) {
		t.First = f.First
	}
	if t.Last.Before(f.Last) {
		t.Last = f.Last
	}
	st.Seen[h.From] = t
	return nil
}

// sum stays within what facts can say.
func sum(a, b int64) int64 { return min(a+b, maxNumber) }
