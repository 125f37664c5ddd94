package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
)

// letters: they exchange letters of credence and confirm them by words.
func (p *play) letters(ctx context.Context) error {
	p.heading("Letters of credence")
	p.say("A letter says who a party is: its code, keys, log and address. It is handed over by any means and trusted once its ten words have been read out.")
	for _, o := range p.all() {
		p.row(fmt.Sprintf("%s  %-34s %s", o.code, o.name, o.Config.Endpoints[0]))
		p.row("    " + strings.Join(o.words, " "))
	}
	for _, o := range p.all() {
		for _, other := range p.all() {
			if o == other {
				continue
			}
			letter, err := other.OwnLetter(ctx)
			if err != nil {
				return err
			}
			if _, err := o.ImportLetter(ctx, letter.Raw); err != nil {
				return err
			}
		}
	}
	_, err := p.a.Confirm(ctx, p.b.code, p.c.words)
	p.check(fault.CodeOf(err) == fault.Failed, "%s does not take %s's letter when other words than its own are read out", p.a.code, p.b.code)
	confirmed := 0
	for _, o := range p.all() {
		for _, other := range p.all() {
			if o == other {
				continue
			}
			v, err := o.Confirm(ctx, other.code, other.words)
			if err != nil {
				return err
			}
			if v.Status == store.LetterConfirmed {
				confirmed++
			}
		}
	}
	p.check(confirmed == 6, "each of the three has confirmed the letters of the two others by their words")
	return p.rest(ctx)
}

// agreements: one of two parties and one of three are deposited and signed.
func (p *play) agreements(ctx context.Context) error {
	p.heading("Agreements")
	p.say("What may pass is what has been agreed. An agreement is text that people sign, with articles that machines can apply.")
	var err error
	if p.assistance, err = p.agree(ctx, assistanceText, p.a, p.b); err != nil {
		return err
	}
	if p.cooperation, err = p.agree(ctx, cooperationText, p.c, p.a, p.b); err != nil {
		return err
	}
	return p.rest(ctx)
}

// agree has the first party deposit a text and all of them sign it.
func (p *play) agree(ctx context.Context, text string, parties ...*office) (agreement.ID, error) {
	said, err := parties[0].Deposit(ctx, []byte(text), parties[0].By("", ""))
	if err != nil {
		return agreement.ID{}, err
	}
	doc, err := parties[0].Document(ctx, said.Thread)
	if err != nil {
		return agreement.ID{}, err
	}
	p.say("%s deposits: %s", parties[0].code, doc.Title.In("en"))
	for _, a := range doc.Articles {
		p.row(fmt.Sprintf("Art. %s  %-36s %s", a.Number, a.Title.In("en"), powers(&a)))
	}
	p.clock.pass(10 * time.Minute)
	for _, o := range parties {
		if _, err := o.has(ctx, said); err != nil {
			return agreement.ID{}, err
		}
		if _, err := o.Sign(ctx, said.Thread, nil, "", o.By("", "")); err != nil {
			return agreement.ID{}, err
		}
	}
	views := make([]node.AgreementView, len(parties))
	for i, o := range parties {
		if err := o.until(ctx, "the entry into force", func() (bool, error) {
			views[i], err = o.Agreement(ctx, said.Thread)
			return views[i].Status == string(instrument.StatusInForce), err
		}); err != nil {
			return agreement.ID{}, err
		}
	}
	same := !slices.ContainsFunc(views, func(v node.AgreementView) bool {
		return v.Digest != doc.Digest || v.InForce != views[0].InForce || v.InForce.IsZero()
	})
	p.check(same, "signed by all; in force at each since the same moment (%s UTC), with the same text (%.10s)", at(views[0].InForce), doc.Digest)
	return said.Thread, nil
}

// powers says what of an article a machine applies.
func powers(a *agreement.Article) string {
	var what []string
	for _, r := range a.Rules {
		what = append(what, string(r.Effect)+"s "+kindsOf(r))
	}
	if len(a.Clocks) > 0 {
		what = append(what, "sets clocks")
	}
	if len(a.Grounds) > 0 {
		what = append(what, "lists grounds")
	}
	if what == nil {
		return "for people"
	}
	return strings.Join(what, ", ")
}

func kindsOf(r agreement.Rule) string {
	var kinds []string
	for _, k := range r.Kinds {
		kinds = append(kinds, string(k))
	}
	s := strings.Join(kinds, " ")
	if len(r.Types) > 0 {
		s += " for " + strings.Join(r.Types, " ")
	}
	if r.TLPMax != nil {
		s += " up to TLP:" + string(*r.TLPMax)
	}
	return s
}
