package stix_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// TestHandlingThereAndBack: what a head says beside its labels comes back from a marking-definition as it was.
func TestHandlingThereAndBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := marking.Marking{
			Handling:     rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"no-onward", "H1", "iep:attribution:must", "owner:XB"}), 1, 4, rapid.ID).Draw(t, "handling"),
			PersonalData: rapid.SampledFrom([]marking.PersonalData{"", marking.PersonalNone, marking.PersonalMinimised, marking.PersonalAllowed}).Draw(t, "personal"),
			RetainUntil:  rapid.SampledFrom([]string{"", "2027-01-01T00:00:00.000Z"}).Draw(t, "until"),
		}
		o, err := stix.HandlingMarking{Common: stix.Common{ID: stix.ID(marker("1")), Created: at}, Marking: m}.Object()
		if err != nil {
			t.Fatal(err)
		}
		if bad := o.Check(); len(bad) > 0 {
			t.Fatalf("%s: %v", o.Raw, bad)
		}
		d := stix.ParseDefinition(o)
		if back := d.Marking(); d.Meaning != stix.MeansHandling || !back.Covers(m) || !m.Covers(back) {
			t.Fatalf("%+v came back as %+v", m, back)
		}
		slices.Sort(m.Handling)
		again, missing := stix.Resolve(&stix.Object{Markings: []stix.ID{o.ID, stix.TLPRef(marking.Green)}}, func(stix.ID) (stix.Definition, bool) { return d, true })
		if again.TLP != marking.Green || !slices.Equal(again.Handling, m.Handling) || again.RetainUntil != m.RetainUntil || again.PersonalData.Rank() != m.PersonalData.Rank() || len(missing) > 0 {
			t.Fatalf("%+v is resolved as %+v", m, again)
		}
	})
}

// TestHandlingThatCannotBe: what a head could not say, or says something beside, is not understood, so it is RED.
func TestHandlingThatCannotBe(t *testing.T) {
	t.Parallel()
	const begin, end = `"extensions":{"` + stix.HandlingExtension + `":{"extension_type":"property-extension"`, `}}`
	for _, rest := range []string{
		begin + end, begin + `,"handling":["a b"]` + end, begin + `,"handling":"no-onward"` + end, begin + `,"handling":["x","x"]` + end, begin + `,"personal_data":"some"` + end,
		begin + `,"retain_until":"2027-01-01"` + end, begin + `,"retain_until":"tomorrow"` + end, begin + `,"handling":["x"],"more":1` + end, begin + `,"handling":["` + strings.Repeat(`x","`, 17) + `y"]` + end,
		`"definition_type":"tlp","definition":{"tlp":"green"},` + begin + `,"handling":["x"]` + end, `"extensions":{"` + stix.HandlingExtension + `":5}`,
	} {
		if d := stix.ParseDefinition(definition(t, "1", rest)); d.Meaning != stix.MeansOther || d.Marking().TLP != marking.Red {
			t.Errorf("%s: %+v", rest, d)
		}
	}
	if d := stix.ParseDefinition(definition(t, "1", begin+`,"retain_until":"2027-01-01T00:00:00.000Z"`+end)); d.Meaning != stix.MeansHandling || d.Marking().RetainUntil == "" {
		t.Errorf("%+v", d)
	}
}
