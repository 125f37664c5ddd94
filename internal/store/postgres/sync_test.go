package postgres

import (
	"errors"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
	"github.com/comity-exchange/comity/statement"
)

// TestStandbyAway: while the standby is not there that a commit waits for, nothing is acknowledged, neither when the wait grows long, nor when somebody cuts
// it short; then it goes on by itself. The server says "done" to a commit whose wait was cut short: it is done there, and nowhere else.
func TestStandbyAway(t *testing.T) {
	t.Parallel()
	s := pgtest.New(t)
	address := s.Database(t, "x")
	standby := s.Standby(t)
	turn := 200 * time.Millisecond
	d, other := opened(t, address, Options{Turn: turn}), opened(t, address, Options{Turn: turn})
	wants(t, d.Update(t.Context(), set("a", "1")), "")
	if err := standby.Stop(); err != nil {
		t.Fatal(err)
	}
	err := d.Update(t.Context(), set("a", "2")) // as long as patience lasts
	if !store.OutcomeUnknown(err) {
		t.Errorf("a commit that no standby has: %v", err)
	}
	if v := value(t, other, "a"); v != "1" {
		t.Errorf("somebody sees %q before it is safe", v)
	}
	done := make(chan error, 1)
	go func() { done <- other.Update(t.Context(), set("b", "1")) }()
	const waiting = `SELECT count(pg_cancel_backend(pid))::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
	for n := 0; ; n++ { // somebody cuts the waits short, first that of d's commit, then other's
		if _, err := s.Ask(t.Context(), waiting); err != nil {
			t.Fatal(err)
		}
		select {
		case err = <-done:
		case <-time.After(20 * time.Millisecond):
			continue
		}
		break
	}
	if !store.OutcomeUnknown(err) {
		t.Errorf("a commit whose wait was cut short: %v", err)
	}
	if err := standby.Start(); err != nil {
		t.Fatal(err)
	}
	var last error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if last = d.Update(t.Context(), set("a", "3")); fault.CodeOf(last) != fault.Unavailable {
			break
		}
	}
	wants(t, last, "")
	if err := errors.Join(s.Crash(), standby.Promote(t.Context())); err != nil {
		t.Fatal(err)
	}
	after, err := Open(t.Context(), s.Either(t, standby, "x"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if v := value(t, after, "a"); v != "3" {
		t.Errorf("after the change of servers: %q", v)
	}
}

// TestClaimIsNoTurn: who claims a peer's queue writes nothing that others look for.
func TestClaimIsNoTurn(t *testing.T) {
	t.Parallel()
	address := shared.Database(t, t.TempDir())
	d, other := opened(t, address, Options{}), opened(t, address, Options{})
	wants(t, d.Update(t.Context(), set("a", "1")), "")
	before, err := d.Version(t.Context())
	wants(t, err, "")
	now := statement.TimeOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	if mine, err := other.Claim(t.Context(), "queue of XB", "other", now, now.Add(time.Minute)); !mine || err != nil {
		t.Errorf("%v, %v", mine, err)
	}
	if mine, err := d.Claim(t.Context(), "queue of XB", "d", now, now.Add(time.Minute)); mine || err != nil {
		t.Errorf("%v, %v", mine, err)
	}
	if after, err := d.Version(t.Context()); after != before || err != nil {
		t.Errorf("from %d to %d, %v", before, after, err)
	}
	wants(t, d.Update(t.Context(), func(tx store.Tx) error {
		if !tx.Alone() {
			t.Error("a claim passes for a turn")
		}
		return nil
	}), "")
}
