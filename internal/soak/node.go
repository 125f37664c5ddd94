package soak

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// Waits between tries of delivery: short, since what is tested is not patience.
const (
	retryMin = 20 * time.Millisecond
	retryMax = 60 * time.Millisecond
)

// inherited is the descriptor of the listener that the parent passes on.
const inherited = 3

// Node is the child's side: the node in dir, driven by orders from in, answering to out, until in ends. It may end the process by SIGKILL at any time:
// that is what it is for. Only Run starts it.
func Node(ctx context.Context, dir string, in io.Reader, out, diary io.Writer) error {
	// An interrupt at the terminal goes to the parent too, which ends this process by closing its input.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	orders := bufio.NewReader(in)
	first, err := read(orders)
	if err != nil || first.Start == nil {
		return fault.Wrap(err, fault.Usage, "", "only 'comity soak' runs this")
	}
	c := &child{out: out}
	c.trap.set(first.Start.Trap)
	c.node, err = node.Open(ctx, dir, node.Options{
		RetryMin: retryMin, RetryMax: retryMax, Reached: c.trap.reached,
		Turn: ms(first.Start.Turn), Claim: ms(first.Start.Claim), Poll: ms(first.Start.Poll),
		Log: slog.New(slog.NewTextHandler(diary, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	if err != nil {
		return err
	}
	var l net.Listener
	if first.Start.Listen {
		if l, err = listener(); err != nil {
			return errors.Join(err, c.node.Close())
		}
	}
	served := make(chan error, 1)
	go func() { served <- c.node.Serve(ctx, l) }()
	c.answer(reply{N: first.N})
	err = c.obey(ctx, orders)
	cancel()
	return errors.Join(err, <-served, c.node.Close())
}

// listener takes over the listener that outlives this process, so that nobody else gets its port while no node is there.
func listener() (net.Listener, error) {
	f := os.NewFile(inherited, "listener")
	l, err := net.FileListener(f)
	return l, errors.Join(err, f.Close())
}

// child is a node under orders.
type child struct {
	node     *node.Node
	trap     trap
	verified verified

	mu  sync.Mutex
	out io.Writer // guarded by mu
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// trap ends the process at a point, or holds it there.
type trap struct {
	mu   sync.Mutex
	at   string    // guarded by mu
	left int       // guarded by mu
	hold *holdings // nil: it ends the process; guarded by mu
}

// holdings is what those wait for whom a trap holds, and those who want to know.
type holdings struct {
	held bool          // guarded by trap.mu
	done chan struct{} // closed when somebody is held, or nobody will be
	free chan struct{} // closed when there is another trap
}

// set lays a trap, and lets go whom the one before holds.
func (t *trap) set(o *trapped) *holdings {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.hold; h != nil {
		close(h.free)
		if !h.held {
			close(h.done)
		}
	}
	t.at, t.left, t.hold = "", 0, nil
	if o == nil {
		return nil
	}
	t.at, t.left = o.Point, o.Nth
	if o.Hold {
		t.hold = &holdings{done: make(chan struct{}), free: make(chan struct{})}
	}
	return t.hold
}

// holds waits until somebody is held, or nobody will be, and tells which.
func (t *trap) holds(ctx context.Context, h *holdings) bool {
	select {
	case <-h.done:
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return h.held
}

// reached is a failpoint.Func.
func (t *trap) reached(point string) {
	if h := t.step(point); h != nil {
		<-h.free
	}
}

// step is one coming to a point. It gives what whoever comes is to wait for; nil: nothing.
func (t *trap) step(point string) *holdings {
	t.mu.Lock()
	defer t.mu.Unlock()
	if point != t.at {
		return nil
	}
	if t.left--; t.left > 0 {
		return nil
	}
	if t.hold != nil {
		t.at, t.hold.held = "", true
		close(t.hold.done)
		return t.hold
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill() // nobody is there to hear of an error
	}
	select {} // until the signal has come
}

func read(r *bufio.Reader) (o order, err error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal(line, &o, json.RejectUnknownMembers(true))
}

// obey carries out orders, side by side, until there are no more.
func (c *child) obey(ctx context.Context, orders *bufio.Reader) error {
	var busy sync.WaitGroup
	defer busy.Wait()
	for {
		o, err := read(orders)
		if errors.Is(err, io.EOF) {
			c.trap.set(nil) // nobody waits any more
			return nil
		}
		if err != nil {
			return err
		}
		busy.Go(func() {
			r, err := c.carryOut(ctx, o)
			if r.N = o.N; err != nil {
				r.Fault, r.Why, r.Unknown = fault.CodeOf(err), err.Error(), store.OutcomeUnknown(err)
			}
			c.answer(r)
		})
	}
}

func (c *child) carryOut(ctx context.Context, o order) (r reply, err error) {
	switch {
	case o.Say != nil:
		r.Said, err = c.say(ctx, o.Say)
	case o.Look != nil:
		r.Seen, err = look(ctx, c.node, o.Look, &c.verified)
	case o.Trap != nil:
		if h := c.trap.set(o.Trap); h != nil {
			r.Holds = c.trap.holds(ctx, h)
		}
	default:
		err = fault.New(fault.Usage, "", "an order that says nothing")
	}
	return r, err
}

// answer writes one line at once: half a line is none.
func (c *child) answer(r reply) {
	line, err := json.Marshal(r)
	if err != nil {
		return // the parent's patience ends
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.out.Write(append(line, '\n')) // a parent that is gone hears nothing
}

// say is what an officer would do.
func (c *child) say(ctx context.Context, s *saying) (*said, error) {
	d := exchange.Draft{
		Thread: s.Thread, To: s.To, Agreement: s.Agreement, Kind: s.Kind, Marking: marking.Marking{TLP: s.TLP}, Precedence: s.Precedence,
		By: statement.By{Role: role, Officer: s.Serial}, Facts: s.Facts, Title: s.Title, Text: s.Text,
	}
	if s.Thread.IsZero() {
		d.Track = statement.Technical
	}
	for _, b := range s.Blobs {
		d.Blobs = append(d.Blobs, exchange.Attachment{Name: "capture.bin", Type: "application/octet-stream", Data: bytes.NewReader(b.bytes())})
	}
	got, err := c.node.Say(ctx, d)
	if err != nil {
		return nil, err
	}
	return &said{ID: got.ID, Thread: got.Thread, Index: got.Index}, nil
}

// bytes are an attachment's: the same for the same seed, so that two statements can have the same one.
func (b attached) bytes() []byte {
	var seed [32]byte
	for i := range 8 {
		seed[i] = byte(b.Seed >> (8 * i))
	}
	out := make([]byte, b.Size)
	_, _ = rand.NewChaCha8(seed).Read(out) // it never fails
	return out
}
