package delivery

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// losses is when a peer was last asked for what was lost; owned by its worker.
type losses struct {
	next     time.Time
	attempts int
	searched bool // it has given what it had of the own attachments
}

// fetchLost asks a peer for what this party had acknowledged and has lost: its statements first, then attachments.
func (c *Courier) fetchLost(ctx context.Context, code party.Code, letter *party.Letter, l *line) error {
	if time.Now().Before(l.losses.next) {
		return nil
	}
	done, err := c.takeLost(ctx, code, letter, l)
	if err == nil && !done { // what it rests on has not come from somebody else yet
		l.losses.attempts++
		l.losses.next = time.Now().Add(c.backoff(l.losses.attempts))
	}
	if code := fault.CodeOf(err); err != nil && code != fault.Unavailable && code != fault.Canceled {
		c.Log.Warn("a peer does not give again what was lost here", "peer", string(letter.Code), "error", err.Error())
		l.losses.attempts++
		l.losses.next, err = time.Now().Add(c.backoff(l.losses.attempts)), nil
	}
	return err
}

// FetchLost asks a peer once for what was lost, beside its worker. done: all that this party has given a receipt for is here again.
func (c *Courier) FetchLost(ctx context.Context, code party.Code) (done bool, err error) {
	letter, err := c.letterOf(ctx, code)
	if err != nil {
		return false, err
	}
	l := c.aside(code)
	defer l.client.CloseIdleConnections()
	return c.takeLost(ctx, code, letter, l)
}

func (c *Courier) takeLost(ctx context.Context, code party.Code, letter *party.Letter, l *line) (done bool, err error) {
	// spec: NET-11, RCP-2
	var logs []exchange.Log
	lost := map[party.Origin]int64{}
	own := map[party.Origin]int64{}
	if err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		if logs, err = c.Exchange.Logs(tx, code); err != nil {
			return err
		}
		for _, log := range logs {
			if err := leafOf(tx, exchange.AgainKey(log.Origin), log.Origin, lost); err != nil {
				return err
			}
		}
		for _, origin := range c.logs() {
			if err := leafOf(tx, exchange.RegrownKey(origin), origin, own); err != nil {
				return err
			}
		}
		return nil
	}); err != nil || len(lost)+len(own) == 0 {
		return true, err
	}
	done = true
	for _, log := range logs {
		from, ok := lost[log.Origin]
		if !ok {
			continue
		}
		if len(letter.Endpoints) == 0 {
			return false, nil
		}
		all, err := c.fetchLog(ctx, letter, l, log.Origin, from)
		if err != nil {
			return false, err
		}
		done = done && all
	}
	for origin, from := range own {
		if len(letter.Endpoints) == 0 || l.losses.searched {
			continue
		}
		if _, err := c.fetchBlobs(ctx, letter, l, origin, from); err != nil {
			return false, err
		}
		l.losses.searched = true
		if err := c.allWhole(ctx, origin, from); err != nil {
			return false, err
		}
	}
	return done, nil
}

func leafOf(tx store.Delivery, key string, origin party.Origin, into map[party.Origin]int64) error {
	text, err := tx.Meta(key)
	if err != nil || text == "" {
		return err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the note of what was lost is damaged")
	}
	into[origin] = n
	return nil
}

// fetchLog takes again what a peer said in one of its logs from a leaf on.
func (c *Courier) fetchLog(ctx context.Context, letter *party.Letter, l *line, origin party.Origin, from int64) (all bool, err error) {
	prove := c.prover(letter, l)
	for at := from; ; {
		tree, err := c.theirs(ctx, origin)
		if err != nil {
			return false, err
		}
		page, err := c.mirror(ctx, letter, l, origin, fmt.Sprintf("from=%d", at), tree.Size)
		if err != nil {
			return false, err
		}
		// A head that cannot be judged before another party's has come stays away; it is asked for again.
		if _, err := c.Exchange.ReceiveAgain(ctx, letter.Code, bytes.NewReader(page.Sealed), prove); err != nil && fault.CodeOf(err) != fault.Parked {
			return false, err
		}
		if page.Next <= at {
			break
		}
		at = page.Next
	}
	if all, err = c.allHere(ctx, origin, from); err != nil || !all {
		return false, err
	}
	if _, err = c.fetchBlobs(ctx, letter, l, origin, from); err != nil {
		return false, err
	}
	return true, c.Exchange.Update(ctx, func(tx store.Tx) error { return tx.SetMeta(exchange.AgainKey(origin), "") })
}

// allHere tells whether every head that this party has receipted from a leaf on is here.
func (c *Courier) allHere(ctx context.Context, origin party.Origin, from int64) (all bool, err error) {
	err = c.Store.View(ctx, func(tx store.Tx) error {
		all = true
		for at := from; all; {
			a, err := tx.NextArrival(c.Self, origin, store.HeadArrived, at)
			if fault.CodeOf(err) == fault.NotFound {
				return nil
			}
			if err != nil {
				return err
			}
			here := max(a.Lo, at)
			if err := tx.Scan(origin, "", here, func(s store.Statement) bool {
				if s.Index != here || here >= a.Hi {
					return false
				}
				here++
				return true
			}); err != nil {
				return err
			}
			all, at = here >= a.Hi, a.Hi
		}
		return nil
	})
	return all, err
}

// part is an attachment that is not whole here.
type part struct {
	ref  store.ContentRef
	sum  statement.Digest
	have int64
}

// fetchBlobs fetches the attachments of a log's statements from a leaf on that are not whole here and that the peer may have. It reports whether it had all.
func (c *Courier) fetchBlobs(ctx context.Context, letter *party.Letter, l *line, origin party.Origin, from int64) (all bool, err error) {
	var lacking []part
	if err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		lacking, err = c.lacking(tx, letter.Code, origin, from)
		return err
	}); err != nil {
		return false, err
	}
	all = true
	for _, p := range lacking {
		err := c.fetchBlob(ctx, letter, l, origin, p)
		if fault.CodeOf(err) == fault.NotFound {
			all = false
			continue
		}
		if err != nil {
			return false, err
		}
	}
	return all, nil
}

// allWhole forgets that attachments of an own log are looked for, once none is.
func (c *Courier) allWhole(ctx context.Context, origin party.Origin, from int64) error {
	var open []part
	if err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		open, err = c.lacking(tx, "", origin, from)
		return err
	}); err != nil || len(open) > 0 {
		return err
	}
	return c.Exchange.Update(ctx, func(tx store.Tx) error { return tx.SetMeta(exchange.RegrownKey(origin), "") })
}

// lacking lists attachments of statements that were said by the peer or to it; "": of all.
func (c *Courier) lacking(tx store.Tx, code party.Code, origin party.Origin, from int64) (out []part, err error) {
	var bad error
	err = tx.Scan(origin, "", from, func(s store.Statement) bool {
		h, err := statement.ParseHead(s.Head)
		if bad = err; err != nil {
			return false
		}
		if h.Body == nil || code != "" && h.From != code && !h.IsFor(code) {
			return true
		}
		for n := range h.Body.Blobs {
			ref := store.ContentRef{Statement: s.ID, Part: n}
			content, err := tx.Content(ref)
			if fault.CodeOf(err) == fault.NotFound {
				break // its body is not here, and says nothing of it
			}
			if bad = err; err != nil {
				return false
			}
			if !content.Whole && !content.Erased {
				out = append(out, part{ref, content.SHA256, content.Arrived})
			}
		}
		return true
	})
	if err == nil {
		err = bad
	}
	return out, err
}

// fetchBlob fetches one attachment from where it breaks off here.
func (c *Courier) fetchBlob(ctx context.Context, letter *party.Letter, l *line, origin party.Origin, p part) error {
	prove := c.prover(letter, l)
	for at := p.have; ; {
		tree := int64(0)
		if origin.Code() != c.Self {
			t, err := c.theirs(ctx, origin)
			if err != nil {
				return err
			}
			tree = t.Size
		}
		page, err := c.mirror(ctx, letter, l, origin, fmt.Sprintf("from=%d&blob=%s", at, p.sum), tree)
		if err != nil {
			return err
		}
		if origin.Code() == c.Self {
			err = c.takeBack(ctx, page)
		} else {
			_, err = c.Exchange.ReceiveAgain(ctx, letter.Code, bytes.NewReader(page.Sealed), prove)
		}
		if err != nil {
			return err
		}
		if page.Next <= at {
			return nil
		}
		at = page.Next
	}
}

// takeBack puts back what a page of the own log holds; by now every leaf is known.
func (c *Courier) takeBack(ctx context.Context, page Page) error {
	m, err := c.Exchange.OpenMirror(ctx, bytes.NewReader(page.Sealed))
	if err != nil {
		return err
	}
	var got exchange.Back
	return c.Exchange.PutBack(ctx, m, exchange.Unknown, &got)
}
