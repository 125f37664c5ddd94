package misp

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// Frame is the event into which objects go that bring none of their own. Objects that came from an event bring theirs.
type Frame struct {
	UUID         UUID
	Info         string
	Date         string // 2026-11-21; with Timestamp, "" for when the last object was changed
	Timestamp    Seconds
	Orgc         *Org
	Distribution Distribution
	Tags         []Tag // the marking that they say is put on what brings its event, too, unless that has a stricter one
}

// Lost is what a reader of MISP does not see of an object, though it travels along and comes back.
type Lost struct {
	ID     stix.ID `json:"id"`
	Reason string  `json:"reason"` // safe to show
}

// maxObjects is how many objects one event is made of.
const maxObjects = 4 << 20

// FromSTIX makes one event of objects: one that came from MISP as it was, and others as attributes, with the objects themselves in attachments so
// that they come back unchanged (see Originals). Of several versions of an object the last counts. Of an object that says something else
// than what it says it was in MISP, the latter is not believed. Errors: fault.TooLarge; fault.Malformed where neither objects nor frame give a uuid and an info.
func FromSTIX(frame Frame, objects []*stix.Object) (*Event, []Lost, error) {
	if len(objects) > maxObjects {
		return nil, nil, fault.New(fault.TooLarge, "", "an event is made of at most %d objects", maxObjects)
	}
	r := restoring{byID: make(map[stix.ID]*stix.Object, len(objects)), frame: frame}
	for _, o := range objects {
		old, twice := r.byID[o.ID]
		if !twice {
			r.order = append(r.order, o.ID)
		}
		if !twice || o.Version().Compare(old.Version()) > 0 {
			r.byID[o.ID] = o
		}
	}
	r.find()
	r.sort()
	r.gather()
	r.doubt()
	if !r.event.UUID.Valid() || r.event.Info == "" {
		return nil, nil, fault.New(fault.Malformed, "", "the objects bring no event, and no uuid and info are given for one")
	}
	lost := r.foreign()
	r.event.Tags = Mark(r.event.Tags, MarkingOf(frame.Tags))
	return r.event, lost, nil
}

// restoring makes an event of objects.
type restoring struct {
	frame Frame
	byID  map[stix.ID]*stix.Object
	order []stix.ID

	event  *Event
	report stix.ID // that the event came from
	ours   bool    // it says what the event was
	made   []element
	known  map[stix.ID]*stix.Object // what the event becomes
}

// element is part of the event, and the object that it came from.
type element struct {
	id   stix.ID
	kept kept
}

// keptIn reads the extension of an object.
func keptIn(o *stix.Object) (k kept, ok bool) {
	all, there := o.Property("extensions")
	if !there || !strings.Contains(all, Extension) {
		return k, false
	}
	text, there := o.Select("extensions." + Extension)
	if !there {
		return k, false
	}
	return k, json.Unmarshal([]byte(text), &k) == nil
}

// EventOf is the event of MISP from which an object came, "" for none.
func EventOf(o *stix.Object) UUID {
	k, ok := keptIn(o)
	if !ok || !k.Event.Valid() {
		return ""
	}
	return k.Event
}

// find finds the report that becomes the event: one that was an event, or else the only report that there is, or else the frame.
func (r *restoring) find() {
	var reports []*stix.Object
	for _, id := range r.order {
		o := r.byID[id]
		if o.Type != "report" {
			continue
		}
		if k, ok := keptIn(o); ok && k.Head != nil && k.Head.UUID == k.Event && k.Head.checkHead() == nil && !r.ours && r.headSays(k.Head, o) {
			r.event, r.report, r.ours = k.Head.bare(), o.ID, true
		}
		reports = append(reports, o)
	}
	switch {
	case r.ours:
	case len(reports) == 1 && reports[0].Name != "":
		o := reports[0]
		r.report = o.ID
		r.event = &Event{UUID: UUID(o.ID.UUID()), Info: o.Name, Date: day(o.Created), Timestamp: secondsAt(o.Modified), Analysis: "2", ThreatLevel: "4",
			Published: true, Distribution: r.frame.Distribution, Orgc: r.author(o), Tags: r.tags(o)}
	default:
		r.event = &Event{UUID: r.frame.UUID, Info: r.frame.Info, Date: r.frame.Date, Timestamp: r.frame.Timestamp, Distribution: r.frame.Distribution,
			Orgc: r.frame.Orgc, Tags: r.frame.Tags, Analysis: "2", ThreatLevel: "4", Published: true}
		if r.event.Timestamp == "" {
			r.latest()
		}
		for _, id := range r.order { // elements of an event whose report is not here
			if u := EventOf(r.byID[id]); u != "" && !r.event.UUID.Valid() {
				r.event.UUID = u
			}
		}
	}
}

// day is the date of a time, "" for none.
func day(t stix.Timestamp) string {
	if len(t) < len(time.DateOnly) {
		return ""
	}
	return string(t[:len(time.DateOnly)])
}

// secondsAt is a time of STIX in seconds, "" for none and for those before 1970.
func secondsAt(t stix.Timestamp) Seconds {
	s := SecondsOf(t.Time())
	if _, ok := s.Time(); !ok {
		return ""
	}
	return s
}

// latest gives the event the time of its last object.
func (r *restoring) latest() {
	var last stix.Timestamp
	for _, o := range r.byID {
		if v := o.Version(); v.Compare(last) > 0 {
			last = v
		}
	}
	if last != "" {
		r.event.Timestamp = secondsAt(last)
		if r.event.Date == "" {
			r.event.Date = day(last)
		}
	}
}

// headSays tells whether a report says what its extension says the event was.
func (r *restoring) headSays(head *Event, o *stix.Object) bool {
	return idOf("report", head.UUID, "event "+string(head.UUID)) == o.ID && head.Info == o.Name
}

func (r *restoring) author(o *stix.Object) *Org {
	if i := r.byID[o.CreatedBy]; i != nil && i.Name != "" {
		return &Org{UUID: UUID(i.ID.UUID()), Name: i.Name}
	}
	return r.frame.Orgc
}

// sort puts objects into the order in which the report names them.
func (r *restoring) sort() {
	rank := make(map[stix.ID]int, len(r.order))
	var walk func(id stix.ID, deep bool)
	walk = func(id stix.ID, deep bool) {
		o := r.byID[id]
		if o == nil {
			return
		}
		for name, ref := range o.Refs() {
			if name != "object_refs" {
				continue
			}
			if _, seen := rank[ref]; !seen {
				rank[ref] = len(rank)
			}
			if !deep && ref.Type() == "grouping" {
				walk(ref, true)
			}
		}
	}
	walk(r.report, false)
	last := len(rank) + 1
	place := func(id stix.ID) int {
		if n, ok := rank[id]; ok {
			return n
		}
		return last
	}
	slices.SortStableFunc(r.order, func(a, b stix.ID) int { return place(a) - place(b) })
}

// gather puts what objects say they were into the event.
func (r *restoring) gather() {
	for _, id := range r.order {
		o := r.byID[id]
		k, ok := keptIn(o)
		if !ok {
			continue
		}
		over(&k, o)
		if k.Galaxy == nil && !k.element() {
			continue
		}
		r.made = append(r.made, element{id, k})
	}
}

// element tells whether k is an element of an event, of the right form.
func (k *kept) element() bool {
	switch {
	case k.Attribute != nil:
		return k.Attribute.check() == nil
	case k.Object != nil:
		return k.Object.check() == nil
	case k.Report != nil:
		return k.Report.check() == nil
	}
	return false
}

// over puts what may have changed since an object was made over what it was: that it was revoked, and when.
func over(k *kept, o *stix.Object) {
	if !o.Revoked {
		return
	}
	at := secondsAt(o.Modified)
	set := func(deleted *Flag, t *Seconds) {
		if !bool(*deleted) {
			*deleted, *t = true, at
		}
	}
	switch {
	case k.Attribute != nil:
		set(&k.Attribute.Deleted, &k.Attribute.Timestamp)
	case k.Object != nil:
		set(&k.Object.Deleted, &k.Object.Timestamp)
	case k.Report != nil:
		set(&k.Report.Deleted, &k.Report.Timestamp)
	}
}

// doubt maps the event again and takes out what does not become the object that it came from.
func (r *restoring) doubt() {
	for range 2 {
		r.fill()
		again := map[stix.ID]*stix.Object{}
		for it, err := range r.event.STIX(Mapping{}) {
			if err == nil && it.Object != nil {
				again[it.Object.ID] = it.Object
			}
		}
		before := len(r.made)
		r.known = again
		r.made = slices.DeleteFunc(r.made, func(e element) bool {
			return again[e.id] == nil || !says(again[e.id], r.byID[e.id])
		})
		if len(r.made) == before {
			break
		}
	}
	// What was made beside elements comes with their event; what others made under the same id does not.
	for id, again := range r.known {
		if o := r.byID[id]; o != nil && !r.explained(o, again) {
			delete(r.known, id)
		}
	}
}

// explained tells whether an object is what the event becomes again under its id.
func (r *restoring) explained(o, again *stix.Object) bool {
	switch {
	case o.ID == r.report:
		return r.ours
	case EventOf(o) != "":
		return true
	}
	return o.Raw == again.Raw || canonical(o) == canonical(again)
}

// canonical is an object in the one spelling that its content has (RFC 8785).
func canonical(o *stix.Object) string {
	v := jsontext.Value(o.Raw)
	if v.Canonicalize() != nil {
		return o.Raw
	}
	return string(v)
}

// says tells whether two objects say the same of what matters for finding and showing them.
func says(a, b *stix.Object) bool {
	if a.Type != b.Type || a.Pattern != b.Pattern || a.PatternType != b.PatternType || a.Revoked != b.Revoked || a.Description != b.Description || a.Name != b.Name ||
		secondsAt(a.Modified) != secondsAt(b.Modified) || a.ValidFrom.Compare(b.ValidFrom) != 0 || a.Text("content") != b.Text("content") {
		return false
	}
	x, _ := a.Property("object_refs")
	y, _ := b.Property("object_refs")
	return a.Type != "observed-data" || x == y
}

// fill puts the elements that are left into the event.
func (r *restoring) fill() {
	e := r.event
	e.Attributes, e.Objects, e.Reports, e.Galaxies = nil, nil, nil, nil
	var open galaxy
	for _, m := range r.made {
		k, o := m.kept, r.byID[m.id]
		switch {
		case k.Attribute != nil:
			a := *k.Attribute
			a.Tags = r.stricter(a.Tags, o)
			e.Attributes = append(e.Attributes, a)
		case k.Object != nil:
			e.Objects = append(e.Objects, r.stricterObject(*k.Object, o))
		case k.Report != nil:
			t := *k.Report
			t.Tags = r.stricter(t.Tags, o)
			e.Reports = append(e.Reports, t)
		case k.Galaxy != nil:
			if e.join(*k.Galaxy, &open) != nil {
				continue
			}
		}
	}
}

// stricter adds the marking of an object to tags where it is stricter than theirs and the event's.
func (r *restoring) stricter(tags []Tag, o *stix.Object) []Tag {
	m := r.marking(o)
	if marking.Combine(MarkingOf(tags), MarkingOf(r.event.Tags)).Covers(m) {
		return tags
	}
	return Mark(tags, m)
}

// stricterObject does that for the attributes of an object, each of which the object's marking is to be for.
func (r *restoring) stricterObject(m Object, o *stix.Object) Object {
	own, is := MarkingOf(r.event.Tags), r.marking(o)
	for i := range m.Attributes {
		own = marking.Combine(own, MarkingOf(m.Attributes[i].Tags))
	}
	if own.Covers(is) {
		return m
	}
	m.Attributes = slices.Clone(m.Attributes)
	for i := range m.Attributes {
		m.Attributes[i].Tags = Mark(m.Attributes[i].Tags, is)
	}
	return m
}

// marking is the marking of an object.
func (r *restoring) marking(o *stix.Object) marking.Marking {
	m, _ := stix.Resolve(o, func(id stix.ID) (stix.Definition, bool) {
		d, ok := r.definition(id)
		if ok && d.Meaning == stix.MeansPolicy && papDefinition(d.Policy.Name) == id {
			d.Meaning, d.Handling = stix.MeansHandling, d.Policy.Marking()
			d.Handling.TLP = "" // it names a TLP label because it must, and where there is one that has a definition of its own
		}
		return d, ok
	})
	return m
}

func (r *restoring) definition(id stix.ID) (stix.Definition, bool) {
	if o := r.byID[id]; o != nil && o.Type == "marking-definition" {
		return stix.ParseDefinition(o), true
	}
	return stix.Definition{}, false
}

// tags gives the labels and the marking of an object as tags.
func (r *restoring) tags(o *stix.Object) (tags []Tag) {
	m, _ := stix.Resolve(o, r.definition)
	tags = MarkingTags(m)
	for _, l := range o.Labels {
		if l != "" && len(l) <= maxValue && len(tags) < maxTags && !slices.ContainsFunc(tags, func(t Tag) bool { return t.Name == l }) {
			tags = append(tags, Tag{Name: l})
		}
	}
	return tags
}
