package recall

import (
	"slices"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

var one, two = statement.ID{1}, statement.ID{2}

// ask lets XA recall two statements from XB and XC, within an hour.
func ask(t *testing.T) *threadtest.Talk {
	t.Helper()
	k := threadtest.NewTalk(t, Desk{})
	k.Open("XA", []party.Code{"XB", "XC"}, KindAsk, Ask{Of: []statement.ID{one, two}, Reason: WrongRecipient, Within: 3600})
	return k
}

func erased(k *threadtest.Talk, by party.Code, ids ...statement.ID) *statement.Head {
	return k.Say(by, thread.KindRecalled, thread.Recalled{IDs: ids, Erased: true})
}

// lines is what the parties have answered, in the order of Read.
func lines(t *testing.T, k *threadtest.Talk) (out []Outcome) {
	t.Helper()
	r, ok := Read(k.Fold().State)
	if !ok || r.By != "XA" || !slices.Equal(r.Of, []statement.ID{one, two}) {
		t.Fatalf("%v %+v", ok, r)
	}
	for _, l := range r.Lines {
		if (l.Outcome == Pending) != l.Head.IsZero() || (l.Outcome == Kept) != (l.Ground != "") {
			t.Errorf("%+v", l)
		}
		out = append(out, l.Outcome)
	}
	return out
}

// TestAnswers walks through RCL-3, RCL-4 and RCL-6: what was said, the answers of XB and XC for both statements, the status, and who owes one.
func TestAnswers(t *testing.T) {
	t.Parallel()
	// spec: RCL-3, RCL-4, RCL-6
	k := ask(t)
	step := func(status string, owing int, want ...Outcome) {
		t.Helper()
		sum := k.Summary()
		if got := lines(t, k); !slices.Equal(got, want) || sum.Status != status || len(sum.Clocks) != owing || sum.Closed != (status != StatusAsked) || len(sum.Asks) > 0 {
			t.Errorf("%v, %+v; want %v, %s, %d owing", got, sum, want, status, owing)
		}
	}
	step(StatusAsked, 2, "", "", "", "")
	erased(k, "XB", one)
	step(StatusAsked, 2, Erased, "", "", "")
	k.Say("XB", KindKeep, Keep{[]statement.ID{two}, LegalDuty})
	step(StatusAsked, 1, Erased, Kept, "", "")
	for name, h := range map[string]*statement.Head{
		"kept after it was erased": k.Say("XB", KindKeep, Keep{[]statement.ID{one}, LegalDuty}),
		"kept a second time":       k.Say("XB", KindKeep, Keep{[]statement.ID{two}, Proceedings}),
		"kept, of another recall":  k.Say("XC", KindKeep, Keep{[]statement.ID{one, {3}}, Proceedings}),
		"kept by who recalls":      k.Say("XA", KindKeep, Keep{[]statement.ID{one}, Proceedings}),
	} {
		if got := k.Void(h); got != thread.NotAdmissible {
			t.Errorf("%s: void %q", name, got)
		}
	}
	erased(k, "XA", one, two) // its own copies: nobody asked for that
	erased(k, "XC", statement.ID{3}, two, one)
	step(StatusAnswered, 0, Erased, Kept, Erased, Erased)
	erased(k, "XB", two)
	step(StatusConfirmed, 0, Erased, Erased, Erased, Erased)
	first, _ := Read(k.Fold().State)
	erased(k, "XB", two)
	if again, _ := Read(k.Fold().State); again.Lines[1] != first.Lines[1] {
		t.Error("a second receipt took the place of the first")
	}
}

func TestMoves(t *testing.T) {
	t.Parallel()
	// spec: RCL-1, RCL-3
	k := ask(t)
	if a, b := k.Can("XA"), k.Can("XB"); len(a) != 0 || !slices.Equal(b, []statement.Kind{KindKeep}) {
		t.Errorf("%v %v", a, b)
	}
	erased(k, "XB", one, two)
	if b := k.Can("XB"); len(b) != 0 {
		t.Errorf("%v", b)
	}
	if h := k.Say("XA", KindAsk, Ask{Of: []statement.ID{one}, Reason: Incorrect}); k.Void(h) != thread.NotAdmissible {
		t.Errorf("a recall inside a recall: void %q", k.Void(h))
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	// spec: RCL-2, RCL-3
	var many []statement.ID
	for i := range MaxOf + 1 {
		many = append(many, statement.ID{byte(i), 1})
	}
	for name, c := range map[string]struct {
		f    Ask
		to   []party.Code
		void thread.Reason
	}{
		"all that it can name": {Ask{Of: many[1:], Reason: OtherReason, Within: MaxWithin}, []party.Code{"XB"}, ""},
		"nothing":              {Ask{Of: []statement.ID{}, Reason: Incorrect}, []party.Code{"XB"}, thread.BadFacts},
		"too much":             {Ask{Of: many, Reason: Incorrect}, []party.Code{"XB"}, thread.BadFacts},
		"twice":                {Ask{Of: []statement.ID{one, two, one}, Reason: Incorrect}, []party.Code{"XB"}, thread.BadFacts},
		"no reason":            {Ask{Of: []statement.ID{one}}, []party.Code{"XB"}, thread.BadFacts},
		"a reason of its own":  {Ask{Of: []statement.ID{one}, Reason: "embarrassing"}, []party.Code{"XB"}, thread.BadFacts},
		"of nobody":            {Ask{Of: []statement.ID{one}, Reason: Incorrect}, nil, thread.BadFacts},
		"in the past":          {Ask{Of: []statement.ID{one}, Reason: Incorrect, Within: -1}, []party.Code{"XB"}, thread.BadFacts},
		"in more than a year":  {Ask{Of: []statement.ID{one}, Reason: Incorrect, Within: MaxWithin + 1}, []party.Code{"XB"}, thread.BadFacts},
	} {
		k := threadtest.NewTalk(t, Desk{})
		if got := k.Void(k.Open("XA", c.to, KindAsk, c.f)); got != c.void {
			t.Errorf("%s: void %q, want %q", name, got, c.void)
		}
	}
	k := ask(t)
	for name, f := range map[string]Keep{
		"nothing": {[]statement.ID{}, LegalDuty}, "twice": {[]statement.ID{one, one}, LegalDuty}, "no ground": {[]statement.ID{one}, ""},
		"a ground of its own": {[]statement.ID{one}, "curiosity"},
	} {
		if got := k.Void(k.Say("XB", KindKeep, f)); got != thread.BadFacts {
			t.Errorf("%s: void %q", name, got)
		}
	}
}

func TestOtherNeedsAText(t *testing.T) {
	t.Parallel()
	// spec: RCL-5
	k := threadtest.NewTalk(t, Desk{})
	asked := k.Open("XA", []party.Code{"XB"}, KindAsk, Ask{Of: []statement.ID{one}, Reason: OtherReason})
	kept := k.Say("XB", KindKeep, Keep{[]statement.ID{one}, OtherGround})
	plain := ask(t).Heads[0]
	for _, h := range []*statement.Head{asked, kept} {
		for _, b := range []*statement.Body{nil, {Text: " \n"}} {
			if err := (Desk{}).CheckBody(h, b); fault.ClauseOf(err) != "RCL-5" {
				t.Errorf("%s without a text: %v", h.Kind, err)
			}
		}
		if err := (Desk{}).CheckBody(h, &statement.Body{Text: "An old draft."}); err != nil {
			t.Error(err)
		}
	}
	if err := (Desk{}).CheckBody(plain, nil); err != nil {
		t.Error(err)
	}
}
