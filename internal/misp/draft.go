package misp

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// draft is the shelf that comes next. What fails leaves it as it was before the parcel at which it failed, so it is gone on with and not begun anew.
type draft struct {
	shelf
	from   *catalogue.Catalogue
	names  func(context.Context) (map[thread.ID]node.IntelView, error)
	own    map[int64]bool // rows that no shelf that was given out has
	late   map[int64]*row // what is known of parcels that have not come yet
	titles map[thread.ID]node.IntelView

	begun, loaded bool
	after         int64 // the parcel to which the first look has come
}

// load looks at every parcel once.
func (d *draft) load(ctx context.Context) (err error) {
	if !d.begun {
		if d.last, err = d.from.LastChange(ctx); err != nil {
			return err
		}
		d.begun = true
	}
	for !d.loaded {
		page, more, err := d.from.Shelf(ctx, d.after)
		if err != nil {
			return err
		}
		if err := d.learn(ctx, page); err != nil {
			return err
		}
		for _, p := range page {
			if err := d.put(ctx, p); err != nil {
				return err
			}
			d.after = p.No
		}
		d.loaded = !more
	}
	return nil
}

// learn finds out what the threads of parcels are called.
func (d *draft) learn(ctx context.Context, page []catalogue.Shelved) (err error) {
	if slices.ContainsFunc(page, func(p catalogue.Shelved) bool { _, known := d.titles[p.Thread]; return !known }) {
		if d.titles, err = d.names(ctx); err != nil {
			d.titles = map[thread.ID]node.IntelView{}
		}
	}
	return err
}

// row is a row that may be changed: what was given out is copied. Of a parcel that has not come yet it is kept until then.
func (d *draft) row(no int64) *row {
	r := d.rows[no]
	switch {
	case r == nil:
		if d.late[no] == nil {
			d.late[no] = &row{}
		}
		return d.late[no]
	case !d.own[no]:
		kept := *r
		kept.born, kept.moved, kept.claimed = slices.Clone(r.born), maps.Clone(r.moved), maps.Clone(r.claimed)
		r = &kept
		d.rows[no], d.own[no] = r, true
	}
	return r
}

// found is what a look at a parcel brings.
type found struct {
	ids     map[int]stix.ID // by line
	born    store.Lines
	silent  store.Lines
	carries []carried
	sights  []sightOf
	claims  []catalogue.Mark // elsewhere
}

// sightOf is a sighting: of an event of MISP's, or of what lies at a mark.
type sightOf struct {
	event string
	at    catalogue.Mark
	added int64
}

// put takes a parcel that is new, or is another than it was. Nothing is changed before all that it takes is read.
func (d *draft) put(ctx context.Context, p catalogue.Shelved) error {
	var before, born store.Lines
	old := d.rows[p.No]
	var f *found
	var err error
	if old != nil {
		before, born = old.Older, old.born
	} else {
		if f, err = d.look(ctx, p); err != nil {
			return err
		}
		born = f.born
	}
	places, err := d.newer(ctx, p, before, born, f)
	if err != nil {
		return err
	}
	if old == nil {
		r := d.row(p.No) // with what others said of it
		delete(d.late, p.No)
		d.rows[p.No], d.own[p.No] = r, true
		r.Shelved = p
		d.take(r, f)
	} else {
		d.row(p.No).Shelved = p
	}
	for _, all := range places {
		for _, at := range all[1:] {
			d.move(at, all[0])
		}
	}
	return nil
}

// take notes what a look at a parcel brought.
func (d *draft) take(r *row, f *found) {
	r.born, r.silent, r.carries, r.claims = f.born, f.silent, f.carries, f.claims
	for _, m := range f.claims {
		d.claimed(m, 1)
	}
	for _, c := range f.carries {
		d.events[c.uuid] = append(slices.Clip(d.events[c.uuid]), c)
	}
	for _, s := range f.sights {
		event := cmp.Or(s.event, d.eventAt(s.at))
		if event == "" {
			continue
		}
		seen := sighted{r.No, s.added, r.Content.Statement, r.Thread}
		all := slices.Clone(d.seen[event])
		if i := slices.IndexFunc(all, func(x sighted) bool { return x.parcel == r.No }); i >= 0 {
			all[i] = seen
		} else {
			all, r.sights = append(all, seen), append(r.sights, event)
		}
		d.seen[event] = all
	}
}

// claimed notes that one parcel more, or less, claims what lies at a mark.
func (d *draft) claimed(at catalogue.Mark, n int) {
	r := d.row(at.Parcel)
	if r.claimed == nil {
		r.claimed = map[int]int{}
	}
	r.claimed[at.Line] += n
}

// look reads a parcel once.
func (d *draft) look(ctx context.Context, p catalogue.Shelved) (*found, error) {
	all, err := d.from.Lines(ctx, catalogue.Viewer{Officer: true}, p.No)
	if err != nil {
		return nil, err
	}
	f := &found{ids: map[int]stix.ID{}}
	var parser stix.Parser
	at, named := map[stix.ID]int{}, map[stix.ID]bool{}
	for _, o := range all {
		parsed, err := parser.Parse(o.Raw)
		if err != nil {
			continue
		}
		at[parsed.ID], f.ids[o.Line] = o.Line, parsed.ID
		if from := eventOf(parsed); from != "" {
			f.born = f.born.Add(o.Line)
			for _, id := range parsed.Refs() {
				if id.Type().Observable() {
					named[id] = true
				}
			}
			if head := headOf(parsed); head != nil {
				f.carries = append(f.carries, carried{
					Entry: head.Entry(), uuid: from, report: parsed.ID, parcel: p.No, added: o.Added, version: parsed.Version(), with: p.Content.Statement, thread: p.Thread, from: p.From,
				})
			}
		}
		if parsed.Type == "sighting" && parsed.SightingOf != "" {
			if err := d.sight(ctx, f, o.Added, parsed.SightingOf); err != nil {
				return nil, err
			}
		}
		if silent(parsed.Type) {
			f.silent = f.silent.Add(o.Line)
		}
	}
	return f, d.claim(ctx, p, f, at, named)
}

// claim takes observables that attributes of MISP's became out of the events of parcels: they are shown as these attributes, to whoever sees both. What is marked otherwise stays where it is.
func (d *draft) claim(ctx context.Context, p catalogue.Shelved, f *found, at map[stix.ID]int, named map[stix.ID]bool) error {
	for id := range named {
		if line, here := at[id]; here {
			f.born = f.born.Add(line)
			continue
		}
		places, err := d.from.Places(ctx, p.Thread, id)
		if err != nil {
			return err
		}
		for _, q := range places {
			if q.Class == p.Class {
				f.claims = append(f.claims, q.Mark)
			}
		}
	}
	return nil
}

// sight finds what was seen.
func (d *draft) sight(ctx context.Context, f *found, added int64, of stix.ID) error {
	newest, err := d.from.Newest(ctx, catalogue.Viewer{Officer: true}, thread.ID{}, []stix.ID{of})
	if err != nil || len(newest) == 0 {
		return err
	}
	o := newest[0]
	parsed, err := stix.Parse(o.Raw)
	if err != nil {
		return nil // it is shown to nobody
	}
	f.sights = append(f.sights, sightOf{eventOf(parsed), catalogue.Mark{Parcel: o.Parcel.No, Line: o.Line}, added})
	return nil
}

// newer gives, for each line that has become older, where the versions of its object lie under the same marking, the first that came first.
func (d *draft) newer(ctx context.Context, p catalogue.Shelved, before, born store.Lines, f *found) (places [][]catalogue.Mark, err error) {
	for i := range p.Objects {
		if !p.Older.Has(i) || before.Has(i) || born.Has(i) {
			continue
		}
		if f == nil {
			if f, err = d.idsIn(ctx, p); err != nil {
				return nil, err
			}
		}
		id, ok := f.ids[i]
		if !ok {
			continue
		}
		all, err := d.from.Places(ctx, p.Thread, id)
		if err != nil {
			return nil, err
		}
		var marks []catalogue.Mark
		for _, at := range all {
			if at.Class == p.Class {
				marks = append(marks, at.Mark)
			}
		}
		if len(marks) > 1 {
			places = append(places, marks)
		}
	}
	return places, nil
}

// idsIn reads which objects a parcel has.
func (d *draft) idsIn(ctx context.Context, p catalogue.Shelved) (*found, error) {
	all, err := d.from.Lines(ctx, catalogue.Viewer{Officer: true}, p.No)
	f := &found{ids: map[int]stix.ID{}}
	var parser stix.Parser
	for _, o := range all {
		if parsed, err := parser.Parse(o.Raw); err == nil {
			f.ids[o.Line] = parsed.ID
		}
	}
	return f, err
}

// move shows what lies at one mark in the event of the parcel of another.
func (d *draft) move(at, home catalogue.Mark) {
	r := d.row(at.Parcel)
	if was, ok := r.moved[at.Line]; ok {
		if was == home {
			return
		}
		d.row(was.Parcel).guests--
	}
	if r.moved == nil {
		r.moved = map[int]catalogue.Mark{}
	}
	r.moved[at.Line] = home
	d.row(home.Parcel).guests++
}

// stay shows it where it lies again.
func (d *draft) stay(at catalogue.Mark) {
	r := d.row(at.Parcel)
	if home, ok := r.moved[at.Line]; ok {
		delete(r.moved, at.Line)
		d.row(home.Parcel).guests--
	}
}

// drop forgets a parcel.
func (d *draft) drop(no int64) {
	r := d.rows[no]
	if r == nil {
		delete(d.late, no)
		return
	}
	for line := range maps.Clone(r.moved) {
		d.stay(catalogue.Mark{Parcel: no, Line: line})
	}
	if r.guests > 0 {
		d.rehome(no, r.Thread)
	}
	for _, m := range r.claims {
		d.claimed(m, -1)
	}
	delete(d.rows, no)
	delete(d.own, no)
	for _, c := range r.carries {
		left := slices.DeleteFunc(slices.Clone(d.events[c.uuid]), func(o carried) bool { return o.parcel == no })
		if d.events[c.uuid] = left; len(left) == 0 {
			delete(d.events, c.uuid)
		}
	}
	for _, event := range r.sights {
		left := slices.DeleteFunc(slices.Clone(d.seen[event]), func(o sighted) bool { return o.parcel == no })
		if d.seen[event] = left; len(left) == 0 {
			delete(d.seen, event)
		}
	}
}

// rehome shows what was shown in a parcel that is gone where the next version of it lies.
func (d *draft) rehome(no int64, in thread.ID) {
	orphans := map[catalogue.Mark][]catalogue.Mark{}
	for at, r := range d.rows {
		if r.Thread != in {
			continue
		}
		for line, home := range r.moved {
			if home.Parcel == no {
				orphans[home] = append(orphans[home], catalogue.Mark{Parcel: at, Line: line})
			}
		}
	}
	for _, all := range orphans {
		slices.SortFunc(all, func(a, b catalogue.Mark) int {
			return cmp.Or(cmp.Compare(a.Parcel, b.Parcel), cmp.Compare(a.Line, b.Line))
		})
		d.stay(all[0])
		for _, at := range all[1:] {
			d.move(at, all[0])
		}
	}
}
