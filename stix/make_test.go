package stix_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// TestDeterministicID: identifiers of the standard's own examples, and some that public tools agree on.
func TestDeterministicID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typ, rest, want string }{
		{"ipv4-addr", `"value":"198.51.100.3"`, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"},
		{"ipv4-addr", ` "resolves_to_refs":["x"] , "value" : "198.51.100.\u0033"`, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"},
		{"ipv4-addr", `"value":"127.0.0.1"`, "ipv4-addr--679c6c82-b4be-52e2-9c7a-198689f6f77b"},
		{"ipv6-addr", `"value":"2001:db8::1"`, "ipv6-addr--6469e3a9-b053-5e34-a025-9396ae051d26"},
		{"domain-name", `"value":"example.com"`, "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"},
		{"domain-name", `"value":"control.example.com"`, "domain-name--427e3664-0043-5865-b454-97df26649bde"},
		{"directory", `"path":"C:\\Windows\\System32"`, "directory--0a58d0c1-59e6-5afd-8252-dcd3f13e5622"},
		{"file", `"hashes":{"SHA-256":"ceafbfd424be2ca4a5f0402cae090dda2fb0526cf521b60b60077c0f622b285a"}`, "file--70221dbf-52fd-5377-9619-c0ce6b3ffc8c"},
		{"file", `"hashes":{"SHA-256":"ceafbfd424be2ca4a5f0402cae090dda2fb0526cf521b60b60077c0f622b285a"},"parent_directory_ref":"directory--93c0a9b0-520d-545d-9094-1a08ddf46b05","name":"qwerty.dll"`, // the standard made it with an older id of the directory
			"file--39643577-13b7-5f21-9584-df7e7c33f357"},
		{"file", `"hashes":{"SHA-256":"35a01331e9ad96f751278b891b6ea09699806faedfa237d40513d92ad1b7100f"},"extensions":{"ntfs-ext":{"alternate_data_streams":[{"name":"second.stream","size":25536}]}}`,
			"file--ba04c974-3cef-5f42-adc7-084d467874e2"},
		{"file", `"extensions":{"raster-image-ext":{"exif_tags":{"Make":"Nikon","YResolution":3264,"Model":"D7000","XResolution":4928}}},"name":"picture.jpg",` +
			`"hashes":{"SHA-256":"4bac27393bdd9777ce02453256c5577cd02275510b2227f473d03f533924f877"}`, "file--66772174-3442-5e0d-b577-4bd7be55fb87"},
		{"autonomous-system", `"number":15139,"name":"Slime Industries","rir":"ARIN"`, "autonomous-system--3aa27478-50b5-5ab8-9da9-cdc12b657fff"},
	} {
		o, err := stix.Parse([]byte(`{"type":"` + c.typ + `","id":"` + c.typ + `--00000000-0000-4000-8000-000000000001",` + c.rest + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := o.DeterministicID(); !ok || string(id) != c.want {
			t.Errorf("%s: %s", c.want, id)
		}
	}
}

func TestDeterministicIDRules(t *testing.T) {
	t.Parallel()
	id := func(typ, rest string) stix.ID {
		o, err := stix.Parse([]byte(`{"type":"` + typ + `","id":"` + typ + `--00000000-0000-4000-8000-000000000001",` + rest + `}`))
		if err != nil {
			t.Fatal(err)
		}
		id, _ := o.DeterministicID()
		return id
	}
	const m, s1, s256, ss = `"MD5":"a"`, `"SHA-1":"b"`, `"SHA-256":"c"`, `"SSDEEP":"d"`
	for _, c := range []struct{ a, b string }{
		{`"hashes":{` + ss + `,` + s256 + `,` + m + `,` + s1 + `}`, `"hashes":{` + m + `}`},
		{`"hashes":{` + ss + `,` + s256 + `,` + s1 + `}`, `"hashes":{` + s1 + `}`},
		{`"hashes":{` + ss + `,` + s256 + `}`, `"hashes":{` + s256 + `}`},
		{`"hashes":{"TLSH":"e",` + ss + `}`, `"hashes":{` + ss + `}`},
		{`"name":"x","size":5`, `"name":"x","size":6`},
	} {
		if id("file", c.a) != id("file", c.b) || id("file", c.a) == "" {
			t.Errorf("%s and %s differ", c.a, c.b)
		}
	}
	if id("file", `"name":"x"`) == id("file", `"name":"x","hashes":{`+m+`}`) {
		t.Error("a hash changes nothing")
	}
	for _, c := range []struct{ typ, rest string }{{"process", `"pid":5`}, {"file", `"size":5`}, {"x-a", `"value":"x"`}, {"file", `"hashes":5`}, {"file", `"hashes":{}`}, {"indicator", `"name":"x"`}} {
		if got := id(c.typ, c.rest); got != "" {
			t.Errorf("%s with %s has %s", c.typ, c.rest, got)
		}
	}
	random := stix.NewID("process", [16]byte{0xff, 1, 2, 3, 4, 5, 0xff, 7, 0xff})
	if random != "process--ff010203-0405-4f07-bf00-000000000000" {
		t.Error(random)
	}
	if _, err := stix.ParseID(string(random)); err != nil {
		t.Error(err)
	}
	if _, err := stix.ParseID("process"); fault.CodeOf(err) != fault.Malformed {
		t.Error(err)
	}
}

const (
	at    = stix.Timestamp("2026-11-21T08:00:00.000Z")
	later = stix.Timestamp("2026-11-22T08:00:00.000Z")
)

func newID(t stix.Type) stix.ID { return stix.NewID(t, [16]byte([]byte(t+"................"))) }

// made has one of everything that the constructors make, as full as it can be.
func made(t testing.TB) []*stix.Object {
	t.Helper()
	me := newID("identity")
	common := func(typ stix.Type) stix.Common {
		return stix.Common{ID: newID(typ), CreatedBy: me, Created: at, Modified: later, Revoked: true, Labels: []string{"a"}, Confidence: new(70), Lang: "en",
			References: []stix.Reference{{SourceName: "XA.cert", Description: "d", URL: "https://example.com/a", ExternalID: "7"}},
			Markings:   []stix.ID{stix.TLPRef(marking.Green)}, Granular: []stix.Granular{{Selectors: []string{"labels.[0]"}, Marking: stix.TLPRef(marking.Red)}},
			Custom: []stix.Property{{Name: "x_note", Value: map[string]any{"b": 1, "a": []int{2}}}}}
	}
	addr := single(t, "ipv4-addr", "198.51.100.3")
	type maker interface{ Object() (*stix.Object, error) }
	makers := []maker{
		stix.Indicator{Common: common("indicator"), Name: "n", Description: "d", Types: []string{"malicious-activity"}, Pattern: "[ipv4-addr:value = '198.51.100.3']",
			ValidFrom: at, ValidUntil: later, KillChain: []stix.Phase{{Chain: "c", Name: "p"}}},
		stix.Indicator{Common: stix.Common{ID: newID("indicator"), Created: at}, Pattern: "x", PatternType: "yara", ValidFrom: at},
		stix.Identity{Common: common("identity"), Name: "XA", Description: "d", Roles: []string{"r"}, Class: "group", Sectors: []string{"energy"}, Contact: "c"},
		stix.Relationship{Common: common("relationship"), Type: "based-on", Description: "d", Source: newID("indicator"), Target: newID("observed-data"), Start: at, Stop: later},
		stix.Sighting{Common: common("sighting"), Description: "d", FirstSeen: at, LastSeen: later, Count: new(3), Of: newID("indicator"),
			ObservedData: []stix.ID{newID("observed-data")}, Where: []stix.ID{me}, Summary: true},
		stix.ObservedData{Common: common("observed-data"), First: at, Last: later, Count: 2, Refs: []stix.ID{addr.ID}},
		stix.Report{Common: common("report"), Name: "n", Description: "d", Types: []string{"threat-report"}, Published: at, Refs: []stix.ID{newID("indicator")}},
		stix.Statement{Common: stix.Common{ID: newID("marking-definition"), CreatedBy: me, Created: at, Modified: later}, Name: "n", Text: "for exercises"},
		stix.PolicyMarking{Common: stix.Common{ID: newID("marking-definition"), Created: at}, Policy: stix.Policy{ID: "7", Name: "n", EncryptInTransit: "must",
			PermittedActions: "none", Notifications: "may", TLP: marking.AmberStrict, Attribution: "must-not", UnmodifiedResale: "must-not"}},
		stix.Domain{Common: common("note"), Type: "note", Properties: []stix.Property{{Name: "content", Value: "c"}, {Name: "object_refs", Value: []stix.ID{me}}}},
		stix.Domain{Common: common("malware"), Type: "malware", Properties: []stix.Property{{Name: "is_family", Value: false}}},
		stix.Domain{Common: stix.Common{ID: newID("x-acme-lead"), Created: at}, Type: "x-acme-lead"},
		stix.Observable{Type: "file", Defanged: true, Markings: []stix.ID{stix.TLPRef(marking.Clear)}, Properties: []stix.Property{
			{Name: "hashes", Value: map[string]string{"SHA-256": strings.Repeat("0a", 32), "MD5": strings.Repeat("0b", 16)}}, {Name: "size", Value: 0}, {Name: "name", Value: "a.exe"}}},
		stix.Observable{Type: "network-traffic", Properties: []stix.Property{{Name: "dst_ref", Value: addr.ID}, {Name: "dst_port", Value: 443}, {Name: "protocols", Value: []string{"tcp"}}}},
		stix.Observable{Type: "autonomous-system", Properties: []stix.Property{{Name: "number", Value: 64500}}},
		stix.Observable{Type: "process", ID: newID("process"), Properties: []stix.Property{{Name: "pid", Value: 0}}},
		stix.Observable{Type: "email-message", Properties: []stix.Property{{Name: "is_multipart", Value: false}, {Name: "subject", Value: "s"}}},
		stix.Observable{Type: "user-account", Properties: []stix.Property{{Name: "user_id", Value: "1001"}}},
		stix.Observable{Type: "x509-certificate", Properties: []stix.Property{{Name: "serial_number", Value: "1"}}},
		stix.Observable{Type: "artifact", Properties: []stix.Property{{Name: "payload_bin", Value: []byte("test")}}},
	}
	out := stix.TLPDefinitions()
	if len(out) != 9 {
		t.Fatalf("%d markings of TLP", len(out))
	}
	for _, m := range makers {
		o, err := m.Object()
		if err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		out = append(out, o)
	}
	out = append(out, addr)
	for typ, v := range map[stix.Type]string{"ipv6-addr": "2001:db8::1", "domain-name": "a.example", "url": "https://a.example/", "email-addr": "a@b.example",
		"mac-addr": "00:00:5e:00:53:01", "mutex": "m", "directory": "/x", "windows-registry-key": `HKEY_LOCAL_MACHINE\a`, "software": "s"} {
		out = append(out, single(t, typ, v))
	}
	return out
}

func single(t testing.TB, typ stix.Type, value string) *stix.Object {
	t.Helper()
	o, err := stix.Single(typ, value)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestMadeIsAsWritten pins the bytes: order and spelling are the same on every node.
func TestMadeIsAsWritten(t *testing.T) {
	t.Parallel()
	o, err := stix.Indicator{Common: stix.Common{ID: "indicator--00000000-0000-4000-8000-000000000001", Created: at, Confidence: new(0),
		Custom: []stix.Property{{Name: "x_b", Value: map[string]int{"z": 1, "a": 2}}}}, Pattern: "[url:value = 'a']", ValidFrom: at}.Object()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2026-11-21T08:00:00.000Z","modified":"2026-11-21T08:00:00.000Z",` +
		`"confidence":0,"pattern":"[url:value = 'a']","pattern_type":"stix","valid_from":"2026-11-21T08:00:00.000Z","x_b":{"a":2,"z":1}}`
	if o.Raw != want {
		t.Error(o.Raw)
	}
	if o := single(t, "ipv4-addr", "198.51.100.3"); o.Raw != addrB {
		t.Error(o.Raw)
	}
}

func TestWhatCannotBeMade(t *testing.T) {
	t.Parallel()
	type maker interface{ Object() (*stix.Object, error) }
	for name, m := range map[string]maker{
		"no id":           stix.Identity{Common: stix.Common{Created: at}, Name: "XA"},
		"another's id":    stix.Identity{Common: stix.Common{ID: newID("report"), Created: at}, Name: "XA"},
		"no name":         stix.Identity{Common: stix.Common{ID: newID("identity"), Created: at}},
		"a bad time":      stix.Identity{Common: stix.Common{ID: newID("identity"), Created: "now"}, Name: "XA"},
		"a name twice":    stix.Identity{Common: stix.Common{ID: newID("identity"), Created: at, Custom: []stix.Property{{Name: "name", Value: "x"}}}, Name: "XA"},
		"not UTF-8":       stix.Identity{Common: stix.Common{ID: newID("identity"), Created: at}, Name: "\xff"},
		"no JSON":         stix.Domain{Common: stix.Common{ID: newID("x-a"), Created: at}, Type: "x-a", Properties: []stix.Property{{Name: "x_a", Value: func() {}}}},
		"nothing to name": stix.Observable{Type: "process", Properties: []stix.Property{{Name: "pid", Value: 5}}},
		"nothing":         stix.Observable{Type: "file"},
		"a bad address":   stix.Observable{Type: "ipv4-addr", Properties: []stix.Property{{Name: "value", Value: "x"}}},
	} {
		if o, err := m.Object(); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
	if _, err := stix.Single("file", "x"); fault.CodeOf(err) != fault.Malformed {
		t.Errorf("a file of one value: %v", err)
	}
	for _, w := range []struct {
		form stix.Form
		id   stix.ID
	}{{"zip", ""}, {stix.Bundle, ""}, {stix.Bundle, newID("report")}} {
		if _, err := stix.NewWriter(nil, w.form, w.id); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%v: %v", w, err)
		}
	}
}

// schemas compiles the schemas of OASIS, found by the addresses that they give themselves.
func schemas(t testing.TB) func(o *stix.Object) error {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "data", "stix", "oasis-schemas")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: the shared data is not here: %v", err)
	}
	const base = "http://raw.githubusercontent.com/oasis-open/cti-stix2-json-schemas/stix2.1/schemas/"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	kinds := map[stix.Type]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(text)
		text.Close()
		if err != nil {
			t.Fatal(err)
		}
		id := base + filepath.Base(filepath.Dir(f)) + "/" + filepath.Base(f)
		if _, err := url.Parse(id); err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(id, doc); err != nil {
			t.Fatal(err)
		}
		kinds[stix.Type(strings.TrimSuffix(filepath.Base(f), ".json"))] = id
	}
	compiled := map[stix.Type]*jsonschema.Schema{}
	for typ, id := range kinds {
		if compiled[typ], err = c.Compile(id); err != nil {
			t.Fatal(err)
		}
	}
	return func(o *stix.Object) error {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(o.Raw))
		if err != nil {
			return err
		}
		schema := compiled[o.Type]
		if schema == nil {
			schema = compiled["core"]
		}
		return schema.Validate(doc)
	}
}

func TestMadePassesTheSchemas(t *testing.T) {
	t.Parallel()
	validate := schemas(t)
	for _, o := range made(t) {
		if err := validate(o); err != nil {
			t.Errorf("%s\n%v", o.Raw, err)
		}
	}
}
