package pattern

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/stix"
)

// holds tells whether the comparison holds for a value that its path led to. name is that of the property.
func (e *evaluation) holds(c *comparing, v any, name string) bool {
	if s, ok := v.(string); ok && !e.spend(1+len(s)/16) {
		return false
	}
	yes := false
	switch c.op {
	case "EXISTS":
		return true
	case "=", "IN":
		yes = e.anyEqual(c, v, name)
	case "!=":
		yes = !e.anyEqual(c, v, name)
	case "<", "<=", ">", ">=":
		n, ok := order(v, c.values[0], name)
		if !ok {
			return false
		}
		yes = c.op == "<" && n < 0 || c.op == "<=" && n <= 0 || c.op == ">" && n > 0 || c.op == ">=" && n >= 0
	default:
		s, ok := v.(string)
		if ok {
			yes, ok = e.text(c, s)
		}
		if !ok {
			return false
		}
	}
	return yes != c.not
}

// text compares strings: LIKE, MATCHES and the ranges of addresses. ok is false for what is no address.
func (e *evaluation) text(c *comparing, s string) (yes, ok bool) {
	switch want := c.values[0].Text; c.op {
	case "LIKE":
		return e.spend(len(s)*len(want)/16) && like(s, want), true
	case "MATCHES":
		return c.expr != nil && e.spend(len(s)*c.steps/4) && c.expr.MatchString(s), true
	}
	n, ok := parseNetwork(s)
	if c.op == "ISSUBSET" {
		return c.network.contains(n), ok
	}
	return n.contains(c.network), ok
}

func (e *evaluation) anyEqual(c *comparing, v any, name string) bool {
	hashed := len(c.path.Steps) > 1 && c.path.Steps[len(c.path.Steps)-2].Name == "hashes"
	return slices.ContainsFunc(c.values, func(l Literal) bool { return e.spend(1) && equal(v, l, name, hashed) })
}

func equal(v any, l Literal, name string, hashed bool) bool {
	if s, ok := v.(string); ok && hashed && l.Kind == String {
		return strings.EqualFold(s, l.Text)
	}
	if b, ok := v.(bool); ok {
		return l.Kind == Bool && (l.Text == "true") == b
	}
	n, ok := order(v, l, name)
	return ok && n == 0
}

// order compares a value with a literal: −1, 0 or 1. ok is false for what cannot be compared.
func order(v any, l Literal, name string) (n int, ok bool) {
	switch x := v.(type) {
	case float64:
		if l.Kind != Integer && l.Kind != Float {
			return 0, false
		}
		y, err := strconv.ParseFloat(l.Text, 64)
		return cmp.Compare(x, y), err == nil
	case string:
		switch l.Kind {
		case String:
			return strings.Compare(x, l.Text), true
		case Timestamp:
			t, err := stix.ParseTimestamp(x)
			return t.Compare(stix.Timestamp(l.Text)), err == nil
		case Hex, Binary:
			a, ok := octets(x, name, l.Kind)
			b, fine := octets(l.Text, "", l.Kind)
			return bytes.Compare(a, b), ok && fine
		}
	}
	return 0, false
}

// alternative is one way in which a test can hold in an observation: for each type a set of objects, one of which must be taken.
type alternative struct {
	types []string
	sets  []set
}

// set is which of an observation's objects are in it.
type set []uint64

func (s set) union(x set) set {
	for i := range s {
		s[i] |= x[i]
	}
	return s
}

func (s set) intersect(x set) (out set, some bool) {
	out = make(set, len(s))
	for i := range s {
		out[i] = s[i] & x[i]
		some = some || out[i] != 0
	}
	return out, some
}

// ways gives the alternatives in which the test holds in o; none where it does not.
func (e *evaluation) ways(c *comparing, o *Observation) []alternative {
	if e.err != nil {
		return nil
	}
	switch c.op {
	case "OR":
		out := e.ways(c.left, o)
		for _, a := range e.ways(c.right, o) {
			out = e.with(out, a)
		}
		return out
	case "AND":
		left := e.ways(c.left, o)
		if len(left) == 0 {
			return nil
		}
		var out []alternative
		for _, b := range e.ways(c.right, o) {
			for _, a := range left {
				if both, ok := e.meet(a, b); ok {
					out = e.with(out, both)
				}
			}
		}
		return out
	}
	found, some := make(set, (len(o.objects)+63)/64), false
	for i, x := range o.objects {
		if x["type"] == c.path.Type && e.objectHolds(c, o, x) {
			found[i/64] |= 1 << (i % 64)
			some = true
		}
	}
	if !some || e.err != nil {
		return nil
	}
	return []alternative{{[]string{c.path.Type}, []set{found}}}
}

func (e *evaluation) objectHolds(c *comparing, o *Observation, x map[string]any) bool {
	holds := false
	e.walk(o, x, "", c.path.Steps, func(v any, name string) bool {
		holds = e.holds(c, v, name)
		return !holds
	})
	if c.op == "EXISTS" {
		return holds != c.not
	}
	return holds
}

// with adds an alternative, unless one that is there does for it. Those of one and the same type become one, so that long lists of
// values stay short.
func (e *evaluation) with(list []alternative, a alternative) []alternative {
	for i, x := range list {
		if !e.spend(1 + len(a.types)) {
			return nil
		}
		if x.covers(a) {
			return list
		}
		if len(a.types) == 1 && len(x.types) == 1 && x.types[0] == a.types[0] {
			list[i].sets[0] = x.sets[0].union(a.sets[0])
			return list
		}
	}
	return append(list, a)
}

// covers tells whether every choice that x allows is one that a allows.
func (a alternative) covers(x alternative) bool {
	for i, t := range a.types {
		at := slices.Index(x.types, t)
		if at < 0 {
			return false
		}
		for w := range x.sets[at] {
			if x.sets[at][w]&^a.sets[i][w] != 0 {
				return false
			}
		}
	}
	return true
}

// meet gives the way in which both hold: of types that both name, the same object.
func (e *evaluation) meet(a, b alternative) (alternative, bool) {
	if !e.spend(8 * (len(a.types) + len(b.types))) {
		return a, false
	}
	out := alternative{slices.Clone(a.types), slices.Clone(a.sets)}
	for i, t := range b.types {
		at := slices.Index(out.types, t)
		if at < 0 {
			out.types, out.sets = append(out.types, t), append(out.sets, b.sets[i])
			continue
		}
		both, some := out.sets[at].intersect(b.sets[i])
		if !some {
			return out, false
		}
		out.sets[at] = both
	}
	return out, true
}
