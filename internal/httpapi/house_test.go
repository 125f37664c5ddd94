package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/statement"
)

// house is a node with officers, a peer, an agreement with it, and the API of the node.
type house struct {
	t      *testing.T
	f      *fedtest.Federation
	xa, xb *fedtest.Party
	pact   agreement.ID
	server *httptest.Server
	tokens map[string]string

	mu   sync.Mutex
	seen map[string]bool // methods and paths that were answered well; guarded by mu
}

// newHouse makes one. The officers are root, kim (who answers), lee (who approves) and aud (who looks).
func newHouse(t *testing.T) *house {
	t.Helper()
	f := fedtest.New(t, "XA", "XB")
	h := &house{t: t, f: f, xa: f.At("XA"), xb: f.At("XB"), tokens: map[string]string{}, seen: map[string]bool{}}
	h.pact = f.Agree(fedtest.Pact("XA", "XB"), "XA")
	ctx := t.Context()
	h.must(h.xa.AddOfficer(ctx, auth.Person{ID: "root", Name: "Officer Zero", Roles: []auth.Role{auth.Administrator}}))
	root := h.token(ctx, "root")
	for id, roles := range map[string][]auth.Role{
		"kim": {auth.Analyst, auth.DutyOfficer}, "lee": {auth.ReleasingOfficer, auth.LegalAdviser}, "aud": {auth.Auditor}, "ana": {auth.Analyst},
	} {
		h.must(h.xa.AddOfficer(root, auth.Person{ID: id, Name: "Officer " + id, Roles: roles}))
		h.token(root, id)
	}
	h.serve(Options{Burst: 1_000_000, Link: func(s auth.Secret) string { return "https://desk.xa.example/" + s.Reveal() }})
	return h
}

// serve serves the API, instead of what was served before.
func (h *house) serve(o Options) {
	h.server = httptest.NewServer(Handler(h.xa.Node, o))
	h.t.Cleanup(h.server.Close)
}

// token makes a token for an officer, and gives a context in which it is shown.
func (h *house) token(ctx context.Context, officer string, scopes ...auth.Role) context.Context {
	h.t.Helper()
	secret, err := h.xa.MakeToken(ctx, officer, scopes, statement.TimeOf(h.f.Clock.Now().Add(24*time.Hour*30)))
	h.must(err)
	h.tokens[officer] = secret.Reveal()
	return auth.With(h.t.Context(), auth.Claim{Token: secret})
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// answer is what came back.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// get reads a member of the answer, by names and numbers with dots between.
func (a answered) get(path string) string {
	v := jsontext.Value(a.body)
	for _, name := range strings.Split(path, ".") {
		var members map[string]jsontext.Value
		var list []jsontext.Value
		var at int
		switch {
		case json.Unmarshal(v, &members) == nil:
			v = members[name]
		case json.Unmarshal(v, &list) == nil:
			if _, err := fmt.Sscan(name, &at); err != nil || at >= len(list) {
				return ""
			}
			v = list[at]
		}
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

// ask makes a request as an officer; "": without a token. A body that is no string is written as JSON.
func (h *house) ask(officer, method, path string, body any, headers ...string) answered {
	h.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b, json.Deterministic(true))
		h.must(err)
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, r)
	h.must(err)
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if officer != "" {
		req.Header.Set("Authorization", "Bearer "+h.tokens[officer])
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := h.server.Client().Do(req)
	if err != nil {
		h.t.Error(err)
		return answered{}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Error(err)
	}
	if resp.StatusCode < 300 {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.seen[method+" "+strings.SplitN(path, "?", 2)[0]] = true
	}
	return answered{resp.StatusCode, resp.Header, raw}
}

// well is ask, for what must be done.
func (h *house) well(officer, method, path string, body any, headers ...string) answered {
	h.t.Helper()
	a := h.ask(officer, method, path, body, headers...)
	if a.status < 200 || a.status > 299 {
		h.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return a
}

// no is ask, for what must be refused with a problem of that status and code.
func (h *house) no(status int, code string, officer, method, path string, body any, headers ...string) answered {
	h.t.Helper()
	a := h.ask(officer, method, path, body, headers...)
	if a.status != status || a.get("code") != code || a.get("status") != fmt.Sprint(status) || a.header.Get("Content-Type") != "application/problem+json" {
		h.t.Errorf("%s %s as %q: %d %s %s; want %d %s", method, path, officer, a.status, a.header.Get("Content-Type"), a.body, status, code)
	}
	return a
}

type object map[string]any

// request is a request for assistance to XB.
func (h *house) request(title string) object {
	return object{
		"to": []string{"XB"}, "agreement": h.pact.String(), "kind": "assist.request", "marking": object{"tlp": "AMBER"}, "facts": object{"type": "information"},
		"title": title, "text": "The text of " + title + ".",
	}
}

// asked has XB ask XA for something, and waits until it is here.
func (h *house) asked(title string) exchange.Said {
	h.t.Helper()
	said := h.xb.Ask(h.pact, exchange.Draft{Title: title, Text: "Please look at " + title}, "XA")
	h.xa.Has(said.ID)
	return said
}
