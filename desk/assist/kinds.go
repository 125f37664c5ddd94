package assist

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// What can be said, by whom.
const (
	KindRequest     statement.Kind = "assist.request"     // asker
	KindAcknowledge statement.Kind = "assist.acknowledge" // asked
	KindClarify     statement.Kind = "assist.clarify"     // asked
	KindSupplement  statement.Kind = "assist.supplement"  // asker
	KindPostpone    statement.Kind = "assist.postpone"    // asked
	KindGrant       statement.Kind = "assist.grant"       // asked
	KindAccept      statement.Kind = "assist.accept"      // asker
	KindRefuse      statement.Kind = "assist.refuse"      // asked
	KindWithdraw    statement.Kind = "assist.withdraw"    // asker
	KindAskUse      statement.Kind = "assist.ask-use"     // asked
	KindReportUse   statement.Kind = "assist.report-use"  // asker
)

// kinds is the table of AST-1, in the order in which a request lives.
func kinds() []thread.KindSpec {
	// spec: AST-1, AST-8
	return []thread.KindSpec{
		{Kind: KindRequest, Rank: 50, Opens: true, Facts: Request{}, Label: "ask for assistance",
			Means: "Asks each party named for help; it lays no responsibility on anybody."},
		{Kind: KindAcknowledge, Rank: 40, Facts: Acknowledge{}, Label: "acknowledge",
			Means: "Somebody has taken the request in hand; it is not agreed to, nor is anything that it says."},
		{Kind: KindClarify, Rank: 50, Facts: Clarify{}, Label: "ask for clarification",
			Means: "More is needed before an answer; the clock runs on."},
		{Kind: KindSupplement, Rank: 50, Facts: Supplement{}, Label: "supplement",
			Means: "Adds to the request, and answers a clarification that was asked for."},
		{Kind: KindPostpone, Rank: 50, Facts: Postpone{}, Label: "postpone",
			Means: "The answer comes later: by the date named, for the reason named."},
		{Kind: KindGrant, Rank: 60, Facts: Grant{}, Label: "grant",
			Means: "Gives what was asked, in part or in full, on conditions or without; it concurs with no statement about responsibility."},
		{Kind: KindAccept, Rank: 50, Facts: Accept{}, Label: "accept the conditions",
			Means: "Binds the asker to the conditions of the grant."},
		{Kind: KindRefuse, Rank: 60, Facts: Refuse{}, Label: "refuse",
			Means: "Declines, on the grounds named; after a grant in part, it declines the rest."},
		{Kind: KindWithdraw, Rank: 70, Facts: Withdraw{}, Label: "withdraw",
			Means: "Takes the request back from everybody who has not answered it in full."},
		{Kind: KindAskUse, Rank: 50, Facts: AskUse{}, Label: "ask how it was used",
			Means: "Asks the asker to explain what became of the answer."},
		{Kind: KindReportUse, Rank: 50, Facts: ReportUse{}, Label: "report the use",
			Means: "Explains what became of the answer."},
	}
}

// Type says what is asked for.
type Type string

// The types of AST-2.
const (
	Information         Type = "information"
	Analysis            Type = "analysis"
	Preservation        Type = "preservation"
	Disclosure          Type = "disclosure"
	TechnicalAssistance Type = "technical-assistance"
	Takedown            Type = "takedown"
	OtherType           Type = "other"
)

// Types lists them, in the order in which forms show them.
func Types() []Type {
	return []Type{Information, Analysis, Preservation, Disclosure, TechnicalAssistance, Takedown, OtherType}
}

// Other is the ground or reason that needs a text in the body (AST-6).
const Other = "other"

// MaxSeconds bounds both ends of a clock: 365 days (AST-3).
const MaxSeconds = 31_536_000

// Request is the facts of assist.request. Purpose, Sector and Authority are identifiers of the agreement's vocabulary.
type Request struct {
	Type      Type          `json:"type"`
	Purpose   string        `json:"purpose,omitzero"`
	Sector    string        `json:"sector,omitzero"`
	Authority string        `json:"authority,omitzero"`
	Clock     *thread.Limit `json:"clock,omitzero"` // nil: no answer is owed by any time
}

// Check holds the type against AST-2 and the clock against AST-3.
func (f Request) Check(h *statement.Head) error {
	// spec: AST-2, AST-3, AST-4
	switch c := f.Clock; {
	case !slices.Contains(Types(), f.Type):
		return fault.New(fault.Malformed, "AST-2", "a request is of one of the types listed")
	case c != nil && (c.Acknowledge < 1 || c.Acknowledge > MaxSeconds || c.Answer < 1 || c.Answer > MaxSeconds):
		return fault.New(fault.Malformed, "AST-3", "a clock gives both times, each from 1 to 31536000 seconds")
	case len(h.To) == 0:
		return fault.New(fault.Malformed, "AST-4", "a request asks at least one party")
	}
	return nil
}

// Acknowledge is the facts of assist.acknowledge: none.
type Acknowledge struct{}

// Clarify is the facts of assist.clarify: what is wanted, as identifiers.
type Clarify struct {
	Wanted []string `json:"wanted"`
}

// Check wants something wanted.
func (f Clarify) Check(*statement.Head) error { return checkList("AST-1", f.Wanted) }

// Supplement is the facts of assist.supplement. For is the clarification that it answers; zero: all that wait.
type Supplement struct {
	For     statement.ID `json:"for,omitzero"`
	Purpose string       `json:"purpose,omitzero"` // as in Request; personal data need one (DEC-8)
}

// Postpone is the facts of assist.postpone.
type Postpone struct {
	Reason string         `json:"reason"`
	Until  statement.Time `json:"until"`
}

// Check wants a reason, and a date that is still to come when it is said.
func (f Postpone) Check(h *statement.Head) error {
	// spec: AST-6
	if f.Reason == "" || !h.Time.Before(f.Until) {
		return fault.New(fault.Malformed, "AST-6", "a postponement gives its reason and a later date")
	}
	return nil
}

// Extent says how much is granted.
type Extent string

// The extents.
const (
	Part Extent = "part"
	Full Extent = "full"
)

// Grant is the facts of assist.grant. With conditions it counts once the asker has accepted them.
type Grant struct {
	Extent     Extent   `json:"extent"`
	Conditions []string `json:"conditions,omitempty"`
	Purpose    string   `json:"purpose,omitzero"` // as in Request; personal data need one (DEC-8)
}

// Check wants an extent, and no empty condition.
func (f Grant) Check(*statement.Head) error {
	// spec: AST-1
	if f.Extent != Part && f.Extent != Full {
		return fault.New(fault.Malformed, "AST-1", "a grant is in part or in full")
	}
	if len(f.Conditions) == 0 {
		return nil
	}
	return checkList("AST-1", f.Conditions)
}

// Accept is the facts of assist.accept: the grant whose conditions are accepted.
type Accept struct {
	Answer statement.ID `json:"answer"`
}

// Refuse is the facts of assist.refuse.
type Refuse struct {
	Grounds []string `json:"grounds"`
}

// Check wants a ground.
func (f Refuse) Check(*statement.Head) error { return checkList("AST-6", f.Grounds) } // spec: AST-6

// Withdraw is the facts of assist.withdraw.
type Withdraw struct {
	Reason string `json:"reason,omitzero"`
}

// AskUse is the facts of assist.ask-use: a grant of the author's own.
type AskUse struct {
	Answer statement.ID `json:"answer"`
}

// ReportUse is the facts of assist.report-use: a grant that has been asked about, and what it was used for.
type ReportUse struct {
	Answer statement.ID `json:"answer"`
	Use    []string     `json:"use"`
}

// Check wants a use.
func (f ReportUse) Check(*statement.Head) error { return checkList("AST-1", f.Use) }

// checkList wants at least one identifier and none empty; the head's own check has seen to the rest (STM-4).
func checkList(clause string, list []string) error {
	if len(list) == 0 || slices.Contains(list, "") {
		return fault.New(fault.Malformed, clause, "a list has at least one entry and no empty one")
	}
	return nil
}
