package fedtest

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// arriving is an upload that has something done while it arrives.
type arriving struct {
	io.Reader
	read int
	half int
	then func()
}

// Read implements io.Reader.
func (a *arriving) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	if a.read += n; a.read >= a.half && a.then != nil {
		a.then()
		a.then = nil
	}
	return n, err
}

// uploaded lists what lies in a party's folder of uploads, by name.
func (p *Party) uploaded() map[string][]byte {
	p.F.T.Helper()
	out := map[string][]byte{}
	all, err := os.ReadDir(filepath.Join(p.Dir, "uploads"))
	if !os.IsNotExist(err) {
		p.F.must(err)
	}
	for _, d := range all {
		out[d.Name()], err = os.ReadFile(filepath.Join(p.Dir, "uploads", d.Name()))
		p.F.must(err)
	}
	return out
}

// keys are the keys of a draft's uploads, as its row has them.
func (s *staffed) keys(v node.DraftView) (out [][]byte) {
	s.F.T.Helper()
	s.F.must(s.Store.View(s.F.T.Context(), func(tx store.Tx) error {
		row, err := tx.Draft(idOf(s.F.T, v))
		if err != nil {
			return err
		}
		d, err := drafts.Parse(row)
		for _, f := range d.Files {
			out = append(out, []byte(f.Key))
		}
		return err
	}))
	return out
}

// TestUploadsAreSealed: an attachment that is uploaded is in no file in the clear, not while it arrives, not while its draft waits, not after it was dropped, replaced or
// said; nor is its key. The draft survives a new start, and what was uploaded is what the other side gets.
func TestUploadsAreSealed(t *testing.T) {
	t.Parallel()
	// spec: STM-7
	f := New(t, "XA", "XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	xa, xb := f.At("XA"), f.At("XB")
	s := staff(xa, map[string][]auth.Role{"duty": {auth.DutyOfficer}})
	marker := []byte("MARKER-upload-quince")
	text := bytes.Repeat(append(marker, "walnut "...), 30_000)
	hidden := [][]byte{marker}
	look := func(when string) {
		t.Helper()
		for name, raw := range xa.everyFile() {
			for _, h := range hidden {
				if bytes.Contains(raw, h) {
					t.Errorf("%s: %q in %s", when, h[:8], filepath.Base(name))
				}
			}
		}
	}
	kept := func(name string) drafts.File {
		t.Helper()
		file, err := s.KeepUpload(s.as["duty"], node.Upload{Name: name, Data: &arriving{bytes.NewReader(text), 0, len(text) / 2, func() { look("while it arrives") }}}, 1<<30)
		f.must(err)
		return file
	}
	made := func(text, name string) node.DraftView {
		t.Helper()
		v, err := s.NewDraft(s.as["duty"], s.request(agreed, text), []drafts.File{kept(name)})
		f.must(err)
		hidden = append(hidden, s.keys(v)...)
		return v
	}
	said, dropped, replaced := made("said", "said.txt"), made("dropped", "dropped.txt"), made("replaced", "replaced.txt")
	if got := s.keys(said); len(got) != 1 || !bytes.HasPrefix(got[0], []byte("AGE-SECRET-KEY-PQ-")) || len(xa.uploaded()) != 3 {
		t.Fatalf("%q, %d files", got, len(xa.uploaded()))
	}
	look("while drafts wait")
	xa.Restart(nil)
	look("after a new start")

	before := xa.uploaded()
	f.must(s.DropDraft(s.as["duty"], dropped.ID))
	_, err := s.EditDraft(s.as["duty"], replaced.ID, func(c *drafts.Content) error { return nil }, []drafts.File{kept("better.txt")})
	f.must(err)
	after := xa.uploaded()
	if len(after) != 2 || slices.Equal(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after))) {
		t.Errorf("%d files are left", len(after))
	}
	look("after one was dropped and one replaced")
	what, err := s.ReleaseDraft(s.as["duty"], said.ID, statement.Digest{})
	f.must(err)
	xb.Has(what.ID)
	if got := xb.wholeBlobs(what.ID, 1); !bytes.Equal(got, text) {
		t.Errorf("%d bytes have arrived, of %d", len(got), len(text))
	}
	if len(xa.uploaded()) != 1 {
		t.Errorf("%d files are left", len(xa.uploaded()))
	}
	look("after it was said")
	// An upload is its officer's: with a file that was changed nothing is said.
	for name, raw := range xa.uploaded() {
		raw[len(raw)-1] ^= 1
		f.must(os.WriteFile(filepath.Join(xa.Dir, "uploads", name), raw, 0o600))
	}
	_, err = s.ReleaseDraft(s.as["duty"], replaced.ID, statement.Digest{})
	if fault.CodeOf(err) != fault.NotAuthentic {
		t.Errorf("a changed file: %v", err)
	}
}

// TestOrphansAreSwept: uploads that no draft has go with the node's regular work when they are an hour old, also after a crash in the middle of one.
func TestOrphansAreSwept(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	xa := f.At("XA")
	s := staff(xa, map[string][]auth.Role{"duty": {auth.DutyOfficer}, "aud": {auth.Auditor}})
	ctx := t.Context()
	keep := func() drafts.File {
		t.Helper()
		file, err := s.KeepUpload(s.as["duty"], node.Upload{Name: "x", Data: strings.NewReader("text")}, 1<<20)
		f.must(err)
		return file
	}
	keep() // its request was broken off before it became a draft's
	mine, err := s.NewDraft(s.as["duty"], s.request(agreed, "kept"), []drafts.File{keep()})
	f.must(err)
	gone := keep()
	old, err := s.NewDraft(s.as["duty"], s.request(agreed, "dropped"), []drafts.File{gone})
	f.must(err)
	left := filepath.Join(xa.Dir, "uploads", gone.Upload)
	raw, err := os.ReadFile(left)
	f.must(err)
	f.must(s.DropDraft(s.as["duty"], old.ID))
	f.must(os.WriteFile(left, raw, 0o600)) // killed between the draft's end and its file's

	// Killed while one arrived: half a file.
	half := filepath.Join(xa.Dir, "uploads", strings.TrimSuffix(gone.Upload, gone.Upload[len(gone.Upload)-26:])+strings.Repeat("A", 26))
	f.must(os.WriteFile(half, raw[:100], 0o600))
	xa.Restart(nil)
	f.Clock.Pass(59 * time.Minute)
	_, err = xa.Tend(ctx)
	f.must(err)
	if n := len(xa.uploaded()); n != 4 {
		t.Errorf("%d files are there; nothing may go so soon", n)
	}
	f.Clock.Pass(2 * time.Minute)
	_, err = xa.Tend(ctx)
	f.must(err)
	if n := len(xa.uploaded()); n != 1 {
		t.Errorf("%d files are there; one draft has one", n)
	}
	_, err = s.ReleaseDraft(s.as["duty"], mine.ID, statement.Digest{})
	f.must(err)
	_, err = s.KeepUpload(s.as["aud"], node.Upload{Name: "x", Data: strings.NewReader("text")}, 1<<20)
	s.denied("an auditor uploads", err, "an auditor changes nothing")
	if n := len(xa.uploaded()); n != 0 {
		t.Errorf("%d files are left", n)
	}
}
