package catalogue

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of a look.
const (
	MaxPage      = 1000 // objects of one page
	maxIDs       = 256  // ids that one query names
	parcelsALook = 8    // parcels of which rows are read at once
	maxLook      = 4096 // parcels that a look passes by before it says that there is more
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
	text, err := l.c.text(l.tx, p.Content)
	if fault.CodeOf(err) == fault.Withheld {
		return false, nil
	}
	if err != nil {
		return false, err
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
		if len(l.page.Objects) == l.q.Limit {
			full, l.page.More = true, true
			return false
		}
		l.page.Objects = append(l.page.Objects, Object{Raw: line, Added: added, Parcel: p, Line: n})
		l.page.Next = added
		return true
	})
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
	all, err := l.versions(o.ID)
	if err != nil {
		return false, err
	}
	here := func(f store.Found) bool { return f.Parcel == p.No && f.Line == n }
	v := l.q.Versions
	if len(all) == 0 { // not yet indexed
		return true, nil
	}
	return v.First && here(all[0]) || (v.Last || !v.First && len(v.Exact) == 0) && here(all[len(all)-1]), nil
}

// versions lists what the viewer may see of an object within the query, the oldest version first. Of what several have said under one version the first that came stands for all but at the end:
// there it is the last of the list.
func (l *look) versions(id stix.ID) ([]store.Found, error) {
	found, err := l.tx.Postings(l.h.term(byID, string(id)), 0, -1, maxVersions)
	if err != nil {
		return nil, err
	}
	var all []store.Found
	for _, f := range found {
		p, err := l.tx.Parcel(f.Parcel)
		switch {
		case fault.CodeOf(err) == fault.NotFound:
			continue
		case err != nil:
			return nil, err
		case p.Hidden.Has(f.Line) || !l.q.Thread.IsZero() && p.Thread != l.q.Thread:
			continue
		}
		may, err := l.c.sees(l.tx, l.q.For, statementOf(p))
		if err != nil {
			return nil, err
		}
		if may {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b store.Found) int { return cmp.Compare(a.Version, b.Version) })
	// Unversioned objects are newer the later they came; of one version that several gave, the first that came is the one that is shown.
	if last := len(all) - 1; last > 0 && all[last].Version != 0 {
		first := slices.IndexFunc(all, func(f store.Found) bool { return f.Version == all[last].Version })
		all = all[:first+1]
	}
	return all, nil
}

// byID finds the objects that are named.
func (l *look) byID() error {
	var all []Object
	for _, id := range slices.Compact(slices.Sorted(slices.Values(l.q.IDs))) {
		found, err := l.tx.Postings(l.h.term(byID, string(id)), 0, -1, maxVersions)
		if err != nil {
			return err
		}
		for _, f := range found {
			o, ok, err := l.found(f)
			if err != nil {
				return err
			}
			if !ok || o.Added <= l.q.Added {
				continue
			}
			wanted, err := l.wants(o.Parcel, o.Line, o.Raw)
			if err != nil {
				return err
			}
			if wanted && bytes.Contains(o.Raw, []byte(id)) {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b Object) int { return cmp.Compare(a.Added, b.Added) })
	if len(all) > l.q.Limit {
		all, l.page.More = all[:l.q.Limit], true
	}
	l.page.Objects = all
	if len(all) > 0 {
		l.page.Next = all[len(all)-1].Added
	}
	return nil
}

// found reads the line of a posting, where the viewer may see it.
func (l *look) found(f store.Found) (o Object, ok bool, err error) {
	p, err := l.tx.Parcel(f.Parcel)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return o, false, nil
	case err != nil:
		return o, false, err
	case p.Hidden.Has(f.Line) || !l.q.Thread.IsZero() && p.Thread != l.q.Thread:
		return o, false, nil
	}
	may, err := l.c.sees(l.tx, l.q.For, statementOf(p))
	if err != nil || !may {
		return o, false, err
	}
	raw, err := l.c.line(l.tx, p.Content, f.Offset)
	if err != nil {
		return o, false, err
	}
	return Object{Raw: raw, Added: p.First + int64(f.Line), Parcel: p, Line: f.Line}, true, nil
}

// newest finds the newest version of an object among all that is here; nil where there is none.
func (c *Catalogue) newest(tx store.Tx, h *hasher, id stix.ID) (*stix.Object, error) {
	l := look{c: c, tx: tx, q: Query{For: Viewer{Officer: true}, IDs: []stix.ID{id}, Limit: 1}, h: h}
	all, err := l.versions(id)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	o, ok, err := l.found(all[len(all)-1])
	if err != nil || !ok {
		return nil, err
	}
	return stix.Parse(o.Raw)
}

// A line is read in a first stretch, which most fit into, and in a second one.
const (
	stretch = 4 << 10
)

// line reads the line that begins at an offset of a parcel.
func (c *Catalogue) line(tx store.Tx, ref store.ContentRef, offset int) ([]byte, error) {
	if line, ok := c.openedLine(ref, offset); ok {
		return line, nil
	}
	content, err := tx.Content(ref)
	if err != nil {
		return nil, err
	}
	for n := int64(stretch); ; n *= 16 {
		n = min(n, content.Size-int64(offset))
		var b bytes.Buffer
		if err := tx.ReadRange(ref, int64(offset), n, &b); err != nil {
			return nil, err
		}
		line, _, whole := bytes.Cut(b.Bytes(), []byte{'\n'})
		if whole || int64(offset)+n == content.Size {
			return line, nil
		}
	}
}
