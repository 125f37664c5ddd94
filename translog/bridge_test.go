package translog_test

import (
	"slices"
	"testing"

	"github.com/comity-exchange/comity/translog"
)

// spec: LOG-8, PKT-5
func TestTileConsistency(t *testing.T) {
	t.Parallel()
	for _, total := range []int64{1, 2, 255, 256, 257, 300, 511, 512, 513, 1000, 1024, 1025, 2560, 3000} {
		log := makeLog(t, int(total))
		for size := int64(1); size <= total; size += 1 + size/40 {
			p, err := translog.ProveTile(total, (size-1)/256, log)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := p.Consistency(total, size)
			if !ok {
				t.Fatalf("%d of %d: the tile holds the last leaf, and gives no proof", size, total)
			}
			want, err := translog.Consistency(size, total, log)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d of %d: not the proof that the whole log gives", size, total)
			}
			if _, ok := p.Consistency(total, p.N*256); ok {
				t.Errorf("%d of %d: a proof of a size that ends before the tile", p.N*256, total)
			}
			if _, ok := p.Consistency(total, total+1); ok {
				t.Errorf("%d of %d: a proof of a size past the end", total+1, total)
			}
		}
	}
}
