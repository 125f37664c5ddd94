package meta

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
	"testing"
)

// forbiddenImport says why a kernel package may not import something; "" when it may.
func forbiddenImport(pkg string) string {
	under := func(tops ...string) bool {
		for _, top := range tops {
			if pkg == top || strings.HasPrefix(pkg, top+"/") {
				return true
			}
		}
		return false
	}
	switch {
	case under(module+"/internal", module+"/cmd"):
		return "a kernel package knows nothing of the node around it"
	case under("net", "os", "syscall", "database/sql", "log", "plugin", "golang.org/x/sys"):
		return "a kernel package does no input or output"
	case under("math/rand"):
		return "a kernel package takes its randomness from its caller"
	case under("unsafe", "C"):
		return "a kernel package keeps to safe Go"
	}
	return ""
}

func impureImports(t tree) []breach {
	var out []breach
	for _, f := range t {
		if f.test() || !f.kernel() {
			continue
		}
		for _, im := range f.syntax.Imports {
			pkg := strings.Trim(im.Path.Value, `"`)
			if why := forbiddenImport(pkg); why != "" {
				out = append(out, breach{f.dir() + " " + pkg, f.line(im), "imports " + pkg + ": " + why})
			}
		}
	}
	return out
}

// clocks are the functions of package time that read a clock or wait for one.
const clocks = " Now Since Until Sleep After AfterFunc Tick NewTimer NewTicker "

func readsClock(t tree) []breach {
	var out []breach
	for _, f := range t {
		if f.test() || !f.kernel() {
			continue
		}
		name := f.imported("time")
		if name == "" {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name && strings.Contains(clocks, " "+sel.Sel.Name+" ") {
				out = append(out, breach{f.path, f.line(n), "uses time." + sel.Sel.Name + ": a kernel package is told the time"})
			}
			return true
		})
	}
	return out
}

// makers are the calls whose results are values that nobody changes: errors, patterns, tables made once.
const makers = " errors.New fault.New regexp.MustCompile strings.NewReplacer sync.OnceValue sync.OnceValues "

// packageState finds package-level variables that are, or may become, state: those with no value, those whose value is
// neither a table nor made by makers, and those that anything in the package assigns to or takes the address of.
func packageState(t tree) []breach {
	var out []breach
	for dir, files := range t.packages() {
		held := map[string]string{} // name → where
		for _, f := range files {
			if f.generated {
				continue
			}
			for _, d := range f.syntax.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok || g.Tok != token.VAR {
					continue
				}
				for _, s := range g.Specs {
					spec := s.(*ast.ValueSpec)
					for i, name := range spec.Names {
						held[name.Name] = f.line(name)
						if name.Name != "_" && !embedded(g, spec) && !constantValue(spec, i) {
							out = append(out, breach{dir + " " + name.Name, f.line(name), "is package-level state: two nodes live in one process"})
						}
					}
				}
			}
		}
		for _, f := range files {
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				for _, name := range changed(n) {
					if where := held[name]; where != "" && name != "_" {
						out = append(out, breach{dir + " " + name, f.line(n), "may change the package-level " + name + " of " + where})
					}
				}
				return true
			})
		}
	}
	return out
}

func embedded(g *ast.GenDecl, s *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, s.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

func constantValue(s *ast.ValueSpec, i int) bool {
	if len(s.Values) != len(s.Names) {
		return false
	}
	v := s.Values[i]
	if u, ok := v.(*ast.UnaryExpr); ok && u.Op == token.AND {
		v = u.X
	}
	switch v := v.(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		fun := v.Fun
		if ix, ok := fun.(*ast.IndexExpr); ok { // an explicit type argument
			fun = ix.X
		}
		if sel, ok := fun.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				return strings.Contains(makers, " "+x.Name+"."+sel.Sel.Name+" ")
			}
		}
		// A conversion of a literal, such as []byte("x").
		_, array := fun.(*ast.ArrayType)
		return array && len(v.Args) == 1 && isLiteral(v.Args[0])
	}
	return false
}

func isLiteral(e ast.Expr) bool {
	_, ok := e.(*ast.BasicLit)
	return ok
}

// changed gives the names at the root of what a statement assigns to, counts up or takes the address of. A local variable
// that bears the name of a package-level one is found too: it had better have another name.
func changed(n ast.Node) []string {
	var roots []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			roots = n.Lhs
		}
	case *ast.IncDecStmt:
		roots = []ast.Expr{n.X}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			roots = []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") && len(n.Args) > 0 {
			roots = n.Args[:1]
		}
	}
	var out []string
	for _, e := range roots {
		if name := root(e); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func root(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		default:
			return ""
		}
	}
}

func initFunctions(t tree) []breach {
	var out []breach
	for _, f := range t {
		if f.syntax == nil || f.generated {
			continue
		}
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				out = append(out, breach{f.path, f.line(fn), "func init: nothing happens by being imported"})
			}
		}
	}
	return out
}

// exits finds what ends the process, anywhere but in a function main or TestMain.
func exits(t tree) []breach {
	var out []breach
	for _, f := range t {
		if f.syntax == nil {
			continue
		}
		osName, logName := f.imported("os"), f.imported("log")
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && (f.main() && fn.Name.Name == "main" || f.test() && fn.Name.Name == "TestMain") {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := sel.X.(*ast.Ident)
				if !ok {
					return true
				}
				if x.Name == osName && sel.Sel.Name == "Exit" || x.Name == logName && logName != "" && strings.HasPrefix(sel.Sel.Name, "Fatal") {
					out = append(out, breach{f.path, f.line(n), "ends the process: only main does"})
				}
				return true
			})
		}
	}
	return out
}

// crossing finds imports between packages that must not know each other.
func crossing(t tree) []breach {
	var out []breach
	for _, f := range t {
		if f.test() || f.syntax == nil {
			continue
		}
		for _, im := range f.syntax.Imports {
			pkg, ours := strings.CutPrefix(strings.Trim(im.Path.Value, `"`), module+"/")
			if !ours {
				continue
			}
			if why := mayNotKnow(f.dir(), pkg); why != "" {
				out = append(out, breach{f.dir() + " " + pkg, f.line(im), "imports " + pkg + ": " + why})
			}
		}
	}
	return out
}

// faces turn requests into calls of the exchange.
const faces = " internal/web internal/httpapi internal/taxii internal/misp internal/mail "

func face(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	if len(parts) < 2 {
		return ""
	}
	if top := path.Join(parts[0], parts[1]); strings.Contains(faces, " "+top+" ") {
		return top
	}
	return ""
}

func mayNotKnow(dir, pkg string) string {
	isDesk := func(d string) bool { return strings.HasPrefix(d, "desk/") }
	isStore := func(d string) bool { return d == "internal/store" || strings.HasPrefix(d, "internal/store/") }
	wiring := strings.HasPrefix(dir, "cmd/") || dir == "internal/node" || dir == "internal/demo" || dir == "internal/fedtest" || dir == "internal/bench" || dir == "internal/soak"
	switch {
	case isDesk(dir) && isDesk(pkg):
		return "desks do not know each other"
	case isStore(dir) && (isDesk(pkg) || strings.HasPrefix(pkg, "internal/") && !isStore(pkg)):
		return "the store holds rows and no rules"
	case dir == "internal/exchange" && (isDesk(pkg) || face(pkg) != ""):
		return "the exchange knows no desk and no face"
	case face(dir) != "" && face(pkg) != "" && face(dir) != face(pkg):
		return "faces do not know each other"
	case face(dir) != "" && (pkg == "internal/journal" || pkg == "internal/delivery"):
		return "faces write through the exchange alone"
	case pkg == "internal/store/faultdisk" && dir != "internal/soak":
		return "a disk that fails on purpose is for tests"
	case strings.HasPrefix(pkg, "internal/store/") && !isStore(dir) && !wiring:
		return "which store it is only the wiring knows"
	}
	return ""
}

func TestKernelImports(t *testing.T)  { t.Parallel(); hold(t, impureImports, impureImportsReviewed) }
func TestKernelClock(t *testing.T)    { t.Parallel(); hold(t, readsClock, nil) }
func TestNoPackageState(t *testing.T) { t.Parallel(); hold(t, packageState, packageStateReviewed) }
func TestNoInit(t *testing.T)         { t.Parallel(); hold(t, initFunctions, nil) }
func TestExits(t *testing.T)          { t.Parallel(); hold(t, exits, nil) }
func TestLayers(t *testing.T)         { t.Parallel(); hold(t, crossing, nil) }

func TestPurityRulesCatch(t *testing.T) {
	t.Parallel()
	t.Run("imports", func(t *testing.T) {
		t.Parallel()
		check(t, impureImports, []catches{
			{"kernel", []string{"party/a.go", "package party\nimport (\n\t\"net/http\"\n\t\"os\"\n\t\"strings\"\n\t\"" + module + "/internal/store\"\n)"}, []string{"party " + module + "/internal/store", "party net/http", "party os"}},
			{"internal", []string{"internal/a/a.go", "package a\nimport \"os\""}, nil},
			{"test", []string{"party/a_test.go", "package party\nimport \"os\""}, nil},
			{"a name that only begins alike", []string{"party/a.go", "package party\nimport \"network.example/x\""}, nil},
		})
	})
	t.Run("clock", func(t *testing.T) {
		t.Parallel()
		check(t, readsClock, []catches{
			{"call", []string{"party/a.go", "package party\nimport \"time\"\nvar _ = time.Now()"}, []string{"party/a.go"}},
			{"as a value, renamed", []string{"party/a.go", "package party\nimport tm \"time\"\nvar _ = tm.Since"}, []string{"party/a.go"}},
			{"harmless", []string{"party/a.go", "package party\nimport \"time\"\nvar _ = time.Unix(0, 0).UTC()"}, nil},
		})
	})
	t.Run("state", func(t *testing.T) {
		t.Parallel()
		check(t, packageState, []catches{
			{"values", []string{"a/a.go", "package a\nvar e = errors.New(\"x\")\nvar p = regexp.MustCompile(`x`)\nvar tab = map[string]int{}\nvar s = []byte(\"x\")\nvar _ I = &T{}\nvar once = sync.OnceValue(f)"}, nil},
			{"no value", []string{"a/a.go", "package a\nvar n int"}, []string{"a n"}},
			{"unknown call", []string{"a/a.go", "package a\nvar n = open()"}, []string{"a n"}},
			{"written in another file", []string{"a/a.go", "package a\nvar tab = map[string]int{}", "a/b.go", "package a\nfunc f() { tab[\"x\"]++; delete(tab, \"y\") }"}, []string{"a tab", "a tab"}},
			{"address", []string{"a/a.go", "package a\nvar tab = T{}\nvar q = T{&tab}"}, []string{"a tab"}},
			{"embedded file", []string{"a/a.go", "package a\n//go:embed x\nvar x string"}, nil},
		})
	})
	t.Run("init", func(t *testing.T) {
		t.Parallel()
		check(t, initFunctions, []catches{
			{"init", []string{"a/a.go", "package a\nfunc init() {}"}, []string{"a/a.go"}},
			{"method", []string{"a/a.go", "package a\nfunc (T) init() {}"}, nil},
		})
	})
	t.Run("exit", func(t *testing.T) {
		t.Parallel()
		check(t, exits, []catches{
			{"main", []string{"cmd/a/a.go", "package main\nimport \"os\"\nfunc main() { os.Exit(1) }"}, nil},
			{"beside main", []string{"cmd/a/a.go", "package main\nimport \"os\"\nfunc run() { os.Exit(1) }"}, []string{"cmd/a/a.go"}},
			{"log", []string{"internal/a/a.go", "package a\nimport \"log\"\nfunc f() { log.Fatalf(\"\") }"}, []string{"internal/a/a.go"}},
		})
	})
	t.Run("layers", func(t *testing.T) {
		t.Parallel()
		imports := func(from, to string) []string {
			return []string{from + "/a.go", "package a\nimport \"" + module + "/" + to + "\""}
		}
		check(t, crossing, []catches{
			{"desk to desk", imports("desk/assist", "desk/drill"), []string{"desk/assist desk/drill"}},
			{"desk to kernel", imports("desk/assist", "thread"), nil},
			{"store to desk", imports("internal/store", "desk/drill"), []string{"internal/store desk/drill"}},
			{"store to journal", imports("internal/store/sqlite", "internal/journal"), []string{"internal/store/sqlite internal/journal"}},
			{"store to store", imports("internal/store/sqlite", "internal/store"), nil},
			{"exchange to desk", imports("internal/exchange", "desk/drill"), []string{"internal/exchange desk/drill"}},
			{"face to face", imports("internal/web", "internal/taxii"), []string{"internal/web internal/taxii"}},
			{"face within itself", imports("internal/web", "internal/web/page"), nil},
			{"face to journal", imports("internal/web", "internal/journal"), []string{"internal/web internal/journal"}},
			{"a particular store", imports("internal/journal", "internal/store/sqlite"), []string{"internal/journal internal/store/sqlite"}},
			{"wiring", imports("internal/node", "internal/store/sqlite"), nil},
			{"a bad disk", imports("internal/node", "internal/store/faultdisk"), []string{"internal/node internal/store/faultdisk"}},
		})
	})
}
