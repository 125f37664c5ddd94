package translog_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/translog"
)

// spec: LOG-8, LOG-9
func TestConsistency(t *testing.T) {
	t.Parallel()
	m := makeLog(t, 70000)
	rapid.Check(t, func(rt *rapid.T) {
		to := drawSize(m).Draw(rt, "to")
		from := min(to, drawSize(m).Draw(rt, "from"))
		rootOf := func(size int64) translog.Hash {
			h, err := translog.Root(size, m)
			if err != nil {
				rt.Fatal(err)
			}
			return h
		}
		old, now := rootOf(from), rootOf(to)
		path, err := translog.Consistency(from, to, m)
		if err != nil {
			rt.Fatal(err)
		}
		if err := translog.CheckConsistency(path, from, to, old, now); err != nil {
			rt.Fatalf("%d to %d: %v", from, to, err)
		}
		if got, err := translog.Advance(path, from, to, old); err != nil || got != now {
			rt.Fatalf("Advance %d to %d: %v, %v", from, to, got, err)
		}
		if from == to {
			wantFault(t, translog.CheckConsistency(path, from, to, old, translog.Hash{1}), fault.Fork, "LOG-9")
			return
		}
		wantFault(t, translog.CheckConsistency(path, from, to, translog.Hash{1}, now), fault.NotAuthentic, "LOG-8")
		wantFault(t, translog.CheckConsistency(path, from, to, old, translog.Hash{1}), fault.NotAuthentic, "LOG-8")
		wantFault(t, translog.CheckConsistency(path[1:], from, to, old, now), fault.NotAuthentic, "LOG-8")
		wantFault(t, translog.CheckConsistency(append(slices.Clone(path), old), from, to, old, now), fault.NotAuthentic, "LOG-8")
		if got, err := translog.Advance(path, from, to, translog.Hash{1}); err == nil && got == now {
			rt.Fatal("another tree leads to the same root")
		}
		_, err = translog.Advance(path[1:], from, to, old)
		wantFault(t, err, fault.NotAuthentic, "LOG-8")
	})
}

// Advance says the same as tlog's checker on whatever bytes it is given.
func TestAdvanceAgreesWithTlog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		to := rapid.Int64Range(1, 40).Draw(rt, "to")
		from := rapid.Int64Range(1, to).Draw(rt, "from")
		path := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) translog.Hash {
			return translog.Hash{rapid.Byte().Draw(rt, "b")}
		}), 0, 8).Draw(rt, "path")
		old := translog.Hash{rapid.Byte().Draw(rt, "old")}
		if now, err := translog.Advance(path, from, to, old); err == nil && tlog.CheckTree(path, to, now, from, old) != nil {
			rt.Fatal("Advance accepted what tlog refuses")
		}
	})
}

func TestConsistencyFromNothing(t *testing.T) {
	t.Parallel()
	m := makeLog(t, 10)
	path, err := translog.Consistency(0, 10, m)
	if err != nil || len(path) != 0 {
		t.Errorf("got %v, %v", path, err)
	}
	if err := translog.CheckConsistency(nil, 0, 10, translog.Hash{}, m.root()); err != nil {
		t.Error(err)
	}
	wantFault(t, translog.CheckConsistency([]translog.Hash{{}}, 0, 10, translog.EmptyRoot(), m.root()), fault.NotAuthentic, "LOG-8")
	_, err = translog.Advance(nil, 0, 10, translog.EmptyRoot())
	wantFault(t, err, fault.NotAuthentic, "LOG-8")
	_, err = translog.Consistency(11, 10, m)
	wantFault(t, err, fault.Malformed, "LOG-8")
	wantFault(t, translog.CheckConsistency(nil, 11, 10, translog.Hash{}, translog.Hash{}), fault.Malformed, "LOG-8")
}

// spec: PKT-2, LOG-13
func TestConsistencyText(t *testing.T) {
	t.Parallel()
	m := makeLog(t, 1000)
	path, err := translog.Consistency(77, 1000, m)
	if err != nil {
		t.Fatal(err)
	}
	text := translog.FormatConsistency(77, path)
	from, got, err := translog.ParseConsistency(text)
	if err != nil || from != 77 || !slices.Equal(got, path) {
		t.Errorf("round trip: %d, %v, %v", from, got, err)
	}
	if from, got, err := translog.ParseConsistency([]byte("0\n")); from != 0 || got != nil || err != nil {
		t.Errorf("without hashes: %d, %v, %v", from, got, err)
	}
	hash := translog.Hash{}.String() + "\n"
	for name, c := range map[string]struct {
		text string
		code fault.Code
	}{
		"empty":           {"", fault.Malformed},
		"no line feed":    {"7", fault.Malformed},
		"leading zero":    {"07\n", fault.Malformed},
		"sign":            {"+7\n", fault.Malformed},
		"negative":        {"-7\n", fault.TooLarge},
		"too large":       {"1099511627777\n", fault.TooLarge},
		"long number":     {"11111111111111111111\n", fault.Malformed},
		"cut hash":        {"7\n" + hash[:44], fault.Malformed},
		"two line feeds":  {"7\n\n", fault.Malformed},
		"no base64":       {"7\n" + strings.Repeat("!", 44) + "\n", fault.Malformed},
		"loose base64":    {"7\n" + strings.Replace(hash, "A=", "B=", 1), fault.Malformed},
		"hash of 33":      {"7\n" + strings.Repeat("A", 44) + "\n", fault.Malformed},
		"too many hashes": {"7\n" + strings.Repeat(hash, translog.MaxConsistency+1), fault.TooLarge},
	} {
		if _, _, err := translog.ParseConsistency([]byte(c.text)); fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}
