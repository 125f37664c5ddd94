package fedtest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// noteLine is a line of witnessed.jsonl.
func noteLine(t *testing.T, note []byte) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]string{"note": string(note)})
	if err != nil {
		t.Fatal(err)
	}
	return append(raw, '\n')
}

// kept are the tables in which a head that is refused by receipt leaves something: it is stored and folded like any other, and proven.
func kept() []string {
	return []string{"statement", "thread", "tile", "tile_path", "checkpoint", "consistency", "origin", "arrival", "meta", "peer"}
}

// bytesOf reads a packet of the vectors, sealed anew to a party of the federation where it was sealed to one of theirs.
func (m *mallory) bytesOf(name string, to party.Code) []byte {
	m.Helper()
	read := func(name string) []byte {
		raw, err := os.ReadFile(filepath.Join(vectors, name))
		m.f.must(err)
		return raw
	}
	switch name {
	case "packets/to-xc.age":
		return read(name) // to nobody here
	case "packets/cut.age":
		sealed := m.sealTo(to, read("packets/two.tar.zst"))
		return sealed[:len(sealed)-100]
	}
	if strings.HasSuffix(name, ".age") {
		m.Fatalf("%s is sealed, and to whom is not known", name)
	}
	return m.sealTo(to, read(name))
}

// Packets as they are: of XA, to XB.
func packetVectors(t *testing.T, w *wire) {
	f := vectorDay(t, "XB", "XC")
	xa := f.puppet("XA", "XB", "XC")
	all := w.refused(t, "packet")
	for behind := range 2 { // first those that XB hears before anything else, then those that come after "two"
		for _, v := range forksLast(all) {
			var names []string
			decode(t, v.Input["packets"], &names)
			switch {
			case v.Want.OK && behind == 0:
				t.Run(v.Name, func(t *testing.T) {
					t.Parallel()
					refusedInside(t, v, names)
				})
			case !v.Want.OK && len(names) == behind+1:
				for _, name := range names[:behind] {
					if a := xa.send("XB", xa.bytesOf(name, "XB")); a.status != http.StatusOK {
						t.Fatalf("%s: %+v", name, a)
					}
				}
				xa.turnedAway("XB", v.Name, v.Want.Clause, func() answer { return xa.send("XB", xa.bytesOf(names[behind], "XB")) })
			case !v.Want.OK && len(names) > 2:
				t.Errorf("%s: %d packets", v.Name, len(names))
			}
		}
	}
	f.goOn("XB", "XC")
}

// refusedInside is about packets that are taken, with heads in them that are refused: these are kept, and no body of theirs is.
func refusedInside(t *testing.T, v vector, names []string) {
	f := vectorDay(t, "XB")
	xa, xb := f.puppet("XA", "XB"), f.At("XB")
	for _, name := range names {
		if a := xa.send("XB", xa.bytesOf(name, "XB")); a.status >= 300 {
			t.Fatalf("%s: %+v", name, a)
		}
	}
	// spec: RCP-4
	for id, clause := range v.Want.Refused {
		said := xb.said(id)
		if len(said.Refused) != 1 || said.Refused[0].By != "XB" || said.Refused[0].Clause != clause || said.Body == "here" {
			t.Errorf("%s: %+v, want a refusal by %s", v.Name, said, clause)
		}
		if c, err := xb.content(store.ContentRef{Statement: id, Part: store.BodyPart}); err == nil && (c.Whole || c.Arrived > 0) {
			t.Errorf("%s: its body was kept: %+v", v.Name, c)
		}
	}
}

func (p *Party) content(ref store.ContentRef) (c store.Content, err error) {
	err = p.Store.View(p.F.T.Context(), func(tx store.Tx) (err error) {
		c, err = tx.Content(ref)
		return err
	})
	return c, err
}

// Bodies, under heads that say of them what the vectors' heads say.
func bodyVectors(t *testing.T, w *wire) {
	f := New(t, "XA", "XB")
	m, xa := f.stranger("XM", "XA", "XB"), f.At("XA")
	for _, v := range w.refused(t, "body") {
		of, err := statement.ParseHead(v.text(t, "head"))
		f.must(err)
		h := m.say(func(h *statement.Head) {
			h.Kind, h.Agreement, h.Facts = "credence.office", nil, []byte(`{"office":"XM.cert","letter":"`+statement.Digest{1}.String()+`"}`)
			h.Body = of.Body
		})
		c := m.contents("XA")
		files := []file{{name: "checkpoint", data: c.Checkpoint}}
		if len(c.Consistency) > 0 {
			files = append(files, file{name: "consistency", data: c.Consistency})
		}
		files = append(files, file{name: "heads.jsonl", data: append(h.Raw, '\n')}, file{name: "tiles", data: append(c.Tiles[0], '\n')},
			file{name: "bodies.jsonl", data: append(v.text(t, "body"), '\n')})
		if elsewhere()["body/"+v.Name] != "" {
			m.turnedAway("XA", v.Name, v.Want.Clause, func() answer { return m.send("XA", m.raw("XA", files...)) })
			continue
		}
		before := xa.holdings()
		if a := m.send("XA", m.raw("XA", files...)); a.status != http.StatusOK {
			t.Errorf("%s: %+v", v.Name, a)
			continue
		}
		m.accepted["XA"] = int64(len(m.ids))
		// spec: STM-3, RCP-4
		if r := xa.said(h.ID).Refused; len(r) != 1 || r[0].Clause != v.Want.Clause || r[0].Reason != "body" {
			t.Errorf("%s: refused %+v, want %s", v.Name, r, v.Want.Clause)
		}
		if changed := xa.holdings().since(before, kept()...); changed != "" {
			t.Errorf("%s left traces: %s", v.Name, changed)
		}
	}
	f.goOn("XA", "XB")
}

// Letters are handed over by people: what is forged is brought to a node that holds the letter which it pretends to follow.
func letterVectors(t *testing.T, w *wire) {
	f := vectorDay(t, "XC", "XD")
	xc := f.At("XC")
	for _, v := range w.refused(t, "letter") {
		letters := v.texts(t, "letters")
		for _, raw := range letters[:len(letters)-1] {
			l, err := party.ParseLetter(raw)
			f.must(err)
			_, err = xc.ImportLetter(t.Context(), raw)
			f.must(err)
			if xc.status(l) != store.LetterConfirmed {
				_, err = xc.Confirm(t.Context(), l.Code, l.Words())
				f.must(err)
			}
		}
		before := xc.holdings()
		_, err := xc.ImportLetter(t.Context(), letters[len(letters)-1])
		if fault.ClauseOf(err) != v.Want.Clause || fault.CodeOf(err) == fault.Internal {
			t.Errorf("%s: %v, want %s", v.Name, err, v.Want.Clause)
		}
		if changed := xc.holdings().since(before); changed != "" {
			t.Errorf("%s left traces: %s", v.Name, changed)
		}
	}
	f.goOn("XC", "XD")
}

// Receipts, for a log that has what they speak of: all that is wrong with them is what the vectors have wrong.
func receiptVectors(t *testing.T, w *wire) {
	f := New(t, "XA", "XB")
	m, xa := f.stranger("XM", "XA", "XB"), f.At("XA")
	for range 12 {
		xa.vouch("XB")
	}
	f.Quiet()
	var root translog.Hash
	f.must(xa.Store.View(t.Context(), func(tx store.Tx) (err error) {
		root, err = translog.Root(10, xa.Journal.Tiles(tx, "XA/1"))
		return err
	}))
	for _, v := range w.refused(t, "receipt") {
		receipts := v.texts(t, "receipts")
		h, err := statement.ParseHead(receipts[len(receipts)-1])
		f.must(err)
		var facts map[string]jsontext.Value
		decode(t, h.Facts, &facts)
		facts["root"] = jsontext.Value(`"` + statement.Digest(root).String() + `"`)
		raw, err := json.Marshal(facts, json.Deterministic(true))
		f.must(err)
		said := m.say(func(h *statement.Head) {
			h.Kind, h.Agreement, h.Precedence, h.Facts, h.By.Role = thread.KindDelivered, nil, statement.Routine, raw, "node"
		})
		// spec: RCP-1
		m.turnedAway("XA", v.Name, "RCP-1", func() answer { return m.post("XA", m.contents("XA", said)) })
	}
	f.goOn("XA", "XB")
}
