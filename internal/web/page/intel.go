package page

import "time"

// Intelligence is what there is at a glance.
type Intelligence struct {
	Sources, Given, Got, Shares IntelList
	Imports                     []ImportRow
	MayImport, MayOffer         bool
}

// Empty tells that there is nothing yet.
func (v *Intelligence) Empty() bool {
	return len(v.Sources.Rows)+len(v.Given.Rows)+len(v.Got.Rows)+len(v.Shares.Rows) == 0
}

// IntelList is sources, feeds or shares.
type IntelList struct {
	Rows []IntelRow
	More int // that are not shown
}

// IntelRow is a source, feed or share in a list.
type IntelRow struct {
	Href    string
	Name    string
	Status  string
	With    []string // the other parties
	Objects int64
	Held    []HeldBack
	Offer   string // what belongs to a feed, in words
	Lag     *Lag   // nil: it has no meaning here
	More    bool   // who offers it has more ready
	Import  string // where more is imported; "" where it cannot be
	Opened  time.Time
}

// HeldBack is how many objects a rule has held back.
type HeldBack struct {
	Reason  string
	Objects int64
}

// Lag is how far a feed is behind. No parcels: it is not.
type Lag struct {
	Parcels int64
	Since   time.Time
}

// ImportRow is one statement by which objects came into a source.
type ImportRow struct {
	Href       string
	Source     string
	SourceHref string
	Title      string // what it was called: mostly a file's name
	Time       time.Time
	Objects    int64
	TLP        string
	Gone       bool   // its objects were erased
	Stage      string // of one that is under way
}

// ObjectSearch is a search over the catalogue and what it has found.
type ObjectSearch struct {
	Value, Text    string
	From, Until    string // as a field of date and time has them
	Types, Sources []Choice
	Asked          bool
	Rows           []ObjectRow
	Next, First    string
}

// ObjectRow is an object in a list.
type ObjectRow struct {
	Href    string
	Type    string // in the reader's language
	Name    string // defanged
	Label   string // beside its name: what it is called where that is not its value
	From    string
	Ours    bool
	Via     *Link // the source, feed or share with which it came
	TLP     string
	At      time.Time
	Revoked bool
	Older   bool
	Expired bool
	Covers  string // the range or domain by which it was found, where that covers what was looked for
}

// Gathering is a source, feed or share by itself.
type Gathering struct {
	IntelRow
	ID         string
	Form       string
	Ours       bool
	TLP        string
	Thread     string // its thread's page
	Agreement  *Link
	Lead       string // how it stands, in a sentence
	Belongs    []FactRow
	Objects    string // where its objects are listed; "" where none came here with it
	Parts      []PartRow
	PartsMore  bool
	Seen       []SeenRow
	SeenObject []SeenRow
	SeenMore   bool
	Forms      []Form
	MayNot     *Fault
}

// PartRow is an increment of a feed, or an import of a source.
type PartRow struct {
	Href    string
	N       int64 // of an increment; 0: it is none
	Title   string
	Time    time.Time
	Objects int64
	Held    []HeldBack
	TLP     string
	More    bool
	Arrived bool // a receipt says that all of it has
	Ours    bool
	Gone    bool
}

// SeenRow is how often something was seen, by what a party has told.
type SeenRow struct {
	Party       string
	Ours        bool
	Object      *Link // nil: of the whole
	Type        string
	Reports     int64
	Count       int64
	First, Last time.Time
	Via         *Link
	Text        string
}

// SightingsPage is what was seen of what this party gave, and what it told others.
type SightingsPage struct {
	Back, Told []SeenRow // by feed and share
	Objects    []SeenRow // one by one
	Next       string
	First      string
}

// Imports is where files are imported and sources opened.
type Imports struct {
	May         bool
	Sources     []Choice
	Forms       []Choice
	TLP         []Choice
	SourceTLP   []Choice
	Name        string
	Once        string // names the form of a new source, so that it is not sent twice
	MaxSize     string
	MaxUnpacked string // of a packed file
	Fault       *Fault // of the file
	SourceFault *Fault // of the new source
	Running     []ImportRow
	Rows        []ImportRow
}

// OneImport is a file on its way into a source.
type OneImport struct {
	ID, File, Size     string
	Source, SourceHref string
	Form, TLP          string
	Strict             bool
	Stage              string // "looking", "looked", "importing", "imported", "broken"
	Busy               bool
	Percent            int // of the file that was read
	Objects            int64
	Refused            int64
	Duplicates         int64
	Types, Markings    []Amount
	Failures           []FailureRow
	Unsought           int64 // indicators that nobody can look for in logs
	UnsoughtFirst      []FailureRow
	Fault              *Fault
	Found              string // where its source's objects are listed
	May                bool
}

// Amount is how many objects there are of something.
type Amount struct {
	Name    string
	Objects int64
}

// FailureRow is an object that was not understood, or cannot be looked for.
type FailureRow struct {
	Place  int64 // among the objects or lines, from 1
	Offset int64 // of its first byte; 0 in a list
	Reason string
}
