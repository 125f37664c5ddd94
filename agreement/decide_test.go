package agreement

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// reread parses the policies' text and gives them back as Cedar has them.
func reread(tb testing.TB, p *Policy) cedar.PolicyList {
	tb.Helper()
	list, err := cedar.NewPolicyListFromBytes("again.cedar", p.Cedar())
	if err != nil {
		tb.Fatalf("the text of the policies is no Cedar: %v", err)
	}
	if len(list) != len(p.set.entries) {
		tb.Fatalf("%d policies, and %d in the text", len(p.set.entries), len(list))
	}
	return list
}

type change func(*Question)

func ask(changes ...change) Question {
	q := asking()
	for _, c := range changes {
		c(&q)
	}
	return q
}

func from(c party.Code) change       { return func(q *Question) { q.From = c } }
func to(c ...party.Code) change      { return func(q *Question) { q.To = c } }
func kind(k statement.Kind) change   { return func(q *Question) { q.Kind = k } }
func tlp(t marking.TLP) change       { return func(q *Question) { q.Marking.TLP = t } }
func pap(p marking.PAP) change       { return func(q *Question) { q.Marking.PAP = p } }
func track(t statement.Track) change { return func(q *Question) { q.Track = t } }
func exercise(q *Question)           { q.Exercise = true }
func purpose(s string) change        { return func(q *Question) { q.Purpose = s } }
func sector(s string) change         { return func(q *Question) { q.Sector = s } }
func grounds(s ...string) change     { return func(q *Question) { q.Grounds = s } }
func bytes64(n int64) change         { return func(q *Question) { q.BodyBytes = n } }
func personal(p marking.PersonalData) change {
	return func(q *Question) { q.Marking.PersonalData = p }
}
func precedence(p statement.Precedence) change { return func(q *Question) { q.Precedence = p } }
func clocked(ack, answer int64) change {
	return func(q *Question) { q.Clock = &thread.Limit{Acknowledge: ack, Answer: answer} }
}

// spec: DEC-1, DEC-2, DEC-6, AGR-3, AGR-4, AGR-5
func TestDecide(t *testing.T) {
	t.Parallel()
	bilateral, three := compiled(t, "assistance"), compiled(t, "three-parties")
	for name, c := range map[string]struct {
		p        *Policy
		q        Question
		permit   bool
		clause   string
		articles string
		reason   string
	}{
		"request":                {bilateral, ask(), true, "DEC-1", "2", "Art. 2 permits it."},
		"answer":                 {bilateral, ask(from("XB"), to("XA"), kind("assist.grant"), purpose("")), true, "DEC-1", "2", "Art. 2 permits it."},
		"office named by a star": {bilateral, ask(from("XA.mfa"), to("XB.cert")), true, "DEC-1", "2", "Art. 2 permits it."},
		"office of an office":    {bilateral, ask(from("XA.mfa.crisis")), true, "DEC-1", "2", "Art. 2 permits it."},
		"too red": {bilateral, ask(tlp(marking.Red)), false, "DEC-1", "",
			"No article permits it. Art. 2 would permit it up to TLP:AMBER+STRICT; this is TLP:RED. " +
				"Art. 3 would permit it on the diplomatic or leadership track; this is on the technical track."},
		"two conditions": {bilateral, ask(tlp(marking.Red), personal(marking.PersonalAllowed), precedence(statement.Routine)), false, "DEC-1", "",
			"No article permits it. Art. 2 would permit it up to TLP:AMBER+STRICT and with personal data at most minimised; this is TLP:RED and with personal data that is not minimised. " +
				"Art. 3 would permit it at flash or immediate precedence and on the diplomatic or leadership track; this is routine and on the technical track."},
		"no purpose": {bilateral, ask(purpose("")), false, "DEC-1", "",
			"No article permits it. Art. 2 would permit it for the purpose incident-response, prevention or recovery; this is without a purpose."},
		"red between capitals": {bilateral, ask(tlp(marking.Red), track(statement.Leadership)), false, "DEC-1", "5", "Art. 5 forbids it on the leadership track and under the handling code H1."},
		"red by diplomats":     {bilateral, ask(tlp(marking.Red), track(statement.Diplomatic)), true, "DEC-1", "3", "Art. 3 permits it."},
		"red by an office": {bilateral, ask(tlp(marking.Red), track(statement.Diplomatic), from("XA.mfa")), false, "DEC-1", "",
			"No article permits it. Art. 2 would permit it up to TLP:AMBER+STRICT; this is TLP:RED."},
		"red in an exercise": {bilateral, ask(tlp(marking.Red), track(statement.Diplomatic), exercise), false, "DEC-1", "",
			"No article permits it. Art. 2 would permit it up to TLP:AMBER+STRICT; this is TLP:RED. Art. 3 would permit it outside exercises; this is an exercise."},
		"intelligence": {bilateral, ask(kind("intel.share"), from("XA.cert"), to("XB.cert"), bytes64(67108864)), true, "DEC-1", "4", "Art. 4 permits it."},
		"too much of it": {bilateral, ask(kind("intel.share"), from("XA.cert"), to("XB.cert"), bytes64(67108865)), false, "DEC-1", "",
			"No article permits it. Art. 4 would permit it up to 67,108,864 bytes; this is 67,108,865 bytes."},
		"intelligence of the party itself": {bilateral, ask(kind("intel.share"), to("XB.cert"), pap(marking.PAPRed)), false, "DEC-1", "",
			"No article permits it. Art. 4 would permit it from XA.cert or XB.cert and up to PAP:AMBER; this is from XA and PAP:RED."},
		"a kind of which nothing is said":          {bilateral, ask(kind("operation.join")), false, "DEC-1", "", "No article permits operation.join."},
		"stranger writes":                          {bilateral, ask(from("XC")), false, "DEC-2", "", "XC is no party of this agreement."},
		"stranger is written to":                   {bilateral, ask(to("XC")), false, "DEC-2", "", "XC is no party of this agreement."},
		"office that no rule names":                {three, ask(from("XA.cert")), false, "DEC-2", "", "XA.cert is no party of this agreement, and no permitting article names it as an office that writes."},
		"office that only a forbidding rule names": {three, ask(from("XB"), to("XC.mfa"), kind("assist.request")), true, "DEC-1", "1", "Art. 1 permits it."},
		"clock kept":                               {bilateral, ask(clocked(14400, 259200)), true, "DEC-1", "2", "Art. 2 permits it."},
		"clock longer":                             {bilateral, ask(clocked(14401, 999999)), true, "DEC-1", "2", "Art. 2 permits it."},
		"clock shorter":                            {bilateral, ask(clocked(14400, 3600)), false, "DEC-6", "6", "Art. 6 gives 3 days to answer at immediate precedence; this gives 1 hour."},
		"acknowledgement shorter":                  {bilateral, ask(clocked(90, 259200)), false, "DEC-6", "6", "Art. 6 gives 4 hours to acknowledge at immediate precedence; this gives 90 seconds."},
		"grounds on the list":                      {bilateral, ask(kind("assist.refuse"), grounds("security", "other")), true, "DEC-1", "2", "Art. 2 permits it."},
		"grounds off the list": {bilateral, ask(kind("assist.refuse"), grounds("security", "inconvenient")), false, "DEC-6", "",
			"A refusal under this agreement rests on one of: essential-interests, not-available, ongoing-case, public-order, security, sovereignty, other."},
		"any grounds without a list": {three, ask(kind("assist.refuse"), grounds("inconvenient")), true, "DEC-1", "1", "Art. 1 permits it."},
		"all recipients":             {three, ask(to("XB", "XC")), true, "DEC-1", "1", "Art. 1 permits it."},
		"one recipient forbidden": {three, ask(to("XB", "XC"), personal(marking.PersonalMinimised)), false, "DEC-1", "3",
			"To XC: Art. 3 forbids it with personal data, even minimised."},
		"one recipient not permitted": {three, ask(to("XB", "XC"), sector("energy"), tlp(marking.Red)), false, "DEC-1", "",
			"To XC: No article permits it. Art. 1 would permit it up to TLP:AMBER; this is TLP:RED."},
		"two articles": {three, ask(sector("energy")), true, "DEC-1", "1 2", "Art. 1 and Art. 2 permit it."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := c.p.Decide(c.q)
			if v.Permitted != c.permit || v.Clause != c.clause || strings.Join(v.Articles, " ") != c.articles || v.Reason != c.reason {
				t.Errorf("permitted %v, %s, articles %v:\n%s\nwant %v, %s, %s:\n%s", v.Permitted, v.Clause, v.Articles, v.Reason, c.permit, c.clause, c.articles, c.reason)
			}
			for i, r := range v.Per {
				if r.To != c.q.To[i] || r.Reason == "" || r.Clause == "" {
					t.Errorf("recipient %d: %+v", i, r)
				}
			}
		})
	}
}

// spec: CHR-1, CHR-2, DEC-5
func TestCharter(t *testing.T) {
	t.Parallel()
	p := Charter()
	for _, k := range []statement.Kind{"credence.office", "instrument.sign", "receipt.refused", "thread.admit", "recall.ask", "fork.evidence"} {
		q := ask(kind(k), tlp(marking.Red), pap(marking.PAPRed), personal(marking.PersonalAllowed), from("XA.cert"), to("XZ"), bytes64(1<<20))
		if v := p.Decide(q); !v.Permitted || len(v.Articles) != 1 {
			t.Errorf("%s: %+v", k, v)
		}
		q.BodyBytes++ // what needs no agreement stays small; receipts have no body at all
		if v := p.Decide(q); v.Permitted != (k.Desk() == "receipt") {
			t.Errorf("%s with more than a mebibyte: %+v", k, v)
		}
	}
	v := p.Decide(ask())
	if v.Permitted || v.Reason != "Without an agreement assist.request is not permitted." {
		t.Errorf("%+v", v)
	}
	if v := p.Decide(ask(kind("receipt.retrieved"))); v.Reason != "The charter (receipts) permits it." || v.Articles[0] != "charter-3" {
		t.Errorf("%+v", v)
	}
	if _, _, _, ok := p.Clocks(statement.Flash); ok || p.Grounds() != nil {
		t.Error("the charter sets clocks or grounds")
	}
	for _, e := range p.set.entries {
		if e.policy.Effect() == cedar.Forbid {
			t.Error("the charter forbids")
		}
	}
	for _, p := range []*Policy{Charter(), compiled(t, "assistance")} {
		if v := p.Decide(ask(to(), from("XZ"), kind("operation.note"), tlp(marking.Red))); !v.Permitted || v.Clause != "CHR-2" {
			t.Errorf("a local record: %+v", v)
		}
	}
	h := &statement.Head{Kind: "receipt.refused", Agreement: &statement.AgreementRef{}}
	admit := &statement.Head{Kind: "thread.admit", Agreement: &statement.AgreementRef{}}
	asks := &statement.Head{Kind: "assist.request", Agreement: &statement.AgreementRef{}}
	bare := &statement.Head{Kind: "assist.request"}
	if !ByCharter(h) || !ByCharter(admit) || ByCharter(asks) || !ByCharter(bare) {
		t.Error("what the charter decides is not what DEC-2 and DEC-5 say")
	}
}

// spec: AGR-4, AGR-5
func TestClocksAndGrounds(t *testing.T) {
	t.Parallel()
	p := compiled(t, "assistance")
	if ack, answer, article, ok := p.Clocks(statement.Flash); !ok || ack != 3600 || answer != 28800 || article != "6" {
		t.Errorf("flash: %d %d %s %v", ack, answer, article, ok)
	}
	if g := p.Grounds(); len(g) != 7 || g[6] != "other" {
		t.Errorf("%v", g)
	}
	if g := compiled(t, "three-parties").Grounds(); g != nil {
		t.Errorf("%v", g)
	}
}

// spec: DEC-3, DEC-6
func TestAsk(t *testing.T) {
	t.Parallel()
	head := func(facts string) *statement.Head {
		return must(statement.Compose(statement.Head{
			Nonce: "AAAAAAAAAAAAAAAAAAAAAA", From: "XA.cert", To: []party.Code{"XB", "XC"}, Kind: "assist.request",
			Marking: marking.Marking{TLP: marking.Green, PAP: marking.PAPAmber, Handling: []string{"H2"}, PersonalData: marking.PersonalMinimised},
			Track:   statement.Diplomatic, Precedence: statement.Priority, Exercise: true, Time: must(statement.ParseTime("2026-11-21T08:00:00.123Z")),
			By: statement.By{Role: "duty-officer"}, Facts: jsontext.Value(facts),
			Body: &statement.BodyRef{Size: 100, Blobs: 1, BlobBytes: 900},
		}))
	}
	q := must(Ask(head(`{"type":"analysis","purpose":"recovery","sector":"energy","clock":{"acknowledge":60,"answer":600},"grounds":["a","b"],"more":1}`)))
	want := Question{
		From: "XA.cert", To: []party.Code{"XB", "XC"}, Kind: "assist.request",
		Marking: marking.Marking{TLP: marking.Green, PAP: marking.PAPAmber, Handling: []string{"H2"}, PersonalData: marking.PersonalMinimised},
		Track:   statement.Diplomatic, Precedence: statement.Priority, Exercise: true, Time: must(statement.ParseTime("2026-11-21T08:00:00.123Z")),
		Role: "duty-officer", BodyBytes: 1000, Type: "analysis", Purpose: "recovery", Sector: "energy",
		Clock: &thread.Limit{Acknowledge: 60, Answer: 600}, Grounds: []string{"a", "b"},
	}
	if !reflect.DeepEqual(q, want) {
		t.Errorf("%+v", q)
	}
	for facts, holds := range map[string]func(Question) bool{
		`{}`:                       func(q Question) bool { return q.Purpose == "" && q.Clock == nil && q.Grounds == nil },
		`{"purpose":["recovery"]}`: func(q Question) bool { return q.Purpose == "" },
		`{"type":3,"sector":""}`:   func(q Question) bool { return q.Type == "" && q.Sector == "" },
		`{"clock":"soon"}`:         func(q Question) bool { return q.Clock != nil && *q.Clock == thread.Limit{} },
		`{"clock":{"answer":600}}`: func(q Question) bool { return q.Clock.Acknowledge == 0 && q.Clock.Answer == 600 },
		`{"clock":{"answer":"600","acknowledge":600}}`: func(q Question) bool { return *q.Clock == thread.Limit{} },
		`{"grounds":"security"}`:                       func(q Question) bool { return len(q.Grounds) == 1 && q.Grounds[0] == "" },
		`{"grounds":["security",1]}`:                   func(q Question) bool { return len(q.Grounds) == 1 && q.Grounds[0] == "" },
	} {
		if q := must(Ask(head(facts))); !holds(q) {
			t.Errorf("%s: %+v", facts, q)
		}
	}
	// An ill-formed clock or ground opens nothing.
	// spec: DEC-6
	p := compiled(t, "assistance")
	for _, facts := range []string{`{"purpose":"recovery","clock":"soon"}`, `{"purpose":"recovery","grounds":"because"}`} {
		q := must(Ask(head(facts)))
		q.To, q.Marking.PersonalData = q.To[:1], marking.PersonalNone
		if v := p.Decide(q); v.Permitted || v.Clause != "DEC-6" {
			t.Errorf("%s: %+v", facts, v)
		}
	}
	if _, err := Ask(&statement.Head{Facts: jsontext.Value(`[1,2,3]`)}); err == nil {
		t.Error("facts that are a list make a question")
	}
}

// spec: DEC-7
func TestCaveats(t *testing.T) {
	t.Parallel()
	known := Vocabulary{Kinds: []statement.Kind{"assist.request", "assist.grant", "intel.share"}}
	c, err := CompileCaveats("caveats.cedar", []byte(`
@caveat("night") @about("nobody is on duty for it")
forbid (principal, action in Action::"intel.*", resource) when { context.precedence == "routine" };
forbid (principal, action == Action::"assist.request", resource in Party::"XC") when { context has sector && context.sector == "energy" };
forbid (principal, action, resource) when { context.body_bytes * 9223372036854775807 > 1 };
`), known)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		q      Question
		permit bool
		reason string
	}{
		"nothing to hold back":  {ask(bytes64(0)), true, "No caveat forbids it."},
		"held back":             {ask(kind("intel.share"), precedence(statement.Routine), bytes64(0)), false, "The caveat night (nobody is on duty for it) forbids it."},
		"an office of XC":       {ask(to("XB", "XC.cert"), sector("energy"), bytes64(0)), false, "To XC.cert: The caveat caveats.cedar, line 4 forbids it."},
		"cannot be evaluated":   {ask(bytes64(2)), false, "A caveat could not be evaluated, so it forbids."},
		"nothing leaves at all": {ask(to()), true, "A local record needs no permission."},
	} {
		if v := c.Decide(x.q); v.Permitted != x.permit || v.Reason != x.reason {
			t.Errorf("%s: %+v", name, v)
		}
	}
	for name, x := range map[string]struct{ src, says string }{
		"permit":          {`permit (principal, action, resource);`, "line 1: a caveat can only forbid"},
		"no Cedar":        {`forbid everything`, "not Cedar"},
		"unknown kind":    {`forbid (principal, action == Action::"asist.request", resource);`, "asist.request"},
		"unknown desk":    {`forbid (principal, action in Action::"drill.*", resource);`, "drill"},
		"unknown member":  {`forbid (principal, action, resource) when { context.colour == "red" };`, "colour"},
		"wrong type":      {`forbid (principal, action, resource) when { context.tlp == "RED" };`, "fit the vocabulary"},
		"optional member": {`forbid (principal, action, resource) when { context.purpose == "x" };`, "purpose"},
		"unknown entity":  {`forbid (principal == User::"eve", action, resource);`, "User"},
	} {
		_, err := CompileCaveats("caveats.cedar", []byte(x.src), known)
		if err == nil || !strings.Contains(err.Error(), x.says) || !strings.Contains(err.Error(), "DEC-7") {
			t.Errorf("%s: %v", name, err)
		}
	}
	empty := must(CompileCaveats("empty.cedar", nil, known))
	if v := empty.Decide(ask()); !v.Permitted {
		t.Errorf("no caveats at all: %+v", v)
	}
}
