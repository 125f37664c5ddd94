package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/internal/compression"
	"github.com/comity-exchange/comity/match"
)

// TestMatchFollow follows a log that grows, is rotated, and is cut short, and ends well when it is interrupted.
func TestMatchFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list, log := filepath.Join(dir, "iocs.txt"), filepath.Join(dir, "dns.log")
	put := func(name, text string, flags int) {
		f, err := os.OpenFile(name, flags|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	put(list, "evil.example\nother.example\n", 0)
	put(log, "one evil.example\n", 0)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r, w := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		defer w.Close()
		ended <- Main(ctx, []string{"match", "-i", list, "--follow", "--json", log}, nil, nil, w, &errs)
	}()
	told := bufio.NewReader(r)
	expect := func(part string) {
		t.Helper()
		l, err := told.ReadString('\n')
		if err != nil || !strings.Contains(l, part) {
			t.Fatalf("it tells %q, %v (%s); want %s", l, err, errs.String(), part)
		}
	}
	expect(`"line":1`)
	put(log, "nothing\ntwo other.example\n", os.O_APPEND)
	expect(`"line":3`)
	put(log, "half of a line, and then other.exam", os.O_APPEND)
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	put(log+".1", "ple\n", os.O_APPEND) // whoever writes has not seen it yet
	expect(`"line":4`)
	put(log, "three evil.example\n", 0)
	expect(`"line":5`)
	put(log, "a evil.example\n", os.O_TRUNC) // shorter than what was read
	expect(`"line":6`)
	interrupt()
	if status := <-ended; status != 0 {
		t.Errorf("it ended with %d: %s", status, errs.String())
	}
}

// TestUnpack takes zstd by its first bytes, whatever the name.
func TestUnpack(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(z, strings.Repeat("evil.example\n", 1000)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		raw  []byte
		want int
		ok   bool
	}{{packed.Bytes(), 13_000, true}, {packed.Bytes()[:packed.Len()-3], 0, false}, {[]byte("ab"), 2, true}, {nil, 0, true}} {
		in, err := unpack(bytes.NewReader(c.raw), func() {}, compression.Bounds{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if (err == nil) != c.ok || c.ok && len(b) != c.want {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		in.Close()
	}
}

// FuzzUnpack: a log that is packed in any way, or damaged, is read to an end or refused, and a match over it finds no place outside of it.
func FuzzUnpack(f *testing.F) {
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed)
	if err != nil {
		f.Fatal(err)
	}
	_, _ = io.WriteString(z, "evil.example\n") // into memory
	_ = z.Close()
	f.Add(packed.Bytes())
	packed = bytes.Buffer{}
	g := gzip.NewWriter(&packed)
	_, _ = io.WriteString(g, "#fields\tts\tquery\n1\tevil.example\n")
	_ = g.Close()
	f.Add(packed.Bytes())
	f.Add(append(packed.Bytes(), packed.Bytes()...))
	f.Add(packed.Bytes()[:packed.Len()/2])
	f.Add([]byte("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x1f\x8b\x08\xff"))
	f.Add([]byte("evil.example\n\x28\xb5\x2f\xfd"))
	v, err := match.Parse("evil.example", 0)
	b := match.NewBuilder(match.Key{1}, 1)
	if err := errors.Join(err, b.Add(v, match.Row{ID: 1})); err != nil {
		f.Fatal(err)
	}
	set, _ := b.Build()
	f.Fuzz(func(t *testing.T, raw []byte) {
		done := 0
		in, err := unpack(bytes.NewReader(raw), func() { done++ }, compression.Bounds{})
		if err == nil {
			counted := &io.LimitedReader{R: in, N: 1 << 22}
			stats, err := match.Scan(t.Context(), counted, set, match.Options{}, func(o match.Occurrence) error {
				if o.Offset < 0 || o.Offset >= 1<<22 || o.Value != "evil.example" {
					t.Fatalf("%+v", o)
				}
				return nil
			})
			if err == nil && stats.Bytes != 1<<22-counted.N {
				t.Fatalf("%d bytes of %d", stats.Bytes, 1<<22-counted.N)
			}
			_ = in.Close()
		}
		if done != 1 {
			t.Fatalf("closed %d times", done)
		}
	})
}
