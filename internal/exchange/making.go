package exchange

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// makings caches agreements as some heads of their threads made them, by (agreement, heads): the same heads make the same agreement for ever.
type makings struct {
	mu       *sync.Mutex
	byHeads  map[string]*agreement.Standing
	policies map[statement.ID]*agreement.Policy // by the head that has the text
}

func newMakings() makings {
	return makings{mu: new(sync.Mutex), byHeads: map[string]*agreement.Standing{}, policies: map[statement.ID]*agreement.Policy{}}
}

// deskMaking is the desk whose threads make agreements (AGR-7).
const deskMaking = "instrument"

// maxMakings bounds the cache; past it, it starts afresh.
const maxMakings = 4096

// made finds the agreement as ref.At made it.
func (x *Exchange) made(tx store.Tx, ref statement.AgreementRef) (*agreement.Standing, error) {
	key := keyOf(ref)
	m, ok := x.making.find(key)
	if ok {
		return m, nil
	}
	heads, err := Heads(tx, ref.ID)
	if err != nil {
		return nil, err
	}
	if m, err = x.makeAgreement(heads, ref.At); err != nil {
		return m, err
	}
	x.making.mu.Lock()
	defer x.making.mu.Unlock()
	if len(x.making.byHeads) >= maxMakings {
		clear(x.making.byHeads)
	}
	x.making.byHeads[key] = m
	return m, nil
}

func keyOf(ref statement.AgreementRef) string {
	var key strings.Builder
	key.WriteString(ref.ID.String())
	for _, id := range ref.At {
		key.Write(id[:])
	}
	return key.String()
}

func (m *makings) find(key string) (*agreement.Standing, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.byHeads[key]
	return s, ok
}

// maxFolds is how many agreements are folded anew for one packet. Heads that rely on more stay with their sender and come again: what is folded by then is remembered.
const maxFolds = 32

// mayFold holds a head that an agreement must be folded for against what was done for its packet before.
func (r *receiving) mayFold(h *statement.Head) error {
	if agreement.ByCharter(h) {
		return nil
	}
	key := keyOf(*h.Agreement)
	if _, ok := r.x.making.find(key); ok || r.relied[key] {
		return nil
	}
	r.relied[key] = true
	if len(r.relied) > maxFolds {
		return fault.New(fault.Parked, "DEC-2", "a packet relies on more than %d states of agreements that are new here", maxFolds)
	}
	return nil
}

// makeAgreement folds the agreement's thread as far as at. What it gives is never nil; it stands for nothing where nothing was ever opened for signature.
func (x *Exchange) makeAgreement(heads []*statement.Head, at []statement.ID) (*agreement.Standing, error) {
	// spec: DEC-2, AGR-8
	parked := fault.New(fault.Parked, "DEC-2", "statements that made the agreement have not arrived yet")
	part := x.Rules.Ancestry(heads, at)
	if len(part) == 0 || !containsAll(part, at) {
		return nil, parked
	}
	f, err := x.Rules.Fold(part)
	if err != nil || len(f.Waiting) > 0 {
		return nil, parked
	}
	return x.standing(f.State), nil
}

func (x *Exchange) standing(s thread.State) *agreement.Standing {
	m, ok := x.Standing(s)
	if !ok {
		m = &agreement.Standing{}
	}
	return m
}

// stood has a thread of the batch know what its making has come to, which is looked up once for all heads that rely on it.
func (x *Exchange) stood(b *batch, t *threaded) {
	if t.standing == nil {
		t.standing = x.standing(t.state)
		own := *t
		b.put(t.row.ID, &own)
	}
}

// awaits tells whether the body of a head is still to come: it is not here, and was neither refused nor erased.
func awaits(tx store.Tx, id statement.ID) (bool, error) {
	c, err := tx.Content(store.ContentRef{Statement: id, Part: store.BodyPart})
	if fault.CodeOf(err) == fault.NotFound {
		return false, nil
	}
	return err == nil && !c.Whole && !c.Erased, err
}

func containsAll(heads []*statement.Head, ids []statement.ID) bool {
	have := make(map[statement.ID]bool, len(heads))
	for _, h := range heads {
		have[h.ID] = true
	}
	for _, id := range ids {
		if !have[id] {
			return false
		}
	}
	return true
}

// policy compiles a text that was opened for signature. Errors: fault.Parked while its body is to come; others where it cannot be relied on.
func (x *Exchange) policy(tx store.Tx, v *agreement.Version) (*agreement.Policy, error) {
	x.making.mu.Lock()
	p, ok := x.making.policies[v.Text]
	x.making.mu.Unlock()
	if ok {
		return p, nil
	}
	doc, err := Document(tx, v.Text)
	if err != nil {
		if awaited, bad := awaits(tx, v.Text); bad != nil || awaited {
			return nil, fault.Wrap(err, fault.Parked, "DEC-2", "the agreement's text has not arrived yet")
		}
		return nil, err
	}
	if terms := doc.Terms(); !terms.Equal(&v.Terms) { // spec: AGR-7
		return nil, fault.New(fault.Denied, "AGR-7", "the text is not the one that was signed, or says otherwise how it is made")
	}
	if p, err = agreement.Compile(doc); err != nil {
		return nil, err
	}
	x.making.mu.Lock()
	defer x.making.mu.Unlock()
	x.making.policies[v.Text] = p
	return p, nil
}

// Document reads the text that the body of head id has; fault.NotFound while it is not here.
func Document(tx store.Tx, id statement.ID) (*agreement.Document, error) {
	var raw bytes.Buffer
	if err := tx.Read(store.ContentRef{Statement: id, Part: store.BodyPart}, &raw); err != nil {
		return nil, err
	}
	body, err := statement.ParseBody(raw.Bytes())
	if err != nil {
		return nil, err
	}
	var text string
	if err := json.Unmarshal(body.Rest["document"], &text); err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "AGR-7", "the statement holds no document")
	}
	return agreement.Parse([]byte(text))
}

// Reliance is what a new head to these parties says of the agreement that it relies on: the digest of the text that binds them now, and the statements that made it so.
func (x *Exchange) Reliance(tx store.Tx, id agreement.ID, to ...party.Code) (*statement.AgreementRef, error) {
	return x.relied(reading(tx, 0), id, to)
}

// relied is Reliance inside a batch, looked up once for all heads that rely on one text.
func (x *Exchange) relied(b *batch, id agreement.ID, to []party.Code) (*statement.AgreementRef, error) {
	t, err := b.thread(id)
	if err != nil {
		return nil, err
	}
	if !t.known || t.row.Desk != deskMaking {
		return nil, fault.New(fault.NotFound, "DEC-2", "there is no agreement %s here", id.Short())
	}
	x.stood(b, &t)
	now, err := x.clock(b) // what the head will say
	if err != nil {
		return nil, err
	}
	at := t.standing.Basis
	if len(at) > statement.MaxMakingAt { // many have signed and nobody has spoken since: what all of that comes before says it too
		at = t.state.Frontier[:min(len(t.state.Frontier), statement.MaxMakingAt)]
	}
	v, why := (*agreement.Version)(nil), "It has no recipient."
	if len(to) > 0 {
		v, why = t.standing.Binds(now, x.Self, to[0])
	}
	switch {
	case v != nil && t.reliance != nil && t.reliance.Digest == v.Digest:
		return t.reliance, nil
	case v == nil && x.Unchecked:
		return &statement.AgreementRef{ID: id, At: t.state.Frontier[:min(len(t.state.Frontier), statement.MaxMakingAt)]}, nil
	case v != nil && len(t.standing.Basis) > statement.MaxMakingAt && len(t.state.Frontier) > statement.MaxMakingAt:
		return nil, fault.New(fault.Inadmissible, "DEC-2", "%d parties have spoken in the making of agreement %s since anybody has heard of them all, and a statement can name %d: comment on the agreement first, each comment joins %d",
			len(t.state.Frontier), id.Short(), statement.MaxMakingAt, statement.MaxAfter)
	case v == nil:
		return nil, denied(Verdict{Agreement: id, Verdict: agreement.Verdict{Clause: "DEC-2", Reason: why}})
	}
	t.reliance = &statement.AgreementRef{ID: id, Digest: v.Digest, At: at}
	b.put(id, &t)
	return t.reliance, nil
}

// Policy is the compiled text that binds this node's party to another now. Errors: fault.NotFound where none does.
func (x *Exchange) Policy(tx store.Tx, id agreement.ID, to party.Code) (*agreement.Policy, error) {
	t, err := reading(tx, 0).thread(id)
	if err != nil {
		return nil, err
	}
	if t.known && t.row.Desk == deskMaking {
		v, why := x.standing(t.state).Binds(statement.TimeOf(x.Now()), x.Self, to)
		if v != nil {
			return x.policy(tx, v)
		}
		return nil, fault.New(fault.NotFound, "DEC-2", "%s", why)
	}
	return nil, fault.New(fault.NotFound, "DEC-2", "there is no agreement %s here", id.Short())
}

// text is the text that a head relies on, compiled; nil where there is none that can be relied on.
func (x *Exchange) text(tx store.Tx, h *statement.Head) (*agreement.Policy, error) {
	m, err := x.made(tx, *h.Agreement)
	if err == nil {
		for i := range m.Versions {
			if m.Versions[i].Digest == h.Agreement.Digest {
				var policy *agreement.Policy
				if policy, err = x.policy(tx, &m.Versions[i]); err == nil {
					return policy, nil
				}
			}
		}
	}
	switch fault.CodeOf(err) {
	case fault.Internal, fault.Unavailable, fault.Canceled:
		return nil, err
	}
	return nil, nil
}

// aware holds a head that is permitted as of what it names against what its author must have known: a suspension or a withdrawal binds an author from its own receipt of
// it, and in any case once its notice has passed here.
func (r *receiving) aware(v Verdict, l located) (Verdict, error) {
	// spec: DEC-11
	x := r.x
	id := l.Agreement.ID
	t, err := r.b.thread(id)
	if err != nil || !t.known {
		return v, err
	}
	x.stood(r.b, &t)
	if sameIDs(t.standing.Basis, l.Agreement.At) {
		return v, nil
	}
	q, err := agreement.Ask(l.Head)
	if err != nil {
		return v, err
	}
	if here, err := x.under(r.b.tx, t.standing, l.Head, q); err != nil || here.Permitted {
		return v, err
	}
	if r.folds++; r.folds > maxFolds {
		return v, fault.New(fault.Parked, "DEC-11", "a packet asks more than %d times what its author must have known of agreements", maxFolds)
	}
	heads, err := Heads(r.b.tx, id)
	if err != nil {
		return v, err
	}
	notice := minNotice
	if n := len(t.standing.Versions); n > 0 {
		notice = max(notice, time.Duration(t.standing.Versions[n-1].Notice)*time.Second)
	}
	at := slices.Clone(l.Agreement.At)
	for _, h := range heads {
		if knew, err := r.knew(h, l, notice); err != nil {
			return v, err
		} else if knew {
			at = append(at, h.ID)
		}
	}
	// What among these waits for something that is not here does not count; the rest does.
	f, err := x.Rules.Fold(x.Rules.Ancestry(heads, at))
	if err != nil {
		return v, err
	}
	return x.under(r.b.tx, x.standing(f.State), l.Head, q)
}

// minNotice is how long a statement may have been on its way in any case, before what it did not know binds its author.
const minNotice = 24 * time.Hour

// knew tells whether the author of l must have known a head of the agreement's thread when it said l.
func (r *receiving) knew(h *statement.Head, l located, notice time.Duration) (bool, error) {
	if h.From == l.From {
		return h.Place.Compare(statement.Place{Origin: r.in.cp.Origin, Index: l.index}) < 0, nil
	}
	if h.From != r.x.Self {
		return false, nil
	}
	if !r.now.Before(h.Time.Add(notice)) {
		return true, nil
	}
	a, err := r.b.tx.ArrivedAt(l.From, h.Place.Origin, store.HeadArrived, h.Place.Index)
	if fault.CodeOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	receipt, err := r.b.tx.Statement(a.Receipt)
	if fault.CodeOf(err) == fault.NotFound {
		return false, nil
	}
	return err == nil && (statement.Place{Origin: receipt.Origin, Index: receipt.Index}).Compare(statement.Place{Origin: r.in.cp.Origin, Index: l.index}) < 0, err
}

func sameIDs(a, b []statement.ID) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(id statement.ID) bool { return !slices.Contains(b, id) })
}
