package page

import "time"

// Row is a thread in a list.
type Row struct {
	Href       string
	Title      string // of the opener's body, or what it is
	Untitled   bool   // its title is not here
	Desk       string
	With       []string // the other parties
	Ours       bool     // this party opened it
	Status     string
	Closed     bool
	TLP        string
	Precedence string
	Exercise   bool
	Updated    time.Time
	Unread     int
	Waiting    int // statements that wait for others to arrive
	Owed       []Owed
	Moves      []Act
}

// Owed is a clock: who owes what, by when, and what has set it.
type Owed struct {
	Thread  Row
	Name    string // of the clock
	Who     string // the party that owes
	To      string // to whom
	Ours    bool
	Due     time.Time // zero: no receipt yet
	SetBy   string    // a sentence
	Article string    // where SetBy names one: how to get there
	More    []Owed    // the later clocks of the same thread
	Moves   []Act     // that this party may make now
}

// Act is something that may be done: a link to its form.
type Act struct {
	Href  string
	Label string
	Main  bool // what most want here
}

// DraftRow is a draft in a list.
type DraftRow struct {
	Href    string
	Title   string
	Kind    string
	To      string
	Status  string
	Author  string
	TLP     string
	Changed time.Time
	Reason  string
}

// PeerRow is a peer in a list.
type PeerRow struct {
	Code    string
	Name    string
	Good    bool
	Says    string
	Do      string
	Reach   string
	Waiting int
	AtLeast bool
	Lag     string
	Heard   time.Time
	NextTry time.Time
	Letter  *Letter
	Words   []string
	Sizes   string
	Forks   []ForkRow
	Signed  time.Time // when its newest checkpoint was made; zero: there is none here
	Size    int64     // of that
	Witness []string  // who has cosigned it
}

// ForkRow is that a log has two histories.
type ForkRow struct {
	Found time.Time
	Why   string
}

// Letter is a letter of credence as a page shows it.
type Letter struct {
	Serial    int
	Origin    string
	Status    string
	Endpoints []string
	Confirmed time.Time
	Digest    string
}

// Log is the own log at a glance.
type Log struct {
	Origin    string
	Size      int64
	Signed    time.Time
	Age       string
	Cosigned  int64
	Cosigners int
	Behind    int64 // statements since the last cosigned checkpoint
	Forks     int
}

// Worry is something that the doctor found not good. Its words are the program's.
type Worry struct {
	Check string
	Bad   bool
	Says  string
	Do    string
}

// Sum is how much of something there is, and where on the page.
type Sum struct {
	Href  string
	Text  string
	Class string // "over", "soon" or ""
}

// Duty is the duty desk.
type Duty struct {
	Lead    string // the one thing to know, in a sentence
	Urgency string // "over", "soon", "later" or "calm"
	Owed    []Owed
	Others  []Owed
	Unread  []Row
	More    int // unread that are not shown
	// MoreOwed and MoreOthers are threads with clocks that are not shown.
	MoreOwed, MoreOthers int
	Approve              []DraftRow
	Own                  []DraftRow
	Peers                []PeerRow
	Reached              int
	Counts               []Sum // what there is below, that is more than nothing
	Log                  Log
	Worries              []Worry
	MayNew               bool
}

// Choice is one value of a filter or a select.
type Choice struct {
	Value  string
	Label  string
	Chosen bool
}

// Select is a filter.
type Select struct {
	Name    string
	Label   string
	Choices []Choice
}

// Threads is a list of threads with its filters.
type Threads struct {
	Filters []Select
	Search  string
	Unread  bool
	Owed    bool
	Others  bool // others owe
	Closed  bool
	Any     bool // some filter is set
	Rows    []Row
	Next    string // the address of the next page; "" where this is the last
	First   string // the address of the first page; "" where this is it
	MayNew  bool
}
