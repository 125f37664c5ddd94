package marking

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
)

// TLP is a Traffic Light Protocol 2.0 label (FIRST). The zero value is no label and is never valid in a head.
type TLP string

// The labels, from the widest to the narrowest circle.
const (
	Clear       TLP = "CLEAR"
	Green       TLP = "GREEN"
	Amber       TLP = "AMBER"
	AmberStrict TLP = "AMBER+STRICT"
	Red         TLP = "RED"
)

// PAP is a Permissible Actions Protocol label; "" when none is set, which ranks as CLEAR.
type PAP string

// The PAP labels.
const (
	PAPClear PAP = "CLEAR"
	PAPGreen PAP = "GREEN"
	PAPAmber PAP = "AMBER"
	PAPRed   PAP = "RED"
)

// PersonalData says what a statement holds on identifiable people; "" ranks as none.
type PersonalData string

// The degrees.
const (
	PersonalNone      PersonalData = "none"
	PersonalMinimised PersonalData = "minimised"
	PersonalAllowed   PersonalData = "allowed"
)

var (
	tlps     = []TLP{Clear, Green, Amber, AmberStrict, Red}
	paps     = []PAP{PAPClear, PAPGreen, PAPAmber, PAPRed}
	personal = []PersonalData{PersonalNone, PersonalMinimised, PersonalAllowed}
)

// TLPs lists the labels by ascending rank.
func TLPs() []TLP { return slices.Clone(tlps) }

// Rank is 0 for CLEAR … 4 for RED, −1 for what is no label.
func (t TLP) Rank() int { return slices.Index(tlps, t) }

// Rank is 0 for CLEAR or none … 3 for RED, −1 for what is no label.
func (p PAP) Rank() int {
	if p == "" {
		return 0
	}
	return slices.Index(paps, p)
}

// Rank is 0 for none or absent, 1 for minimised, 2 for allowed, −1 otherwise.
func (p PersonalData) Rank() int {
	if p == "" {
		return 0
	}
	return slices.Index(personal, p)
}

// Marking is how a statement is to be handled (STM-5). RetainUntil is RFC 3339 with milliseconds as ENC-5 has it, "" for no date;
// package statement checks its form.
type Marking struct {
	TLP          TLP          `json:"tlp"`
	PAP          PAP          `json:"pap,omitzero"`
	Handling     []string     `json:"handling,omitempty"`
	PersonalData PersonalData `json:"personal_data,omitzero"`
	RetainUntil  string       `json:"retain_until,omitzero"`
}

// Check holds labels and bounds against STM-5. Identifiers and times are the caller's to check.
func (m Marking) Check() error {
	// spec: STM-5
	switch {
	case m.TLP.Rank() < 0:
		return fault.New(fault.Malformed, "STM-5", "the TLP label is one of CLEAR, GREEN, AMBER, AMBER+STRICT, RED")
	case m.PAP.Rank() < 0:
		return fault.New(fault.Malformed, "STM-5", "the PAP label is one of CLEAR, GREEN, AMBER, RED")
	case m.PersonalData.Rank() < 0:
		return fault.New(fault.Malformed, "STM-5", "personal_data is one of none, minimised, allowed")
	case len(m.Handling) > 16:
		return fault.New(fault.Malformed, "STM-5", "at most 16 handling codes")
	}
	for i, h := range m.Handling {
		if slices.Contains(m.Handling[:i], h) {
			return fault.New(fault.Malformed, "STM-5", "a handling code is given twice")
		}
	}
	return nil
}

// Combine gives the strictest of two markings: the narrower TLP and PAP, all handling codes, more care for personal
// data, the earlier date of erasure.
func Combine(a, b Marking) Marking {
	m := a
	if b.TLP.Rank() > a.TLP.Rank() {
		m.TLP = b.TLP
	}
	if b.PAP.Rank() > a.PAP.Rank() {
		m.PAP = b.PAP
	}
	if b.PersonalData.Rank() > a.PersonalData.Rank() {
		m.PersonalData = b.PersonalData
	}
	m.Handling = slices.Clone(a.Handling)
	for _, h := range b.Handling {
		if !slices.Contains(m.Handling, h) {
			m.Handling = append(m.Handling, h)
		}
	}
	slices.Sort(m.Handling)
	if b.RetainUntil != "" && (a.RetainUntil == "" || b.RetainUntil < a.RetainUntil) {
		m.RetainUntil = b.RetainUntil
	}
	return m
}

// Covers tells whether m is at least as strict as x in everything: what is marked m may hold what was marked x.
func (m Marking) Covers(x Marking) bool {
	// spec: ONW-4
	return m.TLP.Rank() >= x.TLP.Rank() && m.PAP.Rank() >= x.PAP.Rank() && m.PersonalData.Rank() >= x.PersonalData.Rank() &&
		(x.RetainUntil == "" || m.RetainUntil != "" && m.RetainUntil <= x.RetainUntil) &&
		!slices.ContainsFunc(x.Handling, func(h string) bool { return !slices.Contains(m.Handling, h) })
}
