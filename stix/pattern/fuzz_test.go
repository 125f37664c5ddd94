package pattern_test

import (
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix/pattern"
)

// FuzzPattern: nothing panics, refusals are faults, paths read back as they are written, and evaluation ends by its budget.
func FuzzPattern(f *testing.F) {
	for _, s := range good {
		f.Add(s)
	}
	for _, s := range []string{"[x-a:b = 1] REPEATS 2 TIMES WITHIN 5 SECONDS", "[x-a:c[*].b LIKE '%x'] FOLLOWEDBY [x-a:b > 0]", "[file:name MATCHES '^a+$' AND ipv4-addr:value ISSUBSET '198.0.0.0/8'] AND [x-a:b != 2]"} {
		f.Add(s)
	}
	for _, c := range bad {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := pattern.Parse(text)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Malformed && c != fault.TooLarge {
				t.Fatal(err)
			}
			return
		}
		for _, path := range p.Paths() {
			again, err := pattern.Parse("[EXISTS " + path.String() + "]")
			if err != nil || again.Paths()[0].String() != path.String() {
				t.Fatalf("%s: %v", path, err)
			}
		}
		in := []*pattern.Observation{
			seen(t, 0, 5, 2, object(t, 1, "file", `"name":"a","size":5,"hashes":{"MD5":"`+md5+`"}`), object(t, 2, "ipv4-addr", `"value":"198.51.100.3"`)),
			seen(t, 9, 9, 1, object(t, 1, "x-a", `"b":1,"c":[{"b":"x"}]`)),
		}
		at, err := p.Match(in, 100_000)
		if c := fault.CodeOf(err); err != nil && c != fault.Malformed && c != fault.TooLarge {
			t.Fatal(err)
		}
		again, err2 := p.Match(in, 100_000)
		if len(at) != len(again) || fault.Show(err) != fault.Show(err2) {
			t.Fatalf("%v and %v", at, again)
		}
		if _, cover := p.Values(); cover == pattern.Exact && p.CanMatch() != nil {
			t.Fatal("exact, and cannot be evaluated")
		}
	})
}
