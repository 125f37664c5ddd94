package node

import (
	"context"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// maxForMISP is how many objects are made into events at once: they are held in memory.
const maxForMISP = 1 << 20

// MISPEvents makes events of the objects that a query finds: those that came from MISP as they were, and what belongs to no event in one of its own, which frame describes. Each
// event is labelled at least as strictly as the statements with which its objects came. lost says what a reader of MISP does not see.
// Errors: those of Objects; fault.TooLarge.
func (n *Node) MISPEvents(ctx context.Context, q catalogue.Query, frame misp.Frame) (events []*misp.Event, lost []misp.Lost, err error) {
	var objects []*stix.Object
	came := map[stix.ID]marking.TLP{}
	labels := map[statement.ID]marking.TLP{}
	for more := true; more; {
		page, err := n.Objects(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		for _, o := range page.Objects {
			p, err := stix.Parse(o.Raw)
			if err != nil {
				return nil, nil, err
			}
			with := o.Parcel.Content.Statement
			if _, known := labels[with]; !known {
				if labels[with], err = n.labelOf(ctx, with); err != nil {
					return nil, nil, err
				}
			}
			if t := labels[with]; t.Rank() > came[p.ID].Rank() {
				came[p.ID] = t
			}
			objects = append(objects, p)
		}
		if len(objects) > maxForMISP {
			return nil, nil, fault.New(fault.TooLarge, "", "there are more than %d objects; ask for those of one thread", maxForMISP)
		}
		q.Added, more = page.Next, page.More
	}
	for _, group := range misp.Group(objects) {
		f := frame
		f.Tags = slices.Clone(frame.Tags)
		var strictest marking.TLP
		for _, o := range group {
			if t := came[o.ID]; !o.Type.Observable() && o.Type != "identity" && o.Type != "marking-definition" && t.Rank() > strictest.Rank() {
				strictest = t
			}
		}
		if strictest != "" {
			f.Tags = append(f.Tags, misp.TLPTag(strictest))
		}
		e, left, err := misp.FromSTIX(f, group)
		if err != nil {
			return nil, nil, err
		}
		events, lost = append(events, e), append(lost, left...)
	}
	return events, lost, nil
}

// labelOf is the label of a statement.
func (n *Node) labelOf(ctx context.Context, id statement.ID) (t marking.TLP, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		s, err := tx.Statement(id)
		if err != nil {
			return err
		}
		h, err := statement.Reread(s.ID, s.Head)
		if err != nil {
			return err
		}
		t = h.Marking.TLP
		return nil
	})
	return t, err
}
