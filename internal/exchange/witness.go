package exchange

import (
	"bytes"
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
)

// Witnessed cosigns the newest checkpoint of a party's log if this node has not, and its interval has passed: so the last words before a silence
// are witnessed too. It reports whether it did.
func (x *Exchange) Witnessed(ctx context.Context, code party.Code) (did bool, err error) {
	// spec: LOG-11
	due := false
	err = x.Store.View(ctx, func(tx store.Tx) error {
		cp, err := x.uncosigned(tx, code)
		due = cp.Note != nil
		return err
	})
	if err != nil || !due {
		return false, err
	}
	err = x.Update(ctx, func(tx store.Tx) error {
		cp, err := x.uncosigned(tx, code)
		if err != nil || cp.Note == nil {
			return err
		}
		did, err = x.cosign(tx, cp)
		return err
	})
	return did, err
}

// cosign sets this node's signature under a checkpoint of another log, if it is time, and if the node may sign at all: one whose store may lack what it knew
// cannot tell what is consistent with that.
func (x *Exchange) cosign(tx store.Tx, cp store.Checkpoint) (bool, error) {
	// spec: LOG-12
	if x.Journal.Permitted(tx) != nil {
		return false, nil
	}
	return x.Witness.Cosign(tx, cp, x.Now())
}

// uncosigned is the newest checkpoint of a party's log; without a note when there is none or this node has cosigned it.
func (x *Exchange) uncosigned(tx store.Tx, code party.Code) (store.Checkpoint, error) {
	l, err := x.letter(tx, code)
	if err != nil {
		return store.Checkpoint{}, err
	}
	cp, err := tx.Newest(l.Origin)
	if fault.CodeOf(err) == fault.NotFound || err == nil && bytes.Contains(cp.Note, []byte("\u2014 "+x.Witness.Name+" ")) {
		return store.Checkpoint{}, nil
	}
	return cp, err
}
