package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// made is a watch with metrics over n.
func made(t testing.TB, n Node) *Watch {
	t.Helper()
	w, err := New(Options{Party: "XA", Version: "v1", Desks: []string{"assist", "receipt"}, Metrics: true, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if n != nil {
		w.Over(n)
	}
	return w
}

// sample is a node whose facts and checks are what a test says.
type sample struct {
	mu     sync.Mutex
	facts  Facts
	checks []Check
	err    error         // of Facts
	probe  func() error  // nil: it can be written
	w      *Watch        // told of probes as of batches
	hang   chan struct{} // nil: looks do not hang
	looks  atomic.Int64
}

func (s *sample) wait() {
	s.looks.Add(1)
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	if hang != nil {
		<-hang
	}
}

func (s *sample) Facts(context.Context) (Facts, error) {
	s.wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts, s.err
}

func (s *sample) Checks(context.Context) []Check {
	s.wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Check(nil), s.checks...)
}

func (s *sample) Probe(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.probe != nil {
		err = s.probe()
	}
	if s.w != nil {
		s.w.Exchange().Batch(1, nobody)(err)
	}
	return err
}

func nobody(func(context.Context) bool) {}

func one(ctx context.Context) iter.Seq[context.Context] {
	return func(yield func(context.Context) bool) { yield(ctx) }
}

func well() []Check { return []Check{{"store", true, "it can be read"}, {"mark", true, "it agrees"}} }

func get(t *testing.T, w *Watch, path string) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

func story(now time.Time) Facts {
	return Facts{
		Size: 40, Signed: now.Add(-time.Minute), Cosigned: 30, Cosigners: 2, Forks: 1, DiskFree: 1 << 30, Now: now,
		Peers: []Peer{{
			Code: "XB", Queue: map[statement.Precedence]Backlog{statement.Flash: {Waiting: 3, Lag: 90 * time.Second}}, AtLeast: true, Failures: 4,
			LastHeard: now.Add(-5 * time.Minute), Accepted: 37, Size: 12, Signed: now.Add(-time.Hour), Cosigned: 11, Missing: 2,
		}},
		Mirrors: []Mirror{{Name: "feeds", Fetched: now.Add(-2 * time.Hour), Every: time.Hour, Failures: 3}},
	}
}

// Everything that happens and everything that stands in the store is in the scrape, and nothing of what people say.
func TestScrape(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	s := &sample{facts: story(now), checks: well()}
	w := made(t, s)
	s.w = w
	w.Up(true)
	x, d := w.Exchange(), w.Delivery()
	x.Batch(3, nobody)(nil)
	x.Batch(1, nobody)(fault.New(fault.Unavailable, "", "full"))
	x.Batch(1, nobody)(nil)
	x.Wrote(true, "assist.request")
	x.Wrote(false, "nonsense.of-a-peer")
	x.Refused("here", "DEC-2")
	x.Refused("peer", "what a peer made up")
	x.Cosigned(35, 1)
	x.Cosigned(20, 1)
	d.Packet(t.Context(), "XB", true, 1000, time.Millisecond, nil)
	d.Packet(t.Context(), "XB", false, 10, time.Millisecond, fault.New(fault.NotAuthentic, "PKT-6", "no"))
	d.Clock("XB", 90*time.Second)
	code, text := get(t, w, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("status %d: %s", code, text)
	}
	for _, want := range []string{
		`comity_statements_total{desk="assist",direction="said"} 1`, `comity_statements_total{desk="other",direction="heard"} 1`,
		`comity_refusals_total{by="here",clause="DEC-2"} 1`, `comity_refusals_total{by="peer",clause="other"} 1`,
		`comity_packets_total{direction="sent",outcome="ok",peer="XB"} 1`, `comity_packets_total{direction="received",outcome="not-authentic",peer="XB"} 1`,
		`comity_mirror_age_seconds{mirror="feeds"} 7200`, `comity_mirror_period_seconds{mirror="feeds"} 3600`, `comity_mirror_failures{mirror="feeds"} 3`,
		`comity_packet_bytes_total{direction="sent",peer="XB"} 1000`, `comity_clock_skew_seconds{peer="XB"} 90`,
		`comity_batch_jobs_sum 5`, `comity_batch_failures_total{outcome="unavailable"} 1`, `comity_cosignatures_total 2`,
		`comity_log_statements 40`, `comity_log_cosigned_statements 35`, `comity_log_cosigners 1`, `comity_checkpoint_age_seconds 60`, `comity_forks 1`,
		`comity_disk_free_bytes 1.073741824e+09`, `comity_ready{check="mark"} 1`, `comity_build_info{version="v1"} 1`,
		`comity_queue_statements{peer="XB",precedence="flash"} 3`, `comity_queue_lag_seconds{peer="XB",precedence="flash"} 90`,
		`comity_queue_lag_seconds{peer="XB",precedence="routine"} 0`, `comity_queue_at_least{peer="XB"} 1`, `comity_peer_failures{peer="XB"} 4`,
		`comity_peer_silence_seconds{peer="XB"} 300`, `comity_peer_accepted_statements{peer="XB"} 37`, `comity_peer_log_statements{peer="XB"} 12`,
		`comity_peer_checkpoint_age_seconds{peer="XB"} 3600`, `comity_peer_cosigned_statements{peer="XB"} 11`, `comity_peer_missing_statements{peer="XB"} 2`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the scrape lacks %s", want)
		}
	}
	if strings.Contains(text, "nonsense") || strings.Contains(text, "made up") {
		t.Error("what a peer wrote has become a label")
	}
	problems, err := testutil.GatherAndLint(w.meters.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// A look that fails or hangs leaves its metrics out and spoils nothing else; a cut-off clock makes no negative age.
func TestScrapeWithoutStore(t *testing.T) {
	t.Parallel()
	w := made(t, &sample{err: fault.New(fault.Unavailable, "", "gone")})
	if _, text := get(t, w, "/metrics"); strings.Contains(text, "comity_log_statements ") || !strings.Contains(text, "comity_batch_jobs_count 0") {
		t.Error("a store that cannot be looked into shows as one that is empty, or hides the rest")
	}
	now := time.Now()
	w = made(t, &sample{facts: Facts{Now: now, Signed: now.Add(time.Hour), DiskFree: -1}})
	if _, text := get(t, w, "/metrics"); !strings.Contains(text, "comity_checkpoint_age_seconds 0\n") || strings.Contains(text, "\ncomity_disk_free_bytes ") {
		t.Errorf("an age below zero, or a size that is not known")
	}
	if code, _ := get(t, w, "/"); code != http.StatusNotFound {
		t.Errorf("something is served at /: %d", code)
	}
	bare, err := New(Options{Party: "XA", Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := get(t, bare, "/metrics"); code != http.StatusNotFound {
		t.Errorf("metrics that nobody keeps are served: %d", code)
	}
}

// However many ask, one look happens at a time, and its finding serves them all for a moment; a look that hangs keeps nobody longer than it should, and no
// second one is begun beside it.
func TestOneLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sample{facts: story(time.Now()), checks: well()}
		w := made(t, s)
		w.Up(true)
		w.Exchange().Batch(1, nobody)(nil)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { get(t, w, "/readyz") })
		}
		all.Wait()
		if n := s.looks.Load(); n != 1 {
			t.Errorf("%d looks for a hundred that asked at once", n)
		}
		get(t, w, "/readyz")
		time.Sleep(keepReport)
		get(t, w, "/readyz")
		if n := s.looks.Load(); n != 2 {
			t.Errorf("%d looks, want one more after a moment", n)
		}
		s.mu.Lock()
		s.hang = make(chan struct{})
		s.mu.Unlock()
		time.Sleep(keepReport)
		began := time.Now()
		for range 10 {
			all.Go(func() {
				if code, text := get(t, w, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "did not answer in 2s") {
					t.Errorf("a store that hangs: %d %s", code, text)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != patience {
			t.Errorf("those who asked waited %s", took)
		}
		if n := s.looks.Load(); n != 3 {
			t.Errorf("%d looks are under way or done, want 3", n)
		}
		close(s.hang)
		s.mu.Lock()
		s.hang = nil
		s.mu.Unlock()
		synctest.Wait()
		time.Sleep(keepReport)
		if code, text := get(t, w, "/readyz"); code != http.StatusOK {
			t.Errorf("after it answered again: %d %s", code, text)
		}
	})
}

func readiness(t *testing.T, w *Watch) (ready bool, bad string) {
	t.Helper()
	code, text := get(t, w, "/readyz")
	var r Report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if r.Ready != (code == http.StatusOK) {
		t.Errorf("status %d, and the document says %v", code, r.Ready)
	}
	for _, c := range r.Checks {
		if !c.OK {
			bad += c.Check + ": " + c.Says + ";"
		}
	}
	return r.Ready, bad
}

// Readiness turns bad with anything that it rests on, says what, and turns good again.
func TestReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := made(t, nil)
		want := func(when string, ready bool, part string) {
			t.Helper()
			time.Sleep(keepReport) // the clock of this test's own bubble
			if got, bad := readiness(t, w); got != ready || !strings.Contains(bad, part) {
				t.Errorf("%s: ready %v, bad: %s", when, got, bad)
			}
		}
		want("before the node is open", false, "serving: the node is not open yet")
		s := &sample{checks: well(), w: w}
		w.Over(s)
		want("before it serves", false, "serving: ")
		w.Up(true)
		want("when it serves: the store was probed", true, "")

		w.Exchange().Batch(1, nobody)(fault.New(fault.Unavailable, "", "the disk is full"))
		s.mu.Lock()
		s.probe = func() error { return fault.New(fault.Unavailable, "", "the disk is full") }
		s.mu.Unlock()
		time.Sleep(probeEvery)
		want("after a batch that was not written", false, "writer: the disk is full")
		want("between two probes", false, "writer: the last batch was not written: the disk is full")
		s.mu.Lock()
		s.probe = nil
		s.mu.Unlock()
		want("room was made, and nobody knows yet", false, "writer: ")
		time.Sleep(probeEvery)
		want("room was made", true, "")

		s.mu.Lock()
		s.checks[1] = Check{"mark", false, "the store is behind"}
		s.mu.Unlock()
		want("behind the mark", false, "mark: the store is behind;")
		s.mu.Lock()
		s.checks = well()
		s.mu.Unlock()
		want("the store is back", true, "")

		end := w.Exchange().Batch(1, nobody)
		time.Sleep(stuckAfter)
		want("a batch that takes long", false, "writer: the writer has had one batch in hand for 1m")
		if code, text := get(t, w, "/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, `"alive":false`) {
			t.Errorf("a writer that is stuck: %d %s", code, text)
		}
		end(nil)
		want("it has ended", true, "")
		if code, _ := get(t, w, "/healthz"); code != http.StatusOK {
			t.Errorf("alive: %d", code)
		}
		w.Up(false)
		want("when it stops", false, "serving: ")
	})
}

// Causes are for the diary: what /readyz says may be seen by anybody.
func TestReadyHidesCauses(t *testing.T) {
	t.Parallel()
	s := &sample{checks: well()}
	w := made(t, s)
	w.Up(true)
	w.Exchange().Batch(1, nobody)(fault.Wrap(io.ErrUnexpectedEOF, fault.Internal, "", "the store failed"))
	s.probe = func() error { return fault.Wrap(io.ErrUnexpectedEOF, fault.Internal, "", "the store failed") }
	if _, bad := readiness(t, w); !strings.Contains(bad, "the store failed") || strings.Contains(bad, "EOF") {
		t.Error(bad)
	}
}

// Labels that come from outside are bounded by what is known here.
func TestLabels(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"DEC-2": "DEC-2", "LOG-13": "LOG-13", "LOG-" + "16": other, "LOG-" + "0": other, "LOG-" + "02": other, "LOG-+2": other, "XYZ-1": other, "": other, "DEC": other, "DEC-2 ": other,
	} {
		if got := clause(in); got != want {
			t.Errorf("clause %q is %q, want %q", in, got, want)
		}
	}
	for _, c := range []struct {
		err  error
		want string
	}{{nil, fine}, {fault.New(fault.Denied, "", "x"), "denied"}, {io.EOF, "internal"}, {fault.New("made-up", "", "x"), "internal"}} {
		if got := outcome(c.err); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
}

// A Diary's lines about a packet bear its name, whatever attributes and groups the logger has.
func TestDiary(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := Diary(slog.New(slog.NewJSONHandler(&out, nil))).With("party", "XA")
	ctx := Delivery{made(t, nil)}.Named(t.Context(), "0123")
	log.InfoContext(ctx, "refused")
	log.Info("nothing about a packet")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"party":"XA","packet":"0123"`) || strings.Contains(lines[1], "packet\":") {
		t.Error(out.String())
	}
}

// What a peer or a person wrote is quoted by those who parse it, and does not get into the diary with their errors; what a machine says does.
func TestDiaryCauses(t *testing.T) {
	t.Parallel()
	cause := errors.New("unknown member \"of a peer\"")
	for _, c := range []struct {
		err  error
		want string
	}{
		{fault.Wrap(cause, fault.Malformed, "STM-1", "the head is wrong"), "the head is wrong (STM-1)"},
		{fmt.Errorf("posting: %w", fault.Wrap(cause, fault.NotAuthentic, "", "the packet is wrong")), "the packet is wrong"},
		{fault.Wrap(io.ErrShortWrite, fault.Unavailable, "", "the store is full"), "the store is full: short write"},
		{io.ErrShortWrite, "short write"},
	} {
		for _, with := range []bool{true, false} {
			var out strings.Builder
			log := Diary(slog.New(slog.NewTextHandler(&out, nil)))
			if with {
				log.With("n", 1, "error", c.err).Info("refused")
			} else {
				log.Info("refused", "n", 1, "error", c.err)
			}
			if !strings.Contains(out.String(), "n=1 error=") || !strings.Contains(out.String(), c.want) || strings.Contains(out.String(), "of a peer") {
				t.Errorf("%v: %s", c.err, out.String())
			}
		}
	}
}
