package intel

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// What can be said, by whom.
const (
	KindSource      statement.Kind = "intel.source"      // a party, to itself
	KindImport      statement.Kind = "intel.import"      // the same
	KindOffer       statement.Kind = "intel.offer"       // who offers
	KindSubscribe   statement.Kind = "intel.subscribe"   // to whom it was offered
	KindUnsubscribe statement.Kind = "intel.unsubscribe" // to whom it was offered
	KindIncrement   statement.Kind = "intel.increment"   // who offers
	KindShare       statement.Kind = "intel.share"       // who shares
	KindSighting    statement.Kind = "intel.sighting"    // to whom it was offered or shared
	KindEnd         statement.Kind = "intel.end"         // who opened
)

// kinds is the table of INT-1.
func kinds() []thread.KindSpec {
	// spec: INT-1
	return []thread.KindSpec{
		{Kind: KindSource, Rank: 50, Opens: true, Facts: Source{}, Label: "open a source",
			Means: "What is gathered from one place is kept together here; nobody else sees it by that."},
		{Kind: KindImport, Rank: 50, Facts: Import{}, Label: "import",
			Means: "Takes objects into the catalogue, as this source wrote them."},
		{Kind: KindOffer, Rank: 50, Opens: true, Facts: Offer{}, Label: "offer a feed",
			Means: "Lets a party subscribe to what belongs to the feed; nothing passes before it does, nor against the agreement."},
		{Kind: KindSubscribe, Rank: 50, Facts: Subscribe{}, Label: "subscribe",
			Means: "Asks for what is there and for what comes, until told otherwise."},
		{Kind: KindUnsubscribe, Rank: 60, Facts: Unsubscribe{}, Label: "unsubscribe",
			Means: "Nothing more is wanted; what came stays."},
		{Kind: KindIncrement, Rank: 50, Facts: Increment{}, Label: "send an increment",
			Means: "Brings what came to the feed since the last one, and counts what was held back."},
		{Kind: KindShare, Rank: 50, Opens: true, Facts: Share{}, Label: "share objects",
			Means: "Gives these objects to each party named, once."},
		{Kind: KindSighting, Rank: 50, Facts: Sighting{}, Label: "report a sighting",
			Means: "Tells how often and when objects were seen; it discloses no log."},
		{Kind: KindEnd, Rank: 60, Facts: End{}, Label: "end",
			Means: "Nothing more comes; what came stays as it is marked."},
	}
}

// Bounds of INT-2 and INT-4.
const (
	MaxParcelObjects = 1_000
	MaxParcelBytes   = 1 << 20
	MaxParcels       = 64 // of one statement
	MaxList          = 32 // entries of a list in an offer

	ParcelType = "application/jsonl" // media type of a parcel
)

// maxNumber is the greatest number in facts (ENC-2).
const maxNumber = 1<<53 - 1

// Source is the facts of intel.source: what the party calls it, the form in which it comes, such as "stix", "misp" or "taxii", and whether what comes from it is what the
// party has seen or written itself. Of a source that does not say so, others have said what it brings, and it is passed on as that may be (INT-9).
type Source struct {
	Name   string `json:"name"`
	Format string `json:"format,omitzero"`
	Own    bool   `json:"own,omitzero"`
}

// Check wants a name, and nobody to whom it goes.
func (f Source) Check(h *statement.Head) error {
	// spec: INT-1
	switch {
	case f.Name == "":
		return fault.New(fault.Malformed, "INT-1", "a source has a name")
	case len(h.To) != 0:
		return fault.New(fault.Malformed, "INT-1", "a source is a party's own record: it goes to nobody")
	}
	return nil
}

// Import is the facts of intel.import: how many objects came, and what of the same delivery did not become one or was here already.
type Import struct {
	Objects    int64 `json:"objects"`
	Refused    int64 `json:"refused,omitzero"`
	Duplicates int64 `json:"duplicates,omitzero"`
	Own        bool  `json:"own,omitzero"` // what it brought is its author's own; only in a source that is
}

// Check wants numbers of things.
func (f Import) Check(*statement.Head) error { return checkCounts(f.Objects, f.Refused, f.Duplicates) }

// Offer is the facts of intel.offer: the feed's name at who offers it, and what belongs to it (INT-4). Absent members ask nothing.
type Offer struct {
	Feed          string      `json:"feed"`
	Types         []string    `json:"types,omitempty"` // of STIX, such as "indicator"
	Labels        []string    `json:"labels,omitempty"`
	Sector        string      `json:"sector,omitzero"`
	TLPMax        marking.TLP `json:"tlp_max,omitzero"`
	ConfidenceMin int64       `json:"confidence_min,omitzero"` // 0–100
	Purpose       string      `json:"purpose,omitzero"`        // of the agreement's vocabulary; personal data need one (DEC-8)
}

// Check holds the offer against INT-1 and INT-4.
func (f Offer) Check(h *statement.Head) error {
	// spec: INT-1, INT-4
	switch {
	case f.Feed == "":
		return fault.New(fault.Malformed, "INT-1", "a feed has a name")
	case len(h.To) != 1:
		return fault.New(fault.Malformed, "INT-1", "a feed is offered to one party; each other one gets an offer of its own")
	case !isList(f.Types), !isList(f.Labels):
		return fault.New(fault.Malformed, "INT-4", "a list has from 1 to %d entries, each once and none empty", MaxList)
	case f.TLPMax != "" && f.TLPMax.Rank() < 0:
		return fault.New(fault.Malformed, "INT-4", "tlp_max is one of CLEAR, GREEN, AMBER, AMBER+STRICT, RED")
	case f.ConfidenceMin < 0 || f.ConfidenceMin > 100:
		return fault.New(fault.Malformed, "INT-4", "confidence is from 0 to 100")
	}
	return nil
}

// Subscribe is the facts of intel.subscribe. After is the last increment whose objects its author still has; 0: everything is wanted.
type Subscribe struct {
	After int64 `json:"after,omitzero"`
}

// Check wants a number of an increment.
func (f Subscribe) Check(*statement.Head) error { return checkCounts(f.After) }

// Unsubscribe is the facts of intel.unsubscribe: none.
type Unsubscribe struct{}

// Increment is the facts of intel.increment.
type Increment struct {
	N       int64  `json:"n"`       // 1 for the first of the feed
	Objects int64  `json:"objects"` // in its parcels
	Through int64  `json:"through"` // how far its author has come in what it has; it means nothing to others
	More    bool   `json:"more"`    // more is ready
	Held    []Held `json:"held,omitempty"`
	Sector  string `json:"sector,omitzero"`  // the offer's
	Purpose string `json:"purpose,omitzero"` // the offer's
}

// Held counts objects that belong to a feed and did not pass, by the rule that held them back.
type Held struct {
	Reason  Reason `json:"reason"`
	Objects int64  `json:"objects"` // at least 1
}

// Reason is the rule that holds something back (INT-7).
type Reason string

// The reasons.
const (
	ByAgreement  Reason = "agreement"  // the agreement of the feed does not let it pass
	ByOriginator Reason = "originator" // who gave it did not let it be passed on
	ByCaveat     Reason = "caveat"     // who offers the feed does not give it
)

// Reasons lists them, in the order in which they are counted.
func Reasons() []Reason { return []Reason{ByAgreement, ByOriginator, ByCaveat} }

// Check holds the numbers against INT-6 and INT-7.
func (f Increment) Check(*statement.Head) error {
	// spec: INT-6, INT-7
	if err := checkCounts(f.N, f.Objects, f.Through); err != nil {
		return err
	}
	for i, held := range f.Held {
		twice := slices.ContainsFunc(f.Held[:i], func(h Held) bool { return h.Reason == held.Reason })
		if twice || !slices.Contains(Reasons(), held.Reason) || held.Objects < 1 || held.Objects > maxNumber {
			return fault.New(fault.Malformed, "INT-7", "what is held back is counted once for each of the reasons listed")
		}
	}
	return nil
}

// Share is the facts of intel.share.
type Share struct {
	Objects int64  `json:"objects"`
	Sector  string `json:"sector,omitzero"`
	Purpose string `json:"purpose,omitzero"`
}

// Check wants objects, and somebody who gets them.
func (f Share) Check(h *statement.Head) error {
	// spec: INT-1
	if f.Objects < 1 || f.Objects > maxNumber || len(h.To) == 0 {
		return fault.New(fault.Malformed, "INT-1", "at least one object is shared, with at least one party")
	}
	return nil
}

// Sighting is the facts of intel.sighting: how often, between when, and how many objects tell of it.
type Sighting struct {
	Objects int64          `json:"objects"` // in its parcels; 0: the text says what was seen
	Count   int64          `json:"count"`   // occurrences
	First   statement.Time `json:"first,omitzero"`
	Last    statement.Time `json:"last,omitzero"`
	Purpose string         `json:"purpose,omitzero"`
}

// Check holds the sighting against INT-8.
func (f Sighting) Check(*statement.Head) error {
	// spec: INT-8
	switch {
	case f.Count < 1:
		return fault.New(fault.Malformed, "INT-8", "a sighting counts at least one occurrence")
	case f.First.IsZero() != f.Last.IsZero() || f.Last.Before(f.First):
		return fault.New(fault.Malformed, "INT-8", "a sighting gives both times or none, the first before the last")
	}
	return checkCounts(f.Objects, f.Count)
}

// End is the facts of intel.end: none.
type End struct{}

// Brings tells how many objects the parcels of h hold, by its facts, and whether its kind brings any.
func Brings(h *statement.Head) (objects int64, ok bool, err error) {
	// spec: INT-2
	switch h.Kind {
	case KindImport:
		f, err := thread.Facts[Import](h)
		return f.Objects, true, err
	case KindIncrement:
		f, err := thread.Facts[Increment](h)
		return f.Objects, true, err
	case KindShare:
		f, err := thread.Facts[Share](h)
		return f.Objects, true, err
	case KindSighting:
		f, err := thread.Facts[Sighting](h)
		return f.Objects, true, err
	}
	return 0, false, nil
}

// isList tells whether a list of an offer is absent, or has entries that are not empty, each once.
func isList(list []string) bool {
	if list == nil {
		return true
	}
	sorted := slices.Sorted(slices.Values(list))
	return len(list) >= 1 && len(list) <= MaxList && sorted[0] != "" && len(slices.Compact(sorted)) == len(list)
}

// checkCounts wants numbers of things.
func checkCounts(counts ...int64) error {
	for _, n := range counts {
		if n < 0 || n > maxNumber {
			return fault.New(fault.Malformed, "INT-1", "a number of things is from 0 to 2^53−1")
		}
	}
	return nil
}
