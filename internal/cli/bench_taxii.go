package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/bench"
)

type benchTAXIICmd struct {
	Objects     int           `default:"1000000" placeholder:"N" help:"Objects in the store when all is measured."`
	Small       int           `default:"10000" placeholder:"N" help:"Objects of a collection in which the cost of a page is measured first."`
	Connections int           `default:"4" placeholder:"N" help:"Clients at once; twice as many ask for single objects."`
	Duration    time.Duration `default:"10s" placeholder:"SPAN" help:"How long each measurement takes."`

	Client bool `hidden:"" help:"Be the client, for a measurement that has started this process."`
}

func (benchTAXIICmd) Help() string {
	return `A node on durable storage, with TLS and tokens, serves and takes indicators of some 850 bytes, of all markings. They are imported first, as 'comity intel import' does it; a million take
1.3 GB of the folder for temporary files, and minutes. The client is a process of its own on the same cores; its processor time is told apart.
  comity bench taxii --objects 100000 --duration 5s
  comity bench taxii --objects 5000000 --json`
}

func (c *benchTAXIICmd) Run(ctx context.Context, s *session) error {
	if c.Client {
		return bench.TAXIIClient(ctx, s.in, s.out)
	}
	if c.Objects < 1 || c.Objects > 50_000_000 || c.Small < 0 || c.Small > c.Objects || c.Connections < 1 || c.Connections > 1024 || c.Duration <= 0 {
		return fault.New(fault.Usage, "", "objects are from 1 to 50000000, small is no more than they are, connections are from 1 to 1024, duration is above 0")
	}
	program, err := os.Executable()
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "this program's own file cannot be found")
	}
	s.roomy() // as in serve
	r, err := bench.TAXII(ctx, bench.TAXIIOptions{
		Program: program, Small: c.Small, Objects: c.Objects, Connections: c.Connections, Duration: c.Duration,
		Progress: func(format string, args ...any) { s.note(fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		return err
	}
	return s.show(r, func(p *page) {
		p.say("%s: %s on %d cores, %s", p.bold("TAXII"), r.Machine.CPU, r.Machine.Cores, r.Machine.Go)
		p.gap()
		t := newTable("what", ">a second", ">server, µs", ">client, µs", ">median, ms", ">99 of 100, ms", "budget")
		row := func(what string, m bench.TAXIIRun, budget string) {
			f := func(v float64) string { return fmt.Sprintf("%.2f", v) }
			t.add(what, fmt.Sprintf("%.0f", m.PerSecond), f(m.Server), f(m.Client), f(m.Median), f(m.P99), budget)
		}
		for _, z := range r.Sizes {
			of := fmt.Sprintf(" of %d, one client", z.Objects)
			row("pages"+of, z.Page, "")
			row("pages of everything"+of, z.Filtered, "")
			row("match[id]"+of, z.Match, "")
		}
		row("GET, objects", r.Get, "at least 500000")
		row("match[id], requests", r.Match, "at least 10000")
		row("POST, objects", r.Post, "at least 60000")
		p.table(t)
		p.gap()
		for _, z := range r.Sizes {
			p.say("%s filled with %.0f a second, %.0f with what they are found by; %s on disk", plural(z.Objects, "object", "objects"), z.Filled, z.Indexed, size(z.Store))
		}
		p.say("What was posted could be fetched %.1f s after the last answer, %.0f objects a second from the first request on", r.Searchable, r.Indexed)
		p.say("%s of memory at most", size(r.MemoryPeak))
	})
}
