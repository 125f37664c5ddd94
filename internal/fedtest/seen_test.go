package fedtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/taxii"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// word is a version of an object as a head brought it, in view of a feed.
type word struct {
	feed thread.ID
	head statement.ID
	key  string // see modelled.key
}

// sight is a federation in which XA gathers, gets and offers intelligence under agreements of every kind, and the model of what XA has.
type sight struct {
	f          *Federation
	xa, xb, xc *Party
	ctx        context.Context // in which XA's officer acts
	token      string
	agreed     []agreement.ID
	sources    []thread.ID
	marks      []marking.TLP // of the sources
	shared     thread.ID     // what XA gave XB and XC, who tell of sightings in it
	feeds      map[thread.ID]*Party
	model      model
	fed        map[thread.ID]map[string]bool // versions that belong to a feed and may pass
	looked     map[statement.ID]bool         // whose objects were offered to the feeds
	went       map[word]bool                 // what belonged to a feed when it came, and has since
	served     map[marking.TLP]http.Handler
	n          int
}

// pact is an agreement under which intelligence passes; onward is what its article says of passing on, "": nothing.
func pact(title, onward string, top marking.TLP, codes ...string) string {
	if onward != "" {
		onward = `"onward":"` + onward + `",`
	}
	return `{"v":1,"title":{"en":"` + title + `"},"parties":["` + strings.Join(codes, `","`) + `"],"languages":["en"],"in_force":{"when":"all"},"articles":[
{"number":"1","title":{"en":"Feeds"},"text":{"en":"Intelligence passes."},` + onward + `"rules":[{"effect":"permit","kinds":["intel.*"],"tlp_max":"` + string(top) + `"}]}]}`
}

func newSight(t *testing.T) *sight {
	f := New(t, "XA", "XB", "XC")
	s := &sight{
		f: f, xa: f.At("XA"), xb: f.At("XB"), xc: f.At("XC"), ctx: t.Context(), model: model{self: "XA", terms: map[agreement.ID]terms{}},
		feeds: map[thread.ID]*Party{}, fed: map[thread.ID]map[string]bool{}, looked: map[statement.ID]bool{}, went: map[word]bool{}, served: map[marking.TLP]http.Handler{},
	}
	for _, a := range []struct {
		onward string
		top    marking.TLP
		codes  []string
	}{{"", marking.Red, []string{"XA", "XB", "XC"}}, {"parties", marking.Red, []string{"XA", "XB"}}, {"parties", marking.Amber, []string{"XA", "XB", "XC"}}, {"none", marking.Red, []string{"XA", "XC"}}, {"free", marking.Red, []string{"XA", "XB"}}} {
		id := f.Agree(pact(fmt.Sprintf("Agreement %d", len(s.agreed)), a.onward, a.top, a.codes...), "XA")
		said := terms{onward: a.onward}
		for _, c := range a.codes {
			said.parties = append(said.parties, party.Code(c))
		}
		s.model.terms[id], s.agreed = said, append(s.agreed, id)
	}
	for i, m := range []marking.TLP{marking.Clear, marking.Green, marking.Green, marking.Red} {
		id, err := s.xa.OpenSource(s.ctx, intel.Source{Name: fmt.Sprintf("source-%d", i), Format: "stix", Own: i > 1}, marking.Marking{TLP: m}, s.xa.By("analyst", "one"))
		f.must(err)
		s.sources, s.marks = append(s.sources, id), append(s.marks, m)
	}
	said := s.shares(s.xa, s.agreed[2], marking.Marking{TLP: marking.Green}, []party.Code{"XB", "XC"}, s.draw(1, "", "v1"))
	s.xb.Has(said)
	s.xc.Has(said)
	s.shared = said
	for _, to := range []*Party{s.xb, s.xc} {
		feed := s.xa.offers(s.agreed[2], to, intel.Offer{Feed: "all", Types: []string{"indicator", "malware"}, Purpose: "defence"}) // DEC-8: without a purpose no personal data would go
		s.feeds[feed], s.fed[feed] = to, map[string]bool{}
	}
	s.officers()
	for _, m := range marking.TLPs() {
		s.served[m] = taxii.Handler(s.xa.Node, taxii.Options{Max: m, Rate: 1_000_000, Burst: 1_000_000})
	}
	return s
}

// officers gives XA an officer, who acts from now on.
func (s *sight) officers() {
	s.f.must(s.xa.AddOfficer(s.ctx, auth.Person{ID: "root", Name: "Administrator", Roles: []auth.Role{auth.Administrator}}))
	token := func(ctx context.Context, id string) (string, context.Context) {
		secret, err := s.xa.MakeToken(ctx, id, nil, statement.TimeOf(s.f.Clock.Now().Add(30*24*time.Hour)))
		s.f.must(err)
		return secret.Reveal(), auth.With(s.f.T.Context(), auth.Claim{Token: secret})
	}
	_, root := token(s.ctx, "root")
	s.f.must(s.xa.AddOfficer(root, auth.Person{ID: "ana", Name: "Officer ana", Roles: []auth.Role{auth.Analyst, auth.DutyOfficer, auth.ReleasingOfficer}}))
	s.token, s.ctx = token(root, "ana")
}

func objectID(kind string, n int) stix.ID {
	return stix.ID(fmt.Sprintf("%s--00000000-0000-4000-8000-%012d", kind, n))
}

// draw is an object: one of some ids, in some version, under some marking.
func (s *sight) draw(id int, marked, version string) string {
	s.n++
	versions := map[string]string{"v1": "2026-01-02T00:00:00.000Z", "v2": "2026-01-03T00:00:00.123456Z", "v3": "2026-01-04T00:00:00.000Z"}
	head := func(kind string) string {
		return fmt.Sprintf(`{"type":"%s","spec_version":"2.1","id":"%s","created":"2026-01-01T00:00:00.000Z","modified":"%s","x_n":%d`, kind, objectID(kind, id), versions[version], s.n)
	}
	switch {
	case id <= 4:
		return head("indicator") + fmt.Sprintf(`,"name":"kettle %d","pattern":"[domain-name:value = 'host%d.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"%s}`, id, id, marked)
	case id == 5:
		return head("malware") + `,"name":"kettle loader","is_family":true` + marked + `}`
	case id == 6:
		return head("relationship") + fmt.Sprintf(`,"relationship_type":"indicates","source_ref":"%s","target_ref":"%s"%s}`, objectID("indicator", 1), objectID("malware", 5), marked)
	}
	return fmt.Sprintf(`{"type":"domain-name","spec_version":"2.1","id":"%s","value":"host%d.example","x_n":%d%s}`, objectID("domain-name", id), id-6, s.n, marked)
}

// drawn draws up to six objects, each of another id.
func (s *sight) drawn(t *rapid.T) (all []string) {
	ids := rapid.Permutation([]int{1, 2, 3, 4, 5, 6, 7, 8}).Draw(t, "ids")[:rapid.IntRange(1, 6).Draw(t, "objects")]
	for _, id := range ids {
		marks := []string{"", "", tlp(rapid.SampledFrom(marking.TLPs()).Draw(t, "label"))}
		marks = append(marks,
			fmt.Sprintf(`,"object_marking_refs":["%s"]`, stix.TLP1Ref(rapid.SampledFrom(marking.TLPs()).Draw(t, "label of TLP 1"))),
			fmt.Sprintf(`,"granular_markings":[{"marking_ref":"%s","selectors":["id"]}]`, stix.TLPRef(rapid.SampledFrom(marking.TLPs()).Draw(t, "granular label"))),
			fmt.Sprintf(`,"object_marking_refs":["%s"]`, objectID("marking-definition", 1)), // which nobody has
		)
		all = append(all, s.draw(id, rapid.SampledFrom(marks).Draw(t, "marking"), rapid.SampledFrom([]string{"v1", "v2", "v3"}).Draw(t, "version")))
	}
	return all
}

// shares lets a party give a parcel to others under an agreement.
func (s *sight) shares(p *Party, agreed agreement.ID, m marking.Marking, to []party.Code, lines ...string) statement.ID {
	said, err := s.saysParcel(p, exchange.Draft{To: to, Agreement: agreed, Kind: intel.KindShare, Marking: m, Precedence: statement.Routine, Track: statement.Technical}, intel.Share{Objects: int64(len(lines)), Purpose: "defence"}, lines)
	s.f.must(err)
	return said.ID
}

func (s *sight) saysParcel(p *Party, d exchange.Draft, facts any, lines []string) (exchange.Said, error) {
	raw, err := json.Marshal(facts)
	s.f.must(err)
	d.Facts, d.By = raw, p.By("duty-officer", "one")
	d.Blobs = []exchange.Attachment{{Name: "1.jsonl", Type: intel.ParcelType, Raw: []byte(strings.Join(lines, "\n") + "\n")}}
	ctx := s.f.T.Context()
	if p == s.xa {
		ctx = s.ctx
	}
	return p.Node.Say(ctx, d)
}

// gathers lets XA import objects, and holds the marking of what it says against that of the objects.
func (s *sight) gathers(t *rapid.T) {
	i := rapid.IntRange(0, len(s.sources)-1).Draw(t, "source")
	lines := s.drawn(t)
	from := catalogue.Source{Thread: s.sources[i], By: statement.By{Role: "analyst"}, Marking: marking.Marking{TLP: s.marks[i]}}
	_, err := s.xa.Import(s.ctx, from, stix.NewReader(strings.NewReader(strings.Join(lines, "\n")), stix.Limits{}).All(), catalogue.ImportOptions{})
	s.f.must(err)
}

// gets lets XB or XC give XA a parcel, or tell it of sightings, and waits until it has come.
func (s *sight) gets(t *rapid.T) {
	from := rapid.SampledFrom([]*Party{s.xb, s.xc}).Draw(t, "from")
	m := marking.Marking{TLP: rapid.SampledFrom(marking.TLPs()).Draw(t, "head")}
	if rapid.IntRange(0, 3).Draw(t, "handled") == 0 {
		m.Handling = []string{"no-onward"}
	}
	if rapid.IntRange(0, 3).Draw(t, "persons") == 0 {
		m.PersonalData, m.RetainUntil = marking.PersonalMinimised, "2027-01-01T00:00:00.000Z"
	}
	lines := s.drawn(t)
	var id statement.ID
	if rapid.IntRange(0, 2).Draw(t, "sighting") == 0 {
		m.TLP = min(m.TLP, marking.Amber) // by the alphabet: GREEN and RED become AMBER, as the agreement wants it
		said, err := s.saysParcel(from, exchange.Draft{Thread: s.shared, Kind: intel.KindSighting, Marking: m}, intel.Sighting{Objects: int64(len(lines)), Count: 1, Purpose: "defence"}, lines)
		s.f.must(err)
		id = said.ID
	} else {
		var may []agreement.ID
		for _, a := range s.agreed {
			if slices.Contains(s.model.terms[a].parties, from.Code) && (a != s.agreed[2] || m.TLP.Rank() <= marking.Amber.Rank()) {
				may = append(may, a)
			}
		}
		a := rapid.SampledFrom(may).Draw(t, "agreement")
		to := []party.Code{"XA"}
		if rest := s.model.terms[a].parties; len(rest) == 3 && rapid.Bool().Draw(t, "to all") {
			to = slices.DeleteFunc(slices.Clone(rest), func(c party.Code) bool { return c == from.Code })
		}
		id = s.shares(from, a, m, to, append(lines, `{"type":`, `[1]`)...)
	}
	s.xa.Has(id)
	s.xa.Until("the parcel has come", func() bool { return s.xa.kept(id, 0).Whole })
}

// erases lets XA destroy what came with a statement.
func (s *sight) erases(t *rapid.T) {
	if len(s.model.lines) < 20 {
		return
	}
	h := rapid.SampledFrom(s.model.lines).Draw(t, "erased").head
	if h.ID == s.shared {
		return
	}
	_, err := s.xa.Erase(s.ctx, []statement.ID{h.ID}, s.xa.By("duty-officer", "one"))
	s.f.must(err)
}

// settles waits until the catalogue has everything, and makes the model anew.
func (s *sight) settles() {
	s.f.T.Helper()
	s.f.must(s.xa.Catalogued(s.ctx))
	s.f.must(s.xa.Store.View(s.ctx, s.model.read))
	for i, l := range s.model.lines {
		// spec: INT-3
		if label, unknown := l.object.strictest(); l.head.From == "XA" && l.head.Kind == intel.KindImport && len(unknown) > 0 && l.head.Marking.TLP != marking.Red {
			s.f.T.Fatalf("%s is marked by who knows what, and went in under TLP:%s (%s)", l.object.ID, l.head.Marking.TLP, label)
		}
		if l.object.Type != "indicator" && l.object.Type != "malware" {
			continue
		}
		for feed, to := range s.feeds {
			w := word{feed, l.head.ID, l.object.key()}
			if !s.model.feeds(to.Code, i) {
				delete(s.went, w) // the feed may come to it only now, and does not come back
				continue
			}
			s.fed[feed][w.key] = true
			if !s.looked[l.head.ID] {
				s.went[w] = true
			}
		}
	}
	for _, l := range s.model.lines {
		s.looked[l.head.ID] = true
	}
}

// viewer draws who looks.
func viewer(t *rapid.T) catalogue.Viewer {
	return rapid.SampledFrom([]catalogue.Viewer{
		{Officer: true}, {Party: "XA", Max: marking.Clear}, {Party: "XA", Max: marking.Green}, {Party: "XA", Max: marking.Amber}, {Party: "XA", Max: marking.Red}, {Party: "XA.cert", Max: marking.Red},
		{Party: "XB", Max: marking.Amber}, {Party: "XB", Max: marking.Red}, {Party: "XC", Max: marking.Red}, {Party: "XD", Max: marking.Red}, {Party: exchange.Outside, Max: marking.Red}, {},
	}).Draw(t, "viewer")
}

// query draws what is asked for, as the catalogue and as TAXII have it.
func (s *sight) query(t *rapid.T) (q catalogue.Query, text string) {
	v := url.Values{}
	q.Limit = rapid.SampledFrom([]int{1, 2, 3, 7, 1000}).Draw(t, "limit")
	v.Set("limit", fmt.Sprint(q.Limit))
	set := func(field string, values ...string) { v.Set("match["+field+"]", strings.Join(values, ",")) }
	if rapid.IntRange(0, 2).Draw(t, "by id") == 0 {
		known := []stix.ID{objectID("indicator", 1), objectID("indicator", 2), objectID("malware", 5), objectID("domain-name", 7), objectID("indicator", 9)}
		q.IDs = rapid.SliceOfNDistinct(rapid.SampledFrom(known), 1, 4, rapid.ID).Draw(t, "ids")
		var ids []string
		for _, id := range q.IDs {
			ids = append(ids, string(id))
		}
		set("id", ids...)
	}
	if rapid.IntRange(0, 2).Draw(t, "by type") == 0 {
		q.Types = []stix.Type{rapid.SampledFrom([]stix.Type{"indicator", "relationship", "domain-name"}).Draw(t, "type"), "malware"}
		set("type", string(q.Types[0]), "malware")
	}
	if rapid.IntRange(0, 4).Draw(t, "by spec") == 0 {
		q.Specs = []string{rapid.SampledFrom([]string{"2.1", "2.0"}).Draw(t, "spec")}
		set("spec_version", q.Specs...)
	}
	switch rapid.IntRange(0, 5).Draw(t, "by version") {
	case 0:
		q.Versions.All = true
		set("version", "all")
	case 1:
		q.Versions.First = true
		set("version", "first")
	case 2:
		q.Versions.First, q.Versions.Last = true, true
		set("version", "first", "last")
	case 3:
		q.Versions.Exact, q.Versions.Last = []stix.Timestamp{"2026-01-03T00:00:00.123456Z"}, rapid.Bool().Draw(t, "and the last")
		if q.Versions.Last {
			set("version", "2026-01-03T00:00:00.123456Z", "last")
		} else {
			set("version", "2026-01-03T00:00:00.123456Z")
		}
	}
	return q, v.Encode()
}

// pages asks a catalogue for all pages of a query; wrong says what is wrong with them.
func (s *sight) pages(c *catalogue.Catalogue, q catalogue.Query) (all []string, wrong string) {
	last := int64(0)
	for range 10_000 {
		page, err := c.Page(s.ctx, q)
		s.f.must(err)
		for _, o := range page.Objects {
			if o.Added <= last {
				return nil, "dates do not ascend"
			}
			last, all = o.Added, append(all, string(o.Raw))
		}
		if len(page.Objects) > q.Limit {
			return nil, "a page is too long"
		}
		if q.Added = page.Next; !page.More {
			return all, ""
		}
	}
	return nil, "it does not end"
}

// asks asks a catalogue everything for a viewer, and tells what is not as the model has it; "": nothing.
func (s *sight) asks(t *rapid.T, c *catalogue.Catalogue, v catalogue.Viewer) string {
	q, _ := s.query(t)
	q.For = v
	if i := rapid.IntRange(-3, len(s.sources)).Draw(t, "collection"); i == len(s.sources) {
		q.Thread = s.shared
	} else if i >= 0 {
		q.Thread = s.sources[i]
	}
	got, wrong := s.pages(c, q)
	if wrong == "" {
		wrong = differ(got, s.model.page(q))
	}
	if wrong != "" {
		return fmt.Sprintf("a page of %+v: %s", q, wrong)
	}

	search := catalogue.Search{For: v, Limit: rapid.IntRange(1, 4).Draw(t, "hits")}
	switch rapid.IntRange(0, 2).Draw(t, "search by") {
	case 0:
		search.Value = rapid.SampledFrom([]string{"host1.example", "host2.example"}).Draw(t, "value")
	case 1:
		search.Text = "kettle"
	default:
		search.Type, search.Text = "malware", rapid.SampledFrom([]string{"", "loader"}).Draw(t, "text")
	}
	var found []string
	for more, ask := true, search; more; {
		hits, err := c.Search(s.ctx, ask)
		s.f.must(err)
		for _, o := range hits.Objects {
			found = append(found, string(o.Raw))
		}
		more, ask.After = hits.More, hits.Next
	}
	if wrong := differ(found, s.model.search(search)); wrong != "" {
		return fmt.Sprintf("a search for %+v: %s", search, wrong)
	}

	id := rapid.SampledFrom([]stix.ID{objectID("indicator", 1), objectID("malware", 5), objectID("domain-name", 7)}).Draw(t, "object")
	view, err := c.Object(s.ctx, v, id)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		s.f.must(err)
	}
	entries, about := s.model.about(v, string(id))
	if len(entries) == 0 {
		about = nil // of what is not shown nothing is told
	}
	raws := func(all []catalogue.Entry) (raw []string) {
		for _, e := range all {
			raw = append(raw, string(e.Raw))
		}
		return raw
	}
	if wrong := differ(raws(view.Entries), entries); wrong != "" {
		return fmt.Sprintf("object %s for %+v: %s", id, v, wrong)
	}
	if wrong := differ(raws(view.About), about); wrong != "" {
		return fmt.Sprintf("about %s for %+v: %s", id, v, wrong)
	}
	return ""
}

// get asks XA's TAXII server that gives up to top.
func (s *sight) get(top marking.TLP, path string) (status int, date string, body []byte) {
	r := httptest.NewRequestWithContext(s.f.T.Context(), http.MethodGet, path, nil)
	r.SetBasicAuth("any", s.token)
	w := httptest.NewRecorder()
	s.served[top].ServeHTTP(w, r)
	return w.Code, w.Header().Get("X-TAXII-Date-Added-Last"), w.Body.Bytes()
}

// outside asks XA's TAXII server, as a program would, and tells what is not as the model has it.
func (s *sight) outside(t *rapid.T) string {
	top := rapid.SampledFrom(marking.TLPs()).Draw(t, "token good for")
	v := catalogue.Viewer{Party: "XA", Max: top}
	var listed struct {
		Collections []struct {
			ID    string `json:"id"`
			Title string `json:"title"`
		} `json:"collections"`
	}
	_, _, body := s.get(top, "/taxii2/api/collections/")
	s.f.must(json.Unmarshal(body, &listed))
	if len(listed.Collections) == 0 || listed.Collections[0].Title != "All" {
		return "there is no collection of all"
	}
	all := "/taxii2/api/collections/" + listed.Collections[0].ID + "/"
	q, text := s.query(t)
	q.For = v
	want := s.model.page(q)
	resource := rapid.SampledFrom([]string{"objects/", "manifest/"}).Draw(t, "resource")
	byDate := rapid.Bool().Draw(t, "by date")
	var got []string
	for path := all + resource + "?" + text; ; {
		status, date, body := s.get(top, path)
		var r struct {
			More    bool             `json:"more"`
			Next    string           `json:"next"`
			Objects []jsontext.Value `json:"objects"`
		}
		if status != http.StatusOK {
			return fmt.Sprintf("%s: %d %s", path, status, body)
		}
		s.f.must(json.Unmarshal(body, &r))
		for _, o := range r.Objects {
			got = append(got, string(o))
		}
		if !r.More {
			break
		}
		path = all + resource + "?" + text + "&next=" + r.Next
		if byDate && date != "" {
			path = all + resource + "?" + text + "&added_after=" + date
		}
	}
	named := func(raw string) (id string) {
		var o modelled
		s.f.must(json.Unmarshal([]byte(raw), &o))
		return o.ID
	}
	if resource == "manifest/" {
		for _, list := range []*[]string{&got, &want} {
			for i, raw := range *list {
				(*list)[i] = named(raw)
			}
		}
	}
	if wrong := differ(got, want); wrong != "" {
		return fmt.Sprintf("%s?%s for TLP:%s: %s", resource, text, top, wrong)
	}
	id := objectID("indicator", rapid.IntRange(1, 4).Draw(t, "object"))
	status, _, body := s.get(top, all+"objects/"+string(id)+"/versions/")
	entries, _ := s.model.about(v, string(id))
	var r struct {
		Versions []string `json:"versions"`
	}
	if status == http.StatusOK {
		s.f.must(json.Unmarshal(body, &r))
	}
	if (status == http.StatusNotFound) != (len(entries) == 0) || len(r.Versions) != len(entries) {
		return fmt.Sprintf("%d versions of %s for TLP:%s, want %d (%d)", len(r.Versions), id, top, len(entries), status)
	}
	return ""
}

// fedWell waits until the feeds have come, and tells what came that must not, or did not.
func (s *sight) fedWell() string {
	for feed, to := range s.feeds {
		got := map[string]bool{}
		wrong := ""
		var missing []string
		s.f.T.Cleanup(func() {
			if len(missing) > 0 {
				s.f.T.Logf("%s: not come: %s", to.Code, missing)
			}
		})
		look := func() bool {
			s.f.must(to.Catalogued(s.f.T.Context()))
			for _, raw := range to.pages(catalogue.Query{Thread: feed, Versions: catalogue.Versions{All: true}}) {
				var o modelled
				s.f.must(json.Unmarshal([]byte(raw), &o))
				got[o.key()] = true
				if !s.fed[feed][o.key()] {
					wrong = fmt.Sprintf("%s got %s", to.Code, raw)
				}
			}
			missing = s.owed(feed, to, got)
			return wrong != "" || len(missing) == 0
		}
		to.Until("all that belongs to the feed has come", look)
		if wrong != "" {
			return wrong
		}
	}
	return ""
}

// owed lists what a feed should have brought and has not. What would not go by now, since it was erased or something took its place before the feed came to it, is none of it.
func (s *sight) owed(feed thread.ID, to *Party, got map[string]bool) (missing []string) {
	for i, l := range s.model.lines {
		key := l.object.key()
		if s.went[word{feed, l.head.ID, key}] && !got[key] && s.model.feeds(to.Code, i) {
			missing = append(missing, key)
		}
	}
	return missing
}

// lying is an exchange that has another opinion on what may pass.
type lying struct {
	catalogue.Exchange
	permits bool
}

// Onward implements catalogue.Exchange.
func (l lying) Onward(store.Tx, *statement.Head, party.Code, bool) (exchange.Passage, error) {
	return exchange.Passage{Permitted: l.permits}, nil
}

// TestNobodyGetsWhatIsKeptFromThem: whatever comes in, under whatever agreement and marking, and whatever is asked for by whom, nobody is given an object that its marking or agreement keeps from them, and
// everybody is given all the others, each once: by pages, searches and views, by TAXII, and in feeds. A model that reads heads and blobs alone says which are which; a catalogue that judges otherwise is found out.
func TestNobodyGetsWhatIsKeptFromThem(t *testing.T) {
	t.Parallel()
	// spec: INT-3, INT-4, INT-9, ONW-1, ONW-2, ONW-3
	s := newSight(t)
	s.settles()
	liar := func(permits bool) *catalogue.Catalogue {
		o := s.xa.Catalogue.Options
		o.Exchange = lying{o.Exchange, permits}
		return catalogue.New(o)
	}
	given, caught := 0, map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		s.f.Clock.Pass(time.Second)
		switch rapid.IntRange(0, 5).Draw(t, "what happens") {
		case 0:
			s.gathers(t)
			s.settles()
		case 1:
			s.gets(t)
			s.settles()
		case 2:
			s.erases(t)
			s.settles()
		}
		for range 2 {
			v := viewer(t)
			given += len(s.model.gets(v, thread.ID{}))
			if wrong := s.asks(t, s.xa.Catalogue, v); wrong != "" {
				t.Fatal(wrong)
			}
			if permits := rapid.Bool().Draw(t, "a lie that permits"); s.asks(t, liar(permits), v) != "" {
				caught[permits]++
			}
		}
		if wrong := s.outside(t); wrong != "" {
			t.Fatal(wrong)
		}
	})
	if wrong := s.fedWell(); wrong != "" {
		t.Error(wrong)
	}
	if len(s.went) == 0 {
		t.Error("nothing was owed to any feed")
	}
	if given == 0 || caught[true] == 0 || caught[false] == 0 {
		t.Errorf("%d objects were given; whoever gives what must not pass was found out %d times, who keeps back what may %d times", given, caught[true], caught[false])
	}
}
