package node

import (
	"context"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Stretch is which part of a thread is shown: the last Limit statements, by arrival, that came before one of them.
type Stretch struct {
	Before statement.ID // zero: the newest
	Until  statement.ID // likewise, and this one too; one that is not of the thread counts for nothing
	Limit  int          // 0: PartSize. At most MaxPage
}

// PartSize is how many statements of a thread are shown at once where nothing else is asked for.
const PartSize = 50

// partEchoes is how many statements after a part are looked through for receipts of what is in it. A receipt that came later than that stands with itself alone.
const partEchoes = 300

// Part is a thread with some of what was said in it. It costs the same however long the thread is.
type Part struct {
	ThreadView
	Opener  *SaidView    `json:"opener,omitempty" doc:"the statement that opened the thread, while it is here"`
	Said    []SaidView   `json:"said" doc:"in the order in which it arrived; the newest alone, where before does not ask for others"`
	Earlier statement.ID `json:"earlier,omitzero" doc:"what to ask for with before; absent: nothing came earlier"`
	Newest  bool         `json:"newest" doc:"nothing came later"`
}

// OpenedView is that an officer of a recipient has opened a statement.
type OpenedView struct {
	By party.Code     `json:"by"`
	At statement.Time `json:"at"`
}

// echoes are what receipts in a thread say of other statements of it.
type echoes struct {
	refused map[statement.ID][]RefusedView
	opened  map[statement.ID][]OpenedView
}

func newEchoes() *echoes {
	return &echoes{map[statement.ID][]RefusedView{}, map[statement.ID][]OpenedView{}}
}

// hear notes what a receipt says; any other statement says nothing of others. Whoever opens something twice has opened it the first time.
func (e *echoes) hear(s store.Statement, h *statement.Head) {
	switch h.Kind {
	case thread.KindRefused:
		if f, err := thread.Facts[thread.Refused](h); err == nil {
			e.refused[f.ID] = append(e.refused[f.ID], RefusedView{h.From, f.Clause, f.Reason, f.Articles})
		}
	case thread.KindRetrieved:
		f, err := thread.Facts[thread.Retrieved](h)
		if err != nil || s.Void != "" {
			return
		}
		for _, id := range f.IDs {
			if !slices.ContainsFunc(e.opened[id], func(o OpenedView) bool { return o.By == h.From }) {
				e.opened[id] = append(e.opened[id], OpenedView{h.From, h.Time})
			}
		}
	}
}

// onto puts to each statement what was heard of it.
func (e *echoes) onto(said []SaidView) {
	for i := range said {
		said[i].Refused, said[i].Opened = e.refused[said[i].ID], e.opened[said[i].ID]
	}
}

// ThreadPart shows a part of a thread. Errors: fault.NotFound, for a place that is none of the thread's too; fault.Denied.
func (n *Node) ThreadPart(ctx context.Context, id thread.ID, at Stretch) (Part, error) {
	if at.Limit == 0 {
		at.Limit = PartSize
	}
	if at.Limit < 1 || at.Limit > MaxPage {
		return Part{}, fault.New(fault.Usage, "", "a part of a thread has 1 to %d statements", MaxPage)
	}
	var p Part
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		p = Part{Said: []SaidView{}}
		if p.ThreadView, err = n.lookAtThread(ctx, tx, id); err != nil {
			return err
		}
		rows, err := n.stretch(tx, id, at)
		if err != nil {
			return err
		}
		heard := newEchoes()
		for _, s := range rows {
			one, err := n.viewSaid(tx, s, heard)
			if err != nil {
				return err
			}
			p.Said = append(p.Said, one)
		}
		if err := n.around(tx, id, rows, heard, &p); err != nil {
			return err
		}
		heard.onto(p.Said)
		return nil
	})
	return p, err
}

// ThreadOf shows a thread without what was said in it.
func (n *Node) ThreadOf(ctx context.Context, id thread.ID) (v ThreadView, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		v, err = n.lookAtThread(ctx, tx, id)
		return err
	})
	return v, err
}

// lookAtThread views a thread for whoever ctx is of.
func (n *Node) lookAtThread(ctx context.Context, tx store.Tx, id thread.ID) (ThreadView, error) {
	row, err := tx.Thread(id)
	if fault.CodeOf(err) == fault.NotFound {
		return ThreadView{}, fault.New(fault.NotFound, "THR-1", "there is no thread %s here", id.Short())
	}
	if err != nil {
		return ThreadView{}, err
	}
	v, err := n.viewThread(tx, row)
	if err != nil {
		return v, err
	}
	return v, n.mayLook(ctx, tx, lookAt(v.Desk), matterOfThread(v))
}

// stretch reads the rows of a part.
func (n *Node) stretch(tx store.Tx, id thread.ID, at Stretch) (rows []store.Statement, err error) {
	if !at.Until.IsZero() {
		last, err := tx.Statement(at.Until)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return nil, err
		}
		if err == nil && last.Thread == id {
			rows, err = tx.HeadsBefore(id, last.ID, at.Limit-1)
			return append(rows, last), err
		}
	}
	return tx.HeadsBefore(id, at.Before, at.Limit)
}

// around finds what stands beside the rows of a part: the opener, whether there is more, and the receipts that came later.
func (n *Node) around(tx store.Tx, id thread.ID, rows []store.Statement, heard *echoes, p *Part) error {
	p.Newest = true
	if len(rows) == 0 {
		return nil
	}
	before, err := tx.HeadsBefore(id, rows[0].ID, 1)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		p.Earlier = rows[0].ID
	}
	if p.Newest, err = n.listen(tx, id, rows[len(rows)-1].ID, heard); err != nil {
		return err
	}
	opener, err := tx.Statement(id)
	if fault.CodeOf(err) == fault.NotFound {
		return nil // it has not come
	}
	if err != nil {
		return err
	}
	one, err := n.viewSaid(tx, opener, newEchoes())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(rows, func(s store.Statement) bool { return s.ID == id }) {
		heard = newEchoes()
		_, err = n.listen(tx, id, id, heard)
	}
	said := []SaidView{one}
	heard.onto(said)
	p.Opener = &said[0]
	return err
}

// listen hears the receipts that came after a statement of a thread; last tells that nothing did.
func (n *Node) listen(tx store.Tx, id thread.ID, after statement.ID, heard *echoes) (last bool, err error) {
	later, err := tx.HeadsAfter(id, after, partEchoes)
	if err != nil {
		return false, err
	}
	for _, s := range later {
		if s.Kind != thread.KindRefused && s.Kind != thread.KindRetrieved {
			continue
		}
		h, err := statement.Reread(s.ID, s.Head)
		if err != nil {
			return false, err
		}
		heard.hear(s, h)
	}
	return len(later) == 0, nil
}
