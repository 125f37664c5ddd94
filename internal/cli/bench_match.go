package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/bench"
)

type benchMatchCmd struct {
	Indicators int    `default:"1000000" placeholder:"N" help:"Indicators that are looked for."`
	Size       int64  `default:"2147483648" placeholder:"BYTES" help:"Size of the log."`
	Data       string `placeholder:"DIR" help:"Take indicators from DIR/iocs/*.txt.gz and logs from DIR/logs/*.gz, instead of making them."`
}

func (benchMatchCmd) Help() string {
	return `Runs 'comity match' on one line and on a log of that size, with indicators as a list and compiled, and 'rg -F -f' with the same list on the same file where ripgrep is
installed. With a million indicators ripgrep takes some 9 GB of memory, and minutes. The files lie in the folder for temporary files meanwhile.
  comity bench match
  comity bench match --indicators 100000 --size 200000000 --json`
}

func (c *benchMatchCmd) Run(ctx context.Context, s *session) error {
	if c.Indicators < 1 || c.Indicators > 50_000_000 || c.Size < 1 || c.Size > 1<<40 {
		return fault.New(fault.Usage, "", "indicators are from 1 to 50000000, size is from 1 to 2^40")
	}
	program, err := os.Executable()
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "this program's own file cannot be found")
	}
	r, err := bench.Match(ctx, bench.MatchOptions{
		Program: program, Indicators: c.Indicators, Size: c.Size, Data: c.Data,
		Progress: func(format string, args ...any) { s.note(fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		return err
	}
	return s.show(r, func(p *page) {
		p.say("%s: %s on %d cores, %s", p.bold("Match"), r.Machine.CPU, r.Machine.Cores, r.Machine.Go)
		p.say("%s, a log of %s in %s, %s found", plural(r.Indicators, "indicator", "indicators"), size(r.LogBytes), plural(r.Lines, "line", "lines"), plural(r.Found, "occurrence", "occurrences"))
		p.gap()
		t := newTable("program", ">start, s", ">whole, s", ">MB/s", ">CPU, s", ">memory, MiB")
		row := func(name string, m bench.MatchRun) {
			f := func(v float64) string { return fmt.Sprintf("%.2f", v) }
			t.add(name, f(m.Start), f(m.Total), f(m.MBps), f(m.CPU), f(float64(m.Memory)/(1<<20)))
		}
		row("comity match", r.Comity)
		row("comity match, compiled", r.Compiled)
		if r.RG != nil {
			row("rg -F -f", *r.RG)
		}
		p.table(t)
		p.gap()
		p.say("%.1f bytes an indicator (at most 60)", r.SetBytes)
		if r.RG != nil {
			p.say("%.1f times as fast as rg, start-up of both taken off (at least 10); a byte costs rg %.1f times the processor time", r.Ratio, r.RatioCPU)
		} else {
			p.say("ripgrep is not installed: nothing to compare with")
		}
	})
}
