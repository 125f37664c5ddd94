package stix_test

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/stix"
)

func TestFields(t *testing.T) {
	t.Parallel()
	const text = ` {"type":"sighting","spec_version":"2.1","id":"sighting--00000000-0000-4000-8000-00000000000A","created":"2026-11-21T08:00:00.1Z","modified":"2026-11-21T08:00:00.12345678901Z",` +
		`"created_by_ref":"identity--00000000-0000-4000-8000-000000000001","revoked":true,"confidence":0,"lang":"en","labels":["a","\u00e4\n\"\\\/\b\f\r\t\ud834\udd1e"],"name":"n\u0061me",` +
		`"description":"d","value":"v","first_seen":"2026-11-21T08:00:00Z","last_seen":"2026-11-22T08:00:00Z","count":7,"sighting_of_ref":"indicator--00000000-0000-4000-8000-000000000002",` +
		`"where_sighted_refs":["identity--00000000-0000-4000-8000-000000000003","x",5],"observed_data_refs":[],"external_references":[{"source_name":"s","external_id":"7","url":"u","description":"d"}],` +
		`"object_marking_refs":["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"],"granular_markings":[{"selectors":["name"],"lang":"de"}],"x_custom":{"a":[1,2]}}` + "\n"
	o, err := stix.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if o.Raw != strings.TrimSpace(text) || o.String() != o.Raw {
		t.Error("the bytes changed")
	}
	for name, ok := range map[string]bool{
		"type": o.Type == "sighting", "id": o.ID.Type() == o.Type && o.ID.UUID() == "00000000-0000-4000-8000-00000000000A", "spec_version": o.SpecVersion == "2.1",
		"created": o.Created == "2026-11-21T08:00:00.1Z", "version": o.Version() == "2026-11-21T08:00:00.12345678901Z", "created_by": o.CreatedBy.Type() == "identity",
		"revoked": o.Revoked, "confidence": o.Confidence == 0, "lang": o.Lang == "en", "labels": slices.Equal(o.Labels, []string{"a", "ä\n\"\\/\b\f\r\t𝄞"}),
		"name": o.Name == "name", "description": o.Description == "d", "value": o.Value == "v", "seen": o.FirstSeen.Compare(o.LastSeen) < 0, "count": o.Count == 7,
		"of": o.SightingOf == "indicator--00000000-0000-4000-8000-000000000002", "references": slices.Equal(o.References, []stix.Reference{{SourceName: "s", Description: "d", URL: "u", ExternalID: "7"}}),
		"markings": slices.Equal(o.Markings, []stix.ID{"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"}),
		"granular": len(o.Granular) == 1 && o.Granular[0].Lang == "de", "text": o.Text("name") == "name" && o.Text("count") == "" && o.Text("nothing") == "",
	} {
		if !ok {
			t.Errorf("%s is wrong: %+v", name, o)
		}
	}
	if v, ok := o.Property("x_custom"); !ok || v != `{"a":[1,2]}` {
		t.Error(v)
	}
	var refs []string
	for name, id := range o.Refs() {
		refs = append(refs, name+" "+string(id.Type()))
	}
	if s := strings.Join(refs, ", "); s != "created_by_ref identity, sighting_of_ref indicator, where_sighted_refs identity, object_marking_refs marking-definition" {
		t.Error(s)
	}
	n := 0
	for range o.Properties() {
		n++
	}
	if n != 23 {
		t.Errorf("%d properties", n)
	}
	for range o.Properties() {
		break
	}
	for range o.Refs() {
		break
	}
	for text, want := range map[string]string{`"type":"url","id":"url`: "2.1", `"type":"tool","id":"tool`: "2.0", `"type":"x-a","id":"x-a`: "2.1", `"created":"2026-11-21T08:00:00Z","type":"x-a","id":"x-a`: "2.0",
		`"spec_version":"2.1","type":"tool","id":"tool`: "2.1"} {
		if o, err := stix.Parse([]byte(`{` + text + `--00000000-0000-4000-8000-000000000001"}`)); err != nil || o.Spec() != want {
			t.Errorf("%s: %v, %v", text, o, err)
		}
	}
	bare, err := stix.Parse([]byte(`{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001","count":"many","name":5,"valid_from":"now","source_ref":1}`))
	if err != nil || bare.Confidence != -1 || bare.Count != -1 || bare.Name != "" || bare.ValidFrom != "" || bare.Version() != "" {
		t.Errorf("%+v, %v", bare, err)
	}
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	ascending := []stix.Timestamp{"", "0001-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-11-21T08:00:00Z", "2026-11-21T08:00:00.0000000001Z", "2026-11-21T08:00:00.1Z",
		"2026-11-21T08:00:00.10000000000000000001Z", "2026-11-21T08:00:00.2Z", "2026-11-21T08:00:60.5Z", "2026-11-21T08:01:00Z"}
	for i, a := range ascending {
		for j, b := range ascending {
			if got := a.Compare(b); got != cmp.Compare(i, j) {
				t.Errorf("%s and %s: %d", a, b, got)
			}
			if a != "" && b != "" && a.Time().Compare(b.Time())*cmp.Compare(i, j) < 0 {
				t.Errorf("%s and %s: times are the other way round", a, b)
			}
		}
	}
	if stix.Timestamp("2026-11-21T08:00:00.500Z").Compare("2026-11-21T08:00:00.5Z") != 0 || stix.Timestamp("2026-11-21T08:00:00.0Z").Compare("2026-11-21T08:00:00Z") != 0 {
		t.Error("two spellings of one instant differ")
	}
	for _, bad := range []string{"", "x", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z", "1900-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T08:60:00Z", "2026-11-21T08:00:61Z",
		"2026-11-21T08:00:00", "2026-11-21t08:00:00z", "2026-11-21T08:00:00,5Z", "2026-11-21T08:00:00.Z", "2026-11-21T08:00:00.5", "2026-11-21T08:00:00.5 Z", "2026-11-21T08:00:00." + strings.Repeat("1", 60) + "Z"} {
		if _, err := stix.ParseTimestamp(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if got := stix.At(time.Date(2026, 11, 21, 9, 0, 0, 123_999_999, time.FixedZone("", 3600))); got != "2026-11-21T08:00:00.123Z" {
		t.Error(got)
	}
}

// TestTimestampOrder holds Compare and Time against package time and against exact fractions.
func TestTimestampOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (stix.Timestamp, time.Time, *big.Rat) {
			whole := time.Unix(rapid.Int64Range(0, 3).Draw(t, name), 0).UTC()
			digits := rapid.StringMatching(`[0-9]{0,12}`).Draw(t, name+" fraction")
			s := whole.Format("2006-01-02T15:04:05")
			exact := new(big.Rat).SetInt64(whole.Unix())
			if digits != "" {
				s += "." + digits
				f, _ := new(big.Rat).SetString("0." + digits)
				exact.Add(exact, f)
			}
			std, err := time.Parse(time.RFC3339Nano, s+"Z")
			if err != nil {
				t.Fatal(err)
			}
			return stix.Timestamp(s + "Z"), std, exact
		}
		a, stdA, exactA := draw("a")
		b, _, exactB := draw("b")
		if a.Compare(b) != exactA.Cmp(exactB) {
			t.Fatalf("%s and %s", a, b)
		}
		if _, err := stix.ParseTimestamp(string(a)); err != nil || !a.Time().Equal(stdA) {
			t.Fatalf("%s is %s", a, a.Time())
		}
	})
}

// TestParseAgreesWithTheGeneralDecoder: for objects at random, what Parse says is there is what a general decoder finds.
func TestParseAgreesWithTheGeneralDecoder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		props := rapid.MapOf(rapid.StringMatching(`[a-z_]{1,6}|[a-zé"\\ ]{1,4}`), rapid.OneOf(
			rapid.Custom(func(t *rapid.T) any { return rapid.String().Draw(t, "s") }), rapid.Custom(func(t *rapid.T) any { return rapid.Float64Range(-1e9, 1e9).Draw(t, "f") }),
			rapid.Custom(func(t *rapid.T) any { return rapid.SliceOf(rapid.String()).Draw(t, "l") }), rapid.Custom(func(t *rapid.T) any { return rapid.MapOf(rapid.String(), rapid.Bool()).Draw(t, "m") }),
			rapid.Just[any](nil))).Draw(t, "props")
		for _, common := range []string{"lang", "labels"} {
			delete(props, common)
		}
		props["type"], props["id"] = "x-a", "x-a--00000000-0000-4000-8000-000000000001"
		var options []json.Options
		if rapid.Bool().Draw(t, "indented") {
			options = append(options, jsontext.WithIndent("  "))
		}
		if rapid.Bool().Draw(t, "escaped") {
			options = append(options, jsontext.EscapeForHTML(true))
		}
		text, err := json.Marshal(props, options...)
		if err != nil {
			t.Skip("not UTF-8")
		}
		o, err := stix.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var want map[string]jsontext.Value
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		n := 0
		for name, v := range o.Properties() {
			n++
			if v != string(want[name]) {
				t.Fatalf("%q is %s, should be %s", name, v, want[name])
			}
			var s string
			if json.Unmarshal([]byte(v), &s) == nil && v != "null" && o.Text(name) != s {
				t.Fatalf("%q reads %q, should read %q", name, o.Text(name), s)
			}
		}
		if n != len(want) {
			t.Fatalf("%d of %d properties", n, len(want))
		}
		o.Check()
	})
}
