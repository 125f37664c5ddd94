package taxii

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/thread"
)

const get, post = http.MethodGet, http.MethodPost

// TestDiscovery walks from discovery to the collections, as a client does that knows the server's address alone.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	// 4.1: discovery stands at /taxii2/ and names API roots.
	d := h.gets(200, "/taxii2/")
	if r := d.read(t); r.Title == "" || len(r.Roots) != 1 || r.Default != r.Roots[0] || !strings.HasSuffix(r.Default, "/") {
		t.Errorf("%s", d.body)
	}
	// Answers have the media type with its version.
	if got := d.header.Get("Content-Type"); got != "application/taxii+json;version=2.1" {
		t.Errorf("Content-Type %s", got)
	}
	// 4.2: an API root tells its title, its versions and how much a request may have.
	root := d.read(t).Default
	if r := h.gets(200, root).read(t); r.Title == "" || len(r.Versions) != 1 || r.Versions[0] != mediaType || r.Max != maxContent {
		t.Errorf("%+v", r)
	}
	// 5.1: the collections: all, and the source.
	all := h.gets(200, root+"collections/").read(t).Collections
	if len(all) != 2 || all[0].CanWrite || !all[1].CanWrite || all[1].Title != "Source: sensors" {
		t.Fatalf("%+v", all)
	}
	// What is said of one tells it apart from all others: by whom, what, since when, how it is marked.
	if says, _ := all[1].Rest["description"].(string); !strings.HasPrefix(says, "What XA has gathered from one place, sensors, since 2026-") || !strings.Contains(says, ", as stix; TLP:") || !strings.HasSuffix(says, " ("+h.source.Short()+")") {
		t.Errorf("%v", all[1].Rest)
	}
	// 5.2: a collection has the id that the address has: clients refuse another.
	for _, one := range all {
		if r := h.gets(200, root+"collections/"+one.ID+"/").read(t); r.ID != one.ID || r.Title != one.Title || r.Rest["description"] != one.Rest["description"] {
			t.Errorf("%+v, listed as %+v", r, one)
		}
	}
	// The ids outlive a new start.
	h.xa.Restart(nil)
	h.serve(Options{})
	if again := h.gets(200, root+"collections/").read(t).Collections; again[0].ID != all[0].ID || again[1].ID != all[1].ID {
		t.Error("other ids after a new start")
	}
	h.gets(404, root+"collections/00000000-0000-4000-8000-000000000000/")
}

// TestRequests: what every resource holds requests against.
func TestRequests(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	all := h.at(thread.ID{})
	// 1.6.8: the media type with and without its version and all ranges over it are taken; anything else is 406.
	for accept, want := range map[string]int{
		mediaType: 200, "application/taxii+json": 200, "*/*": 200, "application/*": 200, "text/html, application/taxii+json; version=2.1;q=0.5": 200,
		"application/json": 406, "application/taxii+json;version=2.0": 406, "application/vnd.oasis.taxii+json": 406, "application/taxii+json;q=0": 406,
	} {
		if a := h.ask("ana", get, all+"objects/", "", "Accept", accept); a.status != want {
			t.Errorf("Accept %s: %d", accept, a.status)
		}
	}
	// Likewise what is posted: 415.
	for content, want := range map[string]int{mediaType: 202, "application/taxii+json": 202, "application/json": 415, "application/taxii+json;version=2.0": 415, "": 415} {
		if a := h.ask("ana", post, h.at(h.source)+"objects/", posted(indicator(1, "one", v1, "")), "Content-Type", content); a.status != want {
			t.Errorf("Content-Type %s: %d %s", content, a.status, a.body)
		}
	}
	// Without credentials that are good: 401, which says how to show them.
	h.tokens["bad"] = "comity_token_bad"
	for _, who := range []string{"", "bad"} {
		if a := h.ask(who, get, "/taxii2/", ""); a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%q: %d %v", who, a.status, a.header)
		}
	}
	// A token by its scheme; and one of an officer who may not read.
	if a := h.ask("", get, all, "", "Authorization", "Bearer "+h.tokens["ana"]); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.ask("root", get, all, ""); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
	// 3.6.1: errors have a title; http_status is a string, and is the answer's.
	for path, want := range map[string]string{
		"/taxii2": "404", "/taxii2/other/": "404", strings.TrimSuffix(all, "/"): "404", all + "objects": "404", all + "objects/" + indicatorID(9) + "/": "404", all + "objects/x/": "404",
		apiRoot + "status/x/": "404",
		// 3.4: a malformed parameter is 400.
		all + "objects/?limit=0": "400", all + "objects/?limit=-1": "400", all + "objects/?limit=x": "400", all + "objects/?added_after=yesterday": "400",
		all + "objects/?added_after=2026-11-21T08:00:00%2B01:00": "400", all + "objects/?next=x": "400", all + "objects/?match[id]=x": "400", all + "objects/?match[type]=A": "400",
		all + "objects/?match[version]=newest": "400", all + "objects/?match[version]=all,last": "400", all + "objects/?match[spec_version]=x": "400", all + "objects/?match[color]=x": "400",
		all + "objects/?limit=1&limit=2": "400", all + "objects/?limit=%zz": "400", all + "objects/" + indicatorID(1) + "/?match[type]=indicator": "400",
	} {
		a := h.ask("ana", get, path, "")
		if r := a.read(t); r.HTTPStatus != want || http.StatusText(a.status) != r.Title || a.header.Get("Content-Type") != mediaType {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	// Deleting is not there; nor is posting to what cannot be written.
	if a := h.ask("ana", http.MethodDelete, all+"objects/"+indicatorID(1)+"/", ""); a.status != 405 || a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.ask("ana", post, all+"objects/", posted(indicator(1, "one", v1, ""))); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestPosting: what becomes of what is posted.
func TestPosting(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	at := h.at(h.source) + "objects/"
	// 5.5: 202 with a status. A broken object costs the others nothing, and has a failure of its own.
	a := h.ask("ana", post, at, posted(indicator(1, "one", v2, ""), `{"type":"indicator"}`, indicator(2, "two", v1, marking.Amber)))
	r := a.read(t)
	if a.status != 202 || r.Status != "complete" || r.Total != 3 || r.Success != 2 || r.Failure == nil || *r.Failure != 1 || r.Pending == nil || *r.Pending != 0 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	// Its lists have as many as their counts say; one that would be empty is not there.
	if len(r.Successes) != 2 || len(r.Failures) != 1 || strings.Contains(a.body, "pendings") || !slices.Contains(r.Successes, detail{ID: indicatorID(1), Version: v2}) || !strings.HasPrefix(r.Failures[0].Message, "object 2, which begins at byte ") {
		t.Errorf("%s", a.body)
	}
	// What a status says is there, is there; a version comes back as it was written.
	if m := h.gets(200, h.at(h.source)+"manifest/").read(t); len(m.Objects) != 2 || m.Objects[0]["version"] != v2 && m.Objects[1]["version"] != v2 {
		t.Errorf("%+v", m)
	}
	// An exact duplicate is no error.
	if r := h.ask("ana", post, at, posted(indicator(1, "one", v2, ""))).read(t); r.Success != 1 || *r.Failure != 0 || len(r.Successes) != 1 {
		t.Errorf("%+v", r)
	}
	// 4.3: a status is kept for a day, over a new start, for who has posted; then it is 404.
	status := apiRoot + "status/" + r.ID + "/"
	h.xa.Restart(nil)
	h.serve(Options{})
	if s := h.gets(200, status); s.body != a.body {
		t.Errorf("%s", s.body)
	}
	if s := h.ask("other", get, status, ""); s.status != 404 {
		t.Errorf("another sees the status: %d", s.status)
	}
	h.f.Clock.Pass(23 * time.Hour)
	h.gets(200, status)
	h.f.Clock.Pass(2 * time.Hour)
	h.gets(404, status)
	// 422: what cannot be processed.
	for _, bad := range []string{"x", "{}", `{"objects":[]}`, "[" + indicator(3, "three", v1, "") + "]", `{"objects":[` + indicator(3, "three", v1, "")} {
		if a := h.ask("ana", post, at, bad); a.status != 422 {
			t.Errorf("%.20s: %d %s", bad, a.status, a.body)
		}
	}
	// 413 above max_content_length, told or found out.
	huge := `{"objects":[` + strings.Repeat(" ", maxContent) + `]}`
	if a := h.ask("ana", post, at, huge); a.status != 413 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestFilters: match narrows by each field; values of one field add up.
func TestFilters(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	malware := `{"type":"malware","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-000000000001","created":"2026-11-01T00:00:00.000Z","modified":"2026-11-01T00:00:00.000Z","name":"kettle","is_family":true}`
	h.adds(h.source, marking.Green, indicator(1, "a1", v1, ""), indicator(1, "a2", v2, ""), indicator(1, "a3", v3, ""), indicator(2, "b1", v1, ""), malware)
	one := h.at(h.source) + "objects/" + indicatorID(1) + "/"
	for query, want := range map[string]string{
		"":                              "a3 b1 kettle", // the last version
		"match[type]=malware":           "kettle",
		"match[type]=malware,indicator": "a3 b1 kettle",
		"match[id]=" + indicatorID(1):   "a3",
		"match[id]=" + indicatorID(1) + "&match[type]=malware": "",
		"match[version]=first":                                 "a1 b1 kettle",
		"match[version]=last":                                  "a3 b1 kettle",
		"match[version]=first,last":                            "a1 a3 b1 kettle",
		"match[version]=all":                                   "a1 a2 a3 b1 kettle",
		"match[version]=" + v2:                                 "a2",
		"match[version]=" + v2 + ",first":                      "a1 a2 b1 kettle",
		"match[spec_version]=2.1":                              "a3 b1 kettle",
		"match[spec_version]=2.0":                              "",
		"match[spec_version]=2.0,2.1&limit=1":                  "a3",
	} {
		a := h.gets(200, h.at(h.source)+"objects/?"+query)
		if r := a.read(t); names(r) != want {
			t.Errorf("%s: %s, want %s", query, names(r), want)
		}
		// Empty lists are left out. What was added first and last stands in the headers of every page.
		if first, last := a.header.Get("X-TAXII-Date-Added-First"), a.header.Get("X-TAXII-Date-Added-Last"); strings.Contains(a.body, "[]") || len(first) != len("2026-11-21T08:00:00.000000Z") || first > last {
			t.Errorf("%s: %s %v", query, a.body, a.header)
		}
		if m := h.gets(200, h.at(h.source)+"manifest/?"+query).read(t); len(m.Objects) != len(strings.Fields(want)) {
			t.Errorf("manifest of %s: %+v", query, m)
		}
	}
	// 5.6, 5.8: one object, and its versions in the order in which they were added.
	if r := h.gets(200, one+"?match[version]=all").read(t); names(r) != "a1 a2 a3" {
		t.Errorf("%+v", r)
	}
	a := h.gets(200, one+"versions/")
	if r := a.read(t); strings.Join(r.Versions, " ") != v1+" "+v2+" "+v3 || a.header.Get("X-TAXII-Date-Added-Last") == "" {
		t.Errorf("%s", a.body)
	}
	// An object that is here, of which nothing fits, is no 404.
	if a := h.gets(200, one+"?match[spec_version]=2.0"); a.body != "{}" {
		t.Errorf("%s", a.body)
	}

	// What has no versions of its own has the date on which it was added for one, in the manifest and in match[version].
	const host = `{"type":"domain-name","spec_version":"2.1","id":"domain-name--00000000-0000-4000-8000-000000000001","value":"host.example"}`
	h.adds(h.source, marking.Green, host)
	m := h.gets(200, h.at(h.source)+"manifest/?match[type]=domain-name").read(t).Objects
	if len(m) != 1 || m[0]["version"] != m[0]["date_added"] {
		t.Fatalf("%+v", m)
	}
	if r := h.gets(200, fmt.Sprintf("%sobjects/?match[version]=%s", h.at(h.source), m[0]["version"])).read(t); len(r.Objects) != 1 || r.Objects[0]["value"] != "host.example" {
		t.Errorf("%+v", r)
	}
}

// TestBesideThePages: the pages' rules for browsers keep no program out, and a program needs no session.
func TestBesideThePages(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	const origin = "http://localhost:8443"
	site, err := web.Site(t.Context(), h.xa.Node, origin, nil, Handler(h.xa.Node, Options{}), slog.New(slog.DiscardHandler))
	h.must(err)
	for path, body := range map[string]string{Root: "", h.at(h.source) + "objects/": posted(indicator(1, "one", v1, ""))} {
		method, want := get, 200
		if body != "" {
			method, want = post, 202
		}
		r := httptest.NewRequestWithContext(t.Context(), method, origin+path, strings.NewReader(body))
		r.Header.Set("Content-Type", mediaType)
		none := httptest.NewRecorder()
		site.ServeHTTP(none, r.Clone(t.Context()))
		r.SetBasicAuth("", h.tokens["ana"])
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		if w.Code != want || none.Code != 401 {
			t.Errorf("%s: %d, without a token %d: %s", path, w.Code, none.Code, w.Body)
		}
	}
}
