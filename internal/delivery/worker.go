package delivery

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// work serves one peer's queue until ctx ends. Nothing that happens here delays another peer.
func (c *Courier) work(ctx context.Context, code party.Code, l *line) {
	defer c.release(code, l)
	failures, lulls := 0, 0
	version := int64(-1)
	stood := true
	var pulled, witnessed time.Time
	for ctx.Err() == nil {
		if now := c.Now(); now.Sub(witnessed) >= journal.WitnessInterval || now.Before(witnessed) {
			witnessed = now
			if err := c.witnessed(ctx, code); err != nil && ctx.Err() == nil {
				c.Log.Warn("a log was not cosigned", "peer", string(code), "error", err)
			}
		}
		changed := c.Exchange.Changed() // taken before the round, so that nothing written during it is missed
		said := c.said(ctx)             // likewise
		v, err := c.Store.Version(ctx)
		ours := err != nil // it is the own store that fails, and no peer
		pull := !c.Reachable && time.Since(pulled) >= c.PullEvery
		stands := c.stands(ctx) == nil // whether it may speak does not always change by what is written
		if err == nil && (v != version || failures > 0 || lulls > 0 || pull || stands != stood) {
			version, stood = v, stands
			if pull {
				pulled = time.Now()
			}
			l.more = false
			var mine bool
			mine, err = c.claim(ctx, code, l)
			if ours = err != nil; mine {
				err = c.round(ctx, code, l, pull)
			} else {
				version = -1 // another process serves it: look again, whether there is news or not
			}
			if err == nil && l.more && ctx.Err() == nil { // at once, and the peer's news in between
				failures, version = 0, -1
				continue
			}
		}
		if ctx.Err() != nil {
			return
		}
		var kicked bool
		switch {
		case err == nil:
			failures, lulls = 0, 0
			kicked = l.rest(ctx, c.Poll, changed)
		case ours:
			lulls++
			version = -1
			kicked = l.rest(ctx, c.lull(lulls), nil)
		default:
			failures++
			version = -1
			wait := c.backoff(failures)
			c.Log.InfoContext(c.about(ctx, err), "peer not served", "peer", string(code), "attempt", failures, "code", string(fault.CodeOf(err)), "error", err)
			c.note(ctx, code, failed(failures, err, statement.TimeOf(c.Now()), wait))
			kicked = c.restAfter(ctx, l, err, wait, said)
		}
		if kicked {
			version, pulled = -1, time.Time{}
		}
	}
}

// witnessed cosigns what the peer's log has come to, unless this node may not speak: what it once accepted of that log may be lost with the rest.
func (c *Courier) witnessed(ctx context.Context, code party.Code) error {
	if c.stands(ctx) != nil {
		return nil
	}
	_, err := c.Exchange.Witnessed(ctx, code)
	return err
}

// rest waits for d, news, a kick or the end, and reports whether it was a kick.
func (l *line) rest(ctx context.Context, d time.Duration, news <-chan struct{}) (kicked bool) {
	select {
	case <-ctx.Done():
	case <-l.kick:
		return true
	case <-news:
	case <-time.After(d):
	}
	return false
}

// restAfter waits after a failure. News does not make a dead peer answer sooner; one that answered, and would not have what it was given, may well take
// what is said next.
func (c *Courier) restAfter(ctx context.Context, l *line, err error, wait time.Duration, said int64) (kicked bool) {
	if fault.CodeOf(err) != fault.Parked {
		return l.rest(ctx, wait, nil)
	}
	until := time.Now().Add(wait)
	if kicked = l.rest(ctx, min(wait, c.RetryMin), nil); kicked {
		return true
	}
	for ctx.Err() == nil && time.Now().Before(until) {
		changed := c.Exchange.Changed()
		if c.said(ctx) != said {
			return false
		}
		if kicked = l.rest(ctx, min(time.Until(until), c.Poll), changed); kicked {
			return true
		}
	}
	return false
}

// said is the length of the own log; 0 where it cannot be read, which somebody else will say.
func (c *Courier) said(ctx context.Context) (n int64) {
	_ = c.Store.View(ctx, func(tx store.Tx) (err error) {
		n, err = tx.Length(c.Origin)
		return err
	})
	return n
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

// longestLull bounds the wait between two looks at the own store while it fails: when it is back, what waits goes out at once, and not when the peers' waits
// are over.
const longestLull = 5 * time.Second

// lull is how long to leave the own store alone after it has failed so many times in a row. Nothing is logged of it here, once for each peer: Run does.
func (c *Courier) lull(times int) time.Duration {
	wait := min(c.Poll<<min(times-1, 20), longestLull)
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
	if err := c.stands(ctx); err != nil {
		return c.await(ctx, code, letter, l)
	}
	c.meet(ctx, code, letter, l)
	if err := c.fetchLost(ctx, code, letter, l); err != nil {
		return err
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

// push sends packets until there is nothing more to send, or the rest of the round has waited for as long as it may: news that does not end must not
// keep a node that fetches from fetching.
func (c *Courier) push(ctx context.Context, code party.Code, letter *party.Letter, l *line) error {
	began := time.Now()
	last := map[party.Origin]string{}
	for more := true; more; {
		if time.Since(began) >= c.PullEvery {
			l.more = true
			return nil
		}
		more = false
		// A packet of each log in turn: what is said now must not wait for all that waits in a log that was closed.
		for _, origin := range c.logs() {
			sent, err := c.pushOne(ctx, code, letter, l, origin, last)
			if err != nil {
				return err
			}
			more = more || sent
		}
	}
	return nil
}

// pushOne sends the next packet of one own log, if there is one.
func (c *Courier) pushOne(ctx context.Context, code party.Code, letter *party.Letter, l *line, origin party.Origin, last map[party.Origin]string) (sent bool, err error) {
	p, err := c.send(ctx, code, letter, l, origin, nil, last[origin])
	if err != nil || p == nil {
		return false, err
	}
	if p.empty() {
		return false, c.moved(ctx, code, p)
	}
	last[origin] = p.signature()
	c.Reached.At(pointTaken)
	if err := c.taken(ctx, code, p); err != nil {
		return false, err
	}
	c.Reached.At(pointQueued)
	return true, nil
}

// moved keeps the cursors of a round that found nothing to send, so that the next does not look at the same leaves again.
func (c *Courier) moved(ctx context.Context, code party.Code, p *parcel) error {
	c.learn(code, p.tree.Origin, p.progress)
	slack := int64(cursorSlack)
	if p.tree.Origin != c.Origin { // it will not grow until it is worth a write
		slack = 1
	}
	var row, known store.Peer
	if err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		if row, err = tx.Peer(code, p.tree.Origin); err == nil {
			known, err = c.row(tx, code, p.tree.Origin)
		}
		return err
	}); err != nil || !lags(row, known, slack) {
		return err
	}
	return c.keep(ctx, code, p.tree.Origin)
}

// note changes a peer's row; that it could not be is logged, since nothing hangs on it.
func (c *Courier) note(ctx context.Context, code party.Code, change func(row *store.Peer)) {
	c.noteIn(ctx, code, c.Origin, change)
}

// noteIn is note for the queue of one own log.
func (c *Courier) noteIn(ctx context.Context, code party.Code, origin party.Origin, change func(row *store.Peer)) {
	err := c.Exchange.Update(ctx, func(tx store.Tx) error {
		row, err := tx.Peer(code, origin)
		if err != nil {
			return err
		}
		change(&row)
		return tx.PutPeer(row)
	})
	if err != nil && ctx.Err() == nil {
		c.Log.WarnContext(ctx, "a peer's row was not written", "peer", string(code), "error", err)
	}
}

func succeeded(now statement.Time) func(*store.Peer) {
	return func(row *store.Peer) {
		row.LastSuccess, row.LastTry, row.Attempts, row.NextTry, row.LastError, row.LastCode = now, now, 0, statement.Time{}, "", ""
	}
}

func failed(attempts int, err error, now statement.Time, wait time.Duration) func(*store.Peer) {
	return func(row *store.Peer) {
		row.LastTry, row.Attempts, row.NextTry = now, attempts, now.Add(wait)
		row.LastError, row.LastCode = fault.Show(err), string(fault.CodeOf(err))
	}
}
