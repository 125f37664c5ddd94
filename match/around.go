package match

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// around looks at what stands directly before and after an atom.
func (s *scanner) around(b []byte, lo, hi int, acc, before, after uint8) {
	if (before|after)&slash != 0 && s.set.has(Path) {
		s.paths(b, lo, hi, acc, before, after)
	}
	if before&s.watch&at != 0 && acc&high == 0 {
		end := hi
		for end > lo && b[end-1] == '.' {
			end--
		}
		if end-lo <= maxDomain {
			s.mail(b, lo-1, end, s.lowered(b[lo:end]))
		}
	}
	if s.watch&colon != 0 {
		if after&colon != 0 {
			s.six(b, hi)
		} else if before&colon != 0 && lo >= 2 && b[lo-2] == ':' {
			s.six(b, lo-1)
		}
	}
	if s.over != nil { // nothing is folded twice
		return
	}
	if after&opener != 0 {
		if _, n := fang(b[hi:]); n > 0 {
			s.fold(b, hi)
		}
	}
	if after&escape != 0 && meant(b[hi:]) > 1 {
		s.fold(b, hi)
	}
	if before&slash != 0 && lo > 1 && b[lo-2] == '\\' {
		s.fold(b, lo-2)
	}
	if before&escape != 0 {
		switch meant(b[lo-1:]) {
		case 1: // a control character: it only hides what begins with the next letter
			if acc&(dot|high) != 0 || hi-lo > 32 || after&(at|colon|slash) != 0 {
				s.fold(b, lo-1)
			}
		case 2:
			s.fold(b, lo-1)
		}
	}
}

// meant tells what a backslash at b[0] can mean: 0 nothing, 1 a control character or a blank, 2 some other character.
func meant(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	isHex := func(n int) bool {
		if len(b) < 2+n {
			return false
		}
		for _, c := range b[2 : 2+n] {
			if shapes[c]&hexadecimal == 0 {
				return false
			}
		}
		return true
	}
	switch b[1] {
	case 'n', 'r', 't', 'b', 'f':
		return 1
	case '/', '.':
		return 2
	case 'u':
		if isHex(4) {
			return 2
		}
	case 'x':
		if isHex(2) {
			return 2
		}
	}
	return 0
}

// foldReach bounds how far a fold goes from the sign that asks for it. It is more than any indicator can be long with its escapes.
const foldReach = 4096

// fold notes the run around b[p] to be read a second time.
func (s *scanner) fold(b []byte, p int) {
	least := 0
	if n := len(s.folds); n > 0 {
		last := s.folds[n-1]
		if p < last.hi && (last.hi == len(b) || ends(b[last.hi]) || p < last.hi-maxText) {
			return
		}
		if p >= last.hi {
			least = last.hi
		}
	}
	f := span{p, p + 1}
	for f.lo > max(least, p-foldReach) && !ends(b[f.lo-1]) {
		f.lo--
	}
	for f.hi < min(len(b), p+foldReach) && !ends(b[f.hi]) {
		f.hi++
	}
	s.folds = append(s.folds, f)
}

// ends tells whether a byte ends a run that is read with its escapes.
func ends(c byte) bool {
	return delims[c]&hard != 0 && c != '\\' && c != '{' && c != '}' && c != '^'
}

// unfold writes b without defanging, and with what its escapes mean: JSON's, and Zeek's \x. A backslash that means nothing stays.
func unfold(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		rest := b[i:]
		if sign, n := fang(rest); n > 0 {
			dst, i = append(dst, sign...), i+n
			continue
		}
		if rest[0] != '\\' {
			dst, i = append(dst, rest[0]), i+1
			continue
		}
		switch kind := meant(rest); {
		case kind == 1:
			dst, i = append(dst, ' '), i+2
		case kind == 0:
			dst, i = append(dst, '\\'), i+1
			if len(rest) > 1 && rest[1] == '\\' {
				i++
			}
		case rest[1] == 'x':
			dst, i = append(dst, unhex(nil, rest[2:4])...), i+4
		case rest[1] == 'u':
			r := rune16(rest)
			i += 6
			if utf16.IsSurrogate(r) && meant(b[i:]) == 2 && b[i+1] == 'u' {
				r = utf16.DecodeRune(r, rune16(b[i:]))
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst, i = append(dst, rest[1]), i+2
		}
	}
	return dst
}

func rune16(b []byte) rune {
	var two [2]byte
	return rune(binary.BigEndian.Uint16(unhex(two[:0], b[2:6])))
}

// foreign cuts an atom that is not ASCII at what cannot be part of a name, and maps names to Punycode.
func (s *scanner) foreign(b []byte, lo, end int) {
	for from := lo; from < end; {
		to, acc, dotted := from, uint8(0), false
		for to < end {
			c := b[to]
			if c < utf8.RuneSelf {
				acc |= shapes[c]
				to++
				continue
			}
			r, n := utf8.DecodeRune(b[to:end])
			if !word(r) {
				break
			}
			acc |= high
			dotted = dotted || wideDot(r)
			to += n
		}
		switch {
		case to > from && acc&high == 0:
			s.atom(b, from, to, acc)
		case (acc&dot != 0 || dotted) && to-from <= 4*maxDomain:
			s.mapped(b, from, to)
		}
		_, n := utf8.DecodeRune(b[to:end])
		from = to + max(n, 1)
	}
}

// mapped looks at a name that is not ASCII.
func (s *scanner) mapped(b []byte, lo, hi int) {
	if s.files {
		if name := bytes.ToLower(bytes.Trim(b[lo:hi], ".")); s.set.maybe(s.set.h.quick(File, name)) {
			s.add(File, s.set.find(File, name), lo, hi, name)
		}
	}
	name, ok := canonicalDomain(b[lo:hi])
	if !ok {
		return
	}
	if s.watch&at != 0 && lo > 0 && b[lo-1] == '@' {
		s.mail(b, lo-1, hi, name)
	}
	outer, own := s.over, span{lo, hi}
	if s.over == nil {
		s.over = &own
	}
	ref := s.name(name, 0, len(name))
	s.over = outer
	if ref&hasURLs != 0 {
		s.url(b, lo, hi, name)
	}
}

// mail looks at the address whose "@" is b[p] and whose domain, in its canonical form, is host.
func (s *scanner) mail(b []byte, p, hi int, host []byte) {
	lo := p
	for lo > 0 && p-lo <= maxLocal && delims[b[lo-1]]&mailbox != 0 {
		lo--
	}
	if lo == p || p-lo > maxLocal {
		return
	}
	made := s.made[:0]
	for _, c := range b[lo:p] {
		made = append(made, fold[c])
	}
	made = append(append(made, '@'), host...)
	s.made = made
	if s.set.maybe(s.set.h.quick(Mail, made)) {
		s.add(Mail, s.set.find(Mail, made), lo, hi, made)
	}
}
