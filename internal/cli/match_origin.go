package cli

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// maxDays bounds the days on which one indicator is counted by itself; what comes on others counts without a day. Whoever writes a log chooses its times.
const maxDays = 400

// rowSeen counts how often a row was seen, by day.
type rowSeen struct {
	count       int64
	first, last time.Time
	days        map[int64]*daySeen // by days since 1970
}

// daySeen is what was seen on a day of UTC; "" is for records that say no time.
type daySeen struct {
	Day   string    `json:"day,omitzero"`
	Count int64     `json:"count"`
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// within notes a time.
func within(first, last *time.Time, at time.Time) {
	if at.IsZero() {
		return
	}
	if first.IsZero() || at.Before(*first) {
		*first = at
	}
	if at.After(*last) {
		*last = at
	}
}

func (r *rowSeen) add(at time.Time, byDay bool) {
	r.count++
	within(&r.first, &r.last, at)
	if !byDay {
		return
	}
	const none = math.MinInt64
	day := int64(none)
	if !at.IsZero() {
		day = int64(math.Floor(float64(at.Unix()) / (24 * 60 * 60)))
	}
	if r.days == nil {
		r.days = map[int64]*daySeen{}
	}
	d := r.days[day]
	if d == nil && len(r.days) >= maxDays {
		day, at = none, time.Time{}
		d = r.days[day]
	}
	if d == nil {
		d = &daySeen{}
		if day != none {
			d.Day = at.UTC().Format(time.DateOnly)
		}
		r.days[day] = d
	}
	d.Count++
	within(&d.First, &d.Last, at)
}

// sorted are the days, the first first.
func (r *rowSeen) sorted() (all []daySeen) {
	for _, d := range r.days {
		all = append(all, *d)
	}
	slices.SortFunc(all, func(a, b daySeen) int { return cmp.Compare(a.Day, b.Day) })
	return all
}

// originView is an object of the catalogue by which something was found.
type originView struct {
	Object  stix.ID        `json:"object"`
	Version stix.Timestamp `json:"version,omitzero"`
	Name    string         `json:"name,omitzero"`
	From    party.Code     `json:"from"`   // who gave it
	Thread  thread.ID      `json:"thread"` // in which source, feed or share
	With    statement.ID   `json:"with"`   // by which statement
	TLP     marking.TLP    `json:"tlp"`    // of that
	Count   int64          `json:"count,omitzero"`
	Seen    []daySeen      `json:"seen,omitempty"` // by day: what comity intel sight takes of it

	entry *catalogue.Entry
	row   *rowSeen
}

func viewOrigin(e *catalogue.Entry) originView {
	return originView{
		Object: e.Parsed.ID, Version: e.Parsed.Version(), Name: e.Parsed.Name, From: e.Statement.From, Thread: e.Parcel.Thread, With: e.Statement.ID, TLP: e.Statement.Marking.TLP, entry: e,
	}
}

// where tells people where an indicator came from.
func (x *finding) where() (all []string) {
	for _, o := range x.Origins {
		all = append(all, string(o.From)+" under TLP:"+string(o.TLP)+" in "+o.Thread.Short()+": "+string(o.Object))
	}
	for _, s := range x.Sources {
		if !slices.ContainsFunc(x.Origins, func(o originView) bool { return string(o.Object) == s }) {
			all = append(all, s)
		}
	}
	return all
}

// resolve finds out where everything came from. What has gone from the catalogue while logs were read is not reported.
func (f *findings) resolve(ctx context.Context) error {
	var ids []uint32
	for _, x := range f.all {
		for id := range x.rows {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	all, err := f.from.Resolve(ctx, slices.Compact(ids))
	if err != nil {
		return err
	}
	for k, x := range f.all {
		for _, id := range slices.Sorted(maps.Keys(x.rows)) {
			o, ok := all[id]
			if !ok {
				delete(x.rows, id)
				continue
			}
			r := x.rows[id]
			if len(x.Sources) < maxSources && !slices.Contains(x.Sources, o.Name) {
				x.Sources = append(x.Sources, o.Name)
			}
			if o.Entry != nil {
				v := viewOrigin(o.Entry)
				v.Count, v.Seen, v.row = r.count, r.sorted(), r
				x.Origins = append(x.Origins, v)
			}
		}
		if len(x.rows) == 0 {
			f.drop(k, x)
			continue
		}
		slices.SortFunc(x.Origins, func(a, b originView) int {
			return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Thread.String(), b.Thread.String()))
		})
	}
	return nil
}

// drop forgets a finding.
func (f *findings) drop(k foundKey, x *finding) {
	delete(f.all, k)
	if x.Allowed == "" {
		f.stats.Found -= x.Count
	} else {
		f.stats.Allowed -= x.Count
	}
}

// sightings are what comity intel sight tells, of findings as comity match --json has written them.
func sightings(all []*finding) (seen []node.Seen) {
	for _, x := range all {
		if x.Allowed != "" {
			continue
		}
		for _, o := range x.Origins {
			for _, d := range o.Seen {
				s := node.Seen{Object: o.Object, Thread: o.Thread, Count: d.Count}
				if !d.First.IsZero() {
					s.First, s.Last = statement.TimeOf(d.First), statement.TimeOf(d.Last)
				}
				s.Count = min(s.Count, maxSightings)
				seen = append(seen, s)
			}
		}
	}
	return merged(seen)
}
