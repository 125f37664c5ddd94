package node

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// gathered is what all peers together have given back of the own log.
type gathered struct {
	n     *Node
	stand journal.Standing
	dir   string // pages, as sealed as they came, until it is known whether they are put back

	mu     sync.Mutex
	peers  []PeerAnswer                  // guarded by mu
	leaves map[int64]translog.Hash       // from the store's length on, as tiles prove them; guarded by mu
	shown  map[int64]translog.Checkpoint // by size; guarded by mu
	pages  []string                      // files in dir; guarded by mu
	two    bool                          // the own keys have signed two histories; guarded by mu

	greatest translog.Tree // the greatest that is known to have left
	whole    translog.Tree // the greatest of which every leaf is known; the store's, if no other
	grown    []translog.TileData
	other    bool // the store's own log is not the one that has left: nothing can be put upon it
}

func (g *gathered) close() { _ = os.RemoveAll(g.dir) }

// gather asks every peer for what it holds of the own log from the store's length on.
func (n *Node) gather(ctx context.Context, r Recovering) (*gathered, error) {
	st, err := n.Journal.Stand(ctx, n.Store)
	if err != nil {
		return nil, err
	}
	g := &gathered{n: n, stand: st, leaves: map[int64]translog.Hash{}, shown: map[int64]translog.Checkpoint{}}
	if g.dir, err = os.MkdirTemp(n.Dir, gatheredPattern); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "what peers give back cannot be kept")
	}
	if err := g.ask(ctx, r); err != nil {
		g.close()
		return nil, err
	}
	if err := n.Store.View(ctx, g.resolve); err != nil {
		g.close()
		return nil, err
	}
	return g, g.learn(ctx)
}

func (g *gathered) ask(ctx context.Context, r Recovering) error {
	letters, err := g.n.Letters(ctx)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, l := range letters {
		if l.Own || l.Status != store.LetterConfirmed {
			continue
		}
		all.Go(func() {
			p := PeerAnswer{Peer: l.Code, Without: slices.Contains(r.Without, l.Code)}
			if err := g.peer(ctx, &p, r.Files[l.Code]); err != nil {
				p.Error = fault.Show(err)
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			g.peers = append(g.peers, p)
		})
	}
	all.Wait()
	slices.SortFunc(g.peers, func(a, b PeerAnswer) int { return bytes.Compare([]byte(a.Peer), []byte(b.Peer)) })
	return ctx.Err()
}

// peer takes all that one peer gives back: over the wire, or what it wrote to files.
func (g *gathered) peer(ctx context.Context, p *PeerAnswer, files []string) error {
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil || info.Size() > packet.MaxSealed {
			return fault.Wrap(err, fault.Usage, "", "%s cannot be read, or is no packet", name)
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return fault.Wrap(err, fault.Usage, "", "%s cannot be read", name)
		}
		if err := g.page(ctx, p, raw); err != nil {
			return err
		}
		p.Answered = true
	}
	if len(files) > 0 {
		return nil
	}
	for at := g.stand.Size; ; {
		page, err := g.n.Courier.Mirror(ctx, p.Peer, g.n.Journal.Origin(), at)
		if fault.CodeOf(err) == fault.NotFound && fault.ClauseOf(err) == "NET-11" {
			p.Answered = true // it never got anything
			return nil
		}
		if err != nil {
			return err
		}
		if err := g.page(ctx, p, page.Sealed); err != nil {
			return err
		}
		if page.Next <= at {
			p.Answered = true
			return nil
		}
		at = page.Next
	}
}

// page verifies a page and keeps it.
func (g *gathered) page(ctx context.Context, p *PeerAnswer, raw []byte) error {
	m, err := g.n.Exchange.OpenMirror(ctx, bytes.NewReader(raw))
	if err == nil && m.Origin() != g.n.Journal.Origin() {
		err = fault.New(fault.NotAuthentic, "NET-11", "%s gave back another log than it was asked for", p.Peer)
	}
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, cp := range m.Checkpoints {
		p.Size = max(p.Size, cp.Size)
		if have, ok := g.shown[cp.Size]; ok {
			g.two = g.two || have.Root != cp.Root
			if cp.Note, err = translog.MergeSignatures(have.Note, cp.Note); err != nil {
				cp = have // too many cosignatures for one note
			}
		}
		g.shown[cp.Size] = cp
	}
	for _, t := range m.Tiles {
		for i, h := range t.Hashes {
			at := t.N*translog.TileWidth + int64(i)
			have, ok := g.leaves[at]
			g.two = g.two || ok && have != h
			g.leaves[at] = h
		}
	}
	file := filepath.Join(g.dir, fmt.Sprintf("%06d", len(g.pages)))
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "what peers give back cannot be kept")
	}
	g.pages = append(g.pages, file)
	return nil
}

// overlay is a log's tiles with those that it grows by.
type overlay struct {
	translog.Tiles
	grown map[[2]int64][]byte
}

// Tile implements translog.Tiles.
func (o overlay) Tile(level int, n int64) ([]byte, error) {
	if b, ok := o.grown[[2]int64{int64(level), n}]; ok {
		return b, nil
	}
	return o.Tiles.Tile(level, n)
}

// resolve finds how far the log is known again, and holds every checkpoint that was shown against it.
func (g *gathered) resolve(tx store.Tx) error {
	// spec: LOG-15
	origin := g.n.Journal.Origin()
	tiles := journal.Tiles{Log: tx, Origin: origin}
	mine, err := journal.Newest(tx, origin)
	if err != nil {
		return err
	}
	g.greatest, g.whole, g.grown = mine, mine, nil
	if g.stand.Condition == journal.Behind {
		g.greatest = g.stand.Known
		g.other = g.stand.Known.Size <= mine.Size && !g.stand.Damaged
	}
	for size, cp := range g.shown {
		if size > g.greatest.Size {
			g.greatest = cp.Tree
		}
		g.two = g.two || size == g.greatest.Size && cp.Root != g.greatest.Root && size > 0
	}
	if g.other {
		return nil
	}
	at, add := mine.Size, []translog.Hash(nil)
	for h, ok := g.leaves[at]; ok && at < g.greatest.Size; h, ok = g.leaves[at] {
		add, at = append(add, h), at+1
	}
	best := int64(-1)
	for size := range g.shown {
		if size > mine.Size && size <= at {
			best = max(best, size)
		}
	}
	seen := overlay{tiles, map[[2]int64][]byte{}}
	if best > 0 {
		root, grown, err := translog.Extend(mine.Size, tiles, add[:best-mine.Size])
		if err != nil {
			return err
		}
		g.two = g.two || root != g.shown[best].Root
		g.whole, g.grown = g.shown[best].Tree, grown
		for _, t := range grown {
			seen.grown[[2]int64{int64(t.Level), t.N}] = t.Hashes
		}
	}
	return g.compare(tiles, seen)
}

// compare holds what was shown of the part that is known against it.
func (g *gathered) compare(tiles, seen translog.Tiles) error {
	for size, cp := range g.shown {
		if size > g.whole.Size || size == 0 {
			continue
		}
		root, err := translog.Root(size, seen)
		if err != nil {
			return err
		}
		g.two = g.two || root != cp.Root
	}
	for at, h := range g.leaves {
		if at >= g.stand.Size {
			continue
		}
		tile, err := tiles.Tile(0, at/translog.TileWidth)
		if err != nil {
			return err
		}
		i := int(at%translog.TileWidth) * len(h)
		g.two = g.two || len(tile) < i+len(h) || translog.Hash(tile[i:i+len(h)]) != h
	}
	return nil
}

// learn has the node know of what was shown that its store lacks, so that it signs nothing whoever recovers it, and when.
func (g *gathered) learn(ctx context.Context) error {
	for size, cp := range g.shown {
		if size <= g.stand.Size && !g.two {
			continue
		}
		if _, err := g.n.Exchange.Shown(ctx, "", cp); err != nil {
			return err
		}
	}
	var err error
	g.stand, err = g.n.Journal.Stand(ctx, g.n.Store)
	return err
}

// report says which way is open.
func (g *gathered) report(ctx context.Context) (Recovery, error) {
	out := Recovery{
		Peers: g.peers, Old: g.stand.Size, Known: g.greatest.Size, Whole: g.whole.Size, Lack: g.lack(), Bare: []thread.Range{}, Unsaid: []Unsaid{},
	}
	silent := slices.ContainsFunc(g.peers, func(p PeerAnswer) bool { return !p.Answered && !p.Without })
	switch {
	case g.two:
		out.Way = WayStolen
	case g.stand.Condition == journal.Sound:
		out.Way = WayNone
	case silent || g.stand.Condition == journal.Waiting:
		out.Way = WayWait
	case !g.other && g.whole.Size == g.greatest.Size && g.whole.Root == g.greatest.Root:
		out.Way = WayPeers
	default:
		out.Way = WayNewLog
	}
	var err error
	out.State, err = g.n.State(ctx)
	return out, err
}

// lack lists the leaves that nobody gave back.
func (g *gathered) lack() []thread.Range {
	out := []thread.Range{}
	for at := g.stand.Size; at < g.greatest.Size; at++ {
		if _, ok := g.leaves[at]; ok {
			continue
		}
		if n := len(out); n > 0 && out[n-1][1] == at {
			out[n-1][1]++
		} else {
			out = append(out, thread.Range{at, at + 1})
		}
	}
	return out
}

// putBack stores what was gathered, and makes the log as long again as it is known.
func (g *gathered) putBack(ctx context.Context, out *Recovery) error {
	leaf := func(at int64) (translog.Hash, bool) {
		if at < g.stand.Size || at >= g.whole.Size {
			return translog.Hash{}, false
		}
		h, ok := g.leaves[at]
		return h, ok
	}
	if g.other || g.greatest.Size == g.stand.Size {
		return nil
	}
	if err := g.n.Exchange.Forgot(ctx); err != nil {
		return err
	}
	var back exchange.Back
	for _, file := range g.pages {
		raw, err := os.ReadFile(file)
		if err != nil {
			return fault.Wrap(err, fault.Unavailable, "", "what a peer gave back cannot be read again")
		}
		m, err := g.n.Exchange.OpenMirror(ctx, bytes.NewReader(raw))
		if err != nil {
			return err
		}
		if err := g.n.Exchange.PutBack(ctx, m, leaf, &back); err != nil {
			return err
		}
	}
	out.Statements, out.Bodies = back.Statements, back.Bodies
	if g.whole.Size > g.stand.Size {
		grow := exchange.Regrowth{Old: g.stand.Size, Tree: g.whole, Tiles: g.grown, Whole: g.whole.Size == g.greatest.Size}
		for size, cp := range g.shown {
			if size <= g.whole.Size {
				grow.Notes = append(grow.Notes, cp)
			}
		}
		if err := g.n.Exchange.Regrow(ctx, grow); err != nil {
			return err
		}
	}
	return g.n.Store.View(ctx, func(tx store.Tx) error {
		bare, err := exchange.Bare(tx, g.n.Journal.Origin())
		if bare != nil {
			out.Bare = bare
		}
		return err
	})
}
