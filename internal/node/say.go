package node

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// By is the officer as the outside sees him or her: a role, and a pseudonym that only this node's party can resolve. Without a name the node speaks.
func (n *Node) By(role, officer string) statement.By {
	if role == "" {
		role = n.Config.Role
	}
	if officer == "" {
		officer = n.Config.Officer
	}
	if officer == "" {
		return statement.By{Role: role}
	}
	return statement.By{Role: role, Officer: n.Keys.Pseudonym(officer)}
}

// Say submits a draft, after filling in the clock that the agreement sets for a request of that precedence, where the draft has none (AST-3).
func (n *Node) Say(ctx context.Context, d exchange.Draft) (exchange.Said, error) {
	d, err := n.complete(ctx, d)
	if err != nil {
		return exchange.Said{}, err
	}
	return n.Exchange.Submit(ctx, d)
}

// May answers "may this pass, and by which articles" for a draft, and says nothing. The verdict is that of the agreement, then of this party's own caveats.
func (n *Node) May(ctx context.Context, d exchange.Draft) (exchange.Verdict, error) {
	d, err := n.complete(ctx, d)
	if err != nil {
		return exchange.Verdict{}, err
	}
	return n.Exchange.May(ctx, d)
}

func (n *Node) complete(ctx context.Context, d exchange.Draft) (exchange.Draft, error) {
	if err := checkTitle(d.Title); err != nil {
		return d, err
	}
	if d.Kind != assist.KindRequest || d.Agreement.IsZero() || len(d.To) == 0 {
		return d, nil
	}
	var facts assist.Request
	if len(d.Facts) > 0 {
		if err := json.Unmarshal(d.Facts, &facts, json.RejectUnknownMembers(true)); err != nil {
			return d, fault.Wrap(err, fault.Usage, "AST-1", "the facts do not fit a request")
		}
	}
	if facts.Clock != nil {
		return d, nil
	}
	q := agreement.Question{From: n.Config.Code, To: d.To, Kind: d.Kind, Precedence: d.Precedence}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		policy, err := n.Exchange.Policy(tx, d.Agreement, d.To[0])
		if err != nil {
			return err
		}
		// spec: AGR-10
		if q.Reserved, err = n.reserved(tx, d.Agreement, &q); err == nil {
			fill(policy, &q)
		}
		return err
	})
	if fault.CodeOf(err) == fault.NotFound {
		return d, nil // Submit says so better
	}
	if err != nil {
		return d, err
	}
	if q.Clock == nil {
		return d, nil
	}
	facts.Clock = q.Clock
	d.Facts, err = marshal(facts)
	return d, err
}

// Facts writes the facts of a draft.
func Facts(v any) (jsontext.Value, error) { return marshal(v) }
