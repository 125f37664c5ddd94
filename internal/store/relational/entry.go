package relational

import (
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// How officers are let in: sessions, passkeys, identities, and what is good once.

const sessionColumns = `hash, officer, way, made, seen, expires`

func readSession(scan func(...any) error, v *store.Session) error {
	return scan(digestInto(&v.Hash), &v.Officer, &v.Way, timeInto(&v.Made), timeInto(&v.Seen), timeInto(&v.Expires))
}

// PutSession implements store.Office.
func (t *txn) PutSession(v store.Session) error {
	_, err := t.exec(`INSERT INTO session (`+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hash) DO UPDATE SET seen = excluded.seen`,
		v.Hash[:], v.Officer, v.Way, millis(v.Made), millis(v.Seen), millis(v.Expires))
	return err
}

// Session implements store.Office.
func (t *txn) Session(hash statement.Digest) (store.Session, error) {
	all, err := list(t, `SELECT `+sessionColumns+` FROM session WHERE hash = $1`, []any{hash[:]}, readSession)
	return first(all, err, "session")
}

// EachSession implements store.Office.
func (t *txn) EachSession(officer string, yield func(store.Session) bool) error {
	return paged(store.Session{}, func(after store.Session, limit int) ([]store.Session, error) {
		q, args := byHash("session", sessionColumns, officer, after.Hash, after.Officer == "", limit)
		return list(t, q, args, readSession)
	}, yield)
}

// DropSession implements store.Office.
func (t *txn) DropSession(hash statement.Digest) error {
	_, err := t.exec(`DELETE FROM session WHERE hash = $1`, hash[:])
	return err
}

const passkeyColumns = `id, officer, record, made, last_used, count, key_id, last`

func readPasskey(scan func(...any) error, r *sealedRow[store.Passkey]) error {
	p := &r.row
	return scan(&p.ID, &p.Officer, &p.Record, timeInto(&p.Made), timeInto(&p.LastUsed), &p.Count, &r.key, &r.last)
}

func (t *txn) openPasskey(r sealedRow[store.Passkey]) (store.Passkey, error) {
	name, err := t.openRow("passkey", string(r.row.ID), r.sealing)
	r.row.Name = string(name)
	return r.row, err
}

// PutPasskey implements store.Office.
func (t *txn) PutPasskey(p store.Passkey) error {
	former, err := t.sealingOf("passkey", full(p.ID))
	if err != nil {
		return err
	}
	if former.key != 0 {
		_, err := t.exec(`UPDATE passkey SET last_used = $1, count = $2 WHERE id = $3`, millis(p.LastUsed), p.Count, full(p.ID))
		return err
	}
	now, err := t.sealRow("passkey", string(p.ID), former, []byte(p.Name))
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO passkey (`+passkeyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		full(p.ID), p.Officer, full(p.Record), millis(p.Made), millis(p.LastUsed), p.Count, now.key, now.last)
	return err
}

// Passkey implements store.Office.
func (t *txn) Passkey(id []byte) (store.Passkey, error) {
	all, err := list(t, `SELECT `+passkeyColumns+` FROM passkey WHERE id = $1`, []any{full(id)}, readPasskey)
	r, err := first(all, err, "passkey")
	if err != nil {
		return store.Passkey{}, err
	}
	return t.openPasskey(r)
}

// EachPasskey implements store.Office.
func (t *txn) EachPasskey(officer string, yield func(store.Passkey) bool) error {
	return opening(sealedRow[store.Passkey]{}, func(after sealedRow[store.Passkey], limit int) ([]sealedRow[store.Passkey], error) {
		if officer == "" {
			return list(t, `SELECT `+passkeyColumns+` FROM passkey WHERE id > $1 ORDER BY id LIMIT $2`, []any{full(after.row.ID), limit}, readPasskey)
		}
		return list(t, `SELECT `+passkeyColumns+` FROM passkey WHERE officer = $1 AND id > $2 ORDER BY id LIMIT $3`, []any{officer, full(after.row.ID), limit}, readPasskey)
	}, t.openPasskey, yield)
}

// DropPasskey implements store.Office.
func (t *txn) DropPasskey(id []byte) error {
	s, err := t.sealingOf("passkey", full(id))
	if err != nil {
		return err
	}
	if err := t.destroy(s.key, s.last); err != nil {
		return err
	}
	_, err = t.exec(`DELETE FROM passkey WHERE id = $1`, full(id))
	return err
}

const identityColumns = `hash, officer, issuer, made, made_by`

func readIdentity(scan func(...any) error, v *store.Identity) error {
	return scan(digestInto(&v.Hash), &v.Officer, &v.Issuer, timeInto(&v.Made), &v.MadeBy)
}

// PutIdentity implements store.Office.
func (t *txn) PutIdentity(v store.Identity) error {
	n, err := t.exec(`INSERT INTO identity (`+identityColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, v.Hash[:], v.Officer, v.Issuer, millis(v.Made), v.MadeBy)
	if err == nil && n == 0 {
		err = fault.New(fault.Exists, "", "this identity is somebody's already")
	}
	return err
}

// Identity implements store.Office.
func (t *txn) Identity(hash statement.Digest) (store.Identity, error) {
	all, err := list(t, `SELECT `+identityColumns+` FROM identity WHERE hash = $1`, []any{hash[:]}, readIdentity)
	return first(all, err, "identity")
}

// EachIdentity implements store.Office.
func (t *txn) EachIdentity(officer string, yield func(store.Identity) bool) error {
	return paged(store.Identity{}, func(after store.Identity, limit int) ([]store.Identity, error) {
		q, args := byHash("identity", identityColumns, officer, after.Hash, after.Officer == "", limit)
		return list(t, q, args, readIdentity)
	}, yield)
}

// DropIdentity implements store.Office.
func (t *txn) DropIdentity(hash statement.Digest) error {
	_, err := t.exec(`DELETE FROM identity WHERE hash = $1`, hash[:])
	return err
}

// Spend implements store.Office.
func (t *txn) Spend(hash statement.Digest, expires statement.Time) error {
	n, err := t.exec(`INSERT INTO spent (hash, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING`, hash[:], millis(expires))
	if err == nil && n == 0 {
		err = fault.New(fault.Exists, "", "this was used already")
	}
	return err
}

// DropSpent implements store.Office.
func (t *txn) DropSpent(by statement.Time) error {
	_, err := t.exec(`DELETE FROM spent WHERE expires <= $1`, millis(by))
	return err
}
