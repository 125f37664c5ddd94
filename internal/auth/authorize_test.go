package auth

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

func rules(t testing.TB, own ...string) *Rules {
	t.Helper()
	files := map[string][]byte{}
	for i, src := range own {
		files[string(rune('a'+i))+".cedar"] = []byte(src)
	}
	r, err := Compile(files)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func officer(id string, roles ...Role) Actor { return Actor{ID: id, Holds: roles, Roles: roles} }

// TestMatrix is the whole table of what each role alone may do, to what is another's or nobody's.
func TestMatrix(t *testing.T) {
	t.Parallel()
	r := rules(t)
	want := map[Role]string{
		Analyst:          "read open draft submit",
		DutyOfficer:      "read open draft submit release recall erase carry",
		ReleasingOfficer: "read export-evidence open draft submit approve release negotiate sign-agreement recall erase carry",
		LegalAdviser:     "read export-evidence open draft submit negotiate",
		Auditor:          "read read-log export-evidence",
		Administrator:    "read-log manage-officers manage-tokens revoke-token manage-ways manage-keys carry keep",
	}
	for _, role := range Roles() {
		var may []string
		for _, a := range Actions() {
			m := Matter{Author: "x", Officer: "x", Kind: "assist.request"}
			if a == Draft || a == Submit {
				m.Author = "a"
			}
			if r.Authorize(officer("a", role), a, m, true).Permitted {
				may = append(may, string(a))
			}
		}
		if got := strings.Join(may, " "); got != want[role] {
			t.Errorf("%s may %s; want %s", role, got, want[role])
		}
	}
	if !r.Authorize(officer("a", LegalAdviser), Approve, Matter{Author: "x", Kind: "instrument.comment"}, true).Permitted {
		t.Error("a legal adviser may not approve what is said of an agreement")
	}
	if !r.Authorize(officer("a", Analyst), RevokeToken, Matter{Officer: "a"}, true).Permitted {
		t.Error("an officer may not revoke an own token")
	}
	for _, role := range Roles() {
		in := officer("a", role)
		in.Session = "a session"
		if !r.Authorize(in, ManageWays, Matter{Officer: "a"}, true).Permitted || r.Authorize(in, ManageWays, Matter{Officer: "b"}, true).Permitted != (role == Administrator) {
			t.Errorf("%s: own passkeys, or others'", role)
		}
		if r.Authorize(officer("a", role), ManageWays, Matter{Officer: "a"}, true).Permitted != (role == Administrator) {
			t.Errorf("%s: a program with a token changes passkeys", role)
		}
		if in.Disabled = true; r.Authorize(in, ManageWays, Matter{Officer: "a"}, true).Permitted {
			t.Errorf("%s: a disabled officer changes passkeys", role)
		}
	}
}

// TestDenials: each says who may, or what to do.
func TestDenials(t *testing.T) {
	t.Parallel()
	r := rules(t)
	for _, c := range []struct {
		name   string
		actor  Actor
		action Action
		matter Matter
		want   string
	}{
		{"an analyst lets something out", officer("a", Analyst), Release, Matter{Author: "a", Kind: "assist.request"},
			"an analyst may not let this out: a duty officer or a releasing officer may"},
		{"one's own draft", officer("a", ReleasingOfficer), Approve, Matter{Author: "a", Kind: "assist.request"},
			"nobody approves a draft of their own: a releasing officer other than the author may approve this"},
		{"an administrator approves", officer("a", ReleasingOfficer, Administrator), Approve, Matter{Author: "b", Kind: "assist.request"},
			"who hands out roles does not approve: a releasing officer may"},
		{"a comment on an agreement", officer("a", Analyst), Approve, Matter{Author: "b", Kind: "instrument.comment"},
			"an analyst may not approve this: a releasing officer or a legal adviser may"},
		{"another's draft", officer("a", Analyst), Draft, Matter{Author: "b"},
			"a draft is its author's to change; send it back, and its author changes it"},
		{"a narrow token", Actor{ID: "a", Holds: []Role{Analyst, DutyOfficer}, Roles: []Role{Analyst}}, Release, Matter{Author: "b"},
			"an analyst may not let this out; this token does not stand for you as duty officer: a duty officer or a releasing officer may"},
		{"an auditor drafts", officer("a", Analyst, Auditor), Draft, Matter{Author: "a"},
			"an auditor changes nothing: an analyst, a duty officer, a releasing officer or a legal adviser may"},
		{"a disabled officer", Actor{ID: "a", Holds: []Role{Analyst}, Roles: []Role{Analyst}, Disabled: true}, Read, Matter{},
			"a disabled officer may do nothing: an analyst, a duty officer, a releasing officer, a legal adviser or an auditor may"},
		{"nobody has signed in", Operator(), Release, Matter{},
			"this node has officers: say who you are: a duty officer or a releasing officer may"},
		{"one's own roles", officer("a", Administrator), ManageOfficers, Matter{Officer: "a"},
			"nobody changes roles of their own: an administrator other than the officer may manage officers"},
	} {
		d := r.Authorize(c.actor, c.action, c.matter, true)
		if d.Permitted || d.Reason != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, d.Permitted, d.Reason, c.want)
		}
		if err := d.Err(); fault.CodeOf(err) != fault.Denied || fault.Show(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestOperator: whoever opens a node without officers may do all but approve; in one with officers only what keeps it from being locked.
func TestOperator(t *testing.T) {
	t.Parallel()
	r := rules(t)
	for _, a := range Actions() {
		if got := r.Authorize(Operator(), a, Matter{}, false).Permitted; got != (a != Approve) {
			t.Errorf("without officers: %s is %v", a, got)
		}
		if got := r.Authorize(Operator(), a, Matter{Officer: "x", Roles: []Role{Analyst}, Author: "x"}, true).Permitted; got {
			t.Errorf("with officers, for an analyst: %s", a)
		}
	}
	if !r.Authorize(Operator(), ManageTokens, Matter{Officer: "x", Roles: []Role{Administrator}}, true).Permitted {
		t.Error("an administrator who has lost all tokens is locked out")
	}
	if r.Authorize(Operator(), ManageOfficers, Matter{Officer: "x", Roles: []Role{Administrator}}, true).Permitted {
		t.Error("the operator hands out roles")
	}
}

func drawRoles(t *rapid.T, name string) []Role {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(Roles()), 0, len(Roles()), rapid.ID[Role]).Draw(t, name)
}

func drawMatter(t *rapid.T) Matter {
	ids := rapid.SampledFrom([]string{"", "a", "b"})
	return Matter{
		Author: ids.Draw(t, "author"), Officer: ids.Draw(t, "officer"), Roles: drawRoles(t, "matter's"),
		Kind: rapid.SampledFrom([]statement.Kind{"assist.request", "instrument.sign", "recall.request", "office.enrol", ""}).Draw(t, "kind"),
		To:   []party.Code{"XB"}, Marking: marking.Marking{TLP: rapid.SampledFrom([]marking.TLP{"", marking.Clear, marking.Red}).Draw(t, "tlp")},
		Exercise: rapid.Bool().Draw(t, "exercise"),
	}
}

// TestProperties holds for every actor, action and matter.
func TestProperties(t *testing.T) {
	t.Parallel()
	r := rules(t)
	own := rules(t, `@about("red is for two") forbid (principal, action, resource) when { resource.tlp == 4 };`)
	rapid.Check(t, func(t *rapid.T) {
		holds := drawRoles(t, "holds")
		actor := Actor{ID: "a", Holds: holds, Roles: holds[:rapid.IntRange(0, len(holds)).Draw(t, "scope")], Disabled: rapid.IntRange(0, 3).Draw(t, "disabled") == 0}
		if rapid.Bool().Draw(t, "present") {
			actor.Session = "a session"
		}
		action, m := rapid.SampledFrom(Actions()).Draw(t, "action"), drawMatter(t)
		staffed := rapid.Bool().Draw(t, "staffed")
		d := r.Authorize(actor, action, m, staffed)
		look := action == Read || action == ReadLog || action == ExportEvidence
		ways := action == ManageWays && m.Officer == actor.ID
		switch {
		case d.Permitted && actor.Disabled:
			t.Fatal("a disabled officer")
		case d.Permitted && action == Approve && m.Author == actor.ID:
			t.Fatal("an own draft is approved")
		case d.Permitted && slices.Contains(holds, Auditor) && !look && !ways:
			t.Fatalf("an auditor may %s", action)
		case d.Permitted && len(actor.Roles) == 0 && !(action == RevokeToken && m.Officer == "a") && !(ways && actor.Session != ""):
			t.Fatalf("without a role: %s", action)
		case !d.Permitted && d.Reason == "":
			t.Fatal("a denial without a reason")
		}
		// One role more takes nothing away, but where duties are kept apart.
		more := rapid.SampledFrom(Roles()).Draw(t, "more")
		grown := actor
		grown.Holds, grown.Roles = append(slices.Clone(holds), more), append(slices.Clone(actor.Roles), more)
		apart := more == Auditor && !look && !ways || more == Administrator && action == Approve
		if after := r.Authorize(grown, action, m, staffed); d.Permitted && !after.Permitted && !apart {
			t.Fatalf("with %s besides %v, %s is not permitted any more: %s", more, holds, action, after.Reason)
		}
		// Whoever is said to may, may.
		for _, role := range d.Roles {
			id := "somebody else"
			if action == Draft || action == Submit {
				id = m.Author
			}
			if id != "" && !r.Authorize(officer(id, role), action, m, true).Permitted {
				t.Fatalf("a denial of %s points to %s, who may not either", action, role)
			}
		}
		// An operator's rules take away and give nothing.
		if after := own.Authorize(actor, action, m, staffed); after.Permitted && (!d.Permitted || m.Marking.TLP == marking.Red) {
			t.Fatal("an operator's rule gave something")
		} else if d.Permitted && m.Marking.TLP != marking.Red && !after.Permitted {
			t.Fatal("an operator's rule took too much")
		}
	})
}

// TestOwnRules: an operator's files only forbid, and are refused where they say something that no question has.
func TestOwnRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, want string }{
		"a permit":            {`permit (principal, action, resource);`, "a.cedar, line 1: a rule of your own can only forbid"},
		"no Cedar":            {`forbid everything`, "a.cedar: not Cedar"},
		"an unknown action":   {"\n" + `forbid (principal, action == Action::"shout", resource);`, "a.cedar, line 2: does not fit the vocabulary"},
		"an unknown property": {`forbid (principal, action, resource) when { resource.colour == 3 };`, "a.cedar, line 1: does not fit the vocabulary"},
		"a wrong type":        {`forbid (principal, action, resource) when { resource.tlp == "RED" };`, "a.cedar, line 1: does not fit the vocabulary"},
	} {
		_, err := Compile(map[string][]byte{"a.cedar": []byte(c.src)})
		if fault.CodeOf(err) != fault.Malformed || !strings.HasPrefix(fault.Show(err), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := rules(t, `@about("two releasing officers speak of red") forbid (principal in Role::"duty-officer", action == Action::"release", resource) when { resource.tlp == 4 };`)
	d := r.Authorize(officer("a", DutyOfficer), Release, Matter{Marking: marking.Marking{TLP: marking.Red}}, true)
	if want := "a rule of this node forbids it (a.cedar, line 1): two releasing officers speak of red: a releasing officer may"; d.Permitted || d.Reason != want {
		t.Errorf("%s", d.Reason)
	}
	if !r.Restricted() || rules(t).Restricted() {
		t.Error("Restricted")
	}
}

// TestEveryPolicyIsExplained: what a denial says is what a policy says of itself.
func TestEveryPolicyIsExplained(t *testing.T) {
	t.Parallel()
	r := rules(t)
	for i, p := range r.policies {
		if r.about[i] == "" {
			t.Errorf("line %d has no @about", p.Position().Line)
		}
	}
}

func BenchmarkAuthorize(b *testing.B) {
	r := rules(b)
	actor, m := officer("a", DutyOfficer), Matter{Author: "a", Kind: "assist.request", Marking: marking.Marking{TLP: marking.Amber}}
	for b.Loop() {
		if !r.Authorize(actor, Release, m, true).Permitted {
			b.Fatal("denied")
		}
	}
}
