package pgtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Standby makes a copy of the server that follows it, and waits until it does. From then on the server acknowledges nothing that the standby does not have.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	f, err := folder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx := t.Context()
	steps := []func() error{
		func() error {
			return f.run("pg_basebackup", "-h", s.dir, "-p", "5432", "-U", "comity", "-D", f.Data(), "-X", "stream", "-c", "fast", "-R")
		},
		f.Start,
		func() error {
			return s.becomes(ctx, `SELECT COALESCE(MAX(state), '') FROM pg_stat_replication`, "streaming")
		},
		func() error { return s.Exec(ctx, `ALTER SYSTEM SET synchronous_standby_names = '*'`) },
		func() error { return s.Exec(ctx, `SELECT pg_reload_conf()`) },
		func() error {
			return s.becomes(ctx, `SELECT COALESCE(MAX(sync_state), '') FROM pg_stat_replication`, "sync")
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// Promote makes a standby take the place of its server, which should be gone.
func (s *Server) Promote(ctx context.Context) error {
	if err := s.Exec(ctx, `SELECT pg_promote(true, 60)`); err != nil {
		return err
	}
	return s.becomes(ctx, `SELECT pg_is_in_recovery()::text`, "false")
}

// Either is the address of a database on whichever of the two servers may be written to.
func (s *Server) Either(t testing.TB, other *Server, name string) string {
	t.Helper()
	one := s.Database(t, name)
	_, database, _ := strings.Cut(one, "dbname=")
	return fmt.Sprintf("host=%s,%s port=5432,5432 user=comity target_session_attrs=read-write dbname=%s", s.dir, other.dir, database)
}

// becomes waits until a query gives what is wanted.
func (s *Server) becomes(ctx context.Context, q, want string) error {
	var got string
	var err error
	for until := time.Now().Add(time.Minute); time.Now().Before(until) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if got, err = s.Ask(ctx, q); err == nil && got == want {
			return nil
		}
	}
	return fmt.Errorf("%s gives %q, not %q: %v", q, got, want, err)
}
