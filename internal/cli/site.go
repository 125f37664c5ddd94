package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/httpapi"
	"github.com/comity-exchange/comity/internal/misp"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/taxii"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/internal/web/door"
)

// site is the pages and the API of a node, at one address.
type site struct {
	origin string // what browsers call it
	at     net.Listener
	server *http.Server
}

// openSite listens for browsers; nil where the settings name no address for them.
func openSite(ctx context.Context, n *node.Node) (*site, error) {
	c := &n.Config
	if c.WebListen == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.WebListen)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "the pages cannot be served on %s", c.WebListen)
	}
	s := &site{at: l, origin: c.WebOrigin()}
	if s.origin == "" {
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, errors.Join(fault.Wrap(err, fault.Internal, "", "the port of the pages cannot be told"), l.Close())
		}
		s.origin = "http://localhost:" + port
	}
	log := n.Log.With("component", "web")
	api := httpapi.Handler(n, httpapi.Options{Version: node.ThisProgram().Version, Link: func(secret auth.Secret) string { return door.Link(s.origin, secret) }})
	h, err := web.Site(ctx, n, s.origin, api, taxii.Handler(n, taxii.Options{}), log, web.Beside{Path: misp.Root, Handler: misp.Handler(ctx, n, misp.Options{})})
	var secure *tls.Config
	if err == nil && c.WebCertificate != "" {
		secure, err = secured(n)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.server = &http.Server{
		Handler: h, TLSConfig: secure, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Minute, WriteTimeout: 10 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// secured is how TLS is spoken, with the certificate that the settings name. One that was renewed is taken up without a new start.
func secured(n *node.Node) (*tls.Config, error) {
	at := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(n.Dir, name)
	}
	p := &pair{certificate: at(n.Config.WebCertificate), key: at(n.Config.WebKey)}
	if _, err := p.get(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.get() }}, nil
}

// pair is a certificate with its key, in two files. It is safe for concurrent use.
type pair struct {
	certificate, key string

	mu   sync.Mutex
	read time.Time        // when the files were changed that have been read; guarded by mu
	tls  *tls.Certificate // guarded by mu
}

// get reads the files again when they were changed. While they cannot be read, or do not belong together yet, what was read before goes on counting.
func (p *pair) get() (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var changed time.Time
	for _, name := range []string{p.certificate, p.key} {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(changed) {
			changed = info.ModTime()
		}
	}
	if p.tls != nil && !changed.After(p.read) {
		return p.tls, nil
	}
	found, err := tls.LoadX509KeyPair(p.certificate, p.key)
	switch {
	case err == nil:
		p.tls, p.read = &found, changed
	case p.tls == nil:
		return nil, fault.Wrap(err, fault.Usage, "", "web_certificate and web_key cannot be read, or do not belong together")
	}
	return p.tls, nil
}

// serve serves until ctx ends, and every request with it: what was said is said, whether its page was shown or not.
func (s *site) serve(ctx context.Context) error {
	s.server.BaseContext = func(net.Listener) context.Context { return ctx }
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		end, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer done()
		if err := s.server.Shutdown(end); err != nil {
			_ = s.server.Close() // what is still open has had its time
		}
	})
	var err error
	if s.server.TLSConfig != nil {
		err = s.server.ServeTLS(s.at, "", "")
	} else {
		err = s.server.Serve(s.at)
	}
	if !stop() {
		<-stopped
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fault.Wrap(err, fault.Unavailable, "", "the listener of the pages failed")
	}
	return nil
}
