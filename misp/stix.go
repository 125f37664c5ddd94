package misp

import (
	"io"
	"iter"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// Mapping says how MISP becomes STIX. The zero value is ready.
type Mapping struct {
	TLP    marking.TLP // of what names no label, where a marking cannot do without one; "" for AMBER
	Limits Limits
}

// STIX gives the objects that e becomes: each attribute, object, report and sighting under its own UUID, then a report over all.
// What cannot become an object comes as an Item with Err.
func (e *Event) STIX(m Mapping) iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		yield(stix.Item{}, fault.New(fault.Internal, "", "not yet"))
	}
}

// Items maps a text, in any of the forms that Read takes, to STIX, and holds one element at a time. MISP writes tags behind
// attributes, so the text is read twice, once ahead for what holds for a whole event: open is called twice, and gives the same text.
func Items(open func() (io.Reader, error), m Mapping) iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		yield(stix.Item{}, fault.New(fault.Internal, "", "not yet"))
	}
}
