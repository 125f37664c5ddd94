package delivery

import (
	"context"
	"time"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// defaultClaim is how long a process keeps a peer's queue without saying so again: so long it takes at most until another serves it when this one dies.
const defaultClaim = 10 * time.Second

// claim tells whether this process is to serve a peer's queue: of several on one store, one does. It only saves work. Should two serve one queue after
// all, since their clocks differ or one was paused, the peer gets packets twice and keeps them once.
func (c *Courier) claim(ctx context.Context, code party.Code, l *line) (bool, error) {
	if c.Process == "" {
		return true, nil
	}
	now := statement.TimeOf(c.Now())
	if l.claimed.Std().Sub(now.Std()) > c.Claim/2 {
		return true, nil
	}
	if now.Before(l.barred) {
		return false, nil
	}
	until := now.Add(c.Claim)
	mine, err := c.Store.Claim(ctx, queueOf(code), c.Process, now, until)
	l.claimed, l.barred = until, statement.Time{}
	if err != nil || !mine {
		l.claimed, l.barred = statement.Time{}, now.Add(c.Claim/4)
	}
	return mine, err
}

// release gives a peer's queue up at the end of a worker, so that another process need not wait.
func (c *Courier) release(code party.Code, l *line) {
	if l.claimed.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	now := statement.TimeOf(c.Now())
	if _, err := c.Store.Claim(ctx, queueOf(code), c.Process, now, now); err != nil {
		c.Log.Debug("a queue was not given up", "peer", string(code), "error", err.Error()) // it runs out by itself
	}
}

func queueOf(code party.Code) string { return "queue:" + string(code) }
