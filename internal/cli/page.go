package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// page collects what is shown to a person. What others wrote goes through line or prose before it gets here.
type page struct {
	strings.Builder
	now    statement.Time
	colour bool
}

// say adds a line.
func (p *page) say(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// gap adds an empty line between parts.
func (p *page) gap() {
	if p.Len() > 0 {
		p.WriteString("\n")
	}
}

func (p *page) paint(code, s string) string {
	if !p.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *page) bold(s string) string { return p.paint("1", s) }
func (p *page) dim(s string) string  { return p.paint("2", s) }
func (p *page) warn(s string) string { return p.paint("1;31", s) }

// table is rows under headings. A heading that begins with ">" has its column aligned to the right.
type table struct {
	heads []string
	rows  [][]string
	alert map[int]bool // rows that need attention
}

func newTable(heads ...string) *table { return &table{heads: heads, alert: map[int]bool{}} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) addAlert(alert bool, cells ...string) {
	t.alert[len(t.rows)] = alert
	t.add(cells...)
}

// table prints t, two spaces between columns; columns that are empty all the way down are left out.
func (p *page) table(t *table) {
	if len(t.rows) == 0 {
		return
	}
	width := make([]int, len(t.heads))
	for _, row := range t.rows {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	format := func(cells []string, style func(string) string) {
		var out []string
		for i, w := range width {
			if w == 0 {
				continue
			}
			name, right := strings.CutPrefix(t.heads[i], ">")
			w = max(w, utf8.RuneCountInString(name))
			pad := strings.Repeat(" ", w-utf8.RuneCountInString(cells[i]))
			if right {
				out = append(out, pad+cells[i])
			} else {
				out = append(out, cells[i]+pad)
			}
		}
		p.say("%s", style(strings.TrimRight(strings.Join(out, "  "), " ")))
	}
	heads := make([]string, len(t.heads))
	for i, h := range t.heads {
		heads[i] = strings.ToUpper(strings.TrimPrefix(h, ">"))
	}
	format(heads, p.bold)
	for i, row := range t.rows {
		style := func(s string) string { return s }
		if t.alert[i] {
			style = p.warn
		}
		format(row, style)
	}
}

// line makes one line of text from elsewhere safe for a terminal: no control characters, no marks that turn the direction of writing.
func line(s string) string {
	return strings.Join(strings.Fields(prose(s)), " ")
}

// prose does the same for a text of several lines.
func prose(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && r != '\u200d' && r != '\u200c', r == unicode.ReplacementChar, r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// cut shortens a cell.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// when shows a time to the minute, in UTC.
func when(t statement.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Std().Format("2006-01-02 15:04Z")
}

// due shows a date and how far away it is.
func (p *page) due(t statement.Time) string {
	if t.IsZero() {
		return ""
	}
	d := t.Std().Sub(p.now.Std())
	if d < 0 {
		return when(t) + ", " + span(-d) + " overdue"
	}
	return when(t) + ", in " + span(d)
}

// span shows a duration by its two greatest units.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 24*time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60), " 0 min")
	}
	return strings.TrimSuffix(fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24), " 0 h")
}

// number groups digits by three.
func number[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// size shows bytes by their greatest unit.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[i]
}

func plural[T int | int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

func codes(list []party.Code) string {
	var out []string
	for _, c := range list {
		out = append(out, string(c))
	}
	return strings.Join(out, ", ")
}
