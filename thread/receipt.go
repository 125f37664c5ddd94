package thread

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// The engine's own two desks, whose kinds may stand in any thread.
const (
	deskReceipt Kind = "receipt"
	deskThread  Kind = "thread"
)

// The kinds that belong to no desk.
const (
	KindDelivered statement.Kind = "receipt.delivered" // belongs to no thread
	KindRetrieved statement.Kind = "receipt.retrieved"
	KindRefused   statement.Kind = "receipt.refused"
	KindRecalled  statement.Kind = "receipt.recalled"
	KindAdmit     statement.Kind = "thread.admit"
)

// Range is half-open: leaf indexes from the first to before the second.
type Range [2]int64

// Covers tells whether index is inside.
func (r Range) Covers(index int64) bool { return r[0] <= index && index < r[1] }

// BlobsArrived counts the blobs of one head that have arrived whole.
type BlobsArrived struct {
	Index   int64 `json:"index"`
	Arrived int   `json:"arrived"`
}

// Delivered is the facts of receipt.delivered: bytes arrived whole. It says nothing of reading, and nothing of agreeing.
type Delivered struct {
	Origin party.Origin     `json:"origin"` // the author's log
	Size   int64            `json:"size"`   // of the checkpoint that proved them
	Root   statement.Digest `json:"root"`
	Heads  []Range          `json:"heads"`
	Bodies []Range          `json:"bodies"`
	Blobs  []BlobsArrived   `json:"blobs"`
}

// Check holds the facts against RCP-1: ranges ascend, are disjoint and lie inside the log.
func (d Delivered) Check(*statement.Head) error {
	// spec: RCP-1
	bad := func(format string) error { return fault.New(fault.Malformed, "RCP-1", "%s", format) }
	if d.Origin == "" || d.Root.IsZero() || d.Size < 0 {
		return bad("a receipt names the log, its size and its root")
	}
	for _, ranges := range [][]Range{d.Heads, d.Bodies} {
		end := int64(0)
		for _, r := range ranges {
			if r[0] < end || r[1] <= r[0] || r[1] > d.Size {
				return bad("ranges ascend, are disjoint and lie inside the log")
			}
			end = r[1]
		}
	}
	last := int64(-1)
	for _, b := range d.Blobs {
		if b.Index <= last || b.Index >= d.Size || b.Arrived < 1 || b.Arrived > statement.MaxBlobs {
			return bad("counts of blobs ascend by index and are from 1 to 256")
		}
		last = b.Index
	}
	return nil
}

// CoversHead tells whether the head of leaf index has arrived.
func (d Delivered) CoversHead(index int64) bool { return covers(d.Heads, index) }

// CoversBody tells whether the body of leaf index has arrived.
func (d Delivered) CoversBody(index int64) bool { return covers(d.Bodies, index) }

// BlobsOf is how many blobs of leaf index have arrived whole.
func (d Delivered) BlobsOf(index int64) int {
	i, ok := slices.BinarySearchFunc(d.Blobs, index, func(b BlobsArrived, index int64) int { return int(b.Index - index) })
	if !ok {
		return 0
	}
	return d.Blobs[i].Arrived
}

// covers needs ranges that Check has passed.
func covers(ranges []Range, index int64) bool {
	i, _ := slices.BinarySearchFunc(ranges, index, func(r Range, index int64) int {
		switch {
		case r[1] <= index:
			return -1
		case r[0] > index:
			return 1
		}
		return 0
	})
	return i < len(ranges) && ranges[i].Covers(index)
}

// Retrieved is the facts of receipt.retrieved: a person opened these.
type Retrieved struct {
	IDs []statement.ID `json:"ids"`
}

// Check wants ids.
func (f Retrieved) Check(*statement.Head) error { return checkIDs("RCP-3", f.IDs) } // spec: RCP-3

// Refused is the facts of receipt.refused: the head is kept and folded, its body is dropped.
type Refused struct {
	ID       statement.ID `json:"id"`
	Clause   string       `json:"clause"` // of spec/
	Reason   string       `json:"reason"`
	Articles []string     `json:"articles"` // of the verdict
}

// Check wants an id, a clause and a reason.
func (f Refused) Check(*statement.Head) error {
	// spec: RCP-4
	if f.ID.IsZero() || f.Clause == "" || f.Reason == "" || slices.Contains(f.Articles, "") {
		return fault.New(fault.Malformed, "RCP-4", "a refusal names the head, the clause and the reason")
	}
	return nil
}

// Recalled is the facts of receipt.recalled: these were erased here.
type Recalled struct {
	IDs    []statement.ID `json:"ids"`
	Erased bool           `json:"erased"`
}

// Check wants ids, and that they were erased.
func (f Recalled) Check(*statement.Head) error {
	// spec: RCP-5
	if !f.Erased {
		return fault.New(fault.Malformed, "RCP-5", "a recall is receipted once the copies are erased")
	}
	return checkIDs("RCP-5", f.IDs)
}

// Admitted is the facts of thread.admit: one more participant, who is given the heads named.
type Admitted struct {
	Party party.Code     `json:"party"`
	Heads []statement.ID `json:"heads"`
}

// Check wants a party, and the thread's opener among the heads.
func (f Admitted) Check(h *statement.Head) error {
	// spec: THR-8
	if f.Party == "" || !slices.Contains(f.Heads, h.Thread) {
		return fault.New(fault.Malformed, "THR-8", "an admission names the party and the heads it is given, the opener among them")
	}
	return checkIDs("THR-8", f.Heads)
}

// checkIDs wants at least one id, none of them twice.
func checkIDs(clause string, ids []statement.ID) error {
	sorted := slices.SortedFunc(slices.Values(ids), statement.ID.Compare)
	if len(sorted) == 0 || len(slices.Compact(sorted)) != len(ids) {
		return fault.New(fault.Malformed, clause, "at least one id, and none twice")
	}
	return nil
}

// checkEngineFacts holds the facts of a receipt or an admission, as a head of a thread, against their kind.
func checkEngineFacts(h *statement.Head) error {
	var err error
	switch h.Kind {
	case KindRetrieved:
		_, err = Facts[Retrieved](h)
	case KindRefused:
		_, err = Facts[Refused](h)
	case KindRecalled:
		_, err = Facts[Recalled](h)
	case KindDelivered:
		err = Void(NotAdmissible, "RCP-1", "a receipt of delivery belongs to no thread")
	}
	return err
}

// engineSpecs describes the kinds that belong to no desk.
func engineSpecs() []KindSpec {
	return []KindSpec{
		{Kind: KindDelivered, Rank: rankEngine, Facts: Delivered{}, Label: "deliver",
			Means: "The bytes have arrived whole; nobody need have read them, and nothing is agreed."},
		{Kind: KindRetrieved, Rank: rankEngine, Facts: Retrieved{}, Label: "retrieve",
			Means: "A person has opened them; nothing is agreed."},
		{Kind: KindRefused, Rank: rankEngine, Facts: Refused{}, Label: "refuse by rule",
			Means: "An agreement or rule does not let it in; the clause says which, and the text was dropped."},
		{Kind: KindRecalled, Rank: rankEngine, Facts: Recalled{}, Label: "confirm the recall",
			Means: "The copies here have been erased."},
		{Kind: KindAdmit, Rank: rankEngine, Facts: Admitted{}, Label: "admit",
			Means: "One more party takes part from here on and is given the earlier heads."},
	}
}
