package web

import (
	"testing"

	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
)

// TestAmbiguous: where two agreements are in force with somebody, the form preselects neither.
func TestAmbiguous(t *testing.T) {
	t.Parallel()
	with := func(codes ...party.Code) node.AgreementView { return node.AgreementView{Parties: codes} }
	for name, c := range map[string]struct {
		made []node.AgreementView
		want bool
	}{
		"none": {}, "one": {made: []node.AgreementView{with("XA", "XB")}},
		"one with each":  {made: []node.AgreementView{with("XA", "XB"), with("XC", "XA")}},
		"two with one":   {made: []node.AgreementView{with("XA", "XB"), with("XB", "XA")}, want: true},
		"one of several": {made: []node.AgreementView{with("XA", "XB", "XC"), with("XA", "XC")}, want: true},
	} {
		if got := ambiguous(c.made, "XA"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
