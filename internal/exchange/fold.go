package exchange

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// threaded is a thread inside a batch. It is replaced, never changed, so that a failed job's work can be dropped.
type threaded struct {
	row   store.ThreadRow
	state thread.State
	known bool // the opener is here: state means something
	dirty bool
	stale bool // heads are stored that the state does not have yet: settle folds them

	// said is where an author's last taken head stands, as far as it was looked up. The map is replaced with every change.
	said map[party.Code]statement.Place
	// admitted is how many parties had been admitted when what was said before was queued for them.
	admitted int
	// standing is what the making of an agreement has come to, and reliance what heads said of it last; nil: not looked up.
	standing *agreement.Standing
	reliance *statement.AgreementRef
	// summed is what the row's summary was made of last; empty: not known.
	summed struct {
		desk    jsontext.Value
		parties int
	}
}

// thread loads a thread, from the batch, from what is remembered, or from the store. An unknown one comes back empty.
func (b *batch) thread(id thread.ID) (threaded, error) {
	if t, ok := b.threads[id]; ok {
		return *t, nil
	}
	if b.memory != nil {
		if t, ok := b.memory.threads[id]; ok {
			return *t, nil
		}
	}
	row, err := b.tx.Thread(id)
	if fault.CodeOf(err) == fault.NotFound {
		return threaded{row: store.ThreadRow{ID: id}}, nil
	}
	if err != nil {
		return threaded{}, err
	}
	t := threaded{row: row}
	if len(row.State) > 0 {
		t.known = true
		if t.state, err = thread.ParseState(row.State); err != nil {
			return t, err
		}
		t.admitted = len(t.state.Admitted)
	}
	return t, nil
}

// placed is what became of a head in its thread.
type placed struct {
	folded bool // else the thread is stale, and settle will tell
	void   thread.Reason
	why    thread.Placed // where it was folded
}

// place takes one head into its thread. One that comes after everything taken so far extends the state; any other, once it is stored, makes the
// thread stale until settle: however many of them a packet brings, the thread is folded again once.
func (x *Exchange) place(b *batch, h *statement.Head, arrived statement.Time) (placed, error) {
	id := h.ThreadID()
	t, err := b.thread(id)
	if err != nil {
		return placed{}, err
	}
	t.row.Updated, t.dirty, t.standing, t.reliance = arrived, true, nil, nil
	if h.From != x.Self {
		t.row.Unread++
	}
	if h.IsOpener() {
		t.row.Desk, t.row.Opened, t.row.TLP = h.Kind.Desk(), h.Time, h.Marking.TLP
	}
	b.put(id, &t)
	if t.stale {
		return placed{}, nil
	}
	t.stale = true
	if !t.known && h.IsOpener() && t.row.Waiting == 0 && len(t.row.State) == 0 {
		return x.begin(b, &t, h)
	}
	if !t.known || t.row.Waiting > 0 {
		return placed{}, nil
	}
	if follows, err := b.follows(&t, h); err != nil || !follows {
		return placed{}, err
	}
	s, p, ok := x.Rules.Extend(t.state, h)
	if !ok {
		return placed{}, nil
	}
	t.state, t.stale = s, false
	t.moved(h)
	return placed{true, p.Void, p}, nil
}

// begin folds a thread of which nothing is here but its opener.
func (x *Exchange) begin(b *batch, t *threaded, opener *statement.Head) (placed, error) {
	f, err := x.Rules.Fold([]*statement.Head{opener})
	if err != nil || len(f.Placed) != 1 {
		return placed{}, err
	}
	t.state, t.known, t.stale = f.State, true, false
	t.moved(opener)
	return placed{true, f.Placed[0].Void, f.Placed[0]}, nil
}

// moved notes where an author's last head stands.
func (t *threaded) moved(h *statement.Head) {
	said := make(map[party.Code]statement.Place, len(t.said)+1)
	maps.Copy(said, t.said)
	said[h.From] = h.Place
	t.said = said
}

// settle folds a thread from all its heads if it is stale, and gives it as it then is.
func (x *Exchange) settle(b *batch, id thread.ID) (threaded, error) {
	t, err := b.thread(id)
	if err != nil || !t.stale {
		return t, err
	}
	if err := x.refold(b, &t); err != nil {
		return t, err
	}
	t.stale, t.said = false, nil
	b.put(id, &t)
	return t, nil
}

// follows tells whether h stands after all that its author has said in the thread so far; what does not is for a whole fold to place.
func (b *batch) follows(t *threaded, h *statement.Head) (bool, error) {
	// spec: THR-3
	last, said := t.state.Last[h.From]
	if !said {
		return true, nil
	}
	if at, ok := t.said[h.From]; ok {
		return at.Compare(h.Place) < 0, nil
	}
	before, err := b.tx.Statement(last)
	return statement.Place{Origin: before.Origin, Index: before.Index}.Compare(h.Place) < 0, err
}

// refold folds a thread from all its stored heads.
func (x *Exchange) refold(b *batch, t *threaded) error {
	heads, err := Heads(b.tx, t.row.ID)
	if err != nil {
		return err
	}
	f, err := x.Rules.Fold(heads)
	if fault.CodeOf(err) == fault.NotFound { // the opener is not here yet
		t.row.Waiting = len(heads)
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range f.Placed {
		if err := b.mark(p.ID, string(p.Void)); err != nil {
			return err
		}
	}
	t.state, t.known, t.row.Waiting = f.State, true, len(f.Waiting)
	return nil
}

// mark notes that a statement is folded, and why it is void if it is.
func (b *batch) mark(id statement.ID, void string) error {
	s, err := b.tx.Statement(id)
	if err != nil || s.Folded && s.Void == void {
		return err
	}
	return b.judged(s, true, void)
}

// judged notes what a statement comes to. What it brought is taken into the catalogue anew where that is something else than before: who gets it is decided by it (INT-9).
func (b *batch) judged(s store.Statement, folded bool, void string) error {
	// spec: INT-9, THR-7
	other := s.Void != void
	s.Folded, s.Void = folded, void
	if err := b.tx.UpdateStatement(s); err != nil || !other {
		return err
	}
	return b.tx.Recatalogue(s.ID)
}

// writeThreads stores every touched thread once.
func (b *batch) writeThreads(rules *thread.Rules, self party.Code) error {
	for _, id := range sortedKeys(b.threads) {
		t := b.threads[id]
		if !t.dirty {
			continue
		}
		if t.known {
			if err := t.write(rules, self); err != nil {
				return err
			}
			if err := b.newcomers(t, self); err != nil {
				return err
			}
		}
		t.row.Listed = true
		if err := b.tx.PutThread(t.row); err != nil {
			return err
		}
		t.row.Clocks = nil // they are there now
	}
	return nil
}

// write puts the state into the row, and the summary and what lists need where they may have changed: they tell of the opener, of who takes part, and of the desk's own
// state.
func (t *threaded) write(rules *thread.Rules, self party.Code) (err error) {
	if t.row.State, err = thread.MarshalState(t.state); err != nil {
		return err
	}
	s := &t.summed
	if t.row.Listed && len(t.row.Summary) > 0 && s.parties == len(t.state.Participants) && s.desk != nil && bytes.Equal(s.desk, t.state.Desk) {
		return nil
	}
	sum := rules.Summary(t.state)
	if t.row.Summary, err = json.Marshal(sum, json.Deterministic(true)); err != nil {
		return fault.Wrap(err, fault.Internal, "", "a thread cannot be written")
	}
	s.desk, s.parties = t.state.Desk, len(t.state.Participants)
	o := &t.state.Opener
	t.row.Facets = store.Facets{
		Peers: slices.DeleteFunc(slices.Clone(t.state.Participants), func(c party.Code) bool { return c == self }), Agreement: o.Agreement, Status: sum.Status, Closed: sum.Closed,
		Track: o.Track, Precedence: o.Precedence, TLP: t.row.TLP, Exercise: o.Exercise,
	}
	t.row.Clocks = make([]store.Clock, len(sum.Clocks))
	for i, c := range sum.Clocks {
		t.row.Clocks[i] = store.Clock{Owes: c.Owes, Mine: c.Owes == self, Of: t.row.ID, Seconds: c.Seconds, Until: c.Until}
	}
	return nil
}

// List writes what lists need of threads that an earlier program has stored without it, at most so many, and tells how many there were.
func (x *Exchange) List(ctx context.Context, limit int) (listed int, err error) {
	var ids []thread.ID
	look := func(tx store.Tx) (err error) {
		ids, err = tx.Unlisted(limit)
		return err
	}
	if err := x.Store.View(ctx, look); err != nil || len(ids) == 0 {
		return 0, err
	}
	err = x.write(ctx, func(b *batch) error {
		if err := look(b.tx); err != nil {
			return err
		}
		for _, id := range ids {
			t, err := b.thread(id)
			if err != nil {
				return err
			}
			s, err := b.tx.Statement(id)
			if err == nil {
				var h *statement.Head
				if h, err = statement.Reread(s.ID, s.Head); err == nil {
					t.row.TLP = h.Marking.TLP
				}
			}
			if err != nil && fault.CodeOf(err) != fault.NotFound { // its opener may be missing
				return err
			}
			t.dirty = true
			b.put(id, &t)
		}
		return nil
	})
	return len(ids), err
}

// Heads reads and parses a thread's heads, as far as they stand.
func Heads(tx store.Tx, id thread.ID) ([]*statement.Head, error) {
	var heads []*statement.Head
	var bad error
	err := tx.EachOfThread(id, func(s store.Statement) bool {
		if s.Void == BeyondClosing {
			return true
		}
		h, err := statement.Reread(s.ID, s.Head)
		if err != nil {
			bad = err
			return false
		}
		h.Place = statement.Place{Origin: s.Origin, Index: s.Index}
		heads = append(heads, h)
		return true
	})
	if bad != nil {
		return nil, fault.Wrap(bad, fault.Internal, "", "a stored head cannot be read")
	}
	return heads, err
}

// letter reads the confirmed letter of a party, with the spec's refusal when there is none. The node's own is kept like any other.
func (x *Exchange) letter(tx store.Letters, code party.Code) (*party.Letter, error) {
	// spec: LTR-8
	row, err := tx.Letter(code)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.New(fault.Unknown, "LTR-8", "there is no confirmed letter of %s", code)
	}
	if err != nil {
		return nil, err
	}
	return x.Parsed(row)
}

// Parsed gives a stored letter without checking its signatures again: a letter's digest stands for one text for ever.
func (x *Exchange) Parsed(row store.Letter) (*party.Letter, error) {
	x.mu.Lock()
	l, ok := x.letters[row.Digest]
	x.mu.Unlock()
	if ok {
		return l, nil
	}
	l, err := party.ParseLetter(row.Raw)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.letters[row.Digest] = l
	return l, nil
}
