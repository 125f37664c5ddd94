package cli

import (
	"bytes"
	"context"
	"flag"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

//go:generate go test -run ^TestReference$ -update .

var update = flag.Bool("update", false, "write docs/cli.md anew")

func grammar(t *testing.T) *kong.Kong {
	t.Helper()
	app, err := newParser(&commands{}, &session{out: io.Discard, err: io.Discard, now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func each(n *kong.Node, f func(*kong.Node)) {
	f(n)
	for _, c := range n.Children {
		each(c, f)
	}
}

// TestReference holds docs/cli.md against the grammar.
func TestReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# The command line\n\nWritten from the grammar of `comity` by `go generate ./internal/cli`; what stands here is what `--help` says.\n")
	each(grammar(t).Model.Node, func(n *kong.Node) {
		b.WriteString("\n" + strings.Repeat("#", 2+min(n.Depth(), 1)) + " " + words(n) + "\n\n```\n" + helpOnce(n) + "```\n")
	})
	file := filepath.Join("..", "..", "docs", "cli.md")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Error("docs/cli.md has drifted: run go generate ./internal/cli")
	}
}

// helpOnce is the help of a command; what every command has stands at the top alone.
func helpOnce(n *kong.Node) string {
	text := helpText(n)
	if n.Parent != nil {
		text, _, _ = strings.Cut(text, "\nFlags of every command:")
	}
	return text
}

// TestHelp wants of every command what a person needs at three in the morning.
func TestHelp(t *testing.T) {
	t.Parallel()
	each(grammar(t).Model.Node, func(n *kong.Node) {
		text, name := helpText(n), words(n)
		if n.Help == "" || !strings.HasSuffix(n.Help, ".") {
			t.Errorf("%s: no sentence on what it does", name)
		}
		if len(n.Children) == 0 && !strings.Contains(text, "Examples:\n  "+name) && !strings.Contains(text, "\n  comity --dir ") {
			t.Errorf("%s: no example", name)
		}
		for _, f := range n.Flags {
			if f.Help == "" {
				t.Errorf("%s: --%s is not explained", name, f.Name)
			}
		}
		for _, a := range n.Positional {
			if a.Help == "" {
				t.Errorf("%s: the argument %s is not explained", name, a.Name)
			}
		}
		for _, r := range fault.ExitTable() {
			if !strings.Contains(text, "\n  "+strconv.Itoa(r.Status)+" ") {
				t.Errorf("%s: the status %d is not explained", name, r.Status)
			}
		}
	})
}

// TestExamples parses every example of every help text, so that none names a flag that is not there.
func TestExamples(t *testing.T) {
	t.Parallel()
	each(grammar(t).Model.Node, func(n *kong.Node) {
		_, examples := split(n.Detail)
		for _, l := range strings.Split(examples, "\n") {
			l, _, _ = strings.Cut(l, " | ")
			l, _, _ = strings.Cut(l, " > ")
			l, _, _ = strings.Cut(l, " < ")
			if l == "" {
				continue
			}
			args := fields(strings.TrimPrefix(strings.TrimSpace(l), "comity "))
			if _, err := grammar(t).Parse(args); err != nil {
				t.Errorf("%s: the example %q: %v", words(n), l, err)
			}
		}
	})
}

// fields splits a line at blanks outside of quotation marks.
func fields(l string) []string {
	quoted := false
	parts := strings.FieldsFunc(l, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], `"`, "")
	}
	return parts
}

// TestVerifierImports sees to it that checking evidence needs no node, no store and no network.
//
// spec: EVD-1
func TestVerifierImports(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "evidence_verify.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, im := range f.Imports {
		path := strings.Trim(im.Path.Value, `"`)
		if strings.Contains(path, "/internal/") || strings.HasPrefix(path, "net") {
			t.Errorf("the verifier imports %s", path)
		}
	}
}

func TestCompletions(t *testing.T) {
	t.Parallel()
	top := grammar(t).Model.Node
	for name, script := range map[string]string{"bash": bash(top), "zsh": zsh(top), "fish": fish(top)} {
		each(top, func(n *kong.Node) {
			if n.Parent != nil && !strings.Contains(script, n.Name) {
				t.Errorf("%s: %s is missing", name, words(n))
			}
			for _, f := range n.Flags {
				if !f.Hidden && !strings.Contains(script, f.Name) {
					t.Errorf("%s: --%s of %s is missing", name, f.Name, words(n))
				}
			}
		})
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	rules, err := thread.NewRules(node.Desks()...)
	if err != nil {
		t.Fatal(err)
	}
	id := statement.IDOf([]byte("x"))
	s := &session{now: func() time.Time { return time.Date(2026, 5, 12, 3, 0, 0, 0, time.UTC) }}
	for _, c := range []struct {
		kind  statement.Kind
		whole string
		facts []string
		want  string
	}{
		{"assist.request", "", []string{"type=takedown", "sector=energy"}, `{"type":"takedown","sector":"energy"}`},
		{"assist.request", "", []string{"type=takedown", "clock.answer=60", "clock.acknowledge=5"}, `{"type":"takedown","clock":{"acknowledge":5,"answer":60}}`},
		{"assist.request", `{"type":"takedown"}`, nil, `{"type":"takedown"}`},
		{"assist.refuse", "", []string{"grounds=security,other"}, `{"grounds":["security","other"]}`},
		{"assist.refuse", "", []string{"grounds=security", "grounds=other"}, `{"grounds":["security","other"]}`},
		{"assist.accept", "", []string{"answer=abcdef"}, `{"answer":"` + id.String() + `"}`},
		{"assist.postpone", "", []string{"reason=other", "until=2026-06-01"}, `{"reason":"other","until":"2026-06-01T00:00:00.000Z"}`},
		{"assist.postpone", "", []string{"reason=other", "until=+36h"}, `{"reason":"other","until":"2026-05-13T15:00:00.000Z"}`},
		{"assist.postpone", "", []string{"reason=other", "until=+7d"}, `{"reason":"other","until":"2026-05-19T03:00:00.000Z"}`},
		{"assist.acknowledge", "", nil, `{}`},
		{"assist.request", "", nil, ""},
		{"assist.request", "", []string{"type"}, ""},
		{"assist.request", "", []string{"type=takedown", "clock.answer=soon"}, ""},
		{"assist.request", "", []string{"type=takedown", "clock=soon"}, ""},
		{"assist.request", "", []string{"type=takedown", "type.x=1"}, ""},
		{"assist.request", `{"type":"takedown","type":"other"}`, nil, ""},
		{"assist.request", `{"typ":"takedown"}`, nil, ""},
		{"assist.request", `[]`, nil, ""},
		{"assist.postpone", "", []string{"reason=other", "until=soon"}, ""},
		{"assist.postpone", "", []string{"reason=other", "until=2019-01-01"}, ""},
		{"assist.acknowledge", "", []string{"x=1"}, ""},
	} {
		spec, ok := rules.Spec(c.kind)
		if !ok {
			t.Fatal(c.kind)
		}
		r := &factReader{spec: spec, moment: s.moment, find: func(string) (statement.ID, error) { return id, nil }}
		got, err := r.read(c.whole, c.facts)
		if (err != nil) != (c.want == "") || err == nil && string(got) != c.want {
			t.Errorf("%s %s %v: %s, %v; want %s", c.kind, c.whole, c.facts, got, err, c.want)
		}
		if err != nil && fault.Exit(err) != 2 && fault.Exit(err) != 65 {
			t.Errorf("%s %v: not a wrong call: %v", c.kind, c.facts, err)
		}
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"plain": "plain", "a\x1b[31mb": "a[31mb", "x\u202egnp": "xgnp", " two\n lines ": "two lines", "\xff\xfe": "", "bell\x07\u009b": "bell", "état": "état"} {
		if got := line(in); got != want {
			t.Errorf("line(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := number(in); got != want {
			t.Errorf("number(%d) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[time.Duration]string{time.Second: "1 s", 90 * time.Minute: "1 h 30 min", 3 * time.Hour: "3 h", 50 * time.Hour: "2 d 2 h", 48 * time.Hour: "2 d"} {
		if got := span(in); got != want {
			t.Errorf("span(%v) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"a.txt": "a.txt", "../a": "", ".bashrc": "", "-rf": "", "a/b": "", `a\b`: "", "": "", "..": "", "a\u202e.txt": ""} {
		if got := saveName(in); got != want {
			t.Errorf("saveName(%q) = %q, want %q", in, got, want)
		}
	}
	p := &page{}
	tab := newTable("name", ">count", "empty")
	tab.add("a", "1", "")
	tab.add("état", "1,000", "")
	p.table(tab)
	if want := "NAME  COUNT\na         1\nétat  1,000\n"; p.String() != want {
		t.Errorf("the table is\n%s, want\n%s", p.String(), want)
	}
}

// TestServe serves a node, its log, its health and its metrics until it is interrupted.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "xa")
	var out, errs bytes.Buffer
	if status := Main(t.Context(), []string{"--dir", dir, "init", "XA", "--name", "en=XA"}, nil, nil, &out, &errs); status != 0 {
		t.Fatal(status, errs.String())
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r, w := io.Pipe()
	ended := make(chan int, 1)
	args := []string{"--dir", dir, "--json", "serve", "--listen", "127.0.0.1:0", "--log-listen", "127.0.0.1:0", "--watch-listen", "127.0.0.1:0"}
	go func() {
		defer w.Close()
		ended <- Main(ctx, args, nil, nil, w, &errs)
	}()
	var first ready
	raw := make([]byte, 4096)
	n, err := r.Read(raw)
	if err != nil {
		t.Fatal(err, <-ended, errs.String())
	}
	if err := json.Unmarshal(raw[:n], &first); err != nil {
		t.Fatal(err)
	}
	if first.Code != "XA" || first.Listen == "" || len(first.Peers) != 0 {
		t.Errorf("it says %+v", first)
	}
	answer, err := http.Get("http://" + first.Log + "/checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound { // nothing was ever said
		t.Errorf("the log answers %d", answer.StatusCode)
	}
	for path, part := range map[string]string{"/healthz": `"alive":true`, "/readyz": `"ready":true`, "/metrics": "comity_log_statements 0"} {
		if text := await(t, "http://"+first.Watch+path, part); !strings.Contains(text, part) {
			t.Errorf("%s says %s", path, text)
		}
	}
	if text := first.String(); !strings.Contains(text, "health and metrics on "+first.Watch) {
		t.Errorf("it says %s", text)
	}
	interrupt()
	if status := <-ended; status != 0 {
		t.Errorf("it ended with %d: %s", status, errs.String())
	}
}

// await asks again and again until the answer has a part, for a while: a node says that it is ready a moment before it serves.
func await(t *testing.T, url, part string) (text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && !strings.Contains(text, part); {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		text = string(raw)
	}
	return text
}
