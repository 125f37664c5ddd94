package translog_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/formats/log"
	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/translog"
)

func sign(tb testing.TB, s party.Signer, t translog.Tree, at time.Time) []byte {
	tb.Helper()
	b, err := translog.SignCheckpoint(s, t, at)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func treeOf(m *memory, origin party.Origin) translog.Tree {
	return translog.Tree{Origin: origin, Size: m.size(), Root: m.root()}
}

// spec: LOG-3, LOG-4
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	xa := makeKeys(t, "XA")
	for _, size := range []int{0, 1, 300} {
		tree := treeOf(makeLog(t, size), "XA/1")
		b := sign(t, xa, tree, noon.Add(789*time.Millisecond))
		cp, err := translog.OpenCheckpoint(b, "XA/1", xa.public(party.RoleLog))
		if err != nil {
			t.Fatal(err)
		}
		if cp.Tree != tree || !cp.Time.Equal(noon) || !bytes.Equal(cp.Note, b) {
			t.Errorf("got %+v, %v", cp.Tree, cp.Time)
		}
		if origin, err := translog.PeekOrigin(b); err != nil || origin != "XA/1" {
			t.Errorf("PeekOrigin: %s, %v", origin, err)
		}
		if lines := strings.Split(string(b), "\n"); len(lines) != 7 || lines[0] != "XA/1" || lines[3] != "" {
			t.Errorf("%d lines", len(lines))
		}
	}
}

// What other programs need to verify a checkpoint is in VerifierKeys, and they find the same.
//
// spec: LOG-4, LOG-5
func TestOthersVerify(t *testing.T) {
	t.Parallel()
	xa := makeKeys(t, "XA")
	tree := treeOf(makeLog(t, 300), "XA/1")
	b := sign(t, xa, tree, noon)
	k1, k6 := translog.VerifierKeys("XA/1", xa.public(party.RoleLog))
	classic, err := note.NewVerifier(k1)
	if err != nil {
		t.Fatal(err)
	}
	quantum, err := formats.NewMLDSAVerifier(k6)
	if err != nil {
		t.Fatal(err)
	}
	cp, _, n, err := log.ParseCheckpoint(b, "XA/1", classic, quantum)
	if err != nil {
		t.Fatal(err)
	}
	if cp.Size != 300 || !bytes.Equal(cp.Hash, tree.Root[:]) || len(n.Sigs) != 2 {
		t.Errorf("size %d, %d signatures", cp.Size, len(n.Sigs))
	}
	if at, err := formats.CoSigV1Timestamp(n.Sigs[1]); err != nil || !at.Equal(noon) {
		t.Errorf("time %v, %v", at, err)
	}
	if !strings.HasPrefix(k1, "XA/1+") || strings.Count(k6, "+") < 2 {
		t.Errorf("keys %s, %s", k1, k6)
	}
}

// lines cuts a note into its text, with the empty line, and its signature lines.
func lines(b []byte) (text string, sigs []string) {
	text, rest, _ := strings.Cut(string(b), "\n\n")
	return text + "\n\n", slices.Collect(strings.Lines(rest))
}

// spec: LOG-3, LOG-4, LOG-5
func TestOpenCheckpointRefuses(t *testing.T) {
	t.Parallel()
	xa, xb := makeKeys(t, "XA"), makeKeys(t, "XB")
	m := makeLog(t, 300)
	tree := treeOf(m, "XA/1")
	b := sign(t, xa, tree, noon)
	text, own := lines(b)
	size := func(s string) string { return strings.Replace(text, "\n300\n", "\n"+s+"\n", 1) }
	flip := func(line string) string {
		i := len(line) - 10
		c := byte('A')
		if line[i] == 'A' {
			c = 'B'
		}
		return line[:i] + string(c) + line[i+1:]
	}
	cut := func(line string) string { // to the key's id and one byte
		f := strings.Fields(line)
		raw, err := base64.StdEncoding.DecodeString(f[2])
		if err != nil {
			t.Fatal(err)
		}
		return f[0] + " " + f[1] + " " + base64.StdEncoding.EncodeToString(raw[:5]) + "\n"
	}
	smaller := sign(t, xa, translog.Tree{Origin: "XA/1", Size: 299, Root: tree.Root}, noon)
	_, others := lines(smaller)
	_, foreign := lines(sign(t, xb, tree, noon)) // XB signs as XA/1
	junk := "\u2014 somebody " + base64.StdEncoding.EncodeToString(make([]byte, 80)) + "\n"
	for name, c := range map[string]struct {
		note   string
		code   fault.Code
		clause string
	}{
		"Ed25519 alone":              {text + own[0], fault.NotAuthentic, "LOG-4"},
		"ML-DSA-44 alone":            {text + own[1], fault.NotAuthentic, "LOG-4"},
		"one twice":                  {text + own[0] + own[0], fault.NotAuthentic, "LOG-4"},
		"no signature":               {text, fault.NotAuthentic, "LOG-4"},
		"Ed25519 of another":         {text + others[0] + own[1], fault.NotAuthentic, "LOG-5"},
		"ML-DSA-44 of another":       {text + own[0] + others[1], fault.NotAuthentic, "LOG-5"},
		"another's keys":             {text + foreign[0] + foreign[1], fault.NotAuthentic, "LOG-4"},
		"another's ML-DSA-44":        {text + own[0] + foreign[1], fault.NotAuthentic, "LOG-4"},
		"flipped Ed25519":            {text + flip(own[0]) + own[1], fault.NotAuthentic, "LOG-5"},
		"flipped ML-DSA-44":          {text + own[0] + flip(own[1]), fault.NotAuthentic, "LOG-5"},
		"a bad one behind":           {text + own[0] + own[1] + others[1], fault.NotAuthentic, "LOG-5"},
		"another size":               {size("299") + own[0] + own[1], fault.NotAuthentic, "LOG-5"},
		"leading zero":               {size("0300") + own[0] + own[1], fault.Malformed, "LOG-3"},
		"sign":                       {size("+300") + own[0] + own[1], fault.Malformed, "LOG-3"},
		"hexadecimal":                {size("0x300") + own[0] + own[1], fault.Malformed, "LOG-3"},
		"above 2^40":                 {size("1099511627777") + own[0] + own[1], fault.TooLarge, "LOG-13"},
		"above 2^64":                 {size("18446744073709551617") + own[0] + own[1], fault.Malformed, "LOG-3"},
		"no leaves but a root":       {size("0") + own[0] + own[1], fault.Malformed, "LOG-3"},
		"extension line":             {strings.Replace(text, "\n\n", "\nmore\n\n", 1) + own[0] + own[1], fault.Malformed, "LOG-3"},
		"two lines":                  {"XA/1\n300\n\n" + own[0] + own[1], fault.Malformed, "LOG-3"},
		"no origin":                  {strings.Replace(text, "XA/1", "example.org/log", 1) + own[0], fault.Malformed, "ENC-7"},
		"loose root":                 {strings.Replace(text, "=\n\n", "\n\n", 1) + own[0] + own[1], fault.Malformed, "ENC-4"},
		"no empty line":              {strings.Replace(text, "\n\n", "\n", 1) + own[0] + own[1], fault.Malformed, "LOG-3"},
		"no last line feed":          {strings.TrimSuffix(string(b), "\n"), fault.Malformed, "LOG-3"},
		"empty line behind":          {string(b) + "\n", fault.Malformed, "LOG-3"},
		"carriage return":            {strings.ReplaceAll(string(b), "\n", "\r\n"), fault.Malformed, "LOG-3"},
		"hyphen for dash":            {strings.ReplaceAll(string(b), "\u2014", "-"), fault.Malformed, "LOG-3"},
		"key name with plus":         {string(b) + strings.Replace(junk, "somebody", "some+body", 1), fault.Malformed, "LOG-3"},
		"no base64":                  {string(b) + "\u2014 somebody ???\n", fault.Malformed, "LOG-3"},
		"four bytes":                 {string(b) + "\u2014 somebody AAAAAA==\n", fault.Malformed, "LOG-3"},
		"not UTF-8":                  {string(b) + "\u2014 \xff AAAAAAAA\n", fault.Malformed, "LOG-3"},
		"empty":                      {"", fault.Malformed, "LOG-3"},
		"65 lines":                   {string(b) + strings.Repeat(junk, 63), fault.TooLarge, "LOG-5"},
		"64 KiB":                     {string(b) + "\u2014 somebody " + strings.Repeat("AAAA", 16<<10) + "\n", fault.TooLarge, "LOG-3"},
		"Ed25519 cut short":          {text + cut(own[0]) + own[1], fault.NotAuthentic, "LOG-5"},
		"ML-DSA-44 cut short":        {text + own[0] + cut(own[1]), fault.NotAuthentic, "LOG-5"},
		"empty line before the text": {"\n\n" + string(b), fault.Malformed, "LOG-3"},
	} {
		_, err := translog.OpenCheckpoint([]byte(c.note), "XA/1", xa.public(party.RoleLog))
		if fault.CodeOf(err) != c.code || fault.ClauseOf(err) != c.clause {
			t.Errorf("%s: got %v, want %s (%s)", name, err, c.code, c.clause)
		}
	}
	// spec: LOG-5
	if _, err := translog.OpenCheckpoint([]byte(string(b)+strings.Repeat(junk, 62)), "XA/1", xa.public(party.RoleLog)); err != nil {
		t.Errorf("unknown lines: %v", err)
	}
	_, err := translog.OpenCheckpoint(b, "XA/2", xa.public(party.RoleLog))
	wantFault(t, err, fault.NotAuthentic, "LOG-4")
	_, err = translog.OpenCheckpoint(b, "XA/1", xb.public(party.RoleLog))
	wantFault(t, err, fault.NotAuthentic, "LOG-4")
	_, err = translog.OpenCheckpoint(b, "XA/1", party.PublicKeys{})
	wantFault(t, err, fault.Malformed, "LOG-5")
}

// No checkpoint comes out with one signature of two, for a time outside the protocol's, or for a tree that cannot be.
//
// spec: LOG-4
func TestSignCheckpointRefuses(t *testing.T) {
	t.Parallel()
	xa := makeKeys(t, "XA")
	tree := treeOf(makeLog(t, 3), "XA/1")
	for _, alg := range []party.Algorithm{party.Ed25519, party.MLDSA44} {
		b, err := translog.SignCheckpoint(without{xa, alg}, tree, noon)
		wantFault(t, err, fault.Locked, "")
		if b != nil {
			t.Errorf("without %s: %d bytes", alg, len(b))
		}
	}
	_, err := translog.SignCheckpoint(keys{}, tree, noon)
	wantFault(t, err, fault.Locked, "")
	for _, at := range []time.Time{{}, noon.AddDate(200, 0, 0), noon.AddDate(-10, 0, 0)} {
		_, err := translog.SignCheckpoint(xa, tree, at)
		wantFault(t, err, fault.Clock, "ENC-5")
	}
	_, err = translog.SignCheckpoint(xa, translog.Tree{Origin: "XA/1"}, noon)
	wantFault(t, err, fault.Malformed, "LOG-3")
	_, err = translog.SignCheckpoint(xa, translog.Tree{Origin: "XA", Size: 1}, noon)
	wantFault(t, err, fault.Malformed, "ENC-7")
	_, err = translog.SignCheckpoint(xa, translog.Tree{Origin: "XA/1", Size: 1 << 41}, noon)
	wantFault(t, err, fault.TooLarge, "LOG-13")
}

// A log that signed one tree twice is merged into one note, and the earlier time counts whatever came first.
//
// spec: LOG-4, LOG-5
func TestEarliestTimeCounts(t *testing.T) {
	t.Parallel()
	xa := makeKeys(t, "XA")
	tree := treeOf(makeLog(t, 3), "XA/1")
	early, late := sign(t, xa, tree, noon), sign(t, xa, tree, noon.Add(time.Hour))
	for _, pair := range [][2][]byte{{early, late}, {late, early}} {
		b, err := translog.MergeSignatures(pair[0], pair[1])
		if err != nil {
			t.Fatal(err)
		}
		_, behind := lines(pair[1])
		for _, note := range [][]byte{b, append(bytes.Clone(pair[0]), behind[1]...)} {
			cp, err := translog.OpenCheckpoint(note, "XA/1", xa.public(party.RoleLog))
			if err != nil || !cp.Time.Equal(noon) {
				t.Errorf("%v, %v", cp.Time, err)
			}
		}
	}
}
