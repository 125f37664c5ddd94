package match

import (
	"encoding/binary"
	"math/bits"
)

// Key makes a Set's hashes unforeseeable: whoever chooses indicators or writes the logs does not know where they fall. It is drawn at random by
// the caller, kept with the set, and never shown.
type Key [16]byte

// digest is SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012) of a kind and a value. It stands for the value: under a key that nobody
// outside knows, two values share a digest with a chance of 2^-128, so among 2^30 indicators and 2^50 tokens a false one is expected once in 2^48 runs.
type digest struct{ hi, lo uint64 }

func (d digest) less(e digest) bool { return d.hi < e.hi || d.hi == e.hi && d.lo < e.lo }

// hashes holds what is derived from a Key.
type hashes struct {
	k0, k1     uint64
	seed, odd  uint64 // of the hashes in front of the filter
	odd2, mask uint64
}

func newHashes(key Key) hashes {
	h := hashes{k0: binary.LittleEndian.Uint64(key[:8]), k1: binary.LittleEndian.Uint64(key[8:])}
	derive := func(n byte) digest { return h.digest(0, []byte{n}) }
	a, b := derive(1), derive(2)
	h.seed, h.odd, h.odd2, h.mask = a.hi, a.lo|1, b.hi|1, b.lo
	return h
}

type sip struct{ v0, v1, v2, v3 uint64 }

func (s *sip) round() {
	s.v0 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
	s.v0 = bits.RotateLeft64(s.v0, 32)
	s.v2 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
	s.v0 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
	s.v2 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
	s.v2 = bits.RotateLeft64(s.v2, 32)
}

func (s *sip) word(m uint64) {
	s.v3 ^= m
	s.round()
	s.round()
	s.v0 ^= m
}

// digest hashes the kind's byte followed by the value.
func (h *hashes) digest(kind Kind, value []byte) digest {
	s := sip{h.k0 ^ 0x736f6d6570736575, h.k1 ^ 0x646f72616e646f6d ^ 0xee, h.k0 ^ 0x6c7967656e657261, h.k1 ^ 0x7465646279746573}
	n := len(value) + 1
	first, at := uint64(kind), uint(8) // a word in the making, and how many bits of it are there
	for len(value) >= 8 {
		w := binary.LittleEndian.Uint64(value)
		s.word(first | w<<8)
		first = w >> 56
		value = value[8:]
	}
	for _, c := range value {
		first |= uint64(c) << at
		if at += 8; at == 64 {
			s.word(first)
			first, at = 0, 0
		}
	}
	s.word(first | uint64(n)<<56)
	s.v2 ^= 0xee
	for range 4 {
		s.round()
	}
	hi := s.v0 ^ s.v1 ^ s.v2 ^ s.v3
	s.v1 ^= 0xdd
	for range 4 {
		s.round()
	}
	return digest{hi, s.v0 ^ s.v1 ^ s.v2 ^ s.v3}
}

// quick is a fast keyed hash for the filter alone: who could foresee it might make the filter useless, and never make it wrong.
func (h *hashes) quick(kind Kind, value []byte) uint64 {
	x := h.seed ^ uint64(kind)<<56 ^ uint64(len(value))
	for len(value) >= 8 {
		x = mum(x^binary.LittleEndian.Uint64(value), h.odd)
		value = value[8:]
	}
	var last uint64
	for i, c := range value {
		last |= uint64(c) << (8 * i)
	}
	return mum(x^last^h.mask, h.odd2)
}

// quick4 is quick for an IPv4 address.
func (h *hashes) quick4(a uint32) uint64 { return mum(h.seed^uint64(a), h.odd2) }

func mum(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// backwards starts a hash of a domain that is read from its end, so that one walk has the hash of every suffix; step takes one byte more, and
// settled gives the hash for the filter.
func (h *hashes) backwards() uint64                { return h.seed }
func (h *hashes) step(x uint64, lower byte) uint64 { return (x ^ uint64(lower)) * h.odd }
func (h *hashes) settled(x uint64) uint64          { return mum(x^h.mask, h.odd2) }

// quickDomain is the filter's hash of a whole domain in lower case.
func (h *hashes) quickDomain(name []byte) uint64 {
	x := h.backwards()
	for i := len(name) - 1; i >= 0; i-- {
		x = h.step(x, name[i])
	}
	return h.settled(x)
}
