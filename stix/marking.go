package stix

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/marking"
)

// Meaning is what kind of marking a marking-definition is.
type Meaning string

// The meanings.
const (
	MeansTLP       Meaning = "tlp"
	MeansStatement Meaning = "statement"
	MeansPolicy    Meaning = "iep"
	MeansHandling  Meaning = "handling" // what Comity says beside a label
	MeansOther     Meaning = "other"    // nothing that we understand
)

// Definition is what a marking-definition says.
type Definition struct {
	ID        ID
	Meaning   Meaning
	TLP       marking.TLP // of a TLP marking
	Statement string
	Policy    Policy
	Handling  marking.Marking // of MeansHandling: all but TLP and PAP
}

// The extensions by which marking-definitions say TLP 2.0 and IEP 2.0 (OASIS common objects).
const (
	tlpExtension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
	iepExtension = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
)

// HandlingExtension is the one by which marking-definitions say what is neither TLP nor IEP: handling, personal_data and retain_until, each as in the marking of a head (STM-5). Who does not know it
// takes the definition for one that it does not understand.
const HandlingExtension = "extension-definition--6c1f0a52-9d3e-4b7b-8f64-2a5e0d7c91b3"

// tlpMarking is one of the marking-definitions that the standards fix.
type tlpMarking struct {
	tlp        marking.TLP
	generation int // of TLP: 1 or 2
	id         ID
}

// tlpMarkings has TLP 1.0 (§7.2.1.4) and TLP 2.0, from the widest circle to the narrowest. AMBER of TLP 1.0 allows what AMBER of
// TLP 2.0 does: sharing within the recipient's organisation and with its clients.
var tlpMarkings = []tlpMarking{
	{marking.Clear, 1, "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"},
	{marking.Green, 1, "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"},
	{marking.Amber, 1, "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"},
	{marking.Red, 1, "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"},
	{marking.Clear, 2, "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"},
	{marking.Green, 2, "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"},
	{marking.Amber, 2, "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"},
	{marking.AmberStrict, 2, "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"},
	{marking.Red, 2, "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"},
}

func tlpOf(id ID) (marking.TLP, bool) {
	for _, m := range tlpMarkings {
		if m.id == id {
			return m.tlp, true
		}
	}
	return "", false
}

// TLPRef is the id of the TLP 2.0 marking-definition of t, "" for what is no label.
func TLPRef(t marking.TLP) ID { return tlpRef(t, 2) }

// TLP1Ref is the id of the TLP 1.0 marking-definition of t, for programs that know no other. That generation has no AMBER+STRICT: it
// becomes RED, since anything else would be looser.
func TLP1Ref(t marking.TLP) ID {
	if t == marking.AmberStrict {
		t = marking.Red
	}
	return tlpRef(t, 1)
}

func tlpRef(t marking.TLP, generation int) ID {
	for _, m := range tlpMarkings {
		if m.tlp == t && m.generation == generation {
			return m.id
		}
	}
	return ""
}

// ParseDefinition reads what a marking-definition says. It takes everything: what it does not understand is MeansOther. The label that a
// fixed id of TLP means is not its business: Resolve goes by the id alone, so nobody can redefine one.
func ParseDefinition(o *Object) Definition {
	d := Definition{ID: o.ID, Meaning: MeansOther}
	body, _ := o.Property("definition")
	extension := func(id string) string {
		text, _ := o.Select("extensions." + id)
		return text
	}
	stated := labelOf(stringIn(body, "tlp"))
	if t := labelOf(stringIn(extension(tlpExtension), "tlp_2_0")); t != "" {
		stated = t
	}
	policy, handling := extension(iepExtension), extension(HandlingExtension)
	switch kind := strings.ToLower(o.Text("definition_type")); {
	case o.Type != "marking-definition":
	case handling != "":
		if h, ok := handlingOf(handling); ok && kind == "" && body == "" && policy == "" && stated == "" {
			d.Meaning, d.Handling = MeansHandling, h
		}
	case policy != "" && policy[0] == '{':
		d.Meaning, d.Policy = MeansPolicy, policyOf(policy)
		if stated.Rank() > d.Policy.TLP.Rank() && d.Policy.TLP != "" {
			d.Policy.TLP = stated
		}
	case stated != "" && (kind == "tlp" || kind == ""):
		d.Meaning, d.TLP = MeansTLP, stated
	case kind == "iep" && body != "" && body[0] == '{':
		d.Meaning, d.Policy = MeansPolicy, policyOf(body)
	case kind == "statement" && statementOf(body) != "":
		d.Meaning, d.Statement = MeansStatement, statementOf(body)
	}
	return d
}

// labelOf reads a label in any case, with or without "TLP:" before it.
func labelOf(s string) marking.TLP {
	t := marking.TLP(strings.TrimPrefix(strings.ToUpper(s), "TLP:"))
	if t == "WHITE" {
		t = marking.Clear
	}
	if t.Rank() < 0 {
		return ""
	}
	return t
}

func statementOf(body string) string { return stringIn(body, "statement") }

// stringIn gives a string that an object's text has by a name, "" where there is none.
func stringIn(text, name string) string {
	if text == "" {
		return ""
	}
	if v, ok := child(text, name); ok {
		s, _ := textOf[string](v)
		return s
	}
	return ""
}

// Lookup finds what a marking-definition says; false where it is not here.
type Lookup func(ID) (Definition, bool)

// maxHandling is how many handling codes a marking.Marking may have (STM-5).
const maxHandling = 16

// omitted stands for handling codes for which there was no room.
const omitted = "stix:more-markings"

// Marking is what the definition asks for in our terms. What is kept and not understood is a handling code: the definition's own id,
// so that a copy must carry it on and an agreement can name it.
//
//   - TLP: the label.
//   - A statement (copyright, terms of use) limits no circle by itself: a handling code.
//   - IEP: see Policy.Marking.
//   - Handling: what it says.
//   - Anything else could mean that nobody else may see it, so it counts as RED, and is a handling code.
func (d Definition) Marking() marking.Marking {
	switch d.Meaning {
	case MeansTLP:
		return marking.Marking{TLP: d.TLP}
	case MeansStatement:
		return marking.Marking{Handling: []string{string(d.ID)}}
	case MeansPolicy:
		return d.Policy.Marking()
	case MeansHandling:
		return d.Handling
	}
	return marking.Marking{TLP: marking.Red, Handling: []string{string(d.ID)}}
}

// Resolve gives the marking under which the object as a whole stands: the strictest of its own markings and of all granular ones, for
// who has the object has every part of it. Its TLP is "" where no marking names a circle; then what its source agreed to holds.
//
// missing has the definitions that find does not know. They count as RED until they come.
func Resolve(o *Object, find Lookup) (m marking.Marking, missing []ID) {
	for _, id := range o.Markings {
		m, missing = add(m, missing, id, find)
	}
	for _, g := range o.Granular {
		if g.Marking != "" {
			m, missing = add(m, missing, g.Marking, find)
		}
	}
	return bounded(m), missing
}

// ResolveAt gives the marking of the value that a path leads to, written as a selector is. Markings of the object hold for it too, but
// a TLP label of its own goes before that of the object, even if it is looser (§7.2.3). Nothing may be passed on by it alone: the
// object stands under Resolve.
func ResolveAt(o *Object, path string, find Lookup) (m marking.Marking, missing []ID) {
	for _, g := range o.Granular {
		if g.Marking != "" && g.covers(path) {
			m, missing = add(m, missing, g.Marking, find)
		}
	}
	own := m.TLP
	for _, id := range o.Markings {
		m, missing = add(m, missing, id, find)
	}
	if own != "" {
		m.TLP = own
	}
	return bounded(m), missing
}

// RefsOf is the other way: the marking-definitions that say what m does, as far as there are any: its label, and the handling codes that
// are ids of definitions. rest is the zero Marking, or, with the label, what they leave unsaid; PolicyOf has words for most of that.
func RefsOf(m marking.Marking) (refs []ID, rest marking.Marking) {
	if ref := TLPRef(m.TLP); ref != "" {
		refs = append(refs, ref)
	}
	for _, h := range m.Handling {
		if id := ID(h); id.Type() == "marking-definition" && id.valid() {
			refs = append(refs, id)
		} else {
			rest.Handling = append(rest.Handling, h)
		}
	}
	if m.PAP.Rank() != 0 {
		rest.PAP = m.PAP
	}
	if m.PersonalData.Rank() != 0 {
		rest.PersonalData = m.PersonalData
	}
	rest.RetainUntil = m.RetainUntil
	if rest.Handling != nil || rest.PAP != "" || rest.PersonalData != "" || rest.RetainUntil != "" {
		rest.TLP = m.TLP
	}
	return refs, rest
}

func add(m marking.Marking, missing []ID, id ID, find Lookup) (marking.Marking, []ID) {
	d := Definition{ID: id, Meaning: MeansOther}
	if t, ok := tlpOf(id); ok {
		d.Meaning, d.TLP = MeansTLP, t
	} else if known, ok := find(id); ok {
		d = known
	} else if !slices.Contains(missing, id) {
		missing = append(missing, id)
	}
	x := d.Marking()
	if len(x.Handling) == 0 && len(m.Handling) == 0 && x.PAP == "" && d.Meaning != MeansHandling {
		// The common case, a label and nothing else, without a list.
		if x.TLP.Rank() > m.TLP.Rank() {
			m.TLP = x.TLP
		}
		return m, missing
	}
	return marking.Combine(m, x), missing
}

// bounded keeps to the number of handling codes that a marking may have. What falls off could mean anything: RED.
func bounded(m marking.Marking) marking.Marking {
	if len(m.Handling) > maxHandling {
		m.Handling = append(m.Handling[:maxHandling-1:maxHandling-1], omitted)
		m.TLP = marking.Red
	}
	return m
}
