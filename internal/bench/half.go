package bench

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// tick is how often the load at half speed says what is due, so that its statements come as those of many officers would.
const tick = 2 * time.Millisecond

// due is a lot of statements that were due at one time.
type due struct {
	at    time.Time
	index int64 // leaf after the last
}

// half says at an even pace whether or not what was said before has arrived, and measures from when a statement was due.
func (l *load) half(ctx context.Context, r *Result) error {
	first, err := l.length(ctx)
	if err != nil {
		return err
	}
	h := &pace{l: l, seen: first}
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { h.watch(watching) })
	var all sync.WaitGroup
	start := time.Now()
	sent := 0
	for now := start; now.Sub(start) < l.Duration && ctx.Err() == nil; now = time.Now() {
		owed := now.Sub(start).Seconds() * r.HalfLoad
		if n := int(owed) - sent; n > 0 {
			from := sent
			sent += n
			all.Go(func() { h.lot(ctx, n, int(first)+from, now) })
		}
		time.Sleep(tick) // the pace of the load
	}
	all.Wait()
	err = l.drained(ctx)
	stop()
	watch.Wait()
	h.catchUp(ctx)
	if err := errors.Join(err, h.failed); err != nil {
		return err
	}
	r.SaidP50, r.SaidP99 = percentiles(h.said)
	r.DeliveredP50, r.DeliveredP99 = percentiles(h.delivered)
	return nil
}

// pace keeps the times of a run at half load.
type pace struct {
	l *load

	mu        sync.Mutex
	seen      int64 // receipted up to here
	waiting   []due // said and not receipted
	said      []time.Duration
	delivered []time.Duration
	failed    error
}

// lot says n statements that were due at one time.
func (h *pace) lot(ctx context.Context, n, from int, at time.Time) {
	index, err := h.l.say(ctx, n, from)
	took := time.Since(at)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = errors.Join(h.failed, err)
	for range n {
		h.said = append(h.said, took)
		h.waiting = append(h.waiting, due{at, index})
	}
}

// watch notes when receipts come.
func (h *pace) watch(ctx context.Context) {
	for ctx.Err() == nil {
		changed := h.l.a.Exchange.Changed()
		h.catchUp(ctx)
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

func (h *pace) catchUp(ctx context.Context) {
	h.mu.Lock()
	seen := h.seen
	h.mu.Unlock()
	at, err := h.l.arrived(context.WithoutCancel(ctx), seen)
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen, h.failed = max(at, h.seen), errors.Join(h.failed, err)
	h.waiting = slices.DeleteFunc(h.waiting, func(d due) bool {
		if d.index > at {
			return false
		}
		h.delivered = append(h.delivered, now.Sub(d.at))
		return true
	})
}

// percentiles gives the median and the 99th of a hundred, in milliseconds.
func percentiles(all []time.Duration) (p50, p99 float64) {
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	ms := func(q float64) float64 { return float64(all[int(q*float64(len(all)-1))].Microseconds()) / 1000 }
	return ms(0.5), ms(0.99)
}
