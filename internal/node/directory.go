package node

import (
	"cmp"
	"context"
	"slices"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// ContactView is a point of contact of a party, as its letter of credence has it.
type ContactView struct {
	party.Contact
	Party     party.Code        `json:"party"`
	Names     map[string]string `json:"names"` // the party's
	Duty      party.Duty        `json:"duty"`  // what its hours say of now
	Confirmed statement.Time    `json:"confirmed,omitzero"`
	Issued    statement.Time    `json:"issued"` // when the party wrote it
	Own       bool              `json:"own"`
}

// Directory lists the points of contact of this party and of all whose letters are confirmed, by party and role. An entry was confirmed when its letter was.
func (n *Node) Directory(ctx context.Context) ([]ContactView, error) {
	// spec: LTR-1
	out := []ContactView{}
	now := n.Now()
	err := n.Store.View(ctx, func(tx store.Tx) error {
		out = out[:0]
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		var bad error
		err := tx.EachLetter(func(row store.Letter) bool {
			if row.Status != store.LetterConfirmed {
				return true
			}
			var l *party.Letter
			if l, bad = n.Exchange.Parsed(row); bad != nil {
				return false
			}
			for _, c := range l.Contacts {
				out = append(out, ContactView{
					Contact: c, Party: row.Code, Names: l.Names, Duty: party.DutyAt(c.Hours, now), Confirmed: row.ConfirmedAt, Issued: l.Issued, Own: row.Code == n.Config.Code,
				})
			}
			return true
		})
		return firstError(err, bad)
	})
	slices.SortStableFunc(out, func(a, b ContactView) int {
		return cmp.Or(cmp.Compare(a.Party, b.Party), cmp.Compare(a.Role, b.Role))
	})
	return out, err
}
