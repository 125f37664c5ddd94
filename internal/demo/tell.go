package demo

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// width is how many columns a line of the story has at most.
const width = 100

// codePattern finds the parties of the story, but not inside a path or an id.
var codePattern = regexp.MustCompile(`\bX[ABC]\b`)

// teller tells the story and counts what held. It is not safe for concurrent use.
type teller struct {
	out   io.Writer
	color bool
	pace  time.Duration

	scene  int
	held   int
	failed []string
}

// Escape sequences, used with color alone.
const (
	plain = "\x1b[0m"
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
)

func colorOf(code string) string {
	switch code {
	case "XA":
		return "\x1b[1;36m"
	case "XB":
		return "\x1b[1;33m"
	}
	return "\x1b[1;35m"
}

// heading begins a scene.
func (t *teller) heading(title string) {
	t.scene++
	line := fmt.Sprintf("%d. %s", t.scene, title)
	if t.color {
		line = bold + line + plain
	}
	fmt.Fprintf(t.out, "\n%s\n", line)
}

// say tells a sentence, broken into lines.
func (t *teller) say(format string, args ...any) { t.block("  ", "  ", fmt.Sprintf(format, args...)) }

// under tells a detail of what was just said.
func (t *teller) under(label, format string, args ...any) {
	t.block(fmt.Sprintf("     %-12s ", label), strings.Repeat(" ", 18), fmt.Sprintf(format, args...))
}

// row tells a line of a table, which is never broken.
func (t *teller) row(line string) { fmt.Fprintln(t.out, t.paint("     "+strings.TrimRight(line, " "))) }

// check counts a claim: what it says is true, or the demonstration fails.
func (t *teller) check(held bool, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	sign, shade := "✓", green
	if held {
		t.held++
	} else {
		t.failed = append(t.failed, what)
		sign, shade = "✗", red
	}
	lines := wrap("  "+sign+" ", "    ", what)
	for i, line := range lines {
		line = t.paint(line)
		if i == 0 && t.color {
			line = strings.Replace(line, sign, shade+sign+plain, 1)
		}
		fmt.Fprintln(t.out, line)
	}
}

func (t *teller) block(first, rest, text string) {
	for _, line := range wrap(first, rest, text) {
		fmt.Fprintln(t.out, t.paint(line))
	}
}

func (t *teller) paint(line string) string {
	if !t.color {
		return line
	}
	return codePattern.ReplaceAllStringFunc(line, func(code string) string { return colorOf(code) + code + plain })
}

// wrap breaks text between words, so that no line is wider than width unless one word is.
func wrap(first, rest, text string) []string {
	var lines []string
	line, empty := first, true
	for _, word := range strings.Fields(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	return append(lines, line)
}

// rest waits for the reader.
func (t *teller) rest(ctx context.Context) error {
	if t.pace <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(t.pace):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sum says what held. Error: fault.Failed, naming what did not.
func (t *teller) sum() error {
	fmt.Fprintln(t.out)
	if len(t.failed) == 0 {
		line := fmt.Sprintf("%d checks held.", t.held)
		if t.color {
			line = bold + line + plain
		}
		fmt.Fprintln(t.out, line)
		return nil
	}
	fmt.Fprintf(t.out, "%d checks held, %d did not:\n", t.held, len(t.failed))
	for _, f := range t.failed {
		t.block("  ✗ ", "    ", f)
	}
	return fault.New(fault.Failed, "", "%d of %d checks of the demonstration did not hold", len(t.failed), t.held+len(t.failed))
}

// at is a moment as the story shows it.
func at(t statement.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Std().UTC().Format("2 Jan 15:04")
}

// lasting is a span of time in the units in which people speak.
func lasting(d time.Duration) string {
	switch d = d.Round(time.Minute); {
	case d < time.Minute:
		return "less than a minute"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	case d < 72*time.Hour:
		if m := int(d.Minutes()) % 60; m != 0 {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// bytesOf is a size in the units in which people speak.
func bytesOf(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
