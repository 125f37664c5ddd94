package exchange

import (
	"strconv"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// gossip takes the checkpoints of other logs that came along: cosignatures of this node's own, and views of third parties' that are held
// against what they showed here. What is wrong with such a note is its author's doing or nobody's, so it is passed over and the packet goes on.
func (r *receiving) gossip() error {
	for _, note := range r.in.notes {
		origin, err := translog.PeekOrigin(note)
		if err == nil && origin != r.in.cp.Origin { // the packet's own checkpoint has been looked at
			err = r.view(origin, note)
		}
		switch fault.CodeOf(err) {
		case "":
		case fault.Malformed, fault.NotAuthentic, fault.TooLarge, fault.Revoked:
			r.x.Log.WarnContext(r.in.ctx, "a checkpoint that a peer showed was passed over", "origin", string(origin), "shown_by", string(r.in.sender), "error", err)
		default:
			return err
		}
	}
	return nil
}

// view takes one checkpoint that the sender knows.
func (r *receiving) view(origin party.Origin, note []byte) error {
	letter, err := r.letterOf(origin.Code())
	if fault.CodeOf(err) == fault.Unknown || err == nil && letter.Origin != origin {
		return nil // of a party that is not known here, or of a log that is closed: nothing can be said of it
	}
	if err != nil {
		return err
	}
	cp, err := translog.OpenCheckpoint(note, origin, letter.Log)
	if err != nil {
		return err
	}
	var have *store.Checkpoint
	err = r.b.tx.Checkpoints(origin, cp.Size, func(c store.Checkpoint) bool {
		if c.Size == cp.Size && (have == nil || c.Proven) {
			have = &c
		}
		return c.Size <= cp.Size
	})
	if err == nil && origin == r.x.Journal.Origin() && (have == nil || have.Root != cp.Root) {
		err = r.x.shown(r.b.tx, r.in.sender, cp)
	}
	switch {
	case err != nil:
		return err
	case have != nil && have.Root != cp.Root:
		// It is the log's owner that is at fault, not who shows it: the packet goes on.
		return r.foundFork(origin, cp.Note, have.Note)
	case have != nil:
		return r.cosigned(*have, note)
	}
	n, kept, err := r.cosigners(note, origin)
	if err != nil {
		return err
	}
	if origin.Code() == r.x.Self {
		return r.x.keepShown(r.b.tx, cp, kept, n)
	}
	if err := r.openView(origin, cp.Size); err != nil {
		return err
	}
	return r.b.tx.PutCheckpoint(store.Checkpoint{
		Origin: origin, Size: cp.Size, Root: cp.Root, Time: statement.TimeOf(cp.Time), Note: kept, Cosigs: n,
	})
}

// ViewKey names the note of the smallest size of a log whose checkpoint somebody showed and that is not known to be consistent with what the log itself showed.
func ViewKey(origin party.Origin) string { return "view:" + string(origin) }

func (r *receiving) openView(origin party.Origin, size int64) error {
	have, err := r.b.tx.Meta(ViewKey(origin))
	if err != nil {
		return err
	}
	if n, err := strconv.ParseInt(have, 10, 64); err == nil && n <= size {
		return nil
	}
	return r.b.tx.SetMeta(ViewKey(origin), strconv.FormatInt(size, 10))
}

// foundFork keeps the proof that a log has two histories.
func (r *receiving) foundFork(origin party.Origin, a, b []byte) error {
	// spec: LOG-9
	r.x.Log.ErrorContext(r.in.ctx, "FORK: a log has two histories", "origin", string(origin), "shown_by", string(r.in.sender))
	return r.b.tx.PutFork(store.Fork{Origin: origin, NoteA: a, NoteB: b, Found: r.now, Why: "equal-size"})
}

// cosigned adds the cosignatures of a note to a checkpoint that is here.
func (r *receiving) cosigned(have store.Checkpoint, note []byte) error {
	_, kept, err := r.cosigners(note, have.Origin)
	if err != nil {
		return err
	}
	merged, err := translog.MergeSignatures(have.Note, kept)
	if err != nil {
		return err
	}
	n, _, err := r.cosigners(merged, have.Origin)
	if err != nil {
		return err
	}
	if n == have.Cosigs {
		return nil
	}
	have.Note, have.Cosigs = merged, n
	r.noteCosigned(have, n)
	return r.b.tx.PutCheckpoint(have)
}

// cosigners counts the parties other than the author whose cosignature on a note counts, and drops every line that is neither theirs nor the log's.
func (r *receiving) cosigners(note []byte, origin party.Origin) (int, []byte, error) {
	// spec: LOG-11
	bare, err := translog.Keep(note, func(name string) bool { return name == string(origin) })
	if err != nil || len(bare) == len(note) { // the common case, in which no letter has to be read
		return 0, bare, err
	}
	counts, parties := map[string]bool{}, map[party.Code]bool{}
	var bad error
	err = r.b.tx.EachLetter(func(row store.Letter) bool {
		// What a party's witness signed before its keys were changed in order still counts (EVD-4).
		if row.Status != store.LetterConfirmed && row.Status != store.LetterSuperseded || row.Code == origin.Code() {
			return true
		}
		l, err := r.x.Parsed(row)
		if err != nil {
			bad = err
			return false
		}
		if _, ok := translog.Cosignatures(note, l.Witness.Name, l.Witness.PublicKeys); ok {
			counts[l.Witness.Name], parties[row.Code] = true, true
		}
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return 0, nil, err
	}
	kept, err := translog.Keep(note, func(name string) bool { return name == string(origin) || counts[name] })
	return len(parties), kept, err
}

// letterOf is the confirmed letter of a party, this node's own included.
func (r *receiving) letterOf(code party.Code) (*party.Letter, error) { return r.x.letter(r.b.tx, code) }
