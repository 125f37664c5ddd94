package marking

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestScalesAscend(t *testing.T) {
	t.Parallel()
	// spec: STM-5
	for i, l := range TLPs() {
		if l.Rank() != i {
			t.Errorf("%s ranks %d", l, l.Rank())
		}
	}
	if TLP("").Rank() >= 0 || TLP("amber").Rank() >= 0 || PAP("WHITE").Rank() >= 0 || PersonalData("some").Rank() >= 0 {
		t.Error("what is no label has a rank")
	}
	if PAP("").Rank() != PAPClear.Rank() || PersonalData("").Rank() != PersonalNone.Rank() {
		t.Error("an absent label does not rank lowest")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	// spec: STM-5
	codes := make([]string, 17)
	for i := range codes {
		codes[i] = "H" + string(rune('a'+i))
	}
	for name, c := range map[string]struct {
		m  Marking
		ok bool
	}{
		"the least":       {Marking{TLP: Clear}, true},
		"everything":      {Marking{TLP: Red, PAP: PAPRed, PersonalData: PersonalAllowed, Handling: codes[:16]}, true},
		"no TLP":          {Marking{}, false},
		"no such TLP":     {Marking{TLP: "WHITE"}, false},
		"no such PAP":     {Marking{TLP: Red, PAP: "AMBER+STRICT"}, false},
		"no such degree":  {Marking{TLP: Red, PersonalData: "all"}, false},
		"17 codes":        {Marking{TLP: Red, Handling: codes}, false},
		"a code repeated": {Marking{TLP: Red, Handling: []string{"H1", "H1"}}, false},
	} {
		if err := c.m.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func drawn(t *rapid.T, name string) Marking {
	return Marking{
		TLP:          rapid.SampledFrom(TLPs()).Draw(t, name+" tlp"),
		PAP:          rapid.SampledFrom(append(slices.Clone(paps), "")).Draw(t, name+" pap"),
		PersonalData: rapid.SampledFrom(append(slices.Clone(personal), "")).Draw(t, name+" personal"),
		Handling:     rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"H0", "H1", "H2", "H3"}), 0, 4, rapid.ID[string]).Draw(t, name+" handling"),
		RetainUntil:  rapid.SampledFrom([]string{"", "2027-01-01T00:00:00.000Z", "2028-01-01T00:00:00.000Z"}).Draw(t, name+" retain"),
	}
}

// TestStrictestWins: however many markings are combined, in whatever order and grouping, the result covers each of them and is no stricter than it takes: whatever
// covers all of them covers it. A marking that is looser in any one component does not cover.
func TestStrictestWins(t *testing.T) {
	t.Parallel()
	// spec: ONW-4
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "parts")
		var parts []Marking
		for range n {
			parts = append(parts, drawn(t, "part"))
		}
		all := parts[0]
		for _, p := range parts[1:] {
			all = Combine(all, p)
		}
		other := parts[n-1]
		for _, p := range slices.Backward(parts[:n-1]) {
			other = Combine(p, other)
		}
		if !all.Covers(other) || !other.Covers(all) {
			t.Fatalf("the order matters: %+v, %+v", all, other)
		}
		any := drawn(t, "any")
		coversAll := true
		for _, p := range parts {
			if !all.Covers(p) {
				t.Fatalf("%+v does not cover %+v", all, p)
			}
			coversAll = coversAll && any.Covers(p)
		}
		if coversAll != any.Covers(all) {
			t.Fatalf("%+v covers the parts: %v; what they combine to: %v", any, coversAll, any.Covers(all))
		}
		for name, looser := range map[string]func(*Marking) bool{
			"tlp": func(m *Marking) bool { i := m.TLP.Rank(); m.TLP = tlps[max(0, i-1)]; return i > 0 },
			"pap": func(m *Marking) bool { i := m.PAP.Rank(); m.PAP = paps[max(0, i-1)]; return i > 0 },
			"personal": func(m *Marking) bool {
				i := m.PersonalData.Rank()
				m.PersonalData = personal[max(0, i-1)]
				return i > 0
			},
			"handling": func(m *Marking) bool {
				i := len(m.Handling)
				m.Handling = slices.Clone(m.Handling[:max(0, i-1)])
				return i > 0
			},
			"later": func(m *Marking) bool {
				was := m.RetainUntil
				m.RetainUntil = "2029-01-01T00:00:00.000Z"
				return was != ""
			},
			"for ever": func(m *Marking) bool { was := m.RetainUntil; m.RetainUntil = ""; return was != "" },
		} {
			if m := all; looser(&m) && m.Covers(all) {
				t.Fatalf("looser in %s, it covers still: %+v, %+v", name, m, all)
			}
		}
	})
}

// TestCombine: two markings combine to one that is at least as strict as both, whatever comes first, and combining again changes nothing.
func TestCombine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawn(t, "a"), drawn(t, "b")
		m, n := Combine(a, b), Combine(b, a)
		if m.TLP != n.TLP || m.PAP.Rank() != n.PAP.Rank() || m.PersonalData.Rank() != n.PersonalData.Rank() || !slices.Equal(m.Handling, n.Handling) || m.RetainUntil != n.RetainUntil {
			t.Fatalf("the order matters: %+v, %+v", m, n)
		}
		for _, x := range []Marking{a, b} {
			if m.TLP.Rank() < x.TLP.Rank() || m.PAP.Rank() < x.PAP.Rank() || m.PersonalData.Rank() < x.PersonalData.Rank() {
				t.Fatalf("%+v is laxer than %+v", m, x)
			}
			if x.RetainUntil != "" && (m.RetainUntil == "" || m.RetainUntil > x.RetainUntil) {
				t.Fatalf("%+v is kept longer than %+v", m, x)
			}
			for _, h := range x.Handling {
				if !slices.Contains(m.Handling, h) {
					t.Fatalf("%s got lost", h)
				}
			}
		}
		if again := Combine(m, m); again.TLP != m.TLP || !slices.Equal(again.Handling, m.Handling) || again.RetainUntil != m.RetainUntil {
			t.Fatalf("combining again changes %+v to %+v", m, again)
		}
	})
}
