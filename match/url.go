package match

import (
	"bytes"
	"strconv"

	"github.com/comity-exchange/comity/fault"
)

// A URL's canonical form: scheme and host in lower case, Punycode, no default port, no user, no fragment, path and query as they were. Without
// a scheme it begins with "//"; without a path and query it ends with the host and stands for everything there (a site).

func parseURL(b []byte) (Value, error) {
	bad := fault.New(fault.Malformed, "", "a URL is like https://example.org/path or example.org/path, without blanks")
	scheme := ""
	if before, after, ok := bytes.Cut(b, []byte("://")); ok {
		if scheme = schemeOf(before); scheme == "" {
			return Value{}, bad
		}
		b = after
	} else {
		b = bytes.TrimPrefix(b, []byte("//"))
	}
	if len(b) == 0 {
		return Value{}, bad
	}
	end := bytes.IndexAny(b, "/?#")
	if end < 0 {
		end = len(b)
	}
	authority, rest := b[:end], b[end:]
	if i := bytes.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if len(authority) == 0 {
		return Value{}, bad
	}
	host, after := cutHost(authority)
	port := 0
	if len(after) > 0 {
		if after[0] != ':' {
			return Value{}, bad
		}
		if port = number(after[1:]); port < 1 || port >= 1<<16 {
			return Value{}, bad
		}
	}
	v := Value{Kind: URL}
	name, ok := canonicalDomain(host)
	if ok {
		v.host = string(name)
	} else if v.at, ok = parseAddr(host); ok && v.at != (addr{n: 16}) {
		name = []byte(hostText(v.at))
	} else {
		ok = false
	}
	for _, c := range rest {
		ok = ok && delims[c]&hard == 0
	}
	rest = cutFragment(rest)
	if !ok || scheme == "" && len(rest) <= 1 && port == 0 { // a host and nothing else is a domain or an address
		return Value{}, bad
	}
	v.Text = string(appendURL(nil, scheme, name, port, rest))
	return v, nil
}

// hostText is an address as a URL has it.
func hostText(a addr) string {
	if a.n == 16 {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// appendURL writes the canonical form of a URL whose parts are canonical but for a port, which may be the scheme's own, and 0 for none.
func appendURL(dst []byte, scheme string, host []byte, port int, rest []byte) []byte {
	if scheme != "" {
		dst = append(append(dst, scheme...), ':')
	}
	dst = append(append(dst, '/', '/'), host...)
	if port != 0 && port != defaultPort(scheme) {
		dst = strconv.AppendInt(append(dst, ':'), int64(port), 10)
	}
	switch {
	case len(rest) == 0 || len(rest) == 1 && rest[0] == '/':
		return dst
	case rest[0] == '?':
		dst = append(dst, '/')
	}
	return append(dst, rest...)
}

func cutFragment(b []byte) []byte {
	if i := bytes.IndexByte(b, '#'); i >= 0 {
		return b[:i]
	}
	return b
}

func cutQuery(b []byte) []byte {
	if i := bytes.IndexByte(b, '?'); i >= 0 {
		return b[:i]
	}
	return b
}

func parsePath(b []byte) (Value, error) {
	b = cutFragment(b)
	ok := len(b) > 1 && b[0] == '/' && b[1] != '/'
	for _, c := range b {
		ok = ok && delims[c]&hard == 0
	}
	if !ok {
		return Value{}, fault.New(fault.Malformed, "", "a path is like /gate.php or /a/b?c=d, without blanks")
	}
	return Value{Kind: Path, Text: string(b)}, nil
}
