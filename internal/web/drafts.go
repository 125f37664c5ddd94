package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/statement"
)

// drafts lists them: what waits for the reader's approval, the reader's own, and the others.
func (f *face) drafts(w http.ResponseWriter, r *http.Request) error {
	s := f.shell(r, "nav.drafts", "drafts")
	s.Live = true
	ctx := r.Context()
	all, err := f.n.Drafts(ctx)
	if err != nil {
		return err
	}
	a, err := f.n.Whoami(ctx)
	if err != nil {
		return err
	}
	names := f.officers(r)
	var waiting, own, others []page.DraftRow
	for _, d := range all {
		row := f.draftRow(r.Context(), s, d, names)
		switch {
		case d.Author == a.ID:
			row.Author = ""
			own = append(own, row)
		case d.Status == draft.Submitted && f.n.MayApprove(ctx, d) == nil:
			waiting = append(waiting, row)
		default:
			others = append(others, row)
		}
	}
	return f.show(w, r, http.StatusOK, page.Drafts(s, waiting, own, others))
}

// draft shows one, exactly as it would be said.
func (f *face) draft(w http.ResponseWriter, r *http.Request) error {
	return f.showDraft(w, r, r.PathValue("id"), nil)
}

// draftID takes whole ids alone out of a path: nobody finds a draft by trying its beginning.
func draftID(id string) error {
	if len(id) != 32 {
		return fault.New(fault.NotFound, "", "there is no such draft")
	}
	return nil
}

// showDraft shows a draft with what has just failed, if anything has.
func (f *face) showDraft(w http.ResponseWriter, r *http.Request, id string, failed error) error {
	if err := draftID(id); err != nil {
		return err
	}
	ctx := r.Context()
	d, p, err := f.n.Draft(ctx, id)
	if d.ID == "" {
		return err
	}
	s := f.shell(r, "nav.drafts", "drafts")
	status := http.StatusOK
	v := &page.DraftPage{DraftRow: f.draftRow(r.Context(), s, d, f.officers(r)), ID: d.ID, Text: d.Text, Marking: f.markingRows(s, d.Marking)}
	v.Label, v.Means = f.texts(s, d.Kind)
	if !p.Digest.IsZero() {
		v.Read = p.Digest.String()
	}
	v.Facts = f.factRows(s, d.Kind, d.Facts, d.Changed)
	s.Title = v.Title
	if !d.Thread.IsZero() {
		v.Thread = &page.Link{Href: "/threads/" + d.Thread.String(), Text: d.Thread.Short()}
		if t, err := f.n.ThreadOf(ctx, d.Thread); err == nil {
			v.Thread.Text = f.row(s, t).Title
		}
	}
	for _, file := range d.Files {
		v.Files = append(v.Files, page.FileRow{Name: file.Name, Type: file.Type, Size: s.Size(file.Size)})
	}
	if d.Approver != "" {
		if v.Approver = f.officers(r)[d.Approver]; v.Approver == "" {
			v.Approver = d.Approver
		}
	}
	f.prospect(ctx, s, v, d, p, err)
	if failed != nil {
		e := page.FaultOf(s, failed)
		v.Fault, status = &e, fault.HTTP(fault.CodeOf(failed))
	}
	return f.show(w, r, status, page.OneDraft(s, v))
}

// prospect is what may become of a draft, and what its reader may do with it.
func (f *face) prospect(ctx context.Context, s *page.Shell, v *page.DraftPage, d node.DraftView, p node.Proposed, cannot error) {
	if cannot != nil && fault.CodeOf(cannot) != fault.Denied {
		e := page.FaultOf(s, cannot)
		v.Fault = &e
	} else {
		if p.Verdict.Reason == "" && cannot != nil {
			p.Verdict.Reason, p.Verdict.Clause = fault.Of(cannot).Msg, fault.ClauseOf(cannot)
		}
		v.Verdict = f.verdict(ctx, s, node.Outlook{Verdict: p.Verdict, Approval: p.Approval})
	}
	a, err := f.n.Whoami(ctx)
	if err != nil {
		return
	}
	mine, passes := d.Author == a.ID, cannot == nil
	release, approve := f.n.MayRelease(ctx, d), f.n.MayApprove(ctx, d)
	asked := p.Approval != "" || d.Status == draft.Submitted || d.Status == draft.Approved
	b := &v.Buttons
	b.Release = passes && release == nil && (!asked || d.Status == draft.Approved)
	b.Submit = passes && mine && (d.Status == draft.Writing || d.Status == draft.Returned) && a.ID != ""
	b.Approve = passes && approve == nil && d.Status == draft.Submitted
	b.Return = approve == nil && !mine && (d.Status == draft.Submitted || d.Status == draft.Approved)
	b.Edit = mine
	b.Drop = mine || approve == nil && d.Status != draft.Writing
	if release != nil && passes && !b.Approve && d.Status != draft.Submitted && !b.Submit {
		e := page.FaultOf(s, release)
		v.Release = &e
	}
	if d.Status == draft.Submitted && approve != nil {
		e := page.FaultOf(s, approve)
		v.Approve = &e
	}
}

// stepping does something with a draft and shows where it led.
func (f *face) stepping(w http.ResponseWriter, r *http.Request, done string, step func(ctx context.Context, id string) error) error {
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	id := r.PathValue("id")
	if err := draftID(id); err != nil {
		return err
	}
	if err := step(r.Context(), id); err != nil {
		if code := fault.CodeOf(err); code == fault.NotFound || code == fault.Internal {
			return err
		}
		return f.refused(w, r, id, err)
	}
	if done == "dropped" {
		return see(w, r, "/drafts?done=dropped")
	}
	return see(w, r, "/drafts/"+id+"?done="+done)
}

// refused shows the draft with what was refused, to whoever may read it; to others the refusal alone.
func (f *face) refused(w http.ResponseWriter, r *http.Request, id string, err error) error {
	if e := f.showDraft(w, r, id, err); e != nil {
		return errors.Join(err, e)
	}
	return nil
}

func (f *face) submit(w http.ResponseWriter, r *http.Request) error {
	return f.stepping(w, r, "submitted", func(ctx context.Context, id string) error {
		_, _, err := f.n.SubmitDraft(ctx, id)
		return err
	})
}

func (f *face) approve(w http.ResponseWriter, r *http.Request) error {
	return f.stepping(w, r, "approved", func(ctx context.Context, id string) error {
		read, err := readOf(r)
		if err == nil {
			_, err = f.n.ApproveDraft(ctx, id, read)
		}
		return err
	})
}

// readOf is the digest of what the page of a draft has shown to whoever presses its button.
func readOf(r *http.Request) (statement.Digest, error) {
	given := r.PostForm.Get("read")
	if given == "" {
		return statement.Digest{}, nil
	}
	d, err := statement.ParseDigest(given)
	if err != nil {
		return d, fault.Wrap(err, fault.Usage, "DEC-10", "what was read is named by its digest: open the draft again")
	}
	return d, nil
}

func (f *face) sendBack(w http.ResponseWriter, r *http.Request) error {
	return f.stepping(w, r, "returned", func(ctx context.Context, id string) error {
		_, err := f.n.ReturnDraft(ctx, id, r.PostForm.Get("reason"))
		return err
	})
}

func (f *face) drop(w http.ResponseWriter, r *http.Request) error {
	return f.stepping(w, r, "dropped", f.n.DropDraft)
}

// release says what a draft says.
func (f *face) release(w http.ResponseWriter, r *http.Request) error {
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	id := r.PathValue("id")
	if err := draftID(id); err != nil {
		return err
	}
	d, _, err := f.n.Draft(r.Context(), id)
	if d.ID == "" {
		return err
	}
	read, err := readOf(r)
	if err != nil {
		return err
	}
	return f.let(w, r, d, read)
}

// editor is a builder for a draft of the reader's own.
func (f *face) editor(r *http.Request) (*builder, node.DraftView, error) {
	id := r.PathValue("id")
	if err := draftID(id); err != nil {
		return nil, node.DraftView{}, err
	}
	d, _, err := f.n.Draft(r.Context(), id)
	if d.ID == "" {
		return nil, d, err
	}
	a, err := f.n.Whoami(r.Context())
	if err == nil && a.ID != d.Author {
		err = fault.New(fault.Denied, "", "a draft is its author's to change; send it back, and its author changes it")
	}
	if err != nil {
		return nil, d, err
	}
	b := &builder{f: f, s: f.shell(r, "nav.drafts", "drafts")}
	if !d.Thread.IsZero() {
		if b, err = f.inThread(r, d.Thread); err != nil {
			return nil, d, err
		}
		b.s.Section = "drafts"
	}
	return b, d, nil
}

// editing shows a draft in its form.
func (f *face) editing(w http.ResponseWriter, r *http.Request) error {
	b, d, err := f.editor(r)
	if err != nil {
		return err
	}
	v, err := f.editForm(r.Context(), b, d, filled{})
	if err != nil {
		return err
	}
	return f.show(w, r, http.StatusOK, page.EditDraft(b.s, v))
}

func (f *face) editForm(ctx context.Context, b *builder, d node.DraftView, in filled) (page.Form, error) {
	spec, ok := f.n.Rules.Spec(d.Kind)
	if !ok {
		return page.Form{}, fault.New(fault.NotFound, "ENC-8", "there is no such kind")
	}
	values := in.Values
	if values == nil {
		values = b.written(spec, d.Content)
	}
	v, err := b.form(ctx, spec, values)
	v.Action, v.Draft = "/drafts/"+d.ID+"/edit", d.ID
	for _, file := range d.Files {
		v.Files = append(v.Files, file.Name)
	}
	return v, err
}

// edit changes a draft; an approval that it had is void. Attachments that come replace those that were there.
func (f *face) edit(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	b, d, err := f.editor(r)
	if err != nil {
		return err
	}
	in, err := f.take(w, r)
	if err != nil {
		return err
	}
	back := func(status int, verdict *page.Verdict, problem error) error {
		f.n.GiveUp(in.files, problem)
		v, err := f.editForm(ctx, b, d, in)
		if err != nil {
			return err
		}
		if v.Verdict, v.Lost = verdict, in.names(); problem != nil {
			p := page.FaultOf(b.s, problem)
			v.Fault = &p
		}
		return f.show(w, r, status, page.EditDraft(b.s, v))
	}
	change := func(part bool) (node.DraftView, error) {
		now, err := b.compose(ctx, d.Kind, in.Values, d.Facts, part)
		if err != nil {
			return node.DraftView{}, err
		}
		edit := f.n.EditDraft
		if part {
			edit = f.n.KeepEdit
		}
		return edit(ctx, d.ID, func(c *draft.Content) error {
			c.Marking, c.Precedence, c.Facts, c.Text = now.Marking, now.Precedence, now.Facts, now.Text
			if b.in == nil {
				c.To, c.Agreement, c.Track, c.Exercise, c.Title = now.To, now.Agreement, now.Track, now.Exercise, now.Title
			}
			return nil
		}, in.files)
	}
	if in.Get("do") == "check" {
		var o node.Outlook
		now, err := b.compose(ctx, d.Kind, in.Values, d.Facts, false)
		if err == nil {
			o, err = f.n.Consider(ctx, now)
		}
		if err != nil {
			return back(fault.HTTP(fault.CodeOf(err)), nil, err)
		}
		return back(http.StatusOK, f.verdict(ctx, b.s, o), nil)
	}
	kept, err := change(false)
	if in.Get("do") == "keep" && err != nil && fault.CodeOf(err) != fault.Denied {
		kept, err = change(true)
	}
	if err != nil {
		return back(fault.HTTP(fault.CodeOf(err)), nil, err)
	}
	if in.Get("do") == "send" {
		return f.send(w, r, kept)
	}
	return see(w, r, "/drafts/"+d.ID+"?done=kept")
}
