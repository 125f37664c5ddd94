package mirror

import (
	"context"
	"iter"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// Bounds of one run. What there is more is for the next one.
const (
	maxPages      = 1000
	pagesAStep    = 8   // that are committed together
	maxEmptyPages = 100 // one after the other that promise more and have nothing
	firstStep     = 1
)

// Origin is a place outside that has objects. One is used for one run, by one goroutine.
type Origin interface {
	// Next opens what comes after a cursor; "" is the beginning. Errors are safe to show, and name what to do; one that a Rest is in the chain of asks to be left alone.
	Next(ctx context.Context, cursor string) (Page, error)
	// Close lets go of connections.
	Close()
}

// Page is a part of what an Origin has. Items is read once and to its end; then Cursor and More tell how it goes on.
type Page interface {
	// Items gives the objects one at a time. Its error is why it cannot be read on.
	Items() iter.Seq2[stix.Item, error]
	// Cursor is where what follows begins. After an error it is where the same is asked for again, perhaps in another way.
	Cursor() string
	// More tells that there is more now.
	More() bool
	// Close lets go of it. It may be called at any time.
	Close()
}

// Step is what was committed together.
type Step struct {
	Before string // the cursor until then
	Cursor string
	Tally  Tally
}

// Round is one run.
type Round struct {
	Origin Origin
	Cursor string
	// Take commits objects, all of them before it returns, and gives the error of items as it is where they end with one and all that came before is committed.
	Take func(ctx context.Context, items iter.Seq2[stix.Item, error]) (Tally, error)
	// Note notes a step once Take has returned. Its error ends the run.
	Note func(ctx context.Context, s Step) error
}

// Run fetches until there is no more, or enough for one run. What it has noted stands, whatever it ends with.
func (r *Round) Run(ctx context.Context) (more bool, err error) {
	seen, cursor, pages, taken := map[string]bool{r.Cursor: true}, r.Cursor, 0, int64(0)
	for empty := 0; ; {
		s := &step{ctx: ctx, origin: r.Origin, cursor: cursor, seen: seen, empty: empty, pages: min(pagesAStep, maxPages-pages)}
		if pages == 0 {
			s.pages = firstStep // most runs end with it, and what is wrong with a server shows at once
		}
		before := s.pages
		tally, err := r.Take(ctx, s.items)
		if err != nil && (s.failed == nil || err != s.failed) { //nolint:errorlint // the very error: then all that came before it is committed
			return false, err
		}
		if err == nil && !s.ended {
			return false, fault.New(fault.Internal, "", "what came was not read to its end")
		}
		if s.cursor != cursor || tally.Taken+tally.Duplicates+tally.Refused > 0 {
			if err := r.Note(ctx, Step{Before: cursor, Cursor: s.cursor, Tally: tally}); err != nil {
				return false, err
			}
		}
		cursor, pages, taken, empty = s.cursor, pages+before-s.pages, taken+tally.Taken, s.empty
		switch {
		case s.failed != nil:
			return false, s.failed
		case !s.more:
			return false, nil
		case pages >= maxPages && taken == 0:
			return true, fault.New(fault.Malformed, "", "a thousand pages brought nothing that is new, and there are said to be more: the server may be going round in circles. It goes on from there")
		case pages >= maxPages:
			return true, nil
		}
	}
}

// step reads some pages one after the other as if they were one.
type step struct {
	ctx    context.Context
	origin Origin
	cursor string // behind the last page that was read to its end
	seen   map[string]bool
	empty  int // pages in a row that had nothing
	pages  int // that may still be read

	more   bool
	ended  bool
	failed error // with which items ended
}

// items implements iter.Seq2.
func (s *step) items(yield func(stix.Item, error) bool) {
	for s.pages > 0 {
		s.pages--
		page, err := s.origin.Next(s.ctx, s.cursor)
		if err != nil {
			s.fail(err, yield)
			return
		}
		if !s.page(page, yield) {
			return
		}
		if !s.more {
			break
		}
	}
	s.ended = true
}

// page reads one; false: there is no other.
func (s *step) page(page Page, yield func(stix.Item, error) bool) bool {
	defer page.Close()
	n := 0
	for item, err := range page.Items() {
		if err != nil {
			s.cursor = page.Cursor()
			s.fail(err, yield)
			return false
		}
		n++
		if !yield(item, nil) {
			return false
		}
	}
	s.cursor, s.more = page.Cursor(), page.More()
	if s.empty++; n > 0 {
		s.empty = 0
	}
	switch {
	case !s.more:
		return true
	case s.seen[s.cursor]:
		s.fail(fault.New(fault.Malformed, "", "the server goes round in circles: it has pointed to this page before"), yield)
		return false
	case s.empty >= maxEmptyPages:
		s.fail(fault.New(fault.Malformed, "", "the server gives page after page with nothing in them"), yield)
		return false
	}
	s.seen[s.cursor] = true
	return true
}

func (s *step) fail(err error, yield func(stix.Item, error) bool) {
	if s.ctx.Err() != nil {
		err = fault.Wrap(err, fault.Canceled, "", "the run was broken off; it goes on where it was")
	}
	s.failed = err
	yield(stix.Item{}, err)
}
