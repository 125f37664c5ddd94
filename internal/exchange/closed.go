package exchange

import (
	"context"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// lettered is what a party's letters say of one of its logs.
type lettered struct {
	keys    party.PublicKeys
	closing *party.Closing // what stands of it; nil: it is open
	revoked bool           // its keys are no longer to be trusted
}

// logKeys finds the keys of a log, open or closed, in the letters that were ever confirmed here of its party. Error: fault.Unknown without a confirmed
// letter, fault.Revoked for a log that no held letter names.
func (x *Exchange) logKeys(tx store.Letters, origin party.Origin) (lettered, error) {
	// spec: LTR-7, LTR-8
	newest, err := x.letter(tx, origin.Code())
	if err != nil {
		return lettered{}, err
	}
	if newest.Origin == origin { // the common case, in which no other letter has to be read
		return lettered{keys: newest.Log}, nil
	}
	h, err := x.history(tx, newest)
	if err != nil {
		return lettered{}, err
	}
	var l lettered
	if l.keys, l.closing, l.revoked, err = h.Keys(origin); err != nil || l.closing == nil {
		return l, fault.New(fault.Revoked, "LTR-8", "the open log of %s is %s, not this one", origin.Code(), newest.Origin)
	}
	return l, nil
}

// history is the letters that led to the newest.
func (x *Exchange) history(tx store.Letters, newest *party.Letter) (*party.History, error) {
	chain, err := x.chain(tx, newest)
	if err != nil {
		return nil, err
	}
	return party.MakeHistory(chain...)
}

// Held lists a party's letters that are confirmed or were, the oldest first, each named by the one after it, as far back as they are held.
func (x *Exchange) Held(tx store.Letters, code party.Code) ([]*party.Letter, error) {
	newest, err := x.letter(tx, code)
	if err != nil {
		return nil, err
	}
	return x.chain(tx, newest)
}

func (x *Exchange) chain(tx store.Letters, newest *party.Letter) ([]*party.Letter, error) {
	held := map[statement.Digest]store.Letter{}
	if newest.Serial > 1 {
		if err := tx.EachLetter(func(row store.Letter) bool {
			if row.Code == newest.Code && row.Status != store.LetterImported {
				held[row.Digest] = row
			}
			return true
		}); err != nil {
			return nil, err
		}
	}
	chain := []*party.Letter{newest}
	for l := newest; ; {
		row, ok := held[l.Previous]
		if !ok {
			slices.Reverse(chain)
			return chain, nil
		}
		delete(held, l.Previous)
		var err error
		if l, err = x.Parsed(row); err != nil {
			return nil, err
		}
		chain = append(chain, l)
	}
}

// Logs lists the logs of a party, the oldest first, the open one last: what its letters that are held here name.
func (x *Exchange) Logs(tx store.Letters, code party.Code) ([]Log, error) {
	newest, err := x.letter(tx, code)
	if err != nil {
		return nil, err
	}
	if newest.Origin.Serial() == 1 {
		return []Log{{Origin: newest.Origin}}, nil
	}
	chain, err := x.chain(tx, newest)
	if err != nil {
		return nil, err
	}
	h, err := party.MakeHistory(chain...)
	if err != nil {
		return nil, err
	}
	var out []Log
	for serial := 1; serial <= newest.Origin.Serial(); serial++ {
		l := Log{Origin: party.MakeOrigin(code, serial)}
		_, closing, revoked, err := h.Keys(l.Origin)
		if err != nil { // before the first letter that is held; what that one says of the log before is known
			if first := chain[0]; first.Closing != nil && first.Closing.Origin == l.Origin {
				out = append(out, Log{l.Origin, first.Closing, first.Revokes})
			}
			continue
		}
		l.Closing, l.Revoked = closing, revoked
		out = append(out, l)
	}
	return out, nil
}

// Log is one log of a party.
type Log struct {
	Origin  party.Origin
	Closing *party.Closing // what stands of it; nil for the open one
	Revoked bool           // its keys are no longer to be trusted
}

// Stands tells whether a leaf of the log stands.
func (l Log) Stands(index int64) bool { return l.Closing == nil || index < l.Closing.Size }

// closed holds a checkpoint of a log that a later letter has closed against what stands of it, before what was accepted of it is asked. done: it needs no
// more.
func (r *receiving) closed(last translog.Tree) (done bool, err error) {
	// spec: LTR-7, LTR-11
	cp, closing := r.in.cp, r.in.log.closing
	if closing == nil {
		return false, nil
	}
	if cp.Size == closing.Size { // unseal has compared the roots
		if last.Size <= cp.Size {
			return false, nil
		}
		// More was accepted here than stands: the letter decides, and nothing has to lead from one to the other.
		r.Accepted = cp.Size
		_, err := r.keepCheckpoint(cp)
		return true, err
	}
	if !r.in.log.revoked {
		return false, nil
	}
	known := false
	if err := r.b.tx.Checkpoints(cp.Origin, cp.Size, func(c store.Checkpoint) bool {
		known = known || c.Size == cp.Size && c.Root == cp.Root && c.Proven
		return c.Size <= cp.Size && !known
	}); err != nil {
		return false, err
	}
	if !known {
		return false, fault.New(fault.Revoked, "LTR-7", "the keys of %s were revoked: only the checkpoint that closes the log proves what stands of it", cp.Origin)
	}
	return true, nil
}

// BeyondClosing is shown as the reason why a statement does not count that was accepted before its log was closed below it.
const BeyondClosing = "beyond-closing"

// Supersede runs f, which puts a letter in the place of the one before. Where f gives what the new one leaves of a log, heads that were accepted above that
// are taken out of their threads: they stand for nobody, here as little as where they never came. They stay in the store, for evidence.
func (x *Exchange) Supersede(ctx context.Context, f func(tx store.Tx) (*party.Closing, error)) error {
	return x.write(ctx, func(b *batch) error {
		closing, err := f(b.tx)
		if err != nil || closing == nil {
			return err
		}
		return x.shorten(b, closing)
	})
}

func (x *Exchange) shorten(b *batch, closing *party.Closing) error {
	// spec: LTR-11
	var rows []store.Statement
	if err := b.tx.Scan(closing.Origin, "", closing.Size, func(s store.Statement) bool {
		rows = append(rows, s)
		return true
	}); err != nil {
		return err
	}
	threads := map[thread.ID]bool{}
	for _, s := range rows {
		if err := b.judged(s, false, BeyondClosing); err != nil {
			return err
		}
		if !s.Thread.IsZero() {
			threads[s.Thread] = true
		}
	}
	for id := range threads {
		t, err := b.thread(id)
		if err != nil {
			return err
		}
		t.stale, t.dirty, t.known, t.standing, t.reliance, t.said = true, true, false, nil, nil, nil
		t.state, t.row.State, t.row.Summary = thread.State{}, nil, nil
		b.put(id, &t)
		if _, err := x.settle(b, id); err != nil {
			return err
		}
	}
	return nil
}
