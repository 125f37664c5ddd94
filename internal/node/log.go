package node

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// LogReport is what verifying an own log found.
type LogReport struct {
	Origin   party.Origin     `json:"origin"`
	Size     int64            `json:"size"`
	Root     statement.Digest `json:"root"`
	Signed   statement.Time   `json:"signed,omitzero"`
	Cosigned int              `json:"cosigned"`      // greatest count of other parties on one checkpoint
	Bare     int64            `json:"bare,omitzero"` // leaves whose statements were lost and did not come back: only their hashes are here
	Problems []string         `json:"problems"`
	Closed   []LogReport      `json:"closed,omitempty"` // the own logs before this one
}

// VerifyLog recomputes the own log from its statements and holds it against tiles, checkpoint, signatures and high-water mark; and the own logs before it.
func (n *Node) VerifyLog(ctx context.Context) (LogReport, error) {
	keys, err := n.Keys.PublicKeys(party.RoleLog)
	if err != nil {
		return LogReport{Origin: n.Journal.Origin(), Problems: []string{}}, err
	}
	r, err := n.verifyLog(ctx, n.Journal.Origin(), keys, n.Mark)
	if err != nil {
		return r, err
	}
	former, err := n.formerLetters(ctx)
	for _, l := range former {
		mark := journal.NewMark(n.markPath(l.Origin), l.Origin)
		c, err := n.verifyLog(ctx, l.Origin, l.Log, mark)
		if err != nil {
			return r, err
		}
		for _, p := range c.Problems {
			r.Problems = append(r.Problems, fmt.Sprintf("%s: %s", l.Origin, p))
		}
		r.Closed = append(r.Closed, c)
	}
	return r, err
}

func (n *Node) verifyLog(ctx context.Context, origin party.Origin, keys party.PublicKeys, mark *journal.Mark) (LogReport, error) {
	r := LogReport{Origin: origin, Problems: []string{}}
	v := &verifying{origin: origin, r: &r}
	err := n.Store.View(ctx, v.read)
	if fault.CodeOf(err) == fault.NotFound && len(v.leaves) == 0 {
		return r, nil // nothing was ever said
	}
	if err != nil {
		return r, err
	}
	r.Size, r.Root, r.Signed = v.cp.Size, statement.Digest(v.cp.Root), v.cp.Time
	r.Problems = append(r.Problems, v.check(keys)...)
	if origin == n.Journal.Origin() || r.Size > 0 {
		m, err := mark.Read()
		lost := origin != n.Journal.Origin() && err == nil && m.Size > r.Size // a log that was closed with a part of it lost
		if err != nil || !lost && m.Size > r.Size || m.Size == r.Size && translog.Hash(m.Root) != v.cp.Root {
			r.Problems = append(r.Problems, markDisagrees)
		}
	}
	return r, nil
}

// markDisagrees is the problem that recovering may mend.
const markDisagrees = "the high-water mark does not agree with the store"

// verifying reads one own log.
type verifying struct {
	origin party.Origin
	r      *LogReport
	leaves []translog.Hash
	cp     store.Checkpoint
	stored translog.Hash
}

func (v *verifying) read(tx store.Tx) error {
	v.leaves, v.r.Problems, v.r.Cosigned, v.r.Bare = nil, []string{}, 0, 0
	if err := v.scan(tx); err != nil {
		return err
	}
	if err := tx.Checkpoints(v.origin, 0, func(c store.Checkpoint) bool {
		v.r.Cosigned = max(v.r.Cosigned, c.Cosigs)
		return true
	}); err != nil {
		return err
	}
	var err error
	v.stored, err = translog.Root(v.cp.Size, journal.Tiles{Log: tx, Origin: v.origin})
	return err
}

// scan gathers the leaves: from the statements, and where these were lost and did not come back, from the tiles.
func (v *verifying) scan(tx store.Tx) error {
	// spec: LOG-15
	bare, err := exchange.Bare(tx, v.origin)
	if err != nil {
		return err
	}
	var bad error
	if v.cp, err = tx.Newest(v.origin); err != nil && fault.CodeOf(err) != fault.NotFound {
		return err
	}
	none := err
	if err := tx.Scan(v.origin, "", 0, func(s store.Statement) bool {
		if s.Index >= v.cp.Size && s.ProofAt > v.cp.Size {
			return false // what came back of a part that was lost has a proof of its own
		}
		if bad = v.fill(tx, bare, s.Index); bad != nil {
			return false
		}
		if s.Index != int64(len(v.leaves)) {
			v.problem("a statement is missing from the store")
		}
		if statement.IDOf(s.Head) != s.ID {
			v.problem("a statement's bytes are not those of its id")
		}
		v.leaves = append(v.leaves, translog.LeafHash(statement.IDOf(s.Head)))
		return len(v.r.Problems) < 20
	}); err != nil {
		return err
	}
	if bad == nil && none == nil {
		bad = v.fill(tx, bare, v.cp.Size)
	}
	return firstError(bad, none)
}

// fill takes bare leaves from the tiles, up to a leaf.
func (v *verifying) fill(tx store.Tx, bare []thread.Range, upTo int64) error {
	for next := int64(len(v.leaves)); next < upTo; next++ {
		if !slices.ContainsFunc(bare, func(g thread.Range) bool { return g[0] <= next && next < g[1] }) {
			return nil
		}
		tile, err := tx.Tile(v.origin, 0, next/translog.TileWidth)
		at := int(next%translog.TileWidth) * len(translog.Hash{})
		if err != nil || len(tile) < at+len(translog.Hash{}) {
			return err
		}
		v.leaves = append(v.leaves, translog.Hash(tile[at:at+len(translog.Hash{})]))
		v.r.Bare++
	}
	return nil
}

func (v *verifying) problem(text string) { v.r.Problems = append(v.r.Problems, text) }

func (v *verifying) check(keys party.PublicKeys) []string {
	var problems []string
	note := func(bad bool, what string) {
		if bad {
			problems = append(problems, what)
		}
	}
	root, _, err := translog.Extend(0, noTiles{}, v.leaves)
	note(err != nil || root != v.cp.Root, "the statements do not give the root that the newest checkpoint signs")
	note(v.stored != v.cp.Root, "the stored tiles do not give the root that the newest checkpoint signs")
	note(int64(len(v.leaves)) != v.cp.Size, "the newest checkpoint does not cover every statement")
	opened, err := translog.OpenCheckpoint(v.cp.Note, v.cp.Origin, keys)
	note(err != nil || opened.Root != v.cp.Root || opened.Size != v.cp.Size, "the newest checkpoint's signatures do not verify")
	return problems
}

// noTiles is the log before its first statement.
type noTiles struct{}

func (noTiles) Tile(int, int64) ([]byte, error) { return nil, nil }

// LogHandler serves the own log read-only as C2SP tlog-tiles (LOG-2, NET-8), and those before it, each under its serial, and the texts of agreements that were
// published (AGR-16). It discloses these, ids and growth, nothing else.
func (n *Node) LogHandler() http.Handler {
	// spec: LOG-2, NET-8
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		path := strings.TrimPrefix(r.URL.Path, "/")
		var body []byte
		var kind string
		var err error
		if first, _, _ := strings.Cut(path, "/"); first == publishedName {
			kind = "text/plain; charset=utf-8"
			body, err = n.publishedFile(r.Context(), path)
		} else {
			body, kind, err = n.logFile(r.Context(), path)
		}
		if err != nil {
			http.Error(w, fault.Show(err), fault.HTTP(fault.CodeOf(err)))
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if strings.HasPrefix(kind, "text/") {
			w.Header().Set("Cache-Control", "no-store")
		} else {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		_, _ = w.Write(body) // the caller is gone if this fails
	})
}

func (n *Node) logFile(ctx context.Context, path string) (body []byte, kind string, err error) {
	origin := n.Journal.Origin()
	if serial, rest, ok := strings.Cut(path, "/"); ok {
		for _, former := range n.Courier.Former {
			if serial == strconv.Itoa(former.Serial()) {
				origin, path = former, rest
			}
		}
	}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		cp, err := tx.Newest(origin)
		if err != nil {
			return fault.New(fault.NotFound, "LOG-2", "the log is empty")
		}
		if path == "checkpoint" {
			body, kind = cp.Note, "text/plain; charset=utf-8"
			if origin != n.Journal.Origin() {
				return nil
			}
			return n.Journal.Settle(translog.Tree{Origin: origin, Size: cp.Size, Root: cp.Root})
		}
		kind = "application/octet-stream"
		level, index, width, err := translog.ParseTilePath(path)
		if err != nil {
			return fault.New(fault.NotFound, "LOG-2", "no such part of the log")
		}
		if level == translog.Entries {
			body, err = entries(tx, origin, index, width)
			return err
		}
		if body, err = tx.Tile(origin, level, index); err != nil {
			return err
		}
		if len(body) < width*32 {
			return fault.New(fault.NotFound, "LOG-2", "no such part of the log")
		}
		body = body[:width*32]
		return nil
	})
	return body, kind, err
}

func entries(tx store.Tx, origin party.Origin, n int64, width int) ([]byte, error) {
	ids := make([]statement.ID, 0, width)
	err := tx.Scan(origin, "", n*translog.TileWidth, func(s store.Statement) bool {
		if s.Index != n*translog.TileWidth+int64(len(ids)) {
			return false // a bare leaf: its id is not here
		}
		ids = append(ids, s.ID)
		return len(ids) < width
	})
	if err != nil {
		return nil, err
	}
	if len(ids) < width {
		return nil, fault.New(fault.NotFound, "LOG-2", "no such part of the log")
	}
	return translog.EntryBundle(ids), nil
}
