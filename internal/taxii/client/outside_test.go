package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/mirror"
	"github.com/comity-exchange/comity/stix"
)

const root = "/api/"

const collection = root + "collections/9cb00a4f-0000-4000-8000-000000000001/"

// added is an object of a server, and when it was added.
type added struct {
	raw  string
	date string
}

// outside is a server that is scripted. Fields are set before it is asked, or with mu held.
type outside struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	objects  []added
	most     int                                                      // objects of a page, whatever is asked for
	next     bool                                                     // it gives next
	headers  bool                                                     // it gives X-TAXII-Date-Added-…
	manifest bool                                                     // it has one
	before   func(w http.ResponseWriter, r *http.Request, n int) bool // true: it has answered; n counts requests for objects from 1
	asked    []string                                                 // requests, path and parameters
	auth     []string
	tokens   map[string]int // next → how many objects were given
}

var epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func date(micros int) string {
	return epoch.Add(time.Duration(micros) * time.Microsecond).Format("2006-01-02T15:04:05.000000Z")
}

func indicator(n int) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-11-01T00:00:00.000Z","modified":"2026-11-01T00:00:00.000Z","pattern":"[domain-name:value = 'host%d.example']","pattern_type":"stix","valid_from":"2026-11-01T00:00:00Z"}`, n, n)
}

// newOutside makes a server as the standard has it, with n objects, a microsecond after each other.
func newOutside(t *testing.T, n int) *outside {
	t.Helper()
	o := &outside{t: t, most: 1000, next: true, headers: true, manifest: true, tokens: map[string]int{}}
	for i := range n {
		o.objects = append(o.objects, added{indicator(i), date(i)})
	}
	o.server = httptest.NewServer(o)
	t.Cleanup(o.server.Close)
	return o
}

func (o *outside) requests() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

// ServeHTTP implements http.Handler.
func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.asked, o.auth = append(o.asked, r.URL.RequestURI()), append(o.auth, r.Header.Get("Authorization"))
	before, n := o.before, len(o.asked)
	o.mu.Unlock()
	if before != nil && before(w, r, n) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
	what, ok := strings.CutPrefix(r.URL.Path, collection)
	if !ok || what != "objects/" && (what != "manifest/" || !o.manifest) {
		http.Error(w, `{"title":"Not Found"}`, http.StatusNotFound)
		return
	}
	o.page(w, r, what)
}

func (o *outside) page(w http.ResponseWriter, r *http.Request, what string) {
	q := r.URL.Query()
	var fit []added
	for _, a := range o.objects {
		if after := q.Get("added_after"); after != "" && compare(a.date, after) <= 0 {
			continue
		}
		if ids := q.Get("match[id]"); ids != "" && !slices.ContainsFunc(strings.Split(ids, ","), func(id string) bool { return strings.Contains(a.raw, `"id":"`+id+`"`) }) {
			continue
		}
		fit = append(fit, a)
	}
	if token := q.Get("next"); token != "" {
		given, known := o.tokens[token]
		if !known {
			http.Error(w, `{"title":"Bad Request"}`, http.StatusBadRequest)
			return
		}
		fit = fit[min(given, len(fit)):]
	}
	limit := o.most
	if n, err := strconv.Atoi(q.Get("limit")); err == nil {
		limit = min(limit, n)
	}
	more := len(fit) > limit
	fit = fit[:min(limit, len(fit))]
	var parts []string
	for _, a := range fit {
		if what == "manifest/" {
			p, _ := stix.Parse([]byte(a.raw))
			parts = append(parts, fmt.Sprintf(`{"id":"%s","date_added":"%s","version":"%s"}`, p.ID, a.date, a.date))
			continue
		}
		parts = append(parts, a.raw)
	}
	if o.headers && len(fit) > 0 {
		w.Header().Set("X-TAXII-Date-Added-First", fit[0].date)
		w.Header().Set("X-TAXII-Date-Added-Last", fit[len(fit)-1].date)
	}
	body := `{"more":` + strconv.FormatBool(more)
	if more && o.next {
		given := o.tokens[q.Get("next")] + len(fit)
		token := fmt.Sprintf("n%d", len(o.tokens))
		o.tokens[token] = given
		body += `,"next":"` + token + `"`
	}
	if len(parts) > 0 {
		body += `,"objects":[` + strings.Join(parts, ",") + `]`
	}
	fmt.Fprint(w, body+"}")
}

// inside is a node as far as a round knows of it: what it has been given, and the cursor. It takes the same object once, as an import does.
type inside struct {
	t       *testing.T
	o       *outside
	bounds  mirror.Bounds
	user    string
	secret  config.Secret
	now     time.Time
	cursor  string
	has     map[string]bool
	order   []string
	doubles int
	broken  int
	die     int // after so many objects the process is gone; 0: never
}

func newInside(t *testing.T, o *outside) *inside {
	t.Helper()
	return &inside{t: t, o: o, has: map[string]bool{}, now: epoch.Add(24 * time.Hour)}
}

var errDead = fault.New(fault.Internal, "", "killed")

// take commits what came, all or nothing of it, as far as it came.
func (n *inside) take(_ context.Context, items iter.Seq2[stix.Item, error]) (tally mirror.Tally, err error) {
	var fresh []string
	seen := map[string]bool{}
	for item, failed := range items {
		switch {
		case failed != nil:
			err = failed
		case item.Object == nil:
			tally.Refuse(mirror.Refusal{Reason: fault.Show(item.Err)})
			n.broken++
		case n.has[item.Object.Raw] || seen[item.Object.Raw]:
			tally.Duplicates++
			n.doubles++
		default:
			if n.die--; n.die == 0 {
				return tally, errDead
			}
			seen[item.Object.Raw] = true
			fresh = append(fresh, item.Object.Raw)
			tally.Taken++
		}
	}
	for _, raw := range fresh {
		n.has[raw] = true
		n.order = append(n.order, raw)
	}
	return tally, err
}

// run makes a run.
func (n *inside) run() (more bool, err error) {
	n.t.Helper()
	site, err := mirror.NewSite(n.o.server.URL+collection, n.user, n.secret, nil, n.bounds)
	if err != nil {
		n.t.Fatal(err)
	}
	origin := NewOrigin(site, Options{Now: func() time.Time { return n.now }})
	defer origin.Close()
	r := mirror.Round{Origin: origin, Cursor: n.cursor, Take: n.take, Note: func(_ context.Context, s mirror.Step) error {
		n.cursor = s.Cursor
		return nil
	}}
	return r.Run(n.t.Context())
}

// wholly makes a run that must do, and wants all that there is to be here, once each.
func (n *inside) wholly() {
	n.t.Helper()
	if more, err := n.run(); err != nil || more {
		n.t.Fatalf("more %v: %v", more, err)
	}
	n.holds()
}

func (n *inside) holds() {
	n.t.Helper()
	n.o.mu.Lock()
	defer n.o.mu.Unlock()
	lost := 0
	for _, a := range n.o.objects {
		if !n.has[a.raw] {
			lost++
		}
	}
	if lost > 0 || len(n.order) != len(n.has) {
		n.t.Errorf("%d of %d objects are not here, %d came twice", lost, len(n.o.objects), len(n.order)-len(n.has))
	}
}
