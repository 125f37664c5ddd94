package relational

import (
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// PutAnswer implements store.Answers.
func (t *txn) PutAnswer(a store.Answer) error {
	_, err := t.exec(`INSERT INTO answer (key, request, process, made, status, sealed) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (key) DO UPDATE SET status = excluded.status, sealed = excluded.sealed`, a.Key[:], a.Request[:], a.Process, millis(a.Made), a.Status, full(a.Sealed))
	return err
}

// Answer implements store.Answers.
func (t *txn) Answer(key statement.Digest) (store.Answer, error) {
	all, err := list(t, `SELECT key, request, process, made, status, sealed FROM answer WHERE key = $1`, []any{key[:]}, func(scan func(...any) error, a *store.Answer) error {
		return scan(digestInto(&a.Key), digestInto(&a.Request), &a.Process, timeInto(&a.Made), &a.Status, &a.Sealed)
	})
	return first(all, err, "answer")
}

// DropAnswer implements store.Answers.
func (t *txn) DropAnswer(key statement.Digest) error {
	_, err := t.exec(`DELETE FROM answer WHERE key = $1`, key[:])
	return err
}

// DropAnswers implements store.Answers.
func (t *txn) DropAnswers(before statement.Time) (int64, error) {
	return t.exec(`DELETE FROM answer WHERE made < $1`, millis(before))
}

// AnyAnswer implements store.Answers.
func (t *txn) AnyAnswer(before statement.Time) (bool, error) {
	var status int
	return t.one(`SELECT status FROM answer WHERE made < $1 LIMIT 1`, []any{millis(before)}, &status)
}
