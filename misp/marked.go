package misp

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// Tags that say of a marking what is neither TLP nor PAP. MISP has no taxonomies for these: codes are what agreements name, and the date is a day on which content is erased.
const (
	ours         = "comity"
	handlingWord = "handling"      // a code: no-onward
	personalWord = "personal-data" // none, minimised, allowed
	retainWord   = "retain-until"  // 2027-01-01T00:00:00.000Z
)

// MarkingOf is the marking that what has these tags gets when it comes in, the strictest of each. Its TLP is "" where none names a circle. What stands in the namespace comity and nobody knows counts as RED.
func MarkingOf(tags []Tag) marking.Marking {
	m := said(tags)
	if m.PAP == "" {
		return m
	}
	return marking.Combine(m, implied(m))
}

// implied is what a PAP label becomes as a policy: GREEN from CLEAR on, and of RED a handling code, too. It needs no tags.
func implied(m marking.Marking) marking.Marking {
	p, _ := stix.PolicyOf(marking.Marking{TLP: marking.Clear, PAP: m.PAP})
	in := p.Marking()
	return marking.Marking{PAP: in.PAP, Handling: in.Handling}
}

// said is what tags say, without what follows from it.
func said(tags []Tag) marking.Marking {
	m := marking.Marking{}
	known := true
	for _, t := range tags {
		word, value, ours := oursIn(t.Name)
		if !ours {
			continue
		}
		one := marking.Marking{}
		switch word {
		case handlingWord:
			one.Handling = []string{value}
		case personalWord:
			one.PersonalData = marking.PersonalData(value)
		case retainWord:
			one.RetainUntil = value
		}
		both := marking.Combine(m, one)
		if value == "" || !stix.CanHandle(one) || !stix.CanHandle(both) || len(one.Handling) == 0 && one.PersonalData == "" && one.RetainUntil == "" {
			known = false
			continue
		}
		if m = both; m.PersonalData == "" {
			m.PersonalData = one.PersonalData
		}
	}
	m.TLP, m.PAP = TLP(tags), PAP(tags)
	if !known {
		m.TLP = marking.Red
	}
	return m
}

// oursIn takes a tag apart that is of our namespace.
func oursIn(name string) (word, value string, ok bool) {
	space, rest, ok := strings.Cut(strings.TrimSpace(name), ":")
	if !ok || !strings.EqualFold(space, ours) {
		return "", "", false
	}
	word, value, _ = strings.Cut(rest, "=")
	return strings.ToLower(word), strings.Trim(value, `"`), true
}

// MarkingTags are the tags that say a marking.
func MarkingTags(m marking.Marking) []Tag { return Mark(nil, m) }

// Mark is tags with those of a marking in the place of what they say less strictly, since two that contradict each other would be read either way.
func Mark(tags []Tag, m marking.Marking) []Tag {
	cur := MarkingOf(tags)
	tags = slices.Clip(tags)
	instead := func(of func(Tag) bool, t Tag) { tags = append(slices.DeleteFunc(slices.Clone(tags), of), t) }
	if m.TLP.Rank() > cur.TLP.Rank() {
		instead(func(t Tag) bool { return label(t.Name) != "" }, TLPTag(m.TLP))
	}
	if m.PAP != "" && (cur.PAP == "" || m.PAP.Rank() > cur.PAP.Rank()) {
		instead(func(t Tag) bool { return PAP([]Tag{t}) != "" }, Tag{Name: "PAP:" + string(m.PAP)})
	}
	is := func(word string) func(Tag) bool {
		return func(t Tag) bool { w, _, ok := oursIn(t.Name); return ok && w == word }
	}
	cur = MarkingOf(tags)
	for _, code := range m.Handling {
		if !slices.Contains(cur.Handling, code) {
			tags = append(tags, ourTag(handlingWord, code))
		}
	}
	if m.PersonalData != "" && (cur.PersonalData == "" || m.PersonalData.Rank() > cur.PersonalData.Rank()) {
		instead(is(personalWord), ourTag(personalWord, string(m.PersonalData)))
	}
	if m.RetainUntil != "" && (cur.RetainUntil == "" || m.RetainUntil < cur.RetainUntil) {
		instead(is(retainWord), ourTag(retainWord, m.RetainUntil))
	}
	return tags
}

func ourTag(word, value string) Tag { return Tag{Name: ours + ":" + word + `="` + value + `"`} }

// marked gives the stricter of what the event's tags and those given say, without what follows from it.
func (x *mapper) marked(tags ...[]Tag) marking.Marking {
	all := x.head.Tags
	for _, list := range tags {
		if len(list) > 0 {
			all = slices.Concat(all, list)
		}
	}
	if len(all) == len(x.head.Tags) {
		return x.mark
	}
	return said(all)
}

// handlingDefinition gives the marking-definition of what is neither TLP nor PAP of a marking; "" where there is nothing.
func (x *mapper) handlingDefinition(m marking.Marking) stix.ID {
	m.TLP, m.PAP = "", ""
	if len(m.Handling) == 0 && m.PersonalData == "" && m.RetainUntil == "" {
		return ""
	}
	id := stix.DeriveID("marking-definition", namespace, []byte("handling\n"+strings.Join(m.Handling, "\n")+"\n\n"+string(m.PersonalData)+"\n"+m.RetainUntil))
	us := stix.DeriveID("identity", namespace, []byte("extension"))
	x.once(stix.Domain{Common: stix.Common{ID: stix.HandlingExtension, CreatedBy: us, Created: ever}, Type: "extension-definition", Properties: []stix.Property{
		{Name: "name", Value: "Handling"}, {Name: "description", Value: "What a marking asks for beside TLP and IEP."},
		{Name: "schema", Value: "An object with handling, a list of codes, personal_data, one of none, minimised and allowed, and retain_until, the time from which content is erased."},
		{Name: "version", Value: "1.0.0"}, {Name: "extension_types", Value: []string{"property-extension"}}}}.Object())
	x.once(stix.HandlingMarking{Common: stix.Common{ID: id, Created: ever}, Marking: m}.Object())
	return id
}
