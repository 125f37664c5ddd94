package relational

import (
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
)

const letterColumns = `code, serial, digest, raw, status, confirmed_at`

func readLetter(scan func(...any) error, l *store.Letter) error {
	return scan(&l.Code, &l.Serial, digestInto(&l.Digest), &l.Raw, &l.Status, timeInto(&l.ConfirmedAt))
}

// PutLetter implements store.Letters.
func (t *txn) PutLetter(l store.Letter) error {
	_, err := t.exec(`INSERT INTO letter (`+letterColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (code, serial, digest) DO UPDATE SET status = excluded.status, confirmed_at = excluded.confirmed_at`,
		l.Code, l.Serial, l.Digest[:], full(l.Raw), l.Status, millis(l.ConfirmedAt))
	return err
}

// Letter implements store.Letters.
func (t *txn) Letter(code party.Code) (store.Letter, error) {
	all, err := list(t, `SELECT `+letterColumns+` FROM letter WHERE code = $1 AND status = $2 ORDER BY serial DESC LIMIT 1`,
		[]any{code, store.LetterConfirmed}, readLetter)
	return first(all, err, "confirmed letter")
}

// EachLetter implements store.Letters.
func (t *txn) EachLetter(yield func(store.Letter) bool) error {
	return paged(store.Letter{}, func(after store.Letter, limit int) ([]store.Letter, error) {
		return list(t, `SELECT `+letterColumns+` FROM letter WHERE (code, serial, digest) > ($1, $2, $3)
			ORDER BY code, serial, digest LIMIT $4`, []any{after.Code, after.Serial, after.Digest[:], limit}, readLetter)
	}, yield)
}
