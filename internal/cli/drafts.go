package cli

import (
	"context"
	"strings"

	"github.com/comity-exchange/comity/fault"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

type draftCmd struct {
	New     draftNewCmd     `cmd:"" help:"Keep what is to be said, and say nothing yet."`
	List    draftListCmd    `cmd:"" help:"List drafts, the last changed first."`
	Show    draftShowCmd    `cmd:"" help:"Show a draft, and whether it may pass."`
	Edit    draftEditCmd    `cmd:"" help:"Change a draft of yours; an approval that it had is void."`
	Submit  draftSubmitCmd  `cmd:"" help:"Ask another officer to approve a draft of yours."`
	Approve draftApproveCmd `cmd:"" help:"Agree that exactly this is said. Nobody approves their own."`
	Return  draftReturnCmd  `cmd:"" help:"Send a draft back to its author, with a reason."`
	Release draftReleaseCmd `cmd:"" help:"Say what a draft says. The draft is erased."`
	Drop    draftDropCmd    `cmd:"" help:"Erase a draft that will not be said."`
}

type draftNewCmd struct {
	messageFlags
}

func (draftNewCmd) Help() string {
	return `It takes what comity send takes. Where an article, a caveat or the node's settings ask for a second officer, a draft is the only way to say something.
Attachments stay in their files until the release: leave them where they are.
  comity draft new --kind assist.request --to XB --tlp AMBER --fact type=analysis --title "Sample of 12 May" --text - < request.txt
  comity draft new --thread 3f2a1b --kind grant --fact extent=full --attach answer.pdf`
}

func (c *draftNewCmd) Run(ctx context.Context, s *session) error {
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
		files, err := node.Attachable(c.Attach)
		if err != nil {
			return err
		}
		v, err := n.NewDraft(ctx, d, files)
		if err != nil {
			return err
		}
		return s.showStep(v, "Kept as draft %s.", "comity draft submit %s, or comity draft release %s where no second officer is asked for")
	})
}

// showStep prints what has become of a draft; next may name it twice.
func (s *session) showStep(v node.DraftView, did, next string) error {
	return s.show(v, func(p *page) {
		p.say(did, p.bold(v.ID[:8]))
		if next != "" {
			p.say("Next: %s", strings.ReplaceAll(next, "%s", v.ID[:8]))
		}
	})
}

type draftListCmd struct{}

func (draftListCmd) Help() string { return `  comity draft list` }

func (c *draftListCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		all, err := n.Drafts(ctx)
		if err != nil {
			return err
		}
		return s.show(all, func(p *page) {
			if len(all) == 0 {
				p.say("No draft.")
				return
			}
			t := newTable("draft", "status", "by", "kind", "to", "tlp", "changed", "title")
			for _, v := range all {
				t.addAlert(v.Status == drafts.Submitted, v.ID[:8], string(v.Status), whoever(v.Author), string(v.Kind), orThread(v), string(v.Marking.TLP), when(v.Changed), cut(line(v.Title), 40))
			}
			p.table(t)
		})
	})
}

// orThread is whom a draft goes to.
func orThread(v node.DraftView) string {
	if !v.Thread.IsZero() {
		return "thread " + v.Thread.Short()
	}
	return orNone(codes(v.To), "nobody")
}

type draftID struct {
	ID string `arg:"" name:"id" help:"The draft; the first four digits or more of its id."`
}

type draftShowCmd struct{ draftID }

func (draftShowCmd) Help() string { return `  comity draft show 3f2a1b` }

func (c *draftShowCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		v, now, err := n.Draft(ctx, c.ID)
		if v.ID == "" {
			return err
		}
		out := struct {
			node.DraftView
			Approval string           `json:"approval,omitzero"`
			Would    statement.Digest `json:"would_say,omitzero"` // what --digest names
			Now      string           `json:"now"`                // whether it may pass, in words
		}{v, now.Approval, now.Digest, "It may pass."}
		if err != nil {
			out.Now = fault.Show(err)
		}
		return s.show(out, func(p *page) { writeDraft(p, v, out.Now, now) })
	})
}

func writeDraft(p *page, v node.DraftView, now string, would node.Proposed) {
	p.say("%s  %s  %s", p.bold(v.ID[:8]), p.bold(line(v.Title)), v.Status)
	p.say("%s to %s  TLP:%s  by %s", v.Kind, orThread(v), v.Marking.TLP, whoever(v.Author))
	if v.Reason != "" {
		p.say("%s", p.warn("Sent back:"))
		for l := range strings.SplitSeq(prose(v.Reason), "\n") {
			p.say("    %s", l)
		}
	}
	if v.Approver != "" {
		p.say("Approved by %s.", v.Approver)
	}
	p.say("Facts   %s", line(string(v.Facts)))
	for _, f := range v.Files {
		at := f.Path
		if at == "" { // it was uploaded, and the node has it
			at = f.Name
		}
		p.say("File    %s, %s", line(at), size(f.Size))
	}
	if v.Text != "" {
		p.gap()
		for l := range strings.SplitSeq(prose(v.Text), "\n") {
			p.say("    %s", l)
		}
	}
	p.gap()
	p.say("%s", now)
	if would.Approval != "" {
		p.say("Before it is said another officer than its author approves it: %s asks for that.", would.Approval)
	}
	if !would.Digest.IsZero() {
		p.say("Digest  %s", would.Digest)
	}
}

// readFlag names what an officer has read before letting it out.
type readFlag struct {
	Digest *statement.Digest `placeholder:"DIGEST" help:"What you have read, as comity draft show names it; refused where the draft says something else by now. Without it the draft is printed, and that is what counts as read."`
}

// read prints a draft of another officer's and gives the digest of what was printed, or gives the digest that was read before.
func (f *readFlag) read(ctx context.Context, s *session, n *node.Node, id string) (node.DraftView, statement.Digest, error) {
	// spec: DEC-10
	v, now, err := n.Draft(ctx, id)
	if v.ID == "" {
		return v, now.Digest, err
	}
	if f.Digest != nil {
		return v, *f.Digest, nil
	}
	a, e := n.Whoami(ctx)
	if e != nil {
		return v, now.Digest, e
	}
	if a.ID == v.Author || err != nil { // what cannot be said is refused with its reason, and nothing is let out
		return v, now.Digest, nil
	}
	if s.json {
		return v, now.Digest, fault.New(fault.Usage, "DEC-10", "with --json nothing is read before it is let out: name what you have read with --digest, which comity draft show --json gives as would_say")
	}
	return v, now.Digest, s.show(v, func(p *page) { writeDraft(p, v, "It may pass.", now); p.gap() })
}

type draftEditCmd struct {
	draftID
	To           []party.Code `placeholder:"CODE" help:"To whom instead."`
	TLP          string       `name:"tlp" placeholder:"LABEL" help:"TLP 2.0 label."`
	PAP          string       `name:"pap" placeholder:"LABEL" help:"PAP label."`
	Handling     []string     `placeholder:"CODE" help:"Handling codes, all of them."`
	PersonalData string       `placeholder:"DEGREE" help:"none, minimised or allowed."`
	RetainUntil  string       `placeholder:"TIME" help:"When it is to be erased."`
	Precedence   string       `placeholder:"WORD" help:"flash, immediate, priority or routine."`
	Facts        string       `placeholder:"JSON" help:"All facts at once, as a JSON object."`
	Fact         []string     `sep:"none" placeholder:"NAME=VALUE" help:"One fact; with the others that are given they replace all."`
	Title        *string      `placeholder:"TEXT" help:"One line on what it is about."`
	Text         *string      `placeholder:"TEXT" help:"What people read; - reads the standard input."`
	Attach       []string     `sep:"none" placeholder:"FILE" help:"A file to send along; those that are given replace all."`
}

func (draftEditCmd) Help() string {
	return `What is not named stays. Another kind, thread or agreement is another draft.
  comity draft edit 3f2a1b --text - < better.txt
  comity draft edit 3f2a1b --tlp RED --fact type=analysis --fact purpose=recovery`
}

func (c *draftEditCmd) Run(ctx context.Context, s *session) error {
	var text string
	if c.Text != nil {
		var err error
		if text, err = s.text(*c.Text); err != nil {
			return err
		}
	}
	return s.with(ctx, func(n *node.Node) error {
		files, err := node.Attachable(c.Attach)
		if err != nil {
			return err
		}
		v, err := n.EditDraft(ctx, c.ID, func(d *drafts.Content) error {
			if c.Title != nil {
				d.Title = *c.Title
			}
			if c.Text != nil {
				d.Text = text
			}
			return c.head(ctx, s, n, d)
		}, files)
		if err != nil {
			return err
		}
		return s.showStep(v, "Changed draft %s.", "comity draft submit %s")
	})
}

// head changes what the head says.
func (c *draftEditCmd) head(ctx context.Context, s *session, n *node.Node, d *drafts.Content) error {
	f := headFlags{
		TLP: c.TLP, PAP: c.PAP, Handling: c.Handling, PersonalData: c.PersonalData, RetainUntil: c.RetainUntil, Precedence: c.Precedence, Facts: c.Facts, Fact: c.Fact,
	}
	if len(c.To) > 0 {
		if !d.Thread.IsZero() {
			return fault.New(fault.Usage, "THR-1", "recipients are the thread's: leave --to out")
		}
		d.To = c.To
	}
	m, err := f.marking(s, d.Marking.TLP)
	if err != nil {
		return err
	}
	d.Marking = remarked(m, d.Marking)
	if c.Precedence != "" {
		if d.Precedence, err = oneOf("--precedence", c.Precedence, statement.Precedences()...); err != nil {
			return err
		}
	}
	if c.Facts == "" && len(c.Fact) == 0 {
		return nil
	}
	spec, ok := n.Rules.Spec(d.Kind)
	if !ok {
		return fault.New(fault.Usage, "ENC-8", "there is no kind %s", d.Kind)
	}
	d.Facts, err = f.facts(ctx, s, n, spec, d.To)
	return err
}

// remarked is a marking as it was, but for what is given.
func remarked(given, was marking.Marking) marking.Marking {
	if given.PAP == "" {
		given.PAP = was.PAP
	}
	if len(given.Handling) == 0 {
		given.Handling = was.Handling
	}
	if given.PersonalData == "" {
		given.PersonalData = was.PersonalData
	}
	if given.RetainUntil == "" {
		given.RetainUntil = was.RetainUntil
	}
	return given
}

type draftSubmitCmd struct{ draftID }

func (draftSubmitCmd) Help() string {
	return `What may not pass is not submitted. From now on whatever changes (a word, an attachment, the recipients, the agreement's text) has to be submitted again.
  comity draft submit 3f2a1b`
}

func (c *draftSubmitCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		v, _, err := n.SubmitDraft(ctx, c.ID)
		if err != nil {
			return err
		}
		return s.showStep(v, "Submitted draft %s: it waits for another officer.", "another officer looks at it (comity draft show %s) and approves it or sends it back")
	})
}

type draftApproveCmd struct {
	draftID
	readFlag
}

func (draftApproveCmd) Help() string {
	return `It prints what the draft says, and approves exactly that. Who reads first and decides later names what was read with --digest.
  comity draft approve 3f2a1b
  comity draft approve 3f2a1b --digest 9b0f4c1d5e7a88c2316fd0aa45be97130c62d8f14b7e95a03d1c86f2e57a9b04`
}

func (c *draftApproveCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		_, read, err := c.read(ctx, s, n, c.ID)
		if err != nil {
			return err
		}
		v, err := n.ApproveDraft(ctx, c.ID, read)
		if err != nil {
			return err
		}
		return s.showStep(v, "Approved draft %s, exactly as it is.", "comity draft release %s")
	})
}

type draftReturnCmd struct {
	draftID
	Reason string `required:"" placeholder:"TEXT" help:"What is to be changed; - reads the standard input."`
}

func (draftReturnCmd) Help() string {
	return `  comity draft return 3f2a1b --reason "Name the period."`
}

func (c *draftReturnCmd) Run(ctx context.Context, s *session) error {
	reason, err := s.text(c.Reason)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		v, err := n.ReturnDraft(ctx, c.ID, reason)
		if err != nil {
			return err
		}
		return s.showStep(v, "Sent draft %s back to "+whoever(v.Author)+".", "")
	})
}

type draftReleaseCmd struct {
	draftID
	readFlag
}

func (draftReleaseCmd) Help() string {
	return `What has been said stands: it is logged and signed, and cannot be taken back.
  comity draft release 3f2a1b`
}

func (c *draftReleaseCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		v, read, err := c.read(ctx, s, n, c.ID)
		if err != nil {
			return err
		}
		said, err := n.ReleaseDraft(ctx, c.ID, read)
		if err != nil {
			return err
		}
		return s.showSaid(said, v.Kind, v.To)
	})
}

type draftDropCmd struct{ draftID }

func (draftDropCmd) Help() string { return `  comity draft drop 3f2a1b` }

func (c *draftDropCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		if err := n.DropDraft(ctx, c.ID); err != nil {
			return err
		}
		return s.show(struct {
			Dropped string `json:"dropped"`
		}{c.ID}, func(p *page) { p.say("The draft %s is erased. Its attachments are where they were.", line(c.ID)) })
	})
}

// adviseDraft says what to do where a second officer is asked for.
func adviseDraft(err error, d exchange.Draft) error {
	if fault.CodeOf(err) != fault.Denied || fault.ClauseOf(err) != "DEC-10" {
		return err
	}
	return advise(err, "comity draft new --kind "+string(d.Kind)+" … keeps it, comity draft submit asks another officer")
}
