package pattern_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix/pattern"
)

const (
	sha256 = "ef537f25c895bfa782526529a9b63d97aa631564d5d789c2b765448c8635fb6c"
	md5    = "cead3f77f6cda6ec00f57d76c9a6879f"
)

// good is one pattern or more for every rule of the grammar. Patterns that stand in public lists too are marked with the letter P.
var good = []string{
	// comparisons
	"[file:size = 1280]",   // P
	"[file:size == 1280]",  // P
	"[file:size != 1280]",  // P
	"[file:size <> 1280]",  // the other way to write it
	"[file:size < 1024]",   // P
	"[file:size<=1024]",    // no blanks
	"[file:size > -1]",     // negative
	"[file:size >= +1024]", // plus sign
	"[file:size NOT = 5]",  // NOT behind the path
	"[a:b NOT > 1.5]",      // float
	"[a:b > .5]",           // float without digits before the point
	"[a:b = -0.5]",         //
	"[a:b = true]",         //
	"[a:b != false]",       //
	"[a:b = '']",           // empty string
	"[a:b = 'it\\'s']",     // escaped quote
	"[a:b = 'a\\\\b']",     // escaped backslash
	"[a:b = 'Ω ☃ 𝄞']",      // beyond ASCII
	"[a:b = h'00fF']",      //
	"[a:b = h'']",          //
	"[a:b = b'dGVzdA==']",  //
	"[a:b = t'2026-11-21T08:00:00Z']",
	"[a:b >= t'2026-11-21T08:00:00.123456789Z']",
	"[file:name IN ('a', 'b')]",
	"[file:size IN (1024, 2048, 4096)]", // P
	"[a:b IN ()]",
	"[file:hashes.SSDEEP = '3:a:b']",
	"[a:b NOT IN (1, 2.0)]",
	"[a:b IN (h'00', h'01')]",
	"[a:b IN (b'AA==') OR a:b IN (t'2026-11-21T08:00:00Z') OR a:b IN (true, false)]",
	"[file:name LIKE 'a%_']",
	"[file:name NOT LIKE 'a%']",
	"[file:name MATCHES '^a.+\\\\.exe$']",
	"[ipv4-addr:value ISSUBSET '198.51.100.0/24']",
	"[ipv6-addr:value NOT ISSUBSET '2001:db8::/32']",
	"[ipv4-addr:value ISSUPERSET '198.51.100.3']",
	"[EXISTS file:name]",
	"[NOT EXISTS file:name]",
	// paths
	"[file:hashes.MD5 = '" + md5 + "']",
	"[file:hashes.'SHA-256' = '" + sha256 + "']",
	"[file:'name' = 'x']",
	"[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]",
	"[email-message:body_multipart[0].body_raw_ref.name = 'x']",
	"[network-traffic:protocols[*] = 'tcp']",
	"[x_a:b[0][1].c = 1]",
	"[x-acme-lead:score_2 = 1]",
	"[_a:b = 1]",
	// inside brackets
	"[a:b = 1 AND a:c = 2]",
	"[a:b = 1 OR a:c = 2 AND a:d = 3]",
	"[(a:b = 1 OR a:c = 2) AND a:d = 3]",
	"[((a:b = 1))]",
	"[a:b = 1 AND c:d = 2]",
	// between observations
	"[a:b = 1] AND [a:b = 2]",
	"[a:b = 1] OR [a:b = 2] AND [a:b = 3] FOLLOWEDBY [a:b = 4]",
	"([a:b = 1] FOLLOWEDBY [a:b = 2]) OR [a:b = 3]",
	"(([a:b = 1]))",
	"( [(a:b IN(443,6443) AND a:c != 0) ])",
	// qualifiers
	"[a:b = 1] WITHIN 5 SECONDS",
	"[a:b = 1] WITHIN 0.5 SECONDS",
	"[a:b = 1] REPEATS 9 TIMES", // P
	"[a:b = 1] START t'2026-11-21T08:00:00Z' STOP t'2026-11-21T09:00:00.5Z'",
	"[a:b = 1] REPEATS 2 TIMES WITHIN 5 SECONDS START t'2026-11-21T08:00:00Z' STOP t'2026-11-21T09:00:00Z'",
	"([a:b = 1] REPEATS 2 TIMES) REPEATS 2 TIMES",
	"([a:b = 1] WITHIN 5 SECONDS) WITHIN 6 SECONDS",
	"([a:b = 1] AND [a:b = 2]) WITHIN 5 SECONDS",
	// blanks and comments
	" [ a:b\t=\n1 ] ",
	"[a:b = 1] // all of it",
	"[a:b /* why */ = 1]",
	"/**/[a:b=1]",
}

func TestGoodPatterns(t *testing.T) {
	t.Parallel()
	for _, s := range good {
		if p, err := pattern.Parse(s); err != nil || p.String() != s {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// bad are texts that are no patterns, each with what is said of it.
var bad = []struct{ text, want string }{
	{"", "at byte 0 of the pattern: an observation in brackets is missing"},
	{"file:size = 1280", "at byte 0 of the pattern: an observation in brackets is missing"}, // P
	{"[file:size = ]", "at byte 13 of the pattern: a value is missing"},                     // P
	{"[file:size 5]", "at byte 11 of the pattern: a comparison operator is missing"},
	{"[file:hashes.MD5 = " + md5 + "]", "at byte 19 of the pattern: a value is missing"},   // P
	{"[file.size = 1280]", "at byte 5 of the pattern: a colon is missing behind the type"}, // P
	{"[file:name MATCHES /x/]", "at byte 19 of the pattern: there is a character that no pattern has"},
	{"[file:name LIKE 5]", "at byte 17 of the pattern: LIKE needs a string"},
	{"[a:b =? 'x']", "at byte 6 of the pattern: there is a character that no pattern has"},
	{"[a:b = 'x]", "at byte 7 of the pattern: a string does not end"},
	{"[a:b = 'x\\n']", "at byte 7 of the pattern: a backslash in a string stands before neither a quote nor a backslash"},
	{"[a:b = \"x\"]", "at byte 7 of the pattern: there is a character that no pattern has"},
	{"[a:b = 'x'", "at byte 10 of the pattern: a closing bracket is missing"},
	{"[a:b = 'x']]", "at byte 11 of the pattern: the pattern goes on where it should end"},
	{"[(a:b = 'x']", "at byte 11 of the pattern: a closing parenthesis is missing"},
	{"([a:b = 'x']", "at byte 12 of the pattern: a closing parenthesis is missing"},
	{"[]", "at byte 1 of the pattern: the path of a property is missing"},
	{"[a:b = 1] AND", "at byte 13 of the pattern: an observation in brackets is missing"},
	{"[a:b = 1] XOR [a:b = 2]", "at byte 10 of the pattern: the pattern goes on where it should end"},
	{"[a:b = 1 AND]", "at byte 12 of the pattern: the path of a property is missing"},
	{"[a:b = 1 and a:c = 2]", "at byte 9 of the pattern: a closing bracket is missing"},
	{"[a:b = 1] within 2 SECONDS", "at byte 10 of the pattern: the pattern goes on where it should end"}, // P
	{"[a:b = TRUE]", "at byte 7 of the pattern: a value is missing"},
	{"[a:b > true]", "at byte 11 of the pattern: true and false have no order"},
	{"[NOT a:b = 1]", "at byte 5 of the pattern: NOT stands behind the path, or before EXISTS"},
	{"[a:b NOT NOT = 1]", "at byte 9 of the pattern: a comparison operator is missing"},
	{"[a: = 1]", "at byte 4 of the pattern: the name of a property is missing"},
	{"[a:b-c = 1]", "at byte 3 of the pattern: a name with a hyphen stands in quotes"},
	{"[a:b. = 1]", "at byte 6 of the pattern: the name of a property is missing"},
	{"[a:[0] = 1]", "at byte 3 of the pattern: the name of a property is missing"},
	{"[a:b[-1] = 1]", "at byte 5 of the pattern: the place in a list is a whole number from 0, or a star"},
	{"[a:b[1.5] = 1]", "at byte 5 of the pattern: the place in a list is a whole number from 0, or a star"},
	{"[a:b[0 = 1]", "at byte 7 of the pattern: a closing bracket is missing"},
	{"[a:'' = 1]", "at byte 3 of the pattern: the name of a property is missing"},
	{"[a:b = 007]", "at byte 7 of the pattern: a number begins with a zero"},
	{"[a:b = 1.]", "at byte 7 of the pattern: a number ends with its point"},
	{"[a:b = 1e3]", "at byte 7 of the pattern: a number runs into a word"},
	{"[a:b = 99999999999999999999]", "at byte 7 of the pattern: a number is larger than 64 bits hold"},
	{"[a:b = h'0']", "at byte 7 of the pattern: h'' holds pairs of hexadecimal digits"},
	{"[a:b = h'zz']", "at byte 7 of the pattern: h'' holds pairs of hexadecimal digits"},
	{"[a:b = b'====']", "at byte 7 of the pattern: b'' holds base64"}, // P
	{"[a:b = t'2457-73-22T32:81:84.1Z']", "at byte 7 of the pattern: a timestamp is like t'2026-11-21T08:00:00Z'"},
	{"[a:b IN 'x']", "at byte 8 of the pattern: IN needs a list in parentheses"},
	{"[a:b IN ('x',)]", "at byte 13 of the pattern: a value is missing"},
	{"[a:b IN ('x' 'y')]", "at byte 13 of the pattern: a closing parenthesis is missing"},
	{"[a:b IN (1, 'x')]", "at byte 15 of the pattern: the values of IN are not all of one kind"},
	{"[ipv4-addr:value ISSUBSET ]", "at byte 26 of the pattern: a value is missing"},
	{"[ipv4-addr:value ISSUBSET 'x/24']", "at byte 32 of the pattern: ISSUBSET needs an address or a range of addresses"},
	{"[ipv4-addr:value ISSUBSET '1.2.3.4/33']", "at byte 38 of the pattern: ISSUBSET needs an address or a range of addresses"},
	{"[file:hashes.'SHA-256' = 'f00']", "at byte 30 of the pattern: a hash has not the length or the digits that its algorithm gives it"}, // P
	{"[file:hashes.MD5 = 'f00']", "at byte 24 of the pattern: a hash has not the length or the digits that its algorithm gives it"},
	{"[file:hashes.'SHA-1' IN ('" + sha256 + "')]", "at byte 92 of the pattern: a hash has not the length or the digits that its algorithm gives it"},
	{"[file:hashes.'SHA-512' = 'g']", "at byte 28 of the pattern: a hash has not the length or the digits that its algorithm gives it"},
	{"[a:b = 1] WITHIN ]", "at byte 17 of the pattern: WITHIN needs a positive number of seconds"},
	{"[a:b = 1] WITHIN 5 HOURS", "at byte 19 of the pattern: WITHIN counts in SECONDS"},
	{"[a:b = 1] WITHIN -5 SECONDS", "at byte 17 of the pattern: WITHIN needs a positive number of seconds"},
	{"[a:b = 1] WITHIN 0 SECONDS", "at byte 17 of the pattern: WITHIN needs a positive number of seconds"},
	{"[a:b = 1] REPEATS 1.5 TIMES", "at byte 18 of the pattern: REPEATS needs a positive whole number"},
	{"[a:b = 1] REPEATS 0 TIMES", "at byte 18 of the pattern: REPEATS needs a positive whole number"},
	{"[a:b = 1] REPEATS 2", "at byte 19 of the pattern: REPEATS counts in TIMES"},
	{"[a:b = 1] START '2026-11-21T08:00:00Z' STOP t'2026-11-21T09:00:00Z'", "at byte 16 of the pattern: a timestamp is like t'2026-11-21T08:00:00Z'"},
	{"[a:b = 1] START t'2026-11-21T08:00:00Z'", "at byte 39 of the pattern: START needs STOP"},
	{"[a:b = 1] START t'2026-11-21T08:00:00Z' STOP t'2026-11-21T08:00:00.0Z'", "at byte 70 of the pattern: STOP is not after START"},
	{"[a:b = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS", "at byte 27 of the pattern: a qualifier stands twice"},
	{"[a:b = 1] REPEATS 5 TIMES WITHIN 6 SECONDS REPEATS 5 TIMES", "at byte 43 of the pattern: a qualifier stands twice"},
	{"[a:b = 1] /* open", "at byte 10 of the pattern: a comment does not end"},
	{"[a:b = 1 WITHIN 5 SECONDS]", "at byte 9 of the pattern: a closing bracket is missing"},
	{"[a:b = 1 FOLLOWEDBY a:c = 2]", "at byte 9 of the pattern: a closing bracket is missing"},
	{"[[a:b = 1]]", "at byte 1 of the pattern: the path of a property is missing"},
}

func TestBadPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range bad {
		_, err := pattern.Parse(c.text)
		if fault.CodeOf(err) != fault.Malformed || fault.Show(err) != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.text, fault.Show(err), c.want)
		}
	}
}

func TestPatternBounds(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"length":            "[a:b = '" + strings.Repeat("x", 300_000) + "']",
		"depth inside":      "[" + strings.Repeat("(", 100) + "a:b = 1" + strings.Repeat(")", 100) + "]",
		"depth outside":     strings.Repeat("(", 200_000),
		"comparisons":       "[a:b = 1" + strings.Repeat(" OR a:b = 1", 20_000) + "]",
		"observations":      "[a:b=1]" + strings.Repeat("OR[a:b=1]", 20_000),
		"elements of a set": "[a:b IN (1" + strings.Repeat(",1", 20_000) + ")]",
		"steps of a path":   "[a:b" + strings.Repeat("[0]", 20_001) + " = 1]",
		"types": func() string {
			s := "[a:b = 1"
			for i := range 300 {
				s += fmt.Sprintf(" OR a%d:b = 1", i)
			}
			return s + "]"
		}(),
	} {
		if _, err := pattern.Parse(text); fault.CodeOf(err) != fault.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := pattern.ParseWithin("[a:b = 1]", pattern.Limits{Length: 5}); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("a bound of one's own: %v", err)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	p, err := pattern.Parse(`[file:hashes.'MD5' != 'x' AND file:extensions.'ntfs-ext'.a[*][0].'it\'s' = 1 OR file:hashes.MD5 = '` + md5 + `']`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, path := range p.Paths() {
		got = append(got, path.String())
	}
	if s := strings.Join(got, " "); s != `file:hashes.MD5 file:extensions.'ntfs-ext'.a[*][0].'it\'s'` {
		t.Error(s)
	}
}
