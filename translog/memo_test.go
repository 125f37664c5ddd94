package translog_test

import (
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/translog"
)

// With a memo everything is as without one, however small it is, while the log grows and when the store goes back behind what was hashed.
func TestMemo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := newMemory()
		memo := translog.NewMemo(rapid.IntRange(0, 4).Draw(rt, "room"))
		tiles := memo.Over("XA/1", m)
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			n := rapid.OneOf(rapid.IntRange(1, 5), rapid.IntRange(200, 3000)).Draw(rt, "n")
			ids := makeIDs(len(m.ids)+rapid.IntRange(0, 1).Draw(rt, "history")*1_000_000, n)
			root, changed, err := translog.Append(m.size(), tiles, ids)
			want, _, errWant := translog.Append(m.size(), m, ids)
			if err != nil || errWant != nil || root != want {
				rt.Fatalf("Append: %v, %v", err, errWant)
			}
			if rapid.Bool().Draw(rt, "rolled back") {
				continue // the transaction fails after the tiles were hashed
			}
			for _, c := range changed {
				m.tiles[[2]int64{int64(c.Level), c.N}] = c.Hashes
			}
			m.ids = append(m.ids, ids...)
			size := rapid.Int64Range(1, m.size()).Draw(rt, "size")
			index := rapid.Int64Range(0, size-1).Draw(rt, "index")
			same(rt, "Inclusion", index, size, m, tiles, func(t translog.Tiles) ([]translog.Hash, error) { return translog.Inclusion(size, index, t) })
			same(rt, "Consistency", index, size, m, tiles, func(t translog.Tiles) ([]translog.Hash, error) { return translog.Consistency(index, size, t) })
			same(rt, "ProveTile", index, size, m, tiles, func(t translog.Tiles) ([]translog.Hash, error) {
				p, err := translog.ProveTile(size, index/256, t)
				return p.Path, err
			})
		}
	})
}

func same(rt *rapid.T, what string, index, size int64, plain, memo translog.Tiles, f func(translog.Tiles) ([]translog.Hash, error)) {
	want, err1 := f(plain)
	got, err2 := f(memo)
	if err1 != nil || err2 != nil || !slices.Equal(got, want) {
		rt.Fatalf("%s %d in %d: %v, %v", what, index, size, err1, err2)
	}
}

// Several logs and goroutines share one memo.
func TestMemoIsShared(t *testing.T) {
	t.Parallel()
	memo := translog.NewMemo(3)
	one, two := makeLog(t, 3000), newMemory()
	two.grow(t, 1)
	two.grow(t, 2999)
	two.tiles[[2]int64{0, 5}] = slices.Clone(two.tiles[[2]int64{0, 6}]) // another history
	var wg sync.WaitGroup
	for name, m := range map[string]*memory{"XA/1": one, "XB/1": two} {
		want := map[int64][]translog.Hash{}
		for i := int64(0); i < 3000; i += 61 {
			path, err := translog.Inclusion(3000, i, m)
			if err != nil {
				t.Fatal(err)
			}
			want[i] = path
		}
		for range 2 {
			tiles := memo.Over(name, readOnly(m.tiles))
			wg.Go(func() {
				for i, path := range want {
					if got, err := translog.Inclusion(3000, i, tiles); err != nil || !slices.Equal(got, path) {
						t.Errorf("%s leaf %d: %v", name, i, err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

// readOnly are tiles that several goroutines may read.
type readOnly map[[2]int64][]byte

func (r readOnly) Tile(level int, n int64) ([]byte, error) { return r[[2]int64{int64(level), n}], nil }
