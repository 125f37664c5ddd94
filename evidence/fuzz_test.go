package evidence_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/statement"
)

// What parses is written and read back as the same; verifying ends; under letters that are trusted nothing is proven that was not said.
func FuzzEvidence(f *testing.F) {
	s := newStory(f)
	said := map[statement.ID]bool{}
	for _, n := range []*node{s.xa, s.xb, s.xc} {
		for _, h := range n.heads {
			said[h.ID] = true
		}
	}
	for _, b := range []*evidence.Bundle{{}, s.bundle, embed(&evidence.Bundle{Items: s.bundle.Items[1:]}, s.letters()...)} {
		raw, err := b.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	trusted := s.letters()
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := evidence.Parse(raw)
		if err != nil {
			return
		}
		again, err := b.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := evidence.Parse(again); err != nil || !reflect.DeepEqual(back, b) {
			t.Fatalf("round trip: %v", err)
		}
		for i, r := range evidence.Verify(b, trusted).Items {
			if r.Verdict == evidence.Proven && (!said[r.ID] || statement.IDOf(b.Items[i].Head) != r.ID) {
				t.Fatal("proven and never said")
			}
		}
		// With the evidence's own letters alone, nothing is proven of a party whose letter is not there.
		for i, r := range evidence.Verify(b, nil).Items {
			if r.Verdict == evidence.Proven && !bytes.Contains(bytes.Join(b.Letters, nil), []byte(`"code":"`+string(r.From)+`"`)) {
				t.Fatalf("item %d is proven without a letter", i)
			}
		}
	})
}
