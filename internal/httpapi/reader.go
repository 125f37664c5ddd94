package httpapi

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed reader.html
var readerPage string

// Of the description, as people read it.
type (
	chapter struct {
		Name, Says string
		Operations []entry
	}
	entry struct {
		ID, Method, Path, Summary, Description string
		Params                                 []field
		Body                                   []field
		Answers                                []answer
	}
	field struct {
		Name, In, Type, Says string
		Required             bool
	}
	answer struct {
		Status, Type, Says string
	}
	shape struct {
		Name   string
		Fields []field
	}
)

// reader serves the description as one page without any script: nothing is fetched from anywhere.
func reader(o *huma.OpenAPI) http.HandlerFunc {
	page, err := template.New("reader").Parse(readerPage)
	if err != nil {
		panic(err) // it is embedded
	}
	var b bytes.Buffer
	if err := page.Execute(&b, struct {
		Title, Version, Says, Description string
		Chapters                          []chapter
		Shapes                            []shape
	}{o.Info.Title, o.Info.Version, o.Info.Description, descriptionPath, chapters(o), shapes(o)}); err != nil {
		panic(err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(b.Bytes()) // nobody is there to be told
	}
}

func chapters(o *huma.OpenAPI) (out []chapter) {
	for _, t := range o.Tags {
		c := chapter{Name: t.Name, Says: t.Description}
		for _, path := range sortedKeys(o.Paths) {
			for _, op := range operationsOf(o.Paths[path]) {
				if slices.Contains(op.Tags, t.Name) {
					c.Operations = append(c.Operations, entryOf(o, path, op))
				}
			}
		}
		out = append(out, c)
	}
	return out
}

func entryOf(o *huma.OpenAPI, path string, op *huma.Operation) entry {
	e := entry{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, Description: op.Description}
	for _, p := range op.Parameters {
		e.Params = append(e.Params, field{p.Name, p.In, typeOf(p.Schema), p.Description, p.Required})
	}
	if op.RequestBody != nil {
		for _, m := range op.RequestBody.Content {
			e.Body = fieldsOf(resolve(o, m.Schema))
		}
	}
	for _, status := range sortedKeys(op.Responses) {
		r := op.Responses[status]
		for _, kind := range sortedKeys(r.Content) {
			e.Answers = append(e.Answers, answer{status, kind, typeOf(r.Content[kind].Schema)})
		}
	}
	return e
}

func shapes(o *huma.OpenAPI) (out []shape) {
	all := o.Components.Schemas.Map()
	for _, name := range sortedKeys(all) {
		if f := fieldsOf(all[name]); len(f) > 0 {
			out = append(out, shape{name, f})
		}
	}
	return out
}

func fieldsOf(s *huma.Schema) (out []field) {
	if s == nil {
		return nil
	}
	for _, name := range sortedKeys(s.Properties) {
		p := s.Properties[name]
		out = append(out, field{name, "", typeOf(p), p.Description, slices.Contains(s.Required, name)})
	}
	return out
}

func resolve(o *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return o.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// typeOf is a schema in a word or two.
func typeOf(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case s.Type == huma.TypeArray:
		return "list of " + typeOf(s.Items)
	case s.Type == "":
		return "JSON"
	case len(s.Enum) > 0:
		var words []string
		for _, v := range s.Enum {
			if w, ok := v.(string); ok {
				words = append(words, w)
			}
		}
		return strings.Join(words, " | ")
	case s.ContentEncoding != "":
		return s.ContentEncoding
	}
	return s.Type
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
