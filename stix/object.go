package stix

import (
	"iter"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
)

// Limits bound what Parse takes. A field that is 0 has the default.
type Limits struct {
	Size  int // bytes of one object, at most 1 GiB; default 8 MiB, the largest that fits a packet
	Depth int // objects and lists inside each other, the object itself counted; default 64
	Names int // property names in the object, those of inner objects counted; default 65,536
}

// The defaults of Limits.
const (
	MaxSize  = 8 << 20
	MaxDepth = 64
	MaxNames = 1 << 16
)

func (l Limits) filled() Limits {
	if l.Size <= 0 {
		l.Size = MaxSize
	}
	l.Size = min(l.Size, 1<<30)
	if l.Depth <= 0 {
		l.Depth = MaxDepth
	}
	if l.Names <= 0 {
		l.Names = MaxNames
	}
	return l
}

// Object is one STIX object: its bytes, and what Parse drew from them. The fields are for reading; changing one changes no byte of
// Raw. A field whose property is absent has its zero value, Confidence excepted.
//
// Fields down to References are common properties (§3.2), and Parse refuses an object in which one is malformed. Those below hold
// their property only where it has the form that the standard gives it: in a custom type it may mean anything.
type Object struct {
	Raw string // exactly the bytes that came, from brace to brace

	Type        Type
	ID          ID
	SpecVersion string // as written; "" in observables that leave it out, and in STIX 2.0
	Created     Timestamp
	Modified    Timestamp
	CreatedBy   ID
	Revoked     bool
	Confidence  int // 0 to 100; −1 where there is none
	Lang        string
	Labels      []string
	Markings    []ID       // object_marking_refs
	Granular    []Granular // granular_markings
	References  []Reference

	Name, Description string
	Value             string // of the observables that are one value: addresses, names, URLs

	Pattern, PatternType  string // indicator
	ValidFrom, ValidUntil Timestamp

	RelationshipType     string // relationship
	SourceRef, TargetRef ID

	SightingOf          ID        // sighting
	FirstSeen, LastSeen Timestamp // also campaigns, malware and others
	Count               int       // −1 where there is none

	members []member
}

// Reference is one entry of external_references (§2.5).
type Reference struct {
	SourceName, Description, URL, ExternalID string
}

// Version is what tells this version of the object from others: modified, or created where there is no modified, "" where an
// object has neither, as observables have.
func (o *Object) Version() Timestamp {
	if o.Modified != "" {
		return o.Modified
	}
	return o.Created
}

// Spec is the version of STIX that the object is of: what it says, or, where it says nothing, 2.1 for an observable, whose default that
// is (§3.2), and 2.0 for anything else, which 2.1 obliges to say it.
func (o *Object) Spec() string {
	switch {
	case o.SpecVersion != "":
		return o.SpecVersion
	case o.class() == observable:
		return "2.1"
	}
	return "2.0"
}

// class is what o is. Of a custom type it shows in what the object has: an observable has no versions.
func (o *Object) class() class {
	if r, ok := ruleOf(o.Type); ok {
		return r.class
	}
	if o.Created == "" && o.Modified == "" {
		return observable
	}
	return domain
}

// Property gives the JSON text of a top-level property exactly as it stands in Raw.
func (o *Object) Property(name string) (text string, ok bool) {
	if m := o.member(name); m != nil {
		return m.in(o.Raw), true
	}
	return "", false
}

// Text gives the value of a top-level property that is a string, "" for any other.
func (o *Object) Text(name string) string {
	if m := o.member(name); m != nil && o.Raw[m.at()] == '"' {
		return decode(m.in(o.Raw))
	}
	return ""
}

// Properties gives the names of all top-level properties and their JSON texts, in the order of Raw.
func (o *Object) Properties() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, m := range o.members {
			if !yield(m.name, m.in(o.Raw)) {
				return
			}
		}
	}
}

// Refs gives what the object refers to at its top level: each identifier in a property whose name ends in _ref or _refs, by
// property and in the order of Raw. Values that are no identifiers are left out.
func (o *Object) Refs() iter.Seq2[string, ID] {
	return func(yield func(string, ID) bool) {
		for _, m := range o.members {
			text := m.in(o.Raw)
			switch {
			case strings.HasSuffix(m.name, "_ref"):
				if id, ok := idOf(text); ok && !yield(m.name, id) {
					return
				}
			case strings.HasSuffix(m.name, "_refs") && text[0] == '[':
				for _, e := range elements(text) {
					if id, ok := idOf(e); ok && !yield(m.name, id) {
						return
					}
				}
			}
		}
	}
}

func (o *Object) member(name string) *member {
	for i := range o.members {
		if o.members[i].name == name {
			return &o.members[i]
		}
	}
	return nil
}

func (o *Object) String() string { return o.Raw }

// Parse reads one object within the default Limits. raw is copied. Errors: fault.Malformed and fault.TooLarge, with the byte at
// which the trouble begins.
func Parse(raw []byte) (*Object, error) { return new(Parser).Parse(raw) }

// Parser reads objects one after another and reuses its memory. It is not safe for concurrent use; the zero value is ready.
type Parser struct {
	Limits Limits
	scan   scanner
}

// Parse reads one object. See the function Parse.
func (p *Parser) Parse(raw []byte) (*Object, error) {
	limits := p.Limits.filled()
	if len(raw) > limits.Size {
		return nil, fault.New(fault.TooLarge, "", "the object has %d bytes, at most %d are allowed", len(raw), limits.Size)
	}
	p.scan.limits = limits
	o := &Object{Raw: strings.Trim(string(raw), " \t\r\n"), Confidence: -1, Count: -1}
	f := p.scan.scan(o.Raw)
	if f == nil {
		o.members = append(make([]member, 0, len(p.scan.members)), p.scan.members...)
		f = o.read()
	}
	if f != nil {
		return nil, f.fault()
	}
	return o, nil
}

// read fills the fields from the members.
func (o *Object) read() *flaw {
	for i := range o.members {
		m := &o.members[i]
		if f := o.common(m); f != nil {
			return f
		}
	}
	switch at, ok := o.place("type"); {
	case !ok:
		return bad(0, "the object has no type")
	case !o.Type.valid():
		return bad(at, "type is not the name of a type: 3 to 250 lower-case letters, digits and hyphens")
	case o.Type == "bundle":
		return bad(at, "a bundle is not an object: read what is in it")
	}
	switch at, ok := o.place("id"); {
	case !ok:
		return bad(0, "the object has no id")
	case !o.ID.valid():
		return bad(at, "id is not a type, two hyphens and a UUID")
	case o.ID.Type() != o.Type:
		return bad(at, "id and type do not agree")
	}
	return nil
}

func (o *Object) place(name string) (int, bool) {
	if m := o.member(name); m != nil {
		return m.at(), true
	}
	return 0, false
}

// common reads one member if it is a common property, and leaves the rest to own.
func (o *Object) common(m *member) (f *flaw) {
	v := m.in(o.Raw)
	ok := true
	switch m.name {
	case "type":
		o.Type, ok = textOf[Type](v)
	case "id":
		o.ID, ok = textOf[ID](v)
	case "spec_version":
		o.SpecVersion, ok = textOf[string](v)
	case "created":
		o.Created, ok = timeOf(v)
	case "modified":
		o.Modified, ok = timeOf(v)
	case "created_by_ref":
		o.CreatedBy, ok = idOf(v)
	case "revoked":
		o.Revoked, ok = v == "true", v == "true" || v == "false"
	case "confidence":
		o.Confidence, ok = countOf(v)
		ok = ok && o.Confidence <= 100
	case "lang":
		o.Lang, ok = textOf[string](v)
	case "labels":
		o.Labels, ok = listOf(v, textOf[string])
	case "object_marking_refs":
		o.Markings, ok = listOf(v, idOf)
	case "granular_markings":
		o.Granular, ok = listOf(v, granularOf)
	case "external_references":
		o.References, ok = listOf(v, referenceOf)
	default:
		o.own(m.name, v)
	}
	if !ok {
		return bad(m.at(), m.name+" is not "+commonForms[m.name])
	}
	return nil
}

// commonForms says what each common property is, for messages.
var commonForms = map[string]string{
	"type":                "a string",
	"id":                  "a string",
	"spec_version":        "a string",
	"created":             "a timestamp such as 2026-11-21T08:00:00.000Z",
	"modified":            "a timestamp such as 2026-11-21T08:00:00.000Z",
	"created_by_ref":      "an identifier",
	"revoked":             "true or false",
	"confidence":          "a whole number from 0 to 100",
	"lang":                "a string",
	"labels":              "a list of strings",
	"object_marking_refs": "a list of identifiers",
	"granular_markings":   "a list of granular markings, each with selectors and a marking_ref or a lang",
	"external_references": "a list of objects, each with a source_name",
}

// own reads properties of single types, as far as they have the standard's form.
func (o *Object) own(name, v string) {
	switch name {
	case "name":
		o.Name, _ = textOf[string](v)
	case "description":
		o.Description, _ = textOf[string](v)
	case "value":
		o.Value, _ = textOf[string](v)
	case "pattern":
		o.Pattern, _ = textOf[string](v)
	case "pattern_type":
		o.PatternType, _ = textOf[string](v)
	case "valid_from":
		o.ValidFrom, _ = timeOf(v)
	case "valid_until":
		o.ValidUntil, _ = timeOf(v)
	case "relationship_type":
		o.RelationshipType, _ = textOf[string](v)
	case "source_ref":
		o.SourceRef, _ = idOf(v)
	case "target_ref":
		o.TargetRef, _ = idOf(v)
	case "sighting_of_ref":
		o.SightingOf, _ = idOf(v)
	case "first_seen":
		o.FirstSeen, _ = timeOf(v)
	case "last_seen":
		o.LastSeen, _ = timeOf(v)
	case "count":
		if n, ok := countOf(v); ok {
			o.Count = n
		}
	}
}

func textOf[T ~string](v string) (T, bool) {
	if v[0] != '"' {
		return "", false
	}
	return T(decode(v)), true
}

func idOf(v string) (ID, bool) {
	if id, ok := textOf[ID](v); ok && id.valid() {
		return id, true
	}
	return "", false
}

func timeOf(v string) (Timestamp, bool) {
	if t, ok := textOf[Timestamp](v); ok && t.valid() {
		return t, true
	}
	return "", false
}

// countOf reads a whole number that is not negative and not written with a fraction or an exponent; −1 where it is none.
func countOf(v string) (int, bool) {
	if n, err := strconv.ParseUint(v, 10, 53); err == nil {
		return int(n), true
	}
	return -1, false
}

func listOf[T any](v string, each func(string) (T, bool)) ([]T, bool) {
	if v[0] != '[' {
		return nil, false
	}
	list := make([]T, 0, 2)
	for _, e := range elements(v) {
		x, ok := each(e)
		if !ok {
			return nil, false
		}
		list = append(list, x)
	}
	return list, true
}

func referenceOf(v string) (r Reference, ok bool) {
	if v[0] != '{' {
		return r, false
	}
	for m := range properties(v) {
		text := m.in(v)
		switch m.name {
		case "source_name":
			r.SourceName, ok = textOf[string](text)
		case "description":
			r.Description, _ = textOf[string](text)
		case "url":
			r.URL, _ = textOf[string](text)
		case "external_id":
			r.ExternalID, _ = textOf[string](text)
		}
	}
	return r, ok
}
