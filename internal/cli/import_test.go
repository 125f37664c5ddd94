package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/comity-exchange/comity/fault"
)

// TestBar: a share of a whole, never more than it, whatever is read of what grows meanwhile.
func TestBar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		done, whole int64
		want        string
	}{
		{0, 7, "[....................]   0 %"}, {1, 2, "[##########..........]  50 %"}, {99, 100, "[###################.]  99 %"}, {7, 7, "[####################] 100 %"}, {9, 7, "[####################] 100 %"},
	} {
		if got := bar(c.done, c.whole); got != c.want {
			t.Errorf("%d of %d: %s", c.done, c.whole, got)
		}
	}
}

// TestProgress: something long shows how far it is once half a second has passed, with a bar where the whole is known, and wipes it away at the end; something short shows nothing.
func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out shown
		var done atomic.Int64
		stop := drawn(&out, "importing iocs.txt", &done, 4096)
		time.Sleep(400 * time.Millisecond)
		stop()
		if out.String() != "" {
			t.Errorf("of something short: %q", out.String())
		}
		stop = drawn(&out, "importing iocs.txt", &done, 4096)
		done.Store(1024)
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		if got := out.String(); !strings.Contains(got, "[#####...............]  25 % importing iocs.txt") || !strings.Contains(got, "1.0 KiB") {
			t.Errorf("a quarter: %q", got)
		}
		stop()
		if got := out.String(); !strings.HasSuffix(got, "\r\x1b[K") {
			t.Errorf("at the end: %q", got)
		}
		out.Reset()
		stop = drawn(&out, "asking", nil, 0)
		time.Sleep(time.Second)
		synctest.Wait()
		stop()
		if got := out.String(); !strings.Contains(got, "asking, 1 s") || strings.Contains(got, "[#") || strings.Contains(got, "%") {
			t.Errorf("of unknown length: %q", got)
		}
	})
}

// shown is a terminal.
type shown struct {
	mu sync.Mutex
	bytes.Buffer
}

func (s *shown) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(b)
}

func (s *shown) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.String()
}

// comityOf runs the command line over a node in dir.
func comityOf(t *testing.T, dir string, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = Main(t.Context(), append([]string{"--dir", dir}, args...), nil, strings.NewReader(""), &o, &e)
	return status, o.String(), e.String()
}

// TestAnImportIsRepeated: a list that was cut short in the middle of being packed says what went in; the whole of it, sent again, brings the rest and nothing twice. What was made to fill a disk is
// refused, and says so.
func TestAnImportIsRepeated(t *testing.T) {
	t.Parallel()
	at := t.TempDir()
	dir := filepath.Join(at, "xa")
	const many = 5000
	var list strings.Builder
	for i := range many {
		fmt.Fprintf(&list, "host%d-%x.example\n", i, i*7919)
	}
	whole := packedBy(t, strings.NewReader(list.String()))
	bomb := packedBy(t, io.LimitReader(&again{text: "\n"}, 128<<20))
	for name, b := range map[string][]byte{"cut.txt.gz": whole[:len(whole)*3/4], "whole.txt.gz": whole, "bomb.txt.gz": bomb} {
		if err := os.WriteFile(filepath.Join(at, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(want int, args ...string) (string, string) {
		t.Helper()
		status, out, errs := comityOf(t, dir, args...)
		if status != want {
			t.Fatalf("%v: %d, %s%s", args, status, out, errs)
		}
		return out, errs
	}
	run(0, "init", "XA", "--name", "en=State of XA")
	run(0, "intel", "source", "lists")
	_, errs := run(fault.Exit(fault.New(fault.TooLarge, "", "")), "intel", "import", "lists", filepath.Join(at, "bomb.txt.gz"), "--preview")
	if !strings.Contains(errs, "more than 200 times its size") {
		t.Errorf("a bomb: %s", errs)
	}
	_, errs = run(fault.Exit(fault.New(fault.Malformed, "", "")), "intel", "import", "lists", filepath.Join(at, "cut.txt.gz"))
	var taken int
	if i := strings.Index(errs, "what came before is in the catalogue: "); i < 0 || !strings.Contains(errs, "damaged, or was cut short") {
		t.Fatalf("what was cut short: %s", errs)
	} else if _, err := fmt.Sscanf(strings.ReplaceAll(errs[i:], ",", ""), "what came before is in the catalogue: %d objects", &taken); err != nil || taken < 1000 || taken >= many {
		t.Fatalf("%d of %d were taken: %v, %s", taken, many, err, errs)
	}
	out, _ := run(0, "intel", "import", "lists", filepath.Join(at, "whole.txt.gz"))
	if want := fmt.Sprintf("Imported %s objects.", number(many-taken)); !strings.Contains(out, want) || !strings.Contains(out, "Here already: "+number(taken)) {
		t.Errorf("%d had been taken; then: %s", taken, out)
	}
	if out, _ := run(0, "intel", "import", "lists", filepath.Join(at, "whole.txt.gz")); !strings.Contains(out, "Imported 0 objects.") || !strings.Contains(out, "Here already: "+number(many)) {
		t.Errorf("once more: %s", out)
	}
}

// again gives a text over and over.
type again struct {
	text string
	at   int
}

func (a *again) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = a.text[a.at]
		a.at = (a.at + 1) % len(a.text)
	}
	return len(b), nil
}

func packedBy(t *testing.T, in io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.Copy(z, in)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
