package misp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
)

// door stands before a store, and has what is read fail or wait.
type door struct {
	store.Store
	mu     sync.Mutex
	left   int           // reads that go through before one fails; below 0: all do
	shut   chan struct{} // nil: open
	waited chan struct{} // told of each read that waits
}

func (d *door) View(ctx context.Context, do func(store.Tx) error) error {
	d.mu.Lock()
	shut, left := d.shut, d.left
	if d.left >= 0 {
		d.left--
	}
	d.mu.Unlock()
	if left == 0 {
		return fault.Wrap(errors.New("the disk"), fault.Unavailable, "", "the store cannot be read now")
	}
	if shut != nil {
		select {
		case d.waited <- struct{}{}:
		default:
		}
		select {
		case <-shut:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return d.Store.View(ctx, do)
}

func (d *door) set(left int, shut chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.shut = left, shut
}

// behind has what keeps the shelf up read through a door.
func (h *house) behind() *door {
	o := h.xa.Catalogue.Options
	d := &door{Store: o.Store, left: -1, waited: make(chan struct{}, 1)}
	o.Store = d
	h.misp.keeper.from = catalogue.New(o)
	return d
}

// shows are the values of the events of the index, in their order.
func (h *house) shows() string {
	h.t.Helper()
	var out []string
	for _, row := range read[[]minimalRow](h.t, h.posts(200, "/misp/events/index", `{"minimal":1}`)) {
		out = append(out, values(read[wrapped](h.t, h.gets(200, "/misp/events/view/"+row.UUID)).Event))
	}
	return strings.Join(out, " | ")
}

// TestNothingIsLostWhereALookFails: wherever reading fails, what was asked for is refused, and the next look goes on as if it had not.
func TestNothingIsLostWhereALookFails(t *testing.T) {
	t.Parallel()
	for after := range 8 {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, Options{})
			h.opens("fromMISP", "misp", marking.Green)
			d := h.behind()
			h.adds(h.source, marking.Green, indicator(1, "one", v1, ""), indicator(2, "two", v1, ""))
			fails := func() {
				t.Helper()
				d.set(after, nil)
				a := h.ask("ana", post, "/misp/events/index", `{"minimal":1}`)
				d.set(-1, nil)
				if a.status != 200 && (a.status != 503 || a.header.Get("Retry-After") == "") {
					t.Errorf("%d %v %s", a.status, a.header, a.body)
				}
			}
			fails()
			if got := h.shows(); got != "host1.example host2.example" {
				t.Errorf("at first: %s", got)
			}
			h.adds(h.source, marking.Green, strings.Replace(indicator(1, "again", v2, ""), "host1", "changed1", 1))
			fails()
			if got := h.shows(); got != "host2.example changed1.example" {
				t.Errorf("then: %s", got)
			}
			h.brings(h.source, marking.Green, anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", "")))
			fails()
			if got := h.shows(); got != "host2.example changed1.example | walnut.example" {
				t.Errorf("at last: %s", got)
			}
		})
	}
}

// TestNobodyWhoLeavesUndoesALook: the first look goes on when whoever asked first has gone, and is done once.
func TestNobodyWhoLeavesUndoesALook(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.adds(h.source, marking.Green, indicator(1, "one", v1, ""))
	d := h.behind()
	shut := make(chan struct{})
	d.set(-1, shut)
	k := h.misp.keeper
	gone, leave := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := k.current(gone)
		failed <- err
	}()
	<-d.waited
	leave()
	if err := <-failed; fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
	look, began := k.work.join(func() error { t.Error("it is begun anew"); return nil })
	if began {
		t.Error("it has ended with who asked")
	}
	close(shut)
	h.must(look.wait(t.Context(), patience))
	if s := k.now.Load(); s == nil || len(s.rows) != 1 {
		t.Errorf("%+v", s)
	}
}

// TestWhoCannotWaitIsAskedToComeAgain: while the first look lasts there is nothing to answer with; later there is what there was.
func TestWhoCannotWaitIsAskedToComeAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.adds(h.source, marking.Green, indicator(1, "one", v1, ""))
	d := h.behind()
	shut := make(chan struct{})
	d.set(-1, shut)
	h.misp.keeper.patience = 0
	if a := h.posts(503, "/misp/events/index", `{"minimal":1}`); a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `"message"`) {
		t.Errorf("%v %s", a.header, a.body)
	}
	close(shut)
	d.set(-1, nil)
	k := h.misp.keeper
	look, _ := k.work.join(k.follow)
	h.must(look.wait(t.Context(), patience))
	old := k.now.Load()
	// The next look cannot go on: whoever reads has what there was.
	h.adds(h.source, marking.Green, indicator(2, "two", v1, ""))
	began := make(chan struct{})
	again := make(chan struct{})
	busy, _ := k.work.join(func() error { close(began); <-again; return nil })
	<-began
	if s, err := k.current(t.Context()); err != nil || s != old {
		t.Errorf("%v %v", s, err)
	}
	close(again)
	h.must(busy.wait(t.Context(), patience))
}

// TestAFurtherVersionIsNews: each newer version of an object is a newer version of the event in which it is, and so it is after a new start.
func TestAFurtherVersionIsNews(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.adds(h.source, marking.Green, indicator(1, "one", v1, ""), indicator(2, "two", v1, ""))
	had := map[string]string{}
	h.pull(had)
	for n, version := range []string{v2, v3, "2026-11-05T00:00:00Z"} {
		name := fmt.Sprintf("changed%d", n)
		h.adds(h.source, marking.Green, strings.Replace(indicator(1, name, version, ""), "host1", name, 1))
		events, _ := h.pull(had)
		if len(events) != 1 {
			t.Fatalf("%d events", len(events))
		}
		for _, e := range events {
			if got := values(e); got != "host2.example "+name+".example" {
				t.Errorf("%s", got)
			}
		}
	}
	h.xa.Restart(nil)
	h.serve(Options{})
	if events, _ := h.pull(had); len(events) != 0 {
		t.Errorf("%d events are new after a new start", len(events))
	}
}

// TestWhatIsMarkedOtherwiseIsNotClaimed: that an attribute says the same under a stricter label takes nothing away from who may not see it; under the same it is shown as the attribute.
func TestWhatIsMarkedOtherwiseIsNotClaimed(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	for label, want := range map[marking.TLP]string{marking.Amber: "host1.example walnut.example", marking.Green: "host1.example | walnut.example"} {
		h := newHouse(t, Options{})
		h.serve(Options{Max: marking.Green})
		event := anEvent(1, "walnut", "1795000100", "", strings.Replace(attribute(1, "domain", "walnut.example", ""), `"to_ids":true`, `"to_ids":false`, 1))
		for item, err := range misp.ItemsOf([]byte(event), misp.Mapping{}) {
			if h.must(err); item.Object != nil && item.Object.Type == "domain-name" {
				h.adds(h.source, marking.Green, indicator(1, "one", v1, ""), item.Object.Raw)
			}
		}
		if got := h.shows(); got != "host1.example walnut.example" {
			t.Errorf("%s", got)
		}
		brought := h.brings(h.source, label, event)
		if got := h.shows(); got != want {
			t.Errorf("with an event that is TLP:%s: %s, want %s", label, got, want)
		}
		h.erases(brought.Said...)
		if got := h.shows(); got != "host1.example walnut.example" {
			t.Errorf("when the event is erased: %s", got)
		}
	}
}

// TestHashesAreReadOnce: what has no newer version is read for its hashes once, and not given to who may not see it any more.
func TestHashesAreReadOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	said := h.adds(h.source, marking.Green, indicator(1, "one", v1, ""))
	first := h.gets(200, "/misp/feed/all/hashes.csv").body
	for _, e := range h.events() {
		if sums, ok := h.misp.sums.get(e); !ok || len(sums) == 0 || len(sums)%md5Size != 0 {
			t.Errorf("%v %v", sums, ok)
		}
	}
	h.adds(h.source, marking.Green, indicator(2, "two", v1, ""))
	both := h.gets(200, "/misp/feed/all/hashes.csv").body
	if !strings.HasPrefix(both, first) || len(both) <= len(first) {
		t.Errorf("%q, before %q", both, first)
	}
	h.erases(said.Said...)
	if left := h.gets(200, "/misp/feed/all/hashes.csv").body; left != strings.TrimPrefix(both, first) {
		t.Errorf("%q of %q", left, both)
	}
}

// events are those that the analyst's token sees.
func (h *house) events() []*entry {
	h.t.Helper()
	for _, in := range h.misp.lists.all {
		if l := in.now.Load(); l != nil {
			return l.all
		}
	}
	h.t.Fatal("there is no listing")
	return nil
}
