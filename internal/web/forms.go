package web

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/form"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// builder makes forms of what may be said, and drafts of what was filled in.
type builder struct {
	f       *face
	s       *page.Shell
	in      *node.ThreadView // nil: a new thread
	said    []node.SaidView
	grounds []string // on which the agreement lets a refusal rest; nil: on any
	under   *node.AgreementView
	doc     *agreement.Document // of under, once it was asked for
}

// forms has one for each move. That of open is unfolded; filled stands in the place of the empty one of its kind.
func (b *builder) forms(ctx context.Context, open string, filled *page.Form) ([]page.Form, error) {
	var out []page.Form
	for _, m := range b.in.Moves {
		spec, ok := b.f.n.Rules.Spec(m.Kind)
		if !ok || !byForm(spec) {
			continue
		}
		one, err := b.form(ctx, spec, nil)
		if err != nil {
			return nil, err
		}
		if filled != nil && filled.Kind == one.Kind {
			one = *filled
		}
		one.Open = one.Open || open == one.Kind
		out = append(out, one)
	}
	return out, nil
}

// byForm tells whether a kind is said by a form of its own. A text is a file (see document.go), and so is what is imported (imports.go); increments are the node's to say.
func byForm(spec thread.KindSpec) bool {
	return form.Whole(spec) && spec.Kind != intel.KindImport && spec.Kind != intel.KindIncrement
}

// form makes the form of a kind with these values; nil: with those that fit most.
func (b *builder) form(ctx context.Context, spec thread.KindSpec, values url.Values) (page.Form, error) {
	s := b.s
	v := page.Form{ID: "say-" + string(spec.Kind), Kind: string(spec.Kind), Titled: b.in == nil, AskEx: b.in == nil, Action: "/new/" + string(spec.Kind)}
	v.Label, v.Means = b.f.texts(s, spec.Kind)
	v.Once = rand.Text()
	var to []party.Code
	tlp := marking.Amber
	if b.in != nil {
		v.Thread, v.Action, to, tlp = b.in.ID.String(), "/threads/"+b.in.ID.String()+"/say", b.others(), b.in.TLP
	} else if err := b.opening(ctx, &v, values); err != nil {
		return v, err
	} else {
		to = []party.Code{""}
	}
	v.Send = s.T("form.send")
	if err := b.f.n.MaySay(ctx, spec.Kind, to); err != nil {
		v.Send, v.Why = s.T("form.submit"), s.T("form.submit.why")
	}
	if given := marking.TLP(values.Get("tlp")); given != "" {
		tlp = given
	}
	v.TLP = choices(texts(marking.TLPs()), string(tlp), func(l string) string { return "TLP:" + l + " – " + s.T("tlp."+tlpKey(l)) })
	v.PAP = b.optional([]string{"CLEAR", "GREEN", "AMBER", "RED"}, values.Get("pap"), func(l string) string { return "PAP:" + l })
	v.Data = b.optional([]string{"none", "minimised", "allowed"}, values.Get("personal_data"), func(l string) string { return s.Word("data", l) })
	word := func(l string) string { return s.Word("precedence", l) }
	v.Urgency = choices(texts(statement.Precedences()), orDefault(values.Get("precedence"), string(statement.Routine)), word)
	if b.in != nil {
		v.Urgency = choices(append([]string{""}, texts(statement.Precedences())...), values.Get("precedence"), func(l string) string {
			if l == "" {
				return s.T("form.as-thread", s.Word("precedence", string(b.in.Precedence)))
			}
			return word(l)
		})
	}
	v.Handle, v.Retain, v.Title, v.Text, v.Ex = values.Get("handling"), values.Get("retain_until"), values.Get("title"), values.Get("text"), values.Get("exercise") != ""
	for _, d := range form.Fields(spec) {
		field, err := b.field(ctx, spec, d, values)
		if err != nil {
			return v, err
		}
		v.Fields = append(v.Fields, field)
	}
	return v, nil
}

func tlpKey(label string) string {
	if label == string(marking.AmberStrict) {
		return "strict"
	}
	return strings.ToLower(label)
}

func orDefault(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}

// others are the participants of the thread beside this party.
func (b *builder) others() []party.Code {
	var out []party.Code
	for _, c := range append([]party.Code{b.in.From}, b.in.To...) {
		if c != b.f.n.Config.Code && c != "" {
			out = append(out, c)
		}
	}
	return out
}

// opening is what only a new thread asks: to whom, on which track, under which agreement.
func (b *builder) opening(ctx context.Context, v *page.Form, values url.Values) error {
	letters, err := b.f.n.Letters(ctx)
	if err != nil {
		return err
	}
	for _, l := range letters {
		if !l.Own && l.Status == store.LetterConfirmed {
			name := orDefault(l.Names[b.s.Code()], l.Names["en"])
			v.To = append(v.To, page.Choice{Value: string(l.Code), Label: name, Chosen: slices.Contains(values["to"], string(l.Code))})
		}
	}
	v.Track = choices(texts(tracks()), orDefault(values.Get("track"), string(statement.Technical)), func(l string) string { return b.s.Word("track", l) })
	made, err := b.f.n.Between(ctx, nil)
	if err != nil {
		return err
	}
	auto := "form.under.auto"
	if ambiguous(made, b.f.n.Config.Code) {
		auto = "form.under.choose"
	}
	v.Under = []page.Choice{{Label: b.s.T(auto), Chosen: values.Get("agreement") == ""}}
	for _, a := range made {
		v.Under = append(v.Under, page.Choice{Value: a.ID.String(), Label: orShort(a.Title.In(b.s.Code(), "en"), a.ID), Chosen: values.Get("agreement") == a.ID.String()})
	}
	return nil
}

// ambiguous tells whether more than one of the agreements is with the same other party: then there is no "only one" for the form to choose by itself.
func ambiguous(made []node.AgreementView, own party.Code) bool {
	seen := map[party.Code]bool{}
	for _, a := range made {
		for _, c := range a.Parties {
			if c != own && seen[c] {
				return true
			}
			seen[c] = true
		}
	}
	return false
}

func choices(values []string, chosen string, label func(string) string) []page.Choice {
	out := make([]page.Choice, len(values))
	for i, v := range values {
		out[i] = page.Choice{Value: v, Label: label(v), Chosen: v == chosen}
	}
	return out
}

// optional is choices with none of them first.
func (b *builder) optional(values []string, chosen string, label func(string) string) []page.Choice {
	return append([]page.Choice{{Label: "–", Chosen: chosen == ""}}, choices(values, chosen, label)...)
}

// field is one fact to fill in, with what is known of its values.
func (b *builder) field(ctx context.Context, spec thread.KindSpec, d form.Field, values url.Values) (page.Field, error) {
	given := values[factName(d.Name)]
	v := page.Field{Name: factName(d.Name), Label: b.s.Word("fact", d.Name), Shape: string(d.Shape), Required: d.Required, Values: given, Value: strings.Join(given, ", ")}
	word := func(id string) string { return b.s.Word("value", id) }
	chosen := func(id string) bool { return slices.Contains(given, id) }
	switch d.Shape {
	case form.Choice:
		v.Options = choices(d.Options, v.Value, word)
	case form.Words:
		if d.Name == "grounds" && len(b.grounds) > 0 {
			for _, g := range b.grounds {
				v.Options = append(v.Options, page.Choice{Value: g, Label: word(g), Chosen: chosen(g)})
			}
		}
	case form.Statement, form.Several:
		b.statements(&v, d.Name, chosen, len(given) == 0)
	case form.Digest:
		v.Shape = string(form.Choice)
		b.digests(ctx, &v, chosen)
	case form.Party:
		letters, err := b.f.n.Letters(ctx)
		if err != nil {
			return v, err
		}
		for _, l := range letters {
			if !l.Own && l.Status == store.LetterConfirmed {
				v.Options = append(v.Options, page.Choice{Value: string(l.Code), Label: string(l.Code), Chosen: chosen(string(l.Code))})
			}
		}
	case form.Word:
		v.Suggest = b.suggestions(ctx, d.Name)
	}
	return v, nil
}

// factName is a fact as the form sends it: facts and what else is said do not share names.
func factName(name string) string { return "fact." + name }

// statements offers those of the thread that its page shows, the newest first: grants where an answer is wanted, else all but receipts.
func (b *builder) statements(v *page.Field, name string, chosen func(string) bool, first bool) {
	for _, one := range slices.Backward(b.said) {
		verb := strings.TrimPrefix(string(one.Kind), one.Kind.Desk()+".")
		if one.Kind.Desk() == "receipt" || one.Void != "" || name == "answer" && verb != "grant" || name == "for" && verb != "clarify" || name == "silence" && verb != "silence" {
			continue
		}
		v.Options = append(v.Options, page.Choice{
			Value: one.ID.String(), Chosen: chosen(one.ID.String()) || first && v.Required && len(v.Options) == 0,
			Label: string(one.From) + ": " + b.f.label(b.s, one.Kind) + ", " + b.s.When(one.Time.Std(), b.s.Now),
		})
	}
	for _, id := range v.Values { // chosen on a page of earlier statements
		if !slices.ContainsFunc(v.Options, func(c page.Choice) bool { return c.Value == id }) {
			v.Options = append(v.Options, page.Choice{Value: id, Label: short(id), Chosen: true})
		}
	}
}

// digests offers the texts of an agreement in the making: the one in hand first.
func (b *builder) digests(ctx context.Context, v *page.Field, chosen func(string) bool) {
	if b.in == nil {
		return
	}
	made, err := b.f.n.Agreement(ctx, b.in.ID)
	if err != nil || made.Making == nil {
		return
	}
	add := func(d statement.Digest, key string, args ...any) {
		if !d.IsZero() && !slices.ContainsFunc(v.Options, func(c page.Choice) bool { return c.Value == d.String() }) {
			v.Options = append(v.Options, page.Choice{Value: d.String(), Label: b.s.T(key, append(args, short(d.String()))...), Chosen: chosen(d.String())})
		}
	}
	add(made.Making.Draft.Digest, "text.in-hand")
	add(made.Making.Opened, "text.opened")
	for _, t := range made.Making.Table {
		add(t.Digest, "text.amended", string(t.By))
	}
}

// suggestions are the words that the agreement's rules have for a fact.
func (b *builder) suggestions(ctx context.Context, name string) []string {
	if b.under == nil {
		return nil
	}
	if b.doc == nil {
		doc, err := b.f.n.Document(ctx, b.under.ID)
		if err != nil {
			return nil // it is typed without help
		}
		b.doc = doc
	}
	var out []string
	for i := range b.doc.Articles {
		for _, rule := range b.doc.Articles[i].Rules {
			for _, w := range map[string][]string{"purpose": rule.Purposes, "sector": rule.Sectors}[name] {
				if !slices.Contains(out, w) {
					out = append(out, w)
				}
			}
		}
	}
	return out
}

// localTime is how a browser's field of date and time writes a moment.
const localTime = "2006-01-02T15:04"

// when reads what such a field has sent, in the reader's zone.
func (b *builder) when(text string) (statement.Time, error) {
	if t, err := time.ParseInLocation(localTime, text, b.s.Zone); err == nil {
		return statement.TimeOf(t), nil
	}
	return statement.ParseTime(text)
}

// written is what a draft's content looks like in its form.
func (b *builder) written(spec thread.KindSpec, c draft.Content) url.Values {
	local := func(t statement.Time) string { return t.Std().In(b.s.Zone).Format(localTime) }
	v := url.Values{
		"tlp": {string(c.Marking.TLP)}, "pap": {string(c.Marking.PAP)}, "handling": {strings.Join(c.Marking.Handling, ", ")}, "personal_data": {string(c.Marking.PersonalData)},
		"precedence": {string(c.Precedence)}, "track": {string(c.Track)}, "title": {c.Title}, "text": {c.Text}, "to": texts(c.To),
	}
	if t, err := statement.ParseTime(c.Marking.RetainUntil); err == nil {
		v.Set("retain_until", local(t))
	}
	if c.Exercise {
		v.Set("exercise", "yes")
	}
	if !c.Agreement.IsZero() {
		v.Set("agreement", c.Agreement.String())
	}
	for name, all := range form.Values(spec, c.Facts, local) {
		v[factName(name)] = all
	}
	return v
}

// marking reads the labels.
func (b *builder) marking(values url.Values) (marking.Marking, error) {
	m := marking.Marking{TLP: marking.TLP(values.Get("tlp")), PAP: marking.PAP(values.Get("pap")), PersonalData: marking.PersonalData(values.Get("personal_data"))}
	m.Handling = append(m.Handling, strings.FieldsFunc(values.Get("handling"), func(c rune) bool { return c == ',' || c == ' ' })...)
	if at := values.Get("retain_until"); at != "" {
		t, err := b.when(at)
		if err != nil {
			return m, fault.Wrap(err, fault.Usage, "STM-5", "the date of erasure is no date")
		}
		m.RetainUntil = t.String()
	}
	if err := m.Check(); err != nil {
		f := fault.Of(err)
		return m, fault.Wrap(err, fault.Usage, f.Clause, "%s", f.Msg)
	}
	return m, nil
}
