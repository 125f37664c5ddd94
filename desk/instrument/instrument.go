package instrument

import (
	"maps"
	"slices"

	"github.com/comity-exchange/comity/agreement"
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

// Kinds lists what can be said.
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
	if !h.IsOpener() && h.Kind.Desk() != string(Kind) {
		return s, nil // receipts change nothing here
	}
	next, err := thread.Change(s, func(st *state) error { return st.apply(&s, h) })
	if h.Kind == KindComment {
		return s, err // it counts or is void, and changes nothing either way
	}
	return next, err
}

// Summary is what lists show.
func (Desk) Summary(s thread.State) thread.Summary {
	return thread.Summarise(s, (*state).summary)
}

// Standing is what the thread has come to: which text binds whom, from when, and who is bound no more. ok is false while nothing was ever opened for signature, and for
// the state of any other thread.
func Standing(s thread.State) (*agreement.Standing, bool) {
	// spec: AGR-8, AGR-11
	if s.Kind != Kind {
		return nil, false
	}
	st, err := thread.Load[state](s)
	if err != nil || len(st.Versions) == 0 {
		return nil, false
	}
	out := &agreement.Standing{Basis: st.Basis, Ended: st.Ended, Exits: map[party.Code]agreement.Exit{}}
	for i := range st.Versions {
		v := &st.Versions[i]
		reserved := map[party.Code][]string{}
		for code, c := range v.Consents {
			if len(c.Reserved) > 0 {
				reserved[code] = c.Reserved
			}
		}
		out.Versions = append(out.Versions, agreement.Version{Terms: v.Terms, Text: v.ID, From: v.From, Reserved: reserved})
	}
	for _, p := range st.Published {
		if out.Published == nil {
			out.Published = map[statement.Digest]statement.Time{}
		}
		out.Published[p.Digest] = p.At
	}
	for code, e := range st.Exits {
		out.Exits[code] = agreement.Exit{Suspended: e.Suspended, Left: e.Left}
	}
	return out, true
}

// hearers is how many parties beside the chair say by themselves that they have heard of an objection: one that was in time is enough (AGR-13).
const hearers = 3

// Hears is what self's node says by itself at a time: that it has objections to the silence that is running, of which nobody has said so yet. It is what the thread
// says to whoever finds that they came too late.
func Hears(s thread.State, self party.Code, at statement.Time) (facts []Object) {
	// spec: AGR-13
	if s.Kind != Kind {
		return nil
	}
	st, err := thread.Load[state](s)
	if err != nil || st.Silence == nil || !at.Before(st.Silence.Expires) {
		return nil
	}
	for _, o := range st.Silence.Objections {
		others := slices.DeleteFunc(append(slices.Clone(s.Opener.To), s.Opener.From), func(c party.Code) bool { return c == o.By || c == st.Chair })
		slices.Sort(others)
		if o.By != self && len(o.Heard) == 0 && (self == st.Chair || slices.Contains(others[:min(len(others), hearers)], self)) {
			facts = append(facts, Object{Of: o.ID})
		}
	}
	return facts
}

// View is the making of an agreement for people: the text in hand, what lies on the table, and who has done what.
type View struct {
	Stage     Stage                       `json:"stage"`
	Chair     party.Code                  `json:"chair"`
	Draft     Draft                       `json:"draft"`
	Table     []Draft                     `json:"table,omitempty"`   // amendments to it, in the order in which they were taken
	Adopted   []party.Code                `json:"adopted,omitempty"` // who has said so, where there is no silence procedure
	Silence   *Silence                    `json:"silence,omitzero"`
	Consents  map[party.Code]Consent      `json:"consents,omitempty"` // to the newest text that was opened
	Opened    statement.Digest            `json:"opened,omitzero"`    // that text
	Texts     []Opened                    `json:"texts,omitempty"`    // all that were opened for signature, the oldest first
	Invited   map[party.Code][]party.Code `json:"invited,omitempty"`  // by whom
	Exits     map[party.Code]Exit         `json:"exits,omitempty"`
	Published []Publication               `json:"published,omitempty"`
	Ended     statement.Time              `json:"ended,omitzero"`
	Basis     []statement.ID              `json:"basis,omitempty"` // what the standing rests on
}

// Opened is a text that was opened for signature.
type Opened struct {
	Digest   statement.Digest              `json:"digest"`
	Text     statement.ID                  `json:"text"` // the head whose body has it
	Terms    agreement.Terms               `json:"-"`
	Consents map[party.Code]Consent        `json:"consents,omitempty"`
	From     map[party.Code]statement.Time `json:"from,omitempty"` // since when it is in force for whom
}

// Awaits tells whether a party of the text has not signed it.
func (o *Opened) Awaits(code party.Code) bool {
	_, signed := o.Consents[code]
	return o.Terms.In(code) && !signed
}

// Signed tells whether a party has signed the text and its ratification is missing.
func (o *Opened) Signed(code party.Code) bool {
	c, signed := o.Consents[code]
	return signed && o.Terms.In(code) && c.Given.IsZero()
}

// Notice is how many seconds of notice a party must keep to leave; 0 where no text is in force for it.
func (v *View) Notice(code party.Code) (n int64) {
	// spec: AGR-11
	for i := range v.Texts {
		if _, bound := v.Texts[i].From[code]; bound {
			n = max(n, v.Texts[i].Terms.Notice)
		}
	}
	return n
}

// Progress is the making of an agreement as a thread's state has it. An error is a stored state that cannot be read.
func Progress(s thread.State) (View, error) {
	st, err := thread.Load[state](s)
	if err != nil {
		return View{}, err
	}
	v := View{
		Stage: st.stage(), Chair: st.Chair, Draft: st.Draft, Table: slices.Clone(st.Table), Silence: st.Silence, Invited: st.Invited, Exits: st.Exits, Published: st.Published, Ended: st.Ended, Basis: st.Basis,
		Adopted: slices.Sorted(maps.Keys(st.Adopted)),
	}
	for i := range v.Table {
		v.Table[i].Terms = v.Table[i].terms(&st.Draft)
	}
	for i := range st.Versions {
		v.Texts = append(v.Texts, st.Versions[i].opened())
	}
	if n := len(st.Versions); n > 0 {
		v.Consents, v.Opened = st.Versions[n-1].Consents, st.Versions[n-1].Terms.Digest
	}
	return v, nil
}
