package fedtest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// XB sends XA and XM an attachment. XM, who knows its digest from its own copy, brings XA other bytes for it, in packets of XB's log: XA takes them from nobody but XB.
func TestBytesOfAnother(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	m := f.stranger("XM", "XA", "XB")
	f.must(importAt(xb, m))
	f.Quiet()
	sent := 0
	f.Net.Strike(func(p Passage) Fate { // the head and the body pass, and nothing behind them
		if p.From != "XB" {
			return Fate{}
		}
		sent++
		return Fate{Lose: sent > 1}
	})
	said := xb.Say(exchange.Draft{Kind: "credence.office", To: []party.Code{"XA", "XM"}, Blobs: []exchange.Attachment{attachment("a", 500<<10, 3)}},
		party.OfficeFacts{Office: "XB.cert", Letter: statement.Digest{1}})
	xa.Has(said.ID)
	xb.Until("the attachment to be lost", func() bool { return xb.queue("XA").Attempts > 0 })
	c := m.opened(xb)
	body, err := statement.ParseBody(c.Bodies[0])
	f.must(err)
	junk := func() []packet.BlobPart {
		return []packet.BlobPart{{SHA256: body.Blobs[0].SHA256, Size: 4, Data: strings.NewReader("junk")}}
	}
	alone, beside := *c, *c
	alone.Heads, alone.Bodies, alone.Tiles, alone.Blobs = nil, nil, nil, junk()
	beside.Blobs = junk()
	// spec: PKT-9
	for name, c := range map[string]*packet.Contents{"by themselves": &alone, "beside a head that XM may relay": &beside, "with nothing at all": {Checkpoint: c.Checkpoint}} {
		m.turnedAway("XA", name, "PKT-9", func() answer { return m.send("XA", m.seal("XA", c)) })
	}
	// The head alone it may bring: XA was told by XB already, and nothing happens twice.
	c.Blobs = nil
	before := xa.holdings()
	if a := m.send("XA", m.seal("XA", c)); a.status >= 300 {
		t.Errorf("a relayed head: %+v", a)
	}
	if changed := xa.holdings().since(before, "checkpoint", "consistency", "peer"); changed != "" {
		t.Errorf("a head that was here already changed %s", changed)
	}
	f.Net.Calm()
	f.kick()
	if got := xa.wholeBlobs(said.ID, 1); statement.Sum(got) != body.Blobs[0].SHA256 {
		t.Error("other bytes arrived")
	}
	f.honest()
}

// importAt has a party's letter taken where it is not confirmed yet; a stranger's is everywhere that it was asked for.
func importAt(p *Party, m *mallory) error {
	_, err := p.ImportLetter(p.F.T.Context(), m.letter.Raw)
	return err
}

// XM grinds its nonces until its ids come before or after everybody's, and answers in ignorance of the rest: whatever the order, XA and XB hold the same, and what XB has
// answered stays.
func TestGroundIDs(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	xa, xb := f.At("XA"), f.At("XB")
	asked := xa.Ask(agreed, exchange.Draft{Text: "Who can help?"}, "XB", "XM")
	xb.Has(asked.ID)
	f.At("XM").Has(asked.ID)
	grant := xb.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindGrant, Text: "We can."}, assist.Grant{Extent: assist.Full})
	xa.Has(grant.ID)
	m := f.corrupt("XM", agreed)
	before := strings.Count(xa.State(asked.ID), `"granted"`)
	for _, edge := range []byte{0x00, 0xff} {
		var h *statement.Head
		for h == nil || h.ID[0] != edge {
			if h != nil {
				m.ids = m.ids[:len(m.ids)-1]
			}
			h = m.within(asked.ID, assist.KindRefuse, assist.Refuse{Grounds: []string{"no-capacity"}})
		}
		m.takes("XA", h)
		m.takes("XB", h)
		// spec: THR-3, THR-4
		if a, b := xa.State(asked.ID), xb.State(asked.ID); a != b || strings.Count(a, `"granted"`) != before {
			t.Errorf("with an id of %02x…: states differ, or a grant is gone:\n%s\n%s", edge, a, b)
		}
	}
	f.honest()
}

// XM has receipted a request and says later that it never came: the receipt is in its own log, and a third party sees it without asking XM. To take it back XM would have to
// fork its log. Where it gives no receipt at all, nobody says that it has one.
func TestClaimsNonReceipt(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	xa := f.At("XA")
	asked := xa.Ask(agreed, exchange.Draft{Text: "Please answer."}, "XB", "XM")
	xa.Delivered(asked.ID)
	m := f.corrupt("XM", agreed)
	later := xa.Ask(agreed, exchange.Draft{Text: "And this?"}, "XB", "XM")
	f.At("XB").Has(later.ID)
	arrivedAt := func(id statement.ID) (by []party.Code) {
		e, err := xa.Evidence(t.Context(), id, true)
		f.must(err)
		r := evidence.Verify(e, nil)
		if !r.OK() {
			t.Errorf("the evidence does not verify: %+v", r)
		}
		for _, i := range r.Items {
			for _, a := range i.Arrived {
				by = append(by, a.Party)
			}
		}
		slices.Sort(by)
		return by
	}
	xa.Until("the receipt of XB", func() bool { return xa.queue("XB").Waiting == 0 })
	// It denies.
	m.takes("XA", m.within(asked.ID, "receipt.refused", map[string]any{"id": asked.ID, "clause": "RCP-1", "reason": "never-came", "articles": []string{}}))
	// spec: RCP-6, EVD-5
	if by := fmt.Sprint(arrivedAt(asked.ID)); by != "[XB XM]" {
		t.Errorf("arrived by %s", by)
	}
	if by := fmt.Sprint(arrivedAt(later.ID)); by != "[XB]" {
		t.Errorf("what XM never receipted has arrived by %s", by)
	}
	for _, d := range xa.said(later.ID).Delivered {
		if d.To == "XM" && !d.Head.IsZero() {
			t.Errorf("%+v", d)
		}
	}
	// It takes back: its log again without the last, and something else in its place.
	m.ids = append(m.ids[:len(m.ids)-1:len(m.ids)-1], statement.ID{9})
	// spec: LOG-9
	if a := m.post("XA", m.contents("XA")); a.Code != string(fault.Fork) {
		t.Errorf("%+v", a)
	}
	if by := fmt.Sprint(arrivedAt(asked.ID)); by != "[XB XM]" {
		t.Errorf("after the fork arrived by %s", by)
	}
	f.honest()
}

// XM opens as many requests as it may and never ends them. Its own next one is turned away; nobody else's is.
func TestSlowCaller(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	m, other := f.stranger("XM", "XA"), f.stranger("XN", "XA")
	own, err := f.At("XA").OwnLetter(t.Context())
	f.must(err)
	ended := make(chan error, 4)
	var pipes []*io.PipeWriter
	for range 4 {
		r, w := io.Pipe()
		pipes = append(pipes, w)
		go func() {
			resp, err := m.client.Post(own.Endpoints[0]+"/comity/v1/packets", "application/vnd.comity.packet", r)
			if err == nil {
				err = resp.Body.Close()
			}
			ended <- err
		}()
		_, err := w.Write([]byte("age-encryption.org/v1\n"))
		f.must(err)
	}
	// spec: NET-6
	f.until("the fifth to be turned away", func() bool { return m.send("XA", []byte("hello")).Code == string(fault.Quota) })
	h := other.office(nil)
	other.takes("XA", h)
	f.honest()
	for _, w := range pipes {
		f.must(w.Close())
	}
	for range pipes {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	f.until("XM to be heard again", func() bool { return m.post("XA", m.contents("XA", m.office(nil))).status == http.StatusOK })
}
