package stix

import (
	"strconv"
	"strings"
)

// Granular is one entry of granular_markings (§7.2.3.1): what its selectors name is marked with Marking, or is in the language Lang.
// Check asks for exactly one of the two.
type Granular struct {
	Selectors []string
	Marking   ID
	Lang      string
}

func granularOf(v string) (g Granular, ok bool) {
	if v[0] != '{' {
		return g, false
	}
	good := true
	for m := range properties(v) {
		text, ok := m.in(v), true
		switch m.name {
		case "selectors":
			g.Selectors, ok = listOf(text, textOf[string])
		case "marking_ref":
			g.Marking, ok = idOf(text)
		case "lang":
			g.Lang, ok = textOf[string](text)
		}
		good = good && ok
	}
	return g, good && len(g.Selectors) > 0 && (g.Marking != "" || g.Lang != "")
}

// covers tells whether the entry marks the value that path leads to: a selector names a value with all that is in it.
func (g *Granular) covers(path string) bool {
	for _, s := range g.Selectors {
		if path == s || strings.HasPrefix(path, s) && path[len(s)] == '.' {
			return true
		}
	}
	return false
}

// Select gives the JSON text of what a selector names, such as "external_references.[0].url": names and list places in brackets, with
// dots between them (§7.2.3.1). ok is false where the selector has not that form or names nothing that is there.
func (o *Object) Select(selector string) (text string, ok bool) {
	first, rest, more := strings.Cut(selector, ".")
	text, ok = o.Property(first)
	for ok && more {
		first, rest, more = strings.Cut(rest, ".")
		text, ok = child(text, first)
	}
	return text, ok
}

// child gives one step down from an object's or a list's text.
func child(text, step string) (string, bool) {
	if n, ok := listPlace(step); ok {
		if text[0] != '[' {
			return "", false
		}
		for _, e := range elements(text) {
			if n == 0 {
				return e, true
			}
			n--
		}
		return "", false
	}
	if text[0] != '{' {
		return "", false
	}
	for m := range properties(text) {
		if m.name == step {
			return m.in(text), true
		}
	}
	return "", false
}

// listPlace reads a step such as [12].
func listPlace(step string) (int, bool) {
	if len(step) < 3 || step[0] != '[' || step[len(step)-1] != ']' {
		return 0, false
	}
	n, err := strconv.ParseUint(step[1:len(step)-1], 10, 31)
	return int(n), err == nil
}

// granular holds the selectors of granular_markings against the object.
func (c *checker) granular() {
	for i, g := range c.o.Granular {
		path := "granular_markings[" + strconv.Itoa(i) + "]"
		at, _ := c.o.place("granular_markings")
		if g.Marking != "" && g.Lang != "" {
			c.add(at, path, "has both marking_ref and lang")
		}
		if g.Lang != "" && !isLanguage(g.Lang) {
			c.add(at, path+".lang", notLanguage)
		}
		for _, s := range g.Selectors {
			if _, ok := c.o.Select(s); !ok {
				c.add(at, path+".selectors", "has a selector that names nothing in the object")
			}
		}
	}
}
