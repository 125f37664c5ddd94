package httpapi

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Proposal is a text that is put before others.
type Proposal struct {
	Document jsontext.Value `json:"document"`
	With     []party.Code   `json:"with,omitempty" doc:"who negotiates beside the parties of the text"`
	Chair    party.Code     `json:"chair,omitzero" doc:"who chairs; without it this party"`
	Deposit  bool           `json:"deposit,omitzero" doc:"put it before all its parties for signature at once, as it is"`
	Role     string         `json:"role,omitzero"`
}

func (a *api) propose(ctx context.Context, in *struct{ Body Proposal }) (Said, error) {
	doc, err := text(in.Body.Document)
	if err != nil {
		return Said{}, err
	}
	by := a.node.By(in.Body.Role, "")
	var said exchange.Said
	if in.Body.Deposit {
		if len(in.Body.With) > 0 || in.Body.Chair != "" {
			return Said{}, fault.New(fault.Usage, "AGR-7", "what is deposited is not negotiated: leave with and chair out")
		}
		said, err = a.node.Deposit(ctx, doc.Raw, by)
	} else {
		said, err = a.node.Propose(ctx, doc.Raw, in.Body.With, in.Body.Chair, by)
	}
	return viewSaid(said), err
}

// Amendment is another text beside the one in hand.
type Amendment struct {
	Document jsontext.Value `json:"document"`
	Text     string         `json:"text,omitzero" doc:"what is said of it"`
	Role     string         `json:"role,omitzero"`
}

// Signature is a signature, or the accession of another party.
type Signature struct {
	Reservations []string `json:"reservations,omitempty" doc:"numbers of articles"`
	Text         string   `json:"text,omitzero" doc:"what the reservations are"`
	Role         string   `json:"role,omitzero"`
}

// Step is anything else in the making of an agreement.
type Step struct {
	Kind  statement.Kind `json:"kind" doc:"of the desk instrument, such as instrument.comment"`
	Facts jsontext.Value `json:"facts,omitzero" doc:"as GET /kinds/{kind} has them"`
	Text  string         `json:"text,omitzero"`
	Role  string         `json:"role,omitzero"`
}

func (a *api) step(ctx context.Context, id agreement.ID, s *Step) (exchange.Said, error) {
	if s.Kind.Desk() != string(instrument.Kind) {
		return exchange.Said{}, fault.New(fault.Usage, "AGR-9", "in the making of an agreement, kinds of the desk instrument are said")
	}
	facts := s.Facts
	if len(facts) == 0 {
		facts = jsontext.Value("{}")
	}
	if err := facts.Compact(); err != nil {
		return exchange.Said{}, fault.Wrap(err, fault.Malformed, "ENC-2", "the facts are not JSON")
	}
	return a.node.Negotiate(ctx, id, s.Kind, facts, s.Text, a.node.By(s.Role, ""))
}

// inMaking makes an operation that says something in the making of an agreement.
func inMaking[B any](a *api, id, path, says string, do func(ctx context.Context, id agreement.ID, b *B) (exchange.Said, error)) {
	on(a, operation{id: id, method: http.MethodPost, path: "/agreements/{id}/" + path, tag: "Agreements", says: says, made: true}, func(ctx context.Context, in *struct {
		ByID
		Body B
	}) (Said, error) {
		of, err := a.thread(ctx, in.ID)
		if err != nil {
			return Said{}, err
		}
		said, err := do(ctx, of, &in.Body)
		return viewSaid(said), err
	})
}

func (a *api) registerMaking() {
	n := a.node
	on(a, operation{id: "propose", method: http.MethodPost, path: "/agreements", tag: "Agreements", says: "Propose a first draft to negotiate, or deposit a text for signature.", made: true}, a.propose)
	inMaking(a, "amend", "amendments", "Propose an amended text.", func(ctx context.Context, id agreement.ID, b *Amendment) (exchange.Said, error) {
		doc, err := text(b.Document)
		if err != nil {
			return exchange.Said{}, err
		}
		return n.Amend(ctx, id, doc.Raw, b.Text, n.By(b.Role, ""))
	})
	inMaking(a, "sign", "sign", "Sign the open text for this party.", func(ctx context.Context, id agreement.ID, b *Signature) (exchange.Said, error) {
		return n.Sign(ctx, id, b.Reservations, b.Text, n.By(b.Role, ""))
	})
	inMaking(a, "accede", "accede", "Join an agreement in force.", func(ctx context.Context, id agreement.ID, b *Signature) (exchange.Said, error) {
		return n.Accede(ctx, id, b.Reservations, b.Text, n.By(b.Role, ""))
	})
	inMaking(a, "admit", "admit", "Let another party take part in the making.", func(ctx context.Context, id agreement.ID, b *struct {
		Party party.Code `json:"party"`
		Role  string     `json:"role,omitzero"`
	}) (exchange.Said, error) {
		return n.Admit(ctx, id, b.Party, n.By(b.Role, ""))
	})
	inMaking(a, "negotiate", "steps", "Say anything else in the making: comment, circulate, silence, object, close, contest, adopt, open, ratify, invite, suspend, resume, withdraw, terminate, publish.", a.step)
}
