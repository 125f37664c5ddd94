package agreement

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

var (
	someCodes    = []party.Code{"XA", "XB", "XC", "XA.cert", "XA.cert.soc", "XB.mfa", "XC.cert", "XAB", "XZ"}
	somePatterns = []CodePattern{"XA", "XB", "XC", "XA.*", "XB.*", "XA.cert", "XA.cert.soc", "XB.mfa", "XC.*", "@teams", "@all"}
	someKinds    = []statement.Kind{"assist.request", "assist.grant", "intel.share", "drill.inject", "as.request"}
	kindPatterns = []KindPattern{"assist.*", "assist.request", "assist.grant", "intel.*", "intel.share", "drill.inject", "as.*"}
	words        = []string{"a", "b", "c"}
)

// some draws nothing, or one to three distinct values.
func some[T comparable](t *rapid.T, from []T, label string) []T {
	if rapid.IntRange(0, 2).Draw(t, label+"?") > 0 {
		return nil
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, min(3, len(from)), rapid.ID[T]).Draw(t, label)
}

func maybe[T any](t *rapid.T, from []T, label string) *T {
	if rapid.IntRange(0, 2).Draw(t, label+"?") > 0 {
		return nil
	}
	v := rapid.SampledFrom(from).Draw(t, label)
	return &v
}

func drawRule(t *rapid.T) Rule {
	r := Rule{
		Effect: rapid.SampledFrom([]Effect{Permit, Permit, Permit, Forbid, Approve}).Draw(t, "effect"),
		Kinds:  some(t, kindPatterns, "kinds"), From: some(t, somePatterns, "from"), To: some(t, somePatterns, "to"),
		TLPMax: maybe(t, marking.TLPs(), "tlp_max"), TLPMin: maybe(t, marking.TLPs(), "tlp_min"),
		PAPMax:       maybe(t, []marking.PAP{marking.PAPClear, marking.PAPGreen, marking.PAPAmber, marking.PAPRed}, "pap_max"),
		PersonalData: maybe(t, []marking.PersonalData{marking.PersonalNone, marking.PersonalMinimised, marking.PersonalAllowed}, "personal_data"),
		Precedence:   some(t, statement.Precedences(), "precedence"),
		Tracks:       some(t, []statement.Track{statement.Technical, statement.Diplomatic, statement.Leadership}, "tracks"),
		Exercise:     maybe(t, []bool{true, false}, "exercise"), Purposes: some(t, words, "purposes"), Sectors: some(t, words, "sectors"),
		Types: some(t, words, "types"), Handling: some(t, words, "handling"), BodyMax: maybe(t, []int64{0, 10, 20}, "body_max"),
		Without: some(t, words, "without"), RetainMax: maybe(t, []int64{60, 3600}, "retain_max"), PerDay: maybe(t, []int64{1, 2, 5}, "per_day"),
	}
	r.Without = slices.DeleteFunc(r.Without, func(h string) bool { return slices.Contains(r.Handling, h) })
	if len(r.Without) == 0 {
		r.Without = nil
	}
	if _, why := r.neverHolds(); why != "" {
		r.To = nil
	}
	if r.TLPMax != nil && r.TLPMin != nil && r.TLPMin.Rank() > r.TLPMax.Rank() {
		r.TLPMin = nil
	}
	return r
}

func someGroups() map[string][]CodePattern {
	return map[string][]CodePattern{"teams": {"XA.cert", "XB.mfa"}, "all": {"XA", "XB.*", "XC", "XA.cert"}}
}

// threeParties is a document of XA, XB and XC with these articles.
func threeParties(articles ...Article) *Document {
	for i := range articles {
		articles[i].Title, articles[i].Text = Text{"en": "T"}, Text{"en": "T"}
	}
	return &Document{
		V: 1, Title: Text{"en": "T"}, Parties: []party.Code{"XA", "XB", "XC"}, Languages: []string{"en"}, InForce: InForce{When: ByAll},
		Groups: someGroups(), Articles: articles,
	}
}

// drawDocument makes an agreement of XA, XB and XC with up to 12 rules, and passes it through its bytes. What one article forbids outright
// is left out.
func drawDocument(t *rapid.T, more ...Article) *Document {
	d := *threeParties()
	for i := range rapid.IntRange(1, 4).Draw(t, "articles") {
		a := Article{Number: itoa(i), Title: Text{"en": "T"}, Text: Text{"en": "T"}}
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			a.Rules = append(a.Rules, drawRule(t))
		}
		d.Articles = append(d.Articles, a)
	}
	for {
		var found problems
		if d.forbiddenOutright(&found); len(found) == 0 {
			return rewrite(t, d, more...)
		}
		at := strings.Split(string(found[0].at), "/")
		a := &d.Articles[must(strconv.Atoi(at[2]))]
		j := must(strconv.Atoi(at[4]))
		a.Rules = slices.Delete(a.Rules, j, j+1)
	}
}

func rewrite(t *rapid.T, d Document, more ...Article) *Document {
	d.Articles = append(slices.Clone(d.Articles), more...)
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(raw)
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return parsed
}

func compile(t *rapid.T, d *Document) *Policy {
	p, err := Compile(d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// unchecked compiles a document with more articles, although one may forbid outright what another permits.
func unchecked(t *rapid.T, d *Document, more ...Article) *Policy {
	one := *d
	one.Articles = append(slices.Clone(d.Articles), more...)
	p, err := one.compile()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// at is the time of every question that is drawn, and the dates are those of erasure that it may name.
var dates = []string{"", "2026-11-21T08:00:59.999Z", "2026-11-21T08:01:00.000Z", "2026-11-21T08:01:00.001Z", "2026-11-21T09:00:00.000Z", "2027-01-01T00:00:00.000Z"}

func drawQuestion(t *rapid.T) Question {
	q := drawHead(t)
	for _, to := range q.To {
		if rapid.Bool().Draw(t, "counted") {
			q.Today = map[party.Code]int64{to: rapid.Int64Range(0, 6).Draw(t, "today")}
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "making?") == 0 {
		q.Joined = []party.Code{"XZ"}
	}
	if rapid.IntRange(0, 3).Draw(t, "reserved?") == 0 {
		q.Reserved = map[party.Code][]string{rapid.SampledFrom([]party.Code{"XA", "XB", "XC", "XZ"}).Draw(t, "by"): {"0", "2"}}
	}
	return q
}

func drawHead(t *rapid.T) Question {
	optional := rapid.SampledFrom([]string{"", "a", "b", "c", "d"})
	return Question{
		From: rapid.SampledFrom(someCodes).Draw(t, "from"),
		To:   rapid.SliceOfNDistinct(rapid.SampledFrom(someCodes), 1, 2, rapid.ID[party.Code]).Draw(t, "to"),
		Kind: rapid.SampledFrom(someKinds).Draw(t, "kind"),
		Marking: marking.Marking{
			TLP:          rapid.SampledFrom(marking.TLPs()).Draw(t, "tlp"),
			PAP:          rapid.SampledFrom([]marking.PAP{"", marking.PAPClear, marking.PAPGreen, marking.PAPAmber, marking.PAPRed}).Draw(t, "pap"),
			PersonalData: rapid.SampledFrom([]marking.PersonalData{"", marking.PersonalNone, marking.PersonalMinimised, marking.PersonalAllowed}).Draw(t, "personal"),
			Handling:     rapid.SliceOfNDistinct(rapid.SampledFrom(words), 0, 3, rapid.ID[string]).Draw(t, "handling"),
			RetainUntil:  rapid.SampledFrom(dates).Draw(t, "retain_until"),
		},
		Track:      rapid.SampledFrom([]statement.Track{statement.Technical, statement.Diplomatic, statement.Leadership}).Draw(t, "track"),
		Precedence: rapid.SampledFrom(statement.Precedences()).Draw(t, "precedence"),
		Exercise:   rapid.Bool().Draw(t, "exercise"), Time: must(statement.ParseTime("2026-11-21T08:00:00.000Z")), Role: "duty-officer",
		BodyBytes: rapid.Int64Range(0, 30).Draw(t, "bytes"),
		Purpose:   optional.Draw(t, "purpose"), Sector: optional.Draw(t, "sector"), Type: optional.Draw(t, "type"),
	}
}

// byCedar decides as the spec has it and no faster: all policies, read from their text, with every entity written out.
func byCedar(t *rapid.T, p *Policy, q Question, to party.Code, approved bool) (cedar.Decision, []string) {
	list, err := cedar.NewPolicyListFromBytes("all.cedar", p.Cedar())
	if err != nil {
		t.Fatal(err)
	}
	all := cedar.NewPolicySet()
	reserved := p.reserved(&q, to)
	for i, one := range list {
		// spec: AGR-10
		if one.Effect() == cedar.Permit && slices.Contains(reserved, string(one.Annotations()["article"])) {
			continue
		}
		all.Add(cedar.PolicyID(strings.Repeat("0", 3-len(itoa(i)))+itoa(i)), one)
	}
	entities := cedar.EntityMap{}
	for _, c := range append(slices.Clone(someCodes), to, q.From) {
		e := cedar.Entity{UID: cedar.NewEntityUID("Party", cedar.String(c))}
		if c.IsOffice() {
			e.Parents = cedar.NewEntityUIDSet(cedar.NewEntityUID("Party", cedar.String(c.Principal())))
		}
		entities[e.UID] = e
	}
	action := cedar.NewEntityUID("Action", cedar.String(q.Kind))
	entities[action] = cedar.Entity{UID: action, Parents: cedar.NewEntityUIDSet(cedar.NewEntityUID("Action", cedar.String(q.Kind.Desk()+".*")))}
	decision, diagnostic := cedar.Authorize(all, entities, cedar.Request{
		Principal: cedar.NewEntityUID("Party", cedar.String(q.From)), Action: action,
		Resource: cedar.NewEntityUID("Party", cedar.String(to)), Context: q.context(to, approved, everything),
	})
	if len(diagnostic.Errors) > 0 {
		t.Fatalf("%v", diagnostic.Errors)
	}
	var ids []cedar.PolicyID
	for _, r := range diagnostic.Reasons {
		ids = append(ids, r.PolicyID)
	}
	slices.Sort(ids)
	var articles []string
	for _, id := range ids {
		articles = append(articles, string(all.Get(id).Annotations()["article"]))
	}
	return decision, slices.Compact(articles)
}

// The index, the lifted scopes and the entities made on demand change nothing: the outcome is Cedar's on the whole text.
//
// spec: DEC-1, DEC-3, AGR-6
func TestSetIsCedar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := compile(t, drawDocument(t))
		for range 4 {
			q := drawQuestion(t)
			c := p.chooser(&q)
			for _, to := range q.To {
				decision, articles := byCedar(t, p, q, to, true)
				v := c.decide(to)
				if v.Permitted != (decision == cedar.Allow) || !slices.Equal(v.Articles, articles) {
					t.Fatalf("%s → %s: %v %v, Cedar says %v %v\n%s", q.From, to, v.Permitted, v.Articles, decision, articles, p.Cedar())
				}
				// Without approval what is permitted is forbidden by those who ask for it, and by nobody else.
				// spec: DEC-10
				alone, asking := byCedar(t, p, q, to, false)
				if v.Permitted && (alone == cedar.Allow) != (len(v.ApprovalBy) == 0) || len(v.ApprovalBy) > 0 && !slices.Equal(v.ApprovalBy, asking) {
					t.Fatalf("%s → %s: approval is asked for by %v, Cedar says %v %v\n%s", q.From, to, v.ApprovalBy, alone, asking, p.Cedar())
				}
			}
		}
	})
}

// spec: AGR-3, DEC-1
func TestExplanationAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := compile(t, drawDocument(t))
		q := drawQuestion(t)
		for _, to := range q.To {
			v := p.chooser(&q).decide(to)
			var permitting, forbidding []string
			for _, e := range p.set.entries {
				if failed, _ := e.rule.failing(&q, to); failed != 0 || e.rule.Effect == Approve {
					continue
				} else if e.rule.Effect == Permit && slices.Contains(p.reserved(&q, to), e.article) {
					continue
				} else if e.rule.Effect == Permit {
					permitting = append(permitting, e.article)
				} else {
					forbidding = append(forbidding, e.article)
				}
			}
			permitting, forbidding = slices.Compact(permitting), slices.Compact(forbidding)
			switch {
			case len(forbidding) > 0:
				if v.Permitted || !slices.Equal(v.Articles, forbidding) || len(v.Nearest) > 0 {
					t.Fatalf("forbidden by %v, but %+v", forbidding, v)
				}
			case len(permitting) > 0:
				if !v.Permitted || !slices.Equal(v.Articles, permitting) || len(v.Nearest) > 0 {
					t.Fatalf("permitted by %v, but %+v", permitting, v)
				}
			default:
				if v.Permitted || len(v.Articles) > 0 || len(v.Nearest) > 3 || !strings.HasPrefix(v.Reason, "No article permits") {
					t.Fatalf("nothing matches, but %+v", v)
				}
			}
			for _, n := range v.Nearest {
				article := strings.Fields(n)[1]
				if !slices.ContainsFunc(p.set.entries, func(e entry) bool { return e.article == article && e.rule.Effect == Permit }) {
					t.Fatalf("the nearest permits nothing: %s", n)
				}
			}
		}
	})
}

// Each condition by itself: Go's reading, on which explanations rest, is Cedar's.
//
// spec: AGR-3
func TestEachCondition(t *testing.T) {
	t.Parallel()
	for c := onKinds; c <= lastCondition; c <<= 1 {
		t.Run(itoa(int(c)), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				r := Rule{Effect: rapid.SampledFrom([]Effect{Permit, Forbid, Approve}).Draw(t, "effect")}
				full := rapid.Custom(drawRule).Filter(func(r Rule) bool { _, present := r.failing(&Question{}, ""); return present&c != 0 }).Draw(t, "rule")
				// The one condition is taken over by its name.
				name := map[condition]string{
					onKinds: "Kinds", onFrom: "From", onTo: "To", onTLPMax: "TLPMax", onTLPMin: "TLPMin", onPAPMax: "PAPMax", onPersonalData: "PersonalData",
					onPrecedence: "Precedence", onTracks: "Tracks", onExercise: "Exercise", onPurposes: "Purposes", onSectors: "Sectors", onTypes: "Types",
					onHandling: "Handling", onWithout: "Without", onBodyMax: "BodyMax", onRetainMax: "RetainMax", onPerDay: "PerDay",
				}[c]
				reflect.ValueOf(&r).Elem().FieldByName(name).Set(reflect.ValueOf(full).FieldByName(name))
				rules := []Rule{r}
				if r.Effect != Permit {
					rules = append(rules, Rule{Effect: Permit})
				}
				d := threeParties(Article{Number: "1", Rules: rules})
				p := unchecked(t, d)
				r = *d.resolve(&r)
				q := drawHead(t)
				q.Today = map[party.Code]int64{q.To[0]: rapid.Int64Range(0, 6).Draw(t, "today")}
				failed, present := r.failing(&q, q.To[0])
				if present != c || failed&^c != 0 {
					t.Fatalf("present %b, failed %b, want %b", present, failed, c)
				}
				decision, _ := byCedar(t, p, q, q.To[0], false)
				if holds := failed == 0; (decision == cedar.Allow) != (holds == (r.Effect == Permit)) {
					t.Fatalf("%s: holds %v, Cedar: %v\n%s", r.Effect, holds, decision, p.Cedar())
				}
				// What is remembered of one question answers no other.
				for range 8 {
					q = vary(q, drawQuestion(t), c)
					if personalLacks(&q) != "" {
						continue
					}
					if got, want := p.Decide(q).Per[0], p.decideOne(p.chooser(&q), q.To[0]); !reflect.DeepEqual(got, want) {
						t.Fatalf("%+v\nwant %+v", got, want)
					}
				}
				if r.limit(c) == "" || q.actual(c, q.To[0]) == "" {
					t.Fatal("a condition without words")
				}
			})
		})
	}
}

// vary takes over from other what condition c looks at.
func vary(q, other Question, c condition) Question {
	switch c {
	case onKinds:
		q.Kind = other.Kind
	case onFrom:
		q.From = other.From
	case onTo:
		q.To = other.To
	case onTLPMax, onTLPMin:
		q.Marking.TLP = other.Marking.TLP
	case onPAPMax:
		q.Marking.PAP = other.Marking.PAP
	case onPersonalData:
		q.Marking.PersonalData = other.Marking.PersonalData
	case onPrecedence:
		q.Precedence = other.Precedence
	case onTracks:
		q.Track = other.Track
	case onExercise:
		q.Exercise = other.Exercise
	case onPurposes:
		q.Purpose = other.Purpose
	case onSectors:
		q.Sector = other.Sector
	case onTypes:
		q.Type = other.Type
	case onHandling, onWithout:
		q.Marking.Handling = other.Marking.Handling
	case onRetainMax:
		q.Marking.RetainUntil = other.Marking.RetainUntil
	case onPerDay:
		q.Today = map[party.Code]int64{q.To[0]: other.Today[other.To[0]]}
	case onBodyMax:
		q.BodyBytes = other.BodyBytes
	}
	return q
}

// What Cedar cannot evaluate, and leaves out, permits nothing here.
//
// spec: DEC-1
func TestErrorDenies(t *testing.T) {
	t.Parallel()
	list := must(cedar.NewPolicyListFromBytes("odd.cedar", []byte(
		`permit (principal, action, resource); forbid (principal, action, resource) when { context.absent == 1 };`)))
	s := newSet([]entry{{id: "0", article: "1", label: "Art. 1", policy: list[0]}, {id: "1", article: "2", label: "Art. 2", policy: list[1]}})
	q := asking()
	if v := s.chooser(&q).decide("XB"); v.Permitted || v.Reason != "A policy could not be evaluated, so nothing is permitted." {
		t.Errorf("%+v", v)
	}
}

// To forbid never permits, whoever the forbidding article names.
//
// spec: DEC-1, DEC-2
func TestForbidNeverPermits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		r := drawRule(t)
		r.Effect = Forbid
		stricter := unchecked(t, d, Article{Number: "forbid", Title: Text{"en": "T"}, Text: Text{"en": "T"}, Rules: []Rule{r}})
		q := drawQuestion(t)
		before, after := compile(t, d).Decide(q), stricter.Decide(q)
		if after.Permitted && !before.Permitted {
			t.Fatalf("one more forbidding article permits: %+v, before %+v", after, before)
		}
		for i := range q.To {
			failed, _ := d.resolve(&r).failing(&q, q.To[i])
			if after.Per[i].Permitted && failed == 0 {
				t.Fatalf("forbid does not win: %+v", after.Per[i])
			}
		}
	})
}

// spec: DEC-1
func TestDenyByDefault(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		for i := range d.Articles {
			d.Articles[i].Rules = slices.DeleteFunc(d.Articles[i].Rules, func(r Rule) bool { return r.Effect == Permit })
		}
		if v := compile(t, d).Decide(drawQuestion(t)); v.Permitted {
			t.Fatalf("without any permitting rule: %+v", v)
		}
	})
}

// With several recipients each is decided as if it were alone, and all must be permitted.
//
// spec: DEC-1
func TestEveryRecipient(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, q := compile(t, drawDocument(t)), drawQuestion(t)
		if personalLacks(&q) != "" {
			return // is denied as a whole, and only when every recipient is permitted
		}
		v, all := p.Decide(q), true
		for i, to := range q.To {
			alone := q
			alone.To = []party.Code{to}
			w := p.Decide(alone)
			all = all && w.Permitted
			if w.Permitted != v.Per[i].Permitted || w.Reason != v.Per[i].Reason {
				t.Fatalf("%s alone: %+v, with others: %+v", to, w, v.Per[i])
			}
		}
		if v.Permitted != all {
			t.Fatalf("%+v", v)
		}
	})
}

// spec: AGR-3, ENC-6
func TestOffices(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[CodePattern]string{
		"XA":          "XA",
		"XA.*":        "XA XA.cert XA.cert.soc",
		"XA.cert":     "XA.cert",
		"XA.cert.soc": "XA.cert.soc",
	} {
		for _, patterns := range [][]CodePattern{{pattern}, {pattern, "XC"}} {
			author := compileOne(t, Rule{Effect: Permit, From: patterns, To: []CodePattern{"XB"}})
			reader := compileOne(t, Rule{Effect: Permit, From: []CodePattern{"XB"}, To: patterns})
			var authors, readers []string
			for _, c := range someCodes {
				if c == "XC" || c == "XB" {
					continue
				}
				if author.Decide(ask(from(c), to("XB"))).Permitted {
					authors = append(authors, string(c))
				}
				if reader.Decide(ask(from("XB"), to(c))).Permitted {
					readers = append(readers, string(c))
				}
			}
			if got := strings.Join(authors, " "); got != want {
				t.Errorf("from %v: %s", patterns, got)
			}
			if got := strings.Join(readers, " "); got != want {
				t.Errorf("to %v: %s", patterns, got)
			}
		}
	}
	// An office may do only what it was named for.
	// spec: DEC-2
	p := compileOne(t, Rule{Effect: Permit, To: []CodePattern{"XA.cert", "XB"}})
	if p.Decide(ask(from("XA.cert"))).Permitted {
		t.Error("an office that is named as a recipient may write")
	}
	if !p.Decide(ask(from("XB"), to("XA.cert"))).Permitted {
		t.Error("an office that is named as a recipient is none")
	}
	if p := compileOne(t, Rule{Effect: Forbid, From: []CodePattern{"XA.*"}}, Rule{Effect: Permit}); p.Decide(ask(from("XA.cert"))).Clause != "DEC-2" {
		t.Error("a forbidding rule makes an office a party")
	}
	office := Document{
		V: 1, Title: Text{"en": "T"}, Parties: []party.Code{"XA.cert", "XB"}, Languages: []string{"en"}, InForce: InForce{When: "all"},
		Articles: []Article{{Number: "1", Title: Text{"en": "T"}, Text: Text{"en": "T"}, Rules: []Rule{{Effect: Permit}}}},
	}
	if p := must(Compile(&office)); !p.Decide(ask(from("XA.cert"))).Permitted || p.Decide(ask()).Permitted {
		t.Error("an office that is a party itself does not stand for its principal")
	}
}

func compileOne(t *testing.T, rules ...Rule) *Policy {
	t.Helper()
	p, err := Compile(&Document{
		V: 1, Title: Text{"en": "T"}, Parties: []party.Code{"XA", "XB", "XC"}, Languages: []string{"en"}, InForce: InForce{When: "all"},
		Articles: []Article{{Number: "1", Title: Text{"en": "T"}, Text: Text{"en": "T"}, Rules: rules}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// spec: DEC-6
func TestClockNeverShorter(t *testing.T) {
	t.Parallel()
	p := compiled(t, "assistance")
	rapid.Check(t, func(t *rapid.T) {
		q := asking()
		q.Precedence = rapid.SampledFrom(statement.Precedences()).Draw(t, "precedence")
		ack, answer, _, _ := p.Clocks(q.Precedence)
		q.Clock = &thread.Limit{
			Acknowledge: ack + rapid.Int64Range(-2, 2).Draw(t, "acknowledge"), Answer: answer + rapid.Int64Range(-2, 2).Draw(t, "answer"),
		}
		v := p.Decide(q)
		if fits := q.Clock.Acknowledge >= ack && q.Clock.Answer >= answer; v.Permitted != fits || !fits && v.Per[0].Permitted {
			t.Fatalf("%+v: %+v", q.Clock, v)
		}
	})
}

// What was remembered is what would be decided, for any size and time.
//
// spec: DEC-1
func TestMemo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		warm, q := compile(t, d), drawQuestion(t)
		for range 8 {
			q.BodyBytes = rapid.Int64Range(0, 30).Draw(t, "bytes")
			q.Time = q.Time.Add(1e9)
			if rapid.Bool().Draw(t, "other") {
				other := drawQuestion(t)
				q.Marking, q.Purpose, q.From = other.Marking, other.Purpose, other.From
				q.Today, q.Reserved, q.Joined = other.Today, other.Reserved, other.Joined
			}
			got, again, want := warm.Decide(q), warm.Decide(q), compile(t, d).Decide(q)
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(again, want) {
				t.Fatalf("%+v\n%+v\nwant %+v", got, again, want)
			}
		}
	})
	p := compileOne(t, Rule{Effect: Permit})
	q := asking()
	for i := range memoSize + 2 {
		if q.Purpose = itoa(i); !p.Decide(q).Permitted {
			t.Fatal("denied")
		}
	}
	if n := len(p.memo.seen); n > memoSize {
		t.Errorf("%d answers are kept", n)
	}
}
