package auth

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// maxSeen bounds the collections that a token names.
const maxSeen = 64

// Limits narrow what a token is good for. They stand among its scopes, so that its record and every list show them, and a program that does not know them takes a partner's token for one that
// stands for no role.
type Limits struct {
	Partner string      // who outside has it, as an identifier; "": a program of the officer's own
	Party   party.Code  // of the partner; "": it is no party
	Max     marking.TLP // the strictest marking of what it is given; "": what is given to every program
	All     bool        // a partner's: it sees all that Party and Max leave
	See     []thread.ID // or these collections
	Write   thread.ID   // the source that it brings objects into; zero: none
}

// IsPartner tells whether somebody outside has the token. The officer whose token it is answers for it, and it stands for none of the officer's roles.
func (l *Limits) IsPartner() bool { return l.Partner != "" }

// Sees tells whether a token is given what a collection has; zero is the one of everything.
func (l *Limits) Sees(id thread.ID) bool {
	return !l.IsPartner() || l.All || !id.IsZero() && slices.Contains(l.See, id)
}

// Writes tells whether it may bring objects into a source, where its officer may.
func (l *Limits) Writes(id thread.ID) bool { return !l.IsPartner() || !id.IsZero() && l.Write == id }

// Check gives the fault of limits that cannot be. Error: fault.Usage.
func (l *Limits) Check() error {
	bad := func(what string) error { return fault.New(fault.Usage, "", "%s", what) }
	if l.Max != "" && l.Max.Rank() < 0 {
		return bad("a token's TLP is CLEAR, GREEN, AMBER, AMBER+STRICT or RED")
	}
	if !l.IsPartner() {
		if l.Party != "" || l.All || len(l.See) > 0 || !l.Write.IsZero() {
			return bad("only a partner's token names a party, or what it sees and writes: an officer's sees what every program of the party's own does")
		}
		return nil
	}
	if !statement.IsIdentifier(l.Partner) || len(l.Partner) > maxID {
		return bad("a partner is named by at most 64 letters, digits and +._:/-")
	}
	if l.Party != "" {
		if _, err := party.ParseCode(string(l.Party)); err != nil {
			return err
		}
	}
	if l.Max == "" {
		return bad("a partner's token says up to which TLP it is good")
	}
	if l.All && len(l.See) > 0 || len(l.See) > maxSeen {
		return bad("a partner's token sees all, or at most 64 collections")
	}
	if !l.All && len(l.See) == 0 && l.Write.IsZero() {
		return bad("a partner's token sees or writes something")
	}
	return nil
}

// What stands before the limits among scopes. No role has a colon.
const (
	scopePartner = "partner:"
	scopeParty   = "party:"
	scopeMax     = "tlp:"
	scopeSee     = "see:"
	scopeWrite   = "write:"
	seeAll       = "all"
)

func (l *Limits) scopes() (out []string) {
	add := func(prefix, v string) {
		if v != "" {
			out = append(out, prefix+v)
		}
	}
	add(scopePartner, l.Partner)
	add(scopeParty, string(l.Party))
	add(scopeMax, string(l.Max))
	if l.All {
		add(scopeSee, seeAll)
	}
	for _, id := range l.See {
		add(scopeSee, id.String())
	}
	if !l.Write.IsZero() {
		add(scopeWrite, l.Write.String())
	}
	return out
}

// limitsOf reads them back. Error: fault.Denied where this version does not know one of them: it may forbid something.
func limitsOf(scopes []string) (l Limits, err error) {
	for _, s := range scopes {
		at := strings.IndexByte(s, ':') + 1
		if at == 0 {
			continue // a role
		}
		switch v := s[at:]; s[:at] {
		case scopePartner:
			l.Partner = v
		case scopeParty:
			l.Party = party.Code(v)
		case scopeMax:
			l.Max = marking.TLP(v)
		case scopeSee:
			if l.All = l.All || v == seeAll; v == seeAll {
				continue
			}
			var id thread.ID
			if id, err = statement.ParseID(v); err == nil {
				l.See = append(l.See, id)
			}
		case scopeWrite:
			l.Write, err = statement.ParseID(v)
		default:
			err = fault.New(fault.Denied, "", "unknown")
		}
		if err != nil {
			return l, unknownLimit(err)
		}
	}
	if err = l.Check(); err != nil {
		err = unknownLimit(err)
	}
	return l, err
}

func unknownLimit(err error) error {
	return fault.Wrap(err, fault.Denied, "", "this token is limited in a way that this version does not know: an administrator makes another one")
}
