package exchange

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/failpoint"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Options say who a node is and what it works with. All but Caveats are required.
type Options struct {
	Self     party.Code
	Store    store.Store
	Journal  *journal.Journal
	Witness  journal.Witness
	Rules    *thread.Rules
	Identity age.Identity // opens packets
	Codec    *packet.Codec
	Charter  *agreement.Policy
	// Standing reads from an agreement's thread what its making has come to; ok is false while nothing was opened for signature. The desk that makes agreements knows.
	Standing func(thread.State) (m *agreement.Standing, ok bool)
	// Heard is told of every head of a thread that is new to the store, the own ones too, in the transaction that stores it: for what a statement does
	// beside its thread. It may be nil.
	Heard func(tx store.Tx, h *statement.Head) error
	// Answer is asked for each thread without an agreement in which something has come: what this node itself says to that at once. It is asked again for the state
	// after what it has said, and must come to an end. It may be nil.
	Answer func(s thread.State, now statement.Time) (kind statement.Kind, facts any, ok bool)
	// Guard is asked for all that Submit and Together would say, in the transaction that would say it, after the decision: whether whoever ctx is of may say it, and
	// whether a second officer has approved it where one must. It may write what does no harm when nothing is said after all. What the node says by itself (receipts) is not asked about. Nil: nobody is asked.
	Guard func(ctx context.Context, tx store.Tx, p Proposal) error
	// Speaks says as whom a draft is said, when whoever ctx is of says it: what stands in its By, or what should. Nil: what stands there.
	Speaks  func(ctx context.Context, tx store.Tx, d *Draft) (statement.By, error)
	Caveats *agreement.Caveats // the party's own; nil: none
	Now     func() time.Time
	Random  io.Reader // cryptographic
	Log     *slog.Logger
	Observe Observer // nil: nobody is told

	// Unchecked makes Submit skip the decision, as a node would whose operator had patched it out. Only tests of what the other side does then set it.
	Unchecked bool
	// Reached is told of each of Points. Only tests of what a node leaves behind when it dies set it.
	Reached failpoint.Func
}

// Exchange writes. It is safe for concurrent use.
type Exchange struct {
	Options

	jobs    chan []*job
	stop    context.CancelFunc
	stopped chan struct{}

	making makings // what agreements were made; guarded by itself
	caveat atomic.Pointer[agreement.Caveats]

	mu      sync.Mutex
	changed chan struct{}                      // closed and replaced after each commit; guarded by mu
	letters map[statement.Digest]*party.Letter // parsed once; guarded by mu
}

// New starts the writer. Close stops it.
func New(o Options) *Exchange {
	if o.Observe == nil {
		o.Observe = unobserved{}
	}
	ctx, cancel := context.WithCancel(context.Background())
	x := &Exchange{
		Options: o,
		jobs:    make(chan []*job, maxBatch),
		stop:    cancel,
		stopped: make(chan struct{}),
		changed: make(chan struct{}),
		letters: map[statement.Digest]*party.Letter{},
		making:  newMakings(),
	}
	x.Restrict(o.Caveats)
	go x.run(ctx)
	return x
}

// Restrict puts other caveats in the place of those that hold: for every statement that is decided from now on. nil: none.
func (x *Exchange) Restrict(c *agreement.Caveats) {
	// spec: DEC-7
	x.caveat.Store(c)
}

// Close waits for the batch in hand and ends the writer. What is submitted afterwards fails with fault.Unavailable.
func (x *Exchange) Close() {
	x.stop()
	<-x.stopped
}

// Changed gives a channel that is closed at the next commit by this process.
func (x *Exchange) Changed() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.changed
}

func (x *Exchange) announce() {
	x.mu.Lock()
	defer x.mu.Unlock()
	close(x.changed)
	x.changed = make(chan struct{})
}

// Update runs f in the writer's next transaction, for writes that say nothing and touch no thread: letters, queues.
func (x *Exchange) Update(ctx context.Context, f func(tx store.Tx) error) error {
	return x.write(ctx, func(b *batch) error { return f(b.tx) })
}

// Opened sets the count of a thread's unread heads to none, after look; look is not called when there are none. Error: fault.NotFound for a thread that is not here.
func (x *Exchange) Opened(ctx context.Context, id thread.ID, look func(tx store.Tx) error) error {
	return x.write(ctx, func(b *batch) error {
		t, err := b.thread(id)
		if err != nil || t.row.Unread == 0 {
			if err == nil && !t.known {
				_, err = b.tx.Thread(id)
			}
			return err
		}
		t.row.Unread, t.dirty = 0, true
		b.put(id, &t)
		return look(b.tx)
	})
}

// write hands f to the writer and waits until what it wrote is durable and settled.
func (x *Exchange) write(ctx context.Context, f func(b *batch) error) error {
	j := newJob(ctx, f)
	x.enqueue(ctx, []*job{j})
	return x.await(j)
}

func newJob(ctx context.Context, f func(b *batch) error) *job {
	return &job{ctx: ctx, run: f, done: make(chan error, 1)}
}

// enqueue hands jobs to the writer, as many together as share a transaction. What it does not take any more is answered here.
func (x *Exchange) enqueue(ctx context.Context, jobs []*job) {
	for group := range slices.Chunk(jobs, maxBatch) {
		var refused error
		select {
		case x.jobs <- group:
			continue
		case <-ctx.Done():
			refused = fault.Wrap(ctx.Err(), fault.Canceled, "", "given up before it was written")
		case <-x.stopped:
			refused = errStopping()
		}
		for _, j := range group {
			j.done <- refused
		}
	}
}

// await waits for the answer to a job. The writer answers every job that it took before it stops; one that it did not take was left in the queue.
func (x *Exchange) await(j *job) error {
	select {
	case err := <-j.done:
		return err
	case <-x.stopped:
	}
	select {
	case err := <-j.done:
		return err
	default:
		return errStopping()
	}
}

func errStopping() error { return fault.New(fault.Unavailable, "", "the node is stopping") }
