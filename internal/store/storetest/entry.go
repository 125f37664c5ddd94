package storetest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

func sessions(t *testing.T, open Opener) {
	s := fresh(t, open)
	one := func(n int) store.Session {
		return store.Session{Hash: statement.Digest{byte(n), 1}, Officer: []string{"a", "b"}[n%2], Way: "passkey", Made: at(n), Seen: at(n), Expires: at(n + 9)}
	}
	const n = 50
	var want, ofB []store.Session
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			if err := tx.PutSession(one(i)); err != nil {
				return err
			}
			if want = append(want, one(i)); i%2 == 1 {
				ofB = append(ofB, one(i))
			}
		}
		return nil
	})
	each := func(tx store.Tx, officer string) []store.Session {
		return all(t, func(y func(store.Session) bool) error { return tx.EachSession(officer, y) })
	}
	view(t, s, func(tx store.Tx) error {
		same(t, each(tx, ""), want)
		same(t, each(tx, "b"), ofB)
		same(t, len(each(tx, "c")), 0)
		_, err := tx.Session(statement.Digest{3, 2})
		is(t, err, fault.NotFound)
		return nil
	})
	seen := one(3)
	seen.Seen = at(20)
	other := seen
	other.Officer, other.Way, other.Made, other.Expires = "d", "link", at(50), at(59) // what a session is never changes
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.PutSession(other), tx.DropSession(one(4).Hash), tx.DropSession(one(4).Hash))
	})
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Session](t)(tx.Session(seen.Hash)), seen)
		_, err := tx.Session(one(4).Hash)
		is(t, err, fault.NotFound)
		same(t, len(each(tx, "")), n-1)
		return nil
	})
}

func passkeys(t *testing.T, open Opener) {
	place := t.TempDir()
	s := opened(t, open, place)
	one := func(n int) store.Passkey {
		return store.Passkey{
			ID: bytes.Repeat([]byte{byte(n + 1)}, 1+n), Officer: []string{"a", "b"}[n%2], Name: "синий ключ", Record: []byte{1, byte(n)}, Made: at(n), LastUsed: at(n), Count: int64(n),
		}
	}
	const n = 40 // more than the first page
	var want, ofB []store.Passkey
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			if err := tx.PutPasskey(one(i)); err != nil {
				return err
			}
			if want = append(want, one(i)); i%2 == 1 {
				ofB = append(ofB, one(i))
			}
		}
		return nil
	})
	each := func(tx store.Tx, officer string) []store.Passkey {
		return all(t, func(y func(store.Passkey) bool) error { return tx.EachPasskey(officer, y) })
	}
	view(t, opened(t, open, place), func(tx store.Tx) error {
		same(t, each(tx, ""), want)
		same(t, each(tx, "b"), ofB)
		same(t, len(each(tx, "c")), 0)
		_, err := tx.Passkey([]byte{1, 1})
		is(t, err, fault.NotFound)
		_, err = tx.Passkey(nil)
		is(t, err, fault.NotFound)
		return nil
	})
	used := one(3)
	used.LastUsed, used.Count = at(50), 1<<32-1
	other := used
	other.Officer, other.Name, other.Record, other.Made = "d", "another", []byte{9}, at(59) // what a passkey is never changes
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.PutPasskey(other), tx.DropPasskey(one(4).ID), tx.DropPasskey(one(4).ID))
	})
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Passkey](t)(tx.Passkey(used.ID)), used)
		_, err := tx.Passkey(one(4).ID)
		is(t, err, fault.NotFound)
		same(t, len(each(tx, "")), n-1)
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.PutPasskey(one(4)) }) // it may come back
	view(t, s, func(tx store.Tx) error { same(t, must[store.Passkey](t)(tx.Passkey(one(4).ID)), one(4)); return nil })
}

func identities(t *testing.T, open Opener) {
	s := fresh(t, open)
	a := store.Identity{Hash: statement.Digest{7}, Officer: "a", Issuer: "https://id.xa.example", Made: at(1), MadeBy: "b"}
	b := store.Identity{Hash: statement.Digest{8}, Officer: "b", Issuer: "https://id.xa.example", Made: at(2)}
	update(t, s, func(tx store.Tx) error {
		is(t, errors.Join(tx.DropIdentity(a.Hash), tx.PutIdentity(a), tx.PutIdentity(b)), "")
		other := a
		other.Officer = "c"
		is(t, tx.PutIdentity(other), fault.Exists)
		return nil
	})
	each := func(tx store.Tx, officer string) []store.Identity {
		return all(t, func(y func(store.Identity) bool) error { return tx.EachIdentity(officer, y) })
	}
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Identity](t)(tx.Identity(a.Hash)), a)
		same(t, each(tx, ""), []store.Identity{a, b})
		same(t, each(tx, "b"), []store.Identity{b})
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.DropIdentity(a.Hash) })
	view(t, s, func(tx store.Tx) error {
		_, err := tx.Identity(a.Hash)
		is(t, err, fault.NotFound)
		return nil
	})
}

func spent(t *testing.T, open Opener) {
	s := fresh(t, open)
	one, other := statement.Digest{1}, statement.Digest{2}
	update(t, s, func(tx store.Tx) error {
		is(t, errors.Join(tx.Spend(one, at(5)), tx.Spend(other, at(6))), "")
		is(t, tx.Spend(one, at(9)), fault.Exists)
		return nil
	})
	update(t, s, func(tx store.Tx) error {
		is(t, tx.Spend(one, at(5)), fault.Exists)
		is(t, tx.DropSpent(at(5)), "")
		is(t, tx.Spend(one, at(5)), "")
		is(t, tx.Spend(other, at(6)), fault.Exists)
		return nil
	})
}
