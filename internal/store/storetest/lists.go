package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// paged reads a list page by page, and fails where a page has more than was asked for or leads nowhere.
func paged(t testing.TB, tx store.Tx, q store.ThreadQuery) (ids []thread.ID) {
	t.Helper()
	for range 100_000 {
		p, err := tx.ListThreads(q)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Rows) > q.Limit || len(p.Rows) != len(p.Marks) {
			t.Fatalf("%d rows, %d marks", len(p.Rows), len(p.Marks))
		}
		for _, r := range p.Rows {
			ids = append(ids, r.ID)
		}
		if !p.More {
			return ids
		}
		if p.Next == q.After {
			t.Fatalf("a page of %+v leads to itself", q)
		}
		q.After = p.Next
	}
	t.Fatal("a list has no end")
	return nil
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func someRow(r *rand.Rand, i int) store.ThreadRow {
	row := store.ThreadRow{
		ID: id(i), Desk: pick(r, "assist", "instrument", "office", ""), State: []byte("{}"), Summary: []byte("{}"), Opened: at(i), Updated: at(r.IntN(40)), Unread: r.IntN(2), Listed: true,
		Facets: store.Facets{
			Status: pick(r, "asked", "answered", "draft"), Closed: r.IntN(2) == 0, Track: pick(r, statement.Technical, statement.Diplomatic),
			Precedence: pick(r, statement.Flash, statement.Routine), TLP: pick(r, marking.Red, marking.Amber), Exercise: r.IntN(4) == 0,
			Peers: pick(r, nil, []party.Code{xb}, []party.Code{xc}, []party.Code{xb, xc}),
		},
	}
	if r.IntN(3) == 0 {
		row.Agreement = id(9000 + r.IntN(2))
	}
	return row
}

func someQuery(r *rand.Rand) store.ThreadQuery {
	q := store.ThreadQuery{Limit: 1 + r.IntN(20), Look: 1 + r.IntN(60)}
	for range r.IntN(4) {
		switch r.IntN(12) {
		case 0:
			q.Desk = pick(r, "assist", "instrument", "none")
		case 1:
			q.NotDesk = "office"
		case 2:
			q.Peer = pick(r, xb, xc, xa)
		case 3:
			q.Agreement = id(9000 + r.IntN(3))
		case 4:
			q.Status = pick(r, "asked", "answered", "none")
		case 5:
			q.Open = true
		case 6:
			q.Track = statement.Diplomatic
		case 7:
			q.Precedence = statement.Flash
		case 8:
			q.TLP = marking.Red
		case 9:
			yes := r.IntN(2) == 0
			q.Exercise = &yes
		case 10:
			q.Unread = true
		case 11:
			q.Closed = true
		}
	}
	return q
}

// wants is what a query asks for, said plainly.
func wants(q store.ThreadQuery, r store.ThreadRow) bool {
	return (q.Desk == "" || q.Desk == r.Desk) && (q.NotDesk == "" || q.NotDesk != r.Desk) && (q.Peer == "" || slices.Contains(r.Peers, q.Peer)) &&
		(q.Agreement.IsZero() || q.Agreement == r.Agreement) && (q.Status == "" || q.Status == r.Status) && (!q.Open || !r.Closed) && (!q.Closed || r.Closed) && (q.Track == "" || q.Track == r.Track) &&
		(q.Precedence == "" || q.Precedence == r.Precedence) && (q.TLP == "" || q.TLP == r.TLP) && (q.Exercise == nil || *q.Exercise == r.Exercise) && (!q.Unread || r.Unread > 0)
}

// lists: whatever is asked for, its pages are the plain list, in order, without gaps and without doubles.
func lists(t *testing.T, open Opener) {
	s := fresh(t, open)
	r := rand.New(rand.NewPCG(7, 7))
	rows := map[thread.ID]store.ThreadRow{}
	arrived := []thread.ID{} // in which order they came to be here
	for range 4 {
		update(t, s, func(tx store.Tx) error {
			for range 100 {
				row := someRow(r, r.IntN(250))
				if _, known := rows[row.ID]; !known {
					arrived = append(arrived, row.ID)
				}
				rows[row.ID] = row
				if err := tx.PutThread(row); err != nil {
					return err
				}
			}
			return nil
		})
	}
	view(t, s, func(tx store.Tx) error {
		for _, row := range rows {
			same(t, must[store.ThreadRow](t)(tx.Thread(row.ID)), row)
		}
		for range 150 {
			q := someQuery(r)
			var want []thread.ID
			for _, id := range arrived {
				if wants(q, rows[id]) {
					want = append(want, id)
				}
			}
			slices.Reverse(want)
			slices.SortStableFunc(want, func(a, b thread.ID) int { return rows[b].Updated.Compare(rows[a].Updated) })
			if got := paged(t, tx, q); !slices.Equal(got, want) {
				t.Fatalf("%+v:\n%d threads\nnot %d, or others or in another order", q, len(got), len(want))
			}
			q.Look = 1000
			same(t, must[int](t)(tx.CountThreads(q, 1000)), len(want))
			same(t, must[int](t)(tx.CountThreads(q, 3)), min(3, len(want)))
		}
		return nil
	})
}

// listsOfDue: by what is owed, whenever the receipts come from which clocks run.
func listsOfDue(t *testing.T, open Opener) {
	s := fresh(t, open)
	clocks := func(n int, c ...store.Clock) store.ThreadRow {
		return store.ThreadRow{ID: id(n), Desk: "assist", Updated: at(n), Clocks: append([]store.Clock{}, c...)}
	}
	update(t, s, func(tx store.Tx) error {
		var err error
		for n := range 6 {
			st := sample(n)
			st.ID, st.Origin, st.Index = id(n), oa, int64(n)
			err = errors.Join(err, tx.PutStatement(st))
		}
		return errors.Join(err,
			tx.PutArrival(store.Arrival{Peer: xb, Origin: oa, What: store.HeadArrived, Lo: 0, Hi: 1, Receipt: id(90), Time: at(10)}),
			tx.PutThread(clocks(0, store.Clock{Owes: xb, Of: id(0), Seconds: 600}, store.Clock{Owes: xb, Of: id(0), Seconds: 60})), // at 11
			tx.PutThread(clocks(1, store.Clock{Owes: xb, Of: id(1), Seconds: 60})),
			tx.PutThread(clocks(2, store.Clock{Owes: xa, Mine: true, Until: at(5)}, store.Clock{Owes: xb, Until: at(7)})),
			tx.PutThread(clocks(3, store.Clock{Owes: xa, Mine: true, Of: id(3), Seconds: 60}, store.Clock{Owes: xa, Mine: true, Until: at(30)})),
			tx.PutThread(clocks(4, store.Clock{Owes: xb, Of: id(777), Seconds: 60})), // what is not here never begins
			tx.PutThread(clocks(5)),
		)
	})
	check := func(mine, theirs []int) {
		t.Helper()
		view(t, s, func(tx store.Tx) error {
			for order, want := range map[store.ThreadOrder][]int{store.ByDue: mine, store.ByOthersDue: theirs} {
				var ids []thread.ID
				for _, n := range want {
					ids = append(ids, id(n))
				}
				same(t, paged(t, tx, store.ThreadQuery{Order: order, Limit: 2, Look: 3}), ids)
			}
			return nil
		})
	}
	check([]int{2, 3}, []int{2, 0, 1, 4})
	update(t, s, func(tx store.Tx) error {
		return errors.Join(
			tx.PutArrival(store.Arrival{Peer: xb, Origin: oa, What: store.HeadArrived, Lo: 1, Hi: 3, Receipt: id(91), Time: at(8)}),
			tx.PutArrival(store.Arrival{Peer: xb, Origin: oa, What: store.BodyArrived, Lo: 0, Hi: 3, Receipt: id(92), Time: at(1)}), // is no head
			tx.PutArrival(store.Arrival{Peer: xa, Origin: oa, What: store.HeadArrived, Lo: 3, Hi: 4, Receipt: id(93), Time: at(3)}),
		)
	})
	check([]int{3, 2}, []int{2, 1, 0, 4})
	update(t, s, func(tx store.Tx) error { // an older receipt counts, a newer one does not, and clocks that are not said stay
		return errors.Join(
			tx.PutArrival(store.Arrival{Peer: xb, Origin: oa, What: store.HeadArrived, Lo: 0, Hi: 1, Receipt: id(94), Time: at(2)}),
			tx.PutArrival(store.Arrival{Peer: xb, Origin: oa, What: store.HeadArrived, Lo: 1, Hi: 2, Receipt: id(95), Time: at(50)}),
			tx.PutThread(store.ThreadRow{ID: id(1), Desk: "assist", Updated: at(60)}), tx.PutThread(clocks(3)),
		)
	})
	check([]int{2}, []int{0, 2, 1, 4})
	view(t, s, func(tx store.Tx) error {
		q := store.ThreadQuery{Order: store.ByOthersDue, Until: at(7), Limit: 9, Look: 9}
		same(t, len(paged(t, tx, q)), 1)
		q.Until, q.After = at(100), store.Sees(at(7))
		same(t, paged(t, tx, q), []thread.ID{id(1)})
		same(t, must[int](t)(tx.CountThreads(q, 9)), 1)
		q.After = store.ThreadMark{}
		same(t, must[int](t)(tx.CountThreads(q, 9)), 3)
		same(t, must[int](t)(tx.CountThreads(q, 2)), 2)
		q.NotDesk = "assist"
		same(t, must[int](t)(tx.CountThreads(q, 9)), 0)
		same(t, must[int](t)(tx.CountThreads(store.ThreadQuery{Order: store.ByDue, Look: 9}, 9)), 1)
		same(t, paged(t, tx, store.ThreadQuery{Owed: true, Limit: 9, Look: 9}), []thread.ID{id(2)})
		return nil
	})
}

// words: what stands together is found, newest thread first; what is erased is not.
func words(t *testing.T, open Opener) {
	s := fresh(t, open)
	const n = 60
	has := func(i int) (all []store.Word) { // word w stands in every w-th
		for w := 1; w <= 9; w++ {
			if i%w == 0 {
				all = append(all, store.Word(-w))
			}
		}
		for w := range 70 { // more than are written at once
			all = append(all, store.Word(1000*i+w))
		}
		return all
	}
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			st := sample(i)
			st.ID, st.Thread, st.Origin, st.Index = id(i), id(i-i%2), oa, int64(i)
			body := fmt.Appendf(nil, "body %d", i)
			if err := errors.Join(
				tx.PutStatement(st), tx.PutThread(store.ThreadRow{ID: st.Thread, Desk: "assist", Unread: i % 4}),
				tx.PutWhole(store.ContentRef{Statement: st.ID, Part: store.BodyPart}, statement.Sum(body), body),
			); err != nil {
				return err
			}
		}
		return nil
	})
	var waits []statement.ID
	view(t, s, func(tx store.Tx) error {
		waits = must[[]statement.ID](t)(tx.Unworded(2 * n))
		same(t, len(must[[]statement.ID](t)(tx.Unworded(7))), 7)
		return nil
	})
	same(t, len(waits), n)
	update(t, s, func(tx store.Tx) error {
		for _, w := range waits {
			i := 0
			for id(i) != w {
				i++
			}
			if err := tx.PutWords(w, append(has(i), -1)); err != nil {
				return err
			}
		}
		is(t, tx.PutWords(id(5000), nil), fault.NotFound)
		return tx.Erase(store.ContentRef{Statement: id(36), Part: store.BodyPart})
	})
	view(t, s, func(tx store.Tx) error {
		same(t, len(must[[]statement.ID](t)(tx.Unworded(n))), 0)
		for _, ask := range [][]int{{1}, {2}, {3}, {7}, {2, 3}, {3, 4}, {4, 9}, {5, 7, 8}, {8, 9}, {1, 2, 3, 4}} {
			var q store.ThreadQuery
			for _, w := range ask {
				q.Words = append(q.Words, store.Word(-w))
			}
			var want []thread.ID
			for th := n - 2; th >= 0; th -= 2 {
				stands := func(w int) bool { return th != 36 && th%w == 0 || (th+1)%w == 0 }
				if !slices.ContainsFunc(ask, func(w int) bool { return !stands(w) }) {
					want = append(want, id(th))
				}
			}
			for _, look := range []int{1, 4, 1000} {
				q.Limit, q.Look = 2, look
				same(t, paged(t, tx, q), want)
			}
		}
		same(t, len(paged(t, tx, store.ThreadQuery{Words: []store.Word{12345678}, Limit: 2, Look: 2})), 0)
		same(t, len(paged(t, tx, store.ThreadQuery{Words: []store.Word{-1}, Unread: true, Desk: "assist", Limit: 2, Look: 2})), n/2)
		same(t, len(paged(t, tx, store.ThreadQuery{Words: []store.Word{-1}, Desk: "office", Limit: 2, Look: 2})), 0)
		return nil
	})
}

// answers are kept until they are dropped.
func answers(t *testing.T, open Opener) {
	s := fresh(t, open)
	a := store.Answer{Key: digest("key"), Request: digest("request"), Process: "p", Made: at(3), Sealed: []byte{}}
	update(t, s, func(tx store.Tx) error { return tx.PutAnswer(a) })
	a.Status, a.Sealed = 201, bytes.Repeat([]byte("x"), 9000)
	update(t, s, func(tx store.Tx) error {
		b := a
		b.Key, b.Made = digest("other"), at(5)
		return errors.Join(tx.PutAnswer(a), tx.PutAnswer(b))
	})
	update(t, s, func(tx store.Tx) error {
		same(t, must[store.Answer](t)(tx.Answer(a.Key)), a)
		same(t, must[bool](t)(tx.AnyAnswer(at(3))), false)
		same(t, must[bool](t)(tx.AnyAnswer(at(4))), true)
		same(t, must[int64](t)(tx.DropAnswers(at(5))), int64(1))
		_, err := tx.Answer(a.Key)
		is(t, err, fault.NotFound)
		must[store.Answer](t)(tx.Answer(digest("other")))
		is(t, tx.DropAnswer(digest("other")), "")
		is(t, tx.DropAnswer(digest("other")), "")
		_, err = tx.Answer(digest("other"))
		is(t, err, fault.NotFound)
		return nil
	})
}
