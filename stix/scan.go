package stix

import (
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/comity-exchange/comity/fault"
)

// flaw is why some bytes are not what they should be. It becomes a fault where the place is known.
type flaw struct {
	at   int // byte offset from the start of the object
	code fault.Code
	why  string
}

func bad(at int, why string) *flaw { return &flaw{at, fault.Malformed, why} }

func (f *flaw) fault() error { return fault.New(f.code, "", "at byte %d: %s", f.at, f.why) }

// member is one name and value of an object. The name is decoded; the value is text[from:to].
type member struct {
	name     string
	from, to int32 // Limits.Size is at most maxInt32
}

func (m *member) at() int               { return int(m.from) }
func (m *member) in(text string) string { return text[m.from:m.to] }

// scanner reads one JSON text once, from left to right, and checks all of it: grammar, UTF-8, surrogates, repeated names, bounds.
// It builds no tree. FuzzObject holds it against the general decoder.
type scanner struct {
	s       string
	i       int
	limits  Limits
	left    int      // names that may still come
	members []member // of the objects that are open, outermost first
}

// wideObject is from how many names on a repeated one is looked for in a table rather than one by one.
const wideObject = 24

// scan reads s, which must be one object and nothing else, and leaves the object's members in c.members.
func (c *scanner) scan(s string) *flaw {
	c.s, c.i, c.members, c.left = s, 0, c.members[:0], c.limits.Names
	c.space()
	if c.peek() != '{' {
		return bad(c.i, "a STIX object is a JSON object")
	}
	if f := c.object(1); f != nil {
		return f
	}
	if c.space(); c.i < len(s) {
		return bad(c.i, "something follows the object")
	}
	return nil
}

// peek gives the next byte, 0 at the end.
func (c *scanner) peek() byte {
	if c.i < len(c.s) {
		return c.s[c.i]
	}
	return 0
}

func (c *scanner) space() {
	for c.i < len(c.s) {
		switch c.s[c.i] {
		case ' ', '\n', '\t', '\r':
			c.i++
		default:
			return
		}
	}
}

// object reads from its brace on. Members of the outermost one stay; those of inner ones go when they close.
func (c *scanner) object(depth int) *flaw {
	if depth > c.limits.Depth {
		return &flaw{c.i, fault.TooLarge, "the object is nested too deeply"}
	}
	base := len(c.members)
	var wide map[string]struct{}
	c.i++
	if c.space(); c.peek() == '}' {
		c.i++
		return nil
	}
	for {
		at := c.i
		name, f := c.name()
		if f != nil {
			return f
		}
		if c.left--; c.left < 0 {
			return &flaw{at, fault.TooLarge, "the object has too many properties"}
		}
		if repeated(c.members[base:], &wide, name) {
			return bad(at, "a property name occurs twice")
		}
		from := int32(c.i)
		// The member stands before its value is read, so that inner objects come after it.
		c.members = append(c.members, member{name: name, from: from})
		own := len(c.members) - 1
		if f := c.value(depth); f != nil {
			return f
		}
		c.members[own].to = int32(c.i)
		switch c.space(); c.peek() {
		case ',':
			c.i++
			c.space()
		case '}':
			c.i++
			if depth > 1 {
				c.members = c.members[:base]
			}
			return nil
		default:
			return bad(c.i, "a comma or a closing brace is missing")
		}
	}
}

// repeated tells whether name stands among seen, and keeps the table of names where there are many.
func repeated(seen []member, wide *map[string]struct{}, name string) bool {
	if len(seen) < wideObject {
		for i := range seen {
			if seen[i].name == name {
				return true
			}
		}
		return false
	}
	if *wide == nil {
		*wide = make(map[string]struct{}, 2*wideObject)
		for _, m := range seen {
			(*wide)[m.name] = struct{}{}
		}
	}
	_, twice := (*wide)[name]
	(*wide)[name] = struct{}{}
	return twice
}

// name reads a member's name and the colon, up to the value.
func (c *scanner) name() (string, *flaw) {
	if c.peek() != '"' {
		return "", bad(c.i, "a property name is missing")
	}
	raw, escaped, f := c.str()
	if f != nil {
		return "", f
	}
	if c.space(); c.peek() != ':' {
		return "", bad(c.i, "a colon is missing")
	}
	c.i++
	c.space()
	if escaped {
		raw = unescape(raw)
	}
	return raw, nil
}

func (c *scanner) value(depth int) *flaw {
	switch b := c.peek(); b {
	case '"':
		_, _, f := c.str()
		return f
	case '{':
		return c.object(depth + 1)
	case '[':
		return c.array(depth + 1)
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	default:
		if b == '-' || b >= '0' && b <= '9' {
			return c.number()
		}
		return bad(c.i, "a value is missing")
	}
}

func (c *scanner) array(depth int) *flaw {
	if depth > c.limits.Depth {
		return &flaw{c.i, fault.TooLarge, "the object is nested too deeply"}
	}
	c.i++
	if c.space(); c.peek() == ']' {
		c.i++
		return nil
	}
	for {
		if f := c.value(depth); f != nil {
			return f
		}
		switch c.space(); c.peek() {
		case ',':
			c.i++
			c.space()
		case ']':
			c.i++
			return nil
		default:
			return bad(c.i, "a comma or a closing bracket is missing")
		}
	}
}

func (c *scanner) literal(want string) *flaw {
	if !strings.HasPrefix(c.s[c.i:], want) {
		return bad(c.i, "a value is missing")
	}
	c.i += len(want)
	return nil
}

// number reads the grammar of RFC 8259 §6.
func (c *scanner) number() *flaw {
	at := c.i
	if c.peek() == '-' {
		c.i++
	}
	if c.peek() == '0' {
		c.i++
	} else if !c.digits() {
		return bad(at, "a number is broken")
	}
	if c.peek() == '.' {
		if c.i++; !c.digits() {
			return bad(at, "a number is broken")
		}
	}
	if b := c.peek(); b == 'e' || b == 'E' {
		if c.i++; c.peek() == '+' || c.peek() == '-' {
			c.i++
		}
		if !c.digits() {
			return bad(at, "a number is broken")
		}
	}
	return nil
}

func (c *scanner) digits() bool {
	from := c.i
	for c.i < len(c.s) && c.s[c.i] >= '0' && c.s[c.i] <= '9' {
		c.i++
	}
	return c.i > from
}

// str reads a string from its quote on and gives what stands between its quotes, and whether that has escapes.
func (c *scanner) str() (raw string, escaped bool, f *flaw) {
	from := c.i + 1
	for i := from; ; {
		i = plain(c.s, i)
		if i >= len(c.s) {
			return "", false, bad(len(c.s), "a string does not end")
		}
		switch b := c.s[i]; {
		case b == '"':
			c.i = i + 1
			return c.s[from:i], escaped, nil
		case b == '\\':
			n := escape(c.s[i:])
			if n == 0 {
				return "", false, bad(i, "a string has a broken escape")
			}
			escaped, i = true, i+n
		case b < 0x20:
			return "", false, bad(i, "a string has a bare control character")
		default:
			r, n := utf8.DecodeRuneInString(c.s[i:])
			if r == utf8.RuneError && n == 1 {
				return "", false, bad(i, "a string is not UTF-8")
			}
			i += n
		}
	}
}

// plain gives the first place from i on where s has a quote, a backslash, a control character or what is not ASCII.
func plain(s string, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(s) {
		// Eight bytes at once: the high bit of a byte comes out where the byte is not plain. A borrow can set it falsely in bytes
		// above such a one, so that the lowest is exact.
		t := s[i : i+8]
		w := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		if found := (w | (w - ones*0x20) | (quote - ones) | (slash - ones)) & high; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
		i += 8
	}
	for i < len(s) {
		if b := s[i]; b-0x20 >= 0x60 || b == '"' || b == '\\' {
			return i
		}
		i++
	}
	return i
}

// escape gives the length of the escape that s begins with, 0 where it is none. A surrogate counts only as half of a pair.
func escape(s string) int {
	if len(s) < 2 {
		return 0
	}
	if s[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, s[1]) < 0 {
			return 0
		}
		return 2
	}
	r, ok := hex4(s)
	switch {
	case !ok:
		return 0
	case !utf16.IsSurrogate(r):
		return 6
	}
	if low, ok := hex4(s[6:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
		return 12
	}
	return 0
}

// hex4 reads \uXXXX.
func hex4(s string) (r rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, b := range []byte(s[2:6]) {
		switch {
		case b >= '0' && b <= '9':
			r = r<<4 | rune(b-'0')
		case b >= 'a' && b <= 'f', b >= 'A' && b <= 'F':
			r = r<<4 | rune(b|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// unescape decodes what stands between the quotes of a string that scan has passed.
func unescape(raw string) string {
	var b strings.Builder
	b.Grow(len(raw))
	for {
		n := strings.IndexByte(raw, '\\')
		if n < 0 {
			b.WriteString(raw)
			return b.String()
		}
		b.WriteString(raw[:n])
		raw = raw[n:]
		switch raw[1] {
		case 'u':
			r, _ := hex4(raw)
			if utf16.IsSurrogate(r) {
				low, _ := hex4(raw[6:])
				r, raw = utf16.DecodeRune(r, low), raw[6:]
			}
			b.WriteRune(r)
			raw = raw[6:]
			continue
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		default:
			b.WriteByte(raw[1])
		}
		raw = raw[2:]
	}
}

// decode gives the value of a JSON string that scan has passed.
func decode(text string) string {
	raw := text[1 : len(text)-1]
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return unescape(raw)
}
