package match

import (
	"bytes"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The bounds of a domain (RFC 1035, 2.3.4).
const (
	maxDomain = 253
	maxLabel  = 63
)

// uts46 maps internationalised names as UTS 46 does for a lookup, and says what it maps even where a registry would refuse it: an indicator is
// what somebody saw.
var uts46 = sync.OnceValue(func() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.CheckJoiners(false))
})

// dots that separate labels beside the ASCII one (UTS 46, 2.3).
func wideDot(r rune) bool { return r == '\u3002' || r == '\uff0e' || r == '\uff61' }

// canonicalDomain gives a name in lower case and Punycode, without dots at its ends; ok is false for what is no name of two labels or more.
func canonicalDomain(b []byte) (name []byte, ok bool) {
	b = bytes.Trim(b, ".")
	if len(b) == 0 || len(b) > 4*maxDomain {
		return nil, false
	}
	ascii := true
	for _, c := range b {
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii {
		name = make([]byte, len(b))
		for i, c := range b {
			name[i] = fold[c]
		}
	} else {
		mapped, err := uts46().ToASCII(string(b))
		if err != nil {
			return nil, false
		}
		name = bytes.Trim([]byte(mapped), ".")
	}
	return name, isDomain(name)
}

// isDomain looks at a name in lower case. Its last label has a letter in it, as every top-level domain does.
func isDomain(b []byte) bool {
	if len(b) > maxDomain {
		return false
	}
	labels, length, named := 1, 0, false
	for _, c := range b {
		switch {
		case c == '.':
			if length == 0 {
				return false
			}
			labels, length, named = labels+1, 0, false
			continue
		case c >= 'a' && c <= 'z':
			named = true
		case (c < '0' || c > '9') && c != '-' && c != '_':
			return false
		}
		if length++; length > maxLabel {
			return false
		}
	}
	return labels > 1 && length > 0 && named
}

// word tells whether a rune can be part of a name; others, such as quotation marks, end it.
func word(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || wideDot(r) || r == '\u200c' || r == '\u200d' || r == '\u00b7')
}
