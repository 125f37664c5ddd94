package node

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// DraftView is a draft as it is shown. Author and Approver are officers' ids; "" is the operator.
type DraftView struct {
	ID      string         `json:"id"`
	Author  string         `json:"author"`
	Status  drafts.Status  `json:"status"`
	Record  statement.ID   `json:"record,omitzero"` // the thread of what was recorded about it
	Made    statement.Time `json:"made"`
	Changed statement.Time `json:"changed"`
	drafts.Content
}

// viewDraft shows all of a draft but the keys of its attachments, which nobody needs to see.
func viewDraft(d *drafts.Draft) DraftView {
	c := d.Content
	c.Files = slices.Clone(c.Files)
	for i := range c.Files {
		c.Files[i].Upload, c.Files[i].Key = "", ""
	}
	return DraftView{drafts.Name(d.ID), d.Author, d.Status, d.Record, d.Made, d.Changed, c}
}

// Proposed is what would come of a draft if it were said now.
type Proposed struct {
	Verdict  exchange.Verdict `json:"verdict"`
	Approval string           `json:"approval,omitzero"` // what asks for a second officer; "": nothing
	Digest   statement.Digest `json:"digest"`            // of exactly what would be said
}

// NewDraft keeps what somebody is about to say. files are its attachments, of KeepUpload or Attachable. When it fails, uploads are still the caller's: GiveUp.
func (n *Node) NewDraft(ctx context.Context, d exchange.Draft, files []drafts.File) (DraftView, error) {
	return n.newDraft(ctx, d, files, false)
}

// KeepDraft is NewDraft for what is not complete yet: recipients, facts or the agreement may be missing. It is neither submitted nor released until an EditDraft has made
// it something that can be said.
func (n *Node) KeepDraft(ctx context.Context, d exchange.Draft, files []drafts.File) (DraftView, error) {
	return n.newDraft(ctx, d, files, true)
}

// sayable tells whether a draft is something that can be said at all, though perhaps not now; of one that is only kept, whether it is bounded.
func (n *Node) sayable(ctx context.Context, d *drafts.Draft) error {
	if d.Part {
		return keepable(d)
	}
	if _, err := n.propose(ctx, d); err != nil && fault.CodeOf(err) != fault.Denied {
		return err
	}
	return nil
}

// keepable bounds what is kept and cannot be said yet.
func keepable(d *drafts.Draft) error {
	switch {
	case len(d.Title)+len(d.Text) > statement.MaxBody:
		return fault.New(fault.TooLarge, "STM-3", "the text is too long: send it as an attachment")
	case len(d.Facts) > statement.MaxFacts || len(d.To) > statement.MaxTo || len(d.Files) > statement.MaxBlobs:
		return fault.New(fault.TooLarge, "STM-3", "these are more facts, recipients or attachments than a statement has")
	case !utf8.ValidString(d.Title) || !utf8.ValidString(d.Text):
		return fault.New(fault.Usage, "ENC-1", "the text is no UTF-8")
	}
	return d.Marking.Check()
}

func (n *Node) newDraft(ctx context.Context, d exchange.Draft, files []drafts.File, part bool) (DraftView, error) {
	if thread.Kind(d.Kind.Desk()) == office.Kind {
		return DraftView{}, madeByNode()
	}
	now := statement.TimeOf(n.Now())
	var a auth.Actor
	var staffed bool
	if err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		if a, staffed, err = n.actor(ctx, tx); err != nil {
			return err
		}
		m := auth.Matter{Author: a.ID, Kind: d.Kind, To: d.To, Marking: d.Marking, Track: d.Track, Precedence: d.Precedence, Exercise: d.Exercise}
		if err := n.office.Rules.Authorize(a, auth.Draft, m, staffed).Err(); err != nil || !staffed {
			return err
		}
		whose := d
		if d.Thread.IsZero() && len(d.To) == 0 {
			whose.To = []party.Code{""} // it goes to somebody once it is complete
		}
		d.By, err = n.speaksFor(ctx, tx, &whose)
		return err
	}); err != nil {
		return DraftView{}, err
	}
	if len(d.Facts) == 0 {
		d.Facts = jsontext.Value("{}")
	}
	c := drafts.Content{
		By: d.By, Thread: d.Thread, To: d.To, Agreement: d.Agreement, Kind: d.Kind, Marking: d.Marking, Track: d.Track, Precedence: d.Precedence,
		Exercise: d.Exercise, Facts: d.Facts, Title: d.Title, Text: d.Text, Rest: d.Rest, Files: files, Part: part,
	}
	draft := drafts.New(a.ID, c, now)
	if err := n.sayable(ctx, &draft); err != nil {
		return DraftView{}, err
	}
	row, err := draft.Row()
	if err != nil {
		return DraftView{}, err
	}
	return viewDraft(&draft), n.Exchange.Update(ctx, func(tx store.Tx) error {
		if err := n.may(ctx, tx, auth.Draft, auth.Matter{Author: a.ID, Kind: d.Kind, Marking: d.Marking}); err != nil {
			return err
		}
		return tx.PutDraft(row)
	})
}

// Attachable names files of this machine as the attachments of a draft; they stay where they are, and nil stays nil. Whatever a path names is sent: none is ever taken from
// a request.
func Attachable(paths []string) (out []drafts.File, err error) {
	for _, name := range paths {
		path, err := filepath.Abs(name)
		if err != nil {
			return nil, fault.Wrap(err, fault.Usage, "", "the place of an attachment cannot be told")
		}
		f, err := attachable(path)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// attachable looks at a file that is to be sent along; its digest is taken when the draft is submitted.
func attachable(path string) (drafts.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return drafts.File{}, fault.Wrap(err, fault.NotFound, "", "there is no file %s any more", path)
	case err != nil || !info.Mode().IsRegular():
		return drafts.File{}, fault.Wrap(err, fault.Usage, "", "%s is no file", path)
	}
	return drafts.File{Path: path, Name: filepath.Base(path), Type: mediaType(path), Size: info.Size()}, nil
}

// said makes of a draft what the exchange says, with its attachments open. Call done when it was said.
func (n *Node) said(d *drafts.Draft) (out exchange.Draft, done func(), err error) {
	out = exchange.Draft{
		Thread: d.Thread, To: d.To, Agreement: d.Agreement, Kind: d.Kind, Marking: d.Marking, Track: d.Track, Precedence: d.Precedence, Exercise: d.Exercise,
		By: d.By, Facts: d.Facts, Title: d.Title, Text: d.Text, Rest: d.Rest, Approval: d.ID,
	}
	if d.Part {
		return out, nil, fault.New(fault.Usage, "", "this draft is not complete yet: change it, and fill in what is missing")
	}
	var open []io.Closer
	done = func() {
		for _, f := range open {
			_ = f.Close() // it was only read
		}
	}
	for _, f := range d.Files {
		file, err := n.attachment(f)
		if err != nil {
			done()
			return out, nil, err
		}
		open = append(open, file)
		out.Blobs = append(out.Blobs, exchange.Attachment{Name: f.Name, Type: f.Type, Data: file})
	}
	return out, done, nil
}

// attachment opens an attachment of a draft.
func (n *Node) attachment(f drafts.File) (io.ReadSeekCloser, error) {
	if f.Upload != "" {
		return n.uploads.Open(f.Upload, f.Key)
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, fault.Wrap(err, fault.NotFound, "", "the attachment %s cannot be read any more", f.Path)
	}
	return file, nil
}

// propose finds out what would come of a draft if it were said now. Error: fault.Denied where it may not pass.
func (n *Node) propose(ctx context.Context, d *drafts.Draft) (Proposed, error) {
	draft, done, err := n.said(d)
	if err != nil {
		return Proposed{}, err
	}
	defer done()
	if draft, err = n.complete(ctx, draft); err != nil {
		return Proposed{}, err
	}
	p, err := n.Exchange.Propose(ctx, draft)
	if err != nil {
		return Proposed{}, err
	}
	out := Proposed{Verdict: p.Verdict, Approval: n.asksApproval(p)}
	if out.Digest, err = p.Digest(); err != nil {
		return out, err
	}
	for i, b := range p.Attachments() {
		d.Files[i].Size, d.Files[i].SHA256 = b.Size, b.SHA256
	}
	if !p.Verdict.Permitted {
		return out, exchange.Deny(p.Verdict)
	}
	return out, nil
}

// Drafts lists drafts by when they were changed, the last first.
func (n *Node) Drafts(ctx context.Context) ([]DraftView, error) {
	out := []DraftView{}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		a, staffed, err := n.actor(ctx, tx)
		if err == nil {
			out, err = n.drafts(tx, a, staffed)
		}
		return err
	})
	return out, err
}

// drafts is Drafts inside a transaction.
func (n *Node) drafts(tx store.Tx, a auth.Actor, staffed bool) ([]DraftView, error) {
	out := []DraftView{}
	if err := n.office.Rules.Authorize(a, auth.Read, auth.Matter{}, staffed).Err(); err != nil {
		return out, err
	}
	var bad error
	err := tx.EachDraft(func(row store.Draft) bool {
		var d drafts.Draft
		if d, bad = drafts.Parse(row); bad != nil {
			return false
		}
		if n.office.Rules.Authorize(a, auth.Read, matterOfDraft(&d), staffed).Permitted {
			out = append(out, viewDraft(&d))
		}
		return true
	})
	sortByChange(out)
	return out, errors.Join(err, bad)
}

// Draft shows one draft, by the beginning of its id, and what would come of it now. Where it could not be said at all, Verdict says nothing and the error says why.
func (n *Node) Draft(ctx context.Context, prefix string) (DraftView, Proposed, error) {
	d, err := n.findDraft(ctx, prefix, auth.Read)
	if err != nil {
		return DraftView{}, Proposed{}, err
	}
	p, err := n.propose(ctx, d)
	return viewDraft(d), p, err
}

func matterOfDraft(d *drafts.Draft) auth.Matter {
	return auth.Matter{
		Author: d.Author, Kind: d.Kind, To: d.To, Marking: d.Marking, Track: d.Track, Precedence: d.Precedence, Exercise: d.Exercise,
	}
}

// findDraft completes the beginning of an id to that of a draft, and holds the officer against an action on it.
func (n *Node) findDraft(ctx context.Context, prefix string, action auth.Action) (*drafts.Draft, error) {
	prefix = strings.ToLower(prefix)
	if _, err := hex.DecodeString(prefix + strings.Repeat("0", len(prefix)%2)); err != nil || len(prefix) < 4 {
		return nil, fault.New(fault.Usage, "", "a draft is given by its 32 hexadecimal digits, or the first four or more of them")
	}
	var found []drafts.Draft
	err := n.Store.View(ctx, func(tx store.Tx) error {
		found = nil
		var bad error
		err := tx.EachDraft(func(row store.Draft) bool {
			if strings.HasPrefix(drafts.Name(row.ID), prefix) {
				var d drafts.Draft
				if d, bad = drafts.Parse(row); bad == nil {
					found = append(found, d)
				}
			}
			return bad == nil
		})
		if err := errors.Join(err, bad); err != nil || len(found) != 1 {
			return err
		}
		return n.may(ctx, tx, action, matterOfDraft(&found[0]))
	})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, fault.New(fault.NotFound, "", "there is no draft %s here: it may have been released or dropped", prefix)
	case len(found) > 1:
		return nil, fault.New(fault.Usage, "", "more than one draft begins with %s: give more digits", prefix)
	}
	return &found[0], nil
}

// step changes a draft and records it in the same transaction. kind "" records nothing. change is called where it is written, on the draft as it is then.
func (n *Node) step(ctx context.Context, was *drafts.Draft, action auth.Action, kind statement.Kind, facts any, change func(tx store.Tx, d *drafts.Draft, a auth.Actor) error) (*drafts.Draft, error) {
	var after *drafts.Draft
	write := func(tx store.Tx, record statement.ID) error {
		row, err := tx.Draft(was.ID)
		if err != nil {
			return err
		}
		d, err := drafts.Parse(row)
		if err != nil {
			return err
		}
		if d.Changed != was.Changed || d.Status != was.Status || d.Digest != was.Digest {
			return orMeanwhile(nil)
		}
		a, staffed, err := n.actor(ctx, tx)
		if err != nil {
			return err
		}
		if err := n.office.Rules.Authorize(a, action, matterOfDraft(&d), staffed).Err(); err != nil {
			return err
		}
		if err := change(tx, &d, a); err != nil {
			return err
		}
		if _, err := n.office.Used(tx, auth.ClaimOf(ctx), statement.TimeOf(n.Now())); err != nil {
			return err
		}
		if !record.IsZero() {
			d.Record = record
		}
		after = &d
		if row, err = d.Row(); err != nil {
			return err
		}
		return tx.PutDraft(row)
	}
	if kind == "" {
		err := n.Exchange.Update(ctx, func(tx store.Tx) error { return write(tx, statement.ID{}) })
		return after, err
	}
	r, err := n.recordStep(ctx, was, action, kind, facts)
	if err != nil {
		return nil, err
	}
	_, err = n.Exchange.Together(recording(ctx), r, func(tx store.Tx, said exchange.Said) ([]exchange.Draft, error) {
		return nil, write(tx, said.Thread)
	})
	return after, err
}

// recordStep is the record of a step of a draft, by whoever ctx is of.
func (n *Node) recordStep(ctx context.Context, d *drafts.Draft, action auth.Action, kind statement.Kind, facts any) (exchange.Draft, error) {
	a, err := n.Whoami(ctx)
	if err != nil {
		return exchange.Draft{}, err
	}
	by, err := n.speaks(a, "", action, matterOfDraft(d))
	if err != nil {
		return exchange.Draft{}, err
	}
	return n.recordOf(auth.Change{Kind: kind, Record: d.Record, Facts: facts}, by)
}

// EditDraft changes what would be said; an approval that it had is void. files replace its attachments; nil leaves them. When it fails, uploads among files are still the
// caller's: GiveUp.
func (n *Node) EditDraft(ctx context.Context, prefix string, change func(*drafts.Content) error, files []drafts.File) (DraftView, error) {
	return n.editDraft(ctx, prefix, change, files, false)
}

// KeepEdit is EditDraft for what is not complete yet, as KeepDraft is NewDraft.
func (n *Node) KeepEdit(ctx context.Context, prefix string, change func(*drafts.Content) error, files []drafts.File) (DraftView, error) {
	return n.editDraft(ctx, prefix, change, files, true)
}

func (n *Node) editDraft(ctx context.Context, prefix string, change func(*drafts.Content) error, files []drafts.File, part bool) (DraftView, error) {
	d, err := n.findDraft(ctx, prefix, auth.Draft)
	if err != nil {
		return DraftView{}, err
	}
	now := statement.TimeOf(n.Now())
	edit := func(c *drafts.Content) error {
		c.Part = part
		if err := change(c); err != nil || files == nil {
			return err
		}
		c.Files = slices.Clone(files)
		return nil
	}
	trial := *d
	if err := trial.Edit(edit, now); err != nil {
		return DraftView{}, err
	}
	if err := n.sayable(ctx, &trial); err != nil {
		return DraftView{}, err
	}
	kind := statement.Kind("")
	if d.Status == drafts.Submitted || d.Status == drafts.Approved {
		kind = office.KindEdit
	}
	after, err := n.step(ctx, d, auth.Draft, kind, struct{}{}, func(_ store.Tx, d *drafts.Draft, _ auth.Actor) error { return d.Edit(edit, now) })
	if err != nil {
		return DraftView{}, err
	}
	n.dropReplaced(d.Files, after.Files)
	return viewDraft(after), nil
}

// SubmitDraft asks another officer to approve a draft. What may not pass is not submitted.
func (n *Node) SubmitDraft(ctx context.Context, prefix string) (DraftView, Proposed, error) {
	d, err := n.findDraft(ctx, prefix, auth.Submit)
	if err != nil {
		return DraftView{}, Proposed{}, err
	}
	p, err := n.propose(ctx, d)
	if err != nil {
		return DraftView{}, p, err
	}
	now, files := statement.TimeOf(n.Now()), d.Files
	trial := *d // what its status does not allow is told in better words than its record would
	if err := trial.Submit(p.Digest, now); err != nil {
		return DraftView{}, p, err
	}
	after, err := n.step(ctx, d, auth.Submit, office.KindSubmit, office.Submit{Says: d.Kind, Digest: p.Digest}, func(_ store.Tx, d *drafts.Draft, _ auth.Actor) error {
		d.Files = files
		return d.Submit(p.Digest, now)
	})
	if err != nil {
		return DraftView{}, p, err
	}
	return viewDraft(after), p, nil
}

// ApproveDraft agrees that exactly this is said: read is the digest of what whoever approves has read, as Proposed has it. Whoever approves is not its author.
// Error: fault.Inadmissible where what would be said is another than that.
func (n *Node) ApproveDraft(ctx context.Context, prefix string, read statement.Digest) (DraftView, error) {
	// spec: DEC-10
	d, err := n.findDraft(ctx, prefix, auth.Approve)
	if err != nil {
		return DraftView{}, err
	}
	a, err := n.Whoami(ctx)
	if err != nil {
		return DraftView{}, err
	}
	p, err := n.propose(ctx, d)
	if err != nil {
		return DraftView{}, err
	}
	now, trial := statement.TimeOf(n.Now()), *d
	if err := trial.Approve(a.ID, p.Digest, now); err != nil {
		return DraftView{}, err
	}
	if err := asRead(read, p.Digest); err != nil {
		return DraftView{}, err
	}
	after, err := n.step(ctx, d, auth.Approve, office.KindApprove, office.Approve{Digest: p.Digest}, func(_ store.Tx, d *drafts.Draft, a auth.Actor) error {
		return d.Approve(a.ID, p.Digest, now)
	})
	if err != nil {
		return DraftView{}, err
	}
	return viewDraft(after), nil
}

// asRead is the fault of what is not what somebody has read.
func asRead(read, now statement.Digest) error {
	// spec: DEC-10
	switch {
	case read.IsZero():
		return fault.New(fault.Usage, "DEC-10", "give the digest of what you have read: nobody lets out in another's name what they did not see")
	case read != now:
		return fault.New(fault.Inadmissible, "DEC-10", "what would be said is not what you have read any more: it was changed meanwhile, so read it again")
	}
	return nil
}

// ReturnDraft sends a draft back to its author, with a reason.
func (n *Node) ReturnDraft(ctx context.Context, prefix, reason string) (DraftView, error) {
	d, err := n.findDraft(ctx, prefix, auth.Approve)
	if err != nil {
		return DraftView{}, err
	}
	a, err := n.Whoami(ctx)
	if err != nil {
		return DraftView{}, err
	}
	now, trial := statement.TimeOf(n.Now()), *d
	if err := trial.Return(a.ID, reason, now); err != nil {
		return DraftView{}, err
	}
	after, err := n.step(ctx, d, auth.Approve, office.KindReturn, struct{}{}, func(_ store.Tx, d *drafts.Draft, a auth.Actor) error { return d.Return(a.ID, reason, now) })
	if err != nil {
		return DraftView{}, err
	}
	return viewDraft(after), nil
}

// ReleaseDraft says what a draft says, and erases the draft. What needs a second officer's approval has it, or is refused. read is the digest of what whoever releases has
// read; only the author may leave it out. Its contract is that of Exchange.Submit.
func (n *Node) ReleaseDraft(ctx context.Context, prefix string, read statement.Digest) (exchange.Said, error) {
	// spec: DEC-10
	d, err := n.findDraft(ctx, prefix, auth.Read)
	if err != nil {
		return exchange.Said{}, err
	}
	out, done, err := n.said(d)
	if err != nil {
		return exchange.Said{}, err
	}
	defer done()
	if out, err = n.complete(ctx, out); err != nil {
		return exchange.Said{}, err
	}
	what, err := n.Exchange.Together(releasing(recording(ctx), read), out, func(tx store.Tx, said exchange.Said) ([]exchange.Draft, error) {
		if err := dropDraft(tx, d); err != nil || d.Record.IsZero() {
			return nil, err
		}
		r, err := n.recordStepIn(ctx, tx, d, auth.Release, office.KindRelease, office.Release{Statement: said.ID})
		return []exchange.Draft{r}, err
	})
	if err != nil {
		return what, err
	}
	n.DropUploads(d.Files)
	return what, n.scrub(ctx)
}

// recordStepIn is recordStep inside a transaction.
func (n *Node) recordStepIn(ctx context.Context, tx store.Tx, d *drafts.Draft, action auth.Action, kind statement.Kind, facts any) (exchange.Draft, error) {
	a, _, err := n.actor(ctx, tx)
	if err != nil {
		return exchange.Draft{}, err
	}
	by, err := n.speaks(a, "", action, matterOfDraft(d))
	if err != nil {
		return exchange.Draft{}, err
	}
	return n.recordOf(auth.Change{Kind: kind, Record: d.Record, Facts: facts}, by)
}

// DropDraft erases a draft that will not be said: its author does, or, once it was submitted, whoever may approve it.
func (n *Node) DropDraft(ctx context.Context, prefix string) error {
	action := auth.Draft
	d, err := n.findDraft(ctx, prefix, action)
	if fault.CodeOf(err) == fault.Denied {
		if other, e := n.findDraft(ctx, prefix, auth.Approve); e == nil {
			d, err, action = other, nil, auth.Approve
			if d.Status == drafts.Writing {
				err = fault.New(fault.Denied, "", "the draft %s is still being written: until it is submitted it is its author's alone to drop", d.Short())
			}
		}
	}
	if err != nil {
		return err
	}
	drop := func(tx store.Tx) error {
		if err := n.may(ctx, tx, action, matterOfDraft(d)); err != nil {
			return err
		}
		return dropDraft(tx, d)
	}
	if d.Record.IsZero() {
		err = n.Exchange.Update(ctx, drop)
	} else {
		var r exchange.Draft
		if r, err = n.recordStep(ctx, d, action, office.KindDrop, struct{}{}); err != nil {
			return err
		}
		_, err = n.Exchange.Together(recording(ctx), r, func(tx store.Tx, _ exchange.Said) ([]exchange.Draft, error) { return nil, drop(tx) })
	}
	if err != nil {
		return err
	}
	n.DropUploads(d.Files)
	return n.scrub(ctx)
}

// dropDraft erases a draft that is still as it was found.
func dropDraft(tx store.Tx, was *drafts.Draft) error {
	// spec: STM-7
	row, err := tx.Draft(was.ID)
	if err != nil {
		return err
	}
	if row.Changed != was.Changed || row.Status != string(was.Status) {
		return orMeanwhile(nil)
	}
	if err := tx.DropDraft(was.ID); err != nil {
		return err
	}
	return tx.SetMeta(exchange.NoteUnscrubbed, rand.Text())
}

func sortByChange(all []DraftView) {
	slices.SortStableFunc(all, func(a, b DraftView) int { return b.Changed.Std().Compare(a.Changed.Std()) })
}

// mediaType is the type of a file by its name.
func mediaType(path string) string {
	kind, _, _ := strings.Cut(mime.TypeByExtension(filepath.Ext(path)), ";")
	if kind == "" {
		return "application/octet-stream"
	}
	return kind
}
