package node

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/ledger"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Period says for whom, when, and up to which sizes of the two logs a ledger is computed. A size of 0 means all that is here.
type Period struct {
	Peer     party.Code
	From, To statement.Time
	OwnSize  int64
	PeerSize int64
}

// Ledger computes the ledger with a peer from the two logs (LED-1). The peer computes the same bytes for the same period and sizes.
func (n *Node) Ledger(ctx context.Context, p Period) (*ledger.Ledger, error) {
	var in ledger.Input
	err := n.Store.View(ctx, func(tx store.Tx) error {
		if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
			return err
		}
		g := &gathering{n: n, tx: tx, places: map[statement.ID]statement.Place{}}
		var err error
		in, err = g.gather(p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ledger.Compute(n.Rules, in)
}

// gathering collects a ledger's input in one transaction.
type gathering struct {
	n      *Node
	tx     store.Tx
	places map[statement.ID]statement.Place
	heads  map[thread.ID][]*statement.Head
	in     ledger.Input
}

func (g *gathering) gather(p Period) (ledger.Input, error) {
	theirs, err := g.n.Exchange.Logs(g.tx, p.Peer)
	if err != nil {
		return g.in, err
	}
	own, err := g.n.Exchange.Logs(g.tx, g.n.Config.Code)
	if err != nil {
		return g.in, err
	}
	if err := g.sizes(&p, own, theirs); err != nil {
		return g.in, err
	}
	g.heads = map[thread.ID][]*statement.Head{}
	if err := g.logs(own, p.OwnSize, p.Peer); err != nil {
		return g.in, err
	}
	if err := g.logs(theirs, p.PeerSize, g.n.Config.Code); err != nil {
		return g.in, err
	}
	for _, heads := range g.heads {
		g.in.Threads = append(g.in.Threads, heads)
	}
	g.in.From, g.in.To = p.From, p.To
	g.in.A, g.in.SizeA, g.in.B, g.in.SizeB = g.n.Config.Code, p.OwnSize, p.Peer, p.PeerSize
	if g.in.B < g.in.A {
		g.in.A, g.in.SizeA, g.in.B, g.in.SizeB = g.in.B, g.in.SizeB, g.in.A, g.in.SizeA
	}
	g.in.Place = func(id statement.ID) (party.Origin, int64, bool) {
		at, ok := g.places[id]
		return at.Origin, at.Index, ok
	}
	return g.in, nil
}

// sizes fills in those that were not asked for, and refuses those that are not here.
func (g *gathering) sizes(p *Period, own, theirs []exchange.Log) error {
	mine, err := g.size(own)
	if err != nil {
		return err
	}
	their, err := g.size(theirs)
	if err != nil {
		return err
	}
	if p.OwnSize == 0 {
		p.OwnSize = mine
	}
	if p.PeerSize == 0 {
		p.PeerSize = their
	}
	if p.OwnSize > mine || p.PeerSize > their {
		return fault.New(fault.Usage, "LED-1", "the logs have %d and %d statements here, less than was asked for", mine, their)
	}
	return nil
}

// size is that of all logs of a party, one behind the other: what stands of those that were closed, and what is here of the open one.
func (g *gathering) size(logs []exchange.Log) (n int64, err error) {
	// spec: LED-1
	for _, l := range logs {
		if l.Closing != nil {
			n += l.Closing.Size
			continue
		}
		tree, err := journal.Newest(g.tx, l.Origin)
		if err != nil {
			return 0, err
		}
		n += tree.Size
	}
	return n, nil
}

// logs reads a party's heads below a size, as far as the other party has them too.
func (g *gathering) logs(logs []exchange.Log, size int64, other party.Code) error {
	for _, l := range logs {
		stands := size
		if l.Closing != nil {
			stands = min(size, l.Closing.Size)
		}
		if err := g.log(l.Origin, stands, other); err != nil {
			return err
		}
		size -= stands
	}
	return nil
}

// log reads one log's heads below a size, as far as the other party has them too.
func (g *gathering) log(origin party.Origin, size int64, other party.Code) error {
	var bad error
	err := g.tx.Scan(origin, "", 0, func(s store.Statement) bool {
		if s.Index >= size {
			return false
		}
		h, err := statement.ParseHead(s.Head)
		if err != nil {
			bad = err
			return false
		}
		if !h.IsFor(other) {
			return true
		}
		h.Place = statement.Place{Origin: origin, Index: s.Index}
		g.places[h.ID] = h.Place
		if h.Kind == thread.KindDelivered {
			g.in.Receipts = append(g.in.Receipts, h)
		} else {
			g.heads[h.ThreadID()] = append(g.heads[h.ThreadID()], h)
		}
		return true
	})
	return firstError(err, bad)
}
