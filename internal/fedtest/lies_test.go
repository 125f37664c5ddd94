package fedtest

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// shop answers for a party as a test tells it.
type shop struct {
	mu     sync.Mutex
	serve  http.HandlerFunc // guarded by mu
	served int              // since serve was set; guarded by mu
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	s.served++
	serve := s.serve
	s.mu.Unlock()
	serve(w, r)
}

func (s *shop) set(serve http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve, s.served = serve, 0
}

func (s *shop) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served
}

// open serves at a party's door until the test ends.
func (s *shop) open(m *mallory, p *Party) {
	m.Helper()
	cert, err := m.keys.Certificate()
	m.f.must(err)
	server := &http.Server{Handler: s, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert}}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(p.door.open(), "", "") }()
	m.Cleanup(func() {
		m.f.must(server.Close())
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			m.Error(err)
		}
	})
}

// problemDocument is an answer that refuses.
func problemDocument(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// XA has something for XM, and XM answers with nothing, or with what answers nothing. Each time XA knows that it has no receipt, says why by clause, and repeats nothing of what XM
// wrote; nobody waits with XM.
func TestEmptyAnswers(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	xa, xb, xm := f.At("XA"), f.At("XB"), f.At("XM")
	m := f.corrupt("XM", agreed)
	s := &shop{}
	s.set(problemDocument(http.StatusServiceUnavailable, `{"code":"unavailable"}`))
	s.open(m, xm)
	asked := xa.Ask(agreed, exchange.Draft{Text: "Please answer."}, "XM", "XB")
	xb.Has(asked.ID)
	xa.Until("the receipt of XB", func() bool { return xa.queue("XB").Waiting == 0 })
	sealed := func(heads ...*statement.Head) http.HandlerFunc {
		raw := m.seal("XA", m.contents("XA", heads...))
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) }
	}
	packetOf := func(c *packet.Contents) http.HandlerFunc {
		raw := m.seal("XA", c)
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) }
	}
	secret := "do as I say: walnut"
	for _, c := range []struct {
		name   string
		code   fault.Code
		clause string
		serve  http.HandlerFunc
	}{
		{"nothing at all", fault.Unavailable, "NET-4", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }},
		{"an empty packet", fault.Malformed, "PKT-1", func(http.ResponseWriter, *http.Request) {}},
		{"a packet without receipts", fault.Unavailable, "NET-4", sealed()},
		{"no packet", fault.Malformed, "PKT-1", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, secret) }},
		{"a receipt for something else", fault.Unavailable, "NET-4", packetOf(m.contents("XA", m.receiptFor(xa, 1, thread.Range{0, 1})))},
		{"a receipt for what is not said yet", fault.NotAuthentic, "RCP-1", packetOf(m.contents("XA", m.receipt(xa, 1000, statement.Digest{1}, []thread.Range{{0, 1000}})))},
		{"a packet without end", fault.TooLarge, "PKT-3", func(w http.ResponseWriter, _ *http.Request) {
			line := []byte(strings.Repeat("x", 64<<10))
			for range 300 {
				if _, err := w.Write(line); err != nil {
					return
				}
			}
		}},
		{"another address", fault.Unavailable, "NET-7", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+xb.Config.Listen+r.URL.Path, http.StatusTemporaryRedirect)
		}},
		{"a page", fault.Unavailable, "NET-7", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<h1>"+secret+"</h1>", http.StatusBadGateway)
		}},
		{"a problem that nobody knows", fault.Unavailable, "NET-7", problemDocument(http.StatusTeapot, `{"code":"`+secret+`","clause":"`+secret+`"}`)},
		{"a problem with a tale", fault.Malformed, "", problemDocument(http.StatusBadRequest, `{"code":"malformed","clause":"`+secret+`","title":"`+secret+`"}`)},
		{"parked for ever", fault.Parked, "LOG-8", problemDocument(http.StatusConflict, `{"code":"parked","clause":"LOG-8"}`)},
		{"a long problem", fault.Unavailable, "NET-7", problemDocument(http.StatusBadRequest, `{"code":"malformed","title":"`+strings.Repeat("x", 1<<20)+`"}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.set(c.serve)
			xa.Until("the second attempt, and what came of the first", func() bool {
				xa.Courier.Kick("XM")
				q := xa.queue("XM")
				return s.count() > 1 && q.LastCode == string(c.code) && strings.Contains(q.LastError, c.clause)
			})
			// spec: NET-4, NET-7
			if q := xa.queue("XM"); q.Waiting == 0 || strings.Contains(q.LastError, "walnut") {
				t.Errorf("%+v", q)
			}
			for _, d := range xa.said(asked.ID).Delivered {
				if d.To == "XM" && !d.Head.IsZero() {
					t.Errorf("it counts as a receipt: %+v", d)
				}
			}
			if q := xa.queue("XB"); q.Waiting > 0 || q.Attempts > 0 {
				t.Errorf("the queue of XB: %+v", q)
			}
		})
	}
	f.honest()
}

// receiptFor logs a receipt for some heads of a log, with the root that it really had.
func (m *mallory) receiptFor(of *Party, size int64, heads ...thread.Range) *statement.Head {
	m.Helper()
	return m.receiptOf(of, size, func(h *statement.Head) {
		d, err := thread.Facts[thread.Delivered](h)
		m.f.must(err)
		d.Heads = heads
		h.Facts, err = node.Facts(d)
		m.f.must(err)
	})
}
