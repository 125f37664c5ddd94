package httpapi

import (
	"context"
	"crypto/rand"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/gate"
	"github.com/comity-exchange/comity/internal/node"
)

// Options are what a caller may set. The zero value asks for a token.
type Options struct {
	// Open lets whoever calls act as the operator while the node has no officers: for tests and a demonstration on one machine. Once it has officers, it does nothing.
	Open bool
	// Rate is how many requests a second a token may make in the long run, Burst how many at once. Zero: 50 and 200.
	Rate, Burst int
	// Link is where a one-time link leads, for whoever asks for one; nil: its secret alone is told.
	Link func(auth.Secret) string
	// Version is the program's, for the description.
	Version string
}

const (
	prefix          = "/api"
	descriptionPath = prefix + "/openapi.json"
	docsPath        = prefix + "/docs"
)

// api is what operations share.
type api struct {
	node *node.Node
	huma huma.API
	opt  Options
	own  string // names this process among those that keep answers

	limits  *auth.Limiter
	proxies auth.Proxies
	flights *flights
}

// Handler serves the API of a node under /api/.
func Handler(n *node.Node, o Options) http.Handler {
	if o.Rate == 0 {
		o.Rate = 50
	}
	if o.Burst == 0 {
		o.Burst = 200
	}
	a := &api{node: n, opt: o, own: rand.Text(), limits: auth.NewLimiter(o.Burst, time.Second/time.Duration(o.Rate), maxBuckets, n.Now), proxies: auth.ParseProxies(n.Config.WebProxies), flights: newFlights()}
	mux := http.NewServeMux()
	a.huma = humago.New(mux, config(o.Version))
	a.register()
	described := describe(a.huma.OpenAPI())
	mux.HandleFunc("GET "+descriptionPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(described) // nobody is there to be told
	})
	mux.HandleFunc("GET "+docsPath, reader(a.huma.OpenAPI()))
	return a.guarded(a.signed(a.once(a.routed(mux))))
}

// routed answers with a problem what no operation is for.
func (a *api) routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" && !redirects(r.URL.Path) {
			mux.ServeHTTP(w, r) // sets the values of the path
			return
		}
		probe := &recorder{header: http.Header{}}
		h.ServeHTTP(probe, r)
		p := problemOf(fault.New(fault.NotFound, "", "there is no such operation: %s lists them", docsPath))
		if probe.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", probe.header.Get("Allow"))
			p.as(probe.status, fault.Usage).Detail = "this path has no such method"
		}
		p.write(w)
	})
}

// redirects tells a path for which a ServeMux would answer with a page that leads elsewhere.
func redirects(at string) bool {
	clean := path.Clean(at)
	return clean != strings.TrimSuffix(at, "/")
}

// guarded sets what every answer has, and turns a panic into a problem.
func (a *api) guarded(next http.Handler) http.Handler {
	next = gate.Recovering(next, func(r *http.Request, panicked any, stack string) {
		a.node.Log.ErrorContext(r.Context(), "a request to the API failed", "component", "api", "panic", panicked, "stack", stack)
	}, func(w http.ResponseWriter, _ *http.Request) {
		problemOf(fault.New(fault.Internal, "", "internal error")).write(w)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// caller is whoever makes a request.
type caller struct {
	actor  auth.Actor
	secret bool // the answer holds a secret
	unsure bool // what came of it is not known
}

type callerKey struct{}

func callerOf(ctx context.Context) *caller {
	c, _ := ctx.Value(callerKey{}).(*caller)
	return c
}

// signed lets in whoever shows a token that is good. Only the description is for everybody.
func (a *api) signed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == descriptionPath || r.URL.Path == docsPath {
			next.ServeHTTP(w, r)
			return
		}
		actor, ctx, err := a.claim(r)
		if err != nil {
			if fault.CodeOf(err) != fault.Denied {
				problemOf(err).write(w)
				return
			}
			if wait := a.limits.Take("from " + a.proxies.Client(r.RemoteAddr, r.Header.Values("X-Forwarded-For"))); wait > 0 {
				tooMany(w, wait)
				return
			}
			challenge := `Bearer realm="comity"`
			if r.Header.Get("Authorization") != "" {
				challenge += `, error="invalid_token"`
			}
			w.Header().Set("WWW-Authenticate", challenge)
			problemOf(err).as(http.StatusUnauthorized, fault.Denied).write(w)
			return
		}
		if wait := a.limits.Take("token " + actor.Token); wait > 0 {
			tooMany(w, wait)
			return
		}
		if err := a.node.NoteUse(ctx); err != nil {
			problemOf(err).write(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, callerKey{}, &caller{actor: actor})))
	})
}

// claim finds out whose a request is. Error: fault.Denied.
func (a *api) claim(r *http.Request) (auth.Actor, context.Context, error) {
	ctx := r.Context()
	given := r.Header.Get("Authorization")
	if given == "" {
		if a.opt.Open {
			if staffed, err := a.node.Staffed(ctx); err != nil || !staffed {
				ctx = auth.With(ctx, auth.Claim{})
				return auth.Operator(), ctx, err
			}
		}
		return auth.Actor{}, ctx, fault.New(fault.Denied, "", "show a token: Authorization: Bearer comity_token_…; an administrator makes one with comity token make")
	}
	scheme, token, _ := strings.Cut(given, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) == "" || len(r.Header.Values("Authorization")) > 1 {
		return auth.Actor{}, ctx, fault.New(fault.Denied, "", "a token is shown as Authorization: Bearer comity_token_…")
	}
	ctx = auth.With(ctx, auth.Claim{Token: auth.Typed(token)})
	actor, err := a.node.Whoami(ctx)
	return actor, ctx, err
}

// maxBuckets bounds how many callers are counted at once.
const maxBuckets = 10_000

func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", seconds(wait))
	problemOf(fault.New(fault.Quota, "", "too many requests: wait %s seconds", seconds(wait))).write(w)
}

// seconds writes a time in whole seconds, at least one.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}
