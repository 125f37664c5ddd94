package node

import (
	"context"
	"net/http"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// LogReport is what verifying the own log found.
type LogReport struct {
	Origin   party.Origin     `json:"origin"`
	Size     int64            `json:"size"`
	Root     statement.Digest `json:"root"`
	Signed   statement.Time   `json:"signed,omitzero"`
	Cosigned int              `json:"cosigned"` // greatest count of other parties on one checkpoint
	Problems []string         `json:"problems"`
}

// VerifyLog recomputes the own log from its statements and holds it against tiles, checkpoint, signatures and high-water mark.
func (n *Node) VerifyLog(ctx context.Context) (LogReport, error) {
	origin := n.Journal.Origin()
	r := LogReport{Origin: origin, Problems: []string{}}
	keys, err := n.Keys.PublicKeys(party.RoleLog)
	if err != nil {
		return r, err
	}
	mark, markErr := n.Mark.Read() // before the store: the node may go on meanwhile
	var ids []statement.ID
	var cp store.Checkpoint
	var stored translog.Hash
	err = n.Store.View(ctx, func(tx store.Tx) error {
		ids, r.Problems, r.Cosigned = nil, []string{}, 0
		if err := tx.Scan(origin, "", 0, func(s store.Statement) bool {
			if s.Index != int64(len(ids)) {
				r.Problems = append(r.Problems, "a statement is missing from the store")
			}
			if statement.IDOf(s.Head) != s.ID {
				r.Problems = append(r.Problems, "a statement's bytes are not those of its id")
			}
			ids = append(ids, statement.IDOf(s.Head))
			return len(r.Problems) < 20
		}); err != nil {
			return err
		}
		var err error
		if cp, err = tx.Newest(origin); err != nil {
			return err
		}
		if err := tx.Checkpoints(origin, 0, func(c store.Checkpoint) bool {
			r.Cosigned = max(r.Cosigned, c.Cosigs)
			return true
		}); err != nil {
			return err
		}
		stored, err = translog.Root(cp.Size, journal.Tiles{Log: tx, Origin: origin})
		return err
	})
	if fault.CodeOf(err) == fault.NotFound && len(ids) == 0 {
		return r, nil // nothing was ever said
	}
	if err != nil {
		return r, err
	}
	r.Size, r.Root, r.Signed = cp.Size, statement.Digest(cp.Root), cp.Time
	r.Problems = append(r.Problems, n.checkLog(ids, cp, stored, keys)...)
	if markErr != nil || mark.Size > cp.Size || mark.Size == cp.Size && translog.Hash(mark.Root) != cp.Root {
		r.Problems = append(r.Problems, "the high-water mark does not agree with the store")
	}
	return r, nil
}

func (n *Node) checkLog(ids []statement.ID, cp store.Checkpoint, stored translog.Hash, keys party.PublicKeys) []string {
	var problems []string
	note := func(bad bool, what string) {
		if bad {
			problems = append(problems, what)
		}
	}
	root, _, err := translog.Append(0, noTiles{}, ids)
	note(err != nil || root != cp.Root, "the statements do not give the root that the newest checkpoint signs")
	note(stored != cp.Root, "the stored tiles do not give the root that the newest checkpoint signs")
	note(int64(len(ids)) != cp.Size, "the newest checkpoint does not cover every statement")
	opened, err := translog.OpenCheckpoint(cp.Note, cp.Origin, keys)
	note(err != nil || opened.Root != cp.Root || opened.Size != cp.Size, "the newest checkpoint's signatures do not verify")
	return problems
}

// noTiles is the log before its first statement.
type noTiles struct{}

func (noTiles) Tile(int, int64) ([]byte, error) { return nil, nil }

// LogHandler serves the own log read-only as C2SP tlog-tiles (LOG-2, NET-8). It discloses ids and growth, nothing else.
func (n *Node) LogHandler() http.Handler {
	// spec: LOG-2, NET-8
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		body, kind, err := n.logFile(r.Context(), strings.TrimPrefix(r.URL.Path, "/"))
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
	err = n.Store.View(ctx, func(tx store.Tx) error {
		cp, err := tx.Newest(origin)
		if err != nil {
			return fault.New(fault.NotFound, "LOG-2", "the log is empty")
		}
		if path == "checkpoint" {
			body, kind = cp.Note, "text/plain; charset=utf-8"
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
