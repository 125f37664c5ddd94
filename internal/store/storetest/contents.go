package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

func contents(t *testing.T, open Opener) {
	s := fresh(t, open)
	putSamples(t, s, 3)
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
	blob, twin := store.ContentRef{Statement: id(1), Part: 1}, store.ContentRef{Statement: id(2), Part: statement.MaxBlobs - 1}
	is(t, in(func(tx store.Tx) error { // bodies are not blobs
		return errors.Join(tx.PutContent(twin, c.SHA256, c.Size), tx.PutContent(blob, c.SHA256, c.Size))
	}), "")
	view(t, s, func(tx store.Tx) error {
		same(t, must[[]store.ContentRef](t)(tx.FindBlobs(c.SHA256)), []store.ContentRef{blob, twin})
		same(t, len(must[[]store.ContentRef](t)(tx.FindBlobs(digest("other")))), 0)
		return nil
	})
	stranger := store.ContentRef{Statement: id(99), Part: store.BodyPart}
	is(t, in(func(tx store.Tx) error { return tx.PutContent(stranger, c.SHA256, c.Size) }), fault.NotFound)
	is(t, in(func(tx store.Tx) error { return tx.PutWhole(stranger, c.SHA256, text) }), fault.NotFound)
	for _, part := range []int{store.BodyPart - 1, statement.MaxBlobs} {
		none := store.ContentRef{Statement: id(1), Part: part}
		is(t, in(func(tx store.Tx) error { return tx.PutContent(none, c.SHA256, c.Size) }), fault.Internal)
		is(t, in(func(tx store.Tx) error { _, err := tx.Content(none); return err }), fault.NotFound)
	}
}

// whole: what is written at once is like what came in pieces.
func whole(t *testing.T, open Opener) {
	s := fresh(t, open)
	putSamples(t, s, 2)
	in := func(f func(tx store.Tx) error) error { return s.Update(t.Context(), f) }
	for part, size := range []int{0, 1, 600, 5000, 300_000, 1 << 20} {
		ref := store.ContentRef{Statement: id(1), Part: part}
		data := make([]byte, size)
		rand.Read(data)
		put := func(tx store.Tx) error { return tx.PutWhole(ref, statement.Sum(data), data) }
		if part%2 == 1 { // announced before, or not
			is(t, in(func(tx store.Tx) error { return tx.PutContent(ref, statement.Sum(data), int64(size)) }), "")
		}
		is(t, in(put), "")
		is(t, in(put), fault.Exists)
		is(t, in(func(tx store.Tx) error { return tx.Append(ref, int64(size), []byte("x")) }), fault.Exists)
		view(t, s, func(tx store.Tx) error {
			same(t, must[store.Content](t)(tx.Content(ref)),
				store.Content{SHA256: statement.Sum(data), Size: int64(size), Arrived: int64(size), Whole: true})
			var b bytes.Buffer
			is(t, tx.Read(ref, &b), "")
			if !bytes.Equal(b.Bytes(), data) {
				t.Errorf("%d bytes: others came back", size)
			}
			return nil
		})
		is(t, in(func(tx store.Tx) error { return tx.Reset(ref) }), "")
		is(t, in(func(tx store.Tx) error { return tx.Read(ref, io.Discard) }), fault.NotFound)
		is(t, in(put), "") // and again
		is(t, in(func(tx store.Tx) error { return tx.Erase(ref) }), "")
		is(t, in(put), fault.Exists) // spec: STM-7
		is(t, in(func(tx store.Tx) error { return tx.Read(ref, io.Discard) }), fault.Withheld)
	}
	half := store.ContentRef{Statement: id(1), Part: 100}
	is(t, in(func(tx store.Tx) error {
		return errors.Join(tx.PutContent(half, digest("half"), 10), tx.Append(half, 0, []byte("x")))
	}), "")
	is(t, in(func(tx store.Tx) error { return tx.PutWhole(half, digest("half"), make([]byte, 10)) }), fault.Exists)
	// What is undone leaves nothing that stands in the way.
	ref := store.ContentRef{Statement: id(0), Part: store.BodyPart}
	stop := errors.New("no")
	is(t, in(func(tx store.Tx) error {
		err := s.Savepoint(tx, func() error {
			return errors.Join(tx.PutWhole(ref, digest("a"), []byte("undone")), tx.PutStatement(sample(5)), stop)
		})
		if !errors.Is(err, stop) {
			t.Errorf("%v", err)
		}
		is(t, tx.PutWhole(store.ContentRef{Statement: id(5), Part: store.BodyPart}, digest("b"), []byte("b")), fault.NotFound)
		return tx.PutWhole(ref, digest("a"), []byte("kept"))
	}), "")
	view(t, s, func(tx store.Tx) error {
		var b bytes.Buffer
		is(t, tx.Read(ref, &b), "")
		same(t, b.String(), "kept")
		return nil
	})
}

func largeContent(t *testing.T, open Opener) {
	s := fresh(t, open)
	blob := make([]byte, 1<<20+12345)
	rand.Read(blob)
	putSamples(t, s, 2)
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
	never := store.ContentRef{Statement: id(0), Part: store.BodyPart}
	putSamples(t, s, 2)
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
		same(t, must[store.Content](t)(tx.Content(never)).SHA256, statement.Sum(text)) // it learned its digest
		same(t, must[[]store.ContentRef](t)(tx.FindBlobs(digest("half"))), []store.ContentRef{half})
		return nil
	})
}

// eraseBefore: a tombstone waits for its statement.
func eraseBefore(t *testing.T, open Opener) {
	// spec: STM-7
	s := fresh(t, open)
	putSamples(t, s, 2)
	body := store.ContentRef{Statement: id(7), Part: store.BodyPart}
	blob := store.ContentRef{Statement: id(7), Part: 3}
	other := store.ContentRef{Statement: id(8), Part: store.BodyPart}
	check := func(erased ...store.ContentRef) {
		t.Helper()
		view(t, s, func(tx store.Tx) error {
			for _, ref := range erased {
				same(t, must[store.Content](t)(tx.Content(ref)).Erased, true)
				is(t, tx.Read(ref, io.Discard), fault.Withheld)
			}
			_, err := tx.Content(store.ContentRef{Statement: id(7), Part: 4})
			is(t, err, fault.NotFound)
			same(t, len(all(t, tx.EachErased)), len(erased))
			return nil
		})
	}
	for range 2 {
		update(t, s, func(tx store.Tx) error { return errors.Join(tx.Erase(body), tx.Erase(blob)) })
	}
	check(body, blob)
	update(t, s, func(tx store.Tx) error {
		is(t, tx.PutStatement(sample(5)), "")
		is(t, tx.Erase(other), "") // in a transaction that has seen that there are some
		is(t, tx.PutStatement(sample(8)), "")
		is(t, tx.PutWhole(other, digest("x"), []byte("x")), fault.Exists)
		is(t, tx.PutStatement(sample(7)), "")
		for _, ref := range []store.ContentRef{body, blob} {
			is(t, tx.PutWhole(ref, digest("x"), []byte("x")), fault.Exists)
			is(t, tx.PutContent(ref, digest("x"), 1), "")
			is(t, tx.Append(ref, 0, []byte("x")), fault.Exists)
		}
		return tx.PutWhole(store.ContentRef{Statement: id(7), Part: 2}, digest("y"), []byte("y"))
	})
	check(body, blob, other)
	view(t, s, func(tx store.Tx) error {
		seen := 0
		is(t, tx.EachErased(func(store.ContentRef) bool { seen++; return false }), "")
		same(t, seen, 1)
		return nil
	})
}
