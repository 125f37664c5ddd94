package match

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// Listed is one line of a list of indicators: what it says, or why it is none.
type Listed struct {
	Line int // from 1
	Value
	Row // ID is the line
	Err error
}

// maxLine bounds a line of a list; a longer one is refused whole.
const maxLine = 4 * maxText

// ReadList reads indicators: one a line, defanged or not, "#" before a remark; or, with csv, in columns: value, kind, valid_from, valid_until, revoked,
// the last four of which may be missing or empty. A first line with these names may bring the columns in another order. take gets every line that is
// not empty, in order; an error that it gives, or the reader, ends it.
func ReadList(r io.Reader, csv bool, take func(Listed) error) (lines int, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	columns := []string{"value", "kind", "valid_from", "valid_until", "revoked"}
	for {
		raw, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return lines, err
		}
		if len(raw) == 0 && err == io.EOF {
			return lines, nil
		}
		lines++
		text := strings.TrimSpace(string(bytes.TrimPrefix(raw, []byte("\ufeff"))))
		var names []string
		if csv && lines == 1 {
			names = heading(text)
		}
		if names != nil {
			columns = names
		} else if text != "" && text[0] != '#' {
			l := Listed{Line: lines}
			switch {
			case long:
				l.Err = fault.New(fault.TooLarge, "", "a line has at most %d bytes", maxLine)
			case csv:
				l.Value, l.Row, l.Err = readColumns(text, columns)
			default:
				l.Value, l.Err = Parse(withoutRemark(text), 0)
			}
			l.ID = uint32(lines)
			if e := take(l); e != nil {
				return lines, e
			}
		}
		if err == io.EOF {
			return lines, nil
		}
	}
}

// withoutRemark cuts what follows a blank and "#".
func withoutRemark(text string) string {
	for _, sign := range []string{" #", "\t#"} {
		if i := strings.Index(text, sign); i > 0 {
			text = text[:i]
		}
	}
	return text
}

// heading gives the columns that a line names, if one of them is the value's; nil where it names none.
func heading(text string) (names []string) {
	ok := false
	for _, f := range cells(text) {
		f = strings.ToLower(strings.TrimSpace(f))
		switch f {
		case "indicator", "ioc":
			f = "value"
		case "type":
			f = "kind"
		}
		ok = ok || f == "value"
		names = append(names, f)
	}
	if !ok {
		return nil
	}
	return names
}

// cells cuts a line at commas outside quotation marks (RFC 4180, without line breaks in a cell).
func cells(text string) (out []string) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			out = append(out, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(out, b.String())
}

func readColumns(text string, columns []string) (v Value, r Row, err error) {
	value, kind := "", Kind(0)
	for i, c := range cells(text) {
		c = strings.TrimSpace(c)
		if i >= len(columns) || c == "" {
			continue
		}
		ok := true
		switch columns[i] {
		case "value":
			value = withoutGuard(c)
		case "kind":
			if kind = KindOf(c); kind == 0 {
				return v, r, fault.New(fault.Malformed, "", "an indicator's kind is one of: %s", strings.ReplaceAll(kindNames, " ", ", "))
			}
		case "valid_from":
			r.From, ok = listTime(c)
		case "valid_until":
			r.Until, ok = listTime(c)
		case "revoked":
			switch strings.ToLower(c) {
			case "true", "yes", "1":
				r.Revoked = true
			case "false", "no", "0":
			default:
				ok = false
			}
		}
		if !ok {
			return v, r, fault.New(fault.Malformed, "", "a time is like 2026-12-01 or 2026-12-01T10:00:00Z, and revoked is true or false")
		}
	}
	v, err = Parse(value, kind)
	return v, r, err
}

func listTime(text string) (time.Time, bool) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, true
	}
	t := momentOf([]byte(text))
	return t, !t.IsZero()
}
