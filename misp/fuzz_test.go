package misp_test

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// small bounds what a fuzzed text may make us do.
const small = 64 << 10

// FuzzEvent reads anything as events: whole and as a stream it says the same, what is read comes out and in again unchanged, and what it
// becomes is strict STIX that becomes the same event again.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(plainEvent))
	f.Add([]byte(`{"response":[{"Event":` + plainEvent + `},` + otherEvent + `]}`))
	f.Add([]byte(many(3, map[int]string{1: `{"type":"x"}`})))
	if text, err := json.Marshal(everyType()); err == nil && len(text) < small {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > small {
			t.Skip("longer than this is for")
		}
		parts, broken := 0, false
		for p, err := range misp.Read(bytes.NewReader(b), misp.Limits{}) {
			parts++
			if broken = broken || err != nil || p.Err != nil; broken && err != nil && fault.CodeOf(err) == fault.Internal {
				t.Fatal(err)
			}
			if p.Err != nil && (fault.CodeOf(p.Err) == fault.Internal || p.Offset < 0 || p.Offset > int64(len(b))) {
				t.Fatalf("at %d: %v", p.Offset, p.Err)
			}
		}
		if parts > len(b)+2 {
			t.Fatalf("%d bytes give %d parts", len(b), parts)
		}
		e, err := misp.ParseEvent(b)
		if err != nil {
			return
		}
		if broken {
			t.Fatal("whole it is good, as a stream it is not")
		}
		once, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := misp.ParseEvent(once)
		if err != nil {
			t.Fatalf("%v: %s", err, once)
		}
		if twice, err := json.Marshal(again); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%v: was %s, is %s", err, once, twice)
		}
		there(t, e, once)
	})
}

// there maps an event to STIX and back.
func there(t *testing.T, e *misp.Event, text []byte) {
	var objects []*stix.Object
	refused, came := 0, false
	for it, err := range e.STIX(misp.Mapping{}) {
		if err != nil {
			t.Fatal(err)
		}
		if it.Err != nil {
			if refused++; fault.CodeOf(it.Err) == fault.Internal {
				t.Fatal(it.Err)
			}
			continue
		}
		if found := it.Object.Check(); len(found) > 0 {
			t.Fatalf("%s: %v", it.Object.Raw, found)
		}
		objects = append(objects, it.Object)
	}
	back, lost, err := misp.FromSTIX(misp.Frame{}, objects)
	if err != nil {
		if refused == 0 {
			t.Fatal(err)
		}
		return
	}
	for i := range e.Attributes {
		came = came || misp.Originals(&e.Attributes[i]) != nil
	}
	if out, err := json.Marshal(back); refused == 0 && !came && (err != nil || len(lost) > 0 || !bytes.Equal(out, text)) {
		t.Fatalf("%v: lost %v\nwas %s\nis  %s", err, lost, text, out)
	}
}

// FuzzObjects makes an event of any objects, and gets them back.
func FuzzObjects(f *testing.F) {
	f.Add([]byte(`{"type":"domain-name","id":"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7","value":"example.com"}`))
	f.Add([]byte(`[{"type":"indicator","spec_version":"2.1","id":"indicator--5f9b3c1e-0a3c-4f6b-8c39-000000000001","created":"2026-01-02T00:00:00.000Z","modified":"2026-01-02T00:00:00.000Z","pattern":"[ipv4-addr:value = '198.51.100.7' OR ipv4-addr:value = '198.51.100.8']","pattern_type":"stix","valid_from":"2026-01-02T00:00:00Z"},
		{"type":"sighting","spec_version":"2.1","id":"sighting--5f9b3c1e-0a3c-4f6b-8c39-000000000002","created":"2026-01-02T00:00:00.000Z","modified":"2026-01-02T00:00:00.000Z","sighting_of_ref":"indicator--5f9b3c1e-0a3c-4f6b-8c39-000000000001","count":2},
		{"type":"report","spec_version":"2.1","id":"report--5f9b3c1e-0a3c-4f6b-8c39-000000000003","created":"2026-01-02T00:00:00.000Z","modified":"2026-01-02T00:00:00.000Z","name":"r","published":"2026-01-02T00:00:00Z","object_refs":["indicator--5f9b3c1e-0a3c-4f6b-8c39-000000000001"]}]`))
	f.Add([]byte(`[{"type":"indicator","id":"indicator--5f9b3c1e-0a3c-4f6b-8c39-000000000001","pattern":"[","pattern_type":"stix","extensions":{"` + misp.Extension + `":{"event_uuid":"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11","attribute":{"type":"domain","value":"x.example","to_ids":true}}}}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > small {
			t.Skip("longer than this is for")
		}
		var objects []*stix.Object
		for it, err := range stix.NewReader(bytes.NewReader(b), stix.Limits{}).All() {
			if err == nil && it.Object != nil {
				objects = append(objects, it.Object)
			}
		}
		for _, group := range misp.Group(objects) {
			e, _, err := misp.FromSTIX(misp.Frame{UUID: "b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11", Info: "x"}, group)
			if err != nil {
				continue
			}
			for it, err := range e.STIX(misp.Mapping{}) {
				if err != nil || it.Err != nil && fault.CodeOf(it.Err) == fault.Internal {
					t.Fatal(err, it.Err)
				}
			}
			if _, err := json.Marshal(e); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzManifest reads anything as a manifest.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11":{"info":"Walnut","timestamp":1767312000,"Orgc":{"name":"XA.cert"}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, _, err := misp.ParseManifest(b)
		if err != nil {
			if fault.CodeOf(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		out, err := json.Marshal(m, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		if _, refused, err := misp.ParseManifest(out); err != nil || len(refused) != 0 {
			t.Fatalf("%v: %s", err, out)
		}
	})
}
