package match

import (
	"bytes"
	"time"
)

// momentOf reads a record's time: RFC 3339 and its relatives (a blank for the "T", an offset without a colon), or seconds or milliseconds since 1970.
// The zero time is for what is none of these. A time without an offset is taken as UTC.
func momentOf(b []byte) time.Time {
	if len(b) < 10 || len(b) > 40 {
		return time.Time{}
	}
	if b[4] == '-' && b[7] == '-' {
		return calendar(b)
	}
	return epoch(b)
}

func epoch(b []byte) time.Time {
	whole, frac, _ := bytes.Cut(b, []byte("."))
	if len(whole) < 9 || len(whole) > 13 {
		return time.Time{}
	}
	var n int64
	for _, c := range whole {
		if c < '0' || c > '9' {
			return time.Time{}
		}
		n = n*10 + int64(c-'0')
	}
	if len(whole) > 11 {
		return time.UnixMilli(n).UTC()
	}
	var nanos, unit int64 = 0, 1e8
	for _, c := range frac {
		if c < '0' || c > '9' {
			return time.Time{}
		}
		nanos += int64(c-'0') * unit
		unit /= 10
	}
	return time.Unix(n, nanos).UTC()
}

func calendar(b []byte) time.Time {
	n := func(from, to int) int {
		v := 0
		for _, c := range b[from:to] {
			if c < '0' || c > '9' {
				return -1
			}
			v = v*10 + int(c-'0')
		}
		return v
	}
	if len(b) < 19 || b[10] != 'T' && b[10] != ' ' && b[10] != 't' || b[13] != ':' || b[16] != ':' {
		return time.Time{}
	}
	y, mo, d, h, mi, s := n(0, 4), n(5, 7), n(8, 10), n(11, 13), n(14, 16), n(17, 19)
	if y < 1970 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60 {
		return time.Time{}
	}
	rest, nanos, unit := b[19:], 0, 100_000_000
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		for rest = rest[1:]; len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'; rest = rest[1:] {
			nanos += int(rest[0]-'0') * unit
			unit /= 10
		}
	}
	offset, ok := zone(rest)
	if !ok {
		return time.Time{}
	}
	return time.Date(y, time.Month(mo), d, h, mi, s, nanos, time.UTC).Add(-offset)
}

// zone reads "", "Z", "+02", "+0200" or "+02:00".
func zone(b []byte) (time.Duration, bool) {
	switch {
	case len(b) == 0, len(b) == 1 && (b[0] == 'Z' || b[0] == 'z'):
		return 0, true
	case b[0] != '+' && b[0] != '-':
		return 0, false
	}
	digits := bytes.ReplaceAll(b[1:], []byte(":"), nil)
	if len(digits) != 2 && len(digits) != 4 {
		return 0, false
	}
	n := number(digits)
	if n < 0 {
		return 0, false
	}
	if len(digits) == 2 {
		n *= 100
	}
	d := time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
	if b[0] == '-' {
		d = -d
	}
	return d, true
}

// leading finds the time with which a line of text begins: in its first word, its first two words, or in brackets as web servers have it.
func leading(line []byte) time.Time {
	line = line[:min(len(line), 256)]
	if len(line) >= 10 && line[0] >= '0' && line[0] <= '9' {
		word := line
		if i := bytes.IndexAny(line, " \t,;|"); i >= 0 {
			word = line[:i]
			if i == 10 && line[4] == '-' && len(line) > i+8 { // the date, a blank, the time
				word = line
				if j := bytes.IndexAny(line[i+1:], " \t;|"); j >= 0 {
					word = line[:i+1+j]
				}
			}
		}
		if t := momentOf(word); !t.IsZero() {
			return t
		}
	}
	if i := bytes.IndexByte(line, '['); i >= 0 && len(line) > i+27 && line[i+27] == ']' {
		if t, err := time.Parse("02/Jan/2006:15:04:05 -0700", string(line[i+1:i+27])); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
