package store

import (
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Facets are what a thread is found by in lists.
type Facets struct {
	Peers      []party.Code // who takes part beside this store's party, sorted
	Agreement  statement.ID
	Status     string
	Closed     bool
	Track      statement.Track
	Precedence statement.Precedence
	TLP        marking.TLP
	Exercise   bool
}

// Clock is something that is owed in a thread. It is due Seconds after the statement Of has arrived at Owes, as PutArrival has it, unless Until names the time.
type Clock struct {
	Owes    party.Code
	Mine    bool // this store's party owes it
	Of      statement.ID
	Seconds int64
	Until   statement.Time
}

// ThreadOrder is the order of a list.
type ThreadOrder int

// The orders. In those of clocks stand only threads with clocks of that side, each where the next of them is due; one that does not run yet stands last.
const (
	ByUpdated   ThreadOrder = iota // the last updated first
	ByDue                          // what this party owes, due first
	ByOthersDue                    // what others owe, due first
	ByArrival                      // the newest thread first; the order of whatever is looked for by words
)

// Word is a keyed hash of a word.
type Word int64

// ThreadQuery describes a list. Empty members hold for all.
type ThreadQuery struct {
	Desk, NotDesk string
	Peer          party.Code
	Agreement     statement.ID
	Status        string
	Open          bool // those that are not closed
	Closed        bool // those that are
	Track         statement.Track
	Precedence    statement.Precedence
	TLP           marking.TLP
	Exercise      *bool
	Unread        bool
	Owed          bool // those in which this party owes something
	Words         []Word
	Order         ThreadOrder
	Until         statement.Time // in an order of clocks: what is due before
	After         ThreadMark     // zero: from the beginning
	Limit         int            // of rows, at least 1
	Look          int            // of rows that are looked at to find them, at least 1
}

// ThreadMark is a place in a list: the key of its order, and the number of the thread.
type ThreadMark struct{ At, No int64 }

// Sees is the mark after everything that is due by a time.
func Sees(due statement.Time) ThreadMark { return ThreadMark{At: due.Std().UnixMilli(), No: 1<<63 - 1} }

// ThreadPage is a page of a list. Without More it is the last one; with More the next begins after Next, and rows may be fewer than were asked for, or none.
type ThreadPage struct {
	Rows  []ThreadRow
	Marks []ThreadMark // of each row
	Next  ThreadMark
	More  bool
}

// Answer is what a program was answered when it asked for something under a key of its own.
type Answer struct {
	Key     statement.Digest
	Request statement.Digest
	Process string // who is at it, while Status is 0
	Made    statement.Time
	Status  int // 0: it is under way, or what came of it is not known
	Sealed  []byte
}

// Answers keeps answers until they are dropped.
type Answers interface {
	// PutAnswer inserts, or replaces Status and Sealed.
	PutAnswer(Answer) error
	Answer(key statement.Digest) (Answer, error)
	DropAnswer(key statement.Digest) error
	// AnyAnswer tells whether one was made before a time.
	AnyAnswer(before statement.Time) (bool, error)
	// DropAnswers drops those that were made before a time, and tells how many they were.
	DropAnswers(before statement.Time) (int64, error)
}
