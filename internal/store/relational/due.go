package relational

import (
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// PutDue implements store.Contents.
func (t *txn) PutDue(id statement.ID, at statement.Time) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	p, found, err := t.placeOf(id)
	if err == nil && !found {
		err = missing("statement")
	}
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO due (place, at) VALUES ($1, $2) ON CONFLICT (place) DO UPDATE SET at = excluded.at WHERE due.at > excluded.at`, int64(p), millis(at))
	return err
}

// Due implements store.Contents.
func (t *txn) Due(by statement.Time, limit int) ([]store.Due, error) {
	return list(t, `SELECT s.id, d.at FROM due d JOIN statement s ON s.place = d.place WHERE d.at <= $1 ORDER BY d.at, d.place LIMIT $2`,
		[]any{millis(by), limit}, func(scan func(...any) error, d *store.Due) error { return scan(idInto(&d.Statement), timeInto(&d.At)) })
}

// DropDue implements store.Contents.
func (t *txn) DropDue(id statement.ID) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	p, found, err := t.placeOf(id)
	if err != nil || !found {
		return err
	}
	_, err = t.exec(`DELETE FROM due WHERE place = $1`, int64(p))
	return err
}
