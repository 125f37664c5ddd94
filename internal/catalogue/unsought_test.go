package catalogue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/stix"
)

// TestUnsought: an indicator that nobody can look for is taken, and whoever imports it is told how many there are, which the first are, and why.
func TestUnsought(t *testing.T) {
	t.Parallel()
	// spec: INT-2
	h := newHouse(t)
	source := h.source()
	patterned := func(n int, pattern string) string {
		o := indicator(n, 0, fmt.Sprintf("n%d", n), "")
		_, rest, _ := strings.Cut(o, `"pattern":"`)
		old, _, _ := strings.Cut(rest, `",`)
		return strings.Replace(o, `"pattern":"`+old+`"`, `"pattern":"`+pattern+`"`, 1)
	}
	poisoned := "[" + strings.Repeat("(", 100_000) + "a:b = 1"
	text := bundle(100, map[int]string{
		6: patterned(6, "[file:size = ]"), 7: patterned(7, "[file:size > 5]"), 8: patterned(8, poisoned),
		9:  strings.Replace(indicator(9, 0, "n9", ""), `"pattern_type":"stix"`, `"pattern_type":"yara"`, 1),
		10: patterned(10, "[ipv4-addr:value ISSUBSET '0.0.0.0/0']"),
	})
	for _, preview := range []bool{true, false} {
		report, err := h.Import(t.Context(), green(source), stix.NewReader(strings.NewReader(text), stix.Limits{}).All(), catalogue.ImportOptions{Preview: preview})
		if err != nil || report.Objects != 100 || report.Refused != 0 || report.Unsought != 5 || len(report.UnsoughtFirst) != 5 {
			t.Fatalf("%v: %d taken, %d cannot be looked for: %+v", err, report.Objects, report.Unsought, report.UnsoughtFirst)
		}
		for i, want := range []string{"at byte 13 of the pattern: a value is missing", "asks for more than values", "parentheses inside each other", "another language", "every line"} {
			f := report.UnsoughtFirst[i]
			if f.Index != 6+i || !strings.Contains(f.Reason, want) || !strings.HasPrefix(text[f.Offset:], `{"type":"indicator"`) || !strings.HasPrefix(f.String(), fmt.Sprintf("object %d, which begins at byte ", 7+i)) {
				t.Errorf("%d: %s", i, f)
			}
		}
	}
	// Only the first few are told one by one.
	var many []string
	for i := range 50 {
		many = append(many, patterned(1000+i, "[oops"))
	}
	report := h.takes(source, strings.Join(many, "\n"))
	if report.Unsought != 50 || len(report.UnsoughtFirst) != 20 {
		t.Errorf("%d, %d", report.Unsought, len(report.UnsoughtFirst))
	}
}
