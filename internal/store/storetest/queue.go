package storetest

import (
	"bytes"
	"slices"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// queued writes 600 statements of which some have bodies and some blobs, and gives the bodies that are here.
func queued(t *testing.T, s store.Store) map[int64][]byte {
	big := bytes.Repeat([]byte("z"), 700_000) // in pieces
	texts := map[int64][]byte{}
	update(t, s, func(tx store.Tx) error {
		for n := range 600 {
			st := store.Statement{
				ID: id(n), Thread: id(0), Origin: oa, Index: int64(n), Kind: "assist.request", Precedence: statement.Routine, Head: []byte("head"), Arrived: at(1),
			}
			if err := tx.PutStatement(st); err != nil {
				return err
			}
			if n%3 == 0 { // no body
				continue
			}
			text := bytes.Repeat([]byte{byte(n)}, n%50)
			if n == 302 {
				text = big
			}
			ref := store.ContentRef{Statement: id(n), Part: store.BodyPart}
			if n%7 == 0 { // announced, not here
				if err := tx.PutContent(ref, statement.Sum(text), int64(len(text))); err != nil {
					return err
				}
				continue
			}
			texts[int64(n)] = text
			if err := tx.PutWhole(ref, statement.Sum(text), text); err != nil {
				return err
			}
		}
		for _, n := range []int{10, 11, 400} {
			if err := tx.PutContent(store.ContentRef{Statement: id(n), Part: n % 2}, statement.Sum([]byte("blob")), 4); err != nil {
				return err
			}
		}
		return tx.Erase(store.ContentRef{Statement: id(2), Part: store.BodyPart})
	})
	delete(texts, 2)
	return texts
}

// queue is what packing a peer's queue reads of contents.
func queue(t *testing.T, open Opener) {
	s := fresh(t, open)
	texts := queued(t, s)
	view(t, s, func(tx store.Tx) error {
		for _, bounds := range [][2]int64{{0, 600}, {-5, 1000}, {290, 310}, {3, 3}, {599, 600}} {
			got := map[int64][]byte{}
			last := int64(-1)
			is(t, tx.Bodies(oa, bounds[0], bounds[1], func(index int64, raw []byte) bool {
				if index <= last {
					t.Errorf("%d comes after %d", index, last)
				}
				got[index], last = bytes.Clone(raw), index
				return true
			}), "")
			for n, text := range texts {
				if have, ok := got[n]; ok != (n >= bounds[0] && n < bounds[1]) || ok && !bytes.Equal(have, text) {
					t.Errorf("body %d within %v: %v, %d bytes", n, bounds, ok, len(have))
				}
				delete(got, n)
			}
			if len(got) > 0 {
				t.Errorf("%d bodies that are not there", len(got))
			}
		}
		seen := 0
		is(t, tx.Bodies(oa, 0, 600, func(int64, []byte) bool { seen++; return seen < 20 }), "")
		same(t, seen, 20)
		is(t, tx.Bodies(ob, 0, 600, func(int64, []byte) bool { t.Error("another log has none"); return false }), "")
		var with []int64
		for from := int64(0); ; {
			index, err := tx.NextBlobs(oa, from)
			if fault.CodeOf(err) == fault.NotFound {
				break
			}
			is(t, err, "")
			with, from = append(with, index), index+1
		}
		if !slices.Equal(with, []int64{10, 11, 400}) {
			t.Errorf("blobs of %v", with)
		}
		_, err := tx.NextBlobs(ob, 0)
		is(t, err, fault.NotFound)
		return nil
	})
}

// queueReceipts is what packing reads of receipts and of what is wanted.
func queueReceipts(t *testing.T, open Opener) {
	s := fresh(t, open)
	next := func(tx store.Tx, index int64) [2]int64 {
		a, err := tx.NextArrival(xb, oa, store.BodyArrived, index)
		if fault.CodeOf(err) == fault.NotFound {
			return [2]int64{}
		}
		is(t, err, "")
		return [2]int64{a.Lo, a.Hi}
	}
	update(t, s, func(tx store.Tx) error {
		for _, g := range [][2]int64{{5, 10}, {20, 21}} {
			if err := tx.PutArrival(store.Arrival{Peer: xb, Origin: oa, What: store.BodyArrived, Lo: g[0], Hi: g[1], Receipt: id(1), Time: at(1)}); err != nil {
				return err
			}
		}
		for index, want := range map[int64][2]int64{0: {5, 10}, 5: {5, 10}, 9: {5, 10}, 10: {20, 21}, 20: {20, 21}, 21: {}} {
			same(t, next(tx, index), want)
		}
		same(t, must[bool](t)(tx.AnyWanted()), false)
		if err := tx.PutWanted(id(7), xb); err != nil {
			return err
		}
		same(t, must[bool](t)(tx.AnyWanted()), true)
		return tx.DropWanted(id(7))
	})
	view(t, s, func(tx store.Tx) error { same(t, must[bool](t)(tx.AnyWanted()), false); return nil })
}
