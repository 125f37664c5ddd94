package cli

import (
	"cmp"
	"context"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/indicator"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/statement"
)

type matchCmd struct {
	Logs []string `arg:"" optional:"" name:"log" help:"The logs, plain, gzip or zstd; - is the standard input."`

	Indicators []string `sep:"none" short:"i" placeholder:"FILE" help:"Indicators: a list with one a line, defanged or not; a .csv file with value,kind,valid_from,valid_until,revoked; STIX or events of MISP, as .json, .jsonl or .stix; or what --compile has written. Where none is named, those of the node's catalogue."`
	Catalogue  bool     `short:"c" help:"All indicators of the node's catalogue, beside those of files."`
	Feed       []string `sep:"none" placeholder:"ID" help:"Of the catalogue only what came with this feed or share."`
	Source     []string `sep:"none" placeholder:"NAME" help:"Of the catalogue only what came with this source, by its name or id."`
	Allow      []string `sep:"none" placeholder:"FILE" help:"What is well known and harmless: a MISP warninglist, a list with a value a line, or a folder of these. What is on it is counted, and not shown."`
	Format     string   `default:"auto" placeholder:"FORMAT" help:"How lines are read in which something is found: auto, zeek, eve (or any JSON, one object a line), plain."`
	Output     string   `default:"table" placeholder:"FORM" help:"table, json, or stix (sightings as a STIX 2.1 bundle)."`
	Follow     bool     `short:"f" help:"Read on as the logs grow, are rotated or cut short, and tell each occurrence as it comes, until interrupted."`

	At             string `placeholder:"TIME" help:"Judge validity by this time where a record says none. Without it: now."`
	IgnoreValidity bool   `help:"Look for indicators that are revoked or not valid at the record's time too."`
	Wide           bool   `help:"Look for ranges wider than /8, of IPv6 wider than /16, too: 0.0.0.0/0 is found on every line."`
	ShowAllowed    bool   `help:"Show what is on an allow-list too."`
	Places         int    `default:"3" placeholder:"N" help:"Places that are shown of each indicator; all are counted."`
	Check          bool   `help:"End with status 1 when something was found."`
	Compile        string `placeholder:"FILE" help:"Write the compiled indicators, so that the next run starts at once."`

	opened bool
}

func (matchCmd) Help() string {
	return `Reads logs of any kind once and says where indicators occur: addresses, ranges, endpoints, domains with their subdomains, URLs, paths, mail addresses, hashes. docs/match.md
says what counts as an occurrence, and what is not found. Nothing leaves this machine: to tell whoever gave an indicator that it was seen, comity intel sight reads the JSON. Lists need no node. Unlike grep,
it ends with status 0 whether or not something was found; --check makes it 1 when something was.
  comity match dns.log.gz eve.json
  comity match --feed 3f2a1b --json dns.log | comity intel sight -
  comity match --catalogue --compile all.set
  comity match --indicators iocs.txt dns.log.gz eve.json
  comity match -i iocs.csv --allow top-domains.json --follow /var/log/zeek/current/conn.log
  comity match -i iocs.txt --compile iocs.set
  comity match -i iocs.set --output stix proxy.log > sightings.json
  comity match -i iocs.set --check - < conn.log`
}

func (c *matchCmd) Run(ctx context.Context, s *session) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	if c.Output == "stix" && s.json {
		s.json = false // the bundle is JSON already
	} else {
		s.json = s.json || c.Output == "json"
	}
	if c.asksNode() {
		err := s.with(ctx, func(n *node.Node) error { return c.search(ctx, s, n, o) })
		if fault.CodeOf(err) == fault.NotFound && !c.opened && len(c.Indicators) == 0 && !c.Catalogue {
			return fault.New(fault.Usage, "", "name indicators with --indicators FILE; where there is a node, its catalogue is searched for without it")
		}
		return err
	}
	return c.search(ctx, s, nil, o)
}

// asksNode tells whether indicators come from the node's catalogue: where that is asked for, and where no list is named.
func (c *matchCmd) asksNode() bool {
	return c.Catalogue || len(c.Feed) > 0 || len(c.Source) > 0 || len(c.Indicators) == 0
}

// search makes the set and looks for it. n is nil where no catalogue is asked for.
func (c *matchCmd) search(ctx context.Context, s *session, n *node.Node, o match.Options) error {
	c.opened = true
	stop := s.working("reading indicators")
	set, from, err := c.indicators(ctx, s, n)
	stop()
	if err != nil {
		return err
	}
	if n == nil && from.FromCatalogue() { // a compiled set: what has gone since is not to be found
		watched := false
		err := s.with(ctx, func(n *node.Node) error {
			watched = true
			from.Watch(ctx, n)
			return c.scan(ctx, s, set, from, o)
		})
		if watched || fault.CodeOf(err) != fault.NotFound {
			return err
		}
		s.note("these indicators were compiled from a node's catalogue, and there is no node here to say what has gone since, and what each is")
	}
	return c.scan(ctx, s, set, from, o)
}

// scan writes the set where that is asked for, and searches the logs.
func (c *matchCmd) scan(ctx context.Context, s *session, set *match.Set, from *indicators, o match.Options) (err error) {
	if c.Compile != "" {
		if err := writeFile(c.Compile, true, func(w io.Writer) error { return indicator.WriteTo(w, set, from.Origins) }); err != nil {
			return err
		}
		if len(c.Logs) == 0 {
			return s.show(compiled{set.Len(), set.Bytes(), from.refused, from.others, from.wide}, func(p *page) {
				p.say("%s compiled, %s in memory, into %s", plural(set.Len(), "indicator", "indicators"), size(int64(set.Bytes())), c.Compile)
			})
		}
	}
	if o.Allow, err = readAllow(c.Allow, s.note); err != nil {
		return err
	}
	o.Skip = from.Skip
	if c.Follow {
		return c.follow(ctx, s, set, from, o)
	}
	f := newFindings(set, from, c.Places, c.ShowAllowed)
	var broken error // a log that cannot be read keeps nobody from what is in the others
	for _, name := range c.Logs {
		err := f.log(ctx, s, name, o)
		if fault.CodeOf(err) == fault.Canceled || len(c.Logs) == 1 && err != nil && f.stats.Found == 0 {
			return err
		}
		if err != nil {
			s.note(fault.Show(err))
			broken = cmp.Or(broken, error(&answered{err}))
		}
	}
	if err := f.resolve(ctx); err != nil {
		return err
	}
	if f.stats.Found > 0 && len(c.Allow) == 0 && c.Output == "table" && !s.json {
		s.note("without --allow shared infrastructure is among it; docs/match.md names lists to begin with")
	}
	if c.Output == "stix" {
		err = s.printBundle(f)
	} else {
		err = s.show(f.report(), f.write)
	}
	if err == nil {
		err = broken
	}
	if err == nil && c.Check && f.stats.Found > 0 {
		err = &answered{fault.New(fault.Failed, "", "something was found")}
	}
	return err
}

// compiled is what --compile says.
type compiled struct {
	Indicators int   `json:"indicators"`
	Bytes      int   `json:"bytes"`
	Refused    int64 `json:"refused"`
	Others     int64 `json:"others"` // objects that are no indicators
	Wide       int64 `json:"wide"`   // ranges that are not looked for, as they are too wide
}

func (c *matchCmd) options(s *session) (o match.Options, err error) {
	if o.Format, err = match.ParseFormat(c.Format); err != nil {
		return o, err
	}
	at := statement.TimeOf(s.now())
	if c.At != "" {
		if at, err = s.moment("--at", c.At); err != nil {
			return o, err
		}
	}
	switch {
	case c.Output != "table" && c.Output != "json" && c.Output != "stix":
		return o, fault.New(fault.Usage, "", "--output is table, json or stix")
	case c.Follow && (c.Output == "stix" || c.Check):
		return o, fault.New(fault.Usage, "", "--follow tells occurrences one by one: as a table or, with --output json, one object a line")
	case len(c.Logs) == 0 && c.Compile == "":
		return o, fault.New(fault.Usage, "", "name a log, or - for the standard input")
	case c.Places < 0 || c.Places > 1000:
		return o, fault.New(fault.Usage, "", "--places is from 0 to 1000")
	}
	o.At, o.Always, o.Workers = at.Std(), c.IgnoreValidity, runtime.GOMAXPROCS(0)
	return o, nil
}

// follow tells occurrences as they come, from all logs at once, until it is interrupted, which is how it ends well.
func (c *matchCmd) follow(ctx context.Context, s *session, set *match.Set, from *indicators, o match.Options) error {
	o.Live, o.Workers = true, 1
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	var one sync.Mutex
	for _, name := range c.Logs {
		group.Go(func() {
			in, err := followLog(ctx, name, s.in)
			if err == nil {
				defer in.Close()
				_, err = match.Scan(ctx, in, set, o, func(f match.Occurrence) error {
					if f.Allowed != "" && !c.ShowAllowed {
						return nil
					}
					one.Lock()
					defer one.Unlock()
					return s.tell(ctx, name, f, from)
				})
				err = readError(err, name)
			}
			if err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil && fault.CodeOf(err) != fault.Internal && fault.CodeOf(err) != fault.Canceled {
		return err
	}
	return nil
}

// log scans one log into the findings.
func (f *findings) log(ctx context.Context, s *session, name string, o match.Options) error {
	var done atomic.Int64
	in, err := openLog(name, s.in)
	if err != nil {
		return err
	}
	defer in.Close()
	stop := s.progress("scanning "+line(name), &done)
	began := time.Now()
	stats, err := match.Scan(ctx, tally{in, &done}, f.set, o, func(found match.Occurrence) error {
		f.add(name, found)
		return nil
	})
	stop()
	f.took += time.Since(began)
	f.count(stats)
	return readError(err, name)
}

// tally counts what is read.
type tally struct {
	io.Reader
	done *atomic.Int64
}

func (t tally) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	t.done.Add(int64(n))
	return n, err
}
