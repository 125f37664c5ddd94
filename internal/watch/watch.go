package watch

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Options say what is watched and how.
type Options struct {
	Party   party.Code
	Version string   // of the program, as a label
	Desks   []string // whose names may be labels; any other is "other"
	Metrics bool     // keep metrics; Handler serves them
	Traces  string   // URL of an OTLP/HTTP receiver; "": none are made
	Log     *slog.Logger
}

// Node is what a Watch looks at when it is asked. Its methods are called by one goroutine at a time each.
type Node interface {
	// Facts looks into the store once, at bounded cost.
	Facts(ctx context.Context) (Facts, error)
	// Checks are what readiness rests on beside the writer. They are cheap: pollers ask for them each second.
	Checks(ctx context.Context) []Check
	// Probe writes something of no consequence, to find out whether the store can be written.
	Probe(ctx context.Context) error
}

// Watch is the watch over one node. It is safe for concurrent use.
type Watch struct {
	party party.Code
	log   *slog.Logger
	born  time.Time

	meters *meters // nil: no metrics
	tracer *tracer // nil: no traces
	health health

	cosigned atomic.Pointer[cosigned] // nil: none was seen since the start
}

// cosigned is a size of the own log under which other parties have set their signatures.
type cosigned struct {
	size    int64
	parties int
}

// New makes a watch. It looks at nothing before Over. Error: fault.Usage for an endpoint that is no URL.
func New(o Options) (*Watch, error) {
	w := &Watch{party: o.Party, log: o.Log, born: time.Now()}
	w.health.begin()
	if o.Metrics {
		w.meters = newMeters(w, o)
	}
	if o.Traces != "" {
		t, err := newTracer(o, w.meters)
		if err != nil {
			return nil, err
		}
		w.tracer = t
	}
	return w, nil
}

// Over has the watch look at a node.
func (w *Watch) Over(n Node) { w.health.over(n) }

// Up tells whether the node serves and delivers.
func (w *Watch) Up(up bool) { w.health.up.Store(up) }

// Close sends what traces are left, for at most some seconds.
func (w *Watch) Close() {
	if w.tracer != nil {
		w.tracer.close()
	}
}

// Facts are what a look into the store tells. Times that are zero are not known.
type Facts struct {
	Size      int64     // of the own log
	Signed    time.Time // when its newest checkpoint was signed
	Cosigned  int64     // greatest size of the own log that a look found cosigned; it need not look far
	Cosigners int       // parties that cosigned it
	Forks     int       // logs with two histories whose proof is kept
	DiskFree  int64     // bytes; negative: not known
	Due       int       // statements whose content was to be erased by now, counted to 1000
	Now       time.Time // by the node's clock
	Peers     []Peer
	Mirrors   []Mirror // that do not rest
}

// Mirror is how things stand with one outside collection that is fetched again and again.
type Mirror struct {
	Name     string
	Fetched  time.Time     // when it was last fetched without a fault; before the first time, when it was set up
	Every    time.Duration // how often it is to be
	Failures int           // since then
}

// Peer is how things stand with one party whose letter is confirmed.
type Peer struct {
	Code      party.Code
	Queue     map[statement.Precedence]Backlog
	AtLeast   bool // the queue is longer than was counted
	Failures  int  // attempts since the last success
	LastHeard time.Time
	Accepted  int64     // size of the own log that the peer has accepted
	Size      int64     // of its log that was accepted here
	Signed    time.Time // when that checkpoint was signed
	Cosigned  int64     // size of its log that this node cosigned last
	Missing   int       // statements of it that others name and that are not here; threads wait for them
}

// Backlog is the part of a queue that has one precedence.
type Backlog struct {
	Waiting int
	Lag     time.Duration // age of the oldest
}
