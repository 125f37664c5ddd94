package pattern

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a regular expression: what it may be long, and what it may be compiled to.
const (
	maxExpr  = 4096
	maxSteps = 10_000
)

// compile makes a regular expression ready, in which a point stands for line feeds too (§9.6.1), and gives what a byte of text costs at most; why says why it cannot be used. Its size is
// estimated before it is built, so that a{1000}{1000} costs no memory.
func compile(s string) (expr *regexp.Regexp, steps int, why string) {
	if len(s) > maxExpr {
		return nil, 0, "a regular expression is longer than 4096 bytes"
	}
	tree, err := syntax.Parse(s, syntax.Perl|syntax.DotNL)
	if err != nil {
		return nil, 0, "a regular expression is broken, or uses what only PCRE has"
	}
	if steps = size(tree); steps > maxSteps {
		return nil, 0, "a regular expression is too large when its repetitions are written out"
	}
	if expr, err = regexp.Compile("(?s)" + s); err != nil {
		return nil, 0, "a regular expression is broken, or uses what only PCRE has"
	}
	return expr, steps, ""
}

// size estimates how many instructions tree becomes, and stops counting past maxSteps.
func size(tree *syntax.Regexp) int {
	n := 1 + len(tree.Rune)
	for _, sub := range tree.Sub {
		if n += size(sub); n > maxSteps {
			return n
		}
	}
	if tree.Op == syntax.OpRepeat {
		times := max(tree.Min, tree.Max, 1)
		n *= times + 1
	}
	return min(n, maxSteps+1)
}

// like tells whether s as a whole is like the pattern: % stands for any characters, _ for one. It looks back to the last % alone, so it
// costs at most len(s) × len(pattern).
func like(s, pattern string) bool {
	star, mark := -1, 0 // where to take up again: behind the last %, and the place in s that it reaches to
	i, j := 0, 0
	for i < len(s) {
		_, width := utf8.DecodeRuneInString(s[i:])
		switch {
		case j < len(pattern) && pattern[j] == '%':
			star, mark = j+1, i
			j++
		case j < len(pattern) && pattern[j] == '_':
			i, j = i+width, j+1
		case j < len(pattern) && pattern[j] == s[i]:
			i, j = i+1, j+1
		case star >= 0:
			_, width = utf8.DecodeRuneInString(s[mark:])
			mark += width
			i, j = mark, star
		default:
			return false
		}
	}
	return strings.Trim(pattern[j:], "%") == ""
}

// network is a range of addresses. The bits behind its length are zero.
type network struct {
	groups [8]uint16
	bits   int // 0 to 128; an IPv4 range has 96 more than it is written with
	v4     bool
}

// parseNetwork reads an address or a CIDR range, IPv4 or IPv6.
func parseNetwork(s string) (n network, ok bool) {
	addr, length, ranged := strings.Cut(s, "/")
	most := 128
	if n.v4 = !strings.Contains(addr, ":"); n.v4 {
		n.groups[5], most = 0xffff, 32
		ok = readIPv4(addr, n.groups[6:])
	} else {
		ok = readIPv6(addr, &n.groups)
	}
	n.bits = most
	if ranged {
		l, err := strconv.Atoi(length)
		if err != nil || l < 0 || l > most || strings.Trim(length, "0123456789") != "" {
			return n, false
		}
		n.bits = l
	}
	if n.v4 {
		n.bits += 96
	}
	n.groups = masked(n.groups, n.bits)
	return n, ok
}

func masked(g [8]uint16, bits int) [8]uint16 {
	for i := range g {
		switch left := bits - 16*i; {
		case left <= 0:
			g[i] = 0
		case left < 16:
			g[i] &= 0xffff << (16 - left)
		}
	}
	return g
}

// contains tells whether every address of x is one of n.
func (n network) contains(x network) bool {
	return n.v4 == x.v4 && n.bits <= x.bits && masked(x.groups, n.bits) == n.groups
}

func readIPv4(s string, to []uint16) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return false
	}
	for i, p := range parts {
		b, err := strconv.ParseUint(p, 10, 8)
		if err != nil || len(p) > 1 && p[0] == '0' {
			return false
		}
		to[i/2] = to[i/2]<<8 | uint16(b)
	}
	return true
}

func readIPv6(s string, to *[8]uint16) bool {
	before, after, gap := strings.Cut(s, "::")
	head, ok := readGroups(before, !gap)
	var tail []uint16
	okTail := true
	if gap {
		tail, okTail = readGroups(after, true)
	}
	n := len(head) + len(tail)
	if !ok || !okTail || gap && n > 7 || !gap && n != 8 {
		return false
	}
	copy(to[:], head)
	copy(to[8-len(tail):], tail)
	return true
}

// readGroups reads groups between single colons; the last may be an IPv4 address where last.
func readGroups(s string, last bool) (out []uint16, ok bool) {
	if s == "" {
		return nil, true
	}
	parts := strings.Split(s, ":")
	if len(parts) > 8 {
		return nil, false
	}
	for i, p := range parts {
		if last && i == len(parts)-1 && strings.Contains(p, ".") {
			var v4 [2]uint16
			if !readIPv4(p, v4[:]) {
				return nil, false
			}
			return append(out, v4[0], v4[1]), len(out) <= 6
		}
		g, err := strconv.ParseUint(p, 16, 16)
		if err != nil || len(p) > 4 {
			return nil, false
		}
		out = append(out, uint16(g))
	}
	return out, true
}
