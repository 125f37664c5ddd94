package taxii

import (
	"net/http"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/gate"
	"github.com/comity-exchange/comity/internal/node"
)

// Options are what a caller may set.
type Options = gate.Options

// Where it is, and how much a request may have.
const (
	Root       = "/taxii2/"
	apiRoot    = Root + "api/"
	maxContent = 100 << 20
)

// server is what handlers share.
type server struct {
	node        *node.Node
	gate        *gate.Gate
	collections collections
}

// call is one request of somebody who was let in.
type call struct {
	*server
	w http.ResponseWriter
	r *http.Request
	gate.Caller
}

type action func(*call) error

// Handler serves TAXII 2.1 under Root.
func Handler(n *node.Node, o Options) http.Handler {
	s := &server{node: n, gate: gate.New(n, o, gate.Face{
		Name: "TAXII", Part: "taxii", How: "as the password of HTTP Basic, or as Authorization: Bearer comity_token_…", Token: gate.Token,
		Fail: func(w http.ResponseWriter, _ *http.Request, status int, failed error) { failAs(w, status, failed) },
	})}
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
	return s.gate.Guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		who, ok := s.gate.Signed(w, r)
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
				why = "objects are not deleted one by one: post a version that is revoked, or have the statement that brought it recalled or erased at the desk"
			}
			write(w, http.StatusMethodNotAllowed, problem{Title: http.StatusText(http.StatusMethodNotAllowed), Description: why, Code: fault.Usage})
			return
		}
		if !accepts(r.Header.Values("Accept")) {
			write(w, http.StatusNotAcceptable, problem{Title: http.StatusText(http.StatusNotAcceptable), Description: "what is answered is " + mediaType, Code: fault.Usage})
			return
		}
		var p *packing
		if asksPacked(r.Header.Values("Accept-Encoding")) {
			p = &packing{ResponseWriter: w, head: r.Method == http.MethodHead}
			w = p
		}
		c := &call{server: s, w: w, r: r.WithContext(who.Ctx), Caller: who}
		if err := do(c); err != nil {
			s.gate.Failed(r.Context(), w, r, err)
		}
		if p != nil {
			p.close() // not after a panic: what is cut short must not look whole
		}
	})
}
