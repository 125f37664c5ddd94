package auth

import (
	"errors"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Way is how an officer was let in.
type Way string

// The ways.
const (
	ByLink     Way = "link"
	ByPasskey  Way = "passkey"
	ByIdentity Way = "identity" // at a provider
)

const (
	seenEvery   = time.Minute      // how exactly is known when a session was used last
	freshFor    = 15 * time.Minute // who has signed in so lately may change ways in
	maxSessions = 16               // of one officer; another one ends the oldest
)

// lapsed is what whoever shows a session hears that is over, or never was: not which of these.
func lapsed() error {
	return fault.New(fault.Denied, "", "you are not signed in, or not any more: sign in again")
}

// session finds an open session. Whatever makes it not one, it is not open.
func (r *Registry) session(tx store.Tx, secret Secret, now statement.Time) (s store.Session, open bool, err error) {
	if !secret.is(sessionPrefix) {
		return s, false, nil
	}
	s, err = tx.Session(r.hash(secret))
	if fault.CodeOf(err) == fault.NotFound {
		return s, false, nil
	}
	return s, err == nil && r.open(s, now), err
}

// open tells whether a session counts. The limits are those of now: one that an operator has made shorter holds for who is signed in already.
func (r *Registry) open(s store.Session, now statement.Time) bool {
	return now.Before(s.Expires) && now.Before(s.Made.Add(r.Life)) && now.Before(s.Seen.Add(r.Idle))
}

// inSession is whoever shows a session.
func (r *Registry) inSession(tx store.Tx, c Claim, now statement.Time) (Actor, error) {
	s, open, err := r.session(tx, c.Session, now)
	if err != nil {
		return Actor{}, err
	}
	if !open || !c.Token.IsZero() || c.Officer != "" && c.Officer != s.Officer {
		return Actor{}, lapsed()
	}
	o, err := tx.Officer(s.Officer)
	if fault.CodeOf(err) == fault.NotFound || err == nil && o.Disabled {
		return Actor{}, lapsed()
	}
	if err != nil {
		return Actor{}, err
	}
	roles := known(o.Roles)
	return Actor{ID: o.ID, Holds: roles, Roles: roles, Session: nameOf(s.Hash), Since: s.Made}, nil
}

// OpenSession lets an officer in. secret is from NewSession and never one that a browser has brought. Sessions that are over go with it, whosever they are.
func (r *Registry) OpenSession(tx store.Tx, id string, way Way, secret Secret, now statement.Time) error {
	var over []statement.Digest
	var own []store.Session
	err := tx.EachSession("", func(s store.Session) bool {
		switch {
		case !r.open(s, now):
			over = append(over, s.Hash)
		case s.Officer == id:
			own = append(own, s)
		}
		return true
	})
	if err != nil {
		return err
	}
	slices.SortFunc(own, func(a, b store.Session) int { return a.Seen.Compare(b.Seen) })
	for len(own) >= maxSessions {
		over, own = append(over, own[0].Hash), own[1:]
	}
	for _, hash := range over {
		err = errors.Join(err, tx.DropSession(hash))
	}
	return errors.Join(err, tx.DropSpent(now),
		tx.PutSession(store.Session{Hash: r.hash(secret), Officer: id, Way: string(way), Made: now, Seen: now, Expires: now.Add(r.Life)}))
}

// CloseSession signs out. It works on what is over already, too.
func (r *Registry) CloseSession(tx store.Tx, secret Secret) error {
	return tx.DropSession(r.hash(secret))
}

// CloseSessions signs an officer out everywhere, but for the session that but shows.
func (r *Registry) CloseSessions(tx store.Tx, id string, but Secret) error {
	return r.closeWhere(tx, id, func(s store.Session) bool { return but.IsZero() || s.Hash != r.hash(but) })
}

// CloseNamed ends one session of an officer by its name. Error: fault.NotFound.
func (r *Registry) CloseNamed(tx store.Tx, id, name string) error {
	found := false
	err := r.closeWhere(tx, id, func(s store.Session) bool {
		is := SessionName(s.Hash) == name
		found = found || is
		return is
	})
	if err == nil && !found {
		err = fault.New(fault.NotFound, "", "there is no such session, or not any more")
	}
	return err
}

func (r *Registry) closeWhere(tx store.Tx, id string, which func(store.Session) bool) error {
	var all []statement.Digest
	err := tx.EachSession(id, func(s store.Session) bool {
		if which(s) {
			all = append(all, s.Hash)
		}
		return true
	})
	for _, hash := range all {
		err = errors.Join(err, tx.DropSession(hash))
	}
	return err
}

// Open lists the sessions of an officer that are not over, the newest first.
func (r *Registry) Open(tx store.Tx, id string, now statement.Time) (all []store.Session, err error) {
	err = tx.EachSession(id, func(s store.Session) bool {
		if r.open(s, now) {
			all = append(all, s)
		}
		return true
	})
	slices.SortFunc(all, func(a, b store.Session) int { return b.Made.Compare(a.Made) })
	return all, err
}

// SessionName is by what a session is listed and ended. It opens nothing.
func SessionName(hash statement.Digest) string { return nameOf(hash) }

// fresh refuses whoever has not signed in lately: what is to let somebody in for years takes more than a browser that was left open.
func fresh(by Actor, now statement.Time) error {
	if by.Session == "" || !now.Before(by.Since.Add(freshFor)) {
		return fault.New(fault.Denied, "", "sign in again first: passkeys and identities are added within 15 minutes of that")
	}
	return nil
}
