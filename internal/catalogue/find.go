package catalogue

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Search asks for objects by what they say, and by where and when they came. At least one member that asks something is given; what is given holds together.
type Search struct {
	For    Viewer
	Value  string // an address, name, hash, external id …; defanged or not
	Text   string // words of names, descriptions and labels
	Type   stix.Type
	Thread thread.ID // of one source, feed or share
	From   time.Time // that came then or later
	Until  time.Time // that came before it
	Limit  int       // at most MaxPage; 0: 50
	After  Mark

	Covering bool // beside what has Value, indicators of a range that it lies in, or of a domain that it is below

	covers []string // the values of these
}

// Mark is where a search goes on; the zero Mark is its beginning.
type Mark struct {
	Parcel int64
	Line   int
}

// String is a mark as a page's address or a program's cursor has it; "" for the zero Mark.
func (m Mark) String() string {
	if m == (Mark{}) {
		return ""
	}
	return strconv.FormatInt(m.Parcel, 10) + "." + strconv.Itoa(m.Line)
}

// ParseMark reads what String wrote. Error: fault.Usage.
func ParseMark(text string) (m Mark, err error) {
	if text == "" {
		return m, nil
	}
	parcel, line, _ := strings.Cut(text, ".")
	m.Parcel, err = strconv.ParseInt(parcel, 10, 64)
	if err == nil {
		m.Line, err = strconv.Atoi(line)
	}
	if err != nil || m.Parcel < 0 || m.Line < -1 || m.Line > endOfParcel {
		return Mark{}, fault.New(fault.Usage, "", "this is no place in what was found: begin again")
	}
	return m, nil
}

// Hits is a page of a search, in the order in which objects were added. It may be short, or empty, and not be the last.
type Hits struct {
	Objects []Object
	By      []string // of each, the range or domain that covers the value which was looked for; "" where it has that value, or none was
	More    bool
	Next    Mark
}

const (
	maxScan     = 20_000        // postings that one page of a search looks at
	maxBrowse   = 16            // parcels that a page without a value or word reads
	endOfParcel = math.MaxInt32 // a line behind all lines
)

// termed tells whether a type is among the terms; of the others there are too many, and they are found by reading on.
func termed(t stix.Type) bool { return !t.Observable() && t != "indicator" && t != "relationship" }

// Search finds objects. All versions that are here are found, each as its source gave it.
func (c *Catalogue) Search(ctx context.Context, s Search) (hits Hits, err error) {
	h := c.hasher()
	var terms []*anyOf
	if v := Normal(s.Value); v != "" {
		if s.Covering {
			s.covers = covers(v)
		}
		values := []store.Term{h.term(byValue, v)}
		for _, c := range s.covers {
			values = append(values, h.term(byValue, c))
		}
		terms = append(terms, oneOf(values...))
	}
	if s.Text != "" {
		words, err := c.LookFor(s.Text)
		if err != nil {
			return hits, err
		}
		for _, w := range words {
			terms = append(terms, oneOf(store.Term(w)))
		}
	}
	if s.Type != "" && termed(s.Type) {
		terms = append(terms, oneOf(h.term(byType, string(s.Type))))
	}
	if len(terms) == 0 && s.Type == "" && s.Thread.IsZero() && s.From.IsZero() && s.Until.IsZero() {
		return hits, fault.New(fault.Usage, "", "a search names a value, a word, a type, a source or a time")
	}
	if s.For, err = c.from(ctx, s.For); err != nil {
		return hits, err
	}
	s.Limit = min(cmp.Or(s.Limit, 50), MaxPage)
	err = c.Store.View(ctx, func(tx store.Tx) error {
		l := look{c: c, tx: tx, q: Query{For: s.For, Thread: s.Thread}, h: h}
		hits = Hits{}
		for i := range terms { // the store may begin this anew
			terms[i] = oneOf(terms[i].terms...)
		}
		at, any, err := l.begin(s)
		if hits.Next = at; err != nil || !any {
			return err
		}
		if len(terms) == 0 {
			hits, err = l.browse(s, at)
		} else {
			hits, err = l.search(s, terms, at)
		}
		return err
	})
	return hits, err
}

// begin is where a search begins or goes on; any is false where nothing came in its thread and time.
func (l *look) begin(s Search) (at Mark, any bool, err error) {
	if at = s.After; at == (Mark{}) {
		at.Line = -1
	}
	if s.From.IsZero() && s.Thread.IsZero() {
		return at, true, nil
	}
	first, err := l.tx.Parcels(store.ParcelQuery{Thread: s.Thread, After: max(0, at.Parcel-1), Added: added(s.From), Limit: 1})
	if err != nil || len(first) == 0 {
		return at, false, err
	}
	if first[0].No > at.Parcel {
		at = Mark{first[0].No, -1}
	}
	return at, true, nil
}

// added is a time as ParcelQuery has it: the last microsecond before it.
func added(from time.Time) int64 {
	if from.IsZero() {
		return 0
	}
	return max(0, from.UnixMicro()-1)
}

// came tells whether a line of a parcel came in the time that is asked for.
func (s *Search) came(at int64) bool {
	return at > added(s.From) && (s.Until.IsZero() || at < s.Until.UnixMicro())
}

// search goes through what all terms stand for: each in turn says which line is next; one that all name is found.
func (l *look) search(s Search, terms []*anyOf, at Mark) (hits Hits, err error) {
	hits.Next = at
	agree, last := 0, Mark{}
	var p store.Parcel
	for i, looked := 0, 0; ; i = (i + 1) % len(terms) {
		if looked++; looked > maxScan {
			hits.More = true
			return hits, nil
		}
		next, looks, err := terms[i].after(l.tx, at)
		if err != nil || next == nil {
			return hits, err
		}
		looked += max(0, looks-1)
		here := Mark{next.Parcel, next.Line}
		if here.Parcel != p.No {
			if p, err = l.tx.Parcel(here.Parcel); fault.CodeOf(err) == fault.NotFound {
				p, err = store.Parcel{No: here.Parcel}, nil // it was erased
			}
			if err != nil {
				return hits, err
			}
		}
		if !s.Until.IsZero() && p.First >= s.Until.UnixMicro() {
			return hits, nil
		}
		if !s.Thread.IsZero() && p.Thread != s.Thread {
			at, agree, last = Mark{here.Parcel, endOfParcel}, 0, Mark{}
			hits.Next = at
			continue
		}
		if here != last {
			agree, last = 0, here
		}
		if agree++; agree < len(terms) {
			at = Mark{here.Parcel, here.Line - 1} // the others are asked whether they have it
			continue
		}
		at, agree, last = here, 0, Mark{}
		o, ok, err := l.found(*next)
		if err != nil {
			return hits, err
		}
		if ok && s.came(o.Added) {
			by, says := l.says(o, s)
			if says && len(hits.Objects) == s.Limit {
				hits.More = true
				return hits, nil
			}
			if says {
				hits.Objects, hits.By = append(hits.Objects, o), append(hits.By, by)
			}
		}
		hits.Next = at
	}
}

// browse reads parcels one after the other, where nothing that is asked for is a term.
func (l *look) browse(s Search, at Mark) (hits Hits, err error) {
	hits.Next = at
	for looked, after := 0, max(0, at.Parcel-1); ; {
		parcels, err := l.tx.Parcels(store.ParcelQuery{Thread: s.Thread, After: after, Added: added(s.From), Limit: parcelsALook})
		if err != nil {
			return hits, err
		}
		for _, p := range parcels {
			if !s.Until.IsZero() && p.First >= s.Until.UnixMicro() {
				return hits, nil
			}
			if looked++; looked > maxBrowse {
				hits.More = true
				return hits, nil
			}
			full, err := l.leaf(s, p, at, &hits)
			if err != nil || full {
				return hits, err
			}
			after, hits.Next = p.No, Mark{p.No, endOfParcel}
		}
		if len(parcels) < parcelsALook {
			return hits, nil
		}
	}
}

// leaf adds what fits of a parcel; full tells that one more would be too much.
func (l *look) leaf(s Search, p store.Parcel, at Mark, hits *Hits) (full bool, err error) {
	if at.Parcel == p.No && at.Line >= p.Objects {
		return false, nil
	}
	may, err := l.c.sees(l.tx, s.For, statementOf(p))
	if err != nil || !may {
		return false, err
	}
	text, err := read(l.tx, p.Content)
	if fault.CodeOf(err) == fault.Withheld {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	lines(text, func(n, _ int, line []byte) bool {
		o := Object{Raw: line, Added: p.First + int64(n), Parcel: p, Line: n}
		if n >= p.Objects || at.Parcel == p.No && n <= at.Line || p.Hidden.Has(n) || !s.came(o.Added) {
			return true
		}
		if _, says := l.says(o, s); !says {
			return true
		}
		if len(hits.Objects) == s.Limit {
			full, hits.More = true, true
			return false
		}
		hits.Objects, hits.By, hits.Next = append(hits.Objects, o), append(hits.By, ""), Mark{p.No, n}
		return true
	})
	return full, nil
}

// says makes sure of a value and a type, of which only hashes were compared; by is the value that covers the one that was looked for.
func (l *look) says(o Object, s Search) (by string, ok bool) {
	if s.Value == "" && (s.Type == "" || !bytes.Contains(o.Raw, []byte(`"`+string(s.Type)+`"`))) {
		return "", s.Type == ""
	}
	parsed, err := l.parser.Parse(o.Raw)
	if err != nil || s.Type != "" && parsed.Type != s.Type {
		return "", false
	}
	if s.Value == "" {
		return "", true
	}
	return s.names(parsed)
}

// Entry is one party's word on an object: a version as it came.
type Entry struct {
	Object
	Parsed    *stix.Object
	Statement *statement.Head // with which it came
	Latest    bool            // no later version of the same thread and marking is here
}

// View is all that is here on one object, side by side.
type View struct {
	ID       stix.ID
	Entries  []Entry // the newest version first; those of one version by when they came
	About    []Entry // objects that refer to it: relationships, sightings, reports, notes
	MoreThan int     // that are not listed; 0: all are
}

// maxAbout bounds the objects that refer to one and are listed.
const maxAbout = 200

// Object gives all that the viewer may see on an object. fault.NotFound where that is nothing.
func (c *Catalogue) Object(ctx context.Context, v Viewer, id stix.ID) (view View, err error) {
	if v, err = c.from(ctx, v); err != nil {
		return view, err
	}
	err = c.Store.View(ctx, func(tx store.Tx) error {
		view = View{ID: id}
		l := look{c: c, tx: tx, q: Query{For: v}, h: c.hasher()}
		if view.Entries, _, err = l.entries(byID, id, maxVersions); err != nil {
			return err
		}
		view.Entries = slices.DeleteFunc(view.Entries, func(e Entry) bool { return e.Parsed.ID != id })
		if len(view.Entries) == 0 {
			return fault.New(fault.NotFound, "", "there is no such object here")
		}
		slices.SortStableFunc(view.Entries, func(a, b Entry) int { return b.Parsed.Version().Compare(a.Parsed.Version()) })
		view.About, view.MoreThan, err = l.entries(byRef, id, maxAbout)
		return err
	})
	return view, err
}

// entries reads what a term of an id stands for, with the heads. more is limit where there are others.
func (l *look) entries(kind byte, id stix.ID, limit int) (all []Entry, more int, err error) {
	type place struct {
		store.Found
		*store.Parcel
	}
	var places []place
	many := map[store.ContentRef]int{}
	whole, err := l.postings(l.h.term(kind, string(id)), func(f store.Found, p *store.Parcel) (bool, error) {
		if len(places) == limit {
			more = limit
			return false, nil
		}
		places = append(places, place{f, p})
		many[p.Content]++
		return true, nil
	})
	if err == nil {
		err = l.openMany(many)
	}
	if err != nil {
		return nil, 0, err
	}
	size := 0
	heads := map[statement.ID]*statement.Head{} // many objects came with one
	for _, at := range places {
		raw, err := l.c.line(l.tx, at.Content, at.Offset)
		if err != nil {
			return nil, 0, err
		}
		if size += len(raw); size > maxPageBytes && len(all) > 0 {
			return all, limit, nil
		}
		parsed, err := stix.Parse(raw)
		if err != nil {
			continue // what is no object by now is not shown
		}
		h := heads[statementOf(*at.Parcel)]
		if h == nil {
			if h, err = headOf(l.tx, statementOf(*at.Parcel)); err != nil {
				return nil, 0, err
			}
			heads[h.ID] = h
		}
		o := Object{Raw: raw, Added: at.First + int64(at.Line), Parcel: *at.Parcel, Line: at.Line}
		all = append(all, Entry{Object: o, Parsed: parsed, Statement: h, Latest: !at.Older.Has(at.Line)})
	}
	if !whole {
		more = limit
	}
	return all, more, nil
}

// bytesALine is how much of a parcel is read and opened in the time that one line takes by itself.
const bytesALine = 32 << 10

// openMany opens the parcels of which so many lines are wanted that they cost more one by one than all together.
func (l *look) openMany(lines map[store.ContentRef]int) error {
	for ref, n := range lines {
		if n < 2 {
			continue
		}
		c, err := l.tx.Content(ref)
		if err == nil && c.Size <= int64(n)*bytesALine {
			_, err = l.c.content(l.tx, ref)
		}
		if code := fault.CodeOf(err); err != nil && code != fault.Withheld && code != fault.NotFound { // whoever reads a line is told of those
			return err
		}
	}
	return nil
}
