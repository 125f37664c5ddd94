package soak

import (
	"context"
	"errors"
	"slices"
	"time"
)

// holding lists the points at which a process is made to stand still. At most of them it has the turn to write; at the last ones it has written, and others may
// have gone on before it says so.
func holding() []string {
	return []string{
		"batch.begun", "submit.said", "receive.head", "batch.written", "journal.tiles", "journal.signed", "receive.receipted", "batch.appended",
		"batch.committed", "mark.written", "batch.settled",
	}
}

// standstill has one of a party's processes stand still in the middle of a batch for longer than its turn may last: SIGSTOP, which nothing in it notices. The
// others go on meanwhile, and when it is let go, so does it.
func (w *war) standstill(ctx context.Context) error {
	victim := w.draw(slices.DeleteFunc(slices.Clone(w.houses), func(h *house) bool { return len(h.posts) == 1 }))
	all := holding()
	point := all[w.report.Pauses%len(all)]
	held, err := w.hold(ctx, victim, &trapped{Point: point, Nth: 1 + w.rng.IntN(often), Hold: true})
	if err != nil {
		return err
	}
	if err := held.pause(); err != nil {
		return err
	}
	began := time.Now()
	others := slices.DeleteFunc(slices.Clone(victim.posts), func(p *post) bool { return p == held })
	if err := w.goesOn(ctx, held, others); err != nil {
		return err
	}
	if err := w.rest(ctx, max(2*turnBound-time.Since(began), time.Millisecond)); err != nil {
		return err
	}
	if err := held.resume(); err != nil {
		return err
	}
	if _, err := held.current().do(ctx, order{Trap: &trapped{}}); err != nil {
		return w.gone(ctx, held, err)
	}
	w.report.Pauses++
	return w.goesOn(ctx, held, []*post{held})
}

// hold lays a trap for all processes of a party that holds the first one to come, and takes it away from the others.
func (w *war) hold(ctx context.Context, victim *house, trap *trapped) (*post, error) {
	type answer struct {
		post *post
		r    reply
		err  error
	}
	answers := make(chan answer, len(victim.posts))
	for _, p := range victim.posts {
		go func() {
			r, err := p.current().do(ctx, order{Trap: trap})
			answers <- answer{p, r, err}
		}()
	}
	late := time.NewTimer(reaching)
	defer late.Stop()
	select {
	case a := <-answers:
		if a.err != nil || !a.r.Holds {
			return nil, w.gone(ctx, a.post, a.err)
		}
		for _, p := range victim.posts {
			if p == a.post {
				continue
			}
			if _, err := p.current().do(ctx, order{Trap: &trapped{}}); err != nil {
				return nil, w.gone(ctx, p, err)
			}
		}
		return a.post, nil
	case err := <-w.load.failed:
		return nil, err
	case <-late.C:
		return nil, broken(stuck, "%s did not come to %s in %s", victim.code, trap.Point, reaching)
	}
}

// goesOn waits until some of a party's processes have said more than could have been under way.
func (w *war) goesOn(ctx context.Context, held *post, posts []*post) error {
	said := func() (n int64) {
		for _, p := range posts {
			n += p.acknowledged.Load()
		}
		return n
	}
	late := time.After(patience)
	for want := said() + int64(w.Load) + 1; said() < want; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-w.load.failed:
			return err
		case <-late:
			return broken(stuck, "%s does not go on after one of its processes stood still; see %s", held.code, held.diary)
		case <-time.After(between):
		}
	}
	return nil
}

// gone is why a process did not do what it was told.
func (w *war) gone(ctx context.Context, p *post, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errGone) {
		<-p.current().ended
		_, err = p.current().trapped()
	}
	return broken(stuck, "%s does not do what it is told: %v; see %s", p.code, err, p.diary)
}
