package fedtest

import (
	"bytes"
	"context"
	"errors"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"

	"github.com/comity-exchange/comity/party"
)

// Network stands between all parties of a federation and does to their requests what a test tells it. By itself it does nothing.
//
// What becomes of a request depends on where it goes and on how many went that way before it, never on the scheduler: a storm with the same seed does
// the same again. What is above TLS alone is touched: to damage bytes below it is only another way to lose them.
type Network struct {
	mu    sync.Mutex
	fate  func(Passage) Fate // nil: everything passes; guarded by mu
	count map[way]int        // requests so far; guarded by mu
	steps int                // requests that set out, and the steps of the test; guarded by mu
	moved chan struct{}      // closed and replaced at each step; guarded by mu
	calm  chan struct{}      // closed when everything that waits is let go; guarded by mu
	held  map[way]int        // requests and answers that wait now; guarded by mu
	kept  []func() error     // copies that Replay sends again; guarded by mu
	tally map[string]int     // how often which fate struck; guarded by mu
}

// way is a direction: who asks, who is asked.
type way struct{ from, to party.Code }

// Passage is one request on its way.
type Passage struct {
	From, To party.Code
	N        int // how many went this way before it, over the whole test
}

// Fate is what becomes of a passage. The zero value: it arrives, once, and so does its answer.
type Fate struct {
	Lose       bool            // it never arrives, and who sent it is told so
	LoseAnswer bool            // it arrives and is dealt with, and who sent it never hears
	Tear       int64           // the answer breaks off after so many bytes; 0: it does not
	Wait       int             // it arrives after so many others, or steps of the test, have set out
	Hold       <-chan struct{} // it arrives when this is closed; nil: at once
	HoldAnswer <-chan struct{} // it arrives, and its answer when this is closed
	Twice      bool            // it arrives twice, one behind the other
	Keep       bool            // a copy is kept, for Replay
}

func newNetwork() *Network {
	return &Network{
		count: map[way]int{}, held: map[way]int{}, tally: map[string]int{}, moved: make(chan struct{}), calm: make(chan struct{}),
	}
}

// Strike has fate decide about every request from now on.
func (n *Network) Strike(fate func(Passage) Fate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fate = fate
}

// Calm lets everything that waits go on, and all that comes pass.
func (n *Network) Calm() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fate = nil
	close(n.calm)
	n.calm = make(chan struct{})
}

// Step lets time pass for what waits for others to overtake it.
func (n *Network) Step() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.step()
}

// step must be called under mu.
func (n *Network) step() {
	n.steps++
	close(n.moved)
	n.moved = make(chan struct{})
}

// Held is how many requests from one party to another, or answers to them, are held up now.
func (n *Network) Held(from, to party.Code) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held[way{from, to}]
}

// Struck is how often a fate struck: "lost", "unanswered", "torn", "overtaken", "doubled" or "kept".
func (n *Network) Struck(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.tally[what]
}

// Replay sends every request that was kept once more, the last first, as somebody who had recorded it would if TLS let him. It gives how many there were.
func (n *Network) Replay() (int, error) {
	n.mu.Lock()
	kept := n.kept
	n.kept = nil
	n.mu.Unlock()
	var errs []error
	for i := len(kept) - 1; i >= 0; i-- {
		errs = append(errs, kept[i]())
	}
	return len(kept), errors.Join(errs...)
}

// Odds are the chances of each fate of a storm, in a hundred. What is left of the hundred passes.
type Odds struct{ Lose, LoseAnswer, Tear, Wait, Twice, Keep int }

// Storm is a fate by chance, from a seed.
func Storm(seed uint64, o Odds) func(Passage) Fate {
	return func(p Passage) Fate {
		h := fnv.New64a()
		_, _ = io.WriteString(h, string(p.From)+">"+string(p.To)) // never fails
		r := rand.New(rand.NewPCG(seed^h.Sum64(), uint64(p.N)))
		at := r.IntN(100)
		hits := func(odds int) bool {
			at -= odds
			return at < 0
		}
		switch {
		case hits(o.Lose):
			return Fate{Lose: true}
		case hits(o.LoseAnswer):
			return Fate{LoseAnswer: true}
		case hits(o.Tear):
			return Fate{Tear: 1 + r.Int64N(3000)}
		case hits(o.Wait):
			return Fate{Wait: 1 + r.IntN(8)}
		case hits(o.Twice):
			return Fate{Twice: true}
		case hits(o.Keep):
			return Fate{Keep: true}
		}
		return Fate{}
	}
}

// transport puts the network before what makes the party's requests.
func (p *Party) transport(peer party.Code, base http.RoundTripper) http.RoundTripper {
	return &road{net: p.F.Net, way: way{p.Code, peer}, base: base}
}

// road is one direction of the network.
type road struct {
	net  *Network
	way  way
	base http.RoundTripper
}

var errLost = errors.New("lost on its way")

// RoundTrip implements http.RoundTripper.
func (r *road) RoundTrip(req *http.Request) (*http.Response, error) {
	fate, due := r.net.decide(r.way)
	body := []byte(nil)
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	send := func(ctx context.Context) (*http.Response, error) {
		again := req.Clone(ctx)
		again.Body = io.NopCloser(bytes.NewReader(body))
		return r.base.RoundTrip(again)
	}
	ctx := req.Context()
	r.net.wait(ctx, r.way, fate.Hold, due)
	if fate.Lose {
		return nil, errLost
	}
	if fate.Keep {
		r.net.keep(func() error { return drain(send(context.Background())) })
	}
	if fate.Twice {
		if err := drain(send(ctx)); err != nil {
			return nil, err
		}
	}
	resp, err := send(ctx)
	if err != nil {
		return nil, err
	}
	r.net.wait(ctx, r.way, fate.HoldAnswer, 0)
	if fate.LoseAnswer {
		return nil, errors.Join(errLost, drain(resp, nil))
	}
	if fate.Tear > 0 {
		resp.Body = &torn{resp.Body, fate.Tear}
	}
	return resp, nil
}

// drain takes an answer that nobody waits for.
func drain(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// torn is an answer that breaks off.
type torn struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (t *torn) Read(b []byte) (int, error) {
	if t.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := t.ReadCloser.Read(b[:min(t.left, int64(len(b)))])
	t.left -= int64(n)
	return n, err
}

// decide gives a request its fate, and the step at which it may go on; 0 for at once.
func (n *Network) decide(w way) (f Fate, due int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fate != nil {
		f = n.fate(Passage{w.from, w.to, n.count[w]})
	}
	n.count[w]++
	n.step()
	if f.Wait > 0 {
		due = n.steps + f.Wait
	}
	for what, struck := range map[string]bool{
		"lost": f.Lose, "unanswered": f.LoseAnswer, "torn": f.Tear > 0, "overtaken": f.Wait > 0, "doubled": f.Twice, "kept": f.Keep,
	} {
		if struck {
			n.tally[what]++
		}
	}
	return f, due
}

func (n *Network) keep(send func() error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kept = append(n.kept, send)
}

// wait holds a passage up until open is closed (nil: it is), the step due has come, all is calm, or nobody waits for it any more.
func (n *Network) wait(ctx context.Context, w way, open <-chan struct{}, due int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	calm := n.calm
	n.held[w]++
	defer func() { n.held[w]-- }()
	for open != nil || n.steps < due {
		moved := n.moved
		if n.steps >= due {
			moved = nil // it waits for open alone
		}
		n.mu.Unlock()
		select {
		case <-open:
			open = nil
		case <-moved:
		case <-calm:
			open, due = nil, 0
		case <-ctx.Done():
			open, due = nil, 0
		}
		n.mu.Lock()
	}
}

// Part cuts every link between two groups of parties; Join mends them.
func (f *Federation) Part(these, those []party.Code) { f.between(these, those, f.Cut) }

// Join undoes Part.
func (f *Federation) Join(these, those []party.Code) { f.between(these, those, f.Mend) }

func (f *Federation) between(these, those []party.Code, do func(a, b party.Code)) {
	for _, a := range these {
		for _, b := range those {
			do(a, b)
		}
	}
}
