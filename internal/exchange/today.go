package exchange

import (
	"sort"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// today counts, for each recipient of a head, the statements of its kind that its author has said to it under its agreement on the same day (UTC) before. The author
// counts what it has said, a recipient what has come: it can only have less, so what the author's node lets out, no recipient's turns away.
func (x *Exchange) today(tx store.Tx, h *statement.Head) (map[party.Code]int64, error) {
	// spec: DEC-9
	counts := map[party.Code]int64{}
	origin, end := h.Place.Origin, h.Place.Index
	if h.From == x.Self {
		origin, end = x.Journal.Origin(), translog.MaxSize
	}
	if origin == "" {
		return counts, nil
	}
	const day = 24 * 60 * 60 * 1000
	midnight := h.Time.Std().UnixMilli() / day * day
	first, err := since(tx, origin, midnight, end)
	if err != nil {
		return nil, err
	}
	var bad error
	err = tx.Scan(origin, "", first, func(s store.Statement) bool {
		if s.Index >= end {
			return false
		}
		if s.Kind != h.Kind || s.ID == h.ID {
			return true
		}
		var o *statement.Head
		if o, bad = statement.Reread(s.ID, s.Head); bad != nil {
			return false
		}
		if o.Agreement == nil || o.Agreement.ID != h.Agreement.ID || o.Time.Std().UnixMilli() < midnight {
			return true
		}
		for _, to := range h.To {
			if o.IsFor(to) {
				counts[to]++
			}
		}
		return true
	})
	if err == nil {
		err = bad
	}
	return counts, err
}

// since is the first leaf below end whose statement is not older than a moment, in milliseconds since 1970, as far as the statements are here: times of a log do not fall.
func since(tx store.Tx, origin party.Origin, moment, end int64) (int64, error) {
	var bad error
	at := sort.Search(int(end), func(i int) bool {
		if bad != nil {
			return true
		}
		_, next, err := tx.Neighbours(origin, int64(i)-1)
		if err != nil {
			bad = err
			return true
		}
		if len(next) == 0 {
			return true
		}
		h, err := statement.Reread(next[0].ID, next[0].Head)
		if err != nil {
			bad = err
			return true
		}
		return h.Time.Std().UnixMilli() >= moment
	})
	return int64(at), bad
}
