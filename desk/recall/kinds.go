package recall

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// What can be said, by whom.
const (
	KindAsk  statement.Kind = "recall.ask"  // the author of the statements
	KindKeep statement.Kind = "recall.keep" // whoever is asked
)

// kinds is the table of RCL-1.
func kinds() []thread.KindSpec {
	// spec: RCL-1
	return []thread.KindSpec{
		{Kind: KindAsk, Rank: 50, Opens: true, Facts: Ask{}, Label: "recall",
			Means: "Asks everybody who got these statements to erase what they said; it compels nobody, and takes nothing back that was decided on them."},
		{Kind: KindKeep, Rank: 50, Facts: Keep{}, Label: "keep it, and say why",
			Means: "These are kept for now, on the ground named; they can still be erased later."},
	}
}

// Reason says why something is recalled (RCL-2).
type Reason string

// The reasons.
const (
	SentInError      Reason = "sent-in-error"
	WrongRecipient   Reason = "wrong-recipient"
	Incorrect        Reason = "incorrect"
	PersonalData     Reason = "personal-data"
	SourceProtection Reason = "source-protection"
	NoLongerNeeded   Reason = "no-longer-needed"
	OtherReason      Reason = other
)

// Reasons lists them, in the order in which forms show them.
func Reasons() []Reason {
	return []Reason{SentInError, WrongRecipient, Incorrect, PersonalData, SourceProtection, NoLongerNeeded, OtherReason}
}

// Ground says why something is kept (RCL-3).
type Ground string

// The grounds.
const (
	LegalDuty   Ground = "legal-duty"  // a law binds the party to keep it
	Proceedings Ground = "proceedings" // it is evidence in proceedings that are under way
	InUse       Ground = "in-use"      // a defence that is under way rests on it
	Record      Ground = "record"      // it is the text of an agreement, a letter, or a record of the exchange itself
	NotAuthor   Ground = "not-author"  // who recalls it did not say it
	OtherGround Ground = other
)

// Grounds lists them, in the order in which forms show them.
func Grounds() []Ground {
	return []Ground{LegalDuty, Proceedings, InUse, Record, NotAuthor, OtherGround}
}

const other = "other" // the reason or ground that needs a text (RCL-5)

// Bounds of a recall.
const (
	MaxOf     = 64         // statements (RCL-2)
	MaxWithin = 31_536_000 // seconds
)

// Ask is the facts of recall.ask.
type Ask struct {
	Of     []statement.ID `json:"of"` // statements of the author's
	Reason Reason         `json:"reason"`
	Within int64          `json:"within,omitzero"` // seconds from arrival in which an answer is wanted; 0: none is
}

// Check holds the facts against RCL-2.
func (f Ask) Check(h *statement.Head) error {
	// spec: RCL-2
	switch {
	case !distinct(f.Of):
		return fault.New(fault.Malformed, "RCL-2", "a recall names from 1 to %d statements, each once", MaxOf)
	case !slices.Contains(Reasons(), f.Reason):
		return fault.New(fault.Malformed, "RCL-2", "a recall gives one of the reasons listed")
	case f.Within < 0 || f.Within > MaxWithin:
		return fault.New(fault.Malformed, "RCL-2", "an answer is wanted within 1 to %d seconds", MaxWithin)
	case len(h.To) == 0:
		return fault.New(fault.Malformed, "RCL-2", "a recall asks at least one party")
	}
	return nil
}

// Keep is the facts of recall.keep.
type Keep struct {
	IDs    []statement.ID `json:"ids"` // of those that are recalled
	Ground Ground         `json:"ground"`
}

// Check holds the facts against RCL-3.
func (f Keep) Check(*statement.Head) error {
	// spec: RCL-3
	switch {
	case !distinct(f.IDs):
		return fault.New(fault.Malformed, "RCL-3", "it names from 1 to %d statements that are kept, each once", MaxOf)
	case !slices.Contains(Grounds(), f.Ground):
		return fault.New(fault.Malformed, "RCL-3", "it gives one of the grounds listed")
	}
	return nil
}

// distinct tells whether there are from 1 to MaxOf ids, none of them twice.
func distinct(ids []statement.ID) bool {
	sorted := slices.SortedFunc(slices.Values(ids), statement.ID.Compare)
	return len(ids) >= 1 && len(ids) <= MaxOf && len(slices.Compact(sorted)) == len(ids)
}
