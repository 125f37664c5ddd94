package archive_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/archive"
	"github.com/comity-exchange/comity/internal/store/postgres"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
	"github.com/comity-exchange/comity/internal/store/relational"
	"github.com/comity-exchange/comity/internal/store/sqlite"
	"github.com/comity-exchange/comity/internal/store/storetest"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// shared is the database server of all tests; nil where there is none. TestMain sets it.
var shared *pgtest.Server

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m, func(s *pgtest.Server) { shared = s })) }

// kind is one kind of store, and how a new one of it is made.
type kind struct {
	name string
	make func(t testing.TB) store.Store
}

func kinds() []kind {
	return []kind{
		{"sqlite", func(t testing.TB) store.Store { return file(t, filepath.Join(t.TempDir(), "store.db")) }},
		{"postgres", func(t testing.TB) store.Store {
			s, err := postgres.Open(t.Context(), shared.Database(t, t.TempDir()), postgres.Options{})
			return closing(t, s, err)
		}},
	}
}

func file(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	closing(t, s, err)
	return s
}

func closing(t testing.TB, s store.Store, err error) store.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("error %v has code %q, not %q", err, fault.CodeOf(err), code)
	}
}

func id(n int) statement.ID { return statement.IDOf(fmt.Append(nil, "statement ", n)) }

func at(n int) statement.Time {
	return statement.TimeOf(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second))
}

func body(n int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "body %d;", n), 1+n*n%997)
}

// large is longer than one chunk.
func large(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "blob %d;", n), 40_000) }

func bodyOf(n int) store.ContentRef {
	return store.ContentRef{Statement: id(n), Part: store.BodyPart}
}
func draftOf(n int) store.DraftID   { return store.DraftID{byte(n >> 8), byte(n)} }
func blobOf(n int) store.ContentRef { return store.ContentRef{Statement: id(n), Part: n % 5} }

// fill writes something into every table: statements from first on, with bodies, every tenth with a blob, every seventh erased.
func fill(t testing.TB, s store.Store, first, count int) {
	t.Helper()
	must(t, s.Update(t.Context(), func(tx store.Tx) error {
		for n := first; n < first+count; n++ {
			err := errors.Join(
				tx.PutStatement(store.Statement{
					ID: id(n), Thread: id(n - n%3), Origin: party.Origin([]string{"XA/1", "XB/1"}[n%2]), Index: int64(n / 2), Kind: "assist.note",
					Precedence: statement.Precedences()[n%4], ProofAt: int64(n), Head: fmt.Appendf(nil, "head %d", n), Arrived: at(n), Folded: n%2 == 0, Void: []string{"", "late"}[n%2],
				}),
				tx.PutWhole(bodyOf(n), statement.Sum(body(n)), body(n)),
			)
			if n%10 == 0 {
				err = errors.Join(err, tx.PutContent(blobOf(n), statement.Sum(large(n)), int64(len(large(n)))), tx.Append(blobOf(n), 0, large(n)), tx.SetWhole(blobOf(n)))
				_, put := tx.PutParcel(store.Parcel{Content: blobOf(n), Thread: id(n), Class: store.Class(-n), Objects: 40_000, Hidden: store.Lines{}.Add(n)}, int64(n), []store.Posting{{Term: 1, Line: n}})
				err = errors.Join(err, put)
			}
			if n%7 == 0 {
				err = errors.Join(err, tx.Erase(bodyOf(n)), tx.Erase(store.ContentRef{Statement: id(-n - 1), Part: 3}))
			}
			err = errors.Join(err,
				tx.PutDue(id(n), at(n+500)),
				tx.PutThread(store.ThreadRow{ID: id(n - n%3), Desk: "assist", State: body(n), Summary: []byte("{}"), Opened: at(1), Updated: at(n), Waiting: n, Listed: true,
					Facets: store.Facets{Peers: []party.Code{"XB", "XC"}, Agreement: id(n % 3), Status: "asked", Exercise: n%2 == 0}, Clocks: []store.Clock{{Owes: "XB", Of: id(n), Seconds: 60}}}),
				tx.PutArrival(store.Arrival{Peer: "XB", Origin: "XA/1", What: store.HeadArrived, Lo: int64(n), Hi: int64(n + 1), Receipt: id(n), Time: at(n)}),
				tx.PutTile("XA/1", n%3, int64(n), make([]byte, 32*(1+n%256))),
				tx.PutCheckpoint(store.Checkpoint{Origin: "XA/1", Size: int64(n), Root: translog.Hash{byte(n)}, Time: at(n), Note: body(n), Proven: n%2 == 0}),
				tx.PutConsistency(store.Consistency{Origin: "XA/1", From: int64(n), To: int64(n + 1), Hashes: []translog.Hash{{1}, {2}}}),
				tx.PutTilePath(store.TilePath{Origin: "XA/1", N: int64(n), Size: 9, Path: []translog.Hash{{byte(n)}}}),
				tx.PutFork(store.Fork{Origin: "XC/1", NoteA: body(n), NoteB: []byte("ü\x00"), Found: at(n), Why: "equal-size"}),
				tx.PutLetter(store.Letter{Code: "XB", Serial: n, Digest: statement.Sum(body(n)), Raw: body(n), Status: store.LetterConfirmed}),
				tx.PutWanted(id(n), "XB"), tx.PutRequested("XB", id(n)), tx.SetMeta(fmt.Sprint("note ", n), "Grüße"),
				tx.PutPeer(store.Peer{Code: "XB", Origin: party.Origin(fmt.Sprint("XA/", n)), Cursor: map[statement.Precedence]int64{statement.Flash: int64(n)}}),
				tx.PutOfficer(store.Officer{ID: fmt.Sprint("officer-", n), Name: fmt.Sprint("name ", n), Roles: []string{"analyst"}, Made: at(n)}),
				tx.PutToken(store.Token{Hash: statement.Sum(fmt.Append(nil, n)), Officer: fmt.Sprint("officer-", n), Scopes: []string{"analyst"}, Made: at(n), Expires: at(n + 1)}),
				tx.PutLink(store.Link{Hash: statement.Sum(fmt.Append(nil, n)), Officer: fmt.Sprint("officer-", n), Made: at(n), Expires: at(n + 1)}),
				tx.PutPasskey(store.Passkey{ID: []byte{1, byte(n >> 8), byte(n)}, Officer: fmt.Sprint("officer-", n), Name: fmt.Sprint("key ", n), Record: body(n), Made: at(n), Count: int64(n)}),
				tx.PutIdentity(store.Identity{Hash: statement.Sum(fmt.Append(nil, n)), Officer: fmt.Sprint("officer-", n), Issuer: "https://id.xa.example", Made: at(n)}),
				tx.PutSession(store.Session{Hash: statement.Sum(fmt.Append(nil, n)), Officer: fmt.Sprint("officer-", n), Way: "link", Made: at(n), Seen: at(n), Expires: at(n + 1)}),
				tx.PutDraft(store.Draft{ID: draftOf(n), Author: fmt.Sprint("officer-", n), Status: "draft", Made: at(n), Changed: at(n), Content: body(n)}),
			)
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// here checks that the contents of a store are those of fill, but for what was erased.
func here(t testing.TB, s store.Store, count int, erased ...store.ContentRef) {
	t.Helper()
	must(t, s.View(t.Context(), func(tx store.Tx) error {
		for n := range count {
			for ref, want := range map[store.ContentRef][]byte{bodyOf(n): body(n), blobOf(n): large(n)} {
				if ref.Part >= 0 && n%10 != 0 {
					continue
				}
				var got bytes.Buffer
				err := tx.Read(ref, &got)
				if ref.Part < 0 && n%7 == 0 || slices.Contains(erased, ref) {
					wants(t, err, fault.Withheld)
				} else if err != nil || !bytes.Equal(got.Bytes(), want) {
					t.Errorf("content %d of statement %d: %v", ref.Part, n, err)
				}
			}
		}
		return nil
	}))
}

// office checks that officers, tokens and drafts are those of fill, names and texts too.
func office(t testing.TB, s store.Store, count int) {
	t.Helper()
	must(t, s.View(t.Context(), func(tx store.Tx) error {
		for n := range count {
			o, err := tx.Officer(fmt.Sprint("officer-", n))
			if err != nil || o.Name != fmt.Sprint("name ", n) {
				t.Errorf("officer %d is %+v, %v", n, o, err)
			}
			k, err := tx.Token(statement.Sum(fmt.Append(nil, n)))
			if err != nil || k.Officer != o.ID || k.Expires != at(n+1) {
				t.Errorf("token %d is %+v, %v", n, k, err)
			}
			d, err := tx.Draft(draftOf(n))
			if err != nil || !bytes.Equal(d.Content, body(n)) {
				t.Errorf("draft %d: %v", n, err)
			}
		}
		return nil
	}))
}

// TestCopy writes a store and puts it back, from each kind into each.
func TestCopy(t *testing.T) {
	t.Parallel()
	const count = 300
	for _, from := range kinds() {
		for _, to := range kinds() {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				t.Parallel()
				old, anew := from.make(t), to.make(t)
				fill(t, old, 0, count)
				var stream bytes.Buffer
				wrote, err := archive.Write(t.Context(), old, &stream)
				must(t, err)
				for _, table := range wrote.Tables {
					if table.Rows == 0 {
						t.Errorf("the table %s was not filled", table.Name)
					}
				}
				checked, err := archive.Verify(bytes.NewReader(stream.Bytes()))
				must(t, err)
				before, err := anew.Incarnation(t.Context())
				must(t, err)
				read, err := archive.Restore(t.Context(), anew, bytes.NewReader(stream.Bytes()), archive.RestoreOptions{Now: at(0).Std()})
				must(t, err)
				now, err := archive.Digest(t.Context(), anew)
				must(t, err)
				for name, m := range map[string]archive.Manifest{"verified": checked, "restored": read, "there": now} {
					if !reflect.DeepEqual(m.Tables, wrote.Tables) {
						t.Errorf("%s is\n%+v\nnot\n%+v", name, m.Tables, wrote.Tables)
					}
				}
				here(t, anew, count)
				office(t, anew, count)
				must(t, anew.View(t.Context(), func(tx store.Tx) error { // nobody is signed in by a copy
					return tx.EachSession("", func(v store.Session) bool {
						t.Errorf("%+v", v)
						return false
					})
				}))
				after, err := anew.Incarnation(t.Context())
				if err != nil || after != before || strings.HasPrefix(after, wrote.Incarnation) {
					t.Errorf("the copy is called %q, %v", after, err)
				}
				must(t, anew.View(t.Context(), func(tx store.Tx) error {
					when, err := tx.Meta("restored")
					if when != at(0).String() {
						t.Errorf("restored at %q", when)
					}
					return err
				}))
				fill(t, anew, count, 20) // and life goes on
				here(t, anew, count+20)
			})
		}
	}
}

// TestErasedSince: what was erased after the copy was made does not come back, and not a byte of it is written.
func TestErasedSince(t *testing.T) {
	// spec: STM-7
	t.Parallel()
	for _, to := range kinds() {
		t.Run(to.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			old := file(t, filepath.Join(folder, "old.db"))
			fill(t, old, 0, 60)
			var stream bytes.Buffer
			_, err := archive.Write(t.Context(), old, &stream)
			must(t, err)
			since := []store.ContentRef{bodyOf(5), bodyOf(20), blobOf(20), {Statement: id(20), Part: 77}, {Statement: id(1000), Part: 2}}
			db, err := sql.Open("sqlite", filepath.Join(folder, "old.db"))
			must(t, err)
			defer db.Close()
			var secrets [][]byte
			for _, ref := range since[:3] {
				secrets = append(secrets, storetest.Secrets(t, db, ref)...)
			}
			must(t, old.Update(t.Context(), func(tx store.Tx) error {
				for _, ref := range since {
					must(t, tx.Erase(ref))
				}
				return nil
			}))
			all, err := archive.Erased(t.Context(), old)
			must(t, err)
			var list bytes.Buffer
			must(t, archive.FormatErased(&list, all))
			parsed, err := archive.ParseErased(io.MultiReader(strings.NewReader("# erased\n\n"), &list))
			if err != nil || !slices.Equal(parsed, all) {
				t.Fatalf("%d became %d, %v", len(all), len(parsed), err)
			}
			anew, place := to.make(t), ""
			if to.name == "sqlite" {
				place = t.TempDir()
				anew = file(t, filepath.Join(place, "store.db"))
			}
			read, err := archive.Restore(t.Context(), anew, bytes.NewReader(stream.Bytes()), archive.RestoreOptions{Erased: parsed})
			must(t, err)
			now, err := archive.Digest(t.Context(), anew)
			if err != nil || !reflect.DeepEqual(now.Tables, read.Tables) {
				t.Errorf("there is\n%+v\nnot\n%+v, %v", now.Tables, read.Tables, err)
			}
			here(t, anew, 60, since...)
			again, err := archive.Erased(t.Context(), anew)
			if err != nil || len(again) != len(all) {
				t.Errorf("%d tombstones, not %d: %v", len(again), len(all), err)
			}
			var copied bytes.Buffer
			_, err = archive.Write(t.Context(), anew, &copied)
			must(t, err)
			raw := plain(t, copied.Bytes())
			for i, secret := range secrets {
				if bytes.Contains(raw, secret) {
					t.Errorf("secret %d is in a copy of the restored store", i)
				}
				if !bytes.Contains(plain(t, stream.Bytes()), secret) {
					t.Error("the search does not find what is there")
				}
			}
			if place == "" {
				return
			}
			entries, err := os.ReadDir(place)
			must(t, err)
			for _, e := range entries {
				data, err := os.ReadFile(filepath.Join(place, e.Name()))
				must(t, err)
				for i, secret := range secrets {
					if bytes.Contains(data, secret) {
						t.Errorf("secret %d is in %s", i, e.Name())
					}
				}
			}
		})
	}
	for _, bad := range []string{"x -1", id(1).String(), id(1).String() + " -2", id(1).String() + " 256", id(1).String() + " 1 2"} {
		_, err := archive.ParseErased(strings.NewReader(bad))
		wants(t, err, fault.Usage)
	}
}

// TestWritersGoOn: a copy is of one moment, however much is written meanwhile.
func TestWritersGoOn(t *testing.T) {
	t.Parallel()
	for _, from := range kinds() {
		t.Run(from.name, func(t *testing.T) {
			t.Parallel()
			s := from.make(t)
			fill(t, s, 0, 40)
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wrote := make(chan struct{}, 1000)
			wg.Go(func() { // pairs that are equal at every moment
				for n := 0; ctx.Err() == nil; n++ {
					err := s.Update(ctx, func(tx store.Tx) error {
						return errors.Join(tx.SetMeta("a pair", fmt.Sprint(n)), tx.PutLetter(store.Letter{Code: "XC", Serial: n, Raw: []byte("x")}))
					})
					if err != nil && ctx.Err() == nil {
						t.Error(err)
					}
					select {
					case wrote <- struct{}{}:
					default:
					}
				}
			})
			<-wrote
			// The copy does not go on until somebody has written while it was made.
			var stream bytes.Buffer
			_, err := archive.Write(t.Context(), s, &waiting{Writer: &stream, news: wrote, left: 3})
			must(t, err)
			stop()
			wg.Wait()
			anew := kinds()[0].make(t)
			_, err = archive.Restore(t.Context(), anew, &stream, archive.RestoreOptions{})
			must(t, err)
			must(t, anew.View(t.Context(), func(tx store.Tx) error {
				last := -1
				must(t, tx.EachLetter(func(l store.Letter) bool {
					if l.Code == "XC" {
						last = max(last, l.Serial)
					}
					return true
				}))
				v, err := tx.Meta("a pair")
				if v != fmt.Sprint(last) {
					t.Errorf("letter %d and note %s are not of one moment", last, v)
				}
				return err
			}))
		})
	}
}

// waiting lets bytes through only after somebody has written into the store again, a few times.
type waiting struct {
	io.Writer
	news <-chan struct{}
	left int
}

func (w *waiting) Write(b []byte) (int, error) {
	for ; w.left > 0; w.left-- {
		for len(w.news) > 0 {
			<-w.news
		}
		<-w.news
	}
	return w.Writer.Write(b)
}

// TestDamaged: a stream that is not all there, or has another byte, is found out; what was put back of it is no store.
func TestDamaged(t *testing.T) {
	t.Parallel()
	s := file(t, filepath.Join(t.TempDir(), "store.db"))
	fill(t, s, 0, 12)
	var out bytes.Buffer
	wrote, err := archive.Write(t.Context(), s, &out)
	must(t, err)
	good := out.Bytes()
	if m, err := archive.Verify(bytes.NewReader(good)); err != nil || !reflect.DeepEqual(m, wrote) {
		t.Fatalf("%v\n%+v\n%+v", err, m, wrote)
	}
	for n := 0; n < len(good); n += 1 + len(good)/400 {
		changed := bytes.Clone(good)
		changed[n] ^= 0x10
		// A compressed stream can say the same in two ways: then nothing is damaged.
		if m, err := archive.Verify(bytes.NewReader(changed)); fault.CodeOf(err) != fault.Failed && (err != nil || !reflect.DeepEqual(m, wrote)) {
			t.Errorf("byte %d of %d: %v", n, len(good), err)
		}
		if _, err := archive.Verify(bytes.NewReader(good[:n])); fault.CodeOf(err) != fault.Failed {
			t.Errorf("cut at %d of %d: %v", n, len(good), err)
		}
	}
	if _, err := archive.Verify(io.MultiReader(bytes.NewReader(good), strings.NewReader("x"))); fault.CodeOf(err) != fault.Failed {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := archive.Verify(strings.NewReader("comity-store/9\n...")); !strings.Contains(fault.Show(err), "another version") {
		t.Errorf("%v", err)
	}

	path := filepath.Join(t.TempDir(), "store.db")
	half := file(t, path)
	_, err = archive.Restore(t.Context(), half, bytes.NewReader(good[:len(good)*2/3]), archive.RestoreOptions{})
	wants(t, err, fault.Failed)
	_, err = archive.Restore(t.Context(), half, bytes.NewReader(good), archive.RestoreOptions{})
	wants(t, err, fault.Exists)
	must(t, half.Close())
	_, err = sqlite.Open(t.Context(), path)
	wants(t, err, fault.Usage)
	if !strings.Contains(fault.Show(err), "empty") {
		t.Errorf("shown is %q", fault.Show(err))
	}
}

// TestNotEmpty: a backup is put back into nothing but an empty store, which stays as it is.
func TestNotEmpty(t *testing.T) {
	t.Parallel()
	for _, to := range kinds() {
		t.Run(to.name, func(t *testing.T) {
			t.Parallel()
			s, other := to.make(t), to.make(t)
			must(t, s.Update(t.Context(), func(tx store.Tx) error { return tx.SetMeta("a", "1") }))
			var out bytes.Buffer
			_, err := archive.Write(t.Context(), s, &out)
			must(t, err)
			must(t, other.Update(t.Context(), func(tx store.Tx) error { return tx.PutWanted(id(1), "XB") }))
			_, err = archive.Restore(t.Context(), other, &out, archive.RestoreOptions{})
			wants(t, err, fault.Exists)
			must(t, other.View(t.Context(), func(tx store.Tx) error {
				v, err := tx.Meta("a")
				if v != "" {
					t.Error("something was written")
				}
				return err
			}))
		})
	}
}

// TestNothingIsForgotten: a copy has every table of the store, and every column of each, in an order that the primary key gives. Words and what objects are found by are found again, so it has
// neither them nor what tells that they are there; nor what counts changes: whoever restores one begins anew.
func TestNothingIsForgotten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	file(t, path)
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	known := map[string]bool{"lease": true, "word": true, "posting_run": true, "posting_block": true, "posting_epoch": true, "parcel_terms": true, "parcel_cover": true, "answer": true, "session": true, "spent": true, "goose_db_version": true, "sqlite_sequence": true} // of processes, and of SQLite
	for _, table := range relational.Tables() {
		known[table.Name] = true
		var columns, key []string
		func() {
			rows, err := db.Query(`SELECT name, pk FROM pragma_table_info($1) WHERE name NOT IN ('worded', 'change_no') ORDER BY pk = 0, pk, cid`, table.Name)
			must(t, err)
			defer rows.Close()
			for rows.Next() {
				var name string
				var pk int
				must(t, rows.Scan(&name, &pk))
				columns = append(columns, name)
				if pk > 0 {
					key = append(key, name)
				}
			}
			must(t, rows.Err())
		}()
		have := slices.Clone(table.Columns)
		if !slices.Equal(key, have[:table.Key]) {
			t.Errorf("%s: the key is %v, not %v", table.Name, key, have[:table.Key])
		}
		slices.Sort(have)
		slices.Sort(columns)
		if !slices.Equal(have, columns) {
			t.Errorf("%s: the columns are %v, not %v", table.Name, columns, have)
		}
	}
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table'`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		if !known[name] {
			t.Errorf("a copy has no table %s", name)
		}
	}
	must(t, rows.Err())
}
