package agreement

import (
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Standing is what the making of an agreement has come to: which text binds whom, from when, and who has stopped being bound (AGR-8, AGR-11). The desk that
// makes agreements gives it; it never changes.
type Standing struct {
	Versions []Version           // the texts that were put before the parties for signature, the oldest first
	Exits    map[party.Code]Exit // who is not bound all the time
	Basis    []statement.ID      // the statements that made it so, without those that others of them come after (DEC-2)
	Ended    statement.Time      // for all; zero: it has not

	Published map[statement.Digest]statement.Time // texts that are for everybody, and since when (AGR-16)
}

// Version is one text and whom it binds.
type Version struct {
	Terms
	Text     statement.ID                  // the head whose body has the document
	From     map[party.Code]statement.Time // since when it is in force for whom
	Reserved map[party.Code][]string       // the articles that each has made a reservation to
}

// Exit is when a party is not bound.
type Exit struct {
	Suspended []Interval
	Left      statement.Time // zero: it has not
}

// Interval is from a moment until before another; without Until it goes on.
type Interval struct {
	From  statement.Time `json:"from"`
	Until statement.Time `json:"until,omitzero"`
}

// Has tells whether t lies in it.
func (i Interval) Has(t statement.Time) bool {
	return !t.Before(i.From) && (i.Until.IsZero() || t.Before(i.Until))
}

// Binds is the text that binds two parties to each other at a time: the newest that is in force for both. The codes may be those of offices. It is nil where
// there is none, and why says so in plain words.
func (s *Standing) Binds(t statement.Time, a, b party.Code) (v *Version, why string) {
	// spec: AGR-8, AGR-11
	for i := len(s.Versions) - 1; i >= 0 && v == nil; i-- {
		if s.Versions[i].binds(t, a) && s.Versions[i].binds(t, b) {
			v = &s.Versions[i]
		}
	}
	switch {
	case v == nil:
		return nil, s.notYet(t, a, b)
	case !s.Ended.IsZero() && !t.Before(s.Ended):
		return nil, "The agreement has been terminated."
	}
	for _, code := range []party.Code{v.Side(a), v.Side(b)} {
		exit := s.Exits[code]
		if !exit.Left.IsZero() && !t.Before(exit.Left) {
			return nil, string(code) + " has withdrawn from the agreement."
		}
		if slices.ContainsFunc(exit.Suspended, func(i Interval) bool { return i.Has(t) }) {
			return nil, string(code) + " has suspended the agreement."
		}
	}
	return v, ""
}

func (v *Version) binds(t statement.Time, code party.Code) bool {
	from, ok := v.From[v.Side(code)]
	return ok && !t.Before(from)
}

// Side is the party that a code stands for: itself, or the one whose office it is.
func (v *Version) Side(code party.Code) party.Code {
	if v.In(code) {
		return code
	}
	return code.Principal()
}

// notYet says why no text binds both.
func (s *Standing) notYet(t statement.Time, a, b party.Code) string {
	for i := len(s.Versions) - 1; i >= 0; i-- {
		v := &s.Versions[i]
		for _, code := range []party.Code{a, b} {
			from, ok := v.From[v.Side(code)]
			switch {
			case len(v.From) == 0:
			case !ok:
				return "The agreement is in force, but not for " + string(code) + ", which has not consented to it."
			case t.Before(from):
				return "The agreement comes into force for " + string(code) + " at " + from.String() + "."
			}
		}
	}
	return "The agreement is not in force: not all whose consent it takes have given it."
}
