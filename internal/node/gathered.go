package node

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of what is looked through for a list of what was brought.
const (
	broughtLook    = 400 // statements of one thread
	importingLook  = 12  // sources, those touched last
	headsAtOnce    = 100
	maxHeadsOfHits = 1000
)

// Brought lists the last statements of some kinds in a thread, the newest first. Errors: fault.Denied, fault.NotFound.
func (n *Node) Brought(ctx context.Context, id thread.ID, limit int, kinds ...statement.Kind) (said []SaidView, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		said = nil
		if _, err := n.lookAtThread(ctx, tx, id); err != nil {
			return err
		}
		said, err = n.brought(tx, id, limit, kinds)
		return err
	})
	return said, err
}

func (n *Node) brought(tx store.Tx, id thread.ID, limit int, kinds []statement.Kind) (said []SaidView, err error) {
	heard := newEchoes()
	for before, looked := (statement.ID{}), 0; looked < broughtLook; {
		rows, err := tx.HeadsBefore(id, before, headsAtOnce)
		if err != nil {
			return nil, err
		}
		for _, row := range slices.Backward(rows) {
			if !slices.Contains(kinds, row.Kind) || row.Void != "" {
				continue
			}
			one, err := n.viewSaid(tx, row, heard)
			if err != nil {
				return nil, err
			}
			if said = append(said, one); len(said) == limit {
				return said, nil
			}
		}
		if looked += len(rows); len(rows) < headsAtOnce {
			break
		}
		before = rows[0].ID
	}
	return said, nil
}

// Imported is one statement by which objects came into a source.
type Imported struct {
	SaidView
	Source IntelView
}

// Imports lists what was imported last, the newest first; of all sources, or of one. Error: fault.Denied.
func (n *Node) Imports(ctx context.Context, limit int, of ...thread.ID) (all []Imported, err error) {
	sources, err := n.Intelligence(ctx)
	if err != nil {
		return nil, err
	}
	sources = slices.DeleteFunc(sources, func(v IntelView) bool {
		return v.Form != intel.ASource || len(of) > 0 && !slices.Contains(of, v.ID)
	})
	err = n.Store.View(ctx, func(tx store.Tx) error {
		all = nil
		for _, source := range sources[:min(importingLook, len(sources))] {
			said, err := n.brought(tx, source.ID, limit, []statement.Kind{intel.KindImport})
			if err != nil {
				return err
			}
			for _, one := range said {
				all = append(all, Imported{one, source})
			}
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b Imported) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Index, a.Index)) })
	return all[:min(limit, len(all))], err
}

// Lag is how far a feed that this party offers is behind what is here; nothing for what is no such feed, or has no subscriber.
func (n *Node) Lag(ctx context.Context, v IntelView) (catalogue.Lag, error) {
	if v.Form != intel.AFeed || v.By != n.Config.Code || v.Status != intel.Subscribed || len(v.To) != 1 {
		return catalogue.Lag{}, nil
	}
	return n.Catalogue.Behind(ctx, catalogue.Feed{Thread: v.ID, To: v.To[0], View: v.View})
}

// Passed is what became of one word on an object in a feed or share of this party's.
type Passed struct {
	catalogue.Passing
	Arrived statement.Time // there, with all that came with it; zero: it is not known that it has
}

// PassedOn tells what this party's feeds, among those that are named, have done with what is here on an object, and to whom it was said otherwise. more tells that there may be others. Error: fault.Denied.
func (n *Node) PassedOn(ctx context.Context, entries []catalogue.Entry, among []IntelView) (all []Passed, more bool, err error) {
	if err := n.Authorize(ctx, auth.Read, auth.Matter{}); err != nil {
		return nil, false, err
	}
	var feeds []catalogue.Feed
	for _, v := range among {
		if v.Form == intel.AFeed && v.By == n.Config.Code && len(v.To) == 1 {
			feeds = append(feeds, catalogue.Feed{Thread: v.ID, To: v.To[0], View: v.View})
		}
	}
	found, more, err := n.Catalogue.PassedOn(ctx, feeds, entries)
	if err != nil {
		return nil, false, err
	}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		all = nil
		for _, p := range found {
			one := Passed{Passing: p}
			if p.Went == catalogue.WentOut {
				a, err := tx.ArrivedAt(p.To, p.Row.Origin, store.BlobArrived, p.Row.Index)
				if err != nil && fault.CodeOf(err) != fault.NotFound {
					return err
				}
				one.Arrived = a.Time
			}
			all = append(all, one)
		}
		return nil
	})
	return all, more, err
}

// CameWith gives the heads of statements with which objects came. What is not here is left out.
func (n *Node) CameWith(ctx context.Context, objects []catalogue.Object) (heads map[statement.ID]*statement.Head, err error) {
	if len(objects) > maxHeadsOfHits {
		return nil, fault.New(fault.TooLarge, "", "at most %d objects are asked about at once", maxHeadsOfHits)
	}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		heads = map[statement.ID]*statement.Head{}
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		for _, o := range objects {
			id := o.Parcel.Content.Statement
			if heads[id] != nil {
				continue
			}
			h, err := headOf(tx, id)
			if fault.CodeOf(err) == fault.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			heads[id] = h
		}
		return nil
	})
	return heads, err
}

// OpenUpload opens what KeepUpload has kept, for the officer whose it is: who has no key has nothing. Errors: those of upload.Folder.Open.
func (n *Node) OpenUpload(f drafts.File) (io.ReadCloser, error) {
	if f.Upload == "" {
		return nil, fault.New(fault.NotFound, "", "this is no upload")
	}
	return n.uploads.Open(f.Upload, f.Key)
}
