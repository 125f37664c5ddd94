package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
)

type serveCmd struct {
	Listen    string `placeholder:"ADDRESS" help:"Listen here instead of where comity.toml says."`
	LogListen string `placeholder:"ADDRESS" help:"Serve the log, read-only, here instead of where comity.toml says."`

	WatchListen string `placeholder:"ADDRESS" help:"Serve health and metrics here instead of where comity.toml says."`
	WebListen   string `placeholder:"ADDRESS" help:"Serve the pages and the API here instead of where comity.toml says."`
}

func (serveCmd) Help() string {
	return `It prints one line when it is ready, logs to the standard error, and ends well on an interrupt. Other commands may run beside it.
  comity serve
  comity --dir xa serve --listen 127.0.0.1:8443
  comity serve --watch-listen 127.0.0.1:9464
  comity serve --web-listen 127.0.0.1:8080`
}

// ready is what serve prints once.
type ready struct {
	Code   party.Code   `json:"code"`
	Listen string       `json:"listen,omitzero"`
	Log    string       `json:"log,omitzero"`
	Watch  string       `json:"watch,omitzero"`
	Web    string       `json:"web,omitzero"` // what browsers call the pages
	Store  string       `json:"store"`        // "file" or "postgresql"
	Peers  []party.Code `json:"peers"`
}

func (c *serveCmd) Run(ctx context.Context, s *session) error {
	s.roomy()
	if c.Listen != "" {
		s.env = append(s.env, "COMITY_LISTEN="+c.Listen)
	}
	if c.LogListen != "" {
		s.env = append(s.env, "COMITY_LOG_LISTEN="+c.LogListen)
	}
	if c.WatchListen != "" {
		s.env = append(s.env, "COMITY_WATCH_LISTEN="+c.WatchListen)
	}
	if c.WebListen != "" {
		s.env = append(s.env, "COMITY_WEB_LISTEN="+c.WebListen)
	}
	return s.opened(ctx, node.Options{Log: s.logger(), Watched: true, Behind: true}, func(n *node.Node) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		r := ready{Code: n.Config.Code, Store: "file"}
		if _, database := n.Config.Database(); database {
			r.Store = "postgresql"
		}
		l, err := n.Listen()
		if err != nil {
			return err
		}
		if l != nil {
			defer l.Close()
			r.Listen = l.Addr().String()
		}
		ended := make(chan error, 3)
		started := 0
		start := func(serve func() error) {
			started++
			go func() {
				defer cancel()
				ended <- serve()
			}()
		}
		if err := c.beside(ctx, n, &r, start); err != nil {
			return err
		}
		if r.Peers, err = n.Peers(ctx); err != nil {
			return err
		}
		if err := s.show(r, func(p *page) { p.say("%s", r) }); err != nil {
			return err
		}
		go reloads(ctx, n)
		served := n.Serve(ctx, l)
		cancel()
		if errors.Is(served, context.Canceled) {
			served = nil
		}
		for range started {
			served = errors.Join(served, <-ended)
		}
		return served
	})
}

// beside starts what is served beside the peers, as far as the settings name addresses for it: the log, health and metrics, the pages.
func (c *serveCmd) beside(ctx context.Context, n *node.Node, r *ready, start func(serve func() error)) error {
	if n.Config.LogListen != "" {
		at, err := listen(ctx, n.Config.LogListen)
		if err != nil {
			return err
		}
		r.Log = at.Addr().String()
		start(func() error { return serveLog(ctx, at, n.LogHandler()) })
	}
	watch, err := n.WatchListen(ctx)
	if err != nil {
		return err
	}
	if watch != nil {
		r.Watch = watch.Addr().String()
		start(func() error { return n.Watch.Serve(ctx, watch) })
	}
	pages, err := openSite(ctx, n)
	if err != nil {
		return err
	}
	if pages != nil {
		r.Web = pages.origin
		start(func() error { return pages.serve(ctx) })
	}
	return nil
}

func (r ready) String() string {
	text := "comity: " + string(r.Code) + " is ready"
	if r.Listen != "" {
		text += " on " + r.Listen
	}
	if r.Log != "" {
		text += ", its log on " + r.Log
	}
	if r.Watch != "" {
		text += ", health and metrics on " + r.Watch
	}
	if r.Web != "" {
		text += ", its pages at " + r.Web
	}
	if r.Store == "postgresql" {
		text += ", its memory in PostgreSQL"
	} else {
		text += ", its memory in a file"
	}
	if len(r.Peers) == 0 {
		return text + "; no peer is confirmed yet"
	}
	return text + "; peers: " + codes(r.Peers)
}

// reloads reads the caveats again at each hangup signal, until ctx ends.
func reloads(ctx context.Context, n *node.Node) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			if err := n.Reload(); err != nil {
				n.Log.Error("the caveats do not compile: those that held go on holding", "error", err)
			}
		}
	}
}

// roomy has a busy node collect garbage less often: a quarter of the work, for some memory while it is busy, as measured in docs/performance.md. GOGC in
// the environment says otherwise.
func (s *session) roomy() {
	if s.getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}

// logger writes to the standard error, as the node's settings have it.
func (s *session) logger() *slog.Logger {
	cfg, err := config.Load(s.dir, s.env)
	if err != nil {
		return slog.New(slog.DiscardHandler) // opening the node says it, with advice
	}
	o := &slog.HandlerOptions{Level: cfg.Level()}
	if s.verbose {
		o.Level = slog.LevelDebug
	}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.err, o))
	}
	return slog.New(slog.NewTextHandler(s.err, o))
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "the log cannot be served on %s", address)
	}
	return l, nil
}

// serveLog serves the log over plain HTTP until ctx ends.
func serveLog(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // what is read here can be asked for again
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fault.Wrap(err, fault.Unavailable, "", "the log's listener failed")
	}
	return nil
}
