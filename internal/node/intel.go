package node

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// catalogueOf makes the catalogue of a node that has its store and exchange.
func (n *Node) catalogueOf() *catalogue.Catalogue {
	return catalogue.New(catalogue.Options{
		Self: n.Config.Code, Store: n.Store, Exchange: n.Exchange, Key: n.Keys.Derive("catalogue"), Words: n.wordsOfMany, LookFor: n.lookFor, Now: n.Now,
	})
}

// feedingKey marks what the node says by itself in feeds that its officers have offered.
type feedingKey struct{}

// OpenSource opens a source of this party's own, in which what comes from one place is gathered. Errors: those of Say.
func (n *Node) OpenSource(ctx context.Context, s intel.Source, m marking.Marking, by statement.By) (thread.ID, error) {
	facts, err := marshal(s)
	if err != nil {
		return thread.ID{}, err
	}
	said, err := n.Say(ctx, exchange.Draft{Kind: intel.KindSource, Marking: m, Track: statement.Technical, Precedence: statement.Routine, By: by, Facts: facts})
	return said.Thread, err
}

// IntelView is a source, feed or share as lists show it.
type IntelView struct {
	ID      thread.ID      `json:"id"`
	Form    intel.Form     `json:"form"`
	Name    string         `json:"name,omitzero"` // of a source or feed
	Own     bool           `json:"own,omitzero"`  // of a source: it brings this party's own words
	By      party.Code     `json:"by"`
	To      []party.Code   `json:"to,omitempty"`
	Status  intel.Status   `json:"status"`
	Objects int64          `json:"objects"`        // that came, by what was said; in a feed those that were sent again count again
	Held    []intel.Held   `json:"held,omitempty"` // back from a feed
	Offer   *intel.Offer   `json:"offer,omitempty"`
	Opened  statement.Time `json:"opened"`
	Seen    []SeenBy       `json:"seen,omitempty"` // of its objects, by what those who got them have reported
	View    intel.View     `json:"-"`
}

// SeenBy is what one party has reported of having seen objects of a feed or share.
type SeenBy struct {
	Party   party.Code     `json:"party"`
	Reports int64          `json:"reports"`
	Count   int64          `json:"count"` // occurrences
	First   statement.Time `json:"first,omitzero"`
	Last    statement.Time `json:"last,omitzero"`
}

// ObjectView is an object as lists show it.
type ObjectView struct {
	ID       stix.ID        `json:"id"`
	Type     stix.Type      `json:"type"`
	Name     string         `json:"name,omitzero"` // its name, its value, or what it looks for
	Modified stix.Timestamp `json:"modified,omitzero"`
	Revoked  bool           `json:"revoked,omitzero"`
	Older    bool           `json:"older,omitzero"` // a later version came in the same way
	Added    string         `json:"added"`          // RFC 3339, in microseconds
	With     statement.ID   `json:"with"`           // the statement with which it came
	From     party.Code     `json:"from,omitzero"`
	TLP      marking.TLP    `json:"tlp,omitzero"`    // of that statement
	Covers   string         `json:"covers,omitzero"` // the range or domain by which it covers what was looked for, where it does not name that
	Object   jsontext.Value `json:"object"`          // as its source wrote it
}

// ViewHits are a page of a search as lists show it.
func ViewHits(hits catalogue.Hits) (all []ObjectView) {
	for i, o := range hits.Objects {
		v := ViewObject(o)
		v.Covers = hits.By[i]
		all = append(all, v)
	}
	return all
}

// ViewObject is an object of the catalogue as lists show it.
func ViewObject(o catalogue.Object) ObjectView {
	const micros = "2006-01-02T15:04:05.000000Z07:00"
	v := ObjectView{
		Added: time.UnixMicro(o.Added).UTC().Format(micros), With: o.Parcel.Content.Statement, Older: o.Parcel.Older.Has(o.Line), Object: jsontext.Value(o.Raw),
	}
	if p, err := stix.Parse(o.Raw); err == nil {
		v.ID, v.Type, v.Modified, v.Revoked = p.ID, p.Type, p.Version(), p.Revoked
		v.Name = cmp.Or(p.Name, p.Value, p.Pattern)
	}
	return v
}

// ViewEntry is one party's word on an object as lists show it.
func ViewEntry(e catalogue.Entry) ObjectView {
	v := ViewObject(e.Object)
	v.From, v.TLP = e.Statement.From, e.Statement.Marking.TLP
	return v
}

// Intelligence lists the sources, feeds and shares that are here, the last touched first. Error: fault.Denied.
func (n *Node) Intelligence(ctx context.Context) (all []IntelView, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		all = nil
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		return tx.Threads(string(intel.Kind), func(row store.ThreadRow) bool {
			if v, ok := intelOf(row); ok {
				all = append(all, v)
			}
			return true
		})
	})
	return all, err
}

// EveryCollection gives the sources, feeds and shares that are here, whoever asks: for a face that shows no more of them than Catalogue.Shows lets through.
func (n *Node) EveryCollection(ctx context.Context) (all map[thread.ID]IntelView, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		all = map[thread.ID]IntelView{}
		return tx.Threads(string(intel.Kind), func(row store.ThreadRow) bool {
			if v, ok := intelOf(row); ok {
				all[v.ID] = v
			}
			return true
		})
	})
	return all, err
}

func intelOf(row store.ThreadRow) (v IntelView, ok bool) {
	if len(row.State) == 0 {
		return v, false
	}
	s, err := thread.ParseState(row.State)
	if err != nil {
		return v, false
	}
	of, ok := intel.Read(s)
	v = IntelView{
		ID: row.ID, Form: of.Form, Name: cmp.Or(of.Name, of.Offer.Feed), Own: of.Own, By: of.By, To: of.To, Status: of.Status, Objects: of.Objects, Held: of.Held, Opened: row.Opened, View: of,
	}
	if of.Form == intel.AFeed {
		v.Offer = &v.View.Offer
	}
	for _, by := range slices.Sorted(maps.Keys(of.Seen)) {
		t := of.Seen[by]
		v.Seen = append(v.Seen, SeenBy{by, t.Reports, t.Count, t.First, t.Last})
	}
	return v, ok
}

// Intel is one source, feed or share, and how its opener is marked. Errors: fault.Denied, fault.NotFound.
func (n *Node) Intel(ctx context.Context, id thread.ID) (v IntelView, m marking.Marking, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		row, err := tx.Thread(id)
		if err != nil {
			return err
		}
		var ok bool
		if v, ok = intelOf(row); !ok {
			return fault.New(fault.NotFound, "INT-1", "there is no such source, feed or share here")
		}
		h, err := headOf(tx, id)
		if err == nil {
			m = h.Marking
		}
		return err
	})
	return v, m, err
}

// Source finds an open source of this party's own by its name, or by the beginning of its id. Errors: fault.NotFound, fault.Usage where several have the name.
func (n *Node) Source(ctx context.Context, name string) (found IntelView, err error) {
	all, err := n.Intelligence(ctx)
	if err != nil {
		return found, err
	}
	return sourceAmong(all, name)
}

func sourceAmong(all []IntelView, name string) (found IntelView, err error) {
	var fit []IntelView
	for _, v := range all {
		if v.View.Form == intel.ASource && v.View.Status == intel.Open && (v.View.Name == name || len(name) >= 8 && strings.HasPrefix(v.ID.String(), name)) {
			fit = append(fit, v)
		}
	}
	switch len(fit) {
	case 0:
		return found, fault.New(fault.NotFound, "INT-1", "there is no open source of that name: open it first")
	case 1:
		return fit[0], nil
	}
	return found, fault.New(fault.Usage, "INT-1", "several sources have that name: name one by its id")
}

// SourceMarking is how the opener of a source is marked: what objects in it have at least.
func (n *Node) SourceMarking(ctx context.Context, id thread.ID) (marking.Marking, error) {
	return n.markingOf(ctx, id)
}

// markingOf is how a statement is marked.
func (n *Node) markingOf(ctx context.Context, id statement.ID) (m marking.Marking, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		h, err := headOf(tx, id)
		if err == nil {
			m = h.Marking
		}
		return err
	})
	return m, err
}

// Import takes objects into a source: see catalogue.Import. They are this party's own where the source says so.
func (n *Node) Import(ctx context.Context, from catalogue.Source, items iter.Seq2[stix.Item, error], o catalogue.ImportOptions) (catalogue.Report, error) {
	// spec: INT-9
	v, _, err := n.Intel(ctx, from.Thread) // what is a duplicate tells what is here, so whoever imports may read
	if err != nil {
		return catalogue.Report{}, err
	}
	from.Own = v.View.Own
	return n.Catalogue.Import(ctx, from, items, o)
}

// importOthers takes objects into a source that are not this party's own, whatever the source says.
func (n *Node) importOthers(ctx context.Context, from catalogue.Source, items iter.Seq2[stix.Item, error], o catalogue.ImportOptions) (catalogue.Report, error) {
	// spec: INT-9
	from.Own = false
	if err := n.Authorize(ctx, auth.Read, auth.Matter{}); err != nil {
		return catalogue.Report{}, err
	}
	return n.Catalogue.Import(ctx, from, items, o)
}

// AtDesk is who looks at the catalogue here: an officer, or a program that an officer has given a token. Errors: fault.Denied.
func (n *Node) AtDesk(ctx context.Context) (catalogue.Viewer, error) {
	return catalogue.Viewer{Officer: true}, n.Authorize(ctx, auth.Read, auth.Matter{})
}

// FindObjects searches the catalogue for an officer: by a value also what covers it.
func (n *Node) FindObjects(ctx context.Context, s catalogue.Search) (catalogue.Hits, error) {
	var err error
	if s.For, err = n.AtDesk(ctx); err != nil {
		return catalogue.Hits{}, err
	}
	s.Covering = true
	return n.Catalogue.Search(ctx, s)
}

// Object shows an officer all that is here on an object.
func (n *Node) Object(ctx context.Context, id stix.ID) (catalogue.View, error) {
	v, err := n.AtDesk(ctx)
	if err != nil {
		return catalogue.View{}, err
	}
	return n.Catalogue.Object(ctx, v, id)
}

// Objects gives an officer a page of the catalogue: all of it, or what the query's viewer may see.
func (n *Node) Objects(ctx context.Context, q catalogue.Query) (catalogue.Page, error) {
	desk, err := n.AtDesk(ctx)
	if err != nil {
		return catalogue.Page{}, err
	}
	if q.For == (catalogue.Viewer{}) {
		q.For = desk
	}
	return n.Catalogue.Page(ctx, q)
}

// EachObject calls yield with all that a query finds, page after page, until it gives an error. Errors: those of Objects and of yield.
func (n *Node) EachObject(ctx context.Context, q catalogue.Query, yield func(catalogue.Object) error) error {
	for more := true; more; {
		page, err := n.Objects(ctx, q)
		if err != nil {
			return err
		}
		for _, o := range page.Objects {
			if err := yield(o); err != nil {
				return err
			}
		}
		q.Added, more = page.Next, page.More
	}
	return nil
}

// MarkingOf is how a statement is marked, with which objects came.
func (n *Node) MarkingOf(ctx context.Context, id statement.ID) (marking.Marking, error) {
	if _, err := n.AtDesk(ctx); err != nil {
		return marking.Marking{}, err
	}
	return n.markingOf(ctx, id)
}

// Catalogued takes all that has come into the catalogue, and sends what the feeds that this party offers have to bring. A served node does that by itself.
func (n *Node) Catalogued(ctx context.Context) error {
	for {
		if more, err := n.catalogueSome(ctx, nil); err != nil || !more {
			return err
		}
	}
}

// Indexed takes all that has come into the catalogue, and sends nothing.
func (n *Node) Indexed(ctx context.Context) error {
	for {
		if more, err := n.Catalogue.Index(ctx); err != nil || !more {
			return err
		}
	}
}

// catalogueSome does a round of what Catalogued does. Objects come first, then what is sent on, then words, then what makes finding them faster.
func (n *Node) catalogueSome(ctx context.Context, r resting) (more bool, err error) {
	if more, err = n.Catalogue.Index(ctx); err != nil || more {
		return more, err
	}
	if more, err = n.feed(ctx, r); err != nil || more {
		return more, err
	}
	if more, err = n.Catalogue.IndexWords(ctx); err != nil || more {
		return more, err
	}
	return n.Catalogue.Merge(ctx)
}

// resting has until when a feed that could not go on is left alone. Nil: none is.
type resting map[thread.ID]time.Time

// rest is for how long: what stops a feed is mostly that its agreement has ended, or asks for a second officer, and who reads the diary wants to be told so less often than once a second.
const rest = time.Minute

// feed says the next increment of each feed that somebody has subscribed to. One that cannot go on keeps none of the others.
func (n *Node) feed(ctx context.Context, r resting) (more bool, err error) {
	feeds, err := n.subscribed(ctx)
	if err != nil {
		return false, err
	}
	ctx = context.WithValue(ctx, feedingKey{}, true)
	for _, f := range feeds {
		if time.Now().Before(r[f.Thread]) {
			continue
		}
		said, failed := n.Catalogue.Increment(ctx, f, statement.By{Role: n.Config.Role})
		if failed != nil && ctx.Err() == nil {
			n.component("feeds").WarnContext(ctx, "a feed could not go on now; it is tried again", "thread", f.Thread.Short(), "peer", f.To, "error", fault.Show(failed))
			if r != nil {
				r[f.Thread] = time.Now().Add(rest)
			}
			continue
		}
		delete(r, f.Thread)
		more = more || said
	}
	return more, ctx.Err()
}

// subscribed lists the feeds that this party offers and others have subscribed to.
func (n *Node) subscribed(ctx context.Context) (feeds []catalogue.Feed, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		feeds = nil
		q := store.ThreadQuery{Desk: string(intel.Kind), Status: string(intel.Subscribed), Open: true, Limit: MaxPage, Look: pageLook}
		for {
			page, err := tx.ListThreads(q)
			if err != nil {
				return err
			}
			for _, row := range page.Rows {
				full, err := tx.Thread(row.ID)
				if err != nil {
					return err
				}
				v, ok := intelOf(full)
				if !ok || v.View.By != n.Config.Code || len(v.View.To) != 1 {
					continue
				}
				opener, err := headOf(tx, row.ID)
				if err != nil {
					return err
				}
				feeds = append(feeds, catalogue.Feed{Thread: row.ID, To: v.View.To[0], Marking: opener.Marking, View: v.View})
			}
			if q.After = page.Next; !page.More {
				return nil
			}
		}
	})
	return feeds, err
}

// keepUp keeps the catalogue up with what comes, until ctx ends.
func (n *Node) keepUp(ctx context.Context) {
	const idle = time.Second
	timer := time.NewTimer(0)
	defer timer.Stop()
	r := resting{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if !n.takes(ctx, "catalogue", 10*idle) { // another process that shares the database does
			timer.Reset(10 * idle)
			continue
		}
		if n.Catalogue.Yield() {
			timer.Reset(idle / 5)
			continue
		}
		more, err := n.catalogueSome(ctx, r)
		switch {
		case err != nil && ctx.Err() == nil:
			n.component("catalogue").WarnContext(ctx, "what came could not be taken into the catalogue now; it is tried again", "error", fault.Show(err))
			timer.Reset(10 * idle)
		case err == nil && more:
			timer.Reset(0)
		default:
			timer.Reset(idle)
		}
	}
}
