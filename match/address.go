package match

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// addr is an IPv4 address in four bytes or an IPv6 address in sixteen.
type addr struct {
	b [16]byte
	n int // 4 or 16
}

func (a *addr) bytes() []byte { return a.b[:a.n] }

func addr4(v uint32) (a addr) {
	binary.BigEndian.PutUint32(a.b[:], v)
	a.n = 4
	return a
}

// parse4 reads a dotted quad: four numbers up to 255 without leading zeros, which mean octal to some and decimal to others.
func parse4(b []byte) (uint32, bool) {
	if len(b) < 7 || len(b) > 15 {
		return 0, false
	}
	var v, part uint32
	digits, dots := 0, 0
	for _, c := range b {
		if c == '.' {
			if digits == 0 || dots == 3 {
				return 0, false
			}
			v, part, digits = v<<8|part, 0, 0
			dots++
			continue
		}
		d := uint32(c) - '0'
		if d > 9 || digits > 0 && part == 0 {
			return 0, false
		}
		if part = part*10 + d; part > 255 {
			return 0, false
		}
		digits++
	}
	if dots != 3 || digits == 0 {
		return 0, false
	}
	return v<<8 | part, true
}

// parse6 reads an IPv6 address (RFC 4291, 2.2) without zone. One that maps an IPv4 address is that address.
func parse6(b []byte) (a addr, ok bool) {
	if len(b) < 2 || len(b) > 45 {
		return a, false
	}
	var groups [8]uint16
	n, gap := 0, -1
	if b[0] == ':' {
		if b[1] != ':' {
			return a, false
		}
		gap, b = 0, b[2:]
	}
	for len(b) > 0 {
		if n == 8 {
			return a, false
		}
		end := 0
		for end < len(b) && b[end] != ':' {
			end++
		}
		if end == len(b) && end > 4 { // only the dotted end is longer than a group
			v, ok4 := parse4(b)
			if !ok4 || n > 6 {
				return a, false
			}
			groups[n], groups[n+1] = uint16(v>>16), uint16(v)
			n += 2
			break
		}
		g, ok := parseGroup(b[:end])
		if !ok {
			return a, false
		}
		groups[n] = g
		n++
		if end == len(b) {
			break
		}
		if b = b[end+1:]; len(b) == 0 {
			return a, false
		}
		if b[0] == ':' {
			if gap >= 0 {
				return a, false
			}
			gap, b = n, b[1:]
		}
	}
	if gap < 0 && n != 8 || gap >= 0 && n > 7 {
		return a, false
	}
	return fromGroups(groups, n, gap), true
}

func parseGroup(b []byte) (uint16, bool) {
	if len(b) == 0 || len(b) > 4 {
		return 0, false
	}
	var v uint16
	for _, c := range b {
		d, ok := hexValue(c)
		if !ok {
			return 0, false
		}
		v = v<<4 | uint16(d)
	}
	return v, true
}

func hexValue(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// fromGroups puts n groups into place, those after the gap at the end.
func fromGroups(groups [8]uint16, n, gap int) (a addr) {
	a.n = 16
	for i := range n {
		at := i
		if gap >= 0 && i >= gap {
			at = 8 - n + i
		}
		binary.BigEndian.PutUint16(a.b[2*at:], groups[i])
	}
	if binary.BigEndian.Uint64(a.b[:8]) == 0 && binary.BigEndian.Uint32(a.b[8:]) == 0xffff {
		return addr4(binary.BigEndian.Uint32(a.b[12:]))
	}
	return a
}

// String is the canonical text (RFC 5952 for IPv6).
func (a addr) String() string {
	if a.n == 4 {
		b := make([]byte, 0, 15)
		for i, c := range a.b[:4] {
			if i > 0 {
				b = append(b, '.')
			}
			b = strconv.AppendUint(b, uint64(c), 10)
		}
		return string(b)
	}
	group := func(i int) uint16 { return binary.BigEndian.Uint16(a.b[2*i:]) }
	best, length := -1, 1
	for i := 0; i < 8; i++ {
		j := i
		for j < 8 && group(j) == 0 {
			j++
		}
		if j-i > length {
			best, length = i, j-i
		}
		i = max(i, j)
	}
	b := make([]byte, 0, 39)
	for i := 0; i < 8; i++ {
		if i == best {
			b = append(b, ':', ':')
			i += length - 1
			continue
		}
		if i > 0 && i != best+length {
			b = append(b, ':')
		}
		b = strconv.AppendUint(b, uint64(group(i)), 16)
	}
	return string(b)
}

// masked is the address with all but the first bits cleared.
func (a addr) masked(bits int) addr {
	for i := range a.n {
		switch left := bits - 8*i; {
		case left <= 0:
			a.b[i] = 0
		case left < 8:
			a.b[i] &= 0xff << (8 - left)
		}
	}
	return a
}

// parseAddr reads either family; brackets around IPv6 are taken off.
func parseAddr(b []byte) (addr, bool) {
	if bytes.IndexByte(b, ':') < 0 {
		v, ok := parse4(b)
		return addr4(v), ok
	}
	if len(b) > 2 && b[0] == '[' && b[len(b)-1] == ']' {
		b = b[1 : len(b)-1]
	}
	return parse6(b)
}
