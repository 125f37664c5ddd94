package taxii

import (
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
)

// Options are what a caller may set.
type Options struct {
	// Rate is how many requests a second a token may make in the long run, Burst how many at once. Zero: 50 and 200.
	Rate, Burst int
	// Max is the strictest marking of what tokens are good for; "": TLP:AMBER.
	Max marking.TLP
}

// Where it is, and how much a request may have.
const (
	Root       = "/taxii2/"
	apiRoot    = Root + "api/"
	maxContent = 100 << 20
)

// maxBuckets bounds how many callers are counted at once.
const maxBuckets = 10_000

// server is what handlers share.
type server struct {
	node        *node.Node
	opt         Options
	limits      *auth.Limiter
	proxies     auth.Proxies
	verdicts    verdicts
	collections collections
}

// call is one request of somebody who was let in.
type call struct {
	*server
	w http.ResponseWriter
	r *http.Request
	caller
}

type action func(*call) error

// Handler serves TAXII 2.1 under Root.
func Handler(n *node.Node, o Options) http.Handler {
	if o.Rate == 0 {
		o.Rate = 50
	}
	if o.Burst == 0 {
		o.Burst = 200
	}
	if o.Max == "" {
		o.Max = marking.Amber
	}
	s := &server{node: n, opt: o, limits: auth.NewLimiter(o.Burst, time.Second/time.Duration(o.Rate), maxBuckets, n.Now), proxies: auth.ParseProxies(n.Config.WebProxies)}
	mux := http.NewServeMux()
	const one = apiRoot + "collections/{collection}/"
	for path, methods := range map[string]map[string]action{
		Root:                               {http.MethodGet: discovery},
		apiRoot:                            {http.MethodGet: root},
		apiRoot + "status/{status}/":       {http.MethodGet: status},
		apiRoot + "collections/":           {http.MethodGet: list},
		one:                                {http.MethodGet: show},
		one + "manifest/":                  {http.MethodGet: manifest},
		one + "objects/":                   {http.MethodGet: objects, http.MethodPost: add},
		one + "objects/{object}/":          {http.MethodGet: object},
		one + "objects/{object}/versions/": {http.MethodGet: versions},
	} {
		mux.Handle(path+"{$}", s.resource(methods))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, fault.New(fault.NotFound, "", "there is no such resource: begin with %s", Root))
	})
	return s.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") { // TAXII 2.1, 1.6.1
			fail(w, fault.New(fault.NotFound, "", "every path here ends in /"))
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// resource does what a method asks for, for somebody who is let in and takes what is answered.
func (s *server) resource(methods map[string]action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := s.signed(w, r)
		if !ok {
			return
		}
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		do := methods[method]
		if do == nil {
			allow := "GET, HEAD"
			if methods[http.MethodPost] != nil {
				allow += ", POST"
			}
			w.Header().Set("Allow", allow)
			why := "this resource has no such method"
			if method == http.MethodDelete {
				why = "objects are not deleted here: the statement that brought one is recalled or erased at the desk"
			}
			write(w, http.StatusMethodNotAllowed, problem{Title: http.StatusText(http.StatusMethodNotAllowed), Description: why, Code: fault.Usage})
			return
		}
		if !accepts(r.Header.Values("Accept")) {
			write(w, http.StatusNotAcceptable, problem{Title: http.StatusText(http.StatusNotAcceptable), Description: "what is answered is " + mediaType, Code: fault.Usage})
			return
		}
		c := &call{server: s, w: w, r: r.WithContext(who.ctx), caller: who}
		err := do(c)
		if err == nil {
			return
		}
		if code := fault.CodeOf(err); fault.HTTP(code) >= http.StatusInternalServerError {
			s.node.Log.ErrorContext(r.Context(), "a TAXII request failed", "component", "taxii", "error", err)
		}
		fail(w, err)
	})
}

// guarded sets what every answer has, and turns a panic into an error.
func (s *server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		out := &begun{ResponseWriter: w}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			err, _ := v.(error)
			aborted := errors.Is(err, http.ErrAbortHandler)
			if !aborted {
				s.node.Log.ErrorContext(r.Context(), "a TAXII request failed", "component", "taxii", "panic", v, "stack", string(debug.Stack()))
			}
			if out.yes || aborted {
				panic(http.ErrAbortHandler) // the other side sees that it is cut short
			}
			fail(w, fault.New(fault.Internal, "", "internal error"))
		}()
		next.ServeHTTP(out, r)
	})
}

// begun tells whether an answer has begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

// WriteHeader implements http.ResponseWriter.
func (b *begun) WriteHeader(status int) {
	b.yes = true
	b.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }
