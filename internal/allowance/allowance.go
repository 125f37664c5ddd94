package allowance

import (
	"strconv"
	"sync"
	"time"
)

// Limits bounds how often each caller may call. It is safe for concurrent use.
type Limits struct {
	rate, burst float64

	mu      sync.Mutex
	buckets map[string]bucket // guarded by mu; at most maxBuckets
}

// bucket is how many requests a caller has left, at a time.
type bucket struct {
	left float64
	at   time.Time
}

const maxBuckets = 10_000

// New lets each caller make burst requests at once, and rate a second in the long run.
func New(rate, burst int) *Limits {
	return &Limits{rate: float64(rate), burst: float64(burst), buckets: map[string]bucket{}}
}

// Take takes one request from a caller's; otherwise it tells after what time there will be one.
func (l *Limits) Take(who string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[who]
	if !known {
		if len(l.buckets) >= maxBuckets {
			l.sweep(now)
		}
		b = bucket{l.burst, now}
	}
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.left, b.at = min(l.burst, b.left+passed*l.rate), now
	}
	if b.left < 1 {
		l.buckets[who] = b
		return time.Duration((1 - b.left) / l.rate * float64(time.Second))
	}
	b.left--
	l.buckets[who] = b
	return 0
}

// sweep forgets who has all requests left again; where nobody has, everybody. Called with mu held.
func (l *Limits) sweep(now time.Time) {
	for who, b := range l.buckets {
		if b.left+now.Sub(b.at).Seconds()*l.rate >= l.burst {
			delete(l.buckets, who)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}

// Seconds writes a time in whole seconds, at least one.
func Seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}
