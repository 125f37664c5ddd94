package match

import "testing"

// TestPattern: what an indicator names, in STIX's language.
func TestPattern(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"192.0.2.1":                        "[ipv4-addr:value = '192.0.2.1']",
		"2001:db8::/32":                    "[ipv6-addr:value ISSUBSET '2001:db8::/32']",
		"[2001:db8::1]:443":                "[network-traffic:dst_ref.value = '2001:db8::1' AND network-traffic:dst_port = 443]",
		"http://a.example/it's":            `[url:value = 'http://a.example/it\'s']`,
		"http://a.example":                 "[url:value = 'http://a.example' OR url:value LIKE 'http://a.example/%']",
		"a.example/x":                      "[url:value LIKE '%//a.example/x']",
		"a@b.example":                      "[email-addr:value = 'a@b.example']",
		"d41d8cd98f00b204e9800998ecf8427e": "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
		"/gate.php":                        "[network-traffic:extensions.'http-request-ext'.request_value = '/gate.php']",
	} {
		v, err := Parse(text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Pattern(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
