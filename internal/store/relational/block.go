package relational

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/comity-exchange/comity/internal/store"
)

// spot is where a posting stands in the order of all: by term (its bits as a number without sign), parcel and line.
type spot struct {
	term   uint64
	parcel int64
	line   int
}

func spotOf(f *store.Found) spot { return spot{uint64(f.Term), f.Parcel, f.Line} }

func (s spot) compare(o spot) int {
	switch {
	case s.term != o.term:
		return cmp.Compare(s.term, o.term)
	case s.parcel != o.parcel:
		return cmp.Compare(s.parcel, o.parcel)
	}
	return cmp.Compare(s.line, o.line)
}

// tidy sorts postings, each of which then stands once; one that is an object's id is kept.
func tidy(all []store.Found) []store.Found {
	if len(all) >= manyPostings {
		all = byTerm(all)
	}
	before := func(a, b store.Found) int {
		if c := spotOf(&a).compare(spotOf(&b)); c != 0 {
			return c
		}
		return cmp.Compare(b.Version|b.Sum, a.Version|a.Sum)
	}
	if !slices.IsSortedFunc(all, before) {
		slices.SortFunc(all, before)
	}
	return slices.CompactFunc(all, func(a, b store.Found) bool { return spotOf(&a) == spotOf(&b) })
}

// manyPostings are sorted digit by digit.
const manyPostings = 1 << 10

// byTerm sorts postings by their terms, and leaves those of one in the order in which they stand, which mostly is that of their parcels and lines: many words stand in nearly all
// objects, and to compare those with each other again and again costs more than all else. Two digits tell nearly all terms apart, which are hashes.
func byTerm(all []store.Found) []store.Found {
	const bits, digits = 11, 2
	const low = 64 - bits*digits // bits of a term that are in no digit
	type key struct {
		term uint64
		at   int32
	}
	keys, other := make([]key, len(all)), make([]key, len(all))
	var counts [digits][1 << bits]int32
	for i := range all {
		t := uint64(all[i].Term)
		keys[i] = key{t, int32(i)}
		for d := range digits {
			counts[d][t>>(low+bits*d)&(1<<bits-1)]++
		}
	}
	for d := range digits {
		at := int32(0)
		for i, n := range counts[d] {
			counts[d][i], at = at, at+n
		}
		for _, k := range keys {
			place := &counts[d][k.term>>(low+bits*d)&(1<<bits-1)]
			other[*place] = k
			*place++
		}
		keys, other = other, keys
	}
	for from, i := 0, 1; i <= len(keys); i++ { // those that begin alike
		if i < len(keys) && keys[i].term>>low == keys[from].term>>low {
			continue
		}
		some := keys[from:i]
		compare := func(a, b key) int { return cmp.Compare(a.term, b.term) }
		if !slices.IsSortedFunc(some, compare) {
			slices.SortStableFunc(some, compare)
		}
		from = i
	}
	out := make([]store.Found, len(all))
	for i, k := range keys {
		out[i] = all[k.at]
	}
	return out
}

// A block is postings in their order, each told by what differs from the one before: a number of flags and the difference of the parcels; where the term is another one, by how much; the line
// and the byte, as differences where the term and the parcel are the same; the difference of the versions and the sum, where there are any.
const (
	blockBytes = 4000 // so that a row fills a page of 4 KiB
	maxPosting = 56   // bytes of one in a block, at most

	newTerm    = 1
	hasVersion = 2
	hasSum     = 4
	flagBits   = 3
)

// appendPosting adds a posting to a block of which last is the last; before the first it is zero.
func appendPosting(b []byte, last, f *store.Found) []byte {
	parcels := f.Parcel - last.Parcel
	head := uint64(parcels<<1^parcels>>63) << flagBits
	other := f.Term != last.Term || len(b) == 0
	if other {
		head |= newTerm
	}
	if f.Version != 0 {
		head |= hasVersion
	}
	if f.Sum != 0 {
		head |= hasSum
	}
	b = binary.AppendUvarint(b, head)
	if other {
		b = binary.AppendUvarint(b, uint64(f.Term)-uint64(last.Term))
	}
	line, offset := f.Line, f.Offset
	if !other && parcels == 0 {
		line, offset = line-last.Line, offset-last.Offset
	}
	b = binary.AppendVarint(binary.AppendUvarint(b, uint64(line)), int64(offset))
	if f.Version != 0 {
		b = binary.AppendVarint(b, f.Version-last.Version)
	}
	if f.Sum != 0 {
		b = binary.BigEndian.AppendUint64(b, uint64(f.Sum))
	}
	return b
}

// blockReader reads the postings of a block one by one.
type blockReader struct {
	b       []byte
	at      int // what of b was read
	last    store.Found
	version int64 // of the last that had one
	bad     bool
}

// next gives the next posting; false at the end, or where the block is damaged, which bad tells.
func (r *blockReader) next() bool {
	if r.at >= len(r.b) || r.bad {
		return false
	}
	head := r.unsigned()
	zigzag := head >> flagBits
	parcels := int64(zigzag>>1) ^ -int64(zigzag&1)
	f := &r.last
	f.Parcel += parcels
	if head&newTerm != 0 {
		f.Term = store.Term(uint64(f.Term) + r.unsigned())
	}
	line, offset := int(r.unsigned()), int(r.signed())
	if head&newTerm == 0 && parcels == 0 {
		line, offset = line+f.Line, offset+f.Offset
	}
	f.Line, f.Offset, f.Version, f.Sum = line, offset, 0, 0
	if head&hasVersion != 0 {
		r.version += r.signed()
		f.Version = r.version
	}
	if head&hasSum != 0 {
		if len(r.b)-r.at < 8 {
			r.bad = true
			return false
		}
		f.Sum = int64(binary.BigEndian.Uint64(r.b[r.at:]))
		r.at += 8
	}
	return !r.bad
}

func (r *blockReader) unsigned() uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 { // most are
		r.at++
		return uint64(r.b[r.at-1])
	}
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.bad, r.at = true, len(r.b)
		return 0
	}
	r.at += n
	return v
}

func (r *blockReader) signed() int64 {
	v := r.unsigned()
	return int64(v>>1) ^ -int64(v&1)
}

// parseBlock reads a block whole.
func parseBlock(b []byte) (all []store.Found, err error) {
	r := blockReader{b: b}
	all = make([]store.Found, 0, len(b)/12)
	for r.next() {
		all = append(all, r.last)
	}
	if r.bad {
		return nil, orDamaged(nil)
	}
	return all, nil
}

// blockWriter puts postings, which come in their order, into blocks.
type blockWriter struct {
	blocks [][]byte
	fences []spot // with what each begins
	sieves []*sieve
	terms  []uint64 // of the open block
	last   store.Found
	size   int  // of all blocks
	full   bool // the last block is not to be added to
}

func (w *blockWriter) add(f *store.Found) {
	n := len(w.blocks)
	if n == 0 || w.full || len(w.blocks[n-1])+maxPosting > blockBytes {
		w.close()
		w.full = false
		w.blocks, w.fences = append(w.blocks, make([]byte, 0, blockBytes)), append(w.fences, spotOf(f))
		w.last, n = store.Found{}, n+1
	}
	before := len(w.blocks[n-1])
	w.blocks[n-1] = appendPosting(w.blocks[n-1], &w.last, f)
	w.size += len(w.blocks[n-1]) - before
	if t := uint64(f.Term); len(w.terms) == 0 || w.terms[len(w.terms)-1] != t {
		w.terms = append(w.terms, t)
	}
	version := w.last.Version
	w.last = *f
	if f.Version == 0 {
		w.last.Version = version
	}
}

// copy takes a block as it is. mark may be nil.
func (w *blockWriter) copy(block []byte, fence spot, mark *sieve) {
	w.close()
	w.blocks, w.fences, w.sieves = append(w.blocks, block), append(w.fences, fence), append(w.sieves, mark)
	w.size += len(block)
	w.full = true
}

// close ends the open block.
func (w *blockWriter) close() {
	if len(w.terms) > 0 {
		w.sieves, w.terms = append(w.sieves, newSieve(w.terms)), w.terms[:0]
	}
}

// packBlock is the block of some postings, which come in their order.
func packBlock(all []store.Found) (b []byte) {
	var last store.Found
	for i := range all {
		b = appendPosting(b, &last, &all[i])
		version := last.Version
		if last = all[i]; last.Version == 0 {
			last.Version = version
		}
	}
	return b
}

// sieve tells of a term that it is not in a block; of one that is not, it does so for all but one or two in a thousand.
type sieve []uint64

const sieveBits, sieveMarks = 14, 8 // for a term

func newSieve(terms []uint64) *sieve {
	s := make(sieve, 1+len(terms)*sieveBits/64)
	for _, t := range terms {
		s.each(t, func(word int, bit uint64) bool { s[word] |= bit; return true })
	}
	return &s
}

func (s sieve) may(term uint64) bool {
	return s.each(term, func(word int, bit uint64) bool { return s[word]&bit != 0 })
}

// each gives the places of a term, until yield says that it is enough.
func (s sieve) each(term uint64, yield func(word int, bit uint64) bool) bool {
	a := (term ^ term>>31) * 0x9e3779b97f4a7c15 // terms are hashes; in tests they are small numbers
	b := (a^a>>29)*0xbf58476d1ce4e5b9 | 1
	bits := uint64(len(s)) * 64
	for range sieveMarks {
		at := a >> 32 * bits >> 32
		if !yield(int(at>>6), 1<<(at&63)) {
			return false
		}
		a += b
	}
	return true
}

// packFences and parseFences are the column of a run.
func packFences(fences []spot) (b []byte) {
	for _, f := range fences {
		b = binary.AppendUvarint(binary.AppendUvarint(binary.BigEndian.AppendUint64(b, f.term), uint64(f.parcel)), uint64(f.line))
	}
	return b
}

func parseFences(b []byte) (fences []spot, err error) {
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, orDamaged(nil)
		}
		r := blockReader{b: b[8:]}
		f := spot{binary.BigEndian.Uint64(b), int64(r.unsigned()), int(r.unsigned())}
		if b = r.b[r.at:]; r.bad || len(fences) > 0 && fences[len(fences)-1].compare(f) > 0 {
			return nil, orDamaged(nil)
		}
		fences = append(fences, f)
	}
	return fences, nil
}
