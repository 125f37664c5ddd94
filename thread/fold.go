package thread

import (
	"container/heap"
	"errors"
	"maps"
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Placed is a head at its place in the order. Void is "" when it counts; else Clause and Why say what was wrong, and Why is safe
// to show.
type Placed struct {
	ID     statement.ID `json:"id"`
	Void   Reason       `json:"void,omitzero"`
	Clause string       `json:"clause,omitzero"`
	Why    string       `json:"why,omitzero"`
}

// outside tells that a head has no place in the thread's order: its author takes no part, or does not say it to those who do. Others need not have it, so nothing that
// counts may come after it.
func (p *Placed) outside() bool {
	// spec: THR-6
	return p.Void == NotAParticipant || p.Void == WrongRecipients
}

// Folded is what a fold gives.
type Folded struct {
	State   State
	Placed  []Placed       // in the order of THR-3
	Waiting []statement.ID // heads that are not folded for want of an ancestor, sorted
	Missing []statement.ID // the ancestors that are not there, sorted
}

// Fold puts heads of one thread into their order and gives the state. Their order and repetitions do not matter; the opener must
// be among them (fault.NotFound). Heads of other threads are the caller's defect (fault.Internal). Time O(n log n).
func (r *Rules) Fold(heads []*statement.Head) (Folded, error) {
	// spec: THR-3, THR-4, STM-6
	return r.fold(heads, false)
}

// FoldWithin folds the heads of these authors alone; ancestors that are not among them are left out, so nothing waits (LED-5).
// When none of them opened the thread: fault.NotFound.
func (r *Rules) FoldWithin(heads []*statement.Head, authors ...party.Code) (Folded, error) {
	// spec: LED-5
	theirs := make([]*statement.Head, 0, len(heads))
	for _, h := range heads {
		if slices.Contains(authors, h.From) {
			theirs = append(theirs, h)
		}
	}
	return r.fold(theirs, true)
}

func (r *Rules) fold(heads []*statement.Head, alone bool) (Folded, error) {
	i := slices.IndexFunc(heads, (*statement.Head).IsOpener)
	if i < 0 {
		return Folded{}, fault.New(fault.NotFound, "THR-5", "the thread's opener is not here")
	}
	opener := heads[i]
	f := r.open(opener)
	rest := make([]*statement.Head, 0, len(heads)-1)
	for _, h := range heads {
		switch {
		case h.ThreadID() != opener.ID:
			return Folded{}, fault.New(fault.Internal, "THR-1", "heads of two threads cannot be folded together")
		case h.ID != opener.ID:
			rest = append(rest, h)
		}
	}
	first, err := f.take(opener)
	if err != nil {
		return Folded{}, err
	}
	w := &walk{known: map[statement.ID]bool{opener.ID: true}, alone: alone}
	return f.walk(w, rest, []Placed{first})
}

// Extend takes one head more. It gives exactly what Fold would, and ok is false where only Fold can tell: when h does not come after
// all that s has taken, is in it already, or names an ancestor that s does not know. A caller that has heads waiting folds again too.
func (r *Rules) Extend(s State, h *statement.Head) (State, Placed, bool) {
	if h.Thread != s.Thread || s.Admissions > maxKnown || slices.ContainsFunc(s.Frontier, func(id statement.ID) bool { return !slices.Contains(h.After, id) }) ||
		slices.ContainsFunc(h.After, func(id statement.ID) bool { return !s.knows(id) }) {
		return s, Placed{}, false
	}
	f := r.resume(s)
	p, err := f.take(h)
	if err != nil {
		return s, Placed{}, false
	}
	next, err := f.done()
	return next, p, err == nil
}

// knows tells whether a head is in the frontier or its author's last: what a new head may name.
func (s *State) knows(id statement.ID) bool {
	if slices.Contains(s.Frontier, id) {
		return true
	}
	for _, last := range s.Last {
		if last == id {
			return true
		}
	}
	return false
}

// Resume takes more heads in any order, from a state that they all come after. It gives exactly what Fold would give for the
// heads of s and these, but lists only these as placed. ok is false where only Fold can tell; see Extend.
func (r *Rules) Resume(s State, heads []*statement.Head) (Folded, bool) {
	if s.Admissions > maxKnown {
		return Folded{}, false
	}
	f := r.resume(s)
	w := &walk{known: map[statement.ID]bool{}}
	for _, id := range s.Last {
		w.known[id] = true
	}
	for _, id := range s.Frontier {
		w.known[id] = true
	}
	among := make(map[statement.ID]bool, len(heads))
	for _, h := range heads {
		among[h.ID] = true
	}
	for _, h := range heads {
		if h.Thread != s.Thread || !dominated(s, h, among) {
			return Folded{}, false
		}
		for _, id := range h.After {
			if !w.known[id] && !among[id] {
				return Folded{}, false
			}
		}
	}
	g, err := f.walk(w, heads, nil)
	return g, err == nil && len(g.Waiting) == 0
}

// dominated tells whether h comes after everything in s: by itself, or through one of the other new heads.
func dominated(s State, h *statement.Head, among map[statement.ID]bool) bool {
	if slices.ContainsFunc(h.After, func(id statement.ID) bool { return among[id] }) {
		return true
	}
	return !slices.ContainsFunc(s.Frontier, func(id statement.ID) bool { return !slices.Contains(h.After, id) })
}

// folding is a state under way. Frontier and last are kept as sets of its own until it is done, since a State is never changed.
type folding struct {
	rules      *Rules
	desk       Desk // nil when this node does not have it
	s          State
	frontier   map[statement.ID]bool
	last       map[party.Code]statement.ID
	opening    map[party.Code]bool              // the parties of the opener
	run        map[statement.ID]*statement.Head // that are taken now
	admissions *admissions                      // who takes part
}

func (r *Rules) open(h *statement.Head) *folding {
	s := State{Thread: h.ID, Kind: Kind(h.Kind.Desk())}
	s.Opener = Opener{
		From: h.From, To: h.To, Kind: h.Kind, Time: h.Time, Precedence: h.Precedence, Track: h.Track, Exercise: h.Exercise,
	}
	if h.Agreement != nil {
		s.Opener.Agreement, s.Opener.Digest = h.Agreement.ID, h.Agreement.Digest
	}
	s.Participants = append(slices.Clone(h.To), h.From) // spec: THR-1
	slices.Sort(s.Participants)
	return r.resume(s)
}

func (r *Rules) resume(s State) *folding {
	f := &folding{rules: r, s: s, frontier: make(map[statement.ID]bool, len(s.Frontier)+1), last: maps.Clone(s.Last)}
	for _, id := range s.Frontier {
		f.frontier[id] = true
	}
	if f.last == nil {
		f.last = map[party.Code]statement.ID{}
	}
	f.s.Frontier, f.s.Last = nil, nil
	f.opening = make(map[party.Code]bool, len(s.Opener.To)+1)
	f.opening[s.Opener.From] = true
	for _, c := range s.Opener.To {
		f.opening[c] = true
	}
	f.admissions = &admissions{base: s.Admitted}
	f.desk, _ = r.Desk(s.Kind)
	return f
}

// take puts h at the next place. The error is a defect: a stored state that cannot be read.
func (f *folding) take(h *statement.Head) (Placed, error) {
	p := Placed{ID: h.ID}
	s, err := f.admit(h)
	var void voidError
	switch {
	case err == nil:
		f.s = s
	case errors.As(err, &void):
		e := fault.Of(err)
		p.Void, p.Clause, p.Why = Reason(void), e.Clause, e.Msg
		if p.outside() {
			return p, nil
		}
		f.s.Void++
	default:
		return p, err
	}
	f.s.Taken++
	if _, ok := f.letsIn(h); ok {
		f.s.Admissions++
	}
	for _, id := range h.After {
		delete(f.frontier, id)
	}
	f.frontier[h.ID] = true
	f.last[h.From] = h.ID
	return p, nil
}

// past answers Knew for h: among the heads of this run it goes back along what each comes after, and all that was taken before the run, every head of it
// comes after.
func (f *folding) past(h *statement.Head) func(statement.ID) bool {
	var seen map[statement.ID]bool
	return func(id statement.ID) bool {
		if f.run[id] == nil || f.admissions.alone {
			return id != h.ID
		}
		if seen == nil {
			seen = map[statement.ID]bool{}
			for todo := slices.Clone(h.After); len(todo) > 0; {
				last := todo[len(todo)-1]
				todo = todo[:len(todo)-1]
				if before := f.run[last]; before != nil && !seen[last] {
					seen[last] = true
					todo = append(todo, before.After...)
				}
			}
		}
		return seen[id]
	}
}

// done closes the sets. The error is a defect.
func (f *folding) done() (State, error) {
	s, err := f.s.written()
	s.Frontier = slices.SortedFunc(maps.Keys(f.frontier), statement.ID.Compare)
	s.Last = f.last
	return s, err
}

// admit gives the state after h, or why h is void. The first reason in the order of THR-6 counts.
func (f *folding) admit(h *statement.Head) (State, error) {
	// spec: THR-6, THR-7
	desk := Kind(h.Kind.Desk())
	if h.IsOpener() {
		return f.admitOpener(h)
	}
	if err := f.noPlace(h); err != nil {
		return f.s, err
	}
	// An admission counts even so: whether somebody takes part must not hang on the order.
	if own, said := f.last[h.From]; said && !slices.Contains(h.After, own) && h.Kind != KindAdmit {
		return f.s, Void(OmitsOwn, "THR-6", "it leaves out what its author said before it")
	}
	if _, known := f.rules.specs[h.Kind]; !known || desk != f.s.Kind && desk != deskReceipt && desk != deskThread {
		return f.s, Void(UnknownKind, "THR-6", "the thread has no place for this kind")
	}
	if f.otherAgreement(h) {
		return f.s, Void(OtherAgreement, "THR-6", "it is said under another agreement than the thread's")
	}
	if err := checkEngineFacts(h); err != nil {
		return f.s, err
	}
	switch {
	case h.Kind == KindAdmit:
		return f.admitParty(h)
	case f.s.begun():
		return f.apply(h)
	case desk == deskReceipt || desk == deskThread:
		return f.s, nil
	}
	return f.s, Void(NotAdmissible, "THR-6", "the thread was never opened")
}

func (f *folding) admitOpener(h *statement.Head) (State, error) {
	spec, known := f.rules.specs[h.Kind]
	switch {
	case !known:
		return f.s, Void(UnknownKind, "STM-8", "this kind is not known here")
	case !spec.Opens:
		return f.s, Void(NotAdmissible, "THR-6", "this kind does not open a thread")
	}
	return f.apply(h)
}

// otherAgreement tells whether a head names another agreement than the thread's.
func (f *folding) otherAgreement(h *statement.Head) bool {
	a := h.Agreement
	return a != nil && a.ID != f.s.Opener.Agreement || a == nil && !f.s.Opener.Agreement.IsZero()
}

// apply lets the desk take effect, and keeps of its answer nothing but its own state.
func (f *folding) apply(h *statement.Head) (State, error) {
	s := f.s
	s.knew = f.past(h)
	next, err := f.desk.Apply(s, h)
	if err != nil {
		return f.s, err
	}
	s.Desk, s.own, s.stale, s.knew = next.Desk, next.own, next.stale, nil
	return s, nil
}

func (f *folding) admitParty(h *statement.Head) (State, error) {
	// spec: THR-8, THR-9
	facts, err := Facts[Admitted](h)
	if err != nil {
		return f.s, err
	}
	switch {
	case len(f.s.Opener.To) == 0:
		return f.s, Void(NotAdmissible, "THR-9", "a local record has nobody else")
	case !f.s.Opener.Agreement.IsZero():
		return f.s, Void(NotAdmissible, "THR-8", "what is said under an agreement is for whom it was said to")
	case f.takesPart(h, facts.Party):
		return f.s, Void(NotAdmissible, "THR-8", "the party takes part already")
	case slices.Contains(f.s.Admitted, facts.Party): // two have done it at once
		return f.s, nil
	}
	s := f.s
	s.Admitted = append(slices.Clone(s.Admitted), facts.Party)
	slices.Sort(s.Admitted)
	if len(s.Participants) < MaxParticipants {
		s.Participants = append(slices.Clone(s.Participants), facts.Party)
		slices.Sort(s.Participants)
	}
	return s, nil
}

// reaches tells whether h goes to all other parties of the opener and to none who takes no part. Who was admitted since may be left
// out by an author that did not know; the party that h itself admits may be named.
func (f *folding) reaches(h *statement.Head) bool {
	// spec: THR-6
	need := len(f.opening)
	if f.opening[h.From] {
		need--
	}
	for _, c := range h.To { // distinct, and the author is not among them (STM-1)
		switch {
		case f.opening[c]:
			need--
		case !f.takesPart(h, c) && !admits(h, c):
			return false
		}
	}
	return need == 0
}

func admits(h *statement.Head, c party.Code) bool {
	if h.Kind != KindAdmit {
		return false
	}
	facts, err := statement.DecodeFacts[Admitted](h)
	return err == nil && facts.Party == c
}

// Facts reads a head's facts as its kind's type, and lets a type with a method Check(*statement.Head) error hold them against the
// rest of the head. What does not fit makes the head void (bad-facts), under the clause that Check names.
func Facts[T any](h *statement.Head) (T, error) {
	v, err := statement.DecodeFacts[T](h)
	if err != nil {
		return v, Void(BadFacts, "THR-6", "its facts do not fit the kind")
	}
	if c, ok := any(v).(interface {
		Check(h *statement.Head) error
	}); ok {
		if err := c.Check(h); err != nil {
			return v, Void(BadFacts, fault.ClauseOf(err), "%s", fault.Of(err).Msg)
		}
	}
	return v, nil
}

// node is a head on its way to its place.
type node struct {
	h    *statement.Head
	rank int
	need int     // ancestors that are not yet taken
	next []*node // heads that wait for this one
}

// ready holds the nodes whose ancestors are all taken, the lowest first.
type ready []*node

func (q ready) Len() int      { return len(q) }
func (q ready) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q ready) Less(i, j int) bool {
	// spec: THR-3
	if q[i].rank != q[j].rank {
		return q[i].rank < q[j].rank
	}
	return q[i].h.ID.Compare(q[j].h.ID) < 0
}
func (q *ready) Push(x any) { *q = append(*q, x.(*node)) }
func (q *ready) Pop() any {
	old := *q
	n := old[len(old)-1]
	*q = old[:len(old)-1]
	return n
}

// walk says which ancestors count as taken before a run begins.
type walk struct {
	known map[statement.ID]bool
	alone bool // ancestors that are nowhere are left out instead of waited for
}

// walk takes heads in their order. Repetitions are taken once.
func (f *folding) walk(w *walk, heads []*statement.Head, placed []Placed) (Folded, error) {
	nodes := make(map[statement.ID]*node, len(heads))
	f.run = make(map[statement.ID]*statement.Head, len(heads))
	order := make([]*node, 0, len(heads))
	for _, h := range heads {
		if nodes[h.ID] == nil {
			n := &node{h: h, rank: f.rules.rank(f.s.Kind, h.Kind)}
			nodes[h.ID], f.run[h.ID] = n, h
			order = append(order, n)
		}
	}
	f.place(w, nodes, order)
	order = slices.DeleteFunc(order, func(n *node) bool { return f.admissions.out[n.h.ID] })
	missing := map[statement.ID]bool{}
	var q ready
	for _, n := range order {
		for _, id := range n.h.After {
			before := nodes[id]
			switch {
			case w.known[id] || before == nil && w.alone:
			case before == nil:
				missing[id] = true // spec: THR-5
				n.need++
			case f.admissions.out[id]: // what comes after it is never taken
				n.need++
			default:
				before.next = append(before.next, n)
				n.need++
			}
		}
	}
	inLogOrder(order)
	for _, n := range order {
		if n.need == 0 {
			q = append(q, n)
		}
	}
	heap.Init(&q)
	placed = slices.Grow(placed, len(order))
	for len(q) > 0 {
		n := heap.Pop(&q).(*node)
		delete(nodes, n.h.ID)
		p, err := f.take(n.h)
		if err != nil {
			return Folded{}, err
		}
		placed = append(placed, p)
		for _, m := range n.next {
			if m.need--; m.need == 0 {
				heap.Push(&q, m)
			}
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(f.admissions.out), statement.ID.Compare) {
		p, err := f.take(f.run[id])
		if err != nil {
			return Folded{}, err
		}
		placed = append(placed, p)
		delete(nodes, id)
	}
	s, err := f.done()
	return Folded{
		State:   s,
		Placed:  placed,
		Waiting: slices.SortedFunc(maps.Keys(nodes), statement.ID.Compare),
		Missing: slices.SortedFunc(maps.Keys(missing), statement.ID.Compare),
	}, err
}

// inLogOrder has each author's heads wait for those that it said before, by their leaves: what somebody has said cannot be
// pushed aside by something that the same party says later and pretends to have said in ignorance of it.
func inLogOrder(nodes []*node) {
	// spec: THR-3
	said := map[party.Code][]*node{}
	for _, n := range nodes {
		if n.h.Place.Origin != "" {
			said[n.h.From] = append(said[n.h.From], n)
		}
	}
	for _, own := range said {
		slices.SortFunc(own, func(a, b *node) int { return a.h.Place.Compare(b.h.Place) })
		for i := 1; i < len(own); i++ {
			own[i-1].next = append(own[i-1].next, own[i])
			own[i].need++
		}
	}
}
