package demo

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

//go:embed data/intelligence.json
var intelligenceText string

// walnutText is objects on addresses and names that are kept for documentation.
//
//go:embed data/walnut.stix.json
var walnutText string

// seenHost is the indicator that XB finds in its logs.
const seenHost = "indicator--5a0b0000-0000-4000-8000-000000000005"

// What of the bundle belongs to the feed: 12 indicators and 2 families, of which 2 indicators are marked TLP:AMBER.
const (
	feedPasses = 12
	feedHeld   = 2
)

// intelligence: XA gathers indicators and gives them to XB in a feed; what the agreement does not let pass stays, and is counted. XB tells what it has seen.
func (p *play) intelligence(ctx context.Context) error {
	p.heading("Intelligence, in a feed")
	p.pass(50 * time.Minute)
	agreed, err := p.agree(ctx, intelligenceText, p.a, p.b)
	if err != nil {
		return err
	}
	if err := p.gather(ctx); err != nil {
		return err
	}
	facts, err := node.Facts(intel.Offer{Feed: "walnut", Types: []string{"indicator", "malware"}})
	if err != nil {
		return err
	}
	green := marking.Marking{TLP: marking.Green}
	offer, err := p.a.Say(ctx, exchange.Draft{
		To: []party.Code{p.b.code}, Agreement: agreed, Kind: intel.KindOffer, Marking: green, Track: statement.Technical, Precedence: statement.Routine, By: p.a.By("", ""),
		Facts: facts, Title: "Hosts and families of the walnut campaign",
	})
	if err != nil {
		return err
	}
	if _, err := p.b.has(ctx, offer); err != nil {
		return err
	}
	if facts, err = node.Facts(intel.Subscribe{}); err != nil {
		return err
	}
	if _, err := p.b.Say(ctx, exchange.Draft{Thread: offer.Thread, Kind: intel.KindSubscribe, Marking: green, By: p.b.By("", ""), Facts: facts}); err != nil {
		return err
	}
	p.say("%s offers %s its indicators and malware as they come. %s subscribes.", p.a.code, p.b.code, p.b.code)
	if err := p.fed(ctx, offer.Thread); err != nil {
		return err
	}
	if err := p.sighted(ctx, offer.Thread); err != nil {
		return err
	}
	return p.rest(ctx)
}

// gather has XA take the bundle into a source of its own.
func (p *play) gather(ctx context.Context) error {
	m := marking.Marking{TLP: marking.Green}
	source, err := p.a.OpenSource(ctx, intel.Source{Name: "sensors", Format: "stix", Own: true}, m, p.a.By("", ""))
	if err != nil {
		return err
	}
	items := stix.NewReader(strings.NewReader(walnutText), stix.Limits{}).All()
	r, err := p.a.Import(ctx, catalogue.Source{Thread: source, By: p.a.By("", ""), Marking: m, Title: "walnut.stix.json"}, items, catalogue.ImportOptions{})
	if err != nil {
		return err
	}
	if err := p.a.Catalogued(ctx); err != nil {
		return err
	}
	var types []string
	for _, t := range slices.Sorted(maps.Keys(r.Types)) {
		if n := r.Types[t]; n > 1 {
			types = append(types, fmt.Sprintf("%d %s", n, t))
		}
	}
	p.say("%s takes what its sensors wrote into its catalogue: %d objects (%s, and others).", p.a.code, r.Objects, strings.Join(types, ", "))
	hits, err := p.a.FindObjects(ctx, catalogue.Search{Value: "update[.]walnut[.]example"})
	if err != nil {
		return err
	}
	p.check(r.Refused == 0 && len(hits.Objects) > 0, "all of it was understood, and update[.]walnut[.]example is found, defanged or not")
	return nil
}

// fed waits for the feed, and holds what has come against what was gathered.
func (p *play) fed(ctx context.Context, feed thread.ID) error {
	var ours node.IntelView
	if err := p.a.until(ctx, "the first increments", func() (bool, error) {
		if err := p.a.Catalogued(ctx); err != nil {
			return false, err
		}
		var err error
		ours, _, err = p.a.Intel(ctx, feed)
		return ours.Objects >= feedPasses && len(ours.Held) > 0, err
	}); err != nil {
		return err
	}
	var here catalogue.Page
	if err := p.b.until(ctx, "the objects of the feed", func() (bool, error) {
		if err := p.b.Catalogued(ctx); err != nil {
			return false, err
		}
		var err error
		here, err = p.b.Objects(ctx, catalogue.Query{Thread: feed})
		return len(here.Objects) >= feedPasses, err
	}); err != nil {
		return err
	}
	same := !slices.ContainsFunc(here.Objects, func(o catalogue.Object) bool { return !strings.Contains(walnutText, string(o.Raw)) })
	p.check(len(here.Objects) == feedPasses && same, "%d objects have come to %s, byte for byte as %s's sensors wrote them", len(here.Objects), p.b.code, p.a.code)
	p.check(len(ours.Held) == 1 && ours.Held[0] == intel.Held{Reason: intel.ByAgreement, Objects: feedHeld},
		"%d that are marked TLP:AMBER stay at %s: the agreement does not let them pass, and %s is told how many", feedHeld, p.a.code, p.b.code)
	return nil
}

// sighted has XB tell that it has seen one of the hosts.
func (p *play) sighted(ctx context.Context, feed thread.ID) error {
	p.pass(3 * time.Hour)
	now := stix.At(p.clock.Now())
	raw := fmt.Sprintf(`{"type":"sighting","spec_version":"2.1","id":"sighting--5a0b0000-0000-4000-8000-000000000001","created":"%[1]s","modified":"%[1]s","sighting_of_ref":"%[2]s","count":3,"first_seen":"%[3]s","last_seen":"%[1]s"}`,
		now, seenHost, stix.At(p.clock.Now().Add(-2*time.Hour)))
	facts, err := node.Facts(intel.Sighting{Objects: 1, Count: 3, First: statement.TimeOf(p.clock.Now().Add(-2 * time.Hour)), Last: statement.TimeOf(p.clock.Now())})
	if err != nil {
		return err
	}
	if _, err := p.b.Say(ctx, exchange.Draft{
		Thread: feed, Kind: intel.KindSighting, Marking: marking.Marking{TLP: marking.Green}, By: p.b.By("", ""), Facts: facts,
		Blobs: []exchange.Attachment{{Name: "1.jsonl", Type: intel.ParcelType, Raw: []byte(raw + "\n")}},
	}); err != nil {
		return err
	}
	p.say("%s finds one of the hosts in its logs, and tells %s how often and when; nothing of the logs.", p.b.code, p.a.code)
	var seen []catalogue.Seen
	if err := p.a.until(ctx, "the sighting", func() (bool, error) {
		if err := p.a.Catalogued(ctx); err != nil {
			return false, err
		}
		var err error
		seen, _, err = p.a.SightingsOf(ctx, seenHost)
		return len(seen) > 0, err
	}); err != nil {
		return err
	}
	p.check(len(seen) == 1 && seen[0].Party == p.b.code && seen[0].Count == 3, "%s's catalogue has it beside the indicator: seen 3 times, says %s", p.a.code, p.b.code)
	return nil
}
