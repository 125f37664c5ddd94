package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/fedtest"
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
		html := d.page("duty", path)
		d.has(path, html, strings.Repeat("ж", node.MaxTitle-1)+"…")
		if len(html) > 100_000 {
			t.Errorf("%s has %d bytes", path, len(html))
		}
	}
	html := d.page("duty", at)
	d.has("the thread", html, "ж…</bdi></h1>", "жEND")
	if n := strings.Count(html, "жEND"); n != 1 {
		t.Errorf("the whole title stands %d times in its thread", n)
	}

	form := url.Values{"to": {"XB"}, "tlp": {"AMBER"}, "track": {"technical"}, "precedence": {"routine"}, "fact.type": {"analysis"}, "fact.purpose": {"recovery"}, "fact.sector": {"energy"}}
	for title, do := range map[string]string{strings.Repeat("ж", node.MaxTitle): "keep", strings.Repeat("ж", node.MaxTitle+1): "send"} { // one that is too long may be kept, not said
		form.Set("title", title)
		form.Set("do", do)
		a := d.post("duty", "/new/assist.request", form)
		if long := len([]rune(title)) > node.MaxTitle; long != (a.Code == http.StatusBadRequest) || !long && a.Code != http.StatusSeeOther {
			t.Errorf("a title of %d characters: %d\n%s", len([]rune(title)), a.Code, said(a.body))
		}
	}
}

// TestLongThread: a page of a thread has the opener and the newest; what came before is led to, and every statement stands on one of the pages, with its receipts.
func TestLongThread(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.ask("Logs of the control centre", statement.Immediate)
	const more = 130
	facts, err := node.Facts(struct{}{})
	d.must(err)
	var last statement.ID
	for i := range more {
		d.f.Clock.Pass(1e9)
		one := d.xb.Say(exchange.Draft{Thread: s.Thread, Kind: assist.KindSupplement, Facts: facts, Text: fmt.Sprintf("Supplement %03d.", i), Marking: marking.Marking{TLP: marking.Amber}}, nil)
		last = one.ID
	}
	d.xa.Has(last)
	at := "/threads/" + s.Thread.String()
	d.sends("duty", at+"/read", nil)
	seen := map[string]int{}
	href := regexp.MustCompile(`href="(/threads/[0-9a-f]+\?before=[0-9a-f]+)#said"`)
	for path, pages := at, 0; ; pages++ {
		html := d.page("duty", path)
		if n := strings.Count(html, `id="s-`); n > node.PartSize+1 {
			t.Fatalf("%s shows %d statements", path, n)
		}
		if n := strings.Count(html, "<option"); n > 1500 {
			t.Errorf("%s has %d things to choose from", path, n)
		}
		d.has("the opener", html, "We will ask for them through the usual channel.")
		if pages > 0 {
			d.has("the way back", html, "What was said last")
		}
		for i := range more {
			if strings.Contains(html, fmt.Sprintf("Supplement %03d.", i)) {
				seen[fmt.Sprint(i)]++
			}
		}
		next := href.FindStringSubmatch(html)
		if next == nil {
			break
		}
		if path = next[1]; pages > 5 {
			t.Fatal("the thread has no beginning")
		}
	}
	for i := range more {
		if seen[fmt.Sprint(i)] != 1 {
			t.Errorf("supplement %d stands on %d pages", i, seen[fmt.Sprint(i)])
		}
	}
	// A link to a statement that another page has leads to that page.
	first, err := d.xb.ThreadPart(d.Context(), s.Thread, node.Stretch{Limit: node.MaxPage})
	d.must(err)
	d.has("that statement's page", d.page("duty", at+"?until="+first.Said[10].ID.String()), "Supplement 009.")
	if a := d.get("duty", at+"?before="+strings.Repeat("0", 63)); a.Code != http.StatusBadRequest {
		t.Errorf("no place at all: %d", a.Code)
	}
	if a := d.get("duty", at+"?before="+strings.Repeat("ab", 32)); a.Code != http.StatusNotFound {
		t.Errorf("a place that is none of the thread's: %d", a.Code)
	}
	d.xb.Until("an early statement is known to be opened, though the receipt stands on another page", func() bool {
		part, err := d.xb.ThreadPart(d.Context(), s.Thread, node.Stretch{Before: first.Said[20].ID, Limit: 5})
		d.must(err)
		return part.Opener != nil && !part.Newest && len(part.Said) == 5 && len(part.Said[4].Opened) == 1 && part.Said[4].Opened[0].By == "XA"
	})
}

// TestTakesAway: an administrator takes another officer's way in away on the page of officers; others do not.
func TestTakesAway(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.must(d.xa.BindIdentity(d.as("root"), "duty", auth.Identity{Issuer: "https://id.example", Subject: "248289761001"}))
	at := regexp.MustCompile(`/officers/ways/[^/"]+/drop`).FindString(d.page("root", "/officers"))
	if at == "" {
		t.Fatal("the page has no way of ada's with its button")
	}
	if a := d.post("writer", at, nil); a.Code != http.StatusForbidden {
		t.Errorf("an analyst takes it away: %d", a.Code)
	}
	d.sends("root", at, nil)
	d.lacks("what was taken away", d.page("root", "/officers"), at)
	if v, err := d.xa.Ways(d.as("root"), "duty"); err != nil || len(v.Identities) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestLetterOnThePage: who may change keys takes a letter and says that the words were right, on the page; nobody else does, and wrong words confirm nothing.
func TestLetterOnThePage(t *testing.T) {
	t.Parallel()
	// spec: LTR-8
	d := newDesk(t)
	other, err := fedtest.New(t, "XC").At("XC").OwnLetter(d.Context())
	d.must(err)
	form := url.Values{"letter": {strings.ReplaceAll(string(other.Raw), "\n", "\r\n")}}
	if a := d.post("duty", "/peers", form); a.Code != http.StatusForbidden {
		t.Errorf("a duty officer brings a letter: %d", a.Code)
	}
	d.lacks("a duty officer's page", d.page("duty", "/peers"), `action="/peers"`)
	d.must(d.xa.SetRoles(d.as("root"), "duty", []auth.Role{auth.DutyOfficer, auth.Administrator}))
	secret, err := d.xa.MakeToken(d.as("root"), "duty", nil, statement.TimeOf(d.xa.Now().Add(time.Hour)))
	d.must(err)
	d.claims["duty"] = auth.Claim{Officer: "duty", Token: secret}
	d.sends("duty", "/peers", form)
	html := d.page("duty", "/peers")
	d.has("it waits", html, `action="/peers/XC/confirm"`)
	d.lacks("it waits", html, strings.Join(other.Words(), " "))
	if a := d.post("duty", "/peers/XC/confirm", url.Values{"words": {"one two three"}}); a.Code == http.StatusSeeOther {
		t.Errorf("wrong words: %d", a.Code)
	}
	d.sends("duty", "/peers/XC/confirm", url.Values{"words": {strings.Join(other.Words(), " ")}})
	d.lacks("confirmed", d.page("duty", "/peers"), `action="/peers/XC/confirm"`)
	if l, err := d.xa.Letters(d.as("duty")); err != nil || !slices.ContainsFunc(l, func(l node.LetterView) bool { return l.Code == "XC" && l.Status == "confirmed" }) {
		t.Errorf("%v", err)
	}
}
