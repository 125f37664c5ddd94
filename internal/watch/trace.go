package watch

import (
	"context"
	"iter"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Bounds of tracing. They do not depend on the environment, as the library's own would.
const (
	tracesPerSecond = 50 // more than these are not made
	maxLinks        = 128
	spanQueue       = 2048 // spans that wait for the receiver; more are dropped
	spansAtOnce     = 512
	sendEvery       = 2 * time.Second
	sendTimeout     = 5 * time.Second
)

// tracer makes spans. All its methods work on nil, and then do nothing.
type tracer struct {
	provider *sdk.TracerProvider
	made     trace.Tracer
}

func newTracer(o Options, m *meters) (*tracer, error) {
	e, err := newExporter(o, m)
	if err != nil {
		return nil, err
	}
	p := sdk.NewTracerProvider(
		sdk.WithSampler(sdk.ParentBased(&limiter{room: tracesPerSecond})),
		sdk.WithRawSpanLimits(sdk.SpanLimits{AttributeValueLengthLimit: 200, AttributeValueDepthLimit: 1, AttributeCountLimit: 16, EventCountLimit: 1, LinkCountLimit: maxLinks,
			AttributePerEventCountLimit: 1, AttributePerLinkCountLimit: 1}),
		sdk.WithSpanProcessor(sdk.NewBatchSpanProcessor(e, sdk.WithMaxQueueSize(spanQueue), sdk.WithMaxExportBatchSize(spansAtOnce),
			sdk.WithBatchTimeout(sendEvery), sdk.WithExportTimeout(sendTimeout))),
	)
	return &tracer{p, p.Tracer("comity")}, nil
}

// close sends what is left.
func (t *tracer) close() {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what could not be sent was counted
}

// step begins a span, or puts in one that began before, and gives its end.
func (t *tracer) step(ctx context.Context, name string, began time.Time, kind trace.SpanKind, attrs ...attribute.KeyValue) (context.Context, func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	o := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attrs...)}
	if !began.IsZero() {
		o = append(o, trace.WithTimestamp(began))
	}
	ctx, span := t.made.Start(ctx, name, o...)
	if packet := packetOf(ctx); packet != "" {
		tagged(ctx, packet)
	}
	return ctx, func(err error) { end(span, err) }
}

// batch begins the span of a batch. It is nobody's child, for its callers share it: it points at their spans.
func (t *tracer) batch(jobs int, callers iter.Seq[context.Context]) func(error) {
	if t == nil {
		return func(error) {}
	}
	var links []trace.Link
	for ctx := range callers {
		if s := trace.SpanContextFromContext(ctx); s.IsSampled() && len(links) < maxLinks {
			links = append(links, trace.Link{SpanContext: s})
		}
	}
	_, span := t.made.Start(context.Background(), "batch", trace.WithLinks(links...), trace.WithAttributes(attribute.Int("comity.jobs", jobs)))
	return func(err error) { end(span, err) }
}

// end closes a span with the code of what came of it, and never with a text.
func end(span trace.Span, err error) {
	span.SetAttributes(attribute.String("comity.outcome", outcome(err)))
	if err != nil {
		span.SetStatus(codes.Error, outcome(err))
	}
	span.End()
}

// tagged puts a packet's name into the span of a context.
func tagged(ctx context.Context, packet string) {
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("comity.packet", packet))
}

// The kinds of spans.
const (
	inside  = trace.SpanKindInternal
	asking  = trace.SpanKindClient
	serving = trace.SpanKindServer
)

// direction says how a step of delivery stands to the peer.
func direction(name string) trace.SpanKind {
	switch name {
	case "post":
		return asking
	case "serve":
		return serving
	}
	return inside
}

// limiter lets so many traces begin in a second, so that a busy node spends no more on them than a quiet one can.
type limiter struct {
	mu   sync.Mutex
	room float64   // guarded by mu
	last time.Time // guarded by mu
}

// ShouldSample implements the library's Sampler.
func (l *limiter) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	r := sdk.SamplingResult{Decision: sdk.Drop, Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState()}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() {
		l.room = min(tracesPerSecond, l.room+now.Sub(l.last).Seconds()*tracesPerSecond)
	}
	l.last = now
	if l.room >= 1 {
		l.room--
		r.Decision = sdk.RecordAndSample
	}
	return r
}

// Description implements the library's Sampler.
func (l *limiter) Description() string { return "comity: so many traces a second" }
