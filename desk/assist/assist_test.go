package assist

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

const day = 24 * time.Hour

// ask lets XA ask XB, with clocks of an hour and a day.
func ask(t *testing.T) *threadtest.Talk {
	t.Helper()
	k := threadtest.NewTalk(t, Desk{})
	k.Open("XA", []party.Code{"XB"}, KindRequest, Request{Type: Preservation, Clock: &thread.Limit{Acknowledge: 3600, Answer: 86400}})
	return k
}

// outcome is XB's line of the ledger.
func outcome(k *threadtest.Talk) thread.Ask { return k.Summary().Asks[0] }

func in(k *threadtest.Talk, d time.Duration) statement.Time { return statement.TimeOf(k.Now.Add(d)) }

// TestStatus walks through AST-4: what was said so far, and the status that it gives.
func TestStatus(t *testing.T) {
	t.Parallel()
	// spec: AST-4, AST-5
	type talk = *threadtest.Talk
	acknowledge := func(k talk) { k.Say("XB", KindAcknowledge, Acknowledge{}) }
	clarify := func(k talk) { k.Say("XB", KindClarify, Clarify{[]string{"scope"}}) }
	supplement := func(k talk) { k.Say("XA", KindSupplement, Supplement{}) }
	postpone := func(k talk) { k.Say("XB", KindPostpone, Postpone{"workload", in(k, 7*day)}) }
	part := func(k talk) { k.Say("XB", KindGrant, Grant{Extent: Part}) }
	full := func(k talk) { k.Say("XB", KindGrant, Grant{Extent: Full}) }
	offerPart := func(k talk) { k.Say("XB", KindGrant, Grant{Extent: Part, Conditions: []string{"confidential"}}) }
	offerFull := func(k talk) { k.Say("XB", KindGrant, Grant{Extent: Full, Conditions: []string{"confidential"}}) }
	accept := func(k talk) { k.Say("XA", KindAccept, Accept{k.Heads[len(k.Heads)-1].ID}) }
	refuse := func(k talk) { k.Say("XB", KindRefuse, Refuse{[]string{"sovereignty"}}) }
	withdraw := func(k talk) { k.Say("XA", KindWithdraw, Withdraw{"resolved"}) }
	byRule := func(k talk) {
		k.Say("XB", thread.KindRefused, thread.Refused{ID: k.Heads[0].ID, Clause: "DEC-1", Reason: "agreement", Articles: []string{"4"}})
	}
	tests := []struct {
		name   string
		said   []func(talk)
		status Status
		closed bool
	}{
		{"asked", nil, Open, false},
		{"acknowledged", []func(talk){acknowledge}, Acknowledged, false},
		{"a question", []func(talk){clarify}, ClarificationAsked, false},
		{"a question answered", []func(talk){clarify, supplement}, Open, false},
		{"two questions answered at once", []func(talk){acknowledge, clarify, clarify, supplement}, Acknowledged, false},
		{"a question after a postponement, answered", []func(talk){postpone, clarify, supplement}, Postponed, false},
		{"a supplement that nobody asked for", []func(talk){acknowledge, supplement}, Acknowledged, false},
		{"postponed", []func(talk){acknowledge, postpone}, Postponed, false},
		{"granted", []func(talk){full}, Granted, true},
		{"granted in part", []func(talk){part}, PartlyGranted, false},
		{"granted in parts", []func(talk){part, part}, PartlyGranted, false},
		{"granted in part, then in full", []func(talk){part, full}, Granted, true},
		{"the rest refused", []func(talk){part, refuse}, PartlyGranted, true},
		{"the rest postponed", []func(talk){part, postpone}, Postponed, false},
		{"the rest postponed, then refused", []func(talk){part, postpone, refuse}, PartlyGranted, true},
		{"conditions wait", []func(talk){offerFull}, GrantedOnConditions, false},
		{"conditions accepted", []func(talk){offerFull, accept}, Granted, true},
		{"conditions accepted, in part", []func(talk){offerPart, accept}, PartlyGranted, false},
		{"an offer replaced", []func(talk){offerFull, offerPart, accept}, PartlyGranted, false},
		{"an offer taken back", []func(talk){offerFull, refuse}, Refused, true},
		{"an offer for the rest taken back", []func(talk){part, offerFull, refuse}, PartlyGranted, true},
		{"refused", []func(talk){acknowledge, refuse}, Refused, true},
		{"refused by rule", []func(talk){byRule}, RefusedByRule, true},
		{"refused by rule after a grant", []func(talk){part, byRule}, PartlyGranted, false},
		{"withdrawn", []func(talk){acknowledge, withdraw}, Withdrawn, true},
		{"withdrawn from an offer", []func(talk){offerFull, withdraw}, Withdrawn, true},
		{"withdrawn, the rest of it", []func(talk){part, withdraw}, Withdrawn, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := ask(t)
			for _, say := range tt.said {
				say(k)
			}
			for i, h := range k.Heads {
				if r := k.Void(h); r != "" {
					t.Fatalf("head %d (%s) is void: %s", i, h.Kind, r)
				}
			}
			sum := k.Summary()
			if sum.Status != string(tt.status) || sum.Asks[0].Outcome != string(tt.status) || sum.Closed != tt.closed {
				t.Fatalf("status %s, outcome %s, closed %v; want %s, %v", sum.Status, sum.Asks[0].Outcome, sum.Closed, tt.status, tt.closed)
			}
		})
	}
}

// TestMoves is the table that drives buttons.
func TestMoves(t *testing.T) {
	t.Parallel()
	// spec: AST-5, AST-7
	tests := []struct {
		name   string
		said   func(*threadtest.Talk)
		xa, xb []statement.Kind
	}{
		{"asked", func(*threadtest.Talk) {},
			[]statement.Kind{KindSupplement, KindWithdraw},
			[]statement.Kind{KindAcknowledge, KindClarify, KindPostpone, KindGrant, KindRefuse}},
		{"acknowledged", func(k *threadtest.Talk) { k.Say("XB", KindAcknowledge, Acknowledge{}) },
			[]statement.Kind{KindSupplement, KindWithdraw},
			[]statement.Kind{KindClarify, KindPostpone, KindGrant, KindRefuse}},
		{"conditions wait", func(k *threadtest.Talk) {
			k.Say("XB", KindGrant, Grant{Extent: Full, Conditions: []string{"confidential"}})
		},
			[]statement.Kind{KindSupplement, KindAccept, KindWithdraw},
			[]statement.Kind{KindGrant, KindRefuse, KindAskUse}},
		{"in part", func(k *threadtest.Talk) { k.Say("XB", KindGrant, Grant{Extent: Part}) },
			[]statement.Kind{KindSupplement, KindWithdraw},
			[]statement.Kind{KindPostpone, KindGrant, KindRefuse, KindAskUse}},
		{"in full", func(k *threadtest.Talk) { k.Say("XB", KindGrant, Grant{Extent: Full}) },
			nil, []statement.Kind{KindAskUse}},
		{"in full, and asked about", func(k *threadtest.Talk) {
			g := k.Say("XB", KindGrant, Grant{Extent: Full})
			k.Say("XB", KindAskUse, AskUse{g.ID})
		}, []statement.Kind{KindReportUse}, []statement.Kind{KindAskUse}},
		{"refused", func(k *threadtest.Talk) { k.Say("XB", KindRefuse, Refuse{[]string{"sovereignty"}}) }, nil, nil},
		{"withdrawn", func(k *threadtest.Talk) { k.Say("XA", KindWithdraw, Withdraw{}) }, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := ask(t)
			tt.said(k)
			if got := k.Can("XA"); !slices.Equal(got, tt.xa) {
				t.Errorf("XA can %v, want %v", got, tt.xa)
			}
			if got := k.Can("XB"); !slices.Equal(got, tt.xb) {
				t.Errorf("XB can %v, want %v", got, tt.xb)
			}
			if got := k.Can("XC"); got != nil {
				t.Errorf("an outsider can %v", got)
			}
		})
	}
}

// TestVoid: what is not admitted, and why.
func TestVoid(t *testing.T) {
	t.Parallel()
	// spec: AST-1, AST-5, AST-6, AST-7
	type talk = *threadtest.Talk
	type head = *statement.Head
	tests := []struct {
		name string
		say  func(talk) head
		want thread.Reason
	}{
		{"the asker answers", func(k talk) head { return k.Say("XA", KindGrant, Grant{Extent: Full}) }, thread.NotAdmissible},
		{"the asked withdraws", func(k talk) head { return k.Say("XB", KindWithdraw, Withdraw{}) }, thread.NotAdmissible},
		{"acknowledged twice", func(k talk) head {
			k.Say("XB", KindAcknowledge, Acknowledge{})
			return k.Say("XB", KindAcknowledge, Acknowledge{})
		}, thread.NotAdmissible},
		{"an answer after the answer", func(k talk) head {
			k.Say("XB", KindRefuse, Refuse{[]string{"sovereignty"}})
			return k.Say("XB", KindGrant, Grant{Extent: Full})
		}, thread.NotAdmissible},
		{"the rest after the rest was refused", func(k talk) head {
			k.Say("XB", KindGrant, Grant{Extent: Part})
			k.Say("XB", KindRefuse, Refuse{[]string{"sovereignty"}})
			return k.Say("XB", KindGrant, Grant{Extent: Part})
		}, thread.NotAdmissible},
		{"a question after a part", func(k talk) head {
			k.Say("XB", KindGrant, Grant{Extent: Part})
			return k.Say("XB", KindClarify, Clarify{[]string{"scope"}})
		}, thread.NotAdmissible},
		{"a withdrawal of what was refused", func(k talk) head {
			k.Say("XB", KindRefuse, Refuse{[]string{"sovereignty"}})
			return k.Say("XA", KindWithdraw, Withdraw{})
		}, thread.NotAdmissible},
		{"conditions that were never made", func(k talk) head {
			g := k.Say("XB", KindGrant, Grant{Extent: Part})
			return k.Say("XA", KindAccept, Accept{g.ID})
		}, thread.NotAdmissible},
		{"conditions that were replaced", func(k talk) head {
			g := k.Say("XB", KindGrant, Grant{Extent: Full, Conditions: []string{"confidential"}})
			k.Say("XB", KindGrant, Grant{Extent: Full, Conditions: []string{"no-other-use"}})
			return k.Say("XA", KindAccept, Accept{g.ID})
		}, thread.NotAdmissible},
		{"a second request in the thread", func(k talk) head { return k.Say("XA", KindRequest, Request{Type: Analysis}) }, thread.NotAdmissible},
		{"use of what is no grant", func(k talk) head {
			k.Say("XB", KindGrant, Grant{Extent: Full})
			return k.Say("XB", KindAskUse, AskUse{k.Heads[0].ID})
		}, thread.NotAdmissible},
		{"a report that nobody asked for", func(k talk) head {
			g := k.Say("XB", KindGrant, Grant{Extent: Full})
			return k.Say("XA", KindReportUse, ReportUse{g.ID, []string{"containment"}})
		}, thread.NotAdmissible},
		{"a postponement into the past", func(k talk) head { return k.Say("XB", KindPostpone, Postpone{"workload", in(k, 0)}) }, thread.BadFacts},
		{"a postponement without a reason", func(k talk) head { return k.Say("XB", KindPostpone, Postpone{"", in(k, day)}) }, thread.BadFacts},
		{"a postponement without a date", func(k talk) head {
			return k.Say("XB", KindPostpone, map[string]string{"reason": "workload"})
		}, thread.BadFacts},
		{"a refusal without a ground", func(k talk) head { return k.Say("XB", KindRefuse, Refuse{}) }, thread.BadFacts},
		{"a refusal with an empty ground", func(k talk) head { return k.Say("XB", KindRefuse, Refuse{[]string{""}}) }, thread.BadFacts},
		{"a grant of no extent", func(k talk) head { return k.Say("XB", KindGrant, Grant{}) }, thread.BadFacts},
		{"a question for nothing", func(k talk) head { return k.Say("XB", KindClarify, Clarify{}) }, thread.BadFacts},
		{"facts that the kind does not have", func(k talk) head {
			return k.Say("XB", KindAcknowledge, map[string]string{"note": "soon"})
		}, thread.BadFacts},
		{"bad facts out of turn", func(k talk) head { return k.Say("XA", KindRefuse, Refuse{}) }, thread.BadFacts},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := ask(t)
			if got := k.Void(tt.say(k)); got != tt.want {
				t.Fatalf("void %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	// spec: AST-2, AST-3, AST-4
	tests := []struct {
		name  string
		to    []party.Code
		facts any
	}{
		{"of no type", []party.Code{"XB"}, Request{}},
		{"of a type that is not listed", []party.Code{"XB"}, Request{Type: "attribution"}},
		{"a clock with one hand", []party.Code{"XB"}, Request{Type: Analysis, Clock: &thread.Limit{Answer: 60}}},
		{"a clock of more than a year", []party.Code{"XB"}, Request{Type: Analysis, Clock: &thread.Limit{Acknowledge: 1, Answer: MaxSeconds + 1}}},
		{"a clock that runs backwards", []party.Code{"XB"}, Request{Type: Analysis, Clock: &thread.Limit{Acknowledge: -1, Answer: 60}}},
		{"of nobody", nil, Request{Type: Analysis}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := threadtest.NewTalk(t, Desk{})
			if got := k.Void(k.Open("XA", tt.to, KindRequest, tt.facts)); got != thread.BadFacts {
				t.Fatalf("void %q", got)
			}
		})
	}
}

// TestEachAnswersForItself: one request to two, and what each makes of it.
func TestEachAnswersForItself(t *testing.T) {
	t.Parallel()
	// spec: AST-4, AST-5
	k := threadtest.NewTalk(t, Desk{})
	k.Open("XA", []party.Code{"XB", "XC"}, KindRequest, Request{Type: Information})
	fromB := k.Say("XB", KindClarify, Clarify{[]string{"scope"}})
	k.Say("XC", KindClarify, Clarify{[]string{"period"}})
	k.Say("XA", KindSupplement, Supplement{For: fromB.ID})
	status := func(want ...Status) {
		t.Helper()
		var got []Status
		for _, a := range k.Summary().Asks {
			got = append(got, Status(a.Outcome))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("XB, XC: %v, want %v", got, want)
		}
	}
	status(Open, ClarificationAsked)
	granted := k.Say("XB", KindGrant, Grant{Extent: Full})
	if sum := k.Summary(); sum.Closed || sum.Status != string(ClarificationAsked) {
		t.Fatalf("the whole is as far as the least settled: %+v", sum)
	}
	k.Say("XA", KindWithdraw, Withdraw{})
	status(Granted, Withdrawn)
	if got := k.Can("XC"); got != nil {
		t.Fatalf("XC gave nothing and can ask %v", got)
	}
	if h := k.Say("XC", KindAskUse, AskUse{granted.ID}); k.Void(h) != thread.NotAdmissible {
		t.Fatal("XC asked about the use of another's grant")
	}
}

// TestAnswerGoesFirst: said at once, the answer comes before the withdrawal, which is then void on both sides. Else an asker could take away, by a
// withdrawal that pretends not to know of it, an answer that it has long had.
func TestAnswerGoesFirst(t *testing.T) {
	t.Parallel()
	// spec: AST-1, THR-3
	k := ask(t)
	opener := k.Heads[0]
	grant := k.Say("XB", KindGrant, Grant{Extent: Full}, threadtest.After(opener))
	withdrawal := k.Say("XA", KindWithdraw, Withdraw{}, threadtest.After(opener))
	if k.Void(grant) != "" || k.Void(withdrawal) != thread.NotAdmissible || outcome(k).Outcome != string(Granted) {
		t.Fatalf("withdrawal %q, grant %q, outcome %s", k.Void(withdrawal), k.Void(grant), outcome(k).Outcome)
	}
}

func TestSummaryIsALineOfTheLedger(t *testing.T) {
	t.Parallel()
	// spec: AST-3, AST-5
	k := ask(t)
	o := k.Heads[0]
	clocks := func(want ...thread.Clock) {
		t.Helper()
		if got := k.Summary().Clocks; !reflect.DeepEqual(got, want) {
			t.Fatalf("clocks %+v, want %+v", got, want)
		}
	}
	answer := thread.Clock{Name: ClockAnswer, Owes: "XB", Of: o.ID, Seconds: 86400}
	clocks(thread.Clock{Name: ClockAcknowledge, Owes: "XB", Of: o.ID, Seconds: 3600}, answer)
	ack := k.Say("XB", KindAcknowledge, Acknowledge{})
	clocks(answer)
	until := in(k, 7*day)
	k.Say("XB", KindPostpone, Postpone{"workload", until})
	answer.Until = until
	clocks(answer)
	part := k.Say("XB", KindGrant, Grant{Extent: Part})
	clocks()
	k.Say("XB", KindGrant, Grant{Extent: Part})
	k.Say("XB", KindRefuse, Refuse{[]string{"sovereignty", Other}})
	want := thread.Ask{
		Request: o.ID, Kind: KindRequest, Asker: "XA", Asked: "XB", Precedence: statement.Priority, Time: o.Time,
		Limit: thread.Limit{Acknowledge: 3600, Answer: 86400}, Acknowledged: ack.Time, Postponed: until,
		Answer: part.ID, Answered: part.Time, Outcome: string(PartlyGranted), Grounds: []string{"sovereignty", Other},
	}
	if got := outcome(k); !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestRefusedByRuleHoldsTheArticles(t *testing.T) {
	t.Parallel()
	// spec: AST-4, RCP-4
	k := ask(t)
	supplement := k.Say("XA", KindSupplement, Supplement{})
	k.Say("XB", thread.KindRefused, thread.Refused{ID: supplement.ID, Clause: "DEC-1", Reason: "agreement"})
	if got := outcome(k).Outcome; got != string(Open) {
		t.Fatalf("a refused supplement made it %s", got)
	}
	refusal := k.Say("XB", thread.KindRefused, thread.Refused{ID: k.Heads[0].ID, Clause: "DEC-1", Reason: "agreement", Articles: []string{"4", "7"}})
	got := outcome(k)
	if got.Outcome != string(RefusedByRule) || got.Answer != refusal.ID || !slices.Equal(got.Grounds, []string{"4", "7"}) {
		t.Fatalf("%+v", got)
	}
}

// TestStateIsBounded: an asked party that never stops granting in part is stopped.
func TestStateIsBounded(t *testing.T) {
	t.Parallel()
	// spec: AST-5
	k := ask(t)
	for range MaxGrants {
		k.Say("XB", KindGrant, Grant{Extent: Part})
	}
	if got := k.Can("XB"); slices.Contains(got, KindGrant) || !slices.Contains(got, KindRefuse) {
		t.Fatalf("XB can %v", got)
	}
	if h := k.Say("XB", KindGrant, Grant{Extent: Part}); k.Void(h) != thread.NotAdmissible {
		t.Fatal("one grant too many counts")
	}
}

// TestOtherNeedsAText holds the author's side to what no fold can see.
func TestOtherNeedsAText(t *testing.T) {
	t.Parallel()
	// spec: AST-6
	k := ask(t)
	until := in(k, day)
	tests := []struct {
		name  string
		kind  statement.Kind
		facts any
		text  string
		ok    bool
	}{
		{"a named ground", KindRefuse, Refuse{[]string{"sovereignty"}}, "", true},
		{"another ground, unsaid", KindRefuse, Refuse{[]string{"sovereignty", Other}}, "", false},
		{"another ground, blank", KindRefuse, Refuse{[]string{Other}}, " \n", false},
		{"another ground, said", KindRefuse, Refuse{[]string{Other}}, "The court has not decided yet.", true},
		{"another reason, unsaid", KindPostpone, Postpone{Other, until}, "", false},
		{"another reason, said", KindPostpone, Postpone{Other, until}, "A public holiday.", true},
		{"a named reason", KindPostpone, Postpone{"workload", until}, "", true},
		{"withdrawn for another reason, unsaid", KindWithdraw, Withdraw{Other}, "", false},
		{"withdrawn for none", KindWithdraw, Withdraw{}, "", true},
		{"a kind without grounds", KindGrant, Grant{Extent: Full}, "", true},
	}
	for _, tt := range tests {
		h := k.Say("XB", tt.kind, tt.facts)
		err := k.Rules.CheckBody(h, &statement.Body{Text: tt.text})
		if (err == nil) != tt.ok || err != nil && (fault.ClauseOf(err) != "AST-6" || fault.CodeOf(err) != fault.Inadmissible) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.text == "" {
			if err := k.Rules.CheckBody(h, nil); (err == nil) != tt.ok {
				t.Errorf("%s, no body: %v", tt.name, err)
			}
		}
	}
}

// TestWords: acknowledging is not agreeing, and a grant concurs with nothing; the buttons say so.
func TestWords(t *testing.T) {
	t.Parallel()
	// spec: AST-8
	k := ask(t)
	for kind, want := range map[statement.Kind]string{
		KindAcknowledge: "Somebody has taken the request in hand; it is not agreed to, nor is anything that it says.",
		KindGrant:       "Gives what was asked, in part or in full, on conditions or without; it concurs with no statement about responsibility.",
	} {
		if spec, ok := k.Rules.Spec(kind); !ok || spec.Means != want {
			t.Errorf("%s means %q", kind, spec.Means)
		}
	}
}
