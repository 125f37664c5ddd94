package translog_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/translog"
)

// What opens is exactly what its log signed: it can be written again from what was read, and loses nothing by being merged.
func FuzzCheckpoint(f *testing.F) {
	xa, xb := makeKeys(f, "XA"), makeKeys(f, "XB")
	logKeys, witnessKeys := xa.public(party.RoleLog), xb.public(party.RoleWitness)
	b := sign(f, xa, treeOf(makeLog(f, 300), "XA/1"), noon)
	f.Add(b)
	f.Add(append(bytes.Clone(b), cosign(f, xb, witnessB, b, noon)...))
	f.Add(sign(f, xa, treeOf(makeLog(f, 0), "XA/1"), noon))
	f.Add([]byte("XA/1\n1\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		cp, err := translog.OpenCheckpoint(b, "XA/1", logKeys)
		_, cosigned := translog.Cosignatures(b, witnessB, witnessKeys)
		if err != nil {
			return
		}
		if origin, err := translog.PeekOrigin(b); err != nil || origin != cp.Origin {
			t.Fatalf("PeekOrigin: %s, %v", origin, err)
		}
		if text, _ := lines(sign(t, xa, cp.Tree, cp.Time)); !bytes.HasPrefix(b, []byte(text)) {
			t.Fatal("the text is not the one that the log would sign")
		}
		merged, err := translog.MergeSignatures(b, b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := translog.OpenCheckpoint(merged, "XA/1", logKeys)
		if err != nil || again.Tree != cp.Tree || again.Time.After(cp.Time) {
			t.Fatalf("after merging: %+v, %v", again, err)
		}
		if _, ok := translog.Cosignatures(merged, witnessB, witnessKeys); ok != cosigned {
			t.Fatal("merging changed whether it is witnessed")
		}
	})
}

// A line that parses is written the same again but for the order of members, and checking it ends without a panic.
func FuzzTileProof(f *testing.F) {
	m := makeLog(f, 70000)
	for _, n := range []int64{0, 100, 273} {
		p, err := translog.ProveTile(m.size(), n, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.MarshalLine(), m.size())
	}
	f.Add([]byte(`{"n":0,"hashes":"","path":[]}`), int64(1))
	f.Fuzz(func(t *testing.T, line []byte, size int64) {
		p, err := translog.ParseTileProof(line)
		if err != nil {
			return
		}
		back, err := translog.ParseTileProof(p.MarshalLine())
		if err != nil || back.N != p.N || !slices.Equal(back.Hashes, p.Hashes) || !slices.Equal(back.Path, p.Path) {
			t.Fatalf("round trip: %v", err)
		}
		if p.Check(size, m.root()) == nil && size == m.size() {
			for i, h := range p.Hashes {
				if index := p.N*256 + int64(i); h != translog.LeafHash(m.ids[index]) {
					t.Fatalf("leaf %d is not the log's", index)
				}
			}
		}
		if path, err := p.Inclusion(size, p.N*256); err == nil && p.Check(size, m.root()) == nil {
			if err := translog.CheckInclusion(path, size, p.N*256, p.Hashes[0], m.root()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What parses as a consistency proof is written the same again.
func FuzzConsistency(f *testing.F) {
	m := makeLog(f, 1000)
	path, err := translog.Consistency(77, 1000, m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(translog.FormatConsistency(77, path), int64(1000))
	f.Add([]byte("0\n"), int64(0))
	f.Fuzz(func(t *testing.T, b []byte, to int64) {
		from, path, err := translog.ParseConsistency(b)
		if err != nil {
			return
		}
		if !bytes.Equal(translog.FormatConsistency(from, path), b) {
			t.Fatal("two texts for one proof")
		}
		now, err := translog.Advance(path, from, to, m.root())
		if err == nil && translog.CheckConsistency(path, from, to, m.root(), now) != nil {
			t.Fatal("Advance and CheckConsistency disagree")
		}
	})
}
