package match

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/comity-exchange/comity/fault"
)

// maxText bounds an indicator, in bytes; what is longer is not looked for.
const maxText = 2048

// Value is an indicator in its one canonical form.
type Value struct {
	Kind Kind
	Text string // for people and for lists: equal values have equal texts

	key  []byte // what is hashed, where it is not Text
	at   addr   // of an Endpoint, a Range, or a URL whose host is an address
	end  int    // prefix length, or port
	host string // of a URL whose host is a name
}

// bytes is what stands for the value under its kind.
func (v *Value) bytes() []byte {
	if v.key != nil {
		return v.key
	}
	return []byte(v.Text)
}

// Parse reads one indicator: any case, defanged or not, internationalised or in Punycode, blanks around it. Kind 0 lets the form decide; a File is
// never guessed. Errors are fault.Malformed and say what would be taken.
func Parse(text string, kind Kind) (Value, error) {
	if len(text) > maxText {
		return Value{}, fault.New(fault.TooLarge, "", "an indicator has at most %d bytes", maxText)
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return Value{}, fault.New(fault.Malformed, "", "an indicator is empty")
	}
	if kind == File {
		return parseFile(text)
	}
	b := refang([]byte(text))
	if kind == 0 {
		kind = guess(b)
	}
	switch kind {
	case Address, Range, Endpoint:
		return parseAddress(b)
	case Domain:
		return parseDomain(b)
	case URL:
		return parseURL(b)
	case Path:
		return parsePath(b)
	case Mail:
		return parseMail(b)
	case Hash:
		return parseHash(b)
	}
	return Value{}, fault.New(fault.Malformed, "", "an indicator is none of: %s", strings.ReplaceAll(kindNames, " ", ", "))
}

// guess goes by the form alone.
func guess(b []byte) Kind {
	switch {
	case bytes.Contains(b, []byte("://")), bytes.HasPrefix(b, []byte("//")):
		return URL
	case b[0] == '/':
		return Path
	case bytes.IndexByte(b, '@') >= 0 && bytes.IndexByte(b, '/') < 0:
		return Mail
	case isHash(b):
		return Hash
	}
	if _, ok := parseAddr(b); ok {
		return Address
	}
	host, rest := cutHost(b)
	_, numeric := parseAddr(host)
	switch {
	case numeric && len(rest) > 1 && rest[0] == '/' && number(rest[1:]) >= 0 && len(rest) <= 4:
		return Range
	case numeric && len(rest) > 1 && rest[0] == ':' && number(rest[1:]) >= 0:
		return Endpoint
	case len(rest) > 1:
		return URL
	}
	return Domain
}

// cutHost cuts what may follow a host, from the first ":" or "/" outside brackets on. A bare IPv6 address has its colons before a slash alone.
func cutHost(b []byte) (host, rest []byte) {
	if b[0] == '[' {
		if end := bytes.IndexByte(b, ']'); end > 0 {
			return b[:end+1], b[end+1:]
		}
	}
	signs := ":/?"
	if bytes.Count(b, []byte(":")) > 1 {
		signs = "/?"
	}
	if i := bytes.IndexAny(b, signs); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}

// number reads up to five decimal digits; -1 for anything else.
func number(b []byte) int {
	if len(b) == 0 || len(b) > 5 {
		return -1
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func parseAddress(b []byte) (Value, error) {
	if a, ok := parseAddr(b); ok && a != (addr{n: 16}) { // "::" names nobody
		return Value{Kind: Address, Text: a.String(), key: a.bytes()}, nil
	}
	host, rest := cutHost(b)
	a, ok := parseAddr(host)
	if ok && len(rest) > 1 {
		n := number(rest[1:])
		switch {
		case rest[0] == ':' && n > 0 && n < 1<<16:
			return endpoint(a, n), nil
		case rest[0] == '/' && n == 8*a.n:
			return Value{Kind: Address, Text: a.String(), key: a.bytes()}, nil
		case rest[0] == '/' && n >= 0 && n < 8*a.n:
			return cidr(a, n), nil
		}
	}
	return Value{}, fault.New(fault.Malformed, "", "an address is like 192.0.2.1, 2001:db8::1, 192.0.2.0/24, 192.0.2.1:443 or [2001:db8::1]:443")
}

func endpoint(a addr, port int) Value {
	text := a.String()
	if a.n == 16 {
		text = "[" + text + "]"
	}
	return Value{Kind: Endpoint, Text: text + ":" + strconv.Itoa(port), key: append(a.bytes(), byte(port>>8), byte(port)), at: a, end: port}
}

// cidr is a range; bits behind the prefix are cleared, as whoever wrote them must have meant.
func cidr(a addr, bits int) Value {
	a = a.masked(bits)
	return Value{Kind: Range, Text: a.String() + "/" + strconv.Itoa(bits), key: append(a.bytes(), byte(bits)), at: a, end: bits}
}

func parseDomain(b []byte) (Value, error) {
	b = bytes.TrimSuffix(b, []byte("/"))
	b = bytes.TrimPrefix(b, []byte("*."))
	name, ok := canonicalDomain(b)
	if !ok {
		return Value{}, fault.New(fault.Malformed, "", "a domain has two labels or more of letters, digits, hyphens and underscores, and at most %d characters", maxDomain)
	}
	return Value{Kind: Domain, Text: string(name)}, nil
}

func isHash(b []byte) bool {
	switch len(b) {
	case 32, 40, 64, 128:
	default:
		return false
	}
	for _, c := range b {
		if shapes[c]&hexadecimal == 0 {
			return false
		}
	}
	return true
}

// unhex gives a hash in bytes, at most 64.
func unhex(dst, b []byte) []byte {
	for i := 0; i+1 < len(b); i += 2 {
		hi, _ := hexValue(b[i])
		lo, _ := hexValue(b[i+1])
		dst = append(dst, hi<<4|lo)
	}
	return dst
}

func parseHash(b []byte) (Value, error) {
	if !isHash(b) {
		return Value{}, fault.New(fault.Malformed, "", "a hash is 32, 40, 64 or 128 hexadecimal digits")
	}
	return Value{Kind: Hash, Text: strings.ToLower(string(b)), key: unhex(make([]byte, 0, 64), b)}, nil
}

// maxLocal bounds what stands before a mail address's "@" (RFC 5321, 4.5.3.1.1).
const maxLocal = 64

func parseMail(b []byte) (Value, error) {
	b = bytes.TrimPrefix(b, []byte("mailto:"))
	local, host, _ := bytes.Cut(b, []byte("@"))
	name, ok := canonicalDomain(host)
	ok = ok && len(local) > 0 && len(local) <= maxLocal
	for _, c := range local {
		ok = ok && delims[c]&mailbox != 0
	}
	if !ok {
		return Value{}, fault.New(fault.Malformed, "", "a mail address is like a.b+c@example.org, with letters, digits and . _ %% + ~ - before the @")
	}
	return Value{Kind: Mail, Text: strings.ToLower(string(local)) + "@" + string(name)}, nil
}

func parseFile(text string) (Value, error) {
	name := strings.Trim(strings.ToLower(text), ".")
	named := false
	for _, r := range name {
		ascii := r < utf8.RuneSelf
		if ascii && shapes[r] == 0 || !ascii && !word(r) {
			return Value{}, fault.New(fault.Malformed, "", "a file's name has letters, digits and . _ - alone; folders are left out, and names with blanks are not looked for")
		}
		named = named || !ascii || shapes[r]&letter != 0
	}
	if len(name) > 255 || !named || !strings.Contains(name, ".") {
		return Value{}, fault.New(fault.Malformed, "", "a file's name has a dot and a letter in it, and at most 255 bytes")
	}
	return Value{Kind: File, Text: name}, nil
}
