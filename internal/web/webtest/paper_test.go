package webtest_test

import (
	"fmt"
	"testing"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/web/webtest"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// TestPaper prints a thread: the strictest label stands at the head and the foot of each page in 12 points, times are dates with their zone, and the dark light stays on the
// screen. It also finds what a browser knows of its own zone, which the node is told once.
func TestPaper(t *testing.T) {
	t.Parallel()
	_, agreed, xa, xb := desks(t)
	xa.officer("root", "Root of XA", auth.Administrator)
	xa.officer("release", "Releasing officer", auth.ReleasingOfficer)
	s := xb.Say(request(t, "XA", agreed, "Logs of the control centre", statement.Immediate), nil)
	xa.Has(s.ID)
	for i := range 12 {
		more := xb.Say(exchange.Draft{Kind: "assist.supplement", Thread: s.Thread, Text: fmt.Sprintf("Addition %d", i), Marking: marking.Marking{TLP: marking.Amber}}, nil)
		xa.Has(more.ID)
	}
	p := xa.comes("release")
	webtest.Zone(t, p.tab, "Asia/Kolkata")
	p.to("/threads/" + s.Thread.String())
	p.until("document.cookie === '' && document.querySelector('[data-as-of]').textContent.includes('IST (UTC+5:30)')")
	webtest.Choose(t, p.tab, p.url, "comity-theme", "dark")
	p.until("getComputedStyle(document.body).backgroundColor === 'rgb(16, 19, 22)'")
	webtest.Paper(t, p.tab, "thread", true)
	p.until("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)' && getComputedStyle(document.body).color === 'rgb(0, 0, 0)'")
	p.until("getComputedStyle(document.body).page === 'tlp-amber'")
	p.until("[...document.styleSheets].some(s => [...s.cssRules].some(r => r.selectorText === 'tlp-amber' && [...r.cssRules].filter(m => /^(top|bottom)-right$/.test(m.name) && m.style.content.includes('TLP:AMBER') && parseFloat(m.style.fontSize) >= 12).length === 2))")
	p.until("(e => getComputedStyle(e, '::after').content.includes('2 March 2026, 13:30 IST (UTC+5:30)') && getComputedStyle(e).fontSize === '0px')(document.querySelector('.statement time'))")
	p.until("(e => getComputedStyle(e).display !== 'none' && e.textContent.includes('2 March 2026, 13:30 IST') && e.textContent.includes('Releasing officer'))(document.querySelector('.foot .paper'))")
	webtest.Paper(t, p.tab, "thread", false)
}
