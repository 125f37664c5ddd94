package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// Rotation says how the keys are changed.
type Rotation struct {
	Recovery *keystore.Recovery
	Stolen   bool          // the log's keys may be in other hands: nothing that they sign beyond the closing is believed
	Closing  translog.Tree // what stands of the log; the zero value: what the store has
}

// Rotated is what came of it. The node that rotated its keys says nothing more: it is to be closed and opened again.
type Rotated struct {
	Letter []byte       `json:"-"`
	File   string       `json:"letter"`
	Serial int64        `json:"serial"`
	Words  []string     `json:"words"`
	Origin party.Origin `json:"origin"` // the log that is open now
	Closed party.Origin `json:"closed"` // the one before
	Size   int64        `json:"size"`   // leaves of it that stand
}

// nextKeys is the name of new keys until the letter that names them is in the store.
const nextKeys = ".next"

// Rotate replaces every key of the node by the recovery key: it closes the log at what stands of it, and opens the next (LTR-6, LTR-7).
//
// Errors: fault.Locked when the recovery key is not the one that the letter commits to; fault.Behind when the store may not be all that has left, and nothing
// else was given to close at: then node.NewLog is the way.
func (n *Node) Rotate(ctx context.Context, r Rotation) (Rotated, error) {
	// spec: LTR-6, LTR-7
	next, err := n.Keys.Next(n.Keys.Origin().Serial() + 1)
	if err != nil {
		return Rotated{}, err
	}
	return n.rotate(ctx, r, next, n.Exchange.Update)
}

// RotateLost is Rotate for a folder whose keys are lost. What was sealed to them and is on its way cannot be opened; peers send it again.
func RotateLost(ctx context.Context, dir string, o Options, r Rotation) (done Rotated, err error) {
	// spec: LTR-6, LTR-7
	cfg, err := config.Load(dir, o.Env)
	if err != nil {
		return Rotated{}, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	n := &Node{Dir: dir, Config: cfg, Now: o.Now}
	if _, err := os.Lstat(n.path(cfg.Keys)); !errors.Is(err, fs.ErrNotExist) {
		return Rotated{}, fault.New(fault.Exists, "", "the keys are here: %s", n.path(cfg.Keys))
	}
	if n.Store, err = openStore(ctx, dir, cfg, o.VFS); err != nil {
		return Rotated{}, err
	}
	defer func() { err = errors.Join(err, n.Store.Close()) }()
	l, err := n.OwnLetter(ctx)
	if err != nil {
		return Rotated{}, err
	}
	next, err := keystore.After(l)
	if err != nil {
		return Rotated{}, err
	}
	lock := lockOf(dir, cfg)
	if _, err := os.Lstat(lock.KeyFile); lock.KeyFile != "" && errors.Is(err, fs.ErrNotExist) {
		if err := keystore.NewKeyFile(lock.KeyFile); err != nil {
			return Rotated{}, err
		}
	}
	n.Mark = journal.NewMark(n.markPath(l.Origin), l.Origin)
	n.Journal = journal.New(l.Origin, nil, n.Mark)
	if r.Closing.Origin == "" { // nobody can be asked without keys: the mark knows what has left
		st, err := n.Journal.Stand(ctx, n.Store)
		if err != nil {
			return Rotated{}, err
		}
		if st.Condition == journal.Behind && st.Known.Size > st.Size {
			r.Closing = st.Known
		}
	}
	return n.rotate(ctx, r, next, n.Store.Update)
}

// LoadRecovery opens the recovery key of the node in dir: by a key file, or where lock is empty by what unlocks the node's own keys.
func LoadRecovery(dir string, env []string, file, lock string) (*keystore.Recovery, error) {
	if lock != "" {
		return keystore.LoadRecovery(file, keystore.Lock{KeyFile: lock})
	}
	cfg, err := config.Load(dir, env)
	if err != nil {
		return nil, err
	}
	return keystore.LoadRecovery(file, lockOf(dir, cfg))
}

// rotate puts the keys next in the place of those before. They lie beside these until the letter is in the store; Open finishes what was broken off in between.
func (n *Node) rotate(ctx context.Context, r Rotation, next *keystore.Keys, update func(context.Context, func(store.Tx) error) error) (Rotated, error) {
	st, err := n.Journal.Stand(ctx, n.Store)
	if err != nil {
		return Rotated{}, err
	}
	allowed := st.Condition == journal.Sound || r.Closing.Origin != "" || r.Stolen && st.Condition == journal.Forked
	if !allowed {
		return Rotated{}, st.Err()
	}
	file := n.path(n.Config.Keys) + nextKeys
	if err := keystore.Save(file, next, lockOf(n.Dir, n.Config)); err != nil {
		return Rotated{}, err
	}
	var l *party.Letter
	if err := update(ctx, func(tx store.Tx) (err error) {
		l, err = n.succeed(tx, r, next)
		return err
	}); err != nil {
		return Rotated{}, errors.Join(err, os.Remove(file))
	}
	out := Rotated{
		Letter: l.Raw, File: n.LetterFile(), Serial: l.Serial, Words: l.Words(), Origin: l.Origin, Closed: l.Closing.Origin, Size: l.Closing.Size,
	}
	if err := moveSynced(file, n.path(n.Config.Keys)); err != nil {
		return out, fault.Wrap(err, fault.Unavailable, "", "the new keys are in %s and cannot be put into their place", file)
	}
	if err := os.WriteFile(out.File, l.Raw, 0o600); err != nil {
		return out, fault.Wrap(err, fault.Unavailable, "", "the letter cannot be written; the store has it")
	}
	return out, nil
}

// succeed writes, signs and keeps the letter that closes the log and names the next keys.
func (n *Node) succeed(tx store.Tx, r Rotation, next *keystore.Keys) (*party.Letter, error) {
	have, err := tx.Letter(n.Config.Code)
	if err != nil {
		return nil, err
	}
	prev, err := party.ParseLetter(have.Raw)
	if err != nil {
		return nil, err
	}
	if r.Recovery.Commitment() != prev.Recovery {
		return nil, fault.New(fault.Locked, "LTR-6", "this is not the recovery key that the letter commits to")
	}
	tree, err := journal.Newest(tx, prev.Origin)
	if err != nil {
		return nil, err
	}
	if r.Closing.Origin != "" {
		tree = r.Closing
	}
	if tree.Size == 0 {
		tree.Root = translog.EmptyRoot()
	}
	d := prev.Follow()
	next.Fill(&d)
	d.Issued, d.Revokes = statement.TimeOf(n.Now()), r.Stolen
	d.Closing = &party.Closing{Origin: prev.Origin, Size: tree.Size, Root: tree.Root[:]}
	l, err := succeed(prev, d, next, r.Recovery)
	if err != nil {
		return nil, err
	}
	row := store.Letter{Code: l.Code, Serial: int(l.Serial), Digest: l.Digest, Raw: l.Raw}
	if _, err := n.supersede(tx, prev, have, l, &row); err != nil {
		return nil, err
	}
	return l, n.Journal.Close(tx)
}

// takeNextKeys puts new keys into their place where a rotation was broken off after its letter was kept.
func (n *Node) takeNextKeys(ctx context.Context) error {
	file := n.path(n.Config.Keys) + nextKeys
	if _, err := os.Lstat(file); err != nil {
		return nil
	}
	l, err := n.OwnLetter(ctx)
	if err != nil || l.Origin == n.Keys.Origin() {
		return nil // broken off before that: the keys beside are nobody's
	}
	next, err := keystore.Load(file, lockOf(n.Dir, n.Config))
	if err != nil {
		return err
	}
	if next.Origin() != l.Origin || next.TLSDigest() != l.TLS {
		return nil
	}
	if err := moveSynced(file, n.path(n.Config.Keys)); err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "the new keys cannot be put into their place")
	}
	n.Keys = next
	return nil
}

// moveSynced renames a file, for good.
func moveSynced(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (n *Node) markPath(origin party.Origin) string {
	return n.path(fmt.Sprintf("%s-%d", markName, origin.Serial()))
}

// formerLetters lists, for each own log that was closed, the last letter that named it; the oldest first.
func (n *Node) formerLetters(ctx context.Context) (out []*party.Letter, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		held, err := n.Exchange.Held(tx, n.Config.Code)
		if fault.CodeOf(err) == fault.Unknown {
			return nil // the store is older than the letter; doctor says so
		}
		out = nil
		for i, l := range held {
			if l.Origin != n.Keys.Origin() && i+1 < len(held) && held[i+1].Origin != l.Origin {
				out = append(out, l)
			}
		}
		return err
	})
	return out, err
}

// formerLogs lists the own logs that were closed, the oldest first.
func (n *Node) formerLogs(ctx context.Context) ([]party.Origin, error) {
	letters, err := n.formerLetters(ctx)
	out := make([]party.Origin, 0, len(letters))
	for _, l := range letters {
		out = append(out, l.Origin)
	}
	return slices.Clip(out), err
}
