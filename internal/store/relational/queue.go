package relational

import (
	"bytes"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// What packing a peer's queue reads: many at a time, since it is done for every statement and every peer.

// NextArrival implements store.Delivery.
func (t *txn) NextArrival(peer party.Code, origin party.Origin, what store.ArrivalKind, index int64) (store.Arrival, error) {
	a, err := t.ArrivedAt(peer, origin, what, index)
	if fault.CodeOf(err) != fault.NotFound {
		return a, err
	}
	all, err := list(t, `SELECT `+arrivalColumns+` FROM arrival WHERE peer = $1 AND origin = $2 AND what = $3 AND lo > $4 ORDER BY lo LIMIT 1`,
		[]any{string(peer), string(origin), string(what), index}, readArrival)
	return first(all, err, "receipt of that peer for a leaf from there on")
}

// AnyWanted implements store.Delivery.
func (t *txn) AnyWanted() (bool, error) {
	var one int64
	return t.one(`SELECT 1 FROM wanted LIMIT 1`, nil, &one)
}

// sealedBody is a body as it is stored.
type sealedBody struct {
	place  place
	id     statement.ID
	sealed []byte // nil: its bytes are in several pieces, or there are none
	key    int64
}

// Bodies implements store.Contents.
func (t *txn) Bodies(origin party.Origin, from, to int64, yield func(index int64, raw []byte) bool) error {
	l, err := t.logOf(origin)
	if err == nil {
		err = t.writePieces()
	}
	if err != nil || l == 0 {
		return err
	}
	start := sealedBody{place: place(l.at(max(from, 0)) - 1)}
	var bad error
	err = paged(start, func(after sealedBody, limit int) ([]sealedBody, error) {
		return list(t, `SELECT s.place, s.id, p.sealed, c.key_id FROM statement s JOIN content c ON c.id = s.place << 9
			LEFT JOIN content_piece p ON p.id = c.last AND p.prior = 0 WHERE s.place > $1 AND s.place < $2 AND c.whole = 1 ORDER BY s.place LIMIT $3`,
			[]any{int64(after.place), l.at(to), limit}, func(scan func(...any) error, b *sealedBody) error {
				return scan((*int64)(&b.place), idInto(&b.id), &b.sealed, &b.key)
			})
	}, func(b sealedBody) bool {
		var raw []byte
		if raw, bad = t.openBody(b); bad != nil {
			return false
		}
		return yield(b.place.leaf(), raw)
	})
	if err == nil {
		err = bad
	}
	return err
}

// openBody gives the bytes of a body; those that came in pieces are read one by one.
func (t *txn) openBody(b sealedBody) ([]byte, error) {
	ref := store.ContentRef{Statement: b.id, Part: store.BodyPart}
	if b.sealed == nil {
		var raw bytes.Buffer
		err := t.Read(ref, &raw)
		return raw.Bytes(), err
	}
	aead, err := t.openKey(b.key)
	if err != nil {
		return nil, err
	}
	raw, err := aead.Open(b.sealed[:0], nil, b.sealed, belongs(ref, 0))
	if err != nil {
		return nil, orDamaged(nil)
	}
	return raw, nil
}

// NextBlobs implements store.Contents.
func (t *txn) NextBlobs(origin party.Origin, from int64) (int64, error) {
	l, err := t.logOf(origin)
	if err != nil || l == 0 {
		return 0, orMissing(err, "statement with blobs")
	}
	var id int64
	found, err := t.one(`SELECT id FROM content WHERE id >= $1 AND id < $2 AND (id & 511) <> 0 ORDER BY id LIMIT 1`,
		[]any{contentID(place(l.at(max(from, 0))), store.BodyPart), contentID(place(l.end()), store.BodyPart)}, &id)
	if err != nil || !found {
		return 0, orMissing(err, "statement with blobs")
	}
	return place(id >> partBits).leaf(), nil
}

func orMissing(err error, what string) error {
	if err != nil {
		return err
	}
	return missing(what)
}
