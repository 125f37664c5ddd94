package node

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/comity-exchange/comity/fault"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/store"
)

// uploadsDir is where attachments lie that came through a face, until what they belong to is said or dropped.
const uploadsDir = "uploads"

// maxName bounds the name of an attachment, in bytes.
const maxName = 120

// KeepUpload writes an attachment that came through a face into the node's folder, and gives its path for NewDraft and its size. Of name only what is harmless in a file's name is
// kept: no folder, no control character, nothing that changes the direction of writing. Errors: fault.TooLarge over most bytes; what r gives.
func (n *Node) KeepUpload(name string, r io.Reader, most int64) (path string, size int64, err error) {
	dir := filepath.Join(n.path(uploadsDir), rand.Text())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", 0, fault.Wrap(err, fault.Unavailable, "", "the attachment cannot be kept: look at the node's folder")
	}
	path = filepath.Join(dir, SafeName(name))
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir) // what is half written is of no use; the first error counts
		}
	}()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", 0, fault.Wrap(err, fault.Unavailable, "", "the attachment cannot be kept: look at the node's folder")
	}
	size, err = io.Copy(f, io.LimitReader(r, most+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", 0, fault.Wrap(err, fault.Unavailable, "", "the attachment did not arrive whole: send it again")
	}
	if size > most {
		return "", 0, fault.New(fault.TooLarge, "", "attachments may have %d MiB together here: use the command line for more", most>>20)
	}
	return path, size, nil
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

// DropUploads removes those of these files that KeepUpload wrote; others stay where their owners have them.
func (n *Node) DropUploads(files []drafts.File) {
	for _, f := range files {
		if n.uploaded(f.Path) {
			_ = os.RemoveAll(filepath.Dir(f.Path)) // SweepUploads comes by again
		}
	}
}

// uploaded tells whether a path is one that KeepUpload gave.
func (n *Node) uploaded(path string) bool {
	root, err := filepath.Abs(n.path(uploadsDir))
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel) && strings.Count(filepath.ToSlash(rel), "/") == 1
}

// SweepUploads removes attachments that no draft has and that are older than a while: an upload that was broken off, a node that was killed between two steps.
func (n *Node) SweepUploads(ctx context.Context, older time.Duration) (removed int, err error) {
	root, err := filepath.Abs(n.path(uploadsDir))
	if err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "", "the folder of attachments cannot be found")
	}
	dirs, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "", "the folder of attachments cannot be read")
	}
	used, err := n.attached(ctx)
	if err != nil {
		return 0, err
	}
	for _, d := range dirs {
		info, err := d.Info()
		if err != nil || used[filepath.Join(root, d.Name())] || n.Now().Sub(info.ModTime()) < older {
			continue
		}
		if err := os.RemoveAll(filepath.Join(root, d.Name())); err != nil {
			return removed, fault.Wrap(err, fault.Unavailable, "", "an attachment that nobody needs cannot be removed")
		}
		removed++
	}
	return removed, nil
}

// attached lists the folders in which files of drafts lie.
func (n *Node) attached(ctx context.Context) (map[string]bool, error) {
	used := map[string]bool{}
	var bad error
	err := n.Store.View(ctx, func(tx store.Tx) error {
		clear(used)
		return tx.EachDraft(func(row store.Draft) bool {
			var d drafts.Draft
			if d, bad = drafts.Parse(row); bad != nil {
				return false
			}
			for _, f := range d.Files {
				used[filepath.Dir(f.Path)] = true
			}
			return true
		})
	})
	return used, errors.Join(err, bad)
}
