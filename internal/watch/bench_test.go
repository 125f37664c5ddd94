package watch

import (
	"context"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/store"
)

// bare is a store whose transactions cost nothing, so that what the clock beside it costs shows.
type bare struct{ store.Store }

func (bare) View(_ context.Context, f func(tx store.Tx) error) error { return f(nil) }

// BenchmarkTimedView is the cost of a view with a clock beside it, less than 1 µs above the bare one's.
func BenchmarkTimedView(b *testing.B) {
	ctx := context.Background()
	look := func(store.Tx) error { return nil }
	for name, s := range map[string]store.Store{"bare": bare{}, "timed": made(b, nil).Store(bare{})} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.View(ctx, look); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkObservers is what one statement and one packet cost their observers.
func BenchmarkObservers(b *testing.B) {
	w := made(b, nil)
	x, d := w.Exchange(), w.Delivery()
	ctx := context.Background()
	b.Run("statement", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, end := x.Step(ctx, "submit")
			x.Wrote(true, "assist.request")
			end(nil)
		}
	})
	b.Run("packet", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d.Packet(d.Named(ctx, "0123"), "XB", true, 1000, time.Millisecond, nil)
		}
	})
	b.Run("batch", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			x.Batch(512, one(ctx))(nil)
		}
	})
}
