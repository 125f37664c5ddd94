package cli

import (
	"fmt"

	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/stix"
)

// matchNamespace makes the ids of what is found: the same indicator has the same id in every run, so that sightings of it meet.
var matchNamespace = [16]byte{0x8e, 0x0d, 0x3b, 0x52, 0x6f, 0x0c, 0x4d, 0x2a, 0x9b, 0x41, 0x57, 0x7c, 0x1d, 0x6a, 0x90, 0x3e}

// maxSightings is the greatest count that a sighting may have (STIX 2.1, 5.3).
const maxSightings = 999_999_999

// printBundle prints findings as a bundle of indicators and sightings: how often and when, and nothing of the logs.
func (s *session) printBundle(f *findings) error {
	now := stix.At(s.now())
	var objects []*stix.Object
	for _, x := range f.sorted() {
		pattern := match.PatternOf(x.kind, x.Indicator)
		id := stix.DeriveID("indicator", matchNamespace, []byte(pattern))
		first, last := now, stix.Timestamp("")
		if !x.First.IsZero() {
			first, last = stix.At(x.First), stix.At(x.Last)
		}
		indicator, err := stix.Indicator{
			Common: stix.Common{ID: id, Created: now}, Pattern: pattern, ValidFrom: first, Types: []string{"malicious-activity"},
		}.Object()
		if err != nil {
			return err
		}
		count := int(min(x.Count, maxSightings))
		seen := stix.Sighting{Common: stix.Common{Created: now}, Of: id, Count: &count}
		if last != "" {
			seen.FirstSeen, seen.LastSeen = first, last
		}
		seen.ID = stix.DeriveID("sighting", matchNamespace, fmt.Append(nil, id, now, seen.FirstSeen, seen.LastSeen, x.Count))
		sighting, err := seen.Object()
		if err != nil {
			return err
		}
		objects = append(objects, indicator, sighting)
	}
	return s.printObjects(objects, stix.DeriveID("bundle", matchNamespace, fmt.Append(nil, now, objects)))
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
