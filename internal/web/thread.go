package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/form"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// thread shows one.
func (f *face) thread(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r, "id")
	if err != nil {
		return err
	}
	return f.showThread(w, r, http.StatusOK, id, nil)
}

// idOf reads an id out of a path. Whatever is none is simply not there.
func idOf(r *http.Request, name string) (statement.ID, error) {
	id, err := statement.ParseID(r.PathValue(name))
	if err != nil {
		return id, fault.Wrap(err, fault.NotFound, "", "there is nothing of this name here")
	}
	return id, nil
}

// showThread shows a thread; filled, where it is there, stands in the place of the empty form of its kind.
func (f *face) showThread(w http.ResponseWriter, r *http.Request, status int, id thread.ID, filled *page.Form) error {
	ctx := r.Context()
	at, err := stretchOf(r)
	if err != nil {
		return err
	}
	part, err := f.n.ThreadPart(ctx, id, at)
	if err != nil {
		return err
	}
	t, said := part.ThreadView, whole(part)
	s := f.shell(r, "nav.threads", "threads")
	s.Live = true
	v := &page.Thread{Row: f.row(s, t), ID: t.ID.String(), Short: t.ID.Short(), Opened: t.Opened.Std(), Newest: part.Newest}
	if !part.Earlier.IsZero() {
		v.Earlier = v.Href + "?before=" + part.Earlier.String() + "#said"
	}
	s.Title = v.Title
	v.Track = string(t.Track)
	made, grounds, err := f.n.Under(ctx, id)
	if err != nil {
		return err
	}
	if made != nil {
		v.Agreement = &page.Link{Text: orShort(made.Title.In(s.Code(), "en"), t.Agreement), Href: agreementHref(t.Agreement, "")}
	}
	clocks, err := f.n.Clocks(ctx, t)
	if err != nil {
		return err
	}
	v.Owed = nil
	for _, o := range clocks {
		v.Owed = append(v.Owed, f.owed(s, o))
	}
	f.said(r, s, v, t, said)
	if err := f.recalledNotes(ctx, v, said); err != nil {
		return err
	}
	if t.Desk == string(recall.Kind) {
		if v.Recall, err = f.recallTable(ctx, v.Href, id); err != nil {
			return err
		}
	}
	if t.Unread > 0 && f.n.MayOpen(ctx) {
		v.Reading = v.Href + "/read"
	}
	if err := f.threadDrafts(r, s, v, id); err != nil {
		return err
	}
	v.Over = len(t.Moves) == 0
	if !f.n.MayDraft(ctx) {
		e := page.FaultOf(s, f.n.Authorize(ctx, auth.Draft, auth.Matter{}))
		v.MayNot, v.Over = &e, false
	} else {
		b := &builder{f: f, s: s, in: &t, said: said, grounds: grounds, under: made}
		if v.Forms, err = b.forms(ctx, r.URL.Query().Get("say"), filled); err != nil {
			return err
		}
	}
	return f.show(w, r, status, page.ThreadPage(s, v))
}

// stretchOf is which part of a thread an address asks for.
func stretchOf(r *http.Request) (at node.Stretch, err error) {
	for name, into := range map[string]*statement.ID{"before": &at.Before, "until": &at.Until} {
		given := r.URL.Query().Get(name)
		if given == "" {
			continue
		}
		if *into, err = statement.ParseID(given); err != nil {
			return at, fault.Wrap(err, fault.Usage, "", "this part of the thread is not to be found: open the thread again")
		}
	}
	return at, nil
}

// whole is a part of a thread with its opener, which every page shows.
func whole(p node.Part) []node.SaidView {
	if p.Opener == nil || slices.ContainsFunc(p.Said, func(one node.SaidView) bool { return one.ID == p.ID }) {
		return p.Said
	}
	return append([]node.SaidView{*p.Opener}, p.Said...)
}

func orShort(title string, id statement.ID) string {
	if title == "" {
		return id.Short()
	}
	return title
}

// threadDrafts are the drafts that are meant for the thread.
func (f *face) threadDrafts(r *http.Request, s *page.Shell, v *page.Thread, id thread.ID) error {
	all, err := f.n.Drafts(r.Context())
	if fault.CodeOf(err) == fault.Denied {
		return nil
	}
	if err != nil {
		return err
	}
	names := f.officers(r)
	for _, d := range all {
		if d.Thread == id {
			row := f.draftRow(r.Context(), s, d, names)
			row.Title = row.Kind // the thread's own title stands above
			v.Drafts = append(v.Drafts, row)
		}
	}
	return nil
}

// said is everything that was said, with what came of each.
func (f *face) said(r *http.Request, s *page.Shell, v *page.Thread, t node.ThreadView, all []node.SaidView) {
	export := f.n.Authorize(r.Context(), auth.ExportEvidence, auth.Matter{}) == nil
	recalls := f.n.Authorize(r.Context(), auth.Recall, auth.Matter{}) == nil
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b node.SaidView) int { // as it was said; what has come at once, the opener first
		switch t.ID {
		case a.ID:
			return -1
		case b.ID:
			return 1
		}
		return a.Time.Compare(b.Time)
	})
	for _, one := range all {
		if one.Kind == thread.KindRetrieved {
			continue // it stands with what was opened
		}
		u := f.utterance(s, t, one)
		s.Marked(u.TLP)
		for i := range u.Receipts {
			for _, o := range one.Opened {
				if string(o.By) == u.Receipts[i].To {
					u.Receipts[i].Retrieved = o.At.Std()
				}
			}
		}
		if export {
			at := v.Href + "/evidence/" + one.ID.String()
			if u.BareProof = at; one.Body != "none" {
				u.Evidence = at + "?body=yes"
			}
		}
		if recalls && u.Ours && len(one.To) > 0 && !u.Quiet && u.Body == "here" {
			u.Recall = v.Href + "/recall"
		}
		v.Said = append(v.Said, u)
	}
	elsewhere(v)
}

// elsewhere has facts that name a statement of another part of the thread lead to that part.
func elsewhere(v *page.Thread) {
	shown := map[string]bool{}
	for _, u := range v.Said {
		shown[u.ID] = true
	}
	for i := range v.Said {
		for j := range v.Said[i].Facts {
			if one := &v.Said[i].Facts[j]; one.Of != "" && !shown[one.Of] {
				one.Link = v.Href + "?until=" + one.Of + one.Link
			}
		}
	}
}

// utterance is one statement for people.
func (f *face) utterance(s *page.Shell, t node.ThreadView, one node.SaidView) page.Utterance {
	desk := one.Kind.Desk()
	u := page.Utterance{
		ID: one.ID.String(), Short: one.ID.Short(), From: string(one.From), Ours: one.From == f.n.Config.Code, Quiet: desk == "receipt", Kind: string(one.Kind),
		Role: one.By.Role, Officer: one.By.Officer, To: texts(one.To), Time: one.Time.Std(), TLP: string(one.Marking.TLP), Title: one.Title, Text: one.Text, Body: one.Body,
		Waiting: !one.Folded && one.Void == "", Marking: f.markingRows(s, one.Marking), Facts: f.factRows(s, one.Kind, one.Facts, one.Time),
	}
	u.Label, u.Means = f.texts(s, one.Kind)
	if u.Title == t.Title { // a longer one than stands over the thread is read here
		u.Title = ""
	}
	if one.Void != "" {
		u.Void = s.Or("void."+one.Void, one.Void)
	}
	if t.Desk == "instrument" && (strings.HasSuffix(string(one.Kind), ".propose") || strings.HasSuffix(string(one.Kind), ".deposit") || strings.HasSuffix(string(one.Kind), ".amend")) {
		u.Document = agreementHref(t.ID, "")
	}
	for i, a := range one.Attachments {
		u.Files = append(u.Files, fileRow(s, one.ID, i, a))
	}
	for _, d := range one.Delivered {
		u.Receipts = append(u.Receipts, page.ReceiptRow{
			To: string(d.To), Head: moment(d.Head), Body: moment(d.Body), Blobs: moment(d.Blobs), HasBody: one.Body != "none", HasBlobs: len(one.Attachments) > 0,
		})
	}
	for _, x := range one.Refused {
		u.Refused = append(u.Refused, page.RefusalRow{
			By: string(x.By), Clause: x.Clause, Reason: x.Reason, Articles: x.Articles, Why: why(s, denial{clause: x.Clause, articles: x.Articles, agreed: t.Desk != ""}),
		})
	}
	return u
}

func fileRow(s *page.Shell, of statement.ID, part int, a node.AttachmentView) page.FileRow {
	v := page.FileRow{Name: node.SafeName(a.Name), Type: a.Type, Size: s.Size(a.Size), SHA256: a.SHA256.String()}
	switch {
	case a.Erased:
		v.State = "erased"
	case !a.Whole:
		v.State, v.Arrived = "arriving", s.Size(a.Arrived)
	default:
		v.Href = "/attachments/" + of.String() + "/" + strconv.Itoa(part)
	}
	return v
}

// markingRows are what a marking says beside its TLP label.
func (f *face) markingRows(s *page.Shell, m marking.Marking) []page.FactRow {
	var out []page.FactRow
	if m.PAP != "" {
		out = append(out, page.FactRow{Name: s.T("form.pap"), Values: []string{"PAP:" + string(m.PAP)}})
	}
	if len(m.Handling) > 0 {
		out = append(out, page.FactRow{Name: s.T("form.handling"), Values: m.Handling})
	}
	if m.PersonalData != "" {
		out = append(out, page.FactRow{Name: s.T("form.data"), Values: []string{s.Word("data", string(m.PersonalData))}})
	}
	if m.RetainUntil != "" {
		row := page.FactRow{Name: s.T("said.retain"), Values: []string{m.RetainUntil}}
		if t, err := statement.ParseTime(m.RetainUntil); err == nil {
			row.Time = t.Std()
		}
		out = append(out, row)
	}
	return out
}

// factRows are the facts as people read them. What has no form of its own is shown as it is written.
func (f *face) factRows(s *page.Shell, kind statement.Kind, facts jsontext.Value, said statement.Time) []page.FactRow {
	var out []page.FactRow
	spec, ok := f.n.Rules.Spec(kind)
	if !ok {
		return []page.FactRow{{Name: s.T("said.facts"), Values: []string{string(facts)}, Mono: true}}
	}
	values := form.Values(spec, facts, func(t statement.Time) string { return t.String() })
	for _, d := range form.Fields(spec) {
		v := values[d.Name]
		if len(v) == 0 {
			continue
		}
		row := page.FactRow{Name: s.Word("fact", d.Name), Values: v}
		switch d.Shape {
		case form.Statement, form.Several:
			row.Of, row.Link, row.Values = v[0], "#s-"+short(v[0]), shorts(v)
		case form.Digest:
			row.Mono, row.Values = true, shorts(v)
		case form.Moment:
			if t, err := statement.ParseTime(v[0]); err == nil {
				row.Time = t.Std()
			}
		case form.Choice, form.Word, form.Words:
			row.Values = s.Words("value", v)
		case form.Yes:
			row.Values = []string{s.T("value.yes")}
		case form.Number:
			if n, err := strconv.ParseInt(v[0], 10, 64); err == nil && s.Has("fact."+d.Name+".span") {
				row.Name, row.Values = s.T("fact."+d.Name+".span"), []string{s.Span(time.Duration(n) * time.Second)}
			}
		}
		out = append(out, row)
	}
	return append(out, clockRows(s, facts)...)
}

// clockRows are the clock of a request, which has no field: the agreement sets it.
func clockRows(s *page.Shell, facts jsontext.Value) []page.FactRow {
	var f struct {
		Clock *thread.Limit `json:"clock"`
	}
	if json.Unmarshal(facts, &f) != nil || f.Clock == nil {
		return nil
	}
	span := func(n int64) string { return s.Span(time.Duration(n) * time.Second) }
	return []page.FactRow{{Name: s.T("fact.clock"), Values: []string{s.T("fact.clock.is", span(f.Clock.Acknowledge), span(f.Clock.Answer))}}}
}

func short(id string) string {
	if p, err := statement.ParseID(id); err == nil {
		return p.Short()
	}
	return id
}

func shorts(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = short(id)
	}
	return out
}

// read says that an officer has opened the thread.
func (f *face) read(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r, "id")
	if err != nil {
		return err
	}
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	if err := f.n.Opened(r.Context(), id, f.n.By("", "")); err != nil {
		return err
	}
	return see(w, r, "/threads/"+id.String())
}

// recall asks everybody who got a statement to erase what it said.
func (f *face) recall(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r, "id")
	if err != nil {
		return err
	}
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	of, err := statement.ParseID(r.PostForm.Get("of"))
	if err != nil {
		return fault.Wrap(err, fault.Usage, "", "say which statement is recalled")
	}
	if r.PostForm.Get("sure") != "yes" { // Enter in the field beside the button has pressed it, perhaps
		s := f.shell(r, "recall.sure", "threads")
		v := page.Sure{Of: of.String(), Short: of.Short(), Back: "/threads/" + id.String(), Reason: r.PostForm.Get("reason"), Text: r.PostForm.Get("text")}
		return f.show(w, r, http.StatusOK, page.SureRecall(s, v))
	}
	said, err := f.n.Recall(r.Context(), node.Recalling{
		IDs: []statement.ID{of}, Reason: recall.Reason(r.PostForm.Get("reason")), Text: r.PostForm.Get("text"), Precedence: statement.Immediate, By: f.n.By("", ""),
	})
	if err != nil {
		return err
	}
	if len(said) > 0 {
		return see(w, r, "/threads/"+said[0].Thread.String()+"?done=recalled")
	}
	return see(w, r, "/threads/"+id.String())
}
