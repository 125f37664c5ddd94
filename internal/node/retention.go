package node

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// noteLately names what the store notes of what was erased last: a list of ErasedView without their threads.
const noteLately = "erased-lately"

// Bounds of a view of retention.
const (
	maxRetained = 50  // of each of its lists
	lookRecalls = 200 // recalls that are looked at for what is kept
)

// RetentionView is what is to go and when, what has gone, and what stays although somebody asked for it.
type RetentionView struct {
	Due      []DueView      `json:"due"` // what is due first stands first
	MoreDue  bool           `json:"more_due"`
	Erased   []ErasedView   `json:"erased"` // the last first
	Held     []HeldView     `json:"held"`   // the recall touched last first
	Looked   statement.Time `json:"looked,omitzero"`
	ByItself bool           `json:"by_itself"` // what is recalled is erased without an officer
	Traces   bool           `json:"traces"`    // what was erased is still to be overwritten in the store's files
	Aside    []string       `json:"aside"`     // stores that a restore has set aside, in which nothing is erased
}

// DueView is a statement whose content has a date.
type DueView struct {
	Statement statement.ID   `json:"statement"`
	Thread    thread.ID      `json:"thread"`
	Kind      statement.Kind `json:"kind"`
	From      party.Code     `json:"from"`
	At        statement.Time `json:"at"`
	Agreement agreement.ID   `json:"agreement,omitzero"` // that says so; absent: its marking does
	Article   string         `json:"article,omitzero"`
}

// ErasedView is a statement whose content was erased.
type ErasedView struct {
	Statement statement.ID   `json:"statement"`
	At        statement.Time `json:"at"`
	Way       string         `json:"way"`             // "recall", "retention" or "officer"
	Thread    thread.ID      `json:"thread,omitzero"` // absent where it is not known any more
}

// HeldView is a statement that somebody recalled and this party has not erased.
type HeldView struct {
	Statement statement.ID   `json:"statement"`
	Recall    thread.ID      `json:"recall"`
	By        party.Code     `json:"by"`              // who recalls it
	Ground    recall.Ground  `json:"ground,omitzero"` // on which it is kept; absent: nobody has answered yet
	At        statement.Time `json:"at,omitzero"`     // when that was said
}

// Retention shows it, as far as whoever ctx is of may see the threads. It looks at a bounded number of rows, however much there is. Error: fault.Denied.
func (n *Node) Retention(ctx context.Context) (RetentionView, error) {
	// spec: RET-1, RCL-3
	v := RetentionView{ByItself: n.Config.OnRecall == config.RecallErase, Aside: n.setAsides()}
	if v.Aside == nil {
		v.Aside = []string{}
	}
	last, err := n.lastTended(ctx)
	if err != nil {
		return v, err
	}
	v.Looked = last.At
	err = n.Store.View(ctx, func(tx store.Tx) error {
		v.Due, v.Erased, v.Held, v.MoreDue = []DueView{}, []ErasedView{}, []HeldView{}, false
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		sees, err := n.sight(ctx, tx, "")
		if err != nil {
			return err
		}
		owed, err := tx.Meta(exchange.NoteUnscrubbed)
		if err != nil {
			return err
		}
		v.Traces = owed != ""
		seen := &seen{n: n, tx: tx, sees: sees}
		if err := n.dueOf(seen, &v); err != nil {
			return err
		}
		if err := n.latelyOf(seen, &v); err != nil {
			return err
		}
		return n.heldOf(seen, &v)
	})
	return v, err
}

// seen tells of threads whether whoever asks may see them.
type seen struct {
	n    *Node
	tx   store.Tx
	sees func(ThreadView) bool
}

// may tells whether whoever asks may see a thread. One whose state is not here yet may be seen where no rule tells one thread from another.
func (s *seen) may(id thread.ID) (bool, error) {
	if !s.n.office.Rules.Restricted() {
		return true, nil
	}
	row, err := s.tx.Thread(id)
	if fault.CodeOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	v, err := s.n.viewThread(s.tx, row)
	return err == nil && s.sees(v), err
}

// dueOf lists what has a date.
func (n *Node) dueOf(s *seen, v *RetentionView) error {
	due, err := s.tx.Due(statement.TimeOf(farFuture()), maxRetained+1)
	if err != nil {
		return err
	}
	v.MoreDue = len(due) > maxRetained
	for _, d := range due[:min(len(due), maxRetained)] {
		h, err := headOf(s.tx, d.Statement)
		if err != nil {
			return err
		}
		may, err := s.may(h.ThreadID())
		if err != nil {
			return err
		}
		if !may {
			continue
		}
		r, err := n.Exchange.Retained(s.tx, h)
		if err != nil {
			return err
		}
		v.Due = append(v.Due, DueView{Statement: h.ID, Thread: h.ThreadID(), Kind: h.Kind, From: h.From, At: d.At, Agreement: r.Agreement, Article: r.Article})
	}
	return nil
}

// latelyOf lists what was erased last.
func (n *Node) latelyOf(s *seen, v *RetentionView) error {
	all, err := erasedLately(s.tx)
	if err != nil {
		return err
	}
	for _, e := range all {
		h, err := headOf(s.tx, e.Statement)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return err
		}
		if err == nil {
			e.Thread = h.ThreadID()
			may, err := s.may(e.Thread)
			if err != nil {
				return err
			}
			if !may {
				continue
			}
		}
		v.Erased = append(v.Erased, e)
	}
	return nil
}

// heldOf lists what others have recalled and this party has not erased.
func (n *Node) heldOf(s *seen, v *RetentionView) error {
	looked := 0
	var rows []store.ThreadRow
	if err := s.tx.Threads(string(recall.Kind), func(row store.ThreadRow) bool {
		rows = append(rows, row)
		looked++
		return looked < lookRecalls
	}); err != nil {
		return err
	}
	for _, row := range rows {
		if len(row.State) == 0 || len(v.Held) >= maxRetained {
			continue
		}
		state, err := thread.ParseState(row.State)
		if err != nil {
			return err
		}
		r, ok := recall.Read(state)
		if !ok || r.By == n.Config.Code {
			continue
		}
		may, err := s.may(row.ID)
		if err != nil {
			return err
		}
		for _, l := range r.Lines {
			if may && l.Party == n.Config.Code && l.Outcome != recall.Erased && len(v.Held) < maxRetained {
				v.Held = append(v.Held, HeldView{Statement: l.Statement, Recall: row.ID, By: r.By, Ground: l.Ground, At: l.Time})
			}
		}
	}
	return nil
}

// farFuture is after every date.
func farFuture() time.Time { return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }

// noteErased notes what was erased, in a list that forgets what is old.
func (n *Node) noteErased(ctx context.Context, way string, ids []statement.ID) error {
	now := statement.TimeOf(n.Now())
	return n.Exchange.Update(ctx, func(tx store.Tx) error {
		all, err := erasedLately(tx)
		if err != nil {
			return err
		}
		var fresh []ErasedView
		for _, id := range slices.Backward(ids) {
			if len(fresh) < maxRetained {
				fresh = append(fresh, ErasedView{Statement: id, At: now, Way: way})
			}
		}
		all = append(fresh, all...)
		raw, err := marshal(all[:min(len(all), maxRetained)])
		if err != nil {
			return err
		}
		return tx.SetMeta(noteLately, string(raw))
	})
}

func erasedLately(tx store.Tx) (all []ErasedView, err error) {
	raw, err := tx.Meta(noteLately)
	if err != nil || raw == "" || json.Unmarshal([]byte(raw), &all) != nil { // another program's: as if nothing had been erased yet
		return nil, err
	}
	return all, nil
}
