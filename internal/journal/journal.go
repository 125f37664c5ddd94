package journal

import (
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/failpoint"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// Journal sequences one log. It keeps no state of its own beside the mark, so that several processes may use one store: what it
// needs it reads in the caller's transaction. It is safe for concurrent use as far as its caller's transactions are serialised.
type Journal struct {
	origin party.Origin
	signer party.Signer
	mark   *Mark
	memo   *translog.Memo

	reached failpoint.Func       // set by Reached, before use
	permit  func(store.Tx) error // set by Permit, before use; nil permits
}

// memoRoom is how many tiles of all logs are remembered with their inner nodes: 4 MiB.
const memoRoom = 256

// New makes the journal of the log that signer's keys belong to.
func New(origin party.Origin, signer party.Signer, mark *Mark) *Journal {
	return &Journal{origin: origin, signer: signer, mark: mark, memo: translog.NewMemo(memoRoom)}
}

// Origin is the log that this journal writes.
func (j *Journal) Origin() party.Origin { return j.origin }

// Permit has f asked, in the transaction, before anything is signed: what the mark in this folder alone cannot know. It is called before the journal is used.
func (j *Journal) Permit(f func(tx store.Tx) error) { j.permit = f }

// Permitted tells whether this node may sign now: its own log, or another's.
func (j *Journal) Permitted(tx store.Tx) error {
	// spec: LOG-12
	if j.permit == nil {
		return nil
	}
	return j.permit(tx)
}

// Tiles reads a log's tiles in a transaction.
type Tiles struct {
	Log    store.Log
	Origin party.Origin
}

// Tile implements translog.Tiles.
func (t Tiles) Tile(level int, n int64) ([]byte, error) { return t.Log.Tile(t.Origin, level, n) }

// Tiles reads the tiles of the own or of another log in a transaction, and remembers what it had to hash.
func (j *Journal) Tiles(log store.Log, origin party.Origin) translog.Tiles {
	return j.memo.Over(string(origin), Tiles{log, origin})
}

// Append writes the leaves of ids from index first on, which must be the log's length, and signs the checkpoint that covers them, all in the
// caller's transaction. After the commit, and before anything leaves, the caller calls Settle. An error is fatal to the transaction.
func (j *Journal) Append(tx store.Tx, first int64, ids []statement.ID, now time.Time) (translog.Tree, error) {
	// spec: LOG-1
	tree := translog.Tree{Origin: j.origin, Size: first + int64(len(ids))}
	if tree.Size > translog.MaxSize {
		return tree, fault.New(fault.TooLarge, "LOG-13", "the log is full")
	}
	if err := j.settled(tx, first); err != nil {
		return tree, err
	}
	if err := j.Permitted(tx); err != nil {
		return tree, err
	}
	root, changed, err := translog.Append(first, j.Tiles(tx, j.origin), ids)
	if err != nil {
		return tree, err
	}
	tree.Root = root
	for _, t := range changed {
		if err := tx.PutTile(j.origin, t.Level, t.N, t.Hashes); err != nil {
			return tree, err
		}
	}
	j.reached.At(pointTiles)
	note, err := translog.SignCheckpoint(j.signer, tree, now)
	if err != nil {
		return tree, err
	}
	j.reached.At(pointSigned)
	defer j.reached.At(pointNoted)
	return tree, tx.PutCheckpoint(store.Checkpoint{
		Origin: j.origin, Size: tree.Size, Root: root, Time: statement.TimeOf(now.Truncate(time.Second)), Note: note, Proven: true,
	})
}

// settled makes sure that this log may go on from here, and that the mark covers what is committed before anything is written upon it: a mark that
// can't be written stops the log here.
func (j *Journal) settled(tx store.Tx, length int64) error {
	// spec: LOG-12
	m, err := j.mark.Read()
	if err == nil {
		err = j.upon(tx, m, length)
	}
	if err != nil || m.Size == length && (length == 0 || tx.Alone()) {
		return err
	}
	newest, err := Newest(tx, j.origin)
	if err != nil {
		return err
	}
	return j.mark.Advance(newest)
}

// Settle puts t into the mark. Nothing that t proves may leave the node before it has returned nil.
func (j *Journal) Settle(t translog.Tree) error { return j.mark.Advance(t) }

// Newest is the tree of a log's newest proven checkpoint; the empty tree when there is none.
func Newest(tx store.Log, origin party.Origin) (translog.Tree, error) {
	cp, err := tx.Newest(origin)
	if fault.CodeOf(err) == fault.NotFound {
		return translog.Tree{Origin: origin}, nil
	}
	return translog.Tree{Origin: origin, Size: cp.Size, Root: cp.Root}, err
}

// Keys are the public keys that the log's checkpoints are signed with.
func (j *Journal) Keys() (party.PublicKeys, error) { return j.signer.PublicKeys(party.RoleLog) }
