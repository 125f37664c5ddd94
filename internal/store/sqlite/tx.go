package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// txn is one transaction. It implements store.Tx.
//
// Whatever SQL says other than "done" kills it: SQLite may have undone the transaction by itself, and what came after would be
// written on its own. So every statement here is written such that no expected event is an SQL error.
type txn struct {
	conn  *conn
	ctx   context.Context
	write bool
	alone bool
	known *origins // of the store: what is committed
	cache cache
	keys  keys

	mu    sync.Mutex // one statement at a time, for a Tx may have been leaked to another goroutine
	over  bool       // f has returned
	dead  error      // why nothing can be done any more
	depth int        // open savepoints
}

var _ store.Tx = (*txn)(nil)

// Alone implements store.Tx.
func (t *txn) Alone() bool { return t.alone }

// end forbids further use and gives the error that killed the transaction, if any.
func (t *txn) end() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	return t.dead
}

// raw runs a statement without parameters whatever the state of t.
func (t *txn) raw(q string) error {
	s, err := t.conn.prepared(q)
	if err == nil {
		_, err = s.ExecContext(context.Background())
	}
	return err
}

// ready tells whether a statement may run. Called with mu held.
func (t *txn) ready(write bool) error {
	switch {
	case t.over:
		return fault.New(fault.Internal, "", "a transaction was used after its end")
	case t.dead != nil:
		return t.dead
	case write && !t.write:
		return fault.New(fault.Internal, "", "a transaction that only reads was told to write")
	}
	if err := t.ctx.Err(); err != nil {
		t.dead = canceled(err)
	}
	return t.dead
}

// mayWrite is for methods that read before they write.
func (t *txn) mayWrite() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ready(true)
}

// fail kills the transaction. Called with mu held.
func (t *txn) fail(err error, attempted string) error {
	t.dead = broken(err, attempted)
	return t.dead
}

// exec runs a statement that writes and says how many rows it touched.
func (t *txn) exec(q string, args ...any) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(true); err != nil {
		return 0, err
	}
	s, err := t.conn.prepared(q)
	if err != nil {
		return 0, t.fail(err, "prepare")
	}
	// Without a deadline of its own: an interrupted statement would end the transaction, and none here is long.
	r, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, t.fail(err, "write")
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, t.fail(err, "write")
	}
	return n, nil
}

// query reads all rows before it returns, so that no cursor is open while other code runs. read scans one row.
func (t *txn) query(write bool, q string, args []any, read func(scan func(...any) error) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(write); err != nil {
		return err
	}
	s, err := t.conn.prepared(q)
	if err != nil {
		return t.fail(err, "prepare")
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return t.fail(err, "read")
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return t.fail(err, "read")
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return t.fail(err, "read")
	}
	return nil
}

// one reads at most one row into dest and tells whether there was one.
func (t *txn) one(q string, args []any, dest ...any) (found bool, err error) {
	err = t.query(false, q, args, func(scan func(...any) error) error {
		found = true
		return scan(dest...)
	})
	return found && err == nil, err
}

// The sizes of pages: the first is small since many callers stop early.
const (
	firstPage = 16
	maxPage   = 256
)

// first is the one row of a listing, or fault.NotFound.
func first[T any](all []T, err error, what string) (v T, _ error) {
	if err != nil {
		return v, err
	}
	if len(all) == 0 {
		return v, missing(what)
	}
	return all[0], nil
}

// each hands a whole listing to yield.
func each[T any](all []T, err error, yield func(T) bool) error {
	if err != nil {
		return err
	}
	for _, v := range all {
		if !yield(v) {
			break
		}
	}
	return nil
}

// paged goes through a listing page by page, each one starting after the last row of the one before. yield may use the transaction.
func paged[T any](start T, page func(after T, limit int) ([]T, error), yield func(T) bool) error {
	for limit := firstPage; ; limit = min(4*limit, maxPage) {
		rows, err := page(start, limit)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if !yield(r) {
				return nil
			}
			start = r
		}
		if len(rows) < limit {
			return nil
		}
	}
}

// list collects the rows of a query.
func list[T any](t *txn, q string, args []any, read func(scan func(...any) error, v *T) error) (all []T, err error) {
	err = t.query(false, q, args, func(scan func(...any) error) error {
		var v T
		if err := read(scan, &v); err != nil {
			return err
		}
		all = append(all, v)
		return nil
	})
	return all, err
}

// Savepoint implements store.Store.
func (d *DB) Savepoint(tx store.Tx, f func() error) (err error) {
	t, ok := tx.(*txn)
	if !ok {
		return fault.New(fault.Internal, "", "not a transaction of this store")
	}
	t.mu.Lock()
	if err := t.ready(false); err != nil {
		t.mu.Unlock()
		return err
	}
	t.depth++
	name := "s" + strconv.Itoa(t.depth)
	if err := t.raw("SAVEPOINT " + name); err != nil {
		err = t.fail(err, "savepoint")
		t.mu.Unlock()
		return err
	}
	t.mu.Unlock()
	kept := false
	defer func() { // also when f panics: somebody above may recover
		t.mu.Lock()
		defer t.mu.Unlock()
		t.depth--
		if t.over { // the transaction has ended, and the connection may have another one by now
			return
		}
		var undo error
		if !kept {
			undo = t.raw("ROLLBACK TO " + name)
			t.cache = cache{}
		}
		if undo = errors.Join(undo, t.raw("RELEASE "+name)); undo != nil && t.dead == nil {
			t.dead = broken(undo, "savepoint")
		}
		if err == nil {
			err = t.dead
		}
	}()
	err = f()
	kept = err == nil
	return err
}

// missing is the fault for a single thing that is not there.
func missing(what string) error { return fault.New(fault.NotFound, "", "no such %s", what) }

// differs is the fault for an insert that found another row under its key.
func differs(what string) error {
	return fault.New(fault.Exists, "", "another %s is already there", what)
}

// Conversions between columns and values. SQL has no place for our types.

func millis(t statement.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Std().UnixMilli()
}

// full makes b a value that is not NULL.
func full(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// bit is the column for a boolean, which not every dialect has.
func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// timeColumn scans milliseconds.
type timeColumn struct{ t *statement.Time }

func (c timeColumn) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time column holds %T", v)
	}
	*c.t = statement.Time{}
	if n != 0 {
		*c.t = statement.TimeOf(time.UnixMilli(n))
	}
	return nil
}

// hashColumn scans 32 bytes, or NULL as the absent value.
type hashColumn struct{ h *[32]byte }

func (c hashColumn) Scan(v any) error {
	b, ok := v.([]byte)
	switch {
	case v == nil:
		*c.h = [32]byte{}
	case !ok || len(b) != 32:
		return fmt.Errorf("an id column holds %d bytes of %T", len(b), v)
	default:
		copy(c.h[:], b)
	}
	return nil
}

func idInto(id *statement.ID) sql.Scanner        { return hashColumn{(*[32]byte)(id)} }
func digestInto(d *statement.Digest) sql.Scanner { return hashColumn{(*[32]byte)(d)} }
func timeInto(t *statement.Time) sql.Scanner     { return timeColumn{t} }

// sum is a digest over several byte strings that cannot be mistaken for one another's.
func sum(parts ...[]byte) statement.Digest {
	var all []byte
	for _, p := range parts {
		all = binary.BigEndian.AppendUint64(all, uint64(len(p)))
		all = append(all, p...)
	}
	return statement.Sum(all)
}
