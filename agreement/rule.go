package agreement

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Effect is what a rule does when all its conditions hold.
type Effect string

// The effects. Forbid wins (DEC-1). Approve neither permits nor forbids between the parties: a second officer of the author's looks at it
// before it leaves (DEC-10).
const (
	Permit  Effect = "permit"
	Forbid  Effect = "forbid"
	Approve Effect = "approve"
)

// Rule is one machine-readable rule of an article (AGR-3). An absent condition (nil) always holds.
type Rule struct {
	Effect       Effect                 `json:"effect"`
	Kinds        []KindPattern          `json:"kinds,omitempty"`
	From         []CodePattern          `json:"from,omitempty"`
	To           []CodePattern          `json:"to,omitempty"`
	TLPMax       *marking.TLP           `json:"tlp_max,omitempty"`
	TLPMin       *marking.TLP           `json:"tlp_min,omitempty"`
	PAPMax       *marking.PAP           `json:"pap_max,omitempty"`
	PersonalData *marking.PersonalData  `json:"personal_data,omitempty"` // at most; where it does not permit, at least
	Precedence   []statement.Precedence `json:"precedence,omitempty"`
	Tracks       []statement.Track      `json:"tracks,omitempty"`
	Exercise     *bool                  `json:"exercise,omitempty"`
	Purposes     []string               `json:"purposes,omitempty"`
	Sectors      []string               `json:"sectors,omitempty"`
	Types        []string               `json:"types,omitempty"`
	Handling     []string               `json:"handling,omitempty"`   // all of them
	Without      []string               `json:"without,omitempty"`    // none of them
	BodyMax      *int64                 `json:"body_max,omitempty"`   // bytes, blobs included
	RetainMax    *int64                 `json:"retain_max,omitempty"` // seconds until the date of erasure; where it does not permit, longer or without a date
	PerDay       *int64                 `json:"per_day,omitempty"`    // the count of the day is below it; where it does not permit, at least it
}

// restricts tells whether the rule narrows what others permit: then its limits count from above.
func (r *Rule) restricts() bool { return r.Effect != Permit }

// KindPattern is a kind, or "assist.*" for every kind of a desk.
type KindPattern string

// Desk is the desk whose kinds it stands for; "" when it is one kind.
func (k KindPattern) Desk() string {
	if d, ok := strings.CutSuffix(string(k), ".*"); ok {
		return d
	}
	return ""
}

// Matches tells whether it stands for kind.
func (k KindPattern) Matches(kind statement.Kind) bool {
	if all := len(k) - 1; all > 0 && k[all] == '*' { // "assist.", and the star
		return len(kind) > all && string(kind[:all]) == string(k[:all])
	}
	return statement.Kind(k) == kind
}

func (k KindPattern) valid() bool {
	s := string(k)
	if d := k.Desk(); d != "" {
		s = d + ".xx" // any verb: the desk is what is checked
	}
	_, err := statement.ParseKind(s)
	return err == nil
}

// CodePattern is a party's code, which does not include its offices, or "XA.*" for XA and all of them; in a rule also "@name" for a group.
type CodePattern string

// Code is the party that it names, without the star.
func (c CodePattern) Code() party.Code { return party.Code(strings.TrimSuffix(string(c), ".*")) }

// Offices tells whether the party's offices are included.
func (c CodePattern) Offices() bool { return strings.HasSuffix(string(c), ".*") }

// Matches tells whether it names code.
func (c CodePattern) Matches(code party.Code) bool {
	// spec: AGR-3
	star := len(c) - 2
	if star < 1 || c[star:] != ".*" {
		return string(c) == string(code)
	}
	own := string(c[:star])
	return string(code) == own || string(code.Principal()) == own
}

// belongs tells whether the pattern names a party, or offices of one.
func (c CodePattern) belongs(d *Document) bool {
	code := c.Code()
	if _, err := party.ParseCode(string(code)); err != nil || c.Offices() && code.IsOffice() {
		return false
	}
	return d.Has(code) || d.Has(code.Principal())
}

// check holds a rule against AGR-3. It says which member is wrong and how; member "" is the rule itself.
func (r *Rule) check(d *Document) (member, why string) {
	// spec: AGR-3
	lists := []struct {
		member string
		n      int
		absent bool
		twice  bool
	}{
		{"kinds", len(r.Kinds), r.Kinds == nil, repeated(r.Kinds)},
		{"from", len(r.From), r.From == nil, repeated(r.From)},
		{"to", len(r.To), r.To == nil, repeated(r.To)},
		{"precedence", len(r.Precedence), r.Precedence == nil, repeated(r.Precedence)},
		{"tracks", len(r.Tracks), r.Tracks == nil, repeated(r.Tracks)},
		{"purposes", len(r.Purposes), r.Purposes == nil, repeated(r.Purposes)},
		{"sectors", len(r.Sectors), r.Sectors == nil, repeated(r.Sectors)},
		{"types", len(r.Types), r.Types == nil, repeated(r.Types)},
		{"handling", len(r.Handling), r.Handling == nil, repeated(r.Handling)},
		{"without", len(r.Without), r.Without == nil, repeated(r.Without)},
	}
	for _, l := range lists {
		if why := badList(l.n, l.absent, l.twice); why != "" {
			return l.member, why
		}
	}
	switch {
	case r.Effect != Permit && r.Effect != Forbid && r.Effect != Approve:
		return "effect", form["effect"]
	case slices.ContainsFunc(r.Kinds, func(k KindPattern) bool { return !k.valid() }):
		return "kinds", form["kinds"]
	case r.TLPMax != nil && r.TLPMax.Rank() < 0:
		return "tlp_max", form["tlp_max"]
	case r.TLPMin != nil && r.TLPMin.Rank() < 0:
		return "tlp_min", form["tlp_min"]
	case r.TLPMax != nil && r.TLPMin != nil && r.TLPMin.Rank() > r.TLPMax.Rank():
		return "tlp_min", "is above tlp_max, so the rule could never hold"
	case r.PAPMax != nil && (*r.PAPMax == "" || r.PAPMax.Rank() < 0):
		return "pap_max", form["pap_max"]
	case r.PersonalData != nil && (*r.PersonalData == "" || r.PersonalData.Rank() < 0):
		return "personal_data", form["personal_data"]
	case slices.ContainsFunc(r.Precedence, func(p statement.Precedence) bool { return p.Rank() < 0 }):
		return "precedence", form["precedence"]
	case slices.ContainsFunc(r.Tracks, func(t statement.Track) bool { return !isTrack(t) }):
		return "tracks", form["tracks"]
	case r.BodyMax != nil && (*r.BodyMax < 0 || *r.BodyMax > 1<<53-1):
		return "body_max", form["body_max"]
	case r.RetainMax != nil && (*r.RetainMax < 1 || *r.RetainMax > MaxKept):
		return "retain_max", form["retain_max"]
	case r.PerDay != nil && (*r.PerDay < 1 || *r.PerDay > MaxPerDay):
		return "per_day", form["per_day"]
	}
	for _, l := range []struct {
		member string
		values []string
	}{{"purposes", r.Purposes}, {"sectors", r.Sectors}, {"types", r.Types}, {"handling", r.Handling}, {"without", r.Without}} {
		if !identifiers(l.values) {
			return l.member, form[l.member]
		}
	}
	for _, l := range []struct {
		member string
		codes  []CodePattern
	}{{"from", r.From}, {"to", r.To}} {
		if why := d.badCodes(l.codes); why != "" {
			return l.member, why
		}
	}
	return r.neverHolds()
}

func badList(n int, absent, twice bool) string {
	switch {
	case absent:
		return ""
	case n == 0:
		return "is an empty list; leave the member out instead"
	case n > MaxList:
		return "has more than 64 values"
	case twice:
		return "names a value twice"
	}
	return ""
}

func isTrack(t statement.Track) bool {
	return t == statement.Technical || t == statement.Diplomatic || t == statement.Leadership
}

func identifiers(list []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !statement.IsIdentifier(s) })
}

func repeated[T comparable](s []T) bool {
	seen := make(map[T]bool, len(s))
	for _, v := range s {
		seen[v] = true
	}
	return len(seen) < len(s)
}
