package fedtest

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// wire drives what the vectors refuse through a real node's door, and keeps count.
type wire struct {
	mu     sync.Mutex
	driven map[string]bool // "family/name"; guarded by mu
}

// homebound are refused vectors that cannot travel, or arrive as something else, and why.
func homebound() map[string]string {
	const inEvidence = "a path to a single leaf travels in evidence alone; packets have tiles (PKT-5)"
	return map[string]string{
		"inclusion/other-index":   inEvidence,
		"inclusion/other-leaf":    inEvidence,
		"inclusion/outside":       inEvidence,
		"letter/other-party":      "a node takes a letter of another party as that party's first, whichever letter came before; it then waits for its words",
		"receipt/half-open":       "nothing is wrong with it: it is about another leaf",
		"receipt/one-blob-of-two": "nothing is wrong with it: the other blob has not arrived",
	}
}

// elsewhere are vectors that a packet refuses by another clause than the text by itself does, because something stands before it.
func elsewhere() map[string]string {
	return map[string]string{
		"statement/oversize":      "PKT-3", // the packet's bound for a line is the head's
		"body/oversize":           "PKT-3", // likewise
		"body/wrong-digest":       "PKT-8", // a body is found by its digest: this one is nobody's
		"body/no-body-named":      "PKT-8", // likewise
		"checkpoint/other-origin": "LOG-4", // at XC: to XB it would be its own log
		"packet/cut-short-sealed": "PKT-1",
	}
}

// refused lists a family's refused vectors that travel, notes them, and says which do not.
func (w *wire) refused(t *testing.T, name string) (out []vector) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range family(t, name) {
		id := name + "/" + v.Name
		switch {
		case !v.misuse():
			continue
		case homebound()[id] != "":
			t.Logf("NOT ON THE WIRE: %s: %s", id, homebound()[id])
		default:
			if clause := elsewhere()[id]; clause != "" {
				v.Want.Clause = clause
			}
			out = append(out, v)
		}
		w.driven[id] = true
	}
	return out
}

// misuse tells whether a vector is of something that is not taken as it comes: refused as a whole, or in part, or worth nothing.
func (v vector) misuse() bool {
	return !v.Want.OK || len(v.Want.Refused) > 0 || v.Want.Arrived != nil && *v.Want.Arrived == ""
}

// turnedAway wants a packet to be refused by that clause, and to leave nothing behind.
func (m *mallory) turnedAway(to party.Code, name, clause string, send func() answer) {
	m.Helper()
	p := m.f.At(to)
	before := p.holdings()
	a := send()
	if a.status < 400 || a.status >= 500 || a.Clause != clause {
		m.Errorf("%s: status %d, %s %s; want a refusal by %s", name, a.status, a.Code, a.Clause, clause)
	}
	but := []string{}
	if a.Code == string(fault.Fork) {
		but = append(but, "fork")
	}
	if changed := p.holdings().since(before, but...); changed != "" {
		m.Errorf("%s left traces: %s", name, changed)
	}
}

// sealTo seals bytes to a party's real key, whatever they are.
func (m *mallory) sealTo(to party.Code, plain []byte) []byte {
	m.Helper()
	l, err := m.f.At(to).OwnLetter(m.Context())
	m.f.must(err)
	recipient, err := age.ParseHybridRecipient(l.Seal)
	m.f.must(err)
	var out bytes.Buffer
	a, err := age.Encrypt(&out, recipient)
	m.f.must(err)
	_, err = a.Write(plain)
	m.f.must(err)
	m.f.must(a.Close())
	return out.Bytes()
}

// TestVectorsOnTheWire sends every text that the vectors refuse to a running node, by HTTPS, from a party that it trusts: the same clause refuses it there, nothing
// of it is kept but what the clause says, and the others go on.
func TestVectorsOnTheWire(t *testing.T) {
	t.Parallel()
	w := &wire{driven: map[string]bool{}}
	families := map[string]func(*testing.T, *wire){
		"packet": packetVectors, "statement": headVectors, "body": bodyVectors, "checkpoint": noteVectors, "consistency": consistencyVectors,
		"tile": tileVectors, "cosignature": cosignatureVectors, "letter": letterVectors, "receipt": receiptVectors,
		"inclusion": func(t *testing.T, w *wire) {
			if left := w.refused(t, "inclusion"); len(left) > 0 {
				t.Errorf("%s can travel", left[0].Name)
			}
		},
	}
	t.Run("family", func(t *testing.T) {
		for name, drive := range families {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				drive(t, w)
			})
		}
	})
	all := 0
	for name := range families {
		for _, v := range family(t, name) {
			if id := name + "/" + v.Name; v.misuse() {
				if all++; !w.driven[id] {
					t.Errorf("%s was not tried", id)
				}
			}
		}
	}
	for id := range homebound() {
		if !w.driven[id] {
			t.Errorf("%s is no refused vector", id)
		}
	}
	if all < 100 {
		t.Errorf("only %d vectors are refused: are some lost?", all)
	}
}

// Heads, each a leaf of the log that brings it.
func headVectors(t *testing.T, w *wire) {
	f := vectorDay(t, "XB", "XC")
	xa := f.puppet("XA", "XB", "XC")
	for _, v := range w.refused(t, "statement") {
		raw := v.text(t, "head")
		xa.ids = append(xa.ids, statement.IDOf(raw))
		c := xa.contents("XB")
		xa.turnedAway("XB", v.Name, v.Want.Clause, func() answer {
			return xa.send("XB", xa.raw("XB", file{name: "checkpoint", data: c.Checkpoint}, file{name: "heads.jsonl", data: append(raw, '\n')},
				file{name: "tiles", data: append(c.Tiles[0], '\n')}))
		})
	}
	f.goOn("XB", "XC")
}

// Checkpoints, as the log of a packet.
func noteVectors(t *testing.T, w *wire) {
	f := vectorDay(t, "XB", "XC")
	xa := f.puppet("XA", "XB", "XC")
	for _, v := range w.refused(t, "checkpoint") {
		to := party.Code("XB")
		if v.Name == "other-origin" {
			to = "XC"
		}
		if now := v.Input["now"]; now != nil {
			at, err := statement.ParseTime(strings.Trim(string(now), `"`))
			f.must(err)
			f.At(to).Skew(at.Std().Sub(f.Clock.Now()))
		}
		xa.turnedAway(to, v.Name, v.Want.Clause, func() answer { return xa.send(to, xa.raw(to, file{name: "checkpoint", data: v.text(t, "note")})) })
		f.At(to).Skew(0)
	}
	f.goOn("XB", "XC")
}

// forksLast puts at the end what makes a node deaf to a log.
func forksLast(all []vector) []vector {
	slices.SortStableFunc(all, func(a, b vector) int { return strings.Compare(a.fork(), b.fork()) })
	return all
}

func (v vector) fork() string { return map[bool]string{true: "fork"}[v.Want.Clause == "LOG-9"] }

// Proofs of consistency from what a node holds: XB holds 129 leaves, XC 300.
func consistencyVectors(t *testing.T, w *wire) {
	f := vectorDay(t, "XB", "XC")
	xa := f.puppet("XA", "XB", "XC")
	at := map[string]party.Code{"129": "XB", "300": "XC"}
	for _, v := range forksLast(w.refused(t, "consistency")) {
		size := strings.Split(string(v.text(t, "held")), "\n")[1]
		to := at[size]
		if to == "" {
			t.Errorf("%s: nobody holds %s leaves", v.Name, size)
			continue
		}
		if a := xa.send(to, xa.raw(to, file{name: "checkpoint", data: v.text(t, "held")})); a.status != http.StatusNoContent {
			t.Fatalf("%s: %+v", v.Name, a)
		}
		files := []file{{name: "checkpoint", data: v.text(t, "note")}}
		if v.Input["consistency"] != nil {
			files = append(files, file{name: "consistency", data: v.text(t, "consistency")})
		}
		xa.turnedAway(to, v.Name, v.Want.Clause, func() answer { return xa.send(to, xa.raw(to, files...)) })
	}
	f.goOn("XB", "XC")
}

// Tiles, of a tree that their author signs; and a head that is in none of them.
func tileVectors(t *testing.T, w *wire) {
	f := vectorDay(t, "XB", "XC")
	xa := f.puppet("XA", "XB", "XC")
	for _, v := range w.refused(t, "tile") {
		var size int64
		var root statement.Digest
		decode(t, v.Input["size"], &size)
		decode(t, v.Input["root"], &root)
		note, err := translog.SignCheckpoint(xa.signer, translog.Tree{Origin: "XA/1", Size: size, Root: translog.Hash(root)}, f.Clock.Now())
		f.must(err)
		h := xa.compose(func(h *statement.Head) { h.To = []party.Code{"XB"} })
		xa.turnedAway("XB", v.Name, v.Want.Clause, func() answer {
			return xa.send("XB", xa.raw("XB", file{name: "checkpoint", data: note}, file{name: "heads.jsonl", data: append(h.Raw, '\n')},
				file{name: "tiles", data: append(v.text(t, "line"), '\n')}))
		})
	}
	f.goOn("XB", "XC")
}

// Cosignatures of XB on XA's checkpoint, which XB shows to XC: they do not count, and the packet that brings them goes on.
func cosignatureVectors(t *testing.T, w *wire) {
	f := vectorDay(t, "XC", "XD")
	f.puppet("XA", "XC")
	xb := f.puppet("XB", "XC")
	show := func(v vector) int {
		note := v.text(t, "note")
		if a := xb.send("XC", xb.raw("XC", file{name: "checkpoint", data: xb.checkpoint(f.Clock.Now())}, file{name: "witnessed.jsonl", data: noteLine(t, note)})); a.status != http.StatusNoContent {
			t.Errorf("%s: %+v", v.Name, a)
		}
		return f.At("XC").cosigned("XA/1", 298)
	}
	for _, v := range w.refused(t, "cosignature") {
		// spec: LOG-11
		if n := show(v); n != 0 {
			t.Errorf("%s: %d parties have cosigned", v.Name, n)
		}
	}
	for _, v := range family(t, "cosignature") {
		if v.Name == "both" && show(v) != 1 {
			t.Error("a cosignature that is right does not count either: nothing is shown")
		}
	}
	f.goOn("XC", "XD")
}
