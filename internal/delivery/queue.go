package delivery

import (
	"context"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Bounds of counting. A peer that is dead for a month must not make every look at its queue a walk through the month.
const (
	maxCounted = 10_000 // statements that are counted for one peer
	minLooked  = 16     // rows that a survey looks at for each precedence of each peer, however many there are
)

// Queue is how one peer's queue stands.
type Queue struct {
	Peer        party.Code                              `json:"peer"`
	Reach       string                                  `json:"reach"`             // "push", "pulls" (it fetches from here) or "bag" (neither reaches the other)
	Waiting     int                                     `json:"waiting"`           // statements without a receipt
	AtLeast     bool                                    `json:"at_least,omitzero"` // there are more: counting ended at its bound
	By          map[statement.Precedence]int            `json:"by_precedence"`
	Oldest      statement.Time                          `json:"oldest,omitzero"`
	OldestBy    map[statement.Precedence]statement.Time `json:"oldest_by_precedence"`
	Lag         time.Duration                           `json:"lag_ns"`     // age of the oldest
	Accepted    int64                                   `json:"accepted"`   // of the own log, by the peer
	TheirSize   int64                                   `json:"their_size"` // of the peer's log, here
	LastSuccess statement.Time                          `json:"last_success,omitzero"`
	LastHeard   statement.Time                          `json:"last_heard,omitzero"`
	Attempts    int                                     `json:"attempts"`
	NextTry     statement.Time                          `json:"next_try,omitzero"`
	LastError   string                                  `json:"last_error,omitzero"`
	LastCode    string                                  `json:"last_code,omitzero"`
}

// Queues lists the queue of every party whose letter is confirmed. Up to 10,000 statements are counted for each; past that AtLeast is set.
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
			q, err = c.queue(tx, code, maxCounted, 0)
			return err
		})
		if err != nil {
			return nil, err
		}
		q.Reach = c.reach(letter)
		out = append(out, q)
	}
	return out, nil
}

// Survey is Queues inside a transaction for those who ask again and again: it looks at some rows statements in all and no more, and goes on with the next
// survey where this one ended. Until it has caught up with a queue, AtLeast is set.
func (c *Courier) Survey(tx store.Tx, peers []party.Code, rows int) ([]Queue, error) {
	each := max(rows/max(len(peers)*len(statement.Precedences()), 1), minLooked)
	out := make([]Queue, 0, len(peers))
	for _, code := range peers {
		q, err := c.queue(tx, code, maxCounted, each)
		if err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, nil
}

func (c *Courier) reach(letter *party.Letter) string {
	switch {
	case len(letter.Endpoints) > 0:
		return "push"
	case c.Reachable:
		return "pulls"
	}
	return "bag"
}

// queue counts what a peer has not receipted, up to most, looking at up to rows statements of each precedence; 0: at all of them.
func (c *Courier) queue(tx store.Tx, code party.Code, most, rows int) (Queue, error) {
	row, err := c.row(tx, code, c.Origin)
	if err != nil {
		return Queue{}, err
	}
	if rows > 0 {
		rows = max(rows/len(c.logs()), 1)
	}
	q := Queue{
		Peer: code, By: map[statement.Precedence]int{}, OldestBy: map[statement.Precedence]statement.Time{}, Accepted: row.Accepted, TheirSize: row.TheirSize,
		LastSuccess: row.LastSuccess, LastHeard: row.LastHeard, Attempts: row.Attempts, NextTry: row.NextTry, LastError: row.LastError, LastCode: row.LastCode,
	}
	for _, origin := range c.logs() {
		row, err := c.row(tx, code, origin)
		if err != nil {
			return q, err
		}
		for _, prec := range statement.Precedences() {
			n := count{c: c, tx: tx, peer: code, origin: origin, most: most - q.Waiting, rows: rows}
			if err := n.from(prec, row.Cursor[prec]); err != nil {
				return q, err
			}
			q.add(prec, n)
		}
	}
	if !q.Oldest.IsZero() {
		q.Lag = max(0, c.Now().Sub(q.Oldest.Std()))
	}
	return q, nil
}

// add adds what was counted of one log and precedence.
func (q *Queue) add(prec statement.Precedence, n count) {
	q.AtLeast = q.AtLeast || n.cut
	if n.waiting == 0 {
		return
	}
	q.By[prec] += n.waiting
	q.Waiting += n.waiting
	if o := q.OldestBy[prec]; o.IsZero() || n.oldest.Before(o) {
		q.OldestBy[prec] = n.oldest
	}
	if q.Oldest.IsZero() || n.oldest.Before(q.Oldest) {
		q.Oldest = n.oldest
	}
}

// count is one precedence's part of a queue while it is counted.
type count struct {
	c          *Courier
	tx         store.Tx
	peer       party.Code
	origin     party.Origin
	most, rows int

	waiting int
	oldest  statement.Time
	cut     bool  // it ended at a bound
	covered int64 // leaves below it are covered by the receipt that was found last
}

// from counts along the log, from the cursor or from what an earlier count found to be settled for ever: not for the peer, or receipted.
func (n *count) from(prec statement.Precedence, cursor int64) error {
	length, err := n.tx.Length(n.origin)
	if err != nil {
		return err
	}
	key := settledKey{n.peer, n.origin, prec}
	settled := max(cursor, n.c.settledTo(key, length))
	looked, prefix := 0, true
	var bad error
	err = n.tx.Scan(n.origin, prec, settled, func(s store.Statement) bool {
		if s.Index >= length {
			return false // it stands bare of a proof, in a log that was closed with a part of it lost
		}
		if n.waiting >= n.most || n.rows > 0 && looked >= n.rows {
			n.cut = true
			return false
		}
		looked++
		var pending bool
		if pending, bad = n.pending(s); bad != nil {
			return false
		}
		prefix = prefix && !pending
		if prefix {
			settled = s.Index + 1
		}
		return true
	})
	if err == nil {
		err = bad
	}
	if err == nil {
		n.c.settle(key, settled)
	}
	return err
}

// pending tells whether a statement is for the peer and has no receipt.
func (n *count) pending(s store.Statement) (bool, error) {
	if s.Thread.IsZero() || s.Index < n.covered { // receipts go with answers, never through the queue
		return false, nil
	}
	h, err := statement.Reread(s.ID, s.Head)
	if err != nil || !h.IsFor(n.peer) {
		return false, err
	}
	a, err := n.tx.ArrivedAt(n.peer, n.origin, store.HeadArrived, s.Index)
	if fault.CodeOf(err) == fault.NotFound {
		n.waiting++
		if n.oldest.IsZero() || h.Time.Before(n.oldest) {
			n.oldest = h.Time
		}
		return true, nil
	}
	n.covered = a.Hi
	return false, err
}

// settledKey names a part of a queue.
type settledKey struct {
	peer   party.Code
	origin party.Origin
	prec   statement.Precedence
}

// settledTo is how far a count has found a part of a queue to be settled. A log that is shorter than that is another one: its store was put back.
func (c *Courier) settledTo(key settledKey, length int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to := c.counted[key]; to <= length {
		return to
	}
	return 0
}

func (c *Courier) settle(key settledKey, to int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted[key] = to
}
