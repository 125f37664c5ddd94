package exchange

import (
	"errors"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// checkpoint holds the packet's checkpoint against all that was accepted of this log before, and keeps it.
func (r *receiving) checkpoint() error {
	// spec: LOG-8, LOG-9
	tx, cp := r.b.tx, r.in.cp
	last, err := journal.Newest(tx, cp.Origin)
	if err != nil {
		return err
	}
	r.Accepted, r.before = last.Size, last.Size
	if done, err := r.closed(last); done || err != nil {
		return err
	}
	switch {
	case last.Size == cp.Size && last.Size > 0:
		if last.Root != cp.Root {
			return r.fork(cp, last)
		}
		return nil
	case cp.Size < last.Size:
		return r.older(last)
	case last.Size > 0:
		proof, ok := r.proofFrom(last.Size)
		if !ok {
			return lacking(cp.Origin, last.Size, cp.Size)
		}
		if err := translog.CheckConsistency(proof, last.Size, cp.Size, last.Root, cp.Root); err != nil {
			return fault.Wrap(err, fault.Parked, "LOG-8", "the consistency proof from size %d does not verify", last.Size)
		}
		if err := tx.PutConsistency(store.Consistency{Origin: cp.Origin, From: last.Size, To: cp.Size, Hashes: proof}); err != nil {
			return err
		}
	}
	row, err := r.keepCheckpoint(cp)
	if err != nil {
		return err
	}
	r.Accepted = cp.Size
	_, err = r.x.cosign(tx, row)
	return err
}

// older takes a packet that was made before one that has arrived already. It adds nothing to what is accepted of the log, and its checkpoint needs
// to be known, or the proof the other way.
func (r *receiving) older(last translog.Tree) error {
	// spec: LOG-8
	cp := r.in.cp
	var root *translog.Hash
	err := r.b.tx.Checkpoints(cp.Origin, cp.Size, func(c store.Checkpoint) bool {
		if c.Size == cp.Size && c.Proven {
			root = &c.Root
		}
		return c.Size <= cp.Size && root == nil
	})
	switch {
	case err != nil:
		return err
	case root != nil && *root != cp.Root:
		return r.fork(cp, translog.Tree{Origin: cp.Origin, Size: cp.Size, Root: *root})
	case root != nil:
		return nil
	case r.in.from != cp.Size:
		return lacking(cp.Origin, cp.Size, last.Size)
	}
	if err := translog.CheckConsistency(r.in.proof, cp.Size, last.Size, cp.Root, last.Root); err != nil {
		return fault.Wrap(err, fault.Parked, "LOG-8", "the consistency proof to size %d does not verify", last.Size)
	}
	if err := r.b.tx.PutConsistency(store.Consistency{Origin: cp.Origin, From: cp.Size, To: last.Size, Hashes: r.in.proof}); err != nil {
		return err
	}
	_, err = r.keepCheckpoint(cp)
	return err
}

// lacks is a consistency proof that a packet needs and does not have.
type lacks struct {
	origin   party.Origin
	from, to int64
}

func (l *lacks) Error() string { return "a consistency proof is missing" }

// proofFrom is the consistency proof that the packet brought from that size, or else what its tiles give, where the author could not know of the
// size: a packet with nothing but receipts is never receipted, and the file that it travelled in may have come or not.
func (r *receiving) proofFrom(size int64) ([]translog.Hash, bool) {
	// spec: LOG-8
	if r.in.from == size {
		return r.in.proof, true
	}
	for _, t := range r.in.tiles {
		if proof, ok := t.Consistency(r.in.cp.Size, size); ok {
			return proof, true
		}
	}
	return nil, false
}

func lacking(origin party.Origin, from, to int64) error {
	return fault.Wrap(&lacks{origin, from, to}, fault.Parked, "LOG-8", "a consistency proof from size %d to size %d is needed", from, to)
}

// keepCheckpoint stores a checkpoint that was found consistent, with the signature lines that somebody here may need.
func (r *receiving) keepCheckpoint(cp translog.Checkpoint) (store.Checkpoint, error) {
	row := store.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: statement.TimeOf(cp.Time), Proven: true}
	var err error
	if row.Cosigs, row.Note, err = r.cosigners(cp.Note, cp.Origin); err != nil {
		return row, err
	}
	if err := r.seenBefore(&row); err != nil {
		return row, err
	}
	return row, r.b.tx.PutCheckpoint(row)
}

// seenBefore merges what somebody else had shown of this very checkpoint, and finds the fork when they had shown another.
func (r *receiving) seenBefore(row *store.Checkpoint) error {
	var bad error
	err := r.b.tx.Checkpoints(row.Origin, row.Size, func(c store.Checkpoint) bool {
		if c.Size != row.Size {
			return false
		}
		if c.Root != row.Root {
			bad = r.forkNotes(row.Note, c.Note)
			return false
		}
		if row.Note, bad = translog.MergeSignatures(row.Note, c.Note); bad == nil {
			row.Cosigs, row.Note, bad = r.cosigners(row.Note, row.Origin)
		}
		return bad == nil
	})
	return errors.Join(err, bad)
}

func (r *receiving) fork(cp translog.Checkpoint, have translog.Tree) error {
	var note []byte
	err := r.b.tx.Checkpoints(have.Origin, have.Size, func(c store.Checkpoint) bool {
		if c.Size == have.Size && c.Root == have.Root {
			note = c.Note
		}
		return c.Size <= have.Size && note == nil
	})
	if err != nil {
		return err
	}
	return r.forkNotes(cp.Note, note)
}

func (r *receiving) forkNotes(a, b []byte) error {
	// spec: LOG-9
	origin, err := translog.PeekOrigin(a)
	if err != nil {
		return err
	}
	f := &forked{store.Fork{Origin: origin, NoteA: a, NoteB: b, Found: r.now, Why: "equal-size"}}
	return fault.Wrap(f, fault.Fork, "LOG-9", "the log %s has two histories: nothing more is accepted from it", origin)
}

// keepProof keeps the tile and path that prove a leaf, for evidence later: once for all heads of a packet that share them.
func (r *receiving) keepProof(index int64) error {
	n := index / translog.TileWidth
	if r.proven[n] {
		return nil
	}
	i := slices.IndexFunc(r.in.tiles, func(t translog.TileProof) bool { return t.N == n })
	t := r.in.tiles[i]
	hashes := make([]byte, 0, len(t.Hashes)*len(translog.Hash{}))
	for _, h := range t.Hashes {
		hashes = append(hashes, h[:]...)
	}
	if err := r.b.tx.PutTile(r.in.cp.Origin, 0, n, hashes); err != nil {
		return err
	}
	if err := r.b.tx.PutTilePath(store.TilePath{Origin: r.in.cp.Origin, N: n, Size: r.in.cp.Size, Path: t.Path}); err != nil {
		return err
	}
	r.proven[n] = true
	return nil
}
