package exchange

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// NoteUnscrubbed names the note in the store that something was erased of which its files may still hold traces: who scrubs the store takes it away. Its value is
// another one after each erasure.
const NoteUnscrubbed = "unscrubbed"

func unscrubbed(tx store.Tx) error { return tx.SetMeta(NoteUnscrubbed, rand.Text()) }

// A transaction of EraseDue takes so many statements, or so many bytes of them: who wants to write meanwhile does not wait long.
const (
	maxDue      = 256
	maxDueBytes = 64 << 20
)

// EraseAndSay destroys the bodies and blobs of statements that are here, and says d in the same transaction: either both are durable or neither is. allowed is
// asked for each of them, in that transaction, and may refuse; nil asks nobody.
//
// Errors: fault.NotFound where one of the statements is not here (RCL-7); fault.Inadmissible for what is no one's to erase; what allowed gives; those of Submit.
func (x *Exchange) EraseAndSay(ctx context.Context, ids []statement.ID, d Draft, allowed func(*statement.Head) error) (Said, error) {
	// spec: RCL-7, RCP-5
	var said Said
	say := x.sayingFor(ctx, d, &said)
	err := x.write(ctx, func(b *batch) error {
		for _, id := range ids {
			s, err := b.tx.Statement(id)
			if fault.CodeOf(err) == fault.NotFound {
				return fault.New(fault.NotFound, "RCL-7", "the statement %s is not here: whose it is cannot be known, so nothing is erased for it", id.Short())
			}
			if err != nil {
				return err
			}
			h, err := statement.Reread(s.ID, s.Head)
			if err != nil {
				return err
			}
			if IsRecord(h.Kind) {
				return fault.New(fault.Inadmissible, "RCL-7", "%s is a text that others are judged by: it is not erased", h.Kind)
			}
			if allowed != nil {
				if err := allowed(h); err != nil {
					return err
				}
			}
			if err := erase(b.tx, id, h); err != nil {
				return err
			}
		}
		if err := unscrubbed(b.tx); err != nil {
			return err
		}
		return say(b)
	})
	if err != nil {
		return Said{}, err
	}
	return said, nil
}

// ErasedDue is what one transaction of EraseDue did.
type ErasedDue struct {
	Statements int
	IDs        []statement.ID // of these
	More       bool           // others are due
}

// EraseDue erases what is due by now by its date (RET-1), as much as one transaction takes. It may be repeated and interrupted at any point: what is done is done.
func (x *Exchange) EraseDue(ctx context.Context, now time.Time) (ErasedDue, error) {
	// spec: RET-1
	by := statement.TimeOf(now)
	var out ErasedDue
	var due []store.Due
	look := func(tx store.Tx) (err error) {
		due, err = tx.Due(by, maxDue+1)
		return err
	}
	// What finds nothing to do costs no write.
	if err := x.Store.View(ctx, look); err != nil || len(due) == 0 {
		return out, err
	}
	err := x.write(ctx, func(b *batch) error {
		out = ErasedDue{}
		if err := look(b.tx); err != nil {
			return err
		}
		room := int64(maxDueBytes)
		for i, d := range due {
			if i == maxDue || room <= 0 {
				out.More = true
				break
			}
			s, err := b.tx.Statement(d.Statement)
			if err != nil {
				return err
			}
			h, err := statement.Reread(s.ID, s.Head)
			if err != nil {
				return err
			}
			if err := erase(b.tx, d.Statement, h); err != nil {
				return err
			}
			if h.Body != nil {
				room -= h.Body.Size + h.Body.BlobBytes
			}
			out.Statements++
			out.IDs = append(out.IDs, d.Statement)
		}
		return unscrubbed(b.tx)
	})
	return out, err
}

// erase leaves tombstones for body and blobs of a statement, and forgets its date. h is nil where its head is not here.
func erase(tx store.Tx, id statement.ID, h *statement.Head) error {
	// spec: STM-7
	parts := 0
	if h != nil && h.Body != nil {
		parts = h.Body.Blobs
	}
	for part := store.BodyPart; part < parts; part++ {
		if err := tx.Erase(store.ContentRef{Statement: id, Part: part}); err != nil {
			return err
		}
	}
	return tx.DropDue(id)
}

// IsRecord tells of a kind whose bodies others are judged by: the texts of agreements, and letters. They have no date and are not recalled.
func IsRecord(k statement.Kind) bool {
	// spec: RCL-7, RET-1
	return k.Desk() == deskMaking || k.Desk() == "credence"
}

// schedule notes when the content of a new statement is to be erased: on the date of its marking, else of its agreement.
func (x *Exchange) schedule(tx store.Tx, h *statement.Head) error {
	// spec: RET-1, RET-2
	if h.Body == nil || IsRecord(h.Kind) {
		return nil
	}
	r, err := x.Retained(tx, h)
	if err != nil || r.Until.IsZero() {
		return err
	}
	return tx.PutDue(h.ID, r.Until)
}

// Retention is until when a statement's content may be kept, and what says so.
type Retention struct {
	Until     statement.Time // zero: for ever
	Agreement agreement.ID   // that says so; zero: its marking does
	Article   string
}

// Retained tells until when a statement's content may be kept here.
func (x *Exchange) Retained(tx store.Tx, h *statement.Head) (r Retention, err error) {
	// spec: RET-1, RET-2
	if until := h.Marking.RetainUntil; until != "" {
		r.Until, err = statement.ParseTime(until)
		return r, err
	}
	if h.Agreement == nil || h.IsOpener() && len(h.To) == 0 {
		return r, nil
	}
	policy, err := x.text(tx, h)
	if err != nil || policy == nil {
		return r, err
	}
	if use := policy.Use(h.Kind); use.Retention > 0 {
		r = Retention{Until: h.Time.Add(time.Duration(use.Retention) * time.Second), Agreement: h.Agreement.ID, Article: use.RetentionBy}
	}
	return r, nil
}

// Holders lists who got a statement's head, as far as this node knows: its recipients, and who was admitted to its thread since.
func Holders(tx store.Tx, h *statement.Head) ([]party.Code, error) {
	// spec: RCL-2
	got := slices.Clone(h.To)
	heads, err := Heads(tx, h.ThreadID())
	if err != nil {
		return nil, err
	}
	for _, other := range heads {
		if other.Kind != thread.KindAdmit {
			continue
		}
		f, err := thread.Facts[thread.Admitted](other)
		if err != nil || slices.Contains(got, f.Party) || f.Party == h.From {
			continue
		}
		got = append(got, f.Party)
	}
	return got, nil
}
