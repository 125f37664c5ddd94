package evidence

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// Verify says what a bundle proves to somebody who trusts the given letters, which may be none. It never fails: what does not hold is in the
// report.
func Verify(b *Bundle, trusted []*party.Letter) Report {
	v := &verifier{
		letters:     newCredentials(trusted, b.Letters),
		checkpoints: map[noteKey]opened{},
		witnesses:   map[noteKey][]Witness{},
	}
	items := make([]*checked, len(b.Items))
	for i := range b.Items {
		items[i] = v.item(&b.Items[i])
	}
	arrivals(items)
	r := Report{Items: make([]ItemReport, len(items)), Letters: v.letters.reports}
	for i, c := range items {
		r.Items[i] = c.report
	}
	return r
}

// verifier holds what items share, so that a checkpoint of many heads is verified once.
type verifier struct {
	letters     *credentials
	checkpoints map[noteKey]opened
	witnesses   map[noteKey][]Witness
}

type noteKey struct {
	origin party.Origin
	note   [sha256.Size]byte
}

type opened struct {
	checkpoint translog.Checkpoint
	err        error
}

// checked is an item on its way to a report.
type checked struct {
	report ItemReport
	head   *statement.Head
	roots  map[int64]translog.Hash // proven, by size
}

func (v *verifier) item(it *Item) *checked {
	c := &checked{report: ItemReport{Verdict: NotProven, Index: it.Proof.Index}, roots: map[int64]translog.Hash{}}
	if err := v.prove(it, c); err != nil {
		c.report.Why = finding(err)
		return c
	}
	c.report.Verdict = Proven
	if len(it.Cosigned) > 0 {
		var err error
		if c.report.Witnessed, err = v.witnessed(it, c); err != nil {
			c.report.Unwitnessed = finding(err)
		}
	}
	return c
}

// maxAhead is how far a head's time may be ahead of the checkpoint that proves it (LOG-7).
const maxAhead = time.Minute

// prove checks all of EVD-3 and fills in what the report says of the item.
func (v *verifier) prove(it *Item, c *checked) error {
	// spec: EVD-3
	head, err := statement.ParseHead(it.Head)
	if err != nil {
		return err
	}
	c.describe(head)
	if err := c.body(it.Body); err != nil {
		return err
	}
	origin, err := translog.PeekOrigin(it.Proof.Checkpoint)
	if err != nil {
		return err
	}
	c.report.Origin = origin
	if origin.Code() != head.From {
		return fault.New(fault.NotAuthentic, "LOG-6", "the checkpoint is not one of the author's log")
	}
	cp, err := v.open(it.Proof.Checkpoint, origin)
	if err != nil {
		return err
	}
	c.report.Signed = statement.TimeOf(cp.Time)
	// spec: LOG-7
	if head.Time.Std().Sub(cp.Time) > maxAhead {
		return fault.New(fault.NotAuthentic, "LOG-7", "the statement is dated after the checkpoint that proves it")
	}
	if err := translog.CheckInclusion(it.Proof.Path, cp.Size, it.Proof.Index, translog.LeafHash(head.ID), cp.Root); err != nil {
		return err
	}
	if err := v.standing(it, cp); err != nil {
		return err
	}
	c.roots[cp.Size] = cp.Root
	v.letters.rely(head.From)
	return nil
}

func (c *checked) describe(h *statement.Head) {
	c.head = h
	r := &c.report
	r.ID, r.From, r.To, r.Kind, r.Time = h.ID, h.From, h.To, h.Kind, h.Time
	r.Body = BodyNone
	if h.Body != nil {
		r.Body, r.Blobs = BodyWithheld, h.Body.Blobs
	}
}

// body holds what is shown of the body against the head. Showing none takes nothing from the head's proof.
func (c *checked) body(raw []byte) error {
	// spec: EVD-3, EVD-7
	if len(raw) == 0 {
		return nil
	}
	b, err := statement.ParseBody(raw)
	if err != nil {
		return err
	}
	if err := b.Matches(c.head); err != nil {
		return err
	}
	c.report.Body = BodyPresent
	return nil
}

// open verifies a checkpoint under the letter of its party (LOG-4) and against what stands of its log (LTR-7).
func (v *verifier) open(note []byte, origin party.Origin) (translog.Checkpoint, error) {
	key := noteKey{origin, sha256.Sum256(note)}
	if o, ok := v.checkpoints[key]; ok {
		return o.checkpoint, o.err
	}
	var o opened
	keys, closed, revoked, err := v.letters.keys(origin)
	if err == nil {
		o.checkpoint, err = translog.OpenCheckpoint(note, origin, keys)
	}
	// Keys that were not revoked spoke for their party, above the size at which it closed the log too: closing short takes nothing back.
	// spec: LTR-7
	if err == nil && closed != nil && (revoked || o.checkpoint.Size <= closed.Size) {
		err = closed.Check(o.checkpoint.Size, o.checkpoint.Root)
	}
	o.err = err
	v.checkpoints[key] = o
	return o.checkpoint, err
}

// standing asks for more of a log whose keys were revoked: whoever stole them can sign any tree, so only one that is shown to lead to the closing
// root stands.
func (v *verifier) standing(it *Item, cp translog.Checkpoint) error {
	_, closed, revoked, err := v.letters.keys(cp.Origin)
	if err != nil || !revoked {
		return err
	}
	// spec: LTR-7
	size, root, err := advance(it, cp)
	if err != nil || size != closed.Size || root != translog.Hash(closed.Root) {
		return fault.New(fault.Revoked, "LTR-7", "the log's keys were revoked, and no consistency leads to the root with which it was closed")
	}
	return nil
}

// advance walks the steps of consistency from a checkpoint and gives the tree that they lead to.
func advance(it *Item, cp translog.Checkpoint) (size int64, root translog.Hash, err error) {
	size, root = cp.Size, cp.Root
	for _, s := range it.Consistency {
		if s.From != size || s.To <= s.From {
			return 0, translog.Hash{}, fault.New(fault.Malformed, "EVD-4", "the steps of consistency do not lead on from one to the next")
		}
		if root, err = translog.Advance(s.Hashes, s.From, s.To, root); err != nil {
			return 0, translog.Hash{}, err
		}
		size = s.To
	}
	return size, root, nil
}

// witnessed finds the parties whose cosignature counts for the item.
func (v *verifier) witnessed(it *Item, c *checked) ([]Witness, error) {
	// spec: EVD-4, LOG-11
	cosigned, err := v.open(it.Cosigned, c.report.Origin)
	if err != nil {
		return nil, err
	}
	first, err := v.open(it.Proof.Checkpoint, c.report.Origin)
	if err != nil {
		return nil, err
	}
	size, root, err := advance(it, first)
	if err != nil {
		return nil, err
	}
	if size != cosigned.Size {
		return nil, fault.New(fault.NotAuthentic, "EVD-4", "the steps of consistency do not lead to the cosigned checkpoint")
	}
	switch {
	case root == cosigned.Root:
	case len(it.Consistency) == 0:
		return nil, fault.New(fault.Fork, "LOG-9", "the proof and the cosigned checkpoint are of two histories of the log")
	default:
		return nil, fault.New(fault.NotAuthentic, "LOG-8", "the steps of consistency do not lead to the cosigned root")
	}
	c.roots[size] = root
	key := noteKey{cosigned.Origin, sha256.Sum256(it.Cosigned)}
	found, ok := v.witnesses[key]
	if !ok {
		found = v.letters.cosigners(it.Cosigned, cosigned.Origin.Code())
		v.witnesses[key] = found
	}
	for _, w := range found {
		v.letters.rely(w.Party)
	}
	return slices.Clone(found), nil
}

// arrivals holds items against the receipts among them.
func arrivals(items []*checked) {
	// spec: EVD-5
	receipts := map[party.Origin][]receipt{}
	for _, c := range items {
		if r, ok := c.receipt(); ok {
			receipts[r.facts.Origin] = append(receipts[r.facts.Origin], r)
		}
	}
	for _, c := range items {
		if c.report.Verdict != Proven {
			continue
		}
		for _, r := range receipts[c.report.Origin] {
			if a, ok := c.arrival(r); ok {
				c.report.Arrived = append(c.report.Arrived, a)
			}
		}
		slices.SortFunc(c.report.Arrived, func(a, b Arrival) int {
			return cmp.Or(a.Time.Compare(b.Time), a.Receipt.Compare(b.Receipt))
		})
	}
}

// receipt is a proven receipt.delivered.
type receipt struct {
	head  *statement.Head
	facts thread.Delivered
}

func (c *checked) receipt() (receipt, bool) {
	// spec: RCP-1
	if c.report.Verdict != Proven || c.head.Kind != thread.KindDelivered {
		return receipt{}, false
	}
	facts, err := statement.DecodeFacts[thread.Delivered](c.head)
	if err != nil || facts.Check(c.head) != nil {
		return receipt{}, false
	}
	to := facts.Origin.Code()
	return receipt{c.head, facts}, len(c.head.To) == 1 && c.head.To[0] == to
}

// arrival is what a receipt says of the item. A receipt of another tree of the same size than the one that proves the item is one of another history.
func (c *checked) arrival(r receipt) (Arrival, bool) {
	// spec: EVD-5
	if !c.head.IsFor(r.head.From) {
		return Arrival{}, false
	}
	if root, ok := c.roots[r.facts.Size]; ok && root != translog.Hash(r.facts.Root) {
		return Arrival{}, false
	}
	i := c.report.Index
	a := Arrival{
		Party: r.head.From, Time: r.head.Time, Receipt: r.head.ID,
		Head: r.facts.CoversHead(i), Body: r.facts.CoversBody(i), Blobs: r.facts.BlobsOf(i),
	}
	return a, a.Head || a.Body || a.Blobs > 0
}
