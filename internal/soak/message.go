package soak

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// order is one line to a node's process; exactly one of its members beside N is there. Orders are carried out side by side.
type order struct {
	N     int64    `json:"n"`
	Start *start   `json:"start,omitzero"`
	Say   *saying  `json:"say,omitzero"`
	Trap  *trapped `json:"trap,omitzero"`
	Look  *looking `json:"look,omitzero"`
}

// reply is one line from a node's process: that the order of this number was carried out, or why not. Its line ends with a line feed, or it was never
// said.
type reply struct {
	N     int64      `json:"n"`
	Said  *said      `json:"said,omitzero"`
	Seen  *seen      `json:"seen,omitzero"`
	Holds bool       `json:"holds,omitzero"` // the process holds in its trap
	Fault fault.Code `json:"fault,omitzero"`
	Why   string     `json:"why,omitzero"`
	// Unknown: it may have been carried out all the same.
	Unknown bool `json:"unknown,omitzero"`
}

// start is the first order: open the node and serve it.
type start struct {
	Listen bool     `json:"listen"` // on the listener that came with the process
	Trap   *trapped `json:"trap,omitzero"`
	// Bounds of what processes that share a database take from each other, milliseconds; 0: a node's own.
	Turn  int64 `json:"turn,omitzero"`
	Claim int64 `json:"claim,omitzero"`
	Poll  int64 `json:"poll,omitzero"`
}

// trapped has the process end itself when it comes to a point for the nth time from now on, or hold there until it is told of another trap; then the order is
// answered when it holds, or will not. "" takes the trap away.
type trapped struct {
	Point string `json:"point"`
	Nth   int    `json:"nth"`
	Hold  bool   `json:"hold,omitzero"`
}

// saying is a statement of the load. Its officer is its serial number, so that it is known again by its head alone.
type saying struct {
	Serial     string               `json:"serial"`
	Kind       statement.Kind       `json:"kind"`
	Thread     thread.ID            `json:"thread,omitzero"`
	To         []party.Code         `json:"to,omitempty"`
	Agreement  agreement.ID         `json:"agreement,omitzero"`
	TLP        marking.TLP          `json:"tlp"`
	Precedence statement.Precedence `json:"precedence,omitzero"`
	Facts      jsontext.Value       `json:"facts"`
	Title      string               `json:"title,omitzero"`
	Text       string               `json:"text,omitzero"`
	Blobs      []attached           `json:"blobs,omitempty"`
}

// attached is an attachment that the child makes from a seed.
type attached struct {
	Seed uint64 `json:"seed"`
	Size int    `json:"size"`
}

// said is an acknowledgement: Submit has returned nil.
type said struct {
	ID     statement.ID `json:"id"`
	Thread thread.ID    `json:"thread"`
	Index  int64        `json:"index"`
}

// looking asks what is in the store: rows of each log from an index on, and the states of threads.
type looking struct {
	From    map[party.Origin]int64 `json:"from"`
	Threads []thread.ID            `json:"threads"`
}

// seen is what one transaction saw, and how the queues stood right after it.
type seen struct {
	Size    int64                  `json:"size"`  // length of the own log
	Note    []byte                 `json:"note"`  // the newest checkpoint of the own log
	Tiles   statement.Digest       `json:"tiles"` // the root that the stored tiles give for it
	Rows    map[party.Origin][]row `json:"rows"`
	States  map[thread.ID]folded   `json:"states"`
	Waiting map[party.Code]int     `json:"waiting"`         // statements that a peer has not receipted, by the queue
	Forks   []party.Origin         `json:"forks,omitempty"` // logs of which two histories are known
}

// row is a statement as a store has it.
type row struct {
	Index   int64        `json:"index"`
	ID      statement.ID `json:"id"`
	Head    []byte       `json:"head"`
	Folded  bool         `json:"folded"`
	Void    string       `json:"void,omitzero"`
	Content content      `json:"content"`
}

// content says how much of body and attachments is there.
type content string

const (
	none    content = "none"    // its head names none
	nothing content = "nothing" // of what it names
	partial content = "partial"
	entire  content = "entire" // and every digest holds
	corrupt content = "corrupt"
)

// folded is a thread's state.
type folded struct {
	State   statement.Digest `json:"state"` // of its bytes
	Waiting int              `json:"waiting"`
}
