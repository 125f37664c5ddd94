package translog_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/translog"
)

// served is a log as a node serves it: what stands at each path of C2SP tlog-tiles.
type served map[string][]byte

func serve(tb testing.TB, m *memory, s party.Signer) served {
	tb.Helper()
	files := served{"checkpoint": sign(tb, s, treeOf(m, "XA/1"), noon)}
	for key, data := range m.tiles {
		files[translog.TilePath(int(key[0]), key[1], len(data)/32)] = data
	}
	for n := range (len(m.ids) + 255) / 256 {
		ids := m.ids[n*256 : min(len(m.ids), n*256+256)]
		files[translog.TilePath(translog.Entries, int64(n), len(ids))] = translog.EntryBundle(ids)
	}
	return files
}

func (f served) get(path string) ([]byte, error) {
	if b, ok := f[path]; ok {
		return b, nil
	}
	return nil, fmt.Errorf("nothing at %s", path)
}

func (f served) ReadCheckpoint(context.Context) ([]byte, error) { return f.get("checkpoint") }

func (f served) ReadTile(_ context.Context, level, n uint64, width uint8) ([]byte, error) {
	return f.get(translog.TilePath(int(level), int64(n), whole(width)))
}

func (f served) ReadEntryBundle(_ context.Context, n uint64, width uint8) ([]byte, error) {
	return f.get(translog.TilePath(translog.Entries, int64(n), whole(width)))
}

// whole reads tessera's widths, where 0 is a whole tile.
func whole(width uint8) int {
	if width == 0 {
		return translog.TileWidth
	}
	return int(width)
}

// check runs tessera's fsck, which shares no code with this package, over everything that is served.
func (f served) check(t *testing.T, s keys) error {
	t.Helper()
	key, _ := translog.VerifierKeys("XA/1", s.public(party.RoleLog))
	v, err := note.NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	leaves := func(bundle []byte) ([][]byte, error) {
		ids, err := translog.ParseEntryBundle(bundle)
		if err != nil {
			return nil, err
		}
		var hashes [][]byte
		for _, id := range ids {
			h := translog.LeafHash(id)
			hashes = append(hashes, h[:])
		}
		return hashes, nil
	}
	// One worker for each resource: a worker stops at the first error that it finds.
	return fsck.New("XA/1", v, f, leaves, fsck.Opts{N: uint(len(f))}).Check(t.Context())
}

// spec: LOG-1, LOG-2, LOG-3
func TestFsck(t *testing.T) {
	t.Parallel()
	xa := makeKeys(t, "XA")
	for _, size := range []int{1, 255, 256, 257, 1000, 70000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			files := serve(t, makeLog(t, size), xa)
			if err := files.check(t, xa); err != nil {
				t.Fatal(err)
			}
			paths := slices.Sorted(maps.Keys(files))
			for _, path := range []string{paths[0], paths[1], paths[len(paths)/2], paths[len(paths)-1]} {
				b := files[path]
				files[path] = slices.Clone(b)
				files[path][min(len(b)/2, 24)] ^= 1 // of a checkpoint, the root: fsck does not know the log's second signature
				if err := files.check(t, xa); err == nil {
					t.Errorf("a byte flipped in %s was not found", path)
				}
				files[path] = b
			}
		})
	}
}
