package catalogue

import (
	"context"
	"sync"
	"time"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// Settled tells whether all that came with some statements has been looked at, and so can be fetched.
func (c *Catalogue) Settled(ctx context.Context, ids ...statement.ID) (settled bool, err error) {
	err = c.Store.View(ctx, func(tx store.Tx) error {
		settled = true
		for _, id := range ids {
			h, err := headOf(tx, id)
			if err != nil {
				return err
			}
			if h.Body == nil || h.Body.Blobs == 0 || !settled {
				continue
			}
			last := h.Body.Blobs - 1 // they are looked at in their order
			if settled, err = tx.LookedAt(store.ContentRef{Statement: id, Part: last}); err != nil {
				return err
			}
		}
		return nil
	})
	return settled, err
}

// Brief is an object by its name alone.
type Brief struct {
	ID      stix.ID
	Version stix.Timestamp // "" where it has none
}

// Brought lists the objects that came with some statements, at most limit of them. whole is false where there are more, or some are not here any more.
func (c *Catalogue) Brought(ctx context.Context, limit int, ids ...statement.ID) (all []Brief, whole bool, err error) {
	err = c.Store.View(ctx, func(tx store.Tx) error {
		all, whole = nil, true
		var parser stix.Parser
		for _, id := range ids {
			h, err := headOf(tx, id)
			if err != nil {
				return err
			}
			if h.Body == nil {
				continue
			}
			for part := range h.Body.Blobs {
				text, err := read(tx, store.ContentRef{Statement: id, Part: part})
				switch fault.CodeOf(err) {
				case "":
				case fault.Withheld, fault.NotFound, fault.TooLarge:
					whole = false
					continue
				default:
					return err
				}
				lines(text, func(n, _ int, line []byte) bool {
					o, err := parser.Parse(line)
					if whole = whole && err == nil && len(all) < limit && n < intel.MaxParcelObjects; whole {
						all = append(all, Brief{o.ID, o.Version()})
					}
					return whole
				})
			}
		}
		return nil
	})
	return all, whole, err
}

// arrivals are objects that come in now. They come before those that are indexed, but not for long: see Yield.
type arrivals struct {
	mu    sync.Mutex
	now   int       // guarded by mu
	last  time.Time // when one ended; guarded by mu
	since time.Time // when something was last indexed while others arrived; guarded by mu
}

// For how long what has arrived waits for what arrives, and when nothing does any more.
const (
	maxYield = 2 * time.Second
	calm     = 300 * time.Millisecond
)

// Arrives tells that objects come in, until done is called.
func (c *Catalogue) Arrives() (done func()) {
	a := &c.arrivals
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.now, a.last = a.now-1, c.Now()
	}
}

// Yield tells whoever would index that objects come in, which would have to wait for that, and that it can be left for a moment.
func (c *Catalogue) Yield() bool {
	a, now := &c.arrivals, c.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	within := func(t time.Time, d time.Duration) bool { return now.Sub(t) < d && !now.Before(t) }
	if (a.now > 0 || within(a.last, calm)) && within(a.since, maxYield) {
		return true
	}
	a.since = now
	return false
}
