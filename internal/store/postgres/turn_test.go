package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
	"github.com/comity-exchange/comity/internal/store/relational"
)

// TestTurns: however many handles write, each turn is one, none is lost, and the fence counts them.
func TestTurns(t *testing.T) {
	t.Parallel()
	address := shared.Database(t, t.TempDir())
	const handles, rounds = 4, 40
	var wg sync.WaitGroup
	alone := make([]int, handles)
	for h := range handles {
		d := opened(t, address, Options{})
		wg.Go(func() {
			for range rounds {
				if err := d.Update(t.Context(), func(tx store.Tx) error {
					if tx.Alone() {
						alone[h]++
					}
					n, err := tx.Meta("n")
					return errors.Join(err, tx.SetMeta("n", n+"x"))
				}); err != nil {
					t.Error(err)
				}
				wants(t, d.Update(t.Context(), func(tx store.Tx) error { // what is undone is no turn
					return errors.Join(tx.SetMeta("n", ""), fault.New(fault.Usage, "", "no"))
				}), fault.Usage)
			}
		})
	}
	wg.Wait()
	d := opened(t, address, Options{})
	if n := len(value(t, d, "n")); n != handles*rounds {
		t.Errorf("%d writes were kept, not %d", n, handles*rounds)
	}
	if got := fence(t, d); got != handles*rounds {
		t.Errorf("the fence is at %d", got)
	}
	for h, n := range alone {
		if n >= rounds {
			t.Errorf("handle %d was alone %d times", h, n)
		}
	}
}

func fence(t testing.TB, d *DB) (n int64) {
	t.Helper()
	err := d.OnReader(t.Context(), func(c *relational.Conn) error { return c.Row(t.Context(), `SELECT fence FROM turn`, nil, &n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPausedTurn: a process that stands still in the middle of its turn loses it, by the server's clock. Others go on, and when it wakes, it has written nothing and
// is told so; the next time it writes like anybody.
func TestPausedTurn(t *testing.T) {
	t.Parallel()
	address := shared.Database(t, t.TempDir())
	short := Options{Turn: 300 * time.Millisecond}
	paused, other := opened(t, address, short), opened(t, address, short)
	for name, after := range map[string]func(tx store.Tx) error{
		"and writes on":    func(tx store.Tx) error { return tx.SetMeta("b", "paused") },
		"and is deaf":      func(tx store.Tx) error { _ = tx.SetMeta("b", "paused"); return nil },
		"and only commits": func(tx store.Tx) error { return nil },
	} {
		err := paused.Update(t.Context(), func(tx store.Tx) error {
			if err := tx.SetMeta("a", "paused"); err != nil {
				return err
			}
			// The other one waits for its turn, and gets it, while this one says nothing.
			if err := other.Update(t.Context(), set("a", "other")); err != nil {
				t.Errorf("%s: the other: %v", name, err)
			}
			return after(tx)
		})
		wants(t, err, fault.Unavailable)
		if !strings.Contains(fault.Show(err), "nothing was written") {
			t.Errorf("%s: %v, caused by %v", name, err, errors.Unwrap(err))
		}
		if a, b := value(t, other, "a"), value(t, other, "b"); a != "other" || b != "" {
			t.Errorf("%s: %q and %q were written", name, a, b)
		}
		wants(t, paused.Update(t.Context(), set("a", "")), "")
	}
	if n := fence(t, other); n != 6 {
		t.Errorf("the fence is at %d", n)
	}
}

// TestWaiting: who does not get a turn in time is told that the database is busy, and has written nothing.
func TestWaiting(t *testing.T) {
	t.Parallel()
	address := shared.Database(t, t.TempDir())
	d, other := opened(t, address, Options{}), opened(t, address, Options{})
	err := d.Update(t.Context(), func(tx store.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		wants(t, other.Update(ctx, set("a", "2")), fault.Unavailable)
		return tx.SetMeta("a", "1")
	})
	wants(t, err, "")
	if v := value(t, other, "a"); v != "1" {
		t.Errorf("%q was written", v)
	}
}

// ledger writes numbers, one after the other, and knows which of them were acknowledged.
type ledger struct {
	mu     sync.Mutex
	said   []string
	failed int
}

// run writes until stop is closed. An error is counted and written off: what came of it is unknown.
func (l *ledger) run(t *testing.T, d *DB, name string, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		key := fmt.Sprintf("%s-%d", name, n)
		err := d.Update(t.Context(), set(key, key))
		l.mu.Lock()
		if err == nil {
			l.said = append(l.said, key)
		} else {
			l.failed++
		}
		l.mu.Unlock()
		if err != nil {
			wants(t, err, fault.Unavailable)
		}
	}
}

func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.said)
}

// until waits until so many more were acknowledged than by now.
func (l *ledger) until(t *testing.T, more int) {
	t.Helper()
	want := l.acknowledged() + more
	for end := time.Now().Add(2 * time.Minute); l.acknowledged() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d were acknowledged", l.acknowledged(), want)
		}
	}
}

// check fails the test where an acknowledged number is not there.
func (l *ledger) check(t *testing.T, d *DB) {
	t.Helper()
	err := d.View(t.Context(), func(tx store.Tx) error {
		for _, key := range l.said {
			if v, err := tx.Meta(key); err != nil || v != key {
				return fmt.Errorf("%s was acknowledged and is %q: %w", key, v, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if l.failed == 0 {
		t.Error("nobody noticed")
	}
}

// TestCrash: the server breaks off in the middle of work and comes back. What was acknowledged is there, and the handles go on by themselves.
func TestCrash(t *testing.T) {
	t.Parallel()
	s := pgtest.New(t)
	address := s.Database(t, "x")
	var l ledger
	var wg sync.WaitGroup
	stop := make(chan struct{})
	handles := []*DB{opened(t, address, Options{}), opened(t, address, Options{})}
	before, err := handles[0].Incarnation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range handles {
		wg.Go(func() { l.run(t, d, fmt.Sprint(i), stop) })
	}
	l.until(t, 50)
	for _, end := range []func() error{s.Crash, s.Stop} {
		if err := errors.Join(end(), s.Start()); err != nil {
			t.Fatal(err)
		}
		l.until(t, 50)
	}
	close(stop)
	wg.Wait()
	l.check(t, handles[1])
	if after, err := handles[0].Incarnation(t.Context()); err != nil || after != before {
		t.Errorf("the same data is called %q after %q, %v", after, before, err)
	}
}

// TestFailover: the server is lost in the middle of work, and its standby takes its place. It has all that was acknowledged, the handles find it by
// themselves, and the data has another name.
func TestFailover(t *testing.T) {
	t.Parallel()
	s := pgtest.New(t)
	_ = s.Database(t, "x") // before the copy
	standby := s.Standby(t)
	address := s.Either(t, standby, "x")
	d := opened(t, address, Options{})
	before, err := d.Incarnation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var l ledger
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { l.run(t, d, "a", stop) })
	l.until(t, 50)
	if err := errors.Join(s.Crash(), standby.Promote(t.Context())); err != nil {
		t.Fatal(err)
	}
	l.until(t, 50)
	close(stop)
	wg.Wait()
	l.check(t, d)
	if after, err := d.Incarnation(t.Context()); err != nil || after == before {
		t.Errorf("after the change of servers the data is called %q as before, %v", after, err)
	}
}

// TestLostCommits: a standby that was not waited for takes the place of its server. What it lacks is noticed: nobody is alone who knew more.
func TestLostCommits(t *testing.T) {
	t.Parallel()
	s := pgtest.New(t)
	_ = s.Database(t, "x")
	standby := s.Standby(t)
	ctx := t.Context()
	d := opened(t, s.Either(t, standby, "x"), Options{})
	wants(t, d.Update(ctx, set("a", "1")), "") // the standby has this: it is still waited for
	for _, q := range []string{`ALTER SYSTEM RESET synchronous_standby_names`, `SELECT pg_reload_conf()`} {
		if err := s.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	// The standby gets no more.
	if err := standby.Stop(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		wants(t, d.Update(ctx, func(tx store.Tx) error { // a log gets its number, and loses it
			return errors.Join(tx.SetMeta("a", "2"), tx.PutStatement(store.Statement{ID: [32]byte{1}, Origin: "XA/1", Kind: "a.b", Precedence: "routine"}),
				fault.New(fault.Usage, "", "no"))
		}), fault.Usage)
	}
	wants(t, d.Update(ctx, func(tx store.Tx) error {
		return errors.Join(tx.SetMeta("a", "2"), tx.PutStatement(store.Statement{ID: [32]byte{1}, Origin: "XA/1", Kind: "a.b", Precedence: "routine"}))
	}), "")
	if err := errors.Join(s.Crash(), standby.Start(), standby.Promote(ctx)); err != nil {
		t.Fatal(err)
	}
	err := d.Update(ctx, func(tx store.Tx) error {
		if tx.Alone() {
			t.Error("a handle takes itself to be alone whose writes are lost")
		}
		if v, err := tx.Meta("a"); v != "1" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
		return tx.PutStatement(store.Statement{ID: [32]byte{2}, Origin: "XB/1", Kind: "a.b", Precedence: "routine"})
	})
	wants(t, err, "")
	err = d.View(ctx, func(tx store.Tx) error {
		if _, err := tx.StatementAt("XA/1", 0); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("a statement of another log has come in the place of a lost one: %v", err)
		}
		st, err := tx.StatementAt("XB/1", 0)
		if st.ID != [32]byte{2} {
			t.Error("another statement")
		}
		return err
	})
	wants(t, err, "")
}

// TestLostAnswer: when nobody hears whether a commit was done, its caller is told just that. It may have been.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	shared.Need(t)
	place := t.TempDir()
	p := shared.Proxy(t)
	d := opened(t, p.Database(t, shared, place), Options{})
	wants(t, d.Update(t.Context(), set("a", "1")), "")
	err := d.Update(t.Context(), func(tx store.Tx) error {
		err := tx.SetMeta("a", "2")
		p.SwallowAnswer()
		return err
	})
	if !store.OutcomeUnknown(err) {
		t.Errorf("%v", err)
	}
	if v := value(t, d, "a"); v != "2" {
		t.Errorf("%q", v)
	}
	// Lost earlier, it is certain that nothing was written.
	err = d.Update(t.Context(), func(tx store.Tx) error {
		p.SwallowAnswer()
		return tx.SetMeta("a", "3")
	})
	if fault.CodeOf(err) != fault.Unavailable || store.OutcomeUnknown(err) {
		t.Errorf("%v", err)
	}
	wants(t, d.Update(t.Context(), set("b", "4")), "") // and it goes on
	if a, b := value(t, d, "a"), value(t, d, "b"); a != "2" || b != "4" {
		t.Errorf("%q and %q", a, b)
	}
}

// TestConflicts: where a server lets one of two transactions fail, it is done again, a bounded number of times.
func TestConflicts(t *testing.T) {
	t.Parallel()
	address := shared.Database(t, t.TempDir())
	d := opened(t, address, Options{})
	wants(t, d.OnWriter(t.Context(), func(c *relational.Conn) error {
		// A sequence is not undone with its transaction: it counts what was tried.
		for _, q := range []string{
			`CREATE SEQUENCE tries`,
			`CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF nextval('tries') % 10 < NEW.value::int THEN RAISE EXCEPTION 'conflict' USING ERRCODE = TG_ARGV[0]; END IF;
				RETURN NEW;
			END $$`,
			`CREATE TRIGGER at_once BEFORE INSERT ON meta FOR EACH ROW WHEN (NEW.name = 'at once') EXECUTE FUNCTION conflict('40001')`,
			`CREATE CONSTRAINT TRIGGER late AFTER INSERT ON meta DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.name = 'late') EXECUTE FUNCTION conflict('40P01')`,
		} {
			if _, err := c.ExecContext(t.Context(), q); err != nil {
				return err
			}
		}
		return nil
	}), "")
	for _, c := range []struct {
		name, failures string
		calls          int
		code           fault.Code
	}{
		{"at once", "4", 4, ""}, // 1, 2 and 3 fail
		{"late", "3", 3, ""},
		{"late", "9", 5, fault.Unavailable},
		{"at once", "9", 5, fault.Unavailable},
	} {
		calls := 0
		wants(t, d.OnWriter(t.Context(), func(x *relational.Conn) error {
			_, err := x.ExecContext(t.Context(), `SELECT setval('tries', 10)`)
			_, err2 := x.ExecContext(t.Context(), `DELETE FROM meta WHERE name IN ('at once', 'late')`)
			return errors.Join(err, err2)
		}), "")
		err := d.Update(t.Context(), func(tx store.Tx) error {
			calls++
			return errors.Join(tx.SetMeta("before", fmt.Sprint(calls)), tx.SetMeta(c.name, c.failures))
		})
		wants(t, err, c.code)
		if calls != c.calls {
			t.Errorf("%s, %s failures: called %d times", c.name, c.failures, calls)
		}
		if store.OutcomeUnknown(err) {
			t.Errorf("%s: nothing was written, and that is known: %v", c.name, err)
		}
	}
}
