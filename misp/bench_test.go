package misp_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/misp"
)

// BenchmarkAttributes maps an event of ten thousand attributes to STIX, beside what bounds it: the tokens of its JSON, and reading them into
// values. All tell what one attribute costs.
func BenchmarkAttributes(b *testing.B) {
	const n = 10_000
	text := []byte(many(n, nil))
	each := func(b *testing.B, do func() error) {
		b.Helper()
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/attribute")
	}
	b.Run("tokens", func(b *testing.B) {
		each(b, func() error {
			dec := jsontext.NewDecoder(bytes.NewReader(text))
			for {
				if _, err := dec.ReadToken(); errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return err
				}
			}
		})
	})
	b.Run("read", func(b *testing.B) {
		each(b, func() error {
			for p, err := range misp.Read(bytes.NewReader(text), misp.Limits{}) {
				if err != nil || p.Err != nil {
					return errors.Join(err, p.Err)
				}
			}
			return nil
		})
	})
	b.Run("map", func(b *testing.B) {
		each(b, func() error {
			for it, err := range misp.ItemsOf(text, misp.Mapping{}) {
				if err != nil || it.Err != nil {
					return errors.Join(err, it.Err)
				}
			}
			return nil
		})
	})
}
