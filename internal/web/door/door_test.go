package door

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/web/page"
)

// TestLink: looking at a link does not use it, using it does, and whoever comes second hears what everybody hears who is not let in.
func TestLink(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	key := h.link("desk")
	scanner := h.browser()
	for range 3 {
		a := scanner.get(LinkPath + "?key=" + key)
		if a.StatusCode != http.StatusOK || !strings.Contains(a.text, `value="`+key+`"`) || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d: %s", a.StatusCode, a.text)
		}
		if scanner.cookie() != "" || scanner.in("desk") {
			t.Error("looking at a link lets in")
		}
	}
	desk, second := h.browser(), h.browser()
	if a := desk.post(LinkPath, "key", " "+key+"\n"); a.StatusCode != http.StatusSeeOther || !desk.in("desk") {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	var words string
	for name, key := range map[string]string{"used": key, "made up": "comity_link_" + strings.Repeat("A", 43), "nothing": "", "long": strings.Repeat("x", 5000), "code": "<script>"} {
		a := second.post(LinkPath, "key", key)
		if words == "" {
			words = a.text
		}
		if a.StatusCode != http.StatusForbidden || a.text != words || second.cookie() != "" {
			t.Errorf("%s: %d, %s", name, a.StatusCode, a.text)
		}
	}
	if !strings.Contains(words, "This does not let you in, or not any more.") {
		t.Errorf("%s", words)
	}
	if strings.Contains(h.diary.String(), key) || strings.Contains(h.diary.String(), desk.cookie()) {
		t.Error("the diary has a secret")
	}
	if a := scanner.get(LinkPath + "?key=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"); strings.Contains(a.text, "<script>alert") {
		t.Error("what stands in an address becomes part of the page")
	}
}

// TestLinkAtOnce: a link that many use in the same moment lets one of them in.
func TestLinkAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	key := h.link("desk")
	browsers := make([]*browser, 8)
	for i := range browsers {
		browsers[i] = h.browser()
	}
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, b := range browsers {
		wg.Go(func() {
			<-start
			r := b.request("POST", LinkPath, "application/x-www-form-urlencoded", "key="+key)
			if a, err := b.Do(r); err != nil {
				t.Error(err)
			} else {
				_ = a.Body.Close()
			}
		})
	}
	close(start)
	wg.Wait()
	in := 0
	for _, b := range browsers {
		if b.cookie() != "" && b.in("desk") {
			in++
		}
	}
	if in != 1 || h.recorded("office.enter") != 1 {
		t.Errorf("%d were let in, %d records", in, h.recorded("office.enter"))
	}
}

// TestNobodyIsTheOperator: behind the door a page that forgot to ask is nobody's, though the node's own command line is the operator's.
func TestNobodyIsTheOperator(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	if a := b.get("/open"); a.text != "operator false: you are not signed in, or not any more: sign in again" {
		t.Error(a.text)
	}
	a := b.get("/threads?desk=assist&x=%2F")
	if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || to != SignIn+"?to=%2Fthreads%3Fdesk%3Dassist%26x%3D%252F" {
		t.Errorf("%d, to %q", a.StatusCode, to)
	}
	for name, value := range map[string]string{"nothing": "", "made up": "comity_session_" + strings.Repeat("A", 43), "a token": "comity_token_" + strings.Repeat("A", 43), "nobody": "nobody"} {
		b.put(h.door.cookie(), value)
		if a := b.get("/"); a.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
}

// TestSessionEnds: when it is idle, when it is old, and whatever else ends it, at once and in every browser.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.enter("desk")
	h.clock.pass(29 * time.Minute)
	if !b.in("desk") { // and so it is seen
		t.Fatal("not in")
	}
	h.clock.pass(29 * time.Minute)
	if !b.in("desk") {
		t.Fatal("idle, though it was used")
	}
	// What a page asks for by itself keeps nobody in.
	h.clock.pass(20 * time.Minute)
	live := b.request("GET", "/", "", "")
	live.Header.Set("Sec-Fetch-Dest", "empty")
	if a := b.send(live); a.StatusCode != http.StatusOK {
		t.Errorf("%d", a.StatusCode)
	}
	h.clock.pass(11 * time.Minute)
	if b.in("desk") {
		t.Error("in, though nobody was there")
	}
	live = b.request("GET", "/", "", "")
	live.Header.Set("Sec-Fetch-Dest", "empty")
	if a := b.send(live); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d: a script is sent to sign in", a.StatusCode)
	}
	if a := b.post("/say", "text", "what took an hour to write"); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.text, "Sign in in another tab") {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}

	b = h.browser()
	b.enter("desk")
	for range 25 {
		h.clock.pass(28 * time.Minute)
		b.in("desk")
	}
	h.clock.pass(20 * time.Minute)
	if b.in("desk") {
		t.Error("in after twelve hours")
	}
}

// TestSignOut: a cookie that was copied is good for nothing once its officer has signed out, or has signed out everywhere, or was disabled.
func TestSignOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	one, thief := h.browser(), h.browser()
	one.enter("desk")
	thief.put(h.door.cookie(), one.cookie())
	if !thief.in("desk") {
		t.Fatal("the cookie is no bearer of the session")
	}
	a := one.post(SignOut)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != SignIn || one.cookie() != "" || thief.in("desk") {
		t.Errorf("%d, the cookie is %q", a.StatusCode, one.cookie())
	}
	root := h.browser()
	root.enter("root")
	one.enter("desk")
	thief.put(h.door.cookie(), one.cookie())
	if a := one.post(SignOut + "/everywhere"); a.StatusCode != http.StatusSeeOther || thief.in("desk") || one.in("desk") || !root.in("root") {
		t.Errorf("%d", a.StatusCode)
	}
	one.enter("desk")
	h.must(0, h.SetDisabled(h.as("root"), "desk", true))
	if one.in("desk") {
		t.Error("a disabled officer is in")
	}
	h.must(0, h.SetDisabled(h.as("root"), "desk", false))
	if one.in("desk") {
		t.Error("the session has come back with its officer")
	}
	one.enter("desk")
	h.must(0, h.SetRoles(h.as("root"), "desk", []auth.Role{auth.DutyOfficer}))
	if one.in("desk") {
		t.Error("a session has got more roles than its officer signed in with")
	}
	one.enter("desk")
	other := h.browser()
	other.enter("desk") // another link: a device was lost
	if one.in("desk") || !other.in("desk") {
		t.Error("who has the lost device is still in")
	}
	h.must(0, h.SignOutEverywhere(h.as("root"), "desk"))
	if other.in("desk") {
		t.Error("an administrator has signed the officer out in vain")
	}
	if err := h.SignOutEverywhere(h.as("desk"), "root"); err == nil || !root.in("root") {
		t.Errorf("an analyst signs an administrator out: %v", err)
	}
}

// TestFixation: a session is always a new one, whatever cookie the browser has brought, and the one before is over.
func TestFixation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	victim, attacker := h.browser(), h.browser()
	attacker.enter("desk")
	planted := attacker.cookie()
	victim.put(h.door.cookie(), planted)
	victim.enter("root")
	if victim.cookie() == planted || !victim.in("root") {
		t.Error("the cookie that somebody else knows has become the victim's session")
	}
	if attacker.in("root") || attacker.in("desk") {
		t.Error("the planted session goes on")
	}
	victim.put(h.door.cookie(), "comity_session_"+strings.Repeat("B", 43))
	victim.enter("root")
	if strings.HasSuffix(victim.cookie(), "BBB") {
		t.Error("the browser has chosen the secret")
	}
}

// TestOtherSites: nothing that another site's page sends is taken, and whoever asks under another name is sent away.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.enter("desk")
	key := h.link("root")
	for _, from := range []string{"cross-site", "same-site"} {
		b.from = from
		for _, path := range []string{SignOut, SignOut + "/everywhere", Me + "/passkey/drop", Me + "/session/end", Me + "/identity/add", "/say"} {
			if a := b.post(path, "name", "x"); a.StatusCode != http.StatusForbidden {
				t.Errorf("%s of a %s page: %d", path, from, a.StatusCode)
			}
		}
		if a := b.post(LinkPath, "key", key); a.StatusCode != http.StatusForbidden { // somebody is to become somebody else
			t.Errorf("a link of a %s page: %d", from, a.StatusCode)
		}
		if a := b.json(passkeyPath+"/begin", "{}"); a.StatusCode != http.StatusForbidden {
			t.Errorf("%d", a.StatusCode)
		}
	}
	b.from = ""
	old := b.request("POST", SignOut, "", "") // a browser that does not say where a request is from, but of which page
	old.Header.Set("Sec-Fetch-Site", "none")
	old.Header.Del("Sec-Fetch-Site")
	old.Header.Set("Origin", "https://evil.example")
	if resp, err := b.Do(old); err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("%v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	if !b.in("desk") {
		t.Error("another site has signed the officer out")
	}
	if a := b.post(passkeyPath+"/begin", "x", "y"); a.StatusCode != http.StatusBadRequest { // what a form can send without being asked for leave
		t.Errorf("%d", a.StatusCode)
	}
	for host, want := range map[string]int{"evil.example": 421, "localhost.evil.example": 421, "localhost:1": 302, "127.0.0.1": 302, "[::1]:80": 302, strings.TrimPrefix(h.url, "http://"): 200} {
		r := b.request("GET", "/", "", "")
		r.Host = host
		a := b.send(r)
		if a.StatusCode != want || want == 302 && a.Header.Get("Location") != h.url+"/" {
			t.Errorf("%s: %d, to %q", host, a.StatusCode, a.Header.Get("Location"))
		}
	}
	r := b.request("POST", "/say", "", "")
	r.Host = "127.0.0.1"
	if a := b.send(r); a.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("%d", a.StatusCode)
	}
}

// TestOwnPaths: nobody is sent to another site, whatever stands in an address.
func TestOwnPaths(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/": "/", "/threads/abc?x=1&y=%2F": "/threads/abc?x=1&y=%2F", "/a//b": "/a//b", "": "/", "threads": "/", "//evil.example": "/", "///evil.example": "/",
		"/\\evil.example": "/", "\\\\evil.example": "/", "https://evil.example": "/", "https:/evil.example": "/", "javascript:alert(1)": "/", "/\tevil": "/",
		"/\n/evil.example": "/", " /threads": "/", "/%0d%0aX: y": "/", "//user@evil.example": "/", "/sign-in?to=/x": "/", "/sign-out": "/", "/sign-in/oidc": "/", "/events": "/",
		"/api/tokens": "/", "/signs": "/signs", "/" + strings.Repeat("a", 2000): "/", "?to=//evil.example": "/", "#x": "/", "/x\x7f": "/",
	} {
		if got := own(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
		got := own(in)
		at, err := url.Parse("https://desk.xa.example/sign-in")
		if err != nil {
			t.Fatal(err)
		}
		if to, err := at.Parse(got); err != nil || to.Host != "desk.xa.example" || to.Scheme != "https" {
			t.Errorf("%q leads to %v", in, to)
		}
	}
	for _, in := range []string{"/.//evil.example", "/..//evil.example", "/a/..//evil.example", "/%2f/evil.example"} {
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest(http.MethodGet, "/", nil), own(in), http.StatusSeeOther)
		if to := w.Header().Get("Location"); strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") {
			t.Errorf("%q leads to %q", in, to)
		}
	}
}

// TestLimits: each address has so many attempts and no more, and hears when to come again. What stands in a header counts from an own proxy alone.
func TestLimits(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "COMITY_WEB_PROXIES=192.0.2.1")
	key := h.link("desk")
	front := h.door.Front(h.rooms(h.door.House))
	try := func(remote, forwarded, key string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, h.url+LinkPath, strings.NewReader("key="+key))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.RemoteAddr = remote
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		w := httptest.NewRecorder()
		front.ServeHTTP(w, r)
		return w
	}
	exhaust := func(remote string, forwarded func(i int) string) (n int) {
		for i := range 3 * addressBurst {
			w := try(remote, forwarded(i), "x")
			if w.Code == http.StatusTooManyRequests {
				if w.Header().Get("Retry-After") != "2" {
					t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
				}
				break
			}
			n++
		}
		return n
	}
	none := func(int) string { return "" }
	if n := exhaust("192.0.2.7:1000", none); n != addressBurst {
		t.Errorf("%d attempts", n)
	}
	if w := try("192.0.2.7:2000", "", key); w.Code != http.StatusTooManyRequests { // even a good one: it cannot be told by trying
		t.Errorf("%d", w.Code)
	}
	if w := try("192.0.2.8:1000", "", "x"); w.Code != http.StatusForbidden {
		t.Errorf("another address: %d", w.Code)
	}
	if n := exhaust("192.0.2.9:1000", func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }); n != addressBurst {
		t.Errorf("%d attempts of whoever invents addresses", n)
	}
	if n := exhaust("192.0.2.1:1000", func(i int) string { return fmt.Sprintf("198.51.100.%d, 203.0.113.99", i) }); n != addressBurst {
		t.Errorf("%d attempts behind the proxy, with an invented address before", n)
	}
	if w := try("192.0.2.1:1000", "203.0.113.98", "x"); w.Code != http.StatusForbidden {
		t.Errorf("another one behind the proxy: %d", w.Code)
	}
	if n := exhaust("[2001:db8::1]:1", none); n != addressBurst {
		t.Errorf("%d", n)
	}
	if w := try("[2001:db8::ffff:2]:1", "", "x"); w.Code != http.StatusTooManyRequests {
		t.Errorf("another address of one subscriber: %d", w.Code)
	}
	h.clock.pass(addressEach)
	if w := try("192.0.2.7:1000", "", key); w.Code != http.StatusSeeOther {
		t.Errorf("after a while: %d", w.Code)
	}
	b := h.browser()
	for range 2*addressBurst + 1 {
		if a := b.json(passkeyPath+"/begin", "{}"); a.StatusCode == http.StatusTooManyRequests {
			if !strings.Contains(a.text, "too many attempts") {
				t.Error(a.text)
			}
			return
		}
	}
	t.Error("whoever begins without end is let")
}

// TestCookies: over https no other host gets at them, no script reads them, and no other site sends them along but with a link.
func TestCookies(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	rooms, err := page.NewHouse("XA", true, h.clock.Now)
	h.must(0, err)
	d, err := New(h.Node, Options{House: rooms, URL: "https://desk.xa.example"})
	h.must(0, err)
	h.door = d
	front := d.Front(h.rooms(rooms))
	r := httptest.NewRequest(http.MethodPost, "https://desk.xa.example"+LinkPath, strings.NewReader("key="+h.link("desk")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	front.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-comity-session-XA") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 {
			t.Errorf("%+v", c)
		}
	}
	if len(w.Result().Cookies()) != 1 {
		t.Errorf("%v", w.Result().Cookies())
	}
	r = httptest.NewRequest(http.MethodPost, "https://desk.xa.example"+passkeyPath+"/begin", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	front.ServeHTTP(w, r)
	if c := w.Result().Cookies(); len(c) != 1 || c[0].Name != "__Host-comity-passkey" || !c[0].HttpOnly || c[0].MaxAge != begunFor {
		t.Errorf("%d %v", w.Code, c)
	}
}
