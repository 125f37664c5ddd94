package agreement

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

//go:embed testdata/*.json
var examples embed.FS

func example(tb testing.TB, name string) []byte {
	tb.Helper()
	raw, err := examples.ReadFile("testdata/" + name + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func compiled(tb testing.TB, name string) *Policy {
	tb.Helper()
	d, err := Parse(example(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	p, err := Compile(d)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// document puts members of one article into the smallest agreement.
func document(article string) string {
	return `{"v":1,"title":{"en":"T"},"parties":["XA","XB"],"languages":["en"],"in_force":{"when":"all"},"articles":[` +
		`{"number":"4","title":{"en":"T"},"text":{"en":"T"}` + article + `}]}`
}

func rule(members string) string { return document(`,"rules":[{"effect":"permit"` + members + `}]`) }

// spec: AGR-1
func TestParseKeepsBytes(t *testing.T) {
	t.Parallel()
	raw := example(t, "assistance")
	d, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.Raw, raw) || d.Digest != statement.Sum(raw) {
		t.Error("the bytes or their digest are not those of the document")
	}
	raw[0] = 'x'
	if d.Raw[0] != '{' {
		t.Error("the document shares the caller's bytes")
	}
	if a, ok := d.Article("4"); !ok || a.Title.In("de", d.Languages...) != "Threat intelligence" || a.Title.In("fr") != "Renseignement sur les menaces" {
		t.Error("the text is not found in a language that the document has")
	}
}

// spec: AGR-1, AGR-2, AGR-3, AGR-4, AGR-5, AGR-6, ENC-2
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	many := func(n int, f string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(f, i)
		}
		return strings.Join(list, ",")
	}
	good := document("")
	for name, c := range map[string]struct{ raw, clause, says string }{
		"nothing":            {"", "AGR-1", "line 1"},
		"not JSON":           {"{\n\"v\":1,\n\"title\" 3}", "AGR-1", "line 3"},
		"two documents":      {good + "\n\n{}", "AGR-1", "line 3: something follows"},
		"a list":             {"[]", "AGR-1", "no JSON object"},
		"byte order mark":    {"\xef\xbb\xbf" + good, "ENC-1", "byte order mark"},
		"invalid UTF-8":      {strings.Replace(good, `"T"`, "\"\xff\"", 1), "AGR-1", "line 1"},
		"repeated name":      {rule(`,"from":["XA"],"from":["XB"]`), "ENC-2", "article 4, rules[0].from is given twice"},
		"null":               {rule(`,"tlp_max":null`), "AGR-1", "article 4, rules[0].tlp_max is null"},
		"version":            {strings.Replace(good, `"v":1`, `"v":2`, 1), "AGR-1", "v is 1"},
		"version as text":    {strings.Replace(good, `"v":1`, `"v":"1"`, 1), "AGR-1", "v is 1"},
		"no parties":         {strings.Replace(good, `["XA","XB"]`, `["XA"]`, 1), "AGR-1", "parties has 2 to 256"},
		"party twice":        {strings.Replace(good, `["XA","XB"]`, `["XA","XA"]`, 1), "AGR-1", "parties names a party twice"},
		"bad party":          {strings.Replace(good, `["XA","XB"]`, `["XA","xb"]`, 1), "AGR-1", "parties[1] is a list of party codes"},
		"no language":        {strings.Replace(good, `"languages":["en"]`, `"languages":[]`, 1), "AGR-1", "languages has at least one"},
		"bad language":       {strings.Replace(good, `"languages":["en"]`, `"languages":["en","?"]`, 1), "AGR-1", "languages is a list of language tags"},
		"other force":        {strings.Replace(good, `"when":"all"`, `"when":"some"`, 1), "AGR-1", `in_force.when is one of all, count, date`},
		"no force":           {strings.Replace(good, `"in_force":{"when":"all"},`, ``, 1), "AGR-1", `in_force.when is one of all, count, date`},
		"no title":           {strings.Replace(good, `"title":{"en":"T"}`, `"title":{}`, 1), "AGR-1", "title is missing"},
		"unknown member":     {strings.Replace(good, `{"v"`, `{"annex":1,"v"`, 1), "AGR-1", "the document has the member annex"},
		"no articles":        {strings.Replace(good, good[strings.Index(good, `[{"n`):], "[]}", 1), "AGR-1", "articles has 1 to 512"},
		"513 articles":       {strings.Replace(good, good[strings.Index(good, `[{"n`):], "["+many(513, `{"number":"%d","title":{"en":"T"},"text":{"en":"T"}}`)+"]}", 1), "AGR-1", "articles has 1 to 512"},
		"number twice":       {strings.Replace(good, `"articles":[`, `"articles":[{"number":"4","title":{"en":"T"},"text":{"en":"T"}},`, 1), "AGR-2", "article 4, number is the number of an earlier article"},
		"number as number":   {strings.Replace(good, `"number":"4"`, `"number":4`, 1), "AGR-2", "articles[0], number is an identifier in quotes"},
		"no number":          {strings.Replace(good, `"number":"4",`, ``, 1), "AGR-2", "articles[0], number"},
		"language missing":   {strings.Replace(good, `"languages":["en"]`, `"languages":["en","fr"]`, 1), "AGR-2", "article 4, text is missing in the language fr"},
		"language unknown":   {strings.Replace(good, `"text":{"en":"T"}`, `"text":{"en":"T","fr":"T"}`, 1), "AGR-2", "article 4, text has a language"},
		"text empty":         {strings.Replace(good, `"text":{"en":"T"}`, `"text":{"en":" "}`, 1), "AGR-2", "article 4, text is empty"},
		"33 rules":           {document(`,"rules":[` + many(33, `{"effect":"permit","body_max":%d}`) + `]`), "AGR-2", "article 4, rules has more than 32"},
		"unknown in article": {document(`,"note":"x"`), "AGR-2", "article 4 has the member note"},
		"no effect":          {document(`,"rules":[{}]`), "AGR-3", "article 4, rules[0].effect is permit, forbid or approve"},
		"odd effect":         {document(`,"rules":[{"effect":"allow"}]`), "AGR-3", "article 4, rules[0].effect is permit, forbid or approve"},
		"unknown in rule":    {rule(`,"tlpmax":"RED"`), "AGR-3", "article 4, rules[0] has the member tlpmax, which"},
		"unspeakable member": {rule(`,"<script>":"RED"`), "AGR-3", "article 4, rules[0] has a member, which"},
		"second rule":        {document(`,"rules":[{"effect":"permit"},{"effect":"permit","tlp_max":"amber"}]`), "AGR-3", "article 4, rules[1].tlp_max is one of CLEAR, GREEN"},
		"empty TLP":          {rule(`,"tlp_max":""`), "AGR-3", "rules[0].tlp_max is one of"},
		"TLP as number":      {rule(`,"tlp_min":3`), "AGR-3", "rules[0].tlp_min is one of"},
		"TLP upside down":    {rule(`,"tlp_max":"GREEN","tlp_min":"RED"`), "AGR-3", "tlp_min is above tlp_max"},
		"PAP strict":         {rule(`,"pap_max":"AMBER+STRICT"`), "AGR-3", "rules[0].pap_max is one of"},
		"empty PAP":          {rule(`,"pap_max":""`), "AGR-3", "rules[0].pap_max is one of"},
		"personal data":      {rule(`,"personal_data":"some"`), "AGR-3", "rules[0].personal_data is one of"},
		"empty personal":     {rule(`,"personal_data":""`), "AGR-3", "rules[0].personal_data is one of"},
		"kinds empty":        {rule(`,"kinds":[]`), "AGR-3", "rules[0].kinds is an empty list"},
		"kinds of any":       {rule(`,"kinds":["*"]`), "AGR-3", "rules[0].kinds is a list of kinds"},
		"kinds of a verb":    {rule(`,"kinds":["assist.req*"]`), "AGR-3", "rules[0].kinds is a list of kinds"},
		"kinds as text":      {rule(`,"kinds":"assist.*"`), "AGR-3", "rules[0].kinds is a list of kinds"},
		"kind twice":         {rule(`,"kinds":["assist.*","assist.*"]`), "AGR-3", "rules[0].kinds names a value twice"},
		"65 purposes":        {rule(`,"purposes":[` + many(65, `"p%d"`) + `]`), "AGR-3", "rules[0].purposes has more than 64"},
		"stranger":           {rule(`,"from":["XC"]`), "AGR-3", "rules[0].from names a code that is neither"},
		"stranger's office":  {rule(`,"to":["XC.cert"]`), "AGR-3", "rules[0].to names a code that is neither"},
		"office of office":   {rule(`,"to":["XA.cert.*"]`), "AGR-3", "rules[0].to names a code that is neither"},
		"any party":          {rule(`,"to":["*"]`), "AGR-3", "rules[0].to names a code that is neither"},
		"precedence":         {rule(`,"precedence":["urgent"]`), "AGR-3", "rules[0].precedence is a list of flash"},
		"tracks":             {rule(`,"tracks":["military"]`), "AGR-3", "rules[0].tracks is a list of technical"},
		"exercise":           {rule(`,"exercise":"no"`), "AGR-3", "rules[0].exercise is true or false"},
		"purposes":           {rule(`,"purposes":["for free"]`), "AGR-3", "rules[0].purposes is a list of identifiers"},
		"sectors":            {rule(`,"sectors":[3]`), "AGR-3", "rules[0].sectors[0] is a list of identifiers"},
		"types":              {rule(`,"types":[""]`), "AGR-3", "rules[0].types is a list of identifiers"},
		"handling":           {rule(`,"handling":["H 1"]`), "AGR-3", "rules[0].handling is a list of handling codes"},
		"body negative":      {rule(`,"body_max":-1`), "AGR-3", "rules[0].body_max is a number of bytes"},
		"body fraction":      {rule(`,"body_max":1.5`), "AGR-3", "rules[0].body_max is a number of bytes"},
		"body huge":          {rule(`,"body_max":9007199254740992`), "AGR-3", "rules[0].body_max is a number of bytes"},
		"clock of no name":   {document(`,"clocks":{"soon":{"acknowledge":1,"answer":2}}`), "AGR-4", "article 4, clocks names a precedence that is none of"},
		"clocks empty":       {document(`,"clocks":{}`), "AGR-4", "article 4, clocks is empty"},
		"clock of zero":      {document(`,"clocks":{"flash":{"acknowledge":0,"answer":2}}`), "AGR-4", "article 4, clocks.flash.acknowledge is a number of seconds"},
		"clock without":      {document(`,"clocks":{"flash":{"acknowledge":1}}`), "AGR-4", "article 4, clocks.flash.answer is a number of seconds"},
		"clock reversed":     {document(`,"clocks":{"flash":{"acknowledge":3,"answer":2}}`), "AGR-4", "clocks.flash.acknowledge is longer than the time to answer"},
		"clock in words":     {document(`,"clocks":{"flash":{"acknowledge":"1h","answer":2}}`), "AGR-4", "article 4, clocks.flash.acknowledge is a number of seconds"},
		"clock twice": {strings.Replace(document(`,"clocks":{"flash":{"acknowledge":1,"answer":2}}`), `"articles":[`,
			`"articles":[{"number":"3","title":{"en":"T"},"text":{"en":"T"},"clocks":{"flash":{"acknowledge":1,"answer":2}}},`, 1), "AGR-4",
			"article 4, clocks.flash sets a clock that article 3 sets already"},
		"grounds empty":        {document(`,"grounds":[]`), "AGR-5", "article 4, grounds is an empty list"},
		"group of strangers":   {strings.Replace(rule(`,"from":["@team"]`), `"articles"`, `"groups":{"team":["XA.cert","XD"]},"articles"`, 1), "AGR-1", "groups.team names a code that is neither"},
		"group of groups":      {strings.Replace(good, `"articles"`, `"groups":{"team":["XA"],"more":["@team"]},"articles"`, 1), "AGR-1", "groups.more names a group"},
		"group of nobody":      {strings.Replace(good, `"articles"`, `"groups":{"team":[]},"articles"`, 1), "AGR-1", "groups.team has 1 to 256 codes"},
		"group twice the one":  {strings.Replace(good, `"articles"`, `"groups":{"team":["XA","XA"]},"articles"`, 1), "AGR-1", "groups.team names a code twice"},
		"group without name":   {strings.Replace(good, `"articles"`, `"groups":{"the team":["XA"]},"articles"`, 1), "AGR-1", "groups has a name that is no identifier"},
		"no groups":            {strings.Replace(good, `"articles"`, `"groups":{},"articles"`, 1), "AGR-1", "groups has 1 to 64 groups"},
		"groups as a list":     {strings.Replace(good, `"articles"`, `"groups":["XA"],"articles"`, 1), "AGR-1", "groups is an object of name and list"},
		"unknown group":        {rule(`,"to":["@team"]`), "AGR-3", "rules[0].to names a group that the document does not define"},
		"definitions none":     {strings.Replace(good, `"articles"`, `"definitions":{},"articles"`, 1), "AGR-1", "definitions has 1 to 512 terms"},
		"definition of no one": {strings.Replace(good, `"articles"`, `"definitions":{"a term":{"en":"T"}},"articles"`, 1), "AGR-1", "definitions has a term that is no identifier"},
		"definition untold":    {strings.Replace(good, `"articles"`, `"definitions":{"incident":{}},"articles"`, 1), "AGR-1", "definitions.incident is missing"},
		"authentic in none":    {strings.Replace(good, `"articles"`, `"authentic":[],"articles"`, 1), "AGR-1", "authentic is an empty list"},
		"authentic in French":  {strings.Replace(good, `"articles"`, `"authentic":["fr"],"articles"`, 1), "AGR-1", "authentic is a list of some of the document's languages"},
		"review some day":      {strings.Replace(good, `"articles"`, `"review":"2030","articles"`, 1), "AGR-1", "review is a time"},
		"with and without":     {rule(`,"handling":["H1"],"without":["H2","H1"]`), "AGR-3", "rules[0].without names a code that handling asks for"},
		"to oneself":           {rule(`,"from":["XA"],"to":["XA"]`), "AGR-3", "rules[0].to names the author alone"},
		"without nothing":      {rule(`,"without":[]`), "AGR-3", "rules[0].without is an empty list"},
		"kept for no time":     {rule(`,"retain_max":0`), "AGR-3", "rules[0].retain_max is a number of seconds"},
		"kept for ever":        {rule(`,"retain_max":3155760001`), "AGR-3", "rules[0].retain_max is a number of seconds"},
		"never a day":          {rule(`,"per_day":0`), "AGR-3", "rules[0].per_day is a number of statements"},
		"half a day":           {rule(`,"per_day":0.5`), "AGR-3", "rules[0].per_day is a number of statements"},
		"onward to friends":    {document(`,"onward":"friends"`), "AGR-2", "article 4, onward is one of none, parties, ask, free"},
		"onward to no word":    {document(`,"onward":""`), "AGR-2", "article 4, onward is one of"},
		"proceedings":          {document(`,"proceedings":"maybe"`), "AGR-2", "article 4, proceedings is one of no, permission, yes"},
		"retention of zero":    {document(`,"retention":0`), "AGR-2", "article 4, retention is a number of seconds"},
		"cites nothing":        {document(`,"cites":[" "]`), "AGR-2", "article 4, cites is a list of texts"},
		"cites at length":      {document(`,"cites":["` + strings.Repeat("x", 513) + `"]`), "AGR-2", "article 4, cites is a list of texts"},
		"permits nothing": {strings.Replace(rule(`,"kinds":["assist.request"],"from":["XA"],"tlp_max":"GREEN"`), `"articles":[`,
			`"articles":[{"number":"3","title":{"en":"T"},"text":{"en":"T"},"rules":[{"effect":"forbid","kinds":["assist.*"],"from":["XA.*","XB"],"tlp_max":"AMBER"}]},`, 1), "AGR-3",
			"article 4, rules[0] permits nothing: article 3 forbids all of it"},
		"onward in two ways": {strings.Replace(document(`,"onward":"none","rules":[{"effect":"permit","kinds":["assist.grant"]}]`), `"articles":[`,
			`"articles":[{"number":"3","title":{"en":"T"},"text":{"en":"T"},"onward":"free","rules":[{"effect":"permit","kinds":["assist.*"]}]},`, 1), "AGR-2",
			"article 4, onward differs from that of article 3 for the same kinds"},
		"two retentions": {strings.Replace(document(`,"retention":60`), `"articles":[`,
			`"articles":[{"number":"3","title":{"en":"T"},"text":{"en":"T"},"retention":61},`, 1), "AGR-2", "article 4, retention differs from that of article 3"},
		"grounds": {document(`,"grounds":["because we can"]`), "AGR-5", "article 4, grounds is a list of identifiers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(c.raw))
			if err == nil {
				t.Fatal("was taken")
			}
			if f := fault.Of(err); f.Code != fault.Malformed || f.Clause != c.clause || !strings.Contains(f.Msg, c.says) {
				t.Errorf("%s %s: %q; want %s, %q", f.Code, f.Clause, f.Msg, c.clause, c.says)
			}
		})
	}
	if _, err := Parse([]byte(good)); err != nil {
		t.Errorf("what the cases are made from is refused: %v", err)
	}
	// spec: AGR-1
	if _, err := Parse([]byte(good + strings.Repeat(" ", MaxDocument))); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("over the bound: %v", err)
	}
	if _, err := Parse([]byte(" \n" + good + "\r\n\t")); err != nil {
		t.Errorf("white space around the document: %v", err)
	}
}

// spec: AGR-6
func TestCompileChecksToo(t *testing.T) {
	t.Parallel()
	d := must(Parse(example(t, "assistance")))
	d.Articles[1].Rules[0].Purposes = []string{`") permit (principal, action, resource`}
	_, err := Compile(d)
	if f := fault.Of(err); f == nil || f.Clause != "AGR-3" || !strings.HasPrefix(f.Msg, "article 2, rules[0].purposes") {
		t.Errorf("a document that Parse would refuse compiles: %v", err)
	}
}

// spec: AGR-6
func TestUnknownKinds(t *testing.T) {
	t.Parallel()
	d := must(Parse([]byte(rule(`,"kinds":["asist.request","assist.*","assist.grant"]`))))
	got := d.Unknown(Vocabulary{Kinds: []statement.Kind{"assist.request"}})
	want := "article 4, rules[0].kinds: no desk here knows asist.request|article 4, rules[0].kinds: no desk here knows assist.grant"
	if strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
	if _, err := Compile(d); err != nil {
		t.Errorf("a kind of a later version keeps an agreement from compiling: %v", err)
	}
}

func FuzzDocument(f *testing.F) {
	for _, name := range []string{"assistance", "three-parties"} {
		f.Add(example(f, name))
	}
	f.Add([]byte(rule(`,"kinds":["assist.*","intel.share"],"from":["XA.*","XB"],"handling":["H1"],"tlp_max":"AMBER+STRICT"`)))
	f.Add([]byte(strings.Replace(rule(`,"from":["@g"],"to":["XB"],"without":["H1"],"retain_max":60,"per_day":3`), `"articles"`,
		`"authentic":["en"],"review":"2031-01-01T00:00:00.000Z","definitions":{"t":{"en":"T"}},"groups":{"g":["XA.*"]},"articles"`, 1)))
	f.Add([]byte(document(`,"onward":"ask","proceedings":"no","retention":60,"cites":["C"],"reservations":false,"rules":[{"effect":"approve","tlp_min":"RED"}]`)))
	f.Add([]byte(document(`,"clocks":{"flash":{"acknowledge":1,"answer":2}},"grounds":["other"]`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := Parse(raw)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Malformed && c != fault.TooLarge {
				t.Fatalf("%v", err)
			}
			return
		}
		p, err := Compile(d)
		if err != nil {
			t.Fatalf("was parsed and does not compile: %v", err)
		}
		q := asking()
		q.From, q.To = d.Parties[0], d.Parties[1:]
		q.Reserved, q.Today = map[party.Code][]string{q.From: {d.Articles[0].Number}}, map[party.Code]int64{q.To[0]: 1}
		if Problems(raw) != nil {
			t.Fatal("was parsed and has problems")
		}
		if c := Diff(d, d); !c.Empty() {
			t.Fatalf("differs from itself: %+v", c)
		}
		if v := p.Decide(q); v.Reason == "" || len(v.Per) != len(q.To) {
			t.Fatalf("a verdict without a reason: %+v", v)
		}
		reread(t, p)
	})
}
