package cli

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// messageFlags is all that is said, as flags.
type messageFlags struct {
	headFlags
	Thread    string   `placeholder:"ID" help:"Say it in this thread. Without it a new one is opened."`
	Agreement string   `placeholder:"ID" help:"Under this agreement. Without it: the only one in force between the parties, else the charter. In a thread it is the opener's."`
	Title     string   `placeholder:"TEXT" help:"One line on what it is about."`
	Text      string   `placeholder:"TEXT" help:"What people read; - reads the standard input."`
	Attach    []string `sep:"none" placeholder:"FILE" help:"A file to send along, of any size."`
	speaker
}

type sendCmd struct {
	messageFlags
	DryRun bool `help:"Only tell whether it may pass, and by which articles; say nothing."`
}

func (sendCmd) Help() string {
	return `What has been said stands: it is logged and signed, and cannot be taken back. --dry-run asks first. Ids may be shortened to six digits or more.
  comity send --kind assist.request --to XB --tlp AMBER --fact type=preservation --title "Logs of 12 May" --text - < request.txt
  comity send --kind assist.request --to XB --tlp AMBER --precedence flash --fact type=takedown --attach sample.bin --dry-run
  comity send --thread 3f2a1b --kind acknowledge
  comity send --thread 3f2a1b --kind postpone --fact reason=ongoing-case --fact until=+7d
  comity send --thread 3f2a1b --kind refuse --fact grounds=sovereignty,security --text "We cannot, because …"`
}

func (c *sendCmd) Run(ctx context.Context, s *session) error {
	text, err := s.text(c.Text)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		d, err := c.compose(ctx, s, n)
		if err != nil {
			return err
		}
		d.By, d.Title, d.Text = c.by(n), c.Title, text
		blobs, done, err := s.attach(c.Attach)
		if err != nil {
			return err
		}
		d.Blobs = blobs
		if c.DryRun {
			v, err := n.May(ctx, d)
			done()
			if err != nil {
				return err
			}
			return s.showVerdict(viewVerdict(v))
		}
		said, err := n.Say(ctx, d)
		done()
		if err != nil {
			return adviseDraft(err, d)
		}
		to := d.To
		if c.Thread != "" {
			to = nil
		}
		return s.showSaid(said, d.Kind, to)
	})
}

// compose makes the draft from the flags, in a thread or for a new one.
func (c *messageFlags) compose(ctx context.Context, s *session, n *node.Node) (exchange.Draft, error) {
	if c.Thread == "" {
		d, err := c.draft(ctx, s, n, nil)
		if err != nil {
			return d, err
		}
		var title string
		if d.Agreement, title, err = reliance(ctx, n, c.Agreement, d.Kind, d.To); title != "" && !s.json {
			s.note("under agreement " + d.Agreement.Short() + ", " + title)
		}
		return d, err
	}
	if c.Agreement != "" {
		return exchange.Draft{}, fault.New(fault.Usage, "DEC-5", "in a thread the agreement is the opener's: leave --agreement out")
	}
	id, err := n.FindThread(ctx, c.Thread)
	if err != nil {
		return exchange.Draft{}, err
	}
	in, _, err := n.Thread(ctx, id)
	if err != nil {
		return exchange.Draft{}, err
	}
	d, err := c.draft(ctx, s, n, &in)
	if err != nil {
		return d, err
	}
	return d, mayBeSaid(in, d.Kind)
}

// mayBeSaid tells beforehand what the thread admits, so that the officer sees what can be said instead.
func mayBeSaid(in node.ThreadView, kind statement.Kind) error {
	if kind.Desk() != in.Desk {
		return nil
	}
	var can []string
	for _, m := range in.Moves {
		if m.Kind == kind {
			return nil
		}
		can = append(can, string(m.Kind))
	}
	err := fault.New(fault.Inadmissible, "THR-6", "%s cannot be said here now: the thread is %s", kind, in.Summary.Status)
	if len(can) == 0 {
		return advise(err, "nothing can be said in it by you")
	}
	return advise(err, "what can be said: "+list(can))
}

// saidView is what was said.
type saidView struct {
	ID      statement.ID   `json:"id"`
	Thread  statement.ID   `json:"thread"`
	Kind    statement.Kind `json:"kind"`
	Index   int64          `json:"index"`
	Time    statement.Time `json:"time"`
	Verdict verdictView    `json:"verdict"`
}

func (s *session) showSaid(said exchange.Said, kind statement.Kind, to []party.Code) error {
	v := saidView{said.ID, said.Thread, kind, said.Index, said.Time, viewVerdict(said.Verdict)}
	return s.show(v, func(p *page) {
		if v.ID == v.Thread {
			p.say("Said %s; the thread is %s.", kind, p.bold(v.Thread.Short()))
		} else {
			p.say("Said %s in thread %s, as %s.", kind, v.Thread.Short(), p.bold(v.ID.Short()))
		}
		if len(to) == 0 && v.ID == v.Thread {
			p.say("It is a local record: it goes to nobody.")
			return
		}
		v.Verdict.write(p)
		p.say("It is logged as leaf %d and waits for delivery (comity outbox).", v.Index)
	})
}

// showVerdict prints a verdict, and ends with its status.
func (s *session) showVerdict(v verdictView) error {
	if err := s.show(v, v.write); err != nil {
		return err
	}
	if !v.Permitted {
		return &answered{fault.New(fault.Denied, v.Clause, "%s", v.Reason)}
	}
	return nil
}

// list joins words for a sentence.
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		out := words[0]
		for _, w := range words[1 : n-1] {
			out += ", " + w
		}
		return out + " or " + words[n-1]
	}
}
