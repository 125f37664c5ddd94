package thread

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// ID names a thread: the id of the statement that opened it.
type ID = statement.ID

// Kind names a desk, such as "assist": the part of a statement's kind before the dot.
type Kind string

// Desk is one kind of thread: what may be said in it, by whom, in which state, and what that means. A desk is pure: it keeps
// nothing, reads no clock, no body and no store, and the same input gives the same output for ever, on every node. Its methods
// are safe for concurrent use.
type Desk interface {
	// Kind is the desk's name.
	Kind() Kind
	// Kinds lists every kind of statement of the desk, in the order in which help texts show them.
	Kinds() []KindSpec
	// Moves is what party may say next. It drives every button and command, and Apply admits nothing else.
	Moves(s State, by party.Code) []Move
	// Apply takes an admissible head's effect on the state. It is total over what was stored: a head that the state does not
	// admit gives an error made by Void, and the unchanged state. The opener comes with a State whose Desk is nil. Apply also
	// sees receipt.refused, receipt.retrieved, receipt.recalled and thread.admit of the thread, and must let them pass. Of what
	// it returns only Desk is kept; Frontier and Last are not filled in what it is given.
	Apply(s State, h *statement.Head) (State, error)
	// Summary is what lists and the ledger show.
	Summary(s State) Summary
}

// BodyChecker is what a desk implements, beside Desk, when its kinds ask something of a body that the fold cannot see. It is for
// the author's side alone: a node does not let its own officers leave it out. body is nil when the head has none.
type BodyChecker interface {
	CheckBody(h *statement.Head, body *statement.Body) error
}

// Gatherer is what a desk implements, beside Desk, when some of its statements bring what others have said, and not their author: that is not its author's own to pass on.
type Gatherer interface{ Gathers(h *statement.Head) bool }

// KindSpec describes one kind of statement.
type KindSpec struct {
	Kind  statement.Kind
	Rank  int    // THR-3; lower goes first
	Opens bool   // may open a thread
	Facts any    // a zero value of the facts' Go type; JSON Schemas are derived from it
	Body  any    // likewise for what the body has beside title, text and blobs; nil: nothing
	Label string // a verb for buttons and commands: "acknowledge"
	Means string // one sentence: what saying it means and, where people mix it up, what it does not
}

// Move is something that a party may say next.
type Move struct {
	Kind  statement.Kind `json:"kind"`
	Label string         `json:"label"`
	Means string         `json:"means"`
}

// Offer turns kinds into moves, with the texts of their specs, in the order of specs. A kind that is not in specs is left out.
func Offer(specs []KindSpec, kinds []statement.Kind) []Move {
	var moves []Move
	for _, spec := range specs {
		if slices.Contains(kinds, spec.Kind) {
			moves = append(moves, Move{Kind: spec.Kind, Label: spec.Label, Means: spec.Means})
		}
	}
	return moves
}

// State is a thread's state after some of its heads. It is a value: nothing that it refers to is ever changed.
type State struct {
	Thread       ID                          `json:"thread"`
	Kind         Kind                        `json:"kind"`
	Opener       Opener                      `json:"opener"`
	Participants []party.Code                `json:"participants"`        // sorted
	Admitted     []party.Code                `json:"admitted,omitempty"`  // who was, sorted
	Admissions   int                         `json:"admissions,omitzero"` // heads that let somebody in, void or not
	Frontier     []statement.ID              `json:"frontier"`            // sorted; THR-2
	Last         map[party.Code]statement.ID `json:"last"`                // each author's last taken head
	Taken        int                         `json:"taken"`               // heads in the order so far, void ones included
	Void         int                         `json:"void"`                // how many of them are void
	Desk         jsontext.Value              `json:"desk,omitzero"`       // the desk's own state, Load and Save; absent when the opener is void

	own   any                     // what Desk says, parsed, where it is known; never changed
	stale bool                    // own is newer than Desk, within a fold
	knew  func(statement.ID) bool // see Knew; nil but in what Apply is given
}

// Knew tells, while Apply takes a head, whether that head comes after the taken head id: whether its author had folded it.
func (s *State) Knew(id statement.ID) bool {
	// spec: THR-4
	return s.knew != nil && s.knew(id)
}

// begun tells whether the desk has a state: whether the thread came to be.
func (s *State) begun() bool { return s.stale || len(s.Desk) > 0 }

// Opener keeps what later heads are held against.
type Opener struct {
	From       party.Code           `json:"from"`
	To         []party.Code         `json:"to"`
	Kind       statement.Kind       `json:"kind"`
	Agreement  statement.ID         `json:"agreement,omitzero"`
	Digest     statement.Digest     `json:"digest,omitzero"` // of the agreement
	Time       statement.Time       `json:"time"`
	Precedence statement.Precedence `json:"precedence"`
	Track      statement.Track      `json:"track"`
	Exercise   bool                 `json:"exercise"`
}

// Cloner is a desk's own state that can copy itself, with all that may be changed in it: one that can is not parsed anew for each head.
type Cloner[T any] interface{ Clone() T }

// Load gives the desk's own state; it belongs to the caller, who may change it.
func Load[T any](s State) (T, error) {
	if v, ok := s.own.(Cloner[T]); ok {
		return v.Clone(), nil
	}
	var v T
	s, err := s.written() // a state that cannot copy itself is read anew
	if err != nil || len(s.Desk) == 0 {
		return v, err
	}
	if err := json.Unmarshal(s.Desk, &v); err != nil {
		return v, fault.Wrap(err, fault.Internal, "", "a stored thread state cannot be read")
	}
	return v, nil
}

// Save gives s with the desk's own state replaced by v, which is not changed any more. Its bytes are written when the fold is done; they are the same for
// equal values.
func Save[T any](s State, v T) State {
	s.own, s.stale = v, true
	return s
}

// written is s with the bytes of what was saved.
func (s State) written() (State, error) {
	if !s.stale {
		return s, nil
	}
	b, err := json.Marshal(s.own, json.Deterministic(true))
	if err != nil {
		return s, fault.Wrap(err, fault.Internal, "", "a thread state cannot be written")
	}
	s.Desk, s.stale = b, false
	return s, nil
}

// Change lets f change the desk's own state, and gives s with it. When f fails, s comes back as it was.
func Change[T any](s State, f func(own *T) error) (State, error) {
	own, err := Load[T](s)
	if err != nil {
		return s, err
	}
	if err := f(&own); err != nil {
		return s, err
	}
	return Save(s, own), nil
}

// Summarise gives what f makes of the desk's own state; a stored state that cannot be read is told as that.
func Summarise[T any](s State, f func(own *T) Summary) Summary {
	own, err := Load[T](s)
	if err != nil {
		return Summary{Status: "unreadable"}
	}
	return f(&own)
}

// Summary is a thread as lists, clocks and the ledger see it.
type Summary struct {
	Status string  `json:"status"` // one identifier for the whole thread
	Closed bool    `json:"closed"` // nothing more is owed by anybody
	Asks   []Ask   `json:"asks,omitempty"`
	Clocks []Clock `json:"clocks,omitempty"`
}

// Ask is one request of one party to one other, with what came of it: a line of the ledger (LED-3). Answer and Answered are there
// for a grant and a refusal alone; Postponed stays after an answer, since the answer was owed by then.
type Ask struct {
	Request      statement.ID         `json:"request"`
	Kind         statement.Kind       `json:"kind"`
	Asker        party.Code           `json:"asker"`
	Asked        party.Code           `json:"asked"`
	Agreement    statement.ID         `json:"agreement,omitzero"`
	Precedence   statement.Precedence `json:"precedence"`
	Exercise     bool                 `json:"exercise"`
	Time         statement.Time       `json:"time"`
	Limit        Limit                `json:"limit,omitzero"`
	Acknowledged statement.Time       `json:"acknowledged,omitzero"`
	Postponed    statement.Time       `json:"postponed,omitzero"` // the new date
	Answer       statement.ID         `json:"answer,omitzero"`    // the head that gave the outcome
	Answered     statement.Time       `json:"answered,omitzero"`
	Outcome      string               `json:"outcome"` // LED-5
	Grounds      []string             `json:"grounds,omitempty"`
}

// Limit is what an asked party owes, in seconds from arrival; 0 where nothing is owed (AST-3).
type Limit struct {
	Acknowledge int64 `json:"acknowledge,omitzero"`
	Answer      int64 `json:"answer,omitzero"`
}

// Clock is something that is owed. It runs from the arrival of the head Of at the party that owes (RCP-6), which the fold cannot know:
// whoever shows it adds Seconds to that time, unless Until names the date itself.
type Clock struct {
	Name    string         `json:"name"` // "acknowledge" or "answer"
	Owes    party.Code     `json:"owes"`
	Of      statement.ID   `json:"of"`
	Seconds int64          `json:"seconds"`
	Until   statement.Time `json:"until,omitzero"`
}

// Reason says why a head is void (THR-7).
type Reason string

// The reasons.
const (
	NotAParticipant Reason = "not-a-participant"
	WrongRecipients Reason = "wrong-recipients"
	OmitsOwn        Reason = "omits-own-ancestor"
	UnknownKind     Reason = "unknown-kind"
	NotAdmissible   Reason = "not-admissible"
	BadFacts        Reason = "bad-facts"
	OtherAgreement  Reason = "other-agreement"
)

// Void makes the error by which a desk says that a head changes nothing.
func Void(r Reason, clause, format string, args ...any) error {
	f := fault.New(fault.Inadmissible, clause, format, args...)
	f.Err = voidError(r)
	return f
}

type voidError Reason

func (v voidError) Error() string { return string(v) }
