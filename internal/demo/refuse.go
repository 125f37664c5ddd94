package demo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// disclosure is what Article 4 of the memorandum forbids to ask.
func (p *play) disclosure() (exchange.Draft, error) {
	facts, err := node.Facts(assist.Request{Type: assist.Disclosure, Purpose: "criminal-investigation"})
	return exchange.Draft{
		To: []party.Code{p.b.code}, Agreement: p.cooperation, Kind: assist.KindRequest, Marking: marking.Marking{TLP: marking.Amber},
		Track: statement.Technical, Precedence: statement.Priority, By: p.c.By("", ""), Facts: facts,
		Title: "Subscriber of an address", Text: "Please name the subscriber behind the address of our letter of today.",
	}, err
}

// forbidden: XC asks what the agreement forbids, and its own node does not say it.
func (p *play) forbidden(ctx context.Context) error {
	p.heading("What may not be asked")
	p.pass(10 * time.Minute)
	d, err := p.disclosure()
	if err != nil {
		return err
	}
	before, err := p.c.length(ctx)
	if err != nil {
		return err
	}
	p.say("%s asks %s for the name of a subscriber, under the memorandum of all three.", p.c.code, p.b.code)
	_, err = p.c.Say(ctx, d)
	var denial *exchange.Denial
	if !errors.As(err, &denial) {
		denial = &exchange.Denial{}
	}
	after, lost := p.c.length(ctx)
	if lost != nil {
		return lost
	}
	p.check(fault.CodeOf(err) == fault.Denied && slices.Equal(denial.Verdict.Articles, []string{"4"}) && before == after,
		"%s's own node refuses, by Art. %s, and nothing is logged", p.c.code, strings.Join(denial.Verdict.Articles, ", "))
	p.under("reason", "%s", fault.Show(err))
	doc, err := p.c.Document(ctx, p.cooperation)
	if err != nil {
		return err
	}
	if a, ok := doc.Article("4"); ok {
		p.under("Art. 4", "“%s”", a.Text.In("en"))
	}
	return p.rest(ctx)
}

// unchecked: with the check patched out of XC's node, XB's refuses by itself.
func (p *play) unchecked(ctx context.Context) error {
	p.heading("The same, from a node that was tampered with")
	if err := p.peaceful(ctx); err != nil {
		return err
	}
	if err := p.again(ctx, p.c, true); err != nil {
		return err
	}
	p.clock.pass(5 * time.Minute)
	d, err := p.disclosure()
	if err != nil {
		return err
	}
	asked, err := p.c.Say(ctx, d)
	if err != nil {
		return err
	}
	p.say("The node of %s is closed and opened again with its check patched out. Now it sends the question.", p.c.code)
	var refused node.RefusedView
	if err := p.c.until(ctx, "a refusal", func() (bool, error) {
		_, said, err := p.c.Thread(ctx, asked.Thread)
		for _, s := range said {
			if s.ID == asked.ID && len(s.Refused) > 0 {
				refused = s.Refused[0]
				return true, nil
			}
		}
		return false, err
	}); err != nil {
		return err
	}
	p.check(refused.By == p.b.code && refused.Clause == "DEC-1" && slices.Equal(refused.Articles, []string{"4"}),
		"%s's node refuses by itself: receipt.refused, %s, by Art. %s (%s)", refused.By, refused.Reason, strings.Join(refused.Articles, ", "), refused.Clause)
	there, said, err := p.b.Thread(ctx, asked.Thread)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(said, func(s node.SaidView) bool { return s.ID == asked.ID })
	p.check(i >= 0 && said[i].Body == "not-here", "%s has kept the head, which proves what was tried, and not the text", p.b.code)
	here, _, err := p.c.Thread(ctx, asked.Thread)
	if err != nil {
		return err
	}
	p.check(here.Summary.Status == string(assist.RefusedByRule) && there.Summary.Status == here.Summary.Status, "both show the request as %s", here.Summary.Status)
	if err := p.peaceful(ctx); err != nil {
		return err
	}
	if err := p.again(ctx, p.c, false); err != nil {
		return err
	}
	return p.rest(ctx)
}

// length is how many statements the own log has.
func (o *office) length(ctx context.Context) (n int64, err error) {
	err = o.Store.View(ctx, func(tx store.Tx) (err error) {
		n, err = tx.Length(o.Journal.Origin())
		return err
	})
	return n, err
}
