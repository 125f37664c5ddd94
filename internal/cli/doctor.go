package cli

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
)

type doctorCmd struct{}

func (doctorCmd) Help() string {
	return `It changes nothing and ends with status 1 when something is bad. It looks even where the store is behind its high-water mark.
  comity doctor
  comity doctor --json`
}

func (c *doctorCmd) Run(ctx context.Context, s *session) error {
	err := s.opened(ctx, node.Options{Behind: true}, func(n *node.Node) error {
		stop := s.working("looking")
		found, err := n.Doctor(ctx)
		stop()
		if err != nil {
			return err
		}
		return s.showFindings(found)
	})
	if found := node.WithoutStore(s.dir, s.env, err); found != nil && !s.printed {
		return s.showFindings(found)
	}
	return err
}

func (s *session) showFindings(found []node.Finding) error {
	bad := false
	for _, f := range found {
		bad = bad || f.Health == node.Bad
	}
	err := s.show(struct {
		Healthy  bool           `json:"healthy"`
		Findings []node.Finding `json:"findings"`
	}{!bad, found}, func(p *page) {
		t := newTable("health", "check", "says")
		for _, f := range found {
			t.addAlert(f.Health == node.Bad, string(f.Health), f.Check, line(f.Says))
			if f.Do != "" {
				t.add("", "", "→ "+line(f.Do))
			}
		}
		p.table(t)
	})
	if err == nil && bad {
		err = &answered{fault.New(fault.Failed, "", "something is bad")}
	}
	return err
}
