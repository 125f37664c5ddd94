package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/sqlite"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// house is a registry over a store.
type house struct {
	*Registry
	t   *testing.T
	db  store.Store
	now statement.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &house{
		NewRegistry(Options{Rules: rules(t), Key: []byte("a key that is not in the store"), Pseudonym: func(id string) string { return "p-" + id }, Idle: 30 * time.Minute, Life: 12 * time.Hour}), t, db,
		statement.TimeOf(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)),
	}
}

// do makes a change and writes it, as internal/node does beside its record.
func (h *house) do(f func(tx store.Tx) (Change, error)) (c Change, err error) {
	h.t.Helper()
	err = h.db.Update(h.t.Context(), func(tx store.Tx) error {
		if c, err = f(tx); err != nil {
			return err
		}
		record := c.Record
		if record.IsZero() {
			record = thread.ID{1}
		}
		return c.Put(tx, record)
	})
	return c, err
}

func (h *house) must(c Change, err error) Change {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (h *house) refused(err error, code fault.Code, says string) {
	h.t.Helper()
	if fault.CodeOf(err) != code || !strings.Contains(fault.Show(err), says) {
		h.t.Errorf("%v (%s); want %s, %q", err, fault.CodeOf(err), code, says)
	}
}

func (h *house) add(by Actor, id string, roles ...Role) (Change, error) {
	return h.do(func(tx store.Tx) (Change, error) {
		return h.Add(tx, by, Person{ID: id, Name: "name of " + id, Roles: roles, Languages: []string{"en", "zh-Hant"}}, h.now)
	})
}

// token makes a token and gives its secret.
func (h *house) token(by Actor, id string, expires statement.Time, scopes ...Role) (Secret, Change, error) {
	secret := NewToken()
	c, err := h.do(func(tx store.Tx) (Change, error) {
		return h.MakeToken(tx, by, id, scopes, Limits{}, expires, secret, h.now)
	})
	return secret, c, err
}

func (h *house) signIn(c Claim, now statement.Time) (a Actor, err error) {
	h.t.Helper()
	err = h.db.View(h.t.Context(), func(tx store.Tx) error {
		a, err = h.SignIn(tx, c, now)
		return err
	})
	return a, err
}

// TestOfficers: the first is an administrator, the last administrator stays one, and only administrators change anybody.
func TestOfficers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.add(Operator(), "third", Analyst)
	h.refused(err, fault.Usage, "the first officer is an administrator")
	c := h.must(h.add(Operator(), "root", Administrator))
	if c.Kind != office.KindEnrol || fmt.Sprint(c.Facts) != "{p-root [administrator]}" || !c.Record.IsZero() {
		t.Errorf("recorded: %+v", c)
	}
	root := officer("root", Administrator)
	_, err = h.add(Operator(), "desk", Analyst) // the operator adds nobody any more
	h.refused(err, fault.Denied, "this node has officers: say who you are: an administrator may")
	_, err = h.add(officer("x", Analyst), "desk", Analyst)
	h.refused(err, fault.Denied, "an administrator may")
	h.must(h.add(root, "desk", Analyst, DutyOfficer))
	_, err = h.add(root, "desk", Analyst)
	h.refused(err, fault.Exists, "there is an officer desk already")
	for _, p := range []Person{
		{ID: "two words", Name: "n", Roles: []Role{Analyst}}, {ID: "", Name: "n", Roles: []Role{Analyst}}, {ID: strings.Repeat("x", 65), Name: "n", Roles: []Role{Analyst}},
		{ID: "a", Name: "", Roles: []Role{Analyst}}, {ID: "a", Name: "n\x1b[2J", Roles: []Role{Analyst}}, {ID: "a", Name: "n\u202e", Roles: []Role{Analyst}},
		{ID: "a", Name: "n"}, {ID: "a", Name: "n", Roles: []Role{Analyst}, Languages: []string{"english"}}, {ID: "a", Name: "n", Roles: []Role{Analyst}, Languages: []string{"e n"}},
	} {
		_, err := h.do(func(tx store.Tx) (Change, error) { return h.Add(tx, root, p, h.now) })
		h.refused(err, fault.Usage, "")
	}

	set := func(by Actor, id string, roles ...Role) (Change, error) {
		return h.do(func(tx store.Tx) (Change, error) { return h.SetRoles(tx, by, id, roles, h.now.Add(time.Minute)) })
	}
	disable := func(by Actor, id string, disabled bool) (Change, error) {
		return h.do(func(tx store.Tx) (Change, error) { return h.SetDisabled(tx, by, id, disabled, h.now) })
	}
	_, err = set(root, "root", Administrator, ReleasingOfficer)
	h.refused(err, fault.Denied, "nobody changes roles of their own")
	_, err = disable(root, "root", true)
	h.refused(err, fault.Denied, "nobody changes roles of their own")
	other := officer("other", Administrator)
	_, err = disable(other, "root", true)
	h.refused(err, fault.Denied, "root is the only administrator")
	_, err = set(other, "root", Analyst)
	h.refused(err, fault.Denied, "root is the only administrator")
	h.must(set(root, "desk", Analyst, Administrator))
	h.must(disable(officer("desk", Administrator), "root", true))
	_, err = set(root, "desk", Analyst)
	h.refused(err, fault.Denied, "desk is the only administrator") // a disabled one does not count
	_, err = disable(officer("desk", Administrator), "root", true)
	h.refused(err, fault.Exists, "disabled already")
	_, err = set(officer("desk", Administrator), "nobody", Analyst)
	h.refused(err, fault.NotFound, "there is no officer of that id here")
	err = h.db.View(t.Context(), func(tx store.Tx) error {
		o, err := tx.Officer("desk")
		if o.Name != "name of desk" || o.MadeBy != "root" || o.ChangedBy != "root" || o.Changed != h.now.Add(time.Minute) || o.Record != (thread.ID{1}) {
			t.Errorf("%+v", o)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTokens: what a token stands for, and every way in which one is good for nothing.
func TestTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := officer("root", Administrator)
	h.must(h.add(Operator(), "root", Administrator))
	h.must(h.add(root, "desk", Analyst, DutyOfficer))
	later := h.now.Add(time.Hour)
	_, _, err := h.token(root, "desk", later, ReleasingOfficer)
	h.refused(err, fault.Usage, "desk is no releasing officer")
	_, _, err = h.token(root, "desk", h.now)
	h.refused(err, fault.Usage, "a token expires within a year")
	_, _, err = h.token(root, "desk", h.now.Add(MaxTokenLife+time.Second))
	h.refused(err, fault.Usage, "a token expires within a year")
	_, _, err = h.token(officer("desk", Analyst, DutyOfficer), "desk", later)
	h.refused(err, fault.Denied, "an administrator may")
	_, _, err = h.token(Operator(), "desk", later)
	h.refused(err, fault.Denied, "say who you are")
	_, _, err = h.token(Operator(), "root", later) // or nobody could ever sign in
	h.must(Change{}, err)

	whole, c, err := h.token(root, "desk", later)
	h.must(c, err)
	narrow, made, err := h.token(root, "desk", later, Analyst)
	h.must(made, err)
	if c.Kind != office.KindIssue || fmt.Sprint(made.Facts) != fmt.Sprintf("{%s [analyst] %v}", TokenName(h.hash(narrow)), later) {
		t.Errorf("recorded: %+v", made)
	}
	desk, err := h.signIn(Claim{Officer: "desk", Token: whole}, h.now)
	if err != nil || fmt.Sprintf("%s %v %v", desk.ID, desk.Holds, desk.Roles) != "desk [analyst duty officer] [analyst duty officer]" {
		t.Errorf("%+v, %v", desk, err)
	}
	desk, err = h.signIn(Claim{Officer: "", Token: narrow}, h.now)
	if err != nil || fmt.Sprintf("%s %v %v", desk.ID, desk.Holds, desk.Roles) != "desk [analyst duty officer] [analyst]" {
		t.Errorf("%+v, %v", desk, err)
	}
	nobody, err := h.signIn(Claim{}, h.now)
	if err != nil || !nobody.Operator {
		t.Errorf("%+v, %v", nobody, err)
	}
	for _, c := range []struct {
		claim Claim
		at    statement.Time
		says  string
	}{
		{Claim{Officer: "desk"}, h.now, "nobody acts as an officer without a token of that officer"},
		{Claim{Officer: "root", Token: whole}, h.now, "this token is another officer's"},
		{Claim{Officer: "desk", Token: NewToken()}, h.now, "this token is not known here"},
		{Claim{Officer: "desk", Token: Typed("hunter2")}, h.now, "this is no token: one begins with comity_token_ and has 77 characters"},
		{Claim{Officer: "desk", Token: NewLink()}, h.now, "this is no token"},
		{Claim{Officer: "desk", Token: Typed(whole.Reveal() + "=")}, h.now, "this is no token"},
		{Claim{Officer: "desk", Token: whole}, later, "this token has expired"},
	} {
		_, err := h.signIn(c.claim, c.at)
		h.refused(err, fault.Denied, c.says)
		if strings.Contains(err.Error(), "hunter2") {
			t.Error("a secret is in the error")
		}
	}

	// A role that is taken away counts no more, whatever the token says; a disabled officer may do nothing.
	h.must(h.do(func(tx store.Tx) (Change, error) { return h.SetRoles(tx, root, "desk", []Role{Analyst}, h.now) }))
	if desk, err = h.signIn(Claim{Officer: "desk", Token: whole}, h.now); err != nil || len(desk.Roles) != 1 {
		t.Errorf("%+v, %v", desk, err)
	}
	h.must(h.do(func(tx store.Tx) (Change, error) { return h.SetDisabled(tx, root, "desk", true, h.now) }))
	if desk, err = h.signIn(Claim{Officer: "desk", Token: whole}, h.now); err != nil || h.Rules.Authorize(desk, Read, Matter{}, true).Permitted {
		t.Errorf("%+v, %v", desk, err)
	}
	_, _, err = h.token(root, "desk", later)
	h.refused(err, fault.Denied, "desk is disabled")

	revoke := func(by Actor, name string) error {
		_, err := h.do(func(tx store.Tx) (Change, error) { return h.RevokeToken(tx, by, name, h.now) })
		return err
	}
	name := TokenName(h.hash(narrow))
	h.refused(revoke(root, "zzzz"), fault.NotFound, "no token has this name")
	h.refused(revoke(root, name[:3]), fault.NotFound, "four of its digits")
	h.refused(revoke(officer("x", Analyst), name), fault.Denied, "an administrator may")
	if err := revoke(officer("desk", Analyst), name[:6]); err != nil {
		t.Error(err)
	}
	h.refused(revoke(root, name), fault.Exists, "revoked already")
	_, err = h.signIn(Claim{Officer: "desk", Token: narrow}, h.now)
	h.refused(err, fault.Denied, "this token was revoked")

	// Under another key the same store knows no token.
	elsewhere := NewRegistry(Options{Rules: h.Rules, Key: []byte("another key"), Pseudonym: h.Pseudonym})
	err = h.db.View(t.Context(), func(tx store.Tx) error {
		_, err := elsewhere.SignIn(tx, Claim{Officer: "desk", Token: whole}, h.now)
		return err
	})
	h.refused(err, fault.Denied, "not known here")
}

// TestLastUse is kept to the day, and written once a day.
func TestLastUse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.must(h.add(Operator(), "root", Administrator))
	secret, c, err := h.token(Operator(), "root", h.now.Add(90*24*time.Hour))
	h.must(c, err)
	for _, step := range []struct {
		after time.Duration
		wrote bool
		day   string
	}{{0, true, "2026-11-21"}, {time.Hour, false, "2026-11-21"}, {16 * time.Hour, true, "2026-11-22"}} {
		err := h.db.Update(t.Context(), func(tx store.Tx) error {
			wrote, err := h.Used(tx, Claim{Officer: "root", Token: secret}, h.now.Add(step.after))
			if wrote != step.wrote {
				t.Errorf("after %s: wrote is %v", step.after, wrote)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.db.View(t.Context(), func(tx store.Tx) error {
			k, err := tx.Token(h.hash(secret))
			if got := k.LastUsed.String(); got != step.day+"T00:00:00.000Z" {
				t.Errorf("after %s: %s", step.after, got)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLinks: a link opens once, in time, for an officer who is not disabled; why one does not open is not told.
func TestLinks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := officer("root", Administrator)
	h.must(h.add(Operator(), "root", Administrator))
	h.must(h.add(root, "desk", Analyst))
	later := h.now.Add(time.Hour)
	link := func(id string) Secret {
		secret := NewLink()
		h.must(h.do(func(tx store.Tx) (Change, error) { return h.MakeLink(tx, root, id, later, secret, h.now) }))
		return secret
	}
	use := func(s Secret, now statement.Time) (a Actor, err error) {
		_, err = h.do(func(tx store.Tx) (c Change, err error) {
			a, c, err = h.UseLink(tx, s, NewSession(), now)
			return c, err
		})
		return a, err
	}
	const no = "this link does not open, or not any more"
	replaced, good := link("desk"), link("desk")
	if a, err := use(good, h.now); err != nil || a.ID != "desk" || len(a.Roles) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	for name, s := range map[string]Secret{"replaced": replaced, "used": good, "never made": NewLink(), "a token": NewToken(), "nothing": {}} {
		_, err := use(s, h.now)
		if h.refused(err, fault.Denied, no); err == nil {
			t.Errorf("%s", name)
		}
	}
	_, err := use(link("desk"), later)
	h.refused(err, fault.Denied, no)
	gone := link("desk")
	h.must(h.do(func(tx store.Tx) (Change, error) { return h.SetDisabled(tx, root, "desk", true, h.now) }))
	_, err = use(gone, h.now)
	h.refused(err, fault.Denied, no)
	h.must(h.do(func(tx store.Tx) (Change, error) { return h.SetDisabled(tx, root, "desk", false, h.now) }))
	_, err = use(gone, h.now) // it does not come back with its officer
	h.refused(err, fault.Denied, no)
	_, err = h.do(func(tx store.Tx) (Change, error) {
		return h.MakeLink(tx, root, "root", h.now.Add(8*24*time.Hour), NewLink(), h.now)
	})
	h.refused(err, fault.Usage, "within a week")
}

// TestSecretsAreNotShown: no way of printing a value shows it, and the store holds none.
func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	s := NewToken()
	c := Claim{Officer: "desk", Token: s}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var diary bytes.Buffer
	slog.New(slog.NewTextHandler(&diary, nil)).Info("x", "secret", s, "claim", c)
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", c, c, c, s, s), string(j), diary.String()} {
		if strings.Contains(text, s.Reveal()) || !strings.Contains(text, hidden) {
			t.Errorf("%s", text)
		}
	}
	if got := ClaimOf(With(context.Background(), c)); got != c {
		t.Error("a claim is lost")
	}
	if !ClaimOf(context.Background()).Token.IsZero() {
		t.Error("a claim out of nothing")
	}
}
