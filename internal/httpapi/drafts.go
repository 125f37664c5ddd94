package httpapi

import (
	"bytes"
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Draft is a draft, with what would come of it now.
type Draft struct {
	node.DraftView
	Verdict  node.Verdict     `json:"verdict"`
	Approval string           `json:"needs_approval,omitzero" doc:"what asks for a second officer"`
	Would    statement.Digest `json:"would_say,omitzero" doc:"digest of exactly what would be said: what an approval and a release name"`
	Problem  *Problem         `json:"problem,omitempty" doc:"why it may not pass, or cannot be said at all now"`
}

// DraftState is how far a draft is: what a step of it comes to.
type DraftState struct {
	ID      string         `json:"id"`
	Author  string         `json:"author" doc:"an officer's id; empty: the operator"`
	Status  drafts.Status  `json:"status"`
	Changed statement.Time `json:"changed"`
}

func stateOf(v node.DraftView) DraftState { return DraftState{v.ID, v.Author, v.Status, v.Changed} }

// Approved is what an approval covers.
type Approved struct {
	Read statement.Digest `json:"read" doc:"would_say of the draft as it was read; refused where it would say something else by now"`
}

// Released is what a release covers.
type Released struct {
	Read statement.Digest `json:"read,omitzero" doc:"would_say of the draft as it was read; only its author may leave it out"`
}

// DraftByID takes a draft's id from the path.
type DraftByID struct {
	ID string `path:"id" doc:"the draft's id, or its first four digits or more"`
}

// found hides drafts from those who may not see them.
func found(err error) error {
	if fault.CodeOf(err) == fault.Denied {
		return fault.Wrap(err, fault.Withheld, "", "%s", notHere)
	}
	return err
}

// maySee tells whether whoever asks may see a draft at all, before anything else is told of it.
func (a *api) maySee(ctx context.Context, id string) error {
	err := a.node.SeesDraft(ctx, id)
	if fault.CodeOf(err) == fault.NotFound {
		return fault.Wrap(err, fault.NotFound, "", "%s", notHere)
	}
	return found(err)
}

func (a *api) showDraft(ctx context.Context, in *DraftByID) (Draft, error) {
	if err := a.maySee(ctx, in.ID); err != nil {
		return Draft{}, err
	}
	v, p, err := a.node.Draft(ctx, in.ID)
	out := Draft{DraftView: v, Verdict: node.ViewVerdict(p.Verdict), Approval: p.Approval, Would: p.Digest}
	if err != nil {
		if v.ID == "" {
			return Draft{}, err
		}
		out.Problem = problemOf(err)
	}
	return out, nil
}

func (a *api) newDraft(ctx context.Context, in *toSay) (DraftState, error) {
	d, err := a.draft(ctx, &in.Body)
	if err != nil {
		return DraftState{}, err
	}
	files, err := a.keep(ctx, in.Body.Attachments)
	if err != nil {
		return DraftState{}, err
	}
	v, err := a.node.NewDraft(ctx, d, files)
	if err != nil {
		a.node.GiveUp(files, err)
	}
	return stateOf(v), err
}

// keep keeps attachments until they are said or dropped. It gives what EditDraft takes: no attachment is not nil.
func (a *api) keep(ctx context.Context, all []Attachment) ([]drafts.File, error) {
	out := []drafts.File{}
	for _, f := range all {
		kept, err := a.node.KeepUpload(ctx, node.Upload{Name: f.Name, Type: mediaType(f.Type), Data: bytes.NewReader(f.Content)}, maxLarge)
		if err != nil {
			a.node.DropUploads(out)
			return nil, err
		}
		out = append(out, kept)
	}
	return out, nil
}

// Edit is what is to be another in a draft. What is absent stays; attachments replace those that it had.
type Edit struct {
	To          []party.Code          `json:"to,omitempty"`
	Marking     *marking.Marking      `json:"marking,omitempty"`
	Precedence  *statement.Precedence `json:"precedence,omitempty"`
	Facts       jsontext.Value        `json:"facts,omitzero"`
	Title       *string               `json:"title,omitempty" maxLength:"200"`
	Text        *string               `json:"text,omitempty"`
	Attachments *[]Attachment         `json:"attachments,omitempty"`
}

// apply changes a draft.
func (e *Edit) apply(c *drafts.Content) error {
	if len(e.To) > 0 {
		if !c.Thread.IsZero() {
			return fault.New(fault.Usage, "THR-1", "recipients are the thread's: leave to out")
		}
		c.To = e.To
	}
	if e.Marking != nil {
		c.Marking = *e.Marking
	}
	if e.Precedence != nil {
		c.Precedence = *e.Precedence
	}
	if len(e.Facts) > 0 {
		c.Facts = e.Facts
		if err := c.Facts.Compact(); err != nil {
			return fault.Wrap(err, fault.Malformed, "ENC-2", "the facts are not JSON")
		}
	}
	if e.Title != nil {
		c.Title = *e.Title
	}
	if e.Text != nil {
		c.Text = *e.Text
	}
	return nil
}

func (a *api) editDraft(ctx context.Context, in *struct {
	DraftByID
	Body Edit
}) (DraftState, error) {
	if err := a.maySee(ctx, in.ID); err != nil {
		return DraftState{}, err
	}
	var files []drafts.File
	if in.Body.Attachments != nil {
		var err error
		if files, err = a.keep(ctx, *in.Body.Attachments); err != nil {
			return DraftState{}, err
		}
	}
	v, err := a.node.EditDraft(ctx, in.ID, in.Body.apply, files)
	if err != nil {
		a.node.GiveUp(files, err)
	}
	return stateOf(v), err
}

func (a *api) registerDrafts() {
	n := a.node
	at := func(id, method, path, says string) operation {
		return operation{id: id, method: method, path: "/drafts" + path, tag: "Drafts", says: says}
	}
	on(a, at("list-drafts", http.MethodGet, "", "List drafts, the last changed first."), func(ctx context.Context, _ *none) (out struct {
		Drafts []node.DraftView `json:"drafts"`
	}, err error) {
		out.Drafts, err = n.Drafts(ctx)
		return out, err
	})
	made := at("new-draft", http.MethodPost, "", "Keep what is to be said.")
	made.made, made.large = true, true
	on(a, made, a.newDraft)
	on(a, at("show-draft", http.MethodGet, "/{id}", "Show a draft, and what would come of it now."), a.showDraft)
	edit := at("edit-draft", http.MethodPatch, "/{id}", "Change a draft. An approval that it had is void.")
	edit.large = true
	on(a, edit, a.editDraft)
	on(a, at("drop-draft", http.MethodDelete, "/{id}", "Erase a draft that will not be said."), func(ctx context.Context, in *DraftByID) (Done, error) {
		if err := a.maySee(ctx, in.ID); err != nil {
			return Done{}, err
		}
		return Done{true}, n.DropDraft(ctx, in.ID)
	})
	step := func(id, path, says string, do func(ctx context.Context, id string) (node.DraftView, error)) {
		on(a, at(id, http.MethodPost, "/{id}/"+path, says), func(ctx context.Context, in *DraftByID) (DraftState, error) {
			if err := a.maySee(ctx, in.ID); err != nil {
				return DraftState{}, err
			}
			v, err := do(ctx, in.ID)
			return stateOf(v), err
		})
	}
	step("submit-draft", "submit", "Ask another officer to approve a draft.", func(ctx context.Context, id string) (node.DraftView, error) {
		v, _, err := n.SubmitDraft(ctx, id)
		return v, err
	})
	on(a, at("approve-draft", http.MethodPost, "/{id}/approve", "Agree that exactly what was read is said."), func(ctx context.Context, in *struct {
		DraftByID
		Body Approved
	}) (DraftState, error) {
		if err := a.maySee(ctx, in.ID); err != nil {
			return DraftState{}, err
		}
		v, err := n.ApproveDraft(ctx, in.ID, in.Body.Read)
		return stateOf(v), err
	})
	on(a, at("return-draft", http.MethodPost, "/{id}/return", "Send a draft back to its author."), func(ctx context.Context, in *struct {
		DraftByID
		Body struct {
			Reason string `json:"reason" maxLength:"4000"`
		}
	}) (DraftState, error) {
		if err := a.maySee(ctx, in.ID); err != nil {
			return DraftState{}, err
		}
		v, err := n.ReturnDraft(ctx, in.ID, in.Body.Reason)
		return stateOf(v), err
	})
	on(a, at("release-draft", http.MethodPost, "/{id}/release", "Say what a draft says, and erase the draft."), func(ctx context.Context, in *struct {
		DraftByID
		Body *Released
	}) (Said, error) {
		if err := a.maySee(ctx, in.ID); err != nil {
			return Said{}, err
		}
		var read statement.Digest
		if in.Body != nil {
			read = in.Body.Read
		}
		said, err := n.ReleaseDraft(ctx, in.ID, read)
		return viewSaid(said), err
	})
}
