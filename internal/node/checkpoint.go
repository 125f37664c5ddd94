package node

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
)

// Checkpoint is the newest checkpoint of the own log, with every cosignature that is known here. Error: fault.NotFound while nothing was said.
func (n *Node) Checkpoint(ctx context.Context) (cp store.Checkpoint, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) (err error) {
		cp, err = tx.Newest(n.Journal.Origin())
		return err
	})
	if fault.CodeOf(err) == fault.NotFound {
		return cp, fault.New(fault.NotFound, "LOG-3", "the log is empty: nothing was said yet")
	}
	return cp, err
}
