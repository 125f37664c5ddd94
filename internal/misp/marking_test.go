package misp

import (
	"strings"
	"testing"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// TestTheWholeMarkingTravels: what is marked with more than a label shows that in manifest, index and event, and what is pushed or imported from there is marked at least as strictly.
func TestTheWholeMarkingTravels(t *testing.T) {
	t.Parallel()
	// spec: INT-3, INT-9, ONW-4
	from, to := newHouse(t, Options{}), newHouse(t, Options{})
	m := marking.Marking{TLP: marking.Amber, PAP: marking.PAPAmber, Handling: []string{"H2", "owner:XA"}, PersonalData: marking.PersonalMinimised, RetainUntil: "2027-01-01T00:00:00.000Z"}
	_, err := from.xa.Import(from.ctx, sourceOf(from.source, m), itemsFrom(indicator(1, "one", v1, "")), noOptions())
	from.must(err)
	event := anEvent(1, "walnut", "1795000100", "", attribute(1, "domain", "walnut.example", ""))
	_, err = from.xa.Import(from.ctx, sourceOf(from.source, m), misp.ItemsOf([]byte(event), misp.Mapping{TLP: m.TLP}), noOptions())
	from.must(err)
	from.must(from.xa.Catalogued(from.ctx))
	into := to.opens("fromMISP", "misp", marking.Green)

	manifest := read[misp.Manifest](t, from.gets(200, "/misp/feed/all/manifest.json"))
	if len(manifest) != 2 {
		t.Fatalf("%d events", len(manifest))
	}
	for uuid, entry := range manifest {
		a := from.gets(200, "/misp/feed/all/"+string(uuid)+".json")
		for what, tags := range map[string][]misp.Tag{"the manifest": entry.Tags, "the event": read[wrapped](t, a).Event.Tags} {
			if got := misp.MarkingOf(tags); !got.Covers(m) {
				t.Errorf("%s says %+v", what, got)
			}
			for _, name := range []string{"tlp:amber", "PAP:AMBER", `comity:handling="H2"`, `comity:handling="owner:XA"`, `comity:personal-data="minimised"`, `comity:retain-until="2027-01-01T00:00:00.000Z"`} {
				if !strings.Contains(" "+strings.Join(namesOf(tags), " ")+" ", " "+name+" ") {
					t.Errorf("%s lacks %s: %v", what, name, namesOf(tags))
				}
			}
		}
		to.posts(200, "/misp/events/add", a.body)
	}
	for _, id := range []string{indicatorID(1), "indicator--" + attributeUUID(1), "report--" + eventUUID(1)} {
		parsed, err := stix.ParseID(id)
		to.must(err)
		view, err := to.xa.Object(to.ctx, parsed)
		to.must(err)
		for _, e := range view.Entries {
			if e.Statement.Thread != into || !e.Statement.Marking.Covers(m) {
				t.Errorf("%s came under %+v", id, e.Statement.Marking)
			}
		}
		if len(view.Entries) == 0 {
			t.Errorf("%s did not come", id)
		}
	}
}
