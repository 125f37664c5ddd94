package template

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

//go:embed documents/*.json
var documents embed.FS

// Info describes a template. It is for Min to Max parties.
type Info struct {
	Name  string `json:"name"`
	About string `json:"about"`
	After string `json:"after"` // the instruments that it follows
	Min   int    `json:"min"`
	Max   int    `json:"max"`
}

// List names the templates.
func List() []Info {
	const many = agreement.MaxParties
	return []Info{
		{"response-teams", "exchange between computer emergency response teams of two States, with a crisis channel and a direct line",
			"the measures that the United States and the Russian Federation announced on 17 June 2013", 2, 2},
		{"requests", "requests for information between single points of contact, answered within 8 hours, 3 days or 7 days", "Directive (EU) 2023/977", 2, many},
		{"network-24-7", "preservation of data and assistance by contacts at every hour, with grounds for refusal and safeguards",
			"Convention on Cybercrime (Budapest, 2001), Arts 25 to 35; United Nations Convention against Cybercrime, Arts 35 to 48", 2, many},
		{"regional", "a regional organisation with many members: sharing, requests, consultations, exercises", "agreements of the CIS (2001, 2018) and the SCO (2009), and cooperation in ASEAN", 3, many},
		{"indicator-feed", "indicators between response teams, as far as their label lets them go", "FIRST Traffic Light Protocol 2.0 and Information Exchange Policy 2.0", 2, many},
		{"exercise", "exercises and communication checks, and nothing else", "the United Nations' directory of points of contact; OSCE confidence-building measure 8; APCERT's drills", 2, many},
	}
}

// Where the documents name the parties that they are written for: alone in a list, each with what follows its code ("XA.cert", "XB.cert"), or in
// words.
var (
	inList  = regexp.MustCompile(`"XA([a-z.*]*)", "XB[a-z.*]*"(, "XC[a-z.*]*")?`)
	inWords = regexp.MustCompile(`XA(, XB)? (and|и) X[BC]`)
)

// Make writes a template for these parties, in the order in which they are given; without any, for those of the template itself. Errors:
// fault.NotFound where there is no such template; fault.Usage where the parties are too few, too many, or cannot be parties.
func Make(name string, parties ...party.Code) (*agreement.Document, error) {
	all := List()
	at := slices.IndexFunc(all, func(i Info) bool { return i.Name == name })
	if at < 0 {
		return nil, fault.New(fault.NotFound, "", "there is no template of that name")
	}
	raw, err := documents.ReadFile("documents/" + name + ".json")
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the template cannot be read")
	}
	info := all[at]
	switch n := len(parties); {
	case n == 0:
		return agreement.Parse(raw)
	case n < info.Min || n > info.Max:
		return nil, fault.New(fault.Usage, "AGR-1", "this template is for %s", howMany(info))
	}
	for i, c := range parties {
		switch _, err := party.ParseCode(string(c)); {
		case err != nil:
			return nil, fault.New(fault.Usage, "ENC-6", "a party is a code like XA")
		case c.IsOffice():
			// A group names offices of each party, and an office has none like them.
			return nil, fault.New(fault.Usage, "AGR-1", "the parties of a template are no offices; edit what it gives where one is to be")
		case slices.Contains(parties[:i], c):
			return nil, fault.New(fault.Usage, "AGR-1", "%s is named twice", c)
		}
	}
	return agreement.Parse([]byte(fill(string(raw), parties)))
}

func howMany(i Info) string {
	switch {
	case i.Min == i.Max:
		return fmt.Sprintf("%d parties", i.Min)
	case i.Max == agreement.MaxParties:
		return fmt.Sprintf("%d parties or more", i.Min)
	}
	return fmt.Sprintf("%d to %d parties", i.Min, i.Max)
}

// fill puts the parties in the place of those of the template.
func fill(text string, parties []party.Code) string {
	text = inList.ReplaceAllStringFunc(text, func(list string) string {
		suffix := inList.FindStringSubmatch(list)[1]
		quoted := make([]string, len(parties))
		for i, c := range parties {
			quoted[i] = `"` + string(c) + suffix + `"`
		}
		return strings.Join(quoted, ", ")
	})
	return inWords.ReplaceAllStringFunc(text, func(words string) string {
		and := inWords.FindStringSubmatch(words)[2]
		names := make([]string, len(parties))
		for i, c := range parties {
			names[i] = string(c)
		}
		last := len(names) - 1
		return strings.Join(names[:last], ", ") + " " + and + " " + names[last]
	})
}
