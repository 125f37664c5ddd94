package demo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/comity-exchange/comity/agreement"
)

func TestAgreements(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"assistance": assistanceText, "cooperation": cooperationText, "intelligence": intelligenceText} {
		d, err := agreement.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := agreement.Compile(d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, c := range d.Parties {
			if len(c) != 2 || c[0] != 'X' {
				t.Errorf("%s: %s is not one of the codes that ISO 3166 leaves to users", name, c)
			}
		}
	}
}

// bundled is the embedded bundle, as plain JSON.
func bundled(t *testing.T) (bundle map[string]any, objects []map[string]any) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(bundleText))
	if err != nil {
		t.Fatal(err)
	}
	bundle = v.(map[string]any)
	for _, o := range bundle["objects"].([]any) {
		objects = append(objects, o.(map[string]any))
	}
	if len(objects) == 0 {
		t.Fatal("the bundle is empty")
	}
	return bundle, objects
}

// Whoever reads the bundle must be able to look each claim up.
func TestBundleNamesItsSources(t *testing.T) {
	t.Parallel()
	_, objects := bundled(t)
	ids := map[string]bool{}
	for _, o := range objects {
		id := o["id"].(string)
		if ids[id] {
			t.Errorf("%s is there twice", id)
		}
		ids[id] = true
		refs, _ := o["external_references"].([]any)
		if len(refs) == 0 {
			t.Errorf("%s names no source", id)
		}
		for _, r := range refs {
			ref := r.(map[string]any)
			url, _ := ref["url"].(string)
			if name, _ := ref["source_name"].(string); name == "" || !strings.HasPrefix(url, "https://") {
				t.Errorf("%s has a source without name or address", id)
			}
			if x, ok := ref["external_id"].(string); ok && !strings.HasSuffix(url, "/"+x) {
				t.Errorf("%s: the address %s is not that of %s", id, url, x)
			}
		}
		if o["type"] == "indicator" {
			t.Errorf("%s: an indicator would have to be in the source that is cited", id)
		}
	}
	for _, o := range objects {
		for _, member := range []string{"source_ref", "target_ref"} {
			if ref, ok := o[member].(string); ok && !ids[ref] {
				t.Errorf("%s: %s leads nowhere", o["id"], member)
			}
		}
		refs, _ := o["object_refs"].([]any)
		for _, ref := range refs {
			if !ids[ref.(string)] {
				t.Errorf("%s refers to %s, which is not there", o["id"], ref)
			}
		}
	}
}

// schemas reads the OASIS schemas, which stand beside the project, under the addresses that they give themselves.
func schemas(t *testing.T) (*jsonschema.Compiler, map[string]string) {
	t.Helper()
	const root = "../../../shared/data/stix/oasis-schemas"
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Skip("SKIPPED: the OASIS schemas for STIX 2.1 are not beside the project")
	}
	c := jsonschema.NewCompiler()
	at := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		v, err := jsonschema.UnmarshalJSON(f)
		if err != nil {
			return err
		}
		id := v.(map[string]any)["$id"].(string)
		at[strings.TrimSuffix(filepath.Base(path), ".json")] = id
		return c.AddResource(id, v)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, at
}

func TestBundleFitsSchemas(t *testing.T) {
	t.Parallel()
	c, at := schemas(t)
	bundle, objects := bundled(t)
	hold := func(kind string, v any) error {
		id, ok := at[kind]
		if !ok {
			return errors.New("there is no schema for " + kind)
		}
		s, err := c.Compile(id)
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(v)
	}
	if err := hold("bundle", bundle); err != nil {
		t.Error(err)
	}
	for _, o := range objects {
		if err := hold(o["type"].(string), o); err != nil {
			t.Error(err)
		}
	}
	delete(objects[0], "created")
	if hold(objects[0]["type"].(string), objects[0]) == nil {
		t.Error("an object without its time of creation fits too")
	}
}
