package node

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Ways in which content is erased, for metrics and the diary.
const (
	byRecall    = "recall"
	byRetention = "retention"
	byOfficer   = "officer"
)

// tendEvery is how often a node that is served looks for what is to be erased, unless Options say otherwise.
const tendEvery = 30 * time.Second

// noteTended names what the store notes of the last look: when, and what came of it.
const noteTended = "tended"

// Folders of pages that a recovery gathers; those that nobody has touched for so long are abandoned.
const (
	gatheredPattern = "mirror-*"
	abandonedAfter  = 24 * time.Hour
)

// maxRecalls bounds how many recalls one look goes through.
const maxRecalls = 1000

// tending is what a node remembers between two looks. It is safe for concurrent use.
type tending struct {
	mu      sync.Mutex
	since   statement.Time     // recalls touched before this have been looked at; guarded by mu
	waiting map[thread.ID]bool // and these name what was not here then; guarded by mu
}

// Tended is what one look erased.
type Tended struct {
	At        statement.Time `json:"at"`
	Retention int            `json:"retention"` // statements whose date had come
	Recalled  int            `json:"recalled"`  // statements that were recalled
}

// Tend erases what is to be erased: what is due by its date (RET-1), and, where the settings say so, what its author recalls. A node that is served does it by itself;
// it may be interrupted and repeated at any point.
func (n *Node) Tend(ctx context.Context) (Tended, error) {
	// spec: RET-1, RCL-7
	out := Tended{At: statement.TimeOf(n.Now())}
	n.sweep()
	if err := n.sweepUploads(ctx); err != nil {
		return out, err
	}
	for more := true; more; {
		did, err := n.Exchange.EraseDue(ctx, n.Now())
		if err != nil {
			return out, err
		}
		n.erased(ctx, byRetention, did.IDs)
		out.Retention += did.Statements
		more = did.More
	}
	if n.Config.OnRecall == config.RecallErase {
		did, err := n.answerRecalls(ctx)
		out.Recalled = did
		if err != nil {
			return out, err
		}
	}
	if err := n.forgetAnswers(ctx); err != nil {
		return out, err
	}
	if err := n.indexSome(ctx, indexTended); err != nil {
		return out, err
	}
	if err := n.noteTended(ctx, out); err != nil {
		return out, err
	}
	return out, n.scrub(ctx)
}

// tend looks again and again, until ctx ends.
func (n *Node) tend(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if !n.mayTend(ctx, every) {
			// Another process that shares the database does the rest.
			if err := n.sweepUploads(ctx); err != nil && ctx.Err() == nil {
				n.component("erasing").WarnContext(ctx, "attachments that no draft has could not be removed now; it is tried again", "error", fault.Show(err))
			}
		} else if _, err := n.Tend(ctx); err != nil && ctx.Err() == nil {
			n.component("erasing").WarnContext(ctx, "what is due could not be erased now; it is tried again", "error", fault.Show(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// mayTend tells whether this process is the one that looks, of those that share a database. When it goes away, another takes its turn.
func (n *Node) mayTend(ctx context.Context, every time.Duration) bool {
	return n.takes(ctx, "tending", every)
}

// takes tells whether this process does a work that one of those that share a database does, again and again after so long.
func (n *Node) takes(ctx context.Context, work string, every time.Duration) bool {
	if n.sharing == nil {
		return true
	}
	now := statement.TimeOf(n.Now())
	ok, err := n.Store.Claim(ctx, work, n.sharing.name, now, now.Add(2*every))
	return ok && err == nil
}

// noteTended writes down what was done, at once when something was, else at most once an hour: a look that finds nothing is no news.
func (n *Node) noteTended(ctx context.Context, t Tended) error {
	last, err := n.lastTended(ctx)
	if err != nil {
		return err
	}
	if t.Retention+t.Recalled == 0 && !last.At.IsZero() && t.At.Std().Sub(last.At.Std()) < time.Hour {
		return nil
	}
	raw, err := marshal(t)
	if err != nil {
		return err
	}
	return n.Exchange.Update(ctx, func(tx store.Tx) error { return tx.SetMeta(noteTended, string(raw)) })
}

func (n *Node) lastTended(ctx context.Context) (t Tended, err error) {
	var raw string
	err = n.Store.View(ctx, func(tx store.Tx) (err error) {
		raw, err = tx.Meta(noteTended)
		return err
	})
	if err != nil || raw == "" {
		return t, err
	}
	if json.Unmarshal([]byte(raw), &t) != nil {
		return Tended{}, nil // another program's: it counts as never
	}
	return t, nil
}

// answerRecalls erases what is recalled by its author, and says so. What others are judged by is kept, and that is said too. What is recalled by somebody else is
// left to an officer: an answer would tell who asks what is here.
func (n *Node) answerRecalls(ctx context.Context) (erased int, err error) {
	// spec: RCL-3, RCL-7
	n.tending.mu.Lock()
	defer n.tending.mu.Unlock()
	began := statement.TimeOf(n.Now())
	look := maps.Clone(n.tending.waiting)
	if look == nil {
		look = map[thread.ID]bool{}
	}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		seen := 0
		return tx.Threads(string(recall.Kind), func(row store.ThreadRow) bool {
			seen++
			if row.Updated.Before(n.tending.since) || seen > maxRecalls {
				return false
			}
			look[row.ID] = true
			return true
		})
	})
	if err != nil {
		return 0, err
	}
	n.tending.waiting = map[thread.ID]bool{}
	for _, id := range slices.SortedFunc(maps.Keys(look), thread.ID.Compare) {
		did, waits, err := n.answerRecall(ctx, id)
		erased += did
		if err != nil {
			return erased, err
		}
		if waits && len(n.tending.waiting) < maxRecalls {
			n.tending.waiting[id] = true
		}
	}
	n.tending.since = began.Add(-5 * time.Minute) // a clock that was set back a little loses none
	return erased, nil
}

// answerRecall answers one recall as far as it can be. waits tells whether it names what is not here yet.
func (n *Node) answerRecall(ctx context.Context, id thread.ID) (erased int, waits bool, err error) {
	var p pending
	err = n.Store.View(ctx, func(tx store.Tx) (err error) {
		p, err = n.pending(tx, id, false)
		return err
	})
	if fault.CodeOf(err) == fault.NotFound {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	by := statement.By{Role: "node"}
	if len(p.records) > 0 {
		if _, err := n.KeepRecalled(ctx, id, p.records, recall.Record, "", by); err != nil {
			return 0, false, err
		}
	}
	if len(p.erasable) > 0 {
		if err := n.eraseAndSay(ctx, id, p.tlp, p.erasable, by, nil); err != nil {
			return 0, false, err
		}
	}
	return len(p.erasable), len(p.missing) > 0, nil
}

// eraseAndSay erases what a recall names, and confirms it in the recall's thread.
func (n *Node) eraseAndSay(ctx context.Context, id thread.ID, tlp marking.TLP, ids []statement.ID, by statement.By, allowed func(*statement.Head) error) error {
	// spec: RCP-5
	facts, err := marshal(thread.Recalled{IDs: ids, Erased: true})
	if err != nil {
		return err
	}
	_, err = n.Exchange.EraseAndSay(ctx, ids, exchange.Draft{
		Thread: id, Kind: thread.KindRecalled, Marking: marking.Marking{TLP: tlp}, By: by, Facts: facts,
	}, allowed)
	if err == nil {
		n.erased(ctx, byRecall, ids)
	}
	return err
}

// Erase destroys what is here of statements, own or received, without anybody's asking, and says so in their threads: proofs and states stand. It gives what was
// said; when it fails in one thread, what it has said in others stands.
func (n *Node) Erase(ctx context.Context, ids []statement.ID, by statement.By) (out []exchange.Said, err error) {
	// spec: STM-7, RCP-5
	if by, err = n.eraser(ctx, by); err != nil {
		return nil, err
	}
	byThread, tlp := map[thread.ID][]statement.ID{}, map[thread.ID]marking.TLP{}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		clear(byThread)
		for _, id := range ids {
			h, err := headOf(tx, id)
			if err != nil {
				return err
			}
			if h.Body == nil {
				return fault.New(fault.Usage, "STM-7", "%s has no body: there is nothing to erase, and what machines decide on stays", id.Short())
			}
			t := h.ThreadID()
			if !slices.Contains(byThread[t], id) {
				byThread[t] = append(byThread[t], id)
			}
			tlp[t] = marking.Combine(marking.Marking{TLP: tlp[t]}, h.Marking).TLP
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, t := range slices.SortedFunc(maps.Keys(byThread), thread.ID.Compare) {
		facts, err := marshal(thread.Recalled{IDs: byThread[t], Erased: true})
		if err != nil {
			return out, err
		}
		said, err := n.Exchange.EraseAndSay(ctx, byThread[t], exchange.Draft{
			Thread: t, Kind: thread.KindRecalled, Marking: marking.Marking{TLP: tlp[t]}, By: by, Facts: facts,
		}, nil)
		if err != nil {
			return out, err
		}
		n.erased(ctx, byOfficer, byThread[t])
		out = append(out, said)
	}
	return out, n.scrub(ctx)
}

// erased counts what was erased, tells the diary how much, never what, and notes which statements it were.
func (n *Node) erased(ctx context.Context, way string, ids []statement.ID) {
	if len(ids) == 0 {
		return
	}
	n.Watch.Erased(way, len(ids))
	n.component("erasing").InfoContext(ctx, "content was erased", "way", way, "statements", len(ids))
	if err := n.noteErased(ctx, way, ids); err != nil {
		n.component("erasing").WarnContext(ctx, "what was erased could not be noted for the page about it; it is erased", "error", fault.Show(err))
	}
}

// scrub has the store overwrite what was erased since the last time, in every file of its own. While others read, it may have to wait: the next look tries again.
func (n *Node) scrub(ctx context.Context) error {
	// spec: STM-7
	s, ok := n.Store.(interface{ Scrub(context.Context) error })
	if !ok {
		return nil
	}
	var owed string
	read := func(tx store.Tx) (err error) {
		owed, err = tx.Meta(exchange.NoteUnscrubbed)
		return err
	}
	if err := n.Store.View(ctx, read); err != nil || owed == "" {
		return err
	}
	if err := s.Scrub(ctx); err != nil {
		if fault.CodeOf(err) == fault.Unavailable {
			n.component("erasing").WarnContext(ctx, "traces of what was erased are overwritten later: the store is in use", "error", fault.Show(err))
			return nil
		}
		return err
	}
	return n.Exchange.Update(ctx, func(tx store.Tx) error {
		// What was erased while it scrubbed is still owed.
		if now, err := tx.Meta(exchange.NoteUnscrubbed); err != nil || now != owed {
			return err
		}
		return tx.SetMeta(exchange.NoteUnscrubbed, "")
	})
}

// erasing is the doctor's look at what is due, and at what was not overwritten yet.
func (n *Node) erasing(ctx context.Context) (Finding, error) {
	var due []store.Due
	var owed string
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		if due, err = tx.Due(statement.TimeOf(n.Now()), maxDue+1); err != nil {
			return err
		}
		owed, err = tx.Meta(exchange.NoteUnscrubbed)
		return err
	})
	if err != nil {
		return Finding{}, err
	}
	last, err := n.lastTended(ctx)
	if err != nil {
		return Finding{}, err
	}
	ran := "it was never looked for"
	if !last.At.IsZero() {
		ran = "last looked for " + last.At.Std().UTC().Format(time.DateTime) + "Z"
	}
	f := Finding{Check: "erasing", Health: Good, Says: "nothing is due; " + ran}
	late := len(due) > 0 && n.Now().Sub(due[0].At.Std()) > time.Hour
	switch {
	case len(due) > 0:
		many := plural(len(due), "statement's content is", "statements' contents are")
		if len(due) > maxDue {
			many = fmt.Sprintf("the contents of more than %d statements are", maxDue)
		}
		f.Says = many + " due to be erased, the first since " + due[0].At.Std().UTC().Format(time.DateTime) + "Z; " + ran
		if late {
			f.Health, f.Do = Warning, "the node erases while it is served (comity serve); comity erase --due does it now"
		}
	case owed != "":
		f.Says, f.Do = "what was erased is still to be overwritten in the store's files; "+ran, "it is tried again by itself while the node is served; comity erase --due does it now"
	}
	if aside := n.setAsides(); len(aside) > 0 && f.Health == Good {
		f.Health, f.Do = Warning, "once the restored node works, delete them: what is erased now is not erased in them"
		f.Says += "; stores that a restore set aside are still in the folder: " + fmt.Sprint(aside)
	}
	return f, nil
}

// sweep removes what a recovery left in the folder when it was killed: pages that peers gave back, sealed to the own key.
func (n *Node) sweep() {
	names, err := filepath.Glob(filepath.Join(n.Dir, gatheredPattern))
	if err != nil {
		return
	}
	for _, name := range names {
		// One that is under way writes often. Files have the machine's time, whatever the node's clock says.
		if info, err := os.Stat(name); err == nil && info.IsDir() && time.Since(info.ModTime()) > abandonedAfter {
			_ = os.RemoveAll(name) // the next look tries again
		}
	}
}

// setAsides lists the stores that a restore has set aside in the folder.
func (n *Node) setAsides() (out []string) {
	if _, database := n.Config.Database(); database {
		return nil
	}
	names, err := filepath.Glob(n.path(n.Config.Store) + ".before-*")
	if err != nil {
		return nil
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "-wal") && !strings.HasSuffix(name, "-shm") {
			out = append(out, filepath.Base(name))
		}
	}
	return out
}
