package match

import "bytes"

// Defanged forms: what people write so that nobody clicks on it, "hxxp://a[.]example" or "a(dot)example".

// fangs are what stands between brackets, and what it stands for.
var fangs = [...][2]string{{".", "."}, {"dot", "."}, {":", ":"}, {"://", "://"}, {"/", "/"}, {"@", "@"}, {"at", "@"}, {",", "."}}

// fang tells whether b begins with a bracketed sign: what it stands for, and how long it is.
func fang(b []byte) (sign string, n int) {
	if len(b) < 3 {
		return "", 0
	}
	closing := byte(']')
	switch b[0] {
	case '(':
		closing = ')'
	case '{':
		closing = '}'
	case '[':
	default:
		return "", 0
	}
	end := bytes.IndexByte(b[:min(len(b), 6)], closing)
	if end < 0 {
		return "", 0
	}
	for _, f := range fangs {
		if end-1 == len(f[0]) && bytes.EqualFold(b[1:end], []byte(f[0])) {
			return f[1], end + 1
		}
	}
	return "", 0
}

// refang undoes defanging in an indicator. Half-open forms such as "a[.example" are taken too, since nothing else can be meant in an indicator.
func refang(b []byte) []byte {
	if bytes.IndexByte(b, '[') < 0 && bytes.IndexByte(b, '(') < 0 && bytes.IndexByte(b, '{') < 0 && bytes.IndexByte(b, ']') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		if sign, n := fang(b[i:]); n > 0 {
			out = append(out, sign...)
			i += n
			continue
		}
		rest := b[i:]
		switch {
		case bytes.HasPrefix(rest, []byte("[.")), bytes.HasPrefix(rest, []byte(".]")), bytes.HasPrefix(rest, []byte(`\.`)):
			out = append(out, '.')
			i += 2
		default:
			out = append(out, b[i])
			i++
		}
	}
	return out
}

// Refang undoes the defanging of a text that is one value, whatever it is.
func Refang(text string) string { return string(refang([]byte(text))) }

// schemeOf gives the scheme that is meant, in lower case; "" for what is none.
func schemeOf(b []byte) string {
	if len(b) == 0 || len(b) > 16 {
		return ""
	}
	var lower [16]byte
	for i, c := range b {
		c = fold[c]
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') && c != '*' {
			return ""
		}
		lower[i] = c
	}
	switch s := string(lower[:len(b)]); s {
	case "http", "hxxp", "h**p", "htxp", "hxtp", "meow", "hp":
		return "http"
	case "https", "hxxps", "h**ps", "htxps", "hxtps", "meows":
		return "https"
	case "ftp", "fxp", "f*p":
		return "ftp"
	default:
		if bytes.IndexByte(b, '*') >= 0 {
			return ""
		}
		return s
	}
}

// defaultPort is the port that a URL of that scheme need not name; 0 where there is none.
func defaultPort(scheme string) int {
	switch scheme {
	case "http", "ws":
		return 80
	case "https", "wss":
		return 443
	case "ftp":
		return 21
	}
	return 0
}
