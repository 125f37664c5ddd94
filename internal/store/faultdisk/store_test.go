package faultdisk_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/faultdisk"
	"github.com/comity-exchange/comity/internal/store/sqlite"
	"github.com/comity-exchange/comity/statement"
)

const origin = "XA/1"

// blank is the file of an empty store.
func blank(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blank.db")
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// book writes entries into a store, each with something of everything, that can be told from their number alone.
type book struct {
	t    *testing.T
	seed uint64
	disk *faultdisk.Disk
	path string
	db   *sqlite.DB
}

func newBook(t *testing.T, seed uint64, file []byte) *book {
	t.Helper()
	b := &book{t: t, seed: seed, disk: newDisk(t, seed), path: filepath.Join(t.TempDir(), "store.db")}
	if err := os.WriteFile(b.path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	b.open(b.disk.Name())
	return b
}

func (b *book) open(vfs string) {
	b.t.Helper()
	var err error
	if b.db, err = sqlite.OpenOn(context.Background(), b.path, vfs); err != nil {
		b.t.Fatalf("seed %d: %v", b.seed, err)
	}
	b.t.Cleanup(func() { _ = b.db.Close() })
}

// of gives the random numbers that make entry n.
func (b *book) of(n int) *rand.Rand { return rand.New(rand.NewPCG(b.seed, uint64(n))) }

func (b *book) head(n int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%d,%d;", b.seed, n), 1+b.of(n).IntN(300))
}

func (b *book) body(n int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%d.%d ", n, b.seed), 1+b.of(n).IntN(3000))
}

// erased tells which entry's body entry n erases; 0: none.
func (b *book) erased(n int) int {
	if n%5 != 0 {
		return 0
	}
	return n - 3
}

func (b *book) ref(n int) store.ContentRef {
	return store.ContentRef{Statement: statement.ID(statement.Sum(b.head(n))), Part: store.BodyPart}
}

// write writes entry n.
func (b *book) write(n int) error {
	return b.db.Update(context.Background(), func(tx store.Tx) error {
		row := store.Statement{
			ID: b.ref(n).Statement, Origin: origin, Index: int64(n - 1), Kind: "receipt.delivered", Precedence: statement.Routine, Head: b.head(n), Folded: true,
		}
		err := errors.Join(tx.PutStatement(row), tx.SetMeta("entries", fmt.Sprint(n)), tx.PutTile(origin, 0, 0, make([]byte, 32*n)),
			tx.PutCheckpoint(store.Checkpoint{Origin: origin, Size: int64(n), Note: []byte("note"), Proven: true}),
			tx.PutContent(b.ref(n), statement.Sum(b.body(n)), int64(len(b.body(n)))), tx.Append(b.ref(n), 0, b.body(n)), tx.SetWhole(b.ref(n)))
		if old := b.erased(n); err == nil && old > 0 {
			err = errors.Join(tx.Erase(b.ref(old)), tx.Erase(b.parcel(old)))
		}
		if err == nil {
			err = b.index(tx, n)
		}
		return err
	})
}

// parcel is the blob of entry n.
func (b *book) parcel(n int) store.ContentRef {
	return store.ContentRef{Statement: b.ref(n).Statement, Part: 0}
}

// common is a term of all entries; each has many of its own beside it.
const common = store.Term(7)

// index puts the parcel of entry n and merges some of what is there.
func (b *book) index(tx store.Tx, n int) error {
	blob := fmt.Appendf(nil, "parcel %d\n", n)
	all := []store.Posting{{Term: common, Offset: n}, {Term: store.Term(-n), Version: int64(n), Sum: 1}}
	for r := b.of(n); len(all) < 40; {
		all = append(all, store.Posting{Term: store.Term(r.Uint64() | 1<<40)})
	}
	if err := tx.PutWhole(b.parcel(n), statement.Sum(blob), blob); err != nil {
		return err
	}
	if _, err := tx.PutParcel(store.Parcel{Content: b.parcel(n), Objects: 1}, 0, all); err != nil {
		return err
	}
	_, err := tx.MergePostings()
	return err
}

// found checks what n entries are found by.
func (b *book) found(tx store.Tx, n int, gone map[int]bool) error {
	all, err := tx.Postings(common, 0, -1, n+1)
	if err != nil {
		return err
	}
	for i := 1; i <= n; i++ {
		own, err := tx.Postings(store.Term(-i), 0, -1, 2)
		switch {
		case err != nil:
			return err
		case gone[i] && len(own) == 0:
			continue
		case gone[i] || len(own) != 1 || own[0].Parcel != int64(i) || own[0].Version != int64(i) || len(all) == 0 || all[0].Parcel != int64(i) || all[0].Offset != i:
			return fmt.Errorf("entry %d of %d, erased %v, is found %d times by its own term", i, n, gone[i], len(own))
		}
		all = all[1:]
	}
	if len(all) > 0 {
		return fmt.Errorf("%d are found that are not there", len(all))
	}
	return nil
}

// fill writes entries from n on until one fails, and now and then has the log moved into the file. It gives the last that was acknowledged.
func (b *book) fill(n int) (said int, err error) {
	for said = n - 1; ; said++ {
		if err := b.write(said + 1); err != nil {
			return said, err
		}
		if b.of(said).IntN(6) == 0 {
			if err := b.db.Scrub(context.Background()); err != nil {
				return said + 1, err
			}
		}
	}
}

// read tells how many entries are there, or what is wrong.
func (b *book) read() (n int, err error) {
	err = b.db.View(context.Background(), func(tx store.Tx) error {
		noted, err := tx.Meta("entries")
		if err != nil {
			return err
		}
		_, _ = fmt.Sscan(noted, &n) // "" is none
		length, err := tx.Length(origin)
		if err != nil || length != int64(n) {
			return errors.Join(err, fmt.Errorf("%d entries, a log of %d", n, length))
		}
		tile, err := tx.Tile(origin, 0, 0)
		if err != nil || len(tile) != 32*n {
			return errors.Join(err, fmt.Errorf("%d entries, %d bytes of tile", n, len(tile)))
		}
		gone := map[int]bool{}
		for i := range n {
			gone[b.erased(i+1)] = true
		}
		for i := 1; i <= n; i++ {
			if err := b.check(tx, i, gone[i]); err != nil {
				return fmt.Errorf("entry %d of %d: %w", i, n, err)
			}
		}
		if err := b.found(tx, n, gone); err != nil {
			return err
		}
		if _, err := tx.Content(b.ref(n + 1)); fault.CodeOf(err) != fault.NotFound {
			return fmt.Errorf("a part of entry %d: %v", n+1, err)
		}
		return nil
	})
	return n, err
}

// errForged is what nothing could tell from what was written but the test.
var errForged = errors.New("other bytes than were written")

func (b *book) check(tx store.Tx, n int, gone bool) error {
	s, err := tx.StatementAt(origin, int64(n-1))
	switch {
	case err != nil:
		return err
	case statement.ID(statement.Sum(s.Head)) != s.ID: // as whoever verifies the log looks at it
		return errors.New("a head that is not that of its id")
	case !bytes.Equal(s.Head, b.head(n)):
		return errForged
	}
	var body bytes.Buffer
	err = tx.Read(b.ref(n), &body)
	switch {
	case gone && fault.CodeOf(err) == fault.Withheld:
		return nil
	case gone:
		return fmt.Errorf("its body was erased: %w", err)
	case err != nil:
		return err
	case bytes.Equal(body.Bytes(), b.body(n)):
		return nil
	}
	if c, err := tx.Content(b.ref(n)); err != nil || statement.Sum(body.Bytes()) != c.SHA256 { // likewise
		return fmt.Errorf("a body that is not that of its digest: %w", err)
	}
	return errForged
}

// sound asks SQLite itself about the file.
func (b *book) sound() error {
	db, err := sql.Open("sqlite", dsn(b.path, "mode=rw"))
	if err != nil {
		return err
	}
	defer db.Close()
	var says string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&says); err != nil || says != "ok" {
		return fmt.Errorf("integrity_check: %q, %v", says, err)
	}
	return nil
}

// cut opens the store anew over the system's own VFS after a cut.
func (b *book) reopen() {
	b.t.Helper()
	if !b.disk.Dark() {
		b.t.Fatalf("seed %d: the store failed with the power on", b.seed)
	}
	if err := b.db.Close(); err != nil {
		b.t.Errorf("seed %d: %v", b.seed, err)
	}
	b.open("")
}

// A power cut at any moment, in a commit and while the log is moved into the file too, takes nothing that was acknowledged and leaves no part of what was not.
func TestStoreSurvivesCuts(t *testing.T) {
	t.Parallel()
	file := blank(t)
	for seed := range uint64(16 / less) {
		b := newBook(t, seed, file)
		moment := rand.New(rand.NewPCG(seed, 7))
		for n, cut := 0, 0; cut < 3; cut++ {
			b.disk.CutAfter(1 + moment.Int64N(400))
			said, _ := b.fill(n + 1)
			b.reopen()
			var err error
			if n, err = b.read(); err != nil || n < said || n > said+1 {
				t.Errorf("seed %d, cut %d: %d of %d entries: %v", seed, cut, n, said, err)
			}
			if err := b.sound(); err != nil {
				t.Errorf("seed %d, cut %d: %v", seed, cut, err)
			}
			if err := errors.Join(b.db.Close(), b.disk.On()); err != nil {
				t.Fatal(err)
			}
			b.open(b.disk.Name())
		}
	}
}

// A power cut while a store is made leaves one that can be opened, and is empty.
func TestStoreMadeInACut(t *testing.T) {
	t.Parallel()
	cuts := 0
	for after := int64(1); ; after += 17 * less {
		b := &book{t: t, seed: uint64(after), disk: newDisk(t, uint64(after)), path: filepath.Join(t.TempDir(), "store.db")}
		b.disk.CutAfter(after)
		db, err := sqlite.OpenOn(t.Context(), b.path, b.disk.Name())
		if err == nil {
			_ = db.Close()
		}
		if !b.disk.Dark() {
			break // it takes fewer effects than that
		}
		cuts++
		b.open("")
		if n, err := b.read(); err != nil || n != 0 {
			t.Errorf("after %d effects: %d entries, %v", after, n, err)
		}
		if err := errors.Join(b.write(1), b.sound()); err != nil {
			t.Errorf("after %d effects: %v", after, err)
		}
	}
	if cuts*less < 5 {
		t.Errorf("only %d cuts", cuts)
	}
}

// On a disk whose syncs lie, what was acknowledged may be gone after a cut. Then the store is what it once was, or it is damaged and says so, or what is there
// does not agree with itself, which the log and the high-water mark find out; no byte comes back as another.
func TestStoreOnALyingDisk(t *testing.T) {
	t.Parallel()
	file := blank(t)
	whole, older, damaged, torn := 0, 0, 0, 0
	const rounds = 30
	for seed := range uint64(rounds) {
		b := newBook(t, seed, file)
		b.disk.Lie(true)
		b.disk.CutAfter(1 + rand.New(rand.NewPCG(seed, 7)).Int64N(600))
		said, _ := b.fill(1)
		if err := b.db.Close(); err != nil || !b.disk.Dark() {
			t.Fatalf("seed %d: the store failed with the power on: %v", seed, err)
		}
		db, err := sqlite.Open(t.Context(), b.path)
		if err != nil {
			if fault.CodeOf(err) != fault.Internal || fault.Show(err) != "the store's file is damaged: open" {
				t.Errorf("seed %d: %v", seed, err)
			}
			damaged++
			continue
		}
		b.db = db
		n, err := b.read()
		switch {
		case errors.Is(err, errForged) || n > said+1:
			t.Errorf("seed %d: %d of %d entries, %v", seed, n, said, err)
		case b.sound() != nil:
			damaged++
		case err != nil:
			torn++
		case n < said:
			older++
		default:
			whole++
		}
		if err := db.Close(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	if older == 0 || damaged == 0 || whole == 0 || torn > rounds/10 {
		t.Errorf("%d whole, %d older, %d damaged, %d torn: the disk does not lie as it should", whole, older, damaged, torn)
	}
}

// When the disk is full, writes are refused in plain words and whole, reading goes on, and so does writing when there is room.
func TestStoreFull(t *testing.T) {
	t.Parallel()
	file := blank(t)
	for room := int64(0); room < 120_000; room += 15_013 * less {
		b := newBook(t, uint64(room), file)
		b.disk.Fill(room)
		said, err := b.fill(1)
		for range 3 {
			if fault.CodeOf(err) != fault.Unavailable || !strings.HasPrefix(fault.Show(err), "the disk is full") {
				t.Errorf("%d bytes of room: %v", room, err)
			}
			if n, err := b.read(); err != nil || n != said {
				t.Errorf("%d bytes of room: %d of %d entries: %v", room, n, said, err)
			}
			err = b.write(said + 1)
		}
		b.disk.Empty()
		if err := errors.Join(b.write(said+1), b.write(said+2), b.disk.Cut()); err != nil {
			t.Errorf("with room again: %v", err)
		}
		b.reopen()
		if n, err := b.read(); err != nil || n != said+2 {
			t.Errorf("%d bytes of room: %d of %d entries in the end: %v", room, n, said+2, err)
		}
	}
}

// When a commit fails and may have happened, the error says so; whoever looks before it writes again has written everything once.
func TestStoreFailures(t *testing.T) {
	t.Parallel()
	file := blank(t)
	for seed := range uint64(8 / less) {
		b := newBook(t, seed, file)
		r := rand.New(rand.NewPCG(seed, 7))
		unknown := 0
		for n := 0; n < 8; {
			f := faultdisk.Failure{Effect: faultdisk.Write, File: faultdisk.WAL, Nth: 1 + r.IntN(60), Happened: r.IntN(2) == 0}
			if r.IntN(2) == 0 {
				f.Effect, f.Nth = faultdisk.Sync, 1+r.IntN(3)
			}
			b.disk.Fail(f)
			if err := b.write(n + 1); err != nil {
				if fault.CodeOf(err) != fault.Unavailable || !strings.HasSuffix(fault.Show(err), "outcome unknown") {
					t.Errorf("seed %d: %v", seed, err)
				}
				unknown++
				if r.IntN(2) == 0 { // it may be there after a cut although nobody saw it before
					if err := errors.Join(b.disk.Cut(), b.db.Close(), b.disk.On()); err != nil {
						t.Fatal(err)
					}
					b.open(b.disk.Name())
				}
			} else {
				n++
			}
			now, err := b.read()
			if err != nil || now < n || now > n+1 {
				t.Fatalf("seed %d: %d of %d entries: %v", seed, now, n, err)
			}
			n = now
		}
		if unknown == 0 {
			t.Errorf("seed %d: nothing failed", seed)
		}
	}
}
