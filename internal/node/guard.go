package node

import (
	"context"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// guard is asked for everything that is to be said, whichever way it came: whether whoever says it may, and whether a second officer has approved it where one must.
// It is the only place where that is held.
func (n *Node) guard(ctx context.Context, tx store.Tx, p exchange.Proposal) error {
	h := p.Head
	if thread.Kind(h.Kind.Desk()) == office.Kind {
		if ctx.Value(recordingKey{}) == nil || p.Approval != (store.DraftID{}) {
			return madeByNode()
		}
		return nil
	}
	if mirrors(ctx, h.Kind) { // an administrator has had it fetched
		return nil
	}
	if h.Kind == intel.KindIncrement && ctx.Value(feedingKey{}) == nil { // how far a feed has come is the node's to say
		return madeByNode()
	}
	staffed, err := n.hasOfficers(tx)
	if err != nil {
		return err
	}
	asks := n.asksApproval(p)
	if !staffed && asks == "" && p.Approval == (store.DraftID{}) {
		return nil
	}
	d, err := drafted(tx, p.Approval)
	if err != nil {
		return err
	}
	if d != nil && d.Status != drafts.Approved && ctx.Value(recordingKey{}) == nil {
		return fault.New(fault.Inadmissible, "", "a draft is released as it is: nothing else is said in its author's name")
	}
	if staffed {
		if err := n.guardActor(ctx, tx, p, d); err != nil {
			return err
		}
	}
	switch {
	case asks != "" && (d == nil || d.Status != drafts.Approved): // spec: DEC-10
		return fault.New(fault.Denied, "DEC-10", "%s asks for a second officer: another officer than the author approves exactly this before it is said", asks)
	case d != nil && (asks != "" || !d.Record.IsZero()): // who has asked for approval waits for it
		if err := n.guardApproval(p, d); err != nil {
			return err
		}
	}
	return n.guardRead(ctx, tx, p, d)
}

type releasingKey struct{}

// releasing is a context in which a draft is released by somebody who has read it so.
func releasing(ctx context.Context, read statement.Digest) context.Context {
	return context.WithValue(ctx, releasingKey{}, read)
}

// guardRead holds what would be said against what whoever releases it has read. An author who gives no digest knows what they wrote.
func (n *Node) guardRead(ctx context.Context, tx store.Tx, p exchange.Proposal, d *drafts.Draft) error {
	// spec: DEC-10
	read, ok := ctx.Value(releasingKey{}).(statement.Digest)
	if !ok || d == nil {
		return nil
	}
	a, _, err := n.actor(ctx, tx)
	if err != nil {
		return err
	}
	if read.IsZero() && a.ID == d.Author {
		return nil
	}
	digest, err := p.Digest()
	if err != nil {
		return err
	}
	return asRead(read, digest)
}

func madeByNode() error {
	return fault.New(fault.Inadmissible, "THR-9", "records of this kind are made by the node, when what they record is done")
}

// drafted finds the draft that is released; nil where none is.
func drafted(tx store.Tx, id store.DraftID) (*drafts.Draft, error) {
	if id == (store.DraftID{}) {
		return nil, nil
	}
	row, err := tx.Draft(id)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.New(fault.NotFound, "", "this draft is not here any more: it was released or dropped")
	}
	if err != nil {
		return nil, err
	}
	d, err := drafts.Parse(row)
	return &d, err
}

// speaksFor is as whom a draft is said. While the node has no officers, it is as its caller says; else the officer who has signed in speaks, in the role that was
// asked for or, where that is the node's setting, in one that the officer has. What is released speaks for its author.
func (n *Node) speaksFor(ctx context.Context, tx store.Tx, d *exchange.Draft) (statement.By, error) {
	h := &statement.Head{Kind: d.Kind, To: d.To, Thread: d.Thread}
	if !d.Thread.IsZero() && len(h.To) == 0 {
		h.To = []party.Code{""} // those of the thread
	}
	action := actionOf(h)
	if action == "" || d.Approval != (store.DraftID{}) || thread.Kind(h.Kind.Desk()) == office.Kind || mirrors(ctx, d.Kind) {
		return d.By, nil
	}
	staffed, err := n.hasOfficers(tx)
	if err != nil || !staffed {
		return d.By, err
	}
	a, _, err := n.actor(ctx, tx)
	if err != nil {
		return d.By, err
	}
	role, m := d.By.Role, auth.Matter{Author: a.ID, Kind: d.Kind, Marking: d.Marking}
	if a.Operator || role == n.Config.Role && !slices.Contains(a.Roles, auth.Role(role)) {
		role = ""
	}
	return n.speaks(a, role, action, m)
}

// guardApproval holds what would be said against what was approved.
func (n *Node) guardApproval(p exchange.Proposal, d *drafts.Draft) error {
	// spec: DEC-10
	digest, err := p.Digest()
	if err != nil {
		return err
	}
	return d.Release(p.Head.By, digest)
}

// guardActor holds who says it against what the officer may do. What is released speaks for its author, all else for whoever says it.
func (n *Node) guardActor(ctx context.Context, tx store.Tx, p exchange.Proposal, d *drafts.Draft) error {
	h := p.Head
	action := actionOf(h)
	if action == "" {
		return nil
	}
	a, _, err := n.actor(ctx, tx)
	if err != nil {
		return err
	}
	m := matterOf(h)
	m.Author = a.ID
	if d != nil {
		m.Author = d.Author
	}
	if err := n.office.Rules.Authorize(a, action, m, true).Err(); err != nil {
		return err
	}
	if d == nil && (h.By.Officer != n.Keys.Pseudonym(a.ID) || !slices.Contains(a.Roles, auth.Role(h.By.Role))) {
		return fault.New(fault.Denied, "", "an officer speaks for nobody else, and in own roles alone: leave role and officer out")
	}
	_, err = n.office.Used(tx, auth.ClaimOf(ctx), statement.TimeOf(n.Now()))
	return err
}

// matterOf is a head as roles are held against it.
func matterOf(h *statement.Head) auth.Matter {
	return auth.Matter{Kind: h.Kind, To: h.To, Marking: h.Marking, Track: h.Track, Precedence: h.Precedence, Exercise: h.Exercise}
}

// eraser holds whoever ctx is of against erasing, and gives as whom it is said: by, while the node has no officers.
func (n *Node) eraser(ctx context.Context, by statement.By) (statement.By, error) {
	err := n.Store.View(ctx, func(tx store.Tx) error {
		a, staffed, err := n.actor(ctx, tx)
		if err != nil {
			return err
		}
		if err := n.office.Rules.Authorize(a, auth.Erase, auth.Matter{}, staffed).Err(); err != nil || !staffed {
			return err
		}
		by, err = n.speaks(a, "", auth.Erase, auth.Matter{})
		return err
	})
	return by, err
}

// mayLook is the fault of what whoever ctx is of may not see. While the node has no officers, whoever opens it sees all.
func (n *Node) mayLook(ctx context.Context, tx store.Tx, action auth.Action, m auth.Matter) error {
	staffed, err := n.hasOfficers(tx)
	if err != nil || !staffed {
		return err
	}
	return n.may(ctx, tx, action, m)
}

// sight tells which threads of a list whoever ctx is of may see. Only an operator's own rules tell one from another.
func (n *Node) sight(ctx context.Context, tx store.Tx, desk string) (func(ThreadView) bool, error) {
	all := func(ThreadView) bool { return true }
	staffed, err := n.hasOfficers(tx)
	if err != nil || !staffed {
		return all, err
	}
	a, _, err := n.actor(ctx, tx)
	if err != nil {
		return nil, err
	}
	may := n.office.Rules.Authorize(a, lookAt(desk), auth.Matter{}, true)
	if !n.office.Rules.Restricted() {
		return all, may.Err()
	}
	return func(v ThreadView) bool {
		return n.office.Rules.Authorize(a, lookAt(v.Desk), matterOfThread(v), true).Permitted
	}, may.Err()
}

// lookAt is what it takes to look at threads of a desk: records of officers are the log's readers'.
func lookAt(desk string) auth.Action {
	if desk == string(office.Kind) {
		return auth.ReadLog
	}
	return auth.Read
}

// matterOfThread is a thread as roles are held against it.
func matterOfThread(v ThreadView) auth.Matter {
	return auth.Matter{
		Kind: statement.Kind(v.Desk + ".*"), To: v.To, Marking: marking.Marking{TLP: v.TLP}, Precedence: v.Precedence, Exercise: v.Exercise,
	}
}

// binding are the kinds by which a party is bound, or not bound any more.
func binding(k statement.Kind) bool {
	return slices.Contains([]statement.Kind{
		instrument.KindSign, instrument.KindRatify, instrument.KindAccede, instrument.KindSuspend, instrument.KindResume, instrument.KindWithdraw, instrument.KindTerminate,
	}, k)
}

// actionOf is what saying h takes; "": nothing, since the node says it by itself.
func actionOf(h *statement.Head) auth.Action {
	switch desk := h.Kind.Desk(); {
	case h.Kind == thread.KindRetrieved:
		return auth.Open
	case desk == "receipt", h.Kind == intel.KindIncrement: // who offered the feed has released it
		return ""
	case desk == "credence": // also where it goes to nobody: it vouches for an office
		return auth.ManageKeys
	case len(h.To) == 0:
		return auth.Draft
	case binding(h.Kind):
		return auth.SignAgreement
	case desk == "instrument", desk == "thread": // who is admitted gets what was said before
		return auth.Negotiate
	case desk == "recall":
		return auth.Recall
	}
	return auth.Release
}

// asksApproval says what asks for a second officer before p is said; "": nothing. Receipts and recalls cannot wait, and local records go to nobody.
func (n *Node) asksApproval(p exchange.Proposal) string {
	// spec: DEC-10
	h := p.Head
	if desk := h.Kind.Desk(); len(h.To) == 0 || desk == "receipt" || desk == "recall" {
		return ""
	}
	var by []string
	if v := p.Verdict; v.Approval {
		if len(v.ApprovalBy) > 0 {
			by = append(by, "article "+strings.Join(v.ApprovalBy, ", ")+" of the agreement")
		}
		for _, name := range v.AskedBy {
			by = append(by, "the caveat "+name)
		}
	}
	if entry := n.Config.AsksApproval(h.Kind, h.Marking.TLP); entry != "" {
		by = append(by, "this node's setting approval ("+entry+")")
	}
	return strings.Join(by, " and ")
}
