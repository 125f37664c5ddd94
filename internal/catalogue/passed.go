package catalogue

import (
	"bytes"
	"context"
	"slices"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of a look for what feeds have passed on.
const (
	maxPassings  = 64  // that are told
	maxSteps     = 400 // statements of one feed that are looked at, the last ones
	stepsAtOnce  = 100
	maxReadAgain = 16 // parcels of increments that are read to see what was in them
)

// Went is what became of an object in a feed.
type Went string

// What can become of it.
const (
	WentOut   Went = "passed" // it stands in an increment
	WentHeld  Went = "held"   // it was held back, for the reasons that the increment gives
	WentWaits Went = "waits"  // the feed has not come to it yet
	WentPast  Went = "past"   // the feed is past it; whether it was passed on cannot be told any more
)

// Passing is how one of this party's feeds, or a share, stands to one word on an object.
type Passing struct {
	Entry int       // of those that were asked about
	Feed  thread.ID // or share
	To    party.Code
	Went  Went
	N     int64           // the increment's number; 0: it was none
	With  statement.ID    // the increment, or the statement that shares; zero where there is none
	Time  statement.Time  // of that statement
	Held  []intel.Reason  // where it was held back
	Row   store.Statement // of With
}

// step is an increment, with the parcels that it has looked through: those after from, up to through.
type step struct {
	row  store.Statement
	time statement.Time
	intel.Increment
	from  int64
	known bool // from is
}

// PassedOn tells what this party's feeds have done with words on an object, and to whom it said them otherwise. It reads the increments again: what stands there was passed on, and nothing else is taken
// for it. more tells that there may be others.
func (c *Catalogue) PassedOn(ctx context.Context, feeds []Feed, entries []Entry) (all []Passing, more bool, err error) {
	// spec: INT-4, INT-7
	at := make([]int64, len(feeds))
	for i, f := range feeds {
		if at[i] = f.View.Through; f.View.Fresh {
			if at[i], err = c.throughOf(ctx, f); err != nil {
				return nil, false, err
			}
		}
		at[i] = c.idle.behind(f, at[i])
	}
	err = c.Store.View(ctx, func(tx store.Tx) error {
		w := went{c: c, tx: tx, left: maxReadAgain}
		for i, e := range entries {
			if err := w.said(i, e); err != nil {
				return err
			}
		}
		for i, f := range feeds {
			if err := w.fed(f, at[i], entries); err != nil {
				return err
			}
		}
		all, more = w.all[:min(maxPassings, len(w.all))], len(w.all) > maxPassings
		return nil
	})
	return all, more, err
}

// went gathers what became of words.
type went struct {
	c    *Catalogue
	tx   store.Tx
	left int // parcels that may be read
	all  []Passing
}

// said adds those to whom this party has said a word itself.
func (w *went) said(i int, e Entry) error {
	h := e.Statement
	if h.From != w.c.Self || len(h.To) == 0 {
		return nil
	}
	row, err := w.tx.Statement(h.ID)
	for _, to := range h.To {
		w.all = append(w.all, Passing{Entry: i, Feed: h.ThreadID(), To: to, Went: WentOut, With: h.ID, Time: h.Time, Row: row})
	}
	return err
}

// fed adds what a feed, which has come as far as at, has done with those words that belong to it.
func (w *went) fed(f Feed, at int64, entries []Entry) error {
	s := slice{c: w.c, feed: f}
	var steps []step
	for i, e := range entries {
		if len(w.all) > maxPassings {
			return nil
		}
		if !f.takes(e.Statement) {
			continue
		}
		if goes, err := s.goes(w.tx, e.Statement, e.Parcel, e.Line, e.Raw); err != nil || !goes {
			if err != nil {
				return err
			}
			continue
		}
		if steps == nil {
			var err error
			if steps, err = w.steps(f.Thread); err != nil {
				return err
			}
		}
		p, err := w.through(f, at, steps, e)
		if err != nil {
			return err
		}
		if p.Went != "" {
			p.Entry, p.Feed, p.To = i, f.Thread, f.To
			w.all = append(w.all, p)
		}
	}
	return nil
}

// through is what became of one word in the increments of a feed.
func (w *went) through(f Feed, at int64, steps []step, e Entry) (p Passing, err error) {
	for _, s := range steps {
		if e.Parcel.No > s.Through || e.Parcel.No <= s.from {
			continue
		}
		out, sure, err := w.holds(s, e)
		switch {
		case err != nil:
			return p, err
		case out:
			return s.passing(WentOut), nil
		case sure && s.known && s.Objects == 0 && len(s.Held) > 0:
			p = s.passing(WentHeld)
			for _, h := range s.Held {
				p.Held = append(p.Held, h.Reason)
			}
		case sure && s.known && slices.ContainsFunc(s.Held, func(h intel.Held) bool { return h.Reason == intel.ByOriginator }):
			p = s.passing(WentHeld)
			p.Held = []intel.Reason{intel.ByOriginator}
		case p.Went == "":
			p = Passing{Went: WentPast}
		}
	}
	switch {
	case p.Went != "":
	case e.Parcel.No <= at:
		p.Went = WentPast
	case f.View.Status == intel.Subscribed:
		p.Went = WentWaits
	}
	return p, nil
}

func (s step) passing(as Went) Passing {
	return Passing{Went: as, N: s.N, With: s.row.ID, Time: s.time, Row: s.row}
}

// holds looks for a word in the parcels of an increment. sure is false where not all of them could be read. What came from the first parcel that was looked through is in the first one, or in none:
// so the search begins where most feeds, which hold back nothing, have it.
func (w *went) holds(s step, e Entry) (out, sure bool, err error) {
	if s.Objects == 0 {
		return false, true, nil
	}
	for part := min(parcelsAnIncrement, int(min(e.Parcel.No-s.from, parcelsAnIncrement))) - 1; part >= 0; part-- {
		if w.left == 0 {
			return false, false, nil
		}
		text, err := w.c.content(w.tx, store.ContentRef{Statement: s.row.ID, Part: part})
		switch code := fault.CodeOf(err); {
		case code == fault.NotFound:
			continue
		case code == fault.Withheld:
			return false, false, nil
		case err != nil:
			return false, false, err
		}
		if w.left--; bytes.Contains(text, e.Raw) {
			return true, true, nil
		}
	}
	return false, true, nil
}

// steps are the last increments of a feed, the first of them first.
func (w *went) steps(feed thread.ID) (all []step, err error) {
	through := map[int64]int64{0: 0} // how far each increment had come
	after := map[int]int64{}         // of a step: the increment behind which it begins anew
	before, whole := statement.ID{}, false
	for looked := 0; looked < maxSteps && !whole; looked += stepsAtOnce {
		rows, err := w.tx.HeadsBefore(feed, before, stepsAtOnce)
		if err != nil {
			return nil, err
		}
		for _, row := range slices.Backward(rows) {
			h, err := statement.Reread(row.ID, row.Head)
			if err != nil || row.Void != "" {
				continue
			}
			switch row.Kind {
			case intel.KindSubscribe:
				if s, err := thread.Facts[intel.Subscribe](h); err == nil && len(all) > 0 {
					if _, later := after[len(all)-1]; !later {
						after[len(all)-1] = s.After
					}
				}
			case intel.KindIncrement:
				f, err := thread.Facts[intel.Increment](h)
				if err != nil {
					continue
				}
				all, through[f.N] = append(all, step{row: row, time: h.Time, Increment: f}), f.Through
			}
		}
		if whole = len(rows) < stepsAtOnce; !whole {
			before = rows[0].ID
		}
	}
	for i := range all {
		n, anew := after[i]
		if !anew {
			n = all[i].N - 1
		}
		all[i].from, all[i].known = through[n]
	}
	slices.Reverse(all)
	return all, nil
}
