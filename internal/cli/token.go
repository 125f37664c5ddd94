package cli

import (
	"context"
	"strings"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

type tokenCmd struct {
	Make   tokenMakeCmd   `cmd:"" help:"Make a token for an officer. It is shown once."`
	List   tokenListCmd   `cmd:"" help:"List tokens: all of them to an administrator, to others their own."`
	Revoke tokenRevokeCmd `cmd:"" help:"Make a token good for nothing."`
}

type tokenMakeCmd struct {
	Officer string   `arg:"" help:"For whom."`
	Scope   []string `placeholder:"ROLE" help:"A role of the officer in which it may be used. Without it: all of them."`
	Expires string   `default:"+90d" placeholder:"TIME" help:"Until when it is good, at most a year: +36h, +90d or 2027-01-31."`
	Output  string   `short:"o" placeholder:"FILE" help:"Write it to a new file that only you can read, and not to the screen."`
	TLP     string   `name:"tlp" placeholder:"LABEL" help:"The strictest marking of objects that it is given: CLEAR, GREEN, AMBER, AMBER+STRICT or RED. With it the token is good for TAXII and MISP alone. Without it: what programs are given, AMBER."`
	Partner string   `placeholder:"NAME" help:"Somebody outside who has no node: the token is good for TAXII and MISP alone, and for none of the officer's roles."`
	Party   string   `placeholder:"CODE" help:"The party that the partner is of. Without it: of none."`
	See     []string `placeholder:"COLLECTION" help:"A source, feed or share that the partner is given, by its name or id; all: whatever markings and agreements leave."`
	Write   string   `placeholder:"SOURCE" help:"The source that the partner brings objects into."`
}

func (tokenMakeCmd) Help() string {
	return `The node keeps no token, only a keyed hash: who loses one gets another. Show it by COMITY_TOKEN or --token-file. Whoever can open the node may make one for an administrator.
  comity token make root -o root.token
  comity --as root --token-file root.token token make desk-3 --scope analyst --expires +30d
  comity --as root --token-file root.token token make desk-3 --partner hospital-7 --tlp GREEN --see sensors --write hospitals`
}

func (c *tokenMakeCmd) Run(ctx context.Context, s *session) error {
	scopes, err := auth.ParseRoles(c.Scope)
	if err != nil {
		return err
	}
	expires, err := s.moment("--expires", c.Expires)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		secret, err := n.MakeTokenWithin(ctx, c.Officer, scopes, node.TokenLimits{
			Partner: c.Partner, Party: party.Code(c.Party), TLP: marking.TLP(strings.ToUpper(strings.TrimPrefix(c.TLP, "TLP:"))), See: c.See, Write: c.Write,
		}, expires)
		if err != nil {
			return err
		}
		return s.hand(handed{Officer: c.Officer, Token: secret.Reveal(), Expires: expires}, c.Output, "token of "+c.Officer,
			"the token that was made is lost: revoke it (comity token list), and make another one")
	})
}

// handed is a secret that was made, or the file that it is in.
type handed struct {
	Officer string         `json:"officer"`
	Token   string         `json:"token,omitzero"` // this or Link
	Link    string         `json:"link,omitzero"`
	File    string         `json:"file,omitzero"`
	Expires statement.Time `json:"expires"`
}

// hand gives a secret out, once: the node does not keep it. It goes to the screen, or into a new file that its owner alone can read. lost says what to do where it can't be written.
func (s *session) hand(v handed, output, what, lost string) error {
	secret := v.Token + v.Link
	if output != "" {
		if err := writeFile(output, false, writing([]byte(secret+"\n"))); err != nil {
			return advise(err, lost)
		}
		v.Token, v.Link, v.File = "", "", output
	}
	return s.show(v, func(p *page) {
		if v.File != "" {
			p.say("A %s, good until %s, is in %s.", what, when(v.Expires), v.File)
			return
		}
		p.say("%s", secret)
		s.note("a " + what + ", good until " + when(v.Expires) + "; it is not shown again")
	})
}

type tokenListCmd struct{}

func (tokenListCmd) Help() string { return `  comity token list` }

func (c *tokenListCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		all, err := n.Tokens(ctx)
		if err != nil {
			return err
		}
		now := statement.TimeOf(s.now())
		return s.show(all, func(p *page) {
			if len(all) == 0 {
				p.say("No token.")
				return
			}
			t := newTable("token", "officer", "stands for", "made", "last used", "good until", "")
			for _, v := range all {
				state, day := "", ""
				switch {
				case !v.Revoked.IsZero():
					state = "revoked"
				case !now.Before(v.Expires):
					state = "expired"
				}
				if !v.LastUsed.IsZero() {
					day = v.LastUsed.Std().Format("2006-01-02")
				}
				t.add(v.Name, v.Officer, stands(v.Scopes), when(v.Made), day, when(v.Expires), state)
			}
			p.table(t)
		})
	})
}

// stands is what a token stands for: roles as people say them, and limits, ids cut short.
func stands(scopes []string) string {
	out := make([]string, len(scopes))
	for i, v := range scopes {
		what, of, limit := strings.Cut(v, ":")
		if _, err := statement.ParseID(of); err == nil {
			of = of[:8]
		}
		if out[i] = what + ":" + of; !limit {
			out[i] = spoken([]string{v})
		}
	}
	return strings.Join(out, ", ")
}

type tokenRevokeCmd struct {
	Token string `arg:"" help:"The token's name in the list, or its first four digits or more. It is not the token itself."`
}

func (tokenRevokeCmd) Help() string { return `  comity token revoke 3f2a1b` }

func (c *tokenRevokeCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		if err := n.RevokeToken(ctx, c.Token); err != nil {
			return advise(err, "comity token list")
		}
		return s.show(struct {
			Revoked string `json:"revoked"`
		}{c.Token}, func(p *page) { p.say("The token %s is revoked.", line(c.Token)) })
	})
}
