package match

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// benchLog is Zeek's DNS log in miniature: what stands in real ones, and no hits.
func benchLog(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "1521911720.%06d\tC%017x\t10.47.%d.%d\t%d\t10.0.0.100\t53\tudp\t%d\t0.000870\tw%d.host-%d.wrccdc.example\t1\tC_INTERNET\t1\tA\t0\tNOERROR\tF\tF\tT\tT\t0\tise.cpp.example,134.71.3.16\t2230.000000,41830.000000\tF\n",
			i%1000000, i*7919, i%250, i%199, 1024+i%60000, i%65536, i%7, i%5003)
	}
	return b.Bytes()
}

func benchSet(b *testing.B, n int) *Set {
	b.Helper()
	bu := NewBuilder(Key{5}, n)
	for i := range n {
		text := fmt.Sprintf("h%d.bad-%d.example", i%31, i)
		switch i % 8 {
		case 0:
			text = fmt.Sprintf("198.%d.%d.%d:443", 18+i%2, i>>8&255, i&255)
		case 1:
			text = fmt.Sprintf("203.%d.%d.%d", i>>16&255, i>>8&255, i&255)
		case 2:
			text = fmt.Sprintf("/p%d/gate.php", i)
		case 3:
			text = fmt.Sprintf("http://u%d.example/x", i)
		}
		v, err := Parse(text, 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := bu.Add(v, Row{ID: uint32(i)}); err != nil {
			b.Fatal(err)
		}
	}
	s, _ := bu.Build()
	return s
}

func BenchmarkScan(b *testing.B) {
	set, log := benchSet(b, 1_000_000), benchLog(16<<20)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint(workers, "-workers"), func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			for b.Loop() {
				if _, err := Scan(b.Context(), bytes.NewReader(log), set, Options{Workers: workers}, func(Occurrence) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, text := range []string{"some.host.example", "hxxps://Some.Host[.]example/a/b?c", "192.0.2.1:443"} {
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if _, err := Parse(text, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		if _, err := benchSet(b, 100_000).WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHostile: what a log can hold to keep a scan busy. Each must stay in proportion to its length; the bytes a second of long and short are alike.
func BenchmarkHostile(b *testing.B) {
	set := built(b, pool...)
	for _, unit := range []string{
		"=/a", "[.]a", `\u0041`, `\/a`, "://evil.example", "http://evil.example/", "http://192.0.2.77/,", "user@evil.example", "a@", ":a", ":::", "ü.", "a.", "evil.example.", "192.0.2.1:443,",
		"/gate.php,", `\n.a`, "a-1.2.3.4-", "//evil.example/a/b.php?",
	} {
		for _, size := range []int{64 << 10, 4 << 20} {
			log := bytes.Repeat([]byte(unit), size/len(unit))
			b.Run(fmt.Sprintf("%s/%d", unit, size), func(b *testing.B) {
				b.SetBytes(int64(len(log)))
				for b.Loop() {
					if _, err := Scan(b.Context(), bytes.NewReader(log), set, Options{}, func(Occurrence) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
