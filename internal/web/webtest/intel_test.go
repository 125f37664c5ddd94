package webtest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/webtest"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// arranged is the demonstration's agreement on intelligence between XA and XB.
func arranged(t *testing.T, f *fedtest.Federation) agreement.ID {
	t.Helper()
	raw, err := os.ReadFile("../../demo/data/intelligence.json")
	if err != nil {
		t.Fatal(err)
	}
	return f.Agree(string(raw), "XA")
}

// gathers has XA take the demonstration's objects into a source, and give them to XB in a feed. It gives the two.
func gathers(t *testing.T, xa, xb *desk, agreed agreement.ID) (source, feed thread.ID) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.Open("../../demo/data/walnut.stix.json")
	must(err)
	defer raw.Close()
	release, m := xa.acts("release"), marking.Marking{TLP: marking.Green}
	source, err = xa.OpenSource(release, intel.Source{Name: "sensors", Format: "stix", Own: true}, m, xa.By("", ""))
	must(err)
	_, err = xa.Import(release, catalogue.Source{Thread: source, By: xa.By("", ""), Marking: m, Title: "walnut.stix.json"}, stix.NewReader(raw, stix.Limits{}).All(), catalogue.ImportOptions{})
	must(err)
	facts, err := node.Facts(intel.Offer{Feed: "walnut", Types: []string{"indicator"}})
	must(err)
	said, err := xa.Node.Say(release, exchange.Draft{
		To: []party.Code{"XB"}, Agreement: agreed, Kind: intel.KindOffer, Title: "The walnut campaign", Facts: facts, Track: statement.Technical, Precedence: statement.Routine, Marking: m, By: xa.By("", ""),
	})
	must(err)
	xb.Has(said.ID)
	xa.Has(xb.Say(exchange.Draft{Thread: said.Thread, Kind: intel.KindSubscribe, Marking: m, By: xb.By("duty-officer", "one")}, intel.Subscribe{}).ID)
	xa.Until("the feed has gone out", func() bool {
		must(xa.Catalogued(t.Context()))
		v, _, err := xa.Intel(release, said.Thread)
		must(err)
		return v.Objects > 0 && len(v.Held) > 0
	})
	return source, said.Thread
}

// sends has a list of addresses looked at for a source, as the form of the page does, and gives the page of that import.
func (p *person) sends(source thread.ID, list string) string {
	p.Helper()
	p.to("/intelligence/imports")
	p.do(`const form = new FormData();
		form.set('source', '` + source.String() + `'); form.set('form', 'list'); form.set('files', new File([` + quote(list) + `], 'list.txt'));
		window.led = ''; fetch('/intelligence/imports', {method: 'POST', body: form}).then((a) => { window.led = new URL(a.url).pathname; })`)
	p.until("window.led !== ''")
	return webtest.Get(p.T, p.tab, chromedp.Evaluate[string]("window.led"))
}

// TestEverybodyCanUseIntelligence has axe-core look at the pages of intelligence, as TestEverybodyCanUseIt has it look at the others.
func TestEverybodyCanUseIntelligence(t *testing.T) {
	t.Parallel()
	script := axe(t)
	f, _, xa, xb := desks(t)
	agreed := arranged(t, f)
	xa.officer("root", "Administrator of XA", auth.Administrator)
	xa.officer("release", "Releasing officer of XA", auth.ReleasingOfficer)
	p, root := xa.comes("release"), xa.comes("root")
	paths := []string{"/intelligence", "/intelligence/imports"}
	everybodyCanUse(t, script, paths, p, root) // with nothing in it
	source, feed := gathers(t, xa, xb, agreed)
	everybodyCanUse(t, script, append(paths, "/intelligence/search", "/intelligence/search?type=indicator", "/intelligence/object/malware--5a0b0000-0000-4000-8000-000000000001",
		"/intelligence/object/indicator--5a0b0000-0000-4000-8000-000000000003", "/intelligence/sightings", "/intelligence/"+source.String(), "/intelligence/"+feed.String(),
		p.sends(source, "198.51.100.99\nnothing of value\n")), p, root)
}

// TestImportInABrowser: a file is looked at and imported, the page says how far it is by itself, keys lead to search and through what is found, and the picture of an object's relations
// is gone through by keys.
func TestImportInABrowser(t *testing.T) {
	t.Parallel()
	f, _, xa, xb := desks(t)
	agreed := arranged(t, f)
	xa.officer("root", "Administrator of XA", auth.Administrator)
	xa.officer("release", "Releasing officer of XA", auth.ReleasingOfficer)
	source, _ := gathers(t, xa, xb, agreed)
	p := xa.comes("release")
	p.to(p.sends(source, "198.51.100.7\nnothing of value\nwalnut.example\n"))
	p.sees("2 objects would be taken", "Not understood")
	p.press("button[value='import']")
	p.until("location.pathname.startsWith('/intelligence/imports/') && document.querySelector('main').innerText.includes('2 objects were taken')")
	xa.Until("it is found", func() bool {
		hits, err := xa.FindObjects(xa.acts("release"), catalogue.Search{Value: "walnut.example"})
		return err == nil && len(hits.Objects) > 0
	})
	p.to("/intelligence")
	p.do(`document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))`)
	p.until("document.activeElement.id === 'q'")
	p.do(`document.activeElement.value = 'walnut[.]example'; document.activeElement.form.submit()`)
	p.sees("walnut[.]example")
	p.do(`document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true}))`)
	p.until("document.activeElement.matches('[data-open]')")
	p.to("/intelligence/object/malware--5a0b0000-0000-4000-8000-000000000001")
	// No label lies on another, none is cut off, and each point that is drawn is a link that the focus reaches.
	p.until(`(() => { const all = [...document.querySelectorAll('.ring a text.name')].map((e) => e.getBoundingClientRect());
		const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
		return all.length > 10 && all.every((a, i) => a.left > 0 && a.right < innerWidth && all.every((b, j) => i >= j || !meets(a, b))); })()`)
	p.do("document.querySelector('.ring a').focus()")
	p.until("document.activeElement.matches('.ring a') && document.activeElement.getAttribute('href').startsWith('/intelligence/object/')")
	if links := webtest.Get(p.T, p.tab, chromedp.Evaluate[string]("String([...document.querySelectorAll('main a[href]')].filter((a) => !(a.getAttribute('href')).startsWith('/')).length)")); links != "0" {
		t.Errorf("%s links lead away from the node", strings.TrimSpace(links))
	}
}
