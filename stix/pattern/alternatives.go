package pattern

import "slices"

// Test is one comparison of an Alternative: what the property of an object of the type has to be.
type Test struct {
	Type     string // of the object, such as network-traffic
	Property string // path below it in one spelling, such as dst_ref.value
	Op       string // "=", LIKE or ISSUBSET
	Literal  Literal
}

// Alternative is comparisons that hold together of one observation.
type Alternative []Test

// maxTests bounds what one Alternative may ask.
const maxTests = 16

// Alternatives gives all ways in which the pattern can match, where that is all that there is to it: comparisons by =, IN, LIKE and ISSUBSET joined with AND and OR within brackets, and brackets
// joined with OR. ok is false for what asks more (negation, order, several observations, qualifiers), and where there would be more than max of them.
func (p *Pattern) Alternatives(max int) (all []Alternative, ok bool) {
	all, ok = p.root.alternatives(max)
	return all, ok && len(all) > 0
}

func (o *observing) alternatives(max int) ([]Alternative, bool) {
	switch o.op {
	case "[]":
		return o.test.alternatives(max)
	case "OR":
		return joined(o.left.alternatives, o.right.alternatives, max)
	}
	return nil, false
}

func (c *comparing) alternatives(max int) (all []Alternative, ok bool) {
	switch {
	case c.op == "OR":
		return joined(c.left.alternatives, c.right.alternatives, max)
	case c.op == "AND":
		return c.together(max)
	case c.not:
		return nil, false
	}
	t := Test{Type: c.path.Type, Property: c.path.Property(), Op: c.op}
	switch c.op {
	case "IN":
		t.Op = "="
	case "=", "LIKE", "ISSUBSET":
	default:
		return nil, false
	}
	if len(c.values) > max {
		return nil, false
	}
	for _, v := range c.values {
		t.Literal = v
		all = append(all, Alternative{t})
	}
	return all, true
}

// joined is either side's.
func joined(left, right func(int) ([]Alternative, bool), max int) ([]Alternative, bool) {
	l, ok := left(max)
	if !ok {
		return nil, false
	}
	r, ok := right(max - len(l))
	return append(l, r...), ok
}

// together is each of one side with each of the other.
func (c *comparing) together(max int) (all []Alternative, ok bool) {
	l, ok := c.left.alternatives(max)
	if !ok {
		return nil, false
	}
	r, ok := c.right.alternatives(max)
	if !ok || len(l)*len(r) > max {
		return nil, false
	}
	for _, a := range l {
		for _, b := range r {
			if len(a)+len(b) > maxTests {
				return nil, false
			}
			all = append(all, slices.Concat(a, b))
		}
	}
	return all, true
}
