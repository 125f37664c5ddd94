package web

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/form"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// maxFiles bounds the attachments of one form.
const maxFiles = statement.MaxBlobs

// filled is a form as it was sent. Its files are dropped unless a draft takes them.
type filled struct {
	url.Values
	files []draft.File
}

// names are those of the files that came.
func (in filled) names() (out []string) {
	for _, file := range in.files {
		out = append(out, file.Name)
	}
	return out
}

// take reads a form with attachments, which are sealed and go to the disk as they come.
func (f *face) take(w http.ResponseWriter, r *http.Request) (in filled, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, f.MaxUpload+page.MaxForm)
	in.Values = url.Values{}
	parts, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		if err := page.Read(w, r, page.MaxForm); err != nil {
			return in, err
		}
		in.Values = r.PostForm
		return in, nil
	}
	if err != nil {
		return in, page.Unread(err)
	}
	defer func() {
		if err != nil {
			f.n.DropUploads(in.files)
		}
	}()
	left, room := int64(page.MaxForm), f.MaxUpload
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return in, nil
		}
		if err != nil {
			return in, page.Unread(err)
		}
		if part.FormName() == "files" {
			if part.FileName() == "" {
				continue
			}
			if len(in.files) == maxFiles {
				return in, fault.New(fault.TooLarge, "STM-3", "at most %d attachments", maxFiles)
			}
			kept, err := f.n.KeepUpload(r.Context(), node.Upload{Name: part.FileName(), Data: part}, room)
			if err != nil {
				return in, err
			}
			in.files = append(in.files, kept)
			room -= kept.Size
			continue
		}
		raw, err := io.ReadAll(io.LimitReader(part, left+1))
		if err != nil {
			return in, page.Unread(err)
		}
		if left -= int64(len(part.FormName()) + len(raw) + 1); left < 0 {
			return in, fault.New(fault.TooLarge, "STM-3", "the text is too long: send it as an attachment")
		}
		in.Add(part.FormName(), string(raw))
	}
}

// compose makes a draft of what was filled in. was are the facts of the draft that is changed, nil for a new one. A part of a draft may lack
// something yet: what is there has to be what it is.
func (b *builder) compose(ctx context.Context, kind statement.Kind, values url.Values, was jsontext.Value, part bool) (exchange.Draft, error) {
	d := exchange.Draft{Kind: kind, By: b.f.n.By("", ""), Text: values.Get("text"), Precedence: statement.Precedence(values.Get("precedence"))}
	spec, ok := b.f.n.Rules.Spec(kind)
	if !ok {
		return d, fault.New(fault.NotFound, "ENC-8", "there is no such kind")
	}
	var err error
	if !part && (kind == instrument.KindSign || kind == instrument.KindAccede) {
		if err := b.signable(ctx, values.Get(factName("digest"))); err != nil {
			return d, err // nobody signs what cannot be read here
		}
	}
	if d.Marking, err = b.marking(values); err != nil {
		return d, err
	}
	var to []party.Code
	if b.in != nil {
		d.Thread, to = b.in.ID, b.others()
	} else if err := b.channel(ctx, &d, spec, values, part); err != nil {
		return d, err
	} else {
		to = d.To
	}
	facts := &form.Facts{
		Spec: spec, Moment: b.when, Was: was, Part: part, Label: func(name string) string { return b.s.Word("fact", name) },
		Find: func(prefix string) (statement.ID, error) { return b.f.n.Find(ctx, prefix) },
	}
	given := map[string][]string{}
	for _, field := range form.Fields(spec) {
		given[field.Name] = values[factName(field.Name)]
	}
	if d.Facts, err = facts.Read(given); err != nil || part {
		return d, err
	}
	return d, facts.Check(&statement.Head{From: b.f.n.Config.Code, To: to, Kind: kind, Time: statement.TimeOf(b.s.Now), Facts: d.Facts})
}

// signable is the fault of a text that is not to be signed.
func (b *builder) signable(ctx context.Context, digest string) error {
	if b.in == nil {
		return fault.New(fault.Usage, "THR-1", "this opens no thread: it is said in one")
	}
	text, err := statement.ParseDigest(digest)
	if err != nil {
		return fault.Wrap(err, fault.Usage, "AGR-9", "choose the text that is signed")
	}
	return b.f.n.Signable(ctx, b.in.ID, text)
}

// channel is what only a new thread says: to whom, how, under what.
func (b *builder) channel(ctx context.Context, d *exchange.Draft, spec thread.KindSpec, values url.Values, part bool) error {
	if !spec.Opens {
		return fault.New(fault.Usage, "THR-1", "this opens no thread: it is said in one")
	}
	d.Title, d.Track, d.Exercise = values.Get("title"), statement.Track(values.Get("track")), values.Get("exercise") != ""
	for _, c := range values["to"] {
		code, err := party.ParseCode(c)
		if err != nil {
			return fault.Wrap(err, fault.Usage, "ENC-6", "a party's code is like XA or XA.cert")
		}
		d.To = append(d.To, code)
	}
	if len(d.To) == 0 && !part {
		return fault.New(fault.Usage, "", "choose at least one party that it goes to")
	}
	if given := values.Get("agreement"); given != "" {
		id, err := statement.ParseID(given)
		if err != nil {
			return fault.Wrap(err, fault.Usage, "ENC-4", "this is no agreement's id")
		}
		d.Agreement = id
		return nil
	}
	if len(d.To) == 0 {
		return nil
	}
	made, err := b.f.n.Between(ctx, d.To)
	if err != nil {
		return err
	}
	if len(made) > 1 && !part {
		return fault.New(fault.Usage, "DEC-2", "%d agreements are in force between these parties: choose one", len(made))
	}
	if len(made) == 1 {
		d.Agreement = made[0].ID
	}
	return nil
}

// say takes a form of a thread: it checks, keeps or sends.
func (f *face) say(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r, "id")
	if err != nil {
		return err
	}
	b, err := f.inThread(r, id)
	if err != nil {
		return err
	}
	return f.fulfil(w, r, b, func(status int, form *page.Form) error { return f.showThread(w, r, status, id, form) })
}

// open takes the form of a new thread.
func (f *face) open(w http.ResponseWriter, r *http.Request) error {
	s := f.shell(r, "new.title", "threads")
	b := &builder{f: f, s: s}
	return f.fulfil(w, r, b, func(status int, form *page.Form) error {
		return f.show(w, r, status, page.NewThread(s, *form))
	})
}

// inThread is a builder for what is said in a thread that whoever asks may read.
func (f *face) inThread(r *http.Request, id thread.ID) (*builder, error) {
	part, err := f.n.ThreadPart(r.Context(), id, node.Stretch{})
	if err != nil {
		return nil, err
	}
	t, said := part.ThreadView, whole(part)
	made, grounds, err := f.n.Under(r.Context(), id)
	return &builder{f: f, s: f.shell(r, "nav.threads", "threads"), in: &t, said: said, grounds: grounds, under: made}, err
}

// fulfil does with a form what its button says. again shows the form once more, with what is wrong or with the verdict.
func (f *face) fulfil(w http.ResponseWriter, r *http.Request, b *builder, again func(status int, form *page.Form) error) error {
	ctx := r.Context()
	in, err := f.take(w, r)
	if err != nil {
		return err
	}
	kind := statement.Kind(in.Get("kind"))
	if b.in == nil {
		kind = statement.Kind(r.PathValue("kind"))
	}
	spec, ok := f.n.Rules.Spec(kind)
	if !ok {
		f.n.DropUploads(in.files)
		return fault.New(fault.NotFound, "ENC-8", "there is no such kind")
	}
	back := func(status int, verdict *page.Verdict, problem error) error {
		f.n.GiveUp(in.files, problem)
		v, err := b.form(ctx, spec, in.Values)
		if err != nil {
			return err
		}
		if v.Open, v.Verdict, v.Lost = true, verdict, in.names(); problem != nil {
			p := page.FaultOf(b.s, problem)
			v.Fault = &p
		}
		return again(status, &v)
	}
	d, err := b.compose(ctx, kind, in.Values, nil, false)
	if in.Get("do") == "keep" && err != nil {
		return f.keep(w, r, b, kind, in, back)
	}
	if err != nil {
		return back(fault.HTTP(fault.CodeOf(err)), nil, err)
	}
	if in.Get("do") == "check" {
		o, err := f.n.Consider(ctx, d)
		if err != nil {
			return back(fault.HTTP(fault.CodeOf(err)), nil, err)
		}
		return back(http.StatusOK, f.verdict(ctx, b.s, o), nil)
	}
	keptAt := ""
	if form := in.Get("once"); form != "" {
		form = f.visitor(r).Session + "\n" + form
		led, again := f.once.begin(form)
		if again {
			f.n.DropUploads(in.files)
			return twice(w, r, led)
		}
		defer func() { f.once.end(form, cmp.Or(w.Header().Get("Location"), keptAt)) }()
	}
	kept, err := f.n.NewDraft(ctx, d, in.files)
	if in.Get("do") == "keep" && err != nil {
		return f.keep(w, r, b, kind, in, back)
	}
	if err != nil {
		return back(fault.HTTP(fault.CodeOf(err)), nil, err)
	}
	keptAt = "/drafts/" + kept.ID
	if in.Get("do") == "send" {
		return f.send(w, r, kept)
	}
	return see(w, r, "/drafts/"+kept.ID+"?done=kept")
}

// keep keeps what cannot be said yet as far as it goes, as a draft.
func (f *face) keep(w http.ResponseWriter, r *http.Request, b *builder, kind statement.Kind, in filled, back func(int, *page.Verdict, error) error) error {
	d, err := b.compose(r.Context(), kind, in.Values, nil, true)
	if err != nil {
		return back(fault.HTTP(fault.CodeOf(err)), nil, err)
	}
	kept, err := f.n.KeepDraft(r.Context(), d, in.files)
	if err != nil {
		return back(fault.HTTP(fault.CodeOf(err)), nil, err)
	}
	return see(w, r, "/drafts/"+kept.ID+"?done=kept")
}

// send says a draft, or submits it where another officer has to agree first. What cannot be sent stays a draft, and its page says why.
func (f *face) send(w http.ResponseWriter, r *http.Request, d node.DraftView) error {
	ctx := r.Context()
	_, p, err := f.n.Draft(ctx, d.ID)
	if err != nil {
		return see(w, r, "/drafts/"+d.ID+"?done=held")
	}
	if p.Approval != "" || f.n.MayRelease(ctx, d) != nil {
		if _, _, err := f.n.SubmitDraft(ctx, d.ID); err != nil {
			return f.showDraft(w, r, d.ID, err)
		}
		return see(w, r, "/drafts/"+d.ID+"?done=submitted")
	}
	return f.let(w, r, d, p.Digest)
}

// let says a draft as it was read.
func (f *face) let(w http.ResponseWriter, r *http.Request, d node.DraftView, read statement.Digest) error {
	said, err := f.n.ReleaseDraft(r.Context(), d.ID, read)
	if err != nil && said.ID.IsZero() {
		return f.showDraft(w, r, d.ID, err)
	}
	if err != nil {
		f.Log.Error("what a draft left could not be scrubbed at once", "err", err) // it is owed, and the node does it later
	}
	return see(w, r, "/threads/"+said.Thread.String()+"?done=said#s-"+said.ID.Short())
}

// may answers the script: whether what stands in a form may pass.
func (f *face) may(w http.ResponseWriter, r *http.Request) error {
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	ctx, b := r.Context(), &builder{f: f, s: f.shell(r, "nav.threads", "threads")}
	if given := r.PostForm.Get("thread"); given != "" {
		id, err := statement.ParseID(given)
		if err != nil {
			return fault.Wrap(err, fault.NotFound, "", "there is no such thread")
		}
		if b, err = f.inThread(r, id); err != nil {
			return err
		}
	}
	d, err := b.compose(ctx, statement.Kind(r.PostForm.Get("kind")), r.PostForm, nil, false)
	var o node.Outlook
	if err == nil {
		o, err = f.n.Consider(ctx, d)
	}
	if err != nil {
		p := page.FaultOf(b.s, err)
		p.Title = b.s.T("verdict.open")
		return f.show(w, r, http.StatusOK, page.VerdictPart(b.s, nil, &p))
	}
	return f.show(w, r, http.StatusOK, page.VerdictPart(b.s, f.verdict(ctx, b.s, o), nil))
}

// newList is what can be begun. Where it is one thing alone, its form is shown at once.
func (f *face) newList(w http.ResponseWriter, r *http.Request) error {
	s := f.shell(r, "new.title", "threads")
	v := &page.NewPage{}
	var only string
	count := 0
	for _, spec := range f.n.Rules.Specs() {
		desk := spec.Kind.Desk()
		if !begins(spec) {
			continue
		}
		if len(v.Groups) == 0 || v.Groups[len(v.Groups)-1].Desk != desk {
			v.Groups = append(v.Groups, page.NewGroup{Desk: desk})
		}
		label, means := f.texts(s, spec.Kind)
		g := &v.Groups[len(v.Groups)-1]
		only = "/new/" + string(spec.Kind)
		if spec.Kind == intel.KindSource { // it goes to nobody, and has a form of its own
			only = "/intelligence/imports#new-source"
		}
		g.Acts = append(g.Acts, page.NewAct{Href: only, Label: label, Means: means})
		count++
	}
	if count == 1 {
		return see(w, r, only)
	}
	return f.show(w, r, http.StatusOK, page.NewList(s, v))
}

// begins tells whether a kind opens threads by a form: records of the node's own, recalls and letters are made where what they are about is shown.
func begins(spec thread.KindSpec) bool {
	switch spec.Kind.Desk() {
	case "office", "recall", "credence", "receipt", "thread":
		return false
	}
	return spec.Opens && form.Whole(spec) && spec.Kind != intel.KindShare // its objects are chosen at the machine
}

// newThread is the form that opens a thread.
func (f *face) newThread(w http.ResponseWriter, r *http.Request) error {
	s := f.shell(r, "new.title", "threads")
	spec, ok := f.n.Rules.Spec(statement.Kind(r.PathValue("kind")))
	if !ok || !begins(spec) {
		return fault.New(fault.NotFound, "", "nothing of this kind can be begun")
	}
	b := &builder{f: f, s: s}
	v, err := b.form(r.Context(), spec, nil)
	if err != nil {
		return err
	}
	s.Title = v.Label
	return f.show(w, r, http.StatusOK, page.NewThread(s, v))
}
