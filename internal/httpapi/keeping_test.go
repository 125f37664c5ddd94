package httpapi

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/internal/auth"
	settings "github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// keepers are operations that concern the node, its letter or its packets, and who of the house may do them; everybody else is refused.
func (h *house) keepers() []struct{ method, path, may string } {
	return []struct{ method, path, may string }{
		{"GET", "/api/backup", "root"}, {"GET", "/api/backup/erased", "root"}, {"POST", "/api/recovery", "root"}, {"POST", "/api/recovery/from-peers", "root"},
		{"POST", "/api/processes/forget", "root"}, {"GET", "/api/processes", "root aud"}, {"GET", "/api/settings", "root aud"}, {"POST", "/api/caveats/reload", "root"},
		{"POST", "/api/letters/own", "root"}, {"POST", "/api/letters/XB/confirm", "root"}, {"POST", "/api/offices/XA.cert/withdraw", "root"}, {"POST", "/api/notices/test", "root"},
		{"GET", "/api/officers/ana/ways", "root ana"}, {"POST", "/api/officers/ana/identities", "root"}, {"POST", "/api/officers/ana/sign-out", "root ana"},
		{"GET", "/api/peers/XB/packets", "root kim lee"}, {"GET", "/api/peers/XB/mirror", "root kim lee"}, {"POST", "/api/packets", "root kim lee"}, {"POST", "/api/packets/inspect", "root kim lee"},
		{"GET", "/api/duty", "kim lee ana aud"}, {"GET", "/api/directory", "kim lee ana aud"}, {"GET", "/api/notices", "kim lee ana aud root"}, {"POST", "/api/evidence/verify", "kim lee ana aud root"},
		{"GET", "/api/keys", "kim lee ana aud root"}, {"GET", "/api/letters/own", "kim lee ana aud root"}, {"GET", "/api/caveats", "kim lee ana aud root"},
	}
}

// TestKeepingRefused: who looks after nothing here is refused before anything is looked at, and nothing has changed.
func TestKeepingRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before, own := h.xa.LogSize(), h.well("root", http.MethodGet, "/api/letters/own", nil).get("digest")
	bodies := map[string]any{
		"/api/processes/forget": object{"name": "x"}, "/api/letters/own": object{"nowhere": true}, "/api/letters/XB/confirm": object{"words": []string{"x"}},
		"/api/offices/XA.cert/withdraw": object{}, "/api/officers/ana/identities": object{"subject": "1"}, "/api/packets": "nothing", "/api/packets/inspect": "nothing",
		"/api/evidence/verify": object{"evidence": ""},
	}
	for _, op := range h.keepers() {
		for _, who := range []string{"kim", "lee", "aud", "ana"} {
			if slices.Contains(strings.Fields(op.may), who) {
				continue
			}
			h.no(403, "denied", who, op.method, op.path, bodies[op.path])
		}
		h.no(401, "denied", "", op.method, op.path, bodies[op.path])
		if !slices.Contains(strings.Fields(op.may), "root") {
			h.no(403, "denied", "root", op.method, op.path, bodies[op.path])
		}
	}
	if now := h.well("root", http.MethodGet, "/api/letters/own", nil).get("digest"); now != own || h.xa.LogSize() != before {
		t.Errorf("the own letter was %s and is %s; the log had %d leaves and has %d", own, now, before, h.xa.LogSize())
	}
}

// TestStolenAdministrator: whoever has taken an administrator's token, and not the machine, changes no key, opens no log, and goes on without no peer.
func TestStolenAdministrator(t *testing.T) {
	t.Parallel()
	// spec: LTR-6, LOG-14
	f := fedtest.New(t, "XA", "XB")
	h := &house{t: t, f: f, xa: f.At("XA"), xb: f.At("XB"), tokens: map[string]string{}, seen: map[string]bool{}}
	h.pact = f.Agree(fedtest.Pact("XA", "XB"), "XA")
	h.must(h.xa.AddOfficer(t.Context(), auth.Person{ID: "root", Name: "Officer Zero", Roles: []auth.Role{auth.Administrator}}))
	h.token(t.Context(), "root")
	f.Quiet()
	backup := h.xa.Backup()
	h.serve(Options{Burst: 1_000_000})
	withdraw := func() {
		t.Helper()
		h.xb.Has(parseID(t, h.well("root", http.MethodPost, "/api/offices/XA.cert/withdraw", object{"to": []string{"XB"}}).get("id")))
	}
	withdraw() // it has left, and the old copy of the store does not know
	f.Quiet()
	keys := h.xa.Keys.Origin()
	h.xa.Restore(backup, h.xa.Config.Store)
	h.serve(Options{Burst: 1_000_000})
	f.Cut("XA", "XB")
	const post, back = http.MethodPost, "/api/recovery/from-peers"
	if s := h.well("root", http.MethodGet, "/api/log/state", nil); s.get("condition") != string(journal.Behind) {
		t.Fatalf("the test is wrong: %s", s.body)
	}
	size := h.xa.LogSize()
	h.no(503, "unavailable", "root", post, back, nil)
	h.no(503, "unavailable", "root", post, back, object{"without": []string{"XB"}, "recovery_key": "x", "stolen": true})
	h.no(422, "malformed", "root", post, back+"?without=XB", nil)
	for _, path := range []string{"/api/recovery/new-log", "/api/keys/rotate", "/api/restore", "/api/move"} {
		h.no(404, "not-found", "root", post, path, object{})
	}
	h.no(405, "usage", "root", post, "/api/keys", object{})
	if v := h.well("root", post, "/api/recovery", nil); v.get("way") != node.WayWait || v.get("done") != "false" {
		t.Errorf("%s", v.body)
	}
	if s := h.well("root", http.MethodGet, "/api/log/state", nil); s.get("condition") != string(journal.Behind) || h.xa.LogSize() != size || h.xa.Keys.Origin() != keys {
		t.Errorf("it speaks again: %s", s.body)
	}
	o := description(h)
	for path, item := range o.Paths { // nothing takes what only the machine is to have
		for _, op := range operationsOf(item) {
			var takes []string
			for _, p := range op.Parameters {
				takes = append(takes, p.Name)
			}
			if op.RequestBody != nil {
				for _, m := range op.RequestBody.Content {
					takes = slices.AppendSeq(takes, maps.Keys(resolve(o, m.Schema).Properties))
				}
			}
			for _, name := range takes {
				if slices.Contains([]string{"without", "mirrored", "recovery_key", "recovery_lock", "recovery", "stolen", "lost", "new_log"}, name) {
					t.Errorf("%s takes %s", path, name)
				}
			}
		}
	}

	// With every peer's answer it is what a served node does by itself.
	f.Mend("XA", "XB")
	if v := h.well("root", post, "/api/recovery", nil); v.get("way") != node.WayPeers || v.get("peers.0.answered") != "true" {
		t.Fatalf("%s", v.body)
	}
	if v := h.well("root", post, back, nil); v.get("done") != "true" || v.get("state.condition") != string(journal.Sound) || h.xa.LogSize() < size {
		t.Fatalf("%s", v.body)
	}
	if v := h.well("root", post, back, nil); v.get("way") != node.WayNone || v.get("done") != "false" {
		t.Errorf("%s", v.body)
	}
	withdraw()
}

// TestRevokedWhileWaiting: who waits for a change hears nothing more once the token is revoked.
func TestRevokedWhileWaiting(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	now := h.well("kim", http.MethodGet, "/api/changes", nil).get("version")
	later := make(chan answered)
	go func() { later <- h.ask("kim", http.MethodGet, "/api/changes?wait=50&since="+now, nil) }()
	h.well("root", http.MethodDelete, "/api/tokens/"+h.well("kim", http.MethodGet, "/api/tokens", nil).get("tokens.0.name"), nil)
	if v := <-later; v.status != 403 && v.status != 401 || v.get("version") != "" { // 401: it came too late
		t.Errorf("%d %s", v.status, v.body)
	}
}

// TestHostilePackets: what is no packet for this node, or not a peer's, is refused, and tells nothing.
func TestHostilePackets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const post, at, look = http.MethodPost, "/api/packets", "/api/packets/inspect"
	stream := []string{"Content-Type", "application/octet-stream"}
	var toXB bytes.Buffer
	h.f.Quiet()
	h.f.Cut("XA", "XB")
	h.well("kim", post, "/api/statements", h.request("for XB alone"))
	if _, _, err := h.xa.Pack(t.Context(), "XB", &toXB); err != nil || toXB.Len() == 0 {
		t.Fatal(err)
	}
	before := h.xa.LogSize()
	for name, raw := range map[string]string{
		"nothing": "", "no packet": "nothing", "only a first line": "age-encryption.org/v1\n", "zeros": string(make([]byte, 1<<20)),
		"for another": toXB.String(), "cut short": toXB.String()[:toXB.Len()/2],
	} {
		for _, path := range []string{at, at + "?reply=true", look} {
			a := h.ask("kim", post, path, raw, stream...)
			if a.status < 400 || a.status >= 500 || a.header.Get("Content-Type") != "application/problem+json" || len(a.body) > 4000 {
				t.Errorf("%s: %s: %d %s", path, name, a.status, a.body)
			}
		}
	}
	large := string(make([]byte, 17<<20))
	h.no(413, "too-large", "kim", post, at, large, stream...)
	h.no(413, "too-large", "kim", post, at, large, append(stream, keyHeader, "large")...)
	h.no(413, "too-large", "kim", post, look, large, stream...)
	h.no(422, "malformed", "kim", post, at+"?reply=perhaps", "x", stream...)
	h.no(422, "malformed", "kim", http.MethodGet, "/api/peers/XB/mirror?from=-1", nil)
	for _, path := range []string{"/api/peers/XD/packets", "/api/peers/XD/mirror", "/api/peers/..%2f/packets"} {
		if a := h.ask("kim", http.MethodGet, path, nil); a.status < 400 || a.status >= 500 || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if h.xa.LogSize() != before {
		t.Error("something was taken")
	}
}

// TestHostileEvidence: what is no evidence is refused; what is, and proves nothing, is a verdict and no fault.
func TestHostileEvidence(t *testing.T) {
	t.Parallel()
	// spec: EVD-1, EVD-3
	h := newHouse(t)
	const post, at = http.MethodPost, "/api/evidence/verify"
	said := h.well("kim", post, "/api/statements", h.request("what happened"))
	h.xb.Has(parseID(t, said.get("id")))
	good := h.well("lee", http.MethodGet, "/api/statements/"+said.get("id")+"/evidence", nil).body
	letter := h.well("kim", http.MethodGet, "/api/letters/own", nil).get("letter")
	ask := func(raw []byte, letters ...string) object {
		return object{"evidence": base64.StdEncoding.EncodeToString(raw), "letters": append([]string{}, letters...)}
	}
	v := h.well("ana", post, at, ask(good, letter))
	if v.get("proven") != "true" || v.get("items.0.verdict") != "proven" || v.get("items.0.from") != "XA" || !strings.Contains(v.get("letters"), `"given"`) {
		t.Fatalf("%s", v.body)
	}
	if v := h.well("root", post, at, ask(good)); v.get("proven") != "true" || v.get("letters.0.source") != "embedded" {
		t.Errorf("%s", v.body)
	}
	forged := bytes.Replace(good, []byte("what happened"), []byte("what has not."), 1)
	if bytes.Equal(forged, good) {
		t.Fatal("the evidence has no words")
	}
	if v := h.ask("ana", post, at, ask(forged, letter)); v.status == 200 && v.get("proven") != "false" || v.status != 200 && v.status/100 != 4 {
		t.Errorf("forged: %d %s", v.status, v.body)
	}
	stranger := fedtest.New(t, "XA").At("XA") // another log of the same name
	other, err := stranger.OwnLetter(t.Context())
	h.must(err)
	if v := h.well("ana", post, at, ask(good, string(other.Raw))); v.get("proven") != "false" || v.get("items.0.why.message") == "" {
		t.Errorf("by another's letter: %s", v.body)
	}
	for name, raw := range map[string]string{
		"nothing": "", "no JSON": "evidence", "a list": "[]", "null": "null", "deep": strings.Repeat("[", 500_000), "another version": `{"v":99}`,
		"a name twice": `{"v":1,"v":1}`, "no UTF-8": "{\"v\":\"\xff\"}", "too many": `{"v":1,"items":[` + strings.Repeat(`{},`, 5000) + `{}],"letters":[]}`, "cut short": string(good[:len(good)/2]),
		"two": string(good) + string(good),
	} {
		a := h.ask("ana", post, at, ask([]byte(raw)))
		if a.status/100 != 4 || a.header.Get("Content-Type") != "application/problem+json" || len(a.body) > 4000 {
			t.Errorf("%s: %d %.300s", name, a.status, a.body)
		}
	}
	h.no(413, "too-large", "ana", post, at, ask(make([]byte, maxEvidence+1)))
	h.no(413, "too-large", "ana", post, at, ask(make([]byte, 24<<20)))
	h.no(422, "malformed", "ana", post, at, ask(good, slices.Repeat([]string{letter}, 65)...))
	for name, body := range map[string]any{
		"a letter that is none": ask(good, "letter"), "no base64": object{"evidence": "%%"}, "evidence as JSON": `{"evidence":` + string(good) + `}`, "none": object{}, "more": `{"evidence":"","trust":true}`,
	} {
		if a := h.ask("ana", post, at, body); a.status/100 != 4 || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %.300s", name, a.status, a.body)
		}
	}
}

// TestRenewals: a letter is renewed once for a key, one after the other without, and never by what is no letter.
func TestRenewals(t *testing.T) {
	t.Parallel()
	// spec: LTR-6
	h := newHouse(t)
	const post, at = http.MethodPost, "/api/letters/own"
	for name, body := range map[string]object{
		"nothing": {}, "both": {"nowhere": true, "endpoints": []string{"https://new.xa.example:8443"}}, "no address": {"endpoints": []string{"new.xa.example"}},
		"no language": {"names": object{"": "XA"}}, "no role": {"contacts": []object{{"role": "gardener"}}}, "keys": {"seal": "age1", "endpoints": []string{}},
	} {
		if a := h.ask("root", post, at, body); a.status/100 != 4 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if v := h.well("root", http.MethodGet, at, nil); v.get("serial") != "1" {
		t.Fatalf("%s", v.body)
	}
	body := object{"endpoints": []string{"https://new.xa.example:8443"}, "contacts": []object{{"role": "technical", "name": "Duty desk", "hours": "24/7"}}, "names": object{"en": "State of XA", "fr": "XA"}}
	first := h.well("root", post, at, body, keyHeader, "renewal")
	if first.get("serial") != "2" || first.get("status") != "confirmed" || first.get("endpoints.0") != "https://new.xa.example:8443" || first.get("contacts.0.hours") != "24/7" {
		t.Fatalf("%s", first.body)
	}
	if again := h.well("root", post, at, body, keyHeader, "renewal"); !bytes.Equal(again.body, first.body) || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s", again.body)
	}
	h.no(422, "failed", "root", post, at, object{"nowhere": true}, keyHeader, "renewal")
	var wg sync.WaitGroup
	answers := make([]answered, 6)
	for i := range answers {
		wg.Go(func() {
			answers[i] = h.ask("root", post, at, object{"names": object{"en": "State of XA " + string(rune('a'+i))}})
		})
	}
	wg.Wait()
	serials := map[string]bool{"1": true, "2": true}
	for _, a := range answers {
		if a.status != 201 || serials[a.get("serial")] {
			t.Errorf("%d %s", a.status, a.body)
		}
		serials[a.get("serial")] = true
	}
	// A peer takes the newest without words, and the settings have followed.
	own := h.well("aud", http.MethodGet, at, nil)
	if own.get("serial") != "8" {
		t.Errorf("%s", own.body)
	}
	v, err := h.xb.ImportLetter(t.Context(), []byte(first.get("letter")))
	if err != nil || v.Status != store.LetterConfirmed {
		t.Errorf("%v %+v", err, v)
	}
	h.xa.Restart(nil)
	if got := h.xa.Config.Endpoints; len(got) != 1 || got[0] != "https://new.xa.example:8443" {
		t.Errorf("settings: %v", got)
	}
}

// TestWordsAreHeard: of a letter that waits to be confirmed no answer has the words.
func TestWordsAreHeard(t *testing.T) {
	t.Parallel()
	// spec: LTR-9
	h := newHouse(t)
	other, err := fedtest.New(t, "XC").At("XC").OwnLetter(t.Context())
	h.must(err)
	words := strings.Join(other.Words(), `","`)
	for _, a := range []answered{
		h.well("root", http.MethodPost, "/api/letters", object{"letter": string(other.Raw)}), h.well("root", http.MethodGet, "/api/letters", nil), h.well("kim", http.MethodGet, "/api/letters/XC/1", nil),
	} {
		if strings.Contains(string(a.body), words) {
			t.Errorf("%s", a.body)
		}
	}
	if v := h.well("root", http.MethodPost, "/api/letters/XC/confirm", object{"words": other.Words()}); !strings.Contains(string(v.body), words) {
		t.Errorf("%s", v.body)
	}
}

// TestBag: two nodes that cannot reach each other exchange by files that their programs fetch and bring.
func TestBag(t *testing.T) {
	t.Parallel()
	// spec: NET-5
	h := newHouse(t)
	h.f.Quiet()
	h.f.Cut("XA", "XB")
	const get, post = http.MethodGet, http.MethodPost
	said := h.well("kim", post, "/api/statements", h.request("in the bag"))
	asked := h.xb.Ask(h.pact, exchange.Draft{Title: "in the other bag", Text: "Please."}, "XA")
	out := h.well("kim", get, "/api/peers/XB/packets", nil)
	files := untar(t, out.body)
	if out.header.Get("Content-Type") != "application/x-tar" || out.header.Get("Content-Disposition") != "attachment; filename=to-XB.packets.tar" || len(files) != 1 || files["to-XB.packet"] == nil {
		t.Fatalf("%v %v", out.header, slices.Collect(maps.Keys(files)))
	}
	var back, none bytes.Buffer
	if _, err := h.xb.Unpack(t.Context(), bytes.NewReader(files["to-XB.packet"]), &back); err != nil {
		t.Fatal(err)
	}
	stream := []string{"Content-Type", "application/octet-stream"}
	if got := h.well("kim", post, "/api/packets", back.String(), stream...); got.get("author") != "XB" || got.get("taken") != "1" {
		t.Errorf("%s", got.body)
	}
	h.xa.Delivered(parseID(t, said.get("id")))

	var theirs bytes.Buffer
	if _, _, err := h.xb.Pack(t.Context(), "XA", &theirs); err != nil {
		t.Fatal(err)
	}
	if m := h.well("lee", post, "/api/packets/inspect", theirs.String(), stream...); !strings.Contains(string(m.body), `"checkpoint"`) {
		t.Errorf("%s", m.body)
	}
	key := append(stream, keyHeader, "bag")
	first := h.well("kim", post, "/api/packets?reply=true", theirs.String(), key...)
	if !strings.Contains(first.get("said"), asked.ID.String()) || first.get("reply") == "" {
		t.Errorf("%s", first.body)
	}
	if again := h.well("kim", post, "/api/packets?reply=true", theirs.String(), key...); !bytes.Equal(again.body, first.body) || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s", again.body)
	}
	h.no(422, "failed", "kim", post, "/api/packets?reply=true", back.String(), key...)
	if twice := h.well("root", post, "/api/packets", theirs.String(), stream...); twice.get("said") != "[]" { // an administrator carries, and reads nothing
		t.Errorf("%s", twice.body)
	}
	raw, err := base64.StdEncoding.DecodeString(first.get("reply"))
	h.must(err)
	if _, err := h.xb.Unpack(t.Context(), bytes.NewReader(raw), &none); err != nil {
		t.Error(err)
	}
	h.xb.Delivered(asked.ID)
	if pages := untar(t, h.well("kim", get, "/api/peers/XB/mirror?from=1", nil).body); len(pages) != 1 {
		t.Errorf("%d pages of XB's log", len(pages))
	}
}

// untar reads a tar to its end.
func untar(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(raw)); ; {
		head, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if out[head.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBackupOverHTTP: what was given is whole, opens with the node's keys alone, and is given one at a time.
func TestBackupOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.well("kim", http.MethodPost, "/api/statements", h.request("tin kettles"))
	b := h.well("root", http.MethodGet, "/api/backup", nil, keyHeader, "not kept")
	if d := b.header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment; filename=XA-2026") || !strings.HasSuffix(d, ".comity") || bytes.Contains(b.body, []byte("kettle")) {
		t.Errorf("%v", b.header)
	}
	m, err := h.xa.CheckBackup(bytes.NewReader(b.body))
	if err != nil || len(m.Tables) == 0 {
		t.Errorf("%v %+v", err, m)
	}
	if _, err := h.xa.CheckBackup(bytes.NewReader(b.body[:len(b.body)-1])); err == nil {
		t.Error("one that was cut short is whole")
	}
	if _, err := h.xb.CheckBackup(bytes.NewReader(b.body)); err == nil {
		t.Error("another party opens it")
	}
}

// TestOneBackupAtATime: while one is given, another is refused; and it goes on as long as somebody reads, whatever bound the server sets on answers.
func TestOneBackupAtATime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	bulk := make([]byte, 32<<20)                   // more than lies between two ends of a connection
	_, _ = rand.NewChaCha8([32]byte{1}).Read(bulk) // it never fails
	facts, err := node.Facts(assist.Request{Type: assist.Information})
	h.must(err)
	_, err = h.xa.Node.Say(auth.With(t.Context(), auth.Claim{Token: auth.Typed(h.tokens["lee"])}), exchange.Draft{
		Kind: assist.KindRequest, Agreement: h.pact, To: []party.Code{"XB"}, Marking: marking.Marking{TLP: marking.Amber}, Track: statement.Technical, Precedence: statement.Routine, Facts: facts,
		Blobs: []exchange.Attachment{{Name: "disk.img", Type: "application/octet-stream", Data: bytes.NewReader(bulk)}},
	})
	h.must(err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server.URL+"/api/backup", nil)
	h.must(err)
	req.Header.Set("Authorization", "Bearer "+h.tokens["root"])
	resp, err := h.server.Client().Do(req) // it has begun, and nobody reads
	h.must(err)
	defer resp.Body.Close()
	h.no(503, "unavailable", "root", http.MethodGet, "/api/backup", nil)
	raw, err := io.ReadAll(resp.Body)
	if err != nil || len(raw) < len(bulk)/2 {
		t.Fatalf("%v: %d bytes", err, len(raw))
	}
	if _, err := h.xa.CheckBackup(bytes.NewReader(raw)); err != nil {
		t.Error(err)
	}

	hasty := httptest.NewUnstartedServer(Handler(h.xa.Node, Options{Burst: 1_000_000}))
	hasty.Config.WriteTimeout = time.Nanosecond // no answer is written in time
	t.Cleanup(hasty.Close)
	hasty.Start()
	get := func(path string) ([]byte, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, hasty.URL+path, nil)
		h.must(err)
		req.Header.Set("Authorization", "Bearer "+h.tokens["root"])
		resp, err := hasty.Client().Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		return io.ReadAll(resp.Body)
	}
	if raw, err := get("/api/whoami"); err == nil {
		t.Fatalf("the server has no bound: %s", raw)
	}
	raw, err = get("/api/backup")
	if err == nil {
		_, err = h.xa.CheckBackup(bytes.NewReader(raw))
	}
	if err != nil {
		t.Errorf("a backup that takes long: %v", err)
	}
}

// TestProcesses: those that share a database are listed, and one whose folder is gone is forgotten, never the one that is asked.
func TestProcesses(t *testing.T) {
	t.Parallel()
	// spec: LOG-14
	alone := newHouse(t)
	if v := alone.well("aud", http.MethodGet, "/api/processes", nil); v.get("processes") != "[]" {
		t.Errorf("%s", v.body)
	}
	alone.no(404, "not-found", "root", http.MethodPost, "/api/processes/forget", object{"name": "xa2.example:/var/lib/comity"})
	alone.no(422, "malformed", "root", http.MethodPost, "/api/processes/forget", object{"name": "x", "without": []string{"XB"}})

	f, address := fedtest.New(t), pgtest.URL(pgtest.New(t).Database(t, "xa"))
	cfg := settings.Defaults("XA")
	cfg.Store = address
	first, second := filepath.Join(t.TempDir(), "1"), filepath.Join(t.TempDir(), "2")
	h := &house{t: t, f: f, tokens: map[string]string{}, seen: map[string]bool{}}
	_, err := node.Init(t.Context(), first, node.Founding{Config: cfg, Names: map[string]string{"en": "XA"}, Now: f.Clock.Now})
	h.must(err)
	open := func(dir string) *node.Node {
		n, err := node.Open(t.Context(), dir, node.Options{Now: f.Clock.Now})
		h.must(err)
		return n
	}
	h.must(os.CopyFS(second, os.DirFS(first)))
	h.must(filepath.WalkDir(second, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(name, map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()])
	}))
	h.xa = &fedtest.Party{F: f, Code: "XA", Node: open(first)}
	defer func() { h.must(h.xa.Close()) }()
	h.must(open(second).Close())
	h.must(h.xa.AddOfficer(t.Context(), auth.Person{ID: "root", Name: "Officer Zero", Roles: []auth.Role{auth.Administrator}}))
	h.token(t.Context(), "root")
	h.serve(Options{})
	list := h.well("root", http.MethodGet, "/api/processes", nil)
	here, other := list.get("processes.0.name"), list.get("processes.1.name")
	if list.get("processes.0.here") != "true" {
		here, other = other, here
	}
	if !strings.HasSuffix(here, first) || !strings.HasSuffix(other, second) {
		t.Fatalf("%s", list.body)
	}
	h.no(400, "usage", "root", http.MethodPost, "/api/processes/forget", object{"name": here})
	h.well("root", http.MethodPost, "/api/processes/forget", object{"name": other}, keyHeader, "once")
	h.well("root", http.MethodPost, "/api/processes/forget", object{"name": other}, keyHeader, "once")
	h.no(404, "not-found", "root", http.MethodPost, "/api/processes/forget", object{"name": other})
	if v := h.well("root", http.MethodGet, "/api/processes", nil); v.get("processes.0.name") != here || v.get("processes.1.name") != "" {
		t.Errorf("%s", v.body)
	}
}
