package relational

import (
	"slices"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// wordsAtOnce is how many words are written by one statement.
const wordsAtOnce = 32

// PutWords implements store.Statements. The words of what is not whole any more are not kept.
func (t *txn) PutWords(id statement.ID, words []store.Word) error {
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
	body := contentID(p, store.BodyPart)
	if err := t.dropWords(body); err != nil {
		return err
	}
	n, err := t.exec(`UPDATE content SET worded = 1 WHERE id = $1 AND whole = 1`, body)
	if err != nil || n == 0 {
		return err
	}
	var no int64
	found, err = t.one(`SELECT t.no FROM statement s JOIN thread t ON t.id = s.thread WHERE s.place = $1`, []any{int64(p)}, &no)
	if err != nil || !found {
		return err
	}
	words = slices.Compact(slices.Sorted(slices.Values(words)))
	const first, columns = `INSERT INTO word (word, thread, place) VALUES `, 3
	for ; len(words) >= wordsAtOnce; words = words[wordsAtOnce:] {
		args := make([]any, 0, wordsAtOnce*columns)
		for _, w := range words[:wordsAtOnce] {
			args = append(args, int64(w), no, int64(p))
		}
		if _, err := t.exec(first+rowsOf(wordsAtOnce, columns), args...); err != nil {
			return err
		}
	}
	for _, w := range words {
		if _, err := t.exec(first+`($1, $2, $3)`, int64(w), no, int64(p)); err != nil {
			return err
		}
	}
	return nil
}

// forget drops what a body or blob is found by, by the row of its content.
func (t *txn) forget(id int64) error {
	if id&(1<<partBits-1) != 0 {
		return t.dropParcel(id)
	}
	return t.dropWords(id)
}

// dropWords forgets the words of a body, by the row of its content.
func (t *txn) dropWords(id int64) error {
	_, err := t.exec(`DELETE FROM word WHERE place = $1`, id>>partBits)
	return err
}

// Unworded implements store.Statements.
func (t *txn) Unworded(limit int) ([]statement.ID, error) {
	return list(t, `SELECT s.id FROM content c JOIN statement s ON s.place = c.id >> 9
		WHERE c.worded = 0 AND c.whole = 1 AND (c.id & 511) = 0 ORDER BY c.id LIMIT $1`, []any{limit},
		func(scan func(...any) error, id *thread.ID) error { return scan(idInto(id)) })
}

// wordedBefore finds the newest threads below a number in which all words stand. rest is below which number it would go on, looked how many rows it took, at least one of each word, and
// done tells that there are no more.
func (t *txn) wordedBefore(words []store.Word, no int64, limit, look int) (found []int64, rest int64, looked int, done bool, err error) {
	read := func(scan func(...any) error, n *int64) error { return scan(n) }
	if len(words) == 1 {
		found, err = list(t, `SELECT DISTINCT thread FROM word WHERE word = $1 AND thread < $2 ORDER BY thread DESC LIMIT $3`, []any{int64(words[0]), no, limit}, read)
		if len(found) > 0 {
			no = found[len(found)-1]
		}
		return found, no, len(found), len(found) < limit, err
	}
	// Each word in turn says which is its next thread; one that all of them name is found.
	at, agree, look := no-1, 0, max(look, len(words))
	for i := 0; looked < look && len(found) < limit; i = (i + 1) % len(words) {
		looked++
		next, err := list(t, `SELECT thread FROM word WHERE word = $1 AND thread <= $2 ORDER BY thread DESC LIMIT 1`, []any{int64(words[i]), at}, read)
		if err != nil || len(next) == 0 {
			return found, at, looked, true, err
		}
		if next[0] < at {
			at, agree = next[0], 0
		}
		if agree++; agree == len(words) {
			found = append(found, at)
			at, agree = at-1, 0
		}
	}
	return found, at + 1, looked, false, nil
}
