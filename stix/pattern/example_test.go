package pattern_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/stix/pattern"
)

func Example() {
	p, err := pattern.Parse("[domain-name:value = 'a.example'] FOLLOWEDBY [ipv4-addr:value ISSUBSET '198.51.100.0/24'] WITHIN 300 SECONDS")
	if err != nil {
		fmt.Println(err)
		return
	}
	values, cover := p.Values()
	fmt.Println(values[0].Type, values[0].Property, values[0].Literal.Text, cover == pattern.Trigger)

	name, err := stix.Single("domain-name", "a.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	addr, err := stix.Single("ipv4-addr", "198.51.100.3")
	if err != nil {
		fmt.Println(err)
		return
	}
	asked := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	first, err := pattern.NewObservation(asked, asked, 1, name)
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := pattern.NewObservation(asked.Add(time.Minute), asked.Add(time.Minute), 1, addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Match([]*pattern.Observation{second, first}, 0))
	// Output:
	// domain-name value a.example true
	// [0 1] <nil>
}

// TestPatternsOfTheExamples: every pattern of the published examples is one, and says what it looks for.
func TestPatternsOfTheExamples(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data", "stix")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: the shared data is not here: %v", err)
	}
	exact, all := 0, 0
	for _, glob := range []string{"*.gz", "oasis-examples/*.json", "oasis-examples/threat-reports/*.json"} {
		names, err := filepath.Glob(filepath.Join(dir, glob))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var src io.Reader = f
			if strings.HasSuffix(name, ".gz") {
				if src, err = gzip.NewReader(f); err != nil {
					t.Fatal(err)
				}
			}
			for it, err := range stix.NewReader(src, stix.Limits{}).All() {
				if err != nil || it.Err != nil {
					t.Fatal(name, err, it.Err)
				}
				if it.Object.PatternType != "stix" {
					continue
				}
				p, err := pattern.Parse(it.Object.Pattern)
				if err != nil {
					t.Errorf("%s: %v", it.Object.Pattern, err)
					continue
				}
				if err := p.CanMatch(); err != nil {
					t.Errorf("%s: %v", it.Object.Pattern, err)
				}
				all++
				if _, cover := p.Values(); cover == pattern.Exact {
					exact++
				}
			}
		}
	}
	if all < 40 || exact < all/2 {
		t.Errorf("%d patterns, %d of them exact", all, exact)
	}
	t.Logf("%d patterns, %d of them exact", all, exact)
}
