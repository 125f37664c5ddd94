package node

import (
	"slices"
	"testing"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// TestEventsAreMarkedAsWhatIsInThem: an event of observables alone, or of some that came under a stricter marking than the rest, has that marking, whole.
func TestEventsAreMarkedAsWhatIsInThem(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	object := func(text string) *stix.Object {
		o, err := stix.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	domain := object(`{"type":"domain-name","spec_version":"2.1","id":"domain-name--00000000-0000-4000-8000-000000000001","value":"host1.example"}`)
	malware := object(`{"type":"malware","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-000000000002","created":"2026-11-01T00:00:00.000Z","modified":"2026-11-01T00:00:00.000Z","is_family":false}`)
	strict := marking.Marking{TLP: marking.Red, PAP: marking.PAPAmber, Handling: []string{"no-onward"}, PersonalData: marking.PersonalMinimised, RetainUntil: "2027-01-01T00:00:00.000Z"}
	came := map[stix.ID]marking.Marking{domain.ID: strict, malware.ID: {TLP: marking.Clear, Handling: []string{"H1"}}}
	for _, group := range [][]*stix.Object{{domain}, {malware, domain}} {
		if got := misp.MarkingOf(markedAs(nil, group, came)); !got.Covers(strict) || got.TLP != marking.Red {
			t.Errorf("%d objects of which one is %+v: %+v", len(group), strict, got)
		}
	}
	if got := misp.MarkingOf(markedAs(nil, []*stix.Object{malware, domain}, came)); !slices.Contains(got.Handling, "H1") {
		t.Errorf("what the other is marked with is lost: %+v", got)
	}
	if got := misp.MarkingOf(markedAs(nil, []*stix.Object{malware}, came)); got.TLP != marking.Clear || got.PAP != "" {
		t.Errorf("one that is TLP:CLEAR: %+v", got)
	}
}
