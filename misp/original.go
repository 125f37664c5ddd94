package misp

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// Objects that did not come from MISP go along in attachments, JSON Lines each, named so:
const (
	originalPrefix = "comity-stix-"
	originalSuffix = ".jsonl"
	originalBytes  = 384 << 10 // of one attachment, unless a single object is longer
	// maxOriginals is how many bytes of them are read back from one event.
	maxOriginals = 64 << 20
)

func unmarshal(text string, v any) error { return json.Unmarshal([]byte(text), v) }

// attach puts objects into attachments. over has those that are longer than an attachment may be.
func attach(objects []*stix.Object, event UUID, at Seconds) (list []Attribute, over []*stix.Object) {
	var open strings.Builder
	flush := func() {
		if open.Len() == 0 {
			return
		}
		name := originalPrefix + strconv.Itoa(len(list)+1) + originalSuffix
		id := stix.DeriveID("artifact", namespace, []byte(string(event)+" "+name+" "+open.String()))
		list = append(list, Attribute{UUID: UUID(id.UUID()), Type: "attachment", Category: "External analysis", Value: Word(name), Timestamp: at, Distribution: Inherited,
			Comment: "STIX 2.1 objects as they came", Data: base64.StdEncoding.EncodeToString([]byte(open.String()))})
		open.Reset()
	}
	for _, o := range objects {
		if len(o.Raw) > maxElement/2 {
			over = append(over, o)
			continue
		}
		if open.Len()+len(o.Raw) > originalBytes {
			flush()
		}
		open.WriteString(oneLine(o.Raw) + "\n")
	}
	flush()
	return list, over
}

// oneLine is an object without the line feeds between its parts; inside strings there are none.
func oneLine(raw string) string {
	if strings.ContainsAny(raw, "\n\r") {
		return strings.NewReplacer("\n", "", "\r", "").Replace(raw)
	}
	return raw
}

// carries tells whether an attribute is such an attachment.
func (a *Attribute) carries() bool {
	return a.Type == "attachment" && !bool(a.Deleted) && a.Data != "" && strings.HasPrefix(string(a.Value), originalPrefix) && strings.HasSuffix(string(a.Value), originalSuffix)
}

// Originals gives the STIX objects in an attachment that FromSTIX made, nil for any other attribute and for what cannot be read.
func Originals(a *Attribute) []*stix.Object {
	if !a.carries() {
		return nil
	}
	text, err := base64.StdEncoding.DecodeString(a.Data)
	if err != nil {
		return nil
	}
	var list []*stix.Object
	for line := range strings.Lines(string(text)) {
		if o, err := stix.Parse([]byte(strings.TrimSuffix(line, "\n"))); err == nil {
			list = append(list, o)
		}
	}
	return list
}

// originals is what came along with an event, and what of it a reader of MISP was shown.
type originals struct {
	objects []*stix.Object
	size    int
	shown   map[string][]int // by uuid of attribute or report: the places in objects, of which the first that says the same counts
	left    map[int]int      // how much of an object that was shown has not come again unchanged
}

func (s *originals) add(a *Attribute) {
	for _, o := range Originals(a) {
		if s.size += len(o.Raw); s.size > maxOriginals {
			return
		}
		if s.shown == nil {
			s.shown, s.left = map[string][]int{}, map[int]int{}
		}
		n := len(s.objects)
		s.objects = append(s.objects, o)
		v := show(o)
		for i := range v.attributes {
			s.name(n, v.attributes[i].UUID, v.attributes[i].another(o))
		}
		for i := range v.reports {
			s.name(n, v.reports[i].UUID, v.reports[i].another(o))
		}
		s.left[n] = len(v.attributes) + len(v.reports)
	}
}

// maxNamesakes is how many objects have one UUID: there are not more types that are shown.
const maxNamesakes = 64

// name notes under which UUIDs an object may have been shown. An indicator comes before others that have its own, as it does on the way out.
func (s *originals) name(n int, uuids ...UUID) {
	for _, u := range uuids {
		key := strings.ToLower(string(u))
		switch {
		case len(s.shown[key]) >= maxNamesakes:
		case s.objects[n].Type == "indicator":
			s.shown[key] = slices.Insert(s.shown[key], 0, n)
		default:
			s.shown[key] = append(s.shown[key], n)
		}
	}
}

// same tells whether an attribute is still what an original was shown as; then its object stands for it.
func (s *originals) same(a *Attribute) (*stix.Object, bool) {
	for _, n := range s.shown[strings.ToLower(string(a.UUID))] {
		if o := s.objects[n]; slices.ContainsFunc(show(o).attributes, func(b Attribute) bool { return b.same(a, o) }) {
			return o, true
		}
	}
	return nil, false
}

// same tells whether a is b still, as which o was shown.
func (b *Attribute) same(a *Attribute, o *stix.Object) bool {
	return (strings.EqualFold(string(b.UUID), string(a.UUID)) || strings.EqualFold(string(b.another(o)), string(a.UUID))) && a.Type == b.Type && a.Value == b.Value && a.ToIDs == b.ToIDs && a.Comment == b.Comment && a.Deleted == b.Deleted
}

func (s *originals) sameReport(t *EventReport) (*stix.Object, bool) {
	for _, n := range s.shown[strings.ToLower(string(t.UUID))] {
		o := s.objects[n]
		for _, b := range show(o).reports {
			mine := strings.EqualFold(string(b.UUID), string(t.UUID)) || strings.EqualFold(string(b.another(o)), string(t.UUID))
			if mine && t.Name == b.Name && t.Content == b.Content && t.Deleted == b.Deleted {
				return o, true
			}
		}
	}
	return nil, false
}

// unseen gives the objects of which no element of the event tells.
func (s *originals) unseen(report stix.ID) (list []*stix.Object) {
	for n, o := range s.objects {
		if s.left[n] == 0 && o.ID != report {
			list = append(list, o)
		}
	}
	return list
}

// report gives the report that became the event, if the event still says the same.
func (s *originals) report(id stix.ID, head *Event) *stix.Object {
	for _, o := range s.objects {
		if o.ID == id && o.Name == head.Info && secondsAt(o.Modified) == head.Timestamp {
			return o
		}
	}
	return nil
}

// full tells that an attachment of objects was not read, since there are too many.
func (s *originals) full(a *Attribute) error {
	if s.size > maxOriginals {
		return fault.New(fault.TooLarge, "", "more than %d bytes of STIX came along; what is over is left out", maxOriginals)
	}
	if len(Originals(a)) == 0 {
		return fault.New(fault.Malformed, "", "it should hold STIX objects, and holds none")
	}
	return nil
}

// original gives an object that came along, as it was. Where the event, or what it was shown as, is marked more strictly than the object, it
// gets their marking, too, and nothing else of it changes.
func (x *mapper) original(o *stix.Object, tags []Tag) {
	find := func(id stix.ID) (stix.Definition, bool) {
		for _, d := range x.came.objects {
			if d.ID == id {
				return stix.ParseDefinition(d), true
			}
		}
		return stix.Definition{}, false
	}
	m, _ := stix.Resolve(o, find)
	if o.Type != "marking-definition" && !m.Covers(x.marked(tags)) {
		refs := slices.Clone(o.Markings)
		for _, id := range x.markings(tags) {
			if !slices.Contains(refs, id) {
				refs = append(refs, id)
			}
		}
		if marked, err := remarked(o, refs); err == nil {
			o = marked
		} else {
			x.refuse(x.offset, err)
			return
		}
	}
	if _, known := x.given[o.ID]; !known && !o.Type.Observable() && o.Type != "marking-definition" && o.Type != "identity" && o.Type != "extension-definition" {
		x.refer(own(o.ID))
	}
	x.once(o, nil)
}

// remarked is an object with other object_marking_refs.
func remarked(o *stix.Object, refs []stix.ID) (*stix.Object, error) {
	text, err := json.Marshal(refs)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "markings cannot be written")
	}
	var b strings.Builder
	b.WriteString(`{"object_marking_refs":` + string(text))
	for name, value := range o.Properties() {
		if name == "object_marking_refs" {
			continue
		}
		quoted, err := jsontext.AppendQuote(nil, name)
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "", "a name is no text")
		}
		b.WriteString("," + string(quoted) + ":" + value)
	}
	return stix.Parse([]byte(b.String() + "}"))
}
