package stix

import "iter"

// The functions here walk over text that scan has passed: they trust its form and check nothing.

// elements gives the values of an array's text, and where each begins in it.
func elements(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		c := scanner{s: text, i: 1}
		for c.space(); c.peek() != ']'; c.space() {
			from := c.i
			c.skip()
			if !yield(from, text[from:c.i]) {
				return
			}
			if c.space(); c.peek() == ',' {
				c.i++
			}
		}
	}
}

// properties gives the members of an object's text. Their names are decoded; from and to are places in text.
func properties(text string) iter.Seq[member] {
	return func(yield func(member) bool) {
		c := scanner{s: text, i: 1}
		for c.space(); c.peek() != '}'; c.space() {
			from := c.i
			c.skip()
			name := decode(text[from:c.i])
			c.space()
			c.i++ // the colon
			c.space()
			from = c.i
			c.skip()
			if !yield(member{name, int32(from), int32(c.i)}) {
				return
			}
			if c.space(); c.peek() == ',' {
				c.i++
			}
		}
	}
}

// skip moves past one value.
func (c *scanner) skip() {
	switch c.peek() {
	case '"':
		c.skipString()
	case '{', '[':
		for depth := 0; ; {
			switch c.peek() {
			case '"':
				c.skipString()
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			if c.i++; depth == 0 {
				return
			}
		}
	default:
		for {
			switch c.peek() {
			case ',', ']', '}', ' ', '\n', '\r', '\t', 0:
				return
			}
			c.i++
		}
	}
}

func (c *scanner) skipString() {
	for c.i++; ; c.i++ {
		switch c.i = plain(c.s, c.i); c.s[c.i] {
		case '"':
			c.i++
			return
		case '\\':
			c.i++
		}
	}
}
