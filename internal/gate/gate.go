package gate

import (
	"context"
	"net/http"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
)

// Options are what a caller may set.
type Options struct {
	// Rate is how many requests a second a token may make in the long run, Burst how many at once. Zero: 1000 and 2000. Who shows no token that is good may make 50 and 200, or as many if these are fewer.
	Rate, Burst int
	// Max is the strictest marking of what tokens are good for; "": TLP:AMBER.
	Max marking.TLP
}

// maxBuckets bounds how many callers are counted at once.
const maxBuckets = 10_000

// Face is how a protocol words what all of them have. Each keeps partners' tokens within their limits where Viewer does not: which collections they see, and into which they bring objects.
type Face struct {
	Name  string                                                                 // of the protocol, for the diary
	Part  string                                                                 // of the node, likewise
	How   string                                                                 // a token is shown, after "show a token of this node"
	Token func(r *http.Request) (auth.Secret, bool)                              // what a request shows
	Fail  func(w http.ResponseWriter, r *http.Request, status int, failed error) // answers
}

// Gate lets in. It is safe for concurrent use.
type Gate struct {
	node     *node.Node
	opt      Options
	face     Face
	limits   *auth.Limiter // of tokens
	others   *auth.Limiter
	proxies  auth.Proxies
	verdicts verdicts
}

// New makes one.
func New(n *node.Node, o Options, f Face) *Gate {
	if o.Rate == 0 {
		o.Rate = 1000
	}
	if o.Burst == 0 {
		o.Burst = 2000
	}
	if o.Max == "" {
		o.Max = marking.Amber
	}
	limits := func(burst, rate int) *auth.Limiter {
		return auth.NewLimiter(burst, time.Second/time.Duration(rate), maxBuckets, n.Now)
	}
	return &Gate{node: n, opt: o, face: f, limits: limits(o.Burst, o.Rate), others: limits(min(o.Burst, 200), min(o.Rate, 50)), proxies: auth.ParseProxies(n.Config.WebProxies)}
}

// Failed answers with what went wrong, and notes it where it is the node's own fault: as a warning where it was asked for more than it can do now, which who asks can bring about.
func (g *Gate) Failed(ctx context.Context, w http.ResponseWriter, r *http.Request, err error) {
	switch code := fault.CodeOf(err); {
	case code == fault.Unavailable:
		g.node.Log.WarnContext(ctx, "a "+g.face.Name+" request is to be made again later", "component", g.face.Part, "error", err)
	case fault.HTTP(code) >= http.StatusInternalServerError:
		g.node.Log.ErrorContext(ctx, "a "+g.face.Name+" request failed", "component", g.face.Part, "error", err)
	}
	g.fail(w, r, err)
}

// Guarded sets what every answer has, and turns a panic into an error.
func (g *Gate) Guarded(next http.Handler) http.Handler {
	next = Recovering(next, func(r *http.Request, panicked any, stack string) {
		g.node.Log.ErrorContext(r.Context(), "a "+g.face.Name+" request failed", "component", g.face.Part, "panic", panicked, "stack", stack)
	}, func(w http.ResponseWriter, r *http.Request) {
		g.fail(w, r, fault.New(fault.Internal, "", "internal error"))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
