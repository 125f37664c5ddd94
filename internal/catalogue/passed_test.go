package catalogue_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// feeding is a feed of XA's with its state, as its desk would fold it.
type feeding struct {
	*house
	catalogue.Feed
}

func (h *house) feeds(to party.Code, o intel.Offer) *feeding {
	h.t.Helper()
	facts, err := json.Marshal(o)
	h.must(err)
	id := h.says(statement.Head{From: "XA", To: []party.Code{to}, Kind: intel.KindOffer, Marking: marking.Marking{TLP: marking.Green}, Facts: facts}, "")
	f := &feeding{h, catalogue.Feed{Thread: id, To: to, Marking: marking.Marking{TLP: marking.Green}, View: intel.View{Form: intel.AFeed, By: "XA", To: []party.Code{to}, Status: intel.Offered, Offer: o}}}
	return f
}

// subscribes has its peer subscribe, from after an increment on.
func (f *feeding) subscribes(after int64) {
	f.t.Helper()
	facts, err := json.Marshal(intel.Subscribe{After: after})
	f.must(err)
	f.says(statement.Head{From: f.To, To: []party.Code{"XA"}, Thread: f.Thread, Kind: intel.KindSubscribe, Marking: marking.Marking{TLP: marking.Green}, Facts: facts}, "")
	f.View.Status, f.View.After, f.View.Fresh = intel.Subscribed, after, true
}

// goes says increments until nothing is to be said.
func (f *feeding) goes() {
	f.t.Helper()
	f.now = f.now.Add(1)
	for more := true; more; {
		var last intel.Increment
		f.before = func(d exchange.Draft) error { return json.Unmarshal(d.Facts, &last) }
		said, err := f.Increment(f.t.Context(), f.Feed, statement.By{Role: "analyst"})
		f.before = nil
		f.must(err)
		if more = said && last.N > f.View.N; more {
			f.View.N, f.View.Through, f.View.More, f.View.Fresh = last.N, last.Through, last.More, false
		}
	}
}

// passed is what became of an object in feeds: "XB passed 1", "XC held originator".
func (h *house) passed(id stix.ID, feeds ...*feeding) string {
	h.t.Helper()
	view, err := h.Object(h.t.Context(), officer(), id)
	h.must(err)
	var all []catalogue.Feed
	for _, f := range feeds {
		all = append(all, f.Feed)
	}
	found, _, err := h.PassedOn(h.t.Context(), all, view.Entries)
	h.must(err)
	var out []string
	for _, p := range found {
		text := fmt.Sprint(p.To, " ", p.Went)
		if p.N > 0 {
			text += fmt.Sprint(" ", p.N)
		}
		for _, why := range p.Held {
			text += " " + string(why)
		}
		out = append(out, text)
	}
	slices.SortFunc(out, cmp.Compare)
	return strings.Join(out, ", ")
}

// TestPassedOn: of an object it is told which feeds have passed it on, with which increment, what holds it back, and what cannot be told; what is not of a feed is not told of.
func TestPassedOn(t *testing.T) {
	t.Parallel()
	// spec: INT-4, INT-7
	h := newHouse(t)
	source := h.source()
	all, wipers := h.feeds("XB", intel.Offer{Feed: "all"}), h.feeds("XC", intel.Offer{Feed: "malware", Types: []string{"malware"}})
	one := idOf("indicator", 1)
	h.takes(source, indicator(1, 0, "a0", ""))
	h.is("nobody has subscribed", h.passed(one, all, wipers), "")
	all.subscribes(0)
	wipers.subscribes(0)
	h.is("it waits, and is of one feed alone", h.passed(one, all, wipers), "XB waits")
	all.goes()
	wipers.goes()
	h.is("it went", h.passed(one, all, wipers), "XB passed 1")
	h.takes(source, indicator(2, 0, "b0", "")+indicator(3, 0, "c0", ""))
	all.goes()
	h.is("what came later", h.passed(idOf("indicator", 3), all, wipers), "XB passed 2")
	h.is("what went before stays said", h.passed(one, all), "XB passed 1")
	h.takes(source, indicator(1, 1, "a1", ""))
	h.is("of two versions one went", h.passed(one, all), "XB passed 1, XB waits")
	all.goes()
	h.is("each by its own increment", h.passed(one, all), "XB passed 1, XB passed 3")

	all.View.Status = intel.Unsubscribed
	all.subscribes(0)
	h.is("who begins anew had it", h.passed(one, all), "XB passed 1, XB passed 3")
	all.goes()
	h.is("and has it twice", h.passed(one, all), "XB passed 1, XB passed 3")
}

// TestPassedOnIsHeldBack: what an originator, an agreement or a caveat holds back is told with the reason, and not as passed.
func TestPassedOnIsHeldBack(t *testing.T) {
	t.Parallel()
	// spec: INT-7
	h := newHouse(t)
	h.denied["XB"] = true
	share := h.gave("XD", idZero(), marking.Green, indicator(1, 0, "theirs", ""))
	own := h.source()
	h.takes(own, indicator(1, 1, "ours", "")+indicator(2, 0, "other", ""))
	f := h.feeds("XB", intel.Offer{Feed: "all"})
	f.subscribes(0)
	f.goes()
	h.is("theirs is held, ours went", h.passed(idOf("indicator", 1), f), "XB held 1 originator, XB passed 1")
	h.is("who gave it is told nothing of it", h.passed(idOf("indicator", 1), h.feeds("XD", intel.Offer{Feed: "all"})), "")

	refused := true
	h.takes(own, indicator(3, 0, "later", ""))
	last := f.View
	f.before = func(d exchange.Draft) error {
		if refused && len(d.Blobs) > 0 {
			refused = false
			return &exchange.Denial{Verdict: exchange.Verdict{Caveat: true}}
		}
		return nil
	}
	_, err := f.Increment(t.Context(), f.Feed, statement.By{Role: "analyst"})
	h.must(err)
	f.before, f.View.N, f.View.Through = nil, last.N+1, last.Through+1
	h.is("a caveat", h.passed(idOf("indicator", 3), f), "XB held 2 caveat")

	h.eraseIncrement(f, 1)
	h.is("its increment was erased", h.passed(idOf("indicator", 2), f), "XB past")
	h.is("what one gives oneself", h.passedBy(share), "")
	given := h.says(statement.Head{From: "XA", To: []party.Code{"XC"}, Kind: intel.KindShare, Marking: marking.Marking{TLP: marking.Green}, Facts: []byte(`{"objects":1}`)}, "", indicator(9, 0, "given", "")+"\n")
	h.index()
	h.is("a share", h.passedBy(given), "XC passed")
}

// passedBy is what became, without a feed, of the object that came with a share.
func (h *house) passedBy(share statement.ID) string {
	h.t.Helper()
	page, err := h.Page(h.t.Context(), catalogue.Query{For: officer(), Thread: share})
	h.must(err)
	o, err := stix.Parse(page.Objects[0].Raw)
	h.must(err)
	return h.passed(o.ID)
}

func (h *house) eraseIncrement(f *feeding, n int64) {
	h.t.Helper()
	var ids []statement.ID
	h.must(h.db.View(h.t.Context(), func(tx store.Tx) error {
		ids = nil
		return tx.EachOfThread(f.Thread, func(row store.Statement) bool {
			if row.Kind == intel.KindIncrement {
				ids = append(ids, row.ID)
			}
			return true
		})
	}))
	h.erase(ids[n-1])
	h.restart() // nothing is remembered open
}
