package fault

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// declared reads the codes from the source, so that a new one cannot be left out of codes() and of the table.
func declared(t *testing.T) []Code {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "fault.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []Code
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "Code" {
			for _, v := range spec.Values {
				s, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, Code(s))
			}
		}
		return true
	})
	return out
}

func TestTables(t *testing.T) {
	t.Parallel()
	want, got := declared(t), codes()
	if len(want) < 20 {
		t.Fatalf("found %d codes in the source: has its form changed?", len(want))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("codes() = %q, the source declares %q", got, want)
	}
	if len(slices.Compact(got)) != len(table) {
		t.Errorf("%d codes, %d rows", len(got), len(table))
	}
	for _, c := range codes() {
		r, ok := table[c]
		if !ok {
			t.Errorf("%s has no row", c)
			continue
		}
		if r.http < 400 || r.http > 599 || HTTP(c) != r.http {
			t.Errorf("%s: HTTP status %d", c, r.http)
		}
		// Statuses from 126 on belong to the shell, but for an interrupt's 130.
		if r.exit < 1 || r.exit > 125 && r.exit != 130 || Exit(New(c, "", "x")) != r.exit {
			t.Errorf("%s: exit status %d", c, r.exit)
		}
		if r.remark == "" {
			t.Errorf("%s has no remark for help texts", c)
		}
		if w := Wire(c); Wire(w) != w || HTTP(w) != HTTP(c) {
			t.Errorf("%s looks like %s on the wire, which is not the same there", c, w)
		}
	}
}

// Whoever may not know that something exists must not learn it from the answer.
func TestWithheldLooksLikeNotFound(t *testing.T) {
	t.Parallel()
	if Withheld == NotFound {
		t.Error("the log cannot tell them apart")
	}
	if Wire(Withheld) != Wire(NotFound) || HTTP(Withheld) != HTTP(NotFound) || table[Withheld].remark != table[NotFound].remark ||
		Exit(New(Withheld, "", "x")) != Exit(New(NotFound, "", "x")) {
		t.Error("the wire can tell them apart")
	}
}

func TestUnknownCodes(t *testing.T) {
	t.Parallel()
	if HTTP("no-such-code") != 500 || Wire("no-such-code") != Internal || Exit(New("no-such-code", "", "x")) != 70 {
		t.Error("a code from a later version is not taken as internal")
	}
	if Exit(nil) != 0 || Exit(errors.New("x")) != 70 {
		t.Error("exit status of nil or of a foreign error")
	}
}

func TestExitTable(t *testing.T) {
	t.Parallel()
	rows := ExitTable()
	for i, r := range rows {
		if i > 0 && r.Status < rows[i-1].Status {
			t.Errorf("status %d comes after %d", r.Status, rows[i-1].Status)
		}
		if slices.Contains(rows[:i], r) {
			t.Errorf("%+v stands twice", r)
		}
	}
	for _, c := range codes() {
		if !slices.Contains(rows, ExitRow{table[c].exit, table[c].remark}) {
			t.Errorf("%s is not in the help texts", c)
		}
	}
}
