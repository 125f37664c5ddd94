package delivery

import (
	"context"
	"strconv"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/translog"
)

// maxViews is how many views of one log are settled in a round.
const maxViews = 16

// settleViews asks a peer to prove checkpoints of its log that third parties showed and that are not known to be consistent with what it showed here.
func (c *Courier) settleViews(ctx context.Context, code party.Code, letter *party.Letter, l *line) error {
	// spec: LOG-8, LOG-9
	open, newest, err := c.openViews(ctx, letter.Origin)
	if err != nil {
		return err
	}
	prove := c.prover(letter, l)
	for _, cp := range open {
		proof, err := prove(ctx, letter.Origin, cp.Size, newest.Size)
		if err == nil {
			err = translog.CheckConsistency(proof, cp.Size, newest.Size, cp.Root, newest.Root)
		} else if code := fault.CodeOf(err); code != fault.Malformed && code != fault.NotFound {
			return err
		}
		if err != nil {
			return fault.Wrap(err, fault.Fork, "LOG-9", "%s cannot show that its log, as others saw it, is the one that it shows here", code)
		}
		if err := c.settleView(ctx, cp, newest, proof); err != nil {
			return err
		}
	}
	return nil
}

// openViews lists the views of a log that can be settled now, with what they are held against. Where none are left, nothing is looked through next time.
func (c *Courier) openViews(ctx context.Context, origin party.Origin) (open []store.Checkpoint, newest translog.Tree, err error) {
	var noted string
	least := int64(0) // the smallest that is open, whether it can be settled now or not
	err = c.Store.View(ctx, func(tx store.Tx) (err error) {
		open, least = nil, 0
		if noted, err = tx.Meta(exchange.ViewKey(origin)); err != nil || noted == "" {
			return err
		}
		if newest, err = journal.Newest(tx, origin); err != nil {
			return err
		}
		from, err := strconv.ParseInt(noted, 10, 64)
		if err != nil {
			from = 0
		}
		return tx.Checkpoints(origin, from, func(cp store.Checkpoint) bool {
			if cp.Proven {
				return true
			}
			if least == 0 {
				least = cp.Size
			}
			if cp.Size <= newest.Size {
				open = append(open, cp)
			}
			return len(open) < maxViews
		})
	})
	left := ""
	if least > 0 {
		left = strconv.FormatInt(least, 10)
	}
	if err != nil || noted == left {
		return open, newest, err
	}
	return open, newest, c.Exchange.Update(ctx, func(tx store.Tx) error {
		if now, err := tx.Meta(exchange.ViewKey(origin)); err != nil || now != noted {
			return err // another view has come meanwhile
		}
		return tx.SetMeta(exchange.ViewKey(origin), left)
	})
}

// settleView keeps a view of a log that its owner proved to be consistent.
func (c *Courier) settleView(ctx context.Context, cp store.Checkpoint, newest translog.Tree, proof []translog.Hash) error {
	return c.Exchange.Update(ctx, func(tx store.Tx) error {
		cp.Proven = true
		if err := tx.PutCheckpoint(cp); err != nil || cp.Size == newest.Size {
			return err
		}
		return tx.PutConsistency(store.Consistency{Origin: cp.Origin, From: cp.Size, To: newest.Size, Hashes: proof})
	})
}
