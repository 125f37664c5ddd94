package fedtest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Two halves of a federation go on without each other, in threads that both have, and are one again afterwards.
func TestPartition(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC", "XD")
	a := &acting{f: f, r: rand.New(rand.NewPCG(7, 7)), agreed: f.Agree(Pact("XA", "XB", "XC", "XD"), "XA")}
	for _, code := range []party.Code{"XA", "XB", "XC", "XD"} {
		a.parties = append(a.parties, f.At(code))
	}
	asked := f.At("XA").Ask(a.agreed, exchange.Draft{Text: "Who can help?"}, "XB", "XC", "XD")
	a.said = append(a.said, saying{f.At("XA"), []party.Code{"XB", "XC", "XD"}, asked})
	f.At("XA").Delivered(asked.ID)
	f.Quiet()
	these, those := []party.Code{"XA", "XB"}, []party.Code{"XC", "XD"}
	f.Part(these, those)
	for _, p := range a.parties { // all four answer, and each half hears of its own alone
		for range 2 {
			a.reply(p, a.said[0])
		}
	}
	across := a.open(f.At("XC"), exchange.Draft{Precedence: statement.Flash, Text: "From the other side."})
	f.Clock.Pass(30 * time.Second)
	for _, s := range a.said[1:] {
		for _, to := range s.to {
			if (s.by.Code == "XA" || s.by.Code == "XB") == (to == "XA" || to == "XB") {
				f.At(to).Has(s.ID)
			} else if f.At(to).here(s.ID) {
				t.Errorf("what %s said reached %s over cut links", s.by.Code, to)
			}
		}
	}
	if a, c := f.At("XA").State(asked.ID), f.At("XC").State(asked.ID); a == c {
		t.Error("the halves agree: they have not been apart")
	}
	f.Join(these, those)
	f.At("XC").Delivered(across.ID)
	a.settled()
}

// XB takes what it is sent and never answers; XC is gone. What XA says to XD and XE goes through all the same, and their queues never grow older; nor is
// anything lost of what XB and XC are owed.
func TestSlowAndDeadPeers(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC", "XD", "XE")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	agreed := f.Agree(Pact("XA", "XB", "XC", "XD", "XE"), "XA")
	f.Quiet()
	answers := make(chan struct{})
	f.Net.Strike(func(p Passage) Fate {
		if p.To == "XB" {
			return Fate{HoldAnswer: answers}
		}
		return Fate{}
	})
	xc.Stop()
	healthy := []party.Code{"XD", "XE"}
	all := append([]party.Code{"XB", "XC"}, healthy...)
	stuck := xa.Ask(agreed, exchange.Draft{Text: "To the slow and the dead.", Blobs: []exchange.Attachment{attachment("a", 1<<20, 1)}}, "XB", "XC")
	xa.Until("a request that waits for its answer", func() bool { return f.Net.Held("XA", "XB") > 0 })
	xa.Until("a failed attempt", func() bool { return xa.queue("XC").Attempts > 0 })
	f.Clock.Pass(20 * time.Second) // and never a whole minute, in which everybody would cosign everybody else's log
	for range 2 {
		said := xa.Ask(agreed, exchange.Draft{Text: "To everybody."}, all...)
		for _, code := range healthy {
			f.At(code).Has(said.ID)
			xa.Until("a receipt of "+string(code), func() bool { return xa.queue(code).Waiting == 0 })
		}
		f.Clock.Pass(10 * time.Second)
		// spec: NET-4
		for _, code := range healthy {
			if q := xa.queue(code); q.Waiting > 0 || q.Lag > 0 || q.Attempts > 0 {
				t.Errorf("the queue of %s beside a slow and a dead one: %+v", code, q)
			}
		}
		for _, code := range all[:2] {
			if q := xa.queue(code); q.Waiting == 0 || q.Lag < 30*time.Second {
				t.Errorf("%s has receipted without having answered: %+v", code, q)
			}
		}
		if f.Net.Held("XA", "XB") != 1 {
			t.Errorf("%d requests wait for XB at once", f.Net.Held("XA", "XB"))
		}
	}
	asked := xa.Ask(agreed, exchange.Draft{Text: "And you?"}, healthy...)
	f.At("XD").Has(asked.ID)
	xa.Has(f.At("XD").Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{}).ID)
	f.Net.Calm()
	close(answers)
	xc.Start(xc.Dir)
	xa.Courier.Kick("XC")
	for _, p := range []*Party{xb, xc} {
		p.wholeBlobs(stuck.ID, 1)
	}
	xa.Delivered(stuck.ID)
	f.Quiet()
	for _, code := range all {
		if q := xa.queue(code); q.Waiting > 0 {
			t.Errorf("%+v", q)
		}
	}
}

// A disk image is on its way when a flash message is said: it is in the very next packet, and the image waits.
func TestFlashOvertakesAnAttachment(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet()
	second, fourth := make(chan struct{}), make(chan struct{})
	first := -1
	f.Net.Strike(func(p Passage) Fate { // one at a time from XA to XB; fate is asked under the network's lock
		if p.From != "XA" {
			return Fate{}
		}
		if first < 0 {
			first = p.N
		}
		switch p.N - first {
		case 0: // head and body: the image begins once they are receipted
			return Fate{}
		case 1:
			return Fate{HoldAnswer: second}
		case 2:
			return Fate{}
		}
		return Fate{Hold: fourth}
	})
	image := xa.Ask(agreed, exchange.Draft{Precedence: statement.Routine, Text: "An image.", Blobs: []exchange.Attachment{attachment("disk.img", 9<<20, 4)}}, "XB")
	xb.Has(image.ID)
	xa.Until("a part of the image on its way", func() bool { return f.Net.Held("XA", "XB") == 1 })
	flash := xa.Ask(agreed, exchange.Draft{Precedence: statement.Flash, Text: "Now."}, "XB")
	close(second)
	xb.Has(flash.ID)
	xa.Delivered(flash.ID)
	xa.Until("the packet behind it", func() bool { return f.Net.Held("XA", "XB") == 1 })
	f.must(xb.Store.View(t.Context(), func(tx store.Tx) error {
		c, err := tx.Content(store.ContentRef{Statement: image.ID})
		if err == nil && (c.Whole || c.Arrived == 0) {
			t.Errorf("of the image %d bytes are here, whole: %v", c.Arrived, c.Whole)
		}
		return err
	}))
	close(fourth)
	if got := xb.wholeBlobs(image.ID, 1); len(got) != 9<<20 {
		t.Errorf("%d bytes", len(got))
	}
	xa.Until("a receipt for the image", func() bool { return !xa.said(image.ID).Delivered[0].Blobs.IsZero() })
}
