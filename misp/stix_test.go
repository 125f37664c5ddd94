package misp_test

import (
	"testing"

	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/stix/pattern"
)

// mapped gives the objects that an event becomes, and holds each against the standard and OASIS's schemas.
func mapped(t testing.TB, name string, b []byte, validate func(*stix.Object) error) (out []*stix.Object) {
	t.Helper()
	ids := map[stix.ID]bool{}
	for it, err := range misp.ItemsOf(b, misp.Mapping{}) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if it.Err != nil {
			t.Errorf("%s: %v", name, it.Err)
			continue
		}
		o := it.Object
		out, ids[o.ID] = append(out, o), true
		if found := o.Check(); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
		if validate != nil {
			if err := validate(o); err != nil {
				t.Errorf("%s: %s\n%v", name, o.Raw, err)
			}
		}
		if o.PatternType == "stix" {
			if _, err := pattern.Parse(o.Pattern); err != nil {
				t.Errorf("%s: %s: %v", name, o.Pattern, err)
			}
		}
		for property, ref := range o.Refs() {
			ahead := o.Type == "note" && property == "object_refs" || property == "object_marking_refs"
			if !ids[ref] && !ahead {
				t.Errorf("%s: %s of %s leads to what has not come", name, property, o.ID)
			}
		}
	}
	return out
}

func TestRealEventsBecomeStrictSTIX(t *testing.T) {
	t.Parallel()
	validate := schemas(t)
	for name, b := range eset(t) {
		types := map[stix.Type]int{}
		for _, o := range mapped(t, name, b, validate) {
			types[o.Type]++
		}
		t.Logf("%s: %v", name, types)
	}
}
