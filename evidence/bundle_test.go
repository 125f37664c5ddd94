package evidence_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/proof"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/translog"
)

// spec: EVD-1, EVD-2
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for name, b := range map[string]*evidence.Bundle{
		"story":   embed(s.bundle, s.letters()...),
		"nothing": {},
	} {
		raw, err := b.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(raw, []byte("\n")) != 1 || !bytes.HasSuffix(raw, []byte("}\n")) {
			t.Errorf("%s: not one line", name)
		}
		for _, text := range [][]byte{raw, bytes.TrimSuffix(raw, []byte("\n"))} {
			if got, err := evidence.Parse(text); err != nil || !reflect.DeepEqual(got, b) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := evidence.Parse(append(raw, '\n')); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%s: two line feeds: %v", name, err)
		}
	}
}

// Other programs read an item's proof.
//
// spec: EVD-2
func TestProofText(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	want := s.bundle.Items[0].Proof
	var p proof.TLogProof
	if err := p.Unmarshal(want.Text()); err != nil || p.Index != uint64(s.index) || len(p.Hashes) != len(want.Path) || !bytes.Equal(p.Checkpoint, want.Checkpoint) {
		t.Errorf("%+v, %v", p, err)
	}
	got, err := evidence.ParseProof(want.Text())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v", err)
	}
	text := string(want.Text())
	hash := translog.Hash{}.String() + "\n"
	for name, bad := range map[string]string{
		"empty":           "",
		"another header":  strings.Replace(text, "@v1", "@v2", 1),
		"extra data":      strings.Replace(text, "\nindex", "\nextra AAAA\nindex", 1),
		"no index":        strings.Replace(text, "index 5\n", "", 1),
		"leading zero":    strings.Replace(text, "index 5", "index 05", 1),
		"negative":        strings.Replace(text, "index 5", "index -5", 1),
		"too large":       strings.Replace(text, "index 5", "index 1099511627776", 1),
		"carriage return": strings.Replace(text, "index 5\n", "index 5\r\n", 1),
		"cut hash":        strings.Replace(text, "=\n", "\n", 1),
		"41 hashes":       strings.Replace(text, "index 5\n", "index 5\n"+strings.Repeat(hash, 41), 1),
		"no line feed":    strings.TrimSuffix(text, "\n"),
	} {
		if _, err := evidence.ParseProof([]byte(bad)); fault.CodeOf(err) != fault.Malformed && fault.CodeOf(err) != fault.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// spec: EVD-1, EVD-2, ENC-1, ENC-2
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	proofText := strings.ReplaceAll(string(s.bundle.Items[0].Proof.Text()), "\n", `\n`)
	item := func(members string) string {
		return `{"v":1,"items":[{"head":"{}","proof":"` + proofText + `"` + members + `}],"letters":[]}`
	}
	if _, err := evidence.Parse([]byte(item(`,"body":"{}","consistency":[{"from":1,"to":2,"hashes":[]}],"cosigned":"x"`))); err != nil {
		t.Fatalf("the form itself: %v", err)
	}
	hash := `"` + translog.Hash{}.String() + `",`
	many := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s, n), ",") }
	for name, c := range map[string]struct {
		text string
		code fault.Code
	}{
		"empty":              {"", fault.Malformed},
		"array":              {"[]", fault.Malformed},
		"no version":         {`{"items":[],"letters":[]}`, fault.Malformed},
		"version 2":          {`{"v":2,"items":[],"letters":[]}`, fault.Malformed},
		"no items":           {`{"v":1,"letters":[]}`, fault.Malformed},
		"no letters":         {`{"v":1,"items":[]}`, fault.Malformed},
		"null letters":       {`{"v":1,"items":[],"letters":null}`, fault.Malformed},
		"unknown member":     {`{"v":1,"items":[],"letters":[],"x":1}`, fault.Malformed},
		"twice":              {`{"v":1,"v":1,"items":[],"letters":[]}`, fault.Malformed},
		"space":              {`{"v": 1,"items":[],"letters":[]}`, fault.Malformed},
		"in items":           {item(`,"x":1`), fault.Malformed},
		"no head":            {`{"v":1,"items":[{"proof":"` + proofText + `"}],"letters":[]}`, fault.Malformed},
		"no proof":           {`{"v":1,"items":[{"head":"{}"}],"letters":[]}`, fault.Malformed},
		"not a proof":        {`{"v":1,"items":[{"head":"{}","proof":"x"}],"letters":[]}`, fault.Malformed},
		"steps to nowhere":   {item(`,"consistency":[{"from":1,"to":2,"hashes":[]}]`), fault.Malformed},
		"a hash that is not": {item(`,"consistency":[{"from":1,"to":2,"hashes":["x"]}],"cosigned":"x"`), fault.Malformed},
		"42 hashes":          {item(`,"consistency":[{"from":1,"to":2,"hashes":[` + many(42, hash) + `]}],"cosigned":"x"`), fault.TooLarge},
		"65 steps":           {item(`,"consistency":[` + many(65, `{"from":1,"to":2,"hashes":[]},`) + `],"cosigned":"x"`), fault.TooLarge},
		"too many letters":   {`{"v":1,"items":[],"letters":[` + many(evidence.MaxLetters+1, `"",`) + `]}`, fault.TooLarge},
		"too many items":     {`{"v":1,"items":[` + many(evidence.MaxItems+1, `{"head":"","proof":""},`) + `],"letters":[]}`, fault.TooLarge},
		"too many bytes":     {`{"v":1,"items":[],"letters":["` + strings.Repeat("x", evidence.MaxBytes) + `"]}`, fault.TooLarge},
	} {
		if _, err := evidence.Parse([]byte(c.text)); fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}

// What cannot be read back is not written.
func TestMarshalRefuses(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	ok := s.bundle.Items[0]
	for name, change := range map[string]func(*evidence.Item){
		"no head":          func(i *evidence.Item) { i.Head = nil },
		"head not in UTF8": func(i *evidence.Item) { i.Head = []byte{0xff} },
		"no checkpoint":    func(i *evidence.Item) { i.Proof.Checkpoint = []byte("cut off") },
		"negative index":   func(i *evidence.Item) { i.Proof.Index = -1 },
		"steps to nowhere": func(i *evidence.Item) { i.Cosigned = nil },
	} {
		item := ok
		change(&item)
		_, err := (&evidence.Bundle{Items: []evidence.Item{item}}).Marshal()
		if fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}
