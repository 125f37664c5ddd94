package template

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// asked is a question: who says what to whom, and what else is not as usual.
type asked struct {
	from, to party.Code
	kind     statement.Kind
	with     []func(*agreement.Question)
}

func (a asked) question(t *testing.T) agreement.Question {
	t.Helper()
	at, err := statement.ParseTime("2026-11-21T08:00:00.000Z")
	if err != nil {
		t.Fatal(err)
	}
	q := agreement.Question{
		From: a.from, To: []party.Code{a.to}, Kind: a.kind, Marking: marking.Marking{TLP: marking.Amber}, Track: statement.Technical,
		Precedence: statement.Routine, Time: at, Role: "duty-officer", BodyBytes: 1000,
	}
	for _, w := range a.with {
		w(&q)
	}
	return q
}

type with = func(*agreement.Question)

func tlp(l marking.TLP) with         { return func(q *agreement.Question) { q.Marking.TLP = l } }
func on(t statement.Track) with      { return func(q *agreement.Question) { q.Track = t } }
func at(p statement.Precedence) with { return func(q *agreement.Question) { q.Precedence = p } }
func about(typ, purpose string) with {
	return func(q *agreement.Question) { q.Type, q.Purpose = typ, purpose }
}
func exercise(q *agreement.Question) { q.Exercise = true }
func coded(h string) with            { return func(q *agreement.Question) { q.Marking.Handling = []string{h} } }
func earlier(n int64) with {
	return func(q *agreement.Question) { q.Today = map[party.Code]int64{q.To[0]: n} }
}
func resting(g string) with { return func(q *agreement.Question) { q.Grounds = []string{g} } }
func sized(n int64) with    { return func(q *agreement.Question) { q.BodyBytes = n } }
func clocked(acknowledge, answer int64) with {
	return func(q *agreement.Question) { q.Clock = &thread.Limit{Acknowledge: acknowledge, Answer: answer} }
}
func people(p marking.PersonalData, until string) with {
	return func(q *agreement.Question) {
		q.Marking.PersonalData, q.Marking.RetainUntil = p, until
		if until != "" {
			q.Marking.RetainUntil += "T00:00:00.000Z"
		}
	}
}

// verdict is "yes 2", "yes 3 approval 5", or "no DEC-1" with the articles that forbid.
func verdict(v agreement.Verdict) string {
	out := "yes"
	if !v.Permitted {
		out = "no " + v.Clause
	}
	out = strings.Join(append([]string{out}, v.Articles...), " ")
	if v.Approval {
		out += " approval " + strings.Join(v.ApprovalBy, " ")
	}
	return out
}

// What each template permits and forbids.
//
// spec: AGR-1, AGR-2, AGR-3, AGR-4, AGR-5, DEC-1, DEC-6, DEC-8, DEC-10
func TestTemplates(t *testing.T) {
	t.Parallel()
	minimised, allowed := marking.PersonalMinimised, marking.PersonalAllowed
	for name, cases := range map[string]map[string]struct {
		q    asked
		want string
	}{
		"response-teams": {
			"indicators between teams":            {asked{"XA.cert", "XB.cert", "intel.share", nil}, "yes 2"},
			"not above AMBER+STRICT":              {asked{"XA.cert", "XB.cert", "intel.share", []with{tlp(marking.Red)}}, "no DEC-1"},
			"not with people":                     {asked{"XA.cert", "XB.cert", "intel.share", []with{people(minimised, "2026-12-01")}}, "no DEC-1"},
			"not from the State":                  {asked{"XA", "XB.cert", "intel.share", nil}, "no DEC-1"},
			"an inquiry of the crisis centre":     {asked{"XA.crisis", "XB.crisis", "assist.request", []with{tlp(marking.Red), on(statement.Diplomatic), at(statement.Flash)}}, "yes 3 approval 5"},
			"an inquiry without haste":            {asked{"XA.crisis", "XB.crisis", "assist.request", []with{on(statement.Diplomatic)}}, "no DEC-1"},
			"the direct line":                     {asked{"XA", "XB", "consult.open", []with{tlp(marking.Red), on(statement.Leadership), at(statement.Flash)}}, "yes 4 approval 5"},
			"the direct line is no office's":      {asked{"XA.cert", "XB", "consult.open", []with{on(statement.Leadership), at(statement.Flash)}}, "no DEC-1"},
			"the direct line is never practised":  {asked{"XA", "XB", "consult.open", []with{tlp(marking.Red), on(statement.Leadership), at(statement.Flash), exercise}}, "no DEC-1"},
			"a drill":                             {asked{"XA.cert", "XB.crisis", "drill.inject", []with{exercise}}, "yes 9"},
			"a flash request within eight hours":  {asked{"XA.cert", "XB.cert", "assist.request", []with{at(statement.Flash), clocked(3600, 28800)}}, "yes 2"},
			"a flash request within one hour":     {asked{"XA.cert", "XB.cert", "assist.request", []with{at(statement.Flash), clocked(3600, 3600)}}, "no DEC-6 6"},
			"a refusal for essential interests":   {asked{"XB.cert", "XA.cert", "assist.refuse", []with{resting("essential-interests")}}, "yes 2"},
			"a refusal that says it is too early": {asked{"XB.cert", "XA.cert", "assist.refuse", []with{resting("too-early")}}, "no DEC-6"},
		},
		"requests": {
			"a request":                        {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "investigation")}}, "yes 2"},
			"a request without a purpose":      {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "")}}, "no DEC-1"},
			"a request for disclosure":         {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("disclosure", "investigation")}}, "no DEC-1"},
			"another channel":                  {asked{"XA.cert", "XB.spoc", "assist.request", []with{about("information", "investigation")}}, "no DEC-2"},
			"eight hours":                      {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "investigation"), at(statement.Flash), clocked(3600, 28800)}}, "yes 2"},
			"seven hours":                      {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "investigation"), at(statement.Flash), clocked(3600, 25200)}}, "no DEC-6 4"},
			"three days":                       {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "investigation"), at(statement.Immediate), clocked(14400, 259200)}}, "yes 2"},
			"less than seven days":             {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "investigation"), clocked(86400, 604799)}}, "no DEC-6 4"},
			"people, for a year":               {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "detection"), people(minimised, "2027-11-21")}}, "yes 2 approval 6"},
			"people, for longer":               {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "detection"), people(minimised, "2027-11-22")}}, "no DEC-1 6"},
			"people, for ever":                 {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "detection"), people(minimised, "")}}, "no DEC-1 6"},
			"people, more than need be":        {asked{"XA.spoc", "XB.spoc", "assist.request", []with{about("information", "detection"), people(allowed, "2027-11-21")}}, "no DEC-1"},
			"an answer with people":            {asked{"XB.spoc", "XA.spoc", "assist.grant", []with{about("", "detection"), people(minimised, "2027-11-21")}}, "yes 3 approval 6"},
			"an answer that says not what for": {asked{"XB.spoc", "XA.spoc", "assist.grant", []with{people(minimised, "2027-11-21")}}, "no DEC-8"},
			"refused for a minor offence":      {asked{"XB.spoc", "XA.spoc", "assist.refuse", []with{resting("minor-offence")}}, "yes 3"},
			"refused for want of time":         {asked{"XB.spoc", "XA.spoc", "assist.refuse", []with{resting("no-time")}}, "no DEC-6"},
			"given unasked":                    {asked{"XB.spoc", "XA.spoc", "incident.notify", nil}, "yes 3"},
		},
		"network-24-7": {
			"preservation by the contact":      {asked{"XA.poc", "XB.poc", "assist.request", []with{about("preservation", "criminal-investigation"), at(statement.Flash)}}, "yes 2"},
			"disclosure by the contact":        {asked{"XA.poc", "XB.poc", "assist.request", []with{about("disclosure", "criminal-investigation")}}, "no DEC-1"},
			"disclosure by the authority":      {asked{"XA", "XB", "assist.request", []with{about("disclosure", "prosecution"), on(statement.Diplomatic)}}, "yes 3"},
			"disclosure on the technical side": {asked{"XA", "XB", "assist.request", []with{about("disclosure", "prosecution")}}, "no DEC-1"},
			"a takedown":                       {asked{"XA.poc", "XB.poc", "assist.request", []with{about("takedown", "prevention")}}, "no DEC-1"},
			"for a political purpose":          {asked{"XA.poc", "XB.poc", "assist.request", []with{about("information", "political")}}, "no DEC-1"},
			"suspects by name":                 {asked{"XA.poc", "XB.poc", "assist.request", []with{about("information", "criminal-investigation"), people(allowed, "2027-06-01")}}, "yes 2 approval 8"},
			"suspects by name, in the open":    {asked{"XA.poc", "XB.poc", "assist.request", []with{about("information", "criminal-investigation"), people(allowed, "2027-06-01"), tlp(marking.Green)}}, "no DEC-1 8"},
			"suspects by name, for ever":       {asked{"XA.poc", "XB.poc", "assist.request", []with{about("information", "criminal-investigation"), people(allowed, "")}}, "no DEC-1 8"},
			"refused as persecution":           {asked{"XB.poc", "XA.poc", "assist.refuse", []with{resting("persecution")}}, "yes 4"},
			"refused as political":             {asked{"XB.poc", "XA.poc", "assist.refuse", []with{resting("political-offence")}}, "yes 4"},
			"refused for sovereignty":          {asked{"XB.poc", "XA.poc", "assist.refuse", []with{resting("sovereignty")}}, "yes 4"},
			"refused for essential interests":  {asked{"XB.poc", "XA.poc", "assist.refuse", []with{resting("essential-interests")}}, "yes 4"},
			"refused as fiscal":                {asked{"XB.poc", "XA.poc", "assist.refuse", []with{resting("fiscal")}}, "no DEC-6"},
			"given unasked":                    {asked{"XB.poc", "XA.poc", "incident.notify", nil}, "yes 5"},
			"a joint investigation":            {asked{"XA", "XB", "operation.propose", []with{on(statement.Diplomatic)}}, "yes 10"},
		},
		"regional": {
			"teams share":                   {asked{"XA.cert", "XC.cert", "intel.share", nil}, "yes 2"},
			"teams share no secrets":        {asked{"XA.cert", "XC.cert", "intel.share", []with{tlp(marking.AmberStrict)}}, "no DEC-1"},
			"authorities ask":               {asked{"XB.authority", "XC.authority", "assist.request", []with{tlp(marking.AmberStrict)}}, "yes 3"},
			"the fiftieth request of today": {asked{"XB.authority", "XC.authority", "assist.request", []with{earlier(49)}}, "yes 3"},
			"one request more":              {asked{"XB.authority", "XC.authority", "assist.request", []with{earlier(50)}}, "no DEC-1 3"},
			"answers are not counted":       {asked{"XB.authority", "XC.authority", "assist.grant", []with{earlier(50)}}, "yes 3"},
			"people without a date":         {asked{"XB.authority", "XC.authority", "assist.request", []with{people(minimised, "")}}, "no DEC-1 3"},
			"people without a purpose":      {asked{"XB.authority", "XC.authority", "assist.request", []with{people(minimised, "2027-01-01")}}, "no DEC-8"},
			"thirty days":                   {asked{"XB.authority", "XC.authority", "assist.request", []with{clocked(259200, 2592000)}}, "yes 3"},
			"a fortnight":                   {asked{"XB.authority", "XC.authority", "assist.request", []with{clocked(259200, 1209600)}}, "no DEC-6 4"},
			"consultations":                 {asked{"XA", "XB", "consult.open", []with{on(statement.Diplomatic)}}, "yes 6 approval 6"},
			"consultations of technicians":  {asked{"XA", "XB", "consult.open", nil}, "no DEC-1"},
			"a drill":                       {asked{"XA.cert", "XB", "drill.inject", []with{exercise}}, "yes 7"},
			"refused for human rights":      {asked{"XC.authority", "XB.authority", "assist.refuse", []with{resting("human-rights")}}, "yes 3"},
		},
		"indicator-feed": {
			"indicators":             {asked{"XA.cert", "XB.cert", "intel.share", nil}, "yes 1"},
			"above the label":        {asked{"XA.cert", "XB.cert", "intel.share", []with{tlp(marking.AmberStrict)}}, "no DEC-1"},
			"not to be passed on":    {asked{"XA.cert", "XB.cert", "intel.share", []with{coded("H2")}}, "no DEC-1 2"},
			"people":                 {asked{"XA.cert", "XB.cert", "intel.share", []with{people(minimised, "2027-01-01"), about("", "defence")}}, "no DEC-1 3"},
			"too much at once":       {asked{"XA.cert", "XB.cert", "intel.share", []with{sized(67108865)}}, "no DEC-1"},
			"the last of the day":    {asked{"XA.cert", "XB.cert", "intel.share", []with{earlier(9999)}}, "yes 1"},
			"one more":               {asked{"XA.cert", "XB.cert", "intel.share", []with{earlier(10000)}}, "no DEC-1"},
			"a request has no place": {asked{"XA.cert", "XB.cert", "assist.request", nil}, "no DEC-1"},
		},
		"exercise": {
			"an inject":             {asked{"XA", "XB.cert", "drill.inject", []with{exercise}}, "yes 1"},
			"a request in a drill":  {asked{"XA.mfa", "XB.cert", "assist.request", []with{exercise, at(statement.Flash), clocked(900, 7200)}}, "yes 1"},
			"a real request":        {asked{"XA", "XB", "assist.request", nil}, "no DEC-1 2"},
			"a real flash":          {asked{"XA", "XB", "incident.notify", []with{at(statement.Flash)}}, "no DEC-1 2"},
			"real people":           {asked{"XA", "XB", "drill.inject", []with{exercise, people(minimised, "2027-01-01"), about("", "practice")}}, "no DEC-1 2"},
			"secrets in an inject":  {asked{"XA", "XB", "drill.inject", []with{exercise, tlp(marking.Red)}}, "no DEC-1"},
			"a clock that is short": {asked{"XA", "XB", "assist.request", []with{exercise, at(statement.Flash), clocked(60, 600)}}, "no DEC-6 3"},
		},
	} {
		doc, err := Make(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p, err := agreement.Compile(doc)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for what, c := range cases {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				if v := p.Decide(c.q.question(t)); verdict(v) != c.want {
					t.Errorf("%s, want %s: %s", verdict(v), c.want, v.Reason)
				}
			})
		}
	}
}

// Every template is whole in both languages, cites what it follows, and says what becomes of what was received.
//
// spec: AGR-1, AGR-2
func TestWhole(t *testing.T) {
	t.Parallel()
	for _, info := range List() {
		doc, err := Make(info.Name)
		if err != nil {
			t.Fatalf("%s: %v", info.Name, err)
		}
		if !slices.Equal(doc.Languages, []string{"en", "ru"}) || len(doc.Title) != 2 || info.About == "" || info.After == "" {
			t.Errorf("%s: %v", info.Name, doc.Languages)
		}
		cites := 0
		for _, a := range doc.Articles {
			cites += len(a.Cites)
			if len(a.Title) != 2 {
				t.Errorf("%s, article %s: its title lacks a language", info.Name, a.Number)
			}
			for _, r := range a.Text["ru"] + a.Title["ru"] {
				if r >= 'А' && r <= 'я' {
					cites |= 1 << 20
				}
			}
			for i := range a.Rules {
				if f := a.Rules[i].From; f != nil && (len(f) == 0 || f[0].Group() == "") {
					t.Errorf("%s, article %s names codes instead of groups", info.Name, a.Number)
				}
			}
		}
		if cites&(1<<20-1) == 0 || cites < 1<<20 {
			t.Errorf("%s cites nothing, or has no Russian", info.Name)
		}
		p, err := agreement.Compile(doc)
		if err != nil {
			t.Fatal(err)
		}
		if u := p.Use("assist.grant"); u.Retention == 0 || u.Proceedings == "" {
			t.Errorf("%s says not what becomes of what was received: %+v", info.Name, u)
		}
	}
}

func TestMake(t *testing.T) {
	t.Parallel()
	many := make([]party.Code, 40)
	for i := range many {
		many[i] = party.Code(fmt.Sprintf("Q%d", i))
	}
	for _, info := range List() {
		parties := many
		if info.Max == 2 {
			parties = []party.Code{"QB", "QA"}
		}
		doc, err := Make(info.Name, parties...)
		if err != nil {
			t.Fatalf("%s: %v", info.Name, err)
		}
		if !slices.Equal(doc.Parties, parties) {
			t.Errorf("%s: %v", info.Name, doc.Parties)
		}
		if raw := string(doc.Raw); strings.Contains(raw, "XA") || strings.Contains(raw, "XB") || strings.Contains(raw, "XC") {
			t.Errorf("%s: a party of the template is left in what was made", info.Name)
		}
		for name, codes := range doc.Groups {
			if len(codes) != len(parties) {
				t.Errorf("%s: the group %s is %v", info.Name, name, codes)
			}
		}
		for language, and := range map[string]string{"en": " and ", "ru": " и "} {
			if last := string(parties[len(parties)-2]) + and + string(parties[len(parties)-1]); !strings.Contains(doc.Title[language], last) {
				t.Errorf("%s: %s", info.Name, doc.Title[language])
			}
		}
		if _, err := agreement.Compile(doc); err != nil {
			t.Errorf("%s: %v", info.Name, err)
		}
	}
	for name, c := range map[string]struct {
		template string
		parties  []party.Code
		code     fault.Code
		says     string
	}{
		"unknown":  {"peace", nil, fault.NotFound, "no template"},
		"a path":   {"../template", nil, fault.NotFound, "no template"},
		"alone":    {"requests", many[:1], fault.Usage, "2 parties or more"},
		"three":    {"response-teams", many[:3], fault.Usage, "for 2 parties"},
		"two":      {"regional", many[:2], fault.Usage, "3 parties or more"},
		"twice":    {"requests", []party.Code{"QA", "QA"}, fault.Usage, "named twice"},
		"office":   {"requests", []party.Code{"QA", "QB.cert"}, fault.Usage, "no offices"},
		"no code":  {"requests", []party.Code{"QA", `Q","x`}, fault.Usage, "a code like XA"},
		"a crowd":  {"requests", make([]party.Code, agreement.MaxParties+1), fault.Usage, "2 parties or more"},
		"nobodies": {"requests", make([]party.Code, 2), fault.Usage, "a code like XA"},
	} {
		if _, err := Make(c.template, c.parties...); fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
