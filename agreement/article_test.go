package agreement

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

func until(s string) change       { return func(q *Question) { q.Marking.RetainUntil = s } }
func handling(s ...string) change { return func(q *Question) { q.Marking.Handling = s } }
func today(n int64) change {
	return func(q *Question) { q.Today = map[party.Code]int64{q.To[0]: n} }
}
func reserved(by party.Code, articles ...string) change {
	return func(q *Question) { q.Reserved = map[party.Code][]string{by: articles} }
}

// full is an agreement with each of the members that narrow what passes.
func full(t *testing.T) *Policy {
	t.Helper()
	return must(Compile(must(Parse([]byte(`{"v":1,"title":{"en":"T"},"parties":["XA","XB"],"languages":["en"],"in_force":{"when":"all"},
		"groups":{"teams":["XA.cert","XB.cert"]},"articles":[
		{"number":"1","title":{"en":"T"},"text":{"en":"T"},"rules":[{"effect":"permit","kinds":["assist.*"],"personal_data":"allowed","retain_max":86400},
			{"effect":"permit","kinds":["assist.*"],"personal_data":"none"}]},
		{"number":"2","title":{"en":"T"},"text":{"en":"T"},"rules":[{"effect":"permit","kinds":["intel.share"],"from":["@teams"],"to":["@teams"],"per_day":3}]},
		{"number":"3","title":{"en":"T"},"text":{"en":"T"},"rules":[{"effect":"approve","tlp_min":"AMBER+STRICT"},{"effect":"approve","personal_data":"allowed"}]},
		{"number":"4","title":{"en":"T"},"text":{"en":"T"},"rules":[{"effect":"forbid","tlp_min":"RED","without":["H2"]}]},
		{"number":"5","title":{"en":"T"},"text":{"en":"T"},"clocks":{"flash":{"acknowledge":60,"answer":600}},"grounds":["security"]}]}`)))))
}

// spec: AGR-3, AGR-10, DEC-6, DEC-8, DEC-9, DEC-10
func TestArticles(t *testing.T) {
	t.Parallel()
	p := full(t)
	teams := func(q *Question) { q.From, q.To, q.Kind = "XA.cert", []party.Code{"XB.cert"}, "intel.share" }
	for name, c := range map[string]struct {
		q        Question
		permit   bool
		clause   string
		articles string
		approval string
		reason   string
	}{
		"nobody is asked about": {ask(), true, "DEC-1", "1", "", "Art. 1 permits it."},
		"personal data":         {ask(personal("allowed"), until("2026-11-22T08:00:00.000Z")), true, "DEC-1", "1", "3", "Art. 1 permits it."},
		"kept too long": {ask(personal("allowed"), until("2026-11-22T08:00:00.001Z")), false, "DEC-1", "", "",
			"No article permits it. Art. 1 would permit it where it is to be erased within 1 day; this is to be erased at 2026-11-22T08:00:00.001Z. " +
				"Art. 1 would permit it without personal data; this is with personal data that is not minimised."},
		"kept for ever": {ask(personal("minimised")), false, "DEC-1", "", "",
			"No article permits it. Art. 1 would permit it where it is to be erased within 1 day; this is without a date of erasure. " +
				"Art. 1 would permit it without personal data; this is with minimised personal data."},
		"without a purpose": {ask(personal("minimised"), purpose(""), until("2026-11-22T08:00:00.000Z")), false, "DEC-8", "", "",
			"Personal data pass under an agreement only with a purpose and a date of erasure; this lacks a purpose among its facts."},
		"a group":                  {ask(teams, today(2)), true, "DEC-1", "2", "", "Art. 2 permits it."},
		"nobody of the group":      {ask(teams, to("XB")), false, "DEC-1", "", "", "No article permits it. Art. 2 would permit it to XA.cert or XB.cert; this is to XB."},
		"the fourth of a day":      {ask(teams, today(3)), false, "DEC-1", "", "", "No article permits it. Art. 2 would permit it up to 3 a day; this is number 4 of the day."},
		"approval":                 {ask(tlp(marking.AmberStrict)), true, "DEC-1", "1", "3", "Art. 1 permits it."},
		"approval does not permit": {ask(tlp(marking.AmberStrict), kind("drill.inject")), false, "DEC-1", "", "", "No article permits drill.inject."},
		"with the code":            {ask(tlp(marking.Red), handling("H1", "H2")), true, "DEC-1", "1", "3", "Art. 1 permits it."},
		"without the code":         {ask(tlp(marking.Red)), false, "DEC-1", "4", "", "Art. 4 forbids it from TLP:RED upwards and without the handling code H2."},
		"reserved by the author":   {ask(reserved("XA", "1")), false, "DEC-1", "", "", "No article permits it. Art. 1 does not hold between XA and XB, for a reservation."},
		"reserved by the other":    {ask(from("XA.mfa"), reserved("XB", "9", "1")), false, "DEC-2", "", "", "XA.mfa is no party of this agreement, and no permitting article names it as an office that writes."},
		"reserved by an office's party": {ask(teams, reserved("XB", "2")), false, "DEC-1", "", "",
			"No article permits it. Art. 2 does not hold between XA.cert and XB.cert, for a reservation."},
		"a prohibition is not reserved": {ask(tlp(marking.Red), reserved("XA", "4")), false, "DEC-1", "4", "", "Art. 4 forbids it from TLP:RED upwards and without the handling code H2."},
		"approval is not reserved":      {ask(tlp(marking.AmberStrict), reserved("XA", "3")), true, "DEC-1", "1", "3", "Art. 1 permits it."},
		"nor is a clock's bound":        {ask(precedence("flash"), clocked(60, 599), reserved("XB", "5")), false, "DEC-6", "5", "", "Art. 5 gives 10 minutes to answer at flash precedence; this gives 599 seconds."},
		"nor are grounds":               {ask(grounds("tired"), reserved("XB", "5")), false, "DEC-6", "", "", "A refusal under this agreement rests on one of: security, other."},
		"reserved by nobody here":       {ask(reserved("XC", "1")), true, "DEC-1", "1", "", "Art. 1 permits it."},
		"one who has joined":            {ask(to("XC"), func(q *Question) { q.Joined = []party.Code{"XC"} }), true, "DEC-1", "1", "", "Art. 1 permits it."},
		"an office of one who has":      {ask(to("XC.cert"), func(q *Question) { q.Joined = []party.Code{"XC"} }), false, "DEC-2", "", "", "XC.cert is no party of this agreement, and no permitting article names it as an office that is written to."},
		"one who has reserved":          {ask(to("XC"), func(q *Question) { q.Joined = []party.Code{"XC"} }, reserved("XC", "1")), false, "DEC-1", "", "", "No article permits it. Art. 1 does not hold between XA and XC, for a reservation."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := p.Decide(c.q)
			if v.Permitted != c.permit || v.Clause != c.clause || strings.Join(v.Articles, " ") != c.articles || v.Reason != c.reason {
				t.Errorf("permitted %v, %s, articles %v:\n%s\nwant %v, %s, %s:\n%s", v.Permitted, v.Clause, v.Articles, v.Reason, c.permit, c.clause, c.articles, c.reason)
			}
			if strings.Join(v.ApprovalBy, " ") != c.approval || v.Approval != (c.approval != "") {
				t.Errorf("approval %v by %v, want %q", v.Approval, v.ApprovalBy, c.approval)
			}
		})
	}
	if !p.Counts() || compiled(t, "assistance").Counts() {
		t.Error("who counts is not told")
	}
	q := ask(precedence(statement.Flash))
	if ack, answer, article, ok := p.Owes(&q, "XB"); !ok || ack != 60 || answer != 600 || article != "5" {
		t.Errorf("%d %d %s %v", ack, answer, article, ok)
	}
	q = ask(precedence(statement.Flash), reserved("XB", "5"))
	if _, _, _, ok := p.Owes(&q, "XB"); ok {
		t.Error("a party owes what it has made a reservation to")
	}
}

// spec: AGR-2
func TestUse(t *testing.T) {
	t.Parallel()
	p := must(Compile(must(Parse([]byte(strings.Replace(document(`,"onward":"ask","proceedings":"permission","retention":86400`), `"articles":[`,
		`"articles":[{"number":"1","title":{"en":"T"},"text":{"en":"T"},"onward":"none","rules":[{"effect":"permit","kinds":["intel.*"]},{"effect":"forbid","tlp_min":"RED"}]},
		{"number":"2","title":{"en":"T"},"text":{"en":"T"},"retention":60,"rules":[{"effect":"permit","kinds":["assist.grant"]}]},`, 1))))))
	for kind, want := range map[statement.Kind]Use{
		"intel.share":    {OnwardNone, ProceedingsPermission, 86400, "1", "4", "4"},
		"assist.grant":   {OnwardAsk, ProceedingsPermission, 60, "4", "4", "2"},
		"assist.request": {OnwardAsk, ProceedingsPermission, 86400, "4", "4", "4"},
	} {
		if got := p.Use(kind); got != want {
			t.Errorf("%s: %+v, want %+v", kind, got, want)
		}
	}
	if u := compiled(t, "assistance").Use("assist.grant"); u != (Use{}) {
		t.Errorf("an agreement that says nothing: %+v", u)
	}
}

// What a rule forbids outright is found whoever is named how; what it leaves a case of is not.
//
// spec: AGR-3
func TestCovers(t *testing.T) {
	t.Parallel()
	red, amber, minimised, none := marking.Red, marking.Amber, marking.PersonalMinimised, marking.PersonalNone
	few, many, yes := int64(10), int64(20), true
	for name, c := range map[string]struct {
		forbid, permit Rule
		covers         bool
	}{
		"all":                   {Rule{}, Rule{Kinds: []KindPattern{"assist.*"}, TLPMax: &amber}, true},
		"kinds":                 {Rule{Kinds: []KindPattern{"assist.*"}}, Rule{Kinds: []KindPattern{"assist.grant", "assist.*"}}, true},
		"one kind of two":       {Rule{Kinds: []KindPattern{"assist.grant"}}, Rule{Kinds: []KindPattern{"assist.grant", "assist.refuse"}}, false},
		"a desk's one kind":     {Rule{Kinds: []KindPattern{"assist.grant"}}, Rule{Kinds: []KindPattern{"assist.*"}}, false},
		"any kind":              {Rule{Kinds: []KindPattern{"assist.grant"}}, Rule{}, false},
		"offices":               {Rule{From: []CodePattern{"XA.*"}}, Rule{From: []CodePattern{"XA.cert", "XA", "XA.*"}}, true},
		"not its offices":       {Rule{From: []CodePattern{"XA"}}, Rule{From: []CodePattern{"XA.*"}}, false},
		"another":               {Rule{To: []CodePattern{"XA.*"}}, Rule{To: []CodePattern{"XA", "XB"}}, false},
		"lower":                 {Rule{TLPMax: &red}, Rule{}, true},
		"higher":                {Rule{TLPMax: &amber}, Rule{TLPMax: &red}, false},
		"above":                 {Rule{TLPMin: &amber}, Rule{TLPMin: &red}, true},
		"below":                 {Rule{TLPMin: &red}, Rule{TLPMin: &amber}, false},
		"personal data or not":  {Rule{PersonalData: &none}, Rule{PersonalData: &minimised}, true},
		"personal data":         {Rule{PersonalData: &minimised}, Rule{PersonalData: &minimised}, false},
		"purposes":              {Rule{Purposes: []string{"a", "b"}}, Rule{Purposes: []string{"b"}}, true},
		"other purposes":        {Rule{Purposes: []string{"a"}}, Rule{Purposes: []string{"a", "b"}}, false},
		"no purpose":            {Rule{Purposes: []string{"a"}}, Rule{}, false},
		"codes":                 {Rule{Handling: []string{"a"}}, Rule{Handling: []string{"a", "b"}}, true},
		"more codes":            {Rule{Handling: []string{"a", "b"}}, Rule{Handling: []string{"a"}}, false},
		"without":               {Rule{Without: []string{"a"}}, Rule{Without: []string{"b", "a"}}, true},
		"size":                  {Rule{BodyMax: &many}, Rule{BodyMax: &few}, true},
		"larger":                {Rule{BodyMax: &few}, Rule{BodyMax: &many}, false},
		"from the tenth on":     {Rule{PerDay: &few}, Rule{PerDay: &many}, false},
		"what is kept too long": {Rule{RetainMax: &few}, Rule{RetainMax: &few}, false},
		"exercises":             {Rule{Exercise: &yes}, Rule{Exercise: &yes}, true},
		"not only exercises":    {Rule{Exercise: &yes}, Rule{}, false},
	} {
		if c.forbid.Effect, c.permit.Effect = Forbid, Permit; newBan(&c.forbid, "").covers(&c.permit) != c.covers {
			t.Errorf("%s: covers is not %v", name, c.covers)
		}
	}
	// Whatever is called forbidden outright is never permitted.
	rapid.Check(t, func(t *rapid.T) {
		f, p := drawRule(t), drawRule(t)
		f.Effect, p.Effect = Forbid, Permit
		if !newBan(&f, "").covers(&p) || slices.ContainsFunc(slices.Concat(f.From, f.To, p.From, p.To), func(c CodePattern) bool { return c.Group() != "" }) {
			return
		}
		q := drawHead(t)
		if no, _ := p.failing(&q, q.To[0]); no == 0 {
			if failed, _ := f.failing(&q, q.To[0]); failed != 0 {
				t.Fatalf("%+v is said to forbid all of %+v", f, p)
			}
		}
	})
}

// spec: AGR-10
func TestReservationNeverPermits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		d.Articles[0].Clocks = must(Parse([]byte(document(`,"clocks":{"flash":{"acknowledge":60,"answer":600}}`)))).Articles[0].Clocks
		d.Articles[0].Grounds = []string{"a"}
		p, q := compile(t, d), drawQuestion(t)
		clocked(rapid.Int64Range(59, 61).Draw(t, "acknowledge"), rapid.Int64Range(599, 601).Draw(t, "answer"))(&q)
		q.Grounds = rapid.SampledFrom([][]string{nil, {"a"}, {"b"}}).Draw(t, "grounds")
		q.Reserved = nil
		without := p.Decide(q)
		q.Reserved = map[party.Code][]string{
			rapid.SampledFrom(someCodes).Draw(t, "who"): rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"0", "1", "2", "3", "9"}), 0, 5, rapid.ID[string]).Draw(t, "reserved"),
		}
		with := p.Decide(q)
		if with.Permitted && !without.Permitted {
			t.Fatalf("a reservation permits: %+v, without it %+v", with, without)
		}
		if with.Permitted && without.Approval && !with.Approval {
			t.Fatalf("a reservation approves: %+v, without it %+v", with, without)
		}
	})
}

// To ask for approval changes nothing between the parties.
//
// spec: DEC-10
func TestApprovalDecidesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, r := drawDocument(t), drawRule(t)
		r.Effect = Approve
		q := drawQuestion(t)
		before, after := compile(t, d).Decide(q), unchecked(t, d, Article{Number: "more", Rules: []Rule{r}}).Decide(q)
		if before.Permitted != after.Permitted || !slices.Equal(before.Articles, after.Articles) || before.Reason != after.Reason {
			t.Fatalf("%+v, without approval %+v", after, before)
		}
		if before.Approval && !after.Approval {
			t.Fatalf("to ask once more is to ask no more: %+v", after)
		}
	})
}

// A decision is one of the policy and the question, and of nothing else: not of who asks, of what was asked before, of kinds that are not
// asked about, nor of what the question has that no clause names.
//
// spec: DEC-1, DEC-3
func TestDecisionIsItsInputs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		warm, q := compile(t, d), drawQuestion(t)
		for range rapid.IntRange(0, 6).Draw(t, "before") {
			warm.Decide(drawQuestion(t))
		}
		want := compile(t, d).Decide(q)
		if got := warm.Decide(q); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
		// An officer's role and another day are nobody's condition, and neither is who made a reservation elsewhere.
		other := q
		other.Role = "analyst"
		if other.Marking.RetainUntil == "" {
			other.Time = other.Time.Add(1e9)
		}
		other.Reserved = map[party.Code][]string{"XQ": {"0", "1", "2"}}
		for by, articles := range q.Reserved {
			other.Reserved[by] = articles
		}
		other.Joined = append(slices.Clone(q.Joined), "XY")
		if got := warm.Decide(other); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
	})
}

// What the index by kind leaves out could not have changed the verdict.
//
// spec: DEC-1
func TestIndexChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, q := compile(t, drawDocument(t)), drawQuestion(t)
		all := *p
		whole := *p.set
		whole.desks, whole.kinds, whole.any = nil, nil, nil
		for i := range whole.entries {
			whole.any = append(whole.any, i)
		}
		whole.entries = slices.Clone(whole.entries)
		for i := range whole.entries {
			whole.entries[i].residue = whole.entries[i].policy // its action scope is Cedar's to settle
		}
		all.set, all.memo = &whole, nil
		got, want := p.Decide(q), all.Decide(q)
		if got.Permitted != want.Permitted || !slices.Equal(got.Articles, want.Articles) || !slices.Equal(got.ApprovalBy, want.ApprovalBy) {
			t.Fatalf("%+v\nwithout an index %+v", got, want)
		}
	})
}

// spec: DEC-7, DEC-9, DEC-10
func TestCaveatsAsk(t *testing.T) {
	t.Parallel()
	known := Vocabulary{Kinds: []statement.Kind{"assist.request"}}
	c := must(CompileCaveats("own.cedar", []byte(`
@caveat("eyes") forbid (principal, action, resource) when { context.tlp >= 3 } unless { context.approved };
@caveat("kept") forbid (principal, action, resource == Party::"XC") unless { context has retention && context.retention <= 3600000 };
`), known))
	for name, x := range map[string]struct {
		q                Question
		permit, approval bool
		reason           string
	}{
		"nothing to ask":      {ask(), true, false, "No caveat forbids it."},
		"four eyes":           {ask(tlp(marking.Red)), true, true, "No caveat forbids it once a second officer has approved it."},
		"kept too long":       {ask(to("XC"), until("2026-11-21T09:00:00.001Z")), false, false, "The caveat kept forbids it."},
		"kept for an hour":    {ask(to("XC"), until("2026-11-21T09:00:00.000Z")), true, false, "No caveat forbids it."},
		"approval is no help": {ask(tlp(marking.Red), to("XC")), false, false, "The caveat kept forbids it."},
		"two recipients":      {ask(tlp(marking.Red), to("XB", "XC"), until("2026-11-21T09:00:00.000Z")), true, true, "No caveat forbids it once a second officer has approved it."},
	} {
		if v := c.Decide(x.q); v.Permitted != x.permit || v.Approval != x.approval || !strings.HasSuffix(v.Reason, x.reason) || v.Approval && v.ApprovalBy[0] != "eyes" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if _, err := CompileCaveats("few.cedar", []byte(`forbid (principal, action, resource) when { context.today >= 2 };`), known); err == nil || !strings.Contains(err.Error(), "today") {
		t.Errorf("a caveat counts: %v", err)
	}
}

// Whoever drafts learns all that is wrong at once, and in the words of Parse.
//
// spec: AGR-1, AGR-2, AGR-3, AGR-4
func TestProblems(t *testing.T) {
	t.Parallel()
	raw := `{"v":1,"title":{},"parties":["XA","XB"],"languages":["en"],"in_force":{"when":"all"},"articles":[
		{"number":"1","title":{"en":"T"},"text":{"en":"T"},"rules":[{"effect":"permit","tlp_max":"PINK"},{"effect":"permit","purposes":[]}]},
		{"number":"2","title":{"en":"T"},"text":{"en":"T"},"note":1},
		{"number":"1","title":{"en":"T"},"text":{"de":"T"},"clocks":{"flash":{"acknowledge":0,"answer":1}},"rules":[{"effect":"permit","to":["XC"]}]}]}`
	var got []string
	for _, e := range Problems([]byte(raw)) {
		got = append(got, e.Clause+" "+e.Msg)
	}
	want := []string{
		"AGR-2 article 2 has the member note, which this version does not define",
		"AGR-1 title is missing, or has no language",
		"AGR-3 article 1, rules[0].tlp_max is one of CLEAR, GREEN, AMBER, AMBER+STRICT, RED",
		"AGR-3 article 1, rules[1].purposes is an empty list; leave the member out instead",
		"AGR-2 article 1, number is the number of an earlier article",
		"AGR-2 article 1, text has a language that is not among the document's languages",
		"AGR-3 article 1, rules[0].to names a code that is neither a party of this agreement nor an office of one; XA.* stands for XA and its offices",
		"AGR-4 article 1, clocks.flash.acknowledge is a number of seconds, from 1 to 31536000",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	for _, raw := range []string{"", "{", "[]", `{"articles":3}`, `{"v":"x","articles":[{}]}`} {
		if all := Problems([]byte(raw)); len(all) != 1 || all[0].Msg == "" {
			t.Errorf("%s: %v", raw, all)
		}
	}
	if all := Problems(example(t, "assistance")); all != nil {
		t.Errorf("%v", all)
	}
	// Every way in which Parse refuses is among them.
	rapid.Check(t, func(t *rapid.T) {
		raw := []byte(document(`,"rules":[{"effect":"permit"}]`))
		at := rapid.IntRange(0, len(raw)-1).Draw(t, "at")
		raw[at] = byte(rapid.IntRange(32, 126).Draw(t, "byte"))
		_, err := Parse(raw)
		all := Problems(raw)
		if (err == nil) != (len(all) == 0) || err != nil && !slices.ContainsFunc(all, func(e *fault.Error) bool { return e.Error() == err.Error() }) {
			t.Fatalf("%s: %v, %v", raw, err, all)
		}
	})
}
