package i18n

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dates is how a language writes dates. Times are of 24 hours everywhere: an officer who is half asleep does not mistake four for sixteen.
type dates struct {
	Months   []string // as they stand in a date, January first
	Weekdays []string // short, Sunday first
	Date     string   // {day}, {month}, {year}
	Short    string   // without the year
}

func parseDates(about map[string]any) (d dates, err error) {
	list := func(name string, n int) []string {
		all, _ := about[name].([]any)
		out := make([]string, 0, n)
		for _, v := range all {
			s, _ := v.(string)
			out = append(out, s)
		}
		if len(out) != n {
			err = fmt.Errorf("[language] gives %d %s", n, name)
		}
		return out
	}
	d.Months, d.Weekdays = list("months", 12), list("weekdays", 7)
	d.Date, _ = about["date"].(string)
	d.Short, _ = about["short_date"].(string)
	if err == nil && (d.Date == "" || d.Short == "") {
		err = fmt.Errorf("[language] gives date and short_date")
	}
	return d, err
}

// Date is a day: "2 March 2026".
func (p *Printer) Date(t time.Time) string { return p.day(p.dates.Date, t.In(p.Zone)) }

func (p *Printer) day(format string, t time.Time) string {
	return strings.NewReplacer("{day}", strconv.Itoa(t.Day()), "{month}", p.dates.Months[t.Month()-1], "{year}", strconv.Itoa(t.Year())).Replace(format)
}

// Clock is a time of day with the zone: "14:05 CET (UTC+1)".
func (p *Printer) Clock(t time.Time) string { return t.In(p.Zone).Format("15:04 ") + p.ZoneName(t) }

// ZoneName is the zone at a time as nobody can mistake it, with what people call it where it has a name: "UTC", "CET (UTC+1)", "UTC+3:30". "IST" alone is three zones.
func (p *Printer) ZoneName(t time.Time) string {
	name, seconds := t.In(p.Zone).Zone()
	if seconds == 0 && name == "UTC" {
		return name
	}
	sign, minutes := "+", seconds/60
	if minutes < 0 {
		sign, minutes = "−", -minutes
	}
	offset := "UTC" + sign + strconv.Itoa(minutes/60)
	if minutes == 0 {
		offset = "UTC"
	}
	if minutes%60 != 0 {
		offset += fmt.Sprintf(":%02d", minutes%60)
	}
	if name == "" || name[0] == '+' || name[0] == '-' {
		return offset
	}
	return name + " (" + offset + ")"
}

// Time is a moment as fully as people write it: "2 March 2026, 14:05 CET (UTC+1)".
func (p *Printer) Time(t time.Time) string {
	return p.T("time.at", p.Date(t), p.Clock(t))
}

// When is a moment as one who lives at now says it: "today, 14:05", "tomorrow, 02:10", "Tue 3 March, 02:10", with the year where it is another one.
func (p *Printer) When(t, now time.Time) string {
	t, now = t.In(p.Zone), now.In(p.Zone)
	clock := t.Format("15:04")
	switch midnights(now, t) {
	case 0:
		return p.T("time.today", clock)
	case 1:
		return p.T("time.tomorrow", clock)
	case -1:
		return p.T("time.yesterday", clock)
	}
	if t.Year() != now.Year() {
		return p.T("time.at", p.day(p.dates.Date, t), clock)
	}
	if d := midnights(now, t); d > -7 && d < 14 {
		return p.T("time.at", p.dates.Weekdays[t.Weekday()]+" "+p.day(p.dates.Short, t), clock)
	}
	return p.T("time.at", p.day(p.dates.Short, t), clock)
}

// midnights counts the midnights between two times of one zone.
func midnights(from, to time.Time) int {
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, time.UTC) }
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}

// Span is how long something takes, in the two largest units that count: "3 d 4 h", "2 h 5 min", "45 s".
func (p *Printer) Span(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	seconds := int64(d / time.Second)
	days, hours, minutes := seconds/86400, seconds/3600%24, seconds/60%60
	two := func(big string, n int64, small string, m int64) string {
		if m == 0 {
			return p.T(big, n)
		}
		return p.T(big, n) + " " + p.T(small, m)
	}
	switch {
	case days > 0:
		return two("span.days", days, "span.hours", hours)
	case hours > 0:
		return two("span.hours", hours, "span.minutes", minutes)
	case minutes > 0:
		return p.T("span.minutes", minutes)
	}
	return p.T("span.seconds", seconds)
}
