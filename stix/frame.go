package stix

import (
	"bytes"
	"errors"
	"io"

	"github.com/comity-exchange/comity/fault"
)

// framer finds where JSON values end in a stream, without looking into them more than that needs. It holds the bytes from mark on
// and no others, so that one object is in memory at a time.
type framer struct {
	src   io.Reader
	buf   []byte
	pos   int   // the next byte
	mark  int   // the first byte that must be kept; −1 for none
	base  int64 // offset of buf[0] in the stream
	size  int   // the longest value that is kept
	ended error // what src ended with
	stack []byte
	// strict asks for the grammar's every comma, and for strings on one line, so that an object which does not end breaks off where
	// the next one begins. In a list brackets say where an object ends, whatever is wrong inside it.
	strict bool
}

const (
	chunk = 64 << 10
	// deepest is how many levels are followed to find the end of what is refused anyway. What is nested deeper is not recovered from.
	deepest = 10_000
)

// fill brings more bytes behind those that are held, and moves what is held to the front. It returns false at the end.
func (r *framer) fill() bool {
	if r.ended != nil {
		return false
	}
	from := r.pos
	if r.mark >= 0 {
		from = r.mark
	}
	if from > 0 {
		n := copy(r.buf, r.buf[from:])
		r.buf, r.pos, r.base = r.buf[:n], r.pos-from, r.base+int64(from)
		if r.mark >= 0 {
			r.mark = 0
		}
	}
	if len(r.buf) == cap(r.buf) {
		r.buf = append(make([]byte, 0, max(chunk, 2*cap(r.buf))), r.buf...)
	}
	for range 100 {
		n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		r.ended = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	r.ended = io.ErrNoProgress
	return false
}

// peek gives the next byte that is no white space, 0 at the end.
func (r *framer) peek() byte {
	for {
		for ; r.pos < len(r.buf); r.pos++ {
			switch b := r.buf[r.pos]; b {
			case ' ', '\t', '\r', '\n':
			default:
				return b
			}
		}
		if !r.fill() {
			return 0
		}
	}
}

// byteOrderMark passes the mark that some programs write before a text.
func (r *framer) byteOrderMark() {
	const mark = "\ufeff"
	for r.peek() == mark[0] && len(r.buf)-r.pos < len(mark) && r.fill() {
	}
	if bytes.HasPrefix(r.buf[r.pos:], []byte(mark)) {
		r.pos += len(mark)
	}
}

// atEnd tells whether nothing is left to read; ended says why.
func (r *framer) atEnd() bool { return r.pos >= len(r.buf) && r.ended != nil }

// complete tells whether src came to its end and did not fail.
func (r *framer) complete() bool { return errors.Is(r.ended, io.EOF) }

func (r *framer) offset() int64 { return r.base + int64(r.pos) }

// early is the fault of a stream that ends, or breaks, before it should.
func (r *framer) early() error {
	if r.ended == nil || r.complete() {
		return fault.New(fault.Malformed, "", "the text ends too early, at byte %d", r.offset())
	}
	if fault.CodeOf(r.ended) != fault.Internal {
		return r.ended
	}
	return fault.Wrap(r.ended, fault.Unavailable, "", "reading broke off at byte %d; send the whole again", r.offset())
}

func (r *framer) broken() error {
	return fault.New(fault.Malformed, "", "the JSON is broken at byte %d", r.offset())
}

// whole gives the bytes of the object at pos if its end is in what is held, nil otherwise. It counts brackets alone and moves nothing:
// if what it gives is a good object it is the right one, and if not, frame finds out what is wrong. Of lines it looks at one, and at
// nothing but objects, or all that is held would be looked through for each bracket that does not close.
func (r *framer) whole() []byte {
	window := r.buf[r.pos:min(len(r.buf), r.pos+r.size)]
	if len(window) == 0 || window[0] != '{' {
		return nil
	}
	depth := 0
	for i := 0; i < len(window); i++ {
		switch window[i] {
		case '\n':
			if r.strict {
				return nil
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return window[:i+1]
			}
		case '"':
			n := stringEnd(window[i+1:])
			if n < 0 {
				return nil
			}
			i += n + 1
		}
	}
	return nil
}

// stringEnd gives the place of the quote that ends a string whose content b begins with, −1 where there is none.
func stringEnd(b []byte) int {
	for from := 0; ; {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return -1
		}
		slashes := from + n
		for slashes > 0 && b[slashes-1] == '\\' {
			slashes--
		}
		if (from+n-slashes)%2 == 0 {
			return from + n
		}
		from += n + 1
	}
}

// What may come next inside a value.
const (
	wantValue = iota
	wantValueOrEnd
	wantName
	wantNameOrEnd
	wantColon
	wantCommaOrEnd
)

// frame moves past the value that begins at pos and gives its bytes, which stand until the next call. over tells that the value
// was longer than size; then it is passed and not kept. Where brackets, strings and commas do not fit together it stops there.
func (r *framer) frame() (text []byte, over bool, err error) {
	own := r.mark < 0
	if own {
		r.mark = r.pos
		defer func() { r.mark = -1 }()
	}
	start := r.offset()
	r.stack = r.stack[:0]
	for state := wantValue; ; {
		b := r.peek()
		if over = over || r.tooLong(); over && !own {
			return nil, true, r.unkept()
		}
		if b == 0 && r.atEnd() {
			return nil, over, r.early()
		}
		var ok bool
		if len(r.stack) > 0 && !r.strict {
			state, ok, err = r.pass(b)
		} else {
			state, ok, err = r.step(state, b)
		}
		if err != nil {
			return nil, over, err
		} else if !ok {
			return nil, over, r.broken()
		}
		if len(r.stack) == 0 && state == wantCommaOrEnd {
			break
		}
	}
	if over = over || r.tooLong(); over && !own {
		return nil, true, r.unkept()
	} else if over {
		return nil, true, nil
	}
	return r.buf[r.pos-int(r.offset()-start) : r.pos], false, nil
}

// tooLong tells whether more stands behind the mark than is kept, and then keeps nothing.
func (r *framer) tooLong() bool {
	if r.mark >= 0 && r.pos-r.mark > r.size {
		r.mark = -1
	}
	return r.mark < 0
}

func (r *framer) unkept() error {
	return fault.New(fault.TooLarge, "", "the first object, or what comes before the objects, has more than %d bytes", r.size)
}

// step takes what begins with b and says what may come then; ok is false where b may not come.
func (r *framer) step(state int, b byte) (next int, ok bool, err error) {
	value := state == wantValue || state == wantValueOrEnd
	switch b {
	case '"':
		next = wantCommaOrEnd
		if state == wantName || state == wantNameOrEnd {
			next = wantColon
		} else if !value {
			return 0, false, nil
		}
		return next, true, r.skipString()
	case '{', '[':
		if len(r.stack) >= deepest {
			return 0, false, fault.New(fault.TooLarge, "", "the JSON is nested too deeply to go on, at byte %d", r.offset())
		}
		r.stack = append(r.stack, b)
		next, ok = wantNameOrEnd, value
		if b == '[' {
			next = wantValueOrEnd
		}
	case '}', ']':
		// The closing bracket of each kind is two places after the opening one.
		ok = len(r.stack) > 0 && r.stack[len(r.stack)-1] == b-2 &&
			(state == wantCommaOrEnd || state == wantNameOrEnd || state == wantValueOrEnd)
		if ok {
			r.stack = r.stack[:len(r.stack)-1]
		}
		next = wantCommaOrEnd
	case ',':
		next, ok = wantName, state == wantCommaOrEnd && len(r.stack) > 0
		if ok && r.stack[len(r.stack)-1] == '[' {
			next = wantValue
		}
	case ':':
		next, ok = wantValue, state == wantColon
	default:
		if !value || !scalar(b) {
			return 0, false, nil
		}
		for r.pos < len(r.buf) || r.fill() {
			if !scalar(r.buf[r.pos]) {
				break
			}
			r.pos++
			r.tooLong()
		}
		return wantCommaOrEnd, true, nil
	}
	if ok {
		r.pos++
	}
	return next, ok, nil
}

// pass moves past what begins with b inside brackets that have only to match.
func (r *framer) pass(b byte) (next int, ok bool, err error) {
	switch b {
	case '"':
		return wantCommaOrEnd, true, r.skipString()
	case '{', '[':
		return r.step(wantValue, b)
	case '}', ']':
		return r.step(wantCommaOrEnd, b)
	}
	r.pos++
	return wantCommaOrEnd, true, nil
}

// scalar tells whether b may stand in a number or a literal.
func scalar(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-' || b == '+' || b == '.'
}

// skipString moves past a string. pos is at its quote.
func (r *framer) skipString() error {
	r.pos++
	for {
		window := r.buf[r.pos:]
		end := bytes.IndexByte(window, '"')
		if end >= 0 {
			window = window[:end]
		}
		if r.strict {
			if n := bytes.IndexByte(window, '\n'); n >= 0 {
				r.pos += n
				return r.broken()
			}
		}
		if slash := bytes.IndexByte(window, '\\'); slash >= 0 {
			// What follows the backslash is passed with it, be it a quote.
			r.pos += slash + 1
			if r.pos == len(r.buf) && !r.fill() {
				return r.early()
			}
			r.pos++
			continue
		}
		r.pos += len(window)
		if end >= 0 {
			r.pos++
			return nil
		}
		r.tooLong()
		if !r.fill() {
			return r.early()
		}
	}
}

// nextLine moves to the next line that begins with a brace, and tells whether there is one. Where an object broke off because such a
// line came too early, it stays there.
func (r *framer) nextLine() bool {
	if r.pos > 0 && r.pos < len(r.buf) && r.buf[r.pos-1] == '\n' && r.buf[r.pos] == '{' {
		return true
	}
	for {
		n := bytes.IndexByte(r.buf[r.pos:], '\n')
		if n < 0 {
			r.pos = len(r.buf)
		} else {
			r.pos += n + 1
		}
		if r.pos == len(r.buf) && !r.fill() {
			return false
		}
		if n >= 0 && r.buf[r.pos] == '{' {
			return true
		}
	}
}
