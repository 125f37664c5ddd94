package exchange

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Who joins a thread late gets what was said in it before: from each author what that author has said, with the author's own proofs.

// admission fills in what an admission has: it goes to the new party too, and names what its author has folded.
func (x *Exchange) admission(b *batch, d Draft, s thread.State, h *statement.Head) error {
	// spec: THR-8
	f, err := thread.Facts[thread.Admitted](&statement.Head{Facts: d.Facts, Thread: s.Thread})
	if err != nil {
		return fault.New(fault.Usage, "THR-8", "an admission names the party and the thread's opener")
	}
	if !s.Opener.Agreement.IsZero() {
		return fault.New(fault.Inadmissible, "THR-8", "nobody is admitted to what was said under an agreement: its parties decide who gets it; ask the new party in a thread of its own")
	}
	heads, err := Heads(b.tx, s.Thread)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(heads, func(h *statement.Head) bool { return h.Marking.TLP == marking.Red && !h.IsFor(f.Party) }) {
		return fault.New(fault.Inadmissible, "THR-8", "something was said here under TLP:RED, which is for those alone to whom it was said: ask the new party in a thread of its own")
	}
	if _, err := b.tx.Letter(f.Party); err != nil {
		if fault.CodeOf(err) == fault.NotFound { // spec: LTR-8
			return fault.New(fault.Unknown, "LTR-8", "there is no confirmed letter of %s", f.Party)
		}
		return err
	}
	if !slices.Contains(h.To, f.Party) {
		h.To = append(h.To, f.Party)
		slices.Sort(h.To)
	}
	return nil
}

// newcomers queues, for each party that a thread has admitted since it was read, what this node has said in it that was not for that party.
func (b *batch) newcomers(t *threaded, self party.Code) error {
	// spec: THR-8
	if len(t.state.Admitted) <= t.admitted {
		return nil
	}
	heads, err := Heads(b.tx, t.row.ID)
	if err != nil {
		return err
	}
	for _, code := range t.state.Admitted {
		for _, h := range heads {
			if h.From != self || h.IsFor(code) || h.Marking.TLP == marking.Red {
				continue
			}
			if err := b.tx.PutRequested(code, h.ID); err != nil {
				return err
			}
		}
	}
	t.admitted = len(t.state.Admitted)
	return nil
}

// admitted tells whether this node's party was admitted to a thread, by a head that is here or in the packet in hand.
func (r *receiving) admitted(id thread.ID) (bool, error) {
	// spec: PKT-7, THR-8
	if known, ok := r.joined[id]; ok {
		return known, nil
	}
	lets := func(h *statement.Head) bool {
		if h.Kind != thread.KindAdmit || !h.IsFor(r.x.Self) || h.ThreadID() != id {
			return false
		}
		f, err := thread.Facts[thread.Admitted](h)
		return err == nil && f.Party == r.x.Self
	}
	found := slices.ContainsFunc(r.in.heads, func(l located) bool { return lets(l.Head) })
	var bad error
	err := r.b.tx.EachOfThread(id, func(s store.Statement) bool {
		if found || s.Kind != thread.KindAdmit {
			return !found
		}
		var h *statement.Head
		if h, bad = statement.Reread(s.ID, s.Head); bad != nil {
			return false
		}
		found = lets(h)
		return !found
	})
	if err == nil {
		err = bad
	}
	if err == nil {
		r.joined[id] = found
	}
	return found, err
}
