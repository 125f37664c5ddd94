package pattern_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/stix/pattern"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// object makes an observable from its type and the rest of its JSON. Identifiers are told apart by n.
func object(t testing.TB, n int, typ, rest string) *stix.Object {
	t.Helper()
	o, err := stix.Parse(fmt.Appendf(nil, `{"type":%q,"id":"%s--00000000-0000-4000-8000-%012d",%s}`, typ, typ, n, rest))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// seen makes an observation from first to last seconds after noon.
func seen(t testing.TB, first, last, count int, objects ...*stix.Object) *pattern.Observation {
	t.Helper()
	o, err := pattern.NewObservation(noon.Add(time.Duration(first)*time.Second), noon.Add(time.Duration(last)*time.Second), count, objects...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// seenValue makes an observation of one object with the property b.
func seenValue(t *rapid.T, b string) *pattern.Observation {
	x, err := stix.Parse(fmt.Appendf(nil, `{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001","b":%q}`, b))
	if err != nil {
		t.Fatal(err)
	}
	o, err := pattern.NewObservation(noon, noon, 1, x)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// found gives the places that the pattern matches as a text, "–" for none.
func found(t testing.TB, text string, in []*pattern.Observation) string {
	t.Helper()
	p, err := pattern.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	at, err := p.Match(in, 0)
	if err != nil {
		return fault.Show(err)
	}
	if at == nil {
		return "–"
	}
	return strings.Trim(fmt.Sprint(at), "[]")
}

// TestComparisons evaluates one pair of brackets over one observation of several objects.
func TestComparisons(t *testing.T) {
	t.Parallel()
	in := []*pattern.Observation{seen(t, 0, 0, 1,
		object(t, 1, "file", `"name":"Report.exe","size":1280,"hashes":{"MD5":"`+strings.ToUpper(md5)+`","SHA-256":"`+sha256+`"},"magic_number_hex":"4d5A","lines":"a\nb","accent":"é","ctime":"2026-11-21T08:00:00.5Z",`+
			`"parent_directory_ref":"directory--00000000-0000-4000-8000-000000000002","extensions":{"windows-pebinary-ext":{"sections":[{"entropy":6.5},{"entropy":7.25}]}},"note":"100% sure_x"`),
		object(t, 2, "directory", `"path":"C:\\tmp","contains_refs":["file--00000000-0000-4000-8000-000000000001"]`),
		object(t, 3, "file", `"name":"other.txt","size":5`),
		object(t, 4, "ipv4-addr", `"value":"198.51.100.3"`),
		object(t, 5, "ipv6-addr", `"value":"2001:db8::1:0/112"`),
		object(t, 6, "artifact", `"payload_bin":"dGVzdA=="`),
		object(t, 7, "process", `"is_hidden":true,"pid":7,"x":null`),
	)}
	yes := []string{
		"file:name = 'Report.exe'", "file:size = 1280", "file:size = 1280.0", "file:size != 1280", "file:size > 1279", "file:size >= 1280", "file:size < 6", "file:size <= 5",
		"file:size NOT = 1280", "file:size NOT > 6", "file:name != 5", "file:name > 'R'", "file:name < 'S'",
		"process:is_hidden = true", "process:is_hidden != false", "process:is_hidden NOT = false",
		"file:hashes.MD5 = '" + md5 + "'", "file:hashes.'SHA-256' = '" + strings.ToUpper(sha256) + "'", "file:hashes.'SHA-256' IN ('" + strings.Repeat("0", 64) + "', '" + sha256 + "')",
		"file:magic_number_hex = h'4D5a'", "file:magic_number_hex = b'TVo='", "file:magic_number_hex < h'4d5b'", "artifact:payload_bin = b'dGVzdA=='", "artifact:payload_bin = h'74657374'",
		"file:ctime = t'2026-11-21T08:00:00.500Z'", "file:ctime > t'2026-11-21T08:00:00Z'", "file:ctime <= t'2026-11-21T08:00:00.5Z'",
		"file:name IN ('a', 'other.txt')", "file:size IN (5)", "file:size NOT IN (1280)",
		"file:name LIKE 'Report%'", "file:name LIKE '%.exe'", "file:name LIKE 'R_port.%'", "file:note LIKE '%sure_x'", "file:name LIKE '%'", "file:name LIKE '%o%e%'", "file:name NOT LIKE '%.exe'",
		"file:name MATCHES 'exe$'", "file:name MATCHES '(?i)report'", "file:name NOT MATCHES '^R'",
		"ipv4-addr:value ISSUBSET '198.51.100.0/24'", "ipv4-addr:value ISSUBSET '198.51.100.3'", "ipv4-addr:value ISSUPERSET '198.51.100.3/32'", "ipv4-addr:value ISSUBSET '0.0.0.0/0'",
		"ipv4-addr:value NOT ISSUBSET '198.51.101.0/24'", "ipv6-addr:value ISSUBSET '2001:db8::/32'", "ipv6-addr:value ISSUPERSET '2001:db8::1:2'",
		"file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0", "file:extensions.'windows-pebinary-ext'.sections[0].entropy = 6.5", "file:extensions.'windows-pebinary-ext'.sections[*].entropy < 7",
		"file:parent_directory_ref.path = 'C:\\\\tmp'", "directory:contains_refs[*].name = 'Report.exe'", "directory:contains_refs[0].parent_directory_ref.path LIKE 'C:%'",
		"EXISTS file:name", "EXISTS file:hashes.MD5", "NOT EXISTS file:hashes", "NOT EXISTS process:cwd", "EXISTS process:x",
		"file:name = 'Report.exe' AND file:size = 1280", "file:name = 'x' OR file:size = 5", "file:name = 'x' OR file:size = 5 AND file:name = 'other.txt'",
		"(file:name = 'Report.exe' OR process:pid = 7) AND (file:size = 5 OR process:is_hidden = true)",
		"artifact:payload_bin = 'test'", "artifact:payload_bin > 'tes'", "artifact:payload_bin LIKE 't%t'", "artifact:payload_bin MATCHES '^test$'", "file:magic_number_hex = 'MZ'", "file:magic_number_hex MATCHES '^M\\\\x5a'",
		"artifact:payload_bin != '☃'", "file:name LIKE '%exe' AND file:note LIKE '100%sure_x'", "file:lines MATCHES 'a.b'", "file:accent LIKE 'e\u0301'", "file:accent MATCHES '^.$'", "file:accent != 'e\u0301'",
	}
	no := []string{
		"file:name = 'report.exe'", "file:size = '1280'", "file:size > 1280", "file:name > 5", "file:name NOT > 5", "file:size = 1279", "process:is_hidden = false",
		"file:missing = 1", "file:missing != 1", "file:missing NOT = 1", "file:name.x = 1", "file:name[0] = 'R'", "file:name[*] = 'R'", "url:value = 'x'", "url:value != 'x'",
		"file:magic_number_hex = h'4d'", "file:ctime = '2026-11-21T08:00:00.500Z'", "file:name IN ()", "file:name IN (1280)",
		"file:name LIKE 'report%'", "file:name LIKE 'Report'", "file:name LIKE '_'", "file:size LIKE '%'", "file:name MATCHES '^exe'", "file:size MATCHES '5'",
		"ipv4-addr:value ISSUBSET '198.51.100.4'", "ipv4-addr:value ISSUBSET '::/0'", "ipv4-addr:value ISSUPERSET '198.51.100.0/24'", "file:name ISSUBSET '0.0.0.0/0'", "file:name NOT ISSUPERSET '0.0.0.0/0'",
		"file:extensions.'windows-pebinary-ext'.sections[2].entropy > 0", "file:extensions.'windows-pebinary-ext'.sections[*].entropy > 8",
		"NOT EXISTS process:pid", "EXISTS file:nothing", "NOT EXISTS url:value",
		"artifact:payload_bin = 'dGVzdA=='", "artifact:payload_bin = '☃'", "artifact:payload_bin NOT = '☃'", "file:name = h'41'", "file:size NOT = 'x'", "file:size NOT IN ('x')", "file:hashes.MD5 = h'" + md5 + "'",
		"file:name = 'Report.exe' AND file:size = 5", "(file:name = 'Report.exe' OR process:pid = 9) AND (file:size = 5 OR process:pid = 7)", "(file:name = 'Report.exe' OR file:size = 1280) AND (file:name = 'other.txt' OR file:size = 6)",
	}
	for _, s := range yes {
		if got := found(t, "["+s+"]", in); got != "0" {
			t.Errorf("%s: %s, should match", s, got)
		}
	}
	for _, s := range no {
		if got := found(t, "["+s+"]", in); got != "–" {
			t.Errorf("%s: %s, should not match", s, got)
		}
	}
}

// TestObservations evaluates operators and qualifiers. Observation n has an object a:b = n of its own.
func TestObservations(t *testing.T) {
	t.Parallel()
	b := func(n, v int) *stix.Object { return object(t, n, "x-a", fmt.Sprintf(`"b":%d`, v)) }
	in := []*pattern.Observation{
		seen(t, 0, 0, 1, b(0, 1)),
		seen(t, 10, 20, 1, b(1, 2)),
		seen(t, 30, 30, 3, b(2, 1)),
		seen(t, 35, 60, 1, b(3, 3), b(4, 1)),
	}
	const one, two, three = "[x-a:b = 1]", "[x-a:b = 2]", "[x-a:b = 3]"
	for _, c := range []struct{ text, want string }{
		{one, "0"}, {three, "3"}, {"[x-a:b = 4]", "–"},
		{one + " AND " + two, "0 1"},
		{one + " AND " + three, "0 3"},
		{three + " AND " + three, "–"}, // only one such observation
		{two + " AND " + two, "–"},
		{one + " OR [x-a:b = 4]", "0"}, {"[x-a:b = 4] OR " + two, "1"},
		{one + " AND [x-a:b = 4] OR " + two, "1"}, // AND binds tighter
		{"[x-a:b = 4] AND " + one + " OR " + two + " FOLLOWEDBY " + three, "1 3"},
		{"(" + one + " OR [x-a:b = 4]) AND " + two, "0 1"},

		{two + " FOLLOWEDBY " + three, "1 3"}, {three + " FOLLOWEDBY " + two, "–"},
		{three + " FOLLOWEDBY " + one, "–"},                          // the others of b = 1 are over before it begins, and it cannot follow itself
		{two + " FOLLOWEDBY " + one, "1 2"},                          // not observation 0
		{one + " FOLLOWEDBY " + two + " FOLLOWEDBY " + one, "0 1 2"}, // left to right
		{"(" + one + " AND " + two + ") FOLLOWEDBY " + three, "0 1 3"},
		{two + " FOLLOWEDBY (" + one + " AND " + three + ")", "1 2 3"},

		{one + " REPEATS 5 TIMES", "0 2 3"}, {one + " REPEATS 6 TIMES", "–"}, {one + " REPEATS 3 TIMES", "0 2"},
		{one + " REPEATS 1000000000 TIMES", "–"},
		{one + " REPEATS 3 TIMES WITHIN 1 SECONDS", "2"},
		{one + " REPEATS 4 TIMES WITHIN 5.1 SECONDS", "2 3"}, {one + " REPEATS 4 TIMES WITHIN 5 SECONDS", "–"},
		{"(" + one + " REPEATS 2 TIMES) REPEATS 2 TIMES", "0 2"}, {"(" + one + " AND " + two + ") REPEATS 2 TIMES", "–"},
		{one + " REPEATS 4 TIMES AND " + three, "0 2 3"}, {one + " REPEATS 5 TIMES AND " + three, "–"},

		{"(" + one + " AND " + two + ") WITHIN 11 SECONDS", "0 1"}, {"(" + two + " AND " + one + ") WITHIN 10 SECONDS", "–"},
		{"(" + two + " AND " + three + ") WITHIN 15.5 SECONDS", "1 3"}, {"(" + two + " AND " + three + ") WITHIN 15 SECONDS", "–"},
		{one + " AND " + three + " WITHIN 1 SECONDS", "0 3"}, // the qualifier is of the right alone
		{two + " WITHIN 1 SECONDS", "1"},                     // one observation is within any time
		{"((" + one + " AND " + two + ") WITHIN 11 SECONDS) AND " + three, "0 1 3"},

		{one + " START t'2026-11-21T12:00:01Z' STOP t'2026-11-21T12:00:31Z'", "2"},
		{one + " START t'2026-11-21T12:00:01Z' STOP t'2026-11-21T12:00:30Z'", "–"}, // STOP is not in it
		{one + " START t'2026-11-21T12:00:30Z' STOP t'2026-11-21T12:00:31Z'", "2"},
		{two + " START t'2026-11-21T12:00:15Z' STOP t'2026-11-21T12:00:16Z'", "1"},
		{one + " REPEATS 4 TIMES START t'2026-11-21T12:00:01Z' STOP t'2026-11-21T13:00:00Z'", "2 3"},
		{"(" + one + " START t'2026-11-21T12:00:01Z' STOP t'2026-11-21T12:00:31Z') AND " + one, "0 2"},
	} {
		if got := found(t, c.text, in); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestObservationOf(t *testing.T) {
	t.Parallel()
	addr := object(t, 1, "ipv4-addr", `"value":"198.51.100.3"`)
	find := func(id stix.ID) *stix.Object {
		if id == addr.ID {
			return addr
		}
		return nil
	}
	data := func(rest string) *stix.Object {
		return object(t, 9, "observed-data", `"created":"2026-11-21T12:00:00.000Z","modified":"2026-11-21T12:00:00.000Z","spec_version":"2.1",`+rest)
	}
	const times = `"first_observed":"2026-11-21T12:00:00Z","last_observed":"2026-11-21T12:00:10Z","number_observed":2,`
	o, err := pattern.ObservationOf(data(times+`"object_refs":["`+string(addr.ID)+`","ipv4-addr--00000000-0000-4000-8000-000000000002"]`), find)
	if err != nil {
		t.Fatal(err)
	}
	if got := found(t, "[ipv4-addr:value = '198.51.100.3'] REPEATS 2 TIMES", []*pattern.Observation{o}); got != "0" {
		t.Error(got)
	}
	o, err = pattern.ObservationOf(data(times+`"objects":{"0":{"type":"ipv4-addr","value":"198.51.100.3"},"1":{"type":"network-traffic","dst_ref":"0"}}`), find)
	if err != nil {
		t.Fatal(err)
	}
	if got := found(t, "[network-traffic:dst_ref.value = '198.51.100.3' AND network-traffic:dst_ref.type LIKE 'ipv4%']", []*pattern.Observation{o}); got != "0" {
		t.Error(got)
	}
	for _, rest := range []string{`"first_observed":"x"`, times + `"objects":{"0":5}`} {
		if _, err := pattern.ObservationOf(data(rest), find); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%s: %v", rest, err)
		}
	}
	if _, err := pattern.ObservationOf(addr, find); fault.CodeOf(err) != fault.Malformed {
		t.Errorf("not observed data: %v", err)
	}
}

// TestPoison: patterns made to hurt end by their bound.
func TestPoison(t *testing.T) {
	t.Parallel()
	long := object(t, 1, "x-a", `"b":"`+strings.Repeat("a", 100_000)+`","c":[`+strings.Repeat(`"a",`, 50_000)+`"a"]`)
	many := make([]*pattern.Observation, 400)
	for i := range many {
		many[i] = seen(t, i, i+300, 1, object(t, 1, "x-a", `"b":1`), object(t, 2, "x-b", `"b":1`), object(t, 3, "x-c", `"b":1`))
	}
	one := []*pattern.Observation{seen(t, 0, 0, 1, long)}
	endless := seen(t, 0, 0, 2_000_000_000, object(t, 1, "x-a", `"b":1`))
	for _, c := range []struct {
		name, text string
		in         []*pattern.Observation
		want       string // the beginning
	}{
		{"nested repetitions", "[x-a:b MATCHES '(a*)*b']", one, "–"},
		{"alternatives", "[x-a:b MATCHES '(a|aa)+$b']", one, "–"},
		{"a huge repetition", "[x-a:b MATCHES '((a{100}){100}){10}']", one, "the pattern cannot be evaluated: a regular expression is"},
		{"many repetitions", "[x-a:b MATCHES '" + strings.Repeat("a{1000}", 500) + "']", one, "the pattern cannot be evaluated: a regular expression is too large"},
		{"repetitions of classes", "[x-a:b MATCHES '([a-z0-9]{10}x){2}']", one, "–"},
		{"a long expression", "[x-a:b MATCHES '" + strings.Repeat("a", 5000) + "']", one, "the pattern cannot be evaluated: a regular expression is longer"},
		{"a back reference", `[x-a:b MATCHES '(a)\\1']`, one, "the pattern cannot be evaluated: a regular expression is broken, or uses"},
		{"dear matching", "[x-a:c[*] MATCHES '" + strings.Repeat("(a|b)?", 50) + "']", one, "0"},
		{"dear matching of long text", "[" + strings.Repeat("x-a:b MATCHES '"+strings.Repeat("(a|b)?", 300)+"c' OR ", 50) + "x-a:b = 1]", one, "evaluating the pattern takes more than"},
		{"wildcards", "[x-a:b LIKE '" + strings.Repeat("%a", 500) + "%b']", one, "–"},
		{"many wildcards", "[" + strings.Repeat("x-a:b LIKE '"+strings.Repeat("%a", 2000)+"%b' OR ", 20) + "x-a:b = 1]", one, "evaluating the pattern takes more than"},
		{"stars", "[x-a:c[*] = 'b'" + strings.Repeat(" OR x-a:c[*] = 'b'", 500) + "]", one, "evaluating the pattern takes more than"},
		{"choices of types", "[" + strings.TrimSuffix(strings.Repeat("(x-a:b = 1 OR x-b:b = 1 OR x-c:b = 1) AND ", 30), " AND ") + "]", many, "0"},
		{"types that do not meet", "[x-a:b = 1 AND (x-b:b = 1 OR x-c:b = 1)]", many, "the pattern cannot be evaluated: AND joins"},
		{"the same again and again", strings.TrimSuffix(strings.Repeat("[x-a:b = 1] AND ", 401), " AND "), many, "evaluating the pattern takes more than"},
		{"overlapping windows", "(" + strings.TrimSuffix(strings.Repeat("[x-a:b = 1] AND ", 302), " AND ") + ") WITHIN 1 SECONDS", many, ""},
		{"repeated pairs", "(([x-a:b = 1] AND [x-b:b = 1]) REPEATS 200 TIMES) AND [x-c:b = 1]", many, "evaluating the pattern takes more than"},
		{"a count without end", "([x-a:b = 1] OR [x-a:b = 2]) REPEATS 2000000000 TIMES", []*pattern.Observation{endless}, "evaluating the pattern takes too many"},
		{"a count at once", "[x-a:b = 1] REPEATS 2000000000 TIMES", []*pattern.Observation{endless}, "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := found(t, c.text, c.in); !strings.HasPrefix(got, c.want) {
				t.Errorf("%.200s", got)
			}
		})
	}
	if _, err := new(pattern.Pattern).Match(make([]*pattern.Observation, pattern.MaxObservations+1), 0); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("too many observations: %v", err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		cover      pattern.Cover
	}{
		{"[ipv4-addr:value = '198.51.100.3']", "ipv4-addr:value=198.51.100.3", pattern.Exact},
		{"[url:value = 'a' OR domain-name:value IN ('b', 'c')]", "url:value=a domain-name:value=b domain-name:value=c", pattern.Exact},
		{"[url:value = 'a'] OR [url:value = 'b'] OR [url:value = 'a']", "url:value=a url:value=b", pattern.Exact},
		{"[file:hashes.'MD5' = '" + md5 + "']", "file:hashes.MD5=" + md5, pattern.Exact},
		{"[file:hashes.'SHA-256' = '" + sha256 + "' OR (file:size = 5)]", "file:hashes.'SHA-256'=" + sha256 + " file:size=5", pattern.Exact},
		{"[file:name = 'a' AND file:size > 5]", "file:name=a", pattern.Trigger},
		{"[file:size > 5 AND file:name = 'a']", "file:name=a", pattern.Trigger},
		{"[file:name IN ('a', 'b') AND file:size = 5]", "file:size=5", pattern.Trigger},
		{"[url:value = 'a'] AND [url:value = 'b']", "url:value=a", pattern.Trigger},
		{"[url:value = 'a'] FOLLOWEDBY [url:value LIKE 'b%']", "url:value=a", pattern.Trigger},
		{"[url:value = 'a'] WITHIN 5 SECONDS", "url:value=a", pattern.Trigger},
		{"[url:value = 'a'] REPEATS 2 TIMES OR [url:value = 'b']", "url:value=a url:value=b", pattern.Trigger},
		{"[ipv4-addr:value ISSUBSET '198.51.100.0/24' OR ipv4-addr:value = '203.0.113.1']", "ipv4-addr:value=198.51.100.0/24 within ipv4-addr:value=203.0.113.1", pattern.Exact},
		{"[ipv4-addr:value NOT ISSUBSET '198.51.100.0/24']", "", pattern.Open},
		{"[ipv4-addr:value ISSUPERSET '198.51.100.0/24']", "", pattern.Open},
		{"[url:value LIKE 'a%']", "", pattern.Open},
		{"[url:value != 'a']", "", pattern.Open},
		{"[url:value NOT = 'a']", "", pattern.Open},
		{"[url:value NOT IN ('a')]", "", pattern.Open},
		{"[EXISTS url:value]", "", pattern.Open},
		{"[url:value = 'a' OR url:value MATCHES 'b']", "url:value=a", pattern.Open},
	} {
		p, err := pattern.Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		values, cover := p.Values()
		var got []string
		for _, v := range values {
			s := v.Type + ":" + v.Property + "=" + v.Literal.Text
			if v.Within {
				s += " within"
			}
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != c.want || cover != c.cover {
			t.Errorf("%s: %s, %d", c.text, s, cover)
		}
	}
}

// TestMatchAtRandom: for patterns and observations at random Match finds what the plain meaning of the operators does, and Values
// promises no more than that.
func TestMatchAtRandom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawPattern(t, 3)
		p, err := pattern.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var in []*pattern.Observation
		there := map[string]bool{}
		for i := range rapid.IntRange(0, 4).Draw(t, "observations") {
			var objects []*stix.Object
			for j := range rapid.IntRange(1, 3).Draw(t, "objects") {
				b := rapid.IntRange(0, 4).Draw(t, "b")
				typ := rapid.SampledFrom([]string{"x-a", "x-b"}).Draw(t, "type")
				o, err := stix.Parse(fmt.Appendf(nil, `{"type":%q,"id":"%s--00000000-0000-4000-8000-%012d","b":%d}`, typ, typ, i*10+j, b))
				if err != nil {
					t.Fatal(err)
				}
				objects = append(objects, o)
				there[fmt.Sprint(typ, b)] = true
			}
			first := rapid.IntRange(0, 20).Draw(t, "first")
			o, err := pattern.NewObservation(noon.Add(time.Duration(first)*time.Second), noon.Add(time.Duration(first+rapid.IntRange(0, 9).Draw(t, "length"))*time.Second), rapid.IntRange(1, 2).Draw(t, "count"), objects...)
			if err != nil {
				t.Fatal(err)
			}
			in = append(in, o)
		}
		at, err := p.Match(in, 0)
		if err != nil {
			t.Fatal(err)
		}
		all := p.Bindings(in)
		if slices.ContainsFunc(all, func(b []int) bool { return slices.Equal(at, slices.Compact(slices.Sorted(slices.Values(b)))) }) != (len(all) > 0) || (at == nil) != (len(all) == 0) {
			t.Fatalf("%s: %v, should be one of %v", text, at, all)
		}
		values, cover := p.Values()
		occurs := slices.ContainsFunc(values, func(v pattern.Value) bool { return there[v.Type+v.Literal.Text] })
		switch {
		case cover == pattern.Exact && occurs != (at != nil), cover == pattern.Trigger && at != nil && !occurs:
			t.Fatalf("%s: values %v occur: %v; matches %v", text, values, occurs, at)
		}
	})
}

func drawPattern(t *rapid.T, depth int) string {
	path := rapid.SampledFrom([]string{"x-a:b", "x-b:b"}).Draw(t, "path")
	comparison := func() string {
		return path + rapid.SampledFrom([]string{" = 1", " = 2", " IN (1, 3)", " != 1", " > 2", " NOT = 3", " NOT IN (1)"}).Draw(t, "test")
	}
	if depth == 0 || rapid.Bool().Draw(t, "simple") {
		s := comparison()
		for range rapid.IntRange(0, 2).Draw(t, "more") {
			s += rapid.SampledFrom([]string{" AND ", " OR "}).Draw(t, "op") + comparison()
		}
		return "[" + s + "]"
	}
	s := "(" + drawPattern(t, depth-1) + rapid.SampledFrom([]string{" AND ", " OR ", " FOLLOWEDBY "}).Draw(t, "op") + drawPattern(t, depth-1) + ")"
	return s + rapid.SampledFrom([]string{"", "", " WITHIN 5 SECONDS", " REPEATS 2 TIMES", " START t'2026-11-21T12:00:05Z' STOP t'2026-11-21T12:00:15Z'"}).Draw(t, "qualifier")
}
