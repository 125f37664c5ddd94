package exchange

import (
	"context"
	"errors"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// maxBatch bounds how many jobs share a transaction: no more are added when there are so many. Jobs that were handed over together are not parted.
const maxBatch = 512

// job is one caller's write.
type job struct {
	ctx  context.Context
	run  func(b *batch) error // may run more than once; its effects outside b happen in the caller, after done
	err  error
	done chan error // buffered: the writer never waits for a caller

	// plain: nothing that it writes is to be taken back: it fails before it writes, or with the whole batch. It takes no savepoint, which would cost as much
	// as all that it writes.
	plain bool
}

// batch is one transaction that several jobs share: their leaves are appended and signed once, their threads written once.
type batch struct {
	tx      store.Tx
	first   int64                   // length of the own log before the batch
	ids     []statement.ID          // own statements of the batch, in the order of their leaves
	last    statement.Time          // of the newest own statement; zero while it was not looked up
	threads map[thread.ID]*threaded // touched threads, as they will be written
	memory  *memory                 // what earlier batches left; nil outside the writer

	undo   []earlier // what the job in hand has replaced in threads
	wrote  bool      // the job in hand has written
	ruined error     // a plain job failed after it had written
	lone   bool      // there is one job: when it fails, all of the batch is undone, and nothing is lost by it
}

// earlier is a thread as it was before a job touched it; nil: not in the batch.
type earlier struct {
	id  thread.ID
	was *threaded
}

// reading is a batch that only looks.
func reading(tx store.Tx, first int64) *batch {
	return &batch{tx: tx, first: first, threads: map[thread.ID]*threaded{}}
}

// next is the index that the next own statement gets.
func (b *batch) next() int64 { return b.first + int64(len(b.ids)) }

// put replaces a thread in the batch.
func (b *batch) put(id thread.ID, t *threaded) {
	b.undo = append(b.undo, earlier{id, b.threads[id]})
	b.threads[id] = t
}

// run is the writer: it takes what is waiting, writes it in one transaction, and answers.
func (x *Exchange) run(ctx context.Context) {
	defer close(x.stopped)
	m := &memory{}
	for {
		var jobs []*job
		select {
		case <-ctx.Done():
			return
		case jobs = <-x.jobs:
		}
	more:
		for len(jobs) < maxBatch {
			select {
			case group := <-x.jobs:
				jobs = append(jobs, group...)
			default:
				break more
			}
		}
		x.commit(m, jobs)
	}
}

// commit writes one batch. A job that fails is undone alone; a fault of store, journal or key fails them all.
func (x *Exchange) commit(m *memory, jobs []*job) {
	end := x.Observe.Batch(len(jobs), callers(jobs))
	var tree translog.Tree
	var b *batch
	// The transaction is not tied to any one caller's context: a caller that gives up must not undo the others' work.
	err := x.Store.Update(context.Background(), func(tx store.Tx) error {
		tree = translog.Tree{}
		first, err := tx.Length(x.Journal.Origin())
		if err != nil {
			return err
		}
		x.Reached.At(pointBegun)
		if !tx.Alone() {
			m.forget()
		}
		b = &batch{tx: tx, first: first, last: m.last, threads: map[thread.ID]*threaded{}, memory: m}
		b.lone = len(jobs) == 1
		for _, j := range jobs {
			j.err = x.attempt(b, j)
		}
		if b.ruined != nil {
			return b.ruined
		}
		if err := b.writeThreads(x.Rules, x.Self); err != nil {
			return err
		}
		x.Reached.At(pointWritten)
		if len(b.ids) == 0 {
			return nil
		}
		tree, err = x.Journal.Append(tx, b.first, b.ids, x.Now())
		x.Reached.At(pointAppended)
		return err
	})
	x.Reached.At(pointCommitted)
	// A lone job's own failure is its caller's, and the store is well: it has undone the transaction, and what was remembered still holds.
	refused := b != nil && b.lone && b.ruined != nil && errors.Is(err, b.ruined) && fault.CodeOf(err) != fault.Unavailable && fault.CodeOf(err) != fault.Internal
	switch {
	case refused:
		err = nil
	case err == nil:
		m.keep(b)
	default:
		m.forget() // also where it turns out to be there: others may have written before somebody looked
	}
	if store.OutcomeUnknown(err) && b != nil && len(b.ids) > 0 {
		err = x.look(b, err)
	}
	if err == nil && !refused && tree.Size > 0 {
		if err = x.Journal.Settle(tree); err != nil {
			x.Log.Error("high-water mark not written: nothing more leaves this node", "error", err)
		}
	}
	m.complaints.tell(x.Log, len(jobs), err, time.Now())
	end(err)
	x.Reached.At(pointSettled)
	for _, j := range jobs {
		if j.err == nil {
			j.err = err
		}
		j.done <- j.err
	}
	x.Reached.At(pointAnswered)
	if err == nil && !refused {
		x.announce()
	}
}

// look finds out what came of a batch whose commit was not answered: what was said is told apart from what was not, so that nobody says it twice. While it
// cannot be found out, the error stays.
//
// It looks with a transaction that writes: that one begins when the one in doubt has ended, well or not, and a commit that is still on its way would be
// invisible to one that only reads, and come after it. And what it saw counts when it is as durable as what it wrote.
func (x *Exchange) look(b *batch, unknown error) error {
	found := false
	err := x.Store.Update(context.Background(), func(tx store.Tx) error {
		_, err := tx.Statement(b.ids[len(b.ids)-1])
		if found = err == nil; !found && fault.CodeOf(err) != fault.NotFound {
			return err
		}
		// What a commit that failed has left behind may be found by the next start although nobody sees it now, until another has gone over it.
		return tx.SetMeta("looked-for", b.ids[len(b.ids)-1].String())
	})
	switch {
	case err != nil:
		return unknown
	case found:
		return nil
	}
	return fault.Wrap(unknown, fault.Unavailable, "", "the store failed: nothing was written")
}

// attempt runs one job inside the batch and takes back all that it did when it fails.
func (x *Exchange) attempt(b *batch, j *job) error {
	if err := j.ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Canceled, "", "given up before it was written")
	}
	ids, last := len(b.ids), b.last
	b.undo, b.wrote = b.undo[:0], false
	var err error
	if j.plain || b.lone {
		if err = x.guarded(b, j); err != nil && (b.wrote || b.lone) {
			b.ruined = err
		}
	} else {
		err = x.Store.Savepoint(b.tx, func() error { return x.guarded(b, j) })
	}
	if err != nil {
		b.ids, b.last = b.ids[:ids], last
		for _, e := range slices.Backward(b.undo) {
			if e.was == nil {
				delete(b.threads, e.id)
			} else {
				b.threads[e.id] = e.was
			}
		}
	}
	return err
}

// guarded makes a defect that one job runs into that job's failure: a peer that finds one must not be able to stop the node for everybody.
func (x *Exchange) guarded(b *batch, j *job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			x.Log.ErrorContext(j.ctx, "DEFECT: a job broke off", "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "", "internal error")
		}
	}()
	return j.run(b)
}

// sortedKeys makes a batch write its threads in one order, whatever the map's.
func sortedKeys(m map[thread.ID]*threaded) []thread.ID {
	return slices.SortedFunc(maps.Keys(m), thread.ID.Compare)
}
