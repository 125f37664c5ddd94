package misp

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of sightings.
const (
	maxSightings = 16 << 20 // bytes that are posted
	maxSeenIn    = 1000     // parcels in which those of one event are looked for
)

// foundSighting is a sighting as an instance pulls it.
type foundSighting struct {
	misp.Sighting
	EventUUID string `json:"event_uuid"`
	OrgUUID   string `json:"org_uuid,omitzero"`
}

// searchSightings gives the sightings of events.
func searchSightings(c *call) error {
	if len(c.at) != 1 || c.at[0] != "event" {
		return refuse("sightings are searched by event here: sightings/restSearch/event")
	}
	asked := map[string]jsontext.Value{}
	if err := c.ask(&asked); err != nil {
		return err
	}
	var of words
	var since span
	var err error
	for name, v := range asked {
		switch {
		case nothingAsked(v) || slices.Contains(shapes(), name):
		case name == "uuid" || name == "id" || name == "eventid":
			of, err = wordsOf(name, v)
		case name == "last" || name == "from":
			since, err = spanOf(name, v, c.node.Now())
		case name == "returnFormat" && textOf(v) == "json":
		case name == "org_id": // organisations whose sightings are not wanted: whoever asks leaves them out
		default:
			err = refuse("this filter is not known here, and nothing is searched without it: %s", safeName(name))
		}
		if err != nil {
			return err
		}
	}
	if of.empty() {
		return refuse("name the events, by uuid")
	}
	l, at, err := c.listing()
	if err != nil {
		return err
	}
	var out *stream
	const begin, end = `{"response":[`, `]}`
	for _, e := range l.all {
		if err != nil || e.sighted == 0 || !of.hold(e.uuid, e.id) {
			continue
		}
		var found []foundSighting
		found, err = c.sightings(c.ctx(), at, e)
		for _, s := range found {
			if t, ok := s.Date.Time(); err == nil && ok && since.holds(t.Unix()) {
				if out == nil {
					out = c.stream(begin)
				}
				err = out.add(map[string]foundSighting{"Sighting": s})
			}
		}
	}
	return c.finish(out, err, begin, end)
}

// sightings are those of an event that a scope sees.
func (s *server) sightings(ctx context.Context, at scope, e *entry) (out []foundSighting, err error) {
	// spec: INT-9
	objects, err := s.objects(ctx, at, e)
	if err != nil {
		return nil, err
	}
	of := s.keeper.now.Load()
	where := slices.Clone(of.seen[e.uuid])
	names := map[stix.ID]string{}
	where = slices.DeleteFunc(where, func(w sighted) bool { return at.named && !at.sees(w.thread) })
	for _, w := range where[:min(len(where), maxSeenIn)] {
		all, err := s.node.Catalogue.Lines(ctx, at.viewer, w.parcel)
		if err != nil {
			return nil, err
		}
		for _, line := range all {
			o, err := stix.Parse(line.Raw)
			if err != nil || at.open && !of.isOpen(line) {
				continue
			}
			if o.Type == "identity" {
				names[o.ID] = o.Name
			}
			attribute := attributeOf(objects, o.SightingOf)
			if o.Type != "sighting" || attribute == "" {
				continue
			}
			when := o.LastSeen
			if when == "" {
				when = o.Modified
			}
			f := foundSighting{Sighting: misp.Sighting{UUID: misp.UUID(o.ID.UUID()), Type: misp.Seen, Date: misp.SecondsOf(when.Time()), Attribute: misp.UUID(attribute)}, EventUUID: e.uuid}
			if name := names[o.CreatedBy]; name != "" {
				f.Org, f.OrgUUID = &misp.Org{UUID: misp.UUID(o.CreatedBy.UUID()), Name: name}, o.CreatedBy.UUID()
			} else {
				f.Org = e.Orgc
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// attributeOf is the attribute that an object is shown as; "" where it is not in the event.
func attributeOf(objects []*stix.Object, of stix.ID) string {
	for _, o := range objects {
		if o.ID == of {
			return of.UUID()
		}
	}
	return ""
}

// filterSightings tells which sightings are here already.
func filterSightings(c *call) error {
	if err := c.pushes(); err != nil {
		return err
	}
	_, at, err := c.one()
	if err != nil {
		return err
	}
	uuids, err := listed[misp.UUID](c, maxSightings, "")
	if err != nil {
		return err
	}
	var ids []stix.ID
	for _, u := range uuids {
		for _, t := range []string{"sighting", "opinion"} {
			if id, err := stix.ParseID(t + "--" + strings.ToLower(string(u))); err == nil {
				ids = append(ids, id)
			}
		}
	}
	here, told := []string{}, map[string]bool{}
	for some := range slices.Chunk(ids, objectsARun) {
		for _, in := range at.threads() {
			found, err := c.node.Catalogue.Newest(c.ctx(), at.viewer, in, some)
			if err != nil {
				return err
			}
			for _, o := range found {
				if parsed, err := stix.Parse(o.Raw); err == nil && !told[parsed.ID.UUID()] {
					told[parsed.ID.UUID()] = true
					here = append(here, parsed.ID.UUID())
				}
			}
		}
	}
	write(c.w, http.StatusOK, here)
	return nil
}

// saveSightings takes sightings of an event's attributes into the source, as STIX.
func saveSightings(c *call) error {
	// spec: INT-3
	e, at, err := c.one()
	if fault.CodeOf(err) == fault.NotFound {
		write(c.w, http.StatusMethodNotAllowed, problemOf(c.r, "Event not found or not accessible by this user.")) // as MISP says it
		return nil
	}
	if err != nil {
		return err
	}
	in, m, err := c.target(thread.ID{})
	if err != nil {
		return err
	}
	all, err := listed[misp.Sighting](c, maxSightings, "Sighting")
	if err != nil {
		return err
	}
	objects, err := c.objects(c.ctx(), at, e)
	if err != nil {
		return err
	}
	// What is said of an object is marked no more loosely than the event that it is in.
	m = marking.Combine(m, e.marking)
	from := catalogue.Source{Thread: in.ID, By: statement.By{Role: c.node.Config.Role}, Marking: m, Title: "Sightings of MISP event " + e.uuid}
	took := int64(0)
	var told []string
	_, err = c.node.Bring(c.ctx(), from, itemsOf(all, objects), catalogue.ImportOptions{
		Taken: func(o *stix.Object) {
			if o.Type != "identity" {
				took++
			}
		},
		Refused: func(_ stix.Item, reason string) {
			if len(told) < maxTold {
				told = append(told, reason)
			}
		},
	})
	if err != nil {
		return err
	}
	c.settle()
	answer := map[string]any{"saved": took > 0, "success": "No sightings added."}
	if took > 0 {
		answer["success"] = fmt.Sprintf("%d sightings added.", took)
	}
	if len(told) > 0 {
		answer["errors"] = told
	}
	write(c.w, http.StatusOK, answer)
	return nil
}

// itemsOf makes STIX of sightings.
func itemsOf(all []misp.Sighting, objects []*stix.Object) iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		known := map[stix.ID]bool{}
		for i := range all {
			made, err := sightingOf(&all[i], objects)
			if err != nil {
				err = fault.New(fault.Malformed, "", "sighting %d: %s", i+1, fault.Of(err).Msg)
				if !yield(stix.Item{Index: i, Err: err}, nil) {
					return
				}
				continue
			}
			for _, o := range made {
				if known[o.ID] {
					continue
				}
				known[o.ID] = true
				if !yield(stix.Item{Index: i, Object: o}, nil) {
					return
				}
			}
		}
	}
}

// sightingOf is a sighting as STIX, after the organisation that tells of it.
func sightingOf(s *misp.Sighting, objects []*stix.Object) (made []*stix.Object, err error) {
	at, ok := s.Date.Time()
	of, there := seenObject(objects, strings.ToLower(string(s.Attribute)))
	switch {
	case !there:
		return nil, refuse("the event has no such attribute")
	case !ok:
		return nil, refuse("it has no date")
	}
	c := stix.Common{Created: stix.At(at), Modified: stix.At(at)}
	var where []stix.ID
	if s.Org != nil && s.Org.Name != "" {
		id, err := stix.ParseID("identity--" + strings.ToLower(string(s.Org.UUID)))
		if err != nil {
			id = stix.DeriveID("identity", namespace(), []byte("organisation\n"+s.Org.Name))
		}
		org, err := stix.Identity{Common: stix.Common{ID: id, Created: "1970-01-01T00:00:00.000Z"}, Name: s.Org.Name, Class: "organization"}.Object() //nolint:misspell // STIX writes it so
		if err != nil {
			return nil, err
		}
		made, where, c.CreatedBy = append(made, org), []stix.ID{id}, id
	}
	t := stix.Type("sighting")
	if s.Type == misp.FalsePositive {
		t = "opinion"
	} else if s.Type != misp.Seen && s.Type != "" {
		return nil, refuse("that an attribute has expired is not kept here: its author revokes it")
	}
	if c.ID, err = stix.ParseID(string(t) + "--" + strings.ToLower(string(s.UUID))); err != nil {
		c.ID = stix.DeriveID(t, namespace(), []byte(strings.Join([]string{string(of), string(s.Type), string(s.Date), s.Source}, "\n")))
	}
	var o *stix.Object
	if t == "opinion" {
		o, err = stix.Domain{Common: c, Type: t, Properties: []stix.Property{
			{Name: "explanation", Value: "false positive"}, {Name: "opinion", Value: "strongly-disagree"}, {Name: "object_refs", Value: []stix.ID{of}}}}.Object()
	} else {
		one := 1
		o, err = stix.Sighting{Common: c, FirstSeen: c.Modified, LastSeen: c.Modified, Count: &one, Of: of, Where: where}.Object()
	}
	return append(made, o), err
}

// seenObject is the object that an attribute is shown of. An attribute within one of MISP's objects is told of by that.
func seenObject(objects []*stix.Object, attribute string) (stix.ID, bool) {
	if len(attribute) != 36 {
		return "", false
	}
	var within stix.ID
	for _, o := range objects {
		switch {
		case o.Type.Observable() || silent(o.Type) || o.Type == "report" || o.Type == "grouping" || o.Type == "note":
		case o.ID.UUID() == attribute:
			return o.ID, true
		case within == "" && strings.Contains(o.Raw, attribute):
			within = o.ID
		}
	}
	return within, within != ""
}
