package thread

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Ranks of THR-3.
const (
	rankEngine  = 10 // receipt.* and thread.*
	rankDefault = 50
	rankMax     = 99
)

// MaxParticipants bounds a thread: a head names at most statement.MaxTo others.
const MaxParticipants = statement.MaxTo + 1

// Rules is the engine: the desks that a node knows, and the fold over them. It keeps nothing else, so it never changes and is
// safe for concurrent use. Two nodes with the same desks give the same states for ever.
type Rules struct {
	desks []Desk
	specs map[statement.Kind]KindSpec
}

// NewRules makes an engine for these desks. A desk that repeats a kind, declares one that is not its own, or a rank out of bounds
// is a defect of the program: fault.Internal.
func NewRules(desks ...Desk) (*Rules, error) {
	r := &Rules{specs: map[statement.Kind]KindSpec{}}
	for _, spec := range engineSpecs() {
		r.specs[spec.Kind] = spec
	}
	for _, d := range desks {
		if d.Kind() == deskReceipt || d.Kind() == deskThread {
			return nil, fault.New(fault.Internal, "THR-3", "a desk cannot be called %q", d.Kind())
		}
		for _, spec := range d.Kinds() {
			if _, ok := r.specs[spec.Kind]; ok {
				return nil, fault.New(fault.Internal, "THR-3", "the kind %q is declared twice", spec.Kind)
			}
			if spec.Kind.Desk() != string(d.Kind()) || spec.Rank < 0 || spec.Rank > rankMax {
				return nil, fault.New(fault.Internal, "THR-3", "the kind %q is not the desk's, or its rank is not from 0 to 99", spec.Kind)
			}
			r.specs[spec.Kind] = spec
		}
		r.desks = append(r.desks, d)
	}
	return r, nil
}

// Spec describes a kind, those of receipts and threads included.
func (r *Rules) Spec(k statement.Kind) (KindSpec, bool) {
	spec, ok := r.specs[k]
	return spec, ok
}

// Specs lists every kind: desk by desk as they were given, then receipt and thread.
func (r *Rules) Specs() []KindSpec {
	var all []KindSpec
	for _, d := range r.desks {
		all = append(all, d.Kinds()...)
	}
	return append(all, engineSpecs()...)
}

// Desk finds a desk by its name.
func (r *Rules) Desk(k Kind) (Desk, bool) {
	for _, d := range r.desks {
		if d.Kind() == k {
			return d, true
		}
	}
	return nil, false
}

// rank is where heads of kind k stand among others that could be taken at the same time, in a thread of the desk own. A kind of
// another desk is void there; what that desk declares must not matter, since not every node has it.
func (r *Rules) rank(own Kind, k statement.Kind) int {
	// spec: THR-3
	switch desk := Kind(k.Desk()); desk {
	case deskReceipt, deskThread:
		return rankEngine
	case own:
		if spec, ok := r.specs[k]; ok {
			return spec.Rank
		}
	}
	return rankDefault
}

// Moves is what by may say next in the thread; nothing of it would be void for its kind. It is empty for who does not take part.
func (r *Rules) Moves(s State, by party.Code) []Move {
	d, ok := r.Desk(s.Kind)
	if !ok || !s.begun() || !slices.Contains(s.Participants, by) {
		return nil
	}
	return d.Moves(s, by)
}

// Summary is what lists and the ledger show of a thread. A thread that never came to be has nothing open.
func (r *Rules) Summary(s State) Summary {
	d, ok := r.Desk(s.Kind)
	switch {
	case !ok:
		return Summary{Status: string(UnknownKind), Closed: true}
	case !s.begun():
		return Summary{Status: "void", Closed: true}
	}
	return d.Summary(s)
}

// CheckBody asks the desk of h whether the body will do, on the author's side, before the head is logged. body may be nil.
func (r *Rules) CheckBody(h *statement.Head, body *statement.Body) error {
	d, ok := r.Desk(Kind(h.Kind.Desk()))
	if !ok {
		return nil
	}
	if c, ok := d.(BodyChecker); ok {
		return c.CheckBody(h, body)
	}
	return nil
}

// Gathered tells whether h brings what others have said to its author.
func (r *Rules) Gathered(h *statement.Head) bool {
	// spec: ONW-1
	d, _ := r.Desk(Kind(h.Kind.Desk()))
	g, ok := d.(Gatherer)
	return ok && g.Gathers(h)
}

// After is what the next head of author names: the frontier, with the author's own previous head always among it. A frontier that is wider than a head can name needs the
// thread's heads to choose from: see AfterOf. Without them the lowest ids are taken; a later head names the rest.
func (r *Rules) After(s State, author party.Code) []statement.ID {
	return r.AfterOf(s, nil, author)
}

// Wide tells whether the next head needs AfterOf: it may not name the whole frontier, and must come after those that let somebody in.
func (r *Rules) Wide(s State) bool {
	return s.Admissions > 0 && len(s.Frontier) >= statement.MaxAfter
}

// AfterOf is After with the heads of the thread to choose from: of a frontier that is too wide, first those that come after the admissions.
func (r *Rules) AfterOf(s State, heads []*statement.Head, author party.Code) []statement.ID {
	// spec: THR-2
	var after []statement.ID
	own, said := s.Last[author]
	if said {
		after = append(after, own)
	}
	for _, id := range append(r.covering(s, heads, after), s.Frontier...) {
		if len(after) < statement.MaxAfter && !slices.Contains(after, id) {
			after = append(after, id)
		}
	}
	slices.SortFunc(after, statement.ID.Compare)
	return after
}

// covering are heads of the frontier that come after admissions which no head of named does, as few as come to hand.
func (r *Rules) covering(s State, heads []*statement.Head, named []statement.ID) (more []statement.ID) {
	open := map[statement.ID]bool{}
	for _, h := range heads {
		if h.Kind == KindAdmit {
			open[h.ID] = true
		}
	}
	cover := func(id statement.ID) (covers bool) {
		for _, h := range r.Ancestry(heads, []statement.ID{id}) {
			covers = covers || open[h.ID]
			delete(open, h.ID)
		}
		return covers
	}
	for _, id := range named {
		cover(id)
	}
	for _, id := range s.Frontier {
		if len(open) > 0 && cover(id) {
			more = append(more, id)
		}
	}
	return more
}

// Ancestry gives the heads named by at and all their ancestors, as far as they are among heads, in no particular order: what
// somebody had seen who relies on a making as of at (DEC-2). What is missing shows when the result is folded, or in at itself.
func (r *Rules) Ancestry(heads []*statement.Head, at []statement.ID) []*statement.Head {
	byID := make(map[statement.ID]*statement.Head, len(heads))
	for _, h := range heads {
		byID[h.ID] = h
	}
	var seen []*statement.Head
	todo := slices.Clone(at)
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if h := byID[id]; h != nil {
			delete(byID, id)
			seen = append(seen, h)
			todo = append(todo, h.After...)
		}
	}
	return seen
}
