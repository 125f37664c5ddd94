package agreement

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/marking"
)

// neverHolds finds conditions that exclude each other.
func (r *Rule) neverHolds() (member, why string) {
	// spec: AGR-3
	switch {
	case slices.ContainsFunc(r.Without, func(h string) bool { return slices.Contains(r.Handling, h) }):
		return "without", "names a code that handling asks for, so the rule could never hold"
	case len(r.From) == 1 && len(r.To) == 1 && r.From[0] == r.To[0] && !r.From[0].Offices() && r.From[0].Group() == "":
		return "to", "names the author alone, so the rule could never hold"
	}
	return "", ""
}

// forbiddenOutright adds permitting rules whose every case some rule forbids: whoever wrote one of them did not mean the other.
func (d *Document) forbiddenOutright(all *problems) {
	// spec: AGR-3
	var bans []*ban
	for i := range d.Articles {
		for j := range d.Articles[i].Rules {
			if r := &d.Articles[i].Rules[j]; r.Effect == Forbid {
				bans = append(bans, newBan(d.resolve(r), d.Articles[i].Number))
			}
		}
	}
	for i := range d.Articles {
		for j := range d.Articles[i].Rules {
			if len(bans) == 0 || d.Articles[i].Rules[j].Effect != Permit {
				continue
			}
			r := d.resolve(&d.Articles[i].Rules[j])
			if n := slices.IndexFunc(bans, func(b *ban) bool { return b.covers(r) }); n >= 0 {
				at := jsontext.Pointer("/articles").AppendToken(itoa(i)).AppendToken("rules").AppendToken(itoa(j))
				all.add("AGR-3", at, "permits nothing: article "+bans[n].article+" forbids all of it")
			}
		}
	}
}

// ban is a forbidding rule, resolved, and its lists as sets: a document may have many rules to hold against many.
type ban struct {
	*Rule
	article                  string
	kinds                    map[KindPattern]bool
	from, to                 map[CodePattern]bool
	purposes, sectors, types map[string]bool
}

func newBan(r *Rule, article string) *ban {
	return &ban{
		Rule: r, article: article, kinds: setOf(r.Kinds), from: setOf(r.From), to: setOf(r.To),
		purposes: setOf(r.Purposes), sectors: setOf(r.Sectors), types: setOf(r.Types),
	}
}

func setOf[T comparable](list []T) map[T]bool {
	if list == nil {
		return nil
	}
	set := make(map[T]bool, len(list))
	for _, v := range list {
		set[v] = true
	}
	return set
}

// covers tells whether the ban holds wherever a permitting rule does, condition by condition: each that it has is there too, the same or
// narrower. The permitting rule is resolved.
func (b *ban) covers(permit *Rule) bool {
	switch {
	case b.RetainMax != nil || b.PerDay != nil || b.PersonalData != nil && b.PersonalData.Rank() > 0: // from above, against from below
		return false
	case b.TLPMax != nil && b.TLPMax.Rank() < marking.Red.Rank() && (permit.TLPMax == nil || permit.TLPMax.Rank() > b.TLPMax.Rank()):
		return false
	case b.TLPMin != nil && b.TLPMin.Rank() > 0 && (permit.TLPMin == nil || permit.TLPMin.Rank() < b.TLPMin.Rank()):
		return false
	case b.PAPMax != nil && b.PAPMax.Rank() < marking.PAPRed.Rank() && (permit.PAPMax == nil || permit.PAPMax.Rank() > b.PAPMax.Rank()):
		return false
	case b.Exercise != nil && (permit.Exercise == nil || *permit.Exercise != *b.Exercise):
		return false
	case b.BodyMax != nil && (permit.BodyMax == nil || *permit.BodyMax > *b.BodyMax):
		return false
	case b.Precedence != nil && (permit.Precedence == nil || slices.ContainsFunc(permit.Precedence, lacks(b.Precedence))):
		return false
	case b.Tracks != nil && (permit.Tracks == nil || slices.ContainsFunc(permit.Tracks, lacks(b.Tracks))):
		return false
	case slices.ContainsFunc(b.Handling, lacks(permit.Handling)) || slices.ContainsFunc(b.Without, lacks(permit.Without)):
		return false
	}
	same := func(v string) string { return v }
	return within(b.kinds, permit.Kinds, KindPattern.whole) && within(b.from, permit.From, CodePattern.whole) && within(b.to, permit.To, CodePattern.whole) &&
		within(b.purposes, permit.Purposes, same) && within(b.sectors, permit.Sectors, same) && within(b.types, permit.Types, same)
}

// within tells whether a condition that is a set holds wherever one that is a list does; whole is the wider value that takes in a narrower.
func within[T comparable](set map[T]bool, list []T, whole func(T) T) bool {
	return set == nil || list != nil && !slices.ContainsFunc(list, func(v T) bool { return !set[v] && !set[whole(v)] })
}

// whole is the pattern of all kinds of the desk.
func (k KindPattern) whole() KindPattern {
	desk, _, _ := strings.Cut(string(k), ".")
	return KindPattern(desk + ".*")
}

// whole is the pattern of the party with all its offices.
func (c CodePattern) whole() CodePattern { return CodePattern(c.Code().Principal() + ".*") }

// lacks is whether a list is without a value.
func lacks[T comparable](list []T) func(T) bool {
	return func(v T) bool { return !slices.Contains(list, v) }
}
