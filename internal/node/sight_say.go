package node

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// say decides on each group, and says it where that is wanted and may be.
func (t *telling) say() error {
	for _, g := range t.order {
		var err error
		if g.Own {
			err = t.keepOwn(g)
		} else {
			err = t.tell(g)
		}
		t.report.Told = append(t.report.Told, g.ToldSighting)
		if err != nil {
			return err
		}
	}
	return nil
}

// draft is the statement of a group.
func (t *telling) draft(g *sightGroup) (exchange.Draft, error) {
	f := intel.Sighting{Objects: g.Objects, Count: g.Count, First: g.First, Last: g.Last, Purpose: g.purpose}
	facts, err := marshal(f)
	d := exchange.Draft{Thread: g.Thread, Kind: intel.KindSighting, Marking: g.marking, By: t.s.By, Facts: facts}
	for i, p := range slices.Concat(g.parcels, [][]byte{g.open}) {
		d.Blobs = append(d.Blobs, exchange.Attachment{Name: strconv.Itoa(i+1) + ".jsonl", Type: intel.ParcelType, Raw: p})
	}
	return d, err
}

// tell says a group to whoever gave its objects. What is refused is told with the reason, and keeps nothing else back.
func (t *telling) tell(g *sightGroup) error {
	d, err := t.draft(g)
	if err != nil {
		return err
	}
	p, err := t.n.Exchange.Propose(t.ctx, d)
	if err != nil {
		return g.refused(err)
	}
	v := ViewVerdict(p.Verdict)
	g.To, g.Verdict, g.Approval = p.Head.To, &v, t.n.asksApproval(p)
	switch {
	case !v.Permitted:
		g.Withheld = v.Reason
		return nil
	case g.Approval != "":
		return t.hand(g, d)
	case t.s.Preview:
		return nil
	}
	said, err := t.n.Say(t.ctx, d)
	if err != nil {
		return g.refused(err)
	}
	g.Said = said.ID
	return nil
}

// refused notes why a group was not said; what is no refusal ends it all.
func (g *sightGroup) refused(err error) error {
	switch fault.CodeOf(err) {
	case fault.Denied: // an agreement or a caveat, or that a second officer is wanted; not that this officer may not
		if denial := (*exchange.Denial)(nil); !errors.As(err, &denial) && fault.ClauseOf(err) != "DEC-10" {
			return err
		}
		g.Withheld = fault.Show(err)
		return nil
	case fault.Inadmissible, fault.Unknown, fault.Revoked, fault.NotFound:
		g.Withheld = fault.Show(err)
		return nil
	}
	return err
}

// hand gives a group to a second officer, as a draft. One that waits in the same thread already is not followed by another.
func (t *telling) hand(g *sightGroup, d exchange.Draft) error {
	all, err := t.n.Drafts(t.ctx)
	if err != nil {
		return g.refused(err)
	}
	for _, w := range all {
		if w.Thread == g.Thread && w.Kind == intel.KindSighting {
			g.Draft, g.Withheld = w.ID, "a draft that tells of sightings in this thread waits already"
			return nil
		}
	}
	if t.s.Preview {
		return nil
	}
	var files []drafts.File
	drop := func(err error) error {
		t.n.DropUploads(files)
		return g.refused(err)
	}
	for _, b := range d.Blobs {
		f, err := t.n.KeepUpload(t.ctx, Upload{Name: b.Name, Type: b.Type, Data: bytes.NewReader(b.Raw)}, intel.MaxParcelBytes)
		if err != nil {
			return drop(err)
		}
		files = append(files, f)
	}
	d.Blobs = nil
	w, err := t.n.NewDraft(t.ctx, d, files)
	if err != nil {
		return drop(err)
	}
	g.Draft = w.ID
	if _, _, err := t.n.SubmitDraft(t.ctx, g.Draft); err != nil {
		return g.refused(err)
	}
	return nil
}

// keepOwn keeps sightings of what this party has gathered itself, in a source that nobody else sees.
func (t *telling) keepOwn(g *sightGroup) error {
	source, err := t.n.Source(t.ctx, sourceOfSightings)
	missing := fault.CodeOf(err) == fault.NotFound
	if err != nil && !missing {
		return g.refused(err)
	}
	g.Thread = source.ID
	if t.s.Preview {
		return nil
	}
	if missing {
		if g.Thread, err = t.n.OpenSource(t.ctx, intel.Source{Name: sourceOfSightings, Format: "stix", Own: true}, g.marking, t.s.By); err != nil {
			return g.refused(err)
		}
	}
	report, err := t.n.Import(t.ctx, catalogue.Source{Thread: g.Thread, By: t.s.By, Marking: g.marking}, items(g.objects), catalogue.ImportOptions{})
	if err != nil {
		return g.refused(err)
	}
	if len(report.Said) > 0 {
		g.Said = report.Said[len(report.Said)-1]
	}
	return nil
}

// items gives objects as they would be read.
func items(objects []*stix.Object) iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		for i, o := range objects {
			if !yield(stix.Item{Index: i, Object: o}, nil) {
				return
			}
		}
	}
}

// SightingsOf adds up, for an officer, what each party has told of how often an object was seen.
func (n *Node) SightingsOf(ctx context.Context, id stix.ID) (seen []catalogue.Seen, more bool, err error) {
	v, err := n.AtDesk(ctx)
	if err != nil {
		return nil, false, err
	}
	return n.Catalogue.Sightings(ctx, v, id)
}

// EachParcel gives an officer all parcels of a thread, or of everything: see catalogue.EachParcel.
func (n *Node) EachParcel(ctx context.Context, of statement.ID, yield func(catalogue.Text) error) error {
	v, err := n.AtDesk(ctx)
	if err != nil {
		return err
	}
	return n.Catalogue.EachParcel(ctx, v, of, yield)
}

// ObjectsAt gives an officer lines of a parcel: see catalogue.At.
func (n *Node) ObjectsAt(ctx context.Context, parcel int64, lines ...int) (map[int]catalogue.Entry, error) {
	v, err := n.AtDesk(ctx)
	if err != nil {
		return nil, err
	}
	return n.Catalogue.At(ctx, v, parcel, lines...)
}
