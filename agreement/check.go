package agreement

import (
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

var languagePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`) // BCP 47, the common part

// check holds what the types do not: bounds, and relations between members. Compile calls it too, since a Document can be made
// without Parse.
func (d *Document) check() error {
	wrong := func(clause string, p jsontext.Pointer, why string) error {
		return badAt(func(i int) string {
			if i < len(d.Articles) && statement.IsIdentifier(d.Articles[i].Number) {
				return d.Articles[i].Number
			}
			return ""
		}, clause, p, "%s", why)
	}
	// spec: AGR-1
	switch {
	case d.V != 1:
		return wrong("AGR-1", "/v", form["v"])
	case len(d.Parties) < 2 || len(d.Parties) > MaxParties:
		return wrong("AGR-1", "/parties", "has 2 to 256 codes")
	case repeated(d.Parties):
		return wrong("AGR-1", "/parties", "names a party twice")
	case slices.ContainsFunc(d.Parties, func(c party.Code) bool { _, err := party.ParseCode(string(c)); return err != nil }):
		return wrong("AGR-1", "/parties", form["parties"])
	case len(d.Languages) == 0 || len(d.Languages) > MaxList:
		return wrong("AGR-1", "/languages", "has at least one language, and at most 64")
	case slices.ContainsFunc(d.Languages, func(l string) bool { return !languagePattern.MatchString(l) }):
		return wrong("AGR-1", "/languages", form["languages"])
	case repeated(d.Languages):
		return wrong("AGR-1", "/languages", "names a language twice")
	case len(d.Articles) == 0 || len(d.Articles) > MaxArticles:
		return wrong("AGR-1", "/articles", "has 1 to 200 articles")
	}
	if why := d.badTitle(d.Title); why != "" {
		return wrong("AGR-1", "/title", why)
	}
	terms := d.Terms()
	if member, why := terms.wrong(); why != "" {
		return wrong("AGR-1", member, why)
	}
	numbers := map[string]bool{}
	clocks := map[statement.Precedence]string{}
	for i := range d.Articles {
		a, at := &d.Articles[i], jsontext.Pointer("/articles").AppendToken(itoa(i))
		if !statement.IsIdentifier(a.Number) {
			return wrong("AGR-2", at.AppendToken("number"), form["number"])
		}
		if numbers[a.Number] {
			return wrong("AGR-2", at.AppendToken("number"), "is the number of an earlier article")
		}
		numbers[a.Number] = true
		if clause, p, why := d.checkArticle(a, at); why != "" {
			return wrong(clause, p, why)
		}
		for _, p := range statement.Precedences() {
			// spec: AGR-4
			if _, ok := a.Clocks[p]; !ok {
				continue
			}
			if other, ok := clocks[p]; ok {
				return wrong("AGR-4", at.AppendToken("clocks").AppendToken(string(p)), "sets a clock that article "+other+" sets already")
			}
			clocks[p] = a.Number
		}
	}
	return nil
}

// checkArticle says which clause and member of an article are wrong and how; why "" means that all is well.
func (d *Document) checkArticle(a *Article, at jsontext.Pointer) (clause string, p jsontext.Pointer, why string) {
	// spec: AGR-2
	if why := d.badTitle(a.Title); why != "" {
		return "AGR-2", at.AppendToken("title"), why
	}
	if why := d.badText(a.Text); why != "" {
		return "AGR-2", at.AppendToken("text"), why
	}
	if len(a.Rules) > MaxRules {
		return "AGR-2", at.AppendToken("rules"), "has more than 32 rules"
	}
	for j := range a.Rules {
		if member, why := a.Rules[j].check(d); why != "" {
			return "AGR-3", at.AppendToken("rules").AppendToken(itoa(j)).AppendToken(member), why
		}
	}
	// spec: AGR-4
	if a.Clocks != nil && len(a.Clocks) == 0 {
		return "AGR-4", at.AppendToken("clocks"), "is empty; leave the member out instead"
	}
	known := 0
	for _, precedence := range statement.Precedences() {
		l, ok := a.Clocks[precedence]
		if !ok {
			continue
		}
		known++
		switch clock := at.AppendToken("clocks").AppendToken(string(precedence)); {
		case l.Acknowledge < 1 || l.Acknowledge > MaxSeconds:
			return "AGR-4", clock.AppendToken("acknowledge"), form["acknowledge"]
		case l.Answer < 1 || l.Answer > MaxSeconds:
			return "AGR-4", clock.AppendToken("answer"), form["answer"]
		case l.Acknowledge > l.Answer:
			return "AGR-4", clock.AppendToken("acknowledge"), "is longer than the time to answer"
		}
	}
	if known < len(a.Clocks) {
		return "AGR-4", at.AppendToken("clocks"), "names a precedence that is none of flash, immediate, priority, routine"
	}
	// spec: AGR-5
	if why := badList(len(a.Grounds), a.Grounds == nil, repeated(a.Grounds)); why != "" {
		return "AGR-5", at.AppendToken("grounds"), why
	}
	if !identifiers(a.Grounds) {
		return "AGR-5", at.AppendToken("grounds"), form["grounds"]
	}
	return "", "", ""
}

// badTitle wants at least one language, and none that the document does not have.
func (d *Document) badTitle(t Text) string {
	if len(t) == 0 {
		return "is missing, or has no language"
	}
	for l, s := range t {
		switch {
		case !slices.Contains(d.Languages, l):
			return "has a language that is not among the document's languages"
		case strings.TrimSpace(s) == "":
			return "is empty in one language"
		}
	}
	return ""
}

// badText wants every language of the document.
func (d *Document) badText(t Text) string {
	if why := d.badTitle(t); why != "" {
		return why
	}
	for _, l := range d.Languages {
		if _, ok := t[l]; !ok {
			return "is missing in the language " + l
		}
	}
	return ""
}

// malformed is for the few faults that have no place in a document.
func malformed(clause, format string, args ...any) error {
	return fault.New(fault.Malformed, clause, format, args...)
}
