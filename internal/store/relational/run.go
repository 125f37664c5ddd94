package relational

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/comity-exchange/comity/internal/store"
)

// Postings lie in runs: sorted, in blocks, written once. Each transaction that adds some makes a run of level 0; Merge makes one of several. While they are short, eight of a size become one
// of the next size. Eight that are long enough become up to eight of the next level, each for an eighth of the terms (which are hashes, so they are much alike in length). So a merge
// costs the same however many postings there are, each posting is written about as often as there are levels and sizes, and a term is looked for in some seven runs of each. Words that stand
// nearly everywhere have most postings: of them blocks are taken over as they are, since parcels that came at one time have one run.
//
// A process knows of each run with which posting its blocks begin, and of blocks that it has written or read which terms are not in them: so a lookup reads the one block that it needs.
// Erasing a parcel takes its postings out of the blocks where they lie.
const (
	fan      = 8 // runs that are merged, and parts of the terms in the next level
	fanBits  = 3
	maxLevel = 20

	sizeStep = 8       // between two sizes
	smallRun = 1 << 10 // bytes: the runs of the smallest size are shorter
	hugeRun  = 4 << 20 // a run that is longer is merged no more: some terms stand for very many lines, and a merge must not hold up those who write
)

// Classes of runs by size; those of one are merged.
const (
	shortClass = iota // below smallRun; the next two are below eight times as much each
	_
	_
	longClass // what is merged goes to the next level
	hugeClass
)

// sizeClass is that of a run of some bytes.
func sizeClass(size int64) int {
	if size >= hugeRun {
		return hugeClass
	}
	class := shortClass
	for limit := int64(smallRun); size >= limit && class < longClass; limit *= sizeStep {
		class++
	}
	return class
}

// shelf is a part of the terms in one level.
type shelf struct {
	level  int
	prefix uint64
}

// shelfOf is where a term is in a level.
func shelfOf(level int, term uint64) shelf {
	return shelf{level, term >> (64 - fanBits*level)}
}

// run is a run as a process knows it. It does not change, but for sieves.
type run struct {
	shelf
	id     int64 // drawn by lot: no other run ever has it
	first  int64 // of the ids of its blocks
	size   int64 // of its blocks, when they were written
	fences []spot
	sieves []atomic.Pointer[sieve] // of blocks; nil: of one that was not read yet
}

// block finds the block that a posting is in or would be; −1: before the first.
func (r *run) block(s spot) int {
	return sort.Search(len(r.fences), func(i int) bool { return r.fences[i].compare(s) > 0 }) - 1
}

// may tells that a block may have a term.
func (r *run) may(block int, term uint64) bool {
	s := r.sieves[block].Load()
	return s == nil || s.may(term)
}

// runs are all runs of one epoch. They do not change.
type runs struct {
	epoch   int64
	byID    map[int64]*run
	byShelf map[shelf][]*run
	levels  int
}

// with gives the runs with some more and without others, in an epoch of their own.
func (r *runs) with(epoch int64, more, without []*run) *runs {
	out := &runs{epoch: epoch, byID: make(map[int64]*run, len(r.byID)+len(more)), byShelf: make(map[shelf][]*run, len(r.byShelf)+len(more))}
	put := func(v *run) {
		out.byID[v.id] = v
		out.byShelf[v.shelf] = append(out.byShelf[v.shelf], v)
		out.levels = max(out.levels, v.level+1)
	}
	for _, all := range r.byShelf {
		for _, v := range all {
			if !slices.Contains(without, v) {
				put(v)
			}
		}
	}
	for _, v := range more {
		put(v)
	}
	return out
}

// each gives the runs that may have a term, until yield says that it is enough.
func (r *runs) each(term uint64, yield func(*run) bool) {
	for level := range r.levels {
		for _, v := range r.byShelf[shelfOf(level, term)] {
			if !yield(v) {
				return
			}
		}
	}
}

// knownRuns remembers the runs of the newest epoch that a transaction has seen.
type knownRuns struct {
	mu  sync.Mutex
	all *runs // guarded by mu
}

func (k *knownRuns) get() *runs {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = &runs{}
	}
	return k.all
}

func (k *knownRuns) put(r *runs) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = r
}

// lot draws a number above 0.
func lot() int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:])>>1) | 1
}

// readRuns gives the runs that a transaction sees.
func (t *txn) readRuns() (*runs, error) {
	if t.postings.runs != nil {
		return t.postings.runs, nil
	}
	var epoch int64
	if _, err := t.one(`SELECT epoch FROM posting_epoch WHERE one = 1`, nil, &epoch); err != nil {
		return nil, err
	}
	known := t.store.runs.get()
	if known.epoch != epoch {
		ids, err := list(t, `SELECT id FROM posting_run WHERE id > 0`, nil, func(scan func(...any) error, id *int64) error { return scan(id) })
		if err != nil {
			return nil, err
		}
		all := make([]*run, len(ids))
		for i, id := range ids {
			if all[i] = known.byID[id]; all[i] != nil {
				continue
			}
			if all[i], err = t.readRun(id); err != nil {
				return nil, err
			}
		}
		known = (&runs{}).with(epoch, all, nil)
		if !t.emptied {
			t.store.runs.put(known)
		}
	}
	t.postings.runs = known
	return known, nil
}

func (t *txn) readRun(id int64) (*run, error) {
	r := &run{id: id}
	var raw []byte
	var prefix int64
	found, err := t.one(`SELECT level, prefix, first, size, fences FROM posting_run WHERE id = $1`, []any{id}, &r.level, &prefix, &r.first, &r.size, &raw)
	if err != nil || !found {
		return nil, orDamaged(err)
	}
	r.prefix = uint64(prefix)
	r.fences, err = parseFences(raw)
	r.sieves = make([]atomic.Pointer[sieve], len(r.fences))
	return r, err
}

// writeRun writes a run of postings that are in order and of its shelf.
func (t *txn) writeRun(at shelf, w *blockWriter) (*run, error) {
	w.close()
	r := &run{id: lot(), shelf: at, size: int64(w.size), fences: w.fences, sieves: make([]atomic.Pointer[sieve], len(w.fences))}
	for i := range w.sieves {
		r.sieves[i].Store(w.sieves[i])
	}
	if _, err := t.one(`SELECT COALESCE(MAX(id), 0) + 1 FROM posting_block`, nil, &r.first); err != nil {
		return nil, err
	}
	if _, err := t.exec(`INSERT INTO posting_run (id, level, prefix, first, size, fences) VALUES ($1, $2, $3, $4, $5, $6)`,
		r.id, r.level, int64(r.prefix), r.first, r.size, packFences(r.fences)); err != nil {
		return nil, err
	}
	const columns, most = 2, 8
	const first = `INSERT INTO posting_block (id, block) VALUES `
	id := r.first
	for some := range slices.Chunk(w.blocks, most) {
		args := make([]any, 0, columns*most)
		for _, b := range some {
			args = append(args, id, b)
			id++
		}
		if len(some) == most {
			if _, err := t.exec(first+rowsOf(most, columns), args...); err != nil {
				return nil, err
			}
			continue
		}
		for row := range slices.Chunk(args, columns) {
			if _, err := t.exec(first+rowsOf(1, columns), row...); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// changeRuns notes which of all runs have gone, and which came; their rows are the caller's.
func (t *txn) changeRuns(all *runs, came, went []*run) error {
	epoch := lot()
	if _, err := t.exec(`INSERT INTO posting_epoch (one, epoch) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch`, epoch); err != nil {
		return err
	}
	t.postings.runs = all.with(epoch, came, went)
	clear(t.postings.blocks)
	return nil
}

// readBlocks reads the blocks of a run as they are.
func (t *txn) readBlocks(r *run) ([][]byte, error) {
	all, err := list(t, `SELECT block FROM posting_block WHERE id >= $1 AND id < $2 ORDER BY id`, []any{r.first, r.first + int64(len(r.fences))},
		func(scan func(...any) error, b *[]byte) error { return scan(b) })
	if err == nil && len(all) != len(r.fences) {
		err = orDamaged(nil)
	}
	return all, err
}

// openBlock is a block that a transaction has read.
type openBlock struct {
	raw []byte
	all []store.Found // nil: only looked through so far
}

// block reads a block of a run, of which the transaction remembers some. One that is read again is parsed whole, since it will be read again.
func (t *txn) block(r *run, n int) (*openBlock, error) {
	id := r.first + int64(n)
	if b := t.postings.blocks[id]; b != nil {
		var err error
		if b.all == nil {
			b.all, err = parseBlock(b.raw)
		}
		return b, err
	}
	b := &openBlock{}
	found, err := t.one(`SELECT block FROM posting_block WHERE id = $1`, []any{id}, &b.raw)
	if err != nil || !found {
		return nil, orDamaged(err)
	}
	if r.sieves[n].Load() == nil && !t.emptied {
		if b.all, err = parseBlock(b.raw); err != nil {
			return nil, err
		}
		r.sieves[n].Store(newSieve(termsOf(b.all)))
	}
	if len(t.postings.blocks) >= maxBlocks {
		clear(t.postings.blocks)
	}
	if t.postings.blocks == nil {
		t.postings.blocks = map[int64]*openBlock{}
	}
	t.postings.blocks[id] = b
	return b, nil
}

// maxBlocks is how many a transaction remembers.
const maxBlocks = 128

// termsOf gives the terms of postings, which are in order.
func termsOf(all []store.Found) []uint64 {
	terms := make([]uint64, 0, len(all))
	for i := range all {
		if v := uint64(all[i].Term); i == 0 || v != terms[len(terms)-1] {
			terms = append(terms, v)
		}
	}
	return terms
}

// find adds at most limit postings of a term from a spot on. more tells that the next block may have others.
func (b *openBlock) find(out []store.Found, from spot, limit int) (_ []store.Found, more bool, err error) {
	take := func(f *store.Found) bool {
		if more = uint64(f.Term) == from.term && limit > 0; more {
			out, limit = append(out, *f), limit-1
		}
		return more
	}
	more = true
	if b.all != nil {
		at, _ := slices.BinarySearchFunc(b.all, from, func(f store.Found, s spot) int { return spotOf(&f).compare(s) })
		for ; at < len(b.all) && take(&b.all[at]); at++ {
		}
		return out, more, nil
	}
	r := blockReader{b: b.raw}
	for r.next() {
		if uint64(r.last.Term) >= from.term && spotOf(&r.last).compare(from) >= 0 && !take(&r.last) {
			break
		}
	}
	if r.bad {
		return nil, false, orDamaged(nil)
	}
	return out, more, nil
}
