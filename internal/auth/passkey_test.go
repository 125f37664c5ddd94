package auth

import (
	"fmt"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth/authtest"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

const origin, host = "https://desk.xa.example", "desk.xa.example"

// keyed is a house with a passkey of desk's.
type keyed struct {
	*house
	p    *Passkeys
	desk Actor
	root Actor
}

func newKeyed(t *testing.T) *keyed {
	t.Helper()
	h, root := staffedHouse(t)
	p, err := h.Passkeys(origin, "XA")
	if err != nil {
		t.Fatal(err)
	}
	desk, err := h.signIn(h.enter("desk", h.now), h.now)
	if err != nil {
		t.Fatal(err)
	}
	return &keyed{h, p, desk, root}
}

func (k *keyed) begin(by Actor, now statement.Time) (options []byte, ticket string, err error) {
	k.t.Helper()
	err = k.db.View(k.t.Context(), func(tx store.Tx) error {
		options, ticket, err = k.p.BeginAdd(tx, by, now)
		return err
	})
	return options, ticket, err
}

func (k *keyed) finish(by Actor, name, ticket string, answer []byte) (Change, error) {
	return k.do(func(tx store.Tx) (Change, error) { return k.p.Add(tx, by, name, ticket, answer, k.now) })
}

// device gives an officer a device with a passkey.
func (k *keyed) device(by Actor) *authtest.Device {
	k.t.Helper()
	d := authtest.NewDevice(origin, host)
	options, ticket, err := k.begin(by, k.now)
	if err != nil {
		k.t.Fatal(err)
	}
	k.must(k.finish(by, "blue key", ticket, d.Create(k.t, options)))
	return d
}

func (k *keyed) ask() (options []byte, ticket string) {
	k.t.Helper()
	options, ticket, err := k.p.BeginLogin(k.now)
	if err != nil {
		k.t.Fatal(err)
	}
	return options, ticket
}

func (k *keyed) check(ticket string, answer []byte, now statement.Time) (s Shown, err error) {
	k.t.Helper()
	err = k.db.View(k.t.Context(), func(tx store.Tx) error {
		s, err = k.p.Check(tx, ticket, answer, now)
		return err
	})
	return s, err
}

func (k *keyed) admit(s Shown) error {
	return k.db.Update(k.t.Context(), func(tx store.Tx) error { return k.Admit(tx, s, NewSession(), k.now) })
}

// enter does all of signing in.
func (k *keyed) enterBy(d *authtest.Device) error {
	k.t.Helper()
	options, ticket := k.ask()
	s, err := k.check(ticket, d.Sign(k.t, options), k.now)
	if err != nil {
		return err
	}
	return k.admit(s)
}

const noPasskey = "this passkey does not let in, or not any more"

// TestPasskey: who has a passkey comes in by it, and what was recorded names it.
func TestPasskey(t *testing.T) {
	t.Parallel()
	k := newKeyed(t)
	d := authtest.NewDevice(origin, host)
	options, ticket, err := k.begin(k.desk, k.now)
	if err != nil {
		t.Fatal(err)
	}
	answer := d.Create(t, options)
	c := k.must(k.finish(k.desk, " blue key ", ticket, answer))
	if f, ok := c.Facts.(office.Bind); c.Kind != office.KindBind || !ok || f != (office.Bind{Way: office.WayPasskey, Name: k.PasskeyName(d.ID)}) {
		t.Errorf("recorded: %+v", c)
	}
	_, err = k.finish(k.desk, "again", ticket, answer)
	k.refused(err, fault.Exists, "known here already")
	for range 3 { // a device that does not count
		if err := k.enterBy(d); err != nil {
			t.Fatal(err)
		}
	}
	d.Count = 7
	if err := k.enterBy(d); err != nil {
		t.Fatal(err)
	}
	k.update(func(tx store.Tx) error {
		all, err := k.Held(tx, "desk")
		if len(all) != 1 || all[0].Name != "blue key" || all[0].Count != 7 || all[0].LastUsed != k.now {
			t.Errorf("%+v", all)
		}
		return err
	})
}

// TestBadAnswers: each is refused, with the same words.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	k := newKeyed(t)
	good := k.device(k.desk)
	k.must(k.add(k.root, "third", Analyst))
	third, err := k.signIn(k.enter("third", k.now), k.now)
	if err != nil {
		t.Fatal(err)
	}
	other := k.device(third)
	for name, bad := range map[string]func(d *authtest.Device){
		"another site's page":     func(d *authtest.Device) { d.Origin = "https://desk.xa.example.evil.example" },
		"a page over http":        func(d *authtest.Device) { d.Origin = "http://desk.xa.example" },
		"another site's key":      func(d *authtest.Device) { d.RP = "xb.example" },
		"nobody was there":        func(d *authtest.Device) { d.Flags = authtest.Verified },
		"nobody was verified":     func(d *authtest.Device) { d.Flags = authtest.Present },
		"another challenge":       func(d *authtest.Device) { d.Challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
		"made, not signed":        func(d *authtest.Device) { d.Type = "webauthn.create" },
		"another officer's":       func(d *authtest.Device) { d.Handle = other.Handle },
		"no officer's":            func(d *authtest.Device) { d.Handle = nil },
		"another key's name":      func(d *authtest.Device) { d.ID, d.Handle = other.ID, other.Handle },
		"a key that is not known": func(d *authtest.Device) { d.ID = make([]byte, 32) },
	} {
		d := good.Clone()
		bad(d)
		k.refused(k.enterBy(d), fault.Denied, noPasskey)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	options, ticket := k.ask()
	answer := good.Sign(t, options)
	_, adding, err := k.begin(k.desk, k.now)
	if err != nil {
		t.Fatal(err)
	}
	_, another := k.ask()
	for name, wrong := range map[string]func() error{
		"another ticket":      func() error { _, err := k.check(another, answer, k.now); return err },
		"a ticket for adding": func() error { _, err := k.check(adding, answer, k.now); return err },
		"no ticket":           func() error { _, err := k.check("", answer, k.now); return err },
		"too late":            func() error { _, err := k.check(ticket, answer, k.now.Add(ticketLife)); return err },
		"no answer":           func() error { _, err := k.check(ticket, nil, k.now); return err },
		"no JSON":             func() error { _, err := k.check(ticket, []byte("{"), k.now); return err },
	} {
		if k.refused(wrong(), fault.Denied, noPasskey); t.Failed() {
			t.Fatal(name)
		}
	}
	// What is right counts once, however many come with it at once.
	s, err := k.check(ticket, answer, k.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.admit(s); err != nil {
		t.Fatal(err)
	}
	k.refused(k.admit(s), fault.Denied, "this was used already")
	k.must(k.do(func(tx store.Tx) (Change, error) { return k.SetDisabled(tx, k.root, "desk", true, k.now) }))
	k.refused(k.enterBy(good), fault.Denied, noPasskey)
}

// TestCopied: a count that goes back, or stays, is that of a copy. Nobody is let in by it, and the one whose count is ahead goes on.
func TestCopied(t *testing.T) {
	t.Parallel()
	k := newKeyed(t)
	d := k.device(k.desk)
	d.Count = 5
	if err := k.enterBy(d); err != nil {
		t.Fatal(err)
	}
	for _, count := range []uint32{5, 4, 0} {
		d.Count = count
		options, ticket := k.ask()
		s, err := k.check(ticket, d.Sign(t, options), k.now)
		if err != nil || !s.Copied || s.Officer != "desk" {
			t.Errorf("%d: %+v, %v", count, s, err)
		}
		k.refused(k.admit(s), fault.Denied, noPasskey)
		if c := k.Doubt(s); c.Kind != office.KindDoubt || c.Facts != (office.Bind{Way: office.WayPasskey, Name: k.PasskeyName(d.ID)}) {
			t.Errorf("recorded: %+v", c)
		}
	}
	d.Count = 6
	options, ticket := k.ask()
	first, err := k.check(ticket, d.Sign(t, options), k.now)
	if err != nil {
		t.Fatal(err)
	}
	options, ticket = k.ask()
	second, err := k.check(ticket, d.Sign(t, options), k.now) // at the same time
	if err != nil {
		t.Fatal(err)
	}
	if err := k.admit(first); err != nil {
		t.Fatal(err)
	}
	k.refused(k.admit(second), fault.Denied, noPasskey)
}

// TestAdding: a passkey is added by its officer, soon after signing in, with the ticket of that officer.
func TestAdding(t *testing.T) {
	t.Parallel()
	k := newKeyed(t)
	_, _, err := k.begin(k.desk, k.now.Add(freshFor))
	k.refused(err, fault.Denied, "sign in again first")
	_, _, err = k.begin(officer("desk", Analyst), k.now) // a token, and no session
	k.refused(err, fault.Denied, "")
	_, _, err = k.begin(Operator(), k.now)
	k.refused(err, fault.NotFound, "")
	root, err := k.signIn(k.enter("root", k.now), k.now)
	if err != nil {
		t.Fatal(err)
	}
	d := authtest.NewDevice(origin, host)
	options, ticket, err := k.begin(root, k.now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.finish(k.desk, "root's", ticket, d.Create(t, options)) // somebody else's ticket
	k.refused(err, fault.Denied, "this is no passkey that this node takes")
	options, ticket, err = k.begin(k.desk, k.now)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", " ", "a\nb", "\u202egpj.exe", string(make([]byte, 201))} {
		_, err = k.finish(k.desk, name, ticket, d.Create(t, options))
		k.refused(err, fault.Usage, "a passkey gets a name")
	}
	for _, bad := range []func(){
		func() { d.Origin = "https://evil.example" }, func() { d.RP = "evil.example" }, func() { d.Flags = authtest.Present }, func() { d.Type = "webauthn.get" },
	} {
		*d = *authtest.NewDevice(origin, host)
		bad()
		_, err = k.finish(k.desk, "x", ticket, d.Create(t, options))
		k.refused(err, fault.Denied, "this is no passkey that this node takes")
	}
	for range maxPasskeys {
		k.device(k.desk)
	}
	options, ticket, err = k.begin(k.desk, k.now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.finish(k.desk, "one more", ticket, authtest.NewDevice(origin, host).Create(t, options))
	k.refused(err, fault.Quota, "at most 16")
}

// TestDropping: officers drop their own, the last one only when they say so; administrators drop anybody's; and where the device was, nobody stays signed in.
func TestDropping(t *testing.T) {
	t.Parallel()
	k := newKeyed(t)
	d, e := k.device(k.desk), k.device(k.desk)
	drop := func(by Actor, d *authtest.Device, last bool) (Change, error) {
		return k.do(func(tx store.Tx) (Change, error) { return k.DropPasskey(tx, by, k.PasskeyName(d.ID), last) })
	}
	_, err := drop(officer("third", Analyst), d, true)
	k.refused(err, fault.Denied, "an administrator may")
	_, err = drop(officer("desk", Analyst), d, true) // a program with a token
	k.refused(err, fault.Denied, "an administrator may")
	here, there := k.enter("desk", k.now), k.enter("desk", k.now)
	me, err := k.signIn(here, k.now)
	if err != nil {
		t.Fatal(err)
	}
	c := k.must(drop(me, d, false))
	if c.Kind != office.KindUnbind || fmt.Sprint(c.Facts) != fmt.Sprintf("{passkey %s}", k.PasskeyName(d.ID)) {
		t.Errorf("recorded: %+v", c)
	}
	if !k.in(here, k.now) || k.in(there, k.now) {
		t.Error("signed out here, or in there")
	}
	k.refused(k.enterBy(d), fault.Denied, noPasskey)
	_, err = drop(me, d, false)
	k.refused(err, fault.NotFound, "")
	_, err = drop(me, e, false)
	k.refused(err, fault.Inadmissible, "this is your last way in")
	if err := k.enterBy(e); err != nil {
		t.Error(err)
	}
	k.must(drop(k.root, e, false)) // an administrator is not asked
	k.refused(k.enterBy(e), fault.Denied, noPasskey)
	if k.in(here, k.now) {
		t.Error("signed in by what an administrator took away")
	}
	again := k.device(func() Actor {
		a, err := k.signIn(k.enter("desk", k.now.Add(time.Second)), k.now.Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}())
	if err := k.enterBy(again); err != nil {
		t.Error(err)
	}
}

// TestOrigins: passkeys are bound to a name.
func TestOrigins(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for origin, ok := range map[string]bool{"https://desk.xa.example": true, "http://localhost:8080": true, "https://192.0.2.1": false, "https://": false, "": false} {
		if _, err := h.Passkeys(origin, "XA"); (err == nil) != ok || err != nil && fault.CodeOf(err) != fault.Usage {
			t.Errorf("%s: %v", origin, err)
		}
	}
}
