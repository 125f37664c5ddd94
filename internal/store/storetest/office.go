package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

func officers(t *testing.T, open Opener) {
	place := t.TempDir()
	s := opened(t, open, place)
	one := func(n int) store.Officer {
		return store.Officer{
			ID: fmt.Sprintf("officer-%03d", n), Name: fmt.Sprintf("Имя %d", n), Roles: []string{"analyst", "auditor"}[:n%3], Languages: []string{"en", "ru"}[n%2:],
			Record: id(n), Made: at(n), MadeBy: "officer-000", Changed: at(n + 1), ChangedBy: "officer-001", Disabled: n%2 == 0,
		}
	}
	const n = 40 // more than the first page
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			if err := tx.PutOfficer(one(n - 1 - i)); err != nil {
				return err
			}
		}
		return nil
	})
	want := make([]store.Officer, n)
	for i := range want {
		want[i] = one(i)
		if len(want[i].Roles) == 0 {
			want[i].Roles = nil
		}
	}
	changed := want[7]
	changed.Name, changed.Roles, changed.Languages, changed.Disabled, changed.Changed, changed.ChangedBy = "another name", []string{"administrator"}, nil, true, at(59), ""
	want[7] = changed
	update(t, s, func(tx store.Tx) error { return tx.PutOfficer(changed) })
	view(t, opened(t, open, place), func(tx store.Tx) error {
		same(t, all(t, tx.EachOfficer), want)
		same(t, must[store.Officer](t)(tx.Officer("officer-007")), changed)
		_, err := tx.Officer("officer-7")
		is(t, err, fault.NotFound)
		is(t, tx.PutOfficer(changed), fault.Internal) // a View
		return nil
	})
}

func tokens(t *testing.T, open Opener) {
	s := fresh(t, open)
	one := func(n int) store.Token {
		return store.Token{
			Hash: statement.Digest{byte(n), 1}, Officer: []string{"a", "b"}[n%2], Scopes: []string{"analyst", "duty-officer"}, Made: at(n), MadeBy: "c", Expires: at(n + 9),
		}
	}
	const n = 50
	var want, ofB []store.Token
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			if err := tx.PutToken(one(i)); err != nil {
				return err
			}
			if want = append(want, one(i)); i%2 == 1 {
				ofB = append(ofB, one(i))
			}
		}
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		each := func(officer string) []store.Token {
			return all(t, func(y func(store.Token) bool) error { return tx.EachToken(officer, y) })
		}
		same(t, each(""), want)
		same(t, each("b"), ofB)
		same(t, len(each("c")), 0)
		same(t, must[store.Token](t)(tx.Token(one(3).Hash)), one(3))
		_, err := tx.Token(statement.Digest{3, 2})
		is(t, err, fault.NotFound)
		return nil
	})
	used := one(3)
	used.LastUsed, used.Revoked, used.RevokedBy = at(20), at(30), "d"
	other := used
	other.Officer, other.Scopes, other.Expires, other.MadeBy = "d", nil, at(59), "e" // what a token stands for never changes
	update(t, s, func(tx store.Tx) error { return tx.PutToken(other) })
	view(t, s, func(tx store.Tx) error { same(t, must[store.Token](t)(tx.Token(used.Hash)), used); return nil })
}

func links(t *testing.T, open Opener) {
	s := fresh(t, open)
	link := store.Link{Hash: statement.Digest{7}, Officer: "a", Made: at(1), MadeBy: "b", Expires: at(2)}
	update(t, s, func(tx store.Tx) error {
		is(t, tx.DropLink(link.Hash), "")
		is(t, tx.PutLink(link), "")
		other := link
		other.Officer = "c"
		is(t, tx.PutLink(other), fault.Exists)
		return nil
	})
	each := func(tx store.Tx, officer string) []store.Link {
		return all(t, func(y func(store.Link) bool) error { return tx.EachLink(officer, y) })
	}
	view(t, s, func(tx store.Tx) error {
		same(t, must[store.Link](t)(tx.Link(link.Hash)), link)
		same(t, each(tx, ""), []store.Link{link})
		same(t, each(tx, "a"), []store.Link{link})
		same(t, len(each(tx, "b")), 0)
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.DropLink(link.Hash) })
	view(t, s, func(tx store.Tx) error {
		_, err := tx.Link(link.Hash)
		is(t, err, fault.NotFound)
		return nil
	})
}

func drafts(t *testing.T, open Opener) {
	s := fresh(t, open)
	one := func(n int) store.Draft {
		return store.Draft{
			ID: store.DraftID{byte(n)}, Author: "a", Status: "draft", Made: at(n), Changed: at(n),
			Content: bytes.Repeat(fmt.Appendf(nil, "draft %d;", n), 1+n*n*n*3), // the last is larger than what one row of a content holds
		}
	}
	const n = 24
	var want []store.Draft
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			if err := tx.PutDraft(one(i)); err != nil {
				return err
			}
			want = append(want, one(i))
		}
		return nil
	})
	want[5].Status, want[5].Record, want[5].Changed, want[5].Content, want[5].Author = "submitted", id(5), at(40), []byte("other"), "b"
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.PutDraft(want[5]), tx.DropDraft(want[3].ID), tx.DropDraft(want[3].ID), tx.DropDraft(store.DraftID{200}))
	})
	dropped := want[3].ID
	want = append(want[:3], want[4:]...)
	view(t, s, func(tx store.Tx) error {
		same(t, all(t, tx.EachDraft), want)
		_, err := tx.Draft(dropped)
		is(t, err, fault.NotFound)
		same(t, must[store.Draft](t)(tx.Draft(want[4].ID)), want[4])
		return nil
	})
}

// savepointErase: what a savepoint undoes brings back keys too, of contents that were there before and of those that the transaction made itself.
func savepointErase(t *testing.T, open Opener) {
	s := fresh(t, open)
	putSamples(t, s, 4)
	ref := func(n int) store.ContentRef { return store.ContentRef{Statement: id(n), Part: store.BodyPart} }
	text := []byte("what stays")
	put := func(tx store.Tx, n int) error { return tx.PutWhole(ref(n), statement.Sum(text), text) }
	update(t, s, func(tx store.Tx) error { return errors.Join(put(tx, 0), put(tx, 1)) })
	stop := errors.New("no")
	update(t, s, func(tx store.Tx) error {
		is(t, errors.Join(put(tx, 2), put(tx, 3)), "")
		err := s.Savepoint(tx, func() error {
			return errors.Join(tx.Erase(ref(0)), tx.Erase(ref(2)), stop)
		})
		if !errors.Is(err, stop) {
			t.Error(err)
		}
		return errors.Join(tx.Erase(ref(1)), tx.Erase(ref(3))) // their neighbours are not touched
	})
	view(t, s, func(tx store.Tx) error {
		for n, want := range []fault.Code{"", fault.Withheld, "", fault.Withheld} {
			var got bytes.Buffer
			is(t, tx.Read(ref(n), &got), want)
			if want == "" {
				same(t, got.String(), string(text))
			}
		}
		return nil
	})
}
