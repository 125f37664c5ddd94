package catalogue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/internal/catalogue"
)

// TestSearchFindsWhatCovers: a search for an address finds the ranges around it, and for a name the domains above it, in the order in which they came, page by page, and says by what; where
// that is not asked for, what names the value alone is found.
func TestSearchFindsWhatCovers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	source := h.source()
	patterns := []string{
		"ipv4-addr:value ISSUBSET '198.51.100.0/24'", "ipv4-addr:value = '198.51.100.7'", "ipv4-addr:value ISSUBSET '198.51.100.8/29'", "ipv4-addr:value ISSUBSET '0.0.0.0/0'",
		"domain-name:value = 'evil.example.org'", "domain-name:value = 'x.evil.example.org'", "domain-name:value = 'y.evil.example.org'", "domain-name:value = 'vil.example.org'",
		"ipv6-addr:value ISSUBSET '2001:db8::/32'", "ipv6-addr:value ISSUBSET '2001:db8:1::/48'",
	}
	var text []string
	for i, p := range patterns {
		text = append(text, strings.Replace(indicator(i, 0, fmt.Sprintf("n%d", i), ""), fmt.Sprintf("domain-name:value = 'host%d.example'", i), p, 1))
	}
	text = append(text, strings.Replace(domain(50, "above"), "host50.example", "evil.example.org", 1))
	h.takes(source, strings.Join(text, "\n"))
	h.index()
	for _, c := range []struct{ value, want string }{
		{"198.51.100[.]7", "n0 by 198.51.100.0/24, n1, n3 by 0.0.0.0/0"},
		{"198.51.100.8/30", "n0 by 198.51.100.0/24, n2 by 198.51.100.8/29, n3 by 0.0.0.0/0"},
		{"X.evil.example.org.", "n4 by evil.example.org, n5"},
		{"2001:db8:2::1", "n8 by 2001:db8::/32"},
		{"2001:db8:1::/64", "n8 by 2001:db8::/32, n9 by 2001:db8:1::/48"},
		{"evil.example.org", "n4, above"},
		{"example.org", ""},
	} {
		for _, limit := range []int{1, 2, 50} {
			var got []string
			s := catalogue.Search{For: officer(), Value: c.value, Covering: true, Limit: limit}
			for more := true; more; {
				hits, err := h.Search(t.Context(), s)
				h.must(err)
				for i, o := range hits.Objects {
					by := ""
					if hits.By[i] != "" {
						by = " by " + hits.By[i]
					}
					got = append(got, name(t, o.Raw)+by)
				}
				more, s.After = hits.More, hits.Next
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%s, %d at once: %q, want %q", c.value, limit, got, c.want)
			}
		}
	}
	h.is("what names it alone", h.found(catalogue.Search{For: officer(), Value: "198.51.100.7"}), "n1")
	if got := strings.Fields(h.found(catalogue.Search{For: officer(), Value: "198.51.100.7", Text: "n3", Covering: true})); !slices.Equal(got, []string{"n3"}) {
		t.Errorf("with a word: %q", got)
	}
	deep := strings.Repeat("a.", 120) + "example.org" // costs no more than some looks
	h.is("of many labels", h.found(catalogue.Search{For: officer(), Value: deep, Covering: true}), "")
}
