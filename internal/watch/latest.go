package watch

import (
	"context"
	"sync"
	"time"
)

// latest keeps what a look found for a moment, and lets one look happen at a time, however many ask. A look that hangs keeps nobody longer than
// patience, and no second one is begun beside it.
type latest[T any] struct {
	keep     time.Duration
	patience time.Duration
	look     func(ctx context.Context) T

	mu      sync.Mutex
	found   T             // guarded by mu
	at      time.Time     // zero: nothing was found yet; guarded by mu
	running chan struct{} // closed when the look that is under way has ended; nil: none is; guarded by mu
}

// get gives what was found last, or looks. ok is false when the look did not end in time.
func (l *latest[T]) get(ctx context.Context) (found T, ok bool) {
	l.mu.Lock()
	if !l.at.IsZero() && time.Since(l.at) < l.keep {
		defer l.mu.Unlock()
		return l.found, true
	}
	if l.running == nil {
		l.running = make(chan struct{})
		go l.run(l.running)
	}
	running := l.running
	l.mu.Unlock()
	wait := time.NewTimer(l.patience)
	defer wait.Stop()
	select {
	case <-running:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.found, true
	case <-wait.C:
	case <-ctx.Done():
	}
	return found, false
}

func (l *latest[T]) run(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), l.patience)
	defer cancel()
	found := l.look(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found, l.at, l.running = found, time.Now(), nil
	close(done)
}
