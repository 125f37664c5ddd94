package evidence

import (
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Verdict is all that a verifier says of an item (EVD-8).
type Verdict string

// The verdicts.
const (
	Proven    Verdict = "proven"
	NotProven Verdict = "not proven"
)

// Source says where a letter came from.
type Source string

// The sources. An embedded letter proves nothing until somebody has compared its words with the party.
const (
	Given    Source = "given"    // by the verifier's user
	Embedded Source = "embedded" // in the evidence
)

// BodyState says whether what was said is shown beside that it was said.
type BodyState string

// The states.
const (
	BodyNone     BodyState = "none"     // the head has none
	BodyPresent  BodyState = "present"  // and it is the one that the head names
	BodyWithheld BodyState = "withheld" // the head names one that is not shown
)

// Report is what Verify found. It is safe to show and to print as JSON.
type Report struct {
	Items   []ItemReport   `json:"items"`
	Letters []LetterReport `json:"letters"`
}

// OK tells whether there is something and all of it is proven.
func (r Report) OK() bool {
	for _, i := range r.Items {
		if i.Verdict != Proven {
			return false
		}
	}
	return len(r.Items) > 0
}

// ItemReport says what is proven of one item. When Verdict is NotProven, Why says what failed and all else is only what the item claims.
type ItemReport struct {
	Verdict Verdict        `json:"verdict"`
	Why     *Finding       `json:"why,omitempty"`
	ID      statement.ID   `json:"id,omitzero"`
	From    party.Code     `json:"from,omitzero"`
	To      []party.Code   `json:"to"`
	Kind    statement.Kind `json:"kind,omitzero"`
	Time    statement.Time `json:"time,omitzero"` // by the author's clock
	Origin  party.Origin   `json:"origin,omitzero"`
	Index   int64          `json:"index"`
	Signed  statement.Time `json:"signed,omitzero"` // the checkpoint's, by the author's clock
	Body    BodyState      `json:"body,omitzero"`
	Blobs   int            `json:"blobs"` // that the head names

	Witnessed   []Witness `json:"witnessed"`
	Unwitnessed *Finding  `json:"unwitnessed,omitempty"` // why a cosigned checkpoint that is there proves nothing
	Arrived     []Arrival `json:"arrived"`
}

// Witness is a party that saw the item's log, with the item in it, at Time by its own clock.
type Witness struct {
	Party party.Code     `json:"party"`
	Time  statement.Time `json:"time"`
}

// Arrival is one receipt of a recipient: what of the item had arrived at Time by the recipient's clock.
type Arrival struct {
	Party   party.Code     `json:"party"`
	Time    statement.Time `json:"time"`
	Receipt statement.ID   `json:"receipt"`
	Head    bool           `json:"head"`
	Body    bool           `json:"body"`
	Blobs   int            `json:"blobs"`
}

// LetterReport is a letter that was there and whether anything rests on it. Who has not compared Words with the party, over a channel that both trust,
// knows only that somebody holds those keys (EVD-6).
type LetterReport struct {
	Source Source           `json:"source"`
	Code   party.Code       `json:"code,omitzero"`
	Serial int64            `json:"serial,omitzero"`
	Digest statement.Digest `json:"digest,omitzero"`
	Origin party.Origin     `json:"origin,omitzero"`
	Words  []string         `json:"words"`
	Relied bool             `json:"relied"`
	Why    *Finding         `json:"why,omitempty"` // why nothing can rest on it
}

// Finding is a clause and a sentence.
type Finding struct {
	Clause  string `json:"clause,omitzero"`
	Message string `json:"message"`
}

// finding keeps of an error what may be shown.
func finding(err error) *Finding {
	f := fault.Of(err)
	return &Finding{Clause: f.Clause, Message: f.Msg}
}
