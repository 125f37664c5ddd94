package node

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/comity-exchange/comity/internal/auth"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/store"
)

// uploadsDir is where attachments lie sealed that came through a face, until what they belong to is said or dropped.
const uploadsDir = "uploads"

// abandonedUpload is how old an attachment is that belongs to no draft before it is removed: the form that it came with may still be on its way.
const abandonedUpload = time.Hour

// maxName bounds the name of an attachment, in bytes.
const maxName = 120

// Upload is an attachment as it comes through a face.
type Upload struct {
	Name string // as the request calls it
	Type string // media type; "": by the name
	Data io.Reader
}

// KeepUpload seals an attachment into the node's folder while it arrives, for NewDraft or EditDraft by the same officer; the key is in what it gives and nowhere else. Of
// its name only what is harmless in a file's name is kept: no folder, no control character, nothing that changes the direction of writing. Errors: fault.Denied for who
// may not draft; those of upload.Folder.Keep.
func (n *Node) KeepUpload(ctx context.Context, u Upload, most int64) (drafts.File, error) {
	var a auth.Actor
	if err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		var staffed bool
		if a, staffed, err = n.actor(ctx, tx); err != nil {
			return err
		}
		return n.office.Rules.Authorize(a, auth.Draft, auth.Matter{Author: a.ID}, staffed).Err()
	}); err != nil {
		return drafts.File{}, err
	}
	kept, err := n.uploads.Keep(a.ID, u.Data, most)
	if err != nil {
		return drafts.File{}, err
	}
	name := SafeName(u.Name)
	if u.Type == "" {
		u.Type = mediaType(name)
	}
	return drafts.File{Upload: kept.Name, Key: kept.Key, Name: name, Type: u.Type, Size: kept.Size}, nil
}

// SafeName is a file's name without what could mislead a person or a program.
func SafeName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(c rune) rune {
		switch {
		case c == utf8.RuneError, unicode.Is(unicode.C, c), unicode.Is(unicode.Bidi_Control, c):
			return -1
		case strings.ContainsRune(`:*?"<>|`, c):
			return '_'
		case unicode.IsSpace(c):
			return ' '
		}
		return c
	}, name)
	name = strings.Trim(name, " .")
	for len(name) > maxName { // the beginning goes, the ending stays
		_, size := utf8.DecodeRuneInString(name)
		name = name[size:]
	}
	if name == "" {
		return "attachment"
	}
	return name
}

// DropUploads removes what KeepUpload has kept and no draft has; files of officers stay where they have them.
func (n *Node) DropUploads(files []drafts.File) {
	for _, f := range files {
		if f.Upload != "" {
			n.uploads.Drop(f.Upload)
		}
	}
}

// GiveUp drops uploads for which NewDraft or EditDraft has failed with err. Where it is not known whether the draft is there, they stay: sweeping finds out.
func (n *Node) GiveUp(files []drafts.File, err error) {
	if !store.OutcomeUnknown(err) {
		n.DropUploads(files)
	}
}

// dropReplaced removes uploads that a draft had and has no more.
func (n *Node) dropReplaced(had, has []drafts.File) {
	n.DropUploads(slices.DeleteFunc(slices.Clone(had), func(f drafts.File) bool {
		return slices.ContainsFunc(has, func(g drafts.File) bool { return g.Upload == f.Upload })
	}))
}

// sweepUploads removes uploads that no draft has. Every process that is served does it, each for its own folder.
func (n *Node) sweepUploads(ctx context.Context) error {
	removed, err := n.uploads.Sweep(abandonedUpload, func() (map[string]bool, error) { return n.attached(ctx) })
	if removed > 0 {
		n.component("erasing").InfoContext(ctx, "attachments that no draft has were removed", "files", removed)
	}
	return err
}

// attached lists the uploads that drafts have.
func (n *Node) attached(ctx context.Context) (map[string]bool, error) {
	used := map[string]bool{}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		clear(used)
		var bad error
		err := tx.EachDraft(func(row store.Draft) bool {
			var d drafts.Draft
			if d, bad = drafts.Parse(row); bad != nil {
				return false
			}
			for _, f := range d.Files {
				used[f.Upload] = true
			}
			return true
		})
		return errors.Join(err, bad)
	})
	return used, err
}
