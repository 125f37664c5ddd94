package misp_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// event has one attribute for each type, to be searched for and not, and one object of each template.
func everyType() *misp.Event {
	e := &misp.Event{UUID: "b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11", Info: "Every type", Date: "2026-01-02", Timestamp: "1767312000", Orgc: &misp.Org{Name: "XA.cert"},
		Tags: []misp.Tag{{Name: "tlp:amber"}, {Name: "PAP:GREEN"}}}
	n := 0
	uuid := func() misp.UUID {
		n++
		return misp.UUID(fmt.Sprintf("5f9b3c1e-0a3c-4f6b-8c39-%012x", n))
	}
	for _, name := range misp.Types() {
		for _, toIDs := range []misp.Flag{true, false} {
			e.Attributes = append(e.Attributes, misp.Attribute{UUID: uuid(), Type: name, Value: misp.Word(misp.Sample(name)), ToIDs: toIDs, Timestamp: "1767312000"})
		}
	}
	for _, name := range misp.Templates() {
		o := misp.Object{UUID: uuid(), Name: name, Timestamp: "1767312000"}
		for i, relation := range misp.Relations(name) {
			for _, value := range []misp.Word{"1", "example.com", "198.51.100.7", "name@example.com"} {
				o.Attributes = append(o.Attributes, misp.Attribute{UUID: uuid(), Type: "text", Relation: relation, Value: value, ToIDs: misp.Flag(i%2 == 0)})
			}
		}
		e.Objects = append(e.Objects, o)
	}
	return e
}

func TestEveryTypeIsStrictSTIXAndComesBack(t *testing.T) {
	t.Parallel()
	e := everyType()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	objects := mapped(t, "every type", text, schemas(t))
	back, lost, err := misp.FromSTIX(misp.Frame{}, objects)
	if err != nil || len(lost) > 0 {
		t.Fatal(err, lost)
	}
	again, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(text) {
		t.Error("it came back as something else")
	}
}

// markedAs is the marking of the object with the attribute's uuid.
func markedAs(t rapid.TB, e *misp.Event, u misp.UUID) marking.Marking {
	t.Helper()
	defs := map[stix.ID]stix.Definition{}
	for it := range e.STIX(misp.Mapping{}) {
		o := it.Object
		if o == nil {
			t.Fatalf("%v", it.Err)
		}
		if o.Type == "marking-definition" {
			defs[o.ID] = stix.ParseDefinition(o)
		}
		if o.ID.UUID() == string(u) {
			m, missing := stix.Resolve(o, func(id stix.ID) (stix.Definition, bool) { d, ok := defs[id]; return d, ok })
			if len(missing) > 0 {
				t.Fatalf("%v are not here before what they mark", missing)
			}
			return m
		}
	}
	t.Fatal("it is not there")
	return marking.Marking{}
}

func TestStricterOfEventAndAttributeHolds(t *testing.T) {
	t.Parallel()
	words := map[string]marking.TLP{"": "", "tlp:white": marking.Clear, "TLP:CLEAR": marking.Clear, "tlp:green": marking.Green, "tlp:amber": marking.Amber,
		"tlp:amber+strict": marking.AmberStrict, "tlp:red": marking.Red, "tlp:unclear": marking.Red, "tlp:ex:chr": "", `tlp:"green"`: marking.Green}
	paps := map[string]marking.PAP{"": "", "PAP:WHITE": marking.PAPGreen, "pap:green": marking.PAPGreen, "PAP:AMBER": marking.PAPAmber, "PAP:RED": marking.PAPRed, "PAP:new": marking.PAPRed}
	tags := func(names ...string) (list []misp.Tag) {
		for _, n := range names {
			if n != "" {
				list = append(list, misp.Tag{Name: n})
			}
		}
		return list
	}
	const u = "5f9b3c1e-0a3c-4f6b-8c39-000000000001"
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (string, marking.TLP) {
			all := []string{"", "tlp:white", "TLP:CLEAR", "tlp:green", "tlp:amber", "tlp:amber+strict", "tlp:red", "tlp:unclear", "tlp:ex:chr", `tlp:"green"`}
			w := rapid.SampledFrom(all).Draw(t, name)
			return w, words[w]
		}
		ofEvent, a := draw("event")
		ofAttribute, b := draw("attribute")
		pap := rapid.SampledFrom([]string{"", "PAP:WHITE", "pap:green", "PAP:AMBER", "PAP:RED", "PAP:new"}).Draw(t, "pap")
		e := &misp.Event{UUID: "b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11", Info: "x", Date: "2026-01-02", Tags: tags(ofEvent), Attributes: []misp.Attribute{
			{UUID: u, Type: "domain", Value: "x.example", ToIDs: misp.Flag(rapid.Bool().Draw(t, "to_ids")), Tags: tags(ofAttribute, pap)}}}
		m := markedAs(t, e, u)
		want := a
		if b.Rank() > a.Rank() {
			want = b
		}
		if want == "" && pap != "" {
			want = marking.Amber
		}
		if m.TLP != want || m.PAP.Rank() != paps[pap].Rank() {
			t.Fatalf("%q and %q, %q: %v", ofEvent, ofAttribute, pap, m)
		}
	})
}

func TestConfidence(t *testing.T) {
	t.Parallel()
	for want, names := range map[int][]string{
		-1: {`admiralty-scale:information-credibility="9"`, "admiralty-scale:information-credibility", "high"},
		75: {`admiralty-scale:information-credibility="2"`, `admiralty-scale:information-credibility="1"`, `estimative-language:confidence-in-analytic-judgment="low"`},
		95: {`estimative-language:confidence-in-analytic-judgment="high"`, `estimative-language:likelihood-probability="unlikely"`},
		0:  {`admiralty-scale:source-reliability="e"`},
	} {
		var tags []misp.Tag
		for _, n := range names {
			tags = append(tags, misp.Tag{Name: n})
		}
		got := misp.Confidence(tags)
		if want < 0 != (got == nil) || got != nil && *got != want {
			t.Errorf("%v: %v", names, got)
		}
	}
}

func TestWhatChangedMeanwhile(t *testing.T) {
	t.Parallel()
	e := &misp.Event{UUID: "b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11", Info: "x", Date: "2026-01-02", Timestamp: "1767312000", Tags: []misp.Tag{{Name: "tlp:green"}}, Attributes: []misp.Attribute{
		{UUID: "5f9b3c1e-0a3c-4f6b-8c39-000000000001", Type: "domain", Value: "a.example", ToIDs: true, Timestamp: "1767312000"},
		{UUID: "5f9b3c1e-0a3c-4f6b-8c39-000000000002", Type: "domain", Value: "b.example", ToIDs: true, Timestamp: "1767312000"},
		{UUID: "5f9b3c1e-0a3c-4f6b-8c39-000000000003", Type: "domain", Value: "c.example", ToIDs: true, Timestamp: "1767312000"},
		{UUID: "5f9b3c1e-0a3c-4f6b-8c39-000000000004", Type: "domain", Value: "d.example", ToIDs: true, Timestamp: "1767312000"}}}
	objects := strict(t, e)
	change := func(n int, old, now string) {
		for i, o := range objects {
			if o.ID.UUID() == fmt.Sprintf("5f9b3c1e-0a3c-4f6b-8c39-%012d", n) {
				objects[i] = replaced(t, o, old, now)
			}
		}
	}
	// The first was revoked, the second's pattern exchanged, the third marked more strictly.
	change(1, `"modified":"2026-01-02T00:00:00.020Z"`, `"modified":"2026-01-03T00:00:00.000Z","revoked":true`)
	change(2, "b.example'", "harmless.example'")
	change(3, string(stix.TLPRef(marking.Green)), string(stix.TLPRef(marking.Red)))
	back, _, err := misp.FromSTIX(misp.Frame{}, objects)
	if err != nil {
		t.Fatal(err)
	}
	found := map[misp.UUID]misp.Attribute{}
	for _, a := range back.Attributes {
		found[a.UUID] = a
	}
	if a := found[e.Attributes[0].UUID]; !bool(a.Deleted) || a.Timestamp != "1767398400" || a.Value != "a.example" {
		t.Errorf("what was revoked: %+v", a)
	}
	if a := found[e.Attributes[1].UUID]; a.Value != "harmless.example" {
		t.Errorf("an object that says something else is believed where it says what it was: %+v", a)
	}
	if a := found[e.Attributes[2].UUID]; misp.TLP(a.Tags) != marking.Red {
		t.Errorf("a stricter label is lost: %+v", a)
	}
	if a := found[e.Attributes[3].UUID]; len(a.Tags) != 0 {
		t.Errorf("nothing happened to it: %+v", a)
	}
}

func TestForeignObjectsThatMISPChanged(t *testing.T) {
	t.Parallel()
	var objects []*stix.Object
	for i, v := range []string{"198.51.100.1", "198.51.100.2", "198.51.100.3"} {
		o, err := stix.Indicator{Common: stix.Common{ID: stix.ID(fmt.Sprintf("indicator--5f9b3c1e-0a3c-4f6b-8c39-%012d", i)), Created: "2026-01-02T00:00:00.000Z"}, Name: "n",
			Pattern: "[ipv4-addr:value = '" + v + "']", ValidFrom: "2026-01-02T00:00:00.000Z"}.Object()
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	e, _, err := misp.FromSTIX(misp.Frame{UUID: "b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11", Info: "x"}, objects)
	if err != nil {
		t.Fatal(err)
	}
	// The second is edited, the third deleted, and the event is marked.
	e.Attributes = slices.DeleteFunc(e.Attributes, func(a misp.Attribute) bool { return a.Value == "198.51.100.3" })
	for i := range e.Attributes {
		if e.Attributes[i].Value == "198.51.100.2" {
			e.Attributes[i].Value, e.Attributes[i].Timestamp = "203.0.113.2", "1767398400"
		}
	}
	back := map[stix.ID]*stix.Object{}
	for _, o := range strict(t, e) {
		back[o.ID] = o
	}
	if o := back[objects[0].ID]; o == nil || o.Raw != objects[0].Raw {
		t.Errorf("what nobody changed: %v", o)
	}
	if o := back[objects[1].ID]; o == nil || o.Pattern != "[ipv4-addr:value = '203.0.113.2']" || o.Modified.Compare(objects[1].Modified) <= 0 {
		t.Errorf("what was edited: %v", o)
	}
	if o := back[objects[2].ID]; o != nil {
		t.Errorf("what was deleted comes back: %v", o)
	}
	e.Tags = append(e.Tags, misp.TLPTag(marking.Red))
	for _, o := range strict(t, e) {
		if o.ID == objects[0].ID && !slices.Contains(o.Markings, stix.TLPRef(marking.Red)) {
			t.Errorf("it comes back without the event's label: %s", o.Raw)
		}
	}
}

func TestLabelThatBecomesStricterIsANewVersion(t *testing.T) {
	t.Parallel()
	const u = "5f9b3c1e-0a3c-4f6b-8c39-000000000001"
	var before stix.Timestamp
	for _, tag := range []string{"other", "tlp:clear", "tlp:green", "tlp:amber", "tlp:amber+strict", "tlp:red"} {
		e := &misp.Event{UUID: "b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11", Info: "x", Date: "2026-01-02", Tags: []misp.Tag{{Name: tag}}, Attributes: []misp.Attribute{
			{UUID: u, Type: "domain", Value: "x.example", ToIDs: true, Timestamp: "1767312000"}}}
		for _, o := range strict(t, e) {
			if o.ID == "indicator--"+u {
				if o.Modified.Compare(before) <= 0 {
					t.Errorf("%s: %s is no later than %s", tag, o.Modified, before)
				}
				before = o.Modified
			}
		}
	}
}

func TestLargeEventComesBackInItsOrder(t *testing.T) {
	t.Parallel()
	text := many(12_345, nil)
	e, err := misp.ParseEvent([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	objects := strict(t, e)
	for _, o := range objects {
		if len(o.Raw) > 1<<20 {
			t.Errorf("%s has %d bytes and fits no parcel", o.ID, len(o.Raw))
		}
	}
	slices.Reverse(objects)
	back, lost, err := misp.FromSTIX(misp.Frame{}, objects)
	if err != nil || len(lost) > 0 || len(back.Attributes) != len(e.Attributes) {
		t.Fatal(err, len(lost), len(back.Attributes))
	}
	for i := range e.Attributes {
		if e.Attributes[i].UUID != back.Attributes[i].UUID {
			t.Fatalf("attribute %d is another", i)
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	var mixed []*stix.Object
	for _, text := range []string{plainEvent, otherEvent} {
		e, err := misp.ParseEvent([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		mixed = append(strict(t, e), mixed...)
	}
	single, err := stix.Single("ipv4-addr", "198.51.100.7")
	if err != nil {
		t.Fatal(err)
	}
	mixed = append([]*stix.Object{single}, mixed...)
	frame := misp.Frame{UUID: "b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d13", Info: "The rest"}
	got := map[string]int{}
	for _, g := range misp.Group(mixed) {
		e, lost, err := misp.FromSTIX(frame, g)
		if err != nil || len(lost) > 0 {
			t.Fatal(err, lost)
		}
		got[e.Info] = len(e.Attributes)
	}
	if len(got) != 3 || got["Walnut"] != 1 || got["Hazel"] != 0 || got["The rest"] != 2 { // the address, and the attachment in which it travels
		t.Error(got)
	}
}
