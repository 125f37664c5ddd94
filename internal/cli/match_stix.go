package cli

import (
	"fmt"
	"time"

	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/stix"
)

// matchNamespace makes the ids of what is found: the same indicator has the same id in every run, so that sightings of it meet.
var matchNamespace = [16]byte{0x8e, 0x0d, 0x3b, 0x52, 0x6f, 0x0c, 0x4d, 0x2a, 0x9b, 0x41, 0x57, 0x7c, 0x1d, 0x6a, 0x90, 0x3e}

// maxSightings is the greatest count that a sighting may have (STIX 2.1, 5.3).
const maxSightings = 999_999_999

// printBundle prints findings as a bundle of indicators and sightings: how often and when, and nothing of the logs. What came from the catalogue stands there as it came.
func (s *session) printBundle(f *findings) error {
	b := bundling{now: stix.At(s.now()), known: map[string]bool{}}
	for _, x := range f.sorted() {
		for _, o := range x.Origins {
			if k := string(o.Object) + string(o.Version); !b.known[k] {
				b.known[k] = true
				b.objects = append(b.objects, o.entry.Parsed)
			}
			if err := b.sighting(o.Object, o.entry.Parsed.Markings, o.row.count, o.row.first, o.row.last); err != nil {
				return err
			}
		}
		if len(x.Origins) > 0 {
			continue
		}
		if err := b.listed(x); err != nil {
			return err
		}
	}
	return s.printObjects(b.objects, stix.DeriveID("bundle", matchNamespace, fmt.Append(nil, b.now, b.objects)))
}

// bundling is a bundle in the making.
type bundling struct {
	now     stix.Timestamp
	known   map[string]bool
	objects []*stix.Object
}

// listed makes an indicator of what stood on a list.
func (b *bundling) listed(x *finding) error {
	pattern := match.PatternOf(x.kind, x.Indicator)
	id := stix.DeriveID("indicator", matchNamespace, []byte(pattern))
	first := b.now
	if !x.First.IsZero() {
		first = stix.At(x.First)
	}
	indicator, err := stix.Indicator{
		Common: stix.Common{ID: id, Created: b.now}, Pattern: pattern, ValidFrom: first, Types: []string{"malicious-activity"},
	}.Object()
	if err != nil {
		return err
	}
	b.objects = append(b.objects, indicator)
	return b.sighting(id, nil, x.Count, x.First, x.Last)
}

// sighting says how often and when an object was seen.
func (b *bundling) sighting(of stix.ID, markings []stix.ID, n int64, first, last time.Time) error {
	count := int(min(n, maxSightings))
	seen := stix.Sighting{Common: stix.Common{Created: b.now, Markings: markings}, Of: of, Count: &count}
	if !first.IsZero() {
		seen.FirstSeen, seen.LastSeen = stix.At(first), stix.At(last)
	}
	seen.ID = stix.DeriveID("sighting", matchNamespace, fmt.Append(nil, of, b.now, seen.FirstSeen, seen.LastSeen, n))
	sighting, err := seen.Object()
	if err == nil {
		b.objects = append(b.objects, sighting)
	}
	return err
}

// printObjects prints a bundle.
func (s *session) printObjects(objects []*stix.Object, id stix.ID) error {
	w, err := stix.NewWriter(s.out, stix.Bundle, id)
	for _, o := range objects {
		if err == nil {
			err = w.Write(o)
		}
	}
	if err == nil {
		err = w.Close()
	}
	return err
}
