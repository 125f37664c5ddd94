package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/ledger"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// account: both sides compute the same ledger.
func (p *play) account(ctx context.Context) error {
	p.heading("The ledger")
	if err := p.peaceful(ctx); err != nil {
		return err
	}
	period := node.Period{Peer: p.b.code, From: statement.TimeOf(p.began), To: statement.TimeOf(p.clock.Now())}
	ours, err := p.a.Ledger(ctx, period)
	if err != nil {
		return err
	}
	period.Peer, period.OwnSize, period.PeerSize = p.a.code, ours.Sizes[1], ours.Sizes[0]
	theirs, err := p.b.Ledger(ctx, period)
	if err != nil {
		return err
	}
	p.say("%s and %s each compute from the two logs, up to leaf %d and leaf %d, who asked what of whom, and what came of it.",
		p.a.code, p.b.code, ours.Sizes[0], ours.Sizes[1])
	p.row(fmt.Sprintf("%-8s  %-10s %-13s %-13s %-13s %-13s %-8s %s", "asked", "precedence", "at", "acknowledged", "answered", "due", "outcome", "kept"))
	for _, e := range ours.Entries {
		p.row(fmt.Sprintf("%-8s  %-10s %-13s %-13s %-13s %-13s %-8s %s", fmt.Sprintf("%s → %s", e.Asker, e.Asked), e.Precedence,
			at(e.AskedAt), at(e.AcknowledgedAt), at(e.AnsweredAt), at(e.DueAnswer), e.Outcome, kept(e)))
	}
	p.check(len(ours.Entries) == 2, "the ledger has both requests")
	p.check(bytes.Equal(ours.Marshal(), theirs.Marshal()), "the %d bytes are the same on both sides", len(ours.Marshal()))
	p.under("digest", "%s at %s: %s", p.a.code, p.a.Journal.Origin(), ours.Digest())
	p.under("", "%s at %s: %s", p.b.code, p.b.Journal.Origin(), theirs.Digest())
	return p.rest(ctx)
}

func kept(e ledger.Entry) string {
	switch {
	case e.Kept == nil:
		return "-"
	case *e.Kept:
		return "yes"
	}
	return "no"
}

// evidence: one statement is proven to a third party, with and without its body.
func (p *play) evidence(ctx context.Context) error {
	p.heading("Evidence")
	p.say("%s exports its request as evidence. Somebody with the three letters, and no network, verifies it.", p.a.code)
	var trusted []*party.Letter
	for _, o := range p.all() {
		l, err := o.OwnLetter(ctx)
		if err != nil {
			return err
		}
		trusted = append(trusted, l)
	}
	for _, withBody := range []bool{true, false} {
		raw, err := p.exported(ctx, withBody)
		if err != nil {
			return err
		}
		bundle, err := evidence.Parse(raw)
		if err != nil {
			return err
		}
		report := evidence.Verify(bundle, trusted)
		if len(report.Items) == 0 {
			p.check(false, "the evidence holds something")
			continue
		}
		p.proven(report, withBody, len(raw))
		if withBody {
			p.forged(bundle, trusted)
		}
	}
	return p.rest(ctx)
}

// exported waits until the request's evidence is witnessed, since cosignatures come a packet later, and gives it as a file would have it.
func (p *play) exported(ctx context.Context, withBody bool) (raw []byte, err error) {
	err = p.a.until(ctx, "a cosignature", func() (bool, error) {
		b, err := p.a.Evidence(ctx, p.asked.ID, withBody)
		if err != nil {
			return false, err
		}
		raw, err = b.Marshal()
		return len(b.Items) > 0 && b.Items[0].Cosigned != nil, err
	})
	return raw, err
}

// proven shows a report.
func (p *play) proven(r evidence.Report, withBody bool, size int) {
	it := r.Items[0]
	with := "with the body"
	want := evidence.BodyPresent
	if !withBody {
		with, want = "without the body", evidence.BodyWithheld
	}
	var arrived evidence.Arrival // all that the receipts of XB say, together
	for _, a := range it.Arrived {
		if a.Party == p.b.code {
			arrived.Head, arrived.Body, arrived.Blobs = arrived.Head || a.Head, arrived.Body || a.Body, max(arrived.Blobs, a.Blobs)
			arrived.Party, arrived.Time = a.Party, a.Time
		}
	}
	p.check(r.OK() && it.ID == p.asked.ID && it.Body == want && len(it.Witnessed) > 0 && arrived.Head && arrived.Body && arrived.Blobs == it.Blobs,
		"%s (%s): %s, witnessed, arrived", with, bytesOf(int64(size)), it.Verdict)
	p.under("signed by", "%s, leaf %d of %s, at %s UTC", it.From, it.Index, it.Origin, at(it.Time))
	for _, w := range it.Witnessed {
		p.under("witnessed by", "%s, which saw that log with it at %s UTC", w.Party, at(w.Time))
	}
	p.under("arrived at", "%s: head, body and %d attachment, whole by %s UTC, say its receipts", arrived.Party, arrived.Blobs, at(arrived.Time))
	p.under("body", "%s", it.Body)
	var relied []string
	for _, l := range r.Letters {
		if l.Relied {
			relied = append(relied, fmt.Sprintf("%s (%s)", l.Code, l.Source))
		}
	}
	p.under("relied on", "the letters of %s", strings.Join(relied, ", "))
}

// forged changes one letter of what was said.
func (p *play) forged(b *evidence.Bundle, trusted []*party.Letter) {
	forged := *b
	forged.Items = slices.Clone(b.Items)
	forged.Items[0].Head = bytes.Replace(forged.Items[0].Head, []byte(`"AMBER"`), []byte(`"GREEN"`), 1)
	r := evidence.Verify(&forged, trusted)
	why := ""
	if len(r.Items) > 0 && r.Items[0].Why != nil {
		why = r.Items[0].Why.Clause
	}
	p.check(!r.OK() && why != "", "with TLP:GREEN written over TLP:AMBER: not proven (%s)", why)
}

// logs: each node holds its own log against its statements, signatures and high-water mark.
func (p *play) logs(ctx context.Context) error {
	p.heading("The logs")
	p.clock.pass(span)
	for _, o := range p.all() {
		r, err := o.VerifyLog(ctx)
		if err != nil {
			return err
		}
		p.check(len(r.Problems) == 0 && r.Size > 0, "%s: %d statements, root %.10s, signed, in agreement with store, tiles and mark; cosigned by %d",
			r.Origin, r.Size, r.Root, r.Cosigned)
	}
	p.say("The nodes' clocks are now the machine's: %s UTC.", p.clock.Now().UTC().Format("2 Jan 15:04"))
	return p.rest(ctx)
}
