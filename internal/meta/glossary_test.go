package meta

import (
	"go/ast"
	"path"
	"regexp"
	"strings"
	"testing"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// loose finds glossary entries that name what does not exist: a Go name that no package exports, or a word that spec/ and
// the table of faults do not have. It also finds a term that stands twice.
func loose(t tree) []breach {
	exported, words := names(t)
	var out []breach
	seen := map[string]bool{}
	for _, f := range t {
		if f.path != "docs/glossary.md" {
			continue
		}
		for line := range strings.Lines(f.text) {
			cells := strings.Split(strings.Trim(line, "| \n"), " | ")
			if len(cells) != 4 || cells[0] == "term" {
				continue
			}
			for term := range strings.SplitSeq(cells[0], ", ") {
				if seen[term] {
					out = append(out, breach{term, f.path, "explains " + term + " twice"})
				}
				seen[term] = true
			}
			for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
				if !exported[m[1]] {
					out = append(out, breach{m[1], f.path, cells[0] + ": no package exports " + m[1]})
				}
			}
			for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
				if !words[m[1]] {
					out = append(out, breach{m[1], f.path, cells[0] + ": spec/ does not have the word " + m[1]})
				}
			}
		}
	}
	return out
}

var word = regexp.MustCompile(`[a-z0-9_]+([.-][a-z0-9_]+)*`)

// names gives what packages export, as package.Name, and the words of spec/.
func names(t tree) (exported, words map[string]bool) {
	exported, words = map[string]bool{}, map[string]bool{}
	for _, f := range t {
		if path.Dir(f.path) == "spec" {
			for _, w := range word.FindAllString(f.text, -1) {
				words[w] = true
			}
		}
		if f.syntax == nil || f.test() {
			continue
		}
		add := func(id *ast.Ident) { exported[f.syntax.Name.Name+"."+id.Name] = id.IsExported() }
		for _, d := range f.syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					add(d.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						add(s.Name)
					case *ast.ValueSpec:
						for _, id := range s.Names {
							add(id)
						}
					}
				}
			}
		}
	}
	return exported, words
}

func TestGlossary(t *testing.T) { t.Parallel(); hold(t, loose, nil) }

func TestGlossaryRuleCatches(t *testing.T) {
	t.Parallel()
	const (
		code = "package party\ntype Code string\ntype hidden int"
		spec = "a member `from`, a kind `assist.ask-use`"
	)
	row := func(s string) string { return "| term | what | code | JSON |\n|---|---|---|---|\n" + s + "\n" }
	check(t, loose, []catches{
		{"good", []string{"party/a.go", code, "spec/a.md", spec, "docs/glossary.md", row("| party | who | `party.Code` | `from`, `assist.ask-use` |")}, nil},
		{"no such name", []string{"party/a.go", code, "docs/glossary.md", row("| party | who | `party.Name` | – |")}, []string{"party.Name"}},
		{"not exported", []string{"party/a.go", code, "docs/glossary.md", row("| party | who | `party.hidden` | – |")}, []string{"party.hidden"}},
		{"no such word", []string{"party/a.go", code, "spec/a.md", spec, "docs/glossary.md", row("| party | who | – | `sender` |")}, []string{"sender"}},
		{"twice", []string{"docs/glossary.md", row("| party | who | – | – |\n| peer, party | who | – | – |")}, []string{"party"}},
	})
}
