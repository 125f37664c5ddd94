package misp

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// scope is whose view of what a listing is.
type scope struct {
	viewer catalogue.Viewer
	in     thread.ID // one source, feed or share; zero: all
	named  bool      // only those that only names
	only   string    // their ids, one after the other, in order: a scope is compared
	open   bool      // for everybody: what has any mark but TLP:CLEAR is left out
}

// sees tells whether what came with a thread is in the scope, where the viewer may see it.
func (at scope) sees(in thread.ID) bool {
	// spec: INT-9
	if !at.in.IsZero() && in != at.in {
		return false
	}
	if !at.named {
		return true
	}
	for rest := at.only; rest != ""; rest = rest[len(in):] {
		if rest[:len(in)] == string(in[:]) {
			return true
		}
	}
	return false
}

// threads are those to look through one by one; the zero one stands for all.
func (at scope) threads() (all []thread.ID) {
	if !at.named {
		return []thread.ID{{}}
	}
	for rest := at.only; rest != ""; rest = rest[len(thread.ID{}):] {
		all = append(all, thread.ID([]byte(rest[:len(thread.ID{})])))
	}
	return all
}

// entry is an event in a listing.
type entry struct {
	misp.Entry
	uuid    string
	id      string // a number, for programs that want one
	stamp   int64  // seconds
	sighted int64  // seconds; 0: never
	added   int64  // microseconds
	thread  thread.ID
	marking marking.TLP

	carried *carried    // where it came from MISP
	parcel  int64       // where it did not
	class   store.Class // of that parcel
	shown   store.Lines // of that parcel
	older   store.Lines // of these: the newest version is shown in their place
}

// listing is what somebody sees, the oldest first.
type listing struct {
	all    []*entry
	byUUID map[string]*entry
	etag   string // of what is listed
	inside string // likewise of what is in it: of every parcel that is seen
	change int64  // of the catalogue
	judged time.Time
	newest int64 // second in which the newest event changed
}

// lists remembers listings, so that whoever asks again and again costs little while nothing comes. It is safe for concurrent use.
type lists struct {
	mu  sync.Mutex
	all map[scope]*listing // guarded by mu
}

// A listing counts for a minute, as verdicts on passing things on do; so many are kept.
const (
	listLife = time.Minute
	maxLists = 64
)

// listing is what a scope sees now.
func (s *server) listing(ctx context.Context, at scope) (*listing, error) {
	// spec: INT-9
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	if err := s.shelf.follow(ctx, s.node); err != nil {
		return nil, err
	}
	now := s.node.Now()
	if l := s.lists.get(at); l != nil && l.change == s.shelf.last && !now.Before(l.judged) && now.Sub(l.judged) < listLife {
		return l, nil
	}
	l, err := s.shelf.list(ctx, s.node, at)
	if err != nil {
		return nil, err
	}
	l.judged = now
	s.lists.put(at, l)
	return l, nil
}

func (l *lists) get(at scope) *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[at]
}

func (l *lists) put(at scope, v *listing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil || len(l.all) >= maxLists {
		l.all = map[scope]*listing{}
	}
	l.all[at] = v
}

// list makes a listing. The caller holds mu.
func (s *shelf) list(ctx context.Context, n *node.Node, at scope) (*listing, error) {
	may, err := s.judge(ctx, n, at)
	if err != nil {
		return nil, err
	}
	names, err := n.EveryCollection(ctx)
	if err != nil {
		return nil, err
	}
	l := &listing{byUUID: map[string]*entry{}, change: s.last}
	var within []*row
	for _, r := range s.rows {
		if !may(r.Content.Statement) || !at.sees(r.Thread) {
			continue
		}
		within = append(within, r)
		if shown := s.shown(r); shown.Any() {
			l.all = append(l.all, s.entryOfRow(r, shown, names[r.Thread]))
		}
	}
	for _, all := range s.events {
		if first, c := s.newest(all, n.Config.Code, func(c *carried) bool { return may(c.with) && at.sees(c.thread) }); c != nil {
			kept := *c // what a listing has is not changed with the shelf
			l.all = append(l.all, entryOfCarried(&kept, s.rows[c.parcel], first.added))
		}
	}
	slices.SortFunc(l.all, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.added, b.added), cmp.Compare(a.uuid, b.uuid)) })
	h := sha256.New()
	for _, e := range l.all {
		for _, seen := range s.seen[e.uuid] {
			if may(seen.with) && (!at.named || at.sees(seen.thread)) {
				e.sighted = max(e.sighted, seen.at/1e6+1)
			}
		}
		l.byUUID[e.uuid] = e
		l.newest = max(l.newest, e.stamp, e.sighted)
		_, _ = fmt.Fprintf(h, "%s %d %d\n", e.uuid, e.stamp, e.sighted)
	}
	l.etag = hex.EncodeToString(h.Sum(nil)[:16])
	slices.SortFunc(within, func(a, b *row) int { return cmp.Compare(a.First, b.First) })
	for _, r := range within {
		_, _ = fmt.Fprintf(h, "%d %x %x\n", r.First, r.Hidden, r.Older)
	}
	l.inside = hex.EncodeToString(h.Sum(nil)[:16])
	return l, nil
}

// judge finds out which statements a scope sees.
func (s *shelf) judge(ctx context.Context, n *node.Node, at scope) (func(statement.ID) bool, error) {
	// spec: INT-9
	known := map[statement.ID]bool{}
	var ask []statement.ID
	for _, r := range s.rows {
		id := r.Content.Statement
		if _, ok := known[id]; ok {
			continue
		}
		known[id] = false
		if at.open && !plainly(r.Marking) || at.named && !at.sees(r.Thread) {
			continue
		}
		ask = append(ask, id)
	}
	may, err := n.Catalogue.Shows(ctx, at.viewer, ask...)
	if err != nil {
		return nil, err
	}
	for i, id := range ask {
		known[id] = may[i]
	}
	return func(id statement.ID) bool { return known[id] }, nil
}

// Words of MISP's for what an event of ours has none for.
const (
	complete      misp.Word = "2" // analysis
	undefined     misp.Word = "4" // threat level
	ourOrgKind              = "party"
	dateOfSaying            = "2006-01-02"
	distributable           = misp.Everybody // markings say how far, not MISP's distribution
)

// entryOfRow is the event of a parcel.
func (s *shelf) entryOfRow(r *row, shown store.Lines, in node.IntelView) *entry {
	e := &entry{
		uuid: r.uuid(), id: strconv.FormatInt(2*r.First, 10), stamp: r.stamp(), added: r.First, thread: r.Thread, marking: r.Marking.TLP, parcel: r.No, class: r.Class, shown: shown,
	}
	for i := range r.Objects {
		if shown.Has(i) && r.Older.Has(i) {
			e.older = e.older.Add(i)
		}
	}
	e.Entry = misp.Entry{
		Orgc: orgOf(r.From), Tags: tagsOf(r.Marking), Info: titleOf(in) + r.came(), Date: r.Said.Std().UTC().Format(dateOfSaying), Analysis: complete,
		ThreatLevel: undefined, Timestamp: secondsOf(e.stamp),
	}
	return e
}

// came tells the events of one collection apart. Which number a parcel has would tell how much came that whoever asks may not see.
func (r *row) came() string {
	t := ", " + r.Said.Std().UTC().Format(time.DateTime)
	if r.Content.Part > 0 {
		t += fmt.Sprintf(" (%d)", r.Content.Part+1)
	}
	return t
}

// titleOf is what a source, feed or share is called.
func titleOf(v node.IntelView) string {
	switch v.View.Form {
	case intel.ASource:
		return "Source " + v.View.Name
	case intel.AFeed:
		return "Feed " + v.View.Offer.Feed
	}
	return "Share " + v.ID.Short()
}

// entryOfCarried is an event that came from MISP. It is marked as the statement with which it came: what an event is not allowed to lose on its way.
func entryOfCarried(c *carried, r *row, first int64) *entry {
	e := &entry{Entry: c.Entry, uuid: c.uuid, id: strconv.FormatInt(2*first+1, 10), added: first, thread: c.thread, marking: r.Marking.TLP, carried: c}
	if t, ok := c.Timestamp.Time(); ok {
		e.stamp = t.Unix()
	} else {
		e.stamp = c.added/1e6 + 1
	}
	if e.Orgc == nil {
		e.Orgc = orgOf(r.From)
	}
	e.Tags = strictly(e.Tags, r.Marking)
	e.Timestamp = secondsOf(e.stamp)
	return e
}

// orgOf is a party as an organisation: always with the same UUID.
func orgOf(code party.Code) *misp.Org {
	return &misp.Org{UUID: misp.UUID(derive(ourOrgKind, string(code))), Name: string(code)}
}

func secondsOf(t int64) misp.Seconds { return misp.Seconds(strconv.FormatInt(t, 10)) }

// tagsOf are a marking's tags.
func tagsOf(m marking.Marking) []misp.Tag {
	tags := []misp.Tag{misp.TLPTag(m.TLP)}
	if m.PAP != "" {
		tags = append(tags, papTag(m.PAP))
	}
	return tags
}

func papTag(p marking.PAP) misp.Tag { return misp.Tag{Name: "PAP:" + string(p)} }

// strictly is an event's tags with those of its head, where that is marked more strictly.
func strictly(tags []misp.Tag, m marking.Marking) []misp.Tag {
	if misp.TLP(tags).Rank() < m.TLP.Rank() {
		tags = append(slices.DeleteFunc(slices.Clone(tags), func(t misp.Tag) bool { return misp.TLP([]misp.Tag{t}) != "" }), misp.TLPTag(m.TLP))
	}
	if p := misp.PAP(tags); p.Rank() < m.PAP.Rank() {
		tags = append(slices.DeleteFunc(slices.Clone(tags), func(t misp.Tag) bool { return misp.PAP([]misp.Tag{t}) != "" }), papTag(m.PAP))
	}
	return tags
}
