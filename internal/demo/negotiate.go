package demo

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// negotiation: XA proposes a text to the two others; XB breaks the silence with an amendment, which is adopted.
func (p *play) negotiation(ctx context.Context) error {
	p.heading("An agreement is negotiated")
	said, err := p.a.Propose(ctx, []byte(analysisText), nil, "", p.a.By("", ""))
	if err != nil {
		return err
	}
	p.analysis = said.ID
	if err := p.everybody(ctx, said); err != nil {
		return err
	}
	first, err := p.a.Document(ctx, p.analysis)
	if err != nil {
		return err
	}
	p.say("%s proposes to the others, and chairs: %s (%.8s).", p.a.code, first.Title.In("en"), first.Digest)
	denied := p.mayAsk(ctx, p.b, p.c, assist.Analysis, marking.Green)
	p.check(fault.CodeOf(denied) == fault.Denied, "%s may not ask %s for an analysis under it yet", p.b.code, p.c.code)
	p.under("reason", "%s", fault.Show(denied))

	if _, err := p.silence(ctx, first.Digest, 48*time.Hour); err != nil {
		return err
	}
	p.pass(20 * time.Hour)
	text := strings.Replace(analysisText, "and its traces, up to TLP:GREEN", "and its traces, up to TLP:AMBER", 1)
	text = strings.Replace(text, `"types": ["analysis"], "tlp_max": "GREEN"`, `"types": ["analysis"], "tlp_max": "AMBER"`, 1)
	amended, err := p.b.Amend(ctx, p.analysis, []byte(text), "Samples are seldom GREEN.", p.b.By("", ""))
	if err != nil {
		return err
	}
	if err := p.everybody(ctx, amended); err != nil {
		return err
	}
	v, err := p.making(ctx)
	if err != nil {
		return err
	}
	p.check(v.Stage == instrument.Negotiating && len(v.Table) == 1, "%s proposes another text instead, and the silence is broken", p.b.code)
	second, err := agreement.Parse([]byte(text))
	if err != nil {
		return err
	}
	p.differences(first, second)
	if err := p.stated(ctx, p.a, instrument.KindCirculate, instrument.Text{Digest: second.Digest}); err != nil {
		return err
	}
	p.say("%s, who chairs, circulates it: it is the text in hand (%.8s).", p.a.code, second.Digest)
	silence, err := p.silence(ctx, second.Digest, 24*time.Hour)
	if err != nil {
		return err
	}
	p.pass(24*time.Hour + time.Minute)
	if err := p.stated(ctx, p.a, instrument.KindClose, instrument.Close{Silence: silence, Outcome: instrument.OutcomeAdopted}); err != nil {
		return err
	}
	if v, err = p.making(ctx); err != nil {
		return err
	}
	p.check(v.Stage == instrument.Adopted, "nobody has objected: the text is adopted, at all three alike")
	return p.rest(ctx)
}

// signature: all sign, XC with a reservation, and what was refused before passes.
func (p *play) signature(ctx context.Context) error {
	p.heading("Signed, with a reservation")
	v, err := p.making(ctx)
	if err != nil {
		return err
	}
	if err := p.stated(ctx, p.a, instrument.KindOpen, instrument.Text{Digest: v.Draft.Digest}); err != nil {
		return err
	}
	for _, o := range p.all() {
		var reservations []string
		if o == p.c {
			reservations = []string{"2"}
		}
		said, err := o.Sign(ctx, p.analysis, reservations, "", o.By("", ""))
		if err != nil {
			return err
		}
		if err := p.everybody(ctx, said); err != nil {
			return err
		}
	}
	if v, err = p.making(ctx); err != nil {
		return err
	}
	p.check(v.Stage == instrument.StatusInForce && slices.Equal(v.Consents[p.c.code].Reserved, []string{"2"}),
		"all three have signed, %s with a reservation to Art. 2; it is in force", p.c.code)
	p.check(p.mayAsk(ctx, p.b, p.c, assist.Analysis, marking.Amber) == nil, "%s may ask %s for an analysis now, up to TLP:AMBER, by Art. 1", p.b.code, p.c.code)
	p.check(p.mayAsk(ctx, p.a, p.b, assist.TechnicalAssistance, marking.Green) == nil, "%s may ask %s for technical help, by Art. 2", p.a.code, p.b.code)
	denied := p.mayAsk(ctx, p.a, p.c, assist.TechnicalAssistance, marking.Green)
	p.check(fault.CodeOf(denied) == fault.Denied, "it may not ask %s, which has made the reservation", p.c.code)
	p.under("reason", "%s", fault.Show(denied))
	return p.rest(ctx)
}

// silence places the text in hand under silence for so long.
func (p *play) silence(ctx context.Context, digest statement.Digest, d time.Duration) (statement.ID, error) {
	expires := statement.TimeOf(p.clock.Now().Add(d))
	said, err := p.negotiate(ctx, p.a, instrument.KindSilence, instrument.Ask{Digest: digest, Expires: expires})
	if err == nil {
		p.say("%s places it under silence until %s UTC: unless somebody objects or amends, it is adopted.", p.a.code, at(expires))
	}
	return said.ID, err
}

// stated says something in the making that is not referred to again.
func (p *play) stated(ctx context.Context, o *office, kind statement.Kind, facts any) error {
	_, err := p.negotiate(ctx, o, kind, facts)
	return err
}

// negotiate says something in the making, and waits until all have it.
func (p *play) negotiate(ctx context.Context, o *office, kind statement.Kind, facts any) (exchange.Said, error) {
	said, err := o.Negotiate(ctx, p.analysis, kind, facts, "", o.By("", ""))
	if err != nil {
		return said, err
	}
	return said, p.everybody(ctx, said)
}

// everybody waits until all have a statement.
func (p *play) everybody(ctx context.Context, said exchange.Said) error {
	for _, o := range p.all() {
		if _, err := o.has(ctx, said); err != nil {
			return err
		}
	}
	return nil
}

// making is the agreement as it stands, once it is the same with all.
func (p *play) making(ctx context.Context) (instrument.View, error) {
	if err := p.peaceful(ctx); err != nil {
		return instrument.View{}, err
	}
	first, err := p.a.state(ctx, p.analysis)
	if err != nil {
		return instrument.View{}, err
	}
	for _, o := range p.all() {
		if err := o.until(ctx, "the same state as the others'", func() (bool, error) {
			state, err := o.state(ctx, p.analysis)
			return string(state) == string(first), err
		}); err != nil {
			return instrument.View{}, err
		}
	}
	v, err := p.a.Agreement(ctx, p.analysis)
	if err != nil {
		return instrument.View{}, err
	}
	return *v.Making, nil
}

// mayAsk is why one may not ask another under the agreement; nil when it may. Nothing is said.
func (p *play) mayAsk(ctx context.Context, from, to *office, what assist.Type, tlp marking.TLP) error {
	facts, err := node.Facts(assist.Request{Type: what})
	if err != nil {
		return err
	}
	v, err := from.May(ctx, exchange.Draft{
		Kind: assist.KindRequest, Agreement: p.analysis, To: []party.Code{to.code}, Marking: marking.Marking{TLP: tlp}, Track: statement.Technical,
		Precedence: statement.Routine, By: from.By("", ""), Facts: facts, Text: "Do you know this sample?",
	})
	if err == nil && !v.Permitted {
		err = fault.New(fault.Denied, v.Clause, "%s", v.Reason)
	}
	return err
}

// differences shows what an amendment changes, article by article.
func (p *play) differences(before, after *agreement.Document) {
	for _, a := range agreement.Diff(before, after).Articles {
		for _, c := range a.Changes {
			switch {
			case len(c.Words) > 0:
				p.under("Art. "+a.Number, "%s", spans(c.Words))
			case len(c.Before)+len(c.After) > 0:
				p.under("Art. "+a.Number, "%s: %s → %s", c.Member, unquoted(c.Before), unquoted(c.After))
			}
		}
	}
}

func unquoted(v jsontext.Value) string { return strings.Trim(string(v), `"`) }

// spans are the words of a text that changed, with a few of those around them.
func spans(all []agreement.Span) string {
	var out []string
	for _, w := range all {
		words := strings.TrimSpace(w.Text)
		switch w.Op {
		case agreement.Out:
			words = "[−" + words + "]"
		case agreement.In:
			words = "[+" + words + "]"
		default:
			if f := strings.Fields(words); len(f) > 6 {
				words = "… " + strings.Join(f[len(f)-5:], " ")
			}
		}
		out = append(out, words)
	}
	return strings.Join(out, " ")
}
