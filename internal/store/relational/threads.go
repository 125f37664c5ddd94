package relational

import (
	"bytes"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/thread"
)

const threadColumns = `id, desk, opened, updated, waiting, unread, summary, state`

func readThread(scan func(...any) error, r *store.ThreadRow) error {
	return scan(idInto(&r.ID), &r.Desk, timeInto(&r.Opened), timeInto(&r.Updated), &r.Waiting, &r.Unread, &r.Summary, &r.State)
}

// PutThread implements store.Statements.
func (t *txn) PutThread(r store.ThreadRow) error {
	_, err := t.exec(`INSERT INTO thread (`+threadColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET desk = excluded.desk, opened = excluded.opened, updated = excluded.updated,
		waiting = excluded.waiting, unread = excluded.unread, summary = excluded.summary, state = excluded.state`,
		r.ID[:], r.Desk, millis(r.Opened), millis(r.Updated), r.Waiting, r.Unread, full(r.Summary), full(r.State))
	return err
}

// Thread implements store.Statements.
func (t *txn) Thread(id thread.ID) (store.ThreadRow, error) {
	all, err := list(t, `SELECT `+threadColumns+` FROM thread WHERE id = $1`, []any{id[:]}, readThread)
	return first(all, err, "thread")
}

// Threads implements store.Statements. Those of all desks are merged from the lists of each.
func (t *txn) Threads(desk string, yield func(store.ThreadRow) bool) error {
	if desk != "" {
		q := newDeskList(desk)
		for {
			r, err := q.next(t)
			if err != nil || r == nil || !yield(*r) {
				return err
			}
		}
	}
	desks, err := t.desks()
	if err != nil {
		return err
	}
	heads := make([]*store.ThreadRow, len(desks)) // the next row of each; nil when there are no more
	for i, q := range desks {
		if heads[i], err = q.next(t); err != nil {
			return err
		}
	}
	for {
		best := -1
		for i, r := range heads {
			if r != nil && (best < 0 || laterThan(*r, *heads[best])) {
				best = i
			}
		}
		if best < 0 || !yield(*heads[best]) {
			return nil
		}
		if heads[best], err = desks[best].next(t); err != nil {
			return err
		}
	}
}

// laterThan orders threads as lists do: by time, then by id.
func laterThan(a, b store.ThreadRow) bool {
	if c := a.Updated.Compare(b.Updated); c != 0 {
		return c > 0
	}
	return bytes.Compare(a.ID[:], b.ID[:]) > 0
}

// desks finds the desks that have threads: one look each.
func (t *txn) desks() (all []*deskList, err error) {
	read := func(scan func(...any) error, d *string) error { return scan(d) }
	found, err := list(t, `SELECT desk FROM thread ORDER BY desk LIMIT 1`, nil, read)
	for err == nil && len(found) == 1 {
		all = append(all, newDeskList(found[0]))
		found, err = list(t, `SELECT desk FROM thread WHERE desk > $1 ORDER BY desk LIMIT 1`, []any{found[0]}, read)
	}
	return all, err
}

// deskList goes through the threads of one desk, the last updated first, page by page.
type deskList struct {
	desk    string
	updated int64 // of the last row of the page
	id      thread.ID
	page    []store.ThreadRow
	limit   int
	end     bool // the page is the last
}

func newDeskList(desk string) *deskList {
	const latest = 1 << 53 // after every time in milliseconds
	return &deskList{desk: desk, updated: latest, limit: firstPage}
}

// next is the next thread; nil after the last.
func (q *deskList) next(t *txn) (*store.ThreadRow, error) {
	if len(q.page) == 0 && !q.end {
		var err error
		q.page, err = list(t, `SELECT `+threadColumns+` FROM thread WHERE desk = $1 AND (updated, id) < ($2, $3)
			ORDER BY updated DESC, id DESC LIMIT $4`, []any{q.desk, q.updated, q.id[:], q.limit}, readThread)
		if err != nil {
			return nil, err
		}
		q.end, q.limit = len(q.page) < q.limit, min(4*q.limit, maxPage)
		if n := len(q.page); n > 0 {
			q.updated, q.id = millis(q.page[n-1].Updated), q.page[n-1].ID
		}
	}
	if len(q.page) == 0 {
		return nil, nil
	}
	r := q.page[0]
	q.page = q.page[1:]
	return &r, nil
}
