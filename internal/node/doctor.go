package node

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/delivery"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
)

// Finding is one thing that the doctor looked at.
type Finding struct {
	Check  string `json:"check"`
	Health Health `json:"health"`
	Says   string `json:"says"`
	Do     string `json:"do,omitzero"` // what to do about it
}

// Health says how bad it is.
type Health string

// The degrees.
const (
	Good    Health = "good"
	Warning Health = "warning"
	Bad     Health = "bad"
)

// minDisk is how little free space is a warning, in bytes.
const minDisk = 1 << 30

// Doctor looks at clock, disk, permissions, keys, peers, queues, log and mark.
func (n *Node) Doctor(ctx context.Context) ([]Finding, error) {
	out := []Finding{n.permissions(), n.disk(), n.letter(ctx)}
	logs, err := n.log(ctx)
	if err != nil {
		return out, err
	}
	clock, err := n.clock(ctx)
	if err != nil {
		return out, err
	}
	forks, err := n.forks(ctx)
	if err != nil {
		return out, err
	}
	peers, err := n.peers(ctx)
	if err != nil {
		return out, err
	}
	out = append(out, clock, logs, n.mark(ctx), forks)
	lost, err := n.Unsaid(ctx)
	if err != nil {
		return out, err
	}
	if len(lost) > 0 {
		out = append(out, Finding{"closed log", Warning, plural(len(lost), "statement of a log that was closed cannot", "statements of a log that was closed cannot") + " be delivered to everybody any more",
			"comity recover lists them: say in the open log what still matters"})
	}
	f, err := n.erasing(ctx)
	if err != nil {
		return out, err
	}
	out = append(out, f)
	f, staffed, err := n.staffing(ctx)
	if err != nil {
		return out, err
	}
	if staffed {
		out = append(out, f)
	}
	f, told, err := n.noticing(ctx)
	if err != nil {
		return out, err
	}
	if told {
		out = append(out, f)
	}
	f, fetched, err := n.mirroredWell(ctx)
	if err != nil {
		return out, err
	}
	if fetched {
		out = append(out, f)
	}
	f, shared, err := n.processes(ctx)
	if shared {
		out = append(out, f)
	}
	return append(out, peers...), err
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (n *Node) permissions() Finding {
	f := Finding{Check: "permissions", Health: Good, Says: "folder and keys are this user's alone"}
	names := []string{n.Dir, n.path(n.Config.Keys)}
	if _, ok := n.Config.Database(); !ok {
		names = append(names, n.path(n.Config.Store))
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return Finding{"permissions", Bad, fmt.Sprintf("%s cannot be looked at", name), "give it back to the user that runs the node"}
		}
		if info.Mode().Perm()&0o077 != 0 {
			return Finding{"permissions", Bad, fmt.Sprintf("%s can be read by others", name), "chmod go-rwx " + name}
		}
	}
	return f
}

func (n *Node) disk() Finding {
	free := n.free()
	if free < 0 {
		return Finding{"disk", Warning, "free space cannot be told", ""}
	}
	says := fmt.Sprintf("%.1f GiB free", float64(free)/(1<<30))
	if free < minDisk {
		return Finding{"disk", Warning, says, "make room: a full disk stops the log"}
	}
	return Finding{"disk", Good, says, ""}
}

// free is the free space where the store is, in bytes; negative when it cannot be told.
func (n *Node) free() int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(n.Dir, &s); err != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize)
}

func (n *Node) letter(ctx context.Context) Finding {
	l, err := n.OwnLetter(ctx)
	if err != nil {
		return Finding{"letter", Bad, "the node's own letter is missing", "restore the folder from a backup"}
	}
	if l.Seal != n.Keys.Seal() || l.TLS != n.Keys.TLSDigest() || l.Origin != n.Keys.Origin() {
		return Finding{"letter", Bad, "the keys here are not those of the letter", "put back the keys that belong to the letter"}
	}
	return Finding{"letter", Good, fmt.Sprintf("letter %d of %s, log %s", l.Serial, l.Code, l.Origin), ""}
}

// clock holds this machine's time against the own log, against what peers' logs last signed, and against what peers and this node said to each other's packets.
func (n *Node) clock(ctx context.Context) (Finding, error) {
	// spec: LOG-7, LOG-10
	now := n.Now()
	own, worst, whose := time.Duration(0), time.Duration(0), ""
	err := n.Store.View(ctx, func(tx store.Tx) error {
		own, worst, whose = 0, 0, ""
		return tx.EachLetter(func(row store.Letter) bool {
			if row.Status != store.LetterConfirmed {
				return true
			}
			v, l, err := viewLetter(row, n.Config.Code)
			if err != nil {
				return true
			}
			cp, err := tx.Newest(l.Origin)
			if err != nil {
				return true
			}
			if d := cp.Time.Std().Sub(now); v.Own {
				own = d
			} else if d > worst {
				worst, whose = d, string(l.Origin)
			}
			return true
		})
	})
	if err != nil {
		return Finding{}, err
	}
	disputes, err := n.disputes(ctx)
	switch {
	case err != nil:
		return Finding{}, err
	case worst > time.Minute:
		return Finding{"clock", Bad, fmt.Sprintf("this machine is %s behind what %s last signed", worst.Round(time.Second), whose), "set the clock right; nothing is said or taken while it is wrong"}, nil
	case own > time.Minute:
		return Finding{"clock", Bad, fmt.Sprintf("this machine is %s behind what its own log last signed: nothing is said or taken until %s", own.Round(time.Second), now.Add(own).UTC().Format(time.DateTime)),
			"set the clock right; if it is right now and was ahead then, wait until that time: nothing is lost meanwhile. If that is too long, open a new log by the recovery key (docs/operator.md)"}, nil
	case len(disputes) > 1:
		return Finding{"clock", Bad, fmt.Sprintf("between this machine and each of %v one of two clocks is wrong: it will be this one", disputes), "set the clock right; delivery goes on by itself"}, nil
	case len(disputes) == 1:
		return Finding{"clock", Warning, fmt.Sprintf("between this machine and %s one of two clocks is wrong", disputes[0]), "hold this machine's clock against a source of time; if it is right, call the other side"}, nil
	}
	return Finding{"clock", Good, "no log that is known here is ahead of this machine", ""}, nil
}

// disputes lists the peers with whom the last attempt failed because of the time.
func (n *Node) disputes(ctx context.Context) (out []party.Code, err error) {
	queues, err := n.Courier.Queues(ctx)
	for _, q := range queues {
		if q.LastCode == string(fault.Clock) {
			out = append(out, q.Peer)
		}
	}
	return out, err
}

func (n *Node) log(ctx context.Context) (Finding, error) {
	r, err := n.VerifyLog(ctx)
	switch {
	case err != nil:
		return Finding{}, err
	case len(r.Problems) == 1 && r.Problems[0] == markDisagrees:
		return Finding{"log", Bad, r.Problems[0], "see what is said of the high-water mark"}, nil
	case len(r.Problems) > 0:
		return Finding{"log", Bad, r.Problems[0], "stop the node and restore the store from its newest backup"}, nil
	case r.Size > 0 && r.Cosigned == 0:
		return Finding{"log", Warning, fmt.Sprintf("%d statements verify; nobody has cosigned yet", r.Size), "evidence is weaker until a peer has seen the log"}, nil
	}
	says := fmt.Sprintf("%d statements verify; cosigned by %d", r.Size-r.Bare, r.Cosigned)
	if r.Bare > 0 {
		says += "; of " + plural(int(r.Bare), "more", "more") + " only the hash is known, since they were lost and did not come back"
	}
	return Finding{"log", Good, says, ""}, nil
}

func (n *Node) mark(ctx context.Context) Finding {
	st, err := n.State(ctx)
	switch {
	case err != nil:
		return Finding{"high-water mark", Bad, fault.Show(err), "look at the store and at the folder"}
	case !st.Ready():
		return Finding{"high-water mark", Bad, st.Says + "; nothing is said or taken meanwhile", st.Do}
	}
	return Finding{"high-water mark", Good, "agrees with the store", ""}
}

func (n *Node) forks(ctx context.Context) (Finding, error) {
	var origins []string
	err := n.Store.View(ctx, func(tx store.Tx) error {
		origins = nil
		return tx.Forks(func(f store.Fork) bool {
			origins = append(origins, string(f.Origin))
			return true
		})
	})
	if err != nil || len(origins) == 0 {
		return Finding{"forks", Good, "no log is known to have two histories", ""}, err
	}
	return Finding{"forks", Bad, fmt.Sprintf("two histories of %v", origins), "nothing more is accepted from it; speak to the party over another channel"}, nil
}

func (n *Node) peers(ctx context.Context) ([]Finding, error) {
	queues, err := n.Courier.Queues(ctx)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, q := range queues {
		out = append(out, peerFinding(q))
	}
	if len(out) == 0 {
		out = append(out, Finding{"peers", Warning, "no letter is confirmed", "import a party's letter and confirm its words"})
	}
	return out, nil
}

func peerFinding(q delivery.Queue) Finding {
	f := Finding{Check: "peer " + string(q.Peer), Health: Good, Says: "nothing waits"}
	if q.Waiting > 0 {
		f.Says = fmt.Sprintf("%s, the oldest for %s", plural(q.Waiting, "statement waits", "statements wait"), roughly(q.Lag))
		if q.AtLeast {
			f.Says = "more than " + f.Says
		}
	}
	switch {
	case q.LastCode == string(fault.NotAuthentic):
		f.Health, f.Says, f.Do = Warning, f.Says+"; last attempt: "+q.LastError, "if the other side has new keys, import its newest letter (comity credence import); else call it"
	case q.LastError != "":
		f.Health, f.Says, f.Do = Warning, f.Says+"; last attempt: "+q.LastError, "it is tried again by itself; if it lasts, call the other side"
	case q.Waiting > 0 && q.Lag > 10*time.Minute:
		f.Health = Warning
		f.Do = map[string]string{
			"pulls": "the peer fetches, and has not: call it",
			"bag":   "neither side reaches the other: carry a packet (comity packet pack)",
			"push":  "look whether the node is being served (comity serve)",
		}[q.Reach]
	}
	return f
}

// roughly is a span as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}
