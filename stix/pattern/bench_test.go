package pattern_test

import (
	"strings"
	"testing"

	"github.com/comity-exchange/comity/stix/pattern"
)

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"one value": "[ipv4-addr:value = '198.51.100.3']",
		"a hash":    "[file:hashes.'SHA-256' = '" + sha256 + "']",
		"a hundred": "[" + strings.Repeat("url:value = 'https://a.example/x' OR ", 99) + "url:value = 'https://a.example/x']",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				p, err := pattern.Parse(text)
				if err != nil {
					b.Fatal(err)
				}
				if _, cover := p.Values(); cover != pattern.Exact {
					b.Fatal(cover)
				}
			}
		})
	}
}

// BenchmarkMatch evaluates a pattern that has to be evaluated over a thousand observations.
func BenchmarkMatch(b *testing.B) {
	p, err := pattern.Parse("([ipv4-addr:value LIKE '198.51.%'] FOLLOWEDBY [file:name MATCHES '(?i)report.*exe$']) WITHIN 60 SECONDS")
	if err != nil {
		b.Fatal(err)
	}
	in := make([]*pattern.Observation, 1000)
	for i := range in {
		in[i] = seen(b, i, i, 1, object(b, 1, "ipv4-addr", `"value":"198.18.0.1"`), object(b, 2, "file", `"name":"Report of the day.txt"`))
	}
	in[900] = seen(b, 900, 900, 1, object(b, 1, "ipv4-addr", `"value":"198.51.100.3"`))
	in[950] = seen(b, 950, 950, 1, object(b, 1, "file", `"name":"report.EXE"`))
	b.ReportAllocs()
	for b.Loop() {
		if at, err := p.Match(in, 0); err != nil || len(at) != 2 {
			b.Fatal(at, err)
		}
	}
}
