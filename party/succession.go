package party

import (
	"bytes"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

// Succeeds tells whether next may take the place of prev, which is held and confirmed. Both come from ParseLetter.
// Errors: fault.Inadmissible when it does not follow, fault.NotAuthentic when it needs another recovery signature than it has.
func Succeeds(prev, next *Letter) error {
	// spec: LTR-6
	switch {
	case next.Code != prev.Code:
		return fault.New(fault.Inadmissible, "LTR-6", "the letter is another party's")
	case next.Serial != prev.Serial+1:
		return fault.New(fault.Inadmissible, "LTR-6", "the letter has serial %d; the one that is held has %d", next.Serial, prev.Serial)
	case next.Previous != prev.Digest:
		return fault.New(fault.Inadmissible, "LTR-6", "the letter follows another letter than the one that is held")
	}
	if err := checkOrigin(prev, next); err != nil {
		return err
	}
	// spec: LTR-6
	switch {
	case next.recoveredBy.IsZero() && needsRecovery(prev, next):
		return fault.New(fault.NotAuthentic, "LTR-6", "the letter changes keys and lacks the recovery key's signature")
	case !next.recoveredBy.IsZero() && next.recoveredBy != prev.Recovery:
		return fault.New(fault.NotAuthentic, "LTR-6", "the letter is signed by another recovery key than the letter before committed to")
	}
	return nil
}

// Follow is the beginning of the letter after l: everything stays, but for serial and previous. The time of issue is the caller's to set.
func (l *Letter) Follow() Letter {
	d := *l
	d.Serial, d.Previous = l.Serial+1, l.Digest
	d.Closing, d.Revokes = nil, false
	d.Raw, d.Line, d.Digest, d.recoveredBy = nil, nil, wire.Digest{}, wire.Digest{}
	return d
}

// needsRecovery tells whether something changed that the log's keys alone may not change.
func needsRecovery(prev, next *Letter) bool {
	return next.Origin != prev.Origin || !next.Log.Equal(prev.Log) || next.Witness.Name != prev.Witness.Name ||
		!next.Witness.Equal(prev.Witness.PublicKeys) || next.Seal != prev.Seal || next.TLS != prev.TLS || next.Recovery != prev.Recovery
}

// checkOrigin holds a change of log against LTR-7.
func checkOrigin(prev, next *Letter) error {
	// spec: LTR-7
	bad := func(msg string) error { return fault.New(fault.Inadmissible, "LTR-7", "%s", msg) }
	if next.Origin == prev.Origin {
		switch {
		case !next.Log.Equal(prev.Log):
			return bad("log keys change only together with the origin")
		case next.Closing != nil:
			return bad("the letter closes an origin and opens none")
		}
		return nil
	}
	switch {
	case next.Closing == nil:
		return bad("the letter opens an origin and does not close the one before")
	case next.Closing.Origin != prev.Origin: // ParseLetter saw that the serial rises by one
		return bad("the letter closes another origin than the open one")
	case next.Revokes && next.Log.shares(prev.Log):
		return bad("the letter revokes the log's keys and goes on using them")
	}
	return nil
}

// Check holds a checkpoint of the closed origin against what stands of it: size is at most the closing size and, when equal, the root
// is the same. That a smaller one is consistent with the closing root is for the caller to prove. Error: fault.Revoked.
func (c *Closing) Check(size int64, root [32]byte) error {
	// spec: LTR-7
	switch {
	case size > c.Size:
		return fault.New(fault.Revoked, "LTR-7", "the log was closed at size %d", c.Size)
	case size == c.Size && !bytes.Equal(root[:], c.Root):
		return fault.New(fault.Revoked, "LTR-7", "the log was closed with another root")
	}
	return nil
}

// History is a party's letters without a gap, from the oldest that is held to the newest confirmed one. It is not changed.
type History struct{ letters []*Letter }

// MakeHistory holds each letter against the one before. Letters come in any order and at least one is needed; the oldest is taken on trust.
func MakeHistory(letters ...*Letter) (*History, error) {
	if len(letters) == 0 {
		return nil, fault.New(fault.Unknown, "LTR-8", "no letter of that party is held")
	}
	h := &History{slices.Clone(letters)}
	slices.SortStableFunc(h.letters, func(a, b *Letter) int { return int(min(1, max(-1, a.Serial-b.Serial))) })
	for i := 1; i < len(h.letters); i++ {
		if err := Succeeds(h.letters[i-1], h.letters[i]); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Newest is the letter that speaks for the party.
func (h *History) Newest() *Letter { return h.letters[len(h.letters)-1] }

// Open is the one origin that the party's code resolves to.
func (h *History) Open() Origin { return h.Newest().Origin } // spec: LTR-8

// Keys gives the keys of an origin's log and, when the origin was closed, what stands of it. Errors: fault.Unknown for an origin that no
// held letter names. A closed origin whose keys were revoked still has its keys here: its leaves up to the closing size stand (LTR-7), but
// only a path to the closing root proves them; Revoked tells.
func (h *History) Keys(o Origin) (keys PublicKeys, closed *Closing, revoked bool, err error) {
	// spec: LTR-7, LTR-8
	found := false
	for _, l := range h.letters {
		switch {
		case l.Origin == o:
			keys, found = l.Log, true
		case found && l.Closing != nil && l.Closing.Origin == o:
			return keys, l.Closing, l.Revokes, nil
		}
	}
	if !found {
		return PublicKeys{}, nil, false, fault.New(fault.Unknown, "LTR-8", "no letter that is held names this log")
	}
	return keys, nil, false, nil
}

// OfficeFacts are the facts of a credence.office statement.
type OfficeFacts struct {
	Office Code        `json:"office"`
	Letter wire.Digest `json:"letter"`
}

// WithdrawOfficeFacts are the facts of a credence.withdraw-office statement.
type WithdrawOfficeFacts struct {
	Office Code `json:"office"`
}

// Offices says which letters a principal's log introduces: what is left of its credence statements in the order of the log.
type Offices map[Code]wire.Digest

// Introduce takes a credence.office of author into account. Error: fault.Inadmissible when the office is not the author's to introduce.
func (o Offices) Introduce(author Code, f OfficeFacts) error {
	if err := checkOffice(author, f.Office); err != nil {
		return err
	}
	if f.Letter.IsZero() {
		return fault.New(fault.Malformed, "LTR-10", "the office's letter has no digest")
	}
	o[f.Office] = f.Letter
	return nil
}

// Withdraw takes a credence.withdraw-office of author into account. Withdrawing an office that was not introduced changes nothing.
func (o Offices) Withdraw(author Code, f WithdrawOfficeFacts) error {
	if err := checkOffice(author, f.Office); err != nil {
		return err
	}
	delete(o, f.Office)
	return nil
}

// Vouches tells whether the letter stands in its principal's log, and so needs no words.
func (o Offices) Vouches(l *Letter) bool {
	// spec: LTR-10
	d, ok := o[l.Code]
	return ok && d == l.Digest
}

// checkOffice keeps offices one level deep: a principal introduces its own, an office none.
func checkOffice(author, office Code) error {
	// spec: LTR-10
	if !office.IsOffice() || author.IsOffice() || office.Principal() != author {
		return fault.New(fault.Inadmissible, "LTR-10", "a principal introduces its own offices, and nobody else does")
	}
	return nil
}
