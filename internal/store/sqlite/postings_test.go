package sqlite

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// TestErasedTermsAreGone: what an erased parcel was found by is in no row any more, in whatever run it had come to lie. A block tells its terms by differences, so one is looked for where it stands
// whole; and when all parcels are erased, all blocks are empty.
func TestErasedTermsAreGone(t *testing.T) {
	t.Parallel()
	// spec: STM-7
	const parcels, lines = 20, 2000
	path := filepath.Join(t.TempDir(), "store.db")
	d := openFile(t, path)
	r := rand.New(rand.NewPCG(7, 7))
	terms := make([][]byte, 0, parcels*lines) // in the order of the parcels
	ref := func(i int) store.ContentRef {
		return store.ContentRef{Statement: statement.IDOf([]byte{byte(i)}), Part: 0}
	}
	for i := range parcels {
		update(t, d, func(tx store.Tx) error {
			if err := tx.PutStatement(store.Statement{ID: ref(i).Statement, Origin: "XA/1", Index: int64(i), Kind: "a.b", Precedence: statement.Routine}); err != nil {
				return err
			}
			if err := tx.PutWhole(ref(i), statement.Sum([]byte("x")), []byte("x")); err != nil {
				return err
			}
			var all []store.Posting
			for line := range lines {
				v := r.Uint64()
				terms = append(terms, binary.BigEndian.AppendUint64(nil, v))
				all = append(all, store.Posting{Term: store.Term(v), Line: line}, store.Posting{Term: 3, Line: line})
			}
			if _, err := tx.PutParcel(store.Parcel{Content: ref(i), Objects: lines}, 0, all); err != nil {
				return err
			}
			_, err := tx.MergePostings()
			return err
		})
	}
	// rows gives what says where blocks begin and what parcels are found by, and how many blocks have something.
	rows := func() (texts []byte, blocks int) {
		db := side(t, path)
		if err := db.QueryRow(`SELECT COUNT(*) FROM posting_block WHERE length(block) > 0`).Scan(&blocks); err != nil {
			t.Fatal(err)
		}
		all, err := db.Query(`SELECT fences FROM posting_run UNION ALL SELECT terms FROM parcel_terms`)
		if err != nil {
			t.Fatal(err)
		}
		defer all.Close()
		for all.Next() {
			var b []byte
			if err := all.Scan(&b); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, b...)
		}
		if err := all.Err(); err != nil {
			t.Fatal(err)
		}
		return texts, blocks
	}
	stands := func(texts []byte, parcel int) (n int) {
		for _, term := range terms[parcel*lines : (parcel+1)*lines : (parcel+1)*lines][:200] {
			if bytes.Contains(texts, term) {
				n++
			}
		}
		return n
	}
	texts, blocks := rows()
	if n := stands(texts, 5); n != 200 || blocks < 20 {
		t.Fatalf("%d of 200 terms, %d blocks", n, blocks)
	}
	update(t, d, func(tx store.Tx) error { return tx.Erase(ref(5)) })
	update(t, d, func(tx store.Tx) error { return tx.Erase(ref(6)) }) // in blocks that were changed before
	texts, _ = rows()
	for parcel, want := range map[int]int{4: 200, 5: 0, 6: 0} {
		if n := stands(texts, parcel); n != want {
			t.Errorf("%d of the terms of parcel %d", n, parcel)
		}
	}
	for i := range parcels {
		update(t, d, func(tx store.Tx) error { return tx.Erase(ref(i)) })
	}
	texts, blocks = rows()
	for parcel := range parcels {
		if n := stands(texts, parcel); n > 0 {
			t.Errorf("%d of the terms of parcel %d when all were erased", n, parcel)
		}
	}
	if blocks > 0 {
		t.Errorf("%d blocks are not empty", blocks)
	}
}
