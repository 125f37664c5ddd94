package pattern

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/stix"
)

// Pattern is a pattern that Parse has read. It does not change and may be used by several goroutines.
type Pattern struct {
	text  string
	root  *observing
	flaws []string // why it cannot be evaluated, though it is a pattern
}

// String is the text as it was given.
func (p *Pattern) String() string { return p.text }

// observing is a node over observations: brackets, AND, OR, FOLLOWEDBY, or a qualifier.
type observing struct {
	op          string // "[]", AND, OR, FOLLOWEDBY, WITHIN, REPEATS, START
	left, right *observing
	test        *comparing // of []
	count       int        // of REPEATS
	seconds     float64    // of WITHIN
	start, stop stix.Timestamp
	id          int // of []: its number, for what is remembered of it
}

// comparing is a node inside brackets: AND, OR, or a comparison.
type comparing struct {
	op          string // AND, OR, =, !=, <, <=, >, >=, IN, LIKE, MATCHES, ISSUBSET, ISSUPERSET, EXISTS
	not         bool
	left, right *comparing
	path        Path
	values      []Literal // one, or the set of IN
	expr        *regexp.Regexp
	steps       int // of expr: what a byte of text costs
	network     network
}

// Path leads to values of an object: its type and then names, list places and stars.
type Path struct {
	Type  string
	Steps []Step
}

// Step is one step of a Path: a Name, or a place in a list, where Any stands for every place.
type Step struct {
	Name  string
	Index int // where Name is ""
	Any   bool
}

// String writes the steps in one spelling: names with quotes only where they need them.
func (p Path) String() string { return p.Type + ":" + p.Property() }

// Property is the path without its type, such as hashes.'SHA-256'.
func (p Path) Property() string {
	if len(p.Steps) == 1 {
		return quoteName(p.Steps[0].Name)
	}
	var b strings.Builder
	for i, s := range p.Steps {
		switch {
		case s.Any:
			b.WriteString("[*]")
		case s.Name == "" && !s.Any:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(quoteName(s.Name))
		}
	}
	return b.String()
}

func quoteName(s string) string {
	plain := s != "" && !isDigit(s[0])
	for i := 0; i < len(s) && plain; i++ {
		plain = isLetter(s[i]) || isDigit(s[i])
	}
	if plain && !reserved(s) {
		return s
	}
	if strings.ContainsAny(s, `\'`) {
		s = strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s)
	}
	return "'" + s + "'"
}

// Kind is what a Literal is.
type Kind string

// The kinds of literals.
const (
	String    Kind = "string"
	Integer   Kind = "integer"
	Float     Kind = "float"
	Bool      Kind = "bool"
	Hex       Kind = "hex"
	Binary    Kind = "binary"
	Timestamp Kind = "timestamp"
)

// Literal is a constant of a pattern. Text is its value without quotes: decoded for strings, the digits for h” and the base64 for b”.
type Literal struct {
	Kind Kind
	Text string
}
