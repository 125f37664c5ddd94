package agreement

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

var languagePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`) // BCP 47, the common part

// problem is one thing that is wrong, and where.
type problem struct {
	clause string
	at     jsontext.Pointer
	why    string
}

// problems gathers what is wrong; each check adds the first that it finds in its part.
type problems []problem

func (p *problems) add(clause string, at jsontext.Pointer, why string) {
	if why != "" {
		*p = append(*p, problem{clause, at, why})
	}
}

// check holds what the types do not: bounds, and relations between members. Compile calls it too, since a Document can be made
// without Parse.
func (d *Document) check() error {
	if all := d.problems(); len(all) > 0 {
		return d.fault(all[0])
	}
	return nil
}

// fault words a problem with its place.
func (d *Document) fault(p problem) error {
	return badAt(func(i int) string {
		if i < len(d.Articles) && statement.IsIdentifier(d.Articles[i].Number) {
			return d.Articles[i].Number
		}
		return ""
	}, p.clause, p.at, "%s", p.why)
}

// problems are all that check looks for. Relations between articles are looked at once each article is as it must be.
func (d *Document) problems() (all problems) {
	d.checkMembers(&all)
	numbers := map[string]bool{}
	clocks := map[statement.Precedence]string{}
	for i := range d.Articles {
		a, at := &d.Articles[i], jsontext.Pointer("/articles").AppendToken(itoa(i))
		// spec: AGR-2
		switch {
		case !statement.IsIdentifier(a.Number):
			all.add("AGR-2", at.AppendToken("number"), form["number"])
		case numbers[a.Number]:
			all.add("AGR-2", at.AppendToken("number"), "is the number of an earlier article")
		}
		numbers[a.Number] = true
		d.checkArticle(a, at, &all)
		for _, p := range statement.Precedences() {
			// spec: AGR-4
			if _, ok := a.Clocks[p]; !ok {
				continue
			}
			if other, ok := clocks[p]; ok {
				all.add("AGR-4", at.AppendToken("clocks").AppendToken(string(p)), "sets a clock that article "+other+" sets already")
			}
			clocks[p] = a.Number
		}
	}
	d.checkSize(&all)
	if len(all) == 0 {
		d.forbiddenOutright(&all)
		d.disagreements(&all)
	}
	return all
}

// checkSize bounds what short names of groups can grow to.
func (d *Document) checkSize(all *problems) {
	// spec: AGR-2
	rules, codes := 0, 0
	for i := range d.Articles {
		for j := range d.Articles[i].Rules {
			r := &d.Articles[i].Rules[j]
			rules++
			for _, list := range [][]CodePattern{r.From, r.To} {
				for _, c := range list {
					codes += max(1, len(d.Groups[c.Group()]))
				}
			}
		}
	}
	if rules > MaxAllRules {
		all.add("AGR-2", "/articles", "has more than 1024 rules in all")
	}
	if codes > MaxCodes {
		all.add("AGR-2", "/articles", "has rules that name more than 32768 codes in all, those of groups counted")
	}
}

// checkMembers holds the document's members beside its articles against AGR-1.
func (d *Document) checkMembers(all *problems) {
	// spec: AGR-1
	wrong := func(at jsontext.Pointer, why string) { all.add("AGR-1", at, why) }
	if d.V != 1 {
		wrong("/v", form["v"])
	}
	switch {
	case len(d.Parties) < 2 || len(d.Parties) > MaxParties:
		wrong("/parties", "has 2 to 256 codes")
	case repeated(d.Parties):
		wrong("/parties", "names a party twice")
	case slices.ContainsFunc(d.Parties, func(c party.Code) bool { _, err := party.ParseCode(string(c)); return err != nil }):
		wrong("/parties", form["parties"])
	}
	switch {
	case len(d.Languages) == 0 || len(d.Languages) > MaxList:
		wrong("/languages", "has at least one language, and at most 64")
	case slices.ContainsFunc(d.Languages, func(l string) bool { return !languagePattern.MatchString(l) }):
		wrong("/languages", form["languages"])
	case repeated(d.Languages):
		wrong("/languages", "names a language twice")
	}
	if len(d.Articles) == 0 || len(d.Articles) > MaxArticles {
		wrong("/articles", "has 1 to 512 articles")
	}
	wrong("/title", d.badTitle(d.Title))
	if why := badList(len(d.Authentic), d.Authentic == nil, repeated(d.Authentic)); why != "" {
		wrong("/authentic", why)
	} else if slices.ContainsFunc(d.Authentic, lacks(d.Languages)) {
		wrong("/authentic", form["authentic"])
	}
	terms := d.Terms()
	member, why := terms.wrong()
	wrong(member, why)
	if d.Definitions != nil && len(d.Definitions) == 0 || len(d.Definitions) > MaxTerms {
		wrong("/definitions", "has 1 to 512 terms; leave the member out where there is none")
	}
	for _, term := range sortedKeys(d.Definitions) {
		if !statement.IsIdentifier(term) {
			wrong("/definitions", "has a term that is no identifier")
			continue
		}
		wrong(jsontext.Pointer("/definitions").AppendToken(term), d.badText(d.Definitions[term]))
	}
	d.checkGroups(all)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// checkArticle adds what is wrong with one article.
func (d *Document) checkArticle(a *Article, at jsontext.Pointer, all *problems) {
	// spec: AGR-2
	all.add("AGR-2", at.AppendToken("title"), d.badTitle(a.Title))
	all.add("AGR-2", at.AppendToken("text"), d.badText(a.Text))
	if len(a.Rules) > MaxRules {
		all.add("AGR-2", at.AppendToken("rules"), "has more than 32 rules")
	}
	for j := range a.Rules[:min(len(a.Rules), MaxRules)] {
		member, why := a.Rules[j].check(d)
		all.add("AGR-3", at.AppendToken("rules").AppendToken(itoa(j)).AppendToken(member), why)
	}
	member, why := a.checkUse()
	all.add("AGR-2", at.AppendToken(member), why)
	if why := badList(len(a.Cites), a.Cites == nil, repeated(a.Cites)); why != "" {
		all.add("AGR-2", at.AppendToken("cites"), why)
	} else if slices.ContainsFunc(a.Cites, func(s string) bool { return strings.TrimSpace(s) == "" || len(s) > MaxCite }) {
		all.add("AGR-2", at.AppendToken("cites"), form["cites"])
	}
	a.checkClocks(at.AppendToken("clocks"), all)
	// spec: AGR-5
	if why := badList(len(a.Grounds), a.Grounds == nil, repeated(a.Grounds)); why != "" {
		all.add("AGR-5", at.AppendToken("grounds"), why)
	} else if !identifiers(a.Grounds) {
		all.add("AGR-5", at.AppendToken("grounds"), form["grounds"])
	}
}

// checkClocks adds what is wrong with the clocks of an article.
func (a *Article) checkClocks(at jsontext.Pointer, all *problems) {
	// spec: AGR-4
	if a.Clocks != nil && len(a.Clocks) == 0 {
		all.add("AGR-4", at, "is empty; leave the member out instead")
	}
	known := 0
	for _, precedence := range statement.Precedences() {
		l, ok := a.Clocks[precedence]
		if !ok {
			continue
		}
		known++
		switch clock := at.AppendToken(string(precedence)); {
		case l.Acknowledge < 1 || l.Acknowledge > MaxSeconds:
			all.add("AGR-4", clock.AppendToken("acknowledge"), form["acknowledge"])
		case l.Answer < 1 || l.Answer > MaxSeconds:
			all.add("AGR-4", clock.AppendToken("answer"), form["answer"])
		case l.Acknowledge > l.Answer:
			all.add("AGR-4", clock.AppendToken("acknowledge"), "is longer than the time to answer")
		}
	}
	if known < len(a.Clocks) {
		all.add("AGR-4", at, "names a precedence that is none of flash, immediate, priority, routine")
	}
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
