package cli

import (
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/form"
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
	return s.show(form.Schema(spec), nil)
}
