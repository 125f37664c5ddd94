package recall

import (
	"maps"
	"slices"

	"github.com/comity-exchange/comity/thread"
)

// The statuses.
const (
	StatusAsked     = "asked"     // somebody has not answered for everything
	StatusAnswered  = "answered"  // everybody has, and something is kept
	StatusConfirmed = "confirmed" // everybody has erased everything
)

// ClockErase is the name of the clock: who has not answered for everything owes an answer.
const ClockErase = "erase"

// summary asks for nothing that the ledger counts: whoever is recalled from gave nothing and owes nothing but an answer.
func (st *state) summary() thread.Summary {
	// spec: RCL-6
	sum := thread.Summary{Status: StatusConfirmed, Closed: true}
	for _, code := range slices.Sorted(maps.Keys(st.Asked)) {
		lines := st.Asked[code]
		switch {
		case slices.ContainsFunc(lines, func(l line) bool { return l.Outcome == Pending }):
			sum.Status, sum.Closed = StatusAsked, false
			if st.Within > 0 {
				sum.Clocks = append(sum.Clocks, thread.Clock{Name: ClockErase, Owes: code, Of: st.Recall, Seconds: st.Within})
			}
		case sum.Status == StatusConfirmed && slices.ContainsFunc(lines, func(l line) bool { return l.Outcome == Kept }):
			sum.Status = StatusAnswered
		}
	}
	return sum
}
