package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/comity-exchange/comity/fault"
)

type completionCmd struct {
	Shell string `arg:"" help:"bash, zsh or fish."`
}

func (completionCmd) Help() string {
	return `  comity completion bash > ~/.local/share/bash-completion/completions/comity
  comity completion zsh > ~/.zfunc/_comity
  comity completion fish > ~/.config/fish/completions/comity.fish`
}

func (c *completionCmd) Run(s *session, app *kong.Kong) error {
	write := map[string]func(*kong.Node) string{"bash": bash, "zsh": zsh, "fish": fish}[c.Shell]
	if write == nil {
		return fault.New(fault.Usage, "", "there are completions for bash, zsh and fish")
	}
	script := write(app.Model.Node)
	return s.show(map[string]string{"shell": c.Shell, "script": script}, func(p *page) { p.WriteString(script) })
}

// place is one point on a command line: what was typed so far, and what may come next.
type place struct {
	path     string // "" at the top, "credence show"
	commands []row
	flags    []row
}

// places lists every command, the top first.
func places(n *kong.Node) []place {
	p := place{path: strings.TrimPrefix(strings.TrimPrefix(words(n), root(n).Name), " ")}
	for _, g := range groups(n) {
		p.commands = append(p.commands, g.rows...)
	}
	own := n.Flags
	if n.Parent != nil {
		own = append(own[:len(own):len(own)], root(n).Flags...)
	}
	for _, f := range own {
		if !f.Hidden {
			p.flags = append(p.flags, row{"--" + f.Name, f.Help})
		}
	}
	out := []place{p}
	for _, c := range n.Children {
		if !c.Hidden {
			out = append(out, places(c)...)
		}
	}
	return out
}

func names(rows []row) string {
	var out []string
	for _, r := range rows {
		out = append(out, r.name)
	}
	return strings.Join(out, " ")
}

func bash(top *kong.Node) string {
	var b strings.Builder
	b.WriteString(`# Completions of comity for bash.
_comity() {
    local cur=${COMP_WORDS[COMP_CWORD]} path= word i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case " $(_comity_next "$path") " in *" $word "*) path="${path:+$path }$word" ;; esac
    done
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_comity_flags "$path")" -- "$cur"))
    else
        COMPREPLY=($(compgen -W "$(_comity_next "$path")" -- "$cur"))
    fi
}
`)
	for _, part := range []struct {
		name string
		of   func(place) []row
	}{{"next", func(p place) []row { return p.commands }}, {"flags", func(p place) []row { return p.flags }}} {
		fmt.Fprintf(&b, "_comity_%s() {\n    case $1 in\n", part.name)
		for _, p := range places(top) {
			if list := part.of(p); len(list) > 0 {
				fmt.Fprintf(&b, "    %q) echo %q ;;\n", p.path, names(list))
			}
		}
		b.WriteString("    esac\n}\n")
	}
	b.WriteString("complete -o default -F _comity comity\n")
	return b.String()
}

func zsh(top *kong.Node) string {
	var b strings.Builder
	b.WriteString(`#compdef comity
# Completions of comity for zsh.
_comity() {
    local path= word
    local -a next flags
    for word in ${words[2,CURRENT-1]}; do
        _comity_place "$path"
        if (( ${next[(I)$word:*]} )); then path="${path:+$path }$word"; fi
    done
    _comity_place "$path"
    if [[ $PREFIX == -* ]]; then _describe flag flags
    elif (( $#next )); then _describe command next
    else _files
    fi
}
_comity_place() {
    next=() flags=()
    case $1 in
`)
	quote := func(rows []row) string {
		var out []string
		for _, r := range rows {
			text := strings.ReplaceAll(r.name+":"+strings.ReplaceAll(r.text, ":", `\:`), "'", `'\''`)
			out = append(out, "'"+text+"'")
		}
		return strings.Join(out, " ")
	}
	for _, p := range places(top) {
		fmt.Fprintf(&b, "    %q) next=(%s) flags=(%s) ;;\n", p.path, quote(p.commands), quote(p.flags))
	}
	b.WriteString("    esac\n}\ncompdef _comity comity\n")
	return b.String()
}

func fish(top *kong.Node) string {
	var b strings.Builder
	b.WriteString(`# Completions of comity for fish.
function __comity_at
    set -l path
    for word in (commandline -opc)[2..-1]
        if contains -- "$path $word" $__comity_paths
            set path "$path $word"
        end
    end
    test "$path" = "$argv[1]"
end
`)
	quote := func(s string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
	}
	all := places(top)
	b.WriteString("set -g __comity_paths")
	for _, p := range all[1:] {
		b.WriteString(" " + quote(" "+p.path))
	}
	b.WriteString("\n")
	for _, p := range all {
		at := p.path
		if at != "" {
			at = " " + at
		}
		for _, c := range p.commands {
			fmt.Fprintf(&b, "complete -c comity -n %s -f -a %s -d %s\n", quote("__comity_at "+quote(at)), c.name, quote(c.text))
		}
		for _, f := range p.flags {
			fmt.Fprintf(&b, "complete -c comity -n %s -l %s -d %s\n", quote("__comity_at "+quote(at)), strings.TrimPrefix(f.name, "--"), quote(f.text))
		}
	}
	return b.String()
}
