package soak

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// verified remembers which statements' bytes were read and found whole by this process: they are read once, not at each look.
type verified struct {
	mu  sync.Mutex
	ids map[statement.ID]bool // guarded by mu
}

// look reads a node's store in one transaction.
func look(ctx context.Context, n *node.Node, o *looking, done *verified) (*seen, error) {
	s := &seen{Waiting: map[party.Code]int{}}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		s.Rows, s.States, s.Forks = map[party.Origin][]row{}, map[thread.ID]folded{}, nil
		if err := tx.Forks(func(f store.Fork) bool { s.Forks = append(s.Forks, f.Origin); return true }); err != nil {
			return err
		}
		if err := s.log(tx, n.Journal.Origin()); err != nil {
			return err
		}
		for origin, from := range o.From {
			rows, err := rowsOf(tx, origin, from, done)
			if err != nil {
				return err
			}
			s.Rows[origin] = rows
		}
		for _, id := range s.threads(o.Threads) {
			t, err := tx.Thread(id)
			if fault.CodeOf(err) == fault.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			s.States[id] = folded{State: statement.Sum(t.State), Waiting: t.Waiting}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	queues, err := n.Courier.Queues(ctx)
	for _, q := range queues {
		s.Waiting[q.Peer] = q.Waiting
	}
	return s, err
}

// threads are those that were asked for, and those of all rows.
func (s *seen) threads(asked []thread.ID) []thread.ID {
	all := map[thread.ID]bool{}
	for _, id := range asked {
		all[id] = true
	}
	for _, rows := range s.Rows {
		for _, r := range rows {
			if h, err := statement.ParseHead(r.Head); err == nil {
				all[h.ThreadID()] = true
			}
		}
	}
	return slices.Collect(maps.Keys(all))
}

// log reads how long the own log is, and what it signs and holds.
func (s *seen) log(tx store.Tx, origin party.Origin) (err error) {
	if s.Size, err = tx.Length(origin); err != nil {
		return err
	}
	cp, err := tx.Newest(origin)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	root, err := translog.Root(cp.Size, journal.Tiles{Log: tx, Origin: origin})
	s.Note, s.Tiles = cp.Note, statement.Digest(root)
	return err
}

// rowsOf reads a log's statements from an index on.
func rowsOf(tx store.Tx, origin party.Origin, from int64, done *verified) (rows []row, err error) {
	var bad error
	err = tx.Scan(origin, "", from, func(s store.Statement) bool {
		r := row{Index: s.Index, ID: s.ID, Head: s.Head, Folded: s.Folded, Void: s.Void}
		if r.Content, bad = done.content(tx, s); bad != nil {
			return false
		}
		rows = append(rows, r)
		return true
	})
	if err == nil {
		err = bad
	}
	return rows, err
}

// content is contentOf, once for what is whole.
func (v *verified) content(tx store.Tx, s store.Statement) (content, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ids[s.ID] {
		return entire, nil
	}
	c, err := contentOf(tx, s)
	if v.ids == nil {
		v.ids = map[statement.ID]bool{}
	}
	if c == entire {
		v.ids[s.ID] = true
	}
	return c, err
}

// contentOf says how much of a statement's body and attachments is here, and whether the bytes are those that were named.
func contentOf(tx store.Tx, s store.Statement) (content, error) {
	h, err := statement.ParseHead(s.Head)
	if err != nil {
		return corrupt, nil
	}
	if h.Body == nil {
		return none, nil
	}
	raw, state, err := bytesOf(tx, store.ContentRef{Statement: s.ID, Part: store.BodyPart}, h.Body.SHA256)
	if err != nil || state != entire {
		return state, err
	}
	body, err := statement.ParseBody(raw)
	if err != nil {
		return corrupt, nil
	}
	for i, b := range body.Blobs {
		_, state, err := bytesOf(tx, store.ContentRef{Statement: s.ID, Part: i}, b.SHA256)
		switch {
		case err != nil || state == corrupt:
			return state, err
		case state != entire:
			return partial, nil
		}
	}
	return entire, nil
}

func bytesOf(tx store.Tx, ref store.ContentRef, want statement.Digest) ([]byte, content, error) {
	c, err := tx.Content(ref)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return nil, nothing, nil
	case err != nil:
		return nil, "", err
	case !c.Whole || c.Erased:
		return nil, nothing, nil
	}
	var b bytes.Buffer
	if err := tx.Read(ref, &b); err != nil {
		return nil, "", err
	}
	if statement.Sum(b.Bytes()) != want {
		return nil, corrupt, nil
	}
	return b.Bytes(), entire, nil
}
