package stix

import (
	"errors"
	"io"
	"iter"

	"github.com/comity-exchange/comity/fault"
)

// Form is how several objects stand in one text.
type Form string

// The forms.
const (
	Bundle   Form = "bundle"   // {"type":"bundle","id":…,"objects":[…]} (§8)
	Envelope Form = "envelope" // {"more":…,"next":…,"objects":[…]} (TAXII 2.1 §3.7)
	Array    Form = "array"    // […]
	Lines    Form = "lines"    // one object after another, as a rule one a line; a single object is this too
)

// Item is one object of a text, or why there is none at its place.
type Item struct {
	Index  int   // place among the objects, from 0
	Offset int64 // of its first byte in the stream
	Object *Object
	Err    error // *fault.Error; offsets in its message count from the object's first byte
}

// Reader reads objects one at a time and never holds more than one. It finds out by itself which Form it has.
//
// An object that is broken, too large or no object costs the others nothing: it comes as an Item with Err. Where brackets, strings
// or commas do not fit together, a bundle, envelope or array cannot be read on, and Next returns an error; what came before stands.
// Lines go on at the next line that begins with a brace.
//
// A Reader is not safe for concurrent use.
type Reader struct {
	in     framer
	parser Parser
	form   Form
	names  map[string]struct{} // of the container
	head   Head
	index  int
	stage  stage
	err    error
}

// Head is what stands around the objects. What comes after them is known only when Next has returned io.EOF.
type Head struct {
	Type Type   // "bundle", or ""
	ID   ID     // of a bundle; "" where there is none or it is malformed
	More bool   // of an envelope: there is more to ask for
	Next string // of an envelope: what to ask with
}

type stage int

const (
	atStart stage = iota
	atFirst       // behind the bracket of the list
	atRest        // behind an object of the list
	atLines
)

// NewReader reads from src within limits.
func NewReader(src io.Reader, limits Limits) *Reader {
	limits = limits.filled()
	return &Reader{
		in:     framer{src: src, mark: -1, size: limits.Size, strict: true},
		parser: Parser{Limits: limits},
		names:  map[string]struct{}{},
	}
}

// Form is how the objects stand; "" before the first Next. An envelope may turn out to be a bundle at its end.
func (r *Reader) Form() Form { return r.form }

// Head is what stands around the objects, as far as it has been read.
func (r *Reader) Head() Head { return r.head }

// All gives every item until the end. The error of the last pair, if any, is why it could not go on.
func (r *Reader) All() iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for {
			it, err := r.Next()
			if errors.Is(err, io.EOF) || !yield(it, err) || err != nil {
				return
			}
		}
	}
}

// Next gives the next item. Errors: io.EOF after the last; fault.Malformed or fault.TooLarge where the text cannot be read on, with the
// byte; what the source failed with, if that is a fault, or fault.Unavailable. An error stays.
func (r *Reader) Next() (Item, error) {
	if r.err != nil {
		return Item{}, r.err
	}
	it, err := r.next()
	if err != nil {
		r.err = err
		return Item{}, err
	}
	r.index++
	return it, nil
}

func (r *Reader) next() (Item, error) {
	if r.stage == atStart {
		if err := r.begin(); err != nil {
			return Item{}, err
		}
	}
	if r.stage == atLines {
		return r.line()
	}
	switch b := r.in.peek(); {
	case b == ']':
		r.in.pos++
		return Item{}, r.finish()
	case b == 0 && r.in.atEnd():
		return Item{}, r.in.early()
	case r.stage == atRest:
		if b != ',' {
			return Item{}, r.in.broken()
		}
		r.in.pos++
		r.in.peek()
	}
	r.stage = atRest
	it := Item{Index: r.index, Offset: r.in.offset()}
	if err := r.fill(&it); err != nil {
		return Item{}, err
	}
	return it, nil
}

// fill reads the object that begins at the next byte into it. The error is why the text cannot be read on.
func (r *Reader) fill(it *Item) (err error) {
	if text := r.in.whole(); text != nil {
		if it.Object, err = r.parser.Parse(text); err == nil {
			r.in.pos += len(text)
			return nil
		}
	}
	text, over, err := r.in.frame()
	switch {
	case err != nil:
		return err
	case over:
		it.Err = fault.New(fault.TooLarge, "", "the object has more than %d bytes", r.in.size)
	default:
		it.Object, it.Err = r.parser.Parse(text)
	}
	return nil
}

// line reads the next of several objects that stand one after another.
func (r *Reader) line() (Item, error) {
	if r.in.peek() == 0 && r.in.atEnd() {
		if !r.in.complete() {
			return Item{}, r.in.early()
		}
		return Item{}, io.EOF
	}
	it := Item{Index: r.index, Offset: r.in.offset()}
	if err := r.fill(&it); err != nil {
		if r.in.atEnd() && !r.in.complete() {
			return Item{}, err
		}
		it.Err = err
		r.in.nextLine()
	}
	return it, nil
}

// begin finds out which form the text has, and stops before the first object.
func (r *Reader) begin() error {
	in := &r.in
	in.byteOrderMark()
	switch b := in.peek(); {
	case b == '[':
		in.pos++
		in.strict = false
		r.form, r.stage = Array, atFirst
	case b == '{':
		in.mark = in.pos
		err := r.open()
		if r.stage == atStart && err == nil || r.head.Type != "bundle" && fault.CodeOf(err) == fault.Malformed {
			// No container: what was looked at is the first object, or what should have been one.
			in.pos = in.mark
			r.form, r.head, r.stage, err = Lines, Head{}, atLines, nil
		}
		in.mark = -1
		return err
	case b == 0 && in.atEnd():
		if !in.complete() {
			return in.early()
		}
		r.form, r.stage = Lines, atLines
	default:
		return fault.New(fault.Malformed, "", "the text is neither a bundle, an envelope, a list nor lines of STIX objects")
	}
	return nil
}

// open reads the members of what may be a container up to its list of objects. If it is none, the stage stays atStart; if it has
// no objects, the error is io.EOF.
func (r *Reader) open() error {
	r.in.pos++
	for first := true; ; first = false {
		name, err := r.key(first)
		if err != nil {
			return err
		}
		if name == "" {
			break
		}
		if name == "objects" && r.in.peek() == '[' && (r.head.Type == "" || r.head.Type == "bundle") {
			r.in.pos++
			r.in.strict = false
			r.form, r.stage = Envelope, atFirst
			if r.head.Type == "bundle" {
				r.form = Bundle
			}
			return nil
		}
		if err := r.note(name); err != nil {
			return err
		}
	}
	_, typed := r.names["type"]
	switch {
	case r.head.Type == "bundle":
		r.form = Bundle
	case !typed && r.head.ID == "":
		r.form = Envelope
	default:
		return nil
	}
	r.stage = atRest
	return r.end()
}

// key reads the name of the container's next member and the colon; "" behind the closing brace.
func (r *Reader) key(first bool) (string, error) {
	in := &r.in
	switch b := in.peek(); {
	case b == '}':
		in.pos++
		return "", nil
	case !first && b == ',':
		in.pos++
		in.peek()
	case !first:
		return "", r.cut()
	}
	if in.peek() != '"' {
		return "", r.cut()
	}
	text, over, err := in.frame()
	if err != nil {
		return "", err
	}
	c := scanner{s: string(text), limits: r.parser.Limits}
	raw, escaped, f := c.str()
	if over || f != nil || raw == "" {
		return "", in.broken()
	}
	if escaped {
		raw = unescape(raw)
	}
	if _, twice := r.names[raw]; twice || len(r.names) >= 1000 {
		return "", fault.New(fault.Malformed, "", "what holds the objects has a name twice, or too many, at byte %d", in.offset())
	}
	r.names[raw] = struct{}{}
	if in.peek() != ':' {
		return "", r.cut()
	}
	in.pos++
	in.peek()
	return raw, nil
}

// cut is the fault of a text that ends, or goes on wrongly, where it stands.
func (r *Reader) cut() error {
	if r.in.atEnd() {
		return r.in.early()
	}
	return r.in.broken()
}

// note reads the value of a member of the container and keeps it if it means something.
func (r *Reader) note(name string) error {
	at := r.in.offset()
	text, over, err := r.in.frame()
	if err != nil {
		return err
	}
	c := scanner{s: string(text), limits: r.parser.Limits, left: r.parser.Limits.Names}
	if over || c.value(0) != nil || c.i != len(c.s) {
		return fault.New(fault.Malformed, "", "what holds the objects is broken at byte %d", at)
	}
	switch name {
	case "type":
		r.head.Type, _ = textOf[Type](c.s)
	case "id":
		r.head.ID, _ = idOf(c.s)
	case "more":
		r.head.More = c.s == "true"
	case "next":
		r.head.Next, _ = textOf[string](c.s)
	}
	return nil
}

// finish reads what follows the list. It ends with io.EOF if all is well.
func (r *Reader) finish() error {
	for r.form != Array {
		name, err := r.key(false)
		if err != nil {
			return err
		}
		if name == "" {
			break
		}
		if err := r.note(name); err != nil {
			return err
		}
	}
	if r.head.Type == "bundle" {
		r.form = Bundle
	} else if r.head.Type != "" {
		return fault.New(fault.Malformed, "", "what holds the objects is neither a bundle nor an envelope")
	}
	return r.end()
}

func (r *Reader) end() error {
	switch b := r.in.peek(); {
	case b != 0 || !r.in.atEnd():
		return fault.New(fault.Malformed, "", "something follows the objects at byte %d", r.in.offset())
	case !r.in.complete():
		return r.in.early()
	}
	return io.EOF
}
