package auth

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Options make a Registry. All are required.
type Options struct {
	Rules     *Rules
	Key       []byte                      // 32 bytes for keyed hashes of secrets; not in the store
	Pseudonym func(officer string) string // by which records name an officer

	Idle time.Duration // a session that was not used for so long is over
	Life time.Duration // and so is one that is so old
}

// Registry reads and changes officers, tokens and links in a store's transactions. It is safe for concurrent use.
type Registry struct {
	Options
	key []byte
}

// NewRegistry makes one.
func NewRegistry(o Options) *Registry { return &Registry{Options: o, key: slices.Clone(o.Key)} }

// Change is something that is to be recorded and written, in one transaction. Record is the thread that it is recorded in; zero: it opens one, whose id Put gets.
type Change struct {
	Kind   statement.Kind
	Record thread.ID
	Facts  any
	Put    func(tx store.Tx, record thread.ID) error
}

// Staffed tells whether the node has officers, disabled ones too.
func (r *Registry) Staffed(tx store.Tx) (staffed bool, err error) {
	err = tx.EachOfficer(func(store.Officer) bool {
		staffed = true
		return false
	})
	return staffed, err
}

// may gives the fault of what by may not do to officer o.
func (r *Registry) may(tx store.Tx, by Actor, action Action, o store.Officer) error {
	staffed, err := r.Staffed(tx)
	if err != nil {
		return err
	}
	return r.Rules.Authorize(by, action, Matter{Author: by.ID, Officer: o.ID, Roles: known(o.Roles), Kind: office.KindEnrol}, staffed).Err()
}

const (
	maxID        = 64  // bytes
	maxName      = 200 // bytes
	maxLanguages = 16
)

// Person is an officer who is to be added. ID stands in lists and on the command line, and behind the pseudonym in statements: best no name.
type Person struct {
	ID        string
	Name      string
	Roles     []Role
	Languages []string // BCP 47 tags
}

func (p Person) check() error {
	bad := func(what string) error { return fault.New(fault.Usage, "", "%s", what) }
	if !statement.IsIdentifier(p.ID) || len(p.ID) > maxID {
		return bad("an officer's id has at most 64 letters, digits and +._:/- and begins with a letter or digit")
	}
	if p.Name == "" || len(p.Name) > maxName || !utf8.ValidString(p.Name) || strings.ContainsFunc(p.Name, func(c rune) bool { return unicode.In(c, unicode.Cc, unicode.Cf) }) {
		return bad("an officer's name has 1 to 200 bytes and no control characters")
	}
	if len(p.Languages) > maxLanguages || slices.ContainsFunc(p.Languages, func(tag string) bool { return !isTag(tag) }) {
		return bad("languages are like en, ru or zh-Hant, at most 16 of them")
	}
	if len(p.Roles) == 0 {
		return bad("an officer has at least one role: " + or(texts(Roles())))
	}
	return nil
}

// isTag tells a language tag from anything else, by its form.
func isTag(tag string) bool {
	for i, part := range strings.Split(tag, "-") {
		if i == 0 && len(part) > 3 || len(part) < 2 || len(part) > 8 || !statement.IsIdentifier(part) {
			return false
		}
	}
	return true
}

// Add adds an officer. The first is an administrator, or nobody could add a second.
func (r *Registry) Add(tx store.Tx, by Actor, p Person, now statement.Time) (Change, error) {
	if err := p.check(); err != nil {
		return Change{}, err
	}
	if err := r.may(tx, by, ManageOfficers, store.Officer{ID: p.ID, Roles: texts(p.Roles)}); err != nil {
		return Change{}, err
	}
	_, err := tx.Officer(p.ID)
	switch fault.CodeOf(err) {
	case "":
		return Change{}, fault.New(fault.Exists, "", "there is an officer %s already", p.ID)
	case fault.NotFound:
	default:
		return Change{}, err
	}
	staffed, err := r.Staffed(tx)
	if err != nil {
		return Change{}, err
	}
	if !staffed && !slices.Contains(p.Roles, Administrator) {
		return Change{}, fault.New(fault.Usage, "", "the first officer is an administrator: from then on nothing is done without an officer, and somebody has to add the others")
	}
	o := store.Officer{
		ID: p.ID, Name: p.Name, Roles: texts(p.Roles), Languages: p.Languages, Made: now, MadeBy: by.ID, Changed: now, ChangedBy: by.ID,
	}
	return Change{
		Kind: office.KindEnrol, Facts: office.Enrol{Officer: r.Pseudonym(p.ID), Roles: o.Roles},
		Put: func(tx store.Tx, record thread.ID) error {
			o.Record = record
			return tx.PutOfficer(o)
		},
	}, nil
}

// officer finds one. Error: fault.NotFound.
func (r *Registry) officer(tx store.Tx, id string) (store.Officer, error) {
	o, err := tx.Officer(id)
	if fault.CodeOf(err) == fault.NotFound {
		err = fault.New(fault.NotFound, "", "there is no officer of that id here")
	}
	return o, err
}

// change is what SetRoles and SetDisabled have in common.
func (r *Registry) change(tx store.Tx, by Actor, id string, now statement.Time, edit func(*store.Officer) (Change, error)) (Change, error) {
	o, err := r.officer(tx, id)
	if err != nil {
		return Change{}, err
	}
	if err := r.may(tx, by, ManageOfficers, o); err != nil {
		return Change{}, err
	}
	c, err := edit(&o)
	if err != nil {
		return Change{}, err
	}
	if err := r.remains(tx, o); err != nil {
		return Change{}, err
	}
	o.Changed, o.ChangedBy = now, by.ID
	c.Record = o.Record
	c.Put = func(tx store.Tx, _ thread.ID) error {
		err := errors.Join(tx.PutOfficer(o), r.CloseSessions(tx, o.ID, Secret{}))
		if o.Disabled {
			err = errors.Join(err, r.dropLinks(tx, o.ID))
		}
		return err
	}
	return c, nil
}

// remains refuses a change after which nobody could manage officers.
func (r *Registry) remains(tx store.Tx, changed store.Officer) error {
	administers := func(o store.Officer) bool { return !o.Disabled && slices.Contains(o.Roles, string(Administrator)) }
	if administers(changed) {
		return nil
	}
	left := false
	err := tx.EachOfficer(func(o store.Officer) bool {
		left = o.ID != changed.ID && administers(o)
		return !left
	})
	if err == nil && !left {
		err = fault.New(fault.Denied, "", "%s is the only administrator: make another one first", changed.ID)
	}
	return err
}

// SetRoles gives an officer these roles and no others. It signs the officer out: who is somebody else now signs in anew, and a session that was stolen does not
// grow with its officer.
func (r *Registry) SetRoles(tx store.Tx, by Actor, id string, roles []Role, now statement.Time) (Change, error) {
	return r.change(tx, by, id, now, func(o *store.Officer) (Change, error) {
		if len(roles) == 0 {
			return Change{}, fault.New(fault.Usage, "", "an officer has at least one role: disable one who is to do nothing")
		}
		if slices.Equal(o.Roles, texts(roles)) {
			return Change{}, fault.New(fault.Exists, "", "%s has these roles already", o.ID)
		}
		o.Roles = texts(roles)
		return Change{Kind: office.KindAssign, Facts: office.Assign{Roles: o.Roles}}, nil
	})
}

// SetDisabled takes every permission from an officer, or gives them back. Who is disabled is signed out, and links that wait are void.
func (r *Registry) SetDisabled(tx store.Tx, by Actor, id string, disabled bool, now statement.Time) (Change, error) {
	return r.change(tx, by, id, now, func(o *store.Officer) (Change, error) {
		kind, is := office.KindEnable, "not disabled"
		if disabled {
			kind, is = office.KindDisable, "disabled already"
		}
		if o.Disabled == disabled {
			return Change{}, fault.New(fault.Exists, "", "%s is %s", o.ID, is)
		}
		o.Disabled = disabled
		return Change{Kind: kind, Facts: struct{}{}}, nil
	})
}

// Bounds of what lets somebody in.
const (
	MaxTokenLife = 366 * 24 * time.Hour
	MaxLinkLife  = 7 * 24 * time.Hour
)

// MakeToken makes a token for an officer, within limits: secret, from NewToken, shows it. scopes are roles of the officer; none: all of them. A partner's token has none.
func (r *Registry) MakeToken(tx store.Tx, by Actor, id string, scopes []Role, l Limits, expires statement.Time, secret Secret, now statement.Time) (Change, error) {
	o, err := r.admitted(tx, by, id)
	if err != nil {
		return Change{}, err
	}
	if err := l.Check(); err != nil {
		return Change{}, err
	}
	held := known(o.Roles)
	switch {
	case l.IsPartner() && len(scopes) > 0:
		return Change{}, fault.New(fault.Usage, "", "a partner's token stands for no role: leave the roles out")
	case len(scopes) == 0 && !l.IsPartner():
		scopes = held
	}
	for _, s := range scopes {
		if !slices.Contains(held, s) {
			return Change{}, fault.New(fault.Usage, "", "%s is no %s: a token stands for roles that its officer has", o.ID, s)
		}
	}
	if !now.Before(expires) || now.Add(MaxTokenLife).Before(expires) {
		return Change{}, fault.New(fault.Usage, "", "a token expires within a year")
	}
	t := store.Token{Hash: r.hash(secret), Officer: o.ID, Scopes: append(texts(scopes), l.scopes()...), Made: now, MadeBy: by.ID, Expires: expires}
	return Change{
		Kind: office.KindIssue, Record: o.Record, Facts: office.Issue{Token: TokenName(t.Hash), Scopes: t.Scopes, Expires: expires},
		Put: func(tx store.Tx, _ thread.ID) error { return tx.PutToken(t) },
	}, nil
}

// admitted is an officer whom by may give a way in.
func (r *Registry) admitted(tx store.Tx, by Actor, id string) (store.Officer, error) {
	o, err := r.officer(tx, id)
	if err != nil {
		return o, err
	}
	if err := r.may(tx, by, ManageTokens, o); err != nil {
		return o, err
	}
	if o.Disabled {
		return o, fault.New(fault.Denied, "", "%s is disabled: enable the officer first", o.ID)
	}
	return o, nil
}

// RevokeToken makes a token good for nothing, by its name or the beginning of it.
func (r *Registry) RevokeToken(tx store.Tx, by Actor, name string, now statement.Time) (Change, error) {
	t, err := r.tokenNamed(tx, name)
	if err != nil {
		return Change{}, err
	}
	o, err := r.officer(tx, t.Officer)
	if err != nil {
		return Change{}, err
	}
	if err := r.may(tx, by, RevokeToken, o); err != nil {
		return Change{}, err
	}
	if !t.Revoked.IsZero() {
		return Change{}, fault.New(fault.Exists, "", "this token is revoked already")
	}
	t.Revoked, t.RevokedBy = now, by.ID
	return Change{
		Kind: office.KindRevoke, Record: o.Record, Facts: office.Revoke{Token: TokenName(t.Hash)},
		Put: func(tx store.Tx, _ thread.ID) error { return tx.PutToken(t) },
	}, nil
}

func (r *Registry) tokenNamed(tx store.Tx, name string) (store.Token, error) {
	var found []store.Token
	err := tx.EachToken("", func(t store.Token) bool {
		if len(name) >= 4 && strings.HasPrefix(TokenName(t.Hash), name) {
			found = append(found, t)
		}
		return true
	})
	switch {
	case err != nil:
		return store.Token{}, err
	case len(found) == 0:
		return store.Token{}, fault.New(fault.NotFound, "", "no token has this name; it takes four of its digits at least")
	case len(found) > 1:
		return store.Token{}, fault.New(fault.Usage, "", "more than one token has a name that begins so: give more digits")
	}
	return found[0], nil
}

// MakeLink makes a one-time link for an officer: secret, from NewLink, opens it. Links that the officer had before are void; who is signed in stays so until the
// link is used.
func (r *Registry) MakeLink(tx store.Tx, by Actor, id string, expires statement.Time, secret Secret, now statement.Time) (Change, error) {
	o, err := r.admitted(tx, by, id)
	if err != nil {
		return Change{}, err
	}
	if !now.Before(expires) || now.Add(MaxLinkLife).Before(expires) {
		return Change{}, fault.New(fault.Usage, "", "a one-time link expires within a week")
	}
	l := store.Link{Hash: r.hash(secret), Officer: o.ID, Made: now, MadeBy: by.ID, Expires: expires}
	return Change{
		Kind: office.KindInvite, Record: o.Record, Facts: office.Invite{Expires: expires},
		Put: func(tx store.Tx, _ thread.ID) error { return errors.Join(r.dropLinks(tx, o.ID), tx.PutLink(l)) },
	}, nil
}

// dropLinks makes an officer's links good for nothing.
func (r *Registry) dropLinks(tx store.Tx, id string) error {
	var all []statement.Digest
	err := tx.EachLink(id, func(l store.Link) bool {
		all = append(all, l.Hash)
		return true
	})
	for _, hash := range all {
		err = errors.Join(err, tx.DropLink(hash))
	}
	return err
}

// UseLink lets an officer in by a link, which is good for nothing afterwards, and opens a session, whose secret session is, from NewSession. It ends the officer's
// other sessions: a link is made when a device is new or lost, and on a lost one somebody else may be signed in. What is wrong with a link that does not open is not told.
func (r *Registry) UseLink(tx store.Tx, secret, session Secret, now statement.Time) (Actor, Change, error) {
	no := fault.New(fault.Denied, "", "this link does not open, or not any more: an administrator makes another one")
	if !secret.is(linkPrefix) {
		return Actor{}, Change{}, no
	}
	l, err := tx.Link(r.hash(secret))
	if fault.CodeOf(err) == fault.NotFound || err == nil && !now.Before(l.Expires) {
		return Actor{}, Change{}, no
	}
	if err != nil {
		return Actor{}, Change{}, err
	}
	o, err := tx.Officer(l.Officer)
	if fault.CodeOf(err) == fault.NotFound || err == nil && o.Disabled {
		return Actor{}, Change{}, no
	}
	if err != nil {
		return Actor{}, Change{}, err
	}
	roles := known(o.Roles)
	return Actor{ID: o.ID, Holds: roles, Roles: roles}, Change{
		Kind: office.KindEnter, Record: o.Record, Facts: struct{}{},
		Put: func(tx store.Tx, _ thread.ID) error {
			return errors.Join(tx.DropLink(l.Hash), r.CloseSessions(tx, o.ID, Secret{}), r.OpenSession(tx, o.ID, ByLink, session, now))
		},
	}, nil
}
