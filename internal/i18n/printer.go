package i18n

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Printer says things in one language and one time zone. It is safe for concurrent use.
type Printer struct {
	*Language
	Zone *time.Location

	fallback *Language
	numbers  *message.Printer
}

// Printer makes one. zone nil is UTC.
func (c *Catalog) Printer(l *Language, zone *time.Location) *Printer {
	if zone == nil {
		zone = time.UTC
	}
	// Digits are the same in every language: ids, times and codes have them too.
	tag, err := l.Tag.SetTypeForKey("nu", "latn")
	if err != nil {
		tag = l.Tag
	}
	return &Printer{Language: l, Zone: zone, fallback: c.languages[0], numbers: message.NewPrinter(tag)}
}

// T is a message with its arguments put in. The first argument that is a whole number chooses the plural form.
func (p *Printer) T(key string, args ...any) string {
	if text, ok := p.find(key, args); ok {
		return text
	}
	return "⟦" + key + "⟧"
}

// Or is a message, or another text where neither the language nor English has it: words of protocols and agreements, of which there may be new ones.
func (p *Printer) Or(key, otherwise string) string {
	if text, ok := p.find(key, nil); ok {
		return text
	}
	return otherwise
}

// Has tells whether the language itself has a message.
func (p *Printer) Has(key string) bool {
	_, ok := p.messages[key]
	return ok
}

func (p *Printer) find(key string, args []any) (string, bool) {
	l := p.Language
	m, ok := l.messages[key]
	if !ok {
		l = p.fallback
		if m, ok = l.messages[key]; !ok {
			return "", false
		}
	}
	return p.fill(l.form(m, args), args), true
}

// form chooses the plural form.
func (l *Language) form(m text, args []any) string {
	for _, a := range args {
		n, ok := whole(a)
		if !ok {
			continue
		}
		if n < 0 {
			n = -n
		}
		if text, ok := m.forms[plural.Cardinal.MatchPlural(l.Tag, int(n%1_000_000), 0, 0, 0, 0)]; ok {
			return text
		}
		break
	}
	return m.forms[plural.Other]
}

func whole(a any) (int64, bool) {
	switch n := a.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	}
	return 0, false
}

// fill puts arguments in the place of {0}, {1}…
func (p *Printer) fill(text string, args []any) string {
	if !strings.Contains(text, "{") {
		return text
	}
	for i, a := range args {
		var s string
		if n, ok := whole(a); ok {
			s = p.Number(n)
		} else {
			s = p.isolated(fmt.Sprint(a))
		}
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", s)
	}
	return text
}

// isolated keeps what is written from left to right from turning the words around it, where these are written from right to left.
func (p *Printer) isolated(s string) string {
	if p.Direction != "rtl" || !strings.ContainsFunc(s, func(c rune) bool { return unicode.Is(unicode.Latin, c) || unicode.Is(unicode.Cyrillic, c) }) {
		return s
	}
	return "\u2068" + s + "\u2069"
}

// Number is a whole number with its groups of digits.
func (p *Printer) Number(n int64) string { return p.numbers.Sprint(number.Decimal(n)) }

// Size is a number of bytes in the unit in which people speak of it.
func (p *Printer) Size(n int64) string {
	units := []string{"size.b", "size.kib", "size.mib", "size.gib"}
	f, u := float64(n), 0
	for f >= 1024 && u < len(units)-1 {
		f, u = f/1024, u+1
	}
	digits := 0
	if u > 0 && f < 100 {
		digits = 1
	}
	return p.T(units[u], p.numbers.Sprint(number.Decimal(f, number.MaxFractionDigits(digits))))
}

// List joins words as the language does: "a, b and c".
func (p *Printer) List(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return p.T("list.and", strings.Join(words[:n-1], p.T("list.comma")), words[n-1])
	}
}
