package httpapi

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

func (h *house) everyPacket(said string) {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	h.f.Quiet()
	if files := untar(h.t, h.well("desk", get, "/api/peers/XB/packets", nil).body); len(files) > 1 {
		h.t.Errorf("%d packets where nothing waits", len(files))
	}
	h.well("desk", get, "/api/peers/XB/mirror", nil)
	h.f.Cut("XA", "XB")
	asked := h.xb.Ask(h.pact, exchange.Draft{Title: "by bag", Text: "Please."}, "XA")
	var bag bytes.Buffer
	_, _, err := h.xb.Pack(h.t.Context(), "XA", &bag)
	h.must(err)
	h.well("desk", post, "/api/packets/inspect", bag.String(), "Content-Type", "application/octet-stream")
	if v := h.well("desk", post, "/api/packets", bag.String(), "Content-Type", "application/octet-stream"); v.get("said.0.title") != "by bag" || v.get("pending") != "true" {
		h.t.Errorf("%s", v.body)
	}
	second := h.xb.Ask(h.pact, exchange.Draft{Title: "by another bag", Text: "Please."}, "XA")
	bag.Reset()
	_, _, err = h.xb.Pack(h.t.Context(), "XA", &bag)
	h.must(err)
	if v := h.well("root", post, "/api/packets", bag.String(), "Content-Type", "application/octet-stream"); v.get("said") != "[]" || strings.Contains(string(v.body), second.ID.String()) { // an administrator carries, and reads nothing
		h.t.Errorf("%s", v.body)
	}
	h.xa.Has(second.ID)
	h.f.Mend("XA", "XB")
	h.xb.Delivered(asked.ID)
	proof := h.well("release", get, "/api/statements/"+said+"/evidence?without_body=true", nil)
	if v := h.well("desk", post, "/api/evidence/verify", object{"evidence": base64.StdEncoding.EncodeToString(proof.body)}); v.get("proven") != "true" {
		h.t.Errorf("%s", v.body)
	}
	if c := h.well("desk", get, "/api/ledger?peer=XB&format=csv&from=2026-01-01", nil); !strings.HasPrefix(string(c.body), "id,asker,asked,") || strings.Count(string(c.body), "\n") < 2 {
		h.t.Errorf("%s", c.body)
	}
}

func (h *house) everyKeeping() {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	if v := h.well("desk", get, "/api/duty", nil); v.get("counts.unread") == "0" || v.get("log.size") == "" || v.get("unread.0.id") == "" {
		h.t.Errorf("%s", v.body)
	}
	now := h.well("desk", get, "/api/changes", nil).get("version")
	if v := h.well("aud", get, "/api/changes?wait=0&since="+now, nil); v.get("changed") != "false" || v.get("version") != now {
		h.t.Errorf("%s", v.body)
	}
	later := make(chan answered)
	go func() { later <- h.ask("desk", get, "/api/changes?wait=50&since="+now, nil) }()
	h.well("desk", post, "/api/drafts", h.request("something new"))
	if v := <-later; v.get("changed") != "true" || v.get("version") == now {
		h.t.Errorf("%d %s", v.status, v.body)
	}
	h.no(422, "malformed", "desk", get, "/api/changes?wait=51", nil)
	if v := h.well("desk", get, "/api/version", nil); v.get("protocol") != "1" || v.get("go") == "" {
		h.t.Errorf("%s", v.body)
	}
	keys := h.well("aud", get, "/api/keys", nil)
	if keys.get("keys.0.for") != "log" || keys.get("logs.0.origin") != "XA/1" || keys.get("logs.0.open") != "true" || keys.get("witness") != "XA/witness/1" {
		h.t.Errorf("%s", keys.body)
	}
	if bytes.Contains(keys.body, []byte("SECRET")) {
		h.t.Errorf("%s", keys.body)
	}
	if v := h.well("root", get, "/api/settings", nil); !strings.Contains(string(v.body), `"env":"COMITY_ENDPOINTS"`) {
		h.t.Errorf("%s", v.body)
	}
	name := filepath.Join(h.xa.Dir, "caveats", "own.cedar")
	h.must(os.MkdirAll(filepath.Dir(name), 0o700))
	h.must(os.WriteFile(name, []byte(`@caveat("hold") forbid (principal, action == Action::"assist.request", resource);`), 0o600))
	h.well("root", post, "/api/caveats/reload", nil)
	if v := h.well("desk", get, "/api/caveats", nil); v.get("caveats.0.name") != "own.cedar" {
		h.t.Errorf("%s", v.body)
	}
	h.no(403, "denied", "desk", post, "/api/statements", h.request("held back"))
	h.must(os.WriteFile(name, []byte(`permit (principal, action, resource);`), 0o600))
	h.no(400, "malformed", "root", post, "/api/caveats/reload", nil)
	h.must(os.Remove(name))
	h.well("root", post, "/api/caveats/reload", nil)

	h.well("root", get, "/api/backup", nil)
	if e := h.well("root", get, "/api/backup/erased", nil); strings.Count(string(e.body), "\n") < 2 || !strings.HasPrefix(e.header.Get("Content-Type"), "text/plain") {
		h.t.Errorf("%v %s", e.header, e.body)
	}
	if v := h.well("root", post, "/api/recovery", nil); v.get("way") != node.WayNone || v.get("peers.0.answered") != "true" {
		h.t.Errorf("%s", v.body)
	}
	h.well("root", post, "/api/recovery/from-peers", nil)
	h.well("root", get, "/api/processes", nil)

	h.no(400, "usage", "root", post, "/api/notices/test", nil) // the settings tell nobody
	heard := make(chan bool, 8)
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard <- true }))
	h.t.Cleanup(hook.Close)
	secret := filepath.Join(h.t.TempDir(), "secret")
	h.must(os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))), 0o600))
	h.xa.Restart(func(o *node.Options) {
		o.Env = []string{"COMITY_WEBHOOK_URL=" + hook.URL, "COMITY_WEBHOOK_SECRET_FILE=" + secret, "COMITY_OIDC_ISSUER=https://id.xa.example", "COMITY_OIDC_CLIENT=comity"}
	})
	h.serve(Options{Burst: 1_000_000})
	if v := h.well("root", post, "/api/notices/test", nil); v.get("sent") != "true" || v.get("tried.0.way") != "webhook" {
		h.t.Errorf("%s", v.body)
	}
	<-heard
	if v := h.well("desk", get, "/api/notices", nil); v.get("webhook") != "true" || v.get("mail") != "false" {
		h.t.Errorf("%s", v.body)
	}
	if v := h.well("root", get, "/api/settings", nil); strings.Contains(string(v.body), base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))) {
		h.t.Errorf("%s", v.body)
	}

	if v := h.well("root", get, "/api/officers/reader", nil); v.get("roles.0") != "analyst" {
		h.t.Errorf("%s", v.body)
	}
	h.no(404, "not-found", "root", get, "/api/officers/nobody", nil)
	h.well("root", post, "/api/officers/reader/identities", object{"subject": "248289761001"})
	ways := h.well("root", get, "/api/officers/reader/ways", nil)
	if ways.get("identities.0.issuer") != "https://id.xa.example" {
		h.t.Errorf("%s", ways.body)
	}
	h.no(404, "not-found", "root", http.MethodDelete, "/api/ways/0000000000", nil)
	h.well("root", http.MethodDelete, "/api/ways/"+ways.get("identities.0.name"), nil)
	h.well("root", post, "/api/officers/reader/sign-out", nil)
	h.everyOffice()
}

// everyOffice: an office is vouched for, counts at a peer without words, and does so no longer.
func (h *house) everyOffice() {
	h.t.Helper()
	const get, post = http.MethodGet, http.MethodPost
	own := h.well("root", post, "/api/letters/own", object{"contacts": []object{{"role": "technical", "name": "Duty desk", "hours": "24/7"}}})
	if v := h.well("desk", get, "/api/directory", nil); own.get("serial") != "2" || v.get("contacts.0.name") != "Duty desk" || v.get("contacts.0.duty") != "on-duty" {
		h.t.Errorf("%s %s", own.body, v.body)
	}
	_, err := h.xb.ImportLetter(h.t.Context(), []byte(own.get("letter")))
	h.must(err)
	cert, err := fedtest.New(h.t, "XA.cert").At("XA.cert").OwnLetter(h.t.Context())
	h.must(err)
	h.no(400, "usage", "root", post, "/api/offices", object{"letter": own.get("letter")}) // no office
	h.no(400, "malformed", "root", post, "/api/offices", object{"letter": "none"})
	h.no(403, "denied", "desk", post, "/api/offices", object{"letter": string(cert.Raw)})
	said := h.well("root", post, "/api/offices", object{"letter": string(cert.Raw), "to": []string{"XB"}})
	h.xb.Has(parseID(h.t, said.get("id")))
	v, err := h.xb.ImportLetter(h.t.Context(), cert.Raw)
	h.must(err)
	if said.get("to.0") != "XB" || v.Status != "confirmed" {
		h.t.Errorf("%s %+v", said.body, v)
	}
	h.no(400, "usage", "root", post, "/api/offices/XB.cert/withdraw", object{})
	said = h.well("root", post, "/api/offices/XA.cert/withdraw", object{"to": []string{"XB"}})
	h.xb.Has(parseID(h.t, said.get("id")))
	if l, err := h.xb.Letters(h.t.Context()); err != nil || !strings.Contains(string(l[len(l)-1].Status)+string(l[0].Status)+string(l[1].Status), "revoked") {
		h.t.Errorf("%v %+v", err, l)
	}
}

// accession is the whole story of a party that joins: XA admits XC by its API, both who are bound invite it, and XC's program accedes by XC's API. Then what XC's program says
// under the agreement passes.
func (h *house) accession() {
	h.t.Helper()
	// spec: AGR-15, THR-8
	const post = http.MethodPost
	f := fedtest.New(h.t, "XA", "XB", "XC")
	pact := f.Agree(strings.Replace(fedtest.Pact("XA", "XB"), `"articles"`, `"accession":"invitation","articles"`, 1), "XA")
	faces := map[party.Code]*house{}
	for _, code := range []party.Code{"XA", "XB", "XC"} {
		one := &house{t: h.t, f: f, xa: f.At(code), pact: pact, tokens: map[string]string{}, seen: map[string]bool{}}
		h.must(one.xa.AddOfficer(h.t.Context(), auth.Person{ID: "root", Name: "Officer Zero", Roles: []auth.Role{auth.Administrator}}))
		root := one.token(h.t.Context(), "root")
		h.must(one.xa.AddOfficer(root, auth.Person{ID: "release", Name: "Officer Lee", Roles: []auth.Role{auth.ReleasingOfficer, auth.LegalAdviser}}))
		one.token(root, "release")
		one.serve(Options{Burst: 1_000_000})
		faces[code] = one
	}
	xa, xc := faces["XA"], faces["XC"]
	at := "/api/agreements/" + pact.String()
	heard := func(a answered) {
		h.t.Helper()
		for _, p := range f.Parties {
			p.Has(parseID(h.t, a.get("id")))
		}
	}
	xc.no(404, "not-found", "release", post, at+"/accede", object{}) // it has not heard of it
	xa.no(403, "denied", "root", post, at+"/admit", object{"party": "XC"})
	admitted := xa.well("release", post, at+"/admit", object{"party": "XC"}, keyHeader, "admit")
	if again := xa.well("release", post, at+"/admit", object{"party": "XC"}, keyHeader, "admit"); !bytes.Equal(again.body, admitted.body) {
		h.t.Errorf("%s", again.body)
	}
	heard(admitted)
	f.Quiet()
	xc.no(409, "inadmissible", "release", post, at+"/accede", object{}) // it was not invited
	for _, code := range []party.Code{"XA", "XB"} {
		heard(faces[code].well("release", post, at+"/steps", object{"kind": "instrument.invite", "facts": object{"party": "XC"}}))
	}
	xc.no(403, "denied", "root", post, at+"/accede", object{})
	acceded := xc.well("release", post, at+"/accede", object{"text": "We join."})
	heard(acceded)
	xc.no(409, "inadmissible", "release", post, at+"/accede", object{}) // once is enough
	for code, one := range faces {
		v := one.well("release", http.MethodGet, at, nil)
		if !strings.Contains(v.get("making.consents.XC"), `"as":"accession"`) {
			h.t.Errorf("%s: %s", code, v.body)
		}
	}
	asked := xc.well("release", post, "/api/statements", xc.request("we are new here"))
	f.At("XB").Has(parseID(h.t, asked.get("id")))
	if v := faces["XB"].well("release", http.MethodGet, "/api/threads/"+asked.get("id"), nil); v.get("said.0.refused") != "" || v.get("said.0.title") != "we are new here" {
		h.t.Errorf("%s", v.body)
	}
	for _, one := range []*house{xa, xc} {
		for done := range one.seen {
			h.seen[done] = true
		}
	}
}

// TestVouchingTakesTwo: where the settings ask for it, no administrator's token alone vouches for an office.
func TestVouchingTakesTwo(t *testing.T) {
	t.Parallel()
	// spec: LTR-10, DEC-10
	h := newHouse(t)
	const post = http.MethodPost
	root := auth.With(t.Context(), auth.Claim{Token: auth.Typed(h.tokens["root"])})
	h.must(h.xa.AddOfficer(root, auth.Person{ID: "mia", Name: "Officer Mia", Roles: []auth.Role{auth.Analyst, auth.Administrator}}))
	h.token(root, "mia")
	h.xa.Restart(func(o *node.Options) { o.Env = []string{"COMITY_APPROVAL=credence.*"} })
	h.serve(Options{Burst: 1_000_000})
	cert, err := fedtest.New(t, "XA.cert").At("XA.cert").OwnLetter(t.Context())
	h.must(err)
	for _, who := range []string{"root", "mia"} {
		if v := h.no(403, "denied", who, post, "/api/offices", object{"letter": string(cert.Raw), "to": []string{"XB"}}); v.get("clause") != "DEC-10" {
			t.Errorf("%s", v.body)
		}
	}
	at := "/api/drafts/" + h.well("mia", post, "/api/drafts", object{
		"kind": "credence.office", "to": []string{"XB"}, "marking": object{"tlp": "GREEN"}, "track": "diplomatic", "precedence": "priority", "facts": object{"office": "XA.cert", "letter": cert.Digest},
	}).get("id")
	h.no(403, "denied", "mia", post, at+"/release", nil)
	h.well("mia", post, at+"/submit", nil)
	read := object{"read": h.well("release", http.MethodGet, at, nil).get("would_say")}
	h.no(403, "denied", "mia", post, at+"/approve", read)
	h.well("release", post, at+"/approve", read)
	h.no(403, "denied", "release", post, at+"/release", read) // who approves does not vouch
	said := h.well("mia", post, at+"/release", nil)
	h.xb.Has(parseID(t, said.get("id")))
	if v, err := h.xb.ImportLetter(t.Context(), cert.Raw); err != nil || v.Status != "confirmed" {
		t.Errorf("%v %+v", err, v)
	}
}

// TestKeysAreTold: what keys there are is told, before they were changed at the machine and after, and no secret with it.
func TestKeysAreTold(t *testing.T) {
	t.Parallel()
	// spec: LTR-7
	h := newHouse(t)
	before := h.well("desk", http.MethodGet, "/api/keys", nil)
	size := h.xa.LogSize()
	_, err := h.xa.Rotate(t.Context(), node.Rotation{Recovery: h.xa.RecoveryKey(), Stolen: true})
	h.must(err)
	h.xa.Restart(nil)
	h.serve(Options{Burst: 1_000_000})
	after := h.ask("desk", http.MethodGet, "/api/keys", nil)
	if after.status != 200 { // tokens go with the keys: an administrator makes others
		root, err := h.xa.MakeToken(t.Context(), "root", nil, statement.TimeOf(h.f.Clock.Now().Add(time.Hour)))
		h.must(err)
		h.tokens["root"] = root.Reveal()
		after = h.well("root", http.MethodGet, "/api/keys", nil)
	}
	for name, want := range map[string]string{
		"letter": "2", "logs.0.origin": "XA/1", "logs.0.open": "false", "logs.0.revoked": "true", "logs.0.size": strconv.FormatInt(size, 10), "logs.0.letter": "1", "logs.1.origin": "XA/2", "logs.1.open": "true",
		"logs.1.letter": "2", "keys.6.for": "recovery", "keys.6.digest": before.get("keys.6.digest"),
	} {
		if got := after.get(name); got != want || want == "" {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for i := range 6 { // every key but the recovery key is another
		if at := "keys." + strconv.Itoa(i) + ".digest"; after.get(at) == before.get(at) || after.get(at) == "" {
			t.Errorf("%s: %s", at, after.get(at))
		}
	}
}
