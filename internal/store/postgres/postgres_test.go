package postgres

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
	"github.com/comity-exchange/comity/internal/store/relational"
	"github.com/comity-exchange/comity/internal/store/storetest"
	"github.com/comity-exchange/comity/statement"
)

// shared is the server of all tests that do not ill-treat theirs. TestMain sets it.
var shared *pgtest.Server

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m, func(s *pgtest.Server) { shared = s })) }

// openIn opens the database of a place.
func openIn(t testing.TB, place string) store.Store {
	t.Helper()
	d, err := Open(t.Context(), shared.Database(t, place), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestStore runs the suite, and then asks for the plan of every query that the suite ran: where an index can serve it, none goes through a table.
func TestStore(t *testing.T) {
	t.Parallel()
	shared.Need(t)
	var mu sync.Mutex
	queries := map[string]bool{}
	gather := func(q string) {
		mu.Lock()
		defer mu.Unlock()
		queries[q] = true
	}
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB, place string) store.Store {
			d, err := Open(t.Context(), shared.Database(t, place), Options{prepared: gather})
			if err != nil {
				t.Fatal(err)
			}
			return d
		})
	})
	if len(queries) < 50 {
		t.Fatalf("only %d queries", len(queries))
	}
	address := shared.Database(t, t.TempDir())
	opened(t, address, Options{})
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.WithoutCancel(t.Context()))
	exec := func(q string) {
		if _, err := c.Exec(t.Context(), q, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(q, err)
		}
	}
	exec(`SET enable_seqscan = off; SET enable_sort = off; SET plan_cache_mode = force_generic_plan`)
	for q := range queries {
		verb, _, _ := strings.Cut(strings.TrimSpace(q), " ")
		if !slices.Contains([]string{"SELECT", "UPDATE", "DELETE"}, verb) {
			continue
		}
		args := ""
		if n := strings.Count(q, "$"); n > 0 {
			last := 0
			for i := 1; i <= n; i++ {
				if strings.Contains(q, fmt.Sprintf("$%d", i)) {
					last = i
				}
			}
			args = "(" + strings.TrimSuffix(strings.Repeat("NULL,", last), ",") + ")"
		}
		exec(`PREPARE asked AS ` + q)
		rows, err := c.Query(t.Context(), `EXPLAIN EXECUTE asked`+args, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(q, err)
		}
		steps, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(q, err)
		}
		exec(`DEALLOCATE asked`)
		plan := strings.Join(steps, "\n\t")
		small := strings.Contains(q, "FROM fork") || strings.HasSuffix(q, " LIMIT 1") && !strings.Contains(q, "$") // a handful of rows, and any one row
		if !small && (strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort")) {
			t.Errorf("%s\n\t%s", q, plan)
		}
	}
}

func opened(t testing.TB, address string, o Options) *DB {
	t.Helper()
	d, err := Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func wants(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("error %v has code %q, not %q", err, fault.CodeOf(err), code)
	}
}

func set(key, value string) func(tx store.Tx) error {
	return func(tx store.Tx) error { return tx.SetMeta(key, value) }
}

func value(t testing.TB, s store.Store, key string) (v string) {
	t.Helper()
	if err := s.View(t.Context(), func(tx store.Tx) (err error) { v, err = tx.Meta(key); return err }); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestRefused: servers and addresses that must not be used are refused, with the reason and without the password.
func TestRefused(t *testing.T) {
	t.Parallel()
	shared.Need(t)
	if err := shared.Exec(t.Context(), `CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0`); err != nil {
		t.Fatal(err)
	}
	here, _, _ := strings.Cut(shared.Database(t, "refused"), " dbname=")
	for address, want := range map[string]struct {
		code fault.Code
		text string
	}{
		"postgres://node:secret@[::1":                          {fault.Usage, "cannot be read"},
		here + " dbname=bytes":                                 {fault.Usage, "encoding is SQL_ASCII"},
		here + " dbname=none":                                  {fault.Usage, "does not let this node in"},
		"host=" + t.TempDir() + " user=x dbname=x":             {fault.Unavailable, "does not answer"},
		here + " dbname=postgres target_session_attrs=standby": {fault.Unavailable, "does not answer"},
	} {
		d, err := Open(t.Context(), address, Options{})
		if err == nil {
			d.Close()
		}
		wants(t, err, want.code)
		if shown := fault.Show(err); !strings.Contains(shown, want.text) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: shown is %q", address, shown)
		}
	}
}

func TestRefusedWithoutSync(t *testing.T) {
	t.Parallel()
	s := pgtest.New(t)
	for _, step := range []func() error{
		func() error { return s.Exec(t.Context(), `ALTER SYSTEM SET fsync = off`) },
		func() error { return s.Exec(t.Context(), `ALTER SYSTEM SET synchronous_commit = off`) },
		func() error { return s.Exec(t.Context(), `SELECT pg_reload_conf()`) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	address := s.Database(t, "x")
	var err error
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		var d *DB
		if d, err = Open(t.Context(), address, Options{}); err != nil {
			break
		}
		d.Close() // the server has not read its settings again yet
	}
	wants(t, err, fault.Usage)
	if !strings.Contains(fault.Show(err), "fsync") {
		t.Errorf("shown is %q", fault.Show(err))
	}
	if err := errors.Join(s.Exec(t.Context(), `ALTER SYSTEM RESET fsync`), s.Stop(), s.Start()); err != nil {
		t.Fatal(err)
	}
	d := opened(t, address, Options{})
	if err := d.OnWriter(t.Context(), func(c *relational.Conn) error {
		var v string
		err := c.QueryRowContext(t.Context(), `SHOW synchronous_commit`).Scan(&v)
		if v != "on" {
			t.Errorf("synchronous_commit is %s", v)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestOtherPrograms: tables of a newer program are left alone.
func TestOtherPrograms(t *testing.T) {
	t.Parallel()
	address := shared.Database(t, t.TempDir())
	d := opened(t, address, Options{})
	wants(t, d.OnWriter(t.Context(), func(c *relational.Conn) error {
		return c.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	}), "")
	_, err := Open(t.Context(), address, Options{})
	wants(t, err, fault.Internal)
	if !strings.Contains(fault.Show(err), "newer program") {
		t.Errorf("shown is %q", fault.Show(err))
	}
}

// TestFirstOpenAtOnce: several processes meet an empty database.
func TestFirstOpenAtOnce(t *testing.T) {
	t.Parallel()
	address := shared.Database(t, t.TempDir())
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			d, err := Open(t.Context(), address, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			wants(t, d.Update(t.Context(), set("a", "1")), "")
		})
	}
	wg.Wait()
}

// TestErasedIsGone looks for the key of what was erased, and for its text, in every file of the server's tables.
func TestErasedIsGone(t *testing.T) {
	// spec: STM-7
	t.Parallel()
	s := pgtest.New(t)
	address := s.Database(t, "x")
	d := opened(t, address, Options{})
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	marker := []byte("MARKER-that-nobody-else-writes")
	ref := func(n int) store.ContentRef {
		return store.ContentRef{Statement: statement.IDOf(fmt.Append(nil, n)), Part: store.BodyPart}
	}
	for n := range 30 {
		text := append(bytes.Repeat([]byte("x"), 40<<(n%14)), marker...)
		if err := d.Update(t.Context(), func(tx store.Tx) error {
			err := tx.PutStatement(store.Statement{ID: ref(n).Statement, Origin: "XA/1", Index: int64(n), Kind: "a.b", Precedence: statement.Routine})
			if n%2 == 0 {
				return errors.Join(err, tx.PutWhole(ref(n), statement.Sum(text), text))
			}
			return errors.Join(err, tx.PutContent(ref(n), statement.Sum(text), int64(len(text))), tx.Append(ref(n), 0, text), tx.SetWhole(ref(n)))
		}); err != nil {
			t.Fatal(err)
		}
	}
	gone, kept := map[int][]byte{}, map[int][]byte{}
	for n := range 30 {
		if key := storetest.Secrets(t, db, ref(n))[0]; n%3 == 0 {
			gone[n] = key
		} else {
			kept[n] = key
		}
	}
	if err := d.Scrub(t.Context()); err != nil { // so that all is in the files
		t.Fatal(err)
	}
	before := tables(t, s)
	for n := range gone {
		if !bytes.Contains(before, gone[n]) {
			t.Fatal("the search does not find what is there")
		}
		if err := d.Update(t.Context(), func(tx store.Tx) error { return tx.Erase(ref(n)) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := tables(t, s)
	if bytes.Contains(after, marker) {
		t.Error("a text is there in plain")
	}
	for n, key := range gone {
		if bytes.Contains(after, key) {
			t.Errorf("the key of content %d is still there", n)
		}
	}
	for n, key := range kept {
		if !bytes.Contains(after, key) {
			t.Errorf("the key of content %d went too", n)
		}
		if err := d.View(t.Context(), func(tx store.Tx) error { return tx.Read(ref(n), io.Discard) }); err != nil {
			t.Errorf("content %d: %v", n, err)
		}
	}
}

// tables reads every file of the server but the write-ahead log.
func tables(t testing.TB, s *pgtest.Server) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(s.Data(), func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // servers make and remove files at any time
			return nil
		case err != nil:
			return err
		case e.IsDir() && e.Name() == "pg_wal":
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		all = append(all, data...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func BenchmarkPutStatement(b *testing.B) {
	shared.Need(b)
	storetest.Benchmark(b, openIn)
}
