package fedtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/storetest"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// traces is what must be gone of a statement: words that stand in its title, text, attachment and attachment's name, its keys, and its sealed bytes.
type traces struct {
	id    statement.ID
	bytes map[string][]byte
}

// marked says something whose every part has a word of its own.
func marked(xa *Party, agreed statement.ID, name string, d exchange.Draft) traces {
	words := traces{bytes: map[string][]byte{}}
	word := func(part string) string {
		w := fmt.Sprintf("MARKER-%s-%s-quince", name, part)
		words.bytes[part] = []byte(w)
		return w
	}
	d.Title, d.Text = word("title"), strings.Repeat("x", 3000)+word("text")
	d.Blobs = []exchange.Attachment{
		{Name: word("name") + ".csv", Type: "text/csv", Data: strings.NewReader(word("small"))},
		{Name: "large.bin", Type: "application/octet-stream", Data: strings.NewReader(strings.Repeat("walnut ", 100_000) + word("large"))},
	}
	words.id = xa.Ask(agreed, d, "XB").ID
	return words
}

// sealed adds the keys and sealed bytes that a party's store has of it.
func (w traces) sealed(p *Party) traces {
	t := p.F.T
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.Dir, p.Config.Store))
	p.F.must(err)
	defer db.Close()
	out := traces{id: w.id, bytes: map[string][]byte{}}
	for k, v := range w.bytes {
		out.bytes[k] = v
	}
	for part := store.BodyPart; part < 2; part++ {
		for i, b := range storetest.Secrets(t, db, store.ContentRef{Statement: w.id, Part: part}) {
			for at := 0; at+16 <= len(b); at += max(16, len(b)/8) {
				out.bytes[fmt.Sprintf("secret %d of part %d at %d", i, part, at)] = b[at : at+16]
			}
		}
	}
	return out
}

// everyFile reads all that lies in a party's folder, and a backup that is made of it now, opened.
func (p *Party) everyFile() map[string][]byte {
	p.F.T.Helper()
	var backup bytes.Buffer
	_, err := p.Node.Backup(context.Background(), &backup)
	p.F.must(err)
	plain, err := age.Decrypt(&backup, p.Keys.Identity())
	p.F.must(err)
	_, err = io.CopyN(io.Discard, plain, int64(len("comity-store/4\n")))
	p.F.must(err)
	z, err := zstd.NewReader(plain)
	p.F.must(err)
	defer z.Close()
	all := map[string][]byte{}
	all["a backup"], err = io.ReadAll(z)
	p.F.must(err)
	p.F.must(filepath.WalkDir(p.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	}))
	if len(all["a backup"]) == 0 || len(all) < 5 {
		p.F.T.Fatalf("only %d files", len(all))
	}
	return all
}

// found lists what is in some file, as "what in where".
func (w traces) found(files map[string][]byte) (out []string) {
	for what, b := range w.bytes {
		for name, data := range files {
			if bytes.Contains(data, b) {
				out = append(out, what+" in "+filepath.Base(name))
			}
		}
	}
	return out
}

// After an erasure, for whatever reason, no byte of what was said is in any file of the node, while it runs and after it has ended: database, write-ahead log, index,
// backup; not even sealed, and no key.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	// spec: STM-7, RCL-7, RET-1
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	ctx := t.Context()
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	dated := exchange.Draft{}
	dated.Marking.TLP, dated.Marking.RetainUntil = "AMBER", statement.TimeOf(f.Clock.Now().Add(time.Hour)).String()
	stays := marked(xa, agreed, "stays", exchange.Draft{})
	recalled, retained, dropped := marked(xa, agreed, "recall", exchange.Draft{}), marked(xa, agreed, "retention", dated), marked(xa, agreed, "officer", exchange.Draft{})
	after := marked(xa, agreed, "after", exchange.Draft{}) // so that what goes lies between what stays
	all := []traces{recalled, retained, dropped}
	for _, w := range append(all, stays, after) {
		xb.Has(w.id)
		xb.wholeBlobs(w.id, 2)
	}
	f.Quiet()
	for i := range all {
		all[i] = all[i].sealed(xb)
		if len(all[i].found(xb.everyFile())) < 10 {
			t.Fatal("the search does not find what is there")
		}
	}
	stays = stays.sealed(xb)

	// A recovery that was killed has left what peers gave back.
	left := filepath.Join(xb.Dir, "mirror-123")
	f.must(os.Mkdir(left, 0o700))
	f.must(os.WriteFile(filepath.Join(left, "1"), recalled.bytes["text"], 0o600))
	f.must(os.Chtimes(left, time.Time{}, time.Now().Add(-25*time.Hour)))
	asked, err := xa.Recall(ctx, node.Recalling{IDs: []statement.ID{recalled.id}, Reason: recall.SentInError, Precedence: statement.Flash, By: xa.By("duty-officer", "one")})
	f.must(err)
	xb.Has(asked[0].Thread)
	_, err = xb.ConfirmRecall(ctx, asked[0].Thread, false, xb.By("duty-officer", "two"))
	f.must(err)
	said, err := xb.Erase(ctx, []statement.ID{dropped.id}, xb.By("duty-officer", "two"))
	f.must(err)
	xa.Has(said[0].ID) // the others of the thread are told
	f.Clock.Pass(2 * time.Hour)
	did, err := xb.Tend(ctx)
	f.must(err)
	if did.Retention != 1 {
		t.Errorf("%+v", did)
	}
	look := func(when string) {
		t.Helper()
		files := xb.everyFile()
		for _, w := range all {
			if in := w.found(files); len(in) > 0 {
				t.Errorf("%s: %s: %v", when, w.id.Short(), in)
			}
		}
		if len(stays.found(files)) == 0 {
			t.Errorf("%s: a neighbour went too", when)
		}
	}
	look("while it is served")
	xb.Restart(nil)
	look("after it was started anew")
	for _, p := range []*Party{xa, xb} {
		if r, err := p.VerifyLog(ctx); err != nil || len(r.Problems) > 0 {
			t.Errorf("%s: %v %v", p.Code, err, r.Problems)
		}
	}
}

// A store from before comes back, and with it what was erased since: what is due is erased again by its date, what was recalled by what this party itself has said.
func TestErasedAgainAfterRestore(t *testing.T) {
	t.Parallel()
	// spec: RET-1, RCP-5, STM-7
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	ctx := t.Context()
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	dated := exchange.Draft{Text: "Until its date."}
	dated.Marking.TLP, dated.Marking.RetainUntil = "AMBER", statement.TimeOf(f.Clock.Now().Add(time.Hour)).String()
	retained, recalled := xa.Ask(agreed, dated, "XB"), xa.Ask(agreed, exchange.Draft{Text: "The walnut list."}, "XB")
	for _, id := range []statement.ID{retained.ID, recalled.ID} {
		xb.Has(id)
	}
	f.Quiet()
	old := xb.Backup()
	asked, err := xa.Recall(ctx, node.Recalling{IDs: []statement.ID{recalled.ID}, Reason: recall.Incorrect, Precedence: statement.Flash, By: xa.By("duty-officer", "one")})
	f.must(err)
	xb.Has(asked[0].Thread)
	_, err = xb.ConfirmRecall(ctx, asked[0].Thread, false, xb.By("duty-officer", "two"))
	f.must(err)
	xa.Until("XB's receipt", func() bool { return xa.answers(asked[0].Thread)["XB"] == recall.Erased })
	f.Clock.Pass(2 * time.Hour)
	_, err = xb.Tend(ctx)
	f.must(err)
	f.Quiet()

	xb.Restore(old, "comity.db")
	xb.Until("erasure by its date, although it may sign nothing", func() bool { return xb.kept(retained.ID, store.BodyPart).Erased })
	if !xb.kept(recalled.ID, store.BodyPart).Whole {
		t.Fatal("the backup has not brought back what is to be erased again")
	}
	r, err := xb.FromPeers(ctx, node.Recovering{})
	if err != nil || !r.Done {
		t.Fatalf("%v %+v", err, r)
	}
	xb.Until("erasure by its own word", func() bool { return xb.kept(recalled.ID, store.BodyPart).Erased })
	f.Quiet()
	if a, b := xa.State(asked[0].Thread), xb.State(asked[0].Thread); a != b {
		t.Errorf("states differ:\n%s\n%s", a, b)
	}
}

// Much is due at once, and the node goes down in the middle: what was done is done, the rest is done later, and nothing beside it.
func TestRetentionOfMuch(t *testing.T) {
	t.Parallel()
	// spec: RET-1
	f := New(t, "XA", "XB")
	xa := f.At("XA")
	ctx := t.Context()
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet()
	f.Cut("XA", "XB")
	const many = 600
	drafts := make([]exchange.Draft, many)
	for n := range drafts {
		d := &drafts[n]
		*d = exchange.Draft{
			Kind: assist.KindRequest, Agreement: agreed, To: []party.Code{"XB"}, Track: statement.Technical, Precedence: statement.Routine, By: xa.By("duty-officer", "one"),
			Facts: []byte(`{"type":"information"}`), Text: "Until its date.",
		}
		d.Marking.TLP, d.Marking.RetainUntil = "AMBER", statement.TimeOf(f.Clock.Now().Add(time.Duration(n+1)*time.Second)).String()
	}
	said, errs := xa.Exchange.SubmitAll(ctx, drafts)
	f.must(errors.Join(errs...))
	erased := func() (n int) {
		for _, s := range said {
			if xa.kept(s.ID, store.BodyPart).Erased {
				n++
			}
		}
		return n
	}
	f.Clock.Pass((many - 1) * time.Second) // the last is not due yet
	did, err := xa.Exchange.EraseDue(ctx, f.Clock.Now())
	f.must(err)
	if did.Statements != 256 || !did.More || erased() != 256 {
		t.Errorf("one transaction took %+v, erased are %d", did, erased())
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := xa.Tend(gone); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("interrupted: %v", err)
	}
	xa.Restart(nil)
	xa.Until("the rest, by itself", func() bool { return erased() == many-1 })
	if xa.kept(said[many-1].ID, store.BodyPart).Erased {
		t.Error("the last went before its date")
	}
}

// An article gives the date where a head has none; it is the article of the text that the head relies on.
func TestRetentionByArticle(t *testing.T) {
	t.Parallel()
	// spec: RET-1
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	ctx := t.Context()
	pact := strings.Replace(Pact("XA", "XB"), `"rules":[{"effect":"permit"`, `"retention":3600,"rules":[{"effect":"permit"`, 1)
	dated, plain := f.Agree(pact, "XA"), f.Agree(Pact("XA", "XB"), "XA")
	later := exchange.Draft{Text: "Until its own date."}
	later.Marking.TLP, later.Marking.RetainUntil = "AMBER", statement.TimeOf(f.Clock.Now().Add(3*time.Hour)).String()
	hour, own, ever := xa.Ask(dated, exchange.Draft{Text: "For an hour."}, "XB"), xa.Ask(dated, later, "XB"), xa.Ask(plain, exchange.Draft{Text: "For ever."}, "XB")
	for _, id := range []statement.ID{hour.ID, own.ID, ever.ID} {
		xb.Has(id)
	}
	f.Quiet()
	for _, step := range []struct {
		pass time.Duration
		want [3]bool
	}{{59 * time.Minute, [3]bool{}}, {time.Minute, [3]bool{true, false, false}}, {2 * time.Hour, [3]bool{true, true, false}}} {
		f.Clock.Pass(step.pass)
		for _, p := range []*Party{xa, xb} {
			_, err := p.Tend(ctx)
			f.must(err)
			if got := [3]bool{p.kept(hour.ID, -1).Erased, p.kept(own.ID, -1).Erased, p.kept(ever.ID, -1).Erased}; got != step.want {
				t.Errorf("%s, %s on: %v, want %v", p.Code, step.pass, got, step.want)
			}
			if !p.kept(dated, -1).Whole || !p.kept(plain, -1).Whole {
				t.Errorf("%s: the text of an agreement went", p.Code)
			}
		}
	}
}

// Erasing and saying so are one: where the one cannot be, the other is not. And what is not anybody's to erase is not.
func TestEraseIsAllOrNothing(t *testing.T) {
	t.Parallel()
	// spec: RCL-7, RCP-5
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	ctx := t.Context()
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	one, two := xa.Ask(agreed, exchange.Draft{Text: "One."}, "XB"), xa.Ask(agreed, exchange.Draft{Text: "Two."}, "XB")
	xb.Has(one.ID)
	xb.Has(two.ID)
	f.Quiet()
	size := xb.LogSize()
	by := xb.By("duty-officer", "two")
	say := func(in statement.ID, ids ...statement.ID) exchange.Draft {
		facts, err := node.Facts(thread.Recalled{IDs: ids, Erased: true})
		f.must(err)
		return exchange.Draft{Thread: in, Kind: thread.KindRecalled, Marking: marking.Marking{TLP: marking.Amber}, By: by, Facts: facts}
	}
	never := statement.ID{7}
	for name, c := range map[string]struct {
		ids    []statement.ID
		draft  exchange.Draft
		code   fault.Code
		clause string
	}{
		"in a thread that is not here":      {[]statement.ID{one.ID}, say(never, one.ID), fault.NotFound, "THR-1"},
		"what would be void":                {[]statement.ID{one.ID}, say(one.ID), fault.Inadmissible, "THR-6"},
		"one of two is not here":            {[]statement.ID{one.ID, never}, say(one.ID, one.ID, never), fault.NotFound, "RCL-7"},
		"one of two is an agreement's text": {[]statement.ID{one.ID, agreed}, say(one.ID, one.ID, agreed), fault.Inadmissible, "RCL-7"},
	} {
		_, err := xb.Exchange.EraseAndSay(ctx, c.ids, c.draft, nil)
		if fault.CodeOf(err) != c.code || c.clause != "THR-6" && fault.ClauseOf(err) != c.clause {
			t.Errorf("%s: %v (%s)", name, err, fault.ClauseOf(err))
		}
	}
	_, err := xb.Exchange.EraseAndSay(ctx, []statement.ID{one.ID}, say(one.ID, one.ID), func(*statement.Head) error { return fault.New(fault.Denied, "", "no") })
	if fault.CodeOf(err) != fault.Denied {
		t.Errorf("%v", err)
	}
	if !xb.kept(one.ID, store.BodyPart).Whole || !xb.kept(two.ID, store.BodyPart).Whole || !xb.kept(agreed, store.BodyPart).Whole || xb.LogSize() != size {
		t.Error("half of it was done")
	}
	if _, err := xb.Erase(ctx, []statement.ID{one.ID, two.ID}, by); err != nil || !xb.kept(one.ID, store.BodyPart).Erased || !xb.kept(two.ID, store.BodyPart).Erased {
		t.Errorf("%v", err)
	}
	if xb.LogSize() != size+2 { // one for each thread
		t.Errorf("the log has grown by %d", xb.LogSize()-size)
	}
}
