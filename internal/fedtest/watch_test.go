package fedtest

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// watched restarts a party's node with metrics, and with traces to sink unless it is nil.
func (p *Party) watched(sink *collector) {
	p.Restart(func(o *node.Options) {
		o.Watched = true
		o.Env = append(o.Env, "COMITY_WATCH_LISTEN=127.0.0.1:0")
		if sink != nil {
			o.Env = append(o.Env, "COMITY_TRACE_ENDPOINT="+sink.URL)
		}
	})
}

// ask asks a party's watch.
func (p *Party) ask(path string) (int, string) {
	p.F.T.Helper()
	rec := httptest.NewRecorder()
	p.Watch.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(p.F.T.Context(), http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

// metric gives a series of a party's scrape; ok is false when there is none.
func (p *Party) metric(series string) (v float64, ok bool) {
	p.F.T.Helper()
	_, text := p.ask("/metrics")
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			p.F.must(err)
			return v, true
		}
	}
	return 0, false
}

// reads waits until a series has a value.
func (p *Party) reads(series string, want func(float64) bool) {
	p.F.T.Helper()
	var last string
	p.Until("the series "+series, func() bool {
		v, ok := p.metric(series)
		last = fmt.Sprintf("%v %v", v, ok)
		return ok && want(v)
	})
	_ = last
}

func is(want float64) func(float64) bool      { return func(v float64) bool { return v == want } }
func atLeast(want float64) func(float64) bool { return func(v float64) bool { return v >= want } }

// What happens between two parties is in what their watches tell: queue and lag of a link that is cut, refusals on all three sides, logs that grow and are
// cosigned, a clock that is wrong.
func TestWatched(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	xa.watched(nil)
	xb.watched(nil)
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	asked := xa.Ask(agreed, exchange.Draft{Title: "Plant stopped"}, "XB")
	xa.Delivered(asked.ID)
	xa.reads(`comity_statements_total{desk="assist",direction="said"}`, is(1))
	xb.reads(`comity_statements_total{desk="assist",direction="heard"}`, is(1))
	xa.reads(`comity_packets_total{direction="sent",outcome="ok",peer="XB"}`, atLeast(1))
	xa.reads(`comity_packets_total{direction="received",outcome="ok",peer="XB"}`, atLeast(1))
	xa.reads(`comity_packet_bytes_total{direction="sent",peer="XB"}`, atLeast(1000))
	xa.reads(`comity_queue_statements{peer="XB",precedence="immediate"}`, is(0))
	xa.reads(`comity_log_statements`, is(float64(xa.LogSize())))
	xb.reads(`comity_peer_log_statements{peer="XA"}`, atLeast(float64(asked.Index+1)))
	xa.reads(`comity_peer_accepted_statements{peer="XB"}`, atLeast(float64(asked.Index+1)))
	xa.reads(`comity_clock_skew_seconds{peer="XB"}`, func(v float64) bool { return v > -1 && v < 1 })
	xa.reads(`comity_store_duration_seconds_count{op="update"}`, atLeast(1))

	f.Cut("XA", "XB")
	late := xa.Ask(agreed, exchange.Draft{Precedence: statement.Flash}, "XB")
	f.Clock.Pass(2 * time.Minute)
	xa.reads(`comity_queue_statements{peer="XB",precedence="flash"}`, is(1))
	xa.reads(`comity_queue_lag_seconds{peer="XB",precedence="flash"}`, is(120))
	xa.reads(`comity_peer_failures{peer="XB"}`, atLeast(1))
	xa.reads(`comity_checkpoint_age_seconds`, is(120))
	xb.Skew(45 * time.Second)
	f.Mend("XA", "XB")
	xa.Until("the other clock", func() bool {
		v, _ := xa.metric(`comity_clock_skew_seconds{peer="XB"}`)
		return v > 40 && v < 50
	})
	xb.Skew(0)
	xa.Courier.Kick("XB")
	xa.Delivered(late.ID)
	xa.reads(`comity_queue_statements{peer="XB",precedence="flash"}`, is(0))
	xa.reads(`comity_queue_lag_seconds{peer="XB",precedence="flash"}`, is(0))

	persons := exchange.Draft{To: []party.Code{"XB"}, Agreement: agreed, Kind: assist.KindRequest,
		Marking: marking.Marking{TLP: marking.Amber, PersonalData: marking.PersonalAllowed}}
	if _, err := xa.Try(persons, assist.Request{Type: assist.Information}); fault.CodeOf(err) != fault.Denied {
		t.Fatalf("not denied: %v", err)
	}
	xa.reads(`comity_refusals_total{by="draft",clause="DEC-1"}`, is(1))
	xa.Restart(func(o *node.Options) { o.Unchecked = true })
	xa.Say(persons, assist.Request{Type: assist.Information})
	xb.reads(`comity_refusals_total{by="here",clause="DEC-1"}`, is(1))
	xa.reads(`comity_refusals_total{by="peer",clause="DEC-1"}`, is(1))

	// Cosignatures travel with packets: what XB set under XA's log comes back with what XB says next.
	f.Clock.Pass(2 * time.Minute)
	xa.Ask(agreed, exchange.Draft{}, "XB")
	xa.Until("a cosignature", func() bool {
		v, _ := xa.metric("comity_cosignatures_total")
		size, _ := xa.metric("comity_log_cosigned_statements")
		parties, _ := xa.metric("comity_log_cosigners")
		return v >= 1 && size > 0 && parties == 1
	})
	xb.reads(`comity_peer_cosigned_statements{peer="XA"}`, atLeast(float64(asked.Index+1)))

	_, text := xa.ask("/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", err, problems)
	}
}

// Readiness turns bad when the mark says that the store is old, and good again when that is mended, without a restart.
func TestReadiness(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa := f.At("XA")
	xa.watched(nil)
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	xa.Delivered(xa.Ask(agreed, exchange.Draft{}, "XB").ID)
	ready := func(want int, part string) {
		t.Helper()
		xa.Until(fmt.Sprintf("%d %s", want, part), func() bool {
			code, text := xa.ask("/readyz")
			return code == want && strings.Contains(text, part)
		})
	}
	ready(http.StatusOK, `"ready":true`)
	marks, err := filepath.Glob(filepath.Join(xa.Dir, "high-water-mark-?"))
	if err != nil || len(marks) != 1 {
		t.Fatal(err, marks)
	}
	before, err := os.ReadFile(marks[0])
	f.must(err)
	// spec: LOG-12
	f.must(xa.Mark.Advance(translog.Tree{Origin: xa.Journal.Origin(), Size: xa.LogSize() + 10, Root: translog.Hash{1}}))
	ready(http.StatusServiceUnavailable, `"check":"mark","ok":false`)
	if v, ok := xa.metric(`comity_ready{check="mark"}`); !ok || v != 0 {
		t.Errorf("comity_ready says %v", v)
	}
	f.must(os.WriteFile(marks[0], before, 0o600))
	ready(http.StatusOK, `"ready":true`)
	if code, text := xa.ask("/healthz"); code != http.StatusOK {
		t.Errorf("alive: %d %s", code, text)
	}
	xa.stop()
	ready(http.StatusServiceUnavailable, `"check":"serving","ok":false`)
}

// collector is a receiver of traces.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span // guarded by mu
}

func collect(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var data tracepb.TracesData
		if err == nil {
			err = proto.Unmarshal(raw, &data)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, r := range data.ResourceSpans {
			for _, s := range r.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// headers remembers the headers of every request that it passes.
type headers struct {
	base http.RoundTripper
	mu   *sync.Mutex
	seen map[string]bool // guarded by mu
}

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	for name := range r.Header {
		h.seen[name] = true
	}
	h.mu.Unlock()
	return h.base.RoundTrip(r)
}

// Both sides of a delivery trace it, each for itself: nothing that goes to the other side ties the two together. What they share is the packet's name.
func TestTraced(t *testing.T) {
	t.Parallel()
	a, b := collect(t), collect(t)
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	h := headers{mu: new(sync.Mutex), seen: map[string]bool{}}
	before := xa.options.Transport
	xa.options.Transport = func(peer party.Code, base http.RoundTripper) http.RoundTripper {
		out := h
		out.base = before(peer, base)
		return out
	}
	xa.watched(a)
	xb.watched(b)
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	xa.Delivered(xa.Ask(agreed, exchange.Draft{Title: "Plant stopped"}, "XB").ID)
	xa.Stop() // sends what is left
	xb.Stop()

	spans := func(c *collector) (byName map[string]*tracepb.Span, traces, packets map[string]bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		byName, traces, packets = map[string]*tracepb.Span{}, map[string]bool{}, map[string]bool{}
		for _, s := range c.spans {
			byName[s.Name] = s
			traces[string(s.TraceId)] = true
			for _, a := range s.Attributes {
				if a.Key == "comity.packet" {
					packets[a.Value.GetStringValue()] = true
				}
			}
		}
		return byName, traces, packets
	}
	mine, traces, packets := spans(a)
	theirs, others, same := spans(b)
	for _, name := range []string{"submit", "batch", "send", "pack", "post", "receive"} {
		if mine[name] == nil {
			t.Errorf("XA made no span %s", name)
		}
	}
	if s := theirs["serve"]; s == nil || len(s.ParentSpanId) > 0 || theirs["receive"] == nil || string(theirs["receive"].TraceId) == "" {
		t.Errorf("XB's side: %v", theirs)
	}
	shared := 0
	for id := range others {
		if traces[id] {
			t.Error("one trace runs through both parties")
		}
	}
	for name := range same {
		if packets[name] {
			shared++
		}
	}
	if shared == 0 {
		t.Error("no packet bears one name on both sides")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.seen {
		if !strings.HasPrefix(name, "Comity-") && name != "Content-Type" {
			t.Errorf("the header %s goes to a peer", name)
		}
	}
}

// diary takes all that nodes write.
type diary struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.Write(b)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.String()
}

// mark is what stands wherever people or peers may write something.
const mark = "Quetzalcoatlus"

// However bad the day, no line of the diary has a title, a text, an attachment, an officer's name or a key in it, and what a peer wrote does not get into it
// either; lines about a packet bear its name.
func TestDiarySaysNothing(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	var d diary
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, p := range f.Parties {
		p.Restart(func(o *node.Options) {
			o.Log = slog.New(slog.NewJSONHandler(&d, level))
			o.Watched, o.Env = true, append(o.Env, "COMITY_WATCH_LISTEN=127.0.0.1:0")
		})
	}
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	draft := exchange.Draft{
		Title: mark + " title", Text: mark + " text", By: xa.By("duty-officer", mark+" officer"),
		Blobs: []exchange.Attachment{{Name: mark + ".txt", Type: "text/plain", Data: strings.NewReader(strings.Repeat(mark, 1000))}},
	}
	xa.Delivered(xa.Ask(agreed, draft, "XB", "XM").ID)

	f.Cut("XA", "XB")
	waits := xa.Ask(agreed, draft, "XB")
	xa.reads(`comity_peer_failures{peer="XB"}`, atLeast(1))
	f.Mend("XA", "XB")
	xa.Delivered(waits.ID)
	persons := draft
	persons.To, persons.Agreement, persons.Kind = []party.Code{"XB"}, agreed, assist.KindRequest
	persons.Marking = marking.Marking{TLP: marking.Amber, PersonalData: marking.PersonalAllowed}
	if _, err := xa.Try(persons, assist.Request{Type: assist.Information}); fault.CodeOf(err) != fault.Denied {
		t.Fatalf("not denied: %v", err)
	}
	xa.Restart(func(o *node.Options) { o.Unchecked = true })
	xa.Delivered(xa.Say(persons, assist.Request{Type: assist.Information}).ID)
	xb.reads(`comity_refusals_total{by="here",clause="DEC-1"}`, is(1))

	m := f.corrupt("XM", agreed)
	good := m.contents("XA", m.say(nil))
	for _, head := range []string{
		mark, `{"` + mark + `":1}`, `{"v":1,"v":"` + mark + `"}`, `{"v":"` + mark + `"}`, `{"v":1,"nonce":"` + mark + `","from":"` + mark + `"}`, `{"` + mark + `":1,"` + mark + `":2}`,
		`{"v":1,"from":"XM","to":["` + mark + `"]}`,
	} {
		if a := m.send("XA", m.raw("XA", file{name: "checkpoint", data: good.Checkpoint}, file{name: "heads.jsonl", data: []byte(head + "\n")})); a.status < 300 {
			t.Errorf("%s was taken", head)
		}
	}
	m.send("XA", m.raw("XA", file{name: "checkpoint", data: []byte(mark + "\n1\n" + mark + "\n\n" + mark)}))
	m.send("XA", m.raw("XA", file{name: mark, data: []byte(mark)}))
	m.send("XA", []byte(mark))
	for _, raw := range []string{`{"nonce":"AAAAAAAAAAAAAAAAAAAAAA","text":"` + mark + `","` + mark + `":1,"` + mark + `":2}`, mark, `{"title":` + mark} {
		h := m.say(func(h *statement.Head) {
			h.Body = &statement.BodyRef{SHA256: statement.Sum([]byte(raw)), Size: int64(len(raw))}
		})
		c := m.contents("XA", h)
		c.Bodies = [][]byte{[]byte(raw)}
		if a := m.post("XA", c); a.status != http.StatusOK {
			t.Errorf("%+v", a)
		}
	}
	c := m.contents("XA", m.say(func(h *statement.Head) {
		h.Kind, h.Facts = "poker."+statement.Kind(strings.ToLower(mark)), []byte(`{"`+strings.ToLower(mark)+`":1}`)
	}))
	c.Witnessed = [][]byte{[]byte(mark + "\n"), append([]byte("XB/1\n1\n"+mark+"\n\n"), good.Checkpoint...)}
	m.post("XA", c)
	m.ids = append(m.ids[:len(m.ids)-1:len(m.ids)-1], statement.ID{9})
	fork := m.contents("XA")
	if a := m.post("XA", fork); a.Code != string(fault.Fork) {
		t.Errorf("no fork: %+v", a)
	}
	xa.ask("/metrics")
	xa.ask("/readyz")
	keys := secrets(t, xa)
	f.stop()

	text := d.String()
	for name, secret := range keys {
		if strings.Contains(text, secret) {
			t.Errorf("the diary has the %s", name)
		}
	}
	named := 0
	packet := regexp.MustCompile(`"packet":"[0-9a-f]{16}"`)
	for line := range strings.Lines(text) {
		if strings.Contains(strings.ToLower(line), strings.ToLower(mark)) {
			t.Errorf("the diary says %s", line)
		}
		if !strings.Contains(line, `"component":"`) || !strings.Contains(line, `"party":"`) {
			t.Errorf("whose line is it? %s", line)
		}
		if packet.MatchString(line) {
			named++
		}
		if strings.Contains(line, `"msg":"FORK`) && !packet.MatchString(line) {
			t.Errorf("a line about a packet without its name: %s", line)
		}
	}
	for _, msg := range []string{`"msg":"packet sent"`, `"msg":"packet received"`, `"msg":"peer not served"`, `"msg":"refused"`, `"msg":"FORK`} {
		if !strings.Contains(text, msg) {
			t.Errorf("the day was not bad enough: no line with %s", msg)
		}
	}
	if named < 20 {
		t.Errorf("%d lines bear a packet's name", named)
	}
}

// secrets gives what locks a party's keys, and forms in which keys are written.
func secrets(t *testing.T, p *Party) map[string]string {
	t.Helper()
	out := map[string]string{"mark of an age key": "AGE-SECRET-KEY", "mark of a PEM key": "PRIVATE KEY"}
	raw, err := os.ReadFile(filepath.Join(p.Dir, "lock.key"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); len(line) > 20 {
			out["lock"] = line
		}
	}
	if out["lock"] == "" {
		t.Error("the lock holds nothing to look for")
	}
	return out
}
