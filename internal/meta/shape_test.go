package meta

import (
	"fmt"
	"go/ast"
	"path"
	"strings"
	"testing"
)

// Bounds. A file or function past its bound usually holds two things.
const (
	maxFileLines     = 700
	maxFunctionLines = 90
	maxMethods       = 5
	maxDocLines      = 40
)

func longFiles(t tree) []breach {
	var out []breach
	for _, f := range t {
		if n := strings.Count(f.text, "\n"); f.goCode() && n > maxFileLines {
			out = append(out, breach{f.path, f.path, fmt.Sprintf("has %d lines, more than %d", n, maxFileLines)})
		}
	}
	return out
}

func longFunctions(t tree) []breach {
	var out []breach
	for _, f := range t {
		if !f.goCode() {
			continue
		}
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.lines(fn) > maxFunctionLines {
				out = append(out, breach{f.dir() + " " + fn.Name.Name, f.line(fn), fmt.Sprintf("%s has %d lines, more than %d", fn.Name.Name, f.lines(fn), maxFunctionLines)})
			}
		}
	}
	return out
}

// wideInterfaces finds interfaces of more than five methods outside the store's contract. Embedded interfaces of the same
// package count with their methods, those of others as one.
func wideInterfaces(t tree) []breach {
	var out []breach
	for dir, files := range t.packages() {
		if dir == "internal/store" {
			continue
		}
		types := map[string]*ast.InterfaceType{}
		where := map[string]string{}
		for _, f := range files {
			if f.generated {
				continue
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				if s, ok := n.(*ast.TypeSpec); ok {
					if it, ok := s.Type.(*ast.InterfaceType); ok {
						types[s.Name.Name], where[s.Name.Name] = it, f.line(s)
					}
				}
				return true
			})
		}
		for name, it := range types {
			if n := methods(it, types, 0); n > maxMethods {
				out = append(out, breach{dir + " " + name, where[name], fmt.Sprintf("interface %s has %d methods, more than %d", name, n, maxMethods)})
			}
		}
	}
	return out
}

func methods(it *ast.InterfaceType, types map[string]*ast.InterfaceType, depth int) int {
	n := 0
	for _, m := range it.Methods.List {
		switch x := m.Type.(type) {
		case *ast.FuncType:
			n += len(m.Names)
		case *ast.Ident:
			if in := types[x.Name]; in != nil && depth < 8 {
				n += methods(in, types, depth+1)
			}
		case *ast.SelectorExpr:
			n++
		}
	}
	return n
}

// vagueNames say where code lies and not what it is.
const vagueNames = " util utils common core models model types helper helpers misc base shared lib pkg "

func vaguePackages(t tree) []breach {
	var out []breach
	seen := map[string]bool{}
	for _, f := range t {
		if f.syntax == nil {
			continue
		}
		for _, name := range append(strings.Split(f.dir(), "/"), strings.TrimSuffix(f.syntax.Name.Name, "_test")) {
			if strings.Contains(vagueNames, " "+name+" ") && !seen[f.dir()] {
				seen[f.dir()] = true
				out = append(out, breach{f.dir(), f.path, "a package is named for what it is, not " + name})
			}
		}
	}
	return out
}

func poorDocs(t tree) []breach {
	var out []breach
	for dir, files := range t.packages() {
		var doc *ast.CommentGroup
		for _, f := range files {
			switch {
			case f.syntax.Doc == nil || f.generated:
			case path.Base(f.path) == "doc.go":
				doc = f.syntax.Doc
				if n := f.lines(doc); n > maxDocLines {
					out = append(out, breach{dir, f.path, fmt.Sprintf("the package comment has %d lines, more than %d", n, maxDocLines)})
				}
				want := "// Package " + f.syntax.Name.Name + " "
				if f.main() {
					want = "// Command "
				}
				if !strings.HasPrefix(doc.List[0].Text, want) {
					out = append(out, breach{dir, f.path, "the package comment begins with " + want})
				}
			default:
				out = append(out, breach{dir, f.path, "a package comment outside doc.go"})
			}
		}
		if doc == nil {
			out = append(out, breach{dir, dir, "has no doc.go with a package comment"})
		}
	}
	return out
}

// unfinished finds notes of work left undone in Go comments.
func unfinished(t tree) []breach {
	var out []breach
	for _, f := range t {
		if f.syntax == nil || f.generated {
			continue
		}
		for _, g := range f.syntax.Comments {
			for _, c := range g.List {
				for _, word := range []string{"TO" + "DO", "FIX" + "ME", "HA" + "CK"} {
					if strings.Contains(c.Text, word) {
						out = append(out, breach{f.path, f.line(c), "says " + word + ": do it, or write BUG(name)"})
					}
				}
			}
		}
	}
	return out
}

// strayJSON finds the standard library's JSON in what is not a test: it takes repeated names and broken UTF-8 (ENC-1, ENC-2).
func strayJSON(t tree) []breach {
	var out []breach
	for _, f := range t {
		if f.goCode() && f.imported("encoding/json") != "" {
			out = append(out, breach{f.path, f.path, "imports encoding/json: the house's is github.com/go-json-experiment/json"})
		}
	}
	return out
}

func TestFileLength(t *testing.T)     { t.Parallel(); hold(t, longFiles, longFilesReviewed) }
func TestFunctionLength(t *testing.T) { t.Parallel(); hold(t, longFunctions, longFunctionsReviewed) }
func TestInterfaces(t *testing.T)     { t.Parallel(); hold(t, wideInterfaces, nil) }
func TestPackageNames(t *testing.T)   { t.Parallel(); hold(t, vaguePackages, nil) }
func TestPackageDocs(t *testing.T)    { t.Parallel(); hold(t, poorDocs, poorDocsReviewed) }
func TestNothingUndone(t *testing.T)  { t.Parallel(); hold(t, unfinished, nil) }
func TestJSON(t *testing.T)           { t.Parallel(); hold(t, strayJSON, nil) }

func TestShapeRulesCatch(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		long := "package a\n" + strings.Repeat("\n", maxFileLines)
		check(t, longFiles, []catches{
			{"at the bound", []string{"a/a.go", strings.TrimSuffix(long, "\n")}, nil},
			{"over", []string{"a/a.go", long}, []string{"a/a.go"}},
			{"test", []string{"a/a_test.go", long}, nil},
			{"generated", []string{"a/a.go", "// Code generated by x. DO NOT EDIT.\n" + long}, nil},
		})
	})
	t.Run("function", func(t *testing.T) {
		t.Parallel()
		fn := func(lines int) string { return "package a\nfunc f() {" + strings.Repeat("\n", lines-1) + "}" }
		check(t, longFunctions, []catches{
			{"at the bound", []string{"a/a.go", fn(maxFunctionLines)}, nil},
			{"over", []string{"a/a.go", fn(maxFunctionLines + 1)}, []string{"a f"}},
		})
	})
	t.Run("interface", func(t *testing.T) {
		t.Parallel()
		const five = "type I interface { A(); B(); C(); D(); E() }\n"
		check(t, wideInterfaces, []catches{
			{"five", []string{"a/a.go", "package a\n" + five}, nil},
			{"one embedded", []string{"a/a.go", "package a\n" + five, "a/b.go", "package a\ntype J interface { I; F() }"}, []string{"a J"}},
			{"a foreign one", []string{"a/a.go", "package a\ntype J interface { io.Reader; A(); B(); C(); D(); E() }"}, []string{"a J"}},
			{"the store", []string{"internal/store/a.go", "package store\ntype J interface { io.Reader; A(); B(); C(); D(); E() }"}, nil},
			{"a constraint", []string{"a/a.go", "package a\ntype N interface { ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint }"}, nil},
		})
	})
	t.Run("name", func(t *testing.T) {
		t.Parallel()
		check(t, vaguePackages, []catches{
			{"folder", []string{"internal/util/a.go", "package thing"}, []string{"internal/util"}},
			{"package", []string{"a/a.go", "package types"}, []string{"a"}},
			{"good", []string{"party/a.go", "package party"}, nil},
		})
	})
	t.Run("doc", func(t *testing.T) {
		t.Parallel()
		check(t, poorDocs, []catches{
			{"none", []string{"a/a.go", "package a"}, []string{"a"}},
			{"elsewhere", []string{"a/a.go", "// Package a is.\npackage a"}, []string{"a", "a"}},
			{"too long", []string{"a/doc.go", "// Package a is.\n" + strings.Repeat("//\n", maxDocLines) + "package a"}, []string{"a"}},
			{"wrong name", []string{"a/doc.go", "// Package b is.\npackage a"}, []string{"a"}},
			{"good", []string{"a/doc.go", "// Package a is.\npackage a", "a/a.go", "package a"}, nil},
			{"command", []string{"cmd/a/doc.go", "// Command a does.\npackage main"}, nil},
		})
	})
	t.Run("undone", func(t *testing.T) {
		t.Parallel()
		check(t, unfinished, []catches{{"note", []string{"a/a.go", "package a\n// TO" + "DO: more"}, []string{"a/a.go"}}})
	})
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		check(t, strayJSON, []catches{
			{"code", []string{"a/a.go", "package a\nimport \"encoding/json\""}, []string{"a/a.go"}},
			{"test", []string{"a/a_test.go", "package a\nimport \"encoding/json\""}, nil},
		})
	})
}
