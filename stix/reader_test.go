package stix_test

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

const (
	domainA = `{"type":"domain-name","id":"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7","value":"example.com"}`
	addrB   = `{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"}`
	bundle  = `bundle--5d0092c5-5f74-4287-9642-33f4c354e56d`
)

// told is what a Reader made of a text: "ok <id>" or the message at each place, then how it ended.
func told(r *stix.Reader) []string {
	var out []string
	for {
		it, err := r.Next()
		switch {
		case err == io.EOF:
			return append(out, "end "+string(r.Form()))
		case err != nil:
			return append(out, "stop "+fault.Show(err))
		case it.Err != nil:
			out = append(out, fault.Show(it.Err))
		default:
			out = append(out, "ok "+string(it.Object.Type))
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       string // lines
	}{
		{"bundle", `{"type":"bundle","id":"` + bundle + `","objects":[` + domainA + `,` + addrB + `]}`, "ok domain-name\nok ipv4-addr\nend bundle"},
		{"bundle, type behind", ` {"id":"` + bundle + `", "objects" : [ ` + domainA + "\n,\n" + addrB + ` ] ,"spec_version":"2.0","type":"bundle"} `, "ok domain-name\nok ipv4-addr\nend bundle"},
		{"bundle without objects", `{"type":"bundle","id":"` + bundle + `"}`, "end bundle"},
		{"bundle with an empty list", `{"type":"bundle","id":"` + bundle + `","objects":[]}`, "end bundle"},
		{"envelope", `{"more":true,"next":"a\u0062","objects":[` + domainA + `]}`, "ok domain-name\nend envelope"},
		{"envelope, head behind", `{"objects":[` + domainA + `],"more":false}`, "ok domain-name\nend envelope"},
		{"empty envelope", `{}`, "end envelope"},
		{"envelope without objects", `{"more":false}`, "end envelope"},
		{"array", `[` + domainA + `,` + addrB + `]`, "ok domain-name\nok ipv4-addr\nend array"},
		{"empty array", ` [ ] `, "end array"},
		{"lines", domainA + "\n" + addrB + "\n", "ok domain-name\nok ipv4-addr\nend lines"},
		{"no line feed at the end", domainA + "\n" + addrB, "ok domain-name\nok ipv4-addr\nend lines"},
		{"one object over several lines", strings.ReplaceAll(domainA, ",", ",\n  "), "ok domain-name\nend lines"},
		{"nothing", " \n", "end lines"},
		{"a byte order mark", "\ufeff[" + domainA + "]", "ok domain-name\nend array"},
		{"a NUL", "\x00", "stop the text is neither a bundle, an envelope, a list nor lines of STIX objects"},
		{"half a byte order mark", "\xef\xbb", "stop the text is neither a bundle, an envelope, a list nor lines of STIX objects"},
		{"an object with a list called objects", `{"type":"x-a","id":"x-a--3c10e93f-798e-5a26-a0c1-08156efab7f5","objects":[{}]}`, "ok x-a\nend lines"},
		{"observed data with objects", `{"type":"observed-data","id":"observed-data--3c10e93f-798e-4a26-a0c1-08156efab7f5","objects":{"0":{}}}`, "ok observed-data\nend lines"},

		{"a broken value", `[` + domainA + `,{"a":1,"b":nul},` + addrB + `]`, "ok domain-name\nat byte 11: a value is missing\nok ipv4-addr\nend array"},
		{"a bad escape", `[{"a":"\x"},` + addrB + `]`, "at byte 6: a string has a broken escape\nok ipv4-addr\nend array"},
		{"a bare line feed in a string", "[{\"a\":\"\n\"}," + addrB + "]", "at byte 6: a string has a bare control character\nok ipv4-addr\nend array"},
		{"a comma too many", `[{"a":1,},` + addrB + `]`, "at byte 7: a property name is missing\nok ipv4-addr\nend array"},
		{"a comma too few", `[{"a":1 "b":2},` + addrB + `]`, "at byte 7: a comma or a closing brace is missing\nok ipv4-addr\nend array"},
		{"other quotes", `[{'a':1},` + addrB + `]`, "at byte 1: a property name is missing\nok ipv4-addr\nend array"},
		{"not an object", `[5,"a",null,` + addrB + `,[1]]`, strings.Repeat("at byte 0: a STIX object is a JSON object\n", 3) + "ok ipv4-addr\nat byte 0: a STIX object is a JSON object\nend array"},
		{"an inner bundle", `[{"type":"bundle","id":"` + bundle + `"}]`, "at byte 8: a bundle is not an object: read what is in it\nend array"},
		{"a missing comma", `[` + domainA + addrB + `]`, "ok domain-name\nstop the JSON is broken at byte 102"},
		{"a wrong bracket", `[` + domainA + `,{"a":[1}]`, "ok domain-name\nstop the JSON is broken at byte 110"},
		{"an early end", `[` + domainA + `,{"a":`, "ok domain-name\nstop the text ends too early, at byte 108"},
		{"an early end in a string", `[` + domainA + `,{"a":"`, "ok domain-name\nstop the text ends too early, at byte 109"},
		{"an early end of the list", `[` + domainA, "ok domain-name\nstop the text ends too early, at byte 102"},
		{"an early end behind the list", `{"type":"bundle","objects":[` + domainA + `]`, "ok domain-name\nstop the text ends too early, at byte 130"},
		{"something behind", `[` + domainA + `] x`, "ok domain-name\nstop something follows the objects at byte 104"},
		{"two lists", `{"objects":[` + domainA + `],"objects":[` + addrB + `]}`, "ok domain-name\nstop what holds the objects has a name twice, or too many, at byte 124"},
		{"another container", `{"objects":[` + domainA + `],"type":"feed"}`, "ok domain-name\nstop what holds the objects is neither a bundle nor an envelope"},
		{"a page", `<html>`, "stop the text is neither a bundle, an envelope, a list nor lines of STIX objects"},

		{"a broken line", domainA + "\n{\"a\":[1}\n" + addrB, "ok domain-name\nthe JSON is broken at byte 109\nok ipv4-addr\nend lines"},
		{"a line cut in a string", domainA + "\n{\"a\":\"b\n" + addrB, "ok domain-name\nthe JSON is broken at byte 109\nok ipv4-addr\nend lines"},
		{"a line cut behind a comma", "{\"a\":\"b\",\n" + addrB, "the JSON is broken at byte 10\nok ipv4-addr\nend lines"},
		{"a line cut behind a bracket", "{\"a\":[\n" + domainA + "\n" + addrB, "the JSON is broken at byte 109\nok ipv4-addr\nend lines"},
		{"a first line that is broken", "{\"a\":]\n" + addrB, "the JSON is broken at byte 5\nok ipv4-addr\nend lines"},
		{"a line that is no object", domainA + "\nx\n" + addrB, "ok domain-name\nat byte 0: a STIX object is a JSON object\nok ipv4-addr\nend lines"},
		{"a bad value on a line", domainA + "\n{\"a\": +}\n" + addrB, "ok domain-name\nat byte 6: a value is missing\nok ipv4-addr\nend lines"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for name, src := range map[string]io.Reader{
				"whole": strings.NewReader(c.text), "byte by byte": iotest.OneByteReader(strings.NewReader(c.text)),
				"with its end": iotest.DataErrReader(strings.NewReader(c.text)),
			} {
				if got := strings.Join(told(stix.NewReader(src, stix.Limits{})), "\n"); got != c.want {
					t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
				}
			}
		})
	}
}

func TestReaderPlaces(t *testing.T) {
	t.Parallel()
	text := `{"more":true,"next":"a\u0062","objects":[` + domainA + ` , {"a":1}]}`
	r := stix.NewReader(strings.NewReader(text), stix.Limits{})
	var items []stix.Item
	for it, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	if len(items) != 2 || items[0].Object.Raw != domainA || items[1].Index != 1 || items[1].Err == nil {
		t.Fatalf("got %+v", items)
	}
	if at := items[1].Offset; !strings.HasPrefix(text[at:], `{"a":1}`) {
		t.Errorf("offset %d", at)
	}
	if h := r.Head(); h != (stix.Head{More: true, Next: "ab"}) {
		t.Errorf("head %+v", h)
	}
}

// TestReaderTooLarge: an object past the bound is passed over, whatever it is made of, and memory does not grow with it.
func TestReaderTooLarge(t *testing.T) {
	t.Parallel()
	limits := stix.Limits{Size: 1000}
	for name, big := range map[string]string{
		"a string":   `{"a":"` + strings.Repeat("x", 300_000) + `"}`,
		"escapes":    `{"a":"` + strings.Repeat(`\"`, 150_000) + `"}`,
		"a list":     `{"a":[` + strings.Repeat("1,", 100_000) + `1]}`,
		"a number":   `{"a":` + strings.Repeat("1", 300_000) + `}`,
		"white":      `{"a":` + strings.Repeat(" ", 300_000) + `1}`,
		"just over":  `{"a":"` + strings.Repeat("x", 993) + `"}`,
		"many names": `{"a":{` + strings.Repeat(`"a":1,`, 60_000) + `"b":2}}`,
	} {
		got := told(stix.NewReader(strings.NewReader("["+domainA+","+big+","+addrB+"]"), limits))
		want := "ok domain-name|the object has more than 1000 bytes|ok ipv4-addr|end array"
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("%s in a list: %.300s", name, s)
		}
		got = told(stix.NewReader(strings.NewReader(domainA+"\n"+big+"\n"+addrB), limits))
		if s := strings.Join(got, "|"); s != strings.ReplaceAll(want, "array", "lines") {
			t.Errorf("%s on a line: %.300s", name, s)
		}
	}
	for _, text := range []string{`{"a":"` + strings.Repeat("x", 300_000) + `","objects":[]}`, `{"a":` + strings.Repeat(" ", 5000)} {
		_, err := stix.NewReader(strings.NewReader(text), limits).Next()
		if fault.CodeOf(err) != fault.TooLarge {
			t.Errorf("before the objects: %v", err)
		}
	}
	deep := "[" + domainA + "," + strings.Repeat("[", 20_000)
	if got := told(stix.NewReader(strings.NewReader(deep), limits)); got[1] != "stop the JSON is nested too deeply to go on, at byte 10103" {
		t.Errorf("too deep: %v", got)
	}
}

// TestReaderOfBrackets: a text made of openings costs no more than another of its length.
func TestReaderOfBrackets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("{\n", 100_000), strings.Repeat("{\"a\":[\n", 50_000), "[" + strings.Repeat("{},", 50_000) + "{}]", "[" + strings.Repeat("{]", 100_000),
		"[" + strings.Repeat("5,", 100_000) + "5]", "[" + strings.Repeat(`"",`, 100_000) + "5]", strings.Repeat("5 ", 100_000), strings.Repeat("{} ", 50_000), "[" + strings.Repeat("[],", 50_000) + "5]"} {
		n := 0
		for it, err := range stix.NewReader(strings.NewReader(text), stix.Limits{}).All() {
			if err == nil && it.Err == nil {
				t.Fatal("a bracket was taken")
			}
			n++
		}
		if n == 0 {
			t.Error("nothing was said")
		}
	}
}

func TestReaderSourceFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want fault.Code
	}{{errors.New("cable cut"), fault.Unavailable}, {fault.New(fault.Quota, "", "too much"), fault.Quota}} {
		for _, text := range []string{"", "{", "[", "[" + domainA, "[" + domainA + ",", domainA + "\n{", `{"type":"bundle"}`} {
			r := stix.NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(c.err)), stix.Limits{})
			var err error
			for err == nil {
				_, err = r.Next()
			}
			if fault.CodeOf(err) != c.want {
				t.Errorf("%q: got %v", text, err)
			}
		}
	}
}

// shared opens a file of the shared data, unpacked, or skips the test and says so.
func shared(t testing.TB, name string) io.Reader {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "shared", "data", "stix", name))
	if err != nil {
		t.Skipf("SKIPPED: the shared data is not here: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	if !strings.HasSuffix(name, ".gz") {
		return f
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

var examples = []string{
	"ics-attack.json.gz", "oasis-examples/indicator-for-c2-ip-address.json", "oasis-examples/indicator-to-campaign-relationship.json",
	"oasis-examples/indicators-for-C2-with-COA.json", "oasis-examples/infrastructure.json", "oasis-examples/interop-objectmarking-test.json",
	"oasis-examples/malicious-email-indicator-with-attachment.json", "oasis-examples/threat-reports/apt1.json", "oasis-examples/threat-reports/poisonivy.json",
}

// TestExamplesComeOutEqual: what goes in comes out byte for byte, in every form, and equals what a general decoder reads.
func TestExamplesComeOutEqual(t *testing.T) {
	t.Parallel()
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := io.ReadAll(shared(t, name))
			if err != nil {
				t.Fatal(err)
			}
			var want []jsontext.Value
			var container struct {
				Objects []jsontext.Value `json:"objects"`
			}
			if err := json.Unmarshal(text, &container); err != nil {
				t.Fatal(err)
			}
			if want = container.Objects; want == nil {
				want = []jsontext.Value{jsontext.Value(strings.TrimSpace(string(text)))}
			}
			for _, form := range []stix.Form{stix.Bundle, stix.Envelope, stix.Array, stix.Lines} {
				var id stix.ID
				if form == stix.Bundle {
					id = bundle
				}
				var out strings.Builder
				w, err := stix.NewWriter(&out, form, id)
				if err != nil {
					t.Fatal(err)
				}
				for it, err := range stix.NewReader(strings.NewReader(string(text)), stix.Limits{}).All() {
					if err != nil || it.Err != nil {
						t.Fatal(err, it.Err)
					}
					if it.Index >= len(want) || it.Object.Raw != string(want[it.Index]) {
						t.Fatalf("object %d differs", it.Index)
					}
					if err := w.Write(it.Object); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				r := stix.NewReader(strings.NewReader(out.String()), stix.Limits{})
				n := 0
				for it, err := range r.All() {
					if err != nil || it.Err != nil {
						t.Fatal(err, it.Err)
					}
					got := it.Object.Raw
					if form == stix.Lines {
						if strings.Contains(got, "\n") {
							t.Fatal("a line has a line feed")
						}
					} else if got != string(want[n]) {
						t.Fatalf("%s: object %d differs", form, n)
					}
					n++
				}
				if n != len(want) || r.Form() != form {
					t.Errorf("%s: %d of %d objects as %s", form, n, len(want), r.Form())
				}
			}
		})
	}
}
