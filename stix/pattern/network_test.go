package pattern_test

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/stix/pattern"
)

// TestRangesAgreeWithNetip: one range is in another for ISSUBSET if package netip says so.
func TestRangesAgreeWithNetip(t *testing.T) {
	t.Parallel()
	v4 := rapid.StringMatching(`(198|10|0)\.51\.(100|101|0)\.(0|3|255)`)
	v6 := rapid.SampledFrom([]string{"2001:db8::", "2001:db8::1", "2001:0DB8:0:0:0:0:0:0", "2001:db8:8000::", "::ffff:198.51.100.3", "::", "fe80::1:2:3:4", "1:2:3:4:5:6:198.51.100.3"})
	draw := func(t *rapid.T, name string) (string, netip.Prefix) {
		s, most := v4.Draw(t, name), 32
		if rapid.Bool().Draw(t, "six") {
			s, most = v6.Draw(t, name), 128
		}
		if rapid.Bool().Draw(t, "one") {
			return s, netip.PrefixFrom(netip.MustParseAddr(s), most)
		}
		bits := rapid.IntRange(0, most).Draw(t, "bits")
		return fmt.Sprintf("%s/%d", s, bits), netip.PrefixFrom(netip.MustParseAddr(s), bits)
	}
	rapid.Check(t, func(t *rapid.T) {
		inner, a := draw(t, "inner")
		outer, b := draw(t, "outer")
		want := a.Bits() >= b.Bits() && b.Masked().Contains(a.Masked().Addr())
		o := seenValue(t, inner)
		for text, want := range map[string]bool{
			"[x-a:b ISSUBSET '" + outer + "']": want, "[x-a:b NOT ISSUBSET '" + outer + "']": !want,
		} {
			p, err := pattern.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if at, err := p.Match([]*pattern.Observation{o}, 0); err != nil || (at != nil) != want {
				t.Fatalf("%s on %s: %v, %v", text, inner, at, err)
			}
		}
		p, err := pattern.Parse("[x-a:b ISSUPERSET '" + inner + "']")
		if err != nil {
			t.Fatal(err)
		}
		if at, err := p.Match([]*pattern.Observation{seenValue(t, outer)}, 0); err != nil || (at != nil) != want {
			t.Fatalf("%s in %s: %v, %v", inner, outer, at, err)
		}
	})
}

func TestWhatIsNoRange(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "x", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+1", ":", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::12345",
		"::g", "1.2.3.4::", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "::/129", "fe80::1%eth0"} {
		if _, err := pattern.Parse("[ipv4-addr:value ISSUBSET '" + s + "']"); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
