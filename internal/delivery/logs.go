package delivery

import (
	"context"
	"net/http"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// logs lists the own logs, the oldest first, the open one last.
func (c *Courier) logs() []party.Origin { return append(slices.Clone(c.Former), c.Origin) }

// ownLog is the own log that a request names; without a name, the open one.
func (c *Courier) ownLog(r *http.Request) (party.Origin, error) {
	origin := party.Origin(r.URL.Query().Get("origin"))
	if origin == "" {
		return c.Origin, nil
	}
	if !slices.Contains(c.logs(), origin) {
		return "", fault.New(fault.NotFound, "NET-10", "there is no such log here")
	}
	return origin, nil
}

// next packs from the oldest own log in which something waits for the peer; with only, from the log that these statements are in.
func (c *Courier) next(ctx context.Context, to party.Code, only []statement.ID, have map[statement.Digest]int64) (*parcel, error) {
	if only != nil {
		return c.pack(ctx, to, c.logOf(ctx, only), only, have)
	}
	var p *parcel
	for _, origin := range c.logs() {
		q, err := c.pack(ctx, to, origin, nil, have)
		if fault.CodeOf(err) == fault.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if p = q; !p.empty() {
			return p, nil
		}
	}
	if p == nil {
		return nil, fault.New(fault.NotFound, "", "nothing was ever said")
	}
	return p, nil
}

// logOf is the log that receipts are to be sent from: the open one if any of them is in it. What is in an older one then goes when it is asked for again.
func (c *Courier) logOf(ctx context.Context, ids []statement.ID) party.Origin {
	if len(c.Former) == 0 {
		return c.Origin
	}
	found := c.Origin
	err := c.Store.View(ctx, func(tx store.Tx) error {
		for _, id := range ids {
			s, err := tx.Statement(id)
			if err != nil {
				return err
			}
			if found = s.Origin; found == c.Origin {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return c.Origin
	}
	return found
}
