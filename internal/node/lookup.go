package node

import (
	"context"
	"path/filepath"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// FindThread completes the beginning of an id as Find does, and gives the thread of the statement that it names.
func (n *Node) FindThread(ctx context.Context, prefix string) (thread.ID, error) {
	id, err := n.Find(ctx, prefix)
	if err != nil {
		return id, err
	}
	var s store.Statement
	err = n.Store.View(ctx, func(tx store.Tx) (err error) {
		s, err = tx.Statement(id)
		return err
	})
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return id, nil // a thread may be here whose opener is not: who asks next says so
	case err != nil:
		return statement.ID{}, err
	case s.Thread.IsZero():
		return statement.ID{}, fault.New(fault.Usage, "RCP-1", "%s is a receipt of delivery, which belongs to no thread", id.Short())
	}
	return s.Thread, nil
}

// Letter is one letter of credence that is kept here. Error: fault.NotFound.
func (n *Node) Letter(ctx context.Context, code party.Code, serial int) (*party.Letter, error) {
	var raw []byte
	err := n.Store.View(ctx, func(tx store.Tx) error {
		raw = nil
		return tx.EachLetter(func(row store.Letter) bool {
			if row.Code == code && row.Serial == serial {
				raw = row.Raw
			}
			return raw == nil
		})
	})
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, fault.New(fault.NotFound, "LTR-8", "there is no letter %d of %s here", serial, code)
	}
	return party.ParseLetter(raw)
}

// LetterFile is where the own letter lies in the folder, ready to be handed over.
func (n *Node) LetterFile() string { return filepath.Join(n.Dir, letterName) }

// Statement shows one statement by itself, without what others said of it.
func (n *Node) Statement(ctx context.Context, id statement.ID) (SaidView, error) {
	var v SaidView
	err := n.Store.View(ctx, func(tx store.Tx) error {
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		s, err := tx.Statement(id)
		if fault.CodeOf(err) == fault.NotFound {
			return fault.New(fault.NotFound, "STM-2", "there is no statement %s here", id.Short())
		}
		if err != nil {
			return err
		}
		v, err = n.viewSaid(tx, s, newEchoes())
		return err
	})
	return v, err
}

// Title is that of a thread, as far as it may be seen and is here; "" where not.
func (n *Node) Title(ctx context.Context, id thread.ID) (title string) {
	_ = n.Store.View(ctx, func(tx store.Tx) error {
		row, err := tx.Thread(id)
		if err != nil || n.mayLook(ctx, tx, auth.Read, auth.Matter{}) != nil {
			return err
		}
		v, err := n.viewThread(tx, row)
		title = v.Title
		return err
	}) // what cannot be found out has no title
	return title
}
