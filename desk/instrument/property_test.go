package instrument

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

// No sequence of statements binds a party to a text that it has not signed, or acceded to, itself; whatever else is said, by whom, in which order.
func TestNobodyIsBoundUnsigned(t *testing.T) {
	t.Parallel()
	// spec: AGR-8, AGR-14
	all := []party.Code{"XA", "XB", "XC", "XD"}
	found := 0
	defer func() {
		if found == 0 {
			t.Error("nobody was ever bound: nothing was tried")
		}
	}()
	rapid.Check(t, func(t *rapid.T) {
		k := threadtest.NewTalk(t, Desk{})
		draw := func(t *rapid.T, n byte) agreement.Terms {
			return terms(n, func(a *agreement.Terms) {
				a.InForce = rapid.SampledFrom([]agreement.InForce{{When: agreement.ByAll}, {When: agreement.ByCount, Count: 2}}).Draw(t, "entry")
				a.Accession = agreement.AccessionOpen
			})
		}
		if rapid.Bool().Draw(t, "deposit") {
			k.Open("XA", []party.Code{"XB", "XC"}, KindDeposit, Deposit{draw(t, 1)})
		} else {
			k.Open("XA", []party.Code{"XB", "XC"}, KindPropose, Propose{Terms: draw(t, 1)})
		}
		for range rapid.IntRange(0, 40).Draw(t, "heads") {
			s := k.Fold().State
			by := rapid.SampledFrom(all).Draw(t, "by")
			kinds := []statement.Kind{thread.KindAdmit}
			for _, m := range k.Rules.Moves(s, by) {
				kinds = append(kinds, m.Kind)
			}
			kind := rapid.SampledFrom(kinds).Draw(t, "kind")
			var facts any = thread.Admitted{Party: "XD", Heads: []statement.ID{s.Thread}}
			if kind != thread.KindAdmit {
				facts = suits(t, s, by, kind, statement.TimeOf(k.Now), draw)
			}
			if facts == nil {
				continue
			}
			k.Now = k.Now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "pause")) * time.Hour)
			k.Say(by, kind, facts)
		}
		found += bound(t, k, all)
	})
}

// bound holds every pair that any text binds against what the two have said.
func bound(t *rapid.T, k *threadtest.Talk, all []party.Code) (found int) {
	f := k.Fold()
	standing, ok := Standing(f.State)
	if !ok {
		return 0
	}
	void := map[statement.ID]bool{}
	for _, p := range f.Placed {
		void[p.ID] = p.Void != ""
	}
	signed := func(code party.Code, digest statement.Digest, at statement.Time) bool {
		return slices.ContainsFunc(k.Heads, func(h *statement.Head) bool {
			if h.From != code || h.Kind != KindSign && h.Kind != KindAccede || void[h.ID] || at.Before(h.Time) {
				return false
			}
			s, err := thread.Facts[Sign](h)
			return err == nil && s.Digest == digest
		})
	}
	for _, at := range []statement.Time{k.Heads[0].Time, statement.TimeOf(k.Now), statement.TimeOf(k.Now.Add(1000 * time.Hour))} {
		for _, a := range all {
			for _, b := range all {
				v, _ := standing.Binds(at, a, b)
				if v == nil {
					continue
				}
				if found++; !signed(a, v.Digest, at) || !signed(b, v.Digest, at) {
					t.Fatalf("%s and %s are bound at %s by a text that they have not both signed", a, b, at)
				}
			}
		}
	}
	return found
}
