package misp

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/stix"
)

// The rule, for an attribute: what names a domain object (a vulnerability, an actor) becomes that; what is made to be searched for (to_ids)
// an indicator; of the rest what STIX has as an observable becomes observed data; and everything else a note on the report.

// attribute maps an attribute that stands by itself.
func (x *mapper) attribute(a *Attribute) error {
	if a.carries() {
		return x.came.full(a)
	}
	if o, ok := x.came.same(a); ok {
		x.original(o, a.Tags)
		x.sightings(a, o)
		return nil
	}
	seed := string(x.head.UUID) + " " + a.Type + " " + string(a.Value)
	custom, left := x.keep(kept{Attribute: a})
	common := func(t stix.Type) stix.Common {
		c := x.common(idOf(t, a.UUID, seed), a.Timestamp, a.Deleted, a.Tags)
		c.Custom = custom
		return c
	}
	k, _ := kindOf(a.Type)
	var o *stix.Object
	var err error
	switch {
	case k.object != "":
		o, err = named(stix.Type(k.object), common(stix.Type(k.object)), a)
	case bool(a.ToIDs):
		o, err = x.indicator(common("indicator"), a, k)
	default:
		if seen := observables(factsOf(a.Type, string(a.Value)), x.markings(a.Tags), seed); len(seen) > 0 {
			c := common("observed-data")
			if o, err = observed(c, a.FirstSeen, a.LastSeen, seen); err == nil {
				x.all(seen)
			}
		} else {
			o, err = x.note(common("note"), a)
		}
	}
	if err := x.main(a.UUID, o, err, left); err != nil {
		return err
	}
	x.sightings(a, o)
	return nil
}

// all gives objects that others refer to, each once.
func (x *mapper) all(objects []*stix.Object) {
	for _, o := range objects {
		x.once(o, nil)
	}
}

// named makes the domain object that a value names.
func named(t stix.Type, c stix.Common, a *Attribute) (*stix.Object, error) {
	name := string(a.Value)
	if t == "vulnerability" {
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "CVE-") {
			c.References = []stix.Reference{{SourceName: "cve", ExternalID: upper}}
		}
	}
	return stix.Domain{Common: c, Type: t, Properties: []stix.Property{{Name: "name", Value: name}, {Name: "description", Value: a.Comment}}}.Object()
}

// indicator makes what an attribute asks to be searched for.
func (x *mapper) indicator(c stix.Common, a *Attribute, k kind) (*stix.Object, error) {
	i := stix.Indicator{Common: c, Description: a.Comment, ValidFrom: since(a.FirstSeen, c.Modified), PatternType: k.rule}
	facts := factsOf(a.Type, string(a.Value))
	switch {
	case k.rule == "stix" && !validPattern(string(a.Value)):
		i.PatternType = ""
		i.Pattern = patternOf(customFacts(a))
	case k.rule != "":
		i.Pattern = string(a.Value)
	case facts != nil:
		i.Pattern = patternOf(facts)
	default:
		i.Pattern = patternOf(customFacts(a))
	}
	return i.Object()
}

// since is the time at which something was seen first, or else the second of the version given.
func since(s string, otherwise stix.Timestamp) stix.Timestamp {
	if t, ok := moment(s); ok {
		return stix.At(t)
	}
	return stix.At(otherwise.Time().Truncate(time.Second))
}

func observed(c stix.Common, first, last string, seen []*stix.Object) (*stix.Object, error) {
	d := stix.ObservedData{Common: c, First: since(first, c.Modified), Count: 1}
	if d.Last = d.First; last != "" {
		d.Last = since(last, c.Modified)
	}
	if d.Last.Compare(d.First) < 0 {
		d.Last = d.First
	}
	for _, o := range seen {
		d.Refs = append(d.Refs, o.ID)
	}
	return d.Object()
}

// note makes a note on the report of what STIX has no other place for.
func (x *mapper) note(c stix.Common, a *Attribute) (*stix.Object, error) {
	switch {
	case a.Type == "link" && isURL(string(a.Value)):
		c.References = []stix.Reference{{SourceName: "link", URL: string(a.Value)}}
	case a.Type == "weakness" && strings.HasPrefix(strings.ToUpper(string(a.Value)), "CWE-"):
		c.References = []stix.Reference{{SourceName: "cwe", ExternalID: strings.ToUpper(string(a.Value))}}
	}
	content := string(a.Value)
	if a.Comment != "" {
		content += "\n\n" + a.Comment
	}
	return stix.Domain{Common: c, Type: "note", Properties: []stix.Property{
		{Name: "abstract", Value: a.Type}, {Name: "content", Value: content}, {Name: "object_refs", Value: []stix.ID{x.report}}}}.Object()
}

// object maps attributes that are one thing: to an indicator of those that are made to be searched for, and observed data of all that STIX
// has as observables; to a note where there is neither.
func (x *mapper) object(o *Object) error {
	seed := string(x.head.UUID) + " " + o.Name + " " + string(o.Timestamp)
	if len(o.Attributes) > 0 && o.UUID == "" {
		seed += " " + string(o.Attributes[0].UUID) + " " + string(o.Attributes[0].Value)
	}
	tags := make([][]Tag, 0, len(o.Attributes))
	for i := range o.Attributes {
		tags = append(tags, o.Attributes[i].Tags)
	}
	custom, left := x.keep(kept{Object: o})
	common := func(t stix.Type) stix.Common {
		c := x.common(idOf(t, o.UUID, seed), o.Timestamp, o.Deleted, tags...)
		for i := range o.Attributes { // an object's timestamp does not follow its attributes'
			if t, ok := o.Attributes[i].Timestamp.Time(); ok && stix.At(t).Compare(c.Modified) > 0 {
				c.Modified = stix.At(t.Add(x.strictness(tags...)))
			}
		}
		c.Custom = custom
		return c
	}
	searched, rule, facts := o.sides()
	seen := observables(facts, x.markings(tags...), seed)
	var main *stix.Object
	var err error
	switch {
	case rule != nil || len(searched) > 0:
		main, err = o.indicator(common("indicator"), searched, rule)
	case len(seen) > 0:
		main, err = observed(common("observed-data"), o.FirstSeen, o.LastSeen, seen)
	default:
		main, err = x.summary(common("note"), o)
	}
	if err == nil && main.Type == "observed-data" {
		x.all(seen)
	}
	if err := x.main(o.UUID, main, err, left); err != nil {
		return err
	}
	id := own(main.ID)
	if main.Type == "indicator" && len(seen) > 0 {
		x.based(main, o, seen, tags)
	}
	for i := range o.Attributes {
		if a := &o.Attributes[i]; a.UUID != "" {
			if x.enter(a.UUID, id) == nil {
				x.sightings(a, main)
			}
		}
	}
	x.references(o, main, tags)
	return nil
}

// sides gives what of the object is to be searched for, the rule in a language of its own if there is one, and all that it says.
func (o *Object) sides() (searched [][]fact, rule *Attribute, all []fact) {
	var placeless [][]fact
	for i := range o.Attributes {
		a := &o.Attributes[i]
		if a.Deleted {
			continue
		}
		facts := o.factsOf(a)
		all = append(all, facts...)
		k, _ := kindOf(a.Type)
		switch {
		case !bool(a.ToIDs) || k.object != "":
		case k.rule != "" && (k.rule != "stix" || validPattern(string(a.Value))):
			if rule == nil {
				rule = a
			}
		case facts != nil:
			searched = append(searched, facts)
		default:
			placeless = append(placeless, customFacts(a))
		}
	}
	if len(searched) == 0 && rule == nil {
		searched = placeless
	}
	return searched, rule, all
}

func (o *Object) indicator(c stix.Common, searched [][]fact, rule *Attribute) (*stix.Object, error) {
	i := stix.Indicator{Common: c, Name: o.title(), Description: o.Comment, ValidFrom: since(o.FirstSeen, c.Modified)}
	if rule != nil {
		k, _ := kindOf(rule.Type)
		i.PatternType, i.Pattern = k.rule, string(rule.Value)
	} else {
		i.Pattern = combined(searched)
	}
	return i.Object()
}

// title is what an object is called: its template, and the first thing that it says.
func (o *Object) title() string {
	for _, a := range o.Attributes {
		if !a.Deleted {
			v := []rune(string(a.Value))
			return o.Name + ": " + string(v[:min(len(v), 120)])
		}
	}
	return o.Name
}

// summary is a note of what the object's attributes are.
func (x *mapper) summary(c stix.Common, o *Object) (*stix.Object, error) {
	var b strings.Builder
	b.WriteString(o.Comment)
	for _, a := range o.Attributes {
		if !a.Deleted {
			b.WriteString("\n" + a.Relation + " (" + a.Type + "): " + string(a.Value))
		}
	}
	content := strings.TrimSpace(b.String())
	if content == "" {
		content = o.Name
	}
	return stix.Domain{Common: c, Type: "note", Properties: []stix.Property{
		{Name: "abstract", Value: o.Name}, {Name: "content", Value: content}, {Name: "object_refs", Value: []stix.ID{x.report}}}}.Object()
}

// based gives what an indicator is based on: everything that its object says, be it searched for or not.
func (x *mapper) based(i *stix.Object, o *Object, seen []*stix.Object, tags [][]Tag) {
	beside, _ := x.keep(kept{})
	common := func(t stix.Type) stix.Common {
		return stix.Common{ID: stix.DeriveID(t, namespace, []byte("based-on "+string(i.ID))), CreatedBy: i.CreatedBy, Created: i.Created, Modified: i.Modified,
			Revoked: i.Revoked, Labels: i.Labels, Markings: x.markings(tags...), Custom: beside}
	}
	data, err := observed(common("observed-data"), o.FirstSeen, o.LastSeen, seen)
	if err != nil {
		return
	}
	link, err := stix.Relationship{Common: common("relationship"), Type: "based-on", Source: i.ID, Target: data.ID}.Object()
	if err != nil {
		return
	}
	x.all(slices.Concat(seen, []*stix.Object{data, link}))
	x.refer(own(data.ID))
}

// references notes what an object refers to.
func (x *mapper) references(o *Object, main *stix.Object, tags [][]Tag) {
	for i := range o.References {
		r := &o.References[i]
		seed := string(main.ID) + " " + r.Relationship + " " + string(r.Referenced)
		c := x.common(idOf("relationship", r.UUID, seed), r.Timestamp, r.Deleted || o.Deleted, tags...)
		c.Custom, _ = x.keep(kept{})
		x.pending = append(x.pending, reference{own(main.ID), c, r.Referenced, r.Relationship, r.Comment})
	}
}

// relationType writes a word as STIX writes types of relationships.
func relationType(s string) string {
	mapped := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	if strings.Trim(mapped, "-") == "" {
		return "related-to"
	}
	return mapped
}

// sightings gives what is told of an attribute: that it was seen, and that it was no hit after all. That it has expired stays in the extension.
func (x *mapper) sightings(a *Attribute, of *stix.Object) {
	for i := range a.Sightings {
		s := &a.Sightings[i]
		seed := string(of.ID) + " " + string(a.UUID) + " " + string(s.Type) + " " + string(s.Date) + " " + s.Source
		c := x.common("", s.Date, false, a.Tags)
		c.Created, c.Confidence, c.Labels = c.Modified, nil, nil
		c.Custom, _ = x.keep(kept{})
		var where []stix.ID
		if s.Org != nil {
			if id := x.organisation(s.Org); id != "" {
				where, c.CreatedBy = []stix.ID{id}, id
			}
		}
		var o *stix.Object
		var err error
		switch s.Type {
		case Seen, "":
			c.ID = idOf("sighting", s.UUID, seed)
			n := 1
			o, err = stix.Sighting{Common: c, FirstSeen: since("", c.Modified), LastSeen: since("", c.Modified), Count: &n, Of: of.ID, Where: where}.Object()
		case FalsePositive:
			c.ID = idOf("opinion", s.UUID, seed)
			o, err = stix.Domain{Common: c, Type: "opinion", Properties: []stix.Property{{Name: "explanation", Value: "false positive"},
				{Name: "opinion", Value: "strongly-disagree"}, {Name: "object_refs", Value: []stix.ID{of.ID}}}}.Object()
		default:
			continue
		}
		x.once(o, err)
	}
}

// text maps a report of the event to a note.
func (x *mapper) text(r *EventReport) error {
	if o, ok := x.came.sameReport(r); ok {
		x.original(o, r.Tags)
		return nil
	}
	custom, left := x.keep(kept{Report: r})
	c := x.common(idOf("note", r.UUID, string(x.head.UUID)+" report "+r.Name), r.Timestamp, r.Deleted, r.Tags)
	c.Custom = custom
	content := cmp.Or(r.Content, r.Name, "report")
	o, err := stix.Domain{Common: c, Type: "note", Properties: []stix.Property{
		{Name: "abstract", Value: r.Name}, {Name: "content", Value: content}, {Name: "object_refs", Value: []stix.ID{x.report}}}}.Object()
	return x.main(r.UUID, o, err, left)
}

// close gives what refers to elements: relationships, and last the report.
func (x *mapper) close() {
	if x.head == nil {
		return
	}
	for _, p := range x.pending {
		to, ok := x.elements[p.to.bytes()]
		if !ok || to == p.from {
			continue // it leads out of the event, or into the object itself; it stays in the extension
		}
		x.once(stix.Relationship{Common: p.common, Type: relationType(p.kind), Description: p.comment, Source: p.from, Target: to}.Object())
	}
	for i, g := range x.head.Galaxies {
		x.galaxy(i, g)
	}
	if o := x.came.report(x.report, x.head); o != nil {
		x.original(o, nil)
		return
	}
	custom, left := x.keep(kept{Head: x.head.bare()})
	c := x.common(x.report, x.head.Timestamp, false)
	c.Labels, c.Custom = labelsOf(x.head.Tags), custom
	published := since("", c.Modified)
	if t, ok := x.head.PublishTimestamp.Time(); ok {
		published = stix.At(t)
	}
	refs := append(x.parts, x.refs...)
	switch {
	case len(refs) > 0:
	case x.author != "":
		refs = []stix.ID{x.author}
	default:
		refs = []stix.ID{Extension}
	}
	o, err := stix.Report{Common: c, Name: x.head.Info, Published: published, Refs: refs}.Object()
	if err == nil {
		x.give(stix.Item{Offset: x.offset, Object: o})
		err = left
	}
	if err != nil {
		p := Part{Offset: x.offset, Err: err}
		x.refuse(x.offset, p.fault())
	}
}

// bare is the event without its elements and galaxies.
func (e *Event) bare() *Event {
	h := *e
	h.Attributes, h.Objects, h.Reports, h.Galaxies = nil, nil, nil, nil
	return &h
}
