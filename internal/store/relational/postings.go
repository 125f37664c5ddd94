package relational

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"github.com/comity-exchange/comity/internal/store"
)

// postings is what a transaction knows of them. What it adds or drops is written with the last of it, at the latest before anybody looks, before a savepoint and at the transaction's end.
type postings struct {
	runs    *runs                // nil: not read yet
	blocks  map[int64]*openBlock // some that were read
	fresh   []store.Found
	dropped map[int64][]uint64 // parcels, and the terms of each
}

// PutPostings implements store.Catalogue.
func (t *txn) PutPostings(no int64, all []store.Posting) error {
	if err := t.mayWrite(); err != nil || len(all) == 0 {
		return err
	}
	if n := len(all); cap(t.postings.fresh)-len(t.postings.fresh) < n { // most come several parcels at a time
		t.postings.fresh = slices.Grow(t.postings.fresh, max(n, len(t.postings.fresh)*2))
	}
	for _, p := range all {
		t.postings.fresh = append(t.postings.fresh, store.Found{Posting: p, Parcel: no})
	}
	return nil
}

// putTerms notes which terms parcels are found by, of postings that are in order.
func (t *txn) putTerms(fresh []store.Found) error {
	packed := map[int64][]byte{}
	var last store.Found
	for i := range fresh {
		f := &fresh[i]
		if i == 0 || f.Parcel != last.Parcel || f.Term != last.Term {
			packed[f.Parcel] = binary.BigEndian.AppendUint64(packed[f.Parcel], uint64(f.Term))
		}
		last = *f
	}
	for _, no := range slices.Sorted(maps.Keys(packed)) {
		_, err := t.exec(`INSERT INTO parcel_terms (parcel, n, terms) SELECT $1, COALESCE(MAX(n), 0) + 1, $2 FROM parcel_terms WHERE parcel = $1`, no, packed[no])
		if err != nil {
			return err
		}
	}
	return nil
}

// dropPostings forgets what a parcel is found by.
func (t *txn) dropPostings(no int64) error {
	p := &t.postings
	p.fresh = slices.DeleteFunc(p.fresh, func(f store.Found) bool { return f.Parcel == no })
	lists, err := list(t, `SELECT terms FROM parcel_terms WHERE parcel = $1 ORDER BY n`, []any{no}, func(scan func(...any) error, b *[]byte) error { return scan(b) })
	if err != nil || len(lists) == 0 {
		return err
	}
	var terms []uint64
	for _, packed := range lists {
		if len(packed)%8 != 0 {
			return orDamaged(nil)
		}
		for v := range slices.Chunk(packed, 8) {
			terms = append(terms, binary.BigEndian.Uint64(v))
		}
	}
	if p.dropped == nil {
		p.dropped = map[int64][]uint64{}
	}
	p.dropped[no] = terms
	_, err = t.exec(`DELETE FROM parcel_terms WHERE parcel = $1`, no)
	return err
}

// writePostings writes what waits: first what goes is taken out, so that a parcel may be put anew.
func (t *txn) writePostings() error {
	p := &t.postings
	if len(p.dropped) > 0 {
		dropped := p.dropped
		p.dropped = nil
		if err := t.takeOut(dropped); err != nil {
			return err
		}
	}
	if len(p.fresh) == 0 {
		return nil
	}
	all, err := t.readRuns()
	if err != nil {
		return err
	}
	fresh := tidy(p.fresh)
	p.fresh = nil
	if err := t.putTerms(fresh); err != nil {
		return err
	}
	var w blockWriter
	for i := range fresh {
		w.add(&fresh[i])
	}
	r, err := t.writeRun(shelf{}, &w)
	if err != nil {
		return err
	}
	return t.changeRuns(all, []*run{r}, nil)
}

// takeOut takes the postings of some parcels out of the blocks that hold them.
func (t *txn) takeOut(parcels map[int64][]uint64) error {
	all, err := t.readRuns()
	if err != nil {
		return err
	}
	t.emptied = true
	where := map[*run]map[int]bool{}
	for no, terms := range parcels {
		for _, term := range terms {
			all.each(term, func(r *run) bool {
				last := r.block(spot{term, no, math.MaxInt})
				for i := max(0, r.block(spot{term, no, -1})); i <= last; i++ {
					if r.may(i, term) {
						if where[r] == nil {
							where[r] = map[int]bool{}
						}
						where[r][i] = true
					}
				}
				return true
			})
		}
	}
	for r, blocks := range where {
		if err := t.takeOutOf(r, slices.Sorted(maps.Keys(blocks)), parcels); err != nil {
			return err
		}
	}
	clear(t.postings.blocks)
	return nil
}

// takeOutOf takes the postings of some parcels out of some blocks of a run, and out of what says where its blocks begin.
func (t *txn) takeOutOf(r *run, blocks []int, parcels map[int64][]uint64) error {
	var packed []byte
	found, err := t.one(`SELECT fences FROM posting_run WHERE id = $1`, []any{r.id}, &packed) // r has those with which it was read
	if err != nil || !found {
		return orDamaged(err)
	}
	fences, err := parseFences(packed)
	if err != nil || len(fences) != len(r.fences) {
		return orDamaged(err)
	}
	for _, n := range slices.Backward(blocks) {
		id := r.first + int64(n)
		var raw []byte
		found, err := t.one(`SELECT block FROM posting_block WHERE id = $1`, []any{id}, &raw)
		if err != nil || !found {
			return orDamaged(err)
		}
		all, err := parseBlock(raw)
		if err != nil {
			return err
		}
		before := len(all)
		all = slices.DeleteFunc(all, func(f store.Found) bool { _, goes := parcels[f.Parcel]; return goes })
		if len(all) == before {
			continue
		}
		switch {
		case len(all) > 0:
			fences[n] = spotOf(&all[0])
		case n+1 < len(fences):
			fences[n] = fences[n+1]
		default:
			fences[n] = spot{term: math.MaxUint64, parcel: math.MaxInt64, line: math.MaxInt}
		}
		if _, err := t.exec(`UPDATE posting_block SET block = $2 WHERE id = $1`, id, full(packBlock(all))); err != nil {
			return err
		}
	}
	// Who knows the run by the fences that it had finds the same.
	_, err = t.exec(`UPDATE posting_run SET fences = $2 WHERE id = $1`, r.id, packFences(fences))
	return err
}

// Postings implements store.Catalogue.
func (t *txn) Postings(term store.Term, parcel int64, line, limit int) (out []store.Found, err error) {
	if err := t.writePostings(); err != nil {
		return nil, err
	}
	all, err := t.readRuns()
	if err != nil {
		return nil, err
	}
	if err := t.mayRead(); err != nil {
		return nil, err
	}
	all.each(uint64(term), func(r *run) bool {
		out, err = t.inRun(out, r, spot{uint64(term), parcel, line}, limit)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	out = tidy(out)
	return out[:min(limit, len(out))], nil
}

// inRun adds at most limit postings of a term behind a spot.
func (t *txn) inRun(out []store.Found, r *run, after spot, limit int) ([]store.Found, error) {
	for n := max(0, r.block(after)); n < len(r.fences); n++ {
		if r.fences[n].term > after.term {
			return out, nil
		}
		if !r.may(n, after.term) {
			continue
		}
		b, err := t.block(r, n)
		if err != nil {
			return nil, err
		}
		before := len(out)
		var more bool
		if out, more, err = b.find(out, spot{after.term, after.parcel, after.line + 1}, limit); err != nil || !more {
			return out, err
		}
		limit -= len(out) - before
	}
	return out, nil
}
