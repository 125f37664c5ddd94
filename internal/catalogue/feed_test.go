package catalogue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

func sighting(n int, of int) string {
	return fmt.Sprintf(`{"type":"sighting","spec_version":"2.1","id":"%s","created":"2026-11-01T00:00:00.000Z","modified":"2026-11-01T00:00:00.000Z","sighting_of_ref":"%s","count":3}`,
		idOf("sighting", n), idOf("indicator", of))
}

// TestSightingsAreNotFed: what this party or another has told of sightings goes to whom it was told; a feed has it only where the offer names the type.
func TestSightingsAreNotFed(t *testing.T) {
	t.Parallel()
	// spec: INT-4
	h := newHouse(t)
	share := h.gave("XB", idZero(), marking.Green, indicator(1, 0, "a0", ""))
	h.says(statement.Head{From: "XA", To: []party.Code{"XB"}, Thread: share, Kind: intel.KindSighting, Marking: marking.Marking{TLP: marking.Green}, Facts: []byte(`{"objects":1,"count":3}`)}, "", sighting(1, 1)+"\n")
	h.index()
	h.gave("XD", share, marking.Green, sighting(2, 1))
	for _, one := range []struct {
		types []string
		want  string
	}{
		{nil, "indicator"},
		{[]string{"indicator"}, "indicator"},
		{[]string{"sighting", "indicator"}, "indicator sighting sighting"},
	} {
		var said []string
		h.before = func(d exchange.Draft) error {
			for _, b := range d.Blobs {
				for _, kind := range []string{"indicator", "sighting"} {
					for range strings.Count(string(b.Raw), `{"type":"`+kind+`"`) {
						said = append(said, kind)
					}
				}
			}
			return nil
		}
		offer := h.says(statement.Head{From: "XA", To: []party.Code{"XC"}, Kind: intel.KindOffer, Marking: marking.Marking{TLP: marking.Green}, Facts: []byte(`{"feed":"all"}`)}, "")
		_, err := h.Increment(t.Context(), catalogue.Feed{
			Thread: offer, To: "XC", Marking: marking.Marking{TLP: marking.Green},
			View: intel.View{Form: intel.AFeed, By: "XA", Status: intel.Subscribed, Fresh: true, Offer: intel.Offer{Feed: "all", Types: one.types}},
		}, statement.By{Role: "analyst"})
		h.must(err)
		h.is(fmt.Sprint("a feed of ", one.types), strings.Join(said, " "), one.want)
	}
}

// TestWhatFollowsInAFeed: a later version of what belongs follows, whatever of the filter it lacks; nobody else's word takes its place there, but the party's own goes whoever was first.
func TestWhatFollowsInAFeed(t *testing.T) {
	t.Parallel()
	// spec: INT-4
	sure := func(n, version int, name string, extra string) string {
		return indicator(n, version, name, `,"confidence":80,"labels":["walnut"]`+extra)
	}
	for _, c := range []struct {
		name string
		come func(h *house, mine, fetched thread.ID)
		want string
	}{
		{"a revocation", func(h *house, mine, _ thread.ID) {
			h.takes(mine, sure(1, 0, "a0", ""))
			h.takes(mine, indicator(2, 0, "no", "")+indicator(1, 1, "a1", `,"revoked":true`))
		}, "a0 a1"},
		{"a version of it that nobody is sure of, and one more", func(h *house, mine, _ thread.ID) {
			h.takes(mine, sure(1, 0, "a0", ""))
			h.takes(mine, indicator(1, 1, "a1", ""))
			h.takes(mine, indicator(1, 2, "a2", ""))
		}, "a0 a1 a2"},
		{"a revocation in the same text", func(h *house, mine, _ thread.ID) {
			h.takes(mine, sure(1, 0, "a0", "")+indicator(1, 1, "a1", `,"revoked":true`)+indicator(2, 1, "b1", `,"revoked":true`))
		}, "a0 a1"},
		{"what came after its own revocation", func(h *house, mine, _ thread.ID) {
			h.takes(mine, indicator(1, 1, "a1", `,"revoked":true`))
			h.takes(mine, sure(1, 0, "a0", ""))
		}, ""},
		{"another's revocation", func(h *house, mine, fetched thread.ID) {
			h.takes(mine, sure(1, 0, "a0", ""))
			h.takes(fetched, sure(1, 5, "poison", `,"revoked":true`)+sure(2, 0, "b0", ""))
		}, "a0 b0"},
		{"another was first", func(h *house, mine, fetched thread.ID) {
			h.takes(mine, sure(1, 0, "a0", ""))
			h.takes(fetched, sure(1, 1, "x1", "")+sure(2, 0, "b0", ""))
			h.takes(mine, sure(2, 1, "b1", ""))
		}, "a0 b0"},
		{"another was first, and is not sure", func(h *house, mine, fetched thread.ID) {
			h.takes(fetched, indicator(1, 0, "x0", ""))
			h.takes(mine, sure(1, 1, "a1", ""))
		}, "a1"},
	} {
		h := newHouse(t)
		mine, fetched := h.source(), h.source()
		c.come(h, mine, fetched)
		h.is(c.name, h.fed(intel.Offer{Feed: "all", Labels: []string{"walnut"}, ConfidenceMin: 50}), c.want)
	}
}

// fed gives the names of what a feed to XC brings, all increments together.
func (h *house) fed(o intel.Offer) string {
	h.t.Helper()
	var names []string
	n := int64(0)
	h.before = func(d exchange.Draft) error {
		for _, b := range d.Blobs {
			for line := range strings.Lines(string(b.Raw)) {
				p, err := stix.Parse([]byte(strings.TrimSpace(line)))
				h.must(err)
				names = append(names, p.Name)
			}
		}
		return nil
	}
	offer := h.says(statement.Head{From: "XA", To: []party.Code{"XC"}, Kind: intel.KindOffer, Marking: marking.Marking{TLP: marking.Green}, Facts: []byte(`{"feed":"all"}`)}, "")
	_, err := h.Increment(h.t.Context(), catalogue.Feed{
		Thread: offer, To: "XC", Marking: marking.Marking{TLP: marking.Green}, View: intel.View{Form: intel.AFeed, By: "XA", Status: intel.Subscribed, Fresh: true, Offer: o, N: n},
	}, statement.By{Role: "analyst"})
	h.must(err)
	h.before = nil
	return strings.Join(names, " ")
}
