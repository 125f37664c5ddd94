package catalogue_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

func idZero() thread.ID { return thread.ID{} }

// sets tells which lines of each parcel are hidden, older, shared.
func (h *house) sets() string {
	h.t.Helper()
	var out []string
	h.must(h.db.View(h.t.Context(), func(tx store.Tx) error {
		all, err := tx.Parcels(store.ParcelQuery{Limit: 100})
		for _, p := range all {
			marks := ""
			for i := range p.Objects {
				switch {
				case p.Hidden.Has(i):
					marks += "h"
				case p.Older.Has(i):
					marks += "o"
				default:
					marks += "."
				}
				if p.Shared.Has(i) {
					marks += "s"
				}
			}
			out = append(out, marks)
		}
		return err
	}))
	return strings.Join(out, " ")
}

// TestWhatStandsBesideEachOther: of one source the last version is shown; what others say stands beside it; what is no object, or is here, is not shown.
func TestWhatStandsBesideEachOther(t *testing.T) {
	t.Parallel()
	// spec: INT-2, INT-3
	h := newHouse(t)
	source := h.source()
	h.takes(source, indicator(1, 0, "a0", "")+indicator(2, 0, "b0", ""))
	h.takes(source, indicator(1, 2, "a2", ""))
	h.takes(source, indicator(1, 1, "a1", ""))
	h.is("one source", h.sets(), "o. . o")
	h.gave("XB", idZero(), marking.Green, indicator(1, 2, "xb says otherwise", ""), `{"type":`, indicator(3, 0, "c", marked("marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1")), indicator(4, 0, "d", ""))
	h.is("and another", h.sets(), "os. .s os .shh.")
	all := catalogue.Versions{All: true}
	h.is("the last of all", h.names(catalogue.Query{For: officer()}), "b0 a2 d")
	h.is("all of all", h.names(catalogue.Query{For: officer(), Versions: all}), "a0 b0 a2 a1 xb says otherwise d")
	h.is("the first of all", h.names(catalogue.Query{For: officer(), Versions: catalogue.Versions{First: true}}), "a0 b0 d")
	view, err := h.Object(t.Context(), officer(), idOf("indicator", 1))
	h.must(err)
	var side []string
	for _, e := range view.Entries {
		side = append(side, fmt.Sprint(e.Parsed.Name, " of ", e.Statement.From, " ", e.Latest))
	}
	h.is("side by side", strings.Join(side, ", "), "a2 of XA true, xb says otherwise of XB true, a1 of XA false, a0 of XA false")
}

// TestOthersHideNothing: what somebody says in a thread makes nothing older, and hides nothing, of what another has said there; what does not count is not shown, and changes nothing.
func TestOthersHideNothing(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	h := newHouse(t)
	share := h.gave("XB", idZero(), marking.Amber, indicator(1, 0, "of XB", ""))
	h.gave("XC", share, marking.Amber, indicator(1, 2, "of XC", ""), indicator(2, 0, "other", ""))
	h.gave("XB", share, marking.Amber, indicator(2, 0, "other of XB", ""))
	h.denied["XB"] = true
	h.is("all", h.names(catalogue.Query{For: officer(), Versions: catalogue.Versions{All: true}}), "of XB of XC other other of XB")
	h.says(statement.Head{From: "XD", To: []party.Code{"XA"}, Thread: share, Kind: intel.KindSighting, Marking: marking.Marking{TLP: marking.Amber}, Facts: []byte(`{"objects":2,"count":1}`)}, "not-admissible",
		indicator(1, 5, "of XD", "")+"\n"+indicator(9, 0, "more of XD", "")+"\n")
	h.index()
	for _, v := range []catalogue.Viewer{officer(), {Party: "XA", Max: marking.Red}, {Party: exchange.Outside, Max: marking.Red}} {
		h.is("the last of each", h.names(catalogue.Query{For: v}), "of XB of XC other")
		h.is("by value", h.found(catalogue.Search{For: v, Value: "host9.example"}), "")
		if view, err := h.Object(t.Context(), v, idOf("indicator", 9)); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("%+v %v", view, err)
		}
	}
}

// TestWhatDoesNotCountHidesNothing: what an author has said in vain, and says again, is shown, and makes nothing of theirs older.
func TestWhatDoesNotCountHidesNothing(t *testing.T) {
	t.Parallel()
	// spec: THR-7
	h := newHouse(t)
	share := h.gave("XB", idZero(), marking.Amber, indicator(1, 0, "a0", ""), indicator(2, 0, "b0", ""))
	h.says(statement.Head{From: "XB", To: []party.Code{"XA"}, Thread: share, Kind: intel.KindSighting, Marking: marking.Marking{TLP: marking.Amber}, Facts: []byte(`{"objects":2,"count":1}`)}, "not-admissible",
		indicator(1, 5, "a5", "")+"\n"+indicator(9, 0, "c0", "")+"\n")
	h.index()
	h.is("what was said in vain", h.names(catalogue.Query{For: officer()}), "a0 b0")
	h.gave("XB", share, marking.Amber, indicator(9, 0, "c0", ""))
	h.is("what is said again", h.names(catalogue.Query{For: officer()}), "a0 b0 c0")
	h.is("as parcels have it", h.sets(), ".s. .s.s .s")
	h.is("by value", h.found(catalogue.Search{For: officer(), Value: "host9.example"}), "c0")
}

// TestWhatComesToCount: what stops to count goes, with what it has hidden shown again; when it counts after all it comes like something new, so that whoever was past its place gets it.
func TestWhatComesToCount(t *testing.T) {
	t.Parallel()
	// spec: INT-9, THR-7
	h := newHouse(t)
	share := h.gave("XB", idZero(), marking.Amber, indicator(1, 0, "a0", ""))
	second := h.gave("XB", share, marking.Amber, indicator(1, 2, "a2", ""), indicator(2, 0, "b0", ""))
	h.gave("XB", share, marking.Amber, indicator(2, 0, "b0 again", ""), indicator(3, 0, "c0", ""))
	h.is("before", h.names(catalogue.Query{For: officer()}), "a2 b0 c0")
	var last int64
	judge := func(void string) {
		h.must(h.db.Update(t.Context(), func(tx store.Tx) error {
			s, err := tx.Statement(second)
			h.must(err)
			s.Void = void
			h.must(tx.UpdateStatement(s))
			last, err = tx.LastParcel()
			h.must(err)
			return tx.Recatalogue(second)
		}))
		h.index()
	}
	judge("not-admissible")
	h.is("what does not count", h.names(catalogue.Query{For: officer()}), "a0 b0 again c0")
	h.is("by value", h.found(catalogue.Search{For: officer(), Value: "host2.example"}), "b0 again")
	judge("")
	h.is("what counts after all", h.names(catalogue.Query{For: officer()}), "b0 again c0 a2")
	h.must(h.db.View(t.Context(), func(tx store.Tx) error {
		p, err := tx.Parcels(store.ParcelQuery{After: last, Limit: 9})
		if err != nil || len(p) != 1 || p[0].Content.Statement != second {
			t.Errorf("%v %+v", err, p)
		}
		return err
	}))
}

// TestAnothersRevocation: what somebody else brings under the same id stands beside one's own word, in the collection of everything, too; of the same version the first stands for all.
func TestAnothersRevocation(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	h := newHouse(t)
	h.takes(h.source(), indicator(1, 0, "own", "")+indicator(2, 0, "two", ""))
	h.takes(h.source(), indicator(1, 5, "poison", `,"revoked":true`)+indicator(2, 0, "two again", ""))
	h.takes(h.source(), indicator(1, 3, "third", "")+indicator(1, 4, "fourth", ""))
	h.is("the last of each", h.names(catalogue.Query{For: officer()}), "own two poison fourth")
	h.is("by id", h.names(catalogue.Query{For: officer(), IDs: ids(1)}), "own poison fourth")
	h.is("the first", h.names(catalogue.Query{For: officer(), IDs: ids(1), Versions: catalogue.Versions{First: true}}), "own")
}

// TestRevokedUnderAnotherMarking: who may not see that an object is revoked does not go on with it; of what another revokes they do, and when the revocation is erased it is shown again.
func TestRevokedUnderAnotherMarking(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	gone := func(v int) string { return indicator(1, v, "revoked", `,"revoked":true`) }
	for name, bring := range map[string]func(h *house, share thread.ID) statement.ID{
		"later": func(h *house, share thread.ID) statement.ID {
			h.gave("XB", share, marking.Green, indicator(1, 0, "a0", ""))
			return h.gave("XB", share, marking.Amber, gone(2))
		},
		"before": func(h *house, share thread.ID) statement.ID {
			id := h.gave("XB", share, marking.Amber, gone(2))
			h.gave("XB", share, marking.Green, indicator(1, 0, "a0", ""))
			return id
		},
	} {
		h := newHouse(t)
		share := h.gave("XB", idZero(), marking.Green, indicator(9, 0, "z", ""))
		green, amber := catalogue.Viewer{Party: "XA", Max: marking.Green}, catalogue.Viewer{Party: "XA", Max: marking.Amber}
		h.gave("XC", share, marking.Amber, indicator(9, 7, "of XC", `,"revoked":true`))
		revoked := bring(h, share)
		h.is(name+": who sees less", h.names(catalogue.Query{For: green}), "z")
		h.is(name+": and by value", h.found(catalogue.Search{For: green, Value: "host9.example"}), "z")
		if got := h.names(catalogue.Query{For: amber}); !strings.Contains(got, "revoked") || strings.Contains(got, "a0") {
			t.Errorf("%s: who sees it: %s", name, got)
		}
		h.erase(revoked)
		h.is(name+": when the revocation is erased", h.names(catalogue.Query{For: green}), "z a0")
	}
}

// TestErasingLooksAtWhatItCovered: and at nothing else, however much is behind something in the same source.
func TestErasingLooksAtWhatItCovered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	share := h.gave("XB", idZero(), marking.Green, indicator(1, 0, "a0", ""))
	gone := h.gave("XB", share, marking.Green, indicator(2, 0, "b0", ""))
	for range 5 {
		h.gave("XB", share, marking.Green, indicator(1, 0, "a0 again", ""))
	}
	behind := h.gave("XB", share, marking.Green, indicator(2, 0, "b0 again", ""))
	var waiting []store.ContentRef
	h.must(h.db.Update(t.Context(), func(tx store.Tx) error {
		h.must(tx.Erase(store.ContentRef{Statement: gone, Part: 0}))
		var err error
		waiting, err = tx.Uncatalogued(99)
		return err
	}))
	if len(waiting) != 1 || waiting[0].Statement != behind {
		t.Errorf("%d wait", len(waiting))
	}
	h.index()
	h.is("after", h.names(catalogue.Query{For: officer()}), "a0 b0 again")
}

// TestErased: when what was said is erased, what it had hidden or made older is shown again, and nothing else changes.
func TestErased(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	share := h.gave("XB", idZero(), marking.Green, indicator(1, 0, "a0", ""), domain(7, "d0"))
	newer := h.gave("XB", share, marking.Green, indicator(1, 1, "a1", ""))
	h.gave("XB", share, marking.Green, indicator(1, 1, "a1 again", ""), indicator(2, 0, "b0", ""))
	h.is("before", h.names(catalogue.Query{For: officer()}), "d0 a1 b0")
	h.erase(newer)
	h.is("what was here twice", h.names(catalogue.Query{For: officer()}), "d0 a1 again b0")
	h.is("by value", h.found(catalogue.Search{For: officer(), Value: "host1.example"}), "a0 a1 again")
	h.is("by word", h.found(catalogue.Search{For: officer(), Text: "again"}), "a1 again")
	newest := h.gave("XB", share, marking.Green, indicator(2, 4, "b4", ""))
	h.is("a newer one", h.names(catalogue.Query{For: officer()}), "d0 a1 again b4")
	h.erase(newest)
	h.is("what was the last before", h.names(catalogue.Query{For: officer()}), "d0 a1 again b0")
	h.is("is found by id", h.names(catalogue.Query{For: officer(), IDs: ids(1, 2)}), "a1 again b0")
}

// TestPagesGoOn: whoever goes on after a page gets everything once, whatever the page's size, though a parcel is erased between two pages, the clock stands or goes back, and the node starts anew.
func TestPagesGoOn(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 3, 5, 7, 50} {
		h := newHouse(t)
		share := h.gave("XB", idZero(), marking.Green, indicator(0, 0, "n0", ""))
		var parcels []statement.ID
		next := 1
		give := func() {
			var lines []string
			for range 4 {
				lines, next = append(lines, indicator(next, 0, fmt.Sprintf("n%d", next), "")), next+1
			}
			parcels = append(parcels, h.gave("XB", share, marking.Green, lines...))
		}
		for i := range 6 {
			h.now = h.now.Add(time.Duration(1-i%3) * time.Hour) // on, not at all, back
			give()
		}
		got, last, gone := map[string]bool{}, int64(0), map[string]bool{}
		q := catalogue.Query{For: officer(), Limit: limit}
		for round, more := 0, true; more; round++ {
			page, err := h.Page(t.Context(), q)
			h.must(err)
			for _, o := range page.Objects {
				if n := name(t, o.Raw); got[n] || gone[n] || o.Added <= last {
					t.Errorf("%s came again, after it was erased, or too early", n)
				} else {
					got[n] = true
				}
				last = o.Added
			}
			if more, q.Added = page.More, page.Next; !more {
				break
			}
			switch round {
			case 0:
				h.erase(parcels[0]) // n1 … n4
				h.erase(parcels[3]) // n13 … n16
				for i := range 4 {
					for _, n := range []string{fmt.Sprintf("n%d", 1+i), fmt.Sprintf("n%d", 13+i)} {
						gone[n] = !got[n]
					}
				}
			case 1:
				h.now = h.now.Add(-24 * time.Hour)
				give()
				h.restart()
			}
		}
		for i := range next {
			if n := fmt.Sprintf("n%d", i); got[n] == gone[n] {
				t.Errorf("pages of %d: %s is given %v, erased %v", limit, n, got[n], gone[n])
			}
		}
	}
}

// TestRestartBetweenObjectsAndWords: what was indexed without its words is found by them after a new start.
func TestRestartBetweenObjectsAndWords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(statement.Head{From: "XB", To: []party.Code{"XA"}, Kind: intel.KindShare, Marking: marking.Marking{TLP: marking.Green}, Facts: []byte(`{"objects":2}`)}, "",
		indicator(2, 0, "long", `,"description":"`+strings.Repeat("quince ", 40_000)+`"`)+"\n"+indicator(1, 0, "walnut loader", "")+"\n") // so much that its words come later
	h.restart() // it is here, and nobody has looked at it
	_, err := h.Index(t.Context())
	h.must(err)
	h.is("by words, before", h.found(catalogue.Search{For: officer(), Text: "walnut"}), "")
	h.is("by value", h.found(catalogue.Search{For: officer(), Value: "host1.example"}), "walnut loader")
	h.restart()
	h.index()
	h.is("by words", h.found(catalogue.Search{For: officer(), Text: "walnut"}), "walnut loader")
	h.is("by the words that came first", h.found(catalogue.Search{For: officer(), Text: "quince"}), "long")
	h.is("once", h.names(catalogue.Query{For: officer(), Versions: catalogue.Versions{All: true}}), "long walnut loader")
}

// TestVerdictsAreOfNow: what is remembered of a verdict does not outlive a change.
func TestVerdictsAreOfNow(t *testing.T) {
	t.Parallel()
	// spec: INT-9, ONW-1
	h := newHouse(t)
	h.gave("XB", idZero(), marking.Green, indicator(1, 0, "a", ""))
	q := catalogue.Query{For: catalogue.Viewer{Party: "XC", Max: marking.Red}}
	h.is("before", h.names(q), "a")
	asked := h.asked.Load()
	h.is("again", h.names(q), "a")
	if h.asked.Load() != asked {
		t.Error("a verdict was asked for twice though nothing has changed")
	}
	h.denied["XC"] = true
	h.source() // somebody writes, as the making of an agreement does
	h.is("after", h.names(q), "")
}

// TestAFloodHidesNothing: whoever gives very many versions of an object that somebody else has given hides nothing of it, and makes nobody bring it twice.
func TestAFloodHidesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	source := h.source()
	for range 2 {
		var flood []string
		for i := range 400 {
			flood = append(flood, strings.Replace(indicator(1, 0, "flood", ""), "2026-11-01T00:00:00.000Z\",\"name", fmt.Sprintf("2020-01-01T00:00:00.%03dZ\",\"name", i), 1))
		}
		h.gave("XB", idZero(), marking.Red, flood...)
	}
	h.takes(source, indicator(1, 0, "own", ""))
	if r := h.takes(source, indicator(1, 0, "own", "")); r.Duplicates != 1 || r.Objects != 0 {
		t.Errorf("%+v", r)
	}
	v := catalogue.Viewer{Party: "XA", Max: marking.Amber}
	h.is("a page", h.names(catalogue.Query{For: v}), "own")
	h.is("by id", h.names(catalogue.Query{For: v, IDs: ids(1)}), "own")
	view, err := h.Object(t.Context(), v, idOf("indicator", 1))
	h.must(err)
	if len(view.Entries) != 1 {
		t.Errorf("%d entries", len(view.Entries))
	}
	h.is("by value", h.found(catalogue.Search{For: v, Value: "host1.example"}), "own")
}

// TestAPageIsBounded: a page of large objects ends before it would not fit into memory, and goes on.
func TestAPageIsBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	source := h.source()
	large := fmt.Sprintf(`,"x_large":"%s"`, strings.Repeat("x", 900<<10))
	const n = 24
	var text strings.Builder
	for i := range n {
		text.WriteString(indicator(i, 0, fmt.Sprintf("n%d", i), large))
	}
	h.takes(source, text.String())
	page, err := h.Page(t.Context(), catalogue.Query{For: officer()})
	h.must(err)
	if len(page.Objects) == n || !page.More {
		t.Errorf("a page has %d MB", len(page.Objects)*9/10)
	}
	if got := len(strings.Fields(h.names(catalogue.Query{For: officer()}))); got != n {
		t.Errorf("%d objects", got)
	}
	page, err = h.Page(t.Context(), catalogue.Query{For: officer(), IDs: ids(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)})
	h.must(err)
	if len(page.Objects) == n || !page.More {
		t.Errorf("a page by id has %d MB", len(page.Objects)*9/10)
	}
	all := catalogue.Query{For: officer(), IDs: ids(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)}
	if got := len(strings.Fields(h.names(all))); got != n {
		t.Errorf("%d objects by id", got)
	}
}
