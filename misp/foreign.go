package misp

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/stix/pattern"
)

// backward has, for a path of STIX, the type of attribute whose value stands there. What stands at paths that are not here goes in patterns.
var backward = map[string]string{
	"ipv4-addr:value": "ip-dst", "ipv6-addr:value": "ip-dst", "domain-name:value": "domain", "url:value": "url", "email-addr:value": "email",
	"file:hashes.MD5": "md5", "file:hashes.'SHA-1'": "sha1", "file:hashes.'SHA-256'": "sha256", "file:hashes.'SHA-512'": "sha512",
	"file:hashes.'SHA3-256'": "sha3-256", "file:hashes.'SHA3-512'": "sha3-512", "file:hashes.SSDEEP": "ssdeep", "file:hashes.TLSH": "tlsh",
	"file:hashes.IMPHASH": "imphash", "file:name": "filename", "mac-addr:value": "mac-address", "mutex:name": "mutex", "windows-registry-key:key": "regkey",
	"autonomous-system:number": "AS", "x509-certificate:hashes.MD5": "x509-fingerprint-md5", "x509-certificate:hashes.'SHA-1'": "x509-fingerprint-sha1",
	"x509-certificate:hashes.'SHA-256'": "x509-fingerprint-sha256", "email-message:from_ref.value": "email-src", "email-message:to_refs[*].value": "email-dst",
	"email-message:subject": "email-subject", "software:cpe": "cpe",
}

// languages has the type of attribute for a pattern_type.
var languages = map[string]string{"yara": "yara", "sigma": "sigma", "snort": "snort", "suricata": "snort", "zeek": "zeek", "kusto": "kusto-query"}

// called has the type of attribute for what is called by a name in MISP.
var called = map[stix.Type]string{"vulnerability": "vulnerability", "threat-actor": "threat-actor", "intrusion-set": "threat-actor", "campaign": "campaign-name"}

// visible is what a reader of MISP sees of an object.
type visible struct {
	attributes []Attribute
	reports    []EventReport
	lost       string // what of it is not seen; "" for nothing that matters
}

// foreign puts objects that did not come from MISP into the event.
func (r *restoring) foreign() (lost []Lost) {
	var originals []*stix.Object
	at := map[stix.ID]UUID{}
	taken := r.uuids()
	for _, id := range r.order {
		o := r.byID[id]
		if _, ours := r.known[id]; ours {
			continue
		}
		if o.Type == "marking-definition" && o.ID == stix.TLPRef(stix.ParseDefinition(o).TLP) {
			continue // everybody has it
		}
		originals = append(originals, o)
		if id == r.report {
			continue
		}
		v := show(o)
		tags := r.tags(o)
		for i, a := range v.attributes {
			var ok bool
			if a.UUID, ok = taken.give(o, a.UUID, a.another(o)); !ok {
				lost = append(lost, Lost{id, "something else in the event has its uuid"})
				continue
			}
			if a.Tags = tags; i == 0 {
				at[id] = a.UUID
			}
			r.event.Attributes = append(r.event.Attributes, a)
		}
		for _, t := range v.reports {
			var ok bool
			if t.UUID, ok = taken.give(o, t.UUID, t.another(o)); !ok {
				lost = append(lost, Lost{id, "something else in the event has its uuid"})
				continue
			}
			t.Tags = tags
			r.event.Reports = append(r.event.Reports, t)
		}
		if v.lost != "" {
			lost = append(lost, Lost{id, v.lost})
		}
	}
	lost = append(lost, r.sighted(originals, at)...)
	attached, over := attach(originals, r.event.UUID, r.event.Timestamp)
	r.event.Attributes = append(attached, r.event.Attributes...)
	for _, o := range over {
		lost = append(lost, Lost{o.ID, "it is too long for an attachment and does not travel along"})
	}
	return lost
}

// uuids are those of an event's elements: objects of STIX may have the same UUID where their types differ, and elements may not.
type uuids struct {
	used    map[string]bool
	looking map[string]stix.ID // indicators by theirs, which they keep: what is searched for is found by it elsewhere
}

func (r *restoring) uuids() uuids {
	u := uuids{map[string]bool{}, map[string]stix.ID{}}
	for a := range r.event.All() {
		u.used[strings.ToLower(string(a.UUID))] = true
	}
	for i := range r.event.Objects {
		u.used[strings.ToLower(string(r.event.Objects[i].UUID))] = true
	}
	for i := range r.event.Reports {
		u.used[strings.ToLower(string(r.event.Reports[i].UUID))] = true
	}
	for _, id := range r.order {
		if _, ours := r.known[id]; !ours && id.Type() == "indicator" {
			u.looking[id.UUID()] = id
		}
	}
	return u
}

// give gives an element that an object becomes its own UUID, or another one where that is somebody else's.
func (u uuids) give(o *stix.Object, own, another UUID) (UUID, bool) {
	for _, one := range []UUID{own, another} {
		name := strings.ToLower(string(one))
		if by, there := u.looking[name]; u.used[name] || there && by != o.ID {
			continue
		}
		u.used[name] = true
		return one, true
	}
	return "", false
}

// another is the UUID of an element where the one that it should have is another's: the same at every export, so that the way back knows it.
func (a *Attribute) another(o *stix.Object) UUID {
	return UUID(stix.DeriveID(o.Type, namespace, []byte("another "+string(o.ID)+" "+a.Type+" "+string(a.Value))).UUID())
}

func (r *EventReport) another(o *stix.Object) UUID {
	return UUID(stix.DeriveID(o.Type, namespace, []byte("another "+string(o.ID))).UUID())
}

// sighted puts sightings to the attributes that they are of.
func (r *restoring) sighted(originals []*stix.Object, at map[stix.ID]UUID) (lost []Lost) {
	places := map[UUID]*Attribute{}
	for a := range r.event.All() {
		places[a.UUID] = a
	}
	for _, o := range originals {
		if o.Type != "sighting" {
			continue
		}
		a := places[at[o.SightingOf]]
		if a == nil {
			if k, ok := keptIn(orNone(r.byID[o.SightingOf])); ok && k.Attribute != nil {
				a = places[k.Attribute.UUID]
			}
		}
		if a == nil {
			lost = append(lost, Lost{o.ID, "what was seen is no attribute here"})
			continue
		}
		when := o.LastSeen
		if when == "" {
			when = o.Modified
		}
		a.Sightings = append(a.Sightings, Sighting{UUID: UUID(o.ID.UUID()), Type: Seen, Date: secondsAt(when), Attribute: a.UUID, Org: r.author(o)})
		if o.Count > 1 {
			lost = append(lost, Lost{o.ID, "that it was seen more than once"})
		}
	}
	return lost
}

func orNone(o *stix.Object) *stix.Object {
	if o == nil {
		return &stix.Object{}
	}
	return o
}

// show gives what a reader of MISP sees of one object. It depends on nothing else, so that the way back can find out what was changed.
func show(o *stix.Object) visible {
	if t, ok := called[o.Type]; ok && o.Name != "" {
		name := o.Name
		for _, ref := range o.References {
			if o.Type == "vulnerability" && strings.EqualFold(ref.SourceName, "cve") && ref.ExternalID != "" {
				name = ref.ExternalID
			}
		}
		return visible{attributes: []Attribute{attributeOf(o, t, name, false)}}
	}
	switch o.Type {
	case "indicator":
		return showIndicator(o)
	case "note", "report":
		name, content := o.Name, o.Description
		if o.Type == "note" {
			name, content = o.Text("abstract"), o.Text("content")
		}
		if name == "" {
			name = string(o.Type)
		}
		return visible{reports: []EventReport{{UUID: UUID(o.ID.UUID()), Name: name, Content: content, Timestamp: secondsAt(o.Modified),
			Distribution: Inherited, Deleted: Flag(o.Revoked)}}}
	case "malware", "tool", "attack-pattern", "infrastructure", "course-of-action", "incident":
		if o.Name != "" {
			return visible{attributes: []Attribute{attributeOf(o, "text", string(o.Type)+": "+o.Name, false)}, lost: "shown as a text, since MISP has galaxies for it, which are an instance's own"}
		}
	case "sighting", "extension-definition", "identity":
		return visible{}
	}
	if o.Type.Observable() {
		return showObservable(o)
	}
	return visible{lost: "MISP has no place for the type " + string(o.Type)}
}

// attributeOf is an attribute that an object becomes.
func attributeOf(o *stix.Object, kind, value string, toIDs bool) Attribute {
	a := Attribute{UUID: UUID(o.ID.UUID()), Type: kind, Value: Word(value), ToIDs: Flag(toIDs), Comment: o.Description, Distribution: Inherited, Deleted: Flag(o.Revoked)}
	if a.Comment == "" && toIDs {
		a.Comment = o.Name
	}
	if v := o.Version(); v != "" {
		a.Timestamp = secondsAt(v)
	}
	const micros = "2006-01-02T15:04:05.000000-07:00"
	if o.ValidFrom != "" {
		a.FirstSeen = o.ValidFrom.Time().Format(micros)
	}
	if o.ValidUntil != "" {
		a.LastSeen = o.ValidUntil.Time().Format(micros)
	}
	return a
}

func showIndicator(o *stix.Object) visible {
	kind := languages[strings.ToLower(o.PatternType)]
	switch {
	case o.Pattern == "":
		return visible{lost: "it has no pattern"}
	case kind != "":
		return visible{attributes: []Attribute{attributeOf(o, kind, o.Pattern, true)}}
	case o.PatternType != "stix":
		return visible{attributes: []Attribute{attributeOf(o, "text", o.Pattern, false)}, lost: "MISP does not know the language of its pattern"}
	}
	whole := visible{attributes: []Attribute{attributeOf(o, "stix2-pattern", o.Pattern, true)}}
	p, err := pattern.Parse(o.Pattern)
	if err != nil {
		return visible{attributes: []Attribute{attributeOf(o, "text", o.Pattern, false)}, lost: "its pattern cannot be read"}
	}
	values, cover := p.Values()
	if cover != pattern.Exact || len(values) > 64 {
		return whole
	}
	var list []Attribute
	for i, v := range values {
		t, ok := backward[v.Type+":"+v.Property]
		facts := factsOf(t, v.Literal.Text)
		if !ok || len(facts) != 1 || facts[0].value != v.Literal.Text || (facts[0].form == within) != v.Within {
			return whole
		}
		a := attributeOf(o, t, v.Literal.Text, true)
		if i > 0 {
			a.UUID = UUID(stix.DeriveID("indicator", namespace, []byte(string(o.ID)+" "+t+" "+v.Literal.Text)).UUID())
		}
		list = append(list, a)
	}
	if len(list) == 0 {
		return whole
	}
	return visible{attributes: list}
}

// showObservable gives attributes for what an observable says by itself.
func showObservable(o *stix.Object) visible {
	var list []Attribute
	add := func(path, value string) {
		t, ok := backward[path]
		if !ok || value == "" || factsOf(t, value) == nil {
			return
		}
		a := attributeOf(o, t, value, false)
		a.Comment = ""
		if len(list) > 0 {
			a.UUID = UUID(stix.DeriveID(o.Type, namespace, []byte(string(o.ID)+" "+t+" "+value)).UUID())
		}
		list = append(list, a)
	}
	number, _ := o.Property("number")
	switch o.Type {
	case "autonomous-system":
		add("autonomous-system:number", number)
	case "mutex":
		add("mutex:name", o.Name)
	case "windows-registry-key":
		add("windows-registry-key:key", o.Text("key"))
	case "file", "x509-certificate":
		for _, h := range sortedHashes(o) {
			add(hashPath(string(o.Type), h[0]), h[1])
		}
		if o.Type == "file" {
			add("file:name", o.Name)
		}
	default:
		add(string(o.Type)+":value", o.Value)
	}
	if len(list) == 0 {
		return visible{lost: "it says nothing that is an attribute by itself"}
	}
	return visible{attributes: list}
}

// sortedHashes gives the names and values of an object's hashes, in the order of the names.
func sortedHashes(o *stix.Object) (list [][2]string) {
	text, ok := o.Property("hashes")
	if !ok {
		return nil
	}
	var all map[string]string
	if unmarshal(text, &all) != nil {
		return nil
	}
	for n, v := range all {
		list = append(list, [2]string{n, v})
	}
	slices.SortFunc(list, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return list
}
