package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/door"
	"github.com/comity-exchange/comity/statement"
)

// TestSite: of all that is served at one address, only the way in, the style and the script are for whoever comes; the rest is for officers who have signed in, and
// the API for programs with a token, which a session is none of.
func TestSite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "XA")
	if _, err := node.Init(t.Context(), dir, node.Founding{Config: config.Defaults("XA"), Names: map[string]string{"en": "State of XA"}}); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(t.Context(), dir, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, err := n.Whoami(r.Context()); err == nil {
			t.Errorf("without a token it is %+v", a)
		}
		w.WriteHeader(http.StatusTeapot)
	})
	const origin = "https://desk.xa.example"
	site, err := Site(t.Context(), n, origin, api, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var cookies []*http.Cookie
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequestWithContext(context.WithoutCancel(t.Context()), method, origin+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		if h := w.Header(); h.Get("Content-Security-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") == "" && path != "/api/x" {
			t.Errorf("%s: %v", path, h)
		}
		return w
	}
	if w := ask(http.MethodGet, "/sign-in", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "This node has no officers yet") || !strings.Contains(w.Body.String(), "State of XA") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	// While there are no officers, the node's own command line may do everything, and a browser still nothing.
	for _, path := range []string{"/", "/threads", "/drafts", "/agreements", "/peers", "/log", "/ledger", "/officers", "/settings", "/me", "/events", "/no-such-page"} {
		if w := ask(http.MethodGet, path, ""); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/sign-in?to=") {
			t.Errorf("%s: %d, to %q", path, w.Code, w.Header().Get("Location"))
		}
	}
	if err := n.AddOfficer(t.Context(), auth.Person{ID: "root", Name: "Administrator", Roles: []auth.Role{auth.Administrator}}); err != nil {
		t.Fatal(err)
	}
	link, err := n.MakeLink(t.Context(), "root", statement.TimeOf(time.Now().Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	w := ask(http.MethodPost, door.LinkPath, url.Values{"key": {link.Reveal()}}.Encode())
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	cookies = w.Result().Cookies()
	if w := ask(http.MethodGet, "/me", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Administrator") || !strings.Contains(w.Body.String(), `href="/log"`) || strings.Contains(w.Body.String(), "⟦") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	if w := ask(http.MethodGet, "/", ""); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/officers" {
		t.Errorf("an administrator begins at %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := ask(http.MethodGet, "/officers", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Administrator") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	if w := ask(http.MethodGet, "/api/x", ""); w.Code != http.StatusTeapot {
		t.Errorf("%d", w.Code)
	}
	if w := ask(http.MethodPost, door.SignOut, ""); w.Code != http.StatusSeeOther {
		t.Errorf("%d", w.Code)
	}
	if w := ask(http.MethodGet, "/me", ""); w.Code != http.StatusSeeOther {
		t.Errorf("%d after signing out", w.Code)
	}
}

// TestCrossSite sends what another site's page would send: it is refused on a page, and to programs as a problem, before anybody is asked who they are.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "XA")
	if _, err := node.Init(t.Context(), dir, node.Founding{Config: config.Defaults("XA"), Names: map[string]string{"en": "State of XA"}}); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(t.Context(), dir, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	reached := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s was reached", r.URL.Path) })
	const origin = "https://desk.xa.example"
	site, err := Site(t.Context(), n, origin, reached, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	thread := "/threads/" + strings.Repeat("0", 64)
	for name, headers := range map[string]http.Header{
		"cross-site": {"Sec-Fetch-Site": {"cross-site"}}, "same-site": {"Sec-Fetch-Site": {"same-site"}}, "a foreign origin": {"Origin": {"https://evil.example"}},
	} {
		for _, path := range []string{thread + "/say", thread + "/read", thread + "/recall", "/may", "/preferences", "/log", "/officers/writer/partner", door.SignOut, "/api/threads"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, origin+path, strings.NewReader("do=send"))
			r.Header = headers.Clone()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			site.ServeHTTP(w, r)
			kind, says := "text/html; charset=utf-8", "<html"
			if strings.HasPrefix(path, "/api/") {
				kind, says = "application/problem+json", `"code":"denied"`
			}
			if h := w.Header(); w.Code != http.StatusForbidden || h.Get("Content-Type") != kind || h.Get("Content-Security-Policy") == "" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: %d %v", name, path, w.Code, h)
			}
			if text := strings.ToLower(w.Body.String()); !strings.Contains(text, says) || !strings.Contains(text, "this came from another site") {
				t.Errorf("%s %s: %s", name, path, w.Body)
			}
		}
	}
}

// TestNamesOfThisMachine: where the pages are at localhost, programs reach theirs by its addresses, too; nothing else is another name of it. Where they have a name of their own, only that counts.
// Whoever is refused is told the name, and the setting that has it.
func TestNamesOfThisMachine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "XA")
	if _, err := node.Init(t.Context(), dir, node.Founding{Config: config.Defaults("XA"), Names: map[string]string{"en": "State of XA"}}); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(t.Context(), dir, node.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	reached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	const yes, no = http.StatusTeapot, http.StatusMisdirectedRequest
	for origin, hosts := range map[string]map[string]int{
		"http://localhost:8460": {
			"localhost:8460": yes, "LOCALHOST:8460": yes, "127.0.0.1:8460": yes, "127.8.8.8:8460": yes, "[::1]:8460": yes,
			"localhost": no, "127.0.0.1": no, "127.0.0.1:8461": no, "evil.example:8460": no, "localhost.evil.example:8460": no, "127.0.0.1.evil.example:8460": no, "a.localhost:8460": no, "127.1:8460": no,
			"2130706433:8460": no, "0.0.0.0:8460": no, "[::]:8460": no, "192.0.2.1:8460": no, "[::1": no, "": no,
		},
		"http://localhost":        {"127.0.0.1": yes, "[::1]:80": yes, "127.0.0.1:8080": no},
		"https://localhost":       {"127.0.0.1:443": yes, "127.0.0.1:80": no},
		"https://desk.xa.example": {"desk.xa.example": yes, "localhost": no, "127.0.0.1": no, "127.0.0.1:443": no, "evil.example": no},
	} {
		site, err := Site(t.Context(), n, origin, reached, reached, slog.New(slog.DiscardHandler), Beside{Path: "/misp/", Handler: reached})
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range hosts {
			for _, path := range []string{"/taxii2/", "/misp/servers/getVersion", "/api", "/api/threads"} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				r.Host = host
				w := httptest.NewRecorder()
				site.ServeHTTP(w, r)
				if w.Code != want {
					t.Errorf("%s at %q, where the pages are at %s: %d, want %d", path, host, origin, w.Code, want)
				}
				if text := w.Body.String(); want == no && (!strings.Contains(text, "web_url") || !strings.Contains(text, origin) || w.Header().Get("Content-Type") != "application/problem+json") {
					t.Errorf("%s at %q: %v %s", path, host, w.Header(), text)
				}
			}
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/threads", nil)
		r.Host = "127.0.0.1:8460"
		w := httptest.NewRecorder()
		if site.ServeHTTP(w, r); w.Code != no || !strings.Contains(w.Body.String(), origin) {
			t.Errorf("a page, where passkeys and cookies hang on the name: %d %s", w.Code, w.Body)
		}
	}
}
