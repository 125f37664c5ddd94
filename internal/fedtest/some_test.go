package fedtest

import (
	"testing"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// XM says something in a thread to XA alone, where XB takes part too and can never have it. It is void and has no place, so nothing hangs on it: the others go on in that thread and in
// every other.
func TestSaidToSomeAlone(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	xa, xb := f.At("XA"), f.At("XB")
	asked := xa.Ask(agreed, exchange.Draft{Text: "Who can help?"}, "XB", "XM")
	other := xa.Ask(agreed, exchange.Draft{Text: "And here?"}, "XB", "XM")
	for _, p := range []*Party{xb, f.At("XM")} {
		p.Has(asked.ID)
		p.Has(other.ID)
	}
	m := f.corrupt("XM", agreed)
	alone := m.say(func(h *statement.Head) {
		h.Thread, h.After, h.Kind, h.Facts = asked.ID, []statement.ID{asked.ID}, assist.KindAcknowledge, []byte(`{}`)
	})
	m.takes("XA", alone)
	// spec: THR-6
	if v := xa.void(alone.ID); v != string(thread.WrongRecipients) {
		t.Errorf("void by %q", v)
	}
	said := xa.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindSupplement}, assist.Supplement{})
	xb.Has(said.ID)
	xa.Has(xb.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindGrant, Text: "Here."}, assist.Grant{Extent: assist.Full}).ID)
	if a, b := xa.State(asked.ID), xb.State(asked.ID); a != b {
		t.Errorf("states differ:\n%s\n%s", a, b)
	}
	xa.Until("the receipt of XB", func() bool { return xa.queue("XB").Waiting == 0 })
	more := xa.Say(exchange.Draft{Thread: other.ID, Kind: assist.KindSupplement}, assist.Supplement{})
	xb.Has(more.ID)
	xa.Has(xb.Say(exchange.Draft{Thread: other.ID, Kind: assist.KindGrant, Text: "Here."}, assist.Grant{Extent: assist.Full}).ID)
	if a, b := xa.State(other.ID), xb.State(other.ID); a != b {
		t.Errorf("states differ:\n%s\n%s", a, b)
	}
	// The agreement that all three rely on stands, whatever XM says in its thread to one of them.
	apart := m.say(func(h *statement.Head) {
		h.To, h.Thread, h.After, h.Agreement = []party.Code{"XA"}, agreed, []statement.ID{agreed}, nil
		h.Kind, h.Facts = thread.KindRetrieved, []byte(`{"ids":["`+agreed.String()+`"]}`)
	})
	m.takes("XA", apart)
	last := xa.Ask(agreed, exchange.Draft{Text: "We still rely on it."}, "XB")
	xb.Has(last.ID)
	if r := xb.said(last.ID).Refused; len(r) > 0 {
		t.Errorf("XB refuses what rests on the agreement: %v", r)
	}
	f.honest()
}
