package web_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/comity-exchange/comity/statement"
)

// TestLive looks at the desk in a browser: a request arrives without a reload, keys lead to it, the thread is told as read, and an answer is judged while it is written.
func TestLive(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("there is no chromium on this machine")
	}
	d := newDesk(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set(officerHeader, "duty")
		d.pages.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ctx, done := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(chromedp.NoSandbox, chromedp.Headless))
	t.Cleanup(done)
	until := func(what, expression string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(60*time.Second))); err != nil {
			html, _ := chromedp.Run(ctx, chromedp.OuterHTML("html"))
			t.Fatalf("%s: %v\n%s", what, err, said(html))
		}
	}
	d.must(chromedp.Do(ctx, chromedp.Navigate(server.URL+"/"), chromedp.WaitReady("footer")))
	until("a calm desk", "document.querySelector('h1').textContent.includes('Nothing is owed')")
	s := d.ask("Logs of the control centre", statement.Immediate)
	until("the request arrives by itself", "document.querySelector('h1').textContent.includes('The next acknowledgement is due in')")
	d.must(chromedp.Do(ctx, chromedp.KeyEvent("j")))
	until("the first row is chosen", "document.activeElement.textContent.includes('Logs of the control centre')")
	d.must(chromedp.Do(ctx, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("article.thread")))
	until("Enter opens it", "location.pathname === '/threads/"+s.Thread.String()+"'")
	until("that it was read is told", "!document.querySelector('form[data-reading]') && !document.querySelector('.thread-head .unread')")
	d.must(chromedp.Do(ctx, chromedp.KeyEvent("r")))
	until("the first form is open, and judged", "document.querySelector('.say[open] .verdict.yes') !== null")
	d.must(chromedp.Do(ctx, chromedp.SetValue(".say[open] [name=tlp]", "RED"), chromedp.SendKeys(".say[open] textarea", "x")))
	until("what may not pass is told before it is sent", "document.querySelector('.say[open] .verdict.no') !== null")
	d.must(chromedp.Do(ctx, chromedp.SetValue(".say[open] [name=tlp]", "AMBER"), chromedp.Click(".say[open] button[value=send]"), chromedp.WaitVisible("main > .notice")))
	until("it was said", "document.querySelector('.notice')?.textContent.includes('Said.')")
	until("its receipt arrives by itself", "[...document.querySelectorAll('.receipt .ok')].some(e => e.textContent.includes('delivered'))")
	d.must(chromedp.Do(ctx, chromedp.KeyEvent("?")))
	until("the keys are listed", "document.getElementById('keys').open")
}
