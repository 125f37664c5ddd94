package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// duty is the first page.
func (f *face) duty(w http.ResponseWriter, r *http.Request) error {
	s := f.shell(r, "nav.duty", "duty")
	if s.Home.Href != "/" {
		return see(w, r, s.Home.Href)
	}
	s.Live = true
	d, err := f.n.Duty(r.Context())
	if err != nil {
		return err
	}
	names := f.officers(r)
	v := &page.Duty{Reached: d.Reached, MayNew: f.n.MayDraft(r.Context()), Log: f.logOf(s, d.Log)}
	owed, others := f.gathered(s, d.Owed), f.gathered(s, d.Others)
	v.Owed, v.Others = owed[:min(len(owed), deskOwed)], others[:min(len(others), deskOwed)]
	for _, t := range d.Unread {
		v.Unread = append(v.Unread, f.row(s, t))
	}
	v.More, v.MoreOwed, v.MoreOthers = max(0, d.Counts.Unread-len(v.Unread)), max(0, d.Counts.Owed-len(v.Owed)), max(0, d.Counts.OthersOwe-len(v.Others))
	for _, one := range d.Approve {
		v.Approve = append(v.Approve, f.draftRow(r.Context(), s, one, names))
	}
	for _, one := range d.Own {
		v.Own = append(v.Own, f.draftRow(r.Context(), s, one, nil))
	}
	for _, p := range d.Peers {
		v.Peers = append(v.Peers, f.peerRow(s, p))
	}
	for _, w := range d.Worries {
		v.Worries = append(v.Worries, page.Worry{Check: w.Check, Bad: w.Health == node.Bad, Says: w.Says, Do: w.Do})
	}
	v.Lead, v.Urgency = lead(s, d)
	v.Counts = sums(s, d)
	if d.Counts.Owed > 0 {
		s.Title = "(" + s.Number(int64(d.Counts.Owed)) + ") " + s.Title // a desk behind another window says so
	}
	for i := range s.Nav {
		if s.Nav[i].Section == "drafts" {
			s.Nav[i].Count = len(v.Approve)
		}
	}
	return f.show(w, r, http.StatusOK, page.DutyDesk(s, v))
}

// deskOwed is how many cards and lines the desk shows of what is owed, so that what else there is stands not far below.
const deskOwed = 8

// sums are what there is to do beside what is due next, each with where it stands.
func sums(s *page.Shell, d node.Duty) (out []page.Sum) {
	add := func(n int, key, href, class string) {
		if n > 0 {
			out = append(out, page.Sum{Href: href, Text: s.T("duty.sum."+key, n), Class: class})
		}
	}
	soon := 0
	for _, o := range d.Owed {
		if due := o.Clock.Due; !due.IsZero() && !due.Std().Before(d.Now.Std()) && due.Std().Sub(d.Now.Std()) < time.Hour {
			soon++
		}
	}
	add(d.Counts.Overdue, "over", "#h-owed", "over")
	add(soon, "soon", "#h-owed", "soon")
	add(d.Counts.Owed, "owed", "#h-owed", "")
	add(len(d.Approve), "approve", "#h-approve", "")
	add(d.Counts.Unread, "unread", "#h-unread", "")
	add(d.Counts.OthersOwe, "others", "#h-others", "")
	add(len(d.Peers), "peers", "#h-peers", "soon")
	return out
}

// lead is the one thing to know: what is overdue, else what is due next, else that nothing is.
func lead(s *page.Shell, d node.Duty) (text, urgency string) {
	c := d.Counts
	switch {
	case c.Overdue > 0:
		return s.T("lead.over", c.Overdue), "over"
	case len(d.Owed) > 0 && !d.Owed[0].Clock.Due.IsZero():
		left := d.Owed[0].Clock.Due.Std().Sub(d.Now.Std())
		urgency = "later"
		if left < time.Hour {
			urgency = "soon"
		}
		return s.T("lead.next."+d.Owed[0].Clock.Name, s.Span(left)), urgency
	case c.Owed > 0:
		return s.T("lead.owed", c.Owed), "later"
	case len(d.Approve) > 0:
		return s.T("lead.approve", len(d.Approve)), "later"
	case c.Unread > 0:
		return s.T("lead.unread", c.Unread), "calm"
	case d.Reached+len(d.Peers) == 0:
		return s.T("lead.alone"), "later"
	}
	return s.T("lead.calm"), "calm"
}

// row is a thread as lists show it.
func (f *face) row(s *page.Shell, t node.ThreadView) page.Row {
	r := page.Row{
		Href: "/threads/" + t.ID.String(), Title: t.Title, Desk: t.Desk, Ours: t.From == f.n.Config.Code, Status: t.Summary.Status, Closed: t.Summary.Closed,
		TLP: string(t.TLP), Precedence: string(t.Precedence), Exercise: t.Exercise, Updated: t.Updated.Std(), Unread: t.Unread, Waiting: t.Waiting,
	}
	s.Marked(r.TLP)
	if r.Title == "" {
		r.Untitled, r.Title = true, s.T("row.untitled", s.Word("desk", t.Desk), t.ID.Short())
	}
	for _, c := range append([]party.Code{t.From}, t.To...) {
		if c != f.n.Config.Code && c != "" {
			r.With = append(r.With, string(c))
		}
	}
	for _, c := range t.Clocks {
		r.Owed = append(r.Owed, page.Owed{Name: c.Name, Who: string(c.Owes), Ours: c.Owes == f.n.Config.Code, Due: moment(c.Due)})
	}
	for _, m := range t.Moves {
		if spec, ok := f.n.Rules.Spec(m.Kind); !ok || !byForm(spec) {
			continue // it has a form of its own: see text
		}
		r.Moves = append(r.Moves, page.Act{Href: r.Href + "?say=" + string(m.Kind) + "#say-" + string(m.Kind), Label: f.label(s, m.Kind)})
	}
	return r
}

// owed is a clock with what has set it.
func (f *face) owed(s *page.Shell, o node.Owed) page.Owed {
	t := f.row(s, o.Thread)
	v := page.Owed{Thread: t, Name: o.Clock.Name, Who: string(o.Clock.Owes), Ours: o.Clock.Owes == f.n.Config.Code, Due: moment(o.Clock.Due), Moves: t.Moves}
	if o.Thread.From != f.n.Config.Code {
		v.To = string(o.Thread.From)
	} else {
		v.To = strings.Join(t.With, ", ")
	}
	v.Moves = foremost(v.Moves, o.Clock.Name)
	if v.Name == recall.ClockErase && v.Ours && len(v.Moves) > 0 { // erasing is no statement with a form: the thread's own page has it
		v.Moves = append([]page.Act{{Href: t.Href + "#recall", Label: s.T("recall.erase"), Main: true}}, v.Moves...)
	}
	switch title := o.Title.In(s.Code(), "en"); o.SetBy {
	case node.SetByArticle:
		v.SetBy, v.Article = s.T("setby.article", o.Article, title), agreementHref(o.Agreement, o.Article)
	case node.SetByAsker:
		v.SetBy = s.T("setby.asker", string(o.Thread.From))
	case node.SetByWord:
		v.SetBy = s.T("setby.postponed", string(o.Clock.Owes))
	case node.SetBySilence:
		v.SetBy = s.T("setby.silence")
	}
	return v
}

// mostActs is how many of the moves a card of the desk shows; the thread has them all.
const mostActs = 5

// foremost puts what would stop a clock before the other moves.
func foremost(moves []page.Act, clock string) []page.Act {
	stops := map[string]string{assist.ClockAcknowledge: ".acknowledge", assist.ClockAnswer: ".grant", "silence": ".close"}[clock]
	out := slices.Clone(moves)
	slices.SortStableFunc(out, func(a, b page.Act) int {
		return cmp.Compare(strings.Count(b.Href+"$", stops+"$"), strings.Count(a.Href+"$", stops+"$"))
	})
	if len(out) > 0 && stops != "" && strings.HasSuffix(out[0].Href, stops) {
		out[0].Main = true
	}
	return out[:min(len(out), mostActs)]
}

// gathered are clocks with those of one thread together, where the first of them stands.
func (f *face) gathered(s *page.Shell, all []node.Owed) []page.Owed {
	var out []page.Owed
	at := map[string]int{}
	for _, o := range all {
		one := f.owed(s, o)
		key := one.Thread.Href + " " + one.Who
		if i, ok := at[key]; ok {
			out[i].More = append(out[i].More, one)
			continue
		}
		at[key] = len(out)
		out = append(out, one)
	}
	return out
}

// agreementHref is where an article is read.
func agreementHref(id statement.ID, article string) string {
	href := "/agreements/" + id.String()
	if article != "" {
		href += "#article-" + article
	}
	return href
}

// moment is a time for a template; the zero time where there is none.
func moment(t statement.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Std()
}

// label is a kind as buttons have it, in the reader's language.
func (f *face) label(s *page.Shell, kind statement.Kind) string {
	label, _ := f.texts(s, kind)
	return label
}

// texts are a kind's label and what it means, in the reader's language where that has them.
func (f *face) texts(s *page.Shell, kind statement.Kind) (label, means string) {
	spec, ok := f.n.Rules.Spec(kind)
	if !ok {
		spec = thread.KindSpec{Label: string(kind)}
	}
	return capital(s.Or("kind."+string(kind)+".label", spec.Label)), s.Or("kind."+string(kind)+".means", spec.Means)
}

// capital is a text that begins with a capital, where its script has them.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// officers are the names of officers by their ids, for whoever may know them; nil for others.
func (f *face) officers(r *http.Request) map[string]string {
	all, err := f.n.Officers(r.Context())
	if err != nil {
		return nil // the ids stand for themselves
	}
	out := map[string]string{}
	for _, o := range all {
		out[o.ID] = o.Name
	}
	return out
}

// draftRow is a draft as lists show it. Without names the author is left out.
func (f *face) draftRow(ctx context.Context, s *page.Shell, d node.DraftView, names map[string]string) page.DraftRow {
	label, _ := f.texts(s, d.Kind)
	r := page.DraftRow{
		Href: "/drafts/" + d.ID, Title: d.Title, Kind: label, Status: string(d.Status), TLP: string(d.Marking.TLP), Changed: d.Changed.Std(),
	}
	s.Marked(r.TLP)
	if r.Title == "" && !d.Thread.IsZero() {
		r.Title = f.n.Title(ctx, d.Thread)
	}
	if r.Title == "" {
		r.Title = label
	}
	if d.Status == draft.Returned {
		r.Reason = d.Reason
	}
	var to []string
	for _, c := range d.To {
		to = append(to, string(c))
	}
	if r.To = s.List(to); len(to) == 0 && !d.Thread.IsZero() {
		r.To = s.T("draft.in", d.Thread.Short())
	} else if len(to) == 0 {
		r.To = s.T("draft.nobody")
	}
	if names != nil {
		if r.Author = names[d.Author]; r.Author == "" {
			r.Author = d.Author
		}
	}
	return r
}

// peerRow is a peer as lists show it.
func (f *face) peerRow(s *page.Shell, p node.PeerView) page.PeerRow {
	name := p.Names[s.Code()]
	if name == "" {
		name = p.Names["en"]
	}
	row := page.PeerRow{
		Code: string(p.Code), Name: name, Good: p.Health == node.Good, Says: p.Says, Do: p.Do, Reach: p.Reach, Waiting: p.Waiting, AtLeast: p.AtLeast,
		Lag: s.Span(p.Lag), Heard: moment(p.Heard), NextTry: moment(p.NextTry), Sizes: s.T("peer.sizes", p.Accepted, p.Size),
	}
	if c := p.Checkpoint; c != nil {
		row.Signed, row.Size, row.Witness = moment(c.Time), c.Size, cosigners(c.Cosigners)
	}
	for _, one := range p.Forks {
		row.Forks = append(row.Forks, page.ForkRow{Found: moment(one.Found), Why: one.Why})
	}
	return row
}

// logOf is how the own log stands.
func (f *face) logOf(s *page.Shell, l node.LogHealth) page.Log {
	v := page.Log{Origin: string(l.Origin), Size: l.Size, Signed: moment(l.Signed), Cosigned: l.Cosigned, Cosigners: l.Cosigners, Forks: l.Forks}
	if !v.Signed.IsZero() {
		v.Age = s.Span(s.Now.Sub(v.Signed))
	}
	if l.Cosigners > 0 {
		v.Behind = l.Size - l.Cosigned
	}
	return v
}
