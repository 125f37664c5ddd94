package exchange

import (
	"context"
	"iter"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Observer is told what the exchange does, by those who want to count, time and trace it. Its methods are called by several goroutines, return at once
// and cannot fail. It is told nothing of what statements say, who wrote them or what their ids are.
type Observer interface {
	// Step is told that a step begins: "submit". The context that it gives goes with the step; end is called once, with what came of it.
	Step(ctx context.Context, name string) (_ context.Context, end func(error))
	// Batch is told that the writer takes jobs in hand, with their callers' contexts; end is called once it is durable and settled, or will not be.
	Batch(jobs int, callers iter.Seq[context.Context]) (end func(error))
	// Wrote is told of a statement that is durable: own, or a peer's.
	Wrote(own bool, kind statement.Kind)
	// Refused is told of a statement that was refused: by is "draft" for an own one that was not said, "here" for a peer's, "peer" for an own one, by its
	// receiver. The clause of the last is what the peer wrote.
	Refused(by, clause string)
	// Cosigned is told that cosignatures of the own log have come, and how many parties' stand under that size now.
	Cosigned(size int64, parties int)
}

// Who refused a statement.
const (
	byDraft = "draft"
	byHere  = "here"
	byPeer  = "peer"
)

// unobserved is the observer of an exchange that has none.
type unobserved struct{}

func (unobserved) Step(ctx context.Context, _ string) (context.Context, func(error)) {
	return ctx, func(error) {}
}
func (unobserved) Batch(int, iter.Seq[context.Context]) func(error) { return func(error) {} }
func (unobserved) Wrote(bool, statement.Kind)                       {}
func (unobserved) Refused(string, string)                           {}
func (unobserved) Cosigned(int64, int)                              {}

// callers are the contexts of those who wait for a batch.
func callers(jobs []*job) iter.Seq[context.Context] {
	return func(yield func(context.Context) bool) {
		for _, j := range jobs {
			if !yield(j.ctx) {
				return
			}
		}
	}
}

// submitting has the observer told of drafts, and gives what tells it of their outcome.
func (x *Exchange) submitting(ctx context.Context, drafts []Draft) (context.Context, func([]error)) {
	ctx, end := x.Observe.Step(ctx, "submit")
	return ctx, func(errs []error) {
		var first error
		for i, err := range errs {
			switch fault.CodeOf(err) {
			case "":
				x.Observe.Wrote(true, drafts[i].Kind)
			case fault.Denied, fault.Inadmissible:
				x.Observe.Refused(byDraft, fault.ClauseOf(err))
			}
			if first == nil {
				first = err
			}
		}
		end(first)
	}
}

// noteCosigned remembers, until the packet is durable, that it brought cosignatures of the own log.
func (r *receiving) noteCosigned(cp store.Checkpoint, parties int) {
	if cp.Origin == r.x.Journal.Origin() {
		r.cosigs = append(r.cosigs, store.Checkpoint{Size: cp.Size, Cosigs: parties})
	}
}

// told has the observer told of what a packet brought, now that it is durable.
func (x *Exchange) told(got *receiving) {
	fresh := make(map[statement.ID]bool, len(got.New))
	for _, id := range got.New {
		fresh[id] = true
	}
	for _, l := range got.in.heads {
		if !fresh[l.ID] {
			continue
		}
		x.Observe.Wrote(false, l.Kind)
		if l.Kind != thread.KindRefused {
			continue
		}
		if f, err := thread.Facts[thread.Refused](l.Head); err == nil {
			x.Observe.Refused(byPeer, f.Clause)
		}
	}
	for range got.Taken {
		x.Observe.Wrote(false, thread.KindDelivered)
	}
	for _, f := range got.refusals {
		x.Observe.Wrote(true, thread.KindRefused)
		x.Observe.Refused(byHere, f.clause)
	}
	for range len(got.Receipts) - len(got.again) { // those that were given before come again
		x.Observe.Wrote(true, thread.KindDelivered)
	}
	for _, cp := range got.cosigs {
		x.Observe.Cosigned(cp.Size, cp.Cosigs)
	}
}
