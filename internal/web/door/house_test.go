package door

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/internal/web/static"
	"github.com/comity-exchange/comity/statement"
)

// clock stands still until a test turns it.
type clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// diary is what the node and the door have logged.
type diary struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.Write(b)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.String()
}

// house is a node with a door that is served. Behind it is one page, which says who looks at it.
type house struct {
	*node.Node
	t     *testing.T
	clock *clock
	diary *diary
	door  *Door
	url   string
}

// newHouse makes the node of XA, with the officers root and desk. env has settings, "%s" in them is the origin.
func newHouse(t *testing.T, env ...string) *house {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, clock: &clock{now: time.Now()}, diary: &diary{}} // a provider's tokens are of the machine's own time
	_, port, _ := net.SplitHostPort(l.Addr().String())
	h.url = "http://localhost:" + port
	dir := filepath.Join(t.TempDir(), "XA")
	h.must(0, func() error {
		_, err := node.Init(t.Context(), dir, node.Founding{Config: config.Defaults("XA"), Names: map[string]string{"en": "State of XA"}, Now: h.clock.Now})
		return err
	}())
	log := slog.New(slog.NewTextHandler(h.diary, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.Node, err = node.Open(t.Context(), dir, node.Options{Now: h.clock.Now, Env: env, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(func() {
		server.Close()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	rooms, err := page.NewHouse("XA", false, h.clock.Now)
	h.must(0, err)
	h.door, err = New(h.Node, Options{House: rooms, URL: h.url, Log: log})
	h.must(0, err)
	_ = server.Listener.Close()
	server.Listener, server.Config.Handler = l, h.door.Front(h.rooms(rooms))
	server.Start()
	h.must(0, h.AddOfficer(t.Context(), auth.Person{ID: "root", Name: "Administrator", Roles: []auth.Role{auth.Administrator}}))
	h.must(0, h.AddOfficer(h.as("root"), auth.Person{ID: "desk", Name: "Desk officer", Roles: []auth.Role{auth.Analyst}, Languages: []string{"en"}}))
	return h
}

func (h *house) rooms(rooms *page.House) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, rooms.Assets)
	h.door.Routes(mux)
	mux.Handle("/", h.door.Signed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := h.Whoami(r.Context())
		fmt.Fprintf(w, "%s %s, and the node says %s %v %v", r.Method, Visitor(r.Context()).Officer, a.ID, a.Operator, err)
	})))
	mux.HandleFunc("/open", func(w http.ResponseWriter, r *http.Request) { // a page that was forgotten to be put behind Signed
		a, err := h.Whoami(r.Context())
		fmt.Fprintf(w, "operator %v: %v", a.Operator, err)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // as the pages have it
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		mux.ServeHTTP(w, r)
	})
}

// must takes what is not to fail.
func (h *house) must(_ any, err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// as is a context of an officer who shows a token.
func (h *house) as(id string) context.Context {
	h.t.Helper()
	ctx := h.t.Context()
	if id != "root" {
		ctx = h.as("root")
	}
	token, err := h.MakeToken(ctx, id, nil, statement.TimeOf(h.clock.Now().Add(time.Hour)))
	h.must(0, err)
	return auth.With(h.t.Context(), auth.Claim{Token: token})
}

// link makes a one-time link.
func (h *house) link(id string) string {
	h.t.Helper()
	secret, err := h.MakeLink(h.as("root"), id, statement.TimeOf(h.clock.Now().Add(time.Hour)))
	h.must(0, err)
	return secret.Reveal()
}

// browser is one with cookies that follows no redirect.
type browser struct {
	*http.Client
	h    *house
	jar  *cookiejar.Jar
	from string // Sec-Fetch-Site; "": an own page's
}

func (h *house) browser() *browser {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	h.must(0, err)
	b := &browser{h: h, jar: jar, Client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	h.t.Cleanup(b.CloseIdleConnections)
	return b
}

// answer is what came back, read.
type answer struct {
	*http.Response
	text string
}

func (b *browser) send(r *http.Request) answer {
	b.h.t.Helper()
	if r.Header.Get("Sec-Fetch-Site") == "" {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if b.from != "" {
		r.Header.Set("Sec-Fetch-Site", b.from)
	}
	resp, err := b.Do(r)
	if err != nil {
		b.h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	b.h.must(0, err)
	return answer{resp, string(text)}
}

func (b *browser) request(method, path, kind, body string) *http.Request {
	b.h.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = b.h.url + path
	}
	r, err := http.NewRequestWithContext(b.h.t.Context(), method, path, strings.NewReader(body))
	b.h.must(0, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

func (b *browser) get(path string) answer { return b.send(b.request("GET", path, "", "")) }

func (b *browser) post(path string, fields ...string) answer {
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	return b.send(b.request("POST", path, "application/x-www-form-urlencoded", v.Encode()))
}

func (b *browser) json(path, body string) answer {
	return b.send(b.request("POST", path, "application/json", body))
}

// enter signs in by a new link.
func (b *browser) enter(id string) {
	b.h.t.Helper()
	if a := b.post(LinkPath, "key", b.h.link(id)); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != Me+"?done=entered" {
		b.h.t.Fatalf("%d, to %q: %s", a.StatusCode, a.Header.Get("Location"), a.text)
	}
}

// in tells whether the browser is signed in as somebody.
func (b *browser) in(id string) bool {
	b.h.t.Helper()
	a := b.get("/")
	return a.StatusCode == http.StatusOK && a.text == fmt.Sprintf("GET %s, and the node says %s false <nil>", id, id)
}

// cookie is the session's.
func (b *browser) cookie() string {
	u, _ := url.Parse(b.h.url)
	for _, c := range b.jar.Cookies(u) {
		if c.Name == b.h.door.cookie() {
			return c.Value
		}
	}
	return ""
}

func (b *browser) put(name, value string) {
	u, _ := url.Parse(b.h.url)
	b.jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}
