package upload

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
)

var start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func folder(t *testing.T, l Limits) (*Folder, *time.Time) {
	t.Helper()
	now := start
	return New(filepath.Join(t.TempDir(), "uploads"), func() time.Time { return now }, l), &now
}

func (f *Folder) names(t *testing.T) (out []string) {
	t.Helper()
	all, err := os.ReadDir(f.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, d := range all {
		out = append(out, d.Name())
	}
	return out
}

func wants(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("%v; want %q", err, code)
	}
}

func keep(t *testing.T, f *Folder, owner, text string) Kept {
	t.Helper()
	k, err := f.Keep(owner, strings.NewReader(text), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKept: what was uploaded comes back under its own key, from any place in it, and in no file is it in the clear.
func TestKept(t *testing.T) {
	t.Parallel()
	f, _ := folder(t, Usual())
	text := strings.Repeat("MARKER quince ", 30_000) // several chunks
	a, b, empty := keep(t, f, "one", text), keep(t, f, "../two", "MARKER quince"), keep(t, f, "one", "")
	if a.Size != int64(len(text)) || empty.Size != 0 || len(f.names(t)) != 3 {
		t.Errorf("%+v %+v %v", a, empty, f.names(t))
	}
	for _, name := range f.names(t) {
		raw, err := os.ReadFile(filepath.Join(f.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, hidden := range []string{"MARKER", a.Key, b.Key, "one", "two"} {
			if bytes.Contains(raw, []byte(hidden)) || strings.Contains(name, hidden) {
				t.Errorf("%s shows %q", name, hidden)
			}
		}
		if info, err := os.Stat(filepath.Join(f.dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
	}
	for _, k := range []Kept{a, b, empty} {
		r, err := f.Open(k.Name, k.Key)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // it is read twice: for its digest, and into the store
			got, err := io.ReadAll(r)
			if err != nil || int64(len(got)) != k.Size || !strings.HasPrefix(text, string(got)) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if _, err := r.Seek(0, io.SeekStart); err != nil {
				t.Error(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := f.Open(a.Name, b.Key)
	wants(t, err, fault.NotAuthentic)
	_, err = f.Open(a.Name, "")
	wants(t, err, fault.NotAuthentic)
	f.Drop(a.Name)
	_, err = f.Open(a.Name, a.Key)
	wants(t, err, fault.NotFound)
}

// TestChanged: a file that somebody has changed, cut short, lengthened or exchanged gives an error and never other bytes.
func TestChanged(t *testing.T) {
	t.Parallel()
	f, _ := folder(t, Usual())
	text := strings.Repeat("0123456789abcdef", 20_000)
	k, other := keep(t, f, "one", text), keep(t, f, "one", text)
	path := filepath.Join(f.dir, k.Name)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	exchanged, err := os.ReadFile(filepath.Join(f.dir, other.Name))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(at int) []byte {
		b := bytes.Clone(sound)
		b[at] ^= 1
		return b
	}
	const chunk = 64<<10 + 16
	for name, raw := range map[string][]byte{
		"its head": changed(40), "its first chunk": changed(len(sound) - 4*chunk), "a chunk in the middle": changed(len(sound) - 2*chunk), "its last byte": changed(len(sound) - 1),
		"cut": sound[:len(sound)-1], "cut at a chunk": sound[:len(sound)-len(sound)%chunk], "longer": append(bytes.Clone(sound), 0), "empty": {}, "another": exchanged,
	} {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := f.Open(k.Name, k.Key)
		if err == nil {
			if _, err = io.ReadAll(r); err == nil {
				t.Errorf("%s: it is read", name)
			}
			_ = r.Close()
			continue
		}
		if fault.CodeOf(err) != fault.NotAuthentic {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNames: nothing outside of the folder is opened or removed, whatever a name is.
func TestNames(t *testing.T) {
	t.Parallel()
	f, _ := folder(t, Usual())
	k := keep(t, f, "one", "x")
	beside := filepath.Join(filepath.Dir(f.dir), k.Name)
	if err := os.WriteFile(beside, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../" + k.Name, f.dir + "/" + k.Name, k.Name + "/..", k.Name + "\x00", "x" + k.Name, k.Name + "\n"} {
		_, err := f.Open(name, k.Key)
		wants(t, err, fault.NotFound)
		f.Drop(name)
	}
	if _, err := os.Stat(beside); err != nil || len(f.names(t)) != 1 {
		t.Error("something was removed")
	}
}

// slow hands out a little, then whatever then says.
type slow struct {
	left int
	then func() error
}

func (s *slow) Read(b []byte) (int, error) {
	if s.left <= 0 {
		return 0, s.then()
	}
	n := min(len(b), s.left)
	clear(b[:n])
	s.left -= n
	return n, nil
}

// TestBounds: of one file, of one owner, of all; and nothing is left of what went over.
func TestBounds(t *testing.T) {
	t.Parallel()
	f, _ := folder(t, Limits{Owner: 1 << 20, Total: 2 << 20})
	big := strings.Repeat("x", 600<<10)
	_, err := f.Keep("one", strings.NewReader(big), 600<<10-1)
	wants(t, err, fault.TooLarge)
	if _, err := f.Keep("one", strings.NewReader(big), 600<<10); err != nil {
		t.Error(err)
	}
	_, err = f.Keep("one", strings.NewReader(big), 1<<30)
	wants(t, err, fault.Quota)
	_, err = f.Keep("one", &slow{100, func() error { return io.ErrUnexpectedEOF }}, 1<<30)
	wants(t, err, fault.Usage)
	if len(f.names(t)) != 1 {
		t.Errorf("%v", f.names(t))
	}
	keep(t, f, "two", big)
	keep(t, f, "three", big)
	_, err = f.Keep("four", strings.NewReader(big), 1<<30)
	wants(t, err, fault.Quota)
	for _, name := range f.names(t) {
		f.Drop(name)
	}
	// Another program on the same folder sees what lies there, and many small ones are bounded too.
	again := New(f.dir, f.now, f.Limits)
	n := 0
	for ; n < 100; n++ {
		if _, err = again.Keep("one", strings.NewReader(""), 1); err != nil {
			break
		}
	}
	wants(t, err, fault.Quota)
	if n != 1<<20/MinCharge {
		t.Errorf("%d small files", n)
	}
	_, err = f.Keep("one", strings.NewReader(""), 1)
	wants(t, err, fault.Quota)
	keep(t, f, "two", "")
}

// TestAtOnce: uploads that are under way at the same time share their owner's room.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	f, _ := folder(t, Limits{Owner: 1 << 20, Total: 1 << 30})
	var wg sync.WaitGroup
	var mu sync.Mutex
	kept := 0
	for range 8 {
		wg.Go(func() {
			if _, err := f.Keep("one", &slow{300 << 10, func() error { return io.EOF }}, 1<<30); err == nil {
				mu.Lock()
				defer mu.Unlock()
				kept++
			} else if fault.CodeOf(err) != fault.Quota {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if kept > 3 || len(f.names(t)) != kept {
		t.Errorf("%d were kept in room for three, %d lie there", kept, len(f.names(t)))
	}
}

// TestSweep: what nobody uses goes when it is old, also what a broken-off upload of a program that was killed has left.
func TestSweep(t *testing.T) {
	t.Parallel()
	f, now := folder(t, Usual())
	used := map[string]bool{}
	sweep := func() int {
		n, err := f.Sweep(time.Hour, func() (map[string]bool, error) { return used, nil })
		if err != nil {
			t.Error(err)
		}
		return n
	}
	if sweep() != 0 {
		t.Error("there is nothing to sweep")
	}
	mine, orphan := keep(t, f, "one", "x"), keep(t, f, "one", "y")
	used[mine.Name] = true
	// Killed while it arrived: its file is there and only half of it.
	half := orphan.Name[:len(orphan.Name)-26] + strings.Repeat("A", 26)
	if err := os.WriteFile(filepath.Join(f.dir, half), []byte("age-encryption.org/v1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	*now = start.Add(time.Hour - time.Second)
	late := keep(t, f, "one", "z")
	if n := sweep(); n != 0 {
		t.Errorf("%d were swept too early", n)
	}
	*now = start.Add(time.Hour)
	if n := sweep(); n != 2 {
		t.Errorf("%d were swept", n)
	}
	if got := strings.Join(f.names(t), " "); !strings.Contains(got, mine.Name) || !strings.Contains(got, late.Name) || len(f.names(t)) != 2 {
		t.Error(got)
	}
	*now = start.Add(9 * time.Hour)
	if _, err := f.Sweep(time.Hour, func() (map[string]bool, error) { return nil, errors.New("no store") }); err == nil || len(f.names(t)) != 2 {
		t.Error("without knowing what is used, something was removed")
	}
	delete(used, mine.Name)
	if n := sweep(); n != 2 || len(f.names(t)) != 0 {
		t.Errorf("%d were swept, %v are left", n, f.names(t))
	}
}
