package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// machine is what of an article machines decide on, in few words.
func machine(s *page.Shell, a *agreement.Article) []page.MachineRow {
	var out []page.MachineRow
	for i := range a.Rules {
		r := &a.Rules[i]
		out = append(out, page.MachineRow{Effect: string(r.Effect), Word: s.Word("effect", string(r.Effect)), Says: conditions(s, r)})
	}
	span := func(n int64) string { return s.Span(time.Duration(n) * time.Second) }
	for _, p := range statement.Precedences() {
		if c, ok := a.Clocks[p]; ok {
			out = append(out, page.MachineRow{Effect: "clock", Word: s.Word("precedence", string(p)), Says: []string{s.T("fact.clock.is", span(c.Acknowledge), span(c.Answer))}})
		}
	}
	if len(a.Grounds) > 0 {
		out = append(out, page.MachineRow{Effect: "grounds", Word: s.Word("fact", "grounds"), Says: s.Words("value", a.Grounds)})
	}
	var use agreement.Use
	if a.Onward != nil {
		use.Onward, use.OnwardBy = *a.Onward, a.Number
	}
	if a.Proceedings != nil {
		use.Proceedings, use.ProceedingsBy = *a.Proceedings, a.Number
	}
	if a.Retention != nil {
		use.Retention, use.RetentionBy = *a.Retention, a.Number
	}
	if all := uses(s, use); len(all) > 0 {
		out = append(out, page.MachineRow{Effect: "use", Word: s.T("use.title"), Says: all})
	}
	return out
}

// conditions are those under which a rule holds.
func conditions(s *page.Shell, r *agreement.Rule) []string {
	var out []string
	add := func(key string, words ...string) {
		if len(words) > 0 {
			out = append(out, s.T("cond."+key, s.List(words)))
		}
	}
	least := ""
	if r.Effect != agreement.Permit {
		least = ".least"
	}
	add("kinds", texts(r.Kinds)...)
	add("from", texts(r.From)...)
	add("to", texts(r.To)...)
	if r.TLPMax != nil {
		add("tlp-max", "TLP:"+string(*r.TLPMax))
	}
	if r.TLPMin != nil {
		add("tlp-min", "TLP:"+string(*r.TLPMin))
	}
	if r.PAPMax != nil {
		add("pap-max", "PAP:"+string(*r.PAPMax))
	}
	if r.PersonalData != nil {
		add("data"+least, s.Word("data", string(*r.PersonalData)))
	}
	add("precedence", s.Words("precedence", texts(r.Precedence))...)
	add("tracks", s.Words("track", texts(r.Tracks))...)
	if r.Exercise != nil {
		add("exercise", s.T(map[bool]string{true: "value.yes", false: "value.no"}[*r.Exercise]))
	}
	add("purposes", s.Words("value", r.Purposes)...)
	add("sectors", s.Words("value", r.Sectors)...)
	add("types", s.Words("value", r.Types)...)
	add("handling", r.Handling...)
	add("without", r.Without...)
	if r.BodyMax != nil {
		add("body-max", s.Size(*r.BodyMax))
	}
	if r.RetainMax != nil {
		add("retain-max"+least, s.Span(time.Duration(*r.RetainMax)*time.Second))
	}
	if r.PerDay != nil {
		add("per-day"+least, strconv.FormatInt(*r.PerDay, 10))
	}
	return out
}

// try is the what-if tester: a question in the address, and the answer below it.
func (f *face) try(r *http.Request, s *page.Shell, a node.AgreementView, doc *agreement.Document) *page.TryPage {
	get := r.URL.Query()
	plain := func(v string) string { return v }
	word := func(group string) func(string) string { return func(v string) string { return s.Word(group, v) } }
	parties := texts(doc.Parties)
	from := orDefault(get.Get("from"), string(f.n.Config.Code))
	to := get.Get("to")
	if to == "" {
		if i := slices.IndexFunc(parties, func(p string) bool { return p != from }); i >= 0 {
			to = parties[i]
		}
	}
	var kinds []string
	for _, spec := range f.n.Rules.Specs() {
		if d := spec.Kind.Desk(); d != "receipt" && d != "office" && d != "thread" && d != "instrument" && d != "credence" && d != "recall" {
			kinds = append(kinds, string(spec.Kind))
		}
	}
	v := &page.TryPage{
		From: choices(parties, from, plain), To: choices(parties, to, plain),
		Kind:    choices(kinds, orDefault(get.Get("kind"), string(assist.KindRequest)), func(k string) string { return f.label(s, statement.Kind(k)) + " (" + k + ")" }),
		TLP:     choices(texts(marking.TLPs()), orDefault(get.Get("tlp"), string(marking.Amber)), func(l string) string { return "TLP:" + l }),
		Urgency: choices(texts(statement.Precedences()), orDefault(get.Get("precedence"), string(statement.Routine)), word("precedence")),
		Data:    choices([]string{"", "none", "minimised", "allowed"}, get.Get("personal_data"), func(d string) string { return s.Word("data", orDefault(d, "unsaid")) }),
		Track:   choices(texts(tracks()), orDefault(get.Get("track"), string(statement.Technical)), word("track")),
		Role:    choices(texts(auth.Roles()), orDefault(get.Get("role"), string(auth.DutyOfficer)), word("role")),
		Purpose: get.Get("purpose"), Sector: get.Get("sector"), At: get.Get("at"), Bytes: get.Get("bytes"),
	}
	if get.Get("try") == "" {
		return v
	}
	t, err := f.trial(r, s, a.ID, chosen(v))
	if err != nil {
		e := page.FaultOf(s, err)
		v.Fault = &e
		return v
	}
	d := exchange.Verdict{Verdict: t.Verdict, Agreement: a.ID}
	v.Verdict = f.decided(r.Context(), s, d)
	if v.Verdict.Approval = t.Verdict.Approval; v.Verdict.Permitted && v.Verdict.Approval {
		v.Verdict.Heading = s.T("verdict.second")
	}
	if v.Unbound = t.Unbound; v.Unbound != "" {
		v.Verdict.Permitted, v.Verdict.Heading = false, s.T("verdict.unbound")
	}
	if v.Verdict.Permitted {
		v.Verdict.Uses = uses(s, t.Use)
	}
	return v
}

// chosen reads back what the selects of the tester say.
func chosen(v *page.TryPage) map[string]string {
	out := map[string]string{"purpose": v.Purpose, "sector": v.Sector, "at": v.At, "bytes": v.Bytes}
	for name, all := range map[string][]page.Choice{
		"from": v.From, "to": v.To, "kind": v.Kind, "tlp": v.TLP, "precedence": v.Urgency, "personal_data": v.Data, "track": v.Track, "role": v.Role,
	} {
		for _, c := range all {
			if c.Chosen {
				out[name] = c.Value
			}
		}
	}
	return out
}

// trial asks the agreement about a head that nobody says.
func (f *face) trial(r *http.Request, s *page.Shell, id agreement.ID, q map[string]string) (node.Trial, error) {
	h := &statement.Head{
		From: party.Code(q["from"]), To: []party.Code{party.Code(q["to"])}, Kind: statement.Kind(q["kind"]), Time: statement.TimeOf(s.Now),
		Marking: marking.Marking{TLP: marking.TLP(q["tlp"]), PersonalData: marking.PersonalData(q["personal_data"])},
		Track:   statement.Track(q["track"]), Precedence: statement.Precedence(q["precedence"]), By: statement.By{Role: q["role"]},
	}
	for name, v := range q {
		if v == "" && !slices.Contains([]string{"purpose", "sector", "at", "bytes", "personal_data"}, name) {
			return node.Trial{}, fault.New(fault.Usage, "", "choose a value in every field of the question")
		}
	}
	if h.From == h.To[0] {
		return node.Trial{}, fault.New(fault.Usage, "", "nobody says something to themselves: choose two parties")
	}
	b := &builder{f: f, s: s}
	if q["at"] != "" {
		t, err := b.when(q["at"])
		if err != nil {
			return node.Trial{}, fault.Wrap(err, fault.Usage, "", "the time is no time")
		}
		h.Time = t
	}
	if q["bytes"] != "" {
		n, err := strconv.ParseInt(q["bytes"], 10, 64)
		if err != nil || n < 0 {
			return node.Trial{}, fault.New(fault.Usage, "", "a size is a number of bytes")
		}
		h.Body = &statement.BodyRef{Size: n}
	}
	facts := map[string]string{}
	for _, name := range []string{"purpose", "sector"} {
		if v := strings.TrimSpace(q[name]); v != "" {
			facts[name] = v
		}
	}
	var err error
	if h.Facts, err = node.Facts(facts); err != nil {
		return node.Trial{}, err
	}
	return f.n.Try(r.Context(), id, h, nil)
}
