package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// agreements lists them.
func (f *face) agreements(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := f.n.Authorize(ctx, auth.Read, auth.Matter{}); err != nil {
		return err
	}
	s := f.shell(r, "nav.agreements", "agreements")
	s.Live = true
	list, err := f.n.AgreementList(ctx, r.URL.Query().Get("after"), perPage)
	if err != nil {
		return err
	}
	v := &page.AgreementList{MayPropose: f.n.Authorize(ctx, auth.Negotiate, auth.Matter{}) == nil}
	for _, a := range list.Agreements {
		v.Rows = append(v.Rows, agreementRow(s, a))
	}
	if list.Next != "" {
		v.Next = "/agreements?" + url.Values{"after": {list.Next}}.Encode()
	}
	if r.URL.Query().Get("after") != "" {
		v.First = "/agreements"
	}
	return f.show(w, r, http.StatusOK, page.Agreements(s, v))
}

func agreementRow(s *page.Shell, a node.AgreementView) page.AgreementRow {
	row := page.AgreementRow{
		Href: agreementHref(a.ID, ""), Title: orShort(a.Title.In(s.Code(), "en"), a.ID), Short: a.ID.Short(), Status: a.Status, Parties: texts(a.Parties),
		InForce: moment(a.InForce), Signed: len(a.Signed), Of: len(a.Parties), ToSign: a.MayISign,
	}
	if a.Making != nil && a.Making.Silence != nil && a.Status == string(instrument.UnderSilence) {
		row.Expires = a.Making.Silence.Expires.Std()
	}
	return row
}

// agreement shows one.
func (f *face) agreement(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := f.n.Authorize(ctx, auth.Read, auth.Matter{}); err != nil {
		return err
	}
	id, err := idOf(r, "id")
	if err != nil {
		return err
	}
	a, err := f.n.Agreement(ctx, id)
	if err != nil {
		return err
	}
	s := f.shell(r, "nav.agreements", "agreements")
	s.Live = true
	v := &page.Agreement{AgreementRow: agreementRow(s, a), ID: a.ID.String(), Digest: a.Digest.String(), Making: "/threads/" + a.ID.String()}
	s.Title = v.Title
	get := r.URL.Query()
	if a.Making != nil {
		f.making(r, s, v, a)
	}
	var digest statement.Digest
	if given := get.Get("text"); given != "" {
		if digest, err = statement.ParseDigest(given); err != nil {
			return fault.Wrap(err, fault.NotFound, "", "there is no such text")
		}
	}
	doc, err := f.n.Text(ctx, id, digest)
	switch fault.CodeOf(err) {
	case "":
		f.document(s, v, a, doc, get)
	case fault.NotFound:
		v.NoText = true
	default:
		return err
	}
	if doc != nil && !digest.IsZero() && digest != a.Digest && get.Get("diff") != "" {
		if inHand, err := f.n.Document(ctx, id); err == nil {
			v.Diff = diffOf(s, inHand, doc)
		}
	}
	if doc != nil {
		v.Try = f.try(r, s, a, doc)
	}
	return f.show(w, r, http.StatusOK, page.OneAgreement(s, v))
}

// making is how far an agreement has come, and who has said what.
func (f *face) making(r *http.Request, s *page.Shell, v *page.Agreement, a node.AgreementView) {
	m := a.Making
	v.Chair = string(m.Chair)
	if m.Silence != nil && a.Status == string(instrument.UnderSilence) {
		v.Silence = &page.Silence{Expires: m.Silence.Expires.Std()}
		for _, o := range m.Silence.Objections {
			row := page.ObjectionRow{By: string(o.By), Late: o.Late}
			if len(o.Heard) > 0 {
				row.Heard = o.Heard[0].Time.Std()
			}
			v.Silence.Objections = append(v.Silence.Objections, row)
		}
	}
	parties := slices.Clone(a.Parties)
	for _, c := range slices.Sorted(maps.Keys(m.Consents)) {
		if !slices.Contains(parties, c) {
			parties = append(parties, c)
		}
	}
	now := statement.TimeOf(s.Now)
	for _, c := range parties {
		row := page.ConsentRow{Party: string(c)}
		if k, ok := m.Consents[c]; ok {
			row.Signed, row.Given, row.As, row.Reserved = moment(k.Signed), moment(k.Given), k.As, k.Reserved
		}
		if e, ok := m.Exits[c]; ok {
			row.Left = moment(e.Left)
			for _, i := range e.Suspended {
				if i.Has(now) {
					row.Suspended = moment(i.From)
				}
			}
		}
		v.Consents = append(v.Consents, row)
	}
	add := func(d instrument.Draft, inHand bool) {
		t := page.TextRow{
			Digest: d.Digest.String(), Short: short(d.Digest.String()), By: string(d.By), Time: moment(d.Time), InHand: inHand, Opened: d.Digest == m.Opened, Href: v.Href,
		}
		if !inHand {
			t.Href = v.Href + "?text=" + t.Digest
			t.Compare = t.Href + "&diff=yes#diff"
			t.Href += "#articles"
		}
		v.Texts = append(v.Texts, t)
	}
	add(m.Draft, true)
	for _, d := range m.Table {
		add(d, false)
	}
	t, err := f.n.ThreadOf(r.Context(), a.ID)
	if err != nil || !f.n.MayDraft(r.Context()) {
		return // whoever may not write is shown no buttons
	}
	v.Acts = f.row(s, t).Moves
	v.MayAmend = slices.ContainsFunc(t.Moves, func(m thread.Move) bool { return m.Kind == instrument.KindAmend }) && f.n.Authorize(r.Context(), auth.Negotiate, auth.Matter{}) == nil
}

// languageName is a language as its own speakers call it.
func languageName(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return code
	}
	if name := display.Self.Name(tag); name != "" {
		return name
	}
	return code
}

func direction(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return "auto"
	}
	script, _ := tag.Script()
	if slices.Contains([]string{"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}

// document is a text in the languages that the reader chose: the reader's own and one more, where there are two.
func (f *face) document(s *page.Shell, v *page.Agreement, a node.AgreementView, doc *agreement.Document, get url.Values) {
	v.Shown = page.TextRow{Digest: doc.Digest.String(), Short: short(doc.Digest.String()), InHand: doc.Digest == a.Digest}
	for _, l := range doc.Languages {
		v.Languages = append(v.Languages, page.Choice{Value: l, Label: languageName(l)})
	}
	has := func(l string) bool { return slices.Contains(doc.Languages, l) }
	if v.Left = get.Get("left"); !has(v.Left) {
		if v.Left = s.Code(); !has(v.Left) {
			v.Left = doc.Languages[0]
		}
	}
	if v.Right = get.Get("right"); !has(v.Right) || v.Right == v.Left {
		other := slices.DeleteFunc(slices.Clone(doc.Languages), func(l string) bool { return l == v.Left })
		if v.Right = ""; get.Get("right") != "none" && len(other) > 0 {
			v.Right = other[0]
		}
	}
	v.LeftDir, v.RightDir = direction(v.Left), direction(v.Right)
	authentic := doc.Authentic
	if authentic == nil {
		authentic = doc.Languages
	}
	v.Authentic = v.Right != "" && slices.Contains(authentic, v.Left) && slices.Contains(authentic, v.Right)
	v.Terms = terms(s, doc)
	reserved := map[string][]string{}
	if a.Making != nil {
		for _, code := range slices.Sorted(maps.Keys(a.Making.Consents)) {
			for _, number := range a.Making.Consents[code].Reserved {
				reserved[number] = append(reserved[number], string(code))
			}
		}
	}
	for i := range doc.Articles {
		one := &doc.Articles[i]
		v.Articles = append(v.Articles, page.ArticleRow{
			Number: one.Number, LeftTitle: one.Title[v.Left], LeftText: one.Text[v.Left], RightTitle: one.Title[v.Right], RightText: one.Text[v.Right],
			Machine: machine(s, one), Reserved: reserved[one.Number],
		})
	}
}

// terms are what the document says beside its articles.
func terms(s *page.Shell, doc *agreement.Document) []page.FactRow {
	days := func(n int64) string { return s.Span(time.Duration(n) * time.Second) }
	out := []page.FactRow{{Name: s.T("terms.in-force"), Values: []string{s.Word("force", string(doc.InForce.When))}}}
	if doc.InForce.Count > 0 {
		out = append(out, page.FactRow{Name: s.T("terms.count"), Values: []string{strconv.Itoa(doc.InForce.Count)}})
	}
	if doc.InForce.Days > 0 {
		out = append(out, page.FactRow{Name: s.T("terms.days"), Values: []string{strconv.Itoa(doc.InForce.Days)}})
	}
	if !doc.InForce.Date.IsZero() {
		out = append(out, page.FactRow{Name: s.T("terms.date"), Time: doc.InForce.Date.Std()})
	}
	if doc.Consent != "" {
		out = append(out, page.FactRow{Name: s.T("terms.consent"), Values: []string{s.Word("consent", string(doc.Consent))}})
	}
	if doc.Notice > 0 {
		out = append(out, page.FactRow{Name: s.T("terms.notice"), Values: []string{days(doc.Notice)}})
	}
	if doc.Accession != "" {
		out = append(out, page.FactRow{Name: s.T("terms.accession"), Values: []string{s.Word("accession", string(doc.Accession))}})
	}
	if !doc.Review.IsZero() {
		out = append(out, page.FactRow{Name: s.T("terms.review"), Time: doc.Review.Std()})
	}
	return out
}

// diffOf is what another text says otherwise than the one in hand.
func diffOf(s *page.Shell, before, after *agreement.Document) *page.DiffPage {
	d := agreement.Diff(before, after)
	v := &page.DiffPage{Against: short(after.Digest.String()), Same: d.Empty(), Document: changeRows(d.Document)}
	for _, a := range d.Articles {
		heading := s.T("verdict.article", a.Number) + ". " + a.Title.In(s.Code(), after.Languages...)
		what := s.T("diff." + string(a.What))
		if a.Was != "" {
			what += " " + s.T("diff.was", a.Was)
		}
		v.Articles = append(v.Articles, page.ArticleChange{Heading: heading, What: what, Changes: changeRows(a.Changes)})
	}
	return v
}

func changeRows(all []agreement.Change) []page.ChangeRow {
	var out []page.ChangeRow
	for _, c := range all {
		row := page.ChangeRow{Member: c.Member, Language: c.Language, Before: string(c.Before), After: string(c.After)}
		for _, w := range c.Words {
			row.Words = append(row.Words, page.Span{Op: string(w.Op), Text: w.Text})
		}
		out = append(out, row)
	}
	return out
}
