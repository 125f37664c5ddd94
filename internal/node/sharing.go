package node

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// Where several processes share a database, each has a folder with a mark of its own, and what left one of them the others' marks may not know. So a database that
// has become another one, by going over to a standby or being put back, is signed upon when every process that shares it has held its mark against it, and not
// before: the list of them stands in the database itself.

// Process is one folder from which the party's database is used.
type Process struct {
	Name        string `json:"name"`           // machine and folder
	Incarnation string `json:"incarnation"`    // of the data that it held its mark against last
	Mark        int64  `json:"mark"`           // the mark then
	Ahead       bool   `json:"ahead,omitzero"` // the data lacked something that the mark knows

	Root statement.Digest `json:"root"` // of the mark
	Seen statement.Time   `json:"seen"` // to the hour

	Notices string `json:"notices,omitzero"` // keyed digest of its settings of notices; "": it sends none
}

// sharing is this folder's part. It is safe for concurrent use.
type sharing struct {
	node *Node
	name string
	poll time.Duration

	mu      sync.Mutex
	cleared string // incarnation of data that nobody's mark is ahead of; guarded by mu
	ahead   bool   // this folder's mark is, as it was found last; guarded by mu
}

// pollEvery is how often a process looks for what other processes wrote, unless Options say otherwise.
const pollEvery = 250 * time.Millisecond

// seenEvery is how often a process says in the list that it is there.
const seenEvery = time.Hour

// share puts this folder into the list of those that share the database, if it is one, and has the journal ask the list before it signs.
func (n *Node) share(ctx context.Context, o Options) error {
	if _, shared := n.Config.Database(); !shared {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	dir, err := filepath.Abs(n.Dir)
	if err != nil {
		dir = n.Dir
	}
	n.sharing = &sharing{node: n, name: host + ":" + dir, poll: orDefault(o.Poll, pollEvery)}
	n.Journal.Permit(n.sharing.permit)
	if _, err = n.sharing.look(ctx, n.Store.Update); fault.CodeOf(err) == fault.Behind {
		return nil // the mark cannot be read, which Check says, and others wait for
	}
	return err
}

// permit tells whether the data in tx may be signed upon.
func (s *sharing) permit(tx store.Tx) error {
	// spec: LOG-12
	here, err := tx.Incarnation()
	if err != nil {
		return err
	}
	if ok, err := s.known(here); ok || err != nil {
		return err
	}
	all, err := s.list(tx)
	if err != nil {
		return err
	}
	return s.judge(all, here)
}

// known tells what was found out before.
func (s *sharing) known(here string) (cleared bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ahead {
		return false, errLacks()
	}
	return here == s.cleared, nil
}

func errLacks() error {
	return fault.New(fault.Behind, "LOG-12", "the database lacks something that has left this party: no process of it signs anything until that is mended")
}

// judge holds the list against the incarnation of the data, and remembers what comes of it.
func (s *sharing) judge(all []Process, here string) error {
	waiting, ahead, listed := 0, 0, false
	for _, p := range all {
		listed = listed || p.Name == s.name
		switch {
		case p.Incarnation != here:
			waiting++
		case p.Ahead:
			ahead++
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleared = ""
	switch {
	case ahead > 0:
		return errLacks()
	case waiting > 0 || !listed:
		return fault.New(fault.Unavailable, "LOG-12",
			"the database has become another one, and not all processes that share it have looked yet whether it lacks anything: nothing is signed until they have")
	}
	s.cleared = here
	return nil
}

// key names the list, one for each log: a new log begins with new marks.
func (s *sharing) key() string { return "processes:" + string(s.node.Journal.Origin()) }

func (s *sharing) list(tx store.Tx) ([]Process, error) {
	raw, err := tx.Meta(s.key())
	if err != nil || raw == "" {
		return nil, err
	}
	var all []Process
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the list of processes that share the database is damaged")
	}
	for i := range all { // what was lacking may have been put back, and whoever missed it be gone
		if p := &all[i]; p.Ahead {
			if p.Ahead, err = s.lacks(tx, p.Mark, p.Root); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// lacks tells whether the data are without something of a tree that has left.
func (s *sharing) lacks(tx store.Tx, size int64, root statement.Digest) (bool, error) {
	// spec: LOG-12
	length, err := tx.Length(s.node.Journal.Origin())
	if err != nil || size > length || size == 0 {
		return size > length, err
	}
	have, err := translog.Root(size, s.node.Journal.Tiles(tx, s.node.Journal.Origin()))
	return have != translog.Hash(root), err
}

func (s *sharing) put(tx store.Tx, all []Process) error {
	slices.SortFunc(all, func(a, b Process) int { return cmp.Compare(a.Name, b.Name) })
	raw, err := marshal(all)
	if err != nil {
		return err
	}
	return tx.SetMeta(s.key(), string(raw))
}

// attend looks after what others write, until ctx ends.
func (s *sharing) attend(ctx context.Context) {
	version, looked := int64(-1), time.Now()
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		v, err := s.node.Store.Version(ctx)
		if err != nil || v == version && time.Since(looked) < seenEvery {
			continue // where the store fails, others say so
		}
		if settled, err := s.look(ctx, s.node.Exchange.Update); err == nil && settled {
			version, looked = v, time.Now()
		}
	}
}

// look raises the mark to what other processes have signed, and says in the list what this folder's mark says of the data, where that is not there yet. It
// reports whether there was nothing to say.
func (s *sharing) look(ctx context.Context, update func(context.Context, func(store.Tx) error) error) (settled bool, err error) {
	n := s.node
	mark, err := n.Mark.Read() // before the store, which only grows meanwhile
	if err != nil {
		return false, err
	}
	var mine Process
	var tree translog.Tree
	err = n.Store.View(ctx, func(tx store.Tx) error {
		all, err := s.list(tx)
		if err != nil {
			return err
		}
		if mine, tree, err = s.hold(tx, mark); err != nil {
			return err
		}
		settled = slices.ContainsFunc(all, func(p Process) bool {
			return p.Name == mine.Name && p.Incarnation == mine.Incarnation && p.Ahead == mine.Ahead && p.Notices == mine.Notices && mine.Seen.Std().Sub(p.Seen.Std()) < seenEvery
		})
		_ = s.judge(all, mine.Incarnation) // whoever wants to sign is told
		s.noteAhead(mine.Ahead)
		return nil
	})
	if err == nil && !mine.Ahead && tree.Size > mark.Size {
		err = n.Journal.Settle(tree)
	}
	if err != nil || settled {
		return settled, err
	}
	return false, update(ctx, func(tx store.Tx) error {
		mine, _, err := s.hold(tx, mark)
		if err == nil && mine.Ahead { // so that whoever looks for a way back knows what there was
			_, err = n.Journal.Shown(tx, translog.Checkpoint{Tree: translog.Tree{Origin: mark.Origin, Size: mark.Size, Root: translog.Hash(mark.Root)}})
		}
		if err != nil {
			return err
		}
		all, err := s.list(tx)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(p Process) bool { return p.Name == mine.Name })
		return s.put(tx, append(all, mine))
	})
}

func (s *sharing) noteAhead(ahead bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead = ahead
}

// hold holds the mark against the data.
func (s *sharing) hold(tx store.Tx, mark journal.MarkValue) (mine Process, tree translog.Tree, err error) {
	mine = Process{Name: s.name, Mark: mark.Size, Root: mark.Root, Seen: statement.TimeOf(s.node.Now()), Notices: noticeDigest(&s.node.Config, s.node.Keys.Derive("notices"))}
	if mine.Incarnation, err = tx.Incarnation(); err != nil {
		return mine, tree, err
	}
	if tree, err = journal.Newest(tx, s.node.Journal.Origin()); err != nil {
		return mine, tree, err
	}
	mine.Ahead, err = s.lacks(tx, mark.Size, mark.Root)
	return mine, tree, err
}

// Sharing is a process of those that share the database, as lists show it.
type Sharing struct {
	Process
	Here  bool   `json:"here"`  // this folder's
	State string `json:"state"` // "agrees", "ahead" or "unheard": it has not looked at the database as it is now
}

// Sharing lists the processes that share the node's database; none where it has none.
func (n *Node) Sharing(ctx context.Context) ([]Sharing, error) {
	out := []Sharing{}
	if n.sharing == nil {
		return out, nil
	}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		out = []Sharing{}
		here, err := tx.Incarnation()
		if err != nil {
			return err
		}
		all, err := n.sharing.list(tx)
		for _, p := range all {
			v := Sharing{Process: p, Here: p.Name == n.sharing.name, State: "agrees"}
			switch {
			case p.Incarnation != here:
				v.State = "unheard"
			case p.Ahead:
				v.State = "ahead"
			}
			out = append(out, v)
		}
		return err
	})
	return out, err
}

// Forget takes a process off the list: one whose folder is gone for good, so that nobody waits for what its mark would say. Where it has not looked at the data
// as they are now, the peers are asked first, all but those that are to be gone without. Errors: fault.NotFound for one that is not on the list; fault.Usage for
// this folder's own; fault.Unavailable while peers have not answered.
func (n *Node) Forget(ctx context.Context, name string, without []party.Code) error {
	// spec: LOG-14
	all, err := n.Sharing(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p Sharing) bool { return p.Name == name })
	switch {
	case i < 0:
		return fault.New(fault.NotFound, "", "no process of that name shares the database: comity processes list shows them")
	case all[i].Here:
		return fault.New(fault.Usage, "", "that is this folder's own process")
	case all[i].State == "unheard":
		r, err := n.Look(ctx, Recovering{Without: without})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(r.Peers, func(p PeerAnswer) bool { return !p.Answered && !p.Without }) {
			return fault.New(fault.Unavailable, "LOG-14", "not every peer has answered, and what has left that process they alone may know: %s", r.silent())
		}
	}
	return n.Exchange.Update(ctx, func(tx store.Tx) error {
		all, err := n.sharing.list(tx)
		if err != nil {
			return err
		}
		return n.sharing.put(tx, slices.DeleteFunc(all, func(p Process) bool { return p.Name == name }))
	})
}

// unseen is how long a process may not have been heard of before somebody is asked whether it is still there.
const unseen = 48 * time.Hour

// processes says how those that share the database stand to it; false where nobody shares it.
func (n *Node) processes(ctx context.Context) (Finding, bool, error) {
	all, err := n.Sharing(ctx)
	if err != nil || len(all) == 0 {
		return Finding{}, false, err
	}
	return lookAtProcesses(all, n.Now()), true, nil
}

// lookAtProcesses finds the worst that is to be said of processes that share a database.
func lookAtProcesses(all []Sharing, now time.Time) Finding {
	f := Finding{Check: "processes", Health: Good, Says: "this one alone uses the database, and agrees with it"}
	if len(all) > 1 {
		f.Says = strconv.Itoa(len(all)) + " share the database, and all agree with it"
	}
	for _, p := range all {
		forget := ", or if its folder is gone for good: comity processes forget " + p.Name
		switch silent := now.Sub(p.Seen.Std()); {
		case p.State == "ahead":
			f = Finding{f.Check, Bad, "the database lacks something that has left " + p.Name + ": no process signs anything",
				"put back the newest copy of the database, or open a new log by the recovery key (docs/operator.md, \"After a restore\")"}
			return f
		case p.State == "unheard":
			f = Finding{f.Check, Bad, "the database has become another one, and " + p.Name + " has not looked whether it lacks anything: nothing is signed until it has",
				"start it (comity serve)" + forget}
		case silent > unseen && f.Health == Good:
			f = Finding{f.Check, Warning, p.Name + " was not seen since " + p.Seen.String() + ": should the database go over to another server, all would wait for it", "start it" + forget}
		}
	}
	if other := toldOtherwise(all); other != "" && f.Health == Good {
		f = Finding{f.Check, Warning, other + " has other settings of notices than another process: each tells by its own while it has the turn",
			"give all processes the same settings, mail_* to webhook_*, notice_* and web_url, and start them anew"}
	}
	return f
}

// toldOtherwise names a process whose settings of notices are not those of the first that has any; "" where there is none.
func toldOtherwise(all []Sharing) string {
	first := ""
	for _, p := range all {
		switch {
		case p.Notices == "" || p.Notices == first:
		case first == "":
			first = p.Notices
		default:
			return p.Name
		}
	}
	return ""
}

// noticeDigest tells settings of notices apart, and nothing of them to who reads the database: key is the party's. Where passwords lie may be another file in each folder;
// what is in them counts.
func noticeDigest(c *config.Config, key []byte) string {
	if !c.Mails() && !c.Hooks() {
		return ""
	}
	s := c.Notices
	s.MailPasswordFile, s.WebhookSecretFile = "", ""
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%+v\n%x\n%x\n%q", s, []byte(s.MailPassword), []byte(s.WebhookSecret), c.WebURL)
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// WithoutStore says what can be said of a node whose database does not answer, so that nothing of it could be opened; nil where err tells of something else.
func WithoutStore(dir string, env []string, err error) []Finding {
	if fault.CodeOf(err) != fault.Unavailable {
		return nil
	}
	cfg, e := config.Load(dir, env)
	address, database := cfg.Database()
	if e != nil || !database {
		return nil
	}
	n := &Node{Dir: dir, Config: cfg}
	return []Finding{n.permissions(), n.disk(), {
		"database", Bad, fault.Show(err),
		"look whether " + hosts(address) + " runs, can be reached from here, and may be written to. Nothing is lost meanwhile: peers keep what they have for this party, and comity serve goes on by itself",
	}}
}

// hosts are the servers that an address names.
func hosts(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the database server"
	}
	if h := u.Query().Get("host"); h != "" {
		return "PostgreSQL at " + h
	}
	if u.Host != "" {
		return "PostgreSQL at " + u.Host
	}
	return "PostgreSQL on this machine"
}
