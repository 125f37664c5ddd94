package catalogue

import (
	"cmp"
	"context"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Text is a parcel with what is in it.
type Text struct {
	store.Parcel
	Raw  []byte
	Head *statement.Head // with which it came
}

// Lines calls yield with each line that the parcel has to show in its last version, and its number. Of Shared ones At alone tells whether another marking has a later one.
func (t Text) Lines(yield func(n int, line []byte) bool) {
	lines(t.Raw, func(n, _ int, line []byte) bool {
		if n >= t.Objects || t.Hidden.Has(n) || t.Older.Has(n) {
			return n < t.Objects
		}
		return yield(n, line)
	})
}

// EachParcel gives all parcels of a source, feed or share, or of everything, in the order in which they came, as far as the viewer may see them. No more than four are in memory; an error of
// yield ends it.
func (c *Catalogue) EachParcel(ctx context.Context, v Viewer, of thread.ID, yield func(Text) error) error {
	// spec: INT-9
	const atOnce = 4
	for after := int64(0); ; {
		var round []Text
		last := true
		err := c.Store.View(ctx, func(tx store.Tx) error {
			round = nil
			parcels, err := tx.Parcels(store.ParcelQuery{Thread: of, After: after, Limit: atOnce})
			if err != nil || len(parcels) == 0 {
				return err
			}
			last = len(parcels) < atOnce
			for _, p := range parcels {
				text, err := c.parcelText(tx, v, p, read)
				if err != nil {
					return err
				}
				round = append(round, text)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, t := range round {
			if after = t.No; t.Raw == nil {
				continue
			}
			if err := yield(t); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// parcelText reads a parcel; Raw is nil where the viewer gets nothing of it, or it was erased.
func (c *Catalogue) parcelText(tx store.Tx, v Viewer, p store.Parcel, read func(tx store.Tx, ref store.ContentRef) ([]byte, error)) (Text, error) {
	may, err := c.sees(tx, v, statementOf(p))
	if err != nil || !may || p.Objects == 0 {
		return Text{Parcel: p}, err
	}
	raw, err := read(tx, p.Content)
	if code := fault.CodeOf(err); code == fault.Withheld || code == fault.NotFound {
		return Text{Parcel: p}, nil
	}
	if err != nil {
		return Text{Parcel: p}, err
	}
	head, err := headOf(tx, statementOf(p))
	return Text{p, raw, head}, err
}

// At gives lines of a parcel with their heads, by number: those that are still there, are for the viewer, and of which the same thread has no later version, however that is marked.
func (c *Catalogue) At(ctx context.Context, v Viewer, parcel int64, numbers ...int) (found map[int]Entry, err error) {
	// spec: INT-9
	err = c.Store.View(ctx, func(tx store.Tx) error {
		found = map[int]Entry{}
		p, err := tx.Parcel(parcel)
		if fault.CodeOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := c.parcelText(tx, v, p, c.content)
		if err != nil || text.Raw == nil {
			return err
		}
		l := look{c: c, tx: tx, q: Query{For: v, Thread: p.Thread}, h: c.hasher()}
		text.Lines(func(n int, line []byte) bool {
			if !slices.Contains(numbers, n) {
				return true
			}
			e := Entry{Object: Object{Raw: line, Added: p.First + int64(n), Parcel: p, Line: n}, Statement: text.Head, Latest: true}
			var failed error
			if e.Parsed, failed = l.parser.Parse(line); failed != nil {
				return true
			}
			if p.Shared.Has(n) {
				e.Latest, err = l.last(e)
			}
			if e.Latest {
				found[n] = e
			}
			return err == nil
		})
		return err
	})
	return found, err
}

// last tells whether an entry is the last version of its thread.
func (l *look) last(e Entry) (bool, error) {
	k, err := l.versions(e.Parsed.ID)
	if err != nil || len(k.all) == 0 {
		return true, err
	}
	newest := k.all[len(k.all)-1]
	return newest.Parcel == e.Parcel.No && newest.Line == e.Line, nil
}

// Came lists all that the viewer may see of an object in its last version, once for each thread in which it came.
func (c *Catalogue) Came(ctx context.Context, v Viewer, id stix.ID) (all []Entry, err error) {
	// spec: INT-9
	err = c.Store.View(ctx, func(tx store.Tx) error {
		all = nil
		l := look{c: c, tx: tx, q: Query{For: v}, h: c.hasher()}
		entries, _, err := l.entries(byID, id, maxVersions)
		if err != nil {
			return err
		}
		newest := map[thread.ID]int{}
		for _, e := range entries {
			i, ok := newest[e.Parcel.Thread]
			switch {
			case e.Parsed.ID != id:
			case !ok:
				newest[e.Parcel.Thread] = len(all)
				all = append(all, e)
			case e.Parsed.Version().Compare(all[i].Parsed.Version()) > 0:
				all[i] = e
			}
		}
		return nil
	})
	return all, err
}

// Own gives the newest version of each object of these that this party has said itself, in whatever thread.
func (c *Catalogue) Own(ctx context.Context, ids ...stix.ID) (own map[stix.ID]*stix.Object, err error) {
	err = c.Store.View(ctx, func(tx store.Tx) error {
		own = map[stix.ID]*stix.Object{}
		l := look{c: c, tx: tx, q: Query{For: Viewer{Officer: true}}, h: c.hasher()}
		for _, id := range ids {
			entries, _, err := l.entries(byID, id, maxVersions)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if e.Statement.From != c.Self || e.Parsed.ID != id {
					continue
				}
				if o := own[id]; o == nil || e.Parsed.Version().Compare(o.Version()) > 0 {
					own[id] = e.Parsed
				}
			}
		}
		return nil
	})
	return own, err
}

// maxSightingsOf bounds the sightings of one object that are added up.
const maxSightingsOf = 5000

// Seen is what one party has told of how often an object was seen.
type Seen struct {
	Party     party.Code     `json:"party"`     // who said it
	Sightings int            `json:"sightings"` // of which it is the sum
	Count     int64          `json:"count"`     // at most 2^53−1; a sighting that says no number counts as one
	First     stix.Timestamp `json:"first,omitzero"`
	Last      stix.Timestamp `json:"last,omitzero"`
}

// Sightings adds up what each party has told of an object, by party: of each sighting its last version, unless that is revoked. more tells that there are others than were looked at.
func (c *Catalogue) Sightings(ctx context.Context, v Viewer, id stix.ID) (all []Seen, more bool, err error) {
	// spec: INT-8, INT-9
	type word struct {
		party party.Code
		id    stix.ID
	}
	err = c.Store.View(ctx, func(tx store.Tx) error {
		l := look{c: c, tx: tx, q: Query{For: v}, h: c.hasher()}
		entries, beyond, err := l.entries(byRef, id, maxSightingsOf)
		if err != nil {
			return err
		}
		all, more = nil, beyond > 0
		newest := map[word]*stix.Object{}
		for _, e := range entries {
			k := word{e.Statement.From, e.Parsed.ID}
			if e.Parsed.Type != "sighting" || e.Parsed.SightingOf != id {
				continue
			}
			if o := newest[k]; o == nil || e.Parsed.Version().Compare(o.Version()) > 0 {
				newest[k] = e.Parsed
			}
		}
		for k, o := range newest {
			if o.Revoked {
				continue
			}
			i := slices.IndexFunc(all, func(s Seen) bool { return s.Party == k.party })
			if i < 0 {
				i, all = len(all), append(all, Seen{Party: k.party})
			}
			all[i].add(o)
		}
		slices.SortFunc(all, func(a, b Seen) int { return cmp.Compare(a.Party, b.Party) })
		return nil
	})
	return all, more, err
}

// add adds one sighting.
func (s *Seen) add(o *stix.Object) {
	const most = 1<<53 - 1
	n := int64(o.Count)
	if n < 0 {
		n = 1
	}
	s.Sightings, s.Count = s.Sightings+1, min(s.Count+n, most)
	if o.FirstSeen != "" && (s.First == "" || o.FirstSeen.Compare(s.First) < 0) {
		s.First = o.FirstSeen
	}
	last := o.LastSeen
	if last == "" {
		last = o.FirstSeen
	}
	if last != "" && (s.Last == "" || last.Compare(s.Last) > 0) {
		s.Last = last
	}
}
