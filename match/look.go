package match

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// address looks at an address that stands at b[lo:hi]; end is behind dots that follow it.
func (s *scanner) address(b []byte, lo, hi, end int, a addr) {
	set := s.set
	var h uint64
	if a.n == 4 {
		h = set.h.quick4(binary.BigEndian.Uint32(a.b[:]))
	} else {
		h = set.h.quick(Address, a.bytes())
	}
	if set.maybe(h) {
		ref := set.find(Address, a.bytes())
		if ref&rowOf != 0 {
			s.addText(Address, ref, lo, hi, a.String)
		}
		if ref&hasEndpoints != 0 {
			s.endpoint(b, lo, hi, end, a)
		}
		if ref&hasURLs != 0 {
			if a.n == 16 && end < len(b) && b[end] == ']' && lo > 0 && b[lo-1] == '[' {
				lo, end = lo-1, end+1
			}
			s.url(b, lo, end, []byte(hostText(a)))
		}
	}
	first := int(a.b[0])<<8 | int(a.b[1])
	switch {
	case set.first4 == nil:
	case a.n == 4 && set.first4[first/8]&(1<<(first%8)) != 0:
		s.ranges(lo, hi, a, set.plan.len4, 0)
	case a.n == 16 && set.first6[first/8]&(1<<(first%8)) != 0:
		for i, lengths := range set.plan.len6 {
			s.ranges(lo, hi, a, lengths, 64*i)
		}
	}
}

// ranges looks for the ranges of these lengths that hold an address.
func (s *scanner) ranges(lo, hi int, a addr, lengths uint64, base int) {
	for ; lengths != 0; lengths &= lengths - 1 {
		length := base + bits.TrailingZeros64(lengths)
		at := a.masked(length)
		key := append(at.bytes(), byte(length))
		if s.set.maybe(s.set.h.quick(Range, key)) {
			if ref := s.set.find(Range, key); ref != 0 {
				s.addText(Range, ref, lo, hi, func() string { return cidr(a, length).Text })
			}
		}
	}
}

// endpoint looks for a port: behind the address, or else in another field.
func (s *scanner) endpoint(b []byte, lo, hi, end int, a addr) {
	if a.n == 16 && end < len(b) && b[end] == ']' {
		end++
	}
	port, after := portAt(b, end)
	if port == 0 {
		s.near(Endpoint, lo, hi, a.String())
		return
	}
	if a.n == 16 && lo > 0 && b[lo-1] == '[' {
		lo--
	}
	if v := endpoint(a, port); s.set.has(Endpoint) {
		s.add(Endpoint, s.set.find(Endpoint, v.key), lo, after, []byte(v.Text))
	}
}

// portAt reads ":443" or "#443" at b[i]; port 0 when there is none.
func portAt(b []byte, i int) (port, after int) {
	if i >= len(b) || b[i] != ':' && b[i] != '#' {
		return 0, i
	}
	after = i + 1
	for after < len(b) && after-i <= 6 && shapes[b[after]]&digit != 0 {
		after++
	}
	if port = number(b[i+1 : after]); port <= 0 || port >= 1<<16 || after < len(b) && shapes[b[after]]&(letter|high|joint) != 0 {
		return 0, i
	}
	return port, after
}

// sixReach bounds a run of hexadecimal digits, colons and dots that is looked at as an IPv6 address.
const sixReach = 64

// six looks for an IPv6 address around the colon b[p].
func (s *scanner) six(b []byte, p int) {
	if p < s.sixDone {
		return
	}
	part := func(c byte) bool { return c == ':' || shapes[c]&(hexadecimal|dot) != 0 }
	lo, hi := p, p
	for lo > s.sixDone && p-lo < sixReach && part(b[lo-1]) {
		lo--
	}
	for hi < len(b) && part(b[hi]) {
		hi++
	}
	s.sixDone = hi
	end := hi
	for hi > lo && b[hi-1] == '.' {
		hi--
	}
	if hi-lo >= 2 && b[hi-1] == ':' && b[hi-2] != ':' {
		hi--
		end = hi
	}
	if hi-lo >= 2 && b[lo] == ':' && b[lo+1] != ':' {
		lo++
	}
	if lo > 0 && b[lo] != ':' && shapes[b[lo-1]]&(letter|digit|joint|high) != 0 || end < len(b) && shapes[b[end]]&(letter|joint|high) != 0 {
		return
	}
	a, ok := parse6(b[lo:hi])
	if !ok || a.n == 4 && bytes.IndexByte(b[lo:hi], '.') >= 0 { // the dotted end is an atom of its own
		return
	}
	s.address(b, lo, hi, end, a)
}

// url looks for the URLs of a host that stands at b[lo:end]; host is its canonical form.
func (s *scanner) url(b []byte, lo, end int, host []byte) {
	if !s.set.has(URL) {
		return
	}
	host = bytes.Clone(host)
	start, scheme, after := schemeBefore(b, lo)
	port, rest := portAt(b, end)
	if rest > end && b[end] == '#' {
		port, rest = 0, end
	}
	before := len(s.hits)
	try := func(scheme string, to int, path []byte) {
		s.made = appendURL(s.made[:0], scheme, host, port, path)
		if !s.set.maybe(s.set.h.quick(URL, s.made)) {
			return
		}
		ref := s.set.find(URL, s.made)
		for _, h := range s.hits[before:] {
			if h.kind == URL && h.ref == ref&rowOf {
				return
			}
		}
		s.add(URL, ref, start, to, s.made)
	}
	if scheme != "" {
		try(scheme, rest, nil)
	}
	try("", rest, nil)
	if rest >= len(b) || b[rest] != '/' && b[rest] != '?' {
		if !after && port == 0 {
			s.near(URL, lo, end, string(host))
		}
		return
	}
	ends, n := s.pathEnds(b, rest)
	for _, to := range ends[:n] {
		for p, last := cutFragment(b[rest:to]), 0; len(p) != last; p = cutQuery(p) {
			last = len(p)
			if scheme != "" {
				try(scheme, rest+len(p), p)
			}
			try("", rest+len(p), p)
		}
	}
}

// schemeBefore reads "https://" or "https://user@" before b[lo]: where it begins, the scheme, and whether there are slashes at all.
func schemeBefore(b []byte, lo int) (start int, scheme string, slashes bool) {
	i := lo
	if i > 0 && b[i-1] == '@' {
		for i--; i > 0 && lo-i < 2*maxLocal && delims[b[i-1]]&(hard|slash) == 0; {
			i--
		}
	}
	if i < 2 || b[i-1] != '/' || b[i-2] != '/' {
		return lo, "", false
	}
	if i < 3 || b[i-3] != ':' {
		return lo, "", true
	}
	from := i - 3
	for from > 0 && i-3-from < 16 && (shapes[b[from-1]]&(letter|digit) != 0 || b[from-1] == '*') {
		from--
	}
	if scheme = schemeOf(b[from : i-3]); scheme == "" {
		return lo, "", true
	}
	return from, scheme, true
}

// run is a stretch without a byte that ends URLs. It is looked for once, however many URLs and paths are in it.
type run struct{ lo, hi, soft int }

// pathEnds gives where a URL that goes on at b[from] may end: before what no URL holds, before punctuation there, and before the first sign that
// may or may not belong to it. There are n of them.
func (s *scanner) pathEnds(b []byte, from int) (ends [3]int, n int) {
	r := &s.run
	if from < r.lo || from >= r.hi {
		*r = run{lo: from, hi: from, soft: from}
		for r.hi < len(b) && delims[b[r.hi]]&hard == 0 {
			r.hi++
		}
	}
	if r.soft < from {
		r.soft = from
	}
	for r.soft < r.hi && delims[b[r.soft]]&soft == 0 {
		r.soft++
	}
	add := func(to int) {
		if to > from && to-from <= maxText && (n == 0 || ends[n-1] != to) {
			ends[n], n = to, n+1
		}
	}
	to := r.hi
	add(to)
	for to > from+1 && r.hi-to < 8 && punctuation(b[to-1]) {
		to--
	}
	add(to)
	add(r.soft)
	return ends, n
}

func punctuation(c byte) bool {
	switch c {
	case '.', ',', ';', ':', '!', '?', ')', ']', '\'', '*':
		return true
	}
	return false
}

// paths looks for a path that begins right before or right behind an atom.
func (s *scanner) paths(b []byte, lo, hi int, acc, before, after uint8) {
	if before&slash != 0 {
		if p := lo - 1; p == 0 || shapes[b[p-1]] == 0 && b[p-1] != '/' && b[p-1] != ']' {
			s.path(b, p)
		}
	}
	if after&slash == 0 || hi+1 < len(b) && b[hi+1] == '/' {
		return
	}
	host := before&slash != 0 && lo > 1 && b[lo-2] == '/' || before&at != 0
	name := before&slash == 0 && acc&dot != 0
	port := before&colon != 0 && acc == digit|hexadecimal
	if host || name || port {
		s.path(b, hi)
	}
}

// bare looks for a path that begins with the slash b[p] and goes on with what is no atom, such as "/?id=1" or "/~a".
func (s *scanner) bare(b []byte, p int) {
	if p+1 < len(b) && shapes[b[p+1]] == 0 && b[p+1] != '/' && delims[b[p+1]]&hard == 0 && (p == 0 || shapes[b[p-1]] == 0 && b[p-1] != '/' && b[p-1] != ']') {
		s.path(b, p)
	}
}

func (s *scanner) path(b []byte, p int) {
	before := len(s.hits)
	ends, n := s.pathEnds(b, p)
	for _, to := range ends[:n] {
		for v, last := cutFragment(b[p:to]), 0; len(v) != last; v = cutQuery(v) {
			last = len(v)
			if !s.set.maybe(s.set.h.quick(Path, v)) {
				continue
			}
			ref := s.set.find(Path, v)
			seen := false
			for _, h := range s.hits[before:] {
				seen = seen || h.kind == Path && h.ref == ref&rowOf
			}
			if !seen {
				s.add(Path, ref, p, p+len(v), v)
			}
		}
	}
}
