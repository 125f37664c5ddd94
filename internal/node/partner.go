package node

import (
	"context"
	"iter"
	"strings"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// TokenLimits are auth.Limits as somebody writes them: collections by their names.
type TokenLimits struct {
	TLP     marking.TLP
	Partner string
	Party   party.Code
	See     []string // sources and feeds by name, or anything by the beginning of its id; "all": everything that Party and TLP leave
	Write   string   // likewise an open source of this party's own
}

// seeEverything is what See has for that.
const seeEverything = "all"

// MakeTokenWithin makes a token for an officer as MakeToken does, within limits: for a partner who has no node, or for a program that sees less than others, or more. It can't be shown again.
// Errors: those of MakeToken; fault.NotFound and fault.Usage for a collection that is not there, or not that alone.
func (n *Node) MakeTokenWithin(ctx context.Context, id string, scopes []auth.Role, t TokenLimits, expires statement.Time) (auth.Secret, error) {
	secret, now := auth.NewToken(), statement.TimeOf(n.Now())
	err := n.record(ctx, auth.ManageTokens, func(tx store.Tx, by auth.Actor) (auth.Change, error) {
		l, err := n.limits(tx, t)
		if err != nil {
			return auth.Change{}, err
		}
		return n.office.MakeToken(tx, by, id, scopes, l, expires, secret, now)
	})
	return secret, err
}

func (n *Node) limits(tx store.Tx, t TokenLimits) (l auth.Limits, err error) {
	l = auth.Limits{Partner: t.Partner, Party: t.Party, Max: t.TLP}
	for _, name := range t.See {
		if name == seeEverything {
			l.All = true
			continue
		}
		id, err := n.collectionNamed(tx, name, false)
		if err != nil {
			return l, err
		}
		l.See = append(l.See, id)
	}
	if t.Write != "" {
		l.Write, err = n.collectionNamed(tx, t.Write, true)
	}
	return l, err
}

// collectionNamed finds a source, feed or share; own: an open source of this party's own. What is not there is told as that to an administrator, who need not be able to read it.
func (n *Node) collectionNamed(tx store.Tx, name string, own bool) (id thread.ID, err error) {
	fit := 0
	err = tx.Threads(string(intel.Kind), func(row store.ThreadRow) bool {
		v, ok := intelOf(row)
		if !ok || own && (v.View.Form != intel.ASource || v.View.By != n.Config.Code || v.View.Status != intel.Open) {
			return true
		}
		if v.Name == name || len(name) >= 8 && strings.HasPrefix(v.ID.String(), name) {
			fit, id = fit+1, v.ID
		}
		return true
	})
	switch {
	case err != nil:
		return id, err
	case fit == 0:
		return id, fault.New(fault.NotFound, "INT-1", "there is no collection of the name that was given: comity intel lists them; what is written into is an open source of this party's own")
	case fit > 1:
		return id, fault.New(fault.Usage, "INT-1", "several collections have the name that was given: name one by its id")
	}
	return id, nil
}

// givingKey marks what is done for the token of a partner within its limits: for that the officer who answers for it counts, and for nothing else.
type givingKey struct{}

func giving(ctx context.Context) context.Context { return context.WithValue(ctx, givingKey{}, true) }

// boundedKey marks what is done for a face that gives a token no more than its own TLP.
type boundedKey struct{}

// Bounded is ctx for a face that holds what it gives against the TLP of the token. Elsewhere a token with one is good for nothing: no other face would hold it.
func Bounded(ctx context.Context) context.Context { return context.WithValue(ctx, boundedKey{}, true) }

// standsIn gives a partner's token the roles of its officer, where the node does what the token is for; nowhere else is it good for anything, nor is one with a TLP of its own where that is not held.
func standsIn(ctx context.Context, a auth.Actor) (auth.Actor, error) {
	if a.Limits.IsPartner() {
		if ctx.Value(givingKey{}) == nil {
			return a, fault.New(fault.Denied, "", "this token is a partner's: it is good for TAXII and MISP alone")
		}
		a.Roles = a.Holds
	}
	if a.Limits.Max != "" && ctx.Value(givingKey{}) == nil && ctx.Value(boundedKey{}) == nil {
		return a, fault.New(fault.Denied, "", "this token has a TLP of its own: it is good for TAXII and MISP alone")
	}
	return a, nil
}

// Fetcher is whose the token of ctx is, be it a partner's, and why they may not be given anything: nil for an officer who may read, and for a partner whose officer may. What exactly
// they are given is for Limits and the catalogue's Viewer. Error: fault.Denied where the token is not good.
func (n *Node) Fetcher(ctx context.Context) (a auth.Actor, mayNot, err error) {
	ctx = giving(ctx)
	if a, err = n.Whoami(ctx); err != nil {
		return a, nil, err
	}
	if mayNot = n.Authorize(ctx, auth.Read, auth.Matter{}); mayNot != nil && fault.CodeOf(mayNot) != fault.Denied {
		return a, nil, mayNot
	}
	return a, mayNot, nil
}

// Collections lists the sources, feeds and shares that the token of ctx names or, where it names none, all. Error: fault.Denied.
func (n *Node) Collections(ctx context.Context) ([]IntelView, error) {
	// spec: INT-9
	a, err := n.Whoami(giving(ctx))
	if err != nil {
		return nil, err
	}
	all, err := n.Intelligence(giving(ctx))
	var out []IntelView
	for _, v := range all {
		if a.Limits.Sees(v.ID) || a.Limits.Writes(v.ID) {
			out = append(out, v)
		}
	}
	return out, err
}

// OpenerMarkings tells how the openers of sources, feeds and shares are marked, whoever asks: for a face that tells nobody of one that Catalogue.Shows does not let through. A marking without a TLP stands
// for what is not here.
func (n *Node) OpenerMarkings(ctx context.Context, ids ...thread.ID) (all []marking.Marking, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		all = make([]marking.Marking, len(ids))
		for i, id := range ids {
			h, err := headOf(tx, id)
			if err != nil && fault.CodeOf(err) != fault.NotFound {
				return err
			}
			if err == nil {
				all[i] = h.Marking
			}
		}
		return nil
	})
	return all, err
}

// Collection is one of those, and how its opener is marked. Errors: fault.Denied, fault.NotFound.
func (n *Node) Collection(ctx context.Context, id thread.ID) (v IntelView, m marking.Marking, err error) {
	// spec: INT-9
	a, err := n.Whoami(giving(ctx))
	if err != nil {
		return v, m, err
	}
	if !a.Limits.Sees(id) && !a.Limits.Writes(id) {
		return v, m, fault.New(fault.NotFound, "INT-1", "there is no such source, feed or share here")
	}
	return n.Intel(giving(ctx), id)
}

// Bring takes objects into a source as Import does, for an officer or for a partner, whose objects are said by the officer who answers for the token, and say who brought them.
// Errors: those of Import; fault.Denied where the token is not for that.
func (n *Node) Bring(ctx context.Context, from catalogue.Source, items iter.Seq2[stix.Item, error], o catalogue.ImportOptions) (catalogue.Report, error) {
	a, err := n.Whoami(giving(ctx))
	if err != nil {
		return catalogue.Report{}, err
	}
	if err := n.mayBring(giving(ctx), a, from.Thread); err != nil {
		return catalogue.Report{}, err
	}
	if a.Limits.IsPartner() {
		from.Title = "Brought by " + a.Limits.Partner + ", with the token " + a.Token
		return n.importOthers(giving(ctx), from, items, o)
	}
	return n.Import(giving(ctx), from, items, o)
}

// MayBring tells whether the token of ctx may bring objects into a source, as Bring does; zero: into any, for which a partner's is not. Error: fault.Denied.
func (n *Node) MayBring(ctx context.Context, into thread.ID) error {
	a, err := n.Whoami(giving(ctx))
	if err != nil {
		return err
	}
	return n.mayBring(giving(ctx), a, into)
}

func (n *Node) mayBring(ctx context.Context, a auth.Actor, into thread.ID) error {
	if !a.Limits.Writes(into) {
		return fault.New(fault.Denied, "", "this token does not bring objects into this source")
	}
	return n.Authorize(ctx, auth.Draft, auth.Matter{Author: a.ID})
}

// CollectionSource finds an open source as Source does, among those that the token of ctx names. Errors: those of Source.
func (n *Node) CollectionSource(ctx context.Context, name string) (IntelView, error) {
	// spec: INT-9
	all, err := n.Collections(ctx)
	if err != nil {
		return IntelView{}, err
	}
	return sourceAmong(all, name)
}
