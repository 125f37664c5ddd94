package fedtest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// kept is how a body (part −1) or blob stands.
func (p *Party) kept(id statement.ID, part int) (c store.Content) {
	p.F.T.Helper()
	err := p.Store.View(p.F.T.Context(), func(tx store.Tx) (err error) {
		c, err = tx.Content(store.ContentRef{Statement: id, Part: part})
		return err
	})
	if fault.CodeOf(err) != fault.NotFound {
		p.F.must(err)
	}
	return c
}

// answers is what a party's table of a recall says: outcome by party.
func (p *Party) answers(id thread.ID) map[party.Code]recall.Outcome {
	p.F.T.Helper()
	v, err := p.RecallOf(p.F.T.Context(), id)
	p.F.must(err)
	out := map[party.Code]recall.Outcome{}
	for _, l := range v.Lines {
		out[l.Party] = l.Outcome
	}
	return out
}

// XA takes back what it said to XB and XC. XB confirms at once; XC cannot be reached, gets the recall by bag, and confirms by bag. The table at XA says who has, by
// which receipt; the receipt is evidence for a third party; and no state of any other thread has changed.
func TestRecall(t *testing.T) {
	t.Parallel()
	// spec: RCL-2, RCL-4, RCL-6, RCL-7, RCP-5, STM-7
	f := New(t, "XA", "XB", "XC")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	ctx := t.Context()
	agreed := f.Agree(Pact("XA", "XB", "XC"), "XA")
	said := xa.Ask(agreed, exchange.Draft{Title: "Hosts", Text: "The walnut list.", Blobs: []exchange.Attachment{attachment("walnut.csv", 9000, 1)}}, "XB", "XC")
	for _, p := range []*Party{xb, xc} {
		p.Has(said.ID)
		p.wholeBlobs(said.ID, 1)
	}
	f.Quiet()
	before := xa.State(said.ID)
	f.Cut("XA", "XC")
	f.Cut("XB", "XC")

	_, err := xb.Recall(ctx, node.Recalling{IDs: []statement.ID{said.ID}, Reason: recall.Incorrect, Precedence: statement.Immediate, By: xb.By("duty-officer", "two")})
	if fault.ClauseOf(err) != "RCL-7" {
		t.Errorf("XB recalls what XA said: %v", err)
	}
	recalled, err := xa.Recall(ctx, node.Recalling{
		IDs: []statement.ID{said.ID}, Reason: recall.WrongRecipient, Text: "Sent in haste.", Within: time.Hour, Precedence: statement.Immediate, By: xa.By("duty-officer", "one"), EraseOwn: true,
	})
	f.must(err)
	if len(recalled) != 1 || !slices.Equal(recalled[0].To, []party.Code{"XB", "XC"}) {
		t.Fatalf("%+v", recalled)
	}
	id := recalled[0].Thread
	xb.Has(id)
	if c := xb.kept(said.ID, store.BodyPart); c.Erased {
		t.Error("XB erased without its officer")
	}
	erased, err := xb.ConfirmRecall(ctx, id, false, xb.By("duty-officer", "two"))
	f.must(err)
	if !slices.Equal(erased, []statement.ID{said.ID}) {
		t.Errorf("%v", erased)
	}
	if _, err := xb.ConfirmRecall(ctx, id, false, xb.By("duty-officer", "two")); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a second time: %v", err)
	}
	xa.Until("XB's receipt", func() bool { return xa.answers(id)["XB"] == recall.Erased })
	f.Clock.Pass(2 * time.Hour)
	v, err := xa.RecallOf(ctx, id)
	f.must(err)
	if v.Status != recall.StatusAsked || v.Pending() != 1 || v.Overdue() { // XC has no receipt of the recall: its time has not begun
		t.Errorf("%+v", v)
	}

	carry(t, xa, xc)
	f.Clock.Pass(2 * time.Hour)
	if v, err = xa.RecallOf(ctx, id); err != nil || !v.Overdue() || v.Lines[1].Party != "XC" || !v.Lines[1].Overdue {
		t.Errorf("%v %+v", err, v)
	}
	_, err = xc.ConfirmRecall(ctx, id, false, xc.By("duty-officer", "three"))
	f.must(err)
	carry(t, xc, xa)
	v, err = xa.RecallOf(ctx, id)
	f.must(err)
	if v.Status != recall.StatusConfirmed || v.Pending() != 0 || v.Overdue() || v.Lines[1].Receipt.IsZero() || v.Lines[1].At.IsZero() {
		t.Errorf("%+v", v)
	}
	for _, p := range []*Party{xa, xb, xc} {
		for part := store.BodyPart; part < 1; part++ {
			if c := p.kept(said.ID, part); !c.Erased || c.Arrived > 0 {
				t.Errorf("%s part %d: %+v", p.Code, part, c)
			}
		}
	}
	if after := xa.State(said.ID); after != before {
		t.Errorf("the recall changed another thread:\n%s\n%s", before, after)
	}

	// XC's word that it has erased is evidence, to somebody who has no node.
	bundle, err := xa.Evidence(ctx, v.Lines[1].Receipt, false)
	f.must(err)
	given := []*party.Letter{}
	for _, c := range []party.Code{"XA", "XC"} {
		l, err := f.At(c).OwnLetter(ctx)
		f.must(err)
		given = append(given, l)
	}
	report := proven(t, bundle, given)
	if report.Kind != thread.KindRecalled || report.From != "XC" {
		t.Errorf("%+v", report)
	}
	f.Mend("XA", "XC")
	f.Mend("XB", "XC")
	f.Quiet()
	for _, p := range []*Party{xb, xc} {
		if a, b := xa.State(id), p.State(id); a != b {
			t.Errorf("%s has another state:\n%s\n%s", p.Code, a, b)
		}
	}
}

// A node that is told to erases by itself what its author recalls; it keeps, and says so, what others are judged by; and it does and
// says nothing for what somebody else said or what is not here, in one and the same way.
func TestRecallByTheNode(t *testing.T) {
	t.Parallel()
	// spec: RCL-3, RCL-7
	f := New(t, "XA", "XB", "XC")
	xa, xb, xc := f.At("XA"), f.At("XB"), f.At("XC")
	agreed := f.Agree(Pact("XA", "XB", "XC"), "XA")
	mine := xa.Ask(agreed, exchange.Draft{Text: "The walnut list."}, "XB", "XC")
	theirs := xc.Ask(agreed, exchange.Draft{Text: "The hazelnut list."}, "XB", "XA")
	xb.Has(mine.ID)
	xb.Has(theirs.ID)
	xb.Restart(func(o *node.Options) {
		o.Env = []string{"COMITY_ON_RECALL=" + config.RecallErase}
		o.Tend = 20 * time.Millisecond
	})
	never := statement.ID{7}
	// XA names what XC has said, what makes the agreement, and what nobody has said.
	asked := xa.Say(exchange.Draft{Kind: recall.KindAsk, To: []party.Code{"XB"}},
		recall.Ask{Of: []statement.ID{mine.ID, theirs.ID, agreed, never}, Reason: recall.Incorrect})
	xa.Until("an answer for what can be answered for", func() bool {
		v, err := xa.RecallOf(t.Context(), asked.ID)
		f.must(err)
		return v.Pending() == 2
	})
	v, err := xa.RecallOf(t.Context(), asked.ID)
	f.must(err)
	for i, want := range []struct {
		outcome recall.Outcome
		ground  recall.Ground
	}{{recall.Erased, ""}, {recall.Pending, ""}, {recall.Kept, recall.Record}, {recall.Pending, ""}} {
		if l := v.Lines[i]; l.Outcome != want.outcome || l.Ground != want.ground {
			t.Errorf("%d: %+v", i, l)
		}
	}
	if !xb.kept(mine.ID, store.BodyPart).Erased || !xb.kept(theirs.ID, store.BodyPart).Whole || !xb.kept(agreed, store.BodyPart).Whole {
		t.Error("not what can be recalled was erased, and it alone")
	}
	if c := xb.kept(never, store.BodyPart); c.Erased {
		t.Error("somebody's word left a tombstone for what another party may still say")
	}
	f.Quiet()
	xa.Delivered(xa.Ask(agreed, exchange.Draft{Text: "The agreement still stands."}, "XB").ID)
}

// The head, and with it the recall, arrives before what it is about: the content is erased when it comes.
func TestRecallOvertakes(t *testing.T) {
	t.Parallel()
	// spec: RCL-7
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	f.Quiet()
	xb.Restart(func(o *node.Options) {
		o.Env = []string{"COMITY_ON_RECALL=" + config.RecallErase}
		o.Tend = 20 * time.Millisecond
	})
	f.Cut("XA", "XB")
	said := xa.Ask(agreed, exchange.Draft{Precedence: statement.Routine, Text: "Slow.", Blobs: []exchange.Attachment{attachment("a", 6<<20, 2)}}, "XB")
	asked := xa.Say(exchange.Draft{Kind: recall.KindAsk, To: []party.Code{"XB"}, Precedence: statement.Flash}, recall.Ask{Of: []statement.ID{said.ID}, Reason: recall.SentInError})
	f.Mend("XA", "XB")
	xa.Until("XB's receipt", func() bool { return xa.answers(asked.ID)["XB"] == recall.Erased })
	f.Quiet()
	for part := store.BodyPart; part < 1; part++ {
		if c := xb.kept(said.ID, part); !c.Erased || c.Arrived > 0 {
			t.Errorf("part %d: %+v", part, c)
		}
	}
}

// Content goes on its date at every node that has it, and at the author's; what came of the request stands, and is proven.
func TestRetention(t *testing.T) {
	t.Parallel()
	// spec: RET-1, RET-2, STM-7
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	ctx := t.Context()
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	until := func(d time.Duration) (draft exchange.Draft) {
		draft.Text = "Until its date."
		draft.Marking.TLP, draft.Marking.RetainUntil = "AMBER", statement.TimeOf(f.Clock.Now().Add(d)).String()
		return draft
	}
	soon, later, ever := until(time.Hour), until(48*time.Hour), exchange.Draft{Text: "For ever."}
	soon.Blobs = []exchange.Attachment{attachment("a", 2000, 3)}
	first, second, third := xa.Ask(agreed, soon, "XB"), xa.Ask(agreed, later, "XB"), xa.Ask(agreed, ever, "XB")
	grant := xb.Say(exchange.Draft{Thread: xb.awaits(first.ID), Kind: assist.KindGrant, Text: "Here."}, assist.Grant{Extent: assist.Full})
	xb.wholeBlobs(first.ID, 1)
	xa.Has(grant.ID)
	xb.Has(third.ID)
	f.Quiet()
	state := xa.State(first.ID)
	if did, err := xa.Tend(ctx); err != nil || did.Retention != 0 {
		t.Fatalf("before its date: %v %+v", err, did)
	}

	f.Clock.Pass(time.Hour + time.Second)
	for _, p := range []*Party{xa, xb} {
		due := p.finding("erasing")
		did, err := p.Tend(ctx)
		f.must(err)
		if did.Retention != 1 || due.Health != node.Good || !bytes.Contains([]byte(due.Says), []byte("1 statement's content is due")) {
			t.Errorf("%s: %+v %+v", p.Code, did, due)
		}
		if after := p.finding("erasing"); after.Health != node.Good || !bytes.HasPrefix([]byte(after.Says), []byte("nothing is due; last looked for 2026-03-02 09:00")) {
			t.Errorf("%s: %+v", p.Code, after)
		}
		for part := store.BodyPart; part < 1; part++ {
			if c := p.kept(first.ID, part); !c.Erased {
				t.Errorf("%s: part %d is still here: %+v", p.Code, part, c)
			}
		}
		if !p.kept(second.ID, store.BodyPart).Whole || !p.kept(third.ID, store.BodyPart).Whole {
			t.Errorf("%s erased what was not due", p.Code)
		}
		if did, err = p.Tend(ctx); err != nil || did.Retention != 0 {
			t.Errorf("%s, again: %v %+v", p.Code, err, did)
		}
	}
	if xa.State(first.ID) != state || xa.Status(first.ID) != "granted" {
		t.Errorf("the state changed: %s", xa.State(first.ID))
	}
	bundle, err := xb.Evidence(ctx, first.ID, false)
	f.must(err)
	own, err := xa.OwnLetter(ctx)
	f.must(err)
	if report := proven(t, bundle, []*party.Letter{own}); report.Body != evidence.BodyWithheld || len(report.Arrived) == 0 {
		t.Errorf("%+v", report)
	}

	// A node that is served does it by itself; what was missed for days is made up for.
	xb.Restart(func(o *node.Options) { o.Tend = 20 * time.Millisecond })
	f.Clock.Pass(72 * time.Hour)
	xb.Until("the second erasure", func() bool { return xb.kept(second.ID, store.BodyPart).Erased })
	if c := xa.finding("erasing"); c.Health != node.Warning {
		t.Errorf("a day overdue, and the doctor says %+v", c)
	}
	f.Quiet()

	// What comes after its date goes at once.
	past := xa.Ask(agreed, until(-time.Hour), "XB")
	xb.Has(past.ID)
	xb.Until("erasure of what came late", func() bool { return xb.kept(past.ID, store.BodyPart).Erased })
}

func (p *Party) awaits(id statement.ID) statement.ID {
	p.Has(id)
	return id
}

// proven is what a bundle's first item proves to somebody who was given these letters.
func proven(t *testing.T, b *evidence.Bundle, given []*party.Letter) evidence.ItemReport {
	t.Helper()
	r := evidence.Verify(b, given)
	if !r.OK() {
		t.Fatalf("%+v", r)
	}
	return r.Items[0]
}
