package cli

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
)

type eraseCmd struct {
	IDs []string `arg:"" optional:"" name:"id" help:"Statements, own or received; the first six digits or more of each."`
	Due bool     `help:"Erase what is due by its date instead, as a served node does by itself."`
	speaker
}

func (eraseCmd) Help() string {
	return `The text and attachments are destroyed here, for good, and the thread is told so; heads, proofs and receipts stay. Nobody else erases anything for it: comity recall asks them to.
  comity erase 3f2a1b
  comity erase --due`
}

func (c *eraseCmd) Run(ctx context.Context, s *session) error {
	if c.Due == (len(c.IDs) > 0) {
		return fault.New(fault.Usage, "", "name the statements to erase, or say --due, one of the two")
	}
	return s.with(ctx, func(n *node.Node) error {
		if c.Due {
			t, err := n.Tend(ctx)
			if err != nil {
				return err
			}
			return s.show(t, func(p *page) {
				p.say("Erased the contents of %s on their date.", plural(t.Retention, "statement", "statements"))
				if t.Recalled > 0 {
					p.say("Erased the contents of %s for recalls, and said so.", plural(t.Recalled, "statement", "statements"))
				}
			})
		}
		ids, err := findAll(ctx, n, c.IDs)
		if err != nil {
			return err
		}
		said, err := n.Erase(ctx, ids, c.by(n))
		if err != nil {
			return err
		}
		return s.show(said, func(p *page) {
			p.say("Erased the contents of %s, and told %s so.", plural(len(ids), "statement", "statements"), plural(len(said), "thread", "threads"))
		})
	})
}
