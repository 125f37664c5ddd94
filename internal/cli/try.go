package cli

import (
	"context"
	"os"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

type agreementTestCmd struct {
	ID   string     `arg:"" name:"agreement" help:"The agreement's id, or a file with a document."`
	From party.Code `placeholder:"CODE" help:"Who would say it. Without it: this node's party."`
	Body int64      `placeholder:"BYTES" help:"Size of body and attachments."`
	Role string     `default:"duty-officer" placeholder:"ROLE" help:"In which role it would be said."`
	headFlags
}

func (agreementTestCmd) Help() string {
	return `It answers from the text, as both sides would, for any author and any kind; a draft in a file can be tried before anybody signs it. What this party's own caveats add,
'comity send --dry-run' tells. Ends with status 4 where it may not pass.
  comity agreement test 3f2a1b --kind assist.request --to XB --tlp RED --fact type=takedown --fact purpose=recovery
  comity agreement test draft.json --from XB --to XA --kind assist.grant --tlp AMBER --fact extent=full`
}

func (c *agreementTestCmd) Run(ctx context.Context, s *session) error {
	if _, err := os.Stat(c.ID); err == nil && c.From == "" {
		return fault.New(fault.Usage, "", "say who would say it: --from CODE")
	}
	doc, deposited, err := s.document(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.From == "" {
		if c.From, err = s.self(ctx); err != nil {
			return err
		}
	}
	policy, err := agreement.Compile(doc)
	if err != nil {
		return err
	}
	h, err := c.head(s)
	if err != nil {
		return err
	}
	q, err := agreement.Ask(h)
	if err != nil {
		return err
	}
	if q.Clock == nil && q.Kind == assist.KindRequest { // a node fills in the agreement's own clock (AST-3)
		if ack, answer, _, ok := policy.Clocks(q.Precedence); ok {
			q.Clock = &thread.Limit{Acknowledge: ack, Answer: answer}
		}
	}
	v := viewVerdict(exchange.Verdict{Verdict: policy.Decide(q)})
	v.Text = "this text"
	if deposited == nil || !deposited.InForce.IsZero() || !v.Permitted {
		return s.showVerdict(v)
	}
	// spec: DEC-2
	v.Permitted, v.Clause = false, "DEC-2"
	v.Reason = "the text permits it by " + articles(v.Articles) + ", but the agreement is not in force: not all of its parties have signed"
	v.Articles = nil
	return s.showVerdict(v)
}

// head makes as much of a head as a decision looks at.
func (c *agreementTestCmd) head(s *session) (*statement.Head, error) {
	rules, err := thread.NewRules(node.Desks()...)
	if err != nil {
		return nil, err
	}
	h := &statement.Head{From: c.From, To: c.To, Exercise: c.Exercise, Time: statement.TimeOf(s.now()), By: statement.By{Role: c.Role}}
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
