package match

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// worker looks at chunks: it scans them, and reads those lines in which something was found.
type worker struct {
	set  *Set
	o    Options
	s    *scanner
	rec  record
	when time.Time
	uid  string
	made []byte

	known map[judged]string // what the allow-lists say of values seen lately
}

// judged is an indicator and what was found of it.
type judged struct {
	kind           Kind
	value, written string
}

func newWorker(set *Set, o Options) *worker {
	return &worker{set: set, o: o, s: newScanner(set), known: map[judged]string{}}
}

// do scans a chunk. What begins before its own part, or behind it, is another's.
func (w *worker) do(c *chunk) {
	lineLo, lineHi := 0, -1 // the line that is parsed now
	number, counted := c.line, c.lo
	for _, h := range w.s.scan(c.buf) {
		if h.lo < c.lo || h.lo >= c.hi {
			continue
		}
		number += int64(bytes.Count(c.buf[counted:h.lo], []byte{'\n'}))
		counted = h.lo
		if h.lo >= lineHi {
			lineLo = bytes.LastIndexByte(c.buf[:h.lo], '\n') + 1
			if lineHi = bytes.IndexByte(c.buf[h.lo:], '\n'); lineHi < 0 {
				lineHi = len(c.buf)
			} else {
				lineHi += h.lo
			}
			if r, ok := w.spread(c, h.lo, lineLo); ok {
				lineLo, lineHi = r.lo, r.hi
			}
			w.line(c, lineLo, lineHi)
		}
		at := Occurrence{Line: number, Offset: c.base + int64(h.lo), Time: w.when, UID: w.uid, Written: shown(c.buf[h.lo:h.hi])}
		if h.near {
			w.nearby(c, h, h.lo-lineLo, at)
		} else {
			w.note(c, h.kind, h.ref, h.value, h.lo-lineLo, at)
		}
	}
}

// spread finds the record of a document over many lines.
func (w *worker) spread(c *chunk, place, lineLo int) (span, bool) {
	if c.document == nil || lineLo == 0 && !c.whole {
		return span{}, false
	}
	return c.document.record(c.buf, place)
}

// line reads a line in its format. One that is longer than its window is not read: its pieces are text without fields or time.
func (w *worker) line(c *chunk, lo, hi int) {
	if lo == 0 && !c.whole || hi == len(c.buf) && c.hi < len(c.buf) {
		w.rec = record{line: c.buf[lo:hi], members: w.rec.members[:0]}
		w.when, w.uid = time.Time{}, ""
		return
	}
	cols := c.columns
	for _, h := range c.headers {
		if h.at < lo {
			cols = h.columns
		}
	}
	w.rec.parse(c.buf[lo:hi], w.o.Format, cols)
	w.when, w.uid = w.rec.time(), w.rec.uid()
}

// note makes an occurrence of a hit, if one of its rows stood at the time.
func (w *worker) note(c *chunk, kind Kind, ref uint32, value string, place int, at Occurrence) {
	when := at.Time
	if when.IsZero() {
		when = w.o.At
	}
	void := int64(0)
	for r := range w.set.rows(ref) {
		switch {
		case w.o.Skip != nil && w.o.Skip(r.ID):
		case w.o.Always || r.Valid(when):
			at.IDs = append(at.IDs, r.ID)
		default:
			void = 1
		}
	}
	if len(at.IDs) == 0 {
		c.stats.Void += void
		return
	}
	at.Kind, at.Value, at.Field = kind, value, w.rec.field(place)
	if at.Allowed = w.allowed(kind, value, at.Written); at.Allowed != "" {
		c.stats.Allowed++
	} else {
		c.stats.Found++
	}
	c.found = append(c.found, at)
}

// allowed asks the allow-lists for the indicator, and for the address or the name that was found of it.
func (w *worker) allowed(kind Kind, value, written string) string {
	if w.o.Allow == nil {
		return ""
	}
	k := judged{kind, value, written}
	list, ok := w.known[k]
	if ok {
		return list
	}
	list, ok = w.o.Allow.Covers(kind, value)
	if !ok {
		if v, err := Parse(strings.Trim(written, "."), 0); err == nil && (v.Kind == Address && kind == Range || v.Kind == Domain && kind == Domain) && v.Text != value {
			list, ok = w.o.Allow.Covers(v.Kind, v.Text)
		}
	}
	if ok && list == "" {
		list = "unnamed"
	}
	if len(w.known) >= 1<<14 {
		clear(w.known)
	}
	w.known[k] = list
	return list
}

// nearby looks in the other fields of the line for what makes an address an endpoint, or a host a URL.
func (w *worker) nearby(c *chunk, h hit, place int, at Occurrence) {
	i := w.rec.at(place)
	if len(w.rec.members) == 0 || i < 0 {
		return
	}
	name := w.rec.path(i)
	port := 0
	if p := number(w.rec.get(portFields(name)...)); p > 0 && p < 1<<16 {
		port = p
	}
	if h.kind == Endpoint {
		if a, ok := parseAddr([]byte(h.value)); ok && port > 0 {
			v := endpoint(a, port)
			if ref := w.set.find(Endpoint, v.key); ref&rowOf != 0 {
				w.note(c, Endpoint, ref, v.Text, place, at)
			}
		}
		return
	}
	if !isHostField(name) {
		return
	}
	if port == 0 {
		port = max(number(w.rec.get("id.resp_p", "dest_port", "destination.port", "http.http_port")), 0)
	}
	w.join(c, h, place, at, port)
}

// join puts a URL together from a host in one field and a path in another.
func (w *worker) join(c *chunk, h hit, place int, at Occurrence, port int) {
	full := w.rec.pathOf()
	if len(full) == 0 || len(full) > maxText {
		return
	}
	var seen []uint32
	for _, path := range [][]byte{nil, cutFragment(full), cutQuery(cutFragment(full))} {
		for _, scheme := range []string{"http", "https", ""} {
			for _, p := range []int{port, 0} {
				w.made = appendURL(w.made[:0], scheme, []byte(h.value), p, path)
				if !w.set.maybe(w.set.h.quick(URL, w.made)) {
					continue
				}
				ref := w.set.find(URL, w.made)
				if ref &= rowOf; ref != 0 && !slices.Contains(seen, ref) {
					seen = append(seen, ref)
					w.note(c, URL, ref, string(w.made), place, at)
				}
			}
		}
	}
}
