package exchange

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// maxFall is how far time may fall along a log (LOG-7).
const maxFall = time.Minute

// Received is what came of a packet.
type Received struct {
	Author   party.Code                 `json:"author"`
	Accepted int64                      `json:"accepted"`          // greatest size of the author's log that is accepted here
	Receipts []statement.ID             `json:"receipts"`          // own statements to send back
	Blobs    map[statement.Digest]int64 `json:"blobs,omitempty"`   // bytes here of blobs that are not whole yet; Dropped for erased ones
	New      []statement.ID             `json:"new"`               // heads that were not here before
	Refused  map[statement.ID]string    `json:"refused,omitempty"` // of these, the clause for those that were refused
}

// Dropped stands for a blob that was erased here and will not be kept (STM-7).
const Dropped = -1

// Receive takes a packet that sender brought; sender is "" for a packet that came as a file. When it returns nil, everything in the packet is
// durable and the receipts that prove it are signed.
//
// Errors: those of package packet; fault.NotAuthentic, fault.NotAddressed, fault.Unknown, fault.Revoked, fault.Fork: nothing of the packet was kept
// (but the fork's proof); fault.Parked and fault.Clock: try again, nothing was judged. Accepted is set even then, where it is known.
func (x *Exchange) Receive(ctx context.Context, sender party.Code, r io.Reader) (Received, error) {
	in, err := x.unseal(ctx, sender, r)
	if err != nil {
		return Received{}, err
	}
	var got *receiving
	err = x.write(ctx, func(b *batch) error {
		got = &receiving{x: x, b: b, in: in, now: statement.TimeOf(x.Now()), Received: Received{Author: in.author, Blobs: map[statement.Digest]int64{}, Refused: map[statement.ID]string{}}}
		return got.all()
	})
	var fork *forked
	if errors.As(err, &fork) {
		if e := x.Update(ctx, func(tx store.Tx) error { return tx.PutFork(fork.Fork) }); e != nil {
			err = errors.Join(err, e)
		}
		x.Log.Error("FORK: a log has two histories", "origin", string(fork.Origin))
	}
	if got == nil {
		return Received{}, err
	}
	return got.Received, err
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

	heads, bodies []arrived            // what is new and will be receipted
	blobs         map[statement.ID]int // statements with newly whole blobs → how many are whole
	again         []statement.ID       // receipts given before for what came again
	refusals      []refusal
	parked        error // why a head was left with its sender; nil when none was
}

// arrived is a statement of the author that a receipt will name.
type arrived struct {
	id    statement.ID
	index int64
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
	r.blobs = map[statement.ID]int{}
	if err := r.checkpoint(); err != nil {
		return err
	}
	// In the order of the log, whatever the precedence: what a head relies on was said before it.
	slices.SortFunc(r.in.heads, func(a, b located) int { return int(a.index - b.index) })
	for _, l := range r.in.heads {
		if err := r.head(l); err != nil {
			return err
		}
	}
	if err := r.lateBodies(); err != nil {
		return err
	}
	for _, p := range r.in.blobs {
		if err := r.blob(p); err != nil {
			return err
		}
	}
	if r.parked != nil && len(r.New) == 0 {
		return r.parked
	}
	if err := r.gossip(); err != nil {
		return err
	}
	if err := r.peer(); err != nil {
		return err
	}
	if err := r.refuse(); err != nil {
		return err
	}
	return r.receipt()
}

// checkpoint holds the packet's checkpoint against all that was accepted of this log before, and keeps it.
func (r *receiving) checkpoint() error {
	// spec: LOG-8, LOG-9
	tx, cp := r.b.tx, r.in.cp
	last, err := journal.Newest(tx, cp.Origin)
	if err != nil {
		return err
	}
	r.Accepted = last.Size
	switch {
	case last.Size == cp.Size && last.Size > 0:
		if last.Root != cp.Root {
			return r.fork(cp, last)
		}
		return nil
	case cp.Size < last.Size:
		return r.older()
	case last.Size > 0:
		if r.in.from != last.Size {
			return fault.New(fault.Parked, "LOG-8", "a consistency proof from size %d is needed", last.Size)
		}
		if err := translog.CheckConsistency(r.in.proof, last.Size, cp.Size, last.Root, cp.Root); err != nil {
			return fault.Wrap(err, fault.Parked, "LOG-8", "the consistency proof from size %d does not verify", last.Size)
		}
		if err := tx.PutConsistency(store.Consistency{Origin: cp.Origin, From: last.Size, To: cp.Size, Hashes: r.in.proof}); err != nil {
			return err
		}
	}
	row := store.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: statement.TimeOf(cp.Time), Note: cp.Note, Proven: true}
	if err := r.seenBefore(&row); err != nil {
		return err
	}
	if err := tx.PutCheckpoint(row); err != nil {
		return err
	}
	r.Accepted = cp.Size
	_, err = r.x.Witness.Cosign(tx, row, r.x.Now())
	return err
}

// older takes a packet that was made before one that has arrived already: it is worth something only when its very checkpoint is known.
func (r *receiving) older() error {
	cp := r.in.cp
	var root *translog.Hash
	err := r.b.tx.Checkpoints(cp.Origin, cp.Size, func(c store.Checkpoint) bool {
		if c.Size == cp.Size && c.Proven {
			root = &c.Root
		}
		return c.Size <= cp.Size && root == nil
	})
	switch {
	case err != nil:
		return err
	case root == nil:
		return fault.New(fault.Parked, "LOG-8", "size %d of this log is accepted already: make the packet anew", r.Accepted)
	case *root != cp.Root:
		return r.fork(cp, translog.Tree{Origin: cp.Origin, Size: cp.Size, Root: *root})
	}
	return nil
}

// seenBefore merges what somebody else had shown of this very checkpoint, and finds the fork when they had shown another.
func (r *receiving) seenBefore(row *store.Checkpoint) error {
	var bad error
	err := r.b.tx.Checkpoints(row.Origin, row.Size, func(c store.Checkpoint) bool {
		if c.Size != row.Size {
			return false
		}
		if c.Root != row.Root {
			bad = r.forkNotes(row.Note, c.Note)
			return false
		}
		row.Cosigs = c.Cosigs
		row.Note, bad = translog.MergeSignatures(row.Note, c.Note)
		return bad == nil
	})
	return errors.Join(err, bad)
}

func (r *receiving) fork(cp translog.Checkpoint, have translog.Tree) error {
	var note []byte
	err := r.b.tx.Checkpoints(have.Origin, have.Size, func(c store.Checkpoint) bool {
		if c.Size == have.Size && c.Root == have.Root {
			note = c.Note
		}
		return c.Size <= have.Size && note == nil
	})
	if err != nil {
		return err
	}
	return r.forkNotes(cp.Note, note)
}

func (r *receiving) forkNotes(a, b []byte) error {
	// spec: LOG-9
	origin, err := translog.PeekOrigin(a)
	if err != nil {
		return err
	}
	f := &forked{store.Fork{Origin: origin, NoteA: a, NoteB: b, Found: r.now, Why: "equal-size"}}
	return fault.Wrap(f, fault.Fork, "LOG-9", "the log %s has two histories: nothing more is accepted from it", origin)
}

// head takes one head: stored, folded, and if it is refused, without its body.
func (r *receiving) head(l located) error {
	tx := r.b.tx
	have, err := tx.Statement(l.ID)
	if err == nil {
		return r.repeated(have, l)
	}
	if fault.CodeOf(err) != fault.NotFound {
		return err
	}
	if !l.IsFor(r.x.Self) { // spec: PKT-7
		return fault.New(fault.NotAddressed, "PKT-7", "a head is not addressed to %s", r.x.Self)
	}
	if l.Kind == thread.KindDelivered {
		return r.delivered(l)
	}
	refused, err := r.judge(l)
	if fault.CodeOf(err) == fault.Parked {
		// What it is judged by has not come yet: it is left with its sender, and holds up nothing else.
		r.parked = err
		if l.Body != nil {
			r.bodyUsed(l)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := tx.PutStatement(store.Statement{
		ID: l.ID, Thread: l.ThreadID(), Origin: r.in.cp.Origin, Index: l.index, ProofAt: r.in.cp.Size, Kind: l.Kind, Precedence: l.Precedence, Head: l.Raw, Arrived: r.now,
	}); err != nil {
		return err
	}
	if err := r.keepProof(l.index); err != nil {
		return err
	}
	if err := r.ancestors(l); err != nil {
		return err
	}
	r.New = append(r.New, l.ID)
	r.heads = append(r.heads, arrived{l.ID, l.index})
	if refused == nil {
		if refused, err = r.body(l); err != nil {
			return err
		}
	} else if l.Body != nil {
		r.bodyUsed(l)
	}
	if refused != nil {
		r.refusals = append(r.refusals, *refused)
		r.Refused[l.ID] = refused.clause
	}
	_, err = r.x.place(r.b, l.Head, r.now)
	return err
}

// repeated takes a head that is here already: the receipts that were given for it are given again (RCP-2).
func (r *receiving) repeated(have store.Statement, l located) error {
	// spec: RCP-2
	if have.Origin != r.in.cp.Origin || have.Index != l.index {
		return fault.New(fault.NotAuthentic, "PKT-6", "a head stands in two places")
	}
	for _, id := range []statement.ID{have.HeadReceipt, have.BodyReceipt, have.BlobReceipt} {
		if !id.IsZero() && !slices.Contains(r.again, id) {
			r.again = append(r.again, id)
		}
	}
	if l.Body == nil {
		return nil
	}
	// Its body, if it came again, belongs to it: kept if it is still wanted, dropped if the statement was refused.
	raw, came := r.in.bodies[l.Body.SHA256]
	r.bodyUsed(l)
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

// judge says whether a new head is refused, and why; nil when it is not.
func (r *receiving) judge(l located) (*refusal, error) {
	if _, ok := r.x.Rules.Spec(l.Kind); !ok { // spec: STM-8
		return &refusal{head: l.Head, clause: "STM-8", reason: "unknown-kind"}, nil
	}
	ok, err := r.inTime(l)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &refusal{head: l.Head, clause: "LOG-7", reason: "time"}, nil
	}
	v, err := r.x.Decide(r.b.tx, l.Head)
	if err != nil {
		return nil, err
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
	clause := v.Clause
	if v.Caveat {
		clause = "DEC-7"
	}
	return &refusal{head: l.Head, clause: clause, reason: reason, articles: v.Articles}, nil
}

// inTime holds a head's time against its neighbours in the log, as far as they are here, and against the checkpoint that first covered it.
func (r *receiving) inTime(l located) (bool, error) {
	// spec: LOG-7
	if l.Time.Std().Sub(r.in.cp.Time) > maxFall {
		return false, nil
	}
	before, after, err := r.b.tx.Neighbours(r.in.cp.Origin, l.index)
	if err != nil {
		return false, err
	}
	for _, n := range before {
		h, err := statement.ParseHead(n.Head)
		if err != nil {
			return false, err
		}
		if h.Time.Std().Sub(l.Time.Std()) > maxFall {
			return false, nil
		}
	}
	for _, n := range after {
		h, err := statement.ParseHead(n.Head)
		if err != nil {
			return false, err
		}
		if l.Time.Std().Sub(h.Time.Std()) > maxFall {
			return false, nil
		}
	}
	return true, nil
}

// keepProof keeps the tile and path that prove a leaf, for evidence later.
func (r *receiving) keepProof(index int64) error {
	n := index / 256
	i := slices.IndexFunc(r.in.tiles, func(t translog.TileProof) bool { return t.N == n })
	t := r.in.tiles[i]
	var hashes bytes.Buffer
	for _, h := range t.Hashes {
		hashes.Write(h[:])
	}
	if err := r.b.tx.PutTile(r.in.cp.Origin, 0, n, hashes.Bytes()); err != nil {
		return err
	}
	return r.b.tx.PutTilePath(store.TilePath{Origin: r.in.cp.Origin, N: n, Size: r.in.cp.Size, Path: t.Path})
}

// ancestors notes which heads this one comes after and are not here, so that they are asked for.
func (r *receiving) ancestors(l located) error {
	// spec: THR-5
	tx := r.b.tx
	if err := tx.DropWanted(l.ID); err != nil {
		return err
	}
	ids := l.After
	if !l.IsOpener() && !slices.Contains(ids, l.Thread) {
		ids = append(slices.Clone(ids), l.Thread)
	}
	for _, id := range ids {
		_, err := tx.Statement(id)
		if fault.CodeOf(err) == fault.NotFound {
			err = tx.PutWanted(id, r.in.author)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *receiving) bodyUsed(l located) { r.in.bodyUsed[l.Body.SHA256] = true }

// body keeps a head's body, if it came along, and announces its blobs. A body that cannot be kept refuses the statement.
func (r *receiving) body(l located) (*refusal, error) {
	if l.Body == nil {
		return nil, nil
	}
	raw, ok := r.in.bodies[l.Body.SHA256]
	if !ok {
		return nil, r.b.tx.PutContent(store.ContentRef{Statement: l.ID, Part: store.BodyPart}, l.Body.SHA256, l.Body.Size)
	}
	r.bodyUsed(l)
	return r.keepBody(l, raw)
}

func (r *receiving) keepBody(l located, raw []byte) (*refusal, error) {
	tx, ref := r.b.tx, store.ContentRef{Statement: l.ID, Part: store.BodyPart}
	have, err := tx.Content(ref)
	if err == nil && (have.Erased || have.Whole) { // spec: STM-7
		return nil, nil
	}
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return nil, err
	}
	body, err := statement.ParseBody(raw)
	if err == nil {
		err = body.Matches(l.Head)
	}
	if err != nil { // spec: STM-3
		return &refusal{head: l.Head, clause: fault.ClauseOf(err), reason: "body"}, nil
	}
	if err := putWhole(tx, ref, raw); err != nil {
		return nil, err
	}
	for i, b := range body.Blobs {
		if err := tx.PutContent(store.ContentRef{Statement: l.ID, Part: i}, b.SHA256, b.Size); err != nil {
			return nil, err
		}
		if b.Size == 0 {
			if err := tx.SetWhole(store.ContentRef{Statement: l.ID, Part: i}); err != nil {
				return nil, err
			}
		}
	}
	r.bodies = append(r.bodies, arrived{l.ID, l.index})
	return nil, nil
}

// lateBodies takes the bodies of heads that came in an earlier packet, and refuses those of no head at all.
func (r *receiving) lateBodies() error {
	// spec: PKT-8
	for sum, raw := range r.in.bodies {
		if r.in.bodyUsed[sum] {
			continue
		}
		refs, err := r.b.tx.FindContent(sum)
		if err != nil {
			return err
		}
		if len(refs) == 0 {
			return fault.New(fault.NotAuthentic, "PKT-8", "a body belongs to no head")
		}
		for _, ref := range refs {
			if ref.Part != store.BodyPart {
				continue
			}
			row, err := r.b.tx.Statement(ref.Statement)
			if err != nil {
				return err
			}
			h, err := statement.ParseHead(row.Head)
			if err != nil {
				return err
			}
			if row.Origin != r.in.cp.Origin {
				continue
			}
			if _, err := r.keepBody(located{h, row.Index}, raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// blob takes a part of a blob where it continues what is here.
func (r *receiving) blob(p blobPart) error {
	// spec: PKT-8, STM-7
	tx := r.b.tx
	refs, err := tx.FindContent(p.sha256)
	if err != nil {
		return err
	}
	mine := false
	for _, ref := range refs {
		row, err := tx.Statement(ref.Statement)
		if err != nil {
			return err
		}
		if ref.Part == store.BodyPart || row.Origin != r.in.cp.Origin {
			continue
		}
		mine = true
		c, err := tx.Content(ref)
		if err != nil {
			return err
		}
		if err := r.extend(ref, c, p, row); err != nil {
			return err
		}
	}
	if !mine {
		return fault.New(fault.NotAuthentic, "PKT-8", "a blob belongs to no body")
	}
	return nil
}

func (r *receiving) extend(ref store.ContentRef, c store.Content, p blobPart, row store.Statement) error {
	tx := r.b.tx
	switch {
	case c.Erased:
		r.Blobs[p.sha256] = Dropped
		return nil
	case c.Whole:
		r.Blobs[p.sha256] = c.Size
		if !row.BlobReceipt.IsZero() && !slices.Contains(r.again, row.BlobReceipt) {
			r.again = append(r.again, row.BlobReceipt)
		}
		return nil
	case p.offset > c.Arrived:
		r.Blobs[p.sha256] = c.Arrived
		return nil
	}
	fresh := p.data[min(c.Arrived-p.offset, int64(len(p.data))):]
	if c.Arrived+int64(len(fresh)) > c.Size {
		return fault.New(fault.Malformed, "PKT-8", "a blob is longer than its body says")
	}
	if len(fresh) > 0 {
		if err := tx.Append(ref, c.Arrived, fresh); err != nil {
			return err
		}
	}
	r.Blobs[p.sha256] = c.Arrived + int64(len(fresh))
	if r.Blobs[p.sha256] < c.Size {
		return nil
	}
	return r.whole(ref, c, row)
}

// whole checks a blob that has arrived to its last byte, and counts its statement's blobs.
func (r *receiving) whole(ref store.ContentRef, c store.Content, row store.Statement) error {
	tx := r.b.tx
	if err := tx.SetWhole(ref); err != nil {
		return err
	}
	sum := sha256.New()
	if err := tx.Read(ref, sum); err != nil {
		return err
	}
	if statement.Digest(sum.Sum(nil)) != c.SHA256 {
		r.Blobs[c.SHA256] = 0
		return tx.Reset(ref)
	}
	h, err := statement.ParseHead(row.Head)
	if err != nil {
		return err
	}
	n := 0
	for part := range h.Body.Blobs {
		c, err := tx.Content(store.ContentRef{Statement: row.ID, Part: part})
		if err != nil {
			return err
		}
		if c.Whole {
			n++
		}
	}
	r.blobs[row.ID] = n
	return nil
}

// peer notes that the author was heard from, and what it asked for.
func (r *receiving) peer() error {
	tx := r.b.tx
	for _, id := range r.in.want {
		if err := tx.PutRequested(r.in.sender, id); err != nil {
			return err
		}
	}
	p, err := tx.Peer(r.in.author)
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
