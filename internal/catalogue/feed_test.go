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
