package misp

import (
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// Frame is the event into which objects go that bring none of their own. Objects that came from an event bring theirs.
type Frame struct {
	UUID         UUID
	Info         string
	Date         string // 2026-11-21
	Timestamp    Seconds
	Orgc         *Org
	Distribution Distribution
	Tags         []Tag // such as TLPTag
}

// Lost is what a reader of MISP does not see of an object, though it travels along and comes back.
type Lost struct {
	ID     stix.ID `json:"id"`
	Reason string  `json:"reason"` // safe to show
}

// FromSTIX makes one event of objects. Errors: fault.Malformed, fault.TooLarge.
func FromSTIX(frame Frame, objects []*stix.Object) (*Event, []Lost, error) {
	return nil, nil, fault.New(fault.Internal, "", "not yet")
}
