package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// pages follows a list to its end.
func pages(t testing.TB, n *node.Node, q node.Query) (ids []thread.ID) {
	t.Helper()
	for range 10_000 {
		p, err := n.List(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range p.Threads {
			ids = append(ids, v.ID)
		}
		if p.Next == "" {
			return ids
		}
		q.Cursor = p.Next
	}
	t.Fatal("a list has no end")
	return nil
}

// TestListIsThePlainList: whatever is asked for, the pages together are what looking through all threads gives, on nodes that really talk.
func TestListIsThePlainList(t *testing.T) {
	t.Parallel()
	f := fedtest.New(t, "XA", "XB", "XC")
	pact := f.Agree(fedtest.Pact("XA", "XB", "XC"), "XA")
	a, b := f.At("XA"), f.At("XB")
	r := rand.New(rand.NewPCG(1, 2))
	var last exchange.Said
	for i := range 60 {
		f.Clock.Pass(time.Duration(r.IntN(90)) * time.Minute)
		d := exchange.Draft{
			Kind: assist.KindRequest, To: [][]party.Code{{"XA"}, {"XC"}, {"XA", "XC"}}[r.IntN(3)], Agreement: pact, Precedence: statement.Precedences()[r.IntN(4)],
			Exercise: r.IntN(3) == 0, Marking: marking.Marking{TLP: []marking.TLP{marking.Green, marking.Amber}[r.IntN(2)]}, Title: fmt.Sprint("request ", i),
		}
		from := b
		if i%2 == 0 {
			from, d.To = a, [][]party.Code{{"XB"}, {"XC"}, {"XB", "XC"}}[r.IntN(3)]
		}
		last = from.Say(d, assist.Request{Type: assist.Information, Clock: &thread.Limit{Acknowledge: int64(600 * (1 + r.IntN(50))), Answer: 86400}})
		if from == b && i%3 == 0 && slices.Contains(d.To, "XA") {
			a.Has(last.ID)
			a.Say(exchange.Draft{Thread: last.Thread, Kind: assist.KindAcknowledge}, assist.Acknowledge{})
		}
	}
	f.Quiet()
	for _, n := range []*node.Node{a.Node, b.Node} {
		all, err := n.Threads(t.Context(), node.Filter{})
		if err != nil || len(all) < 40 {
			t.Fatal(len(all), err)
		}
		if !slices.IsSortedFunc(all, func(x, y node.ThreadView) int { return y.Updated.Compare(x.Updated) }) {
			t.Error("threads are not in the order in which they were touched")
		}
		for _, q := range []node.Query{
			{}, {Filter: node.Filter{Desk: "assist"}}, {Filter: node.Filter{Peer: "XC"}}, {Filter: node.Filter{Peer: "XB", Desk: "assist"}}, {Filter: node.Filter{Unread: true}},
			{Filter: node.Filter{Owed: true}}, {Filter: node.Filter{Open: true}}, {Filter: node.Filter{Agreement: pact}}, {Filter: node.Filter{Status: "open"}},
			{Filter: node.Filter{Precedence: statement.Flash}}, {Filter: node.Filter{TLP: marking.Green}}, {Filter: node.Filter{Exercise: new(bool)}},
			{Filter: node.Filter{Peer: "XC", Unread: true}}, {Order: node.ByDue}, {Order: node.ByOthersDue}, {Order: node.ByDue, Filter: node.Filter{Peer: "XB"}},
		} {
			q.Limit = 1 + r.IntN(9)
			want := plainly(n, all, q)
			got := pages(t, n, q)
			if q.Order != node.ByUpdated && q.Order != "" { // what is due at once stands in any order
				slices.SortFunc(got, thread.ID.Compare)
				slices.SortFunc(want, thread.ID.Compare)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %+v: %d threads, want %d", n.Config.Code, q, len(got), len(want))
			}
		}
		dueInOrder(t, n)
		counts(t, n, all)
	}
}

// plainly is a list, made by looking through all threads.
func plainly(n *node.Node, all []node.ThreadView, q node.Query) (ids []thread.ID) {
	for _, v := range all {
		owes := func(mine bool) bool {
			return slices.ContainsFunc(v.Clocks, func(c node.ClockView) bool { return (c.Owes == n.Config.Code) == mine })
		}
		var agreed statement.ID
		if len(v.Summary.Asks) > 0 {
			agreed = v.Summary.Asks[0].Agreement
		}
		f := q.Filter
		if (f.Desk == "" || v.Desk == f.Desk) && (f.Peer == "" || v.From == f.Peer || slices.Contains(v.To, f.Peer)) && (!f.Unread || v.Unread > 0) && (!f.Owed || owes(true)) &&
			(!f.Open || !v.Summary.Closed) && (f.Agreement.IsZero() || agreed == f.Agreement) && (f.Status == "" || v.Summary.Status == f.Status) &&
			(f.Precedence == "" || v.Precedence == f.Precedence) && (f.TLP == "" || v.TLP == f.TLP) && (f.Exercise == nil || v.Exercise == *f.Exercise) &&
			(q.Order != node.ByDue || owes(true)) && (q.Order != node.ByOthersDue || owes(false)) {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

// next is when the next clock of a side is due; the greatest time where none runs yet.
func next(n *node.Node, v node.ThreadView, mine bool) time.Time {
	at := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range v.Clocks {
		if (c.Owes == n.Config.Code) == mine && !c.Due.IsZero() && c.Due.Std().Before(at) {
			at = c.Due.Std()
		}
	}
	return at
}

func dueInOrder(t *testing.T, n *node.Node) {
	t.Helper()
	for order, mine := range map[node.Order]bool{node.ByDue: true, node.ByOthersDue: false} {
		p, err := n.List(t.Context(), node.Query{Order: order, Limit: node.MaxPage})
		if err != nil || len(p.Threads) < 5 {
			t.Fatal(len(p.Threads), err)
		}
		if !slices.IsSortedFunc(p.Threads, func(a, b node.ThreadView) int { return next(n, a, mine).Compare(next(n, b, mine)) }) {
			t.Errorf("%s: %s is not by what is due", n.Config.Code, order)
		}
	}
}

func counts(t *testing.T, n *node.Node, all []node.ThreadView) {
	t.Helper()
	got, err := n.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want node.Counts
	now := n.Now()
	for _, v := range all {
		count := func(into *int, is bool) {
			if is {
				*into++
			}
		}
		mine, others := next(n, v, true), next(n, v, false)
		count(&want.Overdue, mine.Before(now))
		count(&want.DueSoon, !mine.Before(now) && mine.Before(now.Add(24*time.Hour)))
		count(&want.OthersOverdue, others.Before(now))
		count(&want.Owed, slices.ContainsFunc(v.Clocks, func(c node.ClockView) bool { return c.Owes == n.Config.Code }))
		count(&want.OthersOwe, slices.ContainsFunc(v.Clocks, func(c node.ClockView) bool { return c.Owes != n.Config.Code }))
		count(&want.Unread, v.Unread > 0)
	}
	if got != want {
		t.Errorf("%s: %+v, want %+v", n.Config.Code, got, want)
	}
}

// TestListedAnew: threads that an earlier program has stored are found in lists once the node was opened by this one.
func TestListedAnew(t *testing.T) {
	t.Parallel()
	f := fedtest.New(t, "XA", "XB")
	pact := f.Agree(fedtest.Pact("XA", "XB"), "XA")
	a := f.At("XA")
	for range 3 {
		said := f.At("XB").Say(exchange.Draft{Kind: assist.KindRequest, To: []party.Code{"XA"}, Agreement: pact}, assist.Request{Type: assist.Information, Clock: &thread.Limit{Acknowledge: 60, Answer: 600}})
		a.Has(said.ID)
	}
	f.Quiet()
	lists := func() (out [][]thread.ID) {
		for _, q := range []node.Query{
			{}, {Filter: node.Filter{Peer: "XB"}}, {Filter: node.Filter{Agreement: pact}}, {Filter: node.Filter{Open: true}}, {Filter: node.Filter{TLP: marking.Amber}}, {Order: node.ByDue},
		} {
			out = append(out, pages(t, a.Node, q))
		}
		return out
	}
	before := lists()
	if err := a.Exchange.Update(t.Context(), func(tx store.Tx) error {
		var rows []store.ThreadRow
		err := tx.Threads("", func(r store.ThreadRow) bool {
			rows = append(rows, r)
			return true
		})
		for _, r := range rows {
			r.Listed, r.Facets, r.Clocks = false, store.Facets{}, []store.Clock{}
			err = errors.Join(err, tx.PutThread(r))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if slices.EqualFunc(lists(), before, slices.Equal) {
		t.Fatal("nothing was taken away")
	}
	a.Restart(func(*node.Options) {})
	if after := lists(); !slices.EqualFunc(after, before, slices.Equal) {
		t.Errorf("%v\nbefore: %v", after, before)
	}
}

// TestSearch: words in any script, whole or begun, in titles, texts, facts and names of attachments; what is erased is found no more, and no word stands in the store.
func TestSearch(t *testing.T) {
	t.Parallel()
	f := fedtest.New(t, "XA", "XB")
	pact := f.Agree(fedtest.Pact("XA", "XB"), "XA")
	a := f.At("XA")
	first := a.Ask(pact, exchange.Draft{
		Title: "Ransomware at the ﬁnance ministry", Text: "Серверы зашифрованы; 検知 at 198.51.100.7. مرحبا بالعالم",
		Blobs: []exchange.Attachment{{Name: "quokka-hashes.csv", Type: "text/csv", Data: bytes.NewReader([]byte("x"))}},
	}, "XB")
	second := a.Ask(pact, exchange.Draft{Title: "A quiet wombat", Text: "nothing of the kind, STRASSE"}, "XB")
	find := func(text string, want ...exchange.Said) {
		t.Helper()
		var ids []thread.ID
		for _, s := range want {
			ids = append(ids, s.Thread)
		}
		if got := pages(t, a.Node, node.Query{Text: text, Limit: 1, Filter: node.Filter{Desk: "assist"}}); !slices.Equal(got, ids) {
			t.Errorf("%q finds %d threads, want %d", text, len(got), len(ids))
		}
	}
	find("ransomware", first)
	find("RANSOMWARE finance", first)
	find("ransom")
	find("rans*", first)
	find("ransom* файлы*")
	find("сервер*", first)
	find("СЕРВЕРЫ", first)
	find("検知", first)
	find("知検", first) // letters, not their order
	find("مرحبا", first)
	find("198.51.100.7", first)
	find("quokka", first)
	find("straße", second)
	find("information", second, first) // a fact of both
	find("the", second, first)
	find("wombat ransomware")
	for _, bad := range []string{"***", "ab*", " - ", strings.Repeat("word ", 30), strings.Repeat("x", 2000)} {
		if _, err := a.List(t.Context(), node.Query{Text: bad}); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := a.Erase(t.Context(), []statement.ID{first.ID}, a.By("duty-officer", "one")); err != nil {
		t.Fatal(err)
	}
	find("ransomware")
	find("information", second)
	if err := a.Store.View(t.Context(), func(tx store.Tx) error {
		waits, err := tx.Unworded(10)
		if len(waits) > 0 {
			t.Errorf("%d statements wait for their words", len(waits))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
