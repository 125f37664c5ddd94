package misp

import (
	"strings"

	"github.com/comity-exchange/comity/marking"
)

// TLP is the strictest label of the Traffic Light Protocol among tags, "" where there is none. A tag in the namespace tlp whose word nobody
// knows counts as RED; tlp:ex:… says something beside a label and is none.
func TLP(tags []Tag) marking.TLP {
	var t marking.TLP
	for _, tag := range tags {
		if l := label(tag.Name); l.Rank() > t.Rank() {
			t = l
		}
	}
	return t
}

func label(name string) marking.TLP {
	word, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(name)), "TLP:")
	if !ok || strings.HasPrefix(word, "EX:") {
		return ""
	}
	word = strings.Trim(word, `"`)
	if word == "WHITE" {
		word = string(marking.Clear)
	}
	if t := marking.TLP(word); t.Rank() >= 0 {
		return t
	}
	return marking.Red
}

// TLPTag is the tag that says t.
func TLPTag(t marking.TLP) Tag { return Tag{Name: "tlp:" + strings.ToLower(string(t))} }

// PAP is the strictest label of the Permissible Actions Protocol among tags, "" where there is none. A word nobody knows counts as RED.
func PAP(tags []Tag) marking.PAP {
	var p marking.PAP
	for _, tag := range tags {
		word, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(tag.Name)), "PAP:")
		if !ok {
			continue
		}
		l := marking.PAP(strings.Trim(word, `"`))
		if l == "WHITE" {
			l = marking.PAPClear
		} else if l.Rank() < 0 || l == "" {
			l = marking.PAPRed
		}
		if p == "" || l.Rank() > p.Rank() {
			p = l
		}
	}
	return p
}
