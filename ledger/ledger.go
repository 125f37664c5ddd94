package ledger

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Input is what a ledger is computed from. The order of threads, heads and receipts does not matter, nor do repetitions. Heads and
// receipts of others, threads between others and requests outside the period are passed over; that heads lie below the sizes is
// the caller's to see to (LED-1).
type Input struct {
	A, B         party.Code     // A < B as bytes
	From, To     statement.Time // the period: From ≤ time < To
	SizeA, SizeB int64          // of the two logs
	Threads      [][]*statement.Head
	Receipts     []*statement.Head // receipt.delivered of A to B and of B to A
	// Place is where a head stands in its author's log; ok is false when that is not known, and then nothing covers it.
	Place func(id statement.ID) (origin party.Origin, index int64, ok bool)
}

// Ledger is one period of two parties (LED-2). It is not changed after Compute made it.
type Ledger struct {
	V       int            `json:"v"`
	Parties [2]party.Code  `json:"parties"`
	From    statement.Time `json:"from"`
	To      statement.Time `json:"to"`
	Sizes   [2]int64       `json:"sizes"`
	Entries []Entry        `json:"entries"`
	Totals  [2]Total       `json:"totals"`

	raw []byte
}

// Entry is one request and what came of it (LED-3). Absent times are zero.
type Entry struct {
	ID              statement.ID         `json:"id"`
	Asker           party.Code           `json:"asker"`
	Asked           party.Code           `json:"asked"`
	Agreement       statement.ID         `json:"agreement,omitzero"`
	Kind            statement.Kind       `json:"kind"`
	Precedence      statement.Precedence `json:"precedence"`
	Exercise        bool                 `json:"exercise"`
	AskedAt         statement.Time       `json:"asked_at"`
	ArrivedAt       statement.Time       `json:"arrived_at,omitzero"` // at the asked party
	AcknowledgedAt  statement.Time       `json:"acknowledged_at,omitzero"`
	AnsweredAt      statement.Time       `json:"answered_at,omitzero"`
	AnswerArrivedAt statement.Time       `json:"answer_arrived_at,omitzero"` // at the asker, whole
	Outcome         string               `json:"outcome"`
	Grounds         []string             `json:"grounds,omitempty"`
	DueAcknowledge  statement.Time       `json:"due_acknowledge,omitzero"`
	DueAnswer       statement.Time       `json:"due_answer,omitzero"`
	Kept            *bool                `json:"kept,omitzero"` // nil: nothing was answered, or nothing was due
}

// Compute gives the ledger. Errors: fault.Usage when A and B are not in order or the period is empty; else what the fold gives.
func Compute(r *thread.Rules, in Input) (*Ledger, error) {
	// spec: LED-1, LED-2
	switch {
	case in.A >= in.B:
		return nil, fault.New(fault.Usage, "LED-1", "the two parties of a ledger are given in the order of their codes")
	case !in.From.Before(in.To):
		return nil, fault.New(fault.Usage, "LED-2", "the period of a ledger begins before it ends")
	}
	asks, answers, err := requests(r, in)
	if err != nil {
		return nil, err
	}
	covered := newCoverage(in.Place)
	for i, a := range asks {
		covered.want(a.Asked, a.Request, nil)
		if answers[i] != nil {
			covered.want(a.Asker, answers[i].ID, answers[i].Body)
		}
	}
	for _, h := range receipts(in) {
		covered.add(h)
	}
	l := &Ledger{V: 1, Parties: [2]party.Code{in.A, in.B}, From: in.From, To: in.To, Sizes: [2]int64{in.SizeA, in.SizeB}}
	for i, a := range asks {
		l.Entries = append(l.Entries, entry(a, answers[i], covered))
	}
	slices.SortFunc(l.Entries, func(x, y Entry) int {
		return cmp.Or(x.AskedAt.Compare(y.AskedAt), x.ID.Compare(y.ID), cmp.Compare(x.Asker, y.Asker))
	})
	l.Totals = [2]Total{total(in.A, l.Entries), total(in.B, l.Entries)}
	if l.raw, err = json.Marshal(l, json.Deterministic(true)); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the ledger could not be written")
	}
	return l, nil
}

// requests lists what A and B asked of each other in the period, with the head that answered each, or nil.
func requests(r *thread.Rules, in Input) ([]thread.Ask, []*statement.Head, error) {
	// spec: LED-3, LED-5
	var asks []thread.Ask
	var answers []*statement.Head
	seen := map[statement.ID]bool{}
	for _, heads := range in.Threads {
		i := slices.IndexFunc(heads, (*statement.Head).IsOpener)
		if i < 0 || seen[heads[i].ID] || !between(heads[i], in) {
			continue
		}
		seen[heads[i].ID] = true
		f, err := r.FoldWithin(heads, in.A, in.B)
		if err != nil {
			return nil, nil, err
		}
		for _, a := range r.Summary(f.State).Asks {
			if pair := [2]party.Code{a.Asker, a.Asked}; pair != [2]party.Code{in.A, in.B} && pair != [2]party.Code{in.B, in.A} {
				continue
			}
			var answer *statement.Head
			if j := slices.IndexFunc(heads, func(h *statement.Head) bool { return h.ID == a.Answer }); j >= 0 {
				answer = heads[j]
			}
			asks, answers = append(asks, a), append(answers, answer)
		}
	}
	return asks, answers, nil
}

// between tells whether the opener is of the one, to the other, and in the period.
func between(opener *statement.Head, in Input) bool {
	if opener.Time.Before(in.From) || !opener.Time.Before(in.To) {
		return false
	}
	return opener.From == in.A && opener.IsFor(in.B) || opener.From == in.B && opener.IsFor(in.A)
}

// receipts lists those of the one to the other, the earliest first, none twice.
func receipts(in Input) []*statement.Head {
	var all []*statement.Head
	for _, h := range in.Receipts {
		if h.Kind == thread.KindDelivered && (h.From == in.A && h.IsFor(in.B) || h.From == in.B && h.IsFor(in.A)) {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(x, y *statement.Head) int { return cmp.Or(x.Time.Compare(y.Time), x.ID.Compare(y.ID)) })
	return slices.CompactFunc(all, func(x, y *statement.Head) bool { return x.ID == y.ID })
}

// entry joins what the desk says with what receipts show.
func entry(a thread.Ask, answer *statement.Head, c *coverage) Entry {
	// spec: LED-3, LED-4
	e := Entry{
		ID: a.Request, Asker: a.Asker, Asked: a.Asked, Agreement: a.Agreement, Kind: a.Kind, Precedence: a.Precedence, Exercise: a.Exercise,
		AskedAt: a.Time, AcknowledgedAt: a.Acknowledged, AnsweredAt: a.Answered, Outcome: a.Outcome, Grounds: a.Grounds,
		ArrivedAt: c.whole(a.Asked, a.Request, nil),
	}
	if !e.ArrivedAt.IsZero() {
		e.DueAcknowledge = due(e.ArrivedAt, a.Limit.Acknowledge)
		e.DueAnswer = due(e.ArrivedAt, a.Limit.Answer)
	}
	if !a.Postponed.IsZero() {
		e.DueAnswer = a.Postponed
	}
	if answer != nil {
		e.AnswerArrivedAt = c.whole(a.Asker, answer.ID, answer.Body)
		if !e.DueAnswer.IsZero() {
			kept := !e.AnswerArrivedAt.IsZero() && !e.DueAnswer.Before(e.AnswerArrivedAt)
			e.Kept = &kept
		}
	}
	return e
}

func due(from statement.Time, seconds int64) statement.Time {
	if seconds == 0 {
		return statement.Time{}
	}
	return from.Add(time.Duration(seconds) * time.Second)
}

// Marshal is the ledger's bytes, the same on both sides. They are not to be changed.
func (l *Ledger) Marshal() []byte { return l.raw }

// Digest is what the two sides compare (LED-2).
func (l *Ledger) Digest() statement.Digest { return statement.Sum(l.raw) }

// Parse reads a ledger that was computed elsewhere; its bytes are kept as they are. Error: fault.Malformed, LED-2.
func Parse(raw []byte) (*Ledger, error) {
	l := &Ledger{raw: slices.Clone(raw)}
	if err := json.Unmarshal(l.raw, l, json.RejectUnknownMembers(true)); err != nil {
		return nil, malformed(err)
	}
	if again, err := json.Marshal(l, json.Deterministic(true)); err != nil || !slices.Equal(again, l.raw) || l.V != 1 {
		return nil, malformed(errors.Join(err, errors.New("not written as LED-2 has it")))
	}
	return l, nil
}

func malformed(err error) error {
	return fault.Wrap(err, fault.Malformed, "LED-2", "this is no ledger in the form of the protocol")
}
