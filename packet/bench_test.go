package packet

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/comity-exchange/comity/statement"
)

// load is a packet of n statements of about 1 KB, heads and bodies together, as compressible as statements are.
func load(n int) *Contents {
	r := rand.New(rand.NewPCG(1, 2))
	id := func() string {
		var b [32]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return statement.IDOf(b[:]).String()
	}
	c := &Contents{Checkpoint: bytes.Repeat([]byte("AZaz09+/"), 450)}
	for range n {
		c.Heads = append(c.Heads, fmt.Appendf(nil, `{"v":1,"nonce":"%.22s","from":"XA","to":["XB"],"thread":"%s","after":["%s"],"kind":"assist.answer","agreement":{"id":"%s","digest":"%s","at":["%s"]},"marking":{"tlp":"AMBER"},"track":"technical","precedence":"routine","exercise":false,"time":"2026-11-21T08:00:00.000Z","by":{"role":"duty-officer","officer":"%.32s"},"facts":{"outcome":"given"},"body":{"sha256":"%s","size":420,"blobs":0,"blob_bytes":0}}`,
			id(), id(), id(), id(), id(), id(), id(), id()))
		c.Bodies = append(c.Bodies, fmt.Appendf(nil, `{"nonce":"%.22s","title":"Answer to the request of this morning","text":"The host %s was seen at %s. Logs of the last seven days are kept; tell us which of them you need and for what purpose."}`, id(), id(), id()))
	}
	for i := range (n + 255) / 256 {
		c.Tiles = append(c.Tiles, fmt.Appendf(nil, `{"n":%d,"hashes":"%s","path":[]}`, i, id()+id()+id()+id()))
	}
	return c
}

func BenchmarkSeal(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n, "-statements"), func(b *testing.B) {
			c, codec, to := load(n), NewCodec(), recipient()
			size, err := c.Size()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if err := codec.Seal(io.Discard, to, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n, "-statements"), func(b *testing.B) {
			c, codec := load(n), NewCodec()
			sealed := mustSeal(b, c)
			size, err := c.Size()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			b.ReportMetric(float64(len(sealed)), "sealed-B")
			b.ReportAllocs()
			for b.Loop() {
				if err := codec.Open(bytes.NewReader(sealed), keyPair(), discard{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
