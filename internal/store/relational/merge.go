package relational

import (
	"cmp"
	"slices"

	"github.com/comity-exchange/comity/internal/store"
)

// MergePostings implements store.Catalogue.
func (t *txn) MergePostings() (merged bool, err error) {
	if err := t.mayWrite(); err != nil {
		return false, err
	}
	if err := t.writePostings(); err != nil {
		return false, err
	}
	all, err := t.readRuns()
	if err != nil {
		return false, err
	}
	some := all.due()
	if some == nil {
		return false, nil
	}
	return true, t.merge(all, some)
}

// due gives runs that are to be merged: of the first levels first, since they fill fastest. Nil when none are.
func (r *runs) due() (best []*run) {
	for _, all := range r.byShelf {
		if len(all) < fan || best != nil && best[0].level <= all[0].level {
			continue
		}
		var classes [hugeClass + 1][]*run
		for _, v := range all {
			if c := sizeClass(v.size); c < hugeClass {
				classes[c] = append(classes[c], v)
			}
		}
		for _, some := range classes {
			if len(some) >= fan {
				best = some[:fan]
				break
			}
		}
	}
	return best
}

// merge makes new runs of some of one shelf and size. What they have is read before any of it is deleted, and deleted before anything is written, so that the room is used again.
func (t *txn) merge(all *runs, some []*run) error {
	m := merging{}
	for _, r := range some {
		blocks, err := t.readBlocks(r)
		if err != nil {
			return err
		}
		m.add(r, blocks)
		if _, err := t.exec(`DELETE FROM posting_block WHERE id >= $1 AND id < $2`, r.first, r.first+int64(len(r.fences))); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM posting_run WHERE id = $1`, r.id); err != nil {
			return err
		}
	}
	level := some[0].level
	if sizeClass(some[0].size) == longClass && level < maxLevel {
		level++
	}
	var came []*run
	var at shelf
	var w blockWriter
	end := func() error {
		if len(w.blocks) == 0 {
			return nil
		}
		r, err := t.writeRun(at, &w)
		came, w = append(came, r), blockWriter{}
		return err
	}
	for {
		f, ok := m.next()
		if !ok {
			break
		}
		if to := shelfOf(level, uint64(f.Term)); to != at {
			if err := end(); err != nil {
				return err
			}
			at = to
		}
		if block, fence, mark, ok := m.whole(level); ok {
			w.copy(block, fence, mark)
			continue
		}
		w.add(&f)
	}
	if err := end(); err != nil {
		return err
	}
	if m.bad {
		return orDamaged(nil)
	}
	return t.changeRuns(all, came, some)
}

// merging gives the postings of several runs in one order.
type merging struct {
	heads []*strand // those that have a posting, the least first; of that, next gave the posting that it has
	given bool      // next gave one
	bad   bool
}

// strand is one of the runs.
type strand struct {
	blockReader
	run    *run
	n      int      // of the block that is read
	blocks [][]byte // that follow
	first  bool     // the posting that was read is the first of its block
}

// advance reads the next posting.
func (h *strand) advance() bool {
	h.first = false
	for !h.next() {
		if h.bad || len(h.blocks) == 0 {
			return false
		}
		h.blockReader, h.blocks = blockReader{b: h.blocks[0]}, h.blocks[1:]
		h.n, h.first = h.n+1, true
	}
	return true
}

func (h *strand) compare(o *strand) int {
	if c := spotOf(&h.last).compare(spotOf(&o.last)); c != 0 {
		return c
	}
	return cmp.Compare(o.last.Version|o.last.Sum, h.last.Version|h.last.Sum)
}

func (m *merging) add(r *run, blocks [][]byte) {
	h := &strand{run: r, n: -1, blocks: blocks}
	if !h.advance() {
		m.bad = m.bad || h.bad
		return
	}
	at, _ := slices.BinarySearchFunc(m.heads, h, (*strand).compare)
	m.heads = slices.Insert(m.heads, at, h)
}

// move moves the least strand on, and to its place among the others.
func (m *merging) move() {
	h := m.heads[0]
	if !h.advance() {
		m.bad = m.bad || h.bad
		m.heads = m.heads[1:]
		return
	}
	i := 1
	for ; i < len(m.heads) && h.compare(m.heads[i]) > 0; i++ {
		m.heads[i-1] = m.heads[i]
	}
	m.heads[i-1] = h
}

// next gives each posting once.
func (m *merging) next() (f store.Found, ok bool) {
	if m.given {
		last := spotOf(&m.heads[0].last)
		for m.move(); len(m.heads) > 0 && spotOf(&m.heads[0].last) == last; {
			m.move()
		}
	}
	if m.given = len(m.heads) > 0; m.given {
		f = m.heads[0].last
	}
	return f, m.given
}

// whole gives the block whose first posting next gave, if all of it comes before what any other run has, and belongs on one shelf: then next goes on behind it. Terms that stand for very
// many lines fill blocks of their own, with parcels that came at one time, so that most of their blocks are never taken apart. A short one is, lest many stay.
func (m *merging) whole(level int) (block []byte, fence spot, mark *sieve, ok bool) {
	h := m.heads[0]
	if !h.first || len(h.b) < blockBytes/2 || h.n+1 >= len(h.run.fences) {
		return nil, fence, nil, false
	}
	// A fence is no less than what stands before it, also where postings were taken out since.
	end := h.run.fences[h.n+1]
	first := spotOf(&h.last)
	if shelfOf(level, first.term) != shelfOf(level, end.term) || len(m.heads) > 1 && spotOf(&m.heads[1].last).compare(end) < 0 {
		return nil, fence, nil, false
	}
	h.at = len(h.b)
	return h.b, first, h.run.sieves[h.n].Load(), true
}
