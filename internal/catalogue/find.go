package catalogue

import (
	"cmp"
	"context"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// Search asks for objects by what they say. At least one of Value, Text and Type is given; what is given holds together.
type Search struct {
	For   Viewer
	Value string // an address, name, hash, external id …; defanged or not
	Text  string // words of names, descriptions and labels
	Type  stix.Type
	Limit int // at most MaxPage; 0: 50
	After Mark
}

// Mark is where a search goes on; the zero Mark is its beginning.
type Mark struct {
	Parcel int64
	Line   int
}

// Hits is a page of a search, in the order in which objects were added.
type Hits struct {
	Objects []Object
	More    bool
	Next    Mark
}

// maxScan bounds how many postings one page of a search looks at.
const maxScan = 20_000

// Search finds objects. All versions that are here are found, each as its source gave it.
func (c *Catalogue) Search(ctx context.Context, s Search) (hits Hits, err error) {
	h := c.hasher()
	var terms []store.Term
	if v := Normal(s.Value); v != "" {
		terms = append(terms, h.term(byValue, v))
	}
	if s.Text != "" {
		words, err := c.LookFor(s.Text)
		if err != nil {
			return hits, err
		}
		for _, w := range words {
			terms = append(terms, store.Term(w))
		}
	}
	if s.Type != "" {
		terms = append(terms, h.term(byType, string(s.Type)))
	}
	if len(terms) == 0 {
		return hits, fault.New(fault.Usage, "", "a search names a value, a word or a type")
	}
	if s.For, err = c.from(ctx, s.For); err != nil {
		return hits, err
	}
	s.Limit = min(cmp.Or(s.Limit, 50), MaxPage)
	err = c.Store.View(ctx, func(tx store.Tx) error {
		l := look{c: c, tx: tx, q: Query{For: s.For}, h: h}
		hits, err = l.search(s, terms)
		return err
	})
	return hits, err
}

// search goes through what all terms stand for: each in turn says which line is next; one that all name is found.
func (l *look) search(s Search, terms []store.Term) (hits Hits, err error) {
	at := s.After
	if at == (Mark{}) {
		at.Line = -1
	}
	hits.Next = at
	agree, last := 0, Mark{}
	for i, looked := 0, 0; ; i = (i + 1) % len(terms) {
		if looked++; looked > maxScan {
			hits.More = true
			return hits, nil
		}
		next, err := l.tx.Postings(terms[i], at.Parcel, at.Line, 1)
		if err != nil || len(next) == 0 {
			return hits, err
		}
		here := Mark{next[0].Parcel, next[0].Line}
		if here != last {
			agree, last = 0, here
		}
		if agree++; agree < len(terms) {
			at = Mark{here.Parcel, here.Line - 1} // the others are asked whether they have it
			continue
		}
		at, agree, last = here, 0, Mark{}
		o, ok, err := l.found(next[0])
		if err != nil {
			return hits, err
		}
		if ok && l.says(o, s) {
			if len(hits.Objects) == s.Limit {
				hits.More = true
				return hits, nil
			}
			hits.Objects = append(hits.Objects, o)
		}
		hits.Next = at
	}
}

// says makes sure of a value and a type, of which only hashes were compared.
func (l *look) says(o Object, s Search) bool {
	parsed, err := l.parser.Parse(o.Raw)
	return err == nil && (s.Type == "" || parsed.Type == s.Type) && (s.Value == "" || slices.Contains(Values(parsed), Normal(s.Value)))
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
	size := 0
	whole, err := l.postings(l.h.term(kind, string(id)), func(f store.Found, p *store.Parcel) (bool, error) {
		raw, err := l.c.line(l.tx, p.Content, f.Offset)
		if err != nil {
			return false, err
		}
		if size += len(raw); len(all) == limit || size > maxPageBytes && len(all) > 0 {
			more = limit
			return false, nil
		}
		parsed, err := stix.Parse(raw)
		if err != nil {
			return true, nil //nolint:nilerr // what is no object by now is not shown
		}
		h, err := headOf(l.tx, statementOf(*p))
		if err != nil {
			return false, err
		}
		o := Object{Raw: raw, Added: p.First + int64(f.Line), Parcel: *p, Line: f.Line}
		all = append(all, Entry{Object: o, Parsed: parsed, Statement: h, Latest: !p.Older.Has(f.Line)})
		return true, nil
	})
	if !whole {
		more = limit
	}
	return all, more, err
}
