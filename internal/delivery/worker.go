package delivery

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// work serves one peer's queue until ctx ends. Nothing that happens here delays another peer.
func (c *Courier) work(ctx context.Context, code party.Code, l *line) {
	failures := 0
	version := int64(-1)
	var pulled time.Time
	for ctx.Err() == nil {
		changed := c.Exchange.Changed() // taken before the round, so that nothing written during it is missed
		v, err := c.Store.Version(ctx)
		pull := !c.Reachable && time.Since(pulled) >= c.PullEvery
		if err == nil && (v != version || failures > 0 || pull) {
			version = v
			if pull {
				pulled = time.Now()
			}
			err = c.round(ctx, code, l, pull)
		}
		if ctx.Err() != nil {
			return
		}
		wait := c.Poll
		if err != nil {
			failures++
			version = -1
			wait = c.backoff(failures)
			c.Log.Info("peer not served", "peer", string(code), "attempt", failures, "code", string(fault.CodeOf(err)), "error", err.Error())
			c.note(ctx, code, failed(failures, err, statement.TimeOf(c.Now()), wait))
			changed = nil // news does not make a dead peer answer sooner
		} else {
			failures = 0
		}
		select {
		case <-ctx.Done():
		case <-l.kick:
			version, pulled = -1, time.Time{}
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// backoff doubles the wait with each failure, with a little chance so that peers do not come all at once.
func (c *Courier) backoff(failures int) time.Duration {
	// spec: NET-4
	wait := c.RetryMin << min(failures-1, 20)
	if wait <= 0 || wait > c.RetryMax {
		wait = c.RetryMax
	}
	return wait/2 + rand.N(wait/2+1)
}

// round pushes until the queue is empty, fetches what waits at the peer, and settles what third parties have shown of its log.
func (c *Courier) round(ctx context.Context, code party.Code, l *line, pull bool) error {
	letter, err := c.letterOf(ctx, code)
	if err != nil {
		return err
	}
	if len(letter.Endpoints) == 0 { // spec: NET-5
		return nil // it fetches, or packets travel as files
	}
	if err := c.push(ctx, code, letter, l); err != nil {
		return err
	}
	if pull {
		if err := c.pull(ctx, code, letter, l); err != nil {
			return err
		}
	}
	return c.settleViews(ctx, code, letter, l)
}

// push sends packets until there is nothing more to send.
func (c *Courier) push(ctx context.Context, code party.Code, letter *party.Letter, l *line) error {
	for last := ""; ; {
		p, err := c.pack(ctx, code, nil, l.have)
		if fault.CodeOf(err) == fault.NotFound {
			return nil // nothing was ever said here
		}
		if err != nil {
			return err
		}
		if p.empty() {
			return c.moved(ctx, code, p)
		}
		// The same packet twice in a row, taken and not receipted, would go round for ever.
		if p.signature() == last {
			return fault.New(fault.Unavailable, "NET-4", "%s takes packets and receipts nothing", code)
		}
		last = p.signature()
		if err := c.post(ctx, code, letter, l, p); err != nil {
			return err
		}
		c.note(ctx, code, func(row *store.Peer) {
			p.took(row)
			row.LastSuccess = statement.TimeOf(c.Now())
			row.LastTry, row.Attempts, row.NextTry, row.LastError, row.LastCode = row.LastSuccess, 0, statement.Time{}, "", ""
		})
		for _, id := range p.requests {
			if err := c.Exchange.Update(ctx, func(tx store.Tx) error { return tx.DropRequested(code, id) }); err != nil {
				return err
			}
		}
	}
}

// moved keeps the cursors of a round that found nothing to send, so that the next does not look at the same leaves again.
func (c *Courier) moved(ctx context.Context, code party.Code, p *parcel) error {
	var row store.Peer
	err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		row, err = tx.Peer(code)
		return err
	})
	if err != nil {
		return err
	}
	for prec, at := range p.cursor {
		// A write for its own sake only now and then: the cursor saves work, nothing hangs on it.
		if at-row.Cursor[prec] >= 256 {
			return c.Exchange.Update(ctx, func(tx store.Tx) error {
				row, err := tx.Peer(code)
				if err != nil {
					return err
				}
				p.took(&row)
				return tx.PutPeer(row)
			})
		}
	}
	return nil
}

// note changes a peer's row; that it could not be is logged, since nothing hangs on it.
func (c *Courier) note(ctx context.Context, code party.Code, change func(row *store.Peer)) {
	err := c.Exchange.Update(ctx, func(tx store.Tx) error {
		row, err := tx.Peer(code)
		if err != nil {
			return err
		}
		change(&row)
		return tx.PutPeer(row)
	})
	if err != nil && ctx.Err() == nil {
		c.Log.Warn("a peer's row was not written", "peer", string(code), "error", err.Error())
	}
}

func failed(attempts int, err error, now statement.Time, wait time.Duration) func(*store.Peer) {
	return func(row *store.Peer) {
		row.LastTry, row.Attempts, row.NextTry = now, attempts, now.Add(wait)
		row.LastError, row.LastCode = fault.Show(err), string(fault.CodeOf(err))
	}
}
