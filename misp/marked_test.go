package misp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

func drawnMarking(t *rapid.T) marking.Marking {
	m := marking.Marking{
		TLP:          rapid.SampledFrom(append(marking.TLPs(), "")).Draw(t, "tlp"),
		PAP:          rapid.SampledFrom([]marking.PAP{"", marking.PAPClear, marking.PAPGreen, marking.PAPAmber, marking.PAPRed}).Draw(t, "pap"),
		Handling:     rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"no-onward", "H1", "h2", "iep:attribution:must-not", "iep:permitted_actions:none", "marking-definition--00000000-0000-4000-8000-000000000001"}), 0, 4, rapid.ID).Draw(t, "handling"),
		PersonalData: rapid.SampledFrom([]marking.PersonalData{"", marking.PersonalNone, marking.PersonalMinimised, marking.PersonalAllowed}).Draw(t, "personal"),
		RetainUntil:  rapid.SampledFrom([]string{"", "2026-12-24T00:00:00.000Z", "2027-01-01T00:00:00.000Z"}).Draw(t, "until"),
	}
	slices.Sort(m.Handling)
	return m
}

// TestMarkingTags: tags say the whole of a marking; put upon others, they are never looser than either.
func TestMarkingTags(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, other := drawnMarking(t), drawnMarking(t)
		tags := misp.MarkingTags(m)
		if back := misp.MarkingOf(tags); !back.Covers(m) || m.TLP != back.TLP || back.PersonalData.Rank() != m.PersonalData.Rank() || back.RetainUntil != m.RetainUntil {
			t.Fatalf("%+v became %v and %+v", m, tags, back)
		}
		both := misp.Mark(misp.MarkingTags(other), m)
		if back := misp.MarkingOf(both); !back.Covers(m) || !back.Covers(other) || misp.TLP(both) != marking.Combine(m, other).TLP {
			t.Fatalf("%+v upon %+v became %v", m, other, both)
		}
		if again := misp.Mark(both, m); len(again) != len(both) {
			t.Fatalf("%v became %v", both, again)
		}
	})
}

// TestMarkingComesBack: whatever was exported under a marking comes in again under one that is at least as strict: the event, what it was made of, and what travels along.
func TestMarkingComesBack(t *testing.T) {
	t.Parallel()
	indicator := indicatorOf(t)
	rapid.Check(t, func(t *rapid.T) {
		m := drawnMarking(t)
		frame := misp.Frame{UUID: "8b32ba3f-2e4b-4d5e-9e5a-2f4b2f5b7f11", Info: "Objects of XA", Date: "2026-01-02", Timestamp: "1767312000", Tags: misp.MarkingTags(m)}
		objects := []*stix.Object{indicator}
		if rapid.Bool().Draw(t, "from MISP") {
			e := drawnEvent(t)
			if e.Check() != nil {
				t.Skip("a uuid twice")
			}
			objects = strict(t, e)
		}
		e, _, err := misp.FromSTIX(frame, objects)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		defs := map[stix.ID]stix.Definition{}
		for it, err := range misp.ItemsOf(text, misp.Mapping{}) {
			if err != nil || it.Err != nil {
				t.Fatal(err, it.Err)
			}
			o := it.Object
			if o.Type == "marking-definition" {
				defs[o.ID] = stix.ParseDefinition(o)
			}
			if o.Type == "marking-definition" || o.Type == "identity" || o.Type == "extension-definition" {
				continue
			}
			got, missing := stix.Resolve(o, func(id stix.ID) (stix.Definition, bool) { d, ok := defs[id]; return d, ok })
			if !got.Covers(m) || len(missing) > 0 {
				t.Fatalf("%s came back as %+v, and was %+v", o.Raw, got, m)
			}
		}
	})
}

func indicatorOf(t testing.TB) *stix.Object {
	t.Helper()
	o, err := stix.Parse([]byte(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2026-11-01T00:00:00.000Z","modified":"2026-11-01T00:00:00.000Z","name":"one","pattern":"[domain-name:value = 'host1.example']","pattern_type":"stix","valid_from":"2026-11-01T00:00:00Z"}`))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestTagsOfOurs: what stands in our namespace and nobody knows, or a head could not say, counts as RED; others' tags say nothing of it.
func TestTagsOfOurs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		`comity:handling="no-onward"`: "no-onward", `Comity:Handling="no-onward"`: "no-onward", `comity:handling=no-onward`: "no-onward", `comity:handling="a b"`: "RED", `comity:handling`: "RED",
		`comity:handling=""`: "RED", `comity:personal-data="minimised"`: "minimised", `comity:personal-data="some"`: "RED", `comity:retain-until="2027-01-01T00:00:00.000Z"`: "2027-01-01T00:00:00.000Z",
		`comity:retain-until="2027-01-01"`: "RED", `comity:later="x"`: "RED", "comity:": "RED", "comity": "", "comityx:handling": "", `other:handling="x"`: "",
	} {
		m := misp.MarkingOf([]misp.Tag{{Name: name}})
		if got := strings.Join(m.Handling, " ") + string(m.PersonalData) + m.RetainUntil + string(m.TLP); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	var many []misp.Tag
	for _, r := range "abcdefghijklmnopqr" {
		many = append(many, misp.Tag{Name: `comity:handling="` + string(r) + `"`})
	}
	if m := misp.MarkingOf(many); m.TLP != marking.Red || m.Check() != nil {
		t.Errorf("%+v", m)
	}
	if tags := misp.Mark([]misp.Tag{{Name: `comity:personal-data="none"`}, {Name: "x"}}, marking.Marking{PersonalData: marking.PersonalAllowed}); len(tags) != 2 {
		t.Errorf("two that contradict each other: %v", tags)
	}
}
