package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of lists on the pages of intelligence.
const (
	intelRows   = 50 // sources, feeds and shares of one table
	lastImports = 10
)

// intelligence is what there is at a glance.
func (f *face) intelligence(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	all, err := f.n.Intelligence(ctx)
	if err != nil {
		return err
	}
	s := f.shell(r, "intel.title", "intelligence")
	s.Live = true
	v := &page.Intelligence{MayImport: f.mayImport(ctx), MayOffer: f.n.MayDraft(ctx)}
	for _, one := range all {
		list := &v.Shares
		switch {
		case one.Form == intel.ASource:
			list = &v.Sources
		case one.Form == intel.AFeed && one.By == f.n.Config.Code:
			list = &v.Given
		case one.Form == intel.AFeed:
			list = &v.Got
		}
		if len(list.Rows) == intelRows {
			list.More++
			continue
		}
		row, err := f.intelRow(ctx, s, one)
		if err != nil {
			return err
		}
		list.Rows = append(list.Rows, row)
	}
	imports, err := f.n.Imports(ctx, lastImports)
	if err != nil {
		return err
	}
	v.Imports = f.importRows(s, imports)
	return f.show(w, r, http.StatusOK, page.IntelPage(s, v))
}

// mayImport tells whether whoever looks may take objects into a source: what goes to nobody is said by whoever may write.
func (f *face) mayImport(ctx context.Context) bool { return f.n.MayDraft(ctx) }

func intelHref(id thread.ID) string { return "/intelligence/" + id.String() }

// intelName is what a source, feed or share is called.
func intelName(s *page.Shell, v node.IntelView) string {
	if v.Name != "" {
		return v.Name
	}
	return s.T("intel.form."+string(v.Form)) + " " + v.ID.Short()
}

func (f *face) intelRow(ctx context.Context, s *page.Shell, v node.IntelView) (page.IntelRow, error) {
	row := page.IntelRow{
		Href: intelHref(v.ID), Name: intelName(s, v), Status: string(v.Status), Objects: v.Objects, Held: held(v.Held), More: v.View.More, Opened: v.Opened.Std(),
	}
	for _, c := range append([]party.Code{v.By}, v.To...) {
		if c != f.n.Config.Code {
			row.With = append(row.With, string(c))
		}
	}
	if v.Offer != nil {
		row.Offer = strings.Join(offerWords(s, v.Offer), " · ")
	}
	if v.Form == intel.AFeed && v.By == f.n.Config.Code && v.Status == intel.Subscribed {
		lag, err := f.n.Lag(ctx, v)
		if err != nil {
			return row, err
		}
		row.Lag = &page.Lag{Parcels: lag.Parcels, Since: lag.Since}
	}
	return row, nil
}

func held(all []intel.Held) (out []page.HeldBack) {
	for _, h := range all {
		out = append(out, page.HeldBack{Reason: string(h.Reason), Objects: h.Objects})
	}
	return out
}

// offerWords are what belongs to a feed, each condition in words. One without conditions takes everything.
func offerWords(s *page.Shell, o *intel.Offer) (out []string) {
	for _, row := range offerRows(s, o) {
		out = append(out, row.Name+": "+s.List(row.Values))
	}
	if out == nil {
		return []string{s.T("intel.belongs.all")}
	}
	return out
}

func offerRows(s *page.Shell, o *intel.Offer) (out []page.FactRow) {
	add := func(name string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			out = append(out, page.FactRow{Name: s.T("fact." + name), Values: values})
		}
	}
	add("types", s.Words("stix", o.Types)...)
	add("labels", o.Labels...)
	add("sector", o.Sector)
	if o.TLPMax != "" {
		add("tlp_max", "TLP:"+string(o.TLPMax))
	}
	if o.ConfidenceMin > 0 {
		add("confidence_min", s.Number(o.ConfidenceMin))
	}
	add("purpose", o.Purpose)
	return out
}

func (f *face) importRows(s *page.Shell, all []node.Imported) (out []page.ImportRow) {
	for _, one := range all {
		facts, err := thread.Facts[intel.Import](&statement.Head{Kind: one.Kind, Facts: one.Facts})
		if err != nil {
			continue // it was folded, so that it can be read
		}
		row := page.ImportRow{
			Href: "/threads/" + one.Source.ID.String() + "?until=" + one.ID.String() + "#s-" + one.ID.Short(), Source: intelName(s, one.Source), SourceHref: intelHref(one.Source.ID),
			Title: cmp.Or(one.Title, one.ID.Short()), Time: one.Time.Std(), Objects: facts.Objects, TLP: string(one.Marking.TLP), Gone: one.Body == "erased",
		}
		s.Marked(row.TLP)
		out = append(out, row)
	}
	return out
}

// searchObjects finds objects in the catalogue.
func (f *face) searchObjects(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	s := f.shell(r, "intel.search", "intelligence")
	get := r.URL.Query()
	all, err := f.n.Intelligence(ctx)
	if err != nil {
		return err
	}
	search, err := wantsObjects(s, get)
	if err != nil {
		return err
	}
	v := &page.ObjectSearch{Value: search.Value, Text: search.Text, From: get.Get("from"), Until: get.Get("until")}
	v.Asked = search.Value != "" || search.Text != "" || search.Type != "" || !search.Thread.IsZero() || !search.From.IsZero() || !search.Until.IsZero()
	if any := strings.TrimSpace(get.Get("q")); any != "" && !v.Asked {
		v.Asked = true
		if search.Value, v.Value, err = any, any, f.ifValue(ctx, any); fault.CodeOf(err) == fault.NotFound {
			search.Value, v.Value, search.Text, v.Text, err = "", "", any, any, nil
		}
		if err != nil {
			return err
		}
	}
	v.Types, v.Sources = typeChoices(s, search.Type), sourceChoices(s, all, search.Thread)
	if v.Asked {
		if err := f.findObjects(ctx, s, v, search, all); err != nil {
			return err
		}
	}
	return f.show(w, r, http.StatusOK, page.SearchPage(s, v))
}

// ifValue is fault.NotFound where nothing here has this value: then its words are looked for.
func (f *face) ifValue(ctx context.Context, value string) error {
	hits, err := f.n.FindObjects(ctx, catalogue.Search{Value: value, Limit: 1})
	if err == nil && len(hits.Objects) == 0 && !hits.More {
		return fault.New(fault.NotFound, "", "nothing has this value")
	}
	return err
}

// wantsObjects reads what an address asks for.
func wantsObjects(s *page.Shell, get url.Values) (q catalogue.Search, err error) {
	q = catalogue.Search{Value: strings.TrimSpace(get.Get("value")), Text: strings.TrimSpace(get.Get("text")), Type: stix.Type(get.Get("type")), Limit: perPage}
	if q.After, err = catalogue.ParseMark(get.Get("after")); err != nil {
		return q, err
	}
	if given := get.Get("source"); given != "" {
		if q.Thread, err = statement.ParseID(given); err != nil {
			return q, fault.Wrap(err, fault.Usage, "", "choose a source, feed or share that is here")
		}
	}
	for name, into := range map[string]*time.Time{"from": &q.From, "until": &q.Until} {
		given := get.Get(name)
		if given == "" {
			continue
		}
		if *into, err = time.ParseInLocation(localTime, given, s.Zone); err != nil {
			return q, fault.Wrap(err, fault.Usage, "", "a date and time is written like 2026-11-22T08:00")
		}
	}
	return q, nil
}

// findObjects fills a page with what is found.
func (f *face) findObjects(ctx context.Context, s *page.Shell, v *page.ObjectSearch, q catalogue.Search, all []node.IntelView) error {
	hits, err := f.n.FindObjects(ctx, q)
	if err != nil {
		return err
	}
	if v.Rows, err = f.objectRows(ctx, s, hits.Objects, all); err != nil {
		return err
	}
	for i := range v.Rows { // no two objects were added at the same time
		added := v.Rows[i].At.UnixMicro()
		if n := slices.IndexFunc(hits.Objects, func(o catalogue.Object) bool { return o.Added == added }); n >= 0 {
			v.Rows[i].Covers = hits.By[n]
		}
	}
	at := url.Values{}
	for name, value := range map[string]string{"value": q.Value, "text": q.Text, "type": string(q.Type), "from": v.From, "until": v.Until} {
		if value != "" {
			at.Set(name, value)
		}
	}
	if !q.Thread.IsZero() {
		at.Set("source", q.Thread.String())
	}
	if q.After != (catalogue.Mark{}) {
		v.First = "/intelligence/search?" + at.Encode()
	}
	if hits.More {
		at.Set("after", hits.Next.String())
		v.Next = "/intelligence/search?" + at.Encode()
	}
	return nil
}

// objectRows are objects as lists show them.
func (f *face) objectRows(ctx context.Context, s *page.Shell, objects []catalogue.Object, all []node.IntelView) (out []page.ObjectRow, err error) {
	heads, err := f.n.CameWith(ctx, objects)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		parsed, err := stix.Parse(o.Raw)
		if err != nil {
			continue // the catalogue shows none that cannot be read
		}
		row := f.objectRow(s, o, parsed, all)
		if h := heads[o.Parcel.Content.Statement]; h != nil {
			row.From, row.Ours, row.TLP = string(h.From), h.From == f.n.Config.Code, string(h.Marking.TLP)
		}
		s.Marked(row.TLP)
		out = append(out, row)
	}
	return out, nil
}

func objectHref(id stix.ID) string { return "/intelligence/object/" + url.PathEscape(string(id)) }

// objectRow is an object without who gave it.
func (f *face) objectRow(s *page.Shell, o catalogue.Object, parsed *stix.Object, all []node.IntelView) page.ObjectRow {
	row := page.ObjectRow{
		Href: objectHref(parsed.ID), Type: typeWord(s, parsed.Type), At: time.UnixMicro(o.Added).UTC(), Revoked: parsed.Revoked, Older: o.Parcel.Older.Has(o.Line), Expired: expired(s, parsed),
	}
	row.Name, row.Label = objectName(s, parsed)
	if i := slices.IndexFunc(all, func(v node.IntelView) bool { return v.ID == o.Parcel.Thread }); i >= 0 {
		row.Via = &page.Link{Text: intelName(s, all[i]), Href: intelHref(all[i].ID)}
	}
	return row
}

// expired tells whether an indicator is past its time.
func expired(s *page.Shell, o *stix.Object) bool {
	return o.Type == "indicator" && o.ValidUntil != "" && !o.ValidUntil.Time().After(s.Now)
}

func typeWord(s *page.Shell, t stix.Type) string { return s.Word("stix", string(t)) }

// maxNamed is how many values an indicator is called by.
const maxNamed = 3

// objectName is what an object is called, its value or what it looks for first, and beside it its name where that says more. Neither can be clicked on.
func objectName(s *page.Shell, o *stix.Object) (name, label string) {
	values := catalogue.Values(o)
	switch {
	case o.Type == "relationship":
		return s.Word("relation", o.RelationshipType), typeWord(s, typeOf(o.SourceRef)) + " → " + typeWord(s, typeOf(o.TargetRef))
	case o.Type == "sighting":
		return s.T("intel.sighting.of", typeWord(s, typeOf(o.SightingOf))), string(o.SightingOf)
	case o.Type.Observable():
		return defang(cmp.Or(o.Value, o.Name, strings.Join(values[:min(1, len(values))], ""), string(o.ID))), ""
	case o.Type == "indicator" && len(values) > 0 && len(values) <= maxNamed && !joined(o.Pattern):
		name, label = defangAll(values), defang(o.Name)
	case o.Type == "indicator":
		name, label = defang(cmp.Or(o.Name, o.Pattern, string(o.ID))), defangAll(values[:min(maxNamed, len(values))])
	default:
		name = defang(cmp.Or(o.Name, clip(o.Text("abstract"), 80), clip(o.Text("content"), 80), clip(o.Text("opinion"), 80), string(o.ID)))
	}
	if label == name || slices.Contains(values, catalogue.Normal(label)) {
		label = ""
	}
	return clip(name, 160), clip(label, 160)
}

// joined tells whether a pattern looks for more than one of its values at once: then it is not called by them.
func joined(pattern string) bool {
	return strings.Contains(pattern, " AND ") || strings.Contains(pattern, "FOLLOWEDBY")
}

func defangAll(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = defang(v)
	}
	return strings.Join(out, ", ")
}

// typeOf is the type that an id names.
func typeOf(id stix.ID) stix.Type {
	t, _, _ := strings.Cut(string(id), "--")
	return stix.Type(t)
}

// clip is a text of at most so many characters.
func clip(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// typeChoices are the types that are mostly looked for, and the one that is.
func typeChoices(s *page.Shell, chosen stix.Type) []page.Choice {
	types := []string{
		"", "indicator", "malware", "campaign", "threat-actor", "intrusion-set", "attack-pattern", "tool", "vulnerability", "infrastructure", "incident", "report", "note", "identity", "course-of-action",
		"sighting", "relationship", "ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "file",
	}
	if !slices.Contains(types, string(chosen)) {
		types = append(types, string(chosen))
	}
	return choices(types, string(chosen), func(t string) string {
		if t == "" {
			return s.T("filter.any")
		}
		return typeWord(s, stix.Type(t))
	})
}

// sourceChoices are what objects come with, those touched last first.
func sourceChoices(s *page.Shell, all []node.IntelView, chosen thread.ID) []page.Choice {
	out := []page.Choice{{Label: s.T("filter.any"), Chosen: chosen.IsZero()}}
	for i, v := range all {
		if i < 4*intelRows || v.ID == chosen {
			out = append(out, page.Choice{Value: v.ID.String(), Label: string(v.By) + ": " + intelName(s, v), Chosen: v.ID == chosen})
		}
	}
	return out
}

// labels are the TLP labels to choose from.
func labels(s *page.Shell, chosen string) []page.Choice {
	return choices(texts(marking.TLPs()), chosen, func(l string) string { return "TLP:" + l + " – " + s.T("tlp."+tlpKey(l)) })
}
