package journal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/sqlite"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

func start() time.Time { return time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) }

func open(t *testing.T) (*sqlite.DB, *keystore.Keys, string) {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	keys, err := keystore.Generate("XA", 1)
	if err != nil {
		t.Fatal(err)
	}
	return db, keys, filepath.Join(dir, "mark")
}

func put(t *testing.T, j *journal.Journal, db store.Store, first int64, ids ...statement.ID) (tree translog.Tree) {
	t.Helper()
	err := db.Update(t.Context(), func(tx store.Tx) (err error) {
		for i, id := range ids {
			if err := tx.PutStatement(store.Statement{
				ID: id, Origin: j.Origin(), Index: first + int64(i), Kind: "receipt.delivered", Precedence: statement.Routine, Head: []byte("{}"), Folded: true,
			}); err != nil {
				return err
			}
		}
		tree, err = j.Append(tx, first, ids, start())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// Leaves and checkpoint agree with a tree that is made from nothing, and the checkpoint carries both signatures.
func TestAppend(t *testing.T) {
	t.Parallel()
	db, keys, path := open(t)
	j := journal.New(keys.Origin(), keys, journal.NewMark(path, keys.Origin()))
	public, err := keys.PublicKeys(party.RoleLog)
	if err != nil {
		t.Fatal(err)
	}
	var ids []statement.ID
	for _, batch := range []int{1, 254, 1, 1, 300} {
		first := len(ids)
		for i := range batch {
			ids = append(ids, statement.ID{byte(first + i), byte((first + i) >> 8), 1})
		}
		got := put(t, j, db, int64(first), ids[first:]...)
		want, _, err := translog.Append(0, none{}, ids)
		// spec: LOG-1, LOG-4
		if err != nil || got.Root != want || got.Size != int64(len(ids)) {
			t.Errorf("at %d: %v, root %s, want %s", len(ids), err, got.Root, want)
		}
		if err := j.Settle(got); err != nil {
			t.Fatal(err)
		}
		if err := db.View(t.Context(), func(tx store.Tx) error {
			cp, err := tx.Newest(keys.Origin())
			if err != nil {
				return err
			}
			opened, err := translog.OpenCheckpoint(cp.Note, keys.Origin(), public)
			if err == nil && (opened.Tree != got || !opened.Time.Equal(start())) {
				t.Errorf("the checkpoint is of %+v at %s", opened.Tree, opened.Time)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}

type none struct{}

func (none) Tile(int, int64) ([]byte, error) { return nil, nil }

// The mark only rises, and what is damaged or of another log stops everything.
func TestMark(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mark")
	m := journal.NewMark(path, "XA/1")
	tree := func(size int64, root byte) translog.Tree {
		return translog.Tree{Origin: "XA/1", Size: size, Root: translog.Hash{root}}
	}
	// spec: LOG-12
	for _, c := range []struct {
		advance translog.Tree
		code    fault.Code
		size    int64
	}{
		{tree(3, 3), "", 3}, {tree(2, 2), "", 3}, {tree(3, 3), "", 3}, {tree(3, 9), fault.Behind, 3}, {tree(7, 7), "", 7},
	} {
		err := m.Advance(c.advance)
		v, readErr := m.Read()
		if fault.CodeOf(err) != c.code || readErr != nil || v.Size != c.size {
			t.Errorf("after %+v: %v, %v, mark at %d", c.advance, err, readErr, v.Size)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "mark")
	if err := journal.NewMark(other, "XB/1").Advance(tree(1, 1)); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"another log": foreign, "torn": whole[:5], "empty": nil, "zeros": make([]byte, len(whole)), "both places damaged": bytes.ReplaceAll(whole, []byte(`"size"`), []byte(`"sise"`)),
		"a digit changed by hand": bytes.ReplaceAll(bytes.ReplaceAll(whole, []byte(`"size":7`), []byte(`"size":6`)), []byte(`"size":3`), []byte(`"size":2`)),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Read(); fault.CodeOf(err) != fault.Behind || fault.ClauseOf(err) != "LOG-12" {
			t.Errorf("%s: read: %v", name, err)
		}
		if err := m.Advance(tree(99, 9)); fault.CodeOf(err) != fault.Behind {
			t.Errorf("%s: advance: %v", name, err)
		}
	}
	left, err := filepath.Glob(path + ".new*")
	if err != nil || len(left) > 0 {
		t.Errorf("%v, left behind: %v", err, left)
	}
}

// A write of the mark that broke off anywhere leaves the mark before it, and the next one goes over what is broken.
func TestMarkTorn(t *testing.T) {
	t.Parallel()
	// spec: LOG-12
	path := filepath.Join(t.TempDir(), "mark")
	m := journal.NewMark(path, "XA/1")
	advance := func(size int64) []byte {
		t.Helper()
		if err := m.Advance(translog.Tree{Origin: "XA/1", Size: size, Root: translog.Hash{byte(size)}}); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for size := int64(1); size < 6; size++ {
		before, after := advance(2*size-1), advance(2*size)
		if size == 1 && len(before) != len(after) {
			t.Fatal("the file grew")
		}
		first, last := 0, 0
		for i := range before {
			if before[i] != after[i] {
				if first == 0 {
					first = i
				}
				last = i
			}
		}
		for cut := first + 1; cut <= last; cut++ {
			torn := slices.Concat(after[:cut], before[cut:])
			if err := os.WriteFile(path, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			if v, err := m.Read(); err != nil || v.Size != 2*size-1 {
				t.Fatalf("torn at byte %d: mark at %d, %v", cut, v.Size, err)
			}
		}
		advance(2 * size)
	}
}

// A store is held against the mark at the start: behind it or of another history it signs nothing; ahead of it, what a process did not live to settle is settled.
func TestCheck(t *testing.T) {
	t.Parallel()
	db, keys, path := open(t)
	mark := journal.NewMark(path, keys.Origin())
	j := journal.New(keys.Origin(), keys, mark)
	if err := j.Check(t.Context(), db); err != nil {
		t.Errorf("an empty log: %v", err)
	}
	tree := put(t, j, db, 0, statement.ID{1}, statement.ID{2})
	// spec: LOG-12
	if err := j.Check(t.Context(), db); err != nil {
		t.Error(err)
	}
	if v, err := mark.Read(); err != nil || v.Size != 2 || translog.Hash(v.Root) != tree.Root {
		t.Errorf("not settled: %v %+v", err, v)
	}
	for name, ahead := range map[string]translog.Tree{
		"behind":          {Origin: keys.Origin(), Size: 3, Root: translog.Hash{1}},
		"another history": {Origin: keys.Origin(), Size: 2, Root: translog.Hash{1}},
	} {
		other := journal.NewMark(path+"."+name, keys.Origin())
		if err := other.Advance(ahead); err != nil {
			t.Fatal(err)
		}
		j := journal.New(keys.Origin(), keys, other)
		if err := j.Check(t.Context(), db); fault.CodeOf(err) != fault.Behind || fault.ClauseOf(err) != "LOG-12" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A log is cosigned at most once a minute, and only what was found consistent.
func TestCosign(t *testing.T) {
	t.Parallel()
	db, keys, path := open(t)
	j := journal.New(keys.Origin(), keys, journal.NewMark(path, keys.Origin()))
	put(t, j, db, 0, statement.ID{1})
	other, err := keystore.Generate("XB", 1)
	if err != nil {
		t.Fatal(err)
	}
	public, err := other.PublicKeys(party.RoleWitness)
	if err != nil {
		t.Fatal(err)
	}
	w := journal.Witness{Name: other.Witness(), Signer: other}
	err = db.Update(t.Context(), func(tx store.Tx) error {
		cp, err := tx.Newest(keys.Origin())
		if err != nil {
			return err
		}
		// spec: LOG-11
		if _, err := journal.Cosigned(tx, keys.Origin()); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("before the first: %v", err)
		}
		unproven := cp
		unproven.Proven = false
		if did, err := w.Cosign(tx, unproven, start()); err == nil || did {
			t.Error("what was not found consistent was cosigned")
		}
		for _, c := range []struct {
			after time.Duration
			want  bool
		}{
			{0, true}, {59 * time.Second, false}, {60 * time.Second, true}, {57 * time.Second, false}, {-time.Hour, true}, {-time.Hour + time.Second, false},
			{-time.Hour - 59*time.Second, false}, {-time.Hour - 60*time.Second, true},
		} {
			at := start().Add(c.after)
			did, err := w.Cosign(tx, cp, at)
			if err != nil || did != c.want {
				t.Errorf("after %s: %v %v", c.after, did, err)
			}
			if !c.want {
				continue
			}
			found, err := journal.Cosigned(tx, keys.Origin())
			if err != nil {
				return err
			}
			if got, ok := translog.Cosignatures(found.Note, other.Witness(), public); !ok || !got.Time.Equal(at) {
				t.Errorf("after %s: cosigned %v at %s", c.after, ok, got.Time)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
