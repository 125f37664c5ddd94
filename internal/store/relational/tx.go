package relational

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
)

// txn is one transaction. It implements store.Tx.
//
// Whatever SQL says other than "done" kills it: PostgreSQL takes nothing more then, and SQLite may have undone the transaction by itself, so that what came
// after would be written on its own. So every statement here is written such that no expected event is an SQL error.
type txn struct {
	store *Store
	conn  *Conn
	ctx   context.Context
	write bool
	alone bool
	era   int // of store.origins when it began
	cache cache
	keys  keys

	postings postings
	emptied  bool // it has taken postings out of blocks, which may be undone: what it reads of them holds for it alone

	mu    sync.Mutex // one statement at a time, for a Tx may have been leaked to another goroutine
	over  bool       // f has returned
	dead  error      // why nothing can be done any more
	again bool       // it may well work when it is tried again
	depth int        // open savepoints
}

var _ store.Tx = (*txn)(nil)

// Alone implements store.Tx.
func (t *txn) Alone() bool { return t.alone }

// Incarnation implements store.Tx.
func (t *txn) Incarnation() (string, error) {
	if t.conn.Incarnation != "" {
		return t.conn.Incarnation, nil
	}
	return t.Meta("incarnation")
}

// end forbids further use and gives the error that killed the transaction, if any.
func (t *txn) end() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	return t.dead
}

// raw runs a statement without parameters whatever the state of t.
func (t *txn) raw(q string) error {
	ctx, cancel := t.bounded()
	defer cancel()
	return t.conn.Exec(ctx, q)
}

// bounded is the context of one statement. The caller's end is none of its own: an interrupted statement would end the transaction, and none here is long.
func (t *txn) bounded() (context.Context, context.CancelFunc) {
	return t.store.bounded(context.WithoutCancel(t.ctx))
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
		t.dead = Canceled(err)
	}
	return t.dead
}

// mayRead is for methods that may answer without a statement.
func (t *txn) mayRead() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ready(false)
}

// mayWrite is for methods that read before they write.
func (t *txn) mayWrite() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ready(true)
}

// fail kills the transaction. Called with mu held.
func (t *txn) fail(err error, attempted string) error {
	t.dead, t.again = t.store.opt.Dialect.Broken(err, attempted), t.store.opt.Dialect.Again(err)
	return t.dead
}

// exec runs a statement that writes and says how many rows it touched.
func (t *txn) exec(q string, args ...any) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(true); err != nil {
		return 0, err
	}
	ctx, cancel := t.bounded()
	defer cancel()
	s, err := t.conn.stmt(ctx, q)
	if err != nil {
		return 0, t.fail(err, "prepare")
	}
	r, err := s.ExecContext(ctx, args...)
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
func (t *txn) query(q string, args []any, read func(scan func(...any) error) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(false); err != nil {
		return err
	}
	ctx, cancel := t.bounded()
	defer cancel()
	s, err := t.conn.stmt(ctx, q)
	if err != nil {
		return t.fail(err, "prepare")
	}
	rows, err := s.QueryContext(ctx, args...)
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
	err = t.query(q, args, func(scan func(...any) error) error {
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
	err = t.query(q, args, func(scan func(...any) error) error {
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
func (s *Store) Savepoint(tx store.Tx, f func() error) (err error) {
	t, ok := tx.(*txn)
	if !ok || t.store != s {
		return fault.New(fault.Internal, "", "not a transaction of this store")
	}
	if err := t.writePieces(); err != nil {
		return err
	}
	if err := t.writePostings(); err != nil {
		return err
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
	zeroed := len(t.keys.zeroed)
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
			t.keys.undone(zeroed)
			t.postings = postings{}
		}
		if undo = errors.Join(undo, t.raw("RELEASE "+name)); undo != nil && t.dead == nil {
			_ = t.fail(undo, "savepoint")
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
