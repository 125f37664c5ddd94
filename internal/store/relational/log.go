package relational

import (
	"bytes"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/translog"
)

const hashSize = 32

// Tile implements store.Log.
func (t *txn) Tile(origin party.Origin, level int, n int64) (hashes []byte, err error) {
	_, err = t.one(`SELECT hashes FROM tile WHERE origin = $1 AND level = $2 AND n = $3`, []any{origin, level, n}, &hashes)
	return hashes, err
}

// PutTile implements store.Log. Hashes of a log never change, so a tile that is no continuation of the stored one is refused, and one
// that is no longer says nothing new.
func (t *txn) PutTile(origin party.Origin, level int, n int64, hashes []byte) error {
	if len(hashes) == 0 || len(hashes)%hashSize != 0 || len(hashes) > 256*hashSize {
		return fault.New(fault.Internal, "", "a tile has 1 to 256 hashes")
	}
	if err := t.mayWrite(); err != nil {
		return err
	}
	old, err := t.Tile(origin, level, n)
	if err != nil {
		return err
	}
	if !bytes.Equal(old[:min(len(old), len(hashes))], hashes[:min(len(old), len(hashes))]) {
		return differs("tile")
	}
	if len(hashes) <= len(old) {
		return nil
	}
	_, err = t.exec(`INSERT INTO tile (origin, level, n, hashes) VALUES ($1, $2, $3, $4)
		ON CONFLICT (origin, level, n) DO UPDATE SET hashes = excluded.hashes`, origin, level, n, hashes)
	return err
}

const checkpointColumns = `origin, size, root, time, note, cosigs, proven`

func readCheckpoint(scan func(...any) error, c *store.Checkpoint) error {
	return scan(&c.Origin, &c.Size, hashColumn{(*[32]byte)(&c.Root)}, timeInto(&c.Time), &c.Note, &c.Cosigs, &c.Proven)
}

// PutCheckpoint implements store.Log.
func (t *txn) PutCheckpoint(c store.Checkpoint) error {
	_, err := t.exec(`INSERT INTO checkpoint (`+checkpointColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (origin, size, root) DO UPDATE SET time = excluded.time, note = excluded.note,
		cosigs = excluded.cosigs, proven = excluded.proven`,
		c.Origin, c.Size, c.Root[:], millis(c.Time), full(c.Note), c.Cosigs, bit(c.Proven))
	return err
}

// Newest implements store.Log.
func (t *txn) Newest(origin party.Origin) (store.Checkpoint, error) {
	all, err := list(t, `SELECT `+checkpointColumns+` FROM checkpoint WHERE origin = $1 AND proven = 1 ORDER BY size DESC LIMIT 1`,
		[]any{origin}, readCheckpoint)
	return first(all, err, "proven checkpoint")
}

// Checkpoints implements store.Log.
func (t *txn) Checkpoints(origin party.Origin, from int64, yield func(store.Checkpoint) bool) error {
	start := store.Checkpoint{Size: from - 1, Root: greatest()}
	return paged(start, func(after store.Checkpoint, limit int) ([]store.Checkpoint, error) {
		return list(t, `SELECT `+checkpointColumns+` FROM checkpoint WHERE origin = $1 AND (size, root) > ($2, $3)
			ORDER BY size, root LIMIT $4`, []any{origin, after.Size, after.Root[:], limit}, readCheckpoint)
	}, yield)
}

// CheckpointsBelow implements store.Log.
func (t *txn) CheckpointsBelow(origin party.Origin, below int64, limit int) ([]store.Checkpoint, error) {
	return list(t, `SELECT `+checkpointColumns+` FROM checkpoint WHERE origin = $1 AND proven = 1 AND size < $2 ORDER BY size DESC LIMIT $3`,
		[]any{origin, below, limit}, readCheckpoint)
}

// greatest sorts after every other hash.
func greatest() (h translog.Hash) {
	for i := range h {
		h[i] = 0xff
	}
	return h
}

// PutConsistency implements store.Log.
func (t *txn) PutConsistency(c store.Consistency) error {
	n, err := t.exec(`INSERT INTO consistency (origin, from_size, to_size, hashes) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, c.Origin, c.From, c.To, flat(c.Hashes))
	if err != nil || n == 1 {
		return err
	}
	var old []byte
	_, err = t.one(`SELECT hashes FROM consistency WHERE origin = $1 AND from_size = $2 AND to_size = $3`,
		[]any{c.Origin, c.From, c.To}, &old)
	if err == nil && !bytes.Equal(old, flat(c.Hashes)) {
		return differs("consistency proof")
	}
	return err
}

// Consistencies implements store.Log.
func (t *txn) Consistencies(origin party.Origin, from int64, yield func(store.Consistency) bool) error {
	start := store.Consistency{From: from, To: -1}
	return paged(start, func(after store.Consistency, limit int) ([]store.Consistency, error) {
		return list(t, `SELECT origin, from_size, to_size, hashes FROM consistency WHERE origin = $1 AND (from_size, to_size) > ($2, $3)
			ORDER BY from_size, to_size LIMIT $4`, []any{origin, after.From, after.To, limit},
			func(scan func(...any) error, c *store.Consistency) error {
				return scan(&c.Origin, &c.From, &c.To, hashesColumn{&c.Hashes})
			})
	}, yield)
}

// PutTilePath implements store.Log.
func (t *txn) PutTilePath(p store.TilePath) error {
	n, err := t.exec(`INSERT INTO tile_path (origin, n, size, path) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		p.Origin, p.N, p.Size, flat(p.Path))
	if err != nil || n == 1 {
		return err
	}
	old, err := t.TilePath(p.Origin, p.N, p.Size)
	if err == nil && !slices.Equal(old.Path, p.Path) {
		return differs("tile path")
	}
	return err
}

// TilePath implements store.Log.
func (t *txn) TilePath(origin party.Origin, n, size int64) (store.TilePath, error) {
	p := store.TilePath{Origin: origin, N: n, Size: size}
	found, err := t.one(`SELECT path FROM tile_path WHERE origin = $1 AND n = $2 AND size = $3`,
		[]any{origin, n, size}, hashesColumn{&p.Path})
	if err == nil && !found {
		err = missing("tile path")
	}
	return p, err
}

// PutFork implements store.Log.
func (t *txn) PutFork(f store.Fork) error {
	digest := sum(f.NoteA, f.NoteB)
	_, err := t.exec(`INSERT INTO fork (origin, digest, note_a, note_b, found, why) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT DO NOTHING`, f.Origin, digest[:], full(f.NoteA), full(f.NoteB), millis(f.Found), f.Why)
	return err
}

// Forks implements store.Log. There are few, if any: they are read at once.
func (t *txn) Forks(yield func(store.Fork) bool) error {
	all, err := list(t, `SELECT origin, note_a, note_b, found, why FROM fork ORDER BY found, origin, digest`, nil,
		func(scan func(...any) error, f *store.Fork) error {
			return scan(&f.Origin, &f.NoteA, &f.NoteB, timeInto(&f.Found), &f.Why)
		})
	return each(all, err, yield)
}

// flat is hashes in a row.
func flat(hashes []translog.Hash) []byte {
	b := make([]byte, 0, len(hashes)*hashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// hashesColumn scans what flat wrote.
type hashesColumn struct{ h *[]translog.Hash }

func (c hashesColumn) Scan(v any) error {
	b, _ := v.([]byte)
	if len(b)%hashSize != 0 {
		return fault.New(fault.Internal, "", "a column of hashes holds %d bytes", len(b))
	}
	*c.h = nil
	for h := range slices.Chunk(b, hashSize) {
		*c.h = append(*c.h, translog.Hash(h))
	}
	return nil
}
