package fedtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/delivery"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// queue is how p's queue for a peer stands.
func (p *Party) queue(peer party.Code) (q delivery.Queue) {
	p.F.T.Helper()
	qs, err := p.Courier.Queues(p.F.T.Context())
	p.F.must(err)
	for _, q := range qs {
		if q.Peer == peer {
			return q
		}
	}
	p.F.T.Fatalf("%s has no queue for %s", p.Code, peer)
	return q
}

// here tells whether a statement has arrived.
func (p *Party) here(id statement.ID) bool {
	_, err := p.statement(id)
	return err == nil
}

// attachment is bytes that do not compress.
func attachment(name string, size int, seed uint64) exchange.Attachment {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(b) // never fails
	return exchange.Attachment{Name: name, Type: "application/octet-stream", Data: bytes.NewReader(b)}
}

// wholeBlobs waits until all n attachments of a statement are here, and gives the first.
func (p *Party) wholeBlobs(id statement.ID, n int) []byte {
	p.F.T.Helper()
	for part := range n {
		p.Until("an attachment", func() bool {
			var c store.Content
			err := p.Store.View(p.F.T.Context(), func(tx store.Tx) (err error) {
				c, err = tx.Content(store.ContentRef{Statement: id, Part: part})
				return err
			})
			return err == nil && c.Whole
		})
	}
	var got bytes.Buffer
	p.F.must(p.Save(p.F.T.Context(), id, 0, &got))
	return got.Bytes()
}

// A link is cut: what is for the other side waits, nobody else notices, and when it is mended everything catches up.
func TestCutLink(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	agreed := f.Agree(Pact("XA", "XB", "XC"), "XA")
	f.Quiet()

	f.Cut("XA", "XB")
	first := xa.Ask(agreed, exchange.Draft{Text: "For XB."}, "XB")
	xa.Until("a failed attempt", func() bool { return xa.queue("XB").Attempts > 0 })
	second := xa.Ask(agreed, exchange.Draft{Text: "For XC."}, "XC")
	xa.Delivered(second.ID)
	xc.Has(second.ID)
	f.Clock.Pass(time.Hour)
	// spec: NET-4
	if q := xa.queue("XB"); q.Waiting != 1 || q.Lag < time.Hour || q.LastCode != string(fault.Unavailable) {
		t.Errorf("the queue over the cut link: %+v", q)
	}
	if q := xa.queue("XC"); q.Waiting != 0 || q.Lag != 0 || q.Attempts != 0 {
		t.Errorf("the queue of a peer that has nothing to do with it: %+v", q)
	}
	if xb.here(first.ID) {
		t.Error("it arrived over a cut link")
	}

	f.Mend("XA", "XB")
	xb.Has(first.ID)
	xa.Delivered(first.ID)
	xa.Until("an empty queue", func() bool { q := xa.queue("XB"); return q.Waiting == 0 && q.Lag == 0 && q.Attempts == 0 })
}

// A party that nobody can reach fetches what is for it, and says what it has to say.
func TestPuller(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "-XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XB")
	// spec: NET-3, NET-5
	said := xa.Ask(agreed, exchange.Draft{Text: "Please.", Blobs: []exchange.Attachment{attachment("a", 5<<20, 1), attachment("empty", 0, 2)}}, "XB")
	xb.Has(said.ID)
	if got := xb.wholeBlobs(said.ID, 2); len(got) != 5<<20 {
		t.Errorf("%d bytes", len(got))
	}
	ack := xb.Say(exchange.Draft{Thread: said.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{})
	xa.Has(ack.ID)
	xa.Delivered(said.ID)
	xb.Delivered(ack.ID)
	f.Quiet()
	if a, b := xa.State(said.ID), xb.State(said.ID); a != b {
		t.Errorf("states differ:\n%s\n%s", a, b)
	}
}

// carry takes a packet as a file from one to the other, and the receipts back.
func carry(t *testing.T, from, to *Party) (heads int) {
	t.Helper()
	for range 50 {
		var out, back, nothing bytes.Buffer
		h, blobs, err := from.Pack(t.Context(), to.Code, &out)
		from.F.must(err)
		if h+blobs == 0 {
			return heads
		}
		heads += h
		_, err = to.Unpack(t.Context(), &out, &back)
		from.F.must(err)
		if back.Len() == 0 {
			t.Fatal("no receipts")
		}
		if _, err = from.Unpack(t.Context(), &back, &nothing); err != nil || nothing.Len() > 0 {
			t.Fatalf("receipts: %v, and %d bytes for them", err, nothing.Len())
		}
	}
	t.Fatal("the bag never empties")
	return heads
}

// Two parties that cannot reach each other at all: packets travel as files.
func TestBag(t *testing.T) {
	t.Parallel()
	f := New(t, "-XA", "-XB")
	xa, xb := f.At("XA"), f.At("XB")
	// spec: NET-5
	deposit, err := xa.Deposit(t.Context(), []byte(Pact("XA", "XB")), xa.By("legal-adviser", "first"))
	f.must(err)
	carry(t, xa, xb)
	for _, p := range []*Party{xa, xb} {
		_, err := p.Sign(t.Context(), deposit.ID, nil, "", p.By("legal-adviser", "first"))
		f.must(err)
	}
	carry(t, xb, xa)
	carry(t, xa, xb)
	said := xa.Ask(deposit.ID, exchange.Draft{Text: "By courier.", Blobs: []exchange.Attachment{attachment("a", 1<<20, 3)}}, "XB")
	carry(t, xa, xb)
	xb.Has(said.ID)
	xa.Delivered(said.ID)
	if got := xb.wholeBlobs(said.ID, 1); len(got) != 1<<20 {
		t.Errorf("%d bytes", len(got))
	}
	xb.Say(exchange.Draft{Thread: said.ID, Kind: assist.KindGrant, Text: "Here."}, assist.Grant{Extent: assist.Full})
	carry(t, xb, xa)
	if a, b := xa.State(said.ID), xb.State(said.ID); a != b || xa.Status(said.ID) != "granted" {
		t.Errorf("states differ or are wrong:\n%s\n%s", a, b)
	}
	if n := carry(t, xa, xb) + carry(t, xb, xa); n != 0 {
		t.Errorf("%d heads are still carried", n)
	}
}

// Twelve megabytes go in parts over several packets, and go on where they stopped when the link comes back.
func TestAttachment(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet()
	const size = 12 << 20
	f.CutAfter("XA", "XB", size*3/4)
	said := xa.Ask(agreed, exchange.Draft{Text: "An image.", Blobs: []exchange.Attachment{attachment("disk.img", size, 4)}}, "XB")
	xa.Until("the cut", func() bool { return f.IsCut("XA", "XB") && xa.queue("XB").Attempts > 0 })
	xb.Has(said.ID)
	var before store.Content
	f.must(xb.Store.View(t.Context(), func(tx store.Tx) (err error) {
		before, err = tx.Content(store.ContentRef{Statement: said.ID})
		return err
	}))
	if before.Whole || before.Arrived == 0 {
		t.Fatalf("the link was to be cut in the middle: %+v", before)
	}
	// What had come before the cut need not come again: there is not room for all of it.
	f.CutAfter("XA", "XB", size-before.Arrived+(5<<20))
	f.Mend("XA", "XB")
	got := xb.wholeBlobs(said.ID, 1)
	if statement.Sum(got) != before.SHA256 {
		t.Error("other bytes arrived")
	}
	xa.Until("a receipt for the attachment", func() bool { return !xa.said(said.ID).Delivered[0].Blobs.IsZero() })
	f.CutAfter("XA", "XB", 1<<40)

	// The same bytes in another statement arrive as well, though the other side has them once.
	small := func(name string) exchange.Attachment { return attachment(name, 100<<10, 10) }
	xb.wholeBlobs(xa.Ask(agreed, exchange.Draft{Text: "Small.", Blobs: []exchange.Attachment{small("one.img")}}, "XB").ID, 1)
	again := xa.Ask(agreed, exchange.Draft{Text: "Once more.", Blobs: []exchange.Attachment{small("copy.img"), small("twice.img")}}, "XB")
	xb.wholeBlobs(again.ID, 2)
	f.Quiet()
	if q := xa.queue("XB"); q.Waiting != 0 || q.Attempts != 0 {
		t.Errorf("%+v", q)
	}
}

// A flash message does not wait behind what is routine.
func TestFlashOvertakes(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet()
	f.Cut("XA", "XB")
	noise, long := rand.NewChaCha8([32]byte{9}), make([]byte, 450<<10)
	var routine []statement.ID
	for range 14 {
		_, _ = noise.Read(long) // never fails
		routine = append(routine, xa.Ask(agreed, exchange.Draft{Precedence: statement.Routine, Text: fmt.Sprintf("%x", long)}, "XB").ID)
	}
	flash := xa.Ask(agreed, exchange.Draft{Precedence: statement.Flash, Text: "Now."}, "XB")
	xa.Restart(nil)               // no packet is under way that was made before the flash message
	f.CutAfter("XA", "XB", 8<<20) // one packet gets through
	f.Mend("XA", "XB")
	xb.Has(flash.ID)
	xa.Until("the second cut", func() bool { return f.IsCut("XA", "XB") })
	if xb.here(routine[len(routine)-1]) {
		t.Error("everything came at once: nothing was overtaken")
	}
	f.Mend("XA", "XB")
	for _, id := range routine {
		xb.Has(id)
	}
	xa.Delivered(routine[len(routine)-1])
}

// The same packet comes three times: one set of receipts, and nothing new in any log.
func TestDuplicateDelivery(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet()
	f.Cut("XA", "XB")
	said := xa.Ask(agreed, exchange.Draft{Text: "Once."}, "XB")
	refused := xa.unchecked(agreed) // which XB refuses, so that there is a dropped body in the packet as well
	var bag bytes.Buffer
	_, _, err := xa.Pack(t.Context(), "XB", &bag)
	f.must(err)
	var receipts []statement.ID
	var size int64
	for i := range 3 {
		var reply bytes.Buffer
		got, err := xb.Unpack(t.Context(), bytes.NewReader(bag.Bytes()), &reply)
		f.must(err)
		// spec: RCP-2
		if i == 0 {
			receipts, size = got.Receipts, xb.LogSize()
			if len(got.New) != 2 || got.Refused[refused] != "DEC-1" {
				t.Fatalf("%+v", got)
			}
		} else if fmt.Sprint(got.Receipts) != fmt.Sprint(receipts) || xb.LogSize() != size || len(got.New) > 0 {
			t.Fatalf("the copy was answered with %v, not %v; log of %d, not %d", got.Receipts, receipts, xb.LogSize(), size)
		}
	}
	f.Mend("XA", "XB")
	xa.Delivered(said.ID)
	xa.Delivered(refused)
	f.Quiet()
	a, b := xa.LogSize(), xb.LogSize()
	f.Clock.Pass(10 * time.Minute)
	f.Quiet() // and no chatter begins because time passes
	if xa.LogSize() != a || xb.LogSize() != b {
		t.Errorf("logs grew from %d, %d to %d, %d though nobody said anything", a, b, xa.LogSize(), xb.LogSize())
	}
}

// unchecked has p say what the agreement forbids, as a node would whose operator had patched the decision out.
func (p *Party) unchecked(agreed statement.ID) statement.ID {
	p.F.T.Helper()
	p.Exchange.Unchecked = true
	defer func() { p.Exchange.Unchecked = false }()
	d := exchange.Draft{Text: "Names.", Precedence: statement.Routine}
	d.Marking.TLP = "RED"
	return p.Ask(agreed, d, "XB").ID
}

// Nodes go down in the middle and come back.
func TestRestart(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	xb.Stop()
	said := xa.Ask(agreed, exchange.Draft{Text: "While you were away.", Blobs: []exchange.Attachment{attachment("a", 5<<20, 5)}}, "XB")
	xa.Restart(nil)
	xb.Start(xb.Dir)
	xb.Has(said.ID)
	xb.Restart(nil)
	xb.wholeBlobs(said.ID, 1)
	ack := xb.Say(exchange.Draft{Thread: said.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{})
	xa.Restart(nil)
	xa.Has(ack.ID)
	xb.Delivered(ack.ID)
	f.Quiet()
	if a, b := xa.State(said.ID), xb.State(said.ID); a != b {
		t.Errorf("states differ:\n%s\n%s", a, b)
	}
	for _, p := range []*Party{xa, xb} {
		r, err := p.VerifyLog(t.Context())
		if err != nil || len(r.Problems) > 0 {
			t.Errorf("%s: %v %v", p.Code, err, r.Problems)
		}
	}
}

// One of two clocks is three hours ahead: both sides are told, and nothing is lost once it is right again.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet()
	xa.Skew(3 * time.Hour)
	said := xa.Ask(agreed, exchange.Draft{Text: "From the future."}, "XB")
	// spec: LOG-10, NET-7
	xa.Until("a clock fault", func() bool { return xa.queue("XB").LastCode == string(fault.Clock) })
	if xb.here(said.ID) {
		t.Error("it was taken")
	}
	// spec: LOG-7
	xa.Skew(0)
	_, err := xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: agreed, To: []party.Code{"XB"}}, assist.Request{Type: assist.Information})
	if fault.CodeOf(err) != fault.Clock || fault.ClauseOf(err) != "LOG-7" {
		t.Errorf("the own clock jumped back by hours: %v", err)
	}
	f.Clock.Pass(3 * time.Hour)
	xb.Has(said.ID)
	xa.Delivered(said.ID)
	xa.Delivered(xa.Ask(agreed, exchange.Draft{Text: "All is well."}, "XB").ID)
}

// The other side's clock is ahead: it takes what comes, but its receipts are not taken, until its clock is right.
func TestPeerClockAhead(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet()
	xb.Skew(2 * time.Hour)
	said := xa.Ask(agreed, exchange.Draft{Text: "What time is it?"}, "XB")
	xb.Has(said.ID)
	// spec: LOG-10
	xa.Until("a clock fault", func() bool { return xa.queue("XB").LastCode == string(fault.Clock) })
	xb.Skew(0)
	f.Clock.Pass(2*time.Hour + time.Minute)
	xa.Delivered(said.ID)
	f.Quiet()
}

// The own clock falls by less than a minute: time stands still in the log, and what is said is taken. spec: LOG-7
func TestClockFallsALittle(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa := f.At("XA")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	first := xa.Ask(agreed, exchange.Draft{Text: "One."}, "XB")
	// spec: LOG-7
	for _, back := range []time.Duration{20 * time.Second, 54*time.Second + 999*time.Millisecond} {
		xa.Skew(-back)
		said := xa.Ask(agreed, exchange.Draft{Text: "Two."}, "XB")
		if said.Time != first.Time {
			t.Errorf("time fell from %s to %s", first.Time, said.Time)
		}
		xa.Delivered(said.ID)
		if r := xa.said(said.ID).Refused; len(r) > 0 {
			t.Errorf("refused: %v", r)
		}
	}
}

// What a third party said to make the agreement has not come: the request waits at its sender's and goes through afterwards, and nothing else waits with it.
func TestAgreementNotHereYet(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	two := f.Agree(Pact("XA", "XB"), "XA")
	f.Cut("XB", "XC")
	ctx := t.Context()
	deposit, err := xa.Deposit(ctx, []byte(Pact("XA", "XB", "XC")), xa.By("legal-adviser", "first"))
	f.must(err)
	for _, p := range []*Party{xa, xb, xc} {
		p.Has(deposit.ID)
		p.Until("the text", func() bool { v, err := p.Agreement(ctx, deposit.ID); return err == nil && len(v.Title) > 0 })
		_, err := p.Sign(ctx, deposit.ID, nil, "", p.By("legal-adviser", "first"))
		f.must(err)
	}
	xa.Until("entry into force", func() bool { v, err := xa.Agreement(ctx, deposit.ID); return err == nil && v.Status == "in-force" })
	said := xa.Ask(deposit.ID, exchange.Draft{Text: "Under the new one."}, "XB")
	// spec: DEC-2, NET-7
	xa.Until("a parked packet", func() bool { return xa.queue("XB").LastCode == string(fault.Parked) })
	other := xa.Ask(two, exchange.Draft{Text: "Under the old one.", Precedence: statement.Flash}, "XB")
	xb.Has(other.ID)
	if xb.here(said.ID) {
		t.Error("it was judged without what made the agreement")
	}
	f.Mend("XB", "XC")
	xb.Has(said.ID)
	xa.Delivered(said.ID)
	f.Quiet()
	_, all, err := xa.Thread(ctx, said.ID)
	if err != nil || len(all) != 1 || len(all[0].Refused) > 0 {
		t.Errorf("%v %+v", err, all)
	}
}

// A body that was erased does not come back with a later copy, and is not receipted.
func TestErasedBodyStaysAway(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet()
	f.Cut("XA", "XB")
	said := xa.Ask(agreed, exchange.Draft{Text: "To be recalled: walnut.", Blobs: []exchange.Attachment{attachment("a", 1<<20, 6)}}, "XB")
	var bag, reply bytes.Buffer
	_, _, err := xa.Pack(t.Context(), "XB", &bag)
	f.must(err)
	body := store.ContentRef{Statement: said.ID, Part: store.BodyPart}
	// Erasing works on what has not arrived yet, too.
	f.must(xb.Exchange.Update(t.Context(), func(tx store.Tx) error { return tx.Erase(body) }))
	for range 2 {
		got, err := xb.Unpack(t.Context(), bytes.NewReader(bag.Bytes()), &reply)
		f.must(err)
		// spec: STM-7
		if len(got.Dropped) != 1 || got.Dropped[0] != said.ID {
			t.Errorf("the dropped copy is not reported: %+v", got)
		}
		s, err := xb.statement(said.ID)
		if err != nil || !xb.gave(store.HeadArrived, s) || xb.gave(store.BodyArrived, s) {
			t.Errorf("%v: head receipted %v, body receipted %v", err, xb.gave(store.HeadArrived, s), xb.gave(store.BodyArrived, s))
		}
	}
	f.Mend("XA", "XB")
	xa.Delivered(said.ID)
	f.Quiet()
	f.must(xb.Store.View(t.Context(), func(tx store.Tx) error {
		c, err := tx.Content(body)
		if err == nil && (!c.Erased || c.Arrived > 0) {
			t.Errorf("%+v", c)
		}
		return err
	}))

	// An attachment that is erased while it is under way is not sent to its end, and the queue goes on.
	next := xa.Ask(agreed, exchange.Draft{Text: "Big.", Blobs: []exchange.Attachment{attachment("b", 7<<20, 7)}}, "XB")
	f.CutAfter("XA", "XB", 5<<20)
	xa.Until("the cut", func() bool { return f.IsCut("XA", "XB") && xa.queue("XB").Attempts > 0 })
	f.must(xb.Exchange.Update(t.Context(), func(tx store.Tx) error { return tx.Erase(store.ContentRef{Statement: next.ID}) }))
	f.Mend("XA", "XB")
	last := xa.Ask(agreed, exchange.Draft{Text: "Small.", Blobs: []exchange.Attachment{attachment("c", 1000, 8)}}, "XB")
	xb.wholeBlobs(last.ID, 1)
	f.Quiet()
	s, err := xb.statement(next.ID)
	if err != nil || xb.gave(store.BlobArrived, s) {
		t.Errorf("%v: an erased attachment was receipted", err)
	}
}

// XA moves: a letter with other addresses follows the confirmed one without words, and what is under way finds it.
func TestReissuedLetter(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet() // no round goes on with the letter that it began with
	own, err := xb.OwnLetter(t.Context())
	f.must(err)
	lost, err := xb.Reissue(t.Context(), func(l *party.Letter) { l.Endpoints = []string{"https://127.0.0.1:1"} })
	f.must(err)
	// spec: LTR-6
	v, err := xa.ImportLetter(t.Context(), lost.Raw)
	if err != nil || v.Status != store.LetterConfirmed || v.Serial != 2 {
		t.Fatalf("%v %+v", err, v)
	}
	said := xa.Ask(agreed, exchange.Draft{Text: "Where are you?"}, "XB")
	xa.Until("a failed attempt", func() bool { return xa.queue("XB").LastCode == string(fault.Unavailable) })
	found, err := xb.Reissue(t.Context(), func(l *party.Letter) { l.Endpoints = append(l.Endpoints, own.Endpoints...) })
	f.must(err)
	_, err = xa.ImportLetter(t.Context(), found.Raw)
	f.must(err)
	xb.Has(said.ID)
	xa.Delivered(said.ID)
	if _, err := xa.ImportLetter(t.Context(), own.Raw); fault.ClauseOf(err) != "LTR-6" {
		t.Errorf("an old letter came back: %v", err)
	}
}
