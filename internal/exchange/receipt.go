package exchange

import (
	"cmp"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// maxRanges bounds the ranges of one receipt, so that its facts stay within STM-4.
const maxRanges = 100

// byNode is who says what no officer says.
func byNode() statement.By { return statement.By{Role: "node"} }

// receipt says what has arrived, in as many receipts as it takes, and adds those that were given before for what came again.
func (r *receiving) receipt() error {
	// spec: RCP-1, RCP-2
	slices.Sort(r.heads)
	slices.Sort(r.bodies)
	heads, bodies, blobs := r.heads, r.bodies, r.blobCounts()
	for len(heads)+len(bodies)+len(blobs) > 0 {
		facts := thread.Delivered{Origin: r.in.cp.Origin, Size: r.in.cp.Size, Root: statement.Digest(r.in.cp.Root)}
		facts.Heads, heads = ranges(heads)
		facts.Bodies, bodies = ranges(bodies)
		n := min(len(blobs), maxRanges)
		for _, c := range blobs[:n] {
			facts.Blobs = append(facts.Blobs, thread.BlobsArrived{Index: c.index, Arrived: c.whole})
		}
		said, err := r.x.sayReceipt(r.b, r.in.author, facts)
		if err != nil {
			return err
		}
		if err := r.noteReceipt(said, facts, blobs[:n]); err != nil {
			return err
		}
		r.x.Reached.At(pointReceipted)
		r.Receipts = append(r.Receipts, said.ID)
		blobs = blobs[n:]
	}
	for _, id := range r.again {
		if !slices.Contains(r.Receipts, id) {
			r.Receipts = append(r.Receipts, id)
		}
	}
	return nil
}

// ranges joins neighbouring leaves and takes as many ranges as one receipt holds.
func ranges(in []int64) (out []thread.Range, rest []int64) {
	out = []thread.Range{}
	for i, leaf := range in {
		if n := len(out); n > 0 && out[n-1][1] == leaf {
			out[n-1][1]++
			continue
		}
		if len(out) == maxRanges {
			return out, in[i:]
		}
		out = append(out, thread.Range{leaf, leaf + 1})
	}
	return out, nil
}

// blobCount is how many of a statement's blobs are whole.
type blobCount struct {
	index int64
	whole int
	all   bool
}

func (r *receiving) blobCounts() []blobCount {
	var out []blobCount
	for id, n := range r.blobs {
		row, err := r.b.tx.Statement(id)
		if err != nil {
			continue // it was read in this very transaction
		}
		h, err := statement.ParseHead(row.Head)
		if err != nil || h.Body == nil {
			continue
		}
		out = append(out, blobCount{row.Index, n, n == h.Body.Blobs})
	}
	slices.SortFunc(out, func(a, b blobCount) int { return cmp.Compare(a.index, b.index) })
	return out
}

// noteReceipt remembers which receipt was given for what.
func (r *receiving) noteReceipt(said *statement.Head, facts thread.Delivered, blobs []blobCount) error {
	put := func(what store.ArrivalKind, lo, hi int64) error {
		return r.b.tx.PutArrival(store.Arrival{Peer: r.x.Self, Origin: facts.Origin, What: what, Lo: lo, Hi: hi, Receipt: said.ID, Time: said.Time})
	}
	for _, g := range facts.Heads {
		if err := put(store.HeadArrived, g[0], g[1]); err != nil {
			return err
		}
	}
	for _, g := range facts.Bodies {
		if err := put(store.BodyArrived, g[0], g[1]); err != nil {
			return err
		}
	}
	for _, c := range blobs {
		if c.all {
			if err := put(store.BlobArrived, c.index, c.index+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// sayReceipt composes and logs one receipt.delivered.
func (x *Exchange) sayReceipt(b *batch, to party.Code, facts thread.Delivered) (*statement.Head, error) {
	if facts.Blobs == nil {
		facts.Blobs = []thread.BlobsArrived{}
	}
	raw, err := marshalFacts(facts)
	if err != nil {
		return nil, err
	}
	h := statement.Head{
		From: x.Self, To: []party.Code{to}, Kind: thread.KindDelivered, Marking: marking.Marking{TLP: marking.Green},
		Track: statement.Technical, Precedence: statement.Routine, By: byNode(), Facts: raw,
	}
	return x.sayHead(b, h)
}

// sayHead completes, composes and logs a head that the node itself says.
func (x *Exchange) sayHead(b *batch, draft statement.Head) (*statement.Head, error) {
	var err error
	if draft.Nonce, err = statement.MakeNonce(x.Random); err != nil {
		return nil, err
	}
	if draft.Time, err = x.clock(b); err != nil {
		return nil, err
	}
	h, err := statement.Compose(draft)
	if err != nil {
		return nil, err
	}
	return h, x.say(b, h, nil, nil)
}

// refuse says receipt.refused for each head of the packet that was refused: to all participants, in its thread.
func (r *receiving) refuse() error {
	// spec: RCP-4
	for _, f := range r.refusals {
		t, err := r.b.thread(f.head.ThreadID())
		if err != nil {
			return err
		}
		if !t.known || !slices.Contains(t.state.Participants, r.x.Self) {
			continue // its thread cannot be spoken in yet; the head is kept, its body is not
		}
		articles := f.articles
		if articles == nil {
			articles = []string{}
		}
		facts, err := marshalFacts(thread.Refused{ID: f.head.ID, Clause: f.clause, Reason: f.reason, Articles: articles})
		if err != nil {
			return err
		}
		if err := r.replies(t.state, thread.KindRefused, facts, f.head.Marking.TLP); err != nil {
			return err
		}
		r.x.Reached.At(pointRefused)
	}
	return nil
}

// replies says something by the node itself in a thread. Where the thread does not admit it, it stays unsaid: what others have done to a thread must not keep their
// packets, or anybody's, from being taken.
func (r *receiving) replies(s thread.State, kind statement.Kind, facts []byte, tlp marking.TLP) error {
	h := statement.Head{
		From: r.x.Self, To: others(s.Participants, r.x.Self), Thread: s.Thread, After: r.x.Rules.After(s, r.x.Self), Kind: kind,
		Marking: marking.Marking{TLP: tlp}, Track: s.Opener.Track, Precedence: s.Opener.Precedence, Exercise: s.Opener.Exercise,
		By: byNode(), Facts: facts,
	}
	if !s.Opener.Agreement.IsZero() {
		// A receipt names what the opener named, in force or not: it is decided under the charter (DEC-5).
		h.Agreement = &statement.AgreementRef{ID: s.Opener.Agreement, Digest: s.Opener.Digest, At: []statement.ID{}}
	}
	b := r.b
	was, ids, last := b.threads[s.Thread], len(b.ids), b.last
	_, err := r.x.sayHead(b, h)
	if fault.CodeOf(err) == fault.Inadmissible {
		if b.ids, b.last = b.ids[:ids], last; was == nil {
			delete(b.threads, s.Thread)
		} else {
			b.threads[s.Thread] = was
		}
		return nil
	}
	return err
}

// maxAnswers bounds what a node says by itself to one packet in one thread.
const maxAnswers = 64

// answer says what the desks have the node say to what has come, in threads under the charter alone.
func (r *receiving) answer() error {
	// spec: AGR-13
	if r.x.Answer == nil {
		return nil
	}
	for id := range r.touched {
		for range maxAnswers {
			t, err := r.b.thread(id)
			if err != nil {
				return err
			}
			if !t.known || t.stale || !t.state.Opener.Agreement.IsZero() || !slices.Contains(t.state.Participants, r.x.Self) {
				break
			}
			now, err := r.x.clock(r.b)
			if err != nil {
				return err
			}
			kind, what, ok := r.x.Answer(t.state, now)
			if !ok {
				break
			}
			facts, err := marshalFacts(what)
			if err != nil {
				return err
			}
			if err := r.replies(t.state, kind, facts, marking.Green); err != nil {
				return err
			}
		}
	}
	return nil
}

// delivered takes a peer's receipt for statements of this node's own log.
//
// One that says what cannot be true refuses its packet: there is no thread in which it could be refused by itself, and receipts travel with
// nothing but receipts, so it holds up nobody but who made it.
func (r *receiving) delivered(l located) error {
	// spec: RCP-1
	tx, x := r.b.tx, r.x
	d, err := thread.Facts[thread.Delivered](l.Head)
	if err != nil {
		return fault.Wrap(err, fault.Malformed, "RCP-1", "a receipt's facts are not those of a receipt")
	}
	if len(l.To) != 1 || !l.IsOpener() || d.Origin.Code() != x.Self {
		return fault.New(fault.NotAuthentic, "RCP-1", "a receipt is for another log")
	}
	// Its time starts and stops clocks (RCP-6), and there is no thread in which it could be refused.
	if ok, err := r.inTime(l); err != nil || !ok {
		return cmp.Or(err, error(fault.New(fault.NotAuthentic, "LOG-7", "a receipt's time does not fit its log")))
	}
	if err := r.named(d); err != nil {
		return err
	}
	if err := r.store(l, placed{folded: true}); err != nil {
		return err
	}
	r.Taken++
	put := func(what store.ArrivalKind, lo, hi int64) error {
		return tx.PutArrival(store.Arrival{Peer: r.in.author, Origin: d.Origin, What: what, Lo: lo, Hi: hi, Receipt: l.ID, Time: l.Time})
	}
	for _, g := range d.Heads {
		if err := put(store.HeadArrived, g[0], g[1]); err != nil {
			return err
		}
	}
	for _, g := range d.Bodies {
		if err := put(store.BodyArrived, g[0], g[1]); err != nil {
			return err
		}
	}
	for _, c := range d.Blobs {
		all, err := r.allBlobs(d.Origin, c)
		if err != nil {
			return err
		}
		if all {
			if err := put(store.BlobArrived, c.Index, c.Index+1); err != nil {
				return err
			}
		}
	}
	p, err := tx.Peer(r.in.author, d.Origin)
	if err != nil {
		return err
	}
	p.Accepted = max(p.Accepted, d.Size)
	x.Reached.At(pointArrival)
	return tx.PutPeer(p)
}

// allBlobs tells whether a receipt's count is that of all blobs of an own statement.
func (r *receiving) allBlobs(origin party.Origin, c thread.BlobsArrived) (bool, error) {
	row, err := r.b.tx.StatementAt(origin, c.Index)
	if fault.CodeOf(err) == fault.NotFound {
		return false, nil // a bare leaf (LOG-15)
	}
	if err != nil {
		return false, err
	}
	h, err := statement.ParseHead(row.Head)
	if err != nil {
		return false, err
	}
	return h.Body != nil && c.Arrived == h.Body.Blobs, nil
}
