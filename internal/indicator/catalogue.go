package indicator

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Node is what is asked of a node. Both are called from several goroutines.
type Node interface {
	EachParcel(ctx context.Context, of thread.ID, yield func(catalogue.Text) error) error
	ObjectsAt(ctx context.Context, parcel int64, lines ...int) (map[int]catalogue.Entry, error)
}

// read is what a parcel's lines came to.
type read struct {
	rows    []found
	others  int64
	refused Refused
}

type found struct {
	match.Value
	match.Row
}

// Catalogue adds the indicators of a source, feed or share, or with the zero id of all that there is, a parcel at a time.
func (b *Builder) Catalogue(ctx context.Context, n Node, of thread.ID) error {
	// spec: INT-9
	type job struct {
		catalogue.Text
		before uint32
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := runtime.GOMAXPROCS(0)
	work, done := make(chan job), make(chan read, workers)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			var parser stix.Parser
			for j := range work {
				r := parcelValues(&parser, j.Text, j.before)
				select {
				case done <- r:
				case <-ctx.Done():
				}
			}
		})
	}
	go func() {
		err := n.EachParcel(ctx, of, func(t catalogue.Text) error {
			before, err := b.take(part{Parcel: t.No, With: t.Content.Statement, Shared: t.Shared}, t.Objects)
			if err != nil {
				return err
			}
			select {
			case work <- job{t, before}:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		if err != nil {
			cancel(err)
		}
		close(work)
		group.Wait()
		close(done)
	}()
	refused := Refused{}
	for r := range done {
		b.others += r.others
		if refused.Count == 0 {
			refused.First, refused.Why = r.refused.First, r.refused.Why
		}
		refused.Count += r.refused.Count
		for _, f := range r.rows {
			if err := b.add(f.Value, f.Row); err != nil {
				cancel(err)
				break
			}
		}
	}
	b.refuse(refused)
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return fault.New(fault.Canceled, "", "interrupted")
}

// parcelValues reads the lines of a parcel.
func parcelValues(parser *stix.Parser, t catalogue.Text, before uint32) (out read) {
	out.rows = make([]found, 0, t.Objects)
	t.Lines(func(n int, line []byte) bool {
		o, err := parser.Parse(line)
		if err != nil || o.Type != "indicator" {
			out.others++
			return true
		}
		values, row, err := Values(o)
		if err != nil {
			out.refused.note(n+1, err)
			return true
		}
		row.ID = before + uint32(n) + 1
		for _, v := range values {
			out.rows = append(out.rows, found{v, row})
		}
		return true
	})
	return out
}
