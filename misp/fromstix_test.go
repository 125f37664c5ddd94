package misp_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

func TestRealEventsComeBack(t *testing.T) {
	t.Parallel()
	for name, b := range eset(t) {
		e, lost, err := misp.FromSTIX(misp.Frame{}, mapped(t, name, b, nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := meaning(t, out), meaning(t, b); !reflect.DeepEqual(got, want) {
			g, w := got.(map[string]any), want.(map[string]any)
			for k := range w {
				if !reflect.DeepEqual(g[k], w[k]) {
					t.Errorf("%s: %s: %.300v\nwant %.300v", name, k, g[k], w[k])
				}
			}
		}
		if len(lost) > 0 {
			t.Errorf("%s: lost %v", name, lost)
		}
	}
}

// replaced is an object with one text in place of another.
func replaced(t testing.TB, o *stix.Object, old, now string) *stix.Object {
	t.Helper()
	if !strings.Contains(o.Raw, old) {
		t.Fatalf("%s is not in %s", old, o.Raw)
	}
	again, err := stix.Parse([]byte(strings.Replace(o.Raw, old, now, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return again
}
