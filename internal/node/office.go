package node

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// rulesDir is the folder of an operator's own rules of who may do what.
const rulesDir = "rules"

// roleOperator is the role in which records name the operator of a node.
const roleOperator = "operator"

// staff remembers whether the node has officers, for the transaction in hand: many statements share one.
type staff struct {
	mu      sync.Mutex
	tx      store.Tx // guarded by mu
	staffed bool     // guarded by mu
}

// forget has it looked up again.
func (s *staff) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tx = nil
}

// openOffice makes the registry of officers, with the operator's own rules.
func (n *Node) openOffice() error {
	names, err := filepath.Glob(filepath.Join(n.Dir, rulesDir, "*.cedar"))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the folder of rules cannot be read")
	}
	own := map[string][]byte{}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			return fault.Wrap(err, fault.Usage, "", "the rules in %s cannot be read", filepath.Base(name))
		}
		own[filepath.Base(name)] = src
	}
	rules, err := auth.Compile(own)
	if err != nil {
		return err
	}
	n.office = auth.NewRegistry(auth.Options{
		Rules: rules, Key: n.Keys.Derive("tokens"), Pseudonym: n.Keys.Pseudonym, Idle: n.Config.SessionIdle, Life: n.Config.SessionLife,
	})
	return nil
}

// hasOfficers is Registry.Staffed, looked up once a transaction.
func (n *Node) hasOfficers(tx store.Tx) (bool, error) {
	n.staff.mu.Lock()
	defer n.staff.mu.Unlock()
	if n.staff.tx == tx {
		return n.staff.staffed, nil
	}
	staffed, err := n.office.Staffed(tx)
	if err == nil {
		n.staff.tx, n.staff.staffed = tx, staffed
	}
	return staffed, err
}

// actor finds out whose a context is, and whether the node has officers.
func (n *Node) actor(ctx context.Context, tx store.Tx) (auth.Actor, bool, error) {
	a, err := n.office.SignIn(tx, auth.ClaimOf(ctx), statement.TimeOf(n.Now()))
	if err != nil {
		return a, false, err
	}
	if a, err = standsIn(ctx, a); err != nil {
		return a, false, err
	}
	staffed, err := n.office.Staffed(tx)
	return a, staffed, err
}

// may is the fault of what whoever ctx is of may not do.
func (n *Node) may(ctx context.Context, tx store.Tx, action auth.Action, m auth.Matter) error {
	a, staffed, err := n.actor(ctx, tx)
	if err != nil {
		return err
	}
	return n.office.Rules.Authorize(a, action, m, staffed).Err()
}

// Authorize answers whether whoever ctx is of may do something; nil: yes. Error: fault.Denied, which says who may.
func (n *Node) Authorize(ctx context.Context, action auth.Action, m auth.Matter) error {
	return n.Store.View(ctx, func(tx store.Tx) error { return n.may(ctx, tx, action, m) })
}

// Whoami is whoever ctx is of.
func (n *Node) Whoami(ctx context.Context) (a auth.Actor, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		a, _, err = n.actor(ctx, tx)
		return err
	})
	return a, err
}

// NoteUse notes the day on which the token of ctx is used, if it is known here, or the minute in which a session is, if it is open.
func (n *Node) NoteUse(ctx context.Context) error {
	c, now := auth.ClaimOf(ctx), statement.TimeOf(n.Now())
	due := false
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		due, err = n.office.Unnoted(tx, c, now)
		return err
	})
	if err != nil || !due {
		return err
	}
	return n.Exchange.Update(ctx, func(tx store.Tx) error {
		_, err := n.office.Used(tx, c, now)
		return err
	})
}

// speaks is how statements of an actor name their author. role is what was asked for; "": the first of the actor's roles in which the action may be done, or else the first.
func (n *Node) speaks(a auth.Actor, role string, action auth.Action, m auth.Matter) (statement.By, error) {
	if a.Operator {
		return statement.By{Role: roleOperator}, nil
	}
	by := statement.By{Role: role, Officer: n.Keys.Pseudonym(a.ID)}
	if role != "" {
		if !slices.Contains(a.Roles, auth.Role(role)) {
			return by, fault.New(fault.Denied, "", "you do not have the role %s here", auth.Role(role))
		}
		return by, nil
	}
	for _, r := range a.Roles {
		alone := auth.Actor{ID: a.ID, Holds: []auth.Role{r}, Roles: []auth.Role{r}}
		if n.office.Rules.Authorize(alone, action, m, true).Permitted {
			by.Role = string(r)
			return by, nil
		}
	}
	if len(a.Roles) == 0 {
		return by, fault.New(fault.Denied, "", "an officer without a role says nothing: an administrator assigns one")
	}
	by.Role = string(a.Roles[0])
	return by, nil
}

type recordingKey struct{}

// recording is a context in which the node makes records of its own.
func recording(ctx context.Context) context.Context {
	return context.WithValue(ctx, recordingKey{}, true)
}

// recordOf is the draft of a local record.
func (n *Node) recordOf(c auth.Change, by statement.By) (exchange.Draft, error) {
	facts, err := marshal(c.Facts)
	return exchange.Draft{
		Thread: c.Record, Kind: c.Kind, Marking: marking.Marking{TLP: marking.Red}, Track: statement.Technical, Precedence: precedenceOf(c), By: by, Facts: facts,
	}, err
}

// precedenceOf is that of a record: in an open thread it is the opener's.
func precedenceOf(c auth.Change) statement.Precedence {
	if c.Record.IsZero() {
		return statement.Routine
	}
	return ""
}

// record makes a change of officers, tokens or links, and records it in the same transaction. plan is called twice: to compose the record, and again where it is
// said, and must come to the same.
func (n *Node) record(ctx context.Context, action auth.Action, plan func(tx store.Tx, by auth.Actor) (auth.Change, error)) error {
	var by auth.Actor
	var c auth.Change
	look := func(tx store.Tx) (err error) {
		if by, _, err = n.actor(ctx, tx); err == nil {
			c, err = plan(tx, by)
		}
		return err
	}
	if err := n.Store.View(ctx, look); err != nil {
		return err
	}
	as, err := n.speaks(by, "", action, auth.Matter{})
	if err != nil {
		return err
	}
	d, err := n.recordOf(c, as)
	if err != nil {
		return err
	}
	_, err = n.Exchange.Together(recording(ctx), d, func(tx store.Tx, said exchange.Said) ([]exchange.Draft, error) {
		if err := look(tx); err != nil {
			return nil, err
		}
		now, err := n.recordOf(c, as)
		if err != nil || now.Kind != d.Kind || now.Thread != d.Thread || !bytes.Equal(now.Facts, d.Facts) {
			return nil, orMeanwhile(err)
		}
		if _, err := n.office.Used(tx, auth.ClaimOf(ctx), statement.TimeOf(n.Now())); err != nil {
			return nil, err
		}
		n.staff.forget()
		return nil, c.Put(tx, said.Thread)
	})
	return err
}

// orMeanwhile is err, or that somebody else was faster.
func orMeanwhile(err error) error {
	if err == nil {
		err = fault.New(fault.Unavailable, "", "somebody else has changed it meanwhile: look, and try again")
	}
	return err
}

// AddOfficer adds an officer. The first one may be added by whoever opens the node, and is an administrator.
func (n *Node) AddOfficer(ctx context.Context, p auth.Person) error {
	now := statement.TimeOf(n.Now())
	return n.record(ctx, auth.ManageOfficers, func(tx store.Tx, by auth.Actor) (auth.Change, error) { return n.office.Add(tx, by, p, now) })
}

// SetRoles gives an officer these roles and no others.
func (n *Node) SetRoles(ctx context.Context, id string, roles []auth.Role) error {
	now := statement.TimeOf(n.Now())
	return n.record(ctx, auth.ManageOfficers, func(tx store.Tx, by auth.Actor) (auth.Change, error) {
		return n.office.SetRoles(tx, by, id, roles, now)
	})
}

// SetDisabled takes every permission from an officer, or gives them back.
func (n *Node) SetDisabled(ctx context.Context, id string, disabled bool) error {
	now := statement.TimeOf(n.Now())
	return n.record(ctx, auth.ManageOfficers, func(tx store.Tx, by auth.Actor) (auth.Change, error) {
		return n.office.SetDisabled(tx, by, id, disabled, now)
	})
}

// MakeToken makes a token for an officer, in some of the officer's roles; none: in all. The secret is shown here and never again.
func (n *Node) MakeToken(ctx context.Context, id string, scopes []auth.Role, expires statement.Time) (auth.Secret, error) {
	return n.MakeTokenWithin(ctx, id, scopes, TokenLimits{}, expires)
}

// RevokeToken makes a token good for nothing, by its name or the beginning of it.
func (n *Node) RevokeToken(ctx context.Context, name string) error {
	now := statement.TimeOf(n.Now())
	return n.record(ctx, auth.RevokeToken, func(tx store.Tx, by auth.Actor) (auth.Change, error) { return n.office.RevokeToken(tx, by, name, now) })
}

// MakeLink makes a link that lets an officer in once. The secret is shown here and never again.
func (n *Node) MakeLink(ctx context.Context, id string, expires statement.Time) (auth.Secret, error) {
	secret, now := auth.NewLink(), statement.TimeOf(n.Now())
	err := n.record(ctx, auth.ManageTokens, func(tx store.Tx, by auth.Actor) (auth.Change, error) {
		return n.office.MakeLink(tx, by, id, expires, secret, now)
	})
	return secret, err
}

// OfficerView is an officer as lists show one.
type OfficerView struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Pseudonym string         `json:"pseudonym"` // by which statements name the officer
	Roles     []string       `json:"roles"`
	Languages []string       `json:"languages"`
	Disabled  bool           `json:"disabled"`
	Record    statement.ID   `json:"record"` // the thread of what was recorded
	Made      statement.Time `json:"made"`
	MadeBy    string         `json:"made_by"`
	Changed   statement.Time `json:"changed"`
	ChangedBy string         `json:"changed_by"`
}

// Officers lists all officers by id. Whoever may do anything at all on the node may see who the others are.
func (n *Node) Officers(ctx context.Context) ([]OfficerView, error) {
	out := []OfficerView{}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		out = out[:0]
		if err := n.known(ctx, tx); err != nil {
			return err
		}
		return tx.EachOfficer(func(o store.Officer) bool {
			out = append(out, OfficerView{
				o.ID, o.Name, n.Keys.Pseudonym(o.ID), o.Roles, o.Languages, o.Disabled, o.Record, o.Made, o.MadeBy, o.Changed, o.ChangedBy,
			})
			return true
		})
	})
	return out, err
}

// known refuses whoever may neither read nor manage.
func (n *Node) known(ctx context.Context, tx store.Tx) error {
	err := n.may(ctx, tx, auth.Read, auth.Matter{})
	if err != nil && n.may(ctx, tx, auth.ManageOfficers, auth.Matter{}) == nil {
		return nil
	}
	return err
}

// TokenView is a token as lists show one.
type TokenView struct {
	Name      string         `json:"name"`
	Officer   string         `json:"officer"`
	Scopes    []string       `json:"scopes"`
	Made      statement.Time `json:"made"`
	MadeBy    string         `json:"made_by"`
	Expires   statement.Time `json:"expires"`
	LastUsed  statement.Time `json:"last_used,omitzero"` // to the day
	Revoked   statement.Time `json:"revoked,omitzero"`
	RevokedBy string         `json:"revoked_by,omitzero"`
}

// Tokens lists tokens: all of them to whoever may make them, to others their own.
func (n *Node) Tokens(ctx context.Context) ([]TokenView, error) {
	out := []TokenView{}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		out = out[:0]
		a, staffed, err := n.actor(ctx, tx)
		if err != nil {
			return err
		}
		whose := a.ID
		if d := n.office.Rules.Authorize(a, auth.ManageTokens, auth.Matter{}, staffed); d.Permitted {
			whose = ""
		} else if whose == "" || a.Disabled {
			return d.Err()
		}
		return tx.EachToken(whose, func(t store.Token) bool {
			out = append(out, TokenView{auth.TokenName(t.Hash), t.Officer, t.Scopes, t.Made, t.MadeBy, t.Expires, t.LastUsed, t.Revoked, t.RevokedBy})
			return true
		})
	})
	return out, err
}

// staffing is the doctor's look at officers, where there are any: who could not be replaced, and whether anybody can approve.
func (n *Node) staffing(ctx context.Context) (f Finding, staffed bool, err error) {
	active, administrators, approvers := 0, 0, 0
	err = n.Store.View(ctx, func(tx store.Tx) error {
		staffed, active, administrators, approvers = false, 0, 0, 0
		return tx.EachOfficer(func(o store.Officer) bool {
			staffed = true
			if o.Disabled {
				return true
			}
			active++
			if slices.Contains(o.Roles, string(auth.Administrator)) {
				administrators++
			}
			roles, err := auth.ParseRoles(o.Roles)
			if err == nil && n.office.Rules.Authorize(auth.Actor{ID: o.ID, Holds: roles, Roles: roles}, auth.Approve, auth.Matter{Author: "\x00another"}, true).Permitted {
				approvers++
			}
			return true
		})
	})
	f = Finding{Check: "officers", Health: Good}
	f.Says = fmt.Sprintf("%s; %d can administer, %d can approve", plural(active, "officer", "officers"), administrators, approvers)
	switch {
	case administrators < 2:
		f.Health, f.Do = Warning, "make a second administrator: the only one can be ill, or lose the token"
	case approvers < 2:
		f.Health, f.Do = Warning, "give the role releasing-officer to two officers at least: nobody approves their own"
	}
	return f, staffed, err
}
