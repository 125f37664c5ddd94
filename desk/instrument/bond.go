package instrument

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/wire"
)

// What binds, and what ends it.

// version is a text that was opened for signature.
type version struct {
	ID       statement.ID    `json:"id"`     // the head whose body has it
	Opened   statement.ID    `json:"opened"` // the head that opened it
	Terms    agreement.Terms `json:"terms"`
	Consents consents        `json:"consents"`
	From     moments         `json:"from,omitempty"` // since when it is in force for whom
}

// consents and moments write themselves by hand: a state with hundreds of parties is written for each head.
type (
	consents map[party.Code]Consent
	moments  map[party.Code]statement.Time
)

// MarshalJSON writes what json.Marshal would.
func (c consents) MarshalJSON() ([]byte, error) {
	w := wire.Writer{Text: append(make([]byte, 0, 192*len(c)+2), '{')}
	for i, code := range slices.Sorted(maps.Keys(c)) {
		one := c[code]
		if i > 0 {
			w.Text = append(w.Text, ',')
		}
		w.Quoted(string(code))
		w.String(`:{"signed":`, one.Signed.String())
		w.Hash(`,"by":`, one.By)
		if !one.Given.IsZero() {
			w.String(`,"given":`, one.Given.String())
		}
		w.String(`,"as":`, one.As)
		if len(one.Reserved) > 0 {
			w.List(`,"reserved":`, len(one.Reserved), func(i int) { w.Quoted(one.Reserved[i]) })
		}
		w.Text = append(w.Text, '}')
	}
	if w.NotPlain {
		return json.Marshal(map[party.Code]Consent(c), json.Deterministic(true))
	}
	return append(w.Text, '}'), nil
}

// MarshalJSON writes what json.Marshal would.
func (m moments) MarshalJSON() ([]byte, error) {
	w := wire.Writer{Text: append(make([]byte, 0, 48*len(m)+2), '{')}
	for i, code := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			w.Text = append(w.Text, ',')
		}
		w.Quoted(string(code))
		w.String(":", m[code].String())
	}
	if w.NotPlain {
		return json.Marshal(map[party.Code]statement.Time(m), json.Deterministic(true))
	}
	return append(w.Text, '}'), nil
}

// binding is the effect of a head by which a party is bound, or no more.
func binding(h *statement.Head) (effect, error) {
	switch h.Kind {
	case KindSign:
		return reading(h, (*state).sign)
	case KindRatify:
		return reading(h, (*state).ratify)
	case KindInvite:
		return reading(h, (*state).invite)
	case KindAccede:
		return reading(h, (*state).accede)
	case KindSuspend:
		return reading(h, (*state).suspend)
	case KindResume:
		return reading(h, (*state).resume)
	case KindWithdraw:
		return reading(h, (*state).withdraw)
	case KindTerminate:
		return reading(h, (*state).terminate)
	}
	return nil, thread.Void(thread.NotAdmissible, "AGR-9", "it opens a thread of its own")
}

// Consent is what a party has said to bind itself to a text.
type Consent struct {
	Signed   statement.Time `json:"signed"`
	By       statement.ID   `json:"by"`
	Given    statement.Time `json:"given,omitzero"` // zero while ratification is missing
	As       string         `json:"as"`             // "signature", "ratification", "acceptance", "approval" or "accession"
	Reserved []string       `json:"reserved,omitempty"`
}

// Exit is when a party is not bound.
type Exit struct {
	Suspended []agreement.Interval `json:"suspended,omitempty"`
	Left      statement.Time       `json:"left,omitzero"`
	Ends      statement.Time       `json:"ends,omitzero"` // when it agreed to terminate
}

// consent notes what a party has said to bind itself, and from when the text is in force for whom by that.
func (v *version) consent(code party.Code, c Consent) {
	if v.Consents = maps.Clone(v.Consents); v.Consents == nil {
		v.Consents = consents{}
	}
	v.Consents[code] = c
	given := make(map[party.Code]statement.Time, len(v.Consents))
	for code, c := range v.Consents {
		if !c.Given.IsZero() {
			given[code] = c.Given
		}
	}
	v.From = v.Terms.Entry(given)
}

// version finds a text that was opened, by its digest.
func (st *state) version(digest statement.Digest) *version {
	for i := range st.Versions {
		if st.Versions[i].Terms.Digest == digest {
			return &st.Versions[i]
		}
	}
	return nil
}

// newest is the newest text that was opened; nil before.
func (st *state) newest() *version {
	if len(st.Versions) == 0 {
		return nil
	}
	return &st.Versions[len(st.Versions)-1]
}

// binds tells whether any of the texts is, or will be, in force for a party.
func (st *state) binds(code party.Code) bool {
	return slices.ContainsFunc(st.Versions, func(v version) bool { _, ok := v.From[code]; return ok })
}

// bound is who is bound by any of the texts and has not said that it leaves, sorted.
func (st *state) bound() (codes []party.Code) {
	for i := range st.Versions {
		for code := range st.Versions[i].From {
			if st.Exits[code].Left.IsZero() {
				codes = append(codes, code)
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func (v *version) opened() Opened {
	return Opened{Digest: v.Terms.Digest, Text: v.ID, Terms: v.Terms, Consents: v.Consents, From: v.From}
}

func (v *version) awaits(by party.Code) bool {
	o := v.opened()
	return o.Awaits(by)
}

func (v *version) signedBy(by party.Code) bool {
	o := v.opened()
	return o.Signed(by)
}

// mayBind is what by can say to be bound, or no more.
func (st *state) mayBind(by party.Code) (can []statement.Kind) {
	// spec: AGR-11, AGR-14, AGR-15
	v := st.newest()
	if v == nil {
		return nil
	}
	if slices.ContainsFunc(st.Versions, func(v version) bool { return v.awaits(by) }) {
		can = append(can, KindSign)
	}
	if slices.ContainsFunc(st.Versions, func(v version) bool { return v.signedBy(by) }) {
		can = append(can, KindRatify)
	}
	e := st.Exits[by]
	if !st.binds(by) {
		if len(v.From) > 0 && !v.Terms.In(by) && !by.IsOffice() && st.admits(v, by) {
			can = append(can, KindAccede)
		}
		return can
	}
	if slices.ContainsFunc(e.Suspended, func(i agreement.Interval) bool { return runs(i, st.Spoke[by]) }) {
		can = append(can, KindResume)
	}
	if n := len(e.Suspended); n < MaxIntervals && (n == 0 || !e.Suspended[n-1].Until.IsZero()) {
		can = append(can, KindSuspend)
	}
	if !e.Left.IsZero() {
		return can
	}
	if v.Terms.Accession == agreement.AccessionInvitation {
		can = append(can, KindInvite)
	}
	can = append(can, KindWithdraw)
	if e.Ends.IsZero() {
		can = append(can, KindTerminate)
	}
	return can
}

// admits tells whether by may accede.
func (st *state) admits(v *version, by party.Code) bool {
	switch v.Terms.Accession {
	case agreement.AccessionOpen:
		return true
	case agreement.AccessionInvitation:
		bound := st.bound()
		return len(bound) > 0 && !slices.ContainsFunc(bound, func(c party.Code) bool { return !slices.Contains(st.Invited[by], c) })
	}
	return false
}

// rests has the standing rest on h, in the place of what h comes after.
func (st *state) rests(s *thread.State, h *statement.Head) {
	// spec: DEC-2
	st.Basis = slices.DeleteFunc(st.Basis, func(id statement.ID) bool { return s.Knew(id) })
	st.Basis = append(st.Basis, h.ID)
	slices.SortFunc(st.Basis, statement.ID.Compare)
}

// reservable says what is wrong with a party's reservations.
func reservable(t *agreement.Terms, numbers []string) error {
	// spec: AGR-14
	for i, n := range numbers {
		switch {
		case !slices.Contains(t.Articles, n):
			return thread.Void(thread.NotAdmissible, "AGR-14", "a reservation is to an article that the text does not have")
		case slices.Contains(t.Fixed, n):
			return thread.Void(thread.NotAdmissible, "AGR-14", "the text allows no reservation to article %s", n)
		case slices.Contains(numbers[:i], n):
			return thread.Void(thread.NotAdmissible, "AGR-14", "a reservation is made twice")
		}
	}
	return nil
}

// sign takes a party's signature of a text that was opened: a newer one does not end the signing of those before it.
func (st *state) sign(s *thread.State, h *statement.Head, f Sign) error {
	// spec: AGR-14
	v := st.version(f.Digest)
	if v == nil || !v.awaits(h.From) {
		return thread.Void(thread.NotAdmissible, "AGR-14", "its author has signed the text, or it is not open for its signature")
	}
	if err := reservable(&v.Terms, f.Reservations); err != nil {
		return err
	}
	c := Consent{Signed: h.Time, By: h.ID, As: "signature", Reserved: f.Reservations}
	if v.Terms.Consent == "" {
		c.Given = h.Time
	}
	v.consent(h.From, c)
	st.rests(s, h)
	return nil
}

func (st *state) ratify(s *thread.State, h *statement.Head, f Ratify) error {
	// spec: AGR-14
	v := st.version(f.Digest)
	if v == nil || !v.signedBy(h.From) {
		return thread.Void(thread.NotAdmissible, "AGR-14", "its author has not signed the text, or has ratified it")
	}
	c := v.Consents[h.From]
	c.Given, c.As = h.Time, f.As
	v.consent(h.From, c)
	st.rests(s, h)
	return nil
}

func (st *state) invite(s *thread.State, h *statement.Head, f Invite) error {
	// spec: AGR-15
	switch {
	case !slices.Contains(s.Participants, f.Party):
		return thread.Void(thread.NotAdmissible, "AGR-15", "whoever is invited takes part in the thread: it is admitted first")
	case st.newest().Terms.In(f.Party) || slices.Contains(st.Invited[f.Party], h.From):
		return thread.Void(thread.NotAdmissible, "AGR-15", "it is a party of the text, or invited already")
	}
	if st.Invited == nil {
		st.Invited = map[party.Code][]party.Code{}
	}
	by := append(slices.Clone(st.Invited[f.Party]), h.From)
	slices.Sort(by)
	st.Invited[f.Party] = by
	st.rests(s, h)
	return nil
}

func (st *state) accede(s *thread.State, h *statement.Head, f Sign) error {
	// spec: AGR-15
	v := st.newest()
	if f.Digest != v.Terms.Digest {
		return thread.Void(thread.NotAdmissible, "AGR-15", "another text is in force")
	}
	if err := reservable(&v.Terms, f.Reservations); err != nil {
		return err
	}
	v.consent(h.From, Consent{Signed: h.Time, By: h.ID, Given: h.Time, As: "accession", Reserved: f.Reservations})
	st.rests(s, h)
	return nil
}

// exit changes when a party is not bound.
func (st *state) exit(s *thread.State, h *statement.Head, change func(*Exit)) {
	e := st.Exits[h.From]
	e.Suspended = slices.Clone(e.Suspended)
	change(&e)
	if st.Exits == nil {
		st.Exits = map[party.Code]Exit{}
	}
	st.Exits[h.From] = e
	st.rests(s, h)
}

func (st *state) suspend(s *thread.State, h *statement.Head, f Suspend) error {
	// spec: AGR-11
	st.exit(s, h, func(e *Exit) { e.Suspended = append(e.Suspended, agreement.Interval{From: h.Time, Until: f.Until}) })
	return nil
}

func (st *state) resume(s *thread.State, h *statement.Head, _ struct{}) error {
	// spec: AGR-11
	if !slices.ContainsFunc(st.Exits[h.From].Suspended, func(i agreement.Interval) bool { return runs(i, h.Time) }) {
		return thread.Void(thread.NotAdmissible, "AGR-11", "no suspension of its author's is running")
	}
	st.exit(s, h, func(e *Exit) {
		for i := range e.Suspended {
			if runs(e.Suspended[i], h.Time) {
				e.Suspended[i].Until = h.Time
			}
		}
	})
	return nil
}

// runs tells whether a suspension goes on after a time.
func runs(i agreement.Interval, t statement.Time) bool { return i.Until.IsZero() || t.Before(i.Until) }

func (st *state) withdraw(s *thread.State, h *statement.Head, f Withdraw) error {
	// spec: AGR-11
	if notice := st.notice(h.From); f.At.Std().Sub(h.Time.Std()) < seconds(notice) {
		return thread.Void(thread.NotAdmissible, "AGR-11", "the agreement asks for a notice of %d seconds", notice)
	}
	st.exit(s, h, func(e *Exit) { e.Left = f.At })
	st.ends()
	return nil
}

// notice is what a party must keep: the longest of the texts that are in force for it, and of no other.
func (st *state) notice(code party.Code) (n int64) {
	for i := range st.Versions {
		if _, bound := st.Versions[i].From[code]; bound {
			n = max(n, st.Versions[i].Terms.Notice)
		}
	}
	return n
}

func (st *state) terminate(s *thread.State, h *statement.Head, _ struct{}) error {
	// spec: AGR-11
	st.exit(s, h, func(e *Exit) { e.Ends = h.Time })
	st.ends()
	return nil
}

// ends finds out whether all who are bound, and have not said that they leave, have agreed to terminate.
func (st *state) ends() {
	var last statement.Time
	for _, code := range st.bound() {
		ends := st.Exits[code].Ends
		if ends.IsZero() {
			return
		}
		if last.Before(ends) {
			last = ends
		}
	}
	st.Ended = last
}
