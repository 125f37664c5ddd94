package misp

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
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
	marking marking.Marking

	carried *carried // where it came from MISP
	parcel  int64    // where it did not
	with    statement.ID
	class   store.Class // of that parcel
	shown   store.Lines // of that parcel
	older   store.Lines // of these: the newest version is shown in their place
}

// listing is what somebody sees, the oldest first. It is not changed once it is made.
type listing struct {
	of     *shelf
	all    []*entry
	byUUID map[string]*entry
	etag   string // of what is listed
	inside string // likewise of what is in it: of every parcel that is seen
	newest int64  // second in which the newest event changed
	may    map[statement.ID]bool
	judged time.Time // since when may counts
}

// Verdicts count for a minute, as those on passing things on do; so many listings are kept.
const (
	listLife = time.Minute
	maxLists = 64
)

// lists remembers listings, so that whoever asks again and again costs little while nothing comes. It is safe for concurrent use.
type lists struct {
	mu    sync.Mutex
	all   map[scope]*slot // guarded by mu
	asked int64           // likewise
}

// slot is the listing of one scope: it is made once for all who ask meanwhile, and nobody else waits for it.
type slot struct {
	now   atomic.Pointer[listing]
	work  round
	asked int64 // when last; guarded by lists.mu
}

// slot is that of a scope. Where there are too many, the one that was not asked for longest goes.
func (l *lists) slot(at scope) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[scope]*slot{}
	}
	found := l.all[at]
	if found == nil {
		if len(l.all) >= maxLists {
			var last scope
			oldest := int64(math.MaxInt64)
			for other, v := range l.all {
				if v.asked < oldest {
					last, oldest = other, v.asked
				}
			}
			delete(l.all, last)
		}
		found = &slot{}
		l.all[at] = found
	}
	l.asked++
	found.asked = l.asked
	return found
}

// listing is what a scope sees now. Error: fault.Unavailable.
func (s *server) listing(ctx context.Context, at scope) (*listing, error) {
	// spec: INT-9
	of, err := s.keeper.current(ctx)
	if err != nil {
		return nil, err
	}
	in := s.lists.slot(at)
	for range 3 { // whoever joins late may get what was made before
		if l := in.now.Load(); l != nil && l.of.last >= of.last && l.counts(s.node.Now()) {
			return l, nil
		}
		d, _ := in.work.join(func() error { return s.relist(in, at) })
		if err := d.wait(ctx, s.keeper.patience); err != nil {
			return nil, err
		}
	}
	return in.now.Load(), nil
}

// counts tells whether the verdicts of a listing do.
func (l *listing) counts(now time.Time) bool {
	return !now.Before(l.judged) && now.Sub(l.judged) < listLife
}

// relist makes the listing of a scope anew. What was found out less than a minute ago is not asked again.
func (s *server) relist(in *slot, at scope) error {
	l := &listing{of: s.keeper.now.Load(), judged: s.node.Now()}
	var known map[statement.ID]bool
	if before := in.now.Load(); before != nil && before.counts(l.judged) {
		known, l.judged = before.may, before.judged
	}
	if err := l.judge(s.keeper.life, s.node, at, known); err != nil {
		return err
	}
	l.fill(s.node.Config.Code, at)
	in.now.Store(l)
	return nil
}

// judge finds out which statements a scope sees, as far as that is not known.
func (l *listing) judge(ctx context.Context, n *node.Node, at scope, known map[statement.ID]bool) error {
	// spec: INT-9
	l.may = map[statement.ID]bool{}
	var ask []statement.ID
	for _, r := range l.of.rows {
		id := r.Content.Statement
		if _, ok := l.may[id]; ok {
			continue
		}
		may, ok := known[id]
		l.may[id] = may
		if ok || at.open && !plainly(r.Marking) || at.named && !at.sees(r.Thread) {
			continue
		}
		ask = append(ask, id)
	}
	if len(ask) == 0 {
		return nil
	}
	may, err := n.Catalogue.Shows(ctx, at.viewer, ask...)
	if err != nil {
		return err
	}
	for i, id := range ask {
		l.may[id] = may[i]
	}
	return nil
}

// fill lists the events of what a scope sees.
func (l *listing) fill(self party.Code, at scope) {
	var within []*row
	for _, r := range l.of.rows {
		if l.may[r.Content.Statement] && at.sees(r.Thread) {
			within = append(within, r)
			if r.entry != nil {
				l.all = append(l.all, r.entry)
			}
		}
	}
	for _, all := range l.of.events {
		if first, c := newest(all, self, func(c *carried) bool { return l.may[c.with] && at.sees(c.thread) }); c != nil {
			l.all = append(l.all, entryOfCarried(c, l.of.rows[c.parcel], first.added))
		}
	}
	slices.SortFunc(l.all, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.added, b.added), cmp.Compare(a.uuid, b.uuid)) })
	slices.SortFunc(within, func(a, b *row) int { return cmp.Compare(a.First, b.First) })
	l.byUUID = make(map[string]*entry, len(l.all))
	h := sha256.New()
	var line []byte
	for i, e := range l.all {
		if at := l.sighted(e.uuid, at); at > 0 {
			told := *e // others may not see that
			told.sighted = at
			e, l.all[i] = &told, &told
		}
		l.byUUID[e.uuid] = e
		l.newest = max(l.newest, e.stamp, e.sighted)
		line = binary.BigEndian.AppendUint64(append(line[:0], e.uuid...), uint64(e.stamp))
		h.Write(binary.BigEndian.AppendUint64(line, uint64(e.sighted)))
	}
	l.etag = hex.EncodeToString(h.Sum(nil)[:16])
	for _, r := range within {
		h.Write(append(binary.BigEndian.AppendUint64(line[:0], uint64(r.First)), r.sum[:]...))
	}
	l.inside = hex.EncodeToString(h.Sum(nil)[:16])
}

// sighted is the second after the last sighting of an event that a scope sees; 0 where there is none.
func (l *listing) sighted(uuid string, at scope) (last int64) {
	for _, seen := range l.of.seen[uuid] {
		if l.may[seen.with] && (!at.named || at.sees(seen.thread)) {
			last = max(last, seen.at/1e6+1)
		}
	}
	return last
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
func entryOfRow(r *row, older store.Lines, in node.IntelView) *entry {
	e := &entry{
		uuid: r.uuid(), id: strconv.FormatInt(2*r.First, 10), stamp: r.stamp(), added: r.First, thread: r.Thread, marking: r.Marking, parcel: r.No, with: r.Content.Statement, class: r.Class,
		shown: r.shown, older: older,
	}
	e.Entry = misp.Entry{
		Orgc: orgOf(r.From), Tags: misp.MarkingTags(r.Marking), Info: titleOf(in) + r.came(), Date: r.Said.Std().UTC().Format(dateOfSaying), Analysis: complete,
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
	e := &entry{Entry: c.Entry, uuid: c.uuid, id: strconv.FormatInt(2*first+1, 10), added: first, thread: c.thread, marking: r.Marking, carried: c}
	if t, ok := c.Timestamp.Time(); ok {
		e.stamp = t.Unix()
	} else {
		e.stamp = c.added/1e6 + 1
	}
	if e.Orgc == nil {
		e.Orgc = orgOf(r.From)
	}
	e.Tags = misp.Mark(e.Tags, r.Marking)
	e.Timestamp = secondsOf(e.stamp)
	return e
}

// orgOf is a party as an organisation: always with the same UUID.
func orgOf(code party.Code) *misp.Org {
	return &misp.Org{UUID: misp.UUID(derive(ourOrgKind, string(code))), Name: string(code)}
}

func secondsOf(t int64) misp.Seconds { return misp.Seconds(strconv.FormatInt(t, 10)) }
