package misp

import (
	"context"
	"fmt"
	"io"
	"iter"
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
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

const get, post, head = http.MethodGet, http.MethodPost, http.MethodHead

// house is a node with officers and a source, and what it serves to MISP.
type house struct {
	t      *testing.T
	f      *fedtest.Federation
	xa     *fedtest.Party
	misp   *server
	server *httptest.Server
	tokens map[string]string
	ctx    context.Context // in which the analyst acts
	source thread.ID
}

// newHouse makes one. ana gathers, aud may not bring anything, root keeps the officers.
func newHouse(t *testing.T, o Options) *house {
	t.Helper()
	f := fedtest.New(t, "XA")
	h := &house{t: t, f: f, xa: f.At("XA"), tokens: map[string]string{}}
	h.must(h.xa.AddOfficer(t.Context(), auth.Person{ID: "root", Name: "Administrator", Roles: []auth.Role{auth.Administrator}}))
	root := h.token(t.Context(), "root")
	for id, roles := range map[string][]auth.Role{"ana": {auth.Analyst}, "aud": {auth.Auditor}, "rel": {auth.ReleasingOfficer}} {
		h.must(h.xa.AddOfficer(root, auth.Person{ID: id, Name: "Officer " + id, Roles: roles}))
	}
	h.token(root, "aud")
	h.token(root, "rel")
	h.ctx = h.token(root, "ana")
	h.source = h.opens("sensors", "stix", marking.Green)
	if o.Burst == 0 {
		o.Burst = 1_000_000
	}
	h.serve(o)
	return h
}

// serve serves over TLS, instead of what was served before.
func (h *house) serve(o Options) {
	if h.server != nil {
		h.server.Close()
	}
	h.misp = newServer(h.t.Context(), h.xa.Node, o)
	h.server = httptest.NewTLSServer(h.misp.handler())
	h.t.Cleanup(h.server.Close)
}

func (h *house) token(ctx context.Context, officer string) context.Context {
	h.t.Helper()
	secret, err := h.xa.MakeToken(ctx, officer, nil, statement.TimeOf(h.f.Clock.Now().Add(30*24*time.Hour)))
	h.must(err)
	h.tokens[officer] = secret.Reveal()
	return auth.With(h.t.Context(), auth.Claim{Token: secret})
}

func (h *house) opens(name, format string, m marking.TLP) thread.ID {
	h.t.Helper()
	id, err := h.xa.OpenSource(h.ctx, intel.Source{Name: name, Format: format, Own: true}, marking.Marking{TLP: m}, statement.By{})
	h.must(err)
	return id
}

// adds imports objects into a source at the desk.
func (h *house) adds(source thread.ID, m marking.TLP, objects ...string) catalogue.Report {
	h.t.Helper()
	r := stix.NewReader(strings.NewReader(strings.Join(objects, "\n")), stix.Limits{})
	report, err := h.xa.Import(h.ctx, catalogue.Source{Thread: source, Marking: marking.Marking{TLP: m}}, r.All(), catalogue.ImportOptions{})
	h.must(err)
	h.must(h.xa.Catalogued(h.ctx))
	return report
}

// brings imports an event of MISP's into a source at the desk.
func (h *house) brings(source thread.ID, m marking.TLP, event string) catalogue.Report {
	h.t.Helper()
	report, err := h.xa.Import(h.ctx, catalogue.Source{Thread: source, Marking: marking.Marking{TLP: m}}, misp.ItemsOf([]byte(event), misp.Mapping{}), catalogue.ImportOptions{})
	h.must(err)
	h.must(h.xa.Catalogued(h.ctx))
	return report
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

// read reads an answer.
func read[T any](t *testing.T, a answered) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v: %.300s", err, a.body)
	}
	return v
}

// ask makes a request as MISP 2.5 does, with an officer's token; "": without. Headers are names and values.
func (h *house) ask(officer, method, path, body string, headers ...string) answered {
	h.t.Helper()
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, from)
	h.must(err)
	if officer != "" {
		r.Header.Set("Authorization", h.tokens[officer])
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "MISP 2.5.17 - #0123456789abcdef0123456789abcdef01234567")
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

// gets wants an answer with a status to a GET of the analyst, posts to a POST.
func (h *house) gets(status int, path string, headers ...string) answered {
	h.t.Helper()
	return h.wants(status, h.ask("ana", get, path, "", headers...), path)
}

func (h *house) posts(status int, path, body string, headers ...string) answered {
	h.t.Helper()
	return h.wants(status, h.ask("ana", post, path, body, headers...), path)
}

func (h *house) wants(status int, a answered, path string) answered {
	h.t.Helper()
	if a.status != status {
		h.t.Errorf("%s: %d, want %d: %.400s", path, a.status, status, a.body)
	}
	return a
}

// wrapped is an event as it is answered.
type wrapped struct {
	Event misp.Event `json:"Event"`
}

// pull is what an instance does: the index, then each event that is newer than what it has.
func (h *house) pull(had map[string]string) (events map[string]misp.Event, requests int) {
	h.t.Helper()
	events = map[string]misp.Event{}
	rows := read[[]minimalRow](h.t, h.posts(200, "/misp/events/index", `{"minimal":1,"published":1}`, "If-None-Match", `""`))
	requests++
	for _, row := range rows {
		if had[row.UUID] >= row.Timestamp {
			continue
		}
		a := h.gets(200, "/misp/events/view/"+row.UUID+pullArgs)
		requests++
		events[row.UUID] = read[wrapped](h.t, a).Event
		had[row.UUID] = row.Timestamp
	}
	return events, requests
}

// pullArgs are what an instance says behind an event that it pulls.
const pullArgs = "/deleted[]:0/deleted[]:1/excludeGalaxy:1/includeEventCorrelations:0/includeFeedCorrelations:0/includeWarninglistHits:0/excludeLocalTags:1"

// values are those of an event's attributes, sorted as they come.
func values(e misp.Event) string {
	var out []string
	for a := range e.All() {
		if a.Type != "attachment" {
			out = append(out, string(a.Value))
		}
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

// anEvent is one of MISP's: of XB's, with a label.
func anEvent(n int, info, stamp, tlp string, attributes ...string) string {
	tag := ""
	if tlp != "" {
		tag = `,"Tag":[{"name":"` + tlp + `","colour":"#ffffff"}]`
	}
	return fmt.Sprintf(`{"Event":{"id":"%d","orgc_id":"5","org_id":"1","date":"2026-11-19","threat_level_id":"2","info":"%s","published":true,"uuid":"%s","attribute_count":"%d","analysis":"1","timestamp":"%s","distribution":"2","publish_timestamp":"0","sharing_group_id":"0","Orgc":{"id":"5","name":"XB.cert","uuid":"5e1d7f3a-3c4b-4c6e-9d0a-0123456789ab"}%s,"Attribute":[%s]}}`,
		n, info, eventUUID(n), len(attributes), stamp, tag, strings.Join(attributes, ","))
}

func eventUUID(n int) string     { return fmt.Sprintf("11111111-0000-4000-8000-%012d", n) }
func attributeUUID(n int) string { return fmt.Sprintf("22222222-0000-4000-8000-%012d", n) }

// attribute is one of an event's.
func attribute(n int, kind, value, tlp string) string {
	tag := ""
	if tlp != "" {
		tag = `,"Tag":[{"name":"` + tlp + `"}]`
	}
	return fmt.Sprintf(`{"id":"%d","type":"%s","category":"Network activity","to_ids":true,"uuid":"%s","event_id":"1","distribution":"5","timestamp":"1795000000","comment":"","sharing_group_id":"0","deleted":false,"disable_correlation":false,"value":"%s"%s}`,
		n, kind, attributeUUID(n), value, tag)
}

func sourceOf(in thread.ID, m marking.Marking) catalogue.Source {
	return catalogue.Source{Thread: in, Marking: m}
}

func itemsFrom(objects ...string) iter.Seq2[stix.Item, error] {
	return stix.NewReader(strings.NewReader(strings.Join(objects, "\n")), stix.Limits{}).All()
}

func noOptions() catalogue.ImportOptions { return catalogue.ImportOptions{} }
