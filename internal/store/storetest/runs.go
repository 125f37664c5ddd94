package storetest

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/comity-exchange/comity/internal/store"
)

// found is a model of what a store keeps of postings.
type found map[store.Term][]store.Found

func (m found) put(no int64, all []store.Posting) {
	for _, p := range all {
		f := store.Found{Posting: p, Parcel: no}
		if !slices.ContainsFunc(m[p.Term], func(o store.Found) bool { return o.Parcel == no && o.Line == p.Line }) {
			m[p.Term] = append(m[p.Term], f)
		}
	}
}

func (m found) drop(no int64) {
	for t := range m {
		m[t] = slices.DeleteFunc(m[t], func(f store.Found) bool { return f.Parcel == no })
	}
}

// check pages through some terms, and one that nothing has.
func (m found) check(t *testing.T, s store.Store, r *rand.Rand, terms ...store.Term) {
	t.Helper()
	view(t, s, func(tx store.Tx) error {
		for _, term := range append(terms, -1) {
			want := slices.Clone(m[term])
			slices.SortFunc(want, func(a, b store.Found) int { return cmp.Or(cmp.Compare(a.Parcel, b.Parcel), a.Line-b.Line) })
			after := store.Found{Posting: store.Posting{Line: -1}}
			for limit := 1 + r.IntN(9); ; limit *= 3 {
				got := must[[]store.Found](t)(tx.Postings(term, after.Parcel, after.Line, limit))
				if n := min(limit, len(want)); !slices.Equal(got, want[:n]) {
					t.Fatalf("term %d after (%d, %d): %d found, not the %d that are next of %d", term, after.Parcel, after.Line, len(got), n, len(want))
				}
				if want = want[len(got):]; len(got) < limit {
					break
				}
				after = got[len(got)-1]
			}
		}
		return nil
	})
}

// merged merges until there is nothing to merge, and says how often.
func merged(t *testing.T, s store.Store) (n int) {
	t.Helper()
	for more := true; more; n++ {
		update(t, s, func(tx store.Tx) (err error) { more, err = tx.MergePostings(); return err })
	}
	return n - 1
}

// postingsModel: whatever is put, put again, dropped, merged and undone, in whatever order, and by whichever of two processes, what is found is what a map would have.
func postingsModel(t *testing.T, open Opener) {
	const parcels, steps = 12, 160
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 10))
		place := t.TempDir()
		both := []store.Store{opened(t, open, place), opened(t, open, place)}
		putSamples(t, both[0], parcels)
		var refs []store.ContentRef
		update(t, both[0], func(tx store.Tx) error {
			for i := range parcels {
				refs = append(refs, blob(tx, i, 0))
			}
			return nil
		})
		pool := []store.Term{0, 1, 2, 1 << 62, -1 << 63, -2}
		for range 30 {
			pool = append(pool, store.Term(r.Uint64()))
		}
		m, nos, merges := found{}, map[int]int64{}, 0
		some := func() (all []store.Posting) {
			for range r.IntN(60) {
				p := store.Posting{Term: pool[r.IntN(len(pool))], Line: r.IntN(40)}
				p.Offset = p.Line * 300
				if p.Term&1 == 0 { // of one that is an id, line and version belong together, as in a parcel
					p.Version, p.Sum = int64(p.Line%5)*1_790_000_000_000_000, int64(p.Line%3)*-7
				}
				all = append(all, p)
			}
			return all
		}
		for range steps {
			s := both[r.IntN(2)]
			i := r.IntN(parcels)
			all, more := some(), some()
			switch no := nos[i]; {
			case r.IntN(4) == 0:
				merges += merged(t, s)
			case r.IntN(6) == 0: // undone, whole or to a savepoint
				errUndone := errors.New("undone")
				_ = s.Update(t.Context(), func(tx store.Tx) error {
					inside := func() error {
						_, err := tx.PutParcel(parcel(refs[i], 0, 40, 1), 0, all)
						_, err2 := tx.Postings(pool[0], 0, -1, 5)
						_, err3 := tx.MergePostings()
						return errors.Join(err, err2, err3, tx.PutPostings(1, more), errUndone)
					}
					if r.IntN(2) == 0 {
						return inside()
					}
					if err := s.Savepoint(tx, inside); !errors.Is(err, errUndone) {
						return err
					}
					return nil
				})
			case no == 0 || r.IntN(5) == 0:
				update(t, s, func(tx store.Tx) error {
					p, err := tx.PutParcel(parcel(refs[i], 0, 40, 1), 0, all)
					if err != nil {
						return err
					}
					m.drop(p.No)
					m.put(p.No, all)
					m.put(p.No, more)
					nos[i] = p.No
					return tx.PutPostings(p.No, more)
				})
			case r.IntN(3) == 0:
				update(t, s, func(tx store.Tx) error {
					err := tx.Reset(refs[i])
					blob(tx, i, 0)
					return err
				})
				m.drop(no)
				delete(nos, i)
			default:
				update(t, s, func(tx store.Tx) error { return tx.PutPostings(no, all) })
				m.put(no, all)
			}
			m.check(t, both[r.IntN(2)], r, pool[r.IntN(len(pool))], pool[r.IntN(6)])
		}
		for _, s := range append(both, opened(t, open, place)) {
			m.check(t, s, r, pool...)
		}
		if merges == 0 {
			t.Error("nothing was merged")
		}
	}
}

// postingsMerged: with so many that they fall into levels, all are found; a term that stands for very many lines, too; and what is erased goes out of all levels.
func postingsMerged(t *testing.T, open Opener) {
	const parcels, lines = 20, 2600
	place := t.TempDir()
	s := opened(t, open, place)
	putSamples(t, s, parcels)
	r := rand.New(rand.NewPCG(4, 4))
	m, merges := found{}, 0
	var terms []store.Term
	for i := range parcels {
		var all []store.Posting
		for line := range lines {
			term := store.Term(r.Uint64())
			if line%37 == 0 {
				terms = append(terms, term)
			}
			all = append(all, store.Posting{Term: term, Line: line, Offset: line * 321, Version: 1_790_000_000_000_000 + r.Int64N(1e12), Sum: r.Int64()},
				store.Posting{Term: store.Term(r.Uint64()), Line: line, Offset: line * 321}, store.Posting{Term: 5, Line: line, Offset: line * 321})
		}
		update(t, s, func(tx store.Tx) error {
			p := must[store.Parcel](t)(tx.PutParcel(parcel(blob(tx, i, 0), 0, lines, 1), 0, all))
			for _, f := range all {
				m[f.Term] = append(m[f.Term], store.Found{Posting: f, Parcel: p.No})
			}
			return nil
		})
		if i%3 > 0 { // they lag behind, and catch up
			merges += merged(t, s)
		}
	}
	merges += merged(t, s)
	if merges < 2 {
		t.Errorf("%d merges", merges)
	}
	r.Shuffle(len(terms), func(i, j int) { terms[i], terms[j] = terms[j], terms[i] })
	m.check(t, s, r, append(terms[:300:300], 5)...)
	other := opened(t, open, place) // one that has read nothing yet
	m.check(t, other, r, append(terms[300:400:400], 5)...)
	for _, i := range []int{3, 11, 19} {
		update(t, s, func(tx store.Tx) error { return tx.Erase(store.ContentRef{Statement: id(i), Part: 0}) })
		m.drop(int64(i + 1))
	}
	for _, s := range []store.Store{s, other} {
		m.check(t, s, r, append(terms[:len(terms):len(terms)], 5)...)
	}
	same(t, merged(t, other), 0)
}

// postingsHot: terms that stand for nearly every line, whose blocks are merged without being taken apart, are found as they came, though parcels get some of them later, out of their order, and
// others are erased before and between merges, by another process than the one that merges.
func postingsHot(t *testing.T, open Opener) {
	const parcels, lines, kinds = 20, 2300, 4
	place := t.TempDir()
	s, other := opened(t, open, place), opened(t, open, place)
	putSamples(t, s, parcels)
	r := rand.New(rand.NewPCG(6, 28))
	m, merges, later := found{}, 0, map[int64][]store.Posting{}
	hot := make([]store.Term, kinds)
	for i := range hot {
		hot[i] = store.Term(r.Uint64())
	}
	for k := range uint64(7) { // one parcel has these alone: the last of one eighth of all terms, and the first of the next
		hot = append(hot, store.Term((k+1)<<61-1), store.Term((k+1)<<61))
	}
	put := func(tx store.Tx, no int64, all []store.Posting) {
		for _, p := range all {
			m[p.Term] = append(m[p.Term], store.Found{Posting: p, Parcel: no})
		}
	}
	for i := range parcels {
		var now, then []store.Posting
		for line := range lines {
			now = append(now, store.Posting{Term: store.Term(r.Uint64()), Line: line, Offset: line * 800, Version: 1_790_000_000_000_000 + int64(line)})
			for k, term := range hot {
				p := store.Posting{Term: term, Line: line, Offset: line * 800}
				if k >= kinds && (k-kinds)/2 != i {
					continue
				}
				if k == 0 && i%3 == 0 { // their words come later
					then = append(then, p)
				} else if line%7 != k {
					now = append(now, p)
				}
			}
		}
		update(t, s, func(tx store.Tx) error {
			p, err := tx.PutParcel(parcel(blob(tx, i, 0), 0, lines, 1), 0, now)
			put(tx, p.No, now)
			later[p.No] = then
			return err
		})
		if no := int64(i - 5); no > 0 && len(later[no]) > 0 {
			update(t, other, func(tx store.Tx) error {
				put(tx, no, later[no])
				return tx.PutPostings(no, later[no])
			})
		}
		if i%8 == 6 {
			update(t, other, func(tx store.Tx) error { return tx.Erase(store.ContentRef{Statement: id(i - 4), Part: 0}) })
			m.drop(int64(i - 3))
			delete(later, int64(i-3))
		}
		if i%5 == 4 {
			merges += merged(t, s)
		}
	}
	merges += merged(t, s)
	if merges < 2 {
		t.Errorf("%d merges", merges)
	}
	m.check(t, s, r, hot...)
	m.check(t, other, r, hot...)
	m.check(t, opened(t, open, place), r, hot...)
}
