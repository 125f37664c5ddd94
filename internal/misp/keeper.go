package misp

import (
	"context"
	"maps"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/thread"
)

// keeper keeps the shelf up with the catalogue: it looks at every parcel once, when somebody asks first, and then follows the changes. It does so in the node's own time, so that nobody who leaves
// undoes what was done for them, and goes on where it was when something fails. Whoever reads has a shelf that nobody changes. It is safe for concurrent use.
type keeper struct {
	life     context.Context // in which it works
	from     *catalogue.Catalogue
	names    func(context.Context) (map[thread.ID]node.IntelView, error) // of sources, feeds and shares
	patience time.Duration
	now      atomic.Pointer[shelf] // nil until everything was looked at once
	work     round
	next     *draft // of the shelf that comes next; touched by the work under way alone
}

// current is the shelf as the catalogue is now. Where nothing has changed it is one small question. While the first look lasts whoever asks waits, and later, where more comes than is looked at in
// their patience, they have what there was. Error: fault.Unavailable.
func (k *keeper) current(ctx context.Context) (*shelf, error) {
	for range 2 {
		s := k.now.Load()
		if s != nil {
			changes, err := k.from.Changes(ctx, s.last)
			if err != nil || changes.Last == s.last {
				return s, err
			}
		}
		d, began := k.work.join(k.follow)
		if err := d.wait(ctx, k.patience); err != nil {
			if s != nil && ctx.Err() == nil && fault.CodeOf(err) == fault.Unavailable {
				return s, nil
			}
			return nil, err
		}
		if began {
			break
		}
	}
	return k.now.Load(), nil
}

// follow brings the shelf up to what the catalogue has.
func (k *keeper) follow() error {
	if k.next == nil {
		k.next = newDraft(k)
	}
	d := k.next
	if err := d.load(k.life); err != nil {
		return err
	}
	for {
		changes, err := k.from.Changes(k.life, d.last)
		if err != nil {
			return err
		}
		if err := d.learn(k.life, changes.Parcels); err != nil {
			return err
		}
		for _, no := range changes.Gone {
			d.drop(no)
		}
		for _, p := range changes.Parcels {
			if err := d.put(k.life, p); err != nil {
				return err
			}
		}
		d.last = changes.Last
		if s := k.now.Load(); s == nil || s.last != d.last {
			k.now.Store(d.publish())
		}
		if !changes.More {
			return nil
		}
	}
}

// publish gives out what the draft has come to. What of it changes later is copied first.
func (d *draft) publish() *shelf {
	for no := range d.own {
		if r := d.rows[no]; r != nil {
			r.finish(d.titles[r.Thread])
		}
	}
	clear(d.own)
	return &shelf{last: d.last, rows: maps.Clone(d.rows), events: maps.Clone(d.events), seen: maps.Clone(d.seen)}
}

func newDraft(k *keeper) *draft {
	return &draft{
		from: k.from, names: k.names, own: map[int64]bool{}, late: map[int64]*row{}, titles: map[thread.ID]node.IntelView{},
		shelf: shelf{rows: map[int64]*row{}, events: map[string][]carried{}, seen: map[string][]sighted{}},
	}
}
