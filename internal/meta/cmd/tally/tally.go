package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// event is one line of `go test -json`; see `go doc test2json`. Elapsed is in seconds.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output and build-fail, in place of Package
	Test       string
	Elapsed    float64
	Output     string
}

// outcome is how a test or package ended; "" while it has not.
type outcome string

const (
	pass outcome = "pass"
	fail outcome = "fail"
	skip outcome = "skip"
	cut  outcome = "cut" // it began and never ended: another one's panic, or a timeout
)

// test is one test, subtest, example or seed of a fuzz target.
type test struct {
	pkg, name string
	end       outcome
	seconds   float64
	output    []string
	parent    bool // it has subtests
}

// pack is one package's run.
type pack struct {
	path    string
	end     outcome
	seconds float64
	output  []string // what belongs to no test: build errors, panics, TestMain
	tests   map[string]*test
}

// tally is a whole run.
type tally struct {
	packs map[string]*pack
	order []*pack
}

// read takes events until the input ends and tells done about each package that has ended. A line that is no event
// (the go command's own complaint) is kept as output of the package named "go".
func read(in io.Reader, done func(*pack)) (*tally, error) {
	t := &tally{packs: map[string]*pack{}}
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		line := sc.Bytes()
		if len(line) == 0 {
			continue
		}
		var e event
		if line[0] != '{' || json.Unmarshal(line, &e) != nil {
			p := t.pack("go")
			p.output = append(p.output, string(line)+"\n")
			p.end = fail
			continue
		}
		t.take(e, done)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	t.close(done)
	return t, nil
}

func (t *tally) pack(path string) *pack {
	p := t.packs[path]
	if p == nil {
		p = &pack{path: path, tests: map[string]*test{}}
		t.packs[path] = p
		t.order = append(t.order, p)
	}
	return p
}

func (t *tally) take(e event, done func(*pack)) {
	if e.Package == "" {
		// A build's events name a variant such as "path [path.test]"; the package that did not build follows as its own event.
		e.Package, _, _ = strings.Cut(e.ImportPath, " ")
	}
	p := t.pack(e.Package)
	if e.Test == "" {
		switch e.Action {
		case "output", "build-output":
			p.output = append(p.output, e.Output)
		case "pass", "skip", "fail":
			p.end, p.seconds = outcome(e.Action), e.Elapsed
			p.cutOff()
			done(p)
		}
		return
	}
	ts := p.tests[e.Test]
	if ts == nil {
		ts = &test{pkg: e.Package, name: e.Test}
		p.tests[e.Test] = ts
		p.markParents(e.Test)
	}
	switch e.Action {
	case "output":
		ts.output = append(ts.output, e.Output)
	case "pass", "skip", "fail":
		ts.end, ts.seconds = outcome(e.Action), e.Elapsed
	}
}

func (p *pack) markParents(name string) {
	for i, c := range name {
		if c == '/' {
			if parent := p.tests[name[:i]]; parent != nil {
				parent.parent = true
			}
		}
	}
}

// close gives an end to what has none: the run was cut short.
func (t *tally) close(done func(*pack)) {
	for _, p := range t.order {
		// A package that was only built for another one's test has no end and no tests.
		if p.end == "" && len(p.tests) > 0 {
			p.cutOff()
			p.end = fail
			done(p)
		}
	}
}

func (p *pack) cutOff() {
	for _, ts := range p.tests {
		if ts.end == "" {
			ts.end = cut
		}
	}
}

// sorted gives a package's counted tests by name: its leaves, and parents that failed alone.
func (p *pack) sorted() []*test {
	var out []*test
	for _, ts := range p.tests {
		if !ts.parent || ts.end == fail && !p.childNotGood(ts.name) {
			out = append(out, ts)
		}
	}
	slices.SortFunc(out, func(a, b *test) int { return strings.Compare(a.name, b.name) })
	return out
}

func (p *pack) childNotGood(name string) bool {
	for child, ts := range p.tests {
		if (ts.end == fail || ts.end == cut) && strings.HasPrefix(child, name+"/") {
			return true
		}
	}
	return false
}

// counts of one package. What fails without a failed test is one failure of its own.
func (p *pack) counts() (passed, failed, skipped int) {
	for _, ts := range p.sorted() {
		switch ts.end {
		case pass:
			passed++
		case fail, cut:
			failed++
		case skip:
			skipped++
		}
	}
	if p.end == fail && failed == 0 {
		failed = 1
	}
	return passed, failed, skipped
}

func (t *tally) counts() (passed, failed, skipped int) {
	for _, p := range t.order {
		a, b, c := p.counts()
		passed, failed, skipped = passed+a, failed+b, skipped+c
	}
	return passed, failed, skipped
}

// ended gives every counted test that ended so, package by package.
func (t *tally) ended(as outcome) []*test {
	var out []*test
	for _, p := range t.order {
		for _, ts := range p.sorted() {
			if ts.end == as {
				out = append(out, ts)
			}
		}
	}
	return out
}
