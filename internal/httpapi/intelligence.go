package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Gathered are sources, feeds and shares.
type Gathered struct {
	Threads []node.IntelView `json:"threads" doc:"the last touched first"`
}

// NewSource is a source of this party's own.
type NewSource struct {
	Name   string      `json:"name" doc:"what it is called: letters, digits, dots and dashes"`
	Format string      `json:"format,omitzero" doc:"the form in which it comes, such as stix"`
	TLP    marking.TLP `json:"tlp" doc:"the label of the record, and of objects that name none"`
	Own    bool        `json:"own,omitzero" doc:"what it brings this party has seen or written itself, and may pass on; else others have said it"`
	Role   string      `json:"role,omitzero"`
}

// SourceMade is a source that was opened.
type SourceMade struct {
	Thread thread.ID `json:"thread"`
}

func (a *api) openSource(ctx context.Context, in *struct{ Body NewSource }) (SourceMade, error) {
	id, err := a.node.OpenSource(ctx, intel.Source{Name: in.Body.Name, Format: in.Body.Format, Own: in.Body.Own}, marking.Marking{TLP: in.Body.TLP}, a.node.By(in.Body.Role, ""))
	return SourceMade{id}, err
}

func (a *api) importObjects(ctx context.Context, in *struct {
	ByID
	Preview bool        `query:"preview" doc:"only tell what would come of it"`
	Strict  bool        `query:"strict" doc:"refuse objects that break a rule of STIX 2.1, too"`
	TLP     marking.TLP `query:"tlp" doc:"at least this label, and that of objects that name none; without it the source's"`
	RawBody []byte      `contentType:"application/octet-stream" required:"true"`
}) (catalogue.Report, error) {
	source, err := a.node.Source(ctx, in.ID)
	if err != nil {
		return catalogue.Report{}, err
	}
	m, err := a.node.SourceMarking(ctx, source.ID)
	if err != nil {
		return catalogue.Report{}, err
	}
	if in.TLP != "" {
		m.TLP = in.TLP
	}
	from := catalogue.Source{Thread: source.ID, By: a.node.By("", ""), Marking: m, Strict: in.Strict}
	items := stix.NewReader(bytes.NewReader(in.RawBody), stix.Limits{}).All()
	if misp.Sniff(in.RawBody[:min(len(in.RawBody), sniffed)]) {
		items = misp.ItemsOf(in.RawBody, misp.Mapping{TLP: m.TLP})
	}
	return a.node.Import(ctx, from, items, catalogue.ImportOptions{Preview: in.Preview})
}

// sniffed is how much of a text is looked at to find out what it is.
const sniffed = 64 << 10

// Objects are objects of the catalogue.
type Objects struct {
	Objects []node.ObjectView `json:"objects"`
	More    bool              `json:"more" doc:"there may be others: ask again with next as the cursor"`
	Next    string            `json:"next,omitzero" doc:"the cursor of the next page; the list ends where it is absent"`
}

func (a *api) searchObjects(ctx context.Context, in *struct {
	Value  string    `query:"value" doc:"an address, name, URL, hash or external id; defanged or not"`
	Text   string    `query:"text" doc:"words of names, descriptions and labels"`
	Type   stix.Type `query:"type" doc:"of the objects"`
	Thread string    `query:"thread" doc:"what came with this source, feed or share alone: its id, or the beginning of it"`
	From   string    `query:"from" doc:"what came then or later: a day like 2026-01-01, or a moment"`
	To     string    `query:"to" doc:"what came before it, likewise"`
	Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"50"`
	Cursor string    `query:"cursor" doc:"next of the page before"`
}) (Objects, error) {
	s := catalogue.Search{Value: in.Value, Text: in.Text, Type: in.Type, Limit: in.Limit}
	var err error
	if s.After, err = catalogue.ParseMark(in.Cursor); err != nil {
		return Objects{}, err
	}
	if in.Thread != "" {
		if s.Thread, err = a.node.FindThread(ctx, in.Thread); err != nil {
			return Objects{}, err
		}
	}
	for given, into := range map[*string]*time.Time{&in.From: &s.From, &in.To: &s.Until} {
		if *given == "" {
			continue
		}
		at, err := moment(*given, time.Time{})
		if err != nil {
			return Objects{}, err
		}
		*into = at.Std()
	}
	hits, err := a.node.FindObjects(ctx, s)
	out := Objects{Objects: []node.ObjectView{}, More: hits.More}
	if hits.More {
		out.Next = hits.Next.String()
	}
	out.Objects = append(out.Objects, node.ViewHits(hits)...)
	return out, err
}

// ObjectSeen is what each party has said of an object, side by side.
type ObjectSeen struct {
	Versions []node.ObjectView `json:"versions" doc:"the newest version first"`
	About    []node.ObjectView `json:"about" doc:"objects that refer to it"`
	Seen     []catalogue.Seen  `json:"seen" doc:"what each party has told of how often it was seen"`
}

func (a *api) showObject(ctx context.Context, in *struct {
	ID stix.ID `path:"id"`
}) (ObjectSeen, error) {
	id, err := stix.ParseID(string(in.ID))
	if err != nil {
		return ObjectSeen{}, err
	}
	v, err := a.node.Object(ctx, id)
	out := ObjectSeen{Versions: []node.ObjectView{}, About: []node.ObjectView{}}
	for _, e := range v.Entries {
		out.Versions = append(out.Versions, node.ViewEntry(e))
	}
	for _, e := range v.About {
		out.About = append(out.About, node.ViewEntry(e))
	}
	out.Seen = []catalogue.Seen{}
	if err != nil {
		return out, err
	}
	seen, _, err := a.node.SightingsOf(ctx, id)
	out.Seen = append(out.Seen, seen...)
	return out, err
}

// SeenObjects is what was seen in logs, and how it is to be told.
type SeenObjects struct {
	Seen    []node.Seen `json:"seen" doc:"each object and day by itself"`
	Exact   bool        `json:"exact,omitzero" doc:"tell the first and last time of each day, and not the day alone"`
	Preview bool        `json:"preview,omitzero" doc:"only tell what would be told to whom, and by which articles"`
	Role    string      `json:"role,omitzero"`
}

func (a *api) reportSightings(ctx context.Context, in *struct{ Body SeenObjects }) (node.SightingReport, error) {
	b := in.Body
	return a.node.Sight(ctx, node.Sightings{Seen: b.Seen, Exact: b.Exact, Preview: b.Preview, By: a.node.By(b.Role, "")})
}

func (a *api) registerIntelligence() {
	n := a.node
	at := func(id, method, path, says string, needs auth.Action) operation {
		return operation{id: id, method: method, path: path, tag: "Intelligence", says: says, needs: needs}
	}
	on(a, at("list-intelligence", http.MethodGet, "/intelligence", "List sources, feeds and shares, and how far each has come.", auth.Read), func(ctx context.Context, _ *none) (Gathered, error) {
		all, err := n.Intelligence(ctx)
		return Gathered{append([]node.IntelView{}, all...)}, err
	})
	source := at("open-source", http.MethodPost, "/intelligence", "Open a source, in which what comes from one place is gathered.", "")
	source.made = true
	on(a, source, a.openSource)
	on(a, at("import-objects", http.MethodPost, "/intelligence/{id}/objects", "Take objects into a source: STIX as a bundle, an envelope, an array, or one after the other; or events of MISP.", auth.Read), a.importObjects)
	on(a, at("report-sightings", http.MethodPost, "/intelligence/sightings", "Tell who gave an object how often and on which days it was seen, and nothing of the log; what was told is not told again.", auth.Read), a.reportSightings)
	on(a, at("search-objects", http.MethodGet, "/objects", "Find objects by value, word, type, source or time.", auth.Read), a.searchObjects)
	on(a, at("show-object", http.MethodGet, "/objects/{id}", "Show what each party has said of an object, and what refers to it.", auth.Read), a.showObject)
}
