package stix

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// fits says why v is not what p asks for; "" when it is. What is wrong inside it adds by itself.
func (c *checker) fits(at int, v string, p property, path string) string {
	switch p.is {
	case text:
		if v[0] != '"' {
			return "is not a string"
		}
	case flag:
		if v != "true" && v != "false" {
			return "is not true or false"
		}
	case whole:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return "is not a whole number"
		}
		if p.min == 0 && p.max == 0 {
			p.min, p.max = -exact, exact
		}
		if n < p.min || n > p.max {
			return "is not between " + strconv.FormatInt(p.min, 10) + " and " + strconv.FormatInt(p.max, 10)
		}
	case number:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return "is not a number"
		}
		if p.max != 0 && (n < float64(p.min) || n > float64(p.max)) {
			return "is not between " + strconv.FormatInt(p.min, 10) + " and " + strconv.FormatInt(p.max, 10)
		}
	case stamp:
		if _, ok := timeOf(v); !ok {
			return "is not a timestamp such as 2026-11-21T08:00:00.000Z"
		}
	case ref:
		return fitsRef(v, p.of)
	case choice:
		if s, _ := textOf[string](v); !oneWord(p.of, s) {
			return "is not one of:" + strings.TrimRight(p.of, " ")
		}
	case digits:
		if s, _ := textOf[string](v); s == "" || len(s)%2 != 0 || strings.Trim(s, "0123456789abcdefABCDEF") != "" {
			return "is not an even number of hexadecimal digits"
		}
	case base64Form:
		if s, _ := textOf[string](v); !isBase64(s) {
			return "is not base64"
		}
	case uri:
		if s, _ := textOf[string](v); !hasScheme(s) {
			return "is not a URI with a scheme"
		}
	case texts, refs, choices, phases, things:
		return c.list(at, v, p, path)
	case thing:
		c.inner(at, v, p.of, path)
	case hashes:
		return fitsHashes(v)
	case dictionary:
		return fitsDictionary(v)
	}
	return ""
}

// each is what the elements of a list must be.
var each = map[form]property{texts: {is: text}, phases: {is: thing, of: "kill-chain-phase"}}

func (c *checker) list(at int, v string, p property, path string) string {
	if v[0] != '[' {
		return "is not a list"
	}
	e, ok := each[p.is]
	if !ok {
		e = property{is: map[form]form{refs: ref, choices: choice, things: thing}[p.is], of: p.of}
	}
	n := 0
	for from, x := range elements(v) {
		if e.is == thing {
			c.inner(at+from, x, e.of, path+"["+strconv.Itoa(n)+"]")
		} else if why := c.fits(at+from, x, e, path); why != "" {
			c.add(at+from, path+"["+strconv.Itoa(n)+"]", why)
		}
		n++
	}
	return ""
}

// fitsRef holds an identifier against the types it may have: those in of, or any but those where of begins with a minus sign.
func fitsRef(v, of string) string {
	id, ok := idOf(v)
	switch {
	case !ok:
		return "is not an identifier"
	case of == "":
		return ""
	case of[0] == '-':
		if oneWord(of[1:], string(id.Type())) {
			return "refers to a type that it must not:" + strings.TrimRight(of[1:], " ")
		}
	case !oneWord(of, string(id.Type())):
		return "refers to another type than:" + strings.TrimRight(of, " ")
	}
	return ""
}

func isBase64(s string) bool {
	_, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && s != "" && !strings.ContainsAny(s, "\r\n")
}

// hasScheme tells whether s begins as RFC 3986 §3 demands and holds no white space or control character.
func hasScheme(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" {
		return false
	}
	for i, b := range []byte(scheme) {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
		if !letter && (i == 0 || (b < '0' || b > '9') && b != '+' && b != '-' && b != '.') {
			return false
		}
	}
	return strings.IndexFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f }) < 0
}

const notLanguage = "is not a language tag of RFC 5646, such as de or pt-BR"

// isLanguage tells whether s has the form of a language tag: subtags of one to eight letters and digits with hyphens between them, the
// first of letters alone.
func isLanguage(s string) bool {
	for i, tag := range strings.Split(s, "-") {
		if tag == "" || len(tag) > 8 || i == 0 && strings.ContainsAny(tag, "0123456789") {
			return false
		}
		for _, c := range []byte(tag) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// hashLengths gives the number of hexadecimal digits of the algorithms of hash-algorithm-ov that have a fixed one (§10.7).
var hashLengths = map[string]int{"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128, "SHA3-256": 64, "SHA3-512": 128}

func fitsHashes(v string) string {
	if why := fitsDictionary(v); why != "" {
		return why
	}
	for m := range properties(v) {
		s, ok := textOf[string](m.in(v))
		n, known := hashLengths[m.name]
		switch {
		case len(m.name) < 3:
			return "names a hash with fewer than three characters"
		case !ok:
			return "holds a hash that is no string"
		case known && (len(s) != n || strings.Trim(s, "0123456789abcdefABCDEF") != ""):
			return "holds a " + m.name + " that is not " + strconv.Itoa(n) + " hexadecimal digits"
		}
	}
	return ""
}

// fitsDictionary holds a dictionary's keys against §2.3.
func fitsDictionary(v string) string {
	if v[0] != '{' || isEmpty(v) {
		return "is not an object with members"
	}
	for m := range properties(v) {
		if len(m.name) > 250 || strings.IndexFunc(m.name, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) >= 0 {
			return "has a key that is not at most 250 letters, digits, hyphens and underscores"
		}
	}
	return ""
}
