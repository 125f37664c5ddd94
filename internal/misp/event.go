package misp

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// Bounds of one event.
const (
	maxObjects  = 1 << 17 // objects of an event that came from MISP
	objectsARun = 2000    // that are read in one transaction
)

// objects are those of an event that a scope sees. Error: fault.NotFound where there is none.
func (s *server) objects(ctx context.Context, at scope, e *entry) (objects []*stix.Object, err error) {
	// spec: INT-9
	if e.carried != nil {
		objects, err = s.carriedObjects(ctx, at, e)
	} else {
		objects, err = s.parcelObjects(ctx, at, e)
	}
	if err == nil && len(objects) == 0 {
		err = noEvent()
	}
	return objects, err
}

// event makes an event of what a scope sees of it. Error: fault.NotFound where that is nothing.
func (s *server) event(ctx context.Context, at scope, e *entry) (*misp.Event, error) {
	objects, err := s.objects(ctx, at, e)
	if err != nil {
		return nil, err
	}
	return eventFrom(e, objects)
}

// bareEvent is an event without anything in it.
func (s *server) bareEvent(ctx context.Context, at scope, e *entry) (*misp.Event, error) {
	var objects []*stix.Object
	var err error
	if e.carried != nil {
		objects, err = s.newer(ctx, at, e, []stix.ID{e.carried.report})
	}
	if err != nil {
		return nil, err
	}
	return eventFrom(e, objects)
}

func eventFrom(e *entry, objects []*stix.Object) (*misp.Event, error) {
	frame := misp.Frame{
		UUID: misp.UUID(e.uuid), Info: e.Info, Date: e.Date, Timestamp: e.Timestamp, Orgc: e.Orgc, Distribution: distributable, Tags: e.Tags,
	}
	made, _, err := misp.FromSTIX(frame, objects) // what is lost travels along
	if err != nil {
		return nil, err
	}
	made.UUID, made.Info, made.Date = misp.UUID(e.uuid), e.Info, e.Date
	made.Tags, made.Timestamp = e.Tags, e.Timestamp
	made.Published, made.PublishTimestamp = true, e.Timestamp
	if made.Orgc == nil {
		made.Orgc = e.Orgc
	}
	made.Analysis, made.ThreatLevel = e.Analysis, e.ThreatLevel
	made.Rest, err = withID(made.Rest, e.id)
	if err == nil && bytes.Contains(made.Rest, []byte(`"attribute_count"`)) { // as many as are shown, not as there were
		n := 0
		for a := range made.All() {
			if !bool(a.Deleted) {
				n++
			}
		}
		made.Rest, err = instead(made.Rest, map[string]string{"attribute_count": strconv.Itoa(n)})
	}
	return made, err
}

func noEvent() error { return fault.New(fault.NotFound, "", "Invalid event") } // as MISP says it

// withID puts the number by which an event goes here in the place of that by which it went elsewhere.
func withID(rest jsontext.Value, id string) (jsontext.Value, error) {
	return instead(rest, map[string]string{"id": id}, "org_id", "orgc_id", "user_id", "locked") // of another instance's rows
}

// instead puts members in the place of those that are kept of another instance, and leaves some of these out.
func instead(rest jsontext.Value, members map[string]string, without ...string) (jsontext.Value, error) {
	all := map[string]jsontext.Value{}
	if len(rest) > 0 {
		if err := json.Unmarshal(rest, &all); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "", "an event cannot be written")
		}
	}
	for _, name := range without {
		delete(all, name)
	}
	for name, value := range members {
		all[name] = jsontext.Value(`"` + value + `"`)
	}
	return json.Marshal(all, json.Deterministic(true))
}

// parcelObjects are the lines of a parcel, newer versions in the place of older ones.
func (s *server) parcelObjects(ctx context.Context, at scope, e *entry) ([]*stix.Object, error) {
	all, err := s.node.Catalogue.Lines(ctx, at.viewer, e.parcel)
	if err != nil {
		return nil, err
	}
	var objects []*stix.Object
	var outdated []stix.ID
	for _, o := range all {
		parsed, err := stix.Parse(o.Raw)
		if err != nil || !e.shown.Has(o.Line) {
			continue
		}
		if e.older.Has(o.Line) {
			outdated = append(outdated, parsed.ID)
			continue
		}
		objects = append(objects, parsed)
	}
	newer, err := s.newer(ctx, at, e, outdated)
	return append(objects, newer...), err
}

// newer reads the newest versions of objects of an event's thread that a scope sees.
func (s *server) newer(ctx context.Context, at scope, e *entry, ids []stix.ID) (objects []*stix.Object, err error) {
	for some := range slices.Chunk(ids, objectsARun) {
		found, err := s.node.Catalogue.Newest(ctx, at.viewer, e.thread, some)
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			if at.open && !s.keeper.now.Load().isOpen(o) || e.carried == nil && o.Parcel.Class != e.class { // it is marked otherwise, and in an event of its own
				continue
			}
			if parsed, err := stix.Parse(o.Raw); err == nil {
				objects = append(objects, parsed)
			}
		}
	}
	return objects, nil
}

// carriedObjects are those that the report of an event names, and the report.
func (s *server) carriedObjects(ctx context.Context, at scope, e *entry) ([]*stix.Object, error) {
	objects, err := s.newer(ctx, at, e, []stix.ID{e.carried.report})
	if err != nil || len(objects) == 0 {
		return nil, err
	}
	seen := map[stix.ID]bool{e.carried.report: true}
	for next := objects; len(next) > 0; {
		var ids []stix.ID
		for _, o := range next {
			if o.Type != "report" && o.Type != "grouping" {
				continue
			}
			for path, id := range o.Refs() {
				if len(path) >= 11 && path[:11] == "object_refs" && !seen[id] && len(seen) < maxObjects {
					seen[id] = true
					ids = append(ids, id)
				}
			}
		}
		if next, err = s.newer(ctx, at, e, ids); err != nil {
			return nil, err
		}
		next = slices.DeleteFunc(next, func(o *stix.Object) bool { // another event's report stays one
			return eventOf(o) != e.uuid && headOf(o) != nil
		})
		objects = append(objects, next...)
	}
	return objects, nil
}
