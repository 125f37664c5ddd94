package node

import (
	"context"
	"net"
	"runtime/debug"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/delivery"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/watch"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Bounds of one look at the store for metrics.
const (
	surveyRows  = 4000 // statements of all queues together
	maxDue      = 1000 // statements that are due to be erased
	maxWanted   = 256  // missing statements that are counted for a peer
	cosignedFar = 1024 // statements back from the log's end, in which a cosigned checkpoint is looked for
)

// watching makes the watch over this node. Where the settings want no more, it knows the health, and names packets in the diary.
func (n *Node) watching(o Options) (*watch.Watch, error) {
	w := watch.Options{Party: n.Config.Code, Version: version(), Log: n.component("watch")}
	if !o.Watched {
		return watch.New(w)
	}
	w.Metrics, w.Traces = n.Config.WatchListen != "", n.Config.TraceEndpoint
	for _, s := range n.Rules.Specs() {
		w.Desks = append(w.Desks, s.Kind.Desk())
	}
	return watch.New(w)
}

// version is the program's, as its build knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

// WatchListen opens the listener for health and metrics at the configured address; nil when it has none.
func (n *Node) WatchListen(ctx context.Context) (net.Listener, error) {
	if n.Config.WatchListen == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", n.Config.WatchListen)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "health and metrics cannot be served on %s", n.Config.WatchListen)
	}
	return l, nil
}

// watched is the node as its watch sees it: it implements watch.Node.
type watched struct {
	*Node
	// cosigned is what was found cosigned of the own log at the first look; nil before. Owned by Facts. What comes later, the watch is told of.
	cosigned *store.Checkpoint
}

// Facts implements watch.Node. It reads the store itself, not the one whose transactions are timed.
func (w *watched) Facts(ctx context.Context) (watch.Facts, error) {
	f := watch.Facts{Now: w.Now(), DiskFree: w.free()}
	err := w.Store.View(ctx, func(tx store.Tx) error {
		f.Peers, f.Mirrors, f.Forks = nil, nil, 0
		if err := w.ownLog(tx, &f); err != nil {
			return err
		}
		if err := tx.Forks(func(store.Fork) bool { f.Forks++; return true }); err != nil {
			return err
		}
		due, err := tx.Due(statement.TimeOf(f.Now), maxDue)
		if err != nil {
			return err
		}
		f.Due = len(due)
		if err := w.mirrored(tx, &f); err != nil {
			return err
		}
		letters, err := w.known(tx)
		if err != nil {
			return err
		}
		return w.queues(tx, letters, &f)
	})
	return f, err
}

func (w *watched) ownLog(tx store.Tx, f *watch.Facts) error {
	origin := w.Journal.Origin()
	cp, err := tx.Newest(origin)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	f.Size, f.Signed = cp.Size, cp.Time.Std()
	if w.cosigned == nil {
		w.cosigned = &store.Checkpoint{}
		if err := tx.Checkpoints(origin, max(0, cp.Size-cosignedFar), func(c store.Checkpoint) bool {
			if c.Cosigs > 0 {
				*w.cosigned = c
			}
			return true
		}); err != nil {
			return err
		}
	}
	f.Cosigned, f.Cosigners = w.cosigned.Size, w.cosigned.Cosigs
	return nil
}

// known lists the letters of the parties that this node may talk to.
func (w *watched) known(tx store.Tx) ([]*party.Letter, error) {
	var out []*party.Letter
	var bad error
	err := tx.EachLetter(func(row store.Letter) bool {
		if row.Status != store.LetterConfirmed || row.Code == w.Config.Code {
			return true
		}
		l, err := w.Exchange.Parsed(row)
		if bad = err; bad != nil {
			return false
		}
		out = append(out, l)
		return true
	})
	if err == nil {
		err = bad
	}
	return out, err
}

func (w *watched) queues(tx store.Tx, letters []*party.Letter, f *watch.Facts) error {
	codes := make([]party.Code, len(letters))
	for i, l := range letters {
		codes[i] = l.Code
	}
	queues, err := w.Courier.Survey(tx, codes, surveyRows)
	if err != nil {
		return err
	}
	for i, q := range queues {
		p, err := w.peer(tx, letters[i], q, f.Now)
		if err != nil {
			return err
		}
		f.Peers = append(f.Peers, p)
	}
	return nil
}

func (w *watched) peer(tx store.Tx, l *party.Letter, q delivery.Queue, now time.Time) (watch.Peer, error) {
	p := watch.Peer{
		Code: l.Code, AtLeast: q.AtLeast, Failures: q.Attempts, LastHeard: std(q.LastHeard), Accepted: q.Accepted, Size: q.TheirSize,
		Queue: map[statement.Precedence]watch.Backlog{},
	}
	for prec, n := range q.By {
		p.Queue[prec] = watch.Backlog{Waiting: n, Lag: max(0, now.Sub(q.OldestBy[prec].Std()))}
	}
	cp, err := tx.Newest(l.Origin)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return p, err
	}
	p.Signed, p.Size = std(cp.Time), max(p.Size, cp.Size)
	if p.Cosigned, err = journal.CosignedSize(tx, l.Origin); err != nil {
		return p, err
	}
	return p, tx.Wanted(l.Code, func(statement.ID) bool {
		p.Missing++
		return p.Missing < maxWanted
	})
}

// std is a time for package time, where absence is zero.
func std(t statement.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Std()
}

// Checks implements watch.Node.
func (w *watched) Checks(ctx context.Context) []watch.Check {
	err := w.Store.View(ctx, func(tx store.Tx) error {
		_, err := journal.Newest(tx, w.Journal.Origin())
		return err
	})
	if err != nil {
		return []watch.Check{{Check: "store", Says: fault.Show(err)}}
	}
	out := []watch.Check{{Check: "store", OK: true, Says: "it can be read"}}
	// spec: LOG-12, LOG-14
	switch st, err := w.State(ctx); {
	case err != nil:
		out = append(out, watch.Check{Check: "mark", Says: fault.Show(err)})
	case !st.Ready():
		out = append(out, watch.Check{Check: "mark", Says: st.Says})
	default:
		out = append(out, watch.Check{Check: "mark", OK: true, Says: "it agrees with the store"})
	}
	if w.sharing != nil {
		if err := w.Store.View(ctx, w.sharing.permit); err != nil {
			out = append(out, watch.Check{Check: "processes", Says: fault.Show(err)})
		} else {
			out = append(out, watch.Check{Check: "processes", OK: true, Says: "all that share the database agree with it"})
		}
	}
	letter := w.letter(ctx)
	return append(out, watch.Check{Check: "keys", OK: letter.Health == Good, Says: letter.Says})
}

// Probe implements watch.Node.
func (w *watched) Probe(ctx context.Context) error {
	return w.Exchange.Update(ctx, func(tx store.Tx) error { return tx.SetMeta("probed", statement.TimeOf(w.Now()).String()) })
}
