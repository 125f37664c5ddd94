package soak

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// whole verifies all that stopped nodes have, from the beginning and in this process: every statement once, every log by the node's own check too, and
// each two parties' ledger, which both must compute to the same bytes.
func (w *war) whole(ctx context.Context) (err error) {
	nodes := make([]*node.Node, len(w.houses))
	defer func() {
		for _, n := range nodes {
			if n != nil {
				err = errors.Join(err, n.Close())
			}
		}
	}()
	all := w.account.again()
	sights := map[party.Code]*seen{}
	for i, h := range w.houses {
		for _, p := range slices.Backward(h.posts) { // the first one is looked at
			if nodes[i] != nil {
				if err = nodes[i].Close(); err != nil {
					return err
				}
			}
			if nodes[i], err = node.Open(ctx, p.dir, node.Options{}); err != nil {
				return broken(badLog, "%s cannot be opened: %v", h.code, err)
			}
		}
		if sights[h.code], err = look(ctx, nodes[i], all.ask(h), new(verified)); err != nil {
			return broken(badLog, "%s cannot say what it has: %v", h.code, err)
		}
	}
	open, err := all.take(sights)
	if err == nil && open != nil {
		err = open
	}
	if err == nil {
		err = w.account.compared(all)
	}
	if err != nil {
		return err
	}
	for i, h := range w.houses {
		report, err := nodes[i].VerifyLog(ctx)
		if err != nil || len(report.Problems) > 0 {
			return broken(badLog, "the log of %s does not verify: %s %v", h.code, strings.Join(report.Problems, "; "), err)
		}
	}
	return w.reckon(ctx, nodes)
}

// reckon has each two parties compute their ledger.
func (w *war) reckon(ctx context.Context, nodes []*node.Node) error {
	now := statement.TimeOf(time.Now())
	ledger := func(i, j int) ([]byte, error) {
		own, err := known(ctx, nodes[j], w.houses[i])
		if err != nil {
			return nil, err
		}
		theirs, err := known(ctx, nodes[i], w.houses[j])
		if err != nil {
			return nil, err
		}
		l, err := nodes[i].Ledger(ctx, node.Period{
			Peer: w.houses[j].code, From: now.Add(-24 * time.Hour), To: now.Add(time.Hour), OwnSize: own, PeerSize: theirs,
		})
		if err != nil {
			return nil, err
		}
		return l.Marshal(), nil
	}
	for i := range nodes {
		for j := range i {
			a, err := ledger(i, j)
			if err != nil {
				return err
			}
			b, err := ledger(j, i)
			if err != nil {
				return err
			}
			if !bytes.Equal(a, b) {
				return broken(parted, "%s and %s compute different ledgers", w.houses[i].code, w.houses[j].code)
			}
		}
	}
	return nil
}

// known is the size of a party's log that a node has accepted: the last leaves may be receipts that nobody missed, and so never went.
func known(ctx context.Context, at *node.Node, of *house) (size int64, err error) {
	err = at.Store.View(ctx, func(tx store.Tx) error {
		tree, err := journal.Newest(tx, of.letter.Origin)
		size = tree.Size
		return err
	})
	return size, err
}
