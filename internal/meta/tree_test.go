package meta

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

const module = "github.com/comity-exchange/comity"

// file is one file of the tree. syntax is nil for what is not Go.
type file struct {
	path      string // from the root, with slashes
	text      string
	set       *token.FileSet
	syntax    *ast.File
	generated bool
}

func (f *file) dir() string  { return path.Dir(f.path) }
func (f *file) test() bool   { return strings.HasSuffix(f.path, "_test.go") }
func (f *file) goCode() bool { return f.syntax != nil && !f.test() && !f.generated }
func (f *file) main() bool   { return f.syntax != nil && f.syntax.Name.Name == "main" }

// kernel tells whether the file belongs to a package that must be pure.
func (f *file) kernel() bool {
	if f.syntax == nil {
		return false
	}
	first, _, _ := strings.Cut(f.path, "/")
	return first != "internal" && first != "cmd" && first != "bench"
}

// line is where a node stands, for people.
func (f *file) line(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.set.Position(n.Pos()).Line)
}

// lines counts the lines that a node takes.
func (f *file) lines(n ast.Node) int {
	return f.set.Position(n.End()).Line - f.set.Position(n.Pos()).Line + 1
}

// imported gives the name by which the file calls the package at path; "" when it does not import it.
func (f *file) imported(pkg string) string {
	for _, im := range f.syntax.Imports {
		if strings.Trim(im.Path.Value, `"`) != pkg {
			continue
		}
		if im.Name != nil {
			return im.Name.Name
		}
		return path.Base(pkg)
	}
	return ""
}

// tree is the repository as text.
type tree []*file

// breach is one place where a rule is broken. key names it in a list of exceptions.
type breach struct {
	key, where, what string
}

// whole reads the repository once for all tests. They do not change it.
var whole = sync.OnceValues(func() (tree, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	return readTree(os.DirFS(root))
})

func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fs.ErrNotExist
		}
		dir = up
	}
}

// maxText bounds what is read: nothing larger in the tree is text that people write.
const maxText = 4 << 20

// readTree reads every text file but what git and the caches keep.
func readTree(fsys fs.FS) (tree, error) {
	var t tree
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == ".git" || base == ".cache" {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxText {
			return err
		}
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if !utf8.Valid(raw) {
			return nil
		}
		f, err := parseFile(name, string(raw))
		if err != nil {
			return err
		}
		t = append(t, f)
		return nil
	})
	return t, err
}

func parseFile(name, text string) (*file, error) {
	f := &file{path: name, text: text, set: token.NewFileSet()}
	if path.Ext(name) != ".go" || slices.Contains(strings.Split(name, "/"), "testdata") {
		return f, nil
	}
	syntax, err := parser.ParseFile(f.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f.syntax, f.generated = syntax, ast.IsGenerated(syntax)
	return f, nil
}

// sample makes a tree from names and texts in turn.
func sample(t *testing.T, namesAndTexts ...string) tree {
	t.Helper()
	var out tree
	for pair := range slices.Chunk(namesAndTexts, 2) {
		f, err := parseFile(pair[0], pair[1])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// hold runs a rule over the repository. An exception that excuses nothing fails too, so the lists can only shrink.
func hold(t *testing.T, rule func(tree) []breach, exceptions map[string]string) {
	t.Helper()
	all, err := whole()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, b := range rule(all) {
		if reason := exceptions[b.key]; reason != "" {
			used[b.key] = true
			continue
		}
		t.Errorf("%s: %s [%s]", b.where, b.what, b.key)
	}
	for key := range exceptions {
		if !used[key] {
			t.Errorf("the exception %q is no longer needed: take it off the list", key)
		}
	}
}

// packages groups Go files by folder, test files left out.
func (t tree) packages() map[string]tree {
	out := map[string]tree{}
	for _, f := range t {
		if f.syntax != nil && !f.test() {
			out[f.dir()] = append(out[f.dir()], f)
		}
	}
	return out
}

func keys(bs []breach) []string {
	var out []string
	for _, b := range bs {
		out = append(out, b.key)
	}
	slices.Sort(out)
	return out
}

// catches is one made-up tree and the keys of the breaches that a rule must find in it.
type catches struct {
	name string
	tree []string // names and texts in turn
	want []string // keys, sorted
}

func check(t *testing.T, rule func(tree) []breach, cases []catches) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := keys(rule(sample(t, c.tree...))); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}
