package misp_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/misp"
)

const (
	plainEvent = `{"uuid":"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11","info":"Walnut","Attribute":[{"type":"domain","value":"walnut.example"}],"Tag":[{"name":"tlp:green"}]}`
	otherEvent = `{"info":"Hazel","uuid":"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d12"}`
)

func TestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		events int
	}{
		{plainEvent, 1},
		{`{"Event":` + plainEvent + `}`, 1},
		{"\ufeff \n" + `{"response":[{"Event":` + plainEvent + `},{"Event":` + otherEvent + `}]}`, 2},
		{`{"response":{"Event":` + plainEvent + `}}`, 1},
		{`[{"Event":` + plainEvent + `},` + otherEvent + `]`, 2},
		{`{"Event":` + plainEvent + "}\n{\"Event\":" + otherEvent + "}\n", 2},
		{``, 0},
		{`[]`, 0},
	} {
		// A byte at a time, so that every place is once the end of what has come.
		heads, attributes := 0, 0
		for p, err := range misp.Read(iotest.OneByteReader(strings.NewReader(c.text)), misp.Limits{}) {
			if err != nil || p.Err != nil {
				t.Fatalf("%s: %v %v", c.text, err, p.Err)
			}
			if p.Head != nil {
				heads++
			}
			if p.Attribute != nil {
				attributes++
			}
		}
		if heads != c.events || attributes != min(c.events, 1) {
			t.Errorf("%s: %d events, %d attributes", c.text, heads, attributes)
		}
		if misp.Sniff([]byte(c.text)) != (c.events > 0) {
			t.Errorf("%s: taken for something else", c.text)
		}
		e, err := misp.ParseEvent([]byte(c.text))
		if (err == nil) != (c.events == 1) || err == nil && (e.Info != "Walnut" || len(e.Tags) != 1) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
	for _, other := range []string{`{"type":"bundle","objects":[]}`, `{"objects":[]}`, `198.51.100.7`, `[1]`, `{"id":"x"`, `{"more":false}`} {
		if misp.Sniff([]byte(other)) {
			t.Errorf("%s is taken for MISP", other)
		}
	}
}

// many is an event of so many attributes, in which at is what stands in the place of some.
func many(n int, at map[int]string) string {
	var b strings.Builder
	b.WriteString(`{"Event":{"uuid":"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11","info":"Walnut","Attribute":[`)
	for i := range n {
		if i > 0 {
			b.WriteString(",\n")
		}
		if odd, ok := at[i]; ok {
			b.WriteString(odd)
			continue
		}
		fmt.Fprintf(&b, `{"uuid":"5f9b3c1e-0a3c-4f6b-8c39-%012x","type":"domain","value":"d%d.example","to_ids":true,"timestamp":"1767312000"}`, i, i)
	}
	b.WriteString(`],"Tag":[{"name":"tlp:red"}]}}`)
	return b.String()
}

func TestBrokenAttributesAreToldByPlaceAndTheOthersGoIn(t *testing.T) {
	t.Parallel()
	bad := map[int]string{
		17:   `{"uuid":"5f9b3c1e-0a3c-4f6b-8c39-ffffffffff01","type":"domain"}`,
		18:   `{"type":"domain","value":"x.example","value":"y.example"}`,
		19:   `{"type":"domain","value":"x.example",}`,
		20:   `{"type":"domain","value":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`,
		21:   `{"type":"domain","value":"` + strings.Repeat("x", 9<<20) + `"}`,
		22:   `{"type":"domain","value":"` + strings.Repeat("x", 2<<20) + `"}`,
		23:   `[]`,
		24:   `null`,
		25:   `{"uuid":"no","type":"domain","value":"x.example"}`,
		26:   `{"type":"domain","value":"\ud800"}`,
		27:   "{\"type\":\"domain\",\"value\":\"\xff\"}",
		28:   `{"type":"domain","value":"x.example","timestamp":"99999999999999"}`,
		29:   `{"type":"domain","value":"x.example","to_ids":"perhaps"}`,
		9998: `{"uuid":"5F9B3C1E-0A3C-4F6B-8C39-000000000000","type":"domain","value":"twice.example"}`,
	}
	text := many(10_000, bad)
	refused := map[string]bool{}
	indicators := 0
	for it, err := range misp.ItemsOf([]byte(text), misp.Mapping{}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case it.Err != nil:
			message := fault.Show(it.Err)
			place, _, ok := strings.Cut(message, ",")
			if !ok || refused[place] || len(message) > 300 {
				t.Errorf("%.300s", message)
			}
			if at := int(it.Offset); text[at] != '{' && text[at] != '[' && text[at] != 'n' {
				t.Errorf("%s: nothing begins at byte %d", message, at)
			}
			refused[place] = true
		case it.Object.Type == "indicator":
			indicators++
		}
	}
	for i := range bad {
		if !refused[fmt.Sprintf("Attribute %d", i+1)] {
			t.Errorf("attribute %d was not refused: %.60s", i+1, bad[i])
		}
	}
	if indicators != 10_000-len(bad) || len(refused) != len(bad) {
		t.Errorf("%d indicators, %d refused", indicators, len(refused))
	}
	if _, err := misp.ParseEvent([]byte(text)); fault.CodeOf(err) != fault.Malformed {
		t.Errorf("whole: %v", err)
	}
}

func TestWhatIsCutShortGivesNothing(t *testing.T) {
	t.Parallel()
	text := many(100, nil)
	for _, n := range []int{1, 20, 60, 500, len(text) - 40, len(text) - 2} {
		for it, err := range misp.ItemsOf([]byte(text[:n]), misp.Mapping{}) {
			if err == nil {
				t.Errorf("cut at %d it gives %v: nobody knows how it is marked", n, it)
			} else if fault.CodeOf(err) != fault.Malformed {
				t.Errorf("cut at %d: %v", n, err)
			}
		}
	}
	broken := errors.New("the line is dead")
	for _, err := range misp.Read(io.MultiReader(strings.NewReader(text[:1000]), iotest.ErrReader(broken)), misp.Limits{}) {
		if err != nil && (fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, broken)) {
			t.Error(err)
		}
	}
	for _, deep := range []string{strings.Repeat("[", 1<<20), strings.Repeat(`{"Event":`, 1<<16), `{"x":` + strings.Repeat("[", 1<<20)} {
		if _, err := misp.ParseEvent([]byte(deep)); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%.20s: %v", deep, err)
		}
	}
}

func TestHeadThatIsNoneTakesItsEventAlone(t *testing.T) {
	t.Parallel()
	text := `[{"info":"without uuid","Attribute":[{"type":"domain","value":"x.example"}]},` + plainEvent + `]`
	var objects, refused int
	for it, err := range misp.ItemsOf([]byte(text), misp.Mapping{}) {
		if err != nil {
			t.Fatal(err)
		}
		if it.Err != nil {
			refused++
		} else {
			objects++
		}
	}
	if refused != 1 || objects != 5 { // the extension and its author, the name, what was seen, the report
		t.Errorf("%d refused, %d objects", refused, objects)
	}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	m, _, err := misp.ParseManifest([]byte(`{"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11":{"info":"Walnut","timestamp":1767312000,"Orgc":{"name":"XA.cert"},"threat_level_id":2}}`))
	if e := m["b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11"]; err != nil || e.Timestamp != "1767312000" || e.ThreatLevel != "2" {
		t.Error(m, err)
	}
	for _, bad := range []string{``, `[1]`, `1`, `{`, `{}x`, strings.Repeat("[", 100), `{"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11":{}`} {
		if _, _, err := misp.ParseManifest([]byte(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	// What is broken costs the others nothing, and its name is told to nobody.
	m, refused, err := misp.ParseManifest([]byte(`{"../../etc":{"info":"x"},"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11":{"info":"Walnut"},"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d12":1,"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d13":{"info":[]}}`))
	if err != nil || len(m) != 1 || len(refused) != 3 {
		t.Fatal(m, refused, err)
	}
	for i, want := range []string{"the manifest's event 1 has a name that is no UUID", "what the manifest says of its event 3 cannot be read", "what the manifest says of its event 4 cannot be read"} {
		if got := fault.Of(refused[i].Err).Msg; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if m, _, err := misp.ParseManifest([]byte(" []\n")); err != nil || len(m) != 0 {
		t.Error(m, err)
	}
	e, err := misp.ParseEvent([]byte(`{"uuid":"b5a7b6fb-3a0c-4c4e-9d1b-2f6e5c0a7d11","info":"x","Attribute":[{"type":"domain|ip","value":"a|b"},{"type":"text","value":"a|b"},{"type":"text","value":"c","deleted":true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var hashes []string
	for h := range e.Hashes() {
		hashes = append(hashes, h)
	}
	// MD5 of a, b and a|b.
	if got := strings.Join(hashes, " "); got != "0cc175b9c0f1b6a831c399e269772661 92eb5ffee6ae2fec3ad71c777531578f d0726241020676b14aa6298ce6a18b21" {
		t.Error(got)
	}
}
