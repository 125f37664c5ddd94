package fedtest

import (
	"slices"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
)

// One request to two parties: all three hold the same state, byte for byte, and in time each log is witnessed by the others.
func TestThreeParties(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	agreed := f.Agree(Pact("XA", "XB", "XC"), "XB")
	asked := xa.Ask(agreed, exchange.Draft{Text: "Who can help?"}, "XB", "XC")
	xb.Has(asked.ID)
	xc.Has(asked.ID)
	// Both answer at once, and neither has heard of the other's answer.
	f.Cut("XB", "XC")
	one := xb.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindRefuse}, assist.Refuse{Grounds: []string{"no-capacity"}})
	two := xc.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{})
	xa.Has(one.ID)
	xa.Has(two.ID)
	f.Mend("XB", "XC")
	xb.Has(two.ID)
	xc.Has(one.ID)
	grant := xc.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindGrant, Text: "We can."}, assist.Grant{Extent: assist.Full})
	for _, p := range []*Party{xa, xb} {
		p.Has(grant.ID)
	}
	// spec: THR-4
	if a, b, c := xa.State(asked.ID), xb.State(asked.ID), xc.State(asked.ID); a != b || b != c {
		t.Errorf("states differ:\n%s\n%s\n%s", a, b, c)
	}
	f.Quiet()

	// spec: LOG-11
	// Each cosigns the newest that it has when its time has come. XA's last packets to the two may show different checkpoints, so what is left of a round is witnessed before the next begins.
	var asking time.Time
	more := func() {
		if time.Since(asking) < 5*time.Second {
			return
		}
		f.Clock.Pass(2 * time.Minute)
		for _, p := range []*Party{xb, xc} {
			_, err := p.Exchange.Witnessed(t.Context(), "XA")
			f.must(err)
		}
		f.Quiet()
		f.Clock.Pass(2 * time.Minute)
		xa.Delivered(xa.Ask(agreed, exchange.Draft{Text: "And now?"}, "XB", "XC").ID)
		asking = time.Now()
	}
	both := func(p *Party) bool {
		e, err := p.Evidence(t.Context(), asked.ID, true)
		f.must(err)
		r := evidence.Verify(e, nil)
		if !r.OK() {
			t.Fatalf("evidence of %s: %+v", p.Code, r)
		}
		var by []party.Code
		for _, w := range r.Items[0].Witnessed {
			by = append(by, w.Party)
		}
		slices.Sort(by)
		return slices.Equal(by, []party.Code{"XB", "XC"})
	}
	xa.Until("evidence that both have witnessed, at XA and at XB", func() bool {
		more()
		return xa.cosigned("XA/1", asked.Index) >= 2 && both(xa) && both(xb)
	})
	f.Quiet()
}

// cosigned is the greatest number of cosigners of a checkpoint that covers a leaf.
func (p *Party) cosigned(origin party.Origin, index int64) (n int) {
	p.F.T.Helper()
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) error {
		return tx.Checkpoints(origin, index+1, func(c store.Checkpoint) bool {
			n = max(n, c.Cosigs)
			return true
		})
	}))
	return n
}

// An office's letter stands in its State's log, and needs no words until it is withdrawn.
func TestOffice(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "-XA.cert")
	xa, xb, office := f.At("XA"), f.At("XB"), f.At("XA.cert")
	own, err := office.OwnLetter(t.Context())
	f.must(err)
	// spec: LTR-10
	f.must(xb.Exchange.Update(t.Context(), func(tx store.Tx) error { // as if XB had never heard of it
		row, err := tx.Letter("XA.cert")
		if err != nil {
			return err
		}
		row.Status = store.LetterImported
		return tx.PutLetter(row)
	}))
	if v, err := xb.ImportLetter(t.Context(), own.Raw); err != nil || v.Status != store.LetterImported {
		t.Fatalf("nobody vouches yet: %v %s", err, v.Status)
	}
	said := xa.Say(exchange.Draft{Kind: "credence.office", To: []party.Code{"XB"}, Marking: marking.Marking{TLP: marking.Green}},
		party.OfficeFacts{Office: "XA.cert", Letter: own.Digest})
	xb.Has(said.ID)
	if v, err := xb.ImportLetter(t.Context(), own.Raw); err != nil || v.Status != store.LetterConfirmed {
		t.Errorf("its State vouches: %v %s", err, v.Status)
	}
}
