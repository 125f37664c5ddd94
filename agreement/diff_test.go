package agreement

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// marked writes spans as people mark a text: [-out-] and {+in+}.
func marked(s []Span) string {
	var out []string
	for _, w := range s {
		switch w.Op {
		case In:
			out = append(out, "{+"+w.Text+"+}")
		case Out:
			out = append(out, "[-"+w.Text+"-]")
		default:
			out = append(out, w.Text)
		}
	}
	return strings.Join(out, " ")
}

// told is a difference in lines.
func told(c Changes) []string {
	var out []string
	say := func(where string, list []Change) {
		for _, m := range list {
			line := where + m.Member
			if m.Words != nil {
				line += " (" + m.Language + "): " + marked(m.Words)
			} else {
				line += ": " + string(m.Before) + " → " + string(m.After)
			}
			out = append(out, line)
		}
	}
	say("", c.Document)
	for _, a := range c.Articles {
		head := string(a.What) + " " + a.Number
		if a.Was != "" {
			head += " (was " + a.Was + ")"
		}
		out = append(out, head)
		say(a.Number+": ", a.Changes)
	}
	return out
}

func TestDiff(t *testing.T) {
	t.Parallel()
	raw := string(example(t, "assistance"))
	before := must(Parse([]byte(raw)))
	edit := func(pairs ...string) *Document {
		s := raw
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(s, pairs[i]) {
				t.Fatalf("the sample has no %s", pairs[i])
			}
			s = strings.Replace(s, pairs[i], pairs[i+1], 1)
		}
		return must(Parse([]byte(s)))
	}
	extra := `{"number":"2","title":{"en":"Terms"},"text":{"en":"An incident harms a network.","fr":"Un incident nuit."},"onward":"none"},`
	for name, c := range map[string]struct {
		after *Document
		want  []string
	}{
		"nothing":             {edit(), nil},
		"the way it is typed": {edit(`"v": 1,`, `"v":1,`), nil},
		"words": {edit("at most 64 MiB at a time.", "at most 32 MiB at any one time."), []string{
			"changed 4", "4: text (en): Indicators and analyses pass between the response teams up to TLP:AMBER and PAP:AMBER, at most [-64-] {+32+} MiB at [-a-] {+any one+} time."}},
		"a rule": {edit(`"body_max": 67108864`, `"body_max": 33554432`, `"pap_max": "AMBER",`, ``), []string{
			"changed 4", `4: rules[0].body_max: 67108864 → 33554432`, `4: rules[0].pap_max: "AMBER" → `}},
		"rules in another order": {edit(`"effect": "permit", "kinds": ["assist.request"]`, `"effect": "forbid", "handling": ["H9"]},{"effect": "permit", "kinds": ["assist.request"]`), []string{
			"changed 2", `2: rules[0]:  → {"effect":"forbid","handling":["H9"]}`}},
		"a clock": {edit(`"answer": 28800`, `"answer": 43200`), []string{
			"changed 6", `6: clocks.flash: {"acknowledge":3600,"answer":28800} → {"acknowledge":3600,"answer":43200}`}},
		"the document": {edit(`"parties": ["XA", "XB"]`, `"parties": ["XA", "XB", "XC"],"notice":86400,"definitions":{"case":{"en":"T","fr":"T"}}`, "mutual assistance in cyber", "assistance in cyber"), []string{
			"title (en): Agreement between XA and XB on [-mutual-] assistance in cyber incidents", "definitions.case (en): {+T+}", "definitions.case (fr): {+T+}",
			"notice:  → 86400", `parties: ["XA","XB"] → ["XA","XB","XC"]`}},
		"an article more, and the rest moves on": {edit(
			`    {
      "number": "2"`, extra+`{"number": "3"`, `"number": "3",
      "title": {"en": "Urgent`, `"number": "4", "title": {"en": "Urgent`, `"number": "4",
      "title": {"en": "Threat`, `"number": "5", "title": {"en": "Threat`, `"number": "5",
      "title": {"en": "Judicial`, `"number": "6", "title": {"en": "Judicial`, `"number": "6",
      "title": {"en": "Time`, `"number": "7", "title": {"en": "Time`, `"number": "7",
      "title": {"en": "Refusal`, `"number": "8", "title": {"en": "Refusal`, "is not sent on", "never leaves by"), []string{
			"new 2", "2: title (en): {+Terms+}", "2: text (en): {+An incident harms a network.+}", "2: text (fr): {+Un incident nuit.+}", `2: onward:  → "none"`,
			"renumbered 3 (was 2)", "renumbered 4 (was 3)", "renumbered 5 (was 4)", "changed 6 (was 5)",
			"6: text (en): What carries the handling code H1 [-is not sent on-] {+never leaves by+} the leadership track.", "renumbered 7 (was 6)", "renumbered 8 (was 7)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Diff(before, c.after)
			if lines := told(got); !slices.Equal(lines, c.want) {
				t.Errorf("%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(c.want, "\n"))
			}
			if got.Empty() != (c.want == nil) || got.Before != before.Digest || got.After != c.after.Digest {
				t.Errorf("%+v", got)
			}
			if _, err := json.Marshal(got); err != nil {
				t.Error(err)
			}
		})
	}
	if c := Diff(before, nil); len(c.Articles) != len(before.Articles) || c.Articles[0].What != Removed || len(c.Document) == 0 {
		t.Errorf("all is gone: %+v", c)
	}
}

// What stayed and went out is the text before; what stayed and came in is the text after; and no more is marked than must be.
func TestReword(t *testing.T) {
	t.Parallel()
	side := func(s []Span, not Op) string {
		var out []string
		for _, w := range s {
			if w.Op != not {
				out = append(out, w.Text)
			}
		}
		return strings.Join(out, " ")
	}
	draw := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 24)
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "before"), draw.Draw(t, "after")
		s := reword(strings.Join(a, " "), strings.Join(b, "  "))
		if side(s, In) != strings.Join(a, " ") || side(s, Out) != strings.Join(b, " ") {
			t.Fatalf("%v → %v: %s", a, b, marked(s))
		}
		stayed := 0
		for _, w := range s {
			if w.Op == Same {
				stayed += len(strings.Fields(w.Text))
			}
		}
		if want := longest(a, b); stayed != want {
			t.Fatalf("%v → %v: %s keeps %d words of %d", a, b, marked(s), stayed, want)
		}
	})
	// Texts that have little in common cost no more than is shown.
	long := strings.Repeat("x ", 2*maxEdits)
	other := strings.Repeat("y ", 2*maxEdits)
	if s := reword("same "+long, "same "+other); len(s) != 3 || s[0].Text != "same" || s[1].Op != Out || s[2].Op != In {
		t.Errorf("%d spans", len(s))
	}
}

// longest is the length of the longest common subsequence, the slow way.
func longest(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		corner := 0
		for j, y := range b {
			was := row[j+1]
			if row[j+1] = max(was, row[j]); x == y {
				row[j+1] = corner + 1
			}
			corner = was
		}
	}
	return row[len(b)]
}
