package journal

import (
	"context"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// Condition says how a store stands to what has left this node under the log's keys.
type Condition string

// The conditions. In all but the first nothing is signed.
const (
	Sound    Condition = "sound"
	Behind   Condition = "behind"   // it lacks, or disagrees with, what has left: by the mark, or by a checkpoint that a peer showed (LOG-12)
	Restored Condition = "restored" // it is another copy of the data than the mark goes with: what has left since is not known (LOG-14)
	Forked   Condition = "forked"   // the log's own keys have signed what this log never was (LOG-9)
	Closed   Condition = "closed"   // a later letter has closed the log (LTR-7)
	Waiting  Condition = "waiting"  // whoever shares the data has not permitted it (Permit)
)

// Standing is what a look at store and mark has found.
type Standing struct {
	Condition Condition
	Size      int64         // leaves of the log in the store
	Known     translog.Tree // the greatest tree that is known to have left; of no size where none has
	Store     string        // the store's incarnation
	Damaged   bool          // the mark cannot be read: what has left is known by peers alone
	err       error
}

// Err is what is answered to whoever would have something signed; nil in a sound store.
func (s Standing) Err() error { return s.err }

func (s *Standing) is(c Condition, err error) {
	if s.Condition == Sound {
		s.Condition, s.err = c, err
	}
}

func behind(size, known int64) error {
	return fault.New(fault.Behind, "LOG-12",
		"the store has %d leaves, but %d have left this node: it was restored from an older copy, and signs nothing until that is mended", size, known)
}

func restored() error {
	// spec: LOG-14
	return fault.New(fault.Behind, "LOG-14", "the store was put back from a copy, or went over to another server: nothing is signed until every peer has said how much of the log it has")
}

// Stand looks how the store stands. The error says that it could not be found out.
func (j *Journal) Stand(ctx context.Context, s store.Store) (Standing, error) {
	// spec: LOG-12, LOG-14
	out := Standing{Condition: Sound}
	// The mark first: it only follows the store, so a mark that was read earlier is never ahead of a store that is as it should be.
	m, err := j.mark.Read()
	if fault.CodeOf(err) == fault.Behind {
		out.Damaged = true
		out.is(Behind, err)
	} else if err != nil {
		return out, err
	}
	if err := s.View(ctx, func(tx store.Tx) error { return j.stand(tx, m, &out) }); err != nil {
		return out, err
	}
	if out.Damaged || j.permit != nil {
		return out, nil
	}
	same, err := j.mark.goesWith(m, out.Store)
	if err == nil && (!same || m.missing() && out.Size > 0) {
		out.is(Restored, restored())
	}
	return out, err
}

// stand looks at the store's part of it.
func (j *Journal) stand(tx store.Tx, m MarkValue, out *Standing) (err error) {
	if out.Store, err = tx.Incarnation(); err != nil {
		return err
	}
	if out.Size, err = tx.Length(j.origin); err != nil {
		return err
	}
	out.Known = translog.Tree{Origin: j.origin, Size: m.Size, Root: translog.Hash(m.Root)}
	if out.Damaged {
		m.Size = 0
		if out.Known, err = Newest(tx, j.origin); err != nil {
			return err
		}
	}
	switch {
	case m.Size > out.Size:
		out.is(Behind, behind(out.Size, m.Size))
	case m.Size > 0:
		root, err := translog.Root(m.Size, j.Tiles(tx, j.origin))
		if err != nil {
			return err
		}
		if root != translog.Hash(m.Root) {
			out.is(Behind, fault.New(fault.Behind, "LOG-12", "the store's first %d leaves are not those that have left this node", m.Size))
		}
	}
	h, err := j.halt(tx)
	if err != nil {
		return err
	}
	if h.ahead.Size > out.Known.Size {
		out.Known = h.ahead
	}
	if err := h.err(j.origin, out.Size); err != nil {
		if h.why != Behind { // the stronger of two reasons
			out.Condition = Sound
		}
		out.is(h.why, err)
	}
	if err := j.Permitted(tx); err != nil {
		out.is(Waiting, err)
	}
	return nil
}

// Check says at start whether the log may go on, and settles what an earlier process committed and did not live to settle. Error: fault.Behind, where
// nothing may be signed; fault.Revoked where the log is closed.
func (j *Journal) Check(ctx context.Context, s store.Store) error {
	// spec: LOG-12, LOG-14
	st, err := j.Stand(ctx, s)
	if err == nil && st.Condition != Waiting { // which passes, and is asked for with every signature
		err = st.Err()
	}
	if err != nil {
		return err
	}
	if err := j.mark.Adopt(st.Store); err != nil { // a first start, or a mark that an earlier version wrote
		return err
	}
	var newest translog.Tree
	if err := s.View(ctx, func(tx store.Tx) (err error) {
		newest, err = Newest(tx, j.origin)
		return err
	}); err != nil || newest.Size == 0 {
		return err
	}
	return j.Settle(newest)
}

// same makes sure that the store is still the copy of the data that the mark goes with: a server that has failed over may lack what was written last. Where
// several folders share the data, no one mark can tell, and who permits it (Permit) has held them all against it.
func (j *Journal) same(tx store.Tx, m MarkValue, length int64) error {
	// spec: LOG-14
	if j.permit != nil {
		return nil
	}
	if m.missing() && length > 0 {
		return restored()
	}
	name, err := tx.Incarnation()
	if err != nil {
		return err
	}
	same, err := j.mark.goesWith(m, name)
	if err == nil && !same {
		err = restored()
	}
	return err
}

// Resume lets the log go on in a store that was put back from a copy, once its peers have answered and it is known to lack nothing. Error: fault.Behind when
// the store is another one by now, or does lack something.
func (j *Journal) Resume(ctx context.Context, s store.Store, incarnation string) error {
	// spec: LOG-14
	st, err := j.Stand(ctx, s)
	switch {
	case err != nil:
		return err
	case st.Store != incarnation:
		return restored()
	case st.Damaged:
		err = j.mark.mend(st.Known, incarnation)
	case st.Condition != Sound && st.Condition != Restored:
		return st.Err()
	default:
		err = j.mark.Adopt(incarnation)
	}
	if err != nil {
		return err
	}
	return j.Check(ctx, s)
}

// stop notes that a tree has left that the store does not have. The mark only rises, and what raises it is signed: it may stay, whatever becomes of the transaction.
func (j *Journal) stop(tx store.Tx, t translog.Tree) error {
	m, err := j.mark.Read()
	if err != nil {
		return err
	}
	if m.Size == t.Size && translog.Hash(m.Root) != t.Root {
		return tx.SetMeta(haltKey(j.origin), string(Forked))
	}
	if err := j.mark.Advance(t); err != nil {
		return err
	}
	return tx.SetMeta(haltKey(j.origin), string(Behind)+" "+strconv.FormatInt(t.Size, 10)+" "+statement.Digest(t.Root).String())
}

// haltKey names the note in the store of why a log does not go on.
func haltKey(origin party.Origin) string { return "halt:" + string(origin) }

// halt is that note. The zero value: it goes on.
type halt struct {
	why   Condition
	ahead translog.Tree // for Behind
}

func (j *Journal) halt(tx store.Tx) (h halt, err error) {
	text, err := tx.Meta(haltKey(j.origin))
	if err != nil || text == "" {
		return h, err
	}
	parts := strings.Split(text, " ")
	h.why = Condition(parts[0])
	if h.why != Behind {
		return h, nil
	}
	h.ahead.Origin = j.origin
	bad := fault.New(fault.Internal, "LOG-12", "the note of why the log does not go on is damaged")
	if len(parts) != 3 {
		return h, bad
	}
	root, err := statement.ParseDigest(parts[2])
	if err != nil {
		return h, bad
	}
	h.ahead.Root = translog.Hash(root)
	if h.ahead.Size, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return h, bad
	}
	return h, nil
}

// err is why nothing is signed in a store with that many leaves; nil when the log goes on.
func (h halt) err(origin party.Origin, size int64) error {
	switch {
	case h.why == Closed:
		return fault.New(fault.Revoked, "LTR-7", "the log %s was closed by a later letter: start the node again, with the keys of that letter", origin)
	case h.why == Forked:
		return fault.New(fault.Behind, "LOG-9", "a peer has shown a checkpoint that the keys of %s signed and that this log never was: nothing more is signed under it", origin)
	case h.ahead.Size > size:
		return behind(size, h.ahead.Size)
	}
	return nil
}

func (j *Journal) unhalted(tx store.Tx, length int64) error {
	h, err := j.halt(tx)
	if err != nil {
		return err
	}
	return h.err(j.origin, length)
}

// Close notes that a letter has closed the log: whatever process still has it open signs nothing more under it.
func (j *Journal) Close(tx store.Tx) error {
	// spec: LTR-7
	return tx.SetMeta(haltKey(j.origin), string(Closed))
}

// Reopen takes back that the log is behind, once the store holds all that was missing.
func (j *Journal) Reopen(tx store.Tx) error {
	h, err := j.halt(tx)
	if err != nil || h.why != Behind {
		return err
	}
	return tx.SetMeta(haltKey(j.origin), "")
}

// Shown takes a checkpoint of the own log that a peer showed and whose signatures hold. One that this store does not have stops the log at once and for good,
// in the mark and in the store alike: whoever signs upon less than has left makes a fork. It reports whether the store lacks it.
func (j *Journal) Shown(tx store.Tx, cp translog.Checkpoint) (lacks bool, err error) {
	// spec: LOG-12, LOG-14
	length, err := tx.Length(j.origin)
	if err != nil {
		return false, err
	}
	h, err := j.halt(tx)
	if err != nil {
		return false, err
	}
	if cp.Size > length {
		if h.why == Forked || h.why == Closed || h.ahead.Size >= cp.Size {
			return true, nil
		}
		return true, j.stop(tx, cp.Tree)
	}
	root, err := translog.Root(cp.Size, j.Tiles(tx, j.origin))
	if err != nil || root == cp.Root || h.why == Closed {
		return false, err
	}
	return true, tx.SetMeta(haltKey(j.origin), string(Forked))
}

// Ready tells whether something may be signed now, as cheaply as that can be told: nil, or what Stand would find.
func (j *Journal) Ready(ctx context.Context, s store.Store) error {
	// spec: LOG-12, LOG-14
	m, err := j.mark.Read() // before the store, which only grows meanwhile
	if err != nil {
		return err
	}
	return s.View(ctx, func(tx store.Tx) error {
		length, err := tx.Length(j.origin)
		if err == nil {
			err = j.Permitted(tx)
		}
		if err == nil {
			err = j.upon(tx, m, length)
		}
		return err
	})
}

// upon tells whether this log may go on in a store with so many leaves.
func (j *Journal) upon(tx store.Tx, m MarkValue, length int64) error {
	// spec: LOG-12
	if err := j.unhalted(tx, length); err != nil {
		return err
	}
	if length < m.Size {
		return behind(length, m.Size)
	}
	return j.same(tx, m, length)
}
