package form

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/thread"
)

// TestSchemaNamesChoices: a program is told what a form offers.
func TestSchemaNamesChoices(t *testing.T) {
	t.Parallel()
	rules, err := thread.NewRules(assist.Desk{})
	if err != nil {
		t.Fatal(err)
	}
	for kind, member := range map[string]string{"assist.request": "type", "assist.grant": "extent"} {
		i := slices.IndexFunc(rules.Specs(), func(s thread.KindSpec) bool { return string(s.Kind) == kind })
		spec := rules.Specs()[i]
		raw, err := json.Marshal(Schema(spec))
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Properties map[string]struct {
				Enum []string `json:"enum"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		fields := Fields(spec)
		want := fields[slices.IndexFunc(fields, func(f Field) bool { return f.Name == member })].Options
		if got := schema.Properties[member].Enum; len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s of %s: %q, want %q", member, kind, got, want)
		}
	}
}
