package exchange

import (
	"context"
	"io"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// maxAhead is how far a checkpoint's time may be ahead of this node's clock (LOG-10).
const maxAhead = 300 * time.Second

// incoming is a packet that is unsealed, parsed, and whose signatures and paths hold. Nothing of it is stored yet.
type incoming struct {
	ctx    context.Context // for what the diary says of it
	sender party.Code      // who brought it
	author party.Code      // whose log it is
	log    lettered        // what its letters say of it
	again  bool            // it was asked for because this store has lost what it has acknowledged before
	cp     translog.Checkpoint
	from   int64 // the consistency proof's old size
	proof  []translog.Hash
	heads  []located
	tiles  []translog.TileProof
	notes  [][]byte
	want   []statement.ID
	bodies map[statement.Digest][]byte
	blobs  []blobPart
}

// located is a head with its proven place in the author's log.
type located struct {
	*statement.Head
	index int64
}

type blobPart struct {
	sha256 statement.Digest
	offset int64
	data   []byte
}

// Front implements packet.Handler.
func (in *incoming) Front(c *packet.Contents) error {
	var err error
	if len(c.Consistency) > 0 {
		if in.from, in.proof, err = translog.ParseConsistency(c.Consistency); err != nil {
			return err
		}
	}
	in.cp.Note, in.notes, in.want = c.Checkpoint, c.Witnessed, c.Want
	for _, line := range c.Tiles {
		t, err := translog.ParseTileProof(line)
		if err != nil {
			return err
		}
		in.tiles = append(in.tiles, t)
	}
	for _, raw := range c.Heads {
		h, err := statement.ParseHead(raw)
		if err != nil {
			return err
		}
		in.heads = append(in.heads, located{Head: h, index: -1})
	}
	return nil
}

// Body implements packet.Handler.
func (in *incoming) Body(raw []byte) error {
	in.bodies[statement.Sum(raw)] = append([]byte(nil), raw...)
	return nil
}

// Blob implements packet.Handler. A part is bounded by the packet (PKT-3), so it is held until the transaction can take it.
func (in *incoming) Blob(sum statement.Digest, offset int64, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	in.blobs = append(in.blobs, blobPart{sum, offset, data})
	return nil
}

// unseal opens a packet and proves it, without writing anything.
func (x *Exchange) unseal(ctx context.Context, sender party.Code, r io.Reader) (*incoming, error) {
	in := &incoming{ctx: ctx, sender: sender, bodies: map[statement.Digest][]byte{}}
	if err := x.Codec.Open(r, x.Identity, in); err != nil {
		return nil, err
	}
	origin, err := translog.PeekOrigin(in.cp.Note)
	if err != nil {
		return nil, err
	}
	in.author = origin.Code()
	if in.sender == "" { // the bag: nobody but the log itself says whose packet it is
		in.sender = in.author
	}
	if in.log, err = x.authentic(ctx, in, origin); err != nil {
		return nil, err
	}
	if in.cp, err = translog.OpenCheckpoint(in.cp.Note, origin, in.log.keys); err != nil {
		return nil, err
	}
	if in.log.closing != nil { // spec: LTR-7
		if err := in.log.closing.Check(in.cp.Size, in.cp.Root); err != nil {
			return nil, err
		}
	}
	// spec: LOG-10
	if ahead := in.cp.Time.Sub(x.Now()); ahead > maxAhead {
		return nil, fault.New(fault.Clock, "LOG-10", "the log of %s is %s ahead of this node's clock: one of the two is wrong", in.author, ahead.Round(time.Second))
	}
	return in, in.locate()
}

// authentic finds the keys under which a log's checkpoint is to be checked.
func (x *Exchange) authentic(ctx context.Context, in *incoming, origin party.Origin) (log lettered, err error) {
	if in.author == x.Self {
		return log, fault.New(fault.NotAddressed, "PKT-9", "a packet with this party's own log")
	}
	err = x.Store.View(ctx, func(tx store.Tx) (err error) {
		// spec: LTR-7, LTR-8
		if log, err = x.logKeys(tx, origin); err != nil {
			return err
		}
		return noFork(tx, origin)
	})
	return log, err
}

// noFork refuses everything from a log that has been caught with two histories.
func noFork(tx store.Log, origin party.Origin) error {
	// spec: LOG-9
	var forked bool
	err := tx.Forks(func(f store.Fork) bool {
		forked = f.Origin == origin
		return !forked
	})
	if err == nil && forked {
		return fault.New(fault.Fork, "LOG-9", "the log %s has two histories: nothing more is accepted from it", origin)
	}
	return err
}

// locate checks the tiles against the checkpoint and finds each head in them.
func (in *incoming) locate() error {
	// spec: PKT-5, PKT-6, LOG-6
	place := map[translog.Hash]int64{}
	for _, t := range in.tiles {
		if err := t.Check(in.cp.Size, in.cp.Root); err != nil {
			return err
		}
		for i, h := range t.Hashes {
			place[h] = t.N*256 + int64(i)
		}
	}
	for i := range in.heads {
		h := &in.heads[i]
		index, ok := place[translog.LeafHash(h.ID)]
		if !ok {
			return fault.New(fault.NotAuthentic, "PKT-6", "a head is not in the log that is said to hold it")
		}
		h.index = index
		h.Place = statement.Place{Origin: in.cp.Origin, Index: index}
		if h.From != in.author { // spec: PKT-7
			return fault.New(fault.NotAuthentic, "PKT-7", "a head's author is not the party whose log holds it")
		}
		if in.sender != in.author && !h.IsFor(in.sender) { // spec: PKT-9
			return fault.New(fault.NotAddressed, "PKT-9", "a head is relayed by a party that it was not said to")
		}
	}
	// Bytes of an attachment are known for what they are once it is whole: from anybody but its author they could spoil what is half here.
	// spec: PKT-9
	if in.sender != in.author && (len(in.heads) == 0 || len(in.blobs) > 0) {
		return fault.New(fault.NotAddressed, "PKT-9", "a packet has what its author alone may bring")
	}
	return in.claimed()
}

// claimed makes sure that each body belongs to a head of the packet.
func (in *incoming) claimed() error {
	// spec: PKT-8
	heads := map[statement.Digest]bool{}
	for _, h := range in.heads {
		if h.Body != nil {
			heads[h.Body.SHA256] = true
		}
	}
	for sum := range in.bodies {
		if !heads[sum] {
			return fault.New(fault.NotAuthentic, "PKT-8", "a body belongs to no head of its packet")
		}
	}
	return nil
}
