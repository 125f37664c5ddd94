package cli

import (
	"context"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/door"
)

// linkTo is where a one-time link leads; the secret alone where the settings do not say what browsers call the pages.
func linkTo(n *node.Node, secret auth.Secret) string {
	origin := n.Config.WebOrigin()
	if origin == "" {
		return secret.Reveal()
	}
	return door.Link(origin, secret)
}

type officerLinkCmd struct {
	ID      string `arg:"" name:"id" help:"The officer."`
	Expires string `default:"+1d" placeholder:"TIME" help:"Until when it is good, at most a week: +4h, +3d or 2027-01-31."`
	Output  string `short:"o" placeholder:"FILE" help:"Write it to a new file that only you can read, and not to the screen."`
}

func (officerLinkCmd) Help() string {
	return `Who opens the link is let in as the officer, once, and adds a passkey then. A link that the officer had before is void. When it is used, the officer is signed out everywhere else: so a lost passkey is replaced. Whoever can open the node may make one for an administrator.
  comity officer link root
  comity --as root officer link duty --expires +4h`
}

func (c *officerLinkCmd) Run(ctx context.Context, s *session) error {
	expires, err := s.moment("--expires", c.Expires)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		secret, err := n.MakeLink(ctx, c.ID, expires)
		if err != nil {
			return err
		}
		return s.hand(handed{Officer: c.ID, Link: linkTo(n, secret), Expires: expires}, c.Output, "one-time link for "+c.ID,
			"the link that was made is lost: make another one, which makes this one void")
	})
}

type officerWaysCmd struct {
	ID string `arg:"" name:"id" help:"The officer."`
}

func (officerWaysCmd) Help() string { return `  comity officer ways duty` }

func (c *officerWaysCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		v, err := n.Ways(ctx, c.ID)
		if err != nil {
			return err
		}
		return s.show(v, func(p *page) {
			if len(v.Passkeys)+len(v.Identities) == 0 {
				p.say("%s has no passkey and no identity: only a one-time link lets the officer in.", p.bold(c.ID))
			} else {
				t := newTable("name", "way in", "", "since", "last used")
				for _, k := range v.Passkeys {
					used := ""
					if !k.LastUsed.IsZero() {
						used = when(k.LastUsed)
					}
					t.add(k.Name, "passkey", line(k.Label), when(k.Made), used)
				}
				for _, i := range v.Identities {
					t.add(i.Name, "identity", line(i.Issuer), when(i.Made), "")
				}
				p.table(t)
			}
			for _, w := range v.Sessions {
				p.say("Signed in by %s since %s, last seen %s.", w.Way, when(w.Made), when(w.Seen))
			}
		})
	})
}

type officerBindCmd struct {
	ID      string `arg:"" name:"id" help:"The officer."`
	Issuer  string `placeholder:"URL" help:"The provider. Without it: the one of the settings."`
	Subject string `required:"" placeholder:"SUBJECT" help:"What the provider calls the officer (the claim sub). A mail address is none: others can have it later."`
}

func (officerBindCmd) Help() string {
	return `  comity officer bind duty --subject 248289761001`
}

func (c *officerBindCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		i := auth.Identity{Issuer: c.Issuer, Subject: c.Subject}
		if i.Issuer == "" {
			i.Issuer = n.Config.OIDCIssuer
		}
		if err := n.BindIdentity(ctx, c.ID, i); err != nil {
			return err
		}
		return s.show(struct {
			Bound string `json:"bound"`
		}{c.ID}, func(p *page) { p.say("Whoever %s calls so is let in as %s.", line(i.Issuer), p.bold(c.ID)) })
	})
}

type officerDropCmd struct {
	Name string `arg:"" help:"The name of the passkey or identity, as comity officer ways lists it."`
	Last bool   `help:"Also where it is your own last way in."`
}

func (officerDropCmd) Help() string {
	return `Its officer is signed out: whoever has the device may be signed in by it.
  comity officer drop 3f2a1b9c0d`
}

func (c *officerDropCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		if err := n.DropWay(ctx, c.Name, c.Last); err != nil {
			return advise(err, "comity officer ways ID")
		}
		return s.show(struct {
			Dropped string `json:"dropped"`
		}{c.Name}, func(p *page) { p.say("%s lets nobody in any more.", line(c.Name)) })
	})
}

type officerSignOutCmd struct {
	ID string `arg:"" name:"id" help:"The officer."`
}

func (officerSignOutCmd) Help() string {
	return `Sessions end at once; passkeys and tokens stay.
  comity officer sign-out duty`
}

func (c *officerSignOutCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		if err := n.SignOutEverywhere(ctx, c.ID); err != nil {
			return err
		}
		return s.show(struct {
			SignedOut string `json:"signed_out"`
		}{c.ID}, func(p *page) { p.say("%s is signed out everywhere.", p.bold(c.ID)) })
	})
}
