package httpapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/thread"
)

// backup streams what the node remembers, sealed to its own key. It is a GET, so that no answer of any size is kept for a key; one at a time.
func (a *api) backup(ctx context.Context, _ *none) (file, error) {
	name := fmt.Sprintf("%s-%s.comity", a.node.Config.Code, a.node.Now().UTC().Format("20060102T150405Z"))
	return file{kind: "application/octet-stream", name: name, long: true, write: func(w io.Writer) error {
		began := time.Now()
		_, err := a.node.Backup(ctx, w)
		if err == nil {
			a.told(ctx, "a backup was given over HTTP", "took", time.Since(began))
		}
		return err
	}}, nil
}

// told writes into the diary what somebody has had done to the node.
func (a *api) told(ctx context.Context, what string, more ...any) {
	by := "operator"
	if c := callerOf(ctx); c != nil && !c.actor.Operator {
		by = a.node.Keys.Pseudonym(c.actor.ID)
	}
	a.node.Log.InfoContext(ctx, what, append([]any{"component", "api", "officer", by}, more...)...)
}

// Recovery is what a look at the peers has found of the own log, and what was put back.
type Recovery struct {
	State node.State        `json:"state" doc:"as it is now"`
	Peers []node.PeerAnswer `json:"peers" doc:"what each has of the own log"`
	Old   int64             `json:"old" doc:"leaves that the store had"`
	Known int64             `json:"known" doc:"the greatest size that is known to have left"`
	Whole int64             `json:"whole" doc:"the size up to which every leaf is known"`
	Lack  []thread.Range    `json:"lack" doc:"leaves that nobody gave back"`
	Way   string            `json:"way" enum:"none,wait,from-peers,new-log,stolen" doc:"none: nothing is missing. wait: peers have not answered. from-peers: all can be put back. new-log and stolen: at the machine alone, with the recovery key"`

	Done       bool           `json:"done" doc:"it was put back, and the log goes on"`
	Statements int            `json:"statements"`
	Bodies     int            `json:"bodies"`
	Bare       []thread.Range `json:"bare" doc:"leaves of which only the hash is known"`
}

func viewRecovery(r node.Recovery) Recovery {
	return Recovery{r.State, r.Peers, r.Old, r.Known, r.Whole, r.Lack, r.Way, r.Done, r.Statements, r.Bodies, r.Bare}
}

// recovery asks the peers. Going on without one, pages in files and the recovery key are for the machine alone: whoever holds a token and not the machine could otherwise have
// the node sign over what only one peer has seen, which shows there as a fork for ever.
func (a *api) recovery(ask func(context.Context, node.Recovering) (node.Recovery, error)) func(context.Context, *none) (Recovery, error) {
	return func(ctx context.Context, _ *none) (Recovery, error) {
		r, err := ask(ctx, node.Recovering{})
		if err == nil && r.Done {
			a.told(ctx, "what was lost of the own log was put back", "statements", r.Statements)
		}
		return viewRecovery(r), err
	}
}

// Forgetting names a process.
type Forgetting struct {
	Name string `json:"name" maxLength:"4096" doc:"as GET /processes lists it"`
}

func (a *api) processes(ctx context.Context, _ *none) (out struct {
	Processes []node.Sharing `json:"processes" doc:"none where the node's memory is a file"`
}, err error) {
	out.Processes, err = a.node.Sharing(ctx)
	return out, err
}

func (a *api) registerKeeping() {
	n := a.node
	at := func(id, method, path, says string, needs auth.Action) operation {
		return operation{id: id, method: method, path: path, tag: "Keeping", says: says, needs: needs}
	}
	backup := at("backup", http.MethodGet, "/backup", "Give all that the node remembers, as it is at one moment, sealed to the node's own keys.", auth.Keep)
	backup.atOnce, backup.more = 1, "The node is served meanwhile. Nobody opens it without the keys in the node's folder, which are not in it. An answer that ends early is no backup: its end is missing."
	gives(a, backup, []string{"application/octet-stream"}, a.backup)
	erased := at("list-erased", http.MethodGet, "/backup/erased", "Give the list of what was erased so far, so that a backup from before is put back without it.", auth.Keep)
	gives(a, erased, []string{"text/plain"}, func(ctx context.Context, _ *none) (file, error) {
		return file{kind: "text/plain; charset=utf-8", name: string(n.Config.Code) + ".erased", long: true, write: func(w io.Writer) error { return n.Erased(ctx, w) }}, nil
	})
	look := at("look", http.MethodPost, "/recovery", "Ask every peer what it has of the own log, and say which way back is open. It changes nothing.", auth.Keep)
	look.atOnce = 1
	on(a, look, a.recovery(n.Look))
	back := at("put-back", http.MethodPost, "/recovery/from-peers", "Put back what the peers have mirrored, and let the log go on.", auth.Keep)
	back.atOnce, back.more = 1, "Only where every peer has answered and every leaf that has left is known again. To go on without a peer, and to open a new log, takes the machine."
	on(a, back, a.recovery(n.FromPeers))
	on(a, at("list-processes", http.MethodGet, "/processes", "List the processes that share the node's database.", auth.ReadLog), a.processes)
	forget := at("forget-process", http.MethodPost, "/processes/forget", "Take a process off the list whose folder is gone for good.", auth.Keep)
	forget.atOnce, forget.more = 1, "Where it has not looked at the database as it is now, every peer is asked first, and has to answer: to go on without one takes the machine."
	on(a, forget, func(ctx context.Context, in *struct{ Body Forgetting }) (Done, error) {
		err := n.Forget(ctx, in.Body.Name, nil)
		if err == nil {
			a.told(ctx, "a process that shared the database was forgotten", "process", in.Body.Name)
		}
		return Done{err == nil}, err
	})
}
