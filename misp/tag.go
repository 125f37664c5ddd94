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

// scales has the tags that say how sure somebody is, from the one that is asked first, and each word's number from 0 to 100 as the
// taxonomies have it.
var scales = []struct {
	predicate string
	words     map[string]int
}{
	{"admiralty-scale:information-credibility", map[string]int{"1": 100, "2": 75, "3": 50, "4": 25, "5": 0, "6": 50}},
	{"estimative-language:confidence-in-analytic-judgment", map[string]int{"low": 0, "moderate": 55, "high": 95}},
	{"misp:confidence-level", map[string]int{"completely-confident": 100, "usually-confident": 75, "fairly-confident": 50, "rarely-confident": 25, "unconfident": 0}},
	{"estimative-language:likelihood-probability", map[string]int{"almost-no-chance": 0, "very-unlikely": 5, "unlikely": 20, "roughly-even-chance": 45,
		"likely": 55, "very-likely": 80, "almost-certain": 95}},
	{"admiralty-scale:source-reliability", map[string]int{"a": 100, "b": 75, "c": 50, "d": 25, "e": 0, "f": 50, "g": 0}},
}

// Confidence is how sure tags say that somebody is, from 0 to 100; nil where none says it. Of several scales the first of: credibility of the
// information, confidence in the judgment, likelihood, reliability of the source; of several words of one scale the lowest.
func Confidence(tags []Tag) *int {
	for _, s := range scales {
		var found *int
		for _, t := range tags {
			predicate, word, ok := strings.Cut(t.Name, "=")
			if !ok || !strings.EqualFold(predicate, s.predicate) {
				continue
			}
			if n, known := s.words[strings.ToLower(strings.Trim(word, `"`))]; known && (found == nil || n < *found) {
				found = &n
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}
