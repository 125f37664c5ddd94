package ledger

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// CSV is the requests of a part of a ledger as a table for other programs (RFC 4180), one row each.
func (p *Part) CSV() ([]byte, error) {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	rows := [][]string{{"id", "asker", "asked", "agreement", "kind", "precedence", "exercise", "asked_at", "arrived_at", "acknowledged_at", "answered_at", "answer_arrived_at", "due_acknowledge", "due_answer", "outcome", "grounds", "kept"}}
	for _, e := range p.Entries {
		kept := ""
		if e.Kept != nil {
			kept = strconv.FormatBool(*e.Kept)
		}
		agreement := ""
		if !e.Agreement.IsZero() {
			agreement = e.Agreement.String()
		}
		rows = append(rows, []string{
			e.ID.String(), string(e.Asker), string(e.Asked), agreement, string(e.Kind), string(e.Precedence), strconv.FormatBool(e.Exercise), stamp(e.AskedAt), stamp(e.ArrivedAt),
			stamp(e.AcknowledgedAt), stamp(e.AnsweredAt), stamp(e.AnswerArrivedAt), stamp(e.DueAcknowledge), stamp(e.DueAnswer), e.Outcome, strings.Join(e.Grounds, " "), kept,
		})
	}
	if err := out.WriteAll(rows); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the table cannot be written")
	}
	return b.Bytes(), nil
}

func stamp(t statement.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.String()
}
