package intel

import (
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Kind is the desk's name.
const Kind thread.Kind = "intel"

// Desk implements thread.Desk, thread.BodyChecker and thread.Gatherer. It keeps nothing.
type Desk struct{}

var (
	_ thread.Desk        = Desk{}
	_ thread.BodyChecker = Desk{}
	_ thread.Gatherer    = Desk{}
)

// Kind is "intel".
func (Desk) Kind() thread.Kind { return Kind }

// Kinds lists what can be said (INT-1).
func (Desk) Kinds() []thread.KindSpec { return kinds() }

// Moves is what by may say next.
func (Desk) Moves(s thread.State, by party.Code) []thread.Move {
	st, err := thread.Load[state](s)
	if err != nil {
		return nil
	}
	return thread.Offer(kinds(), st.may(by))
}

// Apply takes h's effect on the state.
func (Desk) Apply(s thread.State, h *statement.Head) (thread.State, error) {
	return thread.Change(s, func(st *state) error { return st.apply(h) })
}

// Summary is what lists show. Nobody owes anything in a feed, so there are no clocks, and nothing is asked for that the ledger counts.
func (Desk) Summary(s thread.State) thread.Summary {
	return thread.Summarise(s, (*state).summary)
}

// Gathers tells of an import whose objects are not its author's own.
func (Desk) Gathers(h *statement.Head) bool {
	// spec: INT-9
	if h.Kind != KindImport {
		return false
	}
	f, err := thread.Facts[Import](h)
	return err != nil || !f.Own
}

// CheckBody holds the attachments of what brings objects against the form of a parcel, and wants a text where a sighting has none. What is in them it does not read.
// Error: fault.Inadmissible, INT-2 or INT-8.
func (Desk) CheckBody(h *statement.Head, body *statement.Body) error {
	// spec: INT-2, INT-8
	objects, brings, err := Brings(h)
	if err != nil || !brings {
		return err
	}
	var blobs []statement.Blob
	text := ""
	if body != nil {
		blobs, text = body.Blobs, body.Text
	}
	if len(blobs) > MaxParcels {
		return fault.New(fault.Inadmissible, "INT-2", "a statement has at most %d parcels", MaxParcels)
	}
	for _, b := range blobs {
		if b.Type != ParcelType || b.Size > MaxParcelBytes {
			return fault.New(fault.Inadmissible, "INT-2", "an attachment here is a parcel: %s of at most %d bytes", ParcelType, MaxParcelBytes)
		}
	}
	switch n := int64(len(blobs)); {
	case n > objects || objects > n*MaxParcelObjects:
		return fault.New(fault.Inadmissible, "INT-2", "%d parcels do not hold %d objects", n, objects)
	case h.Kind == KindSighting && objects == 0 && text == "":
		return fault.New(fault.Inadmissible, "INT-8", "a sighting brings an object that names what was seen, or says it in its text")
	}
	return nil
}
