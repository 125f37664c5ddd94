package auth

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// staffedHouse has an administrator and an analyst.
func staffedHouse(t *testing.T) (h *house, root Actor) {
	t.Helper()
	h, root = newHouse(t), officer("root", Administrator)
	h.must(h.add(Operator(), "root", Administrator))
	h.must(h.add(root, "desk", Analyst))
	return h, root
}

func (h *house) update(f func(tx store.Tx) error) {
	h.t.Helper()
	if err := h.db.Update(h.t.Context(), f); err != nil {
		h.t.Fatal(err)
	}
}

// enter opens a session.
func (h *house) enter(id string, now statement.Time) Claim {
	h.t.Helper()
	secret := NewSession()
	h.update(func(tx store.Tx) error { return h.OpenSession(tx, id, ByPasskey, secret, now) })
	return Claim{Session: secret}
}

// in tells whether a claim lets in, and that one which does not says the same whatever is wrong.
func (h *house) in(c Claim, now statement.Time) bool {
	h.t.Helper()
	_, err := h.signIn(c, now)
	if err != nil {
		h.refused(err, fault.Denied, "you are not signed in, or not any more: sign in again")
	}
	return err == nil
}

// TestSession: who has a session acts in all roles of the officer, until it is idle or old, whatever is done in it.
func TestSession(t *testing.T) {
	t.Parallel()
	h, _ := staffedHouse(t)
	c := h.enter("desk", h.now)
	a, err := h.signIn(c, h.now)
	if err != nil || a.ID != "desk" || !slices.Equal(a.Roles, []Role{Analyst}) || a.Session == "" || a.Since != h.now || a.Token != "" {
		t.Errorf("%+v, %v", a, err)
	}
	use := func(now statement.Time) (wrote bool) {
		h.update(func(tx store.Tx) (err error) {
			wrote, err = h.Used(tx, c, now)
			return err
		})
		return wrote
	}
	if use(h.now.Add(59 * time.Second)) {
		t.Error("noted more than once a minute")
	}
	if h.in(c, h.now.Add(30*time.Minute)) {
		t.Error("an idle session counts")
	}
	if use(h.now.Add(31 * time.Minute)) {
		t.Error("an idle session was revived")
	}
	for at := time.Duration(0); at < 12*time.Hour; at += 29 * time.Minute {
		if !h.in(c, h.now.Add(at)) {
			t.Fatalf("after %v: not in", at)
		}
		use(h.now.Add(at))
	}
	if h.in(c, h.now.Add(12*time.Hour)) {
		t.Error("an old session counts")
	}
	shorter := NewRegistry(Options{Rules: h.Rules, Key: h.Key, Pseudonym: h.Pseudonym, Idle: time.Hour, Life: time.Hour})
	c = h.enter("desk", h.now)
	_ = h.db.View(t.Context(), func(tx store.Tx) error {
		if _, err := shorter.SignIn(tx, c, h.now.Add(59*time.Minute)); err != nil {
			t.Error(err)
		}
		_, err := shorter.SignIn(tx, c, h.now.Add(time.Hour)) // the limit of now, and not that of when it was opened
		h.refused(err, fault.Denied, "sign in again")
		return nil
	})
}

// TestNoSession: what is no session lets nobody in, least of all as the operator.
func TestNoSession(t *testing.T) {
	t.Parallel()
	h, root := staffedHouse(t)
	c := h.enter("desk", h.now)
	token, _, err := h.token(root, "desk", h.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for name, claim := range map[string]Claim{
		"nobody": Nobody(), "made up": {Session: NewSession()}, "a token": {Session: token}, "a link": {Session: NewLink()}, "a blank": {Session: Typed(" ") /* none */, Officer: "desk"},
		"a session as a token": {Token: c.Session}, "both": {Session: c.Session, Token: token}, "another's": {Session: c.Session, Officer: "root"},
		"cut": {Session: Typed(c.Session.Reveal()[:40])}, "longer": {Session: Typed(c.Session.Reveal() + "A")},
	} {
		if a, err := h.signIn(claim, h.now); fault.CodeOf(err) != fault.Denied {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if a, err := newHouse(t).signIn(Nobody(), h.now); err == nil {
		t.Errorf("nobody is %+v where there are no officers", a)
	}
	h.update(func(tx store.Tx) error { // who has the store has no session
		s, err := tx.Session(h.hash(c.Session))
		if _, serr := h.SignIn(tx, Claim{Session: Typed(sessionPrefix + fmt.Sprint(s.Hash))}, h.now); serr == nil {
			t.Error("a hash lets in")
		}
		return err
	})
}

// TestSignedOut: what takes a session away does so at once, for each session that it is to take.
func TestSignedOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do                 func(h *house, root Actor, own Claim) error
		own, other, others bool // whether the session in hand, another of the officer's, and somebody else's go on
	}{
		"out": {func(h *house, _ Actor, own Claim) error {
			return h.db.Update(h.t.Context(), func(tx store.Tx) error { return h.CloseSession(tx, own.Session) })
		}, false, true, true},
		"everywhere": {func(h *house, _ Actor, own Claim) error {
			return h.db.Update(h.t.Context(), func(tx store.Tx) error { return h.CloseSessions(tx, "desk", Secret{}) })
		}, false, false, true},
		"everywhere else": {func(h *house, _ Actor, own Claim) error {
			return h.db.Update(h.t.Context(), func(tx store.Tx) error { return h.CloseSessions(tx, "desk", own.Session) })
		}, true, false, true},
		"by name": {func(h *house, _ Actor, own Claim) error {
			return h.db.Update(h.t.Context(), func(tx store.Tx) error { return h.CloseNamed(tx, "desk", SessionName(h.hash(own.Session))) })
		}, false, true, true},
		"by another's name": {func(h *house, _ Actor, own Claim) error {
			err := h.db.Update(h.t.Context(), func(tx store.Tx) error { return h.CloseNamed(tx, "root", SessionName(h.hash(own.Session))) })
			h.refused(err, fault.NotFound, "no such session")
			return nil
		}, true, true, true},
		"disabled": {func(h *house, root Actor, _ Claim) error {
			_, err := h.do(func(tx store.Tx) (Change, error) { return h.SetDisabled(tx, root, "desk", true, h.now) })
			_, again := h.do(func(tx store.Tx) (Change, error) { return h.SetDisabled(tx, root, "desk", false, h.now) })
			return errors.Join(err, again)
		}, false, false, true},
		"other roles": {func(h *house, root Actor, _ Claim) error {
			_, err := h.do(func(tx store.Tx) (Change, error) {
				return h.SetRoles(tx, root, "desk", []Role{DutyOfficer}, h.now)
			})
			return err
		}, false, false, true},
		"a link is made": {func(h *house, root Actor, _ Claim) error {
			_, err := h.do(func(tx store.Tx) (Change, error) {
				return h.MakeLink(tx, root, "desk", h.now.Add(time.Hour), NewLink(), h.now)
			})
			return err
		}, true, true, true},
		"a link is used": {func(h *house, root Actor, _ Claim) error {
			link, session := NewLink(), NewSession()
			_, err := h.do(func(tx store.Tx) (Change, error) {
				return h.MakeLink(tx, root, "desk", h.now.Add(time.Hour), link, h.now)
			})
			_, used := h.do(func(tx store.Tx) (c Change, err error) {
				_, c, err = h.UseLink(tx, link, session, h.now)
				return c, err
			})
			if !h.in(Claim{Session: session}, h.now) {
				h.t.Error("who used the link is not in")
			}
			return errors.Join(err, used)
		}, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, root := staffedHouse(t)
			own, other, others := h.enter("desk", h.now), h.enter("desk", h.now), h.enter("root", h.now)
			if err := c.do(h, root, own); err != nil {
				t.Fatal(err)
			}
			if got := [3]bool{h.in(own, h.now), h.in(other, h.now), h.in(others, h.now)}; got != [3]bool{c.own, c.other, c.others} {
				t.Errorf("in: %v", got)
			}
		})
	}
}

// TestManySessions: the store does not grow with those who sign in and never out.
func TestManySessions(t *testing.T) {
	t.Parallel()
	h, _ := staffedHouse(t)
	first := h.enter("desk", h.now)
	h.enter("root", h.now)
	for i := range maxSessions {
		h.enter("desk", h.now.Add(time.Duration(i+1)*time.Second))
	}
	if h.in(first, h.now) {
		t.Error("the oldest session goes on")
	}
	h.enter("root", h.now.Add(time.Hour)) // all others are idle by now
	left := 0
	h.update(func(tx store.Tx) error {
		return tx.EachSession("", func(store.Session) bool {
			left++
			return true
		})
	})
	if left != 1 {
		t.Errorf("%d sessions are kept", left)
	}
}

// TestTickets: a ticket is good for one purpose, for some minutes, once.
func TestTickets(t *testing.T) {
	t.Parallel()
	h, _ := staffedHouse(t)
	seal := func() string {
		text, err := h.Seal("a", []byte("what is kept"), h.now)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text := seal()
	ticket, err := h.Unseal("a", text, h.now.Add(ticketLife-time.Second))
	if err != nil || string(ticket.Data) != "what is kept" {
		t.Errorf("%q, %v", ticket.Data, err)
	}
	changed := []byte(text)
	changed[len(changed)/2] ^= 1
	elsewhere := NewRegistry(Options{Rules: h.Rules, Key: []byte("another key"), Pseudonym: h.Pseudonym})
	for name, open := range map[string]func() (Ticket, error){
		"another purpose": func() (Ticket, error) { return h.Unseal("b", text, h.now) },
		"too late":        func() (Ticket, error) { return h.Unseal("a", text, h.now.Add(ticketLife)) },
		"from the future": func() (Ticket, error) { return h.Unseal("a", text, h.now.Add(-time.Minute)) },
		"changed":         func() (Ticket, error) { return h.Unseal("a", string(changed), h.now) },
		"cut":             func() (Ticket, error) { return h.Unseal("a", text[:8], h.now) },
		"none":            func() (Ticket, error) { return h.Unseal("a", "", h.now) },
		"another node's":  func() (Ticket, error) { return elsewhere.Unseal("a", text, h.now) },
	} {
		if _, err := open(); fault.CodeOf(err) != fault.Denied || fault.Show(err) != "this took too long, or was begun elsewhere: begin again" {
			t.Errorf("%s: %v", name, err)
		}
	}
	spend := func(now statement.Time) error {
		return h.db.Update(t.Context(), func(tx store.Tx) error { return errors.Join(ticket.Spend(tx), tx.DropSpent(now)) })
	}
	if err := spend(h.now); err != nil {
		t.Error(err)
	}
	h.refused(spend(h.now), fault.Denied, "this was used already")
	if _, err := h.Unseal("a", seal(), h.now); err != nil {
		t.Error(err)
	}
}

// TestIdentities: somebody at a provider is let in as the officer to whom an administrator or the officer has bound exactly that subject, and as nobody else.
func TestIdentities(t *testing.T) {
	t.Parallel()
	h, root := staffedHouse(t)
	bind := func(by Actor, id string, i Identity, now statement.Time) (Change, error) {
		return h.do(func(tx store.Tx) (Change, error) { return h.BindIdentity(tx, by, id, i, now) })
	}
	enter := func(i Identity) (id string, err error) {
		text, err := h.Seal("p", nil, h.now)
		if err != nil {
			t.Fatal(err)
		}
		ticket, err := h.Unseal("p", text, h.now)
		if err != nil {
			t.Fatal(err)
		}
		err = h.db.Update(t.Context(), func(tx store.Tx) (err error) {
			id, err = h.AdmitIdentity(tx, i, ticket, NewSession(), h.now)
			return err
		})
		return id, err
	}
	me := Identity{"https://id.xa.example", "subject-1"}
	_, err := enter(me)
	h.refused(err, fault.Denied, "this does not let in, or not any more")
	desk, err := h.signIn(h.enter("desk", h.now), h.now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = bind(desk, "desk", me, h.now.Add(freshFor))
	h.refused(err, fault.Denied, "sign in again first")
	_, err = bind(officer("desk", Analyst), "desk", me, h.now) // a program with a token
	h.refused(err, fault.Denied, "an administrator may")
	_, err = bind(desk, "root", me, h.now)
	h.refused(err, fault.Denied, "an administrator may")
	_, err = bind(root, "root", me, h.now)
	h.refused(err, fault.Denied, "sign in again first")
	_, err = bind(desk, "desk", Identity{me.Issuer, ""}, h.now)
	h.refused(err, fault.Usage, "")
	c := h.must(bind(desk, "desk", me, h.now))
	if f, ok := c.Facts.(office.Bind); c.Kind != office.KindBind || !ok || f.Way != office.WayIdentity || f.Name != IdentityName(h.identityHash(me)) {
		t.Errorf("recorded: %+v", c)
	}
	_, err = bind(root, "root", me, h.now)
	h.refused(err, fault.Denied, "")
	third := Identity{me.Issuer, "subject-2"}
	h.must(h.add(root, "third", Analyst))
	_, err = bind(root, "third", me, h.now)
	h.refused(err, fault.Exists, "lets somebody in already")
	h.must(bind(root, "third", third, h.now))
	for i, want := range map[Identity]string{me: "desk", third: "third", {me.Issuer + "s", "ubject-1"}: "", {"https://id.xb.example", "subject-1"}: "", {me.Subject, me.Issuer}: "", {me.Issuer, "Subject-1"}: ""} {
		if id, err := enter(i); id != want || (err == nil) != (want != "") {
			t.Errorf("%v: %q, %v", i, id, err)
		}
	}
	h.must(h.do(func(tx store.Tx) (Change, error) { return h.SetDisabled(tx, root, "third", true, h.now) }))
	_, err = enter(third)
	h.refused(err, fault.Denied, "this does not let in, or not any more")
	name := IdentityName(h.identityHash(me))
	drop := func(by Actor, last bool) (Change, error) {
		return h.do(func(tx store.Tx) (Change, error) { return h.DropIdentity(tx, by, name, last) })
	}
	_, err = drop(officer("other", Analyst), true)
	h.refused(err, fault.Denied, "an administrator may")
	_, err = drop(desk, false)
	h.refused(err, fault.Inadmissible, "your last way in")
	h.must(drop(desk, true))
	_, err = enter(me)
	h.refused(err, fault.Denied, "")
	_, err = drop(root, true)
	h.refused(err, fault.NotFound, "")
}
