package soak

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os/exec"
	"sync"
	"syscall"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

// process is a child as the parent has it. It is safe for concurrent use.
type process struct {
	code  party.Code
	cmd   *exec.Cmd
	in    io.WriteCloser
	ended chan struct{} // closed when the process is gone and all that it said has been read

	mu      sync.Mutex
	last    int64                // number of the last order; guarded by mu
	waiting map[int64]chan reply // guarded by mu; nil once ended
	how     error                // how it ended; guarded by mu
	killed  bool                 // by the parent; guarded by mu
}

// errGone is what an order ends with when the process ended before it answered: whether it was carried out is for somebody to look.
var errGone = errors.New("the process is gone")

// launch starts a child and gives it its first order. It does not wait for the answer, which comes as began.
func launch(code party.Code, cmd *exec.Cmd, o start) (p *process, began <-chan reply, err error) {
	p = &process{code: code, cmd: cmd, ended: make(chan struct{}), waiting: map[int64]chan reply{}}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, nil, fault.Wrap(err, fault.Unavailable, "", "a node's process cannot be started")
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Unavailable, "", "a node's process cannot be started")
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fault.Wrap(err, fault.Unavailable, "", "a node's process cannot be started")
	}
	go p.hear(out)
	return p, p.send(order{Start: &o}), nil
}

// hear reads what the process says until it ends. What it said before it was killed counts.
func (p *process) hear(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var r reply
		if json.Unmarshal(line, &r) != nil {
			continue // whoever waits for it will say so
		}
		p.mu.Lock()
		c := p.waiting[r.N]
		delete(p.waiting, r.N)
		p.mu.Unlock()
		if c != nil {
			c <- r
		}
	}
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.how = err
	for _, c := range p.waiting {
		close(c)
	}
	p.waiting = nil
	close(p.ended)
}

// send gives an order. The channel gives one reply, or is closed when the process ended before there was one.
func (p *process) send(o order) <-chan reply {
	c := make(chan reply, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		close(c)
		return c
	}
	p.last++
	o.N = p.last
	p.waiting[o.N] = c
	line, err := json.Marshal(o)
	if err == nil {
		_, err = p.in.Write(append(line, '\n'))
	}
	if err != nil && p.waiting[o.N] != nil {
		delete(p.waiting, o.N)
		close(c)
	}
	return c
}

// do gives an order and waits for what came of it. Errors: errGone; a *refusal when the node would not; ctx's.
func (p *process) do(ctx context.Context, o order) (reply, error) {
	return p.await(ctx, p.send(o))
}

func (p *process) await(ctx context.Context, c <-chan reply) (reply, error) {
	select {
	case r, ok := <-c:
		return answered(r, ok)
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
}

// answered is what came of an order whose channel gave this.
func answered(r reply, ok bool) (reply, error) {
	switch {
	case !ok:
		return r, errGone
	case r.Fault != "":
		return r, &refusal{r.Fault, r.Why, r.Unknown}
	}
	return r, nil
}

// refusal is a node's own no.
type refusal struct {
	code  fault.Code
	why   string
	maybe bool
}

// unknown tells that it was a no that may have been a yes: the store did not say.
func (r *refusal) unknown() bool { return r.maybe }

func (r *refusal) Error() string { return string(r.code) + ": " + r.why }

// strike sends SIGKILL; ended tells when the process is gone.
func (p *process) strike() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	_ = p.cmd.Process.Kill() // it may be gone already
}

// halt has the process stand still, and goOn lets it go on.
func (p *process) halt() error { return p.signal(syscall.SIGSTOP) }
func (p *process) goOn() error { return p.signal(syscall.SIGCONT) }

func (p *process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fault.Wrap(err, fault.Failed, "", "the node of %s cannot be stopped and set going again", p.code)
	}
	return nil
}

// alive tells whether the process is there.
func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// trapped tells, of a process that has ended, whether it fell into its trap: whether SIGKILL ended it, and not by the parent. The error says how it
// ended when it was neither.
func (p *process) trapped() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var exit *exec.ExitError
	if errors.As(p.how, &exit) {
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signal() == syscall.SIGKILL {
			return !p.killed, nil
		}
	}
	if p.how == nil {
		return false, fault.New(fault.Failed, "", "the node of %s ended by itself", p.code)
	}
	return false, fault.Wrap(p.how, fault.Failed, "", "the node of %s ended by itself: %s", p.code, p.how.Error())
}
