package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/bench"
)

type benchCmd struct {
	Exchange benchExchangeCmd `cmd:"" help:"Statements a second from one node to another, durable on both, receipts back."`
	Start    benchStartCmd    `cmd:"" help:"How long a node takes to start, and its memory at rest."`
	Proof    benchProofCmd    `cmd:"" help:"Proofs of inclusion in a long log."`
	Decide   benchDecideCmd   `cmd:"" help:"Decisions under a long agreement."`
	Fold     benchFoldCmd     `cmd:"" help:"Threads folded into their state."`

	Web benchWebCmd `cmd:"" help:"The pages of a node with many threads."`

	Match benchMatchCmd `cmd:"" help:"Indicators found in logs, beside ripgrep on the same file."`

	TAXII benchTAXIICmd `cmd:"" name:"taxii" help:"Objects given and taken by the TAXII server, and what a page costs in a large collection."`
	Feed  benchFeedCmd  `cmd:"" help:"Indicators taken into one node and sent to another."`

	Negotiate benchNegotiateCmd `cmd:"" help:"A convention among many parties, from the first draft to its entry into force."`
}

type benchExchangeCmd struct {
	Size     int           `default:"1024" placeholder:"BYTES" help:"Bytes of head and body together."`
	Batch    int           `default:"256" placeholder:"N" help:"Statements that are handed over at once."`
	Threads  int           `default:"10000" placeholder:"N" help:"Threads over which they are spread."`
	History  int           `default:"0" placeholder:"N" help:"Statements that both stores hold before it begins."`
	Duration time.Duration `default:"60s" placeholder:"SPAN" help:"Full load for so long, then half load for as long."`
	Store    string        `placeholder:"ADDRESS" help:"A PostgreSQL server that keeps both nodes' memory, each in a new database of its own, which stays. Without it: SQLite."`
}

func (benchExchangeCmd) Help() string {
	return `Two nodes and the load share this machine's cores: all rules on, TLS between them. --dir keeps the nodes and their history for another run.
  comity bench exchange --duration 10s
  comity --dir /var/tmp/measured bench exchange --history 1000000 --threads 1 --json`
}

func (c *benchExchangeCmd) Run(ctx context.Context, s *session, grammar *commands) error {
	if c.Size < 1 || c.Batch < 1 || c.Threads < 1 || c.History < 0 || c.Duration <= 0 || c.Batch > 4096 || c.Size > 1<<20 {
		return fault.New(fault.Usage, "", "size is from 1 to 1048576, batch from 1 to 4096, threads from 1, duration above 0")
	}
	s.roomy() // as in serve
	r, err := bench.Exchange(ctx, bench.Options{
		Size: c.Size, Batch: c.Batch, Threads: c.Threads, History: c.History, Duration: c.Duration, Store: c.Store, Dir: grammar.Dir,
		Progress: func(format string, args ...any) { s.note(fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		return err
	}
	return s.show(r, func(p *page) {
		p.say("%s: %s on %d cores, %s", p.bold("Exchange"), r.Machine.CPU, r.Machine.Cores, r.Machine.Go)
		p.say("%d statements of %d bytes (head %d, body %d) in %d threads, after %d; batches of %d; store %s", r.Statements, r.Head+r.Body, r.Head, r.Body,
			r.Threads, r.History, r.Batch, r.Store)
		p.gap()
		t := newTable("figure", ">value", "unit", "budget")
		row := func(what string, v float64, unit, budget string) { t.add(what, fmt.Sprintf("%.1f", v), unit, budget) }
		row("full load", r.PerSecond, "statements/s", "at least 10000")
		row("CPU, both nodes and the load", r.CPU, "µs/statement", "")
		row("  unavoidable: hashes", r.Parts.Hash, "µs/statement", "")
		row("  unavoidable: sealing and opening", r.Parts.AEAD, "µs/statement", "")
		row("  unavoidable: JSON", r.Parts.JSON, "µs/statement", "")
		row("  unavoidable: rows", r.Parts.Rows, "µs/statement", "")
		row("  CPU over their sum", r.Ratio, "times", "at most 2")
		row("on the wire", r.WireBytes, "bytes/statement", "")
		row("memory, at most", float64(r.MemoryPeak)/(1<<20), "MiB", "")
		row(fmt.Sprintf("at %.0f/s: said, half of them", r.HalfLoad), r.SaidP50, "ms", "")
		row("  said, 99 of 100", r.SaidP99, "ms", "")
		row("  receipted, half of them", r.DeliveredP50, "ms", "")
		row("  receipted, 99 of 100", r.DeliveredP99, "ms", "at most 100")
		p.table(t)
	})
}

type benchStartCmd struct{}

func (benchStartCmd) Help() string {
	return `This program is started some times, in a folder of its own.
  comity bench start`
}

func (c *benchStartCmd) Run(ctx context.Context, s *session) error {
	program, err := os.Executable()
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "this program's own file cannot be found")
	}
	return s.costs(bench.Start(ctx, program))
}

type benchProofCmd struct {
	Leaves int64 `default:"1000000" placeholder:"N" help:"Statements in the log."`
}

func (benchProofCmd) Help() string {
	return `The log is made in memory, so that nothing but the proof is measured.
  comity bench proof --leaves 1000000`
}

func (c *benchProofCmd) Run(s *session) error {
	if c.Leaves < 1 || c.Leaves > 1<<26 {
		return fault.New(fault.Usage, "", "leaves are from 1 to %d", 1<<26)
	}
	return s.costs(bench.Proof(c.Leaves))
}

type benchDecideCmd struct {
	Articles []int `default:"10,50,500" placeholder:"N" help:"Articles of each agreement, all of them about what is asked."`
}

func (benchDecideCmd) Help() string {
	return `Cold is a question that was not asked before and is decided anew; cached is one that was.
  comity bench decide
  comity bench decide --articles 50 --json`
}

func (c *benchDecideCmd) Run(s *session) error {
	for _, n := range c.Articles {
		if n < 1 || n > agreement.MaxArticles {
			return fault.New(fault.Usage, "", "articles are from 1 to %d", agreement.MaxArticles)
		}
	}
	return s.costs(bench.Decide(c.Articles...))
}

type benchFoldCmd struct {
	Heads int `default:"1000" placeholder:"N" help:"Heads of the thread."`
}

func (benchFoldCmd) Help() string {
	return `All heads of a thread at once, in no order, and one head more.
  comity bench fold --heads 1000`
}

func (c *benchFoldCmd) Run(s *session) error {
	if c.Heads < 1 || c.Heads > 100_000 {
		return fault.New(fault.Usage, "", "heads are from 1 to 100000")
	}
	return s.costs(bench.Fold(c.Heads))
}

type benchWebCmd struct {
	Threads int `default:"100000" placeholder:"N" help:"Threads in the node's store; the pages are measured at a tenth of them too."`
	Objects int `default:"100000" placeholder:"N" help:"Objects in the catalogue, for the pages of intelligence."`
}

func (benchWebCmd) Help() string {
	return `Two nodes say and deliver so many threads first, which takes a while; then there is a desk with clocks under a real agreement, a thread of 2,000 statements, and a catalogue of objects. The time is the server's, from the request to the whole page.
  comity bench web --threads 10000`
}

func (c *benchWebCmd) Run(ctx context.Context, s *session) error {
	if c.Threads < 20 || c.Threads > 10_000_000 {
		return fault.New(fault.Usage, "", "threads are from 20 to 10000000")
	}
	if c.Objects < 100 || c.Objects > 10_000_000 {
		return fault.New(fault.Usage, "", "objects are from 100 to 10000000")
	}
	return s.costs(bench.Web(ctx, c.Threads, c.Objects))
}

type benchNegotiateCmd struct {
	Parties int `default:"193" placeholder:"N" help:"Who negotiates and signs."`
}

func (benchNegotiateCmd) Help() string {
	return `60 articles, 500 drafts, 1,000 comments, silences, signatures with reservations, ratifications; folded in several orders of arrival, which must give the same bytes.
  comity bench negotiate --parties 193`
}

func (c *benchNegotiateCmd) Run(s *session) error {
	if c.Parties < 2 || c.Parties > agreement.MaxParties {
		return fault.New(fault.Usage, "", "parties are from 2 to %d", agreement.MaxParties)
	}
	return s.costs(bench.Negotiate(c.Parties))
}

// costs shows figures beside their budgets.
func (s *session) costs(all []bench.Cost, err error) error {
	if err != nil {
		return err
	}
	return s.show(struct {
		Costs []bench.Cost `json:"costs"`
	}{all}, func(p *page) {
		t := newTable("figure", ">value", "unit", "budget")
		for _, c := range all {
			budget := ""
			if c.Bound > 0 {
				budget = fmt.Sprintf("at most %g", c.Bound)
			}
			t.add(c.What, fmt.Sprintf("%.2f", c.Value), c.Unit, budget)
		}
		p.table(t)
	})
}
