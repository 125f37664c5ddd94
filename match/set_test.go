package match

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// built makes a set of texts; the number of a text is its row's id.
func built(t testing.TB, texts ...string) *Set {
	t.Helper()
	b := NewBuilder(Key{7}, len(texts))
	for i, text := range texts {
		v, err := Parse(text, 0)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if err := b.Add(v, Row{ID: uint32(i)}); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := b.Build()
	return s
}

func TestSetRows(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 5, n, 0, 0, 0, 0, time.UTC) }
	b := NewBuilder(Key{1}, 0)
	v, err := Parse("a.example", 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := []Row{{ID: 1, From: day(1), Until: day(2)}, {ID: 2, Revoked: true}, {ID: 3}, {ID: 4, Until: time.Unix(-5, 0)}, {ID: 5, From: day(1).AddDate(500, 0, 0)}, {ID: 6, Until: day(1).AddDate(500, 0, 0)}}
	for _, r := range rows {
		if err := b.Add(v, r); err != nil {
			t.Fatal(err)
		}
	}
	s, dropped := b.Build()
	if dropped != 0 || s.Len() != len(rows) {
		t.Errorf("%d rows, %d dropped", s.Len(), dropped)
	}
	valid := map[uint32][]bool{}
	for r := range s.Rows(v) {
		valid[r.ID] = []bool{r.Valid(day(1).Add(-time.Second)), r.Valid(day(1)), r.Valid(day(2).Add(-time.Second)), r.Valid(day(2))}
	}
	for id, want := range map[uint32][]bool{1: {false, true, true, false}, 2: {false, false, false, false}, 3: {true, true, true, true}, 4: {false, false, false, false}, 5: {false, false, false, false}, 6: {true, true, true, true}} {
		if !slices.Equal(valid[id], want) {
			t.Errorf("row %d stands %v, want %v", id, valid[id], want)
		}
	}
	other, err := Parse("b.example", 0)
	if err != nil {
		t.Fatal(err)
	}
	for r := range s.Rows(other) {
		t.Errorf("a value that was never added has row %d", r.ID)
	}
}

// TestSameValue: a value that is sent a hundred thousand times is no dearer than one that is sent 256 times.
func TestSameValue(t *testing.T) {
	t.Parallel()
	b := NewBuilder(Key{1}, 0)
	v, err := Parse("a.example", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100_000 {
		if err := b.Add(v, Row{ID: uint32(i)}); err != nil {
			t.Fatal(err)
		}
	}
	s, dropped := b.Build()
	n := 0
	for range s.Rows(v) {
		n++
	}
	if n != maxSame || dropped != 100_000-maxSame || s.Len() != maxSame {
		t.Errorf("%d rows, %d counted, %d dropped", n, s.Len(), dropped)
	}
}

// TestSetBytes: the order in which indicators come does not show, a written set reads back, and a damaged one is refused.
func TestSetBytes(t *testing.T) {
	t.Parallel()
	texts := []string{"192.0.2.0/24", "2001:db8::/32", "192.0.2.1:443", "http://a.example/x", "/gate.php", "a@b.example", "d41d8cd98f00b204e9800998ecf8427e"}
	for i := range 5000 {
		texts = append(texts, fmt.Sprintf("d%d.example", i), fmt.Sprintf("198.51.%d.%d", i/250, i%250))
	}
	build := func(seed uint64) *Set {
		order := rand.New(rand.NewPCG(seed, 0)).Perm(len(texts))
		b := NewBuilder(Key{9}, 0)
		for _, i := range order {
			v, err := Parse(texts[i], 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Add(v, Row{ID: uint32(i), Until: time.Unix(1e9, 0)}); err != nil {
				t.Fatal(err)
			}
		}
		s, _ := b.Build()
		return s
	}
	var one, two bytes.Buffer
	if _, err := build(1).WriteTo(&one); err != nil {
		t.Fatal(err)
	}
	if _, err := build(2).WriteTo(&two); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the order shows in the bytes")
	}
	s, err := ReadSet(one.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		v, _ := Parse(text, 0)
		n := 0
		for r := range s.Rows(v) {
			if r.ID != uint32(i) || !r.Until.Equal(time.Unix(1e9, 0)) {
				t.Errorf("%s has row %+v", text, r)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%s has %d rows", text, n)
		}
	}
	for _, at := range []int{0, 20, 40, 60, headerSize, one.Len() / 2, one.Len() - 1} {
		bad := bytes.Clone(one.Bytes())
		bad[at] ^= 1
		if _, err := ReadSet(bad); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("byte %d changed: %v", at, err)
		}
	}
	for _, n := range []int{0, 1, headerSize - 1, headerSize, one.Len() - 1} {
		if _, err := ReadSet(one.Bytes()[:n]); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestSetMemory holds the budget: 60 bytes an indicator, all told, and as many again with times.
func TestSetMemory(t *testing.T) {
	t.Parallel()
	for _, times := range []bool{false, true} {
		b := NewBuilder(Key{3}, 200_000)
		for i := range 200_000 {
			v, err := Parse(fmt.Sprintf("host-%d.some-long-name.example", i), Domain)
			if err != nil {
				t.Fatal(err)
			}
			r := Row{ID: uint32(i)}
			if times {
				r.From = time.Unix(1e9, 0)
			}
			if err := b.Add(v, r); err != nil {
				t.Fatal(err)
			}
		}
		s, _ := b.Build()
		if each := float64(s.Bytes()) / float64(s.Len()); each > 60 {
			t.Errorf("an indicator takes %.1f bytes", each)
		}
	}
}
