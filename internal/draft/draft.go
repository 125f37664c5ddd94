package draft

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Status is how far a draft has come.
type Status string

// The statuses. What was released or dropped is a draft no more.
const (
	Writing   Status = "draft"
	Submitted Status = "submitted"
	Returned  Status = "returned"
	Approved  Status = "approved"
)

// Draft is what somebody is about to say. Author and Approver are officers' ids; "" is the operator of a node.
type Draft struct {
	ID      store.DraftID
	Author  string
	Status  Status
	Record  thread.ID // what was recorded about it; zero until it is submitted
	Made    statement.Time
	Changed statement.Time
	Content
}

// Content is what of a draft is kept sealed.
type Content struct {
	By         statement.By              `json:"by"` // as whom it speaks: the author
	Thread     thread.ID                 `json:"thread,omitzero"`
	To         []party.Code              `json:"to,omitempty"`
	Agreement  agreement.ID              `json:"agreement,omitzero"`
	Kind       statement.Kind            `json:"kind"`
	Marking    marking.Marking           `json:"marking"`
	Track      statement.Track           `json:"track,omitzero"`
	Precedence statement.Precedence      `json:"precedence,omitzero"`
	Exercise   bool                      `json:"exercise,omitzero"`
	Facts      jsontext.Value            `json:"facts,omitzero"`
	Title      string                    `json:"title,omitzero"`
	Text       string                    `json:"text,omitzero"`
	Rest       map[string]jsontext.Value `json:"rest,omitempty"`
	Files      []File                    `json:"files,omitempty"`
	Part       bool                      `json:"part,omitzero"` // it is not complete yet, and cannot be said

	Digest   statement.Digest `json:"digest,omitzero"` // of exactly what would be said, as it was submitted
	Approver string           `json:"approver,omitzero"`
	Reason   string           `json:"reason,omitzero"` // why it was sent back
}

// File is an attachment that is still where the officer has it, or, where it came through a face, where the node keeps it sealed (internal/upload). Key opens it then,
// and stands nowhere but in the sealed content of the draft: with that it is destroyed.
type File struct {
	Path   string           `json:"path,omitzero"`                 // absolute; "": it was uploaded
	Upload string           `json:"upload,omitzero" hidden:"true"` // name of an upload; no view shows it, nor Key
	Key    string           `json:"key,omitzero" hidden:"true"`
	Name   string           `json:"name"`
	Type   string           `json:"type"`
	Size   int64            `json:"size"`
	SHA256 statement.Digest `json:"sha256"`
}

// MaxReason bounds why a draft is sent back, in bytes.
const MaxReason = 4000

// New makes a draft of content by author.
func New(author string, c Content, now statement.Time) Draft {
	d := Draft{Author: author, Status: Writing, Made: now, Changed: now, Content: c}
	rand.Read(d.ID[:]) // never fails: crypto/rand ends the process instead
	return d
}

// Name is a draft's id as people and programs write it.
func Name(id store.DraftID) string { return hex.EncodeToString(id[:]) }

// Short is the beginning of a draft's name.
func (d *Draft) Short() string { return Name(d.ID)[:8] }

func (d *Draft) wrong(why string) error {
	return fault.New(fault.Inadmissible, "", "the draft %s is %s: %s", d.Short(), d.Status.is(), why)
}

func (s Status) is() string {
	switch s {
	case Writing:
		return "still being written"
	case Submitted:
		return "submitted, and waits for another officer"
	case Returned:
		return "sent back"
	}
	return string(s)
}

// Edit changes what would be said. Whatever was submitted or approved before counts no more.
func (d *Draft) Edit(change func(*Content) error, now statement.Time) error {
	c := d.Content
	if err := change(&c); err != nil {
		return err
	}
	c.Digest, c.Approver = statement.Digest{}, ""
	if d.Status != Returned {
		c.Reason, d.Status = "", Writing
	}
	d.Content, d.Changed = c, now
	return nil
}

// Submit asks another officer to approve it; digest covers exactly what would be said.
func (d *Draft) Submit(digest statement.Digest, now statement.Time) error {
	if d.Status != Writing && d.Status != Returned {
		return d.wrong("nothing is to be submitted")
	}
	d.Status, d.Digest, d.Approver, d.Reason, d.Changed = Submitted, digest, "", "", now
	return nil
}

// Approve agrees that exactly what digest covers is said. by is not the author.
func (d *Draft) Approve(by string, digest statement.Digest, now statement.Time) error {
	switch {
	case by == d.Author:
		return d.own()
	case d.Status != Submitted:
		return d.wrong("only what is submitted is approved")
	case digest != d.Digest:
		return d.changed()
	}
	d.Status, d.Approver, d.Changed = Approved, by, now
	return nil
}

// Return sends it back to its author with a reason.
func (d *Draft) Return(by, reason string, now statement.Time) error {
	switch {
	case by == d.Author:
		return d.own()
	case d.Status != Submitted && d.Status != Approved:
		return d.wrong("only what is submitted or approved is sent back")
	case strings.TrimSpace(reason) == "":
		return fault.New(fault.Usage, "", "say why it is sent back, so that the author knows what to change")
	case len(reason) > MaxReason || !utf8.ValidString(reason) || strings.ContainsFunc(reason, func(c rune) bool { return c != '\n' && unicode.Is(unicode.Cc, c) }):
		return fault.New(fault.Usage, "", "a reason has at most %d bytes and no control characters", MaxReason)
	}
	d.Status, d.Approver, d.Reason, d.Changed = Returned, "", reason, now
	return nil
}

// Release holds what would be said against what was approved.
func (d *Draft) Release(by statement.By, digest statement.Digest) error {
	switch {
	case d.Status != Approved:
		return d.wrong("only what another officer has approved is released")
	case d.Approver == d.Author:
		return d.own()
	case digest != d.Digest || by != d.By:
		return d.changed()
	}
	return nil
}

func (d *Draft) own() error {
	return fault.New(fault.Denied, "DEC-10", "nobody approves a draft of their own: another officer does")
}

// changed is the fault of an approval that does not cover what would be said.
func (d *Draft) changed() error {
	return fault.New(fault.Denied, "DEC-10", "what would be said is not what was submitted any more: an attachment, the recipients or the agreement's text have changed; its author looks at it and submits it again")
}

// Row is the draft as it is kept.
func (d *Draft) Row() (store.Draft, error) {
	raw, err := json.Marshal(d.Content, json.Deterministic(true))
	if err != nil {
		return store.Draft{}, fault.Wrap(err, fault.Internal, "", "a draft cannot be written")
	}
	return store.Draft{ID: d.ID, Author: d.Author, Status: string(d.Status), Record: d.Record, Made: d.Made, Changed: d.Changed, Content: raw}, nil
}

// Parse reads what Row gave.
func Parse(row store.Draft) (Draft, error) {
	d := Draft{ID: row.ID, Author: row.Author, Status: Status(row.Status), Record: row.Record, Made: row.Made, Changed: row.Changed}
	if err := json.Unmarshal(row.Content, &d.Content, json.RejectUnknownMembers(true)); err != nil {
		return d, fault.Wrap(err, fault.Internal, "", "a draft cannot be read: another version of this program has written it")
	}
	return d, nil
}
