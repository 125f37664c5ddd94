package node

import (
	"testing"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/statement"
)

// TestTextsAreForgotten: what is remembered of texts has a bound in number and in bytes, and what was used last stays.
func TestTextsAreForgotten(t *testing.T) {
	t.Parallel()
	var all readTexts
	id := func(n int) statement.ID { return statement.ID{byte(n), byte(n >> 8), 1} }
	for n := range 3 * maxTexts {
		all.keep(id(n), &agreement.Document{Raw: []byte("text")}, nil)
		if all.find(id(0)) == nil {
			t.Fatalf("the text that is used again and again is forgotten after %d others", n)
		}
	}
	if len(all.by) != maxTexts || all.bytes != 4*maxTexts || all.find(id(1)) != nil || all.find(id(3*maxTexts-1)) == nil {
		t.Errorf("%d texts of %d bytes", len(all.by), all.bytes)
	}
	for n := range 40 {
		all.keep(id(n), &agreement.Document{Raw: make([]byte, 1<<20)}, nil)
	}
	if all.bytes > maxTextBytes || len(all.by) > maxTextBytes>>20 {
		t.Errorf("%d texts of %d bytes", len(all.by), all.bytes)
	}
	policy := &agreement.Policy{}
	all.keep(id(39), &agreement.Document{Raw: make([]byte, 1<<20)}, policy)
	if found := all.find(id(39)); found == nil || found.policy != policy || all.bytes > maxTextBytes {
		t.Error("a text that was compiled later is counted twice, or not kept")
	}
}
