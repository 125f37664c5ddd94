package stix_test

import (
	"strings"
	"testing"

	"github.com/comity-exchange/comity/stix"
)

// exampleDefects are the rules that published examples break themselves.
var exampleDefects = map[string]string{}

func TestExamplesPassTheCheck(t *testing.T) {
	t.Parallel()
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for it, err := range stix.NewReader(shared(t, name), stix.Limits{}).All() {
				if err != nil || it.Err != nil {
					t.Fatal(err, it.Err)
				}
				for _, d := range it.Object.Check() {
					if exampleDefects[string(it.Object.ID)] != d.String() {
						t.Errorf("%d %s: %s", it.Index, it.Object.ID, d)
					}
				}
			}
		})
	}
}

func TestCheckSample(t *testing.T) {
	t.Parallel()
	o, err := stix.Parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	if found := o.Check(); found != nil {
		t.Error(found)
	}
	if !strings.Contains(o.Raw, string(o.ID)) || o.Version() != "2026-05-08T09:00:00.000Z" || o.Confidence != 70 || len(o.Labels) != 2 {
		t.Errorf("%+v", o)
	}
}

func BenchmarkCheck(b *testing.B) {
	o, err := stix.Parse(sample)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if o.Check() != nil {
			b.Fatal("defects")
		}
	}
}
