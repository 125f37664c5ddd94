package cli

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/mirror"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
)

type intelMirrorCmd struct {
	List   mirrorListCmd   `cmd:"" default:"withargs" help:"List the mirrors, and how each fares."`
	Look   mirrorLookCmd   `cmd:"" help:"Ask a TAXII server which collections it has."`
	Add    mirrorAddCmd    `cmd:"" help:"Have an outside collection fetched again and again."`
	Show   mirrorShowCmd   `cmd:"" help:"Show how far a mirror has come, and what it could not take."`
	Run    mirrorRunCmd    `cmd:"" help:"Fetch now, and wait for it."`
	Pause  mirrorPauseCmd  `cmd:"" help:"Have a mirror rest."`
	Resume mirrorResumeCmd `cmd:"" help:"Have a mirror go on."`
	Secret mirrorSecretCmd `cmd:"" help:"Give a mirror another credential."`
	Remove mirrorRemoveCmd `cmd:"" help:"Forget a mirror. What it has brought stays."`
}

func (intelMirrorCmd) Help() string {
	return `Each mirror fills a source of its own with what comes, markings and all; a served node fetches by itself. docs/taxii.md says how nothing is lost. An administrator sets mirrors up.
  comity intel mirror look https://feeds.example/taxii2/ --user desk --secret-file feeds.password
  comity intel mirror add feeds https://feeds.example/taxii2/ --collection Indicators --user desk --secret-file feeds.password --tlp GREEN
  comity intel mirror add blocklist https://lists.example/ip.txt --kind list --every 6h --tlp CLEAR`
}

// access is how a server outside is asked.
type access struct {
	User       string `placeholder:"NAME" help:"User of HTTP Basic. Without it, a credential is shown as a bearer's."`
	SecretFile string `placeholder:"FILE" help:"A file that only you can read, with the password or token in its first line; - reads it from the standard input."`
	CA         string `name:"ca" placeholder:"FILE" help:"Certificates (PEM) that alone are trusted to be the server's. Without it: those that this machine trusts."`
}

// of reads what the flags name.
func (a access) of(s *session, url string) (node.Access, error) {
	out := node.Access{URL: url, User: a.User}
	var err error
	if out.Secret, err = s.secret(a.SecretFile); err != nil {
		return out, err
	}
	if a.CA != "" {
		raw, err := readFile(a.CA, 64<<10)
		if err != nil {
			return out, err
		}
		out.Roots = string(raw)
	}
	return out, nil
}

// secret is the first line of a file that nobody else can read, or of the standard input; nil for "".
func (s *session) secret(name string) (config.Secret, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		line, err := bufio.NewReader(io.LimitReader(s.in, 64<<10)).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return nil, fault.Wrap(err, fault.Usage, "", "there is no credential in the standard input")
		}
		return config.Secret(line), nil
	}
	raw, err := passphrase(name)
	if fault.CodeOf(err) == fault.Locked {
		err = advise(err, "chmod 0600 "+name)
	}
	return config.Secret(raw), err
}

type mirrorListCmd struct{}

func (mirrorListCmd) Help() string { return `  comity intel mirror list` }

func (c *mirrorListCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		all, err := n.Mirrors(ctx)
		if err != nil {
			return err
		}
		return s.show(all, func(p *page) {
			if len(all) == 0 {
				p.say("No mirror. comity intel mirror add has an outside collection fetched.")
				return
			}
			t := newTable("name", "source", "every", "last success", ">taken", ">here already", ">refused", "next", "says")
			for _, v := range all {
				t.addAlert(v.State.Failures > 0, v.Name, v.Source.Short(), span(time.Duration(v.Every)*time.Second), when(v.State.Succeeded), number(v.State.All.Taken), number(v.State.All.Duplicates), number(v.State.All.Refused), nextRun(v), line(v.State.Error))
			}
			p.table(t)
		})
	})
}

func nextRun(v node.MirrorView) string {
	switch {
	case v.Paused:
		return "paused"
	case v.State.Next.IsZero():
		return "now"
	}
	return when(v.State.Next)
}

type mirrorLookCmd struct {
	URL string `arg:"" name:"url" help:"The server, such as https://feeds.example/taxii2/, or an API root of it."`
	access
}

func (mirrorLookCmd) Help() string {
	return `Only that server is asked, whatever it points to.
  comity intel mirror look https://feeds.example/taxii2/
  comity intel mirror look https://feeds.example/taxii2/ --user desk --secret-file feeds.password --ca feeds.pem`
}

func (c *mirrorLookCmd) Run(ctx context.Context, s *session) error {
	a, err := c.of(s, c.URL)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		stop := s.working("asking")
		all, err := n.LookOutside(ctx, a)
		stop()
		if err != nil {
			return err
		}
		return s.show(all, func(p *page) {
			t := newTable("title", "id", "alias", "of", "", "address")
			for _, v := range all {
				t.add(clipped(line(v.Title)), line(v.ID), line(v.Alias), clipped(line(v.Root)), closed(v), line(v.URL))
			}
			p.table(t)
		})
	})
}

func closed(c mirror.Collection) string {
	if c.CanRead {
		return ""
	}
	return "may not be read"
}

type mirrorAddCmd struct {
	Name       string        `arg:"" help:"What you call it: letters, digits, dots and dashes."`
	URL        string        `arg:"" name:"url" help:"The address of the collection, or of its server or API root with --collection; or of a file, with --kind. https alone, but on this machine."`
	Collection string        `placeholder:"NAME" help:"Id, alias or title of the collection, where the address is a server's."`
	Kind       mirror.Kind   `default:"taxii" placeholder:"KIND" help:"taxii; misp (a feed); or what a file is: list (an indicator a line), csv, stix."`
	Every      time.Duration `default:"1h" placeholder:"SPAN" help:"How often, from 1m to 744h."`
	Source     string        `placeholder:"NAME" help:"The source that it fills. Without it: one of the mirror's name. It is opened where it is not."`
	TLP        marking.TLP   `placeholder:"LABEL" help:"Of a source that is opened: the label of objects that name none, and the least strict of all others. Without it: AMBER."`
	Handling   []string      `placeholder:"CODE" help:"Likewise, a handling code."`
	access
}

func (mirrorAddCmd) Help() string {
	return `The credential is kept sealed with the node's own keys, for that server alone; no list shows it.
  comity intel mirror add feeds https://feeds.example/taxii2/ --collection Indicators --user desk --secret-file feeds.password --tlp GREEN
  comity intel mirror add partner https://ti.example/api/collections/9cb00a4f-a0d5-4b2e-8d1c-0f9a7c1a3b55/ --secret-file - --every 15m < token
  comity intel mirror add blocklist https://lists.example/ip.txt --kind list --every 6h --tlp CLEAR`
}

func (c *mirrorAddCmd) Run(ctx context.Context, s *session) error {
	if _, err := oneOf("--tlp", string(c.TLP), marking.TLPs()...); err != nil {
		return err
	}
	if _, err := oneOf("--kind", string(c.Kind), mirror.Kinds()...); err != nil {
		return err
	}
	a, err := c.of(s, c.URL)
	if err != nil {
		return err
	}
	in := node.NewMirror{Access: a, Name: c.Name, Kind: c.Kind, Collection: c.Collection, Source: c.Source, Every: c.Every, Marking: marking.Marking{TLP: c.TLP, Handling: c.Handling}}
	if in.Marking.TLP == "" && len(c.Handling) > 0 {
		in.Marking.TLP = marking.Amber
	}
	return s.with(ctx, func(n *node.Node) error {
		v, err := n.AddMirror(ctx, in)
		if fault.CodeOf(err) == fault.NotFound {
			err = advise(err, "comity intel mirror look lists the collections of a server")
		}
		if err != nil {
			return err
		}
		return s.show(v, func(p *page) {
			p.say("%s is fetched every %s into the source %s while the node is served. comity intel mirror run %s fetches now.", p.bold(line(v.Name)), span(time.Duration(v.Every)*time.Second), v.Source.Short(), line(v.Name))
		})
	})
}

type mirrorShowCmd struct {
	Name string `arg:"" help:"The mirror."`
}

func (mirrorShowCmd) Help() string { return `  comity intel mirror show feeds` }

func (c *mirrorShowCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		v, err := n.Mirror(ctx, c.Name)
		if err != nil {
			return advise(err, "comity intel mirror list")
		}
		return s.show(v, func(p *page) { writeMirror(p, v) })
	})
}

func writeMirror(p *page, v node.MirrorView) {
	p.say("%s  %s, every %s", p.bold(line(v.Name)), v.Kind, span(time.Duration(v.Every)*time.Second))
	p.say("Address     %s", line(v.URL))
	if v.Credential {
		p.say("Signs in    %s", cmp.Or(line(v.User), "as a bearer"))
	}
	p.say("Source      %s", v.Source.Short())
	p.say("Last run    %s", cmp.Or(when(v.State.Ran), "none yet"))
	p.say("Succeeded   %s", cmp.Or(when(v.State.Succeeded), "not yet"))
	p.say("Next        %s", nextRun(v))
	p.say("Last took   %s, here already %s, refused %s", number(v.State.Last.Taken), number(v.State.Last.Duplicates), number(v.State.Last.Refused))
	p.say("Ever        %s, here already %s, refused %s", number(v.State.All.Taken), number(v.State.All.Duplicates), number(v.State.All.Refused))
	p.say("Has         %s", cmp.Or(line(v.Stands()), "nothing yet: it begins at the beginning"))
	if v.State.More {
		p.say("There is more than one run fetches: it goes on in a minute.")
	}
	if v.State.Error != "" {
		p.say("%s (%s in a row)", p.warn(line(v.State.Error)), plural(v.State.Failures, "failure", "failures"))
	}
	for _, r := range v.State.Last.Refusals {
		p.say("  refused %s: %s", line(r.Object), line(r.Reason))
	}
}

type mirrorRunCmd struct {
	Name  string `arg:"" help:"The mirror."`
	Again bool   `help:"From the beginning. What is here already is not taken again."`
}

func (mirrorRunCmd) Help() string {
	return `It goes on where the last run ended. One that is broken off is repeated.
  comity intel mirror run feeds
  comity intel mirror run feeds --again`
}

func (c *mirrorRunCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		stop := s.working("fetching")
		v, err := n.RunMirror(ctx, c.Name, c.Again)
		stop()
		if err == nil {
			err = n.Catalogued(ctx)
		}
		if err != nil {
			return err
		}
		return s.show(v, func(p *page) { writeMirror(p, v) })
	})
}

type mirrorPauseCmd struct {
	Name string `arg:"" help:"The mirror."`
}

func (mirrorPauseCmd) Help() string { return `  comity intel mirror pause feeds` }

func (c *mirrorPauseCmd) Run(ctx context.Context, s *session) error {
	return pauseMirror(ctx, s, c.Name, true)
}

type mirrorResumeCmd struct {
	Name string `arg:"" help:"The mirror."`
}

func (mirrorResumeCmd) Help() string { return `  comity intel mirror resume feeds` }

func (c *mirrorResumeCmd) Run(ctx context.Context, s *session) error {
	return pauseMirror(ctx, s, c.Name, false)
}

func pauseMirror(ctx context.Context, s *session, name string, pause bool) error {
	return s.with(ctx, func(n *node.Node) error {
		if err := n.PauseMirror(ctx, name, pause); err != nil {
			return advise(err, "comity intel mirror list")
		}
		return s.show(struct {
			Name   string `json:"name"`
			Paused bool   `json:"paused"`
		}{name, pause}, func(p *page) {
			if pause {
				p.say("%s rests.", line(name))
				return
			}
			p.say("%s goes on.", line(name))
		})
	})
}

type mirrorSecretCmd struct {
	Name       string `arg:"" help:"The mirror."`
	User       string `placeholder:"NAME" help:"User of HTTP Basic. Without it, the credential is shown as a bearer's."`
	SecretFile string `placeholder:"FILE" help:"A file that only you can read, with the password or token in its first line; - reads it from the standard input. Without it: none is shown any more."`
}

func (mirrorSecretCmd) Help() string {
	return `It is fetched with it at once.
  comity intel mirror secret feeds --user desk --secret-file feeds.password`
}

func (c *mirrorSecretCmd) Run(ctx context.Context, s *session) error {
	secret, err := s.secret(c.SecretFile)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		if err := n.SetMirrorSecret(ctx, c.Name, c.User, secret); err != nil {
			return err
		}
		return s.show(struct {
			Name       string `json:"name"`
			Credential bool   `json:"credential"`
		}{c.Name, len(secret) > 0}, func(p *page) {
			if len(secret) == 0 {
				p.say("%s shows no credential any more.", line(c.Name))
				return
			}
			p.say("%s has another credential.", line(c.Name))
		})
	})
}

type mirrorRemoveCmd struct {
	Name string `arg:"" help:"The mirror."`
}

func (mirrorRemoveCmd) Help() string {
	return `Its source stays open, and what it has brought stays in it.
  comity intel mirror remove feeds`
}

func (c *mirrorRemoveCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		if err := n.RemoveMirror(ctx, c.Name); err != nil {
			return advise(err, "comity intel mirror list")
		}
		return s.show(struct {
			Removed string `json:"removed"`
		}{c.Name}, func(p *page) { p.say("%s is fetched no more. What it has brought stays.", line(c.Name)) })
	})
}
