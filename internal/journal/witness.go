package journal

import (
	"bytes"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// WitnessInterval is the least time between two cosignatures of one origin's checkpoints.
const WitnessInterval = 60 * time.Second

// Witness cosigns other parties' checkpoints. Name is the name in the witness's letter (LTR-3).
type Witness struct {
	Name   string
	Signer party.Signer
	Every  time.Duration // at least WitnessInterval; tests of many days may want more
}

// Cosign adds this node's cosignature to a checkpoint of another log that was found consistent, unless it cosigned that log less than the
// interval ago. It reports whether it did.
func (w Witness) Cosign(tx store.Tx, cp store.Checkpoint, now time.Time) (bool, error) {
	// spec: LOG-11
	if !cp.Proven {
		return false, fault.New(fault.Internal, "LOG-11", "a checkpoint that is not proven is not cosigned")
	}
	key := "cosigned:" + string(cp.Origin)
	last, err := tx.Meta(key)
	if err != nil {
		return false, err
	}
	if t, err := statement.ParseTime(last); err == nil && now.Sub(t.Std()) < max(w.Every, WitnessInterval) && !now.Before(t.Std()) {
		return false, nil
	}
	lines, err := translog.Cosign(w.Signer, w.Name, translog.Checkpoint{
		Tree: translog.Tree{Origin: cp.Origin, Size: cp.Size, Root: cp.Root}, Time: cp.Time.Std(), Note: cp.Note,
	}, now)
	if err != nil {
		return false, err
	}
	if cp.Note, err = translog.MergeSignatures(cp.Note, append(textOf(cp.Note), lines...)); err != nil {
		return false, err
	}
	cp.Cosigs++
	if err := tx.PutCheckpoint(cp); err != nil {
		return false, err
	}
	return true, tx.SetMeta(key, statement.TimeOf(now).String())
}

// textOf is a signed note up to the blank line before its signatures, that line included.
func textOf(note []byte) []byte {
	if i := bytes.Index(note, []byte("\n\n")); i >= 0 {
		return bytes.Clone(note[:i+2])
	}
	return bytes.Clone(note)
}
