package cli

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

type agreementCmd struct {
	Import agreementImportCmd `cmd:"" help:"Deposit a text: put it before all its parties for signature."`

	Propose   agreementProposeCmd   `cmd:"" help:"Propose a first draft to negotiate."`
	Comment   agreementCommentCmd   `cmd:"" help:"Say something of a draft, or of one of its articles."`
	Amend     agreementAmendCmd     `cmd:"" help:"Propose an amended draft."`
	Circulate agreementCirculateCmd `cmd:"" help:"As the chair: put an amended draft before all."`
	Silence   agreementSilenceCmd   `cmd:"" help:"As the chair: place the text under a silence procedure."`
	Object    agreementObjectCmd    `cmd:"" help:"Break the silence."`
	Close     agreementCloseCmd     `cmd:"" help:"Tell how the silence has ended."`
	Contest   agreementContestCmd   `cmd:"" help:"Reopen a text that was adopted over an objection made in time."`
	Adopt     agreementAdoptCmd     `cmd:"" help:"Agree that the text is final."`
	Open      agreementOpenCmd      `cmd:"" help:"As the chair: open the adopted text for signature."`

	Sign      agreementSignCmd      `cmd:"" help:"Sign the open text for this party, with reservations if need be."`
	Ratify    agreementRatifyCmd    `cmd:"" help:"Ratify, accept or approve what was signed."`
	Admit     agreementAdmitCmd     `cmd:"" help:"Let another party take part in the making."`
	Invite    agreementInviteCmd    `cmd:"" help:"Agree that another party joins."`
	Accede    agreementAccedeCmd    `cmd:"" help:"Join an agreement in force."`
	Suspend   agreementSuspendCmd   `cmd:"" help:"Suspend it between this party and the others."`
	Resume    agreementResumeCmd    `cmd:"" help:"End this party's suspension."`
	Withdraw  agreementWithdrawCmd  `cmd:"" help:"Leave the agreement, with notice."`
	Terminate agreementTerminateCmd `cmd:"" help:"Agree that the agreement ends for all."`
	Publish   agreementPublishCmd   `cmd:"" help:"As the chair: make the text public at a time."`
	Chair     agreementChairCmd     `cmd:"" help:"Want another participant to chair."`

	List agreementListCmd `cmd:"" help:"List agreements."`
	Show agreementShowCmd `cmd:"" help:"Show an agreement's articles and who has signed."`
	Test agreementTestCmd `cmd:"" help:"May this pass, by which article, and what would be needed instead."`

	Check agreementCheckCmd `cmd:"" help:"Say all that is wrong with a draft."`
	Diff  agreementDiffCmd  `cmd:"" help:"Tell two texts apart, article by article."`

	Template agreementTemplateCmd `cmd:"" help:"Write a text to begin with."`
}

type agreementImportCmd struct {
	File string `arg:"" help:"The document."`
	speaker
}

func (agreementImportCmd) Help() string {
	return `The document is checked and compiled first. It is in force once all its parties have signed, this one too.
  comity agreement import assistance.json`
}

func (c *agreementImportCmd) Run(ctx context.Context, s *session) error {
	raw, err := readFile(c.File, agreement.MaxDocument)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		said, err := n.Deposit(ctx, raw, c.by(n))
		if err != nil {
			return err
		}
		v, err := n.Agreement(ctx, said.ID)
		if err != nil {
			return err
		}
		return s.show(v, func(p *page) {
			p.say("Agreement %s between %s is open for signature.", p.bold(v.ID.Short()), codes(v.Parties))
			p.say("Read it once more, then: comity agreement sign %s", v.ID.Short())
		})
	})
}

type agreementSignCmd struct {
	agreementOf
	reserving
	speaker
}

func (agreementSignCmd) Help() string {
	return `Where the text asks for ratification, this announces it.
  comity agreement sign 3f2a1b
  comity agreement sign 3f2a1b --reserve 7 --text "Article 7 does not bind us as to …"`
}

func (c *agreementSignCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		id, err := n.FindThread(ctx, c.ID)
		if err != nil {
			return err
		}
		before, err := n.Agreement(ctx, id)
		if err != nil {
			return err
		}
		if !before.MayISign {
			if _, signed := before.Signed[n.Config.Code]; signed {
				return fault.New(fault.Inadmissible, "AGR-14", "%s has signed it already", n.Config.Code)
			}
			return fault.New(fault.Inadmissible, "AGR-14", "%s has nothing to sign here: the making is %s", n.Config.Code, spaced(before.Status))
		}
		if _, err := n.Sign(ctx, id, c.Reserve, c.Text, c.by(n)); err != nil {
			return err
		}
		v, err := n.Agreement(ctx, id)
		if err != nil {
			return err
		}
		return s.show(v, func(p *page) {
			p.say("%s has signed agreement %s.", n.Config.Code, p.bold(v.ID.Short()))
			writeForce(p, v)
		})
	})
}

func writeForce(p *page, v node.AgreementView) {
	if !v.InForce.IsZero() {
		p.say("It is in force from %s.", v.InForce)
		return
	}
	var missing []party.Code
	for _, c := range v.Parties {
		if _, ok := v.Signed[c]; !ok {
			missing = append(missing, c)
		}
	}
	switch n := len(missing); {
	case n == 0:
		p.say("It is not in force: what it asks for beside signatures is not here.")
	case n >= severalParties:
		p.say("It is not in force: the signatures of %s and %d others are not here.", codes(missing[:3]), n-3)
	default:
		p.say("It is not in force: the signature of %s is not here.", codes(missing))
	}
	for _, t := range slices.Backward(v.Making.Texts) {
		if len(t.From) > 0 {
			p.say("The text %s goes on binding meanwhile.", short(t.Digest))
			break
		}
	}
}

type agreementListCmd struct{}

func (agreementListCmd) Help() string { return "  comity agreement list" }

func (c *agreementListCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		all, err := n.Agreements(ctx)
		if err != nil {
			return err
		}
		return s.show(all, func(p *page) {
			if len(all) == 0 {
				p.say("No agreement.")
				return
			}
			t := newTable("agreement", "parties", "status", "in force from", "title")
			for _, v := range all {
				status := v.Status
				if v.MayISign && v.InForce.IsZero() {
					status += ", yours is missing"
				}
				t.add(v.ID.Short(), codes(v.Parties), status, when(v.InForce), cut(line(v.Title.In("en", languages(v.Title)...)), 60))
			}
			p.table(t)
		})
	})
}

func languages(t agreement.Text) []string {
	var out []string
	for lang := range t {
		out = append(out, lang)
	}
	slices.Sort(out)
	return out
}

type agreementShowCmd struct {
	ID       string `arg:"" name:"agreement" help:"The agreement's id, or a file with a document."`
	Language string `default:"en" placeholder:"LANG" help:"Show the texts in this language, where they have it."`
	Cedar    bool   `help:"Show what the articles compile to, as Cedar policies."`
	Document bool   `help:"Print the document's bytes as they were signed."`
}

func (agreementShowCmd) Help() string {
	return `  comity agreement show 3f2a1b --language fr
  comity agreement show draft.json --cedar
  comity agreement show 3f2a1b --document > signed.json`
}

func (c *agreementShowCmd) Run(ctx context.Context, s *session) error {
	doc, v, err := s.document(ctx, c.ID)
	if err != nil {
		return err
	}
	if c.Document {
		return s.print(doc.Raw)
	}
	policy, err := agreement.Compile(doc)
	if err != nil {
		return err
	}
	out := struct {
		Agreement *node.AgreementView `json:"agreement,omitempty"`
		Document  *agreement.Document `json:"document"`
		Digest    statement.Digest    `json:"digest"`
		Cedar     string              `json:"cedar,omitzero"`
	}{v, doc, doc.Digest, ""}
	if c.Cedar {
		out.Cedar = string(policy.Cedar())
	}
	return s.show(out, func(p *page) {
		if c.Cedar {
			p.say("%s", strings.TrimRight(prose(out.Cedar), "\n"))
			return
		}
		writeDocument(p, doc, v, c.Language)
	})
}

// document takes a file with a document, or opens the node for a deposited one. v is nil for a file.
func (s *session) document(ctx context.Context, given string) (doc *agreement.Document, v *node.AgreementView, err error) {
	if _, err := os.Stat(given); err == nil {
		raw, err := readFile(given, agreement.MaxDocument)
		if err != nil {
			return nil, nil, err
		}
		doc, err = agreement.Parse(raw)
		return doc, nil, err
	}
	err = s.with(ctx, func(n *node.Node) error {
		id, err := n.FindThread(ctx, given)
		if err != nil {
			return err
		}
		one, err := n.Agreement(ctx, id)
		if err != nil {
			return err
		}
		v = &one
		doc, err = n.Document(ctx, id)
		return err
	})
	return doc, v, err
}

func writeDocument(p *page, doc *agreement.Document, v *node.AgreementView, language string) {
	p.say("%s", p.bold(line(doc.Title.In(language, doc.Languages...))))
	p.say("Parties: %s. Digest: %s", codes(doc.Parties), doc.Digest)
	if v != nil {
		writeMaking(p, *v)
	}
	writeFrame(p, doc, language)
	for _, a := range doc.Articles {
		p.gap()
		p.say("%s", p.bold("Article "+a.Number+". "+line(a.Title.In(language, doc.Languages...))))
		for _, l := range wrap(line(a.Text.In(language, doc.Languages...)), 98) {
			p.say("  %s", l)
		}
		writeMachine(p, a)
	}
}

func writeClocks(p *page, a agreement.Article) {
	for _, prec := range statement.Precedences() {
		if c, ok := a.Clocks[prec]; ok {
			p.say("  %s", p.dim(string(prec)+": acknowledge within "+seconds(c.Acknowledge)+", answer within "+seconds(c.Answer)))
		}
	}
}

// self is the party whose node the folder holds.
func (s *session) self(ctx context.Context) (code party.Code, err error) {
	err = s.with(ctx, func(n *node.Node) error {
		code = n.Config.Code
		return nil
	})
	return code, err
}

func seconds(n int64) string { return span(time.Duration(n) * time.Second) }
