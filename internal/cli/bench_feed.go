package cli

import (
	"context"
	"fmt"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/bench"
)

type benchFeedCmd struct {
	Objects int    `default:"1000000" placeholder:"N" help:"Indicators that are imported by one node and sent to another."`
	Few     int    `default:"10000" placeholder:"N" help:"Indicators that both have before, for a sync with nothing new."`
	Data    string `placeholder:"DIR" help:"Take indicators from DIR/iocs/*.txt.gz, instead of making them."`
	Store   string `placeholder:"ADDRESS" help:"A PostgreSQL server that keeps both nodes' memory, each in a new database of its own, which stays. Without it: SQLite."`
}

func (benchFeedCmd) Help() string {
	return `Two nodes share this machine's cores: all rules on, TLS between them. The first imports a list; the second subscribes to it. Each part ends when all is durable, receipted and
indexed. --dir keeps the nodes, and must be empty before.
  comity bench feed --objects 20000
  comity bench feed --json`
}

func (c *benchFeedCmd) Run(ctx context.Context, s *session, grammar *commands) error {
	if c.Objects < 1 || c.Objects > 50_000_000 || c.Few < 1 || c.Few > c.Objects {
		return fault.New(fault.Usage, "", "objects are from 1 to 50000000, few from 1 to as many")
	}
	s.roomy() // as in serve
	r, err := bench.Feed(ctx, bench.FeedOptions{
		Objects: c.Objects, Few: c.Few, Data: c.Data, Store: c.Store, Dir: grammar.Dir, Progress: func(format string, args ...any) { s.note(fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		return err
	}
	return s.show(r, func(p *page) { c.tell(p, r) })
}

func (c *benchFeedCmd) tell(p *page, r *bench.FeedReport) {
	p.say("%s: %s on %d cores, %s", p.bold("Feed"), r.Machine.CPU, r.Machine.Cores, r.Machine.Go)
	p.say("%s of %.0f bytes; store %s", plural(r.Objects, "object", "objects"), r.ObjectBytes, r.Store)
	p.gap()
	t := newTable("part", ">s", ">objects/s", ">CPU, µs/object", ">unavoidable", ">times", ">memory, MiB")
	row := func(name string, f bench.FeedPhase, parts, ratio float64) {
		t.add(name, fmt.Sprintf("%.1f", f.Seconds), fmt.Sprintf("%.0f", f.PerSecond), fmt.Sprintf("%.1f", f.CPU), fmt.Sprintf("%.1f", parts), fmt.Sprintf("%.1f", ratio),
			fmt.Sprintf("%.0f", float64(f.Memory)/(1<<20)))
	}
	row("import: said", r.Said, r.Parts.Import, r.Said.CPU/r.Parts.Import)
	row("import: and indexed", r.Imported, r.Parts.Import, r.ImportRatio)
	row("to the other node, and indexed there", r.Fed, r.Parts.Feed, r.FeedRatio)
	p.table(t)
	p.gap()
	p.say("Unavoidable, µs an object: SHA-256 %.2f, sealed and opened in a store %.2f, in a packet and TLS %.2f, parsed %.2f, rows %.2f.", r.Parts.Hash, r.Parts.Store, r.Parts.Carry, r.Parts.Parse, r.Parts.Rows)
	p.say("%.0f bytes an object on the wire.", r.WireBytes)
	if r.StoreBytes[0] > 0 {
		p.say("The nodes' folders: %s and %s.", size(r.StoreBytes[0]), size(r.StoreBytes[1]))
	}
	for _, f := range r.Syncs {
		p.say("A sync with nothing new, at %s: %s, %d bytes, %.1f ms.", plural(f.Objects, "object", "objects"), plural(f.Requests, "request", "requests"), f.Bytes, f.Millis)
	}
}
