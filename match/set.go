package match

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"iter"
	"math/bits"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// Set is compiled indicators. It never changes, and any number of goroutines may read it.
//
// It is one run of bytes: a header; a filter of 16 bits or more a key, in words of 64 of which a key takes three bits; a table of 128-bit digests
// with one slot in five free, and beside it where each key's rows begin; the rows. So it can be written to a file and used as it lies there.
type Set struct {
	plan  plan
	h     hashes
	shift uint

	image   []byte
	filter  []byte
	digests []byte
	refs    []byte
	ids     []byte
	marks   []byte
	times   []byte // nil where no row has any
	first4  []byte // nil where there are no ranges
	first6  []byte
}

const (
	magic      = "comity.match.1\n\x00"
	headerSize = 128
	coverBytes = 1 << 16 / 8

	// Beside a bit for each kind.
	timed  = 1 << 32 // rows have times
	ranged = 1 << 33 // there are ranges
	wide   = 1 << 34 // there are IPv6 addresses to look at
)

// plan is the header: how many of what there are.
type plan struct {
	key         Key
	slots, keys uint64
	rows, words uint64
	kinds       uint64
	len4        uint64 // one bit for each length that a range has
	len6        [3]uint64
}

// sections are the lengths of what follows the header, in bytes.
func (p *plan) sections() [8]uint64 {
	n := [8]uint64{8 * p.words, 16 * p.slots, 4 * p.slots, 4 * p.rows, (p.rows + 3) &^ 3}
	if p.kinds&timed != 0 {
		n[5] = 8 * p.rows
	}
	if p.kinds&ranged != 0 {
		n[6], n[7] = coverBytes, coverBytes
	}
	return n
}

func (p *plan) size() uint64 {
	n := uint64(headerSize)
	for _, s := range p.sections() {
		n += s
	}
	return n
}

// newSet lays a plan over an image of its size.
func newSet(image []byte, p plan) *Set {
	s := &Set{plan: p, h: newHashes(p.key), image: image, shift: uint(64 - bits.Len64(p.words-1))}
	at := uint64(headerSize)
	for i, to := range []*[]byte{&s.filter, &s.digests, &s.refs, &s.ids, &s.marks, &s.times, &s.first4, &s.first6} {
		if n := p.sections()[i]; n > 0 {
			*to = image[at : at+n : at+n]
			at += n
		}
	}
	return s
}

// Len is the number of indicators; those that are the same count once for each row.
func (s *Set) Len() int { return int(s.plan.rows) }

// Bytes is all the memory that the set takes.
func (s *Set) Bytes() int { return len(s.image) }

func (s *Set) has(k Kind) bool { return s.plan.kinds&(1<<k) != 0 }

// note puts a hash into the filter; maybe tells whether it may be there.
func (s *Set) note(h uint64) {
	at := h >> s.shift * 8
	w := binary.LittleEndian.Uint64(s.filter[at:])
	binary.LittleEndian.PutUint64(s.filter[at:], w|filterBits(h))
}

func filterBits(h uint64) uint64 { return 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) }

func (s *Set) maybe(h uint64) bool {
	want := filterBits(h)
	return binary.LittleEndian.Uint64(s.filter[h>>s.shift*8:])&want == want
}

func (s *Set) slot(d digest) uint64 {
	at, _ := bits.Mul64(d.hi, s.plan.slots)
	return at
}

// find gives the reference of a value, 0 when it is not there. A fifth of the slots is free, so the walk ends; that it is short rests on the key.
func (s *Set) find(kind Kind, value []byte) uint32 {
	d := s.h.digest(kind, value)
	for slot := s.slot(d); ; {
		ref := binary.LittleEndian.Uint32(s.refs[4*slot:])
		if ref == 0 || binary.LittleEndian.Uint64(s.digests[16*slot:]) == d.hi && binary.LittleEndian.Uint64(s.digests[16*slot+8:]) == d.lo {
			return ref
		}
		if slot++; slot == s.plan.slots {
			slot = 0
		}
	}
}

// rows are the rows behind a reference.
func (s *Set) rows(ref uint32) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		if ref&rowOf == 0 {
			return
		}
		for i := uint64(ref&rowOf - 1); i < s.plan.rows; i++ {
			if !yield(s.row(i)) || s.marks[i]&markLast != 0 {
				return
			}
		}
	}
}

func (s *Set) row(i uint64) Row {
	r := Row{ID: binary.LittleEndian.Uint32(s.ids[4*i:]), Revoked: s.marks[i]&markRevoked != 0}
	if s.times != nil {
		if from := binary.LittleEndian.Uint32(s.times[8*i:]); from != 0 {
			r.From = time.Unix(int64(from), 0).UTC()
		}
		if until := binary.LittleEndian.Uint32(s.times[8*i+4:]); until != 0 {
			r.Until = time.Unix(int64(until), 0).UTC()
		}
	}
	return r
}

// Rows are the rows of exactly this indicator, at most 256: a domain's subdomains and a range's addresses are not looked at.
func (s *Set) Rows(v Value) iter.Seq[Row] { return s.rows(s.find(v.Kind, v.bytes())) }

// sum writes the header, with a checksum over all.
func (s *Set) sum() {
	le, b := binary.LittleEndian, s.image
	copy(b, magic)
	copy(b[16:], s.plan.key[:])
	for i, v := range []uint64{s.plan.slots, s.plan.keys, s.plan.rows, s.plan.words, s.plan.kinds, s.plan.len4, s.plan.len6[0], s.plan.len6[1], s.plan.len6[2]} {
		le.PutUint64(b[32+8*i:], v)
	}
	le.PutUint32(b[headerSize-4:], checksum(b))
}

func checksum(b []byte) uint32 {
	t := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(b[:headerSize-4], t), t, b[headerSize:])
}

// WriteTo writes the set as ReadSet takes it. It holds the set's key: whoever can read it can make values that are slow to look up.
func (s *Set) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(s.image)
	return int64(n), err
}

// IsSet tells whether bytes begin as a written set does.
func IsSet(b []byte) bool { return len(b) >= len(magic) && string(b[:len(magic)]) == magic }

// ReadSet takes a written set over as it is; the bytes must not change afterwards, and may be mapped. Errors are fault.Malformed.
func ReadSet(b []byte) (*Set, error) {
	bad := fault.New(fault.Malformed, "", "these are not compiled indicators, or they are damaged; compile them again")
	if len(b) < headerSize || !IsSet(b) {
		return nil, bad
	}
	u := func(i int) uint64 { return binary.LittleEndian.Uint64(b[32+8*i:]) }
	p := plan{key: Key(b[16:32]), slots: u(0), keys: u(1), rows: u(2), words: u(3), kinds: u(4), len4: u(5), len6: [3]uint64{u(6), u(7), u(8)}}
	if p.keys > 2*maxEntries || p.rows > maxEntries || p.slots <= p.keys || p.slots > 4*maxEntries || bits.OnesCount64(p.words) != 1 || p.words > maxEntries ||
		p.size() != uint64(len(b)) || binary.LittleEndian.Uint32(b[headerSize-4:]) != checksum(b) {
		return nil, bad
	}
	s := newSet(b, p)
	used := uint64(0)
	for slot := range p.slots {
		ref := binary.LittleEndian.Uint32(s.refs[4*slot:])
		if uint64(ref&rowOf) > p.rows {
			return nil, bad
		}
		if ref != 0 {
			used++
		}
	}
	if used != p.keys || p.len4>>33 != 0 || p.len6[2]>>1 != 0 {
		return nil, bad
	}
	return s, nil
}
