package webtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/webtest"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// violation is what axe-core finds wrong with a page.
type violation struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string   `json:"html"`
		Target  []string `json:"target"`
		Summary string   `json:"failureSummary"`
	} `json:"nodes"`
}

// axe is the text of axe-core, which ./test fetches.
func axe(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("../../../.cache/axe-*/axe.min.js")
	if err != nil || len(found) == 0 {
		t.Skip("axe-core is not here (./test fetches it): no page was checked for whether everybody can use it")
	}
	raw, err := os.ReadFile(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestEverybodyCanUseIt has axe-core look at every page, by the rules of WCAG 2.2 A and AA and its own best practices, in light, dark, Arabic and on a phone.
func TestEverybodyCanUseIt(t *testing.T) {
	t.Parallel()
	script := axe(t)
	d, paths := furnished(t)
	p := d.comes("release")
	everybodyCanUse(t, script, paths, p, d.comes("root"))
	// It would find something.
	p.do(`document.querySelector("main").insertAdjacentHTML("beforeend", "<img src='/nothing.png'>")`)
	if all := p.violations(script); len(all) != 1 || all[0].ID != "image-alt" {
		t.Errorf("of a picture without a text it says %v", all)
	}
}

// everybodyCanUse has axe-core look at pages as p sees them, and at those of officers and settings as root does.
func everybodyCanUse(t *testing.T, script string, paths []string, p, root *person) {
	t.Helper()
	for _, look := range []struct {
		name   string
		choose map[string]string
		width  int64
	}{
		{"light", map[string]string{"comity-theme": "light", "comity-language": "en"}, 1280},
		{"dark", map[string]string{"comity-theme": "dark", "comity-language": "ru"}, 1280},
		{"arabic on a phone", map[string]string{"comity-theme": "light", "comity-language": "ar"}, 360},
	} {
		for _, who := range []*person{p, root} {
			who.wide(look.width)
			for name, value := range look.choose {
				webtest.Choose(t, who.tab, who.url, name, value)
			}
		}
		for _, path := range paths {
			who := p
			if strings.HasPrefix(path, "/officers") || path == "/settings" {
				who = root
			}
			who.to(path)
			if path == "/officers" { // the forms that are folded up, too
				who.do(`document.querySelectorAll("main details").forEach(e => e.open = true)`)
			}
			webtest.Shot(t, who.tab, strings.Trim(strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path), "-")+"-"+look.name, webtest.Look{Width: look.width, Height: 900})
			for _, v := range who.violations(script) {
				var where strings.Builder
				for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
					where.WriteString("\n    " + n.HTML + "\n      " + strings.ReplaceAll(n.Summary, "\n", "\n      "))
				}
				t.Errorf("%s, %s: %s (%s): %s, %d times%s", path, look.name, v.ID, v.Impact, v.Help, len(v.Nodes), where.String())
			}
		}
	}
}

// wide makes the window so many points wide.
func (p *person) wide(points int64) {
	p.Helper()
	if _, err := chromedp.Call(p.tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: points, Height: 900, DeviceScaleFactor: 1, Mobile: points < 500}); err != nil {
		p.Fatal(err)
	}
}

// violations has axe-core look at the page that is open.
func (p *person) violations(script string) (out []violation) {
	p.Helper()
	p.do(script + `;
		window.axeSays = "";
		axe.run(document, {resultTypes: ["violations"]}).then((r) => { window.axeSays = JSON.stringify(r.violations); }, (e) => { window.axeSays = String(e); })`)
	p.until("window.axeSays !== ''")
	says := webtest.Get(p.T, p.tab, chromedp.Evaluate[string]("window.axeSays"))
	if err := json.Unmarshal([]byte(says), &out); err != nil {
		p.Fatalf("axe-core: %s", says)
	}
	return out
}

// furnished is XA's desk in the middle of work, and the pages that it has.
func furnished(t *testing.T) (d *desk, paths []string) {
	t.Helper()
	f, agreed, xa, xb := desks(t)
	xa.officer("root", "Administrator of XA", auth.Administrator)
	xa.officer("duty", "Duty officer of XA", auth.DutyOfficer)
	xa.officer("release", "Releasing officer of XA", auth.ReleasingOfficer)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	facts, err := node.Facts(assist.Request{Type: assist.Preservation, Purpose: "recovery", Sector: "energy"})
	must(err)
	var asked []exchange.Said
	for i, title := range []string{"Logs of the control centre", "A sample of the implant", "Who holds this address?"} {
		s := xb.Say(exchange.Draft{
			Kind: assist.KindRequest, To: []party.Code{"XA"}, Agreement: agreed, Precedence: statement.Precedences()[i], Track: statement.Technical, Facts: facts, Title: title,
			Text: "Please keep the logs of 192.0.2.17.", Marking: marking.Marking{TLP: marking.Amber},
		}, nil)
		xa.Has(s.ID)
		asked = append(asked, s)
	}
	f.Clock.Pass(2 * time.Hour)
	release := xa.acts("release")
	grant, err := node.Facts(assist.Grant{Extent: assist.Full})
	must(err)
	answer, err := xa.NewDraft(release, exchange.Draft{Kind: assist.KindGrant, Thread: asked[0].Thread, Facts: grant, Text: "They are kept.", Marking: marking.Marking{TLP: marking.Amber}}, nil)
	must(err)
	said, err := xa.ReleaseDraft(release, answer.ID, statement.Digest{})
	must(err)
	back, err := xa.Recall(release, node.Recalling{IDs: []statement.ID{said.ID}, Reason: recall.SentInError, Precedence: statement.Immediate, By: xa.By("", "")})
	must(err)
	waiting, err := xa.NewDraft(xa.acts("duty"), exchange.Draft{Kind: assist.KindGrant, Thread: asked[1].Thread, Facts: grant, Text: "Here it is.", Marking: marking.Marking{TLP: marking.AmberStrict}}, nil)
	must(err)
	_, _, err = xa.SubmitDraft(xa.acts("duty"), waiting.ID)
	must(err)
	own, err := xa.NewDraft(release, exchange.Draft{Kind: assist.KindAcknowledge, Thread: asked[2].Thread, Text: "We look at it.", Marking: marking.Marking{TLP: marking.Green}}, nil)
	must(err)
	f.Quiet()
	return xa, []string{
		"/", "/threads", "/threads?unread=yes", "/threads/" + asked[0].Thread.String(), "/threads/" + asked[1].Thread.String() + "?say=assist.refuse", "/new", "/new/assist.request",
		"/threads/" + back[0].Thread.String(), "/drafts", "/drafts/" + waiting.ID, "/drafts/" + own.ID, "/drafts/" + own.ID + "/edit", "/agreements", "/agreements/" + agreed.String(), "/peers", "/directory", "/ledger", "/log",
		"/officers", "/settings", "/settings/retention", "/threads?state=closed", "/me", "/sign-in", "/sign-in/link", "/nowhere",
	}
}
