package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// pageBound is the design's for a page on the server, in milliseconds.
const pageBound = 50

// speakers is how many say something at once while a store is filled.
const speakers = 64

// Web measures the pages of a node that has so many threads, half of them its own and half a peer's, all of them said and delivered: at a tenth of them, and at all.
// Then those of intelligence, with so many objects in the catalogue. What is measured is the server's part, from the request to the whole page.
func Web(ctx context.Context, threads, objects int) (out []Cost, err error) {
	dir, err := os.MkdirTemp("", "comity-web-")
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "no temporary folder can be made")
	}
	defer remove(dir)
	p, err := openPair(ctx, dir, "", slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	pages := web.Handler(p.a.Node, web.Options{})
	said := 0
	for _, n := range []int{max(2, threads/10), threads} {
		ours, theirs, err := p.fill(ctx, said, n)
		if err != nil {
			return nil, err
		}
		said = n
		if err := p.a.Index(ctx); err != nil {
			return nil, err
		}
		for _, one := range []struct{ name, path string }{
			{"duty desk", "/"}, {"threads", "/threads"}, {"threads of a peer, unread", "/threads?peer=XB&unread=yes"}, {"threads by words", fmt.Sprintf("/threads?q=measured+n%d", n/2)},
			{"a thread of ours", "/threads/" + ours.String()}, {"a thread of theirs", "/threads/" + theirs.String()},
		} {
			ms, err := pageTime(ctx, pages, one.path)
			if err != nil {
				return nil, err
			}
			out = append(out, Cost{fmt.Sprintf("page, %d threads: %s", n, one.name), ms, "ms", pageBound})
		}
	}
	busy, err := p.busy(ctx, pages)
	if err != nil {
		return out, err
	}
	intelligence, err := p.intelligence(ctx, pages, objects)
	return slices.Concat(out, busy, intelligence), err
}

// assistance is an agreement as States make them: seven articles in two languages, with clocks for each precedence.
//
//go:embed assistance.json
var assistance []byte

// What a busy desk owes, is owed, and how long its longest thread is.
const (
	busyOwed   = 49
	busyOthers = 42
	busyLong   = 2000
)

// busy measures the desk with work on it: requests with clocks under a real agreement, and one thread of many statements.
func (p *pair) busy(ctx context.Context, pages http.Handler) (out []Cost, err error) {
	agreed, err := p.agree(ctx, assistance)
	if err != nil {
		return nil, err
	}
	request := func(s *side, to party.Code, i int) (exchange.Said, error) {
		d := p.opener("Please tell what you know.")
		d.Agreement, d.To, d.Title, d.By = agreed, []party.Code{to}, fmt.Sprintf("Asked %d", i), s.By("duty-officer", "one")
		d.Precedence = statement.Precedences()[i%len(statement.Precedences())]
		return s.Say(ctx, d)
	}
	for i := range busyOwed {
		if _, err := request(p.b, "XA", i); err != nil {
			return nil, err
		}
	}
	var long exchange.Said
	for i := range busyOthers {
		if long, err = request(p.a, "XB", i); err != nil {
			return nil, err
		}
	}
	if err := p.lengthen(ctx, long.ID, busyLong-1); err != nil {
		return nil, err
	}
	if err := p.delivered(ctx); err != nil {
		return nil, err
	}
	if err := until(ctx, p.a, func() bool { // the receipts, with which clocks begin
		c, err := p.a.Counts(ctx)
		return err == nil && c.Owed == busyOwed && c.OthersOwe == busyOthers
	}); err != nil {
		return nil, err
	}
	for _, one := range []struct{ name, path string }{
		{fmt.Sprintf("duty desk, %d threads owed and %d by others", busyOwed, busyOthers), "/"}, {"threads with clocks", "/threads?owed=yes"},
		{fmt.Sprintf("a thread of %d statements", busyLong), "/threads/" + long.ID.String()},
	} {
		ms, err := pageTime(ctx, pages, one.path)
		if err != nil {
			return nil, err
		}
		out = append(out, Cost{"page: " + one.name, ms, "ms", pageBound})
	}
	return out, nil
}

// lengthen adds so many statements to a thread.
func (p *pair) lengthen(ctx context.Context, thread statement.ID, by int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range speakers {
		wait.Go(func() {
			for next.Add(1) <= int64(by) && ctx.Err() == nil {
				if _, err := p.a.Exchange.Submit(ctx, p.follower(thread, "Here is more of it.")); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// pageTime is how long a page takes, the median of several times.
func pageTime(ctx context.Context, pages http.Handler, path string) (float64, error) {
	var all []float64
	for range 21 {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		w := httptest.NewRecorder()
		start := time.Now()
		pages.ServeHTTP(w, r)
		all = append(all, float64(time.Since(start).Microseconds())/1000)
		if w.Code != http.StatusOK {
			return 0, fault.New(fault.Failed, "", "the page %s answers %d", path, w.Code)
		}
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// fill has both nodes open threads until there are so many, delivered, and gives one of each.
func (p *pair) fill(ctx context.Context, from, to int) (ours, theirs statement.ID, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var mu sync.Mutex
	var wait sync.WaitGroup
	next.Store(int64(from))
	for range speakers {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(to) && ctx.Err() == nil; i = next.Add(1) - 1 {
				s, d := p.a, p.opener("Please tell what you know.")
				if i%2 == 1 {
					s, d.To = p.b, []party.Code{"XA"}
				}
				d.Title = fmt.Sprintf("Measured n%d", i)
				said, err := s.Exchange.Submit(ctx, d)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				if i%2 == 1 {
					theirs = said.ID
				} else {
					ours = said.ID
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return ours, theirs, context.Cause(ctx)
	}
	return ours, theirs, p.delivered(ctx)
}

// delivered waits until neither node has anything for the other.
func (p *pair) delivered(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		waiting := 0
		for _, s := range []*side{p.a, p.b} {
			all, err := s.PeerViews(ctx)
			if err != nil {
				return err
			}
			for _, v := range all {
				waiting += v.Waiting
			}
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fault.Wrap(ctx.Err(), fault.Unavailable, "", "the threads did not arrive in time")
		case <-time.After(200 * time.Millisecond):
		}
	}
}
