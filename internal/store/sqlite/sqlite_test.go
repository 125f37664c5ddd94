package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/relational"
	"github.com/comity-exchange/comity/internal/store/storetest"
	"github.com/comity-exchange/comity/statement"
)

func openIn(t testing.TB, place string) store.Store {
	t.Helper()
	d, err := Open(t.Context(), filepath.Join(place, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func openFile(t testing.TB, path string) *DB {
	t.Helper()
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func update(t testing.TB, d *DB, f func(tx store.Tx) error) {
	t.Helper()
	if err := d.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("error %v has code %q, not %q", err, fault.CodeOf(err), code)
	}
}

// side is a second way into the file, past the store.
func side(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := pool(path, "", true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// putOwner inserts the statement that a test's n-th content belongs to.
func putOwner(tx store.Tx, n int) error {
	return tx.PutStatement(store.Statement{ID: statement.IDOf(fmt.Append(nil, n)), Origin: "XA/1", Index: int64(n), Kind: "a.b", Precedence: statement.Routine})
}

// files reads every file of a folder.
func files(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	all := map[string][]byte{}
	for _, f := range entries {
		if all[f.Name()], err = os.ReadFile(filepath.Join(folder, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// holding tells which files hold the bytes.
func holding(files map[string][]byte, b []byte) (names []string) {
	for name, data := range files {
		if bytes.Contains(data, b) {
			names = append(names, name)
		}
	}
	return names
}

// TestErasedIsGone looks for marker, key and sealed bytes in every file of the folder.
func TestErasedIsGone(t *testing.T) {
	// spec: STM-7
	t.Parallel()
	for _, size := range []int{40, 1500, 5000, 300_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			d := openFile(t, filepath.Join(folder, "store.db"))
			marker := []byte("MARKER-that-nobody-else-writes")
			text := append(bytes.Repeat([]byte("x"), size), marker...)
			ref := func(n int) store.ContentRef {
				return store.ContentRef{Statement: statement.IDOf(fmt.Append(nil, n)), Part: store.BodyPart}
			}
			for n := range 20 {
				update(t, d, func(tx store.Tx) error {
					if n%2 == 0 {
						return errors.Join(putOwner(tx, n), tx.PutWhole(ref(n), statement.Sum(text), text))
					}
					return errors.Join(putOwner(tx, n), tx.PutContent(ref(n), statement.Sum(text), int64(len(text))), tx.Append(ref(n), 0, text[:30]),
						tx.Append(ref(n), 30, text[30:]), tx.SetWhole(ref(n)))
				})
			}
			db := side(t, d.path)
			gone, kept := append(storetest.Secrets(t, db, ref(7)), storetest.Secrets(t, db, ref(12))...), storetest.Secrets(t, db, ref(8))
			before := files(t, folder)
			for _, b := range append(gone, kept...) {
				if len(holding(before, b[:16])) == 0 {
					t.Fatal("the search does not find what is there")
				}
			}
			update(t, d, func(tx store.Tx) error { return errors.Join(tx.Erase(ref(7)), tx.Erase(ref(12))) })
			if err := d.Scrub(t.Context()); err != nil {
				t.Fatal(err)
			}
			after := files(t, folder)
			if in := holding(after, marker); in != nil {
				t.Errorf("the text is in %v", in)
			}
			for i, b := range gone {
				for at := 0; at+16 <= len(b); at += max(16, len(b)/10) {
					if in := holding(after, b[at:at+16]); in != nil {
						t.Errorf("secret %d of what was erased is in %v", i, in)
					}
				}
			}
			for _, b := range kept {
				if len(holding(after, b[:16])) == 0 {
					t.Error("a neighbour went too")
				}
			}
		})
	}
}

// TestDraftIsGone looks for the key and the sealed bytes of a draft, and of an officer's former name, in every file of the folder.
func TestDraftIsGone(t *testing.T) {
	// spec: STM-7
	t.Parallel()
	for _, size := range []int{40, 5000, 1_200_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			d := openFile(t, filepath.Join(folder, "store.db"))
			marker := []byte("MARKER-that-nobody-else-writes")
			text := append(bytes.Repeat([]byte("x"), size), marker...)
			for n := range byte(6) {
				update(t, d, func(tx store.Tx) error {
					return errors.Join(tx.PutDraft(store.Draft{ID: store.DraftID{n}, Content: text}), tx.PutOfficer(store.Officer{ID: fmt.Sprint(n), Name: string(marker)}))
				})
			}
			db := side(t, d.path)
			secrets := func(table string, id any) (all [][]byte) {
				var key, piece int64
				var row []byte
				err := db.QueryRowContext(t.Context(), `SELECT key_id, last FROM `+table+` WHERE id = $1`, id).Scan(&key, &piece)
				if err == nil {
					err = db.QueryRowContext(t.Context(), `SELECT secrets FROM content_key WHERE id = $1`, key>>7).Scan(&row)
				}
				if err != nil || piece == 0 {
					t.Fatal(err)
				}
				all = append(all, row[key&127*32:][:32])
				for piece != 0 {
					var sealed []byte
					if err := db.QueryRowContext(t.Context(), `SELECT prior, sealed FROM content_piece WHERE id = $1`, piece).Scan(&piece, &sealed); err != nil {
						t.Fatal(err)
					}
					all = append(all, sealed)
				}
				return all
			}
			edited, dropped := store.DraftID{2}, store.DraftID{4}
			gone := slices.Concat(secrets("draft", edited[:]), secrets("draft", dropped[:]), secrets("officer", "3"))
			before := files(t, folder)
			for _, b := range gone {
				if len(holding(before, b[:16])) == 0 {
					t.Fatal("the search does not find what is there")
				}
			}
			update(t, d, func(tx store.Tx) error {
				return errors.Join(tx.PutDraft(store.Draft{ID: edited, Content: text[1:]}), tx.DropDraft(dropped), tx.PutOfficer(store.Officer{ID: "3", Name: "another"}))
			})
			if err := d.Scrub(t.Context()); err != nil {
				t.Fatal(err)
			}
			after := files(t, folder)
			if in := holding(after, marker); in != nil {
				t.Errorf("the text is in %v", in)
			}
			for i, b := range gone {
				for at := 0; at+16 <= len(b); at += max(16, len(b)/10) {
					if in := holding(after, b[at:at+16]); in != nil {
						t.Errorf("secret %d of what was dropped is in %v", i, in)
					}
				}
			}
			kept := store.DraftID{5}
			if b := secrets("draft", kept[:])[1]; len(holding(after, b[:16])) == 0 {
				t.Error("a neighbour went too")
			}
		})
	}
}

// TestKeysAreGoneAfterMuchChange erases in random order while others come: pages split, join and are used again.
func TestKeysAreGoneAfterMuchChange(t *testing.T) {
	// spec: STM-7
	t.Parallel()
	folder := t.TempDir()
	d := openFile(t, filepath.Join(folder, "store.db"))
	r := rand.New(rand.NewPCG(1, 2))
	db := side(t, d.path)
	var live []store.ContentRef
	var gone [][]byte
	for n := 0; n < 1500; n += 10 {
		var erased []store.ContentRef
		for range 10 {
			if len(live) > 0 && r.IntN(3) > 0 {
				k := r.IntN(len(live))
				erased = append(erased, live[k])
				gone = append(gone, storetest.Secrets(t, db, live[k])[0])
				live[k] = live[len(live)-1]
				live = live[:len(live)-1]
			}
		}
		update(t, d, func(tx store.Tx) error {
			for i := range 10 {
				ref := store.ContentRef{Statement: statement.IDOf(fmt.Append(nil, n+i)), Part: store.BodyPart}
				text := bytes.Repeat([]byte("y"), 1+r.IntN(3000))
				err := putOwner(tx, n+i)
				if i%2 == 0 {
					err = errors.Join(err, tx.PutWhole(ref, statement.Sum(text), text))
				} else {
					err = errors.Join(err, tx.PutContent(ref, statement.Sum(text), int64(len(text))), tx.Append(ref, 0, text), tx.SetWhole(ref))
				}
				if i < len(erased) {
					err = errors.Join(err, tx.Erase(erased[i]))
				}
				if err != nil {
					return err
				}
				live = append(live, ref)
			}
			return nil
		})
	}
	if err := d.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := files(t, folder)
	if n := len(after["store.db-wal"]); n != 0 {
		t.Errorf("the write-ahead log holds %d bytes after a scrub", n)
	}
	left := 0
	for _, key := range gone {
		if holding(after, key) != nil {
			left++
		}
	}
	if left > 0 || len(gone) < 500 {
		t.Errorf("%d of %d erased keys are still there", left, len(gone))
	}
}

func TestScrubWaitsForViews(t *testing.T) {
	t.Parallel()
	d := openFile(t, filepath.Join(t.TempDir(), "store.db"))
	update(t, d, func(tx store.Tx) error { return tx.SetMeta("a", "1") })
	err := d.View(t.Context(), func(tx store.Tx) error {
		if _, err := tx.Meta("a"); err != nil {
			return err
		}
		update(t, d, func(tx store.Tx) error { return tx.SetMeta("a", "2") })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Scrub(ctx) }()
		cancel()
		wants(t, <-done, fault.Canceled)
		return nil
	})
	wants(t, err, "")
	wants(t, d.Scrub(t.Context()), "")
}

func TestOnlyTheOwnerReads(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	d := openFile(t, filepath.Join(folder, "a store?%41#.db"))
	update(t, d, func(tx store.Tx) error { return tx.SetMeta("a", "1") })
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
		names = append(names, f.Name())
	}
	if got := strings.Join(names, " "); got != "a store?%41#.db a store?%41#.db-shm a store?%41#.db-wal" {
		t.Errorf("the folder holds %s", got)
	}
}

// TestDiskFull: the transaction fails whole, and the store goes on when there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	d := openFile(t, filepath.Join(t.TempDir(), "store.db"))
	limit := func(pages int) {
		t.Helper()
		wants(t, d.OnWriter(t.Context(), func(c *relational.Conn) error {
			var n int
			return c.QueryRowContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)).Scan(&n)
		}), "")
	}
	limit(1) // SQLite takes this as: no more than now
	err := d.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.SetMeta("small", "1"); err != nil {
			return err
		}
		wants(t, tx.SetMeta("large", strings.Repeat("x", 1<<20)), fault.Unavailable)
		wants(t, tx.SetMeta("small", "2"), fault.Unavailable) // SQLite has perhaps undone all: nothing may follow
		return nil                                            // and f's deafness does not make it a success
	})
	wants(t, err, fault.Unavailable)
	if strings.Contains(err.Error(), "outcome unknown") {
		t.Errorf("nothing was written, and that is known: %v", err)
	}
	limit(1 << 30)
	update(t, d, func(tx store.Tx) error {
		if v, err := tx.Meta("small"); v != "" || err != nil {
			t.Errorf("%q is there, %v", v, err)
		}
		return tx.SetMeta("large", strings.Repeat("x", 1<<20))
	})
}

func TestDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	d := openFile(t, path)
	update(t, d, func(tx store.Tx) error {
		for i := range 200 {
			if err := tx.SetMeta(fmt.Sprint(i), strings.Repeat("x", 500)); err != nil {
				return err
			}
		}
		return nil
	})
	wants(t, d.Close(), "")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := bytes.Index(data, []byte("xxxxxxxx")) &^ 4095; at < len(data); at++ {
		data[at] = 0xa5
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err = Open(t.Context(), path)
	if err == nil {
		err = d.View(t.Context(), func(tx store.Tx) error {
			for i := range 200 {
				if _, err := tx.Meta(fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		})
		d.Close()
	}
	wants(t, err, fault.Internal)
	if err := os.WriteFile(path, []byte("this is no database at all, though long enough to be looked at"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Remove(path + "-wal")
	_, err = Open(t.Context(), path)
	wants(t, err, fault.Internal)
}

// TestOtherPrograms: a file of a newer program, or of one from before the first release, is left alone.
func TestOtherPrograms(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`: "newer program",
		`UPDATE goose_db_version SET version_id = 1 WHERE version_id > 1`:         "make the node anew",
	} {
		path := filepath.Join(t.TempDir(), "store.db")
		d := openFile(t, path)
		wants(t, d.OnWriter(t.Context(), func(c *relational.Conn) error { return c.Exec(t.Context(), change) }), "")
		wants(t, d.Close(), "")
		_, err := Open(t.Context(), path)
		wants(t, err, fault.Internal)
		if !strings.Contains(fault.Show(err), want) {
			t.Errorf("shown is %q", fault.Show(err))
		}
	}
}

// TestFirstOpenAtOnce: several processes meet an empty folder.
func TestFirstOpenAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			d, err := Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			wants(t, d.Update(t.Context(), func(tx store.Tx) error { return tx.SetMeta("a", "1") }), "")
		})
	}
	wg.Wait()
}

func TestOpenWithoutFolder(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "none", "store.db"))
	wants(t, err, fault.Internal)
}

// TestStore runs the suite, and then asks for the plan of every query that the suite ran: none goes through a table, and none sorts more
// than an index leaves it to.
func TestStore(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	queries := map[string]bool{}
	gather := func(q string) {
		mu.Lock()
		defer mu.Unlock()
		queries[q] = true
	}
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB, place string) store.Store {
			d, err := open(t.Context(), filepath.Join(place, "store.db"), "", gather)
			if err != nil {
				t.Fatal(err)
			}
			return d
		})
	})
	path := filepath.Join(t.TempDir(), "store.db")
	openFile(t, path)
	db := side(t, path)
	if len(queries) < 50 {
		t.Fatalf("only %d queries", len(queries))
	}
	for q := range queries {
		verb, _, _ := strings.Cut(strings.TrimSpace(q), " ")
		if !strings.Contains("SELECT UPDATE DELETE", verb) {
			continue
		}
		args := make([]any, strings.Count(q, "$"))
		for i := range args {
			args[i] = 1
		}
		for _, step := range plan(t, db, q, args) {
			small := strings.Contains(q, "FROM fork") || strings.HasSuffix(q, "FROM tombstone LIMIT 1") // a handful of rows, and any one row
			if !small && (strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "USING") || strings.Contains(step, "TEMP B-TREE")) {
				t.Errorf("%s\n\t%s", q, step)
			}
		}
	}
}

// plan is how SQLite goes about a query.
func plan(t *testing.T, db *sql.DB, q string, args []any) (steps []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+q, args...)
	if err != nil {
		t.Fatal(q, err)
	}
	defer rows.Close()
	for rows.Next() {
		var a, b, c int
		var step string
		if err := rows.Scan(&a, &b, &c, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "store.db")
	openFile(b, path).Close()
	for b.Loop() {
		d, err := Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		d.Close()
	}
}

func BenchmarkVersion(b *testing.B) {
	d := openFile(b, filepath.Join(b.TempDir(), "store.db"))
	for b.Loop() {
		if _, err := d.Version(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateOne(b *testing.B) {
	d := openFile(b, filepath.Join(b.TempDir(), "store.db"))
	for b.Loop() {
		update(b, d, func(tx store.Tx) error { return tx.SetMeta("a", "1") })
	}
}

func BenchmarkPutStatement(b *testing.B) { storetest.Benchmark(b, openIn) }
