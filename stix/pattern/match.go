package pattern

import (
	"cmp"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// Budget is how many steps an evaluation may take; 0 stands for DefaultBudget. A step is about what it takes to look at one value.
type Budget int

const (
	// DefaultBudget is a fraction of a second on a machine of today.
	DefaultBudget Budget = 10_000_000
	// MaxObservations is how many observations one Match takes.
	MaxObservations = 100_000
	// maxPlies is how many observations and operators may be open at once: what bounds the stack.
	maxPlies = 50_000
)

// CanMatch says whether the pattern can be evaluated at all. Error: fault.Malformed, with what is in its way: a regular expression that
// is broken, too large or of PCRE alone; an AND in brackets that no object can satisfy.
func (p *Pattern) CanMatch() error {
	if len(p.flaws) > 0 {
		return fault.New(fault.Malformed, "", "the pattern cannot be evaluated: %s", p.flaws[0])
	}
	return nil
}

// Match looks for observations that together are what the pattern describes, and gives their places in observations, each once and in
// ascending order; nil where there are none. Which it gives where several would do is fixed, and does not mean the others do not match.
//
// Errors: that of CanMatch; fault.TooLarge for more than MaxObservations, or when the budget is used up, and then nothing is known.
func (p *Pattern) Match(observations []*Observation, budget Budget) ([]int, error) {
	if err := p.CanMatch(); err != nil {
		return nil, err
	}
	if len(observations) > MaxObservations {
		return nil, fault.New(fault.TooLarge, "", "at most %d observations are looked at together", MaxObservations)
	}
	if budget <= 0 {
		budget = DefaultBudget
	}
	e := &evaluation{all: observations, left: int(budget), budget: int(budget), candidates: map[int][]int{}}
	e.unused = make([]int, len(observations))
	for i, o := range observations {
		e.unused[i] = o.count
	}
	var found []int
	e.find(p.root, func() bool {
		found = slices.Clone(e.taken)
		return true
	})
	if e.err != nil {
		return nil, e.err
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// evaluation is one run of Match. It tries observations one after another and goes back where they do not fit; every qualifier that is
// open holds back at once what would break it, so that little is tried in vain.
type evaluation struct {
	all        []*Observation
	left       int // of the budget
	budget     int
	err        error
	candidates map[int][]int // of each pair of brackets: the observations in which it holds, by time
	taken      []int         // places of the observations taken, in the order of taking
	unused     []int         // of each observation, how often it may still be taken
	open       []qualifier
	plies      int
}

// qualifier is what observations taken from place from on must keep.
type qualifier struct {
	from        int
	within      time.Duration // their times lie less than this apart; −1 for no such demand
	start, stop time.Time     // some of their time is in here; zero for no such demand
	notBefore   time.Time     // some of their time is not before this
}

// spend takes n steps from the budget and returns false when it is used up.
func (e *evaluation) spend(n int) bool {
	if e.left -= n; e.left < 0 && e.err == nil {
		e.err = fault.New(fault.TooLarge, "", "evaluating the pattern takes more than %d steps", e.budget)
	}
	return e.err == nil
}

// deeper goes one ply down, up returns from it.
func (e *evaluation) deeper() bool {
	if e.plies++; e.plies > maxPlies && e.err == nil {
		e.err = fault.New(fault.TooLarge, "", "evaluating the pattern takes too many observations at once")
	}
	if !e.spend(1) {
		e.plies--
		return false
	}
	return true
}

func (e *evaluation) up() { e.plies-- }

// find tries every way in which o holds, calls then for each, and returns true as soon as that does. What it took stands on e.taken while
// then runs.
func (e *evaluation) find(o *observing, then func() bool) bool {
	if !e.deeper() {
		return false
	}
	defer e.up()
	switch o.op {
	case "[]":
		return e.one(o, then)
	case "OR":
		return e.find(o.left, then) || e.find(o.right, then)
	case "AND":
		return e.find(o.left, func() bool { return e.find(o.right, then) })
	case "FOLLOWEDBY":
		return e.followed(o, then)
	case "REPEATS":
		return e.repeated(o, o.count, -1, then)
	case "WITHIN":
		return e.under(qualifier{from: len(e.taken), within: time.Duration(o.seconds * float64(time.Second))}, o.left, then)
	default:
		return e.under(qualifier{from: len(e.taken), within: -1, start: o.start.Time(), stop: o.stop.Time()}, o.left, then)
	}
}

// under finds o while q is open, and closes q for what comes after.
func (e *evaluation) under(q qualifier, o *observing, then func() bool) bool {
	depth := len(e.open)
	e.open = append(e.open, q)
	found := e.find(o, func() bool {
		inner := slices.Clone(e.open[depth:])
		e.open = e.open[:depth]
		if then() {
			return true
		}
		e.open = append(e.open[:depth], inner...)
		return false
	})
	e.open = e.open[:depth]
	return found
}

// followed asks that there are times such that all of the left come no later than all of the right.
func (e *evaluation) followed(o *observing, then func() bool) bool {
	from := len(e.taken)
	return e.find(o.left, func() bool {
		var latest time.Time
		for _, i := range e.taken[from:] {
			if f := e.all[i].first; f.After(latest) {
				latest = f
			}
		}
		return e.under(qualifier{from: len(e.taken), within: -1, notBefore: latest}, o.right, then)
	})
}

// repeated finds o.left n times more. For a pair of brackets the order of taking does not matter: they are taken by their order in
// time, those behind place after, and from one that was seen several times as many as it has are tried first.
func (e *evaluation) repeated(o *observing, n, after int, then func() bool) bool {
	if n == 0 {
		return then()
	}
	if !e.deeper() {
		return false
	}
	defer e.up()
	if o.left.op != "[]" {
		return e.find(o.left, func() bool { return e.repeated(o, n-1, -1, then) })
	}
	if !e.enough(o.left, n, after) {
		return false
	}
	for at, i := range e.holding(o.left) {
		if at <= after {
			continue
		}
		for k := min(n, e.unused[i]); k > 0 && e.take(i, k); k-- {
			if e.repeated(o, n-k, at, then) {
				return true
			}
			e.giveBack(i, k)
		}
		if e.err != nil {
			return false
		}
	}
	return false
}

// enough tells whether n more can be taken at all.
func (e *evaluation) enough(o *observing, n, after int) bool {
	for at, i := range e.holding(o) {
		if n <= 0 || !e.spend(1) {
			break
		}
		if at > after && e.fits(i) {
			n -= e.unused[i]
		}
	}
	return n <= 0 && e.err == nil
}

// one takes one observation in which a pair of brackets holds.
func (e *evaluation) one(o *observing, then func() bool) bool {
	for _, i := range e.holding(o) {
		if e.err != nil {
			return false
		}
		if !e.take(i, 1) {
			continue
		}
		if then() {
			return true
		}
		e.giveBack(i, 1)
	}
	return false
}

// holding gives the observations in which a pair of brackets holds, by time and then by place.
func (e *evaluation) holding(o *observing) []int {
	if found, ok := e.candidates[o.id]; ok {
		return found
	}
	var found []int
	for i, x := range e.all {
		if e.seenIn(o.test, x) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int {
		return cmp.Or(e.all[a].first.Compare(e.all[b].first), e.all[a].last.Compare(e.all[b].last))
	})
	e.candidates[o.id] = found
	return found
}

// take takes an observation k times if it is there so often and none of the open qualifiers forbids it.
func (e *evaluation) take(i, k int) bool {
	if !e.spend(1) || e.unused[i] < k || !e.fits(i) {
		return false
	}
	e.unused[i] -= k
	e.taken = append(e.taken, i)
	return true
}

func (e *evaluation) giveBack(i, k int) {
	e.unused[i] += k
	e.taken = e.taken[:len(e.taken)-1]
}

// fits tells whether observation i may stand beside what is taken under the open qualifiers.
func (e *evaluation) fits(i int) bool {
	o := e.all[i]
	for _, q := range e.open {
		if !e.spend(1 + len(e.taken) - q.from) {
			return false
		}
		if o.last.Before(q.notBefore) || !q.stop.IsZero() && (!o.first.Before(q.stop) || o.last.Before(q.start)) {
			return false
		}
		if q.within < 0 {
			continue
		}
		for _, t := range e.taken[q.from:] {
			if x := e.all[t]; o.first.Sub(x.last) >= q.within || x.first.Sub(o.last) >= q.within {
				return false
			}
		}
	}
	return true
}
