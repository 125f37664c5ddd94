package evidence

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// credentials are the letters of all parties, and which of them something rests on.
type credentials struct {
	parties map[party.Code]*standing
	codes   []party.Code // sorted
	reports []LetterReport
}

// standing is what the letters of one party come to: a history without a gap, or the reason why there is none.
type standing struct {
	letters []*party.Letter // each once
	given   bool            // at least one was
	history *party.History
	err     error
}

// newCredentials takes given letters first and embedded ones for what those leave open. An embedded letter that does not follow from a given one
// of the same party, or lead to it, contradicts it, and then nothing of that party's is proven: whoever made the
// bundle wanted other keys to be believed than the user does.
func newCredentials(given []*party.Letter, embedded [][]byte) *credentials {
	c := &credentials{parties: map[party.Code]*standing{}}
	for _, l := range given {
		c.add(l, Given)
	}
	for _, raw := range embedded {
		l, err := party.ParseLetter(raw)
		if err != nil {
			c.reports = append(c.reports, LetterReport{Source: Embedded, Why: finding(err)})
			continue
		}
		c.add(l, Embedded)
	}
	for code, s := range c.parties {
		c.codes = append(c.codes, code)
		// spec: EVD-6, LTR-6
		if s.history, s.err = party.MakeHistory(s.letters...); s.err == nil {
			continue
		}
		msg := "the letters that came for the party do not follow from one another"
		if s.given {
			msg = "the letters that came for the party contradict the given one"
		}
		s.err = fault.Wrap(s.err, fault.NotAuthentic, "EVD-6", "%s", msg)
		for i := range c.reports {
			if c.reports[i].Code == code {
				c.reports[i].Why = finding(s.err)
			}
		}
	}
	slices.Sort(c.codes)
	return c
}

func (c *credentials) add(l *party.Letter, from Source) {
	s := c.parties[l.Code]
	if s == nil {
		s = &standing{}
		c.parties[l.Code] = s
	}
	if slices.ContainsFunc(s.letters, func(o *party.Letter) bool { return o.Digest == l.Digest }) {
		return // the same line signed again says nothing new
	}
	s.letters = append(s.letters, l)
	s.given = s.given || from == Given
	c.reports = append(c.reports, LetterReport{
		Source: from, Code: l.Code, Serial: l.Serial, Digest: l.Digest, Origin: l.Origin, Words: l.Words(),
	})
}

// keys are those of a log and, when it was closed, what stands of it.
func (c *credentials) keys(o party.Origin) (keys party.PublicKeys, closed *party.Closing, revoked bool, err error) {
	s := c.parties[o.Code()]
	switch {
	case s == nil:
		return keys, nil, false, fault.New(fault.Unknown, "LTR-8", "there is no letter of the party")
	case s.err != nil:
		return keys, nil, false, s.err
	}
	return s.history.Keys(o)
}

// rely marks the letters of a party, since what one of them says holds only by all of them together.
func (c *credentials) rely(on party.Code) {
	for i := range c.reports {
		if r := &c.reports[i]; r.Code == on && r.Why == nil {
			r.Relied = true
		}
	}
}

// cosigners gives the parties, other than the log's, whose cosignature on the note counts, by code.
func (c *credentials) cosigners(note []byte, log party.Code) []Witness {
	// spec: EVD-4, LOG-11
	var found []Witness
	for _, code := range c.codes {
		s := c.parties[code]
		if code == log || s.err != nil {
			continue
		}
		var first statement.Time
		var last *party.WitnessKeys
		for _, l := range s.letters {
			if last != nil && last.Name == l.Witness.Name && last.Equal(l.Witness.PublicKeys) {
				continue
			}
			last = &l.Witness
			if cs, ok := translog.Cosignatures(note, l.Witness.Name, l.Witness.PublicKeys); ok {
				if at := statement.TimeOf(cs.Time); first.IsZero() || at.Before(first) {
					first = at
				}
			}
		}
		if !first.IsZero() {
			found = append(found, Witness{code, first})
		}
	}
	return found
}
