package fedtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
)

// Patience bounds every wait. It is reached only when something is broken.
const Patience = 120 * time.Second

// Federation is some parties and the links between them.
type Federation struct {
	T     testing.TB
	Clock *Clock
	Net   *Network

	mu    sync.Mutex
	cut   map[[2]party.Code]bool  // guarded by mu; both orders
	left  map[[2]party.Code]int64 // bytes until the link is cut, where that is set; guarded by mu
	addrs map[string]party.Code   // listener address → party; guarded by mu

	Parties map[party.Code]*Party
}

// Clock is a time that only the test moves.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Pass moves the clock.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// New makes a federation of these parties, each with a node that is served, letters exchanged and confirmed. A code with a leading '-' has no
// endpoint: its node fetches its packets.
func New(t testing.TB, codes ...string) *Federation {
	t.Helper()
	f := &Federation{
		T: t, Clock: &Clock{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)},
		Net: newNetwork(), cut: map[[2]party.Code]bool{}, left: map[[2]party.Code]int64{}, addrs: map[string]party.Code{}, Parties: map[party.Code]*Party{},
	}
	_ = t.TempDir() // asked for first, so that it is removed last
	f.T.Cleanup(f.stop)
	for _, c := range codes {
		reachable := c[0] != '-'
		if !reachable {
			c = c[1:]
		}
		f.add(party.Code(c), reachable)
	}
	for _, p := range f.Parties {
		for _, q := range f.Parties {
			if p != q {
				p.Meet(q)
			}
		}
	}
	return f
}

// Party is one party with its node.
type Party struct {
	*node.Node
	F    *Federation
	Code party.Code

	offset  atomic.Int64 // of this party's clock
	options node.Options
	door    *door // nil: nobody reaches this party
	stop    context.CancelFunc
	stopped chan error
}

func (f *Federation) add(code party.Code, reachable bool) {
	f.T.Helper()
	p := &Party{F: f, Code: code}
	cfg := config.Defaults(code)
	cfg.PullInterval = config.MinPull
	if reachable {
		l, err := new(net.ListenConfig).Listen(f.T.Context(), "tcp", "127.0.0.1:0")
		f.must(err)
		p.door = openDoor(l)
		f.T.Cleanup(p.door.shut)
		cfg.Listen = l.Addr().String()
		cfg.Endpoints = []string{"https://" + cfg.Listen}
		f.mu.Lock()
		f.addrs[cfg.Listen] = code
		f.mu.Unlock()
	}
	dir := filepath.Join(f.T.TempDir(), string(code))
	_, err := node.Init(f.T.Context(), dir, node.Founding{
		Config: cfg, Names: map[string]string{"en": "Party " + string(code)}, Now: p.now,
	})
	f.must(err)
	p.options = node.Options{
		Now: p.now, Dial: p.dial, Transport: p.transport, RetryMin: 20 * time.Millisecond, RetryMax: time.Second, Log: testLog(f.T),
	}
	f.Parties[code] = p
	p.Start(dir)
}

// stop ends all nodes that are still there, at once.
func (f *Federation) stop() {
	var all sync.WaitGroup
	for _, p := range f.Parties {
		all.Go(p.Stop)
	}
	all.Wait()
}

func (f *Federation) must(err error) {
	f.T.Helper()
	if err != nil {
		f.T.Fatal(err)
	}
}

// At gives a party by its code.
func (f *Federation) At(code party.Code) *Party { return f.Parties[code] }

// now is the party's own idea of the time.
func (p *Party) now() time.Time { return p.F.Clock.Now().Add(time.Duration(p.offset.Load())) }

// Start opens the node in dir and serves it.
func (p *Party) Start(dir string) {
	p.F.T.Helper()
	o := p.options
	o.Behind = true // as comity serve opens it
	n, err := node.Open(p.F.T.Context(), dir, o)
	p.F.must(err)
	p.Node = n
	var l net.Listener
	if p.door != nil {
		l = p.door.open()
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.stop, p.stopped = cancel, make(chan error, 1)
	go func() { p.stopped <- n.Serve(ctx, l) }()
}

// Stop ends the node as an operator would. A stopped one is left alone.
func (p *Party) Stop() {
	if p.stop == nil {
		return
	}
	p.stop()
	if err := <-p.stopped; err != nil {
		p.F.T.Errorf("%s: %v", p.Code, err)
	}
	p.stop = nil
	if err := p.Close(); err != nil {
		p.F.T.Errorf("%s: %v", p.Code, err)
	}
}

// Restart ends the node and opens it again, with other options if change is given.
func (p *Party) Restart(change func(*node.Options)) {
	p.F.T.Helper()
	p.Stop()
	if change != nil {
		change(&p.options)
	}
	p.Start(p.Dir)
}

// Skew sets how far the party's clock is off.
func (p *Party) Skew(d time.Duration) { p.offset.Store(int64(d)) }

var errCut = errors.New("the link is cut")

// dial refuses where a link is cut.
func (p *Party) dial(ctx context.Context, network, address string) (net.Conn, error) {
	p.F.mu.Lock()
	to := p.F.addrs[address]
	cut := p.F.cut[[2]party.Code{p.Code, to}]
	p.F.mu.Unlock()
	if cut {
		return nil, errCut
	}
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &link{Conn: c, f: p.F, pair: [2]party.Code{p.Code, to}}, nil
}

// link is a connection that dies when its link is cut.
type link struct {
	net.Conn
	f    *Federation
	pair [2]party.Code
}

func (l *link) broken() bool {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	return l.f.cut[l.pair]
}

func (l *link) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if l.broken() {
		_ = l.Close()
		return 0, errCut
	}
	return n, err
}

func (l *link) Write(b []byte) (int, error) {
	l.f.count(l.pair, len(b))
	if l.broken() {
		_ = l.Close()
		return 0, errCut
	}
	return l.Conn.Write(b)
}

// Cut breaks the link between two parties, both ways.
func (f *Federation) Cut(a, b party.Code) { f.link(a, b, true) }

// CutAfter breaks the link between two parties once a has sent b that many bytes over connections of its own.
func (f *Federation) CutAfter(a, b party.Code, bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left[[2]party.Code{a, b}] = bytes
}

func (f *Federation) count(pair [2]party.Code, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	left, limited := f.left[pair]
	if !limited {
		return
	}
	if f.left[pair] = left - int64(n); f.left[pair] < 0 {
		delete(f.left, pair)
		f.cut[pair], f.cut[[2]party.Code{pair[1], pair[0]}] = true, true
	}
}

// IsCut tells whether the link between two parties is broken.
func (f *Federation) IsCut(a, b party.Code) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cut[[2]party.Code{a, b}]
}

// Quiet waits until nothing is written anywhere any more although every worker is made to look again and again.
func (f *Federation) Quiet() {
	f.T.Helper()
	deadline := time.Now().Add(Patience)
	for same, last := 0, ""; same < 5; {
		if time.Now().After(deadline) {
			f.T.Fatalf("the federation did not become quiet in %s: %s", Patience, last)
		}
		now := ""
		for _, code := range slices.Sorted(maps.Keys(f.Parties)) {
			p := f.Parties[code]
			v, err := p.Store.Version(f.T.Context())
			f.must(err)
			now += fmt.Sprintf("%s: version %d, log of %d; ", code, v, p.LogSize())
			for other := range f.Parties {
				if other != code {
					p.Courier.Kick(other)
				}
			}
		}
		if same++; now != last {
			same, last = 0, now
		}
		time.Sleep(50 * time.Millisecond) // gives the workers their turn; what is waited for is that nothing changes
	}
}

// LogSize is the length of the party's own log.
func (p *Party) LogSize() (n int64) {
	p.F.T.Helper()
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) (err error) {
		n, err = tx.Length(p.Journal.Origin())
		return err
	}))
	return n
}

// Mend restores it, and has both try at once.
func (f *Federation) Mend(a, b party.Code) {
	f.link(a, b, false)
	f.Parties[a].Courier.Kick(b)
	f.Parties[b].Courier.Kick(a)
}

func (f *Federation) link(a, b party.Code, cut bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut[[2]party.Code{a, b}], f.cut[[2]party.Code{b, a}] = cut, cut
}

// Meet takes q's letter and confirms it by its words, as if they had been read out.
func (p *Party) Meet(q *Party) {
	p.F.T.Helper()
	l, err := q.OwnLetter(p.F.T.Context())
	p.F.must(err)
	_, err = p.ImportLetter(p.F.T.Context(), l.Raw)
	p.F.must(err)
	_, err = p.Confirm(p.F.T.Context(), q.Code, l.Words())
	p.F.must(err)
}

// Until waits until ok holds, looking again whenever p has written.
func (p *Party) Until(what string, ok func() bool) {
	p.F.T.Helper()
	deadline := time.After(Patience)
	for {
		changed := p.Exchange.Changed()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			p.F.T.Fatalf("%s: %s did not come about in %s", p.Code, what, Patience)
		}
	}
}

// testLog is where nodes write: nowhere, or to standard error when the test runs with COMITY_TEST_LOG set.
func testLog(t testing.TB) *slog.Logger {
	if os.Getenv("COMITY_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("test", t.Name())
}
