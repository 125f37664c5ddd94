package cli

import (
	"reflect"

	"github.com/invopop/jsonschema"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

type schemaCmd struct {
	Kind string `arg:"" optional:"" help:"Show the facts of this kind. Without it all kinds are listed."`
}

func (schemaCmd) Help() string {
	return `  comity schema
  comity schema assist.request`
}

// kindView is a kind as lists show it.
type kindView struct {
	Kind  statement.Kind `json:"kind"`
	Opens bool           `json:"opens"` // may open a thread
	Means string         `json:"means"`
}

func (c *schemaCmd) Run(s *session) error {
	rules, err := thread.NewRules(node.Desks()...)
	if err != nil {
		return err
	}
	if c.Kind == "" {
		kinds := []kindView{}
		for _, k := range rules.Specs() {
			kinds = append(kinds, kindView{k.Kind, k.Opens, k.Means})
		}
		return s.show(kinds, func(p *page) {
			t := newTable("kind", "opens", "what it means")
			for _, k := range kinds {
				opens := ""
				if k.Opens {
					opens = "a thread"
				}
				t.add(string(k.Kind), opens, k.Means)
			}
			p.table(t)
		})
	}
	spec, ok := rules.Spec(statement.Kind(c.Kind))
	if !ok {
		return advise(fault.New(fault.NotFound, "ENC-8", "there is no kind %s", line(c.Kind)), "comity schema lists the kinds")
	}
	s.json = true // the schema is JSON for people too
	return s.show(factsSchema(spec), nil)
}

// factsSchema derives the JSON Schema of a kind's facts from their Go type.
func factsSchema(spec thread.KindSpec) *jsonschema.Schema {
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
	return schema
}
