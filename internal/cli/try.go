package cli

import (
	"context"
	"os"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

type agreementTestCmd struct {
	ID    string     `arg:"" name:"agreement" help:"The agreement's id, or a file with a document."`
	From  party.Code `placeholder:"CODE" help:"Who would say it. Without it: this node's party."`
	Body  int64      `placeholder:"BYTES" help:"Size of body and attachments."`
	Role  string     `default:"duty-officer" placeholder:"ROLE" help:"In which role it would be said."`
	At    string     `placeholder:"TIME" help:"When it would be said: 2026-12-01, 2026-12-01T10:00Z or +36h. Without it: now."`
	Today int64      `placeholder:"N" help:"How many of the kind the author has said to each recipient on that day before, for rules that count."`
	headFlags
}

func (agreementTestCmd) Help() string {
	return `It answers from the text, as both sides would, for any author and any kind; a draft in a file can be tried before anybody signs it, and an agreement at a time that is past or to
come, as its making is known now. What this party's own caveats add, 'comity send --dry-run' tells. Ends with status 4 where it may not pass.
  comity agreement test 3f2a1b --kind assist.request --to XB --tlp RED --fact type=takedown --fact purpose=recovery
  comity agreement test 3f2a1b --at 2026-03-01 --kind assist.request --to XB --tlp AMBER --fact type=analysis
  comity agreement test draft.json --from XB --to XA --kind assist.grant --tlp AMBER --fact extent=full`
}

func (c *agreementTestCmd) Run(ctx context.Context, s *session) error {
	_, err := os.Stat(c.ID)
	file := err == nil
	if file && c.From == "" {
		return fault.New(fault.Usage, "", "say who would say it: --from CODE")
	}
	if c.Today < 0 {
		return fault.New(fault.Usage, "", "--today: a number from 0")
	}
	if c.From == "" {
		if c.From, err = s.self(ctx); err != nil {
			return err
		}
	}
	h, err := c.head(s)
	if err != nil {
		return err
	}
	today := map[party.Code]int64{}
	for _, to := range c.To {
		today[to] = c.Today
	}
	var t node.Trial
	var id statement.ID
	if file {
		raw, err := readFile(c.ID, agreement.MaxDocument)
		if err != nil {
			return err
		}
		doc, err := agreement.Parse(raw)
		if err != nil {
			return err
		}
		if t, err = node.TryDraft(doc, h, today); err != nil {
			return err
		}
	} else if err := s.with(ctx, func(n *node.Node) (err error) {
		if id, err = n.FindThread(ctx, c.ID); err == nil {
			t, err = n.Try(ctx, id, h, today)
		}
		return err
	}); err != nil {
		return err
	}
	return s.showVerdict(viewTrial(t, id))
}

// viewTrial is what a text says, and whether it binds anybody.
func viewTrial(t node.Trial, id statement.ID) verdictView {
	v := verdictView{node.ViewTrial(t, id), "this text"}
	if t.Unbound == "" {
		return v
	}
	// spec: DEC-2
	if v.Permitted {
		v.Reason = "The text permits it by " + articles(v.Articles) + ". " + t.Unbound
		v.Permitted, v.Clause, v.Articles, v.Approval, v.ApprovalBy = false, "DEC-2", nil, false, nil
	} else {
		v.Nearest = append(v.Nearest, t.Unbound)
	}
	return v
}

// head makes as much of a head as a decision looks at.
func (c *agreementTestCmd) head(s *session) (*statement.Head, error) {
	rules, err := thread.NewRules(node.Desks()...)
	if err != nil {
		return nil, err
	}
	h := &statement.Head{From: c.From, To: c.To, Exercise: c.Exercise, Time: statement.TimeOf(s.now()), By: statement.By{Role: c.Role}}
	if c.At != "" {
		if h.Time, err = s.moment("--at", c.At); err != nil {
			return nil, err
		}
	}
	if h.Kind, err = statement.ParseKind(c.Kind); err != nil {
		return nil, advise(fault.New(fault.Usage, "ENC-8", "--kind: a kind is like assist.request"), "comity schema lists the kinds")
	}
	if len(c.To) == 0 {
		return nil, fault.New(fault.Usage, "", "say to whom: --to CODE")
	}
	if h.Marking, err = c.marking(s, ""); err != nil {
		return nil, err
	}
	if err := c.channel(&h.Track, &h.Precedence); err != nil {
		return nil, err
	}
	if c.Body > 0 {
		h.Body = &statement.BodyRef{Size: c.Body}
	}
	h.Facts = []byte("{}")
	spec, ok := rules.Spec(h.Kind)
	if !ok && c.Facts+list(c.Fact) != "" {
		return nil, advise(fault.New(fault.Usage, "ENC-8", "there is no kind %s here, so its facts cannot be read", h.Kind), "comity schema lists the kinds")
	}
	if ok {
		r := &factReader{spec: spec, moment: s.moment, find: statement.ParseID, lax: true}
		h.Facts, err = r.read(c.Facts, c.Fact)
	}
	return h, err
}

// channel reads track and precedence, technical and routine where nothing is given.
func (f *headFlags) channel(track *statement.Track, precedence *statement.Precedence) (err error) {
	if *track, err = oneOf("--track", f.Track, statement.Technical, statement.Diplomatic, statement.Leadership); err != nil {
		return err
	}
	if *track == "" {
		*track = statement.Technical
	}
	if *precedence, err = oneOf("--precedence", f.Precedence, statement.Precedences()...); err != nil {
		return err
	}
	if *precedence == "" {
		*precedence = statement.Routine
	}
	return nil
}
