package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

func contents(t *testing.T, open Opener) {
	s := fresh(t, open)
	ref := store.ContentRef{Statement: id(1), Part: store.BodyPart}
	text := []byte("what was asked for")
	in := func(f func(tx store.Tx) error) error { return s.Update(t.Context(), f) }
	read := func(ref store.ContentRef) (string, error) {
		var b bytes.Buffer
		err := s.View(t.Context(), func(tx store.Tx) error { return tx.Read(ref, &b) })
		return b.String(), err
	}
	have := func(want store.Content) {
		t.Helper()
		view(t, s, func(tx store.Tx) error { same(t, must[store.Content](t)(tx.Content(ref)), want); return nil })
	}
	is(t, in(func(tx store.Tx) error { return tx.Append(ref, 0, text) }), fault.NotFound)
	is(t, in(func(tx store.Tx) error { return tx.SetWhole(ref) }), fault.NotFound)
	is(t, in(func(tx store.Tx) error { return tx.Reset(ref) }), fault.NotFound)
	_, err := read(ref)
	is(t, err, fault.NotFound)

	c := store.Content{SHA256: statement.Sum(text), Size: int64(len(text))}
	is(t, in(func(tx store.Tx) error { return tx.PutContent(ref, c.SHA256, c.Size) }), "")
	have(c)
	is(t, in(func(tx store.Tx) error { return tx.Append(ref, 0, text[:5]) }), "")
	is(t, in(func(tx store.Tx) error { return tx.Append(ref, 0, text[:5]) }), fault.Exists)
	is(t, in(func(tx store.Tx) error { return tx.Append(ref, 6, text[6:]) }), fault.Exists)
	is(t, in(func(tx store.Tx) error { return tx.Append(ref, 5, text) }), fault.TooLarge)
	is(t, in(func(tx store.Tx) error { return tx.SetWhole(ref) }), fault.Internal)
	is(t, in(func(tx store.Tx) error { return tx.PutContent(ref, digest("other"), 1) }), "") // does nothing
	c.Arrived = 5
	have(c)
	is(t, in(func(tx store.Tx) error { return tx.Reset(ref) }), "")
	c.Arrived = 0
	have(c)
	is(t, in(func(tx store.Tx) error { return tx.Append(ref, 0, text) }), "")
	_, err = read(ref)
	is(t, err, fault.NotFound) // not whole
	is(t, in(func(tx store.Tx) error { return tx.SetWhole(ref) }), "")
	c.Arrived, c.Whole = c.Size, true
	have(c)
	got, err := read(ref)
	is(t, err, "")
	same(t, got, string(text))

	empty := store.ContentRef{Statement: id(1), Part: 0}
	is(t, in(func(tx store.Tx) error {
		return errors.Join(tx.PutContent(empty, statement.Sum(nil), 0), tx.Append(empty, 0, nil), tx.SetWhole(empty))
	}), "")
	got, err = read(empty)
	is(t, err, "")
	same(t, got, "")
	view(t, s, func(tx store.Tx) error {
		same(t, must[[]store.ContentRef](t)(tx.FindContent(c.SHA256)), []store.ContentRef{ref})
		same(t, len(must[[]store.ContentRef](t)(tx.FindContent(digest("other")))), 0)
		return nil
	})
}

func largeContent(t *testing.T, open Opener) {
	s := fresh(t, open)
	blob := make([]byte, 1<<20+12345)
	rand.Read(blob)
	ref := store.ContentRef{Statement: id(1), Part: 200}
	update(t, s, func(tx store.Tx) error { return tx.PutContent(ref, statement.Sum(blob), int64(len(blob))) })
	for at := 0; at < len(blob); {
		n := min(300_001, len(blob)-at)
		update(t, s, func(tx store.Tx) error { return tx.Append(ref, int64(at), blob[at:at+n]) })
		at += n
	}
	update(t, s, func(tx store.Tx) error { return tx.SetWhole(ref) })
	view(t, s, func(tx store.Tx) error {
		var b bytes.Buffer
		is(t, tx.Read(ref, &b), "")
		if !bytes.Equal(b.Bytes(), blob) {
			t.Error("other bytes came back")
		}
		stop := errors.New("the reader left")
		if err := tx.Read(ref, failing{stop}); err != stop {
			t.Errorf("the writer's error came back as %v", err)
		}
		is(t, tx.Read(ref, &b), "") // and the transaction lives
		return nil
	})
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// erase: a tombstone stays, and nothing comes back (STM-7).
func erase(t *testing.T, open Opener) {
	// spec: STM-7
	s := fresh(t, open)
	text := []byte("personal data")
	here := store.ContentRef{Statement: id(1), Part: store.BodyPart}
	half := store.ContentRef{Statement: id(1), Part: 0}
	never := store.ContentRef{Statement: id(2), Part: store.BodyPart}
	update(t, s, func(tx store.Tx) error {
		return errors.Join(
			tx.PutContent(here, statement.Sum(text), int64(len(text))), tx.Append(here, 0, text), tx.SetWhole(here),
			tx.PutContent(half, digest("half"), 100), tx.Append(half, 0, text),
		)
	})
	for range 2 { // again does no harm
		update(t, s, func(tx store.Tx) error { return errors.Join(tx.Erase(here), tx.Erase(half), tx.Erase(never)) })
	}
	ctx := context.Background()
	for _, ref := range []store.ContentRef{here, half, never} {
		is(t, s.Update(ctx, func(tx store.Tx) error { return tx.PutContent(ref, statement.Sum(text), int64(len(text))) }), "")
		is(t, s.Update(ctx, func(tx store.Tx) error { return tx.Append(ref, 0, text) }), fault.Exists)
		is(t, s.Update(ctx, func(tx store.Tx) error { return tx.SetWhole(ref) }), fault.Exists)
		is(t, s.Update(ctx, func(tx store.Tx) error { return tx.Reset(ref) }), "")
		view(t, s, func(tx store.Tx) error {
			is(t, tx.Read(ref, &bytes.Buffer{}), fault.Withheld)
			c := must[store.Content](t)(tx.Content(ref))
			same(t, []any{c.Erased, c.Whole, c.Arrived}, []any{true, false, int64(0)})
			return nil
		})
	}
	view(t, s, func(tx store.Tx) error {
		same(t, len(all(t, tx.EachErased)), 3)
		same(t, len(must[[]store.ContentRef](t)(tx.FindContent(statement.Sum(text)))), 2) // here, and never: it learned its digest
		return nil
	})
}
