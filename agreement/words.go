package agreement

import (
	"slices"
	"strings"
)

// Span is words of a text that stayed, came in, or went out.
type Span struct {
	Op   Op     `json:"op"`
	Text string `json:"text"`
}

// Op is what became of words.
type Op string

// The ways.
const (
	Same Op = "same"
	In   Op = "in"
	Out  Op = "out"
)

// maxEdits bounds the work on two texts: where more words than this differ they are shown as one gone and one new.
const maxEdits = 1000

// reword compares two texts word by word (E. Myers, An O(ND) Difference Algorithm and Its Variations, 1986). White space counts as one space.
func reword(before, after string) []Span {
	a, b := strings.Fields(before), strings.Fields(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out spans
	out.add(Same, a[:head]...)
	out.middle(a[head:len(a)-tail], b[head:len(b)-tail])
	out.add(Same, a[len(a)-tail:]...)
	return out
}

// spans joins neighbours of one kind.
type spans []Span

func (s *spans) add(op Op, list ...string) {
	if len(list) == 0 {
		return
	}
	text := strings.Join(list, " ")
	if n := len(*s) - 1; n >= 0 && (*s)[n].Op == op {
		(*s)[n].Text += " " + text
		return
	}
	*s = append(*s, Span{op, text})
}

// middle adds what lies between the common beginning and end of two texts.
func (s *spans) middle(a, b []string) {
	steps, ok := edits(a, b)
	if !ok {
		s.add(Out, a...)
		s.add(In, b...)
		return
	}
	// What goes out stands before what comes in its place.
	var in []string
	i, j := 0, 0
	for _, op := range steps {
		switch op {
		case Out:
			s.add(Out, a[i])
			i++
		case In:
			in = append(in, b[j])
			j++
		default:
			s.add(In, in...)
			in = nil
			s.add(Same, a[i])
			i, j = i+1, j+1
		}
	}
	s.add(In, in...)
}

// edits is the shortest way from a to b, word by word; ok is false when it is longer than maxEdits.
func edits(a, b []string) (steps []Op, ok bool) {
	n, m := len(a), len(b)
	most := min(n+m, maxEdits)
	far := make([]int, 2*most+3) // far[k+most+1]: how far in a one gets on diagonal k
	var trail [][]int
	for d := 0; d <= most; d++ {
		trail = append(trail, slices.Clone(far[most+1-d:most+2+d]))
		for k := -d; k <= d; k += 2 {
			at := k + most + 1
			x := far[at-1] + 1
			if k == -d || k != d && far[at-1] < far[at+1] {
				x = far[at+1]
			}
			for x < n && x-k < m && a[x] == b[x-k] {
				x++
			}
			if far[at] = x; x >= n && x-k >= m {
				return walk(trail, n, m), true
			}
		}
	}
	return nil, false
}

// walk goes back along the trail from the end. trail[d] is how far one had got on diagonals -d to d before step d.
func walk(trail [][]int, x, y int) (steps []Op) {
	for d := len(trail) - 1; d > 0; d-- {
		was, k := func(k int) int { return trail[d][k+d] }, x-y
		op, from := Out, k-1
		if k == -d || k != d && was(k-1) < was(k+1) {
			op, from = In, k+1
		}
		start := was(from) // of the words that stayed after the step
		if op == Out {
			start++
		}
		for ; x > start; x-- {
			steps = append(steps, Same)
		}
		steps = append(steps, op)
		x, y = was(from), was(from)-from
	}
	for ; x > 0; x-- {
		steps = append(steps, Same)
	}
	slices.Reverse(steps)
	return steps
}
