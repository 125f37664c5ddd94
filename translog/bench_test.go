package translog_test

import (
	"sync"
	"testing"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/translog"
)

// million is a log of 1,000,000 leaves, made once and only read.
var million = sync.OnceValue(func() *memory {
	m := newMemory()
	ids := makeIDs(0, 1_000_000)
	root, changed, err := translog.Append(0, m, ids)
	if err != nil {
		panic(err)
	}
	for _, t := range changed {
		m.tiles[[2]int64{int64(t.Level), t.N}] = t.Hashes
	}
	m.ids = ids
	m.roots = append(m.roots, root)
	return m
})

// BenchmarkProof makes and checks an inclusion path at 1,000,000 leaves; the budget for making it is 200 µs.
func BenchmarkProof(b *testing.B) {
	m := million()
	for name, c := range map[string]struct {
		tiles  translog.Tiles
		stride int64
	}{
		"make":          {m, 7919},                                    // every tile hashed anew
		"make/memo":     {translog.NewMemo(64).Over("XA/1", m), 7919}, // leaves all over the log: upper tiles are remembered
		"make/memo/hot": {translog.NewMemo(64).Over("XA/1", m), 1},    // leaves one after the other
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				if _, err := translog.Inclusion(m.size(), int64(i)*c.stride%m.size(), c.tiles); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("check", func(b *testing.B) {
		path, err := translog.Inclusion(m.size(), 4711, m)
		if err != nil {
			b.Fatal(err)
		}
		leaf := translog.LeafHash(m.ids[4711])
		b.ReportAllocs()
		for b.Loop() {
			if err := translog.CheckInclusion(path, m.size(), 4711, leaf, m.root()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkTileProof makes, writes, reads and checks the proof of 256 leaves at 1,000,000.
func BenchmarkTileProof(b *testing.B) {
	m := million()
	p, err := translog.ProveTile(m.size(), 1234, m)
	if err != nil {
		b.Fatal(err)
	}
	line, memo := p.MarshalLine(), translog.NewMemo(64).Over("XA/1", m)
	for name, f := range map[string]func() error{
		"make":      func() error { _, err := translog.ProveTile(m.size(), 1234, m); return err },
		"make/memo": func() error { _, err := translog.ProveTile(m.size(), 1234, memo); return err },
		"write":     func() error { p.MarshalLine(); return nil },
		"read":      func() error { _, err := translog.ParseTileProof(line); return err },
		"check":     func() error { return p.Check(m.size(), m.root()) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkConsistency makes a consistency proof at 1,000,000 leaves.
func BenchmarkConsistency(b *testing.B) {
	m := million()
	b.ReportAllocs()
	for i := range b.N {
		if _, err := translog.Consistency(1+int64(i)*7919%m.size(), m.size(), m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend256 puts 256 statements behind 1,000,000.
func BenchmarkAppend256(b *testing.B) {
	m := million()
	ids := makeIDs(1_000_000, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := translog.Append(m.size(), m, ids); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheckpoint signs and opens a checkpoint: once a batch, on either side.
func BenchmarkCheckpoint(b *testing.B) {
	xa := makeKeys(b, "XA")
	tree := treeOf(makeLog(b, 300), "XA/1")
	signed := sign(b, xa, tree, noon)
	pub := xa.public(party.RoleLog)
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			sign(b, xa, tree, noon)
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := translog.OpenCheckpoint(signed, "XA/1", pub); err != nil {
				b.Fatal(err)
			}
		}
	})
}
