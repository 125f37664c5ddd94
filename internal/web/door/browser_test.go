package door

import (
	"context"
	"errors"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/internal/web/webtest"
)

// TestBrowser: in a real browser an officer comes in by a one-time link, adds a passkey, signs out, comes in by the passkey, and is refused by a copy of it.
func TestBrowser(t *testing.T) {
	t.Parallel()
	ctx := webtest.Browser(t)
	h := newHouse(t)
	webtest.Device(t, ctx)
	webtest.Do(t, ctx, chromedp.Navigate(h.url+"/threads?x=1"))
	webtest.Until(t, ctx, `location.pathname === "/sign-in" && !document.querySelector("form[data-passkey]").hidden`)
	shots(t, ctx, h, "sign-in")

	webtest.Do(t, ctx, chromedp.Navigate(h.url+LinkPath+"?key="+h.link("desk")))
	shots(t, ctx, h, "link")
	webtest.Do(t, ctx, chromedp.Click("main button.main"))
	for _, want := range []string{"Desk officer", "Add a passkey now"} {
		webtest.Until(t, ctx, `location.pathname === "/me" && document.querySelector("main").innerText.includes("`+want+`")`)
	}
	webtest.Do(t, ctx, chromedp.SendKeys("#passkey-name", "blue key"), chromedp.Click("form[data-passkey] button"))
	webtest.Until(t, ctx, `location.search === "" && document.querySelector("main .notice")?.innerText.includes("The passkey was added") && document.querySelector("main").innerText.includes("blue key")`)
	shots(t, ctx, h, "me")

	webtest.Do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("details.me").open = true`), chromedp.Click(`details.me form[action="/sign-out"] button`))
	webtest.Until(t, ctx, `location.pathname === "/sign-in"`)
	webtest.Do(t, ctx, chromedp.Navigate(h.url+"/threads?x=1"))
	webtest.Until(t, ctx, `location.pathname === "/sign-in" && !document.querySelector("form[data-passkey]").hidden`)
	webtest.Do(t, ctx, chromedp.Click("form[data-passkey] button"))
	webtest.Until(t, ctx, `location.pathname === "/threads" && location.search === "?x=1"`)
	webtest.Until(t, ctx, `document.body.innerText === "GET desk, and the node says desk false <nil>"`)
	cookies := webtest.Get(t, ctx, func(ctx context.Context, _ *chromedp.Target) (network.GetCookiesResult, error) {
		return chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{})
	})
	for _, c := range cookies.Cookies {
		if c.Name == h.door.cookie() && !c.HTTPOnly {
			t.Errorf("a script reads the cookie %s", c.Name)
		}
	}

	// A copy of the key was used, far more often: the count of this one lies behind.
	h.must(0, h.Exchange.Update(t.Context(), func(tx store.Tx) (err error) {
		var key store.Passkey
		err = tx.EachPasskey("desk", func(k store.Passkey) bool {
			key = k
			return false
		})
		key.Count += 1000
		return errors.Join(err, tx.PutPasskey(key))
	}))
	webtest.Do(t, ctx, chromedp.Navigate(h.url+SignIn), chromedp.Click("form[data-passkey] button"))
	webtest.Until(t, ctx, `document.querySelector("[data-says]").textContent.startsWith("This does not let you in")`)
	if n := h.recorded("office.doubt"); n != 1 {
		t.Errorf("%d records", n)
	}
	shots(t, ctx, h, "refused")
}

// shots takes pictures of the page that is open, in the ways in which people look at it, and leaves it as it was.
func shots(t *testing.T, ctx context.Context, h *house, name string) {
	t.Helper()
	webtest.Shot(t, ctx, "door-"+name, webtest.Look{})
	webtest.Shot(t, ctx, "door-"+name+"-dark", webtest.Look{Dark: true})
	webtest.Shot(t, ctx, "door-"+name+"-phone", webtest.Look{Width: 360, Height: 740})
	for _, language := range []string{"ru", "ar"} {
		webtest.Choose(t, ctx, h.url, h.door.House.CookieName(page.CookieLanguage), language)
		webtest.Shot(t, ctx, "door-"+name+"-"+language, webtest.Look{})
	}
	webtest.Choose(t, ctx, h.url, h.door.House.CookieName(page.CookieLanguage), "en")
	webtest.Shot(t, ctx, "door-"+name, webtest.Look{})
}
