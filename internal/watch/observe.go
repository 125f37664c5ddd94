package watch

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Exchange observes an exchange: it implements exchange.Observer.
type Exchange struct{ w *Watch }

// Exchange gives the observer of the node's exchange.
func (w *Watch) Exchange() Exchange { return Exchange{w} }

// Step begins a step of Submit or Receive.
func (e Exchange) Step(ctx context.Context, name string) (context.Context, func(error)) {
	return e.w.tracer.step(ctx, name, time.Time{}, inside)
}

// Batch begins a batch of the writer, which several callers share.
func (e Exchange) Batch(jobs int, callers iter.Seq[context.Context]) func(error) {
	w, began := e.w, time.Now()
	w.health.writing(began)
	end := w.tracer.batch(jobs, callers)
	return func(err error) {
		w.health.wrote(err)
		end(err)
		if m := w.meters; m != nil {
			m.batchJobs.Observe(float64(jobs))
			m.batchTime.Observe(seconds(time.Since(began)))
			if err != nil {
				m.batchFailed.WithLabelValues(outcome(err)).Inc()
			}
		}
	}
}

// Wrote counts a statement that is durable.
func (e Exchange) Wrote(own bool, kind statement.Kind) {
	if m := e.w.meters; m != nil {
		direction := heard
		if own {
			direction = said
		}
		m.statements.WithLabelValues(direction, m.desk(kind)).Inc()
	}
}

// Refused counts a statement that was refused.
func (e Exchange) Refused(by, number string) {
	if m := e.w.meters; m != nil {
		m.refusals.WithLabelValues(by, clause(number)).Inc()
	}
}

// Cosigned notes that other parties' signatures on the own log have come.
func (e Exchange) Cosigned(size int64, parties int) {
	w := e.w
	if w.meters == nil {
		return
	}
	w.meters.cosignatures.Inc()
	for {
		have := w.cosigned.Load()
		if have != nil && (have.size > size || have.size == size && have.parties >= parties) {
			return
		}
		if w.cosigned.CompareAndSwap(have, &cosigned{size, parties}) {
			return
		}
	}
}

// Erased counts statements whose content was erased, by what it was erased for.
func (w *Watch) Erased(way string, statements int) {
	if m := w.meters; m != nil {
		m.erased.WithLabelValues(way).Add(float64(statements))
	}
}

// Delivery observes a courier: it implements delivery.Observer.
type Delivery struct{ w *Watch }

// Delivery gives the observer of the node's courier.
func (w *Watch) Delivery() Delivery { return Delivery{w} }

// Step begins a step of a delivery, or puts in one that has begun already.
func (d Delivery) Step(ctx context.Context, name string, peer party.Code, began time.Time) (context.Context, func(error)) {
	return d.w.tracer.step(ctx, name, began, direction(name), attribute.String("comity.peer", string(peer)))
}

// Named puts a packet's name into a context, for the diary and for traces.
func (d Delivery) Named(ctx context.Context, packet string) context.Context {
	return named(ctx, packet)
}

// Packet counts a packet that was sent or received, in whole or not.
func (d Delivery) Packet(ctx context.Context, peer party.Code, out bool, bytes int64, took time.Duration, err error) {
	way := received
	if out {
		way = sent
	}
	if m := d.w.meters; m != nil {
		m.packets.WithLabelValues(peerOf(peer), way, outcome(err)).Inc()
		m.packetBytes.WithLabelValues(peerOf(peer), way).Add(float64(bytes))
		m.packetTime.WithLabelValues(way).Observe(seconds(took))
	}
	d.w.log.LogAttrs(ctx, slog.LevelDebug, "packet "+way, slog.String("peer", string(peer)), slog.Int64("bytes", bytes), slog.Duration("took", took),
		slog.String("outcome", outcome(err)))
}

// Clock notes how far a peer's clock is ahead.
func (d Delivery) Clock(peer party.Code, ahead time.Duration) {
	if m := d.w.meters; m != nil {
		m.skew.WithLabelValues(string(peer)).Set(seconds(ahead))
	}
}
