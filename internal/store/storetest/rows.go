package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

func letters(t *testing.T, open Opener) {
	s := fresh(t, open)
	letter := func(c party.Code, serial int, st store.LetterStatus) store.Letter {
		return store.Letter{Code: c, Serial: serial, Digest: digest("%s %d", c, serial), Raw: []byte("letter\n—\n"), Status: st, ConfirmedAt: at(serial)}
	}
	old, now, other := letter(xa, 1, store.LetterConfirmed), letter(xa, 2, store.LetterConfirmed), letter(xb, 1, store.LetterImported)
	other.ConfirmedAt = statement.Time{}
	update(t, s, func(tx store.Tx) error {
		for _, l := range []store.Letter{now, other, old} {
			if err := tx.PutLetter(l); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Letter](t)(tx.Letter(xa)), now)
		_, err := tx.Letter(xb)
		is(t, err, fault.NotFound)
		same(t, all(t, tx.EachLetter), []store.Letter{old, now, other})
		return nil
	})
	changed := old
	changed.Status, changed.ConfirmedAt, changed.Raw = store.LetterSuperseded, at(9), []byte("not this")
	update(t, s, func(tx store.Tx) error { return tx.PutLetter(changed) })
	changed.Raw = old.Raw
	view(t, s, func(tx store.Tx) error { same(t, all(t, tx.EachLetter)[0], changed); return nil })
}

func tiles(t *testing.T, open Opener) {
	s := fresh(t, open)
	full := make([]byte, 256*32)
	for i := range full {
		full[i] = byte(i * 7)
	}
	forged := bytes.Clone(full)
	forged[40] ^= 1
	for _, step := range []struct {
		put  []byte
		code fault.Code
		have int
	}{
		{nil, fault.Internal, 0}, {full[:33], fault.Internal, 0}, {append(full, full...), fault.Internal, 0}, {full[:64], "", 64},
		{full[:32], "", 64}, {full[:64], "", 64}, {full[:96], "", 96}, {forged[:96], fault.Exists, 96}, {forged, fault.Exists, 96},
		{full, "", len(full)},
	} {
		is(t, s.Update(t.Context(), func(tx store.Tx) error { return tx.PutTile(oa, 1, 3, step.put) }), step.code)
		view(t, s, func(tx store.Tx) error {
			if got := must[[]byte](t)(tx.Tile(oa, 1, 3)); !bytes.Equal(got, full[:step.have]) {
				t.Errorf("after %d bytes: %d bytes are stored, not %d", len(step.put), len(got), step.have)
			}
			for _, absent := range [][]byte{must[[]byte](t)(tx.Tile(ob, 1, 3)), must[[]byte](t)(tx.Tile(oa, 0, 3)), must[[]byte](t)(tx.Tile(oa, 1, 2))} {
				if len(absent) != 0 {
					t.Error("a tile that was never put")
				}
			}
			return nil
		})
	}
}

func checkpoints(t *testing.T, open Opener) {
	s := fresh(t, open)
	cp := func(size int64, root int, proven bool) store.Checkpoint {
		return store.Checkpoint{Origin: oa, Size: size, Root: hash(root), Time: at(int(size)), Note: []byte("note"), Cosigs: 1, Proven: proven}
	}
	view(t, s, func(tx store.Tx) error {
		same(t, must[int64](t)(tx.Length(oa)), int64(0))
		_, err := tx.Newest(oa)
		is(t, err, fault.NotFound)
		return nil
	})
	one, two, claimed := cp(1, 1, true), cp(2, 2, true), cp(9, 9, false)
	rival := cp(2, 3, false)
	elsewhere := cp(5, 5, true)
	elsewhere.Origin = ob
	update(t, s, func(tx store.Tx) error {
		for _, c := range []store.Checkpoint{claimed, two, elsewhere, one, rival} {
			if err := tx.PutCheckpoint(c); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(from int64) (out []store.Checkpoint) {
		view(t, s, func(tx store.Tx) error {
			out = all(t, func(y func(store.Checkpoint) bool) error { return tx.Checkpoints(oa, from, y) })
			return nil
		})
		return out
	}
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Checkpoint](t)(tx.Newest(oa)), two)
		same(t, must[int64](t)(tx.Length(oa)), two.Size) // what is only claimed does not count
		return nil
	})
	got := list(2)
	if len(got) != 3 || got[0].Size != 2 || got[1].Size != 2 || !slices.ContainsFunc(got[:2], func(c store.Checkpoint) bool { return c.Root == rival.Root }) {
		t.Errorf("checkpoints from 2: %+v", got)
	}
	same(t, list(3), []store.Checkpoint{claimed})
	below := func(size int64, limit int) (out []store.Checkpoint) {
		view(t, s, func(tx store.Tx) error {
			out = must[[]store.Checkpoint](t)(tx.CheckpointsBelow(oa, size, limit))
			return nil
		})
		return out
	}
	same(t, below(10, 9), []store.Checkpoint{two, one}) // the last first, and none that is only claimed
	same(t, below(10, 1), []store.Checkpoint{two})
	same(t, below(2, 9), []store.Checkpoint{one})
	same(t, len(below(1, 9)), 0)
	claimed.Proven, claimed.Note, claimed.Cosigs, claimed.Time = true, []byte("cosigned"), 2, at(30)
	update(t, s, func(tx store.Tx) error { return tx.PutCheckpoint(claimed) })
	view(t, s, func(tx store.Tx) error { same(t, must[store.Checkpoint](t)(tx.Newest(oa)), claimed); return nil })
	view(t, s, func(tx store.Tx) error {
		same(t, must[int64](t)(tx.Length(oa)), claimed.Size)
		same(t, must[int64](t)(tx.Length(ob)), elsewhere.Size)
		return nil
	})
	if n := len(list(0)); n != 4 {
		t.Errorf("%d checkpoints after a replacement, not 4", n)
	}
}

func proofs(t *testing.T, open Opener) {
	s := fresh(t, open)
	step := func(from, to int64, n int) store.Consistency {
		c := store.Consistency{Origin: oa, From: from, To: to}
		for i := range n {
			c.Hashes = append(c.Hashes, hash(i))
		}
		return c
	}
	steps := []store.Consistency{step(0, 1, 0), step(1, 2, 1), step(1, 7, 3), step(7, 9, 2)}
	path := store.TilePath{Origin: oa, N: 3, Size: 900, Path: []translog.Hash{hash(1), hash(2)}}
	update(t, s, func(tx store.Tx) error {
		for _, i := range []int{3, 1, 0, 2, 1} {
			if err := tx.PutConsistency(steps[i]); err != nil {
				return err
			}
		}
		is(t, tx.PutConsistency(step(1, 7, 2)), fault.Exists)
		is(t, tx.PutTilePath(path), "")
		is(t, tx.PutTilePath(path), "")
		other := path
		other.Path = path.Path[:1]
		is(t, tx.PutTilePath(other), fault.Exists)
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		from := func(n int64) []store.Consistency {
			return all(t, func(y func(store.Consistency) bool) error { return tx.Consistencies(oa, n, y) })
		}
		same(t, from(0), steps)
		same(t, from(1), steps[1:])
		same(t, from(2), steps[3:])
		same(t, must[store.TilePath](t)(tx.TilePath(oa, 3, 900)), path)
		_, err := tx.TilePath(oa, 3, 901)
		is(t, err, fault.NotFound)
		return nil
	})
}

func forks(t *testing.T, open Opener) {
	s := fresh(t, open)
	f := store.Fork{Origin: oa, NoteA: []byte("a"), NoteB: []byte("bc"), Found: at(1), Why: "equal-size"}
	g := store.Fork{Origin: oa, NoteA: []byte("ab"), NoteB: []byte("c"), Found: at(2), Why: "no-path"}
	update(t, s, func(tx store.Tx) error {
		again := f
		again.Found = at(3)
		for _, v := range []store.Fork{g, f, again} {
			if err := tx.PutFork(v); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx store.Tx) error { same(t, all(t, tx.Forks), []store.Fork{f, g}); return nil })
}

func statements(t *testing.T, open Opener) {
	s := fresh(t, open)
	st := sample(4)
	st.Void = "late"
	view(t, s, func(tx store.Tx) error {
		_, err := tx.Statement(st.ID)
		is(t, err, fault.NotFound)
		_, err = tx.StatementAt(oa, 4)
		is(t, err, fault.NotFound)
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.PutStatement(st) })
	update(t, s, func(tx store.Tx) error {
		is(t, tx.PutStatement(st), fault.Exists)
		elsewhere := sample(5)
		elsewhere.Index = 4
		is(t, tx.PutStatement(elsewhere), fault.Exists) // another statement at the same leaf
		nameless := sample(6)
		nameless.Kind = ""
		is(t, tx.PutStatement(nameless), fault.Internal)
		is(t, tx.UpdateStatement(sample(7)), fault.NotFound)
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Statement](t)(tx.Statement(st.ID)), st)
		same(t, must[store.Statement](t)(tx.StatementAt(oa, 4)), st)
		for _, index := range []int64{-1, 3, 5, translog.MaxSize, 1 << 62} {
			_, err := tx.StatementAt(oa, index)
			is(t, err, fault.NotFound)
		}
		_, err := tx.StatementAt(ob, 4)
		is(t, err, fault.NotFound)
		return nil
	})
	for _, index := range []int64{-1, translog.MaxSize} {
		beyond := sample(9)
		beyond.Index = index
		is(t, s.Update(t.Context(), func(tx store.Tx) error { return tx.PutStatement(beyond) }), fault.Internal)
	}
	changed := st
	changed.ProofAt, changed.Folded, changed.Void = 5, false, ""
	ignored := changed
	ignored.Head, ignored.Index, ignored.Kind, ignored.Arrived, ignored.Origin = []byte("no"), 9, "a.b", at(40), ob
	update(t, s, func(tx store.Tx) error { return tx.UpdateStatement(ignored) })
	view(t, s, func(tx store.Tx) error { same(t, must[store.Statement](t)(tx.Statement(st.ID)), changed); return nil })
}

func scans(t *testing.T, open Opener) {
	s := fresh(t, open)
	const n = 700 // more than any page
	putSamples(t, s, n)
	foreign := sample(n + 1)
	foreign.Origin, foreign.Index = ob, 3
	update(t, s, func(tx store.Tx) error { return tx.PutStatement(foreign) })
	want := func(from int, keep func(store.Statement) bool) (out []int64) {
		for i := from; i < n; i++ {
			if keep(sample(i)) {
				out = append(out, int64(i))
			}
		}
		return out
	}
	any := func(store.Statement) bool { return true }
	view(t, s, func(tx store.Tx) error {
		leaves := func(each func(yield func(store.Statement) bool) error) (out []int64) {
			for _, v := range all(t, each) {
				out = append(out, v.Index)
			}
			return out
		}
		type yield = func(store.Statement) bool
		same(t, leaves(func(y yield) error { return tx.Scan(oa, "", 0, y) }), want(0, any))
		same(t, leaves(func(y yield) error { return tx.Scan(oa, "", 650, y) }), want(650, any))
		same(t, leaves(func(y yield) error { return tx.Scan(oa, statement.Flash, 10, y) }),
			want(10, func(s store.Statement) bool { return s.Precedence == statement.Flash }))
		same(t, leaves(func(y yield) error { return tx.Scan(oa, statement.Routine, 10, y) }),
			want(10, func(s store.Statement) bool { return s.Precedence == statement.Routine }))
		same(t, leaves(func(y yield) error { return tx.Scan(ob, statement.Priority, 0, y) }), []int64(nil))
		same(t, leaves(func(y yield) error { return tx.Scan("XC/1", "", 0, y) }), []int64(nil))
		same(t, leaves(func(y yield) error { return tx.Scan(ob, "", 0, y) }), []int64{3})
		seen := 0
		is(t, tx.Scan(oa, "", 0, func(store.Statement) bool { seen++; return seen < 20 }), "")
		same(t, seen, 20)

		before, after, err := tx.Neighbours(oa, 5)
		is(t, err, "")
		same(t, []int64{before[0].Index, after[0].Index}, []int64{4, 6})
		before, after, err = tx.Neighbours(oa, n)
		is(t, err, "")
		same(t, []int{len(before), len(after), int(before[0].Index)}, []int{1, 0, n - 1})
		before, after, err = tx.Neighbours(ob, 0)
		is(t, err, "")
		same(t, []int{len(before), len(after), int(after[0].Index)}, []int{0, 1, 3})
		same(t, []party.Origin{after[0].Origin, must[store.Statement](t)(tx.Statement(id(5))).Origin}, []party.Origin{ob, oa})
		return nil
	})
}

func findStatements(t *testing.T, open Opener) {
	s := fresh(t, open)
	const n = 500
	putSamples(t, s, n)
	var ids []statement.ID
	for i := range n {
		ids = append(ids, id(i))
	}
	slices.SortFunc(ids, statement.ID.Compare)
	view(t, s, func(tx store.Tx) error {
		for _, whole := range []statement.ID{ids[0], ids[99], ids[n-1]} {
			for _, digits := range []int{0, 1, 2, 3, 10, 63, 64} {
				prefix := whole.String()[:digits]
				want := slices.DeleteFunc(slices.Clone(ids), func(i statement.ID) bool { return !strings.HasPrefix(i.String(), prefix) })
				same(t, must[[]statement.ID](t)(tx.FindStatements(prefix, n)), want)
				same(t, must[[]statement.ID](t)(tx.FindStatements(prefix, 1)), want[:1])
			}
		}
		for _, no := range []string{"g", "A", "%", ids[0].String() + "0"} {
			_, err := tx.FindStatements(no, 1)
			is(t, err, fault.Malformed)
		}
		return nil
	})
}

func threadHeads(t *testing.T, open Opener) {
	s := fresh(t, open)
	const n = 600
	th := id(0)
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			st := sample(i)
			st.Thread, st.Arrived = th, at((n-i)/50) // later leaves came earlier, many in the same millisecond
			if err := tx.PutStatement(st); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		got := all(t, func(y func(store.Statement) bool) error { return tx.EachOfThread(th, y) })
		same(t, len(got), n)
		same(t, slices.IsSortedFunc(got, func(a, b store.Statement) int { return a.Arrived.Compare(b.Arrived) }), true)
		slices.SortFunc(got, func(a, b store.Statement) int { return int(a.Index - b.Index) })
		same(t, len(slices.CompactFunc(got, func(a, b store.Statement) bool { return a.ID == b.ID })), n)
		same(t, len(all(t, func(y func(store.Statement) bool) error { return tx.EachOfThread(id(1), y) })), 0)
		got = all(t, func(y func(store.Statement) bool) error { return tx.EachOfThread(th, y) }) // as they arrived
		var back []store.Statement
		for before := (statement.ID{}); ; before = back[0].ID {
			some, err := tx.HeadsBefore(th, before, 70)
			if err != nil {
				return err
			}
			if len(some) == 0 {
				break
			}
			back = append(some, back...)
		}
		same(t, len(back), n)
		same(t, slices.EqualFunc(back, got, func(a, b store.Statement) bool { return a.ID == b.ID }), true)
		some, err := tx.HeadsAfter(th, got[123].ID, 40)
		same(t, err, nil)
		same(t, slices.EqualFunc(some, got[124:164], func(a, b store.Statement) bool { return a.ID == b.ID }), true)
		some, err = tx.HeadsAfter(th, statement.ID{}, 40)
		same(t, len(some), 0)
		same(t, err, nil)
		_, err = tx.HeadsBefore(id(1), got[3].ID, 5)
		same(t, fault.CodeOf(err), fault.NotFound)
		for since, want := range map[int]int{-1: n, 0: n, 1: n - 49, 3: n - 149, 12: 1, 13: 0} { // one at 12, fifty at each from 1 to 11, forty-nine at 0
			got := all(t, func(y func(store.Statement) bool) error { return tx.EachSince(th, at(since), y) })
			same(t, len(got), want)
			same(t, slices.ContainsFunc(got, func(s store.Statement) bool { return s.Arrived.Before(at(since)) }), false)
		}
		return nil
	})
}

func threads(t *testing.T, open Opener) {
	s := fresh(t, open)
	const n = 300
	row := func(i int) store.ThreadRow {
		r := store.ThreadRow{ID: id(i), Desk: "assist", State: []byte("{}"), Summary: []byte(`{"a":1}`), Opened: at(0), Updated: at(i % 50), Waiting: i, Unread: 2, Listed: i > 2}
		if i%2 == 0 {
			r.Desk = "instrument"
		}
		return r
	}
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			if err := tx.PutThread(row(i)); err != nil {
				return err
			}
		}
		return tx.PutThread(store.ThreadRow{ID: id(n), Desk: ""}) // its opener is missing
	})
	check := func(desk string, want int) {
		view(t, s, func(tx store.Tx) error {
			got := all(t, func(y func(store.ThreadRow) bool) error { return tx.Threads(desk, y) })
			ids := map[thread.ID]bool{}
			for i, r := range got {
				ids[r.ID] = true
				if i > 0 && got[i-1].Updated.Before(r.Updated) {
					t.Fatalf("%s: row %d was updated after the one before it", desk, i)
				}
			}
			same(t, []int{len(got), len(ids)}, []int{want, want})
			return nil
		})
	}
	check("", n+1)
	check("assist", n/2)
	check("none", 0)
	changed := row(7)
	changed.Updated, changed.Desk, changed.State, changed.Unread = at(59), "instrument", []byte(`{"v":2}`), 0
	update(t, s, func(tx store.Tx) error { return tx.PutThread(changed) })
	check("assist", n/2-1)
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.ThreadRow](t)(tx.Thread(changed.ID)), changed)
		is(t, tx.Threads("", func(r store.ThreadRow) bool { same(t, r, changed); return false }), "")
		_, err := tx.Thread(id(n + 1))
		is(t, err, fault.NotFound)
		return nil
	})
}

func arrivals(t *testing.T, open Opener) {
	s := fresh(t, open)
	put := func(lo, hi int64, receipt, minute int) {
		update(t, s, func(tx store.Tx) error {
			return tx.PutArrival(store.Arrival{Peer: xb, Origin: oa, What: store.HeadArrived, Lo: lo, Hi: hi, Receipt: id(receipt), Time: at(minute)})
		})
	}
	put(0, 10, 1, 10)
	put(5, 20, 2, 20) // repeats 5…9
	put(15, 18, 3, 5) // came late, is older
	view(t, s, func(tx store.Tx) error {
		for index, receipt := range map[int64]int{0: 1, 5: 1, 9: 1, 10: 2, 14: 2, 15: 3, 17: 3, 18: 2, 19: 2} {
			got := must[store.Arrival](t)(tx.ArrivedAt(xb, oa, store.HeadArrived, index))
			if got.Receipt != id(receipt) || got.Peer != xb || got.Origin != oa || got.What != store.HeadArrived || index < got.Lo || index >= got.Hi {
				t.Errorf("leaf %d: %+v, not receipt %d", index, got, receipt)
			}
		}
		_, err := tx.ArrivedAt(xb, oa, store.HeadArrived, 20)
		is(t, err, fault.NotFound)
		_, err = tx.ArrivedAt(xb, oa, store.BodyArrived, 5)
		is(t, err, fault.NotFound)
		_, err = tx.ArrivedAt(xb, ob, store.HeadArrived, 5)
		is(t, err, fault.NotFound)
		_, err = tx.ArrivedAt(xa, oa, store.HeadArrived, 5)
		is(t, err, fault.NotFound)
		return nil
	})
	is(t, s.Update(t.Context(), func(tx store.Tx) error { return tx.PutArrival(store.Arrival{Peer: xb, Lo: 3, Hi: 3}) }), fault.Internal)
}

// arrivalsModel holds ArrivedAt against a plain list of all receipts.
func arrivalsModel(t *testing.T, open Opener) {
	s := fresh(t, open)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		peer := party.Code(fmt.Sprintf("X%d", run))
		var given []store.Arrival
		update(t, s, func(tx store.Tx) error {
			for i := range rapid.IntRange(1, 8).Draw(r, "receipts") {
				lo := rapid.Int64Range(0, 20).Draw(r, "lo")
				a := store.Arrival{
					Peer: peer, Origin: ob, What: store.BlobArrived, Lo: lo, Hi: lo + rapid.Int64Range(1, 12).Draw(r, "length"),
					Receipt: id(i), Time: at(rapid.IntRange(0, 30).Draw(r, "minute")*2 + 0),
				}
				given = append(given, a)
				if err := tx.PutArrival(a); err != nil {
					return err
				}
			}
			return nil
		})
		view(t, s, func(tx store.Tx) error {
			for index := range int64(34) {
				got, err := tx.ArrivedAt(peer, ob, store.BlobArrived, index)
				want := fault.NotFound
				var earliest statement.Time
				for _, a := range given {
					if a.Lo <= index && index < a.Hi && (want != "" || a.Time.Before(earliest)) {
						want, earliest = "", a.Time
					}
				}
				if fault.CodeOf(err) != want || want == "" && got.Time != earliest {
					r.Fatalf("leaf %d of %+v: %+v, %v", index, given, got, err)
				}
			}
			return nil
		})
	})
}

// manyArrivals: receipts for every other leaf, then for all of them: each leaf keeps its own.
func manyArrivals(t *testing.T, open Opener) {
	s := fresh(t, open)
	const n = 600
	update(t, s, func(tx store.Tx) error {
		for i := int64(0); i < n; i += 2 {
			if err := tx.PutArrival(store.Arrival{Peer: xa, Origin: ob, What: store.HeadArrived, Lo: i, Hi: i + 1, Receipt: id(int(i)), Time: at(5)}); err != nil {
				return err
			}
		}
		return tx.PutArrival(store.Arrival{Peer: xa, Origin: ob, What: store.HeadArrived, Lo: 0, Hi: n, Receipt: id(n), Time: at(9)})
	})
	view(t, s, func(tx store.Tx) error {
		for i := int64(0); i < n; i++ {
			want := id(n)
			if i%2 == 0 {
				want = id(int(i))
			}
			if got := must[store.Arrival](t)(tx.ArrivedAt(xa, ob, store.HeadArrived, i)); got.Receipt != want {
				t.Fatalf("leaf %d has the receipt %s", i, got.Receipt.Short())
			}
		}
		return nil
	})
}

func peers(t *testing.T, open Opener) {
	s := fresh(t, open)
	p := store.Peer{
		Code: xb, Origin: oa, Cursor: map[statement.Precedence]int64{statement.Flash: 4, statement.Routine: 9}, BlobCursor: 3, Accepted: 8, TheirSize: 1 << 40,
		Gossip: map[party.Origin]statement.Digest{oa: digest("note")}, LastTry: at(3), Attempts: 2, NextTry: at(5), LastError: "refused",
		LastCode: "denied", LastHeard: at(1),
	}
	update(t, s, func(tx store.Tx) error {
		empty := must[store.Peer](t)(tx.Peer(xc, oa))
		same(t, []any{empty.Code, empty.Origin}, []any{xc, oa})
		empty.Cursor[statement.Flash], empty.Gossip[oa] = 1, digest("x") // can be written to
		if err := tx.PutPeer(p); err != nil {
			return err
		}
		p.LastSuccess, p.Attempts, p.Cursor[statement.Flash] = at(6), 0, 5
		return tx.PutPeer(p)
	})
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Peer](t)(tx.Peer(xb, oa)), p)
		anew := must[store.Peer](t)(tx.Peer(xb, "XA/2")) // the next own log begins with nothing
		same(t, []any{anew.Accepted, len(anew.Cursor), anew.Origin}, []any{int64(0), 0, party.Origin("XA/2")})
		return nil
	})
}

// claims: a lease is held by one, until it is given up or runs out.
func claims(t *testing.T, open Opener) {
	place := t.TempDir()
	s, other := opened(t, open, place), opened(t, open, place)
	claim := func(s store.Store, name, holder string, now, until int, want bool) {
		t.Helper()
		same(t, must[bool](t)(s.Claim(t.Context(), name, holder, at(now), at(until))), want)
	}
	claim(s, "queue of XB", "one", 0, 10, true)
	claim(other, "queue of XB", "two", 5, 15, false)
	claim(other, "queue of XC", "two", 5, 15, true)
	claim(s, "queue of XB", "one", 8, 18, true) // extended
	claim(other, "queue of XB", "two", 12, 22, false)
	claim(other, "queue of XB", "two", 12, 12, false) // only its holder gives it up
	claim(other, "queue of XB", "two", 18, 28, true)  // it ran out
	claim(s, "queue of XB", "one", 19, 29, false)
	claim(other, "queue of XB", "two", 20, 20, true) // given up
	claim(s, "queue of XB", "one", 20, 30, true)
	claim(s, "queue of XC", "ahead", 115, 125, true) // held by a clock that is ahead
	claim(other, "queue of XC", "two", 105, 115, false)
	claim(other, "queue of XC", "two", 104, 114, true) // by more than a lease
}

func wanted(t *testing.T, open Opener) {
	s := fresh(t, open)
	update(t, s, func(tx store.Tx) error {
		for i := range 40 {
			is(t, tx.PutWanted(id(i), xb), "")
			is(t, tx.PutWanted(id(i), xb), "")
		}
		is(t, tx.PutWanted(id(3), xc), "")
		return tx.DropWanted(id(3))
	})
	view(t, s, func(tx store.Tx) error {
		same(t, len(all(t, func(y func(statement.ID) bool) error { return tx.Wanted(xb, y) })), 39)
		same(t, len(all(t, func(y func(statement.ID) bool) error { return tx.Wanted(xc, y) })), 0)
		return nil
	})
}

func requested(t *testing.T, open Opener) {
	s := fresh(t, open)
	update(t, s, func(tx store.Tx) error {
		for i := range 10 {
			is(t, tx.PutRequested(xb, id(i)), "")
			is(t, tx.PutRequested(xb, id(i)), "")
		}
		is(t, tx.PutRequested(xc, id(1)), "")
		return tx.DropRequested(xb, id(1))
	})
	view(t, s, func(tx store.Tx) error {
		same(t, len(must[[]statement.ID](t)(tx.Requested(xb, 100))), 9)
		same(t, len(must[[]statement.ID](t)(tx.Requested(xb, 4))), 4)
		same(t, must[[]statement.ID](t)(tx.Requested(xc, 4)), []statement.ID{id(1)})
		return nil
	})
}

func meta(t *testing.T, open Opener) {
	s := fresh(t, open)
	update(t, s, func(tx store.Tx) error {
		same(t, must[string](t)(tx.Meta("serial")), "")
		is(t, tx.SetMeta("serial", "1"), "")
		return tx.SetMeta("serial", "2")
	})
	view(t, s, func(tx store.Tx) error { same(t, must[string](t)(tx.Meta("serial")), "2"); return nil })
}
