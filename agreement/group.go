package agreement

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Group is the name of the document's group that the pattern stands for; "" when it is a code.
func (c CodePattern) Group() string {
	if g, ok := strings.CutPrefix(string(c), "@"); ok {
		return g
	}
	return ""
}

// checkGroups adds what is wrong with groups.
func (d *Document) checkGroups(all *problems) {
	// spec: AGR-1
	const at = jsontext.Pointer("/groups")
	if d.Groups != nil && len(d.Groups) == 0 || len(d.Groups) > MaxList {
		all.add("AGR-1", at, "has 1 to 64 groups; leave the member out where there is none")
	}
	for _, name := range sortedKeys(d.Groups) {
		switch codes, own := d.Groups[name], at.AppendToken(name); {
		case !statement.IsIdentifier(name):
			all.add("AGR-1", at, "has a name that is no identifier")
		case len(codes) == 0 || len(codes) > MaxParties:
			all.add("AGR-1", own, "has 1 to 256 codes")
		case repeated(codes):
			all.add("AGR-1", own, "names a code twice")
		case slices.ContainsFunc(codes, func(c CodePattern) bool { return c.Group() != "" }):
			all.add("AGR-1", own, "names a group; a group is made of codes")
		case slices.ContainsFunc(codes, func(c CodePattern) bool { return !c.belongs(d) }):
			all.add("AGR-1", own, strangerCode)
		}
	}
}

const strangerCode = "names a code that is neither a party of this agreement nor an office of one; XA.* stands for XA and its offices"

// badCodes holds the codes and groups of a rule against the document.
func (d *Document) badCodes(codes []CodePattern) string {
	for _, c := range codes {
		switch g := c.Group(); {
		case g != "" && d.Groups[g] == nil:
			return "names a group that the document does not define"
		case g == "" && !c.belongs(d):
			return strangerCode
		}
	}
	return ""
}

// resolve puts the codes of groups in the place of their names. Everything but the document itself works on resolved rules.
func (d *Document) resolve(r *Rule) *Rule {
	out := *r
	out.From, out.To = d.codes(r.From), d.codes(r.To)
	return &out
}

func (d *Document) codes(patterns []CodePattern) []CodePattern {
	if !slices.ContainsFunc(patterns, func(c CodePattern) bool { return c.Group() != "" }) {
		return patterns
	}
	var out []CodePattern
	for _, c := range patterns {
		if g := c.Group(); g != "" {
			out = append(out, d.Groups[g]...)
		} else {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// side is the party that a code speaks for: itself where it is bound, else the one whose office it is.
func (p *Policy) side(code party.Code, joined []party.Code) party.Code {
	if p.members == nil || p.members.parties[code] || slices.Contains(joined, code) {
		return code
	}
	return code.Principal()
}
