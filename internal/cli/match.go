package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/statement"
)

type matchCmd struct {
	Logs []string `arg:"" optional:"" name:"log" help:"The logs, plain, gzip or zstd; - is the standard input."`

	Indicators []string `required:"" sep:"none" short:"i" placeholder:"FILE" help:"Indicators: a list with one a line, defanged or not; a .csv file with value,kind,valid_from,valid_until,revoked; or what --compile has written."`
	Allow      []string `sep:"none" placeholder:"FILE" help:"What is well known and harmless: a MISP warninglist, or a list with a value a line. What is on it is counted, and not shown."`
	Format     string   `default:"auto" placeholder:"FORMAT" help:"How lines are read in which something is found: auto, zeek, eve (or any JSON, one object a line), plain."`
	Output     string   `default:"table" placeholder:"FORM" help:"table, json, or stix (sightings as a STIX 2.1 bundle)."`
	Follow     bool     `short:"f" help:"Read on as the logs grow, are rotated or cut short, and tell each occurrence as it comes, until interrupted."`

	At             string `placeholder:"TIME" help:"Judge validity by this time where a record says none. Without it: now."`
	IgnoreValidity bool   `help:"Look for indicators that are revoked or not valid at the record's time too."`
	ShowAllowed    bool   `help:"Show what is on an allow-list too."`
	Places         int    `default:"3" placeholder:"N" help:"Places that are shown of each indicator; all are counted."`
	Check          bool   `help:"End with status 1 when something was found."`
	Compile        string `placeholder:"FILE" help:"Write the compiled indicators, so that the next run starts at once."`
}

func (matchCmd) Help() string {
	return `Reads logs of any kind once and says where indicators occur: addresses, ranges, endpoints, domains with their subdomains, URLs, paths, mail addresses, hashes. docs/match.md
says what counts as an occurrence, and what is not found. No node is needed, and nothing leaves this machine. Unlike grep, it ends with status 0 whether or not something was
found; --check makes it 1 when something was.
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
	stop := s.working("reading indicators")
	set, from, err := readIndicators(c.Indicators, s.note)
	stop()
	if err != nil {
		return err
	}
	if c.Compile != "" {
		if err := writeFile(c.Compile, true, func(w io.Writer) error { _, err := set.WriteTo(w); return err }); err != nil {
			return err
		}
		if len(c.Logs) == 0 {
			return s.show(compiled{set.Len(), set.Bytes(), from.refused}, func(p *page) {
				p.say("%s compiled, %s in memory, into %s", plural(set.Len(), "indicator", "indicators"), size(int64(set.Bytes())), c.Compile)
			})
		}
	}
	if o.Allow, err = readAllow(c.Allow, s.note); err != nil {
		return err
	}
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

// origins says which line of which file an indicator came from.
type origins struct {
	files    []string
	first    []uint32 // the number before each file's first line
	compiled bool
	refused  int64
}

func (o *origins) of(id uint32) string {
	if o.compiled {
		return fmt.Sprintf("%s #%d", o.files[0], id)
	}
	for i := len(o.first) - 1; i >= 0; i-- {
		if id > o.first[i] {
			return fmt.Sprintf("%s:%d", o.files[i], id-o.first[i])
		}
	}
	return ""
}

// indicatorSource feeds indicators into a set: files today, the node's catalogue and STIX beside them. Rows come with their ids.
type indicatorSource func(add func(match.Value, match.Row) error) error

// readIndicators compiles files, or takes one that is compiled.
func readIndicators(names []string, note func(string)) (*match.Set, *origins, error) {
	from := &origins{files: names}
	if set, err := readCompiled(names); set != nil || err != nil {
		from.compiled = true
		return set, from, err
	}
	var sources []indicatorSource
	next := uint32(0)
	for _, name := range names {
		sources = append(sources, func(add func(match.Value, match.Row) error) error {
			from.first = append(from.first, next)
			lines, err := from.list(name, next, note, add)
			next += uint32(lines)
			return err
		})
	}
	set, dropped, err := compile(sources...)
	if err != nil {
		return nil, nil, err
	}
	if dropped > 0 {
		note(plural(dropped, "line repeats", "lines repeat") + " a value that stands on 256 lines already, and counts no more")
	}
	return set, from, nil
}

func compile(sources ...indicatorSource) (*match.Set, int, error) {
	var key match.Key
	if _, err := rand.Read(key[:]); err != nil {
		return nil, 0, fault.Wrap(err, fault.Unavailable, "", "there is no randomness")
	}
	b := match.NewBuilder(key, 0)
	for _, source := range sources {
		if err := source(b.Add); err != nil {
			return nil, 0, err
		}
	}
	set, dropped := b.Build()
	debug.FreeOSMemory() // what building took is not needed again
	return set, dropped, nil
}

// list reads one file of indicators, and says how many lines were none.
func (o *origins) list(name string, before uint32, note func(string), add func(match.Value, match.Row) error) (int, error) {
	in, err := openLog(name, nil)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	var refused int64
	var first match.Listed
	lines, err := match.ReadList(in, csvName(name), func(l match.Listed) error {
		if l.Err != nil {
			if refused++; refused == 1 {
				first = l
			}
			return nil
		}
		l.ID += before
		return add(l.Value, l.Row)
	})
	if refused > 0 {
		o.refused += refused
		note(fmt.Sprintf("%s: %s no indicator; the first is line %d: %s", name, plural(refused, "line is", "lines are"), first.Line, fault.Show(first.Err)))
	}
	return lines, readError(err, name)
}

// readCompiled takes what --compile has written; nil where the first file is something else.
func readCompiled(names []string) (*match.Set, error) {
	f, err := openFile(names[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	start := make([]byte, 64)
	if n, _ := io.ReadFull(f, start); !match.IsSet(start[:n]) {
		return nil, nil
	}
	if len(names) > 1 {
		return nil, fault.New(fault.Usage, "", "compiled indicators stand alone: compile all lists together")
	}
	info, err := f.Stat()
	if err != nil || info.Size() > 1<<36 {
		return nil, fault.New(fault.TooLarge, "", "%s is too large for compiled indicators", names[0])
	}
	raw, err := os.ReadFile(names[0])
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be read", names[0])
	}
	return match.ReadSet(raw)
}

const maxAllowList = 256 << 20

func readAllow(names []string, note func(string)) (*match.Allow, error) {
	if len(names) == 0 {
		return nil, nil
	}
	all := match.NewAllow()
	for _, name := range names {
		in, err := openLog(name, nil)
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(io.LimitReader(in, maxAllowList+1))
		_ = in.Close() // it was only read
		if err != nil {
			return nil, readError(err, name)
		}
		if len(raw) > maxAllowList {
			return nil, fault.New(fault.TooLarge, "", "%s has more than %d bytes", name, maxAllowList)
		}
		skipped, err := all.Add(name, raw)
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeOf(err), "", "%s: %s", name, fault.Show(err))
		}
		if skipped > 0 {
			note(fmt.Sprintf("%s: %s skipped that do not fit the list's type", name, plural(skipped, "value was", "values were")))
		}
	}
	return all, nil
}

// follow tells occurrences as they come, from all logs at once, until it is interrupted, which is how it ends well.
func (c *matchCmd) follow(ctx context.Context, s *session, set *match.Set, from *origins, o match.Options) error {
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
					return s.tell(name, f, from)
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
