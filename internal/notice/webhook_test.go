package notice

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crypto/x509"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// TestSign holds the signature against values that other programs computed: base64 of HMAC-SHA256 under the key over "id.timestamp.body", as the specification of
// Standard Webhooks has it. The second was made by openssl dgst -sha256 -hmac.
func TestSign(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		secret, id string
		unix       int64
		body, want string
	}{
		{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		{base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567")), "ABC", 1772438400, `{}`, "v1,ZLhTT1AwbNAD2EKKRG2ch88rl9qhZCs9GaUHBK6S/Cw="},
	} {
		secret, err := base64.StdEncoding.DecodeString(c.secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := Sign(secret, c.id, c.unix, []byte(c.body)); got != c.want {
			t.Errorf("%s: %s, want %s", c.id, got, c.want)
		}
		if got := Sign(secret, c.id, c.unix+1, []byte(c.body)); got == c.want {
			t.Error("another time has the same signature")
		}
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	n := Notice{ID: "N1", Made: moment(0), Lines: []Line{
		{Kind: Fork, Count: 1},
		{Kind: Arrived, Desk: "assist", Party: "XB", Count: 2, Precedence: statement.Flash, TLP: "GREEN"},
	}}
	got, err := Payload(n, "XA", "https://desk.xa.example")
	const want = `{"type":"comity.notice","timestamp":"2026-03-02T08:00:00.000Z","data":{"party":"XA","url":"https://desk.xa.example/","lines":[` +
		`{"kind":"arrived","desk":"assist","party":"XB","count":2,"precedence":"flash","tlp":"GREEN","url":"https://desk.xa.example/threads?desk=assist&unread=1"},` +
		`{"kind":"fork","count":1,"url":"https://desk.xa.example/log"}]}}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
	got, err = Payload(Notice{ID: "N2", Made: moment(0), Lines: []Line{{Kind: Test, Count: 1}}}, "XA", "")
	const test = `{"type":"comity.test","timestamp":"2026-03-02T08:00:00.000Z","data":{"party":"XA","lines":[{"kind":"test","count":1}]}}`
	if err != nil || string(got) != test {
		t.Errorf("%v\n%s\n%s", err, got, test)
	}
}

// moment is some minutes after a time of the tests.
func moment(minutes int) statement.Time {
	return statement.TimeOf(time.Date(2026, 3, 2, 8, minutes, 0, 0, time.UTC))
}

func TestWebhookSends(t *testing.T) {
	t.Parallel()
	secret, body := []byte("0123456789abcdef01234567"), []byte(`{"a":1}`)
	got := make(chan *http.Request, 1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		unix, _ := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
		if r.Header.Get("webhook-signature") != Sign(secret, r.Header.Get("webhook-id"), unix, raw) || string(raw) != string(body) {
			t.Errorf("the signature does not hold: %v %s", r.Header, raw)
		}
		got <- r
	}))
	t.Cleanup(server.Close)
	w := Webhook{URL: server.URL + "/in?key=1", Secret: secret, Roots: roots(server.Certificate())}
	if err := w.Send(t.Context(), "N1", moment(1).Std(), body); err != nil {
		t.Fatal(err)
	}
	r := <-got
	if r.Method != http.MethodPost || r.URL.RequestURI() != "/in?key=1" || r.Header.Get("webhook-id") != "N1" || r.Header.Get("webhook-timestamp") != "1772438460" ||
		r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	w.Roots = x509.NewCertPool()
	if err := w.Send(t.Context(), "N1", moment(1).Std(), body); fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
}

func roots(c *x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c)
	return p
}

func TestWebhookRefused(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(trap.Close)
	for status, says := range map[int]string{
		204: "", 301: "points elsewhere", 302: "points elsewhere", 307: "points elsewhere", 308: "points elsewhere", 400: "it answers 400", 410: "it answers 410", 500: "it answers 500",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", trap.URL)
			w.WriteHeader(status)
			if status == 500 { // endlessly; it ends because nobody reads it
				for {
					if _, err := w.Write(make([]byte, 64<<10)); err != nil {
						return
					}
				}
			}
		}))
		t.Cleanup(server.Close)
		err := (&Webhook{URL: server.URL, Secret: []byte("x")}).Send(t.Context(), "N", moment(0).Std(), nil)
		if says == "" {
			if err != nil {
				t.Errorf("%d: %v", status, err)
			}
			continue
		}
		if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%d: %v", status, err)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("it went where it was pointed")
	}
	trap.Close()
	err := (&Webhook{URL: trap.URL, Secret: []byte("x")}).Send(t.Context(), "N", moment(0).Std(), nil)
	if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), "127.0.0.1") {
		t.Error(err)
	}
}

// A receiver that says nothing holds up nobody for longer than its time, here as long as ctx.
func TestWebhookHangs(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	err := (&Webhook{URL: server.URL, Secret: []byte("x")}).Send(ctx, "N", moment(0).Std(), nil)
	if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "in time") {
		t.Error(err)
	}
}
