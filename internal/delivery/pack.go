package delivery

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// Budget of one packet before compression, below the bound of PKT-3 so that proofs and notes fit beside.
const (
	packBytes = 6 << 20
	packHeads = 2000
	blobPart  = 4 << 20
	packBlobs = 1000
	packNotes = 64
	tileBytes = 13 << 10 // of a tile line at most: 256 hashes and a path, in base64
	maxDepth  = 256      // ancestors that are taken before a head, one behind the other
)

// parcel is a packet about to be sealed, with what the queue must remember once it has been taken.
type parcel struct {
	contents packet.Contents
	ids      []statement.ID                 // of its heads
	tree     translog.Tree                  // of the checkpoint that it proves against
	cursor   map[statement.Precedence]int64 // cursors as far as receipts already cover them
	blobAt   int64
	gossip   map[party.Origin]statement.Digest
	requests []statement.ID // that the peer had asked for and that are in it
	heads    int
	blobs    int
	fresh    bool   // a head in it has blobs
	full     bool   // there was more than fits
	name     string // of the sealed packet; "" before
	size     int64  // of the sealed packet, bytes
}

// empty tells whether there is nothing worth sending.
func (p *parcel) empty() bool {
	return p.heads == 0 && p.blobs == 0 && len(p.contents.Witnessed) == 0
}

// packing gathers a packet for one peer inside a transaction.
type packing struct {
	c      *Courier
	tx     store.Tx
	peer   store.Peer
	to     party.Code
	out    *parcel
	origin party.Origin
	chosen map[int64]*statement.Head // by leaf
	tiles  map[int64]bool            // subtrees that the chosen touch
	parts  map[statement.Digest]bool // blobs of which a part is in the packet
	depth  int                       // of ancestors of ancestors in hand
	bytes  int

	asked     map[statement.ID]bool // what the peer had asked for, or is to get since it joined a thread
	receipted span                  // what was found last of the heads that the peer has
	page      page                  // bodies that were read at once
}

func (c *Courier) packing(tx store.Tx, to party.Code, origin party.Origin) (*packing, error) {
	peer, err := c.row(tx, to, origin)
	return &packing{c: c, tx: tx, peer: peer, to: to, origin: origin, chosen: map[int64]*statement.Head{}, tiles: map[int64]bool{},
		parts: map[statement.Digest]bool{}, asked: map[statement.ID]bool{},
		out: &parcel{cursor: map[statement.Precedence]int64{}, gossip: map[party.Origin]statement.Digest{}}}, err
}

// pack gathers what the peer has not receipted of one own log: heads by precedence with their bodies, then blobs, and what other logs have shown. With only given, exactly
// these own statements go and nothing else of the queue. The error is fault.NotFound when there is nothing to prove with yet.
func (c *Courier) pack(ctx context.Context, to party.Code, origin party.Origin, only []statement.ID, have map[statement.Digest]int64) (*parcel, error) {
	var p *packing
	err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		if p, err = c.packing(tx, to, origin); err != nil {
			return err
		}
		return p.gather(only, have)
	})
	if err != nil {
		return nil, err
	}
	if origin != c.Origin { // its checkpoint left long ago
		return p.out, nil
	}
	// Another process may have signed this checkpoint and not lived to settle it.
	// spec: LOG-12
	return p.out, c.Journal.Settle(p.out.tree)
}

func (p *packing) gather(only []statement.ID, have map[statement.Digest]int64) error {
	cp, err := p.tx.Newest(p.origin)
	if err != nil {
		return err
	}
	p.out.tree = translog.Tree{Origin: p.origin, Size: cp.Size, Root: cp.Root}
	p.out.contents.Checkpoint = cp.Note
	if err := p.consistency(cp.Size); err != nil {
		return err
	}
	for _, id := range only {
		s, err := p.tx.Statement(id)
		if err != nil {
			return err
		}
		if s.Origin != p.origin || s.Index >= cp.Size {
			continue // a packet has statements of one log, and of what of it can be proven
		}
		if _, err := p.take(s, true); err != nil {
			return err
		}
	}
	if only == nil {
		if err := p.queue(cp.Size); err != nil {
			return err
		}
		if err := p.blobs(cp.Size, have); err != nil {
			return err
		}
		if p.origin == p.c.Origin {
			err = p.gossip()
		}
		if err != nil {
			return err
		}
	}
	// With an answer too: what a head came after that is not here is asked for at once.
	if err := p.wanted(); err != nil {
		return err
	}
	p.out.heads = len(p.chosen)
	return p.prove(cp.Size)
}

// consistency proves the checkpoint against the newest one that the peer is known to have accepted.
func (p *packing) consistency(size int64) error {
	from := min(p.peer.Accepted, size)
	if from == 0 || from == size {
		return nil
	}
	proof, err := translog.Consistency(from, size, p.c.Journal.Tiles(p.tx, p.origin))
	if err != nil {
		return err
	}
	p.out.contents.Consistency = translog.FormatConsistency(from, proof)
	return nil
}

// queue chooses heads, fastest precedence first, from each precedence's cursor on.
func (p *packing) queue(size int64) error {
	requested, err := p.requested()
	if err != nil {
		return err
	}
	for _, s := range requested {
		theirs, err := p.take(s, true)
		if err != nil {
			return err
		}
		if !theirs || p.chosen[s.Index] != nil { // what did not fit is still asked for
			p.out.requests = append(p.out.requests, s.ID)
		}
	}
	for _, prec := range statement.Precedences() {
		if err := p.scan(prec, size); err != nil {
			return err
		}
	}
	return nil
}

// scan goes along the log from the cursor of one precedence. The cursor moves over what is not for the peer or has been receipted.
func (p *packing) scan(prec statement.Precedence, size int64) error {
	cursor, prefix := p.peer.Cursor[prec], true
	// What comes before a head in the log and is as fast or faster has been considered by now: only what is slower can still be missing.
	deep := prec != statement.Routine
	var bad error
	err := p.tx.Scan(p.origin, prec, cursor, func(s store.Statement) bool {
		if s.Index >= size {
			return false
		}
		var pending bool
		if pending, bad = p.consider(s, deep); bad != nil {
			return false
		}
		prefix = prefix && !pending
		if prefix {
			cursor = s.Index + 1
		}
		return !p.out.full
	})
	p.out.cursor[prec] = cursor
	if bad != nil {
		return bad
	}
	return err
}

// consider takes a statement if the peer is to have it and has not receipted it; deep: with its ancestors. It reports whether it is still owed.
func (p *packing) consider(s store.Statement, deep bool) (bool, error) {
	if s.Thread.IsZero() { // receipts go with answers, never through the queue
		return false, nil
	}
	if has, err := p.has(s.Index); has || err != nil {
		return false, err
	}
	return p.take(s, deep)
}

// take puts a head and its body into the packet, what it relies on first. It reports whether the head is for the peer.
func (p *packing) take(s store.Statement, deep bool) (bool, error) {
	if p.chosen[s.Index] != nil {
		return true, nil
	}
	h, err := statement.Reread(s.ID, s.Head)
	if err != nil {
		return false, err
	}
	if !h.IsFor(p.to) && !p.joined(h) {
		return false, nil
	}
	if deep {
		if err := p.takeAncestors(h); err != nil {
			return true, err
		}
	}
	body, err := p.body(h, s.Index)
	if err != nil {
		return true, err
	}
	cost := len(h.Raw) + len(body)
	if !p.tiles[s.Index/translog.TileWidth] {
		cost += tileBytes
	}
	if p.bytes > 0 && p.bytes+cost > packBytes || len(p.chosen) >= packHeads {
		p.out.full = true
		return true, nil
	}
	p.bytes += cost
	p.chosen[s.Index], p.tiles[s.Index/translog.TileWidth] = h, true
	p.out.fresh = p.out.fresh || h.Body != nil && h.Body.Blobs > 0
	if body != nil {
		p.out.contents.Bodies = append(p.out.contents.Bodies, body)
	}
	return true, nil
}

// joined tells whether a head that was not for the peer goes to it all the same: it was admitted to the thread since.
func (p *packing) joined(h *statement.Head) bool {
	// spec: THR-8
	if !p.asked[h.ID] || h.Marking.TLP == marking.Red {
		return false
	}
	row, err := p.tx.Thread(h.ThreadID())
	if err != nil || len(row.State) == 0 {
		return false
	}
	s, err := thread.ParseState(row.State)
	return err == nil && slices.Contains(s.Admitted, p.to)
}

// takeAncestors takes own heads that h comes after, or whose agreement it relies on, if the peer lacks them: a flash message must not wait for what
// it cannot be judged without.
func (p *packing) takeAncestors(h *statement.Head) error {
	// What is further back goes by the queue: the head waits for it there, and one long thread must not be gone through again for each packet.
	if p.depth == maxDepth {
		return nil
	}
	p.depth++
	defer func() { p.depth-- }()
	ids := h.After
	if h.Agreement != nil {
		ids = append(slices.Clone(ids), h.Agreement.At...)
	}
	for _, id := range ids {
		s, err := p.tx.Statement(id)
		if fault.CodeOf(err) == fault.NotFound || err == nil && (s.Origin != p.origin || s.Index >= p.out.tree.Size) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := p.consider(s, true); err != nil {
			return err
		}
	}
	return nil
}

// blobs adds parts of attachments whose bodies the peer has, oldest first, in what room is left. It looks at nothing but what has attachments.
func (p *packing) blobs(size int64, have map[statement.Digest]int64) error {
	p.out.blobAt = max(p.peer.BlobCursor, size)
	prefix := true
	for at := p.peer.BlobCursor; !p.out.full; at++ {
		var err error
		if at, err = p.tx.NextBlobs(p.origin, at); fault.CodeOf(err) == fault.NotFound || err == nil && at >= size {
			return nil
		}
		if err != nil {
			return err
		}
		s, err := p.tx.StatementAt(p.origin, at)
		if err != nil {
			return err
		}
		pending, err := p.blobsOf(s, have)
		if err != nil {
			return err
		}
		if pending && prefix {
			p.out.blobAt, prefix = at, false
		}
	}
	if prefix {
		p.out.blobAt = p.peer.BlobCursor // the packet was full before all was looked at
	}
	return nil
}

// blobsOf adds what the peer lacks of one statement's blobs. It reports whether any are still owed.
func (p *packing) blobsOf(s store.Statement, have map[statement.Digest]int64) (bool, error) {
	h, err := statement.Reread(s.ID, s.Head)
	if err != nil || h.Body == nil || h.Body.Blobs == 0 || !h.IsFor(p.to) {
		return false, err
	}
	if _, err := p.tx.ArrivedAt(p.to, p.origin, store.BlobArrived, s.Index); err == nil {
		return false, nil
	} else if fault.CodeOf(err) != fault.NotFound {
		return false, err
	}
	if _, err := p.tx.ArrivedAt(p.to, p.origin, store.BodyArrived, s.Index); err != nil {
		if fault.CodeOf(err) != fault.NotFound {
			return false, err
		}
		// Head arrived and body did not: it was refused, and so are its blobs. Head not arrived: blobs follow later.
		_, err := p.tx.ArrivedAt(p.to, p.origin, store.HeadArrived, s.Index)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return false, err
		}
		return err != nil, nil
	}
	owed := false
	for part := range h.Body.Blobs {
		o, err := p.blob(store.ContentRef{Statement: s.ID, Part: part}, have)
		if err != nil {
			return owed, err
		}
		owed = owed || o
	}
	return owed, nil
}

// blob adds a part of one blob, from where the peer has it.
func (p *packing) blob(ref store.ContentRef, have map[statement.Digest]int64) (bool, error) {
	c, err := p.tx.Content(ref)
	if fault.CodeOf(err) == fault.NotFound || err == nil && (!c.Whole || c.Erased) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	from := have[c.SHA256]
	if from == exchange.Dropped {
		return false, nil
	}
	// The peer has all of it, but not that of this statement, or its receipt was lost: the last byte finds out which.
	from = min(from, max(c.Size-1, 0))
	room := int64(packBytes - p.bytes)
	if room < 64<<10 || len(p.out.contents.Blobs) == packBlobs {
		p.out.full = true
		return true, nil
	}
	// Two statements may have the same attachment; one packet has one part of it, for both.
	if p.parts[c.SHA256] {
		return true, nil
	}
	p.parts[c.SHA256] = true
	n := min(c.Size-from, room, blobPart)
	if n < c.Size-from {
		p.out.full = true
	}
	var buf bytes.Buffer
	if err := p.tx.Read(ref, &window{w: &buf, skip: from, left: n}); err != nil {
		return true, err
	}
	p.bytes += int(n)
	p.out.blobs++
	p.out.contents.Blobs = append(p.out.contents.Blobs, packet.BlobPart{SHA256: c.SHA256, Offset: from, Size: n, Data: &buf})
	return true, nil
}

// window lets a stretch of a stream through.
type window struct {
	w          io.Writer
	skip, left int64
}

func (w *window) Write(b []byte) (int, error) {
	n := len(b)
	cut := min(w.skip, int64(len(b)))
	b, w.skip = b[cut:], w.skip-cut
	b = b[:min(w.left, int64(len(b)))]
	w.left -= int64(len(b))
	if _, err := w.w.Write(b); err != nil {
		return 0, err
	}
	return n, nil
}

// requested lists own statements that the peer asked for again.
func (p *packing) requested() ([]store.Statement, error) {
	ids, err := p.tx.Requested(p.to, 256)
	if err != nil {
		return nil, err
	}
	var out []store.Statement
	for _, id := range ids {
		s, err := p.tx.Statement(id)
		if err == nil && s.Origin == p.origin && !s.Thread.IsZero() && s.Index < p.out.tree.Size {
			out = append(out, s)
			p.asked[id] = true
		} else if err != nil && fault.CodeOf(err) != fault.NotFound {
			return nil, err
		}
	}
	return out, nil
}

// wanted asks for heads of the peer that others' heads name and that are not here.
func (p *packing) wanted() error {
	return p.tx.Wanted(p.to, func(id statement.ID) bool {
		p.out.contents.Want = append(p.out.contents.Want, id)
		return len(p.out.contents.Want) < 256
	})
}

// gossip adds checkpoints of other logs that are news to the peer: its own with this node's cosignature, and those of parties that share an agreement with both.
func (p *packing) gossip() error {
	codes, err := p.c.Exchange.Partners(p.tx, p.to)
	if err != nil {
		return err
	}
	for _, code := range append(codes, p.to) {
		l, err := p.tx.Letter(code)
		if fault.CodeOf(err) == fault.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		letter, err := p.c.Exchange.Parsed(l)
		if err != nil {
			return err
		}
		if err := p.show(letter.Origin, code == p.to); err != nil {
			return err
		}
	}
	return nil
}

// show adds one origin's newest checkpoint; of the peer's own, the newest that this node cosigned.
func (p *packing) show(origin party.Origin, theirs bool) error {
	find := p.tx.Newest
	if theirs {
		find = func(origin party.Origin) (store.Checkpoint, error) { return journal.Cosigned(p.tx, origin) }
	}
	cp, err := find(origin)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	note := cp.Note
	sum := statement.Sum(note)
	// What does not fit goes with the next packet.
	if p.peer.Gossip[origin] == sum || len(p.out.contents.Witnessed) == packNotes || p.bytes+len(note) > packBytes+1<<20 {
		return nil
	}
	p.bytes += len(note)
	p.out.gossip[origin] = sum
	p.out.contents.Witnessed = append(p.out.contents.Witnessed, note)
	return nil
}

// prove lists the chosen heads in the order of PKT-2 and adds each touched subtree once.
func (p *packing) prove(size int64) error {
	// spec: PKT-2, PKT-5
	for _, n := range slices.Sorted(maps.Keys(p.tiles)) {
		t, err := translog.ProveTile(size, n, p.c.Journal.Tiles(p.tx, p.origin))
		if err != nil {
			return err
		}
		p.out.contents.Tiles = append(p.out.contents.Tiles, t.MarshalLine())
	}
	indexes := slices.Sorted(maps.Keys(p.chosen))
	slices.SortStableFunc(indexes, func(a, b int64) int {
		return p.chosen[a].Precedence.Rank() - p.chosen[b].Precedence.Rank()
	})
	for _, i := range indexes {
		p.out.contents.Heads = append(p.out.contents.Heads, p.chosen[i].Raw)
		p.out.ids = append(p.out.ids, p.chosen[i].ID)
	}
	return nil
}

// servedWithin is how old the time may be at which a peer's row says that it was served last, while it is served all the time.
const servedWithin = time.Second

// taken notes what a parcel that was taken means for the queue, and that the peer was served. That is written once in servedWithin: a write costs as much as
// many statements, and nothing hangs on it but what the peer had asked for.
func (c *Courier) taken(ctx context.Context, code party.Code, p *parcel) error {
	c.learn(code, p.tree.Origin, p.progress)
	now := statement.TimeOf(c.Now())
	var row store.Peer // how delivery fares stands in the row of the open log
	if err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		row, err = tx.Peer(code, c.Origin)
		return err
	}); err != nil {
		return err
	}
	if age := now.Std().Sub(row.LastSuccess.Std()); len(p.requests) == 0 && row.Attempts == 0 && row.LastError == "" && age >= 0 && age < servedWithin {
		return nil
	}
	return c.Exchange.Update(ctx, func(tx store.Tx) error {
		for _, id := range p.requests {
			if err := tx.DropRequested(code, id); err != nil {
				return err
			}
		}
		row, err := c.row(tx, code, p.tree.Origin)
		if err != nil {
			return err
		}
		if p.tree.Origin != c.Origin {
			if err := tx.PutPeer(row); err != nil {
				return err
			}
			if row, err = c.row(tx, code, c.Origin); err != nil {
				return err
			}
		}
		succeeded(now)(&row)
		return tx.PutPeer(row)
	})
}

// signature tells two parcels apart by what they would have the peer do.
func (p *parcel) signature() string {
	var b strings.Builder
	for _, id := range p.ids {
		b.Write(id[:])
	}
	for _, part := range p.contents.Blobs {
		fmt.Fprintf(&b, "%s@%d", part.SHA256, part.Offset)
	}
	for _, origin := range slices.Sorted(maps.Keys(p.gossip)) {
		fmt.Fprintf(&b, "%s=%s", origin, p.gossip[origin])
	}
	return b.String()
}
