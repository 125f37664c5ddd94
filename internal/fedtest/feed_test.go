package fedtest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/stix"
)

// complaints counts what a diary says of feeds that could not go on.
type complaints struct {
	slog.Handler
	n *atomic.Int64
}

func (c complaints) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "a feed could not go on") {
		c.n.Add(1)
	}
	return nil
}

func (c complaints) Enabled(context.Context, slog.Level) bool { return true }
func (c complaints) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c complaints) WithGroup(string) slog.Handler            { return c }

// TestAFeedThatMayNotGoOn: where the agreement lets no increment pass, not even one that says what was held back, nothing is said, the diary says so once and not in every round, and all else goes on.
func TestAFeedThatMayNotGoOn(t *testing.T) {
	t.Parallel()
	// spec: INT-7
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	var said atomic.Int64
	xa.Restart(func(o *node.Options) { o.Log = slog.New(complaints{slog.DiscardHandler, &said}) })
	agreed := f.Agree(strings.Replace(exchangeOfIntelligence("XA", "XB"), `"intel.*"`, `"intel.offer","intel.subscribe"`, 1), "XA")
	source, err := xa.OpenSource(t.Context(), intel.Source{Name: "sensors", Format: "stix"}, marking.Marking{TLP: marking.Green}, xa.By("analyst", "one"))
	f.must(err)
	offer := xa.tells(exchange.Draft{To: []party.Code{"XB"}, Agreement: agreed, Kind: intel.KindOffer}, intel.Offer{Feed: "all"})
	xb.Has(offer.ID)
	xa.Has(xb.tells(exchange.Draft{Thread: offer.Thread, Kind: intel.KindSubscribe}, intel.Subscribe{}).ID)
	const v1 = "2026-11-02T00:00:00.000Z"
	for i := range 4 { // each is taken in by a round of the node's own
		r := stix.NewReader(strings.NewReader(indicator(i, v1, "")), stix.Limits{})
		_, err := xa.Import(t.Context(), catalogue.Source{Thread: source, By: xa.By("analyst", "one"), Marking: marking.Marking{TLP: marking.Green}}, r.All(), catalogue.ImportOptions{})
		f.must(err)
		xa.Until(fmt.Sprintf("object %d", i), func() bool {
			hits, err := xa.FindObjects(t.Context(), catalogue.Search{Value: fmt.Sprintf("host%d.example", i)})
			f.must(err)
			return len(hits.Objects) == 1
		})
		xa.Until("the diary", func() bool { return said.Load() > 0 })
	}
	if n := said.Load(); n != 1 {
		t.Errorf("the diary says it %d times", n)
	}
	if v := xa.feedOf(offer.Thread); v.N != 0 {
		t.Errorf("%d increments", v.N)
	}
	f.must(xa.Catalogued(t.Context())) // whoever asks for it has it tried
	if n := said.Load(); n != 2 {
		t.Errorf("the diary says it %d times", n)
	}
}
