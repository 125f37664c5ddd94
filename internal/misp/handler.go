package misp

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/gate"
	"github.com/comity-exchange/comity/internal/node"
)

// Options are what a caller may set.
type Options = gate.Options

// Where it is, and how much there may be of what.
const (
	Root       = "/misp/"
	maxContent = 50 << 20 // bytes of an event that is pushed: no more than MISP 2.5 takes itself as its installer sets it up (post_max_size)
	maxAsked   = 1 << 20  // of a question
	maxParts   = 64       // of a path
)

// server is what handlers share.
type server struct {
	node   *node.Node
	gate   *gate.Gate
	keeper *keeper
	lists  lists
	sums   sums
	room   *room

	searching time.Duration // for how long one search looks
}

// call is one request of somebody who was let in.
type call struct {
	*server
	w http.ResponseWriter
	r *http.Request
	gate.Caller
	source string              // that the address names; "": none
	at     []string            // of the path what names a thing: an id, a context
	args   map[string][]string // of the path what is written name:value
	ends   []func()            // what is done when it is answered
	read   bool                // the body was read to its end
}

// hasRead tells whether nothing of the body is left.
func (c *call) hasRead() bool { return c != nil && (c.read || c.r != nil && c.r.ContentLength == 0) }

// after has something done once the call is answered.
func (c *call) after(end func()) { c.ends = append(c.ends, end) }

func (c *call) over() {
	for _, end := range c.ends {
		end()
	}
}

// action is what is done for a path.
type action struct {
	methods []string // HEAD is where GET is
	names   int      // parts of the path behind the action, at most
	do      func(*call) error
}

// actions are by controller and action, as MISP calls them.
func actions() map[string]action {
	get, post := []string{http.MethodGet}, []string{http.MethodPost}
	both := []string{http.MethodGet, http.MethodPost}
	return map[string]action{
		"servers/getVersion":       {get, 0, version},
		"servers/getPyMISPVersion": {get, 0, pyVersion},
		"servers/postTest":         {post, 0, postTest},
		"users/view":               {get, 1, me},
		"events/index":             {both, 0, index},
		"events/view":              {both, 1, view},
		"events/restSearch":        {both, 1, searchEvents},
		"attributes/restSearch":    {both, 1, searchAttributes},
		"shadow_attributes/index":  {get, 0, none},

		"events/filterEventIdsForPush":         {post, 0, wanted},
		"events/add":                           {post, 0, add},
		"events/edit":                          {post, 1, edit},
		"sightings/restSearch":                 {post, 1, searchSightings},
		"sightings/filterSightingUuidsForPush": {post, 1, filterSightings},
		"sightings/bulkSaveSightings":          {post, 1, saveSightings},

		"events/delete":     {post, 1, notHere},
		"events/unpublish":  {post, 1, notHere},
		"attributes/add":    {post, 1, notHere},
		"attributes/edit":   {post, 1, notHere},
		"attributes/delete": {post, 2, notHere},
	}
}

// Handler serves MISP's interfaces under Root. What it looks through for all who ask it looks through until life ends.
func Handler(life context.Context, n *node.Node, o Options) http.Handler {
	return newServer(life, n, o).handler()
}

func newServer(life context.Context, n *node.Node, o Options) *server {
	s := &server{node: n, room: newRoom(), searching: maxSearching, keeper: &keeper{life: life, from: n.Catalogue, names: n.EveryCollection, patience: patience}}
	s.gate = gate.New(n, o, gate.Face{
		Name: "MISP", Part: "misp", How: "as Authorization: comity_token_…; a feed takes it as the password of HTTP Basic, too", Token: token, Fail: fail,
	})
	return s
}

func (s *server) handler() http.Handler {
	all := actions()
	return s.gate.Guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, feedRoot) {
			s.feeds(w, r)
			return
		}
		who, ok := s.gate.Signed(w, r)
		if !ok {
			return
		}
		do, c, err := s.find(all, w, r)
		if err == nil {
			c.Caller, c.r = who, r.WithContext(who.Ctx)
			defer c.over()
			err = do(c)
		}
		if err != nil {
			if !c.hasRead() {
				w.Header().Set("Connection", "close") // otherwise the server waits for what nobody wants
			}
			s.gate.Failed(r.Context(), w, r, err)
		}
	}))
}

// find is what a path asks for.
func (s *server) find(all map[string]action, w http.ResponseWriter, r *http.Request) (func(*call) error, *call, error) {
	c := &call{server: s, w: w, r: r, args: map[string][]string{}}
	parts := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, Root), "/"), "/")
	if len(parts) > maxParts {
		return nil, nil, fault.New(fault.TooLarge, "", "a path has at most %d parts", maxParts)
	}
	if len(parts) > 1 && parts[0] == "source" {
		c.source, parts = parts[1], parts[2:]
	}
	if len(parts) == 0 {
		return nil, nil, nothing()
	}
	parts[len(parts)-1] = strings.TrimSuffix(parts[len(parts)-1], ".json")
	var names []string
	for _, p := range parts {
		if name, value, named := strings.Cut(p, ":"); named {
			name = strings.TrimSuffix(name, "[]")
			c.args[name] = append(c.args[name], value)
			continue
		}
		names = append(names, p)
	}
	if len(names) == 1 { // /events is /events/index
		names = append(names, "index")
	}
	if len(names) < 2 {
		return nil, nil, nothing()
	}
	found, ok := all[names[0]+"/"+names[1]]
	if c.at = names[2:]; !ok || len(c.at) > found.names {
		return nil, nil, nothing()
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if method == http.MethodPut && slices.Contains(found.methods, http.MethodPost) {
		method = http.MethodPost // PyMISP's older versions put what they change
	}
	if !slices.Contains(found.methods, method) {
		w.Header().Set("Allow", strings.Join(found.methods, ", "))
		return func(c *call) error {
			write(c.w, http.StatusMethodNotAllowed, problemOf(c.r, "this is asked for by "+strings.Join(found.methods, " or ")))
			return nil
		}, c, nil
	}
	return found.do, c, nil
}

func nothing() error {
	return fault.New(fault.NotFound, "", "there is nothing here by this path: docs/misp.md lists what there is")
}

// token is what a request shows: MISP sends its key bare, or under a name of its own where a proxy wants the usual one for itself. A feed's user and password come as Basic.
func token(r *http.Request) (auth.Secret, bool) {
	given := r.Header.Values("Authorization")
	if own := r.Header.Values("X-MISP-AUTH"); len(own) == 1 {
		given = own
	}
	if len(given) != 1 {
		return auth.Secret{}, false
	}
	if key := strings.TrimSpace(given[0]); key != "" && !strings.Contains(key, " ") {
		return auth.Typed(key), true
	}
	return gate.Token(r)
}

// ctx is in which what is done is done by the token's officer.
func (c *call) ctx() context.Context { return c.r.Context() }
