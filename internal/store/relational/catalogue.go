package relational

import (
	"bytes"
	"crypto/cipher"
	"database/sql"
	"io"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Uncatalogued implements store.Catalogue.
func (t *txn) Uncatalogued(limit int) ([]store.ContentRef, error) {
	return list(t, `SELECT s.id, (c.id & 511) - 1 FROM content c JOIN statement s ON s.place = c.id >> 9
		WHERE c.worded = 0 AND c.whole = 1 AND (c.id & 511) <> 0 ORDER BY c.id LIMIT $1`, []any{limit}, readRef)
}

// SkipBlob implements store.Catalogue.
func (t *txn) SkipBlob(ref store.ContentRef) error {
	c, err := t.content(ref)
	if err != nil {
		return err
	}
	_, err = t.lookedAt(c.id)
	return err
}

// LookedAt implements store.Catalogue.
func (t *txn) LookedAt(ref store.ContentRef) (bool, error) {
	c, err := t.content(ref)
	if err != nil || !c.exists || c.Erased {
		return err == nil, err
	}
	waits := false
	_, err = t.one(`SELECT worded = 0 FROM content WHERE id = $1`, []any{c.id}, &waits)
	return err == nil && !waits, err
}

// lookedAt notes that a blob that is whole was looked at; false where it is not whole.
func (t *txn) lookedAt(content int64) (bool, error) {
	n, err := t.exec(`UPDATE content SET worded = 1 WHERE id = $1 AND whole = 1 AND (id & 511) <> 0`, content)
	return n > 0, err
}

const parcelColumns = `p.no, p.thread, p.class, p.objects, p.first, p.hidden, p.older, p.shared, s.id, p.content
	FROM parcel p JOIN statement s ON s.place = p.content >> 9`

// readParcel reads a parcel, and remembers where its statement stands: whoever asks for a parcel mostly wants what is in it.
func (t *txn) readParcel(scan func(...any) error, p *store.Parcel) error {
	var content int64
	err := scan(&p.No, idInto(&p.Thread), (*int64)(&p.Class), &p.Objects, &p.First, (*[]byte)(&p.Hidden), (*[]byte)(&p.Older), (*[]byte)(&p.Shared),
		idInto(&p.Content.Statement), &content)
	if err == nil {
		p.Content.Part = int(content&(1<<partBits-1)) - 1
		t.cache.put(p.Content.Statement, place(content>>partBits))
	}
	return err
}

// PutParcel implements store.Catalogue.
func (t *txn) PutParcel(p store.Parcel, now int64, postings []store.Posting) (store.Parcel, error) {
	c, err := t.content(p.Content)
	if err != nil {
		return p, err
	}
	whole, err := t.lookedAt(c.id)
	if err == nil && !whole {
		err = missing("parcel")
	}
	if err != nil {
		return p, err
	}
	p, err = t.numbered(p, c.id, now)
	if err != nil {
		return p, err
	}
	return p, t.PutPostings(p.No, postings)
}

// nextChange is above the number of every change of a parcel so far.
const nextChange = `(SELECT COALESCE(MAX(change_no), 0) + 1 FROM parcel)`

// numbered inserts a parcel at the end, or gives the one that the blob has, without what it was found by.
func (t *txn) numbered(p store.Parcel, content, now int64) (store.Parcel, error) {
	old, err := list(t, `SELECT `+parcelColumns+` WHERE p.content = $1`, []any{content}, t.readParcel)
	if err != nil {
		return p, err
	}
	if len(old) > 0 {
		if _, err := t.exec(`UPDATE parcel SET worded = 0 WHERE no = $1`, old[0].No); err != nil { // its words go with the rest
			return p, err
		}
		if _, err := t.exec(`DELETE FROM parcel_cover WHERE no = $1`, old[0].No); err != nil {
			return p, err
		}
		return old[0], t.dropPostings(old[0].No)
	}
	var last, first, objects int64
	if _, err := t.one(`SELECT no, first, objects FROM parcel WHERE no = (SELECT MAX(no) FROM parcel)`, nil, &last, &first, &objects); err != nil {
		return p, err
	}
	p.No, p.First = last+1, max(now, first+objects)
	_, err = t.exec(`INSERT INTO parcel (no, content, thread, class, objects, first, hidden, older, shared, change_no)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, `+nextChange+`)`,
		p.No, content, p.Thread[:], int64(p.Class), p.Objects, p.First, full(p.Hidden), full(p.Older), full(p.Shared))
	return p, err
}

// dropParcel empties the parcel of a blob, by the row of its content. Its number stays, so that no other gets it, and the times of its lines are not given again.
func (t *txn) dropParcel(content int64) error {
	var no int64
	found, err := t.one(`SELECT no FROM parcel WHERE content = $1`, []any{content}, &no)
	if err != nil || !found {
		return err
	}
	if err := t.dropPostings(no); err != nil {
		return err
	}
	// What it has hidden, or made older, is looked at anew.
	_, err = t.exec(`UPDATE content SET worded = 0 WHERE whole = 1 AND id IN (SELECT p.content FROM parcel_cover c JOIN parcel p ON p.no = c.no WHERE c.by_no = $1)`, no)
	if err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM parcel_cover WHERE by_no = $1 OR no = $1`, no); err != nil {
		return err
	}
	_, err = t.exec(`UPDATE parcel SET content = -no, first = first + objects, objects = 0, worded = 1, hidden = $2, older = $2, shared = $2, change_no = `+nextChange+` WHERE no = $1`, no, []byte{})
	return err
}

// UpdateParcel implements store.Catalogue.
func (t *txn) UpdateParcel(p store.Parcel) error {
	n, err := t.exec(`UPDATE parcel SET hidden = $2, older = $3, shared = $4, change_no = `+nextChange+` WHERE no = $1`, p.No, full(p.Hidden), full(p.Older), full(p.Shared))
	if err == nil && n == 0 {
		err = missing("parcel")
	}
	return err
}

// PutCovers implements store.Catalogue.
func (t *txn) PutCovers(no int64, by []int64) error {
	for _, b := range by {
		if _, err := t.exec(`INSERT INTO parcel_cover (by_no, no) VALUES ($1, $2) ON CONFLICT DO NOTHING`, b, no); err != nil {
			return err
		}
	}
	return nil
}

// Covered implements store.Catalogue.
func (t *txn) Covered(by int64) ([]int64, error) {
	return list(t, `SELECT no FROM parcel_cover WHERE by_no = $1 ORDER BY no`, []any{by}, func(scan func(...any) error, no *int64) error { return scan(no) })
}

// Recatalogue implements store.Catalogue.
func (t *txn) Recatalogue(id statement.ID) error {
	contents, err := list(t, `SELECT c.id FROM statement s JOIN content c ON c.id > s.place << 9 AND c.id < (s.place + 1) << 9 WHERE s.id = $1 AND c.whole = 1 AND c.worded = 1`, []any{id[:]},
		func(scan func(...any) error, c *int64) error { return scan(c) })
	if err != nil {
		return err
	}
	for _, c := range contents {
		if err := t.dropParcel(c); err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE content SET worded = 0 WHERE id = $1`, c); err != nil {
			return err
		}
	}
	return nil
}

// Parcel implements store.Catalogue.
func (t *txn) Parcel(no int64) (store.Parcel, error) {
	all, err := list(t, `SELECT `+parcelColumns+` WHERE p.no = $1`, []any{no}, t.readParcel)
	return first(all, err, "parcel")
}

// Parcels implements store.Catalogue.
func (t *txn) Parcels(q store.ParcelQuery) ([]store.Parcel, error) {
	after := q.After
	if q.Added > 0 {
		var no, last int64
		found, err := t.one(`SELECT no, first + objects - 1 FROM parcel WHERE first <= $1 ORDER BY first DESC, no DESC LIMIT 1`, []any{q.Added}, &no, &last)
		if err != nil {
			return nil, err
		}
		if found && last > q.Added {
			no--
		}
		after = max(after, no)
	}
	if !q.Thread.IsZero() {
		return list(t, `SELECT `+parcelColumns+` WHERE p.thread = $3 AND p.no > $1 ORDER BY p.no LIMIT $2`, []any{after, q.Limit, q.Thread[:]}, t.readParcel)
	}
	return list(t, `SELECT `+parcelColumns+` WHERE p.no > $1 ORDER BY p.no LIMIT $2`, []any{after, q.Limit}, t.readParcel)
}

// ParcelChanges implements store.Catalogue.
func (t *txn) ParcelChanges(after int64, limit int) ([]store.ParcelChange, error) {
	return list(t, `SELECT change_no, no FROM parcel WHERE change_no > $1 ORDER BY change_no LIMIT $2`, []any{after, limit}, func(scan func(...any) error, c *store.ParcelChange) error {
		return scan(&c.Change, &c.No)
	})
}

// LastParcel implements store.Catalogue.
func (t *txn) LastParcel() (no int64, err error) {
	_, err = t.one(`SELECT COALESCE(MAX(no), 0) FROM parcel`, nil, &no)
	return no, err
}

// WordlessParcels implements store.Catalogue.
func (t *txn) WordlessParcels(limit int) ([]store.Parcel, error) {
	return list(t, `SELECT `+parcelColumns+` WHERE p.worded = 0 ORDER BY p.no LIMIT $1`, []any{limit}, t.readParcel)
}

// WordsPut implements store.Catalogue.
func (t *txn) WordsPut(no int64) error {
	_, err := t.exec(`UPDATE parcel SET worded = 1 WHERE no = $1`, no)
	return err
}

// ReadRange implements store.Catalogue.
func (t *txn) ReadRange(ref store.ContentRef, offset, n int64, w io.Writer) error {
	c, err := t.content(ref)
	switch {
	case err != nil:
		return err
	case c.Erased: // spec: STM-7
		return fault.New(fault.Withheld, "STM-7", "this content was erased")
	case !c.Whole:
		return missing("content")
	case offset < 0 || n < 0 || offset > c.Size-n:
		return fault.New(fault.Internal, "", "more content was asked for than there is")
	case n == 0:
		return nil
	}
	aead, err := t.openKey(c.key)
	if err != nil {
		return err
	}
	if done, err := t.readPiece(c, ref, aead, offset, n, w); err != nil || done {
		return err
	}
	pieces, err := t.piecesFrom(c, int64(aead.Overhead()), offset)
	if err != nil {
		return err
	}
	for _, p := range slices.Backward(pieces) {
		if p.at >= offset+n {
			break
		}
		sealed, err := t.sealed(p.id)
		if err != nil {
			return err
		}
		piece, err := aead.Open(sealed[:0], nil, sealed, belongs(ref, p.at))
		if err != nil || int64(len(piece)) != p.size {
			return orDamaged(nil)
		}
		if _, err := w.Write(piece[max(0, offset-p.at):min(p.size, offset+n-p.at)]); err != nil {
			return err
		}
	}
	return nil
}

// What ReadLine reads at first where a line is not known to lie in one piece: most lines fit.
const firstOfLine = 2 << 10

// ReadLine implements store.Catalogue.
func (t *txn) ReadLine(ref store.ContentRef, offset int64) ([]byte, error) {
	if line, done, err := t.lineInPiece(ref, offset); err != nil || done {
		return line, err
	}
	c, err := t.content(ref)
	if err != nil {
		return nil, err
	}
	for n := int64(firstOfLine); ; n *= 16 {
		n = max(1, min(n, c.Size-offset)) // of what is not there ReadRange tells why
		var b bytes.Buffer
		if err := t.ReadRange(ref, offset, n, &b); err != nil {
			return nil, err
		}
		line, _, whole := bytes.Cut(b.Bytes(), []byte{'\n'})
		if whole || offset+n == c.Size {
			return line, nil
		}
	}
}

// lineInPiece is ReadLine where the line lies in one piece of a content that came at once: one look, for content, key and piece together. done is false where it does not, and in a
// transaction that writes, whose keys and pieces may not be written yet.
func (t *txn) lineInPiece(ref store.ContentRef, offset int64) (line []byte, done bool, err error) {
	if t.write || offset < 0 || ref.Part < store.BodyPart || ref.Part >= statement.MaxBlobs {
		return nil, false, nil
	}
	at, found, err := t.placeOf(ref.Statement)
	if err != nil || !found {
		return nil, false, err
	}
	n := offset / smallPiece
	err = t.query(`SELECT c.size, SUBSTR(k.secrets, CAST((c.key_id & 127) * 32 + 1 AS INTEGER), 32), p.sealed
		FROM content c JOIN content_key k ON k.id = c.key_id >> 7 JOIN content_piece p ON p.id = c.last - (c.size - 1) / 32768 + $2
		WHERE c.id = $1 AND c.whole = 1 AND c.erased = 0 AND c.size <= 1048576 AND c.size > $3 AND p.key_id = c.key_id`,
		[]any{contentID(at, ref.Part), n, offset}, func(scan func(...any) error) error {
			var size int64
			var secret, sealed sql.RawBytes // the driver's, and not copied
			if err := scan(&size, &secret, &sealed); err != nil || len(secret) != keySize {
				return err
			}
			aead, err := aeadOf(secret)
			if err != nil {
				return err
			}
			room, ok := t.store.opened.Get().(*[smallPiece]byte)
			if !ok {
				room = new([smallPiece]byte)
			}
			defer t.store.opened.Put(room)
			piece, err := aead.Open(room[:0], nil, sealed, belongs(ref, n*smallPiece))
			if err != nil || int64(len(piece)) != min(smallPiece, size-n*smallPiece) {
				return nil //nolint:nilerr // it came in other pieces
			}
			begun, _, whole := bytes.Cut(piece[offset-n*smallPiece:], []byte{'\n'})
			line, done = bytes.Clone(begun), whole || n*smallPiece+int64(len(piece)) == size
			clear(room[:len(piece)])
			return nil
		})
	return line, done, err
}

// readPiece is ReadRange where all that is wanted lies in one or two pieces of a content that came at once. done is false where it does not.
func (t *txn) readPiece(c content, ref store.ContentRef, aead cipher.AEAD, offset, n int64, w io.Writer) (done bool, err error) {
	size := pieceOf(c.Size)
	first, end, last := offset/size, (offset+n-1)/size, (c.Size-1)/size
	if end > first+1 {
		return false, nil
	}
	if err := t.writePieces(); err != nil {
		return false, err
	}
	var all []byte
	for i := first; i <= end; i++ {
		var sealed []byte
		found, err := t.one(`SELECT sealed FROM content_piece WHERE id = $1 AND key_id = $2`, []any{c.last - last + i, c.key}, &sealed)
		if err != nil || !found {
			return false, err
		}
		piece, err := aead.Open(sealed[:0], nil, sealed, belongs(ref, i*size))
		if err != nil || int64(len(piece)) != min(size, c.Size-i*size) {
			return false, nil // it came in other pieces
		}
		if i == first {
			all = piece[offset-i*size:]
		} else {
			all = append(all, piece...)
		}
	}
	_, err = w.Write(all[:n])
	return true, err
}

// stretch is a piece and what it holds of its content.
type stretch struct{ id, at, size int64 }

// piecesFrom lists the pieces of a content from its end back to the one that holds offset. How much a piece holds is told by its length, without reading it.
func (t *txn) piecesFrom(c content, overhead, offset int64) (all []stretch, err error) {
	if err := t.writePieces(); err != nil {
		return nil, err
	}
	end := c.Size
	for id := c.last; end > offset; {
		var prior, length int64
		found, err := t.one(`SELECT prior, length(sealed) FROM content_piece WHERE id = $1`, []any{id}, &prior, &length)
		size := length - overhead
		if err != nil || !found || prior >= id || size <= 0 || size > end {
			return nil, orDamaged(err)
		}
		end -= size
		all = append(all, stretch{id, end, size})
		id = prior
	}
	return all, nil
}
