package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// TestLongTitle: a peer whose titles are as long as a body may be fills no list with them, and who reads the statement reads all of it.
func TestLongTitle(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	long := strings.Repeat("ж", 200_000) + "END"
	facts, err := node.Facts(assist.Request{Type: assist.Preservation, Purpose: "recovery", Sector: "energy"})
	d.must(err)
	s, err := d.xb.Exchange.Submit(d.Context(), exchange.Draft{ // what another program than this one composes
		Kind: assist.KindRequest, To: d.parties("XA"), Agreement: d.agreed, Precedence: statement.Flash, Track: statement.Technical, Facts: facts, Title: long,
		Marking: marking.Marking{TLP: marking.Amber}, By: d.xb.By("duty-officer", "one"),
	})
	d.must(err)
	d.xa.Has(s.ID)
	at := "/threads/" + s.Thread.String()
	for _, path := range []string{"/", "/threads"} {
		html := d.page("ada", path)
		d.has(path, html, strings.Repeat("ж", node.MaxTitle-1)+"…")
		if len(html) > 100_000 {
			t.Errorf("%s has %d bytes", path, len(html))
		}
	}
	html := d.page("ada", at)
	d.has("the thread", html, "ж…</bdi></h1>", "жEND")
	if n := strings.Count(html, "жEND"); n != 1 {
		t.Errorf("the whole title stands %d times in its thread", n)
	}

	form := url.Values{"to": {"XB"}, "tlp": {"AMBER"}, "track": {"technical"}, "precedence": {"routine"}, "fact.type": {"analysis"}, "fact.purpose": {"recovery"}, "fact.sector": {"energy"}}
	for _, title := range []string{strings.Repeat("ж", node.MaxTitle), strings.Repeat("ж", node.MaxTitle+1)} {
		form.Set("title", title)
		form.Set("do", "keep")
		a := d.post("ada", "/new/assist.request", form)
		if long := len([]rune(title)) > node.MaxTitle; long != (a.Code == http.StatusBadRequest) || !long && a.Code != http.StatusSeeOther {
			t.Errorf("a title of %d characters: %d\n%s", len([]rune(title)), a.Code, said(a.body))
		}
	}
}
