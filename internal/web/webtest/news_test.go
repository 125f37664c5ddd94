package webtest_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/webtest"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// request is one of assistance.
func request(t *testing.T, to party.Code, agreed agreement.ID, title string, p statement.Precedence) exchange.Draft {
	t.Helper()
	facts, err := node.Facts(assist.Request{Type: assist.Preservation, Purpose: "recovery", Sector: "energy"})
	if err != nil {
		t.Fatal(err)
	}
	return exchange.Draft{
		Kind: assist.KindRequest, To: []party.Code{to}, Agreement: agreed, Precedence: p, Track: statement.Technical, Facts: facts, Title: title,
		Text: "Please keep the logs of 192.0.2.17.", Marking: marking.Marking{TLP: marking.Amber},
	}
}

// lets has the releasing officer say something.
func (d *desk) lets(draft exchange.Draft) exchange.Said {
	d.Helper()
	v, err := d.NewDraft(d.acts("release"), draft, nil)
	if err != nil {
		d.Fatal(err)
	}
	said, err := d.ReleaseDraft(d.acts("release"), v.ID, statement.Digest{})
	if err != nil {
		d.Fatal(err)
	}
	return said
}

// key presses a key as a keyboard has it: what it writes, and where it lies.
func (p *person) key(key, code string) {
	p.Helper()
	p.do("(document.activeElement || document.body).dispatchEvent(new KeyboardEvent('keydown', {key: " + quote(key) + ", code: " + quote(code) + ", bubbles: true, cancelable: true}))")
}

// TestNews is a desk that is open while things happen: what is selected, typed and offered goes with the news, or stays in spite of it, and a page that hears nothing
// any more says so.
func TestNews(t *testing.T) {
	t.Parallel()
	f, agreed, xa, xb := desks(t)
	xa.officer("root", "Root of XA", auth.Administrator)
	xa.officer("duty", "Duty officer", auth.DutyOfficer)
	xa.officer("release", "Releasing officer", auth.ReleasingOfficer)
	one := xb.Say(request(t, "XA", agreed, "The first one", statement.Immediate), nil)
	two := xb.Say(request(t, "XA", agreed, "The second one", statement.Priority), nil)
	xa.Has(one.ID)
	xa.Has(two.ID)
	p := xa.comes("duty")

	// Enter in a field of one line asks whether it may pass, and sends nothing.
	p.to("/new/assist.request")
	p.press("input[name=to][value=XB]")
	p.fill("select[name=agreement]", agreed.String())
	p.fill("[name='fact.type']", "preservation")
	p.fill("[name='fact.purpose']", "recovery")
	p.mark()
	webtest.Do(t, p.tab, chromedp.SendKeys("[name=title]", "Half a tit\r"))
	p.sees("May pass")
	p.same()
	if all, err := xa.Drafts(xa.acts("duty")); err != nil || len(all) != 0 {
		t.Fatalf("Enter has made %d drafts, %v", len(all), err)
	}

	// The selected row stays selected when a more urgent one arrives, and is the one that is answered; on a Cyrillic keyboard, too.
	p.to("/")
	p.sees("The first one", "The second one")
	p.key("r", "KeyR")
	p.until("document.querySelector('.here')?.textContent.includes('The first one') && location.pathname === '/'")
	p.key("о", "KeyJ")
	p.until("document.querySelector('.here').textContent.includes('The second one')")
	xb.Say(request(t, "XA", agreed, "A flash one", statement.Flash), nil)
	p.until("document.querySelector('.card').textContent.includes('A flash one')")
	p.until("document.querySelector('.here').textContent.includes('The second one') && document.activeElement.textContent.includes('The second one')")
	p.key("к", "KeyR")
	p.until("location.pathname === '/threads/" + two.Thread.String() + "'")

	// What another officer has answered is offered no more, and what is written for it stays to be read.
	p.to("/threads/" + two.Thread.String())
	p.until("document.getElementById('say-assist.grant') !== null")
	p.press("#say-assist\\.grant > summary")
	p.fill("#say-assist\\.grant [name=text]", "They are kept.")
	grant, err := node.Facts(assist.Grant{Extent: assist.Full})
	if err != nil {
		t.Fatal(err)
	}
	xa.lets(exchange.Draft{Kind: assist.KindGrant, Thread: two.Thread, Facts: grant, Text: "Kept for 90 days.", Marking: marking.Marking{TLP: marking.Amber}})
	p.sees("Kept for 90 days.")
	p.until("document.getElementById('say-assist.refuse') === null && document.getElementById('say-assist.postpone') === null")
	p.until("document.querySelector('#say-assist\\\\.grant [data-passed]') !== null && document.querySelector('#say-assist\\\\.grant [value=send]').disabled")
	p.until("document.querySelector('#say-assist\\\\.grant [name=text]').value === 'They are kept.'")

	// A recall that is being filled in keeps its reason.
	out := xa.lets(request(t, "XB", agreed, "Our own one", statement.Routine))
	p.to("/threads/" + out.Thread.String())
	p.press("#s-" + out.ID.Short() + " details.more > summary")
	p.fill("form.recall select", "incorrect")
	p.fill("form.recall input[name=text]", "The wrong address.")
	xb.Has(out.ID)
	xb.Say(exchange.Draft{Kind: assist.KindAcknowledge, Thread: out.Thread, Text: "We look at it.", Marking: marking.Marking{TLP: marking.Amber}}, nil)
	p.sees("We look at it.")
	p.until("document.querySelector('form.recall select').value === 'incorrect' && document.querySelector('form.recall input[name=text]').value === 'The wrong address.' && document.querySelector('details.more').open")

	// Whoever is signed out elsewhere is told on a page on which something is written, and sees nothing more on others.
	desk := tab(t, p)
	desk.to("/")
	desk.sees("The first one")
	if err := xa.SignOutEverywhere(xa.root(), "duty"); err != nil {
		t.Fatal(err)
	}
	desk.until("location.pathname === '/sign-in'")
	p.until("!document.getElementById('stale').hidden && document.body.classList.contains('aged')")
	p.until("document.getElementById('stale').innerText.includes('You are signed out') && document.querySelector('form.recall input[name=text]').value === 'The wrong address.'")
	webtest.Shot(t, p.tab, "signed-out", webtest.Look{})
	f.Quiet()
}

// tab is another tab of a person's browser.
func tab(t *testing.T, p *person) *person {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(p.tab)
	t.Cleanup(closeTab)
	webtest.Do(t, ctx)
	return &person{p.desk, ctx}
}
