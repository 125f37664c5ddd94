package translog_test

import (
	"slices"
	"testing"

	"github.com/transparency-dev/tessera/api/layout"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/translog"
)

// spec: LOG-2
func TestTilePath(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		level int
		n     int64
		width int
	}{
		"tile/0/000":               {0, 0, 256},
		"tile/0/x001/x234/067":     {0, 1234067, 256},
		"tile/3/x001/x234/067.p/8": {3, 1234067, 8},
		"tile/entries/x001/000":    {translog.Entries, 1000, 256},
		"tile/entries/999.p/255":   {translog.Entries, 999, 255},
	} {
		if got := translog.TilePath(c.level, c.n, c.width); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		level := rapid.IntRange(translog.Entries, 5).Draw(rt, "level")
		n := rapid.Int64Range(0, 1<<32-1).Draw(rt, "n")
		width := rapid.IntRange(1, 256).Draw(rt, "width")
		path := translog.TilePath(level, n, width)
		want := layout.EntriesPath(uint64(n), uint8(width))
		if level >= 0 {
			want = layout.TilePath(uint64(level), uint64(n), uint8(width))
		}
		if path != want {
			rt.Fatalf("got %s, tessera has %s", path, want)
		}
		l, m, w, err := translog.ParseTilePath(path)
		if err != nil || l != level || m != n || w != width {
			rt.Fatalf("%s: %d, %d, %d, %v", path, l, m, w, err)
		}
	})
}

// spec: LOG-2
func TestParseTilePathRefuses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/6/000", "tile/-1/000", "tile/+1/000",
		"tile/0/x000/001", "tile/0/001/001", "tile/0/x001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/08", "tile/0/000.p/",
		"tile/0/000.p/8.p/8", "tile/0/../000", "/tile/0/000", "tile/0/000/", "tile/8/0/000", "tile/data/000", "tile/0/x004/x294/x967/296",
		"tile/0/x999/x999/x999/x999/x999/x999/999",
	} {
		_, _, _, err := translog.ParseTilePath(path)
		if fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%q: got %v", path, err)
		}
	}
}

// spec: LOG-2
func TestEntryBundle(t *testing.T) {
	t.Parallel()
	ids := makeIDs(0, 256)
	b := translog.EntryBundle(ids)
	if len(b) != 256*34 || b[0] != 0 || b[1] != 0x20 {
		t.Fatalf("%d bytes, %x", len(b), b[:2])
	}
	got, err := translog.ParseEntryBundle(b)
	if err != nil || !slices.Equal(got, ids) {
		t.Errorf("round trip: %v", err)
	}
	wrong := slices.Clone(b)
	wrong[34] = 1
	for i, bad := range [][]byte{nil, b[:33], wrong, append(slices.Clone(b), b[:34]...)} {
		if _, err := translog.ParseEntryBundle(bad); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%d: got %v", i, err)
		}
	}
}
