package match

import (
	"slices"
	"sort"
	"strings"
)

// hit is an occurrence before its line is looked at.
type hit struct {
	kind   Kind
	near   bool // only the address or the host was found: the rest of the Endpoint or URL may stand in another field of the line
	ref    uint32
	lo, hi int // in the text
	value  string
}

type span struct{ lo, hi int }

// scanner finds indicators in text. It reads every byte once, cuts the text into atoms, and looks at an atom only if its shape is that of a value;
// almost all that are no indicators end at the filter. Whatever decides stands within a few thousand bytes of the place, so a text may be cut into
// windows that overlap. One goroutine uses it.
type scanner struct {
	set   *Set
	watch uint8 // bits of delims around an atom that are worth a look
	files bool

	hits  []hit
	folds []span // what has to be read a second time, without defanging and escapes
	texts map[uint32]string

	over    *span // where the text that is being scanned comes from, when it is not the text itself
	sixDone int   // up to where IPv6 was looked for
	run     run   // where the URL or path that was looked at last may end
	lower   [maxDomain]byte
	made    []byte // a URL, a mail address or a hash in the making
	plain   []byte // a fold without its defanging and escapes
}

func newScanner(set *Set) *scanner {
	s := &scanner{set: set, watch: opener | escape, files: set.has(File), texts: map[uint32]string{}}
	if set.has(Mail) {
		s.watch |= at
	}
	if set.has(Path) || set.has(URL) {
		s.watch |= slash
	}
	if set.plan.kinds&wide != 0 {
		s.watch |= colon
	}
	return s
}

// scan gives what is found in b, in the order of where it begins. The result holds until the next call.
func (s *scanner) scan(b []byte) []hit {
	s.hits, s.folds, s.over = s.hits[:0], s.folds[:0], nil
	s.text(b)
	if len(s.folds) > 0 || !sort.SliceIsSorted(s.hits, func(i, j int) bool { return s.hits[i].lo < s.hits[j].lo }) {
		s.unfoldAll(b)
	}
	return s.hits
}

// text cuts b into atoms.
func (s *scanner) text(b []byte) {
	s.sixDone, s.run = 0, run{}
	before := uint8(0) // what stands before the atom
	for i := 0; i < len(b); {
		acc := shapes[b[i]]
		if acc == 0 {
			if before = delims[b[i]]; before&slash&s.watch != 0 && s.set.has(Path) {
				s.bare(b, i)
			}
			i++
			continue
		}
		lo := i
		for i++; i < len(b); i++ {
			c := shapes[b[i]]
			if c == 0 {
				break
			}
			acc |= c
		}
		after := uint8(0)
		if i < len(b) {
			after = delims[b[i]]
		}
		if (before|after)&s.watch != 0 {
			s.around(b, lo, i, acc, before, after)
		}
		if acc&(dot|high) != 0 || i-lo >= 32 {
			s.atom(b, lo, i, acc)
		}
	}
}

// atom looks at b[lo:end].
func (s *scanner) atom(b []byte, lo, end int, acc uint8) {
	if acc&high != 0 {
		s.foreign(b, lo, end)
		return
	}
	hi := end
	for hi > lo && b[hi-1] == '.' {
		hi--
	}
	for lo < hi && b[lo] == '.' {
		lo++
	}
	if hi-lo >= 32 {
		s.hashes(b, lo, hi)
	}
	if acc&dot == 0 {
		return
	}
	if acc&letter == 0 && acc&joint == 0 {
		if a, ok := parse4(b[lo:hi]); ok {
			s.address(b, lo, hi, end, addr4(a))
		}
		return
	}
	if acc&letter != 0 {
		if ref := s.name(b, lo, hi); ref&hasURLs != 0 {
			s.url(b, lo, end, s.lowered(b[lo:hi]))
		}
		if s.files {
			s.file(b[lo:hi], lo, hi)
		}
	}
	if acc&joint != 0 && acc&digit != 0 {
		s.pieces(b, lo, hi)
	}
}

// pieces looks for addresses between hyphens and underscores.
func (s *scanner) pieces(b []byte, lo, hi int) {
	for from := lo; from < hi; {
		to := from
		numeric := true
		for to < hi && shapes[b[to]]&joint == 0 {
			numeric = numeric && shapes[b[to]]&letter == 0
			to++
		}
		if numeric {
			first, last := from, to
			for last > first && b[last-1] == '.' {
				last--
			}
			for first < last && b[first] == '.' {
				first++
			}
			if a, ok := parse4(b[first:last]); ok {
				s.address(b, first, last, to, addr4(a))
			}
		}
		from = to + 1
	}
}

// name walks over the suffixes of a name, shortest first, each once: at most 253 bytes, and so at most 127 labels. It gives the reference of the
// whole name.
func (s *scanner) name(b []byte, lo, hi int) uint32 {
	h, limit, dots := s.set.h.backwards(), max(lo, hi-maxDomain), 0
	odd := s.set.h.odd
	for i := hi - 1; i >= limit; i-- {
		c := fold[b[i]]
		if c == '.' {
			if dots++; dots > 1 && s.set.maybe(s.set.h.settled(h)) {
				s.suffix(b, i+1, hi)
			}
		}
		h = (h ^ uint64(c)) * odd
	}
	if limit == lo && dots > 0 && s.set.maybe(s.set.h.settled(h)) {
		return s.suffix(b, lo, hi)
	}
	return 0
}

func (s *scanner) lowered(b []byte) []byte {
	out := s.lower[:len(b)]
	for i, c := range b {
		out[i] = fold[c]
	}
	return out
}

func (s *scanner) suffix(b []byte, lo, hi int) uint32 {
	name := s.lowered(b[lo:hi])
	ref := s.set.find(Domain, name)
	s.add(Domain, ref, lo, hi, name)
	return ref
}

// add notes an occurrence, if the reference has rows.
func (s *scanner) add(kind Kind, ref uint32, lo, hi int, value []byte) {
	s.addText(kind, ref, lo, hi, func() string { return string(value) })
}

// addText does the same with a value that is only made when it was not found lately.
func (s *scanner) addText(kind Kind, ref uint32, lo, hi int, value func() string) {
	if ref &= rowOf; ref == 0 {
		return
	}
	text, ok := s.texts[ref]
	if !ok {
		if len(s.texts) >= 1<<16 {
			clear(s.texts)
		}
		text = value()
		s.texts[ref] = text
	}
	s.push(hit{kind: kind, ref: ref, lo: lo, hi: hi, value: text})
}

// near notes an address or a host whose line may say the rest in another field.
func (s *scanner) near(kind Kind, lo, hi int, value string) {
	s.push(hit{kind: kind, near: true, lo: lo, hi: hi, value: value})
}

func (s *scanner) push(h hit) {
	if s.over != nil {
		h.lo, h.hi = s.over.lo, s.over.hi
	}
	s.hits = append(s.hits, h)
}

// file looks at an atom as a file's name; b is lo to hi of the text, or stands for it.
func (s *scanner) file(b []byte, lo, hi int) {
	if len(b) > 255 {
		return
	}
	name := append(s.made[:0], b...)
	for i, c := range name {
		name[i] = fold[c]
	}
	s.made = name
	if s.set.maybe(s.set.h.quick(File, name)) {
		s.add(File, s.set.find(File, name), lo, hi, name)
	}
}

// hashes looks at the runs of letters and digits in b[lo:hi].
func (s *scanner) hashes(b []byte, lo, hi int) {
	if !s.set.has(Hash) {
		return
	}
	for from := lo; from < hi; {
		to, acc := from, uint8(hexadecimal)
		for to < hi && shapes[b[to]]&(dot|joint) == 0 {
			acc &= shapes[b[to]]
			to++
		}
		if n := to - from; acc != 0 && (n == 32 || n == 40 || n == 64 || n == 128) {
			s.made = unhex(s.made[:0], b[from:to])
			if s.set.maybe(s.set.h.quick(Hash, s.made)) {
				s.addText(Hash, s.set.find(Hash, s.made), from, to, func() string { return strings.ToLower(string(b[from:to])) })
			}
		}
		from = to + 1
	}
}

// unfoldAll scans what has to be read a second time, and puts all hits into order. What was found there as it stands does not count twice.
func (s *scanner) unfoldAll(b []byte) {
	order := func() { slices.SortStableFunc(s.hits, func(x, y hit) int { return x.lo - y.lo }) }
	order()
	raw := len(s.hits)
	for i := range s.folds {
		f := s.folds[i]
		s.plain = unfold(s.plain[:0], b[f.lo:f.hi])
		first := len(s.hits)
		s.over = &f
		s.text(s.plain)
		seen := s.hits[sort.Search(raw, func(i int) bool { return s.hits[i].lo >= f.lo }):raw]
		kept := s.hits[:first]
		for _, h := range s.hits[first:] {
			same := func(o hit) bool { return o.ref == h.ref && o.kind == h.kind && o.near == h.near && o.value == h.value }
			inside := func(o hit) bool { return o.lo < f.hi && same(o) }
			if !slices.ContainsFunc(kept[first:], same) && !slices.ContainsFunc(seen, inside) {
				kept = append(kept, h)
			}
		}
		s.hits = kept
	}
	s.over = nil
	order()
}
