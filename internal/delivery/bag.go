package delivery

import (
	"context"
	"io"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Pack writes a peer's next packet to w, for a file; with only, exactly these own statements. It reports what is in it; when there is
// nothing to send, nothing is written.
func (c *Courier) Pack(ctx context.Context, to party.Code, only []statement.ID, w io.Writer) (heads, blobs int, err error) {
	return c.packFile(ctx, to, only, nil, w)
}

// PackAfter is Pack for one of a series of files that are opened in order. have says how many bytes of which blobs the peer will have by then, and
// grows by what is in the packet, so that a blob that needs many packets is packed before any of them comes back.
func (c *Courier) PackAfter(ctx context.Context, to party.Code, have map[statement.Digest]int64, w io.Writer) (heads, blobs int, err error) {
	return c.packFile(ctx, to, nil, have, w)
}

func (c *Courier) packFile(ctx context.Context, to party.Code, only []statement.ID, have map[statement.Digest]int64, w io.Writer) (heads, blobs int, err error) {
	letter, err := c.letterOf(ctx, to)
	if err != nil {
		return 0, 0, err
	}
	p, err := c.pack(ctx, to, only, have)
	if fault.CodeOf(err) == fault.NotFound {
		return 0, 0, nil
	}
	if err != nil || p.empty() {
		return 0, 0, err
	}
	if err := c.Codec.Seal(w, letter.Seal, &p.contents); err != nil {
		return 0, 0, err
	}
	if have != nil {
		for _, b := range p.contents.Blobs {
			have[b.SHA256] = max(have[b.SHA256], b.Offset+b.Size)
		}
	}
	if only != nil { // receipts: see answer
		err = c.accepted(ctx, to, p.tree.Size, false)
	}
	return p.heads, p.blobs, err
}

// Queue is how one peer's queue stands.
type Queue struct {
	Peer        party.Code                   `json:"peer"`
	Reach       string                       `json:"reach"`   // "push", "pulls" (it fetches from here) or "bag" (neither reaches the other)
	Waiting     int                          `json:"waiting"` // statements without a receipt
	By          map[statement.Precedence]int `json:"by_precedence"`
	Oldest      statement.Time               `json:"oldest,omitzero"`
	Lag         time.Duration                `json:"lag_ns"`     // age of the oldest
	Accepted    int64                        `json:"accepted"`   // of the own log, by the peer
	TheirSize   int64                        `json:"their_size"` // of the peer's log, here
	LastSuccess statement.Time               `json:"last_success,omitzero"`
	LastHeard   statement.Time               `json:"last_heard,omitzero"`
	Attempts    int                          `json:"attempts"`
	NextTry     statement.Time               `json:"next_try,omitzero"`
	LastError   string                       `json:"last_error,omitzero"`
	LastCode    string                       `json:"last_code,omitzero"`
}

// Queues lists the queue of every party whose letter is confirmed.
func (c *Courier) Queues(ctx context.Context) ([]Queue, error) {
	codes, err := c.codes(ctx)
	if err != nil {
		return nil, err
	}
	out := []Queue{}
	for _, code := range codes {
		letter, err := c.letterOf(ctx, code)
		if err != nil {
			return nil, err
		}
		var q Queue
		err = c.Store.View(ctx, func(tx store.Tx) (err error) {
			q, err = c.queue(tx, code)
			return err
		})
		if err != nil {
			return nil, err
		}
		switch {
		case len(letter.Endpoints) > 0:
			q.Reach = "push"
		case c.Reachable:
			q.Reach = "pulls"
		default:
			q.Reach = "bag"
		}
		out = append(out, q)
	}
	return out, nil
}

// queue counts what a peer has not receipted.
func (c *Courier) queue(tx store.Tx, code party.Code) (Queue, error) {
	row, err := tx.Peer(code)
	if err != nil {
		return Queue{}, err
	}
	q := Queue{
		Peer: code, By: map[statement.Precedence]int{}, Accepted: row.Accepted, TheirSize: row.TheirSize, LastSuccess: row.LastSuccess,
		LastHeard: row.LastHeard, Attempts: row.Attempts, NextTry: row.NextTry, LastError: row.LastError, LastCode: row.LastCode,
	}
	for _, prec := range statement.Precedences() {
		var bad error
		err := tx.Scan(c.Origin, prec, row.Cursor[prec], func(s store.Statement) bool {
			var h *statement.Head
			if h, bad = statement.ParseHead(s.Head); bad != nil {
				return false
			}
			if s.Thread.IsZero() || !h.IsFor(code) {
				return true
			}
			_, err := tx.ArrivedAt(code, store.HeadArrived, s.Index)
			if fault.CodeOf(err) != fault.NotFound {
				bad = err
				return bad == nil
			}
			q.Waiting++
			q.By[prec]++
			if q.Oldest.IsZero() || h.Time.Before(q.Oldest) {
				q.Oldest = h.Time
			}
			return true
		})
		if err != nil {
			return q, err
		}
		if bad != nil {
			return q, bad
		}
	}
	if !q.Oldest.IsZero() {
		q.Lag = max(0, c.Now().Sub(q.Oldest.Std()))
	}
	return q, nil
}
