package transparency

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

func first(year int, month time.Month) time.Time {
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}

var pact = Agreement{ID: statement.ID{7, 8, 9}, Parties: []party.Code{"XB", "XA"}}

// asks makes n requests of one outcome, in one month.
func asks(n int, asker, asked party.Code, month time.Month, outcome string, grounds ...string) (out []thread.Ask) {
	for i := range n {
		out = append(out, thread.Ask{
			Request: statement.ID{byte(i), byte(month), 0xab}, Asker: asker, Asked: asked, Agreement: pact.ID, Outcome: outcome, Grounds: grounds,
			Time: statement.TimeOf(first(2026, month).Add(time.Duration(i)*time.Hour + 17*time.Minute)),
		})
	}
	return out
}

func input(a ...[]thread.Ask) Input {
	return Input{Party: "XA", Agreements: []Agreement{pact}, Asks: slices.Concat(a...), From: first(2026, 1), To: first(2026, 3), By: ByMonth}
}

func compute(t testing.TB, in Input) *Report {
	t.Helper()
	r, err := Compute(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCounts(t *testing.T) {
	t.Parallel()
	// spec: TRR-1, TRR-2
	exercise := asks(9, "XA", "XB", 1, "granted")
	for i := range exercise {
		exercise[i].Exercise = true
	}
	r := compute(t, input(
		asks(12, "XA", "XB", 1, "granted"), asks(4, "XA", "XB", 1, "partly-granted", "sovereignty"), asks(6, "XA", "XB", 1, "refused", "sovereignty", "persecution", "sovereignty"),
		asks(5, "XB", "XA", 2, "refused", "political-offence"), asks(5, "XA", "XB", 2, "clarification-asked"), asks(3, "XA", "XB", 2, "open"),
		asks(50, "XC", "XB", 1, "granted"), asks(50, "XA", "XB", 3, "granted"), exercise,
	))
	if len(r.Rows) != 8 || r.From != "2026-01" || r.To != "2026-02" { // two agreements, two months, two directions
		t.Fatalf("%d rows, %s to %s", len(r.Rows), r.From, r.To)
	}
	for _, want := range []string{
		"XA, XB 2026-01 made >=18 granted=12 partly-granted=<5 refused=6 refused-by-rule=<5 withdrawn=<5 unsettled=<5 persecution=6 sovereignty=6",
		"XA, XB 2026-02 made >=8 granted=<5 partly-granted=<5 refused=<5 refused-by-rule=<5 withdrawn=<5 unsettled=8",
		"XA, XB 2026-02 received >=5 granted=<5 partly-granted=<5 refused=5 refused-by-rule=<5 withdrawn=<5 unsettled=<5 political-offence=5",
		"charter 2026-01 received >=0 granted=<5 partly-granted=<5 refused=<5 refused-by-rule=<5 withdrawn=<5 unsettled=<5",
		"all all made >=26 granted=>=12 partly-granted=>=0 refused=>=6 refused-by-rule=>=0 withdrawn=>=0 unsettled=>=8 persecution=>=6 sovereignty=>=6",
	} {
		if !slices.Contains(lines(r), want) {
			t.Errorf("no line\n%s\nin\n%s", want, strings.Join(lines(r), "\n"))
		}
	}
}

func lines(r *Report) (out []string) {
	for _, row := range slices.Concat(r.Rows, r.Totals) {
		l := fmt.Sprintf("%s %s %s %s", row.Agreement, row.Period, row.Direction, row.Requests)
		for _, o := range Outcomes() {
			l += fmt.Sprintf(" %s=%s", o, row.Outcomes[o])
		}
		var grounds []string
		for g, n := range row.Grounds {
			grounds = append(grounds, fmt.Sprintf(" %s=%s", g, n))
		}
		slices.Sort(grounds)
		out = append(out, l+strings.Join(grounds, ""))
	}
	return out
}

// TestFewTellNothing: whatever the counts below the least are, the bytes of the report are the same; so nothing can be derived of them, by subtraction or else.
func TestFewTellNothing(t *testing.T) {
	t.Parallel()
	// spec: TRR-2
	outcomes := []string{"granted", "partly-granted", "refused", "refused-by-rule", "withdrawn", "open"}
	rapid.Check(t, func(t *rapid.T) {
		var one, other []thread.Ask
		for m := time.Month(1); m <= 2; m++ {
			for _, pair := range [][2]party.Code{{"XA", "XB"}, {"XB", "XA"}} {
				for _, o := range outcomes {
					few := rapid.IntRange(0, Least-1)
					if rapid.Bool().Draw(t, "many") {
						n := rapid.IntRange(Least, 12).Draw(t, "n")
						grounds := rapid.SampledFrom([][]string{nil, {"a"}, {"a", "b"}}).Draw(t, "grounds")
						one, other = append(one, asks(n, pair[0], pair[1], m, o, grounds...)...), append(other, asks(n, pair[0], pair[1], m, o, grounds...)...)
						continue
					}
					one = append(one, asks(few.Draw(t, "few"), pair[0], pair[1], m, o, "a", "c")...)
					other = append(other, asks(few.Draw(t, "few"), pair[0], pair[1], m, o, "b")...)
				}
			}
		}
		a, err := bytesOf(input(one))
		b, e := bytesOf(input(other))
		if err != nil || e != nil || !bytes.Equal(a, b) {
			t.Fatalf("%v %v\n%s\n%s", err, e, a, b)
		}
	})
}

func bytesOf(in Input) ([]byte, error) {
	r, err := Compute(in)
	if err != nil {
		return nil, err
	}
	j, err := r.Marshal()
	if err != nil {
		return nil, err
	}
	c, err := r.CSV()
	return append(j, c...), err
}

// TestNobodyIsNamed: no id, no time finer than a month, in no form.
func TestNobodyIsNamed(t *testing.T) {
	t.Parallel()
	// spec: TRR-1
	all, err := bytesOf(input(asks(12, "XA", "XB", 1, "granted"), asks(7, "XB", "XA", 2, "refused", "sovereignty")))
	if err != nil {
		t.Fatal(err)
	}
	for name, pattern := range map[string]string{
		"an id": `[0-9a-f]{8}`, "a day": `20\d\d-\d\d-\d\d`, "an hour": `\d\d:\d\d`, "a title": `(?i)title|text`, "an officer": `(?i)officer|role`,
	} {
		if found := regexp.MustCompile(pattern).Find(all); found != nil {
			t.Errorf("%s is in it: %s", name, found)
		}
	}
	_, rest, _ := bytes.Cut(all, []byte("\n}\n"))
	rows, err := csv.NewReader(bytes.NewReader(rest)).ReadAll()
	if err != nil || len(rows) < 50 {
		t.Errorf("%v, %d lines", err, len(rows))
	}
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	// spec: TRR-1
	in := input(asks(6, "XA", "XB", 2, "granted"))
	in.From, in.To, in.By = first(2025, 1), first(2027, 1), ByYear
	if r := compute(t, in); len(r.Rows) != 8 || r.Rows[6].Period != "2026" || r.Rows[6].Requests != ">=6" {
		t.Errorf("%+v", r.Rows)
	}
	in.By = ByQuarter
	if r := compute(t, in); len(r.Rows) != 32 || r.Rows[16+8].Period != "2026-Q1" || r.Rows[16+8].Requests != ">=6" {
		t.Errorf("%+v", r.Rows)
	}
	for name, change := range map[string]func(*Input){
		"a day":            func(in *Input) { in.From = in.From.AddDate(0, 0, 1) },
		"half a quarter":   func(in *Input) { in.To = first(2026, 12) },
		"nothing":          func(in *Input) { in.To = in.From },
		"no such length":   func(in *Input) { in.By = "week" },
		"a hundred years":  func(in *Input) { in.From = first(1926, 1) },
		"an hour too late": func(in *Input) { in.To = in.To.Add(time.Hour) },
	} {
		in := in
		change(&in)
		if _, err := Compute(in); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
	twice := input()
	twice.Agreements = append(twice.Agreements, Agreement{ID: statement.ID{1}, Parties: []party.Code{"XA", "XB"}})
	if r := compute(t, twice); r.Rows[len(r.Rows)-1].Agreement != "XA, XB (2)" {
		t.Errorf("%+v", r.Rows)
	}
}
