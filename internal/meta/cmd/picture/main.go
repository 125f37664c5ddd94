package main

import (
	"bufio"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"regexp"
	"strings"
)

// Measures of the picture, in pixels.
const (
	charWidth  = 7.83
	lineHeight = 17
	margin     = 18
)

// look is how a stretch of text is drawn.
type look struct {
	colour string
	bold   bool
}

const plain = "#d7dce2"

// colours are those of the terminal's eight that legible text uses, on a dark ground.
func colours() map[string]string {
	return map[string]string{
		"31": "#ff8a80", "32": "#8fd694", "33": "#f2cc60", "34": "#82b1ff", "35": "#d7a6ff", "36": "#7fdbca",
		"91": "#ff8a80", "92": "#8fd694", "93": "#f2cc60", "94": "#82b1ff", "95": "#d7a6ff", "96": "#7fdbca",
		"2": "#8b949e", "90": "#8b949e",
	}
}

func main() {
	from, to := flag.Int("from", 1, "first line"), flag.Int("to", 1<<30, "last line")
	flag.Parse()
	if err := draw(os.Stdin, os.Stdout, *from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func draw(r io.Reader, w io.Writer, from, to int) error {
	var lines []string
	in := bufio.NewScanner(r)
	for n := 1; in.Scan(); n++ {
		if n >= from && n <= to {
			lines = append(lines, strings.TrimRight(in.Text(), " "))
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	escape := regexp.MustCompile("\x1b\\[([0-9;]*)m")
	widest := 0
	for _, l := range lines {
		widest = max(widest, len([]rune(escape.ReplaceAllString(l, ""))))
	}
	width, height := int(float64(widest)*charWidth)+2*margin, len(lines)*lineHeight+2*margin
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="The demo in a terminal">`+"\n", width, height, width, height)
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" rx="8" fill="#161b22"/>`+"\n")
	fmt.Fprintln(out, `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13" xml:space="preserve">`)
	for i, l := range lines {
		fmt.Fprintf(out, `<text x="%d" y="%d">%s</text>`+"\n", margin, margin+i*lineHeight+13, spans(l, escape))
	}
	fmt.Fprintln(out, "</g></svg>")
	return out.Flush()
}

// spans turns one line with its colour codes into tspans.
func spans(line string, escape *regexp.Regexp) string {
	var b strings.Builder
	now := look{colour: plain}
	put := func(s string) {
		if s == "" {
			return
		}
		weight := ""
		if now.bold {
			weight = ` font-weight="bold"`
		}
		fmt.Fprintf(&b, `<tspan fill="%s"%s>%s</tspan>`, now.colour, weight, html.EscapeString(s))
	}
	at := 0
	for _, m := range escape.FindAllStringSubmatchIndex(line, -1) {
		put(line[at:m[0]])
		for _, code := range strings.Split(line[m[2]:m[3]], ";") {
			switch c, ok := colours()[code]; {
			case code == "" || code == "0":
				now = look{colour: plain}
			case code == "1":
				now.bold = true
			case ok:
				now.colour = c
			}
		}
		at = m[1]
	}
	put(line[at:])
	return b.String()
}
