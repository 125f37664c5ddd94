package relational

import (
	"fmt"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

const threadColumns = `id, desk, opened, updated, waiting, unread, listed, peers, agreement, status, closed, track, precedence, tlp, exercise, summary, state`

func readThread(scan func(...any) error, r *store.ThreadRow) error {
	return scan(idInto(&r.ID), &r.Desk, timeInto(&r.Opened), timeInto(&r.Updated), &r.Waiting, &r.Unread, &r.Listed, peersColumn{&r.Peers}, emptyColumn{&r.Agreement},
		&r.Status, &r.Closed, &r.Track, &r.Precedence, &r.TLP, &r.Exercise, &r.Summary, &r.State)
}

// peersColumn scans codes with a blank between them.
type peersColumn struct{ codes *[]party.Code }

func (c peersColumn) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("a column of codes holds %T", v)
	}
	*c.codes = nil
	for _, code := range strings.Fields(s) {
		*c.codes = append(*c.codes, party.Code(code))
	}
	return nil
}

func joined(codes []party.Code) string {
	var b strings.Builder
	for i, c := range codes {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(c))
	}
	return b.String()
}

// emptyColumn scans 32 bytes, or none as the absent value.
type emptyColumn struct{ id *statement.ID }

func (c emptyColumn) Scan(v any) error {
	if b, ok := v.([]byte); ok && len(b) == 0 {
		*c.id = statement.ID{}
		return nil
	}
	return idInto(c.id).Scan(v)
}

func orEmpty(id statement.ID) []byte {
	if id.IsZero() {
		return []byte{}
	}
	return id[:]
}

// PutThread implements store.Statements.
func (t *txn) PutThread(r store.ThreadRow) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	var no int64
	_, err := t.one(`INSERT INTO thread (no, `+threadColumns+`)
		VALUES ((SELECT COALESCE(MAX(no), 0) + 1 FROM thread), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		ON CONFLICT (id) DO UPDATE SET desk = excluded.desk, opened = excluded.opened, updated = excluded.updated,
		waiting = excluded.waiting, unread = excluded.unread, listed = excluded.listed, peers = excluded.peers, agreement = excluded.agreement, status = excluded.status,
		closed = excluded.closed, track = excluded.track, precedence = excluded.precedence, tlp = excluded.tlp, exercise = excluded.exercise,
		summary = excluded.summary, state = excluded.state RETURNING no`,
		[]any{
			r.ID[:], r.Desk, millis(r.Opened), millis(r.Updated), r.Waiting, r.Unread, bit(r.Listed), joined(r.Peers), orEmpty(r.Agreement), r.Status, bit(r.Closed),
			string(r.Track), string(r.Precedence), string(r.TLP), bit(r.Exercise), full(r.Summary), full(r.State),
		}, &no)
	if err != nil {
		return err
	}
	if len(r.Peers) > 1 {
		if err := t.putPeers(no, r); err != nil {
			return err
		}
	}
	if r.Clocks == nil {
		return nil
	}
	return t.putClocks(no, r.Clocks)
}

// putPeers keeps where a thread of several peers stands in the list of each. One that has only one peer any more may leave rows behind, which lists pass over.
func (t *txn) putPeers(no int64, r store.ThreadRow) error {
	for _, code := range r.Peers {
		if _, err := t.exec(`INSERT INTO thread_peer (thread, peer, updated) VALUES ($1, $2, $3) ON CONFLICT (thread, peer) DO UPDATE SET updated = excluded.updated`,
			no, string(code), millis(r.Updated)); err != nil {
			return err
		}
	}
	return nil
}

// never is when something is due that does not run yet: after every time in milliseconds.
const never = 1 << 53

// putClocks replaces the clocks of a thread.
func (t *txn) putClocks(no int64, clocks []store.Clock) error {
	if _, err := t.exec(`DELETE FROM clock WHERE thread = $1`, no); err != nil {
		return err
	}
	for n, c := range clocks {
		at, due := int64(0), int64(never)
		if !c.Until.IsZero() {
			due = millis(c.Until)
		} else if p, found, err := t.placeOf(c.Of); err != nil {
			return err
		} else if found {
			if due, err = t.begun(c, p); err != nil {
				return err
			}
			at = int64(p)
		}
		if _, err := t.exec(`INSERT INTO clock (thread, n, owes, mine, place, seconds, due) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			no, n, string(c.Owes), bit(c.Mine), at, c.Seconds, due); err != nil {
			return err
		}
	}
	return nil
}

// begun is when a clock is due that runs from the arrival of what stands at p.
func (t *txn) begun(c store.Clock, p place) (int64, error) {
	origin, err := t.nameOf(p.log())
	if err != nil {
		return 0, err
	}
	a, err := t.ArrivedAt(c.Owes, origin, store.HeadArrived, p.leaf())
	if fault.CodeOf(err) == fault.NotFound {
		return never, nil
	}
	return millis(a.Time) + c.Seconds*1000, err
}

// startClocks has the clocks run that run from the arrival of heads.
func (t *txn) startClocks(a store.Arrival) error {
	if a.What != store.HeadArrived {
		return nil
	}
	l, err := t.logOf(a.Origin)
	if err != nil || l == 0 {
		return err
	}
	_, err = t.exec(`UPDATE clock SET due = $4 + seconds * 1000 WHERE owes = $1 AND place >= $2 AND place < $3 AND place > 0 AND due > $4 + seconds * 1000`,
		string(a.Peer), l.at(a.Lo), l.at(a.Hi), millis(a.Time))
	return err
}

// Thread implements store.Statements.
func (t *txn) Thread(id thread.ID) (store.ThreadRow, error) {
	all, err := list(t, `SELECT `+threadColumns+` FROM thread WHERE id = $1`, []any{id[:]}, readThread)
	return first(all, err, "thread")
}

// Threads implements store.Statements.
func (t *txn) Threads(desk string, yield func(store.ThreadRow) bool) error {
	q := store.ThreadQuery{Desk: desk, Limit: firstPage, Look: firstPage}
	for {
		p, err := t.ListThreads(q)
		if err != nil {
			return err
		}
		for _, r := range p.Rows {
			if !yield(r) {
				return nil
			}
		}
		if !p.More {
			return nil
		}
		q.After, q.Limit = p.Next, min(4*q.Limit, maxPage)
		q.Look = q.Limit
	}
}

// Unlisted implements store.Statements.
func (t *txn) Unlisted(limit int) ([]thread.ID, error) {
	return list(t, `SELECT id FROM thread WHERE listed = 0 ORDER BY no LIMIT $1`, []any{limit}, func(scan func(...any) error, id *thread.ID) error { return scan(idInto(id)) })
}
