package misp

import (
	"bytes"
	"errors"
	"io"
	"iter"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
)

// Limits bound what is read. A field that is 0 has the default.
type Limits struct {
	Element int // bytes of one attribute, object, report, or of what an event has beside these; default 8 MiB
	Depth   int // brackets inside each other in one of them; default 32
}

const (
	maxElement = 8 << 20
	maxDepth   = 32
	// MaxEventBytes is the longest text that ParseEvent takes. Read knows no such bound.
	MaxEventBytes = 256 << 20
)

func (l Limits) filled() Limits {
	if l.Element <= 0 {
		l.Element = maxElement
	}
	if l.Depth <= 0 {
		l.Depth = maxDepth
	}
	return l
}

// Part is one element of an event: exactly one of the last five is set.
type Part struct {
	Event  int    // which event of the text, from 0
	List   string // Attribute, Object or EventReport; "" for Head
	Index  int    // place in its list, from 0
	Offset int64  // of its first byte in the stream

	Attribute *Attribute
	Object    *Object
	Report    *EventReport
	Head      *Event // everything else; the last part of each event, since MISP writes tags behind attributes
	Err       error  // why there is no element at this place; safe to show

	last bool // nothing of the event comes after it
}

// Read gives what a text has, one element at a time, and holds no more than one. The text is an event, {"Event":…}, {"response":[…]}, an
// array of these, or one after the other.
//
// An element that is broken, too large or nested too deeply comes as a Part with Err, and costs the others nothing. Where the brackets of
// the text itself do not fit, it cannot be read on, and the error of the last pair says so; what came before stands.
// Errors: fault.Malformed; what r failed with, if that is a fault, or fault.Unavailable.
func Read(r io.Reader, limits Limits) iter.Seq2[Part, error] {
	return read(r, limits, false)
}

func read(r io.Reader, limits Limits, headsAlone bool) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		rd := reader{in: source{src: r, mark: -1}, limits: limits.filled(), heads: headsAlone, yield: yield}
		rd.in.byteOrderMark()
		for {
			if b := rd.in.peek(); b == 0 && rd.in.atEnd() && errors.Is(rd.in.ended, io.EOF) {
				return
			} else if b == ',' && rd.event > 0 {
				rd.in.pos++
			}
			if err := rd.events(0); err != nil || rd.stopped {
				if !rd.stopped {
					yield(Part{Event: rd.event}, err)
				}
				return
			}
		}
	}
}

type reader struct {
	in      source
	limits  Limits
	heads   bool // elements are passed and not given, but for attachments in which objects came along
	event   int
	stopped bool
	yield   func(Part, error) bool
}

func (r *reader) give(p Part) {
	p.Event = r.event
	r.stopped = r.stopped || !r.yield(p, nil)
}

// maxWraps is how many brackets may stand around an event: [{"response":[{"Event":{…}}]}].
const maxWraps = 6

// events reads an event, or a list of events, or what is wrapped around them. The error is why the text cannot be read on.
func (r *reader) events(wraps int) error {
	b := r.in.peek()
	switch {
	case wraps > maxWraps || b != '[' && b != '{':
		return r.in.stuck()
	case b == '{':
		return r.object(wraps)
	}
	return r.list(func() error { return r.events(wraps + 1) })
}

// list calls each at every element of a list.
func (r *reader) list(each func() error) error {
	r.in.pos++
	for first := true; ; first = false {
		switch b := r.in.peek(); {
		case b == ']':
			r.in.pos++
			return nil
		case first:
		case b != ',':
			return r.in.stuck()
		default:
			r.in.pos++
			r.in.peek()
		}
		if err := each(); err != nil || r.stopped {
			return err
		}
	}
}

// object reads what begins with a brace: an event, or a wrapper of events.
func (r *reader) object(wraps int) error {
	start := r.in.offset()
	head := []byte{'{'}
	wrapper, elements := false, false
	r.in.pos++
	for first := true; ; first = false {
		b := r.in.peek()
		if b == '}' {
			r.in.pos++
			break
		}
		if !first {
			if b != ',' {
				return r.in.stuck()
			}
			r.in.pos++
		}
		name, err := r.name()
		if err != nil {
			return err
		}
		next := r.in.peek()
		switch list := listNames[string(name)]; {
		case (string(name) == `"Event"` || string(name) == `"response"`) && (next == '{' || next == '['):
			wrapper = true
			err = r.events(wraps + 1)
		case list != "" && next == '[':
			elements = true
			err = r.elements(list)
		default:
			head, err = r.member(head, name)
		}
		if err != nil || r.stopped {
			return err
		}
	}
	if wrapper {
		return nil
	}
	r.finish(start, append(head, '}'), elements)
	return nil
}

var listNames = map[string]string{`"Attribute"`: "Attribute", `"Object"`: "Object", `"EventReport"`: "EventReport"}

// name reads a member's name and the colon.
func (r *reader) name() ([]byte, error) {
	if r.in.peek() != '"' {
		return nil, r.in.stuck()
	}
	text, bad, err := r.in.value(1<<10, 1)
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, err
	}
	name := bytes.Clone(text)
	if r.in.peek() != ':' {
		return nil, r.in.stuck()
	}
	r.in.pos++
	return name, nil
}

// member adds a member to what is kept of the head, as far as there is room.
func (r *reader) member(head, name []byte) ([]byte, error) {
	r.in.peek()
	at := r.in.offset()
	text, bad, err := r.in.value(r.limits.Element, r.limits.Depth)
	if err != nil {
		return nil, err
	}
	if bad == nil && len(head)+len(name)+len(text)+2 > r.limits.Element {
		bad = fault.New(fault.TooLarge, "", "what the event has beside its attributes has more than %d bytes", r.limits.Element)
	}
	if bad != nil {
		r.give(Part{Offset: at, Err: why(bad, "a member of the event is left out")})
		return head, nil
	}
	if len(head) > 1 {
		head = append(head, ',')
	}
	return append(append(append(head, name...), ':'), text...), nil
}

// elements gives what one of the event's lists has.
func (r *reader) elements(name string) error {
	index := 0
	return r.list(func() error {
		r.in.peek()
		p := Part{List: name, Index: index, Offset: r.in.offset()}
		index++
		text, bad, err := r.in.value(r.limits.Element, r.limits.Depth)
		if err != nil || r.heads && (name != "Attribute" || !bytes.Contains(text, []byte(originalPrefix))) {
			return err
		}
		if p.Err = bad; bad == nil {
			p.Err = r.decode(&p, text)
		}
		if p.Err != nil {
			p.Attribute, p.Object, p.Report = nil, nil, nil
		}
		r.give(p)
		return nil
	})
}

func (r *reader) decode(p *Part, text []byte) (err error) {
	switch p.List {
	case "Attribute":
		p.Attribute = new(Attribute)
		if err = json.Unmarshal(text, p.Attribute); err == nil {
			return p.Attribute.check()
		}
		return why(err, "the attribute cannot be read")
	case "Object":
		p.Object = new(Object)
		if err = json.Unmarshal(text, p.Object); err == nil {
			return p.Object.check()
		}
		return why(err, "the object cannot be read")
	}
	p.Report = new(EventReport)
	if err = json.Unmarshal(text, p.Report); err == nil {
		return p.Report.check()
	}
	return why(err, "the report cannot be read")
}

// finish gives the head of an event.
func (r *reader) finish(start int64, text []byte, elements bool) {
	p := Part{Offset: start, Head: new(Event), last: true}
	err := json.Unmarshal(text, p.Head)
	switch {
	case err != nil:
		err = why(err, "the event cannot be read")
	case p.Head.UUID == "" && p.Head.Info == "" && !elements:
		err = fault.New(fault.Malformed, "", "this is no event: it has neither uuid nor info")
	default:
		err = p.Head.checkHead()
	}
	if err != nil {
		p.Head, p.Err = nil, err
	}
	r.give(p)
	r.event++
}

// ParseEvent reads one event, in any of the forms that Read takes, at most MaxEventBytes. Errors: fault.Malformed and fault.TooLarge, with the
// place of the first element that is broken; also where there is no event, or more than one.
func ParseEvent(b []byte) (*Event, error) {
	if len(b) > MaxEventBytes {
		return nil, fault.New(fault.TooLarge, "", "an event has at most %d bytes", MaxEventBytes)
	}
	var found *Event
	gathered := &Event{}
	for p, err := range Read(bytes.NewReader(b), Limits{}) {
		switch {
		case err != nil:
			return nil, err
		case p.Err != nil:
			return nil, p.fault()
		case found != nil:
			return nil, fault.New(fault.Malformed, "", "there is more than one event")
		case p.Head != nil:
			found = p.Head
			found.Attributes, found.Objects, found.Reports = gathered.Attributes, gathered.Objects, gathered.Reports
		default:
			gathered.add(p)
		}
	}
	if found == nil {
		return nil, fault.New(fault.Malformed, "", "there is no event")
	}
	return found, nil
}

func (e *Event) add(p Part) {
	switch {
	case p.Attribute != nil:
		e.Attributes = append(e.Attributes, *p.Attribute)
	case p.Object != nil:
		e.Objects = append(e.Objects, *p.Object)
	case p.Report != nil:
		e.Reports = append(e.Reports, *p.Report)
	}
}

// fault says where Err stands.
func (p *Part) fault() error {
	f := fault.Of(p.Err)
	if p.List == "" {
		return fault.Wrap(f.Err, f.Code, f.Clause, "at byte %d: %s", p.Offset, f.Msg)
	}
	return fault.Wrap(f.Err, f.Code, f.Clause, "%s %d, at byte %d: %s", p.List, p.Index+1, p.Offset, f.Msg)
}
