package cli

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// page collects what is shown to a person. Nothing that goes into it by say or table steers a terminal, whoever wrote it; what others wrote still goes through line where it is to stay one line.
type page struct {
	strings.Builder
	now    statement.Time
	colour bool
}

// say adds a line, or several where the text has line feeds.
func (p *page) say(format string, args ...any) {
	p.WriteString(p.harmless(fmt.Sprintf(format, args...)) + "\n")
}

// harmless is a text without what steers a terminal or turns the direction of writing, but for the colours that paint has put in. Whoever forgets line somewhere shows a stray colour at worst.
func (p *page) harmless(s string) string {
	if !p.colour {
		return prose(s)
	}
	var b strings.Builder
	for i, part := range strings.Split(s, "\x1b") {
		for _, code := range []string{"[0m", "[1m", "[2m", "[1;31m"} {
			if rest, ok := strings.CutPrefix(part, code); ok && i > 0 {
				b.WriteString("\x1b" + code)
				part = rest
				break
			}
		}
		b.WriteString(prose(part))
	}
	return b.String()
}

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

// add takes a row. Its cells are made safe for a terminal here, so that no command can forget it; none is painted.
func (t *table) add(cells ...string) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = strings.NewReplacer("\n", " ", "\t", " ").Replace(prose(c))
	}
	t.rows = append(t.rows, row)
}

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
		if r == unicode.ReplacementChar || steers(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// steers tells of a character whether it does something to a terminal or to the direction of writing, rather than being shown.
func steers(r rune) bool {
	switch r {
	case '\n', '\t', '\u200c', '\u200d':
		return false
	case '\u2028', '\u2029':
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// escaped is JSON that says the same, with what steers a terminal written as \uXXXX: it can stand in strings alone.
func escaped(raw []byte) []byte {
	if bytes.IndexFunc(raw, steers) < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw)+64)
	for _, r := range string(raw) {
		if !steers(r) || r < ' ' {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, "\\u%04x", unit)
		}
	}
	return out
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
