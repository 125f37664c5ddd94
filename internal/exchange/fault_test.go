package exchange_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/credence"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/sqlite"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBroken = fault.New(fault.Unavailable, "", "broken on purpose")

// broken is a store that fails once, at one step: before it is done, or after.
type broken struct {
	store.Store

	mu    sync.Mutex
	step  string // "" : nothing fails; guarded by mu
	after bool   // the step fails and happened; guarded by mu
}

func (b *broken) arm(step string, after bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.step, b.after = step, after
}

// try does a step unless it is the one that fails now.
func (b *broken) try(step string, do func() error) error {
	b.mu.Lock()
	hit, after := b.step == step, b.after
	if hit {
		b.step = ""
	}
	b.mu.Unlock()
	if !hit {
		return do()
	}
	if after {
		if err := do(); err != nil {
			return err
		}
	}
	return errBroken
}

func (b *broken) Update(ctx context.Context, f func(tx store.Tx) error) error {
	return b.try("commit", func() error {
		return b.Store.Update(ctx, func(tx store.Tx) error { return f(&brokenTx{tx, b}) })
	})
}

func (b *broken) Savepoint(tx store.Tx, f func() error) error {
	return b.Store.Savepoint(tx.(*brokenTx).Tx, f)
}

type brokenTx struct {
	store.Tx
	b *broken
}

func (t *brokenTx) Length(o party.Origin) (n int64, err error) {
	err = t.b.try("Length", func() (err error) { n, err = t.Tx.Length(o); return err })
	return n, err
}
func (t *brokenTx) PutStatement(s store.Statement) error {
	return t.b.try("PutStatement", func() error { return t.Tx.PutStatement(s) })
}
func (t *brokenTx) PutThread(r store.ThreadRow) error {
	return t.b.try("PutThread", func() error { return t.Tx.PutThread(r) })
}
func (t *brokenTx) PutTile(o party.Origin, level int, n int64, hashes []byte) error {
	return t.b.try("PutTile", func() error { return t.Tx.PutTile(o, level, n, hashes) })
}
func (t *brokenTx) PutCheckpoint(c store.Checkpoint) error {
	return t.b.try("PutCheckpoint", func() error { return t.Tx.PutCheckpoint(c) })
}
func (t *brokenTx) PutContent(ref store.ContentRef, sum statement.Digest, size int64) error {
	return t.b.try("PutContent", func() error { return t.Tx.PutContent(ref, sum, size) })
}
func (t *brokenTx) Append(ref store.ContentRef, offset int64, data []byte) error {
	return t.b.try("Append", func() error { return t.Tx.Append(ref, offset, data) })
}
func (t *brokenTx) PutWhole(ref store.ContentRef, sum statement.Digest, data []byte) error {
	return t.b.try("PutWhole", func() error { return t.Tx.PutWhole(ref, sum, data) })
}
func (t *brokenTx) SetWhole(ref store.ContentRef) error {
	return t.b.try("SetWhole", func() error { return t.Tx.SetWhole(ref) })
}

// faulty is a signer that can be told to fail.
type faulty struct {
	party.Signer
	mu   sync.Mutex
	fail bool // guarded by mu
}

func (f *faulty) Sign(role party.Role, alg party.Algorithm, context string, message []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail {
		return nil, errBroken
	}
	return f.Signer.Sign(role, alg, context, message)
}

func (f *faulty) set(fail bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

// bench is an exchange of XA on a store, a signer and a mark that can be broken. XB's letter is confirmed.
type bench struct {
	*exchange.Exchange
	t      *testing.T
	store  *broken
	signer *faulty
	mark   *journal.Mark
	dir    string // of the mark
}

func newBench(t *testing.T) *bench {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"))
	must(err)
	b := &bench{t: t, store: &broken{Store: db}, dir: filepath.Join(dir, "mark")}
	must(os.Mkdir(b.dir, 0o700))
	keys, err := keystore.Generate("XA", 1)
	must(err)
	b.signer = &faulty{Signer: keys}
	b.mark = journal.NewMark(filepath.Join(b.dir, "mark"), keys.Origin())
	peer, err := keystore.Generate("XB", 1)
	must(err)
	recovery, err := keystore.GenerateRecovery()
	must(err)
	public, err := recovery.PublicKeys(party.RoleRecovery)
	must(err)
	draft := peer.Draft(public)
	draft.Names, draft.Contacts, draft.Endpoints = map[string]string{"en": "B"}, []party.Contact{}, []string{}
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	draft.Issued = statement.TimeOf(now)
	raw, err := party.SignLetter(draft, peer, nil)
	must(err)
	must(db.Update(t.Context(), func(tx store.Tx) error {
		return tx.PutLetter(store.Letter{Code: "XB", Serial: 1, Digest: statement.Sum(raw), Raw: raw, Status: store.LetterConfirmed, ConfirmedAt: draft.Issued})
	}))
	rules, err := thread.NewRules(credence.Desk{}, instrument.Desk{})
	must(err)
	b.Exchange = exchange.New(exchange.Options{
		Self: "XA", Store: b.store, Journal: journal.New(keys.Origin(), b.signer, b.mark), Rules: rules, Identity: keys.Identity(), Codec: packet.NewCodec(),
		Witness: journal.Witness{Name: keys.Witness(), Signer: b.signer}, Charter: agreement.Charter(),
		Standing: instrument.Standing,
		Now:      func() time.Time { return now }, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() {
		b.Close()
		must(db.Close())
	})
	return b
}

func (b *bench) say(ctx context.Context, to party.Code) (exchange.Said, error) {
	b.t.Helper()
	return b.Submit(ctx, exchange.Draft{
		Kind: "credence.office", To: []party.Code{to}, Marking: marking.Marking{TLP: marking.Green}, Track: statement.Technical, Precedence: statement.Routine,
		By: statement.By{Role: "duty-officer"}, Facts: []byte(`{"office":"XA.cert","letter":"` + statement.Sum([]byte("x")).String() + `"}`), Text: "Hello.",
		Blobs: []exchange.Attachment{{Name: "a", Type: "text/plain", Data: strings.NewReader("attached")}},
	})
}

// whole fails the test where the log is not what its checkpoint says, and gives its length.
func (b *bench) whole() (n int64) {
	b.t.Helper()
	err := b.store.Store.View(b.t.Context(), func(tx store.Tx) error {
		var err error
		if n, err = tx.Length("XA/1"); err != nil {
			return err
		}
		newest, err := journal.Newest(tx, "XA/1")
		if err != nil {
			return err
		}
		root, err := translog.Root(n, journal.Tiles{Log: tx, Origin: "XA/1"})
		if err != nil {
			return err
		}
		if n != newest.Size || n > 0 && root != newest.Root {
			b.t.Errorf("%d statements, a checkpoint for %d", n, newest.Size)
		}
		threads, bodies := int64(0), int64(0)
		if err := tx.Threads("", func(store.ThreadRow) bool { threads++; return true }); err != nil {
			return err
		}
		if err := tx.Scan("XA/1", "", 0, func(s store.Statement) bool {
			if c, err := tx.Content(store.ContentRef{Statement: s.ID, Part: store.BodyPart}); err == nil && c.Whole && s.Folded {
				bodies++
			}
			return true
		}); err != nil {
			return err
		}
		if threads != n || bodies != n {
			b.t.Errorf("%d statements, %d threads, %d bodies", n, threads, bodies)
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := b.mark.Read()
	if err != nil || m.Size > n {
		b.t.Errorf("mark %d, log %d: %v", m.Size, n, err)
	}
	return n
}

// Each step of a batch fails, and fails but happened: nothing is half-written, the caller is told, and the next attempt works.
func TestStoreFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, step := range []string{"Length", "PutStatement", "PutThread", "PutTile", "PutCheckpoint", "PutWhole", "PutContent", "Append", "SetWhole", "commit"} {
		for _, happened := range []bool{false, true} {
			before := b.whole()
			b.store.arm(step, happened)
			if _, err := b.say(t.Context(), "XB"); !errors.Is(err, errBroken) {
				t.Errorf("%s, happened %v: the caller is told %v", step, happened, err)
			}
			want := before
			if step == "commit" && happened {
				want++ // the outcome was unknown, and it was there
			}
			if n := b.whole(); n != want {
				t.Errorf("%s, happened %v: the log went from %d to %d", step, happened, before, n)
			}
			said, err := b.say(t.Context(), "XB")
			if err != nil || said.Index != want {
				t.Errorf("%s, happened %v: the next attempt gives %d, %v", step, happened, said.Index, err)
			}
			if m, err := b.mark.Read(); err != nil || m.Size != want+1 {
				t.Errorf("%s, happened %v: the mark is at %d, %v", step, happened, m.Size, err)
			}
		}
	}
}

// A signer that fails leaves nothing behind.
func TestSignerFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.signer.set(true)
	if _, err := b.say(t.Context(), "XB"); err == nil {
		t.Error("said without a signature")
	}
	if n := b.whole(); n != 0 {
		t.Errorf("a log of %d", n)
	}
	b.signer.set(false)
	if said, err := b.say(t.Context(), "XB"); err != nil || said.Index != 0 {
		t.Errorf("%v %d", err, said.Index)
	}
}

// Where the mark cannot be written, what was committed by then waits in the store, and nothing more is signed upon it.
func TestMarkFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.say(t.Context(), "XB"); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(b.dir, "mark.lock")
	if err := errors.Join(os.Remove(lock), os.Mkdir(lock, 0o700)); err != nil {
		t.Fatal(err)
	}
	// spec: LOG-12
	for range 3 {
		if _, err := b.say(t.Context(), "XB"); fault.CodeOf(err) != fault.Unavailable || fault.ClauseOf(err) != "LOG-12" {
			t.Errorf("%v", err)
		}
	}
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if n := b.whole(); n != 2 {
		t.Errorf("%d statements: signing went on without a mark", n)
	}
	if _, err := b.say(t.Context(), "XB"); err != nil {
		t.Error(err)
	}
	if m, err := b.mark.Read(); err != nil || m.Size != 3 {
		t.Errorf("%v %d", err, m.Size)
	}
	// A store that is behind the mark, or disagrees with it, signs nothing.
	if err := b.mark.Advance(translog.Tree{Origin: "XA/1", Size: 9, Root: translog.Hash{1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.say(t.Context(), "XB"); fault.CodeOf(err) != fault.Behind || fault.ClauseOf(err) != "LOG-12" {
		t.Errorf("%v", err)
	}
	if err := b.Journal.Check(t.Context(), b.store); fault.CodeOf(err) != fault.Behind {
		t.Errorf("%v", err)
	}
}

// Many write at once; those that are refused take nobody else's work with them.
func TestBatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			ctx, to, want := t.Context(), party.Code("XB"), fault.Code("")
			switch i % 3 {
			case 1:
				to, want = "XZ", fault.Unknown
			case 2:
				ctx, want = gone, fault.Canceled
			}
			if _, err := b.say(ctx, to); fault.CodeOf(err) != want {
				t.Errorf("%s: %v, want %q", to, err, want)
			}
		})
	}
	wg.Wait()
	if n := b.whole(); n != 20 {
		t.Errorf("%d were said", n)
	}
	b.Close()
	if _, err := b.say(t.Context(), "XB"); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("after the end: %v", err)
	}
}

// A defect that one job runs into is that job's alone: what it wrote is undone, and the next is written.
func TestDefectStaysWithItsJob(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	err := b.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.SetMeta("half", "written"); err != nil {
			return err
		}
		panic("a defect")
	})
	if fault.CodeOf(err) != fault.Internal {
		t.Fatalf("%v", err)
	}
	if _, err := b.say(t.Context(), "XB"); err != nil {
		t.Fatal(err)
	}
	if err := b.store.View(t.Context(), func(tx store.Tx) error {
		v, err := tx.Meta("half")
		if v != "" {
			t.Error("what the job wrote is still there")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.whole()
}
