package node

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"iter"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/mirror"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/taxii/client"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Spans of fetching.
const (
	fetchLook  = 2 * time.Second  // between two looks whether a run is due
	fetchClaim = 2 * time.Minute  // of the process that makes a run, of those that share a database; it is extended while the run goes on
	fetchRenew = 30 * time.Second //
	fetchWrite = 10 * time.Second // that a run which ends leaves to noting it
)

// fetching is which runs this process has under way.
type fetching struct {
	mu  sync.Mutex
	now map[string]bool // by the mirror's id; guarded by mu
}

func (f *fetching) begin(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now == nil {
		f.now = map[string]bool{}
	}
	if f.now[id] {
		return false
	}
	f.now[id] = true
	return true
}

func (f *fetching) end(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.now, id)
}

// fetchAll runs mirrors as they fall due, each by itself, until ctx ends: a slow server holds up no other.
func (n *Node) fetchAll(ctx context.Context) {
	var runs sync.WaitGroup
	defer runs.Wait()
	var running fetching
	tick := time.NewTicker(fetchLook)
	defer tick.Stop()
	version, next := int64(-1), time.Time{}
	for {
		v, err := n.Store.Version(ctx)
		if err == nil && (v != version || !n.Now().Before(next)) {
			var due []mirror.Mirror
			if due, next, err = n.dueMirrors(ctx); err == nil {
				version = v
			}
			for _, m := range due {
				if running.begin(m.ID) {
					runs.Go(func() {
						defer running.end(m.ID)
						_ = n.fetch(ctx, m, asking{}) // it stands in the mirror's state and in the diary
					})
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// dueMirrors are those of which a run is due, and when the next look is worth while at the latest.
func (n *Node) dueMirrors(ctx context.Context) (due []mirror.Mirror, next time.Time, err error) {
	now := n.Now()
	next = now.Add(time.Hour)
	err = n.Store.View(ctx, func(tx store.Tx) error {
		due = nil
		all, err := mirrorsOf(tx)
		if err != nil {
			return err
		}
		for _, m := range all {
			s, err := mirrorState(tx, m.ID)
			switch {
			case err != nil:
				return err
			case m.Paused:
			case s.Due(now, time.Duration(m.Every)*time.Second):
				due, next = append(due, m), now // it may be another's turn now, and ours in a moment
			case s.Next.Std().Before(next):
				next = s.Next.Std()
			}
		}
		return nil
	})
	return due, next, err
}

// RunMirror makes a run now, and waits for it. again has it begin at the beginning. Errors: fault.Denied, fault.NotFound; fault.Unavailable where one is under way; what the run ended with.
func (n *Node) RunMirror(ctx context.Context, name string, again bool) (MirrorView, error) {
	if err := n.Authorize(ctx, auth.Keep, auth.Matter{}); err != nil {
		return MirrorView{}, err
	}
	var m mirror.Mirror
	err := n.Store.View(ctx, func(tx store.Tx) error {
		all, i, err := mirrorAt(tx, called(name))
		if err == nil {
			m = all[i]
		}
		return err
	})
	if err != nil {
		return MirrorView{}, err
	}
	failed := n.fetch(ctx, m, asking{now: true, again: again})
	v, err := n.Mirror(ctx, name)
	return v, errors.Join(failed, err)
}

// asking is how a run is asked for. The zero value: by the clock.
type asking struct {
	now   bool // somebody waits for it, due or not
	again bool // from the beginning
}

// fetch makes a run of a mirror, unless another process makes one.
func (n *Node) fetch(ctx context.Context, m mirror.Mirror, asked asking) error {
	holder, name := rand.Text(), noteMirror+m.ID
	if ok, err := n.claimRun(ctx, name, holder, fetchClaim); err != nil || !ok {
		if err == nil && asked.now {
			err = fault.New(fault.Unavailable, "", "a run of this mirror is under way already")
		}
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	defer func() {
		cancel()
		renewing.Wait()
		giving, done := context.WithTimeout(context.WithoutCancel(ctx), fetchWrite)
		defer done()
		_, _ = n.claimRun(giving, name, holder, 0) // if it cannot be given up, it runs out
	}()
	renewing.Go(func() {
		tick := time.NewTicker(fetchRenew)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if ok, err := n.claimRun(ctx, name, holder, fetchClaim); err == nil && !ok {
				cancel() // this process stood still for so long that another one goes on
				return
			}
		}
	})
	return n.fetchHeld(ctx, m, asked)
}

// claimRun takes, extends or, for no time, gives up the right to make a run.
func (n *Node) claimRun(ctx context.Context, name, holder string, d time.Duration) (bool, error) {
	now := statement.TimeOf(n.Now())
	return n.Store.Claim(ctx, name, holder, now, now.Add(d))
}

// fetchHeld makes a run that no other process makes.
func (n *Node) fetchHeld(ctx context.Context, m mirror.Mirror, asked asking) error {
	every := time.Duration(m.Every) * time.Second
	log := n.component("mirrors")
	var state mirror.State
	due := false
	err := n.changeRun(ctx, m.ID, func(now *mirror.Mirror, s *mirror.State) (bool, error) {
		if due = asked.now || !now.Paused && s.Due(n.Now(), every); !due { // another process has run it since
			return false, nil
		}
		if asked.again {
			s.Cursor = ""
		}
		s.Began(n.Now())
		m, state = *now, *s
		return true, nil
	})
	if err != nil || !due {
		return err
	}
	more, failed := n.round(ctx, m, state.Cursor, asked)
	switch {
	case ctx.Err() != nil: // whoever ends the node ends the run: it is due at once when it is started again
		return fault.Wrap(ctx.Err(), fault.Canceled, "", "the run was broken off; it goes on where it was")
	case fault.CodeOf(failed) == fault.Canceled: // it is paused, or begins elsewhere: likewise
		return failed
	}
	var ended mirror.State
	err = n.changeRun(ctx, m.ID, func(_ *mirror.Mirror, s *mirror.State) (bool, error) {
		s.Ended(n.Now(), every, more, failed, mathrand.Float64())
		ended = *s
		return true, nil
	})
	switch {
	case fault.CodeOf(err) == fault.NotFound: // it was removed meanwhile
		return nil
	case err != nil:
		return err
	case failed != nil:
		log.WarnContext(ctx, "an outside collection could not be fetched now; it is tried again", "mirror", m.Name, "taken", ended.Last.Taken, "failures", ended.Failures, "next", ended.Next.String(), "error", fault.Show(failed))
	case ended.Last.Taken+ended.Last.Refused > 0:
		log.InfoContext(ctx, "an outside collection was fetched", "mirror", m.Name, "taken", ended.Last.Taken, "duplicates", ended.Last.Duplicates, "refused", ended.Last.Refused, "more", more)
	}
	return failed
}

// changeRun changes the state of a mirror that is there, where change says that it did.
func (n *Node) changeRun(ctx context.Context, id string, change func(*mirror.Mirror, *mirror.State) (bool, error)) error {
	return n.Exchange.Update(ctx, func(tx store.Tx) error {
		all, i, err := mirrorAt(tx, func(m mirror.Mirror) bool { return m.ID == id })
		if err != nil {
			return err
		}
		s, err := mirrorState(tx, id)
		if err != nil {
			return err
		}
		if changed, err := change(&all[i], &s); err != nil || !changed {
			return err
		}
		return putMirrorState(tx, id, s)
	})
}

// round fetches what there is into the mirror's source.
func (n *Node) round(ctx context.Context, m mirror.Mirror, cursor string, asked asking) (more bool, err error) {
	from, err := n.fills(ctx, m)
	if err != nil {
		return false, err
	}
	origin, err := n.originOf(ctx, m)
	if err != nil {
		return false, err
	}
	defer origin.Close()
	r := mirror.Round{
		Origin: origin, Cursor: cursor,
		Take: func(ctx context.Context, items iter.Seq2[stix.Item, error]) (mirror.Tally, error) {
			return n.takeIn(ctx, from, items)
		},
		Note: func(ctx context.Context, step mirror.Step) error {
			paused := false
			err := n.changeRun(ctx, m.ID, func(now *mirror.Mirror, s *mirror.State) (bool, error) {
				if s.Cursor != step.Before { // somebody wants it from the beginning, or another process has it
					return false, fault.New(fault.Canceled, "", "the mirror was set to begin elsewhere while it ran")
				}
				s.Took(step)
				paused = now.Paused && !asked.now
				return true, nil
			})
			if err == nil && paused {
				err = fault.New(fault.Canceled, "", "the mirror was paused while it ran")
			}
			return err
		},
	}
	return r.Run(ctx)
}

// fills is the source that a mirror fills.
func (n *Node) fills(ctx context.Context, m mirror.Mirror) (catalogue.Source, error) {
	mark, err := n.SourceMarking(ctx, m.Source)
	if mark.TLP == "" {
		mark.TLP = marking.Amber
	}
	return catalogue.Source{Thread: m.Source, By: statement.By{Role: n.Config.Role}, Marking: mark, Title: m.Name}, err
}

// indexRounds bounds how long a step waits for the index.
const indexRounds = 10_000

// takeIn commits what comes. The index is brought up before: what a step that was killed has committed is a duplicate then.
func (n *Node) takeIn(ctx context.Context, from catalogue.Source, items iter.Seq2[stix.Item, error]) (t mirror.Tally, err error) {
	// spec: INT-2, INT-3
	for range indexRounds {
		more, err := n.Catalogue.Index(ctx)
		if err != nil {
			return t, err
		}
		if !more {
			break
		}
	}
	report, err := n.Catalogue.Import(mirroring(ctx), from, items, catalogue.ImportOptions{Refused: func(item stix.Item, reason string) {
		r := mirror.Refusal{Reason: reason}
		if item.Object != nil {
			r.Object = string(item.Object.ID)
		}
		t.Refuse(r)
	}})
	t.Taken, t.Duplicates = report.Objects, report.Duplicates
	return t, err
}

// originOf is where a mirror's objects come from.
func (n *Node) originOf(ctx context.Context, m mirror.Mirror) (mirror.Origin, error) {
	secret, err := m.Open(n.mirrorKey())
	if err != nil {
		return nil, err
	}
	site, err := Access{URL: m.URL, User: m.User, Secret: secret, Roots: m.Roots}.site()
	if err != nil {
		return nil, err
	}
	var opened statement.Time
	err = n.Store.View(ctx, func(tx store.Tx) error {
		row, err := tx.Thread(m.Source)
		opened = row.Opened
		return err
	})
	if err != nil {
		return nil, err
	}
	switch m.Kind {
	case mirror.List, mirror.CSV:
		return &mirror.File{Site: site, Read: func(r io.Reader) iter.Seq2[stix.Item, error] {
			return catalogue.FromList(r, m.Kind == mirror.CSV, m.Source, stix.At(opened.Std()))
		}}, nil
	case mirror.STIX:
		return &mirror.File{Site: site, Read: func(r io.Reader) iter.Seq2[stix.Item, error] { return stix.NewReader(r, stix.Limits{}).All() }}, nil
	}
	if m.Kind == mirror.MISP {
		return &mirror.Feed{Site: site, Known: func(ctx context.Context, u misp.UUID) misp.Seconds { return n.fetchedEvent(ctx, m.Source, u) }}, nil
	}
	return client.NewOrigin(site, client.Options{Here: n.hasObject, Now: n.Now}), nil
}

// fetchedEvent is the timestamp of an event of MISP's as a source has it; "" where it has none.
func (n *Node) fetchedEvent(ctx context.Context, in thread.ID, u misp.UUID) misp.Seconds {
	id, err := stix.ParseID("report--" + strings.ToLower(string(u)))
	if err != nil {
		return ""
	}
	found, err := n.Catalogue.Newest(ctx, catalogue.Viewer{Officer: true}, in, []stix.ID{id})
	if err != nil || len(found) == 0 {
		return ""
	}
	o, err := stix.Parse(found[0].Raw)
	if err != nil {
		return ""
	}
	return misp.SecondsOf(o.Version().Time())
}

// hasObject tells whether an object is in the catalogue.
func (n *Node) hasObject(ctx context.Context, id stix.ID) bool {
	p, err := n.Catalogue.Page(ctx, catalogue.Query{For: catalogue.Viewer{Officer: true}, IDs: []stix.ID{id}, Limit: 1})
	return err == nil && len(p.Objects) > 0
}
