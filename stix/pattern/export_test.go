package pattern

import "slices"

// Bindings gives every way in which the pattern holds, each as the observations it takes, straight from what the operators mean and
// without any thought for cost. It is what Match is held against.
func (p *Pattern) Bindings(all []*Observation) [][]int {
	e := &evaluation{all: all, left: 1 << 40, candidates: map[int][]int{}}
	return e.bindings(p.root)
}

func (e *evaluation) bindings(o *observing) (out [][]int) {
	keep := func(ok func(binding []int) bool) [][]int {
		return slices.DeleteFunc(e.bindings(o.left), func(b []int) bool { return !ok(b) })
	}
	switch o.op {
	case "[]":
		for _, i := range e.holding(o) {
			out = append(out, []int{i})
		}
	case "OR":
		return append(e.bindings(o.left), e.bindings(o.right)...)
	case "AND":
		return e.together(e.bindings(o.left), e.bindings(o.right), func(l, r []int) bool { return true })
	case "FOLLOWEDBY":
		return e.together(e.bindings(o.left), e.bindings(o.right), func(l, r []int) bool {
			for _, i := range l {
				for _, j := range r {
					if e.all[i].first.After(e.all[j].last) {
						return false
					}
				}
			}
			return true
		})
	case "REPEATS":
		out = e.bindings(o.left)
		for range o.count - 1 {
			out = e.together(out, e.bindings(o.left), func(l, r []int) bool { return true })
		}
	case "WITHIN":
		return keep(func(b []int) bool {
			for _, i := range b {
				for _, j := range b {
					if i != j && e.all[i].first.Sub(e.all[j].last).Seconds() >= o.seconds {
						return false
					}
				}
			}
			return true
		})
	case "START":
		return keep(func(b []int) bool {
			return !slices.ContainsFunc(b, func(i int) bool {
				return !e.all[i].first.Before(o.stop.Time()) || e.all[i].last.Before(o.start.Time())
			})
		})
	}
	return out
}

// together joins every left with every right that it goes with, if no observation is taken more often than it was seen.
func (e *evaluation) together(left, right [][]int, goes func(l, r []int) bool) (out [][]int) {
	for _, l := range left {
		for _, r := range right {
			both := slices.Concat(l, r)
			often := map[int]int{}
			for _, i := range both {
				often[i]++
			}
			enough := true
			for i, n := range often {
				enough = enough && n <= e.all[i].count
			}
			if enough && goes(l, r) {
				out = append(out, both)
			}
		}
	}
	return out
}
