package bench

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Options shape a measurement of the exchange.
type Options struct {
	Size     int           // bytes of head and body together; what a head alone needs is its least
	Batch    int           // statements that a submitter hands over at once
	Threads  int           // threads over which they are spread
	History  int           // statements that both stores hold before it begins
	Duration time.Duration // of full load; half load takes as long
	Store    string        // address of a PostgreSQL server on which each node gets a database that stays; "": SQLite in their folders
	Dir      string        // keeps the nodes, and their history for another run; "": a temporary folder
	Log      *slog.Logger
	Progress func(format string, args ...any)
}

// Result is what was measured. Times are milliseconds or microseconds as their names say.
type Result struct {
	Machine    Machine `json:"machine"`
	Size       int     `json:"size"`
	Head       int     `json:"head_bytes"`
	Body       int     `json:"body_bytes"`
	Batch      int     `json:"batch"`
	Threads    int     `json:"threads"`
	History    int64   `json:"history"`
	Store      string  `json:"store"`
	Seconds    float64 `json:"seconds"` // of full load, until the last receipt
	Statements int     `json:"statements"`

	PerSecond    float64 `json:"statements_per_s"`
	CPU          float64 `json:"cpu_us_per_statement"` // both nodes and the load
	Parts        Parts   `json:"unavoidable"`
	Ratio        float64 `json:"cpu_ratio"` // CPU over the sum of Parts
	WireBytes    float64 `json:"wire_bytes_per_statement"`
	MemoryPeak   int64   `json:"memory_peak_bytes"` // of the process: both nodes and the load
	HalfLoad     float64 `json:"half_load_per_s"`
	SaidP50      float64 `json:"said_p50_ms"` // from the officer's word until it is durable and signed
	SaidP99      float64 `json:"said_p99_ms"`
	DeliveredP50 float64 `json:"delivered_p50_ms"` // until the other side's receipt is here, durable on both
	DeliveredP99 float64 `json:"delivered_p99_ms"`
}

// Exchange measures statements from one node to another.
func Exchange(ctx context.Context, o Options) (r Result, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dir := o.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "comity-bench-"); err != nil {
			return r, fault.Wrap(err, fault.Unavailable, "", "no temporary folder can be made")
		}
		defer remove(dir)
	}
	p, err := openPair(ctx, dir, o.Store, o.Log)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	l := &load{Options: o, pair: p}
	if err := l.prepare(ctx); err != nil {
		return r, err
	}
	r = Result{
		Machine: machine(), Size: o.Size, Head: l.head, Body: l.body, Batch: o.Batch, Threads: o.Threads, Store: "sqlite",
	}
	if o.Store != "" {
		r.Store = "postgresql"
	}
	if r.History, err = l.length(ctx); err != nil {
		return r, err
	}
	o.Progress("full load for %s", o.Duration)
	if err := l.full(ctx, &r); err != nil {
		return r, err
	}
	r.HalfLoad = r.PerSecond / 2
	o.Progress("half load, %.0f a second, for %s", r.HalfLoad, o.Duration)
	if err := l.half(ctx, &r); err != nil {
		return r, err
	}
	r.MemoryPeak = peak()
	o.Progress("the parts that cannot be avoided")
	if r.Parts, err = parts(ctx, l); err != nil {
		return r, err
	}
	r.Ratio = r.CPU / r.Parts.Sum
	return r, nil
}

// load says things.
type load struct {
	Options
	*pair
	threads []statement.ID
	text    string // of each body
	head    int    // bytes of a head
	body    int
}

// prepare opens the threads, finds how long a text must be, and fills the history.
func (l *load) prepare(ctx context.Context) error {
	said, err := l.a.Exchange.Submit(ctx, l.opener("x"))
	if err != nil {
		return err
	}
	probe, err := l.a.Exchange.Submit(ctx, l.follower(said.Thread, "x"))
	if err != nil {
		return err
	}
	if err := l.weigh(ctx, probe.ID); err != nil {
		return err
	}
	l.text = strings.Repeat("0123456789abcdef", (l.Size+15)/16)[:max(1, l.Size-l.head-l.body+1)]
	l.body += len(l.text) - 1
	l.threads = append(l.threads, said.Thread)
	for len(l.threads) < l.Threads {
		n := min(l.Threads-len(l.threads), 512)
		all, errs := l.a.Exchange.SubmitAll(ctx, slices.Repeat([]exchange.Draft{l.opener(l.text)}, n))
		if err := errors.Join(errs...); err != nil {
			return err
		}
		for _, s := range all {
			l.threads = append(l.threads, s.Thread)
		}
	}
	for told := time.Now(); ; {
		n, err := l.length(ctx)
		if err != nil {
			return err
		}
		if n >= int64(l.History) {
			break
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			l.Progress("history: %d of %d", n, l.History)
		}
		if _, err := l.say(ctx, min(4096, l.History-int(n)), int(n)); err != nil {
			return err
		}
	}
	return l.drained(ctx)
}

// weigh measures a head and a body as they are stored.
func (l *load) weigh(ctx context.Context, id statement.ID) error {
	return l.a.Store.View(ctx, func(tx store.Tx) error {
		s, err := tx.Statement(id)
		if err != nil {
			return err
		}
		c, err := tx.Content(store.ContentRef{Statement: id, Part: store.BodyPart})
		l.head, l.body = len(s.Head), int(c.Size)
		return err
	})
}

// length is that of the sender's log.
func (l *load) length(ctx context.Context) (n int64, err error) {
	err = l.a.Store.View(ctx, func(tx store.Tx) error {
		n, err = tx.Length(l.a.Journal.Origin())
		return err
	})
	return n, err
}

// say says n statements over the threads in turn, and gives the leaf after the last.
func (l *load) say(ctx context.Context, n, from int) (int64, error) {
	drafts := make([]exchange.Draft, n)
	for i := range drafts {
		drafts[i] = l.follower(l.threads[(from+i)%len(l.threads)], l.text)
	}
	said, errs := l.a.Exchange.SubmitAll(ctx, drafts)
	return said[n-1].Index + 1, errors.Join(errs...)
}

// arrived is the leaf up to which the other side has receipted all, starting at from.
func (l *load) arrived(ctx context.Context, from int64) (int64, error) {
	err := l.a.Store.View(ctx, func(tx store.Tx) error {
		for {
			a, err := tx.ArrivedAt("XB", l.a.Journal.Origin(), store.HeadArrived, from)
			if fault.CodeOf(err) == fault.NotFound {
				return nil
			}
			if err != nil {
				return err
			}
			from = a.Hi
		}
	})
	return from, err
}

// drained waits until the other side has receipted everything.
func (l *load) drained(ctx context.Context) error {
	to, err := l.length(ctx)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		changed := l.a.Exchange.Changed()
		if at, err := l.arrived(ctx, to-1); err != nil || at >= to {
			return err
		}
		select {
		case <-changed:
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// submitters is how many goroutines say things at full load.
const submitters = 2

// room is how many statements may be on their way at full load: what is counted is what arrived, not what was piled up.
const room = 16_384

// full says as much as goes through.
func (l *load) full(ctx context.Context, r *Result) error {
	first, err := l.length(ctx)
	if err != nil {
		return err
	}
	runtime.GC()
	wire, cpu, start := l.wire.Load(), cpuTime(), time.Now()
	ends := start.Add(l.Duration)
	var mu sync.Mutex
	var failed error
	said, done := first, first
	var all sync.WaitGroup
	for range submitters {
		all.Go(func() {
			for time.Now().Before(ends) && ctx.Err() == nil {
				mu.Lock()
				ahead, bad := said-done, failed
				from := int(said)
				mu.Unlock()
				if bad != nil {
					return
				}
				if ahead > room {
					at, err := l.arrived(ctx, done)
					mu.Lock()
					done, failed = max(done, at), errors.Join(failed, err)
					wait := said-done > room
					mu.Unlock()
					if wait {
						time.Sleep(2 * time.Millisecond) // the load waits for its turn; nothing is measured by it
					}
					continue
				}
				at, err := l.say(ctx, l.Batch, from)
				mu.Lock()
				said, failed = max(said, at), errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err := errors.Join(failed, l.drained(ctx)); err != nil {
		return err
	}
	last, err := l.length(ctx)
	if err != nil {
		return err
	}
	took := time.Since(start)
	n := float64(last - first)
	r.Seconds, r.Statements = took.Seconds(), int(last-first)
	r.PerSecond = n / took.Seconds()
	r.CPU = float64((cpuTime() - cpu).Microseconds()) / n
	r.WireBytes = float64(l.wire.Load()-wire) / n
	return nil
}
