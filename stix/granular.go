package stix

// Granular is one entry of granular_markings (§7.2.3): the properties that its selectors name are marked with Marking, or are in
// the language Lang. Exactly one of the two is set in what Check passes.
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
		text, ok := v[m.from:m.to], true
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
