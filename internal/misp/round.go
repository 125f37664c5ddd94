package misp

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// patience is for how long somebody waits for what is being looked through before they are asked to come again.
const patience = 20 * time.Second

// round lets all who want the same done wait for one doing of it, which goes on when they leave. The zero value is ready; it is safe for concurrent use.
type round struct {
	mu    sync.Mutex
	going *doing // guarded by mu; nil: nothing is
}

// doing is what is under way. err may be read when ended is closed.
type doing struct {
	ended chan struct{}
	err   error
}

// join has something done, unless that is under way. began tells whether it was not: whoever joins late does not know that what they wrote themselves is seen.
func (r *round) join(do func() error) (d *doing, began bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.going != nil {
		return r.going, false
	}
	d = &doing{ended: make(chan struct{})}
	r.going = d
	go func() {
		defer close(d.ended)
		d.err = guarded(do)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.going = nil
	}()
	return d, true
}

// guarded turns a panic into an error: no request's handler is above it that would.
func guarded(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fault.Wrap(fmt.Errorf("panic: %v\n%s", v, debug.Stack()), fault.Internal, "", "internal error")
		}
	}()
	return do()
}

// wait waits until it is done, with the caller's patience. Errors: what it failed with; fault.Unavailable where it is not done yet.
func (d *doing) wait(ctx context.Context, atMost time.Duration) error {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-d.ended:
		return d.err
	case <-timer.C:
	case <-ctx.Done():
	}
	return fault.New(fault.Unavailable, "", "the node is looking through what it has: ask again in a moment")
}
