package cli

import (
	"context"

	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
)

type processesCmd struct {
	List   processesListCmd   `cmd:"" help:"List them."`
	Forget processesForgetCmd `cmd:"" help:"Take one off the list whose folder is gone for good."`
}

type processesListCmd struct{}

func (processesListCmd) Help() string {
	return `Each has a folder of its own, with a high-water mark. When the database goes over to another server, nothing is signed until each of them has held its mark against it.
  comity processes list`
}

func (c *processesListCmd) Run(ctx context.Context, s *session) error {
	return s.opened(ctx, node.Options{Behind: true}, func(n *node.Node) error {
		all, err := n.Sharing(ctx)
		if err != nil {
			return err
		}
		return s.show(all, func(p *page) {
			if len(all) == 0 {
				p.say("The node's memory is a file: no other process shares it.")
				return
			}
			t := newTable("process", ">mark", "state", "seen")
			for _, v := range all {
				here := ""
				if v.Here {
					here = " (here)"
				}
				t.addAlert(v.State == "ahead", line(v.Name)+here, number(v.Mark), v.State, when(v.Seen))
			}
			p.table(t)
		})
	})
}

type processesForgetCmd struct {
	Name    string       `arg:"" placeholder:"NAME" help:"As comity processes list shows it."`
	Without []party.Code `placeholder:"CODE" help:"A peer that cannot be asked, and is gone without."`
}

func (processesForgetCmd) Help() string {
	return `Only for a folder that will never be used again. If it has not looked at the database as it is now, the peers are asked first: what has left it, only they know then.
  comity processes forget xa2.example:/var/lib/comity`
}

func (c *processesForgetCmd) Run(ctx context.Context, s *session) error {
	return s.opened(ctx, node.Options{Behind: true}, func(n *node.Node) error {
		if err := n.Forget(ctx, c.Name, c.Without); err != nil {
			return err
		}
		all, err := n.Sharing(ctx)
		if err != nil {
			return err
		}
		return s.show(all, func(p *page) {
			p.say("%s is forgotten: %s left.", line(c.Name), plural(len(all), "process is", "processes are"))
		})
	})
}
