package instrument

import (
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

// terms are those of the n-th text between XA, XB and XC, changed by edits.
func terms(n byte, edits ...func(*agreement.Terms)) agreement.Terms {
	t := agreement.Terms{
		Digest: statement.Digest{n}, Parties: []party.Code{"XA", "XB", "XC"}, InForce: agreement.InForce{When: agreement.ByAll}, Articles: []string{"1", "2", "3"}, Fixed: []string{"3"},
	}
	for _, e := range edits {
		e(&t)
	}
	return t
}

func suite() threadtest.Suite {
	entry := func(t *rapid.T) agreement.InForce {
		return rapid.SampledFrom([]agreement.InForce{
			{When: agreement.ByAll}, {When: agreement.ByCount, Count: 2, Days: 30}, {When: agreement.ByDate, Date: statement.TimeOf(threadtest.Start().Add(time.Hour))},
		}).Draw(t, "entry")
	}
	draw := func(t *rapid.T, n byte) agreement.Terms {
		return terms(n, func(a *agreement.Terms) {
			a.InForce = entry(t)
			if rapid.Bool().Draw(t, "ratify") {
				a.Consent = agreement.ByRatification
			}
			a.Accession = rapid.SampledFrom([]agreement.Accession{"", agreement.AccessionInvitation, agreement.AccessionOpen}).Draw(t, "accession")
		})
	}
	return threadtest.Suite{
		Desk: Desk{}, Opens: KindPropose,
		Open: func(t *rapid.T) any { return Propose{Terms: draw(t, 1), Chair: "XB"} },
		Facts: func(t *rapid.T, s thread.State, by party.Code, kind statement.Kind, now time.Time) any {
			return suits(t, s, by, kind, statement.TimeOf(now), draw)
		},
	}
}

// suits draws facts that count in s, where any do.
func suits(t *rapid.T, s thread.State, by party.Code, kind statement.Kind, now statement.Time, draw func(*rapid.T, byte) agreement.Terms) any {
	st, err := thread.Load[state](s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	later := now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "hours")) * time.Hour)
	var newest version
	if v := st.newest(); v != nil {
		newest = *v
	}
	switch kind {
	case KindComment, KindAdopt, KindOpen:
		return Text{Digest: st.Draft.Digest}
	case KindAmend:
		n := byte(rapid.IntRange(2, 250).Draw(t, "text"))
		if st.tabled(by) >= MaxTable || st.onTable(statement.Digest{n}) >= 0 || st.version(statement.Digest{n}) != nil || st.Draft.Digest == (statement.Digest{n}) ||
			st.stage() == OpenForSignature && !st.binding() {
			return nil
		}
		return Amend{Terms: draw(t, n), Base: st.Draft.Digest}
	case KindCirculate:
		if len(st.Table) == 0 {
			return nil
		}
		return Text{Digest: rapid.SampledFrom(st.Table).Draw(t, "amendment").Digest}
	case KindSilence:
		return Ask{Digest: st.Draft.Digest, Expires: later}
	case KindObject, KindHeard, KindClose, KindContest:
		return ofSilence(t, st.Silence, by, st.Chair, kind, now)
	case KindChair:
		return Chair{Party: rapid.SampledFrom(s.Participants).Draw(t, "chair")}
	case KindSign, KindAccede:
		f := Sign{Digest: newest.Terms.Digest}
		if kind == KindSign {
			f.Digest = of(t, st, func(v version) bool { return v.awaits(by) })
		}
		if rapid.Bool().Draw(t, "reserve") {
			f.Reservations = []string{"2"}
		}
		return f
	case KindRatify:
		return Ratify{Digest: of(t, st, func(v version) bool { return v.signedBy(by) }), As: rapid.SampledFrom([]string{"ratification", "acceptance", "approval"}).Draw(t, "as")}
	case KindInvite:
		if !slices.Contains(s.Participants, "XD") || newest.Terms.In("XD") || slices.Contains(st.Invited["XD"], by) {
			return nil
		}
		return Invite{Party: "XD"}
	case KindSuspend:
		return rapid.SampledFrom([]Suspend{{}, {Until: later}}).Draw(t, "until")
	case KindWithdraw:
		return Withdraw{At: later}
	case KindPublish:
		if slices.ContainsFunc(st.Published, func(p Publication) bool { return p.Digest == st.Draft.Digest && !now.Before(p.At) }) {
			return nil
		}
		return Publish{Digest: st.Draft.Digest, At: later}
	}
	return struct{}{}
}

// of is one of the texts of which something can be said.
func of(t *rapid.T, st state, can func(version) bool) statement.Digest {
	var texts []statement.Digest
	for _, v := range st.Versions {
		if can(v) {
			texts = append(texts, v.Terms.Digest)
		}
	}
	if len(texts) == 0 {
		return statement.Digest{1}
	}
	return rapid.SampledFrom(texts).Draw(t, "of")
}

func ofSilence(t *rapid.T, q *Silence, by, chair party.Code, kind statement.Kind, now statement.Time) any {
	if q == nil {
		return nil
	}
	switch kind {
	case KindObject:
		if !now.Before(q.Expires) || !q.Closed.IsZero() {
			return nil
		}
		return Object{Of: q.ID}
	case KindClose:
		if len(q.Objections) > 0 {
			return Close{Silence: q.ID, Outcome: OutcomeBroken}
		}
		if due := q.Expires.Add(graceOfChair); now.Before(q.Expires) || by != chair && now.Before(due) {
			return nil
		}
		return Close{Silence: q.ID, Outcome: OutcomeAdopted}
	case KindHeard:
		for _, o := range q.Objections {
			if o.By != by && !o.heardBy(by) {
				return Object{Of: o.ID}
			}
		}
	case KindContest:
		for _, o := range q.Objections {
			if o.counts() && q.Outcome == OutcomeAdopted {
				return Object{Of: o.ID}
			}
		}
	}
	return nil
}

func TestDesk(t *testing.T) {
	t.Parallel()
	suite().Test(t)
}

func FuzzDesk(f *testing.F) { suite().Fuzz(f) }

// making is the making of an agreement between XA, XB and XC, which XA chairs.
type making struct{ *threadtest.Talk }

func propose(t *testing.T, edits ...func(*agreement.Terms)) making {
	t.Helper()
	k := making{threadtest.NewTalk(t, Desk{})}
	k.Open("XA", []party.Code{"XB", "XC"}, KindPropose, Propose{Terms: terms(1, edits...)})
	return k
}

// opened is such a text, adopted by all and open for signature.
func opened(t *testing.T, edits ...func(*agreement.Terms)) making {
	t.Helper()
	k := propose(t, edits...)
	for _, code := range []party.Code{"XA", "XB", "XC"} {
		k.Say(code, KindAdopt, Text{statement.Digest{1}})
	}
	k.Say("XA", KindOpen, Text{statement.Digest{1}})
	return k
}

func (k making) sign(codes ...party.Code) {
	for _, code := range codes {
		k.Say(code, KindSign, Sign{Digest: k.view().Draft.Digest})
	}
}

func (k making) view() View {
	k.TB.Helper()
	v, err := Progress(k.Fold().State)
	if err != nil {
		k.TB.Fatalf("%v", err)
	}
	return v
}

// counts wants a head to count, or to be void for a reason.
func (k making) is(h *statement.Head, want thread.Reason) {
	k.TB.Helper()
	if got := k.Void(h); got != want {
		k.TB.Fatalf("%s of %s: void %q, want %q", h.Kind, h.From, got, want)
	}
}

func (k making) stage(want Stage) {
	k.TB.Helper()
	if got := k.view().Stage; got != want {
		k.TB.Fatalf("the making is %s, want %s", got, want)
	}
}

// binds tells which text binds two parties at a time, by its first byte; 0: none.
func (k making) binds(at statement.Time, a, b party.Code) byte {
	s, ok := Standing(k.Fold().State)
	if !ok {
		return 0
	}
	v, why := s.Binds(at, a, b)
	if v == nil {
		if why == "" {
			k.TB.Fatalf("not bound, without a reason")
		}
		return 0
	}
	return v.Digest[0]
}

func TestFromDraftToForce(t *testing.T) {
	t.Parallel()
	// spec: AGR-7, AGR-8, AGR-9
	k := propose(t)
	k.is(k.Say("XB", KindComment, Comment{Digest: statement.Digest{1}, Article: "2"}), "")
	k.is(k.Say("XB", KindComment, Comment{Digest: statement.Digest{1}, Article: "9"}), thread.NotAdmissible)
	k.is(k.Say("XC", KindAmend, Amend{Terms: terms(2), Base: statement.Digest{1}}), "")
	k.is(k.Say("XB", KindCirculate, Text{statement.Digest{2}}), thread.NotAdmissible) // it is not the chair
	k.is(k.Say("XA", KindCirculate, Text{statement.Digest{2}}), "")
	k.is(k.Say("XB", KindSign, Sign{Digest: statement.Digest{2}}), thread.NotAdmissible) // it is not open
	for _, code := range []party.Code{"XA", "XB", "XC"} {
		k.stage(Negotiating)
		k.is(k.Say(code, KindAdopt, Text{statement.Digest{2}}), "")
	}
	k.stage(Adopted)
	k.is(k.Say("XA", KindOpen, Text{statement.Digest{2}}), "")
	k.is(k.Say("XB", KindSign, Sign{Digest: statement.Digest{1}}), thread.NotAdmissible) // the draft that was amended
	k.sign("XA", "XB")
	k.stage(OpenForSignature)
	last := k.Say("XC", KindSign, Sign{Digest: statement.Digest{2}})
	k.stage(StatusInForce)
	if before := last.Time.Add(-time.Second); k.binds(before, "XA", "XB") != 0 || k.binds(last.Time, "XA.cert", "XC") != 2 {
		t.Error("in force before the last signature, or not with it")
	}
	if s := k.Summary(); s.Status != string(StatusInForce) || !s.Closed {
		t.Errorf("%+v", s)
	}
}

// Two amend the same text at once: both lie on the table, the chair takes one, and the other lapses.
func TestTwoAmendmentsAtOnce(t *testing.T) {
	t.Parallel()
	// spec: AGR-9
	k := propose(t)
	opener := k.Heads[0]
	one := k.Say("XB", KindAmend, Amend{Terms: terms(2), Base: statement.Digest{1}}, threadtest.After(opener))
	other := k.Say("XC", KindAmend, Amend{Terms: terms(3), Base: statement.Digest{1}}, threadtest.After(opener))
	k.is(one, "")
	k.is(other, "")
	if v := k.view(); len(v.Table) != 2 || v.Table[0].Terms == nil || v.Table[0].Terms.Digest != v.Table[0].Digest {
		t.Fatalf("%+v", v.Table)
	}
	k.is(k.Say("XA", KindCirculate, Text{statement.Digest{3}}), "")
	k.is(k.Say("XA", KindCirculate, Text{statement.Digest{2}}), thread.NotAdmissible)
	k.is(k.Say("XB", KindAmend, Amend{Terms: terms(4), Base: statement.Digest{1}}), thread.NotAdmissible)
	k.is(k.Say("XB", KindAmend, Amend{Terms: terms(2), Base: statement.Digest{3}}), "")
}

func TestSilence(t *testing.T) {
	t.Parallel()
	// spec: AGR-12
	for name, c := range map[string]struct {
		say   func(k making, q *statement.Head, expires statement.Time)
		stage Stage
	}{
		"nobody says anything": {func(k making, q *statement.Head, expires statement.Time) {
			k.is(k.Say("XA", KindClose, Close{q.ID, OutcomeAdopted}), thread.NotAdmissible) // it goes on
			k.Now = expires.Std()
			k.is(k.Say("XB", KindClose, Close{q.ID, OutcomeAdopted}), thread.NotAdmissible) // not the chair, and no day later
			k.is(k.Say("XA", KindClose, Close{q.ID, OutcomeBroken}), thread.NotAdmissible)
			k.is(k.Say("XA", KindClose, Close{q.ID, OutcomeAdopted}), "")
		}, Adopted},
		"the chair is silent too": {func(k making, q *statement.Head, expires statement.Time) {
			k.Now = expires.Std().Add(24 * time.Hour)
			k.is(k.Say("XC", KindClose, Close{q.ID, OutcomeAdopted}), "")
		}, Adopted},
		"an objection": {func(k making, q *statement.Head, expires statement.Time) {
			k.is(k.Say("XB", KindObject, Object{q.ID}), "")
			k.is(k.Say("XB", KindObject, Object{q.ID}), thread.NotAdmissible)
			k.Now = expires.Std()
			k.is(k.Say("XA", KindClose, Close{q.ID, OutcomeAdopted}), thread.NotAdmissible)
			k.is(k.Say("XA", KindClose, Close{q.ID, OutcomeBroken}), "")
		}, Negotiating},
		"an amendment": {func(k making, q *statement.Head, _ statement.Time) {
			k.is(k.Say("XC", KindAmend, Amend{Terms: terms(2), Base: statement.Digest{1}}), "")
		}, Negotiating},
		"an objection too late": {func(k making, q *statement.Head, expires statement.Time) {
			k.Now = expires.Std()
			k.is(k.Say("XB", KindObject, Object{q.ID}), thread.NotAdmissible)
		}, UnderSilence},
		"an amendment too late": {func(k making, q *statement.Head, expires statement.Time) {
			k.Now = expires.Std()
			k.is(k.Say("XB", KindAmend, Amend{Terms: terms(2), Base: statement.Digest{1}}), "")
		}, UnderSilence},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := propose(t)
			expires := statement.TimeOf(k.Now.Add(24 * time.Hour))
			k.is(k.Say("XA", KindSilence, Ask{statement.Digest{1}, statement.TimeOf(k.Now)}), thread.BadFacts)
			q := k.Say("XA", KindSilence, Ask{statement.Digest{1}, expires})
			if s := k.Summary(); len(s.Clocks) != 1 || s.Clocks[0].Until != expires || s.Clocks[0].Owes != "XA" {
				t.Fatalf("%+v", s)
			}
			c.say(k, q, expires)
			k.stage(c.stage)
		})
	}
}

// late is a silence that XA closed without having heard of XB's objection, which XC had, and said so then or only later.
func late(t *testing.T, heard time.Duration) (k making, objection *statement.Head) {
	t.Helper()
	k = propose(t)
	expires := k.Now.Add(24 * time.Hour)
	q := k.Say("XA", KindSilence, Ask{statement.Digest{1}, statement.TimeOf(expires)})
	objection = k.Say("XB", KindObject, Object{q.ID})
	k.Now = expires.Add(heard)
	k.Say("XC", KindHeard, Object{objection.ID}, threadtest.After(objection))
	k.Now = expires.Add(time.Hour)
	k.is(k.Say("XA", KindClose, Close{q.ID, OutcomeAdopted}, threadtest.After(q)), "")
	k.stage(Adopted)
	return k, objection
}

// An objection that was said before the silence expired and came after it was closed changes nothing by itself, since its time is its author's word. It counts when another
// had heard of it in time.
func TestLateObjection(t *testing.T) {
	t.Parallel()
	// spec: AGR-12, AGR-13
	k, objection := late(t, -time.Hour)
	k.Say("XA", KindOpen, Text{statement.Digest{1}})
	k.sign("XA", "XC")
	k.is(k.Say("XB", KindContest, Object{objection.ID}), "")
	k.stage(Negotiating)
	if _, ok := Standing(k.Fold().State); ok {
		t.Error("what was signed of it stands")
	}
	k.is(k.Say("XB", KindContest, Object{objection.ID}), thread.NotAdmissible)
	k.is(k.Say("XB", KindSign, Sign{Digest: statement.Digest{1}}), thread.NotAdmissible)

	k, objection = late(t, time.Minute) // heard of after it had expired
	k.is(k.Say("XB", KindContest, Object{objection.ID}), thread.NotAdmissible)
	k.stage(Adopted)

	k, objection = late(t, -time.Hour)
	k.Say("XA", KindOpen, Text{statement.Digest{1}})
	k.sign("XA", "XB", "XC") // XB has thought better of it
	k.is(k.Say("XC", KindContest, Object{objection.ID}), thread.NotAdmissible)
	k.stage(StatusInForce)
}

// Whoever knew that the silence was closed cannot object to it any more, whatever time it gives its objection.
func TestBackdatedObjection(t *testing.T) {
	t.Parallel()
	// spec: AGR-12
	k := propose(t)
	expires := k.Now.Add(24 * time.Hour)
	q := k.Say("XA", KindSilence, Ask{statement.Digest{1}, statement.TimeOf(expires)})
	k.Now = expires
	k.Say("XA", KindClose, Close{q.ID, OutcomeAdopted})
	k.Now = expires.Add(-time.Hour)
	k.is(k.Say("XB", KindObject, Object{q.ID}), thread.NotAdmissible)
	// One that pretends not to have known changes nothing, and without another party's word nobody can make it count.
	pretends := k.Say("XC", KindObject, Object{q.ID}, threadtest.After(q))
	k.is(pretends, "")
	k.stage(Adopted)
	k.is(k.Say("XC", KindHeard, Object{pretends.ID}), thread.NotAdmissible)
	k.is(k.Say("XC", KindContest, Object{pretends.ID}), thread.NotAdmissible)
}

func TestEntryIntoForce(t *testing.T) {
	t.Parallel()
	// spec: AGR-8, AGR-14
	date := statement.TimeOf(threadtest.Start().Add(100 * 24 * time.Hour))
	for name, c := range map[string]struct {
		terms func(*agreement.Terms)
		from  func(signed [3]statement.Time) [3]statement.Time // zero: not
	}{
		"all": {func(*agreement.Terms) {}, func(s [3]statement.Time) [3]statement.Time { return [3]statement.Time{s[2], s[2], s[2]} }},
		"the second of three": {func(a *agreement.Terms) { a.InForce = agreement.InForce{When: agreement.ByCount, Count: 2} },
			func(s [3]statement.Time) [3]statement.Time { return [3]statement.Time{s[1], s[1], s[2]} }},
		"30 days after the second": {func(a *agreement.Terms) { a.InForce = agreement.InForce{When: agreement.ByCount, Count: 2, Days: 30} },
			func(s [3]statement.Time) [3]statement.Time {
				month := 30 * agreement.Day
				return [3]statement.Time{s[1].Add(month), s[1].Add(month), s[2].Add(month)}
			}},
		"a date": {func(a *agreement.Terms) { a.InForce = agreement.InForce{When: agreement.ByDate, Date: date} },
			func([3]statement.Time) [3]statement.Time { return [3]statement.Time{date, date, date} }},
		"ratification is missing": {func(a *agreement.Terms) { a.Consent = agreement.ByRatification },
			func([3]statement.Time) [3]statement.Time { return [3]statement.Time{} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := opened(t, c.terms)
			var signed [3]statement.Time
			for i, code := range []party.Code{"XA", "XB", "XC"} {
				signed[i] = k.Say(code, KindSign, Sign{Digest: statement.Digest{1}}).Time
			}
			s, _ := Standing(k.Fold().State)
			for i, code := range []party.Code{"XA", "XB", "XC"} {
				if got, want := s.Versions[0].From[code], c.from(signed)[i]; got != want {
					t.Errorf("for %s from %v, want %v", code, got, want)
				}
			}
		})
	}
}

func TestRatification(t *testing.T) {
	t.Parallel()
	// spec: AGR-14
	k := opened(t, func(a *agreement.Terms) { a.Consent = agreement.ByRatification })
	k.is(k.Say("XA", KindRatify, Ratify{statement.Digest{1}, "ratification"}), thread.NotAdmissible) // it has not signed
	k.sign("XA", "XB", "XC")
	k.is(k.Say("XA", KindRatify, Ratify{statement.Digest{1}, "hope"}), thread.BadFacts)
	k.is(k.Say("XA", KindRatify, Ratify{statement.Digest{1}, "ratification"}), "")
	k.is(k.Say("XA", KindRatify, Ratify{statement.Digest{1}, "approval"}), thread.NotAdmissible)
	k.is(k.Say("XB", KindRatify, Ratify{statement.Digest{1}, "acceptance"}), "")
	last := k.Say("XC", KindRatify, Ratify{statement.Digest{1}, "approval"})
	if k.binds(last.Time, "XA", "XB") != 1 || k.binds(last.Time.Add(-time.Second), "XA", "XB") != 0 {
		t.Error("ratified by all, and not in force, or before")
	}
}

func TestReservations(t *testing.T) {
	t.Parallel()
	// spec: AGR-14
	k := opened(t)
	k.is(k.Say("XB", KindSign, Sign{statement.Digest{1}, []string{"3"}}), thread.NotAdmissible) // it allows none
	k.is(k.Say("XB", KindSign, Sign{statement.Digest{1}, []string{"7"}}), thread.NotAdmissible)
	k.is(k.Say("XB", KindSign, Sign{statement.Digest{1}, []string{"2", "2"}}), thread.NotAdmissible)
	k.is(k.Say("XB", KindSign, Sign{statement.Digest{1}, []string{}}), "") // an absent list
	k.is(k.Say("XC", KindSign, Sign{statement.Digest{1}, []string{"2"}}), "")
	s, _ := Standing(k.Fold().State)
	if got := s.Versions[0].Reserved; len(got) != 1 || !slices.Equal(got["XC"], []string{"2"}) {
		t.Errorf("%v", got)
	}
}

// An agreement in force is amended as it was made. Who has consented to the new text is bound by it, and by the old one to who has not.
func TestAmendedInForce(t *testing.T) {
	t.Parallel()
	// spec: AGR-8, AGR-9
	k := opened(t)
	k.sign("XA", "XB", "XC")
	k.is(k.Say("XB", KindAmend, Amend{Terms: terms(2, func(a *agreement.Terms) { a.InForce = agreement.InForce{When: agreement.ByCount, Count: 2} }), Base: statement.Digest{1}}), "")
	k.is(k.Say("XA", KindCirculate, Text{statement.Digest{2}}), "")
	k.stage(Negotiating)
	old := statement.TimeOf(k.Now)
	for _, code := range []party.Code{"XA", "XB", "XC"} {
		k.Say(code, KindAdopt, Text{statement.Digest{2}})
	}
	k.Say("XA", KindOpen, Text{statement.Digest{2}})
	k.sign("XA", "XB")
	now := statement.TimeOf(k.Now)
	if k.binds(old, "XA", "XB") != 1 || k.binds(now, "XA", "XB") != 2 || k.binds(now, "XA", "XC") != 1 {
		t.Errorf("%d before, %d between two that have signed, %d with one that has not", k.binds(old, "XA", "XB"), k.binds(now, "XA", "XB"), k.binds(now, "XA", "XC"))
	}
	k.sign("XC")
	if k.binds(statement.TimeOf(k.Now), "XA", "XC") != 2 {
		t.Error("it has signed too")
	}
}

func TestSuspendWithdrawTerminate(t *testing.T) {
	t.Parallel()
	// spec: AGR-11
	k := opened(t, func(a *agreement.Terms) { a.Notice = 3600 })
	k.is(k.Say("XB", KindSuspend, Suspend{}), thread.NotAdmissible) // nobody is bound
	k.sign("XA", "XB", "XC")
	k.is(k.Say("XB", KindResume, struct{}{}), thread.NotAdmissible)
	from := k.Say("XB", KindSuspend, Suspend{})
	k.is(k.Say("XB", KindSuspend, Suspend{}), thread.NotAdmissible)
	to := k.Say("XB", KindResume, struct{}{})
	for at, want := range map[statement.Time]byte{from.Time.Add(-time.Second): 1, from.Time: 0, to.Time.Add(-time.Second): 0, to.Time: 1} {
		if got := k.binds(at, "XA", "XB"); got != want {
			t.Errorf("at %s text %d binds, want %d", at, got, want)
		}
		if k.binds(at, "XA", "XC") != 1 {
			t.Error("it is between XB and the others alone")
		}
	}
	k.is(k.Say("XC", KindWithdraw, Withdraw{statement.TimeOf(k.Now.Add(time.Minute))}), thread.NotAdmissible) // too soon
	left := statement.TimeOf(k.Now.Add(2 * time.Hour))
	k.is(k.Say("XC", KindWithdraw, Withdraw{left}), "")
	if k.binds(left.Add(-time.Second), "XA", "XC") != 1 || k.binds(left, "XA", "XC") != 0 || k.binds(left, "XA", "XB") != 1 {
		t.Error("a withdrawal")
	}
	k.is(k.Say("XA", KindTerminate, struct{}{}), "")
	k.stage(StatusInForce)
	end := k.Say("XB", KindTerminate, struct{}{})
	k.is(end, "")
	k.stage(Terminated)
	if k.binds(end.Time, "XA", "XB") != 0 || k.binds(end.Time.Add(-time.Second), "XA", "XB") != 1 {
		t.Error("a termination")
	}
	k.is(k.Say("XA", KindComment, Comment{Digest: statement.Digest{1}}), thread.NotAdmissible)
}

func TestAccession(t *testing.T) {
	t.Parallel()
	// spec: AGR-15, THR-8
	k := opened(t, func(a *agreement.Terms) { a.Accession = agreement.AccessionInvitation })
	k.sign("XA", "XB", "XC")
	k.is(k.Say("XA", KindInvite, Invite{"XD"}), thread.NotAdmissible) // it takes no part
	var all []statement.ID
	for _, h := range k.Heads {
		all = append(all, h.ID)
	}
	k.is(k.Say("XA", thread.KindAdmit, thread.Admitted{Party: "XD", Heads: all}), "")
	k.is(k.Say("XD", KindSign, Sign{Digest: statement.Digest{1}}), thread.NotAdmissible) // it is no party of the text
	for _, code := range []party.Code{"XA", "XB", "XC"} {
		k.is(k.Say("XD", KindAccede, Sign{Digest: statement.Digest{1}}), thread.NotAdmissible)
		k.is(k.Say(code, KindInvite, Invite{"XD"}), "")
	}
	k.is(k.Say("XA", KindInvite, Invite{"XD"}), thread.NotAdmissible)
	h := k.Say("XD", KindAccede, Sign{statement.Digest{1}, []string{"1"}})
	if k.Void(h) != "" || k.binds(h.Time, "XD.cert", "XB") != 1 || k.binds(h.Time.Add(-time.Second), "XD", "XB") != 0 {
		t.Error("it has acceded")
	}
	k = opened(t)
	k.sign("XA", "XB", "XC")
	k.Say("XA", thread.KindAdmit, thread.Admitted{Party: "XD", Heads: []statement.ID{k.Heads[0].ID}})
	k.is(k.Say("XD", KindAccede, Sign{Digest: statement.Digest{1}}), thread.NotAdmissible) // closed
}

func TestPublish(t *testing.T) {
	t.Parallel()
	// spec: AGR-16
	k := propose(t)
	at := statement.TimeOf(k.Now.Add(time.Hour))
	k.is(k.Say("XA", KindPublish, Publish{statement.Digest{1}, at}), thread.NotAdmissible) // it is not final
	k = opened(t)
	k.is(k.Say("XB", KindPublish, Publish{statement.Digest{1}, at}), thread.NotAdmissible)
	k.is(k.Say("XA", KindPublish, Publish{statement.Digest{1}, statement.TimeOf(k.Now.Add(-time.Hour))}), thread.BadFacts)
	k.is(k.Say("XA", KindPublish, Publish{statement.Digest{1}, statement.TimeOf(k.Now.Add(time.Hour))}), "")
	later := statement.TimeOf(k.Now.Add(2 * time.Hour))
	k.is(k.Say("XA", KindPublish, Publish{statement.Digest{1}, later}), "") // put off
	if p := k.view().Published; len(p) != 1 || p[0].At != later {
		t.Errorf("published: %v", p)
	}
	k.Now = k.Now.Add(3 * time.Hour)
	k.is(k.Say("XA", KindPublish, Publish{statement.Digest{1}, statement.TimeOf(k.Now.Add(time.Hour))}), thread.NotAdmissible) // it is out
}

// What somebody says cannot be older than what they have said before.
func TestBackdated(t *testing.T) {
	t.Parallel()
	// spec: AGR-17
	k := opened(t)
	k.sign("XA", "XB", "XC")
	then := k.Now
	k.Now = then.Add(-2 * time.Hour)
	k.is(k.Say("XB", KindSuspend, Suspend{}), thread.NotAdmissible)
	k.Now = then.Add(-30 * time.Second)
	k.is(k.Say("XB", KindSuspend, Suspend{}), "") // clocks are set back a little
}

// A newer text that nobody signs does not end the signing of the one before it.
func TestSignsTheOlder(t *testing.T) {
	t.Parallel()
	// spec: AGR-14
	two := func(x *agreement.Terms) { x.InForce = agreement.InForce{When: "count", Count: 2} }
	k := opened(t, two)
	k.sign("XA", "XB")
	k.Say("XB", KindAmend, Amend{Terms: terms(2), Base: statement.Digest{1}})
	k.Say("XA", KindCirculate, Text{statement.Digest{2}})
	for _, code := range []party.Code{"XA", "XB", "XC"} {
		k.Say(code, KindAdopt, Text{statement.Digest{2}})
	}
	k.Say("XA", KindOpen, Text{statement.Digest{2}})
	h := k.Say("XC", KindSign, Sign{Digest: statement.Digest{1}})
	k.is(h, "")
	if k.binds(h.Time, "XC", "XA") != 1 {
		t.Error("the older text binds who signed it")
	}
	k.is(k.Say("XC", KindSign, Sign{Digest: statement.Digest{1}}), thread.NotAdmissible)
	k.is(k.Say("XC", KindSign, Sign{Digest: statement.Digest{2}}), "")
}

// A chair that does not chair is replaced by the others.
func TestChair(t *testing.T) {
	t.Parallel()
	// spec: AGR-18
	k := propose(t)
	k.is(k.Say("XB", KindChair, Chair{"XD"}), thread.NotAdmissible) // takes no part
	k.is(k.Say("XB", KindChair, Chair{}), thread.BadFacts)
	k.is(k.Say("XB", KindChair, Chair{"XC"}), "")
	k.is(k.Say("XC", KindChair, Chair{"XB"}), "")
	if k.view().Chair != "XA" {
		t.Error("they do not agree")
	}
	k.is(k.Say("XB", KindChair, Chair{"XB"}), "")
	if k.view().Chair != "XB" {
		t.Error("they agree")
	}
	k.is(k.Say("XA", KindSilence, Ask{statement.Digest{1}, statement.TimeOf(k.Now.Add(time.Hour))}), thread.NotAdmissible)
	k.is(k.Say("XB", KindSilence, Ask{statement.Digest{1}, statement.TimeOf(k.Now.Add(time.Hour))}), "")
}

// Who leaves does not keep the others from ending it.
func TestTerminateAfterWithdrawal(t *testing.T) {
	t.Parallel()
	// spec: AGR-11
	k := opened(t)
	k.sign("XA", "XB", "XC")
	k.Say("XA", KindTerminate, struct{}{})
	k.Say("XB", KindTerminate, struct{}{})
	k.Say("XC", KindWithdraw, Withdraw{statement.TimeOf(k.Now.Add(48 * time.Hour))})
	k.stage(Terminated)
}

// A suspension with an end is ended earlier by who made it.
func TestResumeEarly(t *testing.T) {
	t.Parallel()
	// spec: AGR-11
	k := opened(t)
	k.sign("XA", "XB", "XC")
	h := k.Say("XB", KindSuspend, Suspend{statement.TimeOf(k.Now.Add(48 * time.Hour))})
	r := k.Say("XB", KindResume, struct{}{})
	k.is(r, "")
	if k.binds(h.Time, "XA", "XB") != 0 || k.binds(r.Time, "XA", "XB") != 1 {
		t.Error("it was suspended until it resumed")
	}
	k.is(k.Say("XB", KindResume, struct{}{}), thread.NotAdmissible)
}

// A reliance names the fewest statements that what it rests on comes from, and these alone, with what they come after, give the same standing.
func TestBasis(t *testing.T) {
	t.Parallel()
	// spec: DEC-2
	k := opened(t)
	last := k.Heads[len(k.Heads)-1]
	k.Say("XA", KindSign, Sign{Digest: statement.Digest{1}}, threadtest.After(last))
	k.Say("XB", KindSign, Sign{Digest: statement.Digest{1}}, threadtest.After(last, k.Heads[2]))
	k.Say("XC", KindComment, Comment{Digest: statement.Digest{1}})
	check := func(want int) {
		t.Helper()
		s, _ := Standing(k.Fold().State)
		if len(s.Basis) != want {
			t.Fatalf("it rests on %d", len(s.Basis))
		}
		part, err := k.Rules.Fold(k.Rules.Ancestry(k.Heads, s.Basis))
		if err != nil {
			t.Fatal(err)
		}
		again, ok := Standing(part.State)
		if !ok || !slices.Equal(again.Basis, s.Basis) || len(again.Versions[0].From) != len(s.Versions[0].From) {
			t.Fatalf("%+v", again)
		}
	}
	check(2)
	k.Say("XC", KindSign, Sign{Digest: statement.Digest{1}})
	check(1)
}

func TestDeposit(t *testing.T) {
	t.Parallel()
	// spec: AGR-7
	for name, c := range map[string]struct {
		facts any
		want  thread.Reason
	}{
		"as it should be":                   {Deposit{terms(1)}, ""},
		"a party that it does not go to":    {Deposit{terms(1, func(a *agreement.Terms) { a.Parties = []party.Code{"XA", "XB", "XC", "XD"} })}, thread.BadFacts},
		"a recipient that is no party":      {Deposit{terms(1, func(a *agreement.Terms) { a.Parties = a.Parties[:2] })}, thread.BadFacts},
		"a party twice":                     {Deposit{terms(1, func(a *agreement.Terms) { a.Parties = []party.Code{"XA", "XB", "XC", "XC"} })}, thread.BadFacts},
		"out of order":                      {Deposit{terms(1, func(a *agreement.Terms) { a.Parties = []party.Code{"XB", "XA", "XC"} })}, thread.BadFacts},
		"no digest":                         {Deposit{terms(0)}, thread.BadFacts},
		"a condition that nobody knows":     {Deposit{terms(1, func(a *agreement.Terms) { a.InForce.When = "soon" })}, thread.BadFacts},
		"more signatures than parties":      {Deposit{terms(1, func(a *agreement.Terms) { a.InForce = agreement.InForce{When: agreement.ByCount, Count: 4} })}, thread.BadFacts},
		"a fixed article that is not there": {Deposit{terms(1, func(a *agreement.Terms) { a.Fixed = []string{"9"} })}, thread.BadFacts},
		"nothing":                           {struct{}{}, thread.BadFacts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := making{threadtest.NewTalk(t, Desk{})}
			k.is(k.Open("XA", []party.Code{"XB", "XC"}, KindDeposit, c.facts), c.want)
			if c.want != "" {
				k.is(k.Say("XB", KindSign, Sign{Digest: statement.Digest{1}}), thread.NotAdmissible)
				return
			}
			k.stage(OpenForSignature)
			k.is(k.Say("XA", KindDeposit, c.facts), thread.NotAdmissible)
			k.sign("XA", "XB", "XC")
			k.stage(StatusInForce)
		})
	}
}

// A draft goes to its parties; whoever takes part beside them may chair and comment, and cannot sign.
func TestSecretariat(t *testing.T) {
	t.Parallel()
	// spec: AGR-7, AGR-9
	k := making{threadtest.NewTalk(t, Desk{})}
	two := terms(1, func(a *agreement.Terms) { a.Parties = a.Parties[:2] })
	k.is(k.Open("XC", []party.Code{"XA", "XB"}, KindPropose, Propose{Terms: two}), "")
	k.is(k.Say("XC", KindAdopt, Text{statement.Digest{1}}), thread.NotAdmissible)
	k.Say("XA", KindAdopt, Text{statement.Digest{1}})
	k.Say("XB", KindAdopt, Text{statement.Digest{1}})
	k.is(k.Say("XC", KindOpen, Text{statement.Digest{1}}), "")
	k.is(k.Say("XC", KindSign, Sign{Digest: statement.Digest{1}}), thread.NotAdmissible)
	k.sign("XA", "XB")
	k.stage(StatusInForce)
	out := making{threadtest.NewTalk(t, Desk{})}
	out.is(out.Open("XA", []party.Code{"XB"}, KindPropose, Propose{Terms: terms(1)}), thread.BadFacts)
}

// What is written by hand is what the general encoder writes.
func TestStateByHand(t *testing.T) {
	t.Parallel()
	k := opened(t, func(a *agreement.Terms) { a.InForce = agreement.InForce{When: agreement.ByCount, Count: 2, Days: 3} })
	k.sign("XA", "XB")
	k.Say("XC", KindSign, Sign{statement.Digest{1}, []string{"1", "2"}})
	st, err := thread.Load[state](k.Fold().State)
	if err != nil {
		t.Fatal(err)
	}
	v := st.newest()
	odd := consents{"XA": {As: "\u2028"}}
	for _, c := range []struct{ hand, plain any }{
		{v.Consents, map[party.Code]Consent(v.Consents)}, {v.From, map[party.Code]statement.Time(v.From)}, {odd, map[party.Code]Consent(odd)}, {consents{}, map[party.Code]Consent{}},
	} {
		hand, err1 := json.Marshal(c.hand, json.Deterministic(true))
		plain, err2 := json.Marshal(c.plain, json.Deterministic(true))
		if err1 != nil || err2 != nil || string(hand) != string(plain) {
			t.Errorf("%v %v\n%s\n%s", err1, err2, hand, plain)
		}
	}
}

// Whoever has said nothing since may say something now that pretends to have known nothing of what came after. It must not undo that, wherever its id has it stand.
func TestSleeper(t *testing.T) {
	t.Parallel()
	// spec: AGR-9, AGR-12, THR-3
	for name, late := range map[string]func(k making, q *statement.Head, edit threadtest.Edit){
		"closes a silence that was broken": func(k making, q *statement.Head, edit threadtest.Edit) {
			k.Say("XC", KindClose, Close{q.ID, OutcomeAdopted}, threadtest.After(q), edit)
		},
		"adopts the first draft": func(k making, q *statement.Head, edit threadtest.Edit) {
			k.Say("XC", KindAdopt, Text{statement.Digest{1}}, threadtest.After(k.Heads[0]), edit)
		},
		"proposes what another has proposed": func(k making, q *statement.Head, edit threadtest.Edit) {
			k.Say("XC", KindAmend, Amend{Terms: second(), Base: statement.Digest{1}}, threadtest.After(k.Heads[0]), edit)
		},
		"floods the table": func(k making, q *statement.Head, edit threadtest.Edit) {
			last := k.Heads[0]
			for n := range 2 * MaxTable {
				last = k.Say("XC", KindAmend, Amend{Terms: terms(byte(100 + n)), Base: statement.Digest{1}}, threadtest.After(last), edit)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range 12 { // ids before and after those of the others
				k := propose(t)
				q := k.Say("XA", KindSilence, Ask{statement.Digest{1}, statement.TimeOf(k.Now.Add(time.Hour))})
				k.Say("XB", KindObject, Object{q.ID})
				k.Say("XA", KindAdopt, Text{statement.Digest{1}})
				k.Say("XB", KindAdopt, Text{statement.Digest{1}})
				k.Now = k.Now.Add(time.Hour)
				k.Say("XA", KindClose, Close{q.ID, OutcomeBroken})
				amended := k.Say("XB", KindAmend, Amend{Terms: second(), Base: statement.Digest{1}})
				k.Say("XA", KindCirculate, Text{statement.Digest{2}})
				again := k.Say("XA", KindSilence, Ask{statement.Digest{2}, statement.TimeOf(k.Now.Add(time.Hour))})
				k.Now = k.Now.Add(time.Hour)
				k.Say("XA", KindClose, Close{again.ID, OutcomeAdopted})
				k.Say("XA", KindOpen, Text{statement.Digest{2}})
				k.sign("XA", "XB")
				k.stage(StatusInForce)
				k.Now = k.Now.Add(200 * 24 * time.Hour)
				late(k, q, func(d *statement.Head) {
					d.Precedence = statement.Precedences()[n%4]
					d.By.Role = "role-" + string(rune('a'+n))
				})
				k.stage(StatusInForce)
				if s, _ := Standing(k.Fold().State); s.Versions[0].Text != amended.ID {
					t.Fatal("the text is taken from another head than the chair has seen")
				}
			}
		})
	}
}

func second() agreement.Terms {
	return terms(2, func(a *agreement.Terms) { a.InForce = agreement.InForce{When: agreement.ByCount, Count: 2} })
}
