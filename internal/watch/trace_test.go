package watch

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/comity-exchange/comity/fault"
)

// sink is a receiver of traces.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	spans  []*tracepb.Span // guarded by mu
	asked  []*http.Request // guarded by mu
	res    string          // guarded by mu
	status int
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var data tracepb.TracesData
		if err := proto.Unmarshal(raw, &data); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r)
		for _, rs := range data.ResourceSpans {
			s.res = fmt.Sprint(rs.Resource.Attributes)
			for _, ss := range rs.ScopeSpans {
				s.spans = append(s.spans, ss.Spans...)
			}
		}
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) named(t *testing.T, name string) *tracepb.Span {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, span := range s.spans {
		if span.Name == name {
			return span
		}
	}
	t.Fatalf("there is no span %s", name)
	return nil
}

func attributes(s *tracepb.Span) string {
	out := ""
	for _, a := range s.Attributes {
		out += fmt.Sprintf("%s=%s%d ", a.Key, a.Value.GetStringValue(), a.Value.GetIntValue())
	}
	return out
}

// A delivery is one trace, a batch points at those who waited for it, failures bear a code and no text, and the receiver is asked as OTLP/HTTP has it.
func TestTraces(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	w, err := New(Options{Party: "XA", Version: "v1", Traces: s.URL, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	x, d := w.Exchange(), w.Delivery()
	submitted, said := x.Step(t.Context(), "submit")
	batch := x.Batch(1, one(submitted))
	batch(nil)
	said(nil)
	began := time.Now().Add(-time.Second)
	ctx, sent := d.Step(t.Context(), "send", "XB", began)
	_, packed := d.Step(ctx, "pack", "XB", began)
	packed(nil)
	ctx, posted := d.Step(ctx, "post", "XB", time.Time{})
	d.Named(ctx, "0123")
	failure := fault.Wrap(io.ErrUnexpectedEOF, fault.Unavailable, "NET-4", "XB cannot be reached, says the text")
	posted(failure)
	sent(failure)
	w.Close()

	submit, in, send, pack, post := s.named(t, "submit"), s.named(t, "batch"), s.named(t, "send"), s.named(t, "pack"), s.named(t, "post")
	if len(in.Links) != 1 || !bytes.Equal(in.Links[0].SpanId, submit.SpanId) || bytes.Equal(in.TraceId, submit.TraceId) || attributes(in) != "comity.jobs=1 comity.outcome=ok0 " {
		t.Errorf("the batch: %v", in)
	}
	for _, child := range []*tracepb.Span{pack, post} {
		if !bytes.Equal(child.TraceId, send.TraceId) || !bytes.Equal(child.ParentSpanId, send.SpanId) {
			t.Errorf("%s is not part of send", child.Name)
		}
	}
	if pack.StartTimeUnixNano != send.StartTimeUnixNano || pack.StartTimeUnixNano != uint64(began.UnixNano()) || post.StartTimeUnixNano < pack.EndTimeUnixNano {
		t.Error("the times of pack, send and post do not follow each other")
	}
	if post.Kind != tracepb.Span_SPAN_KIND_CLIENT || post.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || post.Status.GetMessage() != "unavailable" {
		t.Errorf("post: %v", post)
	}
	if got := attributes(post); got != "comity.peer=XB0 comity.packet=01230 comity.outcome=unavailable0 " {
		t.Errorf("post: %s", got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.asked[0]; r.URL.Path != tracesPath || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("asked with %s %s, %s", r.Method, r.URL, r.Header)
	}
	if !strings.Contains(s.res, `"service.name"`) && !strings.Contains(s.res, "comity") || !strings.Contains(s.res, "XA") || strings.Contains(s.res, "host") {
		t.Errorf("the resource is %s", s.res)
	}
	if text := fmt.Sprint(s.spans); strings.Contains(text, "says the text") || strings.Contains(text, "EOF") {
		t.Errorf("a text has become part of a trace: %s", text)
	}
}

// A receiver that is away, or that points elsewhere, costs spans and nothing else, and is complained of once.
func TestReceiverAway(t *testing.T) {
	t.Parallel()
	elsewhere := newSink(t)
	for name, status := range map[string]int{"refuses": http.StatusServiceUnavailable, "points elsewhere": http.StatusTemporaryRedirect} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		}))
		var diary syncBuilder
		log := slog.New(slog.NewTextHandler(&diary, nil))
		w, err := New(Options{Party: "XA", Traces: s.URL, Metrics: true, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		for range spansAtOnce/tracesPerSecond + 5 {
			_, end := w.Exchange().Step(t.Context(), "submit")
			end(nil)
		}
		w.Close()
		s.Close()
		if _, text := get(t, w, "/metrics"); !strings.Contains(text, "comity_trace_spans_lost_total 15\n") {
			t.Errorf("%s: what was lost is not counted", name)
		}
		if n := strings.Count(diary.String(), "did not take"); n != 1 {
			t.Errorf("%s: complained %d times: %s", name, n, diary.String())
		}
	}
	if elsewhere.mu.Lock(); len(elsewhere.asked) > 0 {
		t.Error("a receiver sent the traces on to somebody whom nobody had set")
	}
	elsewhere.mu.Unlock()
	if _, err := New(Options{Traces: "127.0.0.1:4318", Log: quiet()}); fault.CodeOf(err) != fault.Usage {
		t.Errorf("what is no URL is taken: %v", err)
	}
}

type syncBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuilder) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuilder) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A busy node makes no more traces than its bound, and an idle hour saves none up.
func TestTracesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limiter{room: tracesPerSecond}
		made := func() (n int) {
			for range 1000 {
				if l.ShouldSample(sdk.SamplingParameters{ParentContext: t.Context()}).Decision == sdk.RecordAndSample {
					n++
				}
			}
			return n
		}
		for _, c := range []struct {
			pass time.Duration
			want int
		}{{0, tracesPerSecond}, {0, 0}, {100 * time.Millisecond, tracesPerSecond / 10}, {time.Hour, tracesPerSecond}} {
			time.Sleep(c.pass) // the clock of this test's own bubble
			if n := made(); n != c.want {
				t.Errorf("after %s: %d traces, want %d", c.pass, n, c.want)
			}
		}
	})
}
