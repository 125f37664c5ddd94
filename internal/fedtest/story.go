package fedtest

import (
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Pact is an agreement between these parties under which they may ask each other for assistance up to TLP:AMBER, without personal data.
func Pact(codes ...string) string {
	return `{"v":1,"title":{"en":"Assistance"},"parties":["` + strings.Join(codes, `","`) + `"],"languages":["en"],"in_force":{"when":"all"},"articles":[
{"number":"1","title":{"en":"Requests"},"text":{"en":"Each party may ask another for assistance."},"rules":[{"effect":"permit","kinds":["assist.*"],"tlp_max":"AMBER"}]},
{"number":"2","title":{"en":"Persons"},"text":{"en":"Personal data do not pass."},"rules":[{"effect":"forbid","kinds":["assist.*"],"personal_data":"minimised"}]}
]}`
}

// Ask says a request for information to others under an agreement.
func (p *Party) Ask(agreed agreement.ID, d exchange.Draft, to ...party.Code) exchange.Said {
	p.F.T.Helper()
	d.Kind, d.Agreement, d.To = assist.KindRequest, agreed, to
	return p.Say(d, assist.Request{Type: assist.Information})
}

// Agree has the first party deposit a document and all parties sign it, and waits until every one of them has it in force.
func (f *Federation) Agree(document string, first party.Code) agreement.ID {
	f.T.Helper()
	ctx := f.T.Context()
	doc, err := agreement.Parse([]byte(document))
	f.must(err)
	p := f.At(first)
	said, err := p.Deposit(ctx, []byte(document), p.By("legal-adviser", "first"))
	f.must(err)
	for _, code := range doc.Parties {
		q := f.At(code)
		q.Until("the deposit", func() bool {
			v, err := q.Agreement(ctx, said.ID)
			return err == nil && !v.Digest.IsZero() && len(v.Title) > 0
		})
		_, err := q.Sign(ctx, said.ID, nil, "", q.By("legal-adviser", "second"))
		f.must(err)
	}
	for _, code := range doc.Parties {
		f.At(code).Until("entry into force", func() bool {
			v, err := f.At(code).Agreement(ctx, said.ID)
			return err == nil && v.Status == "in-force"
		})
	}
	return said.ID
}

// Say submits a draft and fails the test if it is refused. Facts is the kind's facts; "" as TLP means AMBER.
func (p *Party) Say(d exchange.Draft, facts any) exchange.Said {
	p.F.T.Helper()
	said, err := p.Try(d, facts)
	p.F.must(err)
	return said
}

// Try submits a draft.
func (p *Party) Try(d exchange.Draft, facts any) (exchange.Said, error) {
	p.F.T.Helper()
	if facts != nil {
		raw, err := json.Marshal(facts, json.Deterministic(true))
		p.F.must(err)
		d.Facts = raw
	}
	if d.Marking.TLP == "" {
		d.Marking.TLP = marking.Amber
	}
	if d.Thread.IsZero() && d.Track == "" {
		d.Track = statement.Technical
	}
	if d.Thread.IsZero() && d.Precedence == "" {
		d.Precedence = statement.Immediate
	}
	if d.By.Role == "" {
		d.By = p.By("duty-officer", "one")
	}
	return p.Node.Say(p.F.T.Context(), d)
}

// Has waits until a statement is here and folded.
func (p *Party) Has(id statement.ID) {
	p.F.T.Helper()
	p.Until("statement "+id.Short(), func() bool {
		s, err := p.statement(id)
		return err == nil && s.Folded
	})
}

// Delivered waits until every recipient has receipted an own statement.
func (p *Party) Delivered(id statement.ID) {
	p.F.T.Helper()
	p.Until("receipts for "+id.Short(), func() bool {
		s, err := p.statement(id)
		if err != nil {
			return false
		}
		h, err := statement.ParseHead(s.Head)
		p.F.must(err)
		ok := true
		p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) error {
			for _, to := range h.To {
				_, err := tx.ArrivedAt(to, s.Origin, store.HeadArrived, s.Index)
				if fault.CodeOf(err) == fault.NotFound {
					ok = false
				} else if err != nil {
					return err
				}
			}
			return nil
		}))
		return ok
	})
}

func (p *Party) statement(id statement.ID) (s store.Statement, err error) {
	err = p.Store.View(p.F.T.Context(), func(tx store.Tx) (err error) {
		s, err = tx.Statement(id)
		return err
	})
	return s, err
}

// gave tells whether this party gave a receipt for a part of another's statement.
func (p *Party) gave(what store.ArrivalKind, s store.Statement) bool {
	p.F.T.Helper()
	err := p.Store.View(p.F.T.Context(), func(tx store.Tx) error {
		_, err := tx.ArrivedAt(p.Config.Code, s.Origin, what, s.Index)
		return err
	})
	if fault.CodeOf(err) != fault.NotFound {
		p.F.must(err)
	}
	return err == nil
}

// State is a thread's folded state, as stored.
func (p *Party) State(id thread.ID) string {
	p.F.T.Helper()
	var row store.ThreadRow
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) (err error) {
		row, err = tx.Thread(id)
		return err
	}))
	return string(row.State)
}

// Status is a thread's status.
func (p *Party) Status(id thread.ID) string {
	p.F.T.Helper()
	v, _, err := p.Thread(p.F.T.Context(), id)
	p.F.must(err)
	return v.Summary.Status
}
