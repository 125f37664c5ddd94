package node

import (
	"context"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// maxForMISP is how many objects are made into events at once: they are held in memory.
const maxForMISP = 1 << 20

// MISPEvents makes events of the objects that a query finds: those that came from MISP as they were, and what belongs to no event in one of its own, which frame describes. Each
// event is marked at least as strictly as the statements with which its objects came. lost says what a reader of MISP does not see.
// Errors: those of Objects; fault.TooLarge.
func (n *Node) MISPEvents(ctx context.Context, q catalogue.Query, frame misp.Frame) (events []*misp.Event, lost []misp.Lost, err error) {
	var threads []thread.ID
	objects := map[thread.ID][]*stix.Object{}
	held := 0
	came := map[stix.ID]marking.Marking{}
	marked := map[statement.ID]marking.Marking{}
	err = n.EachObject(ctx, q, func(o catalogue.Object) error {
		if held++; held > maxForMISP {
			return fault.New(fault.TooLarge, "", "there are more than %d objects; ask for those of one thread", maxForMISP)
		}
		p, err := stix.Parse(o.Raw)
		if err != nil {
			return err
		}
		with := o.Parcel.Content.Statement
		if _, known := marked[with]; !known {
			if marked[with], err = n.markingOf(ctx, with); err != nil {
				return err
			}
		}
		came[p.ID] = marking.Combine(came[p.ID], marked[with])
		// By thread: whoever else names an event in what he gives puts nothing into it.
		t := o.Parcel.Thread
		if objects[t] == nil {
			threads = append(threads, t)
		}
		objects[t] = append(objects[t], p)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, t := range threads {
		f := frame
		f.UUID = misp.UUID(stix.DeriveID("report", [16]byte(t[:16]), []byte(frame.UUID)).UUID())
		for _, group := range misp.Group(objects[t]) {
			f.Tags = markedAs(frame.Tags, group, came)
			e, left, err := misp.FromSTIX(f, group)
			if err != nil {
				return nil, nil, err
			}
			events, lost = append(events, e), append(lost, left...)
		}
	}
	return latest(events), lost, nil
}

// markedAs is tags with the strictest marking of what is in a group. In an event that came from MISP observables are attributes, and these are marked as the event and themselves say.
func markedAs(tags []misp.Tag, group []*stix.Object, came map[stix.ID]marking.Marking) []misp.Tag {
	// spec: INT-9
	born := slices.ContainsFunc(group, func(o *stix.Object) bool { return misp.EventOf(o) != "" })
	var strictest marking.Marking
	for _, o := range group {
		if born && o.Type.Observable() || o.Type == "identity" || o.Type == "marking-definition" || o.Type == "extension-definition" {
			continue
		}
		strictest = marking.Combine(strictest, came[o.ID])
	}
	return misp.Mark(tags, strictest)
}

// latest keeps of several events with one uuid the last, of which there is most.
func latest(events []*misp.Event) (kept []*misp.Event) {
	at := map[misp.UUID]int{}
	for _, e := range events {
		i, twice := at[e.UUID]
		if !twice {
			at[e.UUID] = len(kept)
			kept = append(kept, e)
			continue
		}
		size := func(e *misp.Event) int { return len(e.Attributes) + len(e.Objects) + len(e.Reports) }
		if c := e.Timestamp.Compare(kept[i].Timestamp); c > 0 || c == 0 && size(e) > size(kept[i]) {
			kept[i] = e
		}
	}
	return kept
}
