package fedtest

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/credence"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// The stories of this file were attacks once. What each of them tries is right by every signature, and gains nothing.

// within says something to XA and XB in an open thread, as if its author knew nothing of it but the opener.
func (m *mallory) within(id thread.ID, kind statement.Kind, facts any) *statement.Head {
	m.Helper()
	raw, err := node.Facts(facts)
	m.f.must(err)
	return m.say(func(h *statement.Head) {
		h.To, h.Thread, h.After, h.Kind, h.Facts = []party.Code{"XA", "XB"}, id, []statement.ID{id}, kind, raw
		if id == m.under.ID {
			h.Agreement = nil // where an agreement is made, it is not yet relied on
		}
	})
}

// beside is a head that any thread has room for and that ranks before whatever a desk says.
func (m *mallory) beside(id thread.ID) *statement.Head {
	m.Helper()
	return m.within(id, thread.KindRetrieved, thread.Retrieved{IDs: []statement.ID{id}})
}

// takes posts heads that must be taken.
func (m *mallory) takes(to party.Code, heads ...*statement.Head) {
	m.Helper()
	if a := m.post(to, m.contents(to, heads...)); a.status != http.StatusOK {
		m.Fatalf("%s: %+v", to, a)
	}
}

// void is why a head is void at a party, "" when it counts.
func (p *Party) void(id statement.ID) string {
	p.F.T.Helper()
	s, err := p.statement(id)
	p.F.must(err)
	if !s.Folded {
		p.F.T.Fatalf("%s: %s is not folded", p.Code, id.Short())
	}
	return s.Void
}

// Months after it granted a request and signed an agreement, XM says something that leaves both out and sorts before them. Whoever hears of it in whatever
// order: what was said first stands, and what came later is void.
func TestNothingIsTakenBack(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	xa, xb := f.At("XA"), f.At("XB")
	asked := xa.Ask(agreed, exchange.Draft{Text: "Please look."}, "XB", "XM")
	f.At("XM").Has(asked.ID)
	m := f.corrupt("XM", agreed)
	grant := m.within(asked.ID, assist.KindGrant, assist.Grant{Extent: assist.Full})
	m.takes("XA", grant)
	before := xa.Status(asked.ID)
	f.Clock.Pass(90 * 24 * time.Hour)
	late, unsigned := m.beside(asked.ID), m.beside(agreed)
	m.takes("XA", late, unsigned)
	m.takes("XB", late, unsigned) // which has not heard of the grant
	m.takes("XB", grant)
	for _, p := range []*Party{xa, xb} {
		// spec: THR-3, THR-6
		if p.void(grant.ID) != "" || p.void(late.ID) != string(thread.OmitsOwn) || p.void(unsigned.ID) != string(thread.OmitsOwn) {
			t.Errorf("%s: the grant is void by %q, what hides it by %q, what hides the signature by %q", p.Code, p.void(grant.ID), p.void(late.ID), p.void(unsigned.ID))
		}
		if v, err := p.Agreement(t.Context(), agreed); err != nil || v.Status != "in-force" || len(v.Signed) != 3 {
			t.Errorf("%s: %v %+v", p.Code, err, v)
		}
	}
	if after := xa.Status(asked.ID); after != before || xa.State(asked.ID) != xb.State(asked.ID) {
		t.Errorf("%s became %s:\n%s\n%s", before, after, xa.State(asked.ID), xb.State(asked.ID))
	}
	if !strings.Contains(xa.State(asked.ID), `"granted"`) {
		t.Errorf("nothing was granted: %s", xa.State(asked.ID))
	}
	said := xa.Ask(agreed, exchange.Draft{Text: "We still rely on it."}, "XB")
	xb.Has(said.ID)
	xa.Delivered(said.ID)
	if r := xb.said(said.ID).Refused; len(r) > 0 {
		t.Errorf("XB refuses what rests on the agreement: %v", r)
	}
}

// XM has its answer, and later withdraws the request as if it had never come, so as to owe nothing for it.
func TestWithdrawnAfterTheAnswer(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	xa, xb, xm := f.At("XA"), f.At("XB"), f.At("XM")
	alone := xm.Ask(agreed, exchange.Draft{Text: "You alone."}, "XA", "XB")
	both := xm.Ask(agreed, exchange.Draft{Text: "Both of you."}, "XA", "XB")
	for _, asked := range []exchange.Said{alone, both} {
		xa.Has(asked.ID)
		xm.Has(xa.Say(exchange.Draft{Thread: asked.ID, Kind: assist.KindGrant, Text: "Here."}, assist.Grant{Extent: assist.Full}).ID)
	}
	xb.Has(alone.ID)
	xm.Has(xb.Say(exchange.Draft{Thread: alone.ID, Kind: assist.KindGrant, Text: "Here, too."}, assist.Grant{Extent: assist.Full}).ID)
	m := f.corrupt("XM", agreed)
	f.Clock.Pass(90 * 24 * time.Hour)
	for _, asked := range []exchange.Said{alone, both} {
		before := xa.State(asked.ID)
		late := m.within(asked.ID, assist.KindWithdraw, assist.Withdraw{})
		m.takes("XA", late)
		m.takes("XB", late)
		// spec: AST-5
		if a, b := xa.State(asked.ID), xb.State(asked.ID); a != b || strings.Count(a, `"granted"`) != strings.Count(before, `"granted"`) {
			t.Errorf("states differ, or a grant is gone:\n%s\n%s\nbefore:\n%s", a, b, before)
		}
		// Who has not answered yet need not any more; where everybody has, nothing is left to withdraw.
		if void := xa.void(late.ID); (void == "") != (asked.ID == both.ID) {
			t.Errorf("the withdrawal is void by %q", void)
		}
	}
	if s := xa.Status(alone.ID); s != "granted" {
		t.Errorf("what everybody granted is %s", s)
	}
}

// counting is a desk that counts how often a thread of its is folded from the beginning: each time its opener is applied.
type counting struct {
	thread.Desk
	folds *atomic.Int64
}

func (c counting) Apply(s thread.State, h *statement.Head) (thread.State, error) {
	if h.IsOpener() {
		c.folds.Add(1)
	}
	return c.Desk.Apply(s, h)
}

// counted has a party count its whole folds from now on.
func (p *Party) counted() *atomic.Int64 {
	p.F.T.Helper()
	folds := new(atomic.Int64)
	rules, err := thread.NewRules(counting{assist.Desk{}, folds}, counting{instrument.Desk{}, folds}, credence.Desk{})
	p.F.must(err)
	// The writer alone reads the rules of the exchange, so it is the writer that changes them.
	p.F.must(p.Exchange.Update(p.F.T.Context(), func(store.Tx) error {
		p.Exchange.Rules = rules
		return nil
	}))
	return folds
}

// XM floods a request and the agreement itself with hundreds of heads that all name the opener alone: one packet costs one fold of each thread, others are heard
// meanwhile, and who relies on the agreement names its signatures and not the flood.
func TestFloodOfHeads(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	xa, xb := f.At("XA"), f.At("XB")
	asked := xa.Ask(agreed, exchange.Draft{Text: "Please look."}, "XB", "XM")
	xb.Has(asked.ID)
	m := f.corrupt("XM", agreed)
	folds := xa.counted()
	for _, id := range []thread.ID{asked.ID, agreed} {
		var heads []*statement.Head
		for range 250 {
			heads = append(heads, m.beside(id))
		}
		before := folds.Load()
		raw, answered := m.seal("XA", m.contents("XA", heads...)), make(chan answer, 1)
		go func() { answered <- m.send("XA", raw) }()
		flash := xb.Ask(agreed, exchange.Draft{Precedence: statement.Flash, Text: "Now."}, "XA")
		xa.Has(flash.ID)
		if a := <-answered; a.status != http.StatusOK {
			t.Fatalf("%+v", a)
		}
		m.accepted["XA"] = int64(len(m.ids))
		// spec: THR-3
		if n := folds.Load() - before; n > 4 { // of the flooded thread, of the flash statement's, and of the agreement that it names
			t.Errorf("a packet of %d heads had threads folded %d times", len(heads), n)
		}
		m.takes("XB", heads...)
		if xa.void(heads[249].ID) != string(thread.OmitsOwn) {
			t.Error("the last head counts")
		}
	}
	// spec: DEC-2
	if v, err := xa.Agreement(t.Context(), agreed); err != nil || v.Status != "in-force" {
		t.Errorf("%v %+v", err, v)
	}
	said := xa.Ask(agreed, exchange.Draft{Text: "We still rely on it."}, "XB")
	xb.Has(said.ID)
	xa.Delivered(said.ID)
	s, err := xa.statement(said.ID)
	f.must(err)
	h, err := statement.ParseHead(s.Head)
	f.must(err)
	if r := xb.said(said.ID).Refused; len(r) > 0 || len(h.Agreement.At) == 0 || len(h.Agreement.At) > 3 {
		t.Errorf("refused %v; it names %d heads that made the agreement", r, len(h.Agreement.At))
	}
	if a, b := xa.State(asked.ID), xb.State(asked.ID); a != b {
		t.Errorf("states differ:\n%s\n%s", a, b)
	}
}

// A checkpoint that comes along and cannot be verified here is nobody's word: it is passed over, and what its bearer says is taken.
func TestGossipThatProvesNothing(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	xa := f.At("XA")
	note := func(code party.Code, serial int) []byte {
		keys, err := keystore.Generate(code, serial) // not those of the letter that XA has
		f.must(err)
		raw, err := translog.SignCheckpoint(keys, translog.Tree{Origin: keys.Origin(), Size: 3, Root: translog.Hash{9}}, f.Clock.Now())
		f.must(err)
		return raw
	}
	views := func() string { // all that XA holds of the log of XB
		_, rest, _ := strings.Cut(xa.traces("XB/1"), ", ")
		return rest
	}
	before := views()
	for name, note := range map[string][]byte{
		"of a confirmed party under other keys": note("XB", 1),
		"of a log that is not open":             note("XB", 7),
		"of a party that nobody knows":          note("XZ", 1),
		"of the receiver under other keys":      note("XA", 1),
		"of the sender under other keys":        note("XM", 1),
		"that is no note":                       []byte("hello"),
		"without an origin":                     []byte("\n\n\n"),
	} {
		h := m.say(nil)
		c := m.contents("XA", h)
		c.Witnessed = [][]byte{note}
		// spec: LOG-9
		if a := m.post("XA", c); a.status != http.StatusOK {
			t.Errorf("a checkpoint %s: %+v", name, a)
			continue
		}
		xa.Has(h.ID)
	}
	if after := views(); after != before || len(xa.forks()) > 0 {
		t.Errorf("XA holds %s, before: %s; %d forks", after, before, len(xa.forks()))
	}
	f.honest()
}

// XM wants to have spoken a month ago, and puts something that XA does not understand, or that is right, before it in the log.
func TestBackdatedInTheShadow(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	xa := f.At("XA")
	f.Clock.Pass(60 * 24 * time.Hour)
	m.takes("XA", m.say(nil))
	ago := func(d time.Duration) func(*statement.Head) {
		return func(h *statement.Head) { h.Time = h.Time.Add(-d) }
	}
	strange := func(d time.Duration) func(*statement.Head) {
		return func(h *statement.Head) { ago(d)(h); h.Kind, h.Facts = "poker.raise", []byte(`{}`) }
	}
	const month = 30 * 24 * time.Hour
	for _, c := range []struct {
		clause string
		change func(*statement.Head)
	}{
		{"LOG-7", ago(month)}, {"LOG-7", strange(month)}, {"LOG-7", ago(month)}, {"STM-8", strange(0)}, {"LOG-7", ago(month)}, {"LOG-7", strange(2 * time.Minute)}, {"LOG-7", ago(3 * time.Minute)},
	} {
		h := m.say(c.change)
		m.takes("XA", h)
		// spec: LOG-7
		if r := xa.said(h.ID).Refused; len(r) != 1 || r[0].Clause != c.clause {
			t.Errorf("%s of %s is refused by %v, want %s", h.Kind, h.Time, r, c.clause)
		}
	}
	// In one packet, and with the first of the two held back until the second is there.
	all := []*statement.Head{m.say(strange(month)), m.say(ago(month)), m.say(strange(0)), m.say(ago(month))}
	m.takes("XA", all[1], all[3])
	m.takes("XA", all...)
	for i, h := range all {
		if r := xa.said(h.ID).Refused; len(r) != 1 || r[0].Clause != "LOG-7" && i != 2 {
			t.Errorf("%d: refused by %v", i, r)
		}
	}
	h := m.say(nil)
	m.takes("XA", h)
	if r := xa.said(h.ID).Refused; len(r) > 0 {
		t.Errorf("what is said in time is refused by %v", r)
	}
	f.honest()
}

// What needs no agreement stays small: XA's node does not say it, and what XM says all the same is refused. Nor is anybody admitted to an open thread.
func TestSmallWithoutAgreement(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	agreed := f.Agree(Pact("XA", "XB", "XM"), "XA")
	m := f.corrupt("XM", agreed)
	xa := f.At("XA")
	office := func(bytes int) error {
		_, err := xa.Try(exchange.Draft{Kind: credence.KindOffice, To: []party.Code{"XB"}, Blobs: []exchange.Attachment{attachment("a", bytes, 11)}},
			party.OfficeFacts{Office: "XA.cert", Letter: statement.Digest{1}})
		return err
	}
	before := xa.LogSize()
	// spec: CHR-1
	if err := office(1 << 20); fault.CodeOf(err) != fault.Denied || xa.LogSize() != before {
		t.Errorf("a mebibyte and a body without an agreement: %v", err)
	}
	if err := office(1<<20 - 1000); err != nil {
		t.Errorf("a little less: %v", err)
	}
	for _, c := range []struct {
		blobs   int64
		refused bool
	}{{1<<20 - 500, false}, {1<<20 - 499, true}, {1 << 40, true}} {
		h := m.say(func(h *statement.Head) {
			h.Kind, h.Agreement, h.Facts = credence.KindOffice, nil, []byte(`{"office":"XM.cert","letter":"`+statement.Digest{1}.String()+`"}`)
			h.Body = &statement.BodyRef{SHA256: statement.Digest{2}, Size: 500, Blobs: 1, BlobBytes: c.blobs}
		})
		m.takes("XA", h)
		// spec: DEC-4
		if r := xa.said(h.ID).Refused; (len(r) > 0) != c.refused || c.refused && r[0].Clause != "DEC-1" {
			t.Errorf("%d bytes of attachments: refused %v", c.blobs, r)
		}
	}
	asked := xa.Ask(agreed, exchange.Draft{Text: "Please look."}, "XB")
	before = xa.LogSize()
	_, err := xa.Try(exchange.Draft{Thread: asked.ID, Kind: thread.KindAdmit, Marking: marking.Marking{TLP: marking.Green}},
		thread.Admitted{Party: "XM", Heads: []statement.ID{asked.ID}})
	// spec: THR-8
	if fault.CodeOf(err) != fault.Inadmissible || fault.ClauseOf(err) != "THR-8" || xa.LogSize() != before {
		t.Errorf("somebody was admitted to an open thread: %v", err)
	}
}

// XA asks, and then nobody says anything for a long time: the last words, too, are witnessed.
func TestLastWords(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	asked := xa.Ask(f.Agree(Pact("XA", "XB"), "XA"), exchange.Draft{Text: "The last words."}, "XB")
	xb.Has(asked.ID)
	xa.Delivered(asked.ID)
	if n := xb.cosigned("XA/1", asked.Index); n != 0 {
		t.Fatalf("cosigned %d times within the interval: there is nothing to see", n)
	}
	f.Clock.Pass(2 * time.Minute)
	// spec: LOG-11
	for _, p := range []*Party{xb, xa} {
		p.Until("the cosignature of XB", func() bool { return p.cosigned("XA/1", asked.Index) == 1 })
		p.witnessed(asked.ID, "XB")
	}
	f.Quiet()
}
