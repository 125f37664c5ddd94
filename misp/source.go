package misp

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
)

// source finds where JSON values begin and end in a stream. It holds the value that is being read and no more, and never more of that
// than is allowed. It counts brackets and skips strings; whether what lies between is JSON, the decoder says.
type source struct {
	src   io.Reader
	buf   []byte
	pos   int   // the next byte
	mark  int   // the first byte that must be kept; −1 for none
	base  int64 // of buf[0] in the stream
	ended error // what src ended with
}

const chunk = 64 << 10

// fill brings more bytes and moves what must be kept to the front. It returns false at the end.
func (s *source) fill() bool {
	if s.ended != nil {
		return false
	}
	from := s.pos
	if s.mark >= 0 {
		from = s.mark
	}
	if from > 0 {
		n := copy(s.buf, s.buf[from:])
		s.buf, s.pos, s.base = s.buf[:n], s.pos-from, s.base+int64(from)
		if s.mark >= 0 {
			s.mark = 0
		}
	}
	if len(s.buf) == cap(s.buf) {
		s.buf = append(make([]byte, 0, max(chunk, 2*cap(s.buf))), s.buf...)
	}
	for range 100 {
		n, err := s.src.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		s.ended = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	s.ended = io.ErrNoProgress
	return false
}

// peek gives the next byte that is no white space, 0 at the end.
func (s *source) peek() byte {
	for {
		for ; s.pos < len(s.buf); s.pos++ {
			switch b := s.buf[s.pos]; b {
			case ' ', '\t', '\r', '\n':
			default:
				return b
			}
		}
		if !s.fill() {
			return 0
		}
	}
}

// byteOrderMark passes the mark that some programs write before a text.
func (s *source) byteOrderMark() {
	const mark = "\ufeff"
	for s.peek() == mark[0] && len(s.buf)-s.pos < len(mark) && s.fill() {
	}
	if bytes.HasPrefix(s.buf[s.pos:], []byte(mark)) {
		s.pos += len(mark)
	}
}

func (s *source) atEnd() bool   { return s.pos >= len(s.buf) && s.ended != nil }
func (s *source) offset() int64 { return s.base + int64(s.pos) }

// stuck is why a text cannot be read on at this byte.
func (s *source) stuck() error {
	switch {
	case !s.atEnd():
		return fault.New(fault.Malformed, "", "the JSON is broken at byte %d", s.offset())
	case errors.Is(s.ended, io.EOF):
		return fault.New(fault.Malformed, "", "the text ends too early, at byte %d", s.offset())
	case fault.CodeOf(s.ended) != fault.Internal:
		return s.ended
	}
	return fault.Wrap(s.ended, fault.Unavailable, "", "reading broke off at byte %d; send the whole again", s.offset())
}

// value moves past the value at the next byte and gives its text, which stands until the next call. bad is why a value that has an end is
// not kept: it has more than size bytes, or more than depth brackets inside each other. err is why there is no end.
func (s *source) value(size, depth int) (text []byte, bad, err error) {
	if s.peek(); s.pos >= len(s.buf) {
		return nil, nil, s.stuck()
	}
	s.mark = s.pos
	defer func() { s.mark = -1 }()
	start, deepest := s.offset(), 0
	for open := 0; ; {
		if s.mark >= 0 && s.pos-s.mark > size {
			s.mark = -1
		}
		if s.pos >= len(s.buf) && !s.fill() {
			if open == 0 && s.offset() > start {
				break // a number at the end
			}
			return nil, nil, s.stuck()
		}
		switch b := s.buf[s.pos]; b {
		case '"':
			if err := s.text(size); err != nil {
				return nil, nil, err
			}
			if open > 0 {
				continue
			}
		case '{', '[':
			open++
			deepest = max(deepest, open)
			s.pos++
			continue
		case '}', ']':
			if open == 0 {
				return nil, nil, s.stuck()
			}
			s.pos++
			if open--; open > 0 {
				continue
			}
		default:
			if open > 0 || plain(b) {
				s.pos++
				if open > 0 || s.pos < len(s.buf) && plain(s.buf[s.pos]) || s.pos == len(s.buf) && s.fill() && plain(s.buf[s.pos]) {
					continue
				}
			} else {
				return nil, nil, s.stuck()
			}
		}
		break
	}
	switch {
	case s.mark < 0 || s.pos-s.mark > size:
		return nil, fault.New(fault.TooLarge, "", "it has more than %d bytes", size), nil
	case deepest > depth:
		return nil, fault.New(fault.TooLarge, "", "it is nested too deeply"), nil
	}
	return s.buf[s.mark:s.pos], nil, nil
}

// plain tells whether b may stand in a number or a literal.
func plain(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-' || b == '+' || b == '.'
}

// text moves past a string. pos is at its quote.
func (s *source) text(size int) error {
	s.pos++
	for {
		window := s.buf[s.pos:]
		end := bytes.IndexByte(window, '"')
		if end >= 0 {
			window = window[:end]
		}
		if slash := bytes.IndexByte(window, '\\'); slash >= 0 {
			s.pos += slash + 1 // what follows is passed with it, be it a quote
			if s.pos == len(s.buf) && !s.fill() {
				return s.stuck()
			}
			s.pos++
			continue
		}
		s.pos += len(window)
		if end >= 0 {
			s.pos++
			return nil
		}
		if s.mark >= 0 && s.pos-s.mark > size {
			s.mark = -1
		}
		if !s.fill() {
			return s.stuck()
		}
	}
}

// shallow tells whether b has at most depth brackets inside each other, before a decoder spends anything on it.
func shallow(b []byte, depth int) error {
	s := source{src: bytes.NewReader(nil), buf: b, mark: -1, ended: io.EOF}
	_, bad, err := s.value(len(b), depth)
	if err != nil {
		return err
	}
	return bad
}

// why says what a decoder did not like, without quoting it.
func why(err error, what string) error {
	var f *fault.Error
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &f):
		return fault.Wrap(err, f.Code, f.Clause, "%s: %s", what, f.Msg)
	case errors.As(err, &syntactic):
		return fault.Wrap(err, fault.Malformed, "", "%s: the JSON is broken at byte %d of it", what, syntactic.ByteOffset)
	case errors.As(err, &semantic) && semantic.JSONPointer != "":
		return fault.Wrap(err, fault.Malformed, "", "%s: %s is not what it should be", what, semantic.JSONPointer)
	}
	return fault.Wrap(err, fault.Malformed, "", "%s", what)
}
