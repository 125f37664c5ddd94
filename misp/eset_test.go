package misp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/misp"
)

// eset gives real events by file name.
func eset(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "data", "misp", "eset", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("SKIPPED: the shared data is not here")
	}
	all := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = b
	}
	return all
}

// meaning is JSON without what says nothing: null, empty texts and lists, false; numbers and flags as texts.
func meaning(t testing.TB, b []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for {
		m, ok := v.(map[string]any)
		if !ok {
			break
		}
		if r, ok := m["response"].([]any); ok && len(r) == 1 {
			v = r[0]
		} else if e, ok := m["Event"]; ok {
			v = e
		} else {
			break
		}
	}
	return plain(v)
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, x := range v {
			if p := plain(x); p != nil {
				out[name] = p
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		var out []any
		for _, x := range v {
			out = append(out, plain(x))
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case nil:
		return nil
	case string:
		if v == "" {
			return nil
		}
		return v
	case bool:
		if !v {
			return nil
		}
		return "true"
	}
	return fmt.Sprintf("%.10g", v)
}

func TestEventKeepsItsMeaning(t *testing.T) {
	t.Parallel()
	for name, b := range eset(t) {
		e, err := misp.ParseEvent(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := e.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := meaning(t, out), meaning(t, b); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: what came out means something else", name)
		}
	}
}
