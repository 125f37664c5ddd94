package pattern

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/comity-exchange/comity/stix"
)

// seenIn tells whether the test holds for one of the objects of o. All of it must hold for the same (§9.5).
func (e *evaluation) seenIn(c *comparing, o *Observation) bool {
	return slices.ContainsFunc(o.objects, func(x map[string]any) bool { return e.err == nil && e.satisfies(c, o, x) })
}

// satisfies tells whether the test holds for the object x of o.
func (e *evaluation) satisfies(c *comparing, o *Observation, x map[string]any) bool {
	switch c.op {
	case "OR":
		return e.satisfies(c.left, o, x) || e.satisfies(c.right, o, x)
	case "AND":
		return e.satisfies(c.left, o, x) && e.satisfies(c.right, o, x)
	}
	if !e.spend(1) || x["type"] != c.path.Type {
		return false
	}
	holds := false
	e.walk(o, x, "", c.path.Steps, func(v any, name string) bool {
		holds = c.op == "EXISTS" || e.holds(c, v, name)
		return !holds
	})
	if c.op == "EXISTS" {
		return holds != c.not
	}
	return holds
}

// holds tells whether the comparison holds for a value that its path led to. name is that of the property. What cannot be compared
// is unequal, and nothing else (§9.6.1).
func (e *evaluation) holds(c *comparing, v any, name string) bool {
	if s, ok := v.(string); ok && !e.spend(1+len(s)/16) {
		return false
	}
	yes, comparable := e.compared(c, v, name)
	if !comparable {
		return c.op == "!=" && !c.not
	}
	return yes != c.not
}

func (e *evaluation) compared(c *comparing, v any, name string) (yes, comparable bool) {
	switch c.op {
	case "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET":
		s, ok := v.(string)
		if !ok {
			return false, false
		}
		return e.text(c, s, name)
	}
	for _, l := range c.values {
		if !e.spend(1) {
			return false, false
		}
		n, ok := order(v, l, name)
		if ok && n != 0 && isHashOf(c.path) {
			if s, isText := v.(string); isText && strings.EqualFold(s, l.Text) {
				n = 0
			}
		}
		comparable = comparable || ok
		yes = yes || ok && holdsFor(c.op, n)
	}
	return yes, comparable
}

// holdsFor tells whether an operator holds where the value is n of the constant: −1 less, 0 equal, 1 more.
func holdsFor(op string, n int) bool {
	switch op {
	case "!=":
		return n != 0
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	case ">=":
		return n >= 0
	}
	return n == 0
}

func isHashOf(p Path) bool { return len(p.Steps) > 1 && p.Steps[len(p.Steps)-2].Name == "hashes" }

// text compares strings: LIKE, MATCHES and the ranges of addresses. Binary properties are compared by what they stand for, a character
// for each octet. ok is false for what is neither text nor an address where one is asked for.
func (e *evaluation) text(c *comparing, s, name string) (yes, ok bool) {
	if isBinary(name) {
		b, ok := octets(s, name)
		if !ok {
			return false, false
		}
		s = latin(b)
	} else {
		s = norm.NFC.String(s)
	}
	switch want := c.values[0].Text; c.op {
	case "LIKE":
		return e.spend(len(s)*len(want)/16) && like(s, norm.NFC.String(want)), true
	case "MATCHES":
		return c.expr != nil && e.spend(len(s)*c.steps/4) && c.expr.MatchString(s), true
	}
	n, ok := parseNetwork(s)
	if c.op == "ISSUBSET" {
		return c.network.contains(n), ok
	}
	return n.contains(c.network), ok
}

// order compares a value with a constant: −1, 0 or 1. ok is false for what cannot be compared. true is more than false, which nothing
// asks.
func order(v any, l Literal, name string) (n int, ok bool) {
	switch x := v.(type) {
	case bool:
		if l.Kind != Bool {
			return 0, false
		}
		return strings.Compare(strconv.FormatBool(x), l.Text), true
	case float64:
		if l.Kind != Integer && l.Kind != Float {
			return 0, false
		}
		y, err := strconv.ParseFloat(l.Text, 64)
		return cmp.Compare(x, y), err == nil
	case string:
		if isBinary(name) {
			a, ok := octets(x, name)
			b, fine := l.octets()
			return bytes.Compare(a, b), ok && fine
		}
		switch l.Kind {
		case String:
			return strings.Compare(x, l.Text), true
		case Timestamp:
			t, err := stix.ParseTimestamp(x)
			return t.Compare(stix.Timestamp(l.Text)), err == nil
		}
	}
	return 0, false
}

// isBinary tells whether a property is of the types binary or hex, which its name says (§2.1, §2.8).
func isBinary(name string) bool {
	return strings.HasSuffix(name, "_bin") || strings.HasSuffix(name, "_hex")
}

// octets gives the bytes that a binary property stands for.
func octets(s, name string) (b []byte, ok bool) {
	var err error
	if strings.HasSuffix(name, "_bin") {
		b, err = base64.StdEncoding.DecodeString(s)
	} else {
		b, err = hex.DecodeString(s)
	}
	return b, err == nil
}

// octets gives the bytes that a constant stands for beside a binary property: of a string one for each character, if all are below
// U+0100 (§9.6.4).
func (l Literal) octets() (b []byte, ok bool) {
	var err error
	switch l.Kind {
	case Hex:
		b, err = hex.DecodeString(l.Text)
	case Binary:
		b, err = base64.StdEncoding.DecodeString(l.Text)
	case String:
		for _, r := range l.Text {
			if r > 0xff {
				return nil, false
			}
			b = append(b, byte(r))
		}
	default:
		return nil, false
	}
	return b, err == nil
}

// latin is the string with the character for each octet that has its number.
func latin(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}
