package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of looking for who recalled something.
const (
	maxRecalled     = 200_000         // statements that are remembered as recalled
	maxRecallScan   = 20_000          // recalls that are read when the first is asked for: of older ones a thread says nothing
	maxRecallsShown = 20              // of one thread
	recallSlack     = 5 * time.Minute // that a clock may be set back
)

// recalledIndex finds the recalls of a statement. It is made from the recalls that are here when somebody first asks, and follows what has been touched since, so that
// asking costs as much as has happened, and not as there is. It is safe for concurrent use.
type recalledIndex struct {
	mu    sync.Mutex
	since statement.Time               // what was touched before has been read; guarded by mu
	of    map[statement.ID][]thread.ID // guarded by mu
}

// follow reads what has been touched, and gives the recalls that name one of ids.
func (x *recalledIndex) follow(tx store.Tx, ids []statement.ID) (map[statement.ID][]thread.ID, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.of == nil {
		x.of = map[statement.ID][]thread.ID{}
	}
	scanned, newest := 0, x.since
	var bad error
	err := tx.Threads(string(recall.Kind), func(row store.ThreadRow) bool {
		if scanned++; scanned > maxRecallScan || !x.since.IsZero() && row.Updated.Before(x.since.Add(-recallSlack)) {
			return false
		}
		if newest.Before(row.Updated) {
			newest = row.Updated
		}
		if len(row.State) == 0 {
			return true
		}
		var s thread.State
		if s, bad = thread.ParseState(row.State); bad != nil {
			return false
		}
		r, ok := recall.Read(s)
		for _, id := range r.Of {
			if ok && (len(x.of) < maxRecalled || x.of[id] != nil) && !slices.Contains(x.of[id], r.ID) {
				x.of[id] = append(x.of[id], r.ID)
			}
		}
		return true
	})
	if err = firstError(bad, err); err != nil {
		return nil, err
	}
	x.since = newest
	out := map[statement.ID][]thread.ID{}
	for _, id := range ids {
		if in := x.of[id]; len(in) > 0 {
			out[id] = slices.Clone(in)
		}
	}
	return out, nil
}

// RecallsOf finds the recalls that name statements, each with the answers for that statement alone, as far as whoever ctx is of may see them. Of what nobody recalled
// there is no entry.
func (n *Node) RecallsOf(ctx context.Context, ids []statement.ID) (map[statement.ID][]RecallView, error) {
	// spec: RCL-6
	out := map[statement.ID][]RecallView{}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		clear(out)
		found, err := n.recalls.follow(tx, ids)
		if err != nil || len(found) == 0 {
			return err
		}
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		sees, err := n.sight(ctx, tx, "")
		if err != nil {
			return err
		}
		look, shown := &seen{n: n, tx: tx, sees: sees}, 0
		for _, id := range ids {
			for _, in := range found[id] {
				if shown++; shown > maxRecallsShown {
					return nil
				}
				v, ok, err := n.recallOfOne(look, in, id)
				if err != nil {
					return err
				}
				if ok {
					out[id] = append(out[id], v)
				}
			}
		}
		return nil
	})
	return out, err
}

// recallOfOne is what a recall says of one statement; false where whoever asks may not see it, or it is not here.
func (n *Node) recallOfOne(look *seen, in thread.ID, id statement.ID) (RecallView, bool, error) {
	may, err := look.may(in)
	if err != nil || !may {
		return RecallView{}, false, err
	}
	row, err := look.tx.Thread(in)
	if fault.CodeOf(err) == fault.NotFound {
		return RecallView{}, false, nil
	}
	if err != nil {
		return RecallView{}, false, err
	}
	v, ok, err := n.viewRecall(look.tx, row)
	v.Lines = slices.DeleteFunc(v.Lines, func(l RecallLine) bool { return l.Statement != id })
	return v, ok, err
}
