package exchange

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// Received is what came of a packet.
type Received struct {
	Author   party.Code                 `json:"author"`
	Accepted int64                      `json:"accepted"`          // greatest size of the author's log that is accepted here
	Receipts []statement.ID             `json:"receipts"`          // own statements to send back
	Blobs    map[statement.Digest]int64 `json:"blobs,omitempty"`   // bytes here of blobs that are not whole yet; Dropped for erased ones
	New      []statement.ID             `json:"new"`               // heads that were not here before
	Taken    int                        `json:"taken"`             // receipts for own statements that were not here before
	Dropped  []statement.ID             `json:"dropped,omitempty"` // whose bodies came again after they had been erased here
	Refused  map[statement.ID]string    `json:"refused,omitempty"` // of these, the clause for those that were refused
}

// Prover gets from a log's author what leads from one size of it to another: a packet needs it that was overtaken on its way by another one.
type Prover func(ctx context.Context, origin party.Origin, from, to int64) ([]translog.Hash, error)

// maxProofs is how often one packet may be overtaken.
const maxProofs = 4

// Receive takes a packet that sender brought; sender is "" for a packet that came as a file. When it returns nil, everything in the packet is
// durable and the receipts that prove it are signed.
//
// Errors: those of package packet; fault.NotAuthentic, fault.NotAddressed, fault.Unknown, fault.Revoked, fault.Fork: nothing of the packet was kept
// (but the fork's proof); fault.Parked and fault.Clock: try again, nothing was judged. Accepted is set even then, where it is known.
func (x *Exchange) Receive(ctx context.Context, sender party.Code, r io.Reader) (Received, error) {
	return x.ReceiveFrom(ctx, sender, r, nil)
}

// ReceiveFrom is Receive for a packet that was asked for: when one that was not has overtaken it, prove gets the proof that it lacks then.
func (x *Exchange) ReceiveFrom(ctx context.Context, sender party.Code, r io.Reader, prove Prover) (Received, error) {
	// spec: LOG-8
	in, err := x.unseal(ctx, sender, r)
	if err != nil {
		return Received{}, err
	}
	return x.receive(ctx, in, prove)
}

// receive takes a packet that is unsealed.
func (x *Exchange) receive(ctx context.Context, in *incoming, prove Prover) (Received, error) {
	x.Reached.At(pointOpened)
	for try := 0; ; try++ {
		got, err := x.take(ctx, in)
		var l *lacks
		if prove == nil || try == maxProofs || !errors.As(err, &l) {
			return got, err
		}
		proof, failed := prove(ctx, l.origin, l.from, l.to)
		if failed != nil {
			return got, err
		}
		in.from, in.proof = l.from, proof
	}
}

// take writes a packet that is proven, all of it or nothing.
func (x *Exchange) take(ctx context.Context, in *incoming) (Received, error) {
	var got *receiving
	err := x.write(ctx, func(b *batch) error {
		got = x.receiving(b, in)
		return got.all()
	})
	var fork *forked
	if errors.As(err, &fork) {
		if e := x.Update(ctx, func(tx store.Tx) error { return tx.PutFork(fork.Fork) }); e != nil {
			err = errors.Join(err, e)
		}
		x.Log.ErrorContext(ctx, "FORK: a log has two histories", "origin", string(fork.Origin))
	}
	switch {
	case got == nil:
		return Received{Author: in.author}, err
	case err != nil:
		return Received{Author: in.author, Accepted: got.before}, err
	}
	x.Reached.At(pointTaken)
	x.told(got)
	return got.Received, nil
}

// forked carries the proof of a fork out of the transaction that it undoes.
type forked struct{ store.Fork }

func (f *forked) Error() string { return "two signed checkpoints of one size" }

// receiving is one packet's way into the store.
type receiving struct {
	Received
	x   *Exchange
	b   *batch
	in  *incoming
	now statement.Time

	heads, bodies []int64              // leaves of what is new and will be receipted
	blobs         map[statement.ID]int // statements with newly whole blobs → how many are whole
	again         []statement.ID       // receipts given before for what came again
	refusals      []refusal
	cosigs        []store.Checkpoint // sizes of the own log whose cosignatures came
	parked        error              // why a head was left with its sender; nil when none was
	proven        map[int64]bool     // subtrees whose proofs are kept
	reached       reached            // by the head that was looked at last
	before        int64              // what was accepted before this packet
	top           int64              // above all leaves of the log that were here before this packet
	touched       map[thread.ID]bool // threads that got heads: whether they are to be folded again
	joined        map[thread.ID]bool // threads that this party was admitted to, as far as looked up
	relied        map[string]bool    // states of agreements that heads of this packet rely on and that were new here
	folds         int                // of agreements, for what authors must have known
	wanted        *bool              // whether anything is wanted from anybody; nil: not looked up
}

func (x *Exchange) receiving(b *batch, in *incoming) *receiving {
	return &receiving{
		x: x, b: b, in: in, now: statement.TimeOf(x.Now()), blobs: map[statement.ID]int{}, proven: map[int64]bool{}, touched: map[thread.ID]bool{}, joined: map[thread.ID]bool{}, relied: map[string]bool{},
		Received: Received{Author: in.author, Blobs: map[statement.Digest]int64{}, Refused: map[statement.ID]string{}},
	}
}

// refusal is a receipt.refused to be said once everything is folded.
type refusal struct {
	head     *statement.Head
	clause   string
	reason   string
	articles []string
}

// all takes the packet in the order in which its parts depend on each other.
func (r *receiving) all() error {
	if err := r.checkpoint(); err != nil {
		return err
	}
	r.x.Reached.At(pointKept)
	// In the order of the log, whatever the precedence: what a head relies on was said before it.
	slices.SortFunc(r.in.heads, func(a, b located) int { return cmp.Compare(a.index, b.index) })
	r.in.heads = slices.CompactFunc(r.in.heads, func(a, b located) bool { return a.index == b.index })
	if err := r.findTop(); err != nil {
		return err
	}
	for _, l := range r.in.heads {
		if err := r.head(l); err != nil {
			return err
		}
	}
	for id, stale := range r.touched {
		if !stale {
			continue
		}
		if _, err := r.x.settle(r.b, id); err != nil {
			return err
		}
	}
	r.x.Reached.At(pointRefolded)
	for _, p := range r.in.blobs {
		if err := r.blob(p); err != nil {
			return err
		}
	}
	if err := r.gossip(); err != nil {
		return err
	}
	r.x.Reached.At(pointGossip)
	if err := r.peer(); err != nil {
		return err
	}
	r.x.Reached.At(pointPeer)
	if err := r.saidBefore(); err != nil {
		return err
	}
	if err := r.refuse(); err != nil {
		return err
	}
	if err := r.answer(); err != nil {
		return err
	}
	if err := r.receipt(); err != nil {
		return err
	}
	if len(r.Receipts)+len(r.Blobs) == 0 {
		return r.parked
	}
	return nil
}

// findTop looks once for what would else be looked for with each head.
func (r *receiving) findTop() error {
	highest, _, err := r.b.tx.Neighbours(r.in.cp.Origin, translog.MaxSize)
	for _, s := range highest {
		r.top = s.Index + 1
	}
	return err
}

// head takes one head: folded, stored, and if it is refused, without its body.
func (r *receiving) head(l located) error {
	tx := r.b.tx
	// Above all that is here of the log, nothing can be.
	if l.index < r.top {
		have, err := tx.Statement(l.ID)
		if err == nil {
			return r.repeated(have, l)
		}
		if fault.CodeOf(err) != fault.NotFound {
			return err
		}
	}
	if !l.IsFor(r.x.Self) { // spec: PKT-7
		if admitted, err := r.admitted(l.ThreadID()); err != nil || !admitted {
			return cmp.Or(err, error(fault.New(fault.NotAddressed, "PKT-7", "a head is not addressed to %s", r.x.Self)))
		}
	}
	if l.Kind == thread.KindDelivered {
		return r.delivered(l)
	}
	refused, err := r.judge(l)
	if fault.CodeOf(err) == fault.Parked {
		// What it is judged by has not come yet: it is left with its sender, and holds up nothing else.
		r.parked = err
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.ancestors(l); err != nil {
		return err
	}
	p, err := r.x.place(r.b, l.Head, r.now)
	if err != nil {
		return err
	}
	r.touched[l.ThreadID()] = r.touched[l.ThreadID()] || !p.folded
	if err := r.store(l, p); err != nil {
		return err
	}
	if err := r.x.heard(r.b, l.Head); err != nil {
		return err
	}
	r.x.Reached.At(pointProof)
	r.New = append(r.New, l.ID)
	r.heads = append(r.heads, l.index)
	if refused == nil {
		if refused, err = r.body(l); err != nil {
			return err
		}
	}
	if refused != nil {
		r.refusals = append(r.refusals, *refused)
		r.Refused[l.ID] = refused.clause
	}
	return nil
}

// store writes a new head and what proves it.
func (r *receiving) store(l located, p placed) error {
	row := store.Statement{
		ID: l.ID, Thread: l.ThreadID(), Origin: r.in.cp.Origin, Index: l.index, ProofAt: r.in.cp.Size, Kind: l.Kind, Precedence: l.Precedence, Head: l.Raw,
		Arrived: r.now, Folded: p.folded, Void: string(p.void),
	}
	if l.Kind == thread.KindDelivered {
		row.Thread = thread.ID{}
	}
	err := r.b.tx.PutStatement(row)
	if fault.CodeOf(err) == fault.Exists {
		return fault.New(fault.NotAuthentic, "PKT-6", "a head stands in two places")
	}
	if err != nil {
		return err
	}
	r.x.Reached.At(pointHead)
	return r.keepProof(l.index)
}

// repeated takes a head that is here already: the receipts that were given for it are given again (RCP-2).
func (r *receiving) repeated(have store.Statement, l located) error {
	// spec: RCP-2
	if have.Origin != r.in.cp.Origin || have.Index != l.index {
		return fault.New(fault.NotAuthentic, "PKT-6", "a head stands in two places")
	}
	for _, what := range []store.ArrivalKind{store.HeadArrived, store.BodyArrived, store.BlobArrived} {
		if err := r.receiptAgain(what, l.index); err != nil {
			return err
		}
	}
	if l.Body == nil {
		return nil
	}
	// Its body, if it came again, belongs to it: kept if it is still wanted, dropped if the statement was refused.
	raw, came := r.in.bodies[l.Body.SHA256]
	_, err := r.b.tx.Content(store.ContentRef{Statement: l.ID, Part: store.BodyPart})
	if !came || fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = r.keepBody(l, raw)
	return err
}

// receiptAgain gives a receipt again that this node gave for a leaf of the author's log, if it did.
func (r *receiving) receiptAgain(what store.ArrivalKind, index int64) error {
	// spec: RCP-2
	a, err := r.b.tx.ArrivedAt(r.x.Self, r.in.cp.Origin, what, index)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	if err == nil && !slices.Contains(r.again, a.Receipt) {
		r.again = append(r.again, a.Receipt)
	}
	return err
}

// judge says whether a new head is refused, and why; nil when it is not.
func (r *receiving) judge(l located) (*refusal, error) {
	// Time first: what is refused for another reason still stands in the log, and later heads are held against it.
	ok, err := r.inTime(l)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &refusal{head: l.Head, clause: "LOG-7", reason: "time"}, nil
	}
	if _, ok := r.x.Rules.Spec(l.Kind); !ok { // spec: STM-8
		return &refusal{head: l.Head, clause: "STM-8", reason: "unknown-kind"}, nil
	}
	if err := r.mayFold(l.Head); err != nil {
		return nil, err
	}
	v, err := r.x.Decide(r.b.tx, l.Head)
	if err != nil {
		return nil, err
	}
	if v.Permitted && !agreement.ByCharter(l.Head) {
		if v, err = r.aware(v, l); err != nil {
			return nil, err
		}
	}
	reason := "denied"
	if v.Permitted {
		if v, err = r.x.caveats(v, l.Head); err != nil {
			return nil, err
		}
		reason = "caveat"
	}
	if v.Permitted {
		return nil, nil
	}
	return &refusal{head: l.Head, clause: v.Clause, reason: reason, articles: v.Articles}, nil
}

// ancestors notes which heads this one comes after and are not here, so that they are asked for.
func (r *receiving) ancestors(l located) error {
	// spec: THR-5
	tx := r.b.tx
	if r.wanted == nil {
		any, err := tx.AnyWanted()
		if err != nil {
			return err
		}
		r.wanted = &any
	}
	if *r.wanted {
		if err := tx.DropWanted(l.ID); err != nil {
			return err
		}
	}
	t, err := r.b.thread(l.ThreadID())
	if err != nil {
		return err
	}
	ids := l.After
	if !l.IsOpener() && !slices.Contains(ids, l.Thread) {
		ids = append(slices.Clone(ids), l.Thread)
	}
	for _, id := range ids {
		if t.known && (id == l.Thread || slices.Contains(t.state.Frontier, id)) {
			continue
		}
		_, err := tx.Statement(id)
		if fault.CodeOf(err) == fault.NotFound {
			err, *r.wanted = tx.PutWanted(id, r.in.author), true
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// peer notes that the author was heard from, and what it asked for.
func (r *receiving) peer() error {
	tx := r.b.tx
	for _, id := range r.in.want {
		// Only what can be given is remembered, so that nobody fills this store with ids of nothing.
		s, err := tx.Statement(id)
		if err == nil && s.Origin.Code() == r.x.Self {
			err = tx.PutRequested(r.in.sender, id)
		}
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return err
		}
	}
	p, err := tx.Peer(r.in.author, r.x.Journal.Origin())
	if err != nil {
		return err
	}
	p.LastHeard, p.TheirSize = r.now, max(p.TheirSize, r.Accepted)
	return tx.PutPeer(p)
}

// marshalFacts writes the facts of a statement that the node itself makes.
func marshalFacts(v any) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "facts cannot be written")
	}
	return b, nil
}
