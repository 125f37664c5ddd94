package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// printPackage is the line that shows that a run is alive.
func printPackage(w io.Writer, p *pack) {
	passed, failed, skipped := p.counts()
	if passed+failed+skipped == 0 {
		return
	}
	mark := "ok  "
	if p.end == fail {
		mark = "FAIL"
	}
	fmt.Fprintf(w, "%s %6.1fs  %s: %d passed", mark, p.seconds, short(p.path), passed)
	if failed > 0 {
		fmt.Fprintf(w, ", %d failed", failed)
	}
	if skipped > 0 {
		fmt.Fprintf(w, ", %d skipped", skipped)
	}
	fmt.Fprintln(w)
	if f, ok := w.(interface{ Flush() error }); ok {
		_ = f.Flush() // a failure shows at the last flush again
	}
}

func (t *tally) print(w io.Writer, slowest int) {
	for _, p := range t.order {
		p.printFailures(w)
	}
	if skipped := t.ended(skip); len(skipped) > 0 {
		fmt.Fprintln(w, "\nSkipped:")
		for _, ts := range skipped {
			fmt.Fprintf(w, "  %s %s: %s\n", short(ts.pkg), ts.name, ts.reason())
		}
	}
	all := append(t.ended(pass), t.ended(fail)...)
	slices.SortStableFunc(all, func(a, b *test) int {
		switch {
		case a.seconds > b.seconds:
			return -1
		case a.seconds < b.seconds:
			return 1
		}
		return 0
	})
	if all = all[:min(slowest, len(all))]; len(all) > 0 {
		fmt.Fprintln(w, "\nSlowest:")
		for _, ts := range all {
			fmt.Fprintf(w, "  %6.2fs  %s %s\n", ts.seconds, short(ts.pkg), ts.name)
		}
	}
}

func (p *pack) printFailures(w io.Writer) {
	if p.end != fail {
		return
	}
	var failed, unended []string
	for _, ts := range p.sorted() {
		switch ts.end {
		case fail:
			failed = append(failed, ts.name)
			fmt.Fprintf(w, "\nFAILED %s %s\n%s", short(p.path), ts.name, ts.said())
		case cut:
			unended = append(unended, ts.name)
		}
	}
	// What belongs to no test explains a build error or a panic; after a plain failure it is one line that says FAIL.
	if len(failed) == 0 || len(p.output) > 4 {
		fmt.Fprintf(w, "\nFAILED %s\n%s", short(p.path), strings.Join(p.output, ""))
	}
	if len(unended) > 0 {
		fmt.Fprintf(w, "\nFAILED %s: %d tests began and never ended: %s\n", short(p.path), len(unended), strings.Join(unended, ", "))
	}
}

// chatter is what the testing package writes around a test's own words.
var chatter = regexp.MustCompile(`^\s*(=== (RUN|PAUSE|CONT|NAME)|--- SKIP)`)

// said is a test's output without the lines that only say that it runs.
func (ts *test) said() string {
	var b strings.Builder
	for _, line := range ts.output {
		if !strings.HasPrefix(line, "=== ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// where is the place in front of a test's own words.
var where = regexp.MustCompile(`^\s*[\w./-]+\.go:\d+: `)

// reason is what a skipped test said for itself.
func (ts *test) reason() string {
	var said []string
	for _, line := range ts.output {
		if !chatter.MatchString(line) {
			said = append(said, strings.TrimSpace(where.ReplaceAllString(line, "")))
		}
	}
	if r := strings.TrimSpace(strings.Join(said, " ")); r != "" {
		return r
	}
	return "no reason given"
}

// short leaves out the module's name.
func short(path string) string {
	_, rest, ok := strings.Cut(path, "/comity/")
	if !ok {
		return path
	}
	return rest
}
