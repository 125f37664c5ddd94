package stix_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// definition parses a marking-definition with the given number and rest.
func definition(t testing.TB, n, rest string) *stix.Object {
	t.Helper()
	o, err := stix.Parse([]byte(`{"type":"marking-definition","spec_version":"2.1","id":"` + marker(n) + `","created":"2026-11-21T08:00:00.000Z",` + rest + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func marker(n string) string { return "marking-definition--00000000-0000-4000-8000-00000000000" + n }

func TestTLP(t *testing.T) {
	t.Parallel()
	var one, two []string
	for _, o := range stix.TLPDefinitions() {
		d := stix.ParseDefinition(o)
		m, missing := stix.Resolve(&stix.Object{Markings: []stix.ID{o.ID}}, nothing)
		if d.Meaning != stix.MeansTLP || m.TLP != d.TLP || len(missing) > 0 || d.Marking().TLP != d.TLP {
			t.Errorf("%s: %+v, %+v", o.Name, d, m)
		}
		switch o.ID {
		case stix.TLPRef(d.TLP):
			two = append(two, o.Name)
		case stix.TLP1Ref(d.TLP):
			one = append(one, o.Name)
		}
	}
	if s := strings.Join(one, " ") + " | " + strings.Join(two, " "); s != "TLP:WHITE TLP:GREEN TLP:AMBER TLP:RED | TLP:CLEAR TLP:GREEN TLP:AMBER TLP:AMBER+STRICT TLP:RED" {
		t.Error(s)
	}
	if stix.TLP1Ref(marking.AmberStrict) != stix.TLP1Ref(marking.Red) {
		t.Error("AMBER+STRICT became looser")
	}
	if stix.TLPRef("") != "" || stix.TLP1Ref("PURPLE") != "" {
		t.Error("a label that there is not has an id")
	}
}

// nothing is a Lookup that knows nothing.
func nothing(stix.ID) (stix.Definition, bool) { return stix.Definition{}, false }

func TestDefinitions(t *testing.T) {
	t.Parallel()
	const iep = `"extensions":{"extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a":{"extension_type":"property-extension",`
	const codes = "iep:affected_party_notifications:must-not iep:attribution:must-not iep:encrypt_in_transit:must iep:permitted_actions:none iep:unmodified_resale:must-not"
	for _, c := range []struct{ rest, want string }{
		{`"definition_type":"tlp","definition":{"tlp":"amber"}`, "tlp AMBER"},
		{`"definition_type":"tlp","definition":{"tlp":"TLP:AMBER+STRICT"}`, "tlp AMBER+STRICT"},
		{`"definition_type":"TLP","definition":{"tlp":"White"}`, "tlp CLEAR"},
		{`"definition_type":"tlp","definition":{"tlp":"purple"}`, "other RED " + marker("1")},
		{`"extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"property-extension","tlp_2_0":"green"}}`, "tlp GREEN"},
		{`"definition_type":"statement","definition":{"statement":"for exercises"}`, "statement  " + marker("1")},
		{`"definition_type":"statement","definition":{}`, "other RED " + marker("1")},
		{`"definition_type":"acs","definition":{"tlp":"green"}`, "other RED " + marker("1")},
		{`"definition_type":5`, "other RED " + marker("1")},
		{iep + `"encrypt_in_transit":"may","permitted_actions":"externally-visible-direct-actions","affected_party_notifications":"may","tlp":"amber","provider_attribution":"may","unmodified_resale":"may"}}`,
			"iep AMBER/GREEN"},
		{iep + `"encrypt_in_transit":"may","permitted_actions":"externally-visible-indirect-actions","affected_party_notifications":"may","tlp":"green","attribution":"must","unmodified_resale":"may"}}`,
			"iep GREEN/AMBER iep:attribution:must"},
		{iep + `"encrypt_in_transit":"MUST","permitted_actions":["externally-visible-direct-actions","internally-visible-actions"],"affected_party_notifications":"MAY","tlp":"white","attribution":"MUST NOT","unmodified_resale":"may"}}`,
			"iep CLEAR/RED iep:attribution:must-not iep:encrypt_in_transit:must iep:permitted_actions:internally-visible-actions"},
		{iep + `"name":"says nothing"}}`, "iep RED/RED " + codes},
		{iep + `"encrypt_in_transit":"perhaps","permitted_actions":["any"],"tlp":5}}`, "iep RED/RED " + codes},
		{`"definition_type":"iep","definition":{"tlp":"red","permitted_actions":"none"}`, "iep RED/RED " + codes},
		{`"definition_type":"tlp","definition":{"tlp":"red"},` + iep + `"encrypt_in_transit":"may","permitted_actions":"externally-visible-direct-actions","affected_party_notifications":"may","tlp":"green","attribution":"may","unmodified_resale":"may"}}`,
			"iep RED/GREEN"},
	} {
		d := stix.ParseDefinition(definition(t, "1", c.rest))
		m := d.Marking()
		got := string(d.Meaning) + " " + string(m.TLP)
		if m.PAP != "" {
			got += "/" + string(m.PAP)
		}
		if len(m.Handling) > 0 {
			got += " " + strings.Join(m.Handling, " ")
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.rest, got, c.want)
		}
	}
	if d := stix.ParseDefinition(single(t, "url", "x:y")); d.Meaning != stix.MeansOther || d.Marking().TLP != marking.Red {
		t.Errorf("a URL is a marking: %+v", d)
	}
}

// TestPolicyThereAndBack: a marking that goes out as a policy comes back no looser.
func TestPolicyThereAndBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := marking.Marking{
			TLP: rapid.SampledFrom(append(marking.TLPs(), "")).Draw(t, "tlp"),
			PAP: rapid.SampledFrom([]marking.PAP{"", marking.PAPClear, marking.PAPGreen, marking.PAPAmber, marking.PAPRed}).Draw(t, "pap"),
			Handling: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"iep:attribution:must", "iep:attribution:must-not", "iep:attribution:may", "iep:encrypt_in_transit:must", "iep:encrypt_in_transit:x",
				"iep:permitted_actions:none", "iep:permitted_actions:contact-for-instruction", "iep:permitted_actions:internally-visible-actions", "iep:permitted_actions:x", "iep:affected_party_notifications:must-not",
				"iep:unmodified_resale:must-not", "iep:x", "iep:", "no-onward"}), 0, 8, rapid.ID).Draw(t, "handling"),
			PersonalData: rapid.SampledFrom([]marking.PersonalData{"", marking.PersonalAllowed}).Draw(t, "personal"),
			RetainUntil:  rapid.SampledFrom([]string{"", "2027-01-01T00:00:00.000Z"}).Draw(t, "until"),
		}
		refs, rest := stix.RefsOf(m)
		again, _ := stix.Resolve(&stix.Object{Markings: refs}, nothing)
		if again = marking.Combine(again, rest); !again.Covers(m) || !m.Covers(again) {
			t.Fatalf("%+v became %v and %+v", m, refs, rest)
		}
		p, complete := stix.PolicyOf(m)
		back := p.Marking()
		if back.TLP.Rank() < m.TLP.Rank() || back.PAP.Rank() < m.PAP.Rank() {
			t.Fatalf("%+v became %+v", m, back)
		}
		o, err := stix.PolicyMarking{Common: stix.Common{ID: stix.ID(marker("1")), Created: at}, Policy: p}.Object()
		if err != nil {
			t.Fatal(err)
		}
		if d := stix.ParseDefinition(o); d.Policy != p {
			t.Fatalf("%+v was read as %+v", p, d.Policy)
		}
		for _, h := range m.Handling {
			// Of several statements on one thing the strictest stands; what a policy cannot say makes it incomplete.
			if complete && !slices.Contains(back.Handling, h) && !strings.HasPrefix(h, "iep:attribution:") && !strings.HasPrefix(h, "iep:permitted_actions:") && h != "iep:encrypt_in_transit:x" {
				t.Fatalf("%s is lost: %+v", h, back)
			}
		}
		if complete && (m.PersonalData != "" || m.RetainUntil != "" || slices.Contains(m.Handling, "no-onward") || m.TLP == "") {
			t.Fatalf("%+v is said to be complete", m)
		}
	})
}

func TestResolve(t *testing.T) {
	t.Parallel()
	known := map[stix.ID]stix.Definition{}
	for _, o := range []*stix.Object{
		definition(t, "1", `"definition_type":"statement","definition":{"statement":"for exercises"}`),
		definition(t, "2", `"definition_type":"tlp","definition":{"tlp":"amber+strict"}`),
		definition(t, "3", `"definition_type":"acs","definition":{"a":1}`),
		definition(t, "4", `"definition_type":"iep","definition":{"tlp":"green","permitted_actions":"externally-visible-indirect-actions","encrypt_in_transit":"must","affected_party_notifications":"may","attribution":"may","unmodified_resale":"may"}`),
	} {
		known[o.ID] = stix.ParseDefinition(o)
	}
	find := func(id stix.ID) (stix.Definition, bool) { d, ok := known[id]; return d, ok }
	green, amber, red := string(stix.TLPRef(marking.Green)), string(stix.TLPRef(marking.Amber)), string(stix.TLP1Ref(marking.Red))
	object := func(refs, granular string) *stix.Object {
		text := `{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001","name":"n","list":[{"a":1},{"a":2}],"other":1`
		if refs != "" {
			text += `,"object_marking_refs":["` + strings.ReplaceAll(refs, " ", `","`) + `"]`
		}
		if granular != "" {
			text += `,"granular_markings":[` + granular + `]`
		}
		o, err := stix.Parse([]byte(text + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	on := func(selector, id string) string {
		return `{"selectors":["` + selector + `"],"marking_ref":"` + id + `"}`
	}
	show := func(m marking.Marking, missing []stix.ID) string {
		s := string(m.TLP) + "/" + string(m.PAP) + " " + strings.Join(m.Handling, " ")
		if len(missing) > 0 {
			s += " missing"
		}
		return s
	}
	for _, c := range []struct {
		name     string
		o        *stix.Object
		want     string
		at, here string
	}{
		{"nothing", object("", ""), "/ ", "name", "/ "},
		{"one label", object(green, ""), "GREEN/ ", "name", "GREEN/ "},
		{"two labels", object(red+" "+green, ""), "RED/ ", "name", "RED/ "},
		{"a label and a statement", object(green+" "+marker("1"), ""), "GREEN/ " + marker("1"), "name", "GREEN/ " + marker("1")},
		{"a statement", object(marker("1"), ""), "/ " + marker("1"), "name", "/ " + marker("1")},
		{"a label under another id", object(marker("2"), ""), "AMBER+STRICT/ ", "name", "AMBER+STRICT/ "},
		{"what is not understood", object(marker("3"), ""), "RED/ " + marker("3"), "name", "RED/ " + marker("3")},
		{"what is not here", object(green+" "+marker("9"), ""), "RED/ " + marker("9") + " missing", "name", "RED/ " + marker("9") + " missing"},
		{"a policy", object(marker("4")+" "+amber, ""), "AMBER/AMBER iep:encrypt_in_transit:must", "name", "AMBER/AMBER iep:encrypt_in_transit:must"},
		{"a stricter part", object(green, on("name", red)), "RED/ ", "name", "RED/ "},
		{"beside a stricter part", object(green, on("name", red)), "RED/ ", "other", "GREEN/ "},
		{"a looser part", object(amber, on("name", green)), "AMBER/ ", "name", "GREEN/ "},
		{"inside a list", object(green, on("list", amber)), "AMBER/ ", "list.[1].a", "AMBER/ "},
		{"beside the place", object(green, on("list.[0]", amber)), "AMBER/ ", "list.[1]", "GREEN/ "},
		{"above the place", object(green, on("list.[0].a", amber)), "AMBER/ ", "list.[0]", "GREEN/ "},
		{"a name that begins alike", object(green, on("na", amber)), "AMBER/ ", "name", "GREEN/ "},
		{"a statement on a part", object(green, on("name", marker("1"))), "GREEN/ " + marker("1"), "name", "GREEN/ " + marker("1")},
		{"two markings of a part", object("", on("name", green)+","+on("name", amber)), "AMBER/ ", "name", "AMBER/ "},
		{"a language", object(green, `{"selectors":["name"],"lang":"en"}`), "GREEN/ ", "name", "GREEN/ "},
	} {
		if got := show(stix.Resolve(c.o, find)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got := show(stix.ResolveAt(c.o, c.at, find)); got != c.here {
			t.Errorf("%s, at %s: %s, want %s", c.name, c.at, got, c.here)
		}
	}
	// More markings than a marking has room for: what falls off could mean anything.
	var many []string
	for _, c := range "abcdef0123456789ab" {
		many = append(many, strings.Replace(marker("1"), "4000", "40"+string(c)+string(rune('a'+len(many)%6)), 1))
	}
	m, _ := stix.Resolve(object(strings.Join(many, " "), ""), func(id stix.ID) (stix.Definition, bool) {
		return stix.Definition{ID: id, Meaning: stix.MeansStatement}, true
	})
	if m.TLP != marking.Red || len(m.Handling) != 16 || !slices.Contains(m.Handling, "stix:more-markings") || m.Check() != nil {
		t.Errorf("%+v", m)
	}
}

// TestFloor: whatever an object is marked with, as a whole it stands no looser than any marking on it or on any part of it.
func TestFloor(t *testing.T) {
	t.Parallel()
	ids := []stix.ID{stix.TLPRef(marking.Clear), stix.TLPRef(marking.Green), stix.TLPRef(marking.Amber), stix.TLPRef(marking.AmberStrict), stix.TLPRef(marking.Red),
		stix.TLP1Ref(marking.Green), stix.ID(marker("1")), stix.ID(marker("2"))}
	find := func(id stix.ID) (stix.Definition, bool) {
		return stix.Definition{ID: id, Meaning: stix.MeansStatement}, id == stix.ID(marker("1"))
	}
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.SampledFrom(ids), 0, 4)
		o := &stix.Object{Markings: drawn.Draw(t, "markings")}
		for _, id := range drawn.Draw(t, "granular") {
			o.Granular = append(o.Granular, stix.Granular{Selectors: []string{rapid.SampledFrom([]string{"a", "b", "a.b"}).Draw(t, "selector")}, Marking: id})
		}
		whole, _ := stix.Resolve(o, find)
		all := slices.Clone(o.Markings)
		for _, g := range o.Granular {
			all = append(all, g.Marking)
		}
		for _, id := range all {
			if m, _ := stix.Resolve(&stix.Object{Markings: []stix.ID{id}}, find); !whole.Covers(m) {
				t.Fatalf("%+v does not cover %+v of %s", whole, m, id)
			}
		}
		for _, path := range []string{"a", "b", "a.b", "c"} {
			if m, _ := stix.ResolveAt(o, path, find); !whole.Covers(m) {
				t.Fatalf("%+v does not cover %+v at %s", whole, m, path)
			}
		}
	})
}

func TestSelect(t *testing.T) {
	t.Parallel()
	o, err := stix.Parse([]byte(`{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001","a":[{"b":[1,"c"]},5] , "\u0064":{ "e f" : null}}`))
	if err != nil {
		t.Fatal(err)
	}
	for selector, want := range map[string]string{"type": `"x-a"`, "a": `[{"b":[1,"c"]},5]`, "a.[0].b.[1]": `"c"`, "a.[1]": "5", "d.e f": "null",
		"": "–", "b": "–", "a.[2]": "–", "a.b": "–", "a.[0": "–", "a.[]": "–", "a.[-1]": "–", "a.[1].b": "–", "type.[0]": "–", "type.x": "–", "a.": "–", "d.": "–"} {
		got, ok := o.Select(selector)
		if !ok {
			got = "–"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", selector, got, want)
		}
	}
}
