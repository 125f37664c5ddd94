package exchange

import (
	"context"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// maxBatch bounds how many jobs share a transaction.
const maxBatch = 512

// job is one caller's write.
type job struct {
	ctx  context.Context
	run  func(b *batch) error // may run more than once; its effects outside b happen in the caller, after done
	err  error
	done chan error // buffered: the writer never waits for a caller
}

// batch is one transaction that several jobs share: their leaves are appended and signed once, their threads written once.
type batch struct {
	tx      store.Tx
	first   int64                   // length of the own log before the batch
	ids     []statement.ID          // own statements of the batch, in the order of their leaves
	threads map[thread.ID]*threaded // touched threads, as they will be written
}

// next is the index that the next own statement gets.
func (b *batch) next() int64 { return b.first + int64(len(b.ids)) }

// run is the writer: it takes what is waiting, writes it in one transaction, and answers.
func (x *Exchange) run(ctx context.Context) {
	defer close(x.stopped)
	for {
		var jobs []*job
		select {
		case <-ctx.Done():
			return
		case j := <-x.jobs:
			jobs = append(jobs, j)
		}
	more:
		for len(jobs) < maxBatch {
			select {
			case j := <-x.jobs:
				jobs = append(jobs, j)
			default:
				break more
			}
		}
		x.commit(jobs)
	}
}

// commit writes one batch. A job that fails is undone alone; a fault of store, journal or key fails them all.
func (x *Exchange) commit(jobs []*job) {
	var tree translog.Tree
	// The transaction is not tied to any one caller's context: a caller that gives up must not undo the others' work.
	err := x.Store.Update(context.Background(), func(tx store.Tx) error {
		tree = translog.Tree{}
		first, err := tx.Length(x.Journal.Origin())
		if err != nil {
			return err
		}
		b := &batch{tx: tx, first: first, threads: map[thread.ID]*threaded{}}
		for _, j := range jobs {
			j.err = x.attempt(b, j)
		}
		if err := b.writeThreads(x.Rules); err != nil {
			return err
		}
		if len(b.ids) == 0 {
			return nil
		}
		tree, err = x.Journal.Append(tx, b.first, b.ids, x.Now())
		return err
	})
	if err == nil && tree.Size > 0 {
		if err = x.Journal.Settle(tree); err != nil {
			x.Log.Error("high-water mark not written: nothing more leaves this node", "error", err.Error())
		}
	}
	if err != nil {
		x.Log.Error("a batch was not written", "jobs", len(jobs), "error", err.Error())
	}
	for _, j := range jobs {
		if j.err == nil {
			j.err = err
		}
		j.done <- j.err
	}
	if err == nil {
		x.announce()
	}
}

// attempt runs one job inside the batch and takes back all that it did when it fails.
func (x *Exchange) attempt(b *batch, j *job) error {
	if err := j.ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Canceled, "", "given up before it was written")
	}
	ids, threads := len(b.ids), maps.Clone(b.threads)
	err := x.Store.Savepoint(b.tx, func() error { return x.guarded(b, j) })
	if err != nil {
		b.ids, b.threads = b.ids[:ids], threads
	}
	return err
}

// guarded makes a defect that one job runs into that job's failure: a peer that finds one must not be able to stop the node for everybody.
func (x *Exchange) guarded(b *batch, j *job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			x.Log.Error("DEFECT: a job broke off", "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "", "internal error")
		}
	}()
	return j.run(b)
}

// sortedKeys makes a batch write its threads in one order, whatever the map's.
func sortedKeys(m map[thread.ID]*threaded) []thread.ID {
	return slices.SortedFunc(maps.Keys(m), thread.ID.Compare)
}
