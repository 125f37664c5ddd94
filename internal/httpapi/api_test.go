package httpapi

import (
	"encoding/base64"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/statement"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// TestDescription: the description that is committed is the one that is served.
func TestDescription(t *testing.T) {
	t.Parallel()
	h := &house{t: t, f: fedtest.New(t, "XA"), seen: map[string]bool{}}
	h.xa = h.f.At("XA")
	h.serve(Options{})
	got := h.well("", http.MethodGet, descriptionPath, nil)
	if *update {
		h.must(os.WriteFile("openapi.json", got.body, 0o644))
	}
	want, err := os.ReadFile("openapi.json")
	h.must(err)
	if string(want) != string(got.body) {
		t.Error("openapi.json is not what is served: go test ./internal/httpapi -run TestDescription -update writes it anew")
	}
	if got.get("openapi") != "3.1.0" || strings.Contains(string(got.body), "ErrorModel") && strings.Contains(string(got.body), `"$ref": "#/components/schemas/ErrorModel"`) {
		t.Error("not OpenAPI 3.1, or problems of two kinds")
	}

	for name := range description(h).Components.Schemas.Map() {
		if !regexp.MustCompile(`^[a-zA-Z0-9._-]+$`).MatchString(name) { // OpenAPI 3.1.0, 4.8.7.1: what makes clients from it takes no other
			t.Errorf("a schema has the name %s", name)
		}
	}
	for _, ref := range regexp.MustCompile(`"\$ref": ?"([^"]*)"`).FindAllStringSubmatch(string(got.body), -1) {
		name, local := strings.CutPrefix(ref[1], "#/components/schemas/")
		if _, there := description(h).Components.Schemas.Map()[name]; !local || !there {
			t.Errorf("%s leads nowhere", ref[1])
		}
	}
	page := h.well("", http.MethodGet, docsPath, nil)
	text := string(page.body)
	for _, bad := range []string{"<script", "style=", "<style", "http://", "https://", "<link", "<img"} {
		if strings.Contains(text, bad) {
			t.Errorf("the reader has %s", bad)
		}
	}
	if !strings.HasPrefix(page.header.Get("Content-Security-Policy"), "default-src 'none'") || page.header.Get("Cache-Control") != "no-store" {
		t.Error("headers:", page.header)
	}
	for path, item := range description(h).Paths {
		for _, op := range operationsOf(item) {
			if !strings.Contains(text, `id="`+op.OperationID+`"`) || !strings.Contains(text, path) {
				t.Errorf("the reader does not tell of %s", op.OperationID)
			}
		}
	}
}

func description(h *house) *huma.OpenAPI {
	a := &api{node: h.xa.Node}
	a.huma = testAPI(a)
	return a.huma.OpenAPI()
}

// TestEverything does everything at least once, on real nodes, and holds that against the description.
func TestEverything(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const get, post = http.MethodGet, http.MethodPost
	incoming := h.asked("beacons of the tin kettle")

	if me := h.well("desk", get, "/api/whoami", nil); me.get("officer") != "desk" || me.get("party") != "XA" || me.get("roles") != `["analyst","duty-officer"]` {
		t.Errorf("%s", me.body)
	}
	if c := h.well("desk", get, "/api/counts", nil); c.get("unread") != "2" {
		t.Errorf("%s", c.body)
	}
	list := h.well("desk", get, "/api/threads?desk=assist&peer=XB&open=true&agreement="+h.pact.Short()+"&exercise=false&tlp=AMBER&unread=true", nil)
	if list.get("threads.0.id") != incoming.ID.String() || list.get("next") != "" {
		t.Errorf("%s", list.body)
	}
	if found := h.well("desk", get, "/api/threads?q=KETTLE+beac*", nil); found.get("threads.0.id") != incoming.ID.String() {
		t.Errorf("%s", found.body)
	}
	if none := h.well("desk", get, "/api/threads?q=kettle+teapot", nil); none.get("threads") != "[]" {
		t.Errorf("%s", none.body)
	}
	at := "/api/threads/" + incoming.ID.Short()
	if v := h.well("desk", get, at, nil); v.get("said.0.title") != "beacons of the tin kettle" || v.get("unread") != "1" {
		t.Errorf("%s", v.body)
	}
	h.well("desk", post, at+"/opened", object{})
	if v := h.well("desk", get, at, nil); v.get("unread") != "0" || !strings.Contains(v.get("said"), `"receipt.retrieved"`) {
		t.Errorf("%s", v.body)
	}

	// Saying.
	h.well("desk", get, "/api/kinds", nil)
	if k := h.well("desk", get, "/api/kinds/assist.request", nil); !strings.Contains(k.get("facts"), `"type"`) {
		t.Errorf("%s", k.body)
	}
	if v := h.well("desk", post, "/api/check", h.request("x")); v.get("permitted") != "true" || v.get("articles") != `["1"]` {
		t.Errorf("%s", v.body)
	}
	out := h.request("a request with a file")
	out["attachments"] = []object{{"name": "../../notes.txt", "content": base64.StdEncoding.EncodeToString([]byte("some bytes"))}}
	said := h.well("desk", post, "/api/statements", out)
	one := "/api/statements/" + said.get("id")
	if v := h.well("desk", get, one, nil); v.get("attachments.0.size") != "10" {
		t.Errorf("%s", v.body)
	}
	if f := h.well("desk", get, one+"/attachments/0", nil); string(f.body) != "some bytes" || f.header.Get("Content-Disposition") != "attachment; filename=notes.txt" ||
		f.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%s %v", f.body, f.header)
	}
	h.no(404, "not-found", "desk", get, one+"/attachments/1", nil)
	h.well("desk", post, "/api/statements", object{"thread": incoming.ID.Short(), "kind": "assist.acknowledge", "marking": object{"tlp": "AMBER"}})
	h.everyDraft()
	h.everyAgreement()

	// Recalls: XB recalls what it has asked, XA what it has asked.
	h.xb.Has(parseID(t, said.get("id")))
	h.well("desk", post, "/api/recalls", object{"ids": []string{said.get("id")}, "reason": "incorrect", "within": 3600})
	if r := h.well("desk", get, "/api/recalls", nil); r.get("recalls.0.reason") != "incorrect" {
		t.Errorf("%s", r.body)
	}
	h.everyRecall(incoming.ID)
	h.everyObject()
	h.everyMirror()
	h.well("desk", post, "/api/erasures", object{"ids": []string{said.get("id")}})
	if v := h.well("desk", get, one, nil); v.get("body") != "erased" || v.get("title") != "" {
		t.Errorf("%s", v.body)
	}
	if none := h.well("desk", get, "/api/threads?q=request+with+file", nil); none.get("threads") != "[]" {
		t.Errorf("what is erased is still found: %s", none.body)
	}
	h.everyParty()
	h.everyOfficer()
	h.everyAccount(said.get("id"))
	h.everyPacket(said.get("id"))
	h.everyKeeping()
	h.accession()
	h.covered()
}

func parseID(t *testing.T, s string) statement.ID {
	t.Helper()
	id, err := statement.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (h *house) everyDraft() {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	d := h.request("a draft")
	d["attachments"] = []object{{"name": "list.csv", "type": "text/x-list", "content": "YQ=="}}
	lies := func(when string, want int) {
		h.t.Helper()
		if all, err := os.ReadDir(filepath.Join(h.xa.Dir, "uploads")); err != nil || len(all) != want {
			h.t.Errorf("%s: %d attachments lie there, want %d (%v)", when, len(all), want, err)
		}
	}
	id := h.well("desk", post, "/api/drafts", d).get("id")
	at := "/api/drafts/" + id[:8]
	if v := h.well("desk", get, at, nil); v.get("title") != "a draft" || v.get("verdict.permitted") != "true" || v.get("files.0.name") != "list.csv" || v.get("files.0.type") != "text/x-list" ||
		v.get("files.0.key") != "" || v.get("files.0.upload") != "" || v.get("files.0.path") != "" {
		h.t.Errorf("%s", v.body)
	}
	lies("a draft", 1)
	h.no(403, "denied", "release", http.MethodPatch, at, object{"attachments": []object{{"name": "x", "content": "YQ=="}}})
	lies("another officer's, refused", 1)
	h.well("desk", http.MethodPatch, at, object{"title": "a better draft", "attachments": []object{}})
	lies("replaced by none", 0)
	h.well("desk", http.MethodPatch, at, object{"attachments": d["attachments"]})
	h.well("desk", http.MethodPatch, at, object{"title": "a better draft", "text": "with it"})
	lies("changed without", 1)
	h.well("desk", http.MethodPatch, at, object{"attachments": []object{}})
	if v := h.well("desk", get, "/api/drafts", nil); v.get("drafts.0.title") != "a better draft" || v.get("drafts.0.files") != "" {
		h.t.Errorf("%s", v.body)
	}
	h.no(403, "denied", "release", http.MethodPatch, at, object{"title": "mine now"})
	h.well("desk", post, at+"/submit", nil)
	read := object{"read": h.well("desk", get, at, nil).get("would_say")}
	h.no(403, "denied", "desk", post, at+"/approve", read)
	h.well("release", post, at+"/return", object{"reason": "say which hosts"})
	h.well("desk", http.MethodPatch, at, object{"text": "of all hosts"})
	h.well("desk", post, at+"/submit", nil)
	// spec: DEC-10
	h.no(409, "inadmissible", "release", post, at+"/approve", read) // it says something else by now
	h.no(422, "malformed", "release", post, at+"/approve", object{})
	read = object{"read": h.well("release", get, at, nil).get("would_say")}
	h.well("release", post, at+"/approve", read)
	h.no(400, "usage", "release", post, at+"/release", nil)
	if said := h.well("desk", post, at+"/release", nil); said.get("verdict.permitted") != "true" {
		h.t.Errorf("%s", said.body)
	}
	h.no(404, "not-found", "desk", get, at, nil)
	never := h.request("never said")
	never["attachments"] = d["attachments"]
	other := h.well("desk", post, "/api/drafts", never).get("id")
	lies("never said", 1)
	h.no(404, "not-found", "root", get, "/api/drafts/"+other, nil) // an administrator reads nothing
	h.well("desk", http.MethodDelete, "/api/drafts/"+other, nil)
	lies("dropped", 0)
	sent := h.well("desk", post, "/api/drafts", never).get("id")
	h.well("desk", post, "/api/drafts/"+sent+"/submit", nil)
	h.well("release", post, "/api/drafts/"+sent+"/approve", object{"read": h.well("release", get, "/api/drafts/"+sent, nil).get("would_say")})
	h.well("desk", post, "/api/drafts/"+sent+"/release", nil)
	lies("released", 0)
}

func (h *house) everyAgreement() {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	at := "/api/agreements/" + h.pact.Short()
	if v := h.well("release", get, "/api/agreements", nil); v.get("agreements.0.status") != "in-force" {
		h.t.Errorf("%s", v.body)
	}
	h.well("release", get, at, nil)
	text := h.well("release", get, at+"/text", nil)
	if text.get("document.title.en") != "Assistance" {
		h.t.Errorf("%s", text.body)
	}
	h.well("release", get, at+"/diff?from="+text.get("digest"), nil)
	q := object{"to": []string{"XB"}, "kind": "assist.request", "marking": object{"tlp": "RED"}, "facts": object{"type": "information"}}
	if v := h.well("release", post, at+"/try", q); v.get("verdict.permitted") != "false" {
		h.t.Errorf("%s", v.body)
	}
	h.well("release", get, "/api/templates", nil)
	draft := h.well("release", get, "/api/templates/requests?parties=XA,XB", nil)
	if !strings.Contains(draft.get("document"), `"XB"`) {
		h.t.Errorf("%s", draft.body)
	}
	whole := object{"document": raw(draft.get("document"))}
	if v := h.well("release", post, "/api/texts/check", whole); v.get("sound") != "true" {
		h.t.Errorf("%s", v.body)
	}
	if v := h.well("release", post, "/api/texts/check", object{"document": object{"v": 1}}); v.get("sound") != "false" || v.get("problems.0.message") == "" {
		h.t.Errorf("%s", v.body)
	}
	h.well("release", post, "/api/texts/try", object{"document": raw(draft.get("document")), "question": q})

	made := h.well("release", post, "/api/agreements", whole).get("id")
	other := "/api/agreements/" + made
	h.well("release", post, other+"/steps", object{"kind": "instrument.comment", "facts": object{"digest": h.well("release", get, other, nil).get("digest")}, "text": "Three days do not suffice."})
	h.well("release", post, other+"/amendments", object{"document": raw(strings.ReplaceAll(fedtest.Pact("XA", "XB"), "Personal data do not pass.", "No data of persons pass.")), "text": "shorter"})
	deposit := object{"document": raw(strings.ReplaceAll(fedtest.Pact("XA", "XB"), "Assistance", "More assistance")), "deposit": true}
	h.well("release", post, "/api/agreements/"+h.well("release", post, "/api/agreements", deposit).get("id")+"/sign", object{})
	h.no(409, "inadmissible", "release", post, at+"/accede", object{})
	h.no(403, "unknown-party", "release", post, other+"/admit", object{"party": "XC"})
	both := object{"from": raw(text.get("document")), "to": raw(draft.get("document"))}
	if d := h.well("release", post, "/api/texts/diff", both); !strings.Contains(string(d.body), `"articles"`) {
		h.t.Errorf("%s", d.body)
	}
	if v := h.well("release", get, at+"/text?cedar=true", nil); !strings.Contains(v.get("cedar"), "permit") {
		h.t.Errorf("%s", v.body)
	}
	if v := h.well("release", post, "/api/texts/check", object{"document": raw(draft.get("document")), "cedar": true}); !strings.Contains(v.get("cedar"), "permit") || v.get("digest") == "" {
		h.t.Errorf("%s", v.body)
	}
}

// raw is JSON that goes as it is.
func raw(s string) any { return jsontextValue(s) }

func (h *house) everyRecall(received statement.ID) {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	first, second := h.recalledByXB(received), h.recalledByXB(h.asked("another").ID)
	if v := h.well("desk", get, "/api/recalls/"+first.Short(), nil); v.get("own") != "false" {
		h.t.Errorf("%s", v.body)
	}
	h.well("desk", post, "/api/recalls/"+first.Short()+"/keep", object{"ground": "proceedings"})
	if v := h.well("desk", post, "/api/recalls/"+second.Short()+"/confirm", object{}); v.get("erased.0") == "" {
		h.t.Errorf("%s", v.body)
	}
}

// everyObject takes objects into a source and finds them again.
func (h *house) everyObject() {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	h.no(403, "denied", "aud", post, "/api/intelligence", object{"name": "sensors", "tlp": "AMBER"})
	source := h.well("desk", post, "/api/intelligence", object{"name": "sensors", "format": "stix", "tlp": "AMBER"}).get("thread")
	const malware = `{"type":"malware","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-000000000001","created":"2026-11-01T00:00:00Z","modified":"2026-11-01T00:00:00Z","name":"WALNUT","is_family":true,"external_references":[{"source_name":"list","external_id":"W-1"}]}`
	into, stream := "/api/intelligence/"+source+"/objects", []string{"Content-Type", "application/octet-stream"}
	h.no(403, "denied", "aud", post, into, malware, stream...)
	h.no(404, "not-found", "desk", post, "/api/intelligence/nowhere/objects", malware, stream...)
	if v := h.well("desk", post, into+"?preview=true", malware, stream...); v.get("objects") != "1" || v.get("said") != "" {
		h.t.Errorf("%s", v.body)
	}
	if v := h.well("desk", post, into, malware+"\n{}", stream...); v.get("objects") != "1" || v.get("refused") != "1" || v.get("failures.0.index") != "1" {
		h.t.Errorf("%s", v.body)
	}
	const event = `{"Event":{"uuid":"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11","info":"Walnut","Attribute":[{"type":"domain","value":"walnut.example","to_ids":true},{"type":"domain"}]}}`
	if v := h.well("desk", post, into+"?preview=true", event, stream...); v.get("types.indicator") != "1" || v.get("types.report") != "1" || v.get("refused") != "1" {
		h.t.Errorf("%s", v.body)
	}
	h.must(h.xa.Catalogued(h.t.Context()))
	if v := h.well("desk", get, "/api/objects?value=W-1", nil); v.get("objects.0.name") != "WALNUT" || v.get("more") != "false" {
		h.t.Errorf("%s", v.body)
	}
	if v := h.well("desk", get, "/api/objects/malware--00000000-0000-4000-8000-000000000001", nil); v.get("versions.0.tlp") != "AMBER" || v.get("about") != "[]" {
		h.t.Errorf("%s", v.body)
	}
	h.everySighting("malware--00000000-0000-4000-8000-000000000001")
	h.no(404, "not-found", "desk", get, "/api/objects/malware--00000000-0000-4000-8000-000000000002", nil)
	h.no(400, "usage", "desk", get, "/api/objects", nil)
	if v := h.well("desk", get, "/api/intelligence", nil); v.get("threads.1.name") != "sensors" || v.get("threads.1.objects") != "1" {
		h.t.Errorf("%s", v.body)
	}
}

// everySighting tells that an object of this party's own was seen, twice, and it is kept once.
func (h *house) everySighting(id string) {
	h.t.Helper()
	const get, post, path = http.MethodGet, http.MethodPost, "/api/intelligence/sightings"
	seen := object{"seen": []object{{"object": id, "count": 3, "first": "2026-02-01T10:00:00.000Z", "last": "2026-02-01T11:00:00.000Z"}}}
	h.no(403, "denied", "aud", post, path, seen)
	h.no(400, "usage", "desk", post, path, object{"seen": []object{{"object": id, "count": 3, "first": "2026-02-01T10:00:00.000Z", "last": "2026-02-02T11:00:00.000Z"}}})
	seen["preview"] = true
	if v := h.well("desk", post, path, seen); v.get("told.0.count") != "3" || v.get("told.0.own") != "true" || v.get("told.0.said") != "" {
		h.t.Errorf("%s", v.body)
	}
	delete(seen, "preview")
	if v := h.well("desk", post, path, seen); v.get("told.0.said") == "" {
		h.t.Errorf("%s", v.body)
	}
	if v := h.well("desk", post, path, seen); v.get("told") != "[]" || v.get("kept.0.reason") != "said-before" {
		h.t.Errorf("%s", v.body)
	}
	h.must(h.xa.Catalogued(h.t.Context()))
	if v := h.well("desk", get, "/api/objects/"+id, nil); v.get("seen.0.party") != "XA" || v.get("seen.0.count") != "3" {
		h.t.Errorf("%s", v.body)
	}
}

func (h *house) everyParty() {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	if v := h.well("desk", get, "/api/letters/own", nil); v.get("code") != "XA" || v.get("letter") == "" || v.get("own") != "true" {
		h.t.Errorf("%s", v.body)
	}
	h.well("desk", get, "/api/letters", nil)
	letter := h.well("desk", get, "/api/letters/XB/1", nil)
	h.no(404, "not-found", "desk", get, "/api/letters/XC/1", nil)
	h.well("root", post, "/api/letters", object{"letter": letter.get("letter")})
	h.no(403, "denied", "desk", post, "/api/letters", object{"letter": letter.get("letter")})
	c := fedtest.New(h.t, "XC").At("XC")
	own, err := c.OwnLetter(h.t.Context())
	h.must(err)
	h.well("root", post, "/api/letters", object{"letter": string(own.Raw)})
	h.no(422, "failed", "root", post, "/api/letters/XC/confirm", object{"words": []string{"wrong", "words"}})
	h.well("root", post, "/api/letters/XC/confirm", object{"words": own.Words()})
	if v := h.well("desk", get, "/api/peers", nil); !strings.Contains(string(v.body), `"XB"`) {
		h.t.Errorf("%s", v.body)
	}
}

func (h *house) everyOfficer() {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	if v := h.well("root", get, "/api/officers", nil); v.get("officers.0.id") != "aud" {
		h.t.Errorf("%s", v.body)
	}
	h.well("root", post, "/api/officers", object{"id": "new", "name": "Officer New", "roles": []string{"analyst"}})
	if v := h.well("root", http.MethodPut, "/api/officers/new/roles", object{"roles": []string{"auditor"}}); v.get("roles.0") != "auditor" {
		h.t.Errorf("%s", v.body)
	}
	if v := h.well("root", post, "/api/officers/new/disable", nil); v.get("disabled") != "true" {
		h.t.Errorf("%s", v.body)
	}
	h.well("root", post, "/api/officers/new/enable", nil)
	until := statement.TimeOf(h.f.Clock.Now().Add(time.Hour)).String()
	made := h.well("root", post, "/api/tokens", object{"officer": "new", "expires": until})
	h.tokens["new"] = made.get("secret")
	h.well("new", get, "/api/whoami", nil)
	if l := h.well("root", post, "/api/links", object{"officer": "new", "expires": until}); l.get("link") != "https://desk.xa.example/"+l.get("secret") {
		h.t.Errorf("%s", l.body)
	}
	name := h.well("new", get, "/api/tokens", nil).get("tokens.0.name")
	h.well("root", http.MethodDelete, "/api/tokens/"+name, nil)
	h.no(401, "denied", "new", get, "/api/whoami", nil)
}

func (h *house) everyAccount(id string) {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	if f := h.well("release", get, "/api/statements/"+id+"/evidence?without_body=true", nil); len(f.body) == 0 {
		h.t.Error("no evidence")
	}
	h.no(403, "denied", "desk", get, "/api/statements/"+id+"/evidence?without_body=true", nil)
	if l := h.well("desk", get, "/api/ledger?peer=XB&from=2026-01-01", nil); l.get("parties.0") != "XA" {
		h.t.Errorf("%s", l.body)
	}
	h.well("desk", get, "/api/transparency?from=2026-01&to=2026-03&by=month", nil)
	if c := h.well("desk", get, "/api/transparency?format=csv&from=2026-01&to=2026-03", nil); c.header.Get("Content-Type") != "text/csv; charset=utf-8" {
		h.t.Errorf("%v", c.header)
	}
	h.well("aud", get, "/api/log", nil)
	h.well("aud", get, "/api/log/state", nil)
	if c := h.well("aud", get, "/api/log/checkpoint", nil); c.get("origin") != "XA/1" || !strings.HasPrefix(c.get("note"), "XA/1") && c.get("note") == "" {
		h.t.Errorf("%s", c.body)
	}
	size := h.well("aud", get, "/api/log/checkpoint", nil).get("size")
	if c := h.well("aud", get, "/api/log/checkpoints?limit=1", nil); c.get("checkpoints.0.size") != size {
		h.t.Errorf("%s", c.body)
	}
	if g := h.well("aud", get, "/api/log/growth", nil); !strings.Contains(string(g.body), `{"size":`+size+`,`) {
		h.t.Errorf("%s", g.body)
	}
	if z := h.well("aud", get, "/api/log/evidence", nil); !strings.HasPrefix(string(z.body), "PK") || z.header.Get("Content-Type") != "application/zip" {
		h.t.Errorf("%v", z.header)
	}
	h.well("desk", get, "/api/retention", nil)
	if v := h.well("aud", post, "/api/log/verify", nil); v.get("verified") != "true" {
		h.t.Errorf("%s", v.body)
	}
	h.well("aud", get, "/api/doctor", nil)
	h.no(403, "denied", "desk", get, "/api/doctor", nil)
}

// covered holds what was done against the description.
func (h *house) covered() {
	h.t.Helper()
	for path, item := range description(h).Paths {
		for _, op := range operationsOf(item) {
			done := false
			for seen := range h.seen {
				method, at, _ := strings.Cut(seen, " ")
				pattern := strings.NewReplacer("{id}", "*", "{part}", "*", "{kind}", "*", "{name}", "*", "{code}", "*", "{serial}", "*").Replace(path)
				if ok, err := filepath.Match(pattern, at); err == nil && ok && method == op.Method {
					done = true
				}
			}
			if !done && op.OperationID != "forget-process" { // that takes PostgreSQL: TestProcesses

				h.t.Errorf("nobody has done %s: %s %s", op.OperationID, op.Method, path)
			}
		}
	}
}
