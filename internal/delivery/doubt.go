package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/translog"
)

// standing is what was found lately of whether this node may speak. Nothing hangs on it but that peers are told early: what signs looks itself, each time.
type standing struct {
	mu   sync.Mutex
	at   time.Time // guarded by mu
	last error     // guarded by mu
}

// stands tells whether this node may speak: nil, or why it takes nothing and gives nothing.
func (c *Courier) stands(ctx context.Context) error {
	// spec: LOG-14, NET-12
	s := &c.standing
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && time.Since(s.at) < c.Poll {
		return s.last
	}
	s.last, s.at = c.Journal.Ready(ctx, c.Store), time.Now()
	if s.last != nil {
		c.unlearn()
	}
	if code := fault.CodeOf(s.last); code == fault.Canceled {
		s.at = time.Time{} // it was the caller who gave up
	}
	return s.last
}

// doubts is what a peer has said of the own log that this store does not bear out.
type doubts struct {
	mu        sync.Mutex
	met       bool  // it was asked since the process started; guarded by mu
	claimed   int64 // the greatest size that it claimed by its bare word; guarded by mu
	dismissed int64 // the greatest that it was asked about, and did not show; guarded by mu
}

// due tells whether the peer is to be asked.
func (d *doubts) due() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.met || d.claimed > d.dismissed
}

// asked notes that it was.
func (d *doubts) asked() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.met, d.dismissed = true, max(d.dismissed, d.claimed)
}

// doubt takes a peer's bare word that the own log is longer than it is here. It is no proof, so nothing stops for it: the peer is asked for the checkpoint.
func (c *Courier) doubt(code party.Code, size int64) {
	// spec: LOG-14
	l := c.line(code)
	d := &l.doubts
	d.mu.Lock()
	news := size > d.claimed
	d.claimed = max(d.claimed, size)
	d.mu.Unlock()
	if news {
		c.Log.Warn("a peer claims to have accepted more of the own log than there is here: it is asked to show it", "peer", string(code), "size", size)
		c.Kick(code)
	}
}

// claimed takes note where a peer's receipt names more of the own log than there is here.
func (c *Courier) claimed(code party.Code, err error) {
	var claim *exchange.Claim
	if errors.As(err, &claim) {
		c.doubt(code, claim.Size)
	}
}

// meet asks a peer what it has of the own log, once after the start and whenever it has claimed more than there is: a store that was put back with its mark is
// noticed by nobody else.
func (c *Courier) meet(ctx context.Context, code party.Code, letter *party.Letter, l *line) {
	// spec: LOG-14
	if !l.doubts.due() {
		return
	}
	if err := c.inquire(ctx, code, letter, l); err != nil {
		c.Log.Debug("a peer was not asked what it has of the own log", "peer", string(code), "error", err.Error())
		if fault.CodeOf(err) == fault.Unavailable || ctx.Err() != nil {
			return // it is asked again
		}
	}
	l.doubts.asked()
}

// await is a round of a node that may not speak: it asks the peer what it has of the own log, and goes on when that is all that was missing.
func (c *Courier) await(ctx context.Context, code party.Code, letter *party.Letter, l *line) error {
	// spec: LOG-14
	if err := c.inquire(ctx, code, letter, l); err != nil {
		return err
	}
	l.doubts.asked()
	return c.resume(ctx)
}

// inquire asks a peer for the newest checkpoint of the own log that it has, and holds it against the store.
func (c *Courier) inquire(ctx context.Context, code party.Code, letter *party.Letter, l *line) error {
	// spec: LOG-14, NET-11
	var length int64
	if err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		length, err = tx.Length(c.Origin)
		return err
	}); err != nil {
		return err
	}
	page, err := c.mirror(ctx, letter, l, c.Origin, fmt.Sprintf("from=%d", length), 0)
	if fault.CodeOf(err) == fault.NotFound && fault.ClauseOf(err) == "NET-11" {
		return c.answered(ctx, code, 0)
	}
	if err != nil {
		return err
	}
	m, err := c.Exchange.OpenMirror(ctx, bytes.NewReader(page.Sealed))
	if err == nil && m.Origin() != c.Origin {
		err = fault.New(fault.NotAuthentic, "NET-11", "%s gave back another log than it was asked for", code)
	}
	if err != nil {
		return err
	}
	for _, cp := range m.Checkpoints {
		if err := c.hold(ctx, code, cp); err != nil {
			return err
		}
	}
	return c.answered(ctx, code, m.Checkpoints[0].Size)
}

// hold holds a checkpoint that the own keys signed against the store.
func (c *Courier) hold(ctx context.Context, code party.Code, cp translog.Checkpoint) error {
	same := false
	err := c.Store.View(ctx, func(tx store.Tx) error {
		length, err := tx.Length(c.Origin)
		if err != nil || cp.Size > length {
			return err
		}
		root, err := translog.Root(cp.Size, c.Journal.Tiles(tx, c.Origin))
		same = root == cp.Root
		return err
	})
	if err != nil || same {
		return err
	}
	_, err = c.Exchange.Shown(ctx, code, cp)
	c.forgetStanding()
	return err
}

func (c *Courier) forgetStanding() {
	c.standing.mu.Lock()
	defer c.standing.mu.Unlock()
	c.standing.at = time.Time{}
}

// answerKey names the note of what a peer has answered about the own log to this copy of the data.
func answerKey(incarnation string, code party.Code) string {
	return "answer:" + incarnation + ":" + string(code)
}

// without stands for the answer of a peer that the operator goes on without.
const without = "without"

// answered notes how much of the own log a peer has by its own word, where that is waited for.
func (c *Courier) answered(ctx context.Context, code party.Code, size int64) error {
	return c.noteAnswer(ctx, code, strconv.FormatInt(size, 10))
}

// GoWithout has a node that waits for its peers' answers go on without one of them. What that peer alone has seen is then signed over.
func (c *Courier) GoWithout(ctx context.Context, code party.Code) error {
	return c.noteAnswer(ctx, code, without)
}

func (c *Courier) noteAnswer(ctx context.Context, code party.Code, what string) error {
	st, err := c.Journal.Stand(ctx, c.Store)
	if err != nil || st.Condition != journal.Restored {
		return err
	}
	key := answerKey(st.Store, code)
	var have string
	if err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		have, err = tx.Meta(key)
		return err
	}); err != nil || have == what {
		return err
	}
	return c.Exchange.Update(ctx, func(tx store.Tx) error { return tx.SetMeta(key, what) })
}

// Unanswered lists the peers whose answers a store that was put back from a copy still waits for.
func (c *Courier) Unanswered(ctx context.Context) (out []party.Code, err error) {
	st, err := c.Journal.Stand(ctx, c.Store)
	if err != nil || st.Condition != journal.Restored {
		return nil, err
	}
	codes, err := c.codes(ctx)
	if err != nil {
		return nil, err
	}
	err = c.Store.View(ctx, func(tx store.Tx) error {
		out = nil
		for _, code := range codes {
			said, err := tx.Meta(answerKey(st.Store, code))
			if err != nil {
				return err
			}
			if said == "" {
				out = append(out, code)
			}
		}
		return nil
	})
	return out, err
}

// LookAgain forgets what was found of whether this node may speak, and has every worker look.
func (c *Courier) LookAgain() {
	c.forgetStanding()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.peers {
		select {
		case l.kick <- struct{}{}:
		default:
		}
	}
}

// Resume lets the node speak again once every peer has answered and nothing turned out to be missing.
func (c *Courier) Resume(ctx context.Context) error { return c.resume(ctx) }

func (c *Courier) resume(ctx context.Context) error {
	// spec: LOG-14
	st, err := c.Journal.Stand(ctx, c.Store)
	if err != nil || st.Condition != journal.Restored {
		return err
	}
	open, err := c.Unanswered(ctx)
	if err != nil || len(open) > 0 {
		return err
	}
	if err := c.Journal.Resume(ctx, c.Store, st.Store); err != nil {
		return err
	}
	c.forgetStanding()
	c.Log.Warn("every peer has answered, and the store lacks nothing that they have: the log goes on", "size", st.Size)
	return nil
}

// resumes lets this process speak again when the peers whose answers were missing have answered another one.
func (c *Courier) resumes(ctx context.Context) {
	if fault.ClauseOf(c.stands(ctx)) != "LOG-14" {
		return
	}
	if err := c.resume(ctx); err != nil && ctx.Err() == nil {
		c.Log.Warn("whether the log may go on cannot be told", "error", err)
	}
}

// heardOf takes a peer's word of how much of the own log it has as its answer, where it cannot be asked. That it has more is shown, never believed.
func (c *Courier) heardOf(ctx context.Context, code party.Code, size int64) error {
	if fault.ClauseOf(c.stands(ctx)) != "LOG-14" {
		return nil
	}
	letter, err := c.letterOf(ctx, code)
	if err != nil || len(letter.Endpoints) > 0 {
		return err
	}
	var length int64
	if err := c.Store.View(ctx, func(tx store.Tx) (err error) {
		length, err = tx.Length(c.Origin)
		return err
	}); err != nil || size > length {
		return err
	}
	if err := c.answered(ctx, code, size); err != nil {
		return err
	}
	return c.resume(ctx)
}
