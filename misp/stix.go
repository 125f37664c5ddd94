package misp

import (
	"bytes"
	"io"
	"iter"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// Mapping says how MISP becomes STIX. The zero value is ready.
type Mapping struct {
	TLP    marking.TLP // of what has a PAP label and no TLP label, since a marking that says the one must say the other; "" for AMBER
	Limits Limits
}

// STIX gives the objects that e becomes: each attribute, object, report and sighting under its own UUID, then a report over all. Before an
// object comes what it refers to by a marking or as its author. What cannot become an object comes as an Item with Err.
func (e *Event) STIX(m Mapping) iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		out := &stream{yield: yield}
		came := &originals{}
		for i := range e.Attributes {
			came.add(&e.Attributes[i])
		}
		x := newMapper(e, came, m, out.give)
		x.frame()
		for p := range e.parts() {
			if out.stopped {
				return
			}
			x.part(p)
		}
		x.close()
	}
}

// parts gives the elements of e in the order in which MISP writes them.
func (e *Event) parts() iter.Seq[Part] {
	return func(yield func(Part) bool) {
		for i := range e.Attributes {
			if !yield(Part{List: "Attribute", Index: i, Attribute: &e.Attributes[i]}) {
				return
			}
		}
		for i := range e.Objects {
			if !yield(Part{List: "Object", Index: i, Object: &e.Objects[i]}) {
				return
			}
		}
		for i := range e.Reports {
			if !yield(Part{List: "EventReport", Index: i, Report: &e.Reports[i]}) {
				return
			}
		}
	}
}

// Items maps a text, in any of the forms that Read takes, to STIX, and holds one element at a time. MISP writes tags behind attributes,
// so the text is read twice, once ahead for what holds for a whole event: open is called twice and gives the same text. An event
// that is cut short or has no readable head gives nothing, since nobody knows how it is marked.
func Items(open func() (io.Reader, error), m Mapping) iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		ahead, err := open()
		if err != nil {
			yield(stix.Item{}, err)
			return
		}
		r, err := open()
		if err != nil {
			yield(stix.Item{}, err)
			return
		}
		scout, stop := iter.Pull2(read(ahead, m.Limits, true))
		defer stop()
		out := &stream{yield: yield}
		var x *mapper
		for p, err := range Read(r, m.Limits) {
			if err != nil {
				yield(stix.Item{}, err)
				return
			}
			if x == nil {
				head, came, err := headOf(scout)
				if err != nil {
					yield(stix.Item{}, err)
					return
				}
				x = newMapper(head, came, m, out.give)
				x.offset = p.Offset
				x.frame()
			}
			x.part(p)
			if p.last {
				x.close()
				x = nil
			}
			if out.stopped {
				return
			}
		}
	}
}

// ItemsOf is Items of a text in memory.
func ItemsOf(b []byte, m Mapping) iter.Seq2[stix.Item, error] {
	return Items(func() (io.Reader, error) { return bytes.NewReader(b), nil }, m)
}

// headOf gives the next event's head, nil where it cannot be read, and the objects that came along with it.
func headOf(scout func() (Part, error, bool)) (*Event, *originals, error) {
	came := &originals{}
	for {
		p, err, ok := scout()
		switch {
		case err != nil:
			return nil, nil, err
		case !ok:
			return nil, nil, fault.New(fault.Malformed, "", "the text was another when it was read again")
		case p.Attribute != nil:
			came.add(p.Attribute)
		case p.last:
			return p.Head, came, nil
		}
	}
}

// stream numbers items and hands them on.
type stream struct {
	yield   func(stix.Item, error) bool
	index   int
	stopped bool
}

func (s *stream) give(it stix.Item) {
	if s.stopped {
		return
	}
	it.Index = s.index
	s.index++
	s.stopped = !s.yield(it, nil)
}
