package misp

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/stix"
)

var update = flag.Bool("update", false, "write docs/misp.md")

// becomes maps one attribute and gives its main object and the types of the observables with it.
func becomes(t *testing.T, a Attribute) (main *stix.Object, observables []string) {
	t.Helper()
	a.UUID, a.Timestamp = "5d0092c5-5f74-4287-9642-33f4c354e56d", "1767312000"
	e := &Event{UUID: "8b32ba3f-2e4b-4d5e-9e5a-2f4b2f5b7f11", Info: "types", Date: "2026-01-02", Attributes: []Attribute{a}}
	for it, err := range e.STIX(Mapping{}) {
		if err != nil || it.Err != nil {
			t.Fatalf("%s: %v %v", a.Type, err, it.Err)
		}
		switch o := it.Object; {
		case o.ID.UUID() == string(a.UUID):
			main = o
		case o.Type.Observable():
			observables = append(observables, string(o.Type))
		}
	}
	if main == nil {
		t.Fatalf("%s: nothing has the attribute's uuid", a.Type)
	}
	return main, observables
}

// table is the part of docs/misp.md that follows from the code.
func table(t *testing.T) string {
	var b strings.Builder
	rows := map[string][]string{}
	var placeless []string
	for _, name := range Types() {
		if strings.HasPrefix(name, "filename|") {
			continue
		}
		searched, _ := becomes(t, Attribute{Type: name, Value: Word(Sample(name)), ToIDs: true})
		seen, with := becomes(t, Attribute{Type: name, Value: Word(Sample(name))})
		as := string(seen.Type)
		if len(with) > 0 {
			as = strings.Join(with, ", ")
		}
		for _, r := range seen.References {
			as += " with a reference (" + r.SourceName + ")"
		}
		how := string(searched.Type)
		if how == "indicator" {
			how = searched.Pattern
			if searched.PatternType != "stix" {
				how = "the value, `pattern_type` " + searched.PatternType
			} else if k, _ := kindOf(name); k.rule == "stix" {
				how = "the value, `pattern_type` stix"
			} else if strings.HasPrefix(how, "["+custom) {
				if as == "note" {
					placeless = append(placeless, "`"+name+"`")
					continue
				}
				how = "as below"
			} else {
				how = paths(factsOf(name, Sample(name)))
			}
		}
		rows[how+" | "+as] = append(rows[how+" | "+as], "`"+strings.ReplaceAll(name, "|", `\|`)+"`")
	}
	b.WriteString("| attribute type | to be searched for: indicator | otherwise |\n|---|---|---|\n")
	for _, key := range slices.SortedFunc(maps.Keys(rows), func(x, y string) int { return strings.Compare(rows[x][0], rows[y][0]) }) {
		b.WriteString("| " + strings.Join(rows[key], ", ") + " | " + key + " |\n")
	}
	b.WriteString("\n`filename|…` with any of the hashes above is both. IPv6 addresses are `ipv6-addr`, ranges are asked for with ISSUBSET.\n")
	b.WriteString("\nSTIX has no place for these, nor for types that nobody knows here: to be searched for, a pattern on `" + custom +
		"` with `type` and `value`; otherwise a note. " + strings.Join(placeless, ", ") + ".\n\n")
	b.WriteString("| object template | where the values of its relations stand |\n|---|---|\n")
	for _, name := range Templates() {
		var list []string
		for _, relation := range slices.Sorted(maps.Keys(templates[name])) {
			for _, sample := range []string{"1", "example.com", "198.51.100.7", "name@example.com"} {
				if f := templates[name][relation](sample); f != nil {
					list = append(list, relation+" "+paths(f))
					break
				}
			}
		}
		b.WriteString("| `" + name + "` | " + strings.Join(list, ", ") + " |\n")
	}
	return b.String()
}

func paths(facts []fact) string {
	var list []string
	for _, f := range facts {
		list = append(list, "`"+strings.ReplaceAll(f.path, "|", `\|`)+"`")
	}
	return strings.Join(list, " and ")
}

func TestTableSaysWhatTheCodeDoes(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- made by go test ./misp -run TestTable -update -->\n", "<!-- end -->\n"
	name := filepath.Join("..", "docs", "misp.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatal("docs/misp.md has lost the marks of its table")
	}
	now := table(t)
	if old == now {
		return
	}
	if !*update {
		t.Fatal("docs/misp.md is not what the code does: go test ./misp -run TestTable -update")
	}
	if err := os.WriteFile(name, []byte(before+begin+now+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
