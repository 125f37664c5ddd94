package relational

import (
	"bytes"
	"crypto/cipher"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Bytes of content in one row. What is small lies in small pieces, so that a line of a parcel is read without all of it.
const (
	maxPiece   = 256 * 1024
	smallPiece = 32 * 1024
	maxInSmall = 1 << 20
)

// pieceOf is how much the pieces of a content of a size hold, but for the last: of one that came at once. Others have pieces as it came.
func pieceOf(size int64) int64 {
	if size <= maxInSmall {
		return smallPiece
	}
	return maxPiece
}

// content is a row of the table.
type content struct {
	store.Content
	id     int64 // of the row: see contentID
	key    int64 // 0: none yet
	last   int64 // piece; 0: none yet
	exists bool  // there is a row
}

// contentID is the key of a body or blob of the statement at p.
func contentID(p place, part int) int64 { return int64(p)<<partBits | int64(part+1) }

// content finds a body or blob. For one of a statement that is not here, id is 0; Erased tells then whether a tombstone waits for it.
func (t *txn) content(ref store.ContentRef) (c content, err error) {
	if ref.Part < store.BodyPart || ref.Part >= statement.MaxBlobs {
		return c, nil
	}
	p, found, err := t.placeOf(ref.Statement)
	if err != nil {
		return c, err
	}
	if !found {
		c.Erased, err = t.buried(ref)
		return c, err
	}
	c.id = contentID(p, ref.Part)
	c.exists, err = t.one(`SELECT sha256, size, arrived, whole, erased, key_id, last FROM content WHERE id = $1`, []any{c.id},
		digestInto(&c.SHA256), &c.Size, &c.Arrived, &c.Whole, &c.Erased, &c.key, &c.last)
	return c, err
}

// newContent is the key for a row of a statement that is here.
func (t *txn) newContent(ref store.ContentRef) (int64, error) {
	if err := t.mayWrite(); err != nil {
		return 0, err
	}
	if ref.Part < store.BodyPart || ref.Part >= statement.MaxBlobs {
		return 0, fault.New(fault.Internal, "", "no statement has a part with this number")
	}
	p, found, err := t.placeOf(ref.Statement)
	if err == nil && !found {
		err = missing("statement")
	}
	return contentID(p, ref.Part), err
}

// PutContent implements store.Contents. The tombstone of what was never announced learns its digest.
func (t *txn) PutContent(ref store.ContentRef, sha256 statement.Digest, size int64) error {
	id, err := t.newContent(ref)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO content (id, size, arrived, whole, erased, key_id, sha256, last) VALUES ($1, $2, 0, 0, 0, 0, $3, 0)
		ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size WHERE content.sha256 IS NULL`, id, size, sha256[:])
	return err
}

// PutWhole implements store.Contents.
func (t *txn) PutWhole(ref store.ContentRef, sha256 statement.Digest, data []byte) error {
	if len(data) > smallPiece {
		return t.putLarge(ref, sha256, data)
	}
	id, err := t.newContent(ref)
	if err != nil {
		return err
	}
	var key, piece int64
	var aead cipher.AEAD
	if len(data) > 0 {
		if key, aead, err = t.makeKey(); err == nil {
			piece, err = t.nextPiece()
		}
		if err != nil {
			return err
		}
	}
	n, err := t.exec(`INSERT INTO content (id, size, arrived, whole, erased, key_id, sha256, last) VALUES ($1, $2, $2, 1, 0, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size, arrived = excluded.arrived, whole = 1,
		key_id = excluded.key_id, last = excluded.last WHERE content.erased = 0 AND content.arrived = 0 AND content.whole = 0`,
		id, len(data), key, sha256[:], piece)
	switch {
	case err != nil:
		return err
	case n == 0: // spec: STM-7
		return errors.Join(fault.New(fault.Exists, "STM-7", "this content is here already, or was erased"), t.destroy(key, 0))
	case piece == 0:
		return nil
	}
	return t.putPiece(piece, 0, key, seal(aead, ref, 0, data))
}

// putLarge is PutWhole for what does not fit into one row.
func (t *txn) putLarge(ref store.ContentRef, sha256 statement.Digest, data []byte) error {
	if err := t.PutContent(ref, sha256, int64(len(data))); err != nil {
		return err
	}
	if err := t.Append(ref, 0, data); err != nil {
		return err
	}
	return t.SetWhole(ref)
}

// Content implements store.Contents.
func (t *txn) Content(ref store.ContentRef) (store.Content, error) {
	c, err := t.content(ref)
	if err == nil && !c.exists && !c.Erased {
		err = missing("content")
	}
	return c.Content, err
}

// FindBlobs implements store.Contents.
func (t *txn) FindBlobs(sha256 statement.Digest) ([]store.ContentRef, error) {
	return list(t, `SELECT s.id, (c.id & 511) - 1 FROM content c JOIN statement s ON s.place = c.id >> 9
		WHERE c.sha256 = $1 AND (c.id & 511) <> 0 ORDER BY c.id`, []any{sha256[:]}, readRef)
}

func readRef(scan func(...any) error, r *store.ContentRef) error {
	return scan(idInto(&r.Statement), &r.Part)
}

// growing is a content that may be written to: announced, and no tombstone.
func (t *txn) growing(ref store.ContentRef) (content, error) {
	if err := t.mayWrite(); err != nil {
		return content{}, err
	}
	c, err := t.content(ref)
	switch {
	case err != nil:
		return c, err
	case c.Erased: // spec: STM-7
		return c, fault.New(fault.Exists, "STM-7", "this content was erased")
	case !c.exists:
		return c, missing("content")
	}
	return c, nil
}

// Append implements store.Contents.
func (t *txn) Append(ref store.ContentRef, offset int64, data []byte) error {
	c, err := t.growing(ref)
	switch {
	case err != nil:
		return err
	case c.Whole || offset != c.Arrived:
		return fault.New(fault.Exists, "", "content goes on at another offset")
	case int64(len(data)) > c.Size-c.Arrived:
		return fault.New(fault.TooLarge, "", "more content than was announced")
	case len(data) == 0:
		return nil
	}
	var aead cipher.AEAD
	if c.key == 0 {
		c.key, aead, err = t.makeKey()
	} else {
		aead, err = t.openKey(c.key)
	}
	if err != nil {
		return err
	}
	for data := range slices.Chunk(data, int(pieceOf(c.Size))) {
		piece, err := t.nextPiece()
		if err == nil {
			err = t.putPiece(piece, c.last, c.key, seal(aead, ref, offset, data))
		}
		if err != nil {
			return err
		}
		offset += int64(len(data))
		c.last = piece
	}
	_, err = t.exec(`UPDATE content SET arrived = $2, last = $3, key_id = $4 WHERE id = $1`, c.id, offset, c.last, c.key)
	return err
}

// seal encrypts one piece. The nonce is random and goes in front: a rolled-back write may already have used a counter's value.
func seal(aead cipher.AEAD, ref store.ContentRef, offset int64, piece []byte) []byte {
	return aead.Seal(make([]byte, 0, len(piece)+aead.Overhead()), nil, piece, belongs(ref, offset))
}

// belongs binds a piece to where it belongs.
func belongs(ref store.ContentRef, offset int64) []byte {
	b := make([]byte, 0, len(ref.Statement)+16)
	b = append(b, ref.Statement[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(int64(ref.Part)))
	return binary.BigEndian.AppendUint64(b, uint64(offset))
}

// SetWhole implements store.Contents.
func (t *txn) SetWhole(ref store.ContentRef) error {
	c, err := t.growing(ref)
	switch {
	case err != nil:
		return err
	case c.Arrived != c.Size:
		return fault.New(fault.Internal, "", "content was called whole before all of it was there")
	}
	_, err = t.exec(`UPDATE content SET whole = 1 WHERE id = $1`, c.id)
	return err
}

// Reset implements store.Contents. On a tombstone there is nothing to drop.
func (t *txn) Reset(ref store.ContentRef) error {
	c, err := t.growing(ref)
	if c.Erased {
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.destroy(c.key, c.last); err != nil {
		return err
	}
	if err := t.forget(c.id); err != nil {
		return err
	}
	_, err = t.exec(`UPDATE content SET arrived = 0, whole = 0, worded = 0, last = 0, key_id = 0 WHERE id = $1`, c.id)
	return err
}

// Read implements store.Contents. An error of w comes back as it is.
func (t *txn) Read(ref store.ContentRef, w io.Writer) error {
	c, err := t.content(ref)
	switch {
	case err != nil:
		return err
	case c.Erased: // spec: STM-7
		return fault.New(fault.Withheld, "STM-7", "this content was erased")
	case !c.Whole:
		return missing("content")
	case c.Size == 0:
		return nil
	}
	aead, err := t.openKey(c.key)
	if err != nil {
		return err
	}
	if b, ok := w.(*bytes.Buffer); ok {
		if done, err := t.readAtOnce(c, ref, aead, b); err != nil || done {
			return err
		}
	}
	pieces, err := t.pieces(c.last)
	if err != nil {
		return err
	}
	at := int64(0)
	for _, id := range slices.Backward(pieces) {
		sealed, err := t.sealed(id)
		if err != nil {
			return err
		}
		piece, err := aead.Open(sealed[:0], nil, sealed, belongs(ref, at))
		if err != nil || len(piece) == 0 {
			return orDamaged(nil)
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		at += int64(len(piece))
	}
	if at != c.Size {
		return orDamaged(nil)
	}
	return nil
}

// readAtOnce reads a content that came at once by one query, each piece opened into its place. done is false where it did not; then b is as it was.
func (t *txn) readAtOnce(c content, ref store.ContentRef, aead cipher.AEAD, b *bytes.Buffer) (done bool, err error) {
	if err := t.writePieces(); err != nil {
		return false, err
	}
	n := (c.Size + pieceOf(c.Size) - 1) / pieceOf(c.Size)
	var ours int64 // pieces with its key, which no other content has
	if _, err := t.one(`SELECT COUNT(*) FROM content_piece WHERE id > $1 AND id <= $2 AND key_id = $3`, []any{c.last - n, c.last, c.key}, &ours); err != nil || ours != n {
		return false, err
	}
	began := b.Len()
	b.Grow(int(c.Size) + aead.Overhead())
	done = true
	err = t.query(`SELECT sealed FROM content_piece WHERE id > $1 AND id <= $2 ORDER BY id`, []any{c.last - n, c.last}, func(scan func(...any) error) error {
		var sealed sql.RawBytes
		if err := scan(&sealed); err != nil || !done {
			return err
		}
		piece, err := aead.Open(b.AvailableBuffer(), nil, sealed, belongs(ref, int64(b.Len()-began)))
		if done = err == nil; done {
			_, _ = b.Write(piece) // it never fails
		}
		return nil
	})
	if done = done && int64(b.Len()-began) == c.Size; !done {
		b.Truncate(began)
	}
	return done, err
}

// Erase implements store.Contents.
func (t *txn) Erase(ref store.ContentRef) error {
	// spec: STM-7
	if err := t.mayWrite(); err != nil {
		return err
	}
	c, err := t.content(ref)
	if err != nil {
		return err
	}
	if c.id == 0 {
		_, err = t.exec(`INSERT INTO tombstone (statement, part) VALUES ($1, $2) ON CONFLICT DO NOTHING`, ref.Statement[:], ref.Part)
		t.cache.buried = nil
		return err
	}
	if err := t.destroy(c.key, c.last); err != nil {
		return err
	}
	if err := t.forget(c.id); err != nil {
		return err
	}
	return t.entomb(c.id)
}

// entomb makes a row a tombstone, or inserts one.
func (t *txn) entomb(id int64) error {
	_, err := t.exec(`INSERT INTO content (id, size, arrived, whole, erased, key_id, last) VALUES ($1, 0, 0, 0, 1, 0, 0)
		ON CONFLICT (id) DO UPDATE SET arrived = 0, whole = 0, erased = 1, key_id = 0, last = 0`, id)
	return err
}

// destroy overwrites a key and empties the pieces that it sealed, of which last is the last; 0 is none. The columns that point to them are the caller's.
func (t *txn) destroy(key, last int64) error {
	if key == 0 {
		return nil
	}
	if err := t.zeroKey(key); err != nil {
		return err
	}
	pieces, err := t.pieces(last)
	for _, id := range pieces {
		if err == nil {
			_, err = t.exec(`UPDATE content_piece SET prior = 0, key_id = 0, sealed = $2 WHERE id = $1`, id, []byte{})
		}
	}
	return err
}

// nextPiece is the number of a new piece: above all others, so that it is added at the end of its table.
func (t *txn) nextPiece() (int64, error) {
	if t.keys.piece == 0 {
		if _, err := t.one(`SELECT COALESCE(MAX(id), 0) FROM content_piece`, nil, &t.keys.piece); err != nil {
			return 0, err
		}
	}
	t.keys.piece++
	return t.keys.piece, nil
}

// piece is a row of the table.
type piece struct {
	id, prior, key int64
	sealed         []byte
}

// Pieces that are written at once: many bodies come together, and a statement costs as much as its row.
const (
	piecesAtOnce     = 16
	pieceBytesAtOnce = 1 << 20
)

// putPiece adds a piece. It is written with others, at the latest before anybody reads one, and at the transaction's end.
func (t *txn) putPiece(id, prior, key int64, sealed []byte) error {
	k := &t.keys
	k.pieces, k.pieceBytes = append(k.pieces, piece{id, prior, key, sealed}), k.pieceBytes+len(sealed)
	if len(k.pieces) < piecesAtOnce && k.pieceBytes < pieceBytesAtOnce {
		return nil
	}
	return t.writePieces()
}

// writePieces writes those that wait.
func (t *txn) writePieces() error {
	const one, row, first = 4, `($1, $2, $3, $4)`, `INSERT INTO content_piece (id, prior, key_id, sealed) VALUES `
	k := &t.keys
	if len(k.pieces) == 0 {
		return nil
	}
	all := k.pieces
	k.pieces, k.pieceBytes = nil, 0
	if len(all) == piecesAtOnce {
		args := make([]any, 0, piecesAtOnce*one)
		for _, p := range all {
			args = append(args, p.id, p.prior, p.key, p.sealed)
		}
		_, err := t.exec(first+rowsOf(piecesAtOnce, one), args...)
		return err
	}
	for _, p := range all {
		if _, err := t.exec(first+row, p.id, p.prior, p.key, p.sealed); err != nil {
			return err
		}
	}
	return nil
}

// rowsOf is the values of a statement that inserts several rows: ($1, $2), ($3, $4).
func rowsOf(rows, columns int) string {
	var b strings.Builder
	for n := range rows * columns {
		switch {
		case n == 0:
			b.WriteByte('(')
		case n%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n + 1))
	}
	return b.String() + ")"
}

// sealed reads a piece.
func (t *txn) sealed(id int64) (sealed []byte, err error) {
	if err := t.writePieces(); err != nil {
		return nil, err
	}
	if found, err := t.one(`SELECT sealed FROM content_piece WHERE id = $1`, []any{id}, &sealed); err != nil || !found {
		return nil, orDamaged(err)
	}
	return sealed, nil
}

// pieces lists those of one content, the last first.
func (t *txn) pieces(last int64) (all []int64, err error) {
	if err := t.writePieces(); err != nil {
		return nil, err
	}
	for id := last; id != 0; {
		all = append(all, id)
		var prior int64
		found, err := t.one(`SELECT prior FROM content_piece WHERE id = $1`, []any{id}, &prior)
		if err != nil || !found || prior >= id { // a piece comes after the one before it
			return nil, orDamaged(err)
		}
		id = prior
	}
	return all, nil
}

// buried tells whether a tombstone waits for a body or blob of a statement that is not here.
func (t *txn) buried(ref store.ContentRef) (bool, error) {
	var one int64
	return t.one(`SELECT 1 FROM tombstone WHERE statement = $1 AND part = $2`, []any{ref.Statement[:], ref.Part}, &one)
}

// bury moves the tombstones of a statement that has come to where its contents will be.
func (t *txn) bury(id statement.ID, p place) error {
	// spec: STM-7
	if t.cache.buried == nil {
		var one int64
		some, err := t.one(`SELECT 1 FROM tombstone LIMIT 1`, nil, &one)
		if err != nil {
			return err
		}
		t.cache.buried = &some
	}
	if !*t.cache.buried {
		return nil
	}
	parts, err := list(t, `SELECT part FROM tombstone WHERE statement = $1 ORDER BY part`, []any{id[:]},
		func(scan func(...any) error, part *int) error { return scan(part) })
	if err != nil || len(parts) == 0 {
		return err
	}
	for _, part := range parts {
		if err := t.entomb(contentID(p, part)); err != nil {
			return err
		}
	}
	_, err = t.exec(`DELETE FROM tombstone WHERE statement = $1`, id[:])
	return err
}

// EachErased implements store.Contents: first those of statements that are here.
func (t *txn) EachErased(yield func(store.ContentRef) bool) error {
	type grave struct {
		store.ContentRef
		id int64
	}
	more := true
	err := paged(grave{}, func(after grave, limit int) ([]grave, error) {
		return list(t, `SELECT s.id, (c.id & 511) - 1, c.id FROM content c JOIN statement s ON s.place = c.id >> 9
			WHERE c.erased = 1 AND c.id > $1 ORDER BY c.id LIMIT $2`, []any{after.id, limit},
			func(scan func(...any) error, g *grave) error { return scan(idInto(&g.Statement), &g.Part, &g.id) })
	}, func(g grave) bool {
		more = yield(g.ContentRef)
		return more
	})
	if err != nil || !more {
		return err
	}
	return paged(store.ContentRef{Part: store.BodyPart - 1}, func(after store.ContentRef, limit int) ([]store.ContentRef, error) {
		return list(t, `SELECT statement, part FROM tombstone WHERE (statement, part) > ($1, $2)
			ORDER BY statement, part LIMIT $3`, []any{after.Statement[:], after.Part, limit}, readRef)
	}, yield)
}
