package misp_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// drawnUUID draws a UUID of a version that STIX takes, or of one that it does not.
func drawnUUID(t *rapid.T) misp.UUID {
	b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")
	if rapid.IntRange(0, 9).Draw(t, "standard") > 0 {
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	}
	return misp.UUID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

func drawnTags(t *rapid.T) (tags []misp.Tag) {
	all := []string{"tlp:red", "tlp:amber+strict", "tlp:white", "TLP:GREEN", "PAP:RED", "pap:clear", `comity:handling="no-onward"`, `comity:personal-data="minimised"`, `comity:retain-until="2027-01-01T00:00:00.000Z"`, "comity:unheard-of", "tlp:ex:chr", `admiralty-scale:information-credibility="2"`, "plain",
		`misp-galaxy:threat-actor="Someone"`, `dhs-ciip-sectors:DHS-critical-sectors="energy"`}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, 3, rapid.ID).Draw(t, "tags") {
		tags = append(tags, misp.Tag{Name: name, Rest: jsontext.Value(`{"exportable":true}`)})
	}
	return tags
}

var drawnText = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `it's a \ 'quote'`, "üñí\u2028", "198.51.100.7", "a|b", "[x]"}))

func drawnAttribute(t *rapid.T) misp.Attribute {
	names := misp.Types()
	a := misp.Attribute{UUID: drawnUUID(t), Type: rapid.SampledFrom(append(names, "x-unheard-of")).Draw(t, "type"), ToIDs: misp.Flag(rapid.Bool().Draw(t, "to_ids")),
		Comment: drawnText.Draw(t, "comment"), Deleted: misp.Flag(rapid.Bool().Draw(t, "deleted")), Tags: drawnTags(t),
		Timestamp: misp.Seconds(fmt.Sprint(rapid.IntRange(0, 1<<33).Draw(t, "timestamp"))), Distribution: rapid.SampledFrom([]misp.Distribution{"", "0", "3", "5"}).Draw(t, "distribution")}
	a.Value = misp.Word(misp.Sample(a.Type))
	if a.Value == "" || rapid.IntRange(0, 4).Draw(t, "odd") == 0 {
		a.Value = misp.Word(drawnText.Draw(t, "value") + "x")
	}
	if rapid.Bool().Draw(t, "seen") {
		a.FirstSeen = "2026-01-02T03:04:05.000006+01:00"
		a.Sightings = []misp.Sighting{{UUID: drawnUUID(t), Type: rapid.SampledFrom([]misp.Word{"0", "1", "2"}).Draw(t, "sighting"), Date: "1767225600", Org: &misp.Org{Name: "XB.cert"}}}
	}
	if rapid.IntRange(0, 4).Draw(t, "rest") == 0 {
		a.Rest = jsontext.Value(`{"disable_correlation":true,"new":{"from":[1,null,"later"]}}`)
	}
	return a
}

func drawnEvent(t *rapid.T) *misp.Event {
	e := &misp.Event{UUID: drawnUUID(t), Info: drawnText.Draw(t, "info") + "an event", Date: "2026-01-02", Timestamp: "1767312000", Analysis: "1", ThreatLevel: "2",
		Published: true, Distribution: "1", Orgc: &misp.Org{UUID: drawnUUID(t), Name: "XA.cert"}, Tags: drawnTags(t)}
	for range rapid.IntRange(0, 6).Draw(t, "attributes") {
		e.Attributes = append(e.Attributes, drawnAttribute(t))
	}
	for range rapid.IntRange(0, 3).Draw(t, "objects") {
		o := misp.Object{UUID: drawnUUID(t), Name: rapid.SampledFrom(append(misp.Templates(), "x-unheard-of")).Draw(t, "template"), Timestamp: "1767312000", Comment: drawnText.Draw(t, "comment")}
		for range rapid.IntRange(0, 4).Draw(t, "inner") {
			a := drawnAttribute(t)
			a.Relation = rapid.SampledFrom([]string{"ip", "domain", "filename", "name", "key", "from", "url"}).Draw(t, "relation")
			o.Attributes = append(o.Attributes, a)
		}
		if len(e.Attributes) > 0 {
			o.References = append(o.References, misp.ObjectReference{UUID: drawnUUID(t), Referenced: e.Attributes[0].UUID, Relationship: drawnText.Draw(t, "relationship"), Comment: "why"})
		}
		e.Objects = append(e.Objects, o)
	}
	if rapid.Bool().Draw(t, "report") {
		e.Reports = append(e.Reports, misp.EventReport{UUID: drawnUUID(t), Name: drawnText.Draw(t, "name"), Content: drawnText.Draw(t, "content"), Timestamp: "1767312000"})
	}
	if rapid.Bool().Draw(t, "galaxy") {
		e.Galaxies = append(e.Galaxies, jsontext.Value(`{"name":"Threat Actor","GalaxyCluster":[{"value":"Someone"},{"value":"Another"}],"uuid":"698774c7-8022-42c4-917f-8d6e4f06ada3"}`))
	}
	return e
}

// strict gives what an event becomes, and fails where anything is refused or breaks a rule of the standard.
func strict(t rapid.TB, e *misp.Event) (objects []*stix.Object) {
	t.Helper()
	for it, err := range e.STIX(misp.Mapping{}) {
		if err != nil || it.Err != nil {
			t.Fatalf("%v %v", err, it.Err)
		}
		if found := it.Object.Check(); len(found) > 0 {
			t.Fatalf("%s: %v", it.Object.Raw, found)
		}
		objects = append(objects, it.Object)
	}
	return objects
}

func TestAnyEventComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawnEvent(t)
		if e.Check() != nil {
			t.Skip("a uuid twice")
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		objects := strict(t, e)
		// In another order, as a catalogue may give them.
		for i := range objects {
			j := rapid.IntRange(0, i).Draw(t, "place")
			objects[i], objects[j] = objects[j], objects[i]
		}
		back, lost, err := misp.FromSTIX(misp.Frame{}, objects)
		if err != nil || len(lost) > 0 {
			t.Fatal(err, lost)
		}
		again, err := json.Marshal(back)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, again) {
			t.Fatalf("came back as\n%s\nwas\n%s", again, text)
		}
	})
}

func TestEventTwiceIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawnEvent(t)
		text, err := json.Marshal(e)
		if err != nil || e.Check() != nil {
			t.Skip("no event")
		}
		streamed := []string{}
		for it, err := range misp.ItemsOf(text, misp.Mapping{}) {
			if err != nil || it.Err != nil {
				t.Fatal(err, it.Err)
			}
			streamed = append(streamed, it.Object.Raw)
		}
		for i, o := range strict(t, e) {
			if streamed[i] != o.Raw {
				t.Fatalf("read as a stream it is\n%s\nand whole\n%s", streamed[i], o.Raw)
			}
		}
	})
}

// foreign reads what others made in STIX.
func foreign(t testing.TB) map[string][]*stix.Object {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "data", "stix", "oasis-examples", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join("..", "..", "shared", "data", "stix", "oasis-examples", "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]*stix.Object{}
	for _, f := range append(files, more...) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for it, err := range stix.NewReader(bytes.NewReader(b), stix.Limits{}).All() {
			if err != nil && err != io.EOF {
				break
			}
			if it.Object != nil {
				all[filepath.Base(f)] = append(all[filepath.Base(f)], it.Object)
			}
		}
	}
	if len(all) == 0 {
		t.Skip("SKIPPED: the shared data is not here")
	}
	return all
}

func TestForeignObjectsComeBackVerbatim(t *testing.T) {
	t.Parallel()
	frame := misp.Frame{UUID: "8b32ba3f-2e4b-4d5e-9e5a-2f4b2f5b7f11", Info: "Objects of XA", Date: "2026-01-02", Timestamp: "1767312000"}
	for name, objects := range foreign(t) {
		e, lost, err := misp.FromSTIX(frame, objects)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := e.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		back := map[stix.ID]string{}
		for it, err := range e.STIX(misp.Mapping{}) {
			if err != nil || it.Err != nil {
				t.Errorf("%s: %v %v", name, err, it.Err)
				continue
			}
			back[it.Object.ID] = it.Object.Raw
		}
		last := map[stix.ID]*stix.Object{}
		for _, o := range objects {
			if old := last[o.ID]; old == nil || o.Version().Compare(old.Version()) > 0 {
				last[o.ID] = o
			}
		}
		for id, o := range last {
			if o.Type == "marking-definition" && stix.TLPRef(stix.ParseDefinition(o).TLP) == id {
				continue
			}
			if back[id] != strings.NewReplacer("\n", "", "\r", "").Replace(o.Raw) {
				t.Errorf("%s: %s came back as\n%.300s\nwas\n%.300s", name, id, back[id], o.Raw)
			}
		}
		t.Logf("%s: %d objects, %d attributes, %d not seen", name, len(last), len(e.Attributes), len(lost))
	}
}
