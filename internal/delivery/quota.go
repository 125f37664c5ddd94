package delivery

import (
	"sync"
	"time"

	"github.com/comity-exchange/comity/party"
)

// Bounds of NET-6 for one peer.
const (
	perSecond = 60
	atOnce    = 4
)

// quota bounds what one peer may ask: a bucket that fills with time, and a count of what is in hand.
type quota struct {
	mu     sync.Mutex
	tokens float64   // guarded by mu
	filled time.Time // guarded by mu
	busy   int       // guarded by mu
}

func (c *Courier) quota(code party.Code) *quota {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, ok := c.quotas[code]
	if !ok {
		q = &quota{tokens: perSecond}
		c.quotas[code] = q
	}
	return q
}

// take reports whether one more request may be served now; if so, done must follow.
func (q *quota) take(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.filled.IsZero() {
		q.tokens = min(perSecond, q.tokens+now.Sub(q.filled).Seconds()*perSecond)
	}
	q.filled = now
	if q.tokens < 1 || q.busy >= atOnce {
		return false
	}
	q.tokens--
	q.busy++
	return true
}

func (q *quota) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy--
}
