package cli

import "runtime/debug"

type versionCmd struct{}

func (versionCmd) Help() string { return "  comity version --json" }

func (c *versionCmd) Run(s *session) error {
	v := struct {
		Version  string `json:"version"`
		Protocol int    `json:"protocol"`
		Commit   string `json:"commit,omitzero"`
		Changed  bool   `json:"changed,omitzero"` // built from a tree that is not the commit's
		Go       string `json:"go"`
	}{Version: version(), Protocol: 1}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Go = info.GoVersion
		for _, set := range info.Settings {
			switch set.Key {
			case "vcs.revision":
				v.Commit = set.Value
			case "vcs.modified":
				v.Changed = set.Value == "true"
			}
		}
	}
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

// version is what the program was released as; "devel" when it was not.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
