package watch

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
)

// Store gives a store whose transactions are timed; s itself where no metrics are kept.
func (w *Watch) Store(s store.Store) store.Store {
	if w.meters == nil {
		return s
	}
	return &timed{s, w.meters}
}

// timed is a store with a clock beside it. All but Update and View go straight through.
type timed struct {
	store.Store
	m *meters
}

// Update implements store.Store.
func (t *timed) Update(ctx context.Context, f func(tx store.Tx) error) error {
	began := time.Now()
	err := t.Store.Update(ctx, f)
	t.took("update", t.m.storeUpdate, began, err)
	return err
}

// View implements store.Store.
func (t *timed) View(ctx context.Context, f func(tx store.Tx) error) error {
	began := time.Now()
	err := t.Store.View(ctx, f)
	t.took("view", t.m.storeView, began, err)
	return err
}

func (t *timed) took(op string, times prometheus.Observer, began time.Time, err error) {
	times.Observe(seconds(time.Since(began)))
	// What the caller found out inside the transaction is no failure of the store.
	if code := fault.CodeOf(err); code == fault.Unavailable || code == fault.Internal {
		t.m.storeFailed.WithLabelValues(op, outcome(err)).Inc()
	}
}
