package cli

import "github.com/comity-exchange/comity/internal/node"

type versionCmd struct{}

func (versionCmd) Help() string { return "  comity version --json" }

func (c *versionCmd) Run(s *session) error {
	v := node.ThisProgram()
	return s.show(v, func(p *page) {
		p.say("comity %s, protocol %d, %s", v.Version, v.Protocol, v.Go)
		if v.Commit != "" {
			changed := ""
			if v.Changed {
				changed = ", changed since"
			}
			p.say("commit %s%s", v.Commit, changed)
		}
	})
}
