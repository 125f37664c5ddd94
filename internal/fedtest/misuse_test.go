package fedtest

import (
	"bytes"
	"github.com/comity-exchange/comity/agreement"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// misuse is one way to speak the protocol wrongly on purpose, to XA.
type misuse struct {
	of      string // what an attacker may try, in the words of the list below
	name    string
	code    fault.Code // of the problem document; "" where the packet is taken
	clause  string
	refused string   // clause of the receipt.refused for the last head that was said; "" for none
	keeps   []string // tables of XA's store that may change
	do      func() answer
}

// office is a head that needs no agreement, for a test to spoil.
func (m *mallory) office(change func(*statement.Head)) *statement.Head {
	m.Helper()
	return m.say(func(h *statement.Head) {
		h.Kind, h.Agreement, h.Facts = "credence.office", nil, []byte(`{"office":"`+string(m.code.Principal())+`.cert","letter":"`+statement.Digest{1}.String()+`"}`)
		if change != nil {
			change(h)
		}
	})
}

// ask makes any request of its own at XA's door.
func (m *mallory) ask(method, path string, header http.Header, body io.Reader) answer {
	m.Helper()
	l, err := m.f.At("XA").OwnLetter(m.Context())
	m.f.must(err)
	req, err := http.NewRequestWithContext(m.Context(), method, l.Endpoints[0]+path, body)
	m.f.must(err)
	if header != nil {
		req.Header = header
	}
	return m.answered(req)
}

// members posts a packet with the newest checkpoint and these members, whatever they are.
func (m *mallory) members(files ...file) answer {
	m.Helper()
	return m.send("XA", m.raw("XA", append([]file{{name: "checkpoint", data: m.checkpoint(m.f.Clock.Now())}}, files...)...))
}

const longBlocks = "200 blocks of a zero, each repeated to 128 KiB"

// frames are zstd frames that no honest packer makes.
func frames(t *testing.T) map[string][]byte {
	t.Helper()
	var wide bytes.Buffer
	w, err := zstd.NewWriter(&wide, zstd.WithWindowSize(16<<20), zstd.WithEncoderConcurrency(1))
	if err == nil {
		_, err = io.CopyN(w, zeros{}, 20<<20)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	head := []byte{0x28, 0xb5, 0x2f, 0xfd}
	blocks := append(append(slices.Clone(head), 0, 0), bytes.Repeat([]byte{0, 0, 0}, 16385)...)
	return map[string][]byte{
		"a window of 16 MiB": wide.Bytes(),
		"16,386 blocks":      append(blocks, 1, 0, 0),
		"a dictionary":       append(slices.Clone(head), 1, 0, 7, 1, 0, 0),
		longBlocks:           append(append(append(slices.Clone(head), 0, 0x58), bytes.Repeat([]byte{0x02, 0x00, 0x10, 0x00}, 200)...), 1, 0, 0),
	}
}

// row makes a misuse that is refused as a packet, or, without a code, is taken and worth nothing.
func row(of, name string, code fault.Code, clause string, do func() answer, keeps ...string) misuse {
	return misuse{of: of, name: name, code: code, clause: clause, keeps: keeps, do: do}
}

// misuses are the rows, in the order in which they are tried: each finds XA as the one before has left it.
func (f *Federation) misuses(agreed statement.ID, m, forker, accomplice *mallory) []misuse {
	return slices.Concat(forker.logMisuses(m, accomplice), m.timeMisuses(), m.sizeMisuses(), m.formMisuses(), m.agreementMisuses(agreed), m.receiptMisuses())
}

// logMisuses are about what stands in a log, and who brings it. The one who tries them is not heard afterwards; m is, and its accomplice.
func (forker *mallory) logMisuses(m, accomplice *mallory) []misuse {
	f, xa, xb := forker.f, forker.f.At("XA"), forker.f.At("XB")
	before := func(m *mallory) []statement.ID { return slices.Clone(m.ids[:len(m.ids)-1]) }
	var recorded []byte
	return []misuse{
		row("forks its log", "another tree of the size that was accepted", fault.Fork, "LOG-9", func() answer {
			forker.takes("XA", forker.office(nil))
			forker.ids = before(forker)
			return forker.post("XA", forker.contents("XA", forker.office(nil)))
		}, append(kept(), "fork")...),
		row("forks its log", "something right by itself afterwards", fault.Fork, "LOG-9", func() answer {
			return forker.post("XA", forker.contents("XA", forker.office(nil)))
		}),
		row("forks its log", "one head in two places", fault.NotAuthentic, "PKT-6", func() answer {
			h := m.office(nil)
			m.takes("XA", h)
			m.ids = append(m.ids, h.ID)
			defer func() { m.ids = before(m) }()
			return m.post("XA", m.contents("XA", h))
		}, kept()...),
		row("replays", "the same packet again", "", "", func() answer {
			recorded = m.seal("XA", m.contents("XA", m.office(nil)))
			first := m.send("XA", recorded)
			m.accepted["XA"] = int64(len(m.ids))
			held := xa.holdings()
			again := m.send("XA", recorded)
			if changed := xa.holdings().since(held); first.status != http.StatusOK || changed != "" {
				m.Errorf("the first time: status %d; the second time changed %s", first.status, changed)
			}
			return again
		}, kept()...),
		row("replays", "what another has recorded", fault.NotAddressed, "PKT-9", func() answer { return accomplice.send("XA", recorded) }),
		row("replays", "what was recorded on its way to XB", fault.NotAddressed, "PKT-1", func() answer {
			return m.send("XA", m.seal("XB", m.contents("XB", m.office(func(h *statement.Head) { h.To = []party.Code{"XB"} }))))
		}),
		row("reorders", "heads the other way round", "", "", func() answer {
			one, two := m.office(nil), m.office(nil)
			return m.post("XA", m.contents("XA", two, one))
		}, kept()...),
		row("re-seals another's packet to a third", "what XB said to XM", fault.NotAddressed, "PKT-7", func() answer {
			xb.vouch("XM")
			c := m.opened(xb)
			f.Quiet()
			return m.post("XA", c)
		}),
	}
}

// timeMisuses are about when something is said to have been said.
func (m *mallory) timeMisuses() []misuse {
	late := row("backdates", "a checkpoint of an hour before its head", "", "", func() answer {
		c := m.contents("XA", m.office(nil))
		c.Checkpoint = m.checkpoint(m.f.Clock.Now().Add(-time.Hour))
		return m.post("XA", c)
	}, kept()...)
	late.refused = "LOG-7"
	return []misuse{late, row("backdates", "a receipt of yesterday", fault.NotAuthentic, "LOG-7", func() answer {
		return m.post("XA", m.contents("XA", m.receiptOf(m.f.At("XA"), 1, func(h *statement.Head) { h.Time = h.Time.Add(-24 * time.Hour) })))
	})}
}

// sizeMisuses are about all bounds of PKT-3 that the vectors and TestRefusedPackets do not try, and about frames that grow.
func (m *mallory) sizeMisuses() []misuse {
	const of = "sends oversize packets"
	var out []misuse
	add := func(name string, do func() answer) { out = append(out, row(of, name, fault.TooLarge, "PKT-3", do)) }
	big := strings.Repeat("x", 70<<10)
	add("a checkpoint of 70 KiB", func() answer { return m.send("XA", m.raw("XA", file{name: "checkpoint", data: []byte(big)})) })
	for _, c := range []struct {
		name, member, line string
		n                  int
	}{
		{"a proof of 70 KiB", "consistency", big, 1}, {"a tile of 70 KiB", "tiles", big, 1}, {"4,097 tiles", "tiles", "{}", 4097},
		{"65 checkpoints of others", "witnessed.jsonl", `{"note":"x"}`, 65}, {"257 wants", "want", statement.Digest{1}.String(), 257}, {"4,097 bodies", "bodies.jsonl", "{}", 4097},
	} {
		add(c.name, func() answer { return m.members(file{name: c.member, data: bytes.Repeat([]byte(c.line+"\n"), c.n)}) })
	}
	add("1,025 parts of attachments", func() answer {
		var files []file
		for i := range 1025 {
			files = append(files, file{name: "blobs/" + statement.Sum([]byte{byte(i), byte(i >> 8)}).String(), data: []byte("x")})
		}
		return m.members(files...)
	})
	add("9 MiB that do not compress", func() answer {
		raw, err := io.ReadAll(attachment("a", 9<<20, 1).Data)
		m.f.must(err)
		return m.members(file{name: "blobs/" + statement.Sum(raw).String(), data: raw})
	})
	for name, frame := range frames(m.T) {
		code, clause := fault.TooLarge, "PKT-1"
		switch name {
		case longBlocks:
			clause = "PKT-3"
		case "a dictionary":
			code = fault.Malformed
		}
		out = append(out, row("zip bombs", name, code, clause, func() answer { return m.send("XA", m.sealTo("XA", frame)) }))
	}
	return out
}

// formMisuses are about what is no packet, and about the other doors.
func (m *mallory) formMisuses() []misuse {
	const of = "malformed packets"
	out := []misuse{
		row(of, "an empty request", fault.Malformed, "PKT-1", func() answer { return m.send("XA", nil) }),
		row(of, "a part of an attachment from beyond all bounds", fault.Malformed, "PKT-4", func() answer {
			return m.members(file{name: "blobs/" + statement.Digest{1}.String() + "@1125899906842625", data: []byte("x")})
		}),
		row(of, "a GET where packets are posted", fault.NotFound, "NET-2", func() answer { return m.ask(http.MethodGet, "/comity/v1/packets", nil, nil) }),
		row(of, "an address that is none", fault.NotFound, "NET-2", func() answer { return m.ask(http.MethodPost, "/comity/v2/packets", nil, nil) }),
		row(of, "a fetch that says nonsense of what it has", fault.Malformed, "NET-2", func() answer {
			return m.ask(http.MethodPost, "/comity/v1/pull", http.Header{"Comity-Blob": {"x=y"}}, nil)
		}),
		row(of, "a question for a proof of what is to come", fault.NotFound, "LOG-8", func() answer {
			return m.ask(http.MethodGet, "/comity/v1/proof?from=1&to=1000000", nil, nil)
		}),
	}
	for _, query := range []string{"", "?from=2&to=1", "?from=0&to=1", "?from=-1&to=1", "?from=1&to=99999999999999999999"} {
		out = append(out, row(of, "a question for a proof: "+query, fault.Malformed, "LOG-8", func() answer { return m.ask(http.MethodGet, "/comity/v1/proof"+query, nil, nil) }))
	}
	return out
}

// agreementMisuses are about what is said under agreements that do not permit it.
func (m *mallory) agreementMisuses(agreed statement.ID) []misuse {
	const of = "statements under an agreement not in force"
	f := m.f
	under := func(ref statement.AgreementRef) answer {
		return m.post("XA", m.contents("XA", m.office(func(h *statement.Head) {
			h.Kind, h.Agreement, h.Facts, h.Precedence = "assist.request", &ref, []byte(`{"type":"information"}`), statement.Routine
		})))
	}
	unsigned := row(of, "one that it deposited itself", "", "", func() answer {
		doc := Pact("XA", "XM")
		parsed, err := agreement.Parse([]byte(doc))
		f.must(err)
		facts, err := node.Facts(instrument.Deposit{Terms: parsed.Terms()})
		f.must(err)
		set, body := m.with(func(b *statement.Body) { b.Rest = map[string]jsontext.Value{"document": quoted(doc)} })
		h := m.office(func(h *statement.Head) { set(h); h.Kind, h.Facts = instrument.KindDeposit, facts })
		c := m.contents("XA", h)
		c.Bodies = [][]byte{body.Raw}
		if a := m.post("XA", c); a.status != http.StatusOK {
			m.Fatalf("%+v", a)
		}
		return under(statement.AgreementRef{ID: h.ID, Digest: statement.Sum([]byte(doc)), At: []statement.ID{h.ID}})
	}, append(kept(), "content", "content_key", "content_chunk", "content_piece")...)
	others := row(of, "one between others", "", "", func() answer {
		xa := f.At("XA")
		var ref *statement.AgreementRef
		f.must(xa.Store.View(m.Context(), func(tx store.Tx) (err error) {
			ref, err = xa.Exchange.Reliance(tx, agreed, "XB")
			return err
		}))
		return under(*ref)
	}, kept()...)
	unsigned.refused, others.refused = "DEC-2", "DEC-2"
	return []misuse{unsigned, others, row(of, "one that nobody has seen the making of", fault.Parked, "DEC-2", func() answer {
		return under(statement.AgreementRef{ID: statement.ID{5}, Digest: statement.Digest{6}, At: []statement.ID{{7}}})
	})}
}

// receiptMisuses are about receipts.
func (m *mallory) receiptMisuses() []misuse {
	const of = "receipts for things never sent"
	f := m.f
	var private statement.ID
	post := func(change func(*statement.Head)) answer {
		return m.post("XA", m.contents("XA", m.receiptOf(f.At("XA"), 1, change)))
	}
	return []misuse{
		row(of, "what was said to XB alone", "", "", func() answer {
			xa := f.At("XA")
			said := xa.vouch("XB")
			xa.Delivered(said.ID)
			f.Quiet()
			private = said.ID
			a := m.post("XA", m.contents("XA", m.receiptOf(xa, xa.LogSize(), nil)))
			if d := xa.said(said.ID).Delivered; len(d) != 1 || d[0].To != "XB" {
				m.Errorf("it is said to have arrived at %+v", d)
			}
			return a
		}, append(kept(), "content", "content_key", "content_chunk", "content_piece")...),
		row(of, "to two parties at once", fault.NotAuthentic, "RCP-1", func() answer {
			return post(func(h *statement.Head) { h.To = []party.Code{"XA", "XB"} })
		}),
		row(of, "in a thread", fault.NotAuthentic, "RCP-1", func() answer {
			return post(func(h *statement.Head) { h.Thread, h.After = private, []statement.ID{private} })
		}),
	}
}

// quoted is a text as a JSON string.
func quoted(s string) jsontext.Value {
	raw, _ := json.Marshal(s) // a string can always be written
	return raw
}

// receiptOf logs a receipt for all heads of the first leaves of a log, with the root that it really had.
func (m *mallory) receiptOf(of *Party, size int64, change func(*statement.Head)) *statement.Head {
	m.Helper()
	var root translog.Hash
	m.f.must(of.Store.View(m.Context(), func(tx store.Tx) (err error) {
		root, err = translog.Root(size, of.Journal.Tiles(tx, of.Journal.Origin()))
		return err
	}))
	facts, err := node.Facts(thread.Delivered{Origin: of.Journal.Origin(), Size: size, Root: statement.Digest(root), Heads: []thread.Range{{0, size}}, Bodies: []thread.Range{}, Blobs: []thread.BlobsArrived{}})
	m.f.must(err)
	return m.say(func(h *statement.Head) {
		h.Kind, h.Agreement, h.Precedence, h.Facts, h.By.Role = thread.KindDelivered, nil, statement.Routine, facts, "node"
		if change != nil {
			change(h)
		}
	})
}

// opened is what is in the next packet that a party has for it.
func (m *mallory) opened(from *Party) *packet.Contents {
	m.Helper()
	var bag bytes.Buffer
	_, _, err := from.Pack(m.Context(), m.code, &bag)
	m.f.must(err)
	var in unpacked
	m.f.must(packet.NewCodec().Open(&bag, m.keys.Identity(), &in))
	return &in.Contents
}

// unpacked takes a packet apart.
type unpacked struct{ packet.Contents }

func (u *unpacked) Front(c *packet.Contents) error { u.Contents = *c; return nil }
func (u *unpacked) Body(raw []byte) error {
	u.Bodies = append(u.Bodies, bytes.Clone(raw))
	return nil
}
func (u *unpacked) Blob(sum statement.Digest, offset int64, r io.Reader) error {
	raw, err := io.ReadAll(r)
	u.Blobs = append(u.Blobs, packet.BlobPart{SHA256: sum, Offset: offset, Size: int64(len(raw)), Data: bytes.NewReader(raw)})
	return err
}

// TestMisuse has a party whose letter XA has confirmed try what an attacker may try. Each attempt ends in a refusal by clause, or is worth nothing; XA's store keeps what the
// clause says and nothing else; and XA and XB do not notice.
func TestMisuse(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	m, forker, accomplice := f.stranger("XM", "XA", "XB"), f.stranger("XF", "XA", "XB"), f.stranger("XN", "XA", "XB")
	f.Quiet()
	xa := f.At("XA")
	for _, c := range f.misuses(agreed, m, forker, accomplice) {
		t.Run(c.of+"/"+c.name, func(t *testing.T) {
			before := xa.holdings()
			a := c.do()
			switch {
			// spec: NET-7
			case c.code != "" && (a.Code != string(c.code) || a.Clause != c.clause || a.status != fault.HTTP(c.code)):
				t.Errorf("status %d %s %s, want %s %s", a.status, a.Code, a.Clause, c.code, c.clause)
			case c.code == "" && a.status >= 300:
				t.Errorf("status %d %s %s: it was to be taken", a.status, a.Code, a.Clause)
			}
			if changed := xa.holdings().since(before, c.keeps...); changed != "" {
				t.Errorf("it left traces: %s", changed)
			}
			// spec: RCP-4
			if c.refused != "" {
				if r := xa.said(m.ids[len(m.ids)-1]).Refused; len(r) != 1 || r[0].Clause != c.refused {
					t.Errorf("refused %+v, want %s", r, c.refused)
				}
			}
			if q := xa.queue("XB"); q.Attempts > 0 || q.LastError != "" {
				t.Errorf("the queue of XB: %+v", q)
			}
		})
	}
	f.honest()
	h := m.office(nil)
	m.takes("XA", h)
	xa.Has(h.ID)
}
