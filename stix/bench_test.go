package stix_test

import (
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/stix"
)

// sample is an indicator of 700 bytes, as feeds send them.
var sample = []byte(`{"type":"indicator","spec_version":"2.1","id":"indicator--33fe3b22-0201-47cf-85d0-97c02164528d",` +
	`"created_by_ref":"identity--f690c992-8e7d-4b9a-9303-3312616c0220","created":"2026-05-08T09:00:00.000Z","modified":"2026-05-08T09:00:00.000Z",` +
	`"name":"Address of a command and control server","description":"Seen by XA.cert in three incidents; the server answers on port 443 with a self-signed certificate.",` +
	`"indicator_types":["malicious-activity"],"pattern":"[ipv4-addr:value = '198.51.100.3']","pattern_type":"stix","valid_from":"2026-05-08T09:00:00Z",` +
	`"confidence":70,"labels":["c2","sector-energy"],"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}`)

func BenchmarkParse(b *testing.B) {
	b.Run("object", func(b *testing.B) {
		b.SetBytes(int64(len(sample)))
		b.ReportAllocs()
		var p stix.Parser
		for b.Loop() {
			if _, err := p.Parse(sample); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("tokens", func(b *testing.B) {
		b.SetBytes(int64(len(sample)))
		b.ReportAllocs()
		d := jsontext.NewDecoder(strings.NewReader(""))
		for b.Loop() {
			d.Reset(strings.NewReader(string(sample)))
			for {
				if _, err := d.ReadToken(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkReader reads a bundle of a thousand objects; a figure is for one object.
func BenchmarkReader(b *testing.B) {
	text := `{"type":"bundle","id":"` + bundle + `","objects":[` + strings.Repeat(string(sample)+",", 999) + string(sample) + "]}"
	b.SetBytes(int64(len(text)) / 1000)
	b.ReportAllocs()
	for n := 0; n < b.N; {
		for it, err := range stix.NewReader(strings.NewReader(text), stix.Limits{}).All() {
			if err != nil || it.Err != nil {
				b.Fatal(err, it.Err)
			}
			if n++; n == b.N {
				break
			}
		}
	}
}
