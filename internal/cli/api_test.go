package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"
)

// held is a row of a table of docs/api.md: a command or a page, the operations that do the same, and what is said of it.
type held struct {
	operations []string
	says       string
}

// apiDoc is docs/api.md.
func apiDoc(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// named are the operations that a text names.
func named(text string) (out []string) {
	for _, op := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(text, -1) {
		out = append(out, op[1])
	}
	return out
}

// tableOf reads the rows of docs/api.md whose first cell is code that matches.
func tableOf(t *testing.T, first *regexp.Regexp) map[string]held {
	t.Helper()
	out := map[string]held{}
	for line := range strings.Lines(apiDoc(t)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		name := strings.Trim(strings.TrimSpace(cells[0]), "`")
		if len(cells) != 3 || !first.MatchString(name) || !strings.HasPrefix(line, "| `") {
			continue
		}
		if _, twice := out[name]; twice {
			t.Errorf("docs/api.md has two lines for %s", name)
		}
		row := held{named(cells[1]), strings.TrimSpace(cells[2])}
		out[name] = row
	}
	return out
}

// operations are those of the API by name, as its description has them; package httpapi's tests hold that against what is served.
func operations(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "httpapi", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, item := range d.Paths {
		for _, op := range item {
			out[op.ID] = true
		}
	}
	return out
}

// TestAPITable: each command and each page has its line in docs/api.md, with operations that there are or with the reason why there is none; and no operation is without a line.
func TestAPITable(t *testing.T) {
	t.Parallel()
	ops := operations(t)
	if len(ops) < 90 {
		t.Fatalf("only %d operations: the test is wrong", len(ops))
	}
	told := map[string]bool{}
	_, beside, _ := strings.Cut(apiDoc(t), "\nBeside them, ")
	beside, _, _ = strings.Cut(beside, "\n")
	for _, op := range named(beside) {
		told[op] = true
	}
	hold := func(what string, rows map[string]held, there []string) {
		t.Helper()
		for _, name := range there {
			row, ok := rows[name]
			if !ok {
				t.Errorf("docs/api.md has no line for the %s %s: say which operation does the same, or why none does", what, name)
				continue
			}
			if len(row.operations) == 0 && len(row.says) < 20 {
				t.Errorf("docs/api.md does not say why no operation does what the %s %s does", what, name)
			}
			for _, op := range row.operations {
				if told[op] = true; !ops[op] {
					t.Errorf("docs/api.md: %s: there is no operation %s", name, op)
				}
			}
		}
		for name := range rows {
			if !slices.Contains(there, name) {
				t.Errorf("docs/api.md has a line for the %s %s, which is not there", what, name)
			}
		}
	}

	var commands []string
	each(grammar(t).Model.Node, func(n *kong.Node) {
		if len(n.Children) == 0 {
			commands = append(commands, words(n))
		}
	})
	hold("command", tableOf(t, regexp.MustCompile(`^comity [a-z -]+$`)), commands)

	routes, err := os.ReadFile(filepath.Join("..", "web", "routes.go"))
	if err != nil {
		t.Fatal(err)
	}
	var pages []string
	for _, m := range regexp.MustCompile(`"((?:GET|POST|PUT|PATCH|DELETE) /[^"]*)"`).FindAllStringSubmatch(string(routes), -1) {
		pages = append(pages, m[1])
	}
	if len(commands) < 80 || len(pages) < 35 {
		t.Fatalf("only %d commands and %d pages: the test is wrong", len(commands), len(pages))
	}
	hold("page", tableOf(t, regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) /`)), pages)
	for op := range ops {
		if !told[op] {
			t.Errorf("docs/api.md does not name the operation %s", op)
		}
	}
}
