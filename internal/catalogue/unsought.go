package catalogue

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/stix"
)

// maxUnsought is how many indicators that nobody can look for are told of one by one; the others are counted.
const maxUnsought = 20

// unsought says why an indicator cannot be looked for in logs, safe to show; "" where it can, and of what is no indicator. It is taken all the same: others may read its pattern. What a pattern may
// cost is bounded where it is read (pattern.Limits).
func unsought(o *stix.Object) string {
	if o.Type != "indicator" {
		return ""
	}
	if o.PatternType != "stix" && o.PatternType != "" {
		return "its pattern is none of STIX, but of another language"
	}
	values, err := match.ParsePattern(o.Pattern)
	if err != nil {
		return "its pattern cannot be read: " + fault.Show(err)
	}
	if len(values) == 0 {
		return "its pattern asks for more than values that logs are searched for"
	}
	if slices.ContainsFunc(values, match.Value.Wide) {
		return "it names a range wider than /8 (IPv6: /16), which would be found on every line: comity match looks for it with --wide alone"
	}
	return ""
}

// sought notes of an object that is taken whether it can be looked for.
func (g *gathering) sought(item stix.Item) {
	reason := unsought(item.Object)
	if reason == "" {
		return
	}
	if g.report.Unsought++; len(g.report.UnsoughtFirst) < maxUnsought {
		g.report.UnsoughtFirst = append(g.report.UnsoughtFirst, Refused{Index: item.Index, Offset: item.Offset, Reason: reason})
	}
}
