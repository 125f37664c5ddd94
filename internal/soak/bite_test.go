package soak

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// fought is a war that is over and won; its stores are there, and no node.
func fought(t *testing.T) *war {
	t.Helper()
	w := &war{
		Options: Options{Kills: 6, Parties: 2, Load: 6, Processes: 1, Seed: 3, Dir: t.TempDir(), Command: again(t)},
		report:  &Report{ByPoint: map[string]int{}}, began: time.Now(), rng: rand.New(rand.NewPCG(3, 0)), points: []string{"batch.committed", "receive.refused"},
	}
	w.base = w.Dir
	if err := w.fight(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// copied is the same war with stores of its own.
func (w *war) copied(t *testing.T) *war {
	t.Helper()
	c := *w
	c.dir = t.TempDir()
	if err := os.CopyFS(c.dir, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		mode := fs.FileMode(0o600)
		if err == nil && d.IsDir() {
			mode = 0o700
		}
		return errors.Join(err, os.Chmod(path, mode))
	}); err != nil {
		t.Fatal(err)
	}
	c.houses = nil
	for _, h := range w.houses {
		dir := filepath.Join(c.dir, string(h.code))
		mark, err := filepath.Glob(filepath.Join(dir, "high-water-mark-?"))
		if err != nil || len(mark) != 1 {
			t.Fatal(err, mark)
		}
		// A copy is another place, and would ask the peers first.
		m := journal.NewMark(mark[0], h.letter.Origin)
		v, err := m.Read()
		if err == nil {
			err = m.Adopt(v.Store)
		}
		if err != nil {
			t.Fatal(err)
		}
		p := &post{code: h.code, dir: dir, mark: m}
		c.houses = append(c.houses, &house{code: h.code, letter: h.letter, posts: []*post{p}})
	}
	c.account = newAccount(c.houses)
	c.account.attempts, c.account.logs = map[string]*attempt{}, w.account.logs
	for serial, was := range w.account.attempts {
		a := *was
		a.by = c.houses[slices.Index(w.houses, was.by)]
		c.account.attempts[serial] = &a
	}
	return &c
}

func (w *war) run(t *testing.T, code party.Code, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, string(code), "comity.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := db.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("nothing was broken: %d rows, %v", n, err)
	}
}

// some finds an attempt of XA's that was acknowledged.
func (w *war) some(t *testing.T, ok func(*attempt) bool) *attempt {
	t.Helper()
	for _, serial := range slices.Sorted(func(yield func(string) bool) {
		for s := range w.account.attempts {
			if !yield(s) {
				return
			}
		}
	}) {
		if a := w.account.attempts[serial]; a.by.code == "XA" && a.outcome == acknowledged && ok(a) {
			return a
		}
	}
	t.Fatal("the load has none of these")
	return nil
}

func anyOf(*attempt) bool { return true }

// Without this, a soak that finds nothing says nothing.
func TestBites(t *testing.T) {
	t.Parallel()
	w := fought(t)
	t.Run("stores", func(t *testing.T) { t.Parallel(); testBrokenStores(t, w) })
	t.Run("sights", func(t *testing.T) { t.Parallel(); testFalseSights(t, w) })
	t.Run("ends", func(t *testing.T) { t.Parallel(); testEnds(t, w) })
}

// What is broken in a store, or acknowledged and not there, is found.
func testBrokenStores(t *testing.T, w *war) {
	for name, c := range map[string]struct {
		kind breach
		harm func(t *testing.T, w *war)
	}{
		"a forged acknowledgement": {lost, func(t *testing.T, w *war) {
			a := *w.some(t, anyOf)
			a.say = &saying{Serial: "ffff000000000001", Kind: a.say.Kind}
			a.got.ID[0]++
			w.account.attempts[a.say.Serial] = &a
		}},
		"acknowledged elsewhere":        {lost, func(t *testing.T, w *war) { w.some(t, anyOf).got.Index-- }},
		"refused and there":             {forged, func(t *testing.T, w *war) { w.some(t, anyOf).outcome = refused }},
		"looked for in vain, and there": {doubled, func(t *testing.T, w *war) { w.some(t, anyOf).outcome = absent }},
		"said by nobody": {forged, func(t *testing.T, w *war) {
			a := w.some(t, anyOf)
			delete(w.account.attempts, a.say.Serial)
		}},
		"a row is gone at its author's": {lost, func(t *testing.T, w *war) {
			w.run(t, "XA", "DELETE FROM statement WHERE id = ?", idOf(w.some(t, anyOf)))
		}},
		"a row is gone at its recipient's": {lost, func(t *testing.T, w *war) {
			w.run(t, "XB", "DELETE FROM statement WHERE id = ?", idOf(w.some(t, anyOf)))
		}},
		"a head has other bytes": {forged, func(t *testing.T, w *war) {
			w.run(t, "XB", `UPDATE statement SET head = CAST(replace(CAST(head AS TEXT), '"AMBER"', '"GREEN"') AS BLOB) WHERE id = ?`, idOf(w.some(t, anyOf)))
		}},
		"a refused body is kept": {forged, func(t *testing.T, w *war) {
			a := w.some(t, func(a *attempt) bool { return !a.takedown && a.say.Kind == "assist.request" && a.say.Text != "" })
			a.takedown = true
		}},
		"tiles of another log": {badLog, func(t *testing.T, w *war) {
			w.run(t, "XA", "UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE origin = 'XA/1' AND level = 0")
		}},
		"a mark that runs ahead": {badLog, func(t *testing.T, w *war) { w.mark(t, 1) }},
		"a mark of another root": {badLog, func(t *testing.T, w *war) { w.mark(t, 0) }},
		"another state": {parted, func(t *testing.T, w *war) {
			w.run(t, "XB", "UPDATE thread SET state = (SELECT t.state FROM thread t WHERE t.id <> thread.id AND t.desk = 'assist' LIMIT 1) WHERE id = ?",
				idOf(w.some(t, func(a *attempt) bool { return a.say.Kind == "assist.request" })))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w.copied(t)
			if err := w.whole(t.Context()); err != nil {
				t.Fatalf("before anything was broken: %v", err)
			}
			c.harm(t, w)
			var v *violation
			if err := w.whole(t.Context()); !errors.As(err, &v) || v.kind != c.kind {
				t.Errorf("found %v, want one of %q", err, c.kind)
			}
		})
	}
}

func idOf(a *attempt) []byte { return a.got.ID[:] }

// mark writes a high-water mark for XA that names more leaves, or other ones.
func (w *war) mark(t *testing.T, more int64) {
	t.Helper()
	h := w.houses[0].posts[0]
	m, err := h.mark.Read()
	if err != nil {
		t.Fatal(err)
	}
	m.Size += more
	m.Root[0]++
	raw := fmt.Appendf(nil, `{"origin":"%s","size":%d,"root":"%s","store":"%s","place":%d}`, m.Origin, m.Size, m.Root, m.Store, m.Place)
	if err := os.WriteFile(filepath.Join(h.dir, "high-water-mark-1"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What nodes might wrongly say of themselves is found too.
func testFalseSights(t *testing.T, w *war) {
	const a, b = party.Origin("XA/1"), party.Origin("XB/1")
	at := func(t *testing.T, s map[party.Code]*seen, code party.Code, of party.Origin, ok func(row) bool) *row {
		for i := range s[code].Rows[of] {
			if ok(s[code].Rows[of][i]) {
				return &s[code].Rows[of][i]
			}
		}
		t.Fatal("there is no such row")
		return nil
	}
	ofLoad := func(r row) bool {
		h, err := statement.ParseHead(r.Head)
		return err == nil && h.By.Role == role && h.Body != nil && r.Content == entire
	}
	for name, c := range map[string]struct {
		kind breach
		say  func(t *testing.T, s map[party.Code]*seen)
	}{
		"nothing is wrong":     {"", func(*testing.T, map[party.Code]*seen) {}},
		"a shorter log":        {lost, func(t *testing.T, s map[party.Code]*seen) { s["XA"].Rows[a] = s["XA"].Rows[a][:3] }},
		"an own body is gone":  {lost, func(t *testing.T, s map[party.Code]*seen) { at(t, s, "XA", a, ofLoad).Content = partial }},
		"a body did not come":  {lost, func(t *testing.T, s map[party.Code]*seen) { at(t, s, "XB", a, ofLoad).Content = nothing }},
		"a body is another":    {lost, func(t *testing.T, s map[party.Code]*seen) { at(t, s, "XB", a, ofLoad).Content = corrupt }},
		"not folded":           {lost, func(t *testing.T, s map[party.Code]*seen) { at(t, s, "XB", a, ofLoad).Folded = false }},
		"one leaf twice":       {doubled, func(t *testing.T, s map[party.Code]*seen) { more(s["XA"], a, *at(t, s, "XA", a, ofLoad)) }},
		"one statement in two": {doubled, func(t *testing.T, s map[party.Code]*seen) { more(s["XA"], a, twin(t, *at(t, s, "XA", a, ofLoad), nil)) }},
		"said by another hand": {forged, func(t *testing.T, s map[party.Code]*seen) {
			more(s["XA"], a, twin(t, *at(t, s, "XA", a, ofLoad), func(h *statement.Head) { h.By.Officer = "00ff00ff00ff00ff" }))
		}},
		"an older checkpoint": {badLog, func(t *testing.T, s map[party.Code]*seen) { s["XA"].Note = s["XB"].Note }},
		"one leaf more than is signed": {badLog, func(t *testing.T, s map[party.Code]*seen) {
			more(s["XA"], a, twin(t, *at(t, s, "XA", a, ofLoad), func(h *statement.Head) { h.By = statement.By{Role: "node"} }))
		}},
		"other tiles":          {badLog, func(t *testing.T, s map[party.Code]*seen) { s["XA"].Tiles[0]++ }},
		"more than the author": {lost, func(t *testing.T, s map[party.Code]*seen) { at(t, s, "XB", a, ofLoad).Index = 1 << 30 }},
		"a receipt did not come": {unowned, func(t *testing.T, s map[party.Code]*seen) {
			s["XA"].Rows[b] = slices.DeleteFunc(s["XA"].Rows[b], func(r row) bool { return headOf(t, r).Kind == thread.KindDelivered })
		}},
		"two histories":         {badLog, func(t *testing.T, s map[party.Code]*seen) { s["XB"].Forks = []party.Origin{a} }},
		"a queue that stands":   {stuck, func(t *testing.T, s map[party.Code]*seen) { s["XA"].Waiting["XB"] = 1 }},
		"a thread is not there": {lost, func(t *testing.T, s map[party.Code]*seen) { clear(s["XB"].States) }},
		"a thread that waits": {stuck, func(t *testing.T, s map[party.Code]*seen) {
			for id, f := range s["XB"].States {
				f.Waiting = 1
				s["XB"].States[id] = f
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w.copied(t)
			all, sights := w.account.again(), map[party.Code]*seen{}
			for _, h := range w.houses {
				n, err := node.Open(t.Context(), h.posts[0].dir, node.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer n.Close()
				if sights[h.code], err = look(t.Context(), n, all.ask(h), new(verified)); err != nil {
					t.Fatal(err)
				}
			}
			c.say(t, sights)
			open, err := all.take(sights)
			if err == nil && open != nil {
				err = open
			}
			var v *violation
			if errors.As(err, &v) != (c.kind != "") || v != nil && v.kind != c.kind {
				t.Errorf("found %v, want one of %q", err, c.kind)
			}
		})
	}
}

func headOf(t *testing.T, r row) *statement.Head {
	t.Helper()
	h, err := statement.ParseHead(r.Head)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// twin is another head that says the same, changed by f.
func twin(t *testing.T, r row, f func(*statement.Head)) row {
	t.Helper()
	h := *headOf(t, r)
	h.Nonce = statement.Nonce(strings.Repeat("A", len(h.Nonce)))
	if f != nil {
		f(&h)
	}
	made, err := statement.Compose(h)
	if err != nil {
		t.Fatal(err)
	}
	r.ID, r.Head = made.ID, made.Raw
	return r
}

// more adds a leaf to what a node shows of its own log.
func more(s *seen, origin party.Origin, r row) {
	r.Index = s.Size
	s.Rows[origin] = append(s.Rows[origin], r)
	s.Size++
}

// A node whose parent is gone ends well; without a first order to start there is no node.
func testEnds(t *testing.T, w *war) {
	dir := w.copied(t).houses[0].posts[0].dir
	var out bytes.Buffer
	if err := Node(context.Background(), dir, strings.NewReader(`{"n":1,"start":{"listen":false}}`+"\n"), &out, io.Discard); err != nil || out.String() != "{\"n\":1}\n" {
		t.Errorf("%v, %q", err, &out)
	}
	for _, input := range []string{"", `{"n":1,"start":{"listen":false}}`, `{"n":1,"look":{"from":{},"threads":[]}}` + "\n", "nonsense\n"} {
		if err := Node(context.Background(), dir, strings.NewReader(input), io.Discard, io.Discard); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%q: %v", input, err)
		}
	}
}
