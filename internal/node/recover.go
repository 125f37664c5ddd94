package node

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// State is whether the node may speak, and what to do where it may not.
type State struct {
	Condition journal.Condition `json:"condition"`
	Origin    party.Origin      `json:"origin"`
	Size      int64             `json:"size"`  // leaves of the open log in the store
	Known     int64             `json:"known"` // leaves that are known to have left
	Waiting   []party.Code      `json:"waiting,omitempty"`
	Says      string            `json:"says"`
	Do        string            `json:"do,omitzero"`
}

// Ready tells whether something may be said.
func (s State) Ready() bool { return s.Condition == journal.Sound }

// State looks whether the node may speak.
func (n *Node) State(ctx context.Context) (State, error) {
	// spec: LOG-12, LOG-14
	st, err := n.Journal.Stand(ctx, n.Store)
	if err != nil {
		return State{}, err
	}
	out := State{Condition: st.Condition, Origin: n.Journal.Origin(), Size: st.Size, Known: st.Known.Size, Says: "the store has all that has left this node"}
	if st.Err() != nil {
		out.Says = fault.Show(st.Err())
	}
	switch st.Condition {
	case journal.Behind:
		out.Do = "if a newer copy of the store exists, use that one; else run comity recover: it asks the peers what they have, and says which way back is open"
	case journal.Restored:
		if out.Waiting, err = n.Courier.Unanswered(ctx); err != nil {
			return out, err
		}
		out.Do = fmt.Sprintf("keep the node served (comity serve): it asks %v and goes on by itself when they have answered; to go on without one that cannot: comity recover --from-peers --without CODE",
			codesOf(out.Waiting))
	case journal.Forked:
		out.Do = "somebody else may have the keys: tell the peers by voice, then comity keys rotate --stolen --recovery-key FILE"
	case journal.Waiting:
		out.Do = "comity processes list shows those that share the database; where one is ahead of it, run comity recover in that one's folder"
	case journal.Closed:
		out.Do = "stop every process of this node, see that keys.age in each folder is the newest, and start them again"
	}
	return out, nil
}

func codesOf(codes []party.Code) string {
	if len(codes) == 0 {
		return "its peers"
	}
	text := make([]string, len(codes))
	for i, c := range codes {
		text[i] = string(c)
	}
	return strings.Join(text, ", ")
}

// PeerAnswer is what one peer has of the own log.
type PeerAnswer struct {
	Peer     party.Code `json:"peer"`
	Answered bool       `json:"answered"`
	Without  bool       `json:"without,omitzero"` // the operator goes on without it
	Size     int64      `json:"size"`             // of the newest checkpoint that it has shown
	Error    string     `json:"error,omitzero"`
}

// Ways back.
const (
	WayNone   = "none"       // nothing is missing
	WayWait   = "wait"       // peers have not answered
	WayPeers  = "from-peers" // what was lost is there again, or can be
	WayNewLog = "new-log"    // a part is nowhere: the log has to be closed
	WayStolen = "stolen"     // somebody else has signed under the log's keys
)

// Recovery is what a look at the peers has found, and what was done about it.
type Recovery struct {
	State State          `json:"state"` // as it is now
	Peers []PeerAnswer   `json:"peers"`
	Old   int64          `json:"old"`   // leaves that the store had
	Known int64          `json:"known"` // the greatest size that is known to have left
	Whole int64          `json:"whole"` // the size up to which every leaf is known
	Lack  []thread.Range `json:"lack"`  // leaves that nobody gave back
	Way   string         `json:"way"`

	Done       bool           `json:"done"` // it was put back
	Statements int            `json:"statements"`
	Bodies     int            `json:"bodies"`
	Bare       []thread.Range `json:"bare"`   // leaves of which only the hash is known
	Unsaid     []Unsaid       `json:"unsaid"` // own statements that not everybody will get
	New        *Rotated       `json:"new,omitzero"`
}

// Unsaid is an own statement of a log that was closed with a part of it lost: those who do not have it will not get it. It can be said again in the open log.
type Unsaid struct {
	ID     statement.ID   `json:"id"`
	Thread thread.ID      `json:"thread"`
	Kind   statement.Kind `json:"kind"`
	Time   statement.Time `json:"time"`
	To     []party.Code   `json:"to"` // who does not have it
	Title  string         `json:"title,omitzero"`
}

// Recovering says what an operator allows.
type Recovering struct {
	Without []party.Code            // peers that are not waited for
	Files   map[party.Code][]string // pages that peers wrote, of each all that it wrote (comity packet mirror)
}

// Look asks every peer what it has of the own log and says which way back is open. It changes nothing but what it learns.
func (n *Node) Look(ctx context.Context, r Recovering) (Recovery, error) {
	g, err := n.gather(ctx, r)
	if err != nil {
		return Recovery{}, err
	}
	defer g.close()
	return g.report(ctx)
}

// FromPeers puts back what was lost from what the peers have mirrored, and lets the log go on, where that is possible (LOG-15): every leaf up to the greatest size
// that is known to have left is known, and every peer has answered or is gone without. Errors: fault.Unavailable while peers have not answered,
// fault.Behind where the way is closed.
func (n *Node) FromPeers(ctx context.Context, r Recovering) (Recovery, error) {
	// spec: LOG-14, LOG-15
	g, err := n.gather(ctx, r)
	if err != nil {
		return Recovery{}, err
	}
	defer g.close()
	out, err := g.report(ctx)
	if err != nil {
		return out, err
	}
	switch out.Way {
	case WayNone:
	case WayPeers:
		if err := g.putBack(ctx, &out); err != nil {
			return out, err
		}
		if err := n.Journal.Resume(ctx, n.Store, g.stand.Store); err != nil {
			return out, err
		}
		n.Courier.LookAgain()
		out.Done = true
		if err := n.fetchLost(ctx, g); err != nil {
			return out, err
		}
	case WayWait:
		if g.stand.Condition == journal.Waiting {
			return out, g.stand.Err()
		}
		return out, fault.New(fault.Unavailable, "LOG-14", "not every peer has answered, and what only they have seen would be signed over: %s", out.silent())
	case WayStolen:
		return out, fault.New(fault.Behind, "LOG-9", "the log's keys have signed two histories: they may be in other hands")
	default:
		return out, fault.New(fault.Behind, "LOG-15", "of %d leaves that have left, %d are nowhere: the log cannot go on", out.Known, lacking(out.Lack))
	}
	out.State, err = n.State(ctx)
	return out, err
}

// NewLog closes a log of which a part is nowhere any more, and opens the next by the recovery key. What peers have of the old one is put back first. The node is
// to be closed and opened again. Errors: as FromPeers; fault.Usage where nothing is wrong.
func (n *Node) NewLog(ctx context.Context, r Recovering, key Rotation) (Recovery, error) {
	// spec: LTR-7, LOG-14
	g, err := n.gather(ctx, r)
	if err != nil {
		return Recovery{}, err
	}
	defer g.close()
	out, err := g.report(ctx)
	if err != nil {
		return out, err
	}
	switch {
	case out.Way == WayNone && g.stand.Condition == journal.Sound:
		return out, fault.New(fault.Usage, "LTR-7", "nothing is wrong with the log: comity keys rotate opens a new one all the same")
	case g.stand.Condition == journal.Waiting:
		return out, g.stand.Err()
	case out.Way == WayWait:
		return out, fault.New(fault.Unavailable, "LOG-14", "not every peer has answered, and a log that is closed below what they have leaves that behind: %s", out.silent())
	case out.Way == WayStolen:
		return out, fault.New(fault.Behind, "LOG-9", "the log's keys have signed two histories: comity keys rotate --stolen closes what this store has")
	}
	if err := g.putBack(ctx, &out); err != nil {
		return out, err
	}
	key.Closing = g.greatest
	done, err := n.Rotate(ctx, key)
	if err != nil {
		return out, err
	}
	out.New, out.Done = &done, true
	if out.Unsaid, err = n.Unsaid(ctx); err != nil {
		return out, err
	}
	out.State, err = n.State(ctx)
	return out, err
}

func (r Recovery) silent() string {
	var out []party.Code
	for _, p := range r.Peers {
		if !p.Answered && !p.Without {
			out = append(out, p.Peer)
		}
	}
	return codesOf(out)
}

func lacking(ranges []thread.Range) (n int64) {
	for _, g := range ranges {
		n += g[1] - g[0]
	}
	return n
}

// fetchLost asks the peers for what they said and this node had acknowledged. What cannot be had now, the courier goes on asking for.
func (n *Node) fetchLost(ctx context.Context, g *gathered) error {
	for range 3 { // what one brings may be what another's rests on
		all := true
		for _, p := range g.peers {
			done, err := n.Courier.FetchLost(ctx, p.Peer)
			if code := fault.CodeOf(err); err != nil && code != fault.Unavailable {
				n.Log.Warn("a peer does not give again what was lost here", "peer", string(p.Peer), "error", err.Error())
			}
			all = all && done && err == nil
		}
		if all {
			break
		}
	}
	return ctx.Err()
}

// Unsaid lists own statements of logs that were closed with a part of them lost, that not everybody has and nobody else will get.
func (n *Node) Unsaid(ctx context.Context) (out []Unsaid, err error) {
	// spec: LTR-11
	err = n.Store.View(ctx, func(tx store.Tx) error {
		out = []Unsaid{}
		logs, err := n.Exchange.Logs(tx, n.Config.Code)
		if fault.CodeOf(err) == fault.Unknown {
			return nil
		}
		if err != nil {
			return err
		}
		for _, l := range logs {
			if l.Closing == nil {
				continue
			}
			whole, err := tx.Length(l.Origin)
			if err != nil {
				return err
			}
			if err := n.unsaid(tx, l.Origin, whole, &out); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (n *Node) unsaid(tx store.Tx, origin party.Origin, from int64, out *[]Unsaid) error {
	var rows []store.Statement
	if err := tx.Scan(origin, "", from, func(s store.Statement) bool {
		if !s.Thread.IsZero() {
			rows = append(rows, s)
		}
		return true
	}); err != nil {
		return err
	}
	for _, s := range rows {
		h, err := statement.ParseHead(s.Head)
		if err != nil {
			return err
		}
		u := Unsaid{ID: s.ID, Thread: s.Thread, Kind: s.Kind, Time: h.Time}
		for _, to := range h.To {
			_, err := tx.ArrivedAt(to, origin, store.HeadArrived, s.Index)
			if fault.CodeOf(err) == fault.NotFound {
				u.To = append(u.To, to)
			} else if err != nil {
				return err
			}
		}
		if len(u.To) == 0 {
			continue
		}
		if body, err := readBody(tx, h); err == nil && body != nil {
			u.Title = heading(body.Title)
		}
		*out = append(*out, u)
	}
	return nil
}

// GiveBack writes a page of what this node holds of a party's log to w, sealed to that party: for a node that has lost it and cannot be reached.
// next is the leaf from which the next page goes on; 0: this is the last.
func (n *Node) GiveBack(ctx context.Context, code party.Code, from int64, w io.Writer) (next int64, err error) {
	// spec: NET-11
	var origin party.Origin
	if err := n.Store.View(ctx, func(tx store.Tx) error {
		logs, err := n.Exchange.Logs(tx, code)
		if err == nil {
			origin = logs[len(logs)-1].Origin
		}
		return err
	}); err != nil {
		return 0, err
	}
	return n.Courier.GiveBack(ctx, origin, from, w)
}
