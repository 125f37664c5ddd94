package door

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/auth/authtest"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// device is one whose browser shows the house's pages.
func (h *house) device() *authtest.Device { return authtest.NewDevice(h.url, "localhost") }

// finishing is what the script posts.
func finishing(t *testing.T, answer []byte, also string) string {
	t.Helper()
	return `{` + also + `"answer":` + string(answer) + `}`
}

// register adds a passkey of the officer who is signed in.
func (b *browser) register(d *authtest.Device) answer {
	b.h.t.Helper()
	a := b.json(Me+"/passkey/begin", "{}")
	if a.StatusCode != http.StatusOK {
		return a
	}
	return b.json(Me+"/passkey/finish", finishing(b.h.t, d.Create(b.h.t, []byte(a.text)), `"name":"blue key",`))
}

// show signs in by a passkey.
func (b *browser) show(d *authtest.Device) answer {
	b.h.t.Helper()
	a := b.json(passkeyPath+"/begin", "{}")
	if a.StatusCode != http.StatusOK {
		b.h.t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	return b.json(passkeyPath+"/finish", finishing(b.h.t, d.Sign(b.h.t, []byte(a.text)), `"to":"/threads?x=1",`))
}

// recorded counts the records of a kind in the node's log.
func (h *house) recorded(kind string) (n int) {
	h.t.Helper()
	return h.recordedTo(h.as("root"), kind)
}

// recordedTo is recorded for whoever ctx is of: as makes a token, which is recorded too.
func (h *house) recordedTo(ctx context.Context, kind string) (n int) {
	h.t.Helper()
	all, err := h.Threads(ctx, node.Filter{Desk: string(office.Kind)})
	h.must(0, err)
	for _, v := range all {
		_, said, err := h.Thread(ctx, v.ID)
		h.must(0, err)
		for _, s := range said {
			if string(s.Kind) == kind && s.Void == "" {
				n++
			}
		}
	}
	return n
}

// TestPasskey: after a link a passkey is added; by it its officer comes in, to the page that was asked for, and what is wrong with one that does not is not told.
func TestPasskey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, d := h.browser(), h.device()
	if a := b.register(d); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("without signing in: %d %s", a.StatusCode, a.text)
	}
	b.enter("desk")
	if a := b.get(Me); !strings.Contains(a.text, "Add a passkey now") {
		t.Errorf("%s", a.text)
	}
	if a := b.register(d); a.StatusCode != http.StatusOK || a.text != `{"to":"/me?done=added"}` {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	if n := h.recorded("office.bind"); n != 1 {
		t.Errorf("%d records", n)
	}
	if a := b.get(Me + "?done=added"); !strings.Contains(a.text, "blue key") || !strings.Contains(a.text, "The passkey was added.") || strings.Contains(a.text, "Add a passkey now") {
		t.Errorf("%s", a.text)
	}
	b.post(SignOut)
	if a := b.show(d); a.StatusCode != http.StatusOK || a.text != `{"to":"/threads?x=1"}` || !b.in("desk") {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	stranger := h.browser()
	unknown := d.Clone()
	unknown.ID = make([]byte, 32)
	elsewhere := d.Clone()
	elsewhere.Origin = "http://localhost:1"
	first := stranger.show(unknown)
	second := stranger.show(elsewhere)
	if first.StatusCode != http.StatusForbidden || first.text != second.text || !strings.Contains(first.text, "This does not let you in, or not any more.") || stranger.in("desk") {
		t.Errorf("%d %s; %d %s", first.StatusCode, first.text, second.StatusCode, second.text)
	}
	// An answer that somebody has seen is good for nothing in another browser, nor a second time in the same.
	a := b.json(passkeyPath+"/begin", "{}")
	answer := finishing(t, d.Sign(t, []byte(a.text)), "")
	var ticket string
	for _, c := range a.Cookies() {
		if c.Name == cookiePasskey {
			ticket = c.Value
		}
	}
	stranger.json(passkeyPath+"/begin", "{}")
	if a := stranger.json(passkeyPath+"/finish", answer); a.StatusCode != http.StatusForbidden {
		t.Errorf("another browser: %d", a.StatusCode)
	}
	if a := b.json(passkeyPath+"/finish", answer); a.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	for _, b := range []*browser{b, stranger} {
		b.put(cookiePasskey, ticket)
		if a := b.json(passkeyPath+"/finish", answer); a.StatusCode != http.StatusForbidden {
			t.Errorf("a second time: %d %s", a.StatusCode, a.text)
		}
	}
	if strings.Contains(h.diary.String(), "Desk officer") {
		t.Error("the diary names an officer")
	}
}

// TestEveryChangeIsRecorded: each change of officers, tokens, links and ways in is one statement more of the officer's record, in the own log, that counts; signing in by a
// passkey and out, and what lets nobody in, is none and stands in the diary.
func TestEveryChangeIsRecorded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root, b, d := h.as("root"), h.browser(), h.device()
	size := func() (n int64) {
		t.Helper()
		h.must(0, h.Store.View(t.Context(), func(tx store.Tx) (err error) {
			n, err = tx.Length(h.Journal.Origin())
			return err
		}))
		return n
	}
	changes := func(kind string, do func()) {
		t.Helper()
		n, leaves := h.recordedTo(root, kind), size()
		do()
		if got, grown := h.recordedTo(root, kind)-n, size()-leaves; got != 1 || grown != 1 {
			t.Errorf("%s: %d records, %d leaves", kind, got, grown)
		}
	}
	silent := func(what, says string, do func()) {
		t.Helper()
		leaves, was := size(), strings.Count(h.diary.String(), says)
		do()
		if grown, told := size()-leaves, strings.Count(h.diary.String(), says)-was; grown != 0 || told != 1 {
			t.Errorf("%s: %d leaves, %d lines of the diary say %q", what, grown, told, says)
		}
	}
	id := "new"
	changes("office.enrol", func() {
		h.must(0, h.AddOfficer(root, auth.Person{ID: id, Name: "Duty officer", Roles: []auth.Role{auth.Analyst}}))
	})
	changes("office.assign", func() { h.must(0, h.SetRoles(root, id, []auth.Role{auth.DutyOfficer})) })
	changes("office.disable", func() { h.must(0, h.SetDisabled(root, id, true)) })
	changes("office.enable", func() { h.must(0, h.SetDisabled(root, id, false)) })
	end := statement.TimeOf(h.clock.Now().Add(time.Hour))
	changes("office.issue", func() { _, err := h.MakeToken(root, id, nil, end); h.must(0, err) })
	tokens, err := h.Tokens(root)
	h.must(0, err)
	for _, v := range tokens {
		if v.Officer == id {
			changes("office.revoke", func() { h.must(0, h.RevokeToken(root, v.Name)) })
		}
	}
	var link auth.Secret
	changes("office.invite", func() { link, err = h.MakeLink(root, id, end); h.must(0, err) })
	changes("office.enter", func() {
		if a := b.post(LinkPath, "key", link.Reveal()); a.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d: %s", a.StatusCode, a.text)
		}
	})
	changes("office.bind", func() {
		if a := b.register(d); a.StatusCode != http.StatusOK {
			t.Fatalf("%d: %s", a.StatusCode, a.text)
		}
	})
	changes("office.bind", func() {
		h.must(0, h.BindIdentity(root, id, auth.Identity{Issuer: "https://id.xa.example", Subject: "s"}))
	})
	silent("signing out", "an officer was signed out", func() { b.post(SignOut) })
	silent("signing in", "an officer signed in", func() { b.show(d) })
	silent("an administrator's signing out", "an officer was signed out", func() { h.must(0, h.SignOutEverywhere(root, id)) })
	silent("a used link", "nobody was let in", func() { b.post(LinkPath, "key", link.Reveal()) })
	unknown := d.Clone()
	unknown.ID = make([]byte, 32)
	silent("an unknown passkey", "nobody was let in", func() { b.show(unknown) })
	ways, err := h.Ways(root, id)
	h.must(0, err)
	changes("office.unbind", func() { h.must(0, h.DropPasskey(root, ways.Passkeys[0].Name, false)) })
	changes("office.unbind", func() { h.must(0, h.DropIdentity(root, ways.Identities[0].Name, false)) })
}

// TestCopiedPasskey: a count that goes back lets nobody in, and stands in the log for those who read it.
func TestCopiedPasskey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, d := h.browser(), h.device()
	b.enter("desk")
	d.Count = 1
	b.register(d)
	copied := d.Clone()
	d.Count = 5
	if a := b.show(d); a.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	thief := h.browser()
	copied.Count = 2
	if a := thief.show(copied); a.StatusCode != http.StatusForbidden || thief.in("desk") {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
	if n := h.recorded("office.doubt"); n != 1 {
		t.Errorf("%d records", n)
	}
	if !strings.Contains(h.diary.String(), "a count that went back") {
		t.Error("the diary says nothing")
	}
	d.Count = 6
	if a := b.show(d); a.StatusCode != http.StatusOK {
		t.Errorf("who has the key itself: %d", a.StatusCode)
	}
}

// TestStolenSession: who has somebody's session for a while cannot make a way in of it that stays.
func TestStolenSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.enter("desk")
	h.clock.pass(16 * time.Minute)
	if a := b.register(h.device()); a.StatusCode != http.StatusForbidden || !strings.Contains(a.text, "sign in again first") {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
	if n := h.recorded("office.bind"); n != 0 {
		t.Errorf("%d records", n)
	}
}

// TestDroppingPasskeys: the last way in goes only when it was said again; and a passkey that was dropped is of no use.
func TestDroppingPasskeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, d := h.browser(), h.device()
	b.enter("desk")
	b.register(d)
	ways := func() []node.PasskeyView {
		v, err := h.Ways(h.as("root"), "desk")
		h.must(0, err)
		return v.Passkeys
	}
	name := ways()[0].Name
	other := h.browser()
	other.enter("root")
	if a := other.get(Me); strings.Contains(a.text, name) {
		t.Error("another officer's passkey is shown")
	}
	if a := b.post(Me+"/passkey/drop", "name", name); a.StatusCode != http.StatusConflict || !strings.Contains(a.text, "Your last way in") || len(ways()) != 1 {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
	if a := b.post(Me+"/passkey/drop", "name", name, "last", "yes"); a.StatusCode != http.StatusSeeOther || len(ways()) != 0 || !b.in("desk") {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
	if a := other.show(d); a.StatusCode != http.StatusForbidden {
		t.Errorf("%d", a.StatusCode)
	}
	if a := b.post(Me+"/passkey/drop", "name", name); a.StatusCode != http.StatusNotFound {
		t.Errorf("%d", a.StatusCode)
	}
	// An analyst drops no other's; an administrator does, for who has lost a device.
	other.register(d)
	rooted, err := h.Ways(h.as("root"), "root")
	h.must(0, err)
	if a := b.post(Me+"/passkey/drop", "name", rooted.Passkeys[0].Name); a.StatusCode != http.StatusForbidden {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
	mine := h.device()
	if a := b.register(mine); a.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	h.must(0, h.DropPasskey(h.as("root"), ways()[0].Name, false))
	if b.in("desk") {
		t.Error("who may have the lost device is still in")
	}
}

// TestSessions: officers see where they are signed in, and end it there.
func TestSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, d, other := h.browser(), h.device(), h.browser()
	b.enter("desk")
	b.register(d)
	other.show(d)
	v, err := h.Ways(h.as("root"), "desk")
	h.must(0, err)
	if len(v.Sessions) != 2 {
		t.Fatalf("%+v", v.Sessions)
	}
	var link, key string
	for _, s := range v.Sessions {
		switch s.Way {
		case "link":
			link = s.Name
		case "passkey":
			key = s.Name
		}
	}
	thief := h.browser()
	thief.enter("root")
	if a := thief.post(Me+"/session/end", "name", key); a.StatusCode != http.StatusNotFound || !other.in("desk") {
		t.Errorf("%d: another officer's session", a.StatusCode)
	}
	if a := b.get(Me); !strings.Contains(a.text, `value="`+key+`"`) || strings.Contains(a.text, `value="`+link+`"`) {
		t.Errorf("%s", a.text)
	}
	if a := b.post(Me+"/session/end", "name", key); a.StatusCode != http.StatusSeeOther || other.in("desk") || !b.in("desk") {
		t.Errorf("%d", a.StatusCode)
	}
}

// TestOfficerLimit: an officer's own door has a limit, wherever the attempts come from.
func TestOfficerLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, d := h.browser(), h.device()
	b.enter("desk")
	b.register(d)
	wrong := d.Clone()
	wrong.RP = "elsewhere"
	for i := range 2 * officerBurst {
		if a := h.browser().show(wrong); a.StatusCode == http.StatusTooManyRequests {
			if i != officerBurst {
				t.Errorf("after %d", i)
			}
			if a.Header.Get("Retry-After") == "" {
				t.Error("not when to come again")
			}
			return
		}
	}
	t.Error("no limit")
}

// TestHostileAnswers: what no browser sends is refused, and breaks nothing.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.enter("desk")
	for _, body := range []string{
		"", "{", "[]", `{"answer":1}`, `{"answer":{"id":"","rawId":"","type":"public-key","response":{}}}`, `{"answer":{"id":"AA","rawId":"AA","type":"x","response":{}}}`, `{"to":1}`,
		`{"answer":{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}}`,
		`{"answer":` + strings.Repeat("[", 20000) + `}`, `{"name":"` + strings.Repeat("x", maxAnswer) + `"}`, "\xff\xfe", `{"name":"a","name":"b"}`,
	} {
		for _, path := range []string{passkeyPath, Me + "/passkey"} {
			begun := b.json(path+"/begin", "{}")
			if begun.StatusCode == http.StatusTooManyRequests {
				h.clock.pass(time.Minute)
				begun = b.json(path+"/begin", "{}")
			}
			if !jsontext.Value(begun.text).IsValid() {
				t.Errorf("%s", begun.text)
			}
			if a := b.json(path+"/finish", body); a.StatusCode < 400 || a.StatusCode >= 500 || !strings.HasPrefix(a.text, `{"says":"`) {
				t.Errorf("%s %.60s: %d %s", path, body, a.StatusCode, a.text)
			}
		}
	}
	if strings.Contains(h.diary.String(), "panic") {
		t.Error(fmt.Sprint(h.diary))
	}
}

// TestLostDevice: who says with a one-time link that a device was lost leaves no passkey that still opens the node; who does not, keeps them.
func TestLostDevice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	lost, b := h.device(), h.browser()
	b.post(LinkPath, "key", h.link("desk"))
	if a := b.register(lost); a.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", a.StatusCode, a.text)
	}
	again := h.browser()
	again.post(LinkPath, "key", h.link("desk"))
	if a := h.browser().show(lost); a.StatusCode != http.StatusOK {
		t.Fatalf("a link without that word takes a passkey away: %d: %s", a.StatusCode, a.text)
	}
	anew := h.browser()
	if a := anew.get(LinkPath + "?key=x"); !strings.Contains(a.text, `name="lost"`) {
		t.Errorf("the page does not ask: %s", a.text)
	}
	a := anew.post(LinkPath, "key", h.link("desk"), "lost", "yes")
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != Me+"?done=lost" || !anew.in("desk") {
		t.Fatalf("%d, to %s: %s", a.StatusCode, a.Header.Get("Location"), a.text)
	}
	if a := anew.get(Me + "?done=lost"); !strings.Contains(a.text, "let nobody in any more") {
		t.Errorf("%s", a.text)
	}
	if a := h.browser().show(lost); a.StatusCode == http.StatusOK {
		t.Error("the lost passkey goes on opening the node")
	}
}
