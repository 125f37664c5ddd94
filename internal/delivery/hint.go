package delivery

import (
	"context"
	"maps"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// queueKey names the queue of one own log for one peer.
type queueKey struct {
	peer   party.Code
	origin party.Origin
}

// progress is how far a queue has come beyond what its row says. It only saves work, so it is remembered, and written when something else is: what is lost with
// the process, receipts have written, or the peer says again.
type progress struct {
	cursor   map[statement.Precedence]int64
	blobAt   int64
	accepted int64
	gossip   map[party.Origin]statement.Digest
}

// over has a row say what is known beyond it.
func (g *progress) over(row *store.Peer) {
	if g == nil {
		return
	}
	if row.Cursor == nil {
		row.Cursor = map[statement.Precedence]int64{}
	}
	if row.Gossip == nil {
		row.Gossip = map[party.Origin]statement.Digest{}
	}
	for prec, at := range g.cursor {
		row.Cursor[prec] = max(row.Cursor[prec], at)
	}
	row.BlobCursor = max(row.BlobCursor, g.blobAt)
	row.Accepted = max(row.Accepted, g.accepted)
	maps.Copy(row.Gossip, g.gossip)
}

// row is a peer's row for one own log with all that is known.
func (c *Courier) row(tx store.Tx, code party.Code, origin party.Origin) (store.Peer, error) {
	row, err := tx.Peer(code, origin)
	if err != nil {
		return row, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead[queueKey{code, origin}].over(&row)
	return row, nil
}

// learn changes what is known beyond a row.
func (c *Courier) learn(code party.Code, origin party.Origin, change func(*progress)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := queueKey{code, origin}
	if c.ahead[key] == nil {
		c.ahead[key] = &progress{cursor: map[statement.Precedence]int64{}, gossip: map[party.Origin]statement.Digest{}}
	}
	change(c.ahead[key])
}

// unlearn forgets it all: the store may have become another one, of which it is not true.
func (c *Courier) unlearn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.ahead)
}

// accepted notes how much of an own log a peer says that it has. It is only a hint for the next proof, so a lie harms the liar. Several exchanges may be under
// way at once, and what one of them says may be older than what another said; only with exactly it goes down again: the peer has just refused a proof from
// elsewhere.
func (c *Courier) accepted(ctx context.Context, code party.Code, origin party.Origin, size int64, exactly bool) error {
	// spec: NET-9
	var row store.Peer
	var length int64
	err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		if length, err = tx.Length(origin); err == nil {
			row, err = tx.Peer(code, origin)
		}
		return err
	})
	if err != nil {
		return err
	}
	if origin == c.Origin && size > length {
		c.doubt(code, size)
	}
	if exactly && row.Accepted > size {
		c.noteIn(ctx, code, origin, func(row *store.Peer) { row.Accepted = size })
	}
	c.learn(code, origin, func(g *progress) {
		if exactly || g.accepted < size {
			g.accepted = size
		}
	})
	return nil
}

// progress is what a parcel that was taken means for its queue.
func (p *parcel) progress(g *progress) {
	p.settled(g)
	g.blobAt = max(g.blobAt, p.blobAt)
	maps.Copy(g.gossip, p.gossip)
}

// settled is what receipts have confirmed of it already, taken or not.
func (p *parcel) settled(g *progress) {
	for prec, at := range p.cursor {
		g.cursor[prec] = max(g.cursor[prec], at)
	}
}

// keep writes a peer's row for one own log with all that is known.
func (c *Courier) keep(ctx context.Context, code party.Code, origin party.Origin) error {
	return c.Exchange.Update(ctx, func(tx store.Tx) error {
		row, err := c.row(tx, code, origin)
		if err != nil {
			return err
		}
		return tx.PutPeer(row)
	})
}

// cursorSlack is how many leaves a queue's row may be behind what is known, when there is nothing to send.
const cursorSlack = 256

// lags tells whether a row is so far behind what is known that it is worth a write for its own sake.
func lags(row, known store.Peer, slack int64) bool {
	for prec, at := range known.Cursor {
		if at-row.Cursor[prec] >= slack {
			return true
		}
	}
	return known.BlobCursor-row.BlobCursor >= slack
}
