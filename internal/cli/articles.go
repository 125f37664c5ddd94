package cli

import (
	"context"
	"os"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/agreement/template"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

type agreementCheckCmd struct {
	File string `arg:"" help:"The document."`
}

func (agreementCheckCmd) Help() string {
	return `It says all that is wrong with a draft, each with its article and member, and what a desk here does not know. Ends with status 65 where something is wrong.
  comity agreement check draft.json`
}

func (c *agreementCheckCmd) Run(s *session) error {
	raw, err := readFile(c.File, agreement.MaxDocument)
	if err != nil {
		return err
	}
	out, err := node.CheckText(raw)
	if err != nil {
		return err
	}
	err = s.show(out, func(p *page) {
		for _, one := range out.Problems {
			p.say("%s (%s)", line(one.Message), one.Clause)
		}
		for _, place := range out.Unknown {
			p.say("%s", line(place))
		}
		if doc := out.Document; doc != nil {
			p.say("Nothing is wrong with it: %s between %s. Digest: %s", plural(len(doc.Articles), "article", "articles"), codes(doc.Parties), doc.Digest)
		}
	})
	if err == nil && out.First != nil {
		return &answered{out.First}
	}
	return err
}

type agreementDiffCmd struct {
	Old      string `arg:"" help:"A file with a document, an agreement's id, or the digest of a text as ID@DIGEST."`
	New      string `arg:"" help:"Likewise."`
	Language string `placeholder:"LANG" help:"Show the words of this language alone. Without it: of all."`
}

func (agreementDiffCmd) Help() string {
	return `It tells article by article what another text says otherwise: [-words that went out-] and {+words that came in+}.
  comity agreement diff signed.json draft.json
  comity agreement diff 3f2a1b draft.json --language fr`
}

func (c *agreementDiffCmd) Run(ctx context.Context, s *session) error {
	before, err := s.textOf(ctx, c.Old)
	if err != nil {
		return err
	}
	after, err := s.textOf(ctx, c.New)
	if err != nil {
		return err
	}
	d := agreement.Diff(before, after)
	return s.show(d, func(p *page) { writeChanges(p, d, c.Language, append(after.Languages, before.Languages...)) })
}

// textOf reads a document from a file, or the text that is in hand of an agreement, or one that was proposed in its making: ID@DIGEST.
func (s *session) textOf(ctx context.Context, given string) (doc *agreement.Document, err error) {
	if _, err := os.Stat(given); err == nil {
		doc, _, err = s.document(ctx, given)
		return doc, err
	}
	name, text, _ := strings.Cut(given, "@")
	err = s.with(ctx, func(n *node.Node) error {
		id, err := n.FindThread(ctx, name)
		if err != nil {
			return err
		}
		var digest statement.Digest // zero: the text in hand
		if text != "" {
			if digest, err = statement.ParseDigest(text); err != nil {
				return err
			}
		}
		doc, err = n.Text(ctx, id, digest)
		return err
	})
	return doc, err
}

// writeChanges shows what differs, article by article. language "" is all.
func writeChanges(p *page, d agreement.Changes, language string, languages []string) {
	if d.Empty() {
		p.say("The two say the same.")
		return
	}
	for _, c := range d.Document {
		writeChange(p, c, language)
	}
	for _, a := range d.Articles {
		p.gap()
		head := "Article " + a.Number + ", " + string(a.What)
		switch {
		case a.What == agreement.Renumbered:
			head = "Article " + a.Number + ", which was " + a.Was
		case a.Was != "":
			head += ", and was " + a.Was
		}
		p.say("%s", p.bold(head+": "+line(a.Title.In(or(language, "en"), languages...))))
		for _, c := range a.Changes {
			if a.What == agreement.Changed || c.Member != "title" {
				writeChange(p, c, language)
			}
		}
	}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func writeChange(p *page, c agreement.Change, language string) {
	if c.Words == nil {
		var sides []string
		for _, side := range []struct {
			value jsontext.Value
			mark  string
		}{{c.Before, "[-%-]"}, {c.After, "{+%+}"}} {
			if side.value != nil {
				sides = append(sides, strings.Replace(side.mark, "%", line(string(side.value)), 1))
			}
		}
		for i, l := range wrap(c.Member+": "+strings.Join(sides, " "), 96) {
			p.say("  %s%s", indent(i), l)
		}
		return
	}
	if language != "" && c.Language != language {
		return
	}
	var words []string
	for _, w := range c.Words {
		switch text := line(w.Text); w.Op {
		case agreement.In:
			words = append(words, "{+"+text+"+}")
		case agreement.Out:
			words = append(words, "[-"+text+"-]")
		default:
			words = append(words, around(text))
		}
	}
	for i, l := range wrap(c.Member+" ("+c.Language+"): "+strings.Join(words, " "), 96) {
		p.say("  %s%s", indent(i), l)
	}
}

// indent sets the lines that follow the first a little further in.
func indent(i int) string {
	if i > 0 {
		return "  "
	}
	return ""
}

// around leaves out the middle of what stayed, where it is long.
func around(text string) string {
	const most, keep = 40, 12
	words := strings.Fields(text)
	if len(words) <= most {
		return text
	}
	return strings.Join(words[:keep], " ") + " … " + strings.Join(words[len(words)-keep:], " ")
}

type agreementTemplateCmd struct {
	Name    string       `arg:"" optional:"" help:"Which; without it they are listed."`
	Parties []party.Code `placeholder:"CODE" help:"For whom; without it: for XA and XB."`
	Output  string       `short:"o" placeholder:"FILE" help:"Write it to a new file."`
}

func (agreementTemplateCmd) Help() string {
	return `Texts to begin with, each after public instruments that it cites, in English and Russian. They are starting points that a lawyer edits, and no advice.
  comity agreement template
  comity agreement template requests --parties XA,XB -o requests.json
  comity agreement check requests.json`
}

func (c *agreementTemplateCmd) Run(s *session) error {
	if c.Name == "" {
		all := template.List()
		return s.show(all, func(p *page) {
			for _, t := range all {
				p.say("%s", p.bold(t.Name))
				for _, l := range wrap("For "+t.About+". After: "+t.After+".", 96) {
					p.say("  %s", l)
				}
			}
		})
	}
	doc, err := template.Make(c.Name, c.Parties...)
	if err != nil {
		return advise(err, "comity agreement template lists them")
	}
	if c.Output == "" || c.Output == "-" {
		return s.print(doc.Raw)
	}
	if err := writeFile(c.Output, false, writing(doc.Raw)); err != nil {
		return advise(err, "-o names another file")
	}
	return s.show(struct {
		File   string           `json:"file"`
		Digest statement.Digest `json:"digest"`
	}{c.Output, doc.Digest}, func(p *page) {
		p.say("%s is for %s to edit. Then: comity agreement check %s", c.Output, codes(doc.Parties), c.Output)
	})
}
