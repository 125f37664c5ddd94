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
		m.add(blocks)
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
	heads []*strand // those that have a posting, the least first
	last  store.Found
	begun bool
	bad   bool
}

// strand is one of the runs.
type strand struct {
	blockReader
	blocks [][]byte // that follow
}

// advance reads the next posting.
func (h *strand) advance() bool {
	for !h.next() {
		if h.bad || len(h.blocks) == 0 {
			return false
		}
		h.blockReader, h.blocks = blockReader{b: h.blocks[0]}, h.blocks[1:]
	}
	return true
}

func (h *strand) compare(o *strand) int {
	return cmp.Or(spotOf(&h.last).compare(spotOf(&o.last)), cmp.Compare(o.last.Version|o.last.Sum, h.last.Version|h.last.Sum))
}

func (m *merging) add(blocks [][]byte) { m.put(&strand{blocks: blocks}) }

// put moves a run on, and to its place among the others.
func (m *merging) put(h *strand) {
	if !h.advance() {
		m.bad = m.bad || h.bad
		return
	}
	at, _ := slices.BinarySearchFunc(m.heads, h, (*strand).compare)
	m.heads = slices.Insert(m.heads, at, h)
}

// next gives each posting once.
func (m *merging) next() (f store.Found, ok bool) {
	for len(m.heads) > 0 {
		h := m.heads[0]
		f = h.last
		m.heads = slices.Delete(m.heads, 0, 1)
		m.put(h)
		if m.begun && spotOf(&f) == spotOf(&m.last) {
			continue
		}
		m.last, m.begun = f, true
		return f, true
	}
	return f, false
}
