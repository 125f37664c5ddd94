package node

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/transparency"
)

// Transparency counts this party's requests for the public, in whole periods that have ended.
func (n *Node) Transparency(ctx context.Context, from, to time.Time, by transparency.By) (*transparency.Report, error) {
	// spec: TRR-1
	if to.After(n.Now()) {
		return nil, fault.New(fault.Usage, "TRR-1", "a report counts months that have ended: %s has not", to.AddDate(0, -1, 0).UTC().Format("2006-01"))
	}
	in := transparency.Input{Party: n.Config.Code, From: from, To: to, By: by}
	views, err := n.Agreements(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(views, func(a, b AgreementView) int {
		return cmp.Or(a.InForce.Compare(b.InForce), statement.ID.Compare(a.ID, b.ID))
	})
	for _, v := range views {
		// One that was never in force, or is none of this party's, was never asked under.
		if !v.InForce.IsZero() && (slices.Contains(v.Parties, n.Config.Code) || slices.Contains(v.Parties, n.Config.Code.Principal())) {
			in.Agreements = append(in.Agreements, transparency.Agreement{ID: v.ID, Parties: v.Parties})
		}
	}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		in.Asks = nil
		return tx.Threads("", func(row store.ThreadRow) bool {
			var s thread.Summary
			if len(row.Summary) > 0 && json.Unmarshal(row.Summary, &s) == nil {
				in.Asks = append(in.Asks, s.Asks...)
			}
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	return transparency.Compute(in)
}
