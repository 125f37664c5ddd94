package match

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// Row is what a Set keeps beside an indicator's value.
type Row struct {
	ID      uint32    // the caller's name for it
	From    time.Time // not valid before; the zero time for no bound. Whole seconds from 1970 to 2106 are kept, what lies outside is no bound
	Until   time.Time // valid before this and not at it
	Revoked bool
}

// Valid tells whether the row stands at a time.
func (r Row) Valid(t time.Time) bool {
	return !r.Revoked && (r.From.IsZero() || !t.Before(r.From)) && (r.Until.IsZero() || t.Before(r.Until))
}

const (
	buckets     = 256
	maxEntries  = 1 << 28
	maxSame     = 256 // rows of one value; a peer must not make a value expensive by sending it again and again
	markRevoked = 1
	markLast    = 2
	// In a slot's reference, beside the number of its first row and 1.
	hasEndpoints = 1 << 31 // the address has endpoints
	hasURLs      = 1 << 30 // the host has URLs
	rowOf        = hasURLs - 1
)

// item is one key in the making: of a row, or with flags alone.
type item struct {
	digest
	quick       uint64
	id          uint32
	from, until uint32
	flags       uint32
	mark        uint8
	row, plain  bool // it is a row; its quick hash goes into the filter
}

// Builder gathers indicators. It is used by one goroutine.
type Builder struct {
	key    Key
	h      hashes
	items  [buckets][]item // by the digest's first byte, so that sorting and growing are of small parts
	rows   int
	kinds  uint64
	timed  bool
	len4   uint64
	len6   [3]uint64
	first4 []byte // one bit for each first 16 bits that a range covers
	first6 []byte
}

// NewBuilder begins a set under a key, which the caller draws at random. expect is how many indicators are expected, or 0.
func NewBuilder(key Key, expect int) *Builder {
	b := &Builder{key: key, h: newHashes(key)}
	if each := min(expect, maxEntries) * 9 / 8 / buckets; each > 16 {
		for i := range b.items {
			b.items[i] = make([]item, 0, each)
		}
	}
	return b
}

// Add takes an indicator as Parse gave it. It fails with fault.TooLarge when there are more than 2^28.
func (b *Builder) Add(v Value, r Row) error {
	if b.rows == maxEntries {
		return fault.New(fault.TooLarge, "", "a set has at most %d indicators", maxEntries)
	}
	b.rows++
	b.kinds |= 1 << v.Kind
	if v.at.n == 16 || v.Kind == Address && len(v.key) == 16 {
		b.kinds |= wide
	}
	it := item{digest: b.h.digest(v.Kind, v.bytes()), id: r.ID, from: seconds(r.From, 0), until: seconds(r.Until, 1), row: true, plain: true}
	if r.Revoked {
		it.mark = markRevoked
	}
	b.timed = b.timed || it.from|it.until != 0
	switch v.Kind {
	case Address:
		it.quick = b.quickAddr(v.bytes())
	case Domain:
		it.quick = b.h.quickDomain(v.bytes())
	case Endpoint:
		it.plain = false // it is looked up once its address is found
		b.mark(v.at, "", hasEndpoints)
	case Range:
		b.cover(v.at, v.end)
		it.quick = b.h.quick(Range, v.bytes())
	case URL:
		b.mark(v.at, v.host, hasURLs)
		it.quick = b.h.quick(URL, v.bytes())
	default:
		it.quick = b.h.quick(v.Kind, v.bytes())
	}
	b.put(it)
	return nil
}

func (b *Builder) put(it item) {
	i := it.hi >> 56
	b.items[i] = append(b.items[i], it)
}

func (b *Builder) quickAddr(a []byte) uint64 {
	if len(a) == 4 {
		return b.h.quick4(binary.BigEndian.Uint32(a))
	}
	return b.h.quick(Address, a)
}

// mark notes that an address or a host is to be looked at wherever it occurs, though it may be no indicator itself.
func (b *Builder) mark(a addr, host string, flag uint32) {
	it := item{flags: flag, plain: true}
	if a.n > 0 {
		it.digest, it.quick = b.h.digest(Address, a.bytes()), b.quickAddr(a.bytes())
	} else {
		it.digest, it.quick = b.h.digest(Domain, []byte(host)), b.h.quickDomain([]byte(host))
	}
	b.put(it)
}

// cover notes which first 16 bits an address in the range can have.
func (b *Builder) cover(a addr, length int) {
	if b.first4 == nil {
		b.first4, b.first6 = make([]byte, coverBytes), make([]byte, coverBytes)
	}
	first, table := int(a.b[0])<<8|int(a.b[1]), b.first4
	if a.n == 4 {
		b.len4 |= 1 << length
	} else {
		b.len6[length/64] |= 1 << (length % 64)
		table = b.first6
	}
	for i := range 1 << max(16-length, 0) {
		table[(first+i)/8] |= 1 << ((first + i) % 8)
	}
}

// seconds keeps a time in 32 bits; least is what stands for a time before 1970.
func seconds(t time.Time, least uint32) uint32 {
	if t.IsZero() {
		return 0
	}
	switch s := t.Unix(); {
	case s > math.MaxUint32:
		if least == 0 {
			return math.MaxUint32 // it begins to be valid after all that can be told
		}
		return 0
	case s <= 0:
		return least
	default:
		return uint32(s)
	}
}

// Build makes the set and leaves the builder empty. dropped counts rows beyond the 256 that one value may have. The same rows under the same key
// give the same bytes, in whatever order they were added.
func (b *Builder) Build() (s *Set, dropped int) {
	keys, rows := 0, 0
	for _, items := range b.items {
		slices.SortFunc(items, item.compare)
		for i, same := 0, 0; i < len(items); i++ {
			if i == 0 || items[i].digest != items[i-1].digest {
				keys, same = keys+1, 0
			}
			if items[i].row {
				if same++; same <= maxSame {
					rows++
				}
			}
		}
	}
	s = b.empty(keys, rows)
	row := uint32(0)
	for i, items := range b.items {
		row = s.fill(items, row)
		b.items[i] = nil
	}
	s.sum()
	dropped = b.rows - rows
	*b = Builder{}
	return s, dropped
}

// compare orders items by digest, and those of one value so that what they say alone decides.
func (x item) compare(y item) int {
	switch {
	case x.digest.less(y.digest):
		return -1
	case y.digest.less(x.digest):
		return 1
	case x.row != y.row: // rows first
		if x.row {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(x.id, y.id), cmp.Compare(x.from, y.from), cmp.Compare(x.until, y.until), cmp.Compare(x.mark, y.mark))
}

// empty is the set's image without its content.
func (b *Builder) empty(keys, rows int) *Set {
	p := plan{
		key: b.key, slots: uint64(keys) + uint64(keys)/4 + 1, keys: uint64(keys), rows: uint64(rows),
		words: 1 << bits.Len64(uint64(keys)/4), kinds: b.kinds, len4: b.len4, len6: b.len6,
	}
	if b.timed {
		p.kinds |= timed
	}
	if b.first4 != nil {
		p.kinds |= ranged
	}
	s := newSet(make([]byte, p.size()), p)
	copy(s.first4, b.first4)
	copy(s.first6, b.first6)
	return s
}

// fill puts sorted items into place, their rows from this one on, and gives the row after them.
func (s *Set) fill(items []item, row uint32) uint32 {
	le := binary.LittleEndian
	for i := 0; i < len(items); {
		first, ref, same := items[i].digest, uint32(0), 0
		for ; i < len(items) && items[i].digest == first; i++ {
			it := &items[i]
			ref |= it.flags
			if it.plain {
				s.note(it.quick)
			}
			if !it.row {
				continue
			}
			if same++; same > maxSame {
				continue
			}
			if same == 1 {
				ref |= row + 1
			} else {
				s.marks[row-1] &^= markLast
			}
			le.PutUint32(s.ids[4*row:], it.id)
			s.marks[row] = it.mark | markLast
			if s.times != nil {
				le.PutUint32(s.times[8*row:], it.from)
				le.PutUint32(s.times[8*row+4:], it.until)
			}
			row++
		}
		slot := s.slot(first)
		for le.Uint32(s.refs[4*slot:]) != 0 {
			if slot++; slot == s.plan.slots {
				slot = 0
			}
		}
		le.PutUint32(s.refs[4*slot:], ref)
		le.PutUint64(s.digests[16*slot:], first.hi)
		le.PutUint64(s.digests[16*slot+8:], first.lo)
	}
	return row
}
