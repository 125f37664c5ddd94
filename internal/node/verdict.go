package node

import (
	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Verdict is a decision as every face gives it to programs. Articles and caveats that ask for a second officer stand apart: an article is named by its number in the text that
// both signed, a caveat by the name that this party has given it, and nobody could tell "7" of the one from "7" of the other.
type Verdict struct {
	Permitted  bool           `json:"permitted"`
	Agreement  statement.ID   `json:"agreement,omitzero" doc:"absent: the charter"`
	Caveat     bool           `json:"caveat,omitzero" doc:"a caveat of this party decided"`
	Articles   []string       `json:"articles"`
	Clause     string         `json:"clause,omitzero"`
	Reason     string         `json:"reason,omitzero"`
	Nearest    []string       `json:"nearest,omitempty" doc:"what would be permitted instead"`
	Recipients []Recipient    `json:"recipients,omitempty"`
	Approval   bool           `json:"approval,omitzero" doc:"a second officer approves before it leaves"`
	ApprovalBy []string       `json:"approval_by,omitempty" doc:"the articles that ask for it"`
	AskedBy    []string       `json:"asked_by,omitempty" doc:"the caveats of this party that ask for it"`
	Use        *agreement.Use `json:"use,omitempty" doc:"what recipients may do with it"`
}

// Recipient is a decision for one recipient.
type Recipient struct {
	To        party.Code `json:"to"`
	Permitted bool       `json:"permitted"`
	Articles  []string   `json:"articles"`
	Reason    string     `json:"reason,omitzero"`
	Nearest   []string   `json:"nearest,omitempty"`
}

// ViewVerdict is a decision as it is shown.
func ViewVerdict(v exchange.Verdict) Verdict {
	out := Verdict{
		Permitted: v.Permitted, Agreement: v.Agreement, Caveat: v.Caveat, Articles: v.Articles, Clause: v.Clause, Reason: v.Reason, Nearest: v.Nearest,
		Approval: v.Approval, ApprovalBy: v.ApprovalBy, AskedBy: v.AskedBy,
	}
	for _, r := range v.Per {
		out.Recipients = append(out.Recipients, Recipient{r.To, r.Permitted, r.Articles, r.Reason, r.Nearest})
	}
	return out
}

// ViewTrial is what a text says of something that nobody says.
func ViewTrial(t Trial, id statement.ID) Verdict {
	v := ViewVerdict(exchange.Verdict{Verdict: t.Verdict, Agreement: id})
	if v.Permitted && t.Use != (agreement.Use{}) {
		v.Use = &t.Use
	}
	return v
}
