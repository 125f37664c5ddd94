package page

import "time"

// AgreementRow is an agreement in a list.
type AgreementRow struct {
	Href    string
	Title   string
	Short   string
	Status  string
	Parties []string
	InForce time.Time
	Signed  int
	Of      int
	ToSign  bool // this party may sign
	Expires time.Time
}

// AgreementList is a page of them.
type AgreementList struct {
	Rows        []AgreementRow
	Next, First string // addresses of other pages; "" where there is none
	MayPropose  bool
}

// Agreement is one agreement.
type Agreement struct {
	AgreementRow
	ID        string
	Digest    string
	Chair     string
	Making    string // its thread
	Acts      []Act
	Silence   *Silence
	Consents  []ConsentRow
	Texts     []TextRow
	Shown     TextRow // the text that is shown
	Terms     []FactRow
	Languages []Choice
	Left      string
	Right     string // "" for one language alone
	LeftDir   string
	RightDir  string
	Authentic bool // both decide
	Articles  []ArticleRow
	NoText    bool // it is not here
	Diff      *DiffPage
	Try       *TryPage
	MayAmend  bool // the reader may lay another text beside the one in hand
}

// Silence is a silence procedure.
type Silence struct {
	Expires    time.Time
	Objections []ObjectionRow
	Outcome    string
}

// ObjectionRow is one who objected.
type ObjectionRow struct {
	By    string
	Heard time.Time
	Late  bool
}

// ConsentRow is what one party has done to bind itself.
type ConsentRow struct {
	Party     string
	Signed    time.Time
	Given     time.Time
	As        string
	Reserved  []string
	Left      time.Time
	Suspended time.Time // since when; zero: it is not
}

// TextRow is a text of the agreement.
type TextRow struct {
	Digest  string
	Short   string
	By      string
	Time    time.Time
	InHand  bool
	Opened  bool
	Shown   bool
	Href    string
	Compare string // where it is compared with the text in hand
}

// ArticleRow is one article, in one language or two.
type ArticleRow struct {
	Number     string
	LeftTitle  string
	LeftText   string
	RightTitle string
	RightText  string
	Machine    []MachineRow
	Reserved   []string // who has made a reservation
}

// MachineRow is a part of an article that machines decide on.
type MachineRow struct {
	Effect string // "permit", "forbid", "approve" or "clock", "grounds", "use"
	Word   string
	Says   []string
}

// DiffPage is what a text says otherwise than the one in hand.
type DiffPage struct {
	Against  string
	Same     bool
	Document []ChangeRow
	Articles []ArticleChange
}

// ArticleChange is what became of an article.
type ArticleChange struct {
	Heading string
	What    string
	Changes []ChangeRow
}

// ChangeRow is one member that differs.
type ChangeRow struct {
	Member   string
	Language string
	Words    []Span
	Before   string
	After    string
}

// Span is words that stayed, came in or went out.
type Span struct {
	Op   string // "same", "in" or "out"
	Text string
}

// TryPage is the what-if tester.
type TryPage struct {
	Open    bool
	From    []Choice
	To      []Choice
	Kind    []Choice
	TLP     []Choice
	Urgency []Choice
	Data    []Choice
	Track   []Choice
	Role    []Choice
	Purpose string
	Sector  string
	At      string
	Bytes   string
	Verdict *Verdict
	Unbound string
	Fault   *Fault
}
