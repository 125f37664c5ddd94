package meta

import (
	"go/ast"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	defined  = regexp.MustCompile(`(?m)^- \*\*([A-Z]{3}-[0-9]+)\*\*`)
	anyID    = regexp.MustCompile(`\b[A-Z]{3}-[0-9]+\b`)
	citation = regexp.MustCompile(`^// spec: ([A-Z]{3}-[0-9]+(, [A-Z]{3}-[0-9]+)*)$`)
)

// specified gives each clause of spec/ and the file that defines it, and clauses that are defined twice.
func specified(t tree) (clauses map[string]string, twice []breach) {
	clauses = map[string]string{}
	for _, f := range t {
		if path.Dir(f.path) != "spec" || path.Ext(f.path) != ".md" {
			continue
		}
		for _, m := range defined.FindAllStringSubmatch(f.text, -1) {
			if other := clauses[m[1]]; other != "" {
				twice = append(twice, breach{m[1], f.path, m[1] + " is defined in " + other + " too"})
			}
			clauses[m[1]] = f.path
		}
	}
	return clauses, twice
}

// families are the letters before the dash: what tells a clause from "SHA-256".
func families(clauses map[string]string) map[string]bool {
	out := map[string]bool{}
	for c := range clauses {
		out[c[:3]] = true
	}
	return out
}

// orphans finds citations of clauses that do not exist: in comments, in strings (a fault names its clause), in vectors and in
// documents. It also finds citations that are not of the one form.
func orphans(t tree) []breach {
	clauses, out := specified(t)
	known := families(clauses)
	must := func(id, where string) {
		if known[id[:3]] && clauses[id] == "" {
			out = append(out, breach{id, where, "cites " + id + ", which spec/ does not have"})
		}
	}
	for _, f := range t {
		switch {
		case strings.HasPrefix(f.path, "internal/meta/"):
			// The samples of these very tests.
		case f.syntax != nil:
			for _, g := range f.syntax.Comments {
				for _, c := range g.List {
					if strings.HasPrefix(c.Text, "// spec:") && !citation.MatchString(c.Text) {
						out = append(out, breach{f.path, f.line(c), "a citation has the form `// spec: ABC-1, ABC-2`"})
					}
					for _, id := range anyID.FindAllString(c.Text, -1) {
						must(id, f.line(c))
					}
				}
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if s, err := strconv.Unquote(lit.Value); err == nil && anyID.FindString(s) == s && s != "" {
						must(s, f.line(lit))
					}
				}
				return true
			})
		case path.Ext(f.path) == ".md" || strings.HasPrefix(f.path, "spec/"):
			for _, id := range anyID.FindAllString(f.text, -1) {
				must(id, f.path)
			}
		}
	}
	return out
}

// uncitedClauses finds clauses that no `// spec:` comment and no vector names.
func uncitedClauses(t tree) []breach {
	clauses, _ := specified(t)
	missing := maps.Clone(clauses)
	for _, f := range t {
		switch {
		case strings.HasPrefix(f.path, "internal/meta/"):
		case strings.HasPrefix(f.path, "spec/vectors/"):
			for _, id := range anyID.FindAllString(f.text, -1) {
				delete(missing, id)
			}
		case f.syntax != nil:
			for _, g := range f.syntax.Comments {
				for _, c := range g.List {
					if m := citation.FindStringSubmatch(c.Text); m != nil {
						for id := range strings.SplitSeq(m[1], ", ") {
							delete(missing, id)
						}
					}
				}
			}
		}
	}
	var out []breach
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		out = append(out, breach{id, missing[id], id + " is cited by no code, no test and no vector"})
	}
	return out
}

func TestClausesAreCited(t *testing.T) { t.Parallel(); hold(t, uncitedClauses, uncited) }
func TestCitationsExist(t *testing.T)  { t.Parallel(); hold(t, orphans, nil) }

func TestSpecHasClauses(t *testing.T) {
	t.Parallel()
	all, err := whole()
	if err != nil {
		t.Fatal(err)
	}
	// A change of the documents' form must not turn the two tests above into tests of nothing.
	if clauses, _ := specified(all); len(clauses) < 100 || len(families(clauses)) < 10 {
		t.Errorf("found %d clauses in %d families: has their form changed?", len(clauses), len(families(clauses)))
	}
}

func TestClauseRulesCatch(t *testing.T) {
	t.Parallel()
	const spec = "# A\n- **ABC-1** One.\n- **ABC-2** Two, after ABC-1.\n"
	t.Run("citations", func(t *testing.T) {
		t.Parallel()
		check(t, orphans, []catches{
			{"good", []string{"spec/a.md", spec, "a/a.go", "package a\n// spec: ABC-1, ABC-2\n// SHA-256 is no clause\nconst c = \"ABC-2\""}, nil},
			{"comment", []string{"spec/a.md", spec, "a/a.go", "package a\n// spec: ABC-3"}, []string{"ABC-3"}},
			{"string", []string{"spec/a.md", spec, "a/a.go", "package a\nconst c = \"ABC-4\""}, []string{"ABC-4"}},
			{"form", []string{"spec/a.md", spec, "a/a.go", "package a\n// spec: ABC-1 and ABC-2"}, []string{"a/a.go"}},
			{"document", []string{"spec/a.md", spec, "docs/a.md", "see ABC-9"}, []string{"ABC-9"}},
			{"vector", []string{"spec/a.md", spec, "spec/vectors/a.json", `{"clause":"ABC-8"}`}, []string{"ABC-8"}},
			{"twice", []string{"spec/a.md", spec, "spec/b.md", "- **ABC-1** Again."}, []string{"ABC-1"}},
		})
	})
	t.Run("clauses", func(t *testing.T) {
		t.Parallel()
		check(t, uncitedClauses, []catches{
			{"none cited", []string{"spec/a.md", spec}, []string{"ABC-1", "ABC-2"}},
			{"mentioned is not cited", []string{"spec/a.md", spec, "a/a.go", "package a\n// see ABC-1"}, []string{"ABC-1", "ABC-2"}},
			{"comment and vector", []string{"spec/a.md", spec, "a/a.go", "package a\n// spec: ABC-1", "spec/vectors/a.json", `{"clause":"ABC-2"}`}, nil},
		})
	})
}
