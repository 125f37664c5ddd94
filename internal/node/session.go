package node

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Passkeys binds the passkeys of this node to the origin that officers' browsers see.
func (n *Node) Passkeys(origin string) (*auth.Passkeys, error) {
	return n.office.Passkeys(origin, string(n.Config.Code))
}

// recordBy is record for what is known by something else than a claim. plan is called twice, as there, and says whom the record is by.
func (n *Node) recordBy(ctx context.Context, plan func(tx store.Tx) (auth.Actor, auth.Change, error)) (a auth.Actor, err error) {
	var c auth.Change
	look := func(tx store.Tx) (err error) {
		a, c, err = plan(tx)
		return err
	}
	if err := n.Store.View(ctx, look); err != nil {
		return auth.Actor{}, err
	}
	as, err := n.speaks(a, "", auth.Read, auth.Matter{})
	if err != nil {
		return auth.Actor{}, err
	}
	d, err := n.recordOf(c, as)
	if err != nil {
		return auth.Actor{}, err
	}
	_, err = n.Exchange.Together(recording(ctx), d, func(tx store.Tx, said exchange.Said) ([]exchange.Draft, error) {
		if err := look(tx); err != nil { // two may have come at once
			return nil, err
		}
		return nil, c.Put(tx, said.Thread)
	})
	if err != nil {
		return auth.Actor{}, err
	}
	return a, nil
}

// UseLink lets an officer in, once: the secret is that of a session, shown here and never again.
func (n *Node) UseLink(ctx context.Context, link auth.Secret) (auth.Secret, auth.Actor, error) {
	session, now := auth.NewSession(), statement.TimeOf(n.Now())
	a, err := n.recordBy(ctx, func(tx store.Tx) (auth.Actor, auth.Change, error) { return n.office.UseLink(tx, link, session, now) })
	if err != nil {
		return auth.Secret{}, auth.Actor{}, err
	}
	n.entered(a.ID, auth.ByLink)
	return session, a, nil
}

// entered tells the diary. Which officer it was the log's readers can tell.
func (n *Node) entered(id string, way auth.Way) {
	n.component("door").Info("an officer signed in", "officer", n.Keys.Pseudonym(id), "way", way)
}

// ShowPasskey holds what a browser shows against the passkey that it names. Nobody is let in yet: EnterByPasskey does. See auth.Passkeys.Check.
func (n *Node) ShowPasskey(ctx context.Context, p *auth.Passkeys, ticket string, answer []byte) (s auth.Shown, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) (err error) {
		s, err = p.Check(tx, ticket, answer, statement.TimeOf(n.Now()))
		return err
	})
	return s, err
}

// EnterByPasskey opens a session for whom has shown a passkey. One that may have been copied is refused, and recorded.
func (n *Node) EnterByPasskey(ctx context.Context, s auth.Shown) (auth.Secret, error) {
	if s.Copied {
		n.component("door").Warn("a passkey told a count that went back, as that of a copy would: nobody was let in", "officer", n.Keys.Pseudonym(s.Officer))
		_, err := n.recordBy(ctx, func(store.Tx) (auth.Actor, auth.Change, error) { return auth.Operator(), n.office.Doubt(s), nil })
		if err != nil {
			return auth.Secret{}, err
		}
	}
	session := auth.NewSession()
	err := n.Exchange.Update(ctx, func(tx store.Tx) error { return n.office.Admit(tx, s, session, statement.TimeOf(n.Now())) })
	if err != nil {
		return auth.Secret{}, err
	}
	n.entered(s.Officer, auth.ByPasskey)
	return session, nil
}

// EnterByIdentity opens a session for whom a provider has vouched, and gives whose: that of a bound officer is known even where nobody is let in. t is the ticket of
// the request that the provider has answered.
func (n *Node) EnterByIdentity(ctx context.Context, i auth.Identity, t auth.Ticket) (session auth.Secret, id string, err error) {
	session = auth.NewSession()
	err = n.Exchange.Update(ctx, func(tx store.Tx) (err error) {
		id, err = n.office.AdmitIdentity(tx, i, t, session, statement.TimeOf(n.Now()))
		return err
	})
	if err != nil {
		return auth.Secret{}, id, err
	}
	n.entered(id, auth.ByIdentity)
	return session, id, nil
}

// Seal makes a ticket: what a browser keeps for the node between two steps, for some minutes.
func (n *Node) Seal(purpose string, data []byte) (string, error) {
	return n.office.Seal(purpose, data, statement.TimeOf(n.Now()))
}

// Unseal opens a ticket.
func (n *Node) Unseal(purpose, text string) (auth.Ticket, error) {
	return n.office.Unseal(purpose, text, statement.TimeOf(n.Now()))
}

// BeginPasskey begins adding a passkey for the officer who has signed in; see auth.Passkeys.BeginAdd.
func (n *Node) BeginPasskey(ctx context.Context, p *auth.Passkeys) (options []byte, ticket string, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		by, _, err := n.actor(ctx, tx)
		if err == nil {
			options, ticket, err = p.BeginAdd(tx, by, statement.TimeOf(n.Now()))
		}
		return err
	})
	return options, ticket, err
}

// AddPasskey takes the browser's answer to BeginPasskey.
func (n *Node) AddPasskey(ctx context.Context, p *auth.Passkeys, name, ticket string, answer []byte) error {
	now := statement.TimeOf(n.Now())
	return n.record(ctx, auth.ManageWays, func(tx store.Tx, by auth.Actor) (auth.Change, error) {
		return p.Add(tx, by, name, ticket, answer, now)
	})
}

// DropPasskey makes a passkey good for nothing, by its name. Without last an officer's own last way in is kept, with fault.Inadmissible.
func (n *Node) DropPasskey(ctx context.Context, name string, last bool) error {
	return n.record(ctx, auth.ManageWays, func(tx store.Tx, by auth.Actor) (auth.Change, error) {
		return n.office.DropPasskey(tx, by, name, last)
	})
}

// DropPasskeys makes every passkey of the officer who has signed in good for nothing, also the last: whoever has lost a device does not know which of them it held.
func (n *Node) DropPasskeys(ctx context.Context) error {
	a, err := n.Whoami(ctx)
	if err != nil {
		return err
	}
	ways, err := n.Ways(ctx, a.ID)
	for _, k := range ways.Passkeys {
		if err = n.DropPasskey(ctx, k.Name, true); err != nil && fault.CodeOf(err) != fault.NotFound {
			return err
		}
	}
	return err
}

// BindIdentity lets somebody at a provider in as an officer.
func (n *Node) BindIdentity(ctx context.Context, officer string, i auth.Identity) error {
	now := statement.TimeOf(n.Now())
	return n.record(ctx, auth.ManageWays, func(tx store.Tx, by auth.Actor) (auth.Change, error) {
		return n.office.BindIdentity(tx, by, officer, i, now)
	})
}

// DropIdentity keeps somebody at a provider from being let in; see DropPasskey.
func (n *Node) DropIdentity(ctx context.Context, name string, last bool) error {
	return n.record(ctx, auth.ManageWays, func(tx store.Tx, by auth.Actor) (auth.Change, error) {
		return n.office.DropIdentity(tx, by, name, last)
	})
}

// DropWay is DropPasskey or DropIdentity, whichever has the name.
func (n *Node) DropWay(ctx context.Context, name string, last bool) error {
	err := n.DropPasskey(ctx, name, last)
	if fault.CodeOf(err) == fault.NotFound {
		err = n.DropIdentity(ctx, name, last)
	}
	return err
}

// SignOut ends the session of ctx. Whoever shows none is signed out already.
func (n *Node) SignOut(ctx context.Context) error {
	c := auth.ClaimOf(ctx)
	if c.Session.IsZero() {
		return nil
	}
	var who string
	err := n.Exchange.Update(ctx, func(tx store.Tx) error {
		who = ""
		if a, _, err := n.actor(ctx, tx); err == nil { // else it was over already, and is nobody's any more
			who = a.ID
		}
		return n.office.CloseSession(tx, c.Session)
	})
	if err == nil && who != "" {
		n.left(who, who, "this session")
	}
	return err
}

// left tells the diary that sessions were ended, whose and by whom.
func (n *Node) left(id, by, what string) {
	as := roleOperator
	if by != "" {
		as = n.Keys.Pseudonym(by)
	}
	n.component("door").Info("an officer was signed out", "officer", n.Keys.Pseudonym(id), "by", as, "what", what)
}

// EndSession ends one session of the officer who has signed in, by its name.
func (n *Node) EndSession(ctx context.Context, name string) error {
	var by auth.Actor
	err := n.Exchange.Update(ctx, func(tx store.Tx) (err error) {
		if by, _, err = n.actor(ctx, tx); err == nil {
			err = n.office.CloseNamed(tx, by.ID, name)
		}
		return err
	})
	if err == nil {
		n.left(by.ID, by.ID, "another session")
	}
	return err
}

// SignOutEverywhere ends every session of an officer: one's own, or, as an administrator, another's.
func (n *Node) SignOutEverywhere(ctx context.Context, officer string) error {
	var by auth.Actor
	err := n.Exchange.Update(ctx, func(tx store.Tx) (err error) {
		if by, _, err = n.actor(ctx, tx); err == nil && (by.ID != officer || by.Disabled || by.Operator) {
			err = n.may(ctx, tx, auth.ManageTokens, auth.Matter{Officer: officer})
		}
		if err != nil {
			return err
		}
		return n.office.CloseSessions(tx, officer, auth.Secret{})
	})
	if err == nil {
		n.left(officer, by.ID, "every session")
	}
	return err
}

// SessionView is a session as its officer sees it.
type SessionView struct {
	Name    string         `json:"name"`
	Way     auth.Way       `json:"way"`
	Made    statement.Time `json:"made"`
	Seen    statement.Time `json:"seen"` // to the minute
	Expires statement.Time `json:"expires"`
	Here    bool           `json:"here"` // it is the one in hand
}

// PasskeyView is a passkey as lists show one.
type PasskeyView struct {
	Name     string         `json:"name"`
	Label    string         `json:"label"` // that an officer gave it
	Made     statement.Time `json:"made"`
	LastUsed statement.Time `json:"last_used,omitzero"`
}

// IdentityView is somebody at a provider who is let in.
type IdentityView struct {
	Name   string         `json:"name"`
	Issuer string         `json:"issuer"`
	Made   statement.Time `json:"made"`
	MadeBy string         `json:"made_by"`
}

// WaysView is how an officer may come in, and where the officer is.
type WaysView struct {
	Passkeys   []PasskeyView  `json:"passkeys"`
	Identities []IdentityView `json:"identities"`
	Sessions   []SessionView  `json:"sessions"`
}

// Ways lists how an officer may come in: to the officer, and to whoever may make another way in.
func (n *Node) Ways(ctx context.Context, officer string) (v WaysView, err error) {
	now := statement.TimeOf(n.Now())
	err = n.Store.View(ctx, func(tx store.Tx) error {
		v = WaysView{Passkeys: []PasskeyView{}, Identities: []IdentityView{}, Sessions: []SessionView{}}
		by, _, err := n.actor(ctx, tx)
		if err == nil && (by.ID != officer || by.Disabled || by.Operator) {
			err = n.may(ctx, tx, auth.ManageTokens, auth.Matter{Officer: officer})
		}
		if err != nil {
			return err
		}
		if _, err := tx.Officer(officer); err != nil {
			return fault.Wrap(err, fault.CodeOf(err), "", "there is no officer of that id here")
		}
		keys, err := n.office.Held(tx, officer)
		if err != nil {
			return err
		}
		for _, k := range keys {
			v.Passkeys = append(v.Passkeys, PasskeyView{n.office.PasskeyName(k.ID), k.Name, k.Made, k.LastUsed})
		}
		if err := tx.EachIdentity(officer, func(i store.Identity) bool {
			v.Identities = append(v.Identities, IdentityView{auth.IdentityName(i.Hash), i.Issuer, i.Made, i.MadeBy})
			return true
		}); err != nil {
			return err
		}
		open, err := n.office.Open(tx, officer, now)
		for _, s := range open {
			name := auth.SessionName(s.Hash)
			v.Sessions = append(v.Sessions, SessionView{name, auth.Way(s.Way), s.Made, s.Seen, s.Expires, name == by.Session})
		}
		return err
	})
	return v, err
}

// Presence is an officer who has signed in.
type Presence struct {
	auth.Actor
	Name      string
	Languages []string
}

// Presence is whoever ctx is of. Error: fault.Denied where that is nobody who has signed in.
func (n *Node) Presence(ctx context.Context) (p Presence, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		a, _, err := n.actor(ctx, tx)
		if err == nil && a.Session == "" {
			err = fault.New(fault.Denied, "", "you are not signed in: sign in first")
		}
		if err != nil {
			return err
		}
		o, err := tx.Officer(a.ID)
		p = Presence{a, o.Name, o.Languages}
		return err
	})
	return p, err
}

// Staffed tells whether the node has officers.
func (n *Node) Staffed(ctx context.Context) (staffed bool, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		staffed, err = n.office.Staffed(tx)
		return err
	})
	return staffed, err
}
