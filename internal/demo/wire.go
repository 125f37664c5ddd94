package demo

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

// clock is the clock of all three nodes: the machine's, set back by what the story has still to take. It never falls.
type clock struct {
	mu     sync.Mutex
	behind time.Duration // guarded by mu
}

func newClock(behind time.Duration) *clock { return &clock{behind: behind} }

// Now is the nodes' time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(-c.behind)
}

// pass lets d pass, or as much as is left.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behind = max(0, c.behind-d)
}

// wires are what lies between the nodes: loopback, with a knife. They are safe for concurrent use.
type wires struct {
	mu   sync.Mutex
	at   map[string]party.Code // who listens where; guarded by mu
	cut  party.Code            // who is cut off, "" nobody; guarded by mu
	open map[*strand]struct{}  // guarded by mu
}

// strand is one connection.
type strand struct {
	net.Conn
	net      *wires
	from, to party.Code
}

func newWires() *wires { return &wires{at: map[string]party.Code{}, open: map[*strand]struct{}{}} }

// Close ends the connection.
func (s *strand) Close() error {
	s.net.mu.Lock()
	delete(s.net.open, s)
	s.net.mu.Unlock()
	return s.Conn.Close()
}

// dialer is how the node of from reaches others.
func (w *wires) dialer(from party.Code) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		s := &strand{Conn: conn, net: w, from: from, to: w.at[address]}
		if w.severed(s) {
			_ = conn.Close() // nothing has gone over it
			return nil, fault.New(fault.Unavailable, "", "the link is cut")
		}
		w.open[s] = struct{}{}
		return s, nil
	}
}

// everybody stands for all parties in sever.
const everybody party.Code = "*"

// severed tells whether s goes where nothing goes. The caller holds mu.
func (w *wires) severed(s *strand) bool {
	return w.cut == everybody || w.cut != "" && (s.from == w.cut || s.to == w.cut)
}

// sever cuts a party off: what is open breaks, what is dialled fails, both ways.
func (w *wires) sever(code party.Code) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = code
	for s := range w.open {
		if w.severed(s) {
			_ = s.Conn.Close() // it was to break
		}
	}
}

// mend joins it again.
func (w *wires) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = ""
}

// port is a listener that outlives the server on it, so that a node can be opened anew where its letter says that it is.
type port struct{ *net.TCPListener }

// Close ends the server's waiting and keeps the port.
func (p port) Close() error { return p.SetDeadline(time.Unix(1, 0)) }

// reopen makes it wait again.
func (p port) reopen() error { return p.SetDeadline(time.Time{}) }

// release gives the port back.
func (p port) release() error { return p.TCPListener.Close() }
