package fedtest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// What XB got from XA, it passes on only where XA's marking and the agreement let it, and marked no more loosely: the node says so before anything is said.
func TestOnward(t *testing.T) {
	t.Parallel()
	// spec: ONW-1, ONW-3, ONW-4
	f := New(t, "XA", "XB", "XC")
	xa, xb := f.At("XA"), f.At("XB")
	ctx := t.Context()
	pact := strings.Replace(Pact("XA", "XB", "XC"), `"rules":[{"effect":"permit"`, `"onward":"parties","rules":[{"effect":"permit"`, 1)
	plain, shared := f.Agree(Pact("XA", "XB", "XC"), "XA"), f.Agree(pact, "XA")
	carrying := func(data string, m marking.Marking) exchange.Draft {
		return exchange.Draft{Text: "See the attachment.", Marking: m, Blobs: []exchange.Attachment{{Name: "list.csv", Type: "text/csv", Data: bytes.NewReader([]byte(data))}}}
	}
	amber, green := marking.Marking{TLP: marking.Amber, Handling: []string{"H1"}}, marking.Marking{TLP: marking.Green}
	kept, may, own := xa.Ask(plain, carrying("kept", amber), "XB"), xa.Ask(shared, carrying("shared", amber), "XB"), xb.Ask(plain, carrying("of XB", green), "XA")
	for _, s := range []statement.ID{kept.ID, may.ID} {
		xb.Has(s)
		xb.wholeBlobs(s, 1)
	}
	xa.Has(own.ID)
	xa.wholeBlobs(own.ID, 1)
	f.Clock.Pass(time.Minute)
	back := xa.Ask(plain, carrying("of XB", amber), "XB") // XA gives XB's own back, under a stricter marking
	xb.Has(back.ID)
	xb.wholeBlobs(back.ID, 1)
	f.Quiet()

	ask := func(p *Party, data string, m marking.Marking, to ...party.Code) error {
		d := carrying(data, m)
		d.Kind, d.Agreement, d.To = "assist.request", plain, to
		_, err := p.Try(d, map[string]string{"type": "information"})
		return err
	}
	for name, c := range map[string]struct {
		err     error
		clause  string
		article []string
	}{
		"amber, to a third party":                       {ask(xb, "kept", amber, "XC"), "ONW-2", nil},
		"amber, to a third party among others":          {ask(xb, "kept", amber, "XA", "XC"), "ONW-2", nil},
		"amber, marked green":                           {ask(xb, "shared", green, "XC"), "ONW-4", nil},
		"back to its author, without its handling code": {ask(xb, "kept", marking.Marking{TLP: marking.Amber}, "XA"), "ONW-4", nil},
		"what is not the third's either":                {ask(xa, "of XB", marking.Marking{TLP: marking.Clear}, "XC"), "ONW-4", nil},
	} {
		var no *exchange.Denial
		if fault.CodeOf(c.err) != fault.Denied || fault.ClauseOf(c.err) != c.clause || !errors.As(c.err, &no) || !slices.Equal(no.Verdict.Articles, c.article) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	size := xb.LogSize()
	for name, err := range map[string]error{
		"an article lets it go to parties": ask(xb, "shared", amber, "XC"),
		"back to its author":               ask(xb, "kept", amber, "XA"),
		"its own, that came back":          ask(xb, "of XB", green, "XC"),
		"green, to a party":                ask(xa, "of XB", green, "XC"),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if xb.LogSize() < size+3 {
		t.Error("what may pass was not said")
	}
	// A dry run says the same.
	d := carrying("kept", amber)
	d.Kind, d.Agreement, d.To, d.Track, d.Precedence, d.Facts, d.By = "assist.request", plain, []party.Code{"XC"}, statement.Technical, statement.Routine, []byte(`{"type":"information"}`), xb.By("duty-officer", "two")
	if v, err := xb.May(ctx, d); err != nil || v.Permitted || v.Clause != "ONW-2" || !strings.HasSuffix(v.Reason, "ask XA") {
		t.Errorf("%v %+v", err, v)
	}
	// Evidence with what it says is shown to somebody outside only by its author.
	if err := xb.MayShow(ctx, kept.ID, exchange.Outside, false); fault.ClauseOf(err) != "ONW-2" {
		t.Errorf("XB shows XA's words: %v", err)
	}
	for name, err := range map[string]error{
		"the author shows its own": xa.MayShow(ctx, kept.ID, exchange.Outside, false), "to its author": xb.MayShow(ctx, kept.ID, "XA", false), "to a party, by article": xb.MayShow(ctx, may.ID, "XC", false),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
