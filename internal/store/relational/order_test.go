package relational

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/comity-exchange/comity/internal/store"
)

// TestTidy: however many postings there are and in whatever order they come, they stand in order, each once, and an object's id keeps what it says.
func TestTidy(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 8))
	for _, n := range []int{0, 1, 7, manyPostings - 1, manyPostings, 5 * manyPostings} {
		for _, kinds := range []int{1, 3, 40, 1 << 30} {
			for _, inTurn := range []bool{true, false} {
				var all []store.Found
				want := map[spot]store.Found{}
				for i := range n {
					term := uint64(r.IntN(kinds))
					if r.IntN(2) == 0 {
						term = term*0x9e3779b97f4a7c15 ^ term>>7 // some begin alike, most do not
					}
					f := store.Found{Posting: store.Posting{Term: store.Term(term), Line: i / 3 % 500}, Parcel: int64(i / 1500)}
					if !inTurn {
						f.Line, f.Parcel = r.IntN(50), r.Int64N(4)
					}
					if r.IntN(2) == 0 {
						f.Version = 77
					}
					if old, ok := want[spotOf(&f)]; !ok || old.Version == 0 {
						want[spotOf(&f)] = f
					}
					all = append(all, f)
				}
				got := tidy(all)
				if len(got) != len(want) {
					t.Fatalf("%d of %d: %d postings, not %d", n, kinds, len(got), len(want))
				}
				for i := range got {
					if got[i] != want[spotOf(&got[i])] {
						t.Fatalf("%d of %d: %+v is not what came", n, kinds, got[i])
					}
				}
				if !slices.IsSortedFunc(got, func(a, b store.Found) int { return spotOf(&a).compare(spotOf(&b)) }) {
					t.Fatalf("%d of %d: not in order", n, kinds)
				}
			}
		}
	}
}
