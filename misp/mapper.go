package misp

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/stix/pattern"
)

// Extension is the property extension in which objects carry what STIX has no place for.
const Extension = "extension-definition--98013a9c-e3bd-4be3-92a6-da7201a86938"

// namespace is under which identifiers are derived where MISP has none that STIX takes.
var namespace = [16]byte{0x3f, 0x2f, 0xb4, 0x2d, 0x2c, 0xab, 0x48, 0x95, 0x99, 0x7f, 0x89, 0xa4, 0x24, 0xb1, 0x15, 0x40}

const (
	// ever is the time of what has none, such as organisations: the same everywhere, so that it is one version.
	ever         stix.Timestamp = "1970-01-01T00:00:00.000Z"
	organisation                = "organi" + "zation" // as STIX spells it
	// maxKept is how much an object carries in the extension: it must fit a parcel (INT-2) with all else that it says.
	maxKept = 640 << 10
	// refsAtOnce is how many references one report or grouping has.
	refsAtOnce = 5_000
	// maxElements is how many attributes, objects and reports of one event are mapped.
	maxElements = 1 << 20
)

// kept is the extension. Exactly one of the last five is set in what an element of the event became; none in what was made beside it.
type kept struct {
	Kind      string       `json:"extension_type"`
	Event     UUID         `json:"event_uuid"`
	Head      *Event       `json:"event,omitzero"`
	Attribute *Attribute   `json:"attribute,omitzero"`
	Object    *Object      `json:"object,omitzero"`
	Report    *EventReport `json:"event_report,omitzero"`
	Galaxy    *galaxy      `json:"galaxy,omitzero"`
}

// mapper maps one event.
type mapper struct {
	head    *Event // nil where it cannot be read
	offset  int64
	give    func(stix.Item)
	noTLP   marking.TLP
	mark    marking.Marking // that the event's tags say
	sure    *int
	labels  []string // that elements have from the event
	created stix.Timestamp
	author  stix.ID
	report  stix.ID

	refs     []stix.ID
	parts    []stix.ID // groupings of references that are full
	given    map[stix.ID]struct{}
	elements map[[16]byte]stix.ID // by uuid
	pending  []reference
	came     *originals
}

// reference waits until all elements are known.
type reference struct {
	from    stix.ID
	common  stix.Common
	to      UUID
	kind    string
	comment string
}

func newMapper(head *Event, came *originals, m Mapping, give func(stix.Item)) *mapper {
	x := &mapper{head: head, came: came, give: give, noTLP: cmp.Or(m.TLP, marking.Amber), given: map[stix.ID]struct{}{}, elements: map[[16]byte]stix.ID{}}
	if head == nil {
		return x
	}
	x.mark, x.sure = said(head.Tags), Confidence(head.Tags)
	for _, l := range labelsOf(head.Tags) {
		if !strings.HasPrefix(l, "misp-galaxy:") {
			x.labels = append(x.labels, l)
		}
	}
	x.created = ever
	if t, err := time.Parse(time.DateOnly, head.Date); err == nil && t.Year() > 0 {
		x.created = stix.At(t)
	}
	x.report = idOf("report", head.UUID, "event "+string(head.UUID))
	return x
}

// labelsOf gives the tags that are no markings.
func labelsOf(tags []Tag) (labels []string) {
	for _, t := range tags {
		lower := strings.ToLower(t.Name)
		if _, _, ours := oursIn(t.Name); !ours && !strings.HasPrefix(lower, "tlp:") && !strings.HasPrefix(lower, "pap:") && !slices.Contains(labels, t.Name) {
			labels = append(labels, t.Name)
		}
	}
	return labels
}

// idOf is an identifier with the UUID that MISP gave, or, where STIX takes no such, one derived from it or, where there is none, from seed.
func idOf(t stix.Type, u UUID, seed string) stix.ID {
	if u.Valid() {
		if u[14] >= '1' && u[14] <= '5' && strings.IndexByte("89abAB", u[19]) >= 0 {
			return stix.ID(string(t) + "--" + strings.ToLower(string(u)))
		}
		seed = "uuid " + strings.ToLower(string(u))
	}
	return stix.DeriveID(t, namespace, []byte(seed))
}

// own is an identifier that does not keep its object's text in memory.
func own(id stix.ID) stix.ID { return stix.ID(strings.Clone(string(id))) }

func (x *mapper) refuse(at int64, err error) { x.give(stix.Item{Offset: at, Err: err}) }

// once gives an object that may have been given for an earlier element.
func (x *mapper) once(o *stix.Object, err error) {
	if err != nil {
		return // it is made of constants and of what was checked
	}
	if _, known := x.given[o.ID]; !known {
		x.given[own(o.ID)] = struct{}{}
		x.give(stix.Item{Offset: x.offset, Object: o})
	}
}

// frame gives what elements refer to: the organisation, and the extension with its author.
func (x *mapper) frame() {
	if x.head == nil {
		return
	}
	us := stix.DeriveID("identity", namespace, []byte("extension"))
	x.once(stix.Identity{Common: stix.Common{ID: us, Created: ever}, Name: "Comity", Class: "system"}.Object())
	x.once(stix.Domain{Common: stix.Common{ID: Extension, CreatedBy: us, Created: ever}, Type: "extension-definition", Properties: []stix.Property{
		{Name: "name", Value: "MISP elements"}, {Name: "description", Value: "What an object was in MISP, as far as STIX has no place for it."},
		{Name: "schema", Value: "An object with event_uuid and at most one of event, attribute, object, event_report and galaxy, each as in the MISP core format."},
		{Name: "version", Value: "1.0.0"}, {Name: "extension_types", Value: []string{"property-extension"}}}}.Object())
	if o := x.head.Orgc; o != nil && o.Name != "" {
		x.author = o.identity()
	}
	for _, o := range x.came.unseen(x.report) { // the organisation may be among them
		x.original(o, nil)
	}
	if x.author != "" {
		x.organisation(x.head.Orgc)
	}
}

func (o *Org) identity() stix.ID { return idOf("identity", o.UUID, "organisation "+o.Name) }

// organisation gives the identity of an organisation, "" where it has no name.
func (x *mapper) organisation(o *Org) stix.ID {
	if o.Name == "" {
		return ""
	}
	id := o.identity()
	x.once(stix.Identity{Common: stix.Common{ID: id, Created: ever}, Name: o.Name, Class: organisation}.Object())
	return id
}

// markings gives the marking-definitions for something with these tags, and those of the event: the stricter of the two holds.
func (x *mapper) markings(tags ...[]Tag) (refs []stix.ID) {
	m := x.marked(tags...)
	if m.TLP != "" {
		refs = append(refs, stix.TLPRef(m.TLP))
	}
	if m.PAP != "" {
		under := cmp.Or(m.TLP, x.noTLP)
		name := "PAP:" + string(m.PAP) + " under TLP:" + string(under)
		policy, _ := stix.PolicyOf(marking.Marking{TLP: under, PAP: m.PAP})
		id := papDefinition(name)
		policy.ID, policy.Name = id.UUID(), name
		x.once(stix.PolicyMarking{Common: stix.Common{ID: id, Created: ever}, Policy: policy}.Object())
		refs = append(refs, id)
	}
	if id := x.handlingDefinition(m); id != "" {
		refs = append(refs, id)
	}
	return refs
}

// papDefinition is the marking-definition of a PAP label under a TLP label.
func papDefinition(name string) stix.ID {
	return stix.DeriveID("marking-definition", namespace, []byte(name))
}

// common is what all objects of an element have.
func (x *mapper) common(id stix.ID, at Seconds, deleted Flag, tags ...[]Tag) stix.Common {
	c := stix.Common{ID: id, CreatedBy: x.author, Created: x.created, Revoked: bool(deleted), Labels: slices.Clone(x.labels), Markings: x.markings(tags...), Confidence: x.sure}
	for _, list := range tags {
		for _, l := range labelsOf(list) {
			if !slices.Contains(c.Labels, l) {
				c.Labels = append(c.Labels, l)
			}
		}
		if n := Confidence(list); n != nil {
			c.Confidence = n
		}
	}
	t, ok := at.Time()
	if !ok {
		if t, ok = x.head.Timestamp.Time(); !ok {
			t = x.created.Time()
		}
	}
	if stix.At(t).Compare(c.Created) < 0 {
		c.Created = stix.At(t)
	}
	c.Modified = stix.At(t.Add(x.strictness(tags...)))
	return c
}

// strictness is what of a second a label adds to a version. MISP does not touch an attribute's time when its event gets another label, so that
// without it one that becomes stricter would not be a new version; one that becomes looser is an older one, and does not count.
func (x *mapper) strictness(tags ...[]Tag) time.Duration {
	m := x.marked(tags...)
	n := (m.TLP.Rank()+1)*10 + m.PAP.Rank()
	n += 60 * (min(len(m.Handling), 8) + max(m.PersonalData.Rank(), 0))
	if m.RetainUntil != "" {
		n += 60
	}
	return time.Duration(n) * time.Millisecond // less than a second
}

// keep puts what an element was into the extension. What is too long loses what is longest, and err tells what.
func (x *mapper) keep(k kept) (custom []stix.Property, err error) {
	k.Kind, k.Event = "property-extension", x.head.UUID
	b, failed := json.Marshal(k, json.Deterministic(true))
	if failed == nil && len(b) > maxKept {
		err = fault.New(fault.TooLarge, "", "it has more than %d bytes: attachments, galaxies and what else is long are left out", maxKept)
		k = k.short()
		b, failed = json.Marshal(k, json.Deterministic(true))
	}
	if failed != nil || len(b) > maxKept {
		return nil, fault.New(fault.TooLarge, "", "it has more than %d bytes, and goes without what only MISP knows of it", maxKept)
	}
	return []stix.Property{{Name: "extensions", Value: map[string]jsontext.Value{Extension: b}}}, err
}

// short is k without what may be long.
func (k kept) short() kept {
	bare := func(a Attribute) Attribute {
		a.Data, a.Galaxies, a.Sightings, a.Rest = "", nil, nil, nil
		return a
	}
	switch {
	case k.Head != nil:
		h := *k.Head
		h.Rest = nil
		k.Head = &h
	case k.Attribute != nil:
		a := bare(*k.Attribute)
		k.Attribute = &a
	case k.Object != nil:
		o := *k.Object
		o.Rest = nil
		o.Attributes = slices.Clone(o.Attributes)
		for i := range o.Attributes {
			o.Attributes[i] = bare(o.Attributes[i])
		}
		k.Object = &o
	case k.Report != nil:
		r := *k.Report
		r.Rest = nil
		k.Report = &r
	}
	return k
}

// part maps one element.
func (x *mapper) part(p Part) {
	x.offset = p.Offset
	switch {
	case p.Err != nil:
		x.refuse(p.Offset, p.fault())
		return
	case x.head == nil, p.Head != nil:
		return
	}
	if err := x.element(&p); err != nil {
		p.Err = err
		x.refuse(p.Offset, p.fault())
	}
}

func (x *mapper) element(p *Part) error {
	if len(x.elements) >= maxElements {
		return fault.New(fault.TooLarge, "", "the event has more than %d elements", maxElements)
	}
	switch {
	case p.Attribute != nil:
		return x.attribute(p.Attribute)
	case p.Object != nil:
		return x.object(p.Object)
	case p.Report != nil:
		return x.text(p.Report)
	}
	return nil
}

// enter notes an element by its uuid, once.
func (x *mapper) enter(u UUID, id stix.ID) error {
	if u == "" {
		return nil
	}
	key := u.bytes()
	if _, twice := x.elements[key]; twice {
		return fault.New(fault.Malformed, "", "its uuid occurs twice in the event")
	}
	x.elements[key] = id
	return nil
}

// main gives the object that an element became. Where all fits but what only MISP knows, that is told and the object goes in.
func (x *mapper) main(u UUID, o *stix.Object, err, left error) error {
	if err != nil {
		return err
	}
	id := own(o.ID)
	if err := x.enter(u, id); err != nil {
		return err
	}
	x.give(stix.Item{Offset: x.offset, Object: o})
	x.refer(id)
	return left
}

// refer notes what the report is about. A full list becomes a grouping, since no object may be longer than a parcel.
func (x *mapper) refer(id stix.ID) {
	x.refs = append(x.refs, id)
	if len(x.refs) < refsAtOnce {
		return
	}
	gid := stix.DeriveID("grouping", namespace, []byte(string(x.report)+" "+string(x.refs[0])))
	common := x.common(gid, x.head.Timestamp, false)
	common.Labels = nil
	common.Custom, _ = x.keep(kept{})
	o, err := stix.Domain{Common: common, Type: "grouping", Properties: []stix.Property{
		{Name: "context", Value: "unspecified"}, {Name: "object_refs", Value: x.refs}}}.Object()
	if err == nil {
		x.give(stix.Item{Offset: x.offset, Object: o})
		x.parts = append(x.parts, gid)
	}
	x.refs = nil
}

// validPattern tells whether a value is a pattern that STIX can carry.
func validPattern(v string) bool {
	_, err := pattern.Parse(v)
	return err == nil
}
