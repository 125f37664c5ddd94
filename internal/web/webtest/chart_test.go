package webtest_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/comity-exchange/comity/internal/web/webtest"
)

// TestChartsSay: a part of a picture says what it is while the keyboard is on it and while it is pointed at, and is silent otherwise; without a script.
func TestChartsSay(t *testing.T) {
	t.Parallel()
	d, _ := furnished(t)
	p := d.comes("release")
	if _, err := chromedp.Call(p.tab, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/log", "/ledger"} {
		p.to(path)
		p.until("document.querySelectorAll('.chart .seg[tabindex=\"0\"] .tip').length > 0")
		said := func() string {
			return webtest.Get(p.T, p.tab, chromedp.Evaluate[string](`[...document.querySelectorAll(".chart .tip")].filter((e) => getComputedStyle(e).visibility === "visible").map((e) => e.textContent).join("|")`))
		}
		if says := said(); says != "" {
			t.Errorf("%s: with nothing looked at it says %q", path, says)
		}
		// The keyboard: from the element before the picture on.
		p.do(`const e = document.querySelector(".chart .seg[tabindex='0']"); e.focus({focusVisible: true});`)
		want := webtest.Get(p.T, p.tab, chromedp.Evaluate[string](`document.activeElement.getAttribute("aria-label")`))
		if says := said(); says != want || want == "" {
			t.Errorf("%s: on %q it says %q", path, want, says)
		}
		p.do("document.activeElement.blur()")
		// The pointer.
		at := webtest.Get(p.T, p.tab, chromedp.Evaluate[[]float64](`(() => {
			const all = document.querySelectorAll(".chart .seg[tabindex='0']"), e = all[all.length - 1];
			e.scrollIntoView({block: "nearest"});
			const r = e.querySelector("rect:last-of-type").getBoundingClientRect();
			return [r.x + r.width / 2, r.y + r.height / 2];
		})()`))
		if _, err := chromedp.Call(p.tab, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: at[0], Y: at[1]}); err != nil {
			t.Fatal(err)
		}
		p.until(`[...document.querySelectorAll(".chart .tip")].some((e) => getComputedStyle(e).visibility === "visible")`)
	}
}
