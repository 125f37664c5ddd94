package web_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// look is a way to look at a page.
type look struct {
	name, cookie string
	width        int64
}

func looks() []look {
	return []look{
		{"light", "comity-language=en; comity-theme=light", 1280}, {"dark", "comity-language=en; comity-theme=dark", 1280},
		{"russian", "comity-language=ru; comity-theme=light; comity-zone=Europe/Moscow", 1280}, {"arabic", "comity-language=ar; comity-theme=light; comity-zone=Asia/Riyadh", 1280},
		{"phone", "comity-language=en; comity-theme=light", 360}, {"phone-arabic", "comity-language=ar; comity-theme=dark", 360},
	}
}

// TestShots holds that no page is wider than a phone, and makes pictures of every page for a person to look at, in more ways, where COMITY_SHOTS names a folder:
// COMITY_SHOTS=FOLDER go test ./internal/web -run TestShots.
func TestShots(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("COMITY_SHOTS")
	ways := looks()
	if dir == "" {
		ways = slices.DeleteFunc(ways, func(k look) bool { return k.width > 500 })
	}
	d := newDesk(t, "XA", "XB", "XC")
	paths := d.night()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	d.must(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := "release"
		if c, err := r.Cookie("officer"); err == nil {
			id = c.Value
		}
		r.Header.Set(officerHeader, id)
		d.pages.ServeHTTP(w, r)
	}), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	for _, k := range ways {
		ctx, done := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(chromedp.NoSandbox, chromedp.Headless))
		d.must(chromedp.Do(ctx, chromedp.EmulateViewport(k.width, 900)))
		for name, path := range paths {
			file := ""
			if dir != "" {
				file = filepath.Join(dir, name+"-"+k.name+".png")
			}
			d.shoot(ctx, "http://"+l.Addr().String(), path, file, k)
		}
		done()
	}
}

// shoot holds a page against its window, and makes a picture of it where a file is named.
func (d *desk) shoot(ctx context.Context, origin, path, file string, k look) {
	d.Helper()
	if !d.seen[k.name] {
		d.seen[k.name] = true
		d.must(chromedp.Do(ctx, chromedp.Navigate(origin+"/nothing")))
		for _, c := range strings.Split(k.cookie, "; ") {
			_, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.cookie='"+c+"; path=/'"))
			d.must(err)
		}
	}
	const settled = "!document.querySelector('.say[open] [data-verdict]') || document.querySelector('.say[open] [data-verdict]').childElementCount > 0"
	d.must(chromedp.Do(ctx, chromedp.Navigate(origin+path), chromedp.WaitReady("footer")))
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](settled, chromedp.WithPollingTimeout(20*time.Second)))
	d.must(err)
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[string]("[...document.querySelectorAll('body *')].filter(e => e.getClientRects().length && !e.closest('.skip, nav, .mini, .me-panel, .scrolls') && (e.getBoundingClientRect().left < -1 || e.getBoundingClientRect().right > innerWidth + 1)).map(e => e.outerHTML.slice(0, 80)).slice(0, 3).join(' ') + (document.documentElement.scrollWidth > innerWidth ? ' scrolls' : '')"))
	d.must(err)
	if wide != "" {
		d.Errorf("%s (%s) is wider than its window of %d: %s", path, k.name, k.width, wide)
	}
	if file == "" {
		return
	}
	height, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollHeight"))
	d.must(err)
	d.must(chromedp.Do(ctx, chromedp.EmulateViewport(k.width, max(900, height))))
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	d.must(err)
	d.must(chromedp.Do(ctx, chromedp.EmulateViewport(k.width, 900)))
	d.must(os.WriteFile(file, png, 0o600))
}

// night fills the node with what a night brings, and gives the pages to look at.
func (d *desk) night() map[string]string {
	d.Helper()
	flash := d.ask("Logs of the control centre at substation 7", statement.Flash)
	d.askOut("Which of your networks were scanned from 203.0.113.40 on 1 March?")
	d.f.Clock.Pass(100 * time.Minute)
	d.ask("Is this sample known to you?", statement.Flash)
	immediate := d.ask("Keep the traffic records of 198.51.100.0/24", statement.Immediate)
	d.ask("Lessons of the February exercise", statement.Routine)
	draft := d.request("Indicators of the wiper of 28 February")
	draft.Marking = marking.Marking{TLP: marking.AmberStrict, PAP: marking.PAPAmber, Handling: []string{"H1"}}
	draft.Text = "We have found the attached on three hosts of an operator of a distribution grid. Do you see it as well?"
	v, err := d.xa.NewDraft(d.as("writer"), draft, nil)
	d.must(err)
	_, _, err = d.xa.SubmitDraft(d.as("writer"), v.ID)
	d.must(err)
	mine, err := d.xa.NewDraft(d.as("release"), d.request("Contact of the operator's control room"), nil)
	d.must(err)
	at := "/threads/" + immediate.Thread.String() + "/say"
	d.sends("duty", at, url.Values{"kind": {"assist.acknowledge"}, "tlp": {"AMBER"}, "text": {"We are on it."}, "do": {"send"}})
	d.xb.Until("the acknowledgement", func() bool {
		t, _, err := d.xb.Thread(d.Context(), immediate.Thread)
		return err == nil && t.Summary.Status == "acknowledged"
	})
	mistake := d.ask("Passenger list, sent to the wrong desk", statement.Routine)
	back, err := d.xb.Recall(d.Context(), node.Recalling{IDs: []statement.ID{mistake.ID}, Reason: recall.WrongRecipient, Within: 24 * time.Hour, Precedence: statement.Immediate, By: d.xb.By("duty-officer", "")})
	d.must(err)
	d.xa.Has(back[0].Thread)
	d.f.Cut("XA", "XC")
	g := d.gathers()
	file, waits := d.file()
	d.sighted(g)
	made, amended := d.negotiation()
	d.f.Clock.Pass(15 * time.Minute)
	agreed := "/agreements/" + d.agreed.String()
	return map[string]string{
		"duty": "/", "threads": "/threads", "thread": "/threads/" + immediate.Thread.String(), "thread-say": "/threads/" + flash.Thread.String() + "?say=assist.grant#say-assist.grant",
		"new": "/new/assist.request", "drafts": "/drafts", "draft": "/drafts/" + v.ID, "draft-own": "/drafts/" + mine.ID, "agreements": "/agreements", "agreement": agreed,
		"try": agreed + "?try=yes&to=XB&kind=assist.request&tlp=RED&track=leadership&personal_data=minimised#try", "making": "/agreements/" + made, "diff": "/agreements/" + made + "?text=" + amended + "&diff=yes#diff",
		"peers": "/peers", "log": "/log", "fault": "/nothing", "ledger": "/ledger", "directory": "/directory", "officers": "/officers", "settings": "/settings", "retention": "/settings/retention",
		"intelligence": "/intelligence", "source": g.source, "feed": g.given, "feed-got": g.got + "?say=intel.unsubscribe", "malware": g.malware, "indicator": g.host, "found": "/intelligence/search?type=indicator",
		"search": "/intelligence/search", "imports": "/intelligence/imports", "import": waits, "sightings": "/intelligence/sightings", "import-done": file,
		"recalled": "/threads/" + mistake.Thread.String(), "recall": "/threads/" + back[0].Thread.String(),
	}
}

// file has the releasing officer import one list, and look at another.
func (d *desk) file() (done, waits string) {
	d.Helper()
	all, err := d.xa.Intelligence(d.as("release"))
	d.must(err)
	i := slices.IndexFunc(all, func(v node.IntelView) bool { return v.Form == intel.ASource })
	values := url.Values{"source": {all[i].ID.String()}, "form": {"auto"}}
	for at, text := range map[*string]string{&done: "198.51.100.90\n", &waits: "198.51.100.77\nwalnut.example\nno value at all, is it\nhxxp://198.51.100.78/x\n198.51.100.0/99\n"} {
		a := d.do("release", d.multipartForm("/intelligence/imports", values, map[string]string{"iocs of 2 March.txt": text}))
		*at = a.Header().Get("Location")
		d.until("release", *at, "would be taken")
	}
	d.sends("release", done, url.Values{"do": {"import"}})
	d.until("release", done, "taken. It can be found")
	return done, waits
}

// sighted has XA tell XB of a sighting.
func (d *desk) sighted(g gathered) {
	d.Helper()
	at := strings.Replace(g.got, "/intelligence/", "/threads/", 1)
	d.sends("release", at+"/say", url.Values{"kind": {"intel.sighting"}, "tlp": {"GREEN"}, "fact.objects": {"0"}, "fact.count": {"2"}, "text": {"The host of the second stage, twice on Sunday."}, "do": {"send"}})
}

// negotiation has XA chair the making of an agreement with XC, which cannot be reached: a text, another one beside it, and silence. It gives the agreement and the digest
// of the other text.
func (d *desk) negotiation() (id, amended string) {
	d.Helper()
	release, by := d.as("release"), d.xa.By("releasing-officer", "")
	raw, err := os.ReadFile("testdata/assistance.json")
	d.must(err)
	first := strings.Replace(strings.ReplaceAll(string(raw), `"XB"`, `"XC"`), "XA and XB", "XA and XC", 1)
	said, err := d.xa.Propose(release, []byte(first), nil, "", by)
	d.must(err)
	second := strings.Replace(strings.Replace(first, "after two years", "after one year, unless the Party that gave it agrees to longer", 1), "63072000", "31536000", 1)
	_, err = d.xa.Amend(release, said.ID, []byte(second), "One year will do.", by)
	d.must(err)
	v, err := d.xa.Agreement(release, said.ID)
	d.must(err)
	_, err = d.xa.Negotiate(release, said.ID, instrument.KindSilence, instrument.Ask{Digest: v.Digest, Expires: statement.TimeOf(d.xa.Now().Add(50 * time.Hour))}, "", by)
	d.must(err)
	return said.ID.String(), v.Making.Table[0].Digest.String()
}
