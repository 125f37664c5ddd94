package instrument

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

var text = statement.Sum([]byte(`{"v":1}`))

func suite() threadtest.Suite {
	return threadtest.Suite{
		Desk: Desk{}, Opens: KindDeposit,
		Open:  func(*rapid.T) any { return Deposit{Digest: text, Parties: []party.Code{"XC", "XA", "XB"}} },
		Facts: func(*rapid.T, thread.State, party.Code, statement.Kind, time.Time) any { return Sign{Digest: text} },
	}
}

func TestDesk(t *testing.T) {
	t.Parallel()
	suite().Test(t)
}

func FuzzDesk(f *testing.F) { suite().Fuzz(f) }

// deposit begins the making of an agreement between XA, XB and XC.
func deposit(t *testing.T) *threadtest.Talk {
	t.Helper()
	k := threadtest.NewTalk(t, Desk{})
	k.Open("XA", []party.Code{"XB", "XC"}, KindDeposit, Deposit{Digest: text, Parties: []party.Code{"XA", "XB", "XC"}})
	return k
}

func TestInForceWithTheLastSignature(t *testing.T) {
	t.Parallel()
	// spec: AGR-7, AGR-8
	k := deposit(t)
	late := k.Now.Add(time.Hour)
	k.Say("XB", KindSign, Sign{text}, func(d *statement.Head) { d.Time = statement.TimeOf(late) })
	k.Say("XA", KindSign, Sign{text})
	if _, _, ok := InForce(k.Fold().State); ok {
		t.Fatal("in force without XC's signature")
	}
	if got := k.Summary(); got.Status != OpenForSignature || got.Closed {
		t.Fatalf("summary %+v", got)
	}
	k.Say("XC", KindSign, Sign{text})
	from, digest, ok := InForce(k.Fold().State)
	if !ok || digest != text || from != statement.TimeOf(late) {
		t.Fatalf("in force %v from %v under %v; the latest signature counts, in whichever order they came", ok, from, digest)
	}
	if got := k.Summary(); got.Status != StatusInForce || !got.Closed {
		t.Fatalf("summary %+v", got)
	}
}

func TestFirstSignatureCounts(t *testing.T) {
	t.Parallel()
	// spec: AGR-8
	k := deposit(t)
	first := k.Say("XB", KindSign, Sign{text})
	again := k.Say("XB", KindSign, Sign{text})
	k.Say("XA", KindSign, Sign{text})
	last := k.Say("XC", KindSign, Sign{text})
	if k.Void(first) != "" || k.Void(again) != thread.NotAdmissible {
		t.Fatalf("first %q, second %q", k.Void(first), k.Void(again))
	}
	if from, _, _ := InForce(k.Fold().State); from != last.Time {
		t.Fatalf("in force from %v, want %v", from, last.Time)
	}
}

func TestWhatDoesNotSign(t *testing.T) {
	t.Parallel()
	// spec: AGR-7
	tests := []struct {
		name string
		say  func(*threadtest.Talk) *statement.Head
		want thread.Reason
	}{
		{"another document", func(k *threadtest.Talk) *statement.Head { return k.Say("XB", KindSign, Sign{statement.Digest{9}}) }, thread.NotAdmissible},
		{"no digest", func(k *threadtest.Talk) *statement.Head { return k.Say("XB", KindSign, struct{}{}) }, thread.NotAdmissible},
		{"more facts than the kind has", func(k *threadtest.Talk) *statement.Head {
			return k.Say("XB", KindSign, map[string]any{"digest": text, "proxy": "XC"})
		}, thread.BadFacts},
		{"a party that was only admitted", func(k *threadtest.Talk) *statement.Head {
			k.Say("XA", thread.KindAdmit, thread.Admitted{Party: "XD", Heads: []statement.ID{k.Heads[0].ID}})
			return k.Say("XD", KindSign, Sign{text})
		}, thread.NotAdmissible},
		{"a second deposit in the thread", func(k *threadtest.Talk) *statement.Head {
			return k.Say("XA", KindDeposit, Deposit{Digest: text, Parties: []party.Code{"XA", "XB", "XC"}})
		}, thread.NotAdmissible},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := deposit(t)
			if got := k.Void(tt.say(k)); got != tt.want {
				t.Fatalf("void %q, want %q", got, tt.want)
			}
			if got := k.Can("XB"); !slices.Equal(got, []statement.Kind{KindSign}) {
				t.Fatalf("XB can %v", got)
			}
		})
	}
}

func TestBadDeposits(t *testing.T) {
	t.Parallel()
	// spec: AGR-7
	tests := []struct {
		name  string
		facts any
	}{
		{"a party that it does not go to", Deposit{text, []party.Code{"XA", "XB", "XC", "XD"}}},
		{"a recipient that is no party", Deposit{text, []party.Code{"XA", "XB"}}},
		{"a party twice", Deposit{text, []party.Code{"XA", "XB", "XC", "XC"}}},
		{"without its author", Deposit{text, []party.Code{"XB", "XC", "XD"}}},
		{"no digest", map[string]any{"parties": []party.Code{"XA", "XB", "XC"}}},
		{"no parties", map[string]any{"digest": text}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := threadtest.NewTalk(t, Desk{})
			opener := k.Open("XA", []party.Code{"XB", "XC"}, KindDeposit, tt.facts)
			if got := k.Void(opener); got != thread.BadFacts {
				t.Fatalf("void %q", got)
			}
			if sign := k.Say("XB", KindSign, Sign{text}); k.Void(sign) != thread.NotAdmissible || k.Can("XA") != nil {
				t.Fatal("a thread that never came to be was signed")
			}
			if _, _, ok := InForce(k.Fold().State); ok {
				t.Fatal("in force")
			}
		})
	}
}
