package translog_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/translog"
)

const witnessB = "XB/witness/1"

func cosign(tb testing.TB, s party.Signer, name string, b []byte, at time.Time) []byte {
	tb.Helper()
	cp, err := translog.OpenCheckpoint(b, "XA/1", makeKeys(tb, "XA").public(party.RoleLog))
	if err != nil {
		tb.Fatal(err)
	}
	l, err := translog.Cosign(s, name, cp, at)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// spec: LOG-11
func TestCosign(t *testing.T) {
	t.Parallel()
	xa, xb := makeKeys(t, "XA"), makeKeys(t, "XB")
	b := sign(t, xa, treeOf(makeLog(t, 300), "XA/1"), noon)
	pub := xb.public(party.RoleWitness)
	if _, ok := translog.Cosignatures(b, witnessB, pub); ok {
		t.Error("a cosignature before there is one")
	}
	cosigned := append(b, cosign(t, xb, witnessB, b, noon.Add(5*time.Second))...)
	c, ok := translog.Cosignatures(cosigned, witnessB, pub)
	if !ok || c.Name != witnessB || !c.Time.Equal(noon.Add(5*time.Second)) {
		t.Errorf("got %+v, %v", c, ok)
	}
	if _, err := translog.OpenCheckpoint(cosigned, "XA/1", xa.public(party.RoleLog)); err != nil {
		t.Error(err)
	}
	// Other programs find it too.
	k4, k6 := translog.WitnessKeys(witnessB, pub)
	classic, err := formats.NewVerifierForCosignatureV1(k4)
	if err != nil {
		t.Fatal(err)
	}
	quantum, err := formats.NewVerifierForCosignatureV1(k6)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(cosigned, note.VerifierList(classic, quantum))
	if err != nil || len(n.Sigs) != 2 || len(n.UnverifiedSigs) != 2 {
		t.Errorf("%+v, %v", n, err)
	}
}

// spec: LOG-11
func TestCosignaturesThatDoNotCount(t *testing.T) {
	t.Parallel()
	xa, xb, xc := makeKeys(t, "XA"), makeKeys(t, "XB"), makeKeys(t, "XC")
	tree := treeOf(makeLog(t, 300), "XA/1")
	b := sign(t, xa, tree, noon)
	other := sign(t, xa, translog.Tree{Origin: "XA/1", Size: 299, Root: tree.Root}, noon)
	split := func(l []byte) (string, string) {
		first, second, _ := strings.Cut(string(l), "\n")
		return first + "\n", second
	}
	ed, pq := split(cosign(t, xb, witnessB, b, noon))
	edLater, pqLater := split(cosign(t, xb, witnessB, b, noon.Add(time.Second)))
	edOther, pqOther := split(cosign(t, xb, witnessB, other, noon))
	edC, pqC := split(cosign(t, xc, witnessB, b, noon))
	renamed := func(s string) string { return strings.Replace(s, witnessB, "XC/witness/1", 1) }
	stub := "\u2014 " + witnessB + " " + base64.StdEncoding.EncodeToString(make([]byte, 6)) + "\n"
	for name, c := range map[string]struct {
		lines string
		want  bool
	}{
		"both":                     {ed + pq, true},
		"the other way round":      {pq + ed, true},
		"Ed25519 alone":            {ed, false},
		"ML-DSA-44 alone":          {pq, false},
		"one twice":                {ed + ed, false},
		"different times":          {ed + pqLater, false},
		"of another tree":          {edOther + pqOther, false},
		"one of another tree":      {ed + pqOther, false},
		"by another's keys":        {edC + pqC, false},
		"one by another's keys":    {ed + pqC, false},
		"under another name":       {renamed(ed) + renamed(pq), false},
		"with stubs":               {stub + stub, false},
		"bad ones do not spoil it": {edOther + pqOther + stub + edC + ed + pq, true},
		"nor do half pairs":        {edLater + ed + pq, true},
	} {
		_, ok := translog.Cosignatures([]byte(string(b)+c.lines), witnessB, xb.public(party.RoleWitness))
		if ok != c.want {
			t.Errorf("%s: %v", name, ok)
		}
	}
	if c, ok := translog.Cosignatures([]byte(string(b)+edLater+pqLater+ed+pq), witnessB, xb.public(party.RoleWitness)); !ok || !c.Time.Equal(noon) {
		t.Errorf("of two the earlier: %v, %v", c, ok)
	}
	if _, ok := translog.Cosignatures(append(b, ed+pq...), witnessB, party.PublicKeys{}); ok {
		t.Error("verified by no keys")
	}
	if _, ok := translog.Cosignatures([]byte("nothing"), witnessB, xb.public(party.RoleWitness)); ok {
		t.Error("found on no note")
	}
	// The log's own signature is no cosignature, even if its keys were called a witness's.
	if _, ok := translog.Cosignatures(b, "XA/1", xa.public(party.RoleLog)); ok {
		t.Error("a log witnessed itself")
	}
}

func TestCosignRefuses(t *testing.T) {
	t.Parallel()
	xa, xb := makeKeys(t, "XA"), makeKeys(t, "XB")
	b := sign(t, xa, treeOf(makeLog(t, 3), "XA/1"), noon)
	cp, err := translog.OpenCheckpoint(b, "XA/1", xa.public(party.RoleLog))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "XB witness", "XB+1", "XB\n", "XA/1", strings.Repeat("X", 256)} {
		_, err := translog.Cosign(xb, name, cp, noon)
		wantFault(t, err, fault.Malformed, "LTR-3")
	}
	_, err = translog.Cosign(xb, witnessB, cp, time.Time{})
	wantFault(t, err, fault.Clock, "ENC-5")
	_, err = translog.Cosign(xb, witnessB, translog.Checkpoint{}, noon)
	wantFault(t, err, fault.Malformed, "ENC-7")
	for _, alg := range []party.Algorithm{party.Ed25519, party.MLDSA44} {
		l, err := translog.Cosign(without{xb, alg}, witnessB, cp, noon)
		wantFault(t, err, fault.Locked, "")
		if l != nil {
			t.Errorf("without %s: %d bytes", alg, len(l))
		}
	}
	_, err = translog.Cosign(keys{}, witnessB, cp, noon)
	wantFault(t, err, fault.Locked, "")
}

// spec: LOG-11
func TestMergeSignatures(t *testing.T) {
	t.Parallel()
	xa, xb, xc := makeKeys(t, "XA"), makeKeys(t, "XB"), makeKeys(t, "XC")
	m := makeLog(t, 300)
	b := sign(t, xa, treeOf(m, "XA/1"), noon)
	byB := append(bytes.Clone(b), cosign(t, xb, witnessB, b, noon)...)
	byC := append(bytes.Clone(b), cosign(t, xc, "XC/witness/1", b, noon)...)
	one, err := translog.MergeSignatures(byB, byC)
	if err != nil {
		t.Fatal(err)
	}
	two, err := translog.MergeSignatures(byC, byB)
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("the order of the two matters: %v", err)
	}
	again, err := translog.MergeSignatures(one, byB)
	if err != nil || !bytes.Equal(one, again) {
		t.Errorf("merging again changes it: %v", err)
	}
	if _, sigs := lines(one); len(sigs) != 6 || !strings.HasPrefix(sigs[1], "\u2014 XA/1 ") || !strings.HasPrefix(sigs[2], "\u2014 XB/") {
		t.Errorf("%d lines", len(sigs))
	}
	if _, err := translog.OpenCheckpoint(one, "XA/1", xa.public(party.RoleLog)); err != nil {
		t.Error(err)
	}
	for name, k := range map[string]keys{witnessB: xb, "XC/witness/1": xc} {
		if _, ok := translog.Cosignatures(one, name, k.public(party.RoleWitness)); !ok {
			t.Errorf("lost %s", name)
		}
	}
	m.grow(t, 1)
	_, err = translog.MergeSignatures(b, sign(t, xa, treeOf(m, "XA/1"), noon))
	wantFault(t, err, fault.Malformed, "LOG-11")
	_, err = translog.MergeSignatures([]byte("nothing"), b)
	wantFault(t, err, fault.Malformed, "LOG-3")
	_, err = translog.MergeSignatures(b, []byte("nothing"))
	wantFault(t, err, fault.Malformed, "LOG-3")

	kept, err := translog.Keep(one, func(name string) bool { return name != "XC/witness/1" })
	want, errWant := translog.MergeSignatures(b, byB)
	if err != nil || errWant != nil || !bytes.Equal(kept, want) {
		t.Errorf("Keep: %v, %v", err, errWant)
	}
	_, err = translog.Keep(nil, func(string) bool { return true })
	wantFault(t, err, fault.Malformed, "LOG-3")

	// Full notes do not merge beyond the bounds.
	text, own := lines(b)
	full := func(from int) []byte {
		s := text + own[0] + own[1]
		for i := range 40 {
			s += "\u2014 somebody " + base64.StdEncoding.EncodeToString(append(make([]byte, 8), byte(from+i))) + "\n"
		}
		return []byte(s)
	}
	_, err = translog.MergeSignatures(full(0), full(100))
	wantFault(t, err, fault.TooLarge, "LOG-5")
}
