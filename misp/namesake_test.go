package misp_test

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// TestNamesakes: objects of different types may have one UUID. None of them is missing from the event for that, the indicator keeps it, and all come back.
func TestNamesakes(t *testing.T) {
	t.Parallel()
	const u, common = "7a3c0b52-5f0e-4f0b-9d55-0c6b0a6d1e10", `"spec_version":"2.1","created":"2026-11-01T00:00:00.000Z","modified":"2026-11-01T00:00:00.000Z"`
	var objects []*stix.Object
	for _, text := range []string{
		`{"type":"malware","id":"malware--` + u + `",` + common + `,"name":"Walnut","is_family":true}`,
		`{"type":"intrusion-set","id":"intrusion-set--` + u + `",` + common + `,"name":"Almond"}`,
		`{"type":"threat-actor","id":"threat-actor--` + u + `",` + common + `,"name":"Almond"}`,
		`{"type":"note","id":"note--` + u + `",` + common + `,"content":"seen","object_refs":["malware--` + u + `"]}`,
		`{"type":"indicator","id":"indicator--` + u + `",` + common + `,"pattern":"[domain-name:value = 'walnut.example']","pattern_type":"stix","valid_from":"2026-11-01T00:00:00Z"}`,
	} {
		o, err := stix.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	frame := misp.Frame{UUID: "11111111-0000-4000-8000-000000000001", Info: "walnut", Date: "2026-11-20", Timestamp: "1795000000"}
	var first *misp.Event
	for range 2 {
		e, _, err := misp.FromSTIX(frame, objects)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Check(); err != nil {
			t.Error(err)
		}
		shown := map[string]misp.UUID{}
		for a := range e.All() {
			shown[a.Type+" "+string(a.Value)] = a.UUID
		}
		if shown["domain walnut.example"] != u || shown["text malware: Walnut"] == "" || shown["threat-actor Almond"] == "" || len(e.Attributes) != 5 || len(e.Reports) != 1 {
			t.Errorf("%v %v", shown, e.Reports)
		}
		slices.Reverse(objects) // in whatever order they come
		if first == nil {
			first = e
		}
		text, err := json.Marshal(map[string]*misp.Event{"Event": e})
		if err != nil {
			t.Fatal(err)
		}
		back := map[stix.ID]string{}
		for it, err := range misp.ItemsOf(text, misp.Mapping{}) {
			if err != nil || it.Err != nil {
				t.Fatal(err, it.Err)
			}
			back[it.Object.ID] = it.Object.Raw
		}
		for _, o := range objects {
			if back[o.ID] != o.Raw {
				t.Errorf("%s came back as %s", o.ID, back[o.ID])
			}
		}
	}

	// What is deleted in MISP does not come back, and its namesakes do.
	first.Attributes = slices.DeleteFunc(first.Attributes, func(a misp.Attribute) bool { return a.Value == "text malware: Walnut" || a.Value == "malware: Walnut" })
	text, err := json.Marshal(map[string]*misp.Event{"Event": first})
	if err != nil {
		t.Fatal(err)
	}
	types := map[stix.Type]bool{}
	for it, err := range misp.ItemsOf(text, misp.Mapping{}) {
		if err != nil || it.Err != nil {
			t.Fatal(err, it.Err)
		}
		types[it.Object.Type] = true
	}
	if types["malware"] || !types["indicator"] || !types["intrusion-set"] || !types["threat-actor"] {
		t.Errorf("%v", types)
	}
}
