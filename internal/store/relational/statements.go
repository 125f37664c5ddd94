package relational

import (
	"math"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

const statementColumns = `place, id, thread, kind, precedence, proof_at, arrived, folded, void, head`

// row is a statement and its place.
type row struct {
	store.Statement
	place place
}

// readRow reads all but the log's name, which is not in the row.
func readRow(scan func(...any) error, r *row) error {
	var p int64
	err := scan(&p, idInto(&r.ID), idInto(&r.Thread), &r.Kind, &r.Precedence, &r.ProofAt, timeInto(&r.Arrived), &r.Folded, &r.Void, &r.Head)
	r.place, r.Index = place(p), place(p).leaf()
	return err
}

// rows lists statements.
func (t *txn) rows(q string, args ...any) ([]row, error) {
	all, err := list(t, q, args, readRow)
	for i := range all {
		if err != nil {
			break
		}
		if i > 0 && all[i].place.log() == all[i-1].place.log() {
			all[i].Origin = all[i-1].Origin
			continue
		}
		all[i].Origin, err = t.nameOf(all[i].place.log())
	}
	return all, err
}

// statement is the one statement of a query, or fault.NotFound.
func (t *txn) statement(q string, args ...any) (store.Statement, error) {
	all, err := t.rows(q, args...)
	r, err := first(all, err, "statement")
	if err == nil && t.write {
		t.cache.put(r.ID, r.place)
	}
	return r.Statement, err
}

// PutStatement implements store.Statements.
func (t *txn) PutStatement(s store.Statement) error {
	if s.Kind == "" || s.Precedence == "" {
		return fault.New(fault.Internal, "", "a statement is stored with its kind and precedence")
	}
	p, err := t.newPlace(s.Origin, s.Index)
	if err != nil {
		return err
	}
	var thread []byte
	if !s.Thread.IsZero() {
		thread = s.Thread[:]
	}
	n, err := t.exec(`INSERT INTO statement (`+statementColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		int64(p), s.ID[:], thread, string(s.Kind), string(s.Precedence), s.ProofAt, millis(s.Arrived), bit(s.Folded), s.Void, full(s.Head))
	if err == nil && n == 0 {
		err = fault.New(fault.Exists, "", "a statement with this id or in this place is already there")
	}
	if err != nil {
		return err
	}
	t.cache.put(s.ID, p)
	return t.bury(s.ID, p)
}

// UpdateStatement implements store.Statements.
func (t *txn) UpdateStatement(s store.Statement) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	p, found, err := t.placeOf(s.ID)
	if err == nil && !found {
		err = missing("statement")
	}
	if err != nil {
		return err
	}
	_, err = t.exec(`UPDATE statement SET proof_at = $2, folded = $3, void = $4 WHERE place = $1`, int64(p), s.ProofAt, bit(s.Folded), s.Void)
	return err
}

// Statement implements store.Statements.
func (t *txn) Statement(id statement.ID) (store.Statement, error) {
	return t.statement(`SELECT `+statementColumns+` FROM statement WHERE id = $1`, id[:])
}

// FindStatements implements store.Statements. What are not digits of an id is fault.Malformed.
func (t *txn) FindStatements(prefix string, limit int) ([]statement.ID, error) {
	rest := max(0, 64-len(prefix))
	lo, err := statement.ParseID(prefix + strings.Repeat("0", rest))
	if err != nil {
		return nil, err
	}
	hi, err := statement.ParseID(prefix + strings.Repeat("f", rest))
	if err != nil {
		return nil, err
	}
	return list(t, `SELECT id FROM statement WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3`, []any{lo[:], hi[:], limit}, readID)
}

// StatementAt implements store.Statements.
func (t *txn) StatementAt(origin party.Origin, index int64) (store.Statement, error) {
	log, err := t.logOf(origin)
	if err != nil {
		return store.Statement{}, err
	}
	if index < 0 || index >= translog.MaxSize {
		return store.Statement{}, missing("statement")
	}
	return t.statement(`SELECT `+statementColumns+` FROM statement WHERE place = $1`, log.at(index))
}

// Neighbours implements store.Statements.
func (t *txn) Neighbours(origin party.Origin, index int64) (before, after []store.Statement, err error) {
	log, err := t.logOf(origin)
	if err != nil {
		return nil, nil, err
	}
	lower, err := t.rows(`SELECT `+statementColumns+` FROM statement WHERE place >= $1 AND place < $2 ORDER BY place DESC LIMIT 1`,
		log.at(0), log.at(index))
	if err != nil {
		return nil, nil, err
	}
	higher, err := t.rows(`SELECT `+statementColumns+` FROM statement WHERE place > $1 AND place < $2 ORDER BY place LIMIT 1`,
		log.at(index), log.end())
	return bare(lower), bare(higher), err
}

// bare takes the places off.
func bare(rows []row) (out []store.Statement) {
	for _, r := range rows {
		out = append(out, r.Statement)
	}
	return out
}

// Scan implements store.Statements.
func (t *txn) Scan(origin party.Origin, precedence statement.Precedence, from int64, yield func(store.Statement) bool) error {
	log, err := t.logOf(origin)
	if err != nil {
		return err
	}
	return paged(row{place: place(log.at(from - 1))}, func(after row, limit int) ([]row, error) {
		switch precedence {
		case "":
			return t.rows(`SELECT `+statementColumns+` FROM statement WHERE place > $1 AND place < $2 ORDER BY place LIMIT $3`,
				int64(after.place), log.end(), limit)
		case statement.Routine:
			return t.rows(`SELECT `+statementColumns+` FROM statement WHERE place > $1 AND place < $2 AND precedence = 'routine'
				ORDER BY place LIMIT $3`, int64(after.place), log.end(), limit)
		}
		return t.rows(`SELECT `+statementColumns+` FROM statement WHERE precedence = $1 AND precedence <> 'routine'
			AND place > $2 AND place < $3 ORDER BY place LIMIT $4`, string(precedence), int64(after.place), log.end(), limit)
	}, func(r row) bool { return yield(r.Statement) })
}

// EachOfThread implements store.Statements. Heads that arrived in the same millisecond come by log and leaf.
func (t *txn) EachOfThread(id thread.ID, yield func(store.Statement) bool) error {
	return t.eachAfter(id, row{}, yield)
}

// EachSince implements store.Statements.
func (t *txn) EachSince(id thread.ID, since statement.Time, yield func(store.Statement) bool) error {
	return t.eachAfter(id, row{Statement: store.Statement{Arrived: since}, place: -1}, yield)
}

func (t *txn) eachAfter(id thread.ID, from row, yield func(store.Statement) bool) error {
	return paged(from, func(after row, limit int) ([]row, error) {
		return t.rows(`SELECT `+statementColumns+` FROM statement WHERE thread = $1 AND (arrived, place) > ($2, $3)
			ORDER BY arrived, place LIMIT $4`, id[:], millis(after.Arrived), int64(after.place), limit)
	}, func(r row) bool { return yield(r.Statement) })
}

// HeadsBefore implements store.Statements.
func (t *txn) HeadsBefore(id thread.ID, before statement.ID, limit int) ([]store.Statement, error) {
	arrived, place := int64(math.MaxInt64), int64(math.MaxInt64)
	if !before.IsZero() {
		var err error
		if arrived, place, err = t.headOf(id, before); err != nil {
			return nil, err
		}
	}
	rows, err := t.rows(`SELECT `+statementColumns+` FROM statement WHERE thread = $1 AND (arrived, place) < ($2, $3)
		ORDER BY arrived DESC, place DESC LIMIT $4`, id[:], arrived, place, limit)
	slices.Reverse(rows)
	return bare(rows), err
}

// HeadsAfter implements store.Statements.
func (t *txn) HeadsAfter(id thread.ID, after statement.ID, limit int) ([]store.Statement, error) {
	if after.IsZero() {
		return nil, nil
	}
	arrived, place, err := t.headOf(id, after)
	if err != nil {
		return nil, err
	}
	rows, err := t.rows(`SELECT `+statementColumns+` FROM statement WHERE thread = $1 AND (arrived, place) > ($2, $3)
		ORDER BY arrived, place LIMIT $4`, id[:], arrived, place, limit)
	return bare(rows), err
}

// headOf is where a head stands in its thread.
func (t *txn) headOf(id thread.ID, of statement.ID) (arrived, at int64, err error) {
	found, err := t.one(`SELECT arrived, place FROM statement WHERE id = $1 AND thread = $2`, []any{of[:], id[:]}, &arrived, &at)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "", "this statement is none of the thread's")
	}
	return arrived, at, err
}

// Length implements store.Statements.
func (t *txn) Length(origin party.Origin) (n int64, err error) {
	_, err = t.one(`SELECT size FROM checkpoint WHERE origin = $1 AND proven = 1 ORDER BY size DESC LIMIT 1`, []any{origin}, &n)
	return n, err
}
