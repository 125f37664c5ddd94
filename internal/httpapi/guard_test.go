package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// paths are the operations of the description, with something in the place of what varies.
func (h *house) paths() (all [][2]string) {
	fill := strings.NewReplacer("{id}", strings.Repeat("ab", 16), "{part}", "0", "{kind}", "assist.request", "{name}", "abcd", "{code}", "XB", "{serial}", "1")
	for path, item := range description(h).Paths {
		for _, op := range operationsOf(item) {
			all = append(all, [2]string{op.Method, fill.Replace(path)})
		}
	}
	return all
}

// TestUnsigned: nobody is let in without a good token, whatever they ask for and whether or not there are officers.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	empty := &house{t: t, f: h.f, xa: h.xb, seen: map[string]bool{}, tokens: map[string]string{}}
	empty.serve(Options{Burst: 1_000_000}) // XB has no officers
	h.tokens["unknown"], h.tokens["odd"] = auth.NewToken().Reveal(), "hunter2"

	for _, op := range h.paths() {
		for _, who := range []string{"", "unknown", "odd"} {
			a := h.no(401, "denied", who, op[0], op[1], nil)
			if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="comity"` && (who == "" || got != `Bearer realm="comity", error="invalid_token"`) {
				t.Errorf("%s: WWW-Authenticate: %s", who, got)
			}
			if bytes.Contains(a.body, []byte("hunter2")) || bytes.Contains(a.body, []byte(h.tokens["unknown"])) {
				t.Error("the answer tells a token again")
			}
		}
		empty.no(401, "denied", "", op[0], op[1], nil)
	}
	for _, given := range []string{"Basic cm9vdDpyb290", "Bearer", "Bearer ", h.tokens["desk"]} {
		h.no(401, "denied", "", http.MethodGet, "/api/whoami", nil, "Authorization", given)
	}
	h.no(404, "not-found", "desk", http.MethodGet, "/api/nothing", nil)
	if a := h.no(405, "usage", "desk", http.MethodDelete, "/api/threads", nil); a.header.Get("Allow") == "" || a.get("type") != "urn:comity:fault:usage" {
		t.Errorf("405 without Allow, or of another type than code: %s", a.body)
	}
	for _, path := range []string{"/api", "/api//threads", "/api/threads/../counts", "/api/threads/..%2f..%2fetc", "/api/nothing/"} {
		if a := h.no(404, "not-found", "desk", http.MethodGet, path, nil); a.get("type") != "urn:comity:fault:not-found" {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	a := h.well("desk", http.MethodGet, "/api/whoami", nil)
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if a.header.Get(name) != want {
			t.Errorf("%s: %s", name, a.header.Get(name))
		}
	}
	h.f.Clock.Pass(31 * 24 * time.Hour)
	h.no(401, "denied", "desk", http.MethodGet, "/api/whoami", nil) // it has expired
}

// TestOpen: who opens the door of a node without officers closes it by adding one.
func TestOpen(t *testing.T) {
	t.Parallel()
	h := &house{t: t, f: fedtest.New(t, "XA"), seen: map[string]bool{}, tokens: map[string]string{}}
	h.xa = h.f.At("XA")
	h.serve(Options{Open: true, Burst: 1_000_000})
	if v := h.well("", http.MethodGet, "/api/whoami", nil); v.get("operator") != "true" {
		t.Errorf("%s", v.body)
	}
	h.well("", http.MethodPost, "/api/officers", object{"id": "root", "name": "Officer Zero", "roles": []string{"administrator"}})
	h.no(401, "denied", "", http.MethodGet, "/api/whoami", nil)
	h.no(401, "denied", "", http.MethodPost, "/api/officers", object{"id": "two", "name": "Officer Two", "roles": []string{"analyst"}})
}

// TestScopes: a token that only looks does nothing, and a narrow one no more than its roles.
func TestScopes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	draft := h.well("desk", http.MethodPost, "/api/drafts", h.request("a draft")).get("id")
	said := h.well("desk", http.MethodPost, "/api/statements", h.request("a request")).get("id")
	until := statement.TimeOf(h.f.Clock.Now().Add(time.Hour)).String()
	writes := []struct {
		method, path string
		body         any
	}{
		{"POST", "/api/statements", h.request("another")}, {"POST", "/api/drafts", h.request("another")}, {"PATCH", "/api/drafts/" + draft, object{"title": "x"}},
		{"DELETE", "/api/drafts/" + draft, nil}, {"POST", "/api/drafts/" + draft + "/submit", nil}, {"POST", "/api/drafts/" + draft + "/approve", object{"read": strings.Repeat("0", 64)}},
		{"POST", "/api/drafts/" + draft + "/release", nil}, {"POST", "/api/drafts/" + draft + "/return", object{"reason": "no"}},
		{"POST", "/api/recalls", object{"ids": []string{said}, "reason": "incorrect"}}, {"POST", "/api/erasures", object{"ids": []string{said}}},
		{"POST", "/api/agreements", object{"document": raw(fedtest.Pact("XA", "XB"))}}, {"POST", "/api/agreements/" + h.pact.String() + "/steps", object{"kind": "instrument.withdraw"}},
		{"POST", "/api/threads/" + said + "/opened", object{}}, {"POST", "/api/officers", object{"id": "x", "name": "x", "roles": []string{"analyst"}}},
		{"PUT", "/api/officers/desk/roles", object{"roles": []string{"administrator"}}}, {"POST", "/api/officers/desk/disable", nil},
		{"POST", "/api/tokens", object{"officer": "desk", "expires": until}}, {"POST", "/api/links", object{"officer": "desk", "expires": until}},
		{"POST", "/api/letters", object{"letter": "x"}}, {"POST", "/api/letters/XB/confirm", object{"words": []string{"x"}}},
	}
	before := h.xa.LogSize()
	for _, w := range writes {
		if a := h.ask("aud", w.method, w.path, w.body); a.status != 403 && a.status != 409 {
			t.Errorf("an auditor: %s %s: %d %s", w.method, w.path, a.status, a.body)
		}
	}
	if after := h.xa.LogSize(); after != before {
		t.Errorf("an auditor's token has made %d records", after-before)
	}
	root := auth.With(t.Context(), auth.Claim{Token: auth.Typed(h.tokens["root"])})
	h.token(root, "desk", auth.Analyst) // desk is a duty officer, too: this token is not
	if a := h.no(403, "denied", "desk", http.MethodPost, "/api/statements", h.request("too much")); !strings.Contains(a.get("detail"), "this token does not stand for you as duty officer") {
		t.Errorf("%s", a.body)
	}
	a := h.no(403, "denied", "release", http.MethodPost, "/api/statements", func() object { r := h.request("red"); r["marking"] = object{"tlp": "RED"}; return r }())
	if a.get("verdict.permitted") != "false" || a.get("needed") == "" || a.get("clause") == "" {
		t.Errorf("a denial without its grounds: %s", a.body)
	}
}

// TestWithheld: what an operator's own rules hide looks, byte by byte, like what is not there.
func TestWithheld(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	hidden, open := h.asked("a hidden thing"), h.asked("an open thing")
	dir := filepath.Join(h.xa.Dir, "rules")
	h.must(os.MkdirAll(dir, 0o700))
	h.must(os.WriteFile(filepath.Join(dir, "own.cedar"), []byte(`forbid (principal in Role::"analyst", action == Action::"read", resource) when { resource.precedence == "immediate" && resource.desk == "assist" };`), 0o600))
	h.xa.Restart(func(*node.Options) {})
	h.serve(Options{Burst: 1_000_000})
	nothing := strings.Repeat("ab", 32)
	hides := func(method, before, after string, body any) {
		t.Helper()
		a, b := h.no(404, "not-found", "desk", method, before+hidden.ID.String()+after, body), h.no(404, "not-found", "desk", method, before+nothing+after, body)
		if !bytes.Equal(a.body, b.body) {
			t.Errorf("%s%s: what is hidden: %s\nwhat is not there: %s", before, after, a.body, b.body)
		}
	}
	hides("GET", "/api/threads/", "", nil)
	hides("GET", "/api/statements/", "", nil)
	hides("GET", "/api/statements/", "/attachments/0", nil)
	hides("POST", "/api/threads/", "/opened", object{})
	hides("GET", "/api/recalls/", "", nil)
	hides("GET", "/api/agreements/", "", nil)
	if l := h.well("desk", http.MethodGet, "/api/threads", nil); strings.Contains(string(l.body), "hidden") || strings.Contains(string(l.body), open.ID.String()) {
		t.Errorf("%s", l.body)
	}
	if l := h.well("release", http.MethodGet, "/api/threads", nil); !strings.Contains(string(l.body), "a hidden thing") {
		t.Errorf("%s", l.body)
	}
	if l := h.well("desk", http.MethodGet, "/api/threads?q=hidden", nil); l.get("threads") != "[]" || l.get("next") != "" {
		t.Errorf("%s", l.body)
	}
	if c := h.well("desk", http.MethodGet, "/api/counts", nil); c.get("unread") != "1" { // the agreement's
		t.Errorf("%s", c.body)
	}
}

// TestHostile: what no program sends is refused, and tells nothing.
func TestHostile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const post, at = http.MethodPost, "/api/statements"
	before := h.xa.LogSize()
	for name, c := range map[string]struct {
		status int
		code   string
		body   string
	}{
		"no JSON":         {400, "malformed", `{"kind":`},
		"nothing":         {400, "malformed", ``},
		"null":            {400, "malformed", `null`},
		"a list":          {422, "malformed", `[]`},
		"deep":            {400, "malformed", strings.Repeat(`{"facts":`, 200_000)},
		"deep but whole":  {400, "malformed", `{"kind":"assist.request","marking":{"tlp":"AMBER"},"facts":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`},
		"a name twice":    {400, "malformed", `{"kind":"assist.request","kind":"assist.grant","marking":{"tlp":"AMBER"}}`},
		"no UTF-8":        {400, "malformed", "{\"kind\":\"assist.request\",\"marking\":{\"tlp\":\"AMBER\"},\"text\":\"\xff\xfe\"}"},
		"unknown member":  {422, "malformed", `{"kind":"assist.request","marking":{"tlp":"AMBER"},"approval":"00"}`},
		"another case":    {422, "malformed", `{"Kind":"assist.request","marking":{"tlp":"AMBER"}}`},
		"null inside":     {400, "malformed", `{"kind":null,"marking":{"tlp":"AMBER"}}`},
		"a null list":     {400, "malformed", `{"kind":"assist.request","marking":{"tlp":"AMBER"},"to":null}`},
		"a wrong type":    {422, "malformed", `{"kind":7,"marking":{"tlp":"AMBER"}}`},
		"two documents":   {400, "malformed", `{"kind":"assist.request","marking":{"tlp":"AMBER"}} {}`},
		"no such kind":    {400, "usage", `{"kind":"no.such","marking":{"tlp":"AMBER"},"to":["XB"]}`},
		"a record":        {409, "inadmissible", `{"kind":"office.enrol","marking":{"tlp":"RED"}}`},
		"facts no object": {400, "usage", `{"kind":"assist.request","marking":{"tlp":"AMBER"},"to":["XB"],"agreement":"` + h.pact.String() + `","facts":[1]}`},
		"facts null":      {400, "malformed", `{"kind":"assist.request","marking":{"tlp":"AMBER"},"to":["XB"],"agreement":"` + h.pact.String() + `","facts":null}`},
		"too many files":  {422, "malformed", `{"kind":"assist.request","marking":{"tlp":"AMBER"},"attachments":[` + strings.Repeat(`{"name":"a","content":""},`, 40) + `{"name":"a","content":""}]}`},
	} {
		a := h.ask("desk", post, at, c.body)
		if a.status != c.status || a.get("code") != c.code {
			t.Errorf("%s: %d %s; want %d %s", name, a.status, a.body, c.status, c.code)
		}
		if len(a.body) > 8000 || strings.Contains(string(a.body), "goroutine") {
			t.Errorf("%s: tells too much: %d bytes", name, len(a.body))
		}
	}
	huge := `{"kind":"assist.request","text":"` + strings.Repeat("a", 25<<20) + `"}`
	h.no(413, "too-large", "desk", post, at, huge)
	h.no(413, "too-large", "desk", post, at, huge, keyHeader, "huge")
	h.no(413, "too-large", "desk", post, "/api/erasures", `{"ids":["`+strings.Repeat("a", 3<<20)+`"]}`)
	h.no(415, "malformed", "desk", post, at, `<x/>`, "Content-Type", "text/xml")
	h.no(415, "malformed", "desk", post, at, `kind=assist.request`, "Content-Type", "application/x-www-form-urlencoded")
	for _, path := range []string{
		"/api/threads?limit=201", "/api/threads?limit=-1", "/api/threads?limit=x", "/api/threads?order=random", "/api/threads?nonsense=1", "/api/threads?exercise=perhaps",
		"/api/threads?q=" + strings.Repeat("a", 2000), "/api/statements/" + strings.Repeat("ab", 32) + "/attachments/-1",
	} {
		h.no(422, "malformed", "desk", http.MethodGet, path, nil)
	}
	for _, path := range []string{"/api/threads?q=+++", "/api/threads?q=ab*", "/api/threads/xyz", "/api/drafts/zz", "/api/ledger?peer=XB&from=yesterday"} {
		h.no(400, "usage", "desk", http.MethodGet, path, nil)
	}
	if after := h.xa.LogSize(); after != before {
		t.Errorf("something was said %d times", after-before)
	}
}

// TestCursors: a page leads to the next one, and nobody makes a cursor of their own.
func TestCursors(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 7 {
		h.well("desk", http.MethodPost, "/api/statements", h.request(fmt.Sprint("request ", i)))
	}
	var ids []string
	cursor := ""
	for range 20 {
		p := h.well("desk", http.MethodGet, "/api/threads?desk=assist&limit=3&cursor="+cursor, nil)
		for i := range 3 {
			if id := p.get(fmt.Sprintf("threads.%d.id", i)); id != "" {
				ids = append(ids, id)
			}
		}
		if cursor = p.get("next"); cursor == "" {
			break
		}
	}
	if len(ids) != 7 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 7 {
		t.Errorf("%d threads: %v", len(ids), ids)
	}
	good := h.well("desk", http.MethodGet, "/api/threads?desk=assist&limit=3", nil).get("next")
	h.well("desk", http.MethodGet, "/api/threads?desk=assist&limit=2&cursor="+good, nil) // another size is well
	for _, bad := range []string{"x", good + "x", good[1:], strings.Repeat("A", len(good)), strings.Repeat("A", 4000), "AAAA", "%00", swapped(good)} {
		h.no(400, "usage", "desk", http.MethodGet, "/api/threads?desk=assist&cursor="+bad, nil)
	}
	for _, other := range []string{"", "&peer=XB", "&q=request", "&order=due", "&unread=true", "&status=open", "&exercise=true"} {
		if other == "" {
			h.no(400, "usage", "desk", http.MethodGet, "/api/threads?cursor="+good, nil)
			continue
		}
		h.no(400, "usage", "desk", http.MethodGet, "/api/threads?desk=assist"+other+"&cursor="+good, nil)
	}
}

// swapped changes one letter.
func swapped(s string) string {
	b := []byte(s)
	if b[20] == 'A' {
		b[20] = 'B'
	} else {
		b[20] = 'A'
	}
	return string(b)
}

// TestOnce: a write with a key is done once, however often and by how many it is asked for.
func TestOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const post, at = http.MethodPost, "/api/statements"
	before := h.xa.LogSize()
	answers := make([]answered, 12)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = h.ask("desk", post, at, h.request("once"), keyHeader, "key-1") })
	}
	wg.Wait()
	replayed := 0
	for _, a := range answers {
		if a.status != 201 || !bytes.Equal(a.body, answers[0].body) {
			t.Errorf("%d %s; others %s", a.status, a.body, answers[0].body)
		}
		if a.header.Get("Idempotency-Replayed") == "true" {
			replayed++
		}
	}
	if replayed != len(answers)-1 || h.xa.LogSize() != before+1 {
		t.Errorf("%d of %d were told again; the log grew by %d", replayed, len(answers), h.xa.LogSize()-before)
	}
	h.no(422, "failed", "desk", post, at, h.request("something else"), keyHeader, "key-1")
	h.no(422, "failed", "desk", post, "/api/check", h.request("once"), keyHeader, "key-1") // another operation
	h.well("release", post, at, h.request("once"), keyHeader, "key-1")                     // another officer's key is another key
	for _, bad := range []string{strings.Repeat("k", 201), "two words", "\u00e9"} {
		h.no(400, "usage", "desk", post, at, h.request("once"), keyHeader, bad)
	}
	// What failed was not done, and may be asked for again.
	h.no(403, "denied", "reader", post, at, h.request("not by reader"), keyHeader, "key-2")
	h.no(403, "denied", "reader", post, at, h.request("not by reader"), keyHeader, "key-2")
	// A secret is told once.
	until := statement.TimeOf(h.f.Clock.Now().Add(time.Hour)).String()
	first := h.well("root", post, "/api/tokens", object{"officer": "desk", "expires": until}, keyHeader, "key-3")
	again := h.no(409, "inadmissible", "root", post, "/api/tokens", object{"officer": "desk", "expires": until}, keyHeader, "key-3")
	if strings.Contains(string(again.body), first.get("secret")) || !strings.Contains(again.get("detail"), "secret") {
		t.Errorf("%s", again.body)
	}
	h.keptNowhere(first.get("secret"), answers[0].get("id"))
	// After a day the key is free again.
	h.f.Clock.Pass(25 * time.Hour)
	if _, err := h.xa.Tend(t.Context()); err != nil {
		t.Error(err)
	}
	if a := h.well("desk", post, at, h.request("once"), keyHeader, "key-1"); a.header.Get("Idempotency-Replayed") != "" || a.get("id") == answers[0].get("id") {
		t.Errorf("%s", a.body)
	}
}

// keptNowhere: neither a secret nor an answer stands in the store in plain.
func (h *house) keptNowhere(secrets ...string) {
	h.t.Helper()
	h.must(h.xa.Store.View(h.t.Context(), func(tx store.Tx) error {
		a, err := tx.Answer(node.AnswerKey("desk", "key-1"))
		if err != nil || a.Status != 201 || len(a.Sealed) == 0 {
			h.t.Errorf("%+v, %v", a, err)
		}
		for _, s := range secrets {
			if bytes.Contains(a.Sealed, []byte(s)) {
				h.t.Error("an answer is kept in plain")
			}
		}
		a, err = tx.Answer(node.AnswerKey("root", "key-3"))
		if err != nil || a.Status != 201 || len(a.Sealed) != 0 {
			h.t.Errorf("of a secret there is kept %+v, %v", a, err)
		}
		return nil
	}))
}

// TestUnknownOutcome: where a process has died over a request, nobody does it again unasked.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body := `{"kind":"assist.request"}`
	request := statement.Sum([]byte("POST\n/api/statements\napplication/json\n" + body))
	if before, err := h.xa.ClaimAnswer(t.Context(), node.AnswerKey("desk", "died"), request, "a process that died"); err != nil || before != nil {
		t.Fatal(before, err)
	}
	a := h.no(409, "inadmissible", "desk", http.MethodPost, "/api/statements", body, keyHeader, "died")
	if !strings.Contains(a.get("detail"), "not known") {
		t.Errorf("%s", a.body)
	}
}

// TestRate: a token may make so many requests and no more, and one does not take another's.
func TestRate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.serve(Options{Rate: 2, Burst: 5})
	for range 5 {
		h.well("desk", http.MethodGet, "/api/whoami", nil)
	}
	a := h.no(429, "quota", "desk", http.MethodGet, "/api/whoami", nil)
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After: %s", a.header.Get("Retry-After"))
	}
	h.well("release", http.MethodGet, "/api/whoami", nil)
	h.f.Clock.Pass(time.Second)
	h.well("desk", http.MethodGet, "/api/whoami", nil)
	h.well("desk", http.MethodGet, "/api/whoami", nil)
	h.no(429, "quota", "desk", http.MethodGet, "/api/whoami", nil)
	for range 5 {
		h.no(401, "denied", "", http.MethodGet, "/api/whoami", nil)
	}
	h.no(429, "quota", "", http.MethodGet, "/api/whoami", nil) // guessing is slow
	h.well("release", http.MethodGet, "/api/whoami", nil)
}
