package agreement

import (
	"slices"

	"math/bits"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Question is all that a decision depends on. What comes from a head and from the making of the agreement is the same on both sides.
type Question struct {
	From       party.Code
	To         []party.Code
	Kind       statement.Kind
	Marking    marking.Marking
	Track      statement.Track
	Precedence statement.Precedence
	Exercise   bool
	Time       statement.Time
	Role       string
	BodyBytes  int64 // body and blobs

	// From the facts; "" and nil where they have none.
	Purpose, Sector, Type string
	Clock                 *thread.Limit // what the asker sets (AST-3)
	Grounds               []string      // on which a refusal rests

	// From the making of the agreement (AGR-10): the articles that each party has made a reservation to, and the parties that are bound beside
	// those of the document.
	Reserved map[party.Code][]string
	Joined   []party.Code

	// Today is, for each recipient, how many statements of the kind the author has sent it before under the agreement on the same day (DEC-9).
	// Only a policy that counts looks at it.
	Today map[party.Code]int64
}

// Under fills in what the text that binds the parties brings to the question.
func (q *Question) Under(v *Version) {
	// spec: AGR-10
	q.Reserved, q.Joined = v.Reserved, nil
	for code := range v.From {
		if !v.In(code) {
			q.Joined = append(q.Joined, code)
		}
	}
	slices.Sort(q.Joined)
}

// facts are the members of a head's facts that a decision looks at. They are taken as they come: a kind's own desk checks their form.
type facts struct {
	Purpose jsontext.Value `json:"purpose"`
	Sector  jsontext.Value `json:"sector"`
	Type    jsontext.Value `json:"type"`
	Clock   jsontext.Value `json:"clock"`
	Grounds jsontext.Value `json:"grounds"`
}

// Ask makes the question that a head puts. A fact that is no string counts as absent (DEC-3). A clock or grounds of another form than
// AST-1 gives them count as no seconds and as an unlisted ground, so that DEC-6 denies them where an agreement has any. An error means
// that the head did not come from statement.ParseHead.
func Ask(h *statement.Head) (Question, error) {
	// spec: DEC-3
	q := Question{
		From: h.From, To: h.To, Kind: h.Kind, Marking: h.Marking, Track: h.Track, Precedence: h.Precedence, Exercise: h.Exercise,
		Time: h.Time, Role: h.By.Role,
	}
	if h.Body != nil {
		q.BodyBytes = h.Body.Size + h.Body.BlobBytes
	}
	if len(h.Facts) <= len("{}") {
		return q, nil
	}
	var f facts
	if err := json.Unmarshal(h.Facts, &f); err != nil {
		return Question{}, malformed("STM-4", "the facts are no object")
	}
	q.Purpose, q.Sector, q.Type = text(f.Purpose), text(f.Sector), text(f.Type)
	// spec: DEC-6
	if f.Clock != nil {
		q.Clock = new(thread.Limit)
		if json.Unmarshal(f.Clock, q.Clock) != nil {
			*q.Clock = thread.Limit{}
		}
	}
	if f.Grounds != nil {
		if json.Unmarshal(f.Grounds, &q.Grounds) != nil {
			q.Grounds = []string{""}
		}
	}
	return q, nil
}

func text(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// ByCharter tells whether a head is decided under the charter, whatever agreement it names.
func ByCharter(h *statement.Head) bool {
	// spec: DEC-2, DEC-5
	desk := h.Kind.Desk()
	return h.Agreement == nil || desk == "receipt" || desk == "thread"
}

// retention is how long after its time the statement is to be erased, in milliseconds; ok is false where its marking names no date.
func (q *Question) retention() (ms int64, ok bool) {
	if q.Marking.RetainUntil == "" {
		return 0, false
	}
	until, err := statement.ParseTime(q.Marking.RetainUntil)
	if err != nil {
		return 0, false
	}
	return until.Std().UnixMilli() - q.Time.Std().UnixMilli(), true
}

// context is the question as Cedar's context record, for one recipient (DEC-3), as far as policies want it: what none of them looks at need not be
// there. approved is whether a second officer of the author's has approved it, which between the parties counts as done (DEC-10).
func (q *Question) context(to party.Code, approved bool, wants condition) types.Record {
	if wants == 0 {
		return types.Record{}
	}
	m := make(types.RecordMap, bits.OnesCount32(uint32(wants)))
	put := func(of condition, name types.String, value func() types.Value) {
		if wants&of != 0 {
			m[name] = value()
		}
	}
	long := func(n int) types.Value { return types.Long(n) }
	put(onTLPMax|onTLPMin, "tlp", func() types.Value { return long(q.Marking.TLP.Rank()) })
	put(onPAPMax, "pap", func() types.Value { return long(q.Marking.PAP.Rank()) })
	put(onPersonalData, "personal_data", func() types.Value { return long(q.Marking.PersonalData.Rank()) })
	put(onPrecedence, "precedence", func() types.Value { return types.String(q.Precedence) })
	put(onTracks, "track", func() types.Value { return types.String(q.Track) })
	put(onExercise, "exercise", func() types.Value { return types.Boolean(q.Exercise) })
	put(onHandling|onWithout, "handling", func() types.Value {
		codes := make([]types.Value, len(q.Marking.Handling))
		for i, h := range q.Marking.Handling {
			codes[i] = types.String(h)
		}
		return types.NewSet(codes...)
	})
	put(onBodyMax, "body_bytes", func() types.Value { return types.Long(q.BodyBytes) })
	put(onPerDay, "today", func() types.Value { return types.Long(q.Today[to]) })
	put(onApproval, "approved", func() types.Value { return types.Boolean(approved) })
	put(onCedar, "time", func() types.Value { return types.Long(q.Time.Std().UnixMilli()) })
	put(onCedar, "role", func() types.Value { return types.String(q.Role) })
	if wants&onRetainMax != 0 {
		if ms, ok := q.retention(); ok {
			m["retention"] = types.Long(ms)
		}
	}
	for _, f := range [...]struct {
		of    condition
		name  types.String
		value string
	}{{onPurposes, "purpose", q.Purpose}, {onSectors, "sector", q.Sector}, {onTypes, "type", q.Type}} {
		if wants&f.of != 0 && f.value != "" {
			m[f.name] = types.String(f.value)
		}
	}
	return types.NewRecord(m)
}

// wants are the conditions whose values the policy can look at: those that it has, or, written in Cedar, all.
func (e *entry) wants() condition {
	if e.rule == nil {
		return everything
	}
	wants := e.rule.present() &^ (onKinds | onFrom | onTo)
	if e.rule.Effect == Approve {
		wants |= onApproval
	}
	return wants
}
