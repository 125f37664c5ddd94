package exchange_test

import (
	"context"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
)

// late is a store whose next commit is not answered, and comes about or fails only when somebody else wants to write: so a server does that has a commit in hand whose
// client has gone.
type late struct {
	store.Store
	armed   bool // owned by the exchange's writer
	fails   bool
	release chan struct{} // nil: nothing is under way
	ended   chan error
}

var errUnknown = fault.New(fault.Unavailable, "", "the database did not answer: commit, outcome unknown")

func (l *late) Update(ctx context.Context, f func(tx store.Tx) error) error {
	if l.release != nil {
		close(l.release)
		l.release = nil
	}
	if !l.armed {
		return l.Store.Update(ctx, f)
	}
	l.armed, l.release, l.ended = false, make(chan struct{}), make(chan error, 1)
	release, written := l.release, make(chan struct{})
	go func() {
		l.ended <- l.Store.Update(ctx, func(tx store.Tx) error {
			err := f(tx)
			close(written)
			<-release
			if l.fails {
				return errBroken
			}
			return err
		})
	}()
	<-written
	return errUnknown
}

// A commit that nobody answered is looked for when it has come about or failed for good, not while it may still come: else what is then said again is said twice.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := &late{Store: b.store.Store}
	b.store.Store = l
	for _, fails := range []bool{false, true, false} {
		before := b.whole()
		l.armed, l.fails = true, fails
		said, err := b.say(t.Context(), "XB")
		if e := <-l.ended; (e != nil) != fails {
			t.Fatal(e)
		}
		want := before
		switch {
		case !fails && (err != nil || said.Index != before):
			t.Errorf("it was written, and the caller is told %v, %d", err, said.Index)
		case fails && (fault.CodeOf(err) != fault.Unavailable || store.OutcomeUnknown(err)):
			t.Errorf("nothing was written, and the caller is told %v", err)
		}
		if !fails {
			want++
		}
		if n := b.whole(); n != want {
			t.Errorf("the log went from %d to %d", before, n)
		}
	}
	if said, err := b.say(t.Context(), "XB"); err != nil || said.Index != 2 {
		t.Errorf("the next one: %d, %v", said.Index, err)
	}
}
