package taxii

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// house is a node with officers and a source, and its TAXII server.
type house struct {
	t      *testing.T
	f      *fedtest.Federation
	xa     *fedtest.Party
	server *httptest.Server
	tokens map[string]string
	ctx    context.Context // in which the analyst acts
	source thread.ID
}

// newHouse makes one. ana gathers, aud may not read what was said, root keeps the officers.
func newHouse(t *testing.T, o Options) *house {
	t.Helper()
	f := fedtest.New(t, "XA")
	h := &house{t: t, f: f, xa: f.At("XA"), tokens: map[string]string{}}
	h.must(h.xa.AddOfficer(t.Context(), auth.Person{ID: "root", Name: "Administrator", Roles: []auth.Role{auth.Administrator}}))
	root := h.token(t.Context(), "root")
	for id, roles := range map[string][]auth.Role{"ana": {auth.Analyst}, "other": {auth.Analyst}} {
		h.must(h.xa.AddOfficer(root, auth.Person{ID: id, Name: "Officer " + id, Roles: roles}))
	}
	h.token(root, "other")
	h.ctx = h.token(root, "ana")
	h.source = h.opens("sensors", marking.Green)
	if o.Burst == 0 {
		o.Burst = 1_000_000
	}
	h.serve(o)
	return h
}

// serve serves TAXII over TLS, instead of what was served before.
func (h *house) serve(o Options) {
	if h.server != nil {
		h.server.Close()
	}
	h.server = httptest.NewTLSServer(Handler(h.xa.Node, o))
	h.t.Cleanup(h.server.Close)
}

func (h *house) token(ctx context.Context, officer string) context.Context {
	h.t.Helper()
	secret, err := h.xa.MakeToken(ctx, officer, nil, statement.TimeOf(h.f.Clock.Now().Add(30*24*time.Hour)))
	h.must(err)
	h.tokens[officer] = secret.Reveal()
	return auth.With(h.t.Context(), auth.Claim{Token: secret})
}

func (h *house) opens(name string, m marking.TLP) thread.ID {
	h.t.Helper()
	id, err := h.xa.OpenSource(h.ctx, intel.Source{Name: name, Format: "stix"}, marking.Marking{TLP: m}, statement.By{})
	h.must(err)
	return id
}

// adds imports objects into a source at the desk.
func (h *house) adds(source thread.ID, m marking.TLP, objects ...string) {
	h.t.Helper()
	r := stix.NewReader(strings.NewReader(strings.Join(objects, "\n")), stix.Limits{})
	_, err := h.xa.Import(h.ctx, catalogue.Source{Thread: source, Marking: marking.Marking{TLP: m}}, r.All(), catalogue.ImportOptions{})
	h.must(err)
	h.must(h.xa.Catalogued(h.ctx))
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// answered is what came back.
type answered struct {
	status int
	header http.Header
	body   string
}

// resource is what any of the resources may have.
type resource struct {
	Title       string           `json:"title"`
	Default     string           `json:"default"`
	Roots       []string         `json:"api_roots"`
	Versions    []string         `json:"versions"`
	Max         int              `json:"max_content_length"`
	HTTPStatus  string           `json:"http_status"`
	ID          string           `json:"id"`
	CanWrite    bool             `json:"can_write"`
	Collections []resource       `json:"collections"`
	More        bool             `json:"more"`
	Next        string           `json:"next"`
	Objects     []map[string]any `json:"objects"`
	Status      string           `json:"status"`
	Total       int              `json:"total_count"`
	Success     int              `json:"success_count"`
	Failure     *int             `json:"failure_count"`
	Pending     *int             `json:"pending_count"`
	Successes   []detail         `json:"successes"`
	Failures    []detail         `json:"failures"`
	Rest        map[string]any   `json:",embed"`
}

func (a answered) read(t *testing.T) (r resource) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &r); err != nil {
		t.Fatalf("%v: %.300s", err, a.body)
	}
	return r
}

// ask makes a request as an officer, by HTTP Basic; "": without credentials. Headers are names and values.
func (h *house) ask(officer, method, path, body string, headers ...string) answered {
	h.t.Helper()
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, from)
	h.must(err)
	if officer != "" {
		r.SetBasicAuth("anybody", h.tokens[officer])
	}
	r.Header.Set("Accept", mediaType)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", mediaType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := h.server.Client().Transport.RoundTrip(r)
	h.must(err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	h.must(err)
	return answered{res.StatusCode, res.Header, string(raw)}
}

// gets wants an answer with a status to a GET of the analyst.
func (h *house) gets(status int, path string) answered {
	h.t.Helper()
	a := h.ask("ana", http.MethodGet, path, "")
	if a.status != status {
		h.t.Errorf("GET %s: %d, want %d: %.300s", path, a.status, status, a.body)
	}
	return a
}

// at is the path of a collection.
func (h *house) at(source thread.ID) string {
	id := allOf(h.xa.Code).ID
	if !source.IsZero() {
		id = collectionID(source)
	}
	return apiRoot + "collections/" + id + "/"
}

// names lists the names of objects.
func names(r resource) string {
	var out []string
	for _, o := range r.Objects {
		out = append(out, fmt.Sprint(o["name"]))
	}
	return strings.Join(out, " ")
}

const v1, v2, v3 = "2026-11-02T00:00:00.000Z", "2026-11-03T00:00:00.123456Z", "2026-11-04T00:00:00Z"

// indicator is STIX that looks for a domain.
func indicator(n int, name, version string, m marking.TLP) string {
	extra := ""
	if m != "" {
		extra = `,"object_marking_refs":["` + string(stix.TLPRef(m)) + `"]`
	}
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"%s","created":"2026-11-01T00:00:00.000Z","modified":"%s","name":"%s","pattern":"[domain-name:value = 'host%d.example']","pattern_type":"stix","valid_from":"2026-11-01T00:00:00Z"%s}`,
		indicatorID(n), version, name, n, extra)
}

func indicatorID(n int) string { return fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", n) }

func posted(objects ...string) string { return `{"objects":[` + strings.Join(objects, ",") + `]}` }
