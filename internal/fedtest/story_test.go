package fedtest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// bilateral is the agreement of these stories.
const bilateral = `{"v":1,"title":{"en":"Assistance"},"parties":["XA","XB"],"languages":["en"],"in_force":{"when":"all"},"articles":[
{"number":"1","title":{"en":"Requests"},"text":{"en":"Each party may ask the other for assistance."},"rules":[{"effect":"permit","kinds":["assist.*"],"tlp_max":"AMBER"}]},
{"number":"2","title":{"en":"Time"},"text":{"en":"Immediate requests are answered in eight hours."},"clocks":{"immediate":{"acknowledge":3600,"answer":28800}}},
{"number":"3","title":{"en":"Persons"},"text":{"en":"Personal data do not pass."},"rules":[{"effect":"forbid","kinds":["assist.*"],"personal_data":"minimised"}]}
]}`

func TestStory(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(bilateral, "XA")

	attachment := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	asked := xa.Say(exchange.Draft{
		To: []party.Code{"XB"}, Agreement: agreed, Kind: assist.KindRequest, Title: "Plant stopped", Text: "Please look.",
		Blobs: []exchange.Attachment{{Name: "bundle.json", Type: "application/json", Data: strings.NewReader(attachment)}},
	}, assist.Request{Type: assist.Analysis, Sector: "food-agriculture"})
	xb.Has(asked.ID)
	xa.Delivered(asked.ID)
	f.Clock.Pass(time.Minute)
	ack := xb.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{})
	xa.Has(ack.ID)
	xb.Until("the attachment", func() bool {
		_, said, err := xb.Thread(t.Context(), asked.ID)
		return err == nil && len(said[0].Attachments) == 1 && said[0].Attachments[0].Whole
	})
	var got bytes.Buffer
	if err := xb.Save(t.Context(), asked.ID, 0, &got); err != nil || got.String() != attachment {
		t.Fatalf("attachment: %v, %d bytes", err, got.Len())
	}
	f.Clock.Pass(time.Hour)
	grant := xb.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindGrant, Text: "Here it is."}, assist.Grant{Extent: assist.Full})
	xa.Has(grant.ID)
	xb.Delivered(grant.ID)
	if a, b := xa.State(asked.ID), xb.State(asked.ID); a != b || xa.Status(asked.ID) != "granted" {
		t.Fatalf("states differ or are wrong:\n%s\n%s", a, b)
	}

	_, err := xa.Try(exchange.Draft{To: []party.Code{"XB"}, Agreement: agreed, Kind: assist.KindRequest,
		Marking: marking.Marking{TLP: marking.Amber, PersonalData: marking.PersonalAllowed}}, assist.Request{Type: assist.Information})
	if fault.CodeOf(err) != fault.Denied || !strings.Contains(fault.Show(err), "3") {
		t.Fatalf("want a denial under article 3, got %v", err)
	}

	period := func(p *Party, peer party.Code, own, theirs int64) string {
		l, err := p.Ledger(t.Context(), node.Period{Peer: peer, From: statement.TimeOf(f.Clock.Now().Add(-24 * time.Hour)),
			To: statement.TimeOf(f.Clock.Now().Add(time.Hour)), OwnSize: own, PeerSize: theirs})
		f.must(err)
		return string(l.Marshal())
	}
	xa.Until("settled logs", func() bool { return len(queued(t, xa)) == 0 && len(queued(t, xb)) == 0 })
	a, b := sizes(t, xa, xb)
	if la, lb := period(xa, "XB", a, b), period(xb, "XA", b, a); la != lb || !strings.Contains(la, `"outcome":"granted"`) {
		t.Fatalf("ledgers differ or are empty:\n%s\n%s", la, lb)
	}

	for _, p := range []*Party{xa, xb} {
		for _, withBody := range []bool{true, false} {
			e, err := p.Evidence(t.Context(), asked.ID, withBody)
			f.must(err)
			raw, err := e.Marshal()
			f.must(err)
			parsed, err := evidence.Parse(raw)
			f.must(err)
			if r := evidence.Verify(parsed, nil); !r.OK() || len(r.Items[0].Arrived) == 0 {
				t.Fatalf("%s, body %v: %+v", p.Code, withBody, r)
			}
		}
	}
}

// queued lists peers for whom something waits.
func queued(t *testing.T, p *Party) (out []string) {
	qs, err := p.Courier.Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range qs {
		if q.Waiting > 0 {
			out = append(out, string(q.Peer))
		}
	}
	return out
}

// sizes is how much of each other's logs two parties have accepted.
func sizes(t *testing.T, p, q *Party) (int64, int64) {
	size := func(of, at *Party) int64 {
		qs, err := at.Courier.Queues(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range qs {
			if x.Peer == of.Code {
				return x.TheirSize
			}
		}
		return 0
	}
	return size(p, q), size(q, p)
}
