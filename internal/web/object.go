package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/stix"
)

// Bounds of an object's page.
const (
	besides   = 6   // words that stand side by side
	maxOlder  = 40  // versions behind them
	maxRows   = 200 // related objects in the table
	maxMember = 600 // characters of a member's value
)

// object shows what is here on one object.
func (f *face) object(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := stix.ParseID(r.PathValue("id"))
	if err != nil {
		return fault.Wrap(err, fault.NotFound, "", "there is no such object here")
	}
	view, err := f.n.Object(ctx, id)
	if err != nil {
		return err
	}
	all, err := f.n.Intelligence(ctx)
	if err != nil {
		return err
	}
	s := f.shell(r, "intel.object", "intelligence")
	s.Live = true
	first := view.Entries[0]
	v := &page.Object{ObjectRow: f.objectRow(s, first.Object, first.Parsed, all), ID: string(id), Description: defang(first.Parsed.Description)}
	v.From, v.Older = string(first.Statement.From), nil
	s.Title = v.Name
	if err := f.words(ctx, s, v, view, all); err != nil {
		return err
	}
	if err := f.seen(ctx, v, view); err != nil {
		return err
	}
	if err := f.passed(ctx, s, v, view, all); err != nil {
		return err
	}
	v.Relations, err = f.relations(ctx, s, view)
	if err != nil {
		return err
	}
	return f.show(w, r, http.StatusOK, page.ObjectPage(s, v))
}

// seen is how often an object was seen, by who told it. What refers to it was read already: without a sighting among all of that nothing is to be added up.
func (f *face) seen(ctx context.Context, v *page.Object, view catalogue.View) error {
	if view.MoreThan == 0 && !slices.ContainsFunc(view.About, func(e catalogue.Entry) bool { return e.Parsed.Type == "sighting" }) {
		return nil
	}
	all, more, err := f.n.SightingsOf(ctx, view.ID)
	for _, one := range all {
		v.Seen = append(v.Seen, page.SeenRow{
			Party: string(one.Party), Ours: one.Party == f.n.Config.Code, Reports: int64(one.Sightings), Count: one.Count, First: version(one.First), Last: version(one.Last),
		})
	}
	v.SeenMore = more
	return err
}

// passed is to whom the object went from here.
func (f *face) passed(ctx context.Context, s *page.Shell, v *page.Object, view catalogue.View, all []node.IntelView) error {
	entries := view.Entries[:min(len(view.Entries), besides+maxOlder)]
	passed, more, err := f.n.PassedOn(ctx, entries, all)
	if err != nil {
		return err
	}
	v.PassedMore = more || len(entries) < len(view.Entries)
	for _, p := range passed {
		e := entries[p.Entry]
		row := page.PassedRow{
			Feed: page.Link{Text: p.Feed.Short(), Href: intelHref(p.Feed)}, To: string(p.To), By: string(e.Statement.From), Version: cmp.Or(version(e.Parsed.Version()), time.UnixMicro(e.Added).UTC()),
			Went: string(p.Went), Time: moment(p.Time), Arrived: moment(p.Arrived), Held: texts(p.Held),
		}
		if i := slices.IndexFunc(all, func(v node.IntelView) bool { return v.ID == p.Feed }); i >= 0 {
			row.Feed.Text = intelName(s, all[i])
		}
		if !p.With.IsZero() {
			text := s.T("intel.passed.share")
			if p.N > 0 {
				text = s.T("intel.part", p.N)
			}
			row.With = &page.Link{Text: text, Href: "/threads/" + p.Feed.String() + "?until=" + p.With.String() + "#s-" + p.With.Short()}
		}
		v.Passed = append(v.Passed, row)
	}
	return nil
}

// version is a STIX time for a template.
func version(t stix.Timestamp) time.Time {
	if t == "" {
		return time.Time{}
	}
	return t.Time()
}

// words are what each party has said last beside each other, and behind them what it said before.
func (f *face) words(ctx context.Context, s *page.Shell, v *page.Object, view catalogue.View, all []node.IntelView) error {
	var beside []catalogue.Entry
	agreements := map[string]*page.Link{}
	for _, e := range view.Entries {
		switch {
		case e.Latest && len(beside) < besides:
			beside = append(beside, e)
		case e.Latest:
			v.MoreWords++
		case len(v.Older) < maxOlder:
			row := f.objectRow(s, e.Object, e.Parsed, all)
			row.From, row.TLP, row.At = string(e.Statement.From), string(e.Statement.Marking.TLP), cmp.Or(version(e.Parsed.Version()), row.At)
			s.Marked(row.TLP)
			v.Older = append(v.Older, row)
		}
	}
	if len(beside) == 0 { // what stands first was marked otherwise later
		beside = view.Entries[:1]
	}
	for _, e := range beside {
		word, err := f.word(ctx, s, e, all, agreements)
		if err != nil {
			return err
		}
		s.Marked(word.TLP)
		v.Words = append(v.Words, word)
		v.Raw = append(v.Raw, page.RawText{By: word.From, Text: string(e.Raw), At: word.Version})
	}
	v.TLP = s.TLP
	v.Members = members(s, beside)
	for _, m := range v.Members {
		if m.Differs {
			v.Differ++
		}
	}
	v.Apart = map[string]bool{}
	for _, w := range v.Words {
		first := v.Words[0]
		v.Apart["modified"] = v.Apart["modified"] || !w.Version.Equal(first.Version) || w.Revoked != first.Revoked
		v.Apart["valid"] = v.Apart["valid"] || !w.ValidFrom.Equal(first.ValidFrom) || !w.ValidUntil.Equal(first.ValidUntil)
		v.Apart["confidence"] = v.Apart["confidence"] || w.Confidence != first.Confidence
	}
	for _, differs := range v.Apart {
		if differs {
			v.Differ++
		}
	}
	v.Patterns, v.Links = patterns(beside), citations(beside)
	return nil
}

// word is one party's word on an object.
func (f *face) word(ctx context.Context, s *page.Shell, e catalogue.Entry, all []node.IntelView, agreements map[string]*page.Link) (page.Word, error) {
	h, o := e.Statement, e.Parsed
	w := page.Word{
		From: string(h.From), Ours: h.From == f.n.Config.Code, Version: version(o.Version()), At: time.UnixMicro(e.Added).UTC(), TLP: string(h.Marking.TLP), Marking: f.markingRows(s, h.Marking),
		Revoked: o.Revoked, Expired: expired(s, o), ValidFrom: version(o.ValidFrom), ValidUntil: version(o.ValidUntil), Defects: len(o.Check()),
		With: page.Link{Text: h.ID.Short(), Href: "/threads/" + h.ThreadID().String() + "?until=" + h.ID.String() + "#s-" + h.ID.Short()},
	}
	if o.Confidence >= 0 {
		w.Confidence = s.T("intel.word.of-hundred", o.Confidence)
	}
	if i := slices.IndexFunc(all, func(v node.IntelView) bool { return v.ID == h.ThreadID() }); i >= 0 {
		w.Via = &page.Link{Text: intelName(s, all[i]), Href: intelHref(all[i].ID)}
	}
	for _, c := range append([]party.Code{h.From}, h.To...) {
		if len(h.To) > 0 && !slices.Contains(w.To, string(c)) {
			w.To = append(w.To, string(c))
		}
	}
	if h.Agreement == nil {
		return w, nil
	}
	id := h.Agreement.ID
	link, known := agreements[id.String()]
	if !known {
		a, err := f.n.Agreement(ctx, id)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return w, err
		}
		link = &page.Link{Text: orShort(a.Title.In(s.Code(), "en"), id), Href: agreementHref(id, "")}
		agreements[id.String()] = link
	}
	w.Agreement = link
	return w, nil
}

// apart tells whether a member stands elsewhere on the page; where it differs, it says so there.
func apart(name string) bool {
	return slices.Contains([]string{"id", "modified", "confidence", "valid_from", "valid_until", "revoked"}, name)
}

// elsewhereToo tells whether a member stands elsewhere as well, so that it is among the others only where it differs.
func elsewhereToo(name string) bool {
	return slices.Contains([]string{"type", "spec_version", "pattern", "external_references", "object_marking_refs", "granular_markings"}, name)
}

// members are the properties of several words on one object, and on which they differ. What stands elsewhere on the page is among them where it differs.
func members(s *page.Shell, entries []catalogue.Entry) (out []page.Member) {
	values := make([]map[string]string, len(entries))
	var names []string
	for i, e := range entries {
		values[i] = map[string]string{}
		for name, text := range e.Parsed.Properties() {
			if values[i][name] = text; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		m := page.Member{Name: name}
		for i := range entries {
			text, there := values[i][name]
			first, was := values[0][name]
			m.Differs = m.Differs || there != was || same(text) != same(first)
			m.Cells = append(m.Cells, cell(text, there))
		}
		if !apart(name) && (m.Differs || !elsewhereToo(name)) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b page.Member) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// rank puts what differs first.
func rank(m page.Member) int {
	if m.Differs {
		return 0
	}
	return 1
}

// same is a JSON text without what is no part of its meaning: blanks, the order of members, how a time is spelled.
func same(text string) string {
	var plain string
	if json.Unmarshal([]byte(text), &plain) == nil {
		if t, err := stix.ParseTimestamp(plain); err == nil {
			return t.Time().Format(time.RFC3339Nano)
		}
	}
	v := jsontext.Value(text)
	if v.Canonicalize() != nil {
		return text
	}
	return string(v)
}

// cell is a property's value as people read it.
func cell(text string, there bool) page.Cell {
	if !there {
		return page.Cell{Absent: true}
	}
	var plain string
	if json.Unmarshal([]byte(text), &plain) == nil {
		return page.Cell{Text: clip(defang(plain), maxMember)}
	}
	var list []string
	if json.Unmarshal([]byte(text), &list) == nil {
		return page.Cell{Text: clip(defang(strings.Join(list, ", ")), maxMember)}
	}
	return page.Cell{Text: clip(defang(text), maxMember), Mono: true}
}

// patterns are what is looked for, once for all who say the same.
func patterns(entries []catalogue.Entry) (out []page.Pattern) {
	for _, e := range entries {
		o := e.Parsed
		if o.Pattern == "" {
			continue
		}
		p := page.Pattern{By: []string{string(e.Statement.From)}, Kind: cmp.Or(o.PatternType, "stix"), Text: defang(o.Pattern)}
		if p.Kind == "stix" {
			p.Text = laidOut(o.Pattern)
		}
		if i := slices.IndexFunc(out, func(q page.Pattern) bool { return q.Text == p.Text && q.Kind == p.Kind }); i < 0 {
			out = append(out, p)
		} else if !slices.Contains(out[i].By, p.By[0]) {
			out[i].By = append(out[i].By, p.By[0])
		}
	}
	return out
}

// laidOut is a STIX pattern over several lines: one for each comparison, with what joins them before it. Nothing but blanks is changed, and values are defanged.
func laidOut(text string) string {
	var b strings.Builder
	depth := 0
	line := func() { b.WriteString("\n" + strings.Repeat("  ", depth)) }
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\'':
			end := quoted(text, i)
			b.WriteString(defang(text[i:end]))
			i = end
			continue
		case c == '[' || c == '(':
			depth++
			b.WriteByte(c)
		case (c == ']' || c == ')') && depth > 0:
			depth--
			b.WriteByte(c)
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			for i < len(text) && strings.IndexByte(" \t\n\r", text[i]) >= 0 {
				i++
			}
			if joins(text[i:]) {
				line()
			} else if i < len(text) {
				b.WriteByte(' ')
			}
			continue
		default:
			b.WriteByte(c)
		}
		i++
	}
	return b.String()
}

// quoted is where the literal ends that begins at i.
func quoted(text string, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\'':
			return i + 1
		}
	}
	return len(text)
}

// joins tells whether a text goes on with a word that joins comparisons or observations.
func joins(text string) bool {
	return slices.ContainsFunc([]string{"AND ", "OR ", "FOLLOWEDBY ", "WITHIN ", "REPEATS ", "START "}, func(w string) bool { return strings.HasPrefix(text, w) })
}

// citations are external references, each once.
func citations(entries []catalogue.Entry) (out []page.Cited) {
	for _, e := range entries {
		for _, ref := range e.Parsed.References {
			c := page.Cited{Source: ref.SourceName, ID: ref.ExternalID, Name: defang(clip(ref.Description, maxMember)), URL: defang(ref.URL)}
			if !slices.Contains(out, c) && len(out) < maxRows {
				out = append(out, c)
			}
		}
	}
	return out
}

// relations are the objects that one has to do with: by relationships, by what refers to it, and by what it refers to itself.
func (f *face) relations(ctx context.Context, s *page.Shell, view catalogue.View) (page.Relations, error) {
	g := related{f: f, s: s, of: view.ID}
	for _, e := range view.Entries {
		if e.Latest {
			g.own(e)
		}
	}
	for _, e := range view.About {
		if e.Latest {
			g.about(e)
		}
	}
	name, _ := objectName(s, view.Entries[0].Parsed)
	out := page.Relations{Name: name, Type: typeWord(s, view.Entries[0].Parsed.Type), Mirrored: s.Direction == "rtl"}
	if err := g.name(ctx); err != nil {
		return out, err
	}
	slices.SortStableFunc(g.rows, func(a, b relation) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), cmp.Compare(strconv.FormatBool(b.Out), strconv.FormatBool(a.Out)), strings.Compare(string(typeOf(a.id)), string(typeOf(b.id))),
			strings.Compare(a.Name, b.Name), strings.Compare(string(a.id), string(b.id)))
	})
	for i := range g.rows {
		if i == maxRows {
			out.More = len(g.rows) - maxRows
			break
		}
		s.Marked(g.rows[i].TLP)
		out.Rows = append(out.Rows, g.rows[i].Related)
	}
	if view.MoreThan > 0 {
		out.More++
	}
	out.Shown = min(len(out.Rows), page.MostDrawn)
	out.Means = s.T("intel.relations.means", len(out.Rows))
	return out, nil
}

// relation is one line of the picture: to which object, of what kind.
type relation struct {
	page.Related
	id   stix.ID
	kind string // as the standard calls it
}

// related gathers relations.
type related struct {
	f    *face
	s    *page.Shell
	of   stix.ID
	rows []relation
}

// add notes a relation, or that another party says it, too.
func (g *related) add(e catalogue.Entry, kind string, id stix.ID, out bool) {
	if id == "" || id == g.of {
		return
	}
	by := string(e.Statement.From)
	i := slices.IndexFunc(g.rows, func(r relation) bool { return r.id == id && r.kind == kind && r.Out == out })
	if i < 0 {
		i = len(g.rows)
		g.rows = append(g.rows, relation{id: id, kind: kind, Related: page.Related{
			Class: "is-" + classOf(typeOf(id)), Type: typeWord(g.s, typeOf(id)), Name: string(id), Relation: g.s.Word("relation", kind), Out: out, TLP: string(e.Statement.Marking.TLP), Revoked: true,
		}})
	}
	if !slices.Contains(g.rows[i].By, by) {
		g.rows[i].By = append(g.rows[i].By, by)
	}
	g.rows[i].Revoked = g.rows[i].Revoked && e.Parsed.Revoked
}

// own are the objects that an object refers to itself.
func (g *related) own(e catalogue.Entry) {
	for path, id := range e.Parsed.Refs() {
		name, _, _ := strings.Cut(path, "[")
		if name == "object_marking_refs" || name == "granular_markings" || len(g.rows) > 2*maxRows {
			continue
		}
		kind := strings.TrimSuffix(strings.TrimSuffix(name, "_refs"), "_ref")
		g.add(e, strings.ReplaceAll(kind, "_", "-"), id, true)
	}
}

// about is what another object tells of this one: a relationship leads on to its other end.
func (g *related) about(e catalogue.Entry) {
	o := e.Parsed
	switch {
	case o.Type == "relationship" && o.SourceRef == g.of:
		g.add(e, o.RelationshipType, o.TargetRef, true)
	case o.Type == "relationship":
		g.add(e, o.RelationshipType, o.SourceRef, false)
	default:
		g.add(e, "about", o.ID, false)
	}
}

// name calls the objects by what they are called here.
func (g *related) name(ctx context.Context) error {
	const atOnce = 256 // ids of one query
	var ids []stix.ID
	for _, r := range g.rows {
		if !slices.Contains(ids, r.id) && len(ids) < atOnce {
			ids = append(ids, r.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := g.f.n.Objects(ctx, catalogue.Query{IDs: ids})
	if err != nil {
		return err
	}
	names := map[stix.ID]string{}
	for _, o := range found.Objects {
		if parsed, err := stix.Parse(o.Raw); err == nil {
			names[parsed.ID], _ = objectName(g.s, parsed)
		}
	}
	for i, r := range g.rows {
		if name, here := names[r.id]; here {
			g.rows[i].Name, g.rows[i].Href = name, objectHref(r.id)
		} else {
			g.rows[i].Name = clip(string(r.id), 24)
		}
	}
	return nil
}

// classOf is what a type looks like in the picture.
func classOf(t stix.Type) string {
	switch t {
	case "indicator":
		return "indicator"
	case "malware", "tool", "malware-analysis":
		return "malware"
	case "threat-actor", "intrusion-set", "campaign", "identity":
		return "actor"
	case "attack-pattern", "course-of-action", "vulnerability", "infrastructure":
		return "method"
	}
	if t.Observable() {
		return "observable"
	}
	return "told"
}
