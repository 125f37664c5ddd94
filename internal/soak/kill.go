package soak

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The measure of a kill.
const (
	undisturbed = 80 * time.Millisecond // longest that nodes are left to work before one is killed at random
	coming      = 40 * time.Millisecond // longest that one is let come up before it is killed again
	reaching    = 60 * time.Second      // how long a node may take to fall into its trap
	often       = 5                     // a trap goes off at the first to fifth time
)

// fetching tells whether a point is reached only where a party cannot be reached.
func fetching(point string) bool { return strings.HasPrefix(point, "pull.") }

// strike does what this round does to the nodes.
func (w *war) strike(ctx context.Context) error {
	if w.Processes == 1 {
		if w.rounds%2 == 0 {
			return w.atPoint(ctx)
		}
		return w.atRandom(ctx)
	}
	switch w.rounds % 12 {
	case 1, 6:
		return w.atRandom(ctx)
	case 9:
		return w.standstill(ctx)
	}
	return w.atPoint(ctx)
}

// atRandom kills a node at a moment drawn by lot: sometimes all of them together, sometimes the one again while it comes up.
func (w *war) atRandom(ctx context.Context) error {
	if err := w.rest(ctx, undisturbed); err != nil {
		return err
	}
	if w.rng.IntN(w.seldom(4)) == 0 {
		w.kill(slices.Collect(w.posts())...)
		return nil
	}
	victim := w.draw(w.houses)
	post := victim.posts[w.rng.IntN(len(victim.posts))]
	w.kill(post)
	if len(victim.posts) > 1 && w.rng.IntN(2) == 0 { // the others go on meanwhile
		return w.rest(ctx, undisturbed)
	}
	if w.rng.IntN(5) > 0 {
		return nil
	}
	if err := post.up(ctx, w.Command, &trapped{}); err != nil {
		return err
	}
	if err := w.rest(ctx, coming); err != nil {
		return err
	}
	w.kill(post)
	return nil
}

// seldom is one chance in n that all processes die together; much less where they are many.
func (w *war) seldom(n int) int { return n * w.Processes * w.Processes }

// draw draws a house by lot: one that is served at several posts the oftener.
func (w *war) draw(houses []*house) *house {
	var lots []*house
	for _, h := range houses {
		for range h.posts {
			lots = append(lots, h)
		}
	}
	return lots[w.rng.IntN(len(lots))]
}

// atPoint has a node end itself at the point whose turn it is: one that is at work, or one that comes up again; sometimes the others die with it. Of several
// that serve a party it is the one that comes to the point: who has the turn to write, or a peer's queue.
func (w *war) atPoint(ctx context.Context) error {
	point := w.points[0]
	w.points = append(w.points[1:], point)
	victim := w.victim(point)
	for _, word := range []string{"blob", "refused"} {
		if strings.Contains(point, word) {
			w.load.favour.Store(word)
			defer w.load.favour.Store("")
		}
	}
	trap := &trapped{Point: point, Nth: 1 + w.rng.IntN(often)}
	if strings.Contains(point, "blob") {
		trap.Nth = 1 // these come seldom
	}
	again := w.rng.IntN(4) == 0
	for i, p := range victim.posts {
		if again && i == 0 {
			w.kill(p)
			if err := p.up(ctx, w.Command, trap); err != nil {
				return err
			}
		} else if _, err := p.current().do(ctx, order{Trap: trap}); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := w.falls(ctx, victim, point); err != nil {
		return err
	}
	if w.rng.IntN(w.seldom(5)) == 0 {
		w.kill(slices.Collect(w.posts())...)
	}
	return nil
}

// falls waits until one of a party's processes falls into the trap that was laid for all, and takes it away from the others.
func (w *war) falls(ctx context.Context, victim *house, point string) error {
	fallen, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, p := range victim.posts {
		go func() {
			select {
			case <-p.current().ended:
				cancel()
			case <-fallen.Done():
			}
		}()
	}
	late := time.NewTimer(reaching)
	defer late.Stop()
	select {
	case <-fallen.Done():
	case err := <-w.load.failed:
		return err
	case <-late.C:
		return broken(stuck, "%s did not come to %s in %s", victim.code, point, reaching)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, p := range victim.posts {
		if _, err := p.current().do(ctx, order{Trap: &trapped{}}); errors.Is(err, errGone) {
			<-p.current().ended
			fell, err := p.current().trapped()
			if err != nil || !fell {
				return broken(stuck, "%v; see %s", err, p.diary)
			}
			w.report.Kills++
			w.report.ByPoint[point]++
		} else if err != nil {
			return err
		}
	}
	return nil
}

// victim draws who is to come to a point by lot, among those that do.
func (w *war) victim(point string) *house {
	last := len(w.houses) - 1
	switch {
	case !fetching(point) && !strings.HasPrefix(point, "serve.") || last < 2:
		return w.draw(w.houses)
	case !fetching(point) || point == "pull.served":
		return w.draw(w.houses[:last])
	}
	return w.houses[last]
}

// kill ends the nodes of these posts by SIGKILL, all at once.
func (w *war) kill(posts ...*post) {
	var dying []*process
	for _, p := range posts {
		if c := p.current(); c.alive() {
			c.strike()
			dying = append(dying, c)
		}
	}
	for _, c := range dying {
		<-c.ended
	}
	w.report.Kills += len(dying)
	w.report.AtRandom += len(dying)
	if len(dying) > 1 {
		w.report.Together++
	}
}

// raise has every node that is down come up again.
func (w *war) raise(ctx context.Context) error {
	for p := range w.posts() {
		c := p.current()
		if c.alive() {
			continue
		}
		if _, err := c.trapped(); err != nil {
			return broken(stuck, "%v; see %s", err, p.diary)
		}
		if err := p.up(ctx, w.Command, nil); err != nil {
			return err
		}
	}
	return nil
}

func (w *war) rest(ctx context.Context, longest time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(upTo(w.rng, longest)):
		return nil
	}
}

func upTo(rng *rand.Rand, longest time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(longest)))
}
