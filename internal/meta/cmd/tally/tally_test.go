package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		in     string
		counts string
		exit   int
		shows  []string
		hides  []string
	}{
		{
			name: "leaves count, parents do not",
			in: `{"Action":"run","Package":"x/comity/a","Test":"TestT"}
{"Action":"run","Package":"x/comity/a","Test":"TestT/one"}
{"Action":"run","Package":"x/comity/a","Test":"TestT/two"}
{"Action":"pass","Package":"x/comity/a","Test":"TestT/one","Elapsed":0.5}
{"Action":"pass","Package":"x/comity/a","Test":"TestT/two","Elapsed":1.5}
{"Action":"pass","Package":"x/comity/a","Test":"TestT","Elapsed":2}
{"Action":"pass","Package":"x/comity/a","Elapsed":2.1}`,
			counts: "2 0 0\n",
			shows:  []string{"ok      2.1s  a: 2 passed", "1.50s  a TestT/two"},
			hides:  []string{"FAILED", "Skipped"},
		},
		{
			name: "a failed subtest is shown once, in full",
			in: `{"Action":"run","Package":"x/comity/a","Test":"TestT"}
{"Action":"run","Package":"x/comity/a","Test":"TestT/one"}
{"Action":"output","Package":"x/comity/a","Test":"TestT/one","Output":"    a_test.go:7: got 1, want 2\n"}
{"Action":"fail","Package":"x/comity/a","Test":"TestT/one"}
{"Action":"fail","Package":"x/comity/a","Test":"TestT"}
{"Action":"output","Package":"x/comity/a","Output":"FAIL\n"}
{"Action":"fail","Package":"x/comity/a"}`,
			counts: "0 1 0\n", exit: 1,
			shows: []string{"FAILED a TestT/one\n    a_test.go:7: got 1, want 2\n"},
			hides: []string{"FAILED a TestT\n"},
		},
		{
			name: "a parent that fails by itself counts",
			in: `{"Action":"run","Package":"p","Test":"TestT"}
{"Action":"run","Package":"p","Test":"TestT/one"}
{"Action":"pass","Package":"p","Test":"TestT/one"}
{"Action":"output","Package":"p","Test":"TestT","Output":"left over\n"}
{"Action":"fail","Package":"p","Test":"TestT"}
{"Action":"fail","Package":"p"}`,
			counts: "1 1 0\n", exit: 1,
			shows: []string{"FAILED p TestT\nleft over\n"},
		},
		{
			name: "a skip gives its reason",
			in: `{"Action":"run","Package":"p","Test":"TestS"}
{"Action":"output","Package":"p","Test":"TestS","Output":"=== RUN   TestS\n"}
{"Action":"output","Package":"p","Test":"TestS","Output":"    p_test.go:3: data: not here\n"}
{"Action":"output","Package":"p","Test":"TestS","Output":"--- SKIP: TestS (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestS"}
{"Action":"pass","Package":"p"}`,
			counts: "0 0 1\n",
			shows:  []string{"p TestS: data: not here\n"},
			hides:  []string{"=== RUN"},
		},
		{
			name: "a package that does not build is one failure",
			in: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"p.go:1: undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`,
			counts: "0 1 0\n", exit: 1,
			shows: []string{"undefined: x", "FAIL"},
		},
		{
			name: "a test that never ends has failed",
			in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}`,
			counts: "1 1 0\n", exit: 1,
			shows: []string{"FAILED p: 1 tests began and never ended: TestB\n"},
		},
		{
			name: "a panic cuts off the others",
			in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: x\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			counts: "0 2 0\n", exit: 1,
			shows: []string{"FAIL    0.0s  p: 0 passed, 2 failed", "FAILED p TestA\npanic: x\n", "never ended: TestB"},
		},
		{
			name:   "what is no event is a failure",
			in:     "go: no such module\n",
			counts: "0 1 0\n", exit: 1,
			shows: []string{"go: no such module"},
		},
		{
			name:   "a package without tests counts for nothing",
			in:     `{"Action":"output","Package":"p","Output":"?   \tp\t[no test files]\n"}` + "\n" + `{"Action":"skip","Package":"p"}`,
			counts: "0 0 0\n",
			hides:  []string{"no test files", "Skipped"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "counts")
			var out, errs bytes.Buffer
			if got := run([]string{"-counts", file}, strings.NewReader(c.in), &out, &errs); got != c.exit {
				t.Errorf("exit status %d, want %d: %s", got, c.exit, &errs)
			}
			counts, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if string(counts) != c.counts {
				t.Errorf("counts %q, want %q", counts, c.counts)
			}
			for _, s := range c.shows {
				if !strings.Contains(out.String(), s) {
					t.Errorf("does not show %q:\n%s", s, &out)
				}
			}
			for _, s := range c.hides {
				if strings.Contains(out.String(), s) {
					t.Errorf("shows %q:\n%s", s, &out)
				}
			}
		})
	}
}

func TestTallyUsage(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if got := run([]string{"stray"}, strings.NewReader(""), &out, &errs); got != 2 || !strings.Contains(errs.String(), "usage:") {
		t.Errorf("exit status %d, %q", got, &errs)
	}
}
