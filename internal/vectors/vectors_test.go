package vectors

import (
	"bytes"
	"encoding/base64"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
)

var update = flag.Bool("update", false, "write spec/vectors instead of holding the files against today's code")

const folder = "../../spec/vectors"

// vector is one case. Input and Want have the members that the family's check reads.
type vector struct {
	Name    string   `json:"name"`
	About   string   `json:"about"`
	Clauses []string `json:"clauses"`
	Input   object   `json:"input"`
	Want    object   `json:"want"`
}

type object = map[string]any

// ok wants success; what our code finds then is written into the vector. no wants a refusal by that clause.
func ok() object              { return object{"ok": true} }
func no(clause string) object { return object{"ok": false, "clause": clause} }

// files are what goes into the folder, by name.
type files map[string][]byte

// families gives every family's vectors. Files that vectors refer to are added to f.
func families(t *testing.T, f files) map[string][]vector {
	return map[string][]vector{
		"statement": statements(t), "body": bodies(t), "letter": letters(t, f), "checkpoint": checkpoints(t), "cosignature": cosignatures(t),
		"tile": tiles(t), "inclusion": inclusions(t), "consistency": consistencies(t), "evidence": bundles(t), "receipt": receipts(t), "thread": threads(t),
		"agreement": agreements(t, f), "decision": decisions(t), "verdict": verdicts(t), "ledger": ledgers(t), "packet": packets(t, f),
	}
}

// made gives all files of the folder as today's code makes them.
func made(t *testing.T) files {
	t.Helper()
	f := files{}
	all := families(t, f)
	for family, vectors := range all {
		names := map[string]bool{}
		for i := range vectors {
			v := &vectors[i]
			if names[v.Name] || v.About == "" || len(v.Clauses) == 0 {
				t.Errorf("%s/%s: a name is given twice, or something is missing", family, v.Name)
			}
			names[v.Name] = true
			if v.Want["ok"] == true {
				got, err := check(t, family, toValue(t, v.Input), f)
				if err != nil {
					t.Errorf("%s/%s: %v", family, v.Name, err)
				}
				for name, w := range v.Want {
					if g, given := got[name]; given && !bytes.Equal(toValue(t, g), toValue(t, w)) {
						t.Errorf("%s/%s: %s is %s, want %s", family, v.Name, name, toValue(t, g), toValue(t, w))
					}
				}
				maps.Copy(v.Want, got)
			}
		}
		raw, err := json.Marshal(vectors, json.Deterministic(true), jsontext.WithIndent(" "))
		if err != nil {
			t.Fatal(err)
		}
		f[family+".json"] = append(raw, '\n')
	}
	return f
}

func toValue(t *testing.T, v any) jsontext.Value {
	t.Helper()
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestFiles holds the committed files against today's code, or writes them.
func TestFiles(t *testing.T) {
	want := made(t)
	if *update {
		for name, raw := range want {
			path := filepath.Join(folder, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, raw := range want {
		have, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || !bytes.Equal(have, raw) {
			t.Errorf("%s is not what today's code makes (%v): go test ./internal/vectors -update, and look at the difference", name, err)
		}
	}
	for _, name := range committed(t) {
		if want[name] == nil {
			t.Errorf("%s is a file that nothing makes", name)
		}
	}
}

func committed(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "README.md" {
			name, _ := filepath.Rel(folder, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestVerdicts holds our own packages to what each committed vector wants.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	f := files{}
	for _, name := range committed(t) {
		raw, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		f[name] = raw
	}
	count := 0
	for _, name := range slices.Sorted(maps.Keys(f)) {
		family, isFamily := strings.CutSuffix(name, ".json")
		if !isFamily || strings.Contains(name, "/") {
			continue
		}
		var vectors []struct {
			Name        string
			Input, Want jsontext.Value
		}
		if err := json.Unmarshal(f[name], &vectors, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, v := range vectors {
			count++
			t.Run(family+"/"+v.Name, func(t *testing.T) {
				t.Parallel()
				got, err := check(t, family, v.Input, f)
				holds(t, v.Want, got, err)
			})
		}
	}
	if count < 150 {
		t.Errorf("only %d vectors: are some lost?", count)
	}
}

// holds compares what came out with each member that is wanted.
func holds(t *testing.T, want jsontext.Value, got object, err error) {
	t.Helper()
	found := maps.Clone(got)
	if found == nil {
		found = object{}
	}
	found["ok"] = err == nil
	if err != nil {
		found["clause"] = fault.ClauseOf(err)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(want, &members); err != nil {
		t.Fatal(err)
	}
	for name, w := range members {
		g := toValue(t, found[name])
		if w.Canonicalize() != nil || g.Canonicalize() != nil || !bytes.Equal(w, g) {
			t.Errorf("%s: %s, want %s (%v)", name, g, w, err)
		}
	}
}

// TestOtherImplementation lets a verifier that was written from the clauses alone run the vectors.
func TestOtherImplementation(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("NOT RUN: there is no python3 here, so nobody but our own code has judged the vectors (./test provides it)")
	}
	out, err := exec.CommandContext(t.Context(), python, "../../spec/verify.py", "vectors", folder).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		for _, l := range lines {
			if !strings.HasPrefix(l, "ok ") {
				t.Log(l)
			}
		}
		t.Fatal(err)
	}
	for _, l := range lines {
		if strings.HasPrefix(l, "skipped") {
			t.Log(l)
		}
	}
	t.Log(lines[len(lines)-1])
}

// text is a string of a vector: as it is, in base64, in pieces repeated by rule, or a file of the folder.
type text []byte

func readText(t *testing.T, raw jsontext.Value, f files) text {
	t.Helper()
	if raw.Kind() == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		return text(s)
	}
	var v struct {
		Base64 string              `json:"base64"`
		File   string              `json:"file"`
		Repeat [][2]jsontext.Value `json:"repeat"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	switch {
	case v.Base64 != "":
		b, err := base64.StdEncoding.DecodeString(v.Base64)
		if err != nil {
			t.Fatal(err)
		}
		return b
	case v.File != "":
		b, have := f[v.File]
		if !have {
			t.Fatalf("there is no %s", v.File)
		}
		return b
	}
	var out []byte
	for _, r := range v.Repeat {
		var s string
		var n int
		if err := json.Unmarshal(r[0], &s); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(r[1], &n); err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Repeat(s, n)...)
	}
	return out
}

// The forms that readText reads.
func inBase64(b []byte) object     { return object{"base64": base64.StdEncoding.EncodeToString(b)} }
func inFile(name string) object    { return object{"file": name} }
func repeated(parts ...any) object { return object{"repeat": pairs(parts)} }
func pairs(parts []any) (out [][]any) {
	for i := 0; i < len(parts); i += 2 {
		out = append(out, parts[i:i+2])
	}
	return out
}
