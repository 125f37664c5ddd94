package exchange

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Verdict is a decision with what it rested on.
type Verdict struct {
	agreement.Verdict
	Agreement statement.ID `json:"agreement,omitzero"` // zero: the charter
	Caveat    bool         `json:"caveat,omitzero"`    // a caveat of this party decided, not what both signed
}

// Denial is the cause of a fault.Denied; VerdictOf finds it.
type Denial struct{ Verdict Verdict }

func (d *Denial) Error() string { return d.Verdict.Reason }

// denied makes the refusal of a verdict that does not permit.
func denied(v Verdict) error {
	return fault.Wrap(&Denial{v}, fault.Denied, v.Clause, "%s", v.Reason)
}

// making is an agreement as some heads of its thread made it. It never changes, since those heads never do.
type making struct {
	from   statement.Time // in force from; zero: not in force
	digest statement.Digest
	policy *agreement.Policy // nil: in force, but its text cannot be relied on
}

// makings caches them by (agreement, heads): the same heads make the same agreement for ever.
type makings struct {
	mu       *sync.Mutex
	byHeads  map[string]making
	policies map[statement.Digest]*agreement.Policy
}

func newMakings() makings {
	return makings{mu: new(sync.Mutex), byHeads: map[string]making{}, policies: map[statement.Digest]*agreement.Policy{}}
}

// deskMaking is the desk whose threads make agreements (AGR-7).
const deskMaking = "instrument"

// maxMakings bounds the cache; past it, it starts afresh.
const maxMakings = 4096

// Decide says whether a head may pass, from the head and the agreement's making alone (DEC-1 to DEC-5). An error means that it can't be said yet:
// fault.Parked when heads of the agreement that the author relied on have not arrived.
func (x *Exchange) Decide(tx store.Tx, h *statement.Head) (Verdict, error) {
	if len(h.To) == 0 { // spec: CHR-2
		return Verdict{Verdict: agreement.Verdict{Permitted: true, Clause: "CHR-2", Reason: "a local record needs no permission"}}, nil
	}
	q, err := agreement.Ask(h)
	if err != nil {
		return Verdict{}, err
	}
	if agreement.ByCharter(h) { // spec: DEC-5, CHR-1
		return Verdict{Verdict: x.Charter.Decide(q)}, nil
	}
	m, err := x.made(tx, *h.Agreement)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Agreement: h.Agreement.ID}
	// spec: DEC-2
	switch {
	case m.from.IsZero():
		v.Clause, v.Reason = "DEC-2", "the agreement is not in force: not all of its parties have signed"
	case m.digest != h.Agreement.Digest:
		v.Clause, v.Reason = "DEC-2", "the agreement's text is not the one that the statement relies on"
	case h.Time.Before(m.from):
		v.Clause, v.Reason = "DEC-2", "the agreement was not yet in force at the statement's time"
	case m.policy == nil:
		v.Clause, v.Reason = "DEC-2", "the agreement's text cannot be relied on here: it was refused, was erased, or is not the one that was signed"
	default:
		v.Verdict = m.policy.Decide(q)
	}
	return v, nil
}

// caveats adds what this party alone forbids (DEC-7).
func (x *Exchange) caveats(v Verdict, h *statement.Head) (Verdict, error) {
	// spec: DEC-7
	if x.Caveats == nil || !v.Permitted || len(h.To) == 0 || h.Kind.Desk() == "receipt" || h.Kind.Desk() == "recall" {
		return v, nil
	}
	q, err := agreement.Ask(h)
	if err != nil {
		return v, err
	}
	if c := x.Caveats.Decide(q); !c.Permitted {
		return Verdict{Verdict: c, Agreement: v.Agreement, Caveat: true}, nil
	}
	return v, nil
}

// made finds the agreement as ref.At made it.
func (x *Exchange) made(tx store.Tx, ref statement.AgreementRef) (making, error) {
	var key strings.Builder
	key.WriteString(ref.ID.String())
	for _, id := range ref.At {
		key.Write(id[:])
	}
	x.making.mu.Lock()
	m, ok := x.making.byHeads[key.String()]
	x.making.mu.Unlock()
	if ok {
		return m, nil
	}
	m, err := x.makeAgreement(tx, ref)
	if err != nil {
		return m, err
	}
	x.making.mu.Lock()
	defer x.making.mu.Unlock()
	if len(x.making.byHeads) >= maxMakings {
		clear(x.making.byHeads)
	}
	x.making.byHeads[key.String()] = m
	return m, nil
}

// makeAgreement folds the agreement's thread as far as ref.At and compiles its text.
func (x *Exchange) makeAgreement(tx store.Tx, ref statement.AgreementRef) (making, error) {
	// spec: DEC-2, AGR-8
	parked := fault.New(fault.Parked, "DEC-2", "statements that made the agreement have not arrived yet")
	heads, err := Heads(tx, ref.ID)
	if err != nil {
		return making{}, err
	}
	part := x.Rules.Ancestry(heads, ref.At)
	if len(part) == 0 || !containsAll(part, ref.At) {
		return making{}, parked
	}
	f, err := x.Rules.Fold(part)
	if err != nil || len(f.Waiting) > 0 {
		return making{}, parked
	}
	made, ok := x.Made(f.State)
	m := making{digest: made.Digest}
	if !ok {
		return m, nil
	}
	m.from = made.From
	m.policy, err = x.policy(tx, ref.ID, made.Digest)
	switch fault.CodeOf(err) {
	case "":
		return m, nil
	case fault.Internal, fault.Unavailable, fault.Canceled:
		return making{}, err
	}
	awaited, err := awaits(tx, ref.ID)
	if err == nil && awaited {
		err = parked
	}
	return m, err
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

// policy compiles the document that was deposited by head id; fault.NotFound while its body is not here.
func (x *Exchange) policy(tx store.Tx, id statement.ID, digest statement.Digest) (*agreement.Policy, error) {
	x.making.mu.Lock()
	p, ok := x.making.policies[digest]
	x.making.mu.Unlock()
	if ok {
		return p, nil
	}
	doc, err := Document(tx, id)
	if err != nil {
		return nil, err
	}
	if doc.Digest != digest { // spec: AGR-7
		return nil, fault.New(fault.Denied, "AGR-7", "the deposited text is not the one that was signed")
	}
	if p, err = agreement.Compile(doc); err != nil {
		return nil, err
	}
	x.making.mu.Lock()
	defer x.making.mu.Unlock()
	x.making.policies[digest] = p
	return p, nil
}

// Document reads the agreement that was deposited by head id; fault.NotFound while its body is not here.
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
		return nil, fault.Wrap(err, fault.Malformed, "AGR-7", "the deposit holds no document")
	}
	return agreement.Parse([]byte(text))
}

// Reliance is what a new head says of the agreement that it relies on: its text's digest and the signatures that put it into force.
func (x *Exchange) Reliance(tx store.Tx, id agreement.ID) (*statement.AgreementRef, error) {
	return x.relied(reading(tx, 0), id)
}

// relied is Reliance inside a batch, looked up once for all heads that rely on one agreement.
func (x *Exchange) relied(b *batch, id agreement.ID) (*statement.AgreementRef, error) {
	t, err := b.thread(id)
	if err != nil || t.reliance != nil {
		return t.reliance, err
	}
	if !t.known || t.row.Desk != deskMaking {
		return nil, fault.New(fault.NotFound, "DEC-2", "there is no agreement %s here", id.Short())
	}
	made, ok := x.Made(t.state)
	if !ok && x.Unchecked {
		return &statement.AgreementRef{ID: id, At: t.state.Frontier[:min(len(t.state.Frontier), statement.MaxMakingAt)]}, nil
	}
	if !ok {
		return nil, denied(Verdict{Agreement: id, Verdict: agreement.Verdict{
			Clause: "DEC-2", Reason: "the agreement is not in force: not all of its parties have signed",
		}})
	}
	t.reliance = &statement.AgreementRef{ID: id, Digest: made.Digest, At: made.By}
	b.put(id, &t)
	return t.reliance, nil
}

// Policy is the compiled text of an agreement that is deposited here, in force or not.
func (x *Exchange) Policy(tx store.Tx, id agreement.ID) (*agreement.Policy, error) {
	doc, err := Document(tx, id)
	if err != nil {
		return nil, err
	}
	return x.policy(tx, id, doc.Digest)
}

// Partners lists the parties of every agreement in force in which both this node's party and peer take part, the two left out.
func (x *Exchange) Partners(tx store.Tx, peer party.Code) ([]party.Code, error) {
	var codes []party.Code
	var bad error
	err := tx.Threads(deskMaking, func(row store.ThreadRow) bool {
		if len(row.State) == 0 {
			return true
		}
		s, err := thread.ParseState(row.State)
		if bad = err; bad != nil {
			return false
		}
		if _, ok := x.Made(s); !ok || !slices.Contains(s.Participants, peer) || !slices.Contains(s.Participants, x.Self) {
			return true // a deposit alone is anybody's to make: it opens nothing
		}
		for _, c := range s.Participants {
			if c != x.Self && c != peer && !slices.Contains(codes, c) {
				codes = append(codes, c)
			}
		}
		return true
	})
	slices.Sort(codes)
	return codes, errors.Join(err, bad)
}
