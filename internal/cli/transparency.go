package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/transparency"
)

type reportCmd struct {
	Transparency transparencyCmd `cmd:"" help:"Count requests, outcomes and grounds of refusal for the public, without a trace of any one of them."`
}

type transparencyCmd struct {
	From string          `placeholder:"MONTH" help:"The first month, like 2026-01. Without it: January of the year of the last month."`
	To   string          `placeholder:"MONTH" help:"The last month. Without it: the last that has ended."`
	By   transparency.By `default:"month" placeholder:"WORD" help:"How long a period is: month, quarter or year."`
	CSV  bool            `name:"csv" help:"As CSV, a line for each number."`
}

func (transparencyCmd) Help() string {
	return `Counts below 5 are not shown, and totals count what is shown, so that nothing can be found by subtraction; docs/transparency.md tells more. Publish one length of period for one time, and stay with it.
  comity report transparency
  comity report transparency --from 2026-01 --to 2026-12 --by year
  comity report transparency --csv > 2026.csv`
}

func (c *transparencyCmd) Run(ctx context.Context, s *session) error {
	from, to, err := c.period(s.now())
	if err != nil {
		return err
	}
	if _, err := oneOf("--by", string(c.By), transparency.ByMonth, transparency.ByQuarter, transparency.ByYear); err != nil {
		return err
	}
	if c.CSV && s.json {
		return fault.New(fault.Usage, "", "either --csv or --json, not both")
	}
	return s.with(ctx, func(n *node.Node) error {
		r, err := n.Transparency(ctx, from, to, c.By)
		if err != nil {
			return err
		}
		var raw []byte
		switch {
		case c.CSV:
			raw, err = r.CSV()
		case s.json:
			raw, err = r.Marshal()
		default:
			page := s.page()
			writeTransparency(page, r)
			raw = []byte(page.String())
		}
		if err != nil {
			return err
		}
		return s.print(raw)
	})
}

// period reads the months: from the first day of the first to the first day after the last.
func (c *transparencyCmd) period(now time.Time) (from, to time.Time, err error) {
	read := func(flag, text string) (time.Time, error) {
		t, err := time.Parse("2006-01", text)
		if err != nil {
			return t, fault.New(fault.Usage, "TRR-1", "%s: a month is like 2026-01", flag)
		}
		return t, nil
	}
	now = now.UTC()
	to = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	if c.To != "" {
		if to, err = read("--to", c.To); err != nil {
			return from, to, err
		}
		to = to.AddDate(0, 1, 0)
	}
	from = time.Date(to.AddDate(0, -1, 0).Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	if c.From != "" {
		from, err = read("--from", c.From)
	}
	return from, to, err
}

func writeTransparency(p *page, r *transparency.Report) {
	p.say("%s", p.bold(fmt.Sprintf("Requests for assistance of and to %s, %s to %s", r.Party, r.From, r.To)))
	p.say("Counts below %d are shown as <%d, none included; totals count what is shown. Exercises are left out.", r.Least, r.Least)
	p.gap()
	t := newTable("agreement", "period", "requests", ">in all", ">granted", ">in part", ">refused", ">by rule", ">withdrawn", ">unsettled", "grounds of refusal")
	for _, row := range slices.Concat(r.Rows, r.Totals) {
		cells := []string{row.Agreement, row.Period, string(row.Direction), row.Requests}
		for _, o := range transparency.Outcomes() {
			cells = append(cells, string(row.Outcomes[o]))
		}
		var grounds []string
		for _, g := range slices.Sorted(maps.Keys(row.Grounds)) {
			grounds = append(grounds, line(g)+" "+string(row.Grounds[g]))
		}
		t.add(append(cells, strings.Join(grounds, ", "))...)
	}
	p.table(t)
}
