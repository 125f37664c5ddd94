package pattern_test

import (
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix/pattern"
)

// The cases of OASIS' own validator, all that it passes and all that it refuses (github.com/oasis-open/cti-pattern-validator, stix2patterns/test/v21/test_validator.py at 1db947c and
// v20/test_validator.py at 4fc5f2d). never marks those that are patterns and that nothing can match.

const registry = `[win-registry-key:key = 'hkey_local_machine\\foo\\bar']`

var validatorPasses = []struct {
	text  string
	never bool
}{
	// both versions
	{text: "[file:size = 1280]"},
	{text: "[file:size != 1280]"},
	{text: "[file:size < 1024]"},
	{text: "[file:size <= 1024]"},
	{text: "[file:size > 1024]"},
	{text: "[file:size >= 1024]"},
	{text: "[file:file_name = 'my_file_name']"},
	{text: "[file:extended_properties.'ntfs-ext'.sid = '234']"},
	{text: `[emailaddr:value MATCHES '.+\\@ibm\\.com$' OR file:name MATCHES '^Final Report.+\\.exe$']`},
	{text: "[ipv4addr:value ISSUBSET '192.168.0.1/24']"},
	{text: "[ipv4addr:value NOT ISSUBSET '192.168.0.1/24']"},
	{text: "[user-account:value = 'Peter'] AND [user-account:value != 'Paul'] AND [user-account:value = 'Mary'] WITHIN 5 SECONDS"},
	{text: "[file:file_system_properties.file_name LIKE 'name%']"},
	{text: "[file:file_name IN ('test.txt', 'test2.exe', 'README')]"},
	{text: "[file:size IN (1024, 2048, 4096)]"},
	{text: "[network-connection:extended_properties[0].source_payload MATCHES 'dGVzdHRlc3R0ZXN0']"},
	{text: registry + " WITHIN 5 SECONDS"},
	{text: "[x_whatever:detected == t'2018-03-22T12:11:14.1Z']"},
	{text: "[artifact:payload_bin = b'dGhpcyBpcyBhIHRlc3Q=']"},
	{text: "[foo:bar=1] REPEATS 9 TIMES"},
	{text: "[network-traffic:start = '2018-04-20T12:36:24.558Z']"},
	{text: "( [(network-traffic:dst_port IN(443,6443,8443) AND network-traffic:src_packets != 0) ])"},
	// 2.1
	{text: "(" + registry + ") WITHIN 5 SECONDS WITHIN 6 SECONDS"},
	{text: "(" + registry + " REPEATS 2 TIMES) REPEATS 2 TIMES"},
	{text: "[network-traffic:src_port = 37020 AND user-account:user_id = 'root'] START t'2016-06-01T01:30:00.123Z' STOP t'2016-06-01T02:20:00.123Z' OR " +
		"[ipv4-addr:value = '192.168.122.83'] START t'2016-06-01T03:55:00.123Z' STOP t'2016-06-01T04:30:24.743Z'", never: true}, // one object of two types
	// 2.0
	{text: "[file:hashes[*] = '8665c8d477534008b3058b72e2dae8ae']"},
	{text: "[x:created = t'2024-01-15T12:30:45Z']"},
	{text: "[x:created = t'2024-12-31T23:59:59Z']"},
	{text: "[x:created = t'2024-01-01T00:00:00Z']"},
	{text: "[x:created = t'2024-01-15T12:30:45.123Z']"},
	{text: "[x:created = t'2024-01-15T12:30:45.123456Z']"},
	{text: "[x:created = t'2024-02-29T12:00:00Z']"},
	{text: "[x:created = t'2000-02-29T12:00:00Z']"},
	{text: "[file:name = 'test'] START t'2024-01-01T00:00:00Z' STOP t'2024-12-31T23:59:59Z'"},
	{text: "[x:created = t'2024-02-30T12:00:00Z']", never: true}, // days that the calendar does not have
	{text: "[x:created = t'2024-04-31T12:00:00Z']", never: true},
	{text: "[x:created = t'2023-02-29T12:00:00Z']", never: true},
}

var validatorFails = []string{
	// both versions
	"file:size = 1280",
	"[file:size = ]",
	"[file:hashes.MD5 = cead3f77f6cda6ec00f57d76c9a6879f]",
	"[file.size = 1280]",
	`[file:name MATCHES /.*\.dll/]`,
	registry + " WITHIN ]",
	registry + " WITHIN 5 HOURS]",
	registry + " WITHIN -5 SECONDS]",
	"[network-traffic:dst_ref.value ISSUBSET ]",
	"[file:hashes.MD5 =? 'cead3f77f6cda6ec00f57d76c9a6879f']",
	"[x_whatever:detected == t'2457-73-22T32:81:84.1Z']",
	"[artifact:payload_bin = b'====']",
	"[foo:bar=1] within 2 seconds",
	"[file:hashes.'SHA-256' = 'f00']",
	// 2.1
	registry + " WITHIN 5 SECONDS WITHIN 6 SECONDS",
	"(" + registry + " REPEATS 2 TIMES REPEATS 3 TIMES)",
	registry + " START t'2016-06-01T01:30:00.123Z' STOP t'2016-06-01T02:20:00.123Z' START t'2016-06-01T01:30:00.123Z' STOP t'2016-06-01T02:20:00.123Z'",
	// 2.0
	"[x:created = t'2024-13-01T12:00:00Z']",
	"[x:created = t'2024-00-01T12:00:00Z']",
	"[x:created = t'2024-01-32T12:00:00Z']",
	"[x:created = t'2024-01-00T12:00:00Z']",
	"[x:created = t'2024-01-15T25:00:00Z']",
	"[x:created = t'2024-01-15T12:60:00Z']",
	"[x:created = t'2024-01-15T12:30:61Z']",
	"[x:created = t'2024-01-15T12:30:45']",
	"[x:created = t'not-a-timestamp']",
	"[x:created = t'2024/01/15T12:30:45Z']",
}

// TestAsTheValidator: we pass and refuse what OASIS' validator does, and evaluate all that can match.
func TestAsTheValidator(t *testing.T) {
	t.Parallel()
	for _, c := range validatorPasses {
		p, err := pattern.Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if err := p.CanMatch(); (err != nil) != c.never {
			t.Errorf("%s: whether it can match: %v", c.text, err)
		}
		if _, err := p.Match([]*pattern.Observation{seen(t, 0, 1, 1)}, 0); (err != nil) != c.never {
			t.Errorf("%s: evaluated: %v", c.text, err)
		}
	}
	for _, text := range validatorFails {
		if _, err := pattern.Parse(text); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestQualifierAgain: where a qualifier stands again behind parentheses, each of them holds.
func TestQualifierAgain(t *testing.T) {
	t.Parallel()
	at := func(seconds ...int) (all []*pattern.Observation) {
		for i, s := range seconds {
			all = append(all, seen(t, s, s, 1, object(t, i, "x-a", `"b":1`)))
		}
		return all
	}
	for _, c := range []struct {
		text string
		in   []*pattern.Observation
		want string
	}{
		{"([x-a:b = 1] AND [x-a:b = 1]) WITHIN 9 SECONDS WITHIN 3 SECONDS", at(0, 5), "–"},
		{"([x-a:b = 1] AND [x-a:b = 1]) WITHIN 3 SECONDS WITHIN 9 SECONDS", at(0, 5), "–"},
		{"([x-a:b = 1] AND [x-a:b = 1]) WITHIN 9 SECONDS WITHIN 3 SECONDS", at(0, 2), "0 1"},
		{"([x-a:b = 1]) REPEATS 2 TIMES REPEATS 2 TIMES", at(0, 1, 2), "–"},
		{"([x-a:b = 1]) REPEATS 2 TIMES REPEATS 2 TIMES", at(0, 1, 2, 3), "0 1 2 3"},
		{"([x-a:b = 1]) WITHIN 3 SECONDS REPEATS 2 TIMES WITHIN 9 SECONDS", at(0, 8), "0 1"},
	} {
		if got := found(t, c.text, c.in); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}
