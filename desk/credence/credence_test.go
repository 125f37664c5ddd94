package credence

import (
	"testing"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
	"github.com/comity-exchange/comity/wire"
)

func TestOffices(t *testing.T) {
	t.Parallel()
	// spec: LTR-10
	letter := wire.Digest{1}
	for name, c := range map[string]struct {
		from, office party.Code
		digest       wire.Digest
		void         thread.Reason
	}{
		"an own office":     {"XA", "XA.cert", letter, ""},
		"another's":         {"XB", "XA.cert", letter, thread.BadFacts},
		"a party":           {"XA", "XA", letter, thread.BadFacts},
		"an office's":       {"XA.cert", "XA.cert.ops", letter, thread.BadFacts},
		"without a letter":  {"XA", "XA.cert", wire.Digest{}, thread.BadFacts},
		"to be told nobody": {"XA", "XA.mfa", letter, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := threadtest.NewTalk(t, Desk{})
			h := k.Open(c.from, nil, KindOffice, party.OfficeFacts{Office: c.office, Letter: c.digest})
			if got := k.Void(h); got != c.void {
				t.Errorf("void %q, want %q", got, c.void)
			}
		})
	}
}

// TestLogOrder: what a principal's log introduces is what is left of it in the order of the log.
func TestLogOrder(t *testing.T) {
	t.Parallel()
	// spec: LTR-10
	offices := party.Offices{}
	say := func(h func(k *threadtest.Talk)) {
		k := threadtest.NewTalk(t, Desk{})
		h(k)
		if err := Apply(offices, k.Heads[0]); err != nil {
			t.Fatal(err)
		}
	}
	introduce := func(d wire.Digest) func(*threadtest.Talk) {
		return func(k *threadtest.Talk) {
			k.Open("XA", nil, KindOffice, party.OfficeFacts{Office: "XA.cert", Letter: d})
		}
	}
	withdraw := func(k *threadtest.Talk) {
		k.Open("XA", nil, KindWithdraw, party.WithdrawOfficeFacts{Office: "XA.cert"})
		if s := k.Summary(); s.Status != Withdrawn || !s.Closed {
			t.Errorf("%+v", s)
		}
	}
	old, next := wire.Digest{1}, wire.Digest{2}
	for i, step := range []struct {
		say    func(*threadtest.Talk)
		stands wire.Digest
	}{{introduce(old), old}, {introduce(next), next}, {withdraw, wire.Digest{}}, {introduce(old), old}} {
		say(step.say)
		if offices["XA.cert"] != step.stands {
			t.Errorf("step %d: %s stands", i, offices["XA.cert"])
		}
	}
}
