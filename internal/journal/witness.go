package journal

import (
	"bytes"
	"strconv"
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
	// Another process may have noted it whose clock is a little ahead; what lies further ahead was noted by a clock that has been set right since.
	if t, err := statement.ParseTime(last); err == nil && now.Sub(t.Std()).Abs() < max(w.Every, WitnessInterval) {
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
	if err := tx.SetMeta(cosignedSize(cp.Origin), strconv.FormatInt(cp.Size, 10)); err != nil {
		return false, err
	}
	return true, tx.SetMeta(key, statement.TimeOf(now).String())
}

// cosignedSize names the note of the size of a log that this node cosigned last.
func cosignedSize(origin party.Origin) string { return "cosigned-size:" + string(origin) }

// CosignedSize is the size of a log that this node cosigned last; 0 when it never did.
func CosignedSize(tx store.Tx, origin party.Origin) (int64, error) {
	noted, err := tx.Meta(cosignedSize(origin))
	if err != nil {
		return 0, err
	}
	size, err := strconv.ParseInt(noted, 10, 64)
	if err != nil {
		return 0, nil
	}
	return size, nil
}

// Cosigned is the checkpoint of a log that this node cosigned last; fault.NotFound when it never did.
func Cosigned(tx store.Tx, origin party.Origin) (found store.Checkpoint, err error) {
	size, err := CosignedSize(tx, origin)
	if err != nil {
		return found, err
	}
	if size == 0 {
		return found, fault.New(fault.NotFound, "LOG-11", "no checkpoint of %s was cosigned here", origin)
	}
	err = tx.Checkpoints(origin, size, func(c store.Checkpoint) bool {
		if c.Size == size && c.Proven {
			found = c
		}
		return c.Size <= size && found.Size == 0
	})
	if err == nil && found.Size == 0 {
		err = fault.New(fault.NotFound, "LOG-11", "no checkpoint of %s was cosigned here", origin)
	}
	return found, err
}

// textOf is a signed note up to the blank line before its signatures, that line included.
func textOf(note []byte) []byte {
	if i := bytes.Index(note, []byte("\n\n")); i >= 0 {
		return bytes.Clone(note[:i+2])
	}
	return bytes.Clone(note)
}
