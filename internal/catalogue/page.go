package catalogue

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of a look.
const (
	MaxPage      = 1000 // objects of one page
	maxIDs       = 256  // ids that one query names
	parcelsALook = 8    // parcels of which rows are read at once
	maxLook      = 4096 // parcels, or lines that are named, that a look passes by before it says that there is more

	maxPageBytes = 16 << 20 // of a page's objects, but for one
	maxPostings  = 1 << 14  // of one id that a look passes by: others may have given it, too, as often as they like
	someAtOnce   = 256      // postings that are read at once
)

// Versions says which versions of an object are wanted.
type Versions struct {
	All   bool
	First bool
	Last  bool             // also where nothing else is said
	Exact []stix.Timestamp // these; of an object that has no versions when it was added, to the microsecond
}

// exactly tells whether o, added in that microsecond, is one of the versions that are named. A version may be spelled in several ways.
func (v Versions) exactly(o *stix.Object, added int64) bool {
	if len(v.Exact) == 0 {
		return false
	}
	is := o.Version()
	if is == "" {
		is = stix.Timestamp(time.UnixMicro(added).UTC().Format("2006-01-02T15:04:05.000000Z"))
	}
	return slices.ContainsFunc(v.Exact, func(t stix.Timestamp) bool { return t.Compare(is) == 0 })
}

// Query asks for objects in the order in which they were added. Empty members hold for all.
type Query struct {
	For      Viewer
	Thread   thread.ID // one source, feed or share
	Added    int64     // after this time, in microseconds since 1970
	IDs      []stix.ID
	Types    []stix.Type
	Specs    []string // spec_version, as "2.1"; an object without one has 2.1
	Versions Versions
	Limit    int // 1 to MaxPage; 0: MaxPage
}

// Object is an object of the catalogue.
type Object struct {
	Raw    []byte // as its source wrote it, in one line; not to be changed
	Added  int64  // microseconds since 1970; no two objects have the same
	Parcel store.Parcel
	Line   int
}

// Page is objects in the order in which they were added.
type Page struct {
	Objects []Object
	More    bool  // there may be others after Next
	Next    int64 // what Added of the next query is
}

// Page gives the next objects of a query. It costs the same however many there are.
func (c *Catalogue) Page(ctx context.Context, q Query) (page Page, err error) {
	// spec: INT-9
	if q.For, err = c.from(ctx, q.For); err != nil {
		return page, err
	}
	q.Limit = min(cmp.Or(q.Limit, MaxPage), MaxPage)
	if len(q.IDs) > maxIDs {
		return page, fault.New(fault.TooLarge, "", "a query names at most %d ids", maxIDs)
	}
	err = c.Store.View(ctx, func(tx store.Tx) error {
		l := look{c: c, tx: tx, q: q, h: c.hasher(), page: Page{Next: q.Added}}
		if len(q.IDs) > 0 {
			err = l.byID()
		} else {
			err = l.through()
		}
		page = l.page
		return err
	})
	return page, err
}

// look is one query under way.
type look struct {
	c      *Catalogue
	tx     store.Tx
	q      Query
	h      *hasher
	parser stix.Parser
	page   Page
	bytes  int                     // of the page's objects
	known  map[stix.ID]*known      // versions that were looked up
	seen   map[int64]*store.Parcel // parcels that were; nil: gone, or not to be seen
}

// known is what the viewer may see of an object.
type known struct {
	came  []store.Found // in the order in which it came
	all   []store.Found // by version: see inOrder
	lasts []store.Found // see look.lasts; nil: not yet asked for
	whole bool          // false: there may be others
}

// full tells that the page has no room for an object of so many bytes.
func (l *look) full(size int) bool {
	return len(l.page.Objects) == l.q.Limit || len(l.page.Objects) > 0 && l.bytes+size > maxPageBytes
}

func (l *look) add(o Object) {
	l.page.Objects, l.page.Next, l.bytes = append(l.page.Objects, o), o.Added, l.bytes+len(o.Raw)
}

// through goes through parcels until the page is full.
func (l *look) through() error {
	after := int64(0)
	for looked := 0; looked < maxLook; {
		parcels, err := l.tx.Parcels(store.ParcelQuery{Thread: l.q.Thread, After: after, Added: l.q.Added, Limit: parcelsALook})
		if err != nil {
			return err
		}
		for _, p := range parcels {
			after = p.No
			looked++
			full, err := l.parcel(p)
			if err != nil || full {
				return err
			}
			l.page.Next = max(l.page.Next, p.First+int64(p.Objects)-1)
		}
		if len(parcels) < parcelsALook {
			return nil
		}
	}
	l.page.More = true
	return nil
}

// parcel adds a parcel's objects; full tells that one more would be too much.
func (l *look) parcel(p store.Parcel) (full bool, err error) {
	may, err := l.c.sees(l.tx, l.q.For, statementOf(p))
	if err != nil || !may {
		return false, err
	}
	text, err := l.c.content(l.tx, p.Content)
	if fault.CodeOf(err) == fault.Withheld {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	from, before := len(l.page.Objects), l.bytes
	if l.q.plain() {
		l.page.Objects = slices.Grow(l.page.Objects, min(p.Objects, l.q.Limit-len(l.page.Objects)))
	}
	lines(text, func(n, _ int, line []byte) bool {
		added := p.First + int64(n)
		if added <= l.q.Added || n >= p.Objects || p.Hidden.Has(n) {
			return true
		}
		var wanted bool
		if wanted, err = l.wants(p, n, line); err != nil || !wanted {
			return err == nil
		}
		if l.full(len(line)) {
			full, l.page.More = true, true
			return false
		}
		l.add(Object{Raw: line, Added: added, Parcel: p, Line: n})
		return true
	})
	if 4*(l.bytes-before) < len(text) { // a few lines do not keep a whole parcel in memory
		for i := range l.page.Objects[from:] {
			o := &l.page.Objects[from+i]
			o.Raw = bytes.Clone(o.Raw)
		}
	}
	return full, err
}

// plain tells that nothing is asked for but the last version of everything.
func (q *Query) plain() bool {
	return len(q.Types) == 0 && len(q.Specs) == 0 && !q.Versions.All && !q.Versions.First && len(q.Versions.Exact) == 0
}

// wants holds a line against the query.
func (l *look) wants(p store.Parcel, n int, line []byte) (bool, error) {
	if l.q.plain() && !p.Shared.Has(n) {
		return !p.Older.Has(n), nil
	}
	o, err := l.parser.Parse(line)
	if err != nil {
		return false, nil // what is hidden by now
	}
	switch v := l.q.Versions; {
	case len(l.q.Types) > 0 && !slices.Contains(l.q.Types, o.Type), len(l.q.Specs) > 0 && !slices.Contains(l.q.Specs, cmp.Or(o.SpecVersion, "2.1")):
		return false, nil
	case v.All || v.exactly(o, p.First+int64(n)):
		return true, nil
	case len(v.Exact) > 0 && !v.Last && !v.First:
		return false, nil
	}
	k, err := l.versions(o.ID)
	if err != nil {
		return false, err
	}
	here := func(f store.Found) bool { return f.Parcel == p.No && f.Line == n }
	switch v := l.q.Versions; {
	case len(k.all) == 0 || !k.whole: // not yet indexed; or so many that some were not looked at
		return true, nil
	case v.First && here(k.all[0]):
		return true, nil
	case !v.Last && (v.First || len(v.Exact) > 0):
		return false, nil
	}
	lasts, err := l.lasts(k)
	return slices.ContainsFunc(lasts, here), err
}

// each calls yield with what a term stands for, by parcel and line, until it gives false. whole is false where there are too many to look at.
func each(tx store.Tx, term store.Term, yield func(store.Found) (bool, error)) (whole bool, err error) {
	after := store.Found{Posting: store.Posting{Line: -1}}
	for looked := 0; looked < maxPostings; looked += someAtOnce {
		found, err := tx.Postings(term, after.Parcel, after.Line, someAtOnce)
		if err != nil {
			return false, err
		}
		for _, f := range found {
			if more, err := yield(f); err != nil || !more {
				return true, err
			}
			after = f
		}
		if len(found) < someAtOnce {
			return true, nil
		}
	}
	return false, nil
}

// postings is each, of what the viewer may see within the query.
func (l *look) postings(term store.Term, yield func(store.Found, *store.Parcel) (bool, error)) (whole bool, err error) {
	return each(l.tx, term, func(f store.Found) (bool, error) {
		p, err := l.seeable(f.Parcel)
		if err != nil || p == nil || p.Hidden.Has(f.Line) {
			return true, err
		}
		return yield(f, p)
	})
}

// maxSeeable bounds the parcels that a look remembers.
const maxSeeable = 4096

// seeable is a parcel that the viewer may see and the query asks for; nil: it is none.
func (l *look) seeable(no int64) (*store.Parcel, error) {
	if p, ok := l.seen[no]; ok {
		return p, nil
	}
	if l.seen == nil || len(l.seen) >= maxSeeable {
		l.seen = map[int64]*store.Parcel{}
	}
	p, err := l.tx.Parcel(no)
	if fault.CodeOf(err) == fault.NotFound || err == nil && !l.q.Thread.IsZero() && p.Thread != l.q.Thread {
		l.seen[no] = nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	may, err := l.c.sees(l.tx, l.q.For, statementOf(p))
	if err != nil || !may {
		if err == nil {
			l.seen[no] = nil
		}
		return nil, err
	}
	l.seen[no] = &p
	return &p, nil
}

// versions lists what the viewer may see of an object within the query, the oldest version first. Of what several have said under one version the first that came stands for all but at the end:
// there it is the last of the list.
func (l *look) versions(id stix.ID) (*known, error) {
	if k, ok := l.known[id]; ok {
		return k, nil
	}
	var k known
	var err error
	k.whole, err = l.postings(l.h.term(byID, string(id)), func(f store.Found, _ *store.Parcel) (bool, error) {
		k.came = append(k.came, f)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	k.all = inOrder(slices.Clone(k.came))
	if l.known == nil || len(l.known) >= maxSeeable {
		l.known = map[stix.ID]*known{}
	}
	l.known[id] = &k
	return &k, nil
}

// lasts are the last versions of an object by each who has said it: nobody's takes the place of another's. Of what several say alike, the first that came stands for all.
func (l *look) lasts(k *known) ([]store.Found, error) {
	if k.lasts != nil {
		return k.lasts, nil
	}
	classes, several := map[thread.ID]store.Class{}, map[thread.ID]bool{} // of one class all is by one author
	for _, f := range k.came {
		p, err := l.seeable(f.Parcel)
		if err != nil {
			return nil, err
		}
		if p != nil {
			c, met := classes[p.Thread]
			several[p.Thread] = several[p.Thread] || met && c != p.Class
			classes[p.Thread] = p.Class
		}
	}
	type author struct {
		thread thread.ID
		from   party.Code
	}
	newest := map[author]int{} // in lasts
	var lasts []store.Found
	for _, f := range k.came {
		p, err := l.seeable(f.Parcel)
		if err != nil {
			return nil, err
		}
		if p == nil || p.Older.Has(f.Line) {
			continue
		}
		who := author{thread: p.Thread}
		if several[p.Thread] {
			h, err := headOf(l.tx, statementOf(*p))
			if err != nil {
				return nil, err
			}
			who.from = h.From
		}
		switch i, ok := newest[who]; {
		case !ok:
			newest[who] = len(lasts)
			lasts = append(lasts, f)
		case f.Version > lasts[i].Version, f.Version == 0 && lasts[i].Version == 0:
			lasts[i] = f
		}
	}
	slices.SortFunc(lasts, func(a, b store.Found) int {
		return cmp.Or(cmp.Compare(a.Parcel, b.Parcel), cmp.Compare(a.Line, b.Line))
	})
	k.lasts = make([]store.Found, 0, len(lasts))
	for _, f := range lasts {
		if !slices.ContainsFunc(k.lasts, func(g store.Found) bool { return same(f.Version, g.Version, f.Sum, g.Sum) }) {
			k.lasts = append(k.lasts, f)
		}
	}
	return k.lasts, nil
}

// inOrder sorts versions. Unversioned objects are newer the later they came; of one version that several gave, the first that came is the one that is shown.
func inOrder(all []store.Found) []store.Found {
	slices.SortStableFunc(all, func(a, b store.Found) int { return cmp.Compare(a.Version, b.Version) })
	if last := len(all) - 1; last > 0 && all[last].Version != 0 {
		first := slices.IndexFunc(all, func(f store.Found) bool { return f.Version == all[last].Version })
		all = all[:first+1]
	}
	return all
}

// byID finds the objects that are named, and reads no more of them than the page has room for.
func (l *look) byID() error {
	var all []Object
	offsets := map[int64]int{}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(l.q.IDs))) {
		_, err := l.postings(l.h.term(byID, string(id)), func(f store.Found, p *store.Parcel) (bool, error) {
			if added := p.First + int64(f.Line); added > l.q.Added {
				all, offsets[added] = append(all, Object{Added: added, Parcel: *p, Line: f.Line}), f.Offset
			}
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(all, func(a, b Object) int { return cmp.Compare(a.Added, b.Added) })
	many := map[store.ContentRef]int{}
	for _, o := range all[:min(len(all), l.q.Limit)] {
		many[o.Parcel.Content]++
	}
	if err := l.openMany(many); err != nil {
		return err
	}
	for i, o := range all {
		if i == maxLook {
			l.page.More = true
			return nil
		}
		var err error
		if o.Raw, err = l.c.line(l.tx, o.Parcel.Content, offsets[o.Added]); err != nil {
			return err
		}
		wanted, err := l.wants(o.Parcel, o.Line, o.Raw)
		if err != nil {
			return err
		}
		if named := func(id stix.ID) bool { return bytes.Contains(o.Raw, []byte(id)) }; wanted && slices.ContainsFunc(l.q.IDs, named) { // a hash alone was compared
			if l.full(len(o.Raw)) {
				l.page.More = true
				return nil
			}
			l.add(o)
		}
		l.page.Next = o.Added
	}
	return nil
}

// found reads the line of a posting, where the viewer may see it.
func (l *look) found(f store.Found) (o Object, ok bool, err error) {
	p, err := l.seeable(f.Parcel)
	if err != nil || p == nil || p.Hidden.Has(f.Line) {
		return o, false, err
	}
	raw, err := l.c.line(l.tx, p.Content, f.Offset)
	if err != nil {
		return o, false, err
	}
	return Object{Raw: raw, Added: p.First + int64(f.Line), Parcel: *p, Line: f.Line}, true, nil
}

// newest finds the newest version of an object among those in parcels that are asked for; nil where there is none.
func (c *Catalogue) newest(tx store.Tx, h *hasher, id stix.ID, of func(store.Parcel) (bool, error)) (*stix.Object, error) {
	l := look{c: c, tx: tx, q: Query{For: Viewer{Officer: true}}, h: h}
	var all []store.Found
	_, err := l.postings(h.term(byID, string(id)), func(f store.Found, p *store.Parcel) (bool, error) {
		ok, err := of(*p)
		if ok {
			all = append(all, f)
		}
		return true, err
	})
	if all = inOrder(all); err != nil || len(all) == 0 {
		return nil, err
	}
	o, ok, err := l.found(all[len(all)-1])
	if err != nil || !ok {
		return nil, err
	}
	return stix.Parse(o.Raw)
}

// line reads the line that begins at an offset of a parcel.
func (c *Catalogue) line(tx store.Tx, ref store.ContentRef, offset int) ([]byte, error) {
	if line, ok := c.openedLine(ref, offset); ok {
		return line, nil
	}
	return tx.ReadLine(ref, int64(offset))
}
