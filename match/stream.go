package match

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// Occurrence is an indicator found in a log.
type Occurrence struct {
	Kind    Kind
	Value   string    // the indicator in its canonical form
	Written string    // as the log has it, at most 256 bytes
	IDs     []uint32  // rows that stood at the record's time, at least one
	Line    int64     // from 1
	Offset  int64     // of Written, in bytes from the beginning of the log
	Field   string    // of the record, where the format has fields
	UID     string    // of the record, as Zeek and Suricata give it
	Time    time.Time // of the record; zero where it says none
	Allowed string    // the allow-list that has it, "" for none
}

// Stats counts what was read.
type Stats struct {
	Bytes, Lines int64
	Found        int64 // occurrences, without the next two
	Allowed      int64 // on an allow-list
	Void         int64 // of indicators that were revoked, or not valid at the time
}

// Options say how a log is read.
type Options struct {
	Format  Format
	At      time.Time            // the time by which validity is judged where a record says none
	Always  bool                 // validity and revocation are not looked at
	Allow   *Allow               // nil for none
	Skip    func(id uint32) bool // rows that do not count any more; nil for none. Several goroutines call it, of what was found
	Workers int                  // goroutines that scan; less than 1 counts as 1
	Live    bool                 // lines are scanned as soon as they are read, not when there is enough of them
	Window  int                  // bytes that are scanned at once; 0 for 1 MiB. Tests make it small
}

const (
	window   = 1 << 20
	overlap  = 1 << 14 // on either side of a cut inside a line; more than twice what decides about a place
	least    = 4 * overlap
	inFlight = 2 // windows a worker, so that none waits for the reader
)

// chunk is a piece of a log: whole lines, or a window of a line that is longer than a chunk.
type chunk struct {
	buf      []byte
	lo, hi   int // what begins in here is this chunk's
	base     int64
	line     int64 // of its first byte, from 1
	whole    bool  // it begins at the beginning of a line
	columns  *columns
	headers  []header
	document *document
	stats    Stats
	found    []Occurrence
	finished chan struct{}
}

// spare is what a chunk leaves for another to use again.
type spare struct {
	buf   []byte
	found []Occurrence
}

// maxSpare bounds the occurrences whose memory is kept; a chunk that is full of them is rare.
const maxSpare = 1 << 14

type header struct {
	at int
	*columns
}

// Scan looks for the indicators in a log and tells found, on this goroutine, in the order of the log; an error that found gives ends it. A line of any
// length costs bounded memory: about 2 MiB, and 2 MiB more for each worker. Errors of the reader are passed on as they are. When ctx ends, Scan returns
// at once; a Read that is under way may go on until it returns, and what it gives is dropped.
func Scan(ctx context.Context, log io.Reader, set *Set, o Options, found func(Occurrence) error) (Stats, error) {
	o.Workers = max(o.Workers, 1)
	if o.Window == 0 {
		o.Window = window
	}
	o.Window = max(o.Window, least)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	depth := inFlight * o.Workers
	r := &reader{in: log, o: o, free: make(chan spare, depth+2), work: make(chan *chunk, depth), order: make(chan *chunk, depth)}
	for range depth + 2 {
		r.free <- spare{}
	}
	go r.run(ctx)
	for range o.Workers {
		go func() {
			w := newWorker(set, o)
			for c := range r.work {
				w.do(c)
				close(c.finished)
			}
		}()
	}
	var total Stats
	canceled := func() error { return fault.Wrap(ctx.Err(), fault.Canceled, "", "interrupted") }
	for {
		var c *chunk
		var more bool
		select {
		case c, more = <-r.order:
		case <-ctx.Done():
			return total, canceled()
		}
		if !more {
			if ctx.Err() != nil {
				return total, canceled()
			}
			return total, r.err
		}
		<-c.finished
		total.add(c)
		for _, f := range c.found {
			if err := found(f); err != nil {
				return total, err
			}
		}
		if cap(c.found) > maxSpare {
			c.found = nil
		}
		r.free <- spare{c.buf, c.found[:0]}
	}
}

func (s *Stats) add(c *chunk) {
	s.Bytes += int64(c.hi - c.lo)
	s.Lines += c.stats.Lines
	s.Found += c.stats.Found
	s.Allowed += c.stats.Allowed
	s.Void += c.stats.Void
}

// reader cuts a log into chunks.
type reader struct {
	in    io.Reader
	o     Options
	free  chan spare // as many as there can be
	work  chan *chunk
	order chan *chunk
	err   error // read after order is closed

	columns  *columns
	document *document
	base     int64 // of the next chunk
	line     int64
}

func (r *reader) run(ctx context.Context) {
	defer close(r.order)
	defer close(r.work)
	r.line = 1
	var rest []byte // what the last chunk left: the beginning of a line, or the end of a window
	lo, whole := 0, true
	for {
		var old spare
		select {
		case old = <-r.free:
		case <-ctx.Done():
			return
		}
		buf := old.buf[:cap(old.buf)]
		if buf == nil {
			buf = make([]byte, r.o.Window)
		}
		n, end, err := r.fill(buf, copy(buf, rest))
		if err != nil {
			r.err = err
			return
		}
		if r.base == 0 && (r.o.Format == Auto || r.o.Format == JSON) {
			r.document = documentOf(buf[:n])
		}
		c := &chunk{document: r.document, buf: buf[:n], lo: lo, hi: n, base: r.base, line: r.line, whole: whole, columns: r.columns, found: old.found, finished: make(chan struct{})}
		cut := n // the next chunk takes over from here
		if !end {
			if cut = r.cut(buf[lo:n]) + lo; cut > lo {
				c.buf, c.hi, whole = buf[:cut], cut, true
			} else { // a line longer than the buffer
				c.hi, whole = n-overlap, false
				cut = n - 2*overlap
			}
		}
		rest = append(rest[:0], buf[cut:n]...)
		lo = max(c.hi-cut, 0)
		r.base += int64(cut)
		r.head(c)
		c.stats.Lines = int64(bytes.Count(c.buf[c.lo:c.hi], []byte{'\n'}))
		r.line += c.stats.Lines
		if end && c.hi > c.lo && c.buf[c.hi-1] != '\n' {
			c.stats.Lines++
		}
		if !send(ctx, r.work, c) || !send(ctx, r.order, c) || end {
			return
		}
	}
}

// cut gives where the last line ends, or of a document over many lines the last record; 0 where none does.
func (r *reader) cut(b []byte) int {
	if r.document != nil && !r.o.Live {
		if n := r.document.cut(b); n > 0 {
			return n
		}
	}
	return bytes.LastIndexByte(b, '\n') + 1
}

func send(ctx context.Context, to chan<- *chunk, c *chunk) bool {
	select {
	case to <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// fill reads until the buffer is full, the log ends, or, of a live log, there is a line.
func (r *reader) fill(buf []byte, n int) (int, bool, error) {
	idle := 0
	for n < len(buf) {
		m, err := r.in.Read(buf[n:])
		fresh := buf[n : n+m]
		n += m
		switch {
		case err == io.EOF:
			return n, true, nil
		case err != nil:
			return n, false, err
		case m == 0:
			if idle++; idle > 100 {
				return n, false, io.ErrNoProgress
			}
		case r.o.Live && bytes.IndexByte(fresh, '\n') >= 0:
			return n, false, nil
		}
	}
	return n, false, nil
}

// head finds the lines that name columns, so that workers need not know what came before.
func (r *reader) head(c *chunk) {
	if r.o.Format != Auto && r.o.Format != Zeek {
		return
	}
	sign := []byte("#fields")
	for at := c.lo; ; {
		i := bytes.Index(c.buf[at:c.hi], sign)
		if i < 0 {
			return
		}
		if at += i; at == 0 && c.whole || at > 0 && c.buf[at-1] == '\n' {
			end := at + bytes.IndexByte(c.buf[at:], '\n')
			if end < at {
				end = len(c.buf)
			}
			if cols := parseColumns(c.buf[at:end]); cols != nil {
				r.columns = cols
				c.headers = append(c.headers, header{at, cols})
			}
		}
		at += len(sign)
	}
}
