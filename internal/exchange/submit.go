package exchange

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Draft is what an officer wants to say. In a thread that is open already To, Agreement, Track and Exercise are the thread's and are left empty.
type Draft struct {
	Thread     thread.ID // zero: opens one
	To         []party.Code
	Agreement  agreement.ID // zero: under the charter
	Kind       statement.Kind
	Marking    marking.Marking
	Track      statement.Track
	Precedence statement.Precedence // "" in an open thread: the opener's
	Exercise   bool
	By         statement.By
	Facts      jsontext.Value
	Title      string
	Text       string
	Rest       map[string]jsontext.Value // what the kind's body has beside
	Blobs      []Attachment
	Approval   store.DraftID // what a second officer has approved; zero: nothing. Options.Guard holds it against what would be said
}

// Attachment is a blob of a draft. Data is read twice: for its digest, and into the store. What is in memory already is given as Raw instead, which is not changed until it is said.
type Attachment struct {
	Name string
	Type string // media type
	Data io.ReadSeeker
	Raw  []byte // where Data is nil
}

// Said is what came of a draft.
type Said struct {
	ID      statement.ID   `json:"id"`
	Thread  thread.ID      `json:"thread"`
	Index   int64          `json:"index"` // leaf in the own log
	Time    statement.Time `json:"time"`
	Verdict Verdict        `json:"verdict"`
}

// Submit says something: when it returns nil, the statement is decided on, logged, signed and durable, and will be delivered.
//
// Errors: fault.Denied with a Denial as cause; fault.Inadmissible when the thread's state does not admit it; fault.Unknown when a recipient's
// letter is not confirmed; fault.NotFound for an unknown thread or agreement; fault.Clock when the own clock fell by more than a minute;
// fault.Malformed or fault.TooLarge for what cannot be said at all. Nothing is logged then.
func (x *Exchange) Submit(ctx context.Context, d Draft) (Said, error) {
	said, errs := x.SubmitAll(ctx, []Draft{d})
	return said[0], errs[0]
}

// SubmitAll is Submit for several drafts, in their order and each by itself: one that is refused leaves the others alone. Up to 512 of
// them share a transaction and a signature, with those that wait at the same time.
func (x *Exchange) SubmitAll(ctx context.Context, drafts []Draft) ([]Said, []error) {
	said, errs := make([]Said, len(drafts)), make([]error, len(drafts))
	ctx, end := x.submitting(ctx, drafts)
	defer end(errs)
	jobs := make([]*job, len(drafts))
	for i, d := range drafts {
		jobs[i] = newJob(ctx, x.sayingFor(ctx, d, &said[i]))
		jobs[i].plain = true
	}
	x.enqueue(ctx, jobs)
	for i, j := range jobs {
		if errs[i] = x.await(j); errs[i] != nil {
			said[i] = Said{}
		}
	}
	return said, errs
}

// sayingFor is the job that says d, for whoever ctx is of.
func (x *Exchange) sayingFor(ctx context.Context, d Draft, said *Said) func(b *batch) error {
	d.Blobs = slices.Clone(d.Blobs)
	blobs, failed := describe(d.Blobs)
	return func(b *batch) error {
		if failed != nil {
			return failed
		}
		x.Reached.At(pointAsked)
		d, err := x.spoken(ctx, b.tx, d)
		if err != nil {
			return err
		}
		h, body, err := x.compose(b, d, blobs)
		if err != nil {
			return err
		}
		x.Reached.At(pointComposed)
		v, err := x.mayLeave(b.tx, h)
		if err != nil {
			return err
		}
		if err := x.passOn(b.tx, h, body); err != nil {
			return err
		}
		if err := x.guard(ctx, b.tx, &d, blobs, h, v); err != nil {
			return err
		}
		x.Reached.At(pointDecided)
		*said = Said{ID: h.ID, Thread: h.ThreadID(), Index: b.next(), Time: h.Time, Verdict: v}
		return x.say(b, h, body, d.Blobs)
	}
}

// mayLeave decides at the author's side: what both signed, then the party's own caveats.
func (x *Exchange) mayLeave(tx store.Tx, h *statement.Head) (Verdict, error) {
	// spec: DEC-4
	v, err := x.Decide(tx, h)
	if err != nil {
		return v, err
	}
	if v, err = x.caveats(v, h); err != nil {
		return v, err
	}
	if !v.Permitted && !x.Unchecked {
		return v, denied(v)
	}
	return v, nil
}

// maxHeld is how many bytes of attachments are held in memory between their digest and the transaction, so that a slow disk or pipe does not
// hold up everybody who wants to write. What is larger is read a second time inside it.
const maxHeld = 16 << 20

// describe reads each attachment once for its size and digest.
func describe(in []Attachment) ([]statement.Blob, error) {
	out := make([]statement.Blob, len(in))
	room := int64(maxHeld)
	for i := range in {
		a := &in[i]
		if a.Data == nil {
			out[i] = statement.Blob{Name: a.Name, Type: a.Type, Size: int64(len(a.Raw)), SHA256: statement.Sum(a.Raw)}
			continue
		}
		sum := sha256.New()
		var held bytes.Buffer
		if _, err := a.Data.Seek(0, io.SeekStart); err != nil {
			return nil, fault.Wrap(err, fault.Usage, "", "the attachment %d cannot be read from its beginning", i+1)
		}
		n, err := io.Copy(io.MultiWriter(sum, &upTo{&held, room + 1}), a.Data)
		if err != nil {
			return nil, fault.Wrap(err, fault.Usage, "", "the attachment %d cannot be read", i+1)
		}
		if n <= room {
			a.Data, room = bytes.NewReader(held.Bytes()), room-n
		}
		out[i] = statement.Blob{Name: a.Name, Type: a.Type, Size: n, SHA256: statement.Digest(sum.Sum(nil))}
	}
	return out, nil
}

// upTo keeps the first bytes of what is written and lets the rest go.
type upTo struct {
	w    *bytes.Buffer
	left int64
}

func (u *upTo) Write(b []byte) (int, error) {
	keep := b[:min(u.left, int64(len(b)))]
	u.left -= int64(len(keep))
	_, _ = u.w.Write(keep) // a buffer takes everything
	return len(b), nil
}

// compose writes body and head as they will be for ever.
func (x *Exchange) compose(b *batch, d Draft, blobs []statement.Blob) (*statement.Head, *statement.Body, error) {
	h := statement.Head{
		From: x.Self, Thread: d.Thread, Kind: d.Kind, Marking: d.Marking, Track: d.Track, Precedence: d.Precedence,
		Exercise: d.Exercise, By: d.By, Facts: d.Facts,
	}
	spec, ok := x.Rules.Spec(d.Kind)
	if !ok {
		return nil, nil, fault.New(fault.Usage, "ENC-8", "there is no kind %q", string(d.Kind))
	}
	var err error
	if d.Thread.IsZero() {
		err = x.open(b, d, spec, &h)
	} else {
		err = x.follow(b, d, &h)
	}
	if err != nil {
		return nil, nil, err
	}
	body, err := x.composeBody(d, blobs)
	if err != nil {
		return nil, nil, err
	}
	if body != nil {
		ref := body.Ref()
		h.Body = &ref
	}
	if h.Nonce, err = statement.MakeNonce(x.Random); err != nil {
		return nil, nil, err
	}
	if h.Time, err = x.clock(b); err != nil {
		return nil, nil, err
	}
	head, err := statement.Compose(h)
	if err != nil {
		return nil, nil, err
	}
	return head, body, x.Rules.CheckBody(head, body)
}

// open fills in what an opener has.
func (x *Exchange) open(b *batch, d Draft, spec thread.KindSpec, h *statement.Head) error {
	if !spec.Opens {
		return fault.New(fault.Inadmissible, "THR-1", "%s opens no thread", d.Kind)
	}
	h.To = slices.Clone(d.To)
	slices.Sort(h.To)
	for _, c := range h.To {
		if _, err := b.tx.Letter(c); err != nil {
			if fault.CodeOf(err) == fault.NotFound { // spec: LTR-8
				return fault.New(fault.Unknown, "LTR-8", "there is no confirmed letter of %s", c)
			}
			return err
		}
	}
	if d.Agreement.IsZero() {
		return nil
	}
	var err error
	h.Agreement, err = x.relied(b, d.Agreement, h.To)
	return err
}

// follow fills in what a later head of a thread has from the thread.
func (x *Exchange) follow(b *batch, d Draft, h *statement.Head) error {
	t, err := b.thread(d.Thread)
	if err != nil {
		return err
	}
	if !t.known {
		return fault.New(fault.NotFound, "THR-1", "there is no thread %s here", d.Thread.Short())
	}
	s := t.state
	if desk := d.Kind.Desk(); desk != "receipt" && desk != "thread" && !admits(x.Rules.Moves(s, x.Self), d.Kind) {
		return fault.New(fault.Inadmissible, "THR-6", "%s cannot be said by %s in this thread now", d.Kind, x.Self)
	}
	h.To = others(s.Participants, x.Self)
	var heads []*statement.Head
	if x.Rules.Wide(s) {
		if heads, err = Heads(b.tx, d.Thread); err != nil {
			return err
		}
	}
	h.After = x.Rules.AfterOf(s, heads, x.Self)
	if d.Kind == thread.KindAdmit {
		if err := x.admission(b, d, s, h); err != nil {
			return err
		}
	}
	h.Track, h.Exercise = s.Opener.Track, s.Opener.Exercise
	if h.Precedence == "" {
		h.Precedence = s.Opener.Precedence
	}
	if s.Opener.Agreement.IsZero() {
		return nil
	}
	h.Agreement, err = x.relied(b, s.Opener.Agreement, h.To)
	return err
}

func admits(moves []thread.Move, k statement.Kind) bool {
	return slices.ContainsFunc(moves, func(m thread.Move) bool { return m.Kind == k })
}

func others(codes []party.Code, self party.Code) []party.Code {
	return slices.DeleteFunc(slices.Clone(codes), func(c party.Code) bool { return c == self })
}

func (x *Exchange) composeBody(d Draft, blobs []statement.Blob) (*statement.Body, error) {
	if d.Title == "" && d.Text == "" && len(d.Rest) == 0 && len(blobs) == 0 {
		return nil, nil
	}
	nonce, err := statement.MakeNonce(x.Random)
	if err != nil {
		return nil, err
	}
	return statement.ComposeBody(statement.Body{Nonce: nonce, Title: d.Title, Text: d.Text, Blobs: blobs, Rest: d.Rest})
}

// maxBehind is how far the machine's clock may stand behind the log. A checkpoint's time is in whole seconds and read a moment later, and its heads must not be
// more than a minute ahead of it.
const maxBehind = maxFall - 5*time.Second

// clock is the time of the next own statement. It never falls: while the machine's clock stands behind the last statement by up to a minute, time
// stands still; by more, nothing is said until somebody has looked.
func (x *Exchange) clock(b *batch) (statement.Time, error) {
	// spec: LOG-7
	now := statement.TimeOf(x.Now())
	last, err := b.lastTime(x.Journal.Origin())
	if err != nil || last.IsZero() || !now.Before(last) {
		return now, err
	}
	if last.Std().Sub(now.Std()) > maxBehind {
		return now, fault.New(fault.Clock, "LOG-7", "this machine's clock is %s behind the last statement of the log: set it right; if it is right now and was ahead then, wait that long",
			last.Std().Sub(now.Std()).Round(time.Second))
	}
	return last, nil
}

// lastTime is the time of the newest own statement; zero in an empty log.
func (b *batch) lastTime(origin party.Origin) (statement.Time, error) {
	if !b.last.IsZero() || b.next() == 0 {
		return b.last, nil
	}
	s, err := b.tx.StatementAt(origin, b.next()-1)
	if fault.CodeOf(err) == fault.NotFound {
		return b.lastKnown(origin)
	}
	if err != nil {
		return statement.Time{}, err
	}
	h, err := statement.Reread(s.ID, s.Head)
	if err != nil {
		return statement.Time{}, err
	}
	b.last = h.Time
	return h.Time, nil
}

// say gives a composed head its leaf and writes it, its body, its blobs and its thread into the batch.
func (x *Exchange) say(b *batch, h *statement.Head, body *statement.Body, blobs []Attachment) error {
	if len(b.ids) == 0 { // asked here, so that what would sign fails, and not what else is in the batch
		if err := x.Journal.Permitted(b.tx); err != nil {
			return err
		}
	}
	h.Place = statement.Place{Origin: x.Journal.Origin(), Index: b.next()}
	row := store.Statement{
		ID: h.ID, Thread: h.ThreadID(), Origin: h.Place.Origin, Index: h.Place.Index, Kind: h.Kind, Precedence: h.Precedence, Head: h.Raw, Arrived: h.Time,
	}
	p := placed{folded: true}
	if h.Kind == thread.KindDelivered {
		row.Thread = thread.ID{}
	} else {
		var err error
		if p, err = x.place(b, h, h.Time); err != nil {
			return err
		}
	}
	if p.void != "" {
		return void(p.why)
	}
	row.Folded = p.folded
	put := func() error { return x.put(b, h, row, body, blobs) }
	if p.folded && len(blobs) == 0 {
		b.wrote = true
		return put()
	}
	return x.Store.Savepoint(b.tx, put)
}

// put writes an own statement with all that belongs to it.
func (x *Exchange) put(b *batch, h *statement.Head, row store.Statement, body *statement.Body, blobs []Attachment) error {
	if err := b.tx.PutStatement(row); err != nil {
		return err
	}
	b.ids, b.last = append(b.ids, h.ID), h.Time
	x.Reached.At(pointSaid)
	if body != nil {
		if err := writeContent(b.tx, h.ID, body, blobs); err != nil {
			return err
		}
		x.Reached.At(pointContent)
	}
	if !row.Folded {
		if err := x.resettle(b, h); err != nil {
			return err
		}
	}
	x.Reached.At(pointFolded)
	return x.heard(b, h)
}

// heard lets a head do what it does beside its thread.
func (x *Exchange) heard(b *batch, h *statement.Head) error {
	if h.Kind == thread.KindDelivered {
		return nil
	}
	if err := x.schedule(b.tx, h); err != nil || x.Heard == nil {
		return err
	}
	return x.Heard(b.tx, h)
}

// void is the refusal of a statement that would count for nothing in its thread.
func void(p thread.Placed) error {
	return fault.New(fault.Inadmissible, p.Clause, "the statement would be void in its thread: %s", p.Why)
}

// resettle folds the thread of a head that did not simply follow, and refuses it where it would be void or wait.
func (x *Exchange) resettle(b *batch, h *statement.Head) error {
	t, err := x.settle(b, h.ThreadID())
	if err != nil {
		return err
	}
	s, err := b.tx.Statement(h.ID)
	if err != nil {
		return err
	}
	if s.Void != "" {
		return void(thread.Placed{Clause: "THR-6", Why: s.Void})
	}
	if t.row.Waiting > 0 && !s.Folded {
		return fault.New(fault.Inadmissible, "THR-5", "the thread waits for statements that have not arrived")
	}
	return nil
}

// writeContent stores an own statement's body and blobs.
func writeContent(tx store.Tx, id statement.ID, body *statement.Body, blobs []Attachment) error {
	ref := store.ContentRef{Statement: id, Part: store.BodyPart}
	if err := tx.PutWhole(ref, statement.Sum(body.Raw), body.Raw); err != nil {
		return err
	}
	for i, a := range blobs {
		if a.Data == nil {
			if err := tx.PutWhole(store.ContentRef{Statement: id, Part: i}, body.Blobs[i].SHA256, a.Raw); err != nil {
				return err
			}
			continue
		}
		if _, err := a.Data.Seek(0, io.SeekStart); err != nil {
			return fault.Wrap(err, fault.Usage, "", "the attachment %d cannot be read again", i+1)
		}
		if err := streamIn(tx, store.ContentRef{Statement: id, Part: i}, body.Blobs[i], a.Data); err != nil {
			return err
		}
	}
	return nil
}

// streamIn copies an attachment into the store and makes sure that it is still what was described.
func streamIn(tx store.Tx, ref store.ContentRef, want statement.Blob, r io.Reader) error {
	if err := tx.PutContent(ref, want.SHA256, want.Size); err != nil {
		return err
	}
	sum := sha256.New()
	buf := make([]byte, 256<<10)
	for offset := int64(0); ; {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			sum.Write(buf[:n])
			if err := tx.Append(ref, offset, buf[:n]); err != nil {
				return err
			}
			offset += int64(n)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return fault.Wrap(err, fault.Usage, "", "an attachment cannot be read again")
		}
	}
	if statement.Digest(sum.Sum(nil)) != want.SHA256 {
		return fault.New(fault.Usage, "STM-3", "an attachment changed while it was being read")
	}
	return tx.SetWhole(ref)
}

// May decides on a draft as Submit would, and says nothing. An opener's recipients need confirmed letters, and a thread must admit the kind, as there.
func (x *Exchange) May(ctx context.Context, d Draft) (Verdict, error) {
	p, err := x.Propose(ctx, d)
	return p.Verdict, err
}
