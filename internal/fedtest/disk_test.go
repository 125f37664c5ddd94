package fedtest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/faultdisk"
	"github.com/comity-exchange/comity/internal/store/sqlite"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// onDisk moves the party's store to a disk that does what the test tells it.
func (p *Party) onDisk(seed uint64) *faultdisk.Disk {
	p.F.T.Helper()
	d, err := faultdisk.New(seed)
	p.F.must(err)
	p.F.T.Cleanup(func() {
		p.Stop()
		if err := d.Close(); err != nil {
			p.F.T.Error(err)
		}
	})
	p.Restart(func(o *node.Options) { o.VFS = d.Name() })
	return d
}

// tries asks for assistance in so many words, and gives up when that fails.
func (p *Party) tries(agreed agreement.ID, text string, to party.Code) (exchange.Said, error) {
	p.F.T.Helper()
	return p.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: agreed, To: []party.Code{to}, Text: text}, assist.Request{Type: assist.Information})
}

// words lists the own statements that were said in such words, as an officer does who does not know whether something was said.
func (p *Party) words(text string) (found []statement.ID) {
	p.F.T.Helper()
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) error {
		found = nil
		var failed error
		err := tx.Scan(p.Journal.Origin(), "", 0, func(s store.Statement) bool {
			var body bytes.Buffer
			if failed = tx.Read(store.ContentRef{Statement: s.ID, Part: store.BodyPart}, &body); fault.CodeOf(failed) == fault.NotFound {
				failed = nil // it has none
			}
			if strings.Contains(body.String(), `"`+text+`"`) {
				found = append(found, s.ID)
			}
			return failed == nil
		})
		return errors.Join(err, failed)
	}))
	return found
}

// duo is two parties, XB on a disk of its own, and what they have said to each other.
func duo(t *testing.T, seed uint64) (*acting, *faultdisk.Disk) {
	t.Helper()
	f := New(t, "XA", "XB")
	a := &acting{f: f, agreed: f.Agree(Pact("XA", "XB"), "XA"), parties: []*Party{f.At("XA"), f.At("XB")}}
	f.Quiet()
	return a, f.At("XB").onDisk(seed)
}

// ask has one of the two say something that must succeed.
func (a *acting) ask(p *Party, to party.Code, text string) {
	a.f.T.Helper()
	a.said = append(a.said, saying{p, []party.Code{to}, p.Ask(a.agreed, exchange.Draft{Text: text}, to)})
}

// XB's disk fills up while both speak. XB says so to its officers and to XA, half-writes nothing, and can be read; when there is room again all that waited goes
// through by itself, and what was refused was never said.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	a, disk := duo(t, 1)
	xa, xb := a.f.At("XA"), a.f.At("XB")
	disk.Fill(600 << 10)
	var refused []string
	for i, row := 0, 0; row < 3; i++ { // what is small may fit where something larger did not
		a.ask(xa, "XB", fmt.Sprint("To a disk that fills up ", i))
		text := fmt.Sprint("From a disk that fills up ", i)
		said, err := xb.tries(a.agreed, text, "XA")
		if err == nil {
			a.said = append(a.said, saying{xb, []party.Code{"XA"}, said})
			row = 0
			continue
		}
		row++
		refused = append(refused, text)
		if fault.CodeOf(err) != fault.Unavailable || !strings.HasPrefix(fault.Show(err), "the disk is full") {
			t.Errorf("XB's officer is told: %v", err)
		}
	}
	// spec: NET-4, NET-7
	xa.Until("a refusal by XB", func() bool {
		q := xa.queue("XB")
		return q.LastCode == string(fault.Unavailable) && strings.HasPrefix(q.LastError, "XB does not take it") && q.Waiting > 0
	})
	if r, err := xb.VerifyLog(t.Context()); err != nil || len(r.Problems) > 0 {
		t.Errorf("on a full disk: %v %v", err, r.Problems)
	}
	if n := len(xb.words("From a disk that fills up 0")); n != 1 {
		t.Errorf("XB finds %d of what it said", n)
	}
	disk.Empty()
	a.ask(xb, "XA", "There is room.")
	a.settled()
	for _, text := range refused {
		if n := len(xb.words(text)); n != 0 {
			t.Errorf("%q was refused, and said %d times", text, n)
		}
	}
	if want := len(a.said); want < 10 {
		t.Errorf("only %d were said: the disk was too small", want)
	}
}

// crash takes a party's power away and gives it back.
func (p *Party) crash(d *faultdisk.Disk) {
	p.F.T.Helper()
	p.F.must(d.Cut())
	p.Stop()
	p.F.must(d.On())
	p.Start(p.Dir)
}

// Writes and syncs of both disks fail while both speak, some of them although they happen, and now and then the power goes right after. Whoever is told that nothing was
// written says it again, whoever is told that nobody knows looks first: then everything is said once, and arrives once.
func TestDiskFailures(t *testing.T) {
	t.Parallel()
	a, disk := duo(t, 1)
	disks := []*faultdisk.Disk{a.f.At("XA").onDisk(2), disk}
	r := rand.New(rand.NewPCG(1, 1))
	failed := 0
	for i := range 30 {
		f := faultdisk.Failure{Effect: faultdisk.Write, File: faultdisk.WAL, Nth: 1 + r.IntN(60), Happened: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			f.Effect, f.Nth = faultdisk.Sync, 1+r.IntN(2)
		}
		by, to := a.parties[i%2], a.parties[1-i%2].Code
		disks[r.IntN(2)].Fail(f)
		text := fmt.Sprint("On bad disks ", i)
		for {
			said, err := by.tries(a.agreed, text, to)
			if err != nil {
				if fault.CodeOf(err) != fault.Unavailable {
					t.Errorf("%s is told: %v", by.Code, err)
				}
				if failed++; failed%3 == 0 { // what nobody saw before may be there after a cut
					by.crash(disks[i%2])
				}
				if !store.OutcomeUnknown(err) || len(by.words(text)) == 0 {
					continue
				}
				said = exchange.Said{ID: by.words(text)[0]}
				said.Thread = said.ID
			}
			a.said = append(a.said, saying{by, []party.Code{to}, said})
			break
		}
	}
	if failed < 5 {
		t.Errorf("only %d failed: the disks are too good", failed)
	}
	a.settled()
	for i := range 30 {
		if n := len(a.parties[i%2].words(fmt.Sprint("On bad disks ", i))); n != 1 {
			t.Errorf("%d was said %d times", i, n)
		}
	}
}

// sound opens a stopped party's node, and holds what it finds against what the party has said.
func (p *Party) sound(said []saying) {
	t := p.F.T
	t.Helper()
	n, err := node.Open(t.Context(), p.Dir, p.options)
	p.F.must(err)
	r, err := n.VerifyLog(t.Context())
	if err != nil || len(r.Problems) > 0 {
		t.Errorf("%s: %v %v", p.Code, err, r.Problems)
	}
	p.Node = n
	for _, s := range said {
		if s.by == p && !p.here(s.ID) {
			t.Errorf("what %s said at leaf %d is gone", p.Code, s.Index)
		}
	}
	p.F.must(n.Close())
}

// XB loses power again and again, in the middle of whatever its disk is doing. After each time all that it acknowledged is there, to its officers and to XA, and it
// goes on where it was.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			a, disk := duo(t, seed)
			xa, xb := a.f.At("XA"), a.f.At("XB")
			r := rand.New(rand.NewPCG(seed, 1))
			for cut := range 4 {
				disk.CutAfter(1 + r.Int64N(500))
				for i := 0; !disk.Dark(); i++ {
					a.ask(xa, "XB", fmt.Sprint("Are you there? ", cut, i))
					said, err := xb.tries(a.agreed, fmt.Sprint("We are here. ", cut, i), "XA")
					switch {
					case err == nil:
						a.said = append(a.said, saying{xb, []party.Code{"XA"}, said})
					case !disk.Dark() || fault.CodeOf(err) != fault.Unavailable && fault.CodeOf(err) != fault.Internal:
						t.Errorf("XB is told: %v", err)
					}
				}
				xb.Stop()
				if err := disk.On(); err != nil {
					t.Fatal(err)
				}
				xb.sound(a.said)
				xb.Start(xb.Dir)
			}
			a.settled()
		})
	}
}

// XB's disk lies about what it has written, and loses it when the power goes. XB finds that its store is older than what has left it, signs nothing more, and says so; XA has
// what XB has forgotten, and nobody sees two histories.
func TestLyingDisk(t *testing.T) {
	t.Parallel()
	a, disk := duo(t, 1)
	xa, xb := a.f.At("XA"), a.f.At("XB")
	a.ask(xb, "XA", "While the disk is honest.")
	xa.Has(a.said[0].ID)
	xa.Until("all that XB says of it", func() bool { return xa.queue("XB").Waiting == 0 && xb.queue("XA").Waiting == 0 })
	before := xb.LogSize()
	disk.Lie(true)
	disk.Worst(true)
	a.ask(xb, "XA", "While it lies.")
	xa.Has(a.said[1].ID)
	xb.Delivered(a.said[1].ID)
	f := a.f
	if err := disk.Cut(); err != nil {
		t.Fatal(err)
	}
	xb.Stop()
	f.must(disk.On())
	// spec: LOG-12
	if n, err := node.Open(t.Context(), xb.Dir, xb.options); fault.CodeOf(err) != fault.Behind || fault.ClauseOf(err) != "LOG-12" {
		if err == nil {
			err = n.Close()
		}
		t.Fatalf("XB opens a store that has forgotten what it said: %v", err)
	}
	xb.options.Behind = true
	xb.Start(xb.Dir)
	if xb.here(a.said[1].ID) || !xb.here(a.said[0].ID) || xb.LogSize() > before {
		t.Fatalf("XB has a log of %d, before the lies it had %d: the test is wrong", xb.LogSize(), before)
	}
	if d := xb.finding("high-water mark"); d.Health != node.Bad || !strings.Contains(d.Says, "restored from an older copy") || d.Do == "" {
		t.Errorf("the doctor says: %+v", d)
	}
	size := xb.LogSize()
	if _, err := xb.tries(a.agreed, "Again?", "XA"); fault.CodeOf(err) != fault.Behind {
		t.Errorf("XB's officer is told: %v", err)
	}
	late := xa.Ask(a.agreed, exchange.Draft{Text: "Are you all right?"}, "XB")
	xa.Until("a refusal by XB", func() bool { return xa.queue("XB").LastCode == string(fault.Behind) })
	if xb.LogSize() != size || xb.here(late.ID) {
		t.Errorf("XB has signed: %d, had %d", xb.LogSize(), size)
	}
	if forks := xa.forks(); len(forks) > 0 {
		t.Errorf("XA sees two histories: %+v", forks)
	}
}

// XB's disk lies, and what a power cut leaves of it is left to chance. XB's node does not open on what is left, or finds its log damaged, or has all that it said.
func TestLyingDiskByChance(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			a, disk := duo(t, seed)
			xb := a.f.At("XB")
			disk.Lie(true)
			for i := range 10 {
				a.ask(xb, "XA", fmt.Sprint("While it lies ", i))
				if i == int(3+seed) {
					a.f.must(xb.Store.(*sqlite.DB).Scrub(t.Context())) // writes the file itself, not its log alone
				}
			}
			a.f.must(disk.Cut())
			xb.Stop()
			a.f.must(disk.On())
			n, err := node.Open(t.Context(), xb.Dir, xb.options)
			if err != nil {
				return
			}
			xb.Node = n
			defer n.Close()
			if r, err := n.VerifyLog(t.Context()); err != nil || len(r.Problems) > 0 {
				return
			}
			for i, s := range a.said {
				if got := xb.words(fmt.Sprint("While it lies ", i)); len(got) != 1 || got[0] != s.ID {
					t.Errorf("the node opens and finds nothing wrong, and %d is %v", i, got)
				}
			}
		})
	}
}

// XB's disk takes as long as the test wants for each write. Who asks XB waits, what is for XC does not, XB can be read meanwhile, and in the end nothing is missing.
func TestSlowDisk(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	a := &acting{f: f, agreed: f.Agree(Pact("XA", "XB", "XC"), "XA"), parties: []*Party{xa, xb, xc}}
	f.Quiet()
	disk := xb.onDisk(1)
	gate, stuck := make(chan struct{}), make(chan struct{})
	var once, opened sync.Once
	open := func() { opened.Do(func() { close(gate) }) }
	t.Cleanup(open)
	first := xb.Ask(a.agreed, exchange.Draft{Text: "Before."}, "XA", "XC")
	a.said = append(a.said, saying{xb, []party.Code{"XA", "XC"}, first})
	f.Quiet()
	disk.Slow(func() {
		once.Do(func() { close(stuck) })
		<-gate
	})
	a.ask(xa, "XB", "To the slow one.")
	<-stuck
	for i := range 3 {
		said := xa.Ask(a.agreed, exchange.Draft{Text: fmt.Sprint("To both ", i)}, "XB", "XC")
		a.said = append(a.said, saying{xa, []party.Code{"XB", "XC"}, said})
		a.ask(xc, "XA", fmt.Sprint("From the quick one ", i))
		xc.Has(said.ID)
		xa.Has(a.said[len(a.said)-1].ID)
		xa.Until("a receipt of XC", func() bool { return xa.queue("XC").Waiting == 0 })
		f.Clock.Pass(10 * time.Second)
		// spec: NET-4
		if q := xa.queue("XC"); q.Waiting > 0 || q.Lag > 0 || q.Attempts > 0 {
			t.Errorf("the queue of XC beside a slow one: %+v", q)
		}
		if q := xa.queue("XB"); q.Waiting == 0 || q.Lag < time.Duration(i+1)*10*time.Second {
			t.Errorf("XB has receipted on a disk that stands still: %+v", q)
		}
		if !xb.here(first.ID) || xb.here(said.ID) {
			t.Error("XB cannot be read, or has taken what it cannot have written")
		}
	}
	disk.Slow(nil)
	open()
	f.kick()
	a.settled()
}
