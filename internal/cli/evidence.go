package cli

import (
	"context"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

type evidenceCmd struct {
	Export evidenceExportCmd `cmd:"" help:"Gather what proves a statement to a third party."`
	Verify evidenceVerifyCmd `cmd:"" help:"Verify evidence offline."`
}

type evidenceExportCmd struct {
	ID          string `arg:"" name:"id" help:"The statement; the first six digits of its id or more."`
	WithoutBody bool   `help:"Leave out what it says: that it was said, by whom, when and under what stays proven."`
	To          string `placeholder:"CODE" help:"The party that it is for. Without it: somebody who is no party."`
	Proceedings bool   `help:"It is to serve in judicial proceedings: the agreement may say whether it can."`
	Output      string `required:"" short:"o" placeholder:"FILE" help:"Where to; - is the standard output."`
}

func (evidenceExportCmd) Help() string {
	return `What another party has said goes to a third with its text only where its marking and agreement let it be passed on; without the text it goes to anybody.
Everything comes from this node's own store, whoever the author is. Attachments are not part of it; their digests are.
  comity evidence export 3f2a1b -o request.evidence
  comity evidence export 3f2a1b --without-body -o request.evidence`
}

func (c *evidenceExportCmd) Run(ctx context.Context, s *session) error {
	if c.To != "" {
		if _, err := party.ParseCode(c.To); err != nil {
			return fault.New(fault.Usage, "ENC-6", "--to: a party code is like XA or XA.cert")
		}
	}
	return s.with(ctx, func(n *node.Node) error {
		id, err := n.Find(ctx, c.ID)
		if err != nil {
			return err
		}
		if !c.WithoutBody {
			if err := n.MayShow(ctx, id, party.Code(c.To), c.Proceedings); err != nil {
				return advise(err, "comity evidence export --without-body proves that it was said, and shows nothing of it")
			}
		}
		b, err := n.Evidence(ctx, id, !c.WithoutBody)
		if err != nil {
			return err
		}
		raw, err := b.Marshal()
		if err != nil {
			return err
		}
		if c.Output == "-" {
			return s.print(raw)
		}
		if err := writeFile(c.Output, false, writing(raw)); err != nil {
			return advise(err, "-o names another file")
		}
		return s.show(struct {
			ID       statement.ID `json:"id"`
			File     string       `json:"file"`
			Items    int          `json:"items"`
			Letters  int          `json:"letters"`
			Cosigned bool         `json:"cosigned"` // the statement's log, with the statement in it, by somebody
		}{id, c.Output, len(b.Items), len(b.Letters), cosigned(b)}, func(p *page) {
			p.say("Evidence of %s is in %s: %s, %s.", id.Short(), c.Output, plural(len(b.Items), "statement", "statements"), plural(len(b.Letters), "letter", "letters"))
			if !cosigned(b) {
				p.say("Nobody's cosignature is here yet: it is stronger once a peer has cosigned the log.")
			}
			p.say("Whoever gets it: comity evidence verify %s", c.Output)
		})
	})
}

func cosigned(b *evidence.Bundle) bool { return len(b.Items) > 0 && len(b.Items[0].Cosigned) > 0 }
