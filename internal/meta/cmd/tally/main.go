package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, in io.Reader, out, errs io.Writer) int {
	flags := flag.NewFlagSet("tally", flag.ContinueOnError)
	flags.SetOutput(errs)
	counts := flags.String("counts", "", "write passed, failed and skipped to this `file`")
	slowest := flags.Int("slowest", 10, "how many of the slowest tests to show")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		fmt.Fprintln(errs, "usage: go test -json ./... | tally [-counts FILE] [-slowest N]")
		return 2
	}
	w := bufio.NewWriter(out)
	t, err := read(in, func(p *pack) { printPackage(w, p) })
	if err != nil {
		_ = w.Flush()
		fmt.Fprintln(errs, "tally:", err)
		return 2
	}
	t.print(w, *slowest)
	if err := w.Flush(); err != nil {
		fmt.Fprintln(errs, "tally:", err)
		return 2
	}
	passed, failed, skipped := t.counts()
	if *counts != "" {
		line := fmt.Sprintf("%d %d %d\n", passed, failed, skipped)
		if err := os.WriteFile(*counts, []byte(line), 0o644); err != nil {
			fmt.Fprintln(errs, "tally:", err)
			return 2
		}
	}
	if failed > 0 {
		return 1
	}
	return 0
}
