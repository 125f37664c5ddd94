package match

import (
	"strings"
	"time"
)

// Heading is the first line of a CSV list: the columns that ReadList takes, and others that it passes over.
func Heading(others ...string) string {
	return strings.Join(append([]string{"value", "kind", "valid_from", "valid_until", "revoked"}, others...), ",") + "\n"
}

// AppendListed writes an indicator as a line of a CSV list under Heading (RFC 4180); others are the cells of the further columns. A cell that a spreadsheet would take for a formula gets an
// apostrophe in front, which ReadList takes off again.
func AppendListed(dst []byte, v Value, r Row, others ...string) []byte {
	revoked := ""
	if r.Revoked {
		revoked = "true"
	}
	cells := append([]string{v.Text, v.Kind.String(), listedTime(r.From), listedTime(r.Until), revoked}, others...)
	for i, c := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCell(dst, c)
	}
	return append(dst, '\n')
}

func listedTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// formula are the signs with which a spreadsheet lets a formula begin.
const formula = "=+-@"

func appendCell(dst []byte, c string) []byte {
	c = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, c)
	if c = strings.TrimSpace(c); c != "" && strings.IndexByte(formula, c[0]) >= 0 {
		c = "'" + c
	}
	if !strings.ContainsAny(c, `,"`) {
		return append(dst, c...)
	}
	return append(append(append(dst, '"'), strings.ReplaceAll(c, `"`, `""`)...), '"')
}

// withoutGuard takes off what appendCell put before a formula's sign.
func withoutGuard(c string) string {
	if len(c) > 1 && c[0] == '\'' && strings.IndexByte(formula, c[1]) >= 0 {
		return c[1:]
	}
	return c
}

// Defanged is the value as nobody clicks on it by mistake, and as Parse takes it. Hashes, paths, files and IPv6 addresses are as they are.
func (v Value) Defanged() string {
	dots := strings.NewReplacer(".", "[.]")
	switch v.Kind {
	case Address, Range, Endpoint, Domain:
		return dots.Replace(v.Text)
	case Mail:
		return strings.NewReplacer(".", "[.]", "@", "[@]").Replace(v.Text)
	case URL:
		scheme, rest, ok := strings.Cut(v.Text, "//")
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		if !ok {
			return v.Text
		}
		return strings.Replace(scheme, "http", "hxxp", 1) + "//" + dots.Replace(rest[:end]) + rest[end:]
	}
	return v.Text
}
