package auth

import (
	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Identity is somebody at a provider of identities: what the provider calls its issuer and subject. A mail address or a name is no identity: whoever can have
// one changed there would be let in here.
type Identity struct {
	Issuer  string
	Subject string
}

func (r *Registry) identityHash(i Identity) statement.Digest {
	return r.mark("identity", []byte(i.Issuer), []byte(i.Subject))
}

// IdentityName is by what an identity is listed and dropped. It opens nothing.
func IdentityName(hash statement.Digest) string { return nameOf(hash) }

const maxIdentity = 2000 // bytes, of an issuer and of a subject

// BindIdentity lets somebody at a provider in as an officer: oneself, soon after signing in, or another by an administrator. Nobody is let in who was not bound.
func (r *Registry) BindIdentity(tx store.Tx, by Actor, id string, i Identity, now statement.Time) (Change, error) {
	o, err := r.officer(tx, id)
	if err != nil {
		return Change{}, err
	}
	if err := r.may(tx, by, ManageWays, o); err != nil {
		return Change{}, err
	}
	if by.ID == id {
		err = fresh(by, now)
	} else if o.Disabled {
		err = fault.New(fault.Denied, "", "%s is disabled: enable the officer first", o.ID)
	}
	if err != nil {
		return Change{}, err
	}
	if i.Issuer == "" || i.Subject == "" || len(i.Issuer) > maxIdentity || len(i.Subject) > maxIdentity {
		return Change{}, fault.New(fault.Usage, "", "an identity is the issuer's address and the subject there")
	}
	row := store.Identity{Hash: r.identityHash(i), Officer: o.ID, Issuer: i.Issuer, Made: now, MadeBy: by.ID}
	if _, err := tx.Identity(row.Hash); fault.CodeOf(err) != fault.NotFound {
		return Change{}, orExists(err, "this identity lets somebody in already")
	}
	return Change{
		Kind: office.KindBind, Record: o.Record, Facts: office.Bind{Way: office.WayIdentity, Name: IdentityName(row.Hash)},
		Put: func(tx store.Tx, _ thread.ID) error { return tx.PutIdentity(row) },
	}, nil
}

// DropIdentity keeps an identity from letting anybody in, by its name; last is as with DropPasskey.
func (r *Registry) DropIdentity(tx store.Tx, by Actor, name string, last bool) (Change, error) {
	var row store.Identity
	err := tx.EachIdentity("", func(v store.Identity) bool {
		if IdentityName(v.Hash) == name {
			row = v
		}
		return row.Officer == ""
	})
	if err == nil && row.Officer == "" {
		err = fault.New(fault.NotFound, "", "there is no such identity, or not any more")
	}
	if err != nil {
		return Change{}, err
	}
	return r.unbind(tx, by, row.Officer, office.Bind{Way: office.WayIdentity, Name: name}, last, func(tx store.Tx) error { return tx.DropIdentity(row.Hash) })
}

// AdmitIdentity opens a session for whom a provider has vouched. t is the ticket of the request that the provider has answered.
func (r *Registry) AdmitIdentity(tx store.Tx, i Identity, t Ticket, session Secret, now statement.Time) (id string, err error) {
	no := fault.New(fault.Denied, "", "this does not let in, or not any more: an administrator makes a one-time link")
	row, err := tx.Identity(r.identityHash(i))
	if fault.CodeOf(err) == fault.NotFound {
		return "", no
	}
	if err != nil {
		return "", err
	}
	o, err := tx.Officer(row.Officer)
	if err != nil {
		return row.Officer, err
	}
	if o.Disabled {
		return o.ID, no
	}
	if err := t.Spend(tx); err != nil {
		return o.ID, err
	}
	return o.ID, r.OpenSession(tx, o.ID, ByIdentity, session, now)
}
