package faultdisk

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// states gives the different things that a cut can leave of a file, over many seeds.
func states(p *platter, name string) map[string]bool {
	out := map[string]bool{}
	for seed := range uint64(500) {
		left := p.cut(newFate(rand.New(rand.NewPCG(seed, 0))))
		if left[name] == nil {
			out["none"] = true
			continue
		}
		out[string(left[name])] = true
	}
	return out
}

func runs(parts ...string) string {
	var b []byte
	for _, p := range parts {
		b = append(b, bytes.Repeat([]byte(p[:1]), len(p)*256)...)
	}
	return string(b)
}

// What was synced is there; what was not is there, or not, or in part, and each of that happens.
func TestCutStates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(p *platter, f *content)
		want []string // every one of these, and nothing else
	}{
		{"synced", func(_ *platter, f *content) { f.write(0, []byte(runs("bbbb"))); f.sync() }, []string{runs("bbbb")}},
		{"written", func(_ *platter, f *content) { f.write(0, []byte("bb")) }, []string{runs("aaaa"), "bb" + runs("aaaa")[2:]}},
		{"torn", func(_ *platter, f *content) { f.write(0, []byte(runs("bbbb"))) }, []string{runs("aaaa"), runs("bb", "aa"), runs("bbbb")}},
		{"torn where a sector ends", func(_ *platter, f *content) { f.write(256, []byte(runs("bb"))) }, []string{runs("aaaa"), runs("a", "b", "aa"), runs("a", "bb", "a")}},
		{"grown", func(_ *platter, f *content) { f.write(1024, []byte("b")) }, []string{runs("aaaa"), runs("aaaa") + "b"}},
		{"in no order", func(_ *platter, f *content) { f.write(0, []byte("b")); f.write(1, []byte("c")) },
			[]string{runs("aaaa"), "b" + runs("aaaa")[1:], "ac" + runs("aaaa")[2:], "bc" + runs("aaaa")[2:]}},
		{"truncated", func(_ *platter, f *content) { f.truncate(256) }, []string{runs("aaaa"), runs("a")}},
		{"truncated and grown", func(_ *platter, f *content) { f.truncate(0); f.write(0, []byte("b")) },
			[]string{runs("aaaa"), "", "b", "b" + runs("aaaa")[1:]}},
		{"truncated, synced, grown", func(_ *platter, f *content) { f.truncate(1); f.sync(); f.write(2, []byte("b")) }, []string{"a", "a\x00b"}},
		{"given up", func(_ *platter, f *content) { f.write(0, []byte("b")); f.giveUp(); f.write(1, []byte("c")); f.sync() },
			[]string{"ac" + runs("aaaa")[2:], "bc" + runs("aaaa")[2:]}},
		{"given up and written again", func(_ *platter, f *content) { f.write(0, []byte("b")); f.giveUp(); f.write(0, []byte("c")); f.sync() },
			[]string{"c" + runs("aaaa")[1:]}},
		{"deleted", func(p *platter, _ *content) { p.deleted("f") }, []string{runs("aaaa"), "none"}},
		{"deleted for certain", func(p *platter, _ *content) { p.deleted("f"); p.syncNames() }, []string{"none"}},
		{"made anew", func(p *platter, _ *content) {
			p.deleted("f")
			f := p.made("f")
			f.write(0, []byte("b"))
			f.sync()
		}, []string{runs("aaaa"), "none", "b"}},
		{"made anew for certain", func(p *platter, _ *content) {
			p.deleted("f")
			p.made("f")
			p.syncNames()
		}, []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatter()
			c.do(p, p.found("f", []byte(runs("aaaa"))))
			got := states(p, "f")
			for _, w := range c.want {
				if !got[w] {
					t.Errorf("never left: %.20q…, %d bytes", w, len(w))
				}
			}
			for g := range got {
				if !slices.Contains(c.want, g) {
					t.Errorf("left, and cannot be: %.20q…, %d bytes", g, len(g))
				}
			}
		})
	}
}

// A cut changes nothing of what the platter knows: the same seed gives the same again.
func TestCutRepeats(t *testing.T) {
	t.Parallel()
	p := newPlatter()
	f := p.found("f", []byte(runs("aaaa")))
	for i := range 20 {
		f.write(int64(i*100), []byte(runs("b", "c")))
	}
	for seed := range uint64(20) {
		a, b := p.cut(newFate(rand.New(rand.NewPCG(seed, 0)))), p.cut(newFate(rand.New(rand.NewPCG(seed, 0))))
		if !bytes.Equal(a["f"], b["f"]) {
			t.Errorf("seed %d gives two files", seed)
		}
	}
}
