package exchange

import (
	"context"
	"io"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// Regrowth is how far an own log is known again.
type Regrowth struct {
	Old   int64 // leaves that the store had
	Tree  translog.Tree
	Tiles []translog.TileData
	Notes []translog.Checkpoint // of the same tree, at Tree.Size or below; the one of Tree.Size is among them
	Whole bool                  // nothing more is known to have left: the log goes on
}

// Regrow makes an own log as long again as it was, from leaves that are proven to be the tree's. Leaves whose statements did not come back stay bare.
func (x *Exchange) Regrow(ctx context.Context, g Regrowth) error {
	// spec: LOG-15
	return x.write(ctx, func(b *batch) error {
		tx, origin := b.tx, g.Tree.Origin
		b.last = statement.Time{}
		length, err := tx.Length(origin)
		if err == nil && length != g.Old {
			err = fault.New(fault.Unavailable, "LOG-15", "the log has changed meanwhile: look again")
		}
		if err != nil {
			return err
		}
		for _, t := range g.Tiles {
			if err := tx.PutTile(origin, t.Level, t.N, t.Hashes); err != nil {
				return err
			}
		}
		root, err := translog.Root(g.Tree.Size, x.Journal.Tiles(tx, origin))
		if err != nil {
			return err
		}
		if root != g.Tree.Root {
			return fault.New(fault.NotAuthentic, "LOG-15", "what was given back does not give the root that the log's keys signed")
		}
		for _, cp := range g.Notes {
			if err := x.keepOwn(tx, cp, true); err != nil {
				return err
			}
		}
		if err := x.noteBare(tx, origin, g.Old, g.Tree.Size); err != nil || !g.Whole {
			return err
		}
		return x.Journal.Reopen(tx)
	})
}

// keepOwn keeps an own checkpoint with the cosignatures that count.
func (x *Exchange) keepOwn(tx store.Tx, cp translog.Checkpoint, proven bool) error {
	r := &receiving{x: x, b: reading(tx, 0)}
	n, kept, err := r.cosigners(cp.Note, cp.Origin)
	if err != nil {
		return err
	}
	return tx.PutCheckpoint(store.Checkpoint{
		Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: statement.TimeOf(cp.Time), Note: kept, Cosigs: n, Proven: proven,
	})
}

// bareKey names the note of which leaves of an own log are bare.
func bareKey(origin party.Origin) string { return "bare:" + string(origin) }

// noteBare notes which leaves from old up to size have no statement here.
func (x *Exchange) noteBare(tx store.Tx, origin party.Origin, old, size int64) error {
	bare, err := Bare(tx, origin)
	if err != nil {
		return err
	}
	bare = slices.DeleteFunc(bare, func(g thread.Range) bool { return g[0] >= old })
	next := old
	add := func(upTo int64) {
		if upTo > next {
			bare = append(bare, thread.Range{next, upTo})
		}
	}
	if err := tx.Scan(origin, "", old, func(s store.Statement) bool {
		if s.Index >= size {
			return false
		}
		add(s.Index)
		next = s.Index + 1
		return true
	}); err != nil {
		return err
	}
	add(size)
	if len(bare) == 0 {
		return nil
	}
	raw, err := json.Marshal(bare)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the bare leaves cannot be noted")
	}
	return tx.SetMeta(bareKey(origin), string(raw))
}

// Bare lists the leaves of an own log whose statements were lost and did not come back, as half-open ranges: only their hashes are here.
func Bare(tx store.Delivery, origin party.Origin) (out []thread.Range, err error) {
	// spec: LOG-15
	raw, err := tx.Meta(bareKey(origin))
	if err != nil || raw == "" {
		return nil, err
	}
	if err := json.Unmarshal([]byte(raw), &out); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the note of bare leaves is damaged")
	}
	return out, nil
}

// lastKnown is the time below which the log's must not fall where its newest leaf is bare: that of the newest statement that is here, and of the checkpoint that
// covers the bare ones.
func (b *batch) lastKnown(origin party.Origin) (statement.Time, error) {
	// spec: LOG-7, LOG-15
	cp, err := b.tx.Newest(origin)
	if err != nil {
		return statement.Time{}, err
	}
	b.last = cp.Time
	before, _, err := b.tx.Neighbours(origin, b.next())
	if err != nil {
		return statement.Time{}, err
	}
	for _, s := range before {
		h, err := statement.ParseHead(s.Head)
		if err != nil {
			return statement.Time{}, err
		}
		if b.last.Before(h.Time) {
			b.last = h.Time
		}
	}
	return b.last, nil
}

// Claim is a peer's bare word that this party's log is longer than it is here. It is no proof: whoever is told of it asks that peer for the checkpoint.
type Claim struct{ Size int64 }

func (c *Claim) Error() string { return "a peer claims more of the own log than there is" }

// named checks what a receipt says of the own log: a tree that it had.
func (r *receiving) named(d thread.Delivered) error {
	// spec: RCP-1
	tx, x := r.b.tx, r.x
	length := r.b.first
	if d.Origin != x.Journal.Origin() {
		logs, err := x.Logs(tx, x.Self)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(logs, func(l Log) bool { return l.Origin == d.Origin && l.Closing != nil })
		if i < 0 || d.Size > logs[i].Closing.Size {
			return fault.New(fault.NotAuthentic, "RCP-1", "a receipt is for another log")
		}
		if length, err = tx.Length(d.Origin); err != nil {
			return err
		}
		if d.Size > length { // of a log that was closed with a part of it lost: nobody here can say what its root was
			return nil
		}
	}
	if d.Size > length {
		return fault.Wrap(&Claim{d.Size}, fault.NotAuthentic, "RCP-1", "a receipt names more than was ever sent")
	}
	root, err := translog.Root(d.Size, x.Journal.Tiles(tx, d.Origin))
	if err != nil {
		return err
	}
	if root != translog.Hash(d.Root) {
		return fault.New(fault.NotAuthentic, "RCP-1", "a receipt names a root that this log never had")
	}
	return nil
}

// Shown takes a checkpoint of the own log that a peer gave back on its own. lacks: the store does not have it, and from now on nothing is signed.
func (x *Exchange) Shown(ctx context.Context, by party.Code, cp translog.Checkpoint) (lacks bool, err error) {
	err = x.write(ctx, func(b *batch) error {
		if lacks, err = x.Journal.Shown(b.tx, cp); err != nil || !lacks {
			return err
		}
		x.alarm(by, cp)
		return x.keepOwn(b.tx, cp, false)
	})
	return lacks, err
}

// shown is that for one that came beside something else.
func (x *Exchange) shown(tx store.Tx, by party.Code, cp translog.Checkpoint) error {
	lacks, err := x.Journal.Shown(tx, cp)
	if lacks {
		x.alarm(by, cp)
	}
	return err
}

func (x *Exchange) alarm(by party.Code, cp translog.Checkpoint) {
	x.Log.Error("BEHIND: a peer has shown a checkpoint of the own log that this store does not have: nothing is signed", "shown_by", string(by), "size", cp.Size)
}

// keepShown keeps an own checkpoint that was shown and is not here: as proven, where it is one of the tree that is here.
func (x *Exchange) keepShown(tx store.Tx, cp translog.Checkpoint, note []byte, cosigs int) error {
	row := store.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: statement.TimeOf(cp.Time), Note: note, Cosigs: cosigs}
	newest, err := journal.Newest(tx, cp.Origin)
	if err != nil {
		return err
	}
	if cp.Size <= newest.Size {
		root, err := translog.Root(cp.Size, x.Journal.Tiles(tx, cp.Origin))
		if err != nil {
			return err
		}
		row.Proven = root == cp.Root
	}
	return tx.PutCheckpoint(row)
}

// ReceiveAgain is ReceiveFrom for what this store has lost and acknowledged before: the receipts that were given for it stand, and none are given anew.
func (x *Exchange) ReceiveAgain(ctx context.Context, sender party.Code, r io.Reader, prove Prover) (Received, error) {
	in, err := x.unseal(ctx, sender, r)
	if err != nil {
		return Received{}, err
	}
	in.again = true
	return x.receive(ctx, in, prove)
}

// saidBefore leaves out of what is about to be receipted and refused what this party's own log says already.
func (r *receiving) saidBefore() error {
	// spec: RCP-2
	if !r.in.again {
		return nil
	}
	for what, leaves := range map[store.ArrivalKind]*[]int64{store.HeadArrived: &r.heads, store.BodyArrived: &r.bodies} {
		kept := (*leaves)[:0]
		for _, leaf := range *leaves {
			n := len(r.again)
			a, err := r.b.tx.ArrivedAt(r.x.Self, r.in.cp.Origin, what, leaf)
			if fault.CodeOf(err) == fault.NotFound {
				kept = append(kept, leaf)
				continue
			}
			if err != nil {
				return err
			}
			if !slices.Contains(r.again[:n], a.Receipt) {
				r.again = append(r.again, a.Receipt)
			}
		}
		*leaves = kept
	}
	var open []refusal
	for _, f := range r.refusals {
		said, err := r.refusedBefore(f.head)
		if err != nil {
			return err
		}
		if !said {
			open = append(open, f)
		}
	}
	r.refusals = open
	return nil
}

// refusedBefore tells whether this party has refused a head in its thread.
func (r *receiving) refusedBefore(h *statement.Head) (said bool, err error) {
	heads, err := Heads(r.b.tx, h.ThreadID())
	for _, o := range heads {
		if o.From != r.x.Self || o.Kind != thread.KindRefused {
			continue
		}
		f, err := thread.Facts[thread.Refused](o)
		said = said || err == nil && f.ID == h.ID
	}
	return said, err
}
