package node

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// AgreementView is an agreement as lists show it.
type AgreementView struct {
	ID       agreement.ID                  `json:"id"`
	Title    agreement.Text                `json:"title"`
	Digest   statement.Digest              `json:"digest"`
	Parties  []party.Code                  `json:"parties"`
	Status   string                        `json:"status"` // open-for-signature or in-force
	InForce  statement.Time                `json:"in_force,omitzero"`
	MayISign bool                          `json:"may_sign"` // this node's party has not signed
	Signed   map[party.Code]statement.Time `json:"signed"`
}

// Deposit puts an agreement's text before all its parties for signature (AGR-7). The document is checked and compiled first.
func (n *Node) Deposit(ctx context.Context, raw []byte, by statement.By) (exchange.Said, error) {
	doc, err := agreement.Parse(raw)
	if err != nil {
		return exchange.Said{}, err
	}
	if _, err := agreement.Compile(doc); err != nil {
		return exchange.Said{}, err
	}
	if !doc.Has(n.Config.Code) {
		return exchange.Said{}, fault.New(fault.Usage, "AGR-7", "%s is no party of this agreement", n.Config.Code)
	}
	facts, err := marshal(instrument.Deposit{Digest: doc.Digest, Parties: doc.Parties})
	if err != nil {
		return exchange.Said{}, err
	}
	text, err := marshal(string(raw))
	if err != nil {
		return exchange.Said{}, err
	}
	return n.Exchange.Submit(ctx, exchange.Draft{
		Kind: instrument.KindDeposit, To: without(doc.Parties, n.Config.Code), Marking: marking.Marking{TLP: marking.Green},
		Track: statement.Diplomatic, Precedence: statement.Priority, By: by, Facts: facts,
		Title: doc.Title.In("en", doc.Languages...), Rest: map[string]jsontext.Value{"document": text},
	})
}

// Sign signs a deposited agreement for this node's party, after holding its text against the digest.
func (n *Node) Sign(ctx context.Context, id agreement.ID, by statement.By) (exchange.Said, error) {
	// spec: AGR-7
	doc, err := n.Document(ctx, id)
	if err != nil {
		return exchange.Said{}, err
	}
	v, err := n.Agreement(ctx, id)
	if err != nil {
		return exchange.Said{}, err
	}
	if doc.Digest != v.Digest {
		return exchange.Said{}, fault.New(fault.NotAuthentic, "AGR-7", "the deposited text does not have the digest that was deposited with it")
	}
	if _, err := agreement.Compile(doc); err != nil {
		return exchange.Said{}, err
	}
	facts, err := marshal(instrument.Sign{Digest: doc.Digest})
	if err != nil {
		return exchange.Said{}, err
	}
	return n.Exchange.Submit(ctx, exchange.Draft{
		Thread: id, Kind: instrument.KindSign, Marking: marking.Marking{TLP: marking.Green}, By: by, Facts: facts,
	})
}

// Document is the text of a deposited agreement.
func (n *Node) Document(ctx context.Context, id agreement.ID) (*agreement.Document, error) {
	var doc *agreement.Document
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		doc, err = exchange.Document(tx, id)
		return err
	})
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.New(fault.NotFound, "AGR-7", "there is no agreement %s here", id.Short())
	}
	return doc, err
}

// Agreement shows one agreement.
func (n *Node) Agreement(ctx context.Context, id agreement.ID) (AgreementView, error) {
	all, err := n.Agreements(ctx)
	if err != nil {
		return AgreementView{}, err
	}
	for _, v := range all {
		if v.ID == id {
			return v, nil
		}
	}
	return AgreementView{}, fault.New(fault.NotFound, "AGR-7", "there is no agreement %s here", id.Short())
}

// Agreements lists all agreements, the last touched first.
func (n *Node) Agreements(ctx context.Context) ([]AgreementView, error) {
	var out []AgreementView
	err := n.Store.View(ctx, func(tx store.Tx) error {
		out = []AgreementView{}
		rows, err := threadRows(tx, string(instrument.Kind))
		if err != nil {
			return err
		}
		for _, row := range rows {
			v, err := n.viewAgreement(tx, row)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

func (n *Node) viewAgreement(tx store.Tx, row store.ThreadRow) (AgreementView, error) {
	v := AgreementView{ID: row.ID, Status: "waiting", Signed: map[party.Code]statement.Time{}}
	if len(row.State) == 0 {
		return v, nil
	}
	s, err := thread.ParseState(row.State)
	if err != nil {
		return v, err
	}
	v.Parties, v.Status = s.Participants, n.Rules.Summary(s).Status
	if v.Digest, v.Signed, _, err = instrument.Signatures(s); err != nil {
		return v, err
	}
	if from, _, ok := instrument.InForce(s); ok {
		v.InForce = from
	}
	_, signed := v.Signed[n.Config.Code]
	v.MayISign = !signed
	doc, err := exchange.Document(tx, row.ID)
	switch fault.CodeOf(err) {
	case "":
		v.Title = doc.Title
	case fault.NotFound, fault.Withheld, fault.Malformed:
	default:
		return v, err
	}
	return v, nil
}

func without(codes []party.Code, c party.Code) []party.Code {
	var out []party.Code
	for _, o := range codes {
		if o != c {
			out = append(out, o)
		}
	}
	return out
}

// marshal writes facts and members of bodies.
func marshal(v any) (jsontext.Value, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "a value cannot be written")
	}
	return b, nil
}
