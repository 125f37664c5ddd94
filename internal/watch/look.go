package watch

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/comity-exchange/comity/statement"
)

// look is a collector that asks the node when it is scraped. What cannot be learnt is left out, so that its absence shows.
type look struct {
	w *Watch

	size, cosigned, cosigners, age, forks, disk, due, ready *prometheus.Desc

	queue, lag, atLeast, failures, silence, accepted, theirs, theirAge, ours, missing *prometheus.Desc

	fetched, every, fetchFailures *prometheus.Desc
}

func newLook(w *Watch, m *meters) *look {
	pulled := func(name, help string, labels ...string) *prometheus.Desc {
		m.define("gauge", name, help, labels)
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &look{
		w: w,

		size:      pulled("comity_log_statements", "Statements in the own log."),
		cosigned:  pulled("comity_log_cosigned_statements", "Size of the own log under which another party has set its signature, as far as it is known here; 0 when none is."),
		cosigners: pulled("comity_log_cosigners", "Parties that have set their signatures under the cosigned size of the own log."),
		age:       pulled("comity_checkpoint_age_seconds", "Age of the own log's newest checkpoint."),
		forks:     pulled("comity_forks", "Proofs kept here that a log has two histories."),
		disk:      pulled("comity_disk_free_bytes", "Free space where the store is."),
		due:       pulled("comity_erasure_due_statements", "Statements whose content was to be erased by now and is still here, counted to 1000."),
		ready:     pulled("comity_ready", "1 when the check holds on which readiness rests, else 0.", "check"),

		queue:    pulled("comity_queue_statements", "Statements for a peer that it has not receipted.", "peer", "precedence"),
		lag:      pulled("comity_queue_lag_seconds", "Age of the oldest statement that a peer has not receipted; 0 when there is none.", "peer", "precedence"),
		atLeast:  pulled("comity_queue_at_least", "1 when more statements wait for a peer than were counted.", "peer"),
		failures: pulled("comity_peer_failures", "Attempts to reach a peer since the last success.", "peer"),
		silence:  pulled("comity_peer_silence_seconds", "Time since the last packet from a peer.", "peer"),
		accepted: pulled("comity_peer_accepted_statements", "Size of the own log that a peer is known to have accepted.", "peer"),
		theirs:   pulled("comity_peer_log_statements", "Size of a peer's log that was accepted here.", "peer"),
		theirAge: pulled("comity_peer_checkpoint_age_seconds", "Age of the newest checkpoint of a peer's log here.", "peer"),
		ours:     pulled("comity_peer_cosigned_statements", "Size of a peer's log that this node has cosigned last.", "peer"),
		missing:  pulled("comity_peer_missing_statements", "Statements of a peer that others name and that are not here, counted to 256; threads wait for them.", "peer"),

		fetched:       pulled("comity_mirror_age_seconds", "Time since an outside collection was last fetched without a fault; before the first time, since it was set up. Those that rest are left out.", "mirror"),
		every:         pulled("comity_mirror_period_seconds", "How often an outside collection is to be fetched.", "mirror"),
		fetchFailures: pulled("comity_mirror_failures", "Runs in a row in which an outside collection could not be fetched.", "mirror"),
	}
}

// Describe implements prometheus.Collector.
func (l *look) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		l.size, l.cosigned, l.cosigners, l.age, l.forks, l.disk, l.due, l.ready,
		l.queue, l.lag, l.atLeast, l.failures, l.silence, l.accepted, l.theirs, l.theirAge, l.ours, l.missing,
		l.fetched, l.every, l.fetchFailures,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (l *look) Collect(ch chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, c := range l.w.health.ready(context.Background()).Checks {
		put(l.ready, number(c.OK), c.Check)
	}
	f, ok := l.w.health.facts.get(context.Background())
	switch {
	case !ok:
		l.w.log.Warn("the store did not answer a look in time")
		return
	case f.err != nil:
		l.w.log.Warn("the store could not be looked into", "error", f.err)
		return
	}
	put(l.size, float64(f.Size))
	size, parties := f.Cosigned, f.Cosigners
	if seen := l.w.cosigned.Load(); seen != nil && seen.size >= size {
		size, parties = seen.size, seen.parties
	}
	put(l.cosigned, float64(size))
	put(l.cosigners, float64(parties))
	put(l.forks, float64(f.Forks))
	put(l.due, float64(f.Due))
	if f.DiskFree >= 0 {
		put(l.disk, float64(f.DiskFree))
	}
	if !f.Signed.IsZero() {
		put(l.age, since(f.Now, f.Signed))
	}
	for _, p := range f.Peers {
		l.peer(put, f.Now, p)
	}
	for _, m := range f.Mirrors {
		put(l.fetched, since(f.Now, m.Fetched), m.Name)
		put(l.every, seconds(m.Every), m.Name)
		put(l.fetchFailures, float64(m.Failures), m.Name)
	}
}

func (l *look) peer(put func(*prometheus.Desc, float64, ...string), now time.Time, p Peer) {
	code := string(p.Code)
	for _, prec := range statement.Precedences() {
		b := p.Queue[prec]
		put(l.queue, float64(b.Waiting), code, string(prec))
		put(l.lag, seconds(b.Lag), code, string(prec))
	}
	put(l.atLeast, number(p.AtLeast), code)
	put(l.failures, float64(p.Failures), code)
	put(l.accepted, float64(p.Accepted), code)
	put(l.theirs, float64(p.Size), code)
	put(l.ours, float64(p.Cosigned), code)
	put(l.missing, float64(p.Missing), code)
	if !p.LastHeard.IsZero() {
		put(l.silence, since(now, p.LastHeard), code)
	}
	if !p.Signed.IsZero() {
		put(l.theirAge, since(now, p.Signed), code)
	}
}

// since is never negative: a clock that was set back must not make ages that no rule expects.
func since(now, then time.Time) float64 { return max(0, seconds(now.Sub(then))) }

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
