package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
)

func value(t testing.TB, s store.Store, key string) (v string) {
	t.Helper()
	view(t, s, func(tx store.Tx) (err error) { v, err = tx.Meta(key); return err })
	return v
}

func set(key, v string) func(tx store.Tx) error {
	return func(tx store.Tx) error { return tx.SetMeta(key, v) }
}

func durable(t *testing.T, open Opener) {
	place := t.TempDir()
	s := open(t, place)
	putSamples(t, s, 20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, open, place)
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Statement](t)(tx.Statement(id(19))), sample(19))
		return nil
	})
}

func errorRollsBack(t *testing.T, open Opener) {
	s := fresh(t, open)
	stop := errors.New("no")
	err := s.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(set("a", "1")(tx), tx.PutStatement(sample(1)), stop)
	})
	if !errors.Is(err, stop) {
		t.Errorf("f's error came back as %v", err)
	}
	same(t, value(t, s, "a"), "")
	view(t, s, func(tx store.Tx) error { _, err := tx.Statement(id(1)); is(t, err, fault.NotFound); return nil })
	if err := s.View(t.Context(), func(store.Tx) error { return stop }); err != stop {
		t.Errorf("f's error came back from View as %v", err)
	}
	update(t, s, set("a", "2"))
	same(t, value(t, s, "a"), "2")
}

// raised runs f and gives what it panicked with.
func raised(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func panicRollsBack(t *testing.T, open Opener) {
	s := fresh(t, open)
	same(t, raised(func() {
		s.Update(t.Context(), func(tx store.Tx) error {
			is(t, set("a", "1")(tx), "")
			panic("defect")
		})
	}), any("defect"))
	same(t, raised(func() { s.View(t.Context(), func(store.Tx) error { panic("defect") }) }), any("defect"))
	same(t, value(t, s, "a"), "")
	update(t, s, set("a", "2"))
	same(t, value(t, s, "a"), "2")
}

func savepoints(t *testing.T, open Opener) {
	s := fresh(t, open)
	stop := errors.New("no")
	update(t, s, func(tx store.Tx) error {
		is(t, set("outer", "1")(tx), "")
		err := s.Savepoint(tx, func() error {
			is(t, set("kept", "1")(tx), "")
			err := s.Savepoint(tx, func() error {
				is(t, set("outer", "2")(tx), "")
				is(t, s.Savepoint(tx, func() error { return set("inner", "1")(tx) }), "")
				return stop
			})
			if err != stop {
				t.Errorf("f's error came back as %v", err)
			}
			same(t, must[string](t)(tx.Meta("inner")), "")
			return nil
		})
		is(t, err, "")
		if err := s.Savepoint(tx, func() error { return errors.Join(set("undone", "1")(tx), stop) }); !errors.Is(err, stop) {
			t.Errorf("f's error came back as %v", err)
		}
		return set("after", "1")(tx)
	})
	for key, want := range map[string]string{"outer": "1", "kept": "1", "inner": "", "undone": "", "after": "1"} {
		if got := value(t, s, key); got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
}

func savepointPanic(t *testing.T, open Opener) {
	s := fresh(t, open)
	update(t, s, func(tx store.Tx) error {
		same(t, raised(func() {
			s.Savepoint(tx, func() error {
				is(t, set("a", "1")(tx), "")
				panic("defect")
			})
		}), any("defect"))
		return set("b", "1")(tx)
	})
	same(t, []string{value(t, s, "a"), value(t, s, "b")}, []string{"", "1"})
}

func canceledBefore(t *testing.T, open Opener) {
	s := fresh(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(store.Tx) error { t.Error("f was called"); return nil }
	is(t, s.Update(ctx, never), fault.Canceled)
	is(t, s.View(ctx, never), fault.Canceled)
	_, err := s.Version(ctx)
	is(t, err, fault.Canceled)
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	is(t, s.Update(late, never), fault.Unavailable)
}

func canceledDuring(t *testing.T, open Opener) {
	s := fresh(t, open)
	for name, f := range map[string]func(tx store.Tx) error{
		"at once":  func(tx store.Tx) error { return nil },
		"reading":  func(tx store.Tx) error { _, err := tx.Meta("a"); is(t, err, fault.Canceled); return nil },
		"writing":  func(tx store.Tx) error { err := set("b", "1")(tx); is(t, err, fault.Canceled); return err },
		"listing":  func(tx store.Tx) error { err := tx.EachLetter(func(store.Letter) bool { return true }); return err },
		"deafness": func(tx store.Tx) error { set("b", "1")(tx); set("c", "1")(tx); return nil },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Update(ctx, func(tx store.Tx) error {
			is(t, set("a", name)(tx), "")
			cancel()
			return f(tx)
		})
		if fault.CodeOf(err) != fault.Canceled || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		same(t, value(t, s, "a"), "")
	}
	update(t, s, set("a", "1"))
	same(t, value(t, s, "a"), "1")
}

// canceledWaiting: giving up while another writer, of this handle or of another, has the turn.
func canceledWaiting(t *testing.T, open Opener) {
	place := t.TempDir()
	s, other := opened(t, open, place), opened(t, open, place)
	update(t, s, func(tx store.Tx) error {
		for _, waiting := range []store.Store{s, other} {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				done <- waiting.Update(ctx, func(store.Tx) error { return errors.New("two writers at once") })
			}()
			cancel()
			is(t, <-done, fault.Canceled)
		}
		return set("a", "1")(tx)
	})
	update(t, other, set("b", "1"))
	same(t, []string{value(t, s, "a"), value(t, s, "b")}, []string{"1", "1"})
}

func viewSeesOneMoment(t *testing.T, open Opener) {
	place := t.TempDir()
	s, other := opened(t, open, place), opened(t, open, place)
	putSamples(t, s, 300)
	view(t, s, func(tx store.Tx) error {
		same(t, must[string](t)(tx.Meta("a")), "")
		update(t, s, set("a", "1"))
		update(t, other, set("b", "1"))
		seen := 0
		is(t, tx.Scan(oa, "", 0, func(store.Statement) bool {
			if seen == 0 {
				extra := sample(300)
				update(t, other, func(tx store.Tx) error { return tx.PutStatement(extra) })
			}
			seen++
			return true
		}), "")
		same(t, []any{seen, must[string](t)(tx.Meta("a")), must[string](t)(tx.Meta("b"))}, []any{300, "", ""})
		return nil
	})
	same(t, []string{value(t, other, "a"), value(t, s, "b")}, []string{"1", "1"})
}

func viewCannotWrite(t *testing.T, open Opener) {
	s := fresh(t, open)
	ref := store.ContentRef{Statement: id(1)}
	for name, f := range map[string]func(tx store.Tx) error{
		"meta":      set("a", "1"),
		"statement": func(tx store.Tx) error { return tx.PutStatement(sample(1)) },
		"tile":      func(tx store.Tx) error { return tx.PutTile(oa, 0, 0, make([]byte, 32)) },
		"append":    func(tx store.Tx) error { return tx.Append(ref, 0, []byte("x")) },
		"whole":     func(tx store.Tx) error { return tx.SetWhole(ref) },
		"reset":     func(tx store.Tx) error { return tx.Reset(ref) },
		"erase":     func(tx store.Tx) error { return tx.Erase(ref) },
		"requested": func(tx store.Tx) error { return tx.DropRequested(xb, id(1)) },
		"arrival":   func(tx store.Tx) error { return tx.PutArrival(store.Arrival{Peer: xb, Hi: 1}) },
		"new":       func(tx store.Tx) error { return tx.PutWhole(ref, digest("x"), []byte("x")) },
		"update":    func(tx store.Tx) error { return tx.UpdateStatement(sample(1)) },
	} {
		view(t, s, func(tx store.Tx) error {
			if err := f(tx); fault.CodeOf(err) != fault.Internal {
				t.Errorf("%s in a View: %v", name, err)
			}
			return nil
		})
	}
}

// yieldMayWrite: a listing goes on while its caller uses the transaction.
func yieldMayWrite(t *testing.T, open Opener) {
	s := fresh(t, open)
	putSamples(t, s, 100)
	update(t, s, func(tx store.Tx) error {
		return tx.Scan(oa, "", 0, func(st store.Statement) bool {
			st.ProofAt = 100
			is(t, tx.UpdateStatement(st), "")
			inner := 0
			is(t, tx.Scan(oa, "", st.Index, func(store.Statement) bool { inner++; return inner < 3 }), "")
			return true
		})
	})
	view(t, s, func(tx store.Tx) error {
		return tx.Scan(oa, "", 0, func(st store.Statement) bool { same(t, st.ProofAt, int64(100)); return true })
	})
}

func deadTx(t *testing.T, open Opener) {
	s := fresh(t, open)
	var leaked []store.Tx
	keep := func(tx store.Tx) error { leaked = append(leaked, tx); return nil }
	update(t, s, keep)
	view(t, s, keep)
	s.Update(t.Context(), func(tx store.Tx) error { keep(tx); return errors.New("no") })
	update(t, s, func(live store.Tx) error { // another one is open on the same connection, perhaps
		for _, tx := range leaked {
			is(t, tx.SetMeta("a", "1"), fault.Internal)
			_, err := tx.Meta("a")
			is(t, err, fault.Internal)
			is(t, tx.EachLetter(func(store.Letter) bool { return true }), fault.Internal)
			is(t, tx.Erase(store.ContentRef{}), fault.Internal)
			is(t, s.Savepoint(tx, func() error { t.Error("f was called"); return nil }), fault.Internal)
		}
		return live.SetMeta("b", "1")
	})
	same(t, []string{value(t, s, "a"), value(t, s, "b")}, []string{"", "1"})
	is(t, s.Savepoint(nil, func() error { return nil }), fault.Internal)
}

// interleave: writers of two handles take turns, and none loses what another wrote.
func interleave(t *testing.T, open Opener) {
	place := t.TempDir()
	const workers, rounds = 4, 25
	var wg sync.WaitGroup
	for w := range workers {
		s := opened(t, open, place)
		for range 2 {
			wg.Go(func() {
				for i := range rounds {
					err := s.Update(t.Context(), func(tx store.Tx) error {
						v, err := tx.Meta("n")
						if err != nil {
							return err
						}
						n, _ := strconv.Atoi(v)
						return errors.Join(tx.SetMeta("n", strconv.Itoa(n+1)), tx.SetMeta(fmt.Sprint(w), fmt.Sprint(i)))
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	same(t, value(t, opened(t, open, place), "n"), strconv.Itoa(2*workers*rounds))
}

func version(t *testing.T, open Opener) {
	place := t.TempDir()
	s, other := opened(t, open, place), opened(t, open, place)
	ask := func(s store.Store) int64 { return must[int64](t)(s.Version(t.Context())) }
	before := [2]int64{ask(s), ask(other)}
	for i, writer := range []store.Store{s, other, s} {
		update(t, writer, set("a", fmt.Sprint(i)))
		after := [2]int64{ask(s), ask(other)}
		if after[0] <= before[0] || after[1] <= before[1] {
			t.Errorf("write %d: versions went from %v to %v", i, before, after)
		}
		before = after
	}
	value(t, s, "a")
	if after := [2]int64{ask(s), ask(other)}; after != before {
		t.Errorf("reading moved the versions from %v to %v", before, after)
	}
}

// alone: a handle knows whether others have written since it last did.
func alone(t *testing.T, open Opener) {
	place := t.TempDir()
	s, other := opened(t, open, place), opened(t, open, place)
	stop := errors.New("no")
	n := 0
	is := func(s store.Store, want bool, f func(tx store.Tx) error) error {
		t.Helper()
		n++
		return s.Update(t.Context(), func(tx store.Tx) error {
			if got := tx.Alone(); got != want {
				t.Errorf("step %d: alone is %v", n, got)
			}
			return f(tx)
		})
	}
	write := func(tx store.Tx) error { return tx.SetMeta("n", strconv.Itoa(n)) }
	nothing := func(store.Tx) error { return nil }
	fail := func(tx store.Tx) error { return errors.Join(write(tx), stop) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(is(s, false, write)) // the first
	for range 3 {
		must(is(s, true, write))
	}
	value(t, s, "n") // reading, here and there, is not writing
	value(t, other, "n")
	must(is(s, true, nothing))
	must(is(s, true, write))
	if err := is(s, true, fail); !errors.Is(err, stop) { // what was undone was not written
		t.Error(err)
	}
	must(is(s, true, write))
	must(is(other, false, write))
	if err := is(s, false, fail); !errors.Is(err, stop) { // and has not brought the handle up to date
		t.Error(err)
	}
	must(is(s, false, write))
	must(is(s, true, write))
	if err := is(other, false, fail); !errors.Is(err, stop) {
		t.Error(err)
	}
	must(is(s, true, write))
	must(is(other, false, write))
	must(is(other, true, write))
	view(t, s, func(tx store.Tx) error { same(t, tx.Alone(), false); return nil })
}

// incarnation: every handle on one store gives the same name, and no other store has it.
func incarnation(t *testing.T, open Opener) {
	place := t.TempDir()
	s, other, elsewhere := opened(t, open, place), opened(t, open, place), fresh(t, open)
	ask := func(s store.Store) string { return must[string](t)(s.Incarnation(t.Context())) }
	first := ask(s)
	update(t, s, set("a", "1"))
	same(t, []string{ask(s), ask(other)}, []string{first, first})
	asked := func(tx store.Tx) error { same(t, must[string](t)(tx.Incarnation()), first); return nil }
	update(t, s, asked)
	view(t, other, asked)
	if first == "" || ask(elsewhere) == first {
		t.Errorf("two stores have the name %q", first)
	}
}

func closed(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	update(t, s, set("a", "1"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	is(t, s.Update(t.Context(), set("a", "2")), fault.Unavailable)
	is(t, s.View(t.Context(), set("a", "2")), fault.Unavailable)
	_, err := s.Version(t.Context())
	is(t, err, fault.Unavailable)
	_, err = s.Incarnation(t.Context())
	is(t, err, fault.Unavailable)
}
