package node

import (
	"context"
	"slices"

	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Outlook is what would become of something that an officer is writing, before it is kept anywhere.
type Outlook struct {
	Verdict  exchange.Verdict `json:"verdict"`
	Approval string           `json:"approval,omitzero"` // what asks for a second officer; "": nothing
	Release  error            `json:"-"`                 // why whoever asks may not say it; nil: may
}

// Consider answers whether a draft may pass, whether a second officer has to agree, and whether whoever ctx is of may say it. It keeps and says nothing.
func (n *Node) Consider(ctx context.Context, d exchange.Draft) (Outlook, error) {
	d, err := n.complete(ctx, d)
	if err != nil {
		return Outlook{}, err
	}
	p, err := n.Exchange.Propose(ctx, d)
	if err != nil {
		return Outlook{}, err
	}
	o := Outlook{Verdict: p.Verdict, Approval: n.asksApproval(p)}
	if action := actionOf(p.Head); action != "" {
		o.Release = n.Authorize(ctx, action, matterOf(p.Head))
	}
	return o, nil
}

// MaySay is the fault of what whoever ctx is of may not say of this kind by themselves; nil: may.
func (n *Node) MaySay(ctx context.Context, kind statement.Kind, to []party.Code) error {
	action := actionOf(&statement.Head{Kind: kind, To: to})
	if action == "" {
		return nil
	}
	return n.Authorize(ctx, action, auth.Matter{Kind: kind, To: to})
}

// MayDraft tells whether whoever ctx is of may write drafts.
func (n *Node) MayDraft(ctx context.Context) bool {
	a, err := n.Whoami(ctx)
	return err == nil && n.Authorize(ctx, auth.Draft, auth.Matter{Author: a.ID}) == nil
}

// MayApprove is the fault of a draft that whoever ctx is of may not approve or send back; nil: may.
func (n *Node) MayApprove(ctx context.Context, v DraftView) error {
	return n.Authorize(ctx, auth.Approve, v.matter())
}

// MayRelease is the fault of a draft that whoever ctx is of may not say; nil: may.
func (n *Node) MayRelease(ctx context.Context, v DraftView) error {
	to := v.To
	if !v.Thread.IsZero() && len(to) == 0 {
		to = []party.Code{""} // those of the thread
	}
	m := v.matter()
	action := actionOf(&statement.Head{Kind: v.Kind, To: to, Thread: v.Thread})
	if action == "" {
		return nil
	}
	return n.Authorize(ctx, action, m)
}

// Between lists the agreements in force between this party and all of these, the last touched first.
func (n *Node) Between(ctx context.Context, to []party.Code) ([]AgreementView, error) {
	all, err := n.Agreements(ctx)
	return slices.DeleteFunc(all, func(v AgreementView) bool {
		has := func(c party.Code) bool {
			return slices.Contains(v.Parties, c) || slices.Contains(v.Parties, c.Principal())
		}
		return v.InForce.IsZero() || !has(n.Config.Code) || slices.ContainsFunc(to, func(c party.Code) bool { return !has(c) })
	}), err
}

// Under is the agreement that a thread is under, and its policy between this party and the first of the others; nil where it is the charter, or where the text is
// not here.
func (n *Node) Under(ctx context.Context, id thread.ID) (v *AgreementView, grounds []string, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		v, grounds = nil, nil
		row, err := tx.Thread(id)
		if err != nil || len(row.State) == 0 {
			return err
		}
		s, err := thread.ParseState(row.State)
		if err != nil || s.Opener.Agreement.IsZero() {
			return err
		}
		made, err := tx.Thread(s.Opener.Agreement)
		if fault.CodeOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		view, err := n.viewAgreement(tx, made)
		if err != nil {
			return err
		}
		v = &view
		other := s.Opener.From
		if other == n.Config.Code && len(s.Opener.To) > 0 {
			other = s.Opener.To[0]
		}
		if policy, err := n.Exchange.Policy(tx, s.Opener.Agreement, other); err == nil {
			grounds = policy.Grounds()
		}
		return nil
	})
	return v, grounds, err
}

// MayOpen tells whether it shows to others that whoever ctx is of has read something.
func (n *Node) MayOpen(ctx context.Context) bool {
	return n.Authorize(ctx, auth.Open, auth.Matter{}) == nil
}

// Signable is the fault of a text of an agreement that nobody should sign: it is not here, is not what was said with it, or cannot decide; nil: it can be signed.
func (n *Node) Signable(ctx context.Context, id thread.ID, text statement.Digest) error {
	// spec: AGR-7
	found, err := n.sound(ctx, id, func(o *instrument.Opened) bool { return o.Digest == text })
	if err == nil && found != text {
		return fault.New(fault.Inadmissible, "AGR-9", "this text is not open for signature")
	}
	return err
}
