package node

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/archive"
	"github.com/comity-exchange/comity/internal/store/postgres/pgtest"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// found makes a node's folder, lets use work with the open node, and closes it.
func found(t *testing.T, code party.Code, use func(n *Node)) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), string(code))
	if _, err := Init(t.Context(), dir, Founding{Config: config.Defaults(code), Names: map[string]string{"en": "Party"}}); err != nil {
		t.Fatal(err)
	}
	again(t, dir, use)
	return dir
}

func again(t *testing.T, dir string, use func(n *Node)) {
	t.Helper()
	n, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	use(n)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// sound fails the test unless the log verifies and has so many leaves.
func sound(t *testing.T, n *Node, leaves int64) {
	t.Helper()
	r, err := n.VerifyLog(t.Context())
	if err != nil || len(r.Problems) > 0 || r.Size != leaves {
		t.Errorf("%d leaves, problems %q, %v", r.Size, r.Problems, err)
	}
}

// A node moves from its file to a database, and back into another file: nothing is lost, nothing is changed, and it goes on.
func TestMove(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	var said []statement.ID
	dir := found(t, "XA", func(n *Node) {
		for i := range 300 {
			said = append(said, record(t, n, i).ID)
		}
	})
	address := pgtest.URL(server.Database(t, "xa"))
	if _, err := Move(t.Context(), dir, nil, address); err != nil {
		t.Fatal(err)
	}
	again(t, dir, func(n *Node) {
		if _, ok := n.Config.Database(); !ok {
			t.Error("the settings name the old store")
		}
		sound(t, n, 300)
		said = append(said, record(t, n, 300).ID)
	})
	if _, err := Move(t.Context(), dir, nil, address); fault.CodeOf(err) != fault.Usage {
		t.Error("it is there already:", err)
	}
	if _, err := Move(t.Context(), dir, nil, "back.db"); err != nil {
		t.Fatal(err)
	}
	again(t, dir, func(n *Node) {
		sound(t, n, 301)
		for i, id := range said {
			var s store.Statement
			err := n.Store.View(t.Context(), func(tx store.Tx) (err error) { s, err = tx.Statement(id); return err })
			if err != nil || s.Index != int64(i) {
				t.Fatalf("statement %d is at %d, %v", i, s.Index, err)
			}
		}
		// What is there already is never written over.
		if _, err := Move(t.Context(), dir, nil, address); fault.CodeOf(err) != fault.Exists {
			t.Error("a store that is not empty:", err)
		}
		sound(t, n, 301)
	})
}

// A backup that is older than what left the node is found out; one that is not goes on, and what was erased since stays erased.
func TestRestore(t *testing.T) {
	t.Parallel()
	var old, new bytes.Buffer
	var gone store.ContentRef
	dir := found(t, "XA", func(n *Node) {
		gone = store.ContentRef{Statement: record(t, n, 0).ID, Part: store.BodyPart}
		if _, err := n.Backup(t.Context(), &old); err != nil {
			t.Fatal(err)
		}
		record(t, n, 1)
		if _, err := n.Backup(t.Context(), &new); err != nil {
			t.Fatal(err)
		}
		if err := n.Exchange.Update(t.Context(), func(tx store.Tx) error { return tx.Erase(gone) }); err != nil {
			t.Fatal(err)
		}
		if m, err := n.CheckBackup(bytes.NewReader(new.Bytes())); err != nil || m.Rows("statement") != 2 {
			t.Errorf("%d statements in the backup, %v", m.Rows("statement"), err)
		}
		for _, at := range []int{10, new.Len() / 2, new.Len() - 5} {
			bad := bytes.Clone(new.Bytes())
			bad[at] ^= 1
			if _, err := n.CheckBackup(bytes.NewReader(bad)); fault.CodeOf(err) != fault.Failed {
				t.Errorf("a changed byte at %d: %v", at, err)
			}
		}
	})
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	r, err := Restore(t.Context(), dir, nil, bytes.NewReader(new.Bytes()), strings.NewReader(""), now)
	if err != nil || r.Erased != 1 || r.Aside == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	n, err := Open(t.Context(), dir, Options{Behind: true})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, n, 2)
	if all, err := archive.Erased(t.Context(), n.Store); err != nil || len(all) != 1 || all[0] != gone {
		t.Errorf("erased are %v, %v", all, err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), dir, nil, bytes.NewReader(old.Bytes()), strings.NewReader(""), now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	// spec: LOG-12
	if _, err := Open(t.Context(), dir, Options{}); fault.CodeOf(err) != fault.Behind {
		t.Error("an old backup was opened as if it were the newest:", err)
	}
}

// One process serves a folder or changes its store.
func TestOccupied(t *testing.T) {
	t.Parallel()
	dir := found(t, "XA", func(n *Node) {
		free, err := occupy(n.Dir)
		if err != nil {
			t.Fatal(err)
		}
		defer free()
		if err := n.Serve(t.Context(), nil); fault.CodeOf(err) != fault.Unavailable {
			t.Error("it is served twice:", err)
		}
		if _, err := Move(t.Context(), n.Dir, nil, "other.db"); fault.CodeOf(err) != fault.Unavailable {
			t.Error("it is moved while it is served:", err)
		}
	})
	if _, err := Move(t.Context(), dir, nil, "other.db"); err != nil {
		t.Error(err)
	}
}
