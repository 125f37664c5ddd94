package compression_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/compression"
)

// zeros are so many, made as they are read.
func zeros(n int64) io.Reader { return io.LimitReader(endless{}, n) }

type endless struct{}

func (endless) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func gz(t testing.TB, in io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.Copy(z, in)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, in io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(z, in)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestABombIsRefused: what unpacks to more than it may is refused while it is read, and not much later than where it passes its bound.
func TestABombIsRefused(t *testing.T) {
	t.Parallel()
	const large = 256 << 20
	for name, bomb := range map[string][]byte{"gzip": gz(t, zeros(large)), "zstd": zst(t, zeros(large)), "gzip after gzip": append(gz(t, zeros(large/2)), gz(t, zeros(large/2))...)} {
		for _, c := range []struct {
			compression.Bounds
			most int64
			says string
		}{
			{compression.Bounds{Bytes: 1 << 20}, 1 << 20, "more than 1 MiB"},
			{compression.Bounds{Times: 100}, max(compression.Floor, 100*int64(len(bomb))), "more than 100 times"},
			{compression.Bounds{Bytes: 100 << 20, Times: 1 << 40}, 100 << 20, "more than 100 MiB"},
		} {
			in, err := compression.Open(bytes.NewReader(bomb), c.Bounds)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, in)
			if fault.CodeOf(err) != fault.TooLarge || !strings.Contains(err.Error(), c.says) || n > c.most {
				t.Errorf("%s, %+v: %d bytes and %v", name, c.Bounds, n, err)
			}
			_ = in.Close()
		}
		in, err := compression.Open(bytes.NewReader(bomb), compression.Bounds{})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, in); err != nil || n != large {
			t.Errorf("%s without bounds: %d, %v", name, n, err)
		}
		_ = in.Close()
	}
}

// TestOpen reads what is packed, and what is not, whatever it is called; what is damaged is told as that.
func TestOpen(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("evil.example\n", 1000)
	cut := errors.New("the cable was cut")
	for _, c := range []struct {
		name    string
		in      io.Reader
		want    string
		code    fault.Code
		damaged bool
	}{
		{"gzip", bytes.NewReader(gz(t, strings.NewReader(text))), text, "", false},
		{"zstd", bytes.NewReader(zst(t, strings.NewReader(text))), text, "", false},
		{"plain", strings.NewReader(text), text, "", false},
		{"two letters", strings.NewReader("ab"), "ab", "", false},
		{"nothing", strings.NewReader(""), "", "", false},
		{"one layer", bytes.NewReader(gz(t, bytes.NewReader(gz(t, strings.NewReader("a"))))), string(gz(t, strings.NewReader("a"))), "", false},
		{"gzip cut short", bytes.NewReader(gz(t, strings.NewReader(text))[:40]), "", fault.Malformed, true},
		{"zstd cut short", bytes.NewReader(zst(t, strings.NewReader(text))[:20]), "", fault.Malformed, true},
		{"no gzip", strings.NewReader("\x1f\x8b\x08\xff"), "", fault.Malformed, true},
		{"no zstd", strings.NewReader("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff"), "", fault.Malformed, true},
		{"a plain source that fails", io.MultiReader(strings.NewReader("abcd"), failing{cut}), "", fault.CodeOf(cut), false},
		{"a packed one", io.MultiReader(bytes.NewReader(gz(t, strings.NewReader(text))[:40]), failing{fault.New(fault.Quota, "", "slower")}), "", fault.Quota, false},
	} {
		got := ""
		in, err := compression.Open(c.in, compression.Bounds{Bytes: 1 << 20, Times: 100})
		if err == nil {
			var b []byte
			b, err = io.ReadAll(in)
			got = string(b)
			_ = in.Close()
		}
		if fault.CodeOf(err) != c.code || compression.Damaged(err) != c.damaged || err == nil && got != c.want {
			t.Errorf("%s: %d bytes, %v", c.name, len(got), err)
		}
	}
	for name, want := range map[string]string{"list.CSV.gz": ".csv", "a.txt": ".txt", "a.txt.zst": ".txt", "bundle": "", "x.gz": "", "a.json": ".json"} {
		if got := compression.Ext(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }
