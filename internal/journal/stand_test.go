package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// house is a log of three leaves with its mark, as a process has left it.
type house struct {
	*testing.T
	db   store.Store
	keys *keystore.Keys
	mark string
	j    *journal.Journal
	tree translog.Tree
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db, keys, mark := open(t)
	h := &house{T: t, db: db, keys: keys, mark: mark}
	h.again()
	if err := h.j.Check(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	h.tree = put(t, h.j, db, 0, statement.ID{1}, statement.ID{2}, statement.ID{3})
	if err := h.j.Settle(h.tree); err != nil {
		t.Fatal(err)
	}
	return h
}

// again is another process on the same folder.
func (h *house) again() {
	h.j = journal.New(h.keys.Origin(), h.keys, journal.NewMark(h.mark, h.keys.Origin()))
}

// stands wants a condition, and that Check, Ready and an attempt to sign agree with it.
func (h *house) stands(want journal.Condition, code fault.Code, clause string) journal.Standing {
	h.Helper()
	st, err := h.j.Stand(h.Context(), h.db)
	if err != nil || st.Condition != want || fault.CodeOf(st.Err()) != code || fault.ClauseOf(st.Err()) != clause {
		h.Fatalf("%v, %s: %v; want %s, %s", err, st.Condition, st.Err(), want, clause)
	}
	if err := h.j.Check(h.Context(), h.db); fault.CodeOf(err) != code || fault.ClauseOf(err) != clause {
		h.Errorf("checked: %v", err)
	}
	if err := h.j.Ready(h.Context(), h.db); fault.CodeOf(err) != code || fault.ClauseOf(err) != clause {
		h.Errorf("ready: %v", err)
	}
	if want == journal.Sound {
		return st
	}
	if err := h.db.Update(h.Context(), func(tx store.Tx) error {
		_, err := h.j.Append(tx, st.Size, []statement.ID{{9}}, start())
		return err
	}); fault.CodeOf(err) != code || fault.ClauseOf(err) != clause {
		h.Errorf("signed: %v", err)
	}
	return st
}

// shown has the journal shown a checkpoint that its keys have signed over some leaves.
func (h *house) shown(ids ...statement.ID) bool {
	h.Helper()
	root, _, err := translog.Append(0, none{}, ids)
	if err != nil {
		h.Fatal(err)
	}
	tree := translog.Tree{Origin: h.keys.Origin(), Size: int64(len(ids)), Root: root}
	note, err := translog.SignCheckpoint(h.keys, tree, start())
	if err != nil {
		h.Fatal(err)
	}
	var lacks bool
	if err := h.db.Update(h.Context(), func(tx store.Tx) (err error) {
		lacks, err = h.j.Shown(tx, translog.Checkpoint{Tree: tree, Time: start(), Note: note})
		return err
	}); err != nil {
		h.Fatal(err)
	}
	return lacks
}

func (h *house) incarnate(name string) {
	h.Helper()
	if err := h.db.Update(h.Context(), func(tx store.Tx) error { return tx.SetMeta("incarnation", name) }); err != nil {
		h.Fatal(err)
	}
}

// What a peer shows and the store does not have stops the log for good, in the mark and in the store alike.
func TestShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if h.shown(statement.ID{1}, statement.ID{2}) || h.shown(statement.ID{1}, statement.ID{2}, statement.ID{3}) {
		t.Error("what the log is, it lacks")
	}
	h.stands(journal.Sound, "", "")
	// spec: LOG-12, LOG-14
	if !h.shown(statement.ID{1}, statement.ID{2}, statement.ID{3}, statement.ID{4}, statement.ID{5}) || !h.shown(statement.ID{1}, statement.ID{2}, statement.ID{3}, statement.ID{4}) {
		t.Error("what the store lacks is not noticed")
	}
	for range 2 {
		if st := h.stands(journal.Behind, fault.Behind, "LOG-12"); st.Known.Size != 5 || st.Size != 3 {
			t.Errorf("%+v", st)
		}
		h.again()
	}
	// The note in the store alone is enough, where the mark was put back.
	if err := os.Remove(h.mark); err != nil {
		t.Fatal(err)
	}
	if st := h.stands(journal.Behind, fault.Behind, "LOG-12"); st.Known.Size != 5 {
		t.Errorf("%+v", st)
	}
}

// A signature under another history is somebody else's, or another copy's: nothing is signed any more under that name.
func TestForked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	// spec: LOG-14
	if !h.shown(statement.ID{1}, statement.ID{7}) {
		t.Error("another history is not noticed")
	}
	h.stands(journal.Forked, fault.Behind, "LOG-9")
	h.again()
	h.stands(journal.Forked, fault.Behind, "LOG-9")
}

// A closed log is closed for every process that still has it open.
func TestClosed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.db.Update(t.Context(), func(tx store.Tx) error { return h.j.Close(tx) }); err != nil {
		t.Fatal(err)
	}
	// spec: LTR-7
	h.stands(journal.Closed, fault.Revoked, "LTR-7")
}

// Another copy of the data, another place of the folder, or no mark: what has left since is not known, until somebody has found it out.
func TestRestored(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *house){
		"the data": func(h *house) { h.incarnate("another") },
		"the folder": func(h *house) {
			raw, err := os.ReadFile(h.mark)
			if err != nil {
				h.Fatal(err)
			}
			h.mark = filepath.Join(h.TempDir(), "mark")
			for _, name := range []string{h.mark, h.mark + ".lock"} {
				if err := os.WriteFile(name, raw, 0o600); err != nil {
					h.Fatal(err)
				}
			}
			h.again()
		},
		"the mark": func(h *house) {
			if err := os.Remove(h.mark); err != nil {
				h.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			change(h)
			// spec: LOG-14
			st := h.stands(journal.Restored, fault.Behind, "LOG-14")
			if err := h.j.Resume(t.Context(), h.db, "yet another"); fault.ClauseOf(err) != "LOG-14" {
				t.Errorf("resumed for other data: %v", err)
			}
			if err := h.j.Resume(t.Context(), h.db, st.Store); err != nil {
				t.Fatal(err)
			}
			h.stands(journal.Sound, "", "")
			h.again()
			h.stands(journal.Sound, "", "")
		})
	}
}

// A mark that goes with no store yet goes with the one that it finds; one that is damaged says nothing of what has left, and is mended when that is known.
func TestNewAndDamagedMark(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	write := func(text string) {
		if err := os.WriteFile(h.mark, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Remove(h.mark), journal.NewMark(h.mark, "XA/1").Advance(h.tree)); err != nil {
		t.Fatal(err)
	}
	h.stands(journal.Sound, "", "")
	if v, err := journal.NewMark(h.mark, "XA/1").Read(); err != nil || v.Store == "" || v.Place == 0 {
		t.Errorf("%v %+v", err, v)
	}
	write(`{"origin":"XA/1","si`)
	st := h.stands(journal.Behind, fault.Behind, "LOG-12")
	if !st.Damaged || st.Known.Size != 3 {
		t.Errorf("%+v", st)
	}
	// spec: LOG-14
	if err := h.j.Resume(t.Context(), h.db, st.Store); err != nil {
		t.Fatal(err)
	}
	h.stands(journal.Sound, "", "")
	// What is behind does not go on by being told to.
	h.shown(statement.ID{1}, statement.ID{2}, statement.ID{3}, statement.ID{4})
	if err := h.j.Resume(t.Context(), h.db, st.Store); fault.CodeOf(err) != fault.Behind {
		t.Errorf("a store that is behind goes on: %v", err)
	}
}

// Data that were moved take the mark along; a mark of other data stays where it is.
func TestFollow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	st := h.stands(journal.Sound, "", "")
	h.incarnate("there")
	m := journal.NewMark(h.mark, h.keys.Origin())
	if err := m.Follow("elsewhere", "there"); err != nil {
		t.Fatal(err)
	}
	h.stands(journal.Restored, fault.Behind, "LOG-14")
	// spec: LOG-14
	if err := m.Follow(st.Store, "there"); err != nil {
		t.Fatal(err)
	}
	h.stands(journal.Sound, "", "")
}
