package vectors

import (
	"os"
	"testing"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// articled is a document that has every member of AGR-1 to AGR-3.
const articled = "agreements/articles.json"

func readArticled(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/articles.json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func articleAgreements(t *testing.T, f files) []vector {
	raw := readArticled(t)
	f[articled] = raw
	v := []vector{{"every-member", "a document that has every member", []string{"AGR-1", "AGR-2", "AGR-3"}, object{"document": inFile(articled)}, ok()}}
	for _, c := range []struct{ name, about, clause, old, new string }{
		{"authentic-elsewhere", "a text decides in a language that there is", "AGR-1", `"authentic": ["en"]`, `"authentic": ["de"]`},
		{"count-of-one", "nobody agrees alone", "AGR-1", `"count": 2`, `"count": 1`},
		{"count-above-all", "there are three parties", "AGR-1", `"count": 2`, `"count": 4`},
		{"days-after-a-date", "a date is a date", "AGR-1", `"when": "count", "count": 2`, `"when": "date", "date": "2031-01-01T00:00:00.000Z"`},
		{"review-of-no-form", "a time has one form", "AGR-1", `"2031-01-01T00:00:00.000Z"`, `"2031-01-01"`},
		{"definition-in-one-language", "a term is defined in all languages", "AGR-1", `, "fr": "Un événement qui nuit à un réseau."`, ``},
		{"group-of-strangers", "a group is of parties and their offices", "AGR-1", `["XA.cert", "XB.cert"]`, `["XA.cert", "XD"]`},
		{"group-of-groups", "a group is of codes", "AGR-1", `["XA.cert", "XB.cert"]`, `["@south"]`},
		{"group-of-nobody", "a group is of somebody", "AGR-1", `["XA.cert", "XB.cert"]`, `[]`},
		{"group-unknown", "a rule names a group that there is", "AGR-3", `"from": ["@teams"]`, `"from": ["@team"]`},
		{"retain-max-zero", "nothing can be erased at once", "AGR-3", `"retain_max": 86400`, `"retain_max": 0`},
		{"per-day-zero", "a rule that never holds", "AGR-3", `"per_day": 3`, `"per_day": 0`},
		{"with-and-without", "a rule that never holds", "AGR-3", `"without": ["H2"]`, `"handling": ["H2"], "without": ["H2"]`},
		{"to-oneself", "a rule that never holds", "AGR-3", `"from": ["@teams"], "to": ["@teams"]`, `"from": ["XA"], "to": ["XA"]`},
		{"effect-unknown", "permit, forbid, approve", "AGR-3", `"effect": "approve", "tlp_min"`, `"effect": "ask", "tlp_min"`},
		{"forbidden-outright", "whoever wrote one rule did not mean the other", "AGR-3", `"effect": "approve", "kinds": ["intel.*"], "per_day": 2`, `"effect": "forbid", "kinds": ["intel.*"]`},
		{"forbidden-by-groups", "a group is its codes", "AGR-3", `"effect": "approve", "kinds": ["intel.*"], "per_day": 2`, `"effect": "forbid", "from": ["XA.*", "XB.*"], "to": ["XA.*", "XB.cert"]`},
		{"onward-unknown", "none, parties, ask, free", "AGR-2", `"onward": "parties"`, `"onward": "friends"`},
		{"onward-differs", "two articles on every kind", "AGR-2", `"reservations": false`, `"reservations": false, "onward": "free"`},
		{"onward-of-a-kind-differs", "two articles on one kind", "AGR-2", `"effect": "permit", "kinds": ["assist.*"], "personal_data": "none"}
      ],`, `"effect": "permit", "kinds": ["intel.*"], "personal_data": "none"}
      ], "onward": "free",`},
		{"retention-zero", "leave it out instead", "AGR-2", `"retention": 2592000`, `"retention": 0`},
		{"proceedings-unknown", "no, permission, yes", "AGR-2", `"proceedings": "permission"`, `"proceedings": "perhaps"`},
		{"cites-nothing", "a citation says something", "AGR-2", `"cites": ["Convention on Cybercrime (Budapest, 2001), Art. 25"]`, `"cites": [""]`},
	} {
		v = append(v, vector{c.name, c.about, []string{c.clause}, object{"document": swap(t, raw, c.old, c.new)}, no(c.clause)})
	}
	// What leaves a case is no contradiction.
	for _, c := range []struct{ name, about, old, new string }{
		{"forbidden-in-part", "a kind is left", `"effect": "approve", "kinds": ["intel.*"], "per_day": 2`, `"effect": "forbid", "kinds": ["intel.*"], "tlp_min": "GREEN"`},
		{"forbidden-past-a-number", "the first of a day are left", `"effect": "approve", "kinds": ["intel.*"], "per_day": 2`, `"effect": "forbid", "kinds": ["intel.*"], "per_day": 2`},
		{"onward-of-a-kind", "the article that names the kind goes before", `"onward": "none"`, `"onward": "free"`},
	} {
		v = append(v, vector{c.name, c.about, []string{"AGR-2", "AGR-3"}, object{"document": swap(t, raw, c.old, c.new)}, ok()})
	}
	return v
}

// verdicts are decisions of a document by itself, with what its making and the day have brought.
func verdicts(t *testing.T) []vector {
	at := at(2 * time.Hour)
	put := func(from party.Code, kind statement.Kind, facts any, edits ...edit) object {
		h := compose(t, draftHead(t, from, 7, kind, facts, append([]edit{to("XB"), at, func(h *statement.Head) {
			h.Agreement = &statement.AgreementRef{ID: statement.ID{1}, Digest: statement.Digest{1}, At: []statement.ID{{1}}}
		}}, edits...)...))
		return object{"document": inFile(articled), "head": string(h.Raw)}
	}
	marked := func(m marking.Marking) edit { return func(h *statement.Head) { h.Marking = m } }
	until := func(days int) string { return after(2*time.Hour + time.Duration(days)*24*time.Hour).String() }
	request := func(facts object, edits ...edit) object { return put("XA", "assist.request", facts, edits...) }
	about := object{"type": "information"}
	served := object{"type": "information", "purpose": "recovery"}
	share := func(edits ...edit) object {
		return put("XA.cert", "intel.share", object{}, append([]edit{to("XB.cert")}, edits...)...)
	}
	with := func(o object, name string, v any) object { o[name] = v; return o }
	permitted := func(approval ...string) object {
		return object{"ok": true, "approval": append([]string{}, approval...)}
	}
	denied := func(clause string, articles ...string) object {
		w := no(clause)
		w["articles"] = append([]string{}, articles...)
		return w
	}
	personal := func(p marking.PersonalData, until string) edit {
		return marked(marking.Marking{TLP: marking.Amber, PersonalData: p, RetainUntil: until})
	}
	red := func(codes []string, until string) edit {
		return marked(marking.Marking{TLP: marking.Red, Handling: codes, RetainUntil: until})
	}
	hour := after(3 * time.Hour).String()
	reserved := func(by string, articles ...string) object { return object{by: articles} }
	return []vector{
		{"request", "without personal data", []string{"DEC-1"}, request(about), permitted()},
		{"personal-data", "a purpose, and a date within a day; a second officer looks at it", []string{"DEC-8", "DEC-10", "AGR-3"}, request(served, personal(marking.PersonalAllowed, until(1))), permitted("3")},
		{"personal-data-minimised", "without a second officer", []string{"DEC-8", "DEC-10"}, request(served, personal(marking.PersonalMinimised, until(1))), permitted()},
		{"personal-data-too-long", "a date after two days", []string{"AGR-3"}, request(served, personal(marking.PersonalMinimised, until(2))), denied("DEC-1")},
		{"personal-data-for-ever", "no date: no rule holds", []string{"AGR-3"}, request(served, personal(marking.PersonalMinimised, "")), denied("DEC-1")},
		{"personal-data-without-purpose", "under no agreement", []string{"DEC-8"}, request(about, personal(marking.PersonalMinimised, until(1))), denied("DEC-8")},
		{"personal-data-purpose-of-no-form", "a purpose is a string", []string{"DEC-8", "DEC-3"}, request(object{"type": "information", "purpose": []string{"recovery"}}, personal(marking.PersonalMinimised, until(1))), denied("DEC-8")},
		{"personal-data-purpose-empty", "an empty purpose is none", []string{"DEC-8", "DEC-3"}, request(object{"type": "information", "purpose": ""}, personal(marking.PersonalMinimised, until(1))), denied("DEC-8")},
		{"purpose-before-clock", "both fail: the first is named", []string{"DEC-8", "DEC-6"},
			request(object{"type": "information", "clock": object{"acknowledge": 1, "answer": 1}}, precedence("flash"), personal(marking.PersonalMinimised, until(1))), denied("DEC-8")},
		{"group", "an office in a group, to another", []string{"AGR-3", "DEC-2"}, share(), permitted()},
		{"group-does-not-include", "the party itself is not in the group", []string{"AGR-3"}, share(to("XB")), denied("DEC-1")},
		{"count-reached", "the third of the day asks for approval", []string{"DEC-9", "DEC-10"}, with(share(), "today", object{"XB.cert": 2}), permitted("3")},
		{"count-exceeded", "the fourth of the day", []string{"DEC-9"}, with(share(), "today", object{"XB.cert": 3}), denied("DEC-1")},
		{"count-of-another", "counts are by recipient", []string{"DEC-9"}, with(share(), "today", object{"XB": 3}), permitted()},
		{"approval-of-a-request", "above TLP:AMBER", []string{"DEC-10"}, request(about, to("XC"), marked(marking.Marking{TLP: marking.AmberStrict})), permitted("3")},
		{"without-a-code", "south at TLP:RED", []string{"AGR-3"}, request(about, red(nil, hour)), denied("DEC-1", "4")},
		{"with-the-code", "south at TLP:RED, with H2 and an hour", []string{"AGR-3", "DEC-10"}, request(about, red([]string{"H1", "H2"}, hour)), permitted("3")},
		{"kept-longer", "south at TLP:RED, with H2 and a day", []string{"AGR-3"}, request(about, red([]string{"H2"}, until(1))), denied("DEC-1", "4")},
		{"kept-for-ever", "south at TLP:RED, with H2 and no date", []string{"AGR-3"}, request(about, red([]string{"H2"}, "")), denied("DEC-1", "4")},
		{"not-south", "from XC to XA nothing of it holds", []string{"AGR-3"}, put("XC", "assist.request", about, to("XA"), red(nil, "")), permitted("3")},
		{"reserved-by-the-author", "its permissions do not hold", []string{"AGR-10"}, with(request(about), "reserved", reserved("XA", "1")), denied("DEC-1")},
		{"reserved-by-the-recipient", "its permissions do not hold", []string{"AGR-10"}, with(request(about), "reserved", reserved("XB", "1")), denied("DEC-1")},
		{"reserved-by-a-third", "between others it holds", []string{"AGR-10"}, with(request(about), "reserved", reserved("XC", "1")), permitted()},
		{"reserved-for-an-office", "what a party has reserved its offices have", []string{"AGR-10"}, with(share(), "reserved", reserved("XB", "2")), denied("DEC-1")},
		{"reserved-prohibition", "what is forbidden stays so", []string{"AGR-10"}, with(request(about, red(nil, hour)), "reserved", reserved("XA", "4")), denied("DEC-1", "4")},
		{"reserved-approval", "approval is still asked for", []string{"AGR-10", "DEC-10"}, with(request(about, to("XC"), marked(marking.Marking{TLP: marking.AmberStrict})), "reserved", reserved("XA", "3")), permitted("3")},
		{"reserved-clock", "a shorter clock stays forbidden", []string{"AGR-10", "DEC-6"},
			with(request(object{"type": "information", "clock": object{"acknowledge": 1, "answer": 1}}, precedence("flash")), "reserved", reserved("XB", "5")), denied("DEC-6", "5")},
		{"joined", "a party that joined is one", []string{"AGR-10", "DEC-2"}, with(request(about, to("XD")), "joined", []string{"XD"}), permitted()},
		{"joined-not", "a stranger is none", []string{"DEC-2"}, request(about, to("XD")), denied("DEC-2")},
		{"joined-office", "no rule names its offices", []string{"AGR-10", "DEC-2"}, with(request(about, to("XD.cert")), "joined", []string{"XD"}), denied("DEC-2")},
		{"joined-and-reserved", "a reservation made on joining", []string{"AGR-10"}, with(with(request(about, to("XD")), "joined", []string{"XD"}), "reserved", reserved("XD", "1")), denied("DEC-1")},
		{"several", "every recipient must be permitted", []string{"DEC-1", "AGR-10"}, with(request(about, to("XB", "XC")), "reserved", reserved("XC", "1")), denied("DEC-1")},
	}
}

func checkVerdict(in input) (object, error) {
	d, err := agreement.Parse(in.text("document"))
	if err != nil {
		return nil, err
	}
	p, err := agreement.Compile(d)
	if err != nil {
		return nil, err
	}
	h, err := statement.ParseHead(in.text("head"))
	if err != nil {
		return nil, err
	}
	q, err := agreement.Ask(h)
	if err != nil {
		return nil, err
	}
	for name, to := range map[string]any{"reserved": &q.Reserved, "joined": &q.Joined, "today": &q.Today} {
		if _, given := in.raw[name]; given {
			in.get(name, to)
		}
	}
	v := p.Decide(q)
	got := object{"articles": append([]string{}, v.Articles...)}
	if !v.Permitted {
		return got, fault.New(fault.Denied, v.Clause, "%s", v.Reason)
	}
	got["approval"] = append([]string{}, v.ApprovalBy...)
	return got, nil
}
