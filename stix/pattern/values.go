package pattern

import "slices"

// Value is something that a pattern looks for by plain equality, or a range of addresses.
type Value struct {
	Type     string // of the object, such as ipv4-addr
	Property string // path below it in one spelling, such as value or hashes.'SHA-256'
	Literal  Literal
	Within   bool // the value occurs where an address or range of addresses lies in Literal, which is one (ISSUBSET)
}

// Cover says what the values of a pattern are worth.
type Cover int

// The degrees.
const (
	// Open: it can match without any of its values; it must be evaluated.
	Open Cover = iota
	// Trigger: it cannot match where none of its values occurs; where one does, it must be evaluated.
	Trigger
	// Exact: it matches wherever one of its values occurs, and nowhere else.
	Exact
)

// Values gives what the pattern looks for, each once, and what that is worth for finding it through a table of values. With Open the
// values are those that it names at all, for searching patterns by what they are about.
func (p *Pattern) Values() ([]Value, Cover) {
	found, cover := p.root.values(nil)
	if cover == Open {
		found = nil
		p.root.each(func(c *comparing) { found = c.own(found) })
	}
	if len(found) < 2 {
		return found, cover
	}
	seen := make(map[Value]bool, len(found))
	return slices.DeleteFunc(found, func(v Value) bool {
		again := seen[v]
		seen[v] = true
		return again
	}), cover
}

// values adds what o can be found by to found.
func (o *observing) values(found []Value) ([]Value, Cover) {
	switch o.op {
	case "[]":
		return o.test.covered(found)
	case "OR":
		found, a := o.left.values(found)
		found, b := o.right.values(found)
		return found, min(a, b)
	case "AND", "FOLLOWEDBY":
		return either(found, o.left.values, o.right.values)
	}
	// A qualifier takes away from what matches.
	found, c := o.left.values(found)
	return found, min(c, Trigger)
}

func (c *comparing) covered(found []Value) ([]Value, Cover) {
	switch c.op {
	case "AND":
		return either(found, c.left.covered, c.right.covered)
	case "OR":
		found, a := c.left.covered(found)
		found, b := c.right.covered(found)
		return found, min(a, b)
	}
	n := len(found)
	if found = c.own(found); len(found) > n {
		return found, Exact
	}
	return found, Open
}

// either adds one side of an AND to be found by: where both can be, the one with fewer values.
func either(found []Value, left, right func([]Value) ([]Value, Cover)) ([]Value, Cover) {
	l, a := left(nil)
	r, b := right(nil)
	switch {
	case a == Open && b == Open:
		return found, Open
	case a == Open, b != Open && len(r) < len(l):
		return append(found, r...), Trigger
	}
	return append(found, l...), Trigger
}

// own adds the values that a comparison by itself asks for.
func (c *comparing) own(found []Value) []Value {
	if c.not || c.op != "=" && c.op != "IN" && c.op != "ISSUBSET" {
		return found
	}
	property := c.path.Property()
	for _, v := range c.values {
		found = append(found, Value{c.path.Type, property, v, c.op == "ISSUBSET"})
	}
	return found
}

// each visits all comparisons.
func (o *observing) each(visit func(*comparing)) {
	if o.test != nil {
		o.test.each(visit)
		return
	}
	o.left.each(visit)
	if o.right != nil {
		o.right.each(visit)
	}
}

func (c *comparing) each(visit func(*comparing)) {
	if c.left == nil {
		visit(c)
		return
	}
	c.left.each(visit)
	c.right.each(visit)
}

// Paths gives the paths that the pattern looks at, each once, in the order of the text.
func (p *Pattern) Paths() []Path {
	var out []Path
	seen := map[string]bool{}
	p.root.each(func(c *comparing) {
		if s := c.path.String(); !seen[s] {
			seen[s] = true
			out = append(out, c.path)
		}
	})
	return out
}
