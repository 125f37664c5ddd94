package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/comity-exchange/comity/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"comity": func() {
		os.Exit(cli.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}})
}

// TestScript runs the files of testdata/script, which read as documentation. Beside testscript's own commands they have those of commands below.
func TestScript(t *testing.T) {
	t.Parallel()
	document, err := filepath.Abs("../../agreement/testdata/assistance.json")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			raw, err := os.ReadFile(document)
			if err != nil {
				return err
			}
			env.Setenv("HOME", env.WorkDir)
			return os.WriteFile(filepath.Join(env.WorkDir, "assistance.json"), raw, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "get": get, "json": oneDocument, "acquaint": acquaint, "escapes": escapes},
	})
}

// exits STATUS PROGRAM ARGUMENT... runs a program and wants this exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, err := 0, ts.Exec(args[1], args[2:]...)
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("ended with status %d, want %d", got, want)
	}
}

// get VARIABLE PATH takes a value out of the JSON document that the last command printed: words, or 0.id. A list becomes words with blanks.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get VARIABLE PATH")
	}
	v := jsontext.Value(ts.ReadFile("stdout"))
	for _, step := range strings.Split(args[1], ".") {
		if v.Kind() == '[' {
			var list []jsontext.Value
			ts.Check(json.Unmarshal(v, &list))
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(list) {
				ts.Fatalf("the document has no %s", args[1])
			}
			v = list[i]
			continue
		}
		var members map[string]jsontext.Value
		ts.Check(json.Unmarshal(v, &members))
		var ok bool
		if v, ok = members[step]; !ok {
			ts.Fatalf("the document has no %s", args[1])
		}
	}
	var text string
	switch v.Kind() {
	case '"':
		ts.Check(json.Unmarshal(v, &text))
	case '[':
		var list []string
		ts.Check(json.Unmarshal(v, &list))
		text = strings.Join(list, " ")
	default:
		text = string(v)
	}
	ts.Setenv(args[0], text)
}

// json wants the last command to have printed exactly one JSON document.
func oneDocument(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: json")
	}
	if !jsontext.Value(ts.ReadFile("stdout")).IsValid() {
		ts.Fatalf("this is not one JSON document:\n%s", ts.ReadFile("stdout"))
	}
}

// acquaint FOLDER CODE FOLDER CODE makes two nodes that have confirmed each other's letters. With a fifth argument both have signed that agreement
// too, by packets that were carried as files. The scripts init, credence and agreement show each of these steps.
func acquaint(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 && len(args) != 5 {
		ts.Fatalf("usage: acquaint FOLDER CODE FOLDER CODE [AGREEMENT]")
	}
	comity := func(args ...string) { ts.Check(ts.Exec("comity", args...)) }
	a, b := args[0], args[2]
	comity("--dir", a, "init", args[1], "--name", "en="+args[1], "--officer", "first officer")
	comity("--dir", b, "init", args[3], "--name", "en="+args[3])
	for _, to := range [][4]string{{a, args[1], b, args[3]}, {b, args[3], a, args[1]}} {
		file := to[1] + ".letter"
		comity("--dir", to[0], "credence", "show", "-o", file)
		comity("--dir", to[2], "credence", "import", file)
		comity("--dir", to[0], "credence", "show", "--json")
		get(ts, false, []string{"WORDS", "words"})
		comity("--dir", to[2], "credence", "confirm", to[1], ts.Getenv("WORDS"))
	}
	if len(args) == 4 {
		return
	}
	comity("--dir", a, "agreement", "import", args[4], "--json")
	get(ts, false, []string{"AGREEMENT", "id"})
	comity("--dir", a, "agreement", "sign", ts.Getenv("AGREEMENT"))
	for i, way := range [][4]string{{a, args[1], b, args[3]}, {b, args[3], a, args[1]}} {
		if i == 1 {
			comity("--dir", b, "agreement", "sign", ts.Getenv("AGREEMENT"))
		}
		there, back := fmt.Sprintf("acquaint-%d.packet", i), fmt.Sprintf("acquaint-%d-reply.packet", i)
		comity("--dir", way[0], "packet", "pack", way[3], "-o", there)
		comity("--dir", way[2], "packet", "open", there, "--reply", back)
		comity("--dir", way[0], "packet", "open", back)
	}
}

// escapes VARIABLE sets it to a text that clears the screen, rings, and turns the direction of writing.
func escapes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: escapes VARIABLE")
	}
	ts.Setenv(args[0], "harmless \x1b[2J\x07\u202egnp.exe\u009b31m")
}
