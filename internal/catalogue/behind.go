package catalogue

import (
	"context"
	"time"

	"github.com/comity-exchange/comity/internal/store"
)

// Lag is how far a feed is behind what is here.
type Lag struct {
	Parcels int64     // that it was not looked through for yet; an upper bound
	Since   time.Time // when the first of them came; zero where there is none
}

// Behind tells how far a feed that this party offers is behind what is here. What was looked through without finding anything for it counts as done, as far as this process knows.
func (c *Catalogue) Behind(ctx context.Context, f Feed) (lag Lag, err error) {
	from := f.View.Through
	if f.View.Fresh {
		if from, err = c.throughOf(ctx, f); err != nil {
			return lag, err
		}
	}
	from = c.idle.behind(f, from)
	err = c.Store.View(ctx, func(tx store.Tx) error {
		lag = Lag{}
		next, err := tx.Parcels(store.ParcelQuery{After: from, Limit: 1})
		if err != nil || len(next) == 0 {
			return err
		}
		last, err := tx.LastParcel()
		lag = Lag{Parcels: last - next[0].No + 1, Since: time.UnixMicro(next[0].First).UTC()}
		return err
	})
	return lag, err
}
