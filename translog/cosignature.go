package translog

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

// Cosignature says that a witness found a checkpoint consistent with all that it knew of that log.
type Cosignature struct {
	Name string    // of the witness's keys, such as XB/witness/1
	Time time.Time // whole seconds, UTC, by the witness's clock
}

// Cosign makes a witness's two signature lines for a checkpoint that the caller has opened and found consistent (LOG-11). Put behind the
// note, or given to MergeSignatures with its text, they make it a cosigned one.
func Cosign(s party.Signer, name string, cp Checkpoint, at time.Time) (lines []byte, err error) {
	// spec: LOG-11
	if !isKeyName(name) || len(name) > 255 || name == string(cp.Origin) {
		return nil, fault.New(fault.Malformed, "LTR-3", "a witness is named like XB/witness/1")
	}
	if err := cp.check(); err != nil {
		return nil, err
	}
	if err := checkTime(at.Unix()); err != nil {
		return nil, err
	}
	keys, err := s.PublicKeys(party.RoleWitness)
	if err != nil {
		return nil, err
	}
	classic, err := s.Sign(party.RoleWitness, party.Ed25519, "", fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at.Unix(), cp.text()))
	if err != nil {
		return nil, err
	}
	quantum, err := signSubtree(s, party.RoleWitness, name, cp.Tree, at)
	if err != nil {
		return nil, err
	}
	lines = signature{name, slices.Concat(keyID(name, typeCosignature, keys.Ed25519), stamp(at), classic)}.append(nil)
	return signature{name, slices.Concat(keyID(name, typeSubtree, keys.MLDSA44), quantum)}.append(lines), nil
}

// Cosignatures finds the earliest cosignature of a witness on a note: two lines by its keys with one time, both of which verify. Lines that
// do not are passed over, since anybody can hang them on a note. It says nothing of the log's own signatures.
func Cosignatures(b []byte, name string, keys party.PublicKeys) (Cosignature, bool) {
	t, sigs, err := openNote(b)
	if err != nil || name == string(t.Origin) {
		return Cosignature{}, false
	}
	sigs = slices.DeleteFunc(sigs, func(s signature) bool { return s.name != name || len(s.made()) < timestampSize })
	if len(sigs) < 2 {
		return Cosignature{}, false // the common case, before any key is unpacked
	}
	classic, quantum, err := verifiers(name, typeCosignature, keys)
	if err != nil {
		return Cosignature{}, false
	}
	// spec: LOG-11
	text := t.text()
	first := verified(sigs, classic, text)
	second := verified(sigs, quantum, text)
	for _, seconds := range first {
		if at := time.Unix(int64(seconds), 0).UTC(); slices.Contains(second, seconds) && checkTime(at.Unix()) == nil {
			return Cosignature{name, at}, true
		}
	}
	return Cosignature{}, false
}

// verified are the times of the lines that v verifies, earliest first.
func verified(sigs []signature, v note.Verifier, text []byte) (seconds []uint64) {
	for _, s := range sigs {
		if s.by(v) && v.Verify(text, s.made()) {
			seconds = append(seconds, binary.BigEndian.Uint64(s.made()))
		}
	}
	slices.Sort(seconds)
	return seconds
}
