package mirror

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
)

// Bounds are those of one request. A field that is 0 has the usual.
type Bounds struct {
	Begin time.Duration // until an answer begins; usually a minute: servers search before they answer
	Idle  time.Duration // that an answer may stand still; usually 30 s
	Whole time.Duration // that is waited for all of it, what is done with it meanwhile left out; usually 5 min
	Body  int64         // bytes of an answer, unpacked; usually 128 MiB
}

func (b Bounds) filled() Bounds {
	usual := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	usual(&b.Begin, time.Minute)
	usual(&b.Idle, 30*time.Second)
	usual(&b.Whole, 5*time.Minute)
	if b.Body <= 0 {
		b.Body = 128 << 20
	}
	return b
}

const (
	maxRedirects = 3
	maxHeader    = 64 << 10
	handshake    = 15 * time.Second
	dialWait     = 15 * time.Second
	maxSaid      = 4 << 10 // bytes of an answer that is none of the wanted, which are read so that the connection can be used again
)

// Site is a server outside, as an administrator has named it. It asks that server alone: who is pointed elsewhere does not go there. It is safe for concurrent use.
type Site struct {
	at        *url.URL
	user      string
	secret    config.Secret
	bounds    Bounds
	transport *http.Transport
	agent     string
}

// NewSite makes one. secret is HTTP Basic's with a user, a bearer's without; none: nobody signs in. roots are the certificates that alone are trusted; nil: those that the machine trusts. Error: fault.Usage.
func NewSite(address, user string, secret config.Secret, roots *x509.CertPool, b Bounds) (*Site, error) {
	u, err := Address(address)
	if err != nil {
		return nil, err
	}
	b = b.filled()
	return &Site{
		at: u, user: user, secret: secret, bounds: b, agent: "comity",
		// No proxy of the environment: nothing goes anywhere that was not named.
		transport: &http.Transport{
			Proxy: nil, DialContext: (&net.Dialer{Timeout: dialWait}).DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: handshake, ResponseHeaderTimeout: b.Begin, MaxResponseHeaderBytes: maxHeader, MaxIdleConns: 2, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		},
	}, nil
}

// At is the address that was named.
func (s *Site) At() *url.URL { c := *s.at; return &c }

// Close lets go of connections.
func (s *Site) Close() { s.transport.CloseIdleConnections() }

// Here tells whether an address is on this server.
func (s *Site) Here(u *url.URL) bool { return origin(u) == origin(s.at) }

// Answer is what came back. Its Body is bounded in bytes and in time; what goes wrong with it is a fault that is safe to show.
type Answer struct {
	Status int
	Header http.Header
	Body   io.ReadCloser
}

// Get asks for what stands at ref, an address relative to the one that was named. It follows redirects to the same server. Errors: fault.Unavailable; fault.Failed where it is pointed elsewhere.
func (s *Site) Get(ctx context.Context, ref *url.URL, header http.Header) (*Answer, error) {
	at := s.at.ResolveReference(ref)
	for range maxRedirects + 1 {
		if !s.Here(at) {
			return nil, elsewhere()
		}
		answer, err := s.ask(ctx, at, header)
		if err != nil {
			return nil, err
		}
		switch answer.Status {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return answer, nil
		}
		to, err := url.Parse(answer.Header.Get("Location"))
		answer.Discard()
		if err != nil || to.String() == "" || to.User != nil {
			return nil, fault.New(fault.Malformed, "", "the server points elsewhere, and does not say where")
		}
		at = at.ResolveReference(to)
	}
	return nil, fault.New(fault.Malformed, "", "the server points from one address to the next, more than %d times", maxRedirects)
}

func elsewhere() error {
	return fault.New(fault.Failed, "", "the server points to another server, and this node asks none but the one that was named: if the collection is there, give that address")
}

// Discard lets go of an answer that is not the wanted.
func (a *Answer) Discard() {
	_, _ = io.CopyN(io.Discard, a.Body, maxSaid) // what it says is nobody's business
	_ = a.Body.Close()                           // it was only read
}

// Fault is why an answer is not the wanted one, by its status alone.
func (a *Answer) Fault() error {
	defer a.Discard()
	refused := func(code fault.Code, format string, args ...any) error { return fault.New(code, "", format, args...) }
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return refused(fault.Failed, "the server does not let this node in (it answers %d): look at the credential", a.Status)
	case http.StatusProxyAuthRequired:
		return refused(fault.Failed, "a proxy stands before the server and wants a credential of its own")
	case http.StatusMisdirectedRequest:
		return refused(fault.Failed, "the server answers under another name than that of the address (it answers 421): name it as it calls itself, at a Comity node by its setting web_url; or a proxy before it does not pass on the name that it was asked for")
	case http.StatusNotFound, http.StatusGone:
		return refused(fault.NotFound, "the server has nothing at that address (it answers %d)", a.Status)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if rest, ok := restOf(a.Header, time.Now()); ok {
			return fault.Wrap(&Rest{rest}, fault.Unavailable, "", "the server wants to be left alone for %s (it answers %d)", rest.Round(time.Second), a.Status)
		}
		return refused(fault.Unavailable, "the server is busy (it answers %d)", a.Status)
	}
	if a.Status >= 500 {
		return refused(fault.Unavailable, "the server is in trouble (it answers %d)", a.Status)
	}
	return refused(fault.Failed, "the server refuses the request (it answers %d)", a.Status)
}

// restOf reads Retry-After (RFC 9110, 10.2.3): seconds, or a date, which counts from the server's own date where it says that.
func restOf(h http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longestRest), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	return min(max(at.Sub(now), 0), longestRest), true
}

// ask makes one request.
func (s *Site) ask(ctx context.Context, at *url.URL, header http.Header) (*Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		cancel(nil)
		return nil, fault.Wrap(err, fault.Usage, "", "the address cannot be used")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", s.agent)
	switch {
	case len(s.secret) == 0:
	case s.user != "":
		r.SetBasicAuth(s.user, string(s.secret))
	default:
		r.Header.Set("Authorization", "Bearer "+string(s.secret))
	}
	// The transport's own bound begins when the request has gone: this one is for all that comes before.
	timer := time.AfterFunc(s.bounds.Begin+handshake+dialWait, func() { cancel(errSlow) })
	answer, err := s.transport.RoundTrip(r) //nolint:bodyclose // whoever gets the Answer closes it
	timer.Stop()
	if err != nil {
		err = unreached(ctx, err)
		cancel(nil)
		return nil, err
	}
	b := &body{in: answer.Body, ctx: ctx, cancel: cancel, bounds: s.bounds, left: s.bounds.Body}
	return &Answer{Status: answer.StatusCode, Header: answer.Header, Body: b}, nil
}

var errSlow = errors.New("too slow")

// unreached is the fault of a request that has no answer. It names no address.
func unreached(ctx context.Context, err error) error {
	say := func(format string) error { return fault.Wrap(err, fault.Unavailable, "", "%s", format) }
	var late net.Error
	switch {
	case errors.Is(context.Cause(ctx), errSlow), errors.As(err, &late) && late.Timeout():
		return say("the server did not answer in time")
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return say("the certificate of the server is not one that is trusted here for that name: if it is right, give the certificates that its own rests on (--ca)")
	case ctx.Err() != nil:
		return fault.Wrap(err, fault.Canceled, "", "the request was broken off")
	}
	return say("the server cannot be reached")
}

// TooMuch tells of an error of an answer's Body that it was too long, or too slow: a smaller part may be asked for.
func TooMuch(err error) bool { return fault.CodeOf(err) == fault.TooLarge || errors.Is(err, errSlow) }

// body is an answer's, bounded.
type body struct {
	in     io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	bounds Bounds
	left   int64
	waited time.Duration
	once   sync.Once
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.tooLarge()
	}
	if int64(len(p)) > b.left {
		p = p[:b.left+1] // one byte more tells whether it ends there
	}
	began := time.Now()
	timer := time.AfterFunc(min(b.bounds.Idle, b.bounds.Whole-b.waited), func() { b.cancel(errSlow) })
	n, err := b.in.Read(p)
	timer.Stop()
	if b.waited += time.Since(began); b.waited >= b.bounds.Whole && err == nil {
		b.cancel(errSlow)
		err = errSlow
	}
	if b.left -= int64(n); b.left < 0 {
		return n - 1, b.tooLarge()
	}
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return n, err
	case errors.Is(context.Cause(b.ctx), errSlow):
		return n, fault.Wrap(errSlow, fault.Unavailable, "", "the server's answer came too slowly")
	case b.ctx.Err() != nil:
		return n, fault.Wrap(err, fault.Canceled, "", "the request was broken off")
	}
	return n, fault.Wrap(err, fault.Unavailable, "", "the server's answer broke off")
}

func (b *body) tooLarge() error {
	return fault.New(fault.TooLarge, "", "the server's answer has more than %d bytes", b.bounds.Body)
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.once.Do(func() { b.cancel(nil) }) // before the rest of it is waited for
	return b.in.Close()
}
