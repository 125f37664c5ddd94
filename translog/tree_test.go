package translog_test

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// spec: LOG-1
func TestLeafHash(t *testing.T) {
	t.Parallel()
	id := makeIDs(7, 1)[0]
	if got, want := translog.LeafHash(id), plainRoot([]statement.ID{id}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// spec: LOG-1, LOG-3
func TestRoots(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1000, 65535, 65536, 65537, 70000} {
		m := makeLog(t, size)
		want := plainRoot(m.ids)
		if got := m.root(); got != want {
			t.Errorf("size %d: Append gave root %v, want %v", size, got, want)
		}
		if got, err := translog.Root(int64(size), m); err != nil || got != want {
			t.Errorf("size %d: Root gave %v, %v, want %v", size, got, err, want)
		}
	}
}

// However statements are cut into batches, tiles and roots are the same.
//
// spec: LOG-1, LOG-2
func TestBatchesDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		batches := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(200, 600)), 1, 8).Draw(rt, "batches")
		cut, whole, total := newMemory(), newMemory(), 0
		for _, n := range batches {
			cut.grow(t, n)
			total += n
		}
		whole.grow(t, total)
		if cut.root() != whole.root() || len(cut.tiles) != len(whole.tiles) {
			rt.Fatalf("%v: another tree than in one batch", batches)
		}
		for k, v := range whole.tiles {
			if !slices.Equal(cut.tiles[k], v) {
				rt.Fatalf("%v: tile %v differs", batches, k)
			}
		}
	})
}

// Every path verifies against the root that the tiles give for an older or the newest size, and against no other leaf, index, size or root.
//
// spec: LOG-6
func TestInclusion(t *testing.T) {
	t.Parallel()
	m := makeLog(t, 70000)
	rapid.Check(t, func(rt *rapid.T) {
		size := drawSize(m).Draw(rt, "size")
		index := rapid.Int64Range(0, size-1).Draw(rt, "index")
		root, err := translog.Root(size, m)
		if err != nil {
			rt.Fatal(err)
		}
		path, err := translog.Inclusion(size, index, m)
		if err != nil {
			rt.Fatal(err)
		}
		leaf := translog.LeafHash(m.ids[index])
		if err := translog.CheckInclusion(path, size, index, leaf, root); err != nil {
			rt.Fatalf("path of %d in %d: %v", index, size, err)
		}
		if err := tlog.CheckRecord(path, size, root, index, leaf); err != nil {
			rt.Fatalf("tlog refuses the path of %d in %d: %v", index, size, err)
		}
		bad := func(what string, err error) {
			if fault.CodeOf(err) != fault.NotAuthentic || fault.ClauseOf(err) != "LOG-6" {
				rt.Fatalf("%s: got %v", what, err)
			}
		}
		bad("another leaf", translog.CheckInclusion(path, size, index, translog.Hash{1}, root))
		bad("another root", translog.CheckInclusion(path, size, index, leaf, translog.Hash{1}))
		if size > 1 {
			bad("another index", translog.CheckInclusion(path, size, (index+1)%size, leaf, root))
		}
		bad("a longer path", translog.CheckInclusion(append(slices.Clone(path), root), size, index, leaf, root))
		if len(path) > 0 {
			i := rapid.IntRange(0, len(path)-1).Draw(rt, "flip")
			flipped := slices.Clone(path)
			flipped[i][31] ^= 1
			bad("a flipped hash", translog.CheckInclusion(flipped, size, index, leaf, root))
			bad("a shorter path", translog.CheckInclusion(path[1:], size, index, leaf, root))
		}
	})
}

// drawSize prefers sizes about whole tiles, where mistakes live.
func drawSize(m *memory) *rapid.Generator[int64] {
	edges := []int64{1, 2, 255, 256, 257, 512, 65535, 65536, 65537, m.size()}
	return rapid.OneOf(rapid.SampledFrom(edges), rapid.Int64Range(1, m.size()))
}

// A store that has lost a tile, or all but the beginning of it, gives an error and no wrong hash.
func TestMissingTiles(t *testing.T) {
	t.Parallel()
	for _, key := range [][2]int64{{0, 273}, {1, 1}, {2, 0}} {
		m := makeLog(t, 70000)
		whole := m.tiles[key]
		if len(whole) == 0 {
			t.Fatalf("no tile %v", key)
		}
		for _, left := range [][]byte{nil, whole[:len(whole)-1], whole[:len(whole)-32]} {
			m.tiles[key] = left
			if _, err := translog.Root(m.size(), m); err == nil {
				t.Errorf("tile %v with %d of %d bytes: no error", key, len(left), len(whole))
			} else {
				wantFault(t, err, fault.NotFound, "LOG-2")
			}
			_, _, err := translog.Append(m.size(), m, makeIDs(0, 1))
			wantFault(t, err, fault.NotFound, "LOG-2")
			if left == nil {
				_, err = translog.Inclusion(m.size(), m.size()-1, m)
				if key != [2]int64{0, 273} { // the rest of that one is all in the leaf's own tile
					wantFault(t, err, fault.NotFound, "LOG-2")
				}
			}
		}
	}
}

type broken struct{}

var errDisk = errors.New("disk")

func (broken) Tile(int, int64) ([]byte, error) { return nil, errDisk }

func TestStoreErrorsPass(t *testing.T) {
	t.Parallel()
	_, errRoot := translog.Root(10, broken{})
	_, _, errAppend := translog.Append(10, broken{}, makeIDs(10, 1))
	_, errPath := translog.Inclusion(10, 1, broken{})
	_, errStep := translog.Consistency(3, 10, broken{})
	_, errTile := translog.ProveTile(10, 0, broken{})
	for i, err := range []error{errRoot, errAppend, errPath, errStep, errTile} {
		if !errors.Is(err, errDisk) {
			t.Errorf("%d: got %v", i, err)
		}
	}
}

// spec: LOG-13
func TestTreeBounds(t *testing.T) {
	t.Parallel()
	m := makeLog(t, 300)
	_, _, err := translog.Append(translog.MaxSize, m, makeIDs(0, 1))
	wantFault(t, err, fault.TooLarge, "LOG-13")
	_, _, err = translog.Append(-1, m, nil)
	wantFault(t, err, fault.TooLarge, "LOG-13")
	_, err = translog.Root(translog.MaxSize+1, m)
	wantFault(t, err, fault.TooLarge, "LOG-13")
	for _, c := range []struct {
		size, index int64
		code        fault.Code
	}{
		{300, 300, fault.Malformed}, {300, -1, fault.Malformed}, {0, 0, fault.Malformed},
		{-1, 0, fault.TooLarge}, {1 << 62, 0, fault.TooLarge},
	} {
		if _, err := translog.Inclusion(c.size, c.index, m); fault.CodeOf(err) != c.code {
			t.Errorf("Inclusion(%d, %d): %v", c.size, c.index, err)
		}
		if err := translog.CheckInclusion(nil, c.size, c.index, translog.Hash{}, translog.Hash{}); fault.CodeOf(err) != c.code {
			t.Errorf("CheckInclusion(%d, %d): %v", c.size, c.index, err)
		}
	}
}

// The deepest tree that is allowed has paths as long as LOG-13 says, and they verify.
//
// spec: LOG-13
func TestDeepest(t *testing.T) {
	t.Parallel()
	path := make([]translog.Hash, translog.MaxPath)
	root := translog.Hash{} // the leaf
	for _, h := range path {
		root = tlog.NodeHash(root, h)
	}
	if err := translog.CheckInclusion(path, translog.MaxSize, 0, translog.Hash{}, root); err != nil {
		t.Error(err)
	}
	// From size 2^39 − 1 the proof begins with the leaf before the cut.
	step := make([]translog.Hash, translog.MaxConsistency)
	old := translog.Hash{}
	for range 38 {
		old = tlog.NodeHash(translog.Hash{}, old)
	}
	if _, err := translog.Advance(step, 1<<39-1, translog.MaxSize, old); err != nil {
		t.Error(err)
	}
}

// Append and proofs read some tiles a level, whatever the size.
func TestReadsAreFew(t *testing.T) {
	t.Parallel()
	m := makeLog(t, 70000)
	for name, f := range map[string]func() error{
		"Append":      func() error { _, _, err := translog.Append(m.size(), m, makeIDs(0, 600)); return err },
		"Root":        func() error { _, err := translog.Root(69999, m); return err },
		"Inclusion":   func() error { _, err := translog.Inclusion(m.size(), 12345, m); return err },
		"Consistency": func() error { _, err := translog.Consistency(12345, m.size(), m); return err },
		"ProveTile":   func() error { _, err := translog.ProveTile(m.size(), 100, m); return err },
	} {
		m.reads = 0
		if err := f(); err != nil || m.reads > 6 {
			t.Errorf("%s: %d reads, %v", name, m.reads, err)
		}
	}
}
