package storetest

import (
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// due: dates of erasure are found by time, the earlier of two stays, and what is done is dropped.
func due(t *testing.T, open Opener) {
	// spec: RET-1
	s := fresh(t, open)
	putSamples(t, s, 40)
	in := func(f func(tx store.Tx) error) error { return s.Update(t.Context(), f) }
	listed := func(by statement.Time, limit int) (out []store.Due) {
		t.Helper()
		view(t, s, func(tx store.Tx) (err error) {
			out, err = tx.Due(by, limit)
			return err
		})
		return out
	}
	same(t, len(listed(at(59), 10)), 0)
	is(t, in(func(tx store.Tx) error { return tx.PutDue(id(99), at(1)) }), fault.NotFound)
	is(t, in(func(tx store.Tx) error { return tx.DropDue(id(99)) }), "")
	update(t, s, func(tx store.Tx) error {
		for n := range 30 {
			if err := tx.PutDue(id(n), at(30-n)); err != nil { // the last one first
				return err
			}
		}
		return nil
	})
	same(t, listed(at(0), 10), []store.Due(nil))
	same(t, listed(at(2), 10), []store.Due{{Statement: id(29), At: at(1)}, {Statement: id(28), At: at(2)}})
	same(t, len(listed(statement.TimeOf(at(2).Std().Add(-time.Millisecond)), 10)), 1)
	same(t, len(listed(at(59), 7)), 7)
	same(t, len(listed(at(59), 100)), 30)

	update(t, s, func(tx store.Tx) error { return tx.PutDue(id(29), at(5)) }) // later: nothing changes
	update(t, s, func(tx store.Tx) error { return tx.PutDue(id(0), at(0)) })  // earlier
	same(t, listed(at(1), 10), []store.Due{{Statement: id(0), At: at(0)}, {Statement: id(29), At: at(1)}})
	update(t, s, func(tx store.Tx) error { return tx.DropDue(id(29)) })
	same(t, listed(at(1), 10), []store.Due{{Statement: id(0), At: at(0)}})
	same(t, len(listed(at(59), 100)), 29)
	is(t, s.View(t.Context(), func(tx store.Tx) error { return tx.PutDue(id(1), at(1)) }), fault.Internal)
	is(t, s.View(t.Context(), func(tx store.Tx) error { return tx.DropDue(id(1)) }), fault.Internal)
}
