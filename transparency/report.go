package transparency

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Least is the smallest count that is shown.
const Least = 5

// MaxPeriods bounds a report.
const MaxPeriods = 120

// By is how long the periods of a report are.
type By string

// The lengths.
const (
	ByMonth   By = "month"
	ByQuarter By = "quarter"
	ByYear    By = "year"
)

// months is how many there are in a period; 0 for what is no length.
func (b By) months() int { return map[By]int{ByMonth: 1, ByQuarter: 3, ByYear: 12}[b] }

// Direction tells requests of the party from those to it.
type Direction string

// The directions.
const (
	Made     Direction = "made"
	Received Direction = "received"
)

// Outcome is how a request stands, as far as the public is told.
type Outcome string

// The outcomes.
const (
	Granted       Outcome = "granted"
	PartlyGranted Outcome = "partly-granted"
	Refused       Outcome = "refused"
	RefusedByRule Outcome = "refused-by-rule"
	Withdrawn     Outcome = "withdrawn"
	Unsettled     Outcome = "unsettled" // all else: nothing was answered yet, or on conditions that were not accepted
)

// Outcomes lists them in the order of a report.
func Outcomes() []Outcome {
	return []Outcome{Granted, PartlyGranted, Refused, RefusedByRule, Withdrawn, Unsettled}
}

// Agreement is one under which requests may have passed. Two with the same parties are told apart by a number, in the order in which they are given.
type Agreement struct {
	ID      statement.ID
	Parties []party.Code
}

// Input is what a report is made of.
type Input struct {
	Party      party.Code
	Agreements []Agreement // all that there were, whether anything was asked under them or not
	Asks       []thread.Ask
	From, To   time.Time // first days of months in UTC; From ≤ time < To
	By         By
}

// Report is counts that can be published.
type Report struct {
	V      int        `json:"v"`
	Party  party.Code `json:"party"`
	From   string     `json:"from"` // month, the first that is counted
	To     string     `json:"to"`   // month, the last that is counted
	By     By         `json:"by"`
	Least  int        `json:"least"` // smaller counts are shown as "<5"
	Rows   []Row      `json:"rows"`
	Totals []Row      `json:"totals"` // of what is shown in Rows
}

// Row is the requests in one direction, under one agreement, in one period. In a total, Agreement and Period are "all".
type Row struct {
	Agreement string            `json:"agreement"` // its parties
	Period    string            `json:"period"`
	Direction Direction         `json:"direction"`
	Requests  string            `json:"requests"` // at least the sum of the outcomes that are shown
	Outcomes  map[Outcome]Count `json:"outcomes"`
	Grounds   map[string]Count  `json:"grounds"` // of refusals; only those with enough
}

// Count is a number as it is shown.
type Count string

// show gives a count that says nothing of how few there are.
func show(n int) Count {
	if n < Least {
		return Count("<" + strconv.Itoa(Least))
	}
	return Count(strconv.Itoa(n))
}

// shown is what of a count is shown.
func shown(n int) int {
	if n < Least {
		return 0
	}
	return n
}

func atLeast(n int) string { return ">=" + strconv.Itoa(n) }

// cell is the counts behind a row.
type cell struct {
	outcomes map[Outcome]int
	grounds  map[Outcome]map[string]int // of those with that outcome
}

func newCell() *cell {
	return &cell{map[Outcome]int{}, map[Outcome]map[string]int{Refused: {}, PartlyGranted: {}}}
}

type place struct {
	agreement, period int
	direction         Direction
}

// Compute counts. Requests of exercises, of others and outside the period are passed over. Errors: fault.Usage for a period that is empty, does not begin and end with
// periods of that length, or is too long.
func Compute(in Input) (*Report, error) {
	// spec: TRR-1, TRR-2
	periods, err := in.periods()
	if err != nil {
		return nil, err
	}
	names, index := in.names()
	cells := map[place]*cell{}
	for _, a := range in.Asks {
		at := place{index[a.Agreement], in.period(a.Time), Made}
		switch in.Party {
		case a.Asker:
		case a.Asked:
			at.direction = Received
		default:
			continue
		}
		if at.period < 0 || a.Exercise {
			continue
		}
		if cells[at] == nil {
			cells[at] = newCell()
		}
		cells[at].add(a)
	}
	out := &Report{
		V: 1, Party: in.Party, From: month(in.From), To: month(in.To.AddDate(0, -1, 0)), By: in.By, Least: Least,
	}
	totals := map[Direction]*total{Made: {map[Outcome]int{}, map[string]int{}}, Received: {map[Outcome]int{}, map[string]int{}}}
	for i, name := range names {
		for j, period := range periods {
			for _, d := range []Direction{Made, Received} {
				c := cells[place{i, j, d}]
				if c == nil {
					c = newCell()
				}
				out.Rows = append(out.Rows, c.row(name, period, d))
				totals[d].add(c)
			}
		}
	}
	for _, d := range []Direction{Made, Received} {
		out.Totals = append(out.Totals, totals[d].row(d))
	}
	return out, nil
}

func (c *cell) add(a thread.Ask) {
	o := Outcome(a.Outcome)
	if !slices.Contains(Outcomes(), o) {
		o = Unsettled
	}
	c.outcomes[o]++
	of := c.grounds[o]
	if of == nil {
		return
	}
	seen := map[string]bool{}
	for _, g := range a.Grounds {
		if !seen[g] {
			seen[g] = true
			of[g]++
		}
	}
}

// shownGrounds are those with enough, of requests whose outcome is shown: a ground must not tell how many there are of an outcome that is not.
func (c *cell) shownGrounds() map[string]int {
	out := map[string]int{}
	for o, of := range c.grounds {
		if c.outcomes[o] >= Least {
			for g, n := range of {
				out[g] += n
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, n int) bool { return n < Least })
	return out
}

// row shows a cell, the same for what was never asked and for what was asked too seldom.
func (c *cell) row(agreement, period string, d Direction) Row {
	// spec: TRR-2
	r := Row{Agreement: agreement, Period: period, Direction: d, Outcomes: map[Outcome]Count{}, Grounds: map[string]Count{}}
	sum := 0
	for _, o := range Outcomes() {
		r.Outcomes[o] = show(c.outcomes[o])
		sum += shown(c.outcomes[o])
	}
	for g, n := range c.shownGrounds() {
		r.Grounds[g] = show(n)
	}
	r.Requests = atLeast(sum)
	return r
}

// total is the sums of what is shown.
type total struct {
	outcomes map[Outcome]int
	grounds  map[string]int
}

func (t *total) add(c *cell) {
	for o, n := range c.outcomes {
		t.outcomes[o] += shown(n)
	}
	for g, n := range c.shownGrounds() {
		t.grounds[g] += n
	}
}

func (t *total) row(d Direction) Row {
	r := Row{Agreement: "all", Period: "all", Direction: d, Outcomes: map[Outcome]Count{}, Grounds: map[string]Count{}}
	sum := 0
	for _, o := range Outcomes() {
		r.Outcomes[o] = Count(atLeast(t.outcomes[o]))
		sum += t.outcomes[o]
	}
	for g, n := range t.grounds {
		r.Grounds[g] = Count(atLeast(n))
	}
	r.Requests = atLeast(sum)
	return r
}

// names gives agreements by their parties, and where each stands. What rests on none stands under the charter.
func (in Input) names() (names []string, index map[statement.ID]int) {
	names, index = []string{"charter"}, map[statement.ID]int{{}: 0}
	seen := map[string]int{}
	for _, a := range in.Agreements {
		parties := slices.Sorted(slices.Values(a.Parties))
		name := ""
		for i, p := range parties {
			if i > 0 {
				name += ", "
			}
			name += string(p)
		}
		if seen[name]++; seen[name] > 1 {
			name += " (" + strconv.Itoa(seen[name]) + ")"
		}
		index[a.ID] = len(names)
		names = append(names, name)
	}
	return names, index
}

func month(t time.Time) string { return t.UTC().Format("2006-01") }

// periods names those of the report.
func (in Input) periods() (names []string, err error) {
	n := in.By.months()
	bad := func(format string, args ...any) ([]string, error) {
		return nil, fault.New(fault.Usage, "TRR-1", format, args...)
	}
	if n == 0 {
		return bad("a report is by month, quarter or year")
	}
	for _, t := range []time.Time{in.From, in.To} {
		if u := t.UTC(); !u.Equal(time.Date(u.Year(), u.Month(), 1, 0, 0, 0, 0, time.UTC)) || (int(u.Month())-1)%n != 0 {
			return bad("a report by %s begins and ends with whole ones", in.By)
		}
	}
	if !in.From.Before(in.To) {
		return bad("the period of a report begins before it ends")
	}
	for t := in.From.UTC(); t.Before(in.To); t = t.AddDate(0, n, 0) {
		if len(names) == MaxPeriods {
			return bad("a report has at most %d periods", MaxPeriods)
		}
		switch in.By {
		case ByYear:
			names = append(names, t.Format("2006"))
		case ByQuarter:
			names = append(names, t.Format("2006")+"-Q"+strconv.Itoa(1+int(t.Month()-1)/3))
		default:
			names = append(names, month(t))
		}
	}
	return names, nil
}

// period is the place of a time among the periods; negative outside.
func (in Input) period(t statement.Time) int {
	u := t.Std().UTC()
	if u.Before(in.From) || !u.Before(in.To) {
		return -1
	}
	from := in.From.UTC()
	return ((u.Year()-from.Year())*12 + int(u.Month()) - int(from.Month())) / in.By.months()
}

// Marshal writes the report as JSON.
func (r *Report) Marshal() ([]byte, error) {
	b, err := json.Marshal(r, json.Deterministic(true), json.FormatNilSliceAsNull(false), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the report cannot be written")
	}
	return append(b, '\n'), nil
}

// CSV writes the report as RFC 4180 has it, a line for each number, totals last.
func (r *Report) CSV() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{{"agreement", "period", "direction", "what", "name", "count"}}
	for _, row := range slices.Concat(r.Rows, r.Totals) {
		at := func(what, name, count string) {
			lines = append(lines, []string{row.Agreement, row.Period, string(row.Direction), what, name, count})
		}
		at("requests", "", row.Requests)
		for _, o := range Outcomes() {
			at("outcome", string(o), string(row.Outcomes[o]))
		}
		for _, g := range slices.SortedFunc(maps.Keys(row.Grounds), cmp.Compare[string]) {
			at("ground", g, string(row.Grounds[g]))
		}
	}
	if err := w.WriteAll(lines); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the report cannot be written")
	}
	return b.Bytes(), nil
}
