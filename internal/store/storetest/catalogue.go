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
	"github.com/comity-exchange/comity/statement"
)

// blob puts a whole blob of a statement.
func blob(tx store.Tx, i, part int) store.ContentRef {
	ref := store.ContentRef{Statement: id(i), Part: part}
	data := fmt.Appendf(nil, "blob %d of %d\n", part, i)
	if err := tx.PutWhole(ref, statement.Sum(data), data); err != nil {
		panic(err)
	}
	return ref
}

// parcel is a parcel of n lines.
func parcel(ref store.ContentRef, th, n int, c store.Class) store.Parcel {
	return store.Parcel{Content: ref, Thread: id(th), Class: c, Objects: n}
}

// shelf is a store with six statements, whose blobs are looked at.
type shelf struct {
	t    *testing.T
	s    store.Store
	refs []store.ContentRef
}

func newShelf(t *testing.T, open Opener) *shelf {
	h := &shelf{t: t, s: fresh(t, open)}
	putSamples(t, h.s, 6)
	update(t, h.s, func(tx store.Tx) error {
		for i := range 6 {
			h.refs = append(h.refs, blob(tx, i, i%2))
		}
		return nil
	})
	return h
}

func (h *shelf) put(p store.Parcel, now int64, postings ...store.Posting) (out store.Parcel) {
	h.t.Helper()
	update(h.t, h.s, func(tx store.Tx) (err error) { out, err = tx.PutParcel(p, now, postings); return err })
	return out
}

// placed wants a parcel with this number and this first time.
func (h *shelf) placed(p store.Parcel, no, first int64) {
	h.t.Helper()
	same(h.t, []int64{p.No, p.First}, []int64{no, first})
}

// waiting wants these blobs to wait.
func (h *shelf) waiting(want ...store.ContentRef) {
	h.t.Helper()
	view(h.t, h.s, func(tx store.Tx) error {
		same(h.t, must[[]store.ContentRef](h.t)(tx.Uncatalogued(100)), want)
		return nil
	})
}

// find wants these parcels by a query.
func (h *shelf) find(q store.ParcelQuery, want ...int64) {
	h.t.Helper()
	view(h.t, h.s, func(tx store.Tx) error {
		var got []int64
		for _, p := range must[[]store.Parcel](h.t)(tx.Parcels(q)) {
			got = append(got, p.No)
		}
		same(h.t, got, want)
		return nil
	})
}

// changed wants changes of these parcels, each one once, after a change.
func (h *shelf) changed(after int64, want ...int64) (last int64) {
	h.t.Helper()
	view(h.t, h.s, func(tx store.Tx) error {
		var got []int64
		for last = after; ; {
			next := must[[]store.ParcelChange](h.t)(tx.ParcelChanges(last, 2))
			for _, c := range next {
				if c.Change <= last {
					h.t.Errorf("change %d after %d", c.Change, last)
				}
				last, got = c.Change, append(got, c.No)
			}
			if len(next) < 2 {
				break
			}
		}
		same(h.t, got, want)
		return nil
	})
	return last
}

// parcels: a blob waits until somebody has looked at it; numbers and times rise.
func parcels(t *testing.T, open Opener) {
	h := newShelf(t, open)
	s, refs := h.s, h.refs
	half := store.ContentRef{Statement: id(1), Part: 7}
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.PutContent(half, digest("part"), 99), tx.Append(half, 0, []byte("not all")))
	})
	h.waiting(refs...)
	view(t, s, func(tx store.Tx) error {
		same(t, len(must[[]store.ContentRef](t)(tx.Uncatalogued(2))), 2)
		same(t, must[int64](t)(tx.LastParcel()), int64(0))
		return nil
	})
	is(t, s.Update(t.Context(), func(tx store.Tx) error {
		_, err := tx.PutParcel(parcel(half, 0, 1, 1), 5, nil)
		return err
	}), fault.NotFound)

	first := h.put(parcel(refs[0], 0, 10, -3), 1000)
	h.placed(first, 1, 1000)
	h.placed(h.put(parcel(refs[1], 0, 1, 4), 1003), 2, 1010) // the clock has hardly moved
	looked := func(want bool) {
		t.Helper()
		view(t, s, func(tx store.Tx) error { same(t, must[bool](t)(tx.LookedAt(refs[2])), want); return nil })
	}
	looked(false)
	update(t, s, func(tx store.Tx) error { return tx.SkipBlob(refs[2]) })
	looked(true)
	h.placed(h.put(parcel(refs[3], 2, 5, -3), 900), 3, 1011) // it went back
	h.waiting(refs[4], refs[5])
	first.Hidden, first.Older, first.Shared = first.Hidden.Add(3), first.Older.Add(9), first.Shared.Add(0).Add(8)
	update(t, s, func(tx store.Tx) error {
		is(t, tx.UpdateParcel(store.Parcel{No: 99}), fault.NotFound)
		return tx.UpdateParcel(first)
	})
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Parcel](t)(tx.Parcel(1)), first)
		_, err := tx.Parcel(99)
		is(t, err, fault.NotFound)
		return nil
	})
	h.changed(0, 2, 3, 1)
	h.changed(0, 2, 3, 1) // nothing changes by asking
	h.find(store.ParcelQuery{Limit: 10}, 1, 2, 3)
	h.find(store.ParcelQuery{Limit: 2}, 1, 2)
	h.find(store.ParcelQuery{Limit: 10, After: 1}, 2, 3)
	h.find(store.ParcelQuery{Limit: 10, Thread: id(0)}, 1, 2)
	for added, want := range map[int64][]int64{1: {1, 2, 3}, 999: {1, 2, 3}, 1008: {1, 2, 3}, 1009: {2, 3}, 1010: {3}, 1014: {3}, 1015: nil, 5000: nil} {
		h.find(store.ParcelQuery{Limit: 10, Added: added}, want...)
	}
	h.find(store.ParcelQuery{Limit: 10, Added: 1009, After: 2}, 3)
}

// parcelsGone: what is reset waits again when it has come again; what is erased is gone for ever. Neither's number comes again, nor its times.
func parcelsGone(t *testing.T, open Opener) {
	h := newShelf(t, open)
	s, refs := h.s, h.refs
	h.put(parcel(refs[0], 0, 10, -3), 1000, store.Posting{Term: 1, Line: 9, Offset: 90, Version: 7, Sum: 8}, store.Posting{Term: 1, Line: 2})
	h.put(parcel(refs[1], 0, 1, 4), 1000)
	h.put(parcel(refs[3], 2, 5, -3), 1000)
	last := h.changed(0, 1, 2, 3)
	update(t, s, func(tx store.Tx) error { return errors.Join(tx.Reset(refs[3]), tx.Erase(refs[0])) })
	h.changed(last, 3, 1)
	h.changed(0, 2, 3, 1)
	h.find(store.ParcelQuery{Limit: 10}, 2)
	h.find(store.ParcelQuery{Limit: 10, Added: 1010})
	view(t, s, func(tx store.Tx) error {
		same(t, len(must[[]store.Found](t)(tx.Postings(1, 0, 0, 10))), 0)
		same(t, must[int64](t)(tx.LastParcel()), int64(3))
		_, err := tx.Parcel(1)
		is(t, err, fault.NotFound)
		return nil
	})
	update(t, s, func(tx store.Tx) error { blob(tx, 3, 1); return nil })
	h.waiting(refs[2], refs[3], refs[4], refs[5])
	h.placed(h.put(parcel(refs[3], 2, 5, -3), 900), 4, 1016)

	// Made anew, it keeps its number, its time and its sets, and is found by what it is found by now.
	h.put(parcel(refs[1], 0, 1, 4), 99_999, store.Posting{Term: 5})
	h.placed(h.put(parcel(refs[1], 0, 1, 4), 99_999, store.Posting{Term: 6}), 2, 1010)
	view(t, s, func(tx store.Tx) error {
		same(t, len(must[[]store.Found](t)(tx.Postings(5, 0, 0, 10))), 0)
		same(t, len(must[[]store.Found](t)(tx.Postings(6, 0, -1, 10))), 1)
		var nos []int64
		for _, p := range must[[]store.Parcel](t)(tx.WordlessParcels(10)) {
			nos = append(nos, p.No)
		}
		same(t, nos, []int64{2, 4})
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.WordsPut(2) })
	view(t, s, func(tx store.Tx) error {
		same(t, len(must[[]store.Parcel](t)(tx.WordlessParcels(10))), 1)
		return nil
	})
	h.put(parcel(refs[1], 0, 1, 4), 99_999) // its words went with what it was found by
	view(t, s, func(tx store.Tx) error {
		same(t, len(must[[]store.Parcel](t)(tx.WordlessParcels(10))), 2)
		return nil
	})
}

// parcelsBehind: where a parcel goes, those that it covered are looked at again, and keep their places; no others are.
func parcelsBehind(t *testing.T, open Opener) {
	h := newShelf(t, open)
	s, refs := h.s, h.refs
	for i := range 6 {
		p := h.put(parcel(refs[i], 7, 2, 1), 1000)
		p.Hidden = p.Hidden.Add(1)
		update(t, s, func(tx store.Tx) error { return tx.UpdateParcel(p) })
	}
	covers := func(no int64, by ...int64) {
		update(t, s, func(tx store.Tx) error { return tx.PutCovers(no, by) })
	}
	covers(2, 1)
	covers(2, 1, 4) // said again it is the same
	covers(3, 1)
	covers(4, 2)
	covers(5, 4)
	h.waiting()
	view(t, s, func(tx store.Tx) error {
		same(t, must[[]int64](t)(tx.Covered(1)), []int64{2, 3})
		same(t, len(must[[]int64](t)(tx.Covered(6))), 0)
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.Erase(refs[0]) })
	h.waiting(refs[1], refs[2])
	h.placed(h.put(parcel(refs[1], 7, 2, 1), 5000), 2, 1002) // and is behind nothing any more
	h.waiting(refs[2])
	update(t, s, func(tx store.Tx) error { return tx.Erase(refs[3]) })
	h.waiting(refs[2], refs[4])
}

// recatalogued: what a statement brought comes anew, under new numbers, and what it covered is looked at again.
func recatalogued(t *testing.T, open Opener) {
	h := newShelf(t, open)
	s, refs := h.s, h.refs
	for i := range 3 {
		h.put(parcel(refs[i], 7, 2, 1), 1000, store.Posting{Term: store.Term(i), Line: 1})
	}
	update(t, s, func(tx store.Tx) error { return tx.SkipBlob(refs[3]) })
	update(t, s, func(tx store.Tx) error { return tx.PutCovers(3, []int64{1}) })
	last := h.changed(0, 1, 2, 3)
	update(t, s, func(tx store.Tx) error { return tx.Recatalogue(refs[0].Statement) })
	update(t, s, func(tx store.Tx) error { return tx.Recatalogue(refs[0].Statement) }) // what waits waits
	h.changed(last, 1)
	h.waiting(refs[0], refs[2], refs[4], refs[5])
	view(t, s, func(tx store.Tx) error {
		same(t, len(must[[]store.Found](t)(tx.Postings(0, 0, -1, 10))), 0)
		same(t, len(must[[]store.Found](t)(tx.Postings(1, 0, -1, 10))), 1)
		return nil
	})
	h.placed(h.put(parcel(refs[0], 7, 2, 1), 900), 4, 1006)
	h.find(store.ParcelQuery{Limit: 10}, 2, 3, 4)
	update(t, s, func(tx store.Tx) error { return tx.Recatalogue(refs[3].Statement) }) // no parcel, and looked at again all the same
	h.waiting(refs[2], refs[3], refs[4], refs[5])
	update(t, s, func(tx store.Tx) error { return tx.Recatalogue(id(99)) })
}

// postings are found by term, by parcel and line; they go with their parcel, those that came later too.
func postings(t *testing.T, open Opener) {
	s := fresh(t, open)
	const n, lines = 4, 150
	putSamples(t, s, n)
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			var all []store.Posting
			for line := range lines { // a term of its own, one of three, and one of all, twice
				all = append(all, store.Posting{Term: store.Term(-1000*i - line), Line: line, Offset: 7 * line, Version: int64(line), Sum: -int64(line)},
					store.Posting{Term: store.Term(1 + line%3), Line: line}, store.Posting{Term: 9, Line: line}, store.Posting{Term: 9, Line: line})
			}
			p := must[store.Parcel](t)(tx.PutParcel(parcel(blob(tx, i, 0), 0, lines, 1), 0, all))
			is(t, tx.PutPostings(p.No, []store.Posting{{Term: 77, Line: i}, {Term: 9, Line: 0}}), "")
			is(t, tx.PutPostings(p.No, nil), "")
		}
		return nil
	})
	all := func(tx store.Tx, term store.Term, limit int) (out []store.Found) {
		after := store.Found{Posting: store.Posting{Line: -1}}
		for {
			some := must[[]store.Found](t)(tx.Postings(term, after.Parcel, after.Line, limit))
			out = append(out, some...)
			if len(some) < limit {
				return out
			}
			after = some[len(some)-1]
		}
	}
	look := func(parcels ...int64) {
		t.Helper()
		view(t, s, func(tx store.Tx) error {
			for _, limit := range []int{1, 7, 1000} {
				same(t, len(all(tx, 9, limit)), lines*len(parcels))
				same(t, len(all(tx, 2, limit)), lines/3*len(parcels))
				got := all(tx, 77, limit)
				same(t, len(got), len(parcels))
				for i, f := range got {
					same(t, []int64{f.Parcel, int64(f.Line)}, []int64{parcels[i], parcels[i] - 1})
				}
			}
			got := all(tx, -2003, 5)
			if slices.Contains(parcels, 3) {
				same(t, got, []store.Found{{Posting: store.Posting{Term: -2003, Line: 3, Offset: 21, Version: 3, Sum: -3}, Parcel: 3}})
			} else {
				same(t, len(got), 0)
			}
			return nil
		})
	}
	look(1, 2, 3, 4)
	update(t, s, func(tx store.Tx) error { return tx.Erase(store.ContentRef{Statement: id(2), Part: 0}) })
	look(1, 2, 4)
	is(t, s.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(tx.Erase(store.ContentRef{Statement: id(1), Part: 0}), errors.New("undone"))
	}), fault.Internal)
	look(1, 2, 4)
}

// readRange: any part of a blob is read as the whole would give it, however it came here.
func readRange(t *testing.T, open Opener) {
	s := fresh(t, open)
	putSamples(t, s, 2)
	data := make([]byte, 700_000)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	whole, parts := store.ContentRef{Statement: id(0), Part: 0}, store.ContentRef{Statement: id(1), Part: 0}
	update(t, s, func(tx store.Tx) error {
		if err := errors.Join(tx.PutWhole(whole, statement.Sum(data), data), tx.PutContent(parts, statement.Sum(data), int64(len(data)))); err != nil {
			return err
		}
		at := int64(0)
		for _, n := range []int{1, 300_000, 7, 99_992, 300_000} {
			if err := tx.Append(parts, at, data[at:at+int64(n)]); err != nil {
				return err
			}
			at += int64(n)
		}
		is(t, tx.ReadRange(parts, 0, 1, &bytes.Buffer{}), fault.NotFound)
		return tx.SetWhole(parts)
	})
	view(t, s, func(tx store.Tx) error {
		for _, ref := range []store.ContentRef{whole, parts} {
			for _, at := range []int64{0, 1, 2, 262_143, 262_144, 300_001, 300_007, 300_008, 400_000, 699_999, 700_000} {
				for _, n := range []int64{0, 1, 9, 262_144, 700_000} {
					var b bytes.Buffer
					err := tx.ReadRange(ref, at, n, &b)
					if at+n > int64(len(data)) {
						is(t, err, fault.Internal)
						continue
					}
					is(t, err, "")
					if !bytes.Equal(b.Bytes(), data[at:at+n]) {
						t.Errorf("%d bytes from %d on are others", n, at)
					}
				}
			}
			is(t, tx.ReadRange(ref, -1, 5, &bytes.Buffer{}), fault.Internal)
			is(t, tx.ReadRange(ref, 5, -1, &bytes.Buffer{}), fault.Internal)
		}
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.Erase(whole) })
	view(t, s, func(tx store.Tx) error {
		is(t, tx.ReadRange(whole, 0, 1, &bytes.Buffer{}), fault.Withheld)
		is(t, tx.ReadRange(store.ContentRef{Statement: id(50)}, 0, 1, &bytes.Buffer{}), fault.NotFound)
		return nil
	})
}

// readLine: lines of all lengths are read where they begin, in whatever pieces they lie; of what was erased there are none.
func readLine(t *testing.T, open Opener) {
	s := fresh(t, open)
	putSamples(t, s, 3)
	r := rand.New(rand.NewPCG(9, 9))
	var data []byte
	begins := []int{}
	for _, n := range []int{10, 0, 900, 31_000, 40_000, 1, 2_047, 2_048, 2_049, 32_767, 70_000, 5, 0, 32_768, 300_000, 12} {
		begins = append(begins, len(data))
		for range n {
			data = append(data, byte('a'+r.IntN(26)))
		}
		data = append(data, '\n')
	}
	data = append(data, "the last one, without an end"...)
	small := data[:begins[3]-1]
	large := append(slices.Clone(data), bytes.Repeat([]byte("0123456789abcdef"), 1<<16)...)
	refs := map[store.ContentRef][]byte{{Statement: id(0), Part: 0}: data, {Statement: id(0), Part: 1}: small, {Statement: id(1), Part: 0}: data, {Statement: id(2), Part: 0}: large}
	parts := store.ContentRef{Statement: id(1), Part: 0} // it comes piece by piece
	update(t, s, func(tx store.Tx) error {
		for ref, data := range refs {
			if ref == parts {
				continue
			}
			if err := tx.PutWhole(ref, statement.Sum(data), data); err != nil {
				return err
			}
		}
		if err := tx.PutContent(parts, statement.Sum(data), int64(len(data))); err != nil {
			return err
		}
		is(t, second(tx.ReadLine(parts, 0)), fault.NotFound)
		for at := 0; at < len(data); {
			n := min(1+r.IntN(50_000), len(data)-at)
			if err := tx.Append(parts, int64(at), data[at:at+n]); err != nil {
				return err
			}
			at += n
		}
		return tx.SetWhole(parts)
	})
	check := func(tx store.Tx) error {
		for ref, data := range refs {
			for _, at := range append(begins[:len(begins):len(begins)], 5, 32_767, 32_768, 65_535, 400_000, len(data)-1) {
				if at >= len(data) {
					is(t, second(tx.ReadLine(ref, int64(at))), fault.Internal)
					continue
				}
				want, _, _ := bytes.Cut(data[at:], []byte{'\n'})
				if got := must[[]byte](t)(tx.ReadLine(ref, int64(at))); !bytes.Equal(got, want) {
					t.Errorf("the line at %d of %d has %d bytes, not %d", at, len(data), len(got), len(want))
				}
			}
			is(t, second(tx.ReadLine(ref, -1)), fault.Internal)
			is(t, second(tx.ReadLine(ref, int64(len(data)))), fault.Internal)
		}
		return nil
	}
	view(t, s, check)
	update(t, s, check)
	// spec: STM-7
	erased := store.ContentRef{Statement: id(0), Part: 0}
	update(t, s, func(tx store.Tx) error { return tx.Erase(erased) })
	view(t, s, func(tx store.Tx) error {
		is(t, second(tx.ReadLine(erased, 0)), fault.Withheld)
		is(t, second(tx.ReadLine(store.ContentRef{Statement: id(50)}, 0)), fault.NotFound)
		return nil
	})
}

func second[T any](_ T, err error) error { return err }
