package stix

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/marking"
)

// Policy is an Information Exchange Policy (FIRST IEP 2.0), as a marking-definition carries it. Values are the standard's own words;
// "" is what was not stated, or not in such words.
type Policy struct {
	ID, Name         string
	EncryptInTransit string      // must, may
	PermittedActions string      // none … externally-visible-direct-actions
	Notifications    string      // affected_party_notifications: may, must-not
	TLP              marking.TLP // "" where there is none that we know
	Attribution      string      // may, must, must-not
	UnmodifiedResale string      // may, must-not
}

// actions has the permitted actions from the strictest to the widest, and the PAP label that allows no more.
//
// What is visible inside one's own network alone is RED and not AMBER: AMBER lets third parties be asked, which the policy forbids.
var actions = []struct {
	words string
	pap   marking.PAP
}{
	{"none", marking.PAPRed},
	{"contact-for-instruction", marking.PAPRed},
	{"internally-visible-actions", marking.PAPRed},
	{"externally-visible-indirect-actions", marking.PAPAmber},
	{"externally-visible-direct-actions", marking.PAPGreen},
}

func actionRank(words string) int {
	for i, a := range actions {
		if a.words == words {
			return i
		}
	}
	return -1
}

// policyOf reads a policy. The extension and IEP's own text name some statements differently; both are taken.
func policyOf(text string) Policy {
	word := func(names ...string) string {
		for _, n := range names {
			if s := stringIn(text, n); s != "" {
				return strings.ToLower(strings.ReplaceAll(s, " ", "-"))
			}
		}
		return ""
	}
	p := Policy{
		ID: stringIn(text, "iep_id"), Name: stringIn(text, "name"),
		EncryptInTransit: oneOf(word("encrypt_in_transit"), "must", "may"),
		PermittedActions: word("permitted_actions"),
		Notifications:    oneOf(word("affected_party_notifications"), "may", "must-not"),
		TLP:              labelOf(stringIn(text, "tlp")),
		Attribution:      oneOf(word("attribution", "provider_attribution"), "may", "must", "must-not"),
		UnmodifiedResale: oneOf(word("unmodified_resale"), "may", "must-not"),
	}
	if list, ok := child(text, "permitted_actions"); ok && list[0] == '[' {
		// Some write a list of them: the strictest holds.
		p.PermittedActions = ""
		all, _ := listOf(list, textOf[string])
		for i, a := range all {
			if i == 0 || actionRank(a) < actionRank(p.PermittedActions) {
				p.PermittedActions = a
			}
		}
	}
	if actionRank(p.PermittedActions) < 0 {
		p.PermittedActions = ""
	}
	return p
}

// oneOf gives s if it is one of words, "" otherwise.
func oneOf(s string, words ...string) string {
	if slices.Contains(words, s) {
		return s
	}
	return ""
}

// iepCode begins the handling codes that carry statements of a policy: iep:<statement>:<value>.
const iepCode = "iep:"

// Marking is what the policy asks for in our terms: its TLP, the PAP label that allows no more than its permitted actions, and for
// each statement that forbids or demands something a handling code. What it does not state, or not in the standard's words, counts
// as the strictest value. Its dates are not looked at: a policy that has ended is still what the originator last said.
func (p Policy) Marking() marking.Marking {
	m := marking.Marking{TLP: p.TLP, PAP: marking.PAPRed}
	if m.TLP == "" {
		m.TLP = marking.Red
	}
	action := p.PermittedActions
	if action == "" {
		action = "none"
	}
	m.PAP = actions[actionRank(action)].pap
	code := func(statement, value string) { m.Handling = append(m.Handling, iepCode+statement+":"+value) }
	if p.Notifications != "may" {
		code("affected_party_notifications", "must-not")
	}
	if a := p.Attribution; a == "" {
		code("attribution", "must-not")
	} else if a != "may" {
		code("attribution", a)
	}
	if p.EncryptInTransit != "may" {
		code("encrypt_in_transit", "must")
	}
	if m.PAP == marking.PAPRed {
		code("permitted_actions", action)
	}
	if p.UnmodifiedResale != "may" {
		code("unmodified_resale", "must-not")
	}
	return m
}

// PolicyOf is the other way: the policy that says what m does, never more loosely. It has no place for personal data, a date of erasure
// and codes that are not of IEP; complete tells whether nothing of the kind was left out.
func PolicyOf(m marking.Marking) (p Policy, complete bool) {
	p = Policy{TLP: m.TLP, EncryptInTransit: "may", Notifications: "may", Attribution: "may", UnmodifiedResale: "may"}
	complete = m.PersonalData.Rank() <= 0 && m.RetainUntil == "" && m.TLP != ""
	if p.TLP == "" {
		p.TLP = marking.Red
	}
	switch m.PAP {
	case marking.PAPClear, marking.PAPGreen, "":
		p.PermittedActions = "externally-visible-direct-actions"
	case marking.PAPAmber:
		p.PermittedActions = "externally-visible-indirect-actions"
	default:
		p.PermittedActions = ""
	}
	for _, h := range m.Handling {
		code, ours := strings.CutPrefix(h, iepCode)
		statement, value, _ := strings.Cut(code, ":")
		switch {
		case ours && statement == "affected_party_notifications":
			p.Notifications = oneOf(value, "may", "must-not")
		case ours && statement == "attribution":
			p.Attribution = oneOf(value, "may", "must", "must-not")
		case ours && statement == "encrypt_in_transit":
			p.EncryptInTransit = oneOf(value, "must", "may")
		case ours && statement == "permitted_actions" && actionRank(value) >= 0:
			if p.PermittedActions == "" || actionRank(value) < actionRank(p.PermittedActions) {
				p.PermittedActions = value
			}
		case ours && statement == "unmodified_resale":
			p.UnmodifiedResale = oneOf(value, "may", "must-not")
		default:
			complete = false
		}
	}
	if p.PermittedActions == "" {
		p.PermittedActions = "none"
	}
	return p, complete
}
