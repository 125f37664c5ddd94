package office

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

const (
	anna  = "0123456789abcdef"
	boris = "fedcba9876543210"
)

func by(officer string) threadtest.Edit {
	return func(d *statement.Head) { d.By = statement.By{Role: "analyst", Officer: officer} }
}

var what = statement.Digest{1, 2, 3}

// TestOfficer: a life of an officer's record.
func TestOfficer(t *testing.T) {
	t.Parallel()
	// spec: THR-9
	k := threadtest.NewTalk(t, Desk{})
	end := statement.TimeOf(k.Now.Add(time.Hour))
	k.Open("XA", nil, KindEnrol, Enrol{anna, []string{"analyst"}})
	for _, step := range []struct {
		kind   statement.Kind
		facts  any
		void   thread.Reason
		status string
	}{
		{KindIssue, Issue{"a1", []string{"analyst"}, end}, "", Enrolled},
		{KindIssue, Issue{"a1", []string{"analyst"}, statement.TimeOf(k.Now)}, thread.BadFacts, Enrolled}, // ended before it began
		{KindIssue, Issue{"", []string{"analyst"}, end}, thread.BadFacts, Enrolled},
		{KindAssign, Assign{nil}, thread.BadFacts, Enrolled},
		{KindAssign, Assign{[]string{"auditor"}}, "", Enrolled},
		{KindEnable, struct{}{}, thread.NotAdmissible, Enrolled},
		{KindApprove, Approve{what}, thread.NotAdmissible, Enrolled}, // it is no draft
		{KindInvite, Invite{end}, "", Enrolled},
		{KindEnter, struct{}{}, "", Enrolled},
		{KindBind, Bind{WayPasskey, "b1"}, "", Enrolled},
		{KindBind, Bind{"password", "b2"}, thread.BadFacts, Enrolled},
		{KindUnbind, Bind{WayIdentity, ""}, thread.BadFacts, Enrolled},
		{KindDoubt, Bind{WayPasskey, "b1"}, "", Enrolled},
		{KindDisable, struct{}{}, "", Disabled},
		{KindIssue, Issue{"a2", []string{"analyst"}, end}, thread.NotAdmissible, Disabled},
		{KindInvite, Invite{end}, thread.NotAdmissible, Disabled},
		{KindBind, Bind{WayIdentity, "b3"}, thread.NotAdmissible, Disabled},
		{KindUnbind, Bind{WayPasskey, "b1"}, "", Disabled},
		{KindRevoke, Revoke{"a1"}, "", Disabled},
		{KindRevoke, Revoke{}, thread.BadFacts, Disabled},
		{KindEnrol, Enrol{boris, []string{"analyst"}}, thread.NotAdmissible, Disabled},
		{KindEnable, struct{}{}, "", Enrolled},
	} {
		h := k.Say("XA", step.kind, step.facts)
		if got := k.Void(h); got != step.void || k.Summary().Status != step.status {
			t.Errorf("%s: void %q, status %s", step.kind, got, k.Summary().Status)
		}
	}
}

// TestDraft: a draft is approved by another officer than the one who has submitted it, and only as it was submitted.
func TestDraft(t *testing.T) {
	t.Parallel()
	// spec: THR-9
	k := threadtest.NewTalk(t, Desk{})
	k.Open("XA", nil, KindSubmit, Submit{"assist.request", what}, by(anna))
	for _, step := range []struct {
		kind   statement.Kind
		facts  any
		by     string
		void   thread.Reason
		status string
	}{
		{KindRelease, Release{statement.ID{1}}, boris, thread.NotAdmissible, Submitted},
		{KindApprove, Approve{what}, anna, thread.NotAdmissible, Submitted},
		{KindReturn, struct{}{}, anna, thread.NotAdmissible, Submitted},
		{KindApprove, Approve{statement.Digest{9}}, boris, thread.BadFacts, Submitted},
		{KindReturn, struct{}{}, boris, "", Returned},
		{KindApprove, Approve{what}, boris, thread.NotAdmissible, Returned},
		{KindSubmit, Submit{"assist.request", statement.Digest{4}}, anna, "", Submitted},
		{KindApprove, Approve{statement.Digest{4}}, boris, "", Approved},
		{KindEdit, struct{}{}, anna, "", Editing},
		{KindRelease, Release{statement.ID{1}}, anna, thread.NotAdmissible, Editing},
		{KindSubmit, Submit{"", what}, anna, thread.BadFacts, Editing},
		{KindSubmit, Submit{"assist.request", statement.Digest{}}, anna, thread.BadFacts, Editing},
		{KindSubmit, Submit{"assist.request", what}, anna, "", Submitted},
		{KindApprove, Approve{what}, boris, "", Approved},
		{KindRelease, Release{}, anna, thread.BadFacts, Approved},
		{KindRelease, Release{statement.ID{1}}, anna, "", Released},
		{KindDrop, struct{}{}, anna, thread.NotAdmissible, Released},
	} {
		h := k.Say("XA", step.kind, step.facts, by(step.by))
		if got := k.Void(h); got != step.void || k.Summary().Status != step.status {
			t.Errorf("%s: void %q, status %s; want %q, %s", step.kind, got, k.Summary().Status, step.void, step.status)
		}
	}
}

// TestNobodyIsTold: what a peer sends under this desk's name is void.
func TestNobodyIsTold(t *testing.T) {
	t.Parallel()
	// spec: THR-9
	k := threadtest.NewTalk(t, Desk{})
	if got := k.Void(k.Open("XB", []party.Code{"XA"}, KindEnrol, Enrol{anna, []string{"administrator"}})); got != thread.NotAdmissible {
		t.Errorf("void %q", got)
	}
	if moves := (Desk{}).Moves(k.Fold().State, "XA"); len(moves) != 0 {
		t.Errorf("%v is on offer", moves)
	}
}

// TestAnyOrder: whatever is recorded in whatever order, what counts was on offer, and nobody approves what they have submitted themselves.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	// spec: THR-9
	rapid.Check(t, func(t *rapid.T) {
		k := threadtest.NewTalk(t, Desk{})
		end := statement.TimeOf(k.Now.Add(1000 * time.Hour))
		facts := map[statement.Kind]any{
			KindEnrol: Enrol{anna, []string{"analyst"}}, KindAssign: Assign{[]string{"auditor"}}, KindIssue: Issue{"a", []string{"analyst"}, end}, KindRevoke: Revoke{"a"},
			KindInvite: Invite{end}, KindBind: Bind{WayPasskey, "b"}, KindUnbind: Bind{WayPasskey, "b"}, KindDoubt: Bind{WayPasskey, "b"}, KindSubmit: Submit{"assist.request", what}, KindApprove: Approve{what}, KindRelease: Release{statement.ID{1}},
		}
		draw := func(kind statement.Kind) any {
			if f, ok := facts[kind]; ok {
				return f
			}
			return struct{}{}
		}
		officer := func() threadtest.Edit { return by(rapid.SampledFrom([]string{anna, boris}).Draw(t, "by")) }
		opens := rapid.SampledFrom([]statement.Kind{KindEnrol, KindSubmit}).Draw(t, "opens")
		k.Open("XA", nil, opens, draw(opens), officer())
		author := k.Heads[0].By.Officer
		for range rapid.IntRange(0, 12).Draw(t, "n") {
			before := k.Can("XA")
			kind := rapid.SampledFrom(kinds()).Draw(t, "kind").Kind
			h := k.Say("XA", kind, draw(kind), officer())
			if k.Void(h) != "" {
				continue
			}
			if !slices.Contains(before, kind) {
				t.Fatalf("%s counts and was not on offer", kind)
			}
			switch kind {
			case KindSubmit:
				author = h.By.Officer
			case KindApprove, KindReturn:
				if h.By.Officer == author {
					t.Fatalf("%s by the one who has submitted", kind)
				}
			}
		}
	})
}
