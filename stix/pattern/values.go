package pattern

// Value is something that a pattern looks for by plain equality.
type Value struct {
	Type     string // of the object, such as ipv4-addr
	Property string // path below it in one spelling, such as value or hashes.'SHA-256'
	Literal  Literal
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
	found, cover := p.root.values()
	if cover == Open {
		found = nil
		p.root.each(func(c *comparing) { found = append(found, c.own()...) })
	}
	seen := make(map[Value]bool, len(found))
	out := found[:0:0]
	for _, v := range found {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out, cover
}

func (o *observing) values() ([]Value, Cover) {
	switch o.op {
	case "[]":
		return o.test.covered()
	case "OR":
		l, a := o.left.values()
		r, b := o.right.values()
		return append(l, r...), min(a, b)
	case "AND", "FOLLOWEDBY":
		l, a := o.left.values()
		r, b := o.right.values()
		return better(l, a, r, b)
	}
	// A qualifier takes away from what matches.
	v, c := o.left.values()
	return v, min(c, Trigger)
}

// better picks the side of an AND to be found by: where either must occur, the one with fewer values.
func better(l []Value, a Cover, r []Value, b Cover) ([]Value, Cover) {
	switch {
	case a == Open && b == Open:
		return nil, Open
	case a == Open, b != Open && len(r) < len(l):
		return r, Trigger
	}
	return l, Trigger
}

func (c *comparing) covered() ([]Value, Cover) {
	switch c.op {
	case "AND":
		l, a := c.left.covered()
		r, b := c.right.covered()
		return better(l, a, r, b)
	case "OR":
		l, a := c.left.covered()
		r, b := c.right.covered()
		return append(l, r...), min(a, b)
	}
	if own := c.own(); own != nil {
		return own, Exact
	}
	return nil, Open
}

// own gives the values that a comparison by itself asks for.
func (c *comparing) own() (out []Value) {
	if c.not || c.op != "=" && c.op != "IN" {
		return nil
	}
	for _, v := range c.values {
		out = append(out, Value{c.path.Type, c.path.Property(), v})
	}
	return out
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
