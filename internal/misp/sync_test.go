package misp

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// TestSignIn: what an instance and PyMISP ask before anything else.
func TestSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	type version struct {
		Version   string   `json:"version"`
		Py        string   `json:"pymisp_recommended_version"`
		Sync      *bool    `json:"perm_sync"`
		Sighting  *bool    `json:"perm_sighting"`
		Galaxy    *bool    `json:"perm_galaxy_editor"`
		Analyst   *bool    `json:"perm_analyst_data"`
		UUID      string   `json:"uuid"`
		Encodings []string `json:"request_encoding"`
		Filter    bool     `json:"filter_sightings"`
	}
	// An instance breaks off where the other side's major or minor is not its own: it hears what it is itself.
	for agent, want := range map[string]string{
		"MISP 2.5.17 - #0123456789abcdef": "2.5.17", "MISP 2.5.1": "2.5.1", "MISP 2.4.198 - #0": "2.4.198", "curl/8": thisVersion, "MISP 2.5": thisVersion, "MISP 3.0.0": thisVersion,
	} {
		v := read[version](t, h.gets(200, "/misp/servers/getVersion", "User-Agent", agent))
		if v.Version != want || v.Sync == nil || !*v.Sync || !*v.Sighting || *v.Galaxy || *v.Analyst || v.UUID == "" || strings.Join(v.Encodings, " ") != "gzip" || !v.Filter {
			t.Errorf("%s: %+v", agent, v)
		}
	}
	// PyMISP says in its User-Agent which it is, and warns where another is recommended.
	if v := read[version](t, h.gets(200, "/misp/servers/getVersion", "User-Agent", "PyMISP 2.5.12 - Python 3.12")); v.Py != "2.5.12" || v.Version != thisVersion {
		t.Errorf("%+v", v)
	}
	if v := read[version](t, h.gets(200, "/misp/servers/getPyMISPVersion.json", "User-Agent", "PyMISP 2.5.12 - Python 3.12")); v.Version != "2.5.12" {
		t.Errorf("%+v", v)
	}
	// Who may bring nothing has no right to push, and is told so here and not in the middle.
	if v := read[version](t, h.wants(200, h.ask("aud", get, "/misp/servers/getVersion", ""), "as an auditor")); *v.Sync || *v.Sighting {
		t.Errorf("%+v", v)
	}
	// The POST test compares the text byte for byte, and what was received of its headers with application/json.
	echo := read[struct {
		Body    map[string]string `json:"body"`
		Headers map[string]string `json:"headers"`
	}](t, h.posts(200, "/misp/servers/postTest", `{"testString":"äöü \u65e5 \"<>&/\\ \ud83d\ude00"}`))
	if echo.Body["testString"] != "äöü 日 \"<>&/\\ 😀" || echo.Headers["Accept"] != "application/json" || echo.Headers["Content-type"] != "application/json" || echo.Headers["Authorization"] != "OK" {
		t.Errorf("%+v", echo)
	}
	// PyMISP reads Role and UserSetting whatever comes.
	for _, path := range []string{"/misp/users/view/me", "/misp/users/view/me.json"} {
		me := read[map[string]jsontext.Value](t, h.gets(200, path))
		if len(me["User"]) == 0 || me["Role"].Kind() != '{' || me["UserSetting"].Kind() != '{' {
			t.Errorf("%v", me)
		}
	}
	h.gets(403, "/misp/users/view/2")
}

// TestKeys: how a token may be shown, and what comes back where it is not good.
func TestKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	const path = "/misp/servers/getVersion"
	// The form of an instance rejects a key in which no 40 letters and digits stand together.
	letters := 0
	for _, r := range h.tokens["ana"] {
		if letters++; !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789", r) {
			letters = 0
		}
	}
	if letters < 40 {
		t.Errorf("an instance would not take %d letters and digits for a key", letters)
	}
	for name, show := range map[string][]string{
		"bare": {"Authorization", h.tokens["ana"]}, "bearer": {"Authorization", "Bearer " + h.tokens["ana"]}, "its own header": {"X-MISP-AUTH", h.tokens["ana"], "Authorization", "Basic eDp5"},
	} {
		h.wants(200, h.ask("", get, path, "", show...), name)
	}
	// Without a key, or with one that is not good: 403 with JSON, which an instance shows as "not authorised".
	for name, show := range map[string][]string{"none": nil, "bad": {"Authorization", strings.Repeat("a", 40)}} {
		a := h.wants(403, h.ask("", get, path, "", show...), name)
		if r := read[map[string]jsontext.Value](t, a); len(r["name"]) == 0 || len(r["message"]) == 0 || string(r["url"]) != `"/servers/getVersion"` || len(r["errors"]) == 0 || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	// A feed's reader is asked for its password.
	if a := h.wants(401, h.ask("", get, "/misp/feed/all/manifest.json", ""), "a feed"); !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("%v", a.header)
	}
	h.wants(403, h.ask("root", get, path, ""), "somebody who may not read")
	// Who guesses is slowed down.
	h.serve(Options{Rate: 1, Burst: 2})
	for i, want := range []int{403, 403, 429} {
		h.wants(want, h.ask("", get, path, "", "Authorization", "guess"), fmt.Sprint(i))
	}
	for _, want := range []int{200, 200, 429} {
		if a := h.gets(want, path); want == 429 && a.header.Get("Retry-After") == "" {
			t.Errorf("%v", a.header)
		}
	}
}

// TestPaths: what is not there, by whatever way it is asked for.
func TestPaths(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	for path, want := range map[string]int{
		"/misp/": 404, "/misp/x": 404, "/misp/servers/getVersion/1": 404, "/misp/galaxies/index": 404, "/misp/events/view/1": 404, "/misp/events/view": 404, "/misp/servers/postTest": 405,
		"/misp/source/": 404, "/misp/source/none/events/index": 404, "/misp/" + strings.Repeat("a/", 100): 413, "/misp/feed/none/manifest.json": 404, "/misp/feed/all/x": 404, "/misp/feed/all/x.json": 404,
		"/misp/feed/" + h.source.String() + "/manifest.json": 200, "/misp/source/sensors/events/index": 200, "/misp/events.json": 200, "/misp/events/index/limit:5": 200, "/misp/events/index/limit:x": 400,
		"/misp/events/index?searchtag=a": 200,
	} {
		if a := h.gets(want, path); !strings.HasPrefix(a.body, "{") && !strings.HasPrefix(a.body, "[") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	h.posts(403, "/misp/events/delete/1", "{}")
	h.wants(405, h.ask("ana", "DELETE", "/misp/events/view/1", ""), "DELETE")
	h.wants(405, h.ask("ana", post, "/misp/feed/all/manifest.json", "{}"), "a feed is read")
	h.posts(400, "/misp/events/index", "{")
	h.posts(400, "/misp/events/index", `["a"]`)
	h.posts(413, "/misp/events/index", `{"tags":"`+strings.Repeat("a", maxAsked)+`"}`)
}

// TestPull is an instance that pulls: everything, nothing new, a new version, an erasure.
func TestPull(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.adds(h.source, marking.Green, indicator(1, "one", v1, ""), indicator(2, "two", v1, ""))
	said := h.brings(h.source, marking.Green, anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", ""), attribute(2, "ip-dst", "198.51.100.7", "")))
	had := map[string]string{}
	events, requests := h.pull(had)
	if len(events) != 2 || requests != 3 {
		t.Fatalf("%d events by %d requests", len(events), requests)
	}
	// What came from MISP is that event again: its UUID, its organisation, its attributes.
	walnut, ok := events[eventUUID(1)]
	if !ok || walnut.Info != "walnut" || walnut.Orgc == nil || walnut.Orgc.Name != "XB.cert" || values(walnut) != "walnut.example 198.51.100.7" || string(walnut.Attributes[0].UUID) != attributeUUID(1) || !bool(walnut.Published) {
		t.Errorf("%+v", walnut)
	}
	delete(events, eventUUID(1))
	var ours string
	for uuid, e := range events {
		if ours = uuid; string(e.UUID) != uuid || values(e) != "host1.example host2.example" || e.Orgc.Name != "XA" || e.Tags[0].Name != "tlp:green" || e.Date == "" {
			t.Errorf("%+v", e)
		}
	}
	h.head(200, ours)
	h.head(404, eventUUID(9))
	// Proposals: never any.
	if a := h.gets(200, "/misp/shadow_attributes/index/all:1/timestamp:1790000000/limit:1000/page:1/deleted[]:0/deleted[]:1.json"); a.body != "[]" {
		t.Errorf("%s", a.body)
	}

	// Nothing new: one request, answered without a body, and no event is looked at.
	index := h.posts(200, "/misp/events/index", `{"minimal":1,"published":1}`)
	same := h.posts(304, "/misp/events/index", `{"minimal":1,"published":1}`, "If-None-Match", index.header.Get("ETag"))
	if events, requests := h.pull(had); len(events) != 0 || requests != 1 || same.body != "" {
		t.Errorf("%d events by %d requests", len(events), requests)
	}
	// What else the node says is not news to MISP.
	h.opens("other", "stix", marking.Green)
	h.posts(304, "/misp/events/index", `{"minimal":1,"published":1}`, "If-None-Match", index.header.Get("ETag"))

	// A newer version comes in the event in which the object is, and a new object in one of its own.
	h.adds(h.source, marking.Green, strings.Replace(indicator(2, "two", v2, ""), "host2", "changed2", 1), indicator(3, "three", v1, ""))
	h.posts(200, "/misp/events/index", `{"minimal":1,"published":1}`, "If-None-Match", index.header.Get("ETag"))
	events, requests = h.pull(had)
	if len(events) != 2 || requests != 3 || values(events[ours]) != "host1.example changed2.example" {
		t.Errorf("%d events by %d requests: %v", len(events), requests, values(events[ours]))
	}
	delete(events, ours)
	for _, e := range events {
		if values(e) != "host3.example" {
			t.Errorf("%v", values(e))
		}
	}
	// A node that starts anew says the same.
	index = h.posts(200, "/misp/events/index", `{"minimal":1,"published":1}`)
	h.xa.Restart(nil)
	h.serve(Options{})
	h.posts(304, "/misp/events/index", `{"minimal":1,"published":1}`, "If-None-Match", index.header.Get("ETag"))

	// What is erased is no longer there.
	h.erases(said.Said...)
	after := h.posts(200, "/misp/events/index", `{"minimal":1,"published":1}`, "If-None-Match", index.header.Get("ETag"))
	if strings.Contains(after.body, eventUUID(1)) || len(read[[]minimalRow](t, after)) != 2 {
		t.Errorf("%s", after.body)
	}
	h.gets(404, "/misp/events/view/"+eventUUID(1)+pullArgs)
	h.gets(404, "/misp/feed/all/"+eventUUID(1)+".json")
}

func (h *house) head(status int, uuid string) {
	h.t.Helper()
	if a := h.wants(status, h.ask("ana", head, "/misp/events/view/"+uuid, ""), "HEAD "+uuid); a.body != "" {
		h.t.Errorf("%s", a.body)
	}
}

// erases erases statements, as an officer who may.
func (h *house) erases(ids ...statement.ID) {
	h.t.Helper()
	_, err := h.xa.Erase(auth.With(h.t.Context(), auth.Claim{Token: auth.Typed(h.tokens["rel"])}), ids, statement.By{})
	h.must(err)
}

// TestHome: a newer version of an object stays in the event in which the object came, until that is gone; a label that is another makes it another event's.
func TestHome(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	first := h.adds(h.source, marking.Green, indicator(1, "one", v1, ""), indicator(2, "two", v1, ""))
	h.adds(h.source, marking.Green, indicator(1, "one again", v2, ""))
	h.adds(h.source, marking.Green, strings.Replace(indicator(1, "one at last", v3, ""), "host1", "last1", 1), indicator(3, "three", v1, ""))
	shown := func() string {
		t.Helper()
		var out []string
		for _, row := range read[[]minimalRow](t, h.posts(200, "/misp/events/index", `{"minimal":1}`)) {
			out = append(out, values(read[wrapped](t, h.gets(200, "/misp/events/view/"+row.UUID)).Event))
		}
		return strings.Join(out, " | ")
	}
	if got := shown(); got != "host2.example last1.example | host3.example" {
		t.Errorf("%s", got)
	}
	// So it is for a node that starts anew, and looks at the parcels in their order.
	h.xa.Restart(nil)
	h.serve(Options{})
	if got := shown(); got != "host2.example last1.example | host3.example" {
		t.Errorf("%s", got)
	}
	h.erases(first.Said...)
	if got := shown(); got != "last1.example | host3.example" {
		t.Errorf("%s", got)
	}
	h.xa.Restart(nil)
	h.serve(Options{})
	if got := shown(); got != "last1.example | host3.example" {
		t.Errorf("%s", got)
	}
}

// TestBesideThePages: the pages' rules for browsers keep no instance out, and it needs no session.
func TestBesideThePages(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	const origin = "http://localhost:8443"
	site, err := web.Site(t.Context(), h.xa.Node, origin, nil, nil, slog.New(slog.DiscardHandler), web.Beside{Path: Root, Handler: Handler(t.Context(), h.xa.Node, Options{})})
	h.must(err)
	for path, method := range map[string]string{"/misp/servers/getVersion": get, "/misp/events/index": post, "/misp/events/view/1/deleted[]:0": get, "/misp/feed/all/manifest.json": get} {
		want := map[string]int{"/misp/events/view/1/deleted[]:0": 404}[path]
		r := httptest.NewRequestWithContext(t.Context(), method, origin+path, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		none := httptest.NewRecorder()
		site.ServeHTTP(none, r.Clone(t.Context()))
		r.Header.Set("Authorization", h.tokens["ana"])
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		if w.Code != max(want, 200) || none.Code != 403 && none.Code != 401 {
			t.Errorf("%s: %d, without a token %d: %s", path, w.Code, none.Code, w.Body)
		}
	}
}
