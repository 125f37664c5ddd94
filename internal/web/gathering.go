package web

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of the pages of feeds and sightings.
const (
	lastParts = 50
	lastSeen  = 100
)

// gathering shows a source, feed or share by itself.
func (f *face) gathering(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := idOf(r, "id")
	if err != nil {
		return err
	}
	one, m, err := f.n.Intel(ctx, id)
	if err != nil {
		return err
	}
	s := f.shell(r, "intel.title", "intelligence")
	s.Live = true
	row, err := f.intelRow(ctx, s, one)
	if err != nil {
		return err
	}
	v := &page.Gathering{IntelRow: row, ID: id.String(), Form: string(one.Form), Ours: one.By == f.n.Config.Code, TLP: string(m.TLP), Thread: "/threads/" + id.String()}
	s.Title = v.Name
	s.Marked(v.TLP)
	made, _, err := f.n.Under(ctx, id)
	if err != nil {
		return err
	}
	if made != nil {
		v.Agreement = &page.Link{Text: orShort(made.Title.In(s.Code(), "en"), made.ID), Href: agreementHref(made.ID, "")}
	}
	if one.Offer != nil {
		v.Belongs = offerRows(s, one.Offer)
	}
	if !v.Ours || one.Form == intel.ASource {
		v.Objects = "/intelligence/search?source=" + id.String()
	}
	if one.Form == intel.ASource && one.Status == intel.Open && f.mayImport(ctx) {
		v.Import = "/intelligence/imports?source=" + id.String()
	}
	v.Lead = f.leads(s, one)
	if err := f.parts(ctx, s, v, one); err != nil {
		return err
	}
	if err := f.seenHere(ctx, s, v, one); err != nil {
		return err
	}
	if err := f.gatheringForms(r, s, v, id); err != nil {
		return err
	}
	return f.show(w, r, http.StatusOK, page.GatheringPage(s, v))
}

// leads is how it stands with a source, feed or share, in a sentence.
func (f *face) leads(s *page.Shell, v node.IntelView) string {
	other := ""
	if len(v.To) > 0 {
		other = string(v.To[0])
	}
	switch {
	case v.Form == intel.ASource:
		whose := "gathered"
		if v.View.Own {
			whose = "own"
		}
		return s.T("intel.lead.source."+string(v.Status), v.Objects) + " " + s.T("intel.lead.source."+whose)
	case v.Form == intel.AShare && v.By == f.n.Config.Code:
		return s.T("intel.lead.shared", v.Objects, s.List(texts(v.To)))
	case v.Form == intel.AShare:
		return s.T("intel.lead.share", v.Objects, string(v.By))
	case v.By == f.n.Config.Code:
		return s.T("intel.lead.given."+string(v.Status), v.Objects, other)
	}
	return s.T("intel.lead.got."+string(v.Status), v.Objects, string(v.By))
}

// parts are what came: the increments of a feed, the imports of a source.
func (f *face) parts(ctx context.Context, s *page.Shell, v *page.Gathering, one node.IntelView) error {
	said, err := f.n.Brought(ctx, one.ID, lastParts+1, intel.KindIncrement, intel.KindImport)
	if err != nil {
		return err
	}
	v.PartsMore = len(said) > lastParts
	for _, p := range said[:min(lastParts, len(said))] {
		row := page.PartRow{
			Href: v.Thread + "?until=" + p.ID.String() + "#s-" + p.ID.Short(), Title: cmp.Or(p.Title, p.ID.Short()), Time: p.Time.Std(), TLP: string(p.Marking.TLP),
			Ours: p.From == f.n.Config.Code, Gone: p.Body == "erased",
		}
		s.Marked(row.TLP)
		h := &statement.Head{Kind: p.Kind, Facts: p.Facts}
		if p.Kind == intel.KindIncrement {
			facts, err := thread.Facts[intel.Increment](h)
			if err != nil {
				continue
			}
			row.N, row.Objects, row.Held, row.More = facts.N, facts.Objects, held(facts.Held), facts.More
			row.Arrived = len(p.Delivered) > 0 && !slices.ContainsFunc(p.Delivered, func(d node.DeliveredView) bool { return d.Head.IsZero() || facts.Objects > 0 && d.Blobs.IsZero() })
		} else {
			facts, err := thread.Facts[intel.Import](h)
			if err != nil {
				continue
			}
			row.Objects = facts.Objects
		}
		v.Parts = append(v.Parts, row)
	}
	return nil
}

// seenHere is what was told of what came with a feed or share: by party, and object by object.
func (f *face) seenHere(ctx context.Context, s *page.Shell, v *page.Gathering, one node.IntelView) error {
	if one.Form == intel.ASource {
		return nil
	}
	v.Seen = f.tallies(one)
	hits, err := f.n.FindObjects(ctx, catalogue.Search{Type: "sighting", Thread: one.ID, Limit: lastSeen})
	if err != nil {
		return err
	}
	v.SeenMore = hits.More
	v.SeenObject, err = f.sightingRows(ctx, s, hits.Objects, nil)
	return err
}

// tallies are the sightings of a feed or share, added up by party.
func (f *face) tallies(v node.IntelView) (out []page.SeenRow) {
	for _, code := range slices.Sorted(maps.Keys(v.View.Seen)) {
		t := v.View.Seen[code]
		out = append(out, page.SeenRow{Party: string(code), Ours: code == f.n.Config.Code, Reports: t.Reports, Count: t.Count, First: moment(t.First), Last: moment(t.Last)})
	}
	return out
}

// sightingRows are sightings with what was seen, called by what it is called here; of one object and party together.
func (f *face) sightingRows(ctx context.Context, s *page.Shell, objects []catalogue.Object, all []node.IntelView) (out []page.SeenRow, err error) {
	heads, err := f.n.CameWith(ctx, objects)
	if err != nil {
		return nil, err
	}
	names := map[stix.ID]string{}
	var parsed []*stix.Object
	var ids []stix.ID
	for _, o := range objects {
		p, err := stix.Parse(o.Raw)
		if err != nil || p.Revoked || o.Parcel.Older.Has(o.Line) {
			p = nil
		}
		if parsed = append(parsed, p); p != nil && !slices.Contains(ids, p.SightingOf) {
			ids = append(ids, p.SightingOf)
		}
	}
	if len(ids) > 0 {
		found, err := f.n.Objects(ctx, catalogue.Query{IDs: ids})
		if err != nil {
			return nil, err
		}
		for _, o := range found.Objects {
			if p, err := stix.Parse(o.Raw); err == nil {
				names[p.ID], _ = objectName(s, p)
			}
		}
	}
	for i, p := range parsed {
		h := heads[objects[i].Parcel.Content.Statement]
		if p == nil || h == nil {
			continue
		}
		s.Marked(string(h.Marking.TLP))
		row := page.SeenRow{
			Party: string(h.From), Ours: h.From == f.n.Config.Code, Type: typeWord(s, typeOf(p.SightingOf)), Reports: 1, Count: max(1, int64(p.Count)), First: version(p.FirstSeen), Last: version(p.LastSeen),
			Object: &page.Link{Text: cmp.Or(names[p.SightingOf], string(p.SightingOf)), Href: objectHref(p.SightingOf)},
		}
		if i := slices.IndexFunc(all, func(v node.IntelView) bool { return v.ID == h.ThreadID() }); i >= 0 {
			row.Via = &page.Link{Text: intelName(s, all[i]), Href: intelHref(all[i].ID)}
		}
		out = together(out, row)
	}
	return out, nil
}

// together adds a sighting to those of the same party, object and feed.
func together(rows []page.SeenRow, one page.SeenRow) []page.SeenRow {
	i := slices.IndexFunc(rows, func(r page.SeenRow) bool {
		return r.Party == one.Party && r.Object.Href == one.Object.Href && (r.Via == one.Via || r.Via != nil && one.Via != nil && *r.Via == *one.Via)
	})
	if i < 0 {
		return append(rows, one)
	}
	r := &rows[i]
	r.Reports, r.Count = r.Reports+1, min(r.Count+one.Count, 1<<53-1)
	if !one.First.IsZero() && (r.First.IsZero() || one.First.Before(r.First)) {
		r.First = one.First
	}
	if one.Last.After(r.Last) {
		r.Last = one.Last
	}
	return rows
}

// gatheringForms are what may be said of it now, as on its thread's page.
func (f *face) gatheringForms(r *http.Request, s *page.Shell, v *page.Gathering, id thread.ID) error {
	ctx := r.Context()
	t, err := f.n.ThreadOf(ctx, id)
	if err != nil {
		return err
	}
	if !f.n.MayDraft(ctx) {
		e := page.FaultOf(s, f.n.Authorize(ctx, auth.Draft, auth.Matter{}))
		v.MayNot = &e
		return nil
	}
	made, grounds, err := f.n.Under(ctx, id)
	if err != nil {
		return err
	}
	b := &builder{f: f, s: s, in: &t, grounds: grounds, under: made}
	v.Forms, err = b.forms(ctx, r.URL.Query().Get("say"), nil)
	return err
}

// sightings shows what was seen of what this party gave, and what it told others.
func (f *face) sightings(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	all, err := f.n.Intelligence(ctx)
	if err != nil {
		return err
	}
	s := f.shell(r, "intel.sightings", "intelligence")
	s.Live = true
	v := &page.SightingsPage{}
	for _, one := range all {
		for _, row := range f.tallies(one) {
			row.Via = &page.Link{Text: intelName(s, one), Href: intelHref(one.ID)}
			if row.Ours {
				v.Told = append(v.Told, row)
			} else {
				v.Back = append(v.Back, row)
			}
		}
	}
	q := catalogue.Search{Type: "sighting", Limit: lastSeen}
	if q.After, err = catalogue.ParseMark(r.URL.Query().Get("after")); err != nil {
		return err
	}
	hits, err := f.n.FindObjects(ctx, q)
	if err != nil {
		return err
	}
	if v.Objects, err = f.sightingRows(ctx, s, hits.Objects, all); err != nil {
		return err
	}
	if hits.More {
		v.Next = "/intelligence/sightings?after=" + hits.Next.String()
	}
	if q.After != (catalogue.Mark{}) {
		v.First = "/intelligence/sightings"
	}
	return f.show(w, r, http.StatusOK, page.Sightings(s, v))
}
