package catalogue_test

import (
	"context"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// TestWhatCameBeforeIsSaidBefore: an import that is broken off has said all that came before the last object that it has said, however each is marked: who finds that one takes the rest for known.
func TestWhatCameBeforeIsSaidBefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	source := h.source()
	var text strings.Builder
	text.WriteString(indicator(1, 0, "red", marked(stix.TLPRef(marking.Red))))
	for n := range 9000 {
		text.WriteString(indicator(n+2, 0, "green", ""))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := h.Import(ctx, green(source), stix.NewReader(strings.NewReader(text.String()), stix.Limits{}).All(), catalogue.ImportOptions{Progress: func(catalogue.Report) { cancel() }})
	if err == nil {
		t.Fatal("it was not broken off")
	}
	h.index()
	h.is("what came first", h.names(catalogue.Query{For: officer(), IDs: ids(1)}), "red")
	h.is("what came last before it", h.names(catalogue.Query{For: officer(), IDs: ids(7000)}), "green")
}
