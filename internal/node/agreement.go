package node

import (
	"context"
	"slices"

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
	ID      agreement.ID     `json:"id"`
	Title   agreement.Text   `json:"title"`
	Digest  statement.Digest `json:"digest"` // of the text in hand
	Parties []party.Code     `json:"parties"`
	Status  string           `json:"status"` // the desk's stage; "waiting" while what it begins with is not here
	// InForce is since when the newest text is in force between all for whom it is; the earliest of their times.
	InForce  statement.Time                `json:"in_force,omitzero"`
	MayISign bool                          `json:"may_sign"` // this node's party may sign the text that is open
	Signed   map[party.Code]statement.Time `json:"signed"`   // the newest text that was opened
	Notice   int64                         `json:"notice"`   // seconds that this node's party must keep to leave
	Making   *instrument.View              `json:"making,omitzero"`
}

// readable parses and compiles a text before it leaves, so that nobody is shown one that cannot decide.
func readable(raw []byte) (*agreement.Document, error) {
	doc, err := agreement.Parse(raw)
	if err == nil {
		_, err = agreement.Compile(doc)
	}
	return doc, err
}

// draft is a head that puts a text into a thread.
func draft(kind statement.Kind, doc *agreement.Document, facts any, by statement.By) (exchange.Draft, error) {
	raw, err := marshal(facts)
	if err != nil {
		return exchange.Draft{}, err
	}
	text, err := marshal(string(doc.Raw))
	return exchange.Draft{
		Kind: kind, Marking: marking.Marking{TLP: marking.Green}, Track: statement.Diplomatic, Precedence: statement.Priority, By: by, Facts: raw,
		Title: heading(doc.Title.In("en", doc.Languages...)), Rest: map[string]jsontext.Value{"document": text},
	}, err
}

// Deposit puts an agreement's text before all its parties for signature (AGR-7). The document is checked and compiled first.
func (n *Node) Deposit(ctx context.Context, raw []byte, by statement.By) (exchange.Said, error) {
	doc, err := readable(raw)
	if err != nil {
		return exchange.Said{}, err
	}
	if !doc.Has(n.Config.Code) {
		return exchange.Said{}, fault.New(fault.Usage, "AGR-7", "%s is no party of this agreement", n.Config.Code)
	}
	d, err := draft(instrument.KindDeposit, doc, instrument.Deposit{Terms: doc.Terms()}, by)
	if err != nil {
		return exchange.Said{}, err
	}
	d.To = without(doc.Parties, n.Config.Code)
	return n.Exchange.Submit(ctx, d)
}

// Propose puts a first draft before its parties, and before others who negotiate with them without being parties, to be negotiated. The chair is this node's party
// unless another one is named.
func (n *Node) Propose(ctx context.Context, raw []byte, with []party.Code, chair party.Code, by statement.By) (exchange.Said, error) {
	// spec: AGR-7, AGR-9
	doc, err := readable(raw)
	if err != nil {
		return exchange.Said{}, err
	}
	if chair == n.Config.Code {
		chair = ""
	}
	d, err := draft(instrument.KindPropose, doc, instrument.Propose{Terms: doc.Terms(), Chair: chair}, by)
	if err != nil {
		return exchange.Said{}, err
	}
	for _, code := range slices.Concat(doc.Parties, with) {
		if code != n.Config.Code && !slices.Contains(d.To, code) {
			d.To = append(d.To, code)
		}
	}
	if chair != "" && !slices.Contains(d.To, chair) {
		return exchange.Said{}, fault.New(fault.Usage, "AGR-9", "%s takes no part: name it with the others that negotiate", chair)
	}
	return n.Exchange.Submit(ctx, d)
}

// Amend lays an amended text beside the one in hand. text is what is said of it.
func (n *Node) Amend(ctx context.Context, id agreement.ID, raw []byte, text string, by statement.By) (exchange.Said, error) {
	// spec: AGR-9
	doc, err := readable(raw)
	if err != nil {
		return exchange.Said{}, err
	}
	v, err := n.Agreement(ctx, id)
	if err != nil {
		return exchange.Said{}, err
	}
	if doc.Digest == v.Digest {
		return exchange.Said{}, fault.New(fault.Usage, "AGR-9", "this is the text in hand: nothing in it is amended")
	}
	d, err := draft(instrument.KindAmend, doc, instrument.Amend{Terms: doc.Terms(), Base: v.Digest}, by)
	if err != nil {
		return exchange.Said{}, err
	}
	d.Thread, d.Text = id, text
	return n.Exchange.Submit(ctx, d)
}

// Negotiate says something in the making of an agreement that carries no document. text is what people read; "" where the facts say it all.
func (n *Node) Negotiate(ctx context.Context, id agreement.ID, kind statement.Kind, facts any, text string, by statement.By) (exchange.Said, error) {
	// spec: AGR-9
	raw, err := marshal(facts)
	if err != nil {
		return exchange.Said{}, err
	}
	return n.Exchange.Submit(ctx, exchange.Draft{Thread: id, Kind: kind, Marking: marking.Marking{TLP: marking.Green}, By: by, Facts: raw, Text: text})
}

// Sign signs the text of an agreement that is open for signature, after holding it against the digest and the terms that were proposed with it. Reservations are the
// numbers of articles; text says what they are.
func (n *Node) Sign(ctx context.Context, id agreement.ID, reservations []string, text string, by statement.By) (exchange.Said, error) {
	// spec: AGR-7, AGR-14
	digest, err := n.sound(ctx, id, func(o *instrument.Opened) bool { return o.Awaits(n.Config.Code) })
	if err != nil {
		return exchange.Said{}, err
	}
	return n.Negotiate(ctx, id, instrument.KindSign, instrument.Sign{Digest: digest, Reservations: reservations}, text, by)
}

// Ratify binds this node's party to the newest text that it has signed. as is "ratification", "acceptance" or "approval".
func (n *Node) Ratify(ctx context.Context, id agreement.ID, as string, by statement.By) (exchange.Said, error) {
	// spec: AGR-14
	digest, err := n.sound(ctx, id, func(o *instrument.Opened) bool { return o.Signed(n.Config.Code) })
	if err != nil {
		return exchange.Said{}, err
	}
	return n.Negotiate(ctx, id, instrument.KindRatify, instrument.Ratify{Digest: digest, As: as}, "", by)
}

// Accede joins an agreement in force whose text does not name this node's party.
func (n *Node) Accede(ctx context.Context, id agreement.ID, reservations []string, text string, by statement.By) (exchange.Said, error) {
	// spec: AGR-15
	digest, err := n.sound(ctx, id, func(*instrument.Opened) bool { return true })
	if err != nil {
		return exchange.Said{}, err
	}
	return n.Negotiate(ctx, id, instrument.KindAccede, instrument.Sign{Digest: digest, Reservations: reservations}, text, by)
}

// sound gives the digest of the newest text that was opened for signature and is asked for, or of the newest, if that text is here and is what its statement says.
func (n *Node) sound(ctx context.Context, id agreement.ID, asked func(*instrument.Opened) bool) (digest statement.Digest, err error) {
	// spec: AGR-7
	err = n.Store.View(ctx, func(tx store.Tx) error {
		s, err := makingState(tx, id)
		if err != nil {
			return err
		}
		making, err := instrument.Progress(s)
		switch {
		case err != nil:
			return err
		case len(making.Texts) == 0:
			return fault.New(fault.Inadmissible, "AGR-9", "no text is open for signature")
		}
		v := &making.Texts[len(making.Texts)-1]
		for i := range making.Texts {
			if asked(&making.Texts[i]) {
				v = &making.Texts[i]
			}
		}
		doc, _, err := n.policy(tx, v.Text)
		if fault.CodeOf(err) == fault.NotFound {
			return fault.New(fault.NotFound, "AGR-7", "the text has not arrived yet: it cannot be signed unread")
		}
		if err != nil {
			return err
		}
		if terms := doc.Terms(); !terms.Equal(&v.Terms) {
			return fault.New(fault.NotAuthentic, "AGR-7", "the text is not what was said with it: its digest or its terms are others")
		}
		digest = v.Digest
		return nil
	})
	return digest, err
}

// makingState is the state of an agreement's thread.
func makingState(tx store.Tx, id agreement.ID) (s thread.State, err error) {
	row, err := tx.Thread(id)
	if err == nil && (row.Desk != string(instrument.Kind) || len(row.State) == 0) || fault.CodeOf(err) == fault.NotFound {
		return s, fault.New(fault.NotFound, "AGR-7", "there is no agreement %s here", id.Short())
	}
	if err != nil {
		return s, err
	}
	return thread.ParseState(row.State)
}

// Document is the text of an agreement that is in hand: the newest that was put before all.
func (n *Node) Document(ctx context.Context, id agreement.ID) (*agreement.Document, error) {
	return n.Text(ctx, id, statement.Digest{})
}

// Text is the text with a digest that was proposed in the making of an agreement; the zero digest: the one in hand. The errors tell apart what was never proposed and
// what has not arrived.
func (n *Node) Text(ctx context.Context, id agreement.ID, digest statement.Digest) (*agreement.Document, error) {
	var doc *agreement.Document
	err := n.Store.View(ctx, func(tx store.Tx) error {
		s, err := makingState(tx, id)
		if err != nil {
			return err
		}
		at, err := textAt(tx, id, s, digest)
		if err == nil {
			doc, err = n.document(tx, at)
		}
		return err
	})
	return doc, err
}

// textAt is the head with a text of an agreement, as Text names it.
func textAt(tx store.Tx, id agreement.ID, s thread.State, digest statement.Digest) (statement.ID, error) {
	v, err := instrument.Progress(s)
	if err != nil || digest.IsZero() || digest == v.Draft.Digest {
		return v.Draft.ID, err
	}
	return proposedBy(tx, id, digest)
}

// proposedBy finds the head that proposed a text.
func proposedBy(tx store.Tx, id agreement.ID, digest statement.Digest) (statement.ID, error) {
	heads, err := exchange.Heads(tx, id)
	if err != nil {
		return statement.ID{}, err
	}
	for _, h := range heads {
		if h.Kind != instrument.KindPropose && h.Kind != instrument.KindDeposit && h.Kind != instrument.KindAmend {
			continue
		}
		var f struct {
			Digest statement.Digest `json:"digest"`
		}
		if json.Unmarshal(h.Facts, &f) == nil && f.Digest == digest {
			return h.ID, nil
		}
	}
	return statement.ID{}, fault.New(fault.NotFound, "AGR-9", "no such text was proposed in this thread")
}

// Agreement shows one agreement.
func (n *Node) Agreement(ctx context.Context, id agreement.ID) (v AgreementView, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		row, err := tx.Thread(id)
		if fault.CodeOf(err) == fault.NotFound || err == nil && row.Desk != string(instrument.Kind) {
			return fault.New(fault.NotFound, "AGR-7", "there is no agreement %s here", id.Short())
		}
		if err == nil {
			v, err = n.viewAgreement(tx, row)
		}
		return err
	})
	return v, err
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

// AgreementPage is a page of agreements.
type AgreementPage struct {
	Agreements []AgreementView `json:"agreements"`
	Next       string          `json:"next,omitzero"` // the cursor of the next page; "" on the last alone
}

// AgreementList gives a page of the agreements that whoever ctx is of may see, the last touched first; limit 0 is 50. As of threads, a page may have fewer than that and
// not be the last. Errors: fault.Usage, for a cursor of another list too; fault.Denied.
func (n *Node) AgreementList(ctx context.Context, cursor string, limit int) (AgreementPage, error) {
	var p AgreementPage
	var err error
	p.Next, err = n.eachOfDesk(ctx, string(instrument.Kind), cursor, limit, func() { p.Agreements = []AgreementView{} }, func(tx store.Tx, row store.ThreadRow) error {
		v, err := n.viewAgreement(tx, row)
		p.Agreements = append(p.Agreements, v)
		return err
	})
	return p, err
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
	making, err := instrument.Progress(s)
	if err != nil || making.Draft.Terms == nil {
		v.Status = n.Rules.Summary(s).Status
		return v, err
	}
	v.Making, v.Digest, v.Parties, v.Status = &making, making.Draft.Digest, making.Draft.Terms.Parties, string(making.Stage)
	for code, c := range making.Consents {
		v.Signed[code] = c.Signed
	}
	if standing, ok := instrument.Standing(s); ok {
		for _, from := range standing.Versions[len(standing.Versions)-1].From {
			if v.InForce.IsZero() || from.Before(v.InForce) {
				v.InForce = from
			}
		}
	}
	v.Notice = making.Notice(n.Config.Code)
	v.MayISign = slices.ContainsFunc(n.Rules.Moves(s, n.Config.Code), func(m thread.Move) bool { return m.Kind == instrument.KindSign })
	doc, err := n.document(tx, making.Draft.ID)
	switch fault.CodeOf(err) {
	case "":
		v.Title = headings(doc.Title)
	case fault.NotFound, fault.Withheld, fault.Malformed:
	default:
		return v, err
	}
	return v, nil
}

// answer is what this node says by itself to what has come in a thread.
func (n *Node) answer(s thread.State, now statement.Time) (statement.Kind, any, bool) {
	// spec: AGR-13
	facts := instrument.Hears(s, n.Config.Code, now)
	if len(facts) == 0 {
		return "", nil, false
	}
	return instrument.KindHeard, facts[0], true
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

// Admit lets another party take part in the making of an agreement: it gets all that was said in it before, and may be invited to accede.
func (n *Node) Admit(ctx context.Context, id agreement.ID, code party.Code, by statement.By) (exchange.Said, error) {
	// spec: THR-8
	return n.Negotiate(ctx, id, thread.KindAdmit, thread.Admitted{Party: code, Heads: []statement.ID{id}}, "", by)
}
