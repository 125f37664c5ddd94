package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/comity-exchange/comity/fault"
)

// help prints the help of what was typed so far. kong calls it.
func (s *session) help(_ kong.HelpOptions, c *kong.Context) error {
	n := c.Selected()
	if n == nil {
		n = deepest(c)
	}
	if n == nil {
		n = c.Model.Node
	}
	_, err := io.WriteString(s.out, helpText(n))
	return err
}

// helpText is the help of the program or of one command.
func helpText(n *kong.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage: %s\n", n.Help, usage(n))
	if about, examples := split(n.Detail); about != "" || examples != "" {
		if about != "" {
			fmt.Fprintf(&b, "\n%s\n", about)
		}
		if examples != "" {
			fmt.Fprintf(&b, "\nExamples:\n%s\n", examples)
		}
	}
	section(&b, "Arguments", arguments(n))
	for _, g := range groups(n) {
		section(&b, g.title, g.rows)
	}
	section(&b, "Flags", flagRows(n, false))
	section(&b, "Flags of every command", flagRows(root(n), true))
	section(&b, "Exit status", exitRows())
	return b.String()
}

// split parts a command's Help text into what it says and its examples, which are the lines that begin with two blanks.
func split(detail string) (about, examples string) {
	if strings.HasPrefix(detail, "  ") {
		return "", strings.TrimRight(detail, "\n")
	}
	i := strings.Index(detail, "\n  ")
	if i < 0 {
		return strings.TrimSpace(detail), ""
	}
	return strings.TrimSpace(detail[:i]), strings.TrimRight(detail[i+1:], "\n")
}

// row is a name and what it means.
type row struct{ name, text string }

type group struct {
	title string
	rows  []row
}

func root(n *kong.Node) *kong.Node {
	for n.Parent != nil {
		n = n.Parent
	}
	return n
}

// words is the command as it is typed: "comity credence show".
func words(n *kong.Node) string {
	if n.Parent == nil {
		return n.Name
	}
	return words(n.Parent) + " " + n.Name
}

func usage(n *kong.Node) string {
	parts := []string{words(n)}
	if len(n.Children) > 0 {
		parts = append(parts, "COMMAND")
	}
	for _, a := range n.Positional {
		parts = append(parts, argument(a))
	}
	for _, f := range n.Flags {
		if f.Required && !f.Hidden {
			parts = append(parts, flagName(f, false))
		}
	}
	return strings.Join(append(parts, "[flags]"), " ")
}

func argument(v *kong.Positional) string {
	name := strings.ToUpper(v.Name)
	if v.IsCumulative() {
		name += "..."
	}
	if !v.Required {
		return "[" + name + "]"
	}
	return name
}

func arguments(n *kong.Node) (rows []row) {
	for _, a := range n.Positional {
		rows = append(rows, row{argument(a), a.Help})
	}
	return rows
}

func flagName(f *kong.Flag, both bool) string {
	name := "--" + f.Name
	if both && f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	if f.IsBool() {
		return name
	}
	holder := f.PlaceHolder
	if holder == "" {
		holder = strings.ToUpper(f.Name)
	}
	return name + "=" + holder
}

// flagRows lists a command's own flags.
func flagRows(n *kong.Node, global bool) (rows []row) {
	if n.Parent == nil && !global {
		return nil
	}
	for _, f := range n.Flags {
		if f.Hidden {
			continue
		}
		text := f.Help
		if f.HasDefault && f.Default != "" {
			text += " Default: " + f.Default + "."
		}
		if f.IsCumulative() {
			text += " May be repeated."
		}
		rows = append(rows, row{flagName(f, true), text})
	}
	return rows
}

// groups lists the commands below n, by group at the top.
func groups(n *kong.Node) (out []group) {
	for _, c := range n.Children {
		if c.Hidden {
			continue
		}
		title := "Commands"
		if n.Parent == nil && c.Group != nil {
			title = c.Group.Title
		}
		if len(out) == 0 || out[len(out)-1].title != title {
			out = append(out, group{title: title})
		}
		g := &out[len(out)-1]
		g.rows = append(g.rows, row{c.Name, c.Help})
	}
	return out
}

// exitRows is the table of exit statuses, one row for each.
func exitRows() []row {
	rows := []row{{"0", "done"}}
	for _, r := range fault.ExitTable() {
		name := fmt.Sprint(r.Status)
		if last := &rows[len(rows)-1]; last.name == name {
			last.text += "; " + r.Remark
			continue
		}
		rows = append(rows, row{name, r.Remark})
	}
	return rows
}

func section(b *strings.Builder, title string, rows []row) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	width := 0
	for _, r := range rows {
		if n := utf8.RuneCountInString(r.name); n <= 28 {
			width = max(width, n)
		}
	}
	for _, r := range rows {
		lines := wrap(r.text, 96-width)
		if utf8.RuneCountInString(r.name) > width {
			fmt.Fprintf(b, "  %s\n", r.name)
		} else {
			fmt.Fprintf(b, "  %-*s  %s\n", width, r.name, lines[0])
			lines = lines[1:]
		}
		for _, l := range lines {
			fmt.Fprintf(b, "  %-*s  %s\n", width, "", l)
		}
	}
}

// wrap breaks a text into lines of at most width characters where blanks allow; at least one line.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, w := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = w
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(w) > width:
			lines = append(lines, w)
		default:
			*last += " " + w
		}
	}
	return lines
}
