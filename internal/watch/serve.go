package watch

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/comity-exchange/comity/fault"
)

// maxScrapes is how many scrapes are answered at once; more get 503.
const maxScrapes = 4

// Handler serves /healthz, /readyz and, where metrics are kept, /metrics. Nothing of it is a secret, and nothing of it is meant for the world.
func (w *Watch) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) {
		v := w.health.alive(time.Now())
		answer(out, v.Alive, v)
	})
	mux.HandleFunc("GET /readyz", func(out http.ResponseWriter, r *http.Request) {
		report := w.health.ready(r.Context())
		answer(out, report.Ready, report)
	})
	if w.meters != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(w.meters.registry, promhttp.HandlerOpts{
			ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes,
			Timeout: 10 * time.Second,
		}))
	}
	return mux
}

// answer writes a document: 200 when all is well, else 503.
func answer(w http.ResponseWriter, well bool, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		raw, well = []byte("{}"), false
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !well {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(raw, '\n')) // who asked is gone if this fails
}

// Serve serves Handler on l until ctx ends.
func (w *Watch) Serve(ctx context.Context, l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		w.log.Warn("health and metrics are served beyond this machine, without a lock", "address", a.String())
	}
	server := &http.Server{
		Handler: w.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // what is read here can be asked for again
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fault.Wrap(err, fault.Unavailable, "", "the listener for health and metrics failed")
	}
	return nil
}
