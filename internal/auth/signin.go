package auth

import (
	"context"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Claim is who somebody says to be, and what they show for it.
type Claim struct {
	Officer string // "": whoever the token is of
	Token   Secret
	Session Secret // of an officer who has signed in; then nothing else is shown
}

// Nobody is the claim of whoever comes through a door and has not shown anything: unlike none at all, it is not the operator's.
func Nobody() Claim { return Claim{Session: Secret{"nobody"}} }

type claimKey struct{}

// With gives a context in which what is done is done by whom c names, if c proves it.
func With(ctx context.Context, c Claim) context.Context { return context.WithValue(ctx, claimKey{}, c) }

// ClaimOf is the claim of a context; the zero Claim is the operator's.
func ClaimOf(ctx context.Context) Claim {
	c, _ := ctx.Value(claimKey{}).(Claim)
	return c
}

// SignIn finds out who has made a claim. Without one it is the operator. Everything is looked up anew, so that nothing that was taken away goes on counting.
// Error: fault.Denied, which says what to do.
func (r *Registry) SignIn(tx store.Tx, c Claim, now statement.Time) (Actor, error) {
	switch {
	case !c.Session.IsZero():
		return r.inSession(tx, c, now)
	case c.Token.IsZero() && c.Officer == "":
		return Operator(), nil
	case c.Token.IsZero():
		return Actor{}, r.untokened(tx)
	case !c.Token.is(tokenPrefix):
		return Actor{}, fault.New(fault.Denied, "", "this is no token: one begins with %s and has %d characters", tokenPrefix, len(NewToken().text))
	}
	t, err := tx.Token(r.hash(c.Token))
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return Actor{}, fault.New(fault.Denied, "", "this token is not known here: an administrator makes one")
	case err != nil:
		return Actor{}, err
	case c.Officer != "" && c.Officer != t.Officer:
		return Actor{}, fault.New(fault.Denied, "", "this token is another officer's")
	case !t.Revoked.IsZero():
		return Actor{}, fault.New(fault.Denied, "", "this token was revoked: an administrator makes another one")
	case !now.Before(t.Expires):
		return Actor{}, fault.New(fault.Denied, "", "this token has expired: an administrator makes another one")
	}
	o, err := r.officer(tx, t.Officer)
	if err != nil {
		return Actor{}, err
	}
	a := Actor{ID: o.ID, Holds: known(o.Roles), Disabled: o.Disabled, Token: TokenName(t.Hash)}
	if a.Limits, err = limitsOf(t.Scopes); err != nil {
		return Actor{}, err
	}
	scopes := known(t.Scopes)
	for _, role := range a.Holds {
		if slices.Contains(scopes, role) {
			a.Roles = append(a.Roles, role)
		}
	}
	return a, nil
}

// untokened is somebody who says who they are and shows nothing.
func (r *Registry) untokened(tx store.Tx) error {
	staffed, err := r.Staffed(tx)
	if err != nil {
		return err
	}
	if !staffed {
		return fault.New(fault.Denied, "", "this node has no officers: an officer is added first")
	}
	return fault.New(fault.Denied, "", "nobody acts as an officer without a token of that officer")
}

// Unnoted tells whether Used would write: whether a token that is known here was not yet used on this day, or a session that is open not in this minute.
func (r *Registry) Unnoted(tx store.Tx, c Claim, now statement.Time) (bool, error) {
	switch {
	case !c.Session.IsZero():
		s, open, err := r.session(tx, c.Session, now)
		return open && !now.Before(s.Seen.Add(seenEvery)), err
	case c.Token.IsZero():
		return false, nil
	}
	t, err := tx.Token(r.hash(c.Token))
	if fault.CodeOf(err) == fault.NotFound {
		return false, nil
	}
	return err == nil && t.LastUsed != dayOf(now), err
}

// Used notes the day on which a token was used last, or when a session was, and tells whether it wrote.
func (r *Registry) Used(tx store.Tx, c Claim, now statement.Time) (bool, error) {
	due, err := r.Unnoted(tx, c, now)
	if err != nil || !due {
		return false, err
	}
	if !c.Session.IsZero() {
		s, err := tx.Session(r.hash(c.Session))
		if err != nil {
			return false, err
		}
		s.Seen = now
		return true, tx.PutSession(s)
	}
	t, err := tx.Token(r.hash(c.Token))
	if err != nil {
		return false, err
	}
	t.LastUsed = dayOf(now)
	return true, tx.PutToken(t)
}

func dayOf(t statement.Time) statement.Time {
	return statement.TimeOf(t.Std().UTC().Truncate(24 * time.Hour))
}
