package watch

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// Bounds of health.
const (
	stuckAfter = 60 * time.Second // a batch that takes longer will not end by itself
	keepReport = 500 * time.Millisecond
	patience   = 2 * time.Second // for one look; pollers give up not much later
	probeEvery = 5 * time.Second // how often a store that could not be written is tried again
)

// Check is one thing that readiness rests on. Says is plain text that anybody may see: what is wrong, and nothing of what is stored.
type Check struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Says  string `json:"says"`
}

// Report is the answer of /readyz.
type Report struct {
	Ready  bool    `json:"ready"`
	Checks []Check `json:"checks"`
}

// vitality is the answer of /healthz.
type vitality struct {
	Alive bool   `json:"alive"`
	Says  string `json:"says"`
}

// health knows whether the writer answers and how its last batch came out, and asks the node for the rest.
type health struct {
	up      atomic.Bool
	began   atomic.Pointer[time.Time] // of the batch that the writer has in hand; nil: it waits for work
	written atomic.Pointer[written]   // nil: nothing was tried yet

	node    atomic.Pointer[Node] // nil: not there yet
	reports latest[Report]
	facts   latest[facts]
	probed  time.Time // owned by the look of reports
}

// written is how a batch came out.
type written struct{ err error }

// facts is what a look found, or that it could not look.
type facts struct {
	Facts
	err error
}

func (h *health) begin() {
	h.reports = latest[Report]{keep: keepReport, patience: patience, look: h.report}
	h.facts = latest[facts]{keep: keepReport, patience: 2 * patience, look: func(ctx context.Context) facts {
		n := h.node.Load()
		if n == nil {
			return facts{err: fault.New(fault.Unavailable, "", "the node is not open yet")}
		}
		f, err := (*n).Facts(ctx)
		return facts{f, err}
	}}
}

func (h *health) over(n Node) { h.node.Store(&n) }

func (h *health) writing(began time.Time) { h.began.Store(&began) }

func (h *health) wrote(err error) {
	h.written.Store(&written{err})
	h.began.Store(nil)
}

// alive tells whether the writer answers: it waits for work, or its batch is not older than a batch can be.
func (h *health) alive(now time.Time) vitality {
	if began := h.began.Load(); began != nil && now.Sub(*began) > stuckAfter {
		return vitality{false, fmt.Sprintf("the writer has had one batch in hand for %s", now.Sub(*began).Round(time.Second))}
	}
	return vitality{true, "the writer answers"}
}

// ready gives a report that is at most a moment old.
func (h *health) ready(ctx context.Context) Report {
	r, ok := h.reports.get(ctx)
	if !ok {
		return Report{Checks: []Check{{"store", false, fmt.Sprintf("it did not answer in %s", patience)}}}
	}
	return r
}

// report looks at everything.
func (h *health) report(ctx context.Context) Report {
	n := h.node.Load()
	if n == nil {
		return Report{Checks: []Check{{"serving", false, "the node is not open yet"}}}
	}
	r := Report{Ready: true, Checks: append([]Check{h.serving()}, (*n).Checks(ctx)...)}
	stored := true
	for _, c := range r.Checks {
		stored = stored && (c.Check != "store" || c.OK)
	}
	r.Checks = append(r.Checks, h.writer(ctx, *n, stored))
	for _, c := range r.Checks {
		r.Ready = r.Ready && c.OK
	}
	return r
}

func (h *health) serving() Check {
	if !h.up.Load() {
		return Check{"serving", false, "the node does not serve: it is starting or stopping"}
	}
	return Check{"serving", true, "peers are served and packets delivered"}
}

// writer tells whether what is said now would be written. Where that is not known, or did not go last time, something of no consequence is written,
// now and then, if the store can be read at all.
func (h *health) writer(ctx context.Context, n Node, stored bool) Check {
	if v := h.alive(time.Now()); !v.Alive {
		return Check{"writer", false, v.Says}
	}
	last := h.written.Load()
	if (last == nil || last.err != nil) && stored && time.Since(h.probed) >= probeEvery {
		h.probed = time.Now()
		if err := n.Probe(ctx); err != nil {
			return Check{"writer", false, fault.Show(err)}
		}
		last = h.written.Load()
	}
	switch {
	case last == nil:
		return Check{"writer", false, "nothing could be written yet"}
	case last.err != nil:
		return Check{"writer", false, "the last batch was not written: " + fault.Show(last.err)}
	}
	return Check{"writer", true, "the last batch was written"}
}
