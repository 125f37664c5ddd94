package soak

import (
	"context"
	"math/rand/v2"
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

// atRandom kills a node at a moment drawn by lot: sometimes all of them together, sometimes the one again while it comes up.
func (w *war) atRandom(ctx context.Context) error {
	if err := w.rest(ctx, undisturbed); err != nil {
		return err
	}
	victim := w.houses[w.rng.IntN(len(w.houses))]
	if w.rng.IntN(4) == 0 {
		w.kill(w.houses...)
		return nil
	}
	w.kill(victim)
	if w.rng.IntN(5) > 0 {
		return nil
	}
	if err := victim.up(ctx, w.Command, &trapped{}); err != nil {
		return err
	}
	if err := w.rest(ctx, coming); err != nil {
		return err
	}
	w.kill(victim)
	return nil
}

// atPoint has a node end itself at the point whose turn it is: one that is at work, or one that comes up again; sometimes the others die with it.
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
	if w.rng.IntN(4) == 0 {
		w.kill(victim)
		if err := victim.up(ctx, w.Command, trap); err != nil {
			return err
		}
	} else if _, err := victim.current().do(ctx, order{Trap: trap}); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	p := victim.current()
	late := time.NewTimer(reaching)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-ctx.Done():
		return ctx.Err()
	case err := <-w.load.failed:
		return err
	case <-late.C:
		return broken(stuck, "%s did not come to %s in %s", victim.code, point, reaching)
	}
	fell, err := p.trapped()
	if err != nil || !fell {
		return broken(stuck, "%v; see %s", err, victim.diary)
	}
	w.report.Kills++
	w.report.ByPoint[point]++
	if w.rng.IntN(5) == 0 {
		w.kill(w.houses...)
	}
	return nil
}

// victim draws who is to come to a point by lot, among those that do.
func (w *war) victim(point string) *house {
	last := len(w.houses) - 1
	switch {
	case !fetching(point) && !strings.HasPrefix(point, "serve.") || last < 2:
		return w.houses[w.rng.IntN(len(w.houses))]
	case !fetching(point) || point == "pull.served":
		return w.houses[w.rng.IntN(last)]
	}
	return w.houses[last]
}

// kill ends the nodes of these houses by SIGKILL, all at once.
func (w *war) kill(houses ...*house) {
	var dying []*process
	for _, h := range houses {
		if p := h.current(); p.alive() {
			p.strike()
			dying = append(dying, p)
		}
	}
	for _, p := range dying {
		<-p.ended
	}
	w.report.Kills += len(dying)
	w.report.AtRandom += len(dying)
	if len(houses) > 1 {
		w.report.Together++
	}
}

// raise has every node that is down come up again.
func (w *war) raise(ctx context.Context) error {
	for _, h := range w.houses {
		p := h.current()
		if p.alive() {
			continue
		}
		if _, err := p.trapped(); err != nil {
			return broken(stuck, "%v; see %s", err, h.diary)
		}
		if err := h.up(ctx, w.Command, nil); err != nil {
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
