package delivery

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/failpoint"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Options say whose courier it is. All are required but Dial, Transport, Observe and Reached.
type Options struct {
	Self        party.Code
	Origin      party.Origin   // the open log
	Former      []party.Origin // own logs that were closed, the oldest first: what waits in them is still delivered
	Witness     string         // name of the own witness keys
	Store       store.Store
	Exchange    *exchange.Exchange
	Journal     *journal.Journal
	Codec       *packet.Codec
	Certificate tls.Certificate
	Reachable   bool          // peers can reach this node; else it pulls
	Poll        time.Duration // how often to look for what other processes wrote
	PullEvery   time.Duration // how often to fetch, where peers cannot reach this node
	RetryMin    time.Duration // first wait after a failure
	RetryMax    time.Duration // longest wait (NET-4)
	Now         func() time.Time
	Log         *slog.Logger
	Observe     Observer // nil: nobody is told
	// Process names this process among those that share one store; "": there is only this one, and it need not ask who serves a peer's queue.
	Process string
	// Claim is how long it keeps a peer's queue without saying so again; zero: 10 s.
	Claim time.Duration
	// Dial replaces the net package's, for tests that cut links.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Transport stands before what makes the requests to a peer, for tests of bad networks; nil: nothing does.
	Transport func(peer party.Code, base http.RoundTripper) http.RoundTripper
	// Reached is told of each of Points. Only tests of what a node leaves behind when it dies set it.
	Reached failpoint.Func
}

// Courier sends and fetches, one goroutine a peer, and serves peers. It is safe for concurrent use.
type Courier struct {
	Options

	mu     sync.Mutex
	peers  map[party.Code]*line   // guarded by mu
	quotas map[party.Code]*quota  // guarded by mu
	ahead  map[queueKey]*progress // guarded by mu
	// counted is how far counts of queues found them settled; guarded by mu.
	counted map[settledKey]int64

	standing standing
}

// line is the way to one peer: its worker and what that keeps between rounds.
type line struct {
	kick   chan struct{}
	client *http.Client
	// have is how much of a blob the peer said that it has; owned by the worker.
	have map[statement.Digest]int64
	// here is how much is here of the blobs that the last packet fetched brought parts of; owned by the worker.
	here map[statement.Digest]int64
	// claimed is until when this process serves the queue, barred until when it does not ask for it; owned by the worker.
	claimed, barred statement.Time
	// endpoint is which of the letter's is asked first, by its number modulo their count: at first any, then the one that answered last; owned by the worker.
	endpoint int
	// more is set by a round that ended before the queue was empty; owned by the worker.
	more bool

	doubts doubts
	losses losses
}

// New makes a courier that does nothing until Run or Handler is used.
func New(o Options) *Courier {
	if o.Observe == nil {
		o.Observe = unobserved{}
	}
	if o.Claim == 0 {
		o.Claim = defaultClaim
	}
	return &Courier{
		Options: o,
		peers:   map[party.Code]*line{},
		quotas:  map[party.Code]*quota{},
		counted: map[settledKey]int64{},
		ahead:   map[queueKey]*progress{},
	}
}

// Run keeps a worker for every party whose letter is confirmed, until ctx ends; then it waits for them.
func (c *Courier) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	served := map[party.Code]bool{}
	for lulls := 0; ; {
		wait, news := c.Poll, c.Exchange.Changed()
		codes, err := c.codes(ctx)
		switch {
		case err == nil && lulls > 0:
			lulls = 0
			c.Log.Info("the store answers again: packets are made")
		case err != nil && ctx.Err() == nil:
			if lulls++; lulls == 1 {
				c.Log.Warn("the store fails: no packets are made until it answers", "error", err)
			}
			wait, news = c.lull(lulls), nil
		}
		for _, code := range codes {
			if l := c.line(code); !served[code] {
				served[code] = true
				workers.Go(func() { c.work(ctx, code, l) })
			}
		}
		c.resumes(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		case <-news:
		}
	}
}

// codes lists the parties that this node may talk to.
func (c *Courier) codes(ctx context.Context) ([]party.Code, error) {
	var codes []party.Code
	err := c.Store.View(ctx, func(tx store.Tx) error {
		codes = nil
		return tx.EachLetter(func(l store.Letter) bool {
			if l.Status == store.LetterConfirmed && l.Code != c.Self && !slices.Contains(codes, l.Code) {
				codes = append(codes, l.Code)
			}
			return true
		})
	})
	return codes, err
}

func (c *Courier) line(code party.Code) *line {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := c.peers[code]; ok {
		return l
	}
	l := c.aside(code)
	c.peers[code] = l
	return l
}

// aside is a way to a peer for who asks it something beside its worker.
func (c *Courier) aside(code party.Code) *line {
	return &line{
		kick: make(chan struct{}, 1), client: c.client(code), have: map[statement.Digest]int64{}, here: map[statement.Digest]int64{}, endpoint: rand.IntN(1 << 16),
	}
}

// Kick makes the worker of a peer try at once, whatever it is waiting for.
func (c *Courier) Kick(code party.Code) {
	select {
	case c.line(code).kick <- struct{}{}:
	default:
	}
}

// letterOf is a peer's confirmed letter.
func (c *Courier) letterOf(ctx context.Context, code party.Code) (*party.Letter, error) {
	var row store.Letter
	err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		row, err = tx.Letter(code)
		return err
	})
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.New(fault.Unknown, "LTR-8", "there is no confirmed letter of %s", code)
	}
	if err != nil {
		return nil, err
	}
	return c.Exchange.Parsed(row)
}
