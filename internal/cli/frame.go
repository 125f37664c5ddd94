package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/party"
)

// writeFrame shows what a document says beside its articles.
func writeFrame(p *page, doc *agreement.Document, language string) {
	p.say("%s.", entry(doc))
	if doc.Notice > 0 {
		p.say("A party leaves %s after it has said so.", seconds(doc.Notice))
	}
	switch doc.Accession {
	case agreement.AccessionOpen:
		p.say("Others may join.")
	case agreement.AccessionInvitation:
		p.say("Others may join whom all parties have invited.")
	}
	if len(doc.Authentic) > 0 && len(doc.Authentic) < len(doc.Languages) {
		p.say("Where the texts differ, %s decides.", strings.Join(doc.Authentic, ", "))
	}
	if !doc.Review.IsZero() {
		p.say("To be reviewed %s.", when(doc.Review))
	}
	for _, term := range slices.Sorted(maps.Keys(doc.Definitions)) {
		for i, l := range wrap(line(term)+": "+line(doc.Definitions[term].In(language, doc.Languages...)), 96) {
			p.say("  %s%s", indent(i), l)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Groups)) {
		var members []party.Code
		for _, c := range doc.Groups[name] {
			members = append(members, party.Code(c))
		}
		for i, l := range wrap("@"+line(name)+": "+codes(members), 96) {
			p.say("  %s%s", indent(i), p.dim(l))
		}
	}
}

// entry says what puts the text into force.
func entry(doc *agreement.Document) string {
	how := "signed it"
	if doc.Consent == agreement.ByRatification {
		how = "ratified it"
	}
	in := doc.InForce
	after := "once "
	if in.Days > 0 {
		after = plural(in.Days, "day", "days") + " after "
	}
	switch in.When {
	case agreement.ByDate:
		return "It comes into force at " + in.Date.String() + ", or once two parties have " + how + " if that is later"
	case agreement.ByCount:
		return "It comes into force " + after + plural(in.Count, "party has ", "parties have ") + how
	}
	return "It comes into force " + after + "all parties have " + how
}

// writeMachine shows what of an article machines decide on, and what it says of use.
func writeMachine(p *page, a agreement.Article) {
	if len(a.Rules) > 0 {
		p.say("  %s", p.dim(plural(len(a.Rules), "rule", "rules")+" for machines (--cedar shows them)"))
	}
	writeClocks(p, a)
	note := func(what string) {
		for i, l := range wrap(what, 94) {
			p.say("  %s%s", indent(i), p.dim(l))
		}
	}
	if len(a.Grounds) > 0 {
		note("grounds: " + line(strings.Join(a.Grounds, ", ")))
	}
	if a.Onward != nil {
		note("onward: " + string(*a.Onward))
	}
	if a.Proceedings != nil {
		note("in judicial proceedings: " + string(*a.Proceedings))
	}
	if a.Retention != nil {
		note("erased after " + seconds(*a.Retention))
	}
	if a.Reservations != nil && !*a.Reservations {
		note("no reservations")
	}
	if len(a.Cites) > 0 {
		note("after: " + line(strings.Join(a.Cites, "; ")))
	}
}
