package notice

import (
	"cmp"
	"slices"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Kind is what has happened.
type Kind string

// The kinds.
const (
	Arrived  Kind = "arrived"  // statements of others
	Recall   Kind = "recall"   // statements of others that ask this party to erase something
	Due      Kind = "due"      // what this party owes falls due soon
	Overdue  Kind = "overdue"  // it is late
	Approval Kind = "approval" // drafts wait for a second officer
	Fork     Kind = "fork"     // logs that turned out to have two histories
	Test     Kind = "test"     // nothing: somebody tries whether notices come through
)

// Kinds lists them, in the order in which a notice has them.
func Kinds() []Kind { return []Kind{Overdue, Due, Recall, Arrived, Approval, Fork, Test} }

// Line is things of one kind that have happened.
type Line struct {
	Kind  Kind       `json:"kind"`
	Desk  string     `json:"desk,omitzero"`
	Party party.Code `json:"party,omitzero"` // where the settings let it be told
	Count int        `json:"count"`
	// Precedence is the highest of them.
	Precedence statement.Precedence `json:"precedence,omitzero"`
	// TLP is the strictest of them; absent where one of them may not be told, or has none.
	TLP marking.TLP `json:"tlp,omitzero"`
}

// urgent tells what goes at once.
func (l *Line) urgent() bool {
	return l.Precedence == statement.Flash || l.Precedence == statement.Immediate
}

// same tells whether two lines can be one.
func (l *Line) same(m *Line) bool {
	return l.Kind == m.Kind && l.Desk == m.Desk && l.Party == m.Party && l.urgent() == m.urgent()
}

// merge takes another one in.
func (l *Line) merge(m *Line) {
	l.Count += m.Count
	l.Precedence = higher(l.Precedence, m.Precedence)
	switch {
	case l.TLP == "" || m.TLP == "":
		l.TLP = ""
	case m.TLP.Rank() > l.TLP.Rank():
		l.TLP = m.TLP
	}
}

func higher(a, b statement.Precedence) statement.Precedence {
	if b.Rank() >= 0 && (a.Rank() < 0 || b.Rank() < a.Rank()) {
		return b
	}
	return a
}

// Highest is the highest precedence of lines; "" where none has one.
func Highest(lines []Line) (p statement.Precedence) {
	for _, l := range lines {
		p = higher(p, l.Precedence)
	}
	return p
}

// total counts what lines tell of.
func total(lines []Line) (n int) {
	for _, l := range lines {
		n += l.Count
	}
	return n
}

// sorted are lines in the order in which people want them: the most pressing kind first, and of a kind the highest precedence.
func sorted(lines []Line) []Line {
	out := slices.Clone(lines)
	slices.SortStableFunc(out, func(a, b Line) int {
		return cmp.Or(
			cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind)), cmp.Compare(a.Precedence.Rank(), b.Precedence.Rank()),
			cmp.Compare(a.Desk, b.Desk), cmp.Compare(a.Party, b.Party))
	})
	return out
}

// Notice is what is told at one time, and where it is still to be sent.
type Notice struct {
	ID    string         `json:"id"` // the same however often it is tried
	Made  statement.Time `json:"made"`
	Lines []Line         `json:"lines"`
	Left  []Try          `json:"left"` // by which ways
}

// test tells a notice of nothing.
func (n *Notice) test() bool { return len(n.Lines) == 1 && n.Lines[0].Kind == Test }

// Way is how a notice goes out.
type Way string

// The ways.
const (
	ByMail    Way = "mail"
	ByWebhook Way = "webhook"
)

// Try is one way by which a notice is still to go.
type Try struct {
	Way      Way            `json:"way"`
	To       []string       `json:"to,omitempty"` // of a mail: who has not got it
	Attempts int            `json:"attempts"`
	Next     statement.Time `json:"next"` // not before
	Error    string         `json:"error,omitzero"`
}
