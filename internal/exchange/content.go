package exchange

import (
	"crypto/sha256"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Dropped stands for a blob that was erased here and will not be kept (STM-7).
const Dropped = -1

// body keeps a head's body, if it came along, and announces its blobs. A body that cannot be kept refuses the statement.
func (r *receiving) body(l located) (*refusal, error) {
	if l.Body == nil {
		return nil, nil
	}
	raw, ok := r.in.bodies[l.Body.SHA256]
	if !ok {
		return nil, r.b.tx.PutContent(store.ContentRef{Statement: l.ID, Part: store.BodyPart}, l.Body.SHA256, l.Body.Size)
	}
	return r.keepBody(l, raw)
}

func (r *receiving) keepBody(l located, raw []byte) (*refusal, error) {
	tx, ref := r.b.tx, store.ContentRef{Statement: l.ID, Part: store.BodyPart}
	have, err := tx.Content(ref)
	if err == nil && (have.Erased || have.Whole) { // spec: STM-7
		if have.Erased {
			r.Dropped = append(r.Dropped, l.ID)
		}
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
	if err := tx.PutWhole(ref, l.Body.SHA256, raw); err != nil {
		return nil, err
	}
	here := 0
	for i, b := range body.Blobs {
		if err := tx.PutContent(store.ContentRef{Statement: l.ID, Part: i}, b.SHA256, b.Size); err != nil {
			return nil, err
		}
		if b.Size == 0 { // nothing of it will ever come
			here++
			if err := tx.SetWhole(store.ContentRef{Statement: l.ID, Part: i}); err != nil {
				return nil, err
			}
		}
	}
	if here > 0 {
		r.blobs[l.ID] = here
	}
	r.bodies = append(r.bodies, l.index)
	r.x.Reached.At(pointBody)
	return nil, nil
}

// blob takes a part of a blob where it continues what is here.
func (r *receiving) blob(p blobPart) error {
	// spec: PKT-8, STM-7
	tx := r.b.tx
	refs, err := tx.FindBlobs(p.sha256)
	if err != nil {
		return err
	}
	mine, erased, least := false, true, int64(-1)
	for _, ref := range refs {
		row, err := tx.Statement(ref.Statement)
		if err != nil {
			return err
		}
		if row.Origin != r.in.cp.Origin {
			continue
		}
		mine = true
		c, err := tx.Content(ref)
		if err != nil {
			return err
		}
		if c.Erased {
			continue
		}
		have, err := r.extend(ref, c, p, row)
		if err != nil {
			return err
		}
		// Where several bodies name it, it is sent until all of them have it.
		if erased || have < least {
			least = have
		}
		erased = false
	}
	switch {
	case !mine:
		return fault.New(fault.NotAuthentic, "PKT-8", "a blob belongs to no body")
	case erased:
		r.Blobs[p.sha256] = Dropped
	default:
		r.Blobs[p.sha256] = least
	}
	return nil
}

// extend adds what a part has beyond what is here. It reports how much is here then.
func (r *receiving) extend(ref store.ContentRef, c store.Content, p blobPart, row store.Statement) (int64, error) {
	tx := r.b.tx
	switch {
	case c.Whole:
		return c.Size, r.receiptAgain(store.BlobArrived, row.Index)
	case p.offset > c.Arrived:
		return c.Arrived, nil
	}
	fresh := p.data[min(c.Arrived-p.offset, int64(len(p.data))):]
	have := c.Arrived + int64(len(fresh))
	if have > c.Size {
		return 0, fault.New(fault.NotAuthentic, "PKT-8", "a blob is longer than its body says")
	}
	if len(fresh) > 0 {
		if err := tx.Append(ref, c.Arrived, fresh); err != nil {
			return 0, err
		}
		r.x.Reached.At(pointPart)
	}
	if have < c.Size {
		return have, nil
	}
	return r.whole(ref, c, row)
}

// whole checks a blob that has arrived to its last byte, and counts its statement's blobs. It reports how much is here then: none, where the bytes were others.
func (r *receiving) whole(ref store.ContentRef, c store.Content, row store.Statement) (int64, error) {
	tx := r.b.tx
	if err := tx.SetWhole(ref); err != nil {
		return 0, err
	}
	sum := sha256.New()
	if err := tx.Read(ref, sum); err != nil {
		return 0, err
	}
	if statement.Digest(sum.Sum(nil)) != c.SHA256 {
		return 0, tx.Reset(ref)
	}
	h, err := statement.ParseHead(row.Head)
	if err != nil {
		return 0, err
	}
	n := 0
	for part := range h.Body.Blobs {
		c, err := tx.Content(store.ContentRef{Statement: row.ID, Part: part})
		if err != nil {
			return 0, err
		}
		if c.Whole {
			n++
		}
	}
	r.blobs[row.ID] = n
	r.x.Reached.At(pointWhole)
	return c.Size, nil
}
