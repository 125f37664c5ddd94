package ledger

import "github.com/comity-exchange/comity/party"

// Total counts what one party asked of the other, exercises left out (LED-6). Granted to Open add up to Asked.
type Total struct {
	Asker               party.Code `json:"asker"`
	Asked               int        `json:"asked"`
	Acknowledged        int        `json:"acknowledged"` // whatever became of it later
	Granted             int        `json:"granted"`
	PartlyGranted       int        `json:"partly_granted"`
	GrantedOnConditions int        `json:"granted_on_conditions"` // that wait
	Postponed           int        `json:"postponed"`
	Refused             int        `json:"refused"` // by a person or by rule
	Withdrawn           int        `json:"withdrawn"`
	Open                int        `json:"open"`
	Kept                int        `json:"kept"`
	Late                int        `json:"late"`
}

func total(asker party.Code, entries []Entry) Total {
	// spec: LED-6
	t := Total{Asker: asker}
	for _, e := range entries {
		if e.Asker != asker || e.Exercise {
			continue
		}
		t.Asked++
		if !e.AcknowledgedAt.IsZero() {
			t.Acknowledged++
		}
		*t.outcome(e.Outcome)++
		switch {
		case e.Kept == nil:
		case *e.Kept:
			t.Kept++
		default:
			t.Late++
		}
	}
	return t
}

// outcome is the counter of an outcome (LED-5); what is none of the settled ones is still open.
func (t *Total) outcome(s string) *int {
	switch s {
	case "granted":
		return &t.Granted
	case "partly-granted":
		return &t.PartlyGranted
	case "granted-on-conditions":
		return &t.GrantedOnConditions
	case "postponed":
		return &t.Postponed
	case "refused", "refused-by-rule":
		return &t.Refused
	case "withdrawn":
		return &t.Withdrawn
	}
	return &t.Open
}
