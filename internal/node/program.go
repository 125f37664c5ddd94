package node

import "runtime/debug"

// Program is which program this is.
type Program struct {
	Version  string `json:"version"` // as it was released; "devel" where it was not
	Protocol int    `json:"protocol"`
	Commit   string `json:"commit,omitzero"`
	Changed  bool   `json:"changed,omitzero"` // built from a tree that is not the commit's
	Go       string `json:"go"`
}

// ThisProgram reads what was built into the program.
func ThisProgram() Program {
	p := Program{Version: "devel", Protocol: 1}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return p
	}
	p.Go = info.GoVersion
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		p.Version = info.Main.Version
	}
	for _, set := range info.Settings {
		switch set.Key {
		case "vcs.revision":
			p.Commit = set.Value
		case "vcs.modified":
			p.Changed = set.Value == "true"
		}
	}
	return p
}
