package door

import (
	"crypto/rand"
	"crypto/rsa"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oauth2-proxy/mockoidc"

	"github.com/comity-exchange/comity/internal/auth"
)

// provided is a house with a provider of identities, which answers over HTTP.
type provided struct {
	*house
	at    *mockoidc.MockOIDC
	forge atomic.Bool // it signs with another key than it shows
}

func newProvided(t *testing.T) *provided {
	t.Helper()
	at, err := mockoidc.NewServer(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provided{at: at}
	shown := at.Keypair
	kid, err := shown.KeyID()
	if err != nil {
		t.Fatal(err)
	}
	err = at.AddMiddleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if at.Keypair = shown; r.URL.Path == mockoidc.TokenEndpoint && p.forge.Load() {
				at.Keypair = &mockoidc.Keypair{PrivateKey: key, PublicKey: &key.PublicKey, Kid: kid}
			}
			next.ServeHTTP(w, r)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := at.Start(l, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := at.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(at.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.house = newHouse(t, "COMITY_OIDC_ISSUER="+at.Issuer(), "COMITY_OIDC_CLIENT="+at.ClientID, "COMITY_OIDC_SECRET_FILE="+secret)
	return p
}

// pass has time go by, at the provider, too.
func (p *provided) pass(d time.Duration) {
	p.clock.pass(d)
	p.at.FastForward(d)
}

// user is who the provider has there next.
func (p *provided) user(subject string) {
	p.at.QueueUser(&mockoidc.MockUser{Subject: subject, Email: "desk@xa.example", PreferredUsername: "desk", EmailVerified: true})
}

// inquired begins signing in, and has the provider answer: the address to which it sends the browser back.
func (b *browser) inquired(from answer) string {
	b.h.t.Helper()
	at := from.Header.Get("Location")
	if from.StatusCode == http.StatusOK { // the page that shows the way
		_, rest, _ := strings.Cut(from.text, `class="button" href="`)
		at, _, _ = strings.Cut(rest, `"`)
		at = strings.ReplaceAll(at, "&amp;", "&")
	}
	back := b.get(at)
	if back.StatusCode != http.StatusFound || !strings.HasPrefix(back.Header.Get("Location"), b.h.url+callbackPath) {
		b.h.t.Fatalf("%d, %q: %s", back.StatusCode, back.Header.Get("Location"), back.text)
	}
	return back.Header.Get("Location")
}

// comeBack follows an address back, as a browser does that comes from the provider.
func (b *browser) comeBack(at string) answer {
	b.h.t.Helper()
	r := b.request("GET", at, "", "")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return b.send(r)
}

// TestOIDC: whom an officer or an administrator has bound comes in by the provider, and nobody else, whatever the provider calls them.
func TestOIDC(t *testing.T) {
	t.Parallel()
	p := newProvided(t)
	b := p.browser()
	if a := b.get(SignIn + "?to=/threads"); !strings.Contains(a.text, oidcPath+"?to=%2Fthreads") {
		t.Errorf("%s", a.text)
	}
	p.user("desk-at-the-agency") // its name and mail are desk's, and that is no claim to be desk
	a := b.comeBack(b.inquired(b.get(oidcPath + "?to=/threads")))
	if a.StatusCode != http.StatusForbidden || !strings.Contains(a.text, "This does not let you in, or not any more.") || b.cookie() != "" {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
	all, err := p.Officers(p.as("root"))
	p.must(0, err)
	if len(all) != 2 {
		t.Errorf("an officer was made: %+v", all)
	}

	b.enter("desk")
	p.user("desk-at-the-agency")
	if a := b.comeBack(b.inquired(b.post(Me + "/identity/add"))); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != Me+"?done=bound" {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	if n := p.recorded("office.bind"); n != 1 {
		t.Errorf("%d records", n)
	}
	b.post(SignOut)
	p.user("desk-at-the-agency")
	if a := b.comeBack(b.inquired(b.get(oidcPath + "?to=/threads"))); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/threads" || !b.in("desk") {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	for _, subject := range []string{"desk", "Desk-at-the-agency", "desk-at-the-agency "} {
		other := p.browser()
		p.user(subject)
		if a := other.comeBack(other.inquired(other.get(oidcPath))); a.StatusCode != http.StatusForbidden || other.cookie() != "" {
			t.Errorf("%q: %d", subject, a.StatusCode)
		}
	}
	// An administrator binds an officer, too, and takes it away again.
	p.must(0, p.BindIdentity(p.as("root"), "desk", auth.Identity{Issuer: p.at.Issuer(), Subject: "another"}))
	other := p.browser()
	p.user("another")
	if other.comeBack(other.inquired(other.get(oidcPath))); !other.in("desk") {
		t.Error("not in")
	}
	ways, err := p.Ways(p.as("root"), "desk")
	p.must(0, err)
	for _, i := range ways.Identities {
		if i.MadeBy == "root" {
			p.must(0, p.DropIdentity(p.as("root"), i.Name, false))
		}
	}
	p.user("another")
	if a := other.comeBack(other.inquired(other.get(oidcPath))); a.StatusCode != http.StatusForbidden || other.in("desk") {
		t.Errorf("%d", a.StatusCode)
	}
	if log := p.diary.String(); strings.Contains(log, "desk@xa.example") || strings.Contains(log, p.at.ClientSecret) {
		t.Error("the diary has what it should not")
	}
}

// TestOIDCAnswers: an answer counts in the browser that has asked, to what it has asked, once, and in time.
func TestOIDCAnswers(t *testing.T) {
	t.Parallel()
	p := newProvided(t)
	p.must(0, p.BindIdentity(p.as("root"), "desk", auth.Identity{Issuer: p.at.Issuer(), Subject: "s"}))
	change := func(at, name, value string) string {
		u, err := url.Parse(at)
		p.must(0, err)
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, spoil := range map[string]func(b *browser, at string) string{
		"another state":       func(_ *browser, at string) string { return change(at, "state", "another") },
		"no state":            func(_ *browser, at string) string { return change(at, "state", "") },
		"an error":            func(_ *browser, at string) string { return change(at, "error", "access_denied") },
		"no code":             func(_ *browser, at string) string { return change(at, "code", "") },
		"a code of nothing":   func(_ *browser, at string) string { return change(at, "code", "x") },
		"another issuer":      func(_ *browser, at string) string { return change(at, "iss", "https://evil.example") },
		"a browser without":   func(b *browser, at string) string { b.put(cookieOIDC, ""); return at },
		"a ticket of another": func(b *browser, at string) string { b.put(cookieOIDC, "AAAA"); return at },
		"somebody else's code": func(b *browser, at string) string { // injected: the verifier is not of that code
			attacker := p.browser()
			p.user("s")
			theirs, err := url.Parse(attacker.inquired(attacker.get(oidcPath)))
			p.must(0, err)
			return change(at, "code", theirs.Query().Get("code"))
		},
		"too late": func(_ *browser, at string) string { p.pass(6 * time.Minute); return at },
	} {
		b := p.browser()
		p.user("s")
		at := spoil(b, b.inquired(b.get(oidcPath)))
		if a := b.comeBack(at); a.StatusCode != http.StatusForbidden || !strings.Contains(a.text, "This does not let you in, or not any more.") || b.cookie() != "" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
		p.pass(time.Minute)
	}
	b, victim := p.browser(), p.browser()
	p.user("s")
	at := b.inquired(b.get(oidcPath))
	if a := victim.comeBack(at); a.StatusCode != http.StatusForbidden || victim.cookie() != "" { // somebody is to become somebody else
		t.Errorf("in another browser: %d", a.StatusCode)
	}
	if a := b.comeBack(at); a.StatusCode != http.StatusSeeOther || !b.in("desk") {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	if a := b.comeBack(at); a.StatusCode != http.StatusForbidden {
		t.Errorf("a second time: %d", a.StatusCode)
	}
}

// TestOIDCTokens: what a provider signs counts only if it is right in every part.
func TestOIDCTokens(t *testing.T) {
	t.Parallel()
	p := newProvided(t)
	p.must(0, p.BindIdentity(p.as("root"), "desk", auth.Identity{Issuer: p.at.Issuer(), Subject: "s"}))
	mine := p.at.ClientID
	nonce := func(at, value string) {
		u, err := url.Parse(at)
		p.must(0, err)
		session, err := p.at.SessionStore.GetSessionByID(u.Query().Get("code"))
		p.must(0, err)
		session.OIDCNonce = value
	}
	for _, c := range []struct {
		name       string
		wrong, end func(at string)
	}{
		{"another nonce", func(at string) { nonce(at, "another") }, nil},
		{"no nonce", func(at string) { nonce(at, "") }, nil},
		{"another key", func(string) { p.forge.Store(true) }, func(string) { p.forge.Store(false) }},
		{"over", func(string) { p.at.FastForward(-time.Hour) }, func(string) { p.at.FastForward(time.Hour) }},
		{"not yet", func(string) { p.at.FastForward(time.Hour) }, func(string) { p.at.FastForward(-time.Hour) }},
		{"for another program", func(string) { p.at.ClientID, p.door.provider.client = "another", mine }, func(string) { p.at.ClientID = mine }},
	} {
		b := p.browser()
		p.user("s")
		at := b.inquired(b.get(oidcPath))
		c.wrong(at)
		a := b.comeBack(at)
		if c.end != nil {
			c.end(at)
		}
		if a.StatusCode != http.StatusForbidden || !strings.Contains(a.text, "This does not let you in, or not any more.") || b.cookie() != "" {
			t.Errorf("%s: %d %s", c.name, a.StatusCode, a.text)
		}
	}
	b := p.browser()
	p.user("s")
	if a := b.comeBack(b.inquired(b.get(oidcPath))); a.StatusCode != http.StatusSeeOther || !b.in("desk") {
		t.Errorf("a right one: %d %s", a.StatusCode, a.text)
	}
}

// TestBinding: who is signed in binds whom the provider vouches for in that session, after a press of an own button, and nobody can send somebody else through it.
func TestBinding(t *testing.T) {
	t.Parallel()
	p := newProvided(t)
	b := p.browser()
	b.enter("desk")
	b.from = "cross-site"
	if a := b.post(Me + "/identity/add"); a.StatusCode != http.StatusForbidden {
		t.Errorf("%d", a.StatusCode)
	}
	b.from = ""
	p.user("s")
	at := b.inquired(b.post(Me + "/identity/add"))
	b.enter("root") // another officer in the same browser
	if a := b.comeBack(at); a.StatusCode != http.StatusForbidden || p.recorded("office.bind") != 0 {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
	p.user("s")
	at = b.inquired(b.post(Me + "/identity/add"))
	b.post(SignOut)
	if a := b.comeBack(at); a.StatusCode != http.StatusForbidden || p.recorded("office.bind") != 0 {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
	b.enter("desk")
	p.pass(14 * time.Minute)
	p.user("s")
	at = b.inquired(b.post(Me + "/identity/add"))
	p.pass(2 * time.Minute)
	if a := b.comeBack(at); a.StatusCode != http.StatusForbidden || !strings.Contains(a.text, "Sign in again first") {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
}

// TestNoProvider: a node starts, and lets in by passkeys and links, while the provider is out of reach; where none is set there is no such door.
func TestNoProvider(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	h := newHouse(t, "COMITY_OIDC_ISSUER="+gone.URL, "COMITY_OIDC_CLIENT=c")
	b := h.browser()
	if a := b.get(oidcPath); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.text, "cannot be asked") {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
	if b.enter("desk"); !b.in("desk") {
		t.Error("not in")
	}
	h = newHouse(t)
	for _, path := range []string{oidcPath, callbackPath + "?code=x&state=y"} {
		if a := h.browser().get(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}
