package stix_test

import (
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/stix"
)

// FuzzObject holds the scanner against the general decoder: what one refuses as JSON the other does, and what both take they read alike.
func FuzzObject(f *testing.F) {
	f.Add(sample)
	for _, s := range []string{domainA, addrB, ` {"type":"x-a" , "id":"x-a--00000000-0000-4000-8000-000000000001","a":[1.5e+3,-0,{"b":null}],"\u0062":"\ud834\udd1e"}`,
		`{"a":"\ud834"}`, `{"a":1,"\u0061":2}`, `{"a":01}`, "{\"a\":\"\xff\"}", `{"a":[[[[[[[[[[1]]]]]]]]]]}`} {
		f.Add([]byte(s))
	}
	for _, c := range badObjects {
		f.Add([]byte(`{"type":"` + c.typ + `","spec_version":"2.1","id":"` + c.typ + `--00000000-0000-4000-8000-00000000000a"` + c.rest + `}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p := stix.Parser{Limits: stix.Limits{Size: 1 << 20, Depth: 1000, Names: 1 << 20}}
		o, err := p.Parse(text)
		var want map[string]jsontext.Value
		bad := json.Unmarshal(text, &want)
		if err == nil && bad != nil {
			t.Fatalf("taken, and it is not: %v", bad)
		}
		if err != nil {
			// A broken text is broken for both; other refusals are ours alone, and begin otherwise.
			if broken := brokenJSON(err.Error()); broken && bad == nil && want != nil {
				t.Fatalf("refused, and it is good JSON: %v", err)
			}
			return
		}
		for name, v := range o.Properties() {
			if v != string(want[name]) {
				t.Fatalf("%q is %s, should be %s", name, v, want[name])
			}
		}
		for _, d := range o.Check() {
			if d.Offset < 0 || d.Offset >= len(o.Raw) {
				t.Fatalf("%v is nowhere", d)
			}
		}
		again, err := p.Parse([]byte(o.Raw))
		if err != nil || again.Raw != o.Raw || again.ID != o.ID {
			t.Fatalf("what came out does not go in: %v", err)
		}
		o.DeterministicID()
		stix.ParseDefinition(o)
		stix.Resolve(o, nothing)
	})
}

// brokenJSON tells the scanner's complaints about JSON from those about STIX.
func brokenJSON(s string) bool {
	for _, part := range []string{"missing", "broken", "twice", "does not end", "bare control", "UTF-8", "follows"} {
		if strings.Contains(s, part) && !strings.Contains(s, "granular") {
			return true
		}
	}
	return false
}

// FuzzReader: a text read in pieces of any size gives the same items, and what was read can be written and read again.
func FuzzReader(f *testing.F) {
	for _, s := range []string{`{"type":"bundle","id":"` + bundle + `","objects":[` + domainA + `,` + addrB + `]}`, `{"more":true,"next":"x","objects":[` + domainA + `]}`, `[` + domainA + `,5,{"a":nul}]`,
		domainA + "\n{\"a\":\"\n" + addrB, `{"objects":[{}],"type":"bundle"}`, `{}`, `[`, `{"a":"\"`, "{\"a\":[}\n{\n{}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		limits := stix.Limits{Size: 4096, Depth: 50}
		whole := told(stix.NewReader(strings.NewReader(string(text)), limits))
		for name, r := range map[string]*stix.Reader{
			"halves": stix.NewReader(iotest.HalfReader(strings.NewReader(string(text))), limits), "bytes": stix.NewReader(iotest.OneByteReader(strings.NewReader(string(text))), limits),
		} {
			if got := told(r); strings.Join(got, "\n") != strings.Join(whole, "\n") {
				t.Fatalf("%s: %q, whole: %q", name, got, whole)
			}
		}
		var out strings.Builder
		w, err := stix.NewWriter(&out, stix.Bundle, bundle)
		if err != nil {
			t.Fatal(err)
		}
		var ids []stix.ID
		for it, err := range stix.NewReader(strings.NewReader(string(text)), limits).All() {
			if err != nil {
				break
			}
			if it.Object != nil {
				ids = append(ids, it.Object.ID)
				if err := w.Write(it.Object); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for it, err := range stix.NewReader(strings.NewReader(out.String()), limits).All() {
			if err != nil || it.Err != nil || n >= len(ids) || it.Object.ID != ids[n] {
				t.Fatalf("item %d: %v %v", n, err, it.Err)
			}
			n++
		}
		if n != len(ids) || !jsontext.Value(out.String()).IsValid() {
			t.Fatalf("%d of %d in %s", n, len(ids), out.String())
		}
	})
}
