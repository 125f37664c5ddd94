package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/desk/credence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

type credenceCmd struct {
	Show      credenceShowCmd      `cmd:"" help:"Show the own letter and its words, or another party's."`
	Import    credenceImportCmd    `cmd:"" help:"Keep another party's letter."`
	Confirm   credenceConfirmCmd   `cmd:"" help:"Confirm a letter by the words that its party reads to you."`
	List      credenceListCmd      `cmd:"" help:"List all letters."`
	Reissue   credenceReissueCmd   `cmd:"" help:"Write the own next letter, with other endpoints, names or contacts."`
	Introduce credenceIntroduceCmd `cmd:"" help:"Vouch for the letter of an own office in the party's log."`
	Withdraw  credenceWithdrawCmd  `cmd:"" help:"Vouch for an own office no longer."`
}

type credenceShowCmd struct {
	Code   party.Code `arg:"" optional:"" help:"Another party. Without it: the own letter."`
	Output string     `short:"o" placeholder:"FILE" help:"Write the letter itself to FILE; - is the standard output."`
}

func (credenceShowCmd) Help() string {
	return `The letter is not secret. Its words are what its party reads to the other over a channel that both trust.
  comity credence show
  comity credence show -o xa.letter
  comity credence show XB`
}

// letterView is a letter with all that it says.
type letterView struct {
	node.LetterView
	Contacts []party.Contact `json:"contacts"`
	Issued   statement.Time  `json:"issued,omitzero"`
	Letter   string          `json:"letter"`
}

func (c *credenceShowCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		if c.Code == "" {
			c.Code = n.Config.Code
		}
		v, err := letterOf(ctx, n, c.Code)
		if err != nil {
			return err
		}
		switch c.Output {
		case "":
			return s.show(v, func(p *page) { v.write(p) })
		case "-":
			return s.print([]byte(v.Letter))
		}
		if err := writeFile(c.Output, true, writing([]byte(v.Letter))); err != nil {
			return err
		}
		return s.show(v, func(p *page) {
			p.say("Letter %d of %s is in %s; its words: %s", v.Serial, v.Code, c.Output, p.bold(strings.Join(v.Words, " ")))
		})
	})
}

// letterOf is a party's newest letter.
func letterOf(ctx context.Context, n *node.Node, code party.Code) (letterView, error) {
	letters, err := n.Letters(ctx)
	if err != nil {
		return letterView{}, err
	}
	var v letterView
	for _, l := range letters {
		if l.Code == code && l.Serial > v.Serial {
			v.LetterView = l
		}
	}
	if v.Serial == 0 {
		return v, fault.New(fault.NotFound, "", "there is no letter of %s here", code)
	}
	l, err := n.Letter(ctx, code, v.Serial)
	if err != nil {
		return v, err
	}
	v.Contacts, v.Issued, v.Letter = l.Contacts, l.Issued, string(l.Raw)
	return v, nil
}

func (v letterView) write(p *page) {
	p.say("%s  letter %d, %s", p.bold(string(v.Code)), v.Serial, v.Status)
	langs := make([]string, 0, len(v.Names))
	for lang := range v.Names {
		langs = append(langs, lang)
	}
	slices.Sort(langs)
	for _, lang := range langs {
		p.say("  %-10s %s", line(lang), line(v.Names[lang]))
	}
	p.say("  %-10s %s", "log", v.Origin)
	p.say("  %-10s %s", "issued", when(v.Issued))
	p.say("  %-10s %s", "endpoints", orNone(line(strings.Join(v.Endpoints, ", ")), "none: it fetches, or carries packets"))
	p.say("  %-10s %s", "digest", v.Digest)
	if len(v.Words) > 0 {
		p.say("  %-10s %s", "words", p.bold(strings.Join(v.Words, " ")))
	} else {
		p.say("  %-10s let %s read them to you, then: comity credence confirm %s WORDS", "words", v.Code, v.Code)
	}
	t := newTable("role", "name", "email", "phone", "hours", "languages")
	for _, c := range v.Contacts {
		t.add(string(c.Role), line(c.Name), line(c.Email), line(c.Phone), line(c.Hours), line(strings.Join(c.Languages, " ")))
	}
	if len(t.rows) > 0 {
		p.gap()
		p.table(t)
	}
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

type credenceImportCmd struct {
	Files []string `arg:"" name:"file" help:"Files with letters, oldest first."`
}

func (credenceImportCmd) Help() string {
	return `A first letter counts once its words are confirmed. One that follows a confirmed letter by the rules, or that its principal vouches for in its log, counts at once.
  comity credence import xb.letter`
}

func (c *credenceImportCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		out := []node.LetterView{}
		for _, name := range c.Files {
			raw, err := readFile(name, party.MaxLetter)
			if err != nil {
				return err
			}
			v, err := n.ImportLetter(ctx, raw)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return s.show(out, func(p *page) {
			for _, v := range out {
				p.say("Letter %d of %s is %s.", v.Serial, p.bold(string(v.Code)), v.Status)
				if v.Status == store.LetterImported {
					p.say("Let %s read its ten words to you over a channel that both trust, then: comity credence confirm %s WORDS", v.Code, v.Code)
				}
			}
		})
	})
}

type credenceConfirmCmd struct {
	Code  party.Code `arg:"" help:"The party that read the words."`
	Words []string   `arg:"" help:"The words as you heard them. Case does not matter."`
}

func (credenceConfirmCmd) Help() string {
	return `Type what you hear, never what is written beside the letter: whoever forged the letter wrote that too.
  comity credence confirm XB lemon river copper anchor violin meadow packet summer hollow timber`
}

func (c *credenceConfirmCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		v, err := n.Confirm(ctx, c.Code, c.Words)
		if fault.CodeOf(err) == fault.Failed {
			return advise(err, "let them be read once more; if they still differ, the letter is not that party's")
		}
		if err != nil {
			return err
		}
		return s.show(v, func(p *page) { p.say("Letter %d of %s is confirmed.", v.Serial, p.bold(string(v.Code))) })
	})
}

type credenceListCmd struct{}

func (credenceListCmd) Help() string { return "  comity credence list" }

func (c *credenceListCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		letters, err := n.Letters(ctx)
		if err != nil {
			return err
		}
		return s.show(letters, func(p *page) {
			t := newTable("party", ">letter", "status", "log", "confirmed", "endpoints", "name")
			for _, l := range letters {
				status := string(l.Status)
				if l.Own {
					status += ", own"
				}
				t.addAlert(l.Status == store.LetterRevoked, string(l.Code), number(l.Serial), status, string(l.Origin), when(l.Confirmed),
					line(strings.Join(l.Endpoints, " ")), cut(line(node.NameIn(l.Names, "en")), 40))
			}
			p.table(t)
		})
	})
}

type credenceReissueCmd struct {
	Name        []string `sep:"none" placeholder:"LANG=NAME" help:"These names instead of those before."`
	Contact     []string `sep:"none" placeholder:"CONTACT" help:"These points of contact instead of those before; see comity init."`
	Endpoint    []string `placeholder:"URL" help:"These endpoints instead of those before."`
	NoEndpoints bool     `help:"No endpoint any more: the node fetches its packets, or carries them."`
	Output      string   `short:"o" placeholder:"FILE" help:"Write the letter to FILE too."`
}

func (credenceReissueCmd) Help() string {
	return `Peers who have confirmed the letter before need no words for this one, only its file.
  comity credence reissue --endpoint https://new.xa.example:8443 -o xa-2.letter`
}

func (c *credenceReissueCmd) Run(ctx context.Context, s *session) error {
	if len(c.Name)+len(c.Contact)+len(c.Endpoint) == 0 && !c.NoEndpoints {
		return fault.New(fault.Usage, "", "say what is to change: --endpoint, --no-endpoints, --name or --contact")
	}
	if len(c.Endpoint) > 0 && c.NoEndpoints {
		return fault.New(fault.Usage, "", "either --endpoint or --no-endpoints, not both")
	}
	names, err := namesOf(c.Name)
	if err != nil {
		return err
	}
	contacts, err := contactsOf(c.Contact)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		l, err := n.Renew(ctx, node.Renewal{Names: names, Contacts: contacts, Endpoints: c.Endpoint, Nowhere: c.NoEndpoints})
		if err != nil {
			return err
		}
		files := []string{n.LetterFile()}
		if c.Output != "" {
			if err := writeFile(c.Output, true, writing(l.Raw)); err != nil {
				return err
			}
			files = append(files, c.Output)
		}
		v, err := letterOf(ctx, n, l.Code)
		if err != nil {
			return err
		}
		return s.show(v, func(p *page) {
			p.say("Letter %d is in %s. Hand it to every peer: comity credence import there.", l.Serial, strings.Join(files, " and "))
			p.say("A node that is being served takes the new endpoints into account after a restart.")
		})
	})
}

type credenceIntroduceCmd struct {
	Code   party.Code   `arg:"" help:"The office, like XA.cert."`
	Letter string       `arg:"" help:"File with its letter."`
	To     []party.Code `placeholder:"CODE" help:"Who should know. Without it: every party whose letter is confirmed."`
	speaker
}

func (credenceIntroduceCmd) Help() string {
	return `Whoever has confirmed this party's letter then needs no words for its office's.
  comity credence introduce XA.cert xa-cert.letter`
}

func (c *credenceIntroduceCmd) Run(ctx context.Context, s *session) error {
	raw, err := readFile(c.Letter, party.MaxLetter)
	if err != nil {
		return err
	}
	l, err := party.ParseLetter(raw)
	if err != nil {
		return err
	}
	if l.Code != c.Code {
		return fault.New(fault.Usage, "LTR-10", "the letter is that of %s, not of %s", l.Code, c.Code)
	}
	return s.with(ctx, func(n *node.Node) error {
		said, to, err := n.Introduce(ctx, raw, c.To, c.by(n))
		if err != nil {
			return err
		}
		return s.showSaid(said, credence.KindOffice, to)
	})
}

type credenceWithdrawCmd struct {
	Code party.Code   `arg:"" help:"The office, like XA.cert."`
	To   []party.Code `placeholder:"CODE" help:"Who should know. Without it: every party whose letter is confirmed."`
	speaker
}

func (credenceWithdrawCmd) Help() string { return "  comity credence withdraw XA.cert" }

func (c *credenceWithdrawCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		said, to, err := n.Dismiss(ctx, c.Code, c.To, c.by(n))
		if err != nil {
			return err
		}
		return s.showSaid(said, credence.KindWithdraw, to)
	})
}
