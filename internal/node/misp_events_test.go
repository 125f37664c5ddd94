package node

import (
	"testing"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// TestEventsAreLabelledAsWhatIsInThem: an event of observables alone, or of some that came under a stricter label than the rest, has that label.
func TestEventsAreLabelledAsWhatIsInThem(t *testing.T) {
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
	came := map[stix.ID]marking.TLP{domain.ID: marking.Red, malware.ID: marking.Clear}
	for _, group := range [][]*stix.Object{{domain}, {malware, domain}} {
		if got := misp.TLP(labelled(nil, group, came)); got != marking.Red {
			t.Errorf("%d objects of which one is TLP:RED: %q", len(group), got)
		}
	}
	if got := misp.TLP(labelled(nil, []*stix.Object{malware}, came)); got != marking.Clear {
		t.Errorf("one that is TLP:CLEAR: %q", got)
	}
}
