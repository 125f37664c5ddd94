package config

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// What the setting approval may name beside kinds.
const (
	approveAll = "all"
	labelTLP   = "TLP:"
	anyOf      = ".*"
)

const maxApproval = 64 // entries

func checkApproval(key string, v []string) error {
	if len(v) > maxApproval {
		return bad(key, "at most %d", maxApproval)
	}
	for _, entry := range v {
		if label, ok := strings.CutPrefix(entry, labelTLP); ok {
			if !slices.Contains(marking.TLPs(), marking.TLP(label)) {
				return bad(key, "a label is like TLP:AMBER")
			}
			continue
		}
		desk, ok := strings.CutSuffix(entry, anyOf)
		if ok {
			desk += ".any"
		}
		if _, err := statement.ParseKind(desk); err != nil && entry != approveAll {
			return bad(key, "kinds are like assist.grant or assist.*, labels like TLP:AMBER; or all")
		}
	}
	return nil
}

// AsksApproval gives the entry of the setting approval that asks for a second officer before a statement of that kind and label is said; "" where none does.
func (c *Config) AsksApproval(kind statement.Kind, tlp marking.TLP) string {
	for _, entry := range c.Approval {
		label, isLabel := strings.CutPrefix(entry, labelTLP)
		switch {
		case entry == approveAll, entry == string(kind), entry == kind.Desk()+anyOf:
			return entry
		case isLabel && tlp.Rank() >= marking.TLP(label).Rank():
			return entry
		}
	}
	return ""
}
