package httpapi

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/agreement/template"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// What is asked of an agreement that nobody says.
type question struct {
	From       party.Code           `json:"from,omitzero" doc:"who would say it; without it this party"`
	To         []party.Code         `json:"to" minItems:"1"`
	Kind       statement.Kind       `json:"kind"`
	Marking    marking.Marking      `json:"marking"`
	Track      statement.Track      `json:"track,omitzero"`
	Precedence statement.Precedence `json:"precedence,omitzero"`
	Exercise   bool                 `json:"exercise,omitzero"`
	Role       string               `json:"role,omitzero" doc:"duty-officer, where it is absent"`
	Facts      jsontext.Value       `json:"facts,omitzero"`
	Size       int64                `json:"size,omitzero" minimum:"0" doc:"bytes of body and attachments"`
	At         statement.Time       `json:"at,omitzero" doc:"when it would be said; without it now"`
	Today      int64                `json:"today,omitzero" minimum:"0" doc:"how many of the kind the author has said to each recipient on that day before"`
}

// head is as much of a head as a decision looks at.
func (a *api) head(q *question) (*statement.Head, map[party.Code]int64, error) {
	h := &statement.Head{
		From: q.From, To: q.To, Kind: q.Kind, Marking: q.Marking, Track: q.Track, Precedence: q.Precedence, Exercise: q.Exercise, Facts: q.Facts, Time: q.At,
		By: statement.By{Role: q.Role},
	}
	if q.Size > 0 {
		h.Body = &statement.BodyRef{Size: q.Size}
	}
	if h.From == "" {
		h.From = a.node.Config.Code
	}
	if h.Track == "" {
		h.Track = statement.Technical
	}
	if h.Precedence == "" {
		h.Precedence = statement.Routine
	}
	if h.By.Role == "" {
		h.By.Role = string(auth.DutyOfficer)
	}
	if h.Time.IsZero() {
		h.Time = statement.TimeOf(a.node.Now())
	}
	if len(h.Facts) == 0 {
		h.Facts = jsontext.Value("{}")
	}
	if err := h.Facts.Compact(); err != nil {
		return nil, nil, fault.Wrap(err, fault.Malformed, "ENC-2", "the facts are not JSON")
	}
	if _, ok := a.node.Rules.Spec(h.Kind); !ok {
		return nil, nil, fault.New(fault.NotFound, "ENC-8", "there is no such kind: GET /api/kinds lists them")
	}
	today := map[party.Code]int64{}
	for _, to := range q.To {
		today[to] = q.Today
	}
	return h, today, nil
}

// Trial is what a text says of something that nobody says.
type Trial struct {
	Verdict node.Verdict     `json:"verdict" doc:"what the text by itself says"`
	Unbound string           `json:"unbound,omitzero" doc:"why it does not bind author and recipients to each other at that time"`
	Digest  statement.Digest `json:"digest" doc:"of the text"`
}

func viewTrial(t node.Trial) Trial {
	return Trial{node.ViewTrial(t, statement.ID{}), t.Unbound, t.Digest}
}

// Document is the text of an agreement.
type Document struct {
	Digest   statement.Digest `json:"digest"`
	Document jsontext.Value   `json:"document"`
	Cedar    string           `json:"cedar,omitzero" doc:"what its articles compile to, where that was asked for"`
}

// viewDocument shows a text, with what its articles compile to where cedar.
func viewDocument(doc *agreement.Document, cedar bool) (Document, error) {
	out := Document{Digest: doc.Digest, Document: jsontext.Value(doc.Raw)}
	if !cedar {
		return out, nil
	}
	policy, err := agreement.Compile(doc)
	if err == nil {
		out.Cedar = string(policy.Cedar())
	}
	return out, err
}

// text parses a document that was sent. Its digest is that of its compact form.
func text(raw jsontext.Value) (*agreement.Document, error) {
	if err := raw.Compact(); err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "ENC-2", "the document is not JSON")
	}
	if len(raw) > agreement.MaxDocument {
		return nil, fault.New(fault.TooLarge, "AGR-1", "the document is too large")
	}
	return agreement.Parse(raw)
}

func (a *api) showAgreement(ctx context.Context, in *ByID) (node.AgreementView, error) {
	id, err := a.thread(ctx, in.ID)
	if err != nil {
		return node.AgreementView{}, err
	}
	return a.node.Agreement(ctx, id)
}

// oneText names a text of an agreement.
type oneText struct {
	ByID
	Text  statement.Digest `query:"text" doc:"digest of a text that was proposed; without it the text in hand"`
	Cedar bool             `query:"cedar" doc:"give what its articles compile to, too"`
}

func (a *api) showText(ctx context.Context, in *oneText) (Document, error) {
	id, err := a.thread(ctx, in.ID)
	if err != nil {
		return Document{}, err
	}
	doc, err := a.node.Text(ctx, id, in.Text)
	if err != nil {
		return Document{}, err
	}
	return viewDocument(doc, in.Cedar)
}

func (a *api) diff(ctx context.Context, in *struct {
	ByID
	From statement.Digest `query:"from" required:"true" doc:"digest of the one text"`
	To   statement.Digest `query:"to" doc:"digest of the other; without it the text in hand"`
}) (out agreement.Changes, err error) {
	id, err := a.thread(ctx, in.ID)
	if err != nil {
		return out, err
	}
	before, err := a.node.Text(ctx, id, in.From)
	if err != nil {
		return out, err
	}
	after, err := a.node.Text(ctx, id, in.To)
	if err != nil {
		return out, err
	}
	return agreement.Diff(before, after), nil
}

func (a *api) try(ctx context.Context, in *struct {
	ByID
	Body question
}) (Trial, error) {
	id, err := a.thread(ctx, in.ID)
	if err != nil {
		return Trial{}, err
	}
	h, today, err := a.head(&in.Body)
	if err != nil {
		return Trial{}, err
	}
	t, err := a.node.Try(ctx, id, h, today)
	return viewTrial(t), err
}

func (a *api) tryText(_ context.Context, in *struct {
	Body struct {
		Document jsontext.Value `json:"document"`
		Question question       `json:"question"`
	}
}) (Trial, error) {
	doc, err := text(in.Body.Document)
	if err != nil {
		return Trial{}, err
	}
	h, today, err := a.head(&in.Body.Question)
	if err != nil {
		return Trial{}, err
	}
	t, err := node.TryDraft(doc, h, today)
	return viewTrial(t), err
}

// Checked says all that is wrong with a text.
type Checked struct {
	Sound bool   `json:"sound"`
	Cedar string `json:"cedar,omitzero" doc:"what its articles compile to, where that was asked for"`
	node.TextReport
}

func (a *api) checkText(_ context.Context, in *struct {
	Body struct {
		Document jsontext.Value `json:"document"`
		Cedar    bool           `json:"cedar,omitzero" doc:"give what its articles compile to, too"`
	}
}) (Checked, error) {
	raw := in.Body.Document
	if err := raw.Compact(); err != nil {
		return Checked{}, fault.Wrap(err, fault.Malformed, "ENC-2", "the document is not JSON")
	}
	r, err := node.CheckText(raw)
	out := Checked{Sound: r.Document != nil, TextReport: r}
	if err != nil || !out.Sound {
		return out, err
	}
	seen, err := viewDocument(r.Document, in.Body.Cedar)
	out.Cedar = seen.Cedar
	return out, err
}

func (a *api) diffTexts(_ context.Context, in *struct {
	Body struct {
		From jsontext.Value `json:"from" doc:"the one document"`
		To   jsontext.Value `json:"to" doc:"the other"`
	}
}) (out agreement.Changes, err error) {
	before, err := text(in.Body.From)
	if err != nil {
		return out, err
	}
	after, err := text(in.Body.To)
	if err != nil {
		return out, err
	}
	return agreement.Diff(before, after), nil
}

func (a *api) registerAgreements() {
	n := a.node
	at := func(id, method, path, says string) operation {
		return operation{id: id, method: method, path: path, tag: "Agreements", says: says, needs: auth.Read}
	}
	on(a, at("list-agreements", http.MethodGet, "/agreements", "List agreements, the last touched first."), func(ctx context.Context, in *paging) (node.AgreementPage, error) {
		return n.AgreementList(ctx, in.Cursor, in.Limit)
	})
	on(a, at("show-agreement", http.MethodGet, "/agreements/{id}", "Show an agreement: how far it is, and who has done what to be bound."), a.showAgreement)
	on(a, at("show-text", http.MethodGet, "/agreements/{id}/text", "Give a text of an agreement."), a.showText)
	on(a, at("diff", http.MethodGet, "/agreements/{id}/diff", "Tell two texts of an agreement apart, article by article."), a.diff)
	on(a, at("try", http.MethodPost, "/agreements/{id}/try", "May this pass, by which article, and what would be needed instead."), a.try)
	on(a, at("try-text", http.MethodPost, "/texts/try", "Try a text before anybody signs it."), a.tryText)
	on(a, at("check-text", http.MethodPost, "/texts/check", "Say all that is wrong with a text, and what no desk here knows."), a.checkText)
	on(a, at("diff-texts", http.MethodPost, "/texts/diff", "Tell two texts apart that are not put before anybody, article by article."), a.diffTexts)
	on(a, at("list-templates", http.MethodGet, "/templates", "List texts to begin with."), func(context.Context, *none) (out struct {
		Templates []template.Info `json:"templates"`
	}, err error) {
		out.Templates = template.List()
		return out, nil
	})
	on(a, at("make-template", http.MethodGet, "/templates/{name}", "Write a text to begin with."), func(_ context.Context, in *struct {
		Name    string       `path:"name"`
		Parties []party.Code `query:"parties" doc:"for whom, like XA,XB"`
	}) (Document, error) {
		doc, err := template.Make(in.Name, in.Parties...)
		if err != nil {
			return Document{}, err
		}
		return viewDocument(doc, false)
	})
}
