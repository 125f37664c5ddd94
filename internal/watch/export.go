package watch

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/comity-exchange/comity/fault"
)

// exporter sends spans to one receiver, as OTLP over HTTP in its binary form (opentelemetry.io/docs/specs/otlp). It is our own because the project's one
// links all of gRPC into every node for types that nothing here sends. The library calls it from one goroutine.
type exporter struct {
	to       string
	client   *http.Client
	resource *resourcepb.Resource
	meters   *meters // nil: what is lost is not counted
	log      *slog.Logger

	mu     sync.Mutex
	warned time.Time // guarded by mu
}

// tracesPath is where a receiver takes traces, where the setting names no path.
const tracesPath = "/v1/traces"

func newExporter(o Options, m *meters) (*exporter, error) {
	u, err := url.Parse(o.Traces)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fault.New(fault.Usage, "", "setting trace_endpoint: a URL is wanted, like http://127.0.0.1:4318")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = tracesPath
	}
	return &exporter{
		to: u.String(), meters: m, log: o.Log,
		// No proxy of the environment, and no other place that the receiver may point to: nothing goes anywhere that was not set here.
		client: &http.Client{
			Transport:     &http.Transport{Proxy: nil, MaxIdleConns: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true},
			Timeout:       sendTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{
			text("service.name", "comity"), text("service.version", o.Version), text("service.instance.id", string(o.Party)),
		}},
	}, nil
}

// ExportSpans implements the library's SpanExporter. It gives no error: the library would print it. Spans that are not taken are lost, and counted.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := e.send(ctx, spans); err != nil {
		if e.meters != nil {
			e.meters.lost.Add(float64(len(spans)))
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if now := time.Now(); e.warned.IsZero() || now.Sub(e.warned) >= time.Minute {
			e.warned = now
			e.log.Warn("the receiver of traces did not take them", "spans", len(spans), "error", err)
		}
	}
	return nil
}

// Shutdown implements the library's SpanExporter.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

func (e *exporter) send(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	raw, err := proto.Marshal(e.request(spans))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the spans cannot be written")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.to, bytes.NewReader(raw))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the spans cannot be sent")
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "comity")
	resp, err := e.client.Do(req)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "the receiver cannot be reached")
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode/100 != 2 {
		return fault.New(fault.Unavailable, "", "the receiver answered with status %d", resp.StatusCode)
	}
	return nil
}

// request is the message that the receiver takes. TracesData has the same fields on the wire as the request of the collector's service, which lives in a
// package with gRPC.
func (e *exporter) request(spans []sdk.ReadOnlySpan) *tracepb.TracesData {
	scope := &tracepb.ScopeSpans{Scope: &commonpb.InstrumentationScope{Name: "comity"}}
	for _, s := range spans {
		scope.Spans = append(scope.Spans, spanOf(s))
	}
	return &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{Resource: e.resource, ScopeSpans: []*tracepb.ScopeSpans{scope}}}}
}

func spanOf(s sdk.ReadOnlySpan) *tracepb.Span {
	trc, span := s.SpanContext().TraceID(), s.SpanContext().SpanID()
	out := &tracepb.Span{
		TraceId: trc[:], SpanId: span[:], Name: s.Name(), Kind: kindOf(s.SpanKind()),
		StartTimeUnixNano: nanos(s.StartTime()), EndTimeUnixNano: nanos(s.EndTime()), Attributes: attributesOf(s.Attributes()),
		DroppedLinksCount: uint32(s.DroppedLinks()),
	}
	if p := s.Parent(); p.SpanID().IsValid() {
		id := p.SpanID()
		out.ParentSpanId = id[:]
	}
	for _, l := range s.Links() {
		t, i := l.SpanContext.TraceID(), l.SpanContext.SpanID()
		out.Links = append(out.Links, &tracepb.Span_Link{TraceId: t[:], SpanId: i[:]})
	}
	if st := s.Status(); st.Code == codes.Error {
		out.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: st.Description}
	}
	return out
}

func nanos(t time.Time) uint64 { return uint64(max(0, t.UnixNano())) }

func kindOf(k trace.SpanKind) tracepb.Span_SpanKind {
	switch k {
	case asking:
		return tracepb.Span_SPAN_KIND_CLIENT
	case serving:
		return tracepb.Span_SPAN_KIND_SERVER
	}
	return tracepb.Span_SPAN_KIND_INTERNAL
}

func attributesOf(in []attribute.KeyValue) (out []*commonpb.KeyValue) {
	for _, a := range in {
		kv := text(string(a.Key), a.Value.String())
		if a.Value.Type() == attribute.INT64 {
			kv.Value = &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: a.Value.AsInt64()}}
		}
		out = append(out, kv)
	}
	return out
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}
