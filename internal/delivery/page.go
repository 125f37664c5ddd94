package delivery

import (
	"math"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// span is a stretch of leaves that are all receipted, or none of them.
type span struct {
	lo, hi int64
	yes    bool
}

// has tells whether the peer has receipted a head. It looks once for a whole stretch of the log.
func (p *packing) has(index int64) (bool, error) {
	if index >= p.receipted.lo && index < p.receipted.hi {
		return p.receipted.yes, nil
	}
	a, err := p.tx.NextArrival(p.to, p.origin, store.HeadArrived, index)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		p.receipted = span{index, math.MaxInt64, false}
	case err != nil:
		return false, err
	case a.Lo <= index:
		p.receipted = span{a.Lo, a.Hi, true}
	default:
		p.receipted = span{index, a.Lo, false}
	}
	return p.receipted.yes, nil
}

// page is bodies that were read together, and how many leaves in a row were asked for before.
type page struct {
	lo, hi int64
	bodies map[int64][]byte
	next   int64 // the leaf after the one that was asked for last
	run    int
}

// What is read at once, once so many bodies were wanted one after the other: where most of a log is for others, reading ahead would be for nothing.
const (
	pageLeaves = 256
	pageAfter  = 4
)

// body reads a statement's body; nil when there is none here any more.
func (p *packing) body(h *statement.Head, index int64) ([]byte, error) {
	if h.Body == nil {
		return nil, nil
	}
	g := &p.page
	if index >= g.lo && index < g.hi {
		return g.bodies[index], nil
	}
	if g.run++; index != g.next {
		g.run = 0
	}
	g.next = index + 1
	if g.run >= pageAfter {
		g.lo, g.hi, g.bodies = index, index+pageLeaves, make(map[int64][]byte, pageLeaves)
		g.next = g.hi
		size := 0
		err := p.tx.Bodies(p.origin, g.lo, g.hi, func(at int64, raw []byte) bool {
			g.bodies[at] = raw
			size += len(raw)
			if size > packBytes { // no more of them fit into a packet
				g.hi = at + 1
			}
			return size <= packBytes
		})
		return g.bodies[index], err
	}
	return bodyOf(p.tx, h.ID)
}
