package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// request: XA asks XB for help.
func (p *play) request(ctx context.Context) error {
	p.heading("A request for assistance")
	p.pass(45 * time.Minute)
	attached, sent, done, err := p.attachment()
	if err != nil {
		return err
	}
	facts, err := node.Facts(assist.Request{Type: assist.TechnicalAssistance, Purpose: "incident-response", Sector: "food-and-agriculture"})
	if err != nil {
		return err
	}
	p.say("Ransomware has stopped a meat-processing plant in the country of %s. Its duty officer asks %s for help.", p.a.code, p.b.code)
	p.asked, err = p.a.Say(ctx, exchange.Draft{
		To: []party.Code{p.b.code}, Agreement: p.assistance, Kind: assist.KindRequest,
		Marking: marking.Marking{TLP: marking.Amber, PAP: marking.PAPAmber}, Track: statement.Technical, Precedence: statement.Immediate,
		By: p.a.By("", ""), Facts: facts, Title: "Ransomware has stopped a meat-processing plant",
		Text: "Servers that plan and label production were encrypted this morning. We believe it is REvil; what is published on it is " +
			"attached. Please help us to decide what must be rebuilt before slaughter resumes.",
		Blobs: []exchange.Attachment{attached},
	})
	if err != nil {
		return err
	}
	if err := done(); err != nil {
		return err
	}
	p.help = p.asked.Thread
	got, err := p.b.has(ctx, p.asked)
	if err != nil {
		return err
	}
	kept, err := p.b.saved(ctx, p.asked.ID, 0)
	if err != nil {
		return err
	}
	p.under("statement", "%s, leaf %d of the log %s", p.asked.ID.Short(), p.asked.Index, p.a.Journal.Origin())
	p.under("marked", "TLP:%s PAP:%s, immediate, technical track", got.Marking.TLP, got.Marking.PAP)
	p.under("attached", "%s, %s", attached.Name, bytesOf(int64(len(kept))))
	p.under("permitted", "%s", p.asked.Verdict.Reason)
	receipt, err := p.a.receipted(ctx, p.asked, p.b.code)
	if err != nil {
		return err
	}
	p.check(sha256.Sum256(kept) == sent, "head, body and attachment have arrived at %s whole: the %d bytes are those that left %s", p.b.code, len(kept), p.a.code)
	p.check(!receipt.Blobs.IsZero(), "%s holds %s's signed receipt for all three, of %s UTC", p.a.code, p.b.code, at(receipt.Blobs))
	if err := p.clocks(ctx); err != nil {
		return err
	}
	return p.rest(ctx)
}

// clocks shows what is owed now, and by which article.
func (p *play) clocks(ctx context.Context) error {
	var policy *agreement.Policy
	if err := p.b.Store.View(ctx, func(tx store.Tx) (err error) {
		policy, err = p.b.Exchange.Policy(tx, p.assistance, p.a.code)
		return err
	}); err != nil {
		return err
	}
	acknowledge, answer, article, _ := policy.Clocks(statement.Immediate)
	here, _, err := p.b.Thread(ctx, p.help)
	if err != nil {
		return err
	}
	there, _, err := p.a.Thread(ctx, p.help)
	if err != nil {
		return err
	}
	for _, c := range here.Clocks {
		seconds := answer
		if c.Name == "acknowledge" {
			seconds = acknowledge
		}
		p.under("clock", "%s owes: %s within %s of arrival, by %s UTC (Art. %s)", c.Owes, c.Name, lasting(time.Duration(seconds)*time.Second), at(c.Due), article)
	}
	p.check(len(here.Clocks) > 0 && slices.Equal(here.Clocks, there.Clocks), "both nodes show the same clocks, due at the same moments")
	return nil
}

// clarification: XB opens the request, acknowledges it and wants to know more.
func (p *play) clarification(ctx context.Context) error {
	p.heading("Acknowledged, with a question")
	p.pass(25 * time.Minute)
	if err := p.b.Opened(ctx, p.help, p.b.By("", "")); err != nil {
		return err
	}
	if _, err := p.b.reply(ctx, p.help, assist.KindAcknowledge, assist.Acknowledge{}, ""); err != nil {
		return err
	}
	p.say("An officer of %s opens the request, and acknowledges it. That is not agreeing to it (Art. 6).", p.b.code)
	q, err := p.b.reply(ctx, p.help, assist.KindClarify, assist.Clarify{Wanted: []string{"affected-systems", "backups"}},
		"Which systems are encrypted, and are there backups that the attacker could not reach?")
	if err != nil {
		return err
	}
	p.say("%s asks: which systems are encrypted, and are there backups out of reach?", p.b.code)
	if _, err := p.b.receipted(ctx, q, p.a.code); err != nil {
		return err
	}
	v, said, err := p.a.Thread(ctx, p.help)
	if err != nil {
		return err
	}
	retrieved := slices.ContainsFunc(said, func(s node.SaidView) bool {
		return s.Kind == thread.KindRetrieved && s.From == p.b.code && s.By == p.b.By("", "") && s.By.Officer != p.b.Config.Officer
	})
	p.check(retrieved, "%s has a receipt that a person at %s opened it; of that person it learns a role and a pseudonym", p.a.code, p.b.code)
	p.check(v.Summary.Status == string(assist.ClarificationAsked), "at %s the request stands at: %s", p.a.code, v.Summary.Status)
	p.check(len(v.Clocks) == 1 && v.Clocks[0].Name == "answer", "the clock to acknowledge has stopped, the clock to answer runs on")
	return p.rest(ctx)
}

// cut: XB's link breaks; both sides go on, and agree again afterwards.
func (p *play) cut(ctx context.Context) error {
	p.heading("A cut link")
	if err := p.peaceful(ctx); err != nil {
		return err
	}
	p.net.sever(p.b.code)
	p.say("The link of %s is cut. %s supplements its request; %s, which cannot know, answers in part.", p.b.code, p.a.code, p.b.code)
	more, err := p.a.reply(ctx, p.help, assist.KindSupplement, assist.Supplement{},
		"Encrypted: the two planning servers and eleven label stations. Backups of Friday are on tape and were not attached.")
	if err != nil {
		return err
	}
	part, err := p.b.reply(ctx, p.help, assist.KindGrant, assist.Grant{Extent: assist.Part},
		"First, before we know more: keep the tapes offline, and rebuild the planning servers from them on a network of their own (M0930, M0953).")
	if err != nil {
		return err
	}
	if err := p.meanwhile(ctx); err != nil {
		return err
	}
	p.pass(100 * time.Minute)
	lags := map[party.Code]time.Duration{}
	for _, side := range [][2]*office{{p.a, p.b}, {p.b, p.a}} {
		var waiting int
		var why string
		if err := side[0].until(ctx, "a failed delivery", func() (bool, error) {
			var err error
			waiting, lags[side[0].code], why, err = side[0].queue(ctx, side[1].code)
			return waiting > 0 && why != "", err
		}); err != nil {
			return err
		}
		p.under("queue", "%s → %s: %d waiting, the oldest for %s; %s", side[0].code, side[1].code, waiting, lasting(lags[side[0].code]), why)
	}
	p.check(lags[p.a.code] >= 100*time.Minute && lags[p.b.code] >= 100*time.Minute, "both queues hold what was said, and show for how long")
	before, err := p.a.state(ctx, p.help)
	if err != nil {
		return err
	}
	there, err := p.b.state(ctx, p.help)
	if err != nil {
		return err
	}
	p.check(!bytes.Equal(before, there), "for now the two nodes know different things")
	p.net.mend()
	p.a.Courier.Kick(p.b.code)
	p.b.Courier.Kick(p.a.code)
	p.say("The link is mended.")
	if _, err := p.b.has(ctx, more); err != nil {
		return err
	}
	if _, err := p.a.has(ctx, part); err != nil {
		return err
	}
	if err := p.peaceful(ctx); err != nil {
		return err
	}
	if err := p.sameState(ctx, "what crossed on the way is in the same order on both"); err != nil {
		return err
	}
	return p.rest(ctx)
}

// sameState compares the request's state on both sides, byte by byte.
func (p *play) sameState(ctx context.Context, remark string) error {
	here, err := p.a.state(ctx, p.help)
	if err != nil {
		return err
	}
	there, err := p.b.state(ctx, p.help)
	if err != nil {
		return err
	}
	v, _, err := p.a.Thread(ctx, p.help)
	if err != nil {
		return err
	}
	p.check(bytes.Equal(here, there), "the thread's state is the same %d bytes at %s and %s: %s (%s)", len(here), p.a.code, p.b.code, v.Summary.Status, remark)
	return nil
}

// meanwhile: a dead peer delays nobody. XA asks XC, which refuses on a ground of the agreement's list.
func (p *play) meanwhile(ctx context.Context) error {
	facts, err := node.Facts(assist.Request{Type: assist.Information, Purpose: "incident-response"})
	if err != nil {
		return err
	}
	asked, err := p.a.Say(ctx, exchange.Draft{
		To: []party.Code{p.c.code}, Agreement: p.cooperation, Kind: assist.KindRequest, Marking: marking.Marking{TLP: marking.Green},
		Track: statement.Technical, Precedence: statement.Priority, By: p.a.By("", ""), Facts: facts,
		Title: "REvil in food processing", Text: "Has your team handled REvil in a plant of this kind?",
	})
	if err != nil {
		return err
	}
	if _, err := p.c.has(ctx, asked); err != nil {
		return err
	}
	receipt, err := p.a.receipted(ctx, asked, p.c.code)
	if err != nil {
		return err
	}
	stuck, _, _, err := p.a.queue(ctx, p.b.code)
	if err != nil {
		return err
	}
	p.check(stuck > 0 && !receipt.Body.IsZero(), "meanwhile a question of %s to %s arrives and is receipted: a dead peer delays nobody", p.a.code, p.c.code)
	_, err = p.c.reply(ctx, asked.Thread, assist.KindRefuse, assist.Refuse{Grounds: []string{"inconvenience"}}, "")
	p.check(fault.CodeOf(err) == fault.Denied && fault.ClauseOf(err) == "DEC-6",
		"%s's own node does not let it refuse for a reason that is not on the agreement's list", p.c.code)
	p.under("reason", "%s", fault.Show(err))
	no, err := p.c.reply(ctx, asked.Thread, assist.KindRefuse, assist.Refuse{Grounds: []string{"not-available"}}, "We have seen no case in such a plant.")
	if err != nil {
		return err
	}
	if _, err := p.a.has(ctx, no); err != nil {
		return err
	}
	v, _, err := p.a.Thread(ctx, asked.Thread)
	if err != nil {
		return err
	}
	p.check(v.Summary.Status == string(assist.Refused) && len(v.Clocks) == 0, "%s refuses with the ground not-available, which counts as an answer", p.c.code)
	return nil
}

// answer: XB answers in full, and asks something in return.
func (p *play) answer(ctx context.Context) error {
	p.heading("The answer")
	p.pass(50 * time.Minute)
	full, err := p.b.reply(ctx, p.help, assist.KindGrant, assist.Grant{Extent: assist.Full},
		"Rebuild in this order: identity, planning, labels. Two of our engineers are on call for you under the reference of this thread.")
	if err != nil {
		return err
	}
	if _, err := p.a.has(ctx, full); err != nil {
		return err
	}
	if err := p.a.Opened(ctx, p.help, p.a.By("", "")); err != nil {
		return err
	}
	if err := p.peaceful(ctx); err != nil {
		return err
	}
	v, said, err := p.a.Thread(ctx, p.help)
	if err != nil {
		return err
	}
	p.say("%s answers in full: rebuild identity, planning, labels, in this order; two engineers are on call.", p.b.code)
	p.row(story(said))
	p.check(v.Summary.Status == string(assist.Granted) && v.Summary.Closed && len(v.Clocks) == 0, "the request is granted, and nothing more is owed")
	if err := p.sameState(ctx, "after answer and retrieval"); err != nil {
		return err
	}
	p.pass(20 * time.Minute)
	if err := p.inReturn(ctx); err != nil {
		return err
	}
	return p.rest(ctx)
}

// story lists a thread's verbs, with runs of the same author joined.
func story(said []node.SaidView) string {
	var b strings.Builder
	var last party.Code
	for _, s := range said {
		if _, verb, _ := strings.Cut(string(s.Kind), "."); s.From == last {
			b.WriteString(", " + verb)
		} else {
			fmt.Fprintf(&b, "  %s %s", s.From, verb)
		}
		last = s.From
	}
	return strings.TrimSpace(b.String())
}

// inReturn: XB asks XA something, so that the ledger has two sides.
func (p *play) inReturn(ctx context.Context) error {
	facts, err := node.Facts(assist.Request{Type: assist.Information, Purpose: "prevention", Sector: "food-and-agriculture"})
	if err != nil {
		return err
	}
	asked, err := p.b.Say(ctx, exchange.Draft{
		To: []party.Code{p.a.code}, Agreement: p.assistance, Kind: assist.KindRequest, Marking: marking.Marking{TLP: marking.Amber},
		Track: statement.Technical, Precedence: statement.Routine, By: p.b.By("", ""), Facts: facts,
		Title: "How they came in", Text: "When you know it: how was the first server reached? We want to warn our own plants.",
	})
	if err != nil {
		return err
	}
	if _, err := p.a.has(ctx, asked); err != nil {
		return err
	}
	p.clock.pass(15 * time.Minute)
	got, err := p.a.reply(ctx, asked.Thread, assist.KindGrant, assist.Grant{Extent: assist.Full},
		"By a script in an archive that was attached to an e-mail, opened on a label station.")
	if err != nil {
		return err
	}
	if _, err := p.b.has(ctx, got); err != nil {
		return err
	}
	p.say("In return %s asks how the attackers came in, and %s tells it a quarter of an hour later.", p.b.code, p.a.code)
	return p.peaceful(ctx)
}
