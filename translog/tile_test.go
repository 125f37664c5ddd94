package translog_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/translog"
)

// A tile's proof verifies against the checkpoint it was made for, gives every leaf the path that the tiles give, and nothing else verifies.
//
// spec: PKT-5
func TestTileProof(t *testing.T) {
	t.Parallel()
	m := makeLog(t, 70000)
	rapid.Check(t, func(rt *rapid.T) {
		size := drawSize(m).Draw(rt, "size")
		n := rapid.OneOf(rapid.Just((size-1)/256), rapid.Int64Range(0, (size-1)/256)).Draw(rt, "n")
		root, err := translog.Root(size, m)
		if err != nil {
			rt.Fatal(err)
		}
		p, err := translog.ProveTile(size, n, m)
		if err != nil {
			rt.Fatal(err)
		}
		if err := p.Check(size, root); err != nil {
			rt.Fatalf("tile %d of %d: %v", n, size, err)
		}
		i := rapid.IntRange(0, len(p.Hashes)-1).Draw(rt, "leaf")
		index := n*256 + int64(i)
		if got, ok := p.Index(translog.LeafHash(m.ids[index])); !ok || got != index {
			rt.Fatalf("Index: %d, %v", got, ok)
		}
		got, err := p.Inclusion(size, index)
		want, errWant := translog.Inclusion(size, index, m)
		if err != nil || errWant != nil || !slices.Equal(got, want) {
			rt.Fatalf("path of %d in %d: %v, %v", index, size, err, errWant)
		}
		back, err := translog.ParseTileProof(p.MarshalLine())
		if err != nil || back.N != p.N || !slices.Equal(back.Hashes, p.Hashes) || !slices.Equal(back.Path, p.Path) {
			rt.Fatalf("round trip: %v", err)
		}
		bad := func(what string, p translog.TileProof, size int64, root translog.Hash) {
			if err := p.Check(size, root); fault.CodeOf(err) != fault.NotAuthentic || fault.ClauseOf(err) != "PKT-5" {
				rt.Fatalf("%s: got %v", what, err)
			}
		}
		flipped := slices.Clone(p.Hashes)
		flipped[i][0] ^= 1
		bad("a flipped hash", translog.TileProof{N: n, Hashes: flipped, Path: p.Path}, size, root)
		bad("a hash fewer", translog.TileProof{N: n, Hashes: p.Hashes[1:], Path: p.Path}, size, root)
		bad("a hash more", translog.TileProof{N: n, Hashes: append(slices.Clone(p.Hashes), root), Path: p.Path}, size, root)
		bad("a longer path", translog.TileProof{N: n, Hashes: p.Hashes, Path: append(slices.Clone(p.Path), root)}, size, root)
		bad("another root", p, size, translog.Hash{1})
		if len(p.Path) > 0 {
			bad("a shorter path", translog.TileProof{N: n, Hashes: p.Hashes, Path: p.Path[1:]}, size, root)
		}
	})
}

func TestTileBounds(t *testing.T) {
	t.Parallel()
	m := makeLog(t, 300)
	p, err := translog.ProveTile(300, 1, m)
	if err != nil || len(p.Hashes) != 44 || len(p.Path) != 1 {
		t.Fatalf("%d hashes, %d in the path, %v", len(p.Hashes), len(p.Path), err)
	}
	for _, n := range []int64{-1, 2, 1 << 62} {
		_, err := translog.ProveTile(300, n, m)
		wantFault(t, err, fault.Malformed, "PKT-5")
		wantFault(t, translog.TileProof{N: n, Hashes: p.Hashes, Path: p.Path}.Check(300, m.root()), fault.Malformed, "PKT-5")
	}
	_, err = translog.ProveTile(0, 0, m)
	wantFault(t, err, fault.Malformed, "PKT-5")
	wantFault(t, p.Check(1<<41, m.root()), fault.TooLarge, "LOG-13")
	for _, index := range []int64{255, 300, -1} {
		_, err := p.Inclusion(300, index)
		wantFault(t, err, fault.Malformed, "PKT-5")
	}
	if _, ok := p.Index(translog.LeafHash(m.ids[0])); ok {
		t.Error("a leaf of another tile was found")
	}
}

// spec: PKT-2, PKT-5, ENC-1
func TestParseTileProof(t *testing.T) {
	t.Parallel()
	hash := translog.Hash{}.String()
	many := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n*32)) }
	if _, err := translog.ParseTileProof(fmt.Appendf(nil, `{"path":["%s"],"n":4294967295,"hashes":"%s"}`, hash, many(256))); err != nil {
		t.Errorf("members in another order: %v", err)
	}
	for name, line := range map[string]string{
		"empty":          ``,
		"array":          `[]`,
		"no n":           `{"hashes":"` + hash + `","path":[]}`,
		"no hashes":      `{"n":0,"path":[]}`,
		"no path":        `{"n":0,"hashes":"` + hash + `"}`,
		"null path":      `{"n":0,"hashes":"` + hash + `","path":null}`,
		"unknown member": `{"n":0,"hashes":"` + hash + `","path":[],"w":1}`,
		"twice":          `{"n":0,"n":0,"hashes":"` + hash + `","path":[]}`,
		"space":          `{"n": 0,"hashes":"` + hash + `","path":[]}`,
		"line feed":      `{"n":0,"hashes":"` + hash + `","path":[]}` + "\n",
		"negative":       `{"n":-1,"hashes":"` + hash + `","path":[]}`,
		"too large":      `{"n":4294967296,"hashes":"` + hash + `","path":[]}`,
		"fraction":       `{"n":0.5,"hashes":"` + hash + `","path":[]}`,
		"cut hash":       `{"n":0,"hashes":"AAAA","path":[]}`,
		"257 hashes":     `{"n":0,"hashes":"` + many(257) + `","path":[]}`,
		"loose base64":   `{"n":0,"hashes":"` + strings.Replace(hash, "A=", "B=", 1) + `","path":[]}`,
		"line in base64": `{"n":0,"hashes":"` + hash[:4] + `\n` + hash[4:] + `","path":[]}`,
		"cut path":       `{"n":0,"hashes":"` + hash + `","path":["AAAA"]}`,
		"41 in the path": `{"n":0,"hashes":"` + hash + `","path":[` + strings.Repeat(`"`+hash+`",`, 40) + `"` + hash + `"]}`,
		"17 KiB":         `{"n":0,"hashes":"` + strings.Repeat("A", 17<<10) + `","path":[]}`,
	} {
		_, err := translog.ParseTileProof([]byte(line))
		if c := fault.CodeOf(err); c != fault.Malformed && c != fault.TooLarge {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
