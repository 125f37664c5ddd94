package archive_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/internal/store/archive"
)

// plain is a stream without its compression.
func plain(t testing.TB, stream []byte) []byte {
	t.Helper()
	_, packed, _ := bytes.Cut(stream, []byte("\n"))
	z, err := zstd.NewReader(bytes.NewReader(packed))
	must(t, err)
	defer z.Close()
	raw, err := io.ReadAll(z)
	must(t, err)
	return raw
}

// FuzzVerify: whatever comes, a stream is found good or refused, and nothing else happens.
func FuzzVerify(f *testing.F) {
	for _, seed := range []string{"", "comity-store/4\n", "comity-store/4\n\x28\xb5\x2f\xfd\x04\x00\x19\x00\x00\x05s{}", "comity-store/3\nx"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := archive.Verify(bytes.NewReader(raw))
		if err == nil && len(m.Tables) == 0 {
			t.Error("a stream without tables is good")
		}
	})
}
