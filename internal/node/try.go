package node

import (
	"context"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Trial is what would become of a statement under an agreement.
type Trial struct {
	Verdict agreement.Verdict // what the text by itself says, with the reservations of those whom it binds
	Unbound string            // why the agreement does not bind author and recipients to each other at that time; "" when it does
	Use     agreement.Use     // what a recipient may do with it
	Digest  statement.Digest  // of the text: the one that binds them, else the one in hand
}

// Try asks an agreement that was made here, in force or not, about a head that nobody says: at the head's time, past or to come, as its making is
// known now. Only what a decision looks at need be in the head. today is what a rule that counts is told.
func (n *Node) Try(ctx context.Context, id agreement.ID, h *statement.Head, today map[party.Code]int64) (t Trial, err error) {
	q, err := agreement.Ask(h)
	if err != nil {
		return t, err
	}
	q.Today = today
	var policy *agreement.Policy
	err = n.Store.View(ctx, func(tx store.Tx) error {
		s, err := makingState(tx, id)
		if err != nil {
			return err
		}
		var at statement.ID
		t.Unbound = "The agreement is not in force: no text of it was opened for signature."
		if standing, ok := instrument.Standing(s); ok {
			var binds *agreement.Version
			if binds, t.Unbound = bound(standing, h); binds != nil {
				q.Under(binds)
				at = binds.Text
			}
		}
		if at.IsZero() {
			if at, err = textAt(tx, id, s, statement.Digest{}); err != nil {
				return err
			}
		}
		doc, compiled, err := n.policy(tx, at)
		if err == nil {
			policy, t.Digest = compiled, doc.Digest
		}
		return err
	})
	if err != nil {
		return t, err
	}
	t.ask(policy, q)
	return t, nil
}

// bound is the text that binds the author and all recipients to each other at the head's time; nil where none does, and why.
func bound(standing *agreement.Standing, h *statement.Head) (v *agreement.Version, why string) {
	// spec: DEC-2
	for _, to := range h.To {
		one, why := standing.Binds(h.Time, h.From, to)
		switch {
		case one == nil:
			return nil, why
		case v != nil && v.Digest != one.Digest:
			return nil, "Different texts of the agreement bind " + string(h.From) + " to its recipients, so that one statement cannot rely on both."
		}
		v = one
	}
	return v, ""
}

// ask puts the question to a text.
func (t *Trial) ask(policy *agreement.Policy, q agreement.Question) {
	fill(policy, &q)
	t.Verdict, t.Use = policy.Decide(q), policy.Use(q.Kind)
}

// TryDraft asks a text that was not put before anybody yet.
func TryDraft(doc *agreement.Document, h *statement.Head, today map[party.Code]int64) (t Trial, err error) {
	q, err := agreement.Ask(h)
	if err != nil {
		return t, err
	}
	q.Today = today
	policy, err := agreement.Compile(doc)
	if err != nil {
		return t, err
	}
	t.Digest = doc.Digest
	t.ask(policy, q)
	return t, nil
}

// reserved are the reservations among those whom an agreement binds now.
func (n *Node) reserved(tx store.Tx, id agreement.ID, q *agreement.Question) (map[party.Code][]string, error) {
	s, err := makingState(tx, id)
	if err != nil {
		return nil, err
	}
	if standing, ok := instrument.Standing(s); ok {
		if v, _ := bound(standing, &statement.Head{From: q.From, To: q.To, Time: statement.TimeOf(n.Now())}); v != nil {
			return v.Reserved, nil
		}
	}
	return nil, nil
}

// fill puts in the clock that a node puts into a request (AST-3), where every recipient owes it.
func fill(policy *agreement.Policy, q *agreement.Question) {
	if q.Kind != assist.KindRequest || q.Clock != nil {
		return
	}
	for _, to := range q.To {
		acknowledge, answer, _, ok := policy.Owes(q, to)
		if !ok {
			q.Clock = nil
			return
		}
		q.Clock = &thread.Limit{Acknowledge: acknowledge, Answer: answer}
	}
}
