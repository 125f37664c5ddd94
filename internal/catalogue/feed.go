package catalogue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// parcelsAnIncrement is how many parcels one increment has at most: what is in memory at once while it is made.
const parcelsAnIncrement = 8

// Feed is a feed that this party offers, as its thread has it.
type Feed struct {
	Thread  thread.ID
	To      party.Code
	Marking marking.Marking // of the offer: under it is said that something was held back, when nothing comes with it
	View    intel.View
}

// Increment says the next increment of a feed that is subscribed to: what belongs to it and came after the one before. said is false when there is nothing to say. Whatever happens in between, none is lost
// and none comes twice: how far the feed has come stands in the increment itself.
//
// said is true as well where there is more to look through.
// What the agreement or a caveat of this party's does not let pass is counted, and the feed goes on behind it. An agreement that asks for a second officer for each increment stops it: the error says so.
func (c *Catalogue) Increment(ctx context.Context, f Feed, by statement.By) (said bool, err error) {
	// spec: INT-6, INT-7
	if f.View.Form != intel.AFeed || f.View.Status != intel.Subscribed || f.View.By != c.Self {
		return false, nil
	}
	from := f.View.Through
	if f.View.Fresh {
		if from, err = c.throughOf(ctx, f); err != nil {
			return false, err
		}
	}
	s := &slice{c: c, feed: f, through: c.idle.behind(f, from)}
	if err := c.Store.View(ctx, func(tx store.Tx) error { return s.gather(tx) }); err != nil {
		return false, err
	}
	if s.objects == 0 && len(s.held) == 0 && !f.View.More && (!f.View.Fresh || s.through == from) {
		c.idle.note(f, s.through)
		return s.more, nil
	}
	return true, s.say(ctx, by)
}

// idle remembers how far a feed was looked through without finding anything that belongs to it, so that a look costs nothing while nothing comes. It is lost with the process,
// and then looked through once more.
type idle struct {
	mu      sync.Mutex
	through map[thread.ID]idled // guarded by mu
}

type idled struct{ n, through int64 }

func (i *idle) behind(f Feed, from int64) int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	if at, ok := i.through[f.Thread]; ok && at.n == f.View.N && !f.View.Fresh {
		return max(from, at.through)
	}
	return from
}

func (i *idle) note(f Feed, through int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.through == nil {
		i.through = map[thread.ID]idled{}
	}
	i.through[f.Thread] = idled{f.View.N, through}
}

// throughOf is how far the increment had come after which a new subscription wants everything; 0: it wants all.
func (c *Catalogue) throughOf(ctx context.Context, f Feed) (through int64, err error) {
	if f.View.After == 0 {
		return 0, nil
	}
	err = c.Store.View(ctx, func(tx store.Tx) error {
		return tx.EachOfThread(f.Thread, func(row store.Statement) bool {
			if row.Kind != intel.KindIncrement || row.Void != "" {
				return true
			}
			h, err := statement.Reread(row.ID, row.Head)
			if err != nil {
				return true
			}
			facts, err := thread.Facts[intel.Increment](h)
			if err == nil && facts.N == f.View.After {
				through = facts.Through
				return false
			}
			return true
		})
	})
	return through, err
}

// slice is an increment in the making: parcels of one marking.
type slice struct {
	c       *Catalogue
	feed    Feed
	parser  stix.Parser
	through int64
	more    bool
	marking *marking.Marking // of all that it brings; nil: it brings nothing yet
	parcels [][]byte
	objects int64
	held    map[intel.Reason]int64

	earlier earlier
	passes  map[statement.ID]bool // heads that were asked about beside that of the parcel in hand
	h       *hasher               // nil: not yet needed
}

// gather goes on behind what was said, until it has enough, or what comes next is marked otherwise.
func (s *slice) gather(tx store.Tx) error {
	s.parcels, s.objects, s.held, s.marking, s.more = nil, 0, map[intel.Reason]int64{}, nil, false
	s.earlier, s.passes = earlier{}, nil
	for looked := 0; looked < maxLook; looked++ {
		next, err := tx.Parcels(store.ParcelQuery{After: s.through, Limit: 1})
		if err != nil || len(next) == 0 {
			return err
		}
		if len(s.parcels) == parcelsAnIncrement {
			s.more = true
			return nil
		}
		enough, err := s.parcel(tx, next[0])
		if err != nil || enough {
			s.more = enough
			return err
		}
		s.through = next[0].No
	}
	s.more = true
	return nil
}

// parcel takes what belongs to the feed out of a parcel. enough tells that it is marked otherwise than what was taken before, and was not looked at.
func (s *slice) parcel(tx store.Tx, p store.Parcel) (enough bool, err error) {
	// spec: INT-4, INT-9
	h, err := counting(tx, statementOf(p))
	if err != nil || h == nil || !s.feed.takes(h) {
		return false, err
	}
	passage, err := s.c.Exchange.Onward(tx, h, s.feed.To, false)
	if err != nil {
		return false, err
	}
	if passage.Permitted && s.marking != nil && !equal(*s.marking, h.Marking) {
		return true, nil
	}
	text, err := read(tx, p.Content)
	if fault.CodeOf(err) == fault.Withheld {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var out []byte
	n := int64(0)
	lines(text, func(i, _ int, line []byte) bool {
		if i >= p.Objects || p.Hidden.Has(i) {
			return true
		}
		var goes bool
		if goes, err = s.goes(tx, h, p, i, line); err != nil || !goes {
			return err == nil
		}
		n++
		if passage.Permitted {
			out = append(append(out, line...), '\n')
		}
		return true
	})
	switch {
	case err != nil:
		return false, err
	case n == 0:
	case !passage.Permitted:
		s.held[intel.ByOriginator] += n
	default:
		m := h.Marking
		s.marking, s.parcels, s.objects = &m, append(s.parcels, out), s.objects+n
	}
	return false, nil
}

// takes tells whether a feed is for what came with a head, before the objects themselves are looked at.
func (f Feed) takes(h *statement.Head) bool {
	// spec: INT-4
	max := f.View.Offer.TLPMax
	switch {
	case h.From == f.To || h.ThreadID() == f.Thread || slices.Contains(h.To, f.To):
		return false // it has it
	case h.Kind == intel.KindSighting && f.View.Offer.Types == nil:
		return false // what was seen is told to whose it is; on it goes only where the offer names the type
	}
	return max == "" || h.Marking.TLP.Rank() <= max.Rank()
}

// equal tells whether two markings are the same.
func equal(a, b marking.Marking) bool { return a.Covers(b) && b.Covers(a) }

// say says the increment. What is refused by the agreement or a caveat is held back, and that is said instead.
func (s *slice) say(ctx context.Context, by statement.By) error {
	err := s.submit(ctx, by)
	reason, denied := heldBy(err)
	if !denied || s.objects == 0 {
		return err
	}
	s.held[reason] += s.objects
	s.objects, s.parcels, s.marking = 0, nil, nil
	return s.submit(ctx, by)
}

// heldBy tells which rule has refused to let an increment pass. That a second officer is asked for is none.
func heldBy(err error) (intel.Reason, bool) {
	var d *exchange.Denial
	switch {
	case !errors.As(err, &d):
		return "", false
	case d.Verdict.Caveat:
		return intel.ByCaveat, true
	case strings.HasPrefix(d.Verdict.Clause, "ONW-"):
		return intel.ByOriginator, true
	}
	return intel.ByAgreement, true
}

func (s *slice) submit(ctx context.Context, by statement.By) error {
	v := s.feed.View
	f := intel.Increment{N: v.N + 1, Objects: s.objects, Through: s.through, More: s.more, Sector: v.Offer.Sector, Purpose: v.Offer.Purpose}
	for _, r := range intel.Reasons() {
		if n := s.held[r]; n > 0 {
			f.Held = append(f.Held, intel.Held{Reason: r, Objects: n})
		}
	}
	facts, err := json.Marshal(f)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the facts cannot be written")
	}
	m := s.feed.Marking
	if s.marking != nil {
		m = *s.marking
	}
	_, err = s.c.Exchange.Submit(ctx, exchange.Draft{Thread: s.feed.Thread, Kind: intel.KindIncrement, Marking: m, By: by, Facts: jsontext.Value(facts), Blobs: attach(s.parcels)})
	return err
}
