package webtest_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/internal/web/webtest"
	"github.com/comity-exchange/comity/statement"
)

// desk is a party's node with its pages on a listener, as serve has them.
type desk struct {
	*testing.T
	*fedtest.Party
	url string
}

// desks are two parties with an agreement, and their pages.
func desks(t *testing.T) (f *fedtest.Federation, agreed agreement.ID, xa, xb *desk) {
	t.Helper()
	f = fedtest.New(t, "XA", "XB")
	raw, err := os.ReadFile("../testdata/assistance.json")
	if err != nil {
		t.Fatal(err)
	}
	agreed = f.Agree(string(raw), "XA")
	return f, agreed, open(t, f.At("XA")), open(t, f.At("XB"))
}

// open serves a party's pages until the test ends.
func open(t *testing.T, p *fedtest.Party) *desk {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	d := &desk{T: t, Party: p, url: "http://localhost:" + port} // passkeys are bound to a name
	site, err := web.Site(t.Context(), p.Node, d.url, nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: site, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return d
}

// officer adds one. The first is the administrator.
func (d *desk) officer(id, name string, roles ...auth.Role) {
	d.Helper()
	ctx := d.T.Context()
	if id != "root" {
		ctx = d.root()
	}
	if err := d.AddOfficer(ctx, auth.Person{ID: id, Name: name, Roles: roles, Languages: []string{"en"}}); err != nil {
		d.Fatal(err)
	}
}

// root acts as the administrator, by a token.
func (d *desk) root() context.Context {
	d.Helper()
	secret, err := d.MakeToken(d.T.Context(), "root", nil, statement.TimeOf(d.Now().Add(time.Hour)))
	if err != nil {
		d.Fatal(err)
	}
	return auth.With(d.T.Context(), auth.Claim{Officer: "root", Token: secret})
}

// comes has an officer come in by a one-time link, in a browser of their own.
func (d *desk) comes(id string) *person {
	d.Helper()
	ctx := d.T.Context()
	if id != "root" {
		ctx = d.root()
	}
	secret, err := d.MakeLink(ctx, id, statement.TimeOf(d.Now().Add(time.Hour)))
	if err != nil {
		d.Fatal(err)
	}
	p := &person{d, webtest.Browser(d.T)}
	p.to("/sign-in/link?key=" + secret.Reveal())
	p.press("form[action='/sign-in/link'] button")
	p.until("location.pathname !== '/sign-in/link'")
	return p
}

// person is somebody at a desk, with a browser.
type person struct {
	*desk
	tab context.Context
}

// to opens a page.
func (p *person) to(path string) {
	p.Helper()
	webtest.Do(p.T, p.tab, chromedp.Navigate(p.url+path))
}

// until waits until an expression holds.
func (p *person) until(expression string) {
	p.Helper()
	webtest.Until(p.T, p.tab, expression)
}

// sees waits until the page says something, without being loaded again.
func (p *person) sees(words ...string) {
	p.Helper()
	for _, w := range words {
		p.until("document.querySelector('main').innerText.includes(" + quote(w) + ")")
	}
}

// press presses the first thing that a selector finds.
func (p *person) press(selector string) {
	p.Helper()
	p.until("document.querySelector(" + quote(selector) + ") !== null")
	p.do("document.querySelector(" + quote(selector) + ").click()")
}

// fill puts a value into a field, as somebody who types does.
func (p *person) fill(selector, value string) {
	p.Helper()
	p.until("document.querySelector(" + quote(selector) + ") !== null")
	p.do("(() => { const e = document.querySelector(" + quote(selector) + "); e.value = " + quote(value) +
		"; e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})); })()")
}

// do runs a script for its effect.
func (p *person) do(script string) {
	p.Helper()
	webtest.Get(p.T, p.tab, chromedp.Evaluate[bool]("(() => { "+script+"; return true; })()"))
}

// marks a page, so that it can be told whether it was loaded again.
func (p *person) mark() { p.do("window.marked = true") }

// same wants the page not to have been loaded again since mark.
func (p *person) same() {
	p.Helper()
	if !webtest.Get(p.T, p.tab, chromedp.Evaluate[bool]("window.marked === true")) {
		p.Errorf("the page of %s was loaded again", p.Code)
	}
}

// path is where the browser is.
func (p *person) path() string {
	p.Helper()
	return webtest.Get(p.T, p.tab, chromedp.Evaluate[string]("location.pathname"))
}

// quote writes a text as a script has it.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(s) + "'"
}

// acts is an officer by a token.
func (d *desk) acts(id string) context.Context {
	d.Helper()
	secret, err := d.MakeToken(d.root(), id, nil, statement.TimeOf(d.Now().Add(30*24*time.Hour)))
	if err != nil {
		d.Fatal(err)
	}
	return auth.With(d.T.Context(), auth.Claim{Officer: id, Token: secret})
}
