package catalogue

import (
	"context"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// parcelsAPage is how many parcels a page of Shelf or Changes has.
const parcelsAPage = 500

// Shelved is a parcel and what its head says.
type Shelved struct {
	store.Parcel
	From    party.Code
	Said    statement.Time
	Marking marking.Marking
}

// Shelf lists parcels after a number, in their order, whoever may see them: what is shown of them is held by Shows and by what gives objects. more tells that there are others.
func (c *Catalogue) Shelf(ctx context.Context, after int64) (page []Shelved, more bool, err error) {
	err = c.Store.View(ctx, func(tx store.Tx) error {
		page = nil
		all, err := tx.Parcels(store.ParcelQuery{After: after, Limit: parcelsAPage})
		if err != nil {
			return err
		}
		for _, p := range all {
			s, err := shelved(tx, p)
			if err != nil {
				return err
			}
			page = append(page, s)
		}
		more = len(all) == parcelsAPage
		return nil
	})
	return page, more, err
}

func shelved(tx store.Tx, p store.Parcel) (Shelved, error) {
	h, err := headOf(tx, statementOf(p))
	if err != nil {
		return Shelved{}, err
	}
	return Shelved{p, h.From, h.Time, h.Marking}, nil
}

// Changes are parcels that came or are others than they were.
type Changes struct {
	Parcels []Shelved
	Gone    []int64 // the numbers of those that were erased
	Last    int64   // what after of the next question is
	More    bool    // there are others after Last
}

// Changes lists what has changed after a change; 0: all that ever did. With nothing new it costs the same however much there is.
func (c *Catalogue) Changes(ctx context.Context, after int64) (out Changes, err error) {
	err = c.Store.View(ctx, func(tx store.Tx) error {
		out = Changes{Last: after}
		all, err := tx.ParcelChanges(after, parcelsAPage)
		if err != nil {
			return err
		}
		for _, change := range all {
			out.Last = change.Change
			p, err := tx.Parcel(change.No)
			if fault.CodeOf(err) == fault.NotFound {
				out.Gone = append(out.Gone, change.No)
				continue
			}
			if err != nil {
				return err
			}
			s, err := shelved(tx, p)
			if err != nil {
				return err
			}
			out.Parcels = append(out.Parcels, s)
		}
		out.More = len(all) == parcelsAPage
		return nil
	})
	return out, err
}

// LastChange is the number of the latest change.
func (c *Catalogue) LastChange(ctx context.Context) (last int64, err error) {
	err = c.Store.View(ctx, func(tx store.Tx) error {
		last = 0
		for {
			some, err := tx.ParcelChanges(last, parcelsAPage)
			if err != nil || len(some) == 0 {
				return err
			}
			last = some[len(some)-1].Change
		}
	})
	return last, err
}

// Lines gives the objects of a parcel, older versions too, but what is hidden. Nothing is given where the viewer may not see it, or it is gone.
func (c *Catalogue) Lines(ctx context.Context, v Viewer, no int64) (all []Object, err error) {
	// spec: INT-9
	err = c.Store.View(ctx, func(tx store.Tx) error {
		all = nil
		p, err := tx.Parcel(no)
		if fault.CodeOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		l := look{c: c, tx: tx, q: Query{For: v, Versions: Versions{All: true}, Limit: MaxPage}, h: c.hasher()}
		_, err = l.parcel(p)
		all = l.page.Objects
		return err
	})
	return all, err
}

// Newest gives, of each object that is named, the newest version that the viewer may see of a thread. Each parcel is read once. What is not there is left out; the order is that of ids.
func (c *Catalogue) Newest(ctx context.Context, v Viewer, in thread.ID, ids []stix.ID) (all []Object, err error) {
	// spec: INT-9
	err = c.Store.View(ctx, func(tx store.Tx) error {
		all = nil
		l := look{c: c, tx: tx, q: Query{For: v, Thread: in}, h: c.hasher()}
		type place struct {
			n    int // in ids
			line int
		}
		wanted := map[int64][]place{}
		for n, id := range ids {
			k, err := l.versions(id)
			if err != nil {
				return err
			}
			if len(k.all) > 0 {
				f := k.all[len(k.all)-1]
				wanted[f.Parcel] = append(wanted[f.Parcel], place{n, f.Line})
			}
		}
		found := make([]*Object, len(ids))
		for no, places := range wanted {
			p, err := tx.Parcel(no)
			if err != nil {
				return err
			}
			text, err := read(tx, p.Content)
			if fault.CodeOf(err) == fault.Withheld {
				continue
			}
			if err != nil {
				return err
			}
			at := map[int]int{}
			for _, w := range places {
				at[w.line] = w.n
			}
			lines(text, func(n, _ int, line []byte) bool {
				if i, ok := at[n]; ok {
					found[i] = &Object{Raw: slices.Clone(line), Added: p.First + int64(n), Parcel: p, Line: n}
					delete(at, n)
				}
				return len(at) > 0
			})
		}
		for _, o := range found {
			if o != nil {
				all = append(all, *o)
			}
		}
		return nil
	})
	return all, err
}

// Place is where a version of an object lies.
type Place struct {
	Mark
	Class store.Class
}

// Places tells where versions of an object lie, in one thread or in all, in the order of parcels and whoever may see them.
func (c *Catalogue) Places(ctx context.Context, in thread.ID, id stix.ID) (all []Place, err error) {
	err = c.Store.View(ctx, func(tx store.Tx) error {
		all = nil
		found, err := tx.Postings(c.hasher().term(byID, string(id)), 0, -1, maxVersions)
		if err != nil {
			return err
		}
		for _, f := range found {
			p, err := tx.Parcel(f.Parcel)
			if fault.CodeOf(err) == fault.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			if in.IsZero() || p.Thread == in {
				all = append(all, Place{Mark{f.Parcel, f.Line}, p.Class})
			}
		}
		return nil
	})
	return all, err
}
