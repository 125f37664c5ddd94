package page

import "time"

// Settings is how the node is set up.
type Settings struct {
	Rows      []SettingRow // empty where the reader may not see them
	Caveats   []CaveatFile
	May       bool // read the caveats again
	Notices   *Notices
	Retention bool // the reader may see what is erased
	Languages []LanguageRow
	Fault     *Fault
}

// SettingRow is one setting.
type SettingRow struct {
	Key   string
	Value string
	Own   bool // it is not the default
	Doc   string
}

// CaveatFile is a file of the party's own rules.
type CaveatFile struct {
	Name string
	Text string
}

// Notices is how telling people outside stands.
type Notices struct {
	Ways     []NoticeWay // mail and webhook, whether they are set or not
	Next     int         // things to be told with the next notice
	Lost     int         // given up after a day
	LastLost time.Time
	Test     bool // the reader may try them
	Tried    []TriedRow
}

// NoticeWay is one way by which notices go.
type NoticeWay struct {
	Way      string // "mail" or "webhook"
	Set      bool   // the settings name it
	Sent     time.Time
	Waiting  int
	Attempts int // at the one that failed last time
	Next     time.Time
	Error    string // of that, in the program's words
}

// TriedRow is what came of trying one way.
type TriedRow struct {
	Way  string
	Sent bool
	Says string
}

// LanguageRow is a language of the pages.
type LanguageRow struct {
	Code  string
	Name  string
	Lacks []string // groups of messages in which English is shown
	Here  bool     // it is the reader's
}

// Retention is what is to be erased, what was, and what stays.
type Retention struct {
	Due      []DueRow
	MoreDue  bool
	Erased   []ErasedRow
	Held     []HeldRow
	Looked   time.Time
	ByItself bool
	Traces   bool
	Aside    []string
}

// DueRow is a statement whose content has a date.
type DueRow struct {
	Href  string
	Short string
	Label string // of its kind
	From  string
	At    time.Time
	By    Link // the article that says so; without an address: its marking
}

// ErasedRow is a statement whose content was erased.
type ErasedRow struct {
	Href  string // "" where its thread is not known any more
	Short string
	At    time.Time
	Way   string
}

// HeldRow is a statement that somebody recalled and that is still here.
type HeldRow struct {
	Short  string
	Recall string // where the recall is
	By     string
	Ground string // "" where nobody has answered yet
	At     time.Time
}
