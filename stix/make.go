package stix

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
)

// Property is one property to write: a name and anything that JSON can say. Maps are written with their keys in order.
type Property struct {
	Name  string
	Value any
}

// Common are the common properties of what we make (§3.2). What is zero is left out.
type Common struct {
	ID         ID
	CreatedBy  ID
	Created    Timestamp
	Modified   Timestamp // Created where it is ""
	Revoked    bool
	Labels     []string
	Confidence *int
	Lang       string
	References []Reference
	Markings   []ID
	Granular   []Granular
	Custom     []Property // custom properties and extensions; they stand last
}

// Domain makes an object of any type that is not an observable. The other values of this file are for the types that we make most.
type Domain struct {
	Common
	Type       Type
	Properties []Property // a value that is "", nil or an empty list or map is left out; false and 0 are written
}

// Object writes the object, its properties in the order of the standard's tables, and holds it against Check. Error: fault.Malformed.
func (d Domain) Object() (*Object, error) {
	if d.Modified == "" && d.Type != "marking-definition" {
		d.Modified = d.Created
	}
	w := writer{}
	w.put("type", d.Type)
	w.put("spec_version", "2.1")
	w.put("id", d.ID)
	w.put("created_by_ref", d.CreatedBy)
	w.put("created", d.Created)
	w.put("modified", d.Modified)
	w.put("revoked", whenTrue(d.Revoked))
	w.put("labels", d.Labels)
	w.put("confidence", d.Confidence)
	w.put("lang", d.Lang)
	w.put("external_references", written(d.References))
	w.put("object_marking_refs", d.Markings)
	w.put("granular_markings", marked(d.Granular))
	w.all(d.Properties)
	w.all(d.Custom)
	return w.object()
}

// writer writes an object's members in the order in which they are put.
type writer struct {
	text []byte
	err  error
}

// put writes one member, unless its value is nothing: "", null, or an empty list or object.
func (w *writer) put(name string, value any) {
	text, err := w.plain(value)
	if text == nil && err == nil {
		text, err = json.Marshal(value, json.Deterministic(true))
	}
	if w.err == nil && err != nil {
		w.err = fault.Wrap(err, fault.Malformed, "", "a value cannot be written as JSON")
	}
	if w.err == nil && oneOf(string(text), `""`, "null", "[]", "{}") == "" {
		w.member(name, text)
	}
}

// plain writes what most values are without reflection; nil for the others.
func (w *writer) plain(value any) ([]byte, error) {
	var s string
	switch v := value.(type) {
	case nil:
		return []byte("null"), nil
	case []string:
		return none(len(v)), nil
	case []ID:
		return none(len(v)), nil
	case []any:
		return none(len(v)), nil
	case []Phase:
		return none(len(v)), nil
	case string:
		s = v
	case ID:
		s = string(v)
	case Type:
		s = string(v)
	case Timestamp:
		s = string(v)
	default:
		return nil, nil
	}
	return jsontext.AppendQuote(make([]byte, 0, len(s)+2), s)
}

// none is an empty list, nil for one that has something.
func none(n int) []byte {
	if n == 0 {
		return []byte("[]")
	}
	return nil
}

func (w *writer) member(name string, text []byte) {
	open := byte(',')
	if len(w.text) == 0 {
		open = '{'
		w.text = make([]byte, 0, 1<<10)
	}
	w.text = append(w.text, open)
	quoted, err := jsontext.AppendQuote(w.text, name)
	if err != nil && w.err == nil {
		w.err = fault.Wrap(err, fault.Malformed, "", "a name is not UTF-8")
	}
	w.text = append(append(quoted, ':'), text...)
}

func (w *writer) all(list []Property) {
	for _, p := range list {
		w.put(p.Name, p.Value)
	}
}

// object parses what was written, so that what we make is read by the same code as what comes.
func (w *writer) object() (*Object, error) {
	if w.err != nil {
		return nil, w.err
	}
	o, err := Parse(append(w.text, '}'))
	if err != nil {
		return nil, err
	}
	if found := o.Check(); len(found) > 0 {
		return nil, found[0].Fault()
	}
	return o, nil
}

// whenTrue is a flag that is left out when it is false.
func whenTrue(flag bool) any {
	if flag {
		return true
	}
	return nil
}

func written(list []Reference) (out []any) {
	for _, r := range list {
		out = append(out, struct {
			SourceName  string `json:"source_name"`
			Description string `json:"description,omitzero"`
			URL         string `json:"url,omitzero"`
			ExternalID  string `json:"external_id,omitzero"`
		}(r))
	}
	return out
}

func marked(list []Granular) (out []any) {
	for _, g := range list {
		out = append(out, struct {
			Selectors []string `json:"selectors"`
			Marking   ID       `json:"marking_ref,omitzero"`
			Lang      string   `json:"lang,omitzero"`
		}(g))
	}
	return out
}

// Observable makes a cyber observable.
type Observable struct {
	ID         ID // "" for the deterministic one
	Type       Type
	Markings   []ID
	Granular   []Granular
	Defanged   bool
	Properties []Property
}

// Object writes the observable and holds it against Check. Error: fault.Malformed, also where ID is "" and the properties make none.
func (o Observable) Object() (*Object, error) {
	id := o.ID
	if id == "" {
		var w writer
		w.all(o.Properties)
		if w.err != nil {
			return nil, w.err
		}
		text := string(append(w.text, '}'))
		var ok bool
		id, ok = deriveID(o.Type, func(name string) (string, bool) {
			if len(text) < 2 {
				return "", false
			}
			return child(text, name)
		})
		if !ok {
			return nil, fault.New(fault.Malformed, "", "nothing in the observable makes an identifier: give it one")
		}
	}
	w := writer{}
	w.put("type", o.Type)
	w.put("spec_version", "2.1")
	w.put("id", id)
	w.put("object_marking_refs", o.Markings)
	w.put("granular_markings", marked(o.Granular))
	w.put("defanged", whenTrue(o.Defanged))
	w.all(o.Properties)
	return w.object()
}

// single has the property that is all of an observable of one value.
var single = map[Type]string{
	"domain-name": "value", "email-addr": "value", "ipv4-addr": "value", "ipv6-addr": "value", "mac-addr": "value", "url": "value",
	"mutex": "name", "directory": "path", "windows-registry-key": "key", "software": "name",
}

// Single makes an observable that is one value: an address, a domain name, a URL, a mutex, a path, a registry key, the name of
// software. Error: fault.Malformed, also for types that are not one value.
func Single(t Type, value string, markings ...ID) (*Object, error) {
	name, ok := single[t]
	if !ok {
		return nil, fault.New(fault.Malformed, "", "an observable of this type is more than one value")
	}
	return Observable{Type: t, Markings: markings, Properties: []Property{{name, value}}}.Object()
}

// TLPDefinitions gives the marking-definitions of TLP 1.0 and TLP 2.0 as the standards fix them.
func TLPDefinitions() []*Object {
	var out []*Object
	for _, m := range tlpMarkings {
		d := Domain{Type: "marking-definition", Common: Common{ID: m.id}}
		if m.generation == 1 {
			word := strings.ToLower(string(m.tlp))
			if m.tlp == marking.Clear {
				word = "white"
			}
			d.Created = "2017-01-20T00:00:00.000Z"
			d.Properties = []Property{{"name", "TLP:" + strings.ToUpper(word)}, {"definition_type", "tlp"}, {"definition", map[string]string{"tlp": word}}}
		} else {
			d.Created = "2022-10-01T00:00:00.000Z"
			d.Properties = []Property{{"name", "TLP:" + string(m.tlp)}}
			d.Custom = []Property{{"extensions", map[string]any{tlpExtension: map[string]string{"extension_type": "property-extension", "tlp_2_0": strings.ToLower(string(m.tlp))}}}}
		}
		// They are constants: a test makes each.
		if o, err := d.Object(); err == nil {
			out = append(out, o)
		}
	}
	return out
}
