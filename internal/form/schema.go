package form

import (
	"reflect"

	"github.com/invopop/jsonschema"

	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Schema derives the JSON Schema of a kind's facts from their Go type.
func Schema(spec thread.KindSpec) *jsonschema.Schema {
	r := jsonschema.Reflector{Anonymous: true, DoNotReference: true, Mapper: func(t reflect.Type) *jsonschema.Schema {
		switch t {
		case reflect.TypeFor[statement.ID](), reflect.TypeFor[statement.Digest]():
			return &jsonschema.Schema{Type: "string", Pattern: "^[0-9a-f]{64}$"}
		case reflect.TypeFor[statement.Time]():
			return &jsonschema.Schema{Type: "string", Pattern: `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`}
		}
		return nil
	}}
	facts := spec.Facts
	if facts == nil {
		facts = struct{}{}
	}
	schema := r.Reflect(facts)
	schema.Title, schema.Description = string(spec.Kind), spec.Means
	for _, f := range Fields(spec) { // what a form offers is what a program may send
		if f.Shape != Choice || len(f.Options) == 0 {
			continue
		}
		if member, ok := schema.Properties.Get(f.Name); ok {
			member.Enum = nil
			for _, o := range f.Options {
				member.Enum = append(member.Enum, o)
			}
		}
	}
	return schema
}
