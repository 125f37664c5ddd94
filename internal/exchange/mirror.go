package exchange

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// Mirrored is a page of an own log as a peer gave it back (PKT-10): unsealed, and verified under the own keys. Nothing of it is stored.
type Mirrored struct {
	Checkpoints []translog.Checkpoint // each signed by the log's keys; first the newest that the peer has accepted
	Tiles       []MirroredTile

	in     *incoming
	origin party.Origin
	kept   map[[2]int64]bool // tiles of which number and size are stored by the transaction in hand
}

// MirroredTile is a tile with the size of the checkpoint that proves it.
type MirroredTile struct {
	translog.TileProof
	Size int64
}

// OpenMirror opens a page that a peer gave back and verifies all of it. Errors: those of package packet; fault.NotAuthentic for what the own keys did not sign.
func (x *Exchange) OpenMirror(ctx context.Context, r io.Reader) (*Mirrored, error) {
	// spec: PKT-10
	in := &incoming{ctx: ctx, sender: x.Self, author: x.Self, bodies: map[statement.Digest][]byte{}}
	if err := x.Codec.Open(r, x.Identity, in); err != nil {
		return nil, err
	}
	m := &Mirrored{in: in}
	var err error
	if m.origin, err = translog.PeekOrigin(in.cp.Note); err != nil {
		return nil, err
	}
	keys, err := x.ownKeys(ctx, m.origin)
	if err != nil {
		return nil, err
	}
	for _, note := range append([][]byte{in.cp.Note}, in.notes...) {
		cp, err := translog.OpenCheckpoint(note, m.origin, keys)
		if err != nil {
			return nil, err
		}
		m.Checkpoints = append(m.Checkpoints, cp)
	}
	in.cp = m.Checkpoints[0]
	return m, m.locate()
}

// ownKeys are the public keys of an own log, open or closed.
func (x *Exchange) ownKeys(ctx context.Context, origin party.Origin) (keys party.PublicKeys, err error) {
	if origin == x.Journal.Origin() {
		return x.Journal.Keys()
	}
	if origin.Code() != x.Self {
		return keys, fault.New(fault.NotAuthentic, "PKT-10", "what was given back is not of this party's log")
	}
	err = x.Store.View(ctx, func(tx store.Tx) error {
		l, err := x.logKeys(tx, origin)
		keys = l.keys
		return err
	})
	return keys, err
}

// locate checks each tile against the page's checkpoints and finds each head in a tile.
func (m *Mirrored) locate() error {
	// spec: PKT-10, PKT-6
	place := map[translog.Hash]int64{}
	for _, t := range m.in.tiles {
		i := slices.IndexFunc(m.Checkpoints, func(cp translog.Checkpoint) bool { return t.Check(cp.Size, cp.Root) == nil })
		if i < 0 {
			return fault.New(fault.NotAuthentic, "PKT-10", "a tile that was given back folds to no checkpoint that came with it")
		}
		m.Tiles = append(m.Tiles, MirroredTile{t, m.Checkpoints[i].Size})
		for i, h := range t.Hashes {
			place[h] = t.N*translog.TileWidth + int64(i)
		}
	}
	for i := range m.in.heads {
		h := &m.in.heads[i]
		index, ok := place[translog.LeafHash(h.ID)]
		if !ok || h.From != m.origin.Code() {
			return fault.New(fault.NotAuthentic, "PKT-6", "a head that was given back is not in the log")
		}
		h.index, h.Place = index, statement.Place{Origin: m.origin, Index: index}
	}
	slices.SortFunc(m.in.heads, func(a, b located) int { return cmp.Compare(a.index, b.index) })
	return m.in.claimed()
}

// Origin is the log that the page is of.
func (m *Mirrored) Origin() party.Origin { return m.origin }

// Back is what putting back pages has brought.
type Back struct {
	Statements int
	Bodies     int

	// again is, for each log of others of which own receipts came back, the first leaf that they name: what they cover was acknowledged here and is lost.
	again map[party.Origin]int64
	first int64 // the first own leaf that came back; -1: none
}

// AgainKey names the note of the leaf of another party's log from which on that party is asked for what was acknowledged here and is lost.
func AgainKey(origin party.Origin) string { return "again:" + string(origin) }

// RegrownKey names the note of the leaf of an own log from which on statements came back without their attachments.
func RegrownKey(origin party.Origin) string { return "regrown:" + string(origin) }

// askAgain notes what is to be asked for.
func askAgain(tx store.Delivery, own party.Origin, got Back) error {
	for origin, leaf := range got.again {
		if err := atMost(tx, AgainKey(origin), leaf); err != nil {
			return err
		}
	}
	if got.first < 0 {
		return nil
	}
	return atMost(tx, RegrownKey(own), got.first)
}

// atMost lowers a note of a leaf.
func atMost(tx store.Delivery, key string, leaf int64) error {
	have, err := tx.Meta(key)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseInt(have, 10, 64); err == nil && n <= leaf {
		return nil
	}
	return tx.SetMeta(key, strconv.FormatInt(leaf, 10))
}

// Forgot notes, in a store that has lost what was written last, that every peer is to be asked for what it has said since: its receipts above all.
func (x *Exchange) Forgot(ctx context.Context) error {
	return x.Update(ctx, func(tx store.Tx) error {
		var rows []store.Letter
		if err := tx.EachLetter(func(row store.Letter) bool {
			if row.Status == store.LetterConfirmed && row.Code != x.Self {
				rows = append(rows, row)
			}
			return true
		}); err != nil {
			return err
		}
		for _, row := range rows {
			l, err := x.Parsed(row)
			if err != nil {
				return err
			}
			tree, err := journal.Newest(tx, l.Origin)
			if err == nil {
				err = atMost(tx, AgainKey(l.Origin), tree.Size)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Unknown knows nothing of any leaf but what proves it.
func Unknown(int64) (translog.Hash, bool) { return translog.Hash{}, false }

// PutBack stores what a page holds and this store lacks: heads as own statements at their leaves, bodies, parts of blobs. leaf gives what is known of a leaf
// from all pages together; a head that is not that leaf refuses the page. It signs nothing: only Regrow makes the log longer.
//
// What was erased here stays so (STM-7), and what an own receipt.recalled says was erased is erased again.
func (x *Exchange) PutBack(ctx context.Context, m *Mirrored, leaf func(index int64) (translog.Hash, bool), back *Back) error {
	var got Back
	err := x.write(ctx, func(b *batch) error {
		got = Back{again: map[party.Origin]int64{}, first: -1}
		b.last = statement.Time{} // what came back may stand after it
		m.kept = map[[2]int64]bool{}
		r := x.receiving(b, m.in)
		for _, l := range m.in.heads {
			if want, known := leaf(l.index); known && want != translog.LeafHash(l.ID) {
				return fault.New(fault.NotAuthentic, "PKT-10", "a head that was given back is not the leaf that the log has there")
			}
			if err := r.putBack(m, l, &got); err != nil {
				return err
			}
		}
		for id := range r.touched {
			if _, err := x.settle(b, id); err != nil {
				return err
			}
		}
		for _, p := range m.in.blobs {
			if err := r.blob(p); err != nil {
				return err
			}
		}
		return askAgain(b.tx, m.origin, got)
	})
	if err != nil {
		return err
	}
	back.Statements, back.Bodies = back.Statements+got.Statements, back.Bodies+got.Bodies
	return nil
}

func (b *Back) least(origin party.Origin, leaf int64) {
	if lo, ok := b.again[origin]; !ok || leaf < lo {
		b.again[origin] = leaf
	}
}

// putBack stores one own head with its body, unless it is here.
func (r *receiving) putBack(m *Mirrored, l located, back *Back) error {
	tx := r.b.tx
	have, err := tx.Statement(l.ID)
	switch {
	case err == nil && (have.Origin != m.origin || have.Index != l.index):
		return fault.New(fault.NotAuthentic, "PKT-6", "a head stands in two places")
	case fault.CodeOf(err) == fault.NotFound:
		if err := r.putBackHead(m, l, back); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	bodies := len(r.bodies)
	if _, err := r.body(l); err != nil { // one that is not its head's is passed over
		return err
	}
	back.Bodies += len(r.bodies) - bodies
	if l.Kind == thread.KindRecalled {
		return r.eraseAgain(l.Head)
	}
	return nil
}

func (r *receiving) putBackHead(m *Mirrored, l located, back *Back) error {
	tx := r.b.tx
	i := slices.IndexFunc(m.Tiles, func(t MirroredTile) bool { return t.N == l.index/translog.TileWidth && l.index < t.Size })
	t := m.Tiles[i]
	row := store.Statement{
		ID: l.ID, Thread: l.ThreadID(), Origin: m.origin, Index: l.index, ProofAt: t.Size, Kind: l.Kind, Precedence: l.Precedence, Head: l.Raw, Arrived: l.Time,
		Folded: true,
	}
	if l.Kind == thread.KindDelivered {
		row.Thread = thread.ID{}
		if err := r.acknowledged(l, back); err != nil {
			return err
		}
	} else {
		p, err := r.x.place(r.b, l.Head, l.Time)
		if err != nil {
			return err
		}
		if row.Folded, row.Void = p.folded, string(p.void); !p.folded {
			r.touched[l.ThreadID()] = true
		}
	}
	if err := tx.PutStatement(row); err != nil {
		return err
	}
	back.Statements++
	if back.first < 0 || l.index < back.first {
		back.first = l.index
	}
	if key := [2]int64{t.N, t.Size}; !m.kept[key] {
		m.kept[key] = true
		if err := r.x.keepTile(tx, m.origin, t); err != nil {
			return err
		}
	}
	if err := tx.DropWanted(l.ID); err != nil {
		return err
	}
	return r.x.heard(r.b, l.Head)
}

// keepTile keeps a tile of an own log with its path: where the log is never whole again, that is what proves its leaves.
func (x *Exchange) keepTile(tx store.Tx, origin party.Origin, t MirroredTile) error {
	hashes := make([]byte, 0, len(t.Hashes)*len(translog.Hash{}))
	for _, h := range t.Hashes {
		hashes = append(hashes, h[:]...)
	}
	if err := tx.PutTile(origin, 0, t.N, hashes); err != nil {
		return err
	}
	return tx.PutTilePath(store.TilePath{Origin: origin, N: t.N, Size: t.Size, Path: t.Path})
}

// acknowledged takes an own receipt that came back: what it covers was receipted here, and has to be asked for again.
func (r *receiving) acknowledged(l located, back *Back) error {
	// spec: RCP-2
	d, err := thread.Facts[thread.Delivered](l.Head)
	if err != nil {
		return nil // it says nothing of arrival (RCP-1)
	}
	put := func(what store.ArrivalKind, lo, hi int64) error {
		back.least(d.Origin, lo)
		return r.b.tx.PutArrival(store.Arrival{Peer: r.x.Self, Origin: d.Origin, What: what, Lo: lo, Hi: hi, Receipt: l.ID, Time: l.Time})
	}
	for what, ranges := range map[store.ArrivalKind][]thread.Range{store.HeadArrived: d.Heads, store.BodyArrived: d.Bodies} {
		for _, g := range ranges {
			if err := put(what, g[0], g[1]); err != nil {
				return err
			}
		}
	}
	for _, c := range d.Blobs {
		back.least(d.Origin, c.Index) // whether these were all is for the statement to tell
	}
	return nil
}

// eraseAgain destroys what this party said that it had destroyed.
func (r *receiving) eraseAgain(h *statement.Head) error {
	// spec: STM-7, RCP-5
	f, err := thread.Facts[thread.Recalled](h)
	if err != nil {
		return nil
	}
	for _, id := range f.IDs {
		var of *statement.Head
		if s, err := r.b.tx.Statement(id); err == nil {
			if of, err = statement.ParseHead(s.Head); err != nil {
				return err
			}
		} else if fault.CodeOf(err) != fault.NotFound {
			return err
		}
		if err := erase(r.b.tx, id, of); err != nil {
			return err
		}
	}
	return unscrubbed(r.b.tx)
}
