package notice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Bounds of one try.
const (
	hookTimeout = 20 * time.Second
	maxAnswer   = 1 << 10 // bytes of an answer's body that are read, and thrown away
)

// Types of what a webhook is told.
const (
	typeNotice = "comity.notice"
	typeTest   = "comity.test"
)

// Webhook is where a notice is posted, signed as Standard Webhooks has it (standardwebhooks.com, version 1.0.0, symmetric). It is safe for concurrent use.
type Webhook struct {
	URL    string
	Secret []byte         // the key itself, not its text
	Roots  *x509.CertPool // whose certificates are trusted; nil: whose the machine trusts
}

// payload is the body.
type payload struct {
	Type      string         `json:"type"`
	Timestamp statement.Time `json:"timestamp"` // when the notice was made
	Data      data           `json:"data"`
}

type data struct {
	Party party.Code `json:"party"` // whose node this is
	URL   string     `json:"url,omitzero"`
	Lines []placed   `json:"lines"`
}

type placed struct {
	Line
	URL string `json:"url,omitzero"`
}

// Payload is a notice as programs read it. It is the same bytes for the same notice.
func Payload(n Notice, self party.Code, at Place) ([]byte, error) {
	p := payload{Type: typeNotice, Timestamp: n.Made, Data: data{Party: self, Lines: []placed{}}}
	if at != "" {
		p.Data.URL = string(at) + "/"
	}
	if n.test() {
		p.Type = typeTest
	}
	for _, l := range sorted(n.Lines) {
		p.Data.Lines = append(p.Data.Lines, placed{l, at.Of(l)})
	}
	b, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "a notice cannot be written as JSON")
	}
	return b, nil
}

// Sign is the header webhook-signature.
func Sign(secret []byte, id string, unix int64, body []byte) string {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(id + "." + strconv.FormatInt(unix, 10) + "."))
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// Send posts a body under an id, as of the time of this try. Any answer but 2xx is fault.Unavailable, and so is everything else that goes wrong; the error names no
// address. Nobody is followed to another address.
func (w *Webhook) Send(ctx context.Context, id string, at time.Time, body []byte) error {
	say := func(format string, args ...any) error { return fault.New(fault.Unavailable, "", format, args...) }
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return say("the receiver of the webhook has no address that can be used (webhook_url)")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "comity")
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", Sign(w.Secret, id, at.Unix(), body))
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: w.Roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10, ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		var late net.Error
		switch {
		case errors.As(err, new(*tls.CertificateVerificationError)):
			return say("the certificate of the webhook's receiver is not one that this machine trusts for that name")
		case ctx.Err() != nil, errors.As(err, &late) && late.Timeout():
			return say("the receiver of the webhook did not answer in time")
		}
		return say("the receiver of the webhook cannot be reached")
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // what it says beside its status is nobody's business
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return nil
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return say("the receiver of the webhook points elsewhere, where nobody goes (it answers %d): set webhook_url to where it is", answer.StatusCode)
	}
	return say("the receiver of the webhook refuses it: it answers %d", answer.StatusCode)
}
