package thread

import (
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Who takes part, as the author of a head had folded it. It depends on what a head comes after and on nothing else: not on where it stands in the order, not on what
// others say at the same time. So whether a head has a place at all is the same for everybody who has it, and whoever does not have it misses nothing.

// admissions are what the heads of a run know of who was let into the thread.
type admissions struct {
	base  []party.Code           // let in before the run: every head of it comes after that
	codes []party.Code           // let in by heads of the run, in the order of their ids
	lets  map[statement.ID]int   // of these heads that have a place, the index into codes
	knew  map[statement.ID][]int // what each head knew of codes, sorted
	out   map[statement.ID]bool  // heads that have no place
	alone bool                   // what leads from one head to another may be left out: each knew all
}

// maxKnown is how many admissions that a head knew count: those with the lowest ids. Nobody needs more, and nobody shall make others remember more.
const maxKnown = 256

// place finds out which nodes have no place, going along what comes after what. Nodes that wait for an ancestor stay undecided.
func (f *folding) place(w *walk, nodes map[statement.ID]*node, order []*node) {
	// spec: THR-6, THR-8
	a := &admissions{base: f.s.Admitted, lets: map[statement.ID]int{}, knew: map[statement.ID][]int{}, out: map[statement.ID]bool{}, alone: w.alone}
	f.admissions = a
	index := f.candidates(order)
	need := make(map[*node]int, len(order))
	after := map[statement.ID][]*node{}
	var ready []*node
	for _, n := range order {
		for _, id := range n.h.After {
			switch {
			case nodes[id] != nil:
				need[n]++
				after[id] = append(after[id], n)
			case !w.known[id] && !w.alone:
				need[n]++ // it waits
			}
		}
		if need[n] == 0 {
			ready = append(ready, n)
		}
	}
	for len(ready) > 0 {
		n := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		a.inherit(n.h)
		if f.noPlace(n.h) != nil {
			a.out[n.h.ID] = true
		} else if i, ok := index[n.h.ID]; ok {
			a.lets[n.h.ID] = i
		}
		for _, m := range after[n.h.ID] {
			if need[m]--; need[m] == 0 {
				ready = append(ready, m)
			}
		}
	}
}

// candidates notes whom heads of a run let in if they have a place, and gives the index of each into codes.
func (f *folding) candidates(order []*node) map[statement.ID]int {
	var ids []statement.ID
	code := map[statement.ID]party.Code{}
	for _, n := range order {
		if c, ok := f.letsIn(n.h); ok {
			ids, code[n.h.ID] = append(ids, n.h.ID), c
		}
	}
	slices.SortFunc(ids, statement.ID.Compare)
	index := make(map[statement.ID]int, len(ids))
	for i, id := range ids {
		index[id] = i
		f.admissions.codes = append(f.admissions.codes, code[id])
	}
	return index
}

// inherit has a head know what those knew that it comes after, and what they did.
func (a *admissions) inherit(h *statement.Head) {
	var list []int
	for _, id := range h.After {
		list = append(list, a.knew[id]...)
		if i, ok := a.lets[id]; ok {
			list = append(list, i)
		}
	}
	if len(list) > 0 {
		slices.Sort(list)
		list = slices.Compact(list)
		a.knew[h.ID] = list[:min(len(list), maxKnown)]
	}
}

// letsIn tells whom a head lets into the thread, if it does: then it is no void head, but for its author and its recipients.
func (f *folding) letsIn(h *statement.Head) (party.Code, bool) {
	// spec: THR-8
	if h.Kind != KindAdmit || len(f.s.Opener.To) == 0 || !f.s.Opener.Agreement.IsZero() || f.otherAgreement(h) {
		return "", false
	}
	facts, err := Facts[Admitted](h)
	return facts.Party, err == nil
}

// takesPart tells whether code took part in the thread as h's author had folded it.
func (f *folding) takesPart(h *statement.Head, code party.Code) bool {
	// spec: THR-6
	a := f.admissions
	if f.opening[code] || slices.Contains(a.base, code) || a.alone && slices.Contains(a.codes, code) {
		return true
	}
	return slices.ContainsFunc(a.knew[h.ID], func(i int) bool { return a.codes[i] == code })
}

// noPlace is why a head has no place in the thread: its author takes no part, or does not say it to those who do. Others need not have it, so nothing that counts may
// come after it.
func (f *folding) noPlace(h *statement.Head) error {
	// spec: THR-6
	switch {
	case !f.takesPart(h, h.From):
		return Void(NotAParticipant, "THR-6", "its author takes no part in the thread")
	case !f.reaches(h):
		return Void(WrongRecipients, "THR-6", "it does not go to those who take part")
	}
	return nil
}
