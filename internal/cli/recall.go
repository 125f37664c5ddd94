package cli

import (
	"context"
	"strings"
	"time"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

type recallCmd struct {
	Ask     recallAskCmd     `cmd:"" default:"withargs" help:"Ask everybody who got statements of yours to erase what they said."`
	List    recallListCmd    `cmd:"" help:"List recalls, yours and others', and who has not answered."`
	Show    recallShowCmd    `cmd:"" help:"Show who has confirmed a recall, by which receipt, and who has not."`
	Confirm recallConfirmCmd `cmd:"" help:"Erase what another party recalls, and say so."`
	Keep    recallKeepCmd    `cmd:"" help:"Say that something that is recalled is kept, and why."`
}

type recallAskCmd struct {
	IDs        []string      `arg:"" name:"id" help:"Statements of this party; the first six digits or more of each."`
	Reason     recall.Reason `required:"" placeholder:"WORD" help:"Why: sent-in-error, wrong-recipient, incorrect, personal-data, source-protection, no-longer-needed, or other with --text."`
	Text       string        `placeholder:"TEXT" help:"What else is to be said; - reads the standard input."`
	Within     time.Duration `default:"72h" placeholder:"SPAN" help:"How soon an answer is asked for, like 24h; 0s: by no time."`
	Precedence string        `default:"immediate" placeholder:"WORD" help:"How fast: flash, immediate, priority or routine."`
	EraseOwn   bool          `help:"Erase it here too: who has not got it yet never will."`
	speaker
}

func (recallAskCmd) Help() string {
	return `A recall asks; it compels nobody, and what was read stays read. Statements that went to different parties are recalled apart.
  comity recall ask 3f2a1b --reason incorrect --within 24h
  comity recall 3f2a1b --reason wrong-recipient --erase-own
  comity recall 3f2a1b 77c0de --reason other --text "The source asks for it."`
}

func (c *recallAskCmd) Run(ctx context.Context, s *session) error {
	text, err := s.text(c.Text)
	if err != nil {
		return err
	}
	precedence, err := oneOf("--precedence", c.Precedence, statement.Precedences()...)
	if err != nil {
		return err
	}
	if _, err := oneOf("--reason", string(c.Reason), recall.Reasons()...); err != nil {
		return err
	}
	if c.Within < 0 || c.Within > recall.MaxWithin*time.Second || c.Within%time.Second != 0 {
		return fault.New(fault.Usage, "RCL-2", "--within: whole seconds, up to a year (8760h)")
	}
	return s.with(ctx, func(n *node.Node) error {
		ids, err := findAll(ctx, n, c.IDs)
		if err != nil {
			return err
		}
		out, err := n.Recall(ctx, node.Recalling{
			IDs: ids, Reason: c.Reason, Text: text, Within: c.Within, Precedence: precedence, By: c.by(n), EraseOwn: c.EraseOwn,
		})
		if err != nil {
			if len(out) > 0 {
				s.note(plural(len(out), "recall was said", "recalls were said") + " before this one failed: comity recall list")
			}
			return err
		}
		views := make([]recalledView, len(out))
		for i, r := range out {
			views[i] = recalledView{r.Thread, r.Index, r.Time, r.To, r.Of}
		}
		return s.show(views, func(p *page) {
			for _, r := range out {
				p.say("Recalled %s from %s; the recall is %s.", plural(len(r.Of), "statement", "statements"), codes(r.To), p.bold(r.Thread.Short()))
			}
			p.say("It waits for delivery (comity outbox); comity recall list shows who has answered.")
		})
	})
}

// recalledView is a recall that was said.
type recalledView struct {
	Recall thread.ID      `json:"recall"`
	Index  int64          `json:"index"`
	Time   statement.Time `json:"time"`
	To     []party.Code   `json:"to"`
	Of     []statement.ID `json:"of"`
}

func findAll(ctx context.Context, n *node.Node, prefixes []string) ([]statement.ID, error) {
	ids := make([]statement.ID, len(prefixes))
	for i, p := range prefixes {
		var err error
		if ids[i], err = n.Find(ctx, p); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

type recallListCmd struct {
	Open bool `help:"Only those that somebody has not answered for."`
}

func (recallListCmd) Help() string {
	return `  comity recall list --open`
}

func (c *recallListCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		all, err := n.Recalls(ctx)
		if err != nil {
			return err
		}
		shown := []node.RecallView{}
		for _, v := range all {
			if !c.Open || v.Pending() > 0 {
				shown = append(shown, v)
			}
		}
		return s.show(shown, func(p *page) {
			if len(shown) == 0 {
				p.say("No recall.")
				return
			}
			t := newTable("recall", "by", "reason", ">statements", ">erased", ">kept", ">waiting", "asked", "")
			for _, v := range shown {
				count := map[recall.Outcome]int{}
				named := map[statement.ID]bool{}
				for _, l := range v.Lines {
					count[l.Outcome]++
					named[l.Statement] = true
				}
				late := ""
				if v.Overdue() {
					late = "OVERDUE"
				}
				t.addAlert(v.Overdue(), v.ID.Short(), string(v.By), string(v.Reason), number(len(named)), number(count[recall.Erased]), number(count[recall.Kept]),
					number(count[recall.Pending]), when(v.Asked), late)
			}
			p.table(t)
		})
	})
}

type recallShowCmd struct {
	ID string `arg:"" name:"id" help:"The recall, or any statement of its thread."`
}

func (recallShowCmd) Help() string {
	return `A confirmation is the other side's word, under its signature: comity evidence export proves that it was given.
  comity recall show 9a41c7`
}

func (c *recallShowCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		id, err := n.FindThread(ctx, c.ID)
		if err != nil {
			return err
		}
		v, err := n.RecallOf(ctx, id)
		if err != nil {
			return err
		}
		return s.show(v, func(p *page) { writeRecall(p, v) })
	})
}

func writeRecall(p *page, v node.RecallView) {
	p.say("%s  %s recalls, %s: %s", p.bold(v.ID.Short()), v.By, when(v.Asked), v.Reason)
	if v.Text != "" {
		for l := range strings.SplitSeq(prose(v.Text), "\n") {
			p.say("    %s", l)
		}
	}
	p.gap()
	t := newTable("party", "statement", "answer", "at", "receipt", "due")
	for _, l := range v.Lines {
		answer, receipt, due := string(l.Outcome), "", ""
		switch {
		case l.Outcome == recall.Kept:
			answer = "kept: " + string(l.Ground)
		case l.Outcome != recall.Pending:
		case l.Overdue:
			answer = "OVERDUE"
		case l.Arrived.IsZero():
			answer = "no receipt of the recall yet"
		default:
			answer = "not yet"
		}
		if !l.Receipt.IsZero() {
			receipt = l.Receipt.Short()
		}
		if l.Outcome == recall.Pending && !l.Due.IsZero() {
			due = p.due(l.Due)
		}
		t.addAlert(l.Overdue, string(l.Party), l.Statement.Short(), answer, when(l.At), receipt, due)
	}
	p.table(t)
	if len(v.PassedOn) == 0 {
		return
	}
	p.gap()
	for _, o := range v.PassedOn {
		p.say("%s", p.warn("An attachment of "+o.Of.Short()+" went on with your "+o.Statement.Short()+" to "+codes(o.To)+": recall that too."))
	}
}

type recallConfirmCmd struct {
	ID   string `arg:"" name:"id" help:"The recall."`
	Kept bool   `help:"Also what this party has said that it keeps."`
	speaker
}

func (recallConfirmCmd) Help() string {
	return `The text and attachments are destroyed here, for good; heads, proofs and receipts stay. The recall's author is told under this party's signature. What was kept stays kept without --kept.
  comity recall confirm 9a41c7
  comity recall confirm 9a41c7 --kept`
}

func (c *recallConfirmCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		id, err := n.FindThread(ctx, c.ID)
		if err != nil {
			return err
		}
		ids, err := n.ConfirmRecall(ctx, id, c.Kept, c.by(n))
		if err != nil {
			return err
		}
		return s.show(struct {
			Recall thread.ID      `json:"recall"`
			Erased []statement.ID `json:"erased"`
		}{id, ids}, func(p *page) {
			p.say("Erased the contents of %s, and said so.", plural(len(ids), "statement", "statements"))
			p.say("Copies in older backups, in printouts and in people's heads are yours to see to.")
		})
	})
}

type recallKeepCmd struct {
	ID     string        `arg:"" name:"id" help:"The recall."`
	Only   []string      `placeholder:"ID" help:"Only these of its statements. Without it: all that were not answered for."`
	Ground recall.Ground `required:"" placeholder:"WORD" help:"Why: legal-duty, proceedings, in-use, record, not-author, or other with --text."`
	Text   string        `placeholder:"TEXT" help:"What else is to be said; - reads the standard input."`
	speaker
}

func (recallKeepCmd) Help() string {
	return `What is kept can still be erased later: comity recall confirm ID --kept.
  comity recall keep 9a41c7 --ground proceedings --text "Case 12/2026; until it is closed."`
}

func (c *recallKeepCmd) Run(ctx context.Context, s *session) error {
	text, err := s.text(c.Text)
	if err != nil {
		return err
	}
	if _, err := oneOf("--ground", string(c.Ground), recall.Grounds()...); err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		id, err := n.FindThread(ctx, c.ID)
		if err != nil {
			return err
		}
		ids, err := findAll(ctx, n, c.Only)
		if err != nil {
			return err
		}
		said, err := n.KeepRecalled(ctx, id, ids, c.Ground, text, c.by(n))
		if err != nil {
			return err
		}
		return s.showSaid(said, recall.KindKeep, nil)
	})
}
