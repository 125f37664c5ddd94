package intel

import (
	"maps"
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/thread"
)

// summary is closed for a share, since nobody owes anything for it, and for what has ended.
func (st *state) summary() thread.Summary {
	// spec: INT-5
	return thread.Summary{Status: string(st.Status), Closed: st.Status == Shared || st.Status == Ended}
}

// View is what a thread of this desk has come to. It belongs to who got it.
type View struct {
	Form    Form
	By      party.Code
	To      []party.Code
	Status  Status
	Name    string // of a source
	Format  string // of a source
	Own     bool   // of a source: what it brings may be the party's own
	Offer   Offer  // of a feed
	Objects int64  // that came, by the facts; in a feed those that were sent again count again

	// Of a feed: the last increment, whether the subscription is newer than that and after which increment it wants everything, and what was held back.
	N, Through, After int64
	Fresh, More       bool
	Held              []Held

	Seen map[party.Code]Tally
}

// Read gives a thread's state as this desk sees it. ok is false for another desk's thread and for one whose opener is void.
func Read(s thread.State) (v View, ok bool) {
	if s.Kind != Kind || len(s.Desk) == 0 {
		return v, false
	}
	st, err := thread.Load[state](s)
	if err != nil {
		return v, false
	}
	v = View{
		Form: st.Form, By: st.By, To: slices.Clone(st.To), Status: st.Status, Name: st.Name, Format: st.Format, Own: st.Own, Objects: st.Objects,
		N: st.N, Through: st.Through, After: st.After, Fresh: st.Fresh, More: st.More, Held: slices.Clone(st.Held), Seen: maps.Clone(st.Seen),
	}
	if st.Offer != nil {
		v.Offer = *st.Offer
		v.Offer.Types, v.Offer.Labels = slices.Clone(v.Offer.Types), slices.Clone(v.Offer.Labels)
	}
	return v, true
}
