package page

import "time"

// Ledger is what two parties asked of each other.
type Ledger struct {
	Peers      []Choice
	Agreements []Choice
	From, To   string // dates, the first and the last day
	Peer       string
	Sides      []Side // what this party asked; what it was asked
	Entries    []LedgerRow
	Exercises  int // requests in exercises, which no total counts
	CSV        string
	JSON       string
	Digest     string // of the whole, which the peer computes too
	None       bool   // nobody to have a ledger with
}

// Side is one direction.
type Side struct {
	Title    string
	Asked    int
	Outcomes Bar
	Speed    Columns
	Timed    int // answers that Speed counts
	Kept     int
	Late     int
	Grounds  []Segment
}

// LedgerRow is one request.
type LedgerRow struct {
	Href       string
	Short      string
	Asker      string
	Asked      string
	Precedence string
	At         time.Time
	Took       string
	Had        string
	Outcome    string
	Grounds    string
	Kept       string // "kept", "late" or ""
	Exercise   bool
}

func tabbed(yes bool) string {
	if yes {
		return "0"
	}
	return "-1"
}
