package fedtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
)

// finding is what the doctor of a party says of one thing.
func (p *Party) finding(check string) (found node.Finding) {
	p.F.T.Helper()
	all, err := p.Doctor(p.F.T.Context())
	p.F.must(err)
	for _, f := range all {
		if f.Check == check {
			return f
		}
	}
	p.F.T.Fatalf("%s: the doctor does not look at %s", p.Code, check)
	return found
}

// says wants the doctor to find the clock so bad, in words that hold all of these.
func (p *Party) says(want node.Health, words ...string) {
	p.F.T.Helper()
	f := p.finding("clock")
	if f.Health != want || (f.Do == "") != (want == node.Good) {
		p.F.T.Errorf("%s: the doctor finds the clock %s, want %s: %+v", p.Code, f.Health, want, f)
	}
	for _, w := range words {
		if !strings.Contains(f.Says+f.Do, w) {
			p.F.T.Errorf("%s: the doctor does not speak of %q: %+v", p.Code, w, f)
		}
	}
}

// refuses wants a party to say nothing because of its clock.
func (p *Party) refuses(agreed agreement.ID, to party.Code) {
	p.F.T.Helper()
	before := p.LogSize()
	_, err := p.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: agreed, To: []party.Code{to}}, assist.Request{Type: assist.Information})
	// spec: LOG-7
	if fault.CodeOf(err) != fault.Clock || fault.ClauseOf(err) != "LOG-7" || !strings.Contains(fault.Show(err), "clock") || p.LogSize() != before {
		p.F.T.Errorf("%s: %v", p.Code, err)
	}
}

// disputed waits until delivery from p to a peer fails because of the time.
func (p *Party) disputed(peer party.Code) {
	p.F.T.Helper()
	p.Until("a dispute with "+string(peer)+" about the time", func() bool { return p.queue(peer).LastCode == string(fault.Clock) })
}

// XC's clock is three hours ahead and is set right after it has spoken: XA and XB do not notice among themselves, every doctor names the clock, XC says and takes nothing until its log's time has
// come, and then all that waited goes through.
func TestClockOfOneAhead(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	agreed := f.Agree(Pact("XA", "XB", "XC"), "XA")
	f.Quiet()
	xc.says(node.Good)
	xc.Skew(3 * time.Hour)
	early := xc.Ask(agreed, exchange.Draft{Text: "From the future."}, "XA", "XB")
	// spec: LOG-10
	for _, p := range []*Party{xa, xb} {
		xc.disputed(p.Code)
	}
	xc.says(node.Bad, "XA", "XB", "this one", "right")
	f.honest()
	xa.says(node.Good)
	waits := xa.Ask(agreed, exchange.Draft{Text: "For you both."}, "XB", "XC") // XC takes it, and nobody takes XC's receipt
	xb.Has(waits.ID)
	xc.Has(waits.ID)
	xa.disputed("XC")
	xa.says(node.Warning, "XC", "source of time")

	xc.Skew(0) // right again, and its log is ahead of it
	xc.refuses(agreed, "XA")
	xc.says(node.Bad, "own log", "2026-03-02 11:00:00", "recovery key")
	late := xa.Ask(agreed, exchange.Draft{Text: "Meanwhile."}, "XB", "XC")
	xb.Has(late.ID)
	if r := xb.said(late.ID).Refused; len(r) > 0 {
		t.Errorf("XB refuses what XA says: %v", r)
	}
	xa.Until("XC to turn it away for its time", func() bool {
		q := xa.queue("XC")
		return q.LastCode == string(fault.Clock) && strings.Contains(q.LastError, "LOG-7")
	})
	xa.Until("the receipt of XB", func() bool { q := xa.queue("XB"); return q.Waiting == 0 && q.Attempts == 0 })
	if xc.here(late.ID) {
		t.Error("XC took it, and cannot have receipted it")
	}
	f.Clock.Pass(3 * time.Hour)
	f.kick()
	for _, p := range []*Party{xa, xb} {
		p.Has(early.ID)
	}
	xc.Has(late.ID)
	for _, s := range []saying{{xa, nil, waits}, {xa, nil, late}, {xc, nil, early}, {xc, nil, xc.Ask(agreed, exchange.Draft{Text: "All is well."}, "XA", "XB")}} {
		s.by.Delivered(s.ID)
		if r := s.by.said(s.ID).Refused; len(r) > 0 {
			t.Errorf("what %s said is refused: %v", s.by.Code, r)
		}
	}
	f.Quiet()
	for _, p := range []*Party{xa, xb, xc} {
		p.says(node.Good)
	}
}

// XB's clock is three hours behind: it says nothing and takes nothing, both doctors name the clock, and once it is right everything goes on at once.
func TestClockOfOneBehind(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	agreed := f.Agree(Pact("XA", "XB", "XC"), "XA")
	f.Quiet()
	xb.Skew(-3 * time.Hour)
	xb.refuses(agreed, "XA")
	asked := xa.Ask(agreed, exchange.Draft{Text: "Please look."}, "XB", "XC")
	xc.Has(asked.ID)
	// spec: LOG-10
	xa.disputed("XB")
	if xb.here(asked.ID) {
		t.Error("it was taken")
	}
	xb.says(node.Bad, "3h0m0s behind", "right")
	xa.says(node.Warning, "XB", "source of time")
	xa.Has(xc.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{}).ID)
	f.Clock.Pass(time.Hour)
	if q := xa.queue("XB"); q.Waiting != 1 || q.Lag < time.Hour {
		t.Errorf("the queue of XB: %+v", q)
	}
	xb.Skew(0)
	f.kick()
	xb.Has(asked.ID)
	xb.says(node.Good)
	xa.Has(xb.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{}).ID)
	xa.Delivered(asked.ID)
	f.Quiet()
	for _, p := range []*Party{xa, xc} {
		p.says(node.Good)
		if p.State(asked.ID) != xb.State(asked.ID) {
			t.Errorf("states differ:\n%s\n%s", p.State(asked.ID), xb.State(asked.ID))
		}
	}
}

// XB's clock jumps to and fro, by seconds and by hours, while all three speak. What it refuses, it refuses for its clock alone; XA and XC go on; and when real time has caught up
// with all that XB has dated ahead, nothing is missing.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds(1, 2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			f := New(t, "XA", "XB", "XC")
			a := &acting{f: f, r: rand.New(rand.NewPCG(seed, 3)), agreed: f.Agree(Pact("XA", "XB", "XC"), "XA"), parties: []*Party{f.At("XA"), f.At("XB"), f.At("XC")}}
			xb := f.At("XB")
			jumps := []time.Duration{-2 * time.Hour, -2 * time.Minute, -30 * time.Second, 0, 4 * time.Minute, 2 * time.Hour}
			refused := 0
			for _, i := range a.r.Perm(len(jumps)) {
				xb.Skew(jumps[i])
				said, err := xb.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: a.agreed, To: []party.Code{"XA", "XC"}}, assist.Request{Type: assist.Information})
				if fault.CodeOf(err) == fault.Clock && fault.ClauseOf(err) == "LOG-7" {
					refused++
				} else if f.must(err); err == nil {
					a.said = append(a.said, saying{xb, []party.Code{"XA", "XC"}, said})
				}
				for _, pair := range [][2]party.Code{{"XA", "XC"}, {"XC", "XA"}} {
					one, other := f.At(pair[0]), f.At(pair[1])
					said := one.Ask(a.agreed, exchange.Draft{Text: "We go on."}, "XB", pair[1])
					other.Has(said.ID)
					one.Until("a receipt", func() bool { return one.queue(pair[1]).Waiting == 0 })
					a.said = append(a.said, saying{one, []party.Code{"XB", pair[1]}, said})
				}
				f.Clock.Pass(10 * time.Second)
			}
			if refused == 0 || refused == len(jumps) {
				t.Errorf("XB said nothing %d times of %d", refused, len(jumps))
			}
			xb.Skew(0)
			f.Clock.Pass(3 * time.Hour)
			f.kick()
			a.settled()
			for _, p := range a.parties {
				p.says(node.Good)
			}
			for _, s := range a.said {
				if r := s.by.said(s.ID).Refused; len(r) > 0 {
					t.Errorf("what %s said is refused: %v", s.by.Code, r)
				}
			}
		})
	}
}
