package stix

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/wire"
)

// handling is the extension.
type handling struct {
	Kind         string               `json:"extension_type"`
	Codes        []string             `json:"handling,omitempty"`
	PersonalData marking.PersonalData `json:"personal_data,omitzero"`
	RetainUntil  string               `json:"retain_until,omitzero"`
}

// handlingOf reads it; false where it says anything that a head could not, or nothing: then it could mean anything.
func handlingOf(text string) (m marking.Marking, ok bool) {
	var h handling
	if json.Unmarshal([]byte(text), &h, json.RejectUnknownMembers(true)) != nil || h.Kind != "property-extension" {
		return m, false
	}
	m = marking.Marking{Handling: h.Codes, PersonalData: h.PersonalData, RetainUntil: h.RetainUntil}
	return m, CanHandle(m) && (len(m.Handling) > 0 || m.PersonalData != "" || m.RetainUntil != "")
}

// CanHandle tells whether all of a marking but its labels is as a head has it (STM-5).
func CanHandle(m marking.Marking) bool {
	m.TLP, m.PAP = marking.Clear, ""
	if m.RetainUntil != "" {
		if _, err := wire.ParseTime(m.RetainUntil); err != nil {
			return false
		}
	}
	return m.Check() == nil && !slices.ContainsFunc(m.Handling, func(code string) bool { return !wire.IsIdentifier(code) })
}

// HandlingMarking makes a marking-definition that says all of a marking but its labels, for which there are others. One that CanHandle does not take is RED for whoever reads it.
type HandlingMarking struct {
	Common
	Marking marking.Marking
}

// Object writes the marking-definition. See Domain.Object.
func (h HandlingMarking) Object() (*Object, error) {
	d := Domain{Common: h.Common.ofDefinition(), Type: "marking-definition", Properties: []Property{{"name", strings.Join(h.words(), " ")}}}
	d.Custom = append(d.Custom, Property{"extensions", map[string]any{
		HandlingExtension: handling{"property-extension", h.Marking.Handling, h.Marking.PersonalData, h.Marking.RetainUntil},
	}})
	return d.Object()
}

// words are what it says, for people.
func (h HandlingMarking) words() (all []string) {
	all = append(all, h.Marking.Handling...)
	if p := h.Marking.PersonalData; p != "" {
		all = append(all, "personal-data:"+string(p))
	}
	if t := h.Marking.RetainUntil; t != "" {
		all = append(all, "retain-until:"+t)
	}
	return all
}
