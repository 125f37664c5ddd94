package match

import (
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
)

// TestParsePattern: what a pattern looks for is what a list with these lines would, and what asks more is told.
func TestParsePattern(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[domain-name:value = 'Evil.example']":                                                            "domain evil.example",
		"[ipv4-addr:value = '192.0.2.0/24']":                                                              "range 192.0.2.0/24",
		"[ipv4-addr:value ISSUBSET '192.0.2.0/24']":                                                       "range 192.0.2.0/24",
		"[ipv4-addr:value IN ('192.0.2.1','192.0.2.2') OR domain-name:value='a.example']":                 "address 192.0.2.1, address 192.0.2.2, domain a.example",
		"[domain-name:value = 'a.example'] OR [url:value = 'https://a.example/x']":                        "domain a.example, url https://a.example/x",
		"[domain-name:value = 'a.example' OR domain-name:value = 'a.example']":                            "domain a.example",
		"[file:name = 'x.exe' AND file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']":                  "hash d41d8cd98f00b204e9800998ecf8427e",
		"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1']":    "address 192.0.2.1",
		"[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = '443']":              "endpoint 192.0.2.1:443",
		"[email-message:from_ref.value = 'a@b.example']":                                                  "mail a@b.example",
		"[x509-certificate:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']":                  "hash da39a3ee5e6b4b0d3255bfef95601890afd80709",
		`[url:value = 'http://a.example/it\'s']`:                                                          "url http://a.example/it's",
		"[url:value LIKE 'http://%.example/x']":                                                           "",
		"[domain-name:value != 'a.example']":                                                              "",
		"[domain-name:value NOT = 'a.example']":                                                           "",
		"[domain-name:value LIKE '%.example']":                                                            "",
		"[domain-name:value MATCHES 'a.*']":                                                               "",
		"[file:size = 5]":                                                                                 "",
		"[domain-name:value = 'a.example' OR file:size = 5]":                                              "",
		"[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '192.0.2.1']":       "",
		"[domain-name:value = 'a.example'] AND [domain-name:value = 'b.example']":                         "",
		"[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example'] WITHIN 5 SECONDS": "",
		"[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:protocols[*] = 'tcp']":          "",
		"[ipv4-addr:value = '192.0.2.1'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'":      "",
		"[network-traffic:dst_port = 443]":                                                                "",
		"[file:name = 'x.exe' AND file:size = 5]":                                                         "",
		"[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:src_ref.value = '192.0.2.2']":   "",
		"[mutex:name = 'a.example']":                                                                      "",
		"[(domain-name:value = 'a.example' OR domain-name:value = 'b.example') AND file:name = 'x.exe']":  "",
		"[file:name = 'x.exe' AND file:name = 'y.exe']":                                                   "",
		"[domain-name:value IN (" + strings.Repeat("'a.example',", maxPatternValues) + "'b.example')]":    "",
		"[domain-name:value = 'no name']":                                                                 "",
		"[url:value LIKE 'http://a.example/b/%']":                                                         "",
		"[network-traffic:dst_ref.value = '2001:db8::1' AND network-traffic:dst_port = 443]":              "endpoint [2001:db8::1]:443",
		"[network-traffic:extensions.'http-request-ext'.request_value = '/gate.php']":                     "path /gate.php",
	} {
		all, err := ParsePattern(text)
		var got []string
		for _, v := range all {
			got = append(got, v.Kind.String()+" "+v.Text)
		}
		if strings.Join(got, ", ") != want || err != nil && !strings.Contains(text, "no name") {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "[", "[domain-name:value = 'a.example'", "[domain-name:value = 'a.example']]", "[domain-name:value = 'a' OR ']"} {
		if all, err := ParsePattern(text); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%q: %v, %v", text, all, err)
		}
	}
}

// TestPatternAndBack: what Pattern writes of a value is read as that value alone.
func TestPatternAndBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"192.0.2.1", "2001:db8::1", "192.0.2.0/24", "2001:db8::/32", "192.0.2.1:443", "[2001:db8::1]:443", "a.example", "bücher.example", "http://a.example/it's",
		"http://a.example", "http://192.0.2.1:8080", "a.example/x_y", "a.example:8080/x?y=%20z", "a.example:8080", "https://[2001:db8::1]/x", "a@b.example", "d41d8cd98f00b204e9800998ecf8427e",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709", "/gate.php", "/gate.php?a=b",
	} {
		v, err := Parse(text, 0)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := ParsePattern(v.Pattern())
		if err != nil || len(again) != 1 || again[0].Kind != v.Kind || again[0].Text != v.Text {
			t.Errorf("%s: %s gives %v, %v", text, v.Pattern(), again, err)
		}
	}
}
