package fedtest

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// What mallory sends is refused with the clause that it breaks, and leaves nothing behind. Its own log grows with each attempt: the last case shows that it
// would have been heard all the time, had it only behaved.
func TestRefusedPackets(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	xa := f.At("XA")
	for _, c := range []struct {
		name   string
		code   fault.Code
		clause string
		send   func() answer
	}{
		// spec: PKT-7
		{"a head by somebody else", fault.NotAuthentic, "PKT-7", func() answer {
			return m.post("XA", m.contents("XA", m.say(func(h *statement.Head) { h.From = "XB" })))
		}},
		// spec: PKT-6, LOG-6
		{"a head that was never logged", fault.NotAuthentic, "PKT-6", func() answer {
			m.say(nil)
			return m.post("XA", m.contents("XA", m.compose(nil)))
		}},
		{"a tile of another tree", fault.NotAuthentic, "PKT-5", func() answer {
			h := m.compose(nil)
			c := m.contents("XA", h)
			m.ids = append(m.ids, h.ID)
			c.Tiles = m.contents("XA").Tiles
			m.ids = m.ids[:len(m.ids)-1]
			return m.post("XA", c)
		}},
		{"one signature is missing", fault.NotAuthentic, "LOG-4", func() answer {
			c := m.contents("XA", m.say(nil))
			lines := strings.SplitAfter(string(c.Checkpoint), "\n")
			c.Checkpoint = []byte(strings.Join(lines[:len(lines)-2], "")) // without the last line
			return m.post("XA", c)
		}},
		{"a signature is damaged", fault.NotAuthentic, "LOG-5", func() answer {
			c := m.contents("XA", m.say(nil))
			other := m.checkpoint(f.Clock.Now().Add(time.Second)) // the second line is over another time
			a, b := bytes.Split(c.Checkpoint, []byte("\n")), bytes.Split(other, []byte("\n"))
			line := []byte(string(a[5]))
			copy(line[len(line)-40:], b[5][len(b[5])-40:])
			a[5] = line
			c.Checkpoint = bytes.Join(a, []byte("\n"))
			return m.post("XA", c)
		}},
		// spec: PKT-1
		{"sealed for another", fault.NotAddressed, "PKT-1", func() answer {
			return m.send("XA", m.seal("XB", m.contents("XA", m.say(nil))))
		}},
		// spec: PKT-7
		{"said to another and sealed again", fault.NotAddressed, "PKT-7", func() answer {
			return m.post("XA", m.contents("XA", m.say(func(h *statement.Head) { h.To = []party.Code{"XB"} })))
		}},
		// spec: LOG-8
		{"no consistency", fault.Parked, "LOG-8", func() answer {
			m.say(nil)
			c := m.contents("XA")
			c.Consistency, c.Tiles = nil, nil // which would do as well
			return m.post("XA", c)
		}},
		{"a wrong proof of consistency", fault.Parked, "LOG-8", func() answer {
			c := m.contents("XA", m.say(nil))
			c.Consistency = translog.FormatConsistency(m.accepted["XA"], []translog.Hash{{1}, {2}})
			return m.post("XA", c)
		}},
		// spec: LOG-10
		{"a checkpoint from the future", fault.Clock, "LOG-10", func() answer {
			c := m.contents("XA", m.say(nil))
			c.Checkpoint = m.checkpoint(f.Clock.Now().Add(301 * time.Second))
			return m.post("XA", c)
		}},
		{"a log that is not the letter's", fault.Revoked, "LTR-8", func() answer {
			c := m.contents("XA", m.say(nil))
			c.Checkpoint = bytes.ReplaceAll(c.Checkpoint, []byte("XM/1"), []byte("XM/2"))
			return m.post("XA", c)
		}},
		{"the victim's own log", fault.NotAddressed, "PKT-9", func() answer {
			c := m.contents("XA", m.say(nil))
			c.Checkpoint = bytes.ReplaceAll(c.Checkpoint, []byte("XM/1"), []byte("XA/1"))
			return m.post("XA", c)
		}},
		// spec: PKT-8
		{"a body of no head", fault.NotAuthentic, "PKT-8", func() answer {
			_, body := m.with(nil)
			c := m.contents("XA", m.say(nil))
			c.Bodies = [][]byte{body.Raw}
			return m.post("XA", c)
		}},
		{"another body than the head's", fault.NotAuthentic, "PKT-8", func() answer {
			set, _ := m.with(nil)
			_, other := m.with(nil)
			c := m.contents("XA", m.say(set))
			c.Bodies = [][]byte{other.Raw}
			return m.post("XA", c)
		}},
		{"a blob of no body", fault.NotAuthentic, "PKT-8", func() answer {
			c := m.contents("XA", m.say(nil))
			c.Blobs = []packet.BlobPart{{SHA256: statement.Sum([]byte("x")), Size: 1, Data: strings.NewReader("x")}}
			return m.post("XA", c)
		}},
		// spec: ENC-2
		{"a head with a name twice", fault.Malformed, "ENC-2", func() answer {
			raw := bytes.Replace(m.compose(nil).Raw, []byte(`{"v":1,`), []byte(`{"v":1,"v":1,`), 1)
			m.ids = append(m.ids, statement.IDOf(raw))
			c := m.contents("XA")
			c.Heads = [][]byte{raw}
			return m.post("XA", c)
		}},
		// spec: PKT-3
		{"a head that is too long", fault.TooLarge, "PKT-3", func() answer {
			return m.send("XA", m.raw("XA", file{name: "checkpoint", data: m.checkpoint(f.Clock.Now())},
				file{name: "heads.jsonl", data: append(bytes.Repeat([]byte("x"), 16385), '\n')}))
		}},
		{"a body that is too long", fault.TooLarge, "PKT-3", func() answer {
			return m.send("XA", m.raw("XA", file{name: "checkpoint", data: m.checkpoint(f.Clock.Now())},
				file{name: "bodies.jsonl", data: append(bytes.Repeat([]byte("x"), 1<<20+1), '\n')}))
		}},
		{"a bomb", fault.TooLarge, "PKT-3", func() answer {
			return m.send("XA", m.raw("XA", file{name: "checkpoint", data: m.checkpoint(f.Clock.Now())},
				file{name: "blobs/" + strings.Repeat("a", 64), size: 128 << 20}))
		}},
		{"something after the end", fault.Malformed, "PKT-1", func() answer { return m.send("XA", append(m.seal("XA", m.contents("XA")), make([]byte, 1<<20)...)) }},
		{"a member that is not one", fault.Malformed, "PKT-4", func() answer {
			return m.send("XA", m.raw("XA", file{name: "checkpoint", data: m.checkpoint(f.Clock.Now())}, file{name: "../etc/passwd", data: []byte("x")}))
		}},
		{"no packet at all", fault.Malformed, "PKT-1", func() answer { return m.send("XA", []byte("hello")) }},
		// spec: RCP-1
		{"a receipt for what was never sent", fault.NotAuthentic, "RCP-1", func() answer {
			return m.post("XA", m.contents("XA", m.receipt(xa, 1000, statement.Digest{1}, nil)))
		}},
		{"a receipt with a root that never was", fault.NotAuthentic, "RCP-1", func() answer {
			return m.post("XA", m.contents("XA", m.receipt(xa, 1, statement.Digest{1}, nil)))
		}},
		{"a receipt for another log", fault.NotAuthentic, "RCP-1", func() answer {
			return m.post("XA", m.contents("XA", m.receipt(f.At("XB"), 1, statement.Digest{1}, nil)))
		}},
		{"a receipt with ranges beyond the log", fault.Malformed, "RCP-1", func() answer {
			return m.post("XA", m.contents("XA", m.receipt(xa, 1, statement.Digest{1}, []thread.Range{{0, 7}})))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := xa.traces("XM/1")
			// spec: NET-7
			a := c.send()
			if a.Code != string(fault.Wire(c.code)) || a.Clause != c.clause || a.status != fault.HTTP(c.code) {
				t.Errorf("status %d %s %s, want %s %s", a.status, a.Code, a.Clause, c.code, c.clause)
			}
			if after := xa.traces("XM/1"); after != before {
				t.Errorf("it left traces: %s, before: %s", after, before)
			}
		})
	}
	h := m.say(nil)
	if a := m.post("XA", m.contents("XA", h)); a.status != http.StatusOK {
		t.Errorf("a right packet is answered with %+v", a)
	}
	xa.Has(h.ID)
	f.honest()
}

// honest has XA and XB speak to each other, whatever mallory did.
func (f *Federation) honest() {
	f.T.Helper()
	f.goOn("XA", "XB")
}

// goOn has two parties speak to each other, both ways.
func (f *Federation) goOn(one, other party.Code) {
	f.T.Helper()
	for _, pair := range [][2]party.Code{{one, other}, {other, one}} {
		said := f.At(pair[0]).vouch(pair[1])
		f.At(pair[1]).Has(said.ID)
		f.At(pair[0]).Delivered(said.ID)
	}
}

// vouch says something that needs no agreement.
func (p *Party) vouch(to ...party.Code) exchange.Said {
	p.F.T.Helper()
	return p.Say(exchange.Draft{Kind: "credence.office", To: to, Marking: marking.Marking{TLP: marking.Green}},
		party.OfficeFacts{Office: p.Code.Principal() + ".cert", Letter: statement.Sum([]byte("letter"))})
}

// receipt logs a receipt.delivered for another's log.
func (m *mallory) receipt(of *Party, size int64, root statement.Digest, heads []thread.Range) *statement.Head {
	m.Helper()
	facts, err := node.Facts(thread.Delivered{Origin: of.Journal.Origin(), Size: size, Root: root, Heads: append([]thread.Range{}, heads...), Bodies: []thread.Range{}, Blobs: []thread.BlobsArrived{}})
	m.f.must(err)
	return m.say(func(h *statement.Head) {
		h.Kind, h.Agreement, h.Precedence, h.Facts, h.By.Role = thread.KindDelivered, nil, statement.Routine, facts, "node"
	})
}

// What is authentic is kept and folded whatever it says; what may not be said is answered with receipt.refused, and its body is dropped.
func TestRefusedStatements(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	xa := f.At("XA")
	for _, c := range []struct {
		name     string
		clause   string
		articles []string
		change   func(h *statement.Head)
	}{
		// spec: STM-8
		{"a kind that nobody knows", "STM-8", nil, func(h *statement.Head) { h.Kind, h.Facts = "poker.raise", []byte(`{}`) }},
		{"an unknown kind of a known desk", "STM-8", nil, func(h *statement.Head) { h.Kind, h.Facts = "assist.demand", []byte(`{}`) }},
		// spec: DEC-2
		{"an agreement that is not in force", "DEC-2", nil, func(h *statement.Head) { h.Agreement = m.deposit }},
		{"another text", "DEC-2", nil, func(h *statement.Head) {
			h.Agreement = &statement.AgreementRef{ID: m.under.ID, At: m.under.At, Digest: statement.Digest{1}}
		}},
		{"no agreement at all", "DEC-1", nil, func(h *statement.Head) { h.Agreement = nil }},
		// spec: DEC-4
		{"what an article forbids", "DEC-1", []string{"2"}, func(h *statement.Head) { h.Marking.PersonalData = marking.PersonalAllowed }},
		{"what no article permits", "DEC-1", nil, func(h *statement.Head) { h.Marking.TLP = marking.Red }},
		// spec: LOG-7
		{"backdated by two hours", "LOG-7", nil, func(h *statement.Head) { h.Time = h.Time.Add(-2 * time.Hour) }},
		{"backdated in the shadow of the one before", "LOG-7", nil, func(h *statement.Head) { h.Time = h.Time.Add(-2*time.Hour + time.Minute) }},
		{"later than its checkpoint", "LOG-7", nil, func(h *statement.Head) { h.Time = h.Time.Add(62 * time.Second) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, body := m.with(nil)
			h := m.say(func(h *statement.Head) { set(h); c.change(h) })
			p := m.contents("XA", h)
			p.Bodies = [][]byte{body.Raw}
			for range 2 { // the copy, too, is answered and not refused as a packet
				if a := m.post("XA", p); a.status != http.StatusOK {
					t.Fatalf("%+v", a)
				}
			}
			s, err := xa.statement(h.ID)
			if err != nil || !xa.gave(store.HeadArrived, s) || xa.gave(store.BodyArrived, s) {
				t.Fatalf("%v %+v", err, s)
			}
			// spec: RCP-4
			said := xa.said(h.ID)
			if len(said.Refused) != 1 || said.Body != "not-here" {
				t.Fatalf("refused %v, body %s", said.Refused, said.Body)
			}
			if r := said.Refused[0]; r.By != "XA" || r.Clause != c.clause || fmt.Sprint(r.Articles) != fmt.Sprint(c.articles) {
				t.Errorf("refused by %s under %s, articles %v; want %s %v", r.By, r.Clause, r.Articles, c.clause, c.articles)
			}
			err = xa.Store.View(t.Context(), func(tx store.Tx) error {
				return tx.Read(store.ContentRef{Statement: h.ID, Part: store.BodyPart}, new(bytes.Buffer))
			})
			if fault.CodeOf(err) != fault.NotFound {
				t.Errorf("the body was kept: %v", err)
			}
			if c.name == "later than its checkpoint" {
				f.Clock.Pass(2 * time.Minute)
			}
		})
	}
	f.honest()
}

// A body that is not what its head says refuses the statement; the head stays.
func TestBadBody(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	for _, raw := range []string{`{"nonce":"AAAAAAAAAAAAAAAAAAAAAA","text":"a","text":"b"}`, `{}`, `[]`} {
		h := m.say(func(h *statement.Head) {
			h.Body = &statement.BodyRef{SHA256: statement.Sum([]byte(raw)), Size: int64(len(raw))}
		})
		c := m.contents("XA", h)
		c.Bodies = [][]byte{[]byte(raw)}
		if a := m.post("XA", c); a.status != http.StatusOK {
			t.Fatalf("%s: %+v", raw, a)
		}
		// spec: STM-3, STM-6
		if said := f.At("XA").said(h.ID); len(said.Refused) != 1 || said.Refused[0].Reason != "body" || said.Body != "not-here" {
			t.Errorf("%s: %+v", raw, said)
		}
	}
	// A blob whose bytes are not those of its digest is taken back, and never receipted.
	set, body := m.with(func(b *statement.Body) {
		b.Blobs = []statement.Blob{{Name: "a", Type: "text/plain", Size: 3, SHA256: statement.Sum([]byte("abc"))}}
	})
	h := m.say(set)
	c := m.contents("XA", h)
	c.Bodies = [][]byte{body.Raw}
	for _, data := range []string{"xyz", "abc"} {
		c.Blobs = []packet.BlobPart{{SHA256: statement.Sum([]byte("abc")), Size: 3, Data: strings.NewReader(data)}}
		if a := m.post("XA", c); a.status != http.StatusOK {
			t.Fatalf("%+v", a)
		}
		s, err := f.At("XA").statement(h.ID)
		// spec: PKT-8
		if err != nil || f.At("XA").gave(store.BlobArrived, s) == (data == "xyz") {
			t.Errorf("%s: %v, receipted %v", data, err, data == "xyz")
		}
	}
	c.Blobs = []packet.BlobPart{{SHA256: statement.Sum([]byte("abc")), Size: 3, Data: strings.NewReader("abc")}}
	if a := m.post("XA", c); a.status != http.StatusOK {
		t.Errorf("the copy: %+v", a)
	}
	f.honest()
}

// Heads that come before what they come after wait for it; a head that hides its author's previous one is void everywhere.
func TestAncestors(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	xa, xb := f.At("XA"), f.At("XB")
	both := func(h *statement.Head) { h.To = []party.Code{"XA", "XB"} }
	opener := m.say(both)
	follow := func(after ...statement.ID) *statement.Head {
		return m.say(func(h *statement.Head) {
			both(h)
			h.Thread, h.After, h.Kind, h.Facts = opener.ID, after, "assist.supplement", []byte(`{}`)
		})
	}
	second := follow(opener.ID)
	third := follow(second.ID)
	hides := follow(opener.ID) // and not the third
	for _, to := range []party.Code{"XA", "XB"} {
		for _, heads := range [][]*statement.Head{{third}, {hides, opener}, {second}} {
			if a := m.post(to, m.contents(to, heads...)); a.status != http.StatusOK {
				t.Fatalf("%+v", a)
			}
			if s, err := f.At(to).statement(third.ID); err != nil || !f.At(to).gave(store.HeadArrived, s) || s.Folded != (heads[0] == second) {
				t.Errorf("%v %+v", err, s)
			}
		}
	}
	// spec: THR-5, THR-6
	void := 0 // which of them depends on the order of their ids; it is the same everywhere
	for _, id := range []statement.ID{opener.ID, second.ID, third.ID, hides.ID} {
		a, err := xa.statement(id)
		f.must(err)
		b, err := xb.statement(id)
		f.must(err)
		if !a.Folded || !b.Folded || a.Void != b.Void || a.Void != "" && a.Void != string(thread.OmitsOwn) {
			t.Errorf("void %q at XA, %q at XB", a.Void, b.Void)
		}
		if a.Void != "" {
			void++
		}
	}
	if void == 0 {
		t.Error("a head that hides its author's own is not void")
	}
	if a, b := xa.State(opener.ID), xb.State(opener.ID); a != b {
		t.Errorf("states differ:\n%s\n%s", a, b)
	}
	// What is waited for is asked for with the answer.
	lost := statement.ID{7}
	waiting := follow(hides.ID, lost)
	a := m.post("XA", m.contents("XA", waiting))
	if a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	var got wants
	f.must(packet.NewCodec().Open(bytes.NewReader(a.reply), m.keys.Identity(), &got))
	if fmt.Sprint(got.ids) != fmt.Sprint([]statement.ID{lost}) {
		t.Errorf("asked for %v", got.ids)
	}
	// And speaking goes on meanwhile.
	ack := xa.Say(exchange.Draft{Thread: opener.ID, Kind: assist.KindAcknowledge}, assist.Acknowledge{})
	xb.Has(ack.ID)
	f.honest()
}

// The log of mallory has two histories.
func TestFork(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	xa := f.At("XA")
	common := len(m.ids)
	m.post("XA", m.contents("XA", m.say(nil)))
	m.ids = m.ids[:common:common]
	before := xa.LogSize()
	// spec: LOG-9
	for range 2 { // what comes afterwards is refused as well, though it is right by itself
		if a := m.post("XA", m.contents("XA", m.say(nil))); a.Code != string(fault.Fork) || a.Clause != "LOG-9" || a.status != http.StatusForbidden {
			t.Fatalf("%+v", a)
		}
	}
	forks := xa.forks()
	if len(forks) != 1 || forks[0].Origin != "XM/1" || bytes.Equal(forks[0].NoteA, forks[0].NoteB) || xa.LogSize() != before {
		t.Errorf("%d forks are kept", len(forks))
	}
	f.honest()
}

func (p *Party) forks() (out []store.Fork) {
	p.F.T.Helper()
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) error {
		out = nil
		return tx.Forks(func(f store.Fork) bool { out = append(out, f); return true })
	}))
	return out
}

// XA and XB are shown different views of one log. Each is right by itself; what they tell each other reveals it.
func TestTwoViews(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	f.Cut("XA", "XB")
	common := len(m.ids)
	if a := m.post("XA", m.contents("XA", m.say(nil))); a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	m.ids = m.ids[:common:common]
	if a := m.post("XB", m.contents("XB", m.say(func(h *statement.Head) { h.To = []party.Code{"XB"} }))); a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	f.Mend("XA", "XB")
	// spec: LOG-9
	for _, code := range []party.Code{"XA", "XB"} {
		p := f.At(code)
		p.Until("the fork", func() bool { return len(p.forks()) == 1 })
		if a := m.post(code, m.contents(code, m.say(func(h *statement.Head) { h.To = []party.Code{code} }))); a.Code != string(fault.Fork) {
			t.Errorf("%s still listens: %+v", code, a)
		}
	}
	f.honest() // who shows a fork is not to blame for it
}

// An older tree adds nothing, and needs to be known or proven.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	xa := f.At("XA")
	first, second := m.say(nil), m.say(nil)
	newer := m.ids
	if a := m.post("XA", m.contents("XA", second)); a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	m.ids = m.ids[:len(m.ids)-1]
	before := xa.traces("XM/1")
	c := m.contents("XA", first)
	// spec: LOG-8
	if a := m.post("XA", c); a.Code != string(fault.Parked) || a.Clause != "LOG-8" {
		t.Errorf("%+v", a)
	}
	if after := xa.traces("XM/1"); after != before {
		t.Errorf("it left traces: %s, before: %s", after, before)
	}
	tiles, _ := m.tree(newer)
	proof, err := translog.Consistency(int64(len(m.ids)), int64(len(newer)), tiles)
	f.must(err)
	c.Consistency = translog.FormatConsistency(int64(len(m.ids)), proof)
	if a := m.post("XA", c); a.status != http.StatusOK {
		t.Errorf("with the proof the other way: %+v", a)
	}
	xa.Has(first.ID)
	m.ids = newer
	m.accepted["XA"] = int64(len(newer)) // it went back for nobody
	third := m.say(nil)
	if a := m.post("XA", m.contents("XA", third)); a.status != http.StatusOK {
		t.Errorf("%+v", a)
	}
}

// said is one statement of a thread that it opened.
func (p *Party) said(id statement.ID) (found node.SaidView) {
	p.F.T.Helper()
	_, all, err := p.Thread(p.F.T.Context(), id)
	p.F.must(err)
	for _, s := range all {
		if s.ID == id {
			return s
		}
	}
	p.F.T.Fatalf("%s is not in its thread", id.Short())
	return found
}

// Who has no letter is not spoken to, and who asks too much has to wait.
func TestStrangerAndFlood(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XM")
	m := f.corrupt("XM", f.Agree(Pact("XA", "XB", "XM"), "XA"))
	xa := f.At("XA")
	l, err := xa.OwnLetter(t.Context())
	f.must(err)
	stranger, err := keystore.Generate("XM", 1) // the code of a party that is known, with keys of its own
	f.must(err)
	cert, err := stranger.Certificate()
	f.must(err)
	// spec: NET-1
	for name, c := range map[string]*http.Client{"unknown key": clientWith(t, cert), "no key": clientWith(t, tls.Certificate{})} {
		if resp, err := c.Post(l.Endpoints[0]+"/comity/v1/packets", "", nil); err == nil {
			resp.Body.Close()
			t.Errorf("%s: answered with %s", name, resp.Status)
		}
	}
	// A letter that is here and not confirmed is none.
	raw := m.seal("XA", m.contents("XA", m.say(nil)))
	f.must(xa.Exchange.Update(t.Context(), func(tx store.Tx) error {
		row, err := tx.Letter("XM")
		if err != nil {
			return err
		}
		row.Status = store.LetterImported
		return tx.PutLetter(row)
	}))
	// spec: LTR-8
	if _, err := xa.Unpack(t.Context(), bytes.NewReader(raw), new(bytes.Buffer)); fault.CodeOf(err) != fault.Unknown || fault.ClauseOf(err) != "LTR-8" {
		t.Errorf("a packet of a party without a confirmed letter: %v", err)
	}
	f.must(xa.Exchange.Update(t.Context(), func(tx store.Tx) error {
		return tx.EachLetter(func(row store.Letter) bool {
			if row.Code == "XM" {
				row.Status = store.LetterConfirmed
				f.must(tx.PutLetter(row))
			}
			return true
		})
	}))
	// spec: NET-6
	var wg sync.WaitGroup
	codes := make(chan string, 400)
	for range 20 {
		wg.Go(func() {
			for range 20 {
				codes <- m.send("XA", []byte("hello")).Code
			}
		})
	}
	wg.Wait()
	close(codes)
	count := map[string]int{}
	for c := range codes {
		count[c]++
	}
	if count["quota"] == 0 || count["malformed"] == 0 || count["quota"]+count["malformed"] != 400 {
		t.Errorf("%v", count)
	}
	f.honest()
}

// wants takes from an answer what it asks for.
type wants struct{ ids []statement.ID }

func (w *wants) Front(c *packet.Contents) error { w.ids = c.Want; return nil }
func (*wants) Body([]byte) error                { return nil }
func (*wants) Blob(statement.Digest, int64, io.Reader) error {
	return nil
}
