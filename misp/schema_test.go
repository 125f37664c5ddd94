package misp_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/comity-exchange/comity/stix"
)

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
