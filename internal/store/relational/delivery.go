package relational

import (
	"bytes"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

const arrivalColumns = `peer, origin, what, lo, hi, receipt, time`

func readArrival(scan func(...any) error, a *store.Arrival) error {
	return scan(&a.Peer, &a.Origin, &a.What, &a.Lo, &a.Hi, idInto(&a.Receipt), timeInto(&a.Time))
}

// PutArrival implements store.Delivery. The stored ranges do not overlap: for each leaf only the earliest receipt is kept, so that ArrivedAt is
// one look however long the history is.
func (t *txn) PutArrival(a store.Arrival) error {
	if a.Lo < 0 || a.Hi <= a.Lo {
		return fault.New(fault.Internal, "", "a range of leaves is empty")
	}
	if err := t.mayWrite(); err != nil {
		return err
	}
	touched, err := t.overlapping(a)
	if err != nil {
		return err
	}
	next := a.Lo // the first leaf that is not yet dealt with
	for _, old := range touched {
		if !earlier(a, old) { // old stays; a fills what lies before it
			if err := t.insertArrival(a, next, old.Lo); err != nil {
				return err
			}
			next = max(next, old.Hi)
			continue
		}
		if _, err := t.exec(`DELETE FROM arrival WHERE peer = $1 AND origin = $2 AND what = $3 AND lo = $4`,
			string(old.Peer), string(old.Origin), string(old.What), old.Lo); err != nil {
			return err
		}
		if err := t.insertArrival(old, old.Lo, min(old.Hi, a.Lo)); err != nil {
			return err
		}
		if err := t.insertArrival(old, max(old.Lo, a.Hi), old.Hi); err != nil {
			return err
		}
	}
	if err := t.insertArrival(a, next, a.Hi); err != nil {
		return err
	}
	return t.startClocks(a)
}

// overlapping lists the stored ranges that share a leaf with a, in order.
func (t *txn) overlapping(a store.Arrival) ([]store.Arrival, error) {
	return list(t, `SELECT `+arrivalColumns+` FROM arrival WHERE peer = $1 AND origin = $2 AND what = $3 AND lo < $5 AND hi > $4 AND lo >= COALESCE(
		(SELECT MAX(lo) FROM arrival WHERE peer = $1 AND origin = $2 AND what = $3 AND lo <= $4), 0) ORDER BY lo`,
		[]any{string(a.Peer), string(a.Origin), string(a.What), a.Lo, a.Hi}, readArrival)
}

// earlier orders receipts by time, and by id when the times are the same.
func earlier(a, b store.Arrival) bool {
	if c := a.Time.Compare(b.Time); c != 0 {
		return c < 0
	}
	return bytes.Compare(a.Receipt[:], b.Receipt[:]) < 0
}

// insertArrival stores the part [lo, hi) of a; an empty part is no part.
func (t *txn) insertArrival(a store.Arrival, lo, hi int64) error {
	if hi <= lo {
		return nil
	}
	_, err := t.exec(`INSERT INTO arrival (`+arrivalColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		string(a.Peer), string(a.Origin), string(a.What), lo, hi, a.Receipt[:], millis(a.Time))
	return err
}

// ArrivedAt implements store.Delivery.
func (t *txn) ArrivedAt(peer party.Code, origin party.Origin, what store.ArrivalKind, index int64) (store.Arrival, error) {
	all, err := list(t, `SELECT `+arrivalColumns+` FROM arrival WHERE peer = $1 AND origin = $2 AND what = $3 AND lo <= $4 ORDER BY lo DESC LIMIT 1`,
		[]any{string(peer), string(origin), string(what), index}, readArrival)
	if len(all) == 1 && all[0].Hi <= index {
		all = nil
	}
	return first(all, err, "receipt of that peer for that leaf")
}

const peerColumns = `code, origin, cursors, blob_cursor, accepted, their_size, gossip, last_try, last_success, attempts, next_try, last_error, last_code, last_heard`

func readPeer(scan func(...any) error, p *store.Peer) error {
	var cursors, gossip []byte
	err := scan(&p.Code, &p.Origin, &cursors, &p.BlobCursor, &p.Accepted, &p.TheirSize, &gossip, timeInto(&p.LastTry), timeInto(&p.LastSuccess),
		&p.Attempts, timeInto(&p.NextTry), &p.LastError, &p.LastCode, timeInto(&p.LastHeard))
	if err == nil {
		err = json.Unmarshal(cursors, &p.Cursor)
	}
	if err == nil {
		err = json.Unmarshal(gossip, &p.Gossip)
	}
	return err
}

// PutPeer implements store.Delivery.
func (t *txn) PutPeer(p store.Peer) error {
	cursors, err := json.Marshal(p.Cursor, json.Deterministic(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "cursors cannot be written")
	}
	gossip, err := json.Marshal(p.Gossip, json.Deterministic(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "gossip cannot be written")
	}
	_, err = t.exec(`INSERT INTO peer (`+peerColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (code, origin) DO UPDATE SET cursors = excluded.cursors, blob_cursor = excluded.blob_cursor, accepted = excluded.accepted,
		their_size = excluded.their_size, gossip = excluded.gossip, last_try = excluded.last_try, last_success = excluded.last_success,
		attempts = excluded.attempts, next_try = excluded.next_try, last_error = excluded.last_error, last_code = excluded.last_code,
		last_heard = excluded.last_heard`,
		string(p.Code), string(p.Origin), cursors, p.BlobCursor, p.Accepted, p.TheirSize, gossip, millis(p.LastTry), millis(p.LastSuccess), p.Attempts,
		millis(p.NextTry), p.LastError, p.LastCode, millis(p.LastHeard))
	return err
}

// Peer implements store.Delivery.
func (t *txn) Peer(code party.Code, origin party.Origin) (store.Peer, error) {
	all, err := list(t, `SELECT `+peerColumns+` FROM peer WHERE code = $1 AND origin = $2`, []any{string(code), string(origin)}, readPeer)
	if err == nil && len(all) == 0 {
		// With maps that can be written to.
		return store.Peer{Code: code, Origin: origin, Cursor: map[statement.Precedence]int64{}, Gossip: map[party.Origin]statement.Digest{}}, nil
	}
	return first(all, err, "peer")
}

// SetMeta implements store.Delivery.
func (t *txn) SetMeta(key, value string) error {
	_, err := t.exec(`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, key, value)
	return err
}

// Meta implements store.Delivery.
func (t *txn) Meta(key string) (value string, err error) {
	_, err = t.one(`SELECT value FROM meta WHERE name = $1`, []any{key}, &value)
	return value, err
}

// PutWanted implements store.Delivery.
func (t *txn) PutWanted(id statement.ID, from party.Code) error {
	_, err := t.exec(`INSERT INTO wanted (from_code, id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, from, id[:])
	return err
}

// DropWanted implements store.Delivery.
func (t *txn) DropWanted(id statement.ID) error {
	_, err := t.exec(`DELETE FROM wanted WHERE id = $1`, id[:])
	return err
}

// Wanted implements store.Delivery.
func (t *txn) Wanted(from party.Code, yield func(statement.ID) bool) error {
	return paged(statement.ID{}, func(after statement.ID, limit int) ([]statement.ID, error) {
		return list(t, `SELECT id FROM wanted WHERE from_code = $1 AND id > $2 ORDER BY id LIMIT $3`,
			[]any{from, after[:], limit}, readID)
	}, yield)
}

// PutRequested implements store.Delivery.
func (t *txn) PutRequested(peer party.Code, id statement.ID) error {
	_, err := t.exec(`INSERT INTO requested (peer, id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, peer, id[:])
	return err
}

// Requested implements store.Delivery.
func (t *txn) Requested(peer party.Code, limit int) ([]statement.ID, error) {
	return list(t, `SELECT id FROM requested WHERE peer = $1 ORDER BY id LIMIT $2`, []any{peer, limit}, readID)
}

// DropRequested implements store.Delivery.
func (t *txn) DropRequested(peer party.Code, id statement.ID) error {
	_, err := t.exec(`DELETE FROM requested WHERE peer = $1 AND id = $2`, peer, id[:])
	return err
}

func readID(scan func(...any) error, id *statement.ID) error { return scan(idInto(id)) }
