package cli

import (
	"context"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
)

type officerCmd struct {
	Add     officerAddCmd     `cmd:"" help:"Add an officer. The first one is an administrator."`
	List    officerListCmd    `cmd:"" help:"List officers."`
	Show    officerShowCmd    `cmd:"" help:"Show one officer."`
	Roles   officerRolesCmd   `cmd:"" help:"Give an officer these roles and no others."`
	Disable officerDisableCmd `cmd:"" help:"Take every permission from an officer."`
	Enable  officerEnableCmd  `cmd:"" help:"Give a disabled officer the permissions back."`
	Link    officerLinkCmd    `cmd:"" help:"Make a one-time link that lets an officer in. It is shown once."`
	Ways    officerWaysCmd    `cmd:"" help:"Show how an officer comes in, and where the officer is signed in."`
	Bind    officerBindCmd    `cmd:"" help:"Let somebody at the provider of identities in as an officer."`
	Drop    officerDropCmd    `cmd:"" help:"Take a passkey or an identity away."`
	SignOut officerSignOutCmd `cmd:"" help:"Sign an officer out everywhere."`
}

// claim is who a command line says to be: --as or COMITY_AS, and a token from a file or COMITY_TOKEN. A token is no argument: others would see it.
func (s *session) claim(as, file string) (auth.Claim, error) {
	c := auth.Claim{Officer: as, Token: auth.Typed(s.getenv(config.EnvToken))}
	if c.Officer == "" {
		c.Officer = s.getenv(config.EnvAs)
	}
	if file == "" {
		return c, nil
	}
	raw, err := passphrase(file)
	c.Token = auth.Typed(string(raw))
	return c, err
}

type officerAddCmd struct {
	ID       string   `arg:"" name:"id" help:"By what the officer is listed and signs in, like night or desk-2: best no name."`
	Name     string   `required:"" placeholder:"NAME" help:"The officer's name. It stays on this node."`
	Role     []string `required:"" placeholder:"ROLE" help:"What the officer may do: analyst, duty-officer, releasing-officer, legal-adviser, auditor or administrator."`
	Language []string `placeholder:"TAG" help:"A language that the officer works in, like en."`
}

func (officerAddCmd) Help() string {
	return `While a node has no officers, whoever can open it may do everything. From the first officer on, what is said, read and changed takes an officer and a token.
  comity officer add root --name "K. Lund" --role administrator
  comity --as root officer add desk-3 --name "Third desk" --role analyst --role duty-officer --language en --language fr`
}

func (c *officerAddCmd) Run(ctx context.Context, s *session) error {
	roles, err := auth.ParseRoles(c.Role)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		if err := n.AddOfficer(ctx, auth.Person{ID: c.ID, Name: c.Name, Roles: roles, Languages: c.Language}); err != nil {
			return err
		}
		return s.showOfficer(ctx, n, c.ID, func(p *page, v node.OfficerView) {
			p.say("%s is an officer: %s.", p.bold(v.ID), spoken(v.Roles))
			p.say("Next: %s", nextFor(n, v.ID))
		})
	})
}

// nextFor is what gives a new officer a way in: to the pages, where there are any, else to the command line.
func nextFor(n *node.Node, id string) string {
	if n.Config.WebListen == "" && n.Config.WebURL == "" {
		return "comity token make " + id
	}
	return "comity officer link " + id
}

// spoken is roles as people say them.
func spoken(roles []string) string { return strings.ReplaceAll(strings.Join(roles, ", "), "-", " ") }

// showOfficer prints one officer; an operator who has just added the first one may not look any more.
func (s *session) showOfficer(ctx context.Context, n *node.Node, id string, write func(p *page, v node.OfficerView)) error {
	all, err := n.Officers(ctx)
	if fault.CodeOf(err) == fault.Denied {
		return s.show(struct {
			ID string `json:"id"`
		}{id}, func(p *page) {
			p.say("%s is the first officer, an administrator. From now on everything takes an officer and a token.", p.bold(id))
			p.say("Next: %s", nextFor(n, id))
		})
	}
	if err != nil {
		return err
	}
	for _, v := range all {
		if v.ID == id {
			return s.show(v, func(p *page) { write(p, v) })
		}
	}
	return advise(fault.New(fault.NotFound, "", "there is no officer of that id here"), "comity officer list")
}

type officerListCmd struct{}

func (officerListCmd) Help() string { return `  comity officer list` }

func (c *officerListCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		all, err := n.Officers(ctx)
		if err != nil {
			return err
		}
		return s.show(all, func(p *page) {
			if len(all) == 0 {
				p.say("No officer: whoever can open this node may do everything.")
				return
			}
			t := newTable("id", "name", "roles", "languages", "since", "")
			for _, v := range all {
				t.addAlert(v.Disabled, v.ID, line(v.Name), spoken(v.Roles), strings.Join(v.Languages, ", "), when(v.Made), disabled(v))
			}
			p.table(t)
		})
	})
}

func disabled(v node.OfficerView) string {
	if v.Disabled {
		return "DISABLED"
	}
	return ""
}

type officerShowCmd struct {
	ID string `arg:"" name:"id" help:"The officer."`
}

func (officerShowCmd) Help() string { return `  comity officer show desk-3` }

func (c *officerShowCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error { return s.showOfficer(ctx, n, c.ID, writeOfficer) })
}

func writeOfficer(p *page, v node.OfficerView) {
	p.say("%s  %s  %s", p.bold(v.ID), line(v.Name), p.warn(disabled(v)))
	p.say("Roles       %s", spoken(v.Roles))
	if len(v.Languages) > 0 {
		p.say("Languages   %s", strings.Join(v.Languages, ", "))
	}
	p.say("Pseudonym   %s", v.Pseudonym)
	p.say("Added       %s by %s", when(v.Made), whoever(v.MadeBy))
	p.say("Changed     %s by %s", when(v.Changed), whoever(v.ChangedBy))
	p.say("Recorded    comity thread %s", v.Record.Short())
}

// whoever is an officer's id, or the operator.
func whoever(id string) string {
	if id == "" {
		return "the operator"
	}
	return id
}

type officerRolesCmd struct {
	ID   string   `arg:"" name:"id" help:"The officer."`
	Role []string `arg:"" name:"role" help:"All roles that the officer is to have."`
}

func (officerRolesCmd) Help() string {
	return `Duties are kept apart: an auditor changes nothing whatever other roles there are, and who is an administrator approves nothing.
  comity officer roles desk-3 analyst releasing-officer`
}

func (c *officerRolesCmd) Run(ctx context.Context, s *session) error {
	roles, err := auth.ParseRoles(c.Role)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		if err := n.SetRoles(ctx, c.ID, roles); err != nil {
			return err
		}
		return s.showOfficer(ctx, n, c.ID, writeOfficer)
	})
}

type officerDisableCmd struct {
	ID string `arg:"" name:"id" help:"The officer."`
}

func (officerDisableCmd) Help() string {
	return `It holds at once, whatever tokens the officer has. What the officer has said and approved stands.
  comity officer disable desk-3`
}

func (c *officerDisableCmd) Run(ctx context.Context, s *session) error {
	return setDisabled(ctx, s, c.ID, true)
}

type officerEnableCmd struct {
	ID string `arg:"" name:"id" help:"The officer."`
}

func (officerEnableCmd) Help() string { return `  comity officer enable desk-3` }

func (c *officerEnableCmd) Run(ctx context.Context, s *session) error {
	return setDisabled(ctx, s, c.ID, false)
}

func setDisabled(ctx context.Context, s *session, id string, disabled bool) error {
	return s.with(ctx, func(n *node.Node) error {
		if err := n.SetDisabled(ctx, id, disabled); err != nil {
			return err
		}
		return s.showOfficer(ctx, n, id, writeOfficer)
	})
}
