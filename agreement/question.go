package agreement

import (
	"github.com/cedar-policy/cedar-go/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Question is all that a decision depends on. It comes from a head alone, so that both sides ask the same one.
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

// context is the question as Cedar's context record (DEC-3).
func (q *Question) context() types.Record {
	m := make(types.RecordMap, 13)
	m["tlp"] = types.Long(q.Marking.TLP.Rank())
	m["pap"] = types.Long(q.Marking.PAP.Rank())
	m["personal_data"] = types.Long(q.Marking.PersonalData.Rank())
	m["precedence"] = types.String(q.Precedence)
	m["track"] = types.String(q.Track)
	m["exercise"] = types.Boolean(q.Exercise)
	m["time"] = types.Long(q.Time.Std().UnixMilli())
	handling := make([]types.Value, len(q.Marking.Handling))
	for i, h := range q.Marking.Handling {
		handling[i] = types.String(h)
	}
	m["handling"] = types.NewSet(handling...)
	m["role"] = types.String(q.Role)
	m["body_bytes"] = types.Long(q.BodyBytes)
	for _, f := range [...]struct {
		name  types.String
		value string
	}{{"purpose", q.Purpose}, {"sector", q.Sector}, {"type", q.Type}} {
		if f.value != "" {
			m[f.name] = types.String(f.value)
		}
	}
	return types.NewRecord(m)
}
