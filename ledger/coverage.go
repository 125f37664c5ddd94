package ledger

import (
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// coverage finds when things arrived, for those that are asked about. First want everything, then add receipts, the earliest first,
// then ask whole. The work is that of reading each receipt once, however many requests there are.
type coverage struct {
	place  func(statement.ID) (party.Origin, int64, bool)
	leaves map[leafSet]*leaves
	blobs  map[leaf]*blobs
}

// leafSet is what one party has received of one log.
type leafSet struct {
	giver  party.Code // of the receipts
	origin party.Origin
	body   bool // bodies, else heads
}

// leaf is one head of a log, as one party received it.
type leaf struct {
	giver  party.Code
	origin party.Origin
	index  int64
}

// blobs says when all blobs of a head had arrived.
type blobs struct {
	all int
	at  statement.Time
}

func newCoverage(place func(statement.ID) (party.Origin, int64, bool)) *coverage {
	return &coverage{place: place, leaves: map[leafSet]*leaves{}, blobs: map[leaf]*blobs{}}
}

// want asks for the head with this id, and for its body and blobs unless body is nil.
func (c *coverage) want(giver party.Code, id statement.ID, body *statement.BodyRef) {
	origin, index, ok := c.place(id)
	if !ok {
		return
	}
	c.set(leafSet{giver, origin, false}).want(index)
	if body == nil {
		return
	}
	c.set(leafSet{giver, origin, true}).want(index)
	if body.Blobs > 0 {
		c.blobs[leaf{giver, origin, index}] = &blobs{all: body.Blobs}
	}
}

func (c *coverage) set(s leafSet) *leaves {
	if c.leaves[s] == nil {
		c.leaves[s] = &leaves{}
	}
	return c.leaves[s]
}

// add takes one receipt; one whose facts do not hold says nothing.
func (c *coverage) add(h *statement.Head) {
	// spec: RCP-6
	d, err := thread.Facts[thread.Delivered](h)
	if err != nil {
		return
	}
	for _, r := range d.Heads {
		c.set(leafSet{h.From, d.Origin, false}).cover(r, h.Time)
	}
	for _, r := range d.Bodies {
		c.set(leafSet{h.From, d.Origin, true}).cover(r, h.Time)
	}
	for _, b := range d.Blobs {
		if w := c.blobs[leaf{h.From, d.Origin, b.Index}]; w != nil && w.at.IsZero() && b.Arrived >= w.all {
			w.at = h.Time
		}
	}
}

// whole is the time by which head, body and blobs had all arrived; zero while one of them has not.
func (c *coverage) whole(giver party.Code, id statement.ID, body *statement.BodyRef) statement.Time {
	// spec: RCP-6, LED-4
	origin, index, ok := c.place(id)
	if !ok {
		return statement.Time{}
	}
	parts := []statement.Time{c.set(leafSet{giver, origin, false}).at(index)}
	if body != nil {
		parts = append(parts, c.set(leafSet{giver, origin, true}).at(index))
		if body.Blobs > 0 {
			parts = append(parts, c.blobs[leaf{giver, origin, index}].at)
		}
	}
	if slices.ContainsFunc(parts, statement.Time.IsZero) {
		return statement.Time{}
	}
	return slices.MaxFunc(parts, statement.Time.Compare)
}

// leaves are the indexes that are asked about, and when each was first covered. Covered runs are skipped by next, so that each index
// is touched once however often receipts name it.
type leaves struct {
	index []int64 // sorted once the first receipt comes
	times []statement.Time
	next  []int // next[i] is the first place ≥ i that may be uncovered
}

func (l *leaves) want(index int64) { l.index = append(l.index, index) }

// sort closes the list.
func (l *leaves) sort() {
	if l.next != nil {
		return
	}
	slices.Sort(l.index)
	l.index = slices.Compact(l.index)
	l.times = make([]statement.Time, len(l.index))
	l.next = make([]int, len(l.index)+1)
	for i := range l.next {
		l.next[i] = i
	}
}

// cover notes that r arrived at t, where it had not arrived before.
func (l *leaves) cover(r thread.Range, t statement.Time) {
	l.sort()
	i, _ := slices.BinarySearch(l.index, r[0])
	for i = l.uncovered(i); i < len(l.index) && l.index[i] < r[1]; i = l.uncovered(i) {
		l.times[i] = t
		l.next[i] = i + 1
	}
}

// uncovered is the first place ≥ i that is not covered; the way there is halved for the next time.
func (l *leaves) uncovered(i int) int {
	for l.next[i] != i {
		l.next[i] = l.next[l.next[i]]
		i = l.next[i]
	}
	return i
}

// at is when index was first covered; zero when it was not.
func (l *leaves) at(index int64) statement.Time {
	l.sort()
	i, ok := slices.BinarySearch(l.index, index)
	if !ok {
		return statement.Time{}
	}
	return l.times[i]
}
