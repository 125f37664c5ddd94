package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is.
type kind int

const (
	end kind = iota
	word
	keyword
	text // a string in quotes; its value is decoded
	integer
	decimal
	hexed
	based
	stamp
	sign // brackets, operators, punctuation
)

// token is one piece of the text. value is the decoded value of literals and the text itself of all others.
type token struct {
	kind  kind
	value string
	at    int
}

// reserved tells whether a word is a keyword, which has capitals alone, or one of the literals true and false.
func reserved(s string) bool {
	switch s {
	case "AND", "OR", "NOT", "FOLLOWEDBY", "LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET", "EXISTS", "IN", "START", "STOP", "SECONDS", "WITHIN",
		"REPEATS", "TIMES", "true", "false":
		return true
	}
	return false
}

type lexer struct {
	s string
	i int
}

// next reads one token. The reason is "" when it could.
func (l *lexer) next() (t token, reason string) {
	if reason := l.blank(); reason != "" {
		return token{at: l.i}, reason
	}
	t.at = l.i
	if l.i >= len(l.s) {
		return t, ""
	}
	switch c := l.s[l.i]; {
	case c == '\'':
		t.kind = text
		t.value, reason = l.quoted()
	case (c == 'h' || c == 'b' || c == 't') && strings.HasPrefix(l.s[l.i+1:], "'"):
		switch t.kind = hexed; c {
		case 'b':
			t.kind = based
		case 't':
			t.kind = stamp
		}
		l.i++
		t.value, reason = l.quoted()
	case isLetter(c):
		from := l.i
		for l.i < len(l.s) && (isLetter(l.s[l.i]) || isDigit(l.s[l.i]) || l.s[l.i] == '-') {
			l.i++
		}
		t.kind, t.value = word, l.s[from:l.i]
		if reserved(t.value) {
			t.kind = keyword
		}
	case isDigit(c) || (c == '+' || c == '-' || c == '.') && l.i+1 < len(l.s) && (isDigit(l.s[l.i+1]) || c != '.' && l.s[l.i+1] == '.'):
		return l.number()
	default:
		t.kind = sign
		t.value, reason = l.sign()
	}
	return t, reason
}

// blank passes white space and comments.
func (l *lexer) blank() string {
	for l.i < len(l.s) {
		rest := l.s[l.i:]
		switch {
		case rest[0] > ' ' && rest[0] != '/' && rest[0] < utf8.RuneSelf:
			return ""
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return "a comment does not end"
			}
			l.i += n + 4
		case strings.HasPrefix(rest, "//"):
			n := strings.IndexAny(rest, "\r\n")
			if n < 0 {
				n = len(rest)
			}
			l.i += n
		default:
			r, n := utf8.DecodeRuneInString(rest)
			if !unicode.IsSpace(r) {
				return ""
			}
			l.i += n
		}
	}
	return ""
}

// quoted reads a string from its quote on. A backslash stands before a quote or a backslash and nowhere else.
func (l *lexer) quoted() (string, string) {
	l.i++
	from := l.i
	var b strings.Builder
	for l.i < len(l.s) {
		switch l.s[l.i] {
		case '\'':
			s := l.s[from:l.i]
			if b.Len() > 0 {
				b.WriteString(s)
				s = b.String()
			}
			l.i++
			return s, ""
		case '\\':
			if l.i+1 >= len(l.s) || l.s[l.i+1] != '\'' && l.s[l.i+1] != '\\' {
				return "", "a backslash in a string stands before neither a quote nor a backslash"
			}
			b.WriteString(l.s[from:l.i])
			l.i++
			from = l.i
		}
		l.i++
	}
	return "", "a string does not end"
}

func (l *lexer) number() (t token, reason string) {
	t.at, t.kind = l.i, integer
	from := l.i
	if l.s[l.i] == '+' {
		from++
	}
	if !isDigit(l.s[l.i]) && l.s[l.i] != '.' {
		l.i++
	}
	whole := l.i
	l.digits()
	if l.i-whole > 1 && l.s[whole] == '0' {
		return t, "a number begins with a zero"
	}
	if l.i < len(l.s) && l.s[l.i] == '.' {
		l.i++
		if !l.digits() {
			return t, "a number ends with its point"
		}
		t.kind = decimal
	}
	if l.i < len(l.s) && isLetter(l.s[l.i]) {
		return t, "a number runs into a word"
	}
	t.value = l.s[from:l.i]
	return t, ""
}

func (l *lexer) digits() bool {
	from := l.i
	for l.i < len(l.s) && isDigit(l.s[l.i]) {
		l.i++
	}
	return l.i > from
}

// sign reads an operator or a piece of punctuation. Both ways to write equal and unequal mean the same.
func (l *lexer) sign() (string, string) {
	n := 1
	if l.i+1 < len(l.s) && (l.s[l.i+1] == '=' || l.s[l.i+1] == '>') {
		n = 2
	}
	switch s := l.s[l.i : l.i+n]; s {
	case "==":
		l.i += 2
		return "=", ""
	case "<>":
		l.i += 2
		return "!=", ""
	case "!=", "<=", ">=":
		l.i += 2
		return s, ""
	}
	if strings.IndexByte("=<>[](),.:*", l.s[l.i]) < 0 {
		return "", "there is a character that no pattern has"
	}
	l.i++
	return l.s[l.i-1 : l.i], ""
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
